"""Everything that awaits a person, whatever brought it.

Nothing is stored here: the inbox is read off what waits elsewhere (a question of `catalogue.proposals`, a candidate,
two notices that may be one, an unanswered request, a harvest that stopped half-way), so it can never disagree with
it. Kinds, in the order in which they are shown: people and failures first, then from what is decided at a glance, by
hundreds, to what has to be read:

    run        the last harvest of a source is incomplete
    request    a visitor's message without an answer
    candidate  a notice that nobody has accepted yet
    safe       a partner adds something where we say nothing
    update     a partner alone has changed something
    conflict   both have changed it
    deleted    a partner says that a record of one of our notices is gone
    twin       two notices may be one document
    lookup     an outside source has answered at last, or was given up (`catalogue.asking_again`)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, case, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from catalogue import db, differences
from catalogue.i18n import N_, _, colon
from catalogue.matching import reasons_of
from catalogue.merging import GROUPS, slot_of
from catalogue.models import (
    LIVING,
    Claim,
    Judgement,
    LookupWait,
    Notice,
    Proposal,
    RawPage,
    Run,
    Source,
    SourceRecord,
    SourceVersion,
    VisitRequest,
)
from catalogue.problems import sentence
from catalogue.proposals import CATEGORIES
from catalogue.proposals.reading import of_deleted, of_waiting

KINDS: dict[str, str] = {
    "run": N_("Moisson incomplète"),
    "request": N_("Demande d’un visiteur"),
    "candidate": N_("Nouvelle notice proposée"),
    "safe": N_("Ajout sûr"),
    "update": N_("Mise à jour chez un partenaire"),
    "conflict": N_("Conflit"),
    "deleted": N_("Supprimée chez le partenaire"),
    "twin": N_("Doublon possible"),
    "lookup": N_("Réponse à une recherche"),
}
SUBJECTS: dict[str, str] = {
    "consult": N_("Demande à consulter"),
    "visit": N_("Demande de visite"),
    "error": N_("Erreur signalée"),
    "buy": N_("Suggestion d’achat"),
    "other": N_("Message"),
}
PROPOSAL, DELETED, PAIR, LOOKUP = "p-", "d-", "+", "q-"  # for machines: p-12, d-45, k7m4x9q0+b3c5d7f9, q-7
SHOWN_GROUPS = 4  # of what a proposal is about
SHOWN_REASONS = 2
LONGEST_BROUGHT = 160  # signs

Statement = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One thing to decide: what it is, who brought it, how long it has waited, where to go.

    `ref` is what a machine calls it: a notice's address, a request's code, a run's number, "p-12" (a proposal),
    "d-45" (a record deleted elsewhere), "q-7" (a question asked again at night), or the addresses of two notices with
    "+" between them. `brings` is what one would read first on its page: what a partner adds, what parts two notices.
    """

    kind: str
    what: str
    source: str
    since: datetime
    age: timedelta
    link: str
    ref: str
    detail: str = ""
    brings: str = ""

    @property
    def label(self) -> str:
        return _(KINDS[self.kind])


