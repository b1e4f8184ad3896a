"""What an import says of itself: kept with its run, shown to people, given to machines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import event, select

from catalogue import claims, db, form, history, imports, lots, proposals, setup, sources
from catalogue.app import create_app
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Batch, Claim, Notice, Refused, Run
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import LEADER, Field, Fields, Record
from catalogue.validation import validate
from export.iso2709 import record_bytes
from harvest import importer, report
from harvest.report import Report
from tests.cast import field, notice
from tests.test_desk import signed_in, text

SUBJECT = field("606", "a", "Renouvellement urbain", ind=" 1")
UNTITLED: Fields = [{"t": "000", "v": LEADER}, {"t": "001", "v": "2"}, field("210", "d", "1998")]


def record(number: str, title: str, *more: Field, year: str = "2021") -> Fields:
    head, *rest = notice(title, *more, year=year)
    return [head, {"t": "001", "v": number}, *rest]


def copy(barcode: str, **more: str) -> Field:
    pairs = {"9": "1", "c": "Espace doc", "f": barcode, "k": "364 DUM", **more}
    return {"t": "995", "i": "  ", "s": [[code.strip("_"), value] for code, value in pairs.items()]}


GOOD = record("1", "La ville en miettes", SUBJECT, copy("B1"))
WRONG_ISBN = record("3", "L’œuvre du Phénix", SUBJECT, field("010", "a", "978-2-07-036822-0"))
NO_SUBJECT = record("4", "Gazette des quartiers", year="[19..]")
CODED = record("5", "Vivre au bord du canal", SUBJECT, copy("B2", c="MED1A", r="PRETLIV", o="7"))


def write(folder: Path, *fields: Fields, name: str = "fonds.mrc", cut: int = 0) -> Path:
    path = folder / name
    data = b"".join(map(record_bytes, fields))
    path.write_bytes(data[: len(data) - cut] if cut else data)
    return path


def take(database: Database, path: Path, **more: Any) -> Report:
    return importer.import_file(database, path, **{"source": "fonds", "by": "claire", **more})


def page_of(database: Database, run_id: int | None) -> imports.ImportPage:
    assert run_id is not None
    with database.read() as session:
        found = imports.find(session, run_id)
        assert found is not None
        return imports.page(session, *found)


# --- what is kept ----------------------------------------------------------------------------


def test_what_the_checks_find_is_told_and_holds_nothing_back(database: Database, tmp_path: Path) -> None:
    done = take(database, write(tmp_path, GOOD, WRONG_ISBN, NO_SUBJECT))
    assert done.counts["created"] == 3
    assert done.counts["to_complete"] == 1  # no subject, no year: one notice, whatever it lacks
    page = page_of(database, done.run_id)
    assert page.repaired == ()
    told = {line.code: line for line in page.to_check}
    assert {code: (line.tag, line.subfield, line.level, line.count) for code, line in told.items()} == {
        "isbn.invalid": ("010", "a", "warning", 1),
        "date.none": ("210", "d", "info", 1),
        "subject.missing": ("606", "a", "error", 1),
    }
    isbn = told["isbn.invalid"]
    assert isbn.sentence == "Cet ISBN n’est pas valide : « 978-2-07-036822-0 ». Vérifiez les chiffres."
    (met,) = isbn.first
    assert (met.position, met.identifier, met.value) == (2, "3", "978-2-07-036822-0")
    assert met.title == "L’œuvre du Phénix" and len(met.address) == 8


def test_a_problem_names_its_first_twenty_records_and_counts_the_others(database: Database, tmp_path: Path) -> None:
    done = take(database, write(tmp_path, *(record(str(n), f"Titre {n}") for n in range(1, 31))))
    (line,) = page_of(database, done.run_id).to_check
    assert (line.code, line.count, len(line.first)) == ("subject.missing", 30, 20)
    assert [met.position for met in line.first] == list(range(1, 21))


def test_what_the_reader_repaired_stands_apart_from_what_is_to_check(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "vieux.mrc"
    path.write_bytes(record_bytes(NO_SUBJECT).replace("Éditions".encode(), b"Editions\x00\x01"[:9].ljust(9, b"\x01")))
    page = page_of(database, take(database, path).run_id)
    assert [line.code for line in page.repaired if line.code.startswith("iso2709.")]
    assert "subject.missing" in [line.code for line in page.to_check]


def test_codes_that_no_table_knows_are_listed_and_the_copies_keep_them(database: Database, tmp_path: Path) -> None:
    known = record("6", "Paroles d’habitants", SUBJECT, copy("B3", o="0"))
    done = take(database, write(tmp_path, CODED, known))
    page = page_of(database, done.run_id)
    assert {(line.about, line.code, line.count) for line in page.codes} == {
        ("status", "7", 1),
        ("location", "MED1A", 1),
        ("type", "PRETLIV", 1),
    }
    with database.write() as session:
        source = sources.find(session, "fonds")
        assert source is not None
        source.profile = {"kinds": {"PRETLIV": "book"}, "states": {"7": "repair"}}
    assert [line.code for line in page_of(database, done.run_id).codes] == ["MED1A"]


def test_the_same_file_again_tells_the_same(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, WRONG_ISBN, CODED)
    first, again = page_of(database, take(database, path).run_id), page_of(database, take(database, path).run_id)
    assert again.entered == ("3 notices lues.", "3 notices déjà là, inchangées.")
    assert [(line.code, line.count) for line in again.told] == [(line.code, line.count) for line in first.told]
    assert again.codes == first.codes


def test_an_import_that_was_killed_has_said_what_went_in(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    path = write(tmp_path, GOOD, WRONG_ISBN, NO_SUBJECT)
    monkeypatch.setattr(importer._Import, "close", lambda taking: None)  # nobody closes the run of a dead process

    class Killed(BaseException):
        pass

    def after_two(done: int, total: int | None) -> None:
        raise Killed

    with pytest.raises(Killed):
        take(database, path, progress=after_two)
    with database.read() as session:
        run = session.scalars(select(Run)).one()
    page = page_of(database, run.id)
    assert (page.state, page.reason) == ("en cours", "")
    assert page.entered[:2] == ("2 notices lues.", "2 notices créées.")
    assert [line.code for line in page.to_check] == ["isbn.invalid"]
    # Silent for long, it is not said to be under way any more.
    monkeypatch.setattr(db, "now", lambda: run.started_at + imports.SILENT * 2)
    page = page_of(database, run.id)
    assert page.state == "arrêté en route"
    assert page.reason == "L’import a été interrompu ; relancez-le, ce qui était entré ne sera pas doublé."


def test_a_report_stays_small_whatever_the_file() -> None:
    said = Report("fichier.mrc", "fonds")
    for n in range(report.DIFFERENT + 50):
        said.tell(Problem(f"{n:03}", "", "tag.invalid", "warning", {"value": "x" * 10_000}), n, str(n))
        said.count_code("type", f"T{n}")
    kept = said.document()
    assert len(kept["told"]) == report.DIFFERENT and kept["more_told"] == 50
    assert len(kept["told"][0]["first"][0][2]["value"]) == report.LONGEST
    assert len(kept["codes"]["type"]) == report.DIFFERENT + 1 and kept["codes"]["type"][""] == 50
    assert said.counts["warnings"] == report.DIFFERENT + 50


def test_checking_a_record_reads_nothing_it_does_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import checks every record: what it costs is bounded by what is checked, not by what a form shows."""
    asked: list[str] = []
    entries = form._entries

    def noted(block: form.FormField, fields: Fields) -> list[form.Entry]:
        asked.append(block.key)
        return entries(block, fields)

    monkeypatch.setattr(form, "_entries", noted)
    validate(GOOD, "book")
    assert asked == ["date"]  # all that this record has of what is checked, but what is required: seen at a glance


