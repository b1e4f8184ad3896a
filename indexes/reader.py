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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from traceback import clear_frames
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC, EmptyIndexError
from whoosh.reading import SegmentReader

from indexes import directory
from indexes.codec import ArrayTerms, Run
from indexes.facets import Columns, Ids, Mask
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
_NO_IDS = np.zeros(0, np.int32)
_CONTENTS = re.compile(rf"_{NAME}_(\d+)\.toc")


class UnreadableIndex(OSError):
    """The files are damaged or gone for good. A rebuild heals it: the database has everything."""


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
        self._bytes = 0
        self.size: int = segment.doc_count_all()
        self.columns = Columns.read(self._reader.column_reader("doc"))

    def postings(self, term: str) -> Postings:
        return self._keep("all", term, lambda: self._read_postings(term))

    def places(self, term: str) -> NDArray[np.int64]:
        """Where the term stands, document and position in one number (`doc << 32 | position`), in order."""
        return self._keep("places", term, lambda: self._read_places(term))

    def exact(self, term: str) -> Ids:
        """The documents that hold this whole string (see `schema.exact_terms`)."""
        return self._keep("exact", term, lambda: _signed(self._run("exact", term.encode()).ids))

    def holding(self, word: str) -> Ids:
        """The documents with this very word, accents aside."""
        return self._keep("word", word, lambda: self._read_word(word))

    def begins(self, prefix: str) -> Ids:
        """The documents with a word that begins so."""
        return self._keep("begins", prefix, lambda: self._read_prefix("word", prefix))

    def exact_begins(self, prefix: str) -> Ids:
        return self._keep("exact begins", prefix, lambda: self._read_prefix("exact", prefix))

    def words_beginning(self, prefix: str) -> list[str]:
        with self._lock, _reading(prefix):
            return [term.decode() for term in self._terms.beginning("word", prefix.encode())]

    def dictionary(self) -> dict[str, int]:
        """Every unstemmed word with the number of documents that hold it."""
        return self._keep("dictionary", "", self._read_dictionary)

    def derived(self, name: str, make: Callable[[], T]) -> T:
        """Anything worth keeping that follows from this segment alone."""
        return self._keep("derived", name, make)

    def _read_postings(self, term: str) -> Postings:
        run = self._run("all", term.encode())
        return Postings(_signed(run.ids), run.weights if run.weights is not None else _NO_WEIGHTS)

    def _read_places(self, term: str) -> NDArray[np.int64]:
        run = self._run("all", term.encode())
        if not len(run.ids):
            return np.zeros(0, np.int64)
        counts, places = run.places()
        return (np.repeat(run.ids.astype(np.int64), counts) << 32) | places

    def _read_word(self, word: str) -> Ids:
        forms = (word.encode(), *self._terms.beginning("word", (word + SEPARATOR).encode()))
        return self._union("word", forms)

    def _read_prefix(self, field: str, prefix: str) -> Ids:
        return self._union(field, self._terms.beginning(field, prefix.encode()))

    def _union(self, field: str, terms: Iterable[bytes]) -> Ids:
        runs = [self._run(field, term).ids for term in terms]
        if len(runs) < 2:
            return _signed(runs[0]) if runs else _NO_IDS
        found = np.zeros(self.size, np.bool_)
        found[np.concatenate(runs)] = True
        return np.flatnonzero(found).astype(np.int32)

    def _read_dictionary(self) -> dict[str, int]:
        return dict(self._terms.counts("word"))

    def _run(self, field: str, term: bytes) -> Run:
        return self._terms.run(field, term)

    def _keep(self, kind: str, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            kept = self._kept.get((kind, name))
            if kept is not None:
                self._kept.move_to_end((kind, name))
                found: T = kept[0]
                return found
            with nullcontext() if kind == "derived" else _reading(f"{kind} {name}"):
                value = make()
            size = _size(value)
            self._kept[kind, name] = value, size
            self._bytes += size
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                _key, (_value, freed) = self._kept.popitem(last=False)
                self._bytes -= freed
            return value


def _signed(ids: NDArray[np.uint32]) -> Ids:
    return ids.view(np.int32)


def _size(value: Any) -> int:
    """Its bytes, nearly: arrays know theirs, a word of a dictionary takes about 80."""
    arrays = value if isinstance(value, tuple) else (value,)
    sizes = (getattr(part, "nbytes", 0) or 80 * len(part) for part in arrays if hasattr(part, "__len__"))
    return 200 + sum(sizes)


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
        self._derived: dict[str, Any] = {}

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
            self._visible[status] = mask
        return mask


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The index at one generation: nothing in it changes."""

    path: Path
    generation: int
    leaves: tuple[Leaf, ...]

    @property
    def size(self) -> int:
        """How many documents, the deleted ones that still take room included."""
        return sum(leaf.segment.size for leaf in self.leaves)

    def known(self) -> dict[int, int]:
        """notice -> the change of it that the index knows."""
        out: dict[int, int] = {}
        for leaf in self.leaves:
            ids, seqs = leaf.columns.notice_ids[leaf.alive], leaf.columns.seqs[leaf.alive]
            out.update(zip(ids.tolist(), seqs.tolist(), strict=True))
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
    """The index of one directory. Keep one per process: what it has read serves every thread."""

    def __init__(self, path: Path) -> None:
        self.directory = path
        directory.prepare(path)
        self._lock = threading.Lock()
        self._last: Snapshot | None = None
        self._seen: tuple[tuple[Path, int, int], Snapshot] | None = None
        self._segments: dict[str, Segment] = {}

    def snapshot(self) -> Snapshot:
        """The latest generation; opened again only when a commit or a rebuild has made a new one.

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
        if path is None:
            raise FileNotFoundError(self.directory / "current")
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


def open_index(path: Path) -> Index:
    """The index of this directory, made empty when there is none yet."""
    return Index(Path(path))
