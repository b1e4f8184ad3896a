"""SQLite's FTS5, with each of the tokenizers a French catalogue would be given."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from benchmarks.searching.peers import LIMIT
from indexes.analysis import tokens
from indexes.schema import IndexDoc

TOKENIZERS = {"unicode61": "unicode61 remove_diacritics 2", "trigram": "trigram"}
WEIGHTS = "4.0, 2.5, 3.0, 2.5, 1.0"  # as ours: title, other titles, authors, themes, abstract


class Fts5:
    def __init__(self, tokenizer: str) -> None:
        self.name = f"FTS5 {tokenizer}"
        self._base = sqlite3.connect(":memory:")
        self._base.execute(
            "create virtual table notice using fts5(title, more, agents, subjects, abstract, "
            f"tokenize = '{TOKENIZERS[tokenizer]}')"
        )

    def build(self, docs: Iterable[IndexDoc]) -> None:
        rows = map(self._row, docs)
        self._base.executemany(
            "insert into notice (rowid, title, more, agents, subjects, abstract) values (?, ?, ?, ?, ?, ?)", rows
        )

    @staticmethod
    def _row(doc: IndexDoc) -> tuple[int | str, ...]:
        several = (doc.more_titles, doc.agents, (*doc.subjects, *doc.keywords))
        return (doc.notice_id, doc.title, *map(" ; ".join, several), doc.abstract)

    def known(self, text: str) -> Sequence[int]:
        """All the words; any of them when nothing has them all."""
        words = [text[t.start : t.end] for t in tokens(text) if not t.stop]
        return self._ask(" AND ".join(f'"{w}"' for w in words)) or self._ask(" OR ".join(f'"{w}"' for w in words))

    def _ask(self, match: str) -> list[int]:
        rows = self._base.execute(
            f"select rowid from notice where notice match ? order by bm25(notice, {WEIGHTS}) limit {LIMIT}", (match,)
        )
        return [row[0] for row in rows]
