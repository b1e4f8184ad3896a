"""How posting lists lie on disk: as arrays, one run a term, which numpy takes as they are.

Whoosh lets its user say how an index is written (`codec`). Its own way keeps postings as pickled tuples in blocks
of 128 and asks for a document's length at each; ours writes all of a term at once, which makes an index twice as
fast to build and a word fifty times faster to read the first time. Everything else (term tables, columns, merging,
commits) is Whoosh's, and its own searcher and merging read our lists as lists.

A run is a head (kind, documents, bytes of the first part), then the documents' numbers and, of placed words, what
the term weighs in each; then, for phrases, how many places it has in each document and those places.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3TermInfo, W3TermsReader
from whoosh.matching import ListMatcher
from whoosh.reading import SegmentReader

Numbers = NDArray[np.uint32]
Bytes: TypeAlias = "memoryview | bytes"

PLACED = 1  # the run has weights and places
PACKED = 2  # its parts are compressed
_HEAD = struct.Struct("<BII")
_WORTH_PACKING = 400  # bytes
_LEVEL = 1
_KEY = struct.Struct(">H")  # as Whoosh's own term tables begin a key
_LENGTHS = struct.Struct("!ii")  # and has before each the length of the key, and of what it says of it
_NO_FIELD = 0xFFFF
_COUNT, _COUNT_AT = struct.Struct("!I"), 5  # where `W3TermInfo` has the number of documents
_EXTENT, _EXTENT_AT = struct.Struct("!qi"), W3TermInfo._struct.size  # and where the run lies, and how long


class Run(NamedTuple):
    """The postings of one term."""

    ids: Numbers
    weights: NDArray[np.float32] | None
    packed: bool
    rest: memoryview | bytes

    def places(self) -> tuple[Numbers, Numbers]:
        """(how many places in each document, all the places)."""
        rest = zlib.decompress(self.rest) if self.packed else self.rest
        n = len(self.ids)
        return np.frombuffer(rest, "<u4", n), np.frombuffer(rest, "<u4", offset=4 * n)


NO_RUN = Run(np.zeros(0, np.uint32), None, False, b"")


class Together(NamedTuple):
    """The postings of several terms, one term after the other: numpy is asked once for all of them."""

    ids: Numbers
    counts: Numbers
    places: Numbers

    @classmethod
    def of(cls, get: Callable[[int, int], bytes], extents: Sequence[tuple[int, int]]) -> Together:
        """`get` reads the bytes from so far, so many; the runs of one stretch of terms lie side by side."""
        first = min((start for start, _length in extents), default=0)
        data = get(first, max((start + length for start, length in extents), default=first) - first)
        ids, counts, places = list[Bytes](), list[Bytes](), list[Bytes]()
        for start, length in extents:
            kind, n, long = _HEAD.unpack_from(data, start - first)
            at, end = start - first + _HEAD.size, start - first + length
            begin, rest = data[at : at + long], data[at + long : end]
            if kind & PACKED:
                begin = np.cumsum(np.frombuffer(zlib.decompress(begin), "<u4", n), dtype="<u4").tobytes()
                rest = zlib.decompress(rest) if kind & PLACED else b""
            ids.append(begin[: 4 * n])
            counts.append(rest[: 4 * n])
            places.append(rest[4 * n :])
        return cls(*(np.frombuffer(b"".join(parts), "<u4") for parts in (ids, counts, places)))


class ArrayCodec(W3Codec):
    """Whoosh's codec, with other postings."""

    length_stats = False  # the weights know of lengths already

    def field_writer(self, storage: Any, segment: Any) -> ArrayFieldWriter:
        return ArrayFieldWriter(self, storage, segment)

    def postings_reader(
        self, dbfile: Any, terminfo: Any, format_: Any, term: Any = None, scorer: Any = None
    ) -> ListMatcher:
        start, length = terminfo.extent()
        run = unpack(dbfile.get(start, *(length if isinstance(length, tuple) else (length,))))
        return ListMatcher(*_lists(run), format_, scorer=scorer, term=term, terminfo=terminfo)

    def terms_reader(self, storage: Any, segment: Any) -> ArrayTerms:
        name = segment.make_filename(self.TERMS_EXT)
        postings = segment.open_file(storage, self.POSTS_EXT)
        return ArrayTerms(self, storage.open_file(name), storage.file_length(name), postings)


