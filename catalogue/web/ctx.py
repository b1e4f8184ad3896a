"""What a view needs from the application: sessions, the index, settings, counting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import current_app, g, request
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import activity, notices
from catalogue.config import Settings
from catalogue.web.searching import Searcher
from catalogue.web.subjects import Proposer
from catalogue.web.thesaurus import Thesaurus
from indexes import sync

if TYPE_CHECKING:
    from catalogue.app import Travee


def travee() -> Travee:
    found: Travee = current_app.extensions["travee"]
    return found


def settings() -> Settings:
    return travee().settings


def get_session() -> Session:
    """The request's reading session, closed when the request ends."""
    if "session" not in g:
        g.session = travee().db.read_session()
    session: Session = g.session
    return session


@contextmanager
def get_writer() -> Iterator[Session]:
    """One write transaction: committed at the end of the block; the index is then told of what it changed.

    A reading session opened before would go on showing the state before: it is ended first.
    """
    end_session()
    with travee().db.write() as session:
        yield session
    travee().drain_briefly(notices.queued(session))


def end_session() -> None:
    session = g.pop("session", None)
    if session is not None:
        session.close()


def get_index() -> sync.Index:
    return travee().index()


def get_searcher() -> Searcher:
    """What answers a visitor's question."""
    return Searcher(get_session(), get_index(), get_thesaurus())


def get_thesaurus() -> Thesaurus:
    return travee().thesaurus


def proposer() -> Proposer:
    """What proposes subjects, and knows what a typed word leads to."""
    return Proposer(get_session(), get_index, travee().subjects)


def count_usage(notice_id: int, kind: str) -> None:
    """Count a use, unless a robot or the staff made it."""
    if activity.is_robot(request.user_agent.string) or current_user.is_authenticated:
        return
    travee().count(notice_id, kind)
