"""Spreadsheets: what a column is taken for, what a row becomes, and files that were made to be refused."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import select

from catalogue import columns, sources, unimarc
from catalogue.columns import MEANINGS
from catalogue.db import Database
from catalogue.entities import About
from catalogue.models import Item, Notice, Refused
from catalogue.problems import SENTENCES, Refusal
from catalogue.unimarc import Fields, Record
from export import notice_list
from harvest import files, importer
from harvest.crosswalk import delimited, grid, sheets, workbook
from tests import hostile

LIST = (
    "Titre;Auteur(s);Éditeur;Année;ISBN;Cote;Code-barres;Mots-clés;Type;Prix\n"
    "Habiter la marge;Morel, Jeanne | Petit, Luc;Éditions du Canal;2019;978-2-07-036822-8;364 MOR;B1|B2;"
    "logement | quartier;Rapport;18 €\n"
    "Écoles du faubourg;Sabatier, Inès;;2021;;370 SAB;B3;école;DVD;\n"
)


def read(content: bytes | str, profile: Mapping[str, Any] | None = None) -> list[Record | About | Refusal]:
    raw = content.encode() if isinstance(content, str) else content
    return list(sheets.read_file(io.BytesIO(raw), profile))


def records(content: bytes | str, profile: Mapping[str, Any] | None = None) -> list[Record]:
    return [one for one in read(content, profile) if isinstance(one, Record)]


def refusal(content: bytes | str, profile: Mapping[str, Any] | None = None) -> Refusal:
    (one,) = read(content, profile)
    assert isinstance(one, Refusal)
    return one


def told(record: Record) -> set[str]:
    return {problem.code for problem in record.repairs if problem.level != "info"}


def values(fields: Fields, tag: str, codes: str = "a") -> list[str]:
    return unimarc.values(fields, tag, codes)


def book(fill: Callable[[Workbook], None]) -> bytes:
    made, out = Workbook(), io.BytesIO()
    fill(made)
    made.save(out)
    return out.getvalue()


def fill(rows: list[list[str]], made: Workbook) -> None:
    for row in rows:
        made.active.append(row)  # type: ignore[union-attr]


def packed(**parts: bytes | str) -> bytes:
    """A zip of these parts; « __ » stands for « / » in their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


# --- headings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "meaning"),
    [
        ("TITRE", "title"),
        ("Auteur(s)", "author"),
        ("Auteur(e)(s)", "author"),
        ("Éditeurs", "publisher"),
        ("Année d’édition", "date"),
        ("N° d'inventaire", "inventory_number"),
        ("Nº notice", "record_number"),
        ("Mots clefs", "keyword"),
        ("Code barre", "barcode"),
        ("Abstract Note", "abstract"),
        ("Item Type", "kind"),
        ("Publication Year", "date"),
        ("Fournisseur", "other"),
    ],
)
def test_a_heading_says_what_its_column_holds(heading: str, meaning: str) -> None:
    (found,) = columns.guess([heading], [])
    assert found.meaning == meaning


def test_each_heading_of_the_table_means_one_thing() -> None:
    met = [words for m in MEANINGS.values() for words in m.headings]
    assert len(met) == len(set(met))
    assert {m.group for m in MEANINGS.values()} == set(columns.GROUPS)


def test_a_number_is_the_journal_s_beside_a_journal_only() -> None:
    assert [g.meaning for g in columns.guess(["Titre", "Numéro"], [])] == ["title", "other"]
    rows = [("Un", "1"), ("Deux", "2")]
    for heading in ("N°", "Numéro", "n°", "No"):
        assert [g.meaning for g in columns.guess(["Titre", heading], rows)] == ["title", "record_number"]
        assert [g.meaning for g in columns.guess(["Titre", heading], [*rows, ("Trois", "2")])] == ["title", "other"]
        assert [g.meaning for g in columns.guess(["Titre", heading, "ID"], [(*r, "a") for r in rows])][1] == "other"
    assert columns.guess(["Titre", "N° de notice"], [])[1].meaning == "record_number"
    assert [g.meaning for g in columns.guess(["Revue", "Numéro"], rows)] == ["journal", "issue_number"]
    assert [g.meaning for g in columns.guess(["Revue", "Numéro"], [])] == ["journal", "issue_number"]


