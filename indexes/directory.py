"""Where the index lies on disk, and who may write to it.

    index/current           the name of the generation in use, replaced in one step
    index/f1-9c2e…/         a generation: a Whoosh index, whole
    index/lock              held by whoever writes: server, worker or command line

A rebuild fills a generation beside and then moves `current`; readers of the old one keep its files
open until they let go. A name begins with the format it is written in, and with `empty-` as long as
nobody has filled it: such a generation is rebuilt at the first chance, so that a lost index directory,
or an older format, heals by itself. Until then it answers for an empty base only (`reader.Index`).
"""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.util.filelock import FileLock, try_for

from indexes.schema import FORMAT, SCHEMA

log = logging.getLogger("travee")

_STAMP = f"f{FORMAT}-"
_EMPTY = "empty-"
_PATIENCE = 2.0  # seconds: two who begin at once; who writes for longer is making a generation


def current_generation(directory: Path) -> Path | None:
    """The generation in use, None before there is one."""
    try:
        name = (directory / "current").read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    return directory / name if name else None


def is_filled(generation: Path) -> bool:
    """Was it filled from the database, in the format this code reads?"""
    return generation.name.startswith(_STAMP)


def new_generation(directory: Path) -> Path:
    """An empty Whoosh index that nobody reads yet."""
    generation = directory / f"{_STAMP}{secrets.token_hex(6)}"
    generation.mkdir(parents=True)
    FileIndex.create(FileStorage(str(generation)), SCHEMA)
    return generation


def put_in_use(generation: Path) -> None:
    """Readers find it from now on. Call it with the lock held."""
    pointer = generation.parent / "current"
    pointer.with_suffix(".new").write_text(generation.name, "ascii")
    pointer.with_suffix(".new").replace(pointer)


def remove_others(generation: Path) -> None:
    """Old generations and unfinished ones go; what is open elsewhere goes next time. Lock held."""
    for path in generation.parent.iterdir():
        if path.is_dir() and path != generation:
            shutil.rmtree(path, ignore_errors=True)


def prepare(directory: Path) -> None:
    """Make sure that there is a generation to read, if only an empty one.

    What hinders that stops nobody here: whoever reads is told, and the next drain tries again.
    """
    try:
        if _is_ready(directory):
            return
        with write_lock(directory, wait=_PATIENCE) as held:
            if held and not _is_ready(directory):
                fresh = new_generation(directory)
                put_in_use(fresh.rename(directory / f"{_EMPTY}{fresh.name}"))
    except OSError as error:
        log.warning("no index can be made in %s: %s", directory, error)


@contextmanager
def write_lock(directory: Path, *, wait: float = 0.0) -> Iterator[bool]:
    """The right to write, for one process and one thread at a time; yields False when somebody else has it.

    The system takes it back from a process that dies. A directory that was lost is made again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(directory / "lock"))
    held = bool(try_for(lock.acquire, timeout=wait, delay=0.02))
    try:
        yield held
    finally:
        if held:
            lock.release()


def _is_ready(directory: Path) -> bool:
    """Whether the generation in use is there, in the format this code reads."""
    generation = current_generation(directory)
    if generation is None or not generation.is_dir():
        return False
    return generation.name.removeprefix(_EMPTY).startswith(_STAMP)
