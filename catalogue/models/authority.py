"""Agents, concepts and classification, and the numbers other systems know them by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.db import KEY, Base, J
from catalogue.models.notice import one_of

AGENT_TYPES = ("person", "family", "corporate_body", "meeting")


class Agent(Base):
    """A person or a body: one row for one, however many forms its name has.

    `status`: accepted; merged into another (which answers for its numbers ever after); withdrawn, when the lot
    that made it was undone. `heading` is the name as a notice's field writes it, by subfield.
    """

    __tablename__ = "agent"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(12), default="accepted")
    name: Mapped[str]
    heading: Mapped[list[list[str]]] = mapped_column(J, default=list)
    sort_key: Mapped[str] = mapped_column(KEY, index=True)
    variants: Mapped[list[str]] = mapped_column(J, default=list)
    dates: Mapped[str] = mapped_column(default="")
    identifiers: Mapped[dict[str, str]] = mapped_column(J, default=dict)
    note: Mapped[str] = mapped_column(default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (CheckConstraint(one_of("type", AGENT_TYPES), name="type"),)
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class AgentIdentifier(Base):
    """The identifiers of agents once more, to find them by: idref, bnf, isni, viaf, orcid."""

    __tablename__ = "agent_identifier"
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    scheme: Mapped[str]
    value: Mapped[str]
    __table_args__ = (Index("ix_agent_identifier_scheme_value", "scheme", "value"),)


class ConceptScheme(Base):
    __tablename__ = "concept_scheme"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    uri: Mapped[str] = mapped_column(default="")
    title: Mapped[dict[str, str]] = mapped_column(J, default=dict)


class Concept(Base):
    """A thesaurus term (SKOS). Its preferred French label is also a column, since screens sort on it.

    `said` is what its scheme last said of it: what differs from that was changed here, and stays.
    """

    __tablename__ = "concept"
    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("concept_scheme.id"), index=True)
    uri: Mapped[str] = mapped_column(default="", index=True)
    label: Mapped[str]
    sort_key: Mapped[str] = mapped_column(KEY, index=True)
    status: Mapped[str] = mapped_column(String(12), default="accepted")  # accepted | candidate | merged | withdrawn
    scope_note: Mapped[str] = mapped_column(default="")
    said: Mapped[dict[str, Any] | None] = mapped_column(J)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("concept.id"))
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ConceptLabel(Base):
    __tablename__ = "concept_label"
    id: Mapped[int] = mapped_column(primary_key=True)
    concept_id: Mapped[int] = mapped_column(ForeignKey("concept.id", ondelete="CASCADE"), index=True)
    language: Mapped[str]
    type: Mapped[str] = mapped_column(String(12))  # preferred | alternate | hidden
    label: Mapped[str]
    folded: Mapped[str] = mapped_column(KEY, index=True)


class ConceptRelation(Base):
    """Written one way only: `broader` from the narrower concept, `related` from the smaller id, mappings to a URI.

    A relation to a concept that has not come yet has its URI, or the promise of it: "RECI:category:4711".
    """

    __tablename__ = "concept_relation"
    id: Mapped[int] = mapped_column(primary_key=True)
    concept_id: Mapped[int] = mapped_column(ForeignKey("concept.id", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(String(16))  # broader | related | exactMatch | closeMatch | broadMatch …
    target_id: Mapped[int | None] = mapped_column(ForeignKey("concept.id", ondelete="CASCADE"), index=True)
    target_uri: Mapped[str] = mapped_column(default="", index=True)


class ClassificationEntry(Base):
    """A number of the shelving classification, and the words that explain it."""

    __tablename__ = "classification_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(String(60))
    number: Mapped[str]
    number_key: Mapped[str] = mapped_column(KEY, index=True)
    label: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(String(12), default="accepted")  # accepted | withdrawn
    said: Mapped[dict[str, Any] | None] = mapped_column(J)  # what its source last said of it
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("classification_entry.id"))
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (UniqueConstraint("plan", "number"),)
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ExternalId(Base):
    """What a source calls one of our rows: its records, bulletins, authors… have number spaces of their own.

    `said`: what it last said of an agent. What differs from that was changed here, and stays; `waits` when the
    source has said something new about just that.
    """

    __tablename__ = "external_id"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    space: Mapped[str] = mapped_column(String(20))  # record | bulletin | author | category | publisher …
    value: Mapped[str]
    entity: Mapped[str] = mapped_column(String(20))  # notice | agent | concept …
    entity_id: Mapped[int]
    seen_at: Mapped[datetime]
    said: Mapped[dict[str, Any] | None] = mapped_column(J)
    waits: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        UniqueConstraint("source_id", "space", "value"),
        Index("ix_external_id_entity_entity_id", "entity", "entity_id"),
    )


class KeptStatements(Base):
    """What a thesaurus file says of one subject and has no column here, as N-Triples: it goes out again as it came."""

    __tablename__ = "kept_statements"
    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("concept_scheme.id", ondelete="CASCADE"))
    subject: Mapped[str]
    triples: Mapped[str]
    __table_args__ = (UniqueConstraint("scheme_id", "subject"),)
