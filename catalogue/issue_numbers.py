"""The numbers of periodicals as they are printed: read, and written for another issue in the same shape. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

WIDEST = 6  # issues in one: « 12-13 » is two of them, « 12-47 » is something else


@dataclass(frozen=True, slots=True)
class Number:
    """« 12-13 » is 12 to 13; « 2024/3 » the third of 2024; what stands around the figures is kept."""

    first: int
    last: int
    year: int | None = None
    shape: str = "{n}"
    width: int = 0

    def of(self, first: int, last: int, year: int) -> str:
        words = str(first).zfill(self.width) + (f"-{str(last).zfill(self.width)}" if last > first else "")
        return self.shape.replace("{y}", str(year)).replace("{n}", words)


_SPECIAL = re.compile(r"hors[\s-]*s[ée]rie|\bh\.?s\.?\b|sp[ée]cial|suppl|\bindex\b|\btables?\b", re.I)
_YEAR_FIRST = re.compile(r"(?P<before>\D*)(?P<year>(?:19|20)\d\d)(?P<sign>\s*[-/,.]\s*(?:n[°o]\s*)?)(?P<n>\d{1,3})")
_YEAR_LAST = re.compile(r"(?P<before>\D*)(?P<n>\d{1,3})(?P<sign>\s*/\s*)(?P<year>(?:19|20)\d\d)")
_PLAIN = re.compile(
    r"(?P<before>(?:.*?\D)??)(?P<first>\d{1,6})(?:\s*(?:[-–/&]|à|et)\s*(?P<last>\d{1,6}))?(?P<after>\D*)", re.S
)


def is_special(text: str) -> bool:
    """« Hors-série », supplements, tables: they come when they like and count for nothing."""
    return bool(_SPECIAL.search(text))


@lru_cache(maxsize=20_000)
def parse_number(text: str) -> Number | None:
    """
    >>> [(n.first, n.last, n.year) for t in ("n° 212", "12-13", "112-13", "2024-3", "3/2024") if (n := parse_number(t))]
    [(212, 212, None), (12, 13, None), (112, 113, None), (3, 3, 2024), (3, 3, 2024)]
    >>> parse_number("hors-série 4"), parse_number("mars"), parse_number("vol. 8, n° 3").of(4, 4, 2024)
    (None, None, 'vol. 8, n° 4')
    """
    text = " ".join(text.split())[:80].replace("{", "(").replace("}", ")")
    if is_special(text):
        return None
    for pattern, shape in ((_YEAR_FIRST, "{before}{{y}}{sign}{{n}}"), (_YEAR_LAST, "{before}{{n}}{sign}{{y}}")):
        if found := pattern.fullmatch(text):
            n, shape = int(found["n"]), shape.format(before=found["before"], sign=found["sign"])
            return Number(n, n, int(found["year"]), shape, _width(found["n"]))
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    before, first, last, after = found["before"], found["first"], found["last"] or "", found["after"]
    end = int(first[: -len(last)] + last) if 1 < len(last) < len(first) else int(last or first)
    if not 0 <= end - int(first) < WIDEST:  # « 12-3 »: year 12, number 3
        before, first, end = text[: found.start("last")], last, int(last)
    return Number(int(first), end, None, f"{before}{{n}}{after}", _width(first))


def _width(figures: str) -> int:
    return len(figures) if figures.startswith("0") else 0


_TOLD = re.compile(r"\b(?:n°|no\.?|num[ée]ro)\s*(\d[\w./–-]*)", re.I)


def number_in(title: str) -> str:
    """The number that a title says, where the record has no place of its own for it: « Palier, n° 46 » is « 46 »."""
    found = _TOLD.search(title)
    return found[1].rstrip(".-–/") if found else ""
