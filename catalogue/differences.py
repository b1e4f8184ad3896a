"""What changed between two states of a notice, value by value and word by word. Pure.

Values are compared under the names the form gives them, so that a history speaks of « Résumé », not of 330 $a.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from catalogue import form, unimarc
from catalogue.i18n import _, current_language
from catalogue.unimarc import KINDS, Field, Fields

Pieces = tuple[tuple[str, str], ...]  # ("same" | "ins" | "del", words)
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LONG_WORDS = re.compile(r"\s+|\S+")  # in long texts a comma stays with its word: half as many pieces to compare
LONG = 1_500  # signs
LONGEST_WOVEN = 6_000  # words and blanks of two texts together; longer ones are shown one after the other
MOST_PIECES = 150  # above, nobody would read the weave
LONGEST = 700  # signs shown of one piece
AROUND = 120  # signs kept of unchanged text, on either side of a change
ALIKE = 0.4  # below, two values are shown one after the other rather than woven together


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    pieces: Pieces


def between(before: Fields, after: Fields) -> list[Difference]:
    """Every value that was added, taken away or rewritten, in the order of the record."""
    old, new = (_by_label(fields) for fields in _not_common(before, after))
    out: list[Difference] = []
    for label in dict.fromkeys([*new, *old]):
        gone = list((Counter(old.get(label, ())) - Counter(new.get(label, ()))).elements())
        come = list((Counter(new.get(label, ())) - Counter(old.get(label, ()))).elements())
        if not gone and not come:
            continue
        for text in list(gone):
            other = max(come, key=lambda candidate: _likeness(text, candidate), default=None)
            if other is not None and (len(gone) == len(come) == 1 or _likeness(text, other) >= ALIKE):
                out.append(Difference(label, words(text, other)))
                gone.remove(text)
                come.remove(other)
        out += [Difference(label, (("del", text),)) for text in gone]
        out += [Difference(label, (("ins", text),)) for text in come]
    if not out and [unimarc.occurrence(f) for f in before] != [unimarc.occurrence(f) for f in after]:
        out.append(Difference(_("Ordre des champs"), (("same", _("les mêmes valeurs, rangées autrement")),)))
    return out


def _not_common(before: Fields, after: Fields) -> tuple[Fields, Fields]:
    """What either side has alone: a journal has hundreds of fields, an edit touches two."""
    marks = [[unimarc.occurrence(f) for f in fields] for fields in (before, after)]
    common = Counter(marks[0]) & Counter(marks[1])
    sides: list[Fields] = []
    for fields, side in ((before, marks[0]), (after, marks[1])):
        left = common.copy()
        alone: Fields = []
        for f, mark in zip(fields, side, strict=True):
            if left[mark]:
                left[mark] -= 1
            else:
                alone.append(f)
        sides.append(alone)
    return sides[0], sides[1]


def words(before: str, after: str) -> Pieces:
    """The two texts woven together: words kept, put in and taken out."""
    pattern = _WORDS if len(before) + len(after) < 2 * LONG else _LONG_WORDS
    a, b = pattern.findall(before), pattern.findall(after)
    apart = tuple(piece for piece in (("del", before), ("ins", after)) if piece[1])
    if not a or not b or len(a) + len(b) > LONGEST_WOVEN or _likeness(before, after) < ALIKE:
        return apart
    # In long texts, blanks and commas are everywhere: difflib must not try each of them as a beginning.
    matcher = SequenceMatcher(None, a, b, autojunk=True)
    out: list[tuple[str, str]] = []
    for op, a1, a2, b1, b2 in matcher.get_opcodes():
        if op == "equal":
            out.append(("same", "".join(a[a1:a2])))
            continue
        if a2 > a1:
            out.append(("del", "".join(a[a1:a2])))
        if b2 > b1:
            out.append(("ins", "".join(b[b1:b2])))
    return tuple(out) if len(out) <= MOST_PIECES else apart


def shortened(pieces: Pieces) -> Pieces:
    """For a page: long stretches that did not change are cut in the middle, endless ones at the end."""
    out = []
    for op, text in pieces:
        if op == "same" and len(text) > 3 * AROUND:
            text = f"{text[:AROUND]} […] {text[-AROUND:]}"
        out.append((op, text if len(text) <= LONGEST else text[:LONGEST] + " […]"))
    return tuple(out)


def _likeness(before: str, after: str) -> float:
    """The share of words two texts have in common; long texts are judged by their words alone, in no order."""
    a, b = Counter(re.findall(r"\w+", before)), Counter(re.findall(r"\w+", after))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a notice as a person reads it; `plain` when the form shows it, a code or a number otherwise."""

    label: str
    text: str
    field: Field
    plain: bool


def values(fields: Fields) -> Iterator[Value]:
    """Everything a notice says, in the order of the record."""
    for f in fields:
        if f["t"] == "000":
            continue
        if "s" not in f:
            yield Value(form.name_of_value(f, ""), form.one_line(f.get("v", "")), f, False)
            continue
        yield from (Value(label, text, f, plain) for label, text, plain in _texts(f) if text)


def _texts(f: Field) -> Iterator[tuple[str, str, bool]]:
    told: set[str] = set()
    for form_field in form.BY_TAG.get(f["t"], ()):
        if form_field.means(f):
            for column in form_field.columns:
                told.update(column.codes)
                yield form.name_of_value(f, column.codes[0]), _choice(column, form.text_of(column, f)), True
            told.update(code for code, _value in form_field.fixed)
    if f["t"] == "608" and unimarc.first(f, "2") == "travee":
        kind = KINDS[unimarc.kind([f])]
        yield _("Type de document"), kind.en if current_language() == "en" else kind.fr, True
        return
    for code, value in f["s"]:
        if code not in told:
            yield form.name_of_value(f, code), form.one_line(value), False


def _choice(column: form.Column, text: str) -> str:
    return form.choice_label(column, text) if column.choices and text else text


def _by_label(fields: Fields) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for value in values(fields):
        out.setdefault(value.label, []).append(value.text)
    return out
