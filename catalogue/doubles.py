"""Possible doubles inside the catalogue: looked for at night, asked of a person, never joined by a machine.

Only notices that were made or changed since the last look are compared, with everything that shares a key with
them; what somebody has told apart is not asked again.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, judgements, remembered
from catalogue.judgements import Opinion
from catalogue.matching import DIFFERENT, candidates, compare, describe
from catalogue.models import Batch, Notice

LOOKED = "doubles.looked"  # up to which change
LIVING = ("draft", "candidate", "published")
PART = 200  # notices of one transaction


def look(session: Session, *, batch: Batch | None = None) -> tuple[int, int]:
    """Compare the next notices that have changed: how many were looked at (0: nothing is left), how many pairs asked.

    Keys must be up to date (`candidates.catch_up`). The lot, of kind « judge », is opened when somebody is asked.
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
        return 0, 0
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
    judgements.think_many(session, asked, batch=batch)
    remembered.write(session, LOOKED, rows[-1].changed_seq)
    return len(rows), len(asked)
