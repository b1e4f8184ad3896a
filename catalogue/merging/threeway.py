"""Last agreed, ours, theirs: who moved, and what a merge would make of it (decision 3). Pure.

    add       they say something where we say nothing, or one thing more of a list: safe
    update    only they have changed it
    remove    they no longer say it, we still do as it was agreed
    conflict  both have changed it, each in their way; or what they add may be what we took away, in other words
    differ    both say it, each in their way, and nothing was ever agreed about it: a first meeting

What both sides say alike, or what only we have changed, is no difference. Nothing here knows of a database: a
service loads the three states, calls `three_way`, asks a person or a rule, and writes what `apply` returns.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from catalogue import unimarc
from catalogue.matching.words import significant
from catalogue.merging.slots import Said, Slot, heard, loosely, name_of, number_of, said, slot_of
from catalogue.pmb import is_dump_only
from catalogue.text import fold
from catalogue.unimarc import Field, Fields

NATURES = ("add", "update", "remove", "differ", "conflict")
CHOICES = ("ours", "theirs", "both", "later")
# The worst change names the whole: what a person has to read.
CATEGORIES = {"add": "safe", "update": "update", "remove": "update", "differ": "update", "conflict": "conflict"}
_WORST = ("nothing", "safe", "update", "conflict")

ALIKE = 75  # of 100: below, two values are two statements
MOST_COMPARED = 40  # leftovers of one list: more are compared by their words alone
POORER_TAGS = 3  # kinds of fields that a record has lost at once
# What an export has or has not by its options or its day, and says nothing of the document.
COMES_AND_GOES = frozenset(("005", "608", "801", "896"))
DESCRIPTION = frozenset(("200", "210", "214", "215"))  # a record that says less of these says it in fewer subfields

SHOWN_TOGETHER = ("authors", "subjects", "kind")  # groups whose fields are read together
OF_THE_FORMAT = ("000", "099", "608")  # how each format names the sort of document: no news in a poorer one
_CODED = frozenset("0234569")  # numbers of another base, roles, lists: no words of a person

_Slots = dict[tuple[str, str], list[Field]]


@dataclass(frozen=True, slots=True)
class Change:
    """One question: a slot, what was agreed, what we say, what they say. `slot` names it for a decision."""

    slot: str
    tag: str
    nature: str
    base: tuple[Field, ...] = ()
    ours: tuple[Field, ...] = ()
    theirs: tuple[Field, ...] = ()
    # What we would take over, when it is not simply `theirs`: ours, completed by what they say besides.
    completed: Field | None = None
    # Where we say nothing in this slot: what we say beside it, of the same sort (our other subjects, our type).
    beside: tuple[Field, ...] = ()

    @property
    def group(self) -> str:
        return slot_of(self.tag).group

    @property
    def choices(self) -> tuple[str, ...]:
        """What a person may decide; « both » where UNIMARC lets a record have both."""
        both = self.ours and self.theirs and not slot_of(self.tag).strict and not self.completed
        return ("ours", "theirs", "both") if both else ("ours", "theirs")

    def preselected(self, claim: int | None = None) -> str:
        """What is proposed before anybody has decided: theirs where nothing of ours is at stake, both for lists."""
        if self.nature in ("add", "update"):
            return "theirs"
        if self.nature == "remove":
            return "theirs" if claim is not None and self.is_theirs({claim}) else "ours"
        return "both" if slot_of(self.tag).free and "both" in self.choices else "ours"

    def is_theirs(self, claims: Iterable[int]) -> bool:
        """Whether all that we say here is what these claims brought, and nobody else says it."""
        known = set(claims)
        return all(f.get("o") and set(f["o"]) <= known for f in self.ours)


class NoAnswer(ValueError):
    """A word that no page offers."""


def check_words(told: Mapping[str, str]) -> None:
    """Raises NoAnswer when one of these words is none."""
    if unknown := set(told.values()) - set(CHOICES):
        raise NoAnswer(sorted(unknown)[0])


def check_choices(changes: Iterable[Change], told: Mapping[str, str]) -> None:
    """Raises NoAnswer when one of these differences cannot be decided like that: « both » of what there is one of."""
    check_words(told)
    for change in changes:
        if (choice := told.get(change.slot, "later")) not in (*change.choices, "later"):
            raise NoAnswer(f"{change.slot}: {choice}")


@dataclass(frozen=True, slots=True)
class Merge:
    changes: tuple[Change, ...]
    theirs: Fields
    claim: int | None = None
    bar: str = ""  # why nothing of it may be applied by a rule: "record.says_less", "record.other_document"
    meeting: bool = False  # the two meet for the first time: a person decides, no rule does

    @property
    def category(self) -> str:
        return category(self.changes)

    def preselected(self) -> dict[str, str]:
        return {c.slot: c.preselected(self.claim) for c in self.changes}


def category(changes: Iterable[Change]) -> str:
    """nothing, safe, update or conflict: the worst of these changes."""
    return max((CATEGORIES[c.nature] for c in changes), key=_WORST.index, default="nothing")


# --- comparing -------------------------------------------------------------------------------


def three_way(
    base: Fields | None,
    ours: Fields,
    theirs: Fields,
    *,
    claim: int | None = None,
    exact: bool = False,
    meeting: bool = False,
) -> Merge:
    """What taking over `theirs` would change. `base` is None when nothing was ever agreed with them.

    `claim` says whose words they are; it tells what in `ours` came from them. `meeting`: the base is only what both
    said alike when they met, and nobody has decided about the rest (so it is without a base). `exact`: every
    difference counts, also those that slots.toml leaves aside (for taking a merge back).
    """
    meeting = (meeting or base is None) and not exact
    bar = "" if base is None or exact else barred(base, theirs)
    if meeting and not _same_document(ours, theirs):
        bar = "record.other_document"
    sides = [heard(base or []), heard(ours), heard(theirs)]
    common = Counter(s for s, _f in sides[1]) & Counter(s for s, _f in sides[2])
    if base is not None and not meeting:
        common &= Counter(s for s, _f in sides[0])
    was, has, says = (_by_slot(side, common) for side in sides)
    if not says and not was:
        return Merge((), theirs, claim, bar, meeting)
    _pair(was, has)
    _pair(was, says, numbered=True)
    _pair(has, says, but=was.keys())
    own = _made_from(ours, claim)
    poor = bar == "record.says_less"
    lost = {} if exact else _lost(was, has, says)
    changes = []
    for name in dict.fromkeys([*says, *was]):
        b, o, t = was.get(name, []), has.get(name, []), says.get(name, [])
        slot, first = slot_of((t or b)[0]["t"]), meeting and not b
        if not exact and _left_aside(slot, b, o, t, own=own, first=first, poor=poor):
            continue
        change = _compared(slot, _slot_id(name), b, o, t, first)
        if change and not b and not o and slot.group in lost:
            change = replace(change, nature="conflict", base=tuple(lost[slot.group]))
        if change:
            changes.append(change if o else replace(change, beside=_beside(change, ours)))
    if meeting or poor:
        changes = _telling_more(changes, ours, also_known=poor)
    if poor:
        changes = [c for c in changes if c.tag not in OF_THE_FORMAT]
    return Merge(tuple(changes), theirs, claim, bar, meeting)


def _lost(was: _Slots, has: _Slots, says: _Slots) -> dict[str, list[Field]]:
    """By group, what was agreed and neither says any more. If we took it away, and something has come in its group at
    theirs, that may be the same in other words, with another number or under another tag: a person has to see."""
    out: dict[str, list[Field]] = {}
    for name, fields in was.items():
        if name not in has and name not in says:
            out.setdefault(slot_of(fields[0]["t"]).group, []).extend(fields)
    return out


def _beside(change: Change, ours: Fields) -> tuple[Field, ...]:
    """What we say of the same sort; among codes and notes, under the same tag."""
    near = [f for f in ours if slot_of(f["t"]).group == change.group and not is_dump_only(f)]
    return tuple(near if change.group in SHOWN_TOGETHER else [f for f in near if f["t"] == change.tag])


def _telling_more(changes: Sequence[Change], ours: Fields, *, also_known: bool) -> list[Change]:
    """Those that tell us something: a poorer format says in one field what we say in three. What was agreed on and
    has changed does, unless it is asked of it too (`also_known`).

    All the words of what they say stand in one field of ours, in the same group of fields: they say no more. A
    note may repeat any field of ours, since a poorer format puts there what it has no place for.
    """
    words: dict[str, list[set[str]]] = {}
    for f in ours:
        words.setdefault(slot_of(f["t"]).group, []).append(_all_words(f))
    anywhere = [has for several in words.values() for has in several]

    def known(f: Field) -> bool:
        if f["t"] == "608" and unimarc.first(f, "2") == "travee":
            return unimarc.kind([f]) == unimarc.kind(ours)
        says = _all_words(f)
        pool = anywhere if f["t"].startswith("3") else words.get(slot_of(f["t"]).group, ())
        return bool(says) and any(says <= has for has in pool)

    asked = [c for c in changes if c.theirs and (also_known or not c.base)]
    silent = {c.slot for c in asked if all(known(f) for f in c.theirs)}
    return [c for c in changes if c.slot not in silent]


def _all_words(f: Field) -> set[str]:
    return {word for code, value in loosely(f) if code not in _CODED for word in value.split()}


def _by_slot(side: Sequence[tuple[Said, Field]], common: Counter[Said]) -> _Slots:
    left = common.copy()
    out: _Slots = {}
    for says, f in side:
        if left[says]:
            left[says] -= 1
        else:
            out.setdefault(name_of(f), []).append(f)
    return out


def _pair(anchor: _Slots, side: _Slots, *, numbered: bool = False, but: Iterable[tuple[str, str]] = ()) -> None:
    """Bring together what is one thing under two names: a heading renamed at its source, a slip put right.

    Numbers are only compared inside one base (`numbered`): another base's number 12 is somebody else.
    """
    loose = [name for name in side if name not in anchor and name not in set(but)]
    free = [name for name in anchor if name not in side and name not in set(but)]
    if not loose or not free:
        return
    if numbered:
        _join(anchor, side, loose, free, lambda a, s: 100.0 if _numbers(anchor[a]) & _numbers(side[s]) else 0.0)
    _join(anchor, side, loose, free, _likeness)


def _join(
    anchor: _Slots,
    side: _Slots,
    loose: list[tuple[str, str]],
    free: list[tuple[str, str]],
    score: Callable[[tuple[str, str], tuple[str, str]], float],
) -> None:
    for name in list(loose):
        near = [other for other in free if other[0] == name[0]]
        if not near or len(near) > MOST_COMPARED or len(loose) > MOST_COMPARED:
            continue
        best = max(near, key=lambda other: score(other, name))
        if score(best, name) >= ALIKE:
            side[best] = side.pop(name)
            loose.remove(name)
            free.remove(best)


def _numbers(fields: Iterable[Field]) -> set[str]:
    return {number for f in fields if (number := number_of(f))}


def _likeness(one: tuple[str, str], other: tuple[str, str]) -> float:
    return fuzz.ratio(one[1], other[1]) if slot_of(one[0]).alike else 0.0


def _left_aside(
    slot: Slot, b: list[Field], o: list[Field], t: list[Field], *, own: bool, first: bool, poor: bool
) -> bool:
    """What slots.toml and the guard for poor formats do not make a question of."""
    if not t and (poor or slot.absence == "quiet"):
        return True
    if slot.local and not own and not b:
        return True
    return first and slot.first == "ours" and bool(o)


def _compared(slot: Slot, name: str, b: list[Field], o: list[Field], t: list[Field], first: bool) -> Change | None:
    was, has, says = (Counter(map(said, side)) for side in (b, o, t))
    if has == says or says == was:
        return None
    nature = "differ" if first else "conflict"
    change = Change(name, (t or o or b)[0]["t"], nature, tuple(b), tuple(o), tuple(t))
    if has == was:
        return replace(change, nature="add" if not b else "update" if t else "remove")
    if not o or not t:
        return change
    if first and all(any(_holds(ours, theirs) for ours in o) for theirs in t):
        return None  # ours says all of it, perhaps with other capitals
    if len(o) == len(t) == 1 and len(b) <= 1 and (whole := _completed(b, o[0], t[0], loose=first)) is not None:
        if said(whole) == said(o[0]):
            return None
        return replace(change, nature="update" if b else "add", completed=whole)
    return change


def _holds(big: Field, small: Field) -> bool:
    return Counter(loosely(small)) <= Counter(loosely(big))


def _completed(b: list[Field], ours: Field, theirs: Field, *, loose: bool) -> Field | None:
    """Ours with the subfields they have added where we have none; None when they also contradict us."""
    if "s" not in ours or "s" not in theirs:
        return None
    if b and (theirs["t"], theirs.get("i")) != (b[0]["t"], b[0].get("i")):
        return None  # a rank, an indicator: only they have changed it, and it is no subfield
    plain = loosely if loose else _pairs
    was, has, says = (Counter(pair for f in side for pair in plain(f)) for side in (b, [ours], [theirs]))
    if (was - says) & has:
        return None
    extra = says - has - (was - has)
    if {code for code, _value in extra} & {code for code, _value in (*has, *was)}:
        return None  # we say it otherwise, or have taken it away
    return _woven(ours, theirs, {code for code, _value in extra})


def _pairs(f: Field) -> list[tuple[str, str]]:
    return list(said(f)[2])


def _woven(ours: Field, theirs: Field, codes: set[str]) -> Field:
    """Ours, with these subfields of theirs, each behind the subfield that it follows there."""
    out = [list(pair) for pair in ours["s"]]
    behind = 0
    for code, value in theirs["s"]:
        if code in codes:
            out.insert(behind, [code, value])
            behind += 1
        elif place := [n for n, pair in enumerate(out) if pair[0] == code]:
            behind = max(behind, place[-1] + 1)
    return {**unimarc.bare(ours), "s": out}


def _made_from(ours: Fields, claim: int | None) -> bool:
    """Whether the notice was made from this record: its leader is that record's."""
    return claim is not None and any(f.get("o", ())[:1] == [claim] for f in ours if f["t"] == "000")


