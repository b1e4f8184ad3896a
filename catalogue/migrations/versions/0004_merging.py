"""Merging: what a proposal is about and who settled it, what a merge moved; claims and judgements can be undone

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

J = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), server_default="1", nullable=False)


def upgrade() -> None:
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.add_column(sa.Column("moved", J, server_default="{}", nullable=False))
        batch_op.add_column(_version())
        batch_op.create_index("ix_claim_merged_notice_id", ["merged_notice_id"], unique=False)
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.add_column(_version())
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("category", sa.String(length=10), server_default="", nullable=False))
        batch_op.add_column(sa.Column("why", sa.String(length=60), server_default="", nullable=False))
        batch_op.add_column(sa.Column("kept", J, server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("settled_by", sa.String(length=80), server_default="", nullable=False))
        batch_op.add_column(_version())


def downgrade() -> None:
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        for name in ("version", "settled_by", "kept", "why", "category"):
            batch_op.drop_column(name)
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.drop_column("version")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_merged_notice_id")
        batch_op.drop_column("version")
        batch_op.drop_column("moved")