def test_values_speak_when_the_heading_says_nothing() -> None:
    rows = [["9782070368228", "https://exemple.fr/a"], ["2-211-04459-X", "http://exemple.fr/b"]]
    assert [(g.meaning, g.why) for g in columns.guess(["Réf", "Web"], rows)] == [
        ("isbn", "values"),
        ("address", "values"),
    ]


def test_what_was_chosen_once_wins_over_the_guess() -> None:
    chosen = {"columns": {"Titre": "collection", "Intitulé exact": "title", "Auteur (2)": "editor"}}
    headings = ["titre", "Intitulé exact", "Auteur", "Auteur (2)"]
    assert [g.meaning for g in columns.guess(headings, [], chosen)] == ["collection", "title", "author", "editor"]


def test_our_own_list_of_notices_is_understood_whole() -> None:
    meanings = [g.meaning for g in columns.guess(notice_list.columns(), [])]
    assert meanings[:-1] == [
        *("record_number", "kind", "title", "author", "publisher", "date", "isbn", "issn", "subject"),
        *("call_number", "barcode"),
    ]


# --- rows ------------------------------------------------------------------------------------


def test_a_row_becomes_a_notice_with_its_copies() -> None:
    first, second = records(LIST)
    assert (first.position, second.position) == (2, 3)
    assert unimarc.full_title(first.fields) == "Habiter la marge"
    assert [r.name for r in unimarc.responsibilities(first.fields)] == ["Morel, Jeanne", "Petit, Luc"]
    assert unimarc.publishers(first.fields) == ["Éditions du Canal"]
    assert unimarc.years(first.fields) == (2019, None)
    assert unimarc.identifiers(first.fields) == [("isbn", "9782070368228")]
    assert [s.label for s in unimarc.subjects(first.fields)] == ["logement", "quartier"]
    assert (unimarc.kind(first.fields), unimarc.kind(second.fields)) == ("report", "multimedia")
    assert [(i.barcode, i.call_number) for i in first.items] == [("B1", "364 MOR"), ("B2", "364 MOR")]
    assert values(first.fields, "300") == ["Prix : 18 €"]  # a column nobody knows
    assert values(second.fields, "300") == []


def test_the_report_says_which_column_became_what() -> None:
    first, second = records(LIST)
    said = [p.message for p in first.repairs]
    assert "Colonne « Auteur(s) » : Auteur (personne)." in said
    assert "Colonne « Prix » : gardée en note, avec son titre." in said
    assert "Tableau lu en UTF-8, cellules séparées par « ; »." in said
    assert second.repairs == ()


def test_a_separator_of_values_is_seen_or_chosen() -> None:
    (made,) = records("Titre;Mots-clés\nUn;ville, école, 13/14\n", {"sheet": {"separator": ","}})
    assert values(made.fields, "610") == ["ville", "école", "13/14"]
    (made,) = records("Titre;Auteur\nUn;Morel, Jeanne\n", {"sheet": {"separator": ","}})
    assert [r.name for r in unimarc.responsibilities(made.fields)] == ["Morel, Jeanne"]
    (made,) = records("Titre;URL;Cote\nUn;https://exemple.fr/a/b;364/MOR\n", {"sheet": {"separator": "/"}})
    assert unimarc.online(made.fields) == [("https://exemple.fr/a/b", "")]
    assert made.items[0].call_number == "364/MOR"


def test_surname_and_first_name_of_two_columns_are_one_person() -> None:
    (made,) = records("Titre;Auteur;Prénom\nUn;Morel | Petit;Jeanne | Luc\n")
    assert [r.name for r in unimarc.responsibilities(made.fields)] == ["Morel, Jeanne", "Petit, Luc"]


