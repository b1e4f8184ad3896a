"""Concepts and their schemes: found by label, taken in from a thesaurus, shown, changed, put back.

What a scheme said of a concept last time is kept (`Concept.said`): its next word is compared with that, so that
a label changed here stays. Nothing is deleted by a thesaurus: a preferred label that it gave up is hidden, and
still finds its concept for the notices that carry it. Relations are only ever added by a file; those to a concept
that has not come wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, object_session

from catalogue import db, history
from catalogue.authorities import relations
from catalogue.authorities.agents import Taken
from catalogue.entities import CATEGORY, ConceptRow, Thesaurus
from catalogue.history import Change
from catalogue.models import (
    Batch,
    Concept,
    ConceptLabel,
    ConceptScheme,
    ExternalId,
    Notice,
    NoticeConcept,
    Revision,
    Source,
)
from catalogue.text import fold, sort_key

Label = tuple[str, str, str]  # language, type, text
_COLUMNS = ("label", "status", "scope_note", "merged_into_id")


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


# --- finding ---------------------------------------------------------------------------------


def get_concept(session: Session, concept_id: int) -> Concept:
    concept = session.get(Concept, concept_id)
    if concept is None:
        raise LookupError(f"no concept {concept_id}")
    return concept


def find_scheme(session: Session, code: str) -> ConceptScheme | None:
    return session.scalar(select(ConceptScheme).where(ConceptScheme.code == code))


def list_schemes(session: Session) -> dict[int, str]:
    """What thesauri are called here, by their number."""
    found = session.execute(select(ConceptScheme.id, ConceptScheme.code, ConceptScheme.title))
    return {number: title.get("fr") or next(iter(title.values()), code) for number, code, title in found}


def codes_of_schemes(session: Session) -> dict[int, str]:
    return {number: code for number, code in session.execute(select(ConceptScheme.id, ConceptScheme.code))}


def find_concepts(session: Session, labels: Iterable[str]) -> dict[str, Known]:
    """Concepts by folded label, preferred labels before alternate ones: « ghetto » finds « Ségrégation urbaine »."""
    wanted = {(fold(label), "") for label in labels if label}
    return {folded: known for (folded, _scheme), known in match_labels(session, wanted).items()}


_LABELS, _CONCEPTS, _SCHEMES = (db.table_of(model) for model in (ConceptLabel, Concept, ConceptScheme))
_MATCHED = (
    select(_LABELS.c.folded, _LABELS.c.type, _SCHEMES.c.code, _CONCEPTS.c.id, _CONCEPTS.c.scheme_id, _CONCEPTS.c.label)
    .join(_CONCEPTS, _CONCEPTS.c.id == _LABELS.c.concept_id)
    .join(_SCHEMES, _SCHEMES.c.id == _CONCEPTS.c.scheme_id)
    .where(db.among(_LABELS.c.folded), _CONCEPTS.c.status == "accepted")
    .order_by(_CONCEPTS.c.id)
)


def match_labels(session: Session, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    """The same for (folded label, code of a scheme) pairs: a concept of that very scheme is preferred."""
    wanted = set(wanted)
    found: dict[str, list[tuple[int, str, Known]]] = {}
    session.flush()
    for part in db.chunks(sorted({folded for folded, _scheme in wanted})):
        for folded, type_, code, concept_id, scheme_id, label in session.execute(_MATCHED, {"part": part}):
            rank = 0 if type_ == "preferred" else 1
            found.setdefault(folded, []).append((rank, code, Known(concept_id, scheme_id, label)))
    return {
        (folded, scheme): min(found[folded], key=lambda f: (f[1] != scheme if scheme else False, f[0]))[2]
        for folded, scheme in wanted
        if folded in found
    }


def describe_concepts(session: Session, ids: Iterable[int]) -> dict[int, Known]:
    out: dict[int, Known] = {}
    for part in db.chunks(sorted(set(ids))):
        statement = select(Concept.id, Concept.scheme_id, Concept.label).where(Concept.id.in_(part))
        out |= {number: Known(number, scheme_id, label) for number, scheme_id, label in session.execute(statement)}
    return out


def list_labels(session: Session, *, language: str = "fr") -> list[str]:
    """Preferred labels in alphabetical order, for a form's suggestions."""
    statement = (
        select(ConceptLabel.label)
        .join(Concept, Concept.id == ConceptLabel.concept_id)
        .where(ConceptLabel.type == "preferred", ConceptLabel.language == language, Concept.status == "accepted")
        .order_by(Concept.sort_key)
    )
    return list(session.scalars(statement))


