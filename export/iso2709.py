"""UNIMARC in ISO 2709, in UTF-8 or in ISO 5426: what `harvest.crosswalk.iso2709` reads, written.

100 $a 26-29 says the character set of the file, whatever it said of the file the record came in: « 50␣␣ » or
« 0103 ». ISO 5426 has no place for most of the world's signs: `encoded` writes the nearest and tells which.

A field longer than 9,999 bytes or a record longer than 99,999 cannot say its length in this format. It goes
out whole all the same, its lengths capped: readers that go by the terminators (ours, yaz) read it as it is.
`fits` tells, so that an export can say it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from catalogue import iso5426
from catalogue.unimarc import Field, Fields, leader
from catalogue.wire import ISO_2709, to_wire
from export.records import Outgoing, with_items

UTF_8, ISO_5426 = "utf-8", "iso5426"
LONGEST_FIELD, LONGEST_RECORD = 9_999, 99_999
# What ISO 2709 itself is made of, and what no reader expects in a text.
_CONTROLS = {c: " " for c in range(0x20) if c not in (0x09, 0x0A)}
_SAID = {UTF_8: "50  ", ISO_5426: "0103"}  # in 100 $a 26-29


@dataclass
class Missing:
    """Signs that ISO 5426 had no place for, lost or replaced by the nearest: in how many records, and in which."""

    lost: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    lost_in: list[str] = field(default_factory=list)  # addresses of notices
    replaced_in: list[str] = field(default_factory=list)

    def add(self, address: str, signs: Iterable[str]) -> None:
        for sign in signs:
            lost = iso5426.is_lost(sign)
            (self.lost if lost else self.replaced)[sign] += 1
            where = self.lost_in if lost else self.replaced_in
            if where[-1:] != [address]:
                where.append(address)


def file_bytes(notices: Iterable[Outgoing], charset: str = UTF_8, missing: Missing | None = None) -> Iterator[bytes]:
    """A record a notice. `missing` is told the signs that ISO 5426 had no place for."""
    for notice in notices:
        record, without = encoded(with_items(notice), charset)
        if missing is not None and without:
            missing.add(notice.address, without)
        yield record


def record_bytes(fields: Fields, charset: str = UTF_8) -> bytes:
    return encoded(fields, charset)[0]


def encoded(fields: Fields, charset: str = UTF_8) -> tuple[bytes, str]:
    """The record, and the signs that its character set does not have, each once."""
    directory, body, start = [], [], 0
    missing: dict[str, None] = {}
    for f in to_wire(fields, ISO_2709):
        if f["t"] == "000":
            continue
        text = _text(_declaring(f, charset) if f["t"] == "100" else f)
        if charset == ISO_5426:
            data, without = iso5426.encode(text)
            missing |= dict.fromkeys(without)
        else:
            data = text.encode("utf-8", "replace")
        length = len(data) + 1
        directory.append(f"{f['t']}{min(length, LONGEST_FIELD):04}{min(start, LONGEST_RECORD):05}")
        body.append(data)
        start += length
    base = 24 + 12 * len(directory) + 1
    mark = leader(fields).ljust(24)
    length = min(base + start + 1, LONGEST_RECORD)
    head = f"{length:05}{mark[5:10]}22{min(base, LONGEST_RECORD):05}{mark[17:20]}450 "
    pieces = [head.encode("ascii", "replace") + "".join(directory).encode(), *body, b"\x1d"]
    return b"\x1e".join(pieces), "".join(missing)


def fits(record: bytes) -> bool:
    """Whether the format can say the record's lengths."""
    end = record.index(b"\x1e")
    longest = max((len(part) for part in record[end + 1 :].split(b"\x1e")), default=0)
    return len(record) <= LONGEST_RECORD and longest < LONGEST_FIELD


def _declaring(f: Field, charset: str) -> Field:
    """100, saying the character set of this file, where it is long enough to say one and says another."""
    pairs = [
        [c, v[:26] + said + v[30:]]
        if c == "a" and len(v) >= 30 and not v[26:30].startswith((said := _SAID[charset]).rstrip())
        else [c, v]
        for c, v in f.get("s", ())
    ]
    return {**f, "s": pairs} if "s" in f else f


def _text(f: Field) -> str:
    if "s" not in f:
        return _clean(f.get("v", ""))
    return f.get("i", "  ").ljust(2)[:2] + "".join(f"\x1f{code[:1]}{_clean(value)}" for code, value in f["s"])


def _clean(text: str) -> str:
    return text.translate(_CONTROLS)
