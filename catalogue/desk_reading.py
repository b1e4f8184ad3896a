"""What the desk's pages say: read in a few queries, as plain values, in the current language.

Addresses, buttons and HTML stay out: a page knows them. What is written is written by `cataloguing`,
`notices`, `items` and `lots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from catalogue import authorities, db, inbox, items, nights, notices, proposed, sources
from catalogue.desk_history import hidden_words, item_status_words, title_or_none
from catalogue.i18n import _, format_date, format_number, ngettext
from catalogue.items import Line
from catalogue.models import (
    Batch,
    Item,
    Location,
    Notice,
    Refused,
    Revision,
    Run,
    Source,
    User,
)
from catalogue.problems import sentence
from catalogue.text import plain_text

LINES_PER_PAGE = 100
SHOWN_DRAFTS = 5
MOST_CARDS = 5
SHOWN_RULED = 5  # notices that a rule has changed in the night
NIGHT = timedelta(hours=24)


# --- Aujourd'hui -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    address: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to see to; the page knows where its action leads, by `key`."""

    key: str  # "harvest", "refused", "inbox", "ruled", "drafts", "month"
    title: str
    figure: int | None = None
    sentences: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    urgent: bool = False
    lots: tuple[int, ...] = ()  # where to see it all, and to take it back


@dataclass(frozen=True, slots=True)
class Today:
    cards: tuple[Card, ...]
    quiet: bool  # nothing waits for anybody


def today(session: Session, login: str, *, local: datetime, sees_inbox: bool) -> Today:
    """At most five cards, worst first. `local` is now, on the centre's clock."""
    cards = [_harvest_card(session), _drafts_card(session, login), _month_card(session, local)]
    cards.insert(1, _ruled_card(session, local))
    if sees_inbox:
        cards[:0] = [_refused_card(session), _inbox_card(session)]
    found = [card for card in cards if card is not None]
    quiet = not any(card.urgent or card.key in ("refused", "inbox") for card in found)
    if len(found) > MOST_CARDS:  # the month can be read another day
        found = [card for card in found if card.key != "month"]
    return Today(tuple(sorted(found, key=lambda card: not card.urgent)), quiet)


def waiting(session: Session) -> dict[str, int]:
    """How many of each kind wait in « À revoir »; an incomplete harvest is told by its own card."""
    return {kind: n for kind, n in inbox.count_inbox(session).items() if kind != "run"}


def _inbox_card(session: Session) -> Card | None:
    counts = waiting(session)
    if not counts:
        return None
    told = tuple(counted(kind, n) for kind, n in counts.items())
    return Card("inbox", _("À revoir"), sum(counts.values()), told)


def counted(kind: str, n: int) -> str:
    words = {
        "request": ngettext("%(n)s demande de visiteur", "%(n)s demandes de visiteurs", n),
        "candidate": ngettext("%(n)s nouvelle notice", "%(n)s nouvelles notices", n),
        "safe": ngettext("%(n)s ajout sûr", "%(n)s ajouts sûrs", n),
        "update": ngettext("%(n)s mise à jour chez un partenaire", "%(n)s mises à jour chez des partenaires", n),
        "conflict": ngettext("%(n)s conflit avec un partenaire", "%(n)s conflits avec des partenaires", n),
        "deleted": ngettext(
            "%(n)s notice supprimée chez un partenaire", "%(n)s notices supprimées chez un partenaire", n
        ),
        "twin": ngettext("%(n)s doublon possible", "%(n)s doublons possibles", n),
        "lookup": ngettext("%(n)s recherche refaite la nuit", "%(n)s recherches refaites la nuit", n),
    }
    return words.get(kind, "%(n)s") % {"n": format_number(n)}


def _refused_card(session: Session) -> Card | None:
    n = session.scalar(select(func.count()).select_from(Refused).where(Refused.settled_at.is_(None))) or 0
    if not n:
        return None
    words = ngettext(
        "notice reçue n’a pas pu entrer ; elle est gardée", "notices reçues n’ont pas pu entrer ; elles sont gardées", n
    )
    return Card("refused", _("Notices refusées"), n, (words,))


def _harvest_card(session: Session) -> Card | None:
    latest = select(func.max(Run.id)).where(Run.kind == "harvest").group_by(Run.source_id)
    rows = session.execute(
        select(Run, Source.name)
        .join(Source, Source.id == Run.source_id)
        .where(Run.id.in_(latest), Source.removed_at.is_(None))
        .order_by(Run.id.desc())
    ).all()
    if not rows:
        return None
    told = tuple(harvest_sentence(run, name) for run, name in rows)
    urgent = any(run.status == "incomplete" for run, _name in rows)
    return Card("harvest", _("Dernière moisson"), sentences=told, urgent=urgent)


