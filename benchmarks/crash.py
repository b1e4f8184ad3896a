"""Kill Travée at random moments; what comes after must be what it would have been.

Three acts, each in a process of its own that is killed (SIGKILL), once or twice, and then done to its end:

- a *harvest* of a base where rules, questions, merges, deletions and copies are at stake, and where two records are
  to be asked for by name;
- « accept the 200 safe ones », in parts;
- the *undoing* of that lot.

Then everything the base holds is compared with a twin to which the same happened and that was never killed: records,
notices, claims, questions, judgements, holdings, copies, history, the counts of each run, the index. Moments come from
a seed.

    python3 dev.py bench crash [--quick]
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update

from benchmarks import figures
from benchmarks.nights import state
from benchmarks.nights.desk import BY, Desk
from benchmarks.nights.ours import empty_base
from benchmarks.nights.world import DAY, NOON, RECI, Scenario, World, playing, said
from catalogue import lots, proposals, sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import LIVING, Batch, Notice, Run, Source
from demo.partner import Faults
from harvest import run

ROOT = Path(__file__).parent.parent
SIZE, SAFE, KILLS, SEED = 60, 200, 50, 20261122
HARVEST, ACCEPT, UNDO = "harvest", "accept safe", "undo"
CHILD = """
import sys
from pathlib import Path
from benchmarks import crash

