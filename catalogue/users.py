"""Who may work here: accounts, passwords, roles."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import User
from catalogue.models.work import ROLES

MINIMUM_PASSWORD = 10
_hasher = PasswordHasher()
# Verified when the login is unknown, so that an answer takes as long either way.
_NOBODY = _hasher.hash("nobody has this password")


class Invalid(ValueError):
    """`code`: "login_taken", "login_empty", "password_short" or "role_unknown"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def find(session: Session, login: str) -> User | None:
    return session.scalar(select(User).where(User.login == login.strip().lower()))


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.login)))


def add(session: Session, login: str, password: str, role: str) -> User:
    login = login.strip().lower()
    if not login:
        raise Invalid("login_empty")
    if role not in ROLES:
        raise Invalid("role_unknown")
    if find(session, login):
        raise Invalid("login_taken")
    user = User(
        login=login,
        role=role,
        password_hash=_hashed(password),
        session_token=secrets.token_urlsafe(24),
        created_at=db.now(),
    )
    session.add(user)
    session.flush()
    return user


def set_password(session: Session, user: User, password: str) -> None:
    """A new password ends every open session of the account."""
    user.password_hash = _hashed(password)
    user.session_token = secrets.token_urlsafe(24)
    session.flush()


def disable(session: Session, user: User) -> None:
    user.disabled_at = db.now()
    user.session_token = secrets.token_urlsafe(24)
    session.flush()


def authenticate(session: Session, login: str, password: str) -> User | None:
    """The account, or None: the same answer, as slow, for a wrong login, a wrong password, a closed account."""
    user = find(session, login)
    try:
        _hasher.verify(user.password_hash if user else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    if user is None or user.disabled_at is not None:
        return None
    return user


def _hashed(password: str) -> str:
    if len(password) < MINIMUM_PASSWORD:
        raise Invalid("password_short")
    return _hasher.hash(password)
