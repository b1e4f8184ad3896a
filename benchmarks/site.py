"""The public site as a visitor has it: whole requests to a real server, on two bases.

The first is the base of a running PMB, imported from its own export where that lies beside the project (else the
demonstration base): PMB answered a search in 99 ms, a record page in 27 ms (medians), and its page of results asked
for 72 files and 772 kB (PMB.md section 5.3). The second has 50,000 notices (`--quick`: 10,000).

    python3 dev.py bench site [--quick]
"""

from __future__ import annotations

import gzip
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import select

from benchmarks import figures
from benchmarks.harvest import write_export
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Notice, NoticeConcept
from demo.build import write_base

ROOT = Path(__file__).parents[1]
PMB = ROOT.parent / "shared/data/pmb/live/exports/export_default.pmb.xml.gz"
SIZES = {"quick": 10_000, "whole": 50_000}
ASKED = 200
PMB_SEARCH, PMB_PAGE, PMB_FILES, PMB_WEIGHT = 99, 27, 72, 772  # ms, ms, files, kB
WORD = re.compile(r"[^\W\d_]{5,}")


def main() -> None:
    size = SIZES["quick" if "--quick" in sys.argv else "whole"]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        small = home / "small.xml"
        if PMB.exists():
            small.write_bytes(gzip.decompress(PMB.read_bytes()))
        else:
            write_base(small)
        rows += measure("a PMB’s own base", small, home / "small", pmb=PMB.exists())
        large = home / "large.xml"
        write_export(large, size, first_turn=500)
        rows += measure(f"{size} notices", large, home / "large", limit=400)
    figures(rows)


def measure(name: str, file: Path, data: Path, *, pmb: bool = False, limit: int = 0) -> list[dict[str, Any]]:
    settings = Settings(_env_file=None, data_dir=data)
    travee(data, "init")
    travee(data, "import", str(file))
    words, themes, addresses = asked_of(settings)
    searches = [f"/recherche?{urlencode([('q', text)])}" for text in words]
    narrowed = list(zip(words, themes, strict=True))[:40]
    searches += [f"/recherche?{urlencode([('q', text), ('theme', theme)])}" for text, theme in narrowed]
    with served(data) as port:
        visit = HTTPConnection("127.0.0.1", port)
        weight, files = first_page(visit, searches[0])
        for path in searches[:20]:
            get(visit, path)
        search = times(visit, searches)
        page = times(visit, [f"/d/{address}" for address in addresses])
        begun = times(visit, [f"/suggestions?q={quote(text[:4])}" for text in words])
    told = [
        ("a search, the whole request: median", statistics.median(search), "ms", f"<= {PMB_SEARCH}" if pmb else ""),
        ("… 95th percentile", part(search, 95), "ms", f"<= {limit}" if limit else ""),
        ("the page of a document: median", statistics.median(page), "ms", f"<= {PMB_PAGE}" if pmb else ""),
        ("suggestions while typing: 95th percentile", part(begun, 95), "ms", "<= 100"),
        ("first page of results: files", files, "", f"<= {PMB_FILES}" if pmb else ""),
        ("first page of results: weight", weight / 1000, "kB", "<= 200"),
    ]
    out = [
        {"what": f"{name}: {what}", "value": round(value, 1), "unit": unit, "target": target}
        for what, value, unit, target in told
    ]
    for row in out:
        print(f"{row['what']:78} {row['value']:9} {row['unit']:3} {row['target']}", flush=True)
    return out


def asked_of(settings: Settings) -> tuple[list[str], list[str], list[str]]:
    """Words of titles, one to three at a time, themes, and documents; always the same ones."""
    random, database = Random(7), Database(settings.url)
    with database.read() as session:
        published = select(Notice.title, Notice.address).where(Notice.status == "published").order_by(Notice.id)
        rows = session.execute(published).all()
        themes = list(session.scalars(select(NoticeConcept.label).where(NoticeConcept.free.is_(False)).limit(5000)))
    database.close()
    chosen = random.sample(rows, min(ASKED, len(rows)))
    texts = []
    for title, _address in chosen:
        words = WORD.findall(title) or ["ville"]
        texts.append(" ".join(random.sample(words, min(len(words), random.choice((1, 1, 2, 3))))))
    picked = [random.choice(themes or ["Habitat"]) for _text in texts]
    return texts, picked, [address for _title, address in chosen]


def first_page(visit: HTTPConnection, path: str) -> tuple[int, int]:
    """What a browser fetches for a page of results: bytes and files."""
    page = get(visit, path)
    needed = re.findall(r'<(?:script|img)[^>]* src="(/[^"]+)"|<link rel="(?:stylesheet|icon)" href="(/[^"]+)"', page)
    others = [get(visit, one) for pair in needed for one in pair if one]
    return sum(len(body.encode()) for body in (page, *others)), 1 + len(others)


def times(visit: HTTPConnection, paths: Sequence[str]) -> list[float]:
    out = []
    for path in paths:
        began = time.perf_counter()
        get(visit, path)
        out.append((time.perf_counter() - began) * 1000)
    return out


def get(visit: HTTPConnection, path: str) -> str:
    visit.request("GET", path, headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    answer = visit.getresponse()
    body = answer.read().decode("utf-8", "replace")
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return body


def part(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def travee(data: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "catalogue.cli", *words], cwd=ROOT, check=False, env=environment(data), stdout=2
    )


def environment(data: Path) -> dict[str, str]:
    return {**os.environ, "TRAVEE_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}


@contextmanager
def served(data: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [sys.executable, "-m", "catalogue.cli", "serve", "--port", str(port), "--no-worker"]
    server = subprocess.Popen(
        words, cwd=ROOT, env=environment(data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _turn in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


if __name__ == "__main__":
    main()
