"""A whole harvest, beside Sickle alone on the same partner in the same run.

Sickle only fetches and parses (and would take a cut page for the end of the list). We do that strictly, keep every
page, stage every record, read it, look for what it may be the same as, make the notices with their rows and
revisions, commit page by page, then read the identifiers again to know that nothing is missing. The ratio says what
all that costs. The partner is a process of its own, as PMB would be, and answers from memory: a PMB gives 235 to 380
records a second, this one as many as it is asked for.

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
from demo.generate import partner_records
from export.pmbxml import notice_bytes
from harvest import importer, run

PMB = 381  # records a second, at its best (PMB.md section 5.3)
ROOT = Path(__file__).parent.parent
# Records harvested at a time; notices there before the last harvest.
SIZES = {"quick": (1_000, 10_000), "whole": (10_000, 100_000)}
# The demo's partner, over and over under new numbers; an ISBN is said once, as in a real base. Answers are made once.
SERVE = """
import sys
from dataclasses import replace
from threading import Thread
from werkzeug.serving import make_server
from demo.generate import partner_records
from demo import partner as demo

n, turns = int(sys.argv[1]), int(sys.argv[2])
base = partner_records()
again = (
    replace(r, id=r.id + (turns + turn) * 100_000, fields=[f for f in r.fields if not turns + turn or f["t"] != "010"])
    for turn in range(n // len(base) + 1)
    for r in base
    if not r.deleted
)
partner = demo.Partner([r for _n, r in zip(range(n), again)])
kept = {}

def answer(environ, start_response):
    key = environ["QUERY_STRING"]
    if key not in kept:
        said = []
        body = b"".join(partner(environ, lambda status, headers, exc=None: said.append((status, headers))))
        kept[key] = said[0], body
    (status, headers), body = kept[key]
    start_response(status, headers)
    return [body]

server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=demo.Handler)
print(f"http://127.0.0.1:{server.server_port}{demo.PATH}?source_id=1", flush=True)
server.serve_forever()
"""


def main() -> None:
    size, there = SIZES["quick" if "--quick" in sys.argv else "whole"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        with partner(size) as url:
            iterate(url)  # the partner has its answers ready from now on
            sickle = max(iterate(url) for _turn in range(2))
            bench.declare("RECI", url)
            first = bench.harvest("RECI")
            unchanged = bench.harvest("RECI")
            sickle = max(sickle, iterate(url))
        with partner(size, turns=1) as url:
            iterate(url)
            bench.declare("Second", url)
            second = bench.harvest("Second")
        bench.fill(there - 2 * size, Path(folder) / "fonds.xml")
        with partner(size, turns=2) as url:
            iterate(url)
            bench.declare("Third", url)
            before = resident()
            last = bench.harvest("Third")
            grown = resident() - before
        bench.database.close()
    print(f"{size} records at a time; Sickle alone {sickle:.0f} a second")
    print(f"harvests: {first:.0f} a second on an empty base, {unchanged:.0f} when nothing changed,")
    print(f"{second:.0f} with {size} notices there, {last:.0f} with {there}")
    slowest = min(first, second, last)
    target = "" if "--quick" in sys.argv else "<= 1.5"
    figures(
        [
            {"what": "Sickle alone, fetching and parsing", "value": round(sickle), "unit": "records/s", "target": ""},
            {"what": "harvest, empty catalogue", "value": round(first), "unit": "records/s", "target": ""},
            {"what": "… as a share of Sickle", "value": share(first, sickle), "unit": "", "target": ">= 0.3"},
            {"what": "harvest, nothing changed", "value": round(unchanged), "unit": "records/s", "target": ""},
            {"what": "… as a share of Sickle", "value": share(unchanged, sickle), "unit": "", "target": ">= 0.3"},
            {"what": f"harvest, {there} notices there", "value": round(last), "unit": "records/s", "target": ""},
            {"what": "… as a share of Sickle", "value": share(last, sickle), "unit": "", "target": ">= 0.15"},
            {
                "what": f"cost of a record with {there} notices there, against {size}",
                "value": share(second, last),
                "unit": "",
                "target": target,
            },
            {"what": "memory that the last harvest adds", "value": round(grown), "unit": "MB", "target": "<= 50"},
            {
                "what": "slowest harvest, against what a PMB gives",
                "value": share(slowest, PMB),
                "unit": "",
                "target": ">= 1",
            },
        ]
    )


class Bench:
    """A base that harvests one source after the other."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
        setup.init(self.settings)
        self.database = Database(self.settings.url)

    def declare(self, name: str, url: str) -> None:
        with self.database.write() as session:
            source = sources.for_file(session, name)
            source.kind, source.url = "oai", url

    def harvest(self, name: str) -> float:
        """Records a second, from the first question to the balance."""
        start = time.perf_counter()
        report = run.harvest(self.database, self.settings, name, full=True)
        seconds = time.perf_counter() - start
        if report.status != "complete":
            raise SystemExit(f"The harvest did not end well: {report.sentence}")
        counts = report.counts
        print(f"{name}: {counts['received']} in {seconds:.1f} s, {counts['new']} new, {resident():.0f} MB", flush=True)
        return counts["received"] / seconds

    def fill(self, n: int, path: Path) -> None:
        """Notices of our own, by the way they come: an export of PMB."""
        base = [r for r in partner_records() if not r.deleted]
        with path.open("wb") as out:
            out.write(b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n')
            for number in range(n):
                record = base[number % len(base)]
                fields = [f for f in record.fields if f["t"] not in ("000", "001", "010", "995", "996")]
                head = f"     n{record.dt[:1]}{record.bl}{record.hl} 22     1i 450 "
                number += 90_000_000
                out.write(notice_bytes([{"t": "000", "v": head}, {"t": "001", "v": str(number)}, *fields]))
            out.write(b"</unimarc>\n")
        importer.import_file(self.database, path, source="Fonds", status="published", by="travee import")


@contextmanager
def partner(n: int, turns: int = 0) -> Iterator[str]:
    """A demo partner in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", SERVE, str(n), str(turns * 1000)]
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


def resident() -> float:
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def share(ours: float, theirs: float) -> float:
    return round(ours / theirs, 2)


if __name__ == "__main__":
    main()
