"""What waits, as the inbox lists and counts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from catalogue.merging import Change, apply
from catalogue.models import LIVING, Claim, Notice, Proposal, RawPage, Source, SourceRecord, SourceVersion
from catalogue.proposals.questions import find_rows, merged, read
from catalogue.unimarc import Fields

CATEGORIES = ("safe", "update", "conflict")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the inbox."""

    proposal_id: int
    claim_id: int
    notice_id: int
    address: str
    title: str
    source: str
    category: str
    changes: int
    since: datetime
    why: str


def list_waiting(
    session: Session,
    *,
    category: str = "",
    source: str = "",
    run_id: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Waiting]:
    """What waits, oldest first. `refresh` first where it must be up to the minute."""
    columns = (
        *(Proposal.id, Claim.id, Notice.id, Notice.address, Notice.title, Source.name),
        *(Proposal.category, Proposal.changes, Proposal.created_at, Proposal.why),
    )
    statement = of_waiting(select(*columns), category, source, run_id).order_by(Proposal.created_at, Proposal.id)
    found = session.execute(statement.limit(limit).offset(offset))
    return [
        Waiting(proposal_id, claim_id, notice_id, address, title, name, kind, len(changes), since, why)
        for proposal_id, claim_id, notice_id, address, title, name, kind, changes, since, why in found
    ]


def count(session: Session, *, source: str = "", run_id: int | None = None) -> dict[str, int]:
    """How many wait in each category, and « new » candidates; all of them named, also those without any."""
    statement = of_waiting(select(Proposal.category, func.count()), "", source, run_id).group_by(Proposal.category)
    found = {name: n for name, n in session.execute(statement)}
    new = session.scalar(select(func.count()).select_from(candidates(source, run_id).subquery())) or 0
    deleted = (
        session.scalar(select(func.count()).select_from(of_deleted(select(Claim.id), source, run_id).subquery())) or 0
    )
    return {"new": new, **{name: found.get(name, 0) for name in CATEGORIES}, "deleted": deleted}


def list_deleted(session: Session, *, source: str = "", run_id: int | None = None) -> list[int]:
    """Claims on living notices whose partner says that the record is gone: nothing of ours is touched."""
    return list(session.scalars(of_deleted(select(Claim.id), source, run_id)))


def get(session: Session, proposal_id: int) -> Proposal:
    found = session.get(Proposal, proposal_id)
    if found is None:
        raise LookupError(f"no proposal {proposal_id}")
    return found


def changes_of(proposal: Proposal) -> list[Change]:
    """The differences as they were computed last."""
    return [read(row) for row in proposal.changes]


def preview(session: Session, proposal: Proposal, decisions: Mapping[str, str] | None = None) -> Fields:
    """The notice as it would be: what is not decided, as preselected."""
    for row in find_rows(session, Claim.id == proposal.claim_id, settled=True):
        return apply(row.notice.fields, merged(row, proposal), decisions)
    return []


def of_waiting(statement: Select[*tuple[Any, ...]], kind: str, source: str, run_id: int | None) -> Any:
    statement = (
        statement.select_from(Proposal)
        .join(Claim, Claim.id == Proposal.claim_id)
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .where(Proposal.state == "waiting", Claim.state != "split", Notice.status.in_(LIVING))
    )
    if kind:
        statement = statement.where(Proposal.category == kind)
    if source:
        statement = statement.where(Source.name == source)
    return statement.where(Proposal.run_id == run_id) if run_id is not None else statement


def of_deleted(statement: Select[*tuple[Any, ...]], source: str, run_id: int | None) -> Any:
    """Records gone at their partner's, whose claim still speaks: nothing of ours is touched."""
    ever_deleted = select(SourceVersion.record_id).where(SourceVersion.deleted.is_(True))  # few: where to begin
    statement = (
        statement.select_from(Claim)
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .where(SourceVersion.deleted.is_(True), Claim.state == "linked", Notice.status.in_(LIVING))
        .where(Claim.record_id.in_(ever_deleted))
        .order_by(Claim.id)
    )
    if source:
        statement = statement.where(Source.name == source)
    if run_id is not None:
        statement = statement.join(RawPage, RawPage.id == SourceVersion.page_id).where(RawPage.run_id == run_id)
    return statement


def candidates(source: str, run_id: int | None) -> Select[int]:
    statement = select(Notice.id).where(Notice.status == "candidate").order_by(Notice.id)
    if not source and run_id is None:
        return statement
    of = select(Claim.notice_id).join(SourceRecord, SourceRecord.id == Claim.record_id).where(Claim.state == "linked")
    if source:
        of = of.join(Source, Source.id == SourceRecord.source_id).where(Source.name == source)
    if run_id is not None:
        of = of.join(SourceVersion, SourceVersion.id == Claim.base_version_id)
        of = of.join(RawPage, RawPage.id == SourceVersion.page_id).where(RawPage.run_id == run_id)
    return statement.where(Notice.id.in_(of))
