"""Raw pages are kept for a time, then removed from disk: the run says so, and everything else of it stays.

Two kinds of run keep theirs as long as needed: one that has not ended (it may be taken up where it stood, or is a
replay that reads them), and the last complete harvest of everything of each source, from which the whole base can
be read again without asking anybody.

Files that no row names go too: a process was killed between one and the other, or nobody took up what it had asked
for ahead.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, nights
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import RawPage, Run
from catalogue.nights import ERASED
from harvest.pages import page_path

UNNAMED = timedelta(days=1)  # a file is written before its row; a run that lives writes the row much sooner
_NAME = re.compile(r"([0-9a-f]{64})\.xml.*")


def erase_old_pages(database: Database, settings: Settings, *, now: datetime | None = None) -> int:
    """Remove the pages of old runs, oldest first, a run a transaction, and files of no run. Returns how many runs have
    lost theirs."""
    at = now or db.now()
    with database.read() as session:
        old = _old_runs(session, at - timedelta(days=nights.keep_days(session)))
    for number in old:
        with database.write() as session:
            run = session.get_one(Run, number)
            run.checkpoint = {**run.checkpoint, ERASED: at.isoformat()}
        # After the commit: a file that stays behind is lost room, a page that is promised is worse. And in a
        # transaction of its own, as a harvest under way may have met the same bytes since (`Taker.keep`).
        with database.write() as session:
            history.take(session, "change", 0)
            for sha256 in _only_of(session, number):
                page_path(settings, sha256).unlink(missing_ok=True)
    _erase_unnamed(database, settings, at)
    return len(old)


def _erase_unnamed(database: Database, settings: Settings, at: datetime) -> None:
    """Remove the files that no page of a run names any more, once they are old. A run that is about to name one looks
    for it in the transaction that does (`Taker.keep`), and waits for this one."""
    old: dict[str, list[Path]] = {}
    for sha256, path in _files(settings, at - UNNAMED):
        old.setdefault(sha256, []).append(path)
    with database.read() as session:
        left = sorted(old.keys() - _named(session))
    for part in db.chunks(left):
        with database.write() as session:
            history.take(session, "change", 0)
            for sha256 in set(part) - _named(session, part):
                for path in old[sha256]:
                    path.unlink(missing_ok=True)


def _files(settings: Settings, before: datetime) -> Iterator[tuple[str, Path]]:
    for path in settings.pages_dir.glob("??/*"):
        name = _NAME.fullmatch(path.name)
        if name and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
            yield name[1], path


def _named(session: Session, among: Collection[str] = ()) -> set[str]:
    """What pages are called that some run has on disk; `among` these only."""
    harvests = select(Run).where(Run.kind == "harvest")
    gone = {run.id for run in session.scalars(harvests) if ERASED in run.checkpoint}
    statement = select(RawPage.sha256, RawPage.run_id)
    if among:
        statement = statement.where(RawPage.sha256.in_(among))
    return {sha256 for sha256, run_id in session.execute(statement) if run_id not in gone}


def size_on_disk(settings: Settings, session: Session, run_id: int) -> tuple[int, int]:
    """How many pages of a run are on disk, and how many bytes they take there."""
    found = [_size(settings, sha256) for sha256 in _pages_of(session, run_id)]
    sizes = [size for size in found if size is not None]
    return len(sizes), sum(sizes)


def _size(settings: Settings, sha256: str) -> int | None:
    try:
        return page_path(settings, sha256).stat().st_size
    except OSError:
        return None


def _old_runs(session: Session, before: datetime) -> list[int]:
    kept = set(_last_full_runs(session)) | _replayed(session)
    statement = (
        select(Run)
        .where(Run.kind == "harvest", Run.status != "running", Run.ended_at < before)
        .where(select(RawPage.id).where(RawPage.run_id == Run.id).exists())
        .order_by(Run.id)
    )
    return [run.id for run in session.scalars(statement) if run.id not in kept and ERASED not in run.checkpoint]


def _last_full_runs(session: Session) -> Iterable[int]:
    complete = select(Run).where(Run.kind == "harvest", Run.status == "complete").order_by(Run.id)
    pages = select(RawPage.id).where(RawPage.run_id == Run.id).exists()
    last = {run.source_id: run.id for run in session.scalars(complete.where(pages)) if nights.is_full(run)}
    return last.values()


def _replayed(session: Session) -> set[int]:
    """Runs whose pages are being read again, or soon will be."""
    asked = {one.replay for one in nights.list_asked(session) if one.replay is not None}
    return asked | {int(run.checkpoint.get("replay_of") or 0) for run, _source in nights.under_way(session)}


def _pages_of(session: Session, run_id: int) -> list[str]:
    return list(session.scalars(select(RawPage.sha256).where(RawPage.run_id == run_id).order_by(RawPage.seq)))


def _only_of(session: Session, run_id: int) -> list[str]:
    """The pages that no run with pages on disk shares: two quiet nights may bring the same bytes."""
    gone = []
    for part in db.chunks(set(_pages_of(session, run_id))):
        users = (
            select(RawPage.sha256, Run)
            .join(Run, Run.id == RawPage.run_id)
            .where(RawPage.sha256.in_(part), RawPage.run_id != run_id)
        )
        shared = {sha256 for sha256, run in session.execute(users) if ERASED not in run.checkpoint}
        gone += sorted(set(part) - shared)
    return gone
