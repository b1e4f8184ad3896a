"""What one has just decided, to take it back: read from the lots, so that a reload or another tab says the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, desk_history, lot_pages, lots
from catalogue.models import Batch

DECISIONS = ("accept", "refuse", "withdraw", "judge", "join", "split", "publish", "put_aside", "rule")
RECENT = timedelta(hours=12)
LOOKED_AT = 6  # of one's last decisions: those taken back already are passed over


@dataclass(frozen=True, slots=True)
class LastAct:
    """One's last decision that still holds."""

    lot: int
    words: str  # « Propositions acceptées »
    about: str  # « Points de vue », or « RECI : Ajout sûr »
    at: datetime


def last_act(session: Session, login: str) -> LastAct | None:
    """One's own, of today: never what somebody else has decided."""
    mine = select(Batch).where(Batch.by == login, Batch.kind.in_(DECISIONS), Batch.at > db.now() - RECENT)
    for batch in session.scalars(mine.order_by(Batch.id.desc()).limit(LOOKED_AT)):
        if not lots.why_not(session, batch):
            titles = lot_pages.titles_of_lots(session, [batch.id]).get(batch.id, ())
            about = " ; ".join(titles) if 0 < len(titles) <= 2 else batch.why
            return LastAct(batch.id, desk_history.lot_words(batch.kind), about, batch.at)
    return None
