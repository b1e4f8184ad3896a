"""Ways into the collection other than a question: by author, by journal, along the shelves, by day of arrival.

Read only; a page costs a few queries however many documents it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from catalogue import callnumber, items, reading, unimarc
from catalogue.i18n import N_
from catalogue.models import (
    Agent,
    ClassificationEntry,
    Item,
    Location,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeLink,
)
from catalogue.reading import Card, TitleLine

PER_PAGE = 20
NAMES_PER_PAGE = 100
ON_A_SHELF = 24  # what one sees standing before it
CLASS_DIGITS = callnumber.WIDTH

# Where an identifier of a person or a body leads, and what it is called.
REGISTERS = {
    "idref": ("IdRef", "https://www.idref.fr/{}"),
    "bnf": ("BnF", "https://catalogue.bnf.fr/ark:/12148/{}"),
    "isni": ("ISNI", "https://isni.org/isni/{}"),
    "viaf": ("VIAF", "https://viaf.org/viaf/{}"),
    "orcid": ("ORCID", "https://orcid.org/{}"),
}
AGENT_KINDS = {
    "person": N_("Personne"),
    "family": N_("Famille"),
    "corporate_body": N_("Organisme"),
    "meeting": N_("Rencontre"),
}


# --- authors ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    agent_id: int
    name: str
    dates: str
    documents: int


@dataclass(frozen=True, slots=True)
class AuthorPage:
    agent_id: int
    type: str
    name: str
    dates: str
    note: str
    variants: tuple[str, ...]
    registers: tuple[tuple[str, str], ...]  # (name, address)
    total: int
    cards: tuple[Card, ...]
    about: int  # documents about them


def author_page(session: Session, agent_id: int, page: int = 1) -> AuthorPage | int | None:
    """A person or a body and a page of their documents, the latest first; the id of who they were merged into."""
    agent = session.get(Agent, agent_id)
    if agent is None or agent.status == "withdrawn":
        return None
    if agent.merged_into_id is not None:
        return agent.merged_into_id
    theirs = select(NoticeAgent.notice_id).where(NoticeAgent.agent_id == agent_id)
    where = (Notice.status == "published", Notice.id.in_(theirs))
    about = (
        select(func.count(NoticeConcept.notice_id.distinct()))
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(NoticeConcept.agent_id == agent_id, Notice.status == "published")
    )
    return AuthorPage(
        agent_id=agent_id,
        type=AGENT_KINDS[agent.type],
        name=agent.name,
        dates=agent.dates,
        note=agent.note,
        variants=tuple(dict.fromkeys(agent.variants)),
        registers=tuple(_registers(agent.identifiers)),
        total=session.scalar(select(func.count()).select_from(Notice).where(*where)) or 0,
        cards=tuple(reading.result_cards(session, _latest(session, where, page))),
        about=session.scalar(about) or 0,
    )


def _registers(identifiers: dict[str, str]) -> list[tuple[str, str]]:
    """Only numbers that look like numbers: what goes into an address came from a file."""
    return [
        (REGISTERS[scheme][0], REGISTERS[scheme][1].format(value))
        for scheme, value in identifiers.items()
        if scheme in REGISTERS and value.replace("-", "").isalnum() and value.isascii()
    ]


def _latest(session: Session, where: Sequence[Any], page: int) -> list[int]:
    order = (func.coalesce(Notice.year, 0).desc(), Notice.id.desc())
    statement = select(Notice.id).where(*where).order_by(*order)
    return list(session.scalars(statement.limit(PER_PAGE).offset((page - 1) * PER_PAGE)))


def author_letters(session: Session) -> list[str]:
    """The first letters of the names that have documents; figures are one letter, « 0-9 »."""
    first = func.substr(Agent.sort_key, 1, 1)
    found = session.scalars(select(first).where(*_with_documents()).distinct())
    return sorted({letter.upper() if letter.isalpha() else "0-9" for letter in found if letter})


def authors(session: Session, letter: str, page: int) -> tuple[int, list[Name]]:
    """How many names begin with this letter, and a page of them, A to Z, each with its number of documents."""
    where = (*_with_documents(), _begins(Agent.sort_key, letter))
    total = session.scalar(select(func.count()).select_from(Agent).where(*where)) or 0
    counted = (
        select(NoticeAgent.agent_id, func.count(NoticeAgent.notice_id.distinct()).label("n"))
        .join(Notice, Notice.id == NoticeAgent.notice_id)
        .where(Notice.status == "published")
        .group_by(NoticeAgent.agent_id)
    )
    chosen = (
        select(Agent.id, Agent.name, Agent.dates)
        .where(*where)
        .order_by(Agent.sort_key, Agent.id)
        .limit(NAMES_PER_PAGE)
        .offset((page - 1) * NAMES_PER_PAGE)
    )
    rows = session.execute(chosen).all()
    numbers = {i: n for i, n in session.execute(counted.where(NoticeAgent.agent_id.in_([r.id for r in rows])))}
    return total, [Name(r.id, r.name, r.dates, numbers.get(r.id, 0)) for r in rows]


def _with_documents() -> tuple[ColumnElement[bool], ...]:
    used = (
        select(NoticeAgent.id)
        .join(Notice, Notice.id == NoticeAgent.notice_id)
        .where(NoticeAgent.agent_id == Agent.id, Notice.status == "published")
    )
    return (Agent.status == "accepted", used.exists())


def _begins(column: Any, letter: str) -> ColumnElement[bool]:
    """Sort keys are lower-case letters and figures (`text.fold`)."""
    if letter == "0-9":
        return and_(column >= "0", column < "a")
    return and_(column >= letter.lower(), column < letter.lower() + "\x7f")


# --- journals --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Journal:
    address: str
    title: str
    language: str
    issues: int


@dataclass(frozen=True, slots=True)
class IssueLine:
    address: str
    title: str
    articles: int
    on_shelf: bool


@dataclass(frozen=True, slots=True)
class JournalPage:
    address: str
    title: str
    language: str
    holdings: tuple[str, ...]  # what the record says we have
    years: tuple[tuple[str, tuple[IssueLine, ...]], ...]  # the latest first
    issues: int
    articles: int


def journals(session: Session) -> list[tuple[str, list[Journal]]]:
    """Every journal under its first letter."""
    issue = aliased(Notice)
    counted = (
        select(NoticeLink.target_id, func.count(issue.id.distinct()).label("n"))
        .join(issue, issue.id == NoticeLink.notice_id)
        .where(NoticeLink.relation == "host_serial", issue.level == "issue", issue.status == "published")
        .group_by(NoticeLink.target_id)
        .subquery()
    )
    statement = (
        select(Notice.address, Notice.title, Notice.language, Notice.sort_key, func.coalesce(counted.c.n, 0).label("n"))
        .outerjoin(counted, counted.c.target_id == Notice.id)
        .where(Notice.level == "serial", Notice.status == "published")
        .order_by(Notice.sort_key, Notice.id)
    )
    rows = session.execute(statement).all()
    return [
        (letter, [Journal(r.address, r.title, reading.html_language(r.language), r.n) for r in group])
        for letter, group in groupby(rows, lambda r: _initial(r.sort_key))
    ]


def _initial(sort_key: str) -> str:
    first = sort_key[:1].upper()
    return first if first.isalpha() else "0-9"


def journal_page(session: Session, address: str) -> JournalPage | None:
    """A journal and all its issues, year by year."""
    row = session.execute(
        select(Notice.id, Notice.address, Notice.title, Notice.language, Notice.fields).where(
            Notice.address == address, Notice.level == "serial", Notice.status == "published"
        )
    ).one_or_none()
    if row is None:
        return None
    part = aliased(Notice)
    articles = (
        select(NoticeLink.target_id, func.count(part.id.distinct()).label("n"))
        .join(part, part.id == NoticeLink.notice_id)
        .where(NoticeLink.relation == "host_issue", part.level == "article", part.status == "published")
        .group_by(NoticeLink.target_id)
        .subquery()
    )
    parts = select(NoticeLink.notice_id).where(NoticeLink.target_id == row.id, NoticeLink.relation == "host_serial")
    copies = select(Item.id).where(Item.notice_id == Notice.id, items.is_public()).exists()
    statement = (
        select(Notice.address, Notice.title, Notice.year, func.coalesce(articles.c.n, 0).label("n"), copies.label("on"))
        .outerjoin(articles, articles.c.target_id == Notice.id)
        .where(Notice.id.in_(parts), Notice.level == "issue", Notice.status == "published")
        .order_by(func.coalesce(Notice.year, 0).desc(), Notice.title.desc(), Notice.address)
    )
    found = session.execute(statement).all()
    years = [
        (str(year or ""), tuple(IssueLine(r.address, r.title, r.n, bool(r.on)) for r in group))
        for year, group in groupby(found, lambda r: r.year)
    ]
    return JournalPage(
        address=row.address,
        title=row.title,
        language=reading.html_language(row.language),
        holdings=tuple(unimarc.holdings(row.fields)),
        years=tuple(years),
        issues=len(found),
        articles=sum(r.n for r in found),
    )


# --- shelves ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShelfClass:
    """A stretch of shelf: the call numbers that begin alike."""

    number: str
    label: str
    copies: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A copy where it stands."""

    code: str
    call_number: str
    location: str
    document: TitleLine
    available: bool


