"""The records of an XML file as text: decoded, cut one from the other, mended where one of them is broken.

An XML parser ends a file at its first fault. Cut at the tags of the records first, a fault costs one record: the
next begins at the next `<record`. What encloses records is let go of: SRU and OAI-PMH answers have `<record>`
around the record, and it is the inner one that counts. A file is read piece by piece; what is kept of it at any
time is one record, at most MAX_RECORD signs of it.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from catalogue.problems import Problem

MAX_RECORD = 4_000_000  # forty times what ISO 2709 can say of itself, as XML
_PIECE = 1 << 18
_LONGEST_COMMENT = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Those a file may declare: no codec that would run, unpack or guess.
_CHARSETS = re.compile(r"ascii|utf-8|utf-16(-[lb]e)?|iso8859-\d+|cp(125\d|437|850|1140)|koi8-[ru]|mac-roman")
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")

_TAG = re.compile(r"<!--|<!DOCTYPE|<(?P<end>/?)(?:[\w.-]+:)?rec(?:ord)?(?=[\s/>])")
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
# One that is never closed goes to the end: looking for its end again and again would take hours.
_BEFORE_ROOT = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.S)
# What only a MARC record has inside; an element that encloses one has something else.
_MARC = re.compile(r"<(?:[\w.-]+:)?(?:leader|controlfield|datafield|lab|cf|df)[\s/>]")
_PREFIX = re.compile(r"\sxmlns:([\w.-]+)\s*=")

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(?:#(\d{1,9}|[xX][0-9a-fA-F]{1,8});|([A-Za-z][A-Za-z0-9]{1,31};)?)")
_STRAY_LESS = re.compile(r"<(?![/!?A-Za-z_])")
_USED_PREFIX = re.compile(r"[</\s]([A-Za-z_][\w.-]*):[\w.-]+(?=[\s/>=])")
_XML_NAMES = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))
_BROKEN_BYTES = re.compile("[\udc80-\udcff]+")


class UnknownCharset(Exception):
    """The file declares a charset that no reader should try."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One record as it stands in its file: "whole", or why it is not ("unclosed", "cut", "too_big", "doctype")."""

    state: str
    text: str = ""


# --- bytes to text ---------------------------------------------------------------------------


def decoded(head: bytes, stream: BinaryIO) -> Iterator[str]:
    """The text of a file that begins with `head`. Bytes that are no UTF-8 come as lone surrogates: see `unbroken`."""
    name = charset_of(head)
    errors = "surrogateescape" if name.startswith("utf-8") else "replace"
    decoder = codecs.getincrementaldecoder(name)(errors)
    yield decoder.decode(head)
    while data := stream.read(_PIECE):
        yield decoder.decode(data)
    yield decoder.decode(b"", True)


