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

from indexes.facets import Ids, Mask
from indexes.grammar import NAMES, All, Clause, Either, Exact, Phrase, Query, Word
from indexes.reader import Leaf, Postings, Segment, Snapshot
from indexes.schema import BAND, GAP, PARTS
from indexes.widening import Widening, widen

TAMED = 4.0
WHOLE = 25.0  # for the document whose title is the question, word for word; or its call number, its identifier
BARE_TITLE = 4.0  # for the one whose title says no more than the question, but for its little words
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
        lists_, rare = (
            widen(leaf, positive, found, rarities, widenings, every=every) if widenings else (found, rarities)
        )
        matches = (_all_of if every else _any_of)(leaf.segment.size, lists_, rare)
        if query.says_nothing:
            matches = _NONE
        matches = _with_whole(leaf.segment, query.whole, matches)
        for clause in query.clauses:
            if clause.negative:
                matches = _without(matches, leaf.segment.size, find(leaf.segment, clause).ids)
        out.append(_within(matches, leaf, query))
    return out


def find(segment: Segment, clause: Clause) -> Postings:
    """The documents of one clause in one segment."""
    if isinstance(clause, Phrase):
        return _find_phrase(segment, clause)
    if isinstance(clause, Exact):
        return _find_exact(segment, clause)
    if isinstance(clause, Either):
        return _find_either(segment, clause)
    if isinstance(clause, All):
        return _find_all(segment, clause)
    return _find_prefix(segment, clause) if clause.prefix else _find_word(segment, clause)


def rarity(documents: int, having: int) -> float:
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def intersect(left: NDArray[Any], right: NDArray[Any]) -> tuple[Mask, NDArray[np.int64]]:
    """For each of `left`: is it in `right`, and where. Both sorted, none twice."""
    if not len(right):
        return np.zeros(len(left), np.bool_), np.zeros(len(left), np.int64)
    places = right.searchsorted(left)
    np.minimum(places, len(right) - 1, out=places)
    return right.take(places) == left, places


def _find_word(segment: Segment, word: Word) -> Postings:
    postings = segment.postings(word.term)
    if not word.parts or not len(postings.ids):
        return postings
    ids = segment.keep(f"in {word.parts}", word.term, lambda: _inside(segment.places(word.term), word.parts))
    return Postings(ids, postings.weights[postings.ids.searchsorted(ids)])


def _find_prefix(segment: Segment, word: Word) -> Postings:
    ids = segment.begins(word.word)
    if word.parts:
        ids = segment.keep(f"begins in {word.parts}", word.word, lambda: _beginning_inside(segment, word))
    return Postings(ids, np.ones(len(ids), np.float32))


def _inside(places: NDArray[np.int64], parts: Sequence[str]) -> Ids:
    """The documents that have one of these places in one of these parts."""
    return _documents_of(places[_in_parts(places, parts)])


def _beginning_inside(segment: Segment, word: Word) -> Ids:
    """A term stands for other words too: those documents only that have one which begins so, wherever it is."""
    ids = _inside(segment.places_beginning(word.word), word.parts)
    return ids[intersect(ids, segment.begins(word.word))[0]]


def _find_phrase(segment: Segment, phrase: Phrase) -> Postings:
    """Positions carry their document's number, so a phrase is an intersection of shifted arrays."""
    stands = [_places(segment, word) for word in phrase.words]
    shifted = sorted(zip(stands, phrase.distances, strict=True), key=lambda pair: len(pair[0]))
    begins = shifted[0][0] - shifted[0][1]
    for places, distance in shifted[1:]:
        begins = begins[intersect(begins + distance, places)[0]]
    if phrase.parts:
        begins = begins[_in_parts(begins, phrase.parts)]
    ids = _documents_of(begins)
    if phrase.parts in ((), NAMES):
        named = _documents_of(_names(stands))
        ids = np.union1d(ids, named) if len(named) else ids
    weights = np.ones(len(ids), np.float32)
    if len(ids) and not phrase.words[0].prefix:
        postings = segment.postings(phrase.words[0].term)
        weights = postings.weights[np.searchsorted(postings.ids, ids)]
    return Postings(ids, len(phrase.words) * weights)


def _places(segment: Segment, word: Word) -> NDArray[np.int64]:
    if word.prefix:
        return segment.keep("places begins", word.word, lambda: segment.places_beginning(word.word))
    return segment.places(word.term)


