"""Sources, their records as received, and what they claim about our notices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, defer

from catalogue import db
from catalogue.models import (
    Claim,
    ExternalId,
    Notice,
    Refused,
    Run,
    Source,
    SourceRecord,
    SourceVersion,
)

ASIDE = "put_aside_by"  # among what a refused record keeps: who put it aside
_REFUSED: tuple[str, ...] = ("source_id", "run_id", "position", "identifier", "code", "params", "format")
_REFUSED += ("file_name", "raw", "sha256", "created_at")


# Of the tables, and made once: every page of a harvest asks all of them.
_RECORDS, _VERSIONS, _CLAIMS = (db.table_of(model) for model in (SourceRecord, SourceVersion, Claim))
_KNOWN = select(_RECORDS.c.identifier, _RECORDS.c.id, _RECORDS.c.latest_version_id).where(
    _RECORDS.c.source_id == bindparam("source"), db.among(_RECORDS.c.identifier)
)
_RENAME = update(_RECORDS).where(_RECORDS.c.id == bindparam("record")).values(identifier=bindparam("name"))
_POINT = update(_RECORDS).where(_RECORDS.c.id == bindparam("record")).values(latest_version_id=bindparam("version"))
_POINT_AND_SEE = _POINT.values(last_seen_run_id=bindparam("run"))
_MARKS = select(_VERSIONS.c.id, _VERSIONS.c.fingerprint).where(db.among(_VERSIONS.c.id))
_CLAIMED = (  # a record that its partner had deleted and that is there again speaks of the same notice
    select(_CLAIMS.c.record_id, _CLAIMS.c.notice_id)
    .where(db.among(_CLAIMS.c.record_id), _CLAIMS.c.state.in_(("linked", "withdrawn")))
    .order_by(_CLAIMS.c.id)
)
_ELSEWHERE = (
    select(_RECORDS.c.identifier, _CLAIMS.c.notice_id)
    .join(_CLAIMS, _CLAIMS.c.record_id == _RECORDS.c.id)
    .where(db.among(_RECORDS.c.identifier), _RECORDS.c.source_id != bindparam("source"), _CLAIMS.c.state == "linked")
    .order_by(_CLAIMS.c.id)
)

_REFUSALS = db.table_of(Refused)
_SETTLE = (
    update(_REFUSALS)
    .where(_REFUSALS.c.source_id == bindparam("source"), _REFUSALS.c.settled_at.is_(None))
    .where(db.among(_REFUSALS.c.format, "formats"), db.among(_REFUSALS.c.identifier))
    .where(_REFUSALS.c.code.not_in(bindparam("but", expanding=True)))
    .values(settled_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Staged:
    """A record kept as received: what it is called, whether it says anything new, and whose notice it speaks of."""

    record_id: int
    version_id: int
    identifier: str
    is_new_record: bool
    is_new_version: bool
    notice_id: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it came, ready to be kept."""

    identifier: str
    fingerprint: str
    fields: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]] = ()
    datestamp: str = ""
    deleted: bool = False
    control_number: str = ""


def find(session: Session, name: str) -> Source | None:
    return session.scalar(select(Source).where(Source.name == name))


def list_sources(session: Session, *, removed: bool = False) -> list[Source]:
    statement = select(Source).order_by(Source.name)
    return list(session.scalars(statement if removed else statement.where(Source.removed_at.is_(None))))


def for_file(session: Session, name: str) -> Source:
    """The source a file belongs to, made at need; a source that is harvested may have files too."""
    source = find(session, name)
    if source is None:
        source = Source(name=name, kind="file")
        session.add(source)
        session.flush()
    return source


def identify(source: Source, control_number: str | None, fingerprint: str) -> str:
    """The identifier of a file's record: its number through the source's template, else its fingerprint."""
    if not control_number:
        return f"sha256:{fingerprint}"
    return source.identity.replace("{001}", control_number) if source.identity else control_number