def list_concepts(session: Session, beginning: str = "", *, limit: int = 50, offset: int = 0) -> list[Concept]:
    """Living concepts in the order of their labels, from those that begin so."""
    statement = select(Concept).where(Concept.status == "accepted").order_by(Concept.sort_key, Concept.id)
    if key := fold(beginning):
        statement = statement.where(Concept.sort_key >= key, Concept.sort_key < key + "~")
    return list(session.scalars(statement.limit(limit).offset(offset)))


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


def labels_of(session: Session, ids: Iterable[int]) -> dict[int, set[Label]]:
    out: dict[int, set[Label]] = {number: set() for number in ids}
    for part in db.chunks(sorted(out)):
        statement = select(ConceptLabel.concept_id, ConceptLabel.language, ConceptLabel.type, ConceptLabel.label).where(
            ConceptLabel.concept_id.in_(part)
        )
        for concept_id, language, type_, label in session.execute(statement):
            out[concept_id].add((language, type_, label))
    return out


def sharing_labels(session: Session, ids: Iterable[int]) -> tuple[set[str], set[int]]:
    """The folded labels of these concepts, and every concept that has one of them."""
    folded: set[str] = set()
    others: set[int] = set()
    for part in db.chunks(sorted(set(ids))):
        folded |= set(session.scalars(select(ConceptLabel.folded).where(ConceptLabel.concept_id.in_(part))))
    for words in db.chunks(sorted(folded)):
        others |= set(session.scalars(select(ConceptLabel.concept_id).where(ConceptLabel.folded.in_(words))))
    return folded, others


# --- changing --------------------------------------------------------------------------------


def snapshot_concept(concept: Concept) -> dict[str, Any]:
    """What a revision keeps: the row, its labels, and the relations that stand at it."""
    session = object_session(concept)
    if session is None:
        return _snapshot(concept, (), ())
    return _snapshot(
        concept, labels_of(session, [concept.id])[concept.id], relations.owned(session, [concept.id])[concept.id]
    )


def put_concepts(session: Session, rows: Sequence[tuple[Concept, Mapping[str, Any]]], *, batch: Batch) -> list[Concept]:
    """Give concepts these values (`labels` and `relations` too), in a lot; returns those that changed.

    The notices that carry them are projected anew by `notices.relink_concepts`, above this module.
    """
    labels = labels_of(session, [concept.id for concept, _values in rows])
    placed = relations.owned(session, labels)
    changed: list[Concept] = []
    changes: list[Change] = []
    written: dict[int, set[Label]] = {}
    moved: dict[int, set[relations.Placed]] = {}
    for concept, values in rows:
        before = _snapshot(concept, labels[concept.id], placed[concept.id])
        after = {**before, **values}
        if after == before:
            continue
        for name in _COLUMNS:
            setattr(concept, name, after[name])
        concept.sort_key = sort_key(concept.label)
        concept.version += 1
        written[concept.id] = {(language, type_, text) for language, type_, text in after["labels"]}
        moved[concept.id] = {(type_, target) for type_, target in after["relations"]}
        changed.append(concept)
        changes.append(Change("concept", concept.id, concept.version, before))
    session.flush()
    history.record(session, batch, changes)
    _write_labels(session, labels, written)
    relations.write(session, placed, moved)
    return changed


