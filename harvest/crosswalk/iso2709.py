"""UNIMARC in ISO 2709, as libraries exchange it, to records.

The file is cut at the record terminators themselves: lengths lie more often than terminators do. Inside a
record the directory is believed where it agrees with the field terminators; where it does not, what the
bytes allow is repaired and told. One bad record never ends a file.

The charset is decided record by record, from the bytes: strict UTF-8 first, whatever the record says of
itself; then what 100 $a 26-29 declares; then ISO 5426 or Windows-1252, whichever the bytes look like, and
the choice is told. Text is kept in NFC; line breaks stay; other control characters, which no screen shows and no
XML may hold, are taken out and told. What is not taken over, on purpose:

- the lengths in the leader, which describe the file and not the document: the leader is
  "     nam0 22     1i 450 " whatever the file, so that PMB's XML and its ISO 2709 say the same;
- empty subfields, and fields in which nothing else stood.

009 with subfields (PMB writes it so) is a data field. Copies (995…) stay among the fields here: which
subfield says what depends on the source (`harvest.dialect`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Field, Fields, Record
from harvest.crosswalk import iso5426

MAX_RECORD_BYTES = 20_000_000
MAX_FIELDS = 10_000
KEPT = 1 << 20  # of the bytes of a broken record

_RECORD, _FIELD, _SUBFIELD = b"\x1d", b"\x1e", b"\x1f"
_CHUNK = 1 << 18
_PADDING = b"\r\n\t\x00\x1a"  # between records: line breaks, zeros, the end-of-file mark of DOS
_BOM = b"\xef\xbb\xbf"
_UTF8 = re.compile(rb"(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+")
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_INDICATORS = re.compile("[ #|0-9]{2}")
_HIGH = re.compile(rb"[\x80-\xff]")
_TWICE = re.compile("[\xc3-\xc5][\x80-\xbf]")  # « Ã© »: UTF-8 that was taken for Latin-1 and made UTF-8 again
_ODD = re.compile("[\x00-\x08\x0b-\x1c\x7f-\x9f]")
# Marks of words that are not sorted, in a pair inside one subfield; alone, the same bytes are signs of Windows-1252.
_MARKED = re.compile("([\x98\x88])([^\x88\x89\x98\x9c\x1e\x1f]*)([\x9c\x89])")
_WINDOWS = {c: bytes([c]).decode("cp1252") for c in range(0x80, 0xA0) if c not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_CONTROLS = dict.fromkeys(c for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\t\n\x1e\x1f\x88\x89\x98\x9c")
# The values of a record, without the codes before them: an accent that opens a value must not fall on its code.
_VALUES = re.compile("(?<=\x1f.)[^\x1e\x1f]+|(?<![^\x1e])[^\x1e\x1f]+", re.S)


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | Refusal]:
    """Every record of a file, in order. A Refusal at position 0 is about the file itself."""
    position = 0
    for raw, whole in _split(stream):
        if len(raw) > MAX_RECORD_BYTES:
            position += 1
            params = {"position": str(position), "limit": str(MAX_RECORD_BYTES // 1_000_000)}
            yield Refusal(position, "", "iso2709.too_big", params, raw[:KEPT])
            continue
        raw = _without_padding(raw)
        if not raw:
            continue
        if not position and _FIELD not in raw:
            yield Refusal(0, "", "iso2709.not_marc", raw=raw[:KEPT])
            return
        position += 1
        yield parse(raw, position, whole=whole)
    if not position:
        yield Refusal(0, "", "file.empty")


def parse(raw: bytes, position: int, *, whole: bool = True) -> Record | Refusal:
    """One record, without its terminator; `whole` is False for what stands behind the last terminator of a file."""
    laid_out = _lay_out(raw)
    if isinstance(laid_out, str):
        return _refused(raw, position, laid_out if whole else "iso2709.cut")
    tags, parts, repairs = laid_out
    if not whole:
        if repairs:
            return _refused(raw, position, "iso2709.cut")
        repairs.append(Problem("", "", "iso2709.no_terminator"))
    if len(tags) > MAX_FIELDS:
        return _refused(raw, position, "iso2709.too_many_fields", limit=str(MAX_FIELDS))
    decoded = _decode(parts, tags, repairs)
    if isinstance(decoded, str):
        return _refused(raw, position, "iso2709.charset", value=decoded)
    fields: Fields = [{"t": "000", "v": _leader(raw)}]
    for tag, text in zip(tags, decoded, strict=True):
        if (f := _field(tag, text, repairs)) is not None:
            fields.append(f)
    number = next((f["v"] for f in fields if f["t"] == "001" and "v" in f), None)
    return Record(fields, position=position, control_number=number, repairs=tuple(repairs), raw=raw + _RECORD)


# --- bytes -----------------------------------------------------------------------------------


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The bytes before each terminator, then what is left with False; of a monster, only its beginning."""
    rest: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        first, *more = chunk.split(_RECORD)
        if size <= MAX_RECORD_BYTES:
            rest.append(first)
            size += len(first)
        for piece in more:
            yield b"".join(rest), True
            rest, size = [piece], len(piece)
    yield b"".join(rest), False


