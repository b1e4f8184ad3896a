"""Known records that say something new: their notices follow them, or wait for a person. For `harvest.intake`.

A notice follows the record it came from as long as nobody has touched it: what it says is what the record said
when the two were agreed on. A record that says less than before, or speaks of another document, is never
followed: the same base exported in a poorer format would take away what it does not carry, and a number may be
given to another book. All notices of a page or a batch are written together, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalogue import db, lots, notices, undo_plan
from catalogue.merging import barred
from catalogue.models import LIVING, Batch, Claim, Notice, Revision, SourceRecord, SourceVersion
from catalogue.notices import Edit
from catalogue.pmb import hidden, is_dump_only, is_hidden, keep_dump_only
from catalogue.sources import Staged
from catalogue.unimarc import Fields, occurrence
from harvest.crosswalk import pmbxml
from harvest.incoming import Incoming, mark_of
from harvest.issues import STAND_IN

Rows = Mapping[int, tuple[Incoming, Staged]]  # by their place in the page
Lot = Callable[[], Batch]


class _Claimed(NamedTuple):
    """A record's claim on a notice; `base`: what the record said when the two were agreed on, if ever."""

    claim: int
    record: int
    identifier: str  # the record's
    latest: int  # the record's last version
    notice: Notice
    base: Fields | None
    mark: str | None  # the fingerprint of that


class Return(NamedTuple):
    """How a notice that was taken back shall be again: as it was, or as a record of this number says anew."""

    status: str
    says: tuple[Incoming, int] | None = None


@dataclass(slots=True)
class Followed:
    """What became of records that say something new, by their place in the page."""

    waiting: set[int] = field(default_factory=set)
    applied: set[int] = field(default_factory=set)
    why: dict[int, str] = field(default_factory=dict)  # what a person should know of it: a sentence's code


def follow(session: Session, rows: Rows, batch: Lot, *, allowed: bool) -> Followed:
    """Let notices follow their records where that is `allowed` and nobody has touched them; the others wait.

    Nothing waits when the notice says the same already, or when the source has come back to what was agreed.
    """
    out = Followed()
    edits: dict[int, Edit] = {}  # by notice
    agreed: dict[int, int] = {}  # claim -> version
    for n, known in _claims(session, rows):
        row, staged = rows[n]
        edit = edits.get(known.notice.id)  # another record of this page has been here
        fields = edit.fields if edit else known.notice.fields
        free = allowed and edit is None and _untouched(known)
        if row.received.deleted:
            out.waiting.add(n)
        elif known.mark == row.received.fingerprint:
            continue
        elif mark_of(fields) == mark_of(row.fields):
            agreed[known.claim] = staged.version_id
        elif not free:
            out.waiting.add(n)
        elif reason := barred(fields, row.fields, whole=True):
            out.waiting.add(n)
            out.why[n] = reason
        else:
            said = keep_dump_only(fields, _says(row, known), known.claim, known.base or [], by_dump=row.is_dump)
            edits[known.notice.id] = Edit(known.notice, said, known.claim)
            agreed[known.claim] = staged.version_id
            out.applied.add(n)
    _write(session, edits.values(), batch)
    agree(session, agreed)
    return out


def tell_more(session: Session, rows: Rows, batch: Lot) -> set[int]:
    """Take over what a dump says that no export does, and that is no part of the fingerprint: status, comment…"""
    edits: dict[int, Edit] = {}
    told: set[int] = set()
    again: dict[int, tuple[Incoming, Staged]] = {}  # other records of the same notices
    for n, known in _claims(session, {n: (row, s) for n, (row, s) in rows.items() if row.is_dump}):
        if known.base is None:
            continue
        if known.notice.id in edits:
            again[n] = rows[n]
            continue
        has = known.notice.fields
        said = [f for f in has if not is_dump_only(f)] + [f for f in _says(rows[n][0], known) if is_dump_only(f)]
        fields = keep_dump_only(has, said, known.claim, known.base, by_dump=True)
        if _dump_only(has) != _dump_only(fields):
            edits[known.notice.id] = Edit(known.notice, fields, known.claim)
            told.add(n)
    _write(session, edits.values(), batch)
    return told | (tell_more(session, again, batch) if again else set())


