"""From a fresh clone to the first page, and what it weighs.

A copy of the project's files, an empty home and empty package caches: the time a newcomer waits after
`python3 dev.py demo`, then the time of a second start. Measured with uv where it is on the path, and
(without `--quick`) with pip alone.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import dev
from benchmarks import figures

PATIENCE = 600  # seconds, after which something is wrong
NEWCOMER = getattr(sys, "_base_executable", sys.executable)  # the machine's Python, not that of our environment


def main() -> None:
    ways = {"uv": os.environ["PATH"]} if dev.works("uv", "--version") else {}
    if not ways or "--quick" not in sys.argv:
        ways["pip"] = path_without("uv")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for way, path in ways.items():
            clone = copy_project(Path(folder) / way / "travee")
            around = empty_home(Path(folder) / way / "home", path)
            first, second = time_first_page(clone, around), time_first_page(clone, around)
            print(f"{way}: {first:.1f} s from a fresh clone, {second:.1f} s the second time", flush=True)
            rows += [
                row(f"fresh clone to first page, with {way}", round(first, 1), "s", "< 180"),
                row(f"second start, with {way}", round(second, 1), "s", "< 10"),
                row(f"installed size, with {way}", megabytes(clone / ".venv"), "MB"),
            ]
        rows.append(row("wheel", round(build_wheel(Path(folder)).stat().st_size / 1e6, 2), "MB"))
    rows += [row(f"packages in {lock.name}", count_packages(lock), "") for lock in (dev.LOCK, dev.DEV_LOCK)]
    figures(rows)


def row(what: str, value: float, unit: str, target: str = "") -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, "target": target}


def copy_project(place: Path) -> Path:
    """What a clone would hold once today's work is committed."""
    for path in dev.project_files():
        copy = place / path.relative_to(dev.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return place


def empty_home(home: Path, path: str) -> dict[str, str]:
    home.mkdir(parents=True)
    ours = ("TRAVEE_", "VIRTUAL_ENV", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    caches = {name: str(home / name.lower()) for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME")}
    return kept | caches | {"HOME": str(home), "PATH": path}


def path_without(program: str) -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / program).exists())


def time_first_page(clone: Path, around: dict[str, str]) -> float:
    """Seconds from the command to the first answer of the home page; then everything is stopped."""
    port = free_pair()
    open_page = build_opener(ProxyHandler({})).open
    log = clone.parent / "demo.log"
    command = [NEWCOMER, "dev.py", "demo", "--port", str(port)]
    start = time.monotonic()
    with log.open("w") as said:
        demo = subprocess.Popen(
            command, cwd=clone, env=around, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while time.monotonic() - start < PATIENCE and demo.poll() is None:
            try:
                with open_page(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                    if answer.status == 200 and answer.read():
                        return time.monotonic() - start
            except (URLError, OSError):
                time.sleep(0.1)
        raise SystemExit(f"The demo served no page. It said:\n{log.read_text()}")
    finally:
        stop(demo)


def stop(demo: subprocess.Popen[bytes]) -> None:
    for order in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(demo.pid, order)
            demo.wait(timeout=15)
            return
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def free_pair() -> int:
    """A port whose next two are free too: the demo's partner and its outside sources take them."""
    while True:
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", port + 1))
                three.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port


def megabytes(folder: Path) -> float:
    return round(sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


def build_wheel(folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(dev.ROOT),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def count_packages(lock: Path) -> int:
    """Names, not lines: a package may stand there twice, for two versions of Python."""
    return len(set(re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)))


if __name__ == "__main__":
    main()