# --- refused records -------------------------------------------------------------------------


def test_a_file_that_comes_in_whole_settles_what_was_cut(database: Database, tmp_path: Path) -> None:
    nearly_all = len(record_bytes(WRONG_ISBN)) - 40  # of the second record, not even its number is left
    cut = take(database, write(tmp_path, GOOD, WRONG_ISBN, cut=nearly_all))
    assert not cut.complete
    page = page_of(database, cut.run_id)
    assert page.state == "incomplet" and "refaites l’export" in page.reason
    assert [line.state for line in page.refused] == ["waiting"]
    whole = take(database, write(tmp_path, GOOD, WRONG_ISBN))
    assert whole.complete
    assert [line.state for line in page_of(database, cut.run_id).refused] == ["settled"]
    with database.read() as session:
        assert sources.count_refused(session) == 0


def test_a_refused_record_that_is_put_aside_does_not_come_back_with_the_same_file(
    database: Database, tmp_path: Path
) -> None:
    path = write(tmp_path, GOOD, UNTITLED)
    take(database, path)
    with database.write() as session:
        row = session.scalars(select(Refused)).one()
        sources.put_aside(session, row, by="claire")
    again = take(database, path)
    with database.read() as session:
        assert session.scalars(select(Refused)).one().run_id == again.run_id
        assert sources.count_refused(session) == 0
    (line,) = page_of(database, again.run_id).refused
    assert (line.state, line.by) == ("aside", "claire")
    with database.write() as session:
        sources.take_back(session, session.scalars(select(Refused)).one())
        assert sources.count_refused(session) == 1


