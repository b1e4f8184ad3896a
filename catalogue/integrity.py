"""`travee check`: what is computed agrees with what it is computed from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from catalogue import authorities, callnumber, db, digital, items, notices
from catalogue.identifiers import is_code
from catalogue.models import (
    Agent,
    AgentIdentifier,
    Claim,
    Concept,
    Item,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeIdentifier,
    NoticeLink,
    Proposal,
)
from catalogue.text import sort_key

COLUMNS = ("title", "sort_key", "year", "year_end", "language", "level", "kind", "fingerprint")
# What a fault in these rows is called, and what is written in them.
ROWS: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    NoticeIdentifier: ("identifiers", ("scheme", "value")),
    NoticeAgent: ("agents", ("pos", "role", "name", "promise", "identifier", "agent_id")),
    NoticeConcept: (
        "subjects",
        ("pos", "label", "scheme_id", "concept_id", "free", "promise", "identifier", "agent_id"),
    ),
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
        addresses = digital.addresses_of(session, part)
        for notice in found:
            p = projections[notice.id]
            if digital.differ(addresses[notice.id], p.online):
                yield Fault("notice", notice.address, "documents")
            yield from (Fault("notice", notice.address, n) for n in COLUMNS if getattr(notice, n) != getattr(p, n))
            if not is_code(notice.address):
                yield Fault("notice", notice.address, "address")
            for name, expected, written in compared:
                if expected[notice.id] != written[notice.id]:
                    yield Fault("notice", notice.address, name)
        session.expunge_all()
    yield from _merging_faults(session)
    for code, call_number, call_key in session.execute(select(Item.code, Item.call_number, Item.call_key)):
        if call_key != callnumber.sort_key(call_number):
            yield Fault("item", code, "call_key")
    yield from _authority_faults(session)


def _merging_faults(session: Session) -> Iterator[Fault]:
    """Notices merged into nothing, or that still hold what should have gone along; two questions of one claim."""
    merged = aliased(Notice)
    lost = select(Notice.address).outerjoin(merged, merged.id == Notice.merged_into_id)
    for address in session.scalars(lost.where(Notice.status == "merged", merged.id.is_(None)).order_by(Notice.id)):
        yield Fault("notice", address, "merged_into")
    for table, what in ((Claim, "claims"), (Item, "items")):
        statement = select(Notice.address).distinct().join(table, table.notice_id == Notice.id)
        if table is Claim:
            statement = statement.where(Claim.record_id.is_not(None), Claim.state == "linked")
        for address in session.scalars(statement.where(Notice.status == "merged").order_by(Notice.address)):
            yield Fault("notice", address, what)
    twice = select(Proposal.claim_id).where(Proposal.state == "waiting").group_by(Proposal.claim_id)
    for claim_id in session.scalars(twice.having(func.count() > 1)):
        yield Fault("claim", f"claim:{claim_id}", "proposals")


def _authority_faults(session: Session) -> Iterator[Fault]:
    """Agents whose identifiers or sort key do not say what the agent says, and merges that lead nowhere."""
    for part in db.chunks(session.scalars(select(Agent.id).order_by(Agent.id)).all()):
        written = _written(session, AgentIdentifier, part, ("scheme", "value"), owner="agent_id")
        for agent in session.scalars(select(Agent).where(Agent.id.in_(part)).order_by(Agent.id)):
            expected = _expected(
                authorities.identifier_rows(agent.id, agent.identifiers), ("scheme", "value"), "agent_id"
            )
            if expected[agent.id] != written[agent.id]:
                yield Fault("agent", f"agent:{agent.id}", "identifiers")
            if agent.sort_key != sort_key(agent.name):
                yield Fault("agent", f"agent:{agent.id}", "sort_key")
        session.expunge_all()
    for entity, table in (("agent", Agent), ("concept", Concept)):
        merged = set(session.scalars(select(table.id).where(table.status == "merged")))
        for number in sorted(merged - authorities.survivors(session, table, merged).keys()):
            yield Fault(entity, f"{entity}:{number}", "merged_into")


def repair(session: Session, addresses: set[str]) -> int:
    """Recompute what `faults` named: notices by address, copies by code, agents by number; what was written is
    never touched."""
    n = items.rekey(session, addresses) + authorities.rekey_agents(session, addresses)
    for part in db.chunks(sorted(addresses)):
        ids = session.scalars(select(Notice.id).where(Notice.address.in_(part))).all()
        notices.reproject(session, ids)
        n += len(ids)
    return n


def _expected(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], owner: str = "notice_id") -> Rows:
    out: defaultdict[int, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for row in rows:
        out[row[owner]][tuple(row[name] for name in columns)] += 1
    return out


def _written(
    session: Session, table: type[Any], ids: Sequence[int], columns: Sequence[str], owner: str = "notice_id"
) -> Rows:
    """The rows of these notices (or agents), by notice: one query for all of them."""
    out: defaultdict[int, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    selected = (getattr(table, name) for name in columns)
    of = getattr(table, owner)
    for number, *values in session.execute(select(of, *selected).where(of.in_(ids))):
        out[number][tuple(values)] += 1
    return out
