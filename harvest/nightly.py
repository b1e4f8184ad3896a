"""The worker's harvests: what was left half-way, what somebody asked for, what the schedule says; one at a time.

A harvest takes minutes, its pages seconds: it has a thread of its own, and between two pages the index, the imports
and the desk have their turn at the base. Asked to stop, it stops after the page it has in hand, and the next worker
takes it up where it stood. A harvest that another process is doing (a person at a terminal) is left alone.

    night = Nightly(database, settings, stopping=stop.is_set, pause=stop.wait)
    while night.work_once():
        ...
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from catalogue import db, nights
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Run
from catalogue.nights import Asked
from harvest import run

log = logging.getLogger("travee")

REST = timedelta(minutes=10)  # after a fault of ours, or a full disk: the same would happen again at once
BY = "travee worker"


@dataclass(frozen=True, slots=True)
class Task:
    """One harvest to do. `asked` is what it answers to, when somebody asked."""

    source_id: int
    name: str
    by: str = BY
    full: bool = False
    since: str = ""
    replay: int | None = None
    asked: Asked | None = None
    left: int | None = None  # the run that it takes up


@dataclass(slots=True)
class Nightly:
    """The harvests of one worker. `pause` waits so many seconds, or until the worker is asked to stop."""

    database: Database
    settings: Settings
    stopping: Callable[[], bool] = lambda: False
    pause: Callable[[float], object] = time.sleep
    now: Callable[[], datetime] = db.now
    _resting: dict[int, datetime] = field(default_factory=dict)  # sources, and when they are tried again

    def close_stopped(self) -> None:
        """End the runs whose process is no more, and that nobody takes up: none may look as if it were under way."""
        at = self.now()
        with self.database.read() as session:
            if not any(nights.is_stopped(found, at) for found, _source in nights.under_way(session)):
                return
        with self.database.write() as session:
            for found in nights.close_stopped(session, at):
                log.warning("the harvest n° %s was interrupted; it is told so", found.id)

    def work_once(self) -> bool:
        """Do what comes first, if there is anything; False when there is nothing to do for now."""
        for task in self._tasks():
            if self.stopping():
                return False
            if self._do(task):
                return not self.stopping()
        return False

    def _tasks(self) -> list[Task]:
        """What there is to do now, first things first: left half-way, asked for, due. A source has one turn."""
        at = self.now()
        with self.database.read() as session:
            left = nights.taken_up(session, nights.under_way(session))
            asked = nights.list_asked(session)
            names = {source.id: source.name for source in nights.harvested(session)}
            due = nights.next_due(session, at, ZoneInfo(self.settings.timezone))
        tasks = [_taken_up(found, source.name, asked) for found, source in left]
        tasks += [_asked(one, names.get(one.source_id, "")) for one in asked]
        tasks += [Task(source.id, source.name, full=plan.full) for source, plan in due]
        return list(self._one_each(tasks, at))

    def _one_each(self, tasks: list[Task], at: datetime) -> Iterator[Task]:
        met: set[int] = set()
        for task in tasks:
            rests = self._resting.get(task.source_id)
            if task.source_id not in met and (rests is None or not at < rests <= at + REST):
                met.add(task.source_id)
                yield task

    def _do(self, task: Task) -> bool:
        """True when it was done, or cannot be; False when it has to wait: another process is at it."""
        try:
            self._harvest(task)
        except run.AlreadyRunning:
            return False
        except InterruptedError:  # we were asked to stop
            return True
        except LookupError:
            log.warning("what was asked of the source %s cannot be harvested any more", task.name or task.source_id)
            self._settle(task)
            return task.asked is not None
        except Exception as error:  # the disk, the base, or a fault of ours: the others must not wait for it
            if not isinstance(error, (OSError, SQLAlchemyError)):
                self._settle(task)  # it would come back for ever
            log.exception("the harvest of %s failed; it is tried again in %s", task.name, REST)
            self._resting[task.source_id] = self.now() + REST
            return True
        self._settle(task)
        return True

    def _harvest(self, task: Task) -> run.Report:
        more: dict[str, Any] = {"by": task.by, "progress": self._step, "now": self.now}
        if task.replay is not None:
            return run.replay(self.database, self.settings, task.replay, **more)
        if task.left is not None:
            with self.database.write() as session:
                nights.note_taken_up(session, session.get_one(Run, task.left))
        report = run.harvest(
            self.database, self.settings, task.name, full=task.full, since=task.since, sleep=self._sleep, **more
        )
        log.info("harvest of %s: %s, %s received", task.name, report.status, report.counts["received"])
        return report

    def _settle(self, task: Task) -> None:
        if task.asked is not None:
            with self.database.write() as session:
                nights.settle(session, task.asked)

    def _step(self, _done: int, _total: int | None) -> None:
        """After each page. An OSError leaves the run where it stands (`harvest.run`), to be taken up."""
        if self.stopping():
            raise InterruptedError

    def _sleep(self, seconds: float) -> None:
        """A server asked us to wait: not longer than our own stop."""
        self.pause(seconds)
        if self.stopping():
            raise InterruptedError


def _taken_up(found: Run, name: str, asked: Sequence[Asked]) -> Task:
    """The same questions as the run that was stopped: those that it wrote down. It may be what somebody asked for."""
    known = found.checkpoint.get("asked") or {}
    full, since = bool(known.get("full")), "" if found.checkpoint.get("base", True) else str(known.get("from", ""))
    wished = (one for one in asked if one.source_id == found.source_id and one.replay is None and one.full <= full)
    return Task(found.source_id, name, full=full, since=since, asked=next(wished, None), left=found.id)


def _asked(one: Asked, name: str) -> Task:
    return Task(one.source_id, name, by=one.by, full=one.full, replay=one.replay, asked=one)
