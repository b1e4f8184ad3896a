"""Messages from visitors: to consult a document, to come, to report an error, to suggest what we should buy.

One plain form whose message lands in « À revoir ». Personal data are erased after the time the
confidentiality page promises; what was asked, about which document and when, stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.identifiers import new_code
from catalogue.models import Notice, VisitRequest

SUBJECTS = ("consult", "visit", "error", "other", "buy")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What somebody would like us to buy."""

    title: str
    by: str = ""  # its author, or its ISBN
    why: str = ""


def request(
    session: Session, *, subject: str, name: str, email: str, message: str, notice: Notice | None = None
) -> VisitRequest:
    row = VisitRequest(
        code=new_code(),
        subject=subject,
        notice_id=notice.id if notice else None,
        name=name.strip()[:200],
        email=email.strip()[:200],
        message=message.strip()[:5600],
        created_at=db.now(),
    )
    session.add(row)
    session.flush()
    return row


def suggestion_message(suggestion: Suggestion) -> str:
    """A suggestion as the message of a request: its title and its author each on a line, then why."""
    return "\n".join((" ".join(suggestion.title.split()), " ".join(suggestion.by.split()), suggestion.why.strip()))


def suggested(message: str) -> Suggestion:
    """
    >>> suggested(suggestion_message(Suggestion("La ville", "", "Pour un mémoire.\\nMerci")))
    Suggestion(title='La ville', by='', why='Pour un mémoire.\\nMerci')
    """
    title, by, why = (*message.split("\n", 2), "", "")[:3]
    return Suggestion(title, by, why)


def list_waiting(session: Session, limit: int = 100) -> list[tuple[VisitRequest, Notice | None]]:
    """Unanswered, oldest first: they have waited longest."""
    statement = (
        select(VisitRequest, Notice)
        .outerjoin(Notice, Notice.id == VisitRequest.notice_id)
        .where(VisitRequest.answered_at.is_(None), VisitRequest.erased_at.is_(None))
        .order_by(VisitRequest.id)
        .limit(limit)
    )
    return [(row, notice) for row, notice in session.execute(statement)]


def settle(session: Session, row: VisitRequest, *, by: str) -> None:
    row.answered_at, row.answered_by = db.now(), by
    session.flush()


def erase(session: Session, row: VisitRequest) -> bool:
    """Take the person out of one request, because they ask for it; whether they were still there."""
    was_there = row.erased_at is None
    if was_there:
        db.overwrite_deleted(session)
        row.name, row.email, row.message, row.erased_at = "", "", "", db.now()
        session.flush()
    return was_there


def erase_old(session: Session, *, months: int) -> int:
    """Take the person out of requests older than `months` (a month counted as 30.5 days)."""
    limit = db.now() - timedelta(days=months * 30.5)
    db.overwrite_deleted(session)
    done = session.execute(
        update(VisitRequest)
        .where(VisitRequest.created_at < limit, VisitRequest.erased_at.is_(None))
        .values(name="", email="", message="", erased_at=db.now())
        .returning(VisitRequest.id)
    )
    return len(done.all())
