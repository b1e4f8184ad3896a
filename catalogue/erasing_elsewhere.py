"""What other notices have kept of one that is to be erased: they were one for a time, or a record of its spoke there.

Their history and the questions that were settled about them forget its words by themselves, and so does the desk. What
such a notice says today is its own: a person has accepted or left it there, so it is named (`still_say`) and a person
decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue import asking_again, db, kept_forms
from catalogue.merging import said
from catalogue.merging.slots import Said
from catalogue.models import Claim, CleaningGroup, Notice, Proposal, Revision, SourceVersion
from catalogue.unimarc import Field, Fields

_TELLING = 60  # signs of a title by which it is found where it was quoted
_STILL = 1 << 62  # instead of the lot that parted two which are one


@dataclass(frozen=True, slots=True)
class Other:
    """A notice that is not erased. They were one between two lots (`first` 0: never); `claims`: records of the erased
    one that spoke of it."""

    notice: Notice
    first: int
    last: int
    claims: frozenset[int]

    def only_theirs(self, f: Field) -> bool:
        """Whether nobody but those records has said this."""
        who = f.get("o", ())
        return bool(who) and self.claims.issuperset(who)


def find(session: Session, ids: Collection[int], record_ids: Collection[int]) -> list[Other]:
    """The others of these notices and of their records, oldest first."""
    spans = _once_one(session, ids)
    spoke: dict[int, set[int]] = {}
    of_records = select(Claim.notice_id, Claim.id).where(Claim.record_id.in_(record_ids), Claim.notice_id.not_in(ids))
    for notice_id, claim_id in session.execute(of_records):
        spoke.setdefault(notice_id, set()).add(claim_id)
    notices = session.scalars(select(Notice).where(Notice.id.in_(spans.keys() | spoke.keys())).order_by(Notice.id))
    return [Other(n, *spans.get(n.id, (0, 0)), frozenset(spoke.get(n.id, ()))) for n in notices if n.status != "erased"]


def still_say(session: Session, others: Sequence[Other]) -> Iterator[Notice]:
    """Those whose words of today may be the erased one's: a record of its brought them, or they came while the two
    were one, and have stayed."""
    for other in others:
        before, meanwhile = _states(session, other)
        if any(other.only_theirs(f) or said(f) in meanwhile - before for f in other.notice.fields):
            yield other.notice


def forget(session: Session, others: Sequence[Other], ids: Collection[int], record_ids: Collection[int]) -> None:
    """Their history, and the questions that were settled about them, without its words: what its records alone had
    brought, and since the two were one whatever came then, but for what the notice said before or says today."""
    words = _words(session, ids, record_ids) if others else set()
    for other in others:
        before, meanwhile = _states(session, other)
        own = before | set(map(said, other.notice.fields))
        taken = (words | meanwhile) - own if other.first else set()

        def goes(f: Field, other: Other = other, own: Set[Said] = own, taken: Set[Said] = taken) -> bool:
            return said(f) in taken or (other.only_theirs(f) and said(f) not in own)

        for revision in _history_of(session, other.notice):
            was = (revision.before or {}).get("fields", [])
            if revision.batch_id >= other.first and any(map(goes, was)):
                revision.before = {**(revision.before or {}), "fields": [f for f in was if not goes(f)]}
        of_notice = select(Claim.id).where(Claim.notice_id == other.notice.id)
        settled = select(Proposal).where(Proposal.claim_id.in_(of_notice), Proposal.state != "waiting")
        for proposal in session.scalars(settled):
            left = [change for change in proposal.changes if not any(map(goes, (*change["base"], *change["ours"])))]
            if len(left) < len(proposal.changes):
                proposal.changes = left
    session.flush()


def forget_at_the_desk(session: Session, notices: Sequence[Notice]) -> None:
    """Forms that somebody has begun about them, what outside sources were asked for them, and their names in the
    summaries of clean-up days."""
    addresses = [notice.address for notice in notices]
    kept_forms.forget_about(session, addresses)
    asking_again.forget_about(session, addresses)
    titles = [notice.title[:_TELLING] for notice in notices if notice.title]
    for group in session.scalars(select(CleaningGroup).where(CleaningGroup.state != "open")):
        if any(title in group.what.get("words", "") for title in titles):
            group.what = {**group.what, "words": ""}
    session.flush()


# --- the parts -------------------------------------------------------------------------------


def _once_one(session: Session, ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Notices that these were merged into, or that were merged into these, and that stand by themselves again: the
    lot that made them one and the last that parted them. Through others too, which were one with both at once."""
    spans: dict[int, tuple[int, int]] = {}
    todo = dict.fromkeys(ids, (0, _STILL))
    while todo:
        met: dict[int, tuple[int, int]] = {}
        part = sorted(todo)
        merges = select(Claim).where(
            Claim.merged_notice_id.is_not(None), or_(Claim.merged_notice_id.in_(part), Claim.notice_id.in_(part))
        )
        for claim in session.scalars(merges):
            of_claim = select(func.min(Revision.batch_id), func.max(Revision.batch_id))
            first, last = session.execute(
                of_claim.where(Revision.entity == "claim", Revision.entity_id == claim.id)
            ).one()
            last = _STILL if claim.state == "linked" else last
            ends = {claim.notice_id, claim.merged_notice_id or 0}
            for here in ends & todo.keys():
                begun, ended = todo[here]
                for there in ends - {here} - set(ids):
                    if first is not None and first < ended and begun < last:
                        known = met.get(there, (first, last))
                        met[there] = min(first, known[0]), max(last, known[1])
        todo = {there: span for there, span in met.items() if there not in spans}
        spans |= todo
    return spans


def _states(session: Session, other: Other) -> tuple[set[Said], set[Said]]:
    """What it said when the two became one, and all that it said while they were."""
    since = [revision for revision in _history_of(session, other.notice) if revision.batch_id >= other.first]
    states = [{said(f) for f in (r.before or {}).get("fields", ())} for r in since if r.batch_id <= other.last]
    return (states[0], set().union(*states[1:])) if other.first and states else (set(), set())


def _history_of(session: Session, notice: Notice) -> list[Revision]:
    rows = select(Revision).where(Revision.entity == "notice", Revision.entity_id == notice.id)
    return list(session.scalars(rows.order_by(Revision.id)))


def _words(session: Session, ids: Collection[int], record_ids: Collection[int]) -> set[Said]:
    """Whatever it has said: today, in its history, in its sources' records."""
    told: list[Fields] = list(session.scalars(select(Notice.fields).where(Notice.id.in_(ids))))
    history = select(Revision.before).where(Revision.entity == "notice")
    for part in db.chunks(ids):
        befores = session.scalars(history.where(Revision.entity_id.in_(part), Revision.before.is_not(None)))
        told += [before["fields"] for before in befores if before]
    for part in db.chunks(record_ids):
        told += session.scalars(select(SourceVersion.fields).where(SourceVersion.record_id.in_(part)))
    return {said(f) for fields in told for f in fields}
