"""Questions that the outside sources could not answer: kept, asked again each night, given up after five.

Somebody pasted a number while the BnF was down, and went on by hand. What is found later waits in « À revoir », where
it can still be taken into the form; so does what was given up, once, so that nobody waits for it. Who asks is
`harvest.lookup.again`: this module knows no network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import db, found
from catalogue.found import Answer
from catalogue.models import LookupWait

NIGHTS = 5  # after which nobody is asked any more
HOUR = 2  # on the centre's clock
TO_SEE = ("answered", "given_up")  # states that a person is told of
KEPT = timedelta(days=60)  # of what nobody looked at, or was settled
AT_ONCE = 20  # questions of one pass
LONGEST = 2_000


class Asked(Protocol):
    """A question as `harvest.lookup` understands one."""

    @property
    def value(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Due:
    """A question to be asked tonight, and the sources that did not answer it."""

    id: int
    question: str
    failed: tuple[str, ...]


def remember(
    session: Session,
    question: Asked,
    *,
    by: str,
    failed: Sequence[str],
    notice_address: str = "",
    at: datetime | None = None,
) -> LookupWait | None:
    """Keep a question for the night, once for each person; None when there is nobody to ask again."""
    text = question.value[:LONGEST]
    if not (failed and text):
        return None
    known = select(LookupWait).where(LookupWait.question == text, LookupWait.login == by, LookupWait.state == "waiting")
    row = session.scalars(known.order_by(LookupWait.id).limit(1)).first()
    if row is None:
        row = LookupWait(question=text, login=by, asked_at=at or db.now(), tries=0, answers=[], state="waiting")
        session.add(row)
    row.failed = sorted(set(failed))
    row.notice_address = notice_address
    session.flush()
    return row


def due(session: Session, now: datetime, zone: ZoneInfo, minute: int = 0) -> list[Due]:
    """The questions whose night has come: at the hour of the centre, or as soon as the machine is on again."""
    began = last_night(now, zone, minute)
    waiting = select(LookupWait).where(LookupWait.state == "waiting").order_by(LookupWait.id)
    rows = (row for row in session.scalars(waiting) if (row.tried_at or row.asked_at) < began)
    return [Due(row.id, row.question, tuple(row.failed)) for row, _n in zip(rows, range(AT_ONCE), strict=False)]


def last_night(now: datetime, zone: ZoneInfo, minute: int = 0) -> datetime:
    """When the night began that is under way or was the last one."""
    local = now.astimezone(zone)
    tonight = datetime.combine(local.date(), time(HOUR, minute), zone)
    return tonight if tonight <= local else datetime.combine(local.date() - timedelta(days=1), time(HOUR, minute), zone)


def take(session: Session, number: int, answers: Iterable[Answer], *, at: datetime) -> None:
    """What the sources answered tonight: something is found, somebody still does not answer, or nobody knows it."""
    row = session.get(LookupWait, number)
    if row is None or row.state != "waiting":  # settled meanwhile
        return
    answers = sorted(answers, key=lambda answer: answer.rank)
    row.tries += 1
    row.tried_at = at
    row.failed = sorted(answer.source for answer in answers if answer.failed)
    kept = [answer for answer in answers if answer.state == "found"]
    if kept:
        row.answers = [found.to_row(answer) for answer in kept]
        row.state = "answered"
    elif not row.failed or row.tries >= NIGHTS:
        row.state = "given_up"
    session.flush()


def answers_of(row: LookupWait) -> tuple[Answer, ...]:
    return tuple(found.from_row(answer) for answer in row.answers)


def get(session: Session, number: int) -> LookupWait | None:
    """One that a person is to be told of."""
    row = session.get(LookupWait, number)
    return row if row is not None and row.state in TO_SEE else None


def settle(session: Session, row: LookupWait, *, at: datetime | None = None) -> None:
    """Somebody has seen it: it waits no longer."""
    row.state, row.tried_at = "settled", at or db.now()
    session.flush()


def ask_anew(session: Session, row: LookupWait, sources: Sequence[str], *, at: datetime | None = None) -> None:
    """Five more nights, of those that did not answer; of all of them, when all did."""
    row.state, row.tries, row.tried_at = "waiting", 0, at or db.now()
    row.failed = row.failed or list(sources)
    session.flush()


def forget_about(session: Session, addresses: Collection[str]) -> None:
    """The questions that were asked for these notices, and what was answered."""
    session.execute(delete(LookupWait).where(LookupWait.notice_address.in_(addresses)))


def forget_old(session: Session) -> None:
    """What was settled, or lay here unseen for two months."""
    old = LookupWait.tried_at < db.now() - KEPT
    session.execute(delete(LookupWait).where(LookupWait.state != "waiting", old))
