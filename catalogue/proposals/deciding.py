"""Deciding proposals, and taking it back: always in a lot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from catalogue import claims, db, history, notices
from catalogue.history import Change as Changed
from catalogue.merging import Merge, apply, check_choices, check_words, rules
from catalogue.models import Batch, Claim, Notice, Proposal, Source, SourceRecord
from catalogue.proposals.questions import (
    PART,
    Row,
    as_written,
    drop,
    find_rows,
    mark,
    merged,
    refresh,
    seen,
    stands,
    waiting_for,
)
from catalogue.proposals.reading import candidates, of_deleted, of_waiting
from catalogue.unimarc import Fields

Decisions = Mapping[int, Mapping[str, str]]  # proposal -> slot -> ours, theirs, both or later


@dataclass(slots=True)
class Settled:
    """What a decision did: the lot (None when nothing was decided), and what became of each thing that was to be
    decided, proposal, candidate (by its notice) or deleted record (by its claim): it is in one of the lists."""

    batch: Batch | None = None
    done: list[int] = field(default_factory=list)  # decided as a whole
    waiting: list[int] = field(default_factory=list)  # decided in part, or changed since they were read
    later: list[int] = field(default_factory=list)  # asked after the page was made that decides
    gone: list[int] = field(default_factory=list)  # « déjà décidé », or nothing is left to decide
    notices: list[int] = field(default_factory=list)  # those that changed
    # How many differences were answered, by nature (« add ») where something was taken over, "ours" where nothing was.
    answers: Counter[str] = field(default_factory=Counter)


def accept(
    session: Session,
    ids: Iterable[int],
    decisions: Decisions | None = None,
    *,
    by: str,
    why: str = "",
    batch: Batch | None = None,
    seen: int | None = None,
) -> Settled:
    """Decide these proposals in one lot: by slot as told, the rest as preselected.

    What was not shown like this goes on waiting; « later » lets a difference wait. `seen`: `mark_now` of the page
    that decides; what was written since is left alone. Raises NoAnswer.
    """
    told = decisions or {}
    for answers in told.values():
        check_words(answers)

    def decide(proposal: Proposal, _row: Row, merge: Merge) -> dict[str, str]:
        return merge.preselected() | dict(told.get(proposal.id, {}))

    return _settle(session, ids, decide, "accept", by, why, batch, until=seen)


def refuse(
    session: Session,
    ids: Iterable[int],
    *,
    by: str,
    why: str = "",
    batch: Batch | None = None,
    seen: int | None = None,
) -> Settled:
    """Keep ours in all that these propose: remembered, and not asked again of this version. `seen` as in `accept`."""

    def decide(_proposal: Proposal, _row: Row, merge: Merge) -> dict[str, str]:
        return {change.slot: "ours" for change in merge.changes}

    return _settle(session, ids, decide, "refuse", by, why, batch, until=seen)


def accept_safe(
    session: Session,
    *,
    by: str,
    source: str = "",
    run_id: int | None = None,
    why: str = "",
    batch: Batch | None = None,
    seen: int | None = None,
) -> Settled:
    """« Accepter les N sûrs »: every proposal that only adds, in one lot. `seen` as in `accept`."""
    history.turn(session)
    statement = of_waiting(select(Proposal.id), "safe", source, run_id).order_by(Proposal.id)
    return accept(session, session.scalars(statement).all(), by=by, why=why, batch=batch, seen=seen)


def accept_new(
    session: Session,
    *,
    by: str,
    notice_ids: Iterable[int] | None = None,
    source: str = "",
    run_id: int | None = None,
    why: str = "",
    batch: Batch | None = None,
    seen: int | None = None,
) -> Settled:
    """Publish candidates, in one lot: those told, or all of a source or a run. `seen` as in `accept`."""
    history.turn(session)
    waiting = candidates(source, run_id)
    wanted = list(session.scalars(waiting)) if notice_ids is None else notice_ids
    return _settle_new(session, wanted, waiting, "published", "accept", by, why, batch, seen)


def put_aside(
    session: Session,
    notice_ids: Iterable[int],
    *,
    by: str,
    why: str = "",
    batch: Batch | None = None,
    seen: int | None = None,
) -> Settled:
    """Withdraw candidates, in one lot. `seen` as in `accept`."""
    history.turn(session)
    return _settle_new(session, notice_ids, candidates("", None), "withdrawn", "put_aside", by, why, batch, seen)


def _settle_new(
    session: Session,
    notice_ids: Iterable[int],
    waiting: Select[int],
    status: str,
    kind: str,
    by: str,
    why: str,
    batch: Batch | None,
    seen: int | None,
) -> Settled:
    out = Settled(batch)
    for part in db.chunks(dict.fromkeys(notice_ids)):
        still = waiting.where(Notice.id.in_(part))
        found = session.scalars(select(Notice).where(Notice.id.in_(still)).order_by(Notice.id)).all()
        out.gone += sorted(set(part) - {notice.id for notice in found})
        rows = [(notice, notice.fields, status) for notice in found if seen is None or notice.changed_seq <= seen]
        out.later += sorted({notice.id for notice in found} - {notice.id for notice, _fields, _status in rows})
        if rows:
            out.batch = out.batch or history.open_batch(session, kind, by=by, why=why)
            out.notices += [n.id for n in notices.settle_many(session, rows, batch=out.batch)]
    out.done = list(out.notices)
    return out


def apply_rules(session: Session, claim_ids: Iterable[int], *, batch: Callable[[], Batch], by: str = "rule") -> Settled:
    """Let the rules of each source decide what they may of what waits for these claims; the rest goes on waiting.

    `batch` gives the lot of the run (kind « rule »), opened when a rule applies; its `why` should be `rule_why`, so
    that each value can say « repris de RECI par une règle ».
    """
    history.turn(session)
    table = {claim_id: row for claim_id, row in _rules_of(session, claim_ids).items() if row[1]}
    questions = waiting_for(session, table)
    mine = claims.of_sources(session, _notices_of(session, questions))

    def decided(proposal: Proposal, row: Row, merge: Merge) -> dict[str, str]:
        source_id, told = table[proposal.claim_id]
        answers = rules.decide(merge, told, mine.get((row.notice.id, source_id), set()))
        return {c.slot: answers.get(c.slot, "later") for c in merge.changes}

    ids = [question.id for question in questions.values() if not question.why]
    return _settle(session, ids, decided, "rule", by, "", None, opened=batch)


def rule_why(source: Source) -> str:
    """What the lot of a rule says of itself: « RECI : Sujets, ce qu’ils ajoutent… : prendre le leur »."""
    return f"{source.name} : {' ; '.join(rules.sentences(rules.of_source(source.rules)))}"


def withdraw(
    session: Session,
    claim_ids: Iterable[int],
    *,
    by: str,
    why: str = "",
    batch: Batch | None = None,
    seen: int | None = None,
) -> Settled:
    """Take note that partners have deleted these records: their claims no longer speak, every value stays.

    A record that is there again speaks on. `seen` as in `accept`.
    """
    history.turn(session)
    out = Settled(batch)
    for part in db.chunks(dict.fromkeys(claim_ids)):
        statement = of_deleted(select(Claim), "", None).where(Claim.id.in_(part))
        found = session.scalars(statement).all()
        out.gone += sorted(set(part) - {claim.id for claim in found})
        ready = [claim for claim in found if seen is None or (claim.gone or 0) <= seen]
        out.later += sorted({claim.id for claim in found} - {claim.id for claim in ready})
        if ready:
            out.batch = out.batch or history.open_batch(session, "withdraw", by=by, why=why)
            done = claims.put_many(session, [(claim, {"state": "withdrawn"}) for claim in ready], batch=out.batch)
            out.done += [claim.id for claim in done]
    return out


def restore_many(session: Session, rows: Sequence[tuple[Proposal, Mapping[str, Any] | None]], *, batch: Batch) -> None:
    """Put questions back as a revision found them, and up to date with notices and records as they stand now."""
    history.turn(session)
    (number,) = history.take(session, "change")
    put, touched = [], []
    for proposal, before in rows:
        back = {"state": "stale"} if before is None else before
        settled_at = None if back["state"] == "waiting" else batch.at
        put.append((proposal, {**back, "settled_at": settled_at, "asked": number}))
        touched.append(Changed("proposal", proposal.id, proposal.version + 1, snapshot(proposal)))
    db.update_rows(session, put)
    history.record(session, batch, touched)
    refresh(session, claim_ids=_one_question_each(session, [p for p, _before in rows]))


def snapshot(proposal: Proposal) -> dict[str, Any]:
    return {"state": proposal.state, "kept": proposal.kept, "settled_by": proposal.settled_by}


def _one_question_each(session: Session, restored: Sequence[Proposal]) -> list[int]:
    """The claims of these; where a later question waits already, the one that came back gives way to it."""
    ids = sorted({p.claim_id for p in restored})
    latest = waiting_for(session, ids)
    for proposal in restored:
        if proposal.state == "waiting" and latest[proposal.claim_id].id != proposal.id:
            drop(proposal, db.now())
    return ids


# --- the parts of a decision -----------------------------------------------------------------

_Decide = Callable[[Proposal, Row, Merge], Mapping[str, str]]


def _settle(
    session: Session,
    ids: Iterable[int],
    decide: _Decide,
    kind: str,
    by: str,
    why: str,
    batch: Batch | None,
    *,
    opened: Callable[[], Batch] | None = None,
    until: int | None = None,
) -> Settled:
    """Decide proposals in one lot. Two of one notice are decided one after the other."""
    history.turn(session)
    out = Settled(batch)

    def lot() -> Batch:
        if out.batch is None:
            out.batch = opened() if opened else history.open_batch(session, kind, by=by, why=why)
        return out.batch

    for part in db.chunks(dict.fromkeys(ids)):
        waiting = select(Proposal).where(Proposal.id.in_(part), Proposal.state == "waiting").order_by(Proposal.id)
        found = {p.id: p for p in session.scalars(waiting)}
        out.gone += [number for number in part if number not in found]
        out.later += [p.id for p in found.values() if until is not None and p.asked > until]
        questions = {p.claim_id: p for p in found.values() if until is None or p.asked <= until}
        left = list(find_rows(session, Claim.id.in_(list(questions)))) if questions else []
        gone = questions.keys() - {row.claim.id for row in left}
        while left:
            now = {row.notice.id: row for row in reversed(left)}
            left = [row for row in left if now[row.notice.id] is not row]
            _settle_some(session, list(now.values()), questions, decide, out, lot, by)
        refresh(session, claim_ids=gone)  # nothing to decide any more: the source or the notice has moved
        settled = {questions[claim_id].id for claim_id in gone}
        settled |= {n for n in out.waiting if n in found and found[n].state != "waiting"}
        out.waiting = [n for n in out.waiting if n not in settled]
        out.gone += sorted(settled)
    return out


def _settle_some(
    session: Session,
    rows: Sequence[Row],
    questions: Mapping[int, Proposal],
    decide: _Decide,
    out: Settled,
    lot: Callable[[], Batch],
    by: str,
) -> None:
    """Decide proposals of as many notices."""
    fields: list[tuple[Notice, Fields, str]] = []
    bases: list[tuple[Claim, Mapping[str, Any]]] = []
    turned: list[Changed] = []
    again: list[int] = []
    for row in sorted(rows, key=lambda row: row.claim.id):
        question = questions[row.claim.id]
        merge = as_written(row, question) if stands(row, question) else merged(row, question)
        told = decide(question, row, merge)
        read = _shown(row, question, merge)
        check_choices([c for c in merge.changes if c.slot in read], told)
        choices = {c.slot: told.get(c.slot, "later") if c.slot in read else "later" for c in merge.changes}
        if row.deleted or set(choices.values()) <= {"later"}:
            out.waiting.append(question.id)
            again.append(row.claim.id)
            continue
        batch = lot()
        before = snapshot(question)
        answered = [(c.nature, choices[c.slot]) for c in merge.changes if choices[c.slot] != "later"]
        out.answers.update("ours" if choice == "ours" else nature for nature, choice in answered)
        taken = {slot for slot, choice in choices.items() if choice in ("theirs", "both")}
        if taken:
            fields.append((row.notice, apply(row.notice.fields, merge, choices), ""))
        if "later" in choices.values():
            kept = {c.slot: mark(c.theirs) for c in merge.changes if choices[c.slot] in ("ours", "both")}
            question.kept = {**question.kept, **kept}
            out.waiting.append(question.id)
            again.append(row.claim.id)
        else:
            question.state = "accepted" if taken else "refused"
            question.settled_at, question.settled_by = batch.at, by
            bases.append((row.claim, {"base_version_id": row.version_id}))
            out.done.append(question.id)
        question.version += 1
        turned.append(Changed("proposal", question.id, question.version, before))
    if turned:
        out.notices += [n.id for n in notices.settle_many(session, fields, batch=lot())]
        claims.put_many(session, bases, batch=lot())
        history.record(session, lot(), turned)
    if again:
        refresh(session, claim_ids=again)


def in_parts(
    base: db.Database,
    ids: Iterable[int],
    act: Callable[[Session, list[int], Batch | None], Settled],
    *,
    size: int = PART,
) -> Settled:
    """Decide many in one lot, a part at a time, each written at once: nobody else waits for long, and one killed
    half-way leaves a lot that can be undone. A lot that is undone meanwhile is not continued: the rest waits.

    `act` decides a part: `lambda session, part, lot: accept(session, part, by=by, batch=lot, seen=seen)`.
    """
    out = Settled()
    for part in db.by_turns(base, db.chunks(ids, size)):
        with base.write() as session:
            history.turn(session)
            lot = session.get(Batch, out.batch.id) if out.batch else None
            if lot and session.scalar(select(Batch.id).where(Batch.undoes_id == lot.id)):
                out.waiting += part
                continue
            some = act(session, part, lot)
        out.batch = some.batch or out.batch
        for name in ("done", "waiting", "later", "gone", "notices"):
            getattr(out, name).extend(getattr(some, name))
        out.answers.update(some.answers)
    return out


def _shown(row: Row, question: Proposal, merge: Merge) -> set[str]:
    """The slots of these differences that a person has seen like this."""
    if stands(row, question):
        return {change.slot for change in merge.changes}
    shown = {c["slot"]: c["mark"] for c in question.changes}
    return {change.slot for change in merge.changes if shown.get(change.slot) == seen(change)}


def _rules_of(session: Session, claim_ids: Iterable[int]) -> dict[int, tuple[int, rules.Rules]]:
    """Claim -> its source, and that source's table."""
    out: dict[int, tuple[int, rules.Rules]] = {}
    for part in db.chunks(claim_ids):
        statement = (
            select(Claim.id, Source.id, Source.rules)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .where(Claim.id.in_(part))
        )
        for claim_id, source_id, kept in session.execute(statement):
            out[claim_id] = (source_id, rules.of_source(kept))
    return out


def _notices_of(session: Session, claim_ids: Iterable[int]) -> list[int]:
    out: list[int] = []
    for part in db.chunks(claim_ids):
        out += session.scalars(select(Claim.notice_id).where(Claim.id.in_(part)))
    return out
