"""What of a lot can still be put back: what nobody has touched since, and nothing else holds on to.

`catalogue.lots` undoes; here is what it may undo, row by row, and what it leaves and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import authorities, claims, db, digital, history, items, judgements, notices, periodicals, proposals
from catalogue.models import (
    LIVING,
    Agent,
    Batch,
    Claim,
    ClassificationEntry,
    Concept,
    DigitalDocument,
    ExpectedIssue,
    Item,
    Judgement,
    Notice,
    NoticeLink,
    Proposal,
    Revision,
    SourceRecord,
    Subscription,
)


def _restore_concepts(session: Session, rows: list[tuple[Any, Any]], *, batch: Batch) -> None:
    authorities.restore_concepts(session, rows, batch=batch)
    notices.relink_concepts(session, [concept.id for concept, _before in rows])


def _restore_documents(session: Session, rows: list[tuple[Any, Any]], *, batch: Batch) -> None:
    digital.restore_many(session, rows, batch=batch)
    notices.queue_index(session, {document.notice_id for document, _before in rows})


# entity -> (table, how to put its rows back). Authorities first: notices are linked to them as they are projected;
# claims before notices, whose links lead by their sources' numbers; the index is told of copies by their notices'
# status; questions last, as they compare what stands then.
RESTORERS: dict[str, tuple[type[Any], Callable[..., None]]] = {
    "agent": (Agent, authorities.restore_agents),
    "concept": (Concept, _restore_concepts),
    "class": (ClassificationEntry, authorities.restore_classes),
    "claim": (Claim, claims.restore_many),
    "notice": (Notice, notices.restore_many),
    "item": (Item, items.restore_many),
    "document": (DigitalDocument, _restore_documents),
    "judgement": (Judgement, judgements.restore_many),
    "proposal": (Proposal, proposals.restore_many),
    "subscription": (Subscription, periodicals.restore_subscriptions),
    "expected": (ExpectedIssue, periodicals.restore_expected),
}

SNAPSHOTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "agent": authorities.snapshot_agent,
    "concept": authorities.snapshot_concept,
    "class": authorities.snapshot_class,
    "claim": claims.snapshot,
    "notice": notices.snapshot,
    "item": items.snapshot,
    "document": digital.snapshot,
    "judgement": judgements.snapshot,
    "proposal": proposals.snapshot,
    "subscription": periodicals.snapshot_subscription,
    "expected": periodicals.snapshot_expected,
}


@dataclass(frozen=True, slots=True)
class Left:
    """A row that undo did not touch: why, and by which later lot."""

    entity: str
    entity_id: int
    label: str
    code: str  # "changed_since" | "barcode_taken" | "used_since" | "unknown_kind"
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Touched:
    """A row of the lot: how it was before, and its version after."""

    entity: str
    entity_id: int
    before: Mapping[str, Any] | None
    version: int


Rows = dict[str, set[int]]  # entity -> ids

# What can still be put back: entity -> id -> (the row, how it was before the lot).
Plan = dict[str, dict[int, tuple[Any, Mapping[str, Any] | None]]]


def make(
    session: Session, batch: Batch, left: list[Left], *, only: Rows | None, half: Batch | None, together: bool
) -> Plan:
    """What can be put back; the rest is listed in `left`. Of some rows `only`, without what is `half` done; `together`:
    all of it or nothing."""
    plan = _untouched(session, batch, left, only, half)
    _leave_silent(session, plan, left)
    if left and together:
        _leave_all(plan, left)
    _leave_agreements(session, plan, left)
    _leave_barcodes(session, plan["item"], left)
    _leave_used(session, batch, plan, left)
    _leave_named(session, batch, plan, left)
    return plan


def _untouched(session: Session, batch: Batch, left: list[Left], only: Rows | None, half: Batch | None) -> Plan:
    """What nobody has touched since."""
    plan: Plan = {entity: {} for entity in RESTORERS}
    touched: dict[str, list[_Touched]] = {}
    for t in _touched(session, batch, only, half):
        touched.setdefault(t.entity, []).append(t)
    for entity, changes in touched.items():
        if entity not in RESTORERS:
            left += [Left(entity, t.entity_id, f"{entity} {t.entity_id}", "unknown_kind") for t in changes]
            continue
        found = _load(session, RESTORERS[entity][0], [t.entity_id for t in changes])
        moved = {t.entity_id: t.version for t in changes if (r := found.get(t.entity_id)) and r.version != t.version}
        back = _back_as_it_was(session, entity, moved, found)
        changed = []
        for t in changes:
            row = found.get(t.entity_id)
            if row is not None and (row.version == t.version or t.entity_id in back):
                plan[entity][t.entity_id] = (row, t.before)
            else:
                changed.append(t.entity_id)
        who = _touched_since(session, batch, entity, changed)
        left += [left_of(entity, i, found.get(i), "changed_since", who.get(i, "")) for i in changed]
    return plan


def _back_as_it_was(session: Session, entity: str, moved: Mapping[int, int], rows: Mapping[int, Any]) -> set[int]:
    """Among rows that have moved since a version, those that stand again as that version left them.

    Taking back the third lot, then the second, then the first must work: what the later ones did is undone.
    """
    snapshot = SNAPSHOTS[entity]
    after: dict[int, Any] = {}  # the state that version left: the `before` of the first revision behind it
    for part in db.chunks(sorted(moved)):
        statement = (
            select(Revision.entity_id, Revision.version, Revision.before)
            .where(Revision.entity == entity, Revision.entity_id.in_(part))
            .order_by(Revision.id)
        )
        for entity_id, version, before in session.execute(statement):
            if version > moved[entity_id]:
                after.setdefault(entity_id, before)
    return {entity_id for entity_id, state in after.items() if state == snapshot(rows[entity_id])}


def _touched(session: Session, batch: Batch, only: Rows | None, half: Batch | None) -> list[_Touched]:
    """The rows of a lot, in the order it came to them; a row changed twice goes back to before the first time."""
    rows: dict[tuple[str, int], _Touched] = {}
    columns = Revision.entity, Revision.entity_id, Revision.before, Revision.version
    of_lot = select(*columns).where(Revision.batch_id == batch.id)
    some = [of_lot] if only is None else [select(*columns).where(Revision.id.in_(p)) for p in _of(session, batch, only)]
    done = _done(session, half, only) if half is not None else set()
    for statement in some:
        for entity, entity_id, before, version in session.execute(statement.order_by(Revision.id)):
            first = rows.get((entity, entity_id))
            rows[entity, entity_id] = _Touched(entity, entity_id, first.before if first else before, version)
    return [touched for key, touched in rows.items() if key not in done]


def _of(session: Session, batch: Batch, only: Rows) -> Iterator[list[int]]:
    """The revisions of some rows in a lot. Found by the rows: a lot may have a hundred times as many."""
    found = [number for number, _key, lot in _revisions(session, only) if lot == batch.id]
    yield from db.chunks(sorted(found))


def _done(session: Session, half: Batch, only: Rows | None) -> set[tuple[str, int]]:
    if only is not None:
        return {key for _number, key, lot in _revisions(session, only) if lot == half.id}
    rows = session.execute(select(Revision.entity, Revision.entity_id).where(Revision.batch_id == half.id))
    return {(entity, number) for entity, number in rows}


def _revisions(session: Session, only: Rows) -> Iterator[tuple[int, tuple[str, int], int]]:
    """(revision, row, lot) of everything that happened to these rows."""
    for entity, ids in only.items():
        for part in db.chunks(sorted(ids)):
            statement = select(Revision.id, Revision.entity_id, Revision.batch_id)
            statement = statement.where(Revision.entity == entity, Revision.entity_id.in_(part))
            for number, row, lot in session.execute(statement):
                yield number, (entity, row), lot


def _load(session: Session, model: type[Any], ids: Iterable[int]) -> dict[int, Any]:
    return {row.id: row for part in db.chunks(ids) for row in session.scalars(select(model).where(model.id.in_(part)))}


def _leave_all(plan: Plan, left: list[Left]) -> None:
    """Two notices go together or apart as a whole: half of it would hide what one of them says."""
    for entity, rows in plan.items():
        if entity not in history.AGREEMENTS:
            left += [left_of(entity, number, row, "changed_since") for number, (row, _before) in rows.items()]
        rows.clear()


def _leave_silent(session: Session, plan: Plan, left: list[Left]) -> None:
    """Take out of the plan the links whose record speaks of another notice by now (it speaks of one at a time), or
    whose notice has gone into another since."""
    back = {
        claim.record_id: claim
        for claim, before in plan["claim"].values()
        if claim.record_id is not None and claim.state == "split" and before and before["state"] != "split"
    }
    silent: set[int | None] = set()
    for part in db.chunks(sorted(back)):
        speaking = select(Claim.id, Claim.record_id, Claim.state).where(
            Claim.record_id.in_(part), Claim.state != "split"
        )
        for number, record_id, state in session.execute(speaking):
            _row, before = plan["claim"].get(number, (None, {"state": state}))
            if before is not None and before["state"] != "split":
                silent.add(record_id)
        merged = select(Claim.record_id, Claim.notice_id).join(Notice, Notice.id == Claim.notice_id)
        for record_id, notice_id in session.execute(
            merged.where(Claim.id.in_([back[r].id for r in part]), Notice.status == "merged")
        ):
            if notice_id not in plan["notice"]:
                silent.add(record_id)
    for record_id in silent:
        claim = back[record_id]
        del plan["claim"][claim.id]
        left.append(left_of("claim", claim.id, claim, "changed_since"))


def _leave_agreements(session: Session, plan: Plan, left: list[Left]) -> None:
    """Take out of the plan what was agreed about notices that stay as they are, and the questions it answered.

    What is left of these is told as the notice they are about.
    """
    moved = {entity: {x.entity_id for x in left if x.entity == entity} for entity in ("notice", "claim", "proposal")}
    of_question = column_of(session, Proposal, Proposal.claim_id, {*plan["proposal"], *moved["proposal"]})
    about = column_of(session, Claim, Claim.notice_id, {*plan["claim"], *moved["claim"], *of_question.values()})
    for number, notice_id in about.items():
        if notice_id in moved["notice"] or number in moved["claim"]:
            plan["claim"].pop(number, None)
    for number, claim_id in of_question.items():
        if about[claim_id] in moved["notice"] or claim_id in moved["claim"]:
            plan["proposal"].pop(number, None)
    told: dict[int, str] = {}
    for x in [x for x in left if x.entity in ("claim", "proposal")]:
        claim_id = x.entity_id if x.entity == "claim" else of_question.get(x.entity_id, 0)
        if claim_id in about:
            told.setdefault(about[claim_id], x.by)
            left.remove(x)
    rows = _load(session, Notice, sorted(told.keys() - moved["notice"] - plan["notice"].keys()))
    left += [left_of("notice", number, row, "changed_since", told[number]) for number, row in rows.items()]


def column_of(session: Session, table: type[Any], column: Any, ids: Iterable[int]) -> dict[int, int]:
    out: dict[int, int] = {}
    for part in db.chunks(sorted(ids)):
        out |= {number: value for number, value in session.execute(select(table.id, column).where(table.id.in_(part)))}
    return out


def _leave_barcodes(session: Session, copies: dict[int, tuple[Any, Any]], left: list[Left]) -> None:
    """Take out of the plan the copies whose barcode another copy has now."""
    for number in sorted(items.barcodes_lost(session, list(copies.values()))):
        item, _before = copies.pop(number)
        left.append(left_of("item", number, item, "barcode_taken"))


def _leave_used(session: Session, batch: Batch, plan: Plan, left: list[Left]) -> None:
    """Take out of the plan the notices this lot made and something that stays is attached to since.

    That is: another source that has recognised it, a copy that this undo neither withdraws nor moves elsewhere,
    or a link from a notice that was written since, or that stays for the same reason. A link that had long been
    waiting for its target holds nothing back: it was there before the lot.
    """
    made = [number for number, (_notice, before) in plan["notice"].items() if before is None]
    used: dict[int, str] = dict.fromkeys(described_elsewhere(session, made), "")
    copies = _copies_that_stay(session, plan, made)
    who = _touched_since(session, batch, "item", copies)
    for item_id, notice_id in copies.items():
        used[notice_id] = who.get(item_id, "")
    links = _links_to(session, made)
    who = _touched_since(session, batch, "notice", {n for n, _target in links if n not in plan["notice"]})
    while True:  # an issue that an article holds back holds back its journal
        more = {
            target: used.get(n) or who.get(n, "")
            for n, target in links
            if target not in used and n != target and (n in who or n in used)
        }
        if not more:
            break
        used |= more
    for notice_id in made:
        if notice_id in used:
            notice, _before = plan["notice"].pop(notice_id)
            left.append(left_of("notice", notice_id, notice, "used_since", used[notice_id]))


def _leave_named(session: Session, batch: Batch, plan: Plan, left: list[Left]) -> None:
    """Take out of the plan the authorities this lot made and notices written since name.

    Notices that were waiting for them hold nothing back, nor those that go back to before the lot themselves.
    """
    for entity, table in (("agent", Agent), ("concept", Concept)):
        made = [number for number, (_row, before) in plan[entity].items() if before is None]
        carriers = authorities.carriers_of(session, table, made)
        since = _touched_since(session, batch, "notice", set().union(*carriers.values()) - plan["notice"].keys())
        for number, named_by in carriers.items():
            if who := named_by & since.keys():
                row, _before = plan[entity].pop(number)
                left.append(left_of(entity, number, row, "used_since", since[min(who)]))


def described_elsewhere(session: Session, notice_ids: Iterable[int]) -> list[int]:
    """Among these notices, those that more than one source speaks of."""
    out: list[int] = []
    for part in db.chunks(notice_ids):
        statement = (
            select(Claim.notice_id)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .where(Claim.notice_id.in_(part), Claim.state == "linked")
            .group_by(Claim.notice_id)
            .having(func.count(SourceRecord.source_id.distinct()) > 1)
        )
        out += session.scalars(statement)
    return out


def _copies_that_stay(session: Session, plan: Plan, notice_ids: Iterable[int]) -> dict[int, int]:
    """Copy -> notice, for the copies of these notices that would still be there after the undo."""
    out: dict[int, int] = {}
    for part in db.chunks(notice_ids):
        statement = select(Item.id, Item.notice_id).where(Item.notice_id.in_(part), Item.status != "withdrawn")
        for item_id, notice_id in session.execute(statement):
            _item, before = plan["item"].get(item_id, (None, {"notice_id": notice_id}))
            if before is not None and before["notice_id"] == notice_id:
                out[item_id] = notice_id
    return out


def _links_to(session: Session, notice_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(living notice, the one of these it points to)."""
    out: list[tuple[int, int]] = []
    for part in db.chunks(notice_ids):
        statement = (
            select(NoticeLink.notice_id, NoticeLink.target_id)
            .join(Notice, Notice.id == NoticeLink.notice_id)
            .where(NoticeLink.target_id.in_(part), Notice.status.in_(LIVING))
            .order_by(NoticeLink.id)
        )
        out += [(n, target) for n, target in session.execute(statement) if target is not None]
    return out


