"""What several sources have fed leaves whole: numbers they share go out as addresses, links with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from catalogue import lots, setup
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Batch, Notice, NoticeLink
from catalogue.unimarc import Fields, control
from export import iso2709, records
from harvest import importer
from tests.cast import field
from tests.test_import import record, take, write


def article(number: str, title: str, host: str) -> Fields:
    link = field("461", "t", "Revue", "9", f"id:{host}", "9", "lnk:perio", ind=" 0")
    _head, *rest = record(number, title, link)
    return [{"t": "000", "v": "     naa2 22     1i 450 "}, *rest]


A = [record("7", "Revue des tours"), article("8", "La tour penche", "7"), record("9", "Sans pareil")]
B = [record("7", "Les jardins"), article("10", "Un jardin clos", "7"), record("8", "Le verger")]


def two_bases(database: Database, folder: Path) -> None:
    take(database, write(folder, *A, name="a.mrc"), source="Tours")
    take(database, write(folder, *B, name="b.mrc"), source="Jardins")


def leave(database: Database, folder: Path, name: str = "tout.mrc") -> Path:
    with database.read() as session:
        chosen = records.select_ids(session, ("published",))
        path = folder / name
        path.write_bytes(b"".join(iso2709.file_bytes(records.load(session, chosen))))
    return path


def leads(database: Database) -> dict[str, str]:
    """What each notice of the base leads to, by their titles."""
    with database.read() as session:
        names = {n.id: n.title for n in session.scalars(select(Notice))}
        rows = session.scalars(select(NoticeLink))
        return {names[row.notice_id]: names.get(row.target_id or 0, "") for row in rows}


LINKS = {"La tour penche": "Revue des tours", "Un jardin clos": "Les jardins"}


def test_a_base_that_two_sources_fed_leaves_whole_and_is_known_again(database: Database, tmp_path: Path) -> None:
    two_bases(database, tmp_path)
    again = take(database, leave(database, tmp_path), source="retour")
    assert (again.counts["read"], again.counts["refused"]) == (6, 0)
    with database.read() as session:
        titles = list(session.scalars(select(Notice.title)))
    assert [titles.count(title) for title in ("Revue des tours", "La tour penche", "Les jardins", "Le verger")] == [
        1
    ] * 4


@pytest.mark.parametrize("backwards", [False, True])
def test_it_comes_whole_into_another_base_and_its_links_lead_where_they_led(
    database: Database, tmp_path: Path, backwards: bool
) -> None:
    two_bases(database, tmp_path)
    assert leads(database) == LINKS
    path = leave(database, tmp_path)
    if backwards:  # what links comes before what it leads to
        path.write_bytes(b"\x1d".join([*path.read_bytes().split(b"\x1d")[-2::-1], b""]))
    elsewhere = Database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    setup.create_tables(elsewhere)
    setup.first_rows(elsewhere, Settings(_env_file=None))
    done = importer.import_file(elsewhere, path, source="ancien", by="claire")
    assert (done.counts["created"], done.counts["refused"]) == (6, 0)
    assert leads(elsewhere) == LINKS
    elsewhere.close()


def numbers(database: Database) -> dict[str, str]:
    with database.read() as session:
        out = records.load(session, records.select_ids(session, ("published",)))
        return {n.title: control(n.numbered(), "001") for n in out}


def test_only_what_two_notices_share_is_renumbered(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, *A, name="a.mrc"), source="Tours")
    assert numbers(database) == {"Revue des tours": "7", "La tour penche": "8", "Sans pareil": "9"}
    second = take(database, write(tmp_path, *B, name="b.mrc"), source="Jardins")
    with database.read() as session:
        addresses = {n.title: n.address for n in session.scalars(select(Notice))}
    assert numbers(database) == {**addresses, "Sans pareil": "9", "Un jardin clos": "10"}
    # The second base is taken back: the first has its numbers again.
    with database.write() as session:
        lots.undo(session, session.get_one(Batch, second.batch_id), by="claire")
    assert numbers(database) == {"Revue des tours": "7", "La tour penche": "8", "Sans pareil": "9"}
