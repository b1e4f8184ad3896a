"""The copies that a record carries among its fields: read, and written back. Pure.

Every program has its habit. PMB's (995 and 996 of one copy tied by the barcode) is more than a table and
stands in `catalogue.pmb`; the others are tables in copies.toml, which a librarian can read. A source's
profile names one ("items": "koha") or gives its own; without one, each record shows its habit. The same
profile says what the codes of that source mean here ("states", "locations", "sections", "kinds").

What a table does not name stays with the copy as received, and goes out again. What we know of a copy and its
field has no place for goes along in `$9 travee-status:Perdu`, which is read again here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from catalogue import pmb
from catalogue.text import fold
from catalogue.unimarc import KINDS, Field, Fields, Record, RecordItem, each, first, typed

Habit = Mapping[str, Any]

NAMES = ("barcode", "call_number", "inventory_number", "location", "section", "status", "type", "owner", "note")
# What the codes of a source may be about, and where its profile says what they mean.
CODES: Mapping[str, str] = {"status": "states", "location": "locations", "section": "sections", "type": "kinds"}
APART = ("inventory_number", "status", "type")  # what may go along in $9, beside why the copy is hidden
_OURS = "travee-"
_HIDDEN = f"{_OURS}hidden:"
# What only Koha puts into 995: figures, as codes of states and of its own numbers.
_KOHA_CODES = frozenset("0123456789")

# What sources write for a state, folded, and what it means here; anything else leaves the copy available, and is
# listed for a person to say what it means.
STATES: Mapping[str, str] = {
    "disponible": "available",
    "en rayon": "available",
    "bon etat": "available",
    "document en bon etat": "available",
    "consultation sur place": "available",
    "a consulter sur place": "available",
    "exclu du pret": "available",
    "empruntable": "available",
    "perdu": "missing",
    "manquant": "missing",
    "en reparation": "repair",
    "reliure": "repair",
    "retire": "withdrawn",
    "pilon": "withdrawn",
    "desherbe": "withdrawn",
    "en pret": "on_loan",
}
_WORDS = {"missing": "Perdu", "repair": "En réparation", "withdrawn": "Retiré", "on_loan": "En prêt"}


@cache
def tables() -> Mapping[str, Habit]:
    return tomllib.loads((Path(__file__).parent / "copies.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the codes of a copy mean here; `codes`: for what a profile has put in other words, both of them."""

    state: str
    location: str
    section: str
    codes: Mapping[str, Sequence[str]]


def meaning(copy: RecordItem, profile: Mapping[str, Any] | None = None) -> Meaning:
    known = profile or {}
    here = {
        "status": (known.get("states") or {}).get(copy.status) or state(copy.status),
        "location": (known.get("locations") or {}).get(copy.location) or copy.location,
        "section": (known.get("sections") or {}).get(copy.section) or copy.section,
    }
    said = {name: getattr(copy, name) for name in here}
    codes = {
        name: [value, said[name]]
        for name, value in here.items()
        if said[name] in (known.get(CODES[name]) or {}) and said[name] != value
    }
    return Meaning(here["status"], here["location"], here["section"], codes)


def as_received(name: str, value: str, codes: Mapping[str, Sequence[str]]) -> str:
    """The source's own code for a value that still is what its profile made of that code, else the value."""
    here, received = codes.get(name) or (None, "")
    return received if here == value else value


def state(words: str) -> str:
    """What the words of a source mean here."""
    return STATES.get(fold(words), "available")


def words(state_now: str, as_received: str) -> str:
    """A state in the words of the source, as long as they still mean it."""
    return as_received if state(as_received) == state_now else _WORDS.get(state_now, "")


def codes_of(record: Record) -> Iterator[tuple[str, str]]:
    """What a record says in its source's own codes: ("status", "Perdu"), ("type", "PRETLIV")."""
    for f in each(record.fields, "099"):
        if value := first(f, "t").strip():
            yield "type", value
    for copy in record.items:
        for name in CODES:
            if value := getattr(copy, name):
                yield name, value


# A location or a section is a code when it looks like one: « MED1A », « 60 ». A name is its own label.
_CODE = re.compile(r"[0-9A-Z_./-]{1,12}")
_KIND_WORDS = frozenset(fold(word) for k in KINDS.values() for word in (k.code, k.fr, k.en, k.form, *k.also))


def is_known(name: str, value: str, profile: Mapping[str, Any] | None = None) -> bool:
    """Whether a code of a source means something here."""
    if value in ((profile or {}).get(CODES[name]) or {}):
        return True
    if name == "status":
        return fold(value) in STATES
    return fold(value) in _KIND_WORDS if name == "type" else not _CODE.fullmatch(value)


def is_from_pmb(fields: Sequence[Field]) -> bool:
    """PMB leaves traces that nobody else does: a thumbnail in 896, subfields in 009, copies twice (995 and 996)."""
    return any(f["t"] in ("896", "996") or (f["t"] == "009" and "s" in f) for f in fields)


