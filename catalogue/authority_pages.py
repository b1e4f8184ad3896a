"""One authority as the desk shows it: who says what of it, what happened to it, what IdRef may add. Read only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from catalogue import authorities, desk_history, differences, history, lots, remembered, undo_plan
from catalogue.authors import AGENT_KINDS, REGISTERS
from catalogue.differences import Difference
from catalogue.i18n import N_, _
from catalogue.models import (
    Agent,
    AgentIdentifier,
    Concept,
    ExternalId,
    Source,
)
from catalogue.text import fold

EVENTS_PER_PAGE = 20
MOST_VARIANTS = 60  # shown of one authority

LABELS = {
    "name": N_("Nom"),
    "dates": N_("Dates"),
    "type": N_("Type"),
    "variants": N_("Autres formes"),
    "identifiers": N_("Identifiants"),
    "note": N_("Note"),
    "status": N_("État"),
    "label": N_("Terme"),
    "scope_note": N_("Note d’application"),
    "labels": N_("Libellés"),
    "relations": N_("Place"),
}
# The lots that were about authorities: an import or a harvest is taken back where all that it did is seen.
OF_AUTHORITIES = ("edit", "rename", "merge", "promote", "retire", "undo")
STATES = {
    "accepted": N_("en usage"),
    "candidate": N_("candidat"),
    "merged": N_("réunie à une autre"),
    "withdrawn": N_("retirée"),
}


# --- who says what -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What a source calls an authority, and what it says otherwise than we do."""

    external_id: int
    source: str
    number: str
    seen_at: datetime
    waits: bool
    otherwise: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Value:
    label: str
    text: str
    address: str  # where an identifier leads
    origin: str


def sayings(session: Session, agent: Agent) -> list[Said]:
    return [
        Said(known.id, name, known.value, known.seen_at, known.waits, tuple(_otherwise(known.said or {}, agent)))
        for known, name in _external_ids(session, "agent", agent.id)
    ]


def values(session: Session, agent: Agent) -> list[Value]:
    """Everything said of a person or body, and by whom."""
    said = [(name, known.said or {}) for known, name in _external_ids(session, "agent", agent.id)]

    def origin(has: Callable[[Mapping[str, Any]], bool]) -> str:
        who = dict.fromkeys(name for name, says in said if has(says))
        return ", ".join(who) or _("écrit ici")

    out = []
    for name in ("name", "dates", "note"):
        if text := getattr(agent, name):
            label = LABELS[name]
            out.append(Value(_(label), text, "", origin(lambda says, k=name, t=text: says.get(k) == t)))  # type: ignore[misc]
    for text in agent.variants[:MOST_VARIANTS]:
        told = origin(lambda says, t=text: t in says.get("variants", ()) or t == says.get("name"))  # type: ignore[misc]
        out.append(Value(_("Autre forme"), text, "", told))
    for scheme, number in agent.identifiers.items():
        told = origin(lambda says, s=scheme, n=number: says.get("identifiers", {}).get(s) == n)  # type: ignore[misc]
        name, address = REGISTERS.get(scheme, (scheme, ""))
        is_number = number.isascii() and number.replace("-", "").isalnum()
        out.append(Value(name, number, address.format(number) if address and is_number else "", told))
    return out


def numbers_of(session: Session, entity: str, number: int) -> list[tuple[str, str]]:
    """(source, what it calls it)."""
    return [(name, known.value) for known, name in _external_ids(session, entity, number)]


def sharing_identifiers(session: Session, agent: Agent) -> list[Agent]:
    """Others that claim one of its numbers: they are one, or one of the numbers is wrong."""
    same = [
        and_(AgentIdentifier.scheme == scheme, AgentIdentifier.value == value)
        for scheme, value in agent.identifiers.items()
    ]
    if not same:
        return []
    claiming = select(AgentIdentifier.agent_id).where(or_(*same))
    others = (Agent.id.in_(claiming), Agent.id != agent.id, Agent.status == "accepted")
    return list(session.scalars(select(Agent).where(*others).order_by(Agent.sort_key, Agent.id).limit(10)))


def _external_ids(session: Session, entity: str, number: int) -> list[tuple[ExternalId, str]]:
    statement = (
        select(ExternalId, Source.name)
        .join(Source, Source.id == ExternalId.source_id)
        .where(ExternalId.entity == entity, ExternalId.entity_id == number)
        .order_by(Source.name, ExternalId.id)
        .limit(50)
    )
    return [(known, name) for known, name in session.execute(statement)]


def _otherwise(says: Mapping[str, Any], agent: Agent) -> Iterable[Difference]:
    now = authorities.snapshot_agent(agent)
    for name in ("name", "dates", "type", "note"):
        if says.get(name) and says[name] != now[name]:
            yield Difference(_(LABELS[name]), differences.words(_words(name, now[name]), _words(name, says[name])))


