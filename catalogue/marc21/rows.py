"""Which row of the table is for a field, and which indicators it gets in the other format. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from catalogue.marc21.table import Pairs, Row, by_marc21, by_unimarc, role_of, role_words, system_digit, word
from catalogue.unimarc import Field, first, subfields

LCCN = "(DLC)"
MARKED = re.compile("[\x98\x88]([^\x98\x9c\x88\x89]*)[\x9c\x89]")
_TAKEN = frozenset(("900", "950", "995", "996", "999", "896", "897"))
_COPIES = ("852", "949", "952")


def is_local(tag: str) -> bool:
    return tag in _COPIES or (tag[:1] == "9" and tag.isdigit() and tag not in _TAKEN)


def find_in(tag: str, ind: str, pairs: Pairs, named: tuple[str, str] | None = None) -> tuple[Row, str] | None:
    """The row for a MARC 21 field, and UNIMARC's indicators; `named` is what it was there, if it says so."""
    candidates = by_marc21().get(tag, [])
    same = [row for row in by_unimarc().get(named[0], []) if row.marc21[1:] == tag[1:]] if named else []
    if named and (mine := [row for row in candidates if row.unimarc == named[0]] or same):
        return min(mine, key=lambda row: row.always is not None), named[1]
    for row in candidates:
        if not row.test or _TESTS[row.test](pairs):
            for theirs, ours in row.ind:
                if _fits(theirs, ind):
                    return row, _filled(ours, ind)
    return (candidates[0], _filled(candidates[0].ind[0][1], "  ")) if candidates else None


def find_out(f: Field, named: tuple[str, str] | None = None) -> tuple[Row, str] | None:
    """The row for a UNIMARC field, and MARC 21's indicators; `named` is what it was there, if it says so."""
    candidates = [row for row in by_unimarc().get(f["t"], []) if _has_its_own(row, f)]
    ind = f.get("i", "").ljust(2)[:2]
    if named and (mine := [row for row in by_unimarc().get(f["t"], []) if row.marc21 == named[0]]):
        return mine[0], named[1]
    for row in candidates:
        for theirs, ours in row.ind:
            if _fits(ours, ind):
                return row, _ind_out(row, _filled(theirs, ind if "*" in ours else "  "), f)
    return (candidates[0], _ind_out(candidates[0], _filled(candidates[0].ind[0][0], "  "), f)) if candidates else None


def _has_its_own(row: Row, f: Field) -> bool:
    if "lccn" in row.how:
        return all(v.startswith(LCCN) for v in subfields(f, "az"))
    return row.always is None or list(row.always) in f.get("s", [])


def _fits(pattern: str, ind: str) -> bool:
    return all(p in ("*", i) for p, i in zip(pattern, ind, strict=True))


def _filled(pattern: str, ind: str) -> str:
    return "".join(i if p == "*" else p for p, i in zip(pattern, ind, strict=True))


def _ind_out(row: Row, ind: str, f: Field) -> str:
    """MARC 21's indicators, with the signs not to be sorted counted, and the subject system said."""
    if row.nonfiling:
        marked = MARKED.match(first(f, "t") if row.unimarc == "410" else first(f, "a"))
        ind = _put(ind, row.nonfiling, str(len(marked[1])) if marked and len(marked[1]) < 10 else "0")
    if "subject" in row.how:
        ind = _put(ind, 2, system_digit(subfields(f, "2")))
    return ind


def _put(ind: str, place: int, sign: str) -> str:
    return ind[: place - 1] + sign + ind[place:]


def _is_secondary(pairs: Pairs) -> bool:
    """Whether the roles say that this person is not one of the authors."""
    said = [role_of(v) if c == "4" else role_words().get(word(v), "") for c, v in pairs if c in ("4", "e", "j")]
    return any(said) and "070" not in said


def _is_in_a_book(pairs: Pairs) -> bool:
    """Whether a 773 is about a book: it has an ISBN, or $7 says so (position 3: bibliographic level)."""
    said = {c: v for c, v in pairs}
    return "x" not in said and ("z" in said or said.get("7", "")[3:4] in ("m", "c"))


_TESTS: Mapping[str, Callable[[Pairs], bool]] = {"secondary": _is_secondary, "in a book": _is_in_a_book}
