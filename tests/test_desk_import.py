"""Claire imports a file from her desk: what she is shown, what is remembered, what becomes of long and broken ones."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from catalogue import setup, sources, users
from catalogue.app import Travee, create_app
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Item, Notice, Source
from export.iso2709 import record_bytes
from harvest import importer, waiting
from harvest.waiting import Job
from tests.cast import MIETTES, PHENIX
from tests.conftest import PASSWORD

LIST = (
    "Titre;Auteur(s);Année;Cote;Code-barres;Type;Fournisseur;Titre d’usage\n"
    'Habiter la marge;"Morel, Jeanne ; Petit, Luc";2019;364 MOR;B101;Ouvrage;Librairie du Port;\n'
    "Les écoles du faubourg;Sabatier, Inès;2021;370 SAB;B102;Tapuscrit;;\n"
    ";Anonyme;2020;;;Tapuscrit;;La fête\n"
)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An empty base with Claire's account, made once: its folder, and who she is to a session."""
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("ready"), testing=True)
    setup.init(settings)
    base = Database(settings.url)
    with base.write() as session:
        claire = users.add(session, "claire", PASSWORD, "documentalist")
        session.flush()
        identity = f"{claire.id}:{claire.session_token}"
    base.close()
    return settings.data_dir, identity


@pytest.fixture
def app(settings: Settings, ready: tuple[Path, str]) -> Iterator[Flask]:
    shutil.copytree(ready[0], settings.data_dir)
    made = create_app(settings)
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield made
    made.extensions["travee"].close()


@pytest.fixture
def claire(app: Flask, ready: tuple[Path, str]) -> FlaskClient:
    made = app.test_client()
    with made.session_transaction() as session:
        session["_user_id"], session["_fresh"] = ready[1], True
    return made


@pytest.fixture
def travee(app: Flask) -> Travee:
    found: Travee = app.extensions["travee"]
    return found


@pytest.fixture
def folder(travee: Travee) -> Path:
    return travee.settings.imports_dir


def give(claire: FlaskClient, content: str | bytes, name: str = "fonds.csv", source: str = "Tableur") -> TestResponse:
    raw = content.encode() if isinstance(content, str) else content
    return claire.post("/bureau/importer", data={"fichier": (io.BytesIO(raw), name), "nouvelle_source": source})


def prepared(claire: FlaskClient, *given: Any, **more: Any) -> str:
    """The address of the page where the import is prepared."""
    answer = give(claire, *given, **more)
    assert answer.status_code == 303
    return answer.location


def words(answer: TestResponse) -> str:
    text = re.sub(r"<(script|style).*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def choices(answer: TestResponse) -> dict[str, str]:
    """What the form of the page would send back as it stands."""
    sent = dict(re.findall(r'<input type="hidden" name="(titre-\d+|mot-\d+)" value="([^"]*)">', answer.text))
    for name, body in re.findall(r'<select id="[^"]+" name="([^"]+)"[^>]*>(.*?)</select>', answer.text, re.S):
        chosen = re.search(r'<option value="?([^ ">]*)"? selected', body)
        sent[name] = unescape(chosen[1]) if chosen else ""
    return {name: unescape(value) for name, value in sent.items()} | {"statut": "published"}


def count(travee: Travee, model: type[Any]) -> int:
    with travee.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def titles(travee: Travee, status: str = "published") -> list[str]:
    with travee.db.read() as session:
        return sorted(session.scalars(select(Notice.title).where(Notice.status == status)))


# --- giving ----------------------------------------------------------------------------------


def test_the_way_to_it_is_on_today(claire: FlaskClient) -> None:
    assert 'href="/bureau/importer"' in claire.get("/bureau").text
    assert "Importer un fichier" in words(claire.get("/bureau/importer"))


def test_the_menu_leads_to_imports_and_sources_in_two_steps(claire: FlaskClient) -> None:
    menu = re.search(r'<ul class="menu">(.*?)</ul>', claire.get("/bureau").text, re.S)
    assert menu is not None
    for step, page in (("/bureau/fonds", "/bureau/importer"), ("/admin", "/bureau/sources")):
        assert f'href="{step}"' in menu[1]
        assert f'href="{page}"' in claire.get(step).text


def test_a_reader_neither_sees_nor_may(app: Flask, travee: Travee) -> None:
    with travee.db.write() as session:
        users.add(session, "marc", PASSWORD, "contributor")
    marc = app.test_client()
    marc.post("/connexion", data={"login": "marc", "password": PASSWORD})
    assert "/bureau/importer" not in marc.get("/bureau").text
    assert marc.get("/bureau/importer").status_code == 403


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"%PDF-1.7\n....", "rapport.pdf", "PDF"),
        ("Chère madame,\nvoici la liste.\n".encode(), "lettre.txt", "aucun format"),
        (b"PK\x03\x04[Content_Types].xml word/document.xml", "lettre.docx", "abîmé"),
        (b"", "vide.csv", "vide"),
    ],
)
def test_a_file_that_is_not_for_us_is_refused_at_once_and_not_kept(
    claire: FlaskClient, folder: Path, content: bytes, name: str, word: str
) -> None:
    answer = give(claire, content, name)
    assert answer.status_code == 422
    assert word in words(answer)
    assert "<title>Erreur :" in answer.text
    assert waiting.list_jobs(folder) == []


