"""How a record becomes a notice, whether a file or a partner brought it. One place, so that the two meet.

`take_in` keeps each record as received, recognises the notice it speaks of, and makes one where there is
none. It changes nothing that a person has accepted: what a known record now says differently waits as a
version of its own (decision 2), unless a rule of the source lets its untouched notices follow it.

Recognised means, in this order: the record is known and claims a notice; the same full identifier is known
under another source's name; exactly one living notice of the same level has the same ISBN, and this source
does not claim it already (two records of one base are two records, whatever their ISBN). Real matching
comes to `_find_twins`, three-way merging to `_follow`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalogue import authorities, db, history, notices, sources, unimarc
from catalogue.identifiers import is_code
from catalogue.models import Batch, Claim, Notice, Run, Source, SourceRecord, SourceVersion
from catalogue.notices import NewNotice
from catalogue.pmb import DUMP_ONLY, keep_dump_only
from catalogue.problems import Refusal
from catalogue.sources import Received, Staged
from catalogue.text import fold
from catalogue.unimarc import KINDS, Field, Fields, Record, RecordItem, each, first, leader, occurrence
from harvest.crosswalk import pmbxml
from harvest.issues import STAND_IN

# What tells one format from another where the leader does not (some programs write an "x" there for a document).
DOCUMENTS_ONLY = frozenset(("181", "182", "205", "214", "225", "463", "995", "996"))
MARC_21_ONLY = frozenset(("008", "245"))
LONGEST = 255  # signs of a control number or an identifier: longer ones are a fault, and PostgreSQL cannot index them
# What an export has or has not by its options or its day, and says nothing of the document.
COMES_AND_GOES = frozenset(("005", "608", "801", "896"))
LIVING = ("draft", "candidate", "published")  # what a partner’s news is still about


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record on its way in; `record` is None when the source says that it is deleted."""

    received: Received
    record: Record | None


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
    applied: bool = False
    why: str = ""  # the code of a sentence: why a record that may change its notice has not


def receive(source: Source, record: Record, *, identifier: str = "", datestamp: str = "") -> Incoming:
    """A record with the identifier and the fingerprint that it has whichever way it comes.

    Copies are left out of the fingerprint: a loan does not change a document, and exports with and without
    copies must meet. So is what PMB changes every day without meaning anything by it.
    """
    mark = _mark(record.fields)
    record = replace(record, fields=_with_kind(record, source.profile))
    return Incoming(
        Received(
            identifier=identifier or sources.identify(source, record.control_number, mark),
            fingerprint=mark,
            fields=record.fields,
            items=[_item(i) for i in record.items],
            datestamp=datestamp,
            control_number=record.control_number or "",
        ),
        record,
    )


def _with_kind(record: Record, profile: Mapping[str, Any]) -> Fields:
    """The fields, saying in 608 what the source's own type code means: {"kinds": {"ap": "press_article"}}.

    Such codes differ from one site to another (PMB.md section 1.2), so only the source's profile can tell. The
    code is the record's own, or that of a copy: a copy's may not make a book of a periodical.
    """
    known = profile.get("kinds")
    if not known:
        return record.fields
    fields = record.fields
    code = next((first(f, "t") for f in each(fields, "099")), "") or leader(fields)[6:7]
    kind = KINDS.get(known.get(code, ""))
    if kind is None:
        level = unimarc.level(fields)
        told = (KINDS.get(known.get(copy.type, "")) for copy in record.items if not copy.issue_of)
        kind = next((k for k in told if k is not None and k.level == level), None)
    if kind is None or any(first(f, "2") == "travee" for f in each(fields, "608")):
        return fields
    return [*fields, {"t": "608", "i": "  ", "s": [["a", kind.form], ["2", "travee"]]}]


def receive_deleted(identifier: str, datestamp: str) -> Incoming:
    return Incoming(Received(identifier=identifier, fingerprint="", fields=(), datestamp=datestamp, deleted=True), None)


