"""Two notices that are one document: merged by the same comparison as a source's record, and taken apart again.

The notice merged away keeps its fields, its history and its address, which leads to the other for ever. Its copies,
documents, requests, places in selections, the claims of its records with their holdings and its numbers at their
sources go along; a `Claim` with `merged_notice_id` says that it happened, and undoing it brings back both, with what
was edited since on either side (decision 3).

A lot of kind « join » is undone by taking its merges apart, so that later edits stay; so is one of kind « split »,
whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import claims, db, history, items, judgements, notices, proposals
from catalogue.history import Change
from catalogue.i18n import _
from catalogue.merging import Merge, apply, check_choices, reverse, said, three_way
from catalogue.merging.slots import Said
from catalogue.models import (
    LIVING,
    Batch,
    Claim,
    Item,
    Judgement,
    Notice,
    Revision,
    Source,
    SourceRecord,
    SourceVersion,
)
from catalogue.notices import LOCAL, NewNotice
from catalogue.problems import sentence
from catalogue.proposals.questions import drop, waiting_for
from catalogue.unimarc import Fields

JOIN, SPLIT = "join", "split"  # kinds of lots


class NotMergeable(Exception):
    """Why two are not brought together, or not taken apart.

    `code`: "same_notice", "already_merged" (they are one by now), "absorbed" (gone into a third one, `into`),
    "not_living" (withdrawn or erased), "not_merged" (nothing to take apart), "survivor_merged" (it has gone into
    another since: that merge comes first), "not_joined" (the record no longer speaks of it), "one_voice" (nobody but
    this record says anything there: nothing would be left).
    """

    def __init__(self, code: str, notice: Notice, into: Notice | None = None) -> None:
        super().__init__(f"{notice.address}: {code}")
        self.code, self.notice, self.into = code, notice, into

    def sentence(self) -> str:
        """In the current language, for whoever had asked."""
        said = {"title": self.notice.title or _("Sans titre"), "address": self.notice.address}
        if self.into is not None:
            said |= {"other": self.into.title or _("Sans titre"), "there": self.into.address}
        return sentence(f"merge.{self.code}", said)


@dataclass(slots=True)
class Apart:
    """What taking merges of a lot apart did, and which could not be."""

    batch: Batch | None = None
    restored: int = 0
    left: list[tuple[Notice, str]] = field(default_factory=list)


# --- together --------------------------------------------------------------------------------


def compare(survivor: Notice, loser: Notice) -> Merge:
    """What the survivor would take over: for the page that shows both, and for `preview`."""
    return three_way(None, survivor.fields, loser.fields, claim=_only_claim(loser))


def preview(survivor: Notice, loser: Notice, decisions: Mapping[str, str] | None = None) -> Fields:
    """The survivor as it would be: what is not decided, as preselected (ours for one value, both for lists)."""
    return apply(survivor.fields, compare(survivor, loser), decisions)


def merge(
    session: Session,
    survivor: Notice,
    loser: Notice,
    decisions: Mapping[str, str] | None = None,
    *,
    by: str,
    why: str = "",
    judgement: Judgement | None = None,
    batch: Batch | None = None,
) -> Claim:
    """Make one of two: slot -> ours, theirs or both, the rest as preselected. Raises NotMergeable.

    Says that they are the same, unless the judgement that led here is given. Raises NoAnswer.
    """
    check(session, survivor, loser)
    merge_ = compare(survivor, loser)
    check_choices(merge_.changes, decisions or {})
    batch = batch or history.open_batch(session, JOIN, by=by, why=why)
    fields = apply(survivor.fields, merge_, decisions)
    ends = _end(session, survivor), _end(session, loser)
    judgement = judgement or judgements.judge(session, *ends, "same", by=by, why=why, batch=batch)
    moving = claims.of_notices(session, [loser.id])
    claims.note_many(session, claims.of_notices(session, [survivor.id]), batch=batch)
    away = claims.add(
        session,
        survivor.id,
        batch=batch,
        merged_notice_id=loser.id,
        judgement_id=judgement.id,
        moved=claims.gather(session, loser.id, survivor.id),
    )
    claims.put_many(session, [(claim, {"notice_id": survivor.id}) for claim in moving], batch=batch)
    _move_items(session, _copies_of(session, loser.id), survivor.id, batch)
    notices.settle_many(session, [(survivor, fields, "")], batch=batch)
    gone = {**notices.snapshot(loser), "status": "merged", "merged_into_id": survivor.id}
    notices.restore_many(session, [(loser, gone)], batch=batch)
    notices.reproject(session, [survivor.id])  # its claims are more: its links may count in other spaces
    proposals.refresh(session, claim_ids=[c.id for c in claims.of_notices(session, [survivor.id])])
    return away


def check(session: Session, one: Notice, other: Notice) -> None:
    """Whether these are two notices that live: what is said of two that a page showed may be out of date.

    Raises NotMergeable, which says what became of them.
    """
    if one.id == other.id:
        raise NotMergeable("same_notice", one)
    for notice, beside in ((one, other), (other, one)):
        if notice.status in LIVING:
            continue
        into = (
            session.get(Notice, notice.merged_into_id) if notice.status == "merged" and notice.merged_into_id else None
        )
        if into is None:
            raise NotMergeable("not_living", notice)
        raise NotMergeable("already_merged" if into.id == beside.id else "absorbed", notice, into)


def decide(
    session: Session, left: Notice, right: Notice, verdict: str, *, by: str, why: str = "", batch: Batch | None = None
) -> Judgement | None:
    """A person's answer to « la même ? »: different or unsure is remembered; same merges, a candidate into ours,
    else the younger into the older. Returns the judgement (that of the merge for « same »). Raises NotMergeable."""
    if verdict == "same":
        loser = right if (left.status == "candidate", left.id) <= (right.status == "candidate", right.id) else left
        away = merge(session, left if loser is right else right, loser, by=by, why=why, batch=batch)
        return session.get(Judgement, away.judgement_id) if away.judgement_id else None
    check(session, left, right)
    return judgements.judge(session, _end(session, left), _end(session, right), verdict, by=by, why=why, batch=batch)


def _end(session: Session, notice: Notice) -> str:
    return judgements.end_of(session, notice.id, candidate=notice.status == "candidate")


# --- apart -----------------------------------------------------------------------------------


def not_the_same(session: Session, claim: Claim, *, by: str, why: str = "", batch: Batch | None = None) -> Notice:
    """Take a record off the notice it was joined to: returns the candidate that is made of what the record says.

    Remembered: the two are not proposed as one any more. The notice keeps its values, and who had brought them; the
    record's holdings and its number at its source go to the candidate. Raises NotMergeable.
    """
    notice = notices.get(session, claim.notice_id)
    record = session.get(SourceRecord, claim.record_id) if claim.record_id else None
    version = _last_words(session, record) if record and claim.state != "split" else None
    if record is None or version is None or notice.status not in LIVING:
        raise NotMergeable("not_joined", notice)
    if all(f.get("o") == [claim.id] for f in notice.fields):
        raise NotMergeable("one_voice", notice)
    batch = batch or history.open_batch(session, SPLIT, by=by, why=why)
    silence(session, [claim.id], batch=batch)
    claims.put_many(session, [(claim, {"state": "split"})], batch=batch)
    source = session.get_one(Source, record.source_id)
    new = history.take(session, "claim")[0]
    owner = notices.partner_centre(session, source)
    words = NewNotice(
        version.fields, claim_id=new, scope=source.name, status="candidate", owner_id=owner.id if owner else None
    )
    (number,) = notices.create_many(session, [words], batch=batch)
    claims.add(session, number, batch=batch, id=new, record_id=record.id, base_version_id=version.id)
    judgements.judge(session, f"record:{record.id}", f"notice:{notice.id}", "different", by=by, why=why, batch=batch)
    notices.reproject(session, [notice.id])
    return notices.get(session, number)


def silence(session: Session, claim_ids: Iterable[int], *, batch: Batch) -> None:
    """Records that are taken off a notice ask nothing about it; what was half decided comes back with the link."""
    dropped = []
    for question in waiting_for(session, claim_ids).values():
        before = proposals.snapshot(question)
        drop(question, batch.at)
        question.version += 1
        dropped.append(Change("proposal", question.id, question.version, before))
    session.flush()
    history.record(session, batch, dropped)


def _last_words(session: Session, record: SourceRecord) -> SourceVersion | None:
    """The latest version of a record that says anything: not the one by which its partner deleted it."""
    said = select(SourceVersion).where(SourceVersion.record_id == record.id, SourceVersion.deleted.is_(False))
    return session.scalars(said.order_by(SourceVersion.id.desc()).limit(1)).first()


def unmerge(
    session: Session, loser: Notice, *, by: str, why: str = "", different: bool = False, batch: Batch | None = None
) -> Notice:
    """Bring both back; returns the other one. What was edited since stays, what moved and is still there goes back.

    `different`: say so, for them never to be proposed again. Raises NotMergeable.
    """
    away = _merge_of(session, loser)
    survivor = notices.get(session, away.notice_id) if away else None
    if away is None or survivor is None or loser.status != "merged":
        raise NotMergeable("not_merged", loser)
    if survivor.status == "merged":
        raise NotMergeable("survivor_merged", survivor)
    batch = batch or history.open_batch(session, SPLIT, by=by, why=why)
    before = _before(session, away, survivor, loser)
    back = _claims_back(session, before.claims, survivor.id)
    staying = [c for c in claims.of_notices(session, [survivor.id]) if c.id not in {claim.id for claim, _v in back}]
    moved_along = [c for c in staying if (was := before.stayed.get(c.id)) and was.version == c.version]
    kept = _said_since(session, before, survivor, [c for c in staying if c not in moved_along])
    unsettled = [(c, {"base_version_id": before.stayed[c.id].base_version_id}) for c in moved_along]
    claims.put_many(session, [(away, {"state": "split"}), *back, *unsettled], batch=batch)
    copies = [item for item in _items(session, before.items) if item.notice_id == survivor.id]
    _move_items(session, copies, loser.id, batch)
    if before.was is not None:
        fields = reverse(before.after, survivor.fields, before.was, kept=kept)
        notices.settle_many(session, [(survivor, fields, "")], batch=batch)
    again = {**notices.snapshot(loser), "status": before.status, "merged_into_id": None}
    notices.restore_many(session, [(loser, again)], batch=batch)
    notices.reproject(session, [survivor.id])
    _judge_apart(session, away, survivor, loser, before.lot, by=by, why=why, different=different, batch=batch)
    both = claims.of_notices(session, [survivor.id, loser.id])
    proposals.refresh(session, claim_ids=[claim.id for claim in both])
    return survivor


def undo_merges(session: Session, batch: Batch, *, by: str, why: str = "") -> Apart:
    """Take apart what a lot of kind « join » brought together, in a lot that undoes it; the last merge first."""
    out = Apart()
    statement = (
        select(Claim)
        .join(Revision, (Revision.entity_id == Claim.id) & (Revision.entity == "claim"))
        .where(Revision.batch_id == batch.id, Claim.merged_notice_id.is_not(None), Claim.state == "linked")
        .order_by(Claim.id.desc())
    )
    for away in session.scalars(statement).unique().all():
        loser = notices.get(session, away.merged_notice_id or 0)
        if notices.get(session, away.notice_id).status == "merged":
            out.left.append((loser, "changed_since"))
            continue
        out.batch = out.batch or history.open_batch(session, "undo", by=by, why=why, undoes=batch)
        unmerge(session, loser, by=by, why=why, batch=out.batch)
        out.restored += 2
    return out


# --- the parts -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Before:
    """How things stood before a merge, as its lot tells it."""

    lot: int
    was: Fields | None  # the survivor's fields; None when the merge did not change them
    after: Fields
    status: str  # of the one merged away
    claims: Mapping[int, Mapping[str, Any]]  # those that it moved
    stayed: Mapping[int, _Agreed]  # those that were there
    items: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Agreed:
    """A claim of the survivor when the merge began: what it had agreed on, and how often it had been decided about."""

    version: int
    base_version_id: int | None


def _merge_of(session: Session, loser: Notice) -> Claim | None:
    statement = select(Claim).where(Claim.merged_notice_id == loser.id, Claim.state == "linked")
    return session.scalar(statement.order_by(Claim.id.desc()).limit(1))


def _before(session: Session, away: Claim, survivor: Notice, loser: Notice) -> _Before:
    """Read off the last lot that made this merge: the first time, or once more after it had been undone."""
    of_claim = select(Revision.batch_id).where(Revision.entity == "claim", Revision.entity_id == away.id)
    lot = session.scalars(of_claim.order_by(Revision.id.desc()).limit(1)).one()
    status, moved, copies = "published", {}, []
    stayed: dict[int, _Agreed] = {}
    was: Fields | None = None
    last = 0
    columns = Revision.id, Revision.entity, Revision.entity_id, Revision.version, Revision.before
    of_lot = select(*columns).where(Revision.batch_id == lot)
    for number, entity, entity_id, version, before in session.execute(of_lot.order_by(Revision.id)):
        if entity == "notice" and entity_id == survivor.id:
            was, last = (before["fields"] if was is None else was), number
        elif entity == "notice" and entity_id == loser.id:
            status = before["status"]
        elif before and before.get("notice_id") == loser.id:
            if entity == "claim":
                moved[entity_id] = before
            elif entity == "item":
                copies.append(entity_id)
        elif entity == "claim" and before and before.get("notice_id") == survivor.id:
            stayed.setdefault(entity_id, _Agreed(version, before["base_version_id"]))
    return _Before(lot, was, _state_after(session, survivor, last), status, moved, stayed, copies)


def _state_after(session: Session, notice: Notice, revision_id: int) -> Fields:
    """The fields that this revision left: what the next one found, or the notice itself."""
    later = select(Revision.before).where(
        Revision.entity == "notice", Revision.entity_id == notice.id, Revision.id > revision_id
    )
    found = session.scalars(later.order_by(Revision.id).limit(1)).first()
    return found["fields"] if found else notice.fields


def _claims_back(
    session: Session, before: Mapping[int, Mapping[str, Any]], survivor_id: int
) -> list[tuple[Claim, dict[str, Any]]]:
    """Claims that the merge moved and that are still there: back to their notice, and to what was agreed with it."""
    out = []
    for part in db.chunks(sorted(before)):
        statement = select(Claim).where(Claim.id.in_(part), Claim.notice_id == survivor_id).order_by(Claim.id)
        for claim in session.scalars(statement):
            was = before[claim.id]
            out.append((claim, {"notice_id": was["notice_id"], "base_version_id": was["base_version_id"]}))
    return out


def _said_since(session: Session, before: _Before, survivor: Notice, decided: Iterable[Claim]) -> set[Said]:
    """What others have come to say since that merge: notices merged into the same one later, and records as somebody
    has agreed with them since. What they said before it was known then, and had not been taken over."""
    later = select(Revision.entity_id).where(Revision.entity == "claim", Revision.batch_id > before.lot)
    others = (
        select(Notice.fields)
        .join(Claim, Claim.merged_notice_id == Notice.id)
        .where(Claim.notice_id == survivor.id, Claim.state == "linked", Claim.id.in_(later))
    )
    out = {said(f) for fields in session.scalars(others) for f in fields}
    for claim in decided:
        was = before.stayed[claim.id].base_version_id if claim.id in before.stayed else None
        then, now = (_words(session, number) for number in (was, claim.base_version_id))
        out |= now - then
    return out


def _words(session: Session, version_id: int | None) -> set[Said]:
    version = session.get(SourceVersion, version_id) if version_id else None
    return {said(f) for f in version.fields} if version else set()


def _judge_apart(
    session: Session,
    away: Claim,
    survivor: Notice,
    loser: Notice,
    lot: int,
    *,
    by: str,
    why: str,
    different: bool,
    batch: Batch,
) -> None:
    """What was said of the two before that merge holds again, doubts and all, unless they are told apart now."""
    judged = session.get(Judgement, away.judgement_id) if away.judgement_id else None
    if judged is not None:
        judgements.revoke(session, judged, by=by, batch=batch)
    ends = (f"notice:{survivor.id}", f"notice:{loser.id}")
    if different:
        judgements.judge(session, *ends, "different", by=by, why=why, batch=batch)
    else:
        judgements.say_again(session, lot, ends, batch=batch)


def _only_claim(loser: Notice) -> int | None:
    """The claim whose words a candidate is made of: what is its partner's own (its shelves) does not come along."""
    said_by = {o for f in loser.fields for o in f.get("o", ())}
    return next(iter(said_by)) if loser.status == "candidate" and len(said_by) == 1 and LOCAL not in said_by else None


def _copies_of(session: Session, notice_id: int) -> list[Item]:
    return list(session.scalars(select(Item).where(Item.notice_id == notice_id).order_by(Item.id)))


def _items(session: Session, ids: Iterable[int]) -> list[Item]:
    return [
        item
        for part in db.chunks(ids)
        for item in session.scalars(select(Item).where(Item.id.in_(part)).order_by(Item.id))
    ]


def _move_items(session: Session, copies: Sequence[Item], notice_id: int, batch: Batch) -> None:
    items.revise_many(session, [(item, {"notice_id": notice_id}) for item in copies], batch=batch)
