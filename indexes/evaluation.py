"""Which documents of a segment answer a question, and how well: numpy over posting lists.

A word's merit in a document is `rarity * w / (TAMED + w)`: `w` is the weight that the index gives it there
(BM25F, see `schema`), rarity the usual logarithm of how few documents hold it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.analysis import stem
from indexes.facets import Ids, Mask
from indexes.grammar import Clause, Exact, Phrase, Query, Word
from indexes.reader import Leaf, Postings, Segment, Snapshot
from indexes.schema import BAND, PARTS, SEPARATOR
from indexes.widening import Widening, widen

TAMED = 4.0
WHOLE_TITLE = 25.0  # for the document whose title is the question, word for word
EXACT_WEIGHT = 20.0

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Matches:
    """Documents of one leaf, in order, with their merit."""

    ids: Ids
    scores: Scores


def evaluate(snapshot: Snapshot, query: Query, *, every: bool, widenings: Sequence[Widening] = ()) -> list[Matches]:
    """One `Matches` a leaf. With `every`, all positive clauses must be met; else any of them.

    `widenings`: what is met by a theme as well as by words.
    """
    positive = query.positive
    lists = [[find(leaf.segment, clause) for clause in positive] for leaf in snapshot.leaves]
    rarities = [rarity(snapshot.size, sum(len(found[n].ids) for found in lists)) for n in range(len(positive))]
    out = []
    for leaf, found in zip(snapshot.leaves, lists, strict=True):
        lists_, rare = widen(leaf, positive, found, rarities, widenings) if widenings else (found, rarities)
        matches = (_all_of if every else _any_of)(leaf.segment.size, lists_, rare)
        if query.whole and not positive:
            matches = _NONE  # stop words or signs only: not the same as no question at all
        matches = _with_whole(leaf.segment, query.whole, matches)
        for clause in query.clauses:
            if clause.negative:
                matches = _without(matches, leaf.segment.size, find(leaf.segment, clause).ids)
        out.append(_within(matches, leaf, query.years))
    return out


def find(segment: Segment, clause: Clause) -> Postings:
    """The documents of one clause in one segment."""
    if isinstance(clause, Phrase):
        return _find_phrase(segment, clause)
    if isinstance(clause, Exact):
        return _find_exact(segment, clause)
    return _find_prefix(segment, clause) if clause.prefix else _find_word(segment, clause)


def rarity(documents: int, having: int) -> float:
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def intersect(left: NDArray[Any], right: NDArray[Any]) -> tuple[Mask, NDArray[np.int64]]:
    """For each of `left`: is it in `right`, and where. Both sorted, none twice."""
    if not len(right):
        return np.zeros(len(left), np.bool_), np.zeros(len(left), np.int64)
    places = np.searchsorted(right, left)
    places[places == len(right)] = 0
    return right[places] == left, places


def _find_word(segment: Segment, word: Word) -> Postings:
    postings = segment.postings(word.term)
    if not word.parts or not len(postings.ids):
        return postings
    inside = segment.places(word.term)
    inside = inside[_in_parts(inside, word.parts)]
    kept, _places = intersect(postings.ids, np.unique(inside >> 32).astype(np.int32))
    return Postings(postings.ids[kept], postings.weights[kept])


def _find_prefix(segment: Segment, word: Word) -> Postings:
    if not word.parts:
        ids = segment.begins(word.word)
        return Postings(ids, np.ones(len(ids), np.float32))
    found = np.zeros(segment.size, np.bool_)
    having = segment.begins(word.word)
    for term in {stem(form.split(SEPARATOR)[0]) for form in segment.words_beginning(word.word)}:
        ids = _find_word(segment, Word(term, "", 0, 0, parts=word.parts)).ids
        found[ids[intersect(ids, having)[0]]] = True
    ids = np.flatnonzero(found).astype(np.int32)
    return Postings(ids, np.ones(len(ids), np.float32))


def _find_phrase(segment: Segment, phrase: Phrase) -> Postings:
    """Positions carry their document's number, so a phrase is an intersection of shifted arrays."""
    first = phrase.words[0].term
    begins = segment.places(first)
    if phrase.parts:
        begins = begins[_in_parts(begins, phrase.parts)]
    for word, distance in zip(phrase.words[1:], phrase.distances[1:], strict=True):
        begins = begins[intersect(begins + distance, segment.places(word.term))[0]]
    held = begins >> 32  # in order: a document begins where its number does
    ids = held[np.diff(held, prepend=-1) > 0].astype(np.int32)
    postings = segment.postings(first)
    weights = postings.weights[np.searchsorted(postings.ids, ids)] if len(ids) else _NO_SCORES
    return Postings(ids, len(phrase.words) * weights)


