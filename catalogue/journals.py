"""Journals as visitors' pages show them: their list, and the page of one of them with its issues, year by year.

Read only; a page costs a few queries however many issues it shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from catalogue import db, items, reading, unimarc
from catalogue.date_words import month_and_year, spoken
from catalogue.i18n import format_date
from catalogue.models import Item, Notice, NoticeLink

PER_PAGE = 100  # journals, or issues of one
_ISSUE_NUMBER = re.compile(r"[,.]?\s*\b(?:n°|no\.?)\s*(\d[\w./-]*\b)", re.I)
_AFTER_THE_NAME = re.compile(r"\s*(?:$|[.,:;!?/([–—…])|\s+(?:-\s|n°|no\.?\s*\d|\d)", re.I)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Journal:
    address: str
    title: str
    language: str
    issues: int


@dataclass(frozen=True, slots=True)
class JournalList:
    """Journals under their first letters: all of them, or a page of those of one letter when they are many."""

    letters: tuple[str, ...]
    letter: str  # "" when all of them are here
    shown: tuple[tuple[str, tuple[Journal, ...]], ...]
    total: int  # of the letter, or of all


@dataclass(frozen=True, slots=True)
class IssueLine:
    address: str
    number: str  # « 195 », "" when nothing says it
    title: str  # its own, without the journal's name and the number
    dated: str
    articles: int
    on_shelf: bool


@dataclass(frozen=True, slots=True)
class JournalPage:
    address: str
    title: str
    language: str
    holdings: tuple[str, ...]  # what the record says we have
    years: tuple[tuple[str, tuple[IssueLine, ...]], ...]  # the latest first
    pages_of: tuple[tuple[str, int], ...]  # every year, and the page where it begins
    issues: int
    articles: int


def journals(session: Session, letter: str = "", page: int = 1) -> JournalList:
    """Journals A to Z."""
    where = (Notice.level == "serial", Notice.status == "published")
    order = (Notice.sort_key, Notice.id)
    every = [(key, i) for key, i in session.execute(select(Notice.sort_key, Notice.id).where(*where).order_by(*order))]
    letters = tuple(dict.fromkeys(_initial(key) for key, _i in every))
    if len(every) <= PER_PAGE:
        letter = ""
    elif letter not in letters:
        letter = letters[0]
    ids = [i for key, i in every if not letter or _initial(key) == letter]
    shown = ids[(page - 1) * PER_PAGE :][:PER_PAGE]
    counts = _parts_of(session, shown, "host_serial", "issue")
    columns = (Notice.id, Notice.address, Notice.title, Notice.language, Notice.sort_key)
    rows = session.execute(select(*columns).where(Notice.id.in_(shown)).order_by(*order))
    return JournalList(
        letters,
        letter,
        tuple(
            (
                first,
                tuple(Journal(r.address, r.title, reading.html_language(r.language), counts.get(r.id, 0)) for r in g),
            )
            for first, g in groupby(rows, lambda r: _initial(r.sort_key))
        ),
        len(ids),
    )


def _initial(sort_key: str) -> str:
    first = sort_key[:1].upper()
    return first if first.isalpha() else "0-9"


def journal_page(session: Session, address: str, page: int = 1) -> JournalPage | None:
    """A journal and a page of its issues, year by year, the latest first."""
    row = session.execute(
        select(Notice.id, Notice.address, Notice.title, Notice.language, Notice.fields).where(
            Notice.address == address, Notice.level == "serial", Notice.status == "published"
        )
    ).one_or_none()
    if row is None:
        return None
    parts = select(NoticeLink.notice_id).where(NoticeLink.target_id == row.id, NoticeLink.relation == "host_serial")
    issues = select(Notice.id, Notice.address, Notice.title, Notice.year).where(
        Notice.id.in_(parts), Notice.level == "issue", Notice.status == "published"
    )
    every = [(r, *_issue_title(r.title, row.title)) for r in session.execute(issues)]
    every.sort(key=lambda one: (one[0].year or 0, _numbers_in(one[1]), one[0].title, one[0].address), reverse=True)
    shown = every[(page - 1) * PER_PAGE :][:PER_PAGE]
    ids = [r.id for r, _number, _title in shown]
    counts = _parts_of(session, [r.id for r, _number, _title in every], "host_issue", "article")
    on_shelf = _with_copies(session, ids)
    fields = {i: f for i, f in session.execute(select(Notice.id, Notice.fields).where(Notice.id.in_(ids)))}
    lines = [
        (
            str(r.year or ""),
            IssueLine(
                r.address, number, title, _issue_date(fields[r.id], r.year), counts.get(r.id, 0), r.id in on_shelf
            ),
        )
        for r, number, title in shown
    ]
    first_of: dict[str, int] = {}
    for n, (r, _number, _title) in enumerate(every):
        first_of.setdefault(str(r.year or ""), n // PER_PAGE + 1)
    return JournalPage(
        address=row.address,
        title=row.title,
        language=reading.html_language(row.language),
        holdings=tuple(unimarc.holdings(row.fields)),
        years=tuple((year, tuple(line for _year, line in group)) for year, group in groupby(lines, lambda one: one[0])),
        pages_of=tuple(first_of.items()),
        issues=len(every),
        articles=sum(counts.values()),
    )


def _issue_title(title: str, journal: str) -> tuple[str, str]:
    """Its number and what it is called besides: whichever way round a title says journal, number and subject.

    >>> _issue_title("Préau, n° 68. Mixité", "Préau"), _issue_title("Préau. Mixité, n° 68", "Préau")
    (('68', 'Mixité'), ('68', 'Mixité'))
    >>> _issue_title("Préau, n° 12", "Préau"), _issue_title("Hors série", "Préau")
    (('12', ''), ('', 'Hors série'))
    >>> _issue_title("Préaux d’ailleurs, n° 3", "Préau"), _issue_title("Préau rural, n° 8", "Préau")
    (('3', 'Préaux d’ailleurs'), ('8', 'Préau rural'))
    """
    rest = title.removeprefix(journal)
    if not _AFTER_THE_NAME.match(rest):
        rest = title  # another name, that begins alike
    found = _ISSUE_NUMBER.search(rest)
    number = found[1] if found else ""
    if found:
        rest = rest[: found.start()] + ". " + rest[found.end() :]
    own = rest.strip(" .,:;-–") if found or rest != title else rest
    return number, own if number or own else title


def _numbers_in(number: str) -> tuple[int, ...]:
    return tuple(int(digits[:9]) for digits in re.findall(r"\d+", number))


def _issue_date(fields: unimarc.Fields, year: int | None) -> str:
    """As the issue says it; when that is only its year, the month that PMB keeps beside (210 $h), unless it is the
    first of January, which is what PMB writes where it knows nothing.
    """
    said = unimarc.date_text(fields)
    exact = next(iter(unimarc.values(fields, "210", "h")), "")
    if said == str(year or "") and _ISO_DAY.fullmatch(exact) and exact.startswith(said) and exact[5:] != "01-01":
        with suppress(ValueError):
            day = date.fromisoformat(exact)
            return format_date(day) if day.day > 1 else month_and_year(day)
    return "" if said == str(year or "") else spoken(said)


def _parts_of(session: Session, host_ids: Sequence[int], relation: str, level: str) -> dict[int, int]:
    """How many published notices of this level are linked so to each of these."""
    part = aliased(Notice)
    out: dict[int, int] = {}
    for some in db.chunks(host_ids):
        statement = (
            select(NoticeLink.target_id, func.count(part.id.distinct()))
            .join(part, part.id == NoticeLink.notice_id)
            .where(NoticeLink.target_id.in_(some), NoticeLink.relation == relation)
            .where(part.level == level, part.status == "published")
            .group_by(NoticeLink.target_id)
        )
        out |= {i: n for i, n in session.execute(statement) if i is not None}
    return out


def _with_copies(session: Session, notice_ids: Sequence[int]) -> set[int]:
    where = (Item.notice_id.in_(notice_ids), items.is_public())
    return set(session.scalars(select(Item.notice_id).where(*where)))
