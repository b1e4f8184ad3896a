"""How well two descriptions of one document are recognised, and two documents told apart: `dev.py bench matching`.

Our rules and RecordManager's published ones decide the same pairs (`pairs.annotated`). Counted: pairs of one document
recognised by the machine alone, left to a person, or missed; pairs of two documents merged by the machine, which may
not happen. By sort of document, by origin of the pair, and for the half of the documents that no rule was tuned on.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from benchmarks import figures
from benchmarks.pairs import annotated, recordmanager
from benchmarks.pairs.annotated import Pair
from catalogue.matching import DOUBT, SAME, compare, describe, keys

Told = Counter[str]
SHOWN = 20  # mistakes named one by one


def main() -> None:
    quick = "--quick" in sys.argv
    measured = annotated.made(quick=quick)
    for sentence in measured.told:
        print(sentence)
    pairs = measured.pairs
    ours = [_ours(pair) for pair in pairs]
    theirs = list(_theirs(pairs))
    _table("by sort of document", pairs, ours, theirs, lambda p: p.sort)
    _table("by origin of the pair", pairs, ours, theirs, lambda p: p.origin)
    _table("by part", pairs, ours, theirs, lambda p: "held out" if p.held_out else "development")
    wrong = [pair for pair, outcome in zip(pairs, ours, strict=True) if outcome == SAME and not pair.same]
    for pair in wrong[:SHOWN]:
        print("merged by mistake:", pair.left.ref, pair.right.ref)
    whole = _counted(zip(pairs, ours, strict=True))
    held = _counted((p, o) for p, o in zip(pairs, ours, strict=True) if p.held_out)
    beaten, alone, sorts = _beaten(pairs, ours, theirs)
    speed = _speed(pairs)
    wanted = ">= 1000" if quick or whole["real"] == 0 else ">= 30000"
    figures(
        [
            _row("different pairs that the keys bring together", whole["different"], "pairs", wanted),
            _row("of them, of two real records", whole["real different"], "pairs", ""),
            _row("true and hard pairs of real records", whole["real"], "pairs", ">= 2000" if whole["real"] else ""),
            _row("false automatic merges", whole["merged"], "pairs", "= 0"),
            _row("recall, doubts counted", _recall(whole, with_doubt=True), "", ">= 0.95"),
            _row("recall, automatic", _recall(whole), "", ">= 0.85"),
            _row("doubts among the same pairs", _share(whole, "doubt"), "", "<= 0.05"),
            _row("doubts among the different pairs, per same pair", _share(whole, "asked"), "", ""),
            _row("held out: false automatic merges", held["merged"], "pairs", "= 0"),
            _row("held out: recall, doubts counted", _recall(held, with_doubt=True), "", ">= 0.95"),
            _row("held out: recall, automatic", _recall(held), "", ">= 0.85"),
            _row("held out: doubts among the same pairs", _share(held, "doubt"), "", "<= 0.05"),
            _row("sorts of document where RecordManager is beaten", beaten, f"of {sorts}", f"= {sorts}"),
            _row("the same, our doubts counted as missed", alone, f"of {sorts}", ""),
            _row("describing a notice", speed["describe"], "µs", ""),
            _row("keys of a notice", speed["keys"], "µs", "< 100"),
            _row("comparing two notices", speed["compare"], "µs", "< 50"),
        ]
    )


def _row(what: str, value: float, unit: str, target: str) -> dict[str, str | float]:
    return {"what": what, "value": value, "unit": unit, "target": target}


def _ours(pair: Pair) -> str:
    """What our matching says of a pair: « unmet » when no key brings it together."""
    a, b = pair.left.described, pair.right.described
    return "unmet" if set(keys(a)).isdisjoint(keys(b)) else compare(a, b).outcome


def _theirs(pairs: Iterable[Pair]) -> Iterator[str]:
    """What RecordManager would say, each record read once."""
    known: dict[str, recordmanager.Known] = {}
    for pair in pairs:
        for e in (pair.left, pair.right):
            if e.ref not in known:
                known[e.ref] = recordmanager.known(e.fields)
        a, b = known[pair.left.ref], known[pair.right.ref]
        met = not set(recordmanager.keys(a)).isdisjoint(recordmanager.keys(b))
        yield SAME if met and recordmanager.is_same(a, b) else "no"


# --- counting --------------------------------------------------------------------------------


def _counted(decided: Iterable[tuple[Pair, str]]) -> Told:
    """`auto`, `doubt` and `missed` of the same pairs; `merged` and `asked` of the different ones."""
    told: Told = Counter()
    for pair, outcome in decided:
        told["same" if pair.same else "different"] += 1
        told["real"] += pair.origin.startswith(("formats", "judged", "neighbours"))
        told["real different"] += pair.origin == "neighbours"
        if pair.same:
            told["auto" if outcome == SAME else "doubt" if outcome == DOUBT else "missed"] += 1
        else:
            told["merged" if outcome == SAME else "asked" if outcome == DOUBT else "apart"] += 1
    return told


def _recall(told: Told, *, with_doubt: bool = False) -> float:
    return round((told["auto"] + with_doubt * told["doubt"]) / max(told["same"], 1), 4)


def _share(told: Told, what: str) -> float:
    return round(told[what] / max(told["same"], 1), 4)


def _by(pairs: Sequence[Pair], outcomes: Sequence[str], name: Callable[[Pair], str]) -> Mapping[str, Told]:
    groups: defaultdict[str, list[tuple[Pair, str]]] = defaultdict(list)
    for pair, outcome in zip(pairs, outcomes, strict=True):
        groups[name(pair)].append((pair, outcome))
    return {group: _counted(decided) for group, decided in sorted(groups.items())}


def _table(
    title: str, pairs: Sequence[Pair], ours: Sequence[str], theirs: Sequence[str], name: Callable[[Pair], str]
) -> None:
    """Ours, then RecordManager's recall (R) and false merges (F)."""
    mine, other = _by(pairs, ours, name), _by(pairs, theirs, name)
    heads = "  same    auto  +doubt       R | different merged  asked      F"
    print(f"\n{title:28} {heads}")
    for group, told in mine.items():
        recalls = f"{_recall(told):7.3f} {_recall(told, with_doubt=True):7.3f} {_recall(other[group]):7.3f}"
        recalls = recalls if told["same"] else f"{'':23}"
        wrong = f"{told['different']:9} {told['merged']:6} {told['asked']:6} {other[group]['merged']:6}"
        print(f"{group:28} {told['same']:6} {recalls} | {wrong if told['different'] else ''}")


