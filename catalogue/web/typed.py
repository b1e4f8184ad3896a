"""Numbers that somebody typed, or that an address or a form carries: read one way, whatever is sent in their place."""

from __future__ import annotations

MOST = 2**31 - 1  # what a column of a database holds


def read_number(text: str, least: int = 0, most: int = MOST) -> int | None:
    """The number, None when it is none or not between these two. However long the text is, it is never converted whole.

    >>> [read_number(text) for text in ("12", " 007 ", "-3", "²", "0" * 5000 + "4", "9" * 5000)]
    [12, 7, None, None, 4, None]
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()):
        return None
    digits = digits.lstrip("0") or "0"
    value = int(digits) if len(digits) <= len(str(most)) else most + 1
    return value if least <= value <= most else None


def read_version(text: str) -> int:
    """The version of a row that a form was filled in from; 0, which none has, when it says nothing of the sort."""
    return read_number(text) or 0
