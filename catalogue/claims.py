"""The only writer of a claim that changes: what was agreed on, whose notice it is about, whether it still speaks.

Every change is a revision of a lot, so that undoing the lot takes the agreement back with the notice. (A harvest
that finds a notice and its record saying the same moves the base without one: nothing was decided.) What hangs on a
claim follows it: the partner's holdings of its record; and for a notice merged away, what the merge moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalogue import db, history, notices
from catalogue.history import Change
from catalogue.models import (
    Batch,
    Claim,
    DigitalDocument,
    ExternalId,
    Holding,
    SelectionEntry,
    SourceRecord,
    VisitRequest,
)

COLUMNS = ("notice_id", "base_version_id", "state", "judgement_id")
# What a notice carries along when it is merged into another, and the column that says whose it is.
MOVED: Mapping[str, tuple[type[Any], str]] = {
    "documents": (DigitalDocument, "notice_id"),
    "requests": (VisitRequest, "notice_id"),
    "entries": (SelectionEntry, "notice_id"),
    "numbers": (ExternalId, "entity_id"),
}


def snapshot(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in COLUMNS}


def put_many(session: Session, rows: Iterable[tuple[Claim, Mapping[str, Any]]], *, batch: Batch) -> list[Claim]:
    """Change some columns of many claims; returns those that changed."""
    changed: list[tuple[Claim, dict[str, Any]]] = []
    for claim, values in rows:
        before = snapshot(claim)
        if {**before, **values} == before:
            continue
        for name, value in values.items():
            setattr(claim, name, value)
        claim.version += 1
        changed.append((claim, before))
    session.flush()
    history.record(session, batch, [Change("claim", c.id, c.version, before) for c, before in changed])
    _follow(session, changed)
    return [claim for claim, _before in changed]


def add(session: Session, notice_id: int, *, batch: Batch, **values: Any) -> Claim:
    """A claim that a person's act makes; undoing the act splits it off again."""
    claim = Claim(id=history.take(session, "claim")[0], notice_id=notice_id, state="linked", **values)
    session.add(claim)
    session.flush()
    history.record(session, batch, [Change("claim", claim.id, 1, None)])
    _follow(session, [(claim, {"notice_id": claim.merged_notice_id or notice_id, "state": "split"})])
    return claim


def restore_many(session: Session, rows: Sequence[tuple[Claim, Mapping[str, Any] | None]], *, batch: Batch) -> None:
    put_many(session, [(c, {"state": "split"} if before is None else before) for c, before in rows], batch=batch)


def of_notices(session: Session, notice_ids: Iterable[int]) -> list[Claim]:
    """Every claim of a record on these notices that still speaks, or did until its partner deleted it."""
    out: list[Claim] = []
    for part in db.chunks(sorted(set(notice_ids))):
        statement = select(Claim).where(
            Claim.notice_id.in_(part), Claim.record_id.is_not(None), Claim.state.in_(("linked", "withdrawn"))
        )
        out += session.scalars(statement.order_by(Claim.id))
    return out


def of_sources(session: Session, notice_ids: Iterable[int]) -> dict[tuple[int, int], set[int]]:
    """(notice, source) -> that source's claims on it: by them one knows what is its own."""
    out: dict[tuple[int, int], set[int]] = {}
    for part in db.chunks(sorted(set(notice_ids))):
        statement = (
            select(Claim.notice_id, SourceRecord.source_id, Claim.id)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .where(Claim.notice_id.in_(part))
        )
        for notice_id, source_id, claim_id in session.execute(statement):
            out.setdefault((notice_id, source_id), set()).add(claim_id)
    return out


def gather(session: Session, loser_id: int, survivor_id: int) -> dict[str, list[int]]:
    """What hangs on a notice that is about to be merged away; where both are in one selection, each stays."""
    there = select(SelectionEntry.selection_id).where(SelectionEntry.notice_id == survivor_id)
    out: dict[str, list[int]] = {}
    for name, (table, column) in MOVED.items():
        statement = select(table.id).where(getattr(table, column) == loser_id).order_by(table.id)
        if table is ExternalId:
            statement = statement.where(ExternalId.entity == "notice")
        elif table is SelectionEntry:
            statement = statement.where(SelectionEntry.selection_id.not_in(there))
        if ids := list(session.scalars(statement)):
            out[name] = ids
    return out


def _follow(session: Session, changed: Sequence[tuple[Claim, Mapping[str, Any]]]) -> None:
    """Let what hangs on these claims go where they went; `before` says where they were."""
    touched: set[int] = set()
    for claim, before in changed:
        if claim.record_id is not None and before["notice_id"] != claim.notice_id:
            moved = update(Holding).where(Holding.record_id == claim.record_id).values(notice_id=claim.notice_id)
            session.execute(moved)
            touched |= {before["notice_id"], claim.notice_id}
        elif claim.merged_notice_id is not None and (before["state"] == "linked") != (claim.state == "linked"):
            ends = [claim.merged_notice_id, claim.notice_id]
            _move(session, claim.moved, *(ends if claim.state == "linked" else reversed(ends)))
            touched |= set(ends)
    notices.queue_index(session, touched)


def _move(session: Session, moved: Mapping[str, Sequence[int]], here: int, there: int) -> None:
    """Of all this, what is still here goes there."""
    for name, ids in moved.items():
        table, column = MOVED[name]
        of = getattr(table, column)
        where = [of == here]
        if table is SelectionEntry:
            taken = select(SelectionEntry.selection_id).where(SelectionEntry.notice_id == there)
            where.append(SelectionEntry.selection_id.not_in(session.scalars(taken).all()))
        for part in db.chunks(ids):
            session.execute(update(table).where(table.id.in_(part), *where).values({column: there}))