def refuse(record: Record) -> Refusal | None:
    """Why this record cannot be a notice, if it cannot."""
    if len(number := record.control_number or "") > LONGEST:
        params = {"number": number[:40], "limit": str(LONGEST)}
        return Refusal(record.position, number[:LONGEST], "record.number_too_long", params, record.raw)
    tags = {f["t"] for f in record.fields}
    authority = unimarc.leader(record.fields)[6:7] in ("x", "y", "z") or "152" in tags
    if authority and not tags & DOCUMENTS_ONLY and not record.items:
        code = "record.authority"
    elif tags & MARC_21_ONLY and "200" not in tags:
        code = "record.marc21"
    elif not unimarc.title(record.fields):
        code = "record.no_title"
    else:
        return None
    return Refusal(record.position, record.control_number or "", code, raw=record.raw)


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
    follow: bool | None = None,
) -> list[Outcome]:
    """Keep, recognise, make: one outcome a row, in order. `batch` gives the lot, opened when something is made.

    `follow`: whether a notice that nobody has touched follows its record; a rule of the source unless told.
    """
    follow = source.rules.get("follow") == "untouched" if follow is None else follow
    seen = _seen(session, source, rows, run)
    authorities.take_in_headings(session, source, map(_fields, rows), batch=batch)
    staged = sources.stage(session, source, [r.received for r in rows], run=run, page_id=page_id)
    last = {s.record_id: n for n, s in enumerate(staged)}
    fresh = [n for n in sorted(last.values()) if staged[n].notice_id is None and not rows[n].received.deleted]
    joined = {n: i for n in last.values() if staged[n].is_new_record and (i := staged[n].notice_id) is not None}
    twins = _find_twins(session, source, {n: rows[n] for n in fresh})
    made = _make(session, source, rows, staged, [n for n in fresh if n not in twins], batch, status, owner_id)
    joined |= twins
    agreed = _join(session, source, rows, staged, joined)
    described = _describe(session, rows, staged, joined, batch) if follow else set()
    agreed |= described
    moved = [n for n in last.values() if staged[n].is_new_version and n not in made and n not in joined]
    waiting, applied, why = _follow(session, {n: (rows[n], staged[n]) for n in moved}, batch, follow)
    if follow:
        left = [n for n in last.values() if n not in made and n not in joined and n not in applied]
        applied |= _tell_more(session, {n: (rows[n], staged[n]) for n in left}, batch)
    out = []
    for n, (row, s) in enumerate(zip(rows, staged, strict=True)):
        latest = last[s.record_id]  # a record that comes twice has one notice, and each time its own copies
        notice_id = made.get(latest) or joined.get(latest) or s.notice_id
        waits = False
        again = s.identifier in seen and not s.is_new_version and n not in made and n not in joined
        if again or n != last[s.record_id]:
            kind = "repeated"
        elif row.received.deleted:
            kind, waits = "deleted", n in waiting
        elif n in made:
            kind, waits = "new", status_of(row, status) == "candidate"
        elif n in joined:
            kind, waits = "matched", n not in agreed
        elif s.is_new_version:
            kind, waits = "updated", n in waiting
        else:
            kind = "unchanged"
        out.append(Outcome(kind, s.identifier, s.record_id, notice_id, waits, n in applied, why.get(n, "")))
    return out


def _item(item: RecordItem) -> dict[str, Any]:
    named = {name: getattr(item, name) for name in RecordItem.__slots__ if name != "fields"}
    return {name: value for name, value in named.items() if value} | {"fields": [dict(f) for f in item.fields]}


