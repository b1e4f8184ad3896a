"""The words of a segment as they stand in the notices, not their stems: what corrects and what proposes reads them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from indexes.reader import Segment
from indexes.schema import SEPARATOR


@dataclass(frozen=True)
class Lexicon:
    """In order: the plain word, its most frequent form as written, the documents that hold it in any form."""

    words: list[str]
    forms: list[str]
    counts: list[int]

    def beginning(self, prefix: str) -> range:
        return range(bisect_left(self.words, prefix), bisect_left(self.words, prefix + "\uffff"))


def of(segment: Segment) -> Lexicon:
    """Read once for a segment, which never changes."""
    return segment.derived("lexicon", lambda: _read(segment))


def _read(segment: Segment) -> Lexicon:
    words: list[str] = []
    forms: list[str] = []
    counts: list[int] = []
    best = 0
    for entry, count in segment.dictionary():  # a word's forms follow one another: the separator is before any letter
        word, _separator, form = entry.partition(SEPARATOR)
        if not words or words[-1] != word:
            words.append(word)
            forms.append(form or word)
            counts.append(count)
            best = count
            continue
        counts[-1] += count
        if count >= best:
            forms[-1], best = form, count
    return Lexicon(words, forms, counts)
