"""Candidate descriptors: words given as subjects that no thesaurus knows, and what a person makes of each.

Nothing is queued: a notice that says a subject without a concept is the question, so it can never disagree with the
notices. A word becomes a descriptor, is replaced by one, or stays a free keyword; each act is a lot that can be
undone. What was kept as a keyword is remembered, and not asked again when somebody types it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from catalogue import authorities, db, history, notices, remembered, renaming
from catalogue.models import Batch, Concept, ConceptScheme, Notice, NoticeConcept, Revision
from catalogue.renaming import LIVING, Done
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, clean, subfields

KEPT = "subjects.keyword:"  # settings: the words that stay keywords
LONGEST_KEY = 60  # signs of a word, as the name of a setting
EXAMPLES = 3
PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Example:
    address: str
    title: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that waits. `by`, `at`: who gave it first, of the notices shown, and when."""

    word: str
    notices: int
    examples: tuple[Example, ...] = ()
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A word that somebody wants to stay a keyword."""

    key: str
    word: str
    by: str


class Known(Exception):
    """The word leads to a term of the thesaurus already."""


# --- what waits ------------------------------------------------------------------------------


def waiting(session: Session, *, page: int = 1) -> tuple[list[Candidate], int]:
    """The words of a page, those of most notices first, and how many there are in all."""
    every = _counted(session)
    shown = every[(page - 1) * PER_PAGE : page * PER_PAGE]
    return [_described(session, forms, n) for forms, n in shown], len(every)


def count(session: Session) -> int:
    return len(_counted(session))


def find(session: Session, word: str) -> Candidate | None:
    """The candidate that this word is, however it is written."""
    return next((_described(session, forms, n) for forms, n in _counted(session) if fold(forms[0]) == fold(word)), None)


def kept_words(session: Session) -> list[Kept]:
    """The words that stay keywords, but for those whose lot was taken back."""
    rows = remembered.read_all(session, KEPT)
    undone: set[int] = set()
    for part in db.chunks(sorted({said["lot"] for said in rows.values()})):
        statement = select(Batch.undoes_id).where(Batch.undoes_id.in_(part))
        undone |= {int(number or 0) for number in session.scalars(statement)}
    kept = [Kept(key, said["word"], said["by"]) for key, said in rows.items() if said["lot"] not in undone]
    return sorted(kept, key=lambda one: fold(one.word))


def _is_candidate() -> ColumnElement[bool]:
    return and_(NoticeConcept.concept_id.is_(None), NoticeConcept.agent_id.is_(None), NoticeConcept.free.is_(False))


def _counted(session: Session) -> list[tuple[list[str], int]]:
    """The spellings of each word, the most usual first, and its number of notices."""
    statement = (
        select(NoticeConcept.label, func.count(NoticeConcept.notice_id.distinct()))
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(_is_candidate(), Notice.status.in_(LIVING))
        .group_by(NoticeConcept.label)
    )
    words: dict[str, list[tuple[int, str]]] = {}
    for label, n in session.execute(statement):
        words.setdefault(fold(label), []).append((n, label))
    kept = {one.key for one in kept_words(session)}
    found = [
        (sorted(forms, reverse=True), key) for key, forms in words.items() if key and key[:LONGEST_KEY] not in kept
    ]
    ordered = sorted(found, key=lambda one: (-sum(n for n, _label in one[0]), one[1]))
    return [([label for _n, label in forms], sum(n for n, _label in forms)) for forms, _key in ordered]


def _described(session: Session, forms: Sequence[str], n: int) -> Candidate:
    found = _carriers(session, forms, limit=EXAMPLES)
    examples = tuple(Example(notice.address, notice.title) for notice in found)
    revisions = [number for notice in found for f in _saying(notice.fields, fold(forms[0])) if (number := f.get("r"))]
    lot = session.execute(
        select(Batch.by, Batch.at)
        .join(Revision, Revision.batch_id == Batch.id)
        .where(Revision.id.in_(revisions))
        .order_by(Batch.at)
        .limit(1)
    ).first()
    return Candidate(forms[0], n, examples, lot.by if lot else "", lot.at if lot else None)


def _carriers(session: Session, forms: Iterable[str], *, limit: int | None = None) -> list[Notice]:
    out: list[Notice] = []
    for part in db.chunks(sorted(forms)):
        ids = select(NoticeConcept.notice_id).where(_is_candidate(), NoticeConcept.label.in_(part))
        statement = select(Notice).where(Notice.id.in_(ids), Notice.status.in_(LIVING)).order_by(Notice.id.desc())
        out += session.scalars(statement.limit(limit) if limit else statement)
    return out


def _saying(fields: Fields, key: str) -> list[Field]:
    return [f for f in fields if f["t"] == "606" and fold(_whole(f)) == key]


def _whole(f: Field) -> str:
    return " -- ".join(clean(v) for v in subfields(f, "ajxyz") if v.strip())


# --- what a person makes of it ---------------------------------------------------------------


def accept(session: Session, word: str, *, by: str, broader: Concept | None = None) -> Done:
    """Make a descriptor of it, under `broader` where one is named: every notice that says it carries the descriptor."""
    history.take(session, "change", 0)
    if authorities.find_concepts(session, [word]):
        raise Known(word)
    n = len(_all_carriers(session, word))
    scheme = session.get(ConceptScheme, broader.scheme_id) if broader else None
    concept, done = renaming.promote(session, word, by=by, scheme=scheme)
    if broader is not None and done.batch is not None:
        place = {"relations": [["broader", broader.id]]}
        authorities.put_concepts(session, [(concept, place)], batch=done.batch)
    return Done(done.batch, max(n, done.notices), concept.id)


def replace(session: Session, word: str, concept: Concept, *, by: str, as_synonym: bool = False) -> Done:
    """Write a term of the thesaurus where notices say the word; `as_synonym`: the word leads to it from now on."""
    history.take(session, "change", 0)
    session.refresh(concept)
    if concept.status != "accepted":
        raise authorities.Stale(concept)
    found = _all_carriers(session, word)
    batch = history.open_batch(session, "promote", by=by, why=f"{word} → {concept.label}")
    code = authorities.codes_of_schemes(session)[concept.scheme_id]
    rows = [(notice, _with_term(notice.fields, fold(word), concept.label, code)) for notice in found]
    if as_synonym:
        labels = authorities.labels_of(session, [concept.id])[concept.id] | {("fr", "alternate", clean(word))}
        authorities.put_concepts(session, [(concept, {"labels": sorted(list(one) for one in labels)})], batch=batch)
    return Done(batch, len(notices.revise_many(session, rows, batch=batch)), concept.id)


def keep_as_keyword(session: Session, word: str, *, by: str) -> Done:
    """Let it be a free keyword of its notices, and remember that it is to stay one."""
    history.take(session, "change", 0)
    batch = history.open_batch(session, "keyword", by=by, why=word)
    rows = [(notice, _with_keyword(notice.fields, fold(word))) for notice in _all_carriers(session, word)]
    remembered.write(session, KEPT + fold(word)[:LONGEST_KEY], {"word": clean(word), "by": by, "lot": batch.id})
    return Done(batch, len(notices.revise_many(session, rows, batch=batch)))


def ask_again(session: Session, key: str) -> None:
    """Forget that a word is to stay a keyword: it is asked about the next time somebody gives it as a subject."""
    remembered.forget(session, KEPT + key[:LONGEST_KEY])


def _all_carriers(session: Session, word: str) -> list[Notice]:
    forms = next((forms for forms, _n in _counted(session) if fold(forms[0]) == fold(word)), [])
    return _carriers(session, forms)


def _with_term(fields: Fields, key: str, label: str, scheme: str) -> Fields:
    """The term in the word's place; a notice that has it already loses the word only."""
    out: Fields = []
    has_it = any(f["t"] == "606" and fold(_whole(f)) == fold(label) != key for f in fields)
    for f in fields:
        if f["t"] != "606" or fold(_whole(f)) != key:
            out.append(f)
        elif not has_it:
            has_it = True
            pairs: list[Any] = [["a", label], *([["2", scheme]] if scheme else [])]
            out.append({"t": "606", "i": f.get("i", "  "), "s": pairs})
    return out


def _with_keyword(fields: Fields, key: str) -> Fields:
    """A 610 behind the last of its subjects, in the word's place."""
    said = _saying(fields, key)
    kept = [f for f in fields if f not in said]
    known = {fold(word) for f in kept if f["t"] == "610" for value in subfields(f, "a") for word in value.split(";")}
    if not said or key in known:
        return kept
    at = next((n for n, f in enumerate(kept) if f["t"] > "610"), len(kept))
    return [*kept[:at], {"t": "610", "i": "0 ", "s": [["a", _whole(said[0])]]}, *kept[at:]]
