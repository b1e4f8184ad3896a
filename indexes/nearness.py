"""What else makes a document the one that was meant: its words near one another, as they were typed; its year.

Looked at for the documents that have the best words only, so that it costs the same on a large base.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexes.evaluation import Matches, rarity
from indexes.facets import Columns, Ids
from indexes.grammar import Query, Word
from indexes.reader import Leaf, Snapshot
from indexes.schema import BAND, PARTS

LOOKED_AT = 300  # documents of a segment
NEAR = 0.6  # what two words side by side in the title add, beside the merit of the rarer one
ELSEWHERE = 0.4  # the same in another part
BACKWARDS = 0.6  # the same in the other order
REACH = 8  # words: farther apart they are strangers
RECENT = 0.05  # what this year's document has above one of FIRST_YEAR
FIRST_YEAR, YEARS = 1970, 60


def refined(snapshot: Snapshot, query: Query, found: Sequence[Matches]) -> list[Matches]:
    """The same documents, each with its whole merit."""
    words = [c for c in query.positive if isinstance(c, Word) and not c.prefix and not c.parts]
    pairs = [(a.term, b.term) for a, b in pairwise(words) if a.term != b.term]
    dear = {
        term: rarity(snapshot.size, sum(len(leaf.segment.postings(term).ids) for leaf in snapshot.leaves))
        for term in {term for pair in pairs for term in pair}
    }
    return [_refined(leaf, pairs, dear, matches) for leaf, matches in zip(snapshot.leaves, found, strict=True)]


def _refined(leaf: Leaf, pairs: Sequence[tuple[str, str]], dear: dict[str, float], matches: Matches) -> Matches:
    if not len(matches.ids):
        return matches
    recent = leaf.segment.derived("recent", lambda: _recent(leaf.columns))
    scores = matches.scores * recent[matches.ids]
    if pairs:
        best = _best(scores)
        ids = matches.ids[best]
        for left, right in pairs:
            scores[best] += np.float32(NEAR * min(dear[left], dear[right])) * _closeness(leaf, ids, left, right)
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


def _closeness(leaf: Leaf, ids: Ids, left: str, right: str) -> NDArray[np.float32]:
    """For each of these documents: 1 for the two words side by side in the title, less elsewhere or farther apart."""
    ones, others = _places(leaf, ids, left), _places(leaf, ids, right)
    out = np.zeros(len(ids), np.float32)
    for before, after, worth in ((ones, others, 1.0), (others, ones, BACKWARDS)):
        if not len(before) or not len(after):
            continue
        following = np.searchsorted(after, before, side="right")
        known = following < len(after)
        apart = after[following[known]] - before[known]
        near = (apart > 0) & (apart <= REACH)
        at = before[known][near]
        title = (at & 0xFFFFFFFF) // BAND <= PARTS["more_titles"].band
        value = worth * np.where(title, 1.0, ELSEWHERE) / apart[near]
        np.maximum.at(out, np.searchsorted(ids, (at >> 32).astype(np.int32)), value.astype(np.float32))
    return out


def _places(leaf: Leaf, ids: Ids, term: str) -> NDArray[np.int64]:
    """Where the term stands in these documents."""
    places = leaf.segment.places(term)
    starts = np.searchsorted(places, ids.astype(np.int64) << 32)
    ends = np.searchsorted(places, (ids.astype(np.int64) + 1) << 32)
    lengths = ends - starts
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return places[np.repeat(starts, lengths) + within]
