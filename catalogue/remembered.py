"""What is set on screen, and the little that the worker must not forget: named values in the table of settings.

A name per thing ("harvest.schedule:4"), so that two people who set two things never undo one another's work.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import Setting

TO_CLEAN = "erasing:"  # what is left to clean behind an erasure, by name: see `catalogue.tombstones`


def read(session: Session, name: str, default: Any = None) -> Any:
    row = session.get(Setting, name, populate_existing=True)
    return default if row is None else row.value


def read_all(session: Session, prefix: str) -> dict[str, Any]:
    """By what follows the prefix, in order of the whole name."""
    statement = select(Setting).where(Setting.name.startswith(prefix, autoescape=True)).order_by(Setting.name)
    return {row.name.removeprefix(prefix): row.value for row in session.scalars(statement)}


def write(session: Session, name: str, value: Any) -> None:
    session.flush()
    db.insert_or_update(session, Setting, [{"name": name, "value": value}], key=["name"], update=["value"])


def forget(session: Session, name: str) -> None:
    session.execute(delete(Setting).where(Setting.name == name).execution_options(synchronize_session=False))


def empty_log(session: Session) -> None:
    """Somebody's name was overwritten: the log of the database, which still has it, is emptied by the worker."""
    write(session, f"{TO_CLEAN}log", {"source": 0, "identifiers": []})
