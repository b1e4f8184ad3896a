"""The index while it changes: never a wrong answer, never unreadable, and what it costs those who search meanwhile.

* Cycles: a document is replaced and asked for at once, in its new words and in its old ones, while two readers in
  processes of their own count that nothing is missing.
* Deaths: a process that commits without end is killed at any moment; the index must be whole, and take the next commit.
* Load: eight visitors search while an import commits every second; beside the same eight without it.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import figures
from benchmarks.search import figure, p95
from benchmarks.searching.notices import Maker
from benchmarks.searching.questions import two_hundred
from indexes import directory, sync
from indexes.queries import search
from indexes.reader import Index
from indexes.schema import IndexDoc

HERE = Path(__file__).parents[1]
NOTICES = 5_000
VISITORS = 8
ASKED_EVERY = 0.25  # seconds that a visitor looks at an answer
COMMITTED = 50  # notices, every second


def main() -> None:
    if sys.argv[1:2] == ["as"]:
        ROLES[sys.argv[2]](Path(sys.argv[3]), float(sys.argv[4]))
        return
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        docs = list(Maker().notices(NOTICES))
        put(sync.open_index(path), docs)
        rows = cycles(path, docs, 200 if quick else 1_000)
        rows += deaths(path, 10 if quick else 50)
        rows += load(path, 15 if quick else 60)
    figures(rows)


def put(index: Index, docs: Sequence[IndexDoc]) -> None:
    with directory.write_lock(index.directory, wait=60) as held:
        assert held
        sync.write(index.snapshot(), docs, replaced=[doc.notice_id for doc in docs])


# -- cycles -------------------------------------------------------------------------------------


def cycles(path: Path, docs: Sequence[IndexDoc], n: int) -> list[dict[str, Any]]:
    readers = [child("reader", path, 0) for _ in range(2)]
    index, choose, wrong, taken = sync.open_index(path), random.Random(5), 0, list[float]()
    before: dict[int, str] = {}
    for turn in range(n):
        doc, word = docs[choose.randrange(200)], f"tournant{turn}"
        began = time.perf_counter()
        put(index, [replace(doc, title=f"{doc.title} {word}")])
        hits = search(index, word)
        taken.append((time.perf_counter() - began) * 1000)
        old = before.get(doc.notice_id)
        wrong += [hit.notice_id for hit in hits.hits] != [doc.notice_id] or hits.suggestion is not None
        wrong += old is not None and search(index, f'"{old}"').total > 0
        before[doc.notice_id] = word
    told = [stopped(reader) for reader in readers]
    print(
        f"{n} cycles: {wrong} wrong answers; readers: {told}; saved, then found: p95 {p95(taken):.0f} ms of the clock"
    )
    return [
        figure(f"{n} update-then-search cycles, two readers: wrong answers", wrong, "", "= 0"),
        figure("searches of the readers meanwhile", sum(t["asked"] for t in told), ""),
        figure("errors of the readers", sum(t["errors"] for t in told), "", "= 0"),
    ]


def reader(path: Path, _seconds: float) -> None:
    """Until told to stop: everything is there, always, and the counts agree with the documents."""
    told, over = {"asked": 0, "wrong": 0, "errors": 0}, []
    signal.signal(signal.SIGTERM, lambda *_args: over.append(True))
    index = sync.open_index(path)
    print("ready", flush=True)
    while not over:
        try:
            hits = search(index, "", limit=1)
            told["wrong"] += hits.total != NOTICES or sum(n for _kind, n in hits.facets["kind"]) != NOTICES
        except Exception as error:  # whatever goes wrong is what is measured
            told["errors"] += 1
            print(repr(error), file=sys.stderr)
        told["asked"] += 1
    print(json.dumps(told))


# -- deaths -------------------------------------------------------------------------------------


def deaths(path: Path, n: int) -> list[dict[str, Any]]:
    choose, good = random.Random(9), 0
    for turn in range(n):
        writer = child("writer", path, 0)
        time.sleep(choose.random() * 0.4)
        writer.kill()
        writer.communicate()
        index = sync.open_index(path)
        whole = search(index, "", limit=1).total == NOTICES
        put(index, [replace(next(Maker().notices(1)), title=f"survivant{turn}")])
        good += whole and search(index, f"survivant{turn}").total == 1
    print(f"{n} kills during commits: readable and writable {good}")
    return [figure(f"{n} kills during commits: whole, and the next commit taken", good, "", f"= {n}")]


def writer(path: Path, seconds: float) -> None:
    """Commit after commit, without end; or one every second, for so long."""
    index, docs, turn = sync.open_index(path), list(Maker().notices(2_000)), 0
    over = time.monotonic() + seconds
    print("ready", flush=True)
    while not seconds or time.monotonic() < over:
        first = turn * COMMITTED % 1_900
        put(index, [replace(doc, notes=f"tour {turn}") for doc in docs[first : first + COMMITTED]])
        turn += 1
        if seconds:
            time.sleep(1)
    print(json.dumps({"commits": turn}))


# -- load ---------------------------------------------------------------------------------------


def load(path: Path, seconds: float) -> list[dict[str, Any]]:
    idle = visits(path, seconds / 2)
    importing = child("writer", path, seconds)
    busy = visits(path, seconds)
    commits = json.loads(importing.communicate()[0].splitlines()[-1])["commits"]
    print(f"8 visitors: {len(idle['ms'])} searches, p95 {p95(idle['ms']):.1f} ms; while {commits} commits were made: ")
    print(f"{len(busy['ms'])} searches, p95 {p95(busy['ms']):.1f} ms, {busy['errors']} errors")
    return [
        figure("8 visitors, nothing else: a search, p95 of the clock", p95(idle["ms"]), "ms"),
        figure("8 visitors, a commit every second: a search, p95 of the clock", p95(busy["ms"]), "ms"),
        figure("8 visitors, a commit every second: errors", idle["errors"] + busy["errors"], "", "= 0"),
    ]


def visits(path: Path, seconds: float) -> dict[str, Any]:
    visitors = [child("visitor", path, seconds) for _ in range(VISITORS)]
    told = [json.loads(each.communicate()[0].splitlines()[-1]) for each in visitors]
    return {"ms": [ms for each in told for ms in each["ms"]], "errors": sum(each["errors"] for each in told)}


def visitor(path: Path, seconds: float) -> None:
    questions = two_hundred(list(Maker().notices(NOTICES)))
    index, choose, taken, errors = sync.open_index(path), random.Random(), list[float](), 0
    for asked in questions:
        search(index, asked.text)
    print("ready", flush=True)
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        asked = choose.choice(questions)
        began = time.perf_counter()
        try:
            search(index, asked.text, **{**asked.options, "facets": True})
        except Exception as error:  # whatever goes wrong is what is measured
            errors += 1
            print(repr(error), file=sys.stderr)
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(ASKED_EVERY)
    print(json.dumps({"ms": taken, "errors": errors}))


ROLES = {"reader": reader, "writer": writer, "visitor": visitor}


def child(role: str, path: Path, seconds: float) -> subprocess.Popen[str]:
    """A process of its own, once it is ready."""
    command = [sys.executable, "-m", "benchmarks.search_live", "as", role, str(path), str(seconds)]
    started = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def stopped(process: subprocess.Popen[str]) -> dict[str, int]:
    process.terminate()
    told: dict[str, int] = json.loads(process.communicate()[0].splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
