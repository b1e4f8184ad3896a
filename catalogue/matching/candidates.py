"""The notices worth comparing with a description, found through their kept keys.

A key that many notices share says little and would cost much: it does not bring two together by itself, its longer
forms (with a year, a volume, a number of pages) do. Two such keys do; and where a description has no other, the
first of its least crowded one are looked at, rather than nobody. So nothing is dropped unseen, and the work for one
description is bounded, whatever the size of the base: SHOWN comparisons, READ rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from catalogue import remembered
from catalogue.db import among, chunks, insert_rows, table_of
from catalogue.matching.described import Described, describe
from catalogue.matching.keys import keys
from catalogue.models import MatchKey, Notice
from catalogue.unimarc import Fields

MOST = 50  # notices that a key may bring together by itself: beyond, it is crowded
READ = 1_000  # rows of crowded keys that are read for one description, the least crowded first
CROWD = 10  # candidates that come out of them
SHOWN = 40  # candidates for one description, those with most keys in common first
KEPT_UP_TO = "matching.kept"  # the change up to which keys are kept
GONE = ("merged", "erased")  # such a notice is nobody's candidate
_BATCH = 500  # notices of one statement
# Of the tables, and made once: every page of a harvest asks both for a thousand keys.
_KEYS, _NOTICES = table_of(MatchKey), table_of(Notice)
_COUNTED = select(_KEYS.c.key, func.count()).where(among(_KEYS.c.key)).group_by(_KEYS.c.key)
_MET = (
    select(_KEYS.c.key, _KEYS.c.notice_id)
    .join(_NOTICES, _NOTICES.c.id == _KEYS.c.notice_id)
    .where(among(_KEYS.c.key), _NOTICES.c.status.not_in(GONE))
)


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


def are_behind(session: Session) -> bool:
    """Whether something was written since the keys were last kept."""
    since = int(remembered.read(session, KEPT_UP_TO, 0))
    return session.scalar(select(Notice.id).where(Notice.changed_seq > since).limit(1)) is not None


def any_kept(session: Session) -> bool:
    return session.scalar(select(MatchKey.id).limit(1)) is not None


def forget(session: Session, notice_ids: Iterable[int]) -> None:
    """Nothing is found through these notices any more."""
    for batch in chunks(notice_ids, _BATCH):
        session.execute(delete(MatchKey).where(MatchKey.notice_id.in_(batch)))


def find(session: Session, asked: Sequence[Described], *, without: Iterable[int] = ()) -> list[list[int]]:
    """For each description the notices that share a key with it, likeliest first, at most SHOWN of them.

    Two queries for a thousand keys, and one for each set of crowded keys. `without` names notices that are none: the
    one itself, when it looks for its doubles.
    """
    asked_keys = [keys(described) for described in asked]
    sizes = _sizes(session, sorted({key for found in asked_keys for key in found}))
    met = _notices_by_key(session, [key for key, size in sizes.items() if size <= MOST])
    left_out = set(without)
    crowds: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    out = []
    for found in asked_keys:
        shared = Counter(n for key in found for n in met.get(key, ()))
        crowded = tuple(sorted((key for key in found if sizes.get(key, 0) > MOST), key=lambda key: (sizes[key], key)))
        if crowded and crowded not in crowds:
            crowds[crowded] = _in_crowds(session, crowded, sizes)
        crowd = {n: times for n, times in crowds.get(crowded, ()) if times > 1 or n in shared or not shared}
        ranked = sorted((-shared[n], -crowd.get(n, 0), n) for n in (shared.keys() | crowd.keys()) - left_out)
        out.append([n for _few, _crowded, n in ranked[:SHOWN]])
    return out


def _sizes(session: Session, wanted: Sequence[str]) -> dict[str, int]:
    """How many notices share each of these keys."""
    out: dict[str, int] = {}
    session.flush()
    for batch in chunks(wanted):
        out |= {key: size for key, size in session.execute(_COUNTED, {"part": batch})}
    return out


def _notices_by_key(session: Session, wanted: Iterable[str]) -> Mapping[str, list[int]]:
    """The living notices under each key."""
    met: defaultdict[str, list[int]] = defaultdict(list)
    for batch in chunks(wanted):
        for key, notice_id in session.execute(_MET, {"part": batch}):
            met[key].append(notice_id)
    return met


def _in_crowds(session: Session, crowded: Sequence[str], sizes: Mapping[str, int]) -> list[tuple[int, int]]:
    """The living notices that have most of these keys, and how many; CROWD of them, READ rows read."""
    least, rows = [crowded[0]], sizes[crowded[0]]
    for key in crowded[1:]:
        if rows + sizes[key] <= READ:
            least, rows = [*least, key], rows + sizes[key]
    rows_read = select(MatchKey.notice_id).where(MatchKey.key.in_(least)).limit(READ)
    if len(least) < len(crowded) and len(least) == 1:  # too many to be counted: among the first, who has the others too
        rows_read = select(MatchKey.notice_id).where(MatchKey.key.in_(crowded), MatchKey.notice_id.in_(rows_read))
    read = rows_read.subquery()
    times = func.count().label("times")
    most = select(read.c.notice_id, times).group_by(read.c.notice_id).order_by(times.desc(), read.c.notice_id)
    ranked = most.limit(2 * CROWD).subquery()  # then their status: a notice is read for its own sake only
    living = (
        select(ranked.c.notice_id, ranked.c.times)
        .join(Notice, Notice.id == ranked.c.notice_id)
        .where(Notice.status.not_in(GONE))
        .order_by(ranked.c.times.desc(), ranked.c.notice_id)
        .limit(CROWD)
    )
    return [(notice_id, found) for notice_id, found in session.execute(living)]
