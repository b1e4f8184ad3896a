"""The worker's part of `catalogue.asking_again`: at night, what could not be answered is asked once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from catalogue import asking_again, db, nights, remembered
from catalogue.config import Settings
from harvest.lookup.asking import ask
from harvest.lookup.manners import manners
from harvest.lookup.questions import understand
from harvest.lookup.table import SETTING, sources

LIMIT = 20.0  # seconds a question: nobody waits at night


def ask_again(
    database: db.Database,
    settings: Settings,
    *,
    now: datetime | None = None,
    limit: float = LIMIT,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Ask each question that is due, of the sources that owe an answer; returns how many. No session is held open."""
    at = now or db.now()
    with database.read() as session:
        due = asking_again.due(session, at, ZoneInfo(settings.timezone), nights.minute(session))
        known = sources(remembered.read(session, SETTING))
    done = 0
    for one in due:
        if stopping():
            break
        asked = [source for source in known if source.code in one.failed]
        answers = list(ask(understand(one.question), asked, limit=limit, **manners(settings)))
        with database.write() as session:
            asking_again.take(session, one.id, answers, at=at)
        done += 1
    return done
