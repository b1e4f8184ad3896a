"""The text layer of a PDF that nobody vouches for: its pages, or why there are none.

The work is done by another process (`catalogue.pdf_child`), limited in time, memory and what it may write, without
files and without network; whatever the file does to it, this process only reads how it ended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from catalogue import pdf_child

LARGEST = 250_000_000  # bytes of the file; it is read whole
PATIENCE = 90.0  # seconds by the clock, however busy the machine
TOO_LARGE, TOO_HEAVY, TOO_LONG = "too_large", "too_heavy", "too_long"
PAGE_END = "\f"


@dataclass(frozen=True, slots=True)
class Extracted:
    """`reason` "" when there is text: else why not (`pdf_child.REASONS`, or one of the above)."""

    pages: tuple[str, ...] = ()
    reason: str = ""


def extract(path: Path, *, patience: float = PATIENCE) -> Extracted:
    """Read it. OSError when the file cannot be opened; never anything for what is in it."""
    with path.open("rb") as raw, tempfile.TemporaryFile() as out:
        if path.stat().st_size > LARGEST:
            return Extracted(reason=TOO_LARGE)
        try:
            done = subprocess.run(
                [sys.executable, "-I", pdf_child.__file__],
                stdin=raw,
                stdout=out,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Extracted(reason=TOO_LONG)
        if done.returncode:
            return Extracted(reason=_reason(done.returncode))
        out.seek(0)
        return Extracted(tuple(out.read().decode("utf-8", "replace").split(PAGE_END)))


def _reason(code: int) -> str:
    if sys.platform != "win32":
        import signal

        if code == -signal.SIGXCPU:
            return TOO_LONG
    return pdf_child.REASONS.get(code, TOO_HEAVY)
