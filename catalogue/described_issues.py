"""Articles of a periodical whose issue nobody has noted as received: it was described, so evidently it is here.

Ours alone: what a partner describes may stand on the partner's shelves only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from catalogue import dates, forecast, form, history, notices, periodical_pages, periodicals, unimarc
from catalogue.date_words import spoken
from catalogue.desk_history import title_or_none
from catalogue.models import LIVING, Batch, Notice, NoticeLink
from catalogue.periodical_pages import Article
from catalogue.periodical_titles import Known, issue_words
from catalogue.periodicals import Arrival, Receipt
from catalogue.text import fold

MOST_ARTICLES = 300  # the latest, of one title


@dataclass(frozen=True, slots=True)
class Described:
    """An issue that articles name and that none is tied to. `key` names it in a form."""

    key: str
    number: str
    dated: str
    articles: tuple[Article, ...]
    received: bool  # it came since: its articles are only to be put under it

    @property
    def words(self) -> str:
        return issue_words(self.number, spoken(self.dated))


def of(session: Session, known: Known) -> list[Described]:
    """The latest first."""
    out = []
    for key, articles in _by_issue(session, known.notice_id).items():
        _one, number, dated = articles[0]
        period = forecast.period_of(dates.understand(dated).edtf)
        received = period is not None and periodicals.here_as(known.here, number, period[0]) is not None
        shown = tuple(Article(one.address, title_or_none(one.title)) for one, _number, _dated in reversed(articles))
        out.append(Described(key, number, dated, shown, received))
    return out


def _by_issue(session: Session, serial_id: int) -> dict[str, list[tuple[Notice, str, str]]]:
    """The articles with the number and the date of their issue, by issue."""
    hosted, tied = aliased(NoticeLink), aliased(NoticeLink)
    found = (
        select(Notice)
        .join(hosted, (hosted.notice_id == Notice.id) & (hosted.relation == "host_serial"))
        .where(hosted.target_id == serial_id, Notice.level == "article", Notice.status.in_(LIVING))
        .where(Notice.owner_id == notices.our_centre(session).id)
        .where(~exists().where(tied.notice_id == Notice.id, tied.relation == "host_issue", tied.target_id.is_not(None)))
        .order_by(Notice.id.desc())
        .limit(MOST_ARTICLES)
    )
    out: dict[str, list[tuple[Notice, str, str]]] = {}
    for one in session.scalars(found):
        issue = unimarc.host_issue(one.fields)
        if issue and (issue.volume or issue.date):
            period = forecast.period_of(dates.understand(issue.date).edtf)
            key = f"{fold(issue.volume)}|{period[0] if period else fold(issue.date)}"
            out.setdefault(key, []).append((one, issue.volume, issue.date))
    return out


def hold(session: Session, known: Known, key: str, today: date, *, by: str) -> Receipt:
    """« Nous l’avons »: the issue is received as if it had been ticked, its articles are tied to it; one lot."""
    articles = _by_issue(session, known.notice_id).get(key)
    if articles is None:
        return Receipt(None, (), ())
    _one, number, dated = articles[0]
    rows = periodical_pages.foretold(session, known, today)
    row = next((row for row in rows if number and fold(row.number) == fold(number)), None)
    told = (row.key, row.copy, row.call_number) if row else ("", False, "")
    receipt = periodicals.receive(session, [Arrival(known.notice_id, number, dated, *told)], by=by)
    address = next((made for _arrival, made in receipt.made), "") or receipt.refused[0].address
    if not address:
        return receipt
    batch = (
        session.get_one(Batch, receipt.batch_id) if receipt.batch_id else history.open_batch(session, "receive", by=by)
    )
    journal = form.Journal(known.title, "", "", {fold(number): address})
    notices.revise_many(session, [(one, _tied(one, journal)) for one, _number, _dated in articles], batch=batch)
    return Receipt(batch.id, receipt.made, ())


def _tied(article: Notice, journal: form.Journal) -> unimarc.Fields:
    before = [f for f in article.fields if f["t"] != "463"]
    said = form.all_journals(article.fields)
    return form.link(before, article.fields, {}, {fold(text): journal for text in said})[0]
