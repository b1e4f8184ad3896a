"""Same, different, perhaps: what somebody has said of two descriptions, when and why (decision 3).

The two ends are stable names, "notice:12" or "record:34" (a record of a source, which outlives a notice made from it),
in no order. A judgement holds until it is revoked; what was judged different is never asked again. A record and the
notice it speaks of stand for one another: who tells our notice from RECI's record tells it from the candidate too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history
from catalogue.history import Change
from catalogue.models import Batch, Claim, Judgement, Revision

VERDICTS = ("same", "different", "unsure")
APART = "apart"  # nobody judged: somebody took back a link between the two. No machine links them again; it asks.
MACHINE = "travee"  # who judges by the rules of `catalogue.matching`
Pair = tuple[str, str]

# Of the table, and made once: every page of a harvest asks them.
_CLAIMS = db.table_of(Claim)
_LINKED = _CLAIMS.c.record_id.is_not(None) & (_CLAIMS.c.state == "linked")
_RECORDS_OF = select(_CLAIMS.c.notice_id, _CLAIMS.c.record_id).where(db.among(_CLAIMS.c.notice_id), _LINKED)
_NOTICES_OF = select(_CLAIMS.c.record_id, _CLAIMS.c.notice_id).where(db.among(_CLAIMS.c.record_id), _LINKED)
_SPLIT = select(_CLAIMS.c.id, _CLAIMS.c.notice_id, _CLAIMS.c.record_id).where(
    db.among(_CLAIMS.c.record_id), _CLAIMS.c.state == "split"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds between two ends."""

    verdict: str
    by: str
    at: datetime
    score: float | None
    reasons: Sequence[Any]
    judgement_id: int | None  # None: nobody judged, somebody took back the link between the two


def end_of(session: Session, notice_id: int, *, candidate: bool = False) -> str:
    """What a notice is called in a judgement; a candidate by the record it was made from, which comes back."""
    if candidate:
        records = session.scalars(
            select(Claim.record_id).where(
                Claim.notice_id == notice_id, Claim.record_id.is_not(None), Claim.state == "linked"
            )
        ).all()
        if len(records) == 1:
            return f"record:{records[0]}"
    return f"notice:{notice_id}"


