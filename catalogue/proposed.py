"""What a contributor proposes to review: who proposed it, what became of it, and the word it is sent back with.

They read it on « Aujourd’hui ». Accepting it is publishing (`cataloguing.decide`). A proposal that is sent back is
their draft again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue import history, notices, sources
from catalogue.models import Batch, Notice, Revision, User

LONGEST_WORD = 500


@dataclass(frozen=True, slots=True)
class Word:
    """Why it came back, and who says so."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """A notice one has proposed, and where it stands: it waits still, or this person has decided."""

    notice: Notice
    at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None


def by_whom(session: Session, addresses: Collection[str]) -> dict[str, str]:
    """Who proposed each of these, as they are called; what a file or a harvest brought was proposed by nobody."""
    statement = (
        select(Notice.address, Batch.by, User.name)
        .join(Revision, (Revision.entity_id == Notice.id) & (Revision.entity == "notice"))
        .join(Batch, Batch.id == Revision.batch_id)
        .outerjoin(User, User.login == Batch.by)
        .where(Notice.address.in_(addresses), Batch.kind == "propose")
        .order_by(Batch.id)
    )
    return {address: name or by for address, by, name in session.execute(statement)}


def of_person(session: Session, login: str, *, since: datetime) -> list[Proposed]:
    """What this person proposed and waits still, whenever that was; and what was decided of it `since` then.

    What was sent back is among their drafts; what they published themselves is no news to them.
    """
    lots = select(Batch.id, Batch.at).where(Batch.kind == "propose", Batch.by == login).subquery()
    theirs = (
        select(Revision.entity_id.label("id"), func.max(lots.c.at).label("at"))
        .join(lots, lots.c.id == Revision.batch_id)
        .where(Revision.entity == "notice")
        .group_by(Revision.entity_id)
        .subquery()
    )
    decided_since = Notice.status.in_(("published", "withdrawn")) & (Notice.updated_at > since)
    shown = or_(Notice.status == "candidate", decided_since)
    statement = select(Notice, theirs.c.at).join(theirs, theirs.c.id == Notice.id).where(shown)
    found = [(notice, at) for notice, at in session.execute(statement.order_by(Notice.updated_at.desc()))]
    settled = [notice.id for notice, _at in found if notice.status != "candidate"]
    decided = _decisions(session, settled, but=login)
    told = [Proposed(notice, at, *decided.get(notice.id, ("", None))) for notice, at in found]
    return [one for one in told if one.decided_by or one.notice.status == "candidate"]


def _decisions(session: Session, notice_ids: Collection[int], *, but: str) -> dict[int, tuple[str, datetime | None]]:
    """Who, other than that person, published each or put it aside, and when."""
    statement = (
        select(Revision.entity_id, Batch.by, User.name, Batch.at)
        .join(Batch, Batch.id == Revision.batch_id)
        .outerjoin(User, User.login == Batch.by)
        .where(
            Revision.entity == "notice",
            Revision.entity_id.in_(notice_ids),
            Batch.kind.in_(("publish", "put_aside")),
            Batch.by != but,
        )
        .order_by(Batch.id)
    )
    return {number: (name or by, at) for number, by, name, at in session.execute(statement)}


def send_back(session: Session, notice: Notice, word: str, *, by: str) -> Batch | None:
    """A draft again, with a word for whoever proposed it, in a lot of its own; None when nobody here did."""
    if notice.status != "candidate" or sources.origins(session, notice):
        return None
    batch = history.open_batch(session, "send_back", by=by, why=" ".join(word.split())[:LONGEST_WORD])
    notices.set_status(session, notice, "draft", by=by, batch=batch)
    return batch


def words_for(session: Session, notice_ids: Collection[int]) -> dict[int, Word]:
    """The word that a draft came back with, while nobody has written in it since."""
    last = (
        select(Revision.entity_id.label("id"), func.max(Revision.version).label("version"))
        .where(Revision.entity == "notice", Revision.entity_id.in_(notice_ids))
        .group_by(Revision.entity_id)
        .subquery()
    )
    same = (Revision.entity_id == last.c.id) & (Revision.version == last.c.version) & (Revision.entity == "notice")
    statement = (
        select(last.c.id, Batch.by, Batch.why)
        .join(Revision, same)
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Batch.kind == "send_back")
    )
    return {number: Word(by, why) for number, by, why in session.execute(statement)}