def _slot_id(name: tuple[str, str]) -> str:
    tag, what = name
    return f"{tag}-{hashlib.sha1(what.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}" if what else tag


# --- what a machine may not take for an answer -------------------------------------------------


def barred(before: Fields, theirs: Fields, *, whole: bool = False) -> str:
    """Why this record may not change its notice by itself: the code of a sentence, or "".

    The same base in a poorer format says less of everything; a number may be given to another book. `whole`: the
    notice is to say what the record says and nothing else, so that whatever is less is lost.
    """
    if not _same_document(before, theirs):
        return "record.other_document"
    if whole:
        return "record.says_less" if _extent(before) - _extent(theirs) else ""
    had = {f["t"] for f in before if not is_dump_only(f)} - COMES_AND_GOES
    lost = had - {f["t"] for f in theirs}
    return "record.says_less" if len(lost) >= POORER_TAGS or 3 * len(lost) > len(had) else ""


def loses_tag(change: Change, theirs: Fields) -> bool:
    """Whether they say nothing at all any more under the tags of what they took away: a person looks at that."""
    tags = slot_of(change.tag).tags
    known = set(tags) if change.tag in tags else {change.tag}
    return change.nature == "remove" and not any(f["t"] in known for f in theirs)


def _extent(fields: Fields) -> Counter[tuple[str, str]]:
    """How many different things are said under each tag, and in each subfield of the description."""
    extent: Counter[tuple[str, str]] = Counter()
    for tag, _indicators, pairs in {says for says, _f in heard(fields) if says[0] not in COMES_AND_GOES}:
        extent[tag, ""] += 1
        extent.update((tag, code) for code, _value in pairs if tag in DESCRIPTION)
    return extent


def _same_document(ours: Fields, theirs: Fields) -> bool:
    """An ISBN in common; without two to compare, half of the words of the longer title, or a title now completed."""
    numbers, others = set(unimarc.isbns(ours)), set(unimarc.isbns(theirs))
    if numbers and others:
        return bool(numbers & others)
    had, has = (set(significant(fold(unimarc.full_title(fields)))) for fields in (ours, theirs))
    if not had or not has or 2 * len(had & has) >= max(len(had), len(has)):
        return True
    own, other = (set(significant(fold(unimarc.title(fields)))) for fields in (ours, theirs))
    return own == other and (own == had or other == has)
