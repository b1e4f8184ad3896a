"""Travée plays a scenario: on an empty base, and on one where somebody has been at work since an older export.

Each is judged after every night: nothing of hers overwritten, no question lost or asked twice, no claim, holding,
copy or notice astray (`ledger`); and after the last one, whether the records are those of the partner.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from benchmarks.nights import ledger
from benchmarks.nights.desk import Desk, Value, values
from benchmarks.nights.ledger import Found
from benchmarks.nights.world import (
    OVERWRITTEN,
    RIGHT,
    SILENT,
    TOLD,
    Night,
    Scenario,
    Verdict,
    World,
    playing,
)
from catalogue import doubles, setup, sources, unimarc
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Run, Source, SourceRecord, SourceVersion
from catalogue.problems import sentence
from harvest import importer, oai, recognising, run

COMPARED = ("200", "330", "606")  # of a record, beside the notes that its librarians wrote


@dataclass
class Ours:
    """Travée on a base of its own, and Claire at its desk."""

    world: World
    folder: Path
    database: Database
    settings: Settings
    desk: Desk

    @property
    def scenario(self) -> Scenario:
        return self.world.scenario

    def play(self, *, worked: bool) -> Verdict:
        """`worked`: an older export of two thirds of the base was imported before, and worked on since."""
        found, said = Found(), ""
        stirred = 0 if worked else 1
        self._declare(worked)
        for day, night in enumerate(self.scenario.nights):
            if day == stirred and not self.scenario.still:
                self.world.stir()
            self.world.start_night(night)
            reports = [self.harvest(name, night) for name in self.scenario.names]
            said = " ".join(report.sentence for report in reports if report.sentence)
            self.look_for_doubles()
            self._check(found, day)
            if self.desk.begun:
                self.desk.evening(day)
            else:
                self.desk.begin()
            night.here(self)
            self.desk.look()
            self.world.clock.now += night.after
        self._check(found, len(self.scenario.nights))
        return self._judge(found, said)

    def harvest(self, name: str, night: Night) -> run.Report:
        return run.harvest(
            self.database,
            self.settings,
            name,
            full=night.full,
            believe=night.believe,
            sleep=lambda seconds: None,
            now=self.world.clock,
        )

    def replay(self, *nights: int) -> None:
        """The stored pages of these nights are read again, in this order (0 is the first)."""
        with self.database.read() as session:
            numbers = session.scalars(select(Run.id).where(Run.kind == "harvest").order_by(Run.id)).all()
        for night in nights:
            run.replay(self.database, self.settings, numbers[night], now=self.world.clock)

    def look_for_doubles(self) -> None:
        """As the worker does at night."""
        recognising.prepare(self.database)
        while True:
            with self.database.write() as session:
                if not doubles.look(session).notices:
                    return

    # --- before the first night

    def _declare(self, worked: bool) -> None:
        if self.scenario.import_first or worked:
            share = 1.0 if self.scenario.import_first else 2 / 3
            self._import(int(self.scenario.size * share))
        with self.database.write() as session:
            for name in self.scenario.names:
                source = sources.for_file(session, name)
                source.kind, source.url, source.new_status = "oai", self.world.url_of(name), "published"
                for setting, value in self.scenario.source.items():
                    setattr(source, setting, value)
        if worked:
            self.desk.begin()

    def _import(self, up_to: int) -> None:
        from export.pmbxml import notice_bytes

        leader: unimarc.Field = {"t": "000", "v": "     nam0 22     1i 450 "}
        body = [
            notice_bytes([leader, {"t": "001", "v": str(r.id)}, *(f for f in r.fields if f["t"] not in ("995", "996"))])
            for r in self.world.partner.rows()
            if r.id <= up_to and r.id not in self.scenario.untitled
        ]
        path = self.folder / "export.xml"
        path.write_bytes(b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n' + b"".join(body) + b"</unimarc>\n")
        importer.import_file(self.database, path, source="RECI", status="published", by="claire")

    # --- judging

    def _check(self, found: Found, day: int) -> None:
        with self.database.read() as session:
            now = ledger.check(session, self.world, self.desk)
        found.overwritten += [f"night {day}: {what}" for what in now.overwritten]
        found.lost += [f"night {day}: {what}" for what in now.lost]
        found.doubles, found.asked, found.gone = now.doubles, now.asked, now.gone

    def _judge(self, found: Found, said: str) -> Verdict:
        wrong, refused = self.wrong(), self._refused()
        if not wrong and not said:
            with self.database.read() as session:
                found.lost += ledger.holdings_astray(session, self.world)
        kept = (len(found.overwritten), len(found.doubles), tuple(found.lost))
        if found.overwritten:
            return Verdict(OVERWRITTEN, found.overwritten[0], *kept)
        if found.lost or found.doubles:
            return Verdict(SILENT, [*found.lost, *found.doubles][0], *kept)
        if said:
            return Verdict(TOLD, said, *kept)
        if wrong and (wrong <= refused.keys() or ("" in refused and len(wrong) == 1)):
            return Verdict(TOLD, " ".join(refused.values()), *kept)
        if wrong:
            return Verdict(SILENT, f"{len(wrong)}: {sorted(wrong)[:3]}", *kept)
        if found.asked or found.gone:
            told = f"{found.asked} paires de doublons possibles attendent une réponse"
            return Verdict(TOLD, f"{told} ; {found.gone} notices sont dites disparues.", *kept)
        return Verdict(RIGHT, "", *kept)

    def wrong(self) -> set[str]:
        """Identifiers of which we do not hold what the partner says."""
        out: set[str] = set()
        for name in self.scenario.names:
            truth = {self.world.identified(name, row): self._compared(row.fields) for row in self.world.rows(name)}
            held = self._held(name)
            out |= {i for i in truth.keys() | held.keys() if truth.get(i) != held.get(i)}
        return out

    def _held(self, name: str) -> dict[str, set[Value]]:
        statement = (
            select(SourceRecord.identifier, SourceVersion.fields)
            .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .where(SourceVersion.deleted.is_(False), Source.name == name)
        )
        with self.database.read() as session:
            return {identifier: self._compared(fields) for identifier, fields in session.execute(statement)}

    def _compared(self, fields: unimarc.Fields) -> set[Value]:
        if not self.scenario.unimarc:
            return {("200", unimarc.title(fields))}
        return {v for v in values(fields) if v[0] in COMPARED or v[1].startswith("Note")}

    def _refused(self) -> dict[str, str]:
        """The records that wait in the list of refused ones, and why."""
        with self.database.read() as session:
            return {row.identifier: sentence(row.code, row.params) for row, _name in sources.list_refused(session)}


def play_ours(scenario: Scenario, template: Path, *, worked: bool = False) -> Verdict:
    with tempfile.TemporaryDirectory() as name, _hurried(scenario.page_seconds), playing(scenario) as world:
        folder = Path(name)
        shutil.copy(template, folder / "travee.db")
        database = Database(f"sqlite:///{folder / 'travee.db'}")
        settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
        world.here = ours = Ours(world, folder, database, settings, Desk(database))
        try:
            return ours.play(worked=worked)
        finally:
            database.close()


def worst(*verdicts: Verdict) -> Verdict:
    """Of one scenario played several times."""
    order = (RIGHT, TOLD, SILENT, OVERWRITTEN)
    return max(verdicts, key=lambda verdict: order.index(verdict.what))


@contextmanager
def _hurried(seconds: float) -> Iterator[None]:
    """A page that takes minutes would take as long here: the limit is brought down for the time of a scenario."""
    before = oai.PAGE_SECONDS
    oai.PAGE_SECONDS = seconds
    try:
        yield
    finally:
        oai.PAGE_SECONDS = before


def empty_base(folder: Path) -> Path:
    """An empty Travée in one file, to be copied."""
    path = folder / "empty.db"
    database = Database(f"sqlite:///{path}")
    setup.create_tables(database)
    setup.first_rows(database, Settings(_env_file=None))
    database.close()
    return path
