"""The index follows the database: drained row by row, rebuilt beside, checked against it.

A write of the catalogue puts a row in `IndexQueue` in its own transaction. `drain` takes such rows, builds
what the index should know, makes **one** Whoosh commit and then deletes exactly the rows it has handled: a
row whose `seq` moved meanwhile stays for the next time, and a process that dies between the two leaves its
rows, which are then simply done again. One drainer at a time, among server, worker and command line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import and_, bindparam, delete, func, select
from sqlalchemy.orm import Session
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex

from catalogue.models import IndexQueue, Notice
from indexes import directory, documents
from indexes.codec import ArrayCodec, ArrayReader, TermPool
from indexes.reader import Index, Snapshot, UnreadableIndex, open_index
from indexes.schema import SCHEMA, IndexDoc, digest_of, to_document
from indexes.texts import folder_beside

__all__ = ["CheckReport", "Index", "IndexBusy", "check", "drain", "open_index", "rebuild", "usable"]

# Opens a session. A reading one will do, and disturbs nobody: the only statement that writes comes first in
# its transaction.
Sessions = Callable[[], Session]
Told: TypeAlias = tuple[int, int]  # of a notice: its change, and the digest of all that the index is told of it

FAULTS = ("missing", "stale", "different", "doubled", "orphaned")
BATCH = 500
MOST_GATHERED = 300_000_000  # bytes: beyond, a rebuild goes on with another segment
TIER = 8  # segments of like size before they are merged
PATIENCE = 120.0  # seconds that a rebuild waits for its turn


class IndexBusy(Exception):
    """Somebody else has been writing to the index all this time."""


@dataclass(frozen=True)
class CheckReport:
    """Where index and database differ, beyond what waits in the queue: numbers of notices, by kind."""

    missing: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()  # known as they were before their last change
    different: tuple[int, ...] = ()  # known at their last change, in other words than the database's
    doubled: tuple[int, ...] = ()
    orphaned: tuple[int, ...] = ()  # no longer to be found, or erased
    waiting: int = 0

    @property
    def found(self) -> dict[str, tuple[int, ...]]:
        return {kind: getattr(self, kind) for kind in FAULTS}

    @property
    def ok(self) -> bool:
        return not any(self.found.values())


def drain(
    session_factory: Sessions,
    index: Index,
    *,
    limit: int = 1000,
    only: Collection[int] | None = None,
    may_rebuild: bool = True,
) -> int:
    """Bring at most `limit` waiting changes to the index, the last ones first; how many it was, 0 when somebody else
    is at it. `only`: of these notices.

    An index that nobody has filled yet, or that cannot be read, is rebuilt; unless it `may_rebuild`, for somebody who
    waits for a page, only when that takes no longer than any other batch.
    """
    with directory.write_lock(index.directory) as held:
        if not held:
            return 0
        snapshot = usable(index)
        if snapshot is None:
            small = may_rebuild or _is_small(session_factory)
            return _rebuild(session_factory, index.directory) if small else 0
        with session_factory() as session:
            waiting = _waiting(session, limit, only)
            ids = _with_touched(session, {notice_id for notice_id, _seq in waiting})
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
    with _writing(path):
        return _rebuild(session_factory, path, on_progress)


def check(session_factory: Sessions, index: Index, *, mend: bool = False) -> CheckReport:
    """Compare all that the index was told of each notice with what the database says now; `mend` what differs.

    Everything is looked at while others write; what then seems to differ is looked at again, a batch at a time, when
    nobody else writes to the index. What waits in the queue is no difference.
    """
    known = index.snapshot().known()
    seem = set(known)
    for part in _all_ids(session_factory):
        with session_factory() as session:
            told = _told(documents.read(session, part))
        seem |= told.keys()
        seem -= {i for i in told if not _fault(told[i], known.get(i, ()))}
    with session_factory() as session:
        seem -= _all_waiting(session)
    found: dict[str, list[int]] = {kind: [] for kind in FAULTS}
    for part in _parts(sorted(seem)):
        for kind, ids in _settle(session_factory, index, part, mend).items():
            found[kind] += ids
    with session_factory() as session:
        waiting = session.scalar(select(func.count()).select_from(IndexQueue)) or 0
    return CheckReport(**{kind: tuple(ids) for kind, ids in found.items()}, waiting=waiting)


def _settle(session_factory: Sessions, index: Index, ids: list[int], mend: bool) -> dict[str, list[int]]:
    """How the index is wrong about these notices, for sure; what is mended is as the database says."""
    found: dict[str, list[int]] = {kind: [] for kind in FAULTS}
    with _writing(index.directory):
        snapshot = index.snapshot()
        known = snapshot.known(ids)
        with session_factory() as session:
            docs = documents.read(session, ids)
            waiting = _all_waiting(session)  # after the reading
        told = _told(docs)
        for notice_id in ids:
            fault = _fault(told.get(notice_id), known.get(notice_id, ()))
            if fault and notice_id not in waiting:
                found[fault].append(notice_id)
        wrong = {notice_id for some in found.values() for notice_id in some}
        if wrong and mend:
            write(snapshot, [doc for doc in docs if doc.notice_id in wrong], replaced=wrong)
    return found


def _told(docs: Iterable[IndexDoc]) -> dict[int, Told]:
    return {doc.notice_id: (doc.changed_seq, digest_of(doc)) for doc in docs}


def _fault(told: Told | None, known: Sequence[Told]) -> str:
    """How the index is wrong about a notice, "" if it is not: what it is to be told (None: nothing), what it knows."""
    if told is None:
        return "orphaned" if known else ""
    if len(known) != 1:
        return "doubled" if known else "missing"
    if known[0] == told:
        return ""
    return "different" if known[0][0] == told[0] else "stale"


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


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    with directory.write_lock(path, wait=PATIENCE) as held:
        if not held:
            raise IndexBusy(str(path))
        yield


def usable(index: Index) -> Snapshot | None:
    """The index as it is; None when it must be made anew: it cannot be read, or nobody has filled it."""
    try:
        snapshot = index.snapshot()
    except UnreadableIndex:
        return None
    return snapshot if index.filled else None


def _is_small(session_factory: Sessions) -> bool:
    """Whether the whole base is no more than a batch."""
    with session_factory() as session:
        return len(session.scalars(select(Notice.id).limit(BATCH + 1)).all()) <= BATCH


def _waiting(session: Session, limit: int | None = None, only: Collection[int] | None = None) -> list[tuple[int, int]]:
    """What waits in the queue, (notice, change): what was saved last is what people look for first."""
    queue = select(IndexQueue.notice_id, IndexQueue.seq).order_by(IndexQueue.seq.desc()).limit(limit)
    if only is not None:
        queue = queue.where(IndexQueue.notice_id.in_(sorted(only)[-BATCH:]))
    return [(row.notice_id, row.seq) for row in session.execute(queue)]


def _all_waiting(session: Session) -> set[int]:
    return _with_touched(session, set(session.scalars(select(IndexQueue.notice_id))))


def _with_touched(session: Session, ids: set[int]) -> set[int]:
    """These notices, and those whose access follows them."""
    return ids.union(*(documents.also_touched(session, part) for part in _parts(sorted(ids))))


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
        waiting = _waiting(session)
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
