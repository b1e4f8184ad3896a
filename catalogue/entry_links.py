"""Links that let somebody in once: the one asked for by mail (fifteen minutes), the invitation (seven days).

The database keeps only the hash of a link, as a token of the account that may do nothing else (its one scope says
what it is for). A new invitation takes the place of the one before. A link asked for by mail does not, since anybody
may ask for one to somebody else's address: those that wait end together when one of them is used.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import ApiToken, User

SIGN_IN, INVITE = "sign_in", "invite"
LASTS: Mapping[str, timedelta] = {SIGN_IN: timedelta(minutes=15), INVITE: timedelta(days=7)}
LONGEST = 64  # of what is given as a token


def hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def make(session: Session, user: User, what: str) -> str:
    """A new link's token, told once: it cannot be read again."""
    if what != SIGN_IN:
        revoke(session, user, what)
    token, at = secrets.token_urlsafe(24), db.now()
    session.add(
        ApiToken(
            user_id=user.id,
            name=what,
            token_hash=hashed(token),
            scopes=[what],
            created_at=at,
            expires_at=at + LASTS[what],
        )
    )
    session.flush()
    return token


def find(session: Session, token: str, what: str) -> User | None:
    """Whom a link lets in, if it still does; it is not used up by looking."""
    row = session.scalar(
        select(ApiToken).where(
            ApiToken.token_hash == hashed(token[:LONGEST]),
            ApiToken.name == what,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > db.now(),
        )
    )
    user = session.get(User, row.user_id) if row else None
    return user if user is not None and user.disabled_at is None else None


def take(session: Session, token: str, what: str) -> User | None:
    """The same, and the link is used up, with those like it: of two people who open it at once, one comes in."""
    user = find(session, token, what)
    used = update(ApiToken).where(ApiToken.token_hash == hashed(token[:LONGEST]), ApiToken.revoked_at.is_(None))
    done = session.execute(used.values(revoked_at=db.now()).returning(ApiToken.id)).all()
    if user is None or not done:
        return None
    revoke(session, user, what)
    return user


def revoke(session: Session, user: User, what: str = "") -> None:
    """The links of an account that wait, of one sort or of both."""
    names = (what,) if what else tuple(LASTS)
    waiting = (ApiToken.user_id == user.id, ApiToken.name.in_(names), ApiToken.revoked_at.is_(None))
    session.execute(update(ApiToken).where(*waiting).values(revoked_at=db.now()))


def waiting_until(session: Session) -> dict[int, datetime]:
    """The accounts whose invitation waits, and until when."""
    statement = select(ApiToken.user_id, ApiToken.expires_at).where(
        ApiToken.name == INVITE, ApiToken.revoked_at.is_(None), ApiToken.expires_at > db.now()
    )
    return {number: until for number, until in session.execute(statement) if until is not None}


def erase_old(session: Session) -> int:
    """Links that let nobody in any more."""
    gone = delete(ApiToken).where(ApiToken.name.in_(LASTS), ApiToken.expires_at < db.now())
    return len(session.execute(gone.returning(ApiToken.id)).all())