def _beaten(pairs: Sequence[Pair], ours: Sequence[str], theirs: Sequence[str]) -> tuple[int, int, int]:
    """In how many sorts we find more than RecordManager, and merge no more wrongly; by the machine alone; of how many.

    RecordManager asks nobody: what it finds is merged, and what it merges wrongly too. We leave to a person what it
    merges at a risk: what that finds counts, and the second figure says how it would be without.
    """
    mine, other = _by(pairs, ours, lambda p: p.sort), _by(pairs, theirs, lambda p: p.sort)

    def better(sort: str, told: Told, with_doubt: bool) -> bool:
        found = _recall(told, with_doubt=with_doubt) > _recall(other[sort])
        return found and told["merged"] <= other[sort]["merged"]

    beaten, alone = (sum(better(sort, told, doubts) for sort, told in mine.items()) for doubts in (True, False))
    return beaten, alone, len(mine)


def _speed(pairs: Sequence[Pair]) -> Mapping[str, float]:
    """Microseconds a piece, over some thousands of pairs."""
    some = pairs[:: max(len(pairs) // 4_000, 1)]

    def timed(work: Callable[[Pair], object]) -> float:
        start = time.process_time()
        for pair in some:
            work(pair)
        return round((time.process_time() - start) / len(some) * 1e6, 1)

    return {
        "describe": timed(lambda p: describe(p.left.fields)),
        "keys": timed(lambda p: keys(p.left.described)),
        "compare": timed(lambda p: compare(p.left.described, p.right.described)),
    }


if __name__ == "__main__":
    main()
