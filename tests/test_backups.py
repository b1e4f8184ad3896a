"""One file holds everything, and puts it back: on either database, whatever dies on the way."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from catalogue import backups, db, history, in_use, items, notices, restoring, users
from catalogue.app import Travee
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Batch, Item, Notice, Refused, Revision, Source, User
from catalogue.unimarc import RecordItem
from tests.cast import ARTICLE, GAZETTE, MIETTES, PHENIX
from tests.conftest import PASSWORD


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Where a backup is put back: nothing is there yet."""
    if request.param == "sqlite":
        yield Settings(_env_file=None, data_dir=tmp_path / "elsewhere")
        return
    server: Connection = request.getfixturevalue("postgres")
    server.execute(text("CREATE DATABASE elsewhere"))
    url = request.getfixturevalue("postgres_url").replace("/postgres?", "/elsewhere?")
    yield Settings(_env_file=None, data_dir=tmp_path / "elsewhere", database_url=url)
    server.execute(text("DROP DATABASE elsewhere WITH (FORCE)"))


@pytest.fixture
def here(small_folder: Path, tmp_path: Path) -> Settings:
    """A small base with something of everything that is hard to carry."""
    shutil.copytree(small_folder, tmp_path / "here")
    return Settings(_env_file=None, data_dir=tmp_path / "here")