def test_a_form_without_a_file_says_so(claire: FlaskClient) -> None:
    answer = claire.post("/bureau/importer", data={"nouvelle_source": "Tableur"})
    assert answer.status_code == 422
    assert "Choisissez un fichier" in words(answer)


def test_a_file_may_be_larger_than_a_form_and_not_larger_than_the_limit(
    app: Flask, claire: FlaskClient, travee: Travee, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 5_000
    long = "Titre;Résumé\n" + f"Un;{'x' * 10_000}\n" * 2
    assert claire.post("/bureau/reprise/ecrire", data={"mot": long}).status_code == 413
    assert give(claire, long).status_code == 303
    monkeypatch.setattr(travee.settings, "upload_limit_mb", 0)
    answer = give(claire, long)
    assert answer.status_code == 413
    said = words(answer)
    assert "Bureau" in said and "Ce fichier dépasse 0 Mo." in said and "« travee import »" in said
    assert 'type="file"' in answer.text and "<title>Erreur :" in answer.text  # and another can be given
    assert "« travee import »" not in words(give(app.test_client(), long))  # a visitor is told nothing of the desk


@pytest.mark.parametrize("name", [".", "..", "a/../b", "///", "…"])
def test_a_source_has_a_name_that_the_address_of_its_page_can_carry(claire: FlaskClient, name: str) -> None:
    answer = give(claire, LIST, source=name)
    assert answer.status_code == 422 and "un nom avec des lettres" in words(answer)


def test_a_file_without_a_name_gives_its_source_one(claire: FlaskClient, folder: Path) -> None:
    give(claire, LIST, name="..csv", source="")
    give(claire, LIST, name="---.csv", source="")
    assert [job.source for job in waiting.list_jobs(folder)] == ["csv", "fichier"]


# --- preparing -------------------------------------------------------------------------------


def test_the_page_shows_columns_samples_guesses_and_the_first_notices(claire: FlaskClient) -> None:
    answer = claire.get(prepared(claire, LIST))
    said = words(answer)
    assert "source : Tableur nouvelle" in said
    assert "Habiter la marge Les écoles du faubourg" in said  # two of the samples
    sent = choices(answer)
    assert [sent[f"colonne-{n}"] for n in range(8)] == [
        *("title", "author", "date", "call_number", "barcode", "kind", "other", "other"),
    ]
    assert sent["separateur"] == ";"
    assert "D’après le titre de la colonne." in said
    assert "Auteur : Morel, Jeanne ; Petit, Luc" in said
    assert "Note : Fournisseur : Librairie du Port" in said
    assert "Exemplaire : 364 MOR · B101" in said
    assert "La notice n’a pas de titre" in said
    assert "Tapuscrit" in said
    assert len(answer.data) < 60_000


def test_a_dry_run_counts_and_names_what_is_refused_and_writes_nothing(claire: FlaskClient, travee: Travee) -> None:
    page = prepared(claire, LIST)
    answer = claire.post(page, data={**choices(claire.get(page)), "action": "try"}, follow_redirects=True)
    said = words(answer)
    assert "Essai à blanc : rien n’a été écrit Lues 3 Nouvelles notices 2 Exemplaires 2 Refusées 1" in said
    assert "ligne 4 : La notice n’a pas de titre" in said
    assert "« Tapuscrit » n’est pas connu ; il est gardé, à relier à un type. ligne 3" in said
    assert (count(travee, Notice), count(travee, Source)) == (0, 0)


def test_the_import_tells_what_became_of_it_and_is_taken_back_from_there(
    claire: FlaskClient, travee: Travee, folder: Path
) -> None:
    page = prepared(claire, LIST)
    answer = claire.post(page, data={**choices(claire.get(page)), "action": "import"}, follow_redirects=True)
    said = words(answer)
    assert "L’import est fait, mais 1 notice a été refusée." in said
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]
    assert count(travee, Item) == 2
    assert re.search(r'href="/bureau/imports/\d+"', answer.text)
    (job,) = waiting.list_jobs(folder)
    assert not waiting.path_of(folder, job).exists()  # erased once it is in
    undo = re.search(r'action="(/bureau/historique/\d+/annuler)"', answer.text)
    assert undo is not None
    claire.post(undo[1])
    assert titles(travee) == []


