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
from catalogue.merging import Merge, apply, reverse, said, three_way
from catalogue.merging.slots import Said
from catalogue.models import Batch, Claim, Item, Judgement, Notice, Revision, SourceVersion
from catalogue.notices import LOCAL
from catalogue.proposals import LIVING
from catalogue.unimarc import Fields

JOIN, SPLIT = "join", "split"  # kinds of lots


class NotMergeable(Exception):
    """`code`: "same_notice", "not_living" (merged away, withdrawn or erased), "not_merged" (nothing to take apart),
    or "survivor_merged" (it has gone into another since: that merge comes first)."""

    def __init__(self, code: str, notice: Notice) -> None:
        super().__init__(f"{notice.address}: {code}")
        self.code, self.notice = code, notice


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

    Says that they are the same, unless the judgement that led here is given.
    """
    if survivor.id == loser.id:
        raise NotMergeable("same_notice", loser)
    for notice in (survivor, loser):
        if notice.status not in LIVING:
            raise NotMergeable("not_living", notice)
    batch = batch or history.open_batch(session, JOIN, by=by, why=why)
    fields = preview(survivor, loser, decisions)
    ends = _end(session, survivor), _end(session, loser)
    judgement = judgement or judgements.judge(session, *ends, "same", by=by, why=why, batch=batch)
    moving = claims.of_notices(session, [loser.id])
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


def join_record(
    session: Session, notice: Notice, record_id: int, *, by: str, why: str = "", batch: Batch | None = None
) -> list[proposals.Proposed]:
    """Say that a record which speaks of no notice speaks of this one, and propose what it says otherwise."""
    batch = batch or history.open_batch(session, JOIN, by=by, why=why)
    judgement = judgements.judge(
        session, f"notice:{notice.id}", f"record:{record_id}", "same", by=by, why=why, batch=batch
    )
    claim = claims.add(session, notice.id, batch=batch, record_id=record_id, judgement_id=judgement.id)
    return proposals.propose(session, claim_ids=[claim.id])


def decide(
    session: Session, left: Notice, right: Notice, verdict: str, *, by: str, why: str = "", batch: Batch | None = None
) -> Judgement | None:
    """A person's answer to « la même ? »: different or unsure is remembered; same merges, a candidate into ours,
    else the younger into the older. Returns the judgement (that of the merge for « same »)."""
    if verdict == "same":
        loser = right if (left.status == "candidate", left.id) <= (right.status == "candidate", right.id) else left
        away = merge(session, left if loser is right else right, loser, by=by, why=why, batch=batch)
        return session.get(Judgement, away.judgement_id) if away.judgement_id else None
    return judgements.judge(session, _end(session, left), _end(session, right), verdict, by=by, why=why, batch=batch)


def _end(session: Session, notice: Notice) -> str:
    return judgements.end_of(session, notice.id, candidate=notice.status == "candidate")


# --- apart -----------------------------------------------------------------------------------


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
    kept = _said_elsewhere(session, away, survivor, staying)
    claims.put_many(session, [(away, {"state": "split"}), *back], batch=batch)
    copies = [item for item in _items(session, before.items) if item.notice_id == survivor.id]
    _move_items(session, copies, loser.id, batch)
    if before.was is not None:
        fields = reverse(before.after, survivor.fields, before.was, kept=kept)
        notices.settle_many(session, [(survivor, fields, "")], batch=batch)
    again = {**notices.snapshot(loser), "status": before.status, "merged_into_id": None}
    notices.restore_many(session, [(loser, again)], batch=batch)
    notices.reproject(session, [survivor.id])
    _judge_apart(session, away, survivor, loser, by=by, why=why, different=different, batch=batch)
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
    if out.batch is not None:
        _ask_again(session, batch, out.batch)
    return out


def _ask_again(session: Session, batch: Batch, undoing: Batch) -> None:
    """The doubt that a merge had answered is a question again."""
    statement = (
        select(Judgement)
        .join(Revision, (Revision.entity_id == Judgement.id) & (Revision.entity == "judgement"))
        .where(Revision.batch_id == batch.id, Judgement.verdict == "unsure", Judgement.revoked_at.is_not(None))
    )
    doubts = session.scalars(statement).unique().all()
    judgements.restore_many(session, [(doubt, {"revoked_at": None}) for doubt in doubts], batch=undoing)


# --- the parts -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Before:
    """How things stood before a merge, as its lot tells it."""

    was: Fields | None  # the survivor's fields; None when the merge did not change them
    after: Fields
    status: str  # of the one merged away
    claims: Mapping[int, Mapping[str, Any]]
    items: Sequence[int]


def _merge_of(session: Session, loser: Notice) -> Claim | None:
    statement = select(Claim).where(Claim.merged_notice_id == loser.id, Claim.state == "linked")
    return session.scalar(statement.order_by(Claim.id.desc()).limit(1))


def _before(session: Session, away: Claim, survivor: Notice, loser: Notice) -> _Before:
    """Read off the last lot that made this merge: the first time, or once more after it had been undone."""
    of_claim = select(Revision.batch_id).where(Revision.entity == "claim", Revision.entity_id == away.id)
    lot = session.scalars(of_claim.order_by(Revision.id.desc()).limit(1)).one()
    status, moved, copies = "published", {}, []
    was: Fields | None = None
    last = 0
    of_lot = select(Revision.id, Revision.entity, Revision.entity_id, Revision.before).where(Revision.batch_id == lot)
    for number, entity, entity_id, before in session.execute(of_lot.order_by(Revision.id)):
        if entity == "notice" and entity_id == survivor.id:
            was, last = (before["fields"] if was is None else was), number
        elif entity == "notice" and entity_id == loser.id:
            status = before["status"]
        elif before and before.get("notice_id") == loser.id:
            if entity == "claim":
                moved[entity_id] = before
            elif entity == "item":
                copies.append(entity_id)
    return _Before(was, _state_after(session, survivor, last), status, moved, copies)


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


def _said_elsewhere(session: Session, away: Claim, survivor: Notice, staying: Iterable[Claim]) -> set[Said]:
    """What others that stay say too: notices merged into the same one, and records as they were agreed on."""
    others = (
        select(Notice.fields)
        .join(Claim, Claim.merged_notice_id == Notice.id)
        .where(Claim.notice_id == survivor.id, Claim.state == "linked", Claim.id != away.id)
    )
    bases = [claim.base_version_id for claim in staying if claim.base_version_id is not None]
    agreed = select(SourceVersion.fields).where(SourceVersion.id.in_(bases))
    return {said(f) for statement in (others, agreed) for fields in session.scalars(statement) for f in fields}


def _judge_apart(
    session: Session, away: Claim, survivor: Notice, loser: Notice, *, by: str, why: str, different: bool, batch: Batch
) -> None:
    judged = session.get(Judgement, away.judgement_id) if away.judgement_id else None
    if judged is not None:
        judgements.revoke(session, judged, by=by, batch=batch)
    if different:
        ends = (f"notice:{survivor.id}", f"notice:{loser.id}")
        judgements.judge(session, *ends, "different", by=by, why=why, batch=batch)


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
