"""The index as it is read: Whoosh's posting lists taken whole (see `codec`), and kept per segment.

Whoosh's own searcher makes several Python calls for each posting. A segment never changes once written, so
its posting lists are read into numpy arrays and kept as long as the segment lives; a commit
costs the reading of the new segment only. What may change, which documents are deleted, comes from the
index's latest table of contents: a `Snapshot` is made for every generation, and nothing is ever refreshed.

The files are pickles inside (Whoosh's format): the index directory is as trusted as the code.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import clear_frames
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC, EmptyIndexError
from whoosh.reading import SegmentReader

from indexes import directory
from indexes.analysis import stem
from indexes.codec import ArrayTerms, Run
from indexes.facets import KEYS, Columns, Counts, Ids, Mask
from indexes.schema import SCHEMA, SEPARATOR

NAME = "MAIN"  # Whoosh's default name of an index
T = TypeVar("T")
KEPT_BYTES = 48_000_000  # posting lists kept in memory for one segment
SETTLED = 2_000_000_000  # nanoseconds: some disks tell whole seconds
OPENING_TRIES = 24  # 1.5 seconds in all


class Postings(NamedTuple):
    """The documents of a term, in order, and what it weighs in each."""

    ids: Ids
    weights: NDArray[np.float32]


_NO_WEIGHTS = np.zeros(0, np.float32)
_CONTENTS = re.compile(rf"_{NAME}_(\d+)\.toc")


class UnreadableIndex(OSError):
    """The files are damaged, gone for good or not filled yet. A rebuild heals it: the database has everything."""


@contextmanager
def _reading(what: object) -> Iterator[None]:
    """Pickles, offsets, zlib: a file that was cut or overwritten fails with any exception, MemoryError included."""
    try:
        yield
    except UnreadableIndex:
        raise
    except Exception as error:
        raise UnreadableIndex(str(what)) from error


class Segment:
    """One immutable segment: its columns, and its posting lists as they are asked for. Safe among threads."""

    def __init__(self, storage: FileStorage, segment: Any) -> None:
        self._reader = SegmentReader(storage, SCHEMA, segment)
        self._terms: ArrayTerms = self._reader._terms
        self._lock = threading.RLock()  # Whoosh's files have one reading position for all
        self._kept: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()
        self._derived: dict[str, Any] = {}
        self._bytes = 0
        self.size: int = segment.doc_count_all()
        self.columns = Columns.read(self._reader.column_reader("doc"))

    def postings(self, term: str) -> Postings:
        return self.keep("all", term, lambda: self._read_postings(term))

    def places(self, term: str) -> NDArray[np.int64]:
        """Where the term stands, document and position in one number (`doc << 32 | position`), in order."""
        return self.keep("places", term, lambda: self._read_places(term))

    def exact(self, term: str) -> Ids:
        """The documents that hold this whole string (see `schema.exact_terms`)."""
        return self.keep("exact", term, lambda: _signed(self._run("exact", term.encode()).ids))

    def holding(self, word: str) -> Ids:
        """The documents with this very word, accents aside."""
        return self.keep("word", word, lambda: self._read_word(word))

    def begins(self, prefix: str) -> Ids:
        """The documents with a word that begins so."""
        return self.keep("begins", prefix, lambda: self._read_prefix("word", prefix))

    def exact_begins(self, prefix: str) -> Ids:
        return self.keep("exact begins", prefix, lambda: self._read_prefix("exact", prefix))

    def places_beginning(self, prefix: str) -> NDArray[np.int64]:
        """`places` of every term that a word which begins so may have. Long, where texts are: keep what comes of it."""
        with self._lock, _reading(prefix):
            return self._read_places_beginning(prefix)

    def dictionary(self) -> Iterator[tuple[str, int]]:
        """Every unstemmed word, in order, with the number of documents that hold it."""
        with self._lock, _reading("dictionary"):
            return self._terms.counts("word")

    def derived(self, name: str, make: Callable[[], T]) -> T:
        """Anything worth keeping that follows from this segment alone. Others may search while it is made."""
        if name not in self._derived:
            self._derived[name] = make()
        found: T = self._derived[name]
        return found

    def _read_postings(self, term: str) -> Postings:
        run = self._run("all", term.encode())
        return Postings(_signed(run.ids), run.weights if run.weights is not None else _NO_WEIGHTS)

    def _read_places(self, term: str) -> NDArray[np.int64]:
        run = self._run("all", term.encode())
        if not len(run.ids):
            return np.zeros(0, np.int64)
        return _places(run.ids, *run.places())

    def _read_word(self, word: str) -> Ids:
        forms = (word.encode(), *self._terms.beginning("word", (word + SEPARATOR).encode()))
        return self._union("word", forms)

    def _read_prefix(self, field: str, prefix: str) -> Ids:
        return self._in_order(self._terms.together(field, prefix.encode()).ids)

    def _read_places_beginning(self, prefix: str) -> NDArray[np.int64]:
        forms = self._terms.beginning("word", prefix.encode())
        words = {form.partition(SEPARATOR.encode())[0] for form in forms}
        terms = {stem(word.decode()).encode() for word in words}
        found = [_places(*self._terms.together("all", prefix.encode()))]
        # Few words have a term that begins otherwise: « yeux », or all the shorter ones of a long beginning.
        others = (term.decode() for term in terms if not term.startswith(prefix.encode()))
        return np.sort(np.concatenate((*found, *map(self._read_places, others))))

    def _union(self, field: str, terms: Iterable[bytes]) -> Ids:
        runs = [self._run(field, term).ids for term in terms]
        return _signed(runs[0]) if len(runs) == 1 else self._in_order(np.concatenate(runs))

    def _in_order(self, ids: NDArray[np.uint32]) -> Ids:
        """Each once."""
        found = np.zeros(self.size, np.bool_)
        found[ids] = True
        return np.flatnonzero(found).astype(np.int32)

    def _run(self, field: str, term: bytes) -> Run:
        return self._terms.run(field, term)

    def keep(self, kind: str, name: str, make: Callable[[], T]) -> T:
        """What was made of posting lists, as long as there is room; arrays."""
        with self._lock:
            kept = self._kept.get((kind, name))
            if kept is not None:
                self._kept.move_to_end((kind, name))
                found: T = kept[0]
                return found
            with _reading((kind, name)):
                value = make()
            size = _size(value)
            self._kept[kind, name] = value, size
            self._bytes += size
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                _key, (_value, freed) = self._kept.popitem(last=False)
                self._bytes -= freed
            return value


def _places(ids: NDArray[np.uint32], counts: NDArray[np.uint32], places: NDArray[np.uint32]) -> NDArray[np.int64]:
    return (np.repeat(ids.astype(np.int64), counts) << 32) | places


def _signed(ids: NDArray[np.uint32]) -> Ids:
    return ids.view(np.int32)


def _size(value: Any) -> int:
    """The bytes of one or several arrays, nearly."""
    return 200 + sum(part.nbytes for part in (value if isinstance(value, tuple) else (value,)))


def _newest(storage: FileStorage) -> int:
    """The number of the latest table of contents."""
    return max((int(found[1]) for name in storage.list() if (found := _CONTENTS.fullmatch(name))), default=-1)


class Leaf:
    """A segment as one generation sees it."""

    def __init__(self, segment: Segment, deleted: list[int]) -> None:
        self.segment = segment
        self.columns = segment.columns
        self.alive = np.ones(segment.size, np.bool_)
        self.alive[deleted] = False
        self._visible: dict[str, Mask] = {}
        self._hidden: dict[str, bool] = {}
        self._derived: dict[str, Any] = {}

    def within(self, scope: str) -> Leaf:
        """The same segment, as if it held the documents of this collection only."""
        out = Leaf(self.segment, [])
        out.alive = self.alive & self.columns.facets["scope"].mask({scope})
        return out

    def derived(self, name: str, make: Callable[[], T]) -> T:
        """Anything worth keeping as long as this generation lives."""
        if name not in self._derived:
            self._derived[name] = make()
        found: T = self._derived[name]
        return found

    def visible(self, status: str) -> Mask:
        """The documents not deleted and of that status; "any" for staff."""
        mask = self._visible.get(status)
        if mask is None:
            mask = self.alive
            if status != "any":
                mask = mask & self.columns.facets["status"].mask({status})
            self._hidden[status] = not mask.all()
            self._visible[status] = mask
        return mask

    def hides(self, status: str) -> bool:
        """Whether there is any document that `visible` leaves out."""
        self.visible(status)
        return self._hidden[status]

    def counts(self, ids: Ids, status: str, keys: Collection[str]) -> dict[str, Counts]:
        """`Columns.counts` of visible documents. Of more than half of them, the others are counted."""
        visible = self.visible(status)
        size, totals = self.totals(status)
        if len(ids) * 2 <= size:
            return self.columns.counts(ids, keys)
        left = visible.copy()
        left[ids] = False
        others = self.columns.counts(np.flatnonzero(left), keys)
        return {key: totals[key] - others[key] for key in keys}

    def totals(self, status: str) -> tuple[int, dict[str, Counts]]:
        """How many documents are visible, and how many of them have each value of each facet."""

        def count() -> tuple[int, dict[str, Counts]]:
            ids = np.flatnonzero(self.visible(status))
            return len(ids), self.columns.counts(ids, KEYS)

        return self.derived(f"totals {status}", count)


class Values(NamedTuple):
    """The values of a facet over all segments, in order, and for each segment where its own stand among them."""

    values: list[str]
    places: list[NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The index at one generation: nothing in it changes."""

    path: Path
    generation: int
    leaves: tuple[Leaf, ...]
    _values: dict[str, Values] = field(default_factory=dict)
    _collections: dict[str, Snapshot] = field(default_factory=dict)

    def within(self, scope: str) -> Snapshot:
        """The index of one collection: « local », ours, or « network », everything."""
        if scope == "network":
            return self
        if scope not in self._collections:
            leaves = tuple(leaf.within(scope) for leaf in self.leaves)
            self._collections[scope] = Snapshot(self.path, self.generation, leaves)
        return self._collections[scope]

    @property
    def size(self) -> int:
        """How many documents, the deleted ones that still take room included."""
        return sum(leaf.segment.size for leaf in self.leaves)

    def values(self, key: str) -> Values:
        """The values of a facet."""
        if key not in self._values:
            own = [leaf.columns.facets[key].values for leaf in self.leaves]
            numbers = {value: n for n, value in enumerate(sorted(set().union(*own)))}
            places = [np.fromiter((numbers[value] for value in values), np.intp, len(values)) for values in own]
            self._values[key] = Values(list(numbers), places)
        return self._values[key]

    def totals(self, key: str, status: str) -> Counts:
        """How many visible documents have each of `values`."""
        out = np.zeros(len(self.values(key).values), np.int64)
        for leaf, places in zip(self.leaves, self.values(key).places, strict=True):
            out[places] += leaf.totals(status)[1][key]
        return out

    def known(self, among: Collection[int] | None = None) -> dict[int, list[tuple[int, int]]]:
        """notice -> each time it stands here: the change of it that the index knows, the digest of what it was told."""
        out: dict[int, list[tuple[int, int]]] = {}
        for leaf in self.leaves:
            columns = leaf.columns.notice_ids, leaf.columns.seqs, leaf.columns.digests
            asked = leaf.alive if among is None else leaf.alive & np.isin(columns[0], list(among))
            for notice_id, seq, digest in zip(*(column[asked].tolist() for column in columns), strict=True):
                out.setdefault(notice_id, []).append((seq, digest))
        return out

    def documents_of(self, notice_ids: NDArray[np.int64]) -> list[int]:
        """Whoosh's numbers of these notices' documents, over all segments in their order."""
        out: list[int] = []
        offset = 0
        for leaf in self.leaves:
            found = np.flatnonzero(leaf.alive & np.isin(leaf.columns.notice_ids, notice_ids))
            out += (found + offset).tolist()
            offset += leaf.segment.size
        return out


