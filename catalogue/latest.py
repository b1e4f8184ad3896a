"""When documents came and last changed: what feeds and « Nouveautés » say beside the documents themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import Notice


def instants(session: Session, notice_ids: Sequence[int]) -> dict[str, tuple[datetime, datetime]]:
    """Address -> when it came, when it last changed; of public documents only."""
    out: dict[str, tuple[datetime, datetime]] = {}
    for part in db.chunks(notice_ids):
        statement = select(Notice.address, Notice.created_at, Notice.updated_at).where(
            Notice.id.in_(part), Notice.status == "published"
        )
        out |= {address: (came, changed) for address, came, changed in session.execute(statement)}
    return out
