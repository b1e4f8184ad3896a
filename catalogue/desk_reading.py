"""What the desk's pages say: read in a few queries, as plain values, in the current language.

Addresses, buttons and HTML stay out: a page knows them. What is written is written by `cataloguing`,
`notices`, `items` and `lots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import db, inbox, items, nights, sources
from catalogue.desk_history import hidden_words, item_status_words
from catalogue.i18n import _, format_date, format_number, ngettext
from catalogue.items import Line
from catalogue.models import Item, Location, Notice, Run, Source
from catalogue.problems import sentence
from catalogue.text import plain_text

LINES_PER_PAGE = 100


# --- what waits, and what came in the night --------------------------------------------------


def waiting(session: Session) -> dict[str, int]:
    """How many of each kind wait in « À revoir »; an incomplete harvest is told by its own card."""
    return {kind: n for kind, n in inbox.count_inbox(session).items() if kind != "run"}


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
        "twin": ngettext("%(n)s paire de doublons possibles", "%(n)s paires de doublons possibles", n),
        "lookup": ngettext("%(n)s recherche refaite la nuit", "%(n)s recherches refaites la nuit", n),
    }
    return words.get(kind, "%(n)s") % {"n": format_number(n)}


def last_harvests(session: Session) -> list[tuple[Run, str]]:
    """The latest harvest of each source, in a sentence, the latest first."""
    latest = select(func.max(Run.id)).where(Run.kind == "harvest").group_by(Run.source_id)
    rows = session.execute(
        select(Run, Source.name)
        .join(Source, Source.id == Run.source_id)
        .where(Run.id.in_(latest), Source.removed_at.is_(None))
        .order_by(Run.id.desc())
    ).all()
    return [(run, harvest_sentence(run, name)) for run, name in rows]


def last_harvest(session: Session) -> str:
    """The latest harvest in a sentence, "" when there was none."""
    return next((told for _run, told in last_harvests(session)), "")


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
