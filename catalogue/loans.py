"""Copies that are out: lent to somebody until a day, and given back. No account, no rule, no fine: a note on a copy.

Who has it is seen by documentalists, and goes for good when the copy comes back (`catalogue.items`); the public reads
« sorti, de retour le 12 avril ».
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import history, items
from catalogue.desk_history import title_or_none
from catalogue.models import Batch, Item, Notice

PER_PAGE = 50
MAY_GO = ("available", "on_loan")  # a copy that is missing, or in repair, is in nobody's hands
LONGEST_NAME = 120


class NotThere(Exception):
    """The copy cannot be lent: it is missing, in repair or withdrawn; or somebody has changed it meanwhile."""


@dataclass(frozen=True, slots=True)
class Loan:
    code: str
    call_number: str
    title: str
    address: str
    to: str
    until: date | None
    days_late: int  # 0 while there is time
    version: int


@dataclass(frozen=True, slots=True)
class Loans:
    lines: tuple[Loan, ...]
    total: int
    late: int
    page: int
    pages: int


def lend(session: Session, item: Item, *, to: str, until: date, by: str, version: int) -> Batch | None:
    """Note who has it, and until when; again, to move the day. None when nothing changes. Raises NotThere."""
    if item.version != version or item.status not in MAY_GO:
        raise NotThere(item.code)
    values = {"status": "on_loan", "lent_to": to, "lent_until": until}
    if all(getattr(item, name) == value for name, value in values.items()):
        return None
    batch = history.open_batch(session, "lend", by=by)
    items.revise(session, item, values, by=by, batch=batch)
    return batch


def give_back(session: Session, item: Item, *, by: str) -> Batch | None:
    """The copy is back on its shelf, and nobody knows any more who had it. None when it was there already."""
    if item.status != "on_loan":
        return None
    batch = history.open_batch(session, "give_back", by=by)
    items.revise(session, item, {"status": "available"}, by=by, batch=batch)
    return batch


def out(session: Session, today: date, page: int = 1) -> Loans:
    """The copies that are out, those awaited for longest first."""
    where = (Item.status == "on_loan",)
    total = session.scalar(select(func.count(Item.id)).where(*where)) or 0
    late = session.scalar(select(func.count(Item.id)).where(*where, Item.lent_until < today)) or 0
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(page, 1), pages)
    statement = (
        select(Item, Notice.title, Notice.address)
        .join(Notice, Notice.id == Item.notice_id)
        .where(*where)
        .order_by(Item.lent_until.is_(None), Item.lent_until, Item.call_key, Item.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    lines = []
    for item, title, address in session.execute(statement):
        days = (today - item.lent_until).days if item.lent_until else 0
        lines.append(
            Loan(
                item.code,
                item.call_number,
                title_or_none(title.partition("\n")[0]),
                address,
                item.lent_to,
                item.lent_until,
                max(0, days),
                item.version,
            )
        )
    return Loans(tuple(lines), total, late, page, pages)
