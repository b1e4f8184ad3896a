"""The index follows the database: drained row by row, rebuilt beside, checked against it.

A write of the catalogue puts a row in `IndexQueue` in its own transaction. `drain` takes such rows, builds
what the index should know, makes **one** Whoosh commit and then deletes exactly the rows it has handled: a
row whose `seq` moved meanwhile stays for the next time, and a process that dies between the two leaves its
rows, which are then simply done again. One drainer at a time, among server, worker and command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import and_, bindparam, delete, func, select
from sqlalchemy.orm import Session
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex

from catalogue.models import IndexQueue, Notice
from catalogue.notices import INDEXED
from indexes import directory, documents
from indexes.codec import ArrayCodec, ArrayReader, TermPool
from indexes.reader import Index, Snapshot, UnreadableIndex, open_index
from indexes.schema import SCHEMA, IndexDoc, to_document
from indexes.texts import folder_beside

__all__ = ["CheckReport", "Index", "IndexBusy", "check", "drain", "open_index", "rebuild"]

# Opens a session. A reading one will do, and disturbs nobody: the only statement that writes comes first in
# its transaction.
Sessions = Callable[[], Session]

BATCH = 500
MOST_GATHERED = 300_000_000  # bytes: beyond, a rebuild goes on with another segment
TIER = 8  # segments of like size before they are merged
PATIENCE = 120.0  # seconds that a rebuild waits for its turn


class IndexBusy(Exception):
    """Somebody else has been writing to the index all this time."""


@dataclass(frozen=True)
class CheckReport:
    """Where index and database differ, beyond what waits in the queue."""

    missing: tuple[int, ...]
    stale: tuple[int, ...]
    orphaned: tuple[int, ...]
    waiting: int

    @property
    def ok(self) -> bool:
        return not (self.missing or self.stale or self.orphaned)


def drain(session_factory: Sessions, index: Index, *, limit: int = 1000) -> int:
    """Bring at most `limit` waiting changes to the index; how many it was, 0 when somebody else is at it.

    An index that nobody has filled yet, or that cannot be read, is rebuilt.
    """
    with directory.write_lock(index.directory) as held:
        if not held:
            return 0
        try:
            snapshot = index.snapshot()
        except UnreadableIndex:
            return _rebuild(session_factory, index.directory)
        if not index.filled:
            return _rebuild(session_factory, index.directory)
        with session_factory() as session:
            queue = select(IndexQueue.notice_id, IndexQueue.seq).order_by(IndexQueue.seq).limit(limit)
            waiting = [(row.notice_id, row.seq) for row in session.execute(queue)]
            ids = {notice_id for notice_id, _seq in waiting}
            for part in _parts(sorted(ids)):
                ids |= documents.also_touched(session, part)
            docs = [doc for part in _parts(sorted(ids)) for doc in documents.read(session, part)]
        if not waiting:
            return 0
        write(snapshot, docs, replaced=ids)
        _forget(session_factory, waiting)
        return len(waiting)


def rebuild(session_factory: Sessions, path: Path, *, on_progress: Callable[[int], None] = lambda done: None) -> int:
    """Make the whole index anew beside the old one, then swap them; how many notices it holds.

    Searches go on meanwhile, on the old one. What changes meanwhile waits in the queue.
    """
    directory.prepare(path)
    with directory.write_lock(path, wait=PATIENCE) as held:
        if not held:
            raise IndexBusy(str(path))
        return _rebuild(session_factory, path, on_progress)


def check(session_factory: Sessions, index: Index) -> CheckReport:
    """Compare the change that the index knows of each notice with the database's. Drain first."""
    with session_factory() as session:
        rows = session.execute(select(Notice.id, Notice.changed_seq).where(Notice.status.in_(INDEXED)))
        expected = {row.id: row.changed_seq for row in rows}
        waiting = session.scalar(select(func.count()).select_from(IndexQueue)) or 0
    known = index.snapshot().known()
    return CheckReport(
        missing=tuple(sorted(expected.keys() - known.keys())),
        stale=tuple(sorted(i for i in expected.keys() & known.keys() if expected[i] != known[i])),
        orphaned=tuple(sorted(known.keys() - expected.keys())),
        waiting=waiting,
    )


