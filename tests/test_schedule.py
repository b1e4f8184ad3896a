"""When a source is harvested by itself: every night once, what was missed once, what failed three times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.schedule import EVERY_DAY, TRIES, Attempt, Plan, Schedule, plan, tries_tonight

PARIS = ZoneInfo("Europe/Paris")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHTLY = Schedule(on=True, hour=3, full_day=None)
SUNDAYS_ALL = Schedule(on=True, hour=3, full_day=6)


def at(text: str) -> datetime:
    """Paris time, in March 2026 unless said otherwise: "02 03:00" is a Monday, three o'clock."""
    return datetime.fromisoformat("2026-03-"[: 16 - len(text)] + text).replace(tzinfo=PARIS).astimezone(UTC)


def run(start: str, status: str = "complete", *, full: bool = False, minutes: int = 10) -> Attempt:
    started = at(start)
    return Attempt(started, None if status == "running" else started + timedelta(minutes=minutes), status, full)


def failed(start: str, *, full: bool = False) -> Attempt:
    return run(start, "incomplete", full=full)


def planned(schedule: Schedule, now: str, *attempts: Attempt, minute: int = 0) -> Plan | None:
    return plan(schedule, attempts, at(now), zone=PARIS, minute=minute)


@pytest.mark.parametrize(
    ("what", "schedule", "now", "attempts", "start", "attempt"),
    [
        ("nothing was missed before it was set", replace(NIGHTLY, since=at("02 12:00")), "02 12:00", (), "03 03:00", 1),
        ("the hour has come", NIGHTLY, "02 03:05", (run("01 03:00"),), "02 03:00", 1),
        ("it is done", NIGHTLY, "02 12:00", (run("02 03:00"),), "03 03:00", 1),
        ("a run by hand during the night is the night's", NIGHTLY, "02 12:00", (run("02 09:00"),), "03 03:00", 1),
        ("five nights off are caught up once", NIGHTLY, "07 09:00", (run("02 03:00"),), "07 03:00", 1),
        (
            "and then the next night is waited for",
            NIGHTLY,
            "07 09:30",
            (run("02 03:00"), run("07 09:00")),
            "08 03:00",
            1,
        ),
        ("under way: left alone", NIGHTLY, "02 03:20", (run("02 03:00", "running"),), "03 03:00", 1),
        ("failed once: an hour after its end", NIGHTLY, "02 03:20", (failed("02 03:00"),), "02 04:10", 2),
        (
            "failed twice: three hours after",
            NIGHTLY,
            "02 05:00",
            (failed("02 03:00"), failed("02 04:10")),
            "02 07:20",
            3,
        ),
        (
            "failed three times: the next night",
            NIGHTLY,
            "02 09:00",
            (failed("02 03:00"), failed("02 04:10"), failed("02 07:20")),
            "03 03:00",
            1,
        ),
        ("yesterday's failures are yesterday's", NIGHTLY, "03 03:01", (failed("02 03:00"),), "03 03:00", 1),
        ("failed, then by hand: done", NIGHTLY, "02 09:00", (failed("02 03:00"), run("02 08:00")), "03 03:00", 1),
        (
            "chosen days",
            replace(NIGHTLY, days=(0, 3), since=at("01 12:00")),
            "03 12:00",
            (run("02 03:00"),),
            "05 03:00",
            1,
        ),
        (
            "one day a week, missed on Monday, caught up on Saturday",
            replace(NIGHTLY, days=(0,)),
            "07 09:00",
            (run("02-23 03:00"),),
            "02 03:00",
            1,
        ),
        (
            "clock put forward: 2:00 is skipped, 3:00 is the hour after",
            replace(NIGHTLY, hour=2),
            "28 12:00",
            (run("28 02:00"),),
            "29 03:00",
            1,
        ),
        (
            "clock put back: the first of two half past twos",
            replace(NIGHTLY, hour=2),
            "10-24 12:00",
            (run("10-24 02:00"),),
            "10-25 02:00",
            1,
        ),
        (
            "clock put back: once is enough",
            replace(NIGHTLY, hour=2),
            "10-25 04:00",
            (run("10-25 02:00"),),
            "10-26 02:00",
            1,
        ),
        ("our clock went back a little: not a second time", NIGHTLY, "02 03:00", (run("02 03:20"),), "03 03:00", 1),
        (
            "our clock was years ahead: what it made is no reason to wait",
            NIGHTLY,
            "02 03:01",
            (run("2031-01-01 03:00"),),
            "02 03:00",
            1,
        ),
        (
            "set under a clock that was years ahead",
            replace(NIGHTLY, since=at("2031-01-01 03:00")),
            "02 03:01",
            (),
            "02 03:00",
            1,
        ),
        ("failed by a clock that has gone back since", NIGHTLY, "02 03:30", (failed("02 03:25"),), "02 03:30", 2),
    ],
)
def test_the_next_harvest(
    what: str, schedule: Schedule, now: str, attempts: tuple[Attempt, ...], start: str, attempt: int
) -> None:
    assert planned(schedule, now, *attempts) == Plan(at(start), False, attempt), what


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(on=True, days=(), full_day=None)])
def test_a_source_without_schedule_is_never_harvested_by_itself(schedule: Schedule) -> None:
    assert planned(schedule, "02 12:00") is None