def add_concept(
    session: Session, scheme: ConceptScheme, label: str, synonyms: Iterable[str], *, batch: Batch, language: str = "fr"
) -> Concept:
    """A concept of our own: its scheme has said nothing of it."""
    concept = Concept(scheme_id=scheme.id, uri="", label=label, sort_key=sort_key(label), status="accepted", version=1)
    session.add(concept)
    session.flush()
    history.record(session, batch, [Change("concept", concept.id, 1, None)])
    others = {(language, "alternate", word) for word in synonyms if word != label}
    _write_labels(session, {}, {concept.id: {(language, "preferred", label), *others}})
    return concept


def restore_concepts(
    session: Session, rows: Sequence[tuple[Concept, Mapping[str, Any] | None]], *, batch: Batch
) -> None:
    """Put concepts back as a revision found them; those that the lot made are withdrawn."""
    put_concepts(session, [(concept, {"status": "withdrawn"} if b is None else b) for concept, b in rows], batch=batch)


def _snapshot(concept: Concept, labels: Iterable[Label], placed: Iterable[relations.Placed]) -> dict[str, Any]:
    columns = {name: getattr(concept, name) for name in _COLUMNS}
    return {
        **columns,
        "labels": sorted(list(label) for label in labels),
        "relations": sorted(list(one) for one in placed),
    }


def _write_labels(session: Session, before: Mapping[int, set[Label]], after: Mapping[int, set[Label]]) -> None:
    gone = [(number, label) for number, labels in after.items() for label in before.get(number, set()) - labels]
    for number, (language, type_, text) in gone:
        session.execute(
            delete(ConceptLabel).where(
                ConceptLabel.concept_id == number,
                ConceptLabel.language == language,
                ConceptLabel.type == type_,
                ConceptLabel.label == text,
            )
        )
    rows = [
        {"concept_id": number, "language": language, "type": type_, "label": text, "folded": fold(text)}
        for number, labels in after.items()
        for language, type_, text in sorted(labels - before.get(number, set()))
    ]
    db.insert_rows(session, ConceptLabel, rows)


# --- taking in -------------------------------------------------------------------------------


def load_scheme(
    session: Session,
    code: str,
    uri: str,
    title: Mapping[str, str],
    rows: Iterable[ConceptRow],
    *,
    by: str = "travee",
) -> SchemeReport:
    """Put a whole thesaurus in, or bring it up to date: nothing is deleted, URIs say who is who.

    `by`: whose lot it is; commands that nobody signs are the work of "travee".
    """
    opened: list[Batch] = []

    def batch() -> Batch:
        if not opened:
            opened.append(history.open_batch(session, "import", by=by, why=code))
        return opened[0]

    taken = take_in_thesauri(session, None, [Thesaurus(code, uri, title, tuple(rows))], batch=batch)
    return SchemeReport(taken.created, taken.updated, taken.unchanged)


def take_in_thesauri(
    session: Session, source: Source | None, thesauri: Iterable[Thesaurus], *, batch: Callable[[], Batch]
) -> Taken:
    """Concepts as a thesaurus or an authority file gives them, whole schemes or one by one.

    A concept is known by its URI, or by the number that its source gives it. `batch` gives the lot, opened when
    something changes. The notices that were waiting for them: `notices.relink_concepts(session, taken.ids)`.
    """
    history.take(session, "change", 0)
    taken = Taken()
    by_code: dict[str, list[Thesaurus]] = {}
    for thesaurus in thesauri:
        by_code.setdefault(thesaurus.code, []).append(thesaurus)
    for several in by_code.values():
        rows = {row.uri: row for thesaurus in several for row in thesaurus.rows}
        taken.unchanged += sum(len(thesaurus.rows) for thesaurus in several) - len(rows)
        numbers = {number: uri for thesaurus in several for number, uri in thesaurus.numbers.items()}
        _take_in_scheme(session, source, _scheme(session, several[0]), rows, numbers, batch, taken)
    return taken


