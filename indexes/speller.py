"""A question that finds nothing, corrected: one dictionary of the words as they stand in the notices, not of stems.

A word is corrected before it is searched, by the nearest word that the asker may find, first of all one that
stands in a document with the other words of the question, then the more frequent; measured, that finds the
wanted document far more often than searching for everything that resembles the stem (`docs/search.md`). The
dictionary is the index's own `word` field, read once per segment.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from indexes import lexicon, nearness
from indexes.analysis import stem
from indexes.evaluation import evaluate
from indexes.facets import Ids, Mask
from indexes.grammar import Clause, Query, Word
from indexes.reader import Leaf, Segment, Snapshot

SHORTEST = 4  # shorter words have too many neighbours
LONGEST = 24
COMPARED = 300  # candidates whose distance is computed, in each segment
PROPOSED = 40
SLIP = 200  # a word that stands in more than one document in so many is no slip (or in 20, on a small base)
WEIGHED = 8  # candidates that stand with the other words of the question
LOOKED_AT = 100  # documents
FITS = 0.8  # what a document that says all the words side by side in its title is worth, in edits

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_CODES = np.full(0x250, 37, np.uint16)  # any other sign
_CODES[[ord(letter) for letter in _LETTERS]] = np.arange(1, 37)
_CODES[0] = 0  # the edge of a word
_BASE = 38


@dataclass(frozen=True)
class Dictionary:
    """The words of one segment, shorter ones first, and which of them hold a given pair of neighbouring letters."""

    words: list[str]
    forms: list[str]
    counts: list[int]
    begins: NDArray[np.int64]  # where the words of each length do
    pair_starts: NDArray[np.int64]
    pair_words: NDArray[np.int32]

    @classmethod
    def of(cls, segment: Segment) -> Dictionary:
        known = lexicon.of(segment)
        fit = (n for n, word in enumerate(known.words) if SHORTEST <= len(word) <= LONGEST and word.isalpha())
        numbers = sorted(fit, key=lambda n: len(known.words[n]))
        words = [known.words[n] for n in numbers]
        begins = np.searchsorted(np.fromiter(map(len, words), np.int64, len(words)), np.arange(LONGEST + 4))
        pairs, owners = _pairs(words)
        order = np.argsort(pairs, kind="stable")
        starts = np.searchsorted(pairs[order], np.arange(_BASE * _BASE + 1))
        forms, counts = [known.forms[n] for n in numbers], [known.counts[n] for n in numbers]
        return cls(words, forms, counts, begins, starts, owners[order])

    def near(self, word: str, distance: int) -> dict[str, tuple[int, int, str]]:
        """word -> (distance, documents, form) of the words within that distance."""
        first, last = self.begins[len(word) - distance], self.begins[len(word) + distance + 1]
        pairs, _owners = _pairs([word])
        lists = [self._holding(pair, first, last) for pair in pairs.tolist()]
        shared = np.bincount(np.concatenate(lists) - first, minlength=last - first)
        candidates = np.flatnonzero(shared >= max(1, len(word) + 1 - 3 * distance))
        if len(candidates) > COMPARED:
            least = np.partition(shared[candidates], -COMPARED)[-COMPARED]
            candidates = candidates[shared[candidates] >= least]
            candidates = candidates[np.argsort(-shared[candidates], kind="stable")[:COMPARED]]
        out = {}
        for number in (candidates + first).tolist():
            found = OSA.distance(word, self.words[number], score_cutoff=distance)
            if found <= distance:
                out[self.words[number]] = (found, self.counts[number], self.forms[number])
        return out

    def _holding(self, pair: int, first: int, last: int) -> NDArray[np.int32]:
        """The words from `first` to `last` that hold this pair of letters."""
        words = self.pair_words[self.pair_starts[pair] : self.pair_starts[pair + 1]]
        return words[slice(*words.searchsorted((first, last)))]


@dataclass(frozen=True)
class _Near:
    """A word of the notices that resembles one of the question."""

    word: str
    form: str
    cost: float


def prepare(snapshot: Snapshot) -> None:
    """Make the dictionaries, which takes a second on a large base, before anybody waits for them."""
    for leaf in snapshot.leaves:
        _dictionary(leaf.segment)


def corrected(snapshot: Snapshot, query: Query, status: str, *, spared: Collection[Word] = ()) -> str | None:
    """A question that finds nothing, with the words changed that keep it from an answer; None when none is near.

    Words that nobody has written come first. Where each is known, but no document has them all, one of them may
    have become another word by a slip (« calcul lentils »): it is changed when a near one stands with the others.
    `spared`: words that are known to be right.
    """
    words = [word for word in query.words if _may_be_wrong(word) and word not in spared]
    unknown = [word for word in words if not is_known(snapshot, word.term, status)]
    if unknown:
        changes = _of_unknown(snapshot, query, unknown, status)
    elif len(query.positive) > 1:
        changes = _of_one(snapshot, query, words, status)
    else:
        changes = {}
    text = query.text
    for word in sorted(changes, key=lambda word: word.start, reverse=True):
        text = text[: word.start] + changes[word].form + text[word.end :]
    return text if changes else None


def _of_unknown(snapshot: Snapshot, query: Query, unknown: list[Word], status: str) -> dict[Word, _Near]:
    out: dict[Word, _Near] = {}
    for word in sorted(unknown, key=lambda word: -len(word.word)):
        left = [other for other in unknown if other not in out]
        near = sorted(_resembling(snapshot, word.word), key=_order)[:PROPOSED]
        fitting = _fitting(snapshot, query, out, left, word, near, status)
        apart = (n for n in near if is_known(snapshot, stem(n.word), status))
        if best := fitting or next(apart, None):
            out[word] = best
    return out


def _of_one(snapshot: Snapshot, query: Query, words: list[Word], status: str) -> dict[Word, _Near]:
    found: list[tuple[_Near, Word]] = []
    for word in words:
        held = sum(len(leaf.segment.postings(word.term).ids) for leaf in snapshot.leaves)
        if len(word.word) > SHORTEST and held * SLIP <= snapshot.size + 20 * SLIP:
            near = sorted(_resembling(snapshot, word.word, 1), key=_order)[:PROPOSED]
            others = [n for n in near if stem(n.word) != word.term]
            if best := _fitting(snapshot, query, {}, [word], word, others, status):
                found.append((best, word))
    return {word: best for best, word in sorted(found, key=lambda pair: _order(pair[0]))[:1]}


def _fitting(
    snapshot: Snapshot,
    query: Query,
    decided: Mapping[Word, _Near],
    left: list[Word],
    word: Word,
    near: list[_Near],
    status: str,
) -> _Near | None:
    """The word that fits best with the rest of the question: some document has both, the nearer the better."""
    if not near:
        return None
    rest = tuple(_rewritten(c, decided) for c in query.clauses if not any(_holds(c, other) for other in left))
    around = replace(query, clauses=rest, whole=())
    masks = _documents(snapshot, around, status)
    fitting: list[_Near] = []
    for candidate in near:
        term = stem(candidate.word)
        held = [leaf.segment.postings(term).ids for leaf in snapshot.leaves]
        if any(mask[ids].any() for mask, ids in zip(masks, held, strict=True)):
            asked = replace(around, clauses=_in_order((*rest, replace(word, term=term, word=candidate.word))))
            merit = nearness.best_merit(snapshot, asked, status) if around.positive else 0.0
            fitting.append(replace(candidate, cost=candidate.cost - FITS * merit))
        if len(fitting) == WEIGHED:
            break
    return min(fitting, key=_order, default=None)


def _order(near: _Near) -> tuple[float, str]:
    return near.cost, near.word


def _rewritten(clause: Clause, decided: Mapping[Word, _Near]) -> Clause:
    if isinstance(clause, Word) and clause in decided:
        return replace(clause, term=stem(decided[clause].word), word=decided[clause].word)
    return clause


def _in_order(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
    return tuple(sorted(clauses, key=lambda c: c.start if isinstance(c, Word) else 0))


def _documents(snapshot: Snapshot, query: Query, status: str) -> list[Mask]:
    """In each leaf, the documents that answer."""
    out = []
    for leaf, found in zip(snapshot.leaves, evaluate(snapshot, query, every=True), strict=True):
        mask = np.zeros(leaf.segment.size, np.bool_)
        mask[found.ids] = leaf.visible(status)[found.ids]
        out.append(mask)
    return out


def _holds(clause: Clause, word: Word) -> bool:
    return word in clause.words


def _may_be_wrong(word: Word) -> bool:
    return not word.prefix and SHORTEST <= len(word.word) <= LONGEST and word.word.isalpha()


def _resembling(snapshot: Snapshot, word: str, allowed: int = 0) -> list[_Near]:
    """The words of the notices that are near this one."""
    allowed = allowed or (1 if len(word) < 6 else 2)
    found: dict[str, tuple[int, int, str]] = {}
    for leaf in snapshot.leaves:
        for near, (distance, count, form) in _dictionary(leaf.segment).near(word, allowed).items():
            _distance, others, _form = found.get(near, (0, 0, ""))
            found[near] = (distance, count + others, form)
    return [_Near(near, form, _cost(word, near, n, count)) for near, (n, count, form) in found.items()]


def _dictionary(segment: Segment) -> Dictionary:
    return segment.derived("spelling", partial(Dictionary.of, segment))


def is_known(snapshot: Snapshot, term: str, status: str) -> bool:
    return any(_is_seen(leaf, leaf.segment.postings(term).ids, status) for leaf in snapshot.leaves)


def _is_seen(leaf: Leaf, ids: Ids, status: str) -> bool:
    """Whether one of these documents is visible; mostly one of the first ones is."""
    if not leaf.hides(status):
        return len(ids) > 0
    visible = leaf.visible(status)
    return bool(visible[ids[:LOOKED_AT]].any() or visible[ids[LOOKED_AT:]].any())


def _cost(asked: str, near: str, distance: int, count: int) -> float:
    """Few edits first, the usual ones (a letter doubled, two swapped) for less than one; then a first letter that
    stands, which people seldom miss; then frequency."""
    usual = 0.3 * (_squeezed(asked) == _squeezed(near)) + 0.2 * (sorted(asked) == sorted(near))
    return distance - usual + 0.4 * (asked[0] != near[0]) - 0.06 * math.log2(1 + count)


def _squeezed(word: str) -> str:
    return "".join(letter for letter, _same in groupby(word))


def _pairs(words: list[str]) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Every pair of neighbouring letters, edges included, as numbers, and whose word each one is."""
    width = LONGEST + 2
    letters = np.zeros((len(words), width), np.uint16)
    if words:
        signs = np.array(words, f"U{LONGEST}").view(np.uint32).reshape(len(words), LONGEST)
        letters[:, 1:-1] = _CODES[np.minimum(signs, len(_CODES) - 1)]
    pairs = letters[:, :-1] * np.uint16(_BASE) + letters[:, 1:]
    owners = np.broadcast_to(np.arange(len(words), dtype=np.int32)[:, None], pairs.shape)
    real = pairs > 0
    return pairs[real], owners[real]
