"""One file holds everything, and puts it back: on either database, whatever dies on the way."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from catalogue import backups, db, history, items, notices, users
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
    assert backups.restore(elsewhere, kept.path) is None
    assert everything(elsewhere) == everything(here)
    assert (elsewhere.files_dir / "ab" / "ab12").read_bytes() == b"%PDF-1.7 quelques pages"

    base = Database(elsewhere.url)  # and one goes on from there
    with base.write() as session:
        notices.create(session, MIETTES, by="claire")
        users.add(session, "marc", PASSWORD, "admin")
    base.close()

    there_and_back = backups.make(elsewhere, tmp_path / "retour.zip")
    fresh = Settings(_env_file=None, data_dir=tmp_path / "fresh")
    backups.restore(fresh, there_and_back.path)
    assert everything(fresh) == everything(elsewhere)


def test_a_base_at_work_is_not_replaced_by_mistake_and_is_kept_when_it_is(here: Settings, tmp_path: Path) -> None:
    first = backups.make(here, tmp_path / "avant.zip")
    before = everything(here)
    base = Database(here.url)
    with base.write() as session:
        notices.create(session, GAZETTE, by="claire")
    base.close()
    after = everything(here)
    with pytest.raises(backups.Unusable, match="not_empty"):
        backups.restore(here, first.path)
    assert everything(here) == after
    replaced = backups.restore(here, first.path, replace=True)
    assert everything(here) == before
    assert replaced is not None
    backups.restore(here, replaced.path, replace=True)  # and keeps what it replaces beside it, in the same second
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
    with pytest.raises(backups.Unusable) as told:
        backups.restore(here, bad, replace=True)
    assert told.value.code == code
    assert everything(here) == before


def test_names_inside_lead_nowhere_else(here: Settings, tmp_path: Path) -> None:
    elsewhere = Settings(_env_file=None, data_dir=tmp_path / "elsewhere")
    path = backups.make(here, tmp_path / "tout.zip").path
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("files/../../evil", b"x")
        archive.writestr("files//etc/evil", b"x")
    backups.restore(elsewhere, path)
    assert not (tmp_path / "evil").exists()
    assert not any("evil" in str(found) for found in tmp_path.rglob("*") if "etc" not in found.parts)


def test_a_half_written_one_is_never_taken_for_whole(here: Settings, tmp_path: Path) -> None:
    def killed(_name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backups.make(here, tmp_path / "tout.zip", step=killed)
    assert not list(tmp_path.glob("tout*"))
