"""First tables

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

J = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sort_key", KEY, nullable=False),
        sa.Column("variants", J, nullable=False),
        sa.Column("dates", sa.String(), nullable=False),
        sa.Column("identifiers", J, nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("type IN ('person', 'corporate_body', 'meeting')", name=op.f("ck_agent_type")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["agent.id"], name=op.f("fk_agent_merged_into_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
    )
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agent_sort_key"), ["sort_key"], unique=False)

    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
        sa.Column("undoable_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["undoes_id"], ["batch.id"], name=op.f("fk_batch_undoes_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_table(
        "centre",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("is_ours", sa.Boolean(), nullable=False),
        sa.Column("legal_regime", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre")),
        sa.UniqueConstraint("code", name=op.f("uq_centre_code")),
    )
    op.create_table(
        "classification_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("number_key", KEY, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"],
            ["classification_entry.id"],
            name=op.f("fk_classification_entry_replaced_by_id_classification_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classification_entry")),
        sa.UniqueConstraint("plan", "number", name=op.f("uq_classification_entry_plan_number")),
    )
    with op.batch_alter_table("classification_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_classification_entry_number_key"), ["number_key"], unique=False)

    op.create_table(
        "concept_scheme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("title", J, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_scheme")),
        sa.UniqueConstraint("code", name=op.f("uq_concept_scheme_code")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "helper_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("purpose_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_helper_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_helper_link_token_hash")),
    )
    op.create_table(
        "index_queue",
        sa.Column("notice_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("op", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_index_queue")),
    )
    with op.batch_alter_table("index_queue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_index_queue_seq"), ["seq"], unique=False)

    op.create_table(
        "judgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("left", sa.String(length=60), nullable=False),
        sa.Column("right", sa.String(length=60), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("reasons", J, nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("verdict IN ('same', 'different', 'unsure')", name=op.f("ck_judgement_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
    )
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_judgement_left"), ["left"], unique=False)
        batch_op.create_index(batch_op.f("ix_judgement_right"), ["right"], unique=False)

    op.create_table(
        "selection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("settings", J, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection")),
        sa.UniqueConstraint("code", name=op.f("uq_selection_code")),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", J, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(length=80), nullable=False),
        sa.Column("set_spec", sa.String(length=200), nullable=False),
        sa.Column("local", sa.Boolean(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("resend", sa.String(length=12), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("new_status", sa.String(length=12), nullable=False),
        sa.Column("rules", J, nullable=False),
        sa.Column("profile", J, nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('oai', 'file')", name=op.f("ck_source_kind")),
        sa.CheckConstraint("resend IN ('yes', 'no', 'partly')", name=op.f("ck_source_resend")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
    )
    op.create_table(
        "usage_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('view', 'download', 'citation', 'request')", name=op.f("ck_usage_day_kind")),
        sa.PrimaryKeyConstraint("day", "notice_id", "kind", name=op.f("pk_usage_day")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("preferences", J, nullable=False),
        sa.Column("session_token", sa.String(length=40), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('reader', 'contributor', 'documentalist', 'admin')", name=op.f("ck_user_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("login", name=op.f("uq_user_login")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", J, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_token_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "concept",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("sort_key", KEY, nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("scope_note", sa.String(), nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into_id"], ["concept.id"], name=op.f("fk_concept_merged_into_id_concept")),
        sa.ForeignKeyConstraint(["scheme_id"], ["concept_scheme.id"], name=op.f("fk_concept_scheme_id_concept_scheme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept")),
    )
    with op.batch_alter_table("concept", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concept_scheme_id"), ["scheme_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_concept_sort_key"), ["sort_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_concept_uri"), ["uri"], unique=False)

    op.create_table(
        "external_id",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("entity_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_external_id_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_id")),
        sa.UniqueConstraint("source_id", "space", "value", name=op.f("uq_external_id_source_id_space_value")),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_location_centre_id_centre")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("centre_id", "name", name=op.f("uq_location_centre_id_name")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column("changed_seq", BIG, nullable=False),
        sa.Column("fields", J, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("sort_key", KEY, nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("year_end", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level IN ('monograph', 'serial', 'issue', 'article', 'set')", name=op.f("ck_notice_level")),
        sa.CheckConstraint(
            "status IN ('draft', 'candidate', 'published', 'withdrawn', 'merged', 'erased')",
            name=op.f("ck_notice_status"),
        ),
        sa.ForeignKeyConstraint(["merged_into_id"], ["notice.id"], name=op.f("fk_notice_merged_into_id_notice")),
        sa.ForeignKeyConstraint(["owner_id"], ["centre.id"], name=op.f("fk_notice_owner_id_centre")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("address", name=op.f("uq_notice_address")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_changed_seq"), ["changed_seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_sort_key"), ["sort_key"], unique=False)
        batch_op.create_index("ix_notice_status_changed_seq", ["status", "changed_seq"], unique=False)

    op.create_table(
        "redirect",
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("target", sa.String(length=120), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_redirect_batch_id_batch")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_redirect")),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("entity_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", J, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_revision_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revision_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index("ix_revision_entity_entity_id", ["entity", "entity_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", J, nullable=True),
        sa.Column("checkpoint", J, nullable=False),
        sa.Column("counts", J, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_run_batch_id_batch")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_run_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_source_id"), ["source_id"], unique=False)

    op.create_table(
        "concept_label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("concept_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("type", sa.String(length=12), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("folded", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["concept_id"], ["concept.id"], name=op.f("fk_concept_label_concept_id_concept"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_label")),
    )
    with op.batch_alter_table("concept_label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concept_label_concept_id"), ["concept_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_concept_label_folded"), ["folded"], unique=False)

    op.create_table(
        "concept_relation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("concept_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("target_uri", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["concept_id"], ["concept.id"], name=op.f("fk_concept_relation_concept_id_concept"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["concept.id"], name=op.f("fk_concept_relation_target_id_concept"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_relation")),
    )
    with op.batch_alter_table("concept_relation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concept_relation_concept_id"), ["concept_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_concept_relation_target_id"), ["target_id"], unique=False)

    op.create_table(
        "digital_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("rights", sa.String(), nullable=False),
        sa.Column("text_ref", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alive", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_digital_document_notice_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digital_document")),
    )
    with op.batch_alter_table("digital_document", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_digital_document_notice_id"), ["notice_id"], unique=False)

    op.create_table(
        "match_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_match_key_notice_id_notice"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_key")),
    )
    with op.batch_alter_table("match_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_match_key_key"), ["key"], unique=False)
        batch_op.create_index(batch_op.f("ix_match_key_notice_id"), ["notice_id"], unique=False)

    op.create_table(
        "notice_agent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_notice_agent_agent_id_agent")),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_agent_notice_id_notice"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_agent")),
    )
    with op.batch_alter_table("notice_agent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_agent_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_agent_notice_id"), ["notice_id"], unique=False)

    op.create_table(
        "notice_concept",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("concept_id", sa.Integer(), nullable=True),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["concept_id"], ["concept.id"], name=op.f("fk_notice_concept_concept_id_concept")),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_concept_notice_id_notice"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scheme_id"], ["concept_scheme.id"], name=op.f("fk_notice_concept_scheme_id_concept_scheme")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_concept")),
    )
    with op.batch_alter_table("notice_concept", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_concept_concept_id"), ["concept_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_concept_notice_id"), ["notice_id"], unique=False)

    op.create_table(
        "notice_identifier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_identifier_notice_id_notice"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_identifier")),
    )
    with op.batch_alter_table("notice_identifier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_identifier_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index("ix_notice_identifier_scheme_value", ["scheme", "value"], unique=False)

    op.create_table(
        "notice_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("promise", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_link_notice_id_notice"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["target_id"], ["notice.id"], name=op.f("fk_notice_link_target_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_link")),
    )
    with op.batch_alter_table("notice_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_link_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_link_promise"), ["promise"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_link_target_id"), ["target_id"], unique=False)

    op.create_table(
        "raw_page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_raw_page_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_page")),
        sa.UniqueConstraint("run_id", "seq", name=op.f("uq_raw_page_run_id_seq")),
    )
    with op.batch_alter_table("raw_page", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_raw_page_run_id"), ["run_id"], unique=False)

    op.create_table(
        "refused",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("params", J, nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_refused_run_id_run")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_refused_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused")),
    )
    with op.batch_alter_table("refused", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refused_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refused_source_id"), ["source_id"], unique=False)
        batch_op.create_index("ix_refused_source_id_sha256", ["source_id", "sha256"], unique=False)

    op.create_table(
        "room",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_room_location_id_location")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
    )
    op.create_table(
        "selection_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("selection_id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_selection_entry_notice_id_notice")),
        sa.ForeignKeyConstraint(
            ["selection_id"],
            ["selection.id"],
            name=op.f("fk_selection_entry_selection_id_selection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection_entry")),
        sa.UniqueConstraint("selection_id", "notice_id", name=op.f("uq_selection_entry_selection_id_notice_id")),
    )
    with op.batch_alter_table("selection_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_selection_entry_selection_id"), ["selection_id"], unique=False)

    op.create_table(
        "source_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("latest_version_id", sa.Integer(), nullable=True),
        sa.Column("last_seen_run_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["last_seen_run_id"], ["run.id"], name=op.f("fk_source_record_last_seen_run_id_run")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_record_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_record")),
        sa.UniqueConstraint("source_id", "identifier", name=op.f("uq_source_record_source_id_identifier")),
    )
    with op.batch_alter_table("source_record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_record_identifier"), ["identifier"], unique=False)

    op.create_table(
        "visit_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=80), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("subject IN ('consult', 'visit', 'error', 'other')", name=op.f("ck_visit_request_subject")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_visit_request_notice_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_request")),
        sa.UniqueConstraint("code", name=op.f("uq_visit_request_code")),
    )
    op.create_table(
        "holding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("centre_label", sa.String(), nullable=False),
        sa.Column("call_number", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_holding_notice_id_notice")),
        sa.ForeignKeyConstraint(["record_id"], ["source_record.id"], name=op.f("fk_holding_record_id_source_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holding")),
    )
    with op.batch_alter_table("holding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holding_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holding_record_id"), ["record_id"], unique=False)

    op.create_table(
        "range",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name=op.f("fk_range_room_id_room")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_range")),
    )
    op.create_table(
        "source_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("datestamp", sa.String(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("fields", J, nullable=False),
        sa.Column("items", J, nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["raw_page.id"], name=op.f("fk_source_version_page_id_raw_page")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["source_record.id"], name=op.f("fk_source_version_record_id_source_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_version")),
    )
    with op.batch_alter_table("source_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_version_record_id"), ["record_id"], unique=False)

    op.create_table(
        "bay",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("range_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["range_id"], ["range.id"], name=op.f("fk_bay_range_id_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bay")),
    )
    op.create_table(
        "claim",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("merged_notice_id", sa.Integer(), nullable=True),
        sa.Column("base_version_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("judgement_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("state IN ('linked', 'withdrawn', 'split')", name=op.f("ck_claim_state")),
        sa.CheckConstraint("(record_id IS NULL) <> (merged_notice_id IS NULL)", name=op.f("ck_claim_speaker")),
        sa.ForeignKeyConstraint(
            ["base_version_id"], ["source_version.id"], name=op.f("fk_claim_base_version_id_source_version")
        ),
        sa.ForeignKeyConstraint(["judgement_id"], ["judgement.id"], name=op.f("fk_claim_judgement_id_judgement")),
        sa.ForeignKeyConstraint(["merged_notice_id"], ["notice.id"], name=op.f("fk_claim_merged_notice_id_notice")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_claim_notice_id_notice")),
        sa.ForeignKeyConstraint(["record_id"], ["source_record.id"], name=op.f("fk_claim_record_id_source_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_claim_record_id"), ["record_id"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("against_notice_version", sa.Integer(), nullable=False),
        sa.Column("changes", J, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'accepted', 'refused', 'stale')", name=op.f("ck_proposal_state")),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_proposal_claim_id_claim")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_proposal_run_id_run")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["source_version.id"], name=op.f("fk_proposal_version_id_source_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposal_claim_id"), ["claim_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposal_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposal_state"), ["state"], unique=False)

    op.create_table(
        "shelf",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bay_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pos", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["bay_id"], ["bay.id"], name=op.f("fk_shelf_bay_id_bay")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf")),
        sa.UniqueConstraint("code", name=op.f("uq_shelf_code")),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("barcode", sa.String(), nullable=True),
        sa.Column("inventory_number", sa.String(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("call_number", sa.String(), nullable=False),
        sa.Column("call_key", KEY, nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=True),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("shelf_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("lent_to", sa.String(), nullable=False),
        sa.Column("lent_until", sa.Date(), nullable=True),
        sa.Column("extra", J, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('available', 'on_loan', 'missing', 'repair', 'withdrawn')", name=op.f("ck_item_status")
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_item_centre_id_centre")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_item_location_id_location")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_item_notice_id_notice")),
        sa.ForeignKeyConstraint(["shelf_id"], ["shelf.id"], name=op.f("fk_item_shelf_id_shelf")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("centre_id", "barcode", name=op.f("uq_item_centre_id_barcode")),
        sa.UniqueConstraint("code", name=op.f("uq_item_code")),
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index("ix_item_call_key_id", ["call_key", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_location_id"), ["location_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_notice_id"), ["notice_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_notice_id"))
        batch_op.drop_index(batch_op.f("ix_item_location_id"))
        batch_op.drop_index("ix_item_call_key_id")

    op.drop_table("item")
    op.drop_table("shelf")
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proposal_state"))
        batch_op.drop_index(batch_op.f("ix_proposal_run_id"))
        batch_op.drop_index(batch_op.f("ix_proposal_claim_id"))

    op.drop_table("proposal")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claim_record_id"))
        batch_op.drop_index(batch_op.f("ix_claim_notice_id"))

    op.drop_table("claim")
    op.drop_table("bay")
    with op.batch_alter_table("source_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_version_record_id"))

    op.drop_table("source_version")
    op.drop_table("range")
    with op.batch_alter_table("holding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holding_record_id"))
        batch_op.drop_index(batch_op.f("ix_holding_notice_id"))

    op.drop_table("holding")
    op.drop_table("visit_request")
    with op.batch_alter_table("source_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_record_identifier"))

    op.drop_table("source_record")
    with op.batch_alter_table("selection_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_selection_entry_selection_id"))

    op.drop_table("selection_entry")
    op.drop_table("room")
    with op.batch_alter_table("refused", schema=None) as batch_op:
        batch_op.drop_index("ix_refused_source_id_sha256")
        batch_op.drop_index(batch_op.f("ix_refused_source_id"))
        batch_op.drop_index(batch_op.f("ix_refused_run_id"))

    op.drop_table("refused")
    with op.batch_alter_table("raw_page", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_raw_page_run_id"))

    op.drop_table("raw_page")
    with op.batch_alter_table("notice_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_link_target_id"))
        batch_op.drop_index(batch_op.f("ix_notice_link_promise"))
        batch_op.drop_index(batch_op.f("ix_notice_link_notice_id"))

    op.drop_table("notice_link")
    with op.batch_alter_table("notice_identifier", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_identifier_scheme_value")
        batch_op.drop_index(batch_op.f("ix_notice_identifier_notice_id"))

    op.drop_table("notice_identifier")
    with op.batch_alter_table("notice_concept", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_concept_notice_id"))
        batch_op.drop_index(batch_op.f("ix_notice_concept_concept_id"))

    op.drop_table("notice_concept")
    with op.batch_alter_table("notice_agent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_agent_notice_id"))
        batch_op.drop_index(batch_op.f("ix_notice_agent_agent_id"))

    op.drop_table("notice_agent")
    with op.batch_alter_table("match_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_match_key_notice_id"))
        batch_op.drop_index(batch_op.f("ix_match_key_key"))

    op.drop_table("match_key")
    with op.batch_alter_table("digital_document", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_digital_document_notice_id"))

    op.drop_table("digital_document")
    with op.batch_alter_table("concept_relation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concept_relation_target_id"))
        batch_op.drop_index(batch_op.f("ix_concept_relation_concept_id"))

    op.drop_table("concept_relation")
    with op.batch_alter_table("concept_label", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concept_label_folded"))
        batch_op.drop_index(batch_op.f("ix_concept_label_concept_id"))

    op.drop_table("concept_label")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_source_id"))

    op.drop_table("run")
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.drop_index("ix_revision_entity_entity_id")
        batch_op.drop_index(batch_op.f("ix_revision_batch_id"))

    op.drop_table("revision")
    op.drop_table("redirect")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_status_changed_seq")
        batch_op.drop_index(batch_op.f("ix_notice_sort_key"))
        batch_op.drop_index(batch_op.f("ix_notice_changed_seq"))

    op.drop_table("notice")
    op.drop_table("location")
    op.drop_table("external_id")
    with op.batch_alter_table("concept", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concept_uri"))
        batch_op.drop_index(batch_op.f("ix_concept_sort_key"))
        batch_op.drop_index(batch_op.f("ix_concept_scheme_id"))

    op.drop_table("concept")
    op.drop_table("api_token")
    op.drop_table("user")
    op.drop_table("usage_day")
    op.drop_table("source")
    op.drop_table("setting")
    op.drop_table("selection")
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_judgement_right"))
        batch_op.drop_index(batch_op.f("ix_judgement_left"))

    op.drop_table("judgement")
    with op.batch_alter_table("index_queue", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_index_queue_seq"))

    op.drop_table("index_queue")
    op.drop_table("helper_link")
    op.drop_table("counter")
    op.drop_table("concept_scheme")
    with op.batch_alter_table("classification_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_classification_entry_number_key"))

    op.drop_table("classification_entry")
    op.drop_table("centre")
    op.drop_table("batch")
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agent_sort_key"))

    op.drop_table("agent")
