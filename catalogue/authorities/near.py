"""Two forms of one name, proposed with a score and a reason, never merged. Pure: values in, values out.

Who could be the same is looked for among those that share a key (`_keys`), so that 20,000 names take seconds.
What rules two names out comes first: two birth years, two numbers of the same file, father and son, Jean and
Jeanne. Then the strongest reason counts.

    Dumas, Agnès  =  DUMAS Agnès         0.95  the same name
    Dumas, A.     ~  Dumas, Agnès        0.70  initials
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

from catalogue.i18n import N_, _
from catalogue.text import fold

LEAST = 0.6  # below, a likeness is not worth anybody's time
LARGEST = 30  # names in a group: what is left comes when these are decided
WIDEST = 60  # in a block of more names than that, each is compared with its neighbours in the alphabet only

SENTENCES = {
    "identifier": N_("Même identifiant ({value})."),
    "same": N_("Le même nom, à la ponctuation, aux accents ou aux majuscules près."),
    "same_dates": N_("Le même nom et les mêmes dates ({value})."),
    "variant": N_("« {value} » est déjà une forme connue de l’autre."),
    "order": N_("Les mêmes mots dans un autre ordre."),
    "initials": N_("Des initiales à la place du prénom."),
    "initials_dates": N_("Des initiales à la place du prénom, et les mêmes dates ({value})."),
    "shorter": N_("Un prénom de plus d’un côté."),
    "no_given": N_("Le même nom sans prénom, et les mêmes dates ({value})."),
    "typo": N_("Une lettre ou deux d’écart, et les mêmes dates ({value})."),
    "typo_body": N_("Une lettre ou deux d’écart."),
    "acronym": N_("« {value} » est le sigle de l’autre."),
}
_UNIQUE = ("isni", "orcid", "idref", "bnf")  # one person, one number: two numbers are two persons
_GENERATION = frozenset(
    ("pere", "fils", "mere", "fille", "junior", "senior", "jr", "sr", "aine", "cadet", "ii", "iii", "iv", "neveu")
)
_SMALL = frozenset(
    ("a", "and", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "of", "on", "par", "pour")
)
_FEMININE = ("e", "ne", "le", "te", "ette", "ine", "a", "elle", "lle", "se")
_YEAR = re.compile(r"(?<!\d)-?(\d{4})(?!\d)")
Key = tuple[str, ...]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Name:
    """An agent, as far as its likeness to others goes."""

    id: int
    type: str
    name: str
    variants: tuple[str, ...] = ()
    dates: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)
    qualifiers: str = ""  # what its heading says beside the name: « pape », « II », « père »


@dataclass(frozen=True, slots=True)
class Near:
    """Two names that may be one person's."""

    left: int
    right: int
    score: float
    code: str
    value: str = ""

    def sentence(self) -> str:
        return _(SENTENCES[self.code]).format(value=self.value)


