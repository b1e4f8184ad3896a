"""Authorities by the page: their lists, and the notices that name one of them. Read only.

A list costs the same few queries for ten names or twenty thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import Session

from catalogue import authorities, desk_history
from catalogue.authorities import NameBook
from catalogue.i18n import N_
from catalogue.models import Agent, ClassificationEntry, Concept, ConceptLabel, Notice, NoticeAgent, NoticeConcept
from catalogue.renaming import LIVING
from catalogue.text import fold

LINES_PER_PAGE = 50
NOTICES_PER_PAGE = 20

PERSONS, BODIES, CONCEPTS, CLASSES = "personnes", "organismes", "descripteurs", "classement"
TYPES = {PERSONS: ("person", "family"), BODIES: ("corporate_body", "meeting")}
TABS = {
    PERSONS: N_("Personnes"),
    BODIES: N_("Organismes"),
    CONCEPTS: N_("Descripteurs"),
    CLASSES: N_("Plan de classement"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked: words, a first letter, an order; `unused`: only those that no notice names."""

    tab: str = PERSONS
    words: str = ""
    letter: str = ""
    by_usage: bool = False
    unused: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    name: str
    detail: str  # dates, the thesaurus, the plan
    notices: int | None  # None where nobody counts


@dataclass(frozen=True, slots=True)
class List:
    asked: Asked
    lines: tuple[Line, ...]
    total: int
    letters: tuple[str, ...]

    @property
    def pages(self) -> int:
        return -(-self.total // LINES_PER_PAGE)


# --- lists -----------------------------------------------------------------------------------


def list_authorities(session: Session, book: NameBook, asked: Asked) -> List:
    if asked.tab == CONCEPTS:
        return _concepts(session, asked)
    if asked.tab == CLASSES:
        return _classes(session, asked)
    return _agents(session, book, asked)


def _agents(session: Session, book: NameBook, asked: Asked) -> List:
    where = [Agent.status == "accepted", Agent.type.in_(TYPES[asked.tab])]
    if asked.words:
        where.append(Agent.id.in_(sorted(book.find(session, asked.words))))
    letters = _letters(session, Agent, where)
    if asked.unused:
        where += [~_used(NoticeAgent.agent_id, Agent.id), ~_used(NoticeConcept.agent_id, Agent.id)]
    columns = (Agent.id, Agent.name, Agent.dates)
    lines, total = _page(session, Agent, columns, where, asked, NoticeAgent.agent_id)
    counts = _counts(session, Agent, [number for number, *_rest in lines])
    return List(asked, tuple(Line(n, name, dates, counts[n]) for n, name, dates in lines), total, letters)


def _concepts(session: Session, asked: Asked) -> List:
    where: list[ColumnElement[bool]] = [Concept.status == "accepted"]
    for word in fold(asked.words).split():
        named = select(ConceptLabel.concept_id)
        named = named.where(or_(ConceptLabel.folded.startswith(word), ConceptLabel.folded.contains(f" {word}")))
        where.append(Concept.id.in_(named))
    letters = _letters(session, Concept, where)
    if asked.unused:
        where.append(~_used(NoticeConcept.concept_id, Concept.id))
    columns = (Concept.id, Concept.label, Concept.scheme_id)
    lines, total = _page(session, Concept, columns, where, asked, NoticeConcept.concept_id)
    counts = _counts(session, Concept, [number for number, *_rest in lines])
    schemes = authorities.list_schemes(session)
    return List(asked, tuple(Line(n, label, schemes[s], counts[n]) for n, label, s in lines), total, letters)


def _classes(session: Session, asked: Asked) -> List:
    where: list[ColumnElement[bool]] = [ClassificationEntry.status == "accepted"]
    if asked.words:
        like = ClassificationEntry.label.icontains(asked.words, autoescape=True)
        where.append(or_(like, ClassificationEntry.number.startswith(asked.words, autoescape=True)))
    total = session.scalar(select(func.count()).select_from(ClassificationEntry).where(*where)) or 0
    statement = select(ClassificationEntry).where(*where)
    statement = statement.order_by(ClassificationEntry.number_key, ClassificationEntry.id)
    rows = session.scalars(_cut(statement, asked.page))
    return List(asked, tuple(Line(r.id, f"{r.number} {r.label}".strip(), "", None) for r in rows), total, ())


def _page(
    session: Session,
    model: type[Any],
    columns: Sequence[Any],
    where: Sequence[ColumnElement[bool]],
    asked: Asked,
    usage: Any,
) -> tuple[list[Any], int]:
    """Names A to Z, or those that most notices name first."""
    where = [*where, *([_begins(model.sort_key, asked.letter)] if asked.letter else [])]
    total = session.scalar(select(func.count()).select_from(model).where(*where)) or 0
    statement = select(*columns).where(*where)
    if asked.by_usage:
        mentions = select(usage.label("of"), func.count().label("n")).where(usage.is_not(None)).group_by(usage)
        counted = mentions.subquery()
        statement = statement.outerjoin(counted, counted.c.of == model.id)
        statement = statement.order_by(func.coalesce(counted.c.n, 0).desc(), model.sort_key, model.id)
    else:
        statement = statement.order_by(model.sort_key, model.id)
    return list(session.execute(_cut(statement, asked.page))), total


def _cut(statement: Select[Any], page: int) -> Select[Any]:
    return statement.limit(LINES_PER_PAGE).offset((page - 1) * LINES_PER_PAGE)


def _used(column: Any, number: Any) -> ColumnElement[bool]:
    return select(column).where(column == number).exists()


def _letters(session: Session, model: type[Any], where: Sequence[ColumnElement[bool]]) -> tuple[str, ...]:
    first = func.substr(model.sort_key, 1, 1)
    found = session.scalars(select(first).where(*where).distinct())
    return tuple(sorted({letter.upper() if letter.isalpha() else "0-9" for letter in found if letter}))


def _begins(column: Any, letter: str) -> ColumnElement[bool]:
    """Sort keys are lower-case letters and figures (`text.fold`)."""
    if letter == "0-9":
        return and_(column >= "0", column < "a")
    return and_(column >= letter.lower(), column < letter.lower() + "\x7f")


def _counts(session: Session, table: type[Any], ids: Sequence[int]) -> dict[int, int]:
    """How many notices carry each: those that an act on it would change."""
    pairs = _pairs(table, ids).subquery()
    statement = select(pairs.c.of, func.count()).join(Notice, Notice.id == pairs.c.notice)
    found = session.execute(statement.where(Notice.status.in_(LIVING)).group_by(pairs.c.of))
    return dict.fromkeys(ids, 0) | {number: n for number, n in found}


def _pairs(table: type[Any], ids: Sequence[int]) -> Any:
    """(authority, notice that names it), each once."""
    named = [NoticeAgent.agent_id, NoticeConcept.agent_id] if table is Agent else [NoticeConcept.concept_id]
    return union(
        *(
            select(column.label("of"), column.class_.notice_id.label("notice")).where(column.in_(ids))
            for column in named
        )
    )


# --- the notices of one ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carrier:
    """A notice that names an authority."""

    address: str
    title: str
    year: int | None
    status: str  # in words, "" when it is published


@dataclass(frozen=True, slots=True)
class Carriers:
    total: int
    page: int
    lines: tuple[Carrier, ...]

    @property
    def pages(self) -> int:
        return -(-self.total // NOTICES_PER_PAGE)


def carriers(session: Session, row: Agent | Concept, page: int = 1) -> Carriers:
    """A page of the notices that name it, the latest first."""
    pairs = _pairs(type(row), [row.id]).subquery()
    where = (Notice.id.in_(select(pairs.c.notice)), Notice.status.in_(LIVING))
    total = session.scalar(select(func.count()).select_from(Notice).where(*where)) or 0
    page = min(max(page, 1), max(1, -(-total // NOTICES_PER_PAGE)))
    columns = (Notice.id, Notice.address, Notice.title, Notice.year, Notice.status)
    latest = select(*columns).where(*where).order_by(func.coalesce(Notice.year, 0).desc(), Notice.id.desc())
    lines = tuple(
        Carrier(
            one.address,
            desk_history.title_or_none(one.title),
            one.year,
            "" if one.status == "published" else desk_history.status_words(one.status),
        )
        for one in session.execute(latest.limit(NOTICES_PER_PAGE).offset((page - 1) * NOTICES_PER_PAGE))
    )
    return Carriers(total, page, lines)
