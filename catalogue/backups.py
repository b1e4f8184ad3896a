"""One file holds everything: the rows of every table, digital documents, pages as received, what waits to be taken in.

A backup is a zip. `tables/<name>.jsonl` has the names of the columns, then a row a line, in values that no database
owns: an instant is ISO 8601 in UTC, bytes are base64. So a base can be put back on SQLite or on PostgreSQL, whichever
it came from, and by a later version of the software: the tables are made as they were (`manifest.json` names their
revision), filled, then upgraded. `files/…` are the files beside. The index is not in it: it is made anew.

Written under another name first, and put in its place when it is whole; put back the same way: a backup or a restore
that is killed leaves what was there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from alembic import command
from sqlalchemy import JSON, Connection, Date, DateTime, LargeBinary, MetaData, Table, inspect, select, text
from sqlalchemy.schema import AddConstraint, DropConstraint
from sqlalchemy.types import TypeEngine

from catalogue import setup
from catalogue.config import Settings
from catalogue.db import Database, chunks

FORMAT = 1
MANIFEST = "manifest.json"
BATCH = 1000
PART = ".part"
FOLDERS = ("files", "pages", "imports")  # of the data directory
KEY = "secret_key"
EMPTY = ("user", "notice")  # a base that has neither has nothing to lose


class Unusable(ValueError):
    """`code`: "not_a_backup", "damaged", "too_new" or "not_empty"; `detail`: the member or the version at fault."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds: rows by table, how many files, bytes of the zip."""

    path: Path
    rows: dict[str, int]
    files: int
    size: int


# --- making one ------------------------------------------------------------------------------


def make(settings: Settings, path: Path, *, step: Callable[[str], None] = lambda _name: None) -> Kept:
    """Write everything to `path`, as it stands at one instant, while others go on working."""
    base = Database(settings.url)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    try:
        with ZipFile(part, "w", ZIP_DEFLATED, compresslevel=3) as archive:
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


def _write_tables(
    base: Database, archive: ZipFile, step: Callable[[str], None]
) -> tuple[dict[str, int], dict[str, str]]:
    rows, sums = {}, {}
    with base.engine.connect() as connection:
        if not base.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        metadata = MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            step(table.name)
            with archive.open(_member(table.name), "w", force_zip64=True) as out:
                rows[table.name], sums[table.name] = _write_table(connection, table, out)
    return rows, sums


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


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


# --- reading one -----------------------------------------------------------------------------


def check(path: Path) -> dict[str, Any]:
    """The manifest of a backup whose tables are all there, byte for byte; raises `Unusable`."""
    try:
        with ZipFile(path) as archive:
            manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
            if not isinstance(manifest, dict) or "sha256" not in manifest:
                raise Unusable("not_a_backup")
            if manifest["format"] != FORMAT or not _is_known(manifest["revision"]):
                raise Unusable("too_new", str(manifest["revision"]))
            for table, wanted in manifest["sha256"].items():
                with archive.open(_member(table)) as member:
                    if _sum(member) != wanted:
                        raise Unusable("damaged", _member(table))
            for name in _members(archive):
                with archive.open(name) as member:  # a zip has a sum of its own for each
                    while member.read(1 << 20):
                        pass
            return manifest
    except KeyError as missing:
        raise Unusable("damaged" if MANIFEST not in str(missing) else "not_a_backup", str(missing)) from missing
    except (BadZipFile, json.JSONDecodeError, UnicodeDecodeError, EOFError, OSError) as error:
        raise Unusable("not_a_backup" if not path.exists() else "damaged", str(error)) from error


