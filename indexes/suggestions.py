"""What the box proposes while somebody types: themes, authors, words. Folded and stemmed like a search.

What is proposed finds something in the visitor's collection, and a number said is the number of documents that one
gets. A theme is proposed by its other names too (synonyms, other languages). The end of the text says where to look:
`auteur:kow` asks for authors, `"contrat` for words that stand so.

Themes and words come from what a segment keeps in memory; authors from the notices that name them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

import numpy as np

from indexes import lexicon
from indexes.analysis import fold, stem, tokens
from indexes.evaluation import evaluate
from indexes.facets import Ids
from indexes.grammar import FIELDS, NAMES, parse
from indexes.reader import Index, Leaf, Segment, Snapshot

SHORTEST = 2  # letters
SHORTEST_NAME = 3  # of an author, when no field says that one is meant
LONGEST_TEXT = 120
SHORTEST_WORD = 4  # proposed: « la » helps nobody
LOOKED_AT = 40  # words, the most frequent first
NAMED = 200  # notices whose authors are read, the last to arrive first
LEAST = 2  # places that each kind keeps, if it has as many


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`query`: the whole question with it; none of a theme, which is a filter. `count`: the documents one gets; 0 of
    words, of which nothing is said. `via`: the other name by which a theme was found."""

    kind: str  # theme | author | word
    text: str
    query: str = ""
    count: int = 0
    via: str = ""


