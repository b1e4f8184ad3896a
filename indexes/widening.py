"""A question made wider through the thesaurus: the documents *about* a theme that the visitor named in words.

Who knows the thesaurus says which words of the question name a theme, and what else to look for (its own descriptor
when a synonym was typed, its narrower terms). Such words are met by the words themselves or by one of these themes;
what has the words comes first. Widening adds documents and never takes one away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from indexes.facets import Ids
from indexes.grammar import All, Clause, Either, Exact, Word
from indexes.reader import Leaf, Postings

ABOUT = 1.0  # what a theme weighs beside a word of the title (5) or of the abstract (1), see `schema.PARTS`


@dataclass(frozen=True)
class Widening:
    """`start` and `end`: the stretch of the question that names a theme; `labels`: the themes that answer it too.

    Without labels it says only that these words are words of the thesaurus.
    """

    start: int
    end: int
    name: str
    labels: tuple[str, ...]


Thesaurus = Callable[[str], Sequence[Widening]]  # what it knows of the words of a question


def no_thesaurus(_text: str) -> Sequence[Widening]:
    return ()


def widen(
    leaf: Leaf,
    clauses: Sequence[Clause],
    found: Sequence[Postings],
    rarities: Sequence[float],
    widenings: Sequence[Widening],
    *,
    every: bool,
) -> tuple[list[Postings], list[float]]:
    """The lists of a question's clauses with those of its themes.

    Where all clauses must be met, the words of a stretch become one list with its themes: all the words, or one of
    the themes. Where any will do, the themes stand beside the words. One side of « OU » that names a theme widens both.
    """
    lists, rare = list(found), list(rarities)
    taken: set[int] = set()
    for n, clause in enumerate(clauses):
        labels = [label for widening in widenings if _is_a_side(clause, widening) for label in widening.labels]
        if labels:
            lists.append(_either(leaf, [found[n]] if every else [], labels))
            rare.append(rarities[n])
            taken.add(n)
    for widening in widenings:
        inside = [n for n, clause in enumerate(clauses) if n not in taken and _is_inside(clause, widening)]
        if not inside or not widening.labels:
            continue
        words = [found[n] for n in inside] if every else []
        lists.append(_either(leaf, words, widening.labels))
        rare.append(sum(rarities[n] for n in inside))
        taken.update(inside)
    left = [n for n in range(len(lists)) if not (every and n in taken)]
    return [lists[n] for n in left], [rare[n] for n in left]


def _either(leaf: Leaf, words: Sequence[Postings], labels: Sequence[str]) -> Postings:
    weights = np.zeros(leaf.segment.size, np.float32)
    weights[_about(leaf, labels)] = ABOUT
    if words:
        ids = words[0].ids
        for postings in words[1:]:
            ids = np.intersect1d(ids, postings.ids, assume_unique=True)
        if len(ids):
            weights[ids] = np.mean([p.weights[np.searchsorted(p.ids, ids)] for p in words], axis=0)
    either = np.flatnonzero(weights).astype(np.int32)
    return Postings(either, weights[either])


def _about(leaf: Leaf, labels: Sequence[str]) -> Ids:
    return np.flatnonzero(leaf.columns.facets["theme"].mask(set(labels))).astype(np.int32)


def _is_inside(clause: Clause, widening: Widening) -> bool:
    if isinstance(clause, Exact | All | Either) or clause.negative or clause.parts:
        return False
    return all(stands_inside(word, widening) for word in clause.words)


def _is_a_side(clause: Clause, widening: Widening) -> bool:
    return isinstance(clause, Either) and any(
        isinstance(option, Word | All)
        and all(stands_inside(word, widening) and not word.parts for word in option.words)
        for option in clause.options
    )


def stands_inside(word: Word, widening: Widening) -> bool:
    return not word.prefix and widening.start <= word.start and word.end <= widening.end
