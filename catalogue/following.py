"""What of the collection somebody should see to: copies late in coming back, issues that did not come, dead links, a
clean-up under way. Counted in a few queries, for « Aujourd'hui » and for « Reprise de poste »; plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import cleaning, dead_links, periodicals
from catalogue.cleaning import looking
from catalogue.forecast import Foreseen
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import LIVING, CleaningGroup, DigitalDocument, Item, Notice, Subscription

UNDER_WAY = timedelta(days=14)  # a clean-up nobody has gone on with for so long is no news any more


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to see to; the page knows where, by `page` and `task`. `since`: when the oldest of it began to wait."""

    page: str  # "loans", "periodicals", "links", "cleaning"
    words: str
    n: int
    since: datetime | None = None
    task: str = ""  # the clean-up task


def matters(session: Session, now: datetime, zone: tzinfo) -> list[Matter]:
    """All of them but the clean-up, what somebody outside is concerned with first."""
    today = now.astimezone(zone).date()
    found = (late_loans(session, today, zone), late_issues(session, today, zone), faulty_links(session))
    return [matter for matter in found if matter is not None]


def late_loans(session: Session, today: date, zone: tzinfo) -> Matter | None:
    late = Item.status == "on_loan", Item.lent_until < today
    n, oldest = session.execute(select(func.count(), func.min(Item.lent_until)).where(*late)).one()
    words = ngettext("%(n)s exemplaire aurait dû revenir", "%(n)s exemplaires auraient dû revenir", n or 0) % {
        "n": format_number(n or 0)
    }
    return Matter("loans", words, n, _morning(oldest, zone)) if n else None


def late_issues(session: Session, today: date, zone: tzinfo) -> Matter | None:
    missing = [one.due_on for _title, found in foreseen(session, today) for one in found.missing]
    n = len(missing)
    words = ngettext("%(n)s numéro attendu n’est pas venu", "%(n)s numéros attendus ne sont pas venus", n) % {
        "n": format_number(n)
    }
    return Matter("periodicals", words, n, _morning(min(missing), zone)) if n else None


def foreseen(session: Session, today: date) -> list[tuple[str, Foreseen]]:
    """What should have come and what comes next of each title that we subscribe to; nobody waits for the others."""
    waited = select(Subscription, Notice.status, Notice.title).join(Notice, Notice.id == Subscription.notice_id)
    found = session.execute(waited.where(Subscription.frequency != ""))
    rows = [(row, title) for row, status, title in found if status in LIVING]
    ids = [row.notice_id for row, _title in rows]
    if not ids:
        return []
    here, said = periodicals.held(session, ids), periodicals.settled(session, ids)
    return [
        (title, periodicals.foresee(row, here[row.notice_id], said.get(row.notice_id, ()), today))
        for row, title in rows
    ]


def faulty_links(session: Session) -> Matter | None:
    since = session.scalar(select(func.min(DigitalDocument.failing_since)))
    n = dead_links.count(session) if since else 0
    words = ngettext("%(n)s lien ne répond plus", "%(n)s liens ne répondent plus", n) % {"n": format_number(n)}
    return Matter("links", words, n, since) if n else None


def under_way(session: Session, now: datetime) -> list[Matter]:
    """The clean-up tasks somebody has worked at these days and that are not finished: « 118/260 faits, à suivre »."""
    rows = select(CleaningGroup.task, func.max(CleaningGroup.done_at)).where(CleaningGroup.done_by != "")
    last: dict[str, datetime] = {task: at for task, at in session.execute(rows.group_by(CleaningGroup.task)) if at}
    tasks = [task for task in cleaning.CHANTIERS if task in last and last[task] > now - UNDER_WAY]
    if not tasks:
        return []
    left = looking.counts(session, tasks)
    done = looking.settled_since(session, dict.fromkeys(tasks, now - UNDER_WAY), CleaningGroup.done_by != "")
    out = []
    for task in sorted(tasks, key=lambda task: last[task], reverse=True):
        n, settled = left[task].left, done.get(task, 0)
        said = {
            "task": _(cleaning.CHANTIERS[task].title),
            "done": format_number(settled),
            "all": format_number(settled + n),
        }
        if n:
            out.append(Matter("cleaning", _("%(task)s : %(done)s/%(all)s faits, à suivre") % said, n, None, task))
    return out


def left_behind(session: Session) -> list[Matter]:
    """The clean-up tasks somebody has begun, however long ago, and that are not finished."""
    rows = select(CleaningGroup.task, func.max(CleaningGroup.done_at)).where(CleaningGroup.done_by != "")
    last: dict[str, datetime] = {task: at for task, at in session.execute(rows.group_by(CleaningGroup.task)) if at}
    tasks = [task for task in cleaning.CHANTIERS if task in last]
    left = looking.counts(session, tasks)
    return [_begun(task, left[task].left, last[task]) for task in tasks if left[task].left]


def _begun(task: str, n: int, since: datetime) -> Matter:
    said = {"task": _(cleaning.CHANTIERS[task].title), "n": format_number(n)}
    words = ngettext(
        "Nettoyage commencé, %(task)s : %(n)s groupe encore", "Nettoyage commencé, %(task)s : %(n)s groupes encore", n
    )
    return Matter("cleaning", words % said, n, since, task)


def _morning(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None
