"""Files given at the desk: known by what they hold, kept once, undone, shown to whom they are for."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session
from waitress import create_server
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from catalogue import (
    db,
    digital,
    documents,
    erasing,
    file_store,
    file_types,
    history,
    lots,
    notices,
    pdf_text,
    recognition,
    texts,
)
from catalogue.cli import main
from catalogue.commands import serving
from catalogue.config import Settings
from catalogue.models import Batch, DigitalDocument, Notice, Revision
from indexes.queries import search
from tests import cast, hostile, pdfs

PDF = pdfs.pdf(("Un mot : nénuphar.",))
PROGRAM = b"MZ\x90\x00" + b"\0" * 400


def envelope(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def counted_apart(content: bytes) -> bytes:
    """The same ZIP file, its list announced by a record of 64 bits, which readers believe."""
    body, end = content[:-22], content[-22:]
    members, size, start = struct.unpack("<HII", end[10:20])
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, members, members, size, start)
    short = end[:8] + struct.pack("<HHI", 1, 1, 100) + end[16:]
    return body + record + b"PK\x06\x07" + struct.pack("<IQI", 0, len(body), 1) + short


def spoilt() -> bytes:
    """An envelope whose list is whole, and whose first member does not unfold."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip" * 50)
    content = bytearray(made.getvalue())
    start = content.find(b"mimetype") + len("mimetype")
    content[start : start + 8] = b"\xff" * 8
    return bytes(content)


def many_members(count: int) -> bytes:
    line = b"PK\x01\x02" + b"\0" * 24 + struct.pack("<H", 5) + b"\0" * 16
    members = b"".join(line + b"%05d" % n for n in range(count))
    sizes = struct.pack("<HHIIH", count, count, len(members), 30, 0)
    return b"PK\x03\x04" + b"\0" * 26 + members + b"PK\x05\x06" + b"\0" * 4 + sizes


