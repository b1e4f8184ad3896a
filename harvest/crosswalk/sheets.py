"""Spreadsheets, CSV and XLSX alike: one row, one record. What a column holds is said by `catalogue.columns`.

A file is opened by `delimited` or by `workbook`; both give rows of text (`grid`).

The headings are the first row that says where the title is; lines above it are told. Every record keeps its
row beside the headings as a small CSV, so that it can be read again by itself if it is refused. Positions are
the row numbers that the spreadsheet shows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO

from catalogue import columns
from catalogue.entities import About
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record
from harvest.crosswalk.delimited import CHARSETS, open_csv
from harvest.crosswalk.grid import CELL, COLUMNS, Row, Table, Unreadable, shown
from harvest.crosswalk.workbook import open_workbook

ROWS = 200_000
AHEAD = 70  # rows looked at before the first is read
KEPT = 1 << 16  # of the bytes of a row beyond any reason; others are kept whole
HEADING_WITHIN = 20  # rows: what stands above the headings is a title or a date
_COLUMN = {columns.OTHER: "sheet.column_noted", columns.SKIP: "sheet.column_left"}

Profile = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What the first rows of a sheet show, for the screen where its columns are given a meaning."""

    headings: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    separator: str
    charset: str
    sheet: str
    sheets: tuple[str, ...]
    doubt: Refusal | None = field(default=None)  # why the first row does not look like headings


def read_file(stream: BinaryIO, profile: Profile | None = None) -> Iterator[Record | About | Refusal]:
    """Every row under the headings, in order. An About, or a Refusal at position 0, is about the file itself."""
    try:
        table = _open(stream, profile)
        ahead, doubt = _ahead(table, profile)
        if doubt is not None:
            yield doubt
            return
        above, headings, body = ahead
        plan = columns.plan(headings, [row.cells for row in body], profile)
        notes = _notes(table, above, plan)
        if table.charset == "cp1252":
            yield About((Problem("", "", "charset.windows_file"),))
        count = 0
        for row in chain(body, table.rows):
            if row.is_empty:
                continue
            count += 1
            if count > ROWS:
                yield Refusal(row.number, "", "sheet.too_many_rows", {"limit": str(ROWS), "row": str(row.number)})
                return
            yield _record(plan, row, notes if count == 1 else ())
        if not count:
            yield Refusal(0, "", "sheet.no_row", {"headings": shown(headings)})
    except Unreadable as error:
        yield error.refusal


def look(stream: BinaryIO, profile: Profile | None = None) -> Look | Refusal:
    """The headings and the first rows; headings that are in doubt are shown all the same."""
    try:
        table = _open(stream, profile)
        (_above, headings, body), doubt = _ahead(table, profile)
        if not headings:
            return doubt or Refusal(0, "", "file.empty")
    except Unreadable as error:
        return error.refusal
    rows = tuple(row.cells for row in body)
    return Look(headings, rows, table.separator, table.charset, table.sheet, table.sheets, doubt)


def _record(plan: columns.Plan, row: Row, notes: Sequence[Problem]) -> Record | Refusal:
    raw = _as_csv(plan.headings, row.cells)
    title = next((c for c, m in zip(row.cells, plan.meanings, strict=False) if m == "title"), "")[:80]
    if cut := next((p for p in row.problems if p.code == "sheet.cut"), None):
        return Refusal(row.number, title, cut.code, {k: str(v) for k, v in cut.params.items()}, raw)
    if any(len(cell) > CELL for cell in row.cells) or len(row.cells) > COLUMNS:
        params = {"row": str(row.number), "title": title, "limit": str(CELL), "columns": str(COLUMNS)}
        return Refusal(row.number, title, "sheet.too_big", params, raw[:KEPT])
    described = columns.describe(plan, row.cells)
    return Record(
        fields=described.fields,
        items=described.items,
        position=row.number,
        control_number=described.number or None,
        repairs=(*notes, *row.problems, *described.problems),
        raw=raw,
    )


