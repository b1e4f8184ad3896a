"""A record on its way in: what it is called, what it says, and why it can be no notice. For `harvest.intake`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from catalogue import sources, unimarc
from catalogue.models import Source
from catalogue.pmb import is_dump_only
from catalogue.problems import Refusal
from catalogue.sources import Received
from catalogue.unimarc import KINDS, Field, Fields, Record, RecordItem, each, first, leader
from catalogue.volatile import VOLATILE_CODES, volatile
from harvest.crosswalk.flavour import DOCUMENT, nature

LONGEST = 255  # signs of a control number or an identifier: longer ones are a fault, and PostgreSQL cannot index them


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record on its way in; `record` is None when the source says that it is deleted."""

    received: Received
    record: Record | None

    @property
    def fields(self) -> Fields:
        return list(self.received.fields)  # type: ignore[arg-type]

    @property
    def is_dump(self) -> bool:
        """Whether it comes from a base itself, which says what its exports leave out."""
        return self.record is not None and bool(self.record.status)


def receive(source: Source, record: Record, *, identifier: str = "", datestamp: str = "") -> Incoming:
    """A record with the identifier and the fingerprint that it has whichever way it comes.

    Copies are left out of the fingerprint: a loan does not change a document, and exports with and without
    copies must meet. So is what PMB changes every day without meaning anything by it.
    """
    mark = mark_of(record.fields)
    if (fields := _with_kind(record, source.profile)) is not record.fields:
        record = replace(record, fields=fields)
    return Incoming(
        Received(
            identifier=identifier or sources.identify(source, record.control_number, mark),
            fingerprint=mark,
            fields=record.fields,
            items=[_item(i) for i in record.items],
            datestamp=datestamp,
            control_number=record.control_number or "",
        ),
        record,
    )


def _with_kind(record: Record, profile: Mapping[str, Any]) -> Fields:
    """The fields, saying in 608 what the source's own type code means: {"kinds": {"ap": "press_article"}}.

    Such codes differ from one site to another (PMB.md section 1.2), so only the source's profile can tell. The
    code is the record's own, or that of a copy: a copy's may not make a book of a periodical.
    """
    known = profile.get("kinds")
    if not known:
        return record.fields
    fields = record.fields
    code = next((first(f, "t") for f in each(fields, "099")), "") or leader(fields)[6:7]
    kind = KINDS.get(known.get(code, ""))
    if kind is None:
        level = unimarc.level(fields)
        told = (KINDS.get(known.get(copy.type, "")) for copy in record.items if not copy.issue_of)
        kind = next((k for k in told if k is not None and k.level == level), None)
    if kind is None or any(first(f, "2") == "travee" for f in each(fields, "608")):
        return fields
    return [*fields, {"t": "608", "i": "  ", "s": [["a", kind.form], ["2", "travee"]]}]


def _item(item: RecordItem) -> dict[str, Any]:
    named = {name: getattr(item, name) for name in RecordItem.__slots__ if name != "fields"}
    return {name: value for name, value in named.items() if value} | {"fields": [dict(f) for f in item.fields]}


def receive_deleted(identifier: str, datestamp: str) -> Incoming:
    return Incoming(Received(identifier=identifier, fingerprint="", fields=(), datestamp=datestamp, deleted=True), None)


def refuse(record: Record) -> Refusal | None:
    """Why this record cannot be a notice, if it cannot."""
    if len(number := record.control_number or "") > LONGEST:
        params = {"number": number[:40], "limit": str(LONGEST)}
        return Refusal(record.position, number[:LONGEST], "record.number_too_long", params, record.raw)
    tags = {f["t"] for f in record.fields} | ({"995"} if record.items else set())
    found = nature(tags, unimarc.leader(record.fields))
    if found != DOCUMENT:
        code = f"record.{found}"
    elif not unimarc.title(record.fields):
        code = "record.no_title"
    else:
        return None
    params = {"position": str(record.position)}
    return Refusal(record.position, record.control_number or "", code, params, record.raw)


def mark_of(fields: Fields) -> str:
    """A digest of what these fields say, without what PMB changes every day."""
    lasting = [_without_charset(f) if f["t"] == "000" else f for f in fields if not is_dump_only(f)]
    return unimarc.fingerprint(lasting, volatile, VOLATILE_CODES)


def _without_charset(f: Field) -> Field:
    """The leader without its position 9, where some programs say the charset of their file."""
    mark = f.get("v", "").ljust(24)
    return {**f, "v": f"{mark[:9]} {mark[10:]}"} if mark[9] != " " else f
