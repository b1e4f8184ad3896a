"""« Doublons »: notices that may be one document (`doubles`, the judgements that leave it to a person)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import cataloguing, history, inbox, joining, judgements
from catalogue.cleaning.chantier import LARGEST, Chantier, Found, Group, Member, Settled
from catalogue.desk_history import status_words, title_or_none
from catalogue.i18n import N_, _
from catalogue.matching import compare, describe, written
from catalogue.models import LIVING, Batch, Notice
from catalogue.unimarc import responsibilities

REASONS = 4


def find(session: Session) -> Iterator[Found]:
    """Notices that are doubted with one another, through one or more of them."""
    member: dict[int, set[int]] = {}
    for one, other in inbox.list_unsure(session):
        left, right = member.setdefault(one, {one}), member.setdefault(other, {other})
        if left is not right and len(left) + len(right) <= LARGEST:
            both = left | right
            member |= dict.fromkeys(both, both)
    for ids in {frozenset(ids): None for ids in member.values() if len(ids) > 1}:
        refs = tuple(str(number) for number in sorted(ids))
        yield Found("notices:" + ",".join(refs), refs, len(refs))


def read(session: Session, refs: Sequence[str]) -> Group | None:
    found = _living(session, [int(ref) for ref in refs])
    doubted = {n for pair in combinations(found, 2) if inbox.unsure_between(session, *pair) for n in pair}
    together = [notice for notice in found if notice in doubted]
    if len(together) < 2:
        return None
    first, second, *more = together
    names = written(first.fields, second.fields)
    reasons = compare(describe(first.fields), describe(second.fields)).reasons
    return Group(
        tuple(_member(notice) for notice in together),
        tuple(refs),
        reasons=tuple(reason.told(names) for reason in reasons[:REASONS]),
        compare=None if more else (first.address, second.address),
        has_form=False,
    )


def _living(session: Session, ids: Sequence[int]) -> list[Notice]:
    """The one that would stay first: ours before a candidate, the oldest first (`reviewing.in_order`)."""
    found = session.scalars(select(Notice).where(Notice.id.in_(ids), Notice.status.in_(LIVING)))
    return sorted(found, key=lambda n: (n.status == "candidate", n.id))


def _member(notice: Notice) -> Member:
    authors = "; ".join(r.name for r in responsibilities(notice.fields)[:2])
    kind = cataloguing.kind_label(notice.kind)
    about = " · ".join(part for part in (kind, str(notice.year or ""), authors, status_words(notice.status)) if part)
    title = title_or_none(notice.title)
    return Member(str(notice.id), title, 1, about, ((title, notice.address),), notice.version)


def apply(session: Session, _group: Group, ticked: Sequence[Member], _form: str, by: str) -> Settled:
    if len(ticked) < 2:
        return Settled(problem=_("Cochez au moins deux notices du même document."))
    survivor, *losers = _living(session, [int(member.ref) for member in ticked])
    batch = history.open_batch(session, joining.JOIN, by=by)
    for loser in losers:
        said = None
        for asked in inbox.unsure_between(session, survivor, loser):
            if said is None:
                said = judgements.judge(session, asked.left, asked.right, "same", by=by, batch=batch)
            else:
                judgements.revoke(session, asked, by=by, batch=batch)
        joining.merge(session, survivor, loser, by=by, judgement=said, batch=batch)
    return Settled(batch, len(ticked))


def apart(session: Session, group: Group, ticked: Sequence[Member], by: str) -> Batch | None:
    members = ticked if len(ticked) > 1 else group.members
    batch = None
    for one, other in combinations(_living(session, [int(member.ref) for member in members]), 2):
        for asked in inbox.unsure_between(session, one, other):
            batch = batch or history.open_batch(session, "judge", by=by)
            judgements.judge(session, asked.left, asked.right, "different", by=by, batch=batch)
    return batch


CHANTIER = Chantier(
    title=N_("Doublons"),
    lead=N_(
        "Des notices qui décrivent peut-être le même document : elles n’en feront qu’une. Un groupe réunit toutes les "
        "notices d’un même document ; « À revoir » les compte deux à deux, par paires."
    ),
    apart_words=N_("Ne sont pas les mêmes"),
    find=find,
    read=read,
    apply=apply,
    apart=apart,
)
