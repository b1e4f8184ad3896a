"""The peers, each asked the same questions: tantivy-py, text-book Whoosh, SQLite's FTS5. And ours, the same way.

A peer is told a notice's texts as ours is (title, other titles, authors, themes, abstract), weighs the title most
and answers `Answer`. What it is asked is our reading of the question, made beforehand and not counted for a peer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.searching.questions import Asked
from indexes import directory, sync
from indexes.analysis import highlight
from indexes.queries import search
from indexes.reader import Index
from indexes.schema import IndexDoc

LIMIT = 20
FACETS = ("kind", "theme", "year", "language", "access")


@dataclass(frozen=True)
class Answer:
    total: int
    ids: Sequence[int]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class Finder(Protocol):
    name: str

    def build(self, docs: Iterable[IndexDoc]) -> None: ...
    def known(self, text: str) -> Sequence[int]: ...


class Peer(Finder, Protocol):
    def ask(self, asked: Asked) -> Answer: ...


class Ours:
    """Travée's index, as the server asks it."""

    name = "ours"

    def __init__(self, path: Path, texts: Mapping[int, str]) -> None:
        self.path, self._texts = path, texts
        self.index: Index = sync.open_index(path)

    def build(self, docs: Iterable[IndexDoc]) -> None:
        with directory.write_lock(self.path, wait=5):
            sync.write(self.index.snapshot(), docs, replaced=[])

    def ask(self, asked: Asked) -> Answer:
        hits = search(self.index, asked.text, limit=LIMIT, **asked.options)
        ids = [hit.notice_id for hit in hits.hits]
        if asked.highlights:
            marked(self._texts, ids, hits.terms)
        return Answer(hits.total, ids, {key: dict(values) for key, values in hits.facets.items()})

    def known(self, text: str) -> Sequence[int]:
        return [hit.notice_id for hit in search(self.index, text, limit=LIMIT, facets=False).hits]

    def save(self, doc: IndexDoc) -> None:
        with directory.write_lock(self.path, wait=5):
            sync.write(self.index.snapshot(), [doc], replaced=[doc.notice_id])


def texts_of(docs: Iterable[IndexDoc]) -> dict[int, str]:
    """What the catalogue's own database gives a page to highlight."""
    return {doc.notice_id: "\n".join((doc.title, *doc.more_titles, doc.abstract)) for doc in docs}


def marked(texts: Mapping[int, str], ids: Sequence[int], terms: Sequence[str]) -> list[Any]:
    """Twenty passages with their words marked: the same work, by the same hands, for every engine."""
    return [highlight(texts[notice_id], terms) for notice_id in ids]


def size_of(path: Path) -> float:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
