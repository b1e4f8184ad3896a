"""A partner, our base and two other harvesters over some nights: where the scenarios of `truth` take place.

The partner knows the truth: which records live, and what their titles are. After the last night each harvester is
asked what it holds. It is right, or it says that something is missing (« told »), or it is wrong and says nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from catalogue import notices, setup, sources, unimarc
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Claim, Notice, SourceRecord, SourceVersion
from catalogue.problems import sentence
from catalogue.unimarc import Field, Fields, bare
from demo.partner import Faults, Partner, RunningPartner, serve
from harvest import importer, oai, run

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
REPOSITORY = "RECI"
EDITED = (2, 5, 9)  # records that somebody here retouches after the first night

RIGHT, TOLD, SILENT, ENDLESS_LOOP = "right", "told", "silent loss", "never ends"


@dataclass
class Kept:
    """A record of the partner's base."""

    id: int
    fields: Fields
    datestamp: datetime = NOON - 30 * DAY
    deleted: bool = False
    dt: str = "a"
    bl: str = "m"
    hl: str = "0"


def book(number: int, title: str = "") -> Kept:
    return Kept(number, titled(title or f"Ouvrage {number}"))


def titled(title: str) -> Fields:
    fields: list[Field] = [
        {"t": "200", "i": "1 ", "s": [["a", title]]},
        {"t": "210", "i": "  ", "s": [["d", "2021"]]},
        {"t": "801", "i": "  ", "s": [["a", "INTERNE"], ["b", "FR"]]},
    ]
    return fields


@dataclass
class Clock:
    now: datetime = NOON
    offset: timedelta = field(default_factory=timedelta)  # of the partner's clock

    def __call__(self) -> datetime:
        return self.now

    def theirs(self) -> datetime:
        return self.now + self.offset


@dataclass(frozen=True)
class Night:
    """What happens at the partner's before a harvest, and what goes wrong during it."""

    faults: Mapping[str, Any] = field(default_factory=dict)
    do: Callable[[World], None] = lambda world: None
    after: timedelta = DAY
    full: bool = False
    believe: bool = False


@dataclass(frozen=True)
class Scenario:
    """Some nights with one thing that goes wrong. `says` is for whoever reads the table."""

    name: str
    says: str
    nights: tuple[Night, ...]
    kind: type[Partner] = Partner
    partner: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    query: str = "source_id=1"
    size: int = 12
    import_first: bool = False
    twice: bool = False  # the same base is declared under a second name
    untitled: tuple[int, ...] = ()
    page_seconds: float = oai.PAGE_SECONDS


@dataclass
class World:
    """One scenario being played."""

    scenario: Scenario
    running: RunningPartner
    clock: Clock
    elsewhere: str  # a machine of our own network, which nobody outside may reach

    @property
    def partner(self) -> Partner:
        return self.running.partner

    @property
    def url(self) -> str:
        return self.running.url.replace("source_id=1", self.scenario.query)

    def edit(self, number: int, title: str, at: datetime | None = None) -> None:
        self.partner.revise(number, titled(title), at or self.clock.theirs())

    def delete(self, *numbers: int) -> None:
        for number in numbers:
            self.partner.delete(number, self.clock.theirs())

    def add(self, number: int, at: datetime | None = None) -> None:
        record = book(number)
        record.datestamp = at or self.clock.theirs()
        self.partner.add(record)

    def truth(self) -> dict[str, str]:
        """What lives at the partner's, in the sets that are asked for, by its number."""
        asked = str(self.scenario.source.get("set_spec", "")).split()
        sets = [self.partner.sets[int(spec[4:])][1] for spec in asked if int(spec[4:]) in self.partner.sets]
        rows = [row for row in self.partner.rows() if not row.deleted]
        return {
            f"oai:{REPOSITORY}:{row.id}": unimarc.title(row.fields)
            for row in rows
            if not sets or any(members is None or row.id in members for members in sets)
        }

    def start_night(self, night: Night) -> None:
        faults = dict(night.faults)
        if faults.get("redirect_to") == "elsewhere":
            faults["redirect_to"] = self.elsewhere
        self.running.faults = Faults()
        night.do(self)
        self.running.faults = Faults(**faults)


@contextmanager
def playing(scenario: Scenario) -> Iterator[World]:
    """The partner of a scenario, opened."""
    clock = Clock()
    records = [book(n) for n in range(1, scenario.size + 1)]
    for number in scenario.untitled:
        records[number - 1].fields = [{"t": "210", "i": "  ", "s": [["d", "2021"]]}]
    options = {"page_size": 5, "clock": clock.theirs, "repository": REPOSITORY, **scenario.partner}
    with ExitStack() as stack:
        running = stack.enter_context(serve(records, kind=scenario.kind, **options))
        inside = stack.enter_context(serve([book(900, "Registre interne")], repository=REPOSITORY))
        yield World(scenario, running, clock, inside.url.replace("127.0.0.1", "localhost"))