def image(kind: str, size: tuple[int, int] = (600, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


# --- what a file is --------------------------------------------------------------------------


def recognised(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / "a"
    path.write_bytes(content)
    return file_types.recognise(path, name).code


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("Rapport.pdf", PDF, "pdf"),
        ("sans-nom", PDF, "pdf"),
        ("preface.pdf", b"\n\n" + PDF, "pdf"),
        ("photo.pdf", image("JPEG"), "jpeg"),
        ("scan.png", image("PNG"), "png"),
        ("scan.webp", image("WEBP"), "webp"),
        ("tableau.docx", hostile.workbook({}), "xlsx"),
        ("livre.epub", envelope(mimetype=b"application/epub+zip"), "epub"),
        ("texte.odt", envelope(mimetype=b"application/vnd.oasis.opendocument.text"), "odt"),
        ("notes.txt", "Des mots d’été.\r\n".encode(), "txt"),
        ("vieux.doc", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600 + "WordDocument".encode("utf-16-le"), "doc"),
        ("rapport.pdf", PROGRAM, "program"),
        ("rapport.pdf", PROGRAM + PDF, "program"),
        ("rapport.pdf", b"\x7fELF" + b"\0" * 90, "program"),
        ("rapport.pdf", b"#!/bin/sh\nrm -rf /", "program"),
        ("rapport.pdf", b"\xef\xbb\xbf <script>alert(1)</script>", "program"),
        ("page.html", b"<html><body>Bonjour", "other"),
        ("installer.doc", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 900, "other"),
        ("dossier.zip", envelope(a=b"a"), "other"),
        ("macros.xlsx", hostile.workbook({"xl/vbaProject.bin": b"x"}), "macros"),
        ("livre.epub", spoilt(), "damaged"),
        ("coupe.docx", hostile.workbook({})[:900], "damaged"),
        ("immense.docx", counted_apart(many_members(file_types.MOST_MEMBERS + 1)), "damaged"),
        ("permise.zip", counted_apart(many_members(5)), "other"),
        ("tableau.xlsx", counted_apart(hostile.workbook({})), "xlsx"),
        ("longue.docx", b"PK\3\4" + b"\0" * 90 + b"PK\5\6\0\0\0\0" + b"\xff" * 12 + b"\0\0", "damaged"),
        ("vide.pdf", b"", "empty"),
        ("rien.bin", b"\x01\x02\x03\x04", "unknown"),
    ],
)  # fmt: skip
def test_a_file_is_what_it_holds_whatever_it_is_called(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    assert recognised(tmp_path, name, content) == code


def test_a_refusal_is_one_sentence_with_the_clean_name_of_the_file() -> None:
    said = file_types.Refusal("program", file_types.clean_name("C:\\temp\\rap\u202efdp.exe")).sentence()
    assert said.startswith("« rapfdp.exe » est un programme")
    assert len(file_types.clean_name("é" * 500 + ".pdf")) <= 120
    assert file_types.clean_name("\u202e\x00") == "fichier"


# --- the folder ------------------------------------------------------------------------------


class Dying(io.BytesIO):
    """A connection that is lost after a while."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ConnectionResetError
        return super().read(10)


def test_what_comes_half_way_or_too_much_leaves_nothing(tmp_path: Path) -> None:
    for given, limit, error in ((Dying(PDF), 0, ConnectionResetError), (io.BytesIO(PDF), 100, file_store.TooLarge)):
        with pytest.raises(error), file_store.received(tmp_path, given, limit=limit):
            pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_after_a_day(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    left = [tmp_path / "new-0123", tmp_path / "ab" / f"{'ab' * 32}.txt.99.part"]
    for path in left:
        path.write_bytes(b"half")
    assert file_store.sweep_leftovers(tmp_path) == 0, "somebody may be at it"
    assert file_store.sweep_leftovers(tmp_path, time.time() + 90_000) == 2
    assert not any(path.exists() for path in left)


# --- lots ------------------------------------------------------------------------------------


def attach(session: Session, notice: Notice, tmp_path: Path, content: bytes = PDF, **more: str) -> DigitalDocument:
    path = tmp_path / "Rapport final.pdf"
    path.write_bytes(content)
    given = {"rights": "open", **more}
    return documents.attach(session, notice, path, tmp_path / "files", by="claire", checked=True, **given)


def last_lot(session: Session) -> Batch:
    return session.scalars(select(Batch).order_by(Batch.id.desc())).first()  # type: ignore[return-value]


def undo(session: Session) -> lots.Undone:
    done = lots.undo(session, last_lot(session), by="claire")
    assert done.left == []
    return done


def test_adding_changing_and_removing_a_file_are_each_undone(session: Session, tmp_path: Path) -> None:
    notice = notices.create(session, cast.notice("Un"), by="claire", status="published")
    document = attach(session, notice, tmp_path)
    assert (document.label, document.rights, document.media_type) == ("Rapport final", "open", "application/pdf")
    documents.change(session, document, rights="staff", label="Version\u202e interne", by="claire")
    assert (document.rights, document.label) == ("staff", "Version interne")
    undo(session)
    assert (document.rights, document.label) == ("open", "Rapport final")
    documents.remove(session, document, by="claire")
    assert documents.lines(session, notice.id, tmp_path / "files") == []
    undo(session)
    assert document.rights == "open"
    first = session.scalars(select(Revision).where(Revision.entity == "document").order_by(Revision.id)).first()
    assert first is not None
    added = session.get_one(Batch, first.batch_id)
    assert lots.undo(session, added, by="claire").restored == 1, "what came after was taken back"
    assert document.rights == digital.REMOVED
    assert file_store.file_path(tmp_path / "files", document.sha256).is_file()


def test_a_lot_does_not_undo_what_somebody_changed_since(session: Session, tmp_path: Path) -> None:
    notice = notices.create(session, cast.notice("Un"), by="claire")
    document = attach(session, notice, tmp_path)
    added = last_lot(session)
    documents.change(session, document, rights="staff", label="Autre", by="marc")
    (left,) = lots.undo(session, added, by="claire").left
    assert (left.label, left.code, left.by) == ("Autre", "changed_since", "marc")


def test_the_same_file_twice_is_said_and_a_removed_one_comes_back(session: Session, tmp_path: Path) -> None:
    notice = notices.create(session, cast.notice("Un"), by="claire")
    folder = tmp_path / "files"

    def add(rights: str = "open") -> documents.Added:
        with documents.given(folder, io.BytesIO(PDF), "Rapport.pdf") as came:
            return documents.add(session, notice, came, folder, rights=rights, by="claire")

    first = add()
    assert (first.said, bool(first.batch)) == ("", True)
    again = add()
    assert (again.document.id, again.batch) == (first.document.id, None)
    assert "a déjà ce fichier, sous le nom « Rapport »" in again.said
    documents.remove(session, first.document, by="claire")
    back = add("protected")
    assert (back.document.id, back.said, back.document.rights) == (first.document.id, "", "protected")
    assert [p.name for p in folder.rglob("*") if p.is_file()] == [first.document.sha256]


def test_erasing_a_notice_takes_the_names_of_its_files_out_of_the_history(session: Session, tmp_path: Path) -> None:
    notice = notices.create(session, cast.notice("Un"), by="claire")
    document = attach(session, notice, tmp_path, label="Dossier de Mme Xyz")
    documents.change(session, document, rights="staff", label="Autre", by="claire")
    erasing.erase(session, notice, by="claire", reason="Demandé")
    befores = session.scalars(select(Revision.before).where(Revision.entity == "document"))
    assert "Xyz" not in str(list(befores))


def test_orphans_and_changed_files_are_told(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    document = attach(session, notices.create(session, cast.notice("Un"), by="claire"), tmp_path)
    stray = folder / "cd" / ("cd" * 32)
    stray.parent.mkdir()
    stray.write_bytes(b"x")
    assert list(digital.lost_files(digital.known_files(session), folder)) == [], "it may be on its way in"
    os.utime(stray, (time.time() - 90_000,) * 2)
    assert [(f.what, f.sha256) for f in digital.lost_files(digital.known_files(session), folder)] == [
        ("orphan", stray.name)
    ]
    file_store.file_path(folder, document.sha256).write_bytes(b"%PDF-")
    assert [f.what for f in digital.lost_files(digital.known_files(session), folder)] == ["file_changed", "orphan"]
    assert {"orphan", "file_changed", "file_missing", "text_missing"} == documents.FAULT_WORDS.keys()


# --- pictures, bombs, words on pictures ------------------------------------------------------


def giant() -> bytes:
    return pdfs.image_only().replace(b"[0 0 200 200]", b"[0 0 9e7 9e7]")


def nested() -> bytes:
    deep = b"<</Type/Catalog/Pages 2 0 R/X " + b"[" * 200_000 + b"]" * 200_000 + b">>"
    return pdfs.of_pages(pdfs.stream(b"")).replace(b"<</Type/Catalog/Pages 2 0 R>>", deep)


@pytest.mark.parametrize(
    ("content", "drawn"),
    [
        (PDF, True),
        (image("JPEG", (4000, 3000)), True),
        (image("PNG"), True),
        (giant(), True),
        (nested(), None),
        (pdfs.encrypted(), False),
        (b"%PDF-1.7\nrien", False),
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\x00\x0f\x42\x40\x00\x0f\x42\x40\x08\x02\x00\x00\x00", False),
    ],
)
def test_a_small_picture_is_made_of_what_can_be_drawn(content: bytes, drawn: bool | None, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    picture = pdf_text.draw(path, patience=20)
    if drawn is not None:
        assert bool(picture) == drawn
    if picture:
        with Image.open(io.BytesIO(picture)) as opened:
            assert opened.format == "WEBP" and opened.width <= 240 and opened.height <= 320
        assert len(picture) <= 20_000


def test_a_hundred_thousand_pages_are_counted_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdfs.of_pages(pdfs.stream(b""), 100_000))
    assert pdf_text.extract(path).reason == "too_many_pages"


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name which speaks as the real one does, and reads the same words on every image."""
    home = tmp_path / "bin"
    home.mkdir()
    program = home / "tesseract"
    program.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --list-langs ] && printf "List of available languages (2):\\neng\\nfra\\n" && exit\n'
        '[ "$*" = "stdin stdout -l fra+eng" ] || exit 3\n'
        'head -c 2 | grep -q P5 || exit 4\necho "Procès-verbal du conseil de quartier"\n',
        "utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")


