"""Where a TOML text that somebody wrote on screen is wrong: by line, as they see it. Pure."""

from __future__ import annotations

import re

_AT_LINE = re.compile(r" ?\(at line (\d+), column \d+\)")


def line_of(text: str, key: str, inside: str = "") -> int:
    """The line that sets a key, or opens a table, counted from 1."""
    table = ""
    for n, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*[\"']?([^\]\"']+?)[\"']?\s*\]", line):
            table = head[1]
            if not inside and table == key:
                return n
        elif table == inside and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*(=|\.)""", line):
            return n
    return 1


def line_said(said: str, text: str) -> int:
    """The line that a message of tomllib names; the last one where it names none."""
    found = _AT_LINE.search(said)
    return int(found[1]) if found else len(text.splitlines()) or 1


def without_line(said: str) -> str:
    return _AT_LINE.sub("", said)
