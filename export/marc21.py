"""MARC 21 in ISO 2709, UTF-8: what most library programs of the world read.

The crosswalk is `catalogue.marc21`. Copies go out in 852, MARC 21's own field, unless they came in a field of
MARC 21 (852, 949, 952): then they go back as they came. Links keep the number of their target in `$9 travee-id:`
(`catalogue.wire`), so that a base that comes back here finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalogue import copies, marc21
from catalogue.unimarc import Field, Fields, RecordItem, leader
from catalogue.wire import ISO_2709, to_wire
from export.leaving import without_notes
from export.records import Outgoing

_LONGEST_FIELD, _LONGEST_RECORD = 9_999, 99_999
_SEPARATORS = dict.fromkeys((0x1D, 0x1E, 0x1F), " ")
COPIES = frozenset(("852", "949", "952"))


def file_bytes(notices: Iterable[Outgoing]) -> Iterator[bytes]:
    for notice in notices:
        yield record_bytes(record_fields(notice))


def record_fields(notice: Outgoing) -> Fields:
    """The notice in MARC 21, its copies last but for what the crosswalk keeps in 9XX.

    The licences of the description stand in 588 (MARC 21 Bibliographic, « Source of Description Note »: what serves to
    track and control the metadata of the record), not in 540, which is about the document.
    """
    fields, _told = marc21.from_unimarc(without_notes(notice.numbered(), notice.licences))
    described = [f for item in notice.items for f in item_fields(item)]
    licensed = [Field(t="588", i="  ", s=[["a", one.words]]) for one in notice.licences]
    return sorted([*fields, *licensed, *described], key=lambda f: f["t"])


def item_fields(item: RecordItem) -> Fields:
    """One copy: as received, but for what was changed since; in 852 when another format brought it."""
    if any(f["t"] in COPIES for f in item.fields):
        return copies.to_fields(item)
    habit = copies.tables()["marc21"]
    pairs = [[habit[name][0], getattr(item, name)] for name in ("owner", "location", "section", "barcode", "note")]
    # $h: the whole call number, of no scheme that MARC 21 knows (8); $x: what is not for the public.
    pairs += [["h", item.call_number], ["x", item.inventory_number], ["x", item.status]]
    said = sorted((pair for pair in pairs if pair[1]), key=lambda pair: pair[0])
    return [Field(t="852", i="8 ", s=said + copies.apart(item, habit))] if said else []


def record_bytes(fields: Fields) -> bytes:
    """A record; one too long to say its lengths goes out whole, its lengths capped (see `export.iso2709`)."""
    directory, body, start = [], [], 0
    for f in to_wire(fields, ISO_2709):
        if f["t"] == "000":
            continue
        data = _field(f).encode("utf-8", "replace") + b"\x1e"
        directory.append(f"{f['t']}{min(len(data), _LONGEST_FIELD):04}{min(start, _LONGEST_RECORD):05}")
        body.append(data)
        start += len(data)
    base = 24 + 12 * len(directory) + 1
    mark = leader(fields)
    length = min(base + start + 1, _LONGEST_RECORD)
    head = f"{length:05}{mark[5:9]}a22{min(base, _LONGEST_RECORD):05}{mark[17:20]}4500"
    return b"".join([head.encode("ascii", "replace"), "".join(directory).encode(), b"\x1e", *body, b"\x1d"])


def _field(f: Field) -> str:
    if "s" not in f:
        return f.get("v", "").translate(_SEPARATORS)
    return f.get("i", "").ljust(2)[:2] + "".join(f"\x1f{c[:1]}{v.translate(_SEPARATORS)}" for c, v in f["s"])
