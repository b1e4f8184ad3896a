"""Kill a harvest at random moments; the next one must complete it, with no loss and no double.

Each turn: an empty base, a partner of 60 records with a page that slips (one record is to be asked for by name), a
child process that is killed (SIGKILL) after a random time within what a whole harvest takes, and once more in one
turn of three; then a harvest to the end. Moments come from a seed.

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
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import figures
from benchmarks.nights.world import REPOSITORY, book, empty_base
from catalogue import sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Claim, Notice, SourceRecord
from demo.partner import Faults, serve
from harvest import run

ROOT = Path(__file__).parent.parent
SIZE, KILLS, SEED = 60, 50, 20261122
CHILD = """
import sys
from catalogue.config import Settings
from catalogue.db import Database
from harvest import run

url, folder = sys.argv[1:]
settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
database = Database(url)
print("ready", flush=True)
run.harvest(database, settings, "RECI")
print("done", flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    killed: int  # how often the kill came in time
    lost: int
    doubles: int
    status: str
    balanced: bool


def turn(template: Path, moments: list[float]) -> Outcome:
    """One base, killed at these moments (seconds after the harvest began), then brought to its end."""
    with (
        tempfile.TemporaryDirectory() as name,
        serve([book(n) for n in range(1, SIZE + 1)], page_size=10, repository=REPOSITORY) as partner,
    ):
        folder = Path(name)
        shutil.copy(template, folder / "travee.db")
        url = f"sqlite:///{folder / 'travee.db'}"
        database = Database(url)
        with database.write() as session:
            source = sources.for_file(session, "RECI")
            source.kind, source.url = "oai", partner.url
        partner.faults = Faults(shifted_page=3, times=1)
        killed = sum(_killed_after(url, folder, seconds) for seconds in moments)
        settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
        report = run.harvest(database, settings, "RECI")
        with database.read() as session:
            known = set(session.scalars(select(SourceRecord.identifier)))
            made = session.scalar(select(func.count()).select_from(Notice)) or 0
            claims = session.scalar(select(func.count()).select_from(Claim)) or 0
        database.close()
    lost = SIZE - len(known & {f"oai:{REPOSITORY}:{n}" for n in range(1, SIZE + 1)})
    counted = sum(report.counts[name] for name in run.BALANCED)
    doubles = max(made, claims) - len(known)
    return Outcome(killed, lost, doubles, report.status, counted == report.counts["received"])


def _killed_after(url: str, folder: Path, seconds: float) -> bool:
    """Whether the child was still at it."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CHILD, url, str(folder)],
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


def measure(template: Path) -> float:
    """How long a whole harvest takes here, in seconds: the moments are drawn within."""
    with (
        tempfile.TemporaryDirectory() as name,
        serve([book(n) for n in range(1, SIZE + 1)], page_size=10, repository=REPOSITORY) as partner,
    ):
        shutil.copy(template, Path(name) / "travee.db")
        database = Database(f"sqlite:///{Path(name) / 'travee.db'}")
        with database.write() as session:
            source = sources.for_file(session, "RECI")
            source.kind, source.url = "oai", partner.url
        settings = Settings(_env_file=None, data_dir=Path(name), allow_private_addresses=True)
        begun = time.perf_counter()
        run.harvest(database, settings, "RECI")
        database.close()
        return time.perf_counter() - begun


def main() -> None:
    kills = 10 if "--quick" in sys.argv else KILLS
    dice = random.Random(SEED)
    done = lost = doubles = badly = 0
    with tempfile.TemporaryDirectory() as folder:
        template = empty_base(Path(folder))
        whole = max(measure(template) for _turn in range(2))
        while done < kills:
            moments = [dice.uniform(0, whole) for _kill in range(dice.choice((1, 1, 2)))]
            outcome = turn(template, moments)
            done += outcome.killed
            lost += outcome.lost
            doubles += outcome.doubles
            badly += outcome.status != "complete" or not outcome.balanced
            print(f"{done:3} kills; at {', '.join(f'{m:.2f} s' for m in moments)}: {outcome}", flush=True)
    figures(
        [
            {"what": "harvests killed at a random moment", "value": done, "unit": "", "target": f">= {kills}"},
            {"what": "records lost", "value": lost, "unit": "", "target": "= 0"},
            {"what": "doubles", "value": doubles, "unit": "", "target": "= 0"},
            {"what": "next harvests not complete or not balanced", "value": badly, "unit": "", "target": "= 0"},
        ]
    )


if __name__ == "__main__":
    main()
