"""A day of cleaning, told on one page to print: how many groups, by whom, which lots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.cleaning.chantier import Chantier
from catalogue.cleaning.looking import is_taken_back
from catalogue.i18n import _
from catalogue.models import CleaningGroup


@dataclass(frozen=True, slots=True)
class Share:
    """What one person did, or what was done of one task."""

    name: str
    groups: int
    rows: int


@dataclass(frozen=True, slots=True)
class Act:
    """One group that was settled."""

    at: datetime
    by: str
    task: str
    words: str
    rows: int
    lot: int | None
    undone: bool
    apart: bool


@dataclass(frozen=True, slots=True)
class Day:
    """`rows`: notices and copies; what was taken back since is told, and not counted."""

    day: date
    groups: int
    rows: int
    people: tuple[Share, ...]
    tasks: tuple[Share, ...]
    acts: tuple[Act, ...]


def beginning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def of_day(session: Session, chantiers: Mapping[str, Chantier], day: date, zone: ZoneInfo) -> Day:
    first, last = beginning(day, zone), beginning(day + timedelta(days=1), zone)
    statement = (
        select(CleaningGroup, is_taken_back())
        .where(CleaningGroup.done_at >= first, CleaningGroup.done_at < last, CleaningGroup.done_by != "")
        .order_by(CleaningGroup.done_at, CleaningGroup.id)
    )
    acts = tuple(
        Act(
            at=row.done_at or first,
            by=row.done_by,
            task=_(chantiers[row.task].title) if row.task in chantiers else row.task,
            words=row.what.get("words", ""),
            rows=row.what.get("n", 0),
            lot=row.batch_id,
            undone=undone,
            apart=row.state == "apart",
        )
        for row, undone in session.execute(statement)
        if row.state in ("done", "apart")
    )
    counted = [act for act in acts if not act.undone]
    return Day(
        day,
        len(counted),
        sum(act.rows for act in counted),
        _shares((act.by, act.rows) for act in counted),
        _shares((act.task, act.rows) for act in counted),
        acts,
    )


def _shares(pairs: Iterable[tuple[str, int]]) -> tuple[Share, ...]:
    groups: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for name, n in pairs:
        groups[name] += 1
        rows[name] += n
    return tuple(Share(name, n, rows[name]) for name, n in groups.most_common())
