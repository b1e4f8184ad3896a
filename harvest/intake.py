"""How a record becomes a notice, whether a file or a partner brought it. One place, so that the two meet.

`take_in` keeps each record as received, recognises the notice it speaks of, and makes one where there is
none. It changes nothing that a person has accepted: what a known record now says differently waits as a
version of its own (decision 2), unless a rule of its source lets it in.

Recognised means, in this order: the record is known and claims a notice; the same full identifier is known
under another source's name; `harvest.recognising` finds a notice that is the same document. What differs then
between the record and its notice becomes a proposal (`catalogue.proposals`), which a rule of the source may decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from catalogue import authorities, claims, db, history, judgements, lots, notices, proposals, sources, tombstones
from catalogue.claims import Link
from catalogue.identifiers import is_code
from catalogue.judgements import APART, MACHINE, Opinion
from catalogue.matching.compare import FEATURES
from catalogue.merging import barred
from catalogue.models import LIVING, Batch, Claim, Notice, Run, Source, SourceRecord
from catalogue.notices import NewNotice
from catalogue.sources import Staged
from catalogue.tombstones import BARRED
from catalogue.unimarc import Fields
from harvest import following, recognising
from harvest.crosswalk import pmbxml
from harvest.incoming import LONGEST, Incoming, mark_of, receive, receive_deleted, refuse

_RECORDS = db.table_of(SourceRecord)
_SEEN = (
    select(_RECORDS.c.identifier)
    .where(_RECORDS.c.source_id == bindparam("source"), _RECORDS.c.last_seen_run_id == bindparam("run"))
    .where(db.among(_RECORDS.c.identifier))
)

SAME_NUMBER = "record.same"  # of what matching finds: one number is enough

__all__ = ["LONGEST", "Incoming", "Outcome", "receive", "receive_deleted", "refuse", "status_of", "take_in"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record.

    `kind`: new, matched, updated, unchanged, repeated or deleted. `waits`: a person has something to decide.
    """

    kind: str
    identifier: str
    record_id: int
    notice_id: int | None
    waits: bool = False
    category: str = ""  # of the proposal that waits: safe, update, conflict, deleted
    applied: bool = False
    why: str = ""  # the code of a sentence: why a record that may change its notice has not


