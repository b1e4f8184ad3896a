"""When a question was last written and a deletion noticed; what a first meeting leaves open

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

J = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.add_column(sa.Column("met_version_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("open", J, nullable=True))
        batch_op.add_column(sa.Column("gone", BIG, nullable=True))
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked", BIG, server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.drop_column("asked")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        for name in ("gone", "open", "met_version_id"):
            batch_op.drop_column(name)
