"""Citation formats written as XML (Dublin Core, MODS, EndNote): a file's references, one element at a time.

Read strictly and piece by piece: no entity, no network, no repair but of the charset; what has been read is let go, so
a big file takes no more memory. Where the XML breaks, everything before has been given, and one Refusal names the
place.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Any, BinaryIO

from lxml import etree

from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record
from harvest.crosswalk.pmbxml import MAX_FIELDS, MAX_RECORD_BYTES
from harvest.strict import STRICT

Element = Any  # lxml publishes no types

_CHUNK = 1 << 16
_EMPTY_LINE = re.compile(r"\n\s*\n")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([\w-]+)")
_ESCAPED = re.compile("[\udc80-\udcff]")
_WINDOWS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_KEPT = 1 << 16


@lru_cache(maxsize=1024)
def local_name(tag: object) -> str:
    """`dc:title` in any namespace is "title"; a comment, whose tag is a function, is ""."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


@lru_cache(maxsize=1024)
def namespace(tag: object) -> str:
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def text_of(element: Element) -> str:
    """The words inside. A single line end is only how the file is laid out; an empty line parts paragraphs."""
    paragraphs = _EMPTY_LINE.split("".join(element.itertext(etree.Element)).replace("\r\n", "\n"))
    return "\n\n".join(part.replace("\n", " ") for part in paragraphs)


def children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if local_name(child.tag) == name)


def leaves(element: Element, path: str = "") -> Iterator[tuple[str, Element]]:
    """Every element inside that has text and no elements of its own but typography, with its path of local names."""
    for child in element:
        name = local_name(child.tag)
        if not name:
            continue
        here = f"{path}/{name}" if path else name
        if any(local_name(inner.tag) not in ("", "style", "i", "b", "em", "sub", "sup") for inner in child):
            yield from leaves(child, here)
        else:
            yield here, child


def read_elements(
    stream: BinaryIO,
    is_record: Callable[[Element], bool],
    to_record: Callable[[Element, int], Record | Refusal],
    name_of: Callable[[Element], str],
) -> Iterator[Record | Refusal]:
    """The record of each element that `is_record` knows, in order; `name_of` says how a refused one calls itself."""
    head = b""
    while not head and (chunk := stream.read(_CHUNK)):
        head = chunk.lstrip()
    if not head:
        yield Refusal(0, "", "file.empty")
        return
    reading = _Reading(is_record, to_record, name_of)
    for chunk in chain([head], iter(lambda: stream.read(_CHUNK), b""), [b""]):
        yield from reading.take(chunk)
        if reading.over:
            return
    if not reading.position:
        yield Refusal(0, "", "xml.no_reference", {"root": reading.root}, head[:_KEPT])


class _Reading:
    """A file being read piece by piece; an empty piece is its end."""

    def __init__(
        self,
        is_record: Callable[[Element], bool],
        to_record: Callable[[Element, int], Record | Refusal],
        name_of: Callable[[Element], str],
    ) -> None:
        self.position = 0  # of the last reference read
        self.over = False
        self.root = ""
        self._is_record, self._to_record, self._name_of = is_record, to_record, name_of
        self._parser = etree.XMLPullParser(("start", "end"), **STRICT)
        self._size = 0  # how much has been read since the last reference
        self._oversize = False
        self._opened: list[Element] = []
        self._last = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._mended = False

    def take(self, chunk: bytes) -> Iterator[Record | Refusal]:
        fault = self._feed(chunk)
        self._size += len(chunk)
        self._oversize = self._oversize or self._size > MAX_RECORD_BYTES
        for event, element in self._parser.read_events():
            if event == "start":
                if not self.root and not self._begins(element):
                    self.over = True
                    yield Refusal(0, "", "xml.doctype", raw=chunk[:_KEPT])
                    return
                self._opened.append(element)
                continue
            self._opened.pop()
            if self._is_record(element):
                self.position += 1
                yield self._read(element)
                self._size, self._oversize = 0, False
                _let_go(element)
            elif self._oversize:
                element.clear()
        if fault is not None:
            self.over = True
            yield self._broken(fault, chunk)
        self._last = chunk or self._last

    def _feed(self, chunk: bytes) -> etree.XMLSyntaxError | None:
        try:
            if chunk:
                self._parser.feed(self._utf8(chunk))
            else:
                self._parser.close()
        except etree.XMLSyntaxError as fault:
            return fault
        return None

    def _utf8(self, chunk: bytes) -> bytes:
        """A file that calls itself UTF-8 is held to it: what is not is taken for Windows-1252, and told."""
        if not self._last:
            said = _ENCODING.search(chunk[:200])
            if chunk[:2] not in (b"\xff\xfe", b"\xfe\xff") and (not said or said[1].lower() in (b"utf-8", b"utf8")):
                self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        if self._decoder is None:
            return chunk
        text = self._decoder.decode(chunk)
        if text.isascii() or not _ESCAPED.search(text):
            return text.encode()
        self._mended = True
        return text.translate(_WINDOWS).encode()

    def _begins(self, root: Element) -> bool:
        """Whether the file may be read: definitions of entities are not."""
        self.root = local_name(root.tag)
        dtd = root.getroottree().docinfo.internalDTD
        return dtd is None or next(dtd.iterentities(), None) is None

    def _read(self, element: Element) -> Record | Refusal:
        params = {"position": str(self.position)}
        if self._oversize:
            params["limit"] = str(MAX_RECORD_BYTES // 1_000_000)
            return Refusal(self.position, self._name_of(element), "citation.too_big", params)
        if sum(1 for _ in zip(element.iter(), range(MAX_FIELDS + 1), strict=False)) > MAX_FIELDS:
            params["limit"] = str(MAX_FIELDS)
            return Refusal(
                self.position, self._name_of(element), "citation.too_many_fields", params, as_received(element)
            )
        record = self._to_record(element, self.position)
        if self._mended and isinstance(record, Record):
            self._mended = False
            return replace(record, repairs=(*record.repairs, Problem("", "", "charset.mixed")))
        return record

    def _broken(self, fault: etree.XMLSyntaxError, chunk: bytes) -> Refusal:
        last = (chunk or self._last)[-_KEPT:]
        if not self.root:
            return Refusal(0, "", "xml.not_xml", raw=last)
        names = (self._name_of(element) for element in reversed(self._opened))
        params = {
            "position": str(self.position + 1),
            "line": str(fault.position[0] if fault.position else 0),
            "detail": (fault.msg or "").split(", line ")[0],
        }
        code = "xml.malformed" if chunk else "xml.cut"
        return Refusal(self.position + 1, next((name for name in names if name), ""), code, params, last)


def as_received(element: Element) -> bytes:
    return bytes(etree.tostring(element, encoding="utf-8", with_tail=False))


def _let_go(element: Element) -> None:
    """Empty what has been read, and all that stands before it at every level (headers of OAI)."""
    element.clear()
    while (parent := element.getparent()) is not None:
        while element.getprevious() is not None:
            del parent[0]
        element = parent
