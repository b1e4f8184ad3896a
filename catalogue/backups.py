"""One file holds everything: the rows of every table, digital documents, pages as received, what waits to be taken in.

A backup is a zip. `tables/<name>.jsonl` has the names of the columns, then a row a line, in values that no database
owns: an instant is ISO 8601 in UTC, bytes are base64. So a base can be put back on SQLite or on PostgreSQL, whichever
it came from (`catalogue.restoring`), and by a later version of the software: `manifest.json` names the revision of the
tables. Only Travée's own are in it: a PostgreSQL base may hold other software's. `files/…` are the files beside. The
index is not in it: it is made anew.

Written under another name first, and put in its place when it is whole: a backup that is killed leaves what was there.
It holds passwords' sums, names of borrowers and the key that signs sessions: nobody but its owner may read it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from sqlalchemy import Connection, Date, DateTime, LargeBinary, MetaData, Table, select
from sqlalchemy.types import TypeEngine

from catalogue import setup
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Base

FORMAT = 1
MANIFEST = "manifest.json"
BATCH = 1000
PART = ".part"
FOLDERS = ("files", "pages", "imports")  # of the data directory
KEY = "secret_key"
VERSION = "alembic_version"
BEFORE = "before-restore"  # what was there when another was put in its place


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds: rows by table, how many files, bytes of the zip."""

    path: Path
    rows: dict[str, int]
    files: int
    size: int


def folder(settings: Settings) -> Path:
    return settings.data_dir / "backups"


def own_tables(connection: Connection) -> MetaData:
    """Travée's tables as this base has them, and no others that may lie beside."""
    made = MetaData()
    made.reflect(connection, only=lambda name, _made: name in Base.metadata.tables or name == VERSION)
    return made


def member(table: str) -> str:
    return f"tables/{table}.jsonl"


def is_file_of_ours(name: str) -> bool:
    """Whether a member of a backup is a file beside: one of our folders, or the key. Its name leads nowhere else."""
    first, *rest = name.split("/")
    plain = "\\" not in name and not {"", ".", ".."} & set(rest)
    return first == "files" and plain and (rest == [KEY] or (len(rest) > 1 and rest[0] in FOLDERS))


# --- making one ------------------------------------------------------------------------------


def make(settings: Settings, path: Path, *, step: Callable[[str], None] = lambda _name: None) -> Kept:
    """Write everything to `path`, as it stands at one instant, while others go on working."""
    base = Database(settings.url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent == folder(settings):
        with suppress(PermissionError):  # somebody else's: the file itself is closed
            path.parent.chmod(0o700)
    part = path.with_name(path.name + PART)
    try:
        with _closed(part) as out, ZipFile(out, "w", ZIP_DEFLATED, compresslevel=3, strict_timestamps=False) as archive:
            rows, sums = _write_tables(base, archive, step)
            files = _write_files(settings, archive, step)
            manifest = {
                "format": FORMAT,
                "revision": setup.revision_of(base),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "rows": rows,
                "sha256": sums,
                "files": files,
            }
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        with part.open("rb+") as whole:
            os.fsync(whole.fileno())
        part.replace(path)
    finally:
        base.close()
        part.unlink(missing_ok=True)
    return Kept(path, rows, files, path.stat().st_size)


def _closed(path: Path) -> IO[bytes]:
    """A new file that nobody else may read, from its first byte on."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "w+b")


def _write_tables(
    base: Database, archive: ZipFile, step: Callable[[str], None]
) -> tuple[dict[str, int], dict[str, str]]:
    rows, sums = {}, {}
    with base.engine.connect() as connection:
        if not base.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        for table in own_tables(connection).sorted_tables:
            step(table.name)
            with archive.open(member(table.name), "w", force_zip64=True) as out:
                rows[table.name], sums[table.name] = _write_table(connection, table, out)
    return rows, sums


def _write_table(connection: Connection, table: Table, out: IO[bytes]) -> tuple[int, str]:
    n, digest = 0, hashlib.sha256()
    puts = [_putter(column.type) for column in table.columns]
    found = connection.execution_options(stream_results=True, yield_per=BATCH).execute(select(table))
    for line in _lines([[c.name for c in table.columns]], [None] * len(puts)):
        out.write(line)
        digest.update(line)
    for part in found.partitions():
        whole = b"".join(_lines(part, puts))
        out.write(whole)
        digest.update(whole)
        n += len(part)
    return n, digest.hexdigest()


def _lines(rows: Iterable[Any], puts: list[Callable[[Any], Any] | None]) -> Iterator[bytes]:
    for row in rows:
        values = [v if put is None or v is None else put(v) for v, put in zip(row, puts, strict=True)]
        yield json.dumps(values, separators=(",", ":")).encode() + b"\n"  # ASCII: half surrogates pass too


def _putter(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, DateTime):
        return lambda at: (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat()
    if isinstance(kind, Date):
        return lambda day: day.isoformat()
    if isinstance(kind, LargeBinary):
        return lambda raw: base64.b64encode(raw).decode()
    return None


def _write_files(settings: Settings, archive: ZipFile, step: Callable[[str], None]) -> int:
    n = 0
    for path in _files(settings.data_dir):
        step(path.name)
        name = "files/" + path.relative_to(settings.data_dir).as_posix()
        try:
            archive.write(path, name, compress_type=ZIP_STORED)  # PDF, pages: all compressed already
        except FileNotFoundError:
            continue  # removed since the folder was read
        n += 1
    return n


def _files(folder: Path) -> Iterator[Path]:
    for name in FOLDERS:
        yield from sorted(path for path in (folder / name).rglob("*") if path.is_file())
    if (folder / KEY).is_file():
        yield folder / KEY
