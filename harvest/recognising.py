"""Which notice of ours does a record speak of? For `harvest.intake`.

In this order: the issue that was made when copies came for it; a permanent address of ours, for what went out from
here and comes back; then `catalogue.matching`, which says why. One document, told by the machine, is a link that a
person can undo, and only where a single notice answers; where the rules hesitate, or several answer, or somebody has
taken such a link back, a person is asked. Two records of one base are two records, whatever they have in common: their
doubles are looked for by `catalogue.doubles`, and a machine never joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import bindparam, event, select
from sqlalchemy.orm import Session

from catalogue import db, judgements, sources
from catalogue.db import Database
from catalogue.identifiers import is_code
from catalogue.judgements import APART, MACHINE, Opinion
from catalogue.matching import DIFFERENT, SAME, Described, Verdict, candidates, compare, describe
from catalogue.models import LIVING, Claim, Notice, Source, SourceRecord
from harvest.crosswalk import pmbxml
from harvest.incoming import Incoming

# A notice as it stood: its address, which no other base has, and the number of its last change.
_State = tuple[str, int]
REMEMBERED = 4_000  # notices: five in six that a page meets, the pages before have met too
_NEW = "recognising.met"  # those that a session has met, until it is known that what it saw stays
_met: dict[_State, Described] = {}

_NOTICES, _CLAIMS, _RECORDS = (db.table_of(model) for model in (Notice, Claim, SourceRecord))
# Nothing that stands behind the fields in a row: SQLite would read all of them to come to it.
_OTHERS = select(_NOTICES.c.id, _NOTICES.c.address, _NOTICES.c.changed_seq).where(
    db.among(_NOTICES.c.id),
    _NOTICES.c.status.in_(LIVING),
    _NOTICES.c.id.not_in(
        select(_CLAIMS.c.notice_id)
        .join(_RECORDS, _RECORDS.c.id == _CLAIMS.c.record_id)
        .where(db.among(_CLAIMS.c.notice_id), _CLAIMS.c.state == "linked", _RECORDS.c.source_id == bindparam("source"))
    ),
)
_FIELDS = select(_NOTICES.c.id, _NOTICES.c.fields).where(db.among(_NOTICES.c.id))

MOST_ASKED = 3  # notices about which a person is asked for one record


@dataclass(slots=True)
class Recognised:
    """By the place of a record in its page: the notice it speaks of, what told so, and where a person is asked."""

    notices: dict[int, int] = field(default_factory=dict)
    told_by: dict[int, Verdict] = field(default_factory=dict)  # those that matching has recognised
    doubts: dict[int, list[tuple[int, Verdict]]] = field(default_factory=dict)


def prepare(database: Database) -> None:
    """Before a run: whatever has been written since the last one can be found."""
    while True:
        with database.write() as session:
            if not candidates.catch_up(session):
                return


def recognise(
    session: Session, source: Source, rows: Mapping[int, Incoming], record_ids: Mapping[int, int]
) -> Recognised:
    """Look for the notices of these records, which claim none yet; each notice is given to one record at most."""
    bulletins = {n: b for n, r in rows.items() if r.record and (b := pmbxml.own_bulletin(r.record))}
    issues = sources.find_ids(session, source, "bull", bulletins.values())
    out = Recognised({n: issues[b] for n, b in bulletins.items() if b in issues})
    out.notices |= _by_address(session, rows)
    _by_matching(session, source, {n: row for n, row in rows.items() if n not in out.notices}, record_ids, out)
    return out


def opinions(found: Recognised, record_ids: Mapping[int, int]) -> list[Opinion]:
    """What the machine thinks, as judgements: same where it has linked, unsure where it asks."""
    pairs = [(n, found.notices[n], "same", verdict) for n, verdict in found.told_by.items()]
    pairs += [(n, notice_id, "unsure", verdict) for n, asked in found.doubts.items() for notice_id, verdict in asked]
    return [
        Opinion(f"record:{record_ids[n]}", f"notice:{notice_id}", said, verdict.score, verdict.as_data()["reasons"])
        for n, notice_id, said, verdict in pairs
    ]


def _by_matching(
    session: Session, source: Source, rows: Mapping[int, Incoming], record_ids: Mapping[int, int], out: Recognised
) -> None:
    if not candidates.any_kept(session):
        return  # the first import of a base has nobody to meet
    described = {n: describe(row.fields) for n, row in rows.items()}
    met = dict(zip(described, candidates.find(session, list(described.values())), strict=True))
    known = _others(session, source, {notice_id for several in met.values() for notice_id in several})
    alike = {
        (f"record:{record_ids[n]}", f"notice:{notice_id}"): (n, notice_id, verdict)
        for n, several in met.items()
        for notice_id in several
        if notice_id in known and (verdict := compare(described[n], known[notice_id])).outcome != DIFFERENT
    }
    said = judgements.verdict(session, alike)
    verdicts: dict[int, list[tuple[int, Verdict]]] = {}
    apart: set[tuple[int, int]] = set()  # somebody took a link back: a person says whether they are one
    for ends, (n, notice_id, verdict) in alike.items():
        told = said.get(ends)
        if told is None or told.by == MACHINE or told.verdict != "different":
            verdicts.setdefault(n, []).append((notice_id, verdict))
        if told is not None and told.verdict == APART:
            apart.add((n, notice_id))
    taken = set(out.notices.values())
    for n, found in sorted(verdicts.items()):
        same = [(i, v) for i, v in found if v.outcome == SAME]
        if len(same) == 1 and same[0][0] not in taken and (n, same[0][0]) not in apart:
            out.notices[n], out.told_by[n] = same[0]
            taken.add(same[0][0])
        else:
            found.sort(key=lambda pair: (-pair[1].score, pair[0]))
            out.doubts[n] = found[:MOST_ASKED]


def _others(session: Session, source: Source, ids: Iterable[int]) -> dict[int, Described]:
    """Those of these notices that live, and that no record of this source speaks of."""
    session.flush()
    found: dict[int, _State] = {}
    for part in db.chunks(sorted(ids)):
        told = session.execute(_OTHERS, {"source": source.id, "part": part})
        found |= {notice_id: (address, seq) for notice_id, address, seq in told}
    if len(_met) > REMEMBERED:
        _met.clear()
    new: dict[_State, Described] = session.info.setdefault(_NEW, {})
    out = {i: known for i, state in found.items() if (known := _met.get(state) or new.get(state)) is not None}
    for part in db.chunks(sorted(found.keys() - out.keys())):
        for notice_id, fields in session.execute(_FIELDS, {"part": part}):
            out[notice_id] = new[found[notice_id]] = describe(fields)
    return out


@event.listens_for(Session, "after_commit")
def _remember(session: Session) -> None:
    """Only now: a change that is taken back leaves its number to another."""
    _met.update(session.info.pop(_NEW, {}))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_NEW, None)


def _by_address(session: Session, rows: Mapping[int, Incoming]) -> dict[int, int]:
    """Records that carry a permanent address of ours for their number: they went out from here and come back."""
    numbers = {n: r.received.control_number for n, r in rows.items() if is_code(r.received.control_number)}
    found: dict[str, int] = {}
    for part in db.chunks(sorted(set(numbers.values()))):
        statement = select(Notice.address, Notice.id).where(Notice.address.in_(part), Notice.status.in_(LIVING))
        found |= {address: notice_id for address, notice_id in session.execute(statement)}
    taken: dict[int, int] = {}
    for n, number in numbers.items():
        if number in found and found[number] not in taken.values():
            taken[n] = found[number]
    return taken