class Index:
    """The index of one directory. Keep one per process: what it has read serves every thread.

    `awaited`: whether there is anything to find in the base. As long as there is, an index that nobody has filled is
    as good as lost: it must not answer that there is nothing.
    """

    def __init__(self, path: Path, awaited: Callable[[], bool] = lambda: False) -> None:
        self.directory = path
        self._awaited = awaited
        directory.prepare(path)
        self._lock = threading.Lock()
        self._last: Snapshot | None = None
        self._seen: tuple[tuple[Path, int, int], Snapshot] | None = None
        self._segments: dict[str, Segment] = {}

    def snapshot(self) -> Snapshot:
        """The latest generation. UnreadableIndex: it cannot be read, or is yet to be filled with what is awaited."""
        latest = self._opened()
        if not directory.is_filled(latest.path) and self._awaited():
            raise UnreadableIndex(f"{self.directory}: not filled yet")
        return latest

    def _opened(self) -> Snapshot:
        """Opened again only when a commit or a rebuild has made a new generation.

        While somebody commits, files come and go between two calls: opening is tried again.
        """
        seen, stamp = self._seen, self._stamp()
        if seen is not None and seen[0] == stamp:
            return seen[1]
        for attempt in range(OPENING_TRIES):
            try:
                latest = self._latest()
                self._seen = (stamp, latest) if stamp else None
                return latest
            except (FileNotFoundError, EmptyIndexError) as error:
                missing = error
                time.sleep(0.005 * (attempt + 1))
            except Exception as error:
                clear_frames(error.__traceback__)  # Whoosh would leave the file open that it could not read
                raise UnreadableIndex(str(self.directory)) from error
        raise UnreadableIndex(str(self.directory)) from missing

    def _stamp(self) -> tuple[Path, int, int] | None:
        """When the directories changed that a commit or a rebuild changes; None while that is so recent that
        another change may bear the same time."""
        last = self._last
        try:
            if last is None:
                return None
            changed = self.directory.stat().st_mtime_ns, last.path.stat().st_mtime_ns
        except OSError:
            return None
        return (last.path, *changed) if time.time_ns() - max(changed) > SETTLED else None

    def close(self) -> None:
        """Let go of the files; what is asked afterwards opens them again."""
        with self._lock:
            self._last, self._seen, self._segments = None, None, {}

    @property
    def filled(self) -> bool:
        """False for an index that was never filled from the database, or in an older format."""
        generation = directory.current_generation(self.directory)
        return generation is not None and directory.is_filled(generation)

    def _latest(self) -> Snapshot:
        path = directory.current_generation(self.directory)
        if path is None:  # it is replaced in one step: waiting brings nothing
            raise UnreadableIndex(str(self.directory))
        storage = FileStorage(str(path))
        number = _newest(storage)
        last = self._last
        if last is not None and last.path == path and last.generation == number:
            return last
        with self._lock:
            contents = TOC.read(storage, NAME, schema=SCHEMA)
            last = self._last
            if last is not None and last.path == path and last.generation >= contents.generation:
                return last
            segments = {s.segment_id(): self._segments.get(s.segment_id()) for s in contents.segments}
            leaves = []
            for segment in contents.segments:
                known = segments[segment.segment_id()] or Segment(storage, segment)
                segments[segment.segment_id()] = known
                leaves.append(Leaf(known, list(segment.deleted_docs())))
            self._segments = {name: known for name, known in segments.items() if known}
            self._last = Snapshot(path, contents.generation, tuple(leaves))
            return self._last


def open_index(path: Path, awaited: Callable[[], bool] = lambda: False) -> Index:
    """The index of this directory, made empty when there is none yet. `awaited`: see `Index`."""
    return Index(Path(path), awaited)