@pytest.fixture(scope="module")
def small_folder(empty_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, made once and copied for each test."""
    made = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("small") / "here")
    shutil.copytree(empty_folder, made.data_dir)
    base = Database(made.url)
    with base.write() as session:
        users.add(session, "claire", PASSWORD, "documentalist")
        numbers = [notices.create(session, f, by="claire", status="published").id for f in (MIETTES, PHENIX, GAZETTE)]
        batch = history.open_batch(session, "import", by="claire")
        items.add_many(session, [(numbers[0], RecordItem(barcode="3001", call_number="364.4 DUB"))], batch=batch)
        article = notices.create(session, ARTICLE, by="claire")
        # A row that points to one written after it, and odd bytes.
        session.get_one(Notice, numbers[0]).merged_into_id = article.id
        source = Source(name="RECI", kind="oai")
        session.add(source)
        session.flush()
        odd = {"raw": b"\x00\xff<a", "sha256": "ab" * 32, "created_at": db.now()}
        session.add(Refused(source_id=source.id, position=3, code="xml.broken", **odd))
    base.close()
    kept = made.files_dir / "ab" / "ab12"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"%PDF-1.7 quelques pages")
    return made.data_dir


def everything(settings: Settings) -> dict[str, list[object]]:
    """All rows of some telling tables, as the software reads them; and which revisions made something."""
    base = Database(settings.url)
    try:
        with base.read() as session:
            made = session.scalars(select(Revision.id).where(Revision.before.is_(None)).order_by(Revision.id))
            first: dict[str, list[object]] = {"made": list(made)}
            return first | {
                model.__tablename__: [
                    [getattr(row, column.key) for column in model.__mapper__.columns]
                    for row in session.scalars(select(model).order_by(*model.__mapper__.primary_key))
                ]
                for model in (Notice, Item, User, Batch, Revision, Refused)
            }
    finally:
        base.close()


def test_what_is_put_back_is_what_was_there(here: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    kept = backups.make(here, tmp_path / "tout.zip")
    assert (kept.rows["notice"], kept.rows["item"], kept.files) == (4, 1, 1)
    assert restoring.restore(elsewhere, kept.path) is None
    assert everything(elsewhere) == everything(here)
    assert (elsewhere.files_dir / "ab" / "ab12").read_bytes() == b"%PDF-1.7 quelques pages"

    base = Database(elsewhere.url)  # and one goes on from there
    with base.write() as session:
        notices.create(session, MIETTES, by="claire")
        users.add(session, "marc", PASSWORD, "admin")
    base.close()

    there_and_back = backups.make(elsewhere, tmp_path / "retour.zip")
    fresh = Settings(_env_file=None, data_dir=tmp_path / "fresh")
    restoring.restore(fresh, there_and_back.path)
    assert everything(fresh) == everything(elsewhere)


def test_a_base_at_work_is_not_replaced_by_mistake_and_is_kept_when_it_is(here: Settings, tmp_path: Path) -> None:
    first = backups.make(here, tmp_path / "avant.zip")
    before = everything(here)
    base = Database(here.url)
    with base.write() as session:
        notices.create(session, GAZETTE, by="claire")
    base.close()
    after = everything(here)
    with pytest.raises(restoring.Unusable, match="not_empty"):
        restoring.restore(here, first.path)
    assert everything(here) == after
    replaced = restoring.restore(here, first.path, replace=True)
    assert everything(here) == before
    assert replaced is not None
    restoring.restore(here, replaced.path, replace=True)  # and keeps what it replaces beside it, in the same second
    assert everything(here) == after


@pytest.mark.parametrize("fault", ["cut", "changed", "no manifest", "no zip", "of a later version", "missing table"])
def test_a_backup_that_is_not_whole_changes_nothing(here: Settings, tmp_path: Path, fault: str) -> None:
    good = backups.make(here, tmp_path / "tout.zip").path
    bad = tmp_path / "bad.zip"
    code = "damaged"
    if fault == "cut":
        bad.write_bytes(good.read_bytes()[:-200])
    elif fault == "no zip":
        bad.write_bytes(b"une lettre")
    else:
        with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if fault == "changed" and name == "tables/notice.jsonl":
                    data = data.replace(b"miettes", b"morceaux")
                if fault == "of a later version" and name == "manifest.json":
                    data, code = json.dumps({**json.loads(data), "revision": "9999"}).encode(), "too_new"
                if fault == "no manifest" and name == "manifest.json":
                    code = "not_a_backup"
                    continue
                if fault == "missing table" and name == "tables/item.jsonl":
                    continue
                new.writestr(name, data)
    before = everything(here)
    with pytest.raises(restoring.Unusable) as told:
        restoring.restore(here, bad, replace=True)
    assert told.value.code == code
    assert everything(here) == before


def test_names_inside_lead_nowhere_else(here: Settings, tmp_path: Path) -> None:
    there = Settings(_env_file=None, data_dir=tmp_path / "there" / "var")
    path = backups.make(here, tmp_path / "tout.zip").path
    names = [
        *("files/../evil", "files/files/../../evil", "files/files/ab/../../../evil", "files//etc/evil", "files/evil"),
        *("files/travee.db-evil", "files/backups/evil", "files/files/", "files", ".", "/", "./files/files/evil"),
        *("files/files/..\\..\\evil", "files/secret_key/evil", "files/files/ab/./evil"),
    ]
    with zipfile.ZipFile(path, "a") as archive:
        for name in names:
            archive.writestr(name, b"x")
    restoring.restore(there, path)
    assert not [found for found in tmp_path.rglob("*evil*")]
    assert (there.files_dir / "ab" / "ab12").exists()


def test_what_was_found_before_is_not_found_any_more(here: Settings, tmp_path: Path) -> None:
    path = backups.make(here, tmp_path / "tout.zip").path
    here.index_dir.mkdir(parents=True, exist_ok=True)
    (here.index_dir / "current").write_text("of another base")
    restoring.restore(here, path, replace=True)
    assert not here.index_dir.exists()


def test_nothing_is_put_in_the_place_of_a_base_at_work(here: Settings, tmp_path: Path) -> None:
    """Neither by a server, a worker or a command, nor by any program that has a SQLite base open."""
    kept = backups.make(here, tmp_path / "tout.zip")
    travee = Travee(here)
    travee.hold()
    with pytest.raises(restoring.Unusable, match="in_use"):
        restoring.restore(here, kept.path, replace=True)
    travee.close()
    base = Database(here.url)  # of somebody who holds nothing, and is reading nothing just now
    assert base.ready()
    with base.read() as session:
        session.scalar(select(Notice.id).limit(1))
    with pytest.raises(restoring.Unusable, match="in_use"):
        restoring.restore(here, kept.path, replace=True)
    base.close()
    assert not list(tmp_path.rglob("before-restore*")), "refused before anything is written"
    restoring.restore(here, kept.path, replace=True)


def test_nobody_begins_while_a_base_is_put_back(here: Settings) -> None:
    base = Database(here.url)
    with in_use.held(here, base, alone=True), pytest.raises(in_use.InUse):
        Travee(here).hold()
    Travee(here).hold()
    base.close()


@pytest.mark.parametrize("elsewhere", ["postgresql"], indirect=True)
def test_a_server_is_shared_with_other_machines_and_other_software(
    here: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    kept = backups.make(here, tmp_path / "tout.zip")
    restoring.restore(elsewhere, kept.path)
    travee = Travee(elsewhere)
    travee.hold()
    other_machine = Settings(_env_file=None, data_dir=tmp_path / "other machine", database_url=elsewhere.database_url)
    with pytest.raises(restoring.Unusable, match="in_use"):
        restoring.restore(other_machine, kept.path, replace=True)
    with travee.db.write() as session:
        session.execute(text("CREATE TABLE autre_logiciel (id serial PRIMARY KEY, dit text)"))
        session.execute(text("INSERT INTO autre_logiciel (dit) VALUES ('à nous')"))
    again = backups.make(elsewhere, tmp_path / "encore.zip")
    assert again.rows == kept.rows
    travee.close()
    restoring.restore(other_machine, again.path, replace=True)
    base = Database(elsewhere.url)
    with base.read() as session:
        assert session.scalar(text("SELECT dit FROM autre_logiciel")) == "à nous"
    base.close()
    assert everything(elsewhere) == everything(here)


def test_a_half_written_one_is_never_taken_for_whole(here: Settings, tmp_path: Path) -> None:
    def killed(_name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backups.make(here, tmp_path / "tout.zip", step=killed)
    assert not list(tmp_path.glob("tout*"))
