"""From the numbers that notices carry to the people and concepts they name.

A notice names an authority by its source's number (`promise`: "RECI:author:12") or by what the world calls it
(`identifier`: "idref:027234567", the URI of a concept, "travee:12" for a number of ours). Either leads to one
living row, through merges, or to none: what two rows claim is nobody's. `link_agents` writes the answer beside
the notices, when an authority comes, goes, or becomes another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.entities import AUTHOR, CATEGORY
from catalogue.headings import OURS, Mark
from catalogue.models import Agent, AgentIdentifier, Concept, ExternalId, NoticeAgent, NoticeConcept, Source
from catalogue.promises import find_promised

# What a mark leads to: an id, or None.
Resolve = Callable[[Mark], int | None]
Carrier = type[NoticeAgent] | type[NoticeConcept]


@dataclass(frozen=True, slots=True)
class Names:
    """All that leads to some authorities: promises and identifiers."""

    promises: frozenset[str]
    identifiers: frozenset[str]


def resolve_agents(session: Session, marks: Iterable[Mark]) -> Resolve:
    marks = set(marks)
    named = find_promised(session, "agent", {m.promise for m in marks if m.promise}, AUTHOR)
    return _resolve(session, Agent, named, _identified_agents(session, {m.identifier for m in marks if m.identifier}))


def resolve_concepts(session: Session, marks: Iterable[Mark]) -> Resolve:
    marks = set(marks)
    named = find_promised(session, "concept", {m.promise for m in marks if m.promise}, CATEGORY)
    known = _identified_concepts(session, {m.identifier for m in marks if m.identifier})
    return _resolve(session, Concept, named, known)


_STATES = {
    model: select(table.c.id, table.c.status, table.c.merged_into_id).where(db.among(table.c.id))
    for model in (Agent, Concept)
    for table in (db.table_of(model),)
}


def survivors(session: Session, table: type[Any], ids: Iterable[int]) -> dict[int, int]:
    """Each of these rows -> the accepted one that answers for it now; withdrawn ones answer for nothing."""
    out: dict[int, int] = {}
    at = {number: number for number in ids}
    session.flush()
    for _hop in range(20):  # a chain of merges; a circle, which no function here makes, ends too
        if not at:
            break
        rows: dict[int, tuple[str, int | None]] = {}
        for part in db.chunks(sorted(set(at.values()))):
            found = session.execute(_STATES[table], {"part": part})
            rows |= {number: (status, into) for number, status, into in found}
        out |= {asked: now for asked, now in at.items() if rows.get(now, ("",))[0] == "accepted"}
        merged = {asked: rows[now][1] for asked, now in at.items() if rows.get(now, ("",))[0] == "merged"}
        at = {asked: into for asked, into in merged.items() if into is not None}
    return out


def names_of(session: Session, table: type[Any], ids: Iterable[int]) -> Names:
    """By what notices may name these rows, or rows that were merged into them."""
    entity, space = ("agent", AUTHOR) if table is Agent else ("concept", CATEGORY)
    family = with_merged(session, table, ids)
    promises: set[str] = set()
    identifiers = {f"{OURS}:{number}" for number in family}
    for part in db.chunks(sorted(family)):
        numbered = (
            select(Source.name, ExternalId.value)
            .join(Source, Source.id == ExternalId.source_id)
            .where(ExternalId.entity == entity, ExternalId.entity_id.in_(part), ExternalId.space == space)
        )
        promises |= {f"{source}:{space}:{value}" for source, value in session.execute(numbered)}
        if table is Agent:
            statement = select(AgentIdentifier.scheme, AgentIdentifier.value).where(AgentIdentifier.agent_id.in_(part))
            identifiers |= {f"{scheme}:{value}" for scheme, value in session.execute(statement)}
        else:
            addresses = select(Concept.uri).where(Concept.id.in_(part), Concept.uri != "")
            identifiers |= set(session.scalars(addresses))
    return Names(frozenset(promises), frozenset(identifiers))


def with_merged(session: Session, table: type[Any], ids: Iterable[int]) -> set[int]:
    """These rows and all that were merged into them."""
    out: set[int] = set()
    found = set(ids)
    while found:
        out |= found
        below: set[int] = set()
        for part in db.chunks(sorted(found)):
            below |= set(session.scalars(select(table.id).where(table.merged_into_id.in_(part))))
        found = below - out
    return out


def link_agents(session: Session, ids: Iterable[int], *, also: Names | None = None) -> int:
    """Point the notices that name these agents to whoever answers for them now; returns how many lines changed.

    `also`: names that these agents no longer have.
    """
    ids = set(ids)
    names = names_of(session, Agent, ids)
    if also:
        names = Names(names.promises | also.promises, names.identifiers | also.identifiers)
    return _link(session, ids, names)


def link_new_agents(
    session: Session, source: str, numbers: Iterable[str], identifiers: Iterable[Mapping[str, str]]
) -> int:
    """The same for agents that a source has just named: its numbers for them, and their idref, bnf…"""
    known = frozenset(f"{scheme}:{value}" for several in identifiers for scheme, value in several.items())
    promises = frozenset(f"{source}:{AUTHOR}:{number}" for number in numbers)
    return _link(session, (), Names(promises, known)) if promises or known else 0


def _link(session: Session, ids: Iterable[int], names: Names) -> int:
    changed = 0
    tables: tuple[Carrier, ...] = (NoticeAgent, NoticeConcept)
    for table in tables:
        lines: dict[int, tuple[Mark, int | None]] = {}
        for where in _wheres(table, ids, names):
            statement = select(table.id, table.promise, table.identifier, table.agent_id).where(where)
            for number, promise, identifier, agent_id in session.execute(statement):
                lines[number] = Mark(promise or "", identifier or ""), agent_id
        resolve = resolve_agents(session, (mark for mark, _agent in lines.values()))
        moved = [
            {"id": number, "agent_id": now}
            for number, (mark, before) in sorted(lines.items())
            if (now := resolve(mark)) != before
        ]
        if moved:
            session.execute(update(table), moved)
        changed += len(moved)
    return changed


def _wheres(table: Carrier, ids: Iterable[int], names: Names) -> Iterator[ColumnElement[bool]]:
    yield from (table.agent_id.in_(part) for part in db.chunks(sorted(ids)))
    yield from (table.promise.in_(part) for part in db.chunks(sorted(names.promises)))
    yield from (table.identifier.in_(part) for part in db.chunks(sorted(names.identifiers)))


def notices_naming(session: Session, table: type[Any], ids: Iterable[int]) -> set[int]:
    """The notices whose lines lead to these agents or concepts."""
    return set().union(*carriers_of(session, table, ids).values())


def carriers_of(session: Session, table: type[Any], ids: Iterable[int]) -> dict[int, set[int]]:
    """Agent or concept -> the notices whose lines lead to it, of whatever status."""
    out: dict[int, set[int]] = {}
    columns: tuple[tuple[Any, Any], ...] = ((NoticeConcept.concept_id, NoticeConcept.notice_id),)
    if table is Agent:
        columns = ((NoticeAgent.agent_id, NoticeAgent.notice_id), (NoticeConcept.agent_id, NoticeConcept.notice_id))
    for part in db.chunks(sorted(set(ids))):
        for column, notice_id in columns:
            for number, carrier in session.execute(select(column, notice_id).where(column.in_(part))):
                out.setdefault(number, set()).add(carrier)
    return out


# --- the parts -------------------------------------------------------------------------------


def _resolve(session: Session, table: type[Any], named: Mapping[str, int], known: Iterable[tuple[str, int]]) -> Resolve:
    """`named`: by their sources' numbers; `known`: by identifiers, each with every row that claims it."""
    known = list(known)
    now = survivors(session, table, {*named.values(), *(number for _identifier, number in known)})
    claimed: dict[str, set[int]] = {}
    for identifier, number in known:
        if number in now:
            claimed.setdefault(identifier, set()).add(now[number])

    def resolve(mark: Mark) -> int | None:
        found = now.get(named.get(mark.promise, 0))
        if found is not None:
            return found
        several = claimed.get(mark.identifier, ())
        return next(iter(several)) if len(several) == 1 else None  # two that claim the same: a person decides

    return resolve


