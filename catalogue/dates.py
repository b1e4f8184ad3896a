"""Dates as people write them, and as they are understood. Pure.

The text is kept as it is; beside it stands what it says in EDTF (ISO 8601-2:2019, the Library of Congress's
profile), and a year to sort by. Nothing is made up: a month without a day stays a month, « [19..] » has no
year, « 31/02/2024 » is the year 2024 and a mistake to look at.

    2024 · 18 mars 2024 · mars-avril 2024 · 03/2024      2024 · 2024-03-18 · 2024-03/2024-04 · 2024-03
    printemps 2021 · 2e trimestre 2020                   2021-21 · 2020-34
    [ca 1975] · [1975?] · cop. 1968 · DL 2008            1975~ · 1975? · 1968 · 2008
    P 1983 à 1985 · 1982-83 · 1995- · ....-1989          1983/1985 · 1982/1983 · 1995/.. · ../1989
    [197-?] · [19..] · [entre 1970 et 1975]              197X · 19XX · [1970..1975]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise

from anyascii import anyascii

from catalogue.i18n import N_, _

EARLIEST, LATEST = 1400, 2100  # years of publication: other numbers of four digits are pages or prices


@dataclass(frozen=True, slots=True)
class Understood:
    """`edtf` is "" when nothing was understood; `year_end` is None for a single year or an open end.

    `impossible`: a day that no calendar has, which is left out of what was understood.
    """

    edtf: str = ""
    year: int | None = None
    year_end: int | None = None
    impossible: bool = False


UNKNOWN = Understood()

_MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "janvier january janv jan",
        "fevrier february fevr fev feb",
        "mars march mar",
        "avril april avr apr",
        "mai may",
        "juin june jun",
        "juillet july juil jul",
        "aout august aug",
        "septembre september sept sep",
        "octobre october oct",
        "novembre november nov",
        "decembre december dec",
    ),
    start=1,
):
    _MONTHS |= dict.fromkeys(_names.split(), _number)
# EDTF, level 1: seasons; level 2: quarters 33 to 36, semesters 40 and 41.
_SEASONS = {
    **dict.fromkeys(("printemps", "spring"), 21),
    **dict.fromkeys(("ete", "summer"), 22),
    **dict.fromkeys(("automne", "autumn", "fall"), 23),
    **dict.fromkeys(("hiver", "winter"), 24),
}
_MONTH = rf"({'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_SEASON = rf"({'|'.join(_SEASONS)})"
_Y = r"((?:1[4-9]|20)\d\d)(?!\d)"
_NO_DATE = re.compile(r"\W*(?:s\W*d|sd|sans date|n\W*d|date inconnue)\W*")
# What old cards say after the year: format, pages, price, legal deposit (« 1957. In-16 (20 cm), 311 p. 795 fr. »).
_IMPRINT = re.compile(r"\b(?:gr(?:and)?\.? )?in[- ](?:\d+|fol|plano).*|\[d\. ?l\..*", re.S)

# A year, whole or with signs for the digits that nobody knows.
_YEAR = re.compile(
    r"(?<!\d)(?:(?P<whole>(?:1[4-9]|20)\d\d)(?!\d)"
    r"|(?P<decade>1[4-9]\d|20\d)(?:-\?|\.{1,3}|[-?_x])(?![\d]{2})"
    r"|(?P<century>1[4-9]|20)(?:--\??|\.\.+|\?\?|__|xx)(?!\d))"
    r"(?P<doubt>\s?\(?\?\)?)?"
)
_ABOUT = re.compile(r"(?:\b(?:ca|circa|vers|env|environ|about)\b\.?|\bc\.)\s*\[?$")
_JOINED = re.compile(r"[\s.\]]*(?:-+|/|\ba\b|\bau\b|\bto\b|\bjusqu'en\b)[\s\[(]*(?:ca\b\.?\s*)?")
_OPEN = re.compile(r"[\s\].]*-[\s\].]*$")


@lru_cache(maxsize=20_000)
def understand(text: str) -> Understood:
    """What a date says, whoever wrote it."""
    plain = " ".join(anyascii(text).lower().split())
    if not any(c.isdigit() for c in plain) and not plain.startswith("m"):
        return UNKNOWN
    if _NO_DATE.fullmatch(plain):
        return UNKNOWN
    plain = _IMPRINT.sub("", plain)
    for rule in _RULES:
        if (found := rule(plain)) is not None:
            return found
    return UNKNOWN


def computed(text: str) -> Understood:
    """A date that a program worked out: PMB writes the 1st of January for a year alone (PMB.md, trap 8)."""
    found = understand(text)
    return Understood(text[:4], found.year) if re.fullmatch(r"\d{4}-01-01", text.strip()) else found


def coded(value: str) -> Understood:
    """UNIMARC 100 $a, positions 8 to 16: the type of date, then two dates of four signs (UNIMARC manual, 100)."""
    sort, first, last = value[8:9], value[9:13], value[13:17]
    start = _coded_year(first)
    if start is None:
        return UNKNOWN
    edtf, year, year_end = start
    if sort == "j" and (day := _day(first, last[:2], last[2:])) is not None:
        return day
    end = _coded_year(last)
    if sort == "a":
        return Understood(f"{edtf}/..", year)
    if sort in ("b", "g") and end is not None and end[1] is not None and year is not None and end[1] >= year:
        return Understood(f"{edtf}/{end[0]}" if end[0] != edtf else edtf, year, end[2] or end[1])
    if sort == "f" and end is not None and year is not None and end[1] is not None and end[1] > year:
        return Understood(f"[{edtf}..{end[0]}]", year, end[1])
    return Understood(edtf, year, year_end)


# « 1975~ » and its kin, in words. A plain year or day says all by itself.
_WORDS: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"(\d{4})~", N_("vers {0}")),
        (r"(\d{4})\?", N_("{0}, sans certitude")),
        (r"(\d{4})%", N_("vers {0}, sans certitude")),
        (r"(\d{3})X", N_("entre {0}0 et {0}9")),
        (r"(\d{2})XX", N_("entre {0}00 et {0}99")),
        (r"(\d{4})/\.\.", N_("depuis {0}")),
        (r"\.\./(\d{4})", N_("jusqu’en {0}")),
        (r"(\d{4})/(\d{4})", N_("de {0} à {1}")),
        (r"\[(\d{4})\.\.(\d{4})\]", N_("entre {0} et {1}")),
        (r"\[(\d{4}),(\d{4})\]", N_("{0} ou {1}")),
        (r"\[(\d{4})\.\.\]", N_("{0} ou plus tard")),
        (r"\[\.\.(\d{4})\]", N_("{0} ou plus tôt")),
    )
)


def in_words(edtf: str) -> str:
    """« vers 1975 » for "1975~", in the current language; "" where there is nothing to explain."""
    for pattern, words in _WORDS:
        if found := pattern.fullmatch(edtf):
            return _(words).format(*found.groups())
    return ""


def _coded_year(value: str) -> tuple[str, int | None, int | None] | None:
    value = value.lower()
    if value.isdigit():
        return (value, int(value), None) if EARLIEST <= int(value) <= LATEST else None
    if re.fullmatch(r"(1[4-9]\d|20\d)[u# ]", value):
        return value[:3] + "X", int(value[:3] + "0"), int(value[:3] + "9")
    if re.fullmatch(r"(1[4-9]|20)[u# ]{2}", value):
        return value[:2] + "XX", None, None
    return None


# --- rules, in order: the most exact first ---------------------------------------------------


def _iso(plain: str) -> Understood | None:
    if found := re.fullmatch(r"(\d{4})(-?)(\d\d)\2(\d\d)(?:t.*)?", plain):
        return _exact(found[1], found[3], found[4]) if EARLIEST <= int(found[1]) <= LATEST else UNKNOWN
    # « 2003-04 » may be a month or two years: what both have in common is taken.
    if found := re.fullmatch(rf"{_Y}-(\d\d)", plain):
        year, rest = int(found[1]), int(found[2])
        if (year + 1) % 100 == rest:
            return Understood(found[1], year) if 1 <= rest <= 12 else None
        return Understood(f"{year}-{rest:02}", year) if 1 <= rest <= 12 else None
    return None


def _figures(plain: str) -> Understood | None:
    if found := re.fullmatch(rf"(\d{{1,2}})[/.-](\d{{1,2}})[/.-]{_Y}", plain):
        return _exact(found[3], found[2], found[1])
    if (found := re.fullmatch(rf"(\d{{1,2}})[/.-]{_Y}", plain)) and 1 <= int(found[1]) <= 12:
        return Understood(f"{found[2]}-{int(found[1]):02}", int(found[2]))
    return None


def _in_words(plain: str) -> Understood | None:
    day = r"(\d{1,2})(?:er|st|nd|rd|th|e)?"
    if found := re.search(rf"\b{day}\s+{_MONTH}\s+{_Y}", plain):
        return _exact(found[3], str(_MONTHS[found[2]]), found[1])
    if found := re.search(rf"\b{_MONTH}\s+{day},?\s+{_Y}", plain):
        return _exact(found[3], str(_MONTHS[found[1]]), found[2])
    if found := re.match(rf"{_Y}[\s.]*\(?{day}\s+{_MONTH}", plain):
        return _exact(found[1], str(_MONTHS[found[3]]), found[2])
    if found := re.search(rf"\b{_MONTH}(?:\s+{_Y})?\s*(?:-|/|a|et)\s*{_MONTH}\s+{_Y}", plain):
        first_year, last_year = int(found[2] or found[4]), int(found[4])
        start, end = (first_year, _MONTHS[found[1]]), (last_year, _MONTHS[found[3]])
        if start < end:
            later = last_year if last_year != first_year else None
            return Understood(f"{start[0]}-{start[1]:02}/{end[0]}-{end[1]:02}", first_year, later)
    if found := re.search(rf"\b{_MONTH}\s+{_Y}", plain):
        return Understood(f"{found[2]}-{_MONTHS[found[1]]:02}", int(found[2]))
    return None


def _season(plain: str) -> Understood | None:
    if (found := re.search(rf"\b{_SEASON}\s+{_Y}\s*[-/]\s*{_Y}", plain)) and int(found[3]) == int(found[2]) + 1:
        return Understood(f"{found[2]}/{found[3]}", int(found[2]), int(found[3]))
    if found := re.search(rf"\b{_SEASON}\s+{_Y}", plain):
        return Understood(f"{found[2]}-{_SEASONS[found[1]]}", int(found[2]))
    if found := re.search(rf"\b([1-4])(?:er|e|eme|st|nd|rd|th)?\s+(?:trimestre|quarter)\s+{_Y}", plain):
        return Understood(f"{found[2]}-{32 + int(found[1])}", int(found[2]))
    if found := re.search(rf"\b[tq]([1-4])\s+{_Y}", plain):
        return Understood(f"{found[2]}-{32 + int(found[1])}", int(found[2]))
    if found := re.search(rf"\b([12])(?:er|e|eme|st|nd)?\s+semest(?:re|er)\s+{_Y}", plain):
        return Understood(f"{found[2]}-{39 + int(found[1])}", int(found[2]))
    return None


def _between(plain: str) -> Understood | None:
    if found := re.search(rf"\b(?:entre|between)\s+{_Y}\s+(?:et|and)\s+{_Y}", plain):
        start, end = int(found[1]), int(found[2])
        return Understood(f"[{start}..{end}]", start, end) if start < end else None
    if found := re.search(rf"{_Y}\s+(?:ou|or)\s+{_Y}", plain):
        return Understood(f"[{found[1]},{found[2]}]", int(found[1]), int(found[2]))
    if found := re.search(rf"\b(?:apres|after)\s+{_Y}", plain):
        return Understood(f"[{found[1]}..]", int(found[1]))
    if found := re.search(rf"\b(?:avant|before)\s+{_Y}", plain):
        return Understood(f"[..{found[1]}]", int(found[1]))
    if found := re.fullmatch(rf"(?:depuis|since)\s+{_Y}", plain):
        return Understood(f"{found[1]}/..", int(found[1]))
    if found := re.fullmatch(rf"[\[(]?[.\s]*-\s*\[?{_Y}[\]).]*", plain):
        return Understood(f"../{found[1]}", int(found[1]))
    return None


def _years(plain: str) -> Understood | None:
    """One year, several, or from one to another."""
    if found := re.search(rf"(?<!\d){_Y}((?:\s*[-/]\s*\d\d(?!\d))+)", plain):  # « 1982-83-84 »
        last = int(found[1][:2] + re.findall(r"\d\d", found[2])[-1])
        if last > int(found[1]):
            return Understood(f"{found[1]}/{last}", int(found[1]), last)
    years = list(_YEAR.finditer(plain))
    if not years:
        return None
    head = years[0]
    edtf, year, year_end = _one(plain, head)
    if len(years) > 2 and (several := _listed(plain, years)) is not None:
        return several
    if len(years) > 1 and _JOINED.fullmatch(plain[head.end() : years[1].start()]):
        last_edtf, last_year, last_end = _one(plain, years[1])
        if edtf == last_edtf:
            return Understood(edtf, year, year_end)
        if year is not None and last_year is not None and (last_end or last_year) >= year:
            return Understood(f"{edtf}/{last_edtf}", year, last_end or last_year)
        if year is not None and last_year is None:
            return Understood(f"{edtf}/{last_edtf}", year)
    if (several := _listed(plain, years)) is not None:
        return several
    if len(years) == 1 and _OPEN.match(plain, head.end()):
        return Understood(f"{edtf}/..", year) if head["whole"] else Understood(edtf, year)
    return Understood(edtf, year, year_end)


def _one(plain: str, found: re.Match[str]) -> tuple[str, int | None, int | None]:
    """One year: its EDTF, the year to sort by, and the last it may be."""
    doubt = "?" if found["doubt"] else ""
    about = "~" if _ABOUT.search(plain[: found.start()]) else ""
    mark = "%" if doubt and about else doubt or about
    if whole := found["whole"]:
        return whole + mark, int(whole), None
    if decade := found["decade"]:
        return decade + "X", int(decade + "0"), int(decade + "9")
    return found["century"] + "XX", None, None


def _listed(plain: str, years: Sequence[re.Match[str]]) -> Understood | None:
    """« 1975, 1977, 1978 »: years, commas between them, and nothing else."""
    between = [plain[a.end() : b.start()].strip() for a, b in pairwise(years)]
    if len(years) < 2 or not all(y["whole"] for y in years) or not all(b in (",", "et", "/") for b in between):
        return None
    said = [int(y["whole"]) for y in years]
    return Understood("{" + ",".join(map(str, said)) + "}", min(said), max(said))


_ROMAN = re.compile(r"\(?\[?(m[mdclxvi. ]{2,})\]?\)?\.?")
_LETTERS = {"m": 1000, "d": 500, "c": 100, "l": 50, "x": 10, "v": 5, "i": 1}


def _roman(plain: str) -> Understood | None:
    """M.DCC.LXXIV., on the title pages of old books."""
    if not (found := _ROMAN.fullmatch(plain)):
        return None
    figures = [_LETTERS[c] for c in found[1] if c in _LETTERS]
    year = sum(-f if f < max(figures[n:]) else f for n, f in enumerate(figures))
    return Understood(str(year), year) if EARLIEST <= year <= LATEST else None


_RULES: Sequence[Callable[[str], Understood | None]] = (_iso, _figures, _in_words, _season, _between, _years, _roman)


def _exact(year: str, month: str, day: str) -> Understood:
    """A day; of one that no calendar has, the year."""
    return _day(year, month, day) or Understood(year, int(year), impossible=(month, day) != ("00", "00"))


def _day(year: str, month: str, day: str) -> Understood | None:
    try:
        return Understood(date(int(year), int(month), int(day)).isoformat(), int(year))
    except ValueError:
        return None
