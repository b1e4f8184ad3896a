"""Digital documents: addresses that follow their notice, files that are ours, what their texts let one find."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from catalogue import (
    db,
    digital,
    documents,
    erasing,
    file_store,
    history,
    integrity,
    joining,
    notices,
    old_addresses,
    pdf_child,
    setup,
    texts,
)
from catalogue.app import Travee
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.models import Centre, DigitalDocument, Notice, UsageDay
from catalogue.notices import NewNotice
from catalogue.pdf_text import extract
from indexes.queries import search
from tests import cast, pdfs
from tests.cast import field

REPORT = "https://exemple.fr/rapport.pdf"
PMB_FILE = "./opac_css/doc_num.php?explnum_id=12"
LINKED = cast.notice(
    "Le bilan des ateliers",
    field("856", "u", REPORT, "z", "Le rapport", "q", "application/pdf"),
    field("897", "a", PMB_FILE, "b", "Annexe", "t", "image/jpeg", "W", "38972", "s", "Sans statut"),
)


# --- addresses -------------------------------------------------------------------------------


def rows(session: Session, notice_id: int) -> list[tuple[str, str, str, int | None]]:
    found = select(DigitalDocument).where(DigitalDocument.notice_id == notice_id).order_by(DigitalDocument.id)
    return [(d.url, d.label, d.media_type, d.size) for d in session.scalars(found)]


def test_the_addresses_of_a_notice_come_change_and_go_with_its_fields(session: Session) -> None:
    lot = history.open_batch(session, "import", by="claire")
    (number,) = notices.create_many(session, [NewNotice(LINKED)], batch=lot)
    made = notices.get(session, number)
    both = [(REPORT, "Le rapport", "application/pdf", None), (PMB_FILE, "Annexe", "image/jpeg", 38972)]
    assert rows(session, number) == both
    again = [*LINKED[:-2], field("856", "u", REPORT, "z", "Le rapport final"), field("856", "u", REPORT)]
    notices.revise(session, made, again, by="claire")
    assert rows(session, number) == [(REPORT, "Le rapport final", "application/pdf", None)]
    notices.revise(session, made, LINKED[:-2], by="claire")
    assert rows(session, number) == []
    assert list(integrity.faults(session)) == []


def test_an_address_with_a_file_stays_when_the_address_goes(session: Session) -> None:
    made = notices.create(session, LINKED, by="claire")
    document = session.scalars(select(DigitalDocument).where(DigitalDocument.url == REPORT)).one()
    document.sha256, document.rights, document.label = "a" * 64, "open", "Notre copie"
    notices.revise(session, made, LINKED[:-2], by="claire")
    assert rows(session, made.id) == [(REPORT, "Notre copie", "application/pdf", None)]
    notices.revise(session, made, LINKED, by="claire")
    assert len(rows(session, made.id)) == 2
    assert list(integrity.faults(session)) == []


def test_check_sees_addresses_that_were_lost_and_repairs_them(session: Session) -> None:
    made = notices.create(session, LINKED, by="claire")
    session.delete(session.scalars(select(DigitalDocument).where(DigitalDocument.url == REPORT)).one())
    session.flush()
    assert [(f.address, f.what) for f in integrity.faults(session)] == [(made.address, "documents")]
    integrity.repair(session, {made.address})
    assert len(rows(session, made.id)) == 2


def test_pmb_s_address_of_a_file_leads_to_its_document_ours_before_a_partner_s(session: Session) -> None:
    partner = Centre(name="ORIV", code="oriv")
    session.add(partner)
    session.flush()
    theirs = cast.notice("Une autre", field("897", "a", "https://pmb.oriv.example/doc_num.php?explnum_id=12"))
    notices.create(session, theirs, by="claire", status="published", owner_id=partner.id)
    ours = notices.create(session, LINKED, by="claire", status="published")
    assert old_addresses.document_of(session, {"explnum_id": "12"}) == f"/d/{ours.address}"
    assert old_addresses.document_of(session, {"explnum_id": "2"}) is None
    notices.revise(session, ours, ours.fields, by="claire", status="draft")
    assert old_addresses.document_of(session, {"explnum_id": "12"}) != f"/d/{ours.address}"


# --- reading a PDF ---------------------------------------------------------------------------


def test_the_words_of_a_pdf_come_page_by_page_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(pdfs.pdf(("L’œuvre d’été.", "", "La dernière page.")))
    assert extract(file).pages == ("L’œuvre d’été.", "", "La dernière page.")
    assert pdf_child.clean("intercommu\ufffe\r\nnalité\x00 de\u00a0 la\fville \ue001") == "intercommunalité de la ville"


HOSTILE = {
    "encrypted": pdfs.encrypted(),
    "broken": b"%PDF-1.7\nrien",
    "too_many_pages": pdfs.of_pages(pdfs.stream(b"BT /F 12 Tf (Bonjour) Tj ET"), 10_000),
    "no_text": pdfs.image_only(),
    "too_heavy": pdfs.bomb(1_500),
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_a_hostile_file_ends_with_its_reason(reason: str, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(HOSTILE[reason])
    found = extract(file)
    assert (found.reason, found.pages) == (reason, ())
    assert reason in texts.REASONS


def test_every_reason_has_its_words() -> None:
    assert set(texts.REASONS) >= {*pdf_child.REASONS.values(), "too_large", "too_heavy", "too_long", "lost"}


def test_a_file_that_takes_too_long_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(pdfs.image_only())
    assert extract(file, patience=0.001).reason == "too_long"


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
@pytest.mark.parametrize("act", ["socket.socket()", "open('/etc/hostname')", "bytearray(2 << 30)"])
def test_who_reads_a_file_can_open_nothing_more_and_has_so_much_memory(act: str) -> None:
    words = f"import socket\nfrom catalogue import pdf_child\npdf_child._give_up()\n{act}"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    assert re.search(r"Too many open files|MemoryError", done.stderr), done.stderr


# --- a library with texts --------------------------------------------------------------------


@dataclass
class Library:
    travee: Travee
    address: dict[str, str]  # by title

    def path(self, title: str) -> str:
        with self.travee.db.read() as session:
            rows = select(DigitalDocument).join(Notice, Notice.id == DigitalDocument.notice_id)
            document = session.scalars(rows.where(Notice.title == title, DigitalDocument.sha256 != "")).one()
            return f"/d/{self.address[title]}/{digital.path_of(document)}"


OPEN, CLOSED, TEAM, PLAIN = "Chantiers ouverts", "Chantiers fermés", "Chantiers internes", "Les glycines au jardin"
PAGES: dict[str, tuple[str, ...]] = {
    OPEN: ("Avant-propos.", "Il faut planter des glycines le long du canal, disent les jardiniers.", "Fin."),
    CLOSED: ("Avant-propos.", "Rien.", "Les hippocampes dorés dansent sous la lune, écrit-elle."),
    TEAM: ("Le budget des ornithorynques reste secret.",),
}
RIGHTS = {OPEN: "open", CLOSED: "protected", TEAM: "staff"}


@pytest.fixture(scope="module")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that `app` starts from: four documents, three of them with a file, read by the worker."""
    home = tmp_path_factory.mktemp("library")
    settings = Settings(_env_file=None, data_dir=home / "var", testing=True)
    setup.init(settings)
    travee = Travee(settings)
    for title in (OPEN, CLOSED, TEAM, PLAIN):
        with travee.db.write() as session:
            made = notices.create(session, cast.notice(title), by="claire", status="published")
            if title in PAGES:
                (home / "a.pdf").write_bytes(pdfs.pdf(PAGES[title]))
                documents.attach(session, made, home / "a.pdf", settings.files_dir, rights=RIGHTS[title])
    assert travee.work_once() > 0
    travee.close()
    return settings.data_dir


