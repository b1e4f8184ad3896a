"""The pairs that matching is measured on, each with what it is: one document, or two.

One document: the same record in several exports of one base, told by numbers and barcodes (« formats »); records of
several catalogues, judged by reading both (`judged.tsv`); a record and the same as somebody else would have
written it (`changes.SAME`, « changed »). Two documents: every other pair of real records that the candidate
keys bring together (« neighbours »), and a record beside the document that stands nearest to it
(`changes.DIFFERENT`, « beside »), where the keys bring these together. How it was made: docs/matching.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random

from benchmarks.pairs import changes, near, records
from benchmarks.pairs.records import Entry, entry
from catalogue import unimarc
from catalogue.matching import Described, keys
from catalogue.matching.candidates import MOST
from demo import generate

JUDGED = Path(__file__).parent / "judged.tsv"
POOR, ALL, MADE = 40, 9_999, 150  # of each sort: pairs with a poor format, records changed, near documents made
# Which exports are laid beside which: the file that a PMB took in, its own two formats, its two poor ones.
FORMATS = (("roubaix", "iso"), ("roubaix", "pmb"), ("pmb", "iso"), ("roubaix", "dc"), ("roubaix", "ris"))
OWN_FORMATS = (("pmb", "iso"), ("pmb", "dc"), ("pmb", "ris"))  # records that were made in that PMB


@dataclass(frozen=True, slots=True)
class Pair:
    left: Entry
    right: Entry
    same: bool
    origin: str  # "formats", "judged", "changed: slip", "neighbours", "beside: next_year"
    sort: str  # "book", "report", "article"…
    held_out: bool


@dataclass(slots=True)
class Measured:
    pairs: list[Pair] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # how it was made, in sentences


def made(*, quick: bool = False) -> Measured:
    """The whole set; small in quick mode, and without the real records where there are none."""
    out = Measured()
    base = list(_demo())
    if records.present():
        found = {e.ref: e for e in records.entries()}
        document = records.documents(found)
        judged = list(_judged(found, out.told))
        out.pairs += _formats(found, document, 20 if quick else POOR)
        out.pairs += [pair for verdict, pair in judged if verdict == "same"]
        out.pairs += _neighbours(found, document, judged)
        base += _spread(_one_each(found), 120 if quick else ALL)
        out.told.append(f"{len(found)} real records")
    else:
        out.told.append("No real records beside this checkout: records of the demonstration base only.")
    out.pairs += _changed(base)
    some = _spread(base, 40 if quick else MADE)
    out.pairs += _beside(some)
    out.pairs += _near(some)
    return out


def sort_of(fields: unimarc.Fields, described: Described) -> str:
    """What a documentalist would call it."""
    kind = unimarc.kind(fields)
    if described.level in ("serial", "issue"):
        return described.level
    if described.level == "article":
        return "press article" if kind == "press_article" else "article"
    if described.volume or described.volumes or described.level == "set":
        return "volume"
    if described.medium in ("sound", "video", "score", "map", "picture") or kind == "multimedia":
        return "multimedia"
    if kind == "thesis" or any(unimarc.each(fields, "328")):
        return "thesis"
    grey = described.bodies and not described.isbns and not described.people
    return "report" if grey or kind in ("report", "study", "dossier", "legal") else "book"


def _sort(e: Entry) -> str:
    return sort_of(e.fields, e.described)


def _held_out(name: str) -> bool:
    """Half of the documents, by their name alone."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


# --- real records ----------------------------------------------------------------------------


def _judged(found: Mapping[str, Entry], told: list[str]) -> Iterator[tuple[str, Pair]]:
    """What was read. Such pairs belong to the development part: the rules were written with them in sight."""
    moved = 0
    for line in JUDGED.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        verdict, left, left_mark, right, right_mark = line.split("\t")
        if left in found and right in found and (found[left].mark, found[right].mark) == (left_mark, right_mark):
            a, b = found[left], found[right]
            yield verdict, Pair(a, b, verdict == "same", "judged", _sort(a), held_out=False)
        else:
            moved += 1
    if moved:
        told.append(f"{moved} judged pairs name records that are not there, or read otherwise: left out")


def _formats(found: Mapping[str, Entry], document: Mapping[str, str], most: int) -> Iterator[Pair]:
    """The same record as in its own base, and as PMB gives it out; in the poor formats, of each sort `most` at most."""
    by_document: defaultdict[str, dict[str, Entry]] = defaultdict(dict)
    for ref, name in document.items():
        by_document[name][found[ref].source] = found[ref]
    taken: Counter[str] = Counter()
    for name in sorted(by_document, key=lambda n: hashlib.sha256(n.encode()).digest()):
        members = by_document[name]
        richest = members.get("roubaix") or members.get("pmb")
        if richest is None or not richest.described.title:
            continue
        taken[sort := _sort(richest)] += 1
        for one, other in FORMATS if "roubaix" in members else OWN_FORMATS:
            if other in ("dc", "ris") and taken[sort] > most:
                continue
            if one in members and other in members and members[other].described.title:
                yield Pair(members[one], members[other], True, f"formats: {one} {other}", sort, _held_out(name))


