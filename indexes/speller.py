"""« Vouliez-vous dire… » : one dictionary of the words as they stand in the notices, not of their stems.

A word is corrected before it is searched, by the nearest word that the asker may find, the more frequent
first; measured, that finds the wanted document far more often than searching for everything that resembles
the stem (`SEARCH.md`, 6). The dictionary is the index's own `word` field, read once per segment.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexes.analysis import stem
from indexes.grammar import Query, Word
from indexes.reader import Segment, Snapshot
from indexes.schema import SEPARATOR

SHORTEST = 4  # shorter words have too many neighbours
LONGEST = 24
COMPARED = 300  # candidates whose distance is computed, in each segment
PROPOSED = 12

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_CODES = np.full(0x250, 37, np.int64)  # any other sign
_CODES[[ord(letter) for letter in _LETTERS]] = np.arange(1, 37)
_CODES[0] = 0  # the edge of a word
_BASE = 38


@dataclass(frozen=True)
class Dictionary:
    """The words of one segment, and which of them hold a given pair of neighbouring letters."""

    words: list[str]
    forms: list[str]
    counts: list[int]
    lengths: NDArray[np.int64]
    pair_starts: NDArray[np.int64]
    pair_words: NDArray[np.int64]

    @classmethod
    def of(cls, segment: Segment) -> Dictionary:
        best: dict[str, tuple[int, str]] = {}
        totals: Counter[str] = Counter()
        for entry, count in segment.dictionary().items():
            word, _separator, form = entry.partition(SEPARATOR)
            if SHORTEST <= len(word) <= LONGEST and word.isalpha():
                totals[word] += count
                best[word] = max(best.get(word, (0, "")), (count, form or word))
        words = list(totals)
        pairs, owners = _pairs(words)
        order = np.argsort(pairs, kind="stable")
        starts = np.searchsorted(pairs[order], np.arange(_BASE * _BASE + 1))
        lengths = np.fromiter((len(word) for word in words), np.int64, len(words))
        forms, counts = [best[word][1] for word in words], [totals[word] for word in words]
        return cls(words, forms, counts, lengths, starts, owners[order])

    def near(self, word: str, distance: int) -> dict[str, tuple[int, int, str]]:
        """word -> (distance, documents, form) of the words within that distance."""
        pairs, _owners = _pairs([word])
        lists = [self.pair_words[self.pair_starts[pair] : self.pair_starts[pair + 1]] for pair in pairs]
        shared = np.bincount(np.concatenate(lists), minlength=len(self.words))
        shared[np.abs(self.lengths - len(word)) > distance] = 0
        candidates = np.flatnonzero(shared >= max(1, len(word) + 1 - 3 * distance))
        if len(candidates) > COMPARED:
            candidates = candidates[np.argsort(-shared[candidates], kind="stable")[:COMPARED]]
        out = {}
        for number in candidates.tolist():
            found = edits(word, self.words[number], distance)
            if found <= distance:
                out[self.words[number]] = (found, self.counts[number], self.forms[number])
        return out


def suggest(snapshot: Snapshot, query: Query, status: str) -> str | None:
    """The question with its unknown words corrected; None when every word is known, or nothing is near."""
    text, changed = query.text, False
    for word in sorted(query.words, key=lambda w: w.start, reverse=True):
        if word.prefix or is_known(snapshot, word.term, status):
            continue
        if correction := correct(snapshot, word, status):
            text = text[: word.start] + correction + text[word.end :]
            changed = True
    return text if changed else None


def correct(snapshot: Snapshot, word: Word, status: str) -> str | None:
    """The best word that stands in a document the asker may see."""
    if not (SHORTEST <= len(word.word) <= LONGEST) or not word.word.isalpha():
        return None
    allowed = 1 if len(word.word) < 6 else 2
    found: dict[str, tuple[int, int, str]] = {}
    for leaf in snapshot.leaves:
        dictionary = leaf.segment.derived("spelling", partial(Dictionary.of, leaf.segment))
        for near, (distance, count, form) in dictionary.near(word.word, allowed).items():
            _distance, others, _form = found.get(near, (0, 0, ""))
            found[near] = (distance, count + others, form)
    ranked = sorted(found, key=lambda near: (_cost(word.word, near, *found[near][:2]), near))
    visible = (near for near in ranked[:PROPOSED] if is_known(snapshot, stem(near), status))
    best = next(visible, None)
    return found[best][2] if best else None


def is_known(snapshot: Snapshot, term: str, status: str) -> bool:
    return any(leaf.visible(status)[leaf.segment.postings(term).ids].any() for leaf in snapshot.leaves)


def edits(left: str, right: str, limit: int) -> int:
    """Letters to change, add, drop or swap with their neighbour; `limit` + 1 stands for more.

    >>> edits("dicsrimination", "discrimination", 2)
    1
    """
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return min(last[-1], limit + 1)


def _cost(asked: str, near: str, distance: int, count: int) -> float:
    """Few edits first; then a first letter that stands, which people seldom miss; then frequency."""
    return distance + 0.4 * (asked[0] != near[0]) - 0.06 * math.log2(1 + count)


def _pairs(words: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of neighbouring letters, edges included, as numbers, and whose word each one is."""
    width = LONGEST + 2
    letters = np.zeros((len(words), width), np.int64)
    if words:
        signs = np.array(words, f"U{LONGEST}").view(np.uint32).reshape(len(words), LONGEST)
        letters[:, 1:-1] = _CODES[np.minimum(signs, len(_CODES) - 1)]
    pairs = letters[:, :-1] * _BASE + letters[:, 1:]
    owners = np.broadcast_to(np.arange(len(words))[:, None], pairs.shape)
    real = pairs > 0
    return pairs[real], owners[real]