# --- ours ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What a harvester made of a scenario; `detail` is what it said, or what is wrong."""

    what: str
    detail: str = ""
    overwritten: int = 0
    doubles: int = 0


class Ours:
    """Travée, on a base of its own, with somebody who retouches notices after the first night."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copy(template, folder / "travee.db")
        self.database = Database(f"sqlite:///{folder / 'travee.db'}")
        self.settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
        self.folder = folder
        self.edited: dict[int, Fields] = {}

    def play(self, scenario: Scenario) -> Verdict:
        with playing(scenario) as world:
            self._declare(world)
            reports: list[run.Report] = []
            for night in scenario.nights:
                world.start_night(night)
                reports = [self._harvest(world, name, night) for name in self._names(scenario)]
                if not self.edited:
                    self._edit()
                world.clock.now += night.after
            return self._judge(world, reports)

    def _names(self, scenario: Scenario) -> list[str]:
        return ["RECI", "RECI bis"][: 1 + scenario.twice]

    def _declare(self, world: World) -> None:
        if world.scenario.import_first:
            self._import(world)
        with self.database.write() as session:
            for name in self._names(world.scenario):
                source = sources.for_file(session, name)
                source.kind, source.url, source.new_status = "oai", world.url, "published"
                for setting, value in world.scenario.source.items():
                    setattr(source, setting, value)

    def _import(self, world: World) -> None:
        from export.pmbxml import notice_bytes

        path = self.folder / "export.xml"
        body = [
            notice_bytes([{"t": "000", "v": "     nam0 22     1i 450 "}, {"t": "001", "v": str(r.id)}, *r.fields])
            for r in world.partner.rows()
        ]
        path.write_bytes(b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n' + b"".join(body) + b"</unimarc>\n")
        importer.import_file(self.database, path, source="RECI", status="published", by="claire")

    def _harvest(self, world: World, name: str, night: Night) -> run.Report:
        return run.harvest(
            self.database,
            self.settings,
            name,
            full=night.full,
            believe=night.believe,
            sleep=lambda seconds: None,
            now=world.clock,
        )

    def _edit(self) -> None:
        """Somebody here writes a summary, and takes a publisher out."""
        with self.database.write() as session:
            known = select(Notice.id).where(Notice.title.in_([f"Ouvrage {n}" for n in EDITED]))
            for number in session.scalars(known).all():
                notice = notices.get(session, number)
                fields = [bare(f) for f in notice.fields if f["t"] != "210"]
                fields.append({"t": "330", "i": "  ", "s": [["a", "Un résumé écrit ici."]]})
                notices.revise(session, notice, fields, by="claire")
                self.edited[number] = fields

    def state(self) -> dict[str, str]:
        """What the base holds for living at the partner's."""
        with self.database.read() as session:
            statement = (
                select(SourceRecord.identifier, SourceVersion.fields)
                .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
                .where(SourceVersion.deleted.is_(False))
            )
            return {identifier: unimarc.title(fields) for identifier, fields in session.execute(statement)}

    def _judge(self, world: World, reports: list[run.Report]) -> Verdict:
        truth, held = world.truth(), self.state()
        overwritten, doubles = self._overwritten(), self._doubles()
        said = " ".join(report.sentence for report in reports if report.sentence)
        refused = self._refused()
        wrong = {i for i in truth.keys() | held.keys() if truth.get(i) != held.get(i)}
        if not wrong and not said:
            return Verdict(RIGHT, "", overwritten, doubles)
        if said:
            return Verdict(TOLD, said, overwritten, doubles)
        if wrong <= refused.keys() or ("" in refused and len(wrong) == 1):
            return Verdict(TOLD, " ".join(refused.values()), overwritten, doubles)
        return Verdict(SILENT, f"{len(wrong)} : {sorted(wrong)[:3]}", overwritten, doubles)

    def _refused(self) -> dict[str, str]:
        """The records that wait in the list of refused ones, and why."""
        with self.database.read() as session:
            return {row.identifier: sentence(row.code, row.params) for row, _name in sources.list_refused(session)}

    def _overwritten(self) -> int:
        with self.database.read() as session:
            return sum(
                [bare(f) for f in notices.get(session, number).fields] != fields
                for number, fields in self.edited.items()
            )

    def _doubles(self) -> int:
        """Notices beyond one for each record."""
        with self.database.read() as session:
            made = session.scalar(select(func.count()).select_from(Notice)) or 0
            known = session.scalar(select(func.count(func.distinct(SourceRecord.identifier)))) or 0
            claimed = session.scalar(select(func.count(func.distinct(Claim.notice_id)))) or 0
        return max(0, made - min(known, claimed))

    def close(self) -> None:
        self.database.close()


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


def play_ours(scenario: Scenario, template: Path) -> Verdict:
    with tempfile.TemporaryDirectory() as folder, _hurried(scenario.page_seconds):
        ours = Ours(template, Path(folder))
        try:
            return ours.play(scenario)
        finally:
            ours.close()
