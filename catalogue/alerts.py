"""What the documentalist is told by mail, and once: a harvest that failed, and what has waited for a week.

Nothing is sent where no mail server or no address is set. Who looks is the worker, every hour, or `travee harvest` at
its end, so that it makes no difference what starts the nights. What was told is remembered among the settings: a
source that fails night after night is told once, and again after a week, until a harvest of it is complete; the inbox
once a week at most, and only when something new has come of age in it. Who sends a letter takes it first, for nobody
else to send it too. A mail server that is down stops nothing: the same letter is tried again an hour later, and the
desk says so meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, inbox, mail, nights, remembered
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.i18n import _, format_date, format_instant, format_number, ngettext, of, use_language
from catalogue.models import Run, Source
from catalogue.problems import sentence

log = logging.getLogger("travee")

A_WEEK = timedelta(days=7)
LOOKED_AT = 100  # harvests of a source
A_NIGHT = timedelta(hours=20)  # of failures, after which nobody is left to try again
TAKEN_FOR = timedelta(minutes=10)  # a letter takes seconds; a mail server that hangs is left after one
SENDING = "mail.sending:"
TOLD_RUN, TOLD_INBOX, TROUBLE = "mail.run:", "mail.inbox", "mail.trouble"

Send = Callable[[str, str, str, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Alert:
    """A letter to write, and what is remembered once it is gone."""

    name: str
    remember: Any
    subject: str
    paragraphs: tuple[str, ...]
    known: Any = None  # what was remembered when it was written


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last letter that could not go, for the desk."""

    at: datetime
    words: str


def check(database: Database, settings: Settings, *, now: datetime | None = None, send: Send = mail.send) -> int:
    """Write what there is to write. Returns how many letters went out."""
    if not settings.mail_url or not settings.admin_email:
        return 0
    at = now or db.now()
    with use_language(settings.language), database.read() as session:
        alerts = list(_alerts(session, settings, at))
        recovered = _recovered(session)
    if recovered:
        with database.write() as session:
            for number in recovered:
                remembered.forget(session, f"{TOLD_RUN}{number}")
    sent = 0
    for alert in alerts:
        if not _claim(database, alert, at):
            continue
        try:
            send(settings.mail_url, settings.admin_email, alert.subject, alert.paragraphs)
        except mail.NotSent as failure:
            log.warning("a letter could not be sent: %s", failure)
            with database.write() as session:
                remembered.forget(session, f"{SENDING}{alert.name}")
                remembered.write(session, TROUBLE, {"at": at.isoformat(), "words": str(failure)})
            break
        with database.write() as session:
            remembered.write(session, alert.name, alert.remember)
            remembered.forget(session, f"{SENDING}{alert.name}")
            remembered.forget(session, TROUBLE)
        sent += 1
    return sent


def _claim(database: Database, alert: Alert, at: datetime) -> bool:
    """Whether this letter is ours to send: the worker and `travee harvest` may have it ready in the same minute.

    Who has taken one and died leaves it to whoever looks after `TAKEN_FOR`.
    """
    name = f"{SENDING}{alert.name}"
    with database.write() as session:
        history.turn(session)
        taken = remembered.read(session, name)
        if taken and at - TAKEN_FOR < datetime.fromisoformat(taken) <= at + TAKEN_FOR:
            return False
        if remembered.read(session, alert.name) != alert.known:
            return False  # it went out since we looked
        remembered.write(session, name, at.isoformat())
        return True


def amiss(settings: Settings) -> str:
    """Why no letter could ever go with these settings, in a sentence; "" when one could, or none is wished."""
    if not settings.mail_url:
        return ""
    if not settings.admin_email:
        return _("Aucune alerte ne partira : TRAVEE_ADMIN_EMAIL ne dit pas à qui l’écrire.")
    try:
        mail.parse_url(settings.mail_url, default_sender=settings.admin_email)
    except mail.NotSent as fault:
        return _("Aucune alerte ne partira. %(fault)s") % {"fault": fault}
    return ""


def trouble(session: Session) -> Trouble | None:
    kept = remembered.read(session, TROUBLE)
    return Trouble(datetime.fromisoformat(kept["at"]), kept["words"]) if kept else None


# --- what there is to say --------------------------------------------------------------------


def _alerts(session: Session, settings: Settings, at: datetime) -> Iterator[Alert]:
    zone = ZoneInfo(settings.timezone)
    for source in nights.harvested(session):
        failed = _failures(session, source.id)
        if not failed or not _is_left(session, source.id, failed, at, zone):
            continue
        name = f"{TOLD_RUN}{source.id}"
        told = remembered.read(session, name)
        if told is None or at - datetime.fromisoformat(told) >= A_WEEK:
            yield Alert(name, at.isoformat(), *_failed(session, settings, source, failed, at), known=told)
    if (waits := _waits(session, at)) is not None:
        yield replace(waits_alert(settings, at, *waits), known=remembered.read(session, TOLD_INBOX))


def _harvests(session: Session, source_id: int) -> list[Run]:
    """The last that have ended, the newest first; a replay asks nothing of the partner."""
    statement = (
        select(Run)
        .where(Run.source_id == source_id, Run.kind == "harvest", Run.status != "running")
        .where(Run.checkpoint["replay_of"].as_string().is_(None))
        .order_by(Run.id.desc())
        .limit(LOOKED_AT)
    )
    return list(session.scalars(statement))