@pytest.fixture
def library(app: Flask) -> Library:
    travee: Travee = app.extensions["travee"]
    with travee.db.read() as session:
        titles = select(Notice.title, Notice.address)
        return Library(travee, {title: address for title, address in session.execute(titles)})


def fetch(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, buffered=True, headers={name.replace("_", "-"): said for name, said in headers.items()})


def results(client: FlaskClient, query: str) -> str:
    answer = client.get("/recherche", query_string={"q": query})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


def test_what_stands_in_an_open_text_is_found_with_its_page_and_quoted(client: FlaskClient, library: Library) -> None:
    page = results(client, "glycine jardinier")
    assert "Trouvé dans le texte, p. 2" in page
    assert "planter des <mark>glycines</mark> le long du canal, disent les <mark>jardiniers</mark>" in page
    assert f'href="{library.path(OPEN)}#page=2"' in page
    assert OPEN in results(client, '"le long du canal"'), "in the order of its words too"
    assert OPEN not in results(client, '"propos il faut"'), "but not from one page into the next"


def test_a_title_stands_before_any_text(library: Library, tmp_path: Path) -> None:
    travee = library.travee
    file = tmp_path / "b.pdf"
    file.write_bytes(pdfs.pdf(("glycines " * 50,) * 8))
    with travee.db.write() as session:
        other = notices.find(session, library.address[OPEN])
        assert other is not None
        documents.attach(session, other, file, travee.settings.files_dir, rights="open")
    travee.work_once()
    ids = [hit.notice_id for hit in search(travee.index(), "glycines").hits]
    with travee.db.read() as session:
        assert [notices.get(session, n).title for n in ids] == [PLAIN, OPEN]


