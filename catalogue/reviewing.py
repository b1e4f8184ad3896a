"""Deciding what waits in the inbox: one by one, and by hundreds. Every decision is a lot.

Nothing is decided that was not read: a page sends back the mark of each difference it showed, and when the notice
or their version has moved meanwhile, nothing is written and the page is shown anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, inbox, joining, judgements, notices, proposals, source_rules
from catalogue.i18n import _
from catalogue.joining import NotMergeable
from catalogue.merging import Change, Merge, rules
from catalogue.models import Batch, Claim, Notice, Proposal, Source, SourceRecord
from catalogue.proposals import LIVING
from catalogue.proposals.questions import seen

# What may be decided by hundreds, by kind: words that a form sends.
ACTS: Mapping[str, tuple[str, ...]] = {
    "candidate": ("publish", "put_aside"),
    "safe": ("accept", "refuse"),
    "update": ("accept", "refuse"),
    "conflict": ("refuse",),
    "deleted": ("note",),
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a decision did. `what`: "done", "later" (nothing was decided), "moved" (what was shown is no longer so)
    or "gone" (somebody has decided it, or nothing is left to decide)."""

    what: str
    lot: int | None = None
    n: int = 0
    left: int = 0  # went on waiting: changed since
    rules: tuple[str, ...] = ()  # in words, those that were added
    no_rule: bool = False  # one was asked for where no rule can say it


# --- by hundreds -----------------------------------------------------------------------------


def decide_all(
    session: Session,
    kind: str,
    act: str,
    *,
    by: str,
    source: str | None = None,
    run_id: int | None = None,
    until: int | None = None,
    only: int | None = None,
) -> Done:
    """Decide all of a kind in one lot, of one source and one run where told, up to what the page had counted; `only`
    is one of them.

    What was written here needs what publishing needs, so it is published one by one (`cataloguing.decide`).
    """
    if act not in ACTS.get(kind, ()):
        raise ValueError(f"{kind}: {act}")
    ids = inbox.numbers(session, kind, run_id=run_id, source=source, until=until)
    if act == "publish":
        ours = set(inbox.numbers(session, kind, run_id=run_id, source=""))
        ids = [number for number in ids if number not in ours]
    if only is not None:
        ids = [number for number in ids if number == only]
    why = " : ".join(part for part in (source or "", _(inbox.KINDS[kind])) if part)
    if act == "publish":
        settled = proposals.accept_new(session, by=by, notice_ids=ids, why=why)
        return _done(settled.batch, len(settled.notices), 0)
    if act == "put_aside":
        return _put_aside(session, ids, by=by, why=why)
    if act == "note":
        settled = proposals.withdraw(session, ids, by=by, why=why)
    elif act == "accept":
        settled = proposals.accept(session, ids, by=by, why=why)
    else:
        settled = proposals.refuse(session, ids, by=by, why=why)
    return _done(settled.batch, len(settled.done), len(settled.waiting))


def _done(batch: Batch | None, n: int, left: int) -> Done:
    return Done("done" if batch else "gone", batch.id if batch else None, n, left)


def _put_aside(session: Session, ids: Iterable[int], *, by: str, why: str) -> Done:
    batch: Batch | None = None
    n = 0
    for part in db.chunks(ids):
        batch = batch or history.open_batch(session, "put_aside", by=by, why=why)
        found = session.scalars(select(Notice).where(Notice.id.in_(part)).order_by(Notice.id)).all()
        rows = [(notice, notice.fields, "withdrawn") for notice in found]
        n += len(notices.settle_many(session, rows, batch=batch))
    return _done(batch, n, 0)


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

    `always`: the groups and natures whose choice is to be a rule of that source.
    """
    if proposal.state == "waiting":
        proposals.refresh(session, claim_ids=[proposal.claim_id])
    if proposal.state != "waiting":
        return Done("gone")
    changes = proposals.changes_of(proposal)
    if not unchanged(changes, marks):
        return Done("moved")
    told = {c.slot: choices.get(c.slot, "later") if c.slot in marks else "later" for c in changes}
    settled = proposals.accept(session, [proposal.id], {proposal.id: told}, by=by)
    made, impossible = _always(session, proposal, changes, told, always, by=by)
    return Done(
        "done" if settled.batch else "later",
        settled.batch.id if settled.batch else None,
        len(settled.done),
        len(settled.waiting),
        tuple(made),
        impossible,
    )


def unchanged(changes: Iterable[Change], marks: Mapping[str, str]) -> bool:
    """Whether the differences that were shown are still these; one that was not shown may have come since."""
    now = {c.slot: seen(c) for c in changes}
    return all(now.get(slot) == mark for slot, mark in marks.items())


def _always(
    session: Session,
    proposal: Proposal,
    changes: Iterable[Change],
    told: Mapping[str, str],
    wanted: Collection[tuple[str, str]],
    *,
    by: str,
) -> tuple[list[str], bool]:
    said: dict[tuple[str, str], set[str]] = {}
    for change in changes:
        if (change.group, change.nature) in wanted and told[change.slot] != "later":
            answered = source_rules.rule_of(change.nature, told[change.slot])
            said.setdefault((change.group, change.nature), set()).add(answered)
    clear = {key: next(iter(answers)) for key, answers in said.items() if len(answers) == 1 and "" not in answers}
    source = source_of(session, proposal)
    made = source_rules.always(session, source, clear, by=by) if clear and source else []
    return made, len(clear) < len(said)


def source_of(session: Session, proposal: Proposal) -> Source | None:
    return session.scalar(
        select(Source)
        .join(SourceRecord, SourceRecord.source_id == Source.id)
        .join(Claim, Claim.record_id == SourceRecord.id)
        .where(Claim.id == proposal.claim_id)
    )


def apply_rules(session: Session, source: Source, *, by: str) -> Done:
    """Let a source's rules decide what waits of it, in one lot."""
    ids = [n for kind in proposals.CATEGORIES for n in inbox.numbers(session, kind, source=source.name)]
    claims = [
        claim
        for part in db.chunks(ids)
        for claim in session.scalars(select(Proposal.claim_id).where(Proposal.id.in_(part)).order_by(Proposal.id))
    ]
    opened: list[Batch] = []

    def lot() -> Batch:
        if not opened:
            opened.append(history.open_batch(session, "rule", by=by, why=proposals.rule_why(source)))
        return opened[0]

    settled = proposals.apply_rules(session, claims, batch=lot, by=by)
    return _done(settled.batch, len(settled.done), 0)


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
    if left.id == right.id:
        return Done("gone")
    batch = history.open_batch(session, "judge", by=by)
    asked = inbox.unsure_between(session, left, right)
    for judgement in asked:
        judgements.judge(session, judgement.left, judgement.right, "different", by=by, batch=batch)
    if not asked:
        joining.decide(session, left, right, "different", by=by, batch=batch)
    return Done("done", batch.id, 1)


def separate(session: Session, loser: Notice, *, by: str) -> Done:
    """« Séparer »: both are there again, and are not proposed as one any more."""
    batch = history.open_batch(session, joining.SPLIT, by=by)
    joining.unmerge(session, loser, by=by, different=True, batch=batch)
    return Done("done", batch.id, 1)


def why_not_separate(refusal: NotMergeable) -> str:
    words = {
        "not_merged": _("Ces notices sont déjà séparées."),
        "survivor_merged": _("La notice a été réunie avec une autre depuis : séparez d’abord celles-là."),
    }
    return words.get(refusal.code, _("Cette notice ne peut pas être réunie ni séparée."))