class ArrayTerms(W3TermsReader):
    """Whoosh's table of terms; `run` and `counts` are for us."""

    def run(self, field: str, term: bytes) -> Run:
        try:
            about = self._tindex[_KEY.pack(self._fieldmap.get(field, _NO_FIELD)) + term]
        except KeyError:
            return NO_RUN
        return unpack(self._postfile.get(*_EXTENT.unpack_from(about, _EXTENT_AT)))

    def beginning(self, field: str, prefix: bytes) -> Iterator[bytes]:
        """The terms that begin so, in order."""
        return (term for term, _data, _at in self._stretch(field, prefix))

    def counts(self, field: str) -> Iterator[tuple[str, int]]:
        """Every term of a field, in order, with the number of its documents."""
        stretch = self._stretch(field, b"")
        return ((term.decode(), _COUNT.unpack_from(data, at + _COUNT_AT)[0]) for term, data, at in stretch)

    def together(self, field: str, prefix: bytes) -> Together:
        """The postings of all the terms that begin so."""
        stretch = self._stretch(field, prefix)
        extents = [_EXTENT.unpack_from(data, at + _EXTENT_AT) for _term, data, at in stretch]
        return Together.of(self._postfile.get, extents)

    def _stretch(self, field: str, prefix: bytes) -> Iterator[tuple[bytes, bytes, int]]:
        """The terms that begin so, which lie one after the other: read at once, told one by one, each with the bytes
        that tell of it and where they begin."""
        key = _KEY.pack(self._fieldmap.get(field, _NO_FIELD)) + prefix
        first = self._tindex.closest_key_pos(key)
        if first is None:
            return iter(())
        behind = self._tindex.closest_key_pos(key[:-1] + bytes([key[-1] + 1]))
        return _told(self._dbfile.get(first, (self._tindex.endofdata if behind is None else behind) - first))


