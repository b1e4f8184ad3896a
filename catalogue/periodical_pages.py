"""The page of a periodical, and the rows to tick when its issues come: on that page, or of all titles in the morning's
post. Read only, plain values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import forecast, items, periodicals
from catalogue.date_words import MONTHS, spoken
from catalogue.desk_history import title_or_none
from catalogue.forecast import FREQUENCIES, Expected
from catalogue.i18n import _, format_date, use_language
from catalogue.models import LIVING, Notice, NoticeLink, Revision
from catalogue.periodical_titles import Known, every, explain, issue_words
from catalogue.periodicals import Held
from catalogue.text import fold, sort_key

ISSUES_PER_PAGE = 20
SHOWN_ARTICLES = 12  # of one issue
SHOWN_MISSING = 20  # of one title: the page stays light
AHEAD = timedelta(days=15)  # the morning's post shows what is due until then
OF_ONE_TITLE = 3  # late issues that the morning's post shows of a title
SHOWN_ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """An issue that may be ticked. `name` is its own in the form; `state` says what was said of it."""

    name: str
    serial_id: int
    address: str
    title: str
    key: str
    number: str
    dated: str
    copy: bool
    call_number: str
    due: str = ""
    late: bool = False
    claimed: str = ""  # the day, in words
    ticked: bool = False
    error: str = ""
    wrong: str = ""  # what the error is about: "numero", "date"
    typed: bool = False  # something was written since the row was shown

    @property
    def words(self) -> str:
        return issue_words(self.number, spoken(self.dated))

    @property
    def printed(self) -> str:
        """The text of its fields, which the page sends back: what differs from it was typed."""
        return " | ".join((self.number, self.dated, self.call_number))


@dataclass(frozen=True, slots=True)
class Article:
    address: str
    title: str


@dataclass(frozen=True, slots=True)
class IssueLine:
    address: str
    words: str
    status: str
    articles: tuple[Article, ...]
    total: int
    copies: tuple[str, ...]  # their call numbers


@dataclass(frozen=True, slots=True)
class TitlePage:
    known: Known
    issn: str
    rows: tuple[Row, ...]
    more_rows: int
    missing: int
    given_up: tuple[tuple[str, str], ...]  # key, words
    issues: tuple[IssueLine, ...]
    total: int
    articles: int
    page: int
    pages: int
    explained: tuple[str, ...]
    measured: str  # a frequency to propose, where nobody has said one
    claimed: bool


# --- one title -------------------------------------------------------------------------------


def title_page(session: Session, known: Known, today: date, page: int = 1) -> TitlePage:
    copies = _call_numbers(session, [h.notice_id for h in known.here])
    rows = _foretold(known, copies, today)
    pages = max(1, -(-len(known.here) // ISSUES_PER_PAGE))
    page = min(max(page, 1), pages)
    latest = known.here[::-1][(page - 1) * ISSUES_PER_PAGE :][:ISSUES_PER_PAGE]
    counts = _count_articles(session, [h.notice_id for h in known.here])
    articles = _articles(session, [h.notice_id for h in latest])
    bare = known.subscription is None or not known.subscription.frequency
    return TitlePage(
        known=known,
        issn=periodicals.issn_of(session, known.notice_id),
        rows=tuple(rows[-SHOWN_MISSING:]),
        more_rows=max(0, len(rows) - SHOWN_MISSING),
        missing=len(known.foreseen.missing),
        given_up=tuple(
            (row.number, issue_words(row.number, format_date(row.due_on)))
            for row in known.said
            if row.state == "skipped"
        ),
        issues=tuple(_line(h, articles, counts, copies) for h in latest),
        total=len(known.here),
        articles=sum(counts.values()),
        page=page,
        pages=pages,
        explained=tuple(explain(known)),
        measured=forecast.measured([h.first_day for h in known.here if h.first_day]) if bare else "",
        claimed=any(row.claimed for row in rows),
    )


def _line(
    h: Held, articles: Mapping[int, list[Article]], counts: Mapping[int, int], copies: Mapping[int, list[str]]
) -> IssueLine:
    words = issue_words(h.number, spoken(h.dated)) or title_or_none(h.title)
    found = articles.get(h.notice_id, [])[:SHOWN_ARTICLES]
    return IssueLine(
        h.address, words, h.status, tuple(found), counts.get(h.notice_id, 0), tuple(copies.get(h.notice_id, ()))
    )


def _count_articles(session: Session, issue_ids: Sequence[int]) -> dict[int, int]:
    part = (
        select(NoticeLink.target_id, func.count(Notice.id.distinct()))
        .join(Notice, Notice.id == NoticeLink.notice_id)
        .where(NoticeLink.target_id.in_(issue_ids), NoticeLink.relation == "host_issue", Notice.status.in_(LIVING))
        .group_by(NoticeLink.target_id)
    )
    return {number: n for number, n in session.execute(part) if number is not None}


def _articles(session: Session, issue_ids: Sequence[int]) -> dict[int, list[Article]]:
    statement = (
        select(NoticeLink.target_id, Notice.address, Notice.title)
        .join(Notice, Notice.id == NoticeLink.notice_id)
        .where(NoticeLink.target_id.in_(issue_ids), NoticeLink.relation == "host_issue", Notice.status.in_(LIVING))
        .order_by(Notice.id)
    )
    out: dict[int, list[Article]] = {}
    for issue_id, address, name in session.execute(statement):
        if issue_id is not None:
            out.setdefault(issue_id, []).append(Article(address, title_or_none(name)))
    return out


def _call_numbers(session: Session, issue_ids: Sequence[int]) -> dict[int, list[str]]:
    out: dict[int, list[str]] = {}
    for copy in items.list_of(session, issue_ids):
        if copy.status != "withdrawn":
            out.setdefault(copy.notice_id, []).append(copy.call_number)
    return out


# --- rows to tick ----------------------------------------------------------------------------


def foretold(session: Session, known: Known, today: date) -> list[Row]:
    """What is missing of a title, oldest first, and what comes next."""
    return _foretold(known, _call_numbers(session, [h.notice_id for h in known.here]), today)


def _foretold(known: Known, copies: Mapping[int, list[str]], today: date) -> list[Row]:
    foreseen = known.foreseen
    return [_row(known, one, copies, today) for one in (*foreseen.missing, *filter(None, [foreseen.next]))]


def _row(known: Known, one: Expected, copies: Mapping[int, list[str]], today: date) -> Row:
    with_copy = next((h for h in reversed(known.here) if h.notice_id in copies), None)
    call_number = copies[with_copy.notice_id][0] if with_copy else ""
    if with_copy and with_copy.number and one.number:
        call_number = re.sub(rf"(?<!\d){re.escape(with_copy.number)}(?!\d)", one.number, call_number)
    said = next((row for row in known.said if row.number == one.key and row.state == "claimed"), None)
    return Row(
        name=f"{known.address}.{one.key}",
        serial_id=known.notice_id,
        address=known.address,
        title=known.title,
        key=one.key,
        number=one.number,
        dated=printed_date(known, one),
        copy=with_copy is not None,
        call_number=call_number,
        due=format_date(one.due_on),
        late=one in known.foreseen.missing,
        claimed=format_date(said.changed_at) if said else "",
    )


def printed_date(known: Known, one: Expected) -> str:
    """As the last issue wrote its own: « mars 2024 », « avril-juin 2024 », « 18 mars 2024 ». Records are in French."""
    every_ = FREQUENCIES[known.subscription.frequency] if known.subscription else None
    with use_language("fr"):
        if every_ is None or every_.days:
            return format_date(one.due_on)
    months = list(MONTHS)
    last = next((h for h in reversed(known.here) if h.first_day and h.last_day), None)
    length = 1
    if last and last.first_day and last.last_day and last.first_day.year == last.last_day.year:
        length = min(last.last_day.month - last.first_day.month + 1, every_.months)
    end = min(one.due_on.month + length - 1, 12)
    first = months[one.due_on.month - 1]
    return f"{first}-{months[end - 1]} {one.due_on.year}" if length > 1 else f"{first} {one.due_on.year}"


def blank_row(known: Known, number: str = "") -> Row:
    """For an issue that nobody foretold."""
    return Row(f"{known.address}.autre", known.notice_id, known.address, known.title, "", number, "", False, "")


def morning(session: Session, today: date) -> tuple[list[Known], list[Row]]:
    """What may be in the post this morning: what is late, and what is due these days; by title."""
    known = every(session, today)
    wanted: list[tuple[Known, Expected]] = []
    for title in known:
        foreseen = title.foreseen
        wanted += [(title, one) for one in foreseen.missing[-OF_ONE_TITLE:]]
        if foreseen.next and foreseen.next.due_on <= today + AHEAD:
            wanted.append((title, foreseen.next))
    copies = _call_numbers(session, [h.notice_id for title, _one in wanted for h in title.here[-6:]])
    return known, [_row(title, one, copies, today) for title, one in wanted]


def tick(session: Session, known: Iterable[Known], rows: list[Row], typed: str, today: date) -> tuple[list[Row], str]:
    """The row that a few letters of a title mean, and perhaps a number (« gaz 213 »), ticked; else a sentence why not.

    Of several issues of the title, the one due nearest to today; one that is not due yet, only where there is no other.
    """
    words, number = typed, ""
    found = _named(known, words)
    if not found and (split := re.fullmatch(r"(.*\S)\s+(?:n°\s*)?(\d\S*)", typed)):
        words, number = split[1], split[2]
        found = _named(known, words)
    if not found:
        return rows, _("Aucun de vos périodiques ne s’appelle « %(words)s ».") % {"words": words}
    if len(found) > 1:
        names = " ; ".join(title.title for title in found[:6]) + ("…" if len(found) > 6 else "")
        return rows, _("Plusieurs titres répondent à « %(words)s » : %(titles)s. Écrivez quelques lettres de plus.") % {
            "words": words,
            "titles": names,
        }
    title = found[0]
    foreseen = title.foreseen
    due = sorted(
        (*foreseen.missing, *filter(None, [foreseen.next])),
        key=lambda one: (
            bool(number) and fold(one.number) != fold(number),
            one.due_on > today + AHEAD,
            abs((one.due_on - today).days),
        ),
    )
    if due and (not number or fold(due[0].number) == fold(number)):
        copies = _call_numbers(session, [h.notice_id for h in title.here[-6:]])
        row = _row(title, due[0], copies, today)
    else:
        row = blank_row(title, number)
    at = next((n for n, one in enumerate(rows) if one.name == row.name), None)
    if at is None:
        return [replace(row, ticked=True), *rows], ""
    return [replace(rows[at], ticked=True), *rows[:at], *rows[at + 1 :]], ""


def _named(known: Iterable[Known], words: str) -> list[Known]:
    """Titles that begin so (« rev » is « La Revue »), else that have these letters; one that is called exactly so is
    alone."""
    asked = fold(words)
    named = [(fold(title.title), title) for title in known]
    for says in (
        lambda name: name == asked,
        lambda name: name.startswith(asked) or sort_key(name).startswith(asked),
        lambda name: f" {asked}" in name,
        lambda name: asked in name,
    ):
        if asked and (found := [title for name, title in named if says(name)]):
            return found
    return []


def received_in(session: Session, batch_id: int) -> list[Article]:
    """The issues that a lot brought in: to take their articles out of."""
    statement = (
        select(Notice.address, Notice.title)
        .join(Revision, (Revision.entity == "notice") & (Revision.entity_id == Notice.id))
        .where(Revision.batch_id == batch_id, Revision.version == 1, Notice.level == "issue")
        .order_by(Notice.id)
    )
    return [Article(address, title_or_none(name)) for address, name in session.execute(statement)]
