"""What a contributor proposes to review: sent back to them with a word, which they read on « Aujourd’hui ».

Accepting it is publishing (`cataloguing.decide`). A proposal that is sent back is their draft again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import history, notices, sources
from catalogue.models import Batch, Notice, Revision

LONGEST_WORD = 500


@dataclass(frozen=True, slots=True)
class Word:
    """Why it came back, and who says so."""

    by: str
    text: str


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
