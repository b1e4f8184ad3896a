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

from catalogue import db, lots, notices, unimarc
from catalogue.models import Batch, Claim, Notice, SourceRecord, SourceVersion
from catalogue.notices import Edit
from catalogue.pmb import hidden, is_dump_only, is_hidden, keep_dump_only
from catalogue.sources import Staged
from catalogue.text import fold
from catalogue.unimarc import Fields, occurrence
from harvest.crosswalk import pmbxml
from harvest.incoming import Incoming, mark_of
from harvest.issues import STAND_IN

# What an export has or has not by its options or its day, and says nothing of the document.
COMES_AND_GOES = frozenset(("005", "608", "801", "896"))
LIVING = ("draft", "candidate", "published")  # what a partner’s news is still about

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
    why: dict[int, str] = field(default_factory=dict)  # waiting though nobody touched the notice: a sentence's code


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
        elif reason := _barred(fields, row.fields):
            out.waiting.add(n)
            out.why[n] = reason
        else:
            said = keep_dump_only(fields, row.fields, known.claim, known.base or [], by_dump=row.is_dump)
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
        said = [f for f in has if not is_dump_only(f)] + [f for f in rows[n][0].fields if is_dump_only(f)]
        fields = keep_dump_only(has, said, known.claim, known.base, by_dump=True)
        if _dump_only(has) != _dump_only(fields):
            edits[known.notice.id] = Edit(known.notice, fields, known.claim)
            told.add(n)
    _write(session, edits.values(), batch)
    return told | (tell_more(session, again, batch) if again else set())


def hide(session: Session, rows: Rows, batch: Lot) -> set[int]:
    """Published notices that their base has kept from its public since it was last read: published no longer.

    Whoever hid them there may have had to (an author who objects), and nobody here was told. Nothing of what they
    say changes; they wait for a person, who may publish them again: what is known to be hidden is not hidden twice.
    """
    candidates = {n: (row, s) for n, (row, s) in rows.items() if row.record and row.record.status == "candidate"}
    edits: dict[int, Edit] = {}
    done: set[int] = set()
    for n, known in _claims(session, candidates):
        notice = known.notice
        if known.base is None or notice.status != "published" or notice.id in edits or is_hidden(notice.fields):
            continue
        said = [*notice.fields, *hidden(record=True)]
        edits[notice.id] = Edit(notice, said, known.claim, "candidate")
        done.add(n)
    _write(session, edits.values(), batch)
    return done


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
    """Those of these notices that an undo withdrew: their records bring them again."""
    gone: dict[int, Notice] = {}
    for part in db.chunks(sorted(wanted)):
        statement = select(Notice).where(Notice.id.in_(part), Notice.status == "withdrawn")
        gone |= {notice.id: notice for notice in session.scalars(statement)}
    undone = lots.undone_notices(session, sorted(gone)) if gone else set()
    news = {wanted[n].says[1]: n for n in undone if wanted[n].says}  # type: ignore[index]
    edits = {n: Edit(gone[n], gone[n].fields, status=wanted[n].status) for n in sorted(undone)}
    agreed: dict[int, int] = {}
    for part in db.chunks(sorted(news)):
        for known in _claimed(session, Claim.record_id.in_(part)):
            if (n := known.notice.id) == news[known.record] and (says := wanted[n].says):
                row, had = says[0], known.notice.fields
                fields = keep_dump_only(had, row.fields, known.claim, [], by_dump=row.is_dump)
                edits[n] = Edit(known.notice, fields, known.claim, wanted[n].status)
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


def _write(session: Session, edits: Iterable[Edit], batch: Lot) -> None:
    if edits := list(edits):
        notices.revise_many(session, edits, batch=batch())


def _barred(fields: Fields, says: Fields) -> str:
    """Why a record may not change its notice by itself: the code of a sentence, or ""."""
    if not _same_document(fields, says):
        return "record.other_document"
    lost = {f["t"] for f in fields if not is_dump_only(f)} - {f["t"] for f in says} - COMES_AND_GOES
    return "record.says_less" if lost else ""


def _same_document(ours: Fields, theirs: Fields) -> bool:
    """An ISBN in common, or half of the words of the shorter title."""
    if set(unimarc.isbns(ours)) & set(unimarc.isbns(theirs)):
        return True
    had, has = (set(fold(unimarc.full_title(fields)).split()) for fields in (ours, theirs))
    return 2 * len(had & has) >= min(len(had), len(has))


def _untouched(known: _Claimed) -> bool:
    """Everything the notice says is what this record said when it was agreed on, and nothing is missing."""
    if known.base is None:
        return False
    has, had = ([f for f in fields if not is_dump_only(f)] for fields in (known.notice.fields, known.base))
    return all(f.get("o") == [known.claim] for f in has) and [*map(occurrence, has)] == [*map(occurrence, had)]


def _dump_only(fields: Fields) -> list[str]:
    return sorted(occurrence(f) for f in fields if is_dump_only(f))
