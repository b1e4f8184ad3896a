"""`travee check`: what is computed agrees with what it is computed from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import callnumber, db, items, notices
from catalogue.identifiers import is_code
from catalogue.models import Item, Notice, NoticeAgent, NoticeConcept, NoticeIdentifier, NoticeLink

COLUMNS = ("title", "sort_key", "year", "year_end", "language", "level", "kind", "fingerprint")
# What a fault in these rows is called, and what is written in them.
ROWS: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    NoticeIdentifier: ("identifiers", ("scheme", "value")),
    NoticeAgent: ("agents", ("pos", "role", "name")),
    NoticeConcept: ("subjects", ("pos", "label", "scheme_id", "concept_id", "free")),
    NoticeLink: ("links", ("relation", "promise", "target_id")),
}
Rows = Mapping[int, Counter[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Fault:
    entity: str
    address: str
    what: str


def faults(session: Session) -> Iterator[Fault]:
    """Every notice and copy whose columns or rows do not say what its own data say."""
    for part in db.chunks(session.scalars(select(Notice.id).order_by(Notice.id)).all()):
        found = session.scalars(select(Notice).where(Notice.id.in_(part)).order_by(Notice.id)).all()
        projections = notices.projected(session, found)
        wanted = notices.rows_of(session, projections)
        compared = [
            (name, _expected(wanted[table], columns), _written(session, table, part, columns))
            for table, (name, columns) in ROWS.items()
        ]
        for notice in found:
            p = projections[notice.id]
            yield from (Fault("notice", notice.address, n) for n in COLUMNS if getattr(notice, n) != getattr(p, n))
            if not is_code(notice.address):
                yield Fault("notice", notice.address, "address")
            for name, expected, written in compared:
                if expected[notice.id] != written[notice.id]:
                    yield Fault("notice", notice.address, name)
        session.expunge_all()
    for code, call_number, call_key in session.execute(select(Item.code, Item.call_number, Item.call_key)):
        if call_key != callnumber.sort_key(call_number):
            yield Fault("item", code, "call_key")


def repair(session: Session, addresses: set[str]) -> int:
    """Recompute what `faults` named, notices by address and copies by code; what was written is never touched."""
    n = items.rekey(session, addresses)
    for part in db.chunks(sorted(addresses)):
        ids = session.scalars(select(Notice.id).where(Notice.address.in_(part))).all()
        notices.reproject(session, ids)
        n += len(ids)
    return n


def _expected(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Rows:
    out: defaultdict[int, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for row in rows:
        out[row["notice_id"]][tuple(row[name] for name in columns)] += 1
    return out


def _written(session: Session, table: type[Any], ids: Sequence[int], columns: Sequence[str]) -> Rows:
    """The rows of these notices, by notice: one query for all of them."""
    out: defaultdict[int, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    selected = (getattr(table, name) for name in columns)
    for notice_id, *values in session.execute(select(table.notice_id, *selected).where(table.notice_id.in_(ids))):
        out[notice_id][tuple(values)] += 1
    return out
