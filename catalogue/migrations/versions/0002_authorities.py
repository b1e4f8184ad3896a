"""Authorities: states, headings and identifiers of agents, what a source last said, the numbers notices carry

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

J = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def _status() -> sa.Column[str]:
    return sa.Column("status", sa.String(length=12), server_default="accepted", nullable=False)


def upgrade() -> None:
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.add_column(_status())
        batch_op.add_column(sa.Column("heading", J, server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("note", sa.String(), server_default="", nullable=False))
        batch_op.drop_constraint(batch_op.f("ck_agent_type"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_agent_type"), "type IN ('person', 'family', 'corporate_body', 'meeting')"
        )
        batch_op.create_index(batch_op.f("ix_agent_merged_into_id"), ["merged_into_id"], unique=False)
    op.create_table(
        "agent_identifier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_agent_identifier_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_identifier")),
    )
    with op.batch_alter_table("agent_identifier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agent_identifier_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index("ix_agent_identifier_scheme_value", ["scheme", "value"], unique=False)
    with op.batch_alter_table("concept", schema=None) as batch_op:
        batch_op.add_column(sa.Column("said", J, nullable=True))
    with op.batch_alter_table("concept_relation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concept_relation_target_uri"), ["target_uri"], unique=False)
    with op.batch_alter_table("classification_entry", schema=None) as batch_op:
        batch_op.add_column(_status())
        batch_op.add_column(sa.Column("said", J, nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    with op.batch_alter_table("external_id", schema=None) as batch_op:
        batch_op.add_column(sa.Column("said", J, nullable=True))
        batch_op.add_column(sa.Column("waits", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index("ix_external_id_entity_entity_id", ["entity", "entity_id"], unique=False)
    with op.batch_alter_table("notice_concept", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agent_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_notice_concept_agent_id_agent"), "agent", ["agent_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_notice_concept_agent_id"), ["agent_id"], unique=False)
    for table in ("notice_agent", "notice_concept"):
        for name in ("promise", "identifier"):
            op.add_column(table, sa.Column(name, KEY, nullable=True))
            where = sa.text(f"{name} IS NOT NULL")
            op.create_index(
                f"ix_{table}_{name}", table, [name], unique=False, sqlite_where=where, postgresql_where=where
            )


def downgrade() -> None:
    for table in ("notice_agent", "notice_concept"):
        for name in ("promise", "identifier"):
            op.drop_index(f"ix_{table}_{name}", table_name=table)
            op.drop_column(table, name)
    with op.batch_alter_table("notice_concept", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_concept_agent_id"))
        batch_op.drop_constraint(batch_op.f("fk_notice_concept_agent_id_agent"), type_="foreignkey")
        batch_op.drop_column("agent_id")
    with op.batch_alter_table("external_id", schema=None) as batch_op:
        batch_op.drop_index("ix_external_id_entity_entity_id")
        batch_op.drop_column("waits")
        batch_op.drop_column("said")
    with op.batch_alter_table("classification_entry", schema=None) as batch_op:
        batch_op.drop_column("version")
        batch_op.drop_column("said")
        batch_op.drop_column("status")
    with op.batch_alter_table("concept_relation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concept_relation_target_uri"))
    with op.batch_alter_table("concept", schema=None) as batch_op:
        batch_op.drop_column("said")
    op.drop_table("agent_identifier")
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agent_merged_into_id"))
        batch_op.drop_constraint(batch_op.f("ck_agent_type"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_agent_type"), "type IN ('person', 'corporate_body', 'meeting')")
        batch_op.drop_column("note")
        batch_op.drop_column("heading")
        batch_op.drop_column("status")
