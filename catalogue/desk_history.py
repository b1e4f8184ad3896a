"""What happened to one notice, and the words for what happens: read as plain values, in the current language.

The lots of everybody are in `catalogue.lot_pages`; undoing is in `catalogue.lots`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import differences, documents, history, items, lots, sources, undo_plan
from catalogue.differences import Difference
from catalogue.i18n import N_, _, format_date, of
from catalogue.models import (
    Batch,
    Notice,
    Revision,
)
from catalogue.unimarc import Fields

CHANGES_PER_PAGE = 15
SHOWN_DIFFERENCES = 12  # of one revision
SHOWN_IN_FULL = 8  # rows of a lot whose differences are shown; the others lead to their own history
SHOWN_VALUES = 120

STATUS_WORDS = {
    "draft": N_("brouillon"),
    "candidate": N_("à relire"),
    "published": N_("publiée"),
    "withdrawn": N_("retirée"),
    "merged": N_("fondue dans une autre"),
    "erased": N_("effacée"),
}
ITEM_STATUS_WORDS = {
    "available": N_("disponible"),
    "on_loan": N_("sorti"),
    "missing": N_("manquant"),
    "repair": N_("en réparation"),
    "withdrawn": N_("retiré"),
}
LOT_WORDS = {
    "create": N_("Création"),
    "edit": N_("Modification"),
    "publish": N_("Publication"),
    "propose": N_("Proposition à la relecture"),
    "send_back": N_("Renvoi pour être complétée"),
    "put_aside": N_("Mise à l’écart"),
    "copy": N_("Exemplaire"),
    "document": N_("Document numérique"),
    "import": N_("Import d’un fichier"),
    "harvest": N_("Moisson"),
    "lend": N_("Exemplaire sorti"),
    "give_back": N_("Exemplaire rendu"),
    "receive": N_("Numéros reçus"),
    "claim": N_("Numéros réclamés"),
    "give_up": N_("Numéros qui ne paraîtront pas"),
    "subscribe": N_("Abonnement"),
    "reread": N_("Relecture d’exemplaires"),
    "rename": N_("Changement de nom"),
    "merge": N_("Fusion d’autorités"),
    "promote": N_("Mot-clé devenu descripteur"),
    "keyword": N_("Mot gardé en mot-clé libre"),
    "retire": N_("Descripteur retiré"),
    "accept": N_("Propositions acceptées"),
    "refuse": N_("Propositions refusées"),
    "rule": N_("Règle d’une source"),
    "withdraw": N_("Suppressions notées chez un partenaire"),
    "join": N_("Fusion de notices"),
    "split": N_("Notices de nouveau séparées"),
    "judge": N_("Jugement sur un doublon"),
    "correct": N_("Corrections en nombre"),
    "undo": N_("Annulation"),
    "erase": N_("Effacement définitif"),
}
VERDICT_WORDS = {
    "same": N_("le même document"),
    "different": N_("un autre document"),
    "unsure": N_("peut-être le même document"),
}
AUTHORITY_WORDS = {
    "agent": N_("auteur"),
    "concept": N_("descripteur"),
    "class": N_("indice de classement"),
}
NOT_UNDOABLE = {
    "for_good": N_("Un effacement est définitif : ce lot ne s’annule pas."),
    "too_old": N_("Plus de 30 jours ont passé : ce lot ne s’annule plus."),
    "already_undone": N_("Ce lot a déjà été annulé."),
    "empty": N_("Ce lot n’a rien changé."),
}
ITEM_LABELS = {
    "call_number": N_("Cote"),
    "barcode": N_("Code-barres"),
    "inventory_number": N_("N° d’inventaire"),
    "location_id": N_("Emplacement"),
    "section": N_("Section"),
    "status": N_("État"),
    "extra": N_("Public"),
}
DOCUMENT_LABELS = {
    "label": N_("Nom du document"),
    "rights": N_("Qui peut l’ouvrir"),
    "archived_url": N_("Copie archivée"),
}
# Why the public does not see a copy (`items.why_hidden`).
HIDDEN_WORDS = {
    "status": N_("état « %(name)s »"),
    "location": N_("emplacement « %(name)s »"),
    "section": N_("section « %(name)s »"),
    "record": N_("statut de sa notice dans PMB"),
    "here": N_("choisi ici"),
}


def hidden_words(why: Sequence[Sequence[str]]) -> str:
    """« caché au public (état « Au pilon ») », "" for what the public sees."""
    reasons = ", ".join(_(HIDDEN_WORDS.get(about, "%(name)s")) % {"name": name} for about, name in why)
    return _("caché au public (%(why)s)") % {"why": reasons} if why else ""


def status_words(status: str) -> str:
    return _(STATUS_WORDS[status]) if status in STATUS_WORDS else status


def item_status_words(status: str) -> str:
    return _(ITEM_STATUS_WORDS[status]) if status in ITEM_STATUS_WORDS else status


def lot_words(kind: str) -> str:
    return _(LOT_WORDS[kind]) if kind in LOT_WORDS else kind


def title_or_none(title: str) -> str:
    return title or _("Sans titre")


# --- its history -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One revision: who, when, why, and what it changed."""

    lot: int
    words: str
    by: str
    at: datetime
    why: str
    about: str  # « exemplaire 364.4 DUB », "" for the notice itself
    made: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Value:
    label: str
    text: str
    origin: str
    plain: bool


@dataclass(frozen=True, slots=True)
class History:
    address: str
    title: str
    status: str
    events: tuple[Event, ...]
    values: tuple[Value, ...]
    codes: tuple[Value, ...]  # what no form shows: numbers of authorities, coded data
    page: int
    pages: int


