"""What changed between two states of a notice, value by value and word by word. Pure.

Values are compared under the names the form gives them, so that a history speaks of « Résumé », not of 330 $a.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from catalogue import form, unimarc
from catalogue.i18n import _, current_language
from catalogue.unimarc import KINDS, Field, Fields

# ("same" | "ins" | "del", words); "same+"…: the part of such words that a page folds away (`folded`)
Pieces = tuple[tuple[str, str], ...]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_TYPED = re.compile(r"[A-Za-z_]+:")  # PMB's « id:824 »
_LINKS = ("0", "2", "3")  # a notice, a list or a heading of some base, by its number or its code
_LONG_WORDS = re.compile(r"\s+|\S+")  # in long texts a comma stays with its word: half as many pieces to compare
LONG = 1_500  # signs
LONGEST_WOVEN = 6_000  # words and blanks of two texts together; longer ones are shown one after the other
MOST_PIECES = 150  # above, nobody would read the weave
LONGEST = 700  # signs shown of one piece
LONGEST_WORD = 60
FOLDED = 12_000  # signs of what is folded away: a text of a whole book is read in its notice
AROUND = 120  # signs kept of unchanged text, on either side of a change
ALIKE = 0.4  # below, two values are shown one after the other rather than woven together
MOSTLY = 0.5  # so are those of which less than this is kept around several changes: nobody reads confetti
HARDLY = 0.2  # and around one change


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    pieces: Pieces


def between(before: Fields, after: Fields) -> list[Difference]:
    """Every value that was added, taken away or rewritten, in the order of the record.

    What another base calls a heading (`Value.mark`) is no news for anybody, unless nothing else has changed.
    """
    sides = _not_common(before, after)
    if out := _between(*(_by_label(fields) for fields in sides)):
        return out
    if any(value.mark for fields in sides for value in values(fields)):
        return [Difference(_("Numéros de la source"), (("same", _("les mêmes valeurs, sous d’autres numéros")),))]
    if [unimarc.occurrence(f) for f in before] != [unimarc.occurrence(f) for f in after]:
        return [Difference(_("Ordre des champs"), (("same", _("les mêmes valeurs, rangées autrement")),))]
    return []


def _between(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> list[Difference]:
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
    runs = [_Run("".join(a[a1:a2]), "".join(b[b1:b2]), op == "equal") for op, a1, a2, b1, b2 in matcher.get_opcodes()]
    runs = _without_islands(runs)
    out = _together(piece for run in runs for piece in run.pieces)
    changes = [run for run in runs if not run.same]
    kept = 2 * sum(len(run.before) for run in runs if run.same) / (len(before) + len(after))
    least = MOSTLY if len(changes) > 1 else HARDLY if all(run.before and run.after for run in changes) else 0
    return apart if kept < least or len(out) > MOST_PIECES else out


def _together(pieces: Iterable[tuple[str, str]]) -> Pieces:
    """Neighbours of the same sort as one."""
    alike = groupby(pieces, key=lambda piece: piece[0])
    return tuple((op, "".join(text for _op, text in several)) for op, several in alike)


@dataclass(frozen=True, slots=True)
class _Run:
    """Words that stay, or words and what replaces them."""

    before: str
    after: str
    same: bool = False

    @property
    def pieces(self) -> Pieces:
        if self.same:
            return (("same", self.before),)
        return tuple(piece for piece in (("del", self.before), ("ins", self.after)) if piece[1])

    @property
    def size(self) -> int:
        return max(len(self.before.strip()), len(self.after.strip()))


def _without_islands(runs: list[_Run]) -> list[_Run]:
    """Words kept between two changes that are both longer than they are join them: « de », a comma, by chance there."""
    out: list[_Run] = []
    for run in runs:
        out.append(run)
        while len(out) >= 3 and out[-2].same and out[-2].size <= min(out[-3].size, out[-1].size):
            change, island, other = out[-3:]
            before = change.before + island.before + other.before
            out[-3:] = [_Run(before, change.after + island.after + other.after)]
    return [part for run in out for part in _between_blanks(run)]


def _between_blanks(run: _Run) -> list[_Run]:
    """A change without the blanks that stay on either side of it."""
    if run.same or not (run.before.strip() and run.after.strip()):
        return [run]
    heads = [side[: len(side) - len(side.lstrip())] for side in (run.before, run.after)]
    tails = [side[len(side.rstrip()) :] for side in (run.before, run.after)]
    head, tail = (ends[0] if ends[0] == ends[1] else "" for ends in (heads, tails))
    before, after = (side[len(head) : len(side) - len(tail)] for side in (run.before, run.after))
    parts = (_Run(head, head, True), _Run(before, after), _Run(tail, tail, True))
    return [part for part in parts if part.before or part.after]


def shortened(pieces: Pieces) -> Pieces:
    """For a page: long stretches that did not change are cut in the middle, endless ones at the end, between words."""
    out: list[tuple[str, str]] = []
    for op, text in folded(pieces):
        if not op.endswith("+"):
            out.append((op, text))
        else:
            out[-1] = (out[-1][0], f"{out[-1][1].rstrip()} […] ")
    return _together((op, text.rstrip() if n == len(out) else text) for n, (op, text) in enumerate(out, 1))


def folded(pieces: Pieces) -> Pieces:
    """The same with what is left out still there, for a page to unfold: ("same+", …) between what is shown."""
    return tuple(part for op, text in pieces for part in _parts(op, text, between=len(pieces) > 1))


def _parts(op: str, text: str, *, between: bool) -> Iterator[tuple[str, str]]:
    """Its beginning, what is folded away, and its end where it stands `between` changes and did not change."""
    if op == "same" and between and len(text) > 3 * AROUND:
        first, last = _before(text, AROUND), _after(text, len(text) - AROUND)
    elif len(text) > LONGEST:
        first, last = _before(text, LONGEST), len(text)
    else:
        yield op, text
        return
    hidden = text[first:last]
    yield op, text[:first]
    yield f"{op}+", hidden if len(hidden) <= FOLDED else hidden[: _before(hidden, FOLDED)] + " […]"
    if text[last:]:
        yield op, text[last:]


def _before(text: str, at: int) -> int:
    """Where the word begins that stands there, or right there in one endless word."""
    blank = text.rfind(" ", max(0, at - LONGEST_WORD), at)
    return at if blank < 0 else blank + 1


def _after(text: str, at: int) -> int:
    blank = text.find(" ", at, at + LONGEST_WORD)
    return at if blank < 0 else blank + 1


def _likeness(before: str, after: str) -> float:
    """The share of words two texts have in common; long texts are judged by their words alone, in no order."""
    a, b = Counter(re.findall(r"\w+", before)), Counter(re.findall(r"\w+", after))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a notice as a person reads it; `plain` when the form shows it, a code or a number otherwise.

    `mark`: a number or a code by which a base ties a heading to its own lists (« id:824 », « lang:fr_FR »,
    « thesaurus »).
    """

    label: str
    text: str
    field: Field
    plain: bool
    mark: bool = False