def test_a_notice_that_another_source_describes_survives_the_undo_of_its_import(
    database: Database, tmp_path: Path
) -> None:
    shared = record("1", "La ville en miettes", SUBJECT, field("010", "a", "978-2-07-036822-8"))
    first = take(database, write(tmp_path, shared, record("2", "Seulement ici", SUBJECT)))
    elsewhere = record("77", "La ville en miettes", SUBJECT, field("010", "a", "978-2-07-036822-8"))
    second = take(database, write(tmp_path, elsewhere, name="reseau.mrc"), source="réseau")
    assert second.counts["matched"] == 1
    with database.write() as session:
        done = lots.undo(session, session.get_one(Batch, first.batch_id), by="claire")
        assert [(left.label, left.code) for left in done.left] == [("La ville en miettes", "used_since")]
        status = {n.title: n.status for n in session.scalars(select(Notice))}
    assert status == {"La ville en miettes": "published", "Seulement ici": "withdrawn"}


def test_a_notice_that_one_source_describes_twice_goes_with_its_import(database: Database, tmp_path: Path) -> None:
    done = take(database, write(tmp_path, record("1", "La ville en miettes", SUBJECT)))
    with database.write() as session:
        found = session.scalars(select(Notice)).one()
        source = sources.find(session, "fonds")
        assert source is not None
        (staged,) = sources.stage(session, source, [sources.Received("autre", "f", [])])
        lot = history.open_batch(session, "harvest", by="travee harvest")
        claims.link_many(session, [claims.Link(found.id, staged.record_id)], batch=lot)
        assert len(session.scalars(select(Claim)).all()) == 2
        assert lots.undo(session, session.get_one(Batch, done.batch_id), by="claire").left == []


# --- on the desk -----------------------------------------------------------------------------


@dataclass
class Desk:
    """One base for all the pages of this file; each test imports files of its own."""

    base: Database
    claire: FlaskClient  # documentalist
    marc: FlaskClient  # reader
    ines: FlaskClient  # a visitor


def open_desk(folder: Path) -> Iterator[Desk]:
    settings = Settings(_env_file=None, data_dir=folder, secret_key="a key for tests", testing=True)
    setup.init(settings)
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    base = app.extensions["travee"].db
    claire, marc = (signed_in(app, base, *who) for who in (("claire", "documentalist"), ("marc", "reader")))
    yield Desk(base, claire, marc, app.test_client())
    app.extensions["travee"].close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("desk"))


def test_claire_reads_what_came_in_what_was_repaired_and_what_waits(desk: Desk, tmp_path: Path) -> None:
    claire = desk.claire
    done = take(desk.base, write(tmp_path, GOOD, WRONG_ISBN, NO_SUBJECT, CODED, UNTITLED))
    listed = text(claire.get("/bureau/imports"))
    assert "fonds.mrc" in listed and "4 notices créées." in listed and "complet" in listed
    answer = claire.get(f"/bureau/imports/{done.run_id}")
    said = text(answer)
    for words in (
        "5 notices lues. 4 notices créées. 2 exemplaires entrés.",
        "Ce qui a été réparé Rien : tout a été repris tel quel.",
        "Cet ISBN n’est pas valide : « 978-2-07-036822-0 ».",
        "1 notice est à compléter",
        "PRETLIV",
        "La notice n’a pas de titre",
        "Annuler cet import",
    ):
        assert words in said, words
    page = answer.get_data(as_text=True)
    with desk.base.read() as session:
        phenix = session.scalars(select(Notice).where(Notice.title.startswith("L’œuvre"))).one()
    assert f"/bureau/notices/{phenix.address}" in page
    assert len(page) < 60_000


