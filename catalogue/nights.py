"""The harvests to come: each source's schedule, and what somebody has asked for, for the worker to do.

A page never harvests: it writes down what is wished, and the worker does one thing after the other
(`harvest.nightly`). What was asked for is forgotten when it is done, so that a worker that is killed meets it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, process, remembered, schedule, sources
from catalogue.models import Run, Source
from catalogue.schedule import Attempt, Plan, Schedule

SCHEDULE, ASKED, REPLAY = "harvest.schedule:", "harvest.asked:", "harvest.replay:"
MINUTE, KEEP_DAYS, TAKEN_UP = "harvest.minute", "harvest.keep_days", "harvest.taken_up"
TAKEN_UP_AT_MOST = 3  # without a page more: a run that kills its worker each time is left until the next night
KEPT_DAYS = 90  # raw pages, unless somebody has said otherwise
HOURS = "harvest.hours:"
USUAL_HOURS = 6.0  # that a whole harvest may take
LONGEST_HOURS = 72
ERASED = "pages_erased_at"  # in the checkpoint of a run whose pages have been removed
LEFT = "left"  # in that of a run which its process has left where it stands
SILENT = timedelta(minutes=15)  # a run that has said nothing for so long has no process any more
_LOOKED_AT = schedule.LOOKED_BACK + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wished at the desk: a harvest of a source, or the stored pages of a run read again."""

    source_id: int
    by: str
    at: datetime
    full: bool = False
    replay: int | None = None

    @property
    def name(self) -> str:
        return f"{ASKED}{self.source_id}" if self.replay is None else f"{REPLAY}{self.replay}"


# --- schedules -------------------------------------------------------------------------------


def get_schedule(session: Session, source_id: int) -> Schedule:
    return Schedule.of(remembered.read(session, f"{SCHEDULE}{source_id}"))


def set_schedule(session: Session, source_id: int, wished: Schedule, *, at: datetime | None = None) -> None:
    """Keep it; from now on, what is missed is caught up. Says nothing new: the old moment stays."""
    known = get_schedule(session, source_id)
    if replace(wished, since=known.since) == known and known.since is not None:
        return
    if remembered.read(session, MINUTE) is None:
        remembered.write(session, MINUTE, secrets.randbelow(60))
    remembered.write(session, f"{SCHEDULE}{source_id}", replace(wished, since=at or db.now()).document())


def minute(session: Session) -> int:
    """The minute at which nights begin here, drawn once: not every centre asks the same server at 3:00 sharp."""
    drawn = remembered.read(session, MINUTE, 0)
    return drawn if isinstance(drawn, int) and 0 <= drawn < 60 else 0


def harvested(session: Session) -> list[Source]:
    """The sources that can be harvested, by name."""
    return [s for s in sources.list_sources(session) if s.kind == "oai" and s.url]


def attempts(session: Session, source_id: int, now: datetime) -> list[Attempt]:
    """The runs that a schedule looks at: replays and those that asked from a chosen day are nobody's night."""
    statement = (
        select(Run)
        .where(Run.source_id == source_id, Run.kind == "harvest", Run.started_at >= now - _LOOKED_AT)
        .order_by(Run.id)
    )
    return [
        Attempt(run.started_at, run.ended_at, run.status, is_full(run))
        for run in session.scalars(statement)
        if not run.checkpoint.get("replay_of") and run.checkpoint.get("base", True)
    ]


def is_full(run: Run) -> bool:
    """Whether everything was asked for: every list of it from the beginning, whoever decided so."""
    return bool(run.checkpoint.get("base")) and not since(run)


def since(run: Run) -> str:
    """From which moment on it asked for changes, the earliest where its sets differ; "" for everything."""
    walks = run.checkpoint.get("walks")
    if walks:
        return min(str(walk["since"]) for walk in walks)
    return str((run.checkpoint.get("asked") or {}).get("from", ""))


def plan(session: Session, source_id: int, now: datetime, zone: ZoneInfo) -> Plan | None:
    wished = get_schedule(session, source_id)
    return schedule.plan(wished, attempts(session, source_id, now), now, zone=zone, minute=minute(session))


