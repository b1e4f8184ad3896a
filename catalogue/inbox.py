"""Everything that awaits a person, whatever brought it.

Nothing is stored here: the inbox is read off what waits elsewhere (a claim whose record says something that
was not agreed on, a candidate, an unanswered request, a harvest that stopped half-way), so it can never
disagree with it. Kinds, in the order in which they are shown, worst first:

    run        the last harvest of a source is incomplete
    request    a visitor's message without an answer
    deleted    a partner says that a record of one of our notices is deleted
    match      a partner's record was linked to a notice of ours, and says it otherwise
    update     a partner's record has changed since it was agreed on
    candidate  a notice that nobody has accepted yet
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from catalogue import db
from catalogue.i18n import N_, _
from catalogue.models import (
    Claim,
    Notice,
    RawPage,
    Run,
    Source,
    SourceRecord,
    SourceVersion,
    VisitRequest,
)
from catalogue.problems import sentence

KINDS: dict[str, str] = {
    "run": N_("Moisson incomplète"),
    "request": N_("Demande d’un visiteur"),
    "deleted": N_("Supprimée chez le partenaire"),
    "match": N_("Même document chez un partenaire"),
    "update": N_("Changée chez le partenaire"),
    "candidate": N_("Nouvelle notice proposée"),
}
SUBJECTS: dict[str, str] = {
    "consult": N_("Demande à consulter"),
    "visit": N_("Demande de visite"),
    "error": N_("Erreur signalée"),
    "other": N_("Message"),
}


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One thing to decide: what it is, who brought it, how long it has waited, where to go.

    `ref` is what a machine calls it: a notice's address, a request's code, a run's number.
    """

    kind: str
    what: str
    source: str
    since: datetime
    age: timedelta
    link: str
    ref: str

    @property
    def label(self) -> str:
        return _(KINDS[self.kind])


def list_inbox(
    session: Session,
    *,
    run_id: int | None = None,
    kinds: Iterable[str] = tuple(KINDS),
    limit: int | None = None,
    at: datetime | None = None,
) -> list[InboxEntry]:
    """What waits, kind by kind, oldest first within each; with `run_id`, what that run brought.

    `limit` is for each kind: a first harvest may propose thousands of candidates.
    """
    at = at or db.now()
    out: list[InboxEntry] = []
    for kind in (k for k in KINDS if k in set(kinds)):
        if (statement := _statement(kind, run_id)) is not None:
            rows = session.execute(statement.limit(limit) if limit is not None else statement)
            out += [_entry(kind, at, *row) for row in rows]
    return out


def count_inbox(session: Session) -> dict[str, int]:
    """How many of each kind wait; kinds without any are left out."""
    counts = {}
    for kind in KINDS:
        statement = _statement(kind, None)
        if statement is not None and (n := session.scalar(select(func.count()).select_from(statement.subquery()))):
            counts[kind] = n
    return counts


def _entry(kind: str, at: datetime, what: Any, source: str | None, since: datetime, ref: Any) -> InboxEntry:
    link = ""
    if kind == "run":
        what = sentence(what["code"], what.get("params")) if what else _("La moisson ne s’est pas terminée.")
    elif kind == "request":
        # The notice it is about, where it is about one; who asks stays out of lists.
        what = " : ".join(part for part in (_(SUBJECTS[what]), (source or "").partition("\n")[0]) if part)
        source = ""
    else:
        what = what.partition("\n")[0] or _("Sans titre")
        link = f"/bureau/notices/{ref}"
    return InboxEntry(kind, what, source or "", since, at - since, link, str(ref))


# --- one statement a kind: what, source, since, ref ------------------------------------------


def _statement(kind: str, run_id: int | None) -> Select[*tuple[Any, ...]] | None:
    if kind == "run":
        return _runs(run_id)
    if kind == "request":
        return _requests() if run_id is None else None
    return _candidates(run_id) if kind == "candidate" else _differences(kind, run_id)


def _runs(run_id: int | None) -> Select[*tuple[Any, ...]]:
    """The last harvest of each source, when it was not complete; one still under way is not waited for."""
    last = select(func.max(Run.id)).where(Run.kind == "harvest", Run.status != "running").group_by(Run.source_id)
    statement: Select[*tuple[Any, ...]] = (
        select(Run.reason, Source.name, Run.started_at, Run.id)
        .join(Source, Source.id == Run.source_id)
        .where(Run.kind == "harvest", Run.status == "incomplete", Source.removed_at.is_(None))
        .order_by(Run.id)
    )
    return statement.where(Run.id.in_(last)) if run_id is None else statement.where(Run.id == run_id)


def _requests() -> Select[*tuple[Any, ...]]:
    waiting = VisitRequest.answered_at.is_(None), VisitRequest.erased_at.is_(None)
    return (
        select(VisitRequest.subject, Notice.title, VisitRequest.created_at, VisitRequest.code)
        .outerjoin(Notice, Notice.id == VisitRequest.notice_id)
        .where(*waiting)
        .order_by(VisitRequest.id)
    )


def _differences(kind: str, run_id: int | None) -> Select[*tuple[Any, ...]]:
    """Linked records whose latest version is not the one agreed on, nor says the same."""
    latest, base = aliased(SourceVersion), aliased(SourceVersion)
    is_deleted = latest.deleted.is_(True)
    differs = {
        "deleted": is_deleted,
        "match": ~is_deleted & base.id.is_(None),
        "update": ~is_deleted & base.id.is_not(None),
    }[kind]
    statement: Select[*tuple[Any, ...]] = (
        select(Notice.title, Source.name, latest.received_at, Notice.address)
        .select_from(Claim)
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .join(latest, latest.id == SourceRecord.latest_version_id)
        .outerjoin(base, base.id == Claim.base_version_id)
        .where(
            Claim.state == "linked",
            Notice.status.in_(("draft", "candidate", "published")),
            differs,
            or_(base.id.is_(None), base.fingerprint != latest.fingerprint),
        )
        .order_by(latest.received_at, Claim.id)
    )
    if run_id is not None:
        statement = statement.join(RawPage, RawPage.id == latest.page_id).where(RawPage.run_id == run_id)
    return statement


def _candidates(run_id: int | None) -> Select[*tuple[Any, ...]]:
    mine = Claim.notice_id == Notice.id, Claim.state == "linked"
    first = select(func.min(Claim.id)).where(*mine).correlate(Notice).scalar_subquery()
    statement: Select[*tuple[Any, ...]] = (
        select(Notice.title, func.coalesce(Source.name, ""), Notice.created_at, Notice.address)
        .outerjoin(Claim, Claim.id == first)
        .outerjoin(SourceRecord, SourceRecord.id == Claim.record_id)
        .outerjoin(Source, Source.id == SourceRecord.source_id)
        .where(Notice.status == "candidate")
        .order_by(Notice.id)
    )
    if run_id is not None:
        base = aliased(SourceVersion)
        statement = (
            statement.join(base, base.id == Claim.base_version_id)
            .join(RawPage, RawPage.id == base.page_id)
            .where(RawPage.run_id == run_id)
        )
    return statement
