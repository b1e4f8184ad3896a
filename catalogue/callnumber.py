"""Call numbers (cotes) in the order of the shelf. Pure.

Numbers sort as numbers, Dewey fractions as fractions, letters after numbers, and what is shorter stands
first: 364 < 364 DUB < 364.12 < 364.4 DUB < DOS LOG 3 < DOS LOG 12 < R 2019-2 < R 2019-12.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_TOKEN = re.compile(r"(?P<dewey>\d{3}\.\d+)|(?P<number>\d+)|(?P<word>[A-Z]+)")
WIDTH = 9
LONGEST = 200  # of a key: no label is longer, and an index takes no more


def sort_key(call_number: str) -> str:
    """An ASCII key, the same order under a binary comparison as on the shelf; "" for no call number.

    >>> sort_key("364.4 Dub")
    '000000364.4 DUB'
    """
    plain = anyascii(unicodedata.normalize("NFKD", call_number)).upper()
    parts = []
    for found in _TOKEN.finditer(plain):
        if dewey := found["dewey"]:
            whole, fraction = dewey.split(".", 1)
            parts.append(f"{whole.zfill(WIDTH)}.{fraction}")
        elif number := found["number"]:
            number = number.lstrip("0") or "0"
            parts.append(number.zfill(WIDTH) if len(number) <= WIDTH else "9" * WIDTH + number)
        else:
            parts.append(found["word"])
    return " ".join(parts)[:LONGEST]


def range_end(call_number: str) -> str:
    """The key just above everything that begins with `call_number`: « 364 » to « 370 » includes 370.1 MER."""
    key = sort_key(call_number)
    return key + "\x7f" if key else key
