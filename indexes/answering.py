"""Which documents answer a question, before any filter but one: the collection that is asked.

A document with all the words comes before anything else; then one with all of them once corrected; then one with some
of them. Which of the three it is depends on what the visitor's collection has (« Notre fonds », « Tout le réseau »): a
document that cannot be seen there is no reason to say nothing. The filters that a visitor sets decide nothing of it:
they choose among what answers, and the page says what taking one off would give.

Widening through the thesaurus adds to what the words find, in each of the three cases, and never changes the case: what
is found with it holds all that is found without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rapidfuzz.distance import OSA

from indexes import speller
from indexes.evaluation import Matches, evaluate
from indexes.grammar import Query, Word, parse
from indexes.reader import Snapshot
from indexes.widening import Thesaurus, Widening, stands_inside

SCOPES = ("local", "network")
SHORT = 6  # letters
SHORTER = 5
FOUND_FIRST = 100.0  # above any merit of words that are only some of the question's


@dataclass(frozen=True)
class Answer:
    """`matches`: the documents, one `Matches` a leaf; `narrow`: those that the words find without the thesaurus."""

    query: Query  # as it was answered
    matches: list[Matches]
    narrow: list[Matches]
    widenings: tuple[Widening, ...] = ()
    suggestion: str | None = None  # the question with words corrected
    corrected: bool = False  # it was answered; else it may be proposed
    relaxed: bool = False  # no document has all the words: these have some
    holds: frozenset[str] = frozenset()  # the collections for which it holds


def answer(
    snapshot: Snapshot, query: Query, status: str, scope: str, thesaurus: Thesaurus, *, widened: bool = True
) -> Answer:
    """`scope`: « local » or « network »; the documents of both are given, in the manner that fits the one asked."""
    asker = _Asker(snapshot, status, scope)
    widenings = tuple(thesaurus(query.text))
    narrow = asker.find(query)
    if not query.positive or asker.sees(narrow):
        holds = {one for one in SCOPES if not query.positive or replace(asker, scope=one).sees(narrow)}
        return replace(asker.widen(query, narrow, widenings if widened else ()), holds=frozenset(holds))
    suggestion = None
    if not any(len(found.ids) for found in narrow):  # else others have a document with all the words: they are right
        suggestion = speller.corrected(asker.view, query, status, spared=asker.spared(query, widenings))
    corrected = suggestion is not None and _is_sure(query, suggestion)
    asked, alone = query, frozenset({scope})
    if suggestion and corrected:
        asked, widenings = parse(suggestion), tuple(thesaurus(suggestion))
        narrow = asker.find(asked)
        if asker.sees(narrow):
            found = asker.widen(asked, narrow, widenings if widened else ())
            return replace(found, suggestion=suggestion, corrected=True, holds=alone)
    loosely = asker.relax(asked, widenings if widened else ())
    if asker.sees(loosely.matches):
        return replace(loosely, suggestion=suggestion, corrected=corrected, holds=alone)
    nothing = [_NOTHING] * len(snapshot.leaves)
    return Answer(query, nothing, nothing, suggestion=None if corrected else suggestion, holds=alone)


@dataclass(frozen=True)
class _Asker:
    """Somebody who sees the documents of one collection."""

    snapshot: Snapshot
    status: str
    scope: str

    @property
    def view(self) -> Snapshot:
        return self.snapshot.within(self.scope)

    def find(self, query: Query, *, every: bool = True, widenings: Sequence[Widening] = ()) -> list[Matches]:
        return _visible(self.snapshot, evaluate(self.snapshot, query, every=every, widenings=widenings), self.status)

    def sees(self, found: Sequence[Matches]) -> bool:
        masks = (leaf.visible(self.status) for leaf in self.view.leaves)
        return any(mask.take(matches.ids).any() for mask, matches in zip(masks, found, strict=True))

    def widen(self, query: Query, narrow: list[Matches], widenings: tuple[Widening, ...]) -> Answer:
        adding = tuple(widening for widening in widenings if widening.labels)
        found = self.find(query, widenings=adding) if adding and query.positive else narrow
        return Answer(query, found, narrow, adding)

    def relax(self, query: Query, widenings: tuple[Widening, ...]) -> Answer:
        """Documents with some of the words; first of all those where themes stand for the others."""
        adding = tuple(widening for widening in widenings if widening.labels)
        about = self.find(query, widenings=adding) if adding else [_NOTHING] * len(self.snapshot.leaves)
        if len(query.positive) < 2:
            return Answer(query, about, [_NOTHING] * len(about), adding)
        narrow = self.find(query, every=False)
        found = self.find(query, every=False, widenings=adding) if adding else narrow
        more = any(len(some.ids) > len(whole.ids) for some, whole in zip(found, about, strict=True))
        return Answer(query, list(map(_first, found, about)), narrow, adding, relaxed=more)

    def spared(self, query: Query, widenings: Iterable[Widening]) -> set[Word]:
        """Words that are no slips: of the thesaurus, or of documents that others have."""
        known = {word for word in query.words if any(stands_inside(word, widening) for widening in widenings)}
        if self.scope == "local":
            known |= {
                word
                for word in query.words
                if not speller.is_known(self.view, word.term, self.status)
                and speller.is_known(self.snapshot, word.term, self.status)
            }
        return known


def _first(found: Matches, about: Matches) -> Matches:
    """The same documents, those of `about` before the others."""
    scores = found.scores.copy()
    scores[np.isin(found.ids, about.ids)] += np.float32(FOUND_FIRST)
    return Matches(found.ids, scores)


def _is_sure(query: Query, suggestion: str) -> bool:
    """Whether the corrected question may be answered in place of the one that was typed."""
    pairs = list(zip(query.words, parse(suggestion).words, strict=False))
    return all(_is_near(old.word, new.word, alone=len(pairs) == 1) for old, new in pairs if old.word != new.word)


def _is_near(old: str, new: str, *, alone: bool) -> bool:
    """Two wrong letters in a short word make another word of it (« drogue », « rouge »), unless one has only moved
    (« gettho »); so does another first letter: in a longer word with a second one (« xylophone », « allophone »), or
    when a shorter word is the whole question (« rage », « page »)."""
    begins = old[0] == new[0]
    if OSA.distance(old, new) < 2:
        return begins or len(old) > SHORTER or not alone or old[0] == new[1:2]
    return begins and (len(old) > SHORT or sorted(old) == sorted(new))


def _visible(snapshot: Snapshot, found: list[Matches], status: str) -> list[Matches]:
    out = []
    for leaf, matches in zip(snapshot.leaves, found, strict=True):
        if leaf.hides(status):
            kept = leaf.visible(status).take(matches.ids)
            matches = Matches(matches.ids[kept], matches.scores[kept])
        out.append(matches)
    return out


_NOTHING = Matches(np.zeros(0, np.int32), np.zeros(0, np.float32))
