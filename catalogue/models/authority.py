"""Agents, concepts and classification, and the numbers other systems know them by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.db import KEY, Base, J
from catalogue.models.notice import one_of


class Agent(Base):
    __tablename__ = "agent"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(16))
    name: Mapped[str]
    sort_key: Mapped[str] = mapped_column(KEY, index=True)
    variants: Mapped[list[str]] = mapped_column(J, default=list)
    dates: Mapped[str] = mapped_column(default="")
    identifiers: Mapped[dict[str, str]] = mapped_column(J, default=dict)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (CheckConstraint(one_of("type", ("person", "corporate_body", "meeting")), name="type"),)
    __mapper_args__ = {"version_id_col": version}


class ConceptScheme(Base):
    __tablename__ = "concept_scheme"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    uri: Mapped[str] = mapped_column(default="")
    title: Mapped[dict[str, str]] = mapped_column(J, default=dict)


class Concept(Base):
    """A thesaurus term (SKOS). Its preferred French label is also a column, since screens sort on it."""

    __tablename__ = "concept"
    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("concept_scheme.id"), index=True)
    uri: Mapped[str] = mapped_column(default="", index=True)
    label: Mapped[str]
    sort_key: Mapped[str] = mapped_column(KEY, index=True)
    status: Mapped[str] = mapped_column(String(12), default="accepted")  # accepted | candidate | merged
    scope_note: Mapped[str] = mapped_column(default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("concept.id"))
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}


class ConceptLabel(Base):
    __tablename__ = "concept_label"
    id: Mapped[int] = mapped_column(primary_key=True)
    concept_id: Mapped[int] = mapped_column(ForeignKey("concept.id", ondelete="CASCADE"), index=True)
    language: Mapped[str]
    type: Mapped[str] = mapped_column(String(12))  # preferred | alternate | hidden
    label: Mapped[str]
    folded: Mapped[str] = mapped_column(KEY, index=True)


class ConceptRelation(Base):
    """Written one way only: `broader` from the narrower concept, `related` from the smaller id, mappings to a URI."""

    __tablename__ = "concept_relation"
    id: Mapped[int] = mapped_column(primary_key=True)
    concept_id: Mapped[int] = mapped_column(ForeignKey("concept.id", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(String(16))  # broader | related | exactMatch | closeMatch | broadMatch …
    target_id: Mapped[int | None] = mapped_column(ForeignKey("concept.id", ondelete="CASCADE"), index=True)
    target_uri: Mapped[str] = mapped_column(default="")


class ClassificationEntry(Base):
    """A number of the shelving classification, and the words that explain it."""

    __tablename__ = "classification_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(String(60))
    number: Mapped[str]
    number_key: Mapped[str] = mapped_column(KEY, index=True)
    label: Mapped[str] = mapped_column(default="")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("classification_entry.id"))
    __table_args__ = (UniqueConstraint("plan", "number"),)


class ExternalId(Base):
    """What a source calls one of our rows: its records, bulletins, authors… have number spaces of their own."""

    __tablename__ = "external_id"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    space: Mapped[str] = mapped_column(String(20))  # record | bulletin | author | category | publisher …
    value: Mapped[str]
    entity: Mapped[str] = mapped_column(String(20))  # notice | agent | concept …
    entity_id: Mapped[int]
    seen_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("source_id", "space", "value"),)
