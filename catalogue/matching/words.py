"""Words, numbers and names as matching compares them: folded, without what says nothing. Pure.

Everything here works on `fold`ed text: lower-case ASCII letters and digits, one blank between words.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz

from catalogue.text import fold, plain_text

_WORDS = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))
EMPTY = frozenset(_WORDS["empty"].split())
ARTICLES = frozenset(_WORDS["article"].split())
VOLUME_WORDS = frozenset(_WORDS["volume"].split())
COMPANIONS = frozenset(_WORDS["companion"].split())
NO_NAMES = frozenset(_WORDS["no_name"])
_COMMON_NAMES = frozenset(_WORDS["name"].split())
_WRITTEN = {word: number for number, words in _WORDS["numbers"].items() for word in words.split()}
_ROMAN = re.compile(r"x{0,3}(?:ix|iv|v?i{0,3})")
_ORDINAL = re.compile(r"(\d+)(?:er|ere|re|e|eme|nd|nde|st|rd|th|o|a)")


def folded(value: str) -> str:
    """`fold` of a field's text, its markup left out."""
    return fold(plain_text(value)) if "<" in value or "&" in value else fold(value)


@lru_cache(maxsize=20_000)
def significant(text: str) -> tuple[str, ...]:
    """The words of a folded text that say something: « la ville et ses marges » -> ville, marges."""
    words = text.split()
    return tuple(word for word in words if word not in EMPTY) or tuple(words)


def number_of(word: str, after: str = "") -> str:
    """The number that a folded word writes, "" when it is none; `after` is the word before it.

    >>> number_of("iv"), number_of("2e"), number_of("007"), number_of("v"), number_of("v", after="tome")
    ('4', '2', '7', '', '5')
    """
    if word.isdigit():
        return word.lstrip("0") or "0"
    volume = after in VOLUME_WORDS
    if (volume or len(word) > 1) and _ROMAN.fullmatch(word):
        return str(_roman(word))
    if found := _ORDINAL.fullmatch(word):
        return found[1].lstrip("0") or "0"
    return _WRITTEN.get(word, "") if volume else ""


def _roman(word: str) -> int:
    letters = [{"i": 1, "v": 5, "x": 10}[letter] for letter in word]
    return sum(-n if n < max(letters[place:]) else n for place, n in enumerate(letters))


@lru_cache(maxsize=20_000)
def numbers(text: str) -> tuple[str, ...]:
    """Every number in a folded text, in order."""
    found, before = [], ""
    for word in text.split():
        if number := number_of(word, before):
            found.append(number)
        before = word
    return tuple(found)


@lru_cache(maxsize=20_000)
def volume_number(text: str) -> str:
    """What 200 $h, 225 $v or 461 $v number: « Tome 3 » -> "3", « 2e partie, vol. 1 » -> "2.1", « A » -> "a"."""
    words = text.split()
    found = []
    for place, word in enumerate(words):
        before = words[place - 1] if place else "tome"  # alone in its subfield, « IV » is a number
        after = words[place + 1] if place + 1 < len(words) else ""
        if number := number_of(word, "tome" if after in VOLUME_WORDS else before):
            found.append(number)
    return ".".join(found) or ("" if len(words) > 2 else "".join(w for w in words if w not in VOLUME_WORDS))


# --- names -----------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def same_person(left: str, right: str) -> bool:
    """Whether two folded names may be one person's, in whatever order: « dupont anne », « a dupont », « anne dupont ».

    What one of them lacks does not count against it; two given names written out that differ do.
    """
    if left == right:
        return True
    a, b = left.split(), right.split()
    common = {word for word in a if len(word) > 2 and word in b}
    if not common:
        return min(len(left), len(right)) > 6 and fuzz.token_sort_ratio(left, right) >= 86
    mine = [word for word in a if word not in common and word != "de"]
    theirs = [word for word in b if word not in common and word != "de"]
    if not mine or not theirs:
        return True
    return any(_same_given(x, y) for x in mine for y in theirs)


def _same_given(left: str, right: str) -> bool:
    initial = len(left) == 1 or len(right) == 1
    return left[0] == right[0] if initial else fuzz.ratio(left, right) >= 75


@lru_cache(maxsize=50_000)
def same_body(left: str, right: str) -> bool:
    """Whether two folded names may be one body's: word for word but for what any name may hold, or as its initials."""
    if left == right:
        return True
    a = [word for word in left.split() if word not in _COMMON_NAMES] or left.split()
    b = [word for word in right.split() if word not in _COMMON_NAMES] or right.split()
    if not a or not b:
        return False
    if set(a) <= set(b) or set(b) <= set(a):
        return True
    if _initials(a, right) or _initials(b, left):
        return True
    return fuzz.token_sort_ratio(" ".join(a), " ".join(b)) >= 88


def _initials(words: list[str], full: str) -> bool:
    """« irev » for « institut regional de la ville »: initials of all its words, or of those that say something."""
    short = words[0]
    if len(words) != 1 or not 2 < len(short) < 9:
        return False
    spelled = full.split()
    return short in ("".join(w[0] for w in spelled), "".join(w[0] for w in significant(full)))