MORE = (("300", "a", "Réédité"), ("330", "a", "Un essai."), ("676", "a", "307.76"), ("686", "a", "URB"))
RICH = record("1", "La ville en miettes", *(field(*one) for one in MORE), field("856", "u", "https://ville.example/1"))


def test_a_poorer_file_leaves_nothing_to_decide_and_the_report_says_so(desk: Desk, tmp_path: Path) -> None:
    take(desk.base, write(tmp_path, RICH), source="pauvre")
    poor = take(desk.base, write(tmp_path, record("1", "La ville en miettes")), source="pauvre")
    assert poor.counts["waiting"] == 0
    answer = desk.claire.get(f"/bureau/imports/{poor.run_id}")
    said = text(answer)
    assert "Ce qui a été réparé Rien : tout a été repris tel quel. Ce que le fichier n’a pas changé Le fichier" in said
    assert "rien n’a été retiré à la notice." in said and "Il n’y a rien à décider." in said
    assert "Ouvrir « À revoir »" not in said and "Rien n’attend." in said
    assert "à compléter :" not in said  # what this file lacks did not come in
    told = desk.claire.get(f"/bureau/imports/{poor.run_id}.csv").get_data().decode("utf-8-sig")
    assert "Ce que le fichier n’a pas changé" in told
    # One that also says something else leaves that to decide, until somebody has.
    other = take(desk.base, write(tmp_path, record("1", "La ville en miettes : essai")), source="pauvre")
    said = text(desk.claire.get(f"/bureau/imports/{other.run_id}"))
    assert "1 notice n’a pas été changée : ce que le fichier en dit d’autre est à décider" in said
    assert "Ouvrir « À revoir »" in said and "Il n’y a rien à décider." not in said
    with desk.base.write() as session:
        (waiting,) = proposals.list_waiting(session, run_id=other.run_id)
        proposals.refuse(session, [waiting.proposal_id], by="claire")
    assert "Ouvrir « À revoir »" not in text(desk.claire.get(f"/bureau/imports/{other.run_id}"))


def test_what_an_undo_had_withdrawn_is_told_as_brought_back(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, NO_SUBJECT)
    first = take(desk.base, path, source="remises")
    with desk.base.write() as session:
        lots.undo(session, session.get_one(Batch, first.batch_id), by="claire")
    again = take(desk.base, path, source="remises")
    said = text(desk.claire.get(f"/bureau/imports/{again.run_id}"))
    assert "2 notices remises : une annulation les avait retirées." in said
    assert "mises à jour" not in said and "1 notice est à compléter" in said


def test_every_unknown_code_is_on_the_page_folded_after_twenty(desk: Desk, tmp_path: Path) -> None:
    many = [record(str(n), f"Titre {n}", SUBJECT, copy(f"C{n}", c=f"SALLE{n:02}")) for n in range(1, 31)]
    done = take(desk.base, write(tmp_path, *many), source="salles")
    page = desk.claire.get(f"/bureau/imports/{done.run_id}").get_data(as_text=True)
    folded = page[page.index("Voir les 10 autres codes") :]
    assert [f"SALLE{n:02}" in folded for n in range(1, 31)] == [False] * 20 + [True] * 10
    assert all(f"SALLE{n:02}" in page for n in range(1, 31))