class Names:
    """Texts that are found by their words: each typed in any of its forms, the last one as far as it goes."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = list(texts)
        self._firsts: list[str] = []
        self._terms: list[list[str]] = []
        words, stems = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
        for n, text in enumerate(self.texts):
            held = list(tokens(text))
            self._firsts.append(held[0].word if held else "")
            self._terms.append([token.term for token in held if not token.stop])
            for token in held:
                words[token.word].append(n)
                stems[token.term].append(n)
        self._words, self._stems = dict(words), dict(stems)
        self._in_order = sorted(words)

    def holding(self, asked: Sequence[str]) -> set[int]:
        """Which of them hold all these words."""
        *whole, begun = asked
        found = self._having(begun)
        ends = bisect_left(self._in_order, begun), bisect_left(self._in_order, begun + "\uffff")
        for word in self._in_order[slice(*ends)]:
            found.update(self._words[word])
        for word in whole:
            found &= self._having(word)
        return found

    def lateness(self, number: int, asked: Sequence[str]) -> int:
        """0 for the text that says just these words, 1 for one that begins with them, 2 for another."""
        if len(self._terms[number]) == len(asked) and self._terms[number] == list(map(stem, asked)):
            return 0
        return 1 if self._firsts[number].startswith(asked[0]) else 2

    def _having(self, word: str) -> set[int]:
        return {*self._words.get(word, ()), *self._stems.get(stem(word), ())}


class OtherNames:
    """What themes are called beside the name that filters show."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """`pairs`: (another name, the theme)."""
        known = list(pairs)
        self.names = Names(name for name, _theme in known)
        self.themes = [theme for _name, theme in known]


NO_OTHER_NAMES = OtherNames()
AuthorsOf = Callable[[Sequence[int]], Iterable[str]]  # the names that these notices give


def nobody(_notice_ids: Sequence[int]) -> Iterable[str]:
    return ()


def suggest(
    index: Index,
    text: str,
    *,
    scope: str = "network",
    status: str = "published",
    limit: int = 8,
    others: OtherNames = NO_OTHER_NAMES,
    authors_of: AuthorsOf = nobody,
) -> list[Suggestion]:
    """At most `limit`, the most useful first; nothing for less than two letters, nor after a space."""
    begun = _read(text)
    if begun is None:
        return []
    look = _Look(index.snapshot().within(scope), status)
    themes = _themes(look, begun.asked, others, limit) if begun.may_be("subjects") else []
    authors = _authors(look, begun.asked, authors_of, limit) if begun.may_be_an_author else []
    said = {fold(one.text) for one in (*themes, *authors)}
    words = [one for one in _words(look, begun, limit) if fold(one.text) not in said]
    few = [min(LEAST, len(kind)) for kind in (authors, words)]
    themes = themes[: max(0, limit - sum(few))]
    authors = authors[: max(0, limit - len(themes) - few[1])]
    return [*themes, *authors, *words][:limit]


def prepare(snapshot: Snapshot) -> None:
    """Read what suggestions are made of, before anybody types."""
    for leaf in snapshot.leaves:
        _names_of_themes(leaf.segment)
        lexicon.of(leaf.segment)


# --- what was typed --------------------------------------------------------------------------


class _Begun(NamedTuple):
    """The end of a question: the words asked, folded, of which the last may go on; what stands around that one."""

    asked: tuple[str, ...]
    parts: tuple[str, ...]  # where the field looks; everywhere without one
    before: str
    after: str
    alone: bool  # nothing else was typed: a theme or an author may take its place

    def may_be(self, part: str) -> bool:
        return self.alone and self.parts in ((), (part,))

    @property
    def may_be_an_author(self) -> bool:
        return self.may_be(*NAMES) and len(self.asked[-1]) >= (SHORTEST if self.parts else SHORTEST_NAME)


_CLOSED = re.compile(r'"[^"]*"|«[^«»]*»|“[^“”]*”')
_END = re.compile(
    r'(?<!\S)(?:(?P<field>[^\W\d_]+):\s?)?(?:(?P<quote>["«“])(?P<quoted>[^"«»“”]*)|(?P<plain>[^\s"«»“”]*))$'
)
_NOT_PLAIN = re.compile(r'[:*"«»“”]|(?<!\S)[-\u2010\u2011\u2212]')  # fields, quotes, exclusions
_CLOSING = {'"': '"', "«": " »", "“": "”"}


def _read(text: str) -> _Begun | None:
    if len(text) > LONGEST_TEXT:
        return None
    end = _END.search(_CLOSED.sub(lambda found: "_" * len(found[0]), text))
    if end is None:
        return None
    field, quote = fold(end["field"] or ""), end["quote"] or ""
    parts = FIELDS.get(field, ())
    at, before = end.start("quoted" if quote else "plain"), text[: end.start()]
    is_plain = not (parts or quote or _NOT_PLAIN.search(text))
    found = list(tokens(text if is_plain else text[at:]))
    if not found or (0 if is_plain else at) + found[-1].end != len(text) or len(found[-1].word) < SHORTEST:
        return None
    if not parts and text[end.start() :].startswith(tuple("-\u2010\u2011\u2212")):
        return None
    asked = tuple(token.word for token in found if not token.stop or token is found[-1])
    begins = (0 if is_plain else at) + found[-1].start
    alone = is_plain or not (before.strip() or (field and not parts))
    return _Begun(asked, parts, text[:begins], _CLOSING.get(quote, ""), alone)


# --- themes ----------------------------------------------------------------------------------


class _Look(NamedTuple):
    """What somebody may see."""

    view: Snapshot
    status: str

    def found(self, text: str) -> Iterator[tuple[Leaf, Ids]]:
        """The documents that have all the words of a question."""
        query = parse(text)
        if query.positive:
            for leaf, matches in zip(self.view.leaves, evaluate(self.view, query, every=True), strict=True):
                yield leaf, matches.ids[leaf.visible(self.status)[matches.ids]]

    def count(self, text: str) -> int:
        return sum(len(ids) for _leaf, ids in self.found(text))


def _themes(look: _Look, asked: Sequence[str], others: OtherNames, limit: int) -> list[Suggestion]:
    """Themes that hold every word typed, or one of whose other names does."""
    labels, places = look.view.values("theme")
    totals = look.view.totals("theme", look.status)
    found: dict[int, tuple[int, str]] = {}  # the theme -> (how late it comes, by what other name it was found)
    for leaf, own in zip(look.view.leaves, places, strict=True):
        names = _names_of_themes(leaf.segment)
        for n in names.holding(asked):
            found[int(own[n])] = (names.lateness(n, asked), "")
    for n in sorted(others.names.holding(asked), key=lambda n: len(others.names.texts[n])):
        at = bisect_left(labels, others.themes[n])
        if labels[at : at + 1] == [others.themes[n]]:
            found.setdefault(at, (others.names.lateness(n, asked), others.names.texts[n]))
    seen = ((later, bool(via), -int(totals[n]), labels[n], via) for n, (later, via) in found.items() if totals[n])
    first = nsmallest(limit, seen)
    return [Suggestion("theme", label, count=-count, via=via) for _later, _other, count, label, via in first]


def _names_of_themes(segment: Segment) -> Names:
    return segment.derived("names of themes", lambda: Names(segment.columns.facets["theme"].values))


# --- authors ---------------------------------------------------------------------------------


def _authors(look: _Look, asked: Sequence[str], authors_of: AuthorsOf, limit: int) -> list[Suggestion]:
    """Names that hold the words typed; of like ones, those that the last notices name most."""
    question = " ".join(f"auteur:{word}" for word in asked) + "*"
    held = [leaf.columns.notice_ids[ids] for leaf, ids in look.found(question) if len(ids)]
    last = np.sort(np.concatenate(held))[::-1][:NAMED].tolist() if held else []
    counted = Counter(authors_of(last)) if last else Counter[str]()
    names = Names(counted)
    chosen = sorted((names.lateness(n, asked), -counted[names.texts[n]], names.texts[n]) for n in names.holding(asked))
    out: dict[str, Suggestion] = {}
    for _later, _n, name in chosen[:limit]:
        query = 'auteur:"{}"'.format(re.sub('["«»“”]', " ", name))
        if fold(name) not in out and (count := look.count(query)):
            out[fold(name)] = Suggestion("author", name, query, count)
    return list(out.values())


# --- words -----------------------------------------------------------------------------------


def _words(look: _Look, begun: _Begun, limit: int) -> list[Suggestion]:
    """The question with its last word finished, if that finds something."""
    prefix = begun.asked[-1]
    counts: Counter[str] = Counter()
    forms: dict[str, str] = {}
    for leaf in look.view.leaves:
        known = lexicon.of(leaf.segment)
        for n in known.beginning(prefix):
            word = known.words[n]
            if len(word) >= SHORTEST_WORD:
                counts[word] += known.counts[n]
                forms.setdefault(word, known.forms[n])
    out, stems = [], set[str]()
    for word, _n in counts.most_common(LOOKED_AT):
        text = begun.before + forms[word] + begun.after
        term = stem(word)
        if term not in stems and word != prefix and look.count(text):
            stems.add(term)  # « logement » and « logements » ask the same
            out.append(Suggestion("word", text, text))
        if len(out) == limit:
            break
    return out
