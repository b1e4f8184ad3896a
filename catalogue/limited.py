"""Run a program of the system with so much memory, time and output, and no more: `python -I limited.py 60 tesseract …`.

A plain script, started by `catalogue.recognition`: a process can only limit itself, before it becomes the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

MEMORY = 2 << 30
WRITTEN = 32 << 20  # bytes


def main(words: Sequence[str]) -> int:
    seconds, *command = words
    if sys.platform == "win32":  # no such limits there; who waits for it has its own
        return subprocess.run(command, check=False).returncode
    import resource

    os.nice(10)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    os.execvp(command[0], command)
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
