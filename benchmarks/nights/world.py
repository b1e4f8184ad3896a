"""A partner and its nights: where the scenarios of `truth` take place.

The partner knows the truth: which records live, and what they say. Its librarians work too: once in each scenario
they change the very fields that somebody here has changed (`World.stir`). After the last night each harvester is
asked what it holds: it is right, or it says that something is missing (« told »), or it is wrong and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from catalogue.unimarc import Field, Fields
from demo.partner import Faults, Partner, Row, RunningPartner, serve
from harvest import oai

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
REPOSITORY = "RECI"
RECI, BIS = "RECI", "RECI bis"  # our names for the source, and for a second one
# What the second source is: the same base under another name; another base whose records have the same identifiers;
# a base of its own that describes the same documents.
SAME, NAMESAKE, NEIGHBOUR = "same", "namesake", "neighbour"

RIGHT, TOLD, SILENT, ENDLESS_LOOP = "right", "told", "silent loss", "never ends"
OVERWRITTEN = "overwritten"


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
    return Kept(number, described(number, title or f"Ouvrage {number}"))


def described(number: int, title: str) -> Fields:
    """Every other one has an ISBN, as in a documentation centre."""
    fields: list[Field] = [
        *([said("010", "a", isbn(number))] if number % 2 else []),
        said("200", "a", title, "1 "),
        {"t": "210", "i": "  ", "s": [["c", f"Éditions {number}"], ["d", "2021"]]},
        said("215", "a", f"{100 + 7 * number} p."),
        said("330", "a", f"Résumé {number}, du partenaire."),
        said("606", "a", f"Sujet {number}"),
        {"t": "700", "i": " 1", "s": [["a", f"Auteur{number}"], ["b", "Anne"], ["4", "070"]]},
        said("801", "b", "FR"),
    ]
    return [*fields, *copy(number, f"P {number}")] if number % 5 == 0 else fields


def isbn(number: int) -> str:
    digits = f"97827071{number:04}"
    return digits + str(-sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(digits)) % 10)


def copy(number: int, call_number: str) -> list[Field]:
    """A copy of the partner's, as PMB writes it: twice."""
    return [
        {"t": "995", "i": "  ", "s": [["a", "Labo"], ["f", f"LB{number}"], ["k", call_number]]},
        {"t": "996", "i": "  ", "s": [["f", f"LB{number}"], ["k", call_number]]},
    ]


def said(tag: str, code: str, value: str, indicators: str = "  ") -> Field:
    return {"t": tag, "i": indicators, "s": [[code, value]]}


def instead(fields: Iterable[Field], tag: str, *new: Field) -> Fields:
    """These fields, with others under this tag."""
    return [*(f for f in fields if f["t"] != tag), *new]


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
    """What happens at the partner's before a harvest, what goes wrong during it, what somebody does here after it."""

    faults: Mapping[str, Any] = field(default_factory=dict)
    do: Callable[[World], None] = lambda world: None
    after: timedelta = DAY
    full: bool = False
    believe: bool = False
    here: Callable[[Any], None] = lambda ours: None  # takes `ours.Ours`; other harvesters have no such work


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
    second: str = ""  # what is declared as a second source
    poor: bool = False  # the format becomes poorer on the way
    untitled: tuple[int, ...] = ()
    still: bool = False  # the partner's librarians do nothing beside what the scenario says
    page_seconds: float = oai.PAGE_SECONDS

    @property
    def unimarc(self) -> bool:
        """Whether what comes can be compared value by value."""
        return self.source.get("prefix") != "oai_dc" and not self.poor

    @property
    def names(self) -> list[str]:
        return [RECI, BIS] if self.second else [RECI]

    def document(self, source: str, number: int) -> Hashable:
        """Which document a record describes: a base that was made anew counts from 101."""
        return (source if self.second == NAMESAKE else "", number % 100)