@dataclass(frozen=True, slots=True)
class Share:
    """What one source has brought of a kind."""

    source: str
    n: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands among those of its kind: « 2 / 6 », and which one follows."""

    number: int
    total: int
    previous: int | None
    next: int | None


# --- lists and counts ------------------------------------------------------------------------


def list_inbox(
    session: Session,
    *,
    run_id: int | None = None,
    source: str = "",
    kinds: Iterable[str] = tuple(KINDS),
    limit: int | None = None,
    offset: int = 0,
    at: datetime | None = None,
) -> list[InboxEntry]:
    """What waits, kind by kind, oldest first within each; with `run_id`, what that run brought.

    `limit` is for each kind: a first harvest may propose thousands of candidates.
    """
    at = at or db.now()
    wanted = set(kinds)
    out: list[InboxEntry] = []
    for kind in (k for k in KINDS if k in wanted):
        if (statement := _statement(kind, run_id, source)) is not None:
            rows = session.execute(statement.limit(limit).offset(offset) if limit is not None else statement)
            out += [_entry(kind, at, *row) for row in rows]
    return out


def count_inbox(
    session: Session,
    *,
    run_id: int | None = None,
    source: str = "",
    known: Mapping[str, Iterable[Share]] | None = None,
) -> dict[str, int]:
    """How many of each kind wait; kinds without any are left out. `known`: the shares, where they are there already."""
    if known is None:
        known = shares(session, run_id=run_id, source=source)
    found = {kind: sum(share.n for share in row) for kind, row in known.items()}
    counted = {}
    for kind in ("run", "request", "twin", "lookup"):
        statement = _statement(kind, run_id, source)
        if statement is not None:
            inside = statement.order_by(None).subquery(f"{kind}_waiting")
            counted[kind] = select(func.count()).select_from(inside).scalar_subquery()
    found |= dict(zip(counted, session.execute(select(*counted.values())).one(), strict=True))
    return {kind: found[kind] for kind in KINDS if found.get(kind)}


def shares(session: Session, *, run_id: int | None = None, source: str = "") -> dict[str, list[Share]]:
    """By kind, what each source has brought: three statements, whatever waits."""
    columns = (Proposal.category, Source.name, func.count())
    asked: Statement = of_waiting(select(*columns), "", source, run_id).group_by(Proposal.category, Source.name)
    out: dict[str, list[Share]] = {}
    for kind, name, n in session.execute(asked.order_by(Source.name)):
        out.setdefault(kind, []).append(Share(name, n))
    for kind, statement in (("candidate", _candidates(run_id, source)), ("deleted", _deleted(run_id, source))):
        each = statement.with_only_columns(func.coalesce(Source.name, "").label("source")).order_by(None).subquery()
        grouped = select(each.c.source, func.count()).group_by(each.c.source)
        found = [Share(*row) for row in session.execute(grouped.order_by(each.c.source))]
        if found:
            out[kind] = found
    return out


def numbers(session: Session, kind: str, *, run_id: int | None = None, source: str | None = None) -> list[int]:
    """The proposals of a kind, the candidates (notices) or the deleted records (claims), oldest first.

    `source` "" is what no source brought: a contributor's candidates; None is all.
    """
    if kind in CATEGORIES:
        statement: Statement = of_waiting(select(Proposal.id), kind, source or "", run_id).order_by(Proposal.id)
    elif kind == "candidate":
        statement = _candidates(run_id, source or "").with_only_columns(Notice.id)
        if source == "":
            statement = statement.where(Source.id.is_(None))
    else:
        statement = _deleted(run_id, source or "").with_only_columns(Claim.id)
    return list(session.scalars(statement))


def place_of(
    session: Session, proposal: Proposal, kind: str = "", *, run_id: int | None = None, source: str = ""
) -> Place:
    """« Conflit 2/6 », among the questions of its category (or of the one it had) that are asked in the same breath."""
    kind = kind or proposal.category
    here = tuple_(Proposal.created_at, Proposal.id)
    me = tuple_(literal(proposal.created_at, Proposal.created_at.type), literal(proposal.id))
    everything = of_waiting(select(func.count()), kind, source, run_id)
    one = of_waiting(select(Proposal.id), kind, source, run_id).limit(1)
    before = session.scalar(everything.where(here < me)) or 0
    return Place(
        number=before + 1,
        total=session.scalar(everything) or 0,
        previous=session.scalar(one.where(here < me).order_by(Proposal.created_at.desc(), Proposal.id.desc())),
        next=session.scalar(one.where(here > me).order_by(Proposal.created_at, Proposal.id)),
    )


def unsure_between(session: Session, left: Notice, right: Notice) -> list[Judgement]:
    """What asks whether these two are one document."""
    one, other = aliased(Notice), aliased(Notice)
    statement = _pairs(select(Judgement), one, other).where(
        or_((one.id == left.id) & (other.id == right.id), (one.id == right.id) & (other.id == left.id))
    )
    return list(session.scalars(statement.order_by(Judgement.id)))


def list_unsure(session: Session) -> list[tuple[int, int]]:
    """Every two notices that may be one document, the oldest question first."""
    one, other = aliased(Notice), aliased(Notice)
    statement = _pairs(select(one.id, other.id), one, other).order_by(Judgement.id)
    return [(left, right) for left, right in session.execute(statement)]


def doubt_after(session: Session, number: int) -> tuple[str, str] | None:
    """The addresses of the two that are doubted next, in the order of the list; None after the last."""
    one, other = aliased(Notice), aliased(Notice)
    follows = _pairs(select(one.address, other.address), one, other).where(Judgement.id > number)
    found = session.execute(follows.order_by(Judgement.id).limit(1)).first()
    return (found[0], found[1]) if found else None


def unsure_of(session: Session, notice: Notice) -> set[int]:
    """The notices that may be this one, as somebody or something has noted."""
    one, other = aliased(Notice), aliased(Notice)
    statement = _pairs(select(one.id, other.id), one, other)
    found = session.execute(statement.where(or_(one.id == notice.id, other.id == notice.id)))
    return {number for pair in found for number in pair} - {notice.id}


def _entry(kind: str, at: datetime, what: Any, source: Any, since: datetime, ref: Any, extra: Any) -> InboxEntry:
    detail, brings, ref = "", "", str(ref)
    if kind == "run":
        what = sentence(what["code"], what.get("params")) if what else _("La moisson ne s’est pas terminée.")
        link = f"/bureau/moissons/{ref}"
    elif kind == "request":
        # The notice it is about, where it is about one; who asks stays out of lists.
        what = colon().join(part for part in (_(SUBJECTS[what]), (source or "").partition("\n")[0]) if part)
        source, link = "", ""
    elif kind == "lookup":
        detail, source = _answered(source, extra), ""
        link, ref = f"/bureau/a-revoir/recherches/{ref}", f"{LOOKUP}{ref}"
    else:
        what = _title(what)
        link = f"/bureau/a-revoir/notices/{ref}"
    if kind in CATEGORIES:
        detail, brings = groups_of(extra), _brought(extra)
        link, ref = f"/bureau/a-revoir/{ref}", f"{PROPOSAL}{ref}"
    elif kind == "deleted":
        link, ref = f"/bureau/notices/{extra}", f"{DELETED}{ref}"
    elif kind == "twin":
        address, title = extra.split(" ", 1)
        detail, brings, source = _title(title), _parting(source), ""
        link, ref = f"/bureau/a-revoir/doublons/{ref}/{address}", f"{ref}{PAIR}{address}"
    return InboxEntry(kind, what, source or "", since, at - since, link, ref, detail, brings)


def _title(words: str) -> str:
    return words.partition("\n")[0] or _("Sans titre")


def groups_of(changes: Iterable[Mapping[str, Any]]) -> str:
    """« Résumé, Sujets »: what a proposal is about, in the order of the screen."""
    met = {slot_of(change["tag"]).group for change in changes}
    named = [group.label for code, group in GROUPS.items() if code in met]
    return ", ".join(named[:SHOWN_GROUPS]) + ("…" if len(named) > SHOWN_GROUPS else "")


def _brought(changes: Iterable[Mapping[str, Any]]) -> str:
    """« Résumé : Une enquête menée à… ; Adresse web : https://… »: what they say, as much as a line holds."""
    values = [value for change in changes for value in differences.values(change["theirs"]) if value.plain]
    text = " ; ".join(f"{value.label}{colon()}{value.text}" for value in values)
    return text if len(text) <= LONGEST_BROUGHT else text[:LONGEST_BROUGHT].rsplit(" ", 1)[0] + "…"