def notice_history(session: Session, notice: Notice, page: int = 1) -> History:
    """Everything that happened to a notice and its copies, latest first, and where each of its values comes from."""
    found: list[tuple[Revision, Batch, Any]] = []
    rows: list[tuple[str, Any]] = [("notice", notice), *(("item", i) for i in items.list_of(session, [notice.id]))]
    rows += [("document", d) for d in documents.list_all(session, notice.id)]
    for entity, row in rows:
        after = undo_plan.SNAPSHOTS[entity](row)
        for revision, batch in history.revisions_of(session, entity, row.id):
            found.append((revision, batch, (after, row)))
            after = revision.before or {}
    found.sort(key=lambda one: -one[0].id)
    pages = max(1, -(-len(found) // CHANGES_PER_PAGE))
    page = min(max(page, 1), pages)
    places = place_names(session)
    said = list(_values(session, notice)) if page == 1 else []
    shown = found[(page - 1) * CHANGES_PER_PAGE : page * CHANGES_PER_PAGE]
    return History(
        address=notice.address,
        title=title_or_none(notice.title),
        status=status_words(notice.status),
        events=tuple(_event(revision, batch, after, row, places) for revision, batch, (after, row) in shown),
        values=tuple(value for value in said if value.plain)[:SHOWN_VALUES],
        codes=tuple(value for value in said if not value.plain)[:SHOWN_VALUES],
        page=page,
        pages=pages,
    )


def _event(revision: Revision, batch: Batch, after: Mapping[str, Any], row: Any, places: Mapping[int, str]) -> Event:
    return Event(
        lot=batch.id,
        words=lot_words(batch.kind),
        by=batch.by,
        at=batch.at,
        why=batch.why,
        about=about_row(revision.entity, row),
        made=revision.before is None,
        differences=tuple(changes_of(revision.entity, revision.before, after, places)),
    )


def about_row(entity: str, row: Any) -> str:
    """What of a notice was changed, "" for the notice itself."""
    if entity == "item":
        return _("exemplaire %(name)s") % {"name": row.call_number or row.code}
    return _("document « %(name)s »") % {"name": undo_plan.label(row)} if entity == "document" else ""


def changes_of(
    entity: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], places: Mapping[int, str]
) -> list[Difference]:
    if before is None:
        return []
    if entity == "item":
        return list(_item_differences(before, after, places))
    if entity == "document":
        return list(_document_differences(before, after))
    out = []
    if before["status"] != after["status"]:
        old, new = status_words(before["status"]), status_words(after["status"])
        out.append(Difference(_("État"), (("del", old), ("ins", new))))
    found = out + differences.between(before["fields"], after["fields"])
    return [Difference(d.label, differences.shortened(d.pieces)) for d in found[:SHOWN_DIFFERENCES]]


def _item_differences(
    before: Mapping[str, Any], after: Mapping[str, Any], places: Mapping[int, str]
) -> Iterable[Difference]:
    for name, label in ITEM_LABELS.items():
        old, new = (_item_words(name, state.get(name), places) for state in (before, after))
        if old != new:
            yield Difference(_(label), tuple(piece for piece in (("del", old), ("ins", new)) if piece[1]))


def _document_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Difference]:
    for name, label in DOCUMENT_LABELS.items():
        old, new = (
            documents.rights_words(state[name]) if name == "rights" else state[name] for state in (before, after)
        )
        if old != new:
            yield Difference(_(label), tuple(piece for piece in (("del", old), ("ins", new)) if piece[1]))


def _item_words(name: str, value: Any, places: Mapping[int, str]) -> str:
    if name == "location_id":
        return places.get(value, "")
    if name == "extra":
        return hidden_words((value or {}).get("hidden", ())) or _("visible")
    return item_status_words(value) if name == "status" else str(value or "")


def place_names(session: Session) -> dict[int, str]:
    return {place.id: place.name for place in items.list_locations(session)}


def _values(session: Session, notice: Notice) -> Iterable[Value]:
    fields: Fields = notice.fields
    acts = _acts(session, {f["r"] for f in fields if f.get("r")})
    spoken = {claim: source.name for claim, (source, _record, _claim) in sources.origins(session, notice).items()}
    for value in differences.values(fields):
        origin = _origin(value.field.get("o", ()), acts.get(value.field.get("r", 0)), spoken)
        yield Value(value.label, value.text, origin, value.plain)


def _acts(session: Session, revisions: Iterable[int]) -> dict[int, tuple[str, datetime]]:
    statement = select(Revision.id, Batch.by, Batch.at).join(Batch, Batch.id == Revision.batch_id)
    return {r: (by, at) for r, by, at in session.execute(statement.where(Revision.id.in_(set(revisions))))}


def _origin(origin: Sequence[Any], act: tuple[str, datetime] | None, spoken: Mapping[int, str]) -> str:
    """« repris de RECI le 3 mars 2024 », « saisi ici par claire le 3 mars 2024 »."""
    day = format_date(act[1]) if act else ""
    named = [spoken[claim] for claim in origin if claim in spoken]
    if named:
        return _("repris %(of_source)s le %(day)s") % {"of_source": of(", ".join(dict.fromkeys(named))), "day": day}
    return _("saisi ici par %(by)s le %(day)s") % {"by": act[0], "day": day} if act else ""


def last_change(session: Session, notice: Notice) -> tuple[str, datetime] | None:
    """Who changed a notice last, and when."""
    found = history.revisions_of(session, "notice", notice.id)
    return (found[0][1].by, found[0][1].at) if found else None


def last_lot(session: Session, notice: Notice, login: str) -> int | None:
    """The lot of the last change of a notice, when it is this person's and can be undone."""
    found = history.revisions_of(session, "notice", notice.id)
    if not found or found[0][1].by != login or lots.why_not(session, found[0][1]):
        return None
    return found[0][1].id
