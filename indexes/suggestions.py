"""What the box proposes while somebody types: themes that begin so, then words. Folded and stemmed like a search.

Both come from arrays that a segment keeps: nothing is read from the disk for a key pressed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from indexes.analysis import STOP_WORDS, fold, stem, tokens
from indexes.reader import Index, Leaf, Segment, Snapshot
from indexes.schema import SEPARATOR
from indexes.speller import is_known

SHORTEST = 2  # letters
LONGEST_TEXT = 120
SHORTEST_WORD = 4  # proposed: « la » helps nobody
LOOKED_AT = 40  # words, the most frequent first


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text`: the whole question with it. `count`: its documents, of a theme; 0 of a word."""

    kind: str  # theme | word
    text: str
    count: int = 0


@dataclass(frozen=True)
class _Words:
    """The dictionary of a segment in order: the plain word, its form as written, its documents."""

    plain: list[str]
    forms: list[str]
    counts: list[int]

    @classmethod
    def of(cls, segment: Segment) -> _Words:
        best: dict[str, tuple[int, str, int]] = {}  # word -> (documents of its best form, that form, of all forms)
        for entry, count in segment.dictionary().items():
            word, _separator, form = entry.partition(SEPARATOR)
            if len(word) >= SHORTEST_WORD and word not in STOP_WORDS:
                top, written, total = best.get(word, (0, "", 0))
                best[word] = (count, form or word, total + count) if count > top else (top, written, total + count)
        words = sorted(best)
        return cls(words, [best[w][1] for w in words], [best[w][2] for w in words])

    def beginning(self, prefix: str) -> range:
        return range(bisect_left(self.plain, prefix), bisect_left(self.plain, prefix + "\uffff"))


def suggest(index: Index, text: str, *, status: str = "published", limit: int = 8) -> list[Suggestion]:
    """At most `limit`, the most useful first; nothing for less than two letters, nor after a space."""
    text = text[:LONGEST_TEXT]
    found = list(tokens(text))
    if not found or found[-1].end != len(text) or len(found[-1].word) < SHORTEST or ":" in text or '"' in text:
        return []
    snapshot = index.snapshot()
    asked = [token.word for token in found if not token.stop or token is found[-1]]
    themes = _themes(snapshot, asked, status)[:limit]
    before = text[: found[-1].start]
    said = {fold(theme.text) for theme in themes}
    words = (before + word for word in _words(snapshot, found[-1].word, status, limit))
    return [*themes, *(Suggestion("word", text) for text in words if fold(text) not in said)][:limit]


# --- themes ----------------------------------------------------------------------------------


def _themes(snapshot: Snapshot, asked: Sequence[str], status: str) -> list[Suggestion]:
    """Themes that hold every word typed, the last one as far as it goes; those that begin so first."""
    counts: Counter[str] = Counter()
    begins: dict[str, bool] = {}
    for leaf in snapshot.leaves:
        known: dict[str, tuple[str, ...]] = leaf.segment.derived("theme words", partial(_theme_words, leaf.segment))
        numbers = _counted(leaf, status)
        for label, words in known.items():
            if numbers.get(label) and _holds(words, asked):
                counts[label] += numbers[label]
                begins[label] = words[0].startswith(asked[0])
    order = sorted(counts, key=lambda label: (not begins[label], -counts[label], label))
    return [Suggestion("theme", label, counts[label]) for label in order]


def _theme_words(segment: Segment) -> dict[str, tuple[str, ...]]:
    values = segment.columns.facets["theme"].values
    return {label: words for label in values if (words := tuple(token.word for token in tokens(label)))}


def _counted(leaf: Leaf, status: str) -> dict[str, int]:
    ids = np.flatnonzero(leaf.visible(status)).astype(np.int32)
    return leaf.derived(f"themes {status}", lambda: leaf.columns.facets["theme"].counts(ids))


def _holds(words: Sequence[str], asked: Sequence[str]) -> bool:
    *whole, begun = asked
    stems = {stem(word) for word in words}
    ends = any(word.startswith(begun) for word in words) or stem(begun) in stems
    return ends and all(word in words or stem(word) in stems for word in whole)


# --- words -----------------------------------------------------------------------------------


def _words(snapshot: Snapshot, prefix: str, status: str, limit: int) -> list[str]:
    counts: Counter[str] = Counter()
    forms: dict[str, str] = {}
    for leaf in snapshot.leaves:
        words: _Words = leaf.segment.derived("ordered words", partial(_Words.of, leaf.segment))
        for n in words.beginning(prefix):
            counts[words.plain[n]] += words.counts[n]
            forms.setdefault(words.plain[n], words.forms[n])
    out, stems = [], set[str]()
    for word, _n in counts.most_common(LOOKED_AT):
        term = stem(word)
        if term not in stems and word != prefix and is_known(snapshot, term, status):
            stems.add(term)  # « logement » and « logements » ask the same
            out.append(forms[word])
        if len(out) == limit:
            break
    return out
