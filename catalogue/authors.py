"""Authors as visitors' pages show them: their list, and the page of one of them with their documents.

Read only; a page costs a few queries however many documents it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from catalogue import reading
from catalogue.i18n import N_
from catalogue.models import Agent, Notice, NoticeAgent, NoticeConcept
from catalogue.reading import Card

PER_PAGE = 20
NAMES_PER_PAGE = 100

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
