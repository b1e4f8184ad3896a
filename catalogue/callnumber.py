"""Call numbers (cotes) in the order of the shelf. Pure.

Numbers sort as numbers, decimals of Dewey and UDC as decimals, letters after numbers, and what is shorter
stands first: 364 < 364 DUB < 364.12 < 364.4 DUB < DOS LOG 3 < DOS LOG 12 < R 2019-2 < R 2019-12.

A decimal has two or three figures before its only point (364.12, 72.036): « 2.10 » and « 1.2.10 » are sections,
where 10 follows 9. What it does not do: UDC files 728 before 73, and here numbers are numbers.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_TOKEN = re.compile(r"(?<![\d.])(?P<decimal>\d{2,3}\.\d+)(?!\.?\d)|(?P<number>\d+)|(?P<word>[A-Z]+)")
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
        if decimal := found["decimal"]:
            whole, fraction = decimal.split(".", 1)
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
