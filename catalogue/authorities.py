"""Concepts and their schemes: find, create, link. (Agents and classification join with « Records ».)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.entities import ConceptRow
from catalogue.models import Concept, ConceptLabel, ConceptRelation, ConceptScheme, Notice, NoticeConcept
from catalogue.text import fold, sort_key


@dataclass(slots=True)
class SchemeReport:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    concept_id: int
    scheme_id: int
    label: str


def find_concepts(session: Session, labels: Iterable[str]) -> dict[str, Known]:
    """Concepts by folded label, preferred labels before alternate ones: « ghetto » finds « Ségrégation urbaine »."""
    wanted = {fold(label) for label in labels if label}
    found: dict[str, tuple[int, Known]] = {}
    for part in db.chunks(sorted(wanted), 500):
        statement = (
            select(ConceptLabel.folded, ConceptLabel.type, Concept.id, Concept.scheme_id, Concept.label)
            .join(Concept, Concept.id == ConceptLabel.concept_id)
            .where(ConceptLabel.folded.in_(part), Concept.status == "accepted")
            .order_by(Concept.id)
        )
        for folded, type_, concept_id, scheme_id, label in session.execute(statement):
            rank = 0 if type_ == "preferred" else 1
            if folded not in found or rank < found[folded][0]:
                found[folded] = (rank, Known(concept_id, scheme_id, label))
    return {folded: known for folded, (_rank, known) in found.items()}


def list_labels(session: Session, *, language: str = "fr") -> list[str]:
    """Preferred labels in alphabetical order, for a form's suggestions."""
    statement = (
        select(ConceptLabel.label)
        .join(Concept, Concept.id == ConceptLabel.concept_id)
        .where(ConceptLabel.type == "preferred", ConceptLabel.language == language, Concept.status == "accepted")
        .order_by(Concept.sort_key)
    )
    return list(session.scalars(statement))


def top_themes(session: Session, limit: int = 8) -> list[tuple[str, int]]:
    """The most used descriptors of published notices, with their number of notices."""
    statement = (
        select(NoticeConcept.label, func.count(NoticeConcept.notice_id.distinct()).label("n"))
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(Notice.status == "published", NoticeConcept.free.is_(False))
        .group_by(NoticeConcept.label)
        .order_by(func.count(NoticeConcept.notice_id.distinct()).desc(), NoticeConcept.label)
        .limit(limit)
    )
    return [(label, n) for label, n in session.execute(statement)]


def load_scheme(
    session: Session, code: str, uri: str, title: Mapping[str, str], rows: Iterable[ConceptRow]
) -> SchemeReport:
    """Put a whole thesaurus in, or bring it up to date: nothing is deleted, URIs say who is who."""
    report = SchemeReport()
    scheme = session.scalar(select(ConceptScheme).where(ConceptScheme.code == code))
    if scheme is None:
        scheme = ConceptScheme(code=code, uri=uri, title=dict(title))
        session.add(scheme)
        session.flush()
    rows = list(rows)
    by_uri = {c.uri: c for c in session.scalars(select(Concept).where(Concept.scheme_id == scheme.id))}
    labels: dict[int, set[tuple[str, str, str]]] = {}
    for concept_id, language, type_, label in session.execute(
        select(ConceptLabel.concept_id, ConceptLabel.language, ConceptLabel.type, ConceptLabel.label)
        .join(Concept, Concept.id == ConceptLabel.concept_id)
        .where(Concept.scheme_id == scheme.id)
    ):
        labels.setdefault(concept_id, set()).add((language, type_, label))
    fresh: list[Concept] = []
    for row in rows:
        if row.uri not in by_uri:
            concept = Concept(
                scheme_id=scheme.id,
                uri=row.uri,
                label=row.label,
                sort_key=sort_key(row.label),
                scope_note=row.scope_note,
            )
            by_uri[row.uri] = concept
            fresh.append(concept)
    session.add_all(fresh)
    session.flush()
    made = {c.id for c in fresh}
    relations = {
        (concept_id, type_, target_id, target_uri)
        for concept_id, type_, target_id, target_uri in session.execute(
            select(
                ConceptRelation.concept_id,
                ConceptRelation.type,
                ConceptRelation.target_id,
                ConceptRelation.target_uri,
            )
            .join(Concept, Concept.id == ConceptRelation.concept_id)
            .where(Concept.scheme_id == scheme.id)
        )
    }
    for row in rows:
        concept = by_uri[row.uri]
        wanted = {(lang, "preferred", text) for lang, text in row.preferred.items()}
        wanted |= {(lang, "alternate", text) for lang, text in row.alternate}
        links: set[tuple[int, str, int | None, str]] = set()
        for target in row.broader:
            if target in by_uri:
                links.add((concept.id, "broader", by_uri[target].id, ""))
        for target in row.related:
            if target in by_uri:
                low, high = sorted((concept.id, by_uri[target].id))
                links.add((low, "related", high, ""))
        links |= {(concept.id, type_, None, target) for type_, target in row.mappings}
        missing_labels = wanted - labels.get(concept.id, set())
        missing_links = links - relations
        session.add_all(
            ConceptLabel(concept_id=concept.id, language=lang, type=type_, label=text, folded=fold(text))
            for lang, type_, text in sorted(missing_labels)
        )
        session.add_all(
            ConceptRelation(concept_id=a, type=type_, target_id=b, target_uri=target)
            for a, type_, b, target in sorted(missing_links, key=str)
        )
        relations |= missing_links
        if concept.id in made:
            report.created += 1
        elif missing_labels or missing_links:
            report.updated += 1
        else:
            report.unchanged += 1
    session.flush()
    return report
