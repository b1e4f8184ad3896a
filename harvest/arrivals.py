"""A page of records on its way in: what may come in, what may not and why, what is announced as deleted.

One bad record never stops a page; a whole page that no reader knows stops the run, for that is a matter of settings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace

from lxml import etree
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from catalogue import db, sources, tombstones
from catalogue.models import RawPage, Refused, Run, Source, SourceRecord, SourceVersion
from catalogue.problems import Refusal
from catalogue.unimarc import Record
from harvest import intake, payload
from harvest.intake import Incoming, Outcome
from harvest.oai_page import HarvestStopped, OaiRecord, Page

# What may come in, what may not and why, the identifiers of what is announced deleted.
PageRead = tuple[list[Incoming], list[Refusal], list[str]]

LARGEST = 5_000_000  # bytes of one record
KEPT = 1 << 16  # of the bytes of a record that is larger


def stop_if_unreadable(page: Page) -> None:
    """A whole page in no format of ours is a matter of settings, not of records: say it once."""
    living = [r for r in page.records if not r.deleted and r.datestamp]
    if len(living) < 2:
        return
    if all(r.payload is None for r in living):
        raise HarvestStopped("oai.format_empty")
    roots = {payload.root_of(r.payload) for r in living if r.payload is not None}
    if not roots & set(payload.READERS):
        raise HarvestStopped("oai.other_format", {"root": ", ".join(sorted(roots))})


def read_records(source: Source, page: Page, position: int) -> PageRead:
    """Each record of a page, in one of its three lists."""
    rows: list[Incoming] = []
    refusals: list[Refusal] = []
    gone: list[str] = []
    weigh = len(page.answer.raw) > LARGEST
    for n, record in enumerate(page.records, 1):
        if record.deleted and 0 < len(record.identifier) <= intake.LONGEST:
            gone.append(record.identifier)
            continue
        read = _read_one(source, record, page.sequence, n, position + n, weigh)
        if isinstance(read, Refusal):
            refusals.append(read)
        else:
            rows.append(read)
    return rows, refusals, gone


def _read_one(
    source: Source, record: OaiRecord, page: int, n: int, position: int, weigh: bool = False
) -> Incoming | Refusal:
    if not record.identifier:
        return _refusal(record, position, "harvest.no_identifier", number=str(n), page=str(page))
    if len(record.identifier) > intake.LONGEST:
        params = {"number": record.identifier[:40], "limit": str(intake.LONGEST)}
        record = replace(record, identifier=record.identifier[: intake.LONGEST])
        return _refusal(record, position, "record.number_too_long", **params)
    if not record.datestamp:
        return _refusal(record, position, "harvest.ghost")
    if record.payload is None:
        return _refusal(record, position, "harvest.empty")
    if weigh and (size := len(etree.tostring(record.payload, encoding="utf-8"))) > LARGEST:
        return _refusal(record, position, "harvest.too_big", size=str(size // 1_000_000))
    if (root := payload.root_of(record.payload)) not in payload.READERS:
        return _refusal(record, position, "harvest.other_format", root=root)
    read = payload.read(record.payload, position, source.profile or {})
    if isinstance(read, Record):
        if (refused := intake.refuse(read)) is None:
            return intake.receive(source, read, identifier=record.identifier, datestamp=record.datestamp)
        read = refused
    return replace(_refusal(record, position, read.code), params={**read.params, "datestamp": record.datestamp})


def _refusal(record: OaiRecord, position: int, code: str, **params: str) -> Refusal:
    raw = etree.tostring(record.element, encoding="utf-8", with_tail=False)
    params = {"identifier": record.identifier, "datestamp": record.datestamp, **params}
    return Refusal(position, record.identifier, code, params, raw if len(raw) <= LARGEST else raw[:KEPT])


# --- what a page changes beside notices ------------------------------------------------------


def learn_identity(session: Session, source: Source, rows: list[Incoming]) -> None:
    """How this base makes an identifier out of a record number, read off its own records.

    Without it, a file of the same base imported tomorrow would come in as another one.
    """
    pairs = [(r.received.identifier, r.received.control_number) for r in rows if r.record is not None]
    if source.identity or not pairs:
        return
    templates = {
        identifier.removesuffix(number) + "{001}" if number and identifier.endswith(f":{number}") else ""
        for identifier, number in pairs
    }
    if len(templates) == 1 and (template := templates.pop()):
        sources.set_identity(session, source, template)


def only_missing(session: Session, source: Source, run: Run, page_id: int | None, read: PageRead) -> PageRead:
    """What a page that is read again may still bring: a replay fills in what was missed, and never goes behind what
    the source has shown since, later in the run that received the page, in a later one, or in a file.

    The page of a run under way has nothing behind it.
    """
    page = session.get(RawPage, page_id) if page_id else None
    if page is None or page.run_id == run.id:
        return read
    rows, refusals, gone = read
    late = _shown_since(
        session, source, run, page, {*(r.received.identifier for r in rows), *(r.identifier for r in refusals), *gone}
    )
    return (
        [row for row in rows if row.received.identifier not in late],
        [refusal for refusal in refusals if refusal.identifier not in late],
        [identifier for identifier in gone if identifier not in late],
    )


def _shown_since(session: Session, source: Source, run: Run, page: RawPage, identifiers: Collection[str]) -> set[str]:
    out: set[str] = set()
    for part in db.chunks(sorted(identifiers)):
        statement = (
            select(
                *(SourceRecord.identifier, SourceRecord.last_seen_run_id),
                *(SourceVersion.deleted, RawPage.run_id, RawPage.seq),
            )
            .outerjoin(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
            .outerjoin(RawPage, RawPage.id == SourceVersion.page_id)
            .where(SourceRecord.source_id == source.id, SourceRecord.identifier.in_(part))
        )
        for identifier, seen, deleted, in_run, at in session.execute(statement):
            seen_since = seen not in (None, run.id) and seen > page.run_id
            said_since = bool(deleted) if in_run is None else (in_run, at) > (page.run_id, page.seq)
            if seen_since or said_since:
                out.add(identifier)
    return out


def seen_then(session: Session, run: Run) -> None:
    """What a replay has read was seen when its pages were received: reading them again is no sign of life."""
    if then := run.checkpoint.get("replay_of"):
        statement = update(SourceRecord).where(
            SourceRecord.source_id == run.source_id, SourceRecord.last_seen_run_id == run.id
        )
        session.execute(statement.values(last_seen_run_id=then).execution_options(synchronize_session=False))


_RECORDS, _VERSIONS = db.table_of(SourceRecord), db.table_of(SourceVersion)
_DATES = (
    select(_RECORDS.c.id, _VERSIONS.c.id, _VERSIONS.c.datestamp)
    .join(_VERSIONS, _VERSIONS.c.id == _RECORDS.c.latest_version_id)
    .where(db.among(_RECORDS.c.id))
)
_DATE = update(_VERSIONS).where(_VERSIONS.c.id == bindparam("version")).values(datestamp=bindparam("date"))


def date_again(session: Session, rows: Sequence[Incoming], outcomes: Sequence[Outcome]) -> None:
    """What says nothing new may have a new date: the next sweep compares with the last one received."""
    dates = {
        o.record_id: r.received.datestamp
        for r, o in zip(rows, outcomes, strict=True)
        if o.kind in ("unchanged", "repeated")
    }
    moved: list[tuple[int, str]] = []
    for part in db.chunks(sorted(dates)):
        moved += [(v, dates[r]) for r, v, date in session.execute(_DATES, {"part": part}) if date != dates[r]]
    if moved:
        session.execute(_DATE, [{"version": version_id, "date": date} for version_id, date in moved])


def find_two_contents(session: Session, run: Run, rows: Sequence[Incoming], outcomes: Sequence[Outcome]) -> str:
    """An identifier under which this run has had two contents of the same date: nobody knows which one holds."""
    said: dict[tuple[str, str], str] = {}
    for row in rows:
        key = (row.received.identifier, row.received.datestamp)
        if said.setdefault(key, row.received.fingerprint) != row.received.fingerprint:
            return row.received.identifier
    changed = {o.record_id: r.received for r, o in zip(rows, outcomes, strict=True) if o.kind == "updated"}
    for part in db.chunks(sorted(changed)):
        statement = (
            select(SourceVersion.record_id, SourceVersion.datestamp, SourceVersion.fingerprint)
            .join(RawPage, RawPage.id == SourceVersion.page_id)
            .where(SourceVersion.record_id.in_(part), RawPage.run_id == run.id)
        )
        for record_id, datestamp, fingerprint in session.execute(statement):
            now = changed[record_id]
            if datestamp == now.datestamp and fingerprint != now.fingerprint:
                return now.identifier
    return ""


def without_erased(
    session: Session, source: Source, run: Run, page_id: int | None, refusals: Sequence[Refusal]
) -> list[Refusal]:
    """The same, without the bytes of records that were erased here: what cannot be read is not kept either."""
    erased = tombstones.barred(session, source, [(r.identifier, "") for r in refusals])
    if erased:
        tombstones.met_again(session, source, run, page_id, {refusals[n].identifier: i for n, i in erased.items()})
    return [replace(r, raw=b"", params={}) if n in erased else r for n, r in enumerate(refusals)]


def keep_refused(session: Session, source: Source, run: Run, refusals: list[Refusal], received: set[str]) -> None:
    """Keep what could not go in, and settle what has come in since."""
    rows = [
        Refused(
            source_id=source.id,
            run_id=run.id,
            position=r.position,
            identifier=r.identifier,
            code=r.code,
            params=dict(r.params),
            format="oai",
            file_name="",
            raw=r.raw,
            sha256=hashlib.sha256(r.raw).hexdigest(),
            created_at=db.now(),
        )
        for r in refusals
    ]
    sources.keep_refused(session, source, rows)
    sources.settle_numbers(session, source, received, formats=["oai"])
