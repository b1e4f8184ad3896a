"""The periodicals of the desk: each with what came and what is waited for, and the words for it. Read only.

Everything foretold is explained in the words of `explain`: what it rests on stands beside it. The page of one title and
the rows to tick are in `periodical_pages`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import letters, notices, periodicals
from catalogue.date_words import MONTHS, spoken
from catalogue.desk_history import title_or_none
from catalogue.forecast import FREQUENCIES, Foreseen
from catalogue.i18n import _, format_date, ngettext
from catalogue.models import LIVING, ExpectedIssue, Notice, Subscription
from catalogue.periodicals import Held
from catalogue.text import fold

PER_PAGE = 50  # titles


@dataclass(frozen=True, slots=True)
class Known:
    """A periodical with what is here of it and what is waited for."""

    notice_id: int
    address: str
    title: str
    subscription: Subscription | None
    here: tuple[Held, ...]
    said: tuple[ExpectedIssue, ...]
    foreseen: Foreseen

    @property
    def last(self) -> Held | None:
        return self.here[-1] if self.here else None

    @property
    def frequency(self) -> str:
        code = self.subscription.frequency if self.subscription else ""
        return _(FREQUENCIES[code].label) if code in FREQUENCIES else ""

    @property
    def last_words(self) -> str:
        return issue_words(self.last.number, spoken(self.last.dated)) if self.last else ""

    @property
    def next_words(self) -> str:
        one = self.foreseen.next
        return issue_words(one.number, format_date(one.due_on)) if one else ""


@dataclass(frozen=True, slots=True)
class Titles:
    lines: tuple[Known, ...]
    total: int
    late: int  # issues that should be here, of all titles
    page: int
    pages: int


def issue_words(number: str, dated: str) -> str:
    """« n° 212, mars 2024 »."""
    said = _("n° %(number)s") % {"number": number} if re.match(r"\d", number) else number
    return ", ".join(part for part in (said, dated) if part)


# --- the titles ------------------------------------------------------------------------------


def titles(session: Session, today: date, *, words: str = "", page: int = 1) -> Titles:
    """The titles we hold or subscribe to: those with late issues first, then what comes next, then the others."""
    found = [known for known in every(session, today) if fold(words) in fold(known.title)]
    found.sort(key=_in_order)
    pages = max(1, -(-len(found) // PER_PAGE))
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    bare = [known.notice_id for known in shown if known.subscription is None]
    here = periodicals.held(session, bare) if bare else {}
    lines = [replace(known, here=tuple(here.get(known.notice_id, known.here))) for known in shown]
    return Titles(tuple(lines), len(found), sum(len(known.foreseen.missing) for known in found), page, pages)


def _in_order(known: Known) -> tuple[bool, bool, date, str]:
    foreseen = known.foreseen
    due = foreseen.next.due_on if foreseen.next else date.max
    return (not foreseen.missing, known.subscription is None, foreseen.late_since or due, fold(known.title))


def every(session: Session, today: date) -> list[Known]:
    """Every title of ours; what came and what is waited for, only of those that we subscribe to."""
    ours = notices.our_centre(session).id
    statement = (
        select(Notice.id, Notice.address, Notice.title, Subscription)
        .outerjoin(Subscription, (Subscription.notice_id == Notice.id) & (Subscription.frequency != ""))
        .where(Notice.level == "serial", Notice.status.in_(LIVING))
        .where((Notice.owner_id == ours) | Subscription.notice_id.is_not(None))
        .order_by(Notice.sort_key, Notice.id)
    )
    rows = [(number, address, name, row) for number, address, name, row in session.execute(statement)]
    waited = [number for number, _address, _name, row in rows if row is not None]
    here, said = periodicals.held(session, waited), periodicals.settled(session, waited)
    return [
        _known(number, address, name, row, here.get(number, ()), said.get(number, ()), today)
        for number, address, name, row in rows
    ]


def _known(
    number: int,
    address: str,
    name: str,
    subscription: Subscription | None,
    here: Sequence[Held],
    said: Sequence[ExpectedIssue],
    today: date,
) -> Known:
    foreseen = periodicals.foresee(subscription, here, said, today)
    return Known(number, address, title_or_none(name), subscription, tuple(here), tuple(said), foreseen)


def find(session: Session, address: str, today: date) -> Known | None:
    serial = notices.find(session, address)
    if serial is None or serial.level != "serial" or serial.status not in LIVING:
        return None
    row = session.get(Subscription, serial.id)
    here, said = periodicals.held(session, [serial.id]), periodicals.settled(session, [serial.id])
    return _known(serial.id, address, serial.title, row, here[serial.id], said.get(serial.id, ()), today)


# --- in words ---


def explain(known: Known) -> Iterable[str]:
    """What the forecast rests on, in sentences: nobody has to believe it."""
    subscription, foreseen = known.subscription, known.foreseen
    if subscription is None or not known.frequency:
        return
    every_ = FREQUENCIES[subscription.frequency]
    if not every_.length:
        yield _("Irrégulier : rien n’est annoncé ; les numéros qui manquent entre deux reçus sont signalés.")
        return
    dated = [h for h in known.here if h.first_day]
    if dated:
        last = issue_words(dated[-1].number, spoken(dated[-1].dated))
        yield _("Le prochain est compté à partir du dernier reçu (%(last)s) et de la périodicité.") % {"last": last}
    else:
        yield _("Rien n’est encore reçu : le premier est attendu au début de l’abonnement.")
    if foreseen.yearly:
        yield _("La numérotation recommence chaque année, comme elle l’a déjà fait.")
    if off := subscription.off_months:
        yield _("Sans numéro : %(months)s.") % {"months": ", ".join(spoken(list(MONTHS)[m - 1]) for m in off)}
    days = every_.late_after
    yield ngettext(
        "Un numéro manque quand il a plus de %(n)s jour de retard.",
        "Un numéro manque quand il a plus de %(n)s jours de retard.",
        days,
    ) % {"n": days}


def letter(known: Known, issn: str, text: str, *, centre: str, address: str, today: date | datetime) -> str:
    """Ready to copy to the supplier, in the words of `text` (`catalogue.letters`): the issues claimed that have not
    come since."""
    claimed = [row for row in known.said if row.state == "claimed"]
    lines = [f"- {issue_words(row.number, format_date(row.due_on))}" for row in claimed]
    values = {
        "titre": f"{known.title} (ISSN {issn})" if issn else known.title,
        "numeros": "\n".join(lines),
        "fournisseur": known.subscription.supplier if known.subscription else "",
        "centre": centre,
        "adresse": address,
        "jour": format_date(today),
    }
    return letters.fill(text, values)