def _identified_agents(session: Session, identifiers: Iterable[str]) -> Iterator[tuple[str, int]]:
    ours, theirs = _split(identifiers)
    yield from ours.items()
    by_scheme: dict[str, list[str]] = {}
    for identifier in theirs:
        scheme, _colon, value = identifier.partition(":")
        by_scheme.setdefault(scheme, []).append(value)
    for scheme, values in by_scheme.items():
        for part in db.chunks(sorted(values)):
            statement = (
                select(AgentIdentifier.value, AgentIdentifier.agent_id)
                .join(Agent, Agent.id == AgentIdentifier.agent_id)
                .where(AgentIdentifier.scheme == scheme, AgentIdentifier.value.in_(part), Agent.status != "withdrawn")
            )
            yield from ((f"{scheme}:{value}", number) for value, number in session.execute(statement))


def _identified_concepts(session: Session, identifiers: Iterable[str]) -> Iterator[tuple[str, int]]:
    ours, theirs = _split(identifiers)
    yield from ours.items()
    for part in db.chunks(sorted(theirs)):
        statement = select(Concept.uri, Concept.id).where(Concept.uri.in_(part), Concept.status != "withdrawn")
        yield from ((uri, number) for uri, number in session.execute(statement))


def _split(identifiers: Iterable[str]) -> tuple[dict[str, int], set[str]]:
    """Our own numbers, and what others say."""
    identifiers = set(identifiers)
    ours = {i: int(i.removeprefix(f"{OURS}:")) for i in identifiers if i.startswith(f"{OURS}:")}
    return ours, identifiers - set(ours)
