"""Descriptors proposed from a title and an abstract: what the words say, and what documents like it were given.

Two things are looked at, and nothing is trained beforehand:

* the names of the thesaurus, preferred or not, that stand in the text, whole or in part (`headwords`);
* the forty published documents nearest to the text, as the search index weighs words (BM25F), and what they carry.

A term's score is a sum of six shares (`WEIGHTS`), so that it can be said in a sentence why it is there. What was tried
and did not pay, and the figures, are in docs/subjects.md.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import text
from catalogue.models import NoticeConcept
from indexes.analysis import Token, tokens
from indexes.evaluation import TAMED, rarity
from indexes.headwords import ROOT, Headword, Headwords
from indexes.reader import Snapshot

NEAREST = 40  # documents whose descriptors are looked at
DAMPED = 0.5  # a few documents that are hardly near make no sure thing
SHARPENED = 1.5  # the nearest documents count more than their likeness says
LONGEST = 20_000  # signs read of a title or an abstract
MOST_WORDS = 150  # different ones that are looked up
MOST_TELLING = 40  # of them, by which neighbours are found: the rarest and most repeated
UNUSED = 0.2  # of a notice: what a term that nobody has used yet counts as
LEAST_SAID = 0.25  # of a name: less of it in the text is chance
NEAR_ENOUGH = 0.004  # a smaller share of the neighbours says nothing
FEW = 1_000  # documents: in a smaller base, a few uses are no habit yet
LEAST_USED = 2  # notices, for a word without a concept to be proposed
MOST_NAMES = 200  # of a text, those said best
RIVALS = 14  # looked at for a more precise term among them
LESS_PRECISE = 0.3  # what a name loses whose words all stand in a longer one that is said whole

# What each share adds to a term's score; tuned on the four fifths that the benchmark does not hold out.
WEIGHTS = {
    "near": 1.34,  # of the nearest documents, weighed by their likeness, those that carry it
    "used": 0.72,  # how often it is used at all: from 0, never, to 1, by every document
    "title": 1.7,  # of its name, in the title (squared, as the next two)
    "anywhere": 0.56,  # the same in title and abstract
    "nearly": 0.35,  # the same, words of one family counted
    "whole": 0.8,  # the name stands there whole: the more words it has, the surer
    "whole and used": -2.26,  # … and the more it is used, the less that says: « Histoire », « France »
}


@dataclass(frozen=True, slots=True)
class Proposed:
    """A term, and what speaks for it: words of the text as they are written there, documents like it; `via`: the
    synonym that led to it."""

    head: Headword
    words: tuple[str, ...]
    documents: int
    via: str
    score: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A text, read once."""

    title: tuple[Token, ...]
    abstract: tuple[Token, ...]
    written: Mapping[str, str]  # a stem -> the word as it stands first

    @classmethod
    def read(cls, title: str, abstract: str) -> Asked:
        texts = title[:LONGEST], abstract[:LONGEST]
        parts = [tuple(token for token in tokens(one) if not token.stop) for one in texts]
        written: dict[str, str] = {}
        for one, found in zip(texts, parts, strict=True):
            for token in found:
                written.setdefault(token.term, one[token.start : token.end])
        return cls(parts[0], parts[1], written)


def propose(
    snapshot: Snapshot,
    session: Session,
    known: Headwords,
    title: str,
    abstract: str,
    *,
    limit: int = 5,
    already: Collection[str] = (),
    but: int | None = None,
) -> list[Proposed]:
    """The likeliest first. `already`: what the form has; `but`: the notice that is asked about."""
    asked = Asked.read(title, abstract)
    near, carriers = _near(neighbours(snapshot, asked, but=but), session, known)
    documents = sum(leaf.totals("published")[0] for leaf in snapshot.leaves)
    scored = _scored(known, asked, near, documents)
    there = {known.of_name.get(text.fold(word)) for word in already}
    fit = [one for one in scored.items() if one[0] not in there and _is_fit(known.heads[one[0]])]
    rivals = heapq.nlargest(RIVALS, fit, key=lambda one: (one[1].score, -one[0]))
    chosen = sorted(rivals, key=lambda one: (-_precise(known, one[1], rivals), one[0]))[:limit]
    return [_told(known, asked, place, one, carriers[place]) for place, one in chosen]


def _is_fit(head: Headword) -> bool:
    return not head.candidate or head.notices >= LEAST_USED


# --- documents like it ---------------------------------------------------------------------------


