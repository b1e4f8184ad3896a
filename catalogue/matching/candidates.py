"""The notices worth comparing with a description, found through their kept keys.

A key that many notices share says little and would cost much: it is passed over, and its longer forms (with a year,
a volume, a number of pages) do the work. So the work for one description is bounded, whatever the size of the base.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from catalogue import remembered
from catalogue.db import chunks, insert_rows
from catalogue.matching.described import Described, describe
from catalogue.matching.keys import keys
from catalogue.models import MatchKey, Notice
from catalogue.unimarc import Fields

MOST = 50  # notices that a key may bring together
SHOWN = 40  # candidates for one description, those with most keys in common first
KEPT_UP_TO = "matching.kept"  # the change up to which keys are kept
GONE = ("merged", "erased")  # such a notice is nobody's candidate
_BATCH = 500  # notices of one statement


def store(session: Session, notices: Mapping[int, Fields]) -> int:
    """Keep the keys of these notices as their fields have them now; how many rows changed.

    Three statements for 500 notices, of which two only where something changed.
    """
    changed = 0
    for batch in chunks(notices.items(), _BATCH):
        wanted = {(notice_id, key) for notice_id, fields in batch for key in keys(describe(fields))}
        rows = session.execute(
            select(MatchKey.id, MatchKey.notice_id, MatchKey.key).where(MatchKey.notice_id.in_([n for n, _f in batch]))
        ).all()
        kept = {(row.notice_id, row.key) for row in rows}
        lost = [row.id for row in rows if (row.notice_id, row.key) not in wanted]
        for part in chunks(lost, _BATCH):
            session.execute(delete(MatchKey).where(MatchKey.id.in_(part)))
        new = sorted(wanted - kept)
        insert_rows(session, MatchKey, [{"notice_id": notice_id, "key": key} for notice_id, key in new])
        changed += len(lost) + len(new)
    return changed


def catch_up(session: Session) -> int:
    """Keep the keys of the next notices that were written since the last time: how many, 0 when none is left.

    Keys follow from the fields, so they may lag behind: who is about to look for candidates asks for this first, and
    no import pays for a search that nobody makes.
    """
    since = int(remembered.read(session, KEPT_UP_TO, 0))
    statement = select(Notice.id, Notice.fields, Notice.changed_seq).where(Notice.changed_seq > since)
    rows = session.execute(statement.order_by(Notice.changed_seq).limit(_BATCH)).all()
    if rows:
        store(session, {notice_id: fields for notice_id, fields, _seq in rows})
        remembered.write(session, KEPT_UP_TO, rows[-1].changed_seq)
    return len(rows)


def any_kept(session: Session) -> bool:
    return session.scalar(select(MatchKey.id).limit(1)) is not None


def forget(session: Session, notice_ids: Iterable[int]) -> None:
    """Nothing is found through these notices any more."""
    for batch in chunks(notice_ids, _BATCH):
        session.execute(delete(MatchKey).where(MatchKey.notice_id.in_(batch)))


def find(session: Session, asked: Sequence[Described], *, without: Iterable[int] = ()) -> list[list[int]]:
    """For each description the notices that share a key with it, likeliest first, at most SHOWN of them.

    One query for a thousand keys. `without` names notices that are none: the one itself, when it looks for its doubles.
    """
    asked_keys = [keys(described) for described in asked]
    met = _notices_by_key(session, sorted({key for found in asked_keys for key in found}))
    left_out = set(without)
    out = []
    for found in asked_keys:
        shared = Counter(n for key in found for n in met.get(key, ()) if n not in left_out)
        out.append([n for n, _times in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]])
    return out


def _notices_by_key(session: Session, wanted: Sequence[str]) -> Mapping[str, list[int]]:
    """The notices under each key, but for keys that more than MOST of them share."""
    met: defaultdict[str, list[int]] = defaultdict(list)
    for batch in chunks(wanted):
        few = select(MatchKey.key).where(MatchKey.key.in_(batch)).group_by(MatchKey.key).having(func.count() <= MOST)
        rows = session.execute(
            select(MatchKey.key, MatchKey.notice_id)
            .join(Notice, Notice.id == MatchKey.notice_id)
            .where(MatchKey.key.in_(few), Notice.status.not_in(GONE))
        )
        for key, notice_id in rows:
            met[key].append(notice_id)
    return met
