"""`travee check`: what is computed agrees with what it is computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import callnumber, db, notices
from catalogue.identifiers import is_code
from catalogue.models import Item, Notice, NoticeAgent, NoticeConcept, NoticeIdentifier
from catalogue.projection import project

COLUMNS = ("title", "sort_key", "year", "year_end", "language", "level", "kind", "fingerprint")


@dataclass(frozen=True, slots=True)
class Fault:
    entity: str
    address: str
    what: str


def faults(session: Session) -> Iterator[Fault]:
    """Every notice and copy whose columns or rows do not say what its own data say."""
    for part in db.chunks(session.scalars(select(Notice.id).order_by(Notice.id)).all()):
        found = session.scalars(select(Notice).where(Notice.id.in_(part)).order_by(Notice.id)).all()
        identifiers = _gathered(session, part, NoticeIdentifier.scheme, NoticeIdentifier.value)
        agents = _gathered(session, part, NoticeAgent.role, NoticeAgent.name)
        subjects = _gathered(session, part, NoticeConcept.free)
        for notice in found:
            p = project(notice.fields)
            yield from (Fault("notice", notice.address, n) for n in COLUMNS if getattr(notice, n) != getattr(p, n))
            if not is_code(notice.address):
                yield Fault("notice", notice.address, "address")
            if identifiers[notice.id] != sorted(p.identifiers):
                yield Fault("notice", notice.address, "identifiers")
            if agents[notice.id] != sorted((a.role, a.name) for a in p.agents):
                yield Fault("notice", notice.address, "agents")
            if subjects[notice.id] != sorted((s.scheme == "free",) for s in p.subjects):
                yield Fault("notice", notice.address, "subjects")
        session.expunge_all()
    for code, call_number, call_key in session.execute(select(Item.code, Item.call_number, Item.call_key)):
        if call_key != callnumber.sort_key(call_number):
            yield Fault("item", code, "call_key")


def repair(session: Session, addresses: set[str]) -> int:
    """Recompute what `faults` named; the fields themselves are never touched."""
    ids = list(session.scalars(select(Notice.id).where(Notice.address.in_(addresses))))
    notices.reproject(session, ids)
    return len(ids)


def _gathered(session: Session, ids: list[int], *columns: Any) -> defaultdict[int, list[tuple[Any, ...]]]:
    """The rows of these notices, sorted, by notice: one query for all of them."""
    table = columns[0].class_
    out: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for notice_id, *values in session.execute(select(table.notice_id, *columns).where(table.notice_id.in_(ids))):
        out[notice_id].append(tuple(values))
    for rows in out.values():
        rows.sort()
    return out
