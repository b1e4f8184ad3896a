"""The shelves as one walks along them: their classes in order, and the copies that stand side by side.

Read only; a page costs a few queries.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from catalogue import callnumber, items, reading
from catalogue.models import ClassificationEntry, Item, Location, Notice
from catalogue.reading import TitleLine

ON_A_SHELF = 24  # what one sees standing before it
LABELS_SHOWN = 3  # of the numbers under one that has no words
CLASS_DIGITS = callnumber.WIDTH


@dataclass(frozen=True, slots=True)
class ShelfClass:
    """A stretch of shelf: the call numbers that begin alike."""

    number: str
    label: str
    copies: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A copy where it stands."""

    code: str
    call_number: str
    location: str
    document: TitleLine
    available: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """What stands under one number of the classification."""

    number: str
    label: str
    copies: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class ShelfPage:
    stretches: tuple[Stretch, ...]
    before: str  # the code of the copy at which to look back; "" at the beginning
    after: str  # and on; "" at the end


def classes(session: Session) -> list[ShelfClass]:
    """The stretches of the shelves in order: by the number before the point, else by the first word."""
    head = func.substr(Item.call_key, 1, CLASS_DIGITS)
    statement = (
        select(head.label("head"), func.min(Item.call_number).label("example"), func.count().label("n"))
        .join(Notice, Notice.id == Item.notice_id)
        .where(*_standing())
        .group_by(head)
        .order_by(head)
    )
    out: list[ShelfClass] = []
    labels = Labels(session.scalars(_accepted_classes()))
    for number, group in groupby(session.execute(statement), lambda row: _class_of(row.head)):
        out.append(ShelfClass(number, labels.words(number), sum(row.n for row in group)))
    return out


def _accepted_classes() -> Select[ClassificationEntry]:
    order = (ClassificationEntry.number_key, ClassificationEntry.id)
    where = (ClassificationEntry.status == "accepted", ClassificationEntry.label != "")
    return select(ClassificationEntry).where(*where).order_by(*order)


class Labels:
    """What a classification says of its numbers."""

    def __init__(self, entries: Iterable[ClassificationEntry]) -> None:
        self.own: dict[str, str] = {entry.number: entry.label for entry in entries}
        self._under: defaultdict[str, dict[str, None]] = defaultdict(dict)  # labels, each once, in the order of numbers
        for number, label in self.own.items():
            for dot in re.finditer(r"\.", number):
                self._under[number[: dot.start()]][label] = None

    def words(self, number: str) -> str:
        """The words of a number; those of the numbers under it where it has none of its own."""
        some = list(self._under.get(number, ()))
        return self.own.get(number) or " ; ".join(some[:LABELS_SHOWN]) + ("…" if len(some) > LABELS_SHOWN else "")


def _labels(session: Session, call_numbers: Iterable[str]) -> Labels:
    """What the classification says of the numbers that these call numbers begin with, and of those under it."""
    firsts = {words[0] for number in call_numbers if (words := number.split())}
    whole = {first.split(".")[0] for first in firsts}
    begins = [first[:n] for first in firsts for n in range(len(first), 0, -1)]
    under = [ClassificationEntry.number.startswith(f"{number}.", autoescape=True) for number in sorted(whole)]
    return Labels(session.scalars(_accepted_classes().where(or_(ClassificationEntry.number.in_(begins), *under))))


def _stretch_of(call_number: str, call_key: str, labels: Labels) -> str:
    """The most precise number that has words of its own, within its class; else its class."""
    head = _class_of(call_key[:CLASS_DIGITS])
    first = call_number.split()[0]
    begins = (first[:n] for n in range(len(first), len(head), -1))
    return next((number for number in begins if number in labels.own), head)


def _class_of(head: str) -> str:
    """« 364 » of "000000364", « DOS » of "DOS LOG 0"."""
    word = head.split(" ")[0].split(".")[0]
    return word.lstrip("0") or "0" if word.isdigit() else word


def _standing() -> tuple[ColumnElement[bool], ...]:
    return (Notice.status == "published", Item.call_key != "", items.is_public())


def shelf(session: Session, call_number: str, *, before: str = "", after: str = "") -> ShelfPage:
    """Copies in shelf order from this call number on; or before, or after, the copy with this code."""
    key, at = callnumber.sort_key(call_number), 0
    place = session.execute(select(Item.call_key, Item.id).where(Item.code == (before or after))).one_or_none()
    if place is not None:
        key, at = place
    backwards = bool(before) and place is not None
    beyond = or_(Item.call_key > key, and_(Item.call_key == key, Item.id > at))
    if backwards:
        beyond = or_(Item.call_key < key, and_(Item.call_key == key, Item.id < at))
    order = (Item.call_key.desc(), Item.id.desc()) if backwards else (Item.call_key, Item.id)
    columns = (
        *(Item.id.label("item_id"), Item.code, Item.call_key, Item.call_number, Item.status, Item.notice_id),
        Location.name.label("location"),
    )
    statement = (
        select(*columns)
        .join(Notice, Notice.id == Item.notice_id)
        .outerjoin(Location, Location.id == Item.location_id)
        .where(*_standing(), beyond)
        .order_by(*order)
        .limit(ON_A_SHELF)
    )
    rows = list(session.execute(statement))
    if backwards:
        rows.reverse()
    if not rows:
        return ShelfPage((), "", "")
    known = _labels(session, [row.call_number for row in rows])
    documents = {
        row.notice_id: line
        for row, line in zip(rows, reading.title_lines(session, [row.notice_id for row in rows]), strict=True)
    }
    first, last = rows[0], rows[-1]
    earlier = or_(Item.call_key < first.call_key, and_(Item.call_key == first.call_key, Item.id < first.item_id))
    later = or_(Item.call_key > last.call_key, and_(Item.call_key == last.call_key, Item.id > last.item_id))
    return ShelfPage(
        tuple(
            Stretch(
                number,
                known.words(number),
                tuple(
                    Standing(r.code, r.call_number, r.location or "", documents[r.notice_id], r.status == "available")
                    for r in group
                ),
            )
            for number, group in groupby(rows, lambda r: _stretch_of(r.call_number, r.call_key, known))
        ),
        first.code if _any(session, earlier) else "",
        last.code if _any(session, later) else "",
    )


def _any(session: Session, where: ColumnElement[bool]) -> bool:
    statement = select(Item.id).join(Notice, Notice.id == Item.notice_id).where(*_standing(), where).limit(1)
    return session.scalar(statement) is not None


def class_label(session: Session, call_number: str) -> str:
    """What the classification says of the number that a call number begins with, the most precise first."""
    wanted = call_number.split()[0] if call_number.split() else ""
    known = _labels(session, [wanted])
    found = next((known.own[wanted[:n]] for n in range(len(wanted), 0, -1) if wanted[:n] in known.own), "")
    return found or known.words(wanted)
