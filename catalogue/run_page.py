"""One harvest, as its page, a terminal and a script are told of it: the same numbers everywhere.

The balance sheet is the run's own counts, each with its sentence; the reason is the one that stopped it, with what a
person can do about it. What waits of it is read now. Nothing here writes or harvests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from catalogue import floods, inbox, lots, nights, source_terms, sources
from catalogue.desk_history import NOT_UNDOABLE
from catalogue.floods import Flood
from catalogue.i18n import N_, _, format_date, format_instant, format_number, ngettext
from catalogue.models import Batch, Claim, Notice, RawPage, Refused, Revision, Run, Source, SourceRecord, SourceVersion
from catalogue.problems import Problem, sentence
from catalogue.runs import kind_words, reason_words, state_words

REFUSED_PER_PAGE = 40
NOTES_SHOWN = 20
RULED_SHOWN = 12

# A run's count, what it is called, and what it means. They add up to what was received.
BALANCE: Mapping[str, tuple[str, str]] = {
    "new": (N_("Nouvelles"), N_("Travée ne les connaissait pas ; une notice est née pour chacune.")),
    "matched": (N_("Reconnues"), N_("Vous aviez déjà ce document, venu d’ailleurs : rien n’a été créé en double.")),
    "updated": (N_("Changées"), N_("Le partenaire les a modifiées depuis la dernière fois.")),
    "unchanged": (N_("Inchangées"), N_("Elles disent la même chose que la dernière fois.")),
    "repeated": (N_("Répétées"), N_("Le partenaire les a données plus d’une fois dans cette moisson.")),
    "refused": (N_("Refusées"), N_("Elles n’ont pas pu être lues ; elles sont gardées, avec la raison, plus bas.")),
    "deleted_upstream": (
        N_("Supprimées chez eux"),
        N_("Le partenaire annonce leur suppression ; ici, rien n’est retiré sans votre décision."),
    ),
}

# What a person can do, by what stopped the run; whatever is not named is tried again by itself.
SETTINGS_AMISS = frozenset(
    (
        *("oai.bad_url", "oai.not_found", "oai.not_oai", "oai.empty", "oai.redirected", "oai.redirects"),
        *("oai.private_address", "oai.format_refused", "oai.other_format", "oai.unknown_set"),
    )
)
FOR_THE_PARTNER = frozenset(
    (
        *("oai.forbidden", "oai.certificate", "oai.list_broken", "oai.unconfigured", "oai.format_empty"),
        *("oai.endless", "oai.repeated_token", "oai.less_than_announced", "oai.doctype", "oai.too_big"),
        *("oai.malformed", "oai.error", "oai.expired_token", "oai.too_many", "oai.encoding"),
    )
)
FOR_US = frozenset(("harvest.failed", "oai.unbalanced"))
GOES_ON = frozenset(("harvest.out_of_time", "oai.interrupted"))


@dataclass(frozen=True, slots=True)
class Term:
    """One line of the balance sheet."""

    name: str
    label: str
    count: int
    meaning: str


@dataclass(frozen=True, slots=True)
class RefusedLine:
    id: int
    position: int
    identifier: str
    sentence: str
    state: str  # waiting | settled | aside
    state_words: str
    by: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """A notice of ours that a rule of the source has changed."""

    address: str
    title: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person now, of one kind, out of this run."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class RunPage:
    id: int
    source: str
    source_id: int
    started_at: datetime
    ended_at: datetime | None
    state: str
    state_words: str
    kind: str
    reason: str
    reason_code: str
    advice: str
    received: int
    terms: tuple[Term, ...]
    inbox: int  # when the run ended
    waiting: tuple[Waiting, ...]  # now
    safe: int
    conflicts: int
    older: int  # of the unchanged, those that a replay has left as they came since
    ruled: int
    ruled_notices: tuple[Ruled, ...]
    withdrawn: int
    disappeared: int
    flood: Flood | None
    requests: int
    pages: int
    notes: tuple[str, ...]
    more_notes: int
    refused: tuple[RefusedLine, ...]
    refused_kept: int
    refused_waiting: int
    refused_page: int
    refused_pages: int
    stored_pages: int
    erased: str  # when the stored pages were removed, in words
    replay_of: int | None
    replays: tuple[int, ...]
    replay_asked: bool
    licence: str
    resend: str
    lot: int | None
    not_undoable: str

    @property
    def is_running(self) -> bool:
        return self.state in ("running", "stopped")

    @property
    def waits(self) -> int:
        return sum(one.count for one in self.waiting)


def find(session: Session, run_id: int) -> tuple[Run, Source] | None:
    run = session.get(Run, run_id)
    return (run, session.get_one(Source, run.source_id)) if run is not None else None


def page(
    session: Session, run: Run, source: Source, now: datetime, zone: ZoneInfo, *, refused_page: int = 1
) -> RunPage:
    counts, flood = run.counts, floods.find(session, run, source)
    state, words = state_words(run, now)
    batch = session.get(Batch, run.batch_id) if run.batch_id else None
    why_not = lots.why_not(session, batch) if batch else ""
    notes = [Problem("", "", n["code"], "info", n["params"]).message for n in run.checkpoint.get("notes", ())]
    kept, waiting = _count_refused(session, run)
    pages = max(1, -(-kept // REFUSED_PER_PAGE))
    refused_page = min(max(refused_page, 1), pages)
    erased = run.checkpoint.get(nights.ERASED)
    asked = [one for one in nights.list_asked(session) if one.replay == run.id]
    return RunPage(
        id=run.id,
        source=source.name,
        source_id=source.id,
        started_at=run.started_at,
        ended_at=run.ended_at,
        state=state,
        state_words=words,
        kind=kind_words(run),
        reason=reason_words(run),
        reason_code=run.reason["code"] if run.reason else "",
        advice=_advice(session, run, state, flood, now, zone),
        received=int(counts.get("received", 0)),
        terms=tuple(_terms(counts)),
        inbox=int(counts.get("inbox", 0)),
        waiting=tuple(Waiting(kind, _(inbox.KINDS[kind]), n) for kind, n in _waiting(session, run).items()),
        safe=int(counts.get("safe", 0)),
        conflicts=int(counts.get("conflicts", 0)),
        older=int(counts.get("older", 0)),
        ruled=int(counts.get("ruled", 0)),
        ruled_notices=tuple(_ruled(session, run)),
        withdrawn=_withdrawn(session, run),
        flood=flood,
        disappeared=int(counts.get("disappeared", 0)),
        requests=int(counts.get("requests", 0)),
        pages=int(counts.get("pages", 0)),
        notes=tuple(notes[:NOTES_SHOWN]),
        more_notes=max(0, len(notes) - NOTES_SHOWN),
        refused=tuple(_refused(session, run, refused_page)),
        refused_kept=kept,
        refused_waiting=waiting,
        refused_page=refused_page,
        refused_pages=pages,
        stored_pages=session.scalar(select(func.count()).select_from(RawPage).where(RawPage.run_id == run.id)) or 0,
        erased=format_date(datetime.fromisoformat(erased)) if erased else "",
        replay_of=run.checkpoint.get("replay_of"),
        replays=tuple(_replays(session, run)),
        replay_asked=bool(asked),
        licence=source.licence,
        resend=source_terms.of_source(source).resend,
        lot=batch.id if batch else None,
        not_undoable=_(NOT_UNDOABLE[why_not]) if why_not else "",
    )


def _terms(counts: Mapping[str, Any]) -> Iterator[Term]:
    older = int(counts.get("older", 0))
    left = ngettext(
        "Dont %(n)s que le partenaire a redite depuis : cette relecture la laisse comme elle est.",
        "Dont %(n)s que le partenaire a redites depuis : cette relecture les laisse comme elles sont.",
        older,
    ) % {"n": format_number(older)}
    for name, (label, meaning) in BALANCE.items():
        words = f"{_(meaning)} {left}" if name == "unchanged" and older else _(meaning)
        yield Term(name, _(label), int(counts.get(name, 0)), words)


def _advice(session: Session, run: Run, state: str, flood: Flood | None, now: datetime, zone: ZoneInfo) -> str:
    """What to do, for a run that did not end well."""
    if state not in ("stopped", "incomplete"):
        return ""
    code = run.reason["code"] if run.reason else ""
    if code == floods.FLOOD and flood is not None and flood.answer is not None:
        return _("La réponse est donnée : elle se lit plus bas.")
    if _is_past(session, run):
        return _("Une autre moisson de cette source est passée depuis : il n’y a rien à faire pour celle-ci.")
    if code == floods.FLOOD:
        return _("À vous : dites plus bas s’il faut les croire. Rien n’est retiré en attendant.")
    again = nights.plan(session, run.source_id, now, zone)
    if state == "stopped" or code in GOES_ON:
        if again is not None:
            return _("Rien à faire : Travée la reprendra d’elle-même à l’endroit où elle s’est arrêtée.")
        return _("Relancez-la : elle reprendra, et ce qui est déjà reçu ne sera pas doublé.")
    if code in SETTINGS_AMISS:
        return _("À vous : vérifiez l’adresse, le format et l’ensemble demandés à cette source, puis relancez.")
    if code in FOR_THE_PARTNER:
        return _("C’est chez le partenaire : signalez-lui cette phrase, puis relancez quand il aura répondu.")
    if code in FOR_US:
        return _("C’est dans Travée : signalez-le à qui l’administre, avec le numéro de cette moisson.")
    if again is None:
        return _("Relancez la moisson un peu plus tard.")
    if again.is_due(now):
        return _("Rien à faire : Travée réessaie d’elle-même, dès que possible.")
    return _("Rien à faire : Travée réessaie d’elle-même, %(at)s.") % {"at": format_instant(again.at)}


def _is_past(session: Session, run: Run) -> bool:
    """Whether its source has been asked again since: this one has nothing left to wait for."""
    later = select(Run.id).where(Run.source_id == run.source_id, Run.kind == "harvest", Run.id > run.id)
    return session.scalar(later.where(Run.checkpoint["replay_of"].as_string().is_(None)).limit(1)) is not None


def _waiting(session: Session, run: Run) -> dict[str, int]:
    return {kind: n for kind, n in inbox.count_inbox(session, run_id=run.id).items() if kind != "run"}


def _ruled(session: Session, run: Run) -> Iterator[Ruled]:
    """The notices of ours that the run's lot has changed, not made: only a rule does that."""
    if run.batch_id is None or not run.counts.get("ruled"):
        return
    changed = select(Revision.entity_id).where(
        Revision.batch_id == run.batch_id, Revision.entity == "notice", Revision.before.is_not(None)
    )
    statement = select(Notice.address, Notice.title).where(Notice.id.in_(changed)).order_by(Notice.id)
    for address, title in session.execute(statement.limit(RULED_SHOWN)):
        yield Ruled(address, title.partition("\n")[0] or _("Sans titre"))


