"""The harvests that were made, in a line each, and those to come: values for a page or a JSON document.

Nothing here writes or harvests. One run with all there is to say of it is `catalogue.run_page`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import nights
from catalogue.i18n import N_, _, format_date, format_instant, format_number, ngettext
from catalogue.models import Run, Source
from catalogue.problems import sentence
from catalogue.schedule import EVERY_DAY, Schedule

RUNS_PER_PAGE = 25

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
    state, words = state_words(run, now)
    return RunLine(
        run.id, source, run.started_at, state, words, kind_words(run), reason_words(run), _in_short(run, state)
    )


def state_words(run: Run, now: datetime) -> tuple[str, str]:
    if run.status == "running":
        return ("stopped", _("interrompue")) if nights.is_stopped(run, now) else ("running", _("en cours"))
    return (run.status, _("complète") if run.status == "complete" else _("incomplète"))


def kind_words(run: Run) -> str:
    """What was asked for, in words."""
    if number := run.checkpoint.get("replay_of"):
        return _("relecture de la moisson n° %(n)s") % {"n": number}
    if since := nights.since(run):
        return _("ce qui a changé depuis le %(day)s") % {"day": format_date(datetime.fromisoformat(since))}
    return _("tout, depuis le début")


def reason_words(run: Run) -> str:
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


# --- what is to come -------------------------------------------------------------------------


def list_nights(session: Session, now: datetime, zone: ZoneInfo) -> list[SourceNights]:
    """Each harvested source, its schedule in words, and its next harvest."""
    asked = {one.source_id: one for one in nights.list_asked(session) if one.replay is None}
    running = {source.id: run.id for run, source in nights.under_way(session) if not nights.is_stopped(run, now)}
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
