"""A whole harvest, beside Sickle alone on the same partner in the same run.

Sickle only fetches and parses (and would take a cut page for the end of the list). We do that strictly, keep every
page, stage every record, read it, look for what it may be the same as, make the notices with their rows and
revisions, commit page by page, then read the identifiers again to know that nothing is missing. The ratio says what
all that costs. The partner is a process of its own, as PMB would be, and answers from memory: a PMB gives 235 to 380
records a second, this one as many as it is asked for.

    python3 dev.py bench harvest [--quick]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from random import Random

from benchmarks import figures

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)  # strings of 2020, in Sickle
    from sickle import Sickle

from catalogue import setup, sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.unimarc import Field
from demo.generate import DemoRecord, partner_records
from export.pmbxml import notice_bytes
from harvest import importer, recognising, run

MEASURED = 500  # records: as many as fill what a process keeps ready
PMB = 381  # records a second, at its best (PMB.md section 5.3)
WORD = re.compile(r"[^\W\d_]{5,}")
SAID = frozenset(("200", "210", "225", "410", "461", "463", "700", "701", "702", "710", "711", "712"))
NUMBERS = frozenset(("010", "011", "014", "017", "856", "897"))
ROOT = Path(__file__).parent.parent
# Records harvested at a time; notices there before the last harvest.
SIZES = {"quick": (1_000, 10_000), "whole": (10_000, 100_000)}
# Answers are made once: what is measured is who asks.
SERVE = """
import sys
from itertools import islice
from urllib.parse import parse_qsl
from werkzeug.serving import make_server
from benchmarks.harvest import many
from demo import partner as demo

partner = demo.Partner(islice(many(int(sys.argv[2])), int(sys.argv[1])))
kept = {}

def answer(environ, start_response):
    key = tuple(sorted(parse_qsl(environ["QUERY_STRING"])))  # in whatever order it is asked
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


@dataclass(frozen=True)
class Measure:
    """One harvest between two walks of Sickle: records a second, and the shares of time and of processor time."""

    rate: float
    sickle: float
    share: float
    processor: float


