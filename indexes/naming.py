"""Which of the documents found were named by the question outright: by an ISBN, a DOI, a call number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from indexes.grammar import Exact, parse
from indexes.reader import Index


def named(index: Index, notice_ids: Iterable[int], query_text: str) -> dict[int, str]:
    """For each of these notices that holds a whole string of the question, this string as the index knows it: « i »
    and an identifier, or « c » and a call number (`schema.exact_terms`)."""
    query, wanted = parse(query_text), np.fromiter(notice_ids, np.int64)
    keys = [(clause.key, clause.prefix) for clause in query.positive if isinstance(clause, Exact)]
    keys += [(key, False) for key in query.whole if not key.startswith(("t", "b"))]
    out: dict[int, str] = {}
    for leaf in index.snapshot().leaves if keys and len(wanted) else ():
        shown = np.isin(leaf.columns.notice_ids, wanted) & leaf.alive
        for key, begins in keys:
            ids = leaf.segment.exact_begins(key) if begins else leaf.segment.exact(key)
            for number in ids[shown[ids]].tolist():
                out.setdefault(int(leaf.columns.notice_ids[number]), key)
    return out