def test_an_article_takes_the_date_of_its_issue() -> None:
    (made,) = records("Titre;Revue;Numéro;Date\nUn;Gazette des quartiers;212;mars 2024\n")
    assert unimarc.kind(made.fields) == "article"
    host = unimarc.host_issue(made.fields)
    assert host is not None
    assert (host.volume, host.date) == ("212", "mars 2024")


def test_nothing_of_a_row_is_lost() -> None:
    """Two columns for what a notice has once, a cell too many, a word nobody knows."""
    rows = "Un;Deux;2019;2020;klingon;Tapuscrit;de trop\nTrois;;;;;\n"
    made, _other = records("Titre;Titre principal;Date;Année;Langue;Type\n" + rows)
    notes = values(made.fields, "300")
    assert {"Titre principal : Deux", "Année : 2020", "Langue : klingon", "Colonne 7 : de trop"} <= set(notes)
    assert values(made.fields, "099", "t") == ["Tapuscrit"]
    assert told(made) == {"sheet.long_row", "sheet.language_unknown", "sheet.kind_unknown"}


def test_a_word_of_the_source_for_a_kind_is_learnt() -> None:
    (made,) = records("Titre;Type\nUn;Tapuscrit\n", {"kinds": {"tapuscrit": "study"}})
    assert unimarc.kind(made.fields) == "study"
    assert told(made) == set()


def test_what_is_true_of_the_whole_sheet_is_said_once() -> None:
    profile = {"sheet": {"kind": "thesis", "defaults": {"location": "Réserve", "language": "fre"}}}
    with_copy, without = records("Titre;Cote\nUn;364\nDeux;\n", profile)
    assert (unimarc.kind(without.fields), unimarc.language(without.fields)) == ("thesis", "fre")
    assert [i.location for i in with_copy.items] == ["Réserve"]
    assert without.items == ()


def test_a_cell_is_a_text_and_nothing_else() -> None:
    (made,) = records("Titre;Résumé\n'=cmd|' /C calc'!A0;<script>alert(1)</script> a\x07b\n")
    assert unimarc.title(made.fields) == "=cmd|' /C calc'!A0"  # the apostrophe is a spreadsheet's mark
    assert values(made.fields, "330") == ["<script>alert(1)</script> ab"]  # shown as text, never as markup
    assert "alert" not in unimarc.texts(made.fields).abstract
    assert told(made) == {"sheet.controls"}


def test_a_number_that_the_spreadsheet_shortened_is_told() -> None:
    (made,) = records("Titre;ISBN\nUn;9,78207E+12\n")
    assert told(made) == {"sheet.rounded"}


# --- CSV -------------------------------------------------------------------------------------

TWO = "Titre;Auteur\nÉté;Émile œuvre\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TWO.encode(), "UTF-8"),
        (TWO.encode("utf-8-sig"), "UTF-8"),
        (TWO.encode("cp1252"), "Windows-1252"),
        (TWO.encode("utf-16"), "UTF-16"),
        (TWO.replace(";", "\t").replace("\n", "\r\n").encode("utf-16"), "tab"),
        (TWO.replace(";", ",").encode(), "« , »"),
        (TWO.replace(";", "|").encode(), "« | »"),
        (TWO.replace("\n", "\r").encode(), "« ; »"),
        (b"sep=;\r\n" + TWO.encode(), "« ; »"),
    ],
)
def test_a_csv_is_read_whatever_program_wrote_it(content: bytes, words: str) -> None:
    assert files.recognise(content)[0] == "csv"
    (made,) = records(content)
    assert (unimarc.title(made.fields), unimarc.responsibilities(made.fields)[0].name) == ("Été", "Émile œuvre")
    assert words in " ".join(p.message for p in made.repairs)
    assert "charset.windows" not in told(made)
    of_file = [p.code for r in read(content) if isinstance(r, About) for p in r.problems]
    assert of_file == (["charset.windows_file"] if words == "Windows-1252" else [])


