"""Who may work here: accounts, passwords, roles. What changes them is noted in the journal (`audit`)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import audit, db, entry_links, history
from catalogue.i18n import LANGUAGES, N_, _
from catalogue.models import AuditEntry, User
from catalogue.models.work import ROLES

MINIMUM_PASSWORD = 10
LONGEST_PASSWORD = 1000  # hashing takes its time over every sign
LONGEST_LOGIN, LONGEST = 80, 200
_hasher = PasswordHasher()
_EMAIL = re.compile(r"[^@\s<>\",;]+@[^@\s.<>\",;]+(\.[^@\s.<>\",;]+)+")

# What each role is called, and what it may do, each more than the one before.
ROLE_WORDS: Mapping[str, str] = {
    "reader": N_("Lecture des chiffres"),
    "contributor": N_("Contribution"),
    "documentalist": N_("Documentaliste"),
    "admin": N_("Administration"),
}
ROLE_MEANINGS: Mapping[str, str] = {
    "reader": N_("Voit « Aujourd’hui », l’inventaire, l’historique ; ne change rien."),
    "contributor": N_("Catalogue et propose à la relecture ; ne publie pas."),
    "documentalist": N_("Publie, décide dans « À revoir », importe, moissonne."),
    "admin": N_("Fait tout cela, et tient les réglages, l’équipe et le journal."),
}
# What `Invalid` says, in sentences.
SENTENCES: Mapping[str, str] = {
    "login_taken": N_("Cet identifiant existe déjà."),
    "login_empty": N_("L’identifiant est vide."),
    "login_odd": N_("Écrivez l’identifiant sans espace, en 80 signes au plus, par exemple « claire »."),
    "password_short": N_("Le mot de passe doit compter au moins 10 caractères."),
    "password_long": N_("Le mot de passe compte plus de 1 000 caractères : raccourcissez-le."),
    "password_wrong": N_("Ce n’est pas votre mot de passe actuel."),
    "role_unknown": N_("Ce rôle n’existe pas."),
    "name_long": N_("Raccourcissez le nom : 200 signes au plus."),
    "email_odd": N_("Écrivez une adresse de courriel complète, par exemple prenom.nom@exemple.fr."),
    "email_taken": N_("Un autre compte a déjà cette adresse de courriel."),
    "last_admin": N_(
        "C’est le seul compte d’administration ouvert : donnez d’abord ce rôle à quelqu’un d’autre, "
        "sinon plus personne ne pourrait tenir l’équipe."
    ),
    "changed_since": N_(
        "Quelqu’un a modifié ce compte pendant que cette page était ouverte : voici où il en est, vérifiez "
        "et recommencez."
    ),
}


class Invalid(ValueError):
    """`code`: a key of SENTENCES."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def sentence(self) -> str:
        return _(SENTENCES[self.code])


# --- finding ---------------------------------------------------------------------------------


def find(session: Session, login: str) -> User | None:
    return session.scalar(select(User).where(User.login == login.strip().lower()))


def find_by_email(session: Session, email: str) -> User | None:
    """The open account with this address; where two have it, nobody can tell whose it is."""
    email = email.strip().lower()
    if not email:
        return None
    found = session.scalars(select(User).where(User.email == email, User.disabled_at.is_(None)).limit(2)).all()
    return found[0] if len(found) == 1 else None


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.login)))


def who_may(session: Session, role: str) -> list[str]:
    """Who is of this role or above, as they are called: whom to ask."""
    ranks = list(ROLE_WORDS)
    found = session.scalars(
        select(User).where(User.role.in_(ranks[ranks.index(role) :]), User.disabled_at.is_(None)).order_by(User.login)
    )
    return [called(user) for user in found]


def is_email(text: str) -> bool:
    return len(text) <= LONGEST and bool(_EMAIL.fullmatch(text.strip()))


def called(user: User) -> str:
    return user.name or user.login


def mark_of(user: User) -> str:
    """What a form was filled from, to notice that somebody changed it meanwhile."""
    return "|".join((user.role, user.name, user.email, str(user.disabled_at)))


def told_about(entry: AuditEntry) -> str:
    """What a line of the journal is about; roles are kept by their code, and said in words."""
    if entry.what not in ("account_added", "role_changed"):
        return entry.about
    login, _colon, roles = entry.about.partition(" : ")
    said = " → ".join(_(ROLE_WORDS[code]) if code in ROLE_WORDS else code for code in roles.split(" → "))
    return f"{login} : {said}"


# --- opening, changing, closing --------------------------------------------------------------


def add(
    session: Session,
    login: str,
    password: str | None,
    role: str,
    *,
    name: str = "",
    email: str = "",
    by: str = "",
) -> User:
    """A new account; without a password (None), an invitation has to be made for it."""
    login = login.strip().lower()
    if not login:
        raise Invalid("login_empty")
    if len(login) > LONGEST_LOGIN or not login.isprintable() or " " in login or login.startswith(audit.UNKNOWN):
        raise Invalid("login_odd")
    if role not in ROLES:
        raise Invalid("role_unknown")
    if find(session, login):
        raise Invalid("login_taken")
    user = User(
        login=login,
        role=role,
        name=_name(name),
        email=_email(session, email, None),
        password_hash="" if password is None else _hashed(password),
        session_token=secrets.token_urlsafe(24),
        created_at=db.now(),
    )
    session.add(user)
    session.flush()
    audit.note(session, "account_added", by=by, about=f"{login} : {role}")
    return user


