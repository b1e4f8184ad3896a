"""The only writer of Item: copies come in with records, are revised one by one, withdrawn, never erased.

Who has borrowed a copy is written in its row and nowhere else, no revision has it, and it goes when the copy comes
back, whoever says so and by whatever way: a name that nobody needs any more is nobody's.

Withdrawn copies are not shown to the public, nor those whose `extra` says "hidden": a list of why, [about, name],
as the source said it (["status", "Au pilon"]) or a person here (["here", ""]).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.orm import Session

from catalogue import db, history, notices, remembered
from catalogue.callnumber import range_end, sort_key
from catalogue.copies import meaning
from catalogue.history import Change
from catalogue.identifiers import new_code
from catalogue.models import Batch, Centre, Item, Location, Notice
from catalogue.problems import Problem
from catalogue.unimarc import RecordItem, responsibilities

LONGEST_BARCODE = 255
TOLD_BARCODE = 60  # signs of a barcode that a problem names
HIDDEN_HERE = (("here", ""),)
DESCRIBED = ("fields", "note", "status", "type", "codes")  # what `extra` has of how a source describes a copy
COLUMNS = (
    "barcode",
    "inventory_number",
    "notice_id",
    "call_number",
    "location_id",
    "section",
    "shelf_id",
    "status",
    "lent_to",
    "lent_until",
    "extra",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an inventory list."""

    item_id: int
    code: str
    barcode: str
    inventory_number: str
    call_number: str
    location: str
    section: str
    status: str
    title: str
    author: str
    year: int | None
    address: str


def is_public() -> ColumnElement[bool]:
    """Of a copy, in a query: whether the public may see it."""
    return and_(Item.status != "withdrawn", ~is_hidden())


def is_hidden() -> ColumnElement[bool]:
    """Of a copy, in a query: whether it is kept from the public, withdrawn or not."""
    return Item.extra["hidden"].as_string().is_not(None)


def why_hidden(item: Item) -> tuple[tuple[str, str], ...]:
    """Why the public does not see a copy; nothing when it does."""
    return tuple((about, name) for about, name in item.extra.get("hidden", ()))


def with_hidden(extra: Mapping[str, Any], why: Iterable[Sequence[str]]) -> dict[str, Any]:
    """`extra`, saying why the public does not see the copy; no reason: it sees it."""
    reasons = [list(reason) for reason in why]
    kept = {name: value for name, value in extra.items() if name != "hidden"}
    return {**kept, "hidden": reasons} if reasons else kept


def add_many(
    session: Session,
    copies: Sequence[tuple[int, RecordItem]],
    *,
    batch: Batch,
    centre: Centre | None = None,
    profile: Mapping[str, Any] | None = None,
    queued: Container[int] = (),
    codes: Sequence[str] = (),
) -> tuple[list[int], list[tuple[int, Problem]]]:
    """Copies of (notice id, as the record describes them); a barcode that is taken already is told, with the place of
    its copy among them, not lost.

    `profile`: what the codes of their source mean; `queued`: notices that wait for the index anyway; `codes`:
    those that the copies are to have, new ones otherwise.
    """
    if not copies:
        return [], []
    centre = centre or notices.our_centre(session)
    meant = [meaning(c, profile) for _n, c in copies]
    locations = _locations(session, centre, {m.location for m in meant if m.location})
    taken = barcodes_taken(session, centre, (c.barcode for _n, c in copies if c.barcode))
    problems: list[tuple[int, Problem]] = []
    rows: list[dict[str, Any]] = []
    codes = codes or _new_codes(session, len(copies))
    for place, ((notice_id, copy), means, code) in enumerate(zip(copies, meant, codes, strict=True)):
        barcode: str | None = copy.barcode or None
        extra = extra_of(copy, profile)
        if barcode in taken or (barcode and len(barcode) > LONGEST_BARCODE):  # none is that long: damaged
            code_of = "item.barcode_taken" if barcode in taken else "item.barcode_long"
            params = {"barcode": (barcode or "")[:TOLD_BARCODE]}
            problems.append((place, Problem("995", "f", code_of, "warning", params)))
            extra["barcode_refused"] = barcode
            barcode = None
        elif barcode:
            taken[barcode] = 0
        rows.append(
            {
                "code": code,
                "centre_id": centre.id,
                "barcode": barcode,
                "inventory_number": copy.inventory_number,
                "notice_id": notice_id,
                "call_number": copy.call_number,
                "call_key": sort_key(copy.call_number),
                "location_id": locations.get(means.location),
                "section": means.section,
                "status": means.state,
                "extra": extra,
                "version": 1,
                "created_at": batch.at,
                "updated_at": batch.at,
                "lent_to": "",
            }
        )
    made = db.insert_numbered(session, Item, rows)
    history.record(session, batch, (Change("item", item_id, 1, None) for item_id in made))
    notices.queue_index(session, {notice_id for notice_id, _copy in copies if notice_id not in queued})
    return made, problems


