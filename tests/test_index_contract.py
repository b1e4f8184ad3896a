"""The index against Whoosh, against the database, against other writers and against sudden death."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from whoosh import query as wq
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex

from catalogue import notices, setup
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Centre, DigitalDocument, IndexQueue, Item, Notice, NoticeLink
from catalogue.unimarc import Fields
from indexes import codec, directory, sync
from indexes.queries import search
from indexes.reader import Index, UnreadableIndex
from indexes.schema import SCHEMA, IndexDoc
from tests.test_search import CAST, fill

# -- Whoosh -------------------------------------------------------------------------------------


def many(n: int, start: int = 1) -> list[IndexDoc]:
    """Enough documents for posting lists of several blocks."""
    return [
        IndexDoc(
            number,
            f"Commune numéro{number} et quartier{number % 7}",
            abstract="logement " * (number % 4) + f"politique de la ville tranche{number % 50}",
            themes=(f"Thème {number % 9}",),
            year=1990 + number % 30,
            changed_seq=number,
        )
        for number in range(start, start + n)
    ]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = sync.open_index(tmp_path_factory.mktemp("large") / "index")
    put(index, many(600))
    put(index, [replace(doc, abstract="effacé") for doc in many(40)])
    return index


def put(index: Index, docs: Sequence[IndexDoc]) -> None:
    with directory.write_lock(index.directory, wait=20) as held:
        assert held
        sync.write(index.snapshot(), docs, replaced=[doc.notice_id for doc in docs])


@contextmanager
def whoosh_searcher(index: Index) -> Iterator[object]:
    opened = FileIndex(FileStorage(str(index.snapshot().path)), SCHEMA)
    with opened.searcher() as searcher:
        yield searcher


POSTINGS = st.lists(
    st.tuples(st.floats(0.125, 100, width=32), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=9)),
    max_size=300,
)


@settings(max_examples=40, deadline=None)
@given(POSTINGS, st.booleans(), st.integers(1, 1000))
def test_what_is_written_of_a_term_is_read_again(
    postings: list[tuple[float, list[int]]], placed: bool, apart: int
) -> None:
    gathered = codec.Gathered()
    for number, (weight, places) in enumerate(postings or [(1.0, [7])]):
        gathered.ids.append(number * apart)
        if placed:
            gathered.weights.append(weight)
            gathered.counts.append(len(places))
            gathered.places.extend(places)
    run = codec.unpack(codec.pack(gathered))
    assert run.ids.tolist() == gathered.ids.tolist()
    if placed:
        assert run.weights is not None and run.weights.tolist() == gathered.weights.tolist()
        counts, all_places = run.places()
        assert (counts.tolist(), all_places.tolist()) == (gathered.counts.tolist(), gathered.places.tolist())
    else:
        assert run.weights is None


def test_whoosh_has_what_our_codec_builds_upon(large: Index) -> None:
    """Private members of Whoosh's that `codec` uses: another Whoosh must have them, and mean the same."""
    for leaf in large.snapshot().leaves:
        reader = leaf.segment._reader
        assert isinstance(reader._terms, codec.ArrayTerms)
        for term in (b"vill", b"log", b"commun"):
            if ("all", term) in reader:
                about = reader.term_info("all", term)
                run = reader._terms.run("all", term)
                assert (about.doc_frequency(), about.min_id(), about.max_id()) == (
                    len(run.ids),
                    run.ids[0],
                    run.ids[-1],
                )
                assert dict(reader._terms.counts("all"))[term.decode()] == about.doc_frequency()
    assert len(reader._terms.run("all", b"nobody wrote this").ids) == 0


