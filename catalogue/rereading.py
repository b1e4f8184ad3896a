"""Copies of a source read again, after its profile has learnt where they are or what its codes mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from catalogue import copies, db, history, items
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Batch, Item, Revision, Run, Source
from catalogue.unimarc import Field

REREAD = "reread"  # the kind of its lots


@dataclass(slots=True)
class Reread:
    """What reading the copies again has done; `touched` were changed by somebody here, and stay as they are."""

    batch: Batch | None = None
    changed: int = 0
    touched: int = 0
    barcodes: int = 0  # would take the barcode of another copy


def reread(session: Session, source: Source, *, by: str) -> Reread:
    """Read the copies that files of this source brought again, by its profile of today: one lot, undone as one.

    Only copies that nobody has touched since are changed, and none goes or comes: what another profile would
    find elsewhere in the records comes with the next import.
    """
    history.take(session, "change", 0)
    out = Reread()
    ids = list(session.scalars(made_by(source)))
    places: dict[str, int | None] = {"": None}
    rows: list[tuple[Item, dict[str, Any]]] = []
    for part in db.chunks(ids):
        touched = _touched(session, part)
        out.touched += len(touched)
        for item in session.scalars(select(Item).where(Item.id.in_(part), Item.id.not_in(touched)).order_by(Item.id)):
            if values := _read_again(session, item, source.profile, places):
                rows.append((item, values))
    lost = items.barcodes_lost(session, [(item, {**items.snapshot(item), **values}) for item, values in rows])
    out.barcodes = len(lost)
    rows = [(item, values) for item, values in rows if item.id not in lost]
    if rows:
        out.batch = history.open_batch(session, REREAD, by=by, why=source.name)
        items.revise_many(session, rows, batch=out.batch)
        out.changed = len(rows)
    return out


def made_by(source: Source) -> Select[Any]:
    """The ids of the copies that imports of this source have made."""
    return (
        select(Revision.entity_id)
        .join(Run, Run.batch_id == Revision.batch_id)
        .where(Run.source_id == source.id, Revision.entity == "item", Revision.version == 1)
        .distinct()
        .order_by(Revision.entity_id)
    )


def _touched(session: Session, item_ids: Sequence[int]) -> set[int]:
    """Among these copies, those that an act other than an import, or a reading like this one, has changed."""
    undone = aliased(Batch)
    statement = (
        select(Revision.entity_id)
        .join(Batch, Batch.id == Revision.batch_id)
        .outerjoin(undone, undone.id == Batch.undoes_id)
        .where(Revision.entity == "item", Revision.entity_id.in_(item_ids))
        .where(Batch.kind.not_in(("import", REREAD)), or_(undone.kind.is_(None), undone.kind != REREAD))
    )
    return set(session.scalars(statement))


def _read_again(
    session: Session, item: Item, profile: Mapping[str, Any], places: dict[str, int | None]
) -> dict[str, Any]:
    """What would change in a copy; nothing for one that this profile finds elsewhere."""
    fields: list[Field] = list(item.extra.get("fields", ()))
    habit = copies.habit_of(fields, profile) if fields else None
    if not fields or (habit is not None and not any(f["t"] == habit["field"] for f in fields)):
        return {}
    copy = copies.from_fields(fields, profile)
    meant = copies.meaning(copy, profile)
    if meant.location not in places:
        places[meant.location] = items.name_location(session, meant.location)
    said = {name: value for name, value in item.extra.items() if name not in items.DESCRIBED}
    values: dict[str, Any] = {
        "call_number": copy.call_number,
        "inventory_number": copy.inventory_number,
        "section": meant.section,
        "status": meant.state,
        "location_id": places[meant.location],
        "extra": {**said, **items.extra_of(copy, profile)},
    }
    if copy.barcode != said.get("barcode_refused"):
        values["barcode"] = copy.barcode[: items.LONGEST_BARCODE] or None
    return {name: value for name, value in values.items() if getattr(item, name) != value}


def words_of(done: Reread) -> list[str]:
    """What was done, in sentences."""
    n = {"changed": done.changed, "touched": done.touched, "barcodes": done.barcodes}
    shown = {name: format_number(count) for name, count in n.items()}
    words = [
        ngettext("%(changed)s exemplaire a été relu.", "%(changed)s exemplaires ont été relus.", done.changed) % shown
        if done.changed
        else _("Rien n’a changé : ces exemplaires disaient déjà cela.")
    ]
    if done.touched:
        text = ngettext(
            "%(touched)s a été modifié ici depuis, il n’a pas bougé.",
            "%(touched)s ont été modifiés ici depuis, ils n’ont pas bougé.",
            done.touched,
        )
        words.append(text % shown)
    if done.barcodes:
        text = ngettext(
            "%(barcodes)s prendrait le code-barres d’un autre, il n’a pas bougé.",
            "%(barcodes)s prendraient le code-barres d’un autre, ils n’ont pas bougé.",
            done.barcodes,
        )
        words.append(text % shown)
    return words
