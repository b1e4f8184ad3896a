"""MARC in ISO 2709, as libraries exchange it, to records.

The file is cut at the record terminators themselves: lengths lie more often than terminators do. What stands
in each piece is told apart by `layout`, which charset it is in by `charset`, which MARC it is by `flavour`: a
document comes out as a Record in UNIMARC, an authority as the agent or the concept that it describes. One bad
record never ends a file: what the bytes allow is repaired and told, the rest is refused, named and kept.

What is not taken over, on purpose:

- the lengths in the leader, which describe the file and not the document: the leader is
  "     nam0 22     1i 450 " whatever the file, so that PMB's XML and its ISO 2709 say the same;
- empty subfields, and fields in which nothing else stood.

009 with subfields (PMB writes it so) is a data field. Copies (995…) stay among the fields here: which
subfield says what depends on the source (`harvest.dialect`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from catalogue import wire
from catalogue.entities import AgentRow, ClassRow, Thesaurus
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Field, Fields, Record
from harvest.crosswalk import charset
from harvest.crosswalk.flavour import settle
from harvest.crosswalk.layout import FIELD, MAX_FIELDS, PADDING, lay_out

# Ten times what a record can say of itself. Smaller ones are kept whole when they are refused.
MAX_RECORD_BYTES = KEPT = 1_000_000

_RECORD = b"\x1d"
_STRANGERS = 50
_CHUNK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_EMPTY_RECORDS = re.compile(rb"\x1d{2,}")
_INDICATORS = re.compile("[ #|0-9]{2}")
_SHIFTED = re.compile(" +([#|0-9]{1,2}) *")
# A leader with its directory, in the middle of a piece. Its letters tell it from a directory, which is all digits.
_LEADER = re.compile(
    rb"[0-9]{5}[a-z ][a-z ][a-z #|][ -~]{2}[ 0-9]{2}[0-9]{5}[ -~]{3}45[ -~]{2}(?:[0-9A-Za-z]{3}[0-9]{9})+\x1e"
)
_HEAD = re.compile(rb"[\s\x00]*[0-9]{5}[ -~]{19}")

Read = Record | AgentRow | ClassRow | Thesaurus | Refusal


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Read]:
    """Every record of a file, in order. A Refusal at position 0 is about the file itself."""
    position = 0
    strange: list[Refusal] = []  # pieces that nothing tells from another kind of file, before the first record
    for raw, told in _records(_split(stream)):
        if len(raw) <= MAX_RECORD_BYTES and not (raw := _without_padding(raw)):
            continue
        position += 1
        found = parse(raw, position, told)
        if isinstance(found, Refusal) and position == 1 + len(strange) and not _HEAD.match(raw):
            strange.append(found)
            if position > _STRANGERS or FIELD not in strange[0].raw:
                yield Refusal(0, "", "iso2709.not_marc", raw=strange[0].raw)
                return
            continue
        yield from strange
        strange = []
        yield settle(found) if isinstance(found, Record) else found
    yield from strange
    if not position:
        yield Refusal(0, "", "file.empty")


def parse(raw: bytes, position: int, told: str = "") -> Record | Refusal:
    """One record, in its own flavour, without its terminator; `told`: what is known of how it ended (`_records`)."""
    if len(raw) > MAX_RECORD_BYTES:
        return _refused(raw, position, "iso2709.too_big", limit=str(MAX_RECORD_BYTES // 1_000_000))
    ended = told != "iso2709.no_terminator"
    laid_out = lay_out(raw if ended else raw.rstrip(PADDING))
    if isinstance(laid_out, str):
        code = laid_out if ended or laid_out == "iso2709.too_many_fields" else "iso2709.cut"
        return _refused(raw, position, code, limit=str(MAX_FIELDS))
    repairs = laid_out.repairs
    if not ended and [p for p in repairs if p.code != "iso2709.lengths" or not _complete(raw)]:
        return _refused(raw, position, "iso2709.cut")
    if told:
        repairs.append(Problem("", "", told))
    decoded = charset.decode(laid_out.parts, laid_out.tags, laid_out.mark, repairs)
    if isinstance(decoded, str):
        return _refused(raw, position, "iso2709.charset", value=decoded)
    fields: Fields = [{"t": "000", "v": _leader(laid_out.mark)}]
    for tag, text in zip(laid_out.tags, decoded, strict=True):
        if (f := _field(tag, text, repairs)) is not None:
            fields.append(f)
    if len(fields) == 1:
        return _refused(raw, position, "iso2709.nothing")
    if b"travee" in raw:
        fields = wire.from_wire(fields)
    number = next((f["v"] for f in fields if f["t"] == "001" and "v" in f), None)
    return Record(fields, position=position, control_number=number, repairs=tuple(repairs), raw=raw + _RECORD)


# --- records in the stream -------------------------------------------------------------------


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, str]]:
    """The bytes before each terminator, then what is left; of a monster, only its beginning."""
    rest: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        if _RECORD * 2 in chunk:
            chunk = _EMPTY_RECORDS.sub(_RECORD, chunk)
        first, *more = chunk.split(_RECORD)
        if size <= MAX_RECORD_BYTES:
            rest.append(first)
            size += len(first)
        for piece in more:
            yield b"".join(rest), ""
            rest, size = [piece], len(piece)
    yield b"".join(rest), "iso2709.no_terminator"


def _records(pieces: Iterable[tuple[bytes, str]]) -> Iterator[tuple[bytes, str]]:
    """Pieces as they were meant: a terminator that stands inside a field is no end; one may be missing.

    With each, "" or the code of what is to be told: its terminator was missing, at the end of the file or before
    the next record, or one stood in its middle.
    """
    begun: list[bytes] = []  # a record that announces more than its piece holds, and the pieces behind it
    left = 0
    for raw, told in pieces:
        if begun:
            left -= len(raw) + 1
            if left >= 0 and not _HEAD.match(raw):
                begun.append(raw)
                if not left:
                    yield b" ".join(begun), told or "iso2709.terminator_inside"
                    begun = []
                continue
            yield from ((piece, "") for piece in begun)
            begun = []
        if _announced(raw) not in (0, len(raw) + 1):
            *glued, (raw, told) = _unglued(raw, told)
            yield from glued
        announced = _announced(raw)
        if announced > len(raw) + 1 and not told and raw[-1:] != FIELD:
            begun, left = [raw], announced - len(raw) - 1
        else:
            yield raw, told
    yield from ((piece, "") for piece in begun)


def _announced(raw: bytes) -> int:
    """The length that a record says it has, 0 when it says none."""
    return int(raw[:5]) if raw[:5].isdigit() else 0


def _unglued(raw: bytes, told: str) -> list[tuple[bytes, str]]:
    """The records of one piece: between them, a terminator is missing."""
    out, at = [], 0
    while found := _LEADER.search(raw, raw.find(FIELD, at + 24) + 1 or len(raw)):
        out.append((raw[at : found.start()], "iso2709.glued"))
        at = found.start()
    return [*out, (raw[at:], told)]


def _without_padding(raw: bytes) -> bytes:
    raw = raw.removeprefix(_BOM).lstrip(PADDING)
    bare = raw.lstrip(PADDING + b" ")
    return bare if bare[:5].isdigit() or not bare else raw


def _complete(raw: bytes) -> bool:
    """Whether all that the record announced is there, but for the terminators that something cut off with it."""
    return len(raw.rstrip(PADDING)) + 2 >= _announced(raw) > 0


def _leader(mark: str) -> str:
    return f"     {mark[5:10]}22     {mark[17:20]}450 "


# --- fields ----------------------------------------------------------------------------------


def _field(tag: str, text: str, repairs: list[Problem]) -> Field | None:
    head, *subfields = text.split("\x1f")
    if not subfields:
        return _without_subfields(tag, text, repairs)
    if head[2:].strip():
        head = _indicators(tag, head, repairs)
    pairs = [[s[0], s[1:]] for s in subfields if len(s) > 1]
    return {"t": tag, "i": head[:2].ljust(2), "s": pairs} if pairs else None


def _indicators(tag: str, head: str, repairs: list[Problem]) -> str:
    """« ␣␣1 » for « 1␣ »: some programs write a blank too many. Anything else there is no indicator."""
    if shifted := _SHIFTED.fullmatch(head):
        repairs.append(Problem(tag, "", "iso2709.indicators", "info", {"tag": tag}))
        return shifted[1]
    value = head[2:].strip()[:80]
    repairs.append(Problem(tag, "", "iso2709.stray_text", "warning", {"tag": tag, "value": value}))
    return head


def _without_subfields(tag: str, text: str, repairs: list[Problem]) -> Field | None:
    """A control field; or a data field that has text and no subfield, whose text is kept as its $a."""
    if tag < "010":
        value = text.strip() if tag == "001" else text
        return {"t": tag, "v": value} if value.strip() else None
    indicators, value = (text[:2], text[2:].strip()) if _INDICATORS.match(text) else ("  ", text.strip())
    if not value:
        return None
    repairs.append(Problem(tag, "a", "iso2709.no_subfield", "warning", {"tag": tag}))
    return {"t": tag, "i": indicators, "s": [["a", value]]}


def _refused(raw: bytes, position: int, code: str, **params: str) -> Refusal:
    identifier = ""
    end = raw.find(FIELD, 24)
    if end > 0 and raw[24:27] == b"001":
        identifier = raw[end + 1 : end + 41].partition(FIELD)[0].decode("utf-8", "replace").strip()
    return Refusal(position, identifier, code, {"position": str(position), **params}, raw[:KEPT])
