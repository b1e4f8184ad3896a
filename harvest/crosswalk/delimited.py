"""CSV, as programs write it and as people mend it by hand.

The separator is the one that gives the rows the same shape. The charset is what a byte order mark says;
without one it is decided line by line, as records are elsewhere: strict UTF-8 first, else Windows-1252, and
that is told, once when the whole file begins so. A quote that never closes is a sign like another; the rows
after it are not swallowed. Rows are numbered as a spreadsheet numbers them: a cell of several lines does not
count for several.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO

from catalogue.problems import Problem
from harvest.crosswalk.grid import CELL, Row, Table

SEPARATORS = (";", "\t", ",", "|")
WINDOWS = "charset.windows"
CHARSETS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
AHEAD = 100  # lines by which the separator is chosen
QUOTED_LINES = 500  # lines of one cell, after which its quote is a stray one
_PIECE = 1 << 16
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def open_csv(head: bytes, stream: BinaryIO) -> Table:
    """`head`: the first bytes, read already."""
    charset = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    lines: Iterator[tuple[str, str]]
    rows: Iterable[tuple[str, str]]
    if charset == "utf-16":
        decoded = io.TextIOWrapper(io.BufferedReader(_Rest(head, stream)), "utf-16", "replace", newline="")
        lines = ((line, "sheet.signs_lost" if "\ufffd" in line else "") for line in decoded)
    else:
        lines = map(_decoded, _byte_lines(head.removeprefix(b"\xef\xbb\xbf"), stream))
    first = list(islice(lines, AHEAD))
    if first and (m := re.fullmatch(r"sep=(.)\s*", first[0][0], re.I)):  # for Excel
        separator, first = m.group(1), first[1:]
    else:
        separator = _separator([line for line, _code in first])
    rows = chain(first, lines)
    if not charset:
        charset = "cp1252" if _is_windows(first) else "utf-8"
        if charset == "cp1252":
            rows = ((line, code.removeprefix(WINDOWS)) for line, code in rows)
    return Table(_csv_rows(rows, separator), separator=separator, charset=charset)


def _is_windows(lines: Iterable[tuple[str, str]]) -> bool:
    """Whether these lines are in Windows-1252, and not one of them in UTF-8."""
    codes = {code for line, code in lines if not line.isascii()}
    return codes == {WINDOWS}


class _Rest(io.RawIOBase):
    """A stream of which the first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._head or self._stream.read(len(buffer)) or b""
        part, self._head = piece[: len(buffer)], piece[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _byte_lines(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """Lines with their ends, whichever they are; a line beyond any reason comes in pieces."""
    rest = head
    while piece := stream.read(_PIECE):
        lines = (rest + piece).splitlines(keepends=True)
        # The last one may go on; a \r at the very end may be half of \r\n.
        rest = b"" if lines[-1].endswith(b"\n") or len(lines[-1]) > 4 * CELL else lines.pop()
        yield from lines
    if rest:
        yield rest


def _decoded(line: bytes) -> tuple[str, str]:
    try:
        return line.decode("utf-8"), ""
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace"), WINDOWS


def _separator(lines: Sequence[str]) -> str:
    """The sign that cuts these lines into rows of the same shape."""
    best, chosen = (0.0, 0), ";"
    for sign in SEPARATORS:
        widths = [len(row.cells) for row in _csv_rows(((line, "") for line in lines), sign) if any(row.cells)]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=lambda n: (widths.count(n), n))
        mark = (widths.count(usual) / len(widths) if usual > 1 else 0.0, usual)
        if mark > best:
            best, chosen = mark, sign
    return chosen


def _csv_rows(lines: Iterable[tuple[str, str]], sign: str) -> Iterator[Row]:
    """Rows, numbered as a spreadsheet numbers them."""
    waiting = iter(lines)
    again: list[tuple[str, str]] = []
    number = 0
    while True:
        taken = again.pop(0) if again else next(waiting, None)
        if taken is None:
            return
        number += 1
        line, code = taken
        cells = line.rstrip("\r\n").split(sign) if '"' not in line else _quoted([line], sign)
        problems = [code] if code else []
        if cells is None:
            more, whole = [line], True
            while cells is None and len(more) < QUOTED_LINES and sum(map(len, more)) < 2 * CELL:
                following = again.pop(0) if again else next(waiting, None)
                if following is None:
                    whole = any(sign in text for text in more[1:])
                    break
                more.append(following[0])
                problems += [following[1]] if following[1] else []
                cells = _quoted(more, sign) if following[0].count('"') % 2 else None
            if (
                cells is None and whole
            ):  # it never closes: the quote is a sign like another, the lines after it are rows
                again = [(text, code) for text in more[1:]] + again
                cells = line.rstrip("\r\n").split(sign)
                problems.append("sheet.stray_quote")
            elif cells is None:
                cells = "".join(more).rstrip("\r\n").replace('"', "").split(sign)
                problems.append("sheet.cut")
        told = tuple(Problem("", "", name, params={"row": str(number)}) for name in dict.fromkeys(problems))
        yield Row(number, tuple(cells), told)


def _quoted(lines: Sequence[str], sign: str) -> list[str] | None:
    """The cells of one row, None when a quote is still open at its end."""
    text = "".join(lines)
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None
        try:
            found = list(csv.reader(io.StringIO(text, newline=""), delimiter=sign))
        except csv.Error:
            return text.rstrip("\r\n").split(sign)
    return found[0] if len(found) == 1 else [cell for row in found for cell in row]
