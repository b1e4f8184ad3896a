"""« Reprise de poste »: where things stand, for somebody who takes the post over after months without anybody.

Made on demand from what the base knows (what runs by itself, what waits and since when, which rules decide and who
made them), and from what the last person wrote down for the next one: contacts, the year, a word. What they wrote
is kept in its last versions, so that a text emptied by mistake is not lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import (
    backup_plan,
    db,
    desk_reading,
    following,
    inbox,
    nights,
    notices,
    ordinary_week,
    remembered,
    runs,
    source_rules,
    sources,
)
from catalogue.desk_history import title_or_none
from catalogue.form import many_lines
from catalogue.i18n import N_, _, format_date, format_number, ngettext, of
from catalogue.merging import rules
from catalogue.models import Batch, Item, KeptForm, Notice, Refused, User
from catalogue.ordinary_week import Week
from catalogue.users import ROLE_WORDS

TEXTS, BEFORE = "handover.texts", "handover.before"
KEPT_VERSIONS = 10
LONGEST = 20_000
LONG_WAIT = timedelta(days=30)
MISSED = timedelta(days=3)  # without a backup
SHOWN_DRAFTS = 10
# What a person writes for the next one: its name in the form, its title, what belongs there.
WRITTEN: Mapping[str, tuple[str, str]] = {
    "mot": (N_("Un mot pour la suite"), N_("Ce qui est en cours, et ce qu’il ne faut pas oublier.")),
    "contacts": (N_("Contacts"), N_("Chez chaque partenaire, le prestataire, l’informatique : qui, pour quoi.")),
    "annee": (N_("L’année"), N_("Un mois par ligne : la lettre, les journées de nettoyage, le rapport d’activité.")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to know. `page` says where to see it: the edge knows its address; `named`: the notices it is about."""

    words: str
    since: datetime | None = None
    page: str = ""
    late: bool = False  # has waited for longer than a month
    named: tuple[tuple[str, str], ...] = ()  # address, title


@dataclass(frozen=True, slots=True)
class Decided:
    """What decides without asking, for one source: its rules in words, who made them last and when."""

    source: str
    sentences: tuple[str, ...]
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Texts:
    said: Mapping[str, str]
    by: str
    at: datetime | None
    mark: str  # of what was shown: a save that follows another one's is told


@dataclass(frozen=True, slots=True)
class Handover:
    base: tuple[Line, ...]
    alone: tuple[Line, ...]
    waiting: tuple[Line, ...]
    rules: tuple[Decided, ...]
    habits: tuple[tuple[str, str], ...]
    team: tuple[Line, ...]
    texts: Texts
    week: Week


def read(session: Session, now: datetime, zone: ZoneInfo, *, habits: tuple[tuple[str, str], ...] = ()) -> Handover:
    """Everything at once; `habits`: what the outside sources are no more asked for, in words."""
    return Handover(
        base=tuple(_base(session)),
        alone=tuple(_alone(session, now, zone)),
        waiting=(*_waiting(session, now), *_following(session, now, zone)),
        rules=tuple(_rules(session)),
        habits=habits,
        team=tuple(_team(session)),
        texts=texts(session),
        week=ordinary_week.read(session, now, zone),
    )


# --- what the base is ------------------------------------------------------------------------


def _base(session: Session) -> list[Line]:
    ours = notices.our_centre(session).id
    shown = Notice.status == "published"
    mine, theirs = (
        session.scalar(select(func.count()).select_from(Notice).where(shown, (Notice.owner_id == ours).is_(is_ours)))
        or 0
        for is_ours in (True, False)
    )
    copies = session.scalar(select(func.count()).select_from(Item).where(Item.centre_id == ours)) or 0
    last = session.execute(
        select(Batch.at, Batch.by).where(Batch.kind.in_(("create", "publish"))).order_by(Batch.id.desc()).limit(1)
    ).first()
    lines: list[Line | None] = [
        _counted(mine, ngettext("%(n)s notice dans notre fonds", "%(n)s notices dans notre fonds", mine), "results"),
        _counted(theirs, ngettext("%(n)s notice des partenaires", "%(n)s notices des partenaires", theirs)),
        _counted(copies, ngettext("%(n)s exemplaire", "%(n)s exemplaires", copies), "inventory"),
    ]
    if last:
        lines.append(Line(_("Dernière notice saisie par %(by)s") % {"by": last.by}, since=last.at))
    return [line for line in lines if line is not None]


