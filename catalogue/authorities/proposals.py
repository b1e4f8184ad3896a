"""What is proposed about authorities, and what a person decided: nothing here is done by a machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from catalogue import history
from catalogue.authorities import near
from catalogue.authorities.agents import SAID, get_agent, put_agents
from catalogue.models import Agent, Batch, ExternalId, Judgement

# Judgements of two people or bodies: their ends are "agent:12".
ABOUT_AGENTS = (Judgement.left.startswith("agent:"),)

# --- two forms of one name ---------------------------------------------------------------------


def find_near(session: Session, *, among: Iterable[int] = ()) -> list[near.Group]:
    """Agents that may be one, in groups, the surest first; those of which `among` names one, if it names any."""
    wanted = set(among)
    found = near.groups(read_names(session, Agent.status == "accepted"), apart=judged_apart(session))
    return [group for group in found if not wanted or wanted & set(group.ids)]


def read_names(session: Session, where: ColumnElement[bool]) -> Iterator[near.Name]:
    columns = (Agent.id, Agent.type, Agent.name, Agent.variants, Agent.dates, Agent.identifiers, Agent.heading)
    for number, type_, name, variants, dates, identifiers, heading in session.execute(
        select(*columns).where(where).order_by(Agent.id)
    ):
        yield near.Name(number, type_, name, tuple(variants), dates, identifiers, _qualifiers(heading))


def _qualifiers(heading: list[Any]) -> str:
    """What stands beside a name: $c « pape », $d « II »."""
    return " ".join(value for code, value in heading if code in "cd")


def judged_apart(session: Session) -> set[frozenset[int]]:
    statement = select(Judgement.left, Judgement.right).where(
        *ABOUT_AGENTS, Judgement.verdict == "different", Judgement.revoked_at.is_(None)
    )
    return {frozenset(int(end.removeprefix("agent:")) for end in ends) for ends in session.execute(statement)}


# --- what a source says of an agent changed here -------------------------------------------------


def list_waiting(session: Session) -> list[tuple[ExternalId, Agent]]:
    """Agents changed here of which their source has said something else since: kept for a person."""
    statement = (
        select(ExternalId, Agent)
        .join(Agent, Agent.id == ExternalId.entity_id)
        .where(ExternalId.entity == "agent", ExternalId.waits.is_(True))
        .order_by(Agent.sort_key, ExternalId.id)
    )
    return [(known, agent) for known, agent in session.execute(statement)]


def settle(session: Session, known: ExternalId, *, by: str, take_over: bool) -> Batch | None:
    """A person has decided about what a source says of an agent changed here; the lot of what was taken over."""
    batch = None
    if take_over:
        agent, says = get_agent(session, known.entity_id), known.said or {}
        batch = history.open_batch(session, "edit", by=by)
        put_agents(session, [(agent, {name: says[name] for name in SAID if name in says})], batch=batch)
    known.waits = False
    session.flush()
    return batch