@dataclass(frozen=True, slots=True)
class ShelfPage:
    copies: tuple[Standing, ...]
    before: str  # the code of the copy at which to look back; "" at the beginning
    after: str  # and on; "" at the end


def classes(session: Session) -> list[ShelfClass]:
    """The stretches of the shelves in order: by the number before the point, else by the first word."""
    head = func.substr(Item.call_key, 1, CLASS_DIGITS)
    statement = (
        select(head.label("head"), func.min(Item.call_number).label("example"), func.count().label("n"))
        .join(Notice, Notice.id == Item.notice_id)
        .where(*_standing())
        .group_by(head)
        .order_by(head)
    )
    out: list[ShelfClass] = []
    labels = {e.number: e.label for e in session.scalars(_accepted_classes())}
    for number, group in groupby(session.execute(statement), lambda row: _class_of(row.head)):
        out.append(ShelfClass(number, labels.get(number, ""), sum(row.n for row in group)))
    return out


def _accepted_classes() -> Select[ClassificationEntry]:
    return select(ClassificationEntry).where(ClassificationEntry.status == "accepted", ClassificationEntry.label != "")


def _class_of(head: str) -> str:
    """« 364 » of "000000364", « DOS » of "DOS LOG 0"."""
    word = head.split(" ")[0].split(".")[0]
    return word.lstrip("0") or "0" if word.isdigit() else word