def extra_of(copy: RecordItem, profile: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a copy keeps of how its source describes it: the fields, and the words that no column of ours has."""
    extra: dict[str, Any] = {"fields": [dict(f) for f in copy.fields]} if copy.fields else {}
    said = {"note": copy.note, "status": copy.status, "type": copy.type, "codes": meaning(copy, profile).codes}
    return with_hidden(extra | {name: value for name, value in said.items() if value}, copy.hidden or ())


def revise(session: Session, item: Item, values: Mapping[str, Any], *, by: str, batch: Batch | None = None) -> bool:
    """Change some columns of a copy. Returns False when nothing changes."""
    values = {k: v for k, v in values.items() if k in COLUMNS and getattr(item, k) != v}
    if not values:
        return False
    _put(session, [(item, values)], batch or history.open_batch(session, "edit", by=by))
    return True


def restore(session: Session, item: Item, before: Mapping[str, Any] | None, *, batch: Batch) -> None:
    """Put one copy back as a revision found it."""
    restore_many(session, [(item, before)], batch=batch)


def restore_many(session: Session, rows: Sequence[tuple[Item, Mapping[str, Any] | None]], *, batch: Batch) -> None:
    """Put copies back as a revision found them; those that the lot made are withdrawn."""
    revise_many(session, [(item, _back(before)) for item, before in rows], batch=batch)


def revise_many(session: Session, rows: Sequence[tuple[Item, Mapping[str, Any]]], *, batch: Batch) -> None:
    """Change some columns of many copies.

    Copies may exchange their barcodes. Those in `barcodes_lost` must not be among them.
    """
    changed = []
    for item, wanted in rows:
        values = {k: v for k, v in wanted.items() if k in COLUMNS and getattr(item, k) != v}
        if values:
            changed.append((item, values))
    _let_barcodes_go(session, [item.id for item, values in changed if "barcode" in values and item.barcode])
    for part in db.chunks(changed):
        _put(session, part, batch)


def barcodes_lost(session: Session, rows: Sequence[tuple[Item, Mapping[str, Any] | None]]) -> set[int]:
    """Which of these copies cannot go back to their barcode: another copy has it, and would keep it."""
    moving = {
        item.id: (item.centre_id, before["barcode"])
        for item, before in rows
        if before is not None and before["barcode"] != item.barcode
    }
    holders: dict[tuple[int, str | None], int] = {}
    for part in db.chunks(sorted({barcode for _centre, barcode in moving.values() if barcode})):
        statement = select(Item.centre_id, Item.barcode, Item.id).where(Item.barcode.in_(part))
        holders.update({(centre, barcode): number for centre, barcode, number in session.execute(statement)})
    lost: set[int] = set()
    while True:  # a copy that stays keeps its barcode from another, which then stays too
        given: dict[tuple[int, str | None], int] = {}
        stay = {
            number
            for number, wanted in moving.items()
            if wanted[1] and (holders.get(wanted, number) not in moving or given.setdefault(wanted, number) != number)
        }
        if not stay:
            return lost
        lost |= stay
        moving = {number: wanted for number, wanted in moving.items() if number not in stay}


def rekey(session: Session, codes: Iterable[str]) -> int:
    """Recompute what copies are sorted on from their call numbers; no revision: the copy has not changed."""
    n = 0
    for part in db.chunks(sorted(codes)):
        found = session.scalars(select(Item).where(Item.code.in_(part))).all()
        for item in found:
            item.call_key = sort_key(item.call_number)
        session.flush()
        notices.queue_index(session, {item.notice_id for item in found})
        n += len(found)
    return n


def _put(session: Session, rows: Sequence[tuple[Item, Mapping[str, Any]]], batch: Batch) -> None:
    """Give copies other values, with one statement for all of them."""
    touched: set[int] = set()
    changes = []
    after = []
    for item, values in rows:
        touched |= {item.notice_id, values.get("notice_id", item.notice_id)}
        if values.get("status", item.status) != "on_loan":
            values = {**values, "lent_to": "", "lent_until": None}
        if item.lent_to and values.get("lent_to", item.lent_to) != item.lent_to:
            db.overwrite_deleted(session)
            remembered.empty_log(session)
        key = sort_key(values.get("call_number", item.call_number))
        after.append((item, {**values, "call_key": key, "updated_at": batch.at}))
        changes.append(Change("item", item.id, item.version + 1, snapshot(item)))
    db.update_rows(session, after)
    history.record(session, batch, changes)
    notices.queue_index(session, touched)


def _let_barcodes_go(session: Session, item_ids: Iterable[int]) -> None:
    """Free barcodes that are about to be given anew: no two copies may have the same one, even for a moment."""
    table = db.table_of(Item)
    for part in db.chunks(item_ids):
        session.connection().execute(update(table).where(table.c.id.in_(part)).values(barcode=None))


def _back(before: Mapping[str, Any] | None) -> dict[str, Any]:
    if before is None:
        return {"status": "withdrawn"}
    state = {name: value for name, value in before.items() if name != "lent_to"}
    return {**state, "lent_until": _day(before.get("lent_until"))}


def snapshot(item: Item) -> dict[str, Any]:
    """What a revision keeps: never who has borrowed it."""
    state = {name: getattr(item, name) for name in COLUMNS}
    state["lent_to"] = ""
    state["lent_until"] = item.lent_until.isoformat() if item.lent_until else None
    return state


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def barcodes_taken(session: Session, centre: Centre, barcodes: Iterable[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for part in db.chunks(sorted(set(barcodes))):
        statement = select(Item.barcode, Item.id).where(Item.centre_id == centre.id, Item.barcode.in_(part))
        out.update((b, i) for b, i in session.execute(statement) if b)
    return out


def list_of(session: Session, notice_ids: Sequence[int]) -> list[Item]:
    statement = select(Item).where(Item.notice_id.in_(notice_ids)).order_by(Item.call_key, Item.id)
    return list(session.scalars(statement))


def list_locations(session: Session) -> list[Location]:
    return list(session.scalars(select(Location).order_by(Location.name)))


def inventory(
    session: Session,
    *,
    location_id: int | None = None,
    first: str = "",
    last: str = "",
    withdrawn: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[Line]:
    """Copies in call-number order, between two call numbers included, those without one last."""
    statement = _inventory(location_id, first, last, withdrawn).limit(limit).offset(offset)
    for item, notice, location in session.execute(statement).yield_per(1000):
        main, _sep, _rest = notice.title.partition("\n")
        yield Line(
            item_id=item.id,
            code=item.code,
            barcode=item.barcode or "",
            inventory_number=item.inventory_number,
            call_number=item.call_number,
            location=location or "",
            section=item.section,
            status=item.status,
            title=main,
            author=_first_author(notice.fields),
            year=notice.year,
            address=notice.address,
        )


def count_inventory(
    session: Session, *, location_id: int | None = None, first: str = "", last: str = "", withdrawn: bool = False
) -> int:
    """How many lines that list has."""
    rows = _inventory(location_id, first, last, withdrawn).order_by(None).with_only_columns(Item.id).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def inventory_ids(session: Session, *, limit: int, **choice: Any) -> list[int]:
    """The copies of that list, without what it says of them."""
    wanted = {"location_id": None, "first": "", "last": "", "withdrawn": False, **choice}
    return list(session.scalars(_inventory(**wanted).with_only_columns(Item.id).limit(limit)))


def _inventory(location_id: int | None, first: str, last: str, withdrawn: bool) -> Select[Item, Notice, str]:
    statement = (
        select(Item, Notice, Location.name)
        .join(Notice, Notice.id == Item.notice_id)
        .outerjoin(Location, Location.id == Item.location_id)
        .order_by(Item.call_key == "", Item.call_key, Item.id)
    )
    if location_id is not None:
        statement = statement.where(Item.location_id == location_id)
    if first:
        statement = statement.where(Item.call_key >= sort_key(first))
    if last:
        statement = statement.where(Item.call_key <= range_end(last), Item.call_key != "")
    if not withdrawn:
        statement = statement.where(Item.status != "withdrawn")
    return statement


def _first_author(fields: Any) -> str:
    found = responsibilities(fields)
    return found[0].name if found else ""


def name_location(session: Session, name: str, centre: Centre | None = None) -> int | None:
    """The location of that name, made at need; None for no name."""
    name = name.strip()
    return _locations(session, centre or notices.our_centre(session), {name})[name] if name else None


def _locations(session: Session, centre: Centre, names: set[str]) -> dict[str, int]:
    if not names:
        return {}
    known = {
        name: location_id
        for name, location_id in session.execute(
            select(Location.name, Location.id).where(Location.centre_id == centre.id)
        )
    }
    fresh = [Location(centre_id=centre.id, name=name) for name in sorted(names - set(known))]
    session.add_all(fresh)
    session.flush()
    return known | {location.name: location.id for location in fresh}


def _new_codes(session: Session, n: int) -> list[str]:
    out: dict[str, None] = {}
    while len(out) < n:
        fresh = {new_code() for _ in range(n - len(out))}
        for part in db.chunks(sorted(fresh)):
            fresh -= set(session.scalars(select(Item.code).where(Item.code.in_(part))))
        out.update(dict.fromkeys(sorted(fresh)))
    return list(out)
