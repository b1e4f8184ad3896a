"""What the exchange formats have no place for, said inside what they have: one mapping, both ways. Pure.

`export` calls `to_wire` on its way out and the readers `from_wire` on the way in, whatever the format, so that
a record comes back as it left:

    from_wire(to_wire(fields, carrier)) == fields

What a carrier cannot say          | how it is said
-----------------------------------|--------------------------------------------------------------------------
the end of a UNIMARC leader        | « 450 » then a blank is « 4500 » for MARC21slim.xsd, which knows no other
the `id` of a PMB link ("x")       | one more subfield, the last: `$9 travee-id:77`
indicators it does not allow (`|`) | blanks in their place, and `$9 travee-ind:|` with both, before the former
anything else (below)              | a field of its own: `989 $2 travee $a` and the field as JSON,
                                   | e.g. `["009", "  ", [["a", "2024-02-01"]]]`, or `["105", "text"]`

« Anything else » is, by carrier:

- `ISO_2709`: a field of 010 and beyond that has text and no subfield. A 00X with subfields is no trouble: PMB
  writes its 009 so, in ISO 2709, and reads it back, as we do (docs/decisions/0016).
- `MARCXML`: that, and what MARC21slim.xsd refuses: a 00X with subfields, tags and codes of other signs, a
  leader with signs of its own (`#`, `|`, no type of document): a leader that fits goes out in its place.
- `PMB_XML`: a leader that its header has no element for (9, 19) or says in its own way (a type that PMB does not
  know). Links have their `id` there.

A field that already looks like the result is wrapped too, so that the law has no exception. Everything else,
099 $2 pmb included, is a field like any other and goes as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from catalogue.pmb import BLANK, TYPES
from catalogue.unimarc import LEADER, Field, Fields

TAG, OURS = "989", ["2", "travee"]
_ID, _INDICATORS = "travee-id:", "travee-ind:"

# MARC21slim.xsd, 1.2: leaderDataType, controltagDataType, tagDataType, indicatorDataType, subfieldcodeDataType.
_LEADER = re.compile(r"[\d ]{5}[\dA-Za-z ][\dA-Za-z][\dA-Za-z ]{3}[2 ]{2}[\d ]{5}[\dA-Za-z ]{3}(?:4500|    )", re.A)
_CONTROL = re.compile(r"00[1-9A-Za-z]", re.A)
_DATA = re.compile(r"0(?:[1-9A-Z][0-9A-Z]|[1-9a-z][0-9a-z])|[1-9A-Z][0-9A-Z]{2}|[1-9a-z][0-9a-z]{2}", re.A)
_USUAL_INDICATORS = re.compile(r"[\da-z ]{2}", re.A)
_CODES = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?{}_^`~[]\\")
_PMB_TYPES = TYPES | {" "}
# What JSON could bring in and no field may hold: control characters, halves of characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_READABLE_TAG = re.compile(r"[0-9A-Za-z]{3}")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A format, by what it can say."""

    schema: bool = False  # only what MARC21slim.xsd allows
    links: bool = False  # the `id` of a link
    header: bool = False  # six positions of the leader instead of the leader


ISO_2709 = Carrier()
MARCXML = Carrier(schema=True)
PMB_XML = Carrier(links=True, header=True)


def to_wire(fields: Iterable[Field], carrier: Carrier) -> Fields:
    """These fields, as that format can say them."""
    out: Fields = []
    for f in fields:
        out += _leader(f, carrier) if f["t"] == "000" else [_sent(f, carrier)]
    return out


def from_wire(fields: Iterable[Field]) -> Fields:
    """The fields that were sent, from the fields that came."""
    out: Fields = []
    for f in fields:
        kept = _unwrapped(f) if f["t"] == TAG else None
        if kept is None:
            out.append(_back(f) if f["t"] == "000" else _received(f))
        elif kept["t"] == "000" and out and out[0]["t"] == "000":
            out[0] = kept
        else:
            out.append(kept)
    return out


# --- the leader ------------------------------------------------------------------------------


def _leader(f: Field, carrier: Carrier) -> Fields:
    mark = f.get("v", "").ljust(24)[:24]
    if carrier.schema:
        sent = mark[:20] + "4500"
        if _LEADER.fullmatch(sent) and mark == mark[:20] + "450 ":
            return [{"t": "000", "v": sent}]
        return [{"t": "000", "v": _fitting(sent)}, _wrapped(f)]
    if not carrier.header or (mark[9] == mark[19] == " " and mark[6] in _PMB_TYPES and BLANK not in mark):
        return [f]
    known = mark[6] if mark[6] in _PMB_TYPES else LEADER[6]
    return [{"t": "000", "v": (mark[:6] + known + mark[7:]).replace(BLANK, " ")}, _wrapped(f)]


