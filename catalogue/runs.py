"""What a harvest says of itself, and what is to come: read from the runs, as values for a page or a JSON document.

The balance sheet is the run's own counts, each with its sentence; the reason is the one that stopped it, with what
a person can do about it. Nothing here writes or harvests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from catalogue import lots, nights, sources
from catalogue.desk_history import NOT_UNDOABLE
from catalogue.i18n import N_, _, format_date, format_instant, format_number, ngettext
from catalogue.models import Batch, RawPage, Refused, Run, Source
from catalogue.problems import Problem, sentence
from catalogue.schedule import EVERY_DAY, Schedule

RUNS_PER_PAGE = 25
REFUSED_PER_PAGE = 40
NOTES_SHOWN = 20

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
        *("oai.malformed", "oai.error", "oai.expired_token"),
    )
)
FOR_US = frozenset(("harvest.failed", "oai.unbalanced"))

DAYS = (N_("lundi"), N_("mardi"), N_("mercredi"), N_("jeudi"), N_("vendredi"), N_("samedi"), N_("dimanche"))


@dataclass(frozen=True, slots=True)
class RunLine:
    id: int
    source: str
    at: datetime
    state: str  # complete | incomplete | running | stopped
    state_words: str
    kind: str  # what was asked for, in words
    reason: str
    in_short: str
    asked_again: bool = False


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
    inbox: int
    disappeared: int
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


@dataclass(frozen=True, slots=True)
class SourceNights:
    """A source in the list: its schedule in words, and what comes next."""

    id: int
    name: str
    schedule: str
    on: bool
    next: str
    asked: str
    running: int | None


# --- the list --------------------------------------------------------------------------------


def list_runs(
    session: Session, now: datetime, page: int = 1, *, source_id: int | None = None
) -> tuple[list[RunLine], bool]:
    """A page of harvests, newest first, and whether there are older ones."""
    statement = (
        select(Run, Source.name)
        .join(Source, Source.id == Run.source_id)
        .where(Run.kind == "harvest")
        .order_by(Run.id.desc())
        .limit(RUNS_PER_PAGE + 1)
        .offset((page - 1) * RUNS_PER_PAGE)
    )
    if source_id is not None:
        statement = statement.where(Run.source_id == source_id)
    lines = [_line(run, name, now) for run, name in session.execute(statement)]
    return lines[:RUNS_PER_PAGE], len(lines) > RUNS_PER_PAGE


def last_lines(session: Session, now: datetime) -> list[RunLine]:
    """The last harvest of each source, the newest first, and whether another is asked for."""
    asked = {one.source_id for one in nights.list_asked(session) if one.replay is None}
    latest = select(func.max(Run.id)).where(Run.kind == "harvest").group_by(Run.source_id)
    rows = session.execute(
        select(Run, Source.name)
        .join(Source, Source.id == Run.source_id)
        .where(Run.id.in_(latest), Source.removed_at.is_(None))
        .order_by(Run.id.desc())
    )
    return [replace(_line(run, name, now), asked_again=run.source_id in asked) for run, name in rows]


def _line(run: Run, source: str, now: datetime) -> RunLine:
    state, words = _state(run, now)
    return RunLine(run.id, source, run.started_at, state, words, _kind(run), _reason(run), _in_short(run, state))


def _state(run: Run, now: datetime) -> tuple[str, str]:
    if run.status == "running":
        return ("stopped", _("arrêtée en route")) if nights.is_silent(run, now) else ("running", _("en cours"))
    return (run.status, _("complète") if run.status == "complete" else _("incomplète"))


def _kind(run: Run) -> str:
    """What was asked for, in words."""
    if number := run.checkpoint.get("replay_of"):
        return _("relecture de la moisson n° %(n)s") % {"n": number}
    if since := nights.since(run):
        return _("ce qui a changé depuis le %(day)s") % {"day": format_date(datetime.fromisoformat(since))}
    return _("tout, depuis le début")


def _reason(run: Run) -> str:
    return sentence(run.reason["code"], run.reason.get("params")) if run.reason else ""


def _in_short(run: Run, state: str) -> str:
    """« 31 nouvelles, 4 changées, 1 refusée. », or that there was no news."""
    counts = {name: int(run.counts.get(name, 0)) for name in ("received", "new", "matched", "updated", "refused")}
    said = [
        (counts["new"], ngettext("%(n)s nouvelle", "%(n)s nouvelles", counts["new"])),
        (counts["matched"], ngettext("%(n)s reconnue", "%(n)s reconnues", counts["matched"])),
        (counts["updated"], ngettext("%(n)s changée", "%(n)s changées", counts["updated"])),
        (counts["refused"], ngettext("%(n)s refusée", "%(n)s refusées", counts["refused"])),
    ]
    found = [words % {"n": format_number(n)} for n, words in said if n]
    if found:
        return ", ".join(found) + "."
    if counts["received"] or state == "complete":
        return _("Rien de nouveau.")
    return _("Rien n’est encore arrivé.") if state == "running" else _("Rien n’est arrivé.")


# --- one run ---------------------------------------------------------------------------------


def find(session: Session, run_id: int) -> tuple[Run, Source] | None:
    run = session.get(Run, run_id)
    return (run, session.get_one(Source, run.source_id)) if run is not None else None


def page(session: Session, run: Run, source: Source, now: datetime, *, refused_page: int = 1) -> RunPage:
    counts = run.counts
    state, state_words = _state(run, now)
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
        state_words=state_words,
        kind=_kind(run),
        reason=_reason(run),
        reason_code=run.reason["code"] if run.reason else "",
        advice=_advice(session, run, state, source),
        received=int(counts.get("received", 0)),
        terms=tuple(_terms(counts)),
        inbox=int(counts.get("inbox", 0)),
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
        resend=source.resend,
        lot=batch.id if batch else None,
        not_undoable=_(NOT_UNDOABLE[why_not]) if why_not else "",
    )


def _terms(counts: Mapping[str, Any]) -> Iterator[Term]:
    for name, (label, meaning) in BALANCE.items():
        yield Term(name, _(label), int(counts.get(name, 0)), _(meaning))


def _advice(session: Session, run: Run, state: str, source: Source) -> str:
    """What to do, for a run that did not end well."""
    on = nights.get_schedule(session, source.id).on
    if state == "stopped":
        if on:
            return _("Travée la reprendra d’elle-même à l’endroit où elle s’est arrêtée.")
        return _("Relancez-la : elle reprendra, et ce qui est déjà reçu ne sera pas doublé.")
    if state != "incomplete":
        return ""
    code = run.reason["code"] if run.reason else ""
    if code in SETTINGS_AMISS:
        return _("À vous : vérifiez l’adresse, le format et l’ensemble demandés à cette source, puis relancez.")
    if code in FOR_THE_PARTNER:
        return _("C’est chez le partenaire : signalez-lui cette phrase, puis relancez quand il aura répondu.")
    if code in FOR_US:
        return _("C’est dans Travée : signalez-le à qui l’administre, avec le numéro de cette moisson.")
    if on:
        return _("Rien à faire : Travée réessaie d’elle-même, trois fois par nuit, puis la nuit suivante.")
    return _("Relancez la moisson un peu plus tard.")


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
    plain = {"notes", "licence", "resend", "lot", "replay_of", "inbox", "disappeared", "requests", "pages", "received"}
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
        "stored_pages": 0 if found.erased else found.stored_pages,
        "refused_records": [
            {"position": r.position, "identifier": r.identifier, "reason": r.sentence, "state": r.state}
            for r in found.refused
        ],
        "refused_records_page": found.refused_page,
        "refused_records_pages": found.refused_pages,
    }


# --- what is to come -------------------------------------------------------------------------


def list_nights(session: Session, now: datetime, zone: ZoneInfo) -> list[SourceNights]:
    """Each harvested source, its schedule in words, and its next harvest."""
    asked = {one.source_id: one for one in nights.list_asked(session) if one.replay is None}
    running = {source.id: run.id for run, source in nights.under_way(session) if not nights.is_silent(run, now)}
    minute = nights.minute(session)
    lines = []
    for source in nights.harvested(session):
        wished = nights.get_schedule(session, source.id)
        plan = nights.plan(session, source.id, now, zone)
        coming = ""
        if plan is not None:
            coming = _("dès que possible") if plan.is_due(now) else format_instant(plan.at)
            if plan.attempt > 1:
                coming = _("%(when)s (essai n° %(n)s)") % {"when": coming, "n": plan.attempt}
            elif plan.full:
                coming = _("%(when)s, tout redemander") % {"when": coming}
        one = asked.get(source.id)
        by = _("demandée par %(by)s, %(at)s") % {"by": one.by, "at": format_instant(one.at)} if one else ""
        lines.append(
            SourceNights(
                source.id, source.name, schedule_words(wished, minute), wished.on, coming, by, running.get(source.id)
            )
        )
    return lines


def schedule_words(wished: Schedule, minute: int) -> str:
    """« chaque nuit vers 3 h 17 ; tout redemander le dimanche »"""
    if not wished.on:
        return _("pas d’horaire : seulement à la demande")
    said = {"at": clock_words(wished.hour, minute), "days": ", ".join(_(DAYS[day]) for day in wished.days)}
    if wished.days == EVERY_DAY:
        words = _("chaque jour à %(at)s") % said
    elif wished.days:
        words = _("le %(days)s à %(at)s") % said
    else:
        words = _("à %(at)s") % said
    if wished.full_day is None:
        return words
    whole = _("tout redemander le %(day)s") % {"day": _(DAYS[wished.full_day])}
    return _("%(one)s ; %(other)s") % {"one": words, "other": whole}


def clock_words(hour: int, minute: int) -> str:
    return _("%(hour)s h %(minute)s") % {"hour": hour, "minute": f"{minute:02d}"}
