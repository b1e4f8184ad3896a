"""Forms that may be one person or one body, as a person decides about them: shown with what tells them apart, counted
before, brought together or told apart in one lot.

The groups come from `authorities.NameBook` (or are made by hand, any numbers); the screens of authorities and those of
the clean-up days both show them with `show_groups` and settle them with `apply_group` and `keep_apart`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, db, history, judgements, renaming
from catalogue.authorities import Group, Stale
from catalogue.i18n import _
from catalogue.models import Agent, Batch, ExternalId, Notice, Source
from catalogue.renaming import Done, Versions
from catalogue.text import fold, plain_text

MEMBERS_PER_PAGE = 30
EXAMPLES = 3
MOST_SOURCES = 3  # shown of one form
LONGEST_NAME = 500  # signs
LARGEST_CHOICE = 300  # forms found by a search that are counted


@dataclass(frozen=True, slots=True)
class Member:
    """One form: how often it is used, and where."""

    id: int
    version: int
    type: str
    name: str
    dates: str
    identifiers: Mapping[str, str]
    notices: int
    examples: tuple[tuple[str, str], ...] = ()  # (address, title)
    sources: tuple[str, ...] = ()  # who names it

    @property
    def known(self) -> str:
        """« connue de RECI »."""
        return _("connue de %(sources)s") % {"sources": ", ".join(self.sources)} if self.sources else ""


@dataclass(frozen=True, slots=True)
class ShownGroup:
    key: str  # the same group has the same key at the next look
    members: tuple[Member, ...]  # the most used first
    reasons: tuple[str, ...]
    name: str  # the form proposed for all
    notices: int  # that would change if all were brought together under it

    @property
    def is_of_one_name(self) -> bool:
        """Two of them are written alike: a title tells them apart, at once."""
        return len({fold(member.name) for member in self.members}) < len(self.members)


def key_of(ids: Iterable[int]) -> str:
    return "-".join(str(number) for number in sorted(set(ids)))


def pages(groups: Sequence[Group]) -> list[list[Group]]:
    """Groups by pages of some thirty members, in their order."""
    out: list[list[Group]] = [[]]
    for group in groups:
        if out[-1] and sum(len(g.ids) for g in out[-1]) + len(group.ids) > MEMBERS_PER_PAGE:
            out.append([])
        out[-1].append(group)
    return out if out[0] else []


def show_groups(session: Session, groups: Sequence[Group]) -> list[ShownGroup]:
    """These groups as they stand now, in a few queries; a group of which one member is left is none any more."""
    ids = {number for group in groups for number in group.ids}
    agents = {agent.id: agent for agent in _living(session, ids)}
    carriers = _carriers(session, agents)
    titles = _titles(session, {n for found in carriers.values() for n in sorted(found)[-EXAMPLES:]})
    named = _named(session, agents)
    out = []
    for group in groups:
        members = [_member(agents[number], carriers, titles, named) for number in group.ids if number in agents]
        if len(members) < 2:
            continue
        members.sort(key=lambda member: -member.notices)  # of as many, the fullest first
        name = _proposed(members)
        kept = kept_of([agents[member.id] for member in members], name)
        out.append(
            ShownGroup(
                key=key_of(group.ids),
                members=tuple(members),
                reasons=tuple(dict.fromkeys(near.sentence() for near in group.reasons)),
                name=name,
                notices=len(_changed(carriers, [member.id for member in members], kept, name)),
            )
        )
    return out


def foresee(session: Session, ids: Sequence[int], name: str) -> int:
    """How many notices would change if these were brought together under this form."""
    agents = _living(session, ids)
    if not agents:
        return 0
    name = _form(name) or agents[0].name
    return len(_changed(_carriers(session, ids), [a.id for a in agents], kept_of(agents, name), name))


def apply_group(session: Session, ids: Sequence[int], name: str, *, by: str, expected: Versions | None = None) -> Done:
    """Replace these forms by this one, in every notice, in one lot.

    Raises `Stale` when one of them is no longer as it was shown, ValueError for less than two of them or no form.
    """
    history.take(session, "change", 0)
    agents = [authorities.get_agent(session, number) for number in dict.fromkeys(ids)]
    for agent in agents:
        session.refresh(agent)
        if agent.status != "accepted":
            raise Stale(agent)
    name = _form(name)
    if len(agents) < 2 or not name:
        raise ValueError("a group has two forms, and a form to keep")
    kept = kept_of(agents, name)
    return renaming.merge_agents(session, kept, agents, by=by, name=name, expected=expected)


def keep_apart(session: Session, ids: Sequence[int], *, by: str) -> Batch | None:
    """A person says that none of these is another: they are not proposed together any more. One lot."""
    history.take(session, "change", 0)
    agents = _living(session, ids)
    apart = authorities.judged_apart(session)
    pairs = [p for p in combinations(sorted(a.id for a in agents), 2) if frozenset(p) not in apart]
    if not pairs:
        return None
    batch = history.open_batch(session, "judge", by=by, why=" ≠ ".join(agent.name for agent in agents[:4]))
    for one, other in pairs:
        judgements.judge(session, f"agent:{one}", f"agent:{other}", "different", by=by, batch=batch)
    return batch


def others(session: Session, agent: Agent, ids: Iterable[int], most: int) -> list[Member]:
    """Forms of the same kind as this one, to choose among: the most used first."""
    found = [other for other in _living(session, sorted(set(ids))) if other.id != agent.id and other.type == agent.type]
    carriers = _carriers(session, [other.id for other in found[:LARGEST_CHOICE]])
    members = [_member(other, carriers, {}, {}) for other in found[:LARGEST_CHOICE]]
    return sorted(members, key=lambda member: (-member.notices, member.name))[:most]


def kept_of(agents: Sequence[Agent], name: str) -> Agent:
    """Whose numbers all of them get: the one that has this form already, else the one with most numbers."""
    wanted = fold(name)

    def fit(agent: Agent) -> tuple[bool, bool, int, int]:
        return agent.name == name, fold(agent.name) == wanted, len(agent.identifiers), -agent.id

    return max(agents, key=fit)


# --- the parts ---------------------------------------------------------------------------------


def _form(name: str) -> str:
    return plain_text(name)[:LONGEST_NAME]


def _member(
    agent: Agent,
    carriers: Mapping[int, set[int]],
    titles: Mapping[int, tuple[str, str]],
    named: Mapping[int, Sequence[str]],
) -> Member:
    found = carriers.get(agent.id, set())
    examples = tuple(titles[n] for n in sorted(found)[-EXAMPLES:][::-1] if n in titles)
    return Member(
        id=agent.id,
        version=agent.version,
        type=agent.type,
        name=agent.name,
        dates=agent.dates,
        identifiers=agent.identifiers,
        notices=len(found),
        examples=examples,
        sources=tuple(named.get(agent.id, ())),
    )


def _proposed(members: Sequence[Member]) -> str:
    """The form that an authority file vouches for, else the one most used."""
    return max(members, key=lambda member: (bool(member.identifiers), member.notices)).name


def _changed(carriers: Mapping[int, set[int]], ids: Iterable[int], kept: Agent, name: str) -> set[int]:
    return set[int]().union(*(carriers.get(n, set()) for n in ids if n != kept.id or name != kept.name))


def _living(session: Session, ids: Iterable[int]) -> list[Agent]:
    """In the order given."""
    ids = list(dict.fromkeys(ids))
    found: dict[int, Any] = {}
    for part in db.chunks(ids):
        statement = select(Agent).where(Agent.id.in_(part), Agent.status == "accepted")
        found |= {agent.id: agent for agent in session.scalars(statement)}
    return [found[number] for number in ids if number in found]


def _carriers(session: Session, ids: Iterable[int]) -> dict[int, set[int]]:
    """Agent -> the notices that an act on it would change."""
    carriers = authorities.carriers_of(session, Agent, ids)
    living = set(renaming.living(session, set().union(*carriers.values())))
    return {number: found & living for number, found in carriers.items()}


def _named(session: Session, ids: Iterable[int]) -> dict[int, list[str]]:
    """The sources that name them: it tells apart two that have the same name."""
    out: dict[int, list[str]] = {}
    for part in db.chunks(sorted(ids)):
        statement = (
            select(ExternalId.entity_id, Source.name)
            .join(Source, Source.id == ExternalId.source_id)
            .where(ExternalId.entity == "agent", ExternalId.entity_id.in_(part))
            .order_by(ExternalId.id)
        )
        for number, name in session.execute(statement):
            if name not in (known := out.setdefault(number, [])) and len(known) < MOST_SOURCES:
                known.append(name)
    return out


def _titles(session: Session, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    return dict(_read_titles(session, ids))


def _read_titles(session: Session, ids: Iterable[int]) -> Iterator[tuple[int, tuple[str, str]]]:
    for part in db.chunks(sorted(ids)):
        statement = select(Notice.id, Notice.address, Notice.title).where(Notice.id.in_(part))
        yield from ((number, (address, title)) for number, address, title in session.execute(statement))