def test_words_on_pictures_of_pages_are_recognised_and_found(app: Flask, tmp_path: Path, tesseract: None) -> None:
    travee = app.extensions["travee"]
    folder = travee.settings.files_dir
    with travee.db.write() as session:
        notice = notices.create(session, cast.notice("Un scan"), by="claire", status="published")
        path = tmp_path / "scan.pdf"
        path.write_bytes(pdfs.of_pages(pdfs.stream(b"0 0 200 200 re f"), 2))
        documents.attach(session, notice, path, folder, rights="open")
    assert [r.reason for r in texts.read_waiting(travee.db, folder)] == ["no_text"]
    assert [(r.pages, r.reason) for r in texts.recognise_waiting(travee.db, folder)] == [(2, "")]
    travee.drain_soon()
    assert search(travee.index(), "conseil de quartier").total == 1
    with travee.db.read() as session:
        (line,) = documents.lines(session, notice.id, folder)
        assert line.text_words == "texte reconnu"
        assert list(digital.lost_files(digital.known_files(session), folder)) == []
        assert digital.to_recognise(session, 10) == []


def test_a_system_without_tesseract_leaves_pictures_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert recognition.program() == ""
    assert recognition.recognise(tmp_path / "a.pdf") is None


# --- pages -----------------------------------------------------------------------------------


