"""BibTeX and BibLaTeX to records. What each type and each field becomes: `bibtex.toml`.

Entries are cut first, by their braces, and read one by one (values, strings, « # » and names by pybtex): one that is
broken never ends the file. An entry whose brace is not closed ends where the next one begins, at « @type{key, » at
the beginning of a line or after a closing brace; it is refused and named. Forgiven, and told: a missing comma between
two fields, a missing key, a string that was not defined.

Text between entries is a comment, by the rules of BibTeX; so are @comment and @preamble. What « crossref » refers to
is taken over wherever it stands in the file: such an entry waits for it, up to the end of the file at worst.

Strings made of strings can grow without end: none may exceed 100,000 signs.
"""

from __future__ import annotations

import re
import tomllib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from pybtex.bibtex.utils import split_name_list
from pybtex.database import Person
from pybtex.database.input.bibtex import LowLevelParser, month_names
from pybtex.exceptions import PybtexError
from pybtex.scanner import Pattern, PybtexSyntaxError
from pybtex.utils import CaseInsensitiveDict

from catalogue.entities import About
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record
from harvest.crosswalk.citation import KEPT, MAX_ENTRY_BYTES, Name, each_once, line, to_record
from harvest.crosswalk.gather import Pair, gather, is_body, table
from harvest.crosswalk.latex import to_text
from harvest.crosswalk.received import charset_once, chunks, decode

MAX_VALUE = 100_000  # signs of a value, its strings put in
_STRINGS = 10_000_000  # signs of all strings of a file
_WAITING = 5_000  # entries that wait for another, and entries that others may refer to
_NOT_ENTRIES = frozenset(("string", "preamble", "comment"))

_START = re.compile(rb"@[ \t]*([A-Za-z]{1,40})\s{0,20}([{(])\s{0,20}([^\s,{}()=\"#%]{0,300})")
# What changes the depth, or says that another entry begins in the middle of this one.
_SIGN = re.compile(
    rb'[{}()"]|(?:[\r\n]|(?<=[})]))[ \t]{0,20}@[ \t]*[A-Za-z]{1,40}\s{0,20}[{(]\s{0,20}[^\s,{}()="#%]{1,300}\s{0,20},'
)
_NEXT_FIELD = re.compile(r"\s*[^\s=,{}\"#%()]+\s*=")
_KEY = re.compile(r"\s*([^,=}{\"]*?)\s*(?=,|\}|\)|$)")
_LISTS: Mapping[str, frozenset[str]] = {
    name: frozenset(values)
    for name, values in tomllib.loads((Path(__file__).parent / "bibtex.toml").read_text("utf-8")).items()
    if name in ("verbatim", "not_inherited")
}
_MONTHS = {name: f"{number:02}" for number, name in enumerate(month_names, 1)}


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | About | Refusal]:
    """Every entry of a file; those that refer to a later one come after it. Position 0 is about the file itself."""
    return charset_once(each_once(_read(stream, profile or {})))


@dataclass(slots=True)
class _Entry:
    type: str
    key: str
    fields: dict[str, str]
    position: int
    raw: bytes
    repairs: list[Problem] = field(default_factory=list)


def _read(stream: BinaryIO, profile: Mapping[str, Any]) -> Iterator[Record | Refusal]:
    macros = _Strings(month_names)
    parents: OrderedDict[str, dict[str, str]] = OrderedDict()
    waiting: OrderedDict[str, list[_Entry]] = OrderedDict()
    kinds = profile.get("kinds")
    position = count = 0
    for raw, whole in _split(stream):
        found = _START.match(raw)
        type_ = found[1].decode().lower() if found else ""
        if type_ in ("preamble", "comment"):
            continue
        position += type_ != "string"
        entry = _parse(raw, whole, type_, position or 1, macros)
        if isinstance(entry, Refusal):
            yield entry
        elif entry is not None:
            parent = entry.fields.get("crossref", "").lower()
            if parent and parent not in parents and parent != entry.key.lower():
                waiting.setdefault(parent, []).append(entry)
                count += 1
            else:
                yield _record(entry, parents.get(parent), kinds)
            _remember(parents, entry)
            for child in waiting.pop(entry.key.lower(), ()):
                count -= 1
                yield _record(child, entry.fields, kinds)
            while count > _WAITING:
                late = waiting.popitem(last=False)[1]
                count -= len(late)
                yield from (_record(child, None, kinds) for child in late)
    for late in waiting.values():
        yield from (_record(child, None, kinds) for child in late)
    if not position:
        yield Refusal(0, "", "bibtex.none")


