"""Numbers of classification plans, and the words that explain them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import callnumber, db, history
from catalogue.authorities.agents import Taken
from catalogue.entities import INDEX, ClassRow
from catalogue.history import Change
from catalogue.models import Batch, ClassificationEntry, ExternalId, Source
from catalogue.unimarc import Fields, authority_number, clean, first

INDEX_FIELD = "676"  # also the plan of what is known from there alone: records do not name it


def snapshot_class(entry: ClassificationEntry) -> dict[str, Any]:
    return {"label": entry.label, "status": entry.status, "replaced_by_id": entry.replaced_by_id}


def take_in_classes(session: Session, source: Source, rows: Iterable[ClassRow], *, batch: Callable[[], Batch]) -> Taken:
    """Classes as a source gives them, known by plan and number; a label changed here is not overwritten."""
    history.take(session, "change", 0)
    taken = Taken()
    rows = list(rows)
    wanted = {(row.plan, row.number): row for row in rows}
    known = _known(session, wanted)
    fresh: list[ClassificationEntry] = []
    changes: list[tuple[ClassificationEntry, Mapping[str, Any]]] = []
    for key, row in wanted.items():
        entry = known.get(key)
        if entry is None:
            fresh.append(
                ClassificationEntry(
                    plan=row.plan,
                    number=row.number,
                    number_key=callnumber.sort_key(row.number),
                    label=row.label,
                    status="accepted",
                    said={"label": row.label},
                    version=1,
                )
            )
            continue
        said = (entry.said or {}).get("label", "")
        values: dict[str, Any] = {"status": "accepted"} if entry.status == "withdrawn" else {}
        if row.label not in (said, entry.label) and entry.label in (said, ""):
            values["label"] = row.label
        entry.said = {"label": row.label}
        if values:
            changes.append((entry, values))
    taken.created, taken.updated = len(fresh), len(changes)
    taken.unchanged = len(rows) - taken.created - taken.updated
    if fresh:
        session.add_all(fresh)
        session.flush()
        history.record(session, batch(), [Change("class", entry.id, 1, None) for entry in fresh])
    if changes:
        put_classes(session, changes, batch=batch())
    entries = {**known, **{(e.plan, e.number): e for e in fresh}}
    _name(session, source, {r.source_number: entries[key].id for key, r in wanted.items() if r.source_number})
    taken.ids = [entry.id for entry in (*fresh, *(entry for entry, _values in changes))]
    return taken


def take_in_indices(
    session: Session, source: Source, records: Iterable[Fields], *, batch: Callable[[], Batch]
) -> Taken:
    """Classes that a source has numbered in its records: PMB's 676, `$9 id:`, with the words of the index in $l.

    Only for numbers of which nothing is known yet: what a dump said of its plans is richer. A partner's plan says
    nothing of our shelves, so that of a harvested source is left where it is, and no words that a class has are
    changed: a file may be anybody's.
    """
    if source.kind == "oai":
        return Taken()
    found: dict[str, ClassRow] = {}
    for f in (f for record in records for f in record if f["t"] == INDEX_FIELD):
        if (number := authority_number(f)) and (index := clean(first(f, "a"))):
            found.setdefault(number, ClassRow(INDEX_FIELD, index, clean(first(f, "l")), number))
    known: set[str] = set()
    for part in db.chunks(sorted(found)):
        numbers = select(ExternalId.value).where(ExternalId.source_id == source.id, ExternalId.space == INDEX)
        known.update(session.scalars(numbers.where(ExternalId.value.in_(part))))
    fresh = [row for number, row in found.items() if number not in known]
    if not fresh:
        return Taken()
    ours = {key: entry for key, entry in _known(session, {(r.plan, r.number) for r in fresh}).items() if entry.label}
    _name(session, source, {r.source_number: e.id for r in fresh if (e := ours.get((r.plan, r.number)))})
    return take_in_classes(session, source, [r for r in fresh if (r.plan, r.number) not in ours], batch=batch)


def put_classes(
    session: Session, rows: Sequence[tuple[ClassificationEntry, Mapping[str, Any]]], *, batch: Batch
) -> None:
    changes = []
    for entry, values in rows:
        before = snapshot_class(entry)
        for name, value in values.items():
            setattr(entry, name, value)
        entry.version += 1
        changes.append(Change("class", entry.id, entry.version, before))
    session.flush()
    history.record(session, batch, changes)


def restore_classes(
    session: Session, rows: Sequence[tuple[ClassificationEntry, Mapping[str, Any] | None]], *, batch: Batch
) -> None:
    put_classes(session, [(entry, {"status": "withdrawn"} if b is None else b) for entry, b in rows], batch=batch)


def _known(session: Session, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ClassificationEntry]:
    by_plan: dict[str, list[str]] = {}
    for plan, number in wanted:
        by_plan.setdefault(plan, []).append(number)
    out: dict[tuple[str, str], ClassificationEntry] = {}
    for plan, numbers in by_plan.items():
        for part in db.chunks(sorted(numbers)):
            statement = select(ClassificationEntry).where(
                ClassificationEntry.plan == plan, ClassificationEntry.number.in_(part)
            )
            out |= {(plan, entry.number): entry for entry in session.scalars(statement)}
    return out


def _name(session: Session, source: Source, numbers: Mapping[str, int]) -> None:
    at = db.now()
    rows = [
        {
            "source_id": source.id,
            "space": INDEX,
            "value": number,
            "entity": "class",
            "entity_id": entry_id,
            "seen_at": at,
        }
        for number, entry_id in numbers.items()
    ]
    db.insert_or_update(
        session, ExternalId, rows, key=["source_id", "space", "value"], update=["entity", "entity_id", "seen_at"]
    )
