"""The only writer of Notice: create, create in bulk, revise, change status, restore.

`Notice.fields` is the accepted state (decision 2). Every field occurrence says who put it there ("o":
"l" for us, or claim ids) and in which revision ("r"); a revision keeps both for whatever did not change.
Functions take the session first, never commit, and leave a row in the index queue in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from catalogue import authorities, db, digital, history
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
from catalogue.promises import find_promised
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, occurrence

# Of the tables, and made once: every page of a harvest asks all of them.
_NOTICES, _LINKS = db.table_of(Notice), db.table_of(NoticeLink)
_TAKEN = select(_NOTICES.c.address).where(db.among(_NOTICES.c.address))
_MERGED = select(_NOTICES.c.id, _NOTICES.c.merged_into_id).where(db.among(_NOTICES.c.id), _NOTICES.c.status == "merged")
# Found by what they wait for: a centre's thousands of waiting links all have the same target, which is none, and SQLite
# would read them one by one for every page.
_WAITING = select(_LINKS.c.id, _LINKS.c.promise).where(
    db.among(_LINKS.c.promise), func.coalesce(_LINKS.c.target_id, 0) == 0
)

_IN_PERIODICALS = select(_LINKS.c.notice_id, _LINKS.c.target_id).where(
    db.among(_LINKS.c.notice_id), _LINKS.c.relation == "host_serial", _LINKS.c.target_id.is_not(None)
)

LOCAL = "l"
_QUEUED = "queued for the index"
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


class Edit(NamedTuple):
    """What one notice of several is to be: what is new in its fields is `origin`'s; "" leaves its status."""

    notice: Notice
    fields: Fields
    origin: int | str = LOCAL
    status: str = ""


# --- finding ---------------------------------------------------------------------------------


def find(session: Session, address: str) -> Notice | None:
    return session.scalar(select(Notice).where(Notice.address == address))


def get(session: Session, notice_id: int) -> Notice:
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise LookupError(f"no notice {notice_id}")
    return notice