def set_identity(session: Session, source: Source, template: str) -> int:
    """Give a source its identity template, and its file records the identifiers a harvest would show."""
    if template == source.identity:
        return 0
    old_prefix, _sep, old_suffix = (source.identity or "{001}").partition("{001}")
    source.identity = template
    moved = 0
    if template:
        known = {r.identifier for r in session.scalars(_records(source))}
        for record in session.scalars(_records(source)):
            text = record.identifier
            if text.startswith("sha256:") or not (text.startswith(old_prefix) and text.endswith(old_suffix)):
                continue
            number = text[len(old_prefix) : len(text) - len(old_suffix) or None]
            target = template.replace("{001}", number)
            if ":" not in number and target not in known:
                record.identifier = target
                moved += 1
    session.flush()
    return moved


def _records(source: Source) -> Any:
    return select(SourceRecord).where(SourceRecord.source_id == source.id).order_by(SourceRecord.id)


def stage(
    session: Session,
    source: Source,
    records: Sequence[Received],
    *,
    run: Run | None = None,
    page_id: int | None = None,
) -> list[Staged]:
    """Keep records as received: a new version only when the fingerprint is new. One call a page or a batch.

    A record is recognised by its identifier in this source; by its bare control number when a file of the
    same source brought it before the harvest did; or by the same full identifier under another source's name.
    """
    at = db.now()
    session.flush()
    by_identifier = _known(session, source, {r.identifier for r in records})
    by_identifier |= _known_by_number(session, source, [r for r in records if r.identifier not in by_identifier])
    ids = {identifier: record_id for identifier, (record_id, _version) in by_identifier.items()}
    latest = dict(by_identifier.values())
    fresh = _new_records(session, source, [r.identifier for r in records if r.identifier not in ids])
    ids |= fresh
    marks = _fingerprints(session, [v for v in latest.values() if v])
    said = {record_id: marks.get(version_id or 0) for record_id, version_id in latest.items()}
    notices = _claimed(session, list(latest))
    elsewhere = _claimed_elsewhere(session, source, [i for i in fresh if ":" in i])
    versions: list[dict[str, Any]] = []
    changed: list[bool] = []
    for r in records:
        record_id, mark = ids[r.identifier], "deleted" if r.deleted else r.fingerprint
        changed.append(said.get(record_id) != mark)
        if changed[-1]:
            said[record_id] = mark
            versions.append(
                {
                    "record_id": record_id,
                    "datestamp": r.datestamp,
                    "deleted": r.deleted,
                    "fingerprint": mark,
                    "fields": list(r.fields),
                    "items": list(r.items),
                    "page_id": page_id,
                    "received_at": at,
                }
            )
    latest |= _new_versions(session, versions)
    _point(session, {ids[r.identifier]: latest[ids[r.identifier]] for r in records}, run)
    return [
        Staged(
            record_id=ids[r.identifier],
            version_id=latest[ids[r.identifier]] or 0,
            identifier=r.identifier,
            is_new_record=r.identifier in fresh,
            is_new_version=new,
            notice_id=notices.get(ids[r.identifier]) or elsewhere.get(r.identifier),
        )
        for r, new in zip(records, changed, strict=True)
    ]


def _new_records(session: Session, source: Source, identifiers: Sequence[str]) -> dict[str, int]:
    names = list(dict.fromkeys(identifiers))
    rows = [{"source_id": source.id, "identifier": name} for name in names]
    return dict(zip(names, db.insert_numbered(session, SourceRecord, rows), strict=True))