def neighbours(
    snapshot: Snapshot, asked: Asked, *, limit: int = NEAREST, but: int | None = None
) -> list[tuple[int, float]]:
    """The published notices that say most of a text's words, and how much of it: from 0 to 1."""
    counts: Counter[str] = Counter()
    for part, weight in ((asked.title, 2), (asked.abstract, 1)):
        for token in part:
            counts[token.term] += weight
    wanted = dict(counts.most_common(MOST_WORDS))
    read = {word: [leaf.segment.postings(word) for leaf in snapshot.leaves] for word in wanted}
    merits = {
        word: math.log1p(wanted[word]) * rarity(snapshot.size, sum(len(found.ids) for found in lists))
        for word, lists in read.items()
    }
    whole = sum(merits.values())
    scores = [np.zeros(leaf.segment.size, np.float32) for leaf in snapshot.leaves]
    for word in heapq.nlargest(MOST_TELLING, merits, key=merits.__getitem__):
        for score, found in zip(scores, read[word], strict=True):
            score[found.ids] += np.float32(merits[word]) * found.weights / (np.float32(TAMED) + found.weights)
    best: list[tuple[float, int]] = []
    for leaf, score in zip(snapshot.leaves, scores, strict=True):
        score[~leaf.visible("published")] = 0
        if but is not None:
            score[leaf.columns.notice_ids == but] = 0
        for n in _largest(score, limit):
            best.append((float(score[n]), int(leaf.columns.notice_ids[n])))
    return [(number, score / whole) for score, number in heapq.nlargest(limit, best) if score > 0]


def _largest(scores: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    if len(scores) <= limit:
        return np.arange(len(scores))
    return np.argpartition(scores, -limit)[-limit:]


def _near(
    found: Sequence[tuple[int, float]], session: Session, known: Headwords
) -> tuple[dict[int, float], Counter[int]]:
    """For each term the neighbours carry: their share, and how many they are."""
    weights = {number: likeness**SHARPENED for number, likeness in found}
    whole = sum(weights.values()) + DAMPED
    carried: defaultdict[int, set[int]] = defaultdict(set)
    # What names a person is left out here: asked for in SQL, SQLite would read every row without one instead.
    said = (NoticeConcept.notice_id, NoticeConcept.concept_id, NoticeConcept.label, NoticeConcept.agent_id)
    statement = select(*said).where(NoticeConcept.notice_id.in_(weights))
    for notice_id, concept_id, label, agent_id in session.execute(statement) if weights else ():
        if agent_id is not None:
            continue
        place = known.of_concept.get(concept_id) if concept_id else known.of_name.get(text.fold(label))
        if place is not None:
            carried[place].add(notice_id)
    shares = {place: sum(weights[n] for n in who) / whole for place, who in carried.items()}
    return shares, Counter({place: len(who) for place, who in carried.items()})


# --- scores --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Score:
    score: float
    name: int | None  # by which it is said in the text
    whole: bool


def _scored(known: Headwords, asked: Asked, near: Mapping[int, float], documents: int) -> dict[int, _Score]:
    """Every term that something speaks for. `documents`: how many there are."""
    w = WEIGHTS
    most = _use(max(documents, FEW))
    said = known.said_in((t.term for t in asked.title), (t.term for t in asked.abstract))
    wholly = said.anywhere > 0.999
    merits = w["title"] * said.title**2 + w["anywhere"] * said.anywhere**2 + w["nearly"] * said.nearly**2
    merits += w["whole"] * known.lengths * wholly
    merits[said.nearly < LEAST_SAID] = 0
    named: dict[int, tuple[float, int | None, bool]] = {}
    for n in _largest(merits, MOST_NAMES).tolist():
        merit, place = float(merits[n]), int(known.head_of[n])
        if merit > named.get(place, (0.0,))[0]:
            named[place] = (merit, n, bool(wholly[n]))
    out: dict[int, _Score] = {}
    for place in named.keys() | {place for place, share in near.items() if share >= NEAR_ENOUGH}:
        merit, name, whole = named.get(place, (0.0, None, False))
        used = _use(known.heads[place].notices) / most
        score = merit + w["near"] * near.get(place, 0.0) + (w["used"] + (w["whole and used"] if whole else 0)) * used
        out[place] = _Score(score, name, whole)
    return out


def _use(notices: int) -> float:
    return math.log((notices + UNUSED) / UNUSED)


def _precise(known: Headwords, one: _Score, rivals: Sequence[tuple[int, _Score]]) -> float:
    """Its score, less something when a longer name of the text says the same and more: « Musique de cirque » is there,
    « Musique » and « Cirque » make room."""
    if one.name is None:
        return one.score
    words = set(known.stems[one.name])
    longer = any(words < set(known.stems[r.name]) for _place, r in rivals if r.whole and r.name is not None)
    return one.score - (LESS_PRECISE if longer else 0)


def _told(known: Headwords, asked: Asked, place: int, one: _Score, documents: int) -> Proposed:
    head, via = known.heads[place], ""
    words: tuple[str, ...] = ()
    if one.name is not None:
        words = tuple(dict.fromkeys(islice(_words(known.stems[one.name], asked), 4)))
        name = known.names[one.name]
        via = name if text.fold(name) != text.fold(head.label) else ""
    return Proposed(head, words, documents, via, round(one.score, 3))


def _words(stems: Sequence[str], asked: Asked) -> Iterator[str]:
    """The words of the text that say a name, as they are written there."""
    roots: dict[str, str] = {}
    for stem, word in asked.written.items():
        roots.setdefault(stem[:ROOT], word)
    for stem in stems:
        if found := asked.written.get(stem) or roots.get(stem[:ROOT]):
            yield found
