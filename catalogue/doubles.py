"""Possible doubles inside the catalogue: looked for at night, asked of a person, never joined by a machine.

Only notices that were made or changed since the last look are compared, with everything that shares a key with
them; what somebody has told apart is not asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, judgements, remembered
from catalogue.judgements import MACHINE, Opinion
from catalogue.matching import DIFFERENT, candidates, compare, describe
from catalogue.models import LIVING, Batch, Notice

LOOKED = "doubles.looked"  # up to which change
LOOKED_ON = "doubles.day"
PART = 200  # notices of one transaction


@dataclass(frozen=True, slots=True)
class Looked:
    """One part of a look: how many notices (0: nothing is left), how many pairs somebody is asked about, the lot."""

    notices: int = 0
    asked: int = 0
    batch_id: int | None = None


def is_due(session: Session, today: date) -> bool:
    """Once a day; a new base waits for its second, when what was just brought in has been sorted by its owner."""
    last = remembered.read(session, LOOKED_ON)
    if last != today.isoformat():
        remembered.write(session, LOOKED_ON, today.isoformat())
    return last not in (None, today.isoformat())


def look(session: Session, *, batch_id: int | None = None) -> Looked:
    """Compare the next notices that have changed. The lot, of kind « judge », is opened when somebody is asked.

    Keys must be up to date (`candidates.catch_up`).
    """
    since = int(remembered.read(session, LOOKED, 0))
    statement = (
        select(Notice.id, Notice.fields, Notice.changed_seq, Notice.status)
        .where(Notice.changed_seq > since)
        .order_by(Notice.changed_seq)
        .limit(PART)
    )
    rows = session.execute(statement).all()
    if not rows:
        return Looked()
    mine = {n: describe(fields) for n, fields, _seq, status in rows if status in LIVING}
    met = dict(zip(mine, candidates.find(session, list(mine.values())), strict=True))
    wanted = {other for several in met.values() for other in several} - set(mine)
    others = dict(mine)
    for part in db.chunks(sorted(wanted)):
        living = select(Notice.id, Notice.fields).where(Notice.id.in_(part), Notice.status.in_(LIVING))
        others |= {n: describe(fields) for n, fields in session.execute(living)}
    pairs = {(min(n, other), max(n, other)) for n, several in met.items() for other in several if other != n}
    named = {(f"notice:{a}", f"notice:{b}"): (a, b) for a, b in sorted(pairs) if a in others and b in others}
    judged = judgements.verdict(session, named)
    asked = [
        Opinion(*ends, "unsure", verdict.score, verdict.as_data()["reasons"])
        for ends, (a, b) in named.items()
        if ends not in judged and (verdict := compare(others[a], others[b])).outcome != DIFFERENT
    ]
    batch = session.get(Batch, batch_id) if batch_id else None
    if asked:
        batch = batch or history.open_batch(session, "judge", by=MACHINE)
        judgements.think_many(session, asked, batch=batch)
    remembered.write(session, LOOKED, rows[-1].changed_seq)
    return Looked(len(rows), len(asked), batch.id if batch else None)