def test_whoosh_s_own_matcher_walks_through_our_lists(large: Index) -> None:
    for leaf in large.snapshot().leaves:
        reader = leaf.segment._reader
        matcher = reader.postings("all", "commun")
        seen = []
        while matcher.is_active():
            seen.append((matcher.id(), matcher.value_as("positions")))
            matcher.next()
        ours: dict[int, list[int]] = {}
        for place in leaf.segment.places("commun").tolist():
            ours.setdefault(place >> 32, []).append(place & 0xFFFFFFFF)
        assert seen == [(number, places) for number, places in ours.items() if not reader.is_deleted(number)]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("ville", wq.Term("all", "vill")),
        ("logement", wq.Term("all", "log")),
        ("logement quartier3", wq.And([wq.Term("all", "log"), wq.Term("all", "quartier3")])),
        ('"politique de la ville"', wq.Phrase("all", ["polit", "vill"], slop=3)),
        ("tranche8 -logement", wq.And([wq.Term("all", "tranche8"), wq.Not(wq.Term("all", "log"))])),
        ("numero5*", wq.Prefix("all", "numero5")),
        ("efface", wq.Term("all", "effac")),
    ],
)
def test_our_reader_finds_what_whoosh_s_own_searcher_finds(large: Index, text: str, query: object) -> None:
    with whoosh_searcher(large) as searcher:
        results = searcher.search(query, limit=None)  # type: ignore[attr-defined]
        numbers = sorted(results.docs())
    ids = np.concatenate([leaf.columns.notice_ids for leaf in large.snapshot().leaves])
    ours = sorted(hit.notice_id for hit in search(large, text, limit=1000).hits)
    assert ours == sorted(ids[numbers].tolist()) != []


def test_what_was_replaced_is_gone_even_from_older_segments(large: Index) -> None:
    assert search(large, "numero12").total == 1
    assert search(large, "numero12 efface").total == 1
    assert search(large, "numero12 tranche12").relaxed


def test_small_segments_are_merged_and_nothing_is_lost(tmp_path: Path) -> None:
    index = sync.open_index(tmp_path / "index")
    put(index, many(100))
    for number in range(1, 81):
        put(index, [replace(CAST[0], notice_id=number, title=f"Version {number}")])
    assert search(index, "version", limit=100).total == 80
    assert search(index, "", limit=100).total == 100
    assert len(index.snapshot().leaves) <= 3 * sync.TIER


# -- writers and readers together ---------------------------------------------------------------


@contextmanager
def meanwhile(act: Callable[[int], None]) -> Iterator[list[BaseException]]:
    """Somebody else does this over and over; what went wrong there is in the list."""
    over, wrong = Event(), list[BaseException]()

    def run() -> None:
        turn = 0
        try:
            while not over.is_set():
                act(turn)
                turn += 1
                over.wait(0.01)  # the lock is free for others in between
        except BaseException as error:
            wrong.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join(60)


def test_every_search_after_an_update_sees_it_while_others_write_and_read(tmp_path: Path) -> None:
    index = sync.open_index(tmp_path / "index")
    put(index, many(120))

    def write_elsewhere(turn: int) -> None:
        put(index, [replace(doc, title=f"Ailleurs {turn}") for doc in many(3, start=101)])

    def read_elsewhere(_turn: int) -> None:
        hits = search(index, "ville", limit=5)
        assert hits.total == 120
        assert sum(count for _year, count in hits.facets["year"]) == 120

    with meanwhile(write_elsewhere) as writing, meanwhile(read_elsewhere) as reading:
        for turn in range(200):
            number = turn % 50 + 1
            put(index, [replace(many(1, start=number)[0], title=f"Nouveau tour{turn}")])
            assert [hit.notice_id for hit in search(index, f"tour{turn}").hits] == [number]
            assert turn < 50 or not search(index, f"tour{turn - 50}").hits
    assert (writing, reading) == ([], [])
    assert search(index, "", limit=200).total == 120


def test_the_index_may_be_opened_at_any_moment_of_a_commit(tmp_path: Path) -> None:
    index = sync.open_index(tmp_path / "index")
    put(index, many(60))
    with meanwhile(lambda turn: put(index, many(5, start=turn % 50 + 1))) as wrong:
        for _ in range(100):
            assert search(sync.open_index(tmp_path / "index"), "ville").total == 60
    assert wrong == []


def test_a_second_writer_does_nothing_and_says_so(database: Database, tmp_path: Path) -> None:
    index = sync.open_index(tmp_path / "index")
    write_notices(database, 3)
    with directory.write_lock(index.directory) as held:
        assert held
        assert sync.drain(database.read_session, index) == 0
    assert sync.drain(database.read_session, index) == 3


