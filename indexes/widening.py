"""A question made wider through the thesaurus: the documents *about* a theme that the visitor named in words.

Who knows the thesaurus says which words of the question name a theme, and what else to look for (its own descriptor
when a synonym was typed, its narrower terms). Such words are met by the words themselves or by one of these themes;
what has the words comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexes.facets import Ids
from indexes.grammar import Clause, Exact, Phrase, Word
from indexes.reader import Leaf, Postings

ABOUT = 1.0  # what a theme weighs beside a word of the title (5) or of the abstract (1), see `schema.PARTS`


@dataclass(frozen=True)
class Widening:
    """`start` and `end`: the stretch of the question that names a theme; `labels`: the themes that answer it too."""

    start: int
    end: int
    name: str  # as the page says it: « élargi à « Orientation scolaire » »
    labels: tuple[str, ...]


def widen(
    leaf: Leaf,
    clauses: Sequence[Clause],
    found: Sequence[Postings],
    rarities: Sequence[float],
    widenings: Sequence[Widening],
) -> tuple[list[Postings], list[float]]:
    """The lists of a question's clauses, those of one stretch made one: all its words, or one of its themes."""
    lists, rare = list(found), list(rarities)
    left = list(range(len(clauses)))
    for widening in widenings:
        inside = [n for n in left if _is_inside(clauses[n], widening)]
        if not inside:
            continue
        left = [n for n in left if n not in inside]
        lists.append(_either(leaf, [found[n] for n in inside], widening.labels))
        rare.append(sum(rarities[n] for n in inside))
        left.append(len(lists) - 1)
    return [lists[n] for n in left], [rare[n] for n in left]


def _either(leaf: Leaf, words: Sequence[Postings], labels: Sequence[str]) -> Postings:
    ids = words[0].ids
    for postings in words[1:]:
        ids = np.intersect1d(ids, postings.ids, assume_unique=True)
    weights = np.zeros(leaf.segment.size, np.float32)
    weights[_about(leaf, labels)] = ABOUT
    if len(ids):
        weights[ids] = np.mean([p.weights[np.searchsorted(p.ids, ids)] for p in words], axis=0)
    either = np.flatnonzero(weights).astype(np.int32)
    return Postings(either, weights[either])


def _about(leaf: Leaf, labels: Sequence[str]) -> Ids:
    return np.flatnonzero(leaf.columns.facets["theme"].mask(set(labels))).astype(np.int32)


def _is_inside(clause: Clause, widening: Widening) -> bool:
    if isinstance(clause, Exact) or clause.negative or clause.parts:
        return False
    words = clause.words if isinstance(clause, Phrase) else (clause,)
    return all(_stands_inside(word, widening) for word in words)


def _stands_inside(word: Word, widening: Widening) -> bool:
    return not word.prefix and widening.start <= word.start and word.end <= widening.end
