"""Lists as files for a spreadsheet: CSV and XLSX, written row by row, memory flat.

**The CSV** is what a French Excel opens with a double click: UTF-8 with a byte order mark (without it Excel
reads Windows-1252), `;` between cells (the comma is the decimal sign there), CRLF at the end of lines.
LibreOffice asks, and shows the same.

**Harmless cells.** A cell that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet, and a title that
came in from elsewhere may begin so on purpose. Such a text gets an apostrophe in front, in both formats, the
sign by which spreadsheets themselves mark a text as text; a reader of the file takes one leading apostrophe
away. Numbers are numbers and are left alone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from catalogue.text import for_xml

Cell = str | int | float | None

BYTE_ORDER_MARK = "\ufeff"
SEPARATOR = ";"
# What a spreadsheet takes for the beginning of a formula, full-width forms and leading blanks included.
_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
LONGEST_CELL = 32_767  # Excel's own limit
_WIDTHS = (8, 60)


def harmless(value: Cell) -> Cell:
    """The same cell, which no spreadsheet will run.

    >>> harmless("=2+5"), harmless("364.4 DUB"), harmless(-3)
    ("'=2+5", '364.4 DUB', -3)
    """
    if isinstance(value, str) and _FORMULA.match(value):
        return "'" + value
    return value


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The file in pieces, as the rows come."""
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer, delimiter=SEPARATOR, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in header])
    for row in rows:
        writer.writerow([harmless(value) for value in row])
        if buffer.tell() > 16_384:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def to_xlsx(header: Sequence[str], rows: Iterable[Sequence[Cell]], file: IO[bytes], *, title: str) -> int:
    """Write a workbook of one sheet into an open file; returns how many rows it has besides the header.

    The header stays in sight and filters the columns.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A2"
    for n, name in enumerate(header):
        sheet.column_dimensions[_letter(n)].width = min(max(len(name) + 4, _WIDTHS[0]), _WIDTHS[1])
    head = []
    for name in header:
        cell = WriteOnlyCell(sheet, value=_for_xlsx(name))
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    count = 0
    for row in rows:
        sheet.append([_for_xlsx(value) for value in row])
        count += 1
    sheet.auto_filter.ref = f"A1:{_letter(len(header) - 1)}{count + 1}"
    book.save(file)
    return count


def _for_xlsx(value: Cell) -> Cell:
    if not isinstance(value, str):
        return value
    text = harmless(for_xml(value))
    return text[:LONGEST_CELL] if isinstance(text, str) else text


def _sheet_name(title: str) -> str:
    """Excel allows 31 signs, and none of these."""
    return re.sub(r"[\\/*?:\[\]]", " ", title).strip("' ")[:31] or "Travée"


def _letter(n: int) -> str:
    return chr(ord("A") + n) if n < 26 else _letter(n // 26 - 1) + _letter(n % 26)