def habit_of(fields: Sequence[Field], profile: Mapping[str, Any] | None = None) -> Habit | None:
    """The table to read these fields by; None for PMB's own habit."""
    chosen = (profile or {}).get("items") or "auto"
    if chosen == "pmb" or (chosen == "auto" and is_from_pmb(fields) and not _only_others(fields)):
        return None
    if chosen == "auto":
        codes = {code for f in fields if f["t"] == "995" for code, _value in f.get("s", ())}
        chosen = "koha" if codes & _KOHA_CODES else "recommandation" if codes else _by_its_field(fields)
    return tables()[chosen] if isinstance(chosen, str) else chosen


def _only_others(fields: Sequence[Field]) -> bool:
    """A record that was in a PMB, and went through MARC 21: its copies are where MARC 21 has them."""
    return not any(f["t"] in ("995", "996") for f in fields) and _by_its_field(fields) != "recommandation"


def _by_its_field(fields: Sequence[Field]) -> str:
    """The habit of a record without 995: that of a MARC 21 field of copies, known by its subfields."""
    for name, habit in tables().items():
        known = set(habit.get("known_by", ""))
        if any(f["t"] == habit["field"] and known & {code for code, _value in f.get("s", ())} for f in fields):
            return name
    return "recommandation"


def from_fields(fields: Sequence[Field], profile: Mapping[str, Any] | None = None) -> RecordItem:
    """One copy, from the fields that describe it."""
    habit = habit_of(fields, profile)
    if habit is None:
        return pmb.item_from_fields(fields)
    return from_field(next((f for f in fields if f["t"] == habit["field"]), Field(t="995")), habit)


def from_field(f: Field, habit: Habit) -> RecordItem:
    said: dict[str, Any] = {}
    values: dict[str, list[str]] = {}
    for code, value in f.get("s", ()):
        if value := value.strip():
            values.setdefault(code, []).append(value)
    for name in NAMES:
        found = [v for code in habit.get(name, "") if code in values for v in values[code]]
        said[name] = " ".join(found) if name in habit.get("joined", ()) else found[0] if found else ""
    if said.get("status") == "0":  # no state in particular, where states are figures
        said["status"] = ""
    for code, words_of_state in habit.get("states", {}).items():
        if any(v != "0" for v in values.get(code, ())):
            said["status"] = words_of_state
            break
    for name in APART if "9" in values else ():
        said[name] = said[name] or typed(f, _OURS + name)
    why = [v[len(_HIDDEN) :].partition("=") for v in values.get("9", ()) if v.startswith(_HIDDEN)]
    said["hidden"] = tuple((about, label) for about, _sep, label in why) or None
    return RecordItem(**said, fields=(f,))


def apart(item: RecordItem, habit: Habit) -> list[list[str]]:
    """What the field of another program has no place for, as it goes along."""
    taken = {name for name in APART if habit.get(name) or (name == "status" and habit.get("states"))}
    pairs = [["9", f"{_OURS}{name}:{value}"] for name in APART if name not in taken and (value := getattr(item, name))]
    return pairs + [["9", f"{_HIDDEN}{about}={label}"] for about, label in item.hidden or ()]


def to_fields(item: RecordItem, profile: Mapping[str, Any] | None = None) -> Fields:
    """The fields of a copy: as received, but for what has been changed since. PMB's, for a copy made here."""
    habit = habit_of(item.fields, profile) if item.fields else None
    if habit is None:
        return pmb.item_to_fields(item)
    return [_changed(f, item, habit) if f["t"] == habit["field"] else f for f in item.fields]


def _changed(f: Field, item: RecordItem, habit: Habit) -> Field:
    read = from_field(f, habit)
    pairs = [list(pair) for pair in f.get("s", ())]
    for name in NAMES:
        codes, value = habit.get(name, ""), getattr(item, name)
        if value != getattr(read, name) and codes and name not in ("status", "type"):
            if name in habit.get("joined", ()):
                whole = next((pair for pair in pairs if pair[0] in codes), None)
                pairs = [pair for pair in pairs if pair[0] not in codes or pair is whole]
            pairs = _put(pairs, codes, value)
    if item.status != read.status:
        pairs = _in_state(pairs, read.status, item.status, habit)
    return {**f, "s": [pair for pair in pairs if pair[0] != "9" or not pair[1].startswith(_OURS)] + apart(item, habit)}


def _in_state(pairs: list[list[str]], before: str, now: str, habit: Habit) -> list[list[str]]:
    """The new state as that program says it: by a subfield of its own where it has one, else in words."""
    states, codes = habit.get("states", {}), habit.get("status", "")
    pairs = [pair for pair in pairs if pair[0] not in states]
    own = next((code for code, words_of_state in states.items() if words_of_state == now), None)
    if own is not None:
        return [*pairs, [own, "1"]]
    in_words = codes and (now or any(c in codes and v.strip() == before for c, v in pairs))
    return _put(pairs, codes, now) if in_words else pairs


def _put(pairs: list[list[str]], codes: str, value: str) -> list[list[str]]:
    """The value where the old one stood; an empty one takes it away."""
    at = next((n for code in codes for n, (c, v) in enumerate(pairs) if c == code and v.strip()), None)
    if at is None:
        return [*pairs, [codes[0], value]] if value else pairs
    return [*pairs[:at], *([[pairs[at][0], value]] if value else []), *pairs[at + 1 :]]
