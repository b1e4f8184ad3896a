"""Lots and history, the index queue, people, requests, settings and counts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.db import BIG, Base, J
from catalogue.models.notice import one_of

ROLES = ("reader", "contributor", "documentalist", "admin")


class Batch(Base):
    """A lot: everything one act changed, undone as one."""

    __tablename__ = "batch"
    id: Mapped[int] = mapped_column(primary_key=True)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    why: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(String(20))
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    undoable_until: Mapped[datetime]


class Revision(Base):
    """One row changed by a lot: its state before, null when the lot made it.

    The state after is the `before` of the next revision of the same row, or the row itself.
    `version` is the row's version after the change.
    """

    __tablename__ = "revision"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # taken from a counter
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    entity: Mapped[str] = mapped_column(String(20))
    entity_id: Mapped[int]
    version: Mapped[int]
    before: Mapped[dict[str, Any] | None] = mapped_column(J)
    __table_args__ = (Index("ix_revision_entity_entity_id", "entity", "entity_id"),)


class Counter(Base):
    """A number that grows in the order of commits: taking it locks the row until the transaction ends."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(BIG, default=0)


class IndexQueue(Base):
    """What the index has yet to learn: one waiting row per notice, `seq` its latest change."""

    __tablename__ = "index_queue"
    notice_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BIG, index=True)
    op: Mapped[str] = mapped_column(String(8), default="index")


class Selection(Base):
    __tablename__ = "selection"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    title: Mapped[str] = mapped_column(default="")
    owner: Mapped[str] = mapped_column(String(80), default="")
    kind: Mapped[str] = mapped_column(String(20), default="basket")  # basket | frozen | bibliography
    settings: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SelectionEntry(Base):
    __tablename__ = "selection_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id", ondelete="CASCADE"), index=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    pos: Mapped[int]
    note: Mapped[str] = mapped_column(default="")
    __table_args__ = (UniqueConstraint("selection_id", "notice_id"),)


class VisitRequest(Base):
    """A message from a visitor: to consult, to come, to report an error. Personal data go after a time."""

    __tablename__ = "visit_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    subject: Mapped[str] = mapped_column(String(12))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    name: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(String(80), default="")
    erased_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint(one_of("subject", ("consult", "visit", "error", "other", "buy")), name="subject"),
    )


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(default="", server_default="")  # as colleagues see it
    email: Mapped[str] = mapped_column(default="", server_default="")
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)  # who they are for the centre's OpenID provider
    language: Mapped[str] = mapped_column(String(5), default="fr")
    preferences: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    session_token: Mapped[str] = mapped_column(String(40))  # changes with the password: old sessions end
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (CheckConstraint(one_of("role", ROLES), name="role"),)


class ApiToken(Base):
    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(J, default=list)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class HelperLink(Base):
    """« Lien d'équipier »: one campaign, no account, until a date."""

    __tablename__ = "helper_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(20))
    purpose_id: Mapped[int]
    label: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Setting(Base):
    """What a person sets on screen; deployment settings come from the environment."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(J)


class UsageDay(Base):
    """Anonymous counts: no person, robots and staff left out."""

    __tablename__ = "usage_day"
    day: Mapped[date] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(default=0)
    __table_args__ = (CheckConstraint(one_of("kind", ("view", "download", "citation", "request")), name="kind"),)
