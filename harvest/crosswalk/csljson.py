"""CSL-JSON (Zotero, citeproc, Crossref), and Zotero's own JSON, to records. What each field becomes: `csljson.toml`.

A file is a list of references, one reference, one a line, or an answer that holds them (`items`, `message`). It is
cut into references by its braces and read one by one, so a broken one never ends the file. JSON is held to its
standard (RFC 8259), because programs differ on the rest: NaN, a name said twice in one object, half a surrogate pair,
a value nested deeper than 40 or longer than 1 MB refuse the reference they stand in.

`to_record` is the same for one reference that somebody already has, as Crossref gives it for a DOI.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from catalogue.entities import About
from catalogue.problems import Problem, Refusal
from catalogue.text import fold
from catalogue.unimarc import Record
from harvest.crosswalk import citation as citations
from harvest.crosswalk.citation import KEPT, MAX_ENTRY_BYTES, Name, each_once, line
from harvest.crosswalk.gather import ROLES, Gathered, finish, is_body, table
from harvest.crosswalk.received import charset_once, chunks, decode

MAX_DEPTH = 40
_NOWHERE = -1  # no reference stands at this depth: what follows the list is about the list
_WRAPPERS = {b'"items"': b"[", b'"references"': b"[", b'"message"': b"{"}
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]]|"', re.S)
_NOT_REFERENCES = ("note", "attachment", "annotation")
_NAMED = re.compile(rb'"(?:id|key|DOI|title)"\s*:\s*\[?\s*"((?:[^"\\]|\\.){1,200})"')
_SEASONS = {"1": "printemps", "2": "été", "3": "automne", "4": "hiver"}

Item = Mapping[str, Any]


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | About | Refusal]:
    """Every reference of a file, in order. A Refusal at position 0 is about the file itself."""
    return charset_once(each_once(_read(stream, (profile or {}).get("kinds"))))


def _read(stream: BinaryIO, kinds: Mapping[str, str] | None) -> Iterator[Record | Refusal]:
    position = 0
    for raw, fault in _split(stream):
        position += 1
        repairs: list[Problem] = []
        item = fault or _parse(raw, repairs)
        if isinstance(item, str):
            params = {"position": str(position), "limit": str(MAX_DEPTH if item == "csljson.deep" else 1)}
            kept = raw if len(raw) <= MAX_ENTRY_BYTES else raw[:KEPT]
            yield Refusal(position, _name(raw), item, params, kept)
            continue
        record = to_record(item, position, raw, kinds)
        yield replace(record, repairs=(*repairs, *record.repairs)) if isinstance(record, Record) else record
    if not position:
        yield Refusal(0, "", "csljson.none")


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, str]]:
    scan = _Scan()
    for chunk in chunks(stream):
        yield from scan.take(chunk)
        if scan.over:
            return
    yield from scan.end()


# --- one reference ---------------------------------------------------------------------------


def to_record(
    item: Item, position: int = 0, raw: bytes = b"", kinds: Mapping[str, str] | None = None
) -> Record | Refusal:
    """The record of one reference: CSL's item, Crossref's, or Zotero's.

    >>> fields = to_record({"type": "book", "title": "La ville", "issued": {"date-parts": [[2019]]}}).fields
    >>> next(f["s"] for f in fields if f["t"] == "210")
    [['d', '2019']]
    """
    item = _inside(item)
    zotero = "itemType" in item
    rules = table("csljson", "zotero" if zotero else "csl")
    type_ = line(str(item.get("itemType" if zotero else "type") or ""))
    kind = rules.kind_of(type_, kinds)
    in_book = fold(type_) in rules.in_book
    g = Gathered(rules, rules.meanings(kind or "other", in_book))
    for name, value in item.items():
        _put(g, name, value)
    return citations.to_record(finish(g, rules, kind=kind, type=type_, in_book=in_book), position, raw)


def _put(g: Gathered, name: str, value: Any) -> None:
    meaning = g.meaning(name)
    if meaning == "-" or value in (None, "", [], {}):
        return
    if name == "creators" and isinstance(value, list):
        for creator in value:
            if isinstance(creator, Mapping):
                _put_creator(g, creator)
    elif name == "attachments":
        for address in _texts(value, "url", "path"):
            g.put(name, address, "kept")
    elif meaning.startswith("name") and isinstance(value, list):
        for person in value:
            if isinstance(person, Mapping):
                g.put(name, _name_of(person, meaning.partition(" ")[2]))
            else:
                g.put(name, str(person))
    elif isinstance(value, Mapping) and ("date-parts" in value or "raw" in value or "literal" in value):
        g.put(name, _date(value))
    else:
        for text in _texts(value, "tag", "note", "title", "name", "value", "URL"):
            g.put(name, text)


def _texts(value: Any, *keys: str) -> Iterator[str]:
    """The texts of a value: itself, each of a list, or what an object calls by one of these names; else its JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool) or value is None:
        yield from (("oui",) if value else ())
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, *keys)
    elif isinstance(value, Mapping):
        said = next((value[key] for key in keys if isinstance(value.get(key), str)), None)
        yield json.dumps(value, ensure_ascii=False) if said is None else said


