"""To forget a notice for good: a person's right, or a text that must go. A person's act, never a machine's.

What it said goes from everywhere at once, in one transaction: the notice and those merged into it, their history,
what their sources' records said, the questions about them, their copies, the authors whom nobody else names. What
stays is a tombstone: the address, which answers 410 with the day and the reason, for machines a deletion; and the
names that sources have for the record, by which it is barred for ever. It cannot be undone.

What lies outside the database (stored pages, files and their texts, the index, the database's own free space) is
cleaned behind that transaction, by whoever runs next when this process dies (`catalogue.tombstones`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from catalogue import authorities, db, erasing_elsewhere, history, notices, tombstones
from catalogue.erasing_elsewhere import Other
from catalogue.matching import candidates
from catalogue.models import (
    Agent,
    AgentIdentifier,
    Batch,
    Claim,
    DigitalDocument,
    ExternalId,
    Holding,
    Item,
    Judgement,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeLink,
    Proposal,
    Refused,
    Revision,
    Run,
    SelectionEntry,
    SourceRecord,
    SourceVersion,
)
from catalogue.text import sort_key
from catalogue.tombstones import MARK, NUMBERLESS
from catalogue.unimarc import control

ERASE = "erase"  # the kind of its lot
_SPEAKS = ("linked", "withdrawn")


class NotErasable(Exception):
    """`code`: "erased" already, or "merged" into another notice, which has to be named instead."""

    def __init__(self, code: str, notice: Notice) -> None:
        super().__init__(f"{notice.address}: {code}")
        self.code, self.notice = code, notice


@dataclass(frozen=True, slots=True)
class Erasure:
    """What goes, or has gone. Addresses of other notices: `linked` lead to it, and may name it themselves; `quoting`
    may still say what they took over from it. `numberless`: records that are only known by what they say."""

    address: str
    title: str
    notices: int
    records: int
    versions: int
    revisions: int
    proposals: int
    copies: int
    holdings: int
    documents: int
    refused: int
    authors: int
    linked: tuple[str, ...]
    quoting: tuple[str, ...]
    numberless: int


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whose traces go."""

    notice: Notice
    group: tuple[Notice, ...]
    claims: tuple[Claim, ...]
    records: tuple[SourceRecord, ...]
    others: tuple[Other, ...]
    documents: tuple[int, ...]

    @property
    def ids(self) -> list[int]:
        return [n.id for n in self.group]

    @property
    def record_ids(self) -> list[int]:
        return [r.id for r in self.records]

    @property
    def claim_ids(self) -> list[int]:
        return [c.id for c in self.claims]

    @property
    def ends(self) -> list[str]:
        """What judgements call them."""
        return [*(f"notice:{n}" for n in self.ids), *(f"record:{r}" for r in self.record_ids)]


# --- the act ---------------------------------------------------------------------------------


def plan(session: Session, notice: Notice) -> Erasure:
    """What erasing would take, without doing it. Raises NotErasable."""
    scope = _scope(session, notice)
    count = lambda table, *where: session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # noqa: E731
    return Erasure(
        address=notice.address,
        title=notice.title,
        notices=len(scope.group),
        records=len(scope.records),
        versions=count(SourceVersion, SourceVersion.record_id.in_(scope.record_ids)),
        revisions=count(Revision, Revision.entity == "notice", Revision.entity_id.in_(scope.ids)),
        proposals=count(Proposal, Proposal.claim_id.in_(scope.claim_ids)),
        copies=count(Item, Item.notice_id.in_(scope.ids)),
        holdings=count(Holding, Holding.notice_id.in_(scope.ids)),
        documents=count(DigitalDocument, DigitalDocument.notice_id.in_(scope.ids)),
        refused=len(_refused(session, scope)),
        authors=len(_only_here(session, scope)),
        linked=tuple(n.address for n in _linking(session, scope)),
        quoting=tuple(n.address for n in erasing_elsewhere.still_say(session, scope.others)),
        numberless=sum(r.identifier.startswith(NUMBERLESS) for r in scope.records),
    )


def erase(session: Session, notice: Notice, *, by: str, reason: str) -> Erasure:
    """Take it from everywhere in the database; `reason` is shown to the public at its address. Raises NotErasable."""
    db.overwrite_deleted(session)
    history.turn(session)  # it may have been merged away meanwhile
    batch = history.open_batch(session, ERASE, by=by, why=reason)
    batch.undoable_until = batch.at
    told = plan(session, notice)
    scope = _scope(session, notice)
    authors, linking = _only_here(session, scope), _linking(session, scope)
    _remember(session, scope)
    erasing_elsewhere.forget(session, scope.others, scope.ids, scope.record_ids)
    erasing_elsewhere.forget_at_the_desk(session, scope.group)
    _forget_refused(session, scope)
    _forget_records(session, scope)
    _forget_agreements(session, scope, batch)
    _forget_copies(session, scope)
    nothing = [
        (n, {**notices.snapshot(n), "fields": [], "status": "erased", "merged_into_id": None}) for n in scope.group
    ]
    notices.restore_many(session, nothing, batch=batch)
    candidates.forget(session, scope.ids)
    _forget_authors(session, authors)
    _forget_history(session, scope, authors, batch)
    session.execute(delete(ExternalId).where(ExternalId.entity == "notice", ExternalId.entity_id.in_(scope.ids)))
    notices.reproject(session, [n.id for n in linking])
    return told