def hide(session: Session, rows: Rows, batch: Lot) -> Followed:
    """Published notices that their base has kept from its public since it was last read: published no longer.

    Whoever hid them there may have had to (an author who objects), and nobody here was told. Nothing of what they
    say changes; they wait for a person, who may publish them again: what is known to be hidden is not hidden twice.
    One that another source describes too, that says something else, or that a person or an undo has shown again is
    not this base's to hide: it stays, and is told.
    """
    candidates = {n: (row, s) for n, (row, s) in rows.items() if row.record and row.record.status == "candidate"}
    shown = [(n, known) for n, known in _claims(session, candidates) if _is_shown(known.notice)]
    ids = sorted({known.notice.id for _n, known in shown})
    not_theirs = {*undo_plan.described_elsewhere(session, ids), *_shown_again(session, ids)}
    edits: dict[int, Edit] = {}
    out = Followed()
    for n, known in shown:
        notice = known.notice
        if known.base is None or notice.id in not_theirs:
            out.why[n] = "record.hidden_there"
        elif notice.id not in edits:
            edits[notice.id] = Edit(notice, [*notice.fields, *hidden(record=True)], known.claim, "candidate")
            out.applied.add(n)
            out.why[n] = "record.hidden_since"
    _write(session, edits.values(), batch)
    return out


def describe(session: Session, rows: Rows, joined: Mapping[int, int], batch: Lot) -> set[int]:
    """Records of issues whose notice was only made to hang copies on, and that nobody touched, describe it now.

    `joined`: row -> the notice it was found to speak of.
    """
    issues = {notice_id: n for n, notice_id in joined.items() if (r := rows[n][0].record) and pmbxml.own_bulletin(r)}
    claims: dict[int, list[_Claimed]] = {}
    for part in db.chunks(sorted(issues)):
        for known in _claimed(session, Claim.notice_id.in_(part)):
            claims.setdefault(known.notice.id, []).append(known)
    edits: list[Edit] = []
    agreed: dict[int, int] = {}
    done: set[int] = set()
    for notice_id, several in claims.items():
        n = issues[notice_id]
        row, staged = rows[n]
        mine = next((known for known in several if known.record == staged.record_id), None)
        others = [known for known in several if known.record != staged.record_id]
        if mine and others and all(known.identifier.endswith(STAND_IN) and _untouched(known) for known in others):
            had, stood_in = mine.notice.fields, others[0]
            said = keep_dump_only(had, row.fields, stood_in.claim, stood_in.base or [], by_dump=row.is_dump)
            edits.append(Edit(mine.notice, said, mine.claim))
            agreed[mine.claim] = staged.version_id
            done.add(n)
    _write(session, edits, batch)
    agree(session, agreed)
    return done


def bring_back(session: Session, wanted: Mapping[int, Return], batch: Lot) -> set[int]:
    """Those of these notices that an undo withdrew: their records bring them again, hidden as they were."""
    gone: dict[int, Notice] = {}
    for part in db.chunks(sorted(wanted)):
        statement = select(Notice).where(Notice.id.in_(part), Notice.status == "withdrawn")
        gone |= {notice.id: notice for notice in session.scalars(statement)}
    undone = lots.undone_notices(session, sorted(gone)) if gone else set()
    news = {wanted[n].says[1]: n for n in undone if wanted[n].says}  # type: ignore[index]
    edits = {n: _again(gone[n], gone[n].fields, wanted[n].status) for n in sorted(undone)}
    agreed: dict[int, int] = {}
    for part in db.chunks(sorted(news)):
        for known in _claimed(session, Claim.record_id.in_(part)):
            if (n := known.notice.id) == news[known.record] and (says := wanted[n].says):
                row, had = says[0], known.notice.fields
                fields = keep_dump_only(had, row.fields, known.claim, [], by_dump=row.is_dump)
                edits[n] = _again(known.notice, fields, wanted[n].status, known.claim)
                agreed[known.claim] = known.latest
    _write(session, edits.values(), batch)
    agree(session, agreed)
    return undone


