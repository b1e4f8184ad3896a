"""A centre, its worker and a partner: what the tests of the nightly run share. A plugin, for its fixture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from catalogue import db, nights, remembered, sources
from catalogue.models import Run
from catalogue.schedule import Schedule
from catalogue.unimarc import Fields
from demo.partner import RunningPartner, serve
from harvest.nightly import Nightly
from tests.cast import field as f

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERY_NIGHT = Schedule(on=True, hour=3, full_day=None)


@dataclass
class Kept:
    """A record of the partner's base."""

    id: int
    fields: Fields
    datestamp: datetime = NOON - DAY
    deleted: bool = False
    dt: str = "a"
    bl: str = "m"
    hl: str = "0"


def book(number: int) -> Kept:
    return Kept(number, [f("200", "a", f"Ouvrage {number}", ind="1 "), f("210", "d", "2021")])


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Centre:
    """Our catalogue, its worker, and a partner who answers by pages of ten."""

    app: Flask
    claire: FlaskClient
    partner: RunningPartner
    clock: Clock
    stopped: list[bool] = field(default_factory=list)

    @property
    def base(self) -> db.Database:
        found: db.Database = self.app.extensions["travee"].db
        return found

    def worker(self, **more: Any) -> Nightly:
        settings = self.app.extensions["travee"].settings
        return Nightly(self.base, settings, now=self.clock, pause=lambda seconds: None, **more)

    def set(self, schedule: Schedule = EVERY_NIGHT, name: str = "RECI") -> None:
        with self.base.write() as session:
            source = sources.for_file(session, name)
            nights.set_schedule(session, source.id, schedule, at=self.clock.now - DAY)
            remembered.write(session, nights.MINUTE, 0)

    def runs(self) -> list[Run]:
        with self.base.read() as session:
            return list(session.scalars(select(Run).order_by(Run.id)))

    def count(self, table: Any) -> int:
        with self.base.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def asked(self) -> list[nights.Asked]:
        with self.base.read() as session:
            return nights.list_asked(session)

    def add(self, status: str = "complete", at: datetime = NOON, **more: Any) -> int:
        """A run that somebody else has made."""
        with self.base.write() as session:
            source = sources.for_file(session, "RECI")
            values: dict[str, Any] = {"checkpoint": {"asked": {"from": ""}, "base": True}, "counts": {}} | more
            values = {"ended_at": at, **values}
            made = Run(source_id=source.id, kind="harvest", started_at=at, status=status, **values)
            session.add(made)
            session.flush()
            return made.id


@pytest.fixture
def centre(app: Flask, claire: FlaskClient) -> Iterator[Centre]:
    clock = Clock()
    with serve([book(n) for n in range(1, 26)], page_size=10, clock=clock, repository="RECI") as partner:
        made = Centre(app, claire, partner, clock)
        with made.base.write() as session:
            source = sources.for_file(session, "RECI")
            source.kind, source.url, source.licence = "oai", partner.url, "Licence ouverte"
        yield made
