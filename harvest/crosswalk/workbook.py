"""XLSX: the values of one sheet of a workbook.

Values, not formulas; dates as the sheet shows them. The workbook is a zip of XML from anywhere: sizes, ratios
and definitions are looked at before anything is read (decision 10).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import IO, Any

from openpyxl import load_workbook

from catalogue.problems import Problem
from harvest.crosswalk.grid import COLUMNS, Row, Table, Unreadable, shown

CELLS = 20_000_000  # of a whole sheet, empty ones within a row included
UNPACKED = 500_000_000  # bytes of a workbook once opened
LAST_ROW = 1_048_576  # Excel's own
RATIO, ALWAYS = 200, 20_000_000  # a packed part may grow so much, and to this size in any case
_PIECE = 1 << 16
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ECMA-376 part 1, 22.9.2.19 ST_Xstring
_XML_ENDINGS = (".xml", ".rels")
# What openpyxl and the standard library raise on a workbook that is damaged, or made to be.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, TypeError, IndexError, AttributeError,
    EOFError, NotImplementedError, RuntimeError, OverflowError, AssertionError,
)  # fmt: skip


def open_workbook(stream: IO[bytes], wanted: str = "") -> Table:
    """The named sheet, or the first that holds something."""
    try:
        with zipfile.ZipFile(stream) as archive:
            _inspect(archive)
            formulas = _formulas(archive)
        stream.seek(0)
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        sheets = {sheet.title: sheet for sheet in book.worksheets if _holds_something(sheet)}
    except (*_DAMAGED, OSError) as error:  # OSError: how openpyxl says that a part is missing
        raise Unreadable("sheet.damaged", detail=_detail(error)) from error
    if not sheets:
        raise Unreadable("file.empty")
    name = wanted if wanted in sheets else next(iter(sheets))
    twin = None
    if formulas:
        stream.seek(0)
        twin = load_workbook(io.BytesIO(stream.read()), read_only=True, keep_links=False)[name]
        stream.seek(0)
    return Table(_sheet_rows(sheets[name], twin), sheet=name, sheets=tuple(sheets))


def _inspect(archive: zipfile.ZipFile) -> None:
    """What a workbook from anywhere must be before it is opened."""
    names = archive.namelist()
    if "xl/workbook.xml" not in names and "/xl/workbook.xml" not in names:
        raise Unreadable("sheet.not_workbook", found=shown(names))
    total = 0
    for part in archive.infolist():
        total += part.file_size
        if part.file_size > max(ALWAYS, RATIO * part.compress_size) or total > UNPACKED:
            raise Unreadable("sheet.grows", limit=str(UNPACKED // 1_000_000))
        if part.filename.endswith(_XML_ENDINGS):
            with archive.open(part) as opened:
                if b"<!" in re.sub(rb"<!--.*?-->|\0", b"", opened.read(2000), flags=re.S):
                    raise Unreadable("sheet.doctype")


def _formulas(archive: zipfile.ZipFile) -> bool:
    """Whether a sheet computes something: its results may be missing from the file."""
    for part in archive.namelist():
        if part.startswith("xl/worksheets/") and part.endswith(".xml"):
            with archive.open(part) as opened:
                tail = b""
                while piece := opened.read(_PIECE):
                    if b"<f>" in tail + piece or b"<f " in tail + piece:
                        return True
                    tail = piece[-3:]
    return False


def _holds_something(sheet: Any) -> bool:
    if not hasattr(sheet, "reset_dimensions"):  # a sheet of charts
        return False
    sheet.reset_dimensions()  # what a file says of its own size may be wrong
    return any(cell is not None for row in islice(sheet.iter_rows(values_only=True), 1000) for cell in row[:COLUMNS])


def _sheet_rows(sheet: Any, twin: Any) -> Iterator[Row]:
    """Rows of values; beside each value its formula, where the file may lack the result."""
    seen = number = 0
    try:
        if twin is not None:
            twin.reset_dimensions()
        computed = twin.iter_rows() if twin is not None else None
        for number, row in enumerate(sheet.iter_rows(), 1):
            seen += len(row)
            if number > LAST_ROW:
                raise Unreadable("sheet.too_many_rows", number, limit=str(LAST_ROW), row=str(number))
            if seen > CELLS:
                raise Unreadable("sheet.too_many_cells", number, limit=str(CELLS), row=str(number))
            problems: list[Problem] = []
            formulas: Sequence[Any] = next(computed, ()) if computed is not None else ()
            cells = [_text(cell, number, problems) for cell in row]
            for cell in formulas:
                if cell.value is not None and cell.data_type == "f" and not cells[cell.column - 1]:
                    params = {"row": str(number), "formula": str(cell.value)[:60]}
                    problems.append(Problem("", "", "sheet.formula", params=params))
            while cells and not cells[-1]:
                cells.pop()
            yield Row(number, tuple(cells), tuple(problems))
    except _DAMAGED as error:
        raise Unreadable("sheet.cut", number + 1, row=str(number + 1), detail=_detail(error)) from error


def _whole(text: str) -> str:
    """Halves of a sign joined; a half alone, which nothing can store, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(cell: Any, row: int, problems: list[Problem]) -> str:
    """A value as the sheet shows it, or nearly."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        problems.append(Problem("", "", "sheet.error", params={"row": str(row), "value": str(value)}))
        return ""
    if isinstance(value, str):
        return _whole(_ESCAPED.sub(lambda m: chr(int(m.group(1), 16)), value)) if "_x" in value else value
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, (int, float)):
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e17 else repr(value)
    if isinstance(value, (date, time, timedelta)):
        return _day(value, str(cell.number_format or ""))
    return str(value)


def _day(value: date | time | timedelta, shown_as: str) -> str:
    """A date with what its format shows of it: the day, the month, or the year only.

    >>> _day(datetime(2024, 3, 18), "mmm yyyy"), _day(datetime(2024, 3, 18), "dd/mm/yyyy")
    ('03/2024', '18/03/2024')
    """
    if not isinstance(value, date):
        return str(value)
    letters = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", shown_as.lower()).partition(";")[0]
    if "d" not in letters and "y" in letters:
        return value.strftime("%m/%Y" if "m" in letters else "%Y")
    text = value.strftime("%Y-%m-%d" if letters.startswith("y") else "%d/%m/%Y")
    if isinstance(value, datetime) and value.time() != time() and "h" in letters:
        text += value.strftime(" %H:%M")
    return text


def _detail(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")[:120] or type(error).__name__
