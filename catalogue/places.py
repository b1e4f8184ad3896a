"""Sites, rooms, ranges, bays and shelves, as the settings draw them: add, rename, measure, take away what is empty.

Each kind stands in the one before it. A place that something stands in, or on, is not taken away. Copies point to
places by number: a new name changes nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import notices
from catalogue.form import one_line
from catalogue.i18n import N_, _, format_number
from catalogue.identifiers import new_code
from catalogue.models import Bay, Item, Location, Range, Room, Shelf

LONGEST, MOST_AT_ONCE, LONGEST_MM = 80, 60, 10_000


@dataclass(frozen=True, slots=True)
class Kind:
    """`holder`: the column that says where it stands; `numbered`: what those are called that are given no name."""

    model: type[Any]
    words: str
    holder: str
    within: str
    one_more: str
    numbered: str

    @property
    def inside(self) -> str:
        """The kind that stands in it, "" for the last."""
        return next((name for name, kind in KINDS.items() if kind.within and KINDS[kind.within] is self), "")


KINDS: Mapping[str, Kind] = {
    "site": Kind(Location, N_("Site"), "centre_id", "", N_("Ajouter un site"), ""),
    "room": Kind(Room, N_("Salle"), "location_id", "site", N_("Ajouter une salle"), N_("Salle %(n)s")),
    "range": Kind(Range, N_("Épi"), "room_id", "room", N_("Ajouter des épis"), N_("Épi %(n)s")),
    "bay": Kind(Bay, N_("Travée"), "range_id", "range", N_("Ajouter des travées"), N_("Travée %(n)s")),
    "shelf": Kind(Shelf, N_("Tablette"), "bay_id", "bay", N_("Ajouter des tablettes"), ""),
}


class Refused(ValueError):
    """What was asked cannot be done; `where` is the field it is said at."""

    def __init__(self, words: str, where: str = "nom") -> None:
        super().__init__(words)
        self.words, self.where = words, where


@dataclass(frozen=True, slots=True)
class Place:
    kind: str
    id: int
    name: str
    copies: int
    length_mm: int | None
    height_mm: int | None
    inside: tuple[Place, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.copies or self.inside)

    def holds(self, name: str) -> bool:
        """Whether a place ("shelf-12") stands right inside."""
        return any(f"{one.kind}-{one.id}" == name for one in self.inside)


def tree(session: Session) -> list[Place]:
    """Everything, in six statements."""
    copies = {
        "site": _copies(session, Item.location_id),
        "shelf": _copies(session, Item.shelf_id),
    }
    inside: dict[int, list[Place]] = {}
    for name in reversed(tuple(KINDS)):
        kind = KINDS[name]
        held: defaultdict[int, list[Place]] = defaultdict(list)
        order = (kind.model.pos, kind.model.name, kind.model.id) if hasattr(kind.model, "pos") else (kind.model.name,)
        for row in session.scalars(select(kind.model).order_by(*order)):
            place = Place(
                name,
                row.id,
                row.name,
                copies.get(name, {}).get(row.id, 0),
                getattr(row, "length_mm", None),
                getattr(row, "height_mm", None),
                tuple(inside.get(row.id, ())),
            )
            held[getattr(row, kind.holder)].append(place)
        inside = held
    return [place for several in inside.values() for place in several]


def _copies(session: Session, column: Any) -> dict[int, int]:
    rows = session.execute(select(column, func.count()).where(column.is_not(None)).group_by(column))
    return {number: n for number, n in rows}


def add(
    session: Session, kind: str, within: int | None, name: str, *, several: int = 1, length: str = "", height: str = ""
) -> list[Any]:
    """One place, or several numbered behind those that stand there. Sizes are in millimetres, "" for not measured."""
    what, name = KINDS[kind], one_line(name)
    if not 1 <= several <= MOST_AT_ONCE:
        raise Refused(_("De 1 à %(n)s à la fois.") % {"n": MOST_AT_ONCE}, "combien")
    holder = notices.our_centre(session).id if kind == "site" else within
    if kind != "site" and (within is None or session.get(KINDS[what.within].model, within) is None):
        raise Refused(_("Cet endroit n’est plus là."), "nom")
    column = getattr(what.model, what.holder)
    there = {row.name for row in session.scalars(select(what.model).where(column == holder))}
    names = [name] if several == 1 else [f"{name} {n}" for n in range(1, several + 1)]
    if kind == "shelf" and not name:
        names = _letters(len(there), several)
    elif what.numbered and not name:
        names = [_(what.numbered) % {"n": n} for n in range(len(there) + 1, len(there) + 1 + several)]
    made = []
    for n, one in enumerate(names):
        _checked(one, there)
        values: dict[str, Any] = {what.holder: holder, "name": one}
        if hasattr(what.model, "pos"):
            values["pos"] = len(there) + n
        if kind == "shelf":
            sizes = {"length_mm": _size(length, "longueur"), "height_mm": _size(height, "hauteur")}
            values |= {"code": new_code(), **sizes}
        made.append(what.model(**values))
    session.add_all(made)
    session.flush()
    return made


def _letters(known: int, several: int) -> list[str]:
    """Shelves of a bay are called A, B… from the top, Z is followed by AA."""
    return [(chr(64 + n // 26) if n >= 26 else "") + chr(65 + n % 26) for n in range(known, known + several)]


def typed(session: Session, kind: str, number: int) -> dict[str, str]:
    """What stands there, as the form sends it."""
    row = _get(session, kind, number)
    sizes = {name: getattr(row, column, None) for name, column in (("longueur", "length_mm"), ("hauteur", "height_mm"))}
    return {"nom": row.name, **{name: str(size or "") for name, size in sizes.items()}}


def change(session: Session, kind: str, number: int, name: str, *, length: str = "", height: str = "") -> None:
    row = _get(session, kind, number)
    what, name = KINDS[kind], one_line(name)
    column = getattr(what.model, what.holder)
    others = select(what.model).where(column == getattr(row, what.holder), what.model.id != number)
    _checked(name, {other.name for other in session.scalars(others)})
    row.name = name
    if kind == "shelf":
        row.length_mm, row.height_mm = _size(length, "longueur"), _size(height, "hauteur")
    session.flush()


def remove(session: Session, kind: str, number: int) -> None:
    """Take an empty place away."""
    row = _get(session, kind, number)
    inner = KINDS[kind].inside
    holds = inner and session.scalar(
        select(KINDS[inner].model.id).where(getattr(KINDS[inner].model, KINDS[inner].holder) == number).limit(1)
    )
    column = {"site": Item.location_id, "shelf": Item.shelf_id}.get(kind)
    stands = column is not None and session.scalar(select(Item.id).where(column == number).limit(1))
    if holds or stands:
        raise Refused(_("« %(name)s » n’est pas vide : videz-le d’abord.") % {"name": row.name})
    session.delete(row)
    session.flush()


def _get(session: Session, kind: str, number: int) -> Any:
    row = session.get(KINDS[kind].model, number)
    if row is None:
        raise Refused(_("Cet endroit n’est plus là."))
    return row


def _checked(name: str, there: set[str]) -> None:
    if not name:
        raise Refused(_("Donnez-lui un nom."))
    if len(name) > LONGEST:
        raise Refused(_("C’est trop long : %(n)s signes au plus.") % {"n": format_number(LONGEST)})
    if name in there:
        raise Refused(_("« %(name)s » existe déjà à cet endroit.") % {"name": name})


def _size(typed: str, where: str) -> int | None:
    text = typed.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= LONGEST_MM):
        raise Refused(_("Écrivez une mesure en millimètres, de 1 à %(n)s.") % {"n": format_number(LONGEST_MM)}, where)
    return int(text)