def test_a_line_of_windows_in_a_file_in_utf8_is_told_with_its_row() -> None:
    first, second, third = records("Titre\nÉté\nPlain\n".encode() + "Œuvre\n".encode("cp1252"))
    assert [unimarc.title(r.fields) for r in (first, second, third)] == ["Été", "Plain", "Œuvre"]
    assert [told(r) & {"charset.windows"} for r in (first, second, third)] == [set(), set(), {"charset.windows"}]


def test_cells_may_hold_quotes_separators_and_lines() -> None:
    made, after = records('Titre;Résumé\n"Le ""beau"" ; titre";"Une ligne\r\nune autre"\nDeux;\n')
    assert unimarc.title(made.fields) == 'Le "beau" ; titre'
    assert values(made.fields, "330") == ["Une ligne\nune autre"]
    assert after.position == 3


def test_a_quote_that_never_closes_swallows_nothing() -> None:
    first, second, third = records('Titre;Auteur\n"Un;Morel\nDeux;Petit\nTrois;Lenoir\n')
    assert told(first) == {"sheet.stray_quote"}
    assert [unimarc.title(r.fields) for r in (first, second, third)] == ['"Un', "Deux", "Trois"]


def test_a_file_that_breaks_off_says_where() -> None:
    first, last = read('Titre;Résumé\nUn;Entier\nDeux;"Le résumé qui s’arr')
    assert isinstance(first, Record)
    assert isinstance(last, Refusal)
    assert (last.position, last.code, last.identifier) == (3, "sheet.cut", "Deux")


def test_lines_above_the_headings_are_told_not_read() -> None:
    (made,) = records("Liste des acquisitions;\n;\nTitre;Auteur\nUn;Morel\n")
    assert made.position == 4
    assert told(made) == {"sheet.lines_above"}


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        ("9782070368228;La ville;2019\n9782070368229;Le port;2020\n", "sheet.no_headings", "La ville"),
        ("Auteur;Année\nMorel;2019\n", "sheet.no_title", "« Auteur », « Année »"),
        ("Titre;Auteur\n", "sheet.no_row", "« Titre », « Auteur »"),
        (";;\n\n", "file.empty", "vide"),
        ("Titre;" + ";".join(map(str, range(400))) + "\nUn;" + "x;" * 400 + "\n", "sheet.too_wide", "401"),
    ],
)
def test_a_file_without_headings_is_refused_with_what_was_found(content: str, code: str, word: str) -> None:
    one = refusal(content)
    assert (one.position, one.code) == (0, code)
    assert word in one.sentence()


@pytest.mark.parametrize(
    "letter", ["Chère madame,\nvoici la liste.\n", "Titre\nUn\nDeux\n", "a;b\n", "Bonjour ;\n\nà demain, donc.\n"]
)
def test_a_letter_is_no_table(letter: str) -> None:
    assert files.recognise(letter.encode())[1] is not None


NOTES = """# Notre catalogue

Les notices, les exemplaires, les thésaurus.
- Les notices, en UNIMARC, viennent de partout.
- Les exemplaires, eux, restent ici.

Installez Python, puis lancez la commande, et attendez.
Après cela, tout est prêt, ou presque.
"""
TURTLE = (
    "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n:a a skos:Concept ; skos:broader :b ; skos:altLabel :c .\n"
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NOTES, "file.unknown"),
        ("Bonjour, chers tous,\n" + NOTES.removeprefix("# Notre catalogue"), "file.unknown"),
        (TURTLE + ":d a skos:Concept ; skos:broader :b ; skos:altLabel :e .\n", "file.thesaurus"),
        ("# d’ici\n\nPREFIX : <https://v.example/>\n", "file.thesaurus"),
        ("<https://v.example/a> <https://v.example/b> <https://v.example/c> .\n", "file.thesaurus"),
        ('<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>', "file.thesaurus"),
        ('{"@context": {}, "@graph": []}', "file.jsonld"),
    ],
)
def test_a_thesaurus_or_a_page_of_notes_is_no_table(text: str, code: str) -> None:
    found = files.recognise(text.encode())[1]
    assert found is not None and found.code == code
    assert ("travee thesaurus import" in found.sentence()) == (code != "file.unknown")


