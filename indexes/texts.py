"""The texts of digital documents in the index: found by their words, page by page, and never in front of a notice.

A text stands in the one field of words, `all`, behind the parts of its notice: each page has a band of positions of
its own, so that a position says which document and which page, and a phrase never runs from one page into the next.
What may not be quoted has no order of words within a page: nobody reads it back by asking phrase after phrase.

Words of texts are in no dictionary: nothing that stands only there is ever proposed or corrected to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from catalogue import file_store
from indexes.analysis import tokens

START = 1 << 20  # behind every part of a notice (`schema.PARTS`)
PAGE = 1 << 11  # places of a page
PAGES = 1 << 11  # of a document
MOST = 1_000  # documents of a notice; positions have 32 bits
GAP = 64  # between the last word of a page that is very full and the first of the next
WEIGHT = 0.5  # of a word that stands on every page; in one page a quarter of that
HALF = 3  # pages


Placed: TypeAlias = tuple[float, list[int]]


@dataclass(frozen=True)
class Text:
    """`quoted`: whether it may be, and so whether its words keep their order."""

    sha256: str
    quoted: bool


def folder_beside(index: Path) -> Path:
    """The files lie beside the index, in the data directory (`Settings.files_dir`)."""
    return index.parent / "files"


def place(texts: Iterable[tuple[Sequence[str], bool]], notice: dict[bytes, Placed]) -> dict[bytes, Placed]:
    """The words of a notice, each with its weight and positions, and those of its texts: (pages, quoted)."""
    positions: dict[bytes, list[int]] = {}
    pages_of: Counter[bytes] = Counter()
    for number, (pages, quoted) in enumerate(texts):
        for page, words in enumerate(pages[:PAGES]):
            begins = START + (number * PAGES + page) * PAGE
            if quoted:
                placed: dict[bytes, list[int]] = {}
                for at, token in enumerate(tokens(words)):
                    if not token.stop:
                        placed.setdefault(token.term.encode(), []).append(begins + min(at, PAGE - GAP))
            else:
                placed = {token.term.encode(): [begins] for token in tokens(words) if not token.stop}
            for term, places in placed.items():
                positions.setdefault(term, []).extend(places)
            pages_of.update(placed.keys())
    out = dict(notice)
    for term, n in pages_of.items():
        weight, places = notice.get(term, (0.0, []))
        out[term] = weight + WEIGHT * n / (n + HALF), places + positions[term]
    return out


def read(texts: Iterable[Text], folder: Path) -> list[tuple[list[str], bool]]:
    """What `place` wants; a text that is lost counts as one without pages."""
    return [(file_store.read_pages(file_store.text_path(folder, t.sha256)), t.quoted) for t in texts][:MOST]
