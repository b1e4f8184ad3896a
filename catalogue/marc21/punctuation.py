"""ISBD punctuation, which MARC 21 writes inside its subfields and UNIMARC does not. Pure.

Taken off on the way in where it announces the next subfield or ends the field, put back on the way out. A final
stop is taken off only where `stopped` would put it back, so that no abbreviation loses its own.
"""

from __future__ import annotations

import re

from catalogue.marc21 import coded
from catalogue.marc21.table import Pairs, Row, abbreviations, by_marc21
from catalogue.text import fold
from catalogue.unimarc import Fields

_WORD = re.compile(r"[\W\d_]")
_FINAL = tuple('.?!)]-»”>"')


def says(code: str) -> bool:
    """Whether a subfield is text: control subfields and addresses have no punctuation."""
    return not code.isdigit() and code not in ("u", "w")


def unannounced(value: str) -> str:
    """Without the sign that announces the next subfield: « Titre : », « Lille, »."""
    text = value.rstrip()
    if not text or text[-1] not in ":;=/+,":
        return value
    bare = text[:-1].rstrip()
    return bare if bare and (text[-1] in ",:;" or len(bare) < len(text) - 1) else value


def unpunctuated(row: Row, pairs: Pairs) -> Pairs:
    """The values without the ISBD punctuation that announces the next subfield, or ends the field."""
    if not (row.before or row.end or row.group):
        return pairs
    out: Pairs = []
    following = ""
    for code, value in reversed(pairs):
        if says(code):
            value = value.rstrip()
            if following in row.before or following in row.group or not following:
                value = unannounced(value)
            if code in row.group:
                value = _unbracketed(value)
            if row.before.get(following, "")[:1] == "." or (row.end and not following):
                value = unstopped(value, row.end)
            following = code
        out.append([code, value])
    return out[::-1]


def _unbracketed(value: str) -> str:
    """« (2e : », « 1998 : », « Lille) » are pieces of one bracket."""
    bare = value.removeprefix("(")
    bare = bare if bare.count("(") >= bare.count(")") else unstopped(bare).removesuffix(")")
    return bare.rstrip(" :") or value


def unstopped(value: str, end: str = ".") -> str:
    """Without its final stop, unless it may be that of an abbreviation: « Dupont, J. », « Inc. »."""
    if value.endswith(").") or (end == "]." and value.endswith("].")):
        return value[:-1]
    if not value.endswith("."):
        return value
    last = _WORD.split(value[-30:-1])[-1]
    ends = value[-2:-1].isdigit() or last == "cm" or (len(last) > 2 and fold(last) not in abbreviations())
    return value[:-1] if ends else value


def stopped(value: str, end: str) -> str:
    """With the final stop that `unstopped` takes off again."""
    return value + "." if unstopped(value + ".", end) == value and not value.endswith(")") else value


def repunctuated(row: Row, pairs: Pairs, style: str) -> Pairs:
    """The values with what MARC 21 writes between them."""
    out = [list(pair) for pair in pairs]
    texts = [n for n, (c, _v) in enumerate(out) if says(c)]
    for at, n in enumerate(texts):
        code, value = out[n]
        following = out[texts[at + 1]][0] if at + 1 < len(texts) else ""
        if code in row.group:
            opens = not at or out[texts[at - 1]][0] not in row.group
            value = ("(" if opens else "") + value + (" :" if following and following in row.group else ")")
        if following:
            bracket = out[texts[at + 1]][1].startswith("(")  # takes no comma before it
            value = value if bracket or style == coded.NONE else joined(value, row.before.get(following, ""))
        elif style == coded.FULL and row.end:
            value = stopped(value, row.end)
        out[n] = [code, value]
    return out


def joined(value: str, mark: str) -> str:
    sign = mark.strip()
    if not sign or value.endswith((sign, *"،؛，；：")) or (sign in ".," and value.endswith(("-", "?", "!"))):
        return value
    return value + mark


def punctuation_of(fields: Fields) -> str:
    """Which punctuation the fields of a MARC 21 record have: see `coded.FULL`."""
    inside = stopped = bare = 0
    for f in fields:
        row = next(iter(by_marc21().get(f["t"], ())), None)
        values = [v.rstrip() for c, v in f.get("s", ()) if says(c) and v.strip()]
        if row is None or not values or not (row.before or row.end):
            continue
        inside += any(v.endswith(tuple(":;=/,")) for v in values[:-1])
        if row.end and not values[-1].endswith(_FINAL[1:]):
            stopped += values[-1].endswith(".")
            bare += not values[-1].endswith(".")
    if stopped > bare:
        return coded.FULL
    return coded.PARTIAL if inside else coded.NONE