# -- the database -------------------------------------------------------------------------------


def fields_of(title: str, **more: str) -> Fields:
    fields: Fields = [
        {"t": "000", "v": "     nam0 22     3  450 "},
        {"t": "200", "i": "1 ", "s": [["a", title], ["e", more.get("subtitle", "un complément")]]},
        {"t": "210", "i": "  ", "s": [["c", "Éditions du Test"], ["d", "2019"]]},
        {"t": "330", "i": "  ", "s": [["a", more.get("abstract", "Un résumé.")]]},
        {"t": "606", "i": "  ", "s": [["a", "Rénovation urbaine"]]},
        {"t": "610", "i": "0 ", "s": [["a", "friche"]]},
        {"t": "700", "i": " 1", "s": [["a", "Dupont"], ["b", "Anne"]]},
    ]
    if "isbn" in more:
        fields.insert(1, {"t": "010", "i": "  ", "s": [["a", more["isbn"]]]})
    return fields


def write_notices(database: Database, n: int) -> list[int]:
    with database.write() as session:
        return [
            notices.create(session, fields_of(f"Notice numéro{k}"), by="claire", status="published").id
            for k in range(n)
        ]


def waiting(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(IndexQueue)) or 0


@pytest.fixture
def index(tmp_path: Path, database: Database) -> Index:
    """An index that follows the database, empty so far."""
    made = sync.open_index(tmp_path / "index")
    sync.drain(database.read_session, made)
    return made


def drain(database: Database, index: Index) -> int:
    return sync.drain(database.read_session, index)


def test_a_notice_saved_is_found_by_everything_it_says(database: Database, index: Index) -> None:
    with database.write() as session:
        made = notices.create(
            session,
            fields_of("Habiter", abstract="La mixité sociale.", isbn="2-7071-4272-7"),
            by="claire",
            status="published",
        )
        notice_id, address = made.id, made.address
        session.add(DigitalDocument(notice_id=notice_id, url="https://example.org/a.pdf"))
    assert drain(database, index) == 1
    for asked in (
        *("habiter complement", "mixite", "titre:habiter", "auteur:dupont", "theme:renovation", "theme:friche"),
        *("978-2-7071-4272-6", address, "annee:2019", "editions test"),
    ):
        assert [hit.notice_id for hit in search(index, asked).hits] == [notice_id], asked
    facets = search(index, "").facets
    assert facets["theme"] == [("Rénovation urbaine", 1)]
    assert facets["access"] == [("online", 1)]
    assert waiting(database) == 0


def test_copies_and_partners_decide_where_it_can_be_read(database: Database, index: Index) -> None:
    with database.write() as session:
        ours = notices.our_centre(session)
        partner = Centre(name="ORIV", code="oriv")
        session.add(partner)
        session.flush()
        mine = notices.create(session, fields_of("La nôtre"), by="claire", status="published")
        theirs = notices.create(session, fields_of("La leur"), by="claire", status="published", owner_id=partner.id)
        at = mine.created_at
        for code, status in (("k1", "available"), ("k2", "withdrawn")):
            session.add(
                Item(
                    **{"code": code, "centre_id": ours.id, "barcode": f"B-{code}", "notice_id": mine.id},
                    **{"call_number": "301 DUP", "status": status, "created_at": at, "updated_at": at},
                )
            )
        ids = mine.id, theirs.id
    drain(database, index)
    local = search(index, "", filters={"scope": ["local"]})
    assert [hit.notice_id for hit in local.hits] == [ids[0]]
    assert [hit.notice_id for hit in search(index, "", filters={"access": ["onsite"]}).hits] == [ids[0]]
    assert [hit.notice_id for hit in search(index, "", filters={"access": ["partner"]}).hits] == [ids[1]]
    assert [hit.notice_id for hit in search(index, "cote:301*").hits] == [ids[0]]
    assert [hit.notice_id for hit in search(index, "b-k1").hits] == [ids[0]]