def _name_of(person: Item, role: str) -> Name:
    """A name of CSL: family and given, with their particles and suffix, or one literal text."""
    said = {key: line(str(value)) for key, value in person.items() if isinstance(value, str | int)}
    main, identifier = role != "", said.get("ORCID", "")
    whole = said.get("literal") or said.get("name")
    if whole:
        return Name(whole, role=role, type="body", main=main, identifier=identifier)
    family = " ".join(p for p in (said.get("non-dropping-particle", ""), said.get("family", "")) if p)
    given = " ".join(p for p in (said.get("given", ""), said.get("dropping-particle", "")) if p)
    if not family or not given:
        alone = family or given
        type_ = "body" if is_body(alone) else "person"
        return Name(alone, role=role, type=type_, main=main, identifier=identifier)
    return Name(family, given, role, main=main, addition=said.get("suffix", ""), identifier=identifier)


def _put_creator(g: Gathered, creator: Item) -> None:
    """A creator of Zotero: two names, or one that is not cut (a body, most of the time)."""
    said = {key: line(str(value)) for key, value in creator.items() if isinstance(value, str)}
    function = said.get("creatorType", "author")
    role = ROLES.get(function.lower(), "")
    first, last = said.get("firstName", ""), said.get("lastName") or said.get("name", "")
    if not (first or last):
        return
    if first and last:
        g.put("creators", Name(last, first, role, main=role != ""))
        return
    body = bool(creator.get("fieldMode")) or "name" in said or is_body(first or last)
    g.put("creators", Name(first or last, role=role, type="body" if body else "person", main=role != ""))


def _date(value: Item) -> str:
    """A date of CSL as one text: « 2013-01-05 », « 2012-2013 », « printemps 2021 », « [ca 1975] »."""
    if text := value.get("literal") or value.get("raw"):
        return str(text)
    parts = value.get("date-parts")
    ends = []
    for part in parts if isinstance(parts, list) else ():
        numbers = [str(n).strip() for n in part] if isinstance(part, list) else [str(part)]
        numbers = [n for n in numbers if n and n != "None"]
        if numbers:
            ends.append("-".join([numbers[0].zfill(4), *(n.zfill(2) for n in numbers[1:3])]))
    text = (" – " if any("-" in end for end in ends) else "-").join(ends[:2])
    season = str(value.get("season") or "")
    text = " ".join(part for part in (_SEASONS.get(season, season), text) if part)
    return f"[ca {text}]" if text and value.get("circa") else text


# --- a file ----------------------------------------------------------------------------------


