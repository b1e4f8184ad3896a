"""What thesauri say beside their terms; call numbers of UDC and of sections in the order of the shelf

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from catalogue.callnumber import sort_key

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

item = sa.table("item", sa.column("id", sa.Integer), sa.column("call_number"), sa.column("call_key"))


def upgrade() -> None:
    op.create_table(
        "kept_statements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("triples", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scheme_id"],
            ["concept_scheme.id"],
            name=op.f("fk_kept_statements_scheme_id_concept_scheme"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_statements")),
        sa.UniqueConstraint("scheme_id", "subject", name=op.f("uq_kept_statements_scheme_id_subject")),
    )
    connection = op.get_bind()
    for item_id, call_number, key in connection.execute(sa.select(item)).all():
        if (wanted := sort_key(call_number)) != key:
            connection.execute(sa.update(item).where(item.c.id == item_id).values(call_key=wanted))


def downgrade() -> None:
    op.drop_table("kept_statements")
