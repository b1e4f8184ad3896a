"""Asking the index: one call gives the page's documents, what filters would leave, and a correction.

`search` never raises for what a visitor typed. Visitors are shown published notices only (`status`
"published", the default); staff may ask for another status, or for "any".
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexes import nearness
from indexes.answering import Answer, answer
from indexes.evaluation import Matches
from indexes.facets import KEYS, Counts, Ids, Mask
from indexes.grammar import Query, parse, year_range
from indexes.reader import Index, Leaf, Snapshot
from indexes.widening import Thesaurus, Widening, no_thesaurus

__all__ = ["KEYS", "SORTS", "Hit", "Hits", "Query", "Thesaurus", "Widening", "parse", "search", "year_range"]

SORTS = ("relevance", "newest", "added", "title")
Ranks: TypeAlias = "NDArray[np.float32] | NDArray[np.int64]"
FACET_VALUES = 50  # of each facet, unless all are asked for
NO_FILTERS: Mapping[str, Sequence[str]] = {}


class _Look(NamedTuple):
    thesaurus: Thesaurus
    widened: bool


@dataclass(frozen=True)
class Hit:
    notice_id: int
    score: float


@dataclass(frozen=True)
class Hits:
    """What was found.

    `facets` has, for each filter, its values and what ticking one more of them would leave: the other filters
    count, its own does not. Most frequent first, years latest first; `facet_sizes` says how many values there
    are in all. `suggestion`: the question with words corrected; `corrected`: that is what was answered. `relaxed`: no
    document had all the words, these have some of them. `themes`: what the thesaurus added to the words; `widened`:
    those that bring documents. `terms`: for highlighting. `ignored`: what was not understood; `is_cut`: there were
    more words than are looked for; `says_nothing`: no word is worth looking for.
    """

    total: int = 0
    hits: list[Hit] = field(default_factory=list)
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    facet_sizes: dict[str, int] = field(default_factory=dict)
    suggestion: str | None = None
    corrected: bool = False
    relaxed: bool = False
    themes: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    took_ms: float = 0.0
    terms: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    is_cut: bool = False
    says_nothing: bool = False


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
    thesaurus: Thesaurus = no_thesaurus,
    widened: bool = True,
) -> Hits:
    """Search. `filters`: of `facets.KEYS`; several values of one are alternatives, several filters add up.

    `scope` "local" is « Notre fonds »; "network" is « Tout le réseau », which is everything. `year` takes
    « 2018 », « 2018-2024 », « 2018- » or « -2010 ». `sort`: "newest" by year of publication, "added" by day
    of arrival, "title" as titles are filed. `thesaurus`: what it knows of the words of a question; they are
    `widened` to its themes, unless the visitor wants them as they are.
    """
    began = time.perf_counter()
    if unknown := set(filters) - set(KEYS):
        raise ValueError(f"no such filter: {', '.join(sorted(unknown))}")
    if sort not in SORTS:
        raise ValueError(f"no such order: {sort}")
    asked = parse(query_text)
    snapshot = index.snapshot()
    wanted = {key: tuple(values) for key, values in filters.items() if values}
    scope = "local" if wanted.get("scope") == ("local",) else "network"
    answered = answer(snapshot, asked, status, scope, thesaurus, widened=widened)
    query, matches = answered.query, answered.matches
    passed = [_pass(leaf, found, wanted) for leaf, found in zip(snapshot.leaves, matches, strict=True)]
    kept = [_kept(found, masks) for found, masks in zip(matches, passed, strict=True)]
    counts = _counts(snapshot, matches, kept, passed, status) if facets else {}
    others = _of_the_other(snapshot, asked, answered, status, wanted, _Look(thesaurus, widened)) if facets else {}
    order = "newest" if sort == "relevance" and not (query.positive or query.whole) else sort
    if order == "relevance" and limit:
        kept = nearness.refined(snapshot, query, kept)
    return Hits(
        total=sum(len(found.ids) for found in kept),
        hits=_page(snapshot, kept, order, max(0, offset), max(0, limit)),
        facets={key: _ordered(snapshot, key, numbers, facet_limit, others) for key, numbers in counts.items()},
        facet_sizes={key: 2 if key == "scope" else int(np.count_nonzero(n)) for key, n in counts.items()},
        suggestion=answered.suggestion,
        corrected=answered.corrected,
        relaxed=answered.relaxed,
        themes=tuple(label for widening in answered.widenings for label in widening.labels),
        widened=_adding(snapshot, answered, kept),
        took_ms=round((time.perf_counter() - began) * 1000, 2),
        terms=query.terms,
        ignored=asked.ignored,
        is_cut=asked.is_cut,
        says_nothing=asked.says_nothing,
    )


def _of_the_other(
    snapshot: Snapshot, asked: Query, answered: Answer, status: str, wanted: Mapping[str, Sequence[str]], look: _Look
) -> dict[str, int]:
    """What the collection that was not asked would answer, where that is another kind of answer."""
    out = {}
    for scope in {"local", "network"} - answered.holds:
        there = answer(snapshot, asked, status, scope, look.thesaurus, widened=look.widened)
        filters = {**wanted, "scope": (scope,)}
        found = zip(snapshot.leaves, there.matches, strict=True)
        out[scope] = sum(len(_kept(m, _pass(leaf, m, filters)).ids) for leaf, m in found)
    return out


def _adding(snapshot: Snapshot, answered: Answer, kept: list[Matches]) -> tuple[str, ...]:
    """The themes of the widened question that bring documents which the words alone do not find."""
    labels = dict.fromkeys(label for widening in answered.widenings for label in widening.labels)
    found: set[str] = set()
    for leaf, all_, narrow in zip(snapshot.leaves, kept, answered.narrow, strict=True) if labels else ():
        facet = leaf.columns.facets["theme"]
        counts = facet.counts(np.setdiff1d(all_.ids, narrow.ids, assume_unique=True))
        found |= {facet.values[n] for n in np.flatnonzero(counts).tolist()}
    return tuple(label for label in labels if label in found)


def _pass(leaf: Leaf, found: Matches, wanted: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    """For each filter in use, which of the documents found get through it."""
    return {key: _mask(leaf, found.ids, key, values) for key, values in wanted.items()}


def _mask(leaf: Leaf, ids: Ids, key: str, values: Sequence[str]) -> Mask:
    if key == "scope" and "network" in values:
        return np.ones(len(ids), np.bool_)
    if key == "year":
        years = leaf.columns.years.take(ids)
        out = np.zeros(len(ids), np.bool_)
        for first, last in filter(None, map(year_range, values)):
            out |= (years >= first) & (years <= last)
        return out
    return leaf.columns.facets[key].mask(set(values), ids)


def _kept(found: Matches, masks: Mapping[str, Mask]) -> Matches:
    for_all = _all(masks.values())
    return found if for_all is None else Matches(found.ids[for_all], found.scores[for_all])


def _all(masks: Iterable[Mask]) -> Mask | None:
    out: Mask | None = None
    for mask in masks:
        out = mask if out is None else out & mask
    return out


def _counts(
    snapshot: Snapshot, matches: list[Matches], kept: list[Matches], passed: list[dict[str, Mask]], status: str
) -> dict[str, Counts]:
    """The values of each facet among the documents that get through the other filters."""
    out = {key: np.zeros(len(snapshot.values(key).values), np.int64) for key in KEYS}
    for n, (leaf, found, within, masks) in enumerate(zip(snapshot.leaves, matches, kept, passed, strict=True)):
        told = leaf.counts(within.ids, status, [key for key in KEYS if key not in masks])
        for key in masks:
            others = _kept(found, {other: mask for other, mask in masks.items() if other != key})
            told |= leaf.counts(others.ids, status, (key,))
        for key, numbers in told.items():
            out[key][snapshot.values(key).places[n]] += numbers
    return out


def _ordered(
    snapshot: Snapshot, key: str, counts: Counts, limit: int | None, others: Mapping[str, int]
) -> list[tuple[str, int]]:
    values = snapshot.values(key).values
    if key == "scope":  # ours are part of the network
        ours = int(counts[values.index("local")]) if "local" in values else 0
        return [("local", others.get("local", ours)), ("network", others.get("network", int(counts.sum())))]
    having = np.flatnonzero(counts)
    if key == "year":
        chosen = having[::-1][:limit]
    else:
        if limit and len(having) > limit:
            least = np.partition(counts[having], len(having) - limit)[len(having) - limit]
            having = having[counts[having] >= least]
        chosen = having[np.argsort(-counts[having], kind="stable")[:limit]]
    return list(zip(map(values.__getitem__, chosen.tolist()), counts[chosen].tolist(), strict=True))


def _page(snapshot: Snapshot, kept: list[Matches], sort: str, offset: int, limit: int) -> list[Hit]:
    """The documents of one page; ties are broken the same way every time, so that pages never overlap."""
    if not limit or offset >= sum(len(found.ids) for found in kept):
        return []
    wanted = offset + limit
    first = [
        (leaf, found, _first(leaf, found, sort, wanted)) for leaf, found in zip(snapshot.leaves, kept, strict=True)
    ]
    notices = np.concatenate([leaf.columns.notice_ids[found.ids[at]] for leaf, found, at in first])
    scores = np.concatenate([found.scores[at] for _leaf, found, at in first])
    if len(first) > 1:
        ranks, ties = _over_all(first, sort)
        order = np.lexsort((ties, ranks))[::-1]
        notices, scores = notices[order], scores[order]
    rows = zip(notices[offset:wanted].tolist(), scores[offset:wanted].tolist(), strict=True)
    return [Hit(notice_id, round(score, 4)) for notice_id, score in rows]


def _first(leaf: Leaf, found: Matches, sort: str, wanted: int) -> NDArray[np.intp]:
    """Where the first documents of one leaf stand among those found, in order."""
    if sort in ("newest", "added"):
        order = leaf.segment.derived(f"order {sort}", lambda: np.argsort(-_rank(leaf, sort)).astype(np.int32))
        return _along(order, found.ids, wanted)
    ranks = found.scores if sort == "relevance" else _rank(leaf, sort)[found.ids]
    return _highest(ranks, _rank(leaf, "newest"), found.ids, wanted)


def _over_all(first: list[tuple[Leaf, Matches, NDArray[np.intp]]], sort: str) -> tuple[Ranks, Ranks]:
    """The ranks of these documents of several leaves, and what tells equal ones apart."""
    chosen = [(leaf, found.ids[at], found.scores[at]) for leaf, found, at in first]
    newest = np.concatenate([_rank(leaf, "newest")[ids] for leaf, ids, _scores in chosen])
    if sort == "relevance":
        return np.concatenate([scores for _leaf, _ids, scores in chosen]), newest
    if sort == "title":
        return _title_ranks([leaf.columns.titles[n] for leaf, ids, _scores in chosen for n in ids.tolist()]), newest
    return np.concatenate([_rank(leaf, sort)[ids] for leaf, ids, _scores in chosen]), newest


def _rank(leaf: Leaf, sort: str) -> NDArray[np.int64]:
    """For each document of a segment a number that is highest for the first; by "newest" and "added" no two alike."""
    columns = leaf.columns
    make = {
        "newest": columns.newest_first,
        "added": columns.last_added_first,
        "title": lambda: _title_ranks(columns.titles),
    }
    return leaf.segment.derived(sort, make[sort])


def _along(order: NDArray[np.int32], ids: Ids, wanted: int) -> NDArray[np.intp]:
    """Where the first documents of an order stand among these: it is followed only as far as need be."""
    chosen = np.zeros(len(order), np.bool_)
    chosen[ids] = True
    wanted = min(wanted, len(ids))
    out, at, step = np.zeros(0, np.int32), 0, 4 * wanted
    while len(out) < wanted:
        part = order[at : at + step]
        out = np.concatenate((out, part[chosen[part]]))
        at, step = at + step, 4 * step
    return np.searchsorted(ids, out[:wanted])


def _highest(ranks: Ranks, newest: NDArray[np.int64], ids: Ids, wanted: int) -> NDArray[np.intp]:
    if len(ranks) > wanted:
        threshold = np.partition(ranks, len(ranks) - wanted)[len(ranks) - wanted]
        candidates = np.flatnonzero(ranks >= threshold)
    else:
        candidates = np.arange(len(ranks))
    order = np.lexsort((newest[ids[candidates]], ranks[candidates]))
    return candidates[order[::-1][:wanted]]


def _title_ranks(titles: list[str]) -> NDArray[np.int64]:
    """Equal titles share a rank."""
    _values, places = np.unique(np.array(titles, np.str_), return_inverse=True)
    return -places.astype(np.int64)
