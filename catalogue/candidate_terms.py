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
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, and_, func, select
from sqlalchemy.orm import Session

from catalogue import authorities, db, history, notices, remembered, renaming
from catalogue.models import Batch, Concept, ConceptScheme, Notice, NoticeConcept, Revision
from catalogue.renaming import LIVING, Done
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, clean, subfields

KEPT = "subjects.keyword:"  # settings: the words that stay keywords
LONGEST_KEY = 60  # signs of a word, as the name of a setting
EXAMPLES = 3
PER_PAGE = 15
Spelt = tuple[list[str], int]  # a word as it is written, and its notices
# Of each base, as of its last change: counting goes through every subject.
_REMEMBERED: WeakKeyDictionary[Engine, tuple[int, list[Spelt]]] = WeakKeyDictionary()


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
    return _described(session, every[(page - 1) * PER_PAGE : page * PER_PAGE]), len(every)


def count(session: Session) -> int:
    return len(_counted(session))


def find(session: Session, word: str) -> Candidate | None:
    """The candidate that this word is, however it is written."""
    found = [one for one in _counted(session) if fold(one[0][0]) == fold(word)]
    return _described(session, found)[0] if found else None


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


def _counted(session: Session) -> list[Spelt]:
    """The spellings of each word, the most usual first, and its number of notices."""
    kept = {one.key for one in kept_words(session)}
    return [(forms, n) for forms, n in _all_spelt(session) if fold(forms[0])[:LONGEST_KEY] not in kept]


def _all_spelt(session: Session) -> list[Spelt]:
    """The same, with those that stay keywords: remembered until something changes. What a writer sees is its own."""
    connection = session.connection()
    if connection.get_execution_options().get("travee_writes"):
        return _spelt(session)
    mark = history.mark_now(session)
    known = _REMEMBERED.get(connection.engine)
    if known is None or known[0] != mark:
        _REMEMBERED[connection.engine] = known = (mark, _spelt(session))
    return known[1]


def _spelt(session: Session) -> list[Spelt]:
    statement = (
        select(NoticeConcept.label, func.count(NoticeConcept.notice_id.distinct()))
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(_is_candidate(), Notice.status.in_(LIVING))
        .group_by(NoticeConcept.label)
    )
    words: dict[str, list[tuple[int, str]]] = {}
    for label, n in session.execute(statement):
        words.setdefault(fold(label), []).append((n, label))
    found = [(sorted(forms, reverse=True), key) for key, forms in words.items() if key]
    ordered = sorted(found, key=lambda one: (-sum(n for n, _label in one[0]), one[1]))
    return [([label for _n, label in forms], sum(n for n, _label in forms)) for forms, _key in ordered]


def _described(session: Session, shown: Sequence[Spelt]) -> list[Candidate]:
    """Each with its latest notices, and who gave it: the queries are as many for twenty words as for one."""
    latest = _latest(session, [forms for forms, _n in shown])
    said = [
        [f["r"] for notice in found for f in _saying(notice.fields, fold(forms[0])) if f.get("r")]
        for (forms, _n), found in zip(shown, latest, strict=True)
    ]
    lots: dict[int, tuple[datetime, str]] = {}
    for part in db.chunks(sorted({number for numbers in said for number in numbers})):
        statement = select(Revision.id, Batch.at, Batch.by).join(Batch, Batch.id == Revision.batch_id)
        lots |= {number: (at, by) for number, at, by in session.execute(statement.where(Revision.id.in_(part)))}
    out = []
    for (forms, n), found, numbers in zip(shown, latest, said, strict=True):
        at, by = min((lots[number] for number in numbers if number in lots), default=(None, ""))
        examples = tuple(Example(notice.address, notice.title) for notice in found)
        out.append(Candidate(forms[0], n, examples, by, at))
    return out


def _latest(session: Session, words: Sequence[Sequence[str]]) -> list[list[Notice]]:
    """The latest notices of each word, given by its spellings."""
    place = func.dense_rank().over(partition_by=NoticeConcept.label, order_by=NoticeConcept.notice_id.desc())
    found: dict[str, set[int]] = {}
    for part in db.chunks(sorted({form for forms in words for form in forms})):
        living = select(NoticeConcept.label, NoticeConcept.notice_id, place.label("place"))
        living = living.join(Notice, Notice.id == NoticeConcept.notice_id).where(Notice.status.in_(LIVING))
        ranked = living.where(_is_candidate(), NoticeConcept.label.in_(part)).subquery()
        for label, number in session.execute(
            select(ranked.c.label, ranked.c.notice_id).where(ranked.c.place <= EXAMPLES)
        ):
            found.setdefault(label, set()).add(number)
    numbers = [sorted(set().union(*(found.get(form, ()) for form in forms)))[::-1][:EXAMPLES] for forms in words]
    known: dict[int, Notice] = {}
    for some in db.chunks(sorted({number for several in numbers for number in several})):
        known |= {notice.id: notice for notice in session.scalars(select(Notice).where(Notice.id.in_(some)))}
    return [[known[number] for number in several] for several in numbers]


def _carriers(session: Session, forms: Iterable[str]) -> list[Notice]:
    out: list[Notice] = []
    for part in db.chunks(sorted(forms)):
        ids = select(NoticeConcept.notice_id).where(_is_candidate(), NoticeConcept.label.in_(part))
        statement = select(Notice).where(Notice.id.in_(ids), Notice.status.in_(LIVING)).order_by(Notice.id.desc())
        out += session.scalars(statement)
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
