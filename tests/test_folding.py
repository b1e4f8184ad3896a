"""Spellings that are one to a French reader are one in search, in suggestions and in highlighting."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from indexes import directory, sync
from indexes.analysis import highlight
from indexes.queries import search
from indexes.reader import Index
from indexes.schema import IndexDoc
from indexes.suggestions import suggest

TABLE: dict[str, dict[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "folding.toml").read_text("utf-8")
)
WRITTEN = list(dict.fromkeys(written for group in TABLE.values() for written in group))
CASES = [(written, typed) for group in TABLE.values() for written, forms in group.items() for typed in forms]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    made = sync.open_index(tmp_path_factory.mktemp("folding") / "index")
    docs = [IndexDoc(n, written, themes=(written,), subjects=(written,)) for n, written in enumerate(WRITTEN, 1)]
    with directory.write_lock(made.directory, wait=10):
        sync.write(made.snapshot(), docs, replaced=[])
    return made


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize(("written", "typed"), CASES)
def test_one_spelling_finds_the_other(index: Index, written: str, typed: str) -> None:
    hits = search(index, typed, limit=200)
    assert not hits.relaxed
    assert WRITTEN.index(written) + 1 in {hit.notice_id for hit in hits.hits}
    assert any(marked for _piece, marked in highlight(written, hits.terms))
    assert written in {s.text for s in suggest(index, typed, limit=200)} or not typed[-1].isalpha()