def _back(f: Field) -> Field:
    mark = f.get("v", "")
    return {**f, "v": mark[:20] + "450 "} if mark[20:] == "4500" else f


def _fitting(mark: str) -> str:
    """The nearest leader that MARC21slim.xsd takes: a blank for what it refuses, « a » (text) for no type."""
    pieces = [c if c.isascii() and c.isalnum() else " " for c in mark[:20]]
    pieces[6] = pieces[6].strip() or LEADER[6]
    pieces[:5], pieces[10:17] = " " * 5, "22     "
    return "".join(pieces) + "4500"


# --- one field -------------------------------------------------------------------------------


def _sent(f: Field, carrier: Carrier) -> Field:
    tag, pairs = f["t"], f.get("s")
    if _looks_sent(f) or (carrier.schema and not _fits_schema(f)):
        return _wrapped(f)
    if pairs is None:
        return f if carrier.header or tag < "010" else _wrapped(f)
    marks: list[list[str]] = []
    sent: Field = {"t": tag, "i": f.get("i", "  "), "s": pairs}
    if carrier.schema and not _USUAL_INDICATORS.fullmatch(sent["i"]):
        marks.append(["9", _INDICATORS + sent["i"]])
        sent["i"] = "".join(c if _USUAL_INDICATORS.fullmatch(c * 2) else " " for c in sent["i"].ljust(2)[:2])
    if "x" in f and carrier.links:
        sent["x"] = f["x"]
    elif "x" in f:
        marks.append(["9", _ID + f["x"]])
    sent["s"] = [*pairs, *marks]
    return sent


def _received(f: Field) -> Field:
    pairs = f.get("s")
    if not pairs or not _marked(pairs[-1]):
        return f
    back: Field = {**f, "s": list(pairs)}
    if back["s"][-1][1].startswith(_ID):
        back["x"] = back["s"].pop()[1].removeprefix(_ID)
    if back["s"] and _marked(back["s"][-1]) and back["s"][-1][1].startswith(_INDICATORS):
        back["i"] = back["s"].pop()[1].removeprefix(_INDICATORS)
    return back if back["s"] else f


def _marked(pair: list[str]) -> bool:
    return pair[0] == "9" and pair[1].startswith((_ID, _INDICATORS))


def _looks_sent(f: Field) -> bool:
    """Whether a reading would take this field, as it is, for one of ours."""
    pairs = f.get("s", [])
    return bool(pairs) and (_marked(pairs[-1]) or (f["t"] == TAG and pairs[0] == OURS))


def _fits_schema(f: Field) -> bool:
    if "s" not in f:
        return _CONTROL.fullmatch(f["t"]) is not None
    return _DATA.fullmatch(f["t"]) is not None and all(code in _CODES for code, _value in f["s"])


# --- a field of its own ----------------------------------------------------------------------


def _wrapped(f: Field) -> Field:
    said = [f["t"], f.get("i", "  "), f["s"]] if "s" in f else [f["t"], f.get("v", "")]
    if "x" in f:
        said.append(f["x"])
    return {"t": TAG, "i": "  ", "s": [OURS, ["a", json.dumps(said, ensure_ascii=False)]]}


def _unwrapped(f: Field) -> Field | None:
    """The field that a 989 of ours holds; None for another's 989, and for one that somebody spoilt."""
    pairs = f.get("s", [])
    if len(pairs) != 2 or pairs[0] != OURS or pairs[1][0] != "a":
        return None
    try:
        said = json.loads(pairs[1][1])
    except (ValueError, RecursionError):
        return None
    said = _without_forbidden(said)
    if not isinstance(said, list) or not (said and isinstance(said[0], str) and _READABLE_TAG.fullmatch(said[0])):
        return None
    tag, *rest = said
    if len(rest) == 1 and isinstance(rest[0], str):
        return {"t": tag, "v": rest[0]}
    if len(rest) not in (2, 3) or tag == "000" or not _are_pairs(rest[1]):
        return None
    back: Field = {"t": tag, "i": rest[0], "s": rest[1]}
    if not all(isinstance(text, str) for text in (rest[0], *rest[2:])):
        return None
    if rest[2:]:
        back["x"] = rest[2]
    return back


def _without_forbidden(said: object, depth: int = 3) -> Any:
    """The same, three lists deep, which is as deep as a field goes."""
    if isinstance(said, list) and depth:
        return [_without_forbidden(one, depth - 1) for one in said]
    return _FORBIDDEN.sub("\ufffd", said) if isinstance(said, str) else None


def _are_pairs(pairs: object) -> bool:
    return (
        isinstance(pairs, list)
        and bool(pairs)
        and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
        and all(isinstance(text, str) for pair in pairs for text in pair)
        and all(len(code) == 1 and value for code, value in pairs)
    )