def test_the_report_is_the_same_for_people_machines_and_spreadsheets(desk: Desk, tmp_path: Path) -> None:
    claire = desk.claire
    formula = record("8", "Titre", SUBJECT, field("010", "a", "=1+1"))
    done = take(desk.base, write(tmp_path, formula, NO_SUBJECT, UNTITLED, name="=fonds.mrc"), source="tableur")
    document = claire.get(f"/bureau/imports/{done.run_id}.json").get_json()
    assert document["counts"]["read"] == 3 and document["kinds"] == {"book": 2}
    problems: Mapping[str, Any] = {one["code"]: one for one in document["problems"]}
    assert problems["isbn.invalid"]["records"][0]["value"] == "=1+1"
    assert document["refused_records"][0]["reason"].startswith("La notice n’a pas de titre")
    answer = claire.get(f"/bureau/imports/{done.run_id}.csv")
    table = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))
    cells = [cell for row in table for cell in row]
    assert "'=1+1" in cells and "=1+1" not in cells
    assert sum(row[0] == "À vérifier ou à compléter" and row[2] != "" for row in table) == len(problems)
    assert any(row[0] == "Notices refusées" and row[6] == "3" for row in table)


def test_what_was_refused_can_be_saved_put_aside_and_tried_again(desk: Desk, tmp_path: Path) -> None:
    claire = desk.claire
    done = take(desk.base, write(tmp_path, GOOD, UNTITLED), source="refus")
    with desk.base.read() as session:
        row = session.scalars(select(Refused).where(Refused.run_id == done.run_id)).one()
    saved = claire.get(f"/bureau/imports/refus/{row.id}")
    assert saved.data == record_bytes(UNTITLED)
    assert saved.headers["Content-Disposition"] == f'attachment; filename="notice-refusee-{row.id}.mrc"'
    address = f"/bureau/imports/{done.run_id}"
    tried = claire.post(f"{address}/reessayer", follow_redirects=True)
    message = (
        "1 notice réessayée. 1 n’a pas pu entrer : La notice n’a pas de titre : elle ne peut pas entrer au catalogue."
    )
    assert message in text(tried)
    aside = claire.post(f"/bureau/imports/refus/{row.id}", data={"action": "put_aside"}, follow_redirects=True)
    assert "mise de côté" in text(aside) and "Réessayer" not in text(aside)
    back = claire.post(f"/bureau/imports/refus/{row.id}", data={"action": "take_back"}, follow_redirects=True)
    assert "La notice attend de nouveau." in text(back) and "Réessayer" in text(back)


def test_of_many_refused_records_the_page_shows_fifty_and_the_files_name_all(desk: Desk, tmp_path: Path) -> None:
    untitled = [[UNTITLED[0], {"t": "001", "v": str(n)}, UNTITLED[2]] for n in range(1, 61)]
    asked: list[str] = []

    def listen(*statement: Any) -> None:
        asked.append(statement[2])

    event.listen(desk.base.engine, "before_cursor_execute", listen)
    try:
        done = take(desk.base, write(tmp_path, *untitled), source="sans titres")  # type: ignore[arg-type]
    finally:
        event.remove(desk.base.engine, "before_cursor_execute", listen)
    assert sum("refused" in statement for statement in asked) < 6  # not one for each
    page = page_of(desk.base, done.run_id)
    assert [line.position for line in page.refused] == list(range(1, 51)) and page.refused_count == 60
    address = f"/bureau/imports/{done.run_id}"
    said = text(desk.claire.get(address))
    assert "60 notices refusées" in said and "Les autres figurent dans les fichiers" in said and "Réessayer" in said
    assert said.count("La notice n’a pas de titre") == 50
    for reader, shown in ((desk.claire, [str(n) for n in range(1, 61)]), (desk.marc, [""] * 60)):
        document = reader.get(f"{address}.json").get_json()
        assert [one["identifier"] for one in document["refused_records"]] == shown and document["batch"] is None
        table = reader.get(f"{address}.csv").get_data().decode("utf-8-sig")
        lines = [row for row in csv.reader(io.StringIO(table), delimiter=";") if row[0] == "Notices refusées"]
        assert [row[7] for row in lines] == shown and [row[6] for row in lines] == [str(n) for n in range(1, 61)]
    with desk.base.write() as session:  # those that the page does not show wait too
        for line in page.refused:
            sources.put_aside(session, session.get_one(Refused, line.id), by="claire")
    assert "Réessayer" in text(desk.claire.get(address))


