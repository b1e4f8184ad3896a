"""An ordinary week here: what the schedules bring, day by day, and what people have done of late, on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import backup_plan, following, nights, runs
from catalogue.desk_history import lot_words
from catalogue.i18n import _, colon, format_number, of
from catalogue.models import Batch, User
from catalogue.schedule import EVERY_DAY

WEEKS = 8  # that the average is made of
SHOWN_ACTS = 6
SHOWN_ISSUES = 20


@dataclass(frozen=True, slots=True)
class Week:
    """`days`: « Chaque jour », then those of the week that have something of their own; `done`: « Création : 12 »."""

    days: tuple[tuple[str, tuple[str, ...]], ...]
    done: tuple[str, ...]


def read(session: Session, now: datetime, zone: ZoneInfo) -> Week:
    planned: dict[int | None, list[str]] = {}
    for day, words in (*_every_night(session), *_harvests(session), *_issues(session, now, zone)):
        planned.setdefault(day, []).append(words)
    names = {None: _("chaque jour")} | {n: _(name) for n, name in enumerate(runs.DAYS)}
    days = tuple((words, tuple(planned[day])) for day, words in names.items() if day in planned)
    return Week(days, tuple(_done(session, now)))


def _every_night(session: Session) -> Iterator[tuple[None, str]]:
    plan = backup_plan.read(session)
    if plan.on:
        yield None, _("sauvegarde, vers %(hour)s h") % {"hour": plan.hour}


def _harvests(session: Session) -> Iterator[tuple[int | None, str]]:
    minute = nights.minute(session)
    for source in nights.harvested(session):
        wished = nights.get_schedule(session, source.id)
        words = _("moisson %(of_source)s, à %(at)s") % {
            "of_source": of(source.name),
            "at": runs.clock_words(wished.hour, minute),
        }
        if wished.on and wished.nights == frozenset(EVERY_DAY):
            yield None, words
        elif wished.on:
            yield from ((day, words) for day in sorted(wished.nights))


def _issues(session: Session, now: datetime, zone: ZoneInfo) -> Iterator[tuple[int, str]]:
    """The issues that should come in the seven days to come, on the day when each is due."""
    today = now.astimezone(zone).date()
    coming = [
        (foreseen.next.due_on, title)
        for title, foreseen in following.foreseen(session, today)
        if foreseen.next is not None and today <= foreseen.next.due_on < today + timedelta(days=7)
    ]
    for due_on, title in sorted(coming)[:SHOWN_ISSUES]:
        yield due_on.weekday(), _("attendu cette semaine : %(title)s") % {"title": title}


def _done(session: Session, now: datetime) -> Iterator[str]:
    """What people did most, a week: the machine's lots are no work of theirs."""
    theirs = Batch.at > now - timedelta(weeks=WEEKS), Batch.by.in_(select(User.login))
    statement = select(Batch.kind, func.count().label("n")).where(*theirs).group_by(Batch.kind)
    for kind, n in session.execute(statement.order_by(func.count().desc(), Batch.kind).limit(SHOWN_ACTS)):
        if (weekly := round(n / WEEKS)) > 0:
            yield f"{lot_words(kind)}{colon()}{format_number(weekly)}"