def find_by_identifier(session: Session, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """Notices that carry these (scheme, value) identifiers, oldest first: those put aside or withdrawn too, but not
    those that were merged or erased."""
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


def partner_centre(session: Session, source: Source) -> Centre | None:
    """Whose notices a harvest of this source brings, once it has brought some: a centre for each source."""
    return session.scalar(select(Centre).where(Centre.code == centre_code(source)))


def centre_code(source: Source) -> str:
    return f"source-{source.id}"


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
    session.flush()
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
    for table, rows_ in rows_of(session, projections).items():
        db.insert_rows(session, table, rows_)
    digital.add_addresses(session, {n: p.online for n, p in projections.items()})
    _keep_promises(session, {f"address:{row.address}": n for n, row in zip(numbers, rows, strict=True) if row.address})
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
    edit = Edit(notice, fields, origin, status or "")
    if not _changes(edit):
        return False
    revise_many(session, [edit], batch=batch or history.open_batch(session, "edit", by=by, why=why))
    return True


def revise_many(session: Session, rows: Iterable[Edit | tuple[Notice, Fields]], *, batch: Batch) -> list[Notice]:
    """The same for many notices, each once, in one lot. Returns those that changed."""
    changed: list[Notice] = []
    for part in db.chunks(edit for row in rows if _changes(edit := Edit(*row))):
        revisions = list(history.take(session, "revision", len(part)))
        after = []
        for edit, revision in zip(part, revisions, strict=True):
            notice, status = edit.notice, edit.status or edit.notice.status
            fields = _carried(notice.fields, edit.fields, edit.origin, revision)
            after.append((notice, {**snapshot(notice), "fields": fields, "status": status}))
        _put(session, after, batch, revisions)
        changed += [edit.notice for edit in part]
    return changed


def settle_many(session: Session, rows: Iterable[tuple[Notice, Fields, str]], *, batch: Batch) -> list[Notice]:
    """Give notices (each once) fields that already say who says them ("o"), and a status, "" for theirs.

    What has no revision yet ("r") gets this one's. Returns those that changed.
    """
    changed: list[Notice] = []
    asked = ((notice, fields, status or notice.status) for notice, fields, status in rows)
    for part in db.chunks(
        (n, fields, status) for n, fields, status in asked if (fields, status) != (n.fields, n.status)
    ):
        revisions = list(history.take(session, "revision", len(part)))
        after = [
            (n, {**snapshot(n), "status": status, "fields": [f if "r" in f else {**f, "r": r} for f in fields]})
            for (n, fields, status), r in zip(part, revisions, strict=True)
        ]
        _put(session, after, batch, revisions)
        changed += [n for n, _fields, _status in part]
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
        loose = (NoticeConcept.concept_id.is_(None), NoticeConcept.free.is_(False))
        # Folding is ours: each spelling once, not each time that a notice has it.
        spellings = session.scalars(select(NoticeConcept.label).where(*loose).distinct())
        for part in db.chunks([label for label in spellings if fold(label) in folded]):
            named = select(NoticeConcept.notice_id).where(*loose, NoticeConcept.label.in_(part))
            touched |= set(session.scalars(named))
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


def _changes(edit: Edit) -> bool:
    """Whether it changes anything."""
    if edit.status not in ("", edit.notice.status):
        return True
    return [occurrence(f) for f in edit.fields] != [occurrence(f) for f in edit.notice.fields]


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
    """Give notices another state (as `snapshot` says it), all at once. `revisions` if taken beforehand."""
    sequence = history.take(session, "change", len(rows))
    known = scopes(session, [notice.id for notice, _after in rows])
    projections: dict[int, Projection] = {}
    changes = []
    values = []
    for (notice, after), seq in zip(rows, sequence, strict=True):
        p = projections[notice.id] = project(after["fields"], known[notice.id])
        before = snapshot(notice)
        state = {name: after[name] for name in before}
        values.append((notice, {**state, **_columns(p), "changed_seq": seq, "updated_at": batch.at}))
        changes.append(Change("notice", notice.id, notice.version + 1, before))
    db.update_rows(session, values)
    history.record(session, batch, changes, revisions)
    _write_rows(session, projections)
    _queue(session, {n.id: n.changed_seq for n, _after in rows}, {n.id: n.status for n, _after in rows})
    was_in = [(c.before or {}).get("merged_into_id") for c in changes]
    turned = [(was, n) for was, (n, _after) in zip(was_in, rows, strict=True) if was != n.merged_into_id]
    if turned:  # merged away, or back: who links to the one leads to the other now
        _lead_anew(session, {end for was, n in turned for end in (was, n.id, n.merged_into_id) if end is not None})


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
            fresh -= set(session.scalars(_TAKEN, {"part": part}))
        out.extend(fresh - set(out))
    return out


def _write_rows(session: Session, projections: Mapping[int, Projection]) -> None:
    """The rows of these notices, anew. A periodical that one of them leaves has one issue less on the shelf."""
    rows_now = rows_of(session, projections)
    kept = {(row["notice_id"], row["target_id"]) for row in rows_now[NoticeLink] if row["relation"] == "host_serial"}
    left = {target for notice_id, target in _periodicals(session, projections) if (notice_id, target) not in kept}
    for table, rows in rows_now.items():
        for part in db.chunks(projections):
            session.execute(delete(table).where(table.notice_id.in_(part)))
        db.insert_rows(session, table, rows)
    digital.follow_addresses(session, {n: p.online for n, p in projections.items()})
    queue_index(session, left - projections.keys())


def _periodicals(session: Session, notice_ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(notice, the periodical it is in)."""
    for part in db.chunks(notice_ids):
        yield from ((row.notice_id, row.target_id) for row in session.execute(_IN_PERIODICALS, {"part": part}))


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


def _targets(session: Session, promised: set[str]) -> dict[str, int]:
    """Promises that can be kept at once: an address of ours, or an id some source has already given us."""
    out: dict[str, int] = {}
    ours = {p.removeprefix("address:"): p for p in promised if p.startswith("address:")}
    for part in db.chunks(sorted(ours)):
        for address, notice_id in session.execute(select(Notice.address, Notice.id).where(Notice.address.in_(part))):
            out[ours[address]] = notice_id
    # In another Travée, what went out under its address there: the number of a record here.
    for part in db.chunks(sorted(address for address, promise in ours.items() if promise not in out)):
        came = ExternalId.entity == "notice", ExternalId.space.in_(("record", "bull")), ExternalId.value.in_(part)
        for address, notice_id in session.execute(select(ExternalId.value, ExternalId.entity_id).where(*came)):
            out[ours[address]] = notice_id
    out |= find_promised(session, "notice", promised - set(ours.values()), "record", "bull")
    standing = _standing(session, set(out.values()))
    return {promise: standing.get(target, target) for promise, target in out.items()}


def _standing(session: Session, ids: Iterable[int]) -> dict[int, int]:
    """Of these notices, those merged away -> the one that stands for each, at the end of its chain."""
    out: dict[int, int] = {}
    at = {number: number for number in ids}
    for _hop in range(20):  # a circle, which no function makes, ends too
        into: dict[int, int] = {}
        for part in db.chunks(sorted(set(at.values()))):
            found = session.execute(_MERGED, {"part": part})
            into |= {number: target for number, target in found if target is not None}
        at = {asked: into[now] for asked, now in at.items() if now in into}
        if not at:
            break
        out |= at
    return out


def _lead_anew(session: Session, targets: Iterable[int]) -> None:
    """Project anew whoever links to these notices."""
    linking: set[int] = set()
    for part in db.chunks(sorted(targets)):
        linking |= set(session.scalars(select(NoticeLink.notice_id).where(NoticeLink.target_id.in_(part))))
    for part in db.chunks(sorted(linking)):
        reproject(session, part)


def _keep_promises(session: Session, arrived: Mapping[str, int]) -> None:
    for part in db.chunks(sorted(arrived)):
        waiting = session.execute(_WAITING, {"part": part}).all()
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
    session.info.setdefault(_QUEUED, set()).update(sequence)


def queued(session: Session) -> set[int]:
    """The notices that this session has put in the index queue: to be brought to the index once it has committed."""
    found: set[int] = session.info.get(_QUEUED, set())
    return found


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
