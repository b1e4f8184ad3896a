"""An index that is never wrong for long: what is compared and mended, who brings it up to date and when, what it says
of copies, and what goes on when it is lost."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import history, items, notices, reading
from catalogue.app import Travee
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import IndexQueue, Item, Notice
from catalogue.unimarc import Fields, RecordItem
from indexes import directory, documents, sync
from indexes.queries import search
from indexes.reader import Index
from indexes.schema import IndexDoc
from tests.cast import field, notice

SERIAL, ISSUE, ARTICLE = (f"     na{level} 22     3  450 " for level in ("s1", "s2", "a2"))
ONSITE = {"access": ["onsite"]}


@pytest.fixture
def index(tmp_path: Path, database: Database) -> Index:
    """An index that follows the database, empty so far."""
    made = sync.open_index(tmp_path / "index")
    sync.drain(database.read_session, made)
    return made


def put(database: Database, *titles: str) -> list[int]:
    with database.write() as session:
        return [notices.create(session, notice(t), by="claire", status="published").id for t in titles]


def found(index: Index, words: str, **filters: list[str]) -> list[int]:
    return sorted(hit.notice_id for hit in search(index, words, filters=filters, limit=50).hits)


def waiting(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(IndexQueue)) or 0


# -- compared, and mended -----------------------------------------------------------------------


def told(database: Database, notice_id: int) -> IndexDoc:
    with database.read() as session:
        return documents.read(session, [notice_id])[0]


def slip_in(index: Index, *docs: IndexDoc, instead_of: list[int]) -> None:
    """What no drainer would write."""
    with directory.write_lock(index.directory, wait=10) as held:
        assert held
        sync.write(index.snapshot(), docs, replaced=instead_of)


def lose(database: Database, index: Index, number: int) -> None:
    slip_in(index, instead_of=[number])


def keep_an_old_one(database: Database, index: Index, number: int) -> None:
    doc = told(database, number)
    slip_in(index, replace(doc, title="Titre d’avant", changed_seq=doc.changed_seq - 1), instead_of=[number])


def say_twice(database: Database, index: Index, number: int) -> None:
    slip_in(index, told(database, number), instead_of=[])


def say_one_that_is_gone(database: Database, index: Index, number: int) -> None:
    """The base, as a backup of before the notice was merged has it, and a queue that knows nothing of it."""
    with database.write() as session:
        session.get_one(Notice, number).status = "merged"


def say(**otherwise: Any) -> Callable[[Database, Index, int], None]:
    def bend(database: Database, index: Index, number: int) -> None:
        slip_in(index, replace(told(database, number), **otherwise), instead_of=[number])

    return bend


FAULTS: list[tuple[str, Callable[[Database, Index, int], None]]] = [
    ("missing", lose),
    ("stale", keep_an_old_one),
    ("doubled", say_twice),
    ("different", say(title="Tout autre chose", themes=("Un thème que rien ne dit",))),
    ("different", say(access=("online",), status="withdrawn")),
    ("different", say(abstract="Un mot de trop.")),
    ("orphaned", say_one_that_is_gone),  # the last one: it is gone
]


def test_every_difference_is_named_and_mended(database: Database, index: Index) -> None:
    first, second, third = put(database, "Une friche", "Une place", "Une tour")
    sync.drain(database.read_session, index)
    assert sync.check(database.read_session, index).ok
    for kind, bend in FAULTS:
        bend(database, index, second)
        report = sync.check(database.read_session, index)
        assert {k: v for k, v in report.found.items() if v} == {kind: (second,)}, kind
        assert sync.check(database.read_session, index, mend=True) == report, "looking mends nothing"
        assert sync.check(database.read_session, index).ok, kind
        there = [] if kind == "orphaned" else [second]
        assert (found(index, ""), found(index, "place")) == ([first, *there, third], there)
    assert waiting(database) == 0


def test_what_waits_is_no_difference_nor_what_follows_it(database: Database, index: Index) -> None:
    one, two = put(database, "Une friche", "Une place")
    sync.drain(database.read_session, index)
    with database.write() as session:
        notices.revise(session, notices.get(session, two), notice("Un square"), by="claire")
    report = sync.check(database.read_session, index, mend=True)
    assert (report.ok, report.waiting) == (True, 1)
    assert found(index, "square") == [], "it is the drainer's"
    sync.drain(database.read_session, index)
    assert (found(index, "square"), found(index, "friche")) == ([two], [one])


def test_what_is_drained_while_everything_is_looked_at_is_no_difference(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = put(database, "Une friche", "Une place", "Une tour")
    sync.drain(database.read_session, index)
    read = documents.read
    others: list[int] = []

    def read_late(*asked: Any) -> list[IndexDoc]:
        """Claire saves, and the worker drains, while the first batch is read."""
        monkeypatch.undo()
        with database.write() as session:
            notices.revise(session, notices.get(session, numbers[0]), notice("Un square"), by="claire")
            notices.set_status(session, notices.get(session, numbers[1]), "merged", by="claire")
            others.append(notices.create(session, notice("Une gare"), by="claire", status="published").id)
        sync.drain(database.read_session, index)
        return read(*asked)

    monkeypatch.setattr(documents, "read", read_late)
    assert sync.check(database.read_session, index, mend=True).ok
    assert found(index, "") == sorted([numbers[0], numbers[2], *others])


def test_what_is_saved_before_it_is_looked_at_again_is_the_drainer_s(
    database: Database, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = put(database, "Une friche", "Une place")
    sync.drain(database.read_session, index)
    slip_in(index, instead_of=numbers)
    settle = sync._settle

    def settle_late(*asked: Any) -> dict[str, list[int]]:
        with database.write() as session:
            notices.revise(session, notices.get(session, numbers[1]), notice("Un square"), by="claire")
        return settle(*asked)

    monkeypatch.setattr(sync, "_settle", settle_late)
    report = sync.check(database.read_session, index, mend=True)
    assert (report.missing, report.waiting) == ((numbers[0],), 1)
    assert found(index, "") == numbers[:1]


def test_a_check_goes_batch_by_batch(database: Database, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = put(database, *(f"Commune {n}" for n in range(11)))
    sync.drain(database.read_session, index)
    slip_in(index, instead_of=numbers)
    monkeypatch.setattr(sync, "BATCH", 4)
    assert sync.check(database.read_session, index, mend=True).missing == tuple(numbers)
    assert found(index, "commune") == numbers
    assert sync.check(database.read_session, index).ok


@pytest.fixture
def command(settings: Settings, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    shutil.copytree(empty_folder, settings.data_dir)
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> Any:
        done = CliRunner().invoke(main, list(words))
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    return run


def test_index_check_says_what_differed_and_that_it_is_mended(command: Any, settings: Settings) -> None:
    base, folder = Database(settings.url), settings.index_dir
    one, two, three = put(base, "Une friche", "Une place", "Une tour")
    assert command("index", "sync").exit_code == 0
    index = sync.open_index(folder)
    assert "disent la même chose" in command("index", "check").stdout
    slip_in(index, replace(told(base, one), title="Autre chose"), instead_of=[one, two])
    say_twice(base, index, three)
    looked = command("index", "check", "--dry-run")
    assert looked.exit_code == 1
    assert "1 notice absente de l’index." in looked.stderr
    assert "le répare" in looked.stderr
    whole = command("check")
    assert whole.exit_code == 1 and "1 notice qui s’y trouve plusieurs fois." in whole.stderr
    mended = command("index", "check", "--json")
    said = json.loads(mended.stdout)
    assert mended.exit_code == 0 and (said["agree"], said["repaired"]) == (False, True)
    assert (said["missing"], said["different"], said["doubled"]) == ([two], [one], [three])
    assert json.loads(command("index", "check", "--json").stdout)["agree"] is True
    slip_in(index, instead_of=[two])
    told_so = command("index", "check")
    assert told_so.exit_code == 0 and "C’est réparé" in told_so.stdout
    slip_in(index, instead_of=[two])
    assert command("check", "--repair").exit_code == 1, "as for every other fault that it finds"
    assert command("check").exit_code == 0
    base.close()


def test_a_place_that_no_index_can_be_in_is_a_sentence(command: Any, settings: Settings) -> None:
    shutil.rmtree(settings.index_dir, ignore_errors=True)
    settings.index_dir.write_text("a file", "ascii")
    for words in (("index", "sync"), ("index", "rebuild"), ("index", "check"), ("init",)):
        done = command(*words)
        assert done.exit_code == 1 and "L’index ne peut pas être écrit" in done.stderr, words
    passed = command("jobs", "run-once")
    assert passed.exit_code == 3 and "L’index n’a pas pu être mis à jour" in passed.stdout
    settings.index_dir.unlink()
    assert command("jobs", "run-once").exit_code == 0
    assert command("index", "check").exit_code == 0


def test_somebody_who_writes_too_long_is_a_sentence(
    command: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PATIENCE", 0.0)
    assert command("index", "sync").exit_code == 0
    with directory.write_lock(settings.index_dir) as held:
        assert held
        done = command("index", "rebuild")
    assert done.exit_code == 1 and "Un autre programme écrit dans l’index" in done.stderr


# -- what it says of copies ---------------------------------------------------------------------


def add_copy(session: Session, number: int, barcode: str, call_number: str = "PER A") -> Item:
    batch = history.open_batch(session, "edit", by="claire")
    made, _problems = items.add_many(session, [(number, RecordItem(barcode, call_number=call_number))], batch=batch)
    return session.get_one(Item, made[0])


def issue_of(serial: Notice | None, title: str = "Numéro 7") -> Fields:
    link = [field("461", "t", "Gazette", "9", f"id:{serial.address}", "0", serial.address)] if serial else []
    return notice(title, *link, leader=ISSUE)


def article_in(serial: Notice, issue: Notice) -> Fields:
    link = lambda tag, to: field(tag, "t", "Gazette", "9", f"id:{to.address}", "0", to.address)  # noqa: E731
    return notice("Une friche", link("461", serial), link("463", issue), leader=ARTICLE)


def make(session: Session, fields: Fields, status: str = "published") -> Notice:
    return notices.create(session, fields, by="claire", status=status)


def both_say(database: Database, index: Index) -> list[int]:
    """What is on site, as the filter has it; what the cards say must be the same, and a rebuild must change nothing."""
    sync.drain(database.read_session, index)
    assert sync.check(database.read_session, index).ok
    filtered = found(index, "", **ONSITE)
    with database.read() as session:
        shown = list(session.scalars(select(Notice.id).where(Notice.status == "published")))
        rows = session.execute(reading._notices(Notice.id.in_(shown))).all()
        access = reading._accesses(session, rows)
    assert filtered == sorted(i for i, ways in access.items() if ways.copies or ways.issues)
    return filtered


def test_a_journal_that_an_issue_leaves_has_no_longer_its_copies(database: Database, index: Index) -> None:
    with database.write() as session:
        first, second = (make(session, notice(title, leader=SERIAL)) for title in ("Gazette A", "Gazette B"))
        issue = make(session, issue_of(first))
        add_copy(session, issue.id, "B1")
        a, b, i = first.id, second.id, issue.id
    assert both_say(database, index) == [a, i]
    with database.write() as session:
        notices.revise(session, notices.get(session, i), issue_of(notices.get(session, b)), by="claire")
    assert both_say(database, index) == [b, i]
    with database.write() as session:
        notices.revise(session, notices.get(session, i), notice("Un livre"), by="claire")
    assert both_say(database, index) == [i]
    with database.write() as session:
        back = issue_of(notices.get(session, a))
        notices.revise(session, notices.get(session, i), back, by="claire")
    assert both_say(database, index) == [a, i]
    with database.write() as session:  # still linked, no longer an issue
        fields = [f for f in notices.get(session, i).fields if f["t"] != "000"]
        notices.revise(session, notices.get(session, i), [{"t": "000", "v": ARTICLE}, *fields], by="claire")
    assert both_say(database, index) == [i]


def test_the_copy_of_an_issue_nobody_may_see_puts_nothing_on_the_shelf(database: Database, index: Index) -> None:
    with database.write() as session:
        serial = make(session, notice("Gazette", leader=SERIAL))
        issue = make(session, issue_of(serial), "draft")
        article = make(session, article_in(serial, issue))
        add_copy(session, issue.id, "B1")
        s, i, a = serial.id, issue.id, article.id
    expected = {"draft": [], "published": [s, i, a], "withdrawn": [a], "candidate": []}
    for status, onsite in expected.items():
        with database.write() as session:
            notices.set_status(session, notices.get(session, i), status, by="claire")
        assert both_say(database, index) == onsite, status
    sync.rebuild(database.read_session, index.directory)
    assert both_say(database, index) == []


def test_a_chapter_is_read_in_its_book(database: Database, index: Index) -> None:
    with database.write() as session:
        book = make(session, notice("Une ville"))
        chapter = make(session, notice("Une friche", field("463", "t", "Une ville", "0", book.address), leader=ARTICLE))
        b, c = book.id, chapter.id
    assert both_say(database, index) == []
    with database.write() as session:
        copy_id = add_copy(session, b, "B1").id
    assert both_say(database, index) == [b, c]
    with database.write() as session:
        items.revise(session, session.get_one(Item, copy_id), {"status": "withdrawn"}, by="claire")
    assert both_say(database, index) == []


def test_a_withdrawn_copy_is_found_by_nobody(database: Database, index: Index) -> None:
    with database.write() as session:
        book = make(session, notice("Une tour"))
        copy = add_copy(session, book.id, "W777", "PILON 12")
        number, copy_id = book.id, copy.id
    sync.drain(database.read_session, index)
    asked = ("W777", 'cote:"PILON 12"', "cote:pilon*")
    assert [found(index, words) for words in asked] == [[number]] * 3
    with database.write() as session:
        items.revise(session, session.get_one(Item, copy_id), {"status": "withdrawn"}, by="claire")
    sync.drain(database.read_session, index)
    assert [found(index, words) for words in asked] == [[]] * 3


# -- who brings it up to date -------------------------------------------------------------------


def travee_of(app: Flask) -> Travee:
    made: Travee = app.extensions["travee"]
    return made


def test_a_visitor_s_click_leaves_an_import_to_the_worker(app: Flask, client: FlaskClient) -> None:
    travee = travee_of(app)
    numbers = put(travee.db, *(f"Commune {n}" for n in range(30)))
    with travee.db.read() as session:
        address = session.get_one(Notice, numbers[0]).address
    travee._wake.clear()
    assert client.post("/selection", data={"acte": "ajouter", "document": address}).status_code == 303
    assert waiting(travee.db) == 30
    assert travee._wake.is_set(), "the worker looks"
    travee.work_once()
    assert waiting(travee.db) == 0


def test_what_claire_saves_is_found_at_once_whatever_waits(app: Flask, claire: FlaskClient) -> None:
    travee = travee_of(app)
    (saved,) = put(travee.db, "Une friche")
    travee.drain_soon()
    put(travee.db, *(f"Commune {n}" for n in range(30)))
    with travee.db.read() as session:
        address = session.get_one(Notice, saved).address
    sent = claire.post(f"/bureau/notices/{address}/exemplaires/nouveau", data={"code_barres": "W777"})
    assert sent.status_code == 303
    assert found(travee.index(), "W777") == [saved]
    assert waiting(travee.db) == 30, "what others have brought in waits for the worker"


def test_a_page_makes_no_index_anew(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    travee = travee_of(app)
    numbers = put(travee.db, "Une friche", "Une place", "Une tour")
    assert not travee.index().filled
    monkeypatch.setattr(sync, "BATCH", 2)
    travee.drain_briefly(numbers)
    travee.drain_briefly()
    assert not travee.index().filled and waiting(travee.db) == 3
    monkeypatch.setattr(sync, "BATCH", 3)  # the whole base is no more than a batch
    travee.drain_briefly(numbers)
    assert travee.index().filled and waiting(travee.db) == 0


def test_no_more_than_a_batch_before_the_page_and_the_last_saved_first(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    travee = travee_of(app)
    travee.drain_soon()
    numbers = put(travee.db, *(f"Commune {n}" for n in range(7)))
    monkeypatch.setattr(sync, "BATCH", 2)
    travee.drain_briefly()
    assert found(travee.index(), "commune") == numbers[-2:]
    travee.drain_briefly(numbers[:5])
    assert waiting(travee.db) == 3


# -- lost, or out of reach ----------------------------------------------------------------------


def test_a_directory_lost_while_running_is_made_again(app: Flask, client: FlaskClient) -> None:
    travee = travee_of(app)
    put(travee.db, "Une friche", "Une place")
    travee.drain_soon()
    assert found(travee.index(), "friche")
    shutil.rmtree(travee.settings.index_dir)
    assert client.get("/recherche?q=friche").status_code == 503
    assert travee.work_once() == 2
    assert "Une friche" in client.get("/recherche?q=friche").get_data(as_text=True)


def test_what_hinders_the_index_stops_no_other_work(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    travee, done = travee_of(app), list[str]()

    def no_room() -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(travee, "drain", no_room)

    def works(name: str, *given: object) -> Callable[..., list[object]]:
        return lambda *_asked: done.append(name) or list(given)  # type: ignore[func-returns-value]

    monkeypatch.setattr("harvest.waiting.work", works("files"))
    monkeypatch.setattr("catalogue.texts.read_waiting", works("texts", "one"))
    monkeypatch.setattr(travee, "finish_erasing", works("erasures"))
    with caplog.at_level(logging.ERROR):
        travee.work_once()
    assert done == ["files", "texts", "erasures"]
    assert "its queue keeps what waits" in caplog.text and travee.index_fails


ASKING = ("/", "/recherche?q=friche", "/nouveautes", "/nouveautes.atom", "/recherche.atom?q=friche", "/recherche.ris")
STATES = ("/readyz", *ASKING)


def states(client: FlaskClient) -> set[int]:
    return {client.get(address).status_code for address in STATES}


def test_an_index_to_be_filled_does_not_say_that_there_is_nothing(app: Flask, client: FlaskClient) -> None:
    """It was written by an older version: the next worker's pass makes it anew."""
    travee = travee_of(app)
    put(travee.db, "Une friche")
    travee.drain_soon()
    assert states(client) == {200}
    filled = travee.index().snapshot().path
    filled.rename(filled.with_name("f1-0123456789ab"))
    (travee.settings.index_dir / "current").write_text("f1-0123456789ab", "ascii")
    directory.prepare(travee.settings.index_dir)  # a process starts
    assert states(client) == {503}
    assert "ouvre bientôt" not in client.get("/").text and client.get("/suggestions?q=fri").status_code == 200
    assert client.get("/readyz").json == {"status": "unavailable", "database": True, "index": False}
    assert travee.work_once() == 1
    assert states(client) == {200} and "Une friche" in client.get("/recherche?q=friche").text