def test_trying_again_says_what_came_in_and_can_be_taken_back(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_yet(found: Record) -> Refusal:
        return Refusal(found.position, "", "record.entity", {"position": str(found.position)}, found.raw)

    claire = desk.claire
    with monkeypatch.context() as before:  # a program that cannot read these records yet
        before.setattr("harvest.intake.refuse", not_yet)
        early = [record("71", "Un", SUBJECT), record("72", "Deux", SUBJECT)]
        done = take(desk.base, write(tmp_path, *early), source="essais")
    assert done.counts["refused"] == 2
    with desk.base.write() as session:
        rows = session.scalars(select(Refused).where(Refused.run_id == done.run_id)).all()
        rows[0].raw = b"not a record"
    said = text(claire.post(f"/bureau/imports/{done.run_id}/reessayer", follow_redirects=True))
    assert "2 notices réessayées. 1 notice créée. 1 n’a pas pu entrer :" in said
    assert "Annuler ce nouvel essai" in said


CANDIDATE = record("61", "Le secret du canal", SUBJECT, field("010", "a", "978-2-07-036822-1"), year="hier")


def test_who_may_not_decide_reads_no_title_of_what_is_not_published(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, CANDIDATE, UNTITLED, UNTITLED[:2])
    done = take(desk.base, path, source="secret", status="candidate")
    shown = record("62", "Au grand jour", SUBJECT, field("010", "a", "978-2-07-036822-2"))
    take(desk.base, write(tmp_path, shown, name="public.mrc"), source="secret")
    address = f"/bureau/imports/{done.run_id}"
    for page in (address, f"{address}.json", f"{address}.csv"):
        told = desk.marc.get(page).get_data().decode("unicode_escape" if page.endswith("json") else "utf-8")
        assert "Cet ISBN n’est pas valide : « … »" in told, page
        for secret in ("secret du canal", "978-2-07-036822-1", "hier", "/bureau/notices/"):
            assert secret not in told, (page, secret)
    assert "Le secret du canal" in text(desk.claire.get(address))
    public = text(desk.marc.get(f"/bureau/imports/{(done.run_id or 0) + 1}"))
    assert "Au grand jour" in public and "978-2-07-036822-2" in public


def test_the_report_says_each_column_and_each_value_of_a_problem(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text("Titre;Auteur;Type;Rayonnage\nUn;Morel;Mémo;A\nDeux;Petit;Tapuscrit;B\nTrois;Petit;Mémo;B\n")
    done = take(desk.base, path, source="tableau")
    said = text(desk.claire.get(f"/bureau/imports/{done.run_id}"))
    how = said[said.index("Comment le fichier a été lu") : said.index("Ce qui a été réparé")]
    for words in ("« Titre » : Titre.", "« Auteur » : Auteur", "« Type » : Type", "« Rayonnage » : gardée en note"):
        assert f"Colonne {words}" in how
    assert "« Mémo » n’est pas connu ; il est gardé, à relier à un type. Aussi : Tapuscrit" in said
    assert "3 notices sont à compléter" in said
    assert "Champs concernés : Date de publication (3), Sujets (3)." in said
    rows = desk.claire.get(f"/bureau/imports/{done.run_id}.csv").get_data().decode("utf-8-sig")
    assert "Colonne « Auteur » : Auteur" in rows and "Champs concernés" in rows


def test_authorities_are_called_so(desk: Desk, tmp_path: Path) -> None:
    def person(number: str, name: str) -> Fields:
        head: Fields = [{"t": "000", "v": "     nx  a22     3  450 "}, {"t": "001", "v": number}]
        return [*head, field("200", "a", name, "b", "Jeanne", ind=" 1")]

    done = take(desk.base, write(tmp_path, person("A1", "Morel"), person("A2", "Sabatier")), source="autorités")
    address = f"/bureau/imports/{done.run_id}"
    said = text(desk.claire.get(address))
    assert "2 autorités lues. 2 autorités créées. 2 auteurs et collectivités." in said
    assert "notices lues" not in said
    again = take(desk.base, write(tmp_path, GOOD, person("A1", "Morel"), name="deux.mrc"), source="autorités")
    said = text(desk.claire.get(f"/bureau/imports/{again.run_id}"))
    assert "1 notice lue. 1 notice créée. 1 exemplaire entré. 1 autorité lue. 1 autorité déjà là, inchangée." in said


def test_a_reader_sees_the_report_and_decides_nothing(desk: Desk, tmp_path: Path) -> None:
    done = take(desk.base, write(tmp_path, GOOD, UNTITLED), source="marc")
    marc = desk.marc
    said = text(marc.get(f"/bureau/imports/{done.run_id}"))
    assert "La notice n’a pas de titre" in said and "Réessayer" not in said and "Annuler cet import" not in said
    assert marc.post(f"/bureau/imports/{done.run_id}/reessayer").status_code == 403
    assert marc.get("/bureau/imports/refus/1").status_code == 403
    assert desk.ines.get(f"/bureau/imports/{done.run_id}").status_code == 302
    assert marc.get("/bureau/imports/4711").status_code == 404


# --- on the command line ---------------------------------------------------------------------


@pytest.fixture
def travee(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    setup.init(settings)
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings.data_dir))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments])

    return run


