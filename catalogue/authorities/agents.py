"""People, families, bodies and meetings: taken in from a source, shown, changed, put back.

What a source said of an agent last time is kept (`ExternalId.said`), so that its next word is compared with
that: what it says anew is taken over where nobody changed it here, and waits for a person where somebody did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlalchemy.orm import Session

from catalogue import db, headings, history
from catalogue.authorities import links
from catalogue.entities import AUTHOR, AgentRow
from catalogue.headings import make_heading
from catalogue.history import Change
from catalogue.models import Agent, AgentIdentifier, Batch, ExternalId, Source
from catalogue.text import fold, sort_key
from catalogue.unimarc import Field, Fields

# What a source and we can differ about, each decided on its own.
SAID = ("type", "name", "heading", "dates", "note")
HEADING = "heading"  # who described the agent, when no authority record did
_COLUMNS = (*SAID, "status", "variants", "identifiers", "merged_into_id")


class Stale(Exception):
    """Somebody changed the authority meanwhile: `row` is how it stands now."""

    def __init__(self, row: Any) -> None:
        super().__init__(f"authority {row.id} is now at version {row.version}")
        self.row = row


@dataclass(slots=True)
class Taken:
    """What became of the authorities of a file: created + joined + updated + unchanged = those given."""

    created: int = 0
    joined: int = 0  # known from elsewhere under the same identifier
    updated: int = 0
    unchanged: int = 0
    waiting: int = 0  # among the updated: something was changed here, and the source now says otherwise
    ids: list[int] = field(default_factory=list)  # touched

    @property
    def read(self) -> int:
        return self.created + self.joined + self.updated + self.unchanged


# --- finding ---------------------------------------------------------------------------------


def get_agent(session: Session, agent_id: int) -> Agent:
    agent = session.get(Agent, agent_id)
    if agent is None:
        raise LookupError(f"no agent {agent_id}")
    return agent


def list_agents(session: Session, beginning: str = "", *, limit: int = 50, offset: int = 0) -> list[Agent]:
    """Living agents in the order of their names, from those that begin so."""
    statement = select(Agent).where(Agent.status == "accepted").order_by(Agent.sort_key, Agent.id)
    if key := fold(beginning):
        statement = statement.where(Agent.sort_key >= key, Agent.sort_key < key + "~")
    return list(session.scalars(statement.limit(limit).offset(offset)))


# --- changing --------------------------------------------------------------------------------


def snapshot_agent(agent: Agent) -> dict[str, Any]:
    """What a revision keeps: everything that is not computed."""
    return {name: getattr(agent, name) for name in _COLUMNS}


def put_agents(session: Session, rows: Sequence[tuple[Agent, Mapping[str, Any]]], *, batch: Batch) -> list[Agent]:
    """Give agents these values, in a lot; returns those that changed. Names are computed and notices linked anew."""
    gone = links.names_of(session, Agent, [agent.id for agent, _values in rows])
    changed: list[Agent] = []
    changes: list[Change] = []
    for agent, values in rows:
        before = snapshot_agent(agent)
        if all(before[name] == value for name, value in values.items()):
            continue
        for name, value in values.items():
            setattr(agent, name, value)
        agent.sort_key = sort_key(agent.name)
        agent.version += 1
        changed.append(agent)
        changes.append(Change("agent", agent.id, agent.version, before))
    session.flush()
    history.record(session, batch, changes)
    ids = [agent.id for agent in changed]
    _write_identifiers(session, changed)
    links.link_agents(session, ids, also=gone)
    return changed


def restore_agents(session: Session, rows: Sequence[tuple[Agent, Mapping[str, Any] | None]], *, batch: Batch) -> None:
    """Put agents back as a revision found them; those that the lot made are withdrawn: notices keep their text."""
    put_agents(session, [(agent, {"status": "withdrawn"} if b is None else b) for agent, b in rows], batch=batch)


def rekey_agents(session: Session, addresses: Iterable[str]) -> int:
    """Recompute what agents are sorted on and found by, from what they say ("agent:12"); no revision."""
    ids = [int(a.removeprefix("agent:")) for a in addresses if a.startswith("agent:")]
    found = list(_load(session, ids).values())
    for agent in found:
        agent.sort_key = sort_key(agent.name)
    session.flush()
    _write_identifiers(session, found)
    links.link_agents(session, ids)
    return len(found)


def create_agents(session: Session, rows: Sequence[AgentRow], *, batch: Batch) -> list[Agent]:
    ids = _insert(session, rows, batch)
    found = _load(session, ids)
    return [found[agent_id] for agent_id in ids]


def _insert(session: Session, rows: Sequence[AgentRow], batch: Batch) -> list[int]:
    """New agents in bulk, past the unit of work: an import makes thousands."""
    values = [
        {
            "type": row.type,
            "name": row.name,
            "heading": _heading(row),
            "sort_key": sort_key(row.name),
            "variants": list(row.variants),
            "dates": row.dates,
            "identifiers": dict(row.identifiers),
            "note": row.note,
        }
        for row in rows
    ]
    ids = db.insert_numbered(session, Agent, values)
    history.record(session, batch, [Change("agent", agent_id, 1, None) for agent_id in ids])
    named = zip(ids, rows, strict=True)
    db.insert_rows(
        session, AgentIdentifier, [r for agent_id, row in named for r in identifier_rows(agent_id, row.identifiers)]
    )
    return ids


# --- taking in -------------------------------------------------------------------------------


def take_in_agents(
    session: Session, source: Source, rows: Iterable[AgentRow], *, batch: Callable[[], Batch], described: bool = True
) -> Taken:
    """Agents as a source gives them: known ones by their number, or by an identifier that one living agent has.

    `described` is False for agents of which only the notices' headings tell (see `take_in_headings`).
    `batch` gives the lot, opened when something changes.
    """
    history.take(session, "change", 0)
    taken = Taken()
    rows = list(rows)
    by_number = {_number(row): row for row in rows}  # a number twice in one page: its last word counts
    taken.unchanged = len(rows) - len(by_number)
    known = _known(session, source, by_number)
    agents = _load(session, (k.entity_id for k in known.values()))
    fresh = {number: row for number, row in by_number.items() if number not in known}
    twins = _find_twins(session, source, fresh)
    changes: list[tuple[Agent, Mapping[str, Any]]] = []
    for number, ext in known.items():
        row, agent = by_number[number], agents[ext.entity_id]
        base, says = ext.said or {}, _said(row, described)
        values: dict[str, Any]
        if base == says and agent.status != "withdrawn":
            taken.unchanged += 1
            continue
        if not described and base.get("by") != HEADING:  # withdrawn, and named again: what was said of it stays
            values, waits = {"status": "accepted"}, False
        else:
            values, waits = _merge(agent, base, says)
            ext.said, ext.seen_at, ext.waits = says, db.now(), ext.waits or waits
        if values or waits:
            taken.updated += 1
            taken.waiting += waits
            changes.append((agent, values))
        else:
            taken.unchanged += 1
    for number, agent in twins.items():
        taken.joined += 1
        changes.append((agent, _joined(agent, fresh[number])))
    if any(values for _agent, values in changes):
        taken.ids += [a.id for a in put_agents(session, [c for c in changes if c[1]], batch=batch())]
    named = {number: agent.id for number, agent in twins.items()}
    new = {number: row for number, row in fresh.items() if number not in twins}
    if new:
        named |= dict(zip(new, _insert(session, list(new.values()), batch()), strict=True))
        taken.created += len(new)
    _name(session, source, {number: (n, _said(by_number[number], described)) for number, n in named.items()})
    taken.ids += named.values()
    if named:
        # An agent made of a heading is made with the first notice that has its number: none was waiting for that.
        waited_for = named if described else ()
        links.link_new_agents(session, source.name, waited_for, (by_number[number].identifiers for number in named))
    if described:
        _follow_references(session, source, by_number, batch)
    return taken


def take_in_headings(
    session: Session, source: Source, records: Iterable[Fields], *, batch: Callable[[], Batch]
) -> Taken:
    """Agents that a source has numbered in its records, made of the records' own headings.

    Only for numbers of which nothing is known yet: what an authority record said is richer, and two records may
    write one name differently.
    """
    fields: dict[str, Field] = {}
    for record in records:
        for number, f in headings.numbered(record):
            fields.setdefault(number, f)
    living = _living_numbers(session, source, fields)
    found = (headings.describe(f, number) for number, f in fields.items() if number not in living)
    fresh = [row for row in found if row is not None]
    return take_in_agents(session, source, fresh, batch=batch, described=False) if fresh else Taken()


def _number(row: AgentRow) -> str:
    """What the source calls it; a source without numbers is known by the name and the dates it writes."""
    return row.number or f"{row.type}:{fold(row.name)}:{fold(row.dates)}"


def _heading(row: AgentRow) -> list[list[str]]:
    return [list(pair) for pair in row.heading or make_heading(row.type, row.name, row.dates)]


def _said(row: AgentRow, described: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": row.type,
        "name": row.name,
        "heading": _heading(row),
        "dates": row.dates,
        "note": row.note,
        "variants": list(row.variants),
        "identifiers": dict(row.identifiers),
    }
    if row.see:
        said["see"] = row.see
    if row.fields:
        said["fields"] = [dict(f) for f in row.fields]
    return said if described else {**said, "by": HEADING}


def _merge(agent: Agent, base: Mapping[str, Any], says: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """What changes in the agent, and whether something waits: three-way, value by value."""
    now = snapshot_agent(agent)
    values: dict[str, Any] = {}
    waits = False
    if agent.status == "withdrawn":
        values["status"] = "accepted"
    for name in SAID:
        if says[name] == base.get(name) or says[name] == now[name]:
            continue
        if now[name] == base.get(name) or not now[name]:
            values[name] = says[name]
        else:
            waits = waits or bool(says[name])
    if values.get("name", now["name"]) != says["name"]:  # its heading goes with the name
        values.pop("heading", None)
    had = base.get("variants", ())  # of these, what is not there any more was taken out here
    variants = [v for v in now["variants"] if v in says["variants"] or v not in had]
    known = {*had, *variants, values.get("name", now["name"])}
    variants += [v for v in dict.fromkeys(says["variants"]) if v not in known]
    if variants != now["variants"]:
        values["variants"] = variants
    identifiers = dict(now["identifiers"])
    for scheme in {*base.get("identifiers", {}), *says["identifiers"]}:
        if identifiers.get(scheme) == base.get("identifiers", {}).get(scheme):
            identifiers[scheme] = says["identifiers"].get(scheme, "")
    identifiers = {scheme: value for scheme, value in identifiers.items() if value}
    if identifiers != now["identifiers"]:
        values["identifiers"] = identifiers
    return values, waits


def _joined(agent: Agent, row: AgentRow) -> dict[str, Any]:
    """What a second source adds to an agent we have: other forms, other identifiers, what was empty."""
    values: dict[str, Any] = {}
    names = (row.name, *row.variants)
    forms = [v for v in dict.fromkeys(names) if v != agent.name and v not in agent.variants]
    if forms:
        values["variants"] = [*agent.variants, *forms]
    more = {scheme: value for scheme, value in row.identifiers.items() if scheme not in agent.identifiers}
    if more:
        values["identifiers"] = {**agent.identifiers, **more}
    for name in ("dates", "note"):
        if (said := getattr(row, name)) and not getattr(agent, name):
            values[name] = said
    return values


def _known(session: Session, source: Source, numbers: Iterable[str]) -> dict[str, ExternalId]:
    out: dict[str, ExternalId] = {}
    for part in db.chunks(sorted(numbers)):
        statement = select(ExternalId).where(*_of(source), ExternalId.value.in_(part))
        out |= {known.value: known for known in session.scalars(statement)}
    return out


_IDS, _AGENTS = db.table_of(ExternalId), db.table_of(Agent)
_LIVING = (
    select(_IDS.c.value)
    .join(_AGENTS, _AGENTS.c.id == _IDS.c.entity_id)
    .where(_IDS.c.source_id == bindparam("source"), _IDS.c.space == AUTHOR, _IDS.c.entity == "agent")
    .where(db.among(_IDS.c.value), _AGENTS.c.status != "withdrawn")
)


def _living_numbers(session: Session, source: Source, numbers: Iterable[str]) -> set[str]:
    """Those that lead to an agent which no undo has taken back."""
    out: set[str] = set()
    session.flush()
    for part in db.chunks(sorted(numbers)):
        out |= set(session.scalars(_LIVING, {"source": source.id, "part": part}))
    return out


def _of(source: Source) -> tuple[ColumnElement[bool], ...]:
    return ExternalId.source_id == source.id, ExternalId.space == AUTHOR, ExternalId.entity == "agent"


def _load(session: Session, ids: Iterable[int]) -> dict[int, Agent]:
    return {a.id: a for part in db.chunks(set(ids)) for a in session.scalars(select(Agent).where(Agent.id.in_(part)))}


def _find_twins(session: Session, source: Source, rows: Mapping[str, AgentRow]) -> dict[str, Agent]:
    """Agents we have from elsewhere: one living agent of the same type has this identifier, and this source no
    number for it yet (two authorities of one base are two, whatever identifiers they share)."""
    marks = {
        number: [links.Mark("", f"{scheme}:{value}") for scheme, value in row.identifiers.items()]
        for number, row in rows.items()
    }
    resolve = links.resolve_agents(session, (mark for several in marks.values() for mark in several))
    found = {number: {n for mark in several if (n := resolve(mark))} for number, several in marks.items()}
    agents = _load(session, {n for several in found.values() for n in several})
    taken: set[int] = set()
    for part in db.chunks(sorted(agents)):
        statement = select(ExternalId.entity_id).where(*_of(source), ExternalId.entity_id.in_(part))
        taken |= set(session.scalars(statement))
    out: dict[str, Agent] = {}
    for number, several in found.items():
        agent = agents[next(iter(several))] if len(several) == 1 else None
        if agent is not None and agent.id not in taken and agent.type == rows[number].type:
            out[number] = agent
            taken.add(agent.id)
    return out


def _name(session: Session, source: Source, named: Mapping[str, tuple[int, Mapping[str, Any]]]) -> None:
    """Remember what the source calls these agents, and what it said of them."""
    at = db.now()
    db.insert_or_update(
        session,
        ExternalId,
        [
            {
                "source_id": source.id,
                "space": AUTHOR,
                "value": number,
                "entity": "agent",
                "entity_id": agent_id,
                "seen_at": at,
                "said": said,
                "waits": False,
            }
            for number, (agent_id, said) in named.items()
        ],
        key=["source_id", "space", "value"],
        update=["entity", "entity_id", "seen_at", "said", "waits"],
    )


def _follow_references(
    session: Session, source: Source, rows: Mapping[str, AgentRow], batch: Callable[[], Batch]
) -> None:
    """Forms that their source tells to replace by another (« voir ») are merged into it, once both are here."""
    see = {number: row.see for number, row in rows.items() if row.see}
    told = ExternalId.said["see"].as_string()
    for part in db.chunks(sorted(rows)):
        statement = select(ExternalId.value, told).where(*_of(source), told.in_(part))
        see |= {number: target for number, target in session.execute(statement)}
    if not see:
        return
    known = _known(session, source, {*see, *see.values()})
    agents = _load(session, (k.entity_id for k in known.values()))
    into: dict[int, int] = {}
    for number, instead in sorted(see.items()):
        form, kept = known.get(number), known.get(instead)
        if form is None or kept is None:
            continue
        end = kept.entity_id
        while end in into:
            end = into[end]
        if end != form.entity_id and agents[form.entity_id].status == agents[kept.entity_id].status == "accepted":
            into[form.entity_id] = kept.entity_id
    values: dict[int, dict[str, Any]] = {}
    for target in dict.fromkeys(into.values()):
        values[target] = with_forms_of(agents[target], [agents[n] for n, t in into.items() if t == target])
    for form_id, target in into.items():
        values.setdefault(form_id, {}).update(status="merged", merged_into_id=target)
    if values:
        put_agents(session, [(agents[n], changed) for n, changed in values.items()], batch=batch())


def with_forms_of(agent: Agent, others: Sequence[Agent]) -> dict[str, Any]:
    """The values of an agent that answers for others too: their names as variants, the identifiers it lacked."""
    variants = dict.fromkeys(agent.variants)
    identifiers = dict(agent.identifiers)
    for other in others:
        variants |= dict.fromkeys((other.name, *other.variants))
        identifiers = {**other.identifiers, **identifiers}
    variants.pop(agent.name, None)
    dates = agent.dates or next((other.dates for other in others if other.dates), "")
    return {"variants": list(variants), "identifiers": identifiers, "dates": dates}


def _write_identifiers(session: Session, agents: Sequence[Agent]) -> None:
    for part in db.chunks(agent.id for agent in agents):
        session.execute(delete(AgentIdentifier).where(AgentIdentifier.agent_id.in_(part)))
    rows = [row for agent in agents for row in identifier_rows(agent.id, agent.identifiers)]
    db.insert_rows(session, AgentIdentifier, rows)


def identifier_rows(agent_id: int, identifiers: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows that should stand beside an agent; `travee check` compares with them."""
    return [{"agent_id": agent_id, "scheme": scheme, "value": value} for scheme, value in sorted(identifiers.items())]