def last_harvest(session: Session) -> str:
    """The latest harvest in a sentence, "" when there was none."""
    card = _harvest_card(session)
    return card.sentences[0] if card else ""


def harvest_sentence(run: Run, name: str) -> str:
    """« RECI, le 21 mars 2024 : complète. 31 nouvelles notices, 4 mises à jour. »"""
    said = {"source": name, "day": format_date(run.started_at)}
    if nights.is_stopped(run, db.now()):
        return _("%(source)s, le %(day)s : interrompue.") % said
    if run.status == "running":
        return _("%(source)s, le %(day)s : en cours.") % said
    new, matched, updated = (int(run.counts.get(what, 0)) for what in ("new", "matched", "updated"))
    news = ngettext("%(n)s nouvelle notice", "%(n)s nouvelles notices", new) % {"n": format_number(new)}
    moved = ngettext("%(n)s mise à jour", "%(n)s mises à jour", updated) % {"n": format_number(updated)}
    if matched:  # a first harvest of a base that was imported is nothing else
        words = ngettext("%(n)s reconnue", "%(n)s reconnues", matched) % {"n": format_number(matched)}
        news = f"{news}, {words}"
    state = _("complète") if run.status == "complete" else _("incomplète")
    reason = sentence(run.reason["code"], run.reason.get("params")) if run.reason else ""
    return " ".join(
        part for part in (_("%(source)s, le %(day)s :") % said, f"{state}.", reason, f"{news}, {moved}.") if part
    )


def _ruled_card(session: Session, local: datetime) -> Card | None:
    """What rules have changed since yesterday at this hour, without asking: nobody else would tell."""
    by_people = select(User.login)  # « Appliquer les règles » is somebody's act
    since = (Batch.kind == "rule") & (Batch.at > local - NIGHT) & Batch.by.not_in(by_people)
    changed = (
        select(Revision.entity_id, func.max(Revision.id).label("last"))
        .join(Batch, Batch.id == Revision.batch_id)
        .where(since, Revision.entity == "notice")
        .group_by(Revision.entity_id)
        .subquery()
    )
    n = session.scalar(select(func.count()).select_from(changed)) or 0
    if not n:
        return None
    latest = select(Notice).join(changed, changed.c.entity_id == Notice.id).order_by(changed.c.last.desc())
    entries = tuple(Entry(x.address, title_or_none(x.title), "") for x in session.scalars(latest.limit(SHOWN_RULED)))
    numbers = session.scalars(select(Batch.id).where(since).order_by(Batch.id.desc()).limit(SHOWN_RULED))
    words = ngettext(
        "notice changée sans vous le demander, par une règle posée pour sa source",
        "notices changées sans vous le demander, par une règle posée pour leur source",
        n,
    )
    return Card("ruled", _("Changé par une règle cette nuit"), n, (words,), entries, lots=tuple(numbers))


def _drafts_card(session: Session, login: str) -> Card | None:
    n = session.scalar(select(func.count()).select_from(_drafts_of(login).subquery())) or 0
    if not n:
        return None
    found = session.scalars(
        select(Notice).where(Notice.id.in_(_drafts_of(login))).order_by(Notice.updated_at.desc()).limit(SHOWN_DRAFTS)
    ).all()
    back = proposed.words_for(session, [d.id for d in found])
    entries = tuple(Entry(d.address, title_or_none(d.title), _draft_words(d, back.get(d.id))) for d in found)
    return Card("drafts", _("Mes brouillons"), n, entries=entries)


def _draft_words(draft: Notice, word: proposed.Word | None) -> str:
    """When it was written last; or that it came back, and why."""
    if word is None:
        return format_date(draft.updated_at)
    return _("renvoyée par %(by)s : « %(word)s »") % {"by": word.by, "word": word.text}


def _drafts_of(login: str) -> Select[int]:
    """The drafts this person began."""
    return (
        select(Notice.id)
        .join(Revision, (Revision.entity == "notice") & (Revision.entity_id == Notice.id) & (Revision.version == 1))
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Notice.status == "draft", Batch.by == login)
    )


def _month_card(session: Session, local: datetime) -> Card:
    start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = (start - timedelta(days=1)).replace(day=1)
    ours = notices.our_centre(session).id

    def made(since: datetime, until: datetime) -> int:
        """Notices that began in that time, found by their first revision: nobody reads the whole base for a figure."""
        statement = (
            select(func.count())
            .select_from(Batch)
            .join(Revision, Revision.batch_id == Batch.id)
            .join(Notice, Notice.id == Revision.entity_id)
            .where(Batch.at >= since, Batch.at < until, Revision.entity == "notice", Revision.version == 1)
            .where(Notice.status == "published", Notice.owner_id == ours)
        )
        return session.scalar(statement) or 0

    now, then = made(start, local + timedelta(days=1)), made(before, start)
    words = ngettext("notice de notre fonds créée ce mois-ci", "notices de notre fonds créées ce mois-ci", now)
    compared = _("%(n)s le mois dernier") % {"n": format_number(then)}
    return Card("month", _("Ce mois-ci"), now, (words, compared))


