"""The habits of the program that a record comes from, so that one base says the same in every format.

PMB's XML is read whole by `harvest.crosswalk.pmbxml`; its ISO 2709 says the same things with small
differences, which are undone here: a record fingerprints alike in yesterday's file and over OAI-PMH tonight.
Copies become items, by the habits that `catalogue.copies` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalogue import copies
from catalogue.pmb import HEADER, fields_from_header
from catalogue.problems import Problem
from catalogue.unimarc import Field, Record, leader
from harvest.crosswalk import pmbxml


def understand(record: Record, profile: Mapping[str, Any] | None = None) -> Record:
    """The record with its copies as items, without the fields that described them."""
    habit = copies.habit_of(record.fields, profile)
    if habit is None:
        return _from_pmb(record)
    found = [f for f in record.fields if f["t"] == habit["field"] and "s" in f]
    if not found:
        return record
    return replace(
        record,
        fields=[f for f in record.fields if f["t"] != habit["field"] or "s" not in f],
        items=tuple(copies.from_field(f, habit) for f in found),
    )


def _from_pmb(record: Record) -> Record:
    repairs: list[Problem] = []
    mark = leader(record.fields)
    head = fields_from_header({name: mark[at] for name, at in HEADER})
    head[0] = {"t": "000", "v": mark[:6] + leader(head)[6] + mark[7:]}  # only the type is said in PMB's own way
    rest = [_whole_100(f) if f["t"] == "100" else f for f in record.fields if f["t"] != "000"]
    fields, items = pmbxml.take_items(pmbxml.without_twins([*head, *rest], repairs))
    return replace(record, fields=fields, items=items, repairs=(*record.repairs, *repairs))


def _whole_100(f: Field) -> Field:
    """PMB's ISO 2709 cuts the 36 characters of 100 $a after the charset: the rest is the same in every record."""
    pairs = [[c, v + "    ba"] if c == "a" and len(v) == 30 else [c, v] for c, v in f.get("s", ())]
    return {**f, "s": pairs} if "s" in f else f