def _find_exact(segment: Segment, exact: Exact) -> Postings:
    ids = segment.exact_begins(exact.key) if exact.prefix else segment.exact(exact.key)
    if not len(ids) and exact.otherwise:
        found = _all_of(segment.size, [_find_word(segment, word) for word in exact.otherwise], [1.0] * 99)
        ids = found.ids
    return Postings(ids, np.full(len(ids), EXACT_WEIGHT, np.float32))


def _in_parts(places: NDArray[np.int64], parts: Sequence[str]) -> Mask:
    bands = [PARTS[part].band for part in parts]
    return np.isin((places & 0xFFFFFFFF) // BAND, bands)


def _all_of(size: int, found: list[Postings], rarities: list[float]) -> Matches:
    if not found:
        return Matches(np.arange(size, dtype=np.int32), np.zeros(size, np.float32))
    shortest, *others = sorted(zip(found, rarities, strict=False), key=lambda pair: len(pair[0].ids))
    ids, scores = shortest[0].ids, _merit(shortest[1], shortest[0].weights)
    for postings, rare in others:
        held, weights = weights_of(size, ids, postings)
        ids, scores = ids[held], scores[held] + _merit(rare, weights)
    return Matches(ids, scores)


def weights_of(size: int, ids: Ids, postings: Postings) -> tuple[Mask, Scores]:
    """Which of these documents hold the term, and what it weighs in those."""
    if len(ids) * 16 < len(postings.ids):
        held, places = intersect(ids, postings.ids)
        return held, postings.weights[places[held]]
    weights = np.full(size, -1, np.float32)
    weights[postings.ids] = postings.weights
    found = weights[ids]
    held = found >= 0
    return held, found[held]


def _merit(rare: float, weights: NDArray[np.float32]) -> Scores:
    return np.float32(rare) * weights / (np.float32(TAMED) + weights)


def _any_of(size: int, found: list[Postings], rarities: list[float]) -> Matches:
    scores = np.zeros(size, np.float32)
    for postings, rare in zip(found, rarities, strict=True):
        scores[postings.ids] += _merit(rare, postings.weights)
    ids = np.flatnonzero(scores).astype(np.int32)
    return Matches(ids, scores[ids])


def _with_whole(segment: Segment, keys: Sequence[str], matches: Matches) -> Matches:
    """Add, and put first, what the whole question names: by title, call number or identifier."""
    lists = [ids for key in keys if len(ids := segment.exact(key))]
    if not lists:
        return matches
    named = np.unique(np.concatenate(lists))
    missing = named[~intersect(named, matches.ids)[0]]
    ids = np.concatenate((matches.ids, missing))
    scores = np.concatenate((matches.scores, np.zeros(len(missing), np.float32)))
    order = np.argsort(ids, kind="stable")
    ids, scores = ids[order], scores[order]
    scores[np.searchsorted(ids, named)] += np.float32(WHOLE_TITLE)
    return Matches(ids, scores)


def _without(matches: Matches, size: int, unwanted: Ids) -> Matches:
    wanted = np.ones(size, np.bool_)
    wanted[unwanted] = False
    kept = wanted[matches.ids]
    return Matches(matches.ids[kept], matches.scores[kept])


def _within(matches: Matches, leaf: Leaf, years: Sequence[tuple[int, int]]) -> Matches:
    for first, last in years:
        year = leaf.columns.years[matches.ids]
        kept = (year >= first) & (year <= last)
        matches = Matches(matches.ids[kept], matches.scores[kept])
    return matches


_NO_SCORES = np.zeros(0, np.float32)
_NONE = Matches(np.zeros(0, np.int32), _NO_SCORES)
