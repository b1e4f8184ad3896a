"""The desk: forms in hand, questions to ask again, journals, clean-up, audit; dead links; people who sign in by mail

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

J = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
SERIAL = sa.text("level = 'serial'")
ASKED = "subject IN ('consult', 'visit', 'error', 'other')"
ASKED_AND_BUY = "subject IN ('consult', 'visit', 'error', 'other', 'buy')"


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("remote", sa.String(length=45), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)

    op.create_table(
        "kept_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("content", J, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_form")),
        sa.UniqueConstraint("login", "place", name=op.f("uq_kept_form_login_place")),
    )
    op.create_table(
        "lookup_wait",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("notice_address", sa.String(length=8), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failed", J, nullable=False),
        sa.Column("answers", J, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookup_wait")),
    )
    op.create_table(
        "cleaning_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.Column("taken_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("what", J, nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'apart', 'passed')", name=op.f("ck_cleaning_group_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_cleaning_group_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cleaning_group")),
        sa.UniqueConstraint("task", "key", name=op.f("uq_cleaning_group_task_key")),
    )
    with op.batch_alter_table("cleaning_group", schema=None) as batch_op:
        batch_op.create_index("ix_cleaning_group_done_at", ["done_at"], unique=False)

    op.create_table(
        "expected_issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("serial_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('expected', 'claimed', 'received', 'skipped')", name=op.f("ck_expected_issue_state")
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["notice.id"], name=op.f("fk_expected_issue_issue_id_notice")),
        sa.ForeignKeyConstraint(["serial_id"], ["notice.id"], name=op.f("fk_expected_issue_serial_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expected_issue")),
        sa.UniqueConstraint("serial_id", "number", name=op.f("uq_expected_issue_serial_id_number")),
    )
    op.create_table(
        "subscription",
        sa.Column("notice_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("frequency", sa.String(length=16), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("supplier", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("off_months", J, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_subscription_notice_id_notice")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_subscription")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notice_serials", ["sort_key"], unique=False, sqlite_where=SERIAL, postgresql_where=SERIAL
        )

    with op.batch_alter_table("source_version", schema=None) as batch_op:
        batch_op.create_index(
            "ix_source_version_deleted",
            ["record_id"],
            unique=False,
            sqlite_where=sa.text("deleted IS 1"),
            postgresql_where=sa.text("deleted IS true"),
        )

    with op.batch_alter_table("digital_document", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fault", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("archived_url", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("email", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("oidc_subject", sa.String(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_user_oidc_subject"), ["oidc_subject"])

    with op.batch_alter_table("visit_request", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_visit_request_subject"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_visit_request_subject"), ASKED_AND_BUY)


def downgrade() -> None:
    op.execute("UPDATE visit_request SET subject = 'other' WHERE subject = 'buy'")
    with op.batch_alter_table("visit_request", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_visit_request_subject"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_visit_request_subject"), ASKED)

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_user_oidc_subject"), type_="unique")
        batch_op.drop_column("oidc_subject")
        batch_op.drop_column("email")
        batch_op.drop_column("name")

    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_serials")

    with op.batch_alter_table("source_version", schema=None) as batch_op:
        batch_op.drop_index("ix_source_version_deleted")

    with op.batch_alter_table("digital_document", schema=None) as batch_op:
        batch_op.drop_column("version")
        batch_op.drop_column("archived_url")
        batch_op.drop_column("failing_since")
        batch_op.drop_column("fault")

    op.drop_table("subscription")
    op.drop_table("expected_issue")
    with op.batch_alter_table("cleaning_group", schema=None) as batch_op:
        batch_op.drop_index("ix_cleaning_group_done_at")

    op.drop_table("cleaning_group")
    op.drop_table("lookup_wait")
    op.drop_table("kept_form")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))

    op.drop_table("audit_entry")
