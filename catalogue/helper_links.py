"""« Lien d’équipier »: somebody without an account helps in one campaign, on their own phone, until an hour.

Whoever has the link joins with their first name; it opens the pages of its campaign and nothing else
(`web.auth.needs_helper`). The database keeps the hash of the link only: told once, it cannot be read again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import audit, db, history
from catalogue.entry_links import LONGEST, hashed
from catalogue.i18n import N_, _
from catalogue.models import AuditEntry, HelperLink

# purpose -> what the campaign is called; `purpose_id` is its number. Of a clean-up day: the day, as 20260314.
PURPOSES: Mapping[str, str] = {"cleaning": N_("Journée de nettoyage")}
LONGEST_HOURS = 24 * 7
LONGEST_LABEL, LONGEST_NAME = 80, 40


def make(session: Session, purpose: str, purpose_id: int, label: str, hours: int, *, by: str) -> tuple[HelperLink, str]:
    """A link for so many hours, and its token."""
    if purpose not in PURPOSES:
        raise ValueError(purpose)
    token, at = secrets.token_urlsafe(16), db.now()
    link = HelperLink(
        token_hash=hashed(token),
        purpose=purpose,
        purpose_id=purpose_id,
        label=" ".join(label.split())[:LONGEST_LABEL],
        created_at=at,
        expires_at=at + timedelta(hours=min(max(hours, 1), LONGEST_HOURS)),
    )
    session.add(link)
    session.flush()
    audit.note(session, "helper_made", by=by, about=said(link))
    return link, token


def find(session: Session, token: str) -> HelperLink | None:
    """The link that this token opens, if it still does."""
    link = session.scalar(select(HelperLink).where(HelperLink.token_hash == hashed(token[:LONGEST])))
    return link if link is not None and is_open(link) else None


def get_open(session: Session, number: int) -> HelperLink | None:
    """The same by its number, for who has joined already: a link that was taken back shuts its doors at once."""
    link = session.get(HelperLink, number)
    return link if link is not None and is_open(link) else None


def is_open(link: HelperLink) -> bool:
    return link.revoked_at is None and link.expires_at > db.now()


def revoke(session: Session, link: HelperLink, *, by: str) -> None:
    if link.revoked_at is None:
        link.revoked_at = db.now()
        audit.note(session, "helper_revoked", by=by, about=said(link))


def list_open(session: Session) -> list[HelperLink]:
    """Those that still open something, the first to end first."""
    statement = select(HelperLink).where(HelperLink.revoked_at.is_(None), HelperLink.expires_at > db.now())
    return list(session.scalars(statement.order_by(HelperLink.expires_at)))


def joined(session: Session, link: HelperLink, name: str, *, remote: str, called: str = "") -> str:
    """Somebody comes in by it: the name that what they do is signed with, « Inès (Journée de nettoyage, Lille) ».

    Two of one first name are two people, « Inès 2 », but for a browser that is `called` so already.
    """
    history.turn(session)
    name = " ".join(name.split())[:LONGEST_NAME]
    joined_before = select(AuditEntry.login).where(AuditEntry.what == "helper_joined").distinct()
    taken = {login.casefold() for login in session.scalars(joined_before) if login != called}
    numbered = (_signed(f"{name} {n}" if n > 1 else name, link) for n in count(1))
    signed = next(one for one in numbered if one.casefold() not in taken)
    audit.note(session, "helper_joined", by=signed, remote=remote)
    return signed


def _signed(name: str, link: HelperLink) -> str:
    return f"{name} ({said(link)})"[:80]


def said(link: HelperLink) -> str:
    campaign = _(PURPOSES[link.purpose]) if link.purpose in PURPOSES else link.purpose
    return f"{campaign}, {link.label}" if link.label else campaign
