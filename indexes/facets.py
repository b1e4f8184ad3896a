"""What filters and counts: arrays of ours, one entry per document of a segment.

Whoosh rebuilds its own facets from the postings at every question, which costs hundreds of milliseconds
where a field has several values (`SEARCH.md`); these are read once per segment and kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Mask = NDArray[np.bool_]

KEYS = ("scope", "access", "kind", "theme", "year", "language")  # as filters and counts name them


class Facet:
    """The values of one kind for every document: none, one or several each."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        numbers: dict[str, int] = {}
        flat = [numbers.setdefault(value, len(numbers)) for row in rows for value in row]
        lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        self.values = list(numbers)
        self.codes = np.array(flat, np.int32)
        self._lengths = lengths
        self.starts = np.concatenate(([0], np.cumsum(lengths)))
        self.owners = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
        self._only: Ids | None = None  # where no document has two values: its code, or the one behind the last
        if lengths.max(initial=0) <= 1:
            self._only = np.full(len(rows), len(numbers), np.int32)
            self._only[self.owners] = self.codes

    def counts(self, ids: Ids) -> dict[str, int]:
        """How many of these documents have each value."""
        if not len(ids) or not self.values:
            return {}
        if self._only is not None:
            codes = self._only[ids]
        elif len(ids) * 2 > len(self.starts):
            chosen = np.zeros(len(self.starts) - 1, np.bool_)
            chosen[ids] = True
            codes = self.codes[chosen[self.owners]]
        else:
            lengths = self._lengths[ids]
            first = self.starts[ids] - (np.cumsum(lengths) - lengths)
            codes = self.codes[np.repeat(first, lengths) + np.arange(int(lengths.sum()))]
        numbers = np.bincount(codes, minlength=len(self.values))[: len(self.values)]
        found = np.flatnonzero(numbers)
        return dict(zip(map(self.values.__getitem__, found.tolist()), numbers[found].tolist(), strict=True))

    def mask(self, wanted: Collection[str]) -> Mask:
        """Which documents have one of these values."""
        codes = [code for code, value in enumerate(self.values) if value in wanted]
        out = np.zeros(len(self.starts) - 1, np.bool_)
        out[self.owners[np.isin(self.codes, codes)]] = True
        return out


@dataclass(frozen=True)
class Columns:
    """A segment's documents, one array per thing known of them."""

    notice_ids: NDArray[np.int64]
    seqs: NDArray[np.int64]
    years: NDArray[np.int64]  # 0: unknown
    added: NDArray[np.int64]
    titles: list[str]
    facets: dict[str, Facet]

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> Columns:
        """From the lines that `schema.columns_of` wrote: all of them are parsed as one JSON array."""
        rows = json.loads(b"[" + b",".join(lines) + b"]")
        ids, seqs, statuses, scopes, kinds, years, added, titles, themes, languages, access = (
            zip(*rows, strict=True) if rows else ([],) * 11
        )
        written = [str(year) if year else "" for year in years]
        single = {"status": statuses, "scope": scopes, "kind": kinds, "year": written}
        several = {"theme": themes, "language": languages, "access": access}
        return cls(
            np.array(ids, np.int64),
            np.array(seqs, np.int64),
            np.array(years, np.int64),
            np.array(added, np.int64),
            list(titles),
            {key: Facet([(v,) if v else () for v in column]) for key, column in single.items()}
            | {key: Facet(column) for key, column in several.items()},
        )

    def newest_first(self) -> NDArray[np.int64]:
        """A number that grows with the year, the day of arrival, the notice's number: no two alike."""
        return (self.years << 51) | (np.clip(self.added, 0, (1 << 20) - 1) << 31) | self.notice_ids

    def last_added_first(self) -> NDArray[np.int64]:
        return (np.clip(self.added, 0, (1 << 20) - 1) << 43) | (self.years << 31) | self.notice_ids
