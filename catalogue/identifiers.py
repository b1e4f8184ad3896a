"""ISBN, ISSN, DOI and our own addresses and codes: recognised, checked, written one way. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from stdnum import ean, isbn, issn

# Digits and consonants without l: nothing that can be misread or spell a word. 29 signs, a prime number,
# so that one check character catches every single slip and every exchange of neighbours (the NOID scheme).
ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"
_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}
CODE_LENGTH = 8
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_ISBN_SHAPE = re.compile(r"(?:97[89][- ]?)?\d[\d -]{7,14}[\dXx]")


def check_character(stem: str) -> str:
    return ALPHABET[sum(rank * _VALUE[sign] for rank, sign in enumerate(stem, 1)) % len(ALPHABET)]


def new_code(choose: Callable[[str], str] = secrets.choice) -> str:
    """Eight signs, the last one a check: a notice's address or an item's label."""
    stem = "".join(choose(ALPHABET) for _ in range(CODE_LENGTH - 1))
    return stem + check_character(stem)


def is_code(text: str) -> bool:
    return len(text) == CODE_LENGTH and all(sign in _VALUE for sign in text) and check_character(text[:-1]) == text[-1]


def find_isbn(text: str) -> str | None:
    """The ISBN-13 that `text` holds, without hyphens, or None. ISBN-10 become ISBN-13.

    >>> find_isbn("2-211-04459-X (br.)")
    '9782211044592'
    """
    for found in _ISBN_SHAPE.findall(text):
        compact = isbn.compact(found)
        if isbn.is_valid(compact):
            return str(isbn.to_isbn13(compact))
    return None


def find_issn(text: str) -> str | None:
    for found in re.findall(r"\b\d{4}[-\s]?\d{3}[\dXx]\b", text):
        compact = issn.compact(found)
        if issn.is_valid(compact):
            return str(issn.format(compact))
    return None


def find_doi(text: str) -> str | None:
    """The DOI in lower case, its resolver's address left out (DOI Handbook: names are case-insensitive)."""
    found = _DOI.search(text)
    doi = found.group(0).rstrip(".,;)").lower() if found else ""
    return doi if 0 < len(doi) <= 300 else None


def find_ean(text: str) -> str | None:
    compact = ean.compact(text)
    return str(compact) if len(compact) == 13 and ean.is_valid(compact) else None


def format_isbn(number: str) -> str:
    return str(isbn.format(number)) if isbn.is_valid(number) else number