def _new_versions(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[int, int | None]:
    """Record -> its last version."""
    ids = db.insert_numbered(session, SourceVersion, rows)
    return {row["record_id"]: version_id for row, version_id in zip(rows, ids, strict=True)}


def _point(session: Session, latest: Mapping[int, int | None], run: Run | None) -> None:
    """Say of each record which version is its last, and that this run has seen it."""
    if not latest:
        return
    seen = {} if run is None else {"run": run.id}
    session.execute(
        _POINT if run is None else _POINT_AND_SEE,
        [{"record": record_id, "version": version_id, **seen} for record_id, version_id in latest.items()],
    )
    for row in [row for row in session.identity_map.values() if isinstance(row, SourceRecord)]:
        session.expire(row)  # loaded before: what it says of its last version is out of date


def _known(session: Session, source: Source, identifiers: Iterable[str]) -> dict[str, tuple[int, int | None]]:
    """Identifier -> the record, and its last version."""
    out: dict[str, tuple[int, int | None]] = {}
    for part in db.chunks(sorted(identifiers)):
        for identifier, record_id, version_id in session.execute(_KNOWN, {"source": source.id, "part": part}):
            out[identifier] = record_id, version_id
    return out


def _known_by_number(
    session: Session, source: Source, records: Sequence[Received]
) -> dict[str, tuple[int, int | None]]:
    """Records that a file of the same source brought first: under the bare number, or under what the source's
    template makes of it, when the template is not quite what the server says. They take the server's identifier."""
    names: dict[str, str] = {}
    for r in records:
        if r.control_number:
            names[r.control_number] = r.identifier
            names[identify(source, r.control_number, "")] = r.identifier
    out: dict[str, tuple[int, int | None]] = {}
    for name, known in _known(session, source, names).items():
        out.setdefault(names[name], known)
    if out:
        session.execute(_RENAME, [{"record": known[0], "name": name} for name, known in out.items()])
    return out


def _fingerprints(session: Session, version_ids: Sequence[int]) -> dict[int, str]:
    out: dict[int, str] = {}
    for part in db.chunks(version_ids):
        out.update((number, mark) for number, mark in session.execute(_MARKS, {"part": part}))
    return out


def _claimed(session: Session, record_ids: Sequence[int]) -> dict[int, int]:
    out: dict[int, int] = {}
    for part in db.chunks(record_ids):
        out.update((record_id, notice_id) for record_id, notice_id in session.execute(_CLAIMED, {"part": part}))
    return out


def _claimed_elsewhere(session: Session, source: Source, identifiers: Sequence[str]) -> dict[str, int]:
    """The same base under another source's name: a full identifier ("oai:RECI:40211") means the same record."""
    out: dict[str, int] = {}
    for part in db.chunks(sorted(identifiers)):
        for identifier, notice_id in session.execute(_ELSEWHERE, {"source": source.id, "part": part}):
            out.setdefault(identifier, notice_id)
    return out


def claim_many(session: Session, rows: Sequence[tuple[int, int, int, int]]) -> None:
    """(claim id taken beforehand, notice, record, version agreed on)."""
    db.insert_rows(
        session,
        Claim,
        [{"id": c, "notice_id": n, "record_id": r, "base_version_id": v, "state": "linked"} for c, n, r, v in rows],
    )


def name_ids(session: Session, source: Source, space: str, values: Mapping[str, int], entity: str = "notice") -> None:
    """Remember what the source calls our rows: its records and its bulletins are two number spaces."""
    at = db.now()
    rows = [
        {"source_id": source.id, "space": space, "value": v, "entity": entity, "entity_id": n, "seen_at": at}
        for v, n in sorted(values.items())
    ]
    for part in db.chunks(rows, 500):
        db.insert_or_update(
            session,
            ExternalId,
            part,
            key=["source_id", "space", "value"],
            update=["entity", "entity_id", "seen_at"],
        )


def find_ids(session: Session, source: Source, space: str, values: Iterable[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for part in db.chunks(sorted(set(values))):
        statement = select(ExternalId.value, ExternalId.entity_id).where(
            ExternalId.source_id == source.id, ExternalId.space == space, ExternalId.value.in_(part)
        )
        out.update((value, number) for value, number in session.execute(statement))
    return out


def keep_refused(session: Session, source: Source, rows: Sequence[Refused]) -> None:
    """Keep refused records of a source. Those whose bytes wait already, or were put aside by somebody, are met again,
    that is all."""
    known: dict[str, Refused] = {}
    for part in db.chunks(sorted({row.sha256 for row in rows})):
        statement = select(Refused).where(Refused.source_id == source.id, Refused.sha256.in_(part))
        statement = statement.where(or_(Refused.settled_at.is_(None), _is_aside())).options(defer(Refused.raw))
        known |= {row.sha256: row for row in session.scalars(statement.order_by(Refused.id.desc()))}
    for row in rows:
        met = known.setdefault(row.sha256, row)
        if met is not row:
            met.run_id, met.position, met.file_name = row.run_id, row.position, row.file_name
            met.code, met.params = row.code, {**row.params, **_only_aside(met)}
    session.flush()
    fresh = [row for row in known.values() if row.id is None]
    db.insert_rows(session, Refused, [{name: getattr(row, name) for name in _REFUSED} for row in fresh])


def list_refused(
    session: Session, *, source: str = "", run_id: int | None = None, limit: int | None = None
) -> list[tuple[Refused, str]]:
    """What waits, oldest first, with its source's name. Bytes (up to 1 MB each) are only fetched when asked for."""
    statement = _waiting(select(Refused, Source.name).options(defer(Refused.raw)), source, run_id)
    return [(row, name) for row, name in session.execute(statement.order_by(Refused.id).limit(limit))]


def count_refused(session: Session, *, source: str = "", run_id: int | None = None) -> int:
    return session.scalar(_waiting(select(func.count(Refused.id)), source, run_id)) or 0


def read_beginnings(session: Session, refused_ids: Sequence[int], length: int) -> dict[int, bytes]:
    """The first bytes of refused records, cut by the database."""
    out: dict[int, bytes] = {}
    for part in db.chunks(refused_ids):
        beginning = func.substr(Refused.raw, 1, length, type_=LargeBinary)
        found = session.execute(select(Refused.id, beginning).where(Refused.id.in_(part)))
        out.update((number, raw) for number, raw in found)
    return out


def _waiting(statement: Any, source: str, run_id: int | None) -> Any:
    statement = statement.join(Source, Source.id == Refused.source_id).where(Refused.settled_at.is_(None))
    if run_id is not None:
        statement = statement.where(Refused.run_id == run_id)
    return statement.where(Source.name == source) if source else statement


def settle_refused(session: Session, refused_ids: Sequence[int]) -> None:
    for part in db.chunks(refused_ids):
        session.execute(update(Refused).where(Refused.id.in_(part)).values(settled_at=db.now()))


def settle_numbers(
    session: Session,
    source: Source,
    numbers: Iterable[str],
    *,
    formats: Collection[str],
    but: Collection[str] = (),
) -> None:
    """Records that were refused once and have come in since wait no longer, but for those refused for such reasons."""
    session.flush()
    for part in db.chunks(sorted(set(numbers) - {""})):
        asked = {"source": source.id, "formats": list(formats), "but": list(but), "part": part, "at": db.now()}
        session.execute(_SETTLE, asked)


def settle_cut(session: Session, run: Run, file_name: str, codes: Collection[str]) -> None:
    """A file that has come in whole now: what earlier runs met where it broke off waits no longer."""
    statement = update(Refused).where(
        Refused.source_id == run.source_id,
        Refused.file_name == file_name,
        Refused.code.in_(codes),
        Refused.settled_at.is_(None),
        Refused.run_id != run.id,
    )
    session.execute(statement.values(settled_at=db.now()).execution_options(synchronize_session=False))


def _is_aside() -> ColumnElement[bool]:
    return Refused.params[ASIDE].as_string().is_not(None)


def _only_aside(row: Refused) -> dict[str, Any]:
    return {name: value for name, value in row.params.items() if name == ASIDE}


def put_aside(session: Session, refused: Refused, *, by: str) -> None:
    """A person has seen this refused record and wants no more of it; it is kept, and says who put it aside."""
    refused.params = {**refused.params, ASIDE: by}
    refused.settled_at = db.now()


def take_back(session: Session, refused: Refused) -> None:
    """Let a record that somebody put aside wait again."""
    refused.params = {name: value for name, value in refused.params.items() if name != ASIDE}
    refused.settled_at = None


def origins(session: Session, notice: Notice) -> dict[int, tuple[Source, SourceRecord, Claim]]:
    """For each claim on a notice, who speaks: what a page needs to say « repris de RECI »."""
    named = {who for f in notice.fields for who in f.get("o", ()) if isinstance(who, int)}  # some have gone elsewhere
    statement = (
        select(Claim, SourceRecord, Source)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .where(or_(Claim.notice_id == notice.id, Claim.id.in_(sorted(named))))
        .order_by(Claim.id)
    )
    return {c.id: (source, record, c) for c, record, source in session.execute(statement)}