def _scheme(session: Session, thesaurus: Thesaurus) -> ConceptScheme:
    scheme = find_scheme(session, thesaurus.code)
    if scheme is None:
        scheme = ConceptScheme(code=thesaurus.code, uri=thesaurus.uri, title=dict(thesaurus.title))
        session.add(scheme)
        session.flush()
    return scheme


def _take_in_scheme(
    session: Session,
    source: Source | None,
    scheme: ConceptScheme,
    rows: Mapping[str, ConceptRow],
    numbers: Mapping[str, str],
    batch: Callable[[], Batch],
    taken: Taken,
) -> None:
    numbers = {**{uri[1:]: uri for uri in rows if uri.startswith("#")}, **numbers}
    known = _known(session, source, rows, numbers)
    fresh = {
        uri: Concept(
            scheme_id=scheme.id,
            uri="" if uri.startswith("#") else uri,
            label=row.label,
            sort_key=sort_key(row.label),
            scope_note=row.scope_note,
            status="accepted",
            said=_said(row),
            version=1,
        )
        for uri, row in rows.items()
        if uri not in known
    }
    if fresh:
        session.add_all(fresh.values())
        session.flush()
        history.record(session, batch(), [Change("concept", c.id, 1, None) for c in fresh.values()])
        _write_labels(session, {}, {concept.id: _labels(rows[uri]) for uri, concept in fresh.items()})
    labels = labels_of(session, [concept.id for concept in known.values()])
    changes: list[tuple[Concept, Mapping[str, Any]]] = []
    for uri, concept in known.items():
        values = _merge(concept, labels[concept.id], rows[uri])
        if (said := _said(rows[uri])) != concept.said:
            concept.said = said
        if values:
            changes.append((concept, values))
    changed = {c.id for c in put_concepts(session, changes, batch=batch())} if changes else set()
    concepts = {**known, **fresh}
    if source is not None:
        _name(session, source, {number: concepts[uri].id for number, uri in numbers.items() if uri in concepts})
    before: dict[int, set[relations.Placed]] = {}
    changed |= relations.relate(session, source, rows, concepts, before)
    relations.keep_promises(session, source, {uri: c.id for uri, c in fresh.items()}, numbers, before)
    _note_relations(session, before, batch)
    made = {concept.id for concept in fresh.values()}
    taken.created += len(made)
    taken.updated += len(changed - made)
    taken.unchanged += len(rows) - len(made) - len(changed - made)
    taken.ids += sorted(made | changed)


def _note_relations(session: Session, before: Mapping[int, set[relations.Placed]], batch: Callable[[], Batch]) -> None:
    """Relations that a file has brought are a change of the concepts they stand at: an undo of what a person did to
    these must not take them away. Those that the lot itself has made go with it anyhow."""
    if not before:
        return
    lot = batch()
    made = (Revision.batch_id == lot.id, Revision.entity == "concept", Revision.version == 1)
    new = set(session.scalars(select(Revision.entity_id).where(*made)))
    labels = labels_of(session, before.keys() - new)
    changes = []
    for part in db.chunks(sorted(labels)):
        for concept in session.scalars(select(Concept).where(Concept.id.in_(part)).order_by(Concept.id)):
            concept.version += 1
            was = _snapshot(concept, labels[concept.id], before[concept.id])
            changes.append(Change("concept", concept.id, concept.version, was))
    session.flush()
    history.record(session, lot, changes)


