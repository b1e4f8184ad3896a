"""The copies that a record carries among its fields: read, and written back. Pure.

Every program has its habit. PMB's (995 and 996 of one copy tied by the barcode) is more than a table and
stands in `catalogue.pmb`; the others are tables in copies.toml, which a librarian can read. A source's
profile names one ("items": "koha") or gives its own; without one, each record shows its habit.

What a table does not name stays with the copy as received, and goes out again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from catalogue import pmb
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, RecordItem, subfields

Habit = Mapping[str, Any]

NAMES = ("barcode", "call_number", "inventory_number", "location", "section", "owner", "note")
# What only Koha puts into 995: figures, as codes of states and of its own numbers.
_KOHA_CODES = frozenset("0123456789")

# What sources write for a state, folded, and what it means here; anything else leaves the copy available.
STATES: Mapping[str, str] = {
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


def state(words: str) -> str:
    """What the words of a source mean here."""
    return STATES.get(fold(words), "available")


def words(state_now: str, as_received: str) -> str:
    """A state in the words of the source, as long as they still mean it."""
    return as_received if state(as_received) == state_now else _WORDS.get(state_now, "")


def is_from_pmb(fields: Sequence[Field]) -> bool:
    """PMB leaves traces that nobody else does: a thumbnail in 896, subfields in 009, copies twice (995 and 996)."""
    return any(f["t"] in ("896", "996") or (f["t"] == "009" and "s" in f) for f in fields)


def habit_of(fields: Sequence[Field], profile: Mapping[str, Any] | None = None) -> Habit | None:
    """The table to read these fields by; None for PMB's own habit."""
    chosen = (profile or {}).get("items") or "auto"
    if chosen == "pmb" or (chosen == "auto" and is_from_pmb(fields)):
        return None
    if chosen == "auto":
        codes = {code for f in fields if f["t"] == "995" for code, _value in f.get("s", ())}
        chosen = "koha" if codes & _KOHA_CODES else "recommandation"
    return tables()[chosen] if isinstance(chosen, str) else chosen


def from_fields(fields: Sequence[Field], profile: Mapping[str, Any] | None = None) -> RecordItem:
    """One copy, from the fields that describe it."""
    habit = habit_of(fields, profile)
    if habit is None:
        return pmb.item_from_fields(fields)
    return from_field(next((f for f in fields if f["t"] == habit["field"]), Field(t="995")), habit)


def from_field(f: Field, habit: Habit) -> RecordItem:
    said: dict[str, str] = {}
    for name in NAMES:
        for code in habit.get(name, ""):
            said[name] = said.get(name) or next((v.strip() for v in subfields(f, code) if v.strip()), "")
    for code, words_of_state in habit.get("states", {}).items():
        if any(v.strip() not in ("", "0") for v in subfields(f, code)):
            said["status"] = words_of_state
            break
    return RecordItem(**said, fields=(f,))


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
        if value != getattr(read, name) and codes:
            pairs = _put(pairs, codes, value)
    if item.status != read.status:
        pairs = [pair for pair in pairs if pair[0] not in habit.get("states", {})]
        said = next((code for code, told in habit.get("states", {}).items() if told == item.status), None)
        pairs += [[said, "1"]] if said else []
    return {**f, "s": pairs}


def _put(pairs: list[list[str]], codes: str, value: str) -> list[list[str]]:
    """The value where the old one stood; an empty one takes it away."""
    at = next((n for code in codes for n, (c, v) in enumerate(pairs) if c == code and v.strip()), None)
    if at is None:
        return [*pairs, [codes[0], value]] if value else pairs
    return [*pairs[:at], *([[pairs[at][0], value]] if value else []), *pairs[at + 1 :]]