def take_in(
    session: Session,
    source: Source,
    rows: Sequence[Incoming],
    *,
    batch: Callable[[], Batch],
    status: str,
    owner_id: int | None = None,
    run: Run | None = None,
    page_id: int | None = None,
    follow: bool = False,
) -> list[Outcome]:
    """Keep, recognise, make: one outcome a row, in order. `batch` gives the lot, opened when something is made.

    `follow`: whether a notice that nobody has touched follows its record as a whole, as it does for a file that
    somebody imports. A harvest only proposes, and the rules of its source decide value by value.

    What was erased here is barred: it is seen, told (`why`), and nothing of it comes in.
    """
    history.turn(session)  # what is compared here is what will be written: nobody decides meanwhile
    if barred := _barred(session, source, rows):
        tombstones.met_again(session, source, run, page_id, {rows[n].received.identifier: i for n, i in barred.items()})
        others = [row for n, row in enumerate(rows) if n not in barred]
        more: dict[str, Any] = {"owner_id": owner_id, "run": run, "page_id": page_id, "follow": follow}
        told = iter(take_in(session, source, others, batch=batch, status=status, **more) if others else ())
        return [
            Outcome("unchanged", row.received.identifier, barred[n], None, why=BARRED) if n in barred else next(told)
            for n, row in enumerate(rows)
        ]
    seen = _seen(session, source, rows, run)
    authorities.take_in_headings(session, source, (row.fields for row in rows), batch=batch)
    authorities.take_in_indices(session, source, (row.fields for row in rows), batch=batch)
    staged = sources.stage(session, source, [r.received for r in rows], run=run, page_id=page_id)
    last = {s.record_id: n for n, s in enumerate(staged)}
    record_ids = {n: s.record_id for n, s in enumerate(staged)}
    joined = {n: i for n in last.values() if staged[n].is_new_record and (i := staged[n].notice_id) is not None}
    joined = {n: i for n, i in joined.items() if n not in _strangers(session, rows, joined)}
    silent = [n for n in sorted(last.values()) if staged[n].is_new_record or staged[n].notice_id is None]
    known_before = {n: record_ids[n] for n in silent if not staged[n].is_new_record}
    if follow:
        joined |= _once_linked(session, known_before)
    fresh = [n for n in silent if n not in joined and not rows[n].received.deleted]
    found = recognising.recognise(session, source, {n: rows[n] for n in fresh}, record_ids)
    parted = _parted(session, {n: i for n, i in found.notices.items() if n not in found.told_by}, known_before)
    doubted = {n: found.notices[n] for n, told in parted.items() if told == APART}  # a link was taken back: asked
    found.notices = {n: i for n, i in found.notices.items() if n not in parted}
    made = _make(session, source, rows, staged, [n for n in fresh if n not in found.notices], batch, status, owner_id)
    joined |= found.notices
    named = {n: i for n, i in joined.items() if n not in found.told_by}
    numbered = [*_named(rows, named, record_ids, "same"), *_named(rows, doubted, record_ids, "unsure")]
    opinions = [*recognising.opinions(found, record_ids), *numbered]
    judged = _judge(session, opinions, batch)
    agreed = _join(session, source, rows, staged, joined, judged, batch)
    pairs = dict(enumerate(zip(rows, staged, strict=True)))
    if follow:
        agreed |= following.describe(session, pairs, joined, batch)
    known = {n: pairs[n] for n in last.values() if n not in made}
    unseen = following.hide(session, known, batch)
    renewed = {s.record_id for s in staged if s.is_new_version}  # one that comes twice may say it the first time
    moved = {n: pair for n, pair in known.items() if record_ids[n] in renewed and n not in joined}
    followed = following.follow(session, moved, batch, allowed=follow)
    applied, why = followed.applied | unseen.applied, followed.why | unseen.why
    if follow:
        left = {n: pair for n, pair in known.items() if n not in joined and n not in followed.applied}
        applied |= following.tell_more(session, left, batch)
    open_ = [n for n in moved if n not in followed.applied] + [n for n in joined if n not in agreed]
    asked = _ask(session, {record_ids[n]: n for n in open_}, run, batch)
    applied, why = applied | asked.applied, asked.why | why
    out = []
    for n, (row, s) in enumerate(zip(rows, staged, strict=True)):
        latest = last[s.record_id]  # a record that comes twice has one notice, and each time its own copies
        notice_id = made.get(latest) or joined.get(latest) or s.notice_id
        waits = False
        is_new = s.record_id in renewed
        again = s.identifier in seen and not is_new and n not in made and n not in joined
        if again or n != last[s.record_id]:
            kind = "repeated"
        elif row.received.deleted:
            kind, waits = "deleted", n in followed.waiting
        elif n in made:
            kind, waits = "new", status_of(row, status) == "candidate" or n in found.doubts or n in doubted
        elif n in joined:
            kind, waits = "matched", n in asked.waiting
        elif is_new:
            kind, waits = "updated", n in asked.waiting
        else:
            kind = "unchanged"
        category = asked.waiting.get(n, "") if waits else ""
        out.append(Outcome(kind, s.identifier, s.record_id, notice_id, waits, category, n in applied, why.get(n, "")))
    return out


def _barred(session: Session, source: Source, rows: Sequence[Incoming]) -> dict[int, int]:
    """Those of these records that were erased here; what only says that a record is gone says nothing of it."""
    found = tombstones.barred(session, source, [(r.received.identifier, r.received.control_number) for r in rows])
    return {n: record_id for n, record_id in found.items() if not rows[n].received.deleted}


