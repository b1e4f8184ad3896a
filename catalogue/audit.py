"""The journal of who came in, who could not, and what was changed in accounts, rights and settings: kept a year.

It holds no content of notices (lots tell that) and no secret: neither a password nor a link, and of a name that is no
account's only a mark, since people happen to type their password there. An address of version 6 is kept as its network:
each machine has as many of them as it likes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, IPv6Network, ip_address

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.i18n import N_, _
from catalogue.models import AuditEntry

KEPT = timedelta(days=365)
PER_PAGE = 80
LONGEST_ABOUT = 300
UNKNOWN = "?"  # begins the mark of a name that is no account's

# What is noted, and how the page says it.
WORDS: Mapping[str, str] = {
    "signed_in": N_("Connexion par mot de passe"),
    "signed_in_by_link": N_("Connexion par un lien reçu"),
    "signed_in_by_provider": N_("Connexion par le compte de l’organisme"),
    "sign_in_failed": N_("Connexion refusée"),
    "link_asked": N_("Lien de connexion demandé"),
    "provider_linked": N_("Compte relié à celui de l’organisme"),
    "password_changed": N_("Mot de passe changé"),
    "sessions_ended": N_("Sessions fermées partout"),
    "account_added": N_("Compte ouvert"),
    "account_invited": N_("Lien d’invitation fait"),
    "account_changed": N_("Compte modifié"),
    "role_changed": N_("Rôle changé"),
    "account_reset": N_("Mot de passe réinitialisé"),
    "account_closed": N_("Compte fermé"),
    "account_reopened": N_("Compte rouvert"),
    "helper_made": N_("Lien d’équipier fait"),
    "helper_joined": N_("Arrivée par un lien d’équipier"),
    "helper_revoked": N_("Lien d’équipier retiré"),
    "setting_changed": N_("Réglage changé"),
    "backup_asked": N_("Sauvegarde demandée"),
    "backup_taken": N_("Sauvegarde emportée"),
}


@dataclass(frozen=True, slots=True)
class Page:
    entries: Sequence[AuditEntry]
    number: int
    older: bool


def note(session: Session, what: str, *, by: str = "", about: str = "", remote: str = "") -> None:
    """One line: who (`by`), what (a key of WORDS), about whom or what, from which address."""
    if what not in WORDS:
        raise ValueError(what)
    about = about[:LONGEST_ABOUT]
    session.add(AuditEntry(at=db.now(), login=by[:80], what=what, about=about, remote=place(remote)))
    session.flush()


def place(address: str | None) -> str:
    """The address that attempts are counted by.

    >>> place("2001:db8:1:2:aaaa::9")
    '2001:db8:1:2::/64'
    """
    try:
        known = ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or IPv6Network((known, 64), strict=False))


def mark(login: str, key: str) -> str:
    """What is kept of a name that is no account's: enough to count by, nothing to read back."""
    return UNKNOWN + blake2b(login.strip().lower().encode(), key=key.encode()[:64], digest_size=6).hexdigest()


def words(entry: AuditEntry) -> str:
    return _(WORDS[entry.what]) if entry.what in WORDS else entry.what


def list_entries(session: Session, *, what: str = "", login: str = "", page: int = 1) -> Page:
    """The latest first; of one kind, of one person (what they did, or what was done to their account)."""
    statement = select(AuditEntry).order_by(AuditEntry.id.desc())
    if what:
        statement = statement.where(AuditEntry.what == what)
    if login := login.strip().lower():
        theirs = AuditEntry.about.startswith(f"{login} :", autoescape=True)
        statement = statement.where((AuditEntry.login == login) | (AuditEntry.about == login) | theirs)
    rows = list(session.scalars(statement.offset((page - 1) * PER_PAGE).limit(PER_PAGE + 1)))
    return Page(rows[:PER_PAGE], page, len(rows) > PER_PAGE)


def erase_old(session: Session) -> int:
    """What is more than a year old goes."""
    db.overwrite_deleted(session)
    gone = session.execute(delete(AuditEntry).where(AuditEntry.at < db.now() - KEPT).returning(AuditEntry.id))
    return len(gone.all())
