"""Copies and the places they stand in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.db import KEY, Base, J
from catalogue.models.notice import one_of

ITEM_STATUSES = ("available", "on_loan", "missing", "repair", "withdrawn")


class Location(Base):
    """Where copies are kept, as PMB says it: « Espace doc », « Réserve »."""

    __tablename__ = "location"
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    name: Mapped[str]
    __table_args__ = (UniqueConstraint("centre_id", "name"),)


class Room(Base):
    __tablename__ = "room"
    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    name: Mapped[str]


class Range(Base):
    """Épi."""

    __tablename__ = "range"
    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"))
    name: Mapped[str]
    pos: Mapped[int] = mapped_column(default=0)


class Bay(Base):
    """Travée."""

    __tablename__ = "bay"
    id: Mapped[int] = mapped_column(primary_key=True)
    range_id: Mapped[int] = mapped_column(ForeignKey("range.id"))
    name: Mapped[str]
    pos: Mapped[int] = mapped_column(default=0)


class Shelf(Base):
    """Tablette."""

    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    bay_id: Mapped[int] = mapped_column(ForeignKey("bay.id"))
    code: Mapped[str] = mapped_column(String(8), unique=True)
    name: Mapped[str]
    pos: Mapped[int] = mapped_column(default=0)
    length_mm: Mapped[int | None]
    height_mm: Mapped[int | None]


class Item(Base):
    """One physical copy on a shelf. Written by `catalogue.items` only.

    `extra` keeps what the record said of the copy and we do not map, so that an export can rebuild it.
    """

    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    barcode: Mapped[str | None]
    inventory_number: Mapped[str] = mapped_column(default="")
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    call_number: Mapped[str] = mapped_column(default="")
    call_key: Mapped[str] = mapped_column(KEY, default="")
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"), index=True)
    section: Mapped[str] = mapped_column(default="")
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    status: Mapped[str] = mapped_column(String(12), default="available")
    lent_to: Mapped[str] = mapped_column(default="")
    lent_until: Mapped[date | None]
    extra: Mapped[dict[str, Any]] = mapped_column(J, default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("centre_id", "barcode"),
        CheckConstraint(one_of("status", ITEM_STATUSES), name="status"),
        Index("ix_item_call_key_id", "call_key", "id"),
    )
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class DigitalDocument(Base):
    """A file or a link. `text_ref` points to the extracted text; protected texts are never quoted.

    `rights` "removed": nobody's any more; the row stays while its removal can be undone (`catalogue.digital`).
    """

    __tablename__ = "digital_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    url: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    label: Mapped[str] = mapped_column(default="")
    media_type: Mapped[str] = mapped_column(default="")
    size: Mapped[int | None]
    rights: Mapped[str] = mapped_column(default="")
    text_ref: Mapped[str] = mapped_column(default="")
    checked_at: Mapped[datetime | None]
    alive: Mapped[bool | None]
    fault: Mapped[str] = mapped_column(default="", server_default="")  # why the link did not answer, as a code
    failing_since: Mapped[datetime | None]
    archived_url: Mapped[str] = mapped_column(default="", server_default="")  # a copy that a web archive keeps
    version: Mapped[int] = mapped_column(default=1, server_default="1")
