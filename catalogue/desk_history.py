"""What happened: the history of one notice, and the lots of everybody.

Read as plain values, in the current language, for the desk's pages. Undoing is in `catalogue.lots`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import differences, documents, history, items, lots, notices, sources, undo_plan
from catalogue.differences import Difference
from catalogue.i18n import N_, _, format_date, of
from catalogue.models import (
    Agent,
    Batch,
    Claim,
    DigitalDocument,
    ExpectedIssue,
    Item,
    Judgement,
    Notice,
    Revision,
    Subscription,
)
from catalogue.unimarc import Fields

LOTS_PER_PAGE = 40
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
    places = _place_names(session)
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
        about=_about(revision.entity, row),
        made=revision.before is None,
        differences=tuple(_changes(revision.entity, revision.before, after, places)),
    )


def _about(entity: str, row: Any) -> str:
    """What of a notice was changed, "" for the notice itself."""
    if entity == "item":
        return _("exemplaire %(name)s") % {"name": row.call_number or row.code}
    return _("document « %(name)s »") % {"name": undo_plan.label(row)} if entity == "document" else ""


def _changes(
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


def _place_names(session: Session) -> dict[int, str]:
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


# --- lots ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lot:
    """One act, as the list of lots and its own page say it."""

    id: int
    words: str
    kind: str
    by: str
    at: datetime
    why: str
    count: int
    titles: tuple[str, ...]
    not_undoable: str  # the sentence, "" when it can be taken back


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that a lot changed."""

    title: str
    address: str
    about: str
    made: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class LotPage:
    lot: Lot
    asked: int  # questions of partners that it decided
    changes: tuple[Changed, ...]
    left_out: int


def list_lots(session: Session, page: int = 1) -> tuple[list[Lot], bool]:
    """A page of lots, latest first, and whether there are older ones."""
    rows = history.list_batches(session, limit=LOTS_PER_PAGE + 1, offset=(page - 1) * LOTS_PER_PAGE)
    titles = titles_of_lots(session, [batch.id for batch, _n in rows[:LOTS_PER_PAGE]])
    found = [_lot(session, batch, n, titles.get(batch.id, ())) for batch, n in rows[:LOTS_PER_PAGE]]
    return found, len(rows) > LOTS_PER_PAGE


def _lot(session: Session, batch: Batch, count: int, titles: Sequence[str]) -> Lot:
    code = lots.why_not(session, batch)
    return Lot(
        id=batch.id,
        words=lot_words(batch.kind),
        kind=batch.kind,
        by=batch.by,
        at=batch.at,
        why=batch.why,
        count=count,
        titles=tuple(titles),
        not_undoable=_(NOT_UNDOABLE[code]) if code else "",
    )