def change(session: Session, user: User, *, role: str, name: str, email: str, by: str, seen: str | None = None) -> bool:
    """What an administrator says of an account; `seen` is its mark when the form was shown. Whether it changed."""
    history.turn(session)
    session.refresh(user)
    if seen is not None and seen != mark_of(user):
        raise Invalid("changed_since")
    if role not in ROLES:
        raise Invalid("role_unknown")
    name, email = _name(name), _email(session, email, user)
    if role != user.role:
        if user.role == "admin":
            _keep_an_admin(session, user)
        audit.note(session, "role_changed", by=by, about=f"{user.login} : {user.role} → {role}")
    elif (name, email) != (user.name, user.email):
        audit.note(session, "account_changed", by=by, about=user.login)
    else:
        return False
    user.role, user.name, user.email = role, name, email
    session.flush()
    return True


def disable(session: Session, user: User, *, by: str = "") -> None:
    """Close an account: its sessions end, its links die; what it did stays signed."""
    history.turn(session)
    session.refresh(user)
    if user.disabled_at is not None:
        return
    _keep_an_admin(session, user)
    user.disabled_at = db.now()
    entry_links.revoke(session, user)
    _end_sessions(session, user)
    audit.note(session, "account_closed", by=by, about=user.login)


def enable(session: Session, user: User, *, by: str = "") -> None:
    """Open it again, with the password it had."""
    if user.disabled_at is None:
        return
    user.email = user.email if find_by_email(session, user.email) is None else ""  # somebody else has it by now
    user.disabled_at = None
    session.flush()
    audit.note(session, "account_reopened", by=by, about=user.login)


def _keep_an_admin(session: Session, user: User) -> None:
    """The last open administrator can neither be closed nor be given another role."""
    others = select(func.count()).select_from(User).where(User.role == "admin", User.disabled_at.is_(None))
    if user.role == "admin" and user.disabled_at is None and not session.scalar(others.where(User.id != user.id)):
        raise Invalid("last_admin")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > LONGEST:
        raise Invalid("name_long")
    return name


def _email(session: Session, text: str, user: User | None) -> str:
    """Of an open account only: mail and the centre's provider let in by it."""
    email = text.strip().lower()
    if email and not is_email(email):
        raise Invalid("email_odd")
    taken = select(User.id).where(User.email == email, User.disabled_at.is_(None))
    if email and session.scalar(taken.where(User.id != (user.id if user else 0)).limit(1)) is not None:
        raise Invalid("email_taken")
    return email


# --- passwords and sessions ------------------------------------------------------------------


def set_password(session: Session, user: User, password: str, *, by: str = "") -> None:
    """A new password ends every open session of the account, and the links that wait."""
    user.password_hash = _hashed(password)
    entry_links.revoke(session, user)
    _end_sessions(session, user)
    audit.note(session, "password_changed", by=by, about=user.login)


def invite(session: Session, user: User, *, by: str = "") -> str:
    """The token of a link by which they choose a password themselves, within seven days."""
    token = entry_links.make(session, user, entry_links.INVITE)
    audit.note(session, "account_invited", by=by, about=user.login)
    return token


def reset(session: Session, user: User, *, by: str = "") -> str:
    """The old password is no good any more, open sessions end: a new link to choose another."""
    user.password_hash = ""
    _end_sessions(session, user)
    audit.note(session, "account_reset", by=by, about=user.login)
    return invite(session, user, by=by)


def end_sessions(session: Session, user: User, *, by: str = "") -> None:
    _end_sessions(session, user)
    audit.note(session, "sessions_ended", by=by, about=user.login)


def _end_sessions(session: Session, user: User) -> None:
    user.session_token = secrets.token_urlsafe(24)
    session.flush()


def authenticate(session: Session, login: str, password: str) -> User | None:
    """The account, or None: the same answer, as slow, for a wrong login, a wrong password, a closed account."""
    user = find(session, login)
    if not is_password(user, password) or user is None or user.disabled_at is not None:
        return None
    return user


def is_password(user: User | None, password: str) -> bool:
    """Takes as long for nobody, and for an account that has no password yet."""
    try:
        _hasher.verify((user and user.password_hash) or _nobody(), password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(user and user.password_hash)


@cache
def _nobody() -> str:
    """Verified when the login is unknown, so that an answer takes as long either way."""
    return _hasher.hash("nobody has this password")


def stronger_hash(user: User, password: str) -> str:
    """The password hashed anew where its hash is weaker than those made today; else ""."""
    return _hasher.hash(password) if _hasher.check_needs_rehash(user.password_hash) else ""


def _hashed(password: str) -> str:
    if len(password) < MINIMUM_PASSWORD:
        raise Invalid("password_short")
    if len(password) > LONGEST_PASSWORD:
        raise Invalid("password_long")
    return _hasher.hash(password)


# --- preferences -----------------------------------------------------------------------------


def set_preferences(session: Session, user: User, *, language: str, compact: bool, keys: bool) -> None:
    """The language of the desk, its density, and whether single letters act."""
    user.language = language if language in LANGUAGES else user.language
    kept: dict[str, Any] = {k: v for k, v in user.preferences.items() if k not in ("compact", "keys")}
    user.preferences = kept | {"compact": compact, "keys": keys}
    session.flush()
