"""Files that come in: opened, recognised by what is in them, and read record by record.

To add a format, write its module in `crosswalk/`, with `read_file(stream, profile)` (bytes in; Records, rows of
`catalogue.entities` and Refusals out), and name it in READERS: it is imported when a file needs it. `profile`
holds the habits of the source. A file that cannot be read at all gives one Refusal at position 0; a file that
breaks off gives what stands before, then a Refusal.
"""

from __future__ import annotations

import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from catalogue.entities import About, AgentRow, ClassRow, Thesaurus
from catalogue.problems import Refusal
from catalogue.unimarc import Record
from harvest import dialect

Profile = Mapping[str, Any]
Row = AgentRow | ClassRow | Thesaurus | About
Read = Record | Row | Refusal
Reader = Callable[[BinaryIO, Profile], Iterator[Read]]

# Which module of `crosswalk/` reads which format. ISO 2709 tells UNIMARC from MARC 21 record by record.
READERS: Mapping[str, str] = {
    "unimarc": "iso2709",
    "marc21": "iso2709",
    "pmbxml": "pmbxml",
    "marcxml": "marcxml",
    "csv": "sheets",
    "xlsx": "sheets",
    "pmbsql": "pmbsql",
    "dc": "dublincore",
    "mods": "mods",
    "ris": "ris",
    "bibtex": "bibtex",
    "csljson": "csljson",
    "endnote": "endnote",
}
# What is read is UNIMARC as its program writes it: the dialects are undone here, and copies found.
_UNIMARC = frozenset(("unimarc", "marc21", "marcxml"))

# What is loaded whole before its first record is known: told by its head, and never read while a page waits.
WHOLE = frozenset(("pmbsql",))

# What Travée writes for others, and does not take back.
EXPORT_ONLY = frozenset(("jsonl",))

# What holds no notices: a thesaurus goes in by a command of its own.
ELSEWHERE: Mapping[str, str] = {"rdf": "file.thesaurus", "jsonld": "file.jsonld"}

# What each format is called in a sentence, those too that are not read yet: they are recognised all the same.
NAMES: Mapping[str, str] = {
    "unimarc": "UNIMARC (ISO 2709)",
    "pmbxml": "XML de PMB",
    "marcxml": "MARCXML",
    "pmbsql": "base PMB (SQL)",
    "marc21": "MARC 21",
    "dc": "Dublin Core",
    "mods": "MODS",
    "ris": "RIS",
    "bibtex": "BibTeX",
    "csljson": "JSON",
    "endnote": "EndNote XML",
    "refworks": "RefWorks (texte balisé)",
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "xlsx": "XLSX",
    "jsonld": "JSON-LD",
}

# Refusals of records beyond any reason: what is kept of them is their beginning, and no use trying again.
BEGINNINGS = frozenset(f"{reader}.too_big" for reader in ("iso2709", "marcxml", "pmbxml", "citation", "sheet"))

HEAD = 1 << 16
FURTHER = 1 << 22  # where a record may still end, when the first one is a monster
GROWTH = 200  # a compressed file may grow so much, and …
ALWAYS = 200_000_000  # … to this size in any case
KEPT = 1 << 16
_PIECE = 1 << 18
_HEADING = 80  # bytes of one
_STOPS = (b".", b"!", b"?", b":")