def test_a_row_beyond_measure_is_refused_by_its_name_and_the_rest_goes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "CELL", 50)
    one, two = read(f"Titre;Résumé\nUn;{'x' * 51}\nDeux;court\n")
    assert isinstance(one, Refusal)
    assert (one.position, one.identifier, one.code) == (2, "Un", "sheet.too_big")
    assert isinstance(two, Record)


def test_a_sheet_without_end_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROWS", 2)
    *kept, last = read("Titre;Auteur\n" + "Un;Morel\n" * 5)
    assert len(kept) == 2
    assert isinstance(last, Refusal)
    assert (last.position, last.code) == (4, "sheet.too_many_rows")


CELLS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]) | st.sampled_from(';,"\n\t|'), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(delimited.SEPARATORS))
def test_any_table_written_as_csv_is_read_back(rows: list[list[str]], sign: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=sign, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([["Titre", "Auteur", "Note"], *rows])
    table = delimited.open_csv(b"", io.BytesIO(text.getvalue().encode("utf-8-sig")[3:]))
    # Python's writer leaves a lone \r as it is, and no spreadsheet writes one.
    assert [list(row.cells) for row in table.rows][1:] == rows


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda end: LIST.encode() + end))
def test_no_bytes_end_in_anything_but_records_and_refusals(content: bytes) -> None:
    for one in read(content):
        assert not isinstance(one, Refusal) or one.code in SENTENCES


# --- XLSX ------------------------------------------------------------------------------------


def acquisitions(made: Workbook) -> None:
    made.active.title = "Vide"  # type: ignore[union-attr]
    sheet = made.create_sheet("Fonds")
    sheet.append(["Titre", "Date", "ISBN", "Cote", "Lu", "Total"])
    sheet.append(["Un", 2019, 9782070368228, 364.4, True, "=B2+1"])
    sheet.append(["Deux", datetime(2024, 3, 18), None, None, None, None])
    sheet.append(["Trois", datetime(2024, 3, 18), None, "#N/A", None, None])
    sheet["B3"].number_format, sheet["B4"].number_format = "dd/mm/yyyy", "mmm yyyy"
    sheet["D4"].data_type = "e"
    made.create_sheet("Périodiques").append(["x"])


def test_a_workbook_gives_values_and_dates_as_the_sheet_shows_them() -> None:
    one, two, three = records(book(acquisitions))
    assert one.items[0].call_number == "364.4"
    assert unimarc.identifiers(one.fields) == [("isbn", "9782070368228")]
    assert values(one.fields, "300") == ["Lu : oui"]
    dates = [unimarc.date_text(r.fields) for r in (one, two, three)]
    assert dates == ["2019", "18/03/2024", "03/2024"]
    assert told(one) == {"sheet.other_sheets", "sheet.formula"}  # computed, and the result is not in the file
    assert told(three) == {"sheet.error"}
    assert [r.position for r in (one, two, three)] == [2, 3, 4]


def test_the_named_sheet_is_read() -> None:
    one = refusal(book(acquisitions), {"sheet": {"name": "Périodiques"}})
    assert one.code == "sheet.no_headings"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (packed(xl__workbook="<workbook/>", xl__sheet=b"0" * 30_000_000), "sheet.grows"),
        (packed(word__document="<document/>"), "sheet.not_workbook"),
        (hostile.XLSX["entities in a sheet"](10), "sheet.doctype"),
        (hostile.XLSX["columns without end"](1_000_000), "sheet.grows"),
        (hostile.XLSX["rows in a row"](2_000_000), "sheet.grows"),
        (hostile.XLSX["styles in one another"](10_000), "sheet.grows"),
        (hostile.XLSX["a password"](0), "sheet.locked"),
        (packed(xl__workbook="<workbook/>"), "sheet.damaged"),
        (book(acquisitions)[:3000], "sheet.damaged"),
    ],
)
def test_a_zip_that_is_no_honest_workbook_is_refused(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_a_fault_of_ours_is_not_told_as_one_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_text", lambda *_: list[str]()[0])
    with pytest.raises(IndexError):
        read(book(acquisitions))


def test_a_workbook_with_strange_cells_is_read_all_the_same() -> None:
    [beyond] = records(hostile.XLSX["a number beyond ours"](0))
    assert unimarc.title(beyond.fields) == "inf"
    [styled] = records(hostile.XLSX["a style that is not there"](0))
    assert unimarc.title(styled.fields) == "18/03/2024"
    for name in ("a link to another file", "macros"):
        assert [unimarc.title(r.fields) for r in records(hostile.XLSX[name](1000))] == ["Habiter la marge"]


def test_an_old_office_file_is_told_what_to_do() -> None:
    refusal = files.recognise(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)[1]
    assert refusal is not None
    assert ".xlsx sans mot de passe" in refusal.sentence()


def test_a_sheet_that_is_damaged_half_way_gives_what_stands_before() -> None:
    whole, out = zipfile.ZipFile(io.BytesIO(book(acquisitions))), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, content[:-250] if name.endswith("sheet2.xml") else content)
    *kept, last = read(out.getvalue())
    assert kept
    assert isinstance(last, Refusal)
    assert last.code == "sheet.cut"


