"""Thesauri as wholes, and concepts as pages show them: read only, but for what a thesaurus file says besides.

`catalogue.authorities` writes concepts. Here a scheme is put together again, term by term, the way it came in,
so that `export.rdf` can write it out; and what has no column (notes of every kind, collections, who made a
label and when) is kept beside, subject by subject, as N-Triples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session, aliased

from catalogue import db
from catalogue.entities import ConceptRow
from catalogue.models import (
    Concept,
    ConceptLabel,
    ConceptRelation,
    ConceptScheme,
    KeptStatements,
    Notice,
    NoticeConcept,
)

SHOWN = ("accepted", "candidate")
DEEPEST = 30  # steps up a tree; a circle that was closed by hand ends there
MAPPINGS = ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")


@dataclass(frozen=True, slots=True)
class WholeScheme:
    """A thesaurus as it goes out. `numbers`: the concept's number here, for those that have no URI."""

    code: str
    uri: str
    title: Mapping[str, str]
    rows: tuple[ConceptRow, ...]
    numbers: Mapping[str, int]
    kept: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Term:
    concept_id: int
    label: str
    notices: int = 0


@dataclass(frozen=True, slots=True)
class ConceptPage:
    """A concept among its neighbours. `paths`: from the top down to it, itself left out."""

    concept_id: int
    label: str
    scheme: str
    scheme_code: str
    candidate: bool
    other_languages: tuple[tuple[str, str], ...]
    synonyms: tuple[str, ...]
    note: str
    paths: tuple[tuple[Term, ...], ...]
    narrower: tuple[Term, ...]
    related: tuple[Term, ...]
    mappings: tuple[tuple[str, str], ...]
    notices: int
    notices_below: int  # with those of its narrower terms


def keep(session: Session, code: str, kept: Mapping[str, str]) -> None:
    """What a file says of a scheme besides its terms, instead of what the file before it said."""
    scheme_id = session.scalars(select(ConceptScheme.id).where(ConceptScheme.code == code)).one()
    for part in db.chunks(sorted(kept)):
        where = (KeptStatements.scheme_id == scheme_id, KeptStatements.subject.in_(part))
        session.execute(delete(KeptStatements).where(*where))
    rows = [{"scheme_id": scheme_id, "subject": subject, "triples": said} for subject, said in kept.items()]
    for some in db.chunks(rows):
        session.execute(insert(KeptStatements), some)


def read_scheme(session: Session, code: str) -> WholeScheme | None:
    """A whole thesaurus, in a handful of queries; None when there is none of that name."""
    scheme = session.scalar(select(ConceptScheme).where(ConceptScheme.code == code))
    if scheme is None:
        return None
    shown = (Concept.scheme_id == scheme.id, Concept.status == "accepted")
    concepts = {
        c.id: c
        for c in session.execute(
            select(Concept.id, Concept.uri, Concept.label, Concept.scope_note).where(*shown).order_by(Concept.sort_key)
        )
    }
    labels: defaultdict[int, list[tuple[str, str, str]]] = defaultdict(list)
    of_labels = select(ConceptLabel.concept_id, ConceptLabel.type, ConceptLabel.language, ConceptLabel.label)
    for concept_id, type_, language, label in session.execute(
        of_labels.join(Concept, Concept.id == ConceptLabel.concept_id).where(*shown).order_by(ConceptLabel.id)
    ):
        labels[concept_id].append((type_, language, label))
    uris = {c.id: c.uri or f"#{c.id}" for c in concepts.values()}
    links: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    of_links = select(
        ConceptRelation.concept_id, ConceptRelation.type, ConceptRelation.target_id, ConceptRelation.target_uri
    )
    for concept_id, type_, target_id, uri in session.execute(
        of_links.join(Concept, Concept.id == ConceptRelation.concept_id).where(*shown).order_by(ConceptRelation.id)
    ):
        if target := uris.get(target_id, "") if target_id else uri if type_ in MAPPINGS else "":
            links[concept_id].append((type_, target))

    def row(concept_id: int) -> ConceptRow:
        said, to = labels[concept_id], links[concept_id]
        preferred = {language: label for type_, language, label in said if type_ == "preferred"}
        return ConceptRow(
            uri=uris[concept_id],
            preferred=preferred or {"fr": concepts[concept_id].label},
            alternate=tuple((language, label) for type_, language, label in said if type_ == "alternate"),
            hidden=tuple((language, label) for type_, language, label in said if type_ == "hidden"),
            broader=tuple(target for type_, target in to if type_ == "broader"),
            related=tuple(target for type_, target in to if type_ == "related"),
            mappings=tuple((type_, target) for type_, target in to if type_ in MAPPINGS),
            scope_note=concepts[concept_id].scope_note,
        )

    of_kept = select(KeptStatements.subject, KeptStatements.triples).where(KeptStatements.scheme_id == scheme.id)
    return WholeScheme(
        code=scheme.code,
        uri=scheme.uri,
        title=scheme.title,
        rows=tuple(row(concept_id) for concept_id in concepts),
        numbers={uri: concept_id for concept_id, uri in uris.items()},
        kept={subject: triples for subject, triples in session.execute(of_kept)},
    )


# --- pages -----------------------------------------------------------------------------------