def _withdrawn(session: Session, run: Run) -> int:
    """Records that this run found gone at their partner's, and that a person has let go of since."""
    statement = (
        select(func.count())
        .select_from(Claim)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .join(RawPage, RawPage.id == SourceVersion.page_id)
        .where(RawPage.run_id == run.id, SourceVersion.deleted.is_(True), Claim.state == "withdrawn")
    )
    return session.scalar(statement) or 0


def _count_refused(session: Session, run: Run) -> tuple[int, int]:
    statement = select(func.count(), func.count().filter(Refused.settled_at.is_(None))).where(Refused.run_id == run.id)
    kept, waiting = session.execute(statement).one()
    return kept, waiting


def _refused(session: Session, run: Run, page: int) -> Iterator[RefusedLine]:
    """What waits first."""
    words = {"waiting": _("attend"), "settled": _("entrée depuis"), "aside": _("mise de côté")}
    statement = (
        select(Refused)
        .where(Refused.run_id == run.id)
        .options(defer(Refused.raw))
        .order_by(Refused.settled_at.is_not(None), Refused.position, Refused.id)
        .limit(REFUSED_PER_PAGE)
        .offset((page - 1) * REFUSED_PER_PAGE)
    )
    for row in session.scalars(statement):
        by = str(row.params.get(sources.ASIDE, ""))
        state = "aside" if by else "settled" if row.settled_at else "waiting"
        yield RefusedLine(row.id, row.position, row.identifier, sentence(row.code, row.params), state, words[state], by)