def test_a_protected_text_is_found_its_page_named_and_never_quoted(client: FlaskClient, library: Library) -> None:
    page = results(client, "hippocampes lune")
    assert CLOSED in page
    assert "Trouvé dans le texte, p. 3" in page
    assert "dansent" not in page
    assert "/fichier/" not in page
    assert CLOSED not in results(client, '"hippocampes dorés dansent"'), "nobody reads it back phrase by phrase"


def test_no_word_of_a_closed_text_leaves_by_any_door(client: FlaskClient, library: Library) -> None:
    doors = ["/recherche", "/recherche.atom", "/nouveautes.atom", "/recherche.csl.json", "/recherche.html"]
    said = [client.get(door, query_string={"q": word}).text for door in doors for word in ("chantiers", "dansent")]
    said += [client.get(f"/d/{code}{end}").text for code in library.address.values() for end in ("", ".csl.json")]
    said += [
        client.get("/suggestions", query_string={"q": begun}).text for begun in ("dan", "hippo", "ornitho", "glyc")
    ]
    said += [client.get("/recherche", query_string={"q": typo}).text for typo in ("hippocampse", "ornithorinque")]
    for words in said:
        shown = words.replace("« dansent »", "").replace('"dansent"', "").lower()
        assert not re.search("hippocampes|dor[ée]s|sous la lune|ornithorynque|budget", shown)
    assert json.loads(said[-4]), "a word of a title is proposed"
    assert "dansent" not in client.get("/suggestions", query_string={"q": "dan"}).text


def test_what_is_for_the_team_is_not_even_found(client: FlaskClient, library: Library) -> None:
    assert TEAM not in results(client, "ornithorynques")


def test_a_text_that_loses_its_rights_is_not_quoted_from_that_moment(client: FlaskClient, library: Library) -> None:
    with library.travee.db.write() as session:  # nothing is indexed anew
        session.scalars(select(DigitalDocument).where(DigitalDocument.rights == "open")).one().rights = "protected"
    page = results(client, "glycine jardinier")
    assert "Trouvé dans le texte, p. 2" in page
    assert "planter" not in page


# --- the file itself -------------------------------------------------------------------------


