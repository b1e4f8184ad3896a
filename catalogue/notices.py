"""The only writer of Notice: create, create in bulk, revise, change status, restore.

`Notice.fields` is the accepted state (decision 2). Every field occurrence says who put it there ("o":
"l" for us, or claim ids) and in which revision ("r"); a revision keeps both for whatever did not change.
Functions take the session first, never commit, and leave a row in the index queue in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from catalogue import authorities, db, history
from catalogue.entities import AUTHOR
from catalogue.headings import Mark, space_of
from catalogue.history import Change
from catalogue.identifiers import new_code
from catalogue.models import (
    Batch,
    Centre,
    Claim,
    Concept,
    ExternalId,
    IndexQueue,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeIdentifier,
    NoticeLink,
    Source,
    SourceRecord,
)
from catalogue.projection import Projection, project
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, occurrence

LOCAL = "l"
# A source's name may hold a colon, and so may its numbers: the space between them may not.
_PROMISE = re.compile(r"(.*?):(record|bull):(.*)", re.S)
INDEXED = frozenset({"draft", "candidate", "published", "withdrawn"})


class Stale(Exception):
    """Somebody saved the notice meanwhile: `notice` is how it stands now, for a comparison."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(f"notice {notice.address} is now at version {notice.version}")
        self.notice = notice


@dataclass(frozen=True, slots=True)
class NewNotice:
    """One notice to create in bulk. `claim_id` was taken beforehand, so that fields can name it."""

    fields: Fields
    claim_id: int | None = None
    scope: str = ""  # the source whose number space its links use
    status: str = "published"
    owner_id: int | None = None
    address: str = ""  # chosen beforehand, so that a form sent twice makes one notice


# --- finding ---------------------------------------------------------------------------------


def find(session: Session, address: str) -> Notice | None:
    return session.scalar(select(Notice).where(Notice.address == address))


def get(session: Session, notice_id: int) -> Notice:
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise LookupError(f"no notice {notice_id}")
    return notice