def _strangers(session: Session, rows: Sequence[Incoming], joined: Mapping[int, int]) -> set[int]:
    """Records whose identifier another source uses too, for another document: two bases may have the same name."""
    fields: dict[int, Fields] = {}
    for part in db.chunks(sorted(set(joined.values()))):
        found = session.execute(select(Notice.id, Notice.fields).where(Notice.id.in_(part)))
        fields |= {notice_id: said for notice_id, said in found}
    return {
        n
        for n, notice_id in joined.items()
        if not rows[n].received.deleted and barred(fields[notice_id], rows[n].fields) == "record.other_document"
    }


def _once_linked(session: Session, record_ids: Mapping[int, int]) -> dict[int, int]:
    """Known records whose link an undo took back: who imports their file again has them linked again, as their notices
    come back (`following.bring_back`). Not those that a person told apart; and a harvest, which nobody asked, may not.
    """
    rows = {record_id: n for n, record_id in record_ids.items()}
    split: list[tuple[int, int]] = []
    for part in db.chunks(sorted(rows)):
        statement = (
            select(Claim.record_id, Claim.notice_id, Notice.status)
            .join(Notice, Notice.id == Claim.notice_id)
            .where(Claim.record_id.in_(part), Claim.state == "split", Notice.status.in_((*LIVING, "withdrawn")))
            .order_by(Claim.id)
        )
        found = session.execute(statement).all()
        back = lots.undone_notices(
            session, [notice_id for _record, notice_id, status in found if status == "withdrawn"]
        )
        split += [(record or 0, i) for record, i, status in found if status != "withdrawn" or i in back]
    said = judgements.verdict(session, [(f"notice:{i}", f"record:{record}") for record, i in split])
    apart = {ends for ends, told in said.items() if told.verdict == judgements.APART}
    return {rows[record]: i for record, i in split if (f"notice:{i}", f"record:{record}") in apart}


def _parted(session: Session, found: Mapping[int, int], record_ids: Mapping[int, int]) -> dict[int, str]:
    """Among rows that a number has led to a notice, those that a person took off it, and how."""
    ends = {(f"notice:{i}", f"record:{record_ids[n]}"): n for n, i in found.items() if n in record_ids}
    said = judgements.verdict(session, ends) if ends else {}
    parted = ("different", APART)
    return {ends[pair]: told.verdict for pair, told in said.items() if told.by != MACHINE and told.verdict in parted}


def _named(
    rows: Sequence[Incoming], joined: Mapping[int, int], record_ids: Mapping[int, int], said: str
) -> list[Opinion]:
    """Why the machine links, or asks, where one number was enough: the record's identifier, an issue's, an address of
    ours."""
    points = FEATURES[SAME_NUMBER].points
    out = []
    for n, notice_id in joined.items():
        received, record = rows[n].received, rows[n].record
        ours = received.control_number if is_code(received.control_number) else ""
        number = ours or (record and pmbxml.own_bulletin(record)) or received.identifier
        reasons = [{"code": SAME_NUMBER, "points": points, "values": [number]}]
        out.append(Opinion(f"record:{record_ids[n]}", f"notice:{notice_id}", said, points, reasons))
    return out


def _seen(session: Session, source: Source, rows: Sequence[Incoming], run: Run | None) -> set[str]:
    """Identifiers that this run has met already."""
    if run is None:
        return set()
    session.flush()
    asked = {"source": source.id, "run": run.id, "part": sorted({r.received.identifier for r in rows})}
    return set(session.scalars(_SEEN, asked))


def _make(
    session: Session,
    source: Source,
    rows: Sequence[Incoming],
    staged: Sequence[Staged],
    fresh: Sequence[int],
    batch: Callable[[], Batch],
    status: str,
    owner_id: int | None,
) -> dict[int, int]:
    """Notices for the records that speak of none: row number -> notice."""
    if not fresh:
        return {}
    taken = list(history.take(session, "claim", len(fresh)))
    ready = [
        NewNotice(
            rows[n].fields,
            claim_id=c,
            scope=source.name,
            status=status_of(rows[n], status),
            owner_id=owner_id,
        )
        for n, c in zip(fresh, taken, strict=True)
    ]
    made = dict(zip(fresh, notices.create_many(session, ready, batch=batch()), strict=True))
    sources.claim_many(
        session,
        [(c, made[n], staged[n].record_id, staged[n].version_id) for n, c in zip(fresh, taken, strict=True)],
    )
    _name(session, source, {n: (rows[n], notice_id) for n, notice_id in made.items()})
    return made


