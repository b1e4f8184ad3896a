"""What the desk keeps for who works at it: forms in hand, questions to ask again, journals, clean-up, audit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, synonym

from catalogue.db import Base, J
from catalogue.models.notice import one_of

EXPECTED_STATES = ("expected", "claimed", "received", "skipped")
HOLD_STATES = ("open", "done", "apart", "passed")


class KeptForm(Base):
    """A form as it stands under somebody's hands: kept while they type, when their session ends, when a save fails.

    `place` is the path that takes the form (a new notice: with the address it will have). It goes when the form is
    saved, and after thirty days.
    """

    __tablename__ = "kept_form"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80))
    place: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(default="")
    content: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    version: Mapped[int] = mapped_column(default=0)  # of the notice that is being changed
    kept_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("login", "place"),)


class LookupWait(Base):
    """A question to the outside sources that none could answer: asked again at night, its answer in « À revoir »."""

    __tablename__ = "lookup_wait"
    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    login: Mapped[str] = mapped_column(String(80))
    notice_address: Mapped[str] = mapped_column(String(8), default="")
    asked_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    failed: Mapped[list[str]] = mapped_column(J, default=list)  # the sources that did not answer
    answers: Mapped[list[Any]] = mapped_column(J, default=list)
    state: Mapped[str] = mapped_column(String(12), default="waiting")  # waiting | answered | given_up | settled


class Subscription(Base):
    """How a periodical of ours arrives: what its next issues are foretold from."""

    __tablename__ = "subscription"
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True, autoincrement=False)
    frequency: Mapped[str] = mapped_column(String(16), default="")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    supplier: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    off_months: Mapped[list[int]] = mapped_column(J, default=list)  # without issue: [8] for August
    version: Mapped[int] = mapped_column(default=1)
    id = synonym("notice_id")
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ExpectedIssue(Base):
    """What a person has said of an issue that was foretold: received (as which notice), claimed, or not to come.

    `number` is the key that `catalogue.forecast` gives it; "expected" is what it was before anybody said anything.
    """

    __tablename__ = "expected_issue"
    id: Mapped[int] = mapped_column(primary_key=True)
    serial_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    number: Mapped[str] = mapped_column(String(80))
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(12), default="expected")
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(80), default="")
    note: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (
        UniqueConstraint("serial_id", "number"),
        CheckConstraint(one_of("state", EXPECTED_STATES), name="state"),
    )
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class CleaningGroup(Base):
    """A group of a clean-up task that somebody has taken, or has settled; groups nobody touched have no row.

    `key` names the group by what it holds, so that it is the same one at the next look.
    """

    __tablename__ = "cleaning_group"
    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8), default="open")
    taken_by: Mapped[str] = mapped_column(String(80), default="")
    taken_until: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(String(80), default="")
    done_at: Mapped[datetime | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    what: Mapped[dict[str, Any]] = mapped_column(J, default=dict)  # words and counts, for the summary of the day
    __table_args__ = (
        UniqueConstraint("task", "key"),
        CheckConstraint(one_of("state", HOLD_STATES), name="state"),
        Index("ix_cleaning_group_done_at", "done_at"),
    )


class AuditEntry(Base):
    """Who signed in, failed to, changed an account, a right or a setting: kept a year, no content of notices."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    login: Mapped[str] = mapped_column(String(80), default="")
    what: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(default="")
    remote: Mapped[str] = mapped_column(String(45), default="")