def _remember(parents: OrderedDict[str, dict[str, str]], entry: _Entry) -> None:
    kept = {name: value for name, value in entry.fields.items() if len(value) < 1000}
    parents[entry.key.lower()] = kept
    if len(parents) > _WAITING:
        parents.popitem(last=False)


# --- entries ---------------------------------------------------------------------------------


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The bytes of each entry; with False, those of one that is not closed, up to the next."""
    rest, scan = b"", _Scan()
    source = chunks(stream)
    ended = False
    while True:
        while scan.step(rest, ended):
            raw, whole, rest = scan.cut(rest)
            yield raw, whole
        if ended:
            return
        rest = scan.trim(rest)
        chunk = next(source, b"")
        ended = not chunk
        rest += chunk


class _Scan:
    """Where an entry begins and ends in the bytes read so far, looked at once."""

    def __init__(self) -> None:
        self._start = -1  # of the entry
        self._at = 0  # looked at up to here
        self._depth = 0
        self._round = False  # opened by a parenthesis
        self._quoted = False
        self._end = (-1, False)

    def step(self, data: bytes, ended: bool) -> bool:
        """Whether an entry is complete, or broken, in these bytes."""
        limit = len(data) if ended else max(len(data) - 1024, 0)  # what begins an entry may be cut by the chunk
        if self._start < 0:
            found = _START.search(data, self._at)
            if found is None or found.start() >= limit:
                self._at = found.start() if found else max(self._at, limit)
                return False
            self._start, self._at = found.start(), found.end(2)
            self._depth, self._round, self._quoted = 1, found[2] == b"(", False
        for found in _SIGN.finditer(data, self._at):
            if found.start() >= limit:
                break
            self._at = found.end()
            if len(found[0]) > 1:
                self._end = (found.start(), False)
                return True
            if self._closes(found[0]):
                self._end = (found.end(), True)
                return True
        else:
            self._at = max(self._at, limit)
        if ended or self._at - self._start > 2 * MAX_ENTRY_BYTES:
            self._end = (len(data) if ended else self._at, False)
            return True
        return False

    def _closes(self, sign: bytes) -> bool:
        """BibTeX counts braces, escaped or not; a parenthesis closes outside of braces and quotes."""
        if self._round:
            if sign == b'"' and self._depth == 1:
                self._quoted = not self._quoted
            elif sign == b")" and self._depth == 1 and not self._quoted:
                return True
        self._depth += {b"{": 1, b"}": -1}.get(sign, 0)
        return self._depth <= 0

    def cut(self, data: bytes) -> tuple[bytes, bool, bytes]:
        end, whole = self._end
        raw = data[self._start : end]
        self._start, self._at = -1, 0
        return raw, whole, data[end:]

    def trim(self, data: bytes) -> bytes:
        """Let go of comments that have been looked at."""
        cut = self._at if self._start < 0 else self._start
        self._start, self._at = (-1, 0) if self._start < 0 else (0, self._at - cut)
        return data[cut:]


class _Parser(LowLevelParser):
    """One entry, with what real files get wrong forgiven."""

    NAME = Pattern(r"[^\s=,{}\"#%()]+", "a name")
    text: str
    pos: int
    current_field_name: str | None
    current_value: list[str]

    def __init__(self, text: str, macros: _Strings, repairs: list[Problem]) -> None:
        super().__init__(text, macros=macros)
        self._repairs = repairs
        self._size = 0

    def parse_entry_body(self, body_end: Any) -> None:
        found = _KEY.match(self.text, self.pos)
        self.current_entry_key = ""
        if found is not None:
            self.current_entry_key = found[1]
            self.pos = found.end()
            self.optional([self.COMMA])
        if not self.current_entry_key:
            self._repairs.append(Problem("001", "", "bibtex.no_key", "info"))
        self.parse_entry_fields()

    def parse_entry_fields(self) -> None:
        while True:
            self.current_field_name, self.current_value = None, []
            self.parse_field()
            if self.current_field_name and self.current_value:
                self.current_fields.append((self.current_field_name, self.current_value))
            if self.optional([self.COMMA]):
                continue
            if not _NEXT_FIELD.match(self.text, self.pos):
                return
            name = (self.current_field_name or "")[:80]
            self._repairs.append(Problem("", "", "bibtex.no_comma", "info", {"field": name}))

    def parse_value(self) -> None:
        super().parse_value()
        size = sum(map(len, self.current_value))
        self._size += size
        if size > MAX_VALUE or self._size > 2 * MAX_ENTRY_BYTES:
            raise _TooLong

    def substitute_macro(self, name: str) -> str:
        if name not in self.macros:
            self._repairs.append(Problem("", "", "bibtex.undefined", "warning", {"value": name[:80]}))
            return name
        return str(self.macros[name])


class _TooLong(Exception):
    pass


class _Strings(CaseInsensitiveDict):
    """The strings of a file, as long as they are not out of all proportion together."""

    size = 0

    def __setitem__(self, name: str, value: str) -> None:
        self.size += len(value)
        if self.size > _STRINGS:
            raise _TooLong
        super().__setitem__(name, value)


def _parse(raw: bytes, whole: bool, type_: str, position: int, macros: _Strings) -> _Entry | Refusal | None:
    """One entry; None for a string, which the next ones use."""
    found = _START.match(raw)
    key = found[3].decode("utf-8", "replace") if found else ""
    if len(raw) > MAX_ENTRY_BYTES:
        params = {"position": str(position), "limit": str(MAX_ENTRY_BYTES // 1_000_000)}
        return Refusal(position, key, "citation.too_big", params, raw[:KEPT])
    params = {"position": str(position), "key": key[:80]}
    if not whole:
        return Refusal(position, key, "bibtex.unclosed", params, raw)
    repairs: list[Problem] = []
    parser = _Parser(decode(raw, repairs), macros, repairs)
    try:
        read = next(iter(parser), None)
    except _TooLong:
        return Refusal(position, key, "bibtex.too_long", {**params, "limit": str(MAX_VALUE)}, raw)
    except PybtexSyntaxError as fault:
        params |= {"detail": str(fault).partition(": ")[2][:80], "line": str(fault.lineno)}
        return Refusal(position, key, "bibtex.malformed", params, raw)
    if type_ == "string":
        return None
    if read is None:
        return Refusal(position, key, "bibtex.malformed", {**params, "detail": "", "line": "1"}, raw)
    fields: dict[str, str] = {}
    for name, parts in read[1][1]:
        name, value = name.lower(), "".join(parts)
        if name in fields and line(fields[name]) != line(value):
            params = {"field": name[:80], "value": line(value)[:80]}
            repairs.append(Problem("", "", "bibtex.field_repeated", "warning", params))
            name = f"{name} (2)"
        fields.setdefault(name, value)
    return _Entry(type_, str(read[1][0] or ""), fields, position, raw, repairs)


# --- records ---------------------------------------------------------------------------------


def _record(entry: _Entry, parent: Mapping[str, str] | None, kinds: Mapping[str, str] | None) -> Record | Refusal:
    fields = dict(entry.fields)
    if parent is not None:
        fields = _inherit(fields, parent, entry.type)
    elif fields.get("crossref"):
        told = {"key": fields["crossref"][:80]}
        entry.repairs.append(Problem("", "", "bibtex.no_parent", "warning", told))
    type_ = entry.type
    if type_ == "inbook" and not fields.get("booktitle"):
        # In the first BibTeX, @inbook is the book itself and the chapter that is meant in it.
        type_, fields["entrytype"] = "book", type_
    if type_ == "article" and fields.get("entrysubtype") in ("newspaper", "magazine"):  # biblatex, 2.1.1
        type_ = fields.pop("entrysubtype")
    citation = gather(_pairs(fields), table("bibtex"), type=type_, number=entry.key, known=kinds)
    citation = replace(citation, repairs=(*entry.repairs, *citation.repairs))
    return to_record(citation, entry.position, entry.raw)


def _inherit(fields: dict[str, str], parent: Mapping[str, str], type_: str) -> dict[str, str]:
    """What an entry takes over from the one it refers to: its title as that of the whole, and what it does not say."""
    not_inherited = _LISTS["not_inherited"]
    out = {name: value for name, value in parent.items() if name not in not_inherited}
    if type_.startswith("in") or type_ in ("conference", "suppbook", "bookinbook"):
        if title := parent.get("booktitle") or parent.get("title"):
            out["booktitle"] = title
        if subtitle := parent.get("booksubtitle") or parent.get("subtitle"):
            out["booksubtitle"] = subtitle
    return {**out, **{name: value for name, value in fields.items() if value.strip() or name not in out}}


def _pairs(fields: Mapping[str, str]) -> Iterator[Pair]:
    """The fields in the order of the entry, as plain text; names as names, and one date of year, month and day."""
    rules = table("bibtex")
    for name, value in fields.items():
        meaning = rules.fields.get(name, "")
        if meaning.startswith("name"):
            yield from _names(name, value, meaning.partition(" ")[2])
        elif name == "year":
            if not fields.get("date"):
                yield name, _date(fields)
        elif name == "eprint":
            scheme = line(fields.get("eprinttype") or fields.get("archiveprefix") or "").lower()
            named = f"eprint {scheme}"
            yield named if named in rules.fields else "eprint", _verbatim(value)
        elif name in ("month", "day") and fields.get("year") and not fields.get("date"):
            continue
        elif name in _LISTS["verbatim"]:
            yield name, _verbatim(value)
        else:
            yield name, to_text(value)


def _date(fields: Mapping[str, str]) -> str:
    """« 2012 », « mar » and « 5 » as 2012-03-05; a month in words that BibTeX does not define, as written."""
    year = line(to_text(fields.get("year", "")))
    month = line(to_text(fields.get("month", "")))
    day = line(to_text(fields.get("day", "")))
    number = month.zfill(2) if month.isdigit() else _MONTHS.get(month[:3].lower() if month.isalpha() else "", "")
    if year.isdigit() and number and (not day or day.isdigit()):
        return "-".join(part for part in (year, number, day.zfill(2) if day else "") if part)
    return " ".join(part for part in (day, month, year) if part)


def _verbatim(value: str) -> str:
    value = re.sub(r"\\(?:url|path|href)\s*\{([^{}]*)\}", r"\1", value.strip())
    return re.sub(r"\\([_%&#~$])", r"\1", value).strip("{}")


def _names(name: str, value: str, role: str) -> Iterator[Pair]:
    for text in split_name_list(value):
        if text.strip().lower() == "others":
            yield "others", "et al."
        elif text.strip():
            yield name, _name(text.strip(), role)


def _name(text: str, role: str) -> Name:
    """« Last, First », « First von Last », and {in braces} what is not cut: a body."""
    main = role != ""
    if text.startswith("{") and text.endswith("}") and "{" not in text[1:] and "," not in text:
        return Name(line(to_text(text)), role=role, type="body", main=main)
    plain = line(to_text(text))
    try:
        person = Person(text)
    except (PybtexError, ValueError, IndexError):  # too many commas, unbalanced braces: the name as it is
        return Name(plain, role=role, main=main)
    if is_body(plain):
        return Name(plain, role=role, type="body", main=main)
    family = line(to_text(" ".join(person.prelast_names + person.last_names)))
    given = line(to_text(" ".join(person.first_names + person.middle_names)))
    addition = line(to_text(" ".join(person.lineage_names)))
    return Name(family or given, given if family else "", role, main=main, addition=addition)
