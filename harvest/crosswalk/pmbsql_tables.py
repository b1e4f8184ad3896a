"""The tables of a PMB dump, laid out in a scratch SQLite file where they can be looked up.

pmbsql.toml says which tables and columns are taken, and why the others are not. Every row of the dump is
counted, so that the report can say what became of each table: nothing is left without a word.

The scratch file is temporary and private; it is never the dump that is executed, only its values that are kept.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeVar

from catalogue.problems import Refusal
from catalogue.unimarc import Field
from harvest.crosswalk.mysqldump import Broken, Created, Dump, Long, Rows, Value

Row = sqlite3.Row
Key = TypeVar("Key", int, str)

_MEMORY = 16_000  # kilobytes that SQLite may keep of the scratch file
_AT_ONCE = 500
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MANGLED = re.compile("[ÂÃâ][\u0080-\u00ff\u0152-\u2122]")  # « Ã© »: UTF-8 that was taken for Windows-1252
_NOTHING = (None, b"", b"0", b"0000-00-00", b"0000-00-00 00:00:00", b"0.00")


@dataclass(frozen=True, slots=True)
class Taken:
    """What is read of one table."""

    key: tuple[str, ...]
    by: tuple[str, ...]
    numbers: frozenset[str]
    columns: tuple[str, ...]  # all of them, in the order they are kept
    sizes: frozenset[str]
    left: frozenset[str]


@dataclass(frozen=True, slots=True)
class TableLine:
    """What became of one table of a dump: `why` is « taken », or ends the code of the reason."""

    table: str
    rows: int
    taken: int
    why: str


@dataclass(slots=True)
class Told:
    """What reading the text of a dump showed, by values."""

    windows: int = 0
    twice: int = 0
    controls: int = 0
    unknown_columns: dict[str, int] = attribute(default_factory=dict)


@cache
def registry() -> tuple[Mapping[str, Taken], Mapping[str, tuple[str, ...]]]:
    """What is taken, by table; what is left, by reason."""
    words = tomllib.loads((Path(__file__).parent / "pmbsql.toml").read_text("utf-8"))
    taken: dict[str, Taken] = {}
    for name, said in words["taken"].items():
        key, by, numbers, text, sizes, left = (
            tuple(said.get(what, "").split()) for what in ("key", "by", "numbers", "columns", "sizes", "left")
        )
        every = tuple(dict.fromkeys((*key, *by, *numbers, *text, *sizes)))
        texts = frozenset(("type_param", "code_langue", "langue", "val"))  # keys that hold words
        integers = frozenset((*key, *by, *numbers, *sizes)) - texts
        taken[name] = Taken(key, by, integers, every, frozenset(sizes), frozenset(left))
    return taken, {why: tuple(said["tables"].split()) for why, said in words["left"].items()}


def fate(table: str) -> str:
    """« taken », the reason why a table is left, or « unknown »."""
    taken, left = registry()
    if table in taken:
        return "taken"
    return next((why for why, names in left.items() if any(fnmatchcase(table, name) for name in names)), "unknown")


HEAD = 1 << 16  # bytes that are enough to tell whose dump it is
_NAMED = re.compile(rb"^\s*(?:CREATE TABLE|INSERT INTO|DROP TABLE)(?: IF (?:NOT )?EXISTS)? [`\"]?(\w+)", re.M | re.I)
_KOHA = frozenset(("biblio", "biblioitems", "items", "borrowers", "marc_subfield_structure", "biblio_metadata"))
_KOHA |= {"account_credit_types", "account_debit_types", "accountlines", "action_logs", "aqbasket", "aqbooksellers"}
_ENOUGH = 3  # tables of which none is PMB's, before it is said that the base is none


def look(head: bytes) -> Refusal | None:
    """Why a dump that begins so is not read, as far as that shows; nothing of it is loaded."""
    names = list(dict.fromkeys(name.decode("ascii", "replace") for name in _NAMED.findall(head)))
    foreign = len(names) >= _ENOUGH and all(fate(table) == "unknown" for table in names)
    return none_of_pmb(names) if foreign or _KOHA & set(names) else None


def none_of_pmb(tables: Sequence[str]) -> Refusal:
    """That a dump with these tables is not of a PMB."""
    code = "pmbsql.koha" if _KOHA & set(tables) else "pmbsql.not_pmb"
    return Refusal(0, "", code, {"tables": ", ".join(tables[:8]) or "0"})


FATES = ("taken", "descriptions", "unknown", "selections", "management", "personal", "settings", "derived")


class Base:
    """The taken tables of one dump. Numbers are numbers, everything else is text; what is missing is None.

    >>> with Base() as base:
    ...     base.load(open("pmb.sql", "rb"))
    ...     notices = base.get("notices", "notice_id", [1, 2, 3])
    """

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}  # of every table of the dump
        self.charset: dict[str, str] = {}  # of those that say it
        self.told = Told()
        self.cut_short = False
        self.not_understood = 0
        self._insert: dict[str, str] = {}
        self._whole: dict[str, dict[int, Row]] = {}
        self._settings: dict[tuple[str, str], str] | None = None

    def __enter__(self) -> Base:
        self._folder = tempfile.TemporaryDirectory(prefix="travee-pmb-")
        self._base = sqlite3.connect(Path(self._folder.name) / "base.db", isolation_level=None)
        self._base.row_factory = sqlite3.Row
        self._base.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-{_MEMORY};"
        )
        for name, table in registry()[0].items():
            columns = ", ".join(f"{c} {'INTEGER' if c in table.numbers else 'TEXT'}" for c in table.columns)
            unique = f", UNIQUE ({', '.join(table.key)})" if table.key else ""
            self._base.execute(f"CREATE TABLE {name} ({columns}{unique})")
            marks = ", ".join("?" * len(table.columns))
            self._insert[name] = f"INSERT OR REPLACE INTO {name} VALUES ({marks})"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._base.close()
        self._folder.cleanup()

    # --- in

    def load(self, stream: BinaryIO, progress: Callable[[], object] = lambda: None) -> None:
        """Every row of a dump. Raises mysqldump.Broken; what went in before stays in."""
        taken = registry()[0]
        dump = Dump(stream, taken.__contains__)
        self._base.execute("BEGIN")
        for event in dump:
            if isinstance(event, Created):
                self.rows.setdefault(event.table, 0)
                self.charset[event.table] = event.charset
            else:
                self.rows[event.table] = self.rows.get(event.table, 0) + event.count
                if event.rows:
                    self._keep(event, taken[event.table])
            progress()
        self._base.execute("COMMIT")
        self.cut_short, self.not_understood = dump.cut_short, dump.not_understood
        for name, table in taken.items():
            for column in table.by:
                self._base.execute(f"CREATE INDEX {name}_{column} ON {name} ({column})")

    def _keep(self, rows: Rows, table: Taken) -> None:
        if not rows.columns:
            raise Broken("no_columns", table=rows.table)
        at = {column: n for n, column in enumerate(rows.columns)}
        if not at.keys() >= {*table.key, *table.by}:
            raise Broken("not_pmb", tables=rows.table)
        places = [at.get(column) for column in table.columns]
        sizes = [column in table.sizes for column in table.columns]
        for column in at.keys() - set(table.columns) - table.left:
            n = sum(row[at[column]] not in _NOTHING for row in rows.rows)
            if n:
                name = f"{rows.table}.{column}"
                self.told.unknown_columns[name] = self.told.unknown_columns.get(name, 0) + n
        self._base.executemany(
            self._insert[rows.table],
            (
                [
                    None if n is None else _size(row[n]) if sized else self._text(row[n])
                    for n, sized in zip(places, sizes, strict=True)
                ]
                for row in rows.rows
            ),
        )

    def _text(self, value: Value) -> str | None:
        """UTF-8, whatever the dump announces; what is none is Windows-1252, which MySQL calls latin1."""
        if value is None:
            return None
        if isinstance(value, Long):
            return ""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("cp1252", "replace")
            self.told.windows += 1
        if text.isascii():
            if text.isprintable():
                return text
        elif _MANGLED.search(text) and (whole := _unmangled(text)):
            text = whole
            self.told.twice += 1
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if _CONTROLS.search(text):
            text = _CONTROLS.sub("", text)
            self.told.controls += 1
        return text

    # --- out

    def count(self, table: str) -> int:
        return int(self._base.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def get(self, table: str, column: str, numbers: Iterable[Key], order: str = "rowid") -> dict[Key, list[Row]]:
        """The rows of a table by the number (or word) in one of its columns; 0 is PMB's way to say none."""
        wanted = sorted({n for n in numbers if n})
        found: dict[Key, list[Row]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            for row in self._base.execute(f"SELECT * FROM {table} WHERE {column} IN ({marks}) ORDER BY {order}", part):
                found.setdefault(row[column], []).append(row)
        return found

    def one(self, table: str, column: str, numbers: Iterable[Key]) -> dict[Key, Row]:
        return {number: rows[0] for number, rows in self.get(table, column, numbers).items()}

    def whole(self, table: str) -> Mapping[int, Row]:
        """A small table, by its key: labels, statuses, definitions."""
        if table not in self._whole:
            (key, *_rest) = registry()[0][table].key
            self._whole[table] = {row[key]: row for row in self._base.execute(f"SELECT * FROM {table} ORDER BY {key}")}
        return self._whole[table]

    def setting(self, kind: str, name: str) -> str:
        """One of PMB's settings, "" when the dump does not hold it."""
        if self._settings is None:
            rows = self._base.execute("SELECT type_param, sstype_param, valeur_param FROM parametres")
            self._settings = {(row[0] or "", row[1] or ""): row[2] or "" for row in rows}
        return self._settings.get((kind, name), "")

    def select(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Rows one by one; `sql` is ours, never a word of the dump."""
        return iter(self._base.execute(sql, values))

    def inventory(self) -> list[TableLine]:
        """What became of every table of the dump: those taken as pmbsql.toml has them, records first; then what a
        centre may miss, the fullest first; last what is PMB's own affair."""
        taken = list(registry()[0])
        lines = []
        for table, n in self.rows.items():
            why = fate(table)
            lines.append(TableLine(table, n, self.count(table) if why == "taken" else 0, why))
        rank = {line.table: taken.index(line.table) if line.why == "taken" else -line.rows for line in lines}
        return sorted(lines, key=lambda line: (FATES.index(line.why), rank[line.table], line.table))


def said(row: Row | None, column: str) -> str:
    """The text of a column, "" when there is none; a lone 0 is none, in PMB's exports too."""
    value = row[column] if row is not None else None
    return "" if value is None or value in (0, "0") else str(value)


def field(tag: str, indicators: str, pairs: Iterable[tuple[str, str | Sequence[str]]]) -> Iterator[Field]:
    """A field with the subfields that say something; nothing, when none does."""
    kept = [
        [code, value] for code, values in pairs for value in ((values,) if isinstance(values, str) else values) if value
    ]
    if kept:
        yield {"t": tag, "i": indicators, "s": kept}


def _size(value: Value) -> int:
    return value.size if isinstance(value, Long) else len(value or b"")


def _unmangled(text: str) -> str:
    """What « dÃ©jÃ  » was before it was put into UTF-8 twice, "" when it was not."""
    try:
        return b"".join(c.encode("latin-1" if "\x80" <= c <= "\x9f" else "cp1252") for c in text).decode()
    except UnicodeError:
        return ""