@pytest.fixture
def address(app: Flask) -> str:
    with app.extensions["travee"].db.write() as session:
        return notices.create(session, cast.notice("Les ateliers"), by="claire", status="published").address


def send(client: FlaskClient, address: str, content: bytes, name: str = "Rapport.pdf", **form: str) -> TestResponse:
    data = {"droits": "open", **form, "fichier": (io.BytesIO(content), name)}
    return client.post(f"/bureau/notices/{address}/documents/fichier", data=data, follow_redirects=True)


def number_of(app: Flask) -> int:
    with app.extensions["travee"].db.read() as session:
        return session.scalars(select(DigitalDocument.id).order_by(DigitalDocument.id.desc())).first() or 0


def test_claire_joins_a_file_changes_its_rights_and_takes_it_off(
    app: Flask, claire: FlaskClient, client: FlaskClient, address: str
) -> None:
    travee = app.extensions["travee"]
    page = send(claire, address, PDF)
    assert "« Rapport » est joint à la notice" in page.text and "Annuler ce changement" in page.text
    travee.work_once()
    number = number_of(app)
    file, picture = f"/d/{address}/fichier/{number}", f"/d/{address}/fichier/{number}/vignette"
    assert search(travee.index(), "nénuphar").total == 1
    shown = client.get(f"/d/{address}").text
    assert f'<img class="thumb" src="{picture}" alt="" width="64" height="90"' in shown
    given = client.get(picture, buffered=True)
    assert (given.status_code, given.content_type) == (200, "image/webp")
    assert "Cette notice a déjà ce fichier" in send(claire, address, PDF).text
    for rights in ("protected", "staff"):
        claire.post(f"/bureau/documents/{number}", data={"droits": rights, "libelle": "Interne"})
        assert (client.get(file).status_code, client.get(picture).status_code) == (403, 404)
        assert claire.get(picture, buffered=True).headers["Cache-Control"] == "private, no-store"
        assert "/fichier/" not in client.get(f"/d/{address}").text
    stale = claire.post(f"/bureau/documents/{number}", data={"droits": "open", "version": "1"}, follow_redirects=True)
    assert "changé entre-temps" in stale.text
    done = claire.post(f"/bureau/documents/{number}/retirer", follow_redirects=True)
    assert "Pendant 30 jours, cela s’annule" in done.text
    assert claire.get(file).status_code == 404 and claire.get(f"/bureau/documents/{number}").status_code == 404
    history_page = claire.get(f"/bureau/notices/{address}/historique").text
    assert "document « Interne »" in history_page and "réservé à l’équipe" in history_page
    with travee.db.read() as session:
        lot = last_lot(session).id
    assert "1 changement a été annulé" in claire.post(f"/bureau/historique/{lot}/annuler").text
    assert claire.get(file, buffered=True).status_code == 200