def _as_csv(headings: Sequence[str], cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n", quoting=csv.QUOTE_ALL).writerows((headings, cells))
    return text.getvalue().encode("utf-8", "replace")


def _notes(table: Table, above: Sequence[Row], plan: columns.Plan) -> tuple[Problem, ...]:
    """What is said once of a file: how it was read, and which column became what."""
    notes = []
    for heading, code in zip(plan.headings, plan.meanings, strict=True):
        named = {"heading": heading, "meaning": columns.MEANINGS[code].label}
        notes.append(Problem("", "", _COLUMN.get(code, "sheet.column"), "info", named))
    if table.separator:
        params = {"charset": CHARSETS[table.charset], "separator": table.separator.replace("\t", "tab")}
        notes.append(Problem("", "", "sheet.read_as", "info", params))
    if others := [name for name in table.sheets if name != table.sheet]:
        params = {"sheet": table.sheet, "others": shown(others)}
        notes.append(Problem("", "", "sheet.other_sheets", "warning", params))
    if lines := [cell.strip() for row in above for cell in row.cells if cell.strip()]:
        notes.append(Problem("", "", "sheet.lines_above", "warning", {"lines": shown(lines)}))
    return tuple(notes)


# --- the headings ----------------------------------------------------------------------------


def _read_ahead(table: Table) -> list[Row]:
    """The first rows; what ends the reading among them is said when its turn comes."""
    rows: list[Row] = []
    try:
        for row in islice(table.rows, AHEAD):
            rows.append(row)
    except Unreadable as error:
        table.rows = _ended(error)
    return rows


def _ended(error: Unreadable) -> Iterator[Row]:
    raise error
    yield


_Ahead = tuple[list[Row], tuple[str, ...], list[Row]]


def _ahead(table: Table, profile: Profile | None) -> tuple[_Ahead, Refusal | None]:
    """(rows above the headings, the headings, the first rows), and why these may be no headings."""
    rows = _read_ahead(table)
    filled = [n for n, row in enumerate(rows[:HEADING_WITHIN]) if any(cell.strip() for cell in row.cells)]
    if not filled:
        return ([], (), []), Refusal(0, "", "file.empty")
    at = next((n for n in filled if columns.names_title(rows[n].cells[:COLUMNS], profile)), None)
    doubt = None
    if at is None:
        at = next((n for n in filled if sum(bool(c.strip()) for c in rows[n].cells) > 1), filled[0])
        first = [cell.strip() for cell in rows[at].cells if cell.strip()]
        known = [g for g in columns.guess(columns.unique(first[:COLUMNS]), (), profile) if g.why != "unknown"]
        code = "sheet.no_title" if known else "sheet.no_headings"
        doubt = Refusal(0, "", code, {"found": shown(first)}, _as_csv(rows[at].cells, ()))
    cells = list(rows[at].cells)
    while cells and not cells[-1].strip():
        cells.pop()
    if len(cells) > COLUMNS:
        raise Unreadable("sheet.too_wide", limit=str(COLUMNS), columns=str(len(cells)))
    below = [row.cells[:COLUMNS] for row in rows[at + 1 :] if any(cell.strip() for cell in row.cells)]
    while sum(len(row) > len(cells) and bool(row[len(cells)].strip()) for row in below) > len(below) / 2:
        cells.append("")  # a column without a heading, not a row with a sign too many
    return ([rows[n] for n in filled if n < at], columns.unique(cells), rows[at + 1 :]), doubt


# --- opening ---------------------------------------------------------------------------------


def _open(stream: BinaryIO, profile: Profile | None) -> Table:
    head = stream.read(4) or b""
    while len(head) < 4 and (more := stream.read(4 - len(head))):
        head += more
    if head.startswith(b"PK"):
        wanted = str(((profile or {}).get("sheet") or {}).get("name", ""))
        return open_workbook(_seekable(head, stream), wanted)
    return open_csv(head, stream)


def _seekable(head: bytes, stream: BinaryIO) -> IO[bytes]:
    if stream.seekable():
        stream.seek(0)
        return stream
    copy: IO[bytes] = SpooledTemporaryFile(max_size=8_000_000)  # noqa: SIM115 (lives as long as its rows)
    copy.write(head)
    copyfileobj(stream, copy)
    copy.seek(0)
    return copy