act, folder, at = sys.argv[1:]
base = crash.opened(Path(folder))
print("ready", flush=True)
crash.ACTS[act](base, Path(folder), crash.moment(at))
print("done", flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    killed: int  # how often the kill came in time
    lost: int
    doubles: int
    differences: tuple[str, ...] = ()


# --- the acts ----------------------------------------------------------------------------------


def opened(folder: Path) -> Database:
    return Database(f"sqlite:///{folder / 'travee.db'}")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def harvest(database: Database, folder: Path, at: datetime) -> None:
    """That of a night, unless it was complete when its process was killed."""
    with database.read() as session:
        complete = session.scalars(select(Run.started_at).where(Run.status == "complete")).all()
    if at in complete:
        return
    settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
    run.harvest(database, settings, RECI, sleep=lambda seconds: None, now=lambda: at)


def accept_safe(database: Database, folder: Path, at: datetime) -> None:
    """As the inbox does: in parts, each written at once."""
    with database.read() as session:
        waiting = [line.proposal_id for line in proposals.list_waiting(session, category="safe")]
    accept = lambda session, part, lot: proposals.accept(session, part, by=BY, batch=lot)  # noqa: E731
    proposals.in_parts(database, waiting, accept, size=50)


def undo(database: Database, folder: Path, at: datetime) -> None:
    """Every lot that accepted, unless it is undone already."""
    with database.read() as session:
        found = session.scalars(select(Batch.id).where(Batch.kind == "accept").order_by(Batch.id.desc())).all()
    for number in found:
        with database.write() as session:
            if not lots.why_not(session, batch := session.get_one(Batch, number)):
                lots.undo(session, batch, by=BY)


ACTS: dict[str, Callable[[Database, Path, datetime], None]] = {HARVEST: harvest, ACCEPT: accept_safe, UNDO: undo}


# --- the worlds --------------------------------------------------------------------------------


def at_stake(world: World) -> None:
    """The day before the night of the kills, at the partner's: something of everything."""
    world.stir()
    for number in range(14, SIZE, 3):
        world.edit(number, f"Ouvrage {number}, revu")
    for number in (SIZE + 1, SIZE + 2, SIZE + 3):
        world.add(number)
    world.delete(3, 21, 22)
    world.shelve(20, "P 20 bis")


def annotate(world: World) -> None:
    """Every record has one note more: so many safe additions."""
    for number in range(1, SAFE + 1):
        world.put(number, "300", said("300", "a", f"Note {number}, du partenaire"))


def scene(act: str) -> tuple[Scenario, Callable[[World], None]]:
    options = {"page_size": 10 if act == HARVEST else 100}
    scenario = Scenario("crash", "", (), partner=options, size=SIZE if act == HARVEST else SAFE)
    return scenario, at_stake if act == HARVEST else annotate


def prepare(template: Path, folder: Path, act: str) -> Path:
    """A base on the eve of an act, with the work of somebody in it; made once, and copied."""
    home = folder / act.replace(" ", "-")
    home.mkdir()
    shutil.copy(template, home / "travee.db")
    database = opened(home)
    scenario, change = scene(act)
    with playing(scenario) as world:
        with database.write() as session:
            source = sources.for_file(session, RECI)
            source.kind, source.url, source.new_status = "oai", world.url, "published"
        harvest(database, home, NOON)
        if act == HARVEST:
            desk = Desk(database)
            desk.begin()
            desk.merge(30, 31)
        else:
            change(world)
            harvest(database, home, NOON + DAY)
        if act == UNDO:
            accept_safe(database, home, NOON)
    database.close()
    return home


@contextmanager
def eve(prepared: Path, act: str) -> Iterator[tuple[World, Path]]:
    """The same eve again: a copy of the base, and the partner at another address."""
    scenario, change = scene(act)
    with playing(scenario) as world, tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "home"
        shutil.copytree(prepared, folder)
        world.clock.now = NOON + DAY
        change(world)
        world.running.faults = Faults(lost=(25, 26))  # to be asked for by name
        database = opened(folder)
        with database.write() as session:
            session.execute(update(Source).where(Source.kind == "oai").values(url=world.url))
        database.close()
        yield world, folder


def played(prepared: Path, act: str, moments: Sequence[float] = ()) -> tuple[int, dict[str, state.Rows], int]:
    """Killed at these moments (seconds after its beginning), then done, and another night: kills, state, doubles."""
    with eve(prepared, act) as (world, folder):
        at = NOON + DAY
        killed = sum(_killed_after(act, folder, at, seconds) for seconds in moments)
        database = opened(folder)
        ACTS[act](database, folder, at)
        if act == HARVEST:
            world.clock.now = at + DAY
            harvest(database, folder, at + DAY)
        found = state.read(database, folder)
        with database.read() as session:
            titles = session.scalars(select(Notice.title).where(Notice.status.in_(LIVING))).all()
        database.close()
    return killed, found, len(titles) - len(set(titles))  # each document has a title of its own


def turn(prepared: Path, act: str, moments: Sequence[float], twin: dict[str, state.Rows]) -> Outcome:
    killed, found, doubles = played(prepared, act, moments)
    told = state.differences(twin, found)
    return Outcome(killed, sum(": lost" in line for line in told), doubles, tuple(told))


def _killed_after(act: str, folder: Path, at: datetime, seconds: float) -> bool:
    """Whether the child was still at it."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CHILD, act, str(folder), at.isoformat()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.wait()
    return child.returncode == -signal.SIGKILL


def measure(prepared: Path, act: str) -> float:
    """How long the act takes here, in seconds: the moments are drawn within."""
    with eve(prepared, act) as (_world, folder):
        database = opened(folder)
        begun = time.perf_counter()
        ACTS[act](database, folder, NOON + DAY)
        seconds = time.perf_counter() - begun
        database.close()
    return seconds


def main() -> None:
    shares = {HARVEST: 30, ACCEPT: 10, UNDO: 10}
    if "--quick" in sys.argv:
        shares = dict.fromkeys(shares, 3)
    dice = random.Random(SEED)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name:
        template = empty_base(Path(name))
        for act, share in shares.items():
            prepared = prepare(template, Path(name), act)
            _kills, twin, _doubles = played(prepared, act)
            whole = max(measure(prepared, act) for _turn in range(2))
            kills = 0
            while kills < share:
                moments = [dice.uniform(0, whole) for _kill in range(dice.choice((1, 1, 2)))]
                outcomes.append(outcome := turn(prepared, act, moments, twin))
                kills += outcome.killed
                shown = "the same" if not outcome.differences else "; ".join(outcome.differences[:3])
                print(f"{act}: {kills:2} kills; at {', '.join(f'{m:.2f} s' for m in moments)}: {shown}", flush=True)
    wanted = sum(shares.values())
    measured = [
        ("kills at a random moment", sum(o.killed for o in outcomes), f">= {wanted}"),
        ("things lost", sum(o.lost for o in outcomes), "= 0"),
        ("doubles", sum(o.doubles for o in outcomes), "= 0"),
        ("turns that ended otherwise than the twin", sum(bool(o.differences) for o in outcomes), "= 0"),
    ]
    figures({"what": what, "value": value, "unit": "", "target": target} for what, value, target in measured)


if __name__ == "__main__":
    main()