def _answered(state: str, answers: Any) -> str:
    """« trouvé : BnF, Sudoc »; or that nothing was, in the end."""
    if state == "given_up":
        return _("rien trouvé ; la question n’est plus posée")
    return _("trouvé : %(sources)s") % {"sources": ", ".join(str(answer["label"]) for answer in answers)}


def _parting(reasons: Any) -> str:
    """What parts two notices, in a few words; what brings them together, where nothing parts them."""
    kept = [row for row in reasons or () if isinstance(row, Mapping) and "code" in row]
    found = reasons_of({"reasons": kept})
    said = [reason.sentence for reason in found if reason.points <= 0] or [reason.sentence for reason in found]
    return " ; ".join(said[:SHOWN_REASONS])


# --- one statement a kind: what, source, since, ref, more ------------------------------------


def _statement(kind: str, run_id: int | None, source: str) -> Statement | None:
    if kind == "run":
        return _runs(run_id, source)
    if kind == "request":
        return _requests() if run_id is None and not source else None
    if kind == "candidate":
        return _candidates(run_id, source)
    if kind == "deleted":
        return _deleted(run_id, source)
    if kind == "lookup":
        return _lookups() if run_id is None and not source else None
    return _twins(run_id, source) if kind == "twin" else _questions(kind, run_id, source)


def _runs(run_id: int | None, source: str) -> Statement:
    """The last harvest of each source, when it was not complete; one still under way is not waited for."""
    last = select(func.max(Run.id)).where(Run.kind == "harvest", Run.status != "running").group_by(Run.source_id)
    statement: Statement = (
        select(Run.reason, Source.name, Run.started_at, Run.id, literal(""))
        .join(Source, Source.id == Run.source_id)
        .where(Run.kind == "harvest", Run.status == "incomplete", Source.removed_at.is_(None))
        .order_by(Run.id)
    )
    if source:
        statement = statement.where(Source.name == source)
    return statement.where(Run.id.in_(last)) if run_id is None else statement.where(Run.id == run_id)


