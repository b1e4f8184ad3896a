"""« Autorités proches »: people and bodies whose names may be two forms of one (`authorities.find_near`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import authorities, renaming
from catalogue.authorities import near
from catalogue.authorities.proposals import read_names
from catalogue.cleaning.chantier import Chantier, Found, Group, Member, Settled, samples_of
from catalogue.i18n import N_, _
from catalogue.models import Agent, Batch, NoticeAgent, NoticeConcept
from catalogue.text import fold


def find(session: Session) -> Iterator[Found]:
    used = _used(session)
    for group in authorities.find_near(session):
        refs = tuple(str(number) for number in group.ids)
        yield Found("agents:" + ",".join(sorted(refs)), refs, sum(used.get(number, 0) for number in group.ids))


def _used(session: Session) -> dict[int, int]:
    """How often each agent is named."""
    out: dict[int, int] = {}
    for table in (NoticeAgent, NoticeConcept):
        named = select(table.agent_id, func.count()).where(table.agent_id.is_not(None)).group_by(table.agent_id)
        for number, n in session.execute(named):
            out[number or 0] = out.get(number or 0, 0) + n
    return out


def read(session: Session, refs: Sequence[str]) -> Group | None:
    ids = [int(ref) for ref in refs]
    names = list(read_names(session, Agent.id.in_(ids) & (Agent.status == "accepted")))
    groups = near.groups(names, apart=authorities.judged_apart(session))
    if not groups:
        return None
    together = max(groups, key=lambda group: len(group.ids))
    agents = {agent.id: agent for agent in session.scalars(select(Agent).where(Agent.id.in_(together.ids)))}
    carried = authorities.carriers_of(session, Agent, together.ids)
    members = []
    for number in together.ids:
        living = renaming.living(session, carried.get(number, set()))
        agent = agents[number]
        members.append(
            Member(str(number), agent.name, len(living), agent.dates, samples_of(session, living), agent.version)
        )
    kept = max(members, key=lambda member: (member.count, len(member.label)))
    reasons = tuple(dict.fromkeys(reason.sentence() for reason in together.reasons))
    members.sort(key=lambda member: -member.count)
    return Group(tuple(members), tuple(refs), kept.label, reasons=reasons)


def apply(session: Session, _group: Group, ticked: Sequence[Member], form: str, by: str) -> Settled:
    if len(ticked) < 2:
        return Settled(problem=_("Cochez au moins deux formes du même nom."))
    if not form:
        return Settled(problem=_("Écrivez la forme à garder."))
    kept = next((member for member in ticked if fold(member.label) == fold(form)), ticked[0])
    others = [authorities.get_agent(session, int(member.ref)) for member in ticked if member is not kept]
    done = renaming.merge_agents(session, authorities.get_agent(session, int(kept.ref)), others, by=by, name=form)
    return Settled(done.batch, done.notices)


def apart(session: Session, group: Group, ticked: Sequence[Member], by: str) -> Batch | None:
    """Each two of those that are ticked; of all of them, where fewer than two are."""
    members = ticked if len(ticked) > 1 else group.members
    known = authorities.judged_apart(session)
    for one, other in combinations([int(member.ref) for member in members], 2):
        if frozenset((one, other)) not in known:
            left, right = authorities.get_agent(session, one), authorities.get_agent(session, other)
            authorities.judge_apart(session, left, right, by=by)
    return None


CHANTIER = Chantier(
    title=N_("Autorités proches"),
    lead=N_("Des personnes et des organismes dont le nom est écrit de plusieurs façons."),
    apart_words=N_("Ne sont pas les mêmes"),
    find=find,
    read=read,
    apply=apply,
    apart=apart,
)