# --- the parts -------------------------------------------------------------------------------


def _scope(session: Session, notice: Notice) -> _Scope:
    if notice.status in ("erased", "merged"):
        raise NotErasable(notice.status, notice)
    group = [notice]
    for one in group:  # those merged into it, those merged into these…
        group += session.scalars(select(Notice).where(Notice.merged_into_id == one.id).order_by(Notice.id))
    ids = [n.id for n in group]
    claims = list(session.scalars(select(Claim).where(Claim.notice_id.in_(ids)).order_by(Claim.id)))
    said_by = {c.record_id for c in claims if c.record_id is not None}
    elsewhere = select(Claim.record_id).where(
        Claim.record_id.in_(said_by), Claim.notice_id.not_in(ids), Claim.state.in_(_SPEAKS)
    )
    mine = said_by - set(session.scalars(elsewhere))  # a record that was split off and speaks of another stays
    records = session.scalars(select(SourceRecord).where(SourceRecord.id.in_(mine)).order_by(SourceRecord.id))
    split_off = select(Claim).where(Claim.record_id.in_(mine), Claim.notice_id.not_in(ids))
    claims += session.scalars(split_off.order_by(Claim.id))  # what was asked elsewhere is in its records' words
    others = erasing_elsewhere.find(session, ids, mine)
    documents = session.scalars(select(DigitalDocument.id).where(DigitalDocument.notice_id.in_(ids)))
    return _Scope(notice, tuple(group), tuple(claims), tuple(records), tuple(others), tuple(documents))


def _remember(session: Session, scope: _Scope) -> None:
    """What is left to clean: the stored pages of its sources, by the names of its records; the index; files, texts."""
    by_source: dict[int, list[str]] = {}
    for record in scope.records:
        by_source.setdefault(record.source_id, []).append(record.identifier)
    files = session.scalars(select(DigitalDocument.sha256).where(DigitalDocument.notice_id.in_(scope.ids)))
    tombstones.to_clean(session, str(scope.notice.id), index=True, files=files)
    for source_id, identifiers in by_source.items():
        tombstones.to_clean(session, f"{scope.notice.id}:{source_id}", source_id, identifiers)


def _linking(session: Session, scope: _Scope) -> list[Notice]:
    statement = (
        select(Notice)
        .where(Notice.id.in_(select(NoticeLink.notice_id).where(NoticeLink.target_id.in_(scope.ids))))
        .where(Notice.id.not_in(scope.ids), Notice.status != "erased")
    )
    return list(session.scalars(statement.order_by(Notice.id)))


def _refused(session: Session, scope: _Scope) -> list[int]:
    """Records of these names that could not go in once, and were kept as received."""
    numbers = {r.id: {r.identifier} for r in scope.records}
    said = select(SourceVersion.record_id, SourceVersion.fields).where(SourceVersion.record_id.in_(scope.record_ids))
    for record_id, fields in session.execute(said):
        numbers[record_id] |= {control(fields, "001")} - {""}
    out: list[int] = []
    for record in scope.records:
        where = Refused.source_id == record.source_id, Refused.identifier.in_(sorted(numbers[record.id]))
        out += session.scalars(select(Refused.id).where(*where))
    return out


def _only_here(session: Session, scope: _Scope) -> list[Agent]:
    """People and bodies whom no other notice names: nobody would look for them here without this one."""
    named = set(session.scalars(select(NoticeAgent.agent_id).where(NoticeAgent.notice_id.in_(scope.ids))))
    named |= set(session.scalars(select(NoticeConcept.agent_id).where(NoticeConcept.notice_id.in_(scope.ids))))
    carriers = authorities.carriers_of(session, Agent, {a for a in named if a is not None})
    only = sorted(agent_id for agent_id, by in carriers.items() if by <= set(scope.ids))
    return list(session.scalars(select(Agent).where(or_(Agent.id.in_(only), Agent.merged_into_id.in_(only)))))


def _forget_refused(session: Session, scope: _Scope) -> None:
    gone = update(Refused).where(Refused.id.in_(_refused(session, scope)))
    gone = gone.values(raw=b"", params={}, settled_at=func.coalesce(Refused.settled_at, db.now()))
    session.execute(gone.execution_options(synchronize_session=False))