def _sum(member: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while part := member.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _is_known(revision: str) -> bool:
    return revision in setup.revisions()


def _members(archive: ZipFile) -> list[str]:
    """The files beside, under names that lead nowhere else."""
    out = []
    for name in archive.namelist():
        parts = PurePosixPath(name).parts
        if parts[0] == "files" and len(parts) > 1 and ".." not in parts and "\\" not in name:
            out.append(name)
    return out


# --- putting one back ------------------------------------------------------------------------


def restore(settings: Settings, path: Path, *, replace: bool = False) -> Kept | None:
    """Put a backup in the place of the base of these settings; nobody may be using it.

    A base with notices or accounts is only replaced when that is said, and is backed up first: what is returned.
    Raises `Unusable`.
    """
    manifest = check(path)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    before = None
    if not _has_nothing(settings):
        if not replace:
            raise Unusable("not_empty")
        before = make(settings, folder(settings) / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.zip")
    with ZipFile(path) as archive:
        _restore_files(settings, archive)
        (_restore_sqlite if Database(settings.url).is_sqlite else _restore_server)(settings, archive, manifest)
    shutil.rmtree(settings.index_dir, ignore_errors=True)  # it is of another base: made anew when it is opened
    return before


def folder(settings: Settings) -> Path:
    return settings.data_dir / "backups"


def _has_nothing(settings: Settings) -> bool:
    base = Database(settings.url)
    try:
        if base.is_sqlite and not Path(base.engine.url.database or "").exists():
            return True
        known = inspect(base.engine)
        with base.engine.connect() as connection:
            return not any(
                connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1')).first()
                for table in EMPTY
                if known.has_table(table)
            )
    finally:
        base.close()


def _restore_files(settings: Settings, archive: ZipFile) -> None:
    """Those that are there already stay: they are named by what they hold."""
    for name in _members(archive):
        path = settings.data_dir / PurePosixPath(name).relative_to("files")
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + PART)
        with archive.open(name) as member, part.open("wb") as out:
            shutil.copyfileobj(member, out, 1 << 20)
        if path.name == KEY:
            part.chmod(0o600)
        part.replace(path)


def _restore_sqlite(settings: Settings, archive: ZipFile, manifest: dict[str, Any]) -> None:
    base = Database(settings.url)
    path = Path(base.engine.url.database or "")
    base.close()
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    made = Database(f"sqlite:///{part}")
    try:
        with made.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            _fill(connection, archive, manifest)
            connection.commit()
        made.empty_log()
    finally:
        made.close()
    for beside in ("-wal", "-shm"):  # of the one that goes
        Path(f"{path}{beside}").unlink(missing_ok=True)
        Path(f"{part}{beside}").unlink(missing_ok=True)
    part.replace(path)


def _restore_server(settings: Settings, archive: ZipFile, manifest: dict[str, Any]) -> None:
    base = Database(settings.url)
    try:
        with base.engine.begin() as connection:  # one transaction: whoever looks sees the one or the other
            there = MetaData()
            there.reflect(connection)
            there.drop_all(connection)
            _fill(connection, archive, manifest)
    finally:
        base.close()


def _fill(connection: Connection, archive: ZipFile, manifest: dict[str, Any]) -> None:
    """The tables as they were, their rows, then what later versions of the software make of them."""
    config = setup.alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, manifest["revision"])
    metadata = MetaData()
    metadata.reflect(connection)
    on_server = connection.dialect.name != "sqlite"
    links = [link for table in metadata.sorted_tables for link in table.foreign_key_constraints] if on_server else []
    for link in links:  # rows of one table point to one another: PostgreSQL looks when all are there
        connection.execute(DropConstraint(link))
    for name in manifest["rows"]:
        if name in metadata.tables and name != "alembic_version":
            with archive.open(_member(name)) as member:
                _fill_table(connection, metadata.tables[name], member)
    for link in links:
        connection.execute(AddConstraint(link))
    if on_server:
        _count_on(connection, metadata)
    command.upgrade(config, "head")


def _fill_table(connection: Connection, table: Table, member: IO[bytes]) -> None:
    names = json.loads(member.readline())
    for column in table.columns:
        if isinstance(column.type, JSON):
            column.type.none_as_null = True  # nothing is nothing, not the word null
    takes = [_taker(table.columns[name].type, connection.dialect.name) for name in names]
    connection.execute(table.delete())  # rows that the migrations have put
    for lines in chunks(member, BATCH):
        rows = [
            {
                name: take(value) if take and value is not None else value
                for name, take, value in zip(names, takes, json.loads(line), strict=True)
            }
            for line in lines
        ]
        connection.execute(table.insert(), rows)


def _taker(kind: TypeEngine[Any], dialect: str) -> Callable[[Any], Any] | None:
    if isinstance(kind, DateTime):
        bare = dialect == "sqlite"
        return lambda said: datetime.fromisoformat(said).replace(tzinfo=None if bare else UTC)
    if isinstance(kind, Date):
        return date.fromisoformat
    if isinstance(kind, LargeBinary):
        return base64.b64decode
    return None


def _count_on(connection: Connection, metadata: MetaData) -> None:
    """New rows take numbers behind those that came."""
    for table in metadata.sorted_tables:
        if "id" in table.columns and not isinstance(table.columns["id"].type, JSON):
            sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:t, 'id')"), {"t": f'"{table.name}"'})
            if sequence:
                last = f'SELECT setval(:s, greatest((SELECT max(id) FROM "{table.name}"), 1))'
                connection.execute(text(last), {"s": sequence})
