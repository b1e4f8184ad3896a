"""The words that subjects go by, kept in memory: found by their beginning, or inside a title and an abstract.

Read from the database as a whole: every accepted concept by all its labels (a synonym leads to its term), with the
number of published notices that carry it, and the words that notices carry without any concept, which are candidates.
Nothing here is written; what is asked of it is checked against the database by who shows it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import text
from catalogue.authorities import codes_of_schemes
from catalogue.models import Concept, ConceptLabel, ConceptRelation, Notice, NoticeConcept
from indexes.analysis import STOP_WORDS, terms, tokens
from indexes.suggestions import Names

ROOT = 5  # letters that words of one family share: « hydroponie » and « hydroponiques »
KIN = 0.8  # what a word of the same family is worth beside the very word
HALF = 0.5  # of a name: what shares less with a word is not near it
LONGEST_ASKED = 120  # signs
LONGEST_PATH = 8  # broader terms

# A word -> the names that have it, and how much of each it is.
Shares = dict[str, tuple[NDArray[np.int32], NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Headword:
    """What a notice may be said to be about. `concept_id`: None for a word that no thesaurus has."""

    concept_id: int | None
    label: str
    scheme: str
    notices: int

    @property
    def candidate(self) -> bool:
        return self.concept_id is None


@dataclass(frozen=True, slots=True)
class Found:
    """A headword that answers what is being typed; `via`: the synonym by which it was found."""

    head: Headword
    path: tuple[str, ...]
    via: str = ""


class Said(NamedTuple):
    """How far a text says the names: an entry a name, from 0 to 1."""

    title: NDArray[np.float32]  # its words that stand in the title
    anywhere: NDArray[np.float32]
    nearly: NDArray[np.float32]  # the same, words of one family counted too


class Headwords:
    """Safe among threads: nothing in it changes."""

    def __init__(
        self,
        heads: Sequence[Headword] = (),
        names: Iterable[tuple[str, int]] = (),
        broader: dict[int, int] | None = None,
    ) -> None:
        """`names`: a name, and the place of its headword in `heads`; a headword's own label is one of its names.
        `broader`: from a concept to one above it."""
        self.heads = list(heads)
        told = list(dict.fromkeys(names))
        self.names = [name for name, _head in told]
        self.head_of: NDArray[np.int32] = np.array([head for _name, head in told], np.int32)
        self.of_concept = {h.concept_id: n for n, h in enumerate(self.heads) if h.concept_id is not None}
        self.of_name: dict[str, int] = {}
        for name, place in sorted(told, key=self._own_names_first):
            self.of_name.setdefault(text.fold(name), place)
        self._broader = broader or {}
        self._typed = Names(self.names)
        self.stems = [tuple(dict.fromkeys(terms(name))) for name in self.names]
        # From 0 to 1, for four words and more: what a name that stands whole in a text is worth.
        self.lengths: NDArray[np.float32] = np.array([min(len(name), 4) / 4 for name in self.stems], np.float32)
        self._exact, self._family = _shares(self.stems)

    def _own_names_first(self, told: tuple[str, int]) -> tuple[bool, bool]:
        head = self.heads[told[1]]
        return head.candidate, told[0] != head.label

    # --- while somebody types --------------------------------------------------------------------

    def beginning(self, typed: str, *, limit: int = 12) -> list[Found]:
        """What holds every word typed, the last one as far as it goes: what begins so first, then what is used most."""
        asked = [token.word for token in tokens(typed[:LONGEST_ASKED])]
        asked = [word for n, word in enumerate(asked) if word not in STOP_WORDS or n == len(asked) - 1]
        if not asked:
            return []
        best: dict[int, tuple[int, bool, str]] = {}
        for n in self._typed.holding(asked):
            place, name = int(self.head_of[n]), self.names[n]
            via = "" if text.fold(name) == text.fold(self.heads[place].label) else name
            rank = (self._typed.lateness(n, asked), bool(via), via)
            best[place] = min(best.get(place, rank), rank)
        order = sorted(best, key=lambda place: (self.heads[place].candidate, *self._order(best[place], place)))
        return [Found(self.heads[place], self.path(self.heads[place]), best[place][2]) for place in order[:limit]]

    def _order(self, rank: tuple[int, bool, str], place: int) -> tuple[int, bool, int, str]:
        return rank[0], rank[1], -self.heads[place].notices, self.heads[place].label

    def near(self, word: str, *, limit: int) -> list[str]:
        """The terms whose names share most words, or their families, with this one."""
        said = self.said_in(terms(word), ()).nearly
        likeness = {
            n: 2 * float(said[n]) / (1 + len(set(terms(word))) / max(len(self.stems[n]), 1))
            for n in np.flatnonzero(said >= HALF).tolist()
            if not self.heads[int(self.head_of[n])].candidate
        }
        order = sorted(likeness, key=lambda n: (-likeness[n], self.names[n]))
        return list(dict.fromkeys(self.heads[int(self.head_of[n])].label for n in order))[:limit]

    def find(self, word: str) -> Headword | None:
        """The headword that goes by this very name, however it is written."""
        place = self.of_name.get(text.fold(word))
        return None if place is None else self.heads[place]

    def path(self, head: Headword) -> tuple[str, ...]:
        """What stands above it, the top first."""
        out: list[int] = []
        at = self._broader.get(head.concept_id or 0)
        while at is not None and at not in out and len(out) < LONGEST_PATH:
            out.append(at)
            at = self._broader.get(at)
        return tuple(self.heads[self.of_concept[one]].label for one in reversed(out) if one in self.of_concept)

    # --- in a text -------------------------------------------------------------------------------

    def said_in(self, title: Iterable[str], abstract: Iterable[str]) -> Said:
        """`title`, `abstract`: their words, stemmed. A name's rarer words count more."""
        first = set(title)
        everywhere = first | set(abstract)
        out = Said(*(np.zeros(len(self.names), np.float32) for _part in Said._fields))
        for word in everywhere:
            if (held := self._exact.get(word)) is not None:
                out.anywhere[held[0]] += held[1]
                out.nearly[held[0]] += (1 - KIN) * held[1]
                if word in first:
                    out.title[held[0]] += held[1]
        for root in {word[:ROOT] for word in everywhere}:
            if (held := self._family.get(root)) is not None:
                out.nearly[held[0]] += KIN * held[1]
        return out