def main() -> None:
    size, there = SIZES["quick" if "--quick" in sys.argv else "whole"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        with partner(size) as url:
            bench.declare("RECI", url)
            first = bench.compare("RECI")
            unchanged = bench.compare("RECI")
        with partner(size, turns=1) as url:
            bench.declare("Second", url)
            second = bench.compare("Second")
        print(alone(fill, there - 2 * size, folder), flush=True)
        with partner(size, turns=2) as url:
            bench.declare("Third", url)
            last = bench.compare("Third")
        with partner(size, turns=3) as url:
            # Each in a process that has done nothing else yet: what others held before it would hide what it takes.
            small, large = (float(alone(grown, records, folder, url)) for records in (MEASURED, size))
        bench.database.close()
    slowest = min(first.rate, second.rate, last.rate)
    # The cost is compared by processor time: minutes lie between the two, and the machine has other things to do.
    cost = second.processor / last.processor
    rows: list[dict[str, object]] = [
        {"what": "Sickle alone, fetching and parsing", "value": round(first.sickle), "unit": "records/s", "target": ""},
    ]
    for what, measure, target in (
        ("harvest, empty catalogue", first, ">= 0.3"),
        ("harvest, nothing changed", unchanged, ">= 0.3"),
        (f"harvest, {there} notices there", last, ">= 0.15"),
    ):
        rows += [
            {"what": what, "value": round(measure.rate), "unit": "records/s", "target": ""},
            {"what": "… as a share of Sickle", "value": round(measure.share, 2), "unit": "", "target": target},
            {"what": "… in processor time", "value": round(measure.processor, 2), "unit": "", "target": ""},
        ]
    rows += [
        {
            "what": f"cost of a record with {there} notices there, against {size}",
            "value": round(cost, 2),
            "unit": "",
            "target": "<= 1.2",
        },
        {
            "what": f"memory that a harvest of {size} adds to a process",
            "value": round(large),
            "unit": "MB",
            "target": "",
        },
        {
            "what": f"… beyond that of one of {MEASURED}",
            "value": round(large - small),
            "unit": "MB",
            "target": "<= 50",
        },
        {
            "what": "slowest harvest, against a PMB's best",
            "value": round(slowest / PMB, 2),
            "unit": "",
            "target": ">= 1",
        },
    ]
    figures(rows)


class Bench:
    """A base that harvests one source after the other."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
        if not (folder / "travee.db").exists():
            setup.init(self.settings)
        self.database = Database(self.settings.url)
        self.received = 0

    def declare(self, name: str, url: str) -> None:
        with self.database.write() as session:
            source = sources.for_file(session, name)
            source.kind, source.url = "oai", url

    def compare(self, name: str) -> Measure:
        """A harvest, from the first question to the balance, between two walks of Sickle."""
        with self.database.read() as session:
            source = sources.find(session, name)
        assert source is not None
        walk(source.url)  # the partner has its answers ready from now on, those that only we ask for too
        walk(source.url, "ListIdentifiers")
        seconds, processor = timed(lambda: walk(source.url))
        ours, our_processor = timed(lambda: self._harvest(name))
        more, more_processor = timed(lambda: walk(source.url))
        theirs, their_processor = (seconds + more) / 2, (processor + more_processor) / 2
        n = self.received
        measure = Measure(n / ours, n / theirs, theirs / ours, their_processor / our_processor)
        print(f"{name}: {n} records, {resident():.0f} MB, {measure}", flush=True)
        return measure

    def _harvest(self, name: str) -> None:
        report = run.harvest(self.database, self.settings, name, full=True)
        if report.status != "complete":
            raise SystemExit(f"The harvest did not end well: {report.sentence}")
        self.received = report.counts["received"]


def alone(act: Callable[..., str], *arguments: object) -> str:
    """Have it done by a process of its own; what it says."""
    code = "import sys; from benchmarks import harvest; print(getattr(harvest, sys.argv[1])(*sys.argv[2:]))"
    command = [sys.executable, "-W", "ignore", "-c", code, act.__name__, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def fill(n: str, folder: str) -> str:
    """Notices of our own, by the way they come: an export of PMB. What compares them is made ready, as it is the
    first time that a harvest meets them."""
    bench, path = Bench(Path(folder)), Path(folder) / "fonds.xml"
    write_export(path, int(n), first_turn=500)
    importer.import_file(bench.database, path, source="Fonds", status="published", by="travee import")
    seconds, _processor = timed(lambda: recognising.prepare(bench.database))
    bench.database.close()
    return f"{n} notices filled in, made ready to be compared in {seconds:.1f} s"


def write_export(path: Path, n: int, *, first_turn: int) -> None:
    """A PMB's export of so many notices."""
    with path.open("wb") as out:
        out.write(b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n')
        for record in islice(many(first_turn), n):
            fields = [f for f in record.fields if f["t"] not in ("000", "001", "995", "996")]
            head = f"     n{record.dt[:1]}{record.bl}{record.hl} 22     1i 450 "
            out.write(notice_bytes([{"t": "000", "v": head}, {"t": "001", "v": str(record.id)}, *fields]))
        out.write(b"</unimarc>\n")


def grown(records: str, folder: str, url: str) -> str:
    """By how many MB a process has grown at the most, at the end of a harvest of so many records."""
    bench = Bench(Path(folder))
    bench.declare(f"Of {records}", url)
    before, stop = resident(), int(records)

    def step(done: int, _total: int | None) -> None:
        if done >= stop:
            raise InterruptedError

    with suppress(InterruptedError):
        run.harvest(bench.database, bench.settings, f"Of {records}", full=True, progress=step)
    bench.database.close()
    return f"{resident() - before:.1f}"


def many(first_turn: int) -> Iterator[DemoRecord]:
    """The demo's partner, over and over, each turn under new numbers and in other words of the same vocabulary: as
    long, as rare and as French, and nobody's double. An ISBN, an ISSN, a DOI, an address are said once."""
    base = [r for r in partner_records() if not r.deleted]
    words = sorted({word for r in base for f in r.fields if f["t"] in SAID for word in _words(f)})
    Random(0).shuffle(words)  # the next in the alphabet would often be the plural
    place = {word: at for at, word in enumerate(words)}
    for turn in count(first_turn):
        if turn >= len(words):
            raise ValueError(f"{len(words)} words say the same again in turn {turn}")
        for r in base:
            fields = [_reworded(f, words, place, turn) for f in r.fields if not (turn and f["t"] in NUMBERS)]
            yield replace(r, id=r.id + turn * 100_000, fields=fields)


def _words(f: Field) -> list[str]:
    return [word for code, value in f.get("s", ()) if code in "abcet" for word in WORD.findall(value)]


def _reworded(f: Field, words: Sequence[str], place: Mapping[str, int], step: int) -> Field:
    if f["t"] not in SAID or "s" not in f:
        return f
    turned = lambda found: words[(place[found[0]] + step) % len(words)]  # noqa: E731
    pairs = [[code, WORD.sub(turned, value) if code in "abcet" else value] for code, value in f["s"]]
    return {**f, "s": [pair for pair in pairs if not (step and pair[0] == "x")]}


@contextmanager
def partner(n: int, turns: int = 0) -> Iterator[str]:
    """A demo partner in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", SERVE, str(n), str(turns * 100)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def walk(url: str, verb: str = "ListRecords") -> int:
    """Sickle alone: fetch and parse everything."""
    return sum(1 for _record in getattr(Sickle(url), verb)(metadataPrefix=run.PREFIX))


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and seconds of processor: the partner's are its own."""
    start, processor = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - processor


def resident() -> float:
    """The most memory that this process has held, in MB (since it began: getrusage counts its parent's too)."""
    said = Path("/proc/self/status").read_text("ascii")
    return int(said.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
