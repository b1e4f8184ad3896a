"""How long a search takes inside the engine, beside tantivy (Lucene's kind, in Rust) and text-book Whoosh.

The same notices made by rule, the same two hundred questions, one run, one thread, CPU time (the machine may have
other things to do): cold, each question the first time after the index was opened; warm, the median of five, ours and
the peer in turn. Of each kind the 95th percentile is told. Not counted: the SQL for the shown notices, and the
template. Highlights are made by the same hands for ours and for tantivy, and where no document has all the words both
go on looking: for what resembles the words that may be slips, then for any of the words.

Text-book Whoosh is asked on the smaller base only, a page at a time: it takes seconds.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import figures
from benchmarks.known import quality
from benchmarks.searching.notices import Maker
from benchmarks.searching.peers import Ours, Peer, size_of, texts_of
from benchmarks.searching.questions import Asked, known_items, two_hundred
from benchmarks.searching.tantivy_peer import Tantivy
from benchmarks.searching.whoosh_peer import Whoosh
from indexes import speller, suggestions
from indexes.analysis import fold
from indexes.schema import IndexDoc
from indexes.suggestions import suggest

SMALL, LARGE = 20_000, 100_000
ROUNDS = 5
PAGES_OF_WHOOSH = 3
MANY = 40  # prefixes
MANY_READ = {SMALL: 300, LARGE: 600}  # ms: nearly every word of the titles is read
LIMITS = {  # of ours beside tantivy, on the large base: what a search costs in Python does not shrink with a small one
    **{"one common word": 3.0, "rare word": 3.0, "unaccented": 3.0, "inflected": 3.0, "2 to 4 words": 3.0},
    **{"filter and date": 3.0, "newest, nothing typed": 3.0, "phrase": 10.0, "five facets": 1.0, "page": 1.0},
}
TYPO_FOUND = {SMALL: 0.85, LARGE: 0.80}
Times = dict[str, list[float]]
Row = dict[str, Any]

WEIGH = """
import re, sys
from pathlib import Path
from indexes import speller, sync
from indexes.queries import search
def most(): return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
index = sync.open_index(Path(sys.argv[1]))
speller.prepare(index.snapshot())
print(most())
for text in sys.argv[2:]:
    search(index, text)
