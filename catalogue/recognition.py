"""The words on pages that are pictures, recognised by Tesseract where the system has it.

Page after page: our limited process draws it (`pdf_child`), Tesseract reads it, limited too (`limited`). It is
optional: where it is not installed, such files go on saying that their text would have to be recognised.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from catalogue import limited, pdf_child, pdf_text
from catalogue.pdf_text import Extracted

PROGRAM = "tesseract"
LANGUAGES = ("fra", "eng")  # what documents are in, when it has learnt them
MOST_PAGES = 200
PAGE_SECONDS, FILE_SECONDS = 60, 1800.0
FAILURES = 3  # pages in a row, after which a file is left
END, UNRECOGNISED = "no_page", "unrecognised"


def program() -> str:
    """Where it is, "" when the system has none."""
    return shutil.which(PROGRAM) or ""


def recognise(path: Path, *, stopping: Callable[[], bool] = lambda: False) -> Extracted | None:
    """The pages of this PDF as far as they could be read, the first 200 at most, or why not; None when there was no
    time to finish, or nothing to do it with. OSError."""
    if not (tool := program()):
        return None
    pages: list[str] = []
    failed, since = 0, time.monotonic()
    while len(pages) < MOST_PAGES and failed < FAILURES and time.monotonic() - since < FILE_SECONDS:
        if stopping():
            return None
        image, reason = pdf_text.make(path, "page", str(len(pages) + 1))
        if reason == END:
            break
        words = None if reason else _read(tool, image)
        failed = failed + 1 if words is None else 0
        pages.append(words or "")
    return Extracted(tuple(pages)) if pdf_child.is_legible("".join(pages)) else Extracted(reason=UNRECOGNISED)


def _read(tool: str, image: bytes) -> str | None:
    command = [tool, "stdin", "stdout", "-l", _languages(tool)]
    done = _run([sys.executable, "-I", limited.__file__, str(PAGE_SECONDS), *command], image)
    return None if done is None else pdf_child.clean(done.decode("utf-8", "replace").replace("\f", " "))


@lru_cache
def _languages(tool: str) -> str:
    said = (_run([tool, "--list-langs"]) or b"").decode("utf-8", "replace").split()
    return "+".join(one for one in LANGUAGES if one in said) or "eng"


def _run(command: list[str], given: bytes = b"") -> bytes | None:
    """What it says; None when it fails or takes too long."""
    kept = ("PATH", "HOME", "TESSDATA_PREFIX", "SYSTEMROOT")
    env = {name: os.environ[name] for name in kept if name in os.environ} | {"OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(command, input=given, capture_output=True, env=env, timeout=2 * PAGE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None