def charset_of(head: bytes) -> str:
    """By the byte order mark, else by the zero bytes of UTF-16, else as declared, else UTF-8."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if head[:2] in (b"<\0", b"\0<"):
        return "utf-16-le" if head[:1] == b"<" else "utf-16-be"
    found = _DECLARED.match(head)
    if found is None:
        return "utf-8"
    try:
        name = codecs.lookup(found[1].decode()).name
    except LookupError:
        raise UnknownCharset(found[1].decode()) from None
    if not _CHARSETS.fullmatch(name):
        raise UnknownCharset(found[1].decode())
    # Written in one byte a sign, so the declaration of UTF-16 is wrong; and ASCII is UTF-8.
    return "utf-8" if name == "ascii" or name.startswith("utf-16") else name


# --- text to records -------------------------------------------------------------------------


class Cutter:
    """Gives the records of a text that comes in pieces; `prefixes` and `root` tell what stood around them."""

    def __init__(self) -> None:
        self.prefixes: set[str] = set()
        self.root = ""
        self.seen = False  # whether there was any record
        self._text = ""
        self._at = 0  # what has been looked at
        self._open: int | None = None  # where the innermost open record begins

    def cut(self, pieces: Iterable[str]) -> Iterator[Piece]:
        for more in pieces:
            if self._open is None and not self._text.startswith("<!--", self._at):
                self._around(self._text[self._at : -1000])
                self._at = max(self._at, len(self._text) - 1000)
            keep = self._at if self._open is None else self._open
            self._text, self._at = self._text[keep:] + more, self._at - keep
            self._open = None if self._open is None else 0
            for piece in self._take():
                yield piece
                if piece.state == "doctype":
                    return
            if self._open is not None and len(self._text) > MAX_RECORD:
                yield Piece("too_big", self._text[: 1 << 16])
                self._open, self._at = None, len(self._text) - 100
        if self._open is not None:
            yield Piece("cut", self._text[self._open :])
        elif self.seen and not self._closed():
            yield Piece("cut", self._text[self._at :])

    def _take(self) -> Iterator[Piece]:
        text = self._text
        unclosed = False  # whether a comment was met that has no end in this text: none behind it has one either
        while found := _TAG.search(text, self._at):
            if found[0] == "<!--":
                end = 0 if unclosed else text.find("-->", found.end()) + 3
                unclosed = unclosed or end < 3
                if unclosed and len(text) - found.start() < _LONGEST_COMMENT:
                    self._at = found.start()
                    return  # its end is still to come
                self._at = found.end() if unclosed else end
                continue
            if found[0] == "<!DOCTYPE":
                if self._open is None:
                    yield Piece("doctype", text[: 1 << 16])
                    return
                self._at = found.end()
                continue
            end = text.find(">", found.end()) + 1
            if not end:
                return
            if found["end"]:
                if self._open is not None:
                    yield Piece("whole", text[self._open : end])
                self._open, self.seen = None, True
            else:
                if self._open is None:
                    self._around(text[self._at : found.start()])
                elif _MARC.search(text, self._open, found.start()):
                    yield Piece("unclosed", text[self._open : found.start()])
                else:
                    self._around(text[self._open : found.start()])
                self._open = None if text[end - 2] == "/" else found.start()
            self._at = end

    def _closed(self) -> bool:
        """Whether what enclosed the records has its end: without it, some may be missing."""
        if self.root in ("", "rec", "record"):
            return True
        return re.search(rf"</(?:[\w.-]+:)?{re.escape(self.root)}\s*>", self._text[self._at :]) is not None

    def _around(self, text: str) -> None:
        """What stands outside of the records."""
        self.prefixes.update(_PREFIX.findall(text))
        if not self.root and (found := _ROOT.search(_BEFORE_ROOT.sub("", text))):
            self.root = found[1]


# --- what can be mended ----------------------------------------------------------------------


def unbroken(text: str, repairs: list[Problem]) -> str:
    """Bytes that were no UTF-8, read in Windows-1252, which is what they nearly always are."""
    if text.isascii() or not _BROKEN_BYTES.search(text):
        return text
    mixed = any(ord(c) > 0x7F for c in _BROKEN_BYTES.sub("", text))
    repairs.append(Problem("", "", "charset.mixed" if mixed else "charset.windows"))
    return _BROKEN_BYTES.sub(lambda found: _windows(found[0]), text)


def _windows(broken: str) -> str:
    return "".join(bytes([ord(c) - 0xDC00]).decode("cp1252", "replace") for c in broken)


def mended(text: str, repairs: list[Problem]) -> str:
    """A record that an XML parser refuses, with what people and programs most often get wrong put right."""
    clean = _FORBIDDEN.sub("", text)
    told: set[str] = set()
    out = _STRAY_LESS.sub("&lt;", _REFERENCE.sub(lambda found: _reference(found, told), clean))
    if clean != text or "controls" in told:
        repairs.append(Problem("", "", "iso2709.controls"))
    if "signs" in told or out.count("&lt;") > clean.count("&lt;"):
        repairs.append(Problem("", "", "marcxml.signs"))
    return out


def _reference(found: re.Match[str], told: set[str]) -> str:
    """&eacute; as é, a lone & as &amp;, and nothing for the number of a sign that XML forbids."""
    number, name = found.groups()
    if number is not None:
        sign = int(number[1:], 16) if number[0] in "xX" else int(number)
        if sign <= 0x10FFFF and not _FORBIDDEN.match(chr(sign)):
            return found[0]
        told.add("controls")
        return ""
    if name in _XML_NAMES:
        return found[0]
    told.add("signs")
    plain = html.unescape(found[0]) if name else "&"
    return html.escape(plain)


def used_prefixes(text: str) -> set[str]:
    return set(_USED_PREFIX.findall(text))