_GZIP = b"\x1f\x8b"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # a compound file: .xls, .doc, and what Office 2007 and later encrypt
# By the first element that says something: a root we know, or what somebody's answer wraps.
_ROOTS = {
    "unimarc": "pmbxml",
    "notice": "pmbxml",
    "mods": "mods",
    "modsCollection": "mods",
    "dc": "dc",
    "records": "endnote",
    "collection": "marcxml",
    "record": "marcxml",
    "leader": "marcxml",
    "datafield": "marcxml",
    "controlfield": "marcxml",
}
# Answers that wrap records (OAI-PMH, SRU): their own <record> says nothing about what is inside.
_ENVELOPES = frozenset(("OAI-PMH", "searchRetrieveResponse", "explainResponse"))
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_WORKBOOK = re.compile(rb"\[Content_Types\]\.xml|xl/")
_SIGNS = (
    ("ris", re.compile(rb"\A(?:.{0,2000}?[\r\n])?[ \t]*TY  ?- ?\S", re.S)),
    ("ris", re.compile(rb"\A\s*(?:[A-Z][A-Z0-9]  - [^\r\n]*[\r\n]+){3}")),  # one that forgets its TY
    (
        "refworks",
        re.compile(
            rb"\ARefworks Export|\A(?:[^\r\n]{0,200}(?:\r\n|\r|\n)){0,12}?RT [A-Z][^\r\n]*[\r\n]+[A-Z][A-Z0-9] \S"
        ),
    ),
    ("bibtex", re.compile(rb"^[ \t]*@[A-Za-z]{1,40}\s{0,9}[{(]", re.M)),
    ("jsonl", re.compile(rb'\A\{"id": ?"[^"]{8}", ?"status": ?"')),  # as export/jsonl.py writes it
    ("csljson", re.compile(rb"\A[\[{]")),
    (
        "pmbsql",
        re.compile(rb"^[ \t]*(?:INSERT INTO|(?:CREATE|DROP|TRUNCATE) TABLE|-- M(?:ySQL|ariaDB))\b", re.M | re.I),
    ),
)
_QUOTED = re.compile(rb'"(?:[^"]|"")*"?')
# Comments, instructions and definitions; one that is never closed goes to the end, and costs no more than that.
_ASIDE = re.compile(rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!(?!--)[^>\[]*+(?:\[[^\]]*+\]?)?[^>]*+(?:>|\Z)", re.S)
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+)?html\b", re.I)
_LEADER = re.compile(rb"[\d ]{5}[^\x1e\x1f]{19}")
_NEXT_LEADER = re.compile(rb"\x1d\s*\d{5}[a-z ]{2}[ -~]{17}\d{3}")
_TURTLE = re.compile(
    rb"\A(?:\s|#[^\r\n]*[\r\n])*+(?:@(?:prefix|base)\s|(?i:prefix|base)\s+(?:[\w.-]*:\s*)?<"
    rb"|<(?:https?:|urn:)[^<>\"\s]*>\s+(?:a\s|<|[\w-]*:))"
)
_JSON_LD = re.compile(rb"\A[\[{].*\"@(?:context|graph|id)\"\s*:", re.S)


def read(path: Path, format: str = "auto", profile: Profile | None = None) -> Iterator[Read]:
    """What a file holds, understood by the habits of their source (`profile`)."""
    with path.open("rb") as raw:
        name, refusal = _recognised(raw, format)
        if refusal is not None:
            yield refusal
            return
        position = 0
        try:
            for record in _reader(name)(_open(raw, path), profile or {}):
                position = record.position
                yield _understood(record, name, profile)
        except _TooBig:
            yield Refusal(position + 1, "", "file.grows", {"position": str(position + 1)})
        except (EOFError, zlib.error):
            yield Refusal(position + 1, "", "file.cut_gzip", {"position": str(position + 1)})


def read_bytes(raw: bytes, format: str, profile: Profile | None = None) -> Iterator[Read]:
    """The same, for a record that was kept as received."""
    for record in _reader(format)(io.BytesIO(raw), profile or {}):
        yield _understood(record, format, profile)


def _reader(format: str) -> Reader:
    reader: Reader = import_module(f"harvest.crosswalk.{READERS[format]}").read_file
    return reader


def _understood(record: Read, format: str, profile: Profile | None) -> Read:
    """PMB's XML has one habit, its reader's own; UNIMARC has many."""
    if isinstance(record, Record) and format in _UNIMARC:
        return dialect.understand(record, profile)
    return record


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file's own bytes, unpacked if it was packed."""
    with path.open("rb") as raw:
        yield _open(raw, path)


def format_of(path: Path, format: str = "auto") -> str:
    """The format a file will be read as, "" when it cannot be."""
    with path.open("rb") as raw:
        return _recognised(raw, format)[0]


def _recognised(raw: BinaryIO, format: str) -> tuple[str, Refusal | None]:
    """By its first bytes, or further on when they hold a record that does not end."""
    name, refusal = recognise(_peek(raw), format)
    if refusal is not None and refusal.code == "file.unknown" and _is_marc(_peek(raw, FURTHER)):
        return "unimarc", None
    return name, refusal


def recognise(head: bytes, format: str = "auto") -> tuple[str, Refusal | None]:
    """The format of these first bytes, or the one sentence that says why they are not read.

    A format that a person names wins over what we see, but not over a picture.
    """
    code = _hopeless(head)
    seen = "" if code else _look(head)
    name = seen if format == "auto" else format
    if not code and not name:
        code = "file.unknown"
    elif not code and name not in READERS:
        code = ELSEWHERE.get(name) or ("file.export_only" if name in EXPORT_ONLY else "file.not_read_yet")
    if not code:
        return name, None
    params = {"format": NAMES.get(name, name), "read": " · ".join(NAMES[known] for known in READERS)}
    return "", Refusal(0, "", code, params, head[:KEPT])