def _requests() -> Statement:
    waiting = VisitRequest.answered_at.is_(None), VisitRequest.erased_at.is_(None)
    return (
        select(VisitRequest.subject, Notice.title, VisitRequest.created_at, VisitRequest.code, literal(""))
        .outerjoin(Notice, Notice.id == VisitRequest.notice_id)
        .where(*waiting)
        .order_by(VisitRequest.id)
    )


def _lookups() -> Statement:
    columns = LookupWait.question, LookupWait.state, LookupWait.asked_at, LookupWait.id, LookupWait.answers
    return select(*columns).where(LookupWait.state.in_(("answered", "given_up"))).order_by(LookupWait.id)


def _questions(kind: str, run_id: int | None, source: str) -> Statement:
    columns = Notice.title, Source.name, Proposal.created_at, Proposal.id, Proposal.changes
    statement: Statement = of_waiting(select(*columns), kind, source, run_id)
    return statement.order_by(Proposal.created_at, Proposal.id)


def _candidates(run_id: int | None, source: str) -> Statement:
    mine = Claim.notice_id == Notice.id, Claim.state == "linked"
    first = select(func.min(Claim.id)).where(*mine).correlate(Notice).scalar_subquery()
    statement: Statement = (
        select(Notice.title, func.coalesce(Source.name, ""), Notice.created_at, Notice.address, literal(""))
        .outerjoin(Claim, Claim.id == first)
        .outerjoin(SourceRecord, SourceRecord.id == Claim.record_id)
        .outerjoin(Source, Source.id == SourceRecord.source_id)
        .where(Notice.status == "candidate")
        .order_by(Notice.id)
    )
    if source:
        statement = statement.where(Source.name == source)
    if run_id is not None:
        base = aliased(SourceVersion)
        statement = (
            statement.join(base, base.id == Claim.base_version_id)
            .join(RawPage, RawPage.id == base.page_id)
            .where(RawPage.run_id == run_id)
        )
    return statement


def _deleted(run_id: int | None, source: str) -> Statement:
    columns = Notice.title, Source.name, SourceVersion.received_at, Claim.id, Notice.address
    statement: Statement = of_deleted(select(*columns), source, run_id)
    return statement


def _twins(run_id: int | None, source: str) -> Statement:
    one, other = aliased(Notice), aliased(Notice)
    columns = one.title, Judgement.reasons, Judgement.at, one.address, other.address + " " + other.title
    statement = _pairs(select(*columns), one, other).order_by(Judgement.id)
    if run_id is not None or source:
        brought = (
            select(SourceRecord.id)
            .join(Source, Source.id == SourceRecord.source_id)
            .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
            .outerjoin(RawPage, RawPage.id == SourceVersion.page_id)
        )
        if source:
            brought = brought.where(Source.name == source)
        if run_id is not None:
            brought = brought.where(RawPage.run_id == run_id)
        ends = (end.startswith("record:") & _number(end).in_(brought) for end in (Judgement.left, Judgement.right))
        statement = statement.where(or_(*ends))
    return statement


def _pairs(statement: Statement, one: Any, other: Any) -> Statement:
    """Judgements that leave it to a person, each with the two living notices that its ends stand for."""
    return (
        statement.select_from(Judgement)
        .join(one, one.id == _notice_at(Judgement.left))
        .join(other, other.id == _notice_at(Judgement.right))
        .where(
            Judgement.verdict == "unsure",
            Judgement.revoked_at.is_(None),
            one.status.in_(LIVING),
            other.status.in_(LIVING),
            one.id != other.id,
        )
    )


def _notice_at(end: Any) -> ColumnElement[int]:
    """The notice that an end stands for: "notice:12" itself, "record:34" the one that it speaks of."""
    spoken = select(func.min(Claim.notice_id)).where(Claim.record_id == _number(end), Claim.state == "linked")
    return case((end.startswith("notice:"), _number(end)), else_=spoken.correlate(Judgement).scalar_subquery())


def _number(end: Any) -> ColumnElement[int]:
    return cast(func.substr(end, len("notice:") + 1), Integer)  # « notice: » and « record: » are as long