@dataclass
class World:
    """One scenario being played."""

    scenario: Scenario
    running: RunningPartner
    clock: Clock
    elsewhere: str  # a machine of our own network, which nobody outside may reach
    other: RunningPartner  # another base of the same name
    here: Any = None  # `ours.Ours`, when it is we who harvest
    was_gone: set[str] = field(default_factory=set)  # identifiers that were deleted, or said to be, and came back

    @property
    def partner(self) -> Partner:
        return self.running.partner

    @property
    def url(self) -> str:
        return self.running.url.replace("source_id=1", self.scenario.query)

    def server(self, name: str) -> RunningPartner:
        return self.other if name == BIS and self.scenario.second != SAME else self.running

    def url_of(self, name: str) -> str:
        return self.url if self.server(name) is self.running else self.other.url

    def identified(self, name: str, row: Row) -> str:
        return f"oai:{self.server(name).partner.repository}:{row.id}"

    def at_home(self, act: Callable[[Any], None]) -> None:
        """Somebody here does this, at whatever moment it is."""
        if self.here is not None:
            act(self.here)

    # --- what its librarians do

    def row(self, number: int) -> Row:
        return next(row for row in self.partner.rows() if row.id == number)

    def put(self, number: int, tag: str, *new: Field, at: datetime | None = None) -> None:
        """A record says this under a tag from now on."""
        self.partner.revise(number, instead(self.row(number).fields, tag, *new), at or self.clock.theirs())

    def edit(self, number: int, title: str, at: datetime | None = None) -> None:
        """Another title, and a note that tells of it."""
        fields = instead(self.row(number).fields, "200", said("200", "a", title, "1 "))
        self.partner.revise(number, [*fields, said("300", "a", f"Note : {title}")], at or self.clock.theirs())

    def delete(self, *numbers: int) -> None:
        for number in numbers:
            self.partner.delete(number, self.clock.theirs())

    def restore(self, *numbers: int) -> None:
        for number in numbers:
            self.was_gone.add(f"oai:{REPOSITORY}:{number}")
            self.partner.restore(number, self.clock.theirs())

    def add(self, number: int, at: datetime | None = None) -> None:
        record = book(number)
        record.datestamp = at or self.clock.theirs()
        self.partner.add(record)

    def shelve(self, number: int, call_number: str) -> None:
        """A copy goes to another shelf."""
        fields = [f for f in self.row(number).fields if f["t"] not in ("995", "996")]
        self.partner.revise(number, [*fields, *copy(number, call_number)], self.clock.theirs())

    def shelve_in_silence(self, number: int, call_number: str) -> None:
        """The same, and the date of the record stays what it was."""
        self.partner.faults.no_date_change = True
        self.shelve(number, call_number)

    def doubt(self, number: int) -> None:
        """Everything that can be asked will say that this record is gone: we may believe it."""
        self.was_gone.add(f"oai:{REPOSITORY}:{number}")

    def wait(self, time: timedelta) -> None:
        """Nobody harvests for so long."""
        self.clock.now += time

    def edit_neighbour(self, number: int, title: str) -> None:
        partner = self.other.partner
        row = next(row for row in partner.rows() if row.id == number)
        partner.revise(number, instead(row.fields, "200", said("200", "a", title, "1 ")), self.clock.theirs())

    def renumber(self) -> None:
        """The base is made anew: the same records, other numbers."""
        rows = self.partner.rows()
        self.partner.forget(*(row.id for row in rows))
        for row in rows:
            self.partner.add(Kept(row.id + 100, row.fields, self.clock.theirs(), row.deleted))

    def stir(self) -> None:
        """An ordinary day at the partner's, on records that somebody here works on too (`desk.Desk.begin`)."""
        living = {row.id: row.fields for row in self.partner.rows() if not row.deleted}
        days: dict[int, Callable[[], None]] = {
            2: lambda: self.put(2, "200", said("200", "a", "Ouvrage 2, corrigé là-bas", "1 ")),
            3: lambda: self.put(3, "300", said("300", "a", "Note 3, du partenaire")),
            5: lambda: self.put(5, "606", said("606", "a", "Sujet 5 précisé")),
            6: lambda: self.put(6, "200", said("200", "a", "Ouvrage 6, revu", "1 ")),
            8: lambda: self.put(8, "330", said("330", "a", "Résumé 8, du partenaire, refait.")),
            9: lambda: self.put(9, "300", said("300", "a", "Note 9, du partenaire")),
            10: lambda: self.shelve(10, "P 10 bis"),
            11: lambda: self.put(11, "606", said("606", "a", "Sujet 11"), said("606", "a", "Sujet 11 de plus")),
            12: lambda: self.put(12, "330"),
        }
        for number, change in days.items():
            if number in living and number not in self.scenario.untitled:
                change()

    # --- what is true

    def rows(self, name: str = RECI) -> list[Row]:
        """What lives at the partner's, in the sets that are asked for."""
        partner = self.server(name).partner
        asked = str(self.scenario.source.get("set_spec", "")).split()
        sets = [partner.sets[int(spec[4:])][1] for spec in asked if int(spec[4:]) in partner.sets]
        rows = [row for row in partner.rows() if not row.deleted]
        return [row for row in rows if not sets or any(members is None or row.id in members for members in sets)]

    def start_night(self, night: Night) -> None:
        faults = dict(night.faults)
        if faults.get("redirect_to") == "elsewhere":
            faults["redirect_to"] = self.elsewhere
        if faults.get("redirect_to") == "in circles":
            faults["redirect_to"] = self.running.url
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
    theirs = [book(n, f"Registre paroissial numéro {n}" if scenario.second == NAMESAKE else "") for n in range(1, 9)]
    named = "VOISIN" if scenario.second == NEIGHBOUR else REPOSITORY
    with ExitStack() as stack:
        running = stack.enter_context(serve(records, kind=scenario.kind, **options))
        inside = stack.enter_context(serve([book(900, "Registre interne")], repository=REPOSITORY))
        other = stack.enter_context(serve(theirs, repository=named, clock=clock.theirs))
        yield World(scenario, running, clock, inside.url.replace("127.0.0.1", "localhost"), other)


@dataclass(frozen=True)
class Verdict:
    """What a harvester made of a scenario; `detail` is what it said, or what is wrong."""

    what: str
    detail: str = ""
    overwritten: int = 0
    doubles: int = 0
    lost: tuple[str, ...] = ()  # questions, claims, holdings or copies that are not as they should be
