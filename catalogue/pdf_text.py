"""What can be read of a file that nobody vouches for: its pages of text, or why there are none; a small picture.

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
    made, reason = make(path, "text", patience=patience)
    return Extracted(reason=reason) if reason else Extracted(tuple(made.decode("utf-8", "replace").split(PAGE_END)))


def draw(path: Path, *, patience: float = PATIENCE) -> bytes:
    """A small picture of its first page (`pdf_child.PICTURE`, WebP); nothing when none can be made. OSError."""
    made, _reason = make(path, "picture", patience=patience)
    return made


def make(path: Path, *wished: str, patience: float = PATIENCE) -> tuple[bytes, str]:
    """What the other process made of it (`pdf_child`), and why it made nothing. OSError."""
    with path.open("rb") as raw, tempfile.TemporaryFile() as out:
        if path.stat().st_size > LARGEST:
            return b"", TOO_LARGE
        try:
            done = subprocess.run(
                [sys.executable, "-I", pdf_child.__file__, *wished],
                stdin=raw,
                stdout=out,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return b"", TOO_LONG
        if done.returncode:
            return b"", _reason(done.returncode)
        out.seek(0)
        return out.read(), ""


def _reason(code: int) -> str:
    if sys.platform != "win32":
        import signal

        if code == -signal.SIGXCPU:
            return TOO_LONG
    return pdf_child.REASONS.get(code, TOO_HEAVY)