@dataclass(frozen=True, slots=True)
class Group:
    """Names that may all be one person's, the fullest first; its score is that of its weakest link."""

    ids: tuple[int, ...]
    score: float
    reasons: tuple[Near, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A name taken apart."""

    of: Name
    family: str
    given: tuple[str, ...]
    units: tuple[str, ...]  # given names, a compound one (Jean-Pierre) being one
    tokens: tuple[str, ...]
    forms: frozenset[str]  # folded variants
    born: str
    died: str
    generation: frozenset[str]

    @property
    def folded(self) -> str:
        return " ".join((self.family, *self.given)) if self.family else " ".join(self.tokens)


def groups(names: Iterable[Name], *, apart: Collection[frozenset[int]] = ()) -> list[Group]:
    """All groups, the surest first; `apart` holds the pairs that a person has judged to be two."""
    kept = Kept()
    kept.put(names)
    return kept.groups(apart)


class Kept:
    """Names compared once and kept: when some come, change or go, only what shares a key with them is compared anew.

    What it proposes is what `groups` proposes of the same names, whatever came and went before.
    """

    def __init__(self) -> None:
        self._read: dict[int, _Read] = {}
        self._blocks: dict[Key, set[int]] = {}
        self._pairs: dict[Key, set[Pair]] = {}  # of each block, the pairs worth comparing
        self._near: dict[Pair, Near | None] = {}

    def put(self, names: Iterable[Name], gone: Iterable[int] = ()) -> None:
        """These names as they are now; those of `gone` are no more."""
        now = {name.id: _read(name) for name in names}
        moved = {*now, *gone}
        touched: set[Key] = set()
        for number in moved & self._read.keys():
            for key in _keys(self._read.pop(number)):
                self._blocks[key].discard(number)
                touched.add(key)
        for pair in [pair for key in touched for pair in self._pairs.get(key, ()) if not moved.isdisjoint(pair)]:
            self._near.pop(pair, None)
        self._read |= now
        for number, read in now.items():
            for key in _keys(read):
                self._blocks.setdefault(key, set()).add(number)
                touched.add(key)
        for key in touched:
            self._pairs[key] = _pairs([self._read[number] for number in self._blocks[key]])
            if not self._pairs[key]:
                del self._pairs[key]
            if not self._blocks[key]:
                del self._blocks[key]

    def groups(self, apart: Collection[frozenset[int]] = ()) -> list[Group]:
        found = []
        for pair in set[Pair]().union(*self._pairs.values()):
            if pair not in self._near:
                self._near[pair] = _compare(self._read[pair[0]], self._read[pair[1]])
            near = self._near[pair]
            if near is not None and frozenset(pair) not in apart:
                found.append(near)
        found.sort(key=lambda near: (-near.score, near.left, near.right))
        return _grouped(found, self._read, apart)


def compare(left: Name, right: Name) -> Near | None:
    """Why these two may be one, or None."""
    return _compare(_read(left), _read(right))


# --- reading a name ----------------------------------------------------------------------------


def _read(name: Name) -> _Read:
    family, comma, given = name.name.partition(",")
    words = fold(name.name).split()
    compounds = [unit for part in given.split() if (unit := fold(part)) and unit not in _GENERATION]
    marks = {*words, *fold(name.qualifiers).split()} & _GENERATION
    years = _YEAR.findall(name.dates)
    born = years[0] if years and not name.dates.lstrip().startswith(("-", ".", "…")) else ""
    died = years[-1] if len(years) > 1 or (years and not born) else ""
    person = name.type == "person" and bool(comma)
    return _Read(
        of=name,
        family=fold(family) if person else "",
        given=tuple(word for word in fold(given).split() if word not in _GENERATION) if person else (),
        units=tuple(compounds) if person else (),
        tokens=tuple(words),
        forms=frozenset(fold(v) for v in name.variants),
        born=born,
        died=died,
        generation=frozenset(marks),
    )


def _keys(n: _Read) -> Iterator[Key]:
    """What names must share to be compared at all."""
    yield ("words", n.of.type, *sorted(n.tokens))
    for form in n.forms:
        yield ("words", n.of.type, *sorted(form.split()))
    for scheme, value in n.of.identifiers.items():
        yield ("id", scheme, value)
    if n.family and n.given:
        yield ("initial", n.family, n.given[0][0])
    if n.born:
        yield ("born", n.born, (n.family or n.tokens[0])[:4]) if n.tokens else ("born", n.born)
        if n.given:
            yield ("born given", n.born, n.given[0])
    if n.of.type != "person" and n.tokens:
        yield ("begins", n.of.type, *n.tokens[:2])
        yield ("ends", n.of.type, *n.tokens[-2:])
        yield ("acronym", n.tokens[0] if len(n.tokens) == 1 else _acronym(n))


def _acronym(n: _Read) -> str:
    return "".join(word[0] for word in n.tokens if word not in _SMALL)


def _pairs(block: list[_Read]) -> set[Pair]:
    """Those of a block that are compared, the smaller number first."""
    if len(block) > WIDEST:
        block.sort(key=lambda n: (n.folded, n.of.id))
        near = [(block[i], other) for i in range(len(block)) for other in block[i + 1 : i + 8]]
    else:
        near = list(combinations(block, 2))
    return {(min(a.of.id, b.of.id), max(a.of.id, b.of.id)) for a, b in near if a.of.id != b.of.id}


# --- comparing ---------------------------------------------------------------------------------


def _compare(left: _Read, right: _Read) -> Near | None:
    if _ruled_out(left, right):
        return None
    found = _reason(left, right)
    if found is None or found[0] < LEAST:
        return None
    score, code, value = found
    return Near(left.of.id, right.of.id, score, code, value)


def _ruled_out(a: _Read, b: _Read) -> bool:
    if a.of.type != b.of.type or a.generation != b.generation:
        return True
    if (a.born and b.born and a.born != b.born) or (a.died and b.died and a.died != b.died):
        return True
    mine, theirs = a.of.identifiers, b.of.identifiers
    if any(mine.get(s) and theirs.get(s) and mine[s] != theirs[s] for s in _UNIQUE):
        return True
    return a.of.type != "person" and _digits(a) != _digits(b)


def _reason(a: _Read, b: _Read) -> tuple[float, str, str] | None:
    """The strongest reason to think of one person: score, sentence, and what it names."""
    for scheme, value in a.of.identifiers.items():
        if b.of.identifiers.get(scheme) == value:
            return 1.0, "identifier", f"{scheme} {value}"
    dates = a.of.dates if a.born and a.born == b.born else ""
    if a.tokens and a.folded == b.folded:
        return (0.98, "same_dates", dates) if dates else (0.95, "same", "")
    if (known := " ".join(b.tokens)) in a.forms:
        return 0.9, "variant", b.of.name
    if " ".join(a.tokens) in b.forms:
        return 0.9, "variant", a.of.name
    if len(a.tokens) > 1 and sorted(a.tokens) == sorted(known.split()):
        return 0.9, "order", ""
    return _between_people(a, b, dates) if a.of.type == "person" else _between_bodies(a, b)


def _between_people(a: _Read, b: _Read, dates: str) -> tuple[float, str, str] | None:
    if a.family and a.family == b.family and a.given and b.given:
        short, full = sorted((a.given, b.given), key=lambda given: (len("".join(given)), given))
        if _initials(short, full):
            return (0.9, "initials_dates", dates) if dates else (0.7, "initials", "")
        if _shorter(a.units, b.units):
            return 0.7, "shorter", ""
    family = a.family or " ".join(a.tokens)
    if dates and family == (b.family or " ".join(b.tokens)) and bool(a.given) != bool(b.given):
        return 0.75, "no_given", dates
    if dates and not _other_given(a.given, b.given) and _close(a.folded, b.folded):
        return 0.8, "typo", dates
    return None


def _between_bodies(a: _Read, b: _Read) -> tuple[float, str, str] | None:
    for short, full in ((a, b), (b, a)):
        if (
            len(short.tokens) == 1
            and len(full.tokens) > 2
            and len(word := short.tokens[0]) > 2
            and word == _acronym(full)
        ):
            return 0.7, "acronym", short.of.name
    if min(len(a.folded), len(b.folded)) >= 12 and _close(a.folded, b.folded):
        return 0.75, "typo_body", ""
    return None


def _initials(short: Sequence[str], full: Sequence[str]) -> bool:
    """« A. » of Agnès, « J.-P. » of Jean-Pierre, « JP » too; never a whole name of another."""
    if all(len(word) == 1 for word in short):
        return len(short) <= len(full) and all(f[0] == s for s, f in zip(short, full, strict=False))
    return len(short) == 1 and len(full) == len(short[0]) > 1 and short[0] == "".join(f[0] for f in full)


def _shorter(a: Sequence[str], b: Sequence[str]) -> bool:
    """« Agnès » of Agnès Marie; not « Jean » of Jean-Pierre, which is another name."""
    n = min(len(a), len(b))
    return n > 0 and tuple(a[:n]) == tuple(b[:n])


def _other_given(a: Sequence[str], b: Sequence[str]) -> bool:
    """Jean and Jeanne, Michel and Michèle, Frédéric and Frédérique: a letter apart, and two people."""
    return any(_feminine(*sorted(pair, key=len)) for pair in zip(a, b, strict=False) if pair[0] != pair[1])


def _feminine(short: str, long: str) -> bool:
    if short.endswith("c") and long == short[:-1] + "que":
        return True
    return any(long == short + ending or long == short[:-1] + ending for ending in _FEMININE if len(short) > 2)


def _digits(n: _Read) -> list[str]:
    return [word for word in n.tokens if any(c.isdigit() for c in word)]


def _close(a: str, b: str) -> bool:
    """One slip (a letter wrong, missing, too many, or two exchanged); two in a long name."""
    allowed = 2 if min(len(a), len(b)) >= 12 else 1
    return min(len(a), len(b)) >= 5 and abs(len(a) - len(b)) <= allowed and _distance(a, b, allowed) <= allowed


def _distance(a: str, b: str, most: int) -> int:
    """Optimal string alignment, given up as soon as it exceeds `most`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, sign in enumerate(a, 1):
        two_before, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (sign != other))
            if i > 1 and j > 1 and sign == b[j - 2] and a[i - 2] == other:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


