"""UNIMARC in ISO 2709, UTF-8: what `harvest.crosswalk.iso2709` reads, written.

A field longer than 9,999 bytes or a record longer than 99,999 cannot say its length in this format. It goes
out whole all the same, its lengths capped: readers that go by the terminators (ours, yaz) read it as it is.
`fits` tells, so that an export can say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalogue import copies
from catalogue.unimarc import Field, Fields, leader
from export.records import Outgoing

LONGEST_FIELD, LONGEST_RECORD = 9_999, 99_999
# What ISO 2709 itself is made of, and what no reader expects in a text.
_CONTROLS = {c: " " for c in range(0x20) if c not in (0x09, 0x0A)}


def file_bytes(notices: Iterable[Outgoing]) -> Iterator[bytes]:
    for notice in notices:
        yield record_bytes(with_items(notice))


def with_items(notice: Outgoing) -> Fields:
    """The fields of a record, its copies among them, in the order of tags where they come in."""
    described = [f for item in notice.items for f in copies.to_fields(item)]
    fields = notice.numbered()
    at = next((n for n, f in enumerate(fields) if f["t"] > "995" and n), len(fields)) if described else 0
    return [*fields[:at], *described, *fields[at:]] if described else fields


def record_bytes(fields: Fields) -> bytes:
    directory, body, start = [], [], 0
    for f in fields:
        if f["t"] == "000":
            continue
        data = _field(f)
        directory.append(f"{f['t']}{min(len(data), LONGEST_FIELD):04}{min(start, LONGEST_RECORD):05}")
        body.append(data)
        start += len(data)
    base = 24 + 12 * len(directory) + 1
    mark = leader(fields).ljust(24)
    length = min(base + start + 1, LONGEST_RECORD)
    head = f"{length:05}{mark[5:10]}22{min(base, LONGEST_RECORD):05}{mark[17:20]}450 "
    return b"".join([head.encode("ascii", "replace"), "".join(directory).encode(), b"\x1e", *body, b"\x1d"])


def fits(record: bytes) -> bool:
    """Whether the format can say the record's lengths."""
    end = record.index(b"\x1e")
    longest = max((len(part) for part in record[end + 1 :].split(b"\x1e")), default=0)
    return len(record) <= LONGEST_RECORD and longest < LONGEST_FIELD


def _field(f: Field) -> bytes:
    if "s" not in f:
        text = _clean(f.get("v", ""))
    else:
        text = f.get("i", "  ").ljust(2)[:2] + "".join(f"\x1f{code[:1]}{_clean(value)}" for code, value in f["s"])
    return text.encode("utf-8", "replace") + b"\x1e"


def _clean(text: str) -> str:
    return text.translate(_CONTROLS)