def test_a_cell_far_away_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "CELLS", 20_000)

    def far(made: Workbook) -> None:
        sheet: Any = made.active
        sheet.append(["Titre", "Auteur"])
        sheet.append(["Un", "Morel"])
        for n in (3, 4):
            sheet.cell(n, 16_384, "loin")

    one, wide, end = read(book(far))
    assert isinstance(one, Record)
    assert isinstance(wide, Refusal)
    assert isinstance(end, Refusal)
    assert (wide.code, end.code) == ("sheet.too_big", "sheet.too_many_cells")


def test_shown_cells_are_cut() -> None:
    assert grid.shown(["a" * 60, "", *"bcdefghij"]).startswith("« " + "a" * 40 + " », « b »")
    assert grid.shown([str(n) for n in range(20)]).endswith(" …")


# --- into the catalogue ----------------------------------------------------------------------


def test_a_sheet_comes_in_twice_without_doubles_and_rows_of_one_document_meet(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "fonds.csv"
    path.write_text("Titre;Auteur;Code-barres\nUn;Morel\nDeux;Petit;B1\nDeux;Petit;B2\n;Lenoir;B3\n", "utf-8")
    report = importer.import_file(database, path, source="Tableur", by="claire")
    assert {n: report.counts[n] for n in ("read", "created", "items", "refused")} == {
        "read": 4,
        "created": 2,
        "items": 2,
        "refused": 1,
    }
    again = importer.import_file(database, path, source="Tableur", by="claire")
    assert (again.counts["created"], again.counts["updated"], again.counts["items"]) == (0, 0, 0)
    with database.read() as session:
        assert sorted(session.scalars(select(Notice.title))) == ["Deux", "Un"]
        assert sorted(filter(None, session.scalars(select(Item.barcode)))) == ["B1", "B2"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_refused_row_is_kept_with_its_headings_and_goes_in_once_it_can(
    database: Database, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"fonds.{ending}"
    rows = [["Titre", "Nom d’usage", "Année"], ["", "Le vrai titre", "2019"], ["Un", "", "2020"]]
    if ending == "csv":
        path.write_text("".join(";".join(row) + "\n" for row in rows), "utf-8")
    else:
        path.write_bytes(book(partial(fill, rows)))
    importer.import_file(database, path, source="Tableur", by="claire")
    with database.write() as session:
        waiting = session.scalars(select(Refused)).one()
        assert (waiting.position, waiting.code) == (2, "record.no_title")
        assert waiting.raw.decode() == '"Titre";"Nom d’usage";"Année"\n"";"Le vrai titre";"2019"\n'
        source = sources.for_file(session, "Tableur")
        source.profile = {"columns": {"Titre": "subtitle", "Nom d’usage": "title"}}
    report = importer.retry(database, by="claire")
    assert report.counts["created"] == 1
    with database.read() as session:
        assert sorted(session.scalars(select(Notice.title))) == ["Le vrai titre", "Un"]
