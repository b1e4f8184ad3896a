"""What the other format has no place for, and how it goes along. Pure.

    a subfield               $9 marc21:$k 1998
    tag and indicators       $9 marc21:246 14        where they would not come back by themselves
    a whole field            886 2# $2 marc21 $a 583 $b ## $a …

886 is « data not converted from source format » in both formats (first indicator: 0 leader, 1 control field, 2 data
field). A blank is written # in the leader, in 008 and in indicators, where programs would cut it.
"""

from __future__ import annotations

import re

from catalogue.marc21.table import Pairs
from catalogue.unimarc import Field

KEPT = "886"


def carried(code: str, value: str, system: str) -> list[str]:
    """A subfield that the other format has no place for. $9 is local in both, and stays what it is."""
    return [code, value] if code == "9" else ["9", f"{system}:${code} {value}"]


def uncarried(code: str, value: str, system: str) -> list[str] | None:
    """A subfield that went along in $9, as it was: « unimarc:$k 1998 »."""
    found = re.match(rf"{system}:\$(.) (.*)", value, re.S) if code == "9" else None
    return [found[1], found[2]] if found else None


def name(system: str, tag: str, ind: str) -> str:
    return f"{system}:{tag} {ind.replace(' ', '#')}"


def take_name(pairs: Pairs, system: str) -> tuple[Pairs, tuple[str, str] | None]:
    """The tag and indicators that a field had before, told by its $9, and the other subfields."""
    for n, (code, value) in enumerate(pairs):
        if code == "9" and (found := re.fullmatch(rf"{system}:(\d\d\d) (..)", value)):
            return [*pairs[:n], *pairs[n + 1 :]], (found[1], found[2].replace("#", " "))
    return pairs, None


def kept_field(f: Field, system: str) -> Field:
    """A whole field in 886: see the beginning of this module."""
    tag = f["t"]
    if "s" in f:
        inside = [["a", tag], ["b", f.get("i", "").ljust(2)[:2].replace(" ", "#")], *f["s"]]
        return Field(t=KEPT, i="2 ", s=[["2", system], *inside])
    value = f.get("v", "")
    positions = value.replace(" ", "#") if tag in ("000", "008") else value
    return Field(t=KEPT, i="0 " if tag == "000" else "1 ", s=[["2", system], ["a", tag], ["b", positions]])


def unkept(f: Field, system: str) -> Field | None:
    pairs = f.get("s", [])
    if f["t"] != KEPT or [c for c, _v in pairs[:3]] != ["2", "a", "b"] or pairs[0][1] != system:
        return None
    tag, said = pairs[1][1], pairs[2][1]
    if not re.fullmatch("[0-9A-Za-z]{3}", tag):
        return None
    if f.get("i", "")[:1] == "2":
        return Field(t=tag, i=said.replace("#", " ").ljust(2)[:2], s=[list(pair) for pair in pairs[3:]])
    return Field(t=tag, v=said.replace("#", " ") if tag in ("000", "008") else said)