def test_the_command_says_what_helps_and_lets_a_refused_record_be_put_aside(travee: Any, tmp_path: Path) -> None:
    travee("import", write(tmp_path, GOOD, WRONG_ISBN, cut=40), "--source", "fonds")
    tried = travee("refused", "retry")
    assert tried.exit_code == 1 and "refaites l’export" in tried.output
    assert travee("refused", "settle", 1).output == "1 notice est mise de côté.\n"
    assert travee("refused", "list").output == "Aucune notice refusée n’attend.\n"
    assert travee("refused", "settle", 1, 99).exit_code == 1
    assert travee("refused", "settle", "--back", 1).output == "1 notice attend de nouveau.\n"


def test_the_commands_report_names_places_and_records(travee: Any, tmp_path: Path) -> None:
    where = tmp_path / "report.json"
    travee("import", write(tmp_path, GOOD, WRONG_ISBN, CODED), "--source", "fonds", "--report", where)
    (file,) = json.loads(where.read_text("utf-8"))["files"]
    (told,) = file["told"]
    assert (told["code"], told["tag"], told["subfield"], told["found_by"]) == ("isbn.invalid", "010", "a", "check")
    assert told["records"] == [{"position": 2, "identifier": "3", "params": {"value": "978-2-07-036822-0"}}]
    assert file["codes"]["type"] == {"PRETLIV": 1}
    assert file["to_complete"] == 0


def test_the_command_says_which_fields_are_missing_and_calls_authorities_so(travee: Any, tmp_path: Path) -> None:
    said = travee("import", write(tmp_path, GOOD, NO_SUBJECT), "--source", "fonds").output
    assert "1 notice est à compléter" in said and "Champs concernés : Sujets (1)." in said
    person: Fields = [
        {"t": "000", "v": "     nx  a22     3  450 "},
        {"t": "001", "v": "A1"},
        field("200", "a", "Morel"),
    ]
    said = travee("import", write(tmp_path, person, name="auteurs.mrc")).output
    assert "autorités lues : 1 ; créées : 1" in said and "notices lues" not in said


@pytest.mark.parametrize("arguments", [("--format", "jsonl"), ()])
def test_jsonl_goes_out_only_and_the_command_says_what_comes_in(
    travee: Any, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    travee("import", write(tmp_path, GOOD), "--source", "fonds")
    out = tmp_path / "tout.jsonl"
    travee("export", "--format", "jsonl", "-o", out)
    done = travee("import", out, *arguments)
    assert done.exit_code
    assert "pmbxml" in done.output or "XML de PMB" in done.output
    assert "sortir des notices" in done.output or "ne relit pas" in done.output


def test_a_source_always_has_a_name_that_an_address_can_carry(travee: Any, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, name="..mrc")
    assert "(source mrc)" in travee("import", path).output
    refused = travee("import", path, "--source", ".")
    assert refused.exit_code == 2 and "avec des lettres" in refused.output
    assert "c’est un dossier" in travee("import", tmp_path).output


def test_signs_that_nobody_sees_are_named(travee: Any, tmp_path: Path) -> None:
    travee("import", write(tmp_path, record("1", "Vivre\u200b\u2060 ici \u2192 là", SUBJECT)), "--source", "fonds")
    said = travee("export", "--format", "unimarc", "--charset", "iso5426", "-o", tmp_path / "vieux.mrc").output
    assert "U+200B ZERO WIDTH SPACE" in said and "U+2060 WORD JOINER" in said and "→" in said
    assert "\u200b" not in said and "\u2060" not in said