print(most())
"""


def main() -> None:
    sizes = (SMALL,) if "--quick" in sys.argv else (SMALL, LARGE)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            rows += measure(n, Path(folder) / str(n), n_known=150 if "--quick" in sys.argv else 300)
            gc.collect()
    saved = [row["value"] for row in rows if row["what"].endswith("found by the next search, p95")]
    if len(saved) > 1:
        rows.append(figure("one saved notice found, on the large base beside the small", saved[1] / saved[0], "x", ""))
    figures(rows)


def measure(n: int, folder: Path, *, n_known: int) -> list[Row]:
    docs = list(Maker().notices(n))
    texts = texts_of(docs)
    questions = two_hundred(docs)
    items = known_items(docs, n_known)
    ours, peer = Ours(folder / "ours", texts), Tantivy(folder / "tantivy", texts)
    print(f"\n== {n} notices")
    rates = {engine.name: built(engine, docs) for engine in (peer, ours)}
    rows = [
        figure(f"{n}: built, records per second of CPU", rates["ours"], "notices/s"),
        figure(f"{n}: built, beside tantivy", rates["ours"] / rates["tantivy"], "x", ">= 0.2"),
        figure(f"{n}: index on disk", size_of(ours.path), "MB"),
        figure(f"{n}: index on disk, tantivy's", size_of(peer.path), "MB"),
    ]
    rows += weighed(n, ours.path, questions)
    cold = {}
    for engine in (ours, peer):
        took, _nothing = spent(partial(reopen, engine))
        if engine is ours:
            rows.append(figure(f"{n}: opened, its dictionaries made (by a thread, when the server starts)", took, "ms"))
        cold[engine.name] = times(engine, questions)
    warm = warmed((ours, peer), questions)
    rows += beside(n, warm, cold)
    if n == SMALL:
        rows += beside_whoosh(n, docs, questions, warm["ours"], folder / "whoosh")
    rows += helped(n, ours, questions)
    rows += found_items(n, ours, peer, items)
    rows += saved_then_found(n, ours, docs)
    return rows


def built(engine: Peer, docs: Sequence[IndexDoc]) -> float:
    rate = len(docs) / (spent(partial(engine.build, docs))[0] / 1000)
    print(f"{engine.name}: {rate:.0f} notices per second of CPU")
    return rate


def weighed(n: int, path: Path, questions: Sequence[Asked]) -> Iterator[Row]:
    """What a web process holds that has answered all the questions once."""
    command = [sys.executable, "-c", WEIGH, str(path), *dict.fromkeys(asked.text for asked in questions)]
    told = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    before, after = map(float, told.stdout.split())
    yield figure(f"{n}: memory of a web process, before the first question", before, "MB")
    yield figure(f"{n}: memory of a web process, after 200 questions", after, "MB")


def reopen(engine: Ours | Tantivy) -> None:
    if isinstance(engine, Ours):
        engine.index.close()
        speller.prepare(engine.index.snapshot())
        suggestions.prepare(engine.index.snapshot())
    else:
        engine.reload()


def times(engine: Peer, questions: Sequence[Asked]) -> Times:
    out: Times = {}
    for asked in questions:
        out.setdefault(asked.kind, []).append(spent(partial(engine.ask, asked))[0])
    return out


def warmed(engines: Sequence[Peer], questions: Sequence[Asked]) -> dict[str, Times]:
    """In turn, so that whatever else the machine does weighs on both."""
    rounds = [{engine.name: times(engine, questions) for engine in engines} for _ in range(ROUNDS)]
    return {name: {kind: _medians([r[name][kind] for r in rounds]) for kind in rounds[0][name]} for name in rounds[0]}


def _medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(each) for each in zip(*rounds, strict=True)]


def beside(n: int, warm: Mapping[str, Times], cold: Mapping[str, Times]) -> Iterator[Row]:
    print(f"{'ms, 95th percentile':<26}{'ours':>9}{'tantivy':>9}{'ratio':>8}{'cold: ours':>12}{'tantivy':>9}")
    for kind, ours in warm["ours"].items():
        a, b = p95(ours), p95(warm["tantivy"][kind])
        first = p95(cold["ours"][kind]), p95(cold["tantivy"][kind])
        print(f"{kind:<26}{a:>9.2f}{b:>9.2f}{a / b:>8.2f}{first[0]:>12.2f}{first[1]:>9.2f}")
        yield figure(f"{n}: {kind}, p95", a, "ms")
        limit = LIMITS.get(kind) if n == LARGE else None
        yield figure(f"{n}: {kind}, beside tantivy", a / b, "x", f"<= {limit}" if limit else "")
    everything = {name: p95([t for kind in told.values() for t in kind]) for name, told in cold.items()}
    yield figure(f"{n}: all questions the first time, p95", everything["ours"], "ms")
    yield figure(
        f"{n}: all questions the first time, beside tantivy", everything["ours"] / everything["tantivy"], "x", "<= 4"
    )


def beside_whoosh(
    n: int, docs: Sequence[IndexDoc], questions: Sequence[Asked], ours: Times, path: Path
) -> Iterator[Row]:
    whoosh = Whoosh(path, {})
    yield figure(f"{n}: text-book Whoosh built, records per second of CPU", built(whoosh, docs), "notices/s")
    for kind in ("page", "one common word"):
        asked = [a for a in questions if a.kind == kind][:PAGES_OF_WHOOSH]
        theirs = max(spent(partial(whoosh.ask, each))[0] for each in asked)
        print(f"{kind}: text-book Whoosh {theirs:.0f} ms, ours {p95(ours[kind]):.1f} ms")
        target = ">= 50" if kind == "page" else ""
        yield figure(f"{n}: {kind}, times faster than text-book Whoosh", theirs / p95(ours[kind]), "x", target)


def helped(n: int, ours: Ours, questions: Sequence[Asked]) -> Iterator[Row]:
    """A word corrected (the whole search is counted), something proposed while somebody types; many beginnings of words
    at once, which no visitor types, but a program may."""
    typed = [
        asked.text[:size] for asked in questions if asked.kind in ("unaccented", "2 to 4 words") for size in (2, 3, 5)
    ]
    for _ in range(2):
        proposed = [spent(partial(suggest, ours.index, text))[0] for text in typed]
    yield figure(f"{n}: suggestion of a word or theme, p95", p95(proposed), "ms", "<= 20")
    corrected = [spent(partial(ours.ask, asked))[0] for asked in questions if asked.kind == "typo"]
    yield figure(f"{n}: a search whose word is corrected, p95", p95(corrected), "ms", "<= 20")
    reopen(ours)
    begun = dict.fromkeys(fold(word)[:2] for asked in questions for word in asked.text.split() if word.isalpha())
    prefixes = Asked("prefix", " ".join(f"titre:{letters}*" for letters in list(begun)[:MANY]))
    took, _answer = spent(partial(ours.ask, prefixes))
    yield figure(f"{n}: many prefixes, the first time", took, "ms", f"<= {MANY_READ[n]}")
    yield figure(f"{n}: many prefixes, again", spent(partial(ours.ask, prefixes))[0], "ms", "<= 30")


def found_items(n: int, ours: Ours, peer: Tantivy, items: Sequence[Any]) -> Iterator[Row]:
    told = {
        form: {engine.name: quality(engine.known, items, form)[1] for engine in (ours, peer)}
        for form in ("clean", "typo")
    }
    print(f"known items, mean reciprocal rank: {told}")
    yield figure(f"{n}: known item, clean", told["clean"]["ours"], "", f">= {told['clean']['tantivy'] - 0.02:.3f}")
    yield figure(f"{n}: known item, typo", told["typo"]["ours"], "", f">= {TYPO_FOUND[n]}")
    yield figure(f"{n}: known item, typo, tantivy's", told["typo"]["tantivy"], "")


def saved_then_found(n: int, ours: Ours, docs: Sequence[IndexDoc], turns: int = 60) -> Iterator[Row]:
    """From a notice at hand to the answer that shows it; ours keeps no writer open."""

    def save_and_find(turn: int) -> int:
        doc = docs[turn * 37]
        ours.save(replace(doc, title=f"{doc.title} zorglub{turn}"))
        return ours.ask(Asked("one common word", f"zorglub{turn}")).total

    told = [spent(partial(save_and_find, turn)) for turn in range(turns)]
    assert all(total == 1 for _took, total in told)
    taken = [took for took, _total in told]
    print(f"saved, then found: median {statistics.median(taken):.0f} ms, p95 {p95(taken):.0f}, worst {max(taken):.0f}")
    yield figure(f"{n}: one saved notice found by the next search, p95", p95(taken), "ms", "<= 150")


def spent(act: Callable[[], Any]) -> tuple[float, Any]:
    """CPU milliseconds of this process."""
    began = time.process_time()
    result = act()
    return (time.process_time() - began) * 1000, result


def p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def figure(what: str, value: float, unit: str, target: str = "") -> Row:
    return {"what": what, "value": round(value, 3), "unit": unit, "target": target}


if __name__ == "__main__":
    main()