def labels(session: Session, concept: Concept) -> list[tuple[str, str, str]]:
    """(language, preferred or alternate or hidden, text), the term itself first."""
    order = ("preferred", "alternate", "hidden")
    found = authorities.labels_of(session, [concept.id])[concept.id]
    return sorted(found, key=lambda one: (order.index(one[1]), one[0] != "fr", one[0], fold(one[2])))


def parents(session: Session, concept: Concept) -> list[str]:
    """The labels of what a term stands under."""
    ids = [
        target for type_, target in authorities.relations_of(session, [concept.id])[concept.id] if type_ == "broader"
    ]
    return sorted(known.label for known in authorities.describe_concepts(session, ids).values())


# --- what happened to it -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    lot: int
    words: str
    by: str
    at: datetime
    why: str
    made: bool
    differences: tuple[Difference, ...]
    undoable: bool


def events(session: Session, entity: str, row: Any) -> list[Event]:
    """The last changes of an authority, latest first."""
    out = []
    after = undo_plan.SNAPSHOTS[entity](row)
    found = history.revisions_of(session, entity, row.id)[:EVENTS_PER_PAGE]
    names = _names(session, [after, *(revision.before or {} for revision, _batch in found)])
    for revision, batch in found:
        out.append(
            Event(
                lot=batch.id,
                words=desk_history.lot_words(batch.kind),
                by=batch.by,
                at=batch.at,
                why=batch.why,
                made=revision.before is None,
                differences=tuple(_changes(revision.before, after, names)),
                undoable=batch.kind in OF_AUTHORITIES and not lots.why_not(session, batch),
            )
        )
        after = revision.before or {}
    return out


def _changes(before: Mapping[str, Any] | None, after: Mapping[str, Any], names: Mapping[int, str]) -> list[Difference]:
    if before is None:
        return []
    out = []
    for name, label in LABELS.items():
        old, new = (_words(name, state.get(name), names) for state in (before, after))
        if name in before and old != new:
            out.append(Difference(_(label), differences.shortened(differences.words(old, new))))
    return out


def _words(name: str, value: Any, names: Mapping[int, str] | None = None) -> str:
    if not value:
        return ""
    if name == "variants":
        return " ; ".join(value)
    if name == "identifiers":
        return " ; ".join(f"{REGISTERS[s][0] if s in REGISTERS else s} {v}" for s, v in value.items())
    if name == "labels":
        return " ; ".join(f"{text} ({language})" if language else text for language, _type, text in value)
    if name == "relations":
        told = {"broader": _("sous « %(term)s »"), "related": _("voir aussi « %(term)s »")}
        return " ; ".join(told[type_] % {"term": (names or {}).get(n, n)} for type_, n in value if type_ in told)
    if name == "type":
        return _(AGENT_KINDS[value])
    return _(STATES[value]) if name == "status" else str(value)


def _names(session: Session, states: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """The terms that relations lead to."""
    ids = {target for state in states for _type, target in state.get("relations", ())}
    return {n: known.label for n, known in authorities.describe_concepts(session, ids).items()}


def state_at(session: Session, entity: str, row: Any, version: int) -> Mapping[str, Any] | None:
    """How an authority was when it had this version, as the revision behind it found it."""
    later = [revision for revision, _batch in history.revisions_of(session, entity, row.id)]
    return next((revision.before for revision in reversed(later) if revision.version > version), None)


def last_change(session: Session, entity: str, number: int) -> tuple[str, datetime] | None:
    found = history.revisions_of(session, entity, number)
    return (found[0][1].by, found[0][1].at) if found else None


def find_waiting(session: Session, agent_id: int, external_id: int) -> ExternalId | None:
    """The question that a source asks about an agent, as long as it is open."""
    known = session.get(ExternalId, external_id)
    if known is None or (known.entity, known.entity_id) != ("agent", agent_id) or not known.waits:
        return None
    return known


# --- IdRef -------------------------------------------------------------------------------------


def proposed(agent: Agent, name: str, dates: str) -> dict[str, str]:
    """What IdRef says and we do not: another form, the dates; never instead of what is there."""
    known = {fold(form) for form in (agent.name, *agent.variants)}
    out = {"forme": name} if fold(name) not in known else {}
    return {**out, "dates": dates} if dates and not agent.dates else out


def way_to_idref(session: Session, address: str) -> dict[str, Any]:
    """Where IdRef answers, as the settings of the sources say (`lookup.sources`)."""
    row = remembered.read(session, "lookup.sources", {}).get("idref", {})
    return {"address": row.get("address") or address, "allow_private": bool(row.get("local"))}
