"""Files given at the desk: kept in the data directory while their import is prepared, done and told.

A folder a file, under a name nobody can guess:

    notices/fonds.csv   the file as received, erased once it is in
    job.json            who gave it, of which source, how to read it, and what became of it
    asked               when it is to be imported; renamed `taken` by whoever does it, who writes in it how far
                        it has come, and by what name it goes

Renaming is what makes sure that one worker takes a job. While it works, a thread beside it touches `taken`, so
that one slow transaction is not taken for a death; a worker that dies takes its thread along. Its job is then
taken anew from the start, which changes nothing that is in already, since an import recognises its own records.
A worker that was only asleep, on a machine put to rest for instance, finds another name in `taken` and leaves the
job to it. What is never imported is erased after a day.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.db import Database
from catalogue.models import Run, Source
from catalogue.problems import Refusal
from catalogue.text import fold

log = logging.getLogger("travee")

SMALL = 500  # records: so many are imported while the page waits
SILENT = 120.0  # seconds without a sign, after which a worker is taken for dead
BEAT = 20.0  # seconds between two signs
STUCK = 3600.0  # seconds without a step forward, after which a worker gives no sign any more
TRIES = 3  # a file that kills its worker so often is left alone
KEPT_PREPARED, KEPT_DONE = 24 * 3600.0, 7 * 24 * 3600.0
SHOWN = 40  # refused records that a job names; the report of the import names all
_TOKEN = re.compile(r"[0-9a-f]{24}")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Job:
    """One file and what is wished of it. `tried` and `done`: what a dry run and the import said, as `told` keeps it."""

    token: str
    file_name: str
    by: str
    format: str
    source: str
    created_at: str
    status: str = "published"
    profile: Mapping[str, Any] = field(default_factory=dict)  # habits chosen on screen, over those of the source
    dry: bool = False
    tries: int = 0
    tried: Mapping[str, Any] | None = None
    done: Mapping[str, Any] | None = None


class _Stopping(Exception):
    """The worker is asked to stop: it leaves the job for the next one."""


class _Replaced(Exception):
    """Another worker has taken the job over, since this one gave no sign for long."""


# --- keeping ---------------------------------------------------------------------------------


def keep(folder: Path, name: str, content: IO[bytes], *, by: str) -> Job:
    """Put a file aside, under a token of its own. Its format and its source are still to be said."""
    job = Job(secrets.token_hex(12), safe_name(name), by, "", "", db.now().isoformat())
    path = path_of(folder, job)
    path.parent.mkdir(parents=True, mode=0o700)
    with path.open("wb") as kept:
        shutil.copyfileobj(content, kept)
    save(folder, job)
    return job


def safe_name(name: str) -> str:
    """The name of a file, without the folders it came from nor anything a file system could stumble on.

    >>> safe_name("C:\\\\Mes documents\\\\Fonds d'été.csv"), safe_name("../..")
    ("Fonds d'été.csv", 'fichier')
    """
    last = re.split(r"[/\\]", name)[-1]
    last = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff:*?\"<>|]", " ", last).strip(" .")
    stem, dot, ending = last.rpartition(".")
    if len(last.encode()) > _LONGEST_NAME:
        last = f"{fold(stem)[:60] or 'fichier'}{dot}{fold(ending)[:8]}"
    return last or "fichier"


def path_of(folder: Path, job: Job) -> Path:
    return folder / job.token / "notices" / job.file_name


def get(folder: Path, token: str) -> Job | None:
    if not _TOKEN.fullmatch(token):
        return None
    try:
        return Job(**json.loads((folder / token / "job.json").read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # of another version of this program, or half a disk: it cannot be taken up
        log.warning("the prepared import %s cannot be read; it is left aside", token)
        return None


def list_jobs(folder: Path) -> list[Job]:
    """Oldest first."""
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted((job for name in names if (job := get(folder, name))), key=lambda job: job.created_at)


def save(folder: Path, job: Job) -> None:
    """All of it or nothing: a reader never sees half a job."""
    beside = folder / job.token / f"job.{secrets.token_hex(4)}"
    beside.write_text(json.dumps(asdict(job), ensure_ascii=False), "utf-8")
    beside.replace(folder / job.token / "job.json")


def drop(folder: Path, job: Job) -> None:
    shutil.rmtree(folder / job.token, ignore_errors=True)


def state(folder: Path, job: Job) -> str:
    """waiting · running · done · prepared"""
    if (folder / job.token / "asked").exists():
        return "waiting"
    if (folder / job.token / "taken").exists():
        return "running"
    return "done" if job.done is not None else "prepared"


def read_so_far(folder: Path, job: Job) -> int:
    try:
        return int((folder / job.token / "taken").read_text("ascii").split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return 0


def erase_old(folder: Path, now: float | None = None) -> None:
    """Erase what was never imported after a day, and what is told of an import after a week."""
    at = time.time() if now is None else now
    for job in list_jobs(folder):
        kept = {"prepared": KEPT_PREPARED, "done": KEPT_DONE}.get(state(folder, job))
        if kept is not None and at - (folder / job.token / "job.json").stat().st_mtime > kept:
            drop(folder, job)


# --- doing -----------------------------------------------------------------------------------


def ask(folder: Path, job: Job, *, dry: bool) -> Job:
    """Say that this file is to be imported, or tried."""
    job = replace(job, dry=dry, tries=0, done=None)
    save(folder, job)
    (folder / job.token / "asked").touch()
    return job


def is_small(folder: Path, job: Job, profile: Mapping[str, Any] | None = None) -> bool:
    """Whether a page can wait for it."""
    from harvest import files

    if job.format in files.WHOLE:
        return False
    return sum(1 for _read in islice(files.read(path_of(folder, job), job.format, profile), SMALL + 1)) <= SMALL


def take(folder: Path, job: Job) -> Job | None:
    """The job, for whoever comes first: None when another has it."""
    here = folder / job.token
    try:
        os.utime(here / "asked")  # it may have been asked for long ago, and must not look abandoned
        (here / "asked").rename(here / "taken")
    except FileNotFoundError:
        return None
    return get(folder, job.token)


def work(database: Database, folder: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Do the oldest job that waits, or whose worker died; False when there is none."""
    for job in list_jobs(folder):
        _take_back(folder, job)
        if (taken := take(folder, job)) is not None:
            perform(database, folder, taken, stopping)
            return not stopping()
    return False


