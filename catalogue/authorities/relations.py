"""How concepts stand to one another: above, below, beside, and to those of other thesauri.

A relation to a concept that has not come keeps its URI, or its number in the source, and is joined when it
comes: authority files give concepts one by one, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.authorities import links
from catalogue.entities import CATEGORY, ConceptRow
from catalogue.models import Concept, ConceptRelation, Source

RELATIONS = ("broader", "narrower", "related")


def _placed(owner: int, type_: str, target: int) -> tuple[int, str, int]:
    """Each relation one way only: broader from the narrower concept, related from the smaller id."""
    if type_ == "narrower":
        return target, "broader", owner
    if type_ == "related":
        return min(owner, target), type_, max(owner, target)
    return owner, type_, target


def relate(
    session: Session, source: Source | None, rows: Mapping[str, ConceptRow], concepts: Mapping[str, Concept]
) -> set[int]:
    """Add the relations that these rows tell and that are not there; returns the concepts they were told of."""
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


def keep_promises(
    session: Session, source: Source | None, fresh: Mapping[str, int], numbers: Mapping[str, str]
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
    db.insert_rows(
        session,
        ConceptRelation,
        [
            {"concept_id": owner, "type": type_, "target_id": target, "target_uri": ""}
            for owner, type_, target in missing
        ],
    )
