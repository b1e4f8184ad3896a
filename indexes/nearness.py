"""What else makes a document the one that was meant: its words near one another, and as they were typed; its year.

Looked at for the documents that have the best words only, so that it costs the same on a large base.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexes.evaluation import Matches, evaluate, intersect, rarity
from indexes.facets import Columns, Ids
from indexes.grammar import Query, Word
from indexes.reader import Leaf, Snapshot
from indexes.schema import BAND, PARTS

LOOKED_AT = 120  # documents of a segment
NEAR = 0.6  # what two words side by side in the title add, beside the merit of the rarer one
ELSEWHERE = 0.4  # the same in another part; in another title
OTHER_TITLE = 0.8
IN_TEXT = 0.1  # in the text of a digital document (`indexes.texts`), where most words meet somewhere
AS_TYPED = 0.2  # what a word adds that stands in the very form that was typed, beside its merit
OPENS = 0.5  # what the first words add for the document whose title they are, the others being its subtitle's
BACKWARDS = 0.6  # the same in the other order
REACH = 8  # words: farther apart they are strangers
RECENT = 0.05  # what this year's document has above one of FIRST_YEAR
FIRST_YEAR, YEARS = 1970, 60


_WORTH = np.full(len(PARTS) + 1, ELSEWHERE)
_WORTH[-1] = IN_TEXT
_WORTH[PARTS["title"].band], _WORTH[PARTS["more_titles"].band] = 1.0, OTHER_TITLE


def refined(snapshot: Snapshot, query: Query, found: Sequence[Matches]) -> list[Matches]:
    """The same documents, each with its whole merit."""
    words = [c for c in query.positive if isinstance(c, Word) and not c.prefix and not c.parts]
    pairs = [(a.term, b.term) for a, b in pairwise(words) if a.term != b.term]
    dear = {
        term: rarity(snapshot.size, sum(len(leaf.segment.postings(term).ids) for leaf in snapshot.leaves))
        for term in {word.term for word in words}
    }
    return [_refined(leaf, words, pairs, dear, matches) for leaf, matches in zip(snapshot.leaves, found, strict=True)]


def best_merit(snapshot: Snapshot, query: Query, status: str) -> float:
    """How well the best document answers, as a share of what its words can be worth: about 1 for a title of them."""
    found = evaluate(snapshot, query, every=True)
    worth = sum(
        rarity(snapshot.size, sum(len(leaf.segment.postings(word.term).ids) for leaf in snapshot.leaves))
        for word in query.words
    )
    best = 0.0
    for leaf, matches in zip(snapshot.leaves, refined(snapshot, query, found), strict=True):
        seen = matches.scores[leaf.visible(status)[matches.ids]]
        best = max(best, float(seen.max(initial=0)))
    return best / worth if worth else 0.0


def _refined(
    leaf: Leaf, words: Sequence[Word], pairs: Sequence[tuple[str, str]], dear: dict[str, float], matches: Matches
) -> Matches:
    if not len(matches.ids):
        return matches
    recent = leaf.segment.derived("recent", lambda: _recent(leaf.columns))
    scores = matches.scores * recent.take(matches.ids)
    if words:
        best = _best(scores)
        ids = matches.ids[best]
        for word in words:
            held = intersect(ids, leaf.segment.holding(word.word))[0]
            scores[best[held]] += np.float32(AS_TYPED * dear[word.term])
        for n in range(1, len(words)):
            titled = intersect(ids, leaf.segment.exact("b" + " ".join(word.word for word in words[:n])))[0]
            scores[best[titled]] += np.float32(OPENS * sum(dear[word.term] for word in words[:n]))
        places = {term: _places(leaf, ids, term) for pair in pairs for term in pair}
        for left, right in pairs:
            scores[best] += np.float32(NEAR * min(dear[left], dear[right])) * _closeness(
                ids, places[left], places[right]
            )
    return Matches(matches.ids, scores)


def _recent(columns: Columns) -> NDArray[np.float32]:
    age = np.clip((columns.years - FIRST_YEAR) / YEARS, 0, 1)
    return (1 + RECENT * age).astype(np.float32)


def _best(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Where the highest are; those that are worth as much as the last one all belong to them."""
    if len(scores) <= LOOKED_AT:
        return np.arange(len(scores))
    threshold = np.partition(scores, len(scores) - LOOKED_AT)[len(scores) - LOOKED_AT]
    above = np.flatnonzero(scores > threshold)
    return above if len(above) else np.flatnonzero(scores == threshold)[:LOOKED_AT]


def _closeness(ids: Ids, ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float32]:
    """For each of these documents: 1 for the two words side by side in the title, less elsewhere or farther apart."""
    places = np.concatenate((ones, others))
    order = places.argsort(kind="stable")
    places, backwards = places[order], order >= len(ones)  # whether the right one of the two words comes first
    apart = np.diff(places)
    near = np.flatnonzero((apart > 0) & (apart <= REACH) & (backwards[1:] != backwards[:-1]))
    at = places[near]
    value = np.where(backwards[near], BACKWARDS, 1.0) * _WORTH[np.minimum((at & 0xFFFFFFFF) // BAND, len(PARTS))]
    out = np.zeros(len(ids), np.float32)
    np.maximum.at(out, ids.searchsorted((at >> 32).astype(np.int32)), (value / apart[near]).astype(np.float32))
    return out


def _places(leaf: Leaf, ids: Ids, term: str) -> NDArray[np.int64]:
    """Where the term stands in these documents."""
    places = leaf.segment.places(term)
    first = ids.astype(np.int64) << 32
    bounds = places.searchsorted(np.concatenate((first, first + (1 << 32))))
    starts, lengths = bounds[: len(ids)], bounds[len(ids) :] - bounds[: len(ids)]
    ends = lengths.cumsum()
    return places.take((starts - ends + lengths).repeat(lengths) + np.arange(ends[-1]))