def _take_back(folder: Path, job: Job) -> None:
    """Put a job that its worker left back where it waits."""
    here = folder / job.token
    with suppress(FileNotFoundError):
        if time.time() - (here / "taken").stat().st_mtime > SILENT:
            save(folder, replace(job, tries=job.tries + 1))
            (here / "taken").rename(here / "asked")


def perform(database: Database, folder: Path, job: Job, stopping: Callable[[], bool] = lambda: False) -> Job:
    """Import a file that was taken, or try it, and keep what became of it."""
    from harvest import importer

    here = folder / job.token

    def step(done: int, _total: int | None) -> None:
        sign.forward(done)
        if stopping():
            raise _Stopping

    try:
        sign = _Sign(here / "taken")
        if job.done is not None:  # its worker died after the last stroke
            said = dict(job.done)
        elif job.tries >= TRIES:
            said = _trouble("import.interrupted")
        else:
            with sign.given():
                report = importer.import_file(
                    database,
                    path_of(folder, job),
                    source=job.source,
                    by=job.by,
                    format=job.format,
                    status=job.status,
                    profile=job.profile,
                    dry_run=job.dry,
                    progress=step,
                )
            said = _told(report)
        sign.check()
    except _Stopping:
        (here / "taken").rename(here / "asked")
        return job
    except _Replaced:
        log.warning("the import of %s was taken over by another worker", job.file_name)
        return job
    except Exception as error:  # a fault of ours: told, so that the job does not come back for ever
        log.exception("the import of %s failed", job.file_name)
        said = _trouble("import.stopped", detail=f"{type(error).__name__}: {error}"[:200])
    job = replace(job, tried=said) if job.dry else replace(job, done=said)
    save(folder, job)
    if not job.dry and said["trouble"] is None:
        shutil.rmtree(here / "notices", ignore_errors=True)
    (here / "taken").unlink(missing_ok=True)
    return job


class _Sign:
    """The sign of life of whoever does a job: `taken`, with how far it has come and its name."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, secrets.token_hex(4)
        self._moved = time.monotonic()
        self._write(0)

    def forward(self, done: int) -> None:
        """A step forward; raises when the job is somebody else's by now."""
        self.check()
        self._moved = time.monotonic()
        self._write(done)

    def check(self) -> None:
        if not self._is_ours():
            raise _Replaced

    @contextmanager
    def given(self) -> Iterator[None]:
        """Give it again and again, as long as the block lasts and comes forward."""
        ended = Event()
        thread = Thread(target=self._beat, args=(ended,), name="travee-import-sign", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _beat(self, ended: Event) -> None:
        while not ended.wait(BEAT) and self._is_ours() and time.monotonic() - self._moved < STUCK:
            with suppress(FileNotFoundError):
                os.utime(self.path)

    def _is_ours(self) -> bool:
        try:
            return self.path.read_text("ascii").endswith(f" {self.name}")
        except FileNotFoundError:
            return False

    def _write(self, done: int) -> None:
        """In one stroke, as long as it was before: nobody reads half of it, and what is gone does not come back."""
        try:
            with self.path.open("r+b", buffering=0) as taken:
                taken.write(f"{done:>12} {self.name}".encode())
        except FileNotFoundError:
            raise _Replaced from None


def _told(report: Any) -> dict[str, Any]:
    """What a page says of an import, as codes and parameters: the words are those of whoever reads it."""
    told = [
        {
            "code": t.problem.code,
            "n": t.n,
            "first": [dict(met.params) for met in t.first],
            "at": [met.position for met in t.first],
        }
        for t in report.told.values()
        if t.problem.level != "info"
    ]
    refused = [
        {"position": r.position, "identifier": r.identifier, "code": r.code, "params": dict(r.params)}
        for r in report.refused[:SHOWN]
    ]
    return {
        "counts": dict(report.counts),
        "complete": report.complete,
        "trouble": _refusal(report.trouble) if report.trouble else None,
        "told": told,
        "refused": refused,
        "run_id": report.run_id,
        "batch_id": report.batch_id,
    }


def _trouble(code: str, **params: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"counts": {}, "complete": False, "told": [], "refused": []}
    return {**empty, "trouble": {"code": code, "params": params}, "run_id": None, "batch_id": None}


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"code": refusal.code, "params": dict(refusal.params)}


def lots_of(session: Session, job: Job) -> list[int]:
    """Every lot of this import, the last first: an import that was taken up again has several."""
    since = datetime.fromisoformat(job.created_at)
    statement = (
        select(Run)
        .join(Source, Source.id == Run.source_id)
        .where(Source.name == job.source, Run.kind == "import", Run.started_at >= since, Run.batch_id.is_not(None))
        .order_by(Run.id.desc())
    )
    runs = session.scalars(statement)
    return [run.batch_id for run in runs if run.batch_id and run.checkpoint.get("file") == job.file_name]
