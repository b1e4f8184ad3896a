"""A whole harvest, beside Sickle alone on the same partner in the same run.

Sickle only fetches and parses (and would take a cut page for the end of the list). We do that strictly, keep
every page, stage every record, read it, look for what it may be the same as, make the notices with their
rows and revisions, and commit page by page. The ratio says what all that costs; the partner is a process of
its own, as PMB would be.

    python3 dev.py bench harvest [--quick]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import figures

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)  # strings of 2020, in Sickle
    from sickle import Sickle

from catalogue import setup, sources
from catalogue.config import Settings
from catalogue.db import Database
from harvest import run

ROOT = Path(__file__).parent.parent
SMALL, BIG = 1_000, 10_000
# The demo's partner, over and over under new numbers; an ISBN is said once, as in a real base.
SERVE = """
import sys
from dataclasses import replace
from demo.generate import partner_records
from demo.partner import start
n = int(sys.argv[1])
base = partner_records()
again = (
    replace(r, id=r.id + turn * 100_000, fields=[f for f in r.fields if not turn or f["t"] != "010"])
    for turn in range(n // len(base) + 1)
    for r in base
)
running = start([r for _n, r in zip(range(n), again)])
print(running.url, flush=True)
running.thread.join()
"""


def main() -> None:
    asked_for = SMALL if "--quick" in sys.argv else BIG
    with tempfile.TemporaryDirectory() as folder, partner(asked_for) as url:
        settings = Settings(_env_file=None, data_dir=Path(folder), allow_private_addresses=True)
        setup.init(settings)
        database = Database(settings.url)
        with database.write() as session:
            source = sources.for_file(session, "RECI")
            source.kind, source.url = "oai", url
        sickle = max(iterate(url) for _turn in range(2))
        first, new = harvest(database, settings)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        second, unchanged = harvest(database, settings)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        sickle = max(sickle, iterate(url))
        database.close()
    print(f"{asked_for} records; Sickle alone {sickle:.0f} a second")
    print(f"first harvest {first:.0f} a second ({new} new), the second {second:.0f} ({unchanged} unchanged)")
    figures(
        [
            {"what": "Sickle alone, fetching and parsing", "value": round(sickle), "unit": "records/s", "target": ""},
            {"what": "first harvest, empty catalogue", "value": round(first), "unit": "records/s", "target": ""},
            {
                "what": "first harvest as a share of Sickle",
                "value": share(first, sickle),
                "unit": "",
                "target": ">= 0.3",
            },
            {"what": "second harvest, nothing changed", "value": round(second), "unit": "records/s", "target": ""},
            {
                "what": "second harvest as a share of Sickle",
                "value": share(second, sickle),
                "unit": "",
                "target": ">= 0.3",
            },
            {"what": "memory that the second harvest adds", "value": round(grown), "unit": "MB", "target": "<= 50"},
        ]
    )


@contextmanager
def partner(n: int) -> Iterator[str]:
    """A demo partner in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", SERVE, str(n)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def iterate(url: str) -> float:
    """Records a second that Sickle fetches and parses."""
    start = time.perf_counter()
    n = sum(1 for _record in Sickle(url).ListRecords(metadataPrefix=run.PREFIX))
    return n / (time.perf_counter() - start)


def harvest(database: Database, settings: Settings) -> tuple[float, int]:
    start = time.perf_counter()
    report = run.harvest(database, settings, "RECI", full=True)
    seconds = time.perf_counter() - start
    if report.status != "complete":
        raise SystemExit(f"The harvest did not end well: {report.sentence}")
    return report.counts["received"] / seconds, report.counts["new"] or report.counts["unchanged"]


def share(ours: float, theirs: float) -> float:
    return round(ours / theirs, 2)


if __name__ == "__main__":
    main()
