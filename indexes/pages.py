"""On which page of a document's text the words of a question stand, as the index knows it (`indexes.texts`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexes.grammar import parse
from indexes.reader import Index, Leaf
from indexes.texts import PAGE, PAGES, START


@dataclass(frozen=True)
class Found:
    """Where in the texts of a notice: the document, counted from 0 (`digital.searched`), and the page, from 1."""

    document: int
    page: int


def find(index: Index, notice_ids: Iterable[int], query_text: str) -> dict[int, Found]:
    """For each of these notices whose texts hold words of the question, the page with most of them, the first such."""
    wanted = np.fromiter(notice_ids, np.int64)
    terms = list(dict.fromkeys(w.term for w in parse(query_text).words if not (w.prefix or w.parts)))
    if not len(wanted) or not terms:
        return {}
    out: dict[int, Found] = {}
    for leaf in index.snapshot().leaves:
        numbers = np.flatnonzero(leaf.alive & np.isin(leaf.columns.notice_ids, wanted))
        for number in numbers.tolist():
            if best := _best_page(leaf, number, terms):
                out[int(leaf.columns.notice_ids[number])] = best
    return out


def _best_page(leaf: Leaf, number: int, terms: Sequence[str]) -> Found | None:
    having: Mapping[int, int] = Counter(page for term in terms for page in _pages_with(leaf, number, term))
    if not having:
        return None
    best = min(having, key=lambda page: (-having[page], page))
    return Found(best // PAGES, best % PAGES + 1)


def _pages_with(leaf: Leaf, number: int, term: str) -> list[int]:
    places = leaf.segment.places(term)
    first, last = np.searchsorted(places, (number << 32 | START, (number + 1) << 32))
    found: list[int] = np.unique(((places[first:last] & 0xFFFFFFFF) - START) // PAGE).tolist()
    return found