def titles_of_lots(session: Session, batch_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """What each lot was about: the title of its notice, where there is only one."""
    touched: dict[int, set[int]] = {}
    one_row = (
        select(Revision.batch_id)
        .where(Revision.batch_id.in_(batch_ids))
        .group_by(Revision.batch_id)
        .having(func.count() <= 3)
    )
    columns = (("notice", Revision.entity_id), ("item", Item.notice_id), ("document", DigitalDocument.notice_id))
    for model, column in columns:
        statement = select(Revision.batch_id, column).where(Revision.entity == model, Revision.batch_id.in_(one_row))
        if model == "item":
            statement = statement.join(Item, Item.id == Revision.entity_id)
        elif model == "document":
            statement = statement.join(DigitalDocument, DigitalDocument.id == Revision.entity_id)
        for batch_id, notice_id in session.execute(statement):
            touched.setdefault(batch_id, set()).add(notice_id)
    wanted = {n for numbers in touched.values() for n in numbers}
    named = session.execute(select(Notice.id, Notice.title).where(Notice.id.in_(wanted)))
    titles = {number: title for number, title in named}
    return {b: tuple(title_or_none(titles[n]) for n in sorted(ns) if n in titles) for b, ns in touched.items()}


def count_of(session: Session, batch: Batch) -> int:
    """How many changes a lot made, as the list of lots counts them."""
    return session.scalar(select(func.count(Revision.id)).where(history.shown_of(session, batch))) or 0


def lot_page(session: Session, batch: Batch) -> LotPage:
    """One lot: its rows, each with what changed in it."""
    shown = history.shown_of(session, batch)
    total = count_of(session, batch)
    revisions = session.scalars(select(Revision).where(shown).order_by(Revision.id).limit(LOTS_PER_PAGE)).all()
    places = _place_names(session)
    changes = [changed for n, r in enumerate(revisions) if (changed := _changed(session, r, places, n < SHOWN_IN_FULL))]
    titles = tuple(dict.fromkeys(c.title for c in changes)) if total <= 3 else ()
    of_questions = select(func.count(Revision.id)).where(Revision.batch_id == batch.id, Revision.entity == "proposal")
    asked = session.scalar(of_questions) or 0
    return LotPage(_lot(session, batch, total, titles), asked, tuple(changes), total - len(revisions))


def _changed(session: Session, revision: Revision, places: Mapping[int, str], in_full: bool) -> Changed | None:
    row: Any = session.get(undo_plan.RESTORERS[revision.entity][0], revision.entity_id)
    if row is None:
        return None
    if revision.entity in AUTHORITY_WORDS:
        about = _(AUTHORITY_WORDS[revision.entity])
        return Changed(title_or_none(undo_plan.label(row)), "", about, revision.before is None, ())
    if revision.entity in history.AGREEMENTS:
        return _agreement(session, row)
    if isinstance(row, Subscription | ExpectedIssue):
        return _of_a_periodical(session, row, revision.before is None)
    notice = row if revision.entity == "notice" else notices.get(session, row.notice_id)
    next_before = session.scalar(
        select(Revision.before)
        .where(
            Revision.entity == revision.entity,
            Revision.entity_id == revision.entity_id,
            Revision.id > revision.id,
        )
        .order_by(Revision.id)
        .limit(1)
    )
    after = next_before or undo_plan.SNAPSHOTS[revision.entity](row)
    return Changed(
        title=title_or_none(notice.title),
        address=notice.address,
        about=_about(revision.entity, row),
        made=revision.before is None,
        differences=tuple(_changes(revision.entity, revision.before, after, places)) if in_full else (),
    )


def _of_a_periodical(session: Session, row: Subscription | ExpectedIssue, made: bool) -> Changed:
    if isinstance(row, ExpectedIssue):
        serial, about = notices.get(session, row.serial_id), _("numéro attendu : %(number)s") % {"number": row.number}
    else:
        serial, about = notices.get(session, row.notice_id), _("abonnement")
    return Changed(title_or_none(serial.title), serial.address, about, made, ())


def _agreement(session: Session, row: Any) -> Changed:
    """What was agreed, asked or judged, by the notice it is about."""
    if isinstance(row, Judgement):
        if row.left.startswith("agent:"):
            return _judged_agents(session, row)
        numbers = [int(end.partition(":")[2]) for end in (row.left, row.right) if end.startswith("notice:")]
        notice = session.get(Notice, numbers[0]) if numbers else None
        about = _(VERDICT_WORDS[row.verdict])
    else:
        claim = row if isinstance(row, Claim) else session.get_one(Claim, row.claim_id)
        notice = session.get(Notice, claim.notice_id)
        about = _("ce qu’en dit une source")
    title, address = (notice.title, notice.address) if notice else ("", "")
    return Changed(title_or_none(title), address, about, False, ())


def _judged_agents(session: Session, row: Judgement) -> Changed:
    """Two people or bodies of whom somebody has said that they are two."""
    ends = [session.get(Agent, int(end.partition(":")[2])) for end in (row.left, row.right)]
    names = " ≠ ".join(agent.name for agent in ends if agent is not None)
    return Changed(title_or_none(names), "", _("jugées distinctes"), False, ())