class _Scan:
    """The bytes of a file, cut at the braces of its references. Strings are passed over whole."""

    def __init__(self) -> None:
        self.found = False  # a reference, or the beginning of one
        self.over = False
        self._data = b""
        self._at = 0  # looked at up to here
        self._depth = 0
        self._level: int | None = None  # the depth at which references stand
        self._start = -1  # of the reference
        self._fault = ""
        self._last = b""  # the last string

    def take(self, chunk: bytes) -> Iterator[tuple[bytes, str]]:
        """Each reference that is complete, with what forbids to read it, "" when nothing does."""
        self._data += chunk
        for token in _TOKEN.finditer(self._data, self._at):
            sign = token[0]
            if sign == b'"':  # a string that goes on in the next chunk
                break
            self._at = token.end()
            if len(sign) > 1:
                self._last = sign[:20]
            elif sign in b"{[":
                self._opens(sign, token.start())
            else:
                self._depth -= 1
                if self._start >= 0 and self._depth == self._level:
                    yield self._cut(self._at)
                elif self._start < 0 and self._depth < (self._level or 0):  # the end of their list
                    self._level = None if self._depth <= 0 else _NOWHERE
        else:
            self._at = len(self._data)
        yield from self._trim()

    def end(self) -> Iterator[tuple[bytes, str]]:
        """What is left when the file ends."""
        if self._start >= 0:
            yield self._data[self._start :], self._fault or "csljson.cut"
        elif self._depth > 0:
            yield b"", "csljson.cut"

    def _opens(self, sign: bytes, at: int) -> None:
        if self._start < 0:
            if sign == b"{" and self._level in (None, self._depth):
                self._begin(at)
        elif self._depth == (self._level or 0) + 1 and self._last in _WRAPPERS and sign == _WRAPPERS[self._last]:
            # This object is no reference: it holds them (an answer of Crossref, an export of Zotero).
            self._start, self._level, self._fault = -1, self._depth + 1, ""
            if sign == b"{":
                self._level = self._depth
                self._begin(at)
        self._depth += 1
        if self._start >= 0 and self._depth - (self._level or 0) > MAX_DEPTH:
            self._fault = self._fault or "csljson.deep"

    def _begin(self, at: int) -> None:
        self._start, self._level, self.found = at, self._depth, True

    def _cut(self, end: int) -> tuple[bytes, str]:
        raw, fault = self._data[self._start : end], self._fault
        if len(raw) > MAX_ENTRY_BYTES:
            fault = fault or "citation.too_big"
        self._start, self._fault = -1, ""
        return raw, fault

    def _trim(self) -> Iterator[tuple[bytes, str]]:
        """Let go of what has been looked at; of what is too big, all but its beginning."""
        cut = self._at if self._start < 0 else self._start
        self._data, self._at = self._data[cut:], self._at - cut
        self._start = min(self._start, 0)
        if len(self._data) - self._at > 2 * MAX_ENTRY_BYTES:  # a string without end: no brace can be told any more
            self.over = True
            yield self._data[:KEPT], "citation.too_big"
        elif self._at > 2 * MAX_ENTRY_BYTES:
            self._fault = self._fault or "citation.too_big"
            self._data, self._at = self._data[:KEPT] + self._data[self._at :], KEPT


class _Unreadable(ValueError):
    pass


def _parse(raw: bytes, repairs: list[Problem]) -> dict[str, Any] | str:
    """One reference, or the code of what is wrong with its JSON."""
    try:
        item = json.loads(decode(raw, repairs), parse_constant=_refuse_constant, object_pairs_hook=_once)
        json.dumps(item, ensure_ascii=False).encode("utf-8")
    except _Unreadable as fault:
        return str(fault)
    except UnicodeEncodeError:
        return "csljson.surrogate"
    except (ValueError, RecursionError):
        return "csljson.malformed"
    if not isinstance(item, dict) or _inside(item).get("itemType") in _NOT_REFERENCES:
        return "csljson.no_reference"
    return item


def _inside(item: Item) -> Item:
    """What Zotero's API wraps in `data`, beside the addresses of it."""
    data = item.get("data")
    return data if isinstance(data, Mapping) else item


def _refuse_constant(_name: str) -> Any:
    raise _Unreadable("csljson.constant")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise _Unreadable("csljson.name_repeated")
    return names


def _name(raw: bytes) -> str:
    """How a reference that is not read calls itself."""
    found = _NAMED.search(raw[:KEPT])
    return line(decode(found[1], []))[:80] if found else ""