def _hopeless(head: bytes) -> str:
    """Why no reader could do anything with these bytes, "" when one might."""
    if not head.strip(b"\0\r\n\t \x1a"):
        return "file.empty"
    if head.startswith(_PICTURES) and not _LEADER.match(head):
        return "file.picture"
    if head.startswith(b"%PDF"):
        return "file.pdf"
    if head.startswith(_OLD_OFFICE):
        return "file.old_office"
    if head.startswith(_ARCHIVES) and not (head[:2] == b"PK" and _WORKBOOK.search(head)):
        return "file.archive"
    if _WEB_PAGE.search(head[:2000]):
        return "file.web_page"
    return ""


def _look(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0\r\n\t \x1a")
    if text[:4] == b"PK\x03\x04":
        return "xlsx" if _WORKBOOK.search(head) else ""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = text.decode("utf-16", "ignore").encode()
    if _TURTLE.match(text):
        return "rdf"
    if text[:1] == b"<":
        return _look_xml(text.replace(b"\0", b""))
    if _is_marc(head):
        return "unimarc"
    if _JSON_LD.match(text):
        return "jsonld"
    found = next((name for name, sign in _SIGNS if sign.search(text)), "")
    return found or ("csv" if _is_table(text) else "")


def _is_marc(head: bytes) -> bool:
    """A leader at the very beginning, or behind the end of a first record that is no record."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0\r\n\t \x1a")
    return b"\x1e" in head and bool(_LEADER.match(text) or _NEXT_LEADER.search(head))


def _is_table(text: bytes) -> bool:
    """Short headings, two at least, and most rows of their shape: a letter, a program or a page of notes has none."""
    if text.startswith((b"# ", b"#!", b'"""', b"---")):
        return False
    lines = [line for line in _QUOTED.sub(b"x", text).splitlines()[:40] if line.strip()]
    for sign in (b";", b"\t", b",", b"|"):
        rows = [[cell.strip() for cell in line.split(sign)] for line in lines]
        alike = Counter(len(a) for a, b in pairwise(rows) if len(a) == len(b) and sum(map(bool, a)) > 1)
        for width in alike:
            headings, *others = [row for row in rows if len(row) == width]
            ends = headings[-1].endswith(_STOPS) or not headings[-1]
            prose = sign == b"," and ends and any(row[-1].endswith(_STOPS) for row in others)
            if (len(others) + 1) * 2 > len(rows) and max(map(len, headings)) <= _HEADING and not prose:
                return True
    return False


def _look_xml(text: bytes) -> str:
    names = _element_names(text)
    if names and names[0] in _ENVELOPES:  # inside, a record may be sent as text: SRU's recordPacking=string
        names = _element_names(text.replace(b"<![CDATA[", b"").replace(b"]]>", b"").replace(b"&lt;", b"<"))
    if "notice" in names:
        return "pmbxml"
    if names and names[0] == "RDF":
        return "rdf"
    if names and names[0] in _ENVELOPES:
        names = [name for name in names if name not in ("record", "records")]
    # What cannot be told apart is left to the strict reader of PMB's XML, which says what it found.
    unknown = "dc" if b"//purl.org/dc/" in text else "pmbxml"
    return next((_ROOTS[name] for name in names if name in _ROOTS), unknown)


def _element_names(text: bytes) -> list[str]:
    bare = _ASIDE.sub(b"", text)
    return [name.decode() for name in _ROOT.findall(bare)[:200]]


# --- opening ---------------------------------------------------------------------------------


class _TooBig(Exception):
    pass


class _Gunzip(io.RawIOBase):
    """What gzip packed, as far as it goes: a file that breaks off gives all that is left before it says so.

    Members may follow one another. It stops when it grows beyond reason.
    """

    def __init__(self, packed: BinaryIO, limit: int) -> None:
        self._packed, self._left = packed, limit
        self._member = zlib.decompressobj(wbits=31)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while True:
            if self._member.eof:
                more = self._member.unused_data or self._packed.read(_PIECE)
                if not more.strip(b"\0"):
                    return b""
                self._member = zlib.decompressobj(wbits=31)
            else:
                more = self._member.unconsumed_tail or self._packed.read(_PIECE)
                if not more:
                    raise EOFError
            piece = self._member.decompress(more, size if size > 0 else _PIECE)
            self._left -= len(piece)
            if self._left < 0:
                raise _TooBig
            if piece:
                return piece


def _open(raw: BinaryIO, path: Path) -> BinaryIO:
    """The stream behind gzip, whatever the file's name says."""
    raw.seek(0)
    magic = raw.read(2)
    raw.seek(0)
    if magic != _GZIP:
        return raw
    return _Gunzip(raw, max(ALWAYS, GROWTH * path.stat().st_size))  # type: ignore[return-value]


def _peek(raw: BinaryIO, size: int = HEAD) -> bytes:
    """The first bytes of what is in the file; of a compressed file that breaks off, as many as there are."""
    raw.seek(0)
    head = raw.read(size)
    if head[:2] != _GZIP:
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, size)
    except zlib.error:
        return head
