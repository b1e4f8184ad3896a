"""The habits of the program that a record comes from, so that one base says the same in every format.

PMB's XML is read whole by `harvest.crosswalk.pmbxml`; its ISO 2709 says the same things with small
differences, which are undone here: a record fingerprints alike in a file of yesterday and over OAI-PMH tonight.

Above all, copies. PMB ties 995 and 996 by the barcode and writes the copies of issues inside articles; that
is more than a table and stands once, in pmbxml, for both formats. The others are tables, in items.toml. A
source's profile names one ("items": "koha") or gives its own; without one each record shows its habit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from catalogue.pmb import HEADER, fields_from_header
from catalogue.problems import Problem
from catalogue.unimarc import Field, Fields, Record, RecordItem, leader, subfields
from harvest.crosswalk import pmbxml

NAMES = ("barcode", "call_number", "inventory_number", "location", "section", "owner", "note", "status")
# What only Koha puts into 995: figures, as codes of states and of its own numbers.
_KOHA_CODES = frozenset("0123456789")


@cache
def tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "items.toml").read_text("utf-8"))


def understand(record: Record, profile: Mapping[str, Any] | None = None) -> Record:
    """The record with its copies as items, without the fields that described them."""
    habit = (profile or {}).get("items") or "auto"
    if habit == "pmb" or (habit == "auto" and is_from_pmb(record.fields)):
        return _from_pmb(record)
    if isinstance(habit, str):
        habit = tables()[_habit_of(record.fields) if habit == "auto" else habit]
    found = [f for f in record.fields if f["t"] == habit["field"] and "s" in f]
    if not found:
        return record
    return replace(
        record,
        fields=[f for f in record.fields if f["t"] != habit["field"] or "s" not in f],
        items=tuple(_item(f, habit) for f in found),
    )


def is_from_pmb(fields: Fields) -> bool:
    """PMB leaves traces that nobody else does: a thumbnail in 896, subfields in 009, copies twice (995 and 996)."""
    return any(f["t"] in ("896", "996") or (f["t"] == "009" and "s" in f) for f in fields)


def _from_pmb(record: Record) -> Record:
    repairs: list[Problem] = []
    mark = leader(record.fields)
    head = fields_from_header({name: mark[at] for name, at in HEADER})
    rest = [_whole_100(f) if f["t"] == "100" else f for f in record.fields if f["t"] != "000"]
    fields, items = pmbxml.take_items(pmbxml.without_twins([*head, *rest], repairs))
    return replace(record, fields=fields, items=items, repairs=(*record.repairs, *repairs))


def _whole_100(f: Field) -> Field:
    """PMB's ISO 2709 cuts the 36 characters of 100 $a after the charset: the rest is the same in every record."""
    pairs = [[c, v + "    ba"] if c == "a" and len(v) == 30 else [c, v] for c, v in f.get("s", ())]
    return {**f, "s": pairs} if "s" in f else f


def _habit_of(fields: Fields) -> str:
    codes = {code for f in fields if f["t"] == "995" for code, _value in f.get("s", ())}
    return "koha" if codes & _KOHA_CODES else "recommandation"


def _item(f: Field, habit: Mapping[str, Any]) -> RecordItem:
    said: dict[str, str] = {}
    for name in NAMES:
        for code in habit.get(name, ""):
            said[name] = said.get(name) or next((v.strip() for v in subfields(f, code) if v.strip()), "")
    for code, state in habit.get("states", {}).items():
        if any(v.strip() not in ("", "0") for v in subfields(f, code)):
            said["status"] = state
            break
    return RecordItem(**said, fields=(f,))