def _neighbours(
    found: Mapping[str, Entry], document: Mapping[str, str], judged: Iterable[tuple[str, Pair]]
) -> Iterator[Pair]:
    """Every pair that the keys bring together, over all the files, and that nobody found to be one document."""
    read = {frozenset((p.left.ref, p.right.ref)): verdict for verdict, p in judged}
    one = _same_documents(document, read)
    entries = [e for e in found.values() if e.described.title]
    for left, right in meeting(entries):
        a, b = entries[left], entries[right]
        names = one.get(a.ref, a.ref), one.get(b.ref, b.ref)
        verdict = read.get(frozenset((a.ref, b.ref)))
        if names[0] == names[1]:
            continue
        yield Pair(a, b, False, "neighbours", _sort(a), verdict is None and _held_out(min(names)))


def _same_documents(document: Mapping[str, str], read: Mapping[frozenset[str], str]) -> dict[str, str]:
    """The name of the document of each record: one for those judged the same, or that nobody could tell apart."""
    one = dict(document)
    undivided = [sorted(refs) for refs, verdict in read.items() if verdict in ("same", "unsure")]
    for refs in undivided:
        old, new = (one.get(ref, ref) for ref in refs)
        one |= {ref: new for ref, name in one.items() if name == old} | {refs[0]: new, refs[1]: new}
    return one


def meeting(entries: Sequence[Entry]) -> list[tuple[int, int]]:
    """Which of them share a key that is not crowded, or two that are: whom `candidates.find` lays side by side."""
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for place, e in enumerate(entries):
        for key in keys(e.described):
            by_key[key].append(place)
    few = {pair for members in by_key.values() if len(members) <= MOST for pair in combinations(members, 2)}
    crowds = Counter(pair for members in by_key.values() if len(members) > MOST for pair in combinations(members, 2))
    return sorted(few | {pair for pair, times in crowds.items() if times > 1})


def _one_each(found: Mapping[str, Entry]) -> list[Entry]:
    """One record for each document: the other exports of that PMB left out."""
    return [e for e in found.values() if e.source not in ("pmb", "iso", "dc", "ris", "pride") and e.described.title]


def _spread(entries: Iterable[Entry], most: int) -> list[Entry]:
    """As many of each sort as there are, up to `most`; the same ones every time."""
    taken: Counter[str] = Counter()
    out = []
    for e in sorted(entries, key=lambda e: hashlib.sha256(e.ref.encode()).digest()):
        taken[sort := _sort(e)] += 1
        if taken[sort] <= most:
            out.append(e)
    return out


def _demo() -> Iterator[Entry]:
    for record in generate.local_records():
        yield entry(f"demo:{record.id}", [f for f in record.fields if f["t"] not in ("995", "996")])


# --- records changed on purpose --------------------------------------------------------------


def _changed(base: Iterable[Entry]) -> Iterator[Pair]:
    """Each record beside itself as somebody else would have written it: one change, or two."""
    for e in base:
        dice = Random(e.ref)
        # By how often it is seen: the least of random ** (1 / weight) come first (Efraimidis and Spirakis, 2006).
        names = sorted(changes.SAME, key=lambda name: -(dice.random() ** (1 / changes.WEIGHTS[name])))
        for name in names:
            fields = changes.SAME[name](e.fields, dice)
            if fields is None:
                continue
            # A reprint is known by its ISBN alone: without it, it would be another edition.
            again = name != "reprinted" and dice.random() < 0.5
            if again and (more := changes.SAME[dice.choice(changes.LIGHT)](fields, dice)) is not None:
                fields = more
            other = entry(f"{e.ref}~{name}", [f for f in fields if f["t"] != "001"])
            if other.described.title:
                yield Pair(e, other, True, f"changed: {name}", _sort(e), _held_out(e.ref))
                break


def _beside(base: Iterable[Entry]) -> Iterator[Pair]:
    """Each record beside every near document that can be made of it, half of them written a little otherwise too."""
    for e in base:
        for name, change in changes.DIFFERENT.items():
            dice = Random(f"{e.ref} {name}")
            fields = change(e.fields, dice)
            if fields is None:
                continue
            if dice.random() < 0.5 and (more := changes.SAME[dice.choice(changes.LIGHT)](fields, dice)) is not None:
                fields = more
            other = entry(f"{e.ref}>{name}", [f for f in fields if f["t"] != "001"])
            if other.described.title and set(keys(e.described)) & set(keys(other.described)):
                yield Pair(e, other, False, f"beside: {name}", _sort(e), _held_out(e.ref))


def _near(base: Iterable[Entry]) -> Iterator[Pair]:
    """Two documents made of one record, that stand nearest to one another, where the keys bring them together."""
    for e in base:
        for name, make in near.NEAR.items():
            twins = make(e.fields, Random(f"{e.ref} {name}"))
            if twins is None:
                continue
            left, right = (entry(f"{e.ref}>{name} {n}", fields) for n, fields in enumerate(twins))
            if set(keys(left.described)) & set(keys(right.described)):
                yield Pair(left, right, False, f"near: {name}", _sort(e), _held_out(e.ref))
