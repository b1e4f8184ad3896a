"""Putting a backup back (`catalogue.backups` makes them): on SQLite or PostgreSQL, whichever it came from.

It is read whole first. The tables are made as they were, filled, then upgraded; beside, and put in the place of what
is there when all is done: a restore that is killed leaves what was there. Nobody may be at work meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from alembic import command
from sqlalchemy import JSON, Connection, Date, DateTime, LargeBinary, MetaData, Table, inspect, text
from sqlalchemy.schema import AddConstraint, DropConstraint
from sqlalchemy.types import TypeEngine

from catalogue import in_use, setup
from catalogue.backups import (
    BATCH,
    BEFORE,
    FORMAT,
    KEY,
    MANIFEST,
    PART,
    VERSION,
    Kept,
    folder,
    is_file_of_ours,
    make,
    member,
    own_tables,
)
from catalogue.config import Settings
from catalogue.db import Database, chunks

EMPTY = ("user", "notice")  # a base that has neither has nothing to lose


class Unusable(ValueError):
    """`code`: "not_a_backup", "damaged", "too_new", "not_empty", "in_use"; `detail`: the member or version at fault."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


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
                with archive.open(member(table)) as rows:
                    if _sum(rows) != wanted:
                        raise Unusable("damaged", member(table))
            for name in _files(archive):
                with archive.open(name) as held:  # a zip has a sum of its own for each
                    while held.read(1 << 20):
                        pass
            return manifest
    except KeyError as missing:
        raise Unusable("damaged" if MANIFEST not in str(missing) else "not_a_backup", str(missing)) from missing
    except (BadZipFile, json.JSONDecodeError, UnicodeDecodeError, EOFError, OSError) as error:
        raise Unusable("not_a_backup" if not path.exists() else "damaged", str(error)) from error


def _sum(rows: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while part := rows.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _is_known(revision: str) -> bool:
    return revision in setup.revisions()


def _files(archive: ZipFile) -> list[str]:
    return [name for name in archive.namelist() if is_file_of_ours(name)]


# --- putting one back ------------------------------------------------------------------------


def restore(settings: Settings, path: Path, *, replace: bool = False) -> Kept | None:
    """Put a backup in the place of the base of these settings; refused while anybody uses it.

    A base with notices or accounts is only replaced when that is said, and is backed up first: what is returned.
    Raises `Unusable`.
    """
    manifest = check(path)
    base = Database(settings.url)
    try:
        with in_use.held(settings, base, alone=True):
            return _put_back(settings, base, path, manifest, replace)
    except in_use.InUse as others:
        raise Unusable("in_use") from others
    finally:
        base.close()


def _put_back(settings: Settings, base: Database, path: Path, manifest: dict[str, Any], replace: bool) -> Kept | None:
    before = None
    if base.is_sqlite:
        _look_alone(base)
    if not _has_nothing(base):
        if not replace:
            raise Unusable("not_empty")
        before = make(settings, folder(settings) / f"{BEFORE}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.zip")
    with ZipFile(path) as archive:
        _restore_files(settings, archive)
        (_restore_sqlite if base.is_sqlite else _restore_server)(base, archive, manifest)
    shutil.rmtree(settings.index_dir, ignore_errors=True)  # it is of another base: made anew when it is opened
    return before


def _look_alone(base: Database) -> None:
    """Whoever has a SQLite base open would write on into the file that was taken away, and nobody would read it.

    SQLite only leaves its log for another way of working when no other connection is there, and that tells.
    """
    path = Path(base.engine.url.database or "")
    base.close()  # ours
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE").close()
            connection.execute("BEGIN EXCLUSIVE").close()
            connection.execute("ROLLBACK").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise in_use.InUse from error


def _has_nothing(base: Database) -> bool:
    if base.is_sqlite and not Path(base.engine.url.database or "").exists():
        return True
    known = inspect(base.engine)
    with base.engine.connect() as connection:
        return not any(
            connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1')).first()
            for table in EMPTY
            if known.has_table(table)
        )


def _restore_files(settings: Settings, archive: ZipFile) -> None:
    """Those that are there already stay: they are named by what they hold."""
    for name in _files(archive):
        path = settings.data_dir / PurePosixPath(name).relative_to("files")
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + PART)
        with archive.open(name) as held, part.open("wb") as out:
            shutil.copyfileobj(held, out, 1 << 20)
        if path.name == KEY:
            part.chmod(0o600)
        part.replace(path)


def _restore_sqlite(base: Database, archive: ZipFile, manifest: dict[str, Any]) -> None:
    path = Path(base.engine.url.database or "")
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
    _look_alone(base)  # again: filling takes minutes
    for beside in ("-wal", "-shm"):  # of the one that goes
        Path(f"{path}{beside}").unlink(missing_ok=True)
        Path(f"{part}{beside}").unlink(missing_ok=True)
    part.replace(path)


def _restore_server(base: Database, archive: ZipFile, manifest: dict[str, Any]) -> None:
    with base.engine.begin() as connection:  # one transaction: whoever looks sees the one or the other
        own_tables(connection).drop_all(connection)
        _fill(connection, archive, manifest)


def _fill(connection: Connection, archive: ZipFile, manifest: dict[str, Any]) -> None:
    """The tables as they were, their rows, then what later versions of the software make of them."""
    config = setup.alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, manifest["revision"])
    metadata = own_tables(connection)
    on_server = connection.dialect.name != "sqlite"
    links = [link for table in metadata.sorted_tables for link in table.foreign_key_constraints] if on_server else []
    for link in links:  # rows of one table point to one another: PostgreSQL looks when all are there
        connection.execute(DropConstraint(link))
    for name in manifest["rows"]:
        if name in metadata.tables and name != VERSION:
            with archive.open(member(name)) as rows:
                _fill_table(connection, metadata.tables[name], rows)
    for link in links:
        connection.execute(AddConstraint(link))
    if on_server:
        _count_on(connection, metadata)
    command.upgrade(config, "head")


def _fill_table(connection: Connection, table: Table, lines: IO[bytes]) -> None:
    names = json.loads(lines.readline())
    for column in table.columns:
        if isinstance(column.type, JSON):
            column.type.none_as_null = True  # nothing is nothing, not the word null
    takes = [_taker(table.columns[name].type, connection.dialect.name) for name in names]
    connection.execute(table.delete())  # rows that the migrations have put
    for part in chunks(lines, BATCH):
        rows = [
            {
                name: take(value) if take and value is not None else value
                for name, take, value in zip(names, takes, json.loads(line), strict=True)
            }
            for line in part
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