def _seen(session: Session, source: Source, rows: Sequence[Incoming], run: Run | None) -> set[str]:
    """Identifiers that this run has met already."""
    if run is None:
        return set()
    statement = select(SourceRecord.identifier).where(
        SourceRecord.source_id == source.id,
        SourceRecord.last_seen_run_id == run.id,
        SourceRecord.identifier.in_(sorted({r.received.identifier for r in rows})),
    )
    return set(session.scalars(statement))


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
    claims = list(history.take(session, "claim", len(fresh)))
    ready = [
        NewNotice(
            list(rows[n].received.fields),  # type: ignore[arg-type]
            claim_id=c,
            scope=source.name,
            status=status_of(rows[n], status),
            owner_id=owner_id,
        )
        for n, c in zip(fresh, claims, strict=True)
    ]
    made = dict(zip(fresh, notices.create_many(session, ready, batch=batch()), strict=True))
    sources.claim_many(
        session,
        [(c, made[n], staged[n].record_id, staged[n].version_id) for n, c in zip(fresh, claims, strict=True)],
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


def _find_twins(session: Session, source: Source, rows: Mapping[int, Incoming]) -> dict[int, int]:
    """Records that speak of a notice we have from elsewhere: row number -> notice, each notice once.

    By ISBN; or because it describes an issue that was made when copies came for it.
    """
    bulletins = {n: b for n, r in rows.items() if r.record and (b := pmbxml.own_bulletin(r.record))}
    issues = sources.find_ids(session, source, "bull", bulletins.values())
    isbns = {n: [("isbn", number) for number in unimarc.isbns(_fields(r))] for n, r in rows.items()}
    found = notices.find_by_identifier(session, {pair for pairs in isbns.values() for pair in pairs})
    ids = {notice_id for several in found.values() for notice_id in several}
    levels: dict[int, str] = {}
    ours: set[int] = set()  # this source's own
    for part in db.chunks(sorted(ids)):
        living = select(Notice.id, Notice.level).where(Notice.id.in_(part), Notice.status.in_(LIVING))
        levels |= {i: level for i, level in session.execute(living)}
        statement = (
            select(Claim.notice_id)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .where(Claim.notice_id.in_(part), Claim.state == "linked", SourceRecord.source_id == source.id)
        )
        ours |= set(session.scalars(statement))
    out: dict[int, int] = {n: issues[b] for n, b in bulletins.items() if b in issues}
    out |= _by_address(session, rows)
    for n, row in rows.items():
        level = unimarc.level(_fields(row))
        twins = {i for pair in isbns[n] for i in found.get(pair, ()) if levels.get(i) == level}
        if len(twins) == 1 and not twins & ours:
            out[n] = twins.pop()
            ours.add(out[n])
    return out


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


def _join(
    session: Session,
    source: Source,
    rows: Sequence[Incoming],
    staged: Sequence[Staged],
    joined: Mapping[int, int],
) -> set[int]:
    """Claim these notices without touching them; returns the rows that say nothing else than the notice does."""
    if not joined:
        return set()
    _name(session, source, {n: (rows[n], notice_id) for n, notice_id in joined.items()})
    said = _fingerprints(session, set(joined.values()))
    agreed = {n for n, notice_id in joined.items() if said[notice_id] == _mark(_fields(rows[n]))}
    for n, notice_id in joined.items():
        base = staged[n].version_id if n in agreed else None
        sources.claim(session, notice_id, staged[n].record_id, base)
    return agreed


def _describe(
    session: Session,
    rows: Sequence[Incoming],
    staged: Sequence[Staged],
    joined: Mapping[int, int],
    batch: Callable[[], Batch],
) -> set[int]:
    """Records of issues whose notice was only made to hang copies on, and that nobody touched, describe it now."""
    done: set[int] = set()
    for n, notice_id in joined.items():
        row = rows[n]
        if row.record is None or not pmbxml.own_bulletin(row.record):
            continue
        statement = (
            select(Claim, SourceRecord, SourceVersion)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .outerjoin(SourceVersion, SourceVersion.id == Claim.base_version_id)
            .where(Claim.notice_id == notice_id, Claim.state == "linked")
        )
        claims = session.execute(statement).all()
        mine = next((c for c, record, _base in claims if record.id == staged[n].record_id), None)
        others = [(c, record, base) for c, record, base in claims if record.id != staged[n].record_id]
        notice = notices.get(session, notice_id)
        if mine is None or not others:
            continue
        if all(record.identifier.endswith(STAND_IN) and _untouched(notice, c, base) for c, record, base in others):
            notices.revise(session, notice, _fields(row), by=batch().by, origin=mine.id, batch=batch())
            _agree(session, mine, staged[n].version_id)
            done.add(n)
    return done


def _follow(
    session: Session, moved: Mapping[int, tuple[Incoming, Staged]], batch: Callable[[], Batch], follow: bool
) -> tuple[set[int], set[int], dict[int, str]]:
    """Known records that say something new: (those that wait for a person, those a rule of the source let in, why).

    Nothing waits when the notice says the same already, or when the source has come back to what was agreed. A
    record that says less than before, or speaks of another document, is never let in: the same base exported in
    a poorer format would take away what it does not carry, and a number may be given to another book.
    """
    waiting: set[int] = set()
    applied: set[int] = set()
    why: dict[int, str] = {}
    by_record = {s.record_id: n for n, (_row, s) in moved.items()}
    for part in db.chunks(sorted(by_record)):
        statement = (
            select(Claim, Notice, SourceVersion)
            .join(Notice, Notice.id == Claim.notice_id)
            .outerjoin(SourceVersion, SourceVersion.id == Claim.base_version_id)
            .where(Claim.record_id.in_(part), Claim.state == "linked", Notice.status.in_(LIVING))
            .order_by(Claim.id)
        )
        for claim, notice, base in session.execute(statement).all():
            n = by_record[claim.record_id or 0]
            received, staged = moved[n][0].received, moved[n][1]
            if received.deleted:
                waiting.add(n)
            elif base is not None and base.fingerprint == received.fingerprint:
                continue
            elif _mark(notice.fields) == _mark(_fields(moved[n][0])):
                _agree(session, claim, staged.version_id)
            elif follow and _untouched(notice, claim, base) and (reason := _barred(notice.fields, moved[n][0])):
                waiting.add(n)
                why[n] = reason
            elif follow and _untouched(notice, claim, base):
                fields = keep_dump_only(notice.fields, _fields(moved[n][0]), claim.id, base.fields if base else [])
                notices.revise(session, notice, fields, by=batch().by, origin=claim.id, batch=batch())
                _agree(session, claim, staged.version_id)
                applied.add(n)
            else:
                waiting.add(n)
    return waiting, applied, why


def _barred(fields: Fields, row: Incoming) -> str:
    """Why this record may not change its notice by itself: the code of a sentence, or ""."""
    says = _fields(row)
    if not _same_document(fields, says):
        return "record.other_document"
    lost = {f["t"] for f in fields} - {f["t"] for f in says} - DUMP_ONLY - COMES_AND_GOES
    return "record.says_less" if lost else ""


def _same_document(ours: Fields, theirs: Fields) -> bool:
    """An ISBN in common, or half of the words of the shorter title."""
    if set(unimarc.isbns(ours)) & set(unimarc.isbns(theirs)):
        return True
    had, has = (set(fold(unimarc.full_title(fields)).split()) for fields in (ours, theirs))
    return 2 * len(had & has) >= min(len(had), len(has))


def _tell_more(session: Session, rows: Mapping[int, tuple[Incoming, Staged]], batch: Callable[[], Batch]) -> set[int]:
    """Take over what a dump says that no export does, and that is no part of the fingerprint: status, comment…"""
    by_record = {
        staged.record_id: n
        for n, (row, staged) in rows.items()
        if any(f["t"] in DUMP_ONLY for f in row.received.fields)
    }
    told: set[int] = set()
    for part in db.chunks(sorted(by_record)):
        statement = (
            select(Claim, Notice, SourceVersion)
            .join(Notice, Notice.id == Claim.notice_id)
            .join(SourceVersion, SourceVersion.id == Claim.base_version_id)
            .where(Claim.record_id.in_(part), Claim.state == "linked", Notice.status.in_(LIVING))
            .order_by(Claim.id)
        )
        for claim, notice, base in session.execute(statement).all():
            n = by_record[claim.record_id or 0]
            others = [f for f in notice.fields if f["t"] not in DUMP_ONLY]
            said = [*others, *(f for f in _fields(rows[n][0]) if f["t"] in DUMP_ONLY)]
            fields = keep_dump_only(notice.fields, said, claim.id, base.fields)
            had, has = ([occurrence(f) for f in several if f["t"] in DUMP_ONLY] for several in (notice.fields, fields))
            if had == has:
                continue
            if notices.revise(session, notice, fields, by=batch().by, origin=claim.id, batch=batch()):
                told.add(n)
    return told


def _untouched(notice: Notice, claim: Claim, base: SourceVersion | None) -> bool:
    """Everything the notice says is what this record said when it was agreed on, and nothing is missing."""
    if base is None:
        return False
    has, had = ([f for f in fields if f["t"] not in DUMP_ONLY] for fields in (notice.fields, base.fields))
    return all(f.get("o") == [claim.id] for f in has) and [*map(occurrence, has)] == [*map(occurrence, had)]


def _agree(session: Session, claim: Claim, version_id: int) -> None:
    session.execute(update(Claim).where(Claim.id == claim.id).values(base_version_id=version_id))


def _fields(row: Incoming) -> Fields:
    return list(row.received.fields)  # type: ignore[arg-type]


def _fingerprints(session: Session, notice_ids: set[int]) -> dict[int, str]:
    out = {}
    for part in db.chunks(sorted(notice_ids)):
        for notice_id, fields in session.execute(select(Notice.id, Notice.fields).where(Notice.id.in_(part))):
            out[notice_id] = _mark(fields)
    return out


def _mark(fields: Fields) -> str:
    """A digest of what these fields say, without what PMB changes every day."""
    lasting = [_without_charset(f) if f["t"] == "000" else f for f in fields if f["t"] not in DUMP_ONLY]
    return unimarc.fingerprint(lasting, pmbxml.volatile, pmbxml.VOLATILE_CODES)


def _without_charset(f: Field) -> Field:
    """The leader without its position 9, where some programs say the charset of their file."""
    mark = f.get("v", "").ljust(24)
    return {**f, "v": f"{mark[:9]} {mark[10:]}"} if mark[9] != " " else f
