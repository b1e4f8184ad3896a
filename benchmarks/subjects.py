"""How good the proposed descriptors are, on records that librarians have indexed: `dev.py bench subjects`.

Each corpus is a base of its own. A fifth of its documents, told by the hash of their titles, is held out: the others
are in the base with their descriptors, and for each one held out the title and the abstract are given, and five
descriptors asked for. Counted: of the descriptors a librarian gave it, those among the five.

Twice: with the whole thesaurus of the base, where every heading is a term before any document carries it, as it is in
all these libraries; and with no heading but those of the documents that are in the base, and then what was never seen
cannot be found. Keywords are in no thesaurus: those of the held-out documents are never told.

Weights are tuned with `--fold 1` … `--fold 4`: that part is then asked for in place of the one held out, which is out
of the base in any case.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from benchmarks import figures
from benchmarks.indexing.corpora import Corpus, Document, corpora, headings_of
from benchmarks.searching.notices import Maker
from catalogue import authorities, history, notices, setup
from catalogue.config import Settings
from catalogue.db import Database, chunks
from catalogue.entities import ConceptRow
from catalogue.notices import NewNotice
from catalogue.text import fold
from catalogue.unimarc import LEADER, Field, Fields
from catalogue.web.subjects import Proposer, Subjects
from indexes import headwords, sync
from indexes.analysis import terms

ASKED = 5
SIZES = {"quick": 10_000, "whole": 100_000}
TERMS = 10_000
MANY = 300  # proposals and completions that are timed
Ask = Callable[[Document], Sequence[str]]


@dataclass
class Told:
    """What one way of proposing has found: `hits` of `wanted` descriptors, and the share of each document."""

    hits: int = 0
    wanted: int = 0
    shares: list[float] = field(default_factory=list)

    def add(self, found: Iterable[str], wanted: frozenset[str]) -> None:
        """`wanted`: some."""
        hits = len({fold(label) for label in found} & wanted)
        self.hits, self.wanted = self.hits + hits, self.wanted + len(wanted)
        self.shares.append(hits / len(wanted))

    def __add__(self, other: Told) -> Told:
        return Told(self.hits + other.hits, self.wanted + other.wanted, self.shares + other.shares)

    @property
    def micro(self) -> float:
        return self.hits / max(self.wanted, 1)

    @property
    def macro(self) -> float:
        """Each document counts as much: the usual measure of automatic indexing."""
        return sum(self.shares) / max(len(self.shares), 1)

    def __str__(self) -> str:
        return f"{self.micro:.3f} / {self.macro:.3f}"


def main() -> None:
    fold_ = int(sys.argv[sys.argv.index("--fold") + 1]) if "--fold" in sys.argv else 0
    every: dict[tuple[str, bool], dict[str, Told]] = {}
    ceilings: dict[str, Told] = {}
    print(f"recall among the first {ASKED}, of all descriptors / by document")
    for corpus in corpora():
        for whole in (True, False):
            told, seen = measured(corpus, fold_, whole=whole)
            every[corpus.name, whole] = told
            if corpus.counted:
                ceilings[corpus.name] = seen
            share = f"seen in the base: {seen.micro:.3f}" if not whole else f"{len(told['ours'].shares)} asked"
            ways = "  ".join(f"{way} {one}" for way, one in told.items())
            print(
                f"{corpus.name:12} {'whole thesaurus' if whole else 'headings seen  '}  {ways}  ({share})", flush=True
            )
    rows = [*_recall(every), _row("share of the descriptors ever seen in the base", _sum(ceilings.values()).micro, "")]
    rows += [] if fold_ else list(_speed("quick" if "--quick" in sys.argv else "whole"))
    figures(rows)


def _row(what: str, value: float, target: str, unit: str = "") -> dict[str, str | float]:
    return {"what": what, "value": round(value, 3), "unit": unit, "target": target}


def _sum(some: Iterable[Told]) -> Told:
    return sum(some, Told())


def _recall(every: dict[tuple[str, bool], dict[str, Told]]) -> Iterator[dict[str, str | float]]:
    counted = {name for name, _whole in every if Corpus(name, ()).counted}

    def over(way: str, whole: bool = True) -> Told:
        return _sum(told[way] for (name, w), told in every.items() if name in counted and w is whole)

    best = max(over("labels").macro, over("most used").macro)
    yield _row("recall among the first five, by document", over("ours").macro, ">= 0.5")
    yield _row("the same, of all descriptors", over("ours").micro, "")
    yield _row("… documents with an abstract, by document", over("with abstract").macro, "")
    yield _row("… without, by document", over("without").macro, "")
    yield _row(
        "beside it: labels that occur in the text, by document", over("labels").macro, f"< {over('ours').macro:.3f}"
    )
    yield _row(
        "beside it: the most used descriptors, by document", over("most used").macro, f"< {over('ours').macro:.3f}"
    )
    yield _row("how many times the better of the two", over("ours").macro / max(best, 0.001), ">= 1")
    yield _row("free keywords counted too, by document", over("and keywords").macro, "")
    yield _row("with no heading but those already seen, by document", over("ours", False).macro, "")
    yield _row("the same, of all descriptors", over("ours", False).micro, "")
    for (name, whole), told in every.items():
        if whole:
            what = f"{name}: by document" + ("" if name in counted else " (not counted above)")
            yield _row(what, told["ours"].macro, "")
            yield _row(f"{name}: of all descriptors", told["ours"].micro, "")


# --- recall --------------------------------------------------------------------------------------


def measured(corpus: Corpus, fold_: int, *, whole: bool) -> tuple[dict[str, Told], Told]:
    """What each way has found, and how many of the descriptors wanted are in the base at all."""
    base = [d for d in corpus.documents if d.part not in (0, fold_)]
    asked = [d for d in corpus.documents if d.part == fold_]
    names = headings_of(corpus.documents if whole else base)
    told = {way: Told() for way in ("ours", "labels", "most used", "with abstract", "without", "and keywords")}
    seen, carried = Told(), {one for d in base for one in d.descriptors}
    with made_base(base, names, corpus.terms) as (database, index), database.read() as session:
        subjects = Subjects()
        proposer = Proposer(session, lambda: index, subjects)
        known = subjects.known(session)

        def ours(d: Document) -> list[str]:
            return [one.label for one in proposer.propose(d.title, d.abstract, ASKED)]

        for d in asked:
            found = ours(d)
            told["and keywords"].add(found, d.all_words)
            if d.descriptors:
                told["ours"].add(found, d.descriptors)
                told["with abstract" if d.abstract else "without"].add(found, d.descriptors)
                told["labels"].add(in_the_text(known, d), d.descriptors)
                told["most used"].add(most_used(base), d.descriptors)
                seen.add(d.descriptors & carried, d.descriptors)
    return told, seen


def in_the_text(known: headwords.Headwords, d: Document) -> list[str]:
    """The plain method: the names that stand whole in the text, the longest and most used first."""
    said = known.said_in(terms(d.title), terms(d.abstract))
    held = [(n, known.heads[int(known.head_of[n])]) for n in (said.anywhere > 0.999).nonzero()[0].tolist()]
    order = sorted(held, key=lambda one: (-len(known.stems[one[0]]), -one[1].notices, one[1].label))
    return list(dict.fromkeys(head.label for _n, head in order))[:ASKED]


def most_used(base: Sequence[Document]) -> list[str]:
    counts = Counter(one for d in base for one in d.descriptors)
    return [one for one, _n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:ASKED]]


@contextmanager
def made_base(
    documents: Iterable[Document], names: Sequence[str], more: Iterable[tuple[str, tuple[str, ...]]] = ()
) -> Iterator[tuple[Database, sync.Index]]:
    """A base with these documents and this thesaurus, and its index."""
    synonyms: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    spelt = {fold(name): name for name in names}
    for name, others in more:
        if fold(name):
            synonyms[spelt.setdefault(fold(name), name)] = others
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder))
        setup.init(settings)
        database = Database(settings.url)
        rows = [
            ConceptRow(f"#{n}", {"fr": name}, tuple(("fr", other) for other in others))
            for n, (name, others) in enumerate(synonyms.items())
        ]
        with database.write() as session:
            authorities.load_scheme(session, "base", "", {"fr": "Thésaurus"}, rows)
        for part in chunks(list(documents)):
            with database.write() as session:
                batch = history.open_batch(session, "import", by="bench")
                notices.create_many(session, [NewNotice(fields_of(d), status="published") for d in part], batch=batch)
        sync.rebuild(database.read_session, settings.index_dir)
        index = sync.open_index(settings.index_dir)
        try:
            yield database, index
        finally:
            index.close()
            database.close()


def fields_of(d: Document) -> Fields:
    def of(tag: str, text: str) -> Field:
        return {"t": tag, "i": "  ", "s": [["a", text]]}

    out: Fields = [{"t": "000", "v": LEADER}, of("200", d.title)]
    out += [of("330", d.abstract)] if d.abstract else []
    return [*out, *(of("606", heading) for heading in d.headings), *(of("610", word) for word in d.keywords)]


# --- speed ---------------------------------------------------------------------------------------


def _speed(size: str) -> Iterator[dict[str, str | float]]:
    """On a great base, whose notices are made by rule."""
    n = SIZES[size]
    themes = list(dict.fromkeys(theme for doc in Maker().notices(2_000) for theme in doc.themes))
    more = [f"{first} et {second.lower()}" for first in themes[:120] for second in themes[:120] if first != second]
    documents = (Document(doc.title, doc.abstract, doc.themes, ()) for doc in Maker().notices(n))
    with made_base(documents, [*themes, *more][:TERMS]) as (database, index), database.read() as session:
        subjects = Subjects()
        begun = time.perf_counter()
        subjects.known(session)
        read = time.perf_counter() - begun
        tracemalloc.start()
        kept = headwords.read(session)
        memory = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        del kept
        proposer = Proposer(session, lambda: index, subjects)
        asked = list(Maker(seed=7).notices(MANY))
        proposer.propose(asked[0].title, asked[0].abstract)
        proposed = [_timed(lambda d=d: proposer.propose(d.title, d.abstract)) for d in asked]  # type: ignore[misc]
        begins = [theme[: 3 + n % 6] for n, theme in enumerate(themes[:MANY])]
        typed = [_timed(lambda t=t: Proposer(session, lambda: index, subjects).complete(t)) for t in begins]  # type: ignore[misc]
    name = f"{n} notices, {TERMS} terms"
    yield _row(f"{name}: five proposals, median", median(proposed), "", "ms")
    yield _row(f"{name}: five proposals, 95th percentile", quantiles(proposed, n=20)[-1], "<= 100", "ms")
    yield _row(f"{name}: terms while typing, 95th percentile", quantiles(typed, n=20)[-1], "<= 100", "ms")
    yield _row(f"{name}: reading the terms, in the background", read, "", "s")
    yield _row(f"{name}: memory for the terms", memory, "", "MB")


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
