"""Asking the index: one call gives the page's documents, what filters would leave, and a correction.

`search` never raises for what a visitor typed. Visitors are shown published notices only (`status`
"published", the default); staff may ask for another status, or for "any".
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexes import nearness, speller
from indexes.evaluation import Matches, evaluate
from indexes.facets import KEYS, Mask
from indexes.grammar import Query, parse, year_range
from indexes.reader import Index, Leaf, Snapshot
from indexes.widening import Widening

__all__ = ["KEYS", "SORTS", "Hit", "Hits", "Query", "Widening", "parse", "search", "year_range"]

SORTS = ("relevance", "newest", "added", "title")
Rank: TypeAlias = "float | str"
Ranks: TypeAlias = "NDArray[np.float64] | NDArray[np.int64]"
FACET_VALUES = 50  # of each facet, unless all are asked for
NO_FILTERS: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True)
class Hit:
    notice_id: int
    score: float


@dataclass(frozen=True)
class Hits:
    """What was found.

    `facets` has, for each filter, its values and what ticking one more of them would leave: the other filters
    count, its own does not. Most frequent first, years latest first; `facet_sizes` says how many values there
    are in all. `relaxed`: no document had all the words, these have some of them. `terms`: for highlighting.
    """

    total: int = 0
    hits: list[Hit] = field(default_factory=list)
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    facet_sizes: dict[str, int] = field(default_factory=dict)
    suggestion: str | None = None
    relaxed: bool = False
    took_ms: float = 0.0
    terms: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def search(
    index: Index,
    query_text: str,
    *,
    filters: Mapping[str, Sequence[str]] = NO_FILTERS,
    status: str = "published",
    sort: str = "relevance",
    offset: int = 0,
    limit: int = 20,
    facets: bool = True,
    facet_limit: int | None = FACET_VALUES,
    widenings: Sequence[Widening] = (),
) -> Hits:
    """Search. `filters`: of `facets.KEYS`; several values of one are alternatives, several filters add up.

    `scope` "local" is « Notre fonds »; "network" is « Tout le réseau », which is everything. `year` takes
    « 2018 », « 2018-2024 », « 2018- » or « -2010 ». `sort`: "newest" by year of publication, "added" by day
    of arrival, "title" as titles are filed. `widenings`: what the thesaurus adds to the words.
    """
    began = time.perf_counter()
    if unknown := set(filters) - set(KEYS):
        raise ValueError(f"no such filter: {', '.join(sorted(unknown))}")
    if sort not in SORTS:
        raise ValueError(f"no such order: {sort}")
    query = parse(query_text)
    snapshot = index.snapshot()
    query, matches, suggestion, relaxed = _matches(snapshot, query, status, widenings)
    wanted = {key: tuple(values) for key, values in filters.items() if values}
    passed = [_pass(leaf, found, wanted) for leaf, found in zip(snapshot.leaves, matches, strict=True)]
    kept = [_kept(found, masks) for found, masks in zip(matches, passed, strict=True)]
    counts = {key: _counts(key, snapshot, matches, passed) for key in KEYS} if facets else {}
    order = "newest" if sort == "relevance" and not (query.positive or query.whole) else sort
    if order == "relevance" and limit:
        kept = nearness.refined(snapshot, query, kept)
    return Hits(
        total=sum(len(found.ids) for found in kept),
        hits=_page(snapshot, kept, order, max(0, offset), max(0, limit)),
        facets={key: _ordered(key, values, facet_limit) for key, values in counts.items()},
        facet_sizes={key: len(values) for key, values in counts.items()},
        suggestion=suggestion,
        relaxed=relaxed,
        took_ms=round((time.perf_counter() - began) * 1000, 2),
        terms=query.terms,
        ignored=query.ignored,
    )


def _matches(
    snapshot: Snapshot, query: Query, status: str, widenings: Sequence[Widening]
) -> tuple[Query, list[Matches], str | None, bool]:
    """What the words ask for, before any filter: the question as it was answered, the documents, the same question
    as a text if words of it had to be corrected, and whether any of its words was enough.

    A document with all the words comes before anything else; then one with all of them once corrected; then any.
    """
    asked, found = query, _visible(snapshot, evaluate(snapshot, query, every=True, widenings=widenings), status)
    if not query.positive or _any(found):
        return query, found, None, False
    suggestion = speller.corrected(snapshot, query, status)
    if suggestion:
        asked, widenings = parse(suggestion), ()
        found = _visible(snapshot, evaluate(snapshot, asked, every=True), status)
        if _any(found):
            return asked, found, suggestion, False
    if len(query.positive) > 1:
        loose = _visible(snapshot, evaluate(snapshot, asked, every=False, widenings=widenings), status)
        if _any(loose):
            return asked, loose, suggestion, True
    return query, found, None, False


def _any(found: Iterable[Matches]) -> bool:
    return any(len(matches.ids) for matches in found)


def _visible(snapshot: Snapshot, matches: list[Matches], status: str) -> list[Matches]:
    return [
        _kept(found, {"status": leaf.visible(status)[found.ids]})
        for leaf, found in zip(snapshot.leaves, matches, strict=True)
    ]


def _pass(leaf: Leaf, found: Matches, wanted: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    """For each filter in use, which of the documents found get through it."""
    return {key: _mask(leaf, key, values)[found.ids] for key, values in wanted.items()}


def _mask(leaf: Leaf, key: str, values: Sequence[str]) -> Mask:
    if key == "scope" and "network" in values:
        return np.ones(leaf.segment.size, np.bool_)
    if key == "year":
        years = leaf.columns.years
        out = np.zeros(leaf.segment.size, np.bool_)
        for first, last in filter(None, map(year_range, values)):
            out |= (years >= first) & (years <= last)
        return out
    return leaf.columns.facets[key].mask(set(values))


def _kept(found: Matches, masks: Mapping[str, Mask]) -> Matches:
    for_all = _all(masks.values())
    return found if for_all is None else Matches(found.ids[for_all], found.scores[for_all])


def _all(masks: Iterable[Mask]) -> Mask | None:
    out: Mask | None = None
    for mask in masks:
        out = mask if out is None else out & mask
    return out


def _counts(key: str, snapshot: Snapshot, matches: list[Matches], passed: list[dict[str, Mask]]) -> Counter[str]:
    """The values of one facet among the documents that get through the other filters."""
    counts: Counter[str] = Counter()
    total = 0
    for leaf, found, masks in zip(snapshot.leaves, matches, passed, strict=True):
        ids = _kept(found, {other: mask for other, mask in masks.items() if other != key}).ids
        total += len(ids)
        counts.update(leaf.columns.facets[key].counts(ids))
    return Counter(local=counts["local"], network=total) if key == "scope" else counts


def _ordered(key: str, counts: Counter[str], limit: int | None) -> list[tuple[str, int]]:
    if key == "scope":
        return [(scope, counts[scope]) for scope in ("local", "network")]
    if key == "year":
        return sorted(counts.items(), reverse=True)[:limit]
    limit = limit or len(counts)
    least = sorted(counts.values(), reverse=True)[min(limit, len(counts)) - 1] if counts else 0
    return sorted(((v, n) for v, n in counts.items() if n >= least), key=lambda pair: (-pair[1], pair[0]))[:limit]


def _page(snapshot: Snapshot, kept: list[Matches], sort: str, offset: int, limit: int) -> list[Hit]:
    """The documents of one page; ties are broken the same way every time, so that pages never overlap."""
    if not limit or offset >= sum(len(found.ids) for found in kept):
        return []
    best: list[tuple[Rank, int, int, float]] = []
    for leaf, found in zip(snapshot.leaves, kept, strict=True):
        best += _best(leaf, found, sort, offset + limit)
    best.sort(key=lambda row: row[1], reverse=True)
    best.sort(key=lambda row: row[0], reverse=sort != "title")
    rows = best[offset : offset + limit]
    return [Hit(notice_id, round(score, 4)) for _rank, _tie, notice_id, score in rows]


def _best(leaf: Leaf, found: Matches, sort: str, wanted: int) -> Iterator[tuple[Rank, int, int, float]]:
    """(rank, tie-break, notice, score) of the first documents of one leaf, in no order."""
    columns, segment = leaf.columns, leaf.segment
    newest: NDArray[np.int64] = segment.derived("newest", columns.newest_first)[found.ids]
    ranks: Ranks
    if sort == "relevance":
        ranks = found.scores.astype(np.float64)
    elif sort == "title":
        ranks = -segment.derived("titles", lambda: _places_in_order(columns.titles))[found.ids]
    elif sort == "added":
        ranks = segment.derived("added", columns.last_added_first)[found.ids]
    else:
        ranks = newest
    chosen = _highest(ranks, newest, wanted)
    for at in chosen.tolist():
        number = int(found.ids[at])
        rank = columns.titles[number] if sort == "title" else ranks[at].item()
        yield rank, int(newest[at]), int(columns.notice_ids[number]), float(found.scores[at])


def _highest(ranks: Ranks, ties: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    if len(ranks) > wanted:
        threshold = np.partition(ranks, len(ranks) - wanted)[len(ranks) - wanted]
        candidates = np.flatnonzero(ranks >= threshold)
    else:
        candidates = np.arange(len(ranks))
    order = np.lexsort((ties[candidates], ranks[candidates]))
    return candidates[order[::-1][:wanted]]


def _places_in_order(titles: list[str]) -> NDArray[np.int64]:
    """Each title's place in the order of titles; equal titles share one."""
    _values, places = np.unique(np.array(titles, np.str_), return_inverse=True)
    return places.astype(np.int64)
