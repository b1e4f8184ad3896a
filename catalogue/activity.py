"""Anonymous counts of use: a day, a notice, a kind, a number; never a person.

A page must not wait for the write lock that an import may hold: counts gather in memory, and a thread
writes them down every few seconds and when the process ends.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from threading import Lock

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from catalogue.models import UsageDay

KINDS = ("view", "download", "citation", "request")

# What robots call themselves. Counting errs on the side of leaving out.
ROBOT_WORDS = (
    "bot",
    "crawl",
    "spider",
    "slurp",
    "curl",
    "wget",
    "python",
    "java/",
    "httpclient",
    "okhttp",
    "headless",
    "preview",
    "monitor",
    "scan",
    "fetch",
    "libwww",
    "go-http",
    "feed",
    "archive",
)


def is_robot(user_agent: str | None) -> bool:
    agent = (user_agent or "").lower()
    return not agent or any(word in agent for word in ROBOT_WORDS)


class Tally:
    """Counts that wait to be written; shared by the threads of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: Counter[tuple[date, int, str]] = Counter()

    def add(self, day: date, notice_id: int, kind: str) -> None:
        with self._lock:
            self._waiting[day, notice_id, kind] += 1

    def take(self) -> Counter[tuple[date, int, str]]:
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        return taken

    def put_back(self, counts: Counter[tuple[date, int, str]]) -> None:
        with self._lock:
            self._waiting.update(counts)

    def __bool__(self) -> bool:
        return bool(self._waiting)


def write(session: Session, counts: Counter[tuple[date, int, str]]) -> None:
    """Add these counts to the days they belong to."""
    if not counts:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    rows = [{"day": d, "notice_id": n, "kind": k, "n": c} for (d, n, k), c in sorted(counts.items())]
    statement = insert(UsageDay)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "notice_id", "kind"], set_={"n": UsageDay.n + statement.excluded.n}
        ),
        rows,
    )


def total(session: Session, kind: str, since: date, until: date) -> int:
    """How many, from one day to another, both included."""
    statement = select(func.coalesce(func.sum(UsageDay.n), 0)).where(
        UsageDay.kind == kind, UsageDay.day >= since, UsageDay.day <= until
    )
    return int(session.execute(statement).scalar_one())
