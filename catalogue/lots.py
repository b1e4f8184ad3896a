"""Undo, and the reading of a lot.

Undo restores, row by row, what nobody has touched since, and lists what it left and why; it is itself a
lot, and can be undone (decision 4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, items, notices
from catalogue.models import Batch, Item, Notice, Revision

# entity -> (table, how to put a row back)
RESTORERS: dict[str, tuple[type[Any], Callable[..., None]]] = {
    "notice": (Notice, notices.restore),
    "item": (Item, items.restore),
}


@dataclass(frozen=True, slots=True)
class Left:
    """A row that undo did not touch: why, and by which later lot."""

    entity: str
    entity_id: int
    label: str
    code: str  # "changed_since" | "unknown_kind"
    by: str = ""


@dataclass(slots=True)
class Undone:
    batch: Batch | None
    restored: int = 0
    left: list[Left] = field(default_factory=list)


class NotUndoable(Exception):
    """`code`: "too_old", "already_undone" or "empty"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def get(session: Session, batch_id: int) -> Batch | None:
    return session.get(Batch, batch_id)


def why_not(session: Session, batch: Batch) -> str:
    """The code of what forbids to undo it, "" when nothing does."""
    if batch.undoable_until < db.now():
        return "too_old"
    if undone_by(session, batch) is not None:
        return "already_undone"
    if session.scalar(select(Revision.id).where(Revision.batch_id == batch.id).limit(1)) is None:
        return "empty"
    return ""


def undone_by(session: Session, batch: Batch) -> Batch | None:
    """The lot that undid this one, unless that was undone in turn."""
    for later in session.scalars(select(Batch).where(Batch.undoes_id == batch.id).order_by(Batch.id.desc())):
        if undone_by(session, later) is None:
            return later
    return None


def undo(session: Session, batch: Batch, *, by: str, why: str = "") -> Undone:
    """Take a lot back. Raises NotUndoable when it cannot be begun; what cannot be restored is listed."""
    if code := why_not(session, batch):
        raise NotUndoable(code)
    result = Undone(None)
    todo: list[tuple[type[Any], Callable[..., None], Any, dict[str, Any] | None]] = []
    for revisions in _by_row(session, batch):
        first, last = revisions[0], revisions[-1]
        label = f"{first.entity} {first.entity_id}"
        if first.entity not in RESTORERS:
            result.left.append(Left(first.entity, first.entity_id, label, "unknown_kind"))
            continue
        model, restore = RESTORERS[first.entity]
        row = session.get(model, first.entity_id)
        if row is None or row.version != last.version:
            result.left.append(
                Left(
                    first.entity,
                    first.entity_id,
                    _label(row) or label,
                    "changed_since",
                    _changed_by(session, last),
                )
            )
            continue
        todo.append((model, restore, row, first.before))
    if todo:
        result.batch = history.open_batch(session, "undo", by=by, why=why, undoes=batch)
        for _model, restore, row, before in todo:
            restore(session, row, before, batch=result.batch)
            result.restored += 1
    return result


def undone_notices(session: Session, notice_ids: list[int]) -> set[int]:
    """Among these, the notices whose last change was an undo: a new import may bring them back."""
    return undone_rows(session, "notice", notice_ids)


def undone_rows(session: Session, entity: str, ids: list[int]) -> set[int]:
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


def list_changes(session: Session, batch: Batch, limit: int = 200) -> list[tuple[str, int, str, str]]:
    """(entity, id, what it is called, address of its notice) for the page of a lot."""
    revisions = session.scalars(
        select(Revision).where(Revision.batch_id == batch.id).order_by(Revision.id).limit(limit)
    ).all()
    wanted = {r.entity_id for r in revisions if r.entity == "notice"}
    copies = {
        i.id: i
        for i in session.scalars(
            select(Item).where(Item.id.in_({r.entity_id for r in revisions if r.entity == "item"}))
        )
    }
    wanted |= {i.notice_id for i in copies.values()}
    found = {n.id: n for n in session.scalars(select(Notice).where(Notice.id.in_(wanted)))}
    out = []
    for r in revisions:
        notice = found.get(copies[r.entity_id].notice_id if r.entity == "item" else r.entity_id)
        if notice:
            out.append((r.entity, r.entity_id, notice.title, notice.address))
    return out


def _by_row(session: Session, batch: Batch) -> list[list[Revision]]:
    rows: dict[tuple[str, int], list[Revision]] = {}
    for r in session.scalars(select(Revision).where(Revision.batch_id == batch.id).order_by(Revision.id)):
        rows.setdefault((r.entity, r.entity_id), []).append(r)
    return list(rows.values())


def _label(row: Any) -> str:
    if isinstance(row, Notice):
        return row.title
    return row.call_number or row.code if isinstance(row, Item) else ""


def _changed_by(session: Session, revision: Revision) -> str:
    statement = (
        select(Batch.by)
        .join(Revision, Revision.batch_id == Batch.id)
        .where(
            Revision.entity == revision.entity,
            Revision.entity_id == revision.entity_id,
            Revision.id > revision.id,
        )
        .order_by(Revision.id.desc())
        .limit(1)
    )
    return session.scalar(statement) or ""
