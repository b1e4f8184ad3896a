"""Copies that come with the records of a file: put beside their notices, or brought up to date.

A copy is known by its barcode, or by what its source says of it where it has none. What a person changed here
stays; what an undo took back comes again with its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from catalogue import copies, db, items, lots
from catalogue.models import Batch, Item
from catalogue.problems import Problem
from catalogue.unimarc import Field, RecordItem
from catalogue.volatile import volatile

# In `extra`: why its base hid the copy, by the last dump; the export whose fields it has since says nothing of it.
HIDDEN_THERE = "hidden_there"

# A copy on its way: the place of its record among those under way, itself, and the notice it belongs to.
Wanted = tuple[int, RecordItem, int]


@dataclass(slots=True)
class Put:
    """What became of copies; records by their place."""

    moved: set[int] = field(default_factory=set)  # records whose copies were new, or have changed some
    added: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)


def put(
    session: Session,
    wanted: Sequence[Wanted],
    *,
    batch: Callable[[], Batch],
    profile: Mapping[str, Any],
    made: set[int],
) -> Put:
    """Add the copies that are not there yet, bring the others up to date. `made`: notices that have none so far."""
    out = Put()
    shelf = _Shelf(session, {home for _place, _copy, home in wanted} - made, batch, profile)
    fresh: list[tuple[int, RecordItem]] = []
    places: list[int] = []  # of their records
    left: dict[tuple[int, int], list[_Known]] = {}  # what a record has not spoken of yet
    for place, copy, home in wanted:
        pool = left.setdefault((place, home), list(shelf.known.setdefault(home, [])))
        known = next((k for k in pool if k.is_it(copy)), None)
        if known is None:
            fresh.append((home, copy))
            places.append(place)
            shelf.known[home].append(_Known(copy.barcode, copy.fields))
            out.moved.add(place)
            continue
        pool.remove(known)
        if known.item is not None and shelf.bring_up_to_date(known.item, copy):
            out.moved.add(place)
    shelf.write()
    if fresh:
        ids, problems = items.add_many(session, fresh, batch=batch(), profile=profile, queued=made)
        out.added = len(ids)
        out.problems = [(places[n], problem) for n, problem in problems]
    return out


@dataclass(slots=True)
class _Known:
    """A copy that is there: in the base when it has an item, else on its way."""

    barcode: str
    fields: Sequence[Mapping[str, Any]]
    item: Item | None = None

    def is_it(self, copy: RecordItem) -> bool:
        if copy.barcode or self.barcode:
            return copy.barcode == self.barcode
        return _lasting(copy.fields) == _lasting(self.fields)


class _Shelf:
    """The copies of some notices, as they stand, and what is about to change in them."""

    def __init__(
        self, session: Session, homes: set[int], batch: Callable[[], Batch], profile: Mapping[str, Any]
    ) -> None:
        self.session, self.batch, self.profile = session, batch, profile
        self.known: dict[int, list[_Known]] = {}
        self.changes: dict[int, tuple[Item, Mapping[str, Any]]] = {}
        self.locations: dict[int, str] = {}
        found: list[Item] = []
        for ids in db.chunks(sorted(homes)):
            found += items.list_of(session, ids)
        for item in found:
            barcode = item.barcode or item.extra.get("barcode_refused", "")
            self.known.setdefault(item.notice_id, []).append(_Known(barcode, item.extra.get("fields", ()), item))
        if found:
            self.locations = {place.id: place.name for place in items.list_locations(session)}
        withdrawn = [i.id for i in found if i.status == "withdrawn"]
        self.undone = lots.undone_rows(session, "item", withdrawn) if withdrawn else set()

    def bring_up_to_date(self, item: Item, copy: RecordItem) -> bool:
        """Take over what the source says differently than last time, where nobody changed it here."""
        if item.id in self.changes:  # a record that comes twice: what it said first is taken over first
            self.write()
        received, why, last = self._as_received(item), items.why_hidden(item), _last_hidden(item)
        last = received.hidden if last is None else last
        said, says = _said(received, self.profile), _said(copy, self.profile)
        has = {
            "call_number": item.call_number,
            "section": item.section,
            "inventory_number": item.inventory_number,
            "status": item.status,
            "location": self.locations.get(item.location_id or 0, ""),
        }
        values: dict[str, Any] = {
            name: says[name] for name in says if says[name] != said[name] and has[name] == said[name]
        }
        if item.id in self.undone:
            values["status"] = says["status"]
        follows = copy.hidden not in (None, why) and last in (None, why) and why != items.HIDDEN_HERE
        if not values and not follows and _lasting(copy.fields) == _lasting(received.fields):
            return False
        if "location" in values:
            values["location_id"] = self._location(values.pop("location"))
        extra = self._described(item.extra, received, copy)
        if copy.hidden is None and last is not None:
            extra[HIDDEN_THERE] = [list(reason) for reason in last]
        values["extra"] = items.with_hidden(extra, (copy.hidden or ()) if follows else why)
        if all(getattr(item, name) == value for name, value in values.items()):
            return False
        self.changes[item.id] = item, values
        return True

    def _described(self, extra: Mapping[str, Any], received: RecordItem, copy: RecordItem) -> dict[str, Any]:
        """What the source says beside the columns; what somebody has said otherwise here stays."""
        said, says = (items.extra_of(one, self.profile) for one in (received, copy))
        follow = {name for name in items.DESCRIBED if extra.get(name) == said.get(name)}
        kept = {name: value for name, value in extra.items() if name not in follow and name != HIDDEN_THERE}
        return kept | {name: value for name, value in says.items() if name in follow}

    def write(self) -> None:
        if self.changes:
            items.revise_many(self.session, list(self.changes.values()), batch=self.batch())
            self.changes.clear()

    def _location(self, name: str) -> int | None:
        known = next((number for number, there in self.locations.items() if there == name), None)
        if known is None and (known := items.name_location(self.session, name)) is not None:
            self.locations[known] = name
        return known

    def _as_received(self, item: Item) -> RecordItem:
        fields: list[Field] = list(item.extra.get("fields", ()))
        return copies.from_fields(fields, self.profile) if fields else RecordItem()


def _said(copy: RecordItem, profile: Mapping[str, Any]) -> dict[str, str]:
    """What a source says of a copy, in the columns of ours that it fills."""
    meant = copies.meaning(copy, profile)
    return {
        "call_number": copy.call_number,
        "section": meant.section,
        "inventory_number": copy.inventory_number,
        "status": meant.state,
        "location": meant.location,
    }


def _last_hidden(item: Item) -> tuple[tuple[str, str], ...] | None:
    """Why the last dump of its base hid a copy, where another file has described it since."""
    found = item.extra.get(HIDDEN_THERE)
    return None if found is None else tuple((about, name) for about, name in found)


def _lasting(fields: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The fields of a copy without what changes with every loan."""
    return [[f["t"], [[c, v] for c, v in f.get("s", ()) if not volatile(f["t"], c, v)]] for f in fields]
