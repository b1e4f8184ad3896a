"""Links that do not answer any more: which addresses are asked at night, what was answered, what a person does then.

A link is dead when it failed on two different nights. Who refuses a program (401, 403, 429…) is not dead, and who has
moved is told with its new address. Nothing is changed by itself: a person corrects the address, offers the copy that a
web archive keeps, or takes the link off, each in a lot. Who asks over the network is `harvest.alive`, whose answers are
the `Verdict` of here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from catalogue import db, digital, history, links, notices, remembered
from catalogue.i18n import N_, _
from catalogue.models import Batch, DigitalDocument, Notice

ASKED_ON, PER_NIGHT = "links.asked_on", "links.per_night"
USUAL_PER_NIGHT, MOST_PER_NIGHT = 300, 5_000
ANOTHER_NIGHT = timedelta(hours=18)
AGAIN, AGAIN_DEAD = timedelta(days=30), timedelta(days=7)
MOVED, HOME = "moved ", "home "  # of what answers, but elsewhere: the fault says where
# Why an address failed, as people read it.
FAULTS: Mapping[str, str] = {
    "gone": N_("la page n’existe plus"),
    "server": N_("le site est en panne"),
    "no_host": N_("le site n’existe plus à ce nom"),
    "down": N_("le site ne répond pas"),
    "slow": N_("le site met trop de temps à répondre"),
    "certificate": N_("le certificat du site n’est pas valable"),
    "loop": N_("l’adresse renvoie sans fin d’une page à une autre"),
    "bad_url": N_("l’adresse est mal écrite"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of asking. `state`: "alive", "failing", or "unsure" when nothing can be said of it.

    `fault`: a code of FAULTS when it fails, « moved … » or « home … » when it answers elsewhere.
    """

    url: str
    state: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DeadLink:
    """One address, with the notices that give it. `number`: by which a page names it."""

    number: int
    url: str
    words: str
    since: datetime | None
    checked_at: datetime | None
    notices: tuple[tuple[str, str], ...]  # (address, title)
    more: int = 0  # notices besides
    target: str = ""  # where it leads now
    archived_url: str = ""


SHOWN_NOTICES = 5


def is_due(session: Session, today: date) -> bool:
    """Whether tonight's addresses are still to be asked; they then count as asked."""
    if remembered.read(session, ASKED_ON) == today.isoformat() or per_night(session) == 0:
        return False
    remembered.write(session, ASKED_ON, today.isoformat())
    return True


def per_night(session: Session) -> int:
    """How many addresses a night; 0: none is asked."""
    kept = remembered.read(session, PER_NIGHT, USUAL_PER_NIGHT)
    return kept if isinstance(kept, int) and 0 <= kept <= MOST_PER_NIGHT else USUAL_PER_NIGHT


def set_per_night(session: Session, wished: int) -> None:
    remembered.write(session, PER_NIGHT, min(max(wished, 0), MOST_PER_NIGHT))


def to_ask(session: Session, at: datetime, most: int) -> list[str]:
    """The addresses of tonight: those that failed once, then those nobody asked yet, then the oldest answers."""
    failing = and_(DigitalDocument.failing_since.is_not(None), DigitalDocument.alive.is_not(False))
    wanted = or_(
        DigitalDocument.checked_at.is_(None),
        and_(failing, DigitalDocument.checked_at < at - ANOTHER_NIGHT),
        and_(DigitalDocument.alive.is_(False), DigitalDocument.checked_at < at - AGAIN_DEAD),
        DigitalDocument.checked_at < at - AGAIN,
    )
    first, last = func.max(case((failing, 1), else_=0)), func.min(DigitalDocument.checked_at)
    statement = (
        select(DigitalDocument.url)
        .join(Notice, Notice.id == DigitalDocument.notice_id)
        .where(_is_link(), Notice.status == "published", wanted)
        .group_by(DigitalDocument.url)
        .order_by(first.desc(), last.is_not(None), last, DigitalDocument.url)
        .limit(most)
    )
    return list(session.scalars(statement))


def write_down(session: Session, verdicts: Iterable[Verdict], at: datetime) -> None:
    """Keep what was answered, of every notice that gives these addresses; the index hears of those that change."""
    for verdict in verdicts:
        rows = session.scalars(select(DigitalDocument).where(_is_link(), DigitalDocument.url == verdict.url)).all()
        turned = {row.notice_id for row in rows if _note(row, verdict, at)}
        session.flush()
        notices.queue_index(session, turned)


def _note(row: DigitalDocument, verdict: Verdict, at: datetime) -> bool:
    """Whether the link died or came back."""
    was, row.checked_at = row.alive, at
    if verdict.state == "failing":
        row.fault = verdict.fault
        row.failing_since = row.failing_since or at
        if at - row.failing_since >= ANOTHER_NIGHT:
            row.alive = False
    else:
        row.failing_since = None
        row.fault = verdict.fault
        row.alive = True if verdict.state == "alive" else None if was is False else was
    return (was is False) != (row.alive is False)


