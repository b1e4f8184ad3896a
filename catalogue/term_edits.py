"""What a person does with a term of the thesaurus, each in one lot: another word for it, another place, its end.

Renaming and merging are in `renaming`, with what they change in notices. A word that is taken away, and a term that
is withdrawn for another, leave no notice without its subject: what was written by them gets the term that stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from catalogue import authorities, history, notices, renaming
from catalogue.authorities import Stale
from catalogue.models import ClassificationEntry, Concept
from catalogue.renaming import Done
from catalogue.text import fold, plain_text

KINDS = ("alternate", "hidden")


class Circle(Exception):
    """A term cannot stand under itself, or under what stands under it."""


def add_synonym(
    session: Session, concept: Concept, text: str, *, by: str, language: str = "fr", expected_version: int | None = None
) -> Done:
    """Another word that finds the concept; notices that carry just this word, and led nowhere, lead to it now."""
    renaming.fresh(session, [concept], expected_version)
    text = plain_text(text)
    labels = authorities.labels_of(session, [concept.id])[concept.id]
    if not text or any(fold(text) == fold(known) and language == lang for lang, _type, known in labels):
        return Done(None)
    after = labels | {(language, "alternate", text)}
    return _put(
        session, concept, {"labels": sorted(list(one) for one in after)}, by=by, why=f"{concept.label} + {text}"
    )


def remove_synonym(
    session: Session, concept: Concept, text: str, *, by: str, language: str = "fr", expected_version: int | None = None
) -> Done:
    """Take a word away; notices that were written with it get the concept's own label."""
    renaming.fresh(session, [concept], expected_version)
    labels = authorities.labels_of(session, [concept.id])[concept.id]
    gone = {(language, kind, text) for kind in KINDS} & labels
    if not gone:
        return Done(None)
    batch = history.open_batch(session, "edit", by=by, why=f"{concept.label} − {text}")
    carried = renaming.rewritten(session, concept, text)
    values = {"labels": sorted(list(one) for one in labels - gone)}
    return renaming.put_concept(session, concept, values, carried, batch=batch)


def move(
    session: Session,
    concept: Concept,
    broader: Sequence[Concept],
    *,
    by: str,
    expected_version: int | None = None,
) -> Done:
    """Put a concept under these, and no others; under none it is a top term. Raises `Circle`."""
    renaming.fresh(session, [concept], expected_version)
    under = {one.id for one in broader}
    if under & (authorities.concepts_below(session, concept.id) | {concept.id}):
        raise Circle(f"concept {concept.id}")
    placed = {one for one in authorities.relations_of(session, [concept.id])[concept.id] if one[0] != "broader"}
    placed |= {("broader", number) for number in under}
    why = f"{', '.join(one.label for one in broader)} > {concept.label}" if broader else concept.label
    return _put(session, concept, {"relations": sorted(list(one) for one in placed)}, by=by, why=why)


def write_note(session: Session, concept: Concept, note: str, *, by: str, expected_version: int | None = None) -> Done:
    """Say what the concept means here."""
    renaming.fresh(session, [concept], expected_version)
    return _put(session, concept, {"scope_note": note}, by=by, why=concept.label)


def withdraw(
    session: Session,
    concept: Concept,
    *,
    by: str,
    replacement: Concept | None = None,
    expected_version: int | None = None,
) -> Done:
    """A term that is not used any more. What stood under it goes up to what it stood under.

    With a `replacement` its notices carry that one; without, they keep the word, which leads to no term any more.
    """
    if replacement is not None:
        expected = {concept.id: expected_version} if expected_version is not None else {}
        return renaming.merge_concepts(session, replacement, [concept], by=by, expected=expected)
    renaming.fresh(session, [concept], expected_version)
    batch = history.open_batch(session, "retire", by=by, why=concept.label)
    placed = authorities.relations_of(session, [concept.id])[concept.id]
    parents = [target for type_, target in placed if type_ == "broader"]
    rows: list[tuple[Concept, Mapping[str, Any]]] = [(concept, {"status": "withdrawn"})]
    for owner, relations in authorities.relations_without(session, {concept.id}, parents).items():
        # What stood beside it stands beside nothing now: only its place in the tree is handed on.
        kept = authorities.relations_of(session, [owner])[owner]
        after = {one for one in relations if one[0] == "broader" or one in kept}
        if after != kept:
            rows.append((session.get_one(Concept, owner), {"relations": sorted(list(one) for one in after)}))
    authorities.put_concepts(session, rows, batch=batch)
    return Done(batch, notices.relink_concepts(session, [concept.id]))


def rename_class(
    session: Session, entry: ClassificationEntry, label: str, *, by: str, expected_version: int | None = None
) -> Done:
    """Other words for a number of the classification; the number, which stands on spines, stays."""
    history.take(session, "change", 0)
    session.refresh(entry)
    if expected_version is not None and entry.version != expected_version:
        raise Stale(entry)
    label = plain_text(label)
    if label == entry.label:
        return Done(None)
    batch = history.open_batch(session, "rename", by=by, why=f"{entry.number} {entry.label} → {label}")
    authorities.put_classes(session, [(entry, {"label": label})], batch=batch)
    return Done(batch)


def _put(session: Session, concept: Concept, values: Mapping[str, Any], *, by: str, why: str) -> Done:
    before = authorities.snapshot_concept(concept)
    if all(before[name] == value for name, value in values.items()):
        return Done(None)
    batch = history.open_batch(session, "edit", by=by, why=why)
    authorities.put_concepts(session, [(concept, values)], batch=batch)
    notices.relink_concepts(session, [concept.id])
    return Done(batch)
