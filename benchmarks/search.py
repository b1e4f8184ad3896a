"""How long a search takes inside the process, per kind of question, on real notices.

Two bases are built through the `travee` command in a directory of their own: the demonstration base and,
where the sample of a public library lies beside the project, that import; the latter then once more, many
times over, since what is slow in an index shows on a large one. The questions come from what the base holds,
always the same ones. Each kind is asked cold (nothing read yet) and warm; then the words, pairs, phrases and
prefixes are put to our block reader and to Whoosh's own searcher, on the same index in the same run: the
total and twenty documents from each. Ours gives the counts of six filters too when the line says so.

Not in these times: the SQL that fetches the twenty notices, and the template.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from whoosh import query as wq
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.searching import Searcher

from benchmarks import figures
from catalogue import notices
from catalogue.config import Settings
from catalogue.db import Database, chunks
from catalogue.models import Notice
from demo.build import write_base
from indexes import directory, documents, sync
from indexes.analysis import tokens
from indexes.grammar import Phrase, Word, parse
from indexes.queries import search
from indexes.reader import Index
from indexes.schema import SCHEMA, IndexDoc

HERE = Path(__file__).parents[1]
SAMPLE = HERE.parent / "shared/data/unimarc/roubaix_bib_2383.mrc.gz"
FACETED = {"kind": ["book", "report", "article"], "language": ["fre"]}
SLOWEST = "< 99"  # ms: the median search of the PMB it replaces, on 2,424 records of its own
VISIBLE = "<= 150"  # ms: one saved notice found by the next search


@dataclass
class Asked:
    """One kind of question."""

    what: str
    texts: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


def main() -> None:
    quick = "--quick" in sys.argv
    rounds, n, times = (3, 8, 5) if quick else (15, 25, 20)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        export = home / "demo.pmb.xml"
        write_base(export)
        more, docs = measure("demo", export, home / "demo", rounds=rounds, n=n)
        rows += more
        if SAMPLE.exists():
            more, docs = measure("library", SAMPLE, home / "library", rounds=rounds, n=n)
            rows += more
        else:
            print("The sample of a public library is not there: the demonstration base alone.")
        rows += measure_large(docs, times, home / "large", rounds=rounds, n=n)
    figures(rows)


def measure(name: str, file: Path, data: Path, *, rounds: int, n: int) -> tuple[list[dict[str, Any]], list[IndexDoc]]:
    build(file, data)
    settings = Settings(data_dir=data)
    database = Database(settings.url)
    index = sync.open_index(settings.index_dir)
    try:
        docs = read_all(database)
        rows = [told(name, index, len(docs))]
        kinds = questions(docs, n)
        rows += ask_all(name, index, kinds, rounds)
        rows += beside_whoosh(name, index, kinds, rounds)
        rows.append(rebuilt(name, database, index))
        rows.append(saved_then_found(name, database, index, docs[: min(20, len(docs))]))
        return rows, docs
    finally:
        index.close()
        database.close()


def measure_large(docs: Sequence[IndexDoc], times: int, path: Path, *, rounds: int, n: int) -> list[dict[str, Any]]:
    """The same notices many times over, straight into an index: only searching is measured."""
    index = sync.open_index(path)
    many = [
        replace(doc, notice_id=doc.notice_id + turn * 1_000_000, identifiers=() if turn else doc.identifiers)
        for turn in range(times)
        for doc in docs
    ]
    with directory.write_lock(path):
        took, _nothing = timed(partial(sync.write, index.snapshot(), many, replaced=[]))
    name = "large"
    rows = [told(name, index, len(many)), figure(name, "indexed", len(many) / (took / 1000), "notices/s")]
    kinds = questions(docs, n)
    rows += ask_all(name, index, kinds, rounds)
    return rows + beside_whoosh(name, index, kinds, rounds)


def told(name: str, index: Index, n: int) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in index.directory.rglob("*") if path.is_file()) / 1e6
    print(f"\n== {name}: {n} notices, index of {size:.1f} MB")
    return figure(name, "index on disk", size, "MB")


def build(file: Path, data: Path) -> None:
    """The base as an administrator makes it: three commands."""
    environment = {**os.environ, "TRAVEE_DATA_DIR": str(data), "TRAVEE_LANGUAGE": "en"}
    for words in (["init"], ["import", str(file)], ["index", "sync"]):
        command = [sys.executable, "-m", "catalogue.cli", *words]
        done = subprocess.run(command, env=environment, cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 3):  # 3: done in part, records that were refused are told
            raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def read_all(database: Database) -> list[IndexDoc]:
    with database.read() as session:
        ids = session.scalars(select(Notice.id).where(Notice.status == "published").order_by(Notice.id))
        return [doc for part in chunks(list(ids)) for doc in documents.read(session, part)]


# -- the questions ------------------------------------------------------------------------------


def questions(docs: Sequence[IndexDoc], n: int) -> list[Asked]:
    """`n` of each kind, chosen by a seed from what the notices say."""
    choose = random.Random(2024)
    held = Counter(word for doc in docs for word in {*words_of(doc.title), *words_of(doc.abstract)})
    common = [word for word, _count in held.most_common(n)]
    titled = [doc for doc in docs if len(words_of(doc.title)) >= 3]
    drawn = choose.sample(titled, min(n, len(titled)))
    pairs = [" ".join(choose.sample(words_of(doc.title), 2)) for doc in drawn]
    authors = sorted({doc.agents[0] for doc in docs if doc.agents})
    isbns = sorted({i for doc in docs for i in doc.identifiers if i.isdigit() and len(i) == 13})
    typed = [misspelt(max(words_of(doc.title), key=len), choose) for doc in drawn]
    years = sorted({doc.year for doc in docs if doc.year})
    span = f"{years[len(years) // 3]}-{years[-1]}" if years else "2000-2024"
    return [
        Asked("one common word", common),
        Asked("two words", pairs),
        Asked("phrase", [f'"{opening(doc.title)}"' for doc in drawn]),
        Asked("word, filter and years", common, {"filters": {"kind": ["book"], "year": [span]}, "sort": "newest"}),
        Asked("word, five facets ticked", common, {"filters": {**FACETED, "scope": ["local"], "year": [span]}}),
        Asked("author", [f"auteur:{' auteur:'.join(words_of(a)[:2])}" for a in some(authors, n, choose)]),
        Asked("isbn", some(isbns, n, choose)),
        Asked("prefix", [f"{word[:4]}*" for word in common if len(word) > 4]),
        Asked("typo, with its correction", typed),
        Asked("newest of all", [""], {"sort": "newest"}),
    ]


def words_of(text: str) -> list[str]:
    found = (token for token in tokens(text) if not token.stop and len(token.word) > 2)
    return list(dict.fromkeys(token.word for token in found))


def opening(title: str) -> str:
    """The first words of a title, up to its third that counts."""
    counted = [token.end for token in tokens(title) if not token.stop]
    return title[: counted[min(2, len(counted) - 1)]].replace('"', " ")


def misspelt(word: str, choose: random.Random) -> str:
    at = choose.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :] + "e"


def some(values: Sequence[str], n: int, choose: random.Random) -> list[str]:
    return choose.sample(list(values), min(n, len(values)))


# -- the times ----------------------------------------------------------------------------------


def ask_all(name: str, index: Index, kinds: Sequence[Asked], rounds: int) -> list[dict[str, Any]]:
    rows = []
    print(f"{'ms':<32}{'cold':>8}{'median':>8}{'p95':>8}{'found':>8}")
    for kind in kinds:
        if not kind.texts:
            continue
        index.close()  # cold: this process has read nothing of the index yet
        index.snapshot()
        cold = [timed(partial(search, index, text, **kind.options))[0] for text in kind.texts]
        warm: list[float] = []
        totals: list[int] = []
        for _ in range(rounds):
            for text in kind.texts:
                took, hits = timed(partial(search, index, text, **kind.options))
                warm.append(took)
                totals.append(hits.total)
        median, slow = statistics.median(warm), p95(warm)
        found = statistics.median(totals)
        print(f"{kind.what:<32}{statistics.median(cold):>8.2f}{median:>8.2f}{slow:>8.2f}{found:>8.0f}")
        rows.append(figure(name, f"{kind.what}, median", median, "ms"))
        rows.append(figure(name, f"{kind.what}, p95", slow, "ms", SLOWEST))
        rows.append(figure(name, f"{kind.what}, first time", statistics.median(cold), "ms"))
    return rows


def beside_whoosh(name: str, index: Index, kinds: Sequence[Asked], rounds: int) -> list[dict[str, Any]]:
    """How many times faster than Whoosh's own searcher our reader gives a total and twenty documents."""
    rows = []
    print(f"{'median, ms':<32}{'Whoosh':>8}{'ours':>8}{'ratio':>8}")
    with FileIndex(FileStorage(str(index.snapshot().path)), SCHEMA).searcher() as searcher:
        for kind in kinds:
            if kind.what not in ("one common word", "two words", "phrase", "prefix"):
                continue
            asked = [(text, whoosh_query(text)) for text in kind.texts]
            theirs, plain, counted = list[float](), list[float](), list[float]()
            for _ in range(max(2, rounds // 3)):
                for text, query in asked:
                    theirs.append(timed(partial(first_page, searcher, query))[0])
                    plain.append(timed(partial(search, index, text, facets=False))[0])
                    counted.append(timed(partial(search, index, text))[0])
            for what, ours in ((kind.what, plain), (f"{kind.what}, with counts", counted)):
                a, b = statistics.median(theirs), statistics.median(ours)
                print(f"{what:<32}{a:>8.2f}{b:>8.2f}{a / b:>8.1f}")
                rows.append(figure(name, f"{what}, times faster than Whoosh's searcher", a / b, "x"))
    return rows


def first_page(searcher: Searcher, query: wq.Query) -> int:
    """Twenty documents and how many there are, which a page says."""
    return len(searcher.search(query, limit=20))


def whoosh_query(text: str) -> wq.Query:
    """The same question as Whoosh would be asked."""
    parts: list[wq.Query] = []
    for clause in parse(text).positive:
        if isinstance(clause, Phrase):
            reach = max(b - a for a, b in zip(clause.distances, clause.distances[1:], strict=False))
            parts.append(wq.Phrase("all", [word.term for word in clause.words], slop=reach))
        elif isinstance(clause, Word):
            parts.append(wq.Prefix("all", clause.word) if clause.prefix else wq.Term("all", clause.term))
    return parts[0] if len(parts) == 1 else wq.And(parts)


def rebuilt(name: str, database: Database, index: Index) -> dict[str, Any]:
    took, n = timed(partial(sync.rebuild, database.read_session, index.directory))
    print(f"rebuilt: {n} notices in {took / 1000:.1f} s")
    return figure(name, "rebuild", n / (took / 1000), "notices/s")


def saved_then_found(name: str, database: Database, index: Index, docs: Sequence[IndexDoc]) -> dict[str, Any]:
    """From the end of the transaction that saved a notice to the answer that shows it."""
    times = []
    for number, doc in enumerate(docs):
        with database.write() as session:
            notice = notices.get(session, doc.notice_id)
            changed = [*notice.fields, {"t": "610", "i": "0 ", "s": [["a", f"zorglub{number}"]]}]
            notices.revise(session, notice, changed, by="benchmark")
        took, total = timed(partial(drain_and_count, database, index, f"zorglub{number}"))
        assert total == 1
        times.append(took)
    print(f"saved, then found: median {statistics.median(times):.1f} ms, p95 {p95(times):.1f} ms")
    return figure(name, "one saved notice found by the next search, p95", p95(times), "ms", VISIBLE)


def drain_and_count(database: Database, index: Index, text: str) -> int:
    sync.drain(database.read_session, index)
    return search(index, text).total


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = act()
    return (time.perf_counter() - began) * 1000, result


def p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def figure(base: str, what: str, value: float, unit: str, target: str = "") -> dict[str, Any]:
    return {"what": f"{base}: {what}", "value": round(value, 2), "unit": unit, "target": target}


if __name__ == "__main__":
    main()
