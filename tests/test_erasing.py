"""To forget for good: nothing is left anywhere but a tombstone, and what was erased never comes again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from catalogue import (
    asking_again,
    db,
    digital,
    documents,
    erasing,
    history,
    i18n,
    integrity,
    items,
    joining,
    kept_forms,
    lots,
    notices,
    reading,
    setup,
    tombstones,
)
from catalogue.app import Travee
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.erasing import NotErasable
from catalogue.models import (
    Agent,
    Batch,
    CleaningGroup,
    DigitalDocument,
    Item,
    KeptForm,
    Notice,
    RawPage,
    Revision,
    SourceRecord,
    VisitRequest,
)
from catalogue.unimarc import Field, RecordItem
from harvest import cutting, intake, lookup, pages
from indexes import sync
from tests.cast import field
from tests.cast import notice as described
from tests.test_desk import text as page_text
from tests.test_harvest import Network, base, book, export_of, net, told
from tests.test_import_report import open_desk, take
from tests.test_proposals import linked, reci, taken_in

__all__ = ["net"]  # the fixture

SECRET = "zephyrinus"
NAMED = [
    field("700", "a", "Zephyrinus", "b", "Odile", "9", "id:12", ind=" 1"),
    field("330", "a", "Le témoignage de Zephyrinus."),
]


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def traces(database: Database, folder: Path, word: str = SECRET) -> list[str]:
    """Where a word is still read: cells of tables, files, stored pages once unfolded."""
    found = []
    with database.read() as session:
        for table in inspect(database.engine).get_table_names():
            rows = session.execute(text(f'SELECT * FROM "{table}"')).all()
            found += [f"{table}: {row!r:.200}" for row in rows if word in repr(list(row)).lower()]  # a Row shortens
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        if word.encode() in raw.lower():
            found.append(str(path.relative_to(folder)))
    return found


def clean(net: Network) -> int:
    """What `Travee.finish_erasing` does behind an erasure."""
    travee = Travee(net.settings)
    travee.db.close()
    travee.db = net.database
    return travee.finish_erasing()


def a_life(net: Network) -> Notice:
    """A notice that has been harvested, edited, merged with another, changed again by its partner, given a copy."""
    secret = book(40, *NAMED, name="Mémoires de Zephyrinus")
    net.meet([*base(12), secret], new_status="published").harvest()
    with net.write() as session:
        notice = session.scalars(select(Notice).where(Notice.title == "Mémoires de Zephyrinus")).one()
        note = field("300", "a", "Don de Zephyrinus")
        notices.revise(session, notice, [*notice.fields, note], by="claire", why="Zephyrinus l’a demandé")
        double = notices.create(session, described("Zephyrinus, un double"), by="claire", status="published")
        joining.merge(session, notice, double, by="claire")
        lot = history.open_batch(session, "copy", by="claire")
        items.add_many(session, [(notice.id, RecordItem(barcode="B1", call_number="ZEPHYRINUS 1"))], batch=lot)
        session.add(DigitalDocument(notice_id=notice.id, url="https://exemple.fr/zephyrinus.pdf"))
        at_the_desk(session, notice, net.settings.data_dir)
    net.partner.partner.revise(40, [*secret.fields, field("300", "a", "Zephyrinus, encore")], net.clock.now)
    net.harvest()
    sync.rebuild(net.database.read_session, net.settings.index_dir)
    return notice


def at_the_desk(session: Session, notice: Notice, folder: Path) -> None:
    """What people have in hand about it: a form begun, a colleague's, a question for the night, a file
    that was given and then named otherwise, a group of a clean-up day."""
    typed = {"adresse": [notice.address], "title": ["Mémoires de Zephyrinus, relus"]}
    kept_forms.keep(session, "claire", notice.address, typed, title="Mémoires de Zephyrinus", version=1)
    kept_forms.keep(session, "ines", notice.address, typed, title="Zephyrinus", version=1)
    kept_forms.keep(session, "claire", "b3c5d7f9", {"title": ["Autre chose"]}, title="Autre chose", version=0)
    asked = lookup.understand("Mémoires de Zephyrinus")
    asking_again.remember(session, asked, by="claire", notice_address=notice.address, failed=["bnf"])
    path = folder / "given.txt"
    path.write_text("Zephyrinus raconte.")
    documents.attach(session, notice, path, folder / "files", rights="staff", label="Zephyrinus")
    path.unlink()
    lot = history.open_batch(session, "file", by="claire")
    for row in digital.files_of(session, [notice.id])[notice.id]:
        digital.revise(session, row, {"label": "Le témoignage"}, batch=lot)
    what = {"refs": [], "words": "Mémoires de Zephyrinus / Autre chose", "n": 2}
    session.add(CleaningGroup(task="twins", key="k", state="apart", done_by="claire", done_at=db.now(), what=what))


def erase(net: Network, notice: Notice) -> erasing.Erasure:
    with net.write() as session:
        return erasing.erase(session, notices.get(session, notice.id), by="claire", reason="À sa demande")


def test_nothing_is_left_anywhere_and_what_is_erased_never_comes_again(net: Network, tmp_path: Path) -> None:
    notice = a_life(net)
    assert len(traces(net.database, tmp_path)) > 12
    with net.read() as session:
        planned = erasing.plan(session, notices.get(session, notice.id))
    done = erase(net, notice)
    assert done == planned
    assert (done.notices, done.records, done.copies, done.documents, done.authors) == (2, 1, 1, 2, 1)
    assert clean(net) == 2, "the page it came with, and the one it came with again"
    assert traces(net.database, tmp_path) == []
    with net.read() as session:
        assert list(integrity.faults(session)) == []
        assert session.scalars(select(Item)).one().status == "withdrawn"
        assert [kept.title for kept in session.scalars(select(KeptForm))] == ["Autre chose"]
        for page in session.scalars(select(RawPage)):
            pages.get(net.settings, page)
    # It is there still, at its partner's; a harvest of everything sees it, and leaves it.
    report = net.harvest(full=True)
    assert report.status == "complete"
    assert told(report)["unchanged"] == report.counts["received"]
    assert "Effacées d’ici pour toujours, non reprises : 1." in [note.message for note in report.notes]
    assert clean(net) == 1, "the page that was stored before it was read"
    assert traces(net.database, tmp_path) == []
    net.partner.partner.revise(40, book(40, *NAMED, name="Zephyrinus, autre titre").fields, net.clock.now)
    assert told(net.harvest())["unchanged"] >= 1
    clean(net)
    assert traces(net.database, tmp_path) == []
    # The pages that were cut can still be read again.
    with net.read() as session:
        first = session.scalars(select(RawPage.run_id).order_by(RawPage.id)).first() or 0
    from harvest import run

    assert run.replay(net.database, net.settings, first, now=net.clock).status == "complete"
    clean(net)
    assert traces(net.database, tmp_path) == []


def test_one_that_was_killed_is_taken_up_by_the_worker(
    net: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = a_life(net)
    erase(net, notice)
    left = traces(net.database, tmp_path)
    assert left and not any(": " in one for one in left), "the database was first, at once; files are left"
    monkeypatch.setattr(cutting, "clean", lambda *_args: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        clean(net)
    monkeypatch.undo()
    with net.read() as session:
        assert len(tombstones.waiting(session)) == 2
    clean(net)
    with net.read() as session:
        assert tombstones.waiting(session) == []
    assert traces(net.database, tmp_path) == []


def test_a_file_or_another_name_does_not_bring_it_back(net: Network, tmp_path: Path) -> None:
    secret = book(40, *NAMED, name="Mémoires de Zephyrinus")
    net.meet([*base(3), secret]).harvest()
    with net.write() as session:
        source = reci(session)
        erasing.erase(
            session,
            session.scalars(select(Notice).where(Notice.title.contains("Zephyrinus"))).one(),
            by="claire",
            reason="À sa demande",
        )
        assert source.identity == "oai:RECI:{001}"
    clean(net)
    from harvest import importer

    path = export_of([*base(3), secret], tmp_path / "base.xml")
    report = importer.import_file(net.database, path, source="RECI", by="claire")
    assert report.counts["created"] == 0
    (said,) = [one.problem.message for one in report.told.values() if one.problem.code == tombstones.BARRED]
    assert said == "Cette notice a été effacée d’ici pour toujours : elle n’est pas reprise."
    path.unlink()
    assert traces(net.database, tmp_path) == []
    with net.write() as session:
        other = reci(session, "COSOTER")
        assert tombstones.barred(session, other, [("oai:RECI:40", ""), ("40", "40"), ("oai:RECI:1", "")]) == {
            0: session.scalars(select(SourceRecord.id).where(SourceRecord.identifier == "oai:RECI:40")).one()
        }


# --- what stays, and what may not go ----------------------------------------------------------


def test_its_address_says_that_it_was_erased_and_nothing_takes_that_back(session: Session) -> None:
    notice = taken_in(session, reci(session), "1", described("Un titre", *NAMED))
    title = described("Un autre titre", *NAMED)
    notices.revise(session, notice, title, by="claire", why="correction")
    erasing.erase(session, notice, by="claire", reason="Droit à l’effacement")
    told = reading.notice_page(session, notice.address)
    assert isinstance(told, reading.Gone)
    assert told.reason == "Droit à l’effacement"
    assert (notice.status, notice.title, notice.fields) == ("erased", "", [])
    for lot in session.scalars(select(Batch).order_by(Batch.id)).all():
        try:
            done = lots.undo(session, lot, by="claire")
        except lots.NotUndoable:
            continue
        assert done.restored == 0 or notice.status == "erased"
    assert (notice.status, notice.fields) == ("erased", [])
    history_of = session.execute(
        select(Batch.by, Batch.kind, Revision.before)
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Revision.entity == "notice")
        .order_by(Revision.id)
    ).all()
    assert [(by, kind) for by, kind, _before in history_of][:3] == [
        ("travee harvest", "harvest"), ("claire", "edit"), ("claire", "erase"),
    ]  # fmt: skip
    with pytest.raises(NotErasable):
        erasing.plan(session, notice)


def test_whom_another_notice_names_stays_and_who_leads_to_it_is_told(session: Session) -> None:
    mine = notices.create(session, described("À effacer", *NAMED[:1]), by="claire", status="published")
    link: Field = {"t": "464", "i": "  ", "s": [["0", mine.address], ["t", "À effacer"]]}
    other = notices.create(session, described("Une autre", NAMED[0], link), by="claire", status="published")
    done = erasing.erase(session, mine, by="claire", reason="x")
    assert (done.authors, done.linked) == (0, (other.address,))
    assert all(agent.name for agent in session.scalars(select(Agent)))
    assert list(integrity.faults(session)) == []


def test_a_record_that_was_split_off_and_speaks_of_another_stays(session: Session) -> None:
    source = reci(session)
    mine = taken_in(session, source, "1", described("À effacer"))
    stays = taken_in(session, source, "2", described("Une autre"))
    linked(session, source, "3", stays, described("Une autre, ailleurs"))
    claim = linked(session, source, "3", mine, described("Une autre, ailleurs"))
    assert claim
    done = erasing.erase(session, mine, by="claire", reason="x")
    assert done.records == 1
    assert tombstones.barred(session, source, [("oai:RECI:1", ""), ("oai:RECI:3", "")]).keys() == {0}
    assert stays.title == "Une autre"


def test_one_that_was_merged_away_is_erased_with_the_other_only(session: Session) -> None:
    kept = notices.create(session, described("Gardée"), by="claire", status="published")
    double = notices.create(session, described("Double"), by="claire", status="published")
    joining.merge(session, kept, double, by="claire")
    with pytest.raises(NotErasable) as error:
        erasing.erase(session, double, by="claire", reason="x")
    assert error.value.code == "merged"
    erasing.erase(session, kept, by="claire", reason="x")
    assert {n.status for n in (kept, double)} == {"erased"}
    assert isinstance(reading.notice_page(session, double.address), reading.Gone)
    assert list(integrity.faults(session)) == []


def test_nobody_is_looked_for_while_nothing_was_erased(session: Session) -> None:
    source = reci(session)
    taken_in(session, source, "1", described("Un titre"))
    assert tombstones.barred(session, source, [("oai:RECI:1", "1")]) == {}
    assert intake._barred(session, source, []) == {}


# --- stored pages -----------------------------------------------------------------------------

number = st.integers(1, 30)
payload = st.sampled_from(
    ["<notice><f c='200'/></notice>", "<record><leader/><record/></record>", "<m:record>x</m:record>", "texte & <br"]
)


@given(st.lists(st.tuples(number, payload), max_size=8), st.sets(number, max_size=4), st.booleans())
def test_the_other_records_of_a_page_stay_byte_for_byte(
    said: list[tuple[int, str]], erased: set[int], broken: bool
) -> None:
    header = "<header><identifier>oai:A&amp;B:{n}</identifier></header>"
    whole = "<oai:record>" + header + "<metadata>{p}</metadata></oai:record>\n"
    rows = [whole.format(n=n, p=p).encode() for n, p in said]
    short = [f"<oai:record>{header.format(n=n)}<!--{cutting.CUT}--></oai:record>\n".encode() for n, _p in said]
    page = b"<b>Warning</b>: php\n<ListRecords>" + b"".join(rows) + b"</ListRecords>"
    names = {f"oai:A&B:{n}" for n in erased}
    expected = b"".join(s if n in erased else r for (n, _p), r, s in zip(said, rows, short, strict=True))
    assert cutting.cut(page, names) == b"<b>Warning</b>: php\n<ListRecords>" + expected + b"</ListRecords>"
    if broken and rows:  # the network failed in mid-record
        cut_off = cutting.cut(page[: page.rindex(b"</metadata>")], names)
        assert (b"<metadata>" in cut_off.rpartition(b"<header>")[2]) is (said[-1][0] not in erased)
    assert cutting.cut(cutting.cut(page, names), names) == cutting.cut(page, names)


# --- by command -------------------------------------------------------------------------------


@pytest.fixture
def travee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from catalogue.cli import main

    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_LANGUAGE", "fr")
    monkeypatch.chdir(tmp_path)
    setup.init(Settings(_env_file=None, data_dir=tmp_path / "var"))

    def run(*words: object, answer: str = "") -> Result:
        done = CliRunner().invoke(main, [str(word) for word in words], input=answer)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    yield run
    i18n.set_language("fr")


def test_it_is_asked_told_and_done_once(travee: Any, tmp_path: Path) -> None:
    here = Database(Settings(_env_file=None, data_dir=tmp_path / "var").url)
    with here.write() as session:
        notice = taken_in(session, reci(session), "1", described("Mémoires de Zephyrinus", *NAMED))
        session.add(
            VisitRequest(code="b2c3d4f5", subject="consult", name="Zephyrinus", message="…", created_at=db.now())
        )
        address = notice.address
    travee("index", "sync")
    assert travee("erase", address, "--yes").exit_code == 2, "a reason is needed"
    assert travee("erase", address, "--reason", "x", "--json").exit_code == 2
    tried = travee("erase", address, "--dry-run")
    assert tried.exit_code == 0
    assert "Serait effacé, pour toujours : « Mémoires de Zephyrinus »" in " ".join(tried.output.split())
    assert "1 notice d’origine" in tried.output and "rien n’a été effacé" in tried.output
    refused = travee("erase", address, "--reason", "À sa demande", answer="n\n")
    assert refused.exit_code == 1
    assert json.loads(travee("notice", "show", address, "--json").output)["status"] == "published"
    done = travee("erase", address, "--reason", "À sa demande", "--by", "claire", answer="y\n")
    assert done.exit_code == 0, done.output
    assert "Effacé, pour toujours" in done.output
    assert "Elle ne reviendra plus de ses sources" in done.output
    assert travee("search", "zephyrinus", "--status", "any", "--json").output.count("Zephyrinus") == 0
    assert travee("check").exit_code == 0
    batches = json.loads(travee("batch", "list", "--json").output)["batches"]
    assert (batches[0]["kind"], batches[0]["undoable"]) == ("erase", False)
    assert "définitif" in travee("undo", batches[0]["id"]).output
    again = json.loads(travee("erase", address, "--yes", "--json").output)
    assert again["already"] is True
    assert travee("erase", "b2c3d4f5", "--yes").output == "La personne qui a fait cette demande est effacée.\n"
    assert travee("erase", "zzzzzzzz", "--yes").exit_code == 1
    assert traces(here, tmp_path / "var") == []
    here.close()


def test_an_import_that_brings_it_again_says_so(travee: Any, tmp_path: Path) -> None:
    from tests.test_import_report import SUBJECT, record, write

    path = write(tmp_path, record("1", "Mémoires", SUBJECT), record("2", "Autre", SUBJECT))
    here = Database(Settings(_env_file=None, data_dir=tmp_path / "var").url)
    take(here, path)
    here.close()
    listed = travee("export", "--format", "jsonl").output.splitlines()
    address = next(one["id"] for line in listed if (one := json.loads(line))["title"] == "Mémoires")
    assert travee("erase", address, "--reason", "x", "--yes").exit_code == 0
    again = travee("import", path, "--source", "fonds", "--json")
    document = json.loads(again.output)
    assert (document["unchanged"], document["created"], again.exit_code) == (2, 0, 0)
    assert "effacée d’ici pour toujours" in again.output


def test_the_desk_shows_that_it_was_erased_and_by_whom(tmp_path: Path) -> None:
    with contextmanager(open_desk)(tmp_path) as desk:
        with desk.base.write() as session:
            notice = taken_in(session, reci(session), "1", described("Mémoires de Zephyrinus", *NAMED))
            erasing.erase(session, notice, by="claire", reason="À sa demande")
            lot = session.scalars(select(Batch.id).order_by(Batch.id.desc())).first()
        history_page = desk.claire.get(f"/bureau/notices/{notice.address}/historique")
        assert history_page.status_code == 200
        assert "Effacement définitif" in page_text(history_page) and "effacée" in page_text(history_page)
        assert desk.claire.get(f"/bureau/notices/{notice.address}").status_code == 302, "to its history"
        shown = desk.claire.get(f"/bureau/historique/{lot}")
        assert shown.status_code == 200 and "Zephyrinus" not in page_text(shown)
        assert desk.ines.get(f"/d/{notice.address}").status_code == 410
        assert desk.ines.get(f"/d/{notice.address}.ris").status_code == 410
        for page in ("/bureau", "/bureau/a-revoir", "/bureau/historique", "/bureau/sources/RECI"):
            answer = desk.claire.get(page)
            assert answer.status_code == 200
            assert "Zephyrinus" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_one_that_is_merged_away_meanwhile_is_not_erased_and_it_is_said(database: Database) -> None:
    """PostgreSQL lets two people read the same notice; the second finds out what the first has made of it."""
    with database.write() as session:
        ids = [notices.create(session, described(name), by="c", status="published").id for name in ("Une", "Autre")]
    with database.write_session() as late:
        loser = notices.get(late, ids[1])
        with database.write() as session:
            joining.merge(session, notices.get(session, ids[0]), notices.get(session, ids[1]), by="marc")
        with pytest.raises(NotErasable) as refused:
            erasing.erase(late, loser, by="claire", reason="À sa demande")
    assert refused.value.code == "merged"
