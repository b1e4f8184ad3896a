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
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3TermInfo, W3TermsReader
from whoosh.matching import ListMatcher
from whoosh.reading import SegmentReader

Numbers = NDArray[np.uint32]

PLACED = 1  # the run has weights and places
PACKED = 2  # its parts are compressed
_HEAD = struct.Struct("<BII")
_WORTH_PACKING = 400  # bytes
_LEVEL = 1
_KEY = struct.Struct(">H")  # as Whoosh's own term tables begin a key
_NO_FIELD = 0xFFFF
_COUNT, _COUNT_AT = struct.Struct("!I"), 5  # where `W3TermInfo` has the number of documents
_EXTENT, _EXTENT_AT = struct.Struct("!qi"), W3TermInfo._struct.size  # and where the run lies, and how long
_term = itemgetter(0, 1)


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


class ArrayCodec(W3Codec):
    """Whoosh's codec, with other postings."""

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
        for name, term in self.terms_from(field, prefix):
            if name != field or not term.startswith(prefix):
                return
            yield term

    def counts(self, field: str) -> Iterator[tuple[str, int]]:
        """Every term of a field with the number of its documents."""
        key = _KEY.pack(self._fieldmap.get(field, _NO_FIELD))
        for term, about in self._tindex.items_from(key):
            if not term.startswith(key):
                return
            yield term[_KEY.size :].decode(), _COUNT.unpack_from(about, _COUNT_AT)[0]


class ArrayReader(SegmentReader):
    """A segment as a merge reads it: a term at a time."""

    def iter_postings(self) -> Iterator[tuple[str, bytes, int, float, bytes]]:
        gone = frozenset(self._perdoc.deleted_docs())
        terms: ArrayTerms = self._terms
        for name, term in terms.terms():
            for number, weight, value in zip(*_lists(terms.run(name, term)), strict=True):
                if number not in gone:
                    yield name, term, number, weight, value


class ArrayFieldWriter(W3FieldWriter):
    def add_postings(self, schema: Any, lengths: Any, items: Iterable[tuple[str, bytes, int, float, bytes]]) -> None:
        """`items` come sorted by field, term and document."""
        field = ""
        for (name, term), postings in groupby(items, _term):
            if name != field:
                self.start_field(name, schema[name])
                field = name
            _names, _terms, ids, weights, values = zip(*postings, strict=True)
            self._write(term, ids, weights, values)

    def _write(self, term: bytes, ids: tuple[int, ...], weights: tuple[float, ...], values: tuple[bytes, ...]) -> None:
        placed = bool(values[0])
        start = self._postfile.tell()
        self._postfile.write(pack(ids, weights if placed else None, values))
        told = {"minid": ids[0], "maxid": ids[-1], "maxweight": max(weights), "weight": sum(weights)}
        about = W3TermInfo(df=len(ids), **told)
        about.set_extent(start, self._postfile.tell() - start)
        self._tindex.add(_KEY.pack(self._fieldid) + term, about.to_bytes())


def pack(ids: tuple[int, ...], weights: tuple[float, ...] | None, values: tuple[bytes, ...]) -> bytes:
    n = len(ids)
    first, rest = struct.pack(f"<{n}I", *ids), b""
    if weights is not None:
        first += struct.pack(f"<{n}f", *weights)
        rest = struct.pack(f"<{n}I", *(len(value) // 4 for value in values)) + b"".join(values)
    kind = PLACED if weights is not None else 0
    if len(first) >= _WORTH_PACKING:
        kind |= PACKED
        steps = np.diff(np.array(ids, "<u4"), prepend=np.uint32(0))
        first = zlib.compress(steps.tobytes() + first[4 * n :], _LEVEL)
        rest = zlib.compress(rest, _LEVEL) if rest else rest
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