def _failures(session: Session, source_id: int) -> list[Run]:
    """The runs since the last complete one, the newest first."""
    return list(takewhile(lambda run: run.status == "incomplete", _harvests(session, source_id)))


def _is_left(session: Session, source_id: int, failed: Sequence[Run], at: datetime, zone: ZoneInfo) -> bool:
    """Whether nothing more is tried before somebody looks: the night is given up, or no schedule tries again."""
    if not nights.get_schedule(session, source_id).on:
        return True
    return nights.given_up(session, source_id, at, zone) or at - failed[-1].started_at > A_NIGHT


def _recovered(session: Session) -> list[str]:
    """The sources that were told to fail, and whose last harvest is complete."""
    told = remembered.read_all(session, TOLD_RUN)
    return [number for number in told if number.isdecimal() and not _failures(session, int(number))]


def _failed(
    session: Session, settings: Settings, source: Source, failed: Sequence[Run], at: datetime
) -> tuple[str, tuple[str, ...]]:
    run, plan = failed[0], nights.plan(session, source.id, at, ZoneInfo(settings.timezone))
    reason = sentence(run.reason["code"], run.reason.get("params")) if run.reason else _("La raison n’est pas connue.")
    received = int(run.counts.get("received", 0))
    kept = ngettext(
        "%(n)s notice était arrivée : elle est gardée, et rien n’a été enlevé ici.",
        "%(n)s notices étaient arrivées : elles sont gardées, et rien n’a été enlevé ici.",
        received,
    ) % {"n": format_number(received)}
    said = {"of_source": of(source.name), "at": format_instant(run.started_at), "n": format_number(len(failed))}
    opening = ngettext(
        "La moisson %(of_source)s n’est pas allée au bout. Elle avait commencé : %(at)s.",
        "La moisson %(of_source)s n’est pas allée au bout, %(n)s fois de suite. La dernière : %(at)s.",
        len(failed),
    )
    paragraphs = [
        opening % said,
        reason,
        kept if received else _("Rien n’est arrivé, et rien n’a été enlevé ici."),
        *([_("Travée réessaiera : %(at)s.") % {"at": format_instant(plan.at)}] if plan else []),
        _("Ce qui est arrivé, et le bouton pour relancer la moisson :")
        + "\n"
        + _address(settings, f"/bureau/moissons/{run.id}"),
        _signed(settings),
    ]
    subject = _("%(centre)s : la moisson %(of_source)s a échoué") % {
        "centre": settings.centre_name,
        "of_source": of(source.name),
    }
    return subject, tuple(paragraphs)


def _waits(session: Session, at: datetime) -> tuple[dict[str, str], list[inbox.InboxEntry], dict[str, int]] | None:
    """The oldest of each kind that has waited for a week, when one of them is news; a failed night has its own letter.

    Of each kind the oldest is remembered: while it waits, what waits behind it is no news.
    """
    told = remembered.read(session, TOLD_INBOX) or {}
    if told and at - A_WEEK < datetime.fromisoformat(told["at"]) <= at:
        return None
    kinds = [kind for kind in inbox.KINDS if kind != "run"]
    oldest = [one for one in inbox.list_inbox(session, kinds=kinds, limit=1, at=at) if one.age >= A_WEEK]
    refs = {one.kind: one.ref for one in oldest}
    known = told.get("oldest") or {}
    if all(known.get(kind) == ref for kind, ref in refs.items()):
        return None
    return refs, oldest, inbox.count_inbox(session)


def waits_alert(
    settings: Settings,
    at: datetime,
    refs: dict[str, str],
    oldest: Iterable[inbox.InboxEntry],
    counts: dict[str, int],
) -> Alert:
    """« À revoir » has waited: how many of each kind, since when, and where. No visitor's name leaves the base."""
    lines = [
        _("- %(kind)s : %(n)s, depuis le %(day)s")
        % {"kind": one.label, "n": format_number(counts.get(one.kind, 1)), "day": format_date(one.since)}
        for one in oldest
    ]
    paragraphs = (
        _("Dans « À revoir », ceci attend depuis plus d’une semaine :"),
        "\n".join(lines),
        _("Rien ne presse pour la machine : rien ne change au catalogue sans votre décision. Pour décider :")
        + "\n"
        + _address(settings, "/bureau/a-revoir"),
        _signed(settings),
    )
    subject = _("%(centre)s : « À revoir » vous attend") % {"centre": settings.centre_name}
    return Alert(TOLD_INBOX, {"at": at.isoformat(), "oldest": refs}, subject, paragraphs)


def _address(settings: Settings, path: str) -> str:
    """Where to click; without TRAVEE_BASE_URL, the path, which is better than an address that leads nowhere."""
    return settings.base_url.rstrip("/") + path


def _signed(settings: Settings) -> str:
    words = _("Travée, le catalogue %(of_centre)s. Ce message est envoyé une fois ; inutile d’y répondre.")
    return "-- \n" + words % {"of_centre": of(settings.centre_name)}
