"""What the pages that decide share: nobody else decides meanwhile, what a form chose, what one has just done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import abort, request
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import history
from catalogue.inbox_pages import acts
from catalogue.merging import CHOICES, NoAnswer
from catalogue.web import ctx

ENOUGH = 1_000  # more answers than any page asks


@contextmanager
def writer() -> Iterator[Session]:
    """A writing session in which nobody else decides: what it reads is what it writes upon. An answer that no page
    offers writes nothing."""
    try:
        with ctx.get_writer() as session:
            history.turn(session)
            yield session
    except NoAnswer:
        abort(400)


def last_act() -> acts.LastAct | None:
    return acts.last_act(ctx.get_session(), current_user.login)


def choices() -> dict[str, str]:
    """Slot -> ours, theirs or both, as chosen."""
    found = _sent("choix_")
    return found if set(found.values()) <= set(CHOICES) else abort(400)


def marks() -> dict[str, str]:
    """Slot -> what the page showed of it."""
    return _sent("vu_")


def _sent(prefix: str) -> dict[str, str]:
    found = {name.removeprefix(prefix): value for name, value in request.form.items() if name.startswith(prefix)}
    return found if len(found) < ENOUGH else abort(400)
