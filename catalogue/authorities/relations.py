"""How concepts stand to one another: above, below, beside, and to those of other thesauri.

A relation to a concept that has not come keeps its URI, or its number in the source, and is joined when it
comes: authority files give concepts one by one, in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.authorities import links
from catalogue.entities import CATEGORY, ConceptRow
from catalogue.models import Concept, ConceptRelation, Source

RELATIONS = ("broader", "narrower", "related")
Placed = tuple[str, int]  # a relation as it stands at a concept: broader or related, and to whom


def _placed(owner: int, type_: str, target: int) -> tuple[int, str, int]:
    """Each relation one way only: broader from the narrower concept, related from the smaller id."""
    if type_ == "narrower":
        return target, "broader", owner
    if type_ == "related":
        return min(owner, target), type_, max(owner, target)
    return owner, type_, target


def owned(session: Session, ids: Iterable[int]) -> dict[int, set[Placed]]:
    """The relations to concepts that are here which stand at each of these: what a revision keeps of it."""
    out: dict[int, set[Placed]] = {number: set() for number in ids}
    for part in db.chunks(sorted(out)):
        statement = select(ConceptRelation.concept_id, ConceptRelation.type, ConceptRelation.target_id)
        here = (ConceptRelation.concept_id.in_(part), ConceptRelation.type.in_(RELATIONS))
        for owner, type_, target in session.execute(statement.where(*here, ConceptRelation.target_id.is_not(None))):
            out[owner].add((type_, int(target or 0)))
    return out


def write(session: Session, before: Mapping[int, set[Placed]], after: Mapping[int, set[Placed]]) -> None:
    """Put these relations in the place of those; what waits for a concept to come, and mappings, stay."""
    for owner, now in after.items():
        for type_, target in sorted(before.get(owner, set()) - now):
            session.execute(
                delete(ConceptRelation).where(
                    ConceptRelation.concept_id == owner,
                    ConceptRelation.type == type_,
                    ConceptRelation.target_id == target,
                )
            )
    rows = [
        {"concept_id": owner, "type": type_, "target_id": target, "target_uri": ""}
        for owner, now in after.items()
        for type_, target in sorted(now - before.get(owner, set()))
    ]
    db.insert_rows(session, ConceptRelation, rows)


def below(session: Session, concept_id: int) -> set[int]:
    """Every concept that stands under this one, itself left out."""
    found: set[int] = set()
    row = {concept_id}
    while row:
        fresh: set[int] = set()
        for part in db.chunks(sorted(row)):
            statement = select(ConceptRelation.concept_id).where(
                ConceptRelation.type == "broader", ConceptRelation.target_id.in_(part)
            )
            fresh |= set(session.scalars(statement))
        row = fresh - found - {concept_id}
        found |= row
    return found


def above(session: Session, concept_id: int) -> set[int]:
    """Every concept that this one stands under, itself left out."""
    found: set[int] = set()
    row = {concept_id}
    while row:
        fresh = {target for placed in owned(session, row).values() for type_, target in placed if type_ == "broader"}
        row = fresh - found - {concept_id}
        found |= row
    return found


def without(session: Session, gone: Collection[int], heirs: Collection[int]) -> dict[int, set[Placed]]:
    """What stood under or beside concepts that go stands under or beside their heirs: owner -> all its relations then.

    Nothing comes to stand under itself: what is above an heir does not go under it.
    """
    heirs = [heir for heir in heirs if heir not in gone]
    owners: set[int] = set()
    for part in db.chunks(sorted(gone)):
        owners |= set(session.scalars(select(ConceptRelation.concept_id).where(ConceptRelation.target_id.in_(part))))
    before = owned(session, owners | set(gone) | set(heirs))
    barred = {heir: above(session, heir) | {heir} for heir in heirs}
    out = {owner: {one for one in before[owner] if one[1] not in gone} for owner in owners - set(gone)}
    for owner, placed in before.items():
        for type_, target in placed:
            if owner not in gone and target in gone and type_ == "broader":
                out[owner] |= {("broader", heir) for heir in heirs if owner not in barred[heir]}
            elif type_ == "related" and (owner in gone) != (target in gone):
                other = target if owner in gone else owner
                for heir in heirs:
                    if heir != other:
                        low, high = sorted((heir, other))
                        out.setdefault(low, set(before.get(low, ()))).add(("related", high))
    return out


def relate(
    session: Session,
    source: Source | None,
    rows: Mapping[str, ConceptRow],
    concepts: Mapping[str, Concept],
    before: dict[int, set[Placed]],
) -> set[int]:
    """Add the relations that these rows tell and that are not there; returns the concepts they were told of.

    `before` is told how what stood at each concept was, where something is added.
    """
    targets = {uri for row in rows.values() for uri in (*row.broader, *row.narrower, *row.related)}
    ids = {uri: concept.id for uri, concept in concepts.items()}
    ids |= _find_targets(session, source, targets - set(ids))
    wanted: dict[tuple[int, str, int | None, str], int] = {}
    for uri, row in rows.items():
        owner = concepts[uri].id
        told = {"broader": row.broader, "narrower": row.narrower, "related": row.related}
        for type_, others in told.items():
            for other in others:
                target = ids.get(other)
                if target is None:
                    wanted[owner, type_, None, _promise(source, other)] = owner
                elif target != owner:
                    low, placed, high = _placed(owner, type_, target)
                    wanted[low, placed, high, ""] = owner
        for type_, address in row.mappings:
            wanted[owner, type_, None, address] = owner
    there = _relations(session, {owner for owner, *_rest in wanted})
    missing = sorted(wanted.keys() - there, key=str)
    _note(session, before, (owner for owner, _type, target, _address in missing if target is not None))
    rows_ = [
        {"concept_id": owner, "type": type_, "target_id": target, "target_uri": address}
        for owner, type_, target, address in missing
    ]
    db.insert_rows(session, ConceptRelation, rows_)
    return {wanted[key] for key in missing}


def _relations(session: Session, ids: Iterable[int]) -> set[tuple[int, str, int | None, str]]:
    out: set[tuple[int, str, int | None, str]] = set()
    for part in db.chunks(sorted(ids)):
        statement = select(
            ConceptRelation.concept_id, ConceptRelation.type, ConceptRelation.target_id, ConceptRelation.target_uri
        ).where(ConceptRelation.concept_id.in_(part))
        out |= {(owner, type_, target, address) for owner, type_, target, address in session.execute(statement)}
    return out


def _promise(source: Source | None, uri: str) -> str:
    """How a relation names a concept that has not come: by its URI, or by its number in the source."""
    return f"{source.name}:{CATEGORY}:{uri[1:]}" if source is not None and uri.startswith("#") else uri


def _find_targets(session: Session, source: Source | None, uris: Iterable[str]) -> dict[str, int]:
    uris = set(uris)
    marks = {uri: links.Mark(_promise(source, uri), "") if uri.startswith("#") else links.Mark("", uri) for uri in uris}
    resolve = links.resolve_concepts(session, marks.values())
    return {uri: found for uri, mark in marks.items() if (found := resolve(mark)) is not None}


def _note(session: Session, before: dict[int, set[Placed]], owners: Iterable[int]) -> None:
    before |= owned(session, set(owners) - before.keys())


def keep_promises(
    session: Session,
    source: Source | None,
    fresh: Mapping[str, int],
    numbers: Mapping[str, str],
    before: dict[int, set[Placed]],
) -> None:
    """Join the relations that were waiting for these concepts."""
    arrived = {_promise(source, uri): number for uri, number in fresh.items()}
    arrived |= {_promise(source, f"#{n}"): fresh[uri] for n, uri in numbers.items() if uri in fresh and source}
    there: set[tuple[int, str, int]] = set()
    for part in db.chunks(sorted(arrived)):
        waiting = session.execute(
            select(ConceptRelation.id, ConceptRelation.concept_id, ConceptRelation.type, ConceptRelation.target_uri)
            .where(ConceptRelation.target_uri.in_(part), ConceptRelation.target_id.is_(None))
            .where(ConceptRelation.type.in_(RELATIONS))
        ).all()
        there |= {_placed(owner, type_, arrived[promise]) for _id, owner, type_, promise in waiting}
        for some in db.chunks(relation_id for relation_id, *_rest in waiting):
            session.execute(delete(ConceptRelation).where(ConceptRelation.id.in_(some)))
    known = {(owner, type_, target) for owner, type_, target, _uri in _relations(session, {o for o, *_r in there})}
    missing = [key for key in sorted(there) if key not in known and key[0] != key[2]]
    _note(session, before, (owner for owner, _type, _target in missing))
    db.insert_rows(
        session,
        ConceptRelation,
        [
            {"concept_id": owner, "type": type_, "target_id": target, "target_uri": ""}
            for owner, type_, target in missing
        ],
    )
