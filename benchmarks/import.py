"""Files into the catalogue: how fast beside pymarc alone, and in how much memory.

The peer only parses, in the same run and on the same file. « Reading » gives fields and copies, decoded,
checked and repaired; « whole import » also stores every record as received, makes the notice with its history
and its rows, its copies, and queues it for the index. Times are processor time, the best of several rounds: a
busy machine slows both, and not alike.

The real file of a French library is used where it lies beside the repository, else one made here.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pymarc

import dev
from benchmarks import figures
from catalogue import setup
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.unimarc import Field, Fields
from export.iso2709 import record_bytes
from harvest import files, importer
from harvest.crosswalk import iso2709

REAL = dev.ROOT.parent / "shared" / "data" / "unimarc" / "roubaix_bib_2383.mrc.gz"
TIMES = 20
WORDS = (
    *("ville", "quartier", "logement", "école", "jeunesse", "mémoire", "égalité", "rénovation", "habitat"),
    *("politique", "métropole", "région", "éducation", "intégration", "laïcité", "citoyenneté", "médiation"),
    *("accueil", "insertion", "précarité", "mixité", "développement"),
)


def main() -> None:
    quick = "--quick" in sys.argv
    rounds = 2 if quick else 4
    with tempfile.TemporaryDirectory() as folder:
        data = gzip.decompress(REAL.read_bytes()) if REAL.exists() else b"".join(made_up(2_000))
        path = Path(folder) / "records.mrc"
        path.write_bytes(data)
        count = data.count(b"\x1d")
        print(f"{count} records, {len(data) / 1e6:.1f} MB, {'real' if REAL.exists() else 'made up'}", flush=True)
        alone = best(lambda: parse_alone(data), rounds)
        reading = best(lambda: read(path), rounds)
        whole, first, again = import_twice(Path(folder), path, rounds)
        speeds = {"pymarc": alone, "reading": reading, "whole import": whole}
        print(", ".join(f"{name} {count / seconds:.0f}/s" for name, seconds in speeds.items()), flush=True)
        one = peak_of(Path(folder) / "one", path)
        same = repeat(path, Path(folder) / "same.mrc")
        twenty = peak_of(Path(folder) / "same", same)
        rows = [
            row("records read", first["read"], "", f"= {count}"),
            row("records refused", first["refused"], "", "= 0"),
            row("copies that came in", first["items"], ""),
            row("created or updated by the same file again", again["created"] + again["updated"], "", "= 0"),
            row("reading, as a share of pymarc alone", round(alone / reading, 2), "", ">= 0.5"),
            row("whole import, as a share of pymarc alone", round(alone / whole, 2), "", ">= 0.15"),
            row("whole import", round(count / whole), "records/s"),
            row("memory, the file", one, "MB"),
            row(f"memory, the file {TIMES} times, beside once", round(twenty / one, 2), "", "<= 1.2"),
        ]
        if not quick:
            large = peak_of(Path(folder) / "large", renumber(path, Path(folder) / "large.mrc"))
            rows.append(row(f"memory, {TIMES} times as many records, beside once", round(large / one, 2), "", "<= 1.5"))
    figures(rows)


def row(what: str, value: float, unit: str, target: str = "") -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, "target": target}


def best(work: Callable[[], object], rounds: int) -> float:
    return min(timed(work) for _round in range(rounds))


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def parse_alone(data: bytes) -> int:
    return sum(1 for _record in pymarc.MARCReader(io.BytesIO(data), force_utf8=True))


def read(path: Path) -> int:
    return sum(1 for _record in files.read(path))


def import_twice(folder: Path, path: Path, rounds: int) -> tuple[float, dict[str, int], dict[str, int]]:
    """Seconds of an import into an empty base, its counts, and those of the same file again."""
    times = []
    for n in range(rounds):
        base = empty_base(folder / f"base-{n}.db")
        start = time.process_time()
        first = importer.import_file(base, path, source="bench", by="bench").counts
        times.append(time.process_time() - start)
        again = importer.import_file(base, path, source="bench", by="bench").counts
        base.close()
    return min(times), first, again


def empty_base(path: Path) -> Database:
    base = Database(f"sqlite:///{path}")
    setup.create_tables(base)
    setup.first_rows(base, Settings(_env_file=None))
    return base


def peak_of(folder: Path, path: Path) -> float:
    """Megabytes that a process of its own needs at most to import this file."""
    folder.mkdir()
    command = [sys.executable, "-m", "benchmarks.import", "--child", str(path), str(folder / "base.db")]
    done = subprocess.run(command, cwd=dev.ROOT, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    print(f"{path.name}: {told['read']} records in {told['seconds']} s, {told['peak']} MB at most", flush=True)
    return float(told["peak"])


def child(path: Path, base_path: Path) -> None:
    base = empty_base(base_path)
    start = time.monotonic()
    counts = importer.import_file(base, path, source="bench", by="bench").counts
    seconds = round(time.monotonic() - start, 1)
    print(json.dumps({"read": counts["read"], "seconds": seconds, "peak": peak_memory()}))


def peak_memory() -> float:
    """Megabytes. Linux keeps it for each program; elsewhere the process that started this one counts too."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return round(int(found[1]) / 1e3, 1)
    unit = 1e6 if sys.platform == "darwin" else 1e3  # ru_maxrss: bytes there, kilobytes here
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def repeat(path: Path, target: Path) -> Path:
    data = path.read_bytes()
    with target.open("wb") as out:
        for _time in range(TIMES):
            out.write(data)
    return target