def _shares(stems: Sequence[tuple[str, ...]]) -> tuple[Shares, Shares]:
    """How much of each name a word is, by the word and by the root of its family."""
    having = Counter(word for name in stems for word in name)
    exact, family = defaultdict[str, dict[int, float]](dict), defaultdict[str, dict[int, float]](dict)
    for n, name in enumerate(stems):
        weights = {word: float(np.log1p(len(stems) / having[word])) for word in name}
        whole = sum(weights.values())
        for word, weight in weights.items():
            exact[word][n] = weight / whole
            family[word[:ROOT]][n] = family[word[:ROOT]].get(n, 0.0) + weight / whole
    packed: list[Shares] = []
    for table in (exact, family):
        packed.append(
            {
                word: (np.fromiter(held, np.int32, len(held)), np.fromiter(held.values(), np.float32, len(held)))
                for word, held in table.items()
            }
        )
    return packed[0], packed[1]


# --- from the database ---------------------------------------------------------------------------


def stamp(session: Session) -> tuple[int, ...]:
    """Changes when what `read` gives may have changed; costs little."""
    counted, moved = session.execute(select(func.count(Concept.id), func.sum(Concept.version))).one()
    latest = [session.scalar(select(func.max(table.id))) for table in (ConceptLabel, ConceptRelation, NoticeConcept)]
    return tuple(int(number or 0) for number in (counted, moved, *latest))


def read(session: Session) -> Headwords:
    """Some seconds for a great base: never while somebody waits."""
    schemes = codes_of_schemes(session)
    used, loose = _used(session)
    heads: list[Headword] = []
    names: list[tuple[str, int]] = []
    places: dict[int, int] = {}
    statement = select(Concept.id, Concept.label, Concept.scheme_id).where(Concept.status == "accepted")
    for number, label, scheme_id in session.execute(statement.order_by(Concept.id)):
        places[number] = len(heads)
        names.append((label, len(heads)))
        heads.append(Headword(number, label, schemes.get(scheme_id, ""), used.get(number, 0)))
    labels = select(ConceptLabel.concept_id, ConceptLabel.label).order_by(ConceptLabel.id)
    names += [(label, places[number]) for number, label in session.execute(labels) if number in places]
    known = {text.fold(name) for name, _head in names}
    for label, n in loose.items():
        if text.fold(label) not in known:
            names.append((label, len(heads)))
            heads.append(Headword(None, label, "", n))
    above = select(ConceptRelation.concept_id, func.min(ConceptRelation.target_id)).where(
        ConceptRelation.type == "broader", ConceptRelation.target_id.is_not(None)
    )
    broader = {c: int(t) for c, t in session.execute(above.group_by(ConceptRelation.concept_id)) if t in places}
    return Headwords(heads, names, broader)


def _used(session: Session) -> tuple[dict[int, int], dict[str, int]]:
    """How many published notices carry each concept, and each word without one, in its most usual spelling."""
    statement = (
        select(NoticeConcept.concept_id, NoticeConcept.label, func.count())
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(Notice.status == "published", NoticeConcept.agent_id.is_(None))
        .group_by(NoticeConcept.concept_id, NoticeConcept.label)
    )
    used: Counter[int] = Counter()
    spelt: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for concept_id, label, n in session.execute(statement):
        if concept_id is not None:
            used[concept_id] += n
        else:
            spelt[text.fold(label)].append((n, label))
    loose = {max(forms)[1]: sum(n for n, _label in forms) for words, forms in spelt.items() if words}
    return used, loose


def living(session: Session, heads: Sequence[Headword]) -> Iterator[Headword]:
    """Those that are still what memory says: a term merged or withdrawn a moment ago is left out."""
    ids = [head.concept_id for head in heads if head.concept_id is not None]
    statement = select(Concept.id, Concept.label).where(Concept.id.in_(ids), Concept.status == "accepted")
    now = {number: label for number, label in session.execute(statement)} if ids else {}
    return (head for head in heads if head.concept_id is None or now.get(head.concept_id) == head.label)