def _names(places: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where the words stand in one name, in any order: « Marc Dupont » is kept as « Dupont, Marc »."""
    shortest, *others = sorted(places, key=len)
    found = shortest[_in_parts(shortest, NAMES)]
    for other in others:
        found = found[other.searchsorted(found - GAP, "right") < other.searchsorted(found + GAP)]
    return found


def _find_either(segment: Segment, either: Either) -> Postings:
    weights = np.zeros(segment.size, np.float32)
    for option in either.options:
        postings = find(segment, option)
        weights[postings.ids] = np.maximum(weights[postings.ids], postings.weights)
    ids = np.flatnonzero(weights).astype(np.int32)
    return Postings(ids, weights[ids])


def _find_all(segment: Segment, whole: All) -> Postings:
    found = [find(segment, clause) for clause in whole.clauses]
    both = found[0].ids
    for postings in found[1:]:
        both = both[intersect(both, postings.ids)[0]]
    weights = [postings.weights[postings.ids.searchsorted(both)] for postings in found]
    return Postings(both, np.mean(weights, axis=0, dtype=np.float32))


def _find_exact(segment: Segment, exact: Exact) -> Postings:
    ids = segment.exact_begins(exact.key) if exact.prefix else segment.exact(exact.key)
    if not len(ids) and exact.otherwise:
        found = _all_of(segment.size, [_find_word(segment, word) for word in exact.otherwise], [1.0] * 99)
        ids = found.ids
    return Postings(ids, np.full(len(ids), EXACT_WEIGHT, np.float32))


def _documents_of(places: NDArray[np.int64]) -> Ids:
    """The documents of these places, which are in order: one begins where its number does."""
    held = places >> 32
    return held[np.diff(held, prepend=-1) > 0].astype(np.int32)


def _in_parts(places: NDArray[np.int64], parts: Sequence[str]) -> Mask:
    bands = (places & 0xFFFFFFFF) // BAND
    out = np.zeros(len(places), np.bool_)
    for part in parts:
        out |= bands == PARTS[part].band
    return out


def _all_of(size: int, found: list[Postings], rarities: list[float]) -> Matches:
    if not found:
        return Matches(np.arange(size, dtype=np.int32), np.zeros(size, np.float32))
    shortest, *others = sorted(zip(found, rarities, strict=False), key=lambda pair: len(pair[0].ids))
    ids, scores = shortest[0].ids, _merit(shortest[1], shortest[0].weights)
    for postings, rare in others:
        held, weights = weights_of(size, ids, postings)
        if not held.all():
            ids, scores = ids[held], scores[held]
        scores = scores + _merit(rare, weights)
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
    ids = (scores > 0).nonzero()[0].astype(np.int32)
    return Matches(ids, scores.take(ids))


def _with_whole(segment: Segment, keys: Sequence[str], matches: Matches) -> Matches:
    """Add, and put first, what the whole question names: by title, call number or identifier."""
    lists = [(ids, BARE_TITLE if key.startswith("b") else WHOLE) for key in keys if len(ids := segment.exact(key))]
    if not lists:
        return matches
    named = np.unique(np.concatenate([ids for ids, _worth in lists]))
    missing = named[~intersect(named, matches.ids)[0]]
    ids = np.concatenate((matches.ids, missing))
    scores = np.concatenate((matches.scores, np.zeros(len(missing), np.float32)))
    order = np.argsort(ids, kind="stable")
    ids, scores = ids[order], scores[order]
    for these, worth in lists:
        scores[np.searchsorted(ids, these)] += np.float32(worth)
    return Matches(ids, scores)


def _without(matches: Matches, size: int, unwanted: Ids) -> Matches:
    wanted = np.ones(size, np.bool_)
    wanted[unwanted] = False
    kept = wanted[matches.ids]
    return Matches(matches.ids[kept], matches.scores[kept])


def _within(matches: Matches, leaf: Leaf, query: Query) -> Matches:
    groups = [(spans, True) for spans in query.years] + [((span,), False) for span in query.other_years]
    for spans, wanted in groups:
        year = leaf.columns.years[matches.ids]
        inside = np.zeros(len(year), np.bool_)
        for first, last in spans:
            inside |= (year >= first) & (year <= last)
        kept = inside == wanted
        matches = Matches(matches.ids[kept], matches.scores[kept])
    return matches


_NO_SCORES = np.zeros(0, np.float32)
_NONE = Matches(np.zeros(0, np.int32), _NO_SCORES)
