"""French notices made by rule, as the index is told of them: the same ones from the same seed, any number of them.

20,000 are the first fifth of 100,000. The order of the words of an abstract is drawn, so what is measured of
phrases is their cost; titles are built as titles are (« Politique de la ville : évaluation d’un contrat à Valbrune »).
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.searching.words import (
    FIRST_NAMES,
    LITTLE,
    PHRASES,
    PLACES,
    TRADE,
    Drawn,
    other_number,
    surnames,
    tail,
)
from indexes.schema import IndexDoc

SEED = 2026
BLOCK = 1000
TAIL = 60_000
KINDS = Drawn(("article", "book", "report", "issue", "multimedia", "thesis", "website"), head=1, slope=1.3)
LANGUAGES = Drawn(("fre", "eng", "ger", "spa", "ita"), head=0.06)
YEARS = Drawn([str(year) for year in range(2026, 1949, -1)], head=6, slope=1.1)
ELIDED = {"le": "l’", "la": "l’", "de": "d’", "que": "qu’", "ne": "n’", "se": "s’", "ce": "c’"}
VOWELS = tuple("aeiouyéèêîôœ")


class Maker:
    """The vocabulary is made once; then notice after notice."""

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed
        words, names = tail(TAIL, seed), surnames(9_000, seed)
        choose = random.Random(f"lists-{seed}")
        self._little = Drawn(LITTLE, head=2)
        self._trade = Drawn(TRADE, head=8, slope=0.8)
        self._tail = Drawn(words, head=150, slope=0.95)
        people = [f"{choose.choice(names)}, {choose.choice(FIRST_NAMES)}" for _ in range(40_000)]
        self._people = Drawn(people, head=30, slope=0.75)
        themes = [f"{t}{q}".capitalize() for q in ("", " - histoire", " - méthode") for t in (*TRADE, *PHRASES)]
        choose.shuffle(themes)
        self._themes = Drawn(themes, head=5, slope=0.85)
        self._publishers = Drawn([f"Éditions {name}" for name in names[:150]], head=4)
        self._journals = Drawn([f"Revue {word}" for word in words[:60]], head=4)

    def notices(self, n: int) -> Iterator[IndexDoc]:
        for block in range(-(-n // BLOCK)):
            choose = random.Random(f"{self._seed}-{block}")
            for number in range(block * BLOCK, min((block + 1) * BLOCK, n)):
                yield self._notice(number + 1, choose)

    def _notice(self, number: int, choose: random.Random) -> IndexDoc:
        kind, year = KINDS.one(choose), int(YEARS.one(choose))
        rare = self._tail.some(choose, 3)
        trade = self._trade.some(choose, 3)
        themes = tuple(dict.fromkeys(self._themes.some(choose, choose.randint(2, 6))))
        languages = (LANGUAGES.one(choose),)
        access = tuple(way for way, odds in (("online", 0.4), ("onsite", 0.6)) if choose.random() < odds)
        return IndexDoc(
            number,
            self._title(rare, trade, choose),
            (f"{trade[1]} et {rare[2]}",) if choose.random() < 0.45 else (),
            agents=tuple(dict.fromkeys(self._people.some(choose, choose.choice((0, 1, 1, 1, 2, 3))))),
            subjects=themes,
            host_title=self._journals.one(choose) if kind == "article" else "",
            abstract=self._abstract(rare, trade, choose),
            notes=f"{self._publishers.one(choose)} {year}",
            identifiers=(_isbn(choose),) if kind in ("book", "report", "thesis") else (),
            call_numbers=(f"{choose.choice(('VIL', 'LOG', 'EDU', 'DRO'))} {choose.randrange(1, 9999):04d}",),
            scope="local" if choose.random() < 0.8 else "network",
            kind=kind,
            themes=themes,
            language=languages[0],
            languages=languages,
            year=year,
            access=access,
            changed_seq=number,
            added=8_000 + number // 10,
        )

    def _title(self, rare: list[str], trade: list[str], choose: random.Random) -> str:
        phrase, place = choose.choice(PHRASES), choose.choice(PLACES)
        forms = (
            f"{phrase} : {rare[0]} et {trade[0]}",
            f"{trade[0]}, {rare[0]} et {trade[1]} à {place}",
            f"Les {other_number(trade[0])} de la {rare[0]} : {rare[1]}",
            f"{phrase} et {trade[2]} : le cas de {place}, {rare[0]}",
            f"Quelle {trade[0]} pour {rare[0]} ? {other_number(trade[1])} et {rare[1]}",
            f"{rare[0]} {trade[1]} : {phrase}",
        )
        title = choose.choice(forms)
        return title[:1].upper() + title[1:]

    def _abstract(self, rare: list[str], trade: list[str], choose: random.Random) -> str:
        n = min(150, max(30, int(choose.gauss(85, 28))))
        words = self._little.some(choose, n * 46 // 100) + self._trade.some(choose, n * 30 // 100)
        words += self._tail.some(choose, n * 20 // 100) + trade + choose.choices(PHRASES, k=2)
        if choose.random() < 0.5:
            words.append(rare[0])
        words = [other_number(w) if len(w) > 4 and choose.random() < 0.3 and " " not in w else w for w in words]
        choose.shuffle(words)
        return _sentences(words)


def _sentences(words: list[str]) -> str:
    out: list[str] = []
    for number, word in enumerate(words):
        following = words[number + 1] if number + 1 < len(words) else ""
        first = word.capitalize() if number % 14 == 0 else word
        if word in ELIDED and following.startswith(VOWELS):
            out.append(first[0] + ELIDED[word][1:])
        else:
            out.append(first + (". " if number % 14 == 13 else " "))
    return "".join(out).strip() + "."


def _isbn(choose: random.Random) -> str:
    digits = "9782" + "".join(choose.choices("0123456789", k=8))
    return digits + str(-sum(int(d) * (3 if n % 2 else 1) for n, d in enumerate(digits)) % 10)