def concept_page(session: Session, concept_id: int, language: str = "fr") -> ConceptPage | int | None:
    """What the page of a concept says; the number of another when it was merged into that one."""
    statement = (
        select(Concept, ConceptScheme)
        .join(ConceptScheme, ConceptScheme.id == Concept.scheme_id)
        .where(Concept.id == concept_id)
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    concept, scheme = found
    if concept.merged_into_id is not None:
        return int(concept.merged_into_id)
    if concept.status not in SHOWN:
        return None
    labels = session.execute(
        select(ConceptLabel.type, ConceptLabel.language, ConceptLabel.label)
        .where(ConceptLabel.concept_id == concept_id)
        .order_by(ConceptLabel.language, ConceptLabel.label)
    ).all()
    narrower = _neighbours(session, concept_id, "broader", upwards=False)
    mapped = session.execute(
        select(ConceptRelation.type, ConceptRelation.target_uri)
        .where(ConceptRelation.concept_id == concept_id, ConceptRelation.type.in_(MAPPINGS))
        .order_by(ConceptRelation.type, ConceptRelation.target_uri)
    )
    return ConceptPage(
        concept_id=concept_id,
        label=next((t for type_, lang, t in labels if (type_, lang) == ("preferred", language)), concept.label),
        scheme=scheme.title.get(language) or next(iter(scheme.title.values()), scheme.code),
        scheme_code=scheme.code,
        candidate=concept.status == "candidate",
        other_languages=tuple((lang, t) for type_, lang, t in labels if type_ == "preferred" and lang != language),
        synonyms=tuple(t for type_, lang, t in labels if type_ == "alternate" and lang in (language, "")),
        note=concept.scope_note,
        paths=_paths(session, concept_id),
        narrower=narrower,
        related=(
            *_neighbours(session, concept_id, "related", upwards=True),
            *_neighbours(session, concept_id, "related", upwards=False),
        ),
        mappings=tuple((type_, uri) for type_, uri in mapped),
        notices=_counted(session, [concept_id]),
        notices_below=_counted(session, sorted(_below(session, concept_id))),
    )


def schemes(session: Session, language: str = "fr") -> list[tuple[str, str, tuple[Term, ...]]]:
    """Every thesaurus: its code, its title, and its top terms."""
    below = aliased(ConceptRelation)
    has_broader = (
        select(below.id).where(below.concept_id == Concept.id, below.type == "broader", below.target_id.is_not(None))
    ).exists()
    out = []
    for scheme in session.scalars(select(ConceptScheme).order_by(ConceptScheme.code)):
        where = (Concept.scheme_id == scheme.id, Concept.status == "accepted")
        tops = session.execute(
            select(Concept.id, Concept.label).where(*where, ~has_broader).order_by(Concept.sort_key)
        ).all()
        if tops:
            title = scheme.title.get(language) or next(iter(scheme.title.values()), scheme.code)
            out.append((scheme.code, title, tuple(Term(i, label) for i, label in tops)))
    return out


def _neighbours(session: Session, concept_id: int, type_: str, *, upwards: bool) -> tuple[Term, ...]:
    here, there = ConceptRelation.concept_id, ConceptRelation.target_id
    if not upwards:
        here, there = there, here  # type: ignore[assignment]
    used = (
        select(NoticeConcept.concept_id, func.count(NoticeConcept.notice_id.distinct()).label("n"))
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(Notice.status == "published", NoticeConcept.concept_id.is_not(None))
        .group_by(NoticeConcept.concept_id)
        .subquery()
    )
    statement = (
        select(Concept.id, Concept.label, func.coalesce(used.c.n, 0))
        .join(ConceptRelation, there == Concept.id)
        .outerjoin(used, used.c.concept_id == Concept.id)
        .where(here == concept_id, ConceptRelation.type == type_, Concept.status.in_(SHOWN))
        .order_by(Concept.sort_key)
    )
    return tuple(Term(i, label, n) for i, label, n in session.execute(statement))


def _paths(session: Session, concept_id: int) -> tuple[tuple[Term, ...], ...]:
    """Every way down to a concept, the top first."""
    out: list[tuple[Term, ...]] = []
    ways: list[tuple[Term, ...]] = [(Term(concept_id, ""),)]
    while ways:
        way = ways.pop()
        above = [t for t in _neighbours(session, way[0].concept_id, "broader", upwards=True) if t not in way]
        if not above or len(way) > DEEPEST:
            out.append(way[:-1])
        else:
            ways += [(term, *way) for term in reversed(above)]
    return tuple(way for way in out if way)


def _below(session: Session, concept_id: int) -> set[int]:
    found, row = {concept_id}, [concept_id]
    while row:
        statement = select(ConceptRelation.concept_id).where(
            ConceptRelation.type == "broader", ConceptRelation.target_id.in_(row[:500])
        )
        row = [*row[500:], *(set(session.scalars(statement)) - found)]
        found |= set(row)
    return found


def _counted(session: Session, concept_ids: Sequence[int]) -> int:
    found: set[int] = set()
    for part in db.chunks(concept_ids):
        statement = (
            select(NoticeConcept.notice_id)
            .join(Notice, Notice.id == NoticeConcept.notice_id)
            .where(NoticeConcept.concept_id.in_(part), Notice.status == "published")
        )
        found |= set(session.scalars(statement))
    return len(found)
