"""« Autorités proches »: people and bodies whose names may be two forms of one, as `near_groups` shows and settles them
on the page of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import authorities, near_groups
from catalogue.authorities import NameBook, Stale, near
from catalogue.authorities.proposals import read_names
from catalogue.cleaning.chantier import Chantier, Found, Group, Member, Settled
from catalogue.desk_history import title_or_none
from catalogue.i18n import N_, _
from catalogue.models import Agent, Batch, NoticeAgent, NoticeConcept


def find(session: Session, book: NameBook | None = None) -> Iterator[Found]:
    """`book`: what the process remembers of names, rather than to read and compare them all."""
    used = _used(session)
    for group in (book or NameBook()).groups(session):
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
    (shown,) = near_groups.show_groups(session, [max(groups, key=lambda group: len(group.ids))])
    members = tuple(_member(one) for one in shown.members)
    return Group(members, tuple(refs), shown.name, reasons=shown.reasons, changes=shown.notices)


def _member(one: near_groups.Member) -> Member:
    about = " · ".join(part for part in (one.dates, one.known) if part)
    samples = tuple((title_or_none(title), address) for address, title in one.examples)
    return Member(str(one.id), one.name, one.notices, about, samples, one.version)


def apply(session: Session, _group: Group, ticked: Sequence[Member], form: str, by: str) -> Settled:
    if len(ticked) < 2:
        return Settled(problem=_("Cochez au moins deux formes du même nom."))
    if not form:
        return Settled(problem=_("Écrivez la forme à garder."))
    expected = {int(member.ref): member.version for member in ticked}
    try:
        done = near_groups.apply_group(session, list(expected), form, by=by, expected=expected)
    except (Stale, LookupError):
        return Settled(problem=_("Quelqu’un vient de changer l’une de ces formes : rien n’a été fait."))
    return Settled(done.batch, done.notices)


def apart(session: Session, group: Group, ticked: Sequence[Member], by: str) -> Batch | None:
    """Each two of those that are ticked; of all of them, where fewer than two are."""
    members = ticked if len(ticked) > 1 else group.members
    return near_groups.keep_apart(session, [int(member.ref) for member in members], by=by)


CHANTIER = Chantier(
    title=N_("Autorités proches"),
    lead=N_("Des personnes et des organismes dont le nom est écrit de plusieurs façons."),
    apart_words=N_("Ne sont pas les mêmes"),
    find=find,
    read=read,
    apply=apply,
    apart=apart,
)


def asking(book: NameBook) -> Chantier:
    return replace(CHANTIER, find=lambda session: find(session, book))