def test_an_article_and_a_periodical_follow_the_copies_of_the_issue(database: Database, index: Index) -> None:
    with database.write() as session:
        titles = {"serial": "La revue", "issue": "Numéro 12", "article": "Un article"}
        made = {
            level: notices.create(session, fields_of(title), by="claire", status="published")
            for level, title in titles.items()
        }
        for level, notice in made.items():
            notice.level = level
        ids = {level: notice.id for level, notice in made.items()}
        for level, relation in (("issue", "host_serial"), ("article", "host_serial"), ("article", "host_issue")):
            target = ids[relation.removeprefix("host_")]
            session.add(NoticeLink(notice_id=ids[level], relation=relation, target_id=target, promise=""))
    drain(database, index)
    on_the_shelf = {"access": ["onsite"]}
    assert search(index, "", filters=on_the_shelf).total == 0
    with database.write() as session:
        at = made["issue"].created_at
        session.add(
            Item(
                **{"code": "k1", "centre_id": notices.our_centre(session).id, "notice_id": ids["issue"]},
                **{"status": "available", "created_at": at, "updated_at": at},
            )
        )
        notices.queue_index(session, [ids["issue"]])
    drain(database, index)
    assert {hit.notice_id for hit in search(index, "", filters=on_the_shelf).hits} == set(ids.values())


def test_a_change_of_status_is_followed(database: Database, index: Index) -> None:
    (notice_id,) = write_notices(database, 1)
    drain(database, index)
    for status, public, staff in (("withdrawn", 0, 1), ("merged", 0, 0), ("published", 1, 1)):
        with database.write() as session:
            notices.set_status(session, notices.get(session, notice_id), status, by="claire")
        assert drain(database, index) == 1
        assert search(index, "numero0").total == public
        assert search(index, "numero0", status="any").total == staff


def test_a_row_that_moved_meanwhile_stays_for_the_next_time(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notice_id,) = write_notices(database, 1)
    whole_write = sync.write

    def write_late(*args: object, **named: object) -> None:
        """Claire saves again between the reading of the notice and the commit of the index."""
        with database.write() as session:
            notice = notices.get(session, notice_id)
            notices.revise(session, notice, fields_of("Titre corrigé"), by="claire")
        whole_write(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sync, "write", write_late)
    drain(database, index)
    monkeypatch.undo()
    assert waiting(database) == 1
    assert drain(database, index) == 1
    assert search(index, "corrige").total == 1
    assert search(index, "numero0").total == 0


def test_a_crash_before_the_rows_are_deleted_is_done_again(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notices(database, 4)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sync, "_forget", die)
    with pytest.raises(KeyboardInterrupt):
        drain(database, index)
    monkeypatch.undo()
    assert search(index, "").total == 4
    assert waiting(database) == 4
    assert drain(database, index) == 4
    assert search(index, "").total == 4
    assert sync.check(database.read_session, index).ok