def _without_padding(raw: bytes) -> bytes:
    raw = raw.removeprefix(_BOM).lstrip(_PADDING)
    bare = raw.lstrip(_PADDING + b" ")
    return bare if bare[:5].isdigit() or not bare else raw


def _lay_out(raw: bytes) -> tuple[list[str], list[bytes], list[Problem]] | str:
    """Tags and the bytes of their fields, or the code of what forbids to tell them apart."""
    end = raw.find(_FIELD, 24)
    if end < 0:
        return "iso2709.no_directory"
    directory = raw[24:end]
    body = raw[end + 1 :]
    if len(directory) % 12:
        base = int(raw[12:17]) if raw[12:17].isdigit() else 0
        if base <= 25 or (base - 25) % 12 or base > len(raw):
            return "iso2709.directory"
        directory, body = raw[24 : base - 1], raw[base:]
    parts = body.split(_FIELD)
    if not parts[-1].strip(_PADDING + b" "):
        parts.pop()
    if not directory or not parts:
        return "iso2709.directory"
    entries = [directory[at : at + 12] for at in range(0, len(directory), 12)]
    tags = [entry[:3].decode("latin-1") for entry in entries]
    if not all(tag.isascii() and tag.isalnum() for tag in tags):
        return "iso2709.directory"
    repairs: list[Problem] = []
    if raw[:5] != b"%05d" % (len(raw) + 1) and len(raw) < 99_999:
        repairs.append(Problem("", "", "iso2709.lengths"))
    if not _agree(entries, parts):
        repairs = [Problem("", "", "iso2709.lengths")]
        if (found := _in_directory_order(entries, parts)) is not None:
            parts, repairs = found, []
        elif len(parts) != len(entries):
            if (cut_out := _by_lengths(entries, body)) is None:
                return "iso2709.directory"
            parts = cut_out
    return tags, parts, repairs


def _agree(entries: Sequence[bytes], parts: Sequence[bytes]) -> bool:
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


def _by_lengths(entries: Sequence[bytes], body: bytes) -> list[bytes] | None:
    """The fields as the directory cuts them, when there are more or fewer terminators than entries."""
    out = []
    for entry in entries:
        if not entry[3:].isdigit():
            return None
        length, start = int(entry[3:7]), int(entry[7:12])
        part = body[start : start + length]
        if length < 1 or len(part) < length - 1 or (part[-1:] not in (_FIELD, b"") and start + length < len(body)):
            return None
        out.append(part.removesuffix(_FIELD).replace(_FIELD, b" "))
    return out


def _leader(raw: bytes) -> str:
    mark = raw[:24].decode("ascii", "replace").replace("\ufffd", " ")
    mark = "".join(c if c.isprintable() else " " for c in mark)
    return f"     {mark[5:10]}22     {mark[17:20]}450 "


# --- characters ------------------------------------------------------------------------------