def test_a_program_called_pdf_is_refused_with_one_clear_sentence(app: Flask, claire: FlaskClient, address: str) -> None:
    page = send(claire, address, PROGRAM, libelle="Le rapport")
    assert page.status_code == 422
    assert "<title>Erreur :" in page.text and "« Rapport.pdf » est un programme, quel que soit son nom" in page.text
    assert 'value="Le rapport"' in page.text
    assert number_of(app) == 0
    folder = app.extensions["travee"].settings.files_dir
    assert [p for p in folder.rglob("*") if p.is_file()] == []


def test_what_is_too_large_is_refused_before_it_is_read(app: Flask, claire: FlaskClient, address: str) -> None:
    class Endless(io.RawIOBase):
        """500 MB that nobody may ask for."""

        place = 0

        def seek(self, to: int, whence: int = 0) -> int:
            self.place = to + (500_000_000 if whence == 2 else 0)
            return self.place

        def tell(self) -> int:
            return self.place

        def read(self, size: int = -1) -> bytes:
            raise AssertionError("somebody reads it")

    for path in (f"/bureau/notices/{address}/documents/fichier", "/bureau/notices/nouvelle"):
        answer = claire.open(
            path,
            method="POST",
            input_stream=Endless(),
            content_type="multipart/form-data; boundary=x",
        )
        assert answer.status_code == 413
        assert "dépasse 100 Mo" in answer.text


def test_the_server_keeps_nothing_of_what_is_too_long_and_the_application_answers() -> None:
    heard: list[tuple[str | None, bytes]] = []

    def application(environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
        body = environ["wsgi.input"].read()  # type: ignore[attr-defined]
        heard.append((str(environ.get("CONTENT_LENGTH")), body))
        start("413 Too long", [("Content-Type", "text/plain")])
        return [b"trop lourd"]

    listening: dict[int, Any] = {}
    server = create_server(application, map=listening, host="127.0.0.1", port=0, threads=1)
    server.channel_class = serving.channel_class(1000)
    ended = Event()

    def run() -> None:
        while not ended.is_set():
            server.asyncore.loop(timeout=0.05, map=listening, count=1)

    thread = Thread(target=run, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.effective_port}/"
    pieces = (b"x" * 700 for _ in range(3))
    for data in (b"x" * 1000, b"x" * 2_000_000, pieces):
        assert requests.post(url, data=data, timeout=10).text == "trop lourd"
    ended.set()
    thread.join()
    server.task_dispatcher.shutdown()
    for one in [*listening.values()]:  # the connections too
        one.close()
    assert heard[0] == ("1000", b"x" * 1000)
    assert heard[1] == ("2000000", b"")
    assert heard[2][0] == "2100" and len(heard[2][1]) <= 1000, "a length that nobody said is counted"


def test_the_commands_refuse_a_program_and_take_a_file_off_in_a_lot(
    app: Flask, settings: Settings, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings.data_dir))
    path = tmp_path / "Rapport.pdf"

    def run(*words: object) -> Result:
        return CliRunner().invoke(main, [*map(str, words), "--json"])

    path.write_bytes(PROGRAM)
    refused = run("document", "add", address, path)
    assert refused.exit_code == 1 and "est un programme" in refused.output
    path.write_bytes(PDF)
    assert run("document", "add", address, path).exit_code == 0
    removed = json.loads(run("document", "remove", address, number_of(app)).stdout)
    assert json.loads(run("document", "list", address).stdout)["documents"] == []
    assert run("undo", removed["batch"]).exit_code == 0
    assert len(json.loads(run("document", "list", address).stdout)["documents"]) == 1
    assert json.loads(run("link", "dead").stdout) == {"dead": []}


