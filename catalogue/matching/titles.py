"""How far two titles are one: identical, with a slip, another letter, another complement, or another title. Pure.

Only what no other title can be is left to the machine: the same words, or a slip inside a long word. « Lens » and
« Sens », « immigration » and « émigration » are as near as a slip, and are two titles: `letter`, for a person.
"""

from __future__ import annotations

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from catalogue.matching.described import Described
from catalogue.matching.words import ARTICLES, significant

LONG_NEAR = 24  # letters from which two almost identical titles are hardly two titles
SHORTEST_SLIP = 9  # letters of a title in which one may be wrong

# How long a word is in which one wrong letter makes no other word. Read off the 15,000 words that the records of
# docs/matching.md use three times or more: no two of so many letters differ so, but for one word in two languages
# (« equipement », « equipment »). Its first two letters and its last two make other words at any length (« exclusion »,
# « transitions »), and so does a letter for another (« Cannes », « Vannes »).
LOST_IN, DOUBLED_IN, TURNED_IN, SCANNED_IN = 10, 8, 9, 8


def alike(a: Described, b: Described) -> str:
    """How two titles compare: the second half of a `title.…` finding of features.toml."""
    tail, other_tail = _tail(a, b), _tail(b, a)
    whole, other = f"{a.title} {tail}".strip(), f"{b.title} {other_tail}".strip()
    match _relation(whole, other):
        case "same":
            return _by_length(whole)
        case "slip":
            return "near" if min(len(whole), len(other)) >= LONG_NEAR else "near_short"
        case "letter":
            return _letter(whole, other)
    proper = _relation(a.title, b.title)
    if tail and other_tail:
        serials = a.level == b.level == "serial"  # « série A », « série B »: a journal is known by its complement
        if proper == "same" and sorted(tail.split()) == sorted(other_tail.split()):
            return _by_length(whole)
        if proper == "same" and not serials and (tail in other_tail or other_tail in tail):
            return "complement"
        if proper:
            return "complements"
    elif proper:
        return "complement" if proper != "letter" else _letter(a.title, b.title)
    shorter, longer = sorted((whole, other), key=len)
    if longer.startswith(shorter) and len(shorter) >= 20:  # cut off, or without its complement
        return "part"
    mine, theirs = significant(whole), significant(other)
    if len(mine) > 2 and set(mine) == set(theirs):
        return _letter(whole, other)
    if fuzz.token_set_ratio(whole, other) >= 80 or fuzz.ratio(a.title, b.title) >= 75:
        return "close"
    return "different"


def _tail(d: Described, other: Described) -> str:
    """What follows the title proper, but for the title of a part where PMB has made a series of it."""
    return d.rest if d.part and d.part in other.set_title else d.tail


def _letter(left: str, right: str) -> str:
    return "letter" if min(len(left), len(right)) >= LONG_NEAR else "letter_short"


def _by_length(text: str) -> str:
    words = significant(text)
    if len(words) >= 6:
        return "long"
    return "same" if len(words) >= 3 else "short"


def _relation(left: str, right: str) -> str:
    """« same »; « slip », that can be nothing else; « letter », that may make another word; "" for two titles."""
    if left == right or left.replace(" ", "") == right.replace(" ", ""):
        return "same"
    mine, theirs = _without_articles(left), _without_articles(right)
    if mine == theirs:
        return "same"
    if not few_slips(left, right):
        return ""
    if len(mine) == len(theirs):
        unlike = [(x, y) for x, y in zip(mine, theirs, strict=True) if x != y]
        if len(unlike) == 1 and is_slip(*unlike[0]):
            return "slip"
    return "letter"


def same_words(left: str, right: str) -> bool:
    """One title, or one that can be nothing else."""
    return _relation(left, right) in ("same", "slip")


def _without_articles(text: str) -> list[str]:
    return [word for word in text.split() if word not in ARTICLES]


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


def is_slip(left: str, right: str) -> bool:
    """Whether one of two words can only be the other, badly written.

    >>> is_slip("delinquance", "delinqance"), is_slip("inclusion", "exclusion"), is_slip("vi11e", "ville")
    (True, False, True)
    """
    shorter, longer = sorted((left, right), key=len)
    if _as_scanned(shorter) == _as_scanned(longer):
        half_digits = any(not w.isalpha() and not w.isdigit() for w in (shorter, longer))
        return half_digits or len(shorter) >= SCANNED_IN
    size = len(longer)
    at = next((n for n, letter in enumerate(shorter) if letter != longer[n]), len(shorter))
    if not longer.isalpha() or not shorter.isalpha() or not 2 <= at < size - 2:
        return False
    if shorter[at:] == longer[at + 1 :]:
        doubled = longer[at] in (longer[at - 1], longer[at + 1])
        return size >= (DOUBLED_IN if doubled else LOST_IN)
    turned = longer[:at] + longer[at + 1] + longer[at] + longer[at + 2 :]
    return size >= TURNED_IN and at + 1 < size - 2 and turned == shorter


def _as_scanned(text: str) -> str:
    """Letters that a scanner takes for one another, written one way."""
    return text.replace("rn", "m").replace("1", "l").replace("0", "o").replace("ci", "d").replace("cl", "d")
