"""What others say, as received, and what we made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.db import BIG, Base, J
from catalogue.models.notice import one_of


class Source(Base):
    """Where records come from: a harvested server or a file, or both for the same base.

    `identity` ("oai:RECI:{001}") makes the same identifier out of a file's record number.
    """

    __tablename__ = "source"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    url: Mapped[str] = mapped_column(default="")
    prefix: Mapped[str] = mapped_column(String(80), default="")
    set_spec: Mapped[str] = mapped_column(String(200), default="")
    local: Mapped[bool] = mapped_column(default=False)
    licence: Mapped[str] = mapped_column(default="")
    resend: Mapped[str] = mapped_column(String(12), default="yes")  # yes | no | partly (rules say which fields)
    identity: Mapped[str] = mapped_column(default="")
    new_status: Mapped[str] = mapped_column(String(12), default="candidate")
    rules: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    profile: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    removed_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint(one_of("kind", ("oai", "file")), name="kind"),
        CheckConstraint(one_of("resend", ("yes", "no", "partly")), name="resend"),
    )


class Run(Base):
    """One harvest, or one import of files: what came, and whether it was all."""

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))  # harvest | import
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(12))  # running | complete | incomplete
    reason: Mapped[dict[str, Any] | None] = mapped_column(J)  # {"code", "params"}
    checkpoint: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))


class RawPage(Base):
    """A page as received; the bytes lie gzipped in the data directory under their sha256."""

    __tablename__ = "raw_page"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    seq: Mapped[int]
    token: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("run_id", "seq"),)


class SourceRecord(Base):
    """One record of one source, known by its identifier there."""

    __tablename__ = "source_record"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    identifier: Mapped[str] = mapped_column(index=True)
    latest_version_id: Mapped[int | None]  # no foreign key: the two tables would each need the other first
    last_seen_run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    __table_args__ = (UniqueConstraint("source_id", "identifier"),)


class SourceVersion(Base):
    """What a record said, each time it said something new."""

    __tablename__ = "source_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("source_record.id"), index=True)
    datestamp: Mapped[str] = mapped_column(default="")  # as the source writes it
    deleted: Mapped[bool] = mapped_column(default=False)
    fingerprint: Mapped[str] = mapped_column(String(64))
    fields: Mapped[list[Any]] = mapped_column(J)
    items: Mapped[list[Any]] = mapped_column(J)
    page_id: Mapped[int | None] = mapped_column(ForeignKey("raw_page.id"))
    received_at: Mapped[datetime]
    __table_args__ = (  # few among very many: « Aujourd'hui » counts them at each visit
        Index(
            "ix_source_version_deleted",
            "record_id",
            sqlite_where=text("deleted IS 1"),
            postgresql_where=text("deleted IS true"),
        ),
    )


class Refused(Base):
    """A record that could not go in, kept with its bytes and its reason until it is retried or put aside."""

    __tablename__ = "refused"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), index=True)
    position: Mapped[int]
    identifier: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    format: Mapped[str] = mapped_column(String(20), default="")
    file_name: Mapped[str] = mapped_column(default="")
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_refused_source_id_sha256", "source_id", "sha256"),)


class Claim(Base):
    """A source record, or a notice merged away, that speaks about one of our notices.

    `base_version_id` is the version agreed on last. Until a person has decided what a record says otherwise at its
    first meeting with a notice there is none: `met_version_id` is the version they met by, `open` the marks of what it
    said otherwise; the rest of it is agreed (decision 19). `gone`: the number of the change by which its partner's
    deletion was noticed. `moved` is what came along with a notice merged away, by kind:
    its documents, requests, places in selections and numbers at its sources; they follow the state of the claim.
    """

    __tablename__ = "claim"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # taken from a counter
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("source_record.id"), index=True)
    merged_notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    base_version_id: Mapped[int | None] = mapped_column(ForeignKey("source_version.id"))
    met_version_id: Mapped[int | None]
    open: Mapped[list[Any] | None] = mapped_column(J)
    gone: Mapped[int | None] = mapped_column(BIG)
    state: Mapped[str] = mapped_column(String(10), default="linked")
    judgement_id: Mapped[int | None] = mapped_column(ForeignKey("judgement.id"))
    moved: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (
        CheckConstraint(one_of("state", ("linked", "withdrawn", "split")), name="state"),
        CheckConstraint("(record_id IS NULL) <> (merged_notice_id IS NULL)", name="speaker"),
    )


class Judgement(Base):
    """Same, different or unsure: who said so, when and why; ends are stable ("notice:12", "record:34")."""

    __tablename__ = "judgement"
    id: Mapped[int] = mapped_column(primary_key=True)
    left: Mapped[str] = mapped_column(String(60), index=True)
    right: Mapped[str] = mapped_column(String(60), index=True)
    verdict: Mapped[str] = mapped_column(String(10))
    score: Mapped[float | None]
    reasons: Mapped[list[Any]] = mapped_column(J, default=list)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (CheckConstraint(one_of("verdict", ("same", "different", "unsure")), name="verdict"),)


class Proposal(Base):
    """What a source's new version would change; one waits for each claim, stale when nothing is left to decide.

    `category` is the worst of its changes, `why` the code of what forbids a rule to apply it; `kept` remembers what
    was decided for ours while the rest still waits. `asked` is the number of the change by which it was last written.
    """

    __tablename__ = "proposal"
    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("source_version.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), index=True)
    against_notice_version: Mapped[int]
    changes: Mapped[list[Any]] = mapped_column(J, default=list)
    category: Mapped[str] = mapped_column(String(10), default="")  # safe | update | conflict
    why: Mapped[str] = mapped_column(String(60), default="")
    kept: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="waiting", index=True)
    asked: Mapped[int] = mapped_column(BIG, default=0)
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(String(80), default="")
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (CheckConstraint(one_of("state", ("waiting", "accepted", "refused", "stale")), name="state"),)


class Holding(Base):
    """A partner's copy, dated; never an Item of ours."""

    __tablename__ = "holding"
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("source_record.id"), index=True)
    centre_label: Mapped[str]
    call_number: Mapped[str] = mapped_column(default="")
    count: Mapped[int] = mapped_column(default=1)
    seen_at: Mapped[datetime]
