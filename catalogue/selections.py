"""A visitor's list of documents, kept without an account; and its frozen copies, which can be shared.

A list belongs to whoever holds its token (an anonymous cookie, of which only a hash is kept) or to an account. It is
forgotten 30 days after its last use. A copy is frozen under a code of its own, and stays: what somebody has printed
or cited must still be there.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.form import one_line
from catalogue.identifiers import new_code
from catalogue.models import Notice, Selection, SelectionEntry

LARGEST = 300
KEPT_DAYS = 30
SHOWN = ("published", "withdrawn")  # what has a page; a withdrawn document stays, flagged
LONGEST_TITLE = 200
BASKET, FROZEN = "basket", "frozen"


@dataclass(frozen=True, slots=True)
class Kept:
    """A document of a list, as the list shows it."""

    notice_id: int
    address: str
    title: str
    withdrawn: bool


class Full(Exception):
    """The list has as many documents as it may."""


def new_token() -> str:
    return secrets.token_urlsafe(24)


def owner_of_token(token: str) -> str:
    return "visitor:" + hashlib.sha256(token.encode()).hexdigest()[:48]


def owner_of_account(login: str) -> str:
    return f"user:{login}"


def find(session: Session, owner: str) -> Selection | None:
    statement = select(Selection).where(Selection.owner == owner, Selection.kind == BASKET)
    return session.scalars(statement.order_by(Selection.id.desc()).limit(1)).first()


def begin(session: Session, owner: str) -> Selection:
    """Their list; an empty one when they have none."""
    return find(session, owner) or _new(session, BASKET, owner=owner)


def shared(session: Session, code: str) -> Selection | None:
    return session.scalars(select(Selection).where(Selection.code == code, Selection.kind == FROZEN)).first()


def count(session: Session, owner: str) -> int:
    statement = (
        select(func.count(SelectionEntry.id))
        .join(Selection, Selection.id == SelectionEntry.selection_id)
        .where(Selection.owner == owner, Selection.kind == BASKET)
    )
    return session.scalar(statement) or 0


def chosen(session: Session, owner: str) -> set[str]:
    """The addresses of the documents in a list: results show « Ajouté » beside them."""
    statement = (
        select(Notice.address)
        .join(SelectionEntry, SelectionEntry.notice_id == Notice.id)
        .join(Selection, Selection.id == SelectionEntry.selection_id)
        .where(Selection.owner == owner, Selection.kind == BASKET)
    )
    return set(session.scalars(statement))


def documents(session: Session, selection: Selection) -> list[Kept]:
    """In their order. What was erased meanwhile is gone; what was merged is the one it was merged into."""
    statement = (
        select(Notice.id, Notice.address, Notice.title, Notice.status)
        .join(SelectionEntry, SelectionEntry.notice_id == Notice.id)
        .where(SelectionEntry.selection_id == selection.id, Notice.status.in_(SHOWN))
        .order_by(SelectionEntry.pos, SelectionEntry.id)
    )
    return [Kept(i, address, title, status == "withdrawn") for i, address, title, status in session.execute(statement)]


def add(session: Session, selection: Selection, addresses: Iterable[str]) -> int:
    """Put documents at the end, each once: how many are new. Raises Full when there is no room for all of them."""
    there = set(session.scalars(_entries(selection).with_only_columns(SelectionEntry.notice_id)))
    wanted = list(dict.fromkeys(addresses))[: LARGEST + 1]
    found = session.execute(
        select(Notice.address, Notice.id).where(Notice.address.in_(wanted), Notice.status == "published")
    )
    ids = {address: notice_id for address, notice_id in found}
    new = [ids[address] for address in wanted if address in ids and ids[address] not in there]
    if len(there) + len(new) > LARGEST:
        raise Full
    last = session.scalar(select(func.max(SelectionEntry.pos)).where(SelectionEntry.selection_id == selection.id))
    begin_at = 0 if last is None else last + 1
    session.add_all(
        SelectionEntry(selection_id=selection.id, notice_id=notice_id, pos=begin_at + n, note="")
        for n, notice_id in enumerate(new)
    )
    _touch(session, selection)
    return len(new)


def remove(session: Session, selection: Selection, addresses: Iterable[str]) -> int:
    ids = select(Notice.id).where(Notice.address.in_(list(addresses)))
    gone = delete(SelectionEntry).where(SelectionEntry.selection_id == selection.id, SelectionEntry.notice_id.in_(ids))
    done: int = session.connection().execute(gone).rowcount
    _touch(session, selection)
    return done


def put_back(session: Session, selection: Selection, addresses: Sequence[str]) -> None:
    """A list as it was: these documents, in this order, then whatever came meanwhile."""
    add(session, selection, addresses)
    order(session, selection, addresses)


def order(session: Session, selection: Selection, addresses: Sequence[str]) -> None:
    """These first, in this order; the others behind, as they stood."""
    wanted = {address: n for n, address in enumerate(addresses)}
    rows = session.execute(
        select(SelectionEntry, Notice.address)
        .join(Notice, Notice.id == SelectionEntry.notice_id)
        .where(SelectionEntry.selection_id == selection.id)
        .order_by(SelectionEntry.pos, SelectionEntry.id)
    ).all()
    entries = sorted(rows, key=lambda row: wanted.get(row.address, len(wanted)))
    for n, row in enumerate(entries):
        row.SelectionEntry.pos = n
    _touch(session, selection)


def move(session: Session, selection: Selection, address: str, by: int) -> None:
    """One document up (-1) or down (1)."""
    addresses = [kept.address for kept in documents(session, selection)]
    if address not in addresses:
        return
    here = addresses.index(address)
    there = min(max(here + by, 0), len(addresses) - 1)
    addresses.insert(there, addresses.pop(here))
    order(session, selection, addresses)


def describe(session: Session, selection: Selection, title: str, settings: dict[str, Any]) -> None:
    """Keep how its owner wants it: the title, the style, what is shown."""
    selection.title = one_line(title)[:LONGEST_TITLE].rstrip()
    selection.settings = settings
    _touch(session, selection)


def freeze(session: Session, selection: Selection) -> Selection:
    """A copy that nobody changes any more, under a code of its own."""
    copy = _new(session, FROZEN, title=selection.title, settings=dict(selection.settings))
    session.add_all(
        SelectionEntry(selection_id=copy.id, notice_id=entry.notice_id, pos=n, note=entry.note)
        for n, entry in enumerate(session.scalars(_entries(selection)))
    )
    session.flush()
    return copy


def adopt(session: Session, token_owner: str, account_owner: str) -> None:
    """Signing in adds the visitor's list to the account's, and replaces nothing."""
    theirs = find(session, token_owner)
    if theirs is None:
        return
    mine = find(session, account_owner)
    if mine is None:
        theirs.owner = account_owner
        _touch(session, theirs)
        return
    there = set(session.scalars(_entries(mine).with_only_columns(SelectionEntry.notice_id)))
    last = session.scalar(select(func.max(SelectionEntry.pos)).where(SelectionEntry.selection_id == mine.id)) or 0
    moving = [entry for entry in session.scalars(_entries(theirs)) if entry.notice_id not in there]
    for n, entry in enumerate(moving[: max(LARGEST - len(there), 0)]):
        entry.selection_id, entry.pos = mine.id, last + 1 + n
    _touch(session, mine)


def forget_old(session: Session) -> int:
    """Lists that nobody has used for 30 days: how many."""
    limit = db.now() - timedelta(days=KEPT_DAYS)
    old = select(Selection.id).where(Selection.kind == BASKET, Selection.updated_at < limit)
    session.execute(delete(SelectionEntry).where(SelectionEntry.selection_id.in_(old)))
    done: int = (
        session.connection()
        .execute(delete(Selection).where(Selection.kind == BASKET, Selection.updated_at < limit))
        .rowcount
    )
    return done


def _entries(selection: Selection) -> Any:
    statement = select(SelectionEntry).where(SelectionEntry.selection_id == selection.id)
    return statement.order_by(SelectionEntry.pos, SelectionEntry.id)


def _new(session: Session, kind: str, **values: Any) -> Selection:
    at = db.now()
    row = Selection(code=new_code(), kind=kind, created_at=at, updated_at=at, **values)
    session.add(row)
    session.flush()
    return row


def _touch(session: Session, selection: Selection) -> None:
    session.execute(update(Selection).where(Selection.id == selection.id).values(updated_at=db.now()))
    session.flush()
