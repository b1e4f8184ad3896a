"""Deciding what waits in the inbox: one by one, and by hundreds. Every decision is a lot.

Nothing is decided that was not read: a page sends back the mark of each difference it showed, and when the notice
or their version has moved meanwhile, nothing is written and the page is shown anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import claims, db, history, inbox, joining, judgements, proposals, source_rules
from catalogue.i18n import _
from catalogue.merging import Change, Merge, rules, slot_of
from catalogue.models import LIVING, Batch, Claim, Notice, Proposal, Revision, Source, SourceRecord
from catalogue.proposals import Settled
from catalogue.proposals.questions import as_written, find_rows, merged, seen, stands

# What may be decided by hundreds, by kind: words that a form sends.
ACTS: Mapping[str, tuple[str, ...]] = {
    "candidate": ("publish", "put_aside"),
    "safe": ("accept", "refuse"),
    "update": ("accept", "refuse"),
    "conflict": ("refuse",),
    "deleted": ("note",),
}


# What does it.
DECIDED: Mapping[str, Callable[..., Settled]] = {
    "publish": lambda session, ids, **told: proposals.accept_new(session, notice_ids=ids, **told),
    "put_aside": proposals.put_aside,
    "note": proposals.withdraw,
    "accept": proposals.accept,
    "refuse": proposals.refuse,
}

COUNTED = 500  # questions that a rule would decide, before it is asked for: more are « plus de 500 »
LOOKED_AT = 200  # questions of a lot, to know which rules were at work


@dataclass(frozen=True, slots=True)
class Done:
    """What a decision did. `what`: "done", "later" (nothing was decided), "moved" (what was shown is no longer so),
    "already" (it was said before: no lot) or "gone" (somebody has decided it, or nothing is left to decide)."""

    what: str
    lot: int | None = None
    n: int = 0
    left: int = 0  # went on waiting: changed since, or decided in part
    later: int = 0  # left alone: come after the page was made
    rules: tuple[str, ...] = ()  # in words, those that were added
    no_rule: bool = False  # one was asked for where no rule can say it
    answers: Mapping[str, int] = field(default_factory=dict)  # how many differences, as in `proposals.Settled`


# --- by hundreds -----------------------------------------------------------------------------


def decide_all(
    session: Session,
    kind: str,
    act: str,
    *,
    by: str,
    source: str | None = None,
    run_id: int | None = None,
    seen: int | None = None,
    only: int | None = None,
) -> Done:
    """Decide all of a kind in one lot, of one source and one run where told; `only` is one of them.

    `seen`: `proposals.mark_now` of the page that decides; what has come or was rewritten since is left, and counted.
    What was written here needs what publishing needs, so it is published one by one (`cataloguing.decide`).
    """
    ids = _chosen(session, kind, act, source=source, run_id=run_id, only=only)
    why = _why(kind, source)
    return _done(DECIDED[act](session, ids, by=by, why=why, seen=seen))


def decide_all_in_parts(
    base: db.Database,
    kind: str,
    act: str,
    *,
    by: str,
    source: str | None = None,
    run_id: int | None = None,
    seen: int | None = None,
    only: int | None = None,
) -> Done:
    """The same in sessions of its own, a part at a time, so that a save at the desk waits for no thousands.

    One lot all the same; one who is stopped half-way has a lot that can be undone, and the rest still waits.
    """
    with base.write() as session:
        ids = _chosen(session, kind, act, source=source, run_id=run_id, only=only)
    why = _why(kind, source)
    return _done(
        proposals.in_parts(
            base, ids, lambda session, part, lot: DECIDED[act](session, part, by=by, why=why, batch=lot, seen=seen)
        )
    )


def _chosen(
    session: Session, kind: str, act: str, *, source: str | None, run_id: int | None, only: int | None
) -> list[int]:
    if act not in ACTS.get(kind, ()):
        raise ValueError(f"{kind}: {act}")
    history.turn(session)
    ids = inbox.numbers(session, kind, run_id=run_id, source=source)
    if act == "publish":
        ours = set(inbox.numbers(session, kind, run_id=run_id, source=""))
        ids = [number for number in ids if number not in ours]
    return [number for number in ids if only is None or number == only]


def _why(kind: str, source: str | None) -> str:
    return " : ".join(part for part in (source or "", _(inbox.KINDS[kind])) if part)


def _done(settled: Settled) -> Done:
    lot = settled.batch.id if settled.batch else None
    what, later = "done" if lot else "gone", len(settled.later)
    return Done(what, lot, len(settled.done), len(settled.waiting), later=later, answers=dict(settled.answers))


# --- one difference --------------------------------------------------------------------------


def answer(
    session: Session,
    proposal: Proposal,
    choices: Mapping[str, str],
    marks: Mapping[str, str],
    *,
    by: str,
    always: Collection[tuple[str, str]] = (),
) -> Done:
    """Decide one proposal as chosen: slot -> ours, theirs, both or later. `marks`: slot -> what the page showed.

    `always`: the groups and natures whose choice is to be a rule of that source; what is waiting already is decided by
    it when that is asked for (`apply_rules`). Raises NoAnswer.
    """
    history.turn(session)
    if proposal.state == "waiting":
        proposals.refresh(session, claim_ids=[proposal.claim_id])
    if proposal.state != "waiting":
        return Done("gone")
    changes = proposals.changes_of(proposal)
    if not unchanged(changes, marks):
        return Done("moved")
    told = {c.slot: choices.get(c.slot, "later") if c.slot in marks else "later" for c in changes}
    settled = proposals.accept(session, [proposal.id], {proposal.id: told}, by=by)
    lot = settled.batch.id if settled.batch else None
    said, impossible = rules_said(changes, told, always)
    source = source_of(session, proposal)
    made = source_rules.always(session, source, said, by=by, lot=lot) if said and source else []
    what = "done" if lot else "later"
    return replace(_done(settled), what=what, rules=tuple(made), no_rule=impossible)


def unchanged(changes: Iterable[Change], marks: Mapping[str, str]) -> bool:
    """Whether the differences that were shown are still these; one that was not shown may have come since."""
    now = {c.slot: seen(c) for c in changes}
    return all(now.get(slot) == mark for slot, mark in marks.items())


def rules_said(
    changes: Iterable[Change], told: Mapping[str, str], wanted: Collection[tuple[str, str]]
) -> tuple[dict[tuple[str, str], str], bool]:
    """What « toujours » makes of these choices: (group, nature) -> accept or ours; and whether one says no rule
    (both, or one thing here and another there)."""
    said: dict[tuple[str, str], set[str]] = {}
    for change in changes:
        if (change.group, change.nature) in wanted and told.get(change.slot, "later") != "later":
            answered = source_rules.rule_of(change.nature, told[change.slot])
            said.setdefault((change.group, change.nature), set()).add(answered)
    clear = {key: next(iter(answers)) for key, answers in said.items() if len(answers) == 1 and "" not in answers}
    return clear, len(clear) < len(said)


def _met_before(column: Any) -> Any:
    """Questions of notices and records that have met before: no rule decides a first meeting, so nothing is worked
    out for one."""
    return select(column).join(Claim, Claim.id == Proposal.claim_id).where(Claim.base_version_id.is_not(None))


def would_decide(session: Session, source: Source, said: Mapping[tuple[str, str], str], *, but: int = 0) -> int:
    """How many questions of a source that wait these rules would answer, in part at least; `but` one of them.

    Nobody needs to know of more than `COUNTED`: what is more than that is one more.
    """
    table = source_rules.with_lines({}, said)
    ids = [n for kind in proposals.CATEGORIES for n in inbox.numbers(session, kind, source=source.name) if n != but]
    n = 0
    for part in db.chunks(ids, COUNTED):
        if n > COUNTED:
            break
        asked = {
            p.claim_id: p
            for p in session.scalars(_met_before(Proposal).where(Proposal.id.in_(part)))
            if any((c.group, c.nature) in said for c in proposals.changes_of(p))
        }
        rows = list(find_rows(session, Claim.id.in_(list(asked)))) if asked else []
        mine = claims.of_sources(session, [row.notice.id for row in rows])
        for row in rows:
            claims_of_source = mine.get((row.notice.id, source.id), set())
            question = asked[row.claim.id]
            merge = as_written(row, question) if stands(row, question) else merged(row, question)
            n += bool(rules.decide(merge, table, claims_of_source))
    return min(n, COUNTED + 1)


def rules_behind(session: Session, lot: Batch) -> list[source_rules.Line]:
    """The rules that a lot was decided by, or that were added with it, and that are still there: whoever takes it
    back may want them away too, for the next harvest would decide the same."""
    found: dict[source_rules.Line, None] = {}
    for source in session.scalars(select(Source).where(Source.removed_at.is_(None)).order_by(Source.name)):
        found |= dict.fromkeys(source_rules.made_with(source, lot.id))
    if lot.kind == "rule":
        asked = (
            select(Proposal.changes, Source)
            .join(Revision, (Revision.entity_id == Proposal.id) & (Revision.entity == "proposal"))
            .join(Claim, Claim.id == Proposal.claim_id)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .where(Revision.batch_id == lot.id)
            .limit(LOOKED_AT)
        )
        for written, source in session.execute(asked):
            for change in written:
                line = source_rules.line_about(source, slot_of(change["tag"]).group, change["nature"])
                found |= {line: None} if line else {}
    return list(found)


def source_of(session: Session, proposal: Proposal) -> Source | None:
    return session.scalar(
        select(Source)
        .join(SourceRecord, SourceRecord.source_id == Source.id)
        .join(Claim, Claim.record_id == SourceRecord.id)
        .where(Claim.id == proposal.claim_id)
    )


def apply_rules(base: db.Database, source_id: int, *, by: str) -> Done:
    """Let a source's rules decide what waits of it, in one lot, a part at a time (`decide_all_in_parts`); `n` are those
    decided, in part at least."""
    with base.read() as session:
        name = session.get_one(Source, source_id).name
        ids = [n for kind in proposals.CATEGORIES for n in inbox.numbers(session, kind, source=name)]
        met = [_met_before(Proposal.claim_id).where(Proposal.id.in_(part)) for part in db.chunks(ids)]
        asked = [claim for statement in met for claim in session.scalars(statement.order_by(Proposal.id))]

    def decide(session: Session, part: list[int], lot: Batch | None) -> Settled:
        why = proposals.rule_why(session.get_one(Source, source_id))
        batch = lambda: lot or history.open_batch(session, "rule", by=by, why=why)  # noqa: E731
        return proposals.apply_rules(session, part, batch=batch, by=by)

    settled = proposals.in_parts(base, asked, decide)
    if settled.batch is None:
        return Done("gone")
    touched = select(func.count()).where(Revision.batch_id == settled.batch.id, Revision.entity == "proposal")
    with base.read() as session:
        return replace(_done(settled), n=session.scalar(touched) or 0)


def has_rules(source: Source) -> bool:
    return bool(rules.of_source(source.rules))


# --- two notices -----------------------------------------------------------------------------


def in_order(left: Notice, right: Notice) -> tuple[Notice, Notice]:
    """The one that stays and the one that goes into it: a candidate into ours, else the younger into the older."""
    first, second = sorted((left, right), key=lambda n: (n.status == "candidate", n.id))
    return first, second


def compared(left: Notice, right: Notice) -> Merge:
    """What the one that stays would take over."""
    return joining.compare(*in_order(left, right))


def join(
    session: Session,
    left: Notice,
    right: Notice,
    choices: Mapping[str, str] | None = None,
    marks: Mapping[str, str] | None = None,
    *,
    by: str,
) -> Done:
    """« C’est la même »: one notice is made of both. `marks` as in `answer`; without them nothing had been shown."""
    history.turn(session)
    if left.status not in LIVING or right.status not in LIVING or left.id == right.id:
        return Done("gone")
    survivor, loser = in_order(left, right)
    if marks is not None and not unchanged(joining.compare(survivor, loser).changes, marks):
        return Done("moved")
    batch = history.open_batch(session, joining.JOIN, by=by)
    judgement = None
    for asked in inbox.unsure_between(session, survivor, loser):
        if judgement is None:
            judgement = judgements.judge(session, asked.left, asked.right, "same", by=by, batch=batch)
        else:
            judgements.revoke(session, asked, by=by, batch=batch)
    joining.merge(session, survivor, loser, choices, by=by, judgement=judgement, batch=batch)
    return Done("done", batch.id, 1)


def tell_apart(session: Session, left: Notice, right: Notice, *, by: str) -> Done:
    """« Ce n’est pas la même »: remembered, never asked again."""
    if left.status not in LIVING or right.status not in LIVING or left.id == right.id:
        return Done("gone")
    asked = inbox.unsure_between(session, left, right)
    ends = f"notice:{left.id}", f"notice:{right.id}"
    known = judgements.verdict(session, [ends]).get(ends)
    if not asked and known is not None and known.verdict == "different":
        return Done("already")
    batch = history.open_batch(session, "judge", by=by)
    for judgement in asked:
        judgements.judge(session, judgement.left, judgement.right, "different", by=by, batch=batch)
    if not asked:
        joining.decide(session, left, right, "different", by=by, batch=batch)
    return Done("done", batch.id, 1)


def separate(session: Session, loser: Notice, *, by: str) -> Done:
    """« Séparer »: both are there again, and are not proposed as one any more."""
    history.turn(session)
    joining.unmerge(session, loser, by=by, different=True)
    return Done("done", _lot_of(session, "notice", loser.id), 1)


def part(session: Session, claim: Claim, *, by: str) -> tuple[Done, Notice]:
    """« Ce n’est pas la même », of a record and the notice it was joined to: the candidate that is made of it."""
    history.turn(session)
    made = joining.not_the_same(session, claim, by=by)
    return Done("done", _lot_of(session, "claim", claim.id), 1), made


def _lot_of(session: Session, entity: str, number: int) -> int:
    """The lot that has just changed this: a refusal must not leave an empty one behind."""
    return history.revisions_of(session, entity, number)[0][1].id
