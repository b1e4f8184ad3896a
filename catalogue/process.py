"""Which process is at work, and whether it is still alive: for a run whose process was killed and could say nothing.

A name says the machine, the process and when it was started: numbers are given again. Of a process of another
machine nothing is known. Locks fall with the process that holds them.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a file, alone or beside others who share it; BlockingIOError at once when others are in the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_CREAT | (os.O_RDWR if sys.platform == "win32" else os.O_RDONLY), 0o644)
    try:
        if sys.platform == "win32":
            _lock_bytes(handle, shared)
        else:
            import fcntl

            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def name() -> str:
    """Of this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_gone(named: str) -> bool:
    """Whether this machine knows that the process is no more."""
    host, number, started = (*named.rsplit(":", 2), "", "")[:3]
    if host != socket.gethostname() or sys.platform == "win32" or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's: alive
        return False
    now_there = _started(int(number))
    return bool(started and now_there) and started != now_there


def _started(number: int) -> str:
    """When it was started, in ticks since the machine was; "" where nobody says so. Field 22 of proc(5)'s stat."""
    try:
        said = Path(f"/proc/{number}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    fields = said.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


if sys.platform == "win32":
    import msvcrt

    _SHARERS = 64  # a lock is of bytes and has one holder: each who shares takes a byte, who wants to be alone them all

    def _lock_bytes(handle: int, shared: bool) -> None:
        for place in range(_SHARERS if shared else 1):
            os.lseek(handle, place, os.SEEK_SET)
            try:
                return msvcrt.locking(handle, msvcrt.LK_NBLCK, 1 if shared else _SHARERS)
            except OSError:
                continue
        raise BlockingIOError