# --- grouping ----------------------------------------------------------------------------------


def _grouped(found: Sequence[Near], read: Mapping[int, _Read], apart: Collection[frozenset[int]]) -> list[Group]:
    """Groups without two that exclude one another; a likeness that fits in no group is one of its own."""
    member: dict[int, set[int]] = {}
    alone: list[Near] = []
    for near in found:
        left, right = member.get(near.left, {near.left}), member.get(near.right, {near.right})
        if left is right or len(left) + len(right) > LARGEST:
            continue
        if all(_together(read[a], read[b], apart) for a, b in product(left, right)):
            both = left | right
            member |= dict.fromkeys(both, both)
        else:
            alone.append(near)
    sets = {frozenset(ids) for ids in member.values()} | {frozenset((near.left, near.right)) for near in alone}
    begins: dict[int, list[Near]] = {}
    for near in found:
        begins.setdefault(near.left, []).append(near)
    made = []
    for ids in sets:
        within = [near for number in ids for near in begins.get(number, ()) if near.right in ids]
        reasons = tuple(sorted(within, key=lambda near: (-near.score, near.left, near.right)))
        made.append(Group(_fullest_first(ids, read), reasons[-1].score, reasons))
    return sorted(made, key=lambda group: (-group.score, group.ids))


def _together(a: _Read, b: _Read, apart: Collection[frozenset[int]]) -> bool:
    if _ruled_out(a, b) or frozenset((a.of.id, b.of.id)) in apart:
        return False
    if not (a.given and b.given) or a.family != b.family:
        return True
    short, full = sorted((a.given, b.given), key=lambda given: (len("".join(given)), given))
    if _shorter(a.units, b.units) or _initials(short, full):
        return True
    return not _other_given(a.given, b.given) and _close(" ".join(short), " ".join(full))


def _fullest_first(ids: Iterable[int], read: Mapping[int, _Read]) -> tuple[int, ...]:
    def fullness(number: int) -> tuple[int, int, int, int]:
        name = read[number].of
        return -len(name.identifiers), -bool(name.dates), -len(name.name), number

    return tuple(sorted(ids, key=fullness))