def status_of(row: Incoming, status: str) -> str:
    """What its base does not show to the public does not come in published: it waits for a person."""
    hidden = row.record is not None and row.record.status == "candidate"
    return "candidate" if hidden and status == "published" else status


def _name(session: Session, source: Source, rows: Mapping[int, tuple[Incoming, int]]) -> None:
    """Remember what the source calls these notices, and join the links that were waiting for them."""
    names: dict[str, dict[str, int]] = {"record": {}, "bull": {}}
    for row, notice_id in rows.values():
        if number := row.received.control_number:
            names["record"][number] = notice_id
        if row.record is not None and (bulletin := pmbxml.own_bulletin(row.record)):
            names["bull"][bulletin] = notice_id
    for space, values in names.items():
        if values:
            sources.name_ids(session, source, space, values)
            notices.keep_promises(session, {f"{source.name}:{space}:{value}": n for value, n in values.items()})
            ours = {f"address:{value}": n for value, n in values.items() if is_code(value)}
            notices.keep_promises(session, ours)  # what went out under an address of ours is called so in links


@dataclass(slots=True)
class _Asked:
    """By the place of a record in its page: the category of what waits for a person; what rules have let in; why."""

    waiting: dict[int, str] = field(default_factory=dict)
    applied: set[int] = field(default_factory=set)
    why: dict[int, str] = field(default_factory=dict)


def _ask(session: Session, rows: Mapping[int, int], run: Run | None, batch: Callable[[], Batch]) -> _Asked:
    """Let what these records (id -> row) say otherwise wait as proposals, and the rules of the source decide theirs."""
    out = _Asked()
    proposed = proposals.propose(session, record_ids=rows, run_id=run.id if run else None)
    settled = proposals.apply_rules(session, [p.claim_id for p in proposed if p.proposal_id], batch=batch)
    for p in proposed:
        n = rows[p.record_id]
        if p.proposal_id in settled.done:
            out.applied.add(n)
        elif p.category != "nothing":
            out.waiting[n] = p.category
        if p.why:
            out.why[n] = p.why
    return out


def _judge(session: Session, opinions: Sequence[Opinion], batch: Callable[[], Batch]) -> dict[str, int]:
    """Keep why the machine has linked, or asks: what a record is called -> the judgement."""
    if not opinions:
        return {}
    kept = judgements.think_many(session, opinions, batch=batch())
    return {o.left: kept[min(o.left, o.right), max(o.left, o.right)] for o in opinions if o.verdict == "same"}


def _join(
    session: Session,
    source: Source,
    rows: Sequence[Incoming],
    staged: Sequence[Staged],
    joined: Mapping[int, int],
    judged: Mapping[str, int],
    batch: Callable[[], Batch],
) -> set[int]:
    """Claim these notices without touching them; returns the rows that say nothing else than the notice does."""
    if not joined:
        return set()
    _name(session, source, {n: (rows[n], notice_id) for n, notice_id in joined.items()})
    said = _fingerprints(session, set(joined.values()))
    agreed = {n for n, notice_id in joined.items() if said[notice_id] == mark_of(rows[n].fields)}
    links = [
        Link(notice_id, record_id, staged[n].version_id if n in agreed else None, judged.get(f"record:{record_id}"))
        for n, notice_id in joined.items()
        for record_id in (staged[n].record_id,)
    ]
    claims.link_many(session, links, batch=batch())
    return agreed


def _fingerprints(session: Session, notice_ids: set[int]) -> dict[int, str]:
    out = {}
    for part in db.chunks(sorted(notice_ids)):
        for notice_id, fields in session.execute(select(Notice.id, Notice.fields).where(Notice.id.in_(part))):
            out[notice_id] = mark_of(fields)
    return out