def judge(
    session: Session,
    left: str,
    right: str,
    verdict: str,
    *,
    by: str,
    why: str = "",
    score: float | None = None,
    reasons: Sequence[Any] = (),
    batch: Batch | None = None,
) -> Judgement:
    """Say it; what was said before of the same two is revoked. In a lot, by default one of its own (« judge »)."""
    if verdict not in VERDICTS or left == right:
        raise ValueError(f"no judgement: {left} {verdict} {right}")
    batch = batch or history.open_batch(session, "judge", by=by, why=why)
    one, other = sorted((left, right))
    _put_many(session, [(earlier, batch.at) for earlier in _living(session, [(one, other)])], batch)
    row = Judgement(
        left=one,
        right=other,
        verdict=verdict,
        by=by,
        at=batch.at,
        score=score,
        reasons=[*reasons, *([why] if why else [])],
    )
    session.add(row)
    session.flush()
    history.record(session, batch, [Change("judgement", row.id, 1, None)])
    return row


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a machine thinks of two ends: same where it has linked them, unsure where a person is asked."""

    left: str
    right: str
    verdict: str
    score: float
    reasons: Sequence[Any]


def think_many(session: Session, opinions: Sequence[Opinion], *, batch: Batch | None = None) -> dict[Pair, int]:
    """Keep what the machine thinks of pairs that nobody has judged, in a few statements: pair (in order) -> judgement.

    It is told like any judgement, and gives way to a person's.
    """
    fresh: dict[Pair, Opinion] = {(min(o.left, o.right), max(o.left, o.right)): o for o in opinions}
    known: dict[Pair, int] = {(row.left, row.right): row.id for row in _living(session, fresh)}
    new = {pair: o for pair, o in fresh.items() if pair not in known}
    if new:
        batch = batch or history.open_batch(session, "judge", by=MACHINE)
        blank = {"by": MACHINE, "at": batch.at, "revoked_at": None, "version": 1}
        rows = [
            {"left": one, "right": other, "verdict": o.verdict, "score": o.score, "reasons": list(o.reasons), **blank}
            for (one, other), o in new.items()
        ]
        ids = db.insert_numbered(session, Judgement, rows)
        history.record(session, batch, [Change("judgement", number, 1, None) for number in ids])
        known |= dict(zip(new, ids, strict=True))
    return known


def revoke(session: Session, judgement: Judgement, *, by: str, why: str = "", batch: Batch | None = None) -> None:
    """Take it back: the two may be compared again."""
    if judgement.revoked_at is None:
        batch = batch or history.open_batch(session, "judge", by=by, why=why)
        _put_many(session, [(judgement, batch.at)], batch)


def say_again(session: Session, lot: int, ends: Pair, *, batch: Batch) -> None:
    """What this lot had revoked of these two holds again, unless somebody has judged them since."""
    names = _aliases(session, ends)
    revoked = (
        select(Judgement)
        .join(Revision, (Revision.entity_id == Judgement.id) & (Revision.entity == "judgement"))
        .where(Revision.batch_id == lot, Revision.before.is_not(None), Judgement.revoked_at.is_not(None))
        .order_by(Judgement.id)
    )
    for row in session.scalars(revoked).unique().all():
        about = {end for end in ends if names[end] & {row.left, row.right}}
        if len(about) == 2 and not _living(session, [(row.left, row.right)]):
            _put_many(session, [(row, None)], batch)


def verdict(session: Session, pairs: Iterable[Pair]) -> dict[Pair, Verdict]:
    """What holds between each of these pairs (in the order asked); pairs that nobody has judged are left out.

    Where an undo has taken a record off a notice, that holds (`APART`) until a person says more of the two.
    """
    asked = list(dict.fromkeys(pairs))
    names = _aliases(session, {end for pair in asked for end in pair})
    wanted: dict[Pair, list[Pair]] = {}
    for pair in asked:
        for one in names[pair[0]]:
            for other in names[pair[1]]:
                key: Pair = (one, other) if one < other else (other, one)
                wanted.setdefault(key, []).append(pair)
    out = _taken_apart(session, wanted)
    for row in _living(session, wanted):
        said = Verdict(row.verdict, row.by, row.at, row.score, row.reasons, row.id)
        for pair in wanted[row.left, row.right]:
            if row.by != MACHINE or pair not in out or out[pair].by == MACHINE:
                out[pair] = said
    return out


def _taken_apart(session: Session, wanted: Mapping[Pair, Sequence[Pair]]) -> dict[Pair, Verdict]:
    """Records whose link to a notice somebody took back."""
    records = {int(end.removeprefix("record:")) for pair in wanted for end in pair if end.startswith("record:")}
    split: dict[int, list[Pair]] = {}
    for part in db.chunks(sorted(records)):
        for claim_id, notice_id, record_id in session.execute(_SPLIT, {"part": part}):
            if pairs := wanted.get((f"notice:{notice_id}", f"record:{record_id}")):
                split.setdefault(claim_id, []).extend(pairs)
    out: dict[Pair, Verdict] = {}
    for part in db.chunks(sorted(split)):
        acts = (
            select(Revision.entity_id, Batch.by, Batch.at)
            .join(Batch, Batch.id == Revision.batch_id)
            .where(Revision.entity == "claim", Revision.entity_id.in_(part))
            .order_by(Revision.id)
        )
        for claim_id, by, at in session.execute(acts):
            said = Verdict(APART, by, at, None, (), None)
            out |= dict.fromkeys(split[claim_id], said)
    return out


def snapshot(judgement: Judgement) -> dict[str, Any]:
    return {"revoked_at": judgement.revoked_at.isoformat() if judgement.revoked_at else None}


def restore_many(session: Session, rows: Sequence[tuple[Judgement, Mapping[str, Any] | None]], *, batch: Batch) -> None:
    put: list[tuple[Judgement, datetime | None]] = []
    for row, before in rows:
        revoked = before["revoked_at"] if before is not None else None
        put.append((row, batch.at if before is None else datetime.fromisoformat(revoked) if revoked else None))
    _put_many(session, put, batch)


def _put_many(session: Session, rows: Sequence[tuple[Judgement, datetime | None]], batch: Batch) -> None:
    changes = [Change("judgement", row.id, row.version + 1, snapshot(row)) for row, _revoked_at in rows]
    db.update_rows(session, [(row, {"revoked_at": revoked_at}) for row, revoked_at in rows])
    history.record(session, batch, changes)


def _living(session: Session, pairs: Iterable[Pair]) -> list[Judgement]:
    """What holds of these ordered pairs, oldest first."""
    by_left: dict[str, set[str]] = {}
    for left, right in pairs:
        by_left.setdefault(left, set()).add(right)
    out: list[Judgement] = []
    for part in db.chunks(sorted(by_left)):
        statement = select(Judgement).where(Judgement.left.in_(part), Judgement.revoked_at.is_(None))
        out += [row for row in session.scalars(statement.order_by(Judgement.id)) if row.right in by_left[row.left]]
    return out


def _aliases(session: Session, ends: Iterable[str]) -> dict[str, set[str]]:
    """Each end and what stands for it: a notice and the records that speak of it, a record and its notice."""
    out = {end: {end} for end in ends}
    session.flush()
    for kind, statement, name in (("notice:", _RECORDS_OF, "record"), ("record:", _NOTICES_OF, "notice")):
        ids = sorted(int(end.removeprefix(kind)) for end in out if end.startswith(kind))
        for part in db.chunks(ids):
            for number, alias in session.execute(statement, {"part": part}):
                out[f"{kind}{number}"].add(f"{name}:{alias}")
    return out
