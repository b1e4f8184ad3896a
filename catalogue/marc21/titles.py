"""Title and statement of responsibility: MARC 21's 245 and UNIMARC's 200. Pure.

245 has one $b and one $c, with signs inside that say what each piece is; 200 has a subfield for each piece.
"""

from __future__ import annotations

import re

from catalogue.marc21 import coded
from catalogue.marc21.along import carried, uncarried
from catalogue.marc21.punctuation import joined, says, stopped, unannounced, unstopped
from catalogue.marc21.table import OURS, THEIRS, Pairs

_PARTS = re.compile(r" ([:=]) ")
_GMD = re.compile(r"^\[(.*)\]$")


def to_200(pairs: Pairs) -> Pairs:
    """245 to 200: what ends a subfield says what the next one is (« = » a parallel title, « ; » another title)."""
    out: Pairs = []
    texts = iter([*(code for code, _v in pairs if says(code)), ""])
    following = next(texts)
    announced = ""
    for code, raw in pairs:
        value = raw
        if says(code):
            following = next(texts)
            value = unannounced(raw)
            value = unstopped(value, "].") if following in ("", "n", "p") else value
        out += _pieces(code, value, raw, announced)
        announced = raw.rstrip()[-1:] if says(code) else announced
    return out


def _pieces(code: str, value: str, raw: str, announced: str) -> Pairs:
    """What one subfield of 245 is in 200."""
    if (back := uncarried(code, raw, OURS)) is not None:
        return [back]
    if code == "b":
        head, *rest = _PARTS.split(value)
        signed = zip(rest[::2], rest[1::2], strict=True)
        kind = {"=": "d", ";": "a"}.get(announced, "e")
        return [[kind, head], *(["d" if sign == "=" else "e", text] for sign, text in signed)]
    if code == "c":
        head, *rest = value.split(" ; ")
        return [["f", head], *(["g", text] for text in rest)]
    if code == "h" and (found := _GMD.match(value)):
        return [["b", found[1]]]
    return [[{"a": "a", "n": "h", "p": "i"}[code], value]] if code in "anp" else [carried(code, raw, THEIRS)]


def to_245(pairs: Pairs, style: str) -> Pairs:
    """200 to 245: what has no subfield of its own left goes into the last one, behind its sign."""
    out: Pairs = []
    texts: Pairs = []
    for code, value in _numbers_first(pairs):
        if code in _SIGNS:
            made = _written(texts, code, value, style)
        else:
            made = uncarried(code, value, THEIRS) or carried(code, value, OURS)
        if made is not None:
            out.append(made)
            texts += [made] if says(made[0]) else []
    if style == coded.FULL and texts:
        texts[-1][1] = stopped(texts[-1][1], "].")
    return out


# For each subfield of 200: the sign before it, and its subfield in 245.
_SIGNS = {"a": (" ;", "b"), "e": (" :", "b"), "d": (" =", "b"), "h": (".", "n"), "i": (".", "p"), "b": ("", "h")} | {
    "f": (" /", "c"),
    "g": (" ;", "c"),
}


def _written(texts: Pairs, code: str, value: str, style: str) -> list[str] | None:
    """The next subfield; None when the value went into the last of those that have text."""
    sign, theirs = _SIGNS[code]
    said = [pair[0] for pair in texts]
    if code == "b":
        value = f"[{value}]"
    elif code == "d":
        value = value.removeprefix("= ")
    elif code == "i" and said[-1:] == ["n"]:
        sign = ","
    elif code == "a" and "c" in said:  # another work, behind what was said of the first
        sign = "."
    if not texts:
        return ["a", value]
    if "c" in said or (theirs == "b" and "b" in said):
        texts[-1][1] = joined(texts[-1][1], sign) + " " + value
        return None
    if style != coded.NONE or sign in (" =", " ;"):  # these say what follows
        texts[-1][1] = joined(texts[-1][1], sign)
    return [theirs, value]


def _numbers_first(pairs: Pairs) -> Pairs:
    """Number and name of a part before the responsibility, as 245 has them, where there is one title only."""
    said = [code for code, _v in pairs]
    if said.count("a") > 1 or "f" not in said:
        return pairs
    at = said.index("f")
    late = [pair for pair in pairs[at:] if pair[0] in "hi"]
    return [*pairs[:at], *late, *(pair for pair in pairs[at:] if pair[0] not in "hi")]
