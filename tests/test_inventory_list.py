"""The inventory: shelf order on screen, on paper and in a spreadsheet, and cells that cannot harm."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from catalogue import db, history, items, notices
from catalogue.unimarc import RecordItem
from export import tables
from tests.cast import MIETTES, field, notice

SHELF = ["364", "364.4", "364.4 DUM", "DOS LOG 3", "R 2019-2", "R 2019-12", ""]


@pytest.fixture
def shelf(app: Flask) -> db.Database:
    """Seven copies, put in pell-mell, one title that would like to be a formula."""
    base: db.Database = app.extensions["travee"].db
    with base.write() as session:
        batch = history.open_batch(session, "import", by="travee import")
        first = notices.create(session, MIETTES, by="claire", status="published")
        other = notices.create(session, notice("=1+1", field("700", "a", "@SUM")), by="claire", status="published")
        copies = []
        for n, call_number in enumerate(reversed(SHELF)):
            place = "Réserve" if call_number.startswith("R ") else "Espace doc"
            of = other if call_number == "364.4" else first
            copies.append((of.id, RecordItem(call_number=call_number, barcode=f"B{n}", location=place)))
        items.add_many(session, copies, batch=batch)
    return base


def call_numbers(page: str) -> list[str]:
    body = page[page.index("<tbody>") :]
    return [unescape(c).strip() for c in re.findall(r'<th scope="row"[^>]*>(?:<span[^>]*>)?([^<]*)', body)]


def place_named(base: db.Database, name: str) -> int:
    with base.read() as session:
        return next(place.id for place in items.list_locations(session) if place.name == name)


def csv_rows(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=";"))


# --- the list --------------------------------------------------------------------------------


def test_copies_stand_in_the_order_of_the_shelf_those_without_a_number_last(
    claire: FlaskClient, shelf: db.Database
) -> None:
    page = claire.get("/bureau/inventaire").get_data(as_text=True)
    assert call_numbers(page) == [*SHELF[:-1], "sans cote"]
    assert "7 exemplaires" in page


RANGES = {
    ("364", "365"): ["364", "364.4", "364.4 DUM"],
    ("364.4", "364.4"): ["364.4", "364.4 DUM"],
    ("R 2019-3", ""): ["R 2019-12"],
    ("", "364"): ["364", "364.4", "364.4 DUM"],
    ("R 2019-2", "R 2019-12"): ["R 2019-2", "R 2019-12"],
}


def test_a_range_goes_from_one_call_number_to_another(claire: FlaskClient, shelf: db.Database) -> None:
    for (first, last), expected in RANGES.items():
        page = claire.get(f"/bureau/inventaire?de={first}&a={last}").get_data(as_text=True)
        assert call_numbers(page) == expected, (first, last)


def test_a_location_is_listed_alone_everywhere(claire: FlaskClient, shelf: db.Database) -> None:
    chosen = f"?emplacement={place_named(shelf, 'Réserve')}"
    assert call_numbers(claire.get(f"/bureau/inventaire{chosen}").get_data(as_text=True)) == ["R 2019-2", "R 2019-12"]
    printed = claire.get(f"/bureau/inventaire/imprimer{chosen}").get_data(as_text=True)
    assert call_numbers(printed) == ["R 2019-2", "R 2019-12"]
    assert "Inventaire : Réserve" in printed
    rows = csv_rows(claire.get(f"/bureau/inventaire.csv{chosen}").data)
    assert [row[0] for row in rows[1:]] == ["R 2019-2", "R 2019-12"]


def test_a_range_written_backwards_is_told_beside_its_field(claire: FlaskClient, shelf: db.Database) -> None:
    answer = claire.get("/bureau/inventaire?de=370&a=364")
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert "« 364 » vient avant « 370 » : échangez les deux cotes." in page
    assert 'aria-invalid="true"' in page
    assert 'value="370"' in page


def test_an_odd_question_is_answered_all_the_same(claire: FlaskClient, shelf: db.Database) -> None:
    for asked in ("?emplacement=x&page=0", "?page=99999", "?emplacement=99&page=-1", "?de=%00"):
        assert claire.get(f"/bureau/inventaire{asked}").status_code == 200, asked


def test_a_long_list_is_cut_into_pages_below_sixty_kilobytes(claire: FlaskClient, app: Flask) -> None:
    base: db.Database = app.extensions["travee"].db
    long_title = "Les politiques de la ville et leurs habitants, une enquête de longue haleine : " * 3
    with base.write() as session:
        batch = history.open_batch(session, "import", by="travee import")
        one = notices.create(session, notice(long_title, field("700", "a", "Dumas", "b", "Agnès")), by="claire")
        copies = [(one.id, RecordItem(call_number=f"R {n}", location="Espace doc")) for n in range(250)]
        items.add_many(session, copies, batch=batch)
    pages = [claire.get(f"/bureau/inventaire?page={n}") for n in (1, 2, 3)]
    assert [len(call_numbers(p.get_data(as_text=True))) for p in pages] == [100, 100, 50]
    assert all(len(p.data) < 60_000 for p in pages)
    assert call_numbers(pages[2].get_data(as_text=True))[-1] == "R 249"


# --- on paper --------------------------------------------------------------------------------


def test_each_printed_page_says_what_it_belongs_to(claire: FlaskClient, shelf: db.Database) -> None:
    page = unescape(claire.get("/bureau/inventaire/imprimer?de=364&a=365").get_data(as_text=True))
    head = page[page.index("<thead>") : page.index("</thead>")]
    assert "Espace doc · Inventaire : Tous les emplacements, cotes de 364 à 365" in head
    assert "3 exemplaires" in head
    assert re.search(r"\d{4}", head)
    first_cells = re.findall(r"<tr>(<t[dh][^>]*>)", page[page.index("<tbody>") :])
    assert first_cells == ['<td class="box">'] * 3


# --- in a spreadsheet ------------------------------------------------------------------------


def test_a_french_spreadsheet_opens_the_csv(claire: FlaskClient, shelf: db.Database) -> None:
    answer = claire.get("/bureau/inventaire.csv")
    assert answer.mimetype == "text/csv"
    assert re.search(r'filename="inventaire-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"])
    rows = csv_rows(answer.data)
    assert rows[0][:4] == ["Cote", "Titre", "Auteur", "Année"]
    assert [row[0] for row in rows[1:]] == SHELF
    assert rows[1][1:4] == ["La ville en miettes", "Dumas, Agnès", "1998"]


def test_the_workbook_is_read_back_with_its_numbers_as_numbers(claire: FlaskClient, shelf: db.Database) -> None:
    answer = claire.get("/bureau/inventaire.xlsx")
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert sheet.title == "Inventaire"
    assert rows[0][0] == "Cote"
    assert [row[0] or "" for row in rows[1:]] == SHELF
    assert rows[1][3] == 1998


def test_a_title_that_would_run_as_a_formula_is_text_in_both_files(claire: FlaskClient, shelf: db.Database) -> None:
    rows = csv_rows(claire.get("/bureau/inventaire.csv").data)
    assert rows[2][1:3] == ["'=1+1", "'@SUM"]
    sheet = load_workbook(io.BytesIO(claire.get("/bureau/inventaire.xlsx").data)).active
    assert sheet is not None
    (cell,) = [c for row in sheet.iter_rows() for c in row if c.value == "'=1+1"]
    assert cell.data_type == "s"
    assert not [c for row in sheet.iter_rows() for c in row if c.data_type == "f"]


# --- the tables themselves -------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["=2+5", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "＝1", "\ufeff=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(harm: str) -> None:
    (row,) = csv_rows(b"".join(tables.to_csv(["a"], [[harm]])))[1:]
    assert row == ["'" + harm]
    file = io.BytesIO()
    tables.to_xlsx(["a"], [[harm]], file, title="x")
    sheet = load_workbook(file).active
    assert sheet is not None
    assert sheet["A2"].data_type == "s"
    assert str(sheet["A2"].value).startswith("'")


@pytest.mark.parametrize("fine", ["364.4 DUB", "L’été", "a=b", "", "12-3", "« = »"])
def test_everything_else_is_left_as_it_is(fine: str) -> None:
    assert tables.harmless(fine) == fine


def test_numbers_stay_numbers() -> None:
    assert [tables.harmless(n) for n in (-3, 2.5, None)] == [-3, 2.5, None]


def test_separators_quotes_and_line_ends_survive_the_csv() -> None:
    odd = ['a;b"c', "deux\nlignes", "é\u202f!"]
    assert csv_rows(b"".join(tables.to_csv(["x", "y", "z"], [odd])))[1] == odd


def test_signs_that_xml_forbids_do_not_spoil_the_workbook() -> None:
    file = io.BytesIO()
    tables.to_xlsx(["a"], [["sonne\x07 \ufffe fin"], ["x" * 40_000]], file, title="a/b:c" * 20)
    sheet = load_workbook(file).active
    assert sheet is not None
    assert sheet["A2"].value == "sonne  fin"
    assert len(str(sheet["A3"].value)) == tables.LONGEST_CELL


def test_a_long_list_is_written_as_it_comes_with_flat_memory(tmp_path: Path) -> None:
    def written(n: int) -> int:
        rows: Iterator[list[tables.Cell]] = (["364.4 DUB", "Un titre de longueur ordinaire", i] for i in range(n))
        tracemalloc.start()
        with (tmp_path / "list.xlsx").open("wb") as file:
            assert tables.to_xlsx(["Cote", "Titre", "N"], rows, file, title="x") == n
        for _piece in tables.to_csv(["Cote", "Titre", "N"], (["364", "Titre", i] for i in range(n))):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    written(10)
    assert written(8_000) < written(1_000) + 200_000
