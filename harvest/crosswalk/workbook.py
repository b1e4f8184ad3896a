"""XLSX: the values of one sheet of a workbook.

Values, not formulas; dates as the sheet shows them. The workbook is a zip of XML from anywhere: it is looked at
before anything is read (`workbook_parts`).
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import IO, Any

from openpyxl.reader.excel import ExcelReader

from catalogue.problems import Problem
from harvest.crosswalk.grid import COLUMNS, Row, Table, Unreadable
from harvest.crosswalk.workbook_parts import Parts

CELLS = 20_000_000  # of a whole sheet, empty ones within a row included
LAST_ROW = 1_048_576  # Excel's own
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ECMA-376 part 1, 22.9.2.19 ST_Xstring
# What openpyxl and the standard library raise on a workbook that is damaged, or made to be.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, TypeError, IndexError, AttributeError,
    EOFError, NotImplementedError, RuntimeError, OverflowError, AssertionError,
)  # fmt: skip


def open_workbook(stream: IO[bytes], wanted: str = "") -> Table:
    """The named sheet, or the first that holds something."""
    # It warns of what it leaves out, and of dates beyond the calendar: errors of a cell, which are told with their row.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
    try:
        parts = Parts(stream)
        sheets = {sheet.title: sheet for sheet in _opened(stream, parts, values=True) if _holds_something(sheet)}
    except (*_DAMAGED, OSError) as error:  # OSError: how openpyxl says that a part is missing
        raise Unreadable("sheet.damaged", detail=_detail(error)) from error
    if not sheets:
        raise Unreadable("file.empty")
    name = wanted if wanted in sheets else next(iter(sheets))
    twin = None
    if parts.computes:
        twin = next(sheet for sheet in _opened(stream, parts, values=False) if sheet.title == name)
    return Table(_sheet_rows(sheets[name], twin), sheet=name, sheets=tuple(sheets))


def _opened(stream: IO[bytes], parts: Parts, *, values: bool) -> list[Any]:
    """The sheets, with the values of their cells or with their formulas; as `openpyxl.load_workbook` opens them."""
    reader = ExcelReader(stream, read_only=True, data_only=values, keep_links=False)
    reader.archive = parts
    reader.read()
    return list(reader.wb.worksheets)


def _holds_something(sheet: Any) -> bool:
    if not hasattr(sheet, "reset_dimensions"):  # a sheet of charts
        return False
    sheet.reset_dimensions()  # what a file says of its own size may be wrong
    return any(cell is not None for row in islice(sheet.iter_rows(values_only=True), 1000) for cell in row[:COLUMNS])


def _sheet_rows(sheet: Any, twin: Any) -> Iterator[Row]:
    """Rows of values; beside each value its formula, where the file may lack the result."""
    seen = 0
    computed = _given(twin) if twin is not None else iter(())
    for number, row in enumerate(_given(sheet), 1):
        seen += len(row)
        if number > LAST_ROW:
            raise Unreadable("sheet.too_many_rows", number, limit=str(LAST_ROW), row=str(number))
        if seen > CELLS:
            raise Unreadable("sheet.too_many_cells", number, limit=str(CELLS), row=str(number))
        problems: list[Problem] = []
        cells = [_text(cell, number, problems) for cell in row]
        for cell, text in zip(next(computed, ()), cells, strict=False):
            if not text and cell.value is not None and cell.data_type == "f":
                params = {"row": str(number), "formula": str(cell.value)[:60]}
                problems.append(Problem("", "", "sheet.formula", params=params))
        while cells and not cells[-1]:
            cells.pop()
        yield Row(number, tuple(cells), tuple(problems))


def _given(sheet: Any) -> Iterator[Sequence[Any]]:
    """The rows as openpyxl gives them: what it raises on the way is the file's fault, and said with its row."""
    number = 0
    try:
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(), 1):  # noqa: B007
            yield row
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
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value)
    if isinstance(value, (date, time, timedelta)):
        return _day(value, _format_of(cell))
    return str(value)


def _format_of(cell: Any) -> str:
    """How the sheet shows a date; a cell may name a style that its workbook lacks."""
    try:
        return str(cell.number_format or "")
    except (IndexError, KeyError):
        return ""


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