# --- a notice --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CopyLine:
    code: str
    call_number: str
    barcode: str
    location: str
    status: str
    hidden: str  # why the public does not see it, in words
    state: str = "available"  # the status, as a code
    lent_to: str = ""
    lent_until: str = ""
    late: bool = False
    version: int = 0


def copies(session: Session, notice: Notice) -> list[CopyLine]:
    places = {place.id: place.name for place in items.list_locations(session)}
    return [
        CopyLine(
            i.code,
            i.call_number,
            i.barcode or "",
            places.get(i.location_id or 0, ""),
            item_status_words(i.status),
            hidden_words(items.why_hidden(i)),
            i.status,
            i.lent_to,
            format_date(i.lent_until),
            i.lent_until is not None and i.lent_until < db.now().date(),
            i.version,
        )
        for i in items.list_of(session, [notice.id])
    ]


def find_item(session: Session, code: str) -> Item | None:
    return session.scalar(select(Item).where(Item.code == code))


# --- refused records -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RefusedLine:
    id: int
    source: str
    position: int
    identifier: str
    sentence: str
    file_name: str
    at: datetime
    excerpt: str


def refused(session: Session, limit: int = 100) -> tuple[list[RefusedLine], int]:
    """Refused records that wait, oldest first, each with its sentence and the beginning of what came."""
    rows = sources.list_refused(session, limit=limit)
    beginnings = sources.read_beginnings(session, [row.id for row, _name in rows], 600)
    lines = [
        RefusedLine(
            id=row.id,
            source=name,
            position=row.position,
            identifier=row.identifier,
            sentence=sentence(row.code, row.params),
            file_name=row.file_name,
            at=row.created_at,
            excerpt=plain_text(beginnings[row.id].decode("utf-8", "replace"))[:300],
        )
        for row, name in rows
    ]
    return lines, sources.count_refused(session)


# --- inventory -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which copies an inventory lists."""

    location_id: int | None = None
    first: str = ""
    last: str = ""

    def choice(self) -> dict[str, Any]:
        return {"location_id": self.location_id, "first": self.first, "last": self.last}


@dataclass(frozen=True, slots=True)
class InventoryPage:
    lines: tuple[Line, ...]
    total: int
    page: int
    pages: int
    locations: tuple[tuple[int, str], ...]
    title: str


def inventory(session: Session, wanted: Wanted, page: int = 1) -> InventoryPage:
    total = items.count_inventory(session, **wanted.choice())
    pages = max(1, -(-total // LINES_PER_PAGE))
    page = min(max(page, 1), pages)
    lines = items.inventory(session, **wanted.choice(), limit=LINES_PER_PAGE, offset=(page - 1) * LINES_PER_PAGE)
    locations = tuple((place.id, place.name) for place in items.list_locations(session))
    return InventoryPage(tuple(lines), total, page, pages, locations, inventory_title(session, wanted))


def inventory_title(session: Session, wanted: Wanted) -> str:
    """« Espace doc, cotes de 364 à 370 »: what is printed above the list."""
    place = session.get(Location, wanted.location_id) if wanted.location_id else None
    parts = [place.name if place else _("Tous les emplacements")]
    said = {"first": wanted.first, "last": wanted.last}
    if wanted.first and wanted.last:
        parts.append(_("cotes de %(first)s à %(last)s") % said)
    elif wanted.first:
        parts.append(_("cotes à partir de %(first)s") % said)
    elif wanted.last:
        parts.append(_("cotes jusqu’à %(last)s") % said)
    return ", ".join(parts)


def inventory_columns() -> list[str]:
    """The header of the files, in the order of `inventory_row`."""
    return [
        _("Cote"),
        _("Titre"),
        _("Auteur"),
        _("Année"),
        _("Emplacement"),
        _("Section"),
        _("État"),
        _("Code-barres"),
        _("N° d’inventaire"),
        _("Code Travée"),
        _("Adresse de la notice"),
    ]


def inventory_row(line: Line) -> list[str | int | None]:
    return [
        line.call_number,
        line.title,
        line.author,
        line.year,
        line.location,
        line.section,
        item_status_words(line.status),
        line.barcode,
        line.inventory_number,
        line.code,
        line.address,
    ]
