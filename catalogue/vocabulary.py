"""Thesauri as wholes, and concepts as pages show them: read only, but for what a thesaurus file says besides.

`catalogue.authorities` writes concepts. Here a scheme is put together again, term by term, the way it came in,
so that `export.rdf` can write it out; and what has no column (notes of every kind, collections, who made a
label and when) is kept beside, subject by subject, as N-Triples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import and_, delete, func, insert, select
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
from catalogue.text import sort_key

SHOWN = ("accepted", "candidate")
DEEPEST = 30  # steps up a tree; a circle that was closed by hand ends there
MOST_PATHS = 8  # ways down to a term that a page shows
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
    """`language` is that of its label: the page's, or French where the thesaurus has no other."""

    concept_id: int
    label: str
    notices: int = 0
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class ConceptPage:
    """A concept among its neighbours. `paths`: from the top down to it, itself left out."""

    concept_id: int
    label: str  # as the page's language says it
    language: str  # of that label
    theme: str  # as filters and documents know it: the French label
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
    mapped = session.execute(
        select(ConceptRelation.type, ConceptRelation.target_uri)
        .where(ConceptRelation.concept_id == concept_id, ConceptRelation.type.in_(MAPPINGS))
        .order_by(ConceptRelation.type, ConceptRelation.target_uri)
    )
    here = next((t for type_, lang, t in labels if (type_, lang) == ("preferred", language)), "")
    return ConceptPage(
        concept_id=concept_id,
        label=here or concept.label,
        language=language if here else "fr",
        theme=concept.label,
        scheme=_title(scheme, language),
        scheme_code=scheme.code,
        candidate=concept.status == "candidate",
        other_languages=tuple((lang, t) for type_, lang, t in labels if type_ == "preferred" and t != here),
        synonyms=tuple(t for type_, lang, t in labels if type_ == "alternate" and lang in (language, "")),
        note=concept.scope_note,
        paths=_paths(session, concept_id, language),
        narrower=_counted_terms(session, _beside(session, concept_id, "broader", upwards=False), language),
        related=_counted_terms(
            session,
            _beside(session, concept_id, "related", upwards=True)
            | _beside(session, concept_id, "related", upwards=False),
            language,
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
        tops = set(session.scalars(select(Concept.id).where(*where, ~has_broader)))
        if tops:
            out.append((scheme.code, _title(scheme, language), _terms(session, tops, language)))
    return out


def _title(scheme: ConceptScheme, language: str) -> str:
    return scheme.title.get(language) or next(iter(scheme.title.values()), scheme.code)


def _terms(session: Session, ids: Iterable[int], language: str) -> tuple[Term, ...]:
    """These concepts in the words of a language, A to Z; those that the public does not see are left out."""
    out = []
    for part in db.chunks(sorted(ids)):
        there = (ConceptLabel.concept_id == Concept.id, ConceptLabel.type == "preferred")
        statement = (
            select(Concept.id, Concept.label, func.min(ConceptLabel.label))
            .outerjoin(ConceptLabel, and_(*there, ConceptLabel.language == language))
            .where(Concept.id.in_(part), Concept.status.in_(SHOWN))
            .group_by(Concept.id, Concept.label)
        )
        for concept_id, french, said in session.execute(statement):
            out.append(Term(concept_id, said or french, language=language if said else "fr"))
    return tuple(sorted(out, key=lambda term: (sort_key(term.label), term.concept_id)))


def _counted_terms(session: Session, ids: Iterable[int], language: str) -> tuple[Term, ...]:
    """The same, each with its number of documents."""
    terms = _terms(session, ids, language)
    counts: dict[int, int] = {}
    for part in db.chunks([term.concept_id for term in terms]):
        statement = (
            select(NoticeConcept.concept_id, func.count(NoticeConcept.notice_id.distinct()))
            .join(Notice, Notice.id == NoticeConcept.notice_id)
            .where(NoticeConcept.concept_id.in_(part), Notice.status == "published")
            .group_by(NoticeConcept.concept_id)
        )
        counts |= {i: n for i, n in session.execute(statement) if i is not None}
    return tuple(replace(term, notices=counts.get(term.concept_id, 0)) for term in terms)


def _beside(session: Session, concept_id: int, type_: str, *, upwards: bool) -> set[int]:
    here, there = ConceptRelation.concept_id, ConceptRelation.target_id
    where = (here == concept_id, there) if upwards else (there == concept_id, here)
    found = session.scalars(select(where[1]).where(where[0], ConceptRelation.type == type_))
    return {i for i in found if i is not None}


def _paths(session: Session, concept_id: int, language: str) -> tuple[tuple[Term, ...], ...]:
    """The ways down to a concept, the top first; some of them when there are many.

    What stands above is read once, level by level; a term of many parents at each level has thousands of ways.
    """
    above = _above(session, concept_id)
    terms = {term.concept_id: term for term in _terms(session, above.keys() - {concept_id}, language)}
    order = {i: n for n, i in enumerate(terms)}
    out: list[tuple[int, ...]] = []
    ways: list[tuple[int, ...]] = [(concept_id,)]
    while ways and len(out) < MOST_PATHS:
        way = ways.pop()
        parents = sorted((i for i in above.get(way[0], ()) if i in terms and i not in way), key=order.__getitem__)
        if parents and len(way) <= DEEPEST:
            ways += [(parent, *way) for parent in reversed(parents)]
        elif len(way) > 1:
            out.append(way[:-1])
    return tuple(tuple(terms[i] for i in way) for way in out)


def _above(session: Session, concept_id: int) -> dict[int, set[int]]:
    """Every concept above this one, and itself, with those just above each."""
    out: dict[int, set[int]] = {concept_id: set()}
    row = [concept_id]
    while row:
        fresh: set[int] = set()
        for part in db.chunks(row):
            statement = select(ConceptRelation.concept_id, ConceptRelation.target_id).where(
                ConceptRelation.type == "broader",
                ConceptRelation.concept_id.in_(part),
                ConceptRelation.target_id.is_not(None),
            )
            for below, target in session.execute(statement):
                out[below].add(int(target or 0))
                fresh.add(int(target or 0))
        row = sorted(fresh - out.keys())
        out |= {i: set() for i in row}
    return out


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