def _replays(session: Session, run: Run) -> Iterable[int]:
    """Runs that have read the pages of this one again, newest first."""
    statement = (
        select(Run.id)
        .where(Run.source_id == run.source_id, Run.id > run.id, Run.kind == "harvest")
        .where(Run.checkpoint["replay_of"].as_integer() == run.id)
        .order_by(Run.id.desc())
        .limit(5)
    )
    return session.scalars(statement)


def document(found: RunPage) -> dict[str, Any]:
    """The same for machines, in the names of INTERFACES."""
    counts = {term.name: term.count for term in found.terms}
    plain = {
        *("notes", "licence", "resend", "lot", "replay_of", "inbox", "safe", "conflicts", "ruled", "withdrawn"),
        *("disappeared", "requests", "pages", "received", "older"),
    }
    return {
        "run": found.id,
        "source": found.source,
        "started_at": found.started_at.isoformat(),
        "ended_at": found.ended_at.isoformat() if found.ended_at else None,
        "status": "running" if found.is_running else found.state,
        "reason": found.reason or None,
        "reason_code": found.reason_code or None,
        "advice": found.advice or None,
        **counts,
        **{name: value for name, value in asdict(found).items() if name in plain},
        "waiting": {one.kind: one.count for one in found.waiting},
        "ruled_notices": [one.address for one in found.ruled_notices],
        "flood": _flood(found.flood),
        "stored_pages": 0 if found.erased else found.stored_pages,
        "refused_records": [
            {"position": r.position, "identifier": r.identifier, "reason": r.sentence, "state": r.state}
            for r in found.refused
        ],
        "refused_records_page": found.refused_page,
        "refused_records_pages": found.refused_pages,
    }


def _flood(flood: Flood | None) -> dict[str, Any] | None:
    if flood is None:
        return None
    answer = None if flood.answer is None else "believed" if flood.answer.believed else "not_believed"
    return {"count": flood.count, "known": flood.known, "answer": answer, "open": flood.is_open}
