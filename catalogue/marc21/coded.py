"""What MARC 21 says by positions, leader and 008, and UNIMARC by its leader, 100, 102, 105, 106 and 110. Pure.

The positions stand in crosswalk.toml, one block each. Neither format says all that the other can, so each direction
starts from what the record said when it came (kept in 886, see `catalogue.marc21.along`) and changes only the positions
that no longer mean the same: what nobody touched goes back as it came.

Sources: MARC 21 Format for Bibliographic Data, leader and 008; UNIMARC Manual, label, 100 to 110; for countries,
the Library of Congress' UNIMARC to MARC 21 Conversion Specifications, table 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from catalogue.marc21.table import table

# The coded fields of a record, by tag ("leader" and "000" for the leaders); of UNIMARC's data fields, $a.
Coded = dict[str, str]

NEW_21: Coded = {"leader": "     nam a22        4500", "008": "      |" + " " * 8 + "xx |||||||||||||||||und||"}
NEW: Coded = {
    "000": "     nam  22        450 ",
    "100": "         " + " " * 8 + "   |    y50      ba",
    "105": "|||||||||||||",
    "106": "|",
    "110": "|||||||||||",
}


@dataclass(frozen=True, slots=True)
class Position:
    """One block of crosswalk.toml: where a code stands in either format, and what it means in the other."""

    marc21: tuple[str, int, int]  # field, first position, length
    unimarc: tuple[str, int, int]
    there: Mapping[str, str]
    back: Mapping[str, str]
    when: tuple[str, ...]


@cache
def positions() -> tuple[Position, ...]:
    return tuple(_position(block) for block in table()["positions"])


@cache
def countries() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Both ways: « nyu » -> « US-NY », « US-NY » -> « nyu »."""
    pairs = [pair.split("=") for pair in table()["countries"]["codes"].split()]
    return dict(pairs), {ours: theirs for theirs, ours in reversed(pairs)}


def _position(block: Mapping[str, Any]) -> Position:
    pairs = [pair.replace("#", " ").split("=") for pair in block["values"].split()]
    there = {theirs: ours for theirs, ours in reversed(pairs)}
    back = {ours: theirs for theirs, ours in reversed(pairs)}
    return Position(
        _place(block["marc21"]), _place(block["unimarc"]), there, back, tuple(block.get("when", "").split())
    )


def _place(words: str) -> tuple[str, int, int]:
    name, _, span = words.partition("/")
    first, _, last = span.partition("-")
    return name, int(first), int(last or first) - int(first) + 1


def material(letters: str) -> str:
    """Which of the 008s: « book » for texts, « serial », « other »; from leader 6-7, of either format."""
    if letters[1:2] in ("s", "i"):
        return "serial"
    return "book" if letters[:1] in ("a", "b", "t") else "other"


# Leader 18 in UNIMARC: whether fields have their ISBD punctuation, all of it, all but the final stop, or none.
FULL, PARTIAL, NONE = " ", "i", "n"


def to_unimarc(theirs: Coded, punctuation: str, ours: Coded | None = None) -> Coded:
    """The coded fields in UNIMARC; `ours` is what they were when they left us, if they did.

    MARC 21 says in leader 18 by which rules a record was punctuated, and is often wrong: `punctuation` is what it has.
    """
    out = {tag: (ours or {}).get(tag, new).ljust(len(new)) for tag, new in NEW.items()}
    fixed = theirs["008"]
    kind = material(theirs["leader"][6:8])
    for p in positions():
        if not p.when or kind in p.when:
            _carry(theirs, p.marc21, NEW_21, out, p.unimarc, p.there, p.back)
    out["000"] = out["000"][:18] + punctuation + out["000"][19:]
    general = out["100"]
    day, dates = _long_day(fixed[:6]), fixed[7:15].replace("u", " ")
    if _short_day(general[:8]) != fixed[:6]:
        general = day + general[8:]
    out["100"] = general[:9] + dates + general[17:]
    out["country"] = countries()[0].get(fixed[15:18].strip(), "")
    out["language"] = fixed[35:38] if re.fullmatch("[a-z]{3}", fixed[35:38]) else ""
    if kind != "serial":
        del out["110"]
    if kind != "book":
        del out["105"]
    return out


def from_unimarc(ours: Coded, theirs: Coded | None = None) -> Coded:
    """Leader and 008 in MARC 21; `theirs` is what they were when they came to us, if they did."""
    out = {tag: (theirs or {}).get(tag, new).ljust(len(new)) for tag, new in NEW_21.items()}
    kind = material(ours["000"][6:8])
    for p in positions():
        if (not p.when or kind in p.when) and p.unimarc[0] in ours:
            _carry(ours, p.unimarc, NEW, out, p.marc21, p.back, p.there)
    fixed, general = out["008"], ours.get("100", "").ljust(17)
    if _long_day(fixed[:6]) != general[:8]:
        fixed = _short_day(general[:8]) + fixed[6:]
    for at in (7, 11):
        date = general[at + 2 : at + 6]
        if fixed[at : at + 4].replace("u", " ") != date:
            fixed = fixed[:at] + (date.replace(" ", "u") if date.strip() else date) + fixed[at + 4 :]
    there, back = countries()
    country = ours.get("country", "")
    if there.get(fixed[15:18].strip(), "") != country:
        fixed = fixed[:15] + back.get(country, back.get(country[:2], "xx")).ljust(3) + fixed[18:]
    if (language := ours.get("language", "")[:3]) and fixed[35:38] != language:
        fixed = fixed[:35] + language.ljust(3) + fixed[38:]
    out["008"] = fixed
    if not theirs or not theirs.get("leader"):
        rules = "a" if ours["000"][18] in (FULL, PARTIAL) else " "
        out["leader"] = out["leader"][:18] + rules + out["leader"][19:]
    out["leader"] = "     " + out["leader"][5:9] + "a22     " + out["leader"][17:20] + "4500"
    return out


def _carry(
    source: Coded,
    at: tuple[str, int, int],
    new: Coded,
    target: Coded,
    to: tuple[str, int, int],
    there: Mapping[str, str],
    back: Mapping[str, str],
) -> None:
    """The codes of one position, where what stands there does not already mean the same.

    A code that the other format cannot say left nothing behind there (`new`): as long as nothing came, it stays.
    """
    for n in range(at[2]):
        said, text = source[at[0]][at[1] + n : at[1] + n + 1], target[to[0]]
        here = to[1] + n
        unsaid = text[here] not in back and said == new[at[0]][at[1] + n]
        if said in there and back.get(text[here]) != said and not unsaid:
            target[to[0]] = text[:here] + there[said] + text[here + 1 :]


def _long_day(day: str) -> str:
    """« 720314 » is in 1972, « 140203 » in 2014: no record was made by machine before 1965."""
    if not day.isdigit():
        return " " * 8
    return ("19" if day >= "65" else "20") + day


def _short_day(day: str) -> str:
    return day[2:] if day.isdigit() else " " * 6