def values(fields: Fields) -> Iterator[Value]:
    """Everything a notice says, in the order of the record."""
    for f in fields:
        if f["t"] == "000":
            continue
        if "s" not in f:
            yield Value(form.name_of_value(f, ""), form.one_line(f.get("v", "")), f, False)
            continue
        yield from (Value(label, text, f, plain, mark) for label, text, plain, mark in _texts(f) if text)


def _texts(f: Field) -> Iterator[tuple[str, str, bool, bool]]:
    told: set[str] = set()
    for form_field in form.BY_TAG.get(f["t"], ()):
        if form_field.means(f):
            for column in form_field.columns:
                told.update(column.codes)
                yield form.name_of_value(f, column.codes[0]), _choice(column, form.text_of(column, f)), True, False
            told.update(code for code, _value in form_field.fixed)
    if f["t"] == "608" and unimarc.first(f, "2") == "travee":
        kind = KINDS[unimarc.kind([f])]
        yield _("Type de document"), kind.en if current_language() == "en" else kind.fr, True, False
        return
    for code, value in f["s"]:
        if code not in told:
            mark = code in _LINKS or (code == "9" and _TYPED.match(value) is not None)
            yield form.name_of_value(f, code), form.one_line(value), False, mark


def _choice(column: form.Column, text: str) -> str:
    return form.choice_label(column, text) if column.choices and text else text


def _by_label(fields: Fields) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for value in values(fields):
        if not value.mark:
            out.setdefault(value.label, []).append(value.text)
    return out
