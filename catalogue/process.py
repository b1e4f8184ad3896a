"""Which process is at work, and whether it is still alive: for a run whose process was killed and could say nothing.

A name says the machine, the process and when it was started: numbers are given again. Of a process of another
machine nothing is known.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


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