def given_up(session: Session, source_id: int, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the last night of this source has failed as often as it is tried."""
    wished, made = get_schedule(session, source_id), attempts(session, source_id, now)
    failed = schedule.tries_tonight(wished, made, now, zone=zone, minute=minute(session))
    return failed >= schedule.TRIES


def next_due(session: Session, now: datetime, zone: ZoneInfo) -> list[tuple[Source, Plan]]:
    """What is to be started by now, the one that has waited longest first."""
    found = [(source, plan(session, source.id, now, zone)) for source in harvested(session)]
    due = [(source, planned) for source, planned in found if planned is not None and planned.is_due(now)]
    return sorted(due, key=lambda one: (one[1].at, one[0].id))


def hours(session: Session, source_id: int) -> float:
    """How long a harvest of this source may take."""
    kept = remembered.read(session, f"{HOURS}{source_id}", USUAL_HOURS)
    return float(kept) if isinstance(kept, int | float) and 0 < kept <= LONGEST_HOURS else USUAL_HOURS


def set_hours(session: Session, source_id: int, wished: float) -> None:
    remembered.write(session, f"{HOURS}{source_id}", wished)


# --- what was asked for ----------------------------------------------------------------------


def ask(session: Session, wished: Asked) -> None:
    """Once is enough: asking again for the same changes only who asked, and whether for everything."""
    known = _asked(wished.name, remembered.read(session, wished.name))
    full = wished.full or (known is not None and known.full)
    document: dict[str, Any] = {"source": wished.source_id, "by": wished.by, "full": full, "replay": wished.replay}
    at = known.at if known is not None else wished.at
    remembered.write(session, wished.name, document | {"at": at.isoformat()})


def list_asked(session: Session) -> list[Asked]:
    """What waits for the worker, in the order in which it was asked for."""
    rows = [
        _asked(prefix + name, value)
        for prefix in (ASKED, REPLAY)
        for name, value in remembered.read_all(session, prefix).items()
    ]
    return sorted((row for row in rows if row is not None), key=lambda row: row.at)


def settle(session: Session, done: Asked) -> None:
    """It is done; what was asked for meanwhile (everything, this time) waits on."""
    now_asked = _asked(done.name, remembered.read(session, done.name))
    if now_asked is not None and now_asked.full == done.full:
        remembered.forget(session, done.name)


def _asked(name: str, value: Any) -> Asked | None:
    if not isinstance(value, dict):
        return None
    at = datetime.fromisoformat(value["at"])
    return Asked(int(value["source"]), value["by"], at, full=bool(value["full"]), replay=value["replay"])


# --- what is under way -----------------------------------------------------------------------


def under_way(session: Session) -> list[tuple[Run, Source]]:
    """Runs that have not ended: of a process at work, or of one that was stopped."""
    statement = (
        select(Run, Source)
        .join(Source, Source.id == Run.source_id)
        .where(Run.kind == "harvest", Run.status == "running", Source.removed_at.is_(None))
        .order_by(Run.id)
    )
    return [(run, source) for run, source in session.execute(statement)]


def is_stopped(run: Run, now: datetime) -> bool:
    """A run that has not ended and that nobody is at: its process has left it, was killed, or is silent."""
    if run.status != "running":
        return False
    known = run.checkpoint
    if known.get(LEFT) or process.is_gone(str(known.get("process", ""))):
        return True
    last = known.get("at")
    return now - (datetime.fromisoformat(last) if last else run.started_at) > SILENT


def close_stopped(session: Session, now: datetime) -> list[Run]:
    """End the runs that nobody is at and that no worker takes up; whoever asks again within the hour goes on there."""
    stopped = [(run, source) for run, source in under_way(session) if is_stopped(run, now)]
    kept = {run.id for run, _source in taken_up(session, stopped)}
    ended = [run for run, _source in stopped if run.id not in kept]
    for run in ended:
        run.status, run.ended_at, run.reason = "incomplete", now, {"code": "oai.interrupted", "params": {}}
    return ended


def taken_up(session: Session, runs: Sequence[tuple[Run, Source]]) -> list[tuple[Run, Source]]:
    """Of these, what the worker may take up where it stood: of a source that is harvested by itself, or that
    somebody has asked for. What a person began by hand and stopped is theirs to begin again."""
    asked = {one.source_id for one in list_asked(session) if one.replay is None}
    worn_out = remembered.read(session, TAKEN_UP, {})
    return [
        (run, source)
        for run, source in runs
        if not run.checkpoint.get("replay_of")
        and (source.id in asked or get_schedule(session, source.id).on)
        and not (_same_place(worn_out, run) and worn_out["times"] >= TAKEN_UP_AT_MOST)
    ]


def note_taken_up(session: Session, run: Run) -> None:
    """Before it is: what comes of it may be that nobody is left to count."""
    known = remembered.read(session, TAKEN_UP, {})
    times = known["times"] + 1 if _same_place(known, run) else 1
    remembered.write(session, TAKEN_UP, {"run": run.id, "pages": run.counts.get("pages", 0), "times": times})


def _same_place(known: Mapping[str, Any], run: Run) -> bool:
    return (known.get("run"), known.get("pages")) == (run.id, run.counts.get("pages", 0))


# --- pages kept ------------------------------------------------------------------------------


def keep_days(session: Session) -> int:
    """How long raw pages are kept."""
    kept = remembered.read(session, KEEP_DAYS, KEPT_DAYS)
    return kept if isinstance(kept, int) and kept > 0 else KEPT_DAYS


def set_keep_days(session: Session, days: int) -> None:
    remembered.write(session, KEEP_DAYS, days)