def agree(session: Session, versions: Mapping[int, int]) -> None:
    """Claim -> the version of its record that the notice now says."""
    if versions:
        session.execute(update(Claim), [{"id": c, "base_version_id": v} for c, v in versions.items()])


# --- the parts -------------------------------------------------------------------------------


def _claims(session: Session, rows: Rows) -> Iterator[tuple[int, _Claimed]]:
    """The living notices that the records of these rows speak of."""
    by_record = {staged.record_id: n for n, (_row, staged) in rows.items()}
    for part in db.chunks(sorted(by_record)):
        for known in _claimed(session, Claim.record_id.in_(part)):
            if known.notice.status in LIVING:
                yield by_record[known.record], known


def _claimed(session: Session, where: Any) -> list[_Claimed]:
    record, base = SourceRecord, SourceVersion
    statement = (
        select(
            *(Claim.id, Claim.record_id, record.identifier, record.latest_version_id),
            *(Notice, base.fields, base.fingerprint),
        )
        .join(Notice, Notice.id == Claim.notice_id)
        .join(record, record.id == Claim.record_id)
        .outerjoin(base, base.id == Claim.base_version_id)
        .where(where, Claim.state == "linked")
        .order_by(Claim.id)
    )
    return [_Claimed(*row) for row in session.execute(statement)]


def _again(notice: Notice, fields: Fields, status: str, origin: int | str = notices.LOCAL) -> Edit:
    return Edit(notice, fields, origin, "candidate" if status == "published" and is_hidden(fields) else status)


def _says(row: Incoming, known: _Claimed) -> Fields:
    """What a record says; a notice that stays public though its base hides it (`hide`) is not marked as hidden."""
    if not _is_shown(known.notice):
        return row.fields
    says: Fields = []
    for f in row.fields:
        left = [pair for pair in f.get("s", ()) if pair[0] != "c"]
        if not is_hidden([f]):
            says.append(f)
        elif any(code != "2" for code, _value in left):
            says.append({**f, "s": left})
    return says


def _is_shown(notice: Notice) -> bool:
    return notice.status == "published" and not is_hidden(notice.fields)


def _shown_again(session: Session, notice_ids: Iterable[int]) -> set[int]:
    """Notices that were once marked as hidden, and whose mark no source has taken away: a person or an undo has."""
    last: dict[int, str] = {}  # what kind of lot found the mark for the last time, and left none
    for part in db.chunks(notice_ids):
        statement = (
            select(Revision.entity_id, Revision.before, Batch.kind)
            .join(Batch, Batch.id == Revision.batch_id)
            .where(Revision.entity == "notice", Revision.entity_id.in_(part))
            .order_by(Revision.id)
        )
        for notice_id, before, kind in session.execute(statement):
            if before and is_hidden(before["fields"]):
                last[notice_id] = kind
    return {notice_id for notice_id, kind in last.items() if kind not in ("import", "harvest")}


def _write(session: Session, edits: Iterable[Edit], batch: Lot) -> None:
    if edits := list(edits):
        notices.revise_many(session, edits, batch=batch())


def _untouched(known: _Claimed) -> bool:
    """Everything the notice says is what this record said when it was agreed on, and nothing is missing."""
    if known.base is None:
        return False
    has, had = ([f for f in fields if not is_dump_only(f)] for fields in (known.notice.fields, known.base))
    return all(f.get("o") == [known.claim] for f in has) and [*map(occurrence, has)] == [*map(occurrence, had)]


def _dump_only(fields: Fields) -> list[str]:
    return sorted(occurrence(f) for f in fields if is_dump_only(f))