def test_a_limit_leaves_the_rest_for_later(database: Database, index: Index) -> None:
    write_notices(database, 5)
    assert [sync.drain(database.read_session, index, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert search(index, "").total == 5


def test_reading_many_notices_takes_a_fixed_number_of_questions(database: Database, index: Index) -> None:
    from sqlalchemy import event

    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    counts = []
    for n in (2, 30):
        write_notices(database, n)
        asked.clear()
        assert drain(database, index) == n
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 20


def test_check_names_what_differs(database: Database, index: Index) -> None:
    ids = write_notices(database, 4)
    drain(database, index)
    assert sync.check(database.read_session, index).ok
    with database.write() as session:
        session.get_one(Notice, ids[0]).changed_seq += 1000
        session.get_one(Notice, ids[1]).status = "erased"
    with directory.write_lock(index.directory):
        sync.write(index.snapshot(), [], replaced=[ids[2]])
    report = sync.check(database.read_session, index)
    assert (report.stale, report.orphaned, report.missing) == ((ids[0],), (ids[1],), (ids[2],))
    assert not report.ok
    sync.rebuild(database.read_session, index.directory)
    assert sync.check(database.read_session, index).ok


# -- rebuilding ---------------------------------------------------------------------------------


def test_a_rebuild_leaves_searches_no_moment_of_failure(database: Database, index: Index) -> None:
    write_notices(database, 40)
    drain(database, index)

    def read(_turn: int) -> None:
        assert search(index, "numero3*", limit=50).total == 11

    told: list[int] = []
    with meanwhile(read) as wrong:
        for _ in range(5):
            assert sync.rebuild(database.read_session, index.directory, on_progress=told.append) == 40
    assert wrong == []
    assert told == [40] * 5
    assert len([path for path in index.directory.iterdir() if path.is_dir()]) == 1


def test_a_rebuild_that_gathers_much_goes_on_in_another_segment(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = write_notices(database, 12)
    monkeypatch.setattr(sync, "MOST_GATHERED", 1)
    monkeypatch.setattr(sync, "BATCH", 5)
    assert sync.rebuild(database.read_session, index.directory) == 12
    assert len(index.snapshot().leaves) == 3
    assert sorted(hit.notice_id for hit in search(index, "notice").hits) == ids
    assert sync.check(database.read_session, index).ok


def test_what_changes_during_a_rebuild_is_not_forgotten(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_others = write_notices(database, 3)
    put_in_use = directory.put_in_use

    def late(generation: Path) -> None:
        with database.write() as session:
            notices.revise(session, notices.get(session, first), fields_of("Pendant ce temps"), by="claire")
        put_in_use(generation)

    monkeypatch.setattr(directory, "put_in_use", late)
    sync.rebuild(database.read_session, index.directory)
    monkeypatch.undo()
    assert waiting(database) == 1
    assert drain(database, index) == 1
    assert search(index, "pendant").total == 1
    assert sync.check(database.read_session, index).ok


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Whoosh leaves a file open that it could not read
def test_a_lost_or_damaged_index_heals_at_the_next_drain(database: Database, index: Index, tmp_path: Path) -> None:
    write_notices(database, 3)
    drain(database, index)
    for path in index.snapshot().path.glob("*.seg"):
        path.write_bytes(b"not a segment")
    broken = sync.open_index(index.directory)
    with pytest.raises(UnreadableIndex):
        search(broken, "numero")
    assert drain(database, broken) == 3
    assert search(broken, "").total == 3
    elsewhere = sync.open_index(tmp_path / "fresh")
    assert search(elsewhere, "").total == 0
    assert drain(database, elsewhere) == 3
    assert search(elsewhere, "").total == 3
    gc.collect()


def test_an_index_of_another_format_is_made_anew(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notices(database, 2)
    drain(database, index)
    monkeypatch.setattr(directory, "_STAMP", "f999-")
    later = sync.open_index(index.directory)
    assert not later.filled
    assert drain(database, later) == 2
    assert later.filled
    assert search(later, "").total == 2


# -- sudden death -------------------------------------------------------------------------------

DRAINER = """
import sys
from catalogue.db import Database
from catalogue import notices
from catalogue.models import Notice
from indexes import sync
from pathlib import Path
base, index = Database(sys.argv[1]), sync.open_index(Path(sys.argv[2]))
turn = 0
while True:
    with base.write() as session:
        for n in session.query(Notice).order_by(Notice.id):
            notices.reproject(session, [n.id])
    print("go", flush=True)
    while sync.drain(base.read_session, index, limit=20):
        pass
"""


def test_a_drainer_killed_at_any_moment_leaves_a_good_index(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'travee.db'}"
    base = Database(url)
    setup.create_tables(base)
    setup.first_rows(base, Settings(_env_file=None))
    write_notices(base, 60)
    where = tmp_path / "index"
    sync.drain(base.read_session, sync.open_index(where))
    for after in (0.0, 0.01, 0.03, 0.06, 0.1, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", DRAINER, url, str(where)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        index = sync.open_index(where)
        assert search(index, "").total == 60
        while sync.drain(base.read_session, index):
            pass
        assert search(index, "").total == 60
        assert sync.check(base.read_session, index).ok
    base.close()


def test_the_shared_cast_is_whole(tmp_path: Path) -> None:
    index = sync.open_index(tmp_path / "index")
    fill(index, CAST)
    assert search(index, "", status="any", limit=50).total == len(CAST)