def _counted(n: int, words: str, page: str = "") -> Line | None:
    return Line(words % _n(n), page=page) if n else None


def _n(n: int) -> dict[str, str]:
    return {"n": format_number(n)}


# --- what runs by itself ---------------------------------------------------------------------


def _alone(session: Session, now: datetime, zone: ZoneInfo) -> list[Line]:
    last = {line.source: line for line in runs.last_lines(session, now)}
    out = []
    for night in runs.list_nights(session, now, zone):
        said = {"of_source": of(night.name), "schedule": night.schedule}
        words = _("Moisson %(of_source)s : %(schedule)s.") % said
        if night.next:
            words += " " + _("Prochaine fois : %(when)s.") % {"when": night.next}
        if (done := last.get(night.name)) is not None:
            words += " " + _("La dernière : %(day)s, %(state)s.") % {
                "day": format_date(done.at),
                "state": done.state_words,
            }
        out.append(Line(words, page="runs"))
    out.append(
        Line(_("Chaque nuit, Travée cherche les doublons possibles parmi les notices écrites depuis la veille."))
    )
    out.append(_backups(session, now))
    kept = nights.keep_days(session)
    out.append(Line(_("Les pages reçues des partenaires sont gardées %(n)s jours, puis effacées.") % _n(kept)))
    out.append(Line(_("Les données personnelles des demandes sont effacées d’elles-mêmes ; les notices, jamais.")))
    return out


def _backups(session: Session, now: datetime) -> Line:
    """Whether there is one, and whether to worry."""
    plan, made = backup_plan.read(session), backup_plan.last(session)
    if not plan.on:
        words = _("Aucune sauvegarde ne se fait d’elle-même : demandez à un administrateur comment la base est gardée.")
        return Line(words, page="backups")
    said = _("Chaque nuit, toute la base est sauvegardée dans un fichier.")
    if why := backup_plan.trouble(session):
        last = _("La dernière n’a pas pu être écrite : %(why)s. Dites-le à un administrateur.") % {"why": why}
    elif made is None:
        last = _(
            "La première se fera vers %(hour)s h ; si cette ligne est encore là demain, dites-le à un administrateur."
        )
        last %= {"hour": plan.hour}
    elif now - made > MISSED:
        last = _("La dernière est du %(day)s : c’est trop vieux, dites-le à un administrateur.") % _day(made)
    else:
        last = _("La dernière : %(day)s.") % _day(made)
    return Line(f"{said} {last}", page="backups")


def _day(at: datetime) -> dict[str, str]:
    return {"day": format_date(at)}


# --- what waits ------------------------------------------------------------------------------