def test_a_form_of_a_notice_hands_its_file_over(app: Flask, address: str) -> None:
    from catalogue.web.desk_documents import keep_with, received

    def upload(content: bytes) -> FileStorage:
        return FileStorage(io.BytesIO(content), "Rapport.pdf")

    with app.test_request_context(), app.extensions["travee"].db.write() as session:
        notice = notices.find(session, address)
        assert notice is not None
        batch = history.open_batch(session, "create", by="claire")
        with received(None) as came:
            assert came == ""
        with received(upload(PDF)) as came:
            assert isinstance(came, documents.Given)
            assert keep_with(session, notice, came, "open", "claire", batch) == ""
        with received(upload(PROGRAM)) as came:
            assert isinstance(came, str) and "est un programme" in came
        (document,) = documents.list_all(session, notice.id)
        assert history.revisions_of(session, "document", document.id)[0][1] is batch


def test_a_reader_sees_and_a_visitor_does_not(
    app: Flask, client: FlaskClient, claire: FlaskClient, address: str
) -> None:
    send(claire, address, PDF, droits="staff")
    number = number_of(app)
    for path in (f"/bureau/notices/{address}/documents", f"/bureau/documents/{number}", "/bureau/documents"):
        assert client.get(path).status_code in (302, 303)
        assert claire.get(path).status_code == 200
    assert client.post(f"/bureau/documents/{number}/retirer").status_code in (302, 303, 401)
    assert number_of(app) == number


def test_files_are_read_with_no_session_open(app: Flask, claire: FlaskClient, address: str) -> None:
    travee, emptied = app.extensions["travee"], []
    send(claire, address, PDF)

    def fault_of(_path: Path, _sha256: str) -> str:
        emptied.append(travee.db.empty_log())  # what SQLite still keeps of an erased name must be able to go
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_store, "fault_of", fault_of)
        documents.check_files(travee.db, travee.settings.files_dir, db.now())
    assert emptied == [True]


def test_the_page_of_all_files_tells_what_the_last_check_found(app: Flask, claire: FlaskClient, address: str) -> None:
    travee = app.extensions["travee"]
    folder = travee.settings.files_dir
    send(claire, address, PDF)
    assert "pas encore été vérifiés" in claire.get("/bureau/documents").text
    claire.post("/bureau/documents/verifier")
    with travee.db.read() as session:
        assert documents.check_is_due(session, db.now())
        sha256 = session.get_one(DigitalDocument, number_of(app)).sha256
    documents.check_files(travee.db, folder, db.now(), lambda: True)
    assert "pas encore été vérifiés" in claire.get("/bureau/documents").text, "it was stopped half-way"
    documents.check_files(travee.db, folder, db.now())
    assert "Oui : 1 fichier relu" in claire.get("/bureau/documents").text
    file_store.file_path(folder, sha256).unlink()
    with travee.db.read() as session:
        assert not documents.check_is_due(session, db.now())
        next_week = db.now().astimezone(ZoneInfo("Europe/Paris")).replace(hour=1) + timedelta(days=7)
        assert documents.check_is_due(session, next_week)
        assert not documents.check_is_due(session, next_week.replace(hour=0)), "not before the night"
    documents.check_files(travee.db, folder, db.now())
    page = claire.get("/bureau/documents").text
    assert "1 fichier pose problème" in page and f"/d/{address}" in page
    assert "remettez-le depuis une sauvegarde" in page
