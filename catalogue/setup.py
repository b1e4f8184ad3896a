"""Making and upgrading a base: tables by Alembic, the few rows everything stands on, a backup before."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select

from catalogue import notices, proposals
from catalogue.config import Settings
from catalogue.db import Database, chunks
from catalogue.models import Base, Centre, Claim, Counter, Notice

COUNTERS = ("change", "notice", "claim", "revision")
KEPT_BACKUPS = 5


def init(settings: Settings) -> Path | None:
    """Create or upgrade the base of these settings; returns the backup made before an upgrade, if any."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    base = Database(settings.url)
    try:
        backup, before = None, revision_of(base) if _exists(base) else head()
        if before != head():
            backup = _back_up(base, settings)
        upgrade(base)
        first_rows(base, settings)
        if before == "0001":
            _number_authors(base)
        if before in ("0001", "0002", "0003", "0004"):
            _ask_what_waited(base)
        return backup
    finally:
        base.close()


def _number_authors(base: Database) -> None:
    """0002 gave authors and subjects the numbers that their records carry: read them out of the fields."""
    with base.read() as session:
        ids = list(session.scalars(select(Notice.id).order_by(Notice.id)))
    for part in chunks(ids):
        with base.write() as session:
            notices.reproject(session, part)


def _ask_what_waited(base: Database) -> None:
    """0004 made questions of what records say otherwise, 0005 tells a first meeting from a conflict: what waited until
    then is asked now."""
    with base.read() as session:
        ids = list(session.scalars(select(Claim.id).where(Claim.record_id.is_not(None)).order_by(Claim.id)))
    for part in chunks(ids):
        with base.write() as session:
            proposals.propose(session, claim_ids=part)


def create_tables(base: Database) -> None:
    """The tables straight from the models, as a migrated base would have them (a test holds the two together)."""
    Base.metadata.create_all(base.engine)


def upgrade(base: Database) -> None:
    with base.engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def revisions() -> set[str]:
    """Every state of the tables that this software knows."""
    return {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def revision_of(base: Database) -> str | None:
    with base.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_ready(base: Database) -> bool:
    """The tables are there and at the version this software knows."""
    path = base.engine.url.database if base.is_sqlite else None
    if path and path != ":memory:" and not Path(path).exists():
        return False  # and asking must not make an empty file
    return _exists(base) and revision_of(base) == head()


def first_rows(base: Database, settings: Settings) -> None:
    with base.write() as session:
        known = set(session.scalars(select(Counter.name)))
        session.add_all(Counter(name=name, value=0) for name in COUNTERS if name not in known)
        if session.scalar(select(Centre.id).where(Centre.is_ours)) is None:
            session.add(Centre(name=settings.centre_name, code="ours", is_ours=True))


def _exists(base: Database) -> bool:
    return inspect(base.engine).has_table("notice")


def _back_up(base: Database, settings: Settings) -> Path | None:
    """A copy of a SQLite base as it stands; a PostgreSQL base is backed up by its administrator's own tools."""
    if not base.is_sqlite or base.engine.url.database is None:
        return None
    folder = settings.data_dir / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)  # as `backups.make` does
    path = folder / f"before-upgrade-{datetime.now(UTC):%Y%m%dT%H%M%S}.db"
    source = sqlite3.connect(base.engine.url.database)
    try:
        source.execute("VACUUM INTO ?", (str(path),))
    finally:
        source.close()
    for old in sorted(folder.glob("before-upgrade-*.db"))[:-KEPT_BACKUPS]:
        old.unlink()
    return path