def write(snapshot: Snapshot, docs: Iterable[IndexDoc], *, replaced: Iterable[int]) -> None:
    """One commit: the documents of the `replaced` notices out, these in. Call it with the lock held."""
    writer = _writer(snapshot.path)
    try:
        for number in snapshot.documents_of(np.fromiter(replaced, np.int64)):
            writer.delete_document(number)
        for doc in docs:
            writer.add_document(**to_document(doc, folder_beside(snapshot.path.parent)))
    except BaseException:
        writer.cancel()
        raise
    writer.commit(mergetype=merge_small)


def _writer(generation: Path) -> Any:
    writer = FileIndex(FileStorage(str(generation)), SCHEMA).writer(codec=ArrayCodec())
    writer.pool = TermPool()
    return writer


def merge_small(writer: Any, segments: list[Any]) -> list[Any]:
    """Which segments this commit takes up: as many as TIER of like size, or one that is mostly deleted.

    Large segments are left alone, so that a commit's cost does not grow with the base.
    """
    kept: list[Any] = []
    for tier in _tiers(segments):
        if len(tier) < TIER:
            kept += tier
            continue
        for segment in tier:
            _absorb(writer, segment)
    kept = [segment for segment in kept if segment.doc_count()]
    mostly_gone = [s for s in kept if s.deleted_count() * 2 > s.doc_count_all()]
    for segment in mostly_gone:
        _absorb(writer, segment)
    return [segment for segment in kept if segment not in mostly_gone]


def _tiers(segments: list[Any]) -> Iterator[list[Any]]:
    """Segments of like size together: up to 8 documents, up to 64, up to 512…"""
    bounds = [0, *(TIER**power for power in range(1, 9))]
    for low, high in pairwise(bounds):
        yield [segment for segment in segments if low < segment.doc_count_all() <= high]


def _absorb(writer: Any, segment: Any) -> None:
    reader, first = ArrayReader(writer.storage, writer.schema, segment), writer.docnum
    writer.add_reader(reader)
    writer.pool.take(reader, first)
    reader.close()


def _rebuild(session_factory: Sessions, path: Path, on_progress: Callable[[int], None] = lambda done: None) -> int:
    with session_factory() as session:
        waiting = [(r.notice_id, r.seq) for r in session.execute(select(IndexQueue.notice_id, IndexQueue.seq))]
    generation = directory.new_generation(path)
    writer = _writer(generation)
    done = 0
    for part in _all_ids(session_factory):
        with session_factory() as session:
            docs = documents.read(session, part)
        for doc in docs:
            writer.add_document(**to_document(doc, folder_beside(path)))
        if writer.pool.bytes > MOST_GATHERED:
            writer.commit(merge=False)
            writer = _writer(generation)
        done += len(docs)
        on_progress(done)
    writer.commit()
    directory.put_in_use(generation)
    directory.remove_others(generation)
    _forget(session_factory, waiting)
    return done


def _all_ids(session_factory: Sessions) -> Iterator[list[int]]:
    last = 0
    while True:
        with session_factory() as session:
            ids = list(session.scalars(select(Notice.id).where(Notice.id > last).order_by(Notice.id).limit(BATCH)))
        if not ids:
            return
        yield ids
        last = ids[-1]


def _forget(session_factory: Sessions, handled: list[tuple[int, int]]) -> None:
    if not handled:
        return
    row = and_(IndexQueue.notice_id == bindparam("handled_id"), IndexQueue.seq == bindparam("handled_seq"))
    with session_factory() as session:
        session.connection().execute(
            delete(IndexQueue).where(row),
            [{"handled_id": notice_id, "handled_seq": seq} for notice_id, seq in handled],
        )
        session.commit()


def _parts(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
