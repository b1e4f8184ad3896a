"""The only writer of a claim that changes: what was agreed on, whose notice it is about, whether it still speaks.

Every change is a revision of a lot, so that undoing the lot takes the agreement back with the notice. (A harvest
that finds a notice and its record saying the same moves the base without one: nothing was decided.) What hangs on a
claim follows it: the partner's holdings of its record; and for a notice merged away, what the merge moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from catalogue import db, history, notices
from catalogue.history import Change
from catalogue.models import (
    Batch,
    Claim,
    DigitalDocument,
    ExternalId,
    Holding,
    NoticeLink,
    SelectionEntry,
    SourceRecord,
    SourceVersion,
    VisitRequest,
)
from catalogue.unimarc import control

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
    put: list[tuple[Claim, Mapping[str, Any]]] = []
    for claim, values in rows:
        before = snapshot(claim)
        if {**before, **values} != before:
            put.append((claim, values))
            changed.append((claim, before))
    db.update_rows(session, put)
    history.record(session, batch, [Change("claim", c.id, c.version, before) for c, before in changed])
    _follow(session, changed)
    return [claim for claim, _before in changed]


def add(session: Session, notice_id: int, *, batch: Batch, **values: Any) -> Claim:
    """A claim that a person's act makes; undoing the act splits it off again."""
    number = values.pop("id", None) or history.take(session, "claim")[0]
    claim = Claim(id=number, notice_id=notice_id, state="linked", **values)
    session.add(claim)
    session.flush()
    history.record(session, batch, [Change("claim", claim.id, 1, None)])
    _follow(session, [(claim, {"notice_id": claim.merged_notice_id or notice_id, "state": "split"})])
    return claim


@dataclass(frozen=True, slots=True)
class Link:
    """A record that is found to speak of a notice; `base_version_id` None while nothing was agreed."""

    notice_id: int
    record_id: int
    base_version_id: int | None = None
    judgement_id: int | None = None


def link_many(session: Session, links: Sequence[Link], *, batch: Batch) -> list[int]:
    """Claims in bulk, in a few statements; returns their ids in order. Undoing the lot splits them off again.

    A link that an undo had split off holds again, under its old name, by which the values it had brought are known.
    """
    split = _split(session, links)
    again = {claim.id: claim for claim in split.values()}
    taken = iter(history.take(session, "claim", len(links) - len(again)))
    ids = [found.id if (found := split.get((x.notice_id, x.record_id))) else next(taken) for x in links]
    told = [
        {"notice_id": x.notice_id, "record_id": x.record_id, "state": "linked"}
        | {"base_version_id": x.base_version_id, "judgement_id": x.judgement_id}
        for x in links
    ]
    put_many(session, [(again[n], values) for n, values in zip(ids, told, strict=True) if n in again], batch=batch)
    fresh = {n: values for n, values in zip(ids, told, strict=True) if n not in again}
    db.insert_rows(session, Claim, [{"id": n, "moved": {}, "version": 1, **values} for n, values in fresh.items()])
    history.record(session, batch, [Change("claim", n, 1, None) for n in fresh])
    return ids


def _split(session: Session, links: Sequence[Link]) -> dict[tuple[int, int], Claim]:
    wanted = {(x.notice_id, x.record_id) for x in links}
    out: dict[tuple[int, int], Claim] = {}
    for part in db.chunks(sorted({record_id for _notice_id, record_id in wanted})):
        statement = select(Claim).where(Claim.record_id.in_(part), Claim.state == "split").order_by(Claim.id)
        found = {(claim.notice_id, claim.record_id or 0): claim for claim in session.scalars(statement)}
        out |= {key: claim for key, claim in found.items() if key in wanted}
    return out


def note_many(session: Session, rows: Sequence[Claim], *, batch: Batch) -> None:
    """Write down what was agreed when an act began that changes none of these claims, but what they speak of."""
    history.record(session, batch, [Change("claim", c.id, c.version, snapshot(c)) for c in rows])


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
        elif table is DigitalDocument:  # an address follows the fields that give it
            statement = statement.where(DigitalDocument.sha256 != "")
        elif table is SelectionEntry:
            statement = statement.where(SelectionEntry.selection_id.not_in(there))
        if ids := list(session.scalars(statement)):
            out[name] = ids
    return out


def is_held() -> ColumnElement[bool]:
    """Which holdings count: those of a record that has been split off its notice, and speaks of none, do not."""
    split = select(Claim.id).where(
        Claim.record_id == Holding.record_id, Claim.notice_id == Holding.notice_id, Claim.state == "split"
    )
    return ~split.exists()


def _follow(session: Session, changed: Sequence[tuple[Claim, Mapping[str, Any]]]) -> None:
    """Let what hangs on these claims go where they went; `before` says where they were."""
    touched: set[int] = set()
    records: set[int] = set()
    for claim, before in changed:
        turned = (before["state"] == "split") != (claim.state == "split")
        if claim.record_id is not None and (turned or before["notice_id"] != claim.notice_id):
            records.add(claim.record_id)
            touched |= {before["notice_id"], claim.notice_id}
        elif claim.merged_notice_id is not None and (before["state"] == "linked") != (claim.state == "linked"):
            ends = [claim.merged_notice_id, claim.notice_id]
            _move(session, claim.moved, *(ends if claim.state == "linked" else reversed(ends)))
            touched |= set(ends)
    rehome(session, records)
    notices.queue_index(session, touched)


def rehome(session: Session, record_ids: Iterable[int]) -> None:
    """Let the holdings and the numbers of these records be where the records speak; of one that is silent, stay."""
    for part in db.chunks(sorted(record_ids)):
        speaking = select(Claim.record_id, Claim.notice_id).where(Claim.record_id.in_(part), Claim.state != "split")
        homes = {record_id or 0: notice_id for record_id, notice_id in session.execute(speaking.order_by(Claim.id))}
        by_home: dict[int, list[int]] = {}
        for record_id, notice_id in homes.items():
            by_home.setdefault(notice_id, []).append(record_id)
        for notice_id, several in by_home.items():
            away = Holding.record_id.in_(several), Holding.notice_id != notice_id
            session.execute(update(Holding).where(*away).values(notice_id=notice_id))
        _rename(session, homes)


def _rename(session: Session, homes: Mapping[int, int]) -> None:
    """What the sources call these records leads to their notices, and so do the links that say it."""
    statement = (
        select(SourceRecord.id, SourceRecord.source_id, SourceVersion.fields)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .where(SourceRecord.id.in_(sorted(homes)))
    )
    names: dict[int, dict[str, int]] = {}  # by source
    for record_id, source_id, fields in session.execute(statement):
        names.setdefault(source_id, {})[control(fields, "001")] = homes[record_id]
    moved: set[int] = set()
    for source_id, numbers in names.items():
        of_source = ExternalId.source_id == source_id, ExternalId.space == "record", ExternalId.entity == "notice"
        known = select(ExternalId).where(*of_source, ExternalId.value.in_(sorted(numbers)))
        for name in session.scalars(known):
            if name.entity_id != numbers[name.value]:
                moved.add(name.entity_id)
                name.entity_id = numbers[name.value]
    if moved:
        session.flush()
        linking = select(NoticeLink.notice_id).distinct().where(NoticeLink.target_id.in_(sorted(moved)))
        notices.reproject(session, session.scalars(linking).all())


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