def renumber(path: Path, target: Path) -> Path:
    """The file several times, each time under other record numbers and barcodes: records that are all new."""
    with target.open("wb") as out:
        for n in range(TIMES):
            for record in iso2709.read_file(path.open("rb")):
                fields = [numbered(f, n) for f in getattr(record, "fields", ())]
                out.write(record_bytes(fields))
    return target


def numbered(f: Field, n: int) -> Field:
    if f["t"] == "001":
        return {**f, "v": f"{n}-{f['v']}"}
    if f["t"] == "995":
        return {**f, "s": [[code, f"{n}-{value}" if code == "f" else value] for code, value in f["s"]]}
    return f


def made_up(count: int) -> Iterator[bytes]:
    """Records of the size and shape of a library's, always the same."""
    dice = Random(1976)

    def words(n: int) -> str:
        return " ".join(dice.choice(WORDS) for _word in range(n)).capitalize()

    def field_of(tag: str, *pairs: tuple[str, str]) -> Field:
        return {"t": tag, "i": "  ", "s": [list(pair) for pair in pairs]}

    for number in range(1, count + 1):
        fields: Fields = [
            {"t": "000", "v": "     nam0 22     3  450 "},
            {"t": "001", "v": str(number)},
            field_of("100", ("a", "20240101d2024    u  y0frey50      ba")),
            field_of("101", ("a", "fre")),
            field_of("200", ("a", words(6)), ("e", words(5)), ("f", words(2))),
            field_of("210", ("a", "Paris"), ("c", words(2)), ("d", str(dice.randint(1970, 2024)))),
            field_of("215", ("a", f"{dice.randint(20, 400)} p."), ("d", "24 cm")),
            field_of("330", ("a", words(60))),
            *(field_of("606", ("a", words(2)), ("2", "rameau")) for _n in range(4)),
            *(field_of("300", ("a", words(8))) for _n in range(8)),
            field_of("700", ("a", words(1)), ("b", words(1)), ("4", "070")),
            *(field_of("702", ("a", words(1)), ("b", words(1)), ("4", "340")) for _n in range(2)),
            field_of("801", ("a", "FR"), ("b", "bench"), ("c", "20240101")),
            field_of("995", ("b", "A"), ("f", f"C{number:08}"), ("k", f"{dice.randint(100, 999)} VIL")),
        ]
        yield record_bytes(fields)


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(Path(sys.argv[-2]), Path(sys.argv[-1]))
    else:
        main()
