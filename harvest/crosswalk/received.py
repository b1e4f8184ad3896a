"""Citation files written as text (RIS, BibTeX, JSON): their bytes, and the charset they are really in. Pure.

None of these formats says its charset, and what a server says of it is often wrong (PMB announces UTF-8 and sends
Windows-1252). So each line decides for itself: strict UTF-8, else Windows-1252, and the choice is told. UTF-16 is
known by the mark it begins with. A file that is in Windows-1252 throughout says it once (`charset_once`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from catalogue.entities import About
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record

_CHUNK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_TWICE = re.compile("[\xc3-\xc5][\x80-\xbf]")  # « Ã© »: UTF-8 that was taken for Latin-1 and made UTF-8 again
_WINDOWS_TOLD = "charset.windows"
_LINE_END = re.compile(rb"\r\n|\n|\r")


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file, without the mark at its beginning; those of UTF-16 as UTF-8."""
    chunk = stream.read(_CHUNK)
    if chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        while chunk:
            yield decoder.decode(chunk).encode("utf-8", "replace")
            chunk = stream.read(_CHUNK)
        return
    chunk = chunk.lstrip(b" \r\n\t").removeprefix(_BOM) if chunk[:64].lstrip(b" \r\n\t").startswith(_BOM) else chunk
    while chunk:
        yield chunk
        chunk = stream.read(_CHUNK)


def byte_lines(stream: BinaryIO, longest: int) -> Iterator[bytes]:
    """The lines of a file, whatever ends them; of a monster, its first `longest` bytes and one more."""
    rest, size = b"", 0
    for chunk in chunks(stream):
        first, *more = _LINE_END.split(chunk)
        if size <= longest:
            rest += first[: longest + 1 - size]
            size = len(rest)
        for piece in more:
            yield rest
            rest, size = piece[: longest + 1], min(len(piece), longest + 1)
    if rest:
        yield rest


def charset_once(read: Iterable[Record | Refusal]) -> Iterator[Record | About | Refusal]:
    """The references of a file; that they are in Windows-1252 is said of the file, as long as none is in UTF-8."""
    usual = ""
    for record in read:
        if isinstance(record, Record) and not record.raw.isascii():
            others = tuple(problem for problem in record.repairs if problem.code != _WINDOWS_TOLD)
            if len(others) == len(record.repairs):
                usual = "utf-8"
            elif usual != "utf-8":
                if not usual:
                    yield About((Problem("", "", "charset.windows_file"),))
                usual = "cp1252"
                record = replace(record, repairs=others)
        yield record


def decode(raw: bytes, repairs: list[Problem]) -> str:
    """One reference as text, and what had to be supposed to read it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _tell(repairs, _WINDOWS_TOLD)
        return "".join(_line(part) for part in raw.splitlines(keepends=True))
    if _TWICE.search(text):
        once = "".join(_once(part) for part in text.splitlines(keepends=True))
        if once != text:
            _tell(repairs, "charset.twice")
        return once
    return text


def _line(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1").translate(_WINDOWS)


# Where Windows-1252 differs from Latin-1; five bytes mean nothing in it: controls, which no text keeps.
_WINDOWS = {c: bytes([c]).decode("cp1252") for c in range(0x80, 0xA0) if c not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def _once(text: str) -> str:
    """A line before its second encoding, when every one of its accents says that there was one."""
    if not _TWICE.search(text):
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _tell(repairs: list[Problem], code: str) -> None:
    if not any(told.code == code for told in repairs):
        repairs.append(Problem("", "", code))
