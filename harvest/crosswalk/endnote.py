"""EndNote's XML (`<xml><records><record>`, as EndNote, Zotero and Mendeley write it) to records.

What each element becomes: `endnote.toml`. Text stands in <style> elements, which say typefaces and nothing else.
Numbers of EndNote's own library (rec-number, foreign-keys) change with every export: a reference is known by the
label that its owner gave it, if any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from catalogue.problems import Refusal
from catalogue.unimarc import Record
from harvest.crosswalk.citation import each_once, line, to_record
from harvest.crosswalk.elements import Element, as_received, children, leaves, local_name, read_elements, text_of
from harvest.crosswalk.gather import gather, table

_DAY = re.compile(r"\d{4}")


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | Refusal]:
    """Every reference of a file, in order. A Refusal at position 0 is about the file itself."""
    kinds = (profile or {}).get("kinds")

    def record(element: Element, position: int) -> Record | Refusal:
        return from_element(element, position, kinds)

    return each_once(read_elements(stream, _is_record, record, _name))


def from_element(element: Element, position: int, kinds: Mapping[str, str] | None = None) -> Record | Refusal:
    """The record of one <record>."""
    rules = table("endnote")
    pairs = [(path, text_of(leaf)) for path, leaf in leaves(element)]
    said = next(children(element, "ref-type"), None)
    name, number = ("", "") if said is None else (line(said.get("name") or ""), line(text_of(said)))
    citation = gather(_dated(pairs), rules, type=name or number, known=kinds)
    return to_record(citation, position, b"" if citation.title else as_received(element))


def _dated(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The day and the year are apart: « 12 mars » and « 2024 » make one date."""
    year = next((line(value) for path, value in pairs if path == "dates/year"), "")
    day = next((line(value) for path, value in pairs if path == "dates/pub-dates/date"), "")
    whole = day if _DAY.search(day) else " ".join(part for part in (day, year) if part)
    for path, value in pairs:
        if path == "dates/year" or (path == "dates/pub-dates/date" and not year):
            yield "dates/year", whole
        elif path != "dates/pub-dates/date":
            yield path, value


def _is_record(element: Element) -> bool:
    return local_name(element.tag) == "record"


def _name(element: Element) -> str:
    found = next((e for e in element.iter() if local_name(e.tag) == "title"), None)
    return line(text_of(found))[:80] if found is not None else ""
