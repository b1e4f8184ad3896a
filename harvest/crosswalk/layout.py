"""The bytes of an ISO 2709 record to its fields: which bytes belong to which tag. Pure.

A leader of 24 signs, a directory of one entry a field (tag, length, start: 3, 4 and 5 signs), then the fields, each
with its terminator. The directory is believed where it agrees with the terminators. Where it does not, what the
bytes allow is tried, from the most faithful to the boldest, and told:

1. the same fields in another order: nothing to tell;
2. as many entries as fields: the lengths lie, the terminators do not;
3. a directory that lost or gained a sign: what each field measures is looked for in it;
4. terminators overwritten or doubled, lengths true: the lengths cut;
5. terminators that stand inside a field: the pieces are put together so that the lengths fit best.

What remains is refused, never guessed. A field whose tag alone cannot be read is left out, and its text told.

Source: ISO 2709:2008, sections 4.3 to 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from catalogue.problems import Problem

FIELD = b"\x1e"
PADDING = b"\r\n\t\x00\x1a"  # between records: line breaks, zeros, the end-of-file mark of DOS
MAX_FIELDS = 10_000
MAX_SUBFIELDS = 200_000

_TAGS = re.compile(rb"(?:(?!000)[0-9A-Za-z]{3})+")  # 000 is the leader here, and no tag anywhere
_TAG = re.compile(rb"(?!000)[0-9A-Za-z]{3}")
_ENTRIES = re.compile(rb"(?:[0-9A-Za-z]{3}[0-9]{9})+")
_CONTROL_TAG = re.compile(rb"(?=(00[1-9]))")
_DATA_FIELD = re.compile(rb"[ #|0-9]{2}\x1f")
_MOST_PIECES = 12  # more terminators than entries: beyond, nothing is put together
_MOST_ENTRIES = 2_000
_LEADER = 24


@dataclass(slots=True)
class Layout:
    tags: list[str]
    parts: list[bytes]  # the bytes of each field, without its terminator
    mark: str = ""  # the leader, 24 signs
    repairs: list[Problem] = field(default_factory=list)


def lay_out(raw: bytes) -> Layout | str:
    """The fields of a record (without its terminator), or the code of what forbids to tell them apart."""
    end = raw.find(FIELD, _LEADER)
    if end < 0:
        return "iso2709.no_directory"
    if raw.count(FIELD, end) > MAX_FIELDS + _MOST_PIECES or raw.count(b"\x1f") > MAX_SUBFIELDS:
        return "iso2709.too_many_fields"
    parts = _cut(raw[end + 1 :])
    if end == _LEADER and not parts:
        return "iso2709.nothing"
    entries = [raw[at : at + 12] for at in range(_LEADER, end, 12)]
    layout = _named(entries, parts, []) if agree(entries, parts) else None
    if layout is None:
        layout = next((found for found in _attempts(raw, end, parts) if found), None)
    elif raw[:5] != b"%05d" % (len(raw) + 1) and len(raw) < 99_999:
        layout.repairs.append(Problem("", "", "iso2709.lengths"))
    if layout is None:
        return "iso2709.directory"
    if len(layout.tags) > MAX_FIELDS:
        return "iso2709.too_many_fields"
    layout.mark = layout.mark or _leader(raw)
    return layout


def agree(entries: Sequence[bytes], parts: Sequence[bytes]) -> bool:
    """Whether the directory says what the terminators say."""
    if len(entries) != len(parts):
        return False
    start = 0
    for entry, part in zip(entries, parts, strict=True):
        length = len(part) + 1
        if entry[3:] != b"%04d%05d" % (length, start):
            return False
        start += length
    return True


def _cut(body: bytes) -> list[bytes]:
    parts = body.split(FIELD)
    if not parts[-1].strip(PADDING + b" "):
        parts.pop()
    return parts


def _leader(raw: bytes) -> str:
    mark = raw[:_LEADER].decode("ascii", "replace").replace("\ufffd", " ")
    return "".join(c if c.isprintable() else " " for c in mark)


def _named(entries: Sequence[bytes], parts: list[bytes], repairs: list[Problem]) -> Layout | None:
    """Tags and fields side by side, when every tag can be read."""
    joined = b"".join([entry[:3] for entry in entries])
    if not joined or len(joined) != 3 * len(entries) or not _TAGS.fullmatch(joined):
        return None
    text = joined.decode("ascii")
    return Layout([text[at : at + 3] for at in range(0, len(text), 3)], parts, repairs=repairs)


# --- what may have happened ------------------------------------------------------------------


def _attempts(raw: bytes, end: int, parts: list[bytes]) -> Iterator[Layout | None]:
    """Each reading that the bytes allow, the most faithful first."""
    lengths = Problem("", "", "iso2709.lengths")
    inside = Problem("", "", "iso2709.separator_inside")
    cuts = [(entries, body, _cut(body)) for entries, body in _directories(raw, end)]
    for entries, _body, pieces in cuts:
        if agree(entries, pieces):
            yield _named(entries, pieces, [lengths])
    for entries, _body, pieces in cuts:
        if (found := _in_directory_order(entries, pieces)) is not None:
            yield _named(entries, found, [])
    yield _measured(raw[:end], parts, [Problem("", "", "iso2709.directory_mended")])
    for entries, _body, pieces in cuts:
        if len(entries) == len(pieces):
            yield _named(entries, pieces, [lengths])
    for entries, body, pieces in cuts:
        if (found := _by_lengths(entries, body)) is not None:
            yield _named(entries, found, [inside if len(pieces) > len(entries) else lengths])
    for entries, _body, pieces in cuts:
        yield _without_unreadable(entries, pieces, [] if agree(entries, pieces) else [lengths])
    for entries, _body, pieces in cuts:
        if (found := _put_together(entries, pieces)) is not None:
            yield _named(entries, found, [inside])


def _directories(raw: bytes, end: int) -> Iterator[tuple[list[bytes], bytes]]:
    """Where the directory may end: at the first terminator, where the leader says, or where entries stop."""
    base = int(raw[12:17]) if raw[12:17].isdigit() else 0
    run = _ENTRIES.match(raw, _LEADER)
    stop_of_run = run.end() if run and raw[run.end()] < 0x20 else 0
    for stop, start in ((end, end + 1), (base - 1, base), (stop_of_run, stop_of_run + 1)):
        if stop <= _LEADER or (stop - _LEADER) % 12 or start > len(raw):
            continue
        entries = [raw[at : at + 12] for at in range(_LEADER, stop, 12)]
        if sum(entry[3:].isdigit() for entry in entries) * 2 > len(entries):
            yield entries, raw[start:]


def _in_directory_order(entries: Sequence[bytes], parts: Sequence[bytes]) -> list[bytes] | None:
    """The fields of a sound directory that is only in another order than the fields."""
    if len(entries) != len(parts):
        return None
    at: dict[bytes, bytes] = {}
    start = 0
    for part in parts:
        at[b"%04d%05d" % (len(part) + 1, start)] = part
        start += len(part) + 1
    found = [at.pop(entry[3:], None) for entry in entries]
    return [part for part in found if part is not None] if None not in found else None


def _measured(head: bytes, parts: list[bytes], repairs: list[Problem]) -> Layout | None:
    """The tags before what each field measures, in a directory that is not cut in twelves any more."""
    tags: list[str] = []
    at = start = 0
    mark = ""
    for part in parts:
        measure = b"%04d%05d" % (len(part) + 1, start)
        found = head.find(measure, at)
        if found < 0:
            return None
        tag = head[found - 3 : found] if found >= 3 else b""
        if b"\x1f" not in part and not tag.startswith(b"00"):
            # A sign too many, between the tag and what follows it.
            before = _CONTROL_TAG.findall(head[max(at, found - 5) : found])
            tag = before[-1] if before else b""
        if not _TAG.fullmatch(tag):
            return None
        if not tags and found < _LEADER:  # so much is missing before it that what is left is no leader
            mark = " " * _LEADER
        tags.append(tag.decode("ascii"))
        at = found + len(measure)
        start += len(part) + 1
    return Layout(tags, parts, mark, repairs) if tags else None


def _by_lengths(entries: Sequence[bytes], body: bytes) -> list[bytes] | None:
    """The fields as a directory without a gap cuts them, when most of them end where it says."""
    out, at, ended = [], 0, 0
    for entry in entries:
        if entry[7:] != b"%05d" % at or not entry[3:7].isdigit() or entry[3:7] == b"0000":
            return None
        stop = at + int(entry[3:7])
        out.append(body[at : stop - 1].replace(FIELD, b" "))
        ended += body[stop - 1 : stop] == FIELD
        at = stop
    whole = len(body.rstrip(PADDING + b" " + FIELD)) < at <= len(body) + 1
    return out if whole and ended * 2 > len(entries) else None


def _put_together(entries: Sequence[bytes], parts: Sequence[bytes]) -> list[bytes] | None:
    """As many fields as entries, out of more pieces than that: the way that strays least from the lengths.

    A piece that does not begin as its field must (two indicators and a subfield, unless it is a control field)
    is very likely the rest of the one before it.
    """
    extra = len(parts) - len(entries)
    if not 0 < extra <= _MOST_PIECES or len(entries) > _MOST_ENTRIES:
        return None
    best: list[dict[int, tuple[int, int]]] = [{0: (0, 0)}]  # pieces used -> cost, pieces used before this entry
    for n, entry in enumerate(entries):
        wanted = int(entry[3:7]) if entry[3:7].isdigit() else 0
        here: dict[int, tuple[int, int]] = {}
        for used, (cost, _before) in best[n].items():
            fits = bool(_DATA_FIELD.match(parts[used])) != entry.startswith(b"00")
            length = 0
            for taken in range(used + 1, n + 2 + extra):
                length += len(parts[taken - 1]) + 1
                price = cost + abs(wanted - length) + (0 if fits else 100)
                if taken not in here or price < here[taken][0]:
                    here[taken] = (price, used)
        best.append(here)
    out: list[bytes] = []
    stop = len(parts)
    for n in range(len(entries), 0, -1):
        start = best[n][stop][1]
        out.append(b" ".join(parts[start:stop]))
        stop = start
    return out[::-1]


def _without_unreadable(entries: Sequence[bytes], parts: list[bytes], repairs: list[Problem]) -> Layout | None:
    """The fields whose tags can be read, when they are most of them; the text of the others is told."""
    if len(entries) != len(parts):
        return None
    kept = [(entry, part) for entry, part in zip(entries, parts, strict=True) if _TAG.fullmatch(entry[:3])]
    if len(kept) * 2 <= len(parts):
        return None
    for entry, part in zip(entries, parts, strict=True):
        if not _TAG.fullmatch(entry[:3]):
            said = {"tag": _told(entry[:3]), "value": _told(part)[:200]}
            repairs.append(Problem("", "", "iso2709.bad_tag", "warning", said))
    return _named([entry for entry, _part in kept], [part for _entry, part in kept], repairs)


def _told(data: bytes) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", data.decode("utf-8", "replace")).split())
