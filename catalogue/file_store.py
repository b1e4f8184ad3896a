"""The folder of files: bytes under the name of their sha256, and what is made from them, beside.

    ab/ab12…         the file as it came
    ab/ab12….txt     its text, pages parted by a form feed
    ab/ab12….webp    a small picture of its first page
    new-…            a file that is being received

Whatever dies half-way leaves a name that begins with `new-` or ends with `.part`, which `sweep_leftovers` takes away;
a whole name is a whole file. It is known nowhere but here how these names are made.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PAGE_END = "\f"
BLOCK = 1 << 20
LEFT = 24 * 3600.0  # seconds after which nobody is at it any more
_NAME = re.compile(r"([0-9a-f]{64})(\.txt|\.webp)?")


class TooLarge(Exception):
    """More than may be kept came."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came whole and is not one of ours yet."""

    path: Path
    sha256: str
    size: int


def file_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def text_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.txt"


def picture_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.webp"


@contextmanager
def received(folder: Path, given: IO[bytes], *, limit: int = 0) -> Iterator[Received]:
    """Write what comes, block by block, counted and summed meanwhile, and safe on the disk at the end; `keep` makes it
    ours, what is not kept goes. Raises TooLarge as soon as more than `limit` bytes came, and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"new-{secrets.token_hex(8)}"
    digest, size = hashlib.sha256(), 0
    try:
        with beside.open("xb") as kept:
            while block := given.read(BLOCK):
                size += len(block)
                if limit and size > limit:
                    raise TooLarge
                digest.update(block)
                kept.write(block)
            kept.flush()
            os.fsync(kept.fileno())
        yield Received(beside, digest.hexdigest(), size)
    finally:
        beside.unlink(missing_ok=True)


def keep(folder: Path, came: Received) -> None:
    """Give it its own name, before a row refers to it. The same file again takes the place of itself; one that was kept
    by a transaction that came to nothing is there already."""
    target = file_path(folder, came.sha256)
    target.parent.mkdir(exist_ok=True)
    try:
        came.path.replace(target)
    except FileNotFoundError:
        if not target.is_file():
            raise


def keep_text(folder: Path, sha256: str, pages: Iterable[str]) -> None:
    _write(text_path(folder, sha256), PAGE_END.join(pages).encode())


def keep_picture(folder: Path, sha256: str, picture: bytes) -> None:
    _write(picture_path(folder, sha256), picture)


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    beside.write_bytes(content)
    beside.replace(path)


def read_pages(path: Path) -> list[str]:
    """The pages of a text; none when it is not there any more."""
    try:
        return path.read_text("utf-8").split(PAGE_END)
    except OSError:
        return []


def delete(folder: Path, sha256: str) -> None:
    """A file and all that was made from it."""
    for path in (file_path(folder, sha256), text_path(folder, sha256), picture_path(folder, sha256)):
        path.unlink(missing_ok=True)


def fault_of(path: Path, sha256: str) -> str:
    """ "" for a file that is as it came; it is read whole."""
    try:
        with path.open("rb") as kept:
            return "" if hashlib.file_digest(kept, "sha256").hexdigest() == sha256 else "file_changed"
    except OSError:
        return "file_missing"


def sweep_leftovers(folder: Path, now: float | None = None) -> int:
    """Take away what was begun and never finished, a day ago or more; how many."""
    gone = 0
    for path in (*folder.glob("new-*"), *folder.glob("??/*.part")):
        if _age(path, now) > LEFT:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def orphans(folder: Path, named: Collection[str], now: float | None = None) -> list[str]:
    """Files of a day ago or more that no row names: nobody can open them. They are told, not deleted: after a base was
    put back from an old backup, they are what came since."""
    found = {path.name[:64] for path in folder.glob("??/*") if _NAME.fullmatch(path.name) and _age(path, now) > LEFT}
    return sorted(found - set(named))


def _age(path: Path, now: float | None) -> float:
    try:
        return (time.time() if now is None else now) - path.stat().st_mtime
    except OSError:
        return 0.0