def _is_link() -> ColumnElement[bool]:
    return and_(
        DigitalDocument.sha256 == "",
        DigitalDocument.rights != digital.REMOVED,
        or_(DigitalDocument.url.like("http://%"), DigitalDocument.url.like("https://%")),
    )


# --- listed ----------------------------------------------------------------------------------


def dead_links(session: Session, *, limit: int = 25, offset: int = 0) -> list[DeadLink]:
    """Dead links for which nobody has done anything yet, those that died first before the others."""
    return _listed(session, _to_do(), func.min(DigitalDocument.failing_since), limit, offset)


def count(session: Session) -> int:
    return _count(session, _to_do())


def moved_links(session: Session, *, limit: int = 25, offset: int = 0) -> list[DeadLink]:
    """Links that answer, but lead elsewhere for good."""
    return _listed(session, _elsewhere(), func.min(DigitalDocument.id), limit, offset)


def count_moved(session: Session) -> int:
    return _count(session, _elsewhere())


def settled_links(session: Session, *, limit: int = 25, offset: int = 0) -> list[DeadLink]:
    """Dead links that lead to the copy of a web archive."""
    return _listed(session, _settled(), func.max(DigitalDocument.failing_since), limit, offset)


def count_settled(session: Session) -> int:
    return _count(session, _settled())


def get(session: Session, number: int) -> DeadLink | None:
    row = session.get(DigitalDocument, number)
    if row is None or row.sha256 or row.rights == digital.REMOVED:
        return None
    return next(iter(_listed(session, DigitalDocument.url == row.url, func.min(DigitalDocument.id), 1, 0)), None)


def _to_do() -> ColumnElement[bool]:
    return and_(DigitalDocument.alive.is_(False), DigitalDocument.archived_url == "")


def _settled() -> ColumnElement[bool]:
    return and_(DigitalDocument.alive.is_(False), DigitalDocument.archived_url != "")


def _elsewhere() -> ColumnElement[bool]:
    fault = DigitalDocument.fault
    return and_(DigitalDocument.alive.is_(True), or_(fault.startswith(MOVED), fault.startswith(HOME)))


def _of_living(where: ColumnElement[bool]) -> ColumnElement[bool]:
    living = select(Notice.id).where(Notice.status.in_(links.LIVING))
    return and_(_is_link(), where, DigitalDocument.notice_id.in_(living))


def _count(session: Session, where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(DigitalDocument.url.distinct())).where(_of_living(where))) or 0


def _listed(
    session: Session, where: ColumnElement[bool], order: ColumnElement[Any], limit: int, offset: int
) -> list[DeadLink]:
    urls = select(DigitalDocument.url).where(_of_living(where)).group_by(DigitalDocument.url)
    page = list(session.scalars(urls.order_by(order, DigitalDocument.url).limit(limit).offset(offset)))
    given: dict[str, list[tuple[DigitalDocument, str, str]]] = {url: [] for url in page}
    rows = (
        select(DigitalDocument, Notice.address, Notice.title)
        .join(Notice, Notice.id == DigitalDocument.notice_id)
        .where(_is_link(), DigitalDocument.url.in_(page), Notice.status.in_(links.LIVING))
        .order_by(DigitalDocument.id)
    )
    for row, address, title in session.execute(rows):
        given[row.url].append((row, address, title.partition("\n")[0]))
    return [_link(several) for several in given.values()]


def _link(several: Sequence[tuple[DigitalDocument, str, str]]) -> DeadLink:
    row = several[0][0]
    return DeadLink(
        number=row.id,
        url=row.url,
        words=fault_words(row.fault),
        since=row.failing_since,
        checked_at=row.checked_at,
        notices=tuple((address, title or _("Sans titre")) for _row, address, title in several[:SHOWN_NOTICES]),
        more=max(0, len(several) - SHOWN_NOTICES),
        target=row.fault.partition(" ")[2],
        archived_url=row.archived_url,
    )


def fault_words(fault: str) -> str:
    if fault.startswith(HOME):
        return _("l’adresse renvoie à la page d’accueil d’un site")
    if fault.startswith(MOVED):
        return _("l’adresse a changé")
    return _(FAULTS[fault]) if fault in FAULTS else fault


# --- settled ---------------------------------------------------------------------------------


def offer_copy(session: Session, url: str, archived_url: str, *, by: str) -> Batch | None:
    """Lead visitors to the copy that a web archive keeps, as long as the link is dead; "" takes that back."""
    rows = session.scalars(select(DigitalDocument).where(_is_link(), DigitalDocument.url == url)).all()
    rows = [row for row in rows if row.archived_url != archived_url]
    if not rows:
        return None
    batch = history.open_batch(session, links.KIND, by=by)
    for row in rows:
        digital.revise(session, row, {"archived_url": archived_url}, batch=batch)
    notices.queue_index(session, {row.notice_id for row in rows})
    return batch


def made_on(session: Session, url: str) -> date:
    """When the first notice that gives it was made: the copy of that time is the document that was described."""
    first = select(func.min(Notice.created_at)).join(DigitalDocument, DigitalDocument.notice_id == Notice.id)
    found = session.scalar(first.where(DigitalDocument.url == url))
    return (found or db.now()).date()
