"""Undo, and the reading of a lot.

Undo restores, row by row, what nobody has touched since, and lists what it left and why; it is itself a
lot, and can be undone (decision 4).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, joining, proposals, remembered, undo_plan
from catalogue.models import Batch, Claim, Item, Proposal, Revision
from catalogue.undo_plan import Left, Rows

PART = 200  # notices of one transaction
UNDOING = "undo.under_way:"  # a lot -> the one that undoes it, while that has rows left to come to
# Kinds of lots whose notices stand each for itself: nothing was made by them that something else may hold on to.
ALONE = ("accept", "refuse", "rule", "withdraw", "put_aside", "correct")
FOR_GOOD = "erase"  # the kind of lot that nothing takes back (`catalogue.erasing`)


@dataclass(slots=True)
class Undone:
    batch: Batch | None
    restored: int = 0
    left: list[Left] = field(default_factory=list)


class NotUndoable(Exception):
    """`code`: "for_good", "too_old", "already_undone" or "empty"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def get(session: Session, batch_id: int) -> Batch | None:
    return session.get(Batch, batch_id)


def why_not(session: Session, batch: Batch) -> str:
    """The code of what forbids to undo it, "" when nothing does."""
    if batch.kind == FOR_GOOD:
        return "for_good"
    if batch.undoable_until < db.now():
        return "too_old"
    if undone_by(session, batch) is not None and _half_undone(session, batch) is None:
        return "already_undone"
    if session.scalar(select(Revision.id).where(Revision.batch_id == batch.id).limit(1)) is None:
        return "empty"
    return ""


def undone_by(session: Session, batch: Batch) -> Batch | None:
    """The lot that undid this one, unless that was undone in turn."""
    for later in session.scalars(select(Batch).where(Batch.undoes_id == batch.id).order_by(Batch.id.desc())):
        if undone_by(session, later) is None:
            return later
    return None


def going_on(session: Session, number: int | None) -> Batch | None:
    """The lot of a long work, for what it does next; None where there is none yet, or somebody has taken it back
    meanwhile: what comes after that is in another one, which can be taken back too."""
    batch = session.get(Batch, number) if number is not None else None
    return batch if batch is not None and undone_by(session, batch) is None else None


def undo_in_parts(base: db.Database, number: int, *, by: str, why: str = "") -> Undone:
    """The same in sessions of its own, some hundred notices at a time where each stands for itself, so that a save at
    the desk waits for no thousands. Raises NotUndoable, LookupError.

    One lot all the same. One who is stopped half-way, or whose lot is taken back meanwhile, has a lot that goes on
    being undone when it is asked for again, or that is whole again.
    """
    with base.read() as session:
        parts = _parts(session, session.get(Batch, number))
    out = Undone(None)
    for n, part in db.by_turns(base, enumerate(parts, 1)):
        with base.write() as session:
            history.turn(session)
            if out.batch is not None and going_on(session, out.batch.id) is None:
                break
            batch = session.get(Batch, number)
            if batch is None:
                raise LookupError(f"no lot {number}")
            done = undo(session, batch, by=by, why=why, only=part, is_last=n == len(parts))
        out.batch = done.batch or out.batch
        out.restored += done.restored
        out.left += done.left
    return out


def _parts(session: Session, batch: Batch | None) -> list[Rows | None]:
    """The rows of a lot, by the notices they are about, so many at a time; None for the whole lot. What came in or was
    brought together is undone as a whole: one row may hold back others."""
    if batch is None or _kind(session, batch) not in ALONE:
        return [None]
    rows: dict[str, set[int]] = {}
    touched = select(Revision.entity, Revision.entity_id).where(Revision.batch_id == batch.id).distinct()
    for entity, number in session.execute(touched):
        rows.setdefault(entity, set()).add(number)
    if not rows.keys() <= {"notice", "item", "claim", "proposal"}:
        return [None]
    of_question = undo_plan.column_of(session, Proposal, Proposal.claim_id, rows.get("proposal", ()))
    about = undo_plan.column_of(session, Claim, Claim.notice_id, {*rows.get("claim", ()), *of_question.values()})
    copies = undo_plan.column_of(session, Item, Item.notice_id, rows.get("item", ()))
    of_notice: dict[int, Rows] = {}
    for entity, ids in rows.items():
        for number in ids:
            claim = of_question[number] if entity == "proposal" else number
            notice = number if entity == "notice" else copies[number] if entity == "item" else about[claim]
            of_notice.setdefault(notice, {}).setdefault(entity, set()).add(number)
    return [
        {entity: {i for one in part for i in of_notice[one].get(entity, ())} for entity in rows}
        for part in db.chunks(sorted(of_notice), PART)
    ] or [None]


def _half_undone(session: Session, batch: Batch) -> Batch | None:
    """The lot that was undoing this one when it was stopped: it goes on from there."""
    return going_on(session, remembered.read(session, f"{UNDOING}{batch.id}"))


def undo(
    session: Session, batch: Batch, *, by: str, why: str = "", only: Rows | None = None, is_last: bool = True
) -> Undone:
    """Take a lot back. Raises NotUndoable when it cannot be begun; what cannot be restored is listed.

    `only`: these rows of it; the others follow, unless it `is_last`.
    """
    history.turn(session)  # from here on nobody else writes: what is compared is what is restored
    if code := why_not(session, batch):
        raise NotUndoable(code)
    if batch.kind == joining.JOIN:
        return _undo_merges(session, batch, by=by, why=why)
    half = _half_undone(session, batch)
    result = Undone(half)
    together = _kind(session, batch) in (joining.JOIN, joining.SPLIT)
    plan = undo_plan.make(session, batch, result.left, only=only, half=half, together=together)
    if any(plan.values()):
        result.batch = half or history.open_batch(session, "undo", by=by, why=why, undoes=batch)
        questions = {question.claim_id for question, _before in plan["proposal"].values()}
        off = [n for n, (_claim, before) in plan["claim"].items() if before is None or before["state"] == "split"]
        joining.silence(session, [n for n in off if n not in questions], batch=result.batch)
        for entity, (_model, restore_many) in undo_plan.RESTORERS.items():
            restore_many(session, list(plan[entity].values()), batch=result.batch)
            result.restored += len(plan[entity])
        # Who speaks of a notice again asks again; what has had a question asks already.
        proposals.refresh(session, claim_ids=[n for n in plan["claim"] if n not in questions])
    if is_last:
        remembered.forget(session, f"{UNDOING}{batch.id}")
    elif result.batch is not None and half is None:
        remembered.write(session, f"{UNDOING}{batch.id}", result.batch.id)
    return result


def undone_notices(session: Session, notice_ids: list[int]) -> set[int]:
    """Among these, the notices whose last change was an undo: a new import may bring them back."""
    return history.undone_rows(session, "notice", notice_ids)


undone_rows = history.undone_rows


def _undo_merges(session: Session, batch: Batch, *, by: str, why: str) -> Undone:
    apart = joining.undo_merges(session, batch, by=by, why=why)
    left = [undo_plan.left_of("notice", notice.id, notice, code) for notice, code in apart.left]
    return Undone(apart.batch, apart.restored, left)


def _kind(session: Session, batch: Batch) -> str:
    """What a lot is about: for one that undoes, what the first of its chain did."""
    while batch.undoes_id is not None:
        batch = session.get_one(Batch, batch.undoes_id)
    return batch.kind
