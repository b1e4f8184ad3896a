"""Coming in by a password: how often one may err, and what is noted of it.

Only failures count. Those of one account from one address, so that nobody can shut a colleague out from elsewhere; and
many more for the address as a whole, which a whole office shares. The journal itself is what they are counted by: it
outlives a restart, and every process reads the same one. A try made while one has to wait is not noted: a flood fills
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import audit, db, entry_links, users
from catalogue.i18n import format_number, ngettext
from catalogue.models import AuditEntry, User


@dataclass(frozen=True, slots=True)
class Limit:
    """So many within a time; then one waits until the first of them is that old."""

    most: int
    within: timedelta


OF_ACCOUNT = Limit(8, timedelta(minutes=5))
OF_ADDRESS = Limit(60, timedelta(minutes=15))
LINKS_OF_ACCOUNT = Limit(3, timedelta(minutes=15))
LINKS_OF_ADDRESS = Limit(20, timedelta(minutes=15))
SUCCEEDED = ("signed_in", "signed_in_by_link", "signed_in_by_provider")


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a try, before it is written down."""

    who: str  # the account's login, or the mark of a name that is none
    wait: timedelta = timedelta()
    user_id: int | None = None
    new_hash: str = ""


def check(session: Session, login: str, password: str, *, remote: str, key: str) -> Checked:
    """Is it them? Hashing takes its time, so this only reads: nobody waits for it to write."""
    found = users.find(session, login)
    who = found.login if found else audit.mark(login, key)
    if wait := time_to_wait(session, who, remote):
        return Checked(who, wait)
    user = users.authenticate(session, login, password)
    if user is None:
        return Checked(who)
    return Checked(who, user_id=user.id, new_hash=users.stronger_hash(user, password))


def record(session: Session, checked: Checked, *, remote: str) -> User | None:
    """Note it; the account when they may come in."""
    if checked.wait:
        return None
    user = session.get(User, checked.user_id) if checked.user_id else None
    if user is None or user.disabled_at is not None:
        audit.note(session, "sign_in_failed", by=checked.who, remote=remote)
        return None
    user.password_hash = checked.new_hash or user.password_hash
    audit.note(session, "signed_in", by=user.login, remote=remote)
    return user


def time_to_wait(session: Session, who: str, remote: str) -> timedelta:
    """How long until the next try; nothing when there is none to wait. To have come in wipes one's own errors out."""
    remote, now = audit.place(remote), db.now()
    mine = (AuditEntry.login == who, AuditEntry.remote == remote)
    came_in = session.scalar(select(func.max(AuditEntry.id)).where(AuditEntry.what.in_(SUCCEEDED), *mine)) or 0
    return max(
        _left(session, OF_ACCOUNT, now, AuditEntry.what == "sign_in_failed", *mine, AuditEntry.id > came_in),
        _left(session, OF_ADDRESS, now, AuditEntry.what == "sign_in_failed", AuditEntry.remote == remote),
    )


def _left(session: Session, limit: Limit, now: datetime, *which: object) -> timedelta:
    """Whether the last but `most` is younger than the time of the limit, and by how much."""
    statement = select(AuditEntry.at).where(*which, AuditEntry.at > now - limit.within)  # type: ignore[arg-type]
    first = session.scalar(statement.order_by(AuditEntry.id.desc()).offset(limit.most - 1).limit(1))
    return max(first + limit.within - now, timedelta()) if first else timedelta()


def wait_words(wait: timedelta) -> str:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    words = ngettext(
        "Trop d’essais manqués. Réessayez dans %(n)s minute ; le bon mot de passe ne passera pas avant.",
        "Trop d’essais manqués. Réessayez dans %(n)s minutes ; le bon mot de passe ne passera pas avant.",
        minutes,
    )
    return words % {"n": format_number(minutes)}


class TooMany(Exception):
    """Somebody signed in guesses at the password of the account they are in."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


def change_password(session: Session, user_id: int, present: str, wished: str, *, remote: str) -> User | None:
    """One's own password, by whoever knows the present one; None, and noted as a failure, when they do not.

    Who came in by another way may have none yet: then there is none to know.
    """
    user = session.get_one(User, user_id)
    if wait := time_to_wait(session, user.login, remote):
        raise TooMany(wait)
    if user.password_hash and not users.is_password(user, present):
        audit.note(session, "sign_in_failed", by=user.login, about=user.login, remote=remote)
        return None
    users.set_password(session, user, wished, by=user.login)
    return user


# --- by mail ---------------------------------------------------------------------------------


def ask_for_link(session: Session, email: str, *, remote: str, key: str) -> tuple[User, str] | None:
    """Somebody asks for a link: whom to write to, and the token; None for an unknown address, or one too many.

    What they are told must be the same either way.
    """
    user = users.find_by_email(session, email)
    who, now = user.login if user else audit.mark(email, key), db.now()
    asked = AuditEntry.what == "link_asked"
    from_here = (asked, AuditEntry.remote == audit.place(remote))
    if _left(session, LINKS_OF_ADDRESS, now, *from_here) or _left(
        session, LINKS_OF_ACCOUNT, now, asked, AuditEntry.login == who
    ):
        return None
    audit.note(session, "link_asked", by=who, remote=remote)
    return (user, entry_links.make(session, user, entry_links.SIGN_IN)) if user else None


def enter_by_link(session: Session, token: str, *, remote: str) -> User | None:
    user = entry_links.take(session, token, entry_links.SIGN_IN)
    if user is not None:
        audit.note(session, "signed_in_by_link", by=user.login, remote=remote)
    return user


def enter_by_invitation(session: Session, token: str, password: str, *, remote: str) -> User | None:
    """They choose their password, and are in. Raises users.Invalid, and the link is still good then."""
    user = entry_links.find(session, token, entry_links.INVITE)
    if user is None:
        return None
    users.set_password(session, user, password, by=user.login)
    audit.note(session, "signed_in_by_link", by=user.login, remote=remote)
    return user


# --- by the centre's own accounts (OpenID Connect) -------------------------------------------


def enter_by_provider(session: Session, subject: str, email: str, *, verified: bool, remote: str) -> User | None:
    """The account of that person: known already, or written down by an administrator with that address.

    No account is ever made here, and an address that the provider has not verified proves nothing.
    """
    user = session.scalar(select(User).where(User.oidc_subject == subject))
    if user is None and verified:
        user = users.find_by_email(session, email)
        if user is not None and user.oidc_subject is None:
            user.oidc_subject = subject
            audit.note(session, "provider_linked", by=user.login, about=email.strip().lower(), remote=remote)
        else:
            user = None  # another person of the provider has it
    if user is None or user.disabled_at is not None:
        audit.note(session, "sign_in_failed", by=user.login if user else "", about="OpenID Connect", remote=remote)
        return None
    audit.note(session, "signed_in_by_provider", by=user.login, remote=remote)
    return user