def test_an_open_file_is_given_whole_or_in_pieces_and_counted_once(client: FlaskClient, library: Library) -> None:
    path = library.path(OPEN)
    answer = fetch(client, path)
    assert answer.status_code == 200
    assert answer.data == pdfs.pdf(PAGES[OPEN])
    assert answer.content_type == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == 'inline; filename="Chantiers ouverts.pdf"'
    assert {"default-src 'none'", "sandbox"} <= set(answer.headers["Content-Security-Policy"].split("; "))
    piece = fetch(client, path, Range="bytes=100-199")
    assert (piece.status_code, len(piece.data)) == (206, 100)
    assert fetch(client, path, If_None_Match=answer.headers["ETag"]).status_code == 304
    library.travee.flush_counts()
    with library.travee.db.read() as session:
        assert [(u.kind, u.n) for u in session.scalars(select(UsageDay).where(UsageDay.kind == "download"))] == [
            ("download", 1)
        ]
    shown = client.get(f"/d/{library.address[OPEN]}").text
    assert f'href="{path}"' in shown and "Lire en ligne (PDF, " in shown
    assert "/fichier/" not in client.get(f"/d/{library.address[CLOSED]}").text


def test_what_is_no_pdf_is_saved_alone_in_its_frame(client: FlaskClient, library: Library, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<script>alert(1)</script>", "utf-8")
    with library.travee.db.write() as session:
        notice = notices.find(session, library.address[PLAIN])
        assert notice is not None
        documents.attach(session, notice, file, library.travee.settings.files_dir, rights="open", label="Une page")
    answer = fetch(client, library.path(PLAIN))
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_closed_files_are_given_to_the_team_only(client: FlaskClient, claire: FlaskClient, library: Library) -> None:
    for title, words in ((CLOSED, "Il se lit sur place."), (TEAM, "réservé à l’équipe")):
        answer = fetch(client, library.path(title))
        assert answer.status_code == 403
        assert words in answer.text
        given = fetch(claire, library.path(title))
        assert given.status_code == 200
        assert given.headers["Cache-Control"] == "private, no-store"


def test_a_file_follows_its_notice(client: FlaskClient, library: Library) -> None:
    path, into = library.path(OPEN), library.address[PLAIN]
    with library.travee.db.write() as session:
        kept, double = notices.find(session, into), notices.find(session, library.address[OPEN])
        assert kept and double
        joining.merge(session, kept, double, by="claire")
    assert fetch(client, path).location.endswith(f"/d/{into}/{path.split('/', 3)[3]}")
    library.address[PLAIN] = into
    assert fetch(client, fetch(client, path).location).status_code == 200
    assert client.get(f"/d/{into}/fichier/999").status_code == 404
    with library.travee.db.write() as session:
        kept = notices.find(session, into)
        assert kept is not None
        notices.revise(session, kept, kept.fields, by="claire", status="draft")
    assert fetch(client, library.path(PLAIN)).status_code == 404


# --- keeping, checking, erasing --------------------------------------------------------------


def test_a_file_in_two_notices_is_kept_once_and_goes_with_the_last(session: Session, tmp_path: Path) -> None:
    file, folder = tmp_path / "a.pdf", tmp_path / "files"
    file.write_bytes(pdfs.image_only())
    one, two = (notices.create(session, cast.notice(title), by="claire") for title in ("Un", "Deux"))
    given = [documents.attach(session, n, file, folder, rights="open") for n in (one, two)]
    again = documents.attach(session, two, file, folder, rights="staff", label="Copie")
    assert (again.id, again.rights, again.label) == (given[1].id, "staff", "Copie")
    kept = file_store.file_path(folder, given[0].sha256)
    assert [p for p in folder.rglob("*") if p.is_file()] == [kept]
    documents.remove(session, given[0], by="claire")
    assert digital.forget_removed(session, folder, db.now() + timedelta(days=31)) == 1
    assert kept.is_file(), "the other notice has it still"
    documents.remove(session, given[1], by="claire")
    assert digital.forget_removed(session, folder, db.now()) == 0
    assert kept.is_file(), "its removal can still be undone"
    assert digital.forget_removed(session, folder, db.now() + timedelta(days=31)) == 1
    assert not kept.exists()


def test_a_file_without_text_says_why_and_is_not_read_again(library: Library, tmp_path: Path) -> None:
    travee, file = library.travee, tmp_path / "a.pdf"
    file.write_bytes(HOSTILE["encrypted"])
    with travee.db.write() as session:
        notice = notices.find(session, library.address[PLAIN])
        assert notice is not None
        documents.attach(session, notice, file, travee.settings.files_dir, rights="open")
    assert [one.reason for one in texts.read_waiting(travee.db, travee.settings.files_dir)] == ["encrypted"]
    assert list(texts.read_waiting(travee.db, travee.settings.files_dir)) == []


def test_erasing_a_notice_takes_its_file_and_text_away(library: Library) -> None:
    folder = library.travee.settings.files_dir
    before = {p for p in folder.rglob("*") if p.is_file()}
    with library.travee.db.write() as session:
        notice = notices.find(session, library.address[CLOSED])
        assert notice is not None
        assert erasing.erase(session, notice, by="claire", reason="Demandé").documents == 1
    library.travee.finish_erasing()
    left = {p for p in folder.rglob("*") if p.is_file()}
    assert len(before - left) == 3, "the file, its text and its picture"
    assert not any(b"hippocampes" in p.read_bytes() for p in left)
    assert search(library.travee.index(), "hippocampes").total == 0


@pytest.fixture
def command(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings.data_dir))

    def run(*words: object, code: int = 0) -> dict[str, object]:
        done = CliRunner().invoke(main, [*map(str, words), "--json"])
        assert done.exit_code == code, done.output
        said: dict[str, object] = json.loads(done.stdout)
        return said

    return run


