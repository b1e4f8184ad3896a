"""What is printed of a document at the desk: the label of its spine, its notice on one sheet.

A label says the call number on three lines, large, and the code of the copy below. Two sizes that every stationer has;
each on a page of its own size (a label printer), or on the sheet of 65 or 21, from the first label that is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalogue.i18n import _, current_language
from export import codes, typesetting

_LABELS = Path(__file__).parent / "labels.typ"
_SHEET = Path(__file__).parent / "notice_sheet.typ"
LINES = 3
LONGEST_LINE = 26  # signs: beyond, nobody reads them at arm's length
LONGEST_BESIDE = 16  # signs that can still be read beside the QR code
LARGE_LINE = 7  # signs in 12 points on the small label, beside its QR code
PAPERS = ("a4", "a5")


@dataclass(frozen=True, slots=True)
class Size:
    """In millimetres. A sheet is A4: its first label stands at `left`, `top`, the next ones `step_x`, `step_y` away."""

    width: float
    height: float
    columns: int
    rows: int
    left: float
    top: float
    step_x: float
    step_y: float

    @property
    def on_a_sheet(self) -> int:
        return self.columns * self.rows


SIZES = {
    "38x21": Size(38.1, 21.2, 5, 13, 4.7, 10.7, 40.6, 21.2),
    "63x38": Size(63.5, 38.1, 3, 7, 7.2, 15.1, 66.0, 38.1),
}


@dataclass(frozen=True, slots=True)
class Label:
    """`qr`: a picture that leads to the copy, "" for none."""

    lines: tuple[str, ...]
    code: str
    qr: str = ""

    @property
    def is_long(self) -> bool:
        """Whether a line needs smaller letters on the small size."""
        return any(len(line) > LARGE_LINE for line in self.lines)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A notice on paper: facts are (what it is, what is said)."""

    title: str
    kicker: str
    facts: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, str], ...]  # call number, where
    permalink: str
    centre: str


def label(call_number: str, code: str, address: str = "") -> Label:
    """`address`: what its QR code says (/x/<code>, in full); a long call number needs the room for itself."""
    lines = lines_of(call_number)
    room = all(len(line) <= LONGEST_BESIDE for line in lines)
    return Label(lines, code, codes.svg(address) if address and room else "")


def lines_of(call_number: str) -> tuple[str, ...]:
    """A call number on three lines at most: its words, the shortest neighbours together where there are more.

    >>> lines_of("364.4 DUB"), lines_of("P GAZ 214"), lines_of("R 2019-2 T. 3 ANN")
    (('364.4', 'DUB'), ('P', 'GAZ', '214'), ('R 2019-2', 'T. 3', 'ANN'))
    >>> lines_of("")
    ()
    """
    words = call_number.split()
    while len(words) > LINES:
        at = min(range(len(words) - 1), key=lambda n: len(words[n]) + len(words[n + 1]))
        words[at : at + 2] = [f"{words[at]} {words[at + 1]}"]
    return tuple(w if len(w) <= LONGEST_LINE else w[: LONGEST_LINE - 1] + "…" for w in words)


def labels_pdf(
    labels: Sequence[Label], size: str, *, start: int = 0, offset: tuple[float, float] = (0, 0), ruled: bool = False
) -> bytes:
    """`start`: the place of the first one on its sheet, from 1; 0 for pages of the label's own size. `offset`: how far
    to the right and down everything goes, in millimetres. `ruled`: with the edges of every label, and rulers."""
    data: dict[str, Any] = {
        "language": current_language(),
        "title": _("Étiquettes de dos"),
        "size": asdict(SIZES[size]),
        "start": start,
        "offset": list(offset),
        "ruled": ruled,
        "labels": [asdict(one) for one in labels],
    }
    return typesetting.pdf(_LABELS, lambda _missing: data)


def sheet_pdf(sheet: Sheet, paper: str) -> bytes:
    data = asdict(sheet) | {
        "language": current_language(),
        "paper": paper if paper in PAPERS else PAPERS[0],
        "facts": _pairs(sheet.facts),
        "copies": _pairs(sheet.copies),
        "here": _("Où le trouver"),
        "title": sheet.title or _("Sans titre"),
    }
    return typesetting.pdf(_SHEET, lambda _missing: data)


def _pairs(rows: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"label": label_, "text": text} for label_, text in rows]