def _standing() -> tuple[ColumnElement[bool], ...]:
    return (Notice.status == "published", Item.call_key != "", items.is_public())


def shelf(session: Session, call_number: str, *, before: str = "", after: str = "") -> ShelfPage:
    """Copies in shelf order from this call number on; or before, or after, the copy with this code."""
    key, at = callnumber.sort_key(call_number), 0
    place = session.execute(select(Item.call_key, Item.id).where(Item.code == (before or after))).one_or_none()
    if place is not None:
        key, at = place
    backwards = bool(before) and place is not None
    beyond = or_(Item.call_key > key, and_(Item.call_key == key, Item.id > at))
    if backwards:
        beyond = or_(Item.call_key < key, and_(Item.call_key == key, Item.id < at))
    order = (Item.call_key.desc(), Item.id.desc()) if backwards else (Item.call_key, Item.id)
    columns = (
        *(Item.id.label("item_id"), Item.code, Item.call_key, Item.call_number, Item.status, Item.notice_id),
        Location.name.label("location"),
    )
    statement = (
        select(*columns)
        .join(Notice, Notice.id == Item.notice_id)
        .outerjoin(Location, Location.id == Item.location_id)
        .where(*_standing(), beyond)
        .order_by(*order)
        .limit(ON_A_SHELF)
    )
    rows = list(session.execute(statement))
    if backwards:
        rows.reverse()
    if not rows:
        return ShelfPage((), "", "")
    documents = {
        row.notice_id: line
        for row, line in zip(rows, reading.title_lines(session, [row.notice_id for row in rows]), strict=True)
    }
    first, last = rows[0], rows[-1]
    earlier = or_(Item.call_key < first.call_key, and_(Item.call_key == first.call_key, Item.id < first.item_id))
    later = or_(Item.call_key > last.call_key, and_(Item.call_key == last.call_key, Item.id > last.item_id))
    return ShelfPage(
        tuple(
            Standing(row.code, row.call_number, row.location or "", documents[row.notice_id], row.status == "available")
            for row in rows
        ),
        first.code if _any(session, earlier) else "",
        last.code if _any(session, later) else "",
    )


def _any(session: Session, where: ColumnElement[bool]) -> bool:
    statement = select(Item.id).join(Notice, Notice.id == Item.notice_id).where(*_standing(), where).limit(1)
    return session.scalar(statement) is not None


def class_label(session: Session, call_number: str) -> str:
    """What the classification says of the number that a call number begins with, the most precise first."""
    wanted = call_number.split()[0] if call_number.split() else ""
    numbers = [wanted[:n] for n in range(len(wanted), 0, -1)]
    entries = session.scalars(_accepted_classes().where(ClassificationEntry.number.in_(numbers)))
    found = {entry.number: entry.label for entry in entries}
    return next((found[number] for number in numbers if number in found), "")
