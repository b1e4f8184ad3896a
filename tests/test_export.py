"""The `travee export` command: every format it lists works, and what cannot be done is said in one sentence."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook

from catalogue import i18n, setup
from catalogue.commands.records import WRITERS
from catalogue.config import Settings
from catalogue.unimarc import Field, Fields, Record, RecordItem, title
from export import marcxml
from export.records import Outgoing
from harvest import files

HEAD = Field(t="000", v="     nam0 22     1i 450 ")


def notice(number: str, said: str, *more: Field, items: tuple[RecordItem, ...] = ()) -> Outgoing:
    fields: Fields = [HEAD, Field(t="001", v=number), Field(t="200", i="1 ", s=[["a", said]]), *more]
    return Outgoing(number, "published", "book", said, 2024, fields, items)


CATALOGUE = [
    notice("1", "Habiter la tour", Field(t="606", i="  ", s=[["a", "Logement"]])),
    notice("2", "=2+5", Field(t="700", i=" 1", s=[["a", "Lenoir"], ["b", "Odile"]])),
    notice("3", "Квартал", items=(RecordItem(barcode="B3", call_number="364 KVA"),)),
]


@pytest.fixture
def travee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The `travee` command beside a base that holds CATALOGUE: `travee("export", "--format", "csv")`."""
    from catalogue.cli import main

    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_BASE_URL", "https://catalogue.example.org")
    monkeypatch.setenv("TRAVEE_LANGUAGE", "fr")
    monkeypatch.chdir(tmp_path)
    setup.init(Settings(_env_file=None, data_dir=tmp_path / "var"))
    (tmp_path / "in.xml").write_bytes(b"".join(marcxml.file_bytes(CATALOGUE)))

    def run(*words: object) -> Result:
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    assert run("import", "in.xml").exit_code == 0
    yield run
    i18n.set_language("fr")


def test_every_format_that_is_listed_is_written_and_what_is_read_here_comes_back(travee: Any, tmp_path: Path) -> None:
    for format in WRITERS:
        out = tmp_path / f"out.{format}"
        done = travee("export", "--format", format, "-o", out)
        assert done.exit_code == 0, done.output
        assert "3 notices écrites" in done.output
        if format in ("unimarc", "marcxml", "pmbxml", "marc21"):
            back = [r for r in files.read(out) if isinstance(r, Record)]
            assert sorted(title(r.fields) for r in back) == ["=2+5", "Habiter la tour", "Квартал"]
            assert [item.barcode for r in back for item in r.items] == ["B3"]
    assert all(format in travee("export", "--help").output for format in WRITERS)
    assert "turtle" not in travee("export", "--help").output


def test_a_list_for_a_spreadsheet_runs_nothing_and_leads_back_to_the_notice(travee: Any, tmp_path: Path) -> None:
    csv = travee("export", "--format", "csv").stdout_bytes.decode("utf-8-sig").split("\r\n")
    assert csv[0].startswith("N° de la notice;Type de document;Titre;Auteurs;")
    assert any(";'=2+5;Lenoir, Odile;" in line for line in csv)
    assert any("https://catalogue.example.org/d/" in line for line in csv)
    book = load_workbook(io.BytesIO(travee("export", "--format", "xlsx").stdout_bytes))
    rows = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert len(rows) == 4
    assert {"364 KVA", "B3"} <= {cell for row in rows for cell in row}


def test_iso_5426_says_which_signs_it_has_not(travee: Any, tmp_path: Path) -> None:
    done = travee("export", "--format", "unimarc", "--charset", "iso5426", "-o", "old.mrc")
    assert done.exit_code == 0
    assert "Dans 1 notice, des signes qu’ISO 5426 n’a pas sont perdus, écrits « ? » : К (1)" in done.output
    assert "remplacés" not in done.output
    number = json.loads(travee("export", "--format", "unimarc", "--charset", "iso5426", "-o", "a.mrc", "--json").output)
    assert number["lost_signs"]["К"] == 1 and number["lost_in"][0] in done.output
    assert b"Habiter" in (tmp_path / "old.mrc").read_bytes()
    assert travee("export", "--format", "marcxml", "--charset", "iso5426").exit_code == 2


def test_a_row_that_is_refused_is_named_by_its_row(travee: Any, tmp_path: Path) -> None:
    (tmp_path / "liste.csv").write_text('Titre;Résumé\nUn;\n\nDeux;"qui s’arr', "utf-8")
    told = travee("import", "liste.csv").output
    assert "Refusée, ligne 4 (Deux) : " in told
    assert "notice n° 4" not in told


def test_one_notice_is_one_notice_and_a_missing_folder_is_named(travee: Any, tmp_path: Path) -> None:
    one = json.loads(travee("export", "--format", "jsonl").output.splitlines()[0])["id"]
    done = travee("export", "--format", "marcxml", "--ids", one, "-o", "one.xml")
    assert "1 notice écrite dans one.xml" in done.output
    done = travee("export", "--format", "marcxml", "-o", tmp_path / "nowhere" / "out.xml")
    assert done.exit_code == 1
    assert "nowhere" in done.output
    assert "dossier" in done.output


def test_a_format_not_written_yet_is_wrong_usage_and_says_which_are(travee: Any) -> None:
    done = travee("export", "--format", "turtle")
    assert done.exit_code == 2
    assert "marcxml" in done.output