def _decode(parts: list[bytes], tags: Sequence[str], repairs: list[Problem]) -> list[str] | str:
    """The text of each field, or the name of a declared charset that is not read here."""
    data = _FIELD.join(parts)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        declared = _declared(parts, tags)
        other = _decode_other(data, declared, repairs)
        if other is None:
            return declared.strip()
        text = other
    if _TWICE.search(text):
        once = _VALUES.sub(_once, text)
        if once != text:
            repairs.append(Problem("", "", "charset.twice"))
            text = once
    if _ODD.search(text):
        text = _without_controls(text, repairs)
    if not unicodedata.is_normalized("NFC", text):
        text = _VALUES.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)
    return text.split("\x1e")


def _declared(parts: Sequence[bytes], tags: Sequence[str]) -> str:
    """100 $a 26-29: "50  " says UTF-8, "0103" says ISO 646 and ISO 5426."""
    if "100" not in tags:
        return ""
    return parts[tags.index("100")].partition(b"\x1fa")[2][26:30].decode("latin-1")


def _decode_other(data: bytes, declared: str, repairs: list[Problem]) -> str | None:
    sets = {declared[:2], declared[2:4]}
    odd = len(_HIGH.findall(_UTF8.sub(b"", data)))
    if len(_MULTIBYTE.findall(data)) > odd:
        repairs.append(Problem("", "", "charset.mixed"))
        return _patched(data)
    if "02" in sets:
        # ISO registration 37, basic Cyrillic: its letters stand where KOI8-R has them.
        repairs.append(Problem("", "", "charset.declared", "info"))
        return data.decode("koi8-r")
    if iso5426.is_likely(data):
        known = "03" in sets
        repairs.append(Problem("", "", "charset.declared", "info") if known else Problem("", "", "charset.iso5426"))
        return iso5426.decode(data)
    if sets & {"04", "05", "06", "07", "08", "09", "10", "11"}:
        return None
    repairs.append(Problem("", "", "charset.windows"))
    return data.decode("latin-1")  # where it differs from Windows-1252, `_without_controls` mends it


def _once(found: re.Match[str]) -> str:
    """A value before its second encoding, when every one of its accents says that there was one."""
    try:
        return found[0].encode("latin-1").decode("utf-8") if _TWICE.search(found[0]) else found[0]
    except UnicodeError:
        return found[0]


def _patched(data: bytes) -> str:
    """UTF-8 with some bytes of Windows-1252 in it: each piece by its own."""
    out, at = [], 0
    for found in _UTF8.finditer(data):
        out += [data[at : found.start()].decode("latin-1"), found[0].decode("utf-8", "replace")]
        at = found.end()
    return "".join([*out, data[at:].decode("latin-1")])


def _without_controls(text: str, repairs: list[Problem]) -> str:
    """Line breaks written one way, signs of Windows-1252 where they belong, and what shows nothing taken out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Pieces 1 and 3 of 4 are marks; 0 and 2 are text, where U+0080 to U+009F come from a program that took
    # Windows-1252 for Latin-1.
    pieces = _MARKED.split(text)
    pieces = [piece if n % 2 else piece.translate(_WINDOWS) for n, piece in enumerate(pieces)]
    mended = "".join(pieces)
    if mended != text and not any(r.code.startswith("charset.") for r in repairs):
        repairs.append(Problem("", "", "charset.windows_signs"))
    bare = mended.translate(_CONTROLS)
    if bare != mended:
        repairs.append(Problem("", "", "iso2709.controls"))
    return bare


# --- fields ----------------------------------------------------------------------------------


def _field(tag: str, text: str, repairs: list[Problem]) -> Field | None:
    head, *subfields = text.split("\x1f")
    if not subfields:
        return _without_subfields(tag, text, repairs)
    if stray := head[2:].strip():
        repairs.append(Problem(tag, "", "iso2709.stray_text", "warning", {"tag": tag, "value": stray[:80]}))
    pairs = [[s[0], s[1:]] for s in subfields if len(s) > 1]
    return {"t": tag, "i": head[:2].ljust(2), "s": pairs} if pairs else None


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
    end = raw.find(_FIELD, 24)
    if end > 0 and raw[24:27] == b"001":
        identifier = raw[end + 1 : end + 41].partition(_FIELD)[0].decode("utf-8", "replace").strip()
    return Refusal(position, identifier, code, {"position": str(position), **params}, raw[:KEPT])
