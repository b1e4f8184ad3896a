"""The texts of digital documents in the index: found by their words, page by page, and never in front of a notice.

A text stands in the one field of words, `all`, behind the parts of its notice: each page has a band of positions of
its own, so that a position says which document and which page, and a phrase never runs from one page into the next.
What may not be quoted has no order of words within a page: nobody reads it back by asking phrase after phrase.

Words of texts are in no dictionary: nothing that stands only there is ever proposed or corrected to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogue import digital
from indexes.analysis import tokens
from indexes.grammar import parse
from indexes.reader import Index, Leaf

START = 1 << 20  # behind every part of a notice (`schema.PARTS`)
PAGE = 1 << 11  # places of a page
PAGES = 1 << 11  # of a document
MOST = 1_000  # documents of a notice; positions have 32 bits
GAP = 64  # between the last word of a page that is very full and the first of the next
WEIGHT = 0.5  # of a word that stands on every page; in one page a quarter of that
HALF = 3  # pages


@dataclass(frozen=True)
class Text:
    """`quoted`: whether it may be, and so whether its words keep their order."""

    sha256: str
    quoted: bool


@dataclass(frozen=True)
class Found:
    """Where in the texts of a notice: the document, counted from 0 (`digital.searched`), and the page, from 1."""

    document: int
    page: int


def folder_beside(index: Path) -> Path:
    """The files lie beside the index, in the data directory (`Settings.files_dir`)."""
    return index.parent / "files"


def place(
    texts: Iterable[tuple[Sequence[str], bool]],
    weights: dict[str, float],
    positions: dict[str, list[int]],
) -> None:
    """Add the words of these texts, (pages, quoted), to those of their notice."""
    pages_of: Counter[str] = Counter()
    for number, (pages, quoted) in enumerate(texts):
        for page, words in enumerate(pages[:PAGES]):
            begins = START + (number * PAGES + page) * PAGE
            if quoted:
                placed: dict[str, list[int]] = {}
                for at, token in enumerate(tokens(words)):
                    if not token.stop:
                        placed.setdefault(token.term, []).append(begins + min(at, PAGE - GAP))
            else:
                placed = {token.term: [begins] for token in tokens(words) if not token.stop}
            for term, places in placed.items():
                positions.setdefault(term, []).extend(places)
            pages_of.update(placed.keys())
    for term, n in pages_of.items():
        weights[term] = weights.get(term, 0.0) + WEIGHT * n / (n + HALF)


def read(texts: Iterable[Text], folder: Path) -> list[tuple[list[str], bool]]:
    """What `place` wants; a text that is lost counts as one without pages."""
    return [(digital.read_pages(digital.text_path(folder, t.sha256)), t.quoted) for t in texts][:MOST]


def pages(index: Index, notice_ids: Iterable[int], query_text: str) -> dict[int, Found]:
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
