"""RIS, as citation managers, databases and PMB write it, to records. What each tag becomes: `ris.toml`.

The format is lines, « TI  - Titre », from TY to ER. Real files lie in every way that this allows, so the lines are
read here, and not by a library that believes them:

- PMB ends its references with « ER - » and one blank, EndNote writes one blank everywhere, some forget ER, TY, or
  the line ends of TY: a reference goes from one TY to the next, whatever ends it, and what was missing is told;
- a line without a tag carries on the one before (« KW » lists, abstracts in paragraphs), its line break kept;
- text around the references (« Provider: … ») is told with the reference that follows it.

The charset is decided line by line (`received`). A line or a reference of more than 1 MB is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, BinaryIO

from catalogue.entities import About
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record
from harvest.crosswalk.citation import KEPT, MAX_ENTRY_BYTES, each_once, to_record
from harvest.crosswalk.gather import Table, gather, table
from harvest.crosswalk.received import byte_lines, charset_once, decode

_TAG = re.compile(r"\s*([A-Z][A-Z0-9])(\s{0,3})-(?:\s(.*))?$", re.S)
_JOURNAL = frozenset(("JF", "JO", "JA"))  # a reference that forgets its type and names a journal is an article
_SLASHES = re.compile(r"(\d{4})?/?(\d{0,2})/?(\d{0,2})/?(.*)", re.S)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    rules = table("ris")
    return frozenset((*rules.fields, *rules.labels, "TY"))


@dataclass(slots=True)
class _Entry:
    """The lines of one reference."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    tags: set[str] = field(default_factory=set)

    def add(self, line: bytes, tag: str = "") -> None:
        self.size += len(line) + 1
        if self.size <= MAX_ENTRY_BYTES + KEPT:
            self.lines.append(line)
        if tag:
            self.tags.add(tag)


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | About | Refusal]:
    """Every reference of a file, in order. A Refusal at position 0 is about the file itself."""
    return charset_once(each_once(_read(stream, profile or {})))


def _read(stream: BinaryIO, profile: Mapping[str, Any]) -> Iterator[Record | Refusal]:
    position, around = 0, b""
    for entry, stray in _split(stream):
        around = b" ".join(part for part in (around, stray) if part)[:KEPT]
        if entry is None:
            continue
        position += 1
        yield _record(entry, around, position, profile.get("kinds"))
        around = b""
    if not position:
        yield Refusal(0, "", "ris.none" if around else "file.empty", raw=around)
    elif around:
        yield Refusal(position + 1, "", "ris.no_tag", {"value": decode(around[:160], [])[:80]}, around)


def _split(stream: BinaryIO) -> Iterator[tuple[_Entry | None, bytes]]:
    """Each reference with the text that stood before it; (None, text) for text alone."""
    entry: _Entry | None = None
    around = b""
    for line in byte_lines(stream, MAX_ENTRY_BYTES):
        tag, _value = _tag(line[:40].decode("latin-1"))
        if tag == "ER":
            if entry is not None:
                entry.add(line, tag)
                yield entry, around
                entry, around = None, b""
            continue
        if tag == "TY" and entry is not None and entry.tags - {"TY"}:
            yield entry, around
            entry, around = None, b""
        if tag or entry is not None:
            entry = entry or _Entry()
            entry.add(line, tag)
        elif line.strip():
            yield None, line.strip()[:KEPT]
    if entry is not None and (entry.tags or any(part.strip() for part in entry.lines)):
        yield entry, around


def _tag(line: str) -> tuple[str, str]:
    """The tag of a line, "" when it has none, and its value: one blank before the dash is believed of known tags."""
    found = _TAG.match(line)
    if found is None or (len(found[2]) < 2 and found[1] not in _known()):
        return "", line
    return found[1], found[3] or ""


def _record(entry: _Entry, around: bytes, position: int, kinds: Mapping[str, str] | None) -> Record | Refusal:
    raw = b"\n".join(entry.lines) + b"\n"
    repairs: list[Problem] = []
    if entry.size > MAX_ENTRY_BYTES:
        params = {"position": str(position), "limit": str(MAX_ENTRY_BYTES // 1_000_000)}
        return Refusal(position, _name(raw), "citation.too_big", params, raw[:KEPT])
    pairs = list(_values(entry, repairs))
    if around:
        repairs.append(Problem("", "", "ris.text_around", "info", {"value": decode(around[:160], [])[:80]}))
    if "ER" not in entry.tags:
        repairs.append(Problem("", "", "ris.no_end", "info"))
    types = [value for tag, value in pairs if tag == "TY" and value]
    if not types:
        repairs.append(Problem("", "", "ris.no_type"))
        types = ["JOUR"] if _JOURNAL & entry.tags else []
    rules = table("ris")
    fields = [(tag, value) for tag, value in _with_dates(pairs, rules) if tag != "TY"]
    fields += [("TY", value) for value in types[1:]]
    citation = gather(fields, rules, type=types[0] if types else "", known=kinds)
    return to_record(replace(citation, repairs=(*repairs, *citation.repairs)), position, raw)


def _values(entry: _Entry, repairs: list[Problem]) -> Iterator[tuple[str, str]]:
    """(tag, value), a value over several lines in one piece."""
    tag, parts = "", list[str]()
    for line in decode(b"\n".join(entry.lines), repairs).split("\n"):
        name, text = _tag(line)
        if not name:
            parts.append(text)
            continue
        if tag:
            yield tag, "\n".join(parts).strip()
        tag, parts = name, [text]
    if tag:
        yield tag, "\n".join(parts).strip()


def _with_dates(pairs: list[tuple[str, str]], rules: Table) -> Iterator[tuple[str, str]]:
    """The dates of RIS are « 2005/07/15/autre »: as others write them."""
    for tag, value in pairs:
        if rules.fields.get(tag) == "date" or tag == "Y2":
            value = _date(value)
        yield tag, value


def _date(value: str) -> str:
    """« 2005/07/15/ » as 2005-07-15, « 2002///printemps » as « printemps 2002 », words that say the year alone,
    anything else as it is."""
    found = _SLASHES.fullmatch(value.strip())
    if "/" not in value or found is None:
        return value
    year, month, day, other = (part or "" for part in found.groups())
    other = other.strip(" /")
    if other and year in other:
        return other
    date = "-".join(part.zfill(2) for part in (year, month, day) if part.strip("0"))
    return " ".join(part for part in (other, date) if part)


def _name(raw: bytes) -> str:
    """What a reference calls itself, for the sentence that refuses it."""
    for tag in (b"ID", b"AN", b"TI", b"T1"):
        if found := re.search(rb"^" + tag + rb"\s{0,2}- ?(.{1,80})", raw[:KEPT], re.M):
            return decode(found[1], []).strip()
    return ""