def test_what_was_chosen_is_remembered_and_proposed_again(claire: FlaskClient, travee: Travee) -> None:
    page = prepared(claire, LIST)
    sent = choices(claire.get(page))
    sent |= {"colonne-0": "subtitle", "colonne-7": "title", "sorte-0": "study", "emplacement": "Réserve"}
    sent |= {"statut": "candidate", "action": "import"}
    claire.post(page, data=sent)
    assert titles(travee, "candidate") == ["La fête"]
    with travee.db.read() as session:
        source = sources.find(session, "Tableur")
        assert source is not None
        assert source.profile["columns"]["Titre d’usage"] == "title"
        assert source.profile["kinds"] == {"Tapuscrit": "study"}
        assert session.scalars(select(Notice.kind)).one() == "study"
    answer = claire.get(prepared(claire, LIST))
    again = choices(answer)
    assert (again["colonne-0"], again["colonne-7"]) == ("subtitle", "title")
    assert 'value="Réserve"' in answer.text
    assert "Choisi la dernière fois pour cette source." in words(answer)


def test_an_answer_about_a_type_can_be_changed_and_taken_back(
    claire: FlaskClient, travee: Travee, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = prepared(claire, LIST)
    claire.post(page, data={**choices(claire.get(page)), "sorte-0": "study"})
    again = choices(claire.get(page))
    assert (again["mot-0"], again["sorte-0"]) == ("Tapuscrit", "study")
    claire.post(page, data={**again, "sorte-0": "report"})
    assert choices(claire.get(page))["sorte-0"] == "report"
    claire.post(page, data={**choices(claire.get(page)), "sorte-0": "", "action": "try"})
    assert choices(claire.get(page))["sorte-0"] == ""
    # Once it is in, the next file of the source shows the answer, and it can be corrected there too.
    claire.post(page, data={**choices(claire.get(page)), "sorte-0": "study", "action": "import"})
    page = prepared(claire, LIST)
    assert choices(claire.get(page))["sorte-0"] == "study"
    claire.post(page, data={**choices(claire.get(page)), "sorte-0": "", "action": "import"})
    with travee.db.read() as session:
        source = sources.find(session, "Tableur")
        assert source is not None and source.profile["kinds"] == {}


def test_a_sheet_whose_title_nobody_named_does_not_come_in(claire: FlaskClient, travee: Travee) -> None:
    page = prepared(claire, "Dénomination exacte;Personne\nUn;Morel\nDeux;Petit\n")
    answer = claire.get(page)
    assert "On y lit : « Dénomination exacte »" in words(answer)
    sent = choices(answer)
    refused = claire.post(page, data={**sent, "action": "import"})
    assert refused.status_code == 422
    assert "Dites quelle colonne contient le titre" in words(refused)
    claire.post(page, data={**sent, "colonne-0": "title", "colonne-1": "author", "action": "import"})
    assert titles(travee) == ["Deux", "Un"]


def test_a_file_of_another_format_has_its_page_too(claire: FlaskClient, travee: Travee) -> None:
    page = prepared(claire, record_bytes(MIETTES) + record_bytes(PHENIX), name="base.mrc")
    said = words(claire.get(page))
    assert "UNIMARC (ISO 2709)" in said
    assert "Auteur : Dumas, Agnès" in said
    assert "Ce que contient cette colonne" not in said
    claire.post(page, data={"statut": "published", "action": "import"})
    assert titles(travee) == ["La ville en miettes", "L’œuvre du Phénix"]


def test_what_is_abandoned_is_erased(claire: FlaskClient, folder: Path) -> None:
    page = prepared(claire, LIST)
    claire.post(page + "/abandonner")
    assert waiting.list_jobs(folder) == []
    assert claire.get(page).status_code == 404


@pytest.mark.parametrize("token", ["..", "0" * 24, "../../secret_key"])
def test_a_token_leads_nowhere_else(claire: FlaskClient, token: str) -> None:
    assert claire.get(f"/bureau/importer/{token}").status_code == 404


# --- long files ------------------------------------------------------------------------------


@pytest.fixture
def long_job(claire: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A file that is too long for a request, and waits for the worker."""
    monkeypatch.setattr(waiting, "SMALL", 1)
    monkeypatch.setattr("harvest.importer.BATCH", 1)
    page = prepared(claire, LIST)
    answer = claire.post(page, data={**choices(claire.get(page)), "action": "import"})
    assert answer.location == page + "/suivi"
    (job,) = waiting.list_jobs(folder)
    return job


def follow(claire: FlaskClient, job: Job) -> str:
    return words(claire.get(f"/bureau/importer/{job.token}/suivi"))


def test_a_long_file_is_left_to_the_worker_and_the_page_says_how_far_it_is(
    claire: FlaskClient, travee: Travee, folder: Path, long_job: Job
) -> None:
    assert "Le fichier attend son tour." in follow(claire, long_job)
    seen: list[str] = []
    taken = waiting.take(folder, long_job)
    assert taken is not None
    assert waiting.take(folder, long_job) is None  # nobody else

    def looked_at() -> bool:
        seen.append(follow(claire, long_job))
        return False

    waiting.perform(travee.db, folder, taken, looked_at)
    assert "1 notice lue pour le moment." in seen[0]
    assert "2 notices lues pour le moment." in seen[1]
    assert "L’import est fait" in follow(claire, long_job)
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]


def test_a_worker_that_stops_leaves_the_rest_to_the_next_one(
    claire: FlaskClient, travee: Travee, folder: Path, long_job: Job
) -> None:
    assert waiting.work(travee.db, folder, stopping=lambda: True) is False
    assert waiting.state(folder, long_job) == "waiting"
    assert titles(travee) == ["Habiter la marge"]
    travee.work_once()
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]
    said = follow(claire, long_job)
    assert "Déjà venues, inchangées 1" in said
    assert said.count("Annuler le lot n°") == 2  # what the first worker did is taken back too


def test_a_worker_that_was_killed_is_replaced(travee: Travee, folder: Path, long_job: Job) -> None:
    assert waiting.take(folder, long_job) is not None
    assert waiting.work(travee.db, folder) is False  # it may still be alive
    long_ago = time.time() - 2 * waiting.SILENT
    os.utime(folder / long_job.token / "taken", (long_ago, long_ago))
    assert waiting.work(travee.db, folder) is True
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]


def test_a_worker_at_a_long_transaction_is_not_taken_for_dead(
    travee: Travee, folder: Path, long_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "BEAT", 0.01)
    taken = folder / long_job.token / "taken"
    import_file = importer.import_file
    seen: list[bool] = []

    def slow(*given: Any, **more: Any) -> Any:
        long_ago = time.time() - 2 * waiting.SILENT
        os.utime(taken, (long_ago, long_ago))
        limit = time.monotonic() + 10
        while taken.stat().st_mtime < long_ago + 1 and time.monotonic() < limit:
            time.sleep(0.005)
        seen.append(waiting.work(travee.db, folder))  # another worker looks around
        return import_file(*given, **more)

    monkeypatch.setattr(importer, "import_file", slow)
    assert waiting.work(travee.db, folder) is True
    assert seen == [False]
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]


def test_a_worker_that_never_comes_forward_gives_no_sign_any_more(
    travee: Travee, folder: Path, long_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "BEAT", 0.001)
    monkeypatch.setattr(waiting, "STUCK", 0.0)
    assert waiting.take(folder, long_job) is not None
    taken = folder / long_job.token / "taken"
    sign = waiting._Sign(taken)
    os.utime(taken, (1_000, 1_000))
    with sign.given():
        time.sleep(0.05)
    assert taken.stat().st_mtime == 1_000


def test_a_worker_that_was_asleep_leaves_its_job_to_the_one_that_took_it_over(
    claire: FlaskClient, travee: Travee, folder: Path, long_job: Job
) -> None:
    def falls_asleep() -> bool:
        """After its first record, for so long that another worker does it all."""
        long_ago = time.time() - 2 * waiting.SILENT
        os.utime(folder / long_job.token / "taken", (long_ago, long_ago))
        assert waiting.work(travee.db, folder) is True
        return False

    taken = waiting.take(folder, long_job)
    assert taken is not None
    waiting.perform(travee.db, folder, taken, falls_asleep)
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]
    assert count(travee, Item) == 2
    assert "L’import est fait" in follow(claire, long_job)


def test_a_worker_that_wakes_up_while_another_is_at_its_job_stops_there(
    travee: Travee, folder: Path, long_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = folder / long_job.token / "taken"
    others: list[waiting._Sign] = []
    asked: list[bool] = []

    def taken_over() -> bool:
        asked.append(True)
        others.append(waiting._Sign(taken))
        return False

    job = waiting.take(folder, long_job)
    assert job is not None
    assert waiting.perform(travee.db, folder, job, taken_over).done is None
    assert len(asked) == 1  # it did not go on after the next step
    others[0].check()  # and the other has its job still


KILLED = """
import os, signal, sys
from pathlib import Path
from catalogue.config import Settings
from catalogue.db import Database
from harvest import importer, waiting
importer.BATCH = 1
settings = Settings(_env_file=None, data_dir=Path(sys.argv[1]))
steps = iter((False, True))
waiting.work(Database(settings.url), settings.imports_dir, lambda: next(steps) and os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_process_loses_nothing_and_doubles_nothing(travee: Travee, folder: Path, long_job: Job) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(travee.settings.data_dir)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert waiting.state(folder, long_job) == "running"  # so it looks
    assert 0 < count(travee, Notice) <= 2
    long_ago = time.time() - 2 * waiting.SILENT
    os.utime(folder / long_job.token / "taken", (long_ago, long_ago))
    assert waiting.work(travee.db, folder) is True
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]
    assert count(travee, Item) == 2


def test_a_file_that_kills_every_worker_is_left_alone(
    claire: FlaskClient, travee: Travee, folder: Path, long_job: Job
) -> None:
    long_ago = time.time() - 2 * waiting.SILENT
    for _try in range(waiting.TRIES):
        assert waiting.take(folder, long_job) is not None
        os.utime(folder / long_job.token / "taken", (long_ago, long_ago))
        waiting._take_back(folder, waiting.get(folder, long_job.token))  # type: ignore[arg-type]
    assert waiting.work(travee.db, folder) is True
    assert "L’import a été interrompu" in follow(claire, long_job)
    assert titles(travee) == []
    claire.post(f"/bureau/importer/{long_job.token}/reprendre")
    travee.work_once()
    assert titles(travee) == ["Habiter la marge", "Les écoles du faubourg"]


def test_a_fault_of_ours_is_told_and_does_not_come_back_for_ever(
    claire: FlaskClient, travee: Travee, folder: Path, long_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: Any, **_more: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("harvest.importer.import_file", fail)
    assert waiting.work(travee.db, folder) is True
    assert "RuntimeError: a fault" in follow(claire, long_job)
    assert waiting.work(travee.db, folder) is False


def test_what_is_left_behind_is_erased_on_time(claire: FlaskClient, folder: Path, long_job: Job) -> None:
    prepared(claire, LIST, "oublie.csv")
    waiting.erase_old(folder, time.time() + waiting.KEPT_PREPARED - 60)
    assert len(waiting.list_jobs(folder)) == 2
    waiting.erase_old(folder, time.time() + waiting.KEPT_PREPARED + 60)
    assert [job.token for job in waiting.list_jobs(folder)] == [long_job.token]  # it waits, and is wanted


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Mes documents\\Fonds d'été.csv", "Fonds d'été.csv"),
        ("../../etc/passwd", "passwd"),
        (".htaccess", "htaccess"),
        ("a\x00b\n.csv", "a b .csv"),
        ("", "fichier"),
        ("é" * 300 + ".csv", "e" * 60 + ".csv"),
    ],
)
def test_the_name_of_a_file_is_a_name_and_no_path(given: str, kept: str) -> None:
    assert waiting.safe_name(given) == kept


# --- in a browser ----------------------------------------------------------------------------


def test_the_screens_are_accessible_and_work_by_keyboard_without_a_script(live_server: str, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1366, "height": 768})
    context.set_default_timeout(10_000)
    watched = browser.new_context(viewport={"width": 1366, "height": 768})
    page, other = context.new_page(), watched.new_page()
    page.goto(live_server + "/connexion?suite=/bureau/importer")
    page.get_by_label("Identifiant").fill("claire")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Fichier").set_input_files({"name": "fonds.csv", "mimeType": "text/csv", "buffer": LIST.encode()})
    page.get_by_label("Nom de la source").fill("Tableur")
    page.keyboard.press("Enter")
    page.get_by_label("Fournisseur").select_option("skip")
    page.get_by_label("Emplacement des exemplaires").fill("Réserve")
    page.keyboard.press("Enter")  # the first button shows the notices again: nothing has come in
    page.wait_for_selector("text=364 MOR · B101 · Réserve")
    watched.add_cookies(context.cookies())
    page.get_by_role("button", name="Essai à blanc").press("Enter")
    page.wait_for_selector("text=rien n’a été écrit")
    seen = [look(other, page.url)]
    page.get_by_role("button", name="Importer", exact=True).press("Enter")
    page.wait_for_selector("text=L’import est fait")
    seen += [look(other, page.url, 360), look(other, live_server + "/bureau/importer", 360)]
    context.close()
    watched.close()
    assert seen == [[], [], []]


def look(page: Any, address: str, *widths: int) -> list[str]:
    """What axe finds, and what scrolls sideways, on a desk and on a phone."""
    found = []
    for width in widths or (1366, 360):
        page.set_viewport_size({"width": width, "height": 740})
        page.goto(address)
        violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        found += [f"{v['id']}: {n['target']}" for v in violations for n in v["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"sideways at {width}")
    return found