def test_check_sees_a_file_that_changed_and_a_text_that_went(library: Library, command: object) -> None:
    assert callable(command)
    assert command("check")["agree"]
    folder = library.travee.settings.files_dir
    with library.travee.db.read() as session:
        shas = {d.rights: d.sha256 for d in session.scalars(select(DigitalDocument))}
    file_store.file_path(folder, shas["open"]).write_bytes(b"%PDF-1.7 autre chose")
    file_store.text_path(folder, shas["protected"]).unlink()
    file_store.file_path(folder, shas["staff"]).unlink()
    faults = {f["what"]: f["address"] for f in command("check", "--repair", code=1)["faults"]}
    assert faults.keys() == {"file_changed", "text_missing", "file_missing"}
    assert library.address[OPEN] in faults["file_changed"]
    assert next(iter(texts.read_waiting(library.travee.db, folder))).pages == 3, "the lost text is read again"


def test_the_commands_add_list_read_and_remove(library: Library, command: object, tmp_path: Path) -> None:
    assert callable(command)
    file, address = tmp_path / "Rapport.pdf", library.address[PLAIN]
    file.write_bytes(pdfs.pdf(("Un mot : nénuphar.",)))
    said = command("document", "add", address, file, "--label", "Rapport", "--rights", "open")
    assert (said["rights"], said["text"], said["label"]) == ("open", True, "Rapport")
    assert search(library.travee.index(), "nénuphar").total == 1
    assert [d["id"] for d in command("document", "list", address)["documents"]] == [said["id"]]
    assert [one["pages"] for one in command("text", "extract", "--notice", address)["read"]] == [1]
    assert len(command("text", "extract", "--all")["read"]) == 4
    assert command("text", "extract")["read"] == []
    command("document", "remove", address, said["id"])
    assert search(library.travee.index(), "nénuphar").total == 0
    command("document", "remove", address, said["id"], code=1)
    command("document", "add", "zzzzzzzz", file, code=1)
    file.write_bytes(HOSTILE["broken"])
    assert command("document", "add", address, file)["reason"] == "broken"
