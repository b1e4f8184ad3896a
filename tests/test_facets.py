"""The counts of facets, against counting by hand: whatever the rows and whichever documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import setup
from catalogue.app import Travee
from catalogue.config import Settings
from indexes import directory, speller, sync
from indexes.facets import KEYS, WIDEST, Columns, Counts
from indexes.queries import search
from indexes.reader import open_index
from indexes.schema import IndexDoc, columns_of

THEMES = [f"Thème {n}" for n in range(WIDEST * 3)]
DOCS = st.lists(
    st.builds(
        IndexDoc,
        notice_id=st.integers(1, 10**6),
        title=st.just("Titre"),
        scope=st.sampled_from(("local", "network")),
        kind=st.sampled_from(("book", "article", "report")),
        themes=st.lists(st.sampled_from(THEMES), max_size=len(THEMES)).map(tuple),
        languages=st.lists(st.sampled_from(("fre", "eng", "ger")), max_size=3).map(tuple),
        year=st.one_of(st.none(), st.integers(1990, 1996)),
        access=st.sets(st.sampled_from(("online", "onsite", "partner"))).map(tuple),
    ),
    min_size=1,
    max_size=60,
)


def by_hand(docs: Sequence[IndexDoc], key: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for doc in docs:
        line = dict(zip(("scope", "kind", "year"), (doc.scope, doc.kind, doc.year), strict=True))
        several = {"theme": doc.themes, "language": doc.languages, "access": doc.access}
        found.update(set(several[key]) if key in several else {str(line[key])} - {"None"})
    return found


def named(columns: Columns, key: str, counts: Counts) -> dict[str, int]:
    values = columns.facets[key].values
    return {value: n for value, n in zip(values, counts.tolist(), strict=True) if n}


@given(docs=DOCS, chosen=st.data())
def test_counts_are_those_of_counting_by_hand(docs: list[IndexDoc], chosen: st.DataObject) -> None:
    """Some documents have more themes than lie side by side; few are counted facet by facet, many by profile."""
    columns = Columns.read(map(columns_of, docs))
    ids = np.array(sorted(chosen.draw(st.sets(st.integers(0, len(docs) - 1)))), np.int32)
    some = [docs[n] for n in ids.tolist()]
    told = columns.counts(ids, KEYS)
    by_profile = columns.profiles.counts(ids, KEYS)
    assert {key: named(columns, key, told[key]) for key in KEYS} == {key: by_hand(some, key) for key in KEYS}
    assert all((by_profile[key] == told[key]).all() for key in by_profile)


@given(docs=DOCS, wanted=st.sets(st.sampled_from(THEMES)), chosen=st.data())
def test_a_filter_keeps_what_has_one_of_the_values(
    docs: list[IndexDoc], wanted: set[str], chosen: st.DataObject
) -> None:
    facet = Columns.read(map(columns_of, docs)).facets["theme"]
    having = [bool(wanted & set(doc.themes)) for doc in docs]
    ids = chosen.draw(st.lists(st.integers(0, len(docs) - 1), max_size=20))
    assert facet.mask(wanted).tolist() == having
    assert facet.mask(wanted, np.array(ids, np.int32)).tolist() == [having[n] for n in ids]


def test_a_document_with_very_many_values_does_not_widen_the_others() -> None:
    docs = [IndexDoc(n, "Titre", themes=tuple(THEMES if n == 7 else THEMES[:2])) for n in range(100)]
    facet = Columns.read(map(columns_of, docs)).facets["theme"]
    assert facet.table.shape == (100, 2)
    assert facet.counts(np.array([6, 7, 8])).tolist() == [3, 3] + [1] * (len(THEMES) - 2)


def test_what_most_documents_have_is_counted_by_what_the_others_lack(tmp_path: Path) -> None:
    """A question that finds more than half of the base, over several segments, some documents replaced, some drafts."""
    index = open_index(tmp_path / "index")
    docs = [
        IndexDoc(n, "logement" if n % 5 else "école", kind=("book", "article")[n % 2], themes=(THEMES[n % 3],))
        for n in range(60)
    ]
    docs = [replace(doc, status="draft") if doc.notice_id % 7 == 0 else doc for doc in docs]
    changed = [replace(doc, themes=("Autre",)) for doc in docs[10:16]]
    for part in (docs[:40], docs[40:], changed):
        with directory.write_lock(index.directory, wait=5):
            sync.write(index.snapshot(), part, replaced=[doc.notice_id for doc in part])
    now = [*docs[:10], *changed, *docs[16:]]
    found = [doc for doc in now if doc.status == "published" and doc.title == "logement"]
    hits = search(index, "logement")
    assert len(index.snapshot().leaves) > 1
    assert (hits.total, len(found) * 2 > len(now)) == (len(found), True)
    assert dict(hits.facets["theme"]) == by_hand(found, "theme")
    assert dict(hits.facets["kind"]) == by_hand(found, "kind")
    assert hits.facets["scope"] == [("local", len(found)), ("network", len(found))]


def test_lines_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = [IndexDoc(n, f"Titre {n}", kind=("book", "thesis")[n > 4], year=2000 + n) for n in range(10)]
    whole = Columns.read(map(columns_of, docs))
    monkeypatch.setattr("indexes.facets.PART", 3)
    parts = Columns.read(map(columns_of, docs))
    assert parts.titles == whole.titles
    assert parts.years.tolist() == whole.years.tolist() == [doc.year for doc in docs]
    assert parts.facets["kind"].values == whole.facets["kind"].values == ["book", "thesis"]
    assert (parts.facets["kind"].table == whole.facets["kind"].table).all()


def test_the_server_reads_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dictionaries are made before anybody mistypes a word, in a thread."""
    made, prepare = Event(), speller.prepare

    def tell(snapshot: sync.Snapshot) -> None:
        prepare(snapshot)
        made.set()

    monkeypatch.setattr(speller, "prepare", tell)
    travee = Travee(Settings(data_dir=tmp_path))
    setup.create_tables(travee.db)
    with directory.write_lock(travee.index().directory, wait=5):
        sync.write(travee.index().snapshot(), [IndexDoc(1, "Le logement")], replaced=[])
    travee.read_ahead()
    try:
        assert made.wait(30)
        monkeypatch.setattr(speller.Dictionary, "of", lambda segment: pytest.fail("a visitor waited"))
        assert search(travee.index(), "logemnet").suggestion == "logement"
    finally:
        travee.close()
