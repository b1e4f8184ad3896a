"""Lots and what they changed (decision 4), and the counters that order it all.

A `Batch` is one act of one person or one machine; a `Revision` says that a row was changed by it, and how
the row was before. Undoing is in `catalogue.lots`, above the writers it calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import Batch, Counter, Revision

UNDO_DAYS = 30
# What was agreed with a source, asked and answered: beside the notices it is about, it is not counted or shown.
AGREEMENTS = ("claim", "judgement", "proposal")


# The table, not the class, and made once: a page of a harvest takes numbers six times.
_COUNTERS = db.table_of(Counter)
_TAKE = (
    update(_COUNTERS)
    .where(_COUNTERS.c.name == bindparam("of"))
    .values(value=_COUNTERS.c.value + bindparam("n"))
    .returning(_COUNTERS.c.value)
)


@dataclass(frozen=True, slots=True)
class Change:
    """One row a lot touched: its version after, its state before (None: the lot made it)."""

    entity: str
    entity_id: int
    version: int
    before: Mapping[str, Any] | None


def take(session: Session, name: str, n: int = 1) -> range:
    """The next `n` numbers of a counter, ours until the transaction ends.

    Every writer takes "change" first: writers that hold it cannot wait for one another in a circle, and
    the numbers of "change" grow in the order of commits.
    """
    if name != "change" and session.get_bind().dialect.name != "sqlite":
        session.execute(select(Counter.value).where(Counter.name == "change").with_for_update())
    if not n and session.get_bind().dialect.name == "sqlite":
        return range(0)  # a writing session of SQLite holds the whole base already
    last = session.connection().execute(_TAKE, {"of": name, "n": n}).scalar_one()
    return range(last - n + 1, last + 1)


def turn(session: Session) -> None:
    """Wait until nobody else writes, before anything is compared: what was read before is read again, as it stands now.

    PostgreSQL lets two sessions read the same question; without this the second would decide what the first has
    decided already. Once in a transaction: until it ends, nobody else writes.
    """
    if session.info.get("turn") is session.get_transaction() is not None:
        return
    take(session, "change", 0)
    session.flush()
    session.expire_all()
    session.info["turn"] = session.get_transaction()


def mark_now(session: Session) -> int:
    """The number of the last change: what a page says it has seen, so that what comes later is not decided by it."""
    return session.scalar(select(_COUNTERS.c.value).where(_COUNTERS.c.name == "change")) or 0


def open_batch(session: Session, kind: str, *, by: str, why: str = "", undoes: Batch | None = None) -> Batch:
    """A lot; `kind` is one of edit, create, import, harvest, undo… and `by` a login or a machine's name."""
    take(session, "change", 0)  # before any row is touched: see `take`
    at = db.now()
    batch = Batch(
        by=by,
        at=at,
        why=why,
        kind=kind,
        undoes_id=undoes.id if undoes else None,
        undoable_until=at + timedelta(days=UNDO_DAYS),
    )
    session.add(batch)
    session.flush()
    return batch


def record(session: Session, batch: Batch, changes: Iterable[Change], ids: Iterable[int] | None = None) -> list[int]:
    """Write the revisions of a lot; `ids` when they were taken beforehand (fields name their revision)."""
    changes = list(changes)
    if not changes:
        return []
    numbers = list(ids) if ids is not None else list(take(session, "revision", len(changes)))
    rows = [
        {
            "id": number,
            "batch_id": batch.id,
            "entity": c.entity,
            "entity_id": c.entity_id,
            "version": c.version,
            "before": c.before,
        }
        for number, c in zip(numbers, changes, strict=True)
    ]
    db.insert_rows(session, Revision, rows)
    return numbers


def list_batches(
    session: Session, *where: ColumnElement[bool], limit: int = 50, offset: int = 0
) -> list[tuple[Batch, int]]:
    """Lots, latest first, each with the number of rows it changed (of questions it settled, when that is all)."""
    batches = session.scalars(select(Batch).where(*where).order_by(Batch.id.desc()).limit(limit).offset(offset)).all()
    beside = func.sum(case((Revision.entity.in_(AGREEMENTS), 1), else_=0))
    asked = func.sum(case((Revision.entity == "proposal", 1), else_=0))
    counted: dict[int, int] = {}
    for part in db.chunks([batch.id for batch in batches]):
        columns = select(Revision.batch_id, func.count(), beside, asked).where(Revision.batch_id.in_(part))
        for number, n, aside, questions in session.execute(columns.group_by(Revision.batch_id)):
            counted[number] = n - aside or questions or n
    return [(batch, counted.get(batch.id, 0)) for batch in batches]


def shown_of(session: Session, batch: Batch) -> ColumnElement[bool]:
    """Which revisions of a lot tell what it did: those `list_batches` counts."""
    entities = set(session.scalars(select(Revision.entity).where(Revision.batch_id == batch.id).distinct()))
    shown = (entities - set(AGREEMENTS)) or (entities & {"proposal"}) or entities
    return Revision.entity.in_(sorted(shown)) & (Revision.batch_id == batch.id)


def revisions_of(session: Session, entity: str, entity_id: int) -> list[tuple[Revision, Batch]]:
    """Everything that happened to one row, latest first."""
    statement = (
        select(Revision, Batch)
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Revision.entity == entity, Revision.entity_id == entity_id)
        .order_by(Revision.id.desc())
    )
    return [(revision, batch) for revision, batch in session.execute(statement)]


def undone_rows(session: Session, entity: str, ids: list[int]) -> set[int]:
    """Among these, the rows whose last change was an undo."""
    out: set[int] = set()
    for part in db.chunks(ids):
        statement = (
            select(Revision.entity_id, Batch.kind)
            .join(Batch, Batch.id == Revision.batch_id)
            .where(Revision.entity == entity, Revision.entity_id.in_(part))
            .order_by(Revision.id)
        )
        last = {row_id: kind for row_id, kind in session.execute(statement)}
        out |= {row_id for row_id, kind in last.items() if kind == "undo"}
    return out