def _forget_records(session: Session, scope: _Scope) -> None:
    """What the records said, in every version; their names stay, and by them they are known and barred."""
    versions = update(SourceVersion).where(SourceVersion.record_id.in_(scope.record_ids))
    session.execute(versions.values(fields=[], items=[], fingerprint=MARK))
    of_sources = {r.source_id: set() for r in scope.records}  # type: dict[int, set[str]]
    for record in scope.records:
        of_sources[record.source_id].add(record.identifier)
    for source_id, names in of_sources.items():
        runs = select(Run).where(Run.source_id == source_id, Run.kind == "import")
        for run in session.scalars(runs):
            if (report := _without(run.checkpoint.get("report"), names)) is not None:
                run.checkpoint = {**run.checkpoint, "report": report}


def _without(report: Any, names: set[str]) -> dict[str, Any] | None:
    """The report of an import without the values that it quotes of these records; None when it quotes none."""
    told = (report or {}).get("told") or []
    quoted = [one for one in told if any(met[1] in names for met in one.get("first", ()))]
    if not quoted:
        return None
    silent = lambda met: [met[0], met[1], {}] if met[1] in names else met  # noqa: E731
    return {**report, "told": [{**one, "first": [silent(met) for met in one.get("first", ())]} for one in told]}


def _forget_agreements(session: Session, scope: _Scope, batch: Batch) -> None:
    """Claims, the questions they asked, and what was judged about them."""
    for claim in scope.claims:
        claim.state, claim.moved, claim.version = "split", {}, claim.version + 1
        claim.open = None
    asked = select(Proposal).where(Proposal.claim_id.in_(scope.claim_ids))
    for proposal in session.scalars(asked):
        proposal.changes, proposal.kept, proposal.version = [], {}, proposal.version + 1
        if proposal.state == "waiting":
            proposal.state, proposal.settled_at = "stale", batch.at
    said = select(Judgement).where(or_(Judgement.left.in_(scope.ends), Judgement.right.in_(scope.ends)))
    for judgement in session.scalars(said):
        judgement.reasons = []
        if judgement.verdict == "unsure" and judgement.revoked_at is None:
            judgement.revoked_at, judgement.version = batch.at, judgement.version + 1
    session.execute(delete(Holding).where(Holding.notice_id.in_(scope.ids)))
    for table in (DigitalDocument, SelectionEntry):
        session.execute(delete(table).where(table.notice_id.in_(scope.ids)))
    session.flush()


def _forget_copies(session: Session, scope: _Scope) -> None:
    """Copies are withdrawn, and say no more than their code and their numbers in the books of the centre."""
    for item in session.scalars(select(Item).where(Item.notice_id.in_(scope.ids))):
        item.call_number, item.call_key, item.section = "", "", ""
        item.lent_to, item.lent_until, item.extra = "", None, {}
        item.status, item.version = "withdrawn", item.version + 1
    session.flush()


def _forget_authors(session: Session, authors: Iterable[Agent]) -> None:
    for agent in authors:
        agent.name, agent.heading, agent.sort_key, agent.variants = "", [], sort_key(""), []
        agent.dates, agent.identifiers, agent.note = "", {}, ""
        agent.status, agent.version = "withdrawn", agent.version + 1
    ids = [agent.id for agent in authors]
    session.flush()
    session.execute(delete(AgentIdentifier).where(AgentIdentifier.agent_id.in_(ids)))
    session.execute(delete(ExternalId).where(ExternalId.entity == "agent", ExternalId.entity_id.in_(ids)))


# What a revision keeps of a state before once it may say nothing of it: its own words, by entity.
_SILENT: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "notice": lambda before: {**before, "fields": []},
    "item": lambda before: {**before, "call_number": "", "section": "", "extra": {}, "lent_to": "", "lent_until": None},
    "proposal": lambda before: {**before, "kept": {}} if "kept" in before else before,
    "agent": lambda before: {},
    "document": lambda before: {**before, "label": "", "archived_url": ""},
}


def _forget_history(session: Session, scope: _Scope, authors: Iterable[Agent], batch: Batch) -> None:
    """Who did what and when stays; what it was about goes, and so do the words of lots about nothing else."""
    ids: dict[str, list[int]] = {
        "notice": scope.ids,
        "item": list(session.scalars(select(Item.id).where(Item.notice_id.in_(scope.ids)))),
        "proposal": list(session.scalars(select(Proposal.id).where(Proposal.claim_id.in_(scope.claim_ids)))),
        "agent": [agent.id for agent in authors],
        "document": list(scope.documents),
    }
    lots: set[int] = set()
    for entity, numbers in ids.items():
        for part in db.chunks(numbers):
            rows = select(Revision).where(Revision.entity == entity, Revision.entity_id.in_(part))
            for revision in session.scalars(rows):
                if revision.before is not None:
                    revision.before = _SILENT[entity](revision.before)
                lots.add(revision.batch_id)
    others = select(Revision.batch_id).where(
        Revision.batch_id.in_(lots), Revision.entity == "notice", Revision.entity_id.not_in(scope.ids)
    )
    alone = lots - {batch.id} - set(session.scalars(others))
    session.execute(update(Batch).where(Batch.id.in_(alone), Batch.kind != "import").values(why=""))
    session.flush()
