"""The questions: two hundred in fourteen kinds, and known items, drawn by a seed from what the notices say."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.searching.words import PHRASES, misspelt, other_number
from indexes.analysis import fold, tokens
from indexes.schema import IndexDoc

FORMS = ("clean", "typo", "no accents", "inflected")


@dataclass(frozen=True)
class Asked:
    """One question, as typed, with what the page would ask along with it."""

    kind: str
    text: str
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sort: str = "relevance"
    facets: bool = False
    highlights: bool = False

    @property
    def options(self) -> dict[str, Any]:
        return {"filters": self.filters, "sort": self.sort, "facets": self.facets}


@dataclass(frozen=True)
class Known:
    """A notice that somebody has in mind, and how they ask for it, in each of FORMS."""

    notice_id: int
    forms: Mapping[str, str]


def words_of(text: str) -> list[str]:
    """The words worth asking for, as written, in small letters, none twice."""
    found = (text[t.start : t.end].lower() for t in tokens(text) if not t.stop and len(t.word) > 3)
    return list(dict.fromkeys(word for word in found if word.isalpha()))


def two_hundred(docs: Sequence[IndexDoc], seed: int = 7) -> list[Asked]:
    return list(_drawn(docs, random.Random(f"questions-{seed}")))


def _drawn(docs: Sequence[IndexDoc], choose: random.Random) -> Iterator[Asked]:
    held = Counter(word for doc in docs for word in {*words_of(doc.title), *words_of(doc.abstract)})
    common = [word for word, _n in held.most_common(120)]
    middling = sorted(word for word, n in held.items() if len(docs) / 200 <= n <= len(docs) / 20)
    rare = sorted(word for word, n in held.items() if 2 <= n <= 6 and len(word) > 5)
    accented = sorted(word for word in common + middling if fold(word) != word)
    titled = [doc for doc in docs if len(words_of(doc.title)) >= 4]
    people = [name for name, _n in Counter(a for d in docs for a in d.agents).most_common(300)]
    themes = [theme for theme, _n in Counter(t for d in docs for t in d.themes).most_common(200)]
    yield from (Asked("one common word", word) for word in choose.sample(common, 16))
    yield from (Asked("rare word", word) for word in choose.sample(rare, 16))
    yield from (Asked("unaccented", fold(word)) for word in choose.sample(accented, 16))
    yield from (Asked("inflected", other_number(word)) for word in choose.sample(middling, 16))
    for n in range(20):
        drawn = choose.sample(words_of(choose.choice(titled).title), 2 + n % 3)
        yield Asked("2 to 4 words", " ".join(drawn if n % 2 else [*choose.sample(common, 1 + n % 3), drawn[0]]))
    yield from (Asked("phrase", f'"{phrase}"') for phrase in choose.sample(PHRASES, 16))
    yield from (
        Asked("prefix", f"{fold(w)[: choose.choice((3, 4, 5))]}*") for w in choose.sample(common + middling, 16)
    )
    yield from (Asked("typo", misspelt(w, choose)) for w in choose.sample([w for w in middling if len(w) > 6], 14))
    yield from (Asked("fielded", f'auteur:"{name}"') for name in choose.sample(people, 7))
    yield from (Asked("fielded", f'theme:"{theme}"') for theme in choose.sample(themes, 7))
    for word in choose.sample(common, 14):
        year = choose.randrange(1995, 2020)
        span = {"kind": [choose.choice(("book", "article", "report"))], "year": [f"{year}-{year + 8}"]}
        yield Asked("filter and date", word, filters=span, sort="newest")
    yield from (Asked("five facets", word, facets=True) for word in choose.sample(common + middling, 16))
    for n in range(12):
        yield Asked("page", " ".join(choose.sample(common, 1 + n % 2)), facets=True, highlights=True)
    yield from (Asked("newest, nothing typed", "", sort="newest") for _ in range(6))
    yield from (Asked("ISBN", doc.identifiers[0]) for doc in choose.sample([d for d in docs if d.identifiers], 8))


def known_items(docs: Sequence[IndexDoc], n: int, seed: int = 11) -> list[Known]:
    """`n` notices, each by two or three of the rarer words of its title, in its order; an author's name when it has
    too few. Where the titles and authors of two notices hold the words asked, nobody could say which one is meant:
    such questions are left out."""
    choose = random.Random(f"known-{seed}")
    held = Counter(word for doc in docs for word in {*words_of(_title(doc)), *words_of(doc.abstract)})
    named: defaultdict[str, set[int]] = defaultdict(set)
    for doc in docs:
        for word in words_of(" ; ".join((doc.title, *doc.more_titles, *doc.agents))):
            named[fold(word)].add(doc.notice_id)
    order = list(docs)
    choose.shuffle(order)
    found: list[Known] = []
    for doc in order:
        salient = _salient(doc, held, choose)
        if len(salient) < 2 or max(map(len, salient)) < 5:
            continue
        if set.intersection(*(named[fold(word)] for word in salient)) == {doc.notice_id}:
            found.append(Known(doc.notice_id, {form: _FORMS[form](salient, held, choose) for form in FORMS}))
        if len(found) == n:
            break
    return found


def _salient(doc: IndexDoc, held: Mapping[str, int], choose: random.Random) -> list[str]:
    written = words_of(_title(doc))
    rarer = sorted(written, key=lambda word: (held[word], word))[:4]
    wanted = choose.sample(rarer, min(len(rarer), choose.choice((2, 3))))
    salient = [word for word in written if word in wanted]
    if len(salient) < 2 and doc.agents:
        salient += [word for word in words_of(doc.agents[0])[:1] if word not in salient]
    return salient


def _title(doc: IndexDoc) -> str:
    return " ".join((doc.title, *doc.more_titles[:1]))


def _with_typo(words: list[str], _held: Mapping[str, int], choose: random.Random) -> str:
    at = choose.choice([n for n, word in enumerate(words) if len(word) >= 5])
    return " ".join((*words[:at], misspelt(words[at], choose), *words[at + 1 :]))


def _inflected(words: list[str], held: Mapping[str, int], _choose: random.Random) -> str:
    """A final s is taken off where the singular is a word of the notices: « Paris » has none."""
    return " ".join(word if word[-1] in "sx" and not held[other_number(word)] else other_number(word) for word in words)


_FORMS: dict[str, Callable[[list[str], Mapping[str, int], random.Random], str]] = {
    "clean": lambda words, _held, _choose: " ".join(words),
    "typo": _with_typo,
    "no accents": lambda words, _held, _choose: fold(" ".join(words)),
    "inflected": _inflected,
}