def _told(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    at = 0
    while at < len(data):
        long, about = _LENGTHS.unpack_from(data, at)
        at += _LENGTHS.size
        yield bytes(data[at + _KEY.size : at + long]), data, at + long
        at += long + about


class ArrayReader(SegmentReader):
    """A segment that goes into another: Whoosh takes its columns, `TermPool.take` its postings, a term at a time."""

    def iter_postings(self) -> Iterator[Any]:
        return iter(())

    def runs(self) -> Iterator[tuple[str, bytes, Run]]:
        terms: ArrayTerms = self._terms
        return ((name, term, terms.run(name, term)) for name, term in terms.terms())

    def alive(self) -> NDArray[np.bool_]:
        out = np.ones(self.doc_count_all(), np.bool_)
        out[list(self._perdoc.deleted_docs())] = False
        return out


class TermPool:
    """What a commit writes, gathered by term: documents come in order, so nothing is sorted but the terms.

    Whoosh's own pool keeps a tuple a posting and sorts them all, on disk when there are many. About 2.5 kB a notice.
    """

    def __init__(self) -> None:
        self._fields: defaultdict[str, defaultdict[bytes, Gathered]] = defaultdict(lambda: defaultdict(Gathered))
        self.bytes = 0  # nearly

    def add(self, item: tuple[str, Mapping[bytes, tuple[float, list[int]]] | Set[bytes], int, float, None]) -> None:
        """Whoosh hands over what the field's `index` gave: all the terms of one document at once."""
        name, held, number, _weight, _value = item
        terms = self._fields[name]
        if isinstance(held, Mapping):
            for term, (weight, places) in held.items():
                gathered = terms[term]
                gathered.ids.append(number)
                gathered.weights.append(weight)
                gathered.counts.append(len(places))
                gathered.places.extend(places)
                self.bytes += 12 + 4 * len(places)
        else:
            for term in held:
                terms[term].ids.append(number)
            self.bytes += 4 * len(held)

    def take(self, reader: ArrayReader, first: int) -> None:
        """The postings of a segment whose documents have become `first` and the following ones."""
        alive = reader.alive()
        numbers = (np.cumsum(alive) - 1 + first).astype(np.uint32)
        for name, term, run in reader.runs():
            kept = alive[run.ids]
            if not kept.any():
                continue
            gathered = self._fields[name][term]
            gathered.ids.frombytes(numbers[run.ids[kept]].tobytes())
            if run.weights is not None:
                counts, places = run.places()
                gathered.weights.frombytes(run.weights[kept].tobytes())
                gathered.counts.frombytes(counts[kept].tobytes())
                gathered.places.frombytes(places[np.repeat(kept, counts)].tobytes())

    def iter_postings(self) -> Iterator[tuple[str, bytes, Gathered]]:
        for name in sorted(self._fields):
            terms = self._fields[name]
            for term in sorted(terms):
                yield name, term, terms[term]

    def cleanup(self) -> None:
        self._fields.clear()


class Gathered:
    """The postings of one term, so far. Weights, counts and places of placed words only."""

    __slots__ = ("counts", "ids", "places", "weights")

    def __init__(self) -> None:
        self.ids, self.weights, self.counts, self.places = array("I"), array("f"), array("I"), array("I")


class ArrayFieldWriter(W3FieldWriter):
    def add_postings(self, schema: Any, lengths: Any, items: Iterable[tuple[str, bytes, Gathered]]) -> None:
        """`items`: of a `TermPool`."""
        field = ""
        for name, term, gathered in items:
            if name != field:
                self.start_field(name, schema[name])
                field = name
            self._write(term, gathered)

    def _write(self, term: bytes, gathered: Gathered) -> None:
        ids, start = gathered.ids, self._postfile.tell()
        data = pack(gathered)
        self._postfile.write(data)
        weights = gathered.weights or (1.0,)
        about = W3TermInfo(df=len(ids), minid=ids[0], maxid=ids[-1], maxweight=max(weights), weight=sum(weights))
        about.set_extent(start, len(data))
        self._tindex.add(_KEY.pack(self._fieldid) + term, about.to_bytes())


def pack(gathered: Gathered) -> bytes:
    ids = np.frombuffer(gathered.ids, np.uintc)
    kind, n = PLACED if gathered.weights else 0, len(ids)
    packed = n * (8 if kind else 4) >= _WORTH_PACKING
    if packed:
        ids = np.diff(ids, prepend=np.uintc(0))
    first = ids.astype("<u4").tobytes() + np.frombuffer(gathered.weights, np.single).astype("<f4").tobytes()
    rest = b"".join(
        np.frombuffer(part, np.uintc).astype("<u4").tobytes() for part in (gathered.counts, gathered.places)
    )
    if packed:
        kind |= PACKED
        first, rest = zlib.compress(first, _LEVEL), zlib.compress(rest, _LEVEL)
    return _HEAD.pack(kind, n, len(first)) + first + rest


def unpack(data: bytes) -> Run:
    kind, n, length = _HEAD.unpack_from(data)
    whole = memoryview(data)
    packed = bool(kind & PACKED)
    first: bytes | memoryview = whole[_HEAD.size : _HEAD.size + length]
    if packed:
        first = zlib.decompress(first)
    ids = np.frombuffer(first, "<u4", n)
    if packed:
        ids = np.cumsum(ids, dtype=np.uint32)
    weights = np.frombuffer(first, "<f4", n, 4 * n) if kind & PLACED else None
    return Run(ids, weights, packed, whole[_HEAD.size + length :])


def _lists(run: Run) -> Iterator[list[Any]]:
    """What `ListMatcher` wants: numbers, weights, values, each a list."""
    ids = run.ids.tolist()
    yield ids
    yield [1.0] * len(ids) if run.weights is None else run.weights.tolist()
    if run.weights is None:
        yield [b""] * len(ids)
        return
    counts, places = run.places()
    ends = np.cumsum(counts, dtype=np.int64)
    data = places.tobytes()
    yield [data[4 * (end - n) : 4 * end] for n, end in zip(counts.tolist(), ends.tolist(), strict=True)]