def find_by_identifier(session: Session, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """Living notices that carry these (scheme, value) identifiers."""
    found: dict[tuple[str, str], list[int]] = {}
    by_scheme: dict[str, set[str]] = {}
    for scheme, value in pairs:
        by_scheme.setdefault(scheme, set()).add(value)
    for scheme, wanted in by_scheme.items():
        for part in db.chunks(sorted(wanted)):
            statement = (
                select(NoticeIdentifier.value, Notice.id)
                .join(Notice, Notice.id == NoticeIdentifier.notice_id)
                .where(
                    NoticeIdentifier.scheme == scheme,
                    NoticeIdentifier.value.in_(part),
                    Notice.status.not_in(("merged", "erased")),
                )
                .order_by(Notice.id)
            )
            for value, notice_id in session.execute(statement):
                found.setdefault((scheme, value), []).append(notice_id)
    return found


def our_centre(session: Session) -> Centre:
    return session.scalars(select(Centre).where(Centre.is_ours).order_by(Centre.id)).one()


# --- writing ---------------------------------------------------------------------------------


def create(
    session: Session,
    fields: Fields,
    *,
    by: str,
    status: str = "draft",
    why: str = "",
    batch: Batch | None = None,
    owner_id: int | None = None,
    address: str = "",
) -> Notice:
    """One notice made here: every field is ours."""
    batch = batch or history.open_batch(session, "create", by=by, why=why)
    (notice_id,) = create_many(
        session, [NewNotice(fields, status=status, owner_id=owner_id, address=address)], batch=batch
    )
    return get(session, notice_id)


def create_many(
    session: Session, rows: Sequence[NewNotice], *, batch: Batch, ids: Sequence[int] | None = None
) -> list[int]:
    """Notices in bulk, without one ORM flush each; returns their ids in order. `ids` if taken beforehand."""
    if not rows:
        return []
    sequence = history.take(session, "change", len(rows))
    numbers = list(ids) if ids is not None else list(history.take(session, "notice", len(rows)))
    revisions = list(history.take(session, "revision", len(rows)))
    default_owner = our_centre(session).id
    at = batch.at
    addresses = [row.address or new for row, new in zip(rows, _new_addresses(session, len(rows)), strict=True)]
    projections: dict[int, Projection] = {}
    records = []
    for number, seq, revision, address, row in zip(numbers, sequence, revisions, addresses, rows, strict=True):
        origin = LOCAL if row.claim_id is None else row.claim_id
        fields = [_stamped(f, [origin], revision) for f in row.fields]
        p = projections[number] = project(fields, lambda _claim, scope=row.scope: scope)  # type: ignore[misc]
        owner = default_owner if row.owner_id is None else row.owner_id
        records.append(
            {
                "id": number,
                "address": address,
                "version": 1,
                "status": row.status,
                "owner_id": owner,
                "changed_seq": seq,
                "fields": fields,
                "created_at": at,
                "updated_at": at,
                **_columns(p),
            }
        )
    db.insert_rows(session, Notice, records)
    history.record(session, batch, (Change("notice", n, 1, None) for n in numbers), revisions)
    _write_rows(session, projections)
    _keep_promises(session, {f"address:{a}": n for a, n in zip(addresses, numbers, strict=True)})
    _queue(
        session,
        dict(zip(numbers, sequence, strict=True)),
        {n: r.status for n, r in zip(numbers, rows, strict=True)},
    )
    return numbers


def revise(
    session: Session,
    notice: Notice,
    fields: Fields,
    *,
    by: str,
    why: str = "",
    status: str | None = None,
    origin: int | str = LOCAL,
    expected_version: int | None = None,
    batch: Batch | None = None,
) -> bool:
    """Give the notice these fields (and status). Returns False when that changes nothing.

    What stays the same keeps its origin and its revision; what is new or changed is `origin`'s.
    Raises `Stale` when the notice is no longer at `expected_version`.
    """
    if expected_version is not None and notice.version != expected_version:
        raise Stale(notice)
    status = status or notice.status
    if status == notice.status and [occurrence(f) for f in fields] == [occurrence(f) for f in notice.fields]:
        return False
    batch = batch or history.open_batch(session, "edit", by=by, why=why)
    revision = history.take(session, "revision")[0]
    after = {**snapshot(notice), "fields": _carried(notice.fields, fields, origin, revision), "status": status}
    _put(session, [(notice, after)], batch, [revision])
    return True


def revise_many(session: Session, rows: Iterable[tuple[Notice, Fields]], *, batch: Batch) -> list[Notice]:
    """Give many notices other fields in one lot: what changes is ours. Returns those that changed."""
    changed: list[Notice] = []
    for part in db.chunks(
        (notice, fields)
        for notice, fields in rows
        if [occurrence(f) for f in fields] != [occurrence(f) for f in notice.fields]
    ):
        revisions = list(history.take(session, "revision", len(part)))
        after = [
            (notice, {**snapshot(notice), "fields": _carried(notice.fields, fields, LOCAL, revision)})
            for (notice, fields), revision in zip(part, revisions, strict=True)
        ]
        _put(session, after, batch, revisions)
        changed += [notice for notice, _fields in part]
    return changed


def set_status(
    session: Session, notice: Notice, status: str, *, by: str, why: str = "", batch: Batch | None = None
) -> bool:
    return revise(session, notice, notice.fields, by=by, why=why, status=status, batch=batch)


def restore(session: Session, notice: Notice, before: Mapping[str, Any] | None, *, batch: Batch) -> None:
    """Put one notice back as a revision found it."""
    restore_many(session, [(notice, before)], batch=batch)


def restore_many(session: Session, rows: Sequence[tuple[Notice, Mapping[str, Any] | None]], *, batch: Batch) -> None:
    """Put notices back as a revision found them; those that the lot made are withdrawn: no address ever dies."""
    for part in db.chunks(rows):
        _put(session, [(notice, _back(notice, before)) for notice, before in part], batch)


def relink(session: Session, concept_labels: Iterable[str]) -> int:
    """Link the descriptors of existing notices to concepts that have just arrived; returns how many notices."""
    known = authorities.find_concepts(session, concept_labels)
    loose = session.execute(
        select(NoticeConcept.notice_id, NoticeConcept.label).where(
            NoticeConcept.concept_id.is_(None), NoticeConcept.free.is_(False)
        )
    )
    touched = sorted({notice_id for notice_id, label in loose if fold(label) in known})
    for part in db.chunks(touched, 200):
        reproject(session, part)
    return len(touched)


def relink_concepts(session: Session, concept_ids: Iterable[int]) -> int:
    """Project anew the notices that name these concepts, by number, address or label: they came, changed or went."""
    ids = set(concept_ids)
    names = authorities.names_of(session, Concept, ids)
    folded, sharing = authorities.sharing_labels(session, ids)
    touched = authorities.notices_naming(session, Concept, ids | sharing)
    for column, wanted in ((NoticeConcept.promise, names.promises), (NoticeConcept.identifier, names.identifiers)):
        for part in db.chunks(sorted(wanted)):
            touched |= set(session.scalars(select(NoticeConcept.notice_id).where(column.in_(part))))
    if folded:
        statement = select(NoticeConcept.notice_id, NoticeConcept.label)
        loose = statement.where(NoticeConcept.concept_id.is_(None), NoticeConcept.free.is_(False))
        touched |= {notice_id for notice_id, label in session.execute(loose) if fold(label) in folded}
    for ids_ in db.chunks(sorted(touched)):
        reproject(session, ids_)
    return len(touched)


def reproject(session: Session, notice_ids: Iterable[int]) -> None:
    """Recompute columns and rows from the fields, as every write does; no revision: the notice has not changed."""
    found = list(session.scalars(select(Notice).where(Notice.id.in_(list(notice_ids))).order_by(Notice.id)))
    if not found:
        return
    projections = projected(session, found)
    sequence = history.take(session, "change", len(found))
    for notice, seq in zip(found, sequence, strict=True):
        for name, value in _columns(projections[notice.id]).items():
            setattr(notice, name, value)
        notice.changed_seq = seq
    session.flush()
    _write_rows(session, projections)
    _queue(session, {n.id: n.changed_seq for n in found}, {n.id: n.status for n in found})


def projected(session: Session, found: Sequence[Notice]) -> dict[int, Projection]:
    """What should be computed from the fields of these notices as they stand."""
    known = scopes(session, [n.id for n in found])
    return {n.id: project(n.fields, known[n.id]) for n in found}


def keep_promises(session: Session, arrived: Mapping[str, int]) -> None:
    """Join links that were waiting for these targets: {"RECI:bull:905": notice id}."""
    _keep_promises(session, arrived)


def snapshot(notice: Notice) -> dict[str, Any]:
    """What a revision keeps: everything that is not computed."""
    return {
        "fields": notice.fields,
        "status": notice.status,
        "owner_id": notice.owner_id,
        "merged_into_id": notice.merged_into_id,
    }


# --- the parts -------------------------------------------------------------------------------


def _stamped(f: Field, origin: list[Any], revision: int) -> Field:
    return {**f, "o": origin, "r": revision}


def _carried(old: Fields, new: Fields, origin: int | str, revision: int) -> Fields:
    pool: dict[str, list[Field]] = {}
    for f in old:
        pool.setdefault(occurrence(f), []).append(f)
    out: Fields = []
    for f in new:
        same = pool.get(occurrence(f))
        out.append(same.pop(0) if same else _stamped(f, [origin], revision))
    return out


def _back(notice: Notice, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The state to put back; a revision of before a column existed leaves that column as it is."""
    return {**snapshot(notice), **({"status": "withdrawn"} if before is None else before)}


def _put(
    session: Session,
    rows: Sequence[tuple[Notice, Mapping[str, Any]]],
    batch: Batch,
    revisions: Sequence[int] | None = None,
) -> None:
    """Give notices another state (as `snapshot` says it), with one flush for all. `revisions` if taken beforehand."""
    sequence = history.take(session, "change", len(rows))
    known = scopes(session, [notice.id for notice, _after in rows])
    projections: dict[int, Projection] = {}
    changes = []
    for (notice, after), seq in zip(rows, sequence, strict=True):
        p = projections[notice.id] = project(after["fields"], known[notice.id])
        before = snapshot(notice)
        for name in before:
            setattr(notice, name, after[name])
        notice.version += 1
        notice.changed_seq = seq
        notice.updated_at = batch.at
        for name, value in _columns(p).items():
            setattr(notice, name, value)
        changes.append(Change("notice", notice.id, notice.version, before))
    session.flush()
    history.record(session, batch, changes, revisions)
    _write_rows(session, projections)
    _queue(session, {n.id: n.changed_seq for n, _after in rows}, {n.id: n.status for n, _after in rows})


def _columns(p: Projection) -> dict[str, Any]:
    return {
        "title": p.title,
        "sort_key": p.sort_key,
        "year": p.year,
        "year_end": p.year_end,
        "language": p.language,
        "level": p.level,
        "kind": p.kind,
        "fingerprint": p.fingerprint,
    }


class _Scopes(dict[int, Any]):
    def __missing__(self, notice_id: int) -> Any:
        return lambda claim: ""


def scopes(session: Session, notice_ids: Sequence[int]) -> _Scopes:
    """For each notice, the function from a claim to the name of its source."""
    names: dict[int, dict[int | str, str]] = {}
    for part in db.chunks(notice_ids):
        statement = (
            select(Claim.notice_id, Claim.id, Source.name)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .where(Claim.notice_id.in_(part))
            .order_by(Claim.id)
        )
        for notice_id, claim_id, name in session.execute(statement):
            known = names.setdefault(notice_id, {"": name})
            known[claim_id] = name
    return _Scopes({n: (lambda claim, known=known: known.get(claim, "")) for n, known in names.items()})


def _new_addresses(session: Session, n: int) -> list[str]:
    out: list[str] = []
    while len(out) < n:
        fresh = {new_code() for _ in range(n - len(out))}
        for part in db.chunks(sorted(fresh)):
            fresh -= set(session.scalars(select(Notice.address).where(Notice.address.in_(part))))
        out.extend(fresh - set(out))
    return out


def _write_rows(session: Session, projections: Mapping[int, Projection]) -> None:
    """The rows of these notices, anew."""
    for table, rows in rows_of(session, projections).items():
        for part in db.chunks(projections):
            session.execute(delete(table).where(table.notice_id.in_(part)))
        db.insert_rows(session, table, rows)


def rows_of(session: Session, projections: Mapping[int, Projection]) -> dict[type[Any], list[dict[str, Any]]]:
    """What the tables beside Notice should say of these notices; `travee check` compares with it."""
    known = authorities.match_labels(
        session,
        {(fold(s.label), s.scheme) for p in projections.values() for s in p.subjects if s.scheme != "free"},
    )
    agent_of, concept_of = _authorities(session, projections.values())
    marked = authorities.describe_concepts(
        session, {n for p in projections.values() for mark in p.subject_marks if (n := concept_of(mark))}
    )
    targets = _targets(session, {link.promise for p in projections.values() for link in p.links})
    identifiers, agents, concepts, links = [], [], [], []
    for notice_id, p in projections.items():
        identifiers += [{"notice_id": notice_id, "scheme": s, "value": v} for s, v in p.identifiers]
        agents += [
            {
                "notice_id": notice_id,
                "pos": pos,
                "role": a.role,
                "name": a.name,
                **_columns_of(mark),
                "agent_id": agent_of(mark),
            }
            for pos, (a, mark) in enumerate(zip(p.agents, p.agent_marks, strict=True))
        ]
        for pos, (subject, mark) in enumerate(zip(p.subjects, p.subject_marks, strict=True)):
            about_agent = space_of(subject.said) == AUTHOR
            concept = None if about_agent else marked.get(concept_of(mark) or 0)
            if concept is None and subject.scheme != "free":
                concept = known.get((fold(subject.label), subject.scheme))
            concepts.append(
                {
                    "notice_id": notice_id,
                    "pos": pos,
                    "label": _shown_label(subject.label, concept),
                    "scheme_id": concept.scheme_id if concept else None,
                    "concept_id": concept.concept_id if concept else None,
                    "free": subject.scheme == "free",
                    **_columns_of(mark),
                    "agent_id": agent_of(mark) if about_agent else None,
                }
            )
        links += [
            {
                "notice_id": notice_id,
                "relation": link.relation,
                "promise": link.promise,
                "target_id": targets.get(link.promise),
            }
            for link in p.links
        ]
    return {NoticeIdentifier: identifiers, NoticeAgent: agents, NoticeConcept: concepts, NoticeLink: links}


def _authorities(
    session: Session, projections: Iterable[Projection]
) -> tuple[authorities.Resolve, authorities.Resolve]:
    """Who the marks of these notices lead to: agents, and concepts."""
    people: set[Mark] = set()
    things: set[Mark] = set()
    for p in projections:
        people |= set(p.agent_marks)
        for subject, mark in zip(p.subjects, p.subject_marks, strict=True):
            (people if space_of(subject.said) == AUTHOR else things).add(mark)
    return authorities.resolve_agents(session, people), authorities.resolve_concepts(session, things)


def _columns_of(mark: Mark) -> dict[str, str | None]:
    return {"promise": mark.promise or None, "identifier": mark.identifier or None}


def _shown_label(written: str, concept: authorities.Known | None) -> str:
    """A concept's own label; what a notice subdivides (« Asie -- Histoire ») stays as it is written."""
    if concept is None or (" -- " in written and " -- " not in concept.label):
        return written
    return concept.label


def _targets(session: Session, promises: set[str]) -> dict[str, int]:
    """Promises that can be kept at once: an address of ours, or an id some source has already given us."""
    out: dict[str, int] = {}
    ours = {p.removeprefix("address:"): p for p in promises if p.startswith("address:")}
    for part in db.chunks(sorted(ours)):
        for address, notice_id in session.execute(select(Notice.address, Notice.id).where(Notice.address.in_(part))):
            out[ours[address]] = notice_id
    theirs: dict[tuple[str, str], dict[str, str]] = {}
    for promise in promises - set(ours.values()):
        source, space, value = _PROMISE.fullmatch(promise).groups()  # type: ignore[union-attr]
        theirs.setdefault((source, space), {})[value] = promise
    for (source, space), wanted in theirs.items():
        for part in db.chunks(sorted(wanted)):
            statement = (
                select(ExternalId.value, ExternalId.entity_id)
                .join(Source, Source.id == ExternalId.source_id)
                .where(
                    Source.name == source,
                    ExternalId.space == space,
                    ExternalId.entity == "notice",
                    ExternalId.value.in_(part),
                )
            )
            for value, notice_id in session.execute(statement):
                out[wanted[value]] = notice_id
    return out


def _keep_promises(session: Session, arrived: Mapping[str, int]) -> None:
    for part in db.chunks(sorted(arrived)):
        waiting = session.execute(
            select(NoticeLink.id, NoticeLink.promise).where(
                NoticeLink.promise.in_(part), NoticeLink.target_id.is_(None)
            )
        ).all()
        if waiting:
            session.execute(
                update(NoticeLink),
                [{"id": link_id, "target_id": arrived[promise]} for link_id, promise in waiting],
            )


def _queue(session: Session, sequence: Mapping[int, int], statuses: Mapping[int, str]) -> None:
    rows = [
        {"notice_id": n, "seq": seq, "op": "index" if statuses[n] in INDEXED else "delete"}
        for n, seq in sequence.items()
    ]
    db.insert_or_update(session, IndexQueue, rows, key=["notice_id"], update=["seq", "op"])


def queue_index(session: Session, notice_ids: Iterable[int]) -> None:
    """Something beside the fields changed what a search should find (a copy, a holding)."""
    for part in db.chunks(sorted(set(notice_ids))):
        found = session.execute(select(Notice.id, Notice.status).where(Notice.id.in_(part))).all()
        sequence = history.take(session, "change", len(found)) if found else ()
        numbers = {n: seq for (n, _status), seq in zip(found, sequence, strict=True)}
        if numbers:
            session.connection().execute(  # the table, not the class: rows in memory stay as they are
                update(Notice.__table__)  # type: ignore[arg-type]
                .where(Notice.id == bindparam("of"))
                .values(changed_seq=bindparam("seq")),
                [{"of": n, "seq": seq} for n, seq in numbers.items()],
            )
            _queue(session, numbers, {n: status for n, status in found})
