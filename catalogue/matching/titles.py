"""How far two titles are one: identical, cut, with a slip, with another complement, or another title. Pure."""

from __future__ import annotations

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from catalogue.matching.described import Described
from catalogue.matching.words import significant

LONG_NEAR = 24  # letters from which two almost identical titles are hardly two titles
SHORTEST_SLIP = 9  # letters of a title in which one may be wrong


def alike(a: Described, b: Described) -> str:
    """How two titles compare: the second half of a `title.…` finding of features.toml."""
    whole, other = a.full_title, b.full_title
    serials = a.level == b.level == "serial"  # « série A », « série B »: a journal is known by its complement
    if whole == other or whole.replace(" ", "") == other.replace(" ", ""):
        return _by_length(whole)
    if a.title == b.title:
        if not a.rest or not b.rest:
            return _by_length(a.title)
        if few_slips(a.rest, b.rest) or (not serials and (a.rest in b.rest or b.rest in a.rest)):
            return _by_length(a.title)
        return "complements"
    if a.rest and b.rest and few_slips(a.title, b.title) and not few_slips(whole, other):
        return "complements"
    if significant(whole) == significant(other):
        return _by_length(whole)
    shorter, longer = sorted((whole, other), key=len)
    if longer.startswith(shorter) and len(shorter) >= 20:  # cut off, or without its complement
        return "part"
    if few_slips(whole, other) or (not (a.rest and b.rest) and few_slips(a.title, b.title)):
        return "near" if len(shorter) >= LONG_NEAR else "near_short"
    mine, theirs = set(significant(whole)), set(significant(other))
    if len(mine) > 2 and mine == theirs:
        return "near"
    if fuzz.token_set_ratio(whole, other) >= 80 or fuzz.ratio(a.title, b.title) >= 75:
        return "close"
    return "different"


def _by_length(text: str) -> str:
    words = significant(text)
    if len(words) >= 6:
        return "long"
    return "same" if len(words) >= 3 else "short"


def few_slips(left: str, right: str) -> bool:
    """One letter in twelve wrong or out of place; never a whole word: « hommes » is no slip for « femmes »."""
    if abs(len(left) - len(right)) > max(len(left), len(right)) // 8:
        return False
    left, right = _as_scanned(left), _as_scanned(right)
    longest = max(len(left), len(right))
    allowed = longest // 12 or int(longest >= SHORTEST_SLIP)
    if not allowed or OSA.distance(left, right, score_cutoff=allowed) > allowed:
        return False
    mine, theirs = left.split(), right.split()
    return len(mine) != len(theirs) or all(_same_word(x, y) for x, y in zip(mine, theirs, strict=True))


def _same_word(left: str, right: str) -> bool:
    return left == right or OSA.distance(left, right) <= max(1, min(len(left), len(right)) // 4)


def _as_scanned(text: str) -> str:
    """Letters that a scanner takes for one another, written one way."""
    return text.replace("rn", "m").replace("1", "l").replace("0", "o").replace("ci", "d").replace("cl", "d")