def test_nor_does_one_that_another_process_began_where_it_was_lost(app: Flask, client: FlaskClient) -> None:
    travee = travee_of(app)
    put(travee.db, "Une friche")
    travee.drain_soon()
    assert states(client) == {200}
    shutil.rmtree(travee.settings.index_dir)
    sync.open_index(travee.settings.index_dir)
    assert states(client) == {503}
    travee.drain_soon()
    assert states(client) == {200}


def test_a_base_with_nothing_to_find_opens_soon(app: Flask, client: FlaskClient) -> None:
    travee = travee_of(app)
    assert not travee.index().filled
    with travee.db.write() as session:
        notices.create(session, notice("Une friche"), by="claire", status="draft")
    assert states(client) == {200}
    assert "Le catalogue ouvre bientôt" in client.get("/").text


def test_pages_say_that_search_is_down_when_no_index_can_be_made(app: Flask, client: FlaskClient) -> None:
    travee = travee_of(app)
    shutil.rmtree(travee.settings.index_dir, ignore_errors=True)
    travee.settings.index_dir.write_text("a file", "ascii")
    for address in ("/", "/recherche", "/recherche?theme=Logement", "/nouveautes", "/recherche.atom", "/recherche.ris"):
        assert client.get(address).status_code == 503, address
    assert client.get("/suggestions?q=lo").status_code == 200
    travee.settings.index_dir.unlink()
    travee.work_once()
    assert client.get("/recherche").status_code == 200


def test_nobody_waits_long_for_one_who_is_making_the_first_index(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_PATIENCE", 0.0)
    with directory.write_lock(tmp_path / "index") as held:
        assert held
        index = sync.open_index(tmp_path / "index")
        assert sync.drain(database.read_session, index) == 0
    (number,) = put(database, "Une friche")
    assert sync.drain(database.read_session, index) == 1
    assert found(index, "friche") == [number]
