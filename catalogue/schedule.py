"""When a source is harvested by itself: the hour of the night, the days, and what was missed or failed.

Nothing is remembered but what a person has set and the runs that were made: from these, `plan` says when the next
harvest starts, and the worker starts it when that moment has come. So a machine that was off for a week catches up
once, and a worker that is killed has forgotten nothing.

A *night* begins at the hour that was set, on the centre's clock, and lasts until the next one. It is done when one
run of it is complete. A run that is not is tried again an hour after its end, then three hours after the second
one's; after the third, the next night is waited for.

    >>> plan(Schedule(on=True, hour=3), (), datetime(2026, 3, 2, 12, tzinfo=UTC), zone=ZoneInfo("Europe/Paris")).at
    datetime.datetime(2026, 3, 2, 2, 0, tzinfo=datetime.timezone.utc)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EVERY_DAY = tuple(range(7))  # Monday is 0
USUAL_HOUR = 3
SUNDAY = 6
WAITS = (timedelta(hours=1), timedelta(hours=3))  # after the end of a run that failed
TRIES = len(WAITS) + 1
LOOKED_BACK = timedelta(days=8)  # to the last night of a source harvested once a week
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a person has set for one source. `full_day`: the day of the week when everything is asked for again;
    None leaves it to the harvest, which does so once a week and after a list that missed something."""

    on: bool = False
    hour: int = USUAL_HOUR
    days: tuple[int, ...] = EVERY_DAY
    full_day: int | None = SUNDAY
    since: datetime | None = None  # when it was set: nothing before that was missed

    @property
    def nights(self) -> frozenset[int]:
        """The days on which a harvest starts: those that were chosen, and that of the full one."""
        return frozenset(self.days) | (frozenset() if self.full_day is None else {self.full_day})

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"days": list(self.days), "since": self.since.isoformat() if self.since else None}

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Schedule:
        """From what was kept; what makes no sense (a base that somebody edited) is as if it were not set."""
        try:
            kept = dict(document or {})
            since = kept.get("since")
            made = cls(
                on=bool(kept.get("on", False)),
                hour=int(kept.get("hour", USUAL_HOUR)),
                days=tuple(sorted({int(day) for day in kept.get("days", EVERY_DAY)})),
                full_day=None if kept.get("full_day", SUNDAY) is None else int(kept.get("full_day", SUNDAY)),
                since=datetime.fromisoformat(since) if since else None,
            )
        except (TypeError, ValueError):
            return cls()
        sound = 0 <= made.hour < 24 and made.nights <= set(EVERY_DAY) and (not made.since or made.since.tzinfo)
        return made if sound else cls()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run as the schedule sees it. `full`: everything was asked for."""

    started_at: datetime
    ended_at: datetime | None
    status: str  # running | complete | incomplete
    full: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The next start: when, whether everything is asked for, and which try of its night it is."""

    at: datetime
    full: bool
    attempt: int = 1

    def is_due(self, now: datetime) -> bool:
        return self.at <= now


def plan(
    schedule: Schedule, attempts: Sequence[Attempt], now: datetime, *, zone: ZoneInfo, minute: int = 0
) -> Plan | None:
    """When the next harvest of this source starts; a moment that has passed: now. None when it never does."""
    if not schedule.on or not schedule.nights:
        return None
    # A run that started more than a day from now was made by a clock that was wrong: it says nothing of tonight.
    known = sorted((a for a in attempts if a.started_at <= now + A_DAY), key=lambda a: a.started_at)
    last = next(_past(schedule, schedule.nights, now, zone, minute), None)
    if last is not None and (again := _tonight(schedule, known, last, now, zone, minute)) is not None:
        return again
    coming = _next(schedule, now, zone, minute)
    return Plan(coming, full=coming.astimezone(zone).weekday() == schedule.full_day)


def tries_tonight(
    schedule: Schedule, attempts: Sequence[Attempt], now: datetime, *, zone: ZoneInfo, minute: int = 0
) -> int:
    """How many runs of the last night have failed, 0 when one was complete: at `TRIES` there is no other."""
    last = next(_past(schedule, schedule.nights, now, zone, minute), None)
    if last is None or not schedule.on:
        return 0
    tonight = [a for a in attempts if last <= a.started_at <= now + A_DAY]
    return 0 if any(a.status != "incomplete" for a in tonight) else len(tonight)


def _tonight(
    schedule: Schedule, known: Sequence[Attempt], last: datetime, now: datetime, zone: ZoneInfo, minute: int
) -> Plan | None:
    """What is left to do of the night that began at `last`; None when nothing is."""
    made = [a for a in known if a.started_at >= last]
    full = _wants_all(schedule, known, last, now, zone, minute)
    if any(a.status == "running" or (a.status == "complete" and (a.full or not full)) for a in made):
        return None
    failed = [a for a in made if a.status == "incomplete"]
    if not failed:
        return Plan(last, full)
    if len(failed) >= TRIES:
        return None
    ended = failed[-1].ended_at or failed[-1].started_at
    at = ended + WAITS[len(failed) - 1] if ended <= now else now  # the clock went back: do not wait for it twice
    return Plan(at, full, len(failed) + 1)


def _wants_all(
    schedule: Schedule, known: Sequence[Attempt], last: datetime, now: datetime, zone: ZoneInfo, minute: int
) -> bool:
    """Whether the night that began at `last` asks for everything: it is the one of the week, or the first one
    after that was missed. A full harvest that fails has its night and no other: news must not wait for it."""
    if schedule.full_day is None:
        return False
    week = next(_past(schedule, frozenset({schedule.full_day}), now, zone, minute), None)
    if week is None:
        return False
    return not any(a.full and week <= a.started_at and (a.started_at < last or a.status == "complete") for a in known)


# --- nights ----------------------------------------------------------------------------------


def _past(schedule: Schedule, nights: frozenset[int], now: datetime, zone: ZoneInfo, minute: int) -> Iterator[datetime]:
    """When nights began, the last one first, as far back as the schedule goes."""
    since = schedule.since
    if since is None or since > now + A_DAY:  # set under a clock that was wrong
        since = datetime.min.replace(tzinfo=UTC)
    today = now.astimezone(zone).date()
    for back in range(LOOKED_BACK.days + 1):
        day = today - timedelta(days=back)
        if day.weekday() in nights and since <= (at := _start(day, schedule.hour, minute, zone)) <= now:
            yield at


def _next(schedule: Schedule, now: datetime, zone: ZoneInfo, minute: int) -> datetime:
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(LOOKED_BACK.days + 1))
    starts = (_start(day, schedule.hour, minute, zone) for day in days if day.weekday() in schedule.nights)
    return next(at for at in starts if at > now)


def _start(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """On a clock that is put forward, an hour that is skipped is the one after; put back, the first of the two."""
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