def _known(
    session: Session, source: Source | None, rows: Mapping[str, ConceptRow], numbers: Mapping[str, str]
) -> dict[str, Concept]:
    """URI -> the concept we have."""
    out: dict[str, Concept] = {}
    for part in db.chunks(sorted(uri for uri in rows if not uri.startswith("#"))):
        statement = select(Concept).where(Concept.uri.in_(part)).order_by(Concept.id.desc())
        out |= {concept.uri: concept for concept in session.scalars(statement)}
    if source is None:
        return out
    named: dict[int, str] = {}
    for part in db.chunks(sorted(numbers)):
        statement_ = select(ExternalId.value, ExternalId.entity_id).where(
            ExternalId.source_id == source.id,
            ExternalId.space == CATEGORY,
            ExternalId.entity == "concept",
            ExternalId.value.in_(part),
        )
        named |= {number: numbers[value] for value, number in session.execute(statement_)}
    for part_ in db.chunks(sorted(named)):
        for concept in session.scalars(select(Concept).where(Concept.id.in_(part_))):
            if (uri := named[concept.id]) in rows:
                out.setdefault(uri, concept)
    return out


def _labels(row: ConceptRow) -> set[Label]:
    preferred = {(language, "preferred", text) for language, text in row.preferred.items()}
    others = {(language, "alternate", text) for language, text in row.alternate}
    return _each_once(preferred | others | {(language, "hidden", text) for language, text in row.hidden})


def _each_once(labels: set[Label]) -> set[Label]:
    """A word is preferred, or a synonym, or hidden: the first of these that is said (SKOS Reference, S13)."""
    shown = {(language, text) for language, type_, text in labels if type_ == "preferred"}
    known = shown | {(language, text) for language, type_, text in labels if type_ == "alternate"}
    taken = {"preferred": set[tuple[str, str]](), "alternate": shown, "hidden": known}
    return {label for label in labels if label[::2] not in taken.get(label[1], ())}


def _said(row: ConceptRow) -> dict[str, Any]:
    said: dict[str, Any] = {"labels": sorted(list(label) for label in _labels(row)), "scope_note": row.scope_note}
    if row.fields:
        said["fields"] = [dict(f) for f in row.fields]
    return said


def _merge(concept: Concept, now: set[Label], row: ConceptRow) -> dict[str, Any]:
    """What changes in a concept: what its scheme says anew, where nobody changed it here."""
    values: dict[str, Any] = {"status": "accepted"} if concept.status == "withdrawn" else {}
    base = concept.said or {"labels": [list(label) for label in now], "scope_note": concept.scope_note}
    before = {(language, type_, text) for language, type_, text in base["labels"]}
    after = set(now)
    for language, type_, text in sorted(_labels(row) - before):
        if type_ == "preferred":
            ours = {label for label in after if label[:2] == (language, "preferred") and label[2] != text}
            if ours - before:  # renamed here: the scheme's word is another way to find it
                type_ = "alternate"
            else:
                after = (after - ours) | {(language, "hidden", old) for _language, _type, old in ours}
        after.add((language, type_, text))
    after = _each_once(after)
    if after != now:
        values["labels"] = sorted(list(label) for label in after)
        values["label"] = _shown(after) or concept.label
        if values["label"] == concept.label:
            del values["label"]
    last = base.get("scope_note", "")
    if row.scope_note not in (last, concept.scope_note) and concept.scope_note in (last, ""):
        values["scope_note"] = row.scope_note
    return values


def _shown(labels: Iterable[Label]) -> str:
    """The preferred label that screens show: the French one, else the first."""
    preferred = sorted((language != "fr", language, text) for language, type_, text in labels if type_ == "preferred")
    return preferred[0][2] if preferred else ""


def _name(session: Session, source: Source, numbers: Mapping[str, int]) -> None:
    at = db.now()
    rows = [
        {
            "source_id": source.id,
            "space": CATEGORY,
            "value": number,
            "entity": "concept",
            "entity_id": concept_id,
            "seen_at": at,
        }
        for number, concept_id in numbers.items()
    ]
    db.insert_or_update(
        session, ExternalId, rows, key=["source_id", "space", "value"], update=["entity", "entity_id", "seen_at"]
    )