def _waiting(session: Session, now: datetime) -> list[Line]:
    lines = []
    for kind, n in desk_reading.waiting(session).items():
        oldest = next(iter(inbox.list_inbox(session, kinds=(kind,), limit=1, at=now)), None)
        lines.append(_aged(desk_reading.counted(kind, n), oldest.since if oldest else None, now, "inbox"))
    refused = _oldest(session, select(func.count(), func.min(Refused.created_at)).where(Refused.settled_at.is_(None)))
    if refused[0]:
        words = ngettext("%(n)s notice refusée, gardée", "%(n)s notices refusées, gardées", refused[0])
        lines.append(_aged(words % _n(refused[0]), refused[1], now, "refused"))
    drafts = _oldest(session, select(func.count(), func.min(Notice.updated_at)).where(Notice.status == "draft"))
    if drafts[0]:
        words = ngettext("%(n)s brouillon", "%(n)s brouillons", drafts[0])
        line = _aged(words % _n(drafts[0]), drafts[1], now, "")
        first = select(Notice.address, Notice.title).where(Notice.status == "draft").order_by(Notice.updated_at)
        rows = session.execute(first.limit(SHOWN_DRAFTS))
        lines.append(replace(line, named=tuple((address, title_or_none(title)) for address, title in rows)))
    kept = _oldest(session, select(func.count(), func.min(KeptForm.kept_at)))
    if kept[0]:
        words = ngettext(
            "%(n)s saisie commencée, pas enregistrée", "%(n)s saisies commencées, pas enregistrées", kept[0]
        )
        of_whom = session.scalars(select(KeptForm.login).distinct().order_by(KeptForm.login))
        where = _("(%(names)s ; chacun retrouve les siennes dans « Cataloguer »)") % {"names": ", ".join(of_whom)}
        lines.append(_aged(f"{words % _n(kept[0])} {where}", kept[1], now, "begun"))
    return lines


def _following(session: Session, now: datetime, zone: ZoneInfo) -> list[Line]:
    """What of the collection somebody should see to, and the clean-up that was begun."""
    found = [*following.matters(session, now, zone), *following.left_behind(session)]
    return [_aged(one.words, one.since, now, one.page + (f":{one.task}" if one.task else "")) for one in found]


def _oldest(session: Session, statement: Any) -> tuple[int, datetime | None]:
    n, since = session.execute(statement).one()
    return int(n), since


def _aged(words: str, since: datetime | None, now: datetime, page: str) -> Line:
    return Line(words, since, page, late=since is not None and now - since > LONG_WAIT)


# --- what decides, and who is there ----------------------------------------------------------


def _rules(session: Session) -> list[Decided]:
    out = []
    for source in sources.list_sources(session):
        if said := rules.sentences(source_rules.of_source(source)):
            last = next(iter(source_rules.changes_of(source)), None)
            out.append(Decided(source.name, tuple(said), last.by if last else "", last.at if last else None))
    return out


def _team(session: Session) -> list[Line]:
    acts = select(func.max(Batch.at)).where(Batch.by == User.login).scalar_subquery()
    columns = User.login, User.name, User.email, User.role, acts
    rows = session.execute(select(*columns).where(User.disabled_at.is_(None)).order_by(User.login))
    return [
        Line(" · ".join(part for part in (name or login, _(ROLE_WORDS[role]), email) if part), since=last)
        for login, name, email, role, last in rows
    ]


# --- what was written for the next one -------------------------------------------------------


def texts(session: Session) -> Texts:
    kept = remembered.read(session, TEXTS) or {}
    said = {name: str(kept.get(name, "")) for name in WRITTEN}
    at = datetime.fromisoformat(kept["at"]) if kept.get("at") else None
    return Texts(said, str(kept.get("by", "")), at, source_rules.mark(said))


def write(session: Session, said: Mapping[str, str], *, by: str, seen: str) -> bool:
    """Keep what was written; False when somebody has written meanwhile: nothing is then kept, the page shows both."""
    now = texts(session)
    fresh = {name: many_lines(said.get(name, ""))[:LONGEST] for name in WRITTEN}
    if fresh == now.said:
        return True
    if now.mark != seen:
        return False
    if now.at is not None:
        before = [{**now.said, "by": now.by, "at": now.at.isoformat()}, *(remembered.read(session, BEFORE) or [])]
        remembered.write(session, BEFORE, before[:KEPT_VERSIONS])
    remembered.write(session, TEXTS, {**fresh, "by": by, "at": db.now().isoformat()})
    return True


def versions(session: Session) -> list[Texts]:
    """What stood there before, latest first."""
    return [
        Texts({name: str(row.get(name, "")) for name in WRITTEN}, row["by"], datetime.fromisoformat(row["at"]), "")
        for row in remembered.read(session, BEFORE) or []
    ]
