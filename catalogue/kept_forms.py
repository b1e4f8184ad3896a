"""Forms in hand: kept while somebody types, when a save fails, when their session has ended; offered when they return.

A form is known by who fills it in and by the address of the notice it is about, or will be. It holds what a browser
sent, name by name, and the version of the notice that was before the person's eyes, so that saving it later is a
comparison where somebody has saved meanwhile. It is forgotten when it is saved, and after thirty days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import KeptForm, Notice

KEPT = timedelta(days=30)
PLACE = "/bureau/notices/"
LARGEST = 600_000  # signs of one form: a book of notes, not a file
MOST = 40  # forms of one person; the oldest go first
Content = dict[str, list[str]]
LEFT_OUT = frozenset(("csrf_token", "action", "fichier", "garde"))  # of no use, or not theirs to keep
FILE = "fichier_choisi"  # the name of a file that came with the form: it has to be chosen again


def place_of(address: str) -> str:
    return PLACE + address


def content_of(pairs: Iterable[tuple[str, Iterable[str]]], file: str = "") -> Content:
    """What a browser sent, as it is kept; of a file, its name alone."""
    content = {name: list(texts) for name, texts in pairs if name not in LEFT_OUT}
    return content | {FILE: [file[:200]]} if file else content


def keep(
    session: Session, login: str, address: str, content: Mapping[str, list[str]], *, title: str, version: int
) -> datetime | None:
    """Keep it as it stands now; None when it is too large to be a form."""
    if sum(len(text) for texts in content.values() for text in texts) > LARGEST:
        return None
    at = db.now()
    row = {
        "login": login,
        "place": place_of(address),
        "title": title[:300],
        "content": dict(content),
        "version": version,
        "kept_at": at,
    }
    db.insert_or_update(
        session, KeptForm, [row], key=["login", "place"], update=["title", "content", "version", "kept_at"]
    )
    too_many = select(KeptForm.id).where(KeptForm.login == login).order_by(KeptForm.kept_at.desc()).offset(MOST)
    old = list(session.scalars(too_many.limit(MOST)))
    if old:
        session.execute(delete(KeptForm).where(KeptForm.id.in_(old)))
    return at


def find(session: Session, login: str, address: str) -> KeptForm | None:
    return session.scalar(select(KeptForm).where(KeptForm.login == login, KeptForm.place == place_of(address)))


def list_new(session: Session, login: str, limit: int = 3) -> list[KeptForm]:
    """The notices somebody has begun and never saved, the latest first."""
    statement = select(KeptForm).where(KeptForm.login == login, KeptForm.place.startswith(PLACE))
    mine = list(session.scalars(statement.order_by(KeptForm.kept_at.desc()).limit(MOST)))
    known = set(session.scalars(select(Notice.address).where(Notice.address.in_([address_of(one) for one in mine]))))
    return [one for one in mine if address_of(one) not in known][:limit]


def address_of(kept: KeptForm) -> str:
    return kept.place.removeprefix(PLACE)


def forget(session: Session, login: str, address: str) -> None:
    session.execute(delete(KeptForm).where(KeptForm.login == login, KeptForm.place == place_of(address)))


def forget_about(session: Session, addresses: Collection[str]) -> None:
    """Whatever anybody has typed about these notices."""
    places = [place_of(address) for address in addresses]
    session.execute(delete(KeptForm).where(KeptForm.place.in_(places)))


def forget_old(session: Session) -> None:
    session.execute(delete(KeptForm).where(KeptForm.kept_at < db.now() - KEPT))
