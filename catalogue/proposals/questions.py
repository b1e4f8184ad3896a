"""What waits for a claim: computed from its three states, written, brought up to date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from catalogue import db, history
from catalogue.merging import Change, Merge, said, three_way
from catalogue.merging.slots import name_of
from catalogue.models import LIVING, Claim, Notice, Proposal, SourceRecord, SourceVersion
from catalogue.pmb import is_dump_only
from catalogue.unimarc import Fields

CONTENT = ("changes", "category", "why")  # what a person reads of a question
PART = 200  # as many are decided or brought up to date at a time, when nobody must wait for long


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of one claim whose record has said something new.

    `category`: safe, update or conflict (something waits), deleted (its partner says it is gone), or nothing.
    `why`: the code of a sentence, when no rule may apply it.
    """

    claim_id: int
    record_id: int
    notice_id: int
    category: str
    proposal_id: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A claim and its three states, as the database has them."""

    claim: Claim
    notice: Notice
    version_id: int
    deleted: bool
    same: bool  # the source has come back to what was agreed
    theirs: Fields
    said_then: Fields | None  # the version agreed on, or the one they met by
    meeting: bool  # nobody has decided yet what the record says otherwise since the two met

    @property
    def base(self) -> Fields | None:
        """What was agreed; while they meet, what both said alike."""
        if self.said_then is None or not self.meeting:
            return self.said_then
        left_open = set(self.claim.open or ())
        return [f for f in self.said_then if mark([f]) not in left_open]


def propose(
    session: Session,
    *,
    record_ids: Iterable[int] = (),
    claim_ids: Iterable[int] = (),
    run_id: int | None = None,
) -> list[Proposed]:
    """Compare these records with their notices, and let what differs wait. A few statements for 500.

    Where nothing is left to decide (both say the same, or the source has come back to what was agreed), no question
    waits and the base moves. A record that was deleted and is there again speaks again.
    """
    history.turn(session)
    out: list[Proposed] = []
    for part, column in ((list(record_ids), Claim.record_id), (list(claim_ids), Claim.id)):
        for ids in db.chunks(part):
            out += _propose(session, list(find_rows(session, column.in_(ids))), run_id)
    return out


def refresh(
    session: Session, *, notice_ids: Iterable[int] | None = None, claim_ids: Iterable[int] | None = None
) -> int:
    """Bring the questions that are out of date up to date (the notice or the record has moved): how many.

    All of them unless told of which notices, or which claims (those whatever their questions say).
    """
    history.turn(session)
    if claim_ids is not None:
        stale = list(claim_ids)
    else:
        statement = _stale()
        if notice_ids is not None:
            statement = statement.where(Claim.notice_id.in_(list(notice_ids)))
        stale = list(session.scalars(statement))
    for ids in db.chunks(stale):
        _propose(session, list(find_rows(session, Claim.id.in_(ids), settled=True)), None)
    return len(stale)


def keep_up(base: db.Database) -> int:
    """Every night: ask what was never asked (the record has moved, and no question waits), and bring up to date what
    waits. In parts, each written at once, so that nobody waits for long; how many."""
    with base.read() as session:
        claims = sorted({*session.scalars(_stale()), *session.scalars(_unasked())})
    for part in db.by_turns(base, db.chunks(claims, PART)):
        with base.write() as session:
            refresh(session, claim_ids=part)
    return len(claims)


def _unasked() -> Select[int]:
    latest, base = aliased(SourceVersion), aliased(SourceVersion)
    waiting = select(Proposal.id).where(Proposal.claim_id == Claim.id, Proposal.state == "waiting").exists()
    return (
        select(Claim.id)
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(latest, latest.id == SourceRecord.latest_version_id)
        .outerjoin(base, base.id == Claim.base_version_id)
        .where(Claim.state != "split", Notice.status.in_(LIVING), latest.deleted.is_(False), ~waiting)
        .where(or_(base.id.is_(None), base.fingerprint != latest.fingerprint, Claim.state == "withdrawn"))
    )


def _stale() -> Select[int]:
    return (
        select(Proposal.claim_id)
        .join(Claim, Claim.id == Proposal.claim_id)
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .where(Proposal.state == "waiting")
        .where(
            or_(
                Proposal.against_notice_version != Notice.version,
                Proposal.version_id != SourceRecord.latest_version_id,
                Claim.state == "split",
                Notice.status.not_in(LIVING),
            )
        )
        .order_by(Proposal.id)
    )


def find_rows(session: Session, where: Any, *, settled: bool = False) -> Iterator[Row]:
    """`settled`: those too whose last version is the one agreed on."""
    latest, base = aliased(SourceVersion), aliased(SourceVersion)
    statement = (
        select(
            Claim, Notice, latest.id, latest.deleted, latest.fingerprint, latest.fields, base.fingerprint, base.fields
        )
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(latest, latest.id == SourceRecord.latest_version_id)
        .outerjoin(base, base.id == func.coalesce(Claim.base_version_id, Claim.met_version_id))
        .where(where)
        .order_by(Claim.id)
    )
    if not settled:
        whole = Claim.base_version_id
        moved = or_(whole.is_(None), whole != latest.id, Claim.state == "withdrawn")
        statement = statement.where(moved, Claim.state != "split")
    for claim, notice, version_id, deleted, print_, theirs, agreed, said_then in session.execute(statement):
        if not settled and notice.status not in LIVING:
            continue  # not asked of the database: SQLite would begin with every living notice
        meeting = claim.base_version_id is None
        yield Row(claim, notice, version_id, deleted, agreed == print_ and not meeting, theirs, said_then, meeting)


def _propose(session: Session, rows: Sequence[Row], run_id: int | None) -> list[Proposed]:
    """Write what waits for these claims."""
    at = db.now()
    number = _numbering(session)
    questions = waiting_for(session, [row.claim.id for row in rows])
    fresh: list[dict[str, Any]] = []
    out: list[Proposed] = []
    for row in rows:
        claim, question = row.claim, questions.get(row.claim.id)
        speaks = claim.state != "split" and row.notice.status in LIVING
        if speaks and row.deleted:
            drop(question, at)
            if claim.state == "linked":
                claim.gone = claim.gone or number()
                out.append(_outcome(row, "deleted"))
            continue
        claim.gone = None
        if speaks and claim.state == "withdrawn":
            claim.state = "linked"
        is_same = row.same and agreed(row) is row.base
        merge = merged(row, question) if speaks and not is_same else None
        if merge is None or not merge.changes:
            drop(question, at)
            if merge is not None and not merge.bar:
                claim.base_version_id = row.version_id
            if speaks:
                out.append(_outcome(row, "nothing", why=merge.bar if merge else ""))
            continue
        if row.meeting and row.said_then is None and not merge.bar:
            claim.met_version_id = row.version_id
            claim.open = [mark([f]) for change in merge.changes for f in change.theirs]
        kind = "conflict" if merge.bar == "record.other_document" else merge.category
        values: dict[str, Any] = {
            "version_id": row.version_id,
            "against_notice_version": row.notice.version,
            "changes": [written(change) for change in merge.changes],
            "category": kind,
            "why": merge.bar,
        }
        if run_id is not None:
            values["run_id"] = run_id
        if question is None:
            fresh.append({"claim_id": claim.id, "run_id": run_id, "asked": number(), **values})
        else:
            if any(getattr(question, name) != values[name] for name in CONTENT):
                question.asked = number()
            put(question, values)
        out.append(_outcome(row, kind, question.id if question else None, merge.bar))
    session.flush()
    blank = {"kept": {}, "state": "waiting", "created_at": at, "settled_at": None, "settled_by": "", "version": 1}
    ids = db.insert_numbered(session, Proposal, [{**blank, **new} for new in fresh])
    made = {new["claim_id"]: number for new, number in zip(fresh, ids, strict=True)}
    return [
        Proposed(p.claim_id, p.record_id, p.notice_id, p.category, made.get(p.claim_id, p.proposal_id), p.why)
        for p in out
    ]


def _numbering(session: Session) -> Callable[[], int]:
    """One number of the counter of changes for all that is written now, taken when it is needed."""
    taken: list[int] = []

    def number() -> int:
        if not taken:
            taken.extend(history.take(session, "change"))
        return taken[0]

    return number


def _outcome(row: Row, what: str, proposal_id: int | None = None, why: str = "") -> Proposed:
    return Proposed(row.claim.id, row.claim.record_id or 0, row.notice.id, what, proposal_id, why)


def agreed(row: Row) -> Fields | None:
    """The base, and what has been let in of later versions while the rest waited: words of this record alone that the
    base does not say stand for what it said there. Else what it takes back would stay, and nobody be asked."""
    if row.base is None:
        return None
    ours, known = row.notice.fields, set(map(said, row.base))
    let_in = [f for f in ours if f.get("o") == [row.claim.id] and said(f) not in known and not is_dump_only(f)]
    if not let_in:
        return row.base
    slots, has = set(map(name_of, let_in)), set(map(said, ours))
    return [f for f in row.base if name_of(f) not in slots or said(f) in has] + let_in


def merged(row: Row, question: Proposal | None) -> Merge:
    """What differs, without what was decided for ours while the rest waited."""
    merge = three_way(agreed(row), row.notice.fields, row.theirs, claim=row.claim.id, meeting=row.meeting)
    kept = question.kept if question else {}
    if not kept:
        return merge
    left = tuple(c for c in merge.changes if kept.get(c.slot) != mark(c.theirs))
    return replace(merge, changes=left)


def stands(row: Row, question: Proposal) -> bool:
    """Whether neither the notice nor the record has moved since the question was written: it need not be computed
    again, which is most of the time that a decision takes."""
    return (question.against_notice_version, question.version_id) == (row.notice.version, row.version_id)


def as_written(row: Row, question: Proposal) -> Merge:
    return Merge(tuple(map(read, question.changes)), row.theirs, row.claim.id, question.why, row.meeting)


def waiting_for(session: Session, claim_ids: Iterable[int]) -> dict[int, Proposal]:
    out: dict[int, Proposal] = {}
    for part in db.chunks(claim_ids):
        statement = select(Proposal).where(Proposal.claim_id.in_(part), Proposal.state == "waiting")
        out |= {p.claim_id: p for p in session.scalars(statement.order_by(Proposal.id))}
    return out


def drop(question: Proposal | None, at: datetime) -> None:
    if question is not None:
        question.state, question.settled_at = "stale", at


def put(question: Proposal, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(question, name) != value:
            setattr(question, name, value)


# --- a difference as it is kept ---------------------------------------------------------------


def written(change: Change) -> dict[str, Any]:
    return {
        "slot": change.slot,
        "tag": change.tag,
        "nature": change.nature,
        "base": list(change.base),
        "ours": list(change.ours),
        "theirs": list(change.theirs),
        "completed": change.completed,
        "mark": seen(change),
    }


def read(row: Mapping[str, Any]) -> Change:
    return Change(
        row["slot"],
        row["tag"],
        row["nature"],
        tuple(row["base"]),
        tuple(row["ours"]),
        tuple(row["theirs"]),
        row["completed"],
    )


def mark(fields: Iterable[Any]) -> str:
    text = json.dumps(sorted(map(said, fields)), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def seen(change: Change) -> str:
    """What a person saw of a difference: if it is no longer this, it was not seen."""
    return f"{change.nature} {mark(change.ours)} {mark(change.theirs)}"
