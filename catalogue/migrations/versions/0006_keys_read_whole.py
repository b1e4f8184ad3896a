"""What shares a key is read from the index alone: a crowded key has a thousand notices

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_match_key_key_notice_id", "match_key", ["key", "notice_id"])
    op.drop_index("ix_match_key_key", "match_key")


def downgrade() -> None:
    op.create_index("ix_match_key_key", "match_key", ["key"])
    op.drop_index("ix_match_key_key_notice_id", "match_key")