def _touched_since(session: Session, batch: Batch, entity: str, ids: Iterable[int]) -> dict[int, str]:
    """Among these rows, those another lot touched after this one began: by whom last."""
    began = select(func.min(Revision.id)).where(Revision.batch_id == batch.id).scalar_subquery()
    out: dict[int, str] = {}
    for part in db.chunks(sorted(ids)):
        statement = (
            select(Revision.entity_id, Batch.by)
            .join(Batch, Batch.id == Revision.batch_id)
            .where(
                Revision.entity == entity,
                Revision.entity_id.in_(part),
                Revision.batch_id != batch.id,
                Revision.id > began,
            )
            .order_by(Revision.id)
        )
        out.update({row_id: by for row_id, by in session.execute(statement)})
    return out


def left_of(entity: str, entity_id: int, row: Any, code: str, by: str = "") -> Left:
    return Left(entity, entity_id, label(row) or f"{entity} {entity_id}", code, by)


def label(row: Any) -> str:
    """What a row is called in a list of changes."""
    if isinstance(row, Notice):
        return row.title
    if isinstance(row, Agent):
        return row.name
    if isinstance(row, Concept):
        return row.label
    if isinstance(row, ClassificationEntry):
        return f"{row.number} {row.label}".strip()
    if isinstance(row, ExpectedIssue):
        return row.number
    if isinstance(row, DigitalDocument):
        return row.label or row.url
    return row.call_number or row.code if isinstance(row, Item) else ""
