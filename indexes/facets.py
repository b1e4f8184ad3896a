"""What filters and counts: arrays of ours, one entry per document of a segment.

Whoosh rebuilds its own facets from the postings at every question, which costs hundreds of milliseconds
where a field has several values (`SEARCH.md`); these are read once per segment and kept.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Numbers = NDArray[np.signedinteger[Any]]  # of documents too, as numpy likes them best
Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]

KEYS = ("scope", "access", "kind", "theme", "year", "language")  # as filters and counts name them
ALIKE = ("scope", "access", "kind", "year", "language")  # of few values: many documents have the same of all
WIDEST = 8  # values of a document that lie side by side
PART = 2_000  # documents parsed at a time
_MANY = 1 << 40
# As `schema.columns_of` writes them.
_COLUMNS = tuple(str.split("notice_ids seqs digests status scope kind years added titles theme language access"))


class Gathered:
    """The values of one kind, document after document: each text is kept once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._codes, self._lengths = array("i"), array("i")

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        numbers = self._numbers
        for value in set(chain.from_iterable(rows)) - numbers.keys():
            numbers[value] = len(numbers)
        self._codes.extend(map(numbers.__getitem__, chain.from_iterable(rows)))
        self._lengths.extend(map(len, rows))

    def in_order(self) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        """The values in order, how many each document has, and their places in that order, one after the other."""
        values = sorted(self._numbers)
        places = np.zeros(len(values), np.int64)
        places[[self._numbers[value] for value in values]] = np.arange(len(values))
        return values, np.array(self._lengths, np.int64), places[np.array(self._codes, np.int64)]


class Facet:
    """The values of one kind for every document: none, one or several each.

    A row of `table` has the numbers of a document's values, filled up with the one behind the last value; `values`
    are in order, so that numbers are. What few documents have more than a row takes lies in `more`.
    """

    def __init__(self, gathered: Gathered) -> None:
        self.values, lengths, codes = gathered.in_order()
        width = _width(lengths)
        owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        places = np.arange(len(codes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        inside = places < width
        behind = len(self.values)
        self.table = np.full((len(lengths), width), behind, np.uint16 if behind < 0xFFFF else np.int32)
        self.table[owners[inside], places[inside]] = codes[inside]
        self.more = owners[~inside], codes[~inside]

    def counts(self, ids: Numbers) -> Counts:
        """How many of these documents have each value."""
        out = np.bincount(self.table.take(ids, axis=0).ravel(), minlength=len(self.values) + 1)
        owners, codes = self.more
        if len(codes):
            chosen = np.zeros(len(self.table), np.bool_)
            chosen[ids] = True
            out += np.bincount(codes[chosen[owners]], minlength=len(out))
        return out[:-1]

    def mask(self, wanted: Collection[str], ids: Ids | None = None) -> Mask:
        """Which of these documents, or of all, have one of these values."""
        among = np.array([value in wanted for value in self.values] + [False])
        table = self.table if ids is None else self.table.take(ids, axis=0)
        out: Mask = among.take(table[:, 0])
        for column in table.T[1:]:
            out |= among.take(column)
        owners, codes = self.more
        if len(codes):
            beyond = np.zeros(len(self.table), np.bool_)
            beyond[owners[among[codes]]] = True
            out |= beyond if ids is None else beyond[ids]
        return out


def _width(lengths: NDArray[np.int64]) -> int:
    """Of a row: all the values of any document, unless some have very many."""
    most = int(lengths.max(initial=1))
    return most if most <= WIDEST else max(1, min(WIDEST, int(np.quantile(lengths, 0.95))))


class Profiles:
    """Documents that are alike in several facets share a profile: profiles are counted, and tell all those facets."""

    def __init__(self, facets: Mapping[str, Facet]) -> None:
        self._facets = {key: facet for key, facet in facets.items() if not len(facet.more[1])}
        numbers, size = np.zeros(len(next(iter(facets.values())).table), np.int64), 1
        for facet in self._facets.values():
            for column in facet.table.T:
                if size > _MANY:
                    numbers = np.unique(numbers, return_inverse=True)[1]
                    size = len(numbers)
                size *= len(facet.values) + 1
                numbers = numbers * (len(facet.values) + 1) + column
        _numbers, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
        self.count = len(first)
        self._numbers = numbers.astype(np.uint16 if len(first) < 0xFFFF else np.int32)
        self._rows = {key: facet.table[first] for key, facet in self._facets.items()}

    def counts(self, ids: Numbers, keys: Collection[str]) -> dict[str, Counts]:
        """How many of these documents have each value of those of `keys` that profiles know."""
        told = np.bincount(self._numbers.take(ids), minlength=self.count)
        out = {}
        for key in self._rows.keys() & keys:
            rows, size = self._rows[key], len(self._facets[key].values) + 1
            weights = np.repeat(told, rows.shape[1])
            out[key] = np.bincount(rows.ravel(), weights=weights, minlength=size)[:-1].astype(np.int64)
        return out


@dataclass(frozen=True)
class Columns:
    """A segment's documents, one array per thing known of them."""

    notice_ids: NDArray[np.int64]
    seqs: NDArray[np.int64]
    digests: NDArray[np.int64]  # of what the index was told (`schema.digest_of`)
    years: NDArray[np.int64]  # 0: unknown
    added: NDArray[np.int64]
    titles: list[str]
    facets: dict[str, Facet]
    profiles: Profiles

    def counts(self, ids: Numbers, keys: Collection[str]) -> dict[str, Counts]:
        """For each of these facets, how many of the documents have each of its values."""
        chosen = ids.astype(np.intp)  # what numpy would make of it each time
        out = self.profiles.counts(chosen, keys) if len(ids) > self.profiles.count else {}
        return out | {key: self.facets[key].counts(chosen) for key in keys if key not in out}

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> Columns:
        """From the lines that `schema.columns_of` wrote, so many at a time parsed as one JSON array."""
        numbers = {name: array("q") for name in ("notice_ids", "seqs", "digests", "years", "added")}
        gathered = {key: Gathered() for key in ("status", "scope", "kind", "year", "theme", "language", "access")}
        titles: list[str] = []
        for part in _parts(lines):
            columns = dict(zip(_COLUMNS, zip(*json.loads(b"[" + b",".join(part) + b"]"), strict=True), strict=True))
            titles += columns["titles"]
            for name, values in numbers.items():
                values.extend(columns[name])
            columns["year"] = tuple(str(year) if year else "" for year in columns["years"])
            for key in ("status", "scope", "kind", "year"):
                gathered[key].add([(value,) if value else () for value in columns[key]])
            for key in ("theme", "language", "access"):
                gathered[key].add(columns[key])
        facets = {key: Facet(values) for key, values in gathered.items()}
        plain = {name: np.array(values, np.int64) for name, values in numbers.items()}
        return cls(**plain, titles=titles, facets=facets, profiles=Profiles({key: facets[key] for key in ALIKE}))

    def newest_first(self) -> NDArray[np.int64]:
        """A number that grows with the year, the day of arrival, the notice's number: no two alike."""
        return (self.years << 51) | (np.clip(self.added, 0, (1 << 20) - 1) << 31) | self.notice_ids

    def last_added_first(self) -> NDArray[np.int64]:
        return (np.clip(self.added, 0, (1 << 20) - 1) << 43) | (self.years << 31) | self.notice_ids


def _parts(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(lines)
    while part := list(islice(rest, PART)):
        yield part
