"""The notice and what is projected from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.db import BIG, KEY, Base, J

STATUSES = ("draft", "candidate", "published", "withdrawn", "merged", "erased")
LIVING = ("draft", "candidate", "published")  # what somebody may still say something of
LEVELS = ("monograph", "serial", "issue", "article", "set")


SERIAL = text("level = 'serial'")


def one_of(column: str, choices: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(c) for c in choices)})"


def named_by(table: str) -> tuple[Index, ...]:
    """Indexes over the numbers of authorities, for the rows that have one."""
    return tuple(
        Index(
            f"ix_{table}_{name}",
            name,
            sqlite_where=text(f"{name} IS NOT NULL"),
            postgresql_where=text(f"{name} IS NOT NULL"),
        )
        for name in ("promise", "identifier")
    )


class Centre(Base):
    """Ours, and partners whose records or copies we know."""

    __tablename__ = "centre"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    is_ours: Mapped[bool] = mapped_column(default=False)
    legal_regime: Mapped[str] = mapped_column(String(40), default="")


class Notice(Base):
    """The description of one document: its UNIMARC fields, whole, plus projections (decision 1).

    Written by `catalogue.notices` only. `changed_seq` grows with every change in the order of commits:
    the index and OAI-PMH follow it.
    """

    __tablename__ = "notice"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # taken from a counter
    address: Mapped[str] = mapped_column(String(8), unique=True)
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(12))
    level: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    changed_seq: Mapped[int] = mapped_column(BIG, index=True)
    fields: Mapped[list[Any]] = mapped_column(J)
    title: Mapped[str]
    sort_key: Mapped[str] = mapped_column(KEY, index=True)
    year: Mapped[int | None]
    year_end: Mapped[int | None]
    language: Mapped[str] = mapped_column(String(3), default="")
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
        Index("ix_notice_status_changed_seq", "status", "changed_seq"),
        # The few journals among many articles: who catalogues one is offered them while typing.
        Index("ix_notice_serials", "sort_key", sqlite_where=SERIAL, postgresql_where=SERIAL),
    )
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class NoticeIdentifier(Base):
    __tablename__ = "notice_identifier"
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), index=True)
    scheme: Mapped[str]
    value: Mapped[str]
    __table_args__ = (Index("ix_notice_identifier_scheme_value", "scheme", "value"),)


class MatchKey(Base):
    """Keys under which near-identical notices meet; filled by the matching of « Harvest and merge »."""

    __tablename__ = "match_key"
    # Who shares a key is read from the index alone.
    __table_args__ = (Index("ix_match_key_key_notice_id", "key", "notice_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(KEY)


class NoticeAgent(Base):
    """Who is responsible for it: the text is kept, the link to the authority is optional.

    `promise` is what the record's source calls them ("RECI:author:12"), `identifier` what the world does
    ("idref:027234567"): by one or the other the authority is found, at once or when it comes.
    """

    __tablename__ = "notice_agent"
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), index=True)
    pos: Mapped[int]
    role: Mapped[str]
    name: Mapped[str]
    promise: Mapped[str | None] = mapped_column(KEY)
    identifier: Mapped[str | None] = mapped_column(KEY)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    __table_args__ = named_by("notice_agent")


class NoticeConcept(Base):
    """What it is about: a concept, or a person or body as a subject (`agent_id`), or words."""

    __tablename__ = "notice_concept"
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), index=True)
    pos: Mapped[int]
    scheme_id: Mapped[int | None] = mapped_column(ForeignKey("concept_scheme.id"))
    label: Mapped[str]
    concept_id: Mapped[int | None] = mapped_column(ForeignKey("concept.id"), index=True)
    free: Mapped[bool] = mapped_column(default=False)  # a keyword of 610, no descriptor
    promise: Mapped[str | None] = mapped_column(KEY)
    identifier: Mapped[str | None] = mapped_column(KEY)  # the URI of a concept, the identifier of an agent
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    __table_args__ = named_by("notice_concept")


class NoticeLink(Base):
    """To another notice, or the promise of one: "RECI:bull:905" until that host arrives."""

    __tablename__ = "notice_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), index=True)
    relation: Mapped[str] = mapped_column(String(20))
    target_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    promise: Mapped[str] = mapped_column(KEY, default="", index=True)


class Redirect(Base):
    """An address that was given away once and leads elsewhere for ever."""

    __tablename__ = "redirect"
    address: Mapped[str] = mapped_column(String(120), primary_key=True)
    target: Mapped[str] = mapped_column(String(120))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    created_at: Mapped[datetime]