def test_the_minute_is_the_installation_s() -> None:
    assert planned(NIGHTLY, "02 12:00", run("02 03:17"), minute=17) == Plan(at("03 03:17"), False)
    due = planned(NIGHTLY, "02 03:16", run("01 03:17"), minute=17)
    assert due is not None and not due.is_due(at("02 03:16")) and due.is_due(at("02 03:17"))


@pytest.mark.parametrize(
    ("what", "now", "attempts", "full"),
    [
        ("Sunday asks for everything", "08 03:01", (run("07 03:00"),), True),
        ("Monday does not", "09 03:01", (run("08 03:00", full=True),), False),
        ("Sunday missed: Monday asks for everything", "09 03:01", (run("07 03:00"),), True),
        ("Sunday failed: its next tries ask for everything", "08 03:20", (failed("08 03:00", full=True),), True),
        ("Sunday failed: Monday's news does not wait for it", "09 03:01", (failed("08 03:00", full=True),), False),
        ("news asked for by hand on Sunday is not everything", "08 09:00", (run("08 03:30"),), True),
    ],
)
def test_everything_is_asked_for_once_a_week(what: str, now: str, attempts: tuple[Attempt, ...], full: bool) -> None:
    found = planned(SUNDAYS_ALL, now, *attempts)
    assert found is not None and found.at <= at(now) + HOUR, what
    assert found.full is full, what


def test_when_a_night_is_given_up() -> None:
    tries = [failed(start) for start in ("02 03:00", "02 04:10", "02 07:20")]
    count = lambda *made: tries_tonight(NIGHTLY, made, at("02 09:00"), zone=PARIS)  # noqa: E731
    assert [count(*tries[:n]) for n in range(4)] == [0, 1, 2, TRIES]
    assert count(*tries, run("02 08:00")) == 0


@pytest.mark.parametrize(
    "kept", [{"hour": 25}, {"hour": "x"}, {"days": [9]}, {"days": 3}, {"since": "hier"}, {"since": "2026-01-01"}, []]
)
def test_a_schedule_that_makes_no_sense_harvests_nothing(kept: object) -> None:
    document = {"on": True, **kept} if isinstance(kept, dict) else {}
    assert Schedule.of(document) == Schedule()


# --- laws ------------------------------------------------------------------------------------

schedules = st.builds(
    Schedule,
    on=st.just(True),
    hour=st.integers(0, 23),
    days=st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda days: tuple(sorted(days))),
    full_day=st.none() | st.sampled_from(EVERY_DAY),
    since=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda d: d.replace(tzinfo=UTC)),
)


@given(schedules)
def test_a_schedule_survives_being_kept(schedule: Schedule) -> None:
    assert Schedule.of(schedule.document()) == schedule


@settings(max_examples=30)
@given(
    schedules,
    st.sampled_from([datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 17, tzinfo=UTC)]),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.integers(0, 59),
)
def test_over_three_weeks_around_a_change_of_clock(
    schedule: Schedule, first: datetime, awake: list[bool], answers: list[bool], minute: int
) -> None:
    """A worker that looks every half hour, a machine that sleeps for half days, a partner that is often down."""
    schedule = replace(schedule, since=first)
    made: list[tuple[Attempt, Plan]] = []
    for step in range(20 * 48):
        now = first + timedelta(minutes=30 * step)
        if not awake[step // 24]:
            continue
        due = plan(schedule, [a for a, _p in made], now, zone=PARIS, minute=minute)
        if due is not None and due.is_due(now):
            status = "complete" if answers[len(made) % 40] else "incomplete"
            made.append((Attempt(now, now + timedelta(minutes=10), status, due.full), due))
    nights: dict[datetime, list[str]] = {}
    for tried, due in made:
        day = tried.started_at if due.attempt == 1 else next(reversed(nights))
        nights.setdefault(day, []).append(tried.status)
    # Never more than three times a night, never again after it was done.
    assert all(len(tries) <= TRIES and "complete" not in tries[:-1] for tries in nights.values())
    # Two nights never begin within the same day of the schedule: nothing is caught up twice.
    starts = [due.at for _tried, due in made if due.attempt == 1]
    assert len(set(starts)) == len(starts)
    assert all(s.astimezone(PARIS).weekday() in schedule.nights for s in starts)
    # Where the machine was on at the hour itself, the night was had.
    for number in range(1, 19):
        local = (first + number * DAY).astimezone(PARIS).replace(hour=schedule.hour, minute=minute, second=0)
        begun = local.astimezone(UTC)
        following = [awake[int((begun - first) / (12 * HOUR)) + n] for n in range(2)]
        if local.weekday() in schedule.nights and all(following):
            assert any(begun <= start <= begun + HOUR for start in nights), local
