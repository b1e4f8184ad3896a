"""Settings on screen: in force at once, set back as easily, refused with a sentence and everything kept as typed."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import backup_plan, backups, history, items, notices, on_screen, places, users
from catalogue.backup_plan import Plan
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import AuditEntry, Item, Shelf
from catalogue.unimarc import RecordItem
from export import usual
from tests.cast import MIETTES
from tests.conftest import PASSWORD

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def marc(app: Flask) -> FlaskClient:
    """Marc, who administers."""
    with app.extensions["travee"].db.write() as session:
        users.add(session, "marc", PASSWORD, "admin")
    made = app.test_client()
    made.post("/connexion", data={"login": "marc", "password": PASSWORD})
    return made


# --- the centre ------------------------------------------------------------------------------


def test_what_is_set_is_in_force_at_once_and_after_a_restart(
    app: Flask, marc: FlaskClient, client: FlaskClient
) -> None:
    travee = app.extensions["travee"]
    typed = on_screen.values(travee.settings) | {
        "centre_name": "Centre Léa-Roback",
        "opening_rule": "Sur rendez-vous, le mardi",
        "request_retention_months": "6",
    }
    assert "Les réglages sont enregistrés" in marc.post("/admin/centre", data=typed, follow_redirects=True).text
    home = client.get("/").text
    assert "Centre Léa-Roback" in home
    assert "Sur rendez-vous, le mardi" in home
    assert travee.settings.request_retention_months == 6
    with travee.db.read() as session:
        assert notices.our_centre(session).name == "Centre Léa-Roback"
        told = [row.about for row in session.scalars(select(AuditEntry).where(AuditEntry.what == "setting_changed"))]
    assert set(told) == {"centre_name", "opening_rule", "request_retention_months"}

    from catalogue.app import create_app

    again = create_app(travee.given)
    assert "Centre Léa-Roback" in again.test_client().get("/").text
    again.extensions["travee"].close()


def test_set_back_to_the_environment_s_it_follows_it_again(quick_session: Session) -> None:
    session, given = quick_session, Settings(_env_file=None)
    on_screen.write(session, given, {"centre_name": "Autre nom"})
    assert on_screen.effective(session, given).centre_name == "Autre nom"
    on_screen.write(session, given, {"centre_name": given.centre_name})
    renamed = given.model_copy(update={"centre_name": "Le nouveau de l’environnement"})
    assert on_screen.effective(session, renamed).centre_name == "Le nouveau de l’environnement"


def test_two_who_set_things_at_once_undo_nothing_of_one_another(
    app: Flask, marc: FlaskClient, claire: FlaskClient
) -> None:
    travee = app.extensions["travee"]
    shown = on_screen.values(travee.settings) | {"opening_rule_en": ""}
    seen = {f"vu_{name}": text for name, text in shown.items()}
    page = claire.get("/admin/centre").text
    assert all(f'name="{name}"' in page for name in seen)
    first = {"centre_name": "Centre A", "centre_address": "1, rue Haute\r\nParis", "opening_rule": "Le mardi"}
    assert claire.post("/admin/centre", data=shown | seen | first).status_code == 303

    other = marc.post("/admin/centre", data=shown | seen | {"admin_email": "doc@exemple.fr"})  # opened before
    assert other.status_code == 303
    now = travee.settings
    assert (now.centre_name, now.centre_address) == ("Centre A", "1, rue Haute\nParis")
    assert (now.opening_rule, now.admin_email) == ("Le mardi", "doc@exemple.fr")

    third = marc.post(
        "/admin/centre", data=shown | seen | {"opening_rule": "Le jeudi", "request_retention_months": "9"}
    )
    assert third.status_code == 409
    assert travee.settings.opening_rule == "Le mardi"
    assert travee.settings.request_retention_months != 9, "all or nothing"
    assert "« Le mardi »" in third.text
    assert 'value="Le jeudi"' in third.text
    assert 'value="Centre A"' in third.text, "what nobody else has changed is shown as it stands"
    again = dict(re.findall(r'<textarea name="(vu_\w+)" hidden>\n([^<]*)</textarea>', third.text))
    typed = {name.removeprefix("vu_"): text for name, text in again.items()} | {"opening_rule": "Le jeudi"}
    assert marc.post("/admin/centre", data=again | typed).status_code == 303
    assert (travee.settings.opening_rule, travee.settings.centre_name) == ("Le jeudi", "Centre A")


def test_neither_of_two_undoes_the_other_s_backups_places_and_models(
    app: Flask, marc: FlaskClient, claire: FlaskClient
) -> None:
    travee = app.extensions["travee"]

    def send(who: FlaskClient, page: str, **form: str) -> int:
        return who.post(f"/admin/{page}", data=form).status_code

    seen = {"vu_chaque": "oui", "vu_heure": "2", "vu_garder": "7"}
    shown = {"chaque": "oui", "heure": "2", "garder": "7"}
    assert send(marc, "sauvegardes", **shown | seen | {"garder": "12"}) == 303
    assert send(marc, "sauvegardes", **shown | seen | {"heure": "4"}) == 303
    with travee.db.read() as session:
        assert backup_plan.read(session) == Plan(True, 4, 12)
    assert send(marc, "sauvegardes", **shown | seen | {"heure": "5"}) == 409
    assert 'name="vu_garder" value="12"' in marc.get("/admin/sauvegardes").text

    with travee.db.write() as session:
        (site,) = places.add(session, "site", None, "Espace doc")
        within = site.id
        for kind in ("room", "range", "bay", "shelf"):
            (made,) = places.add(session, kind, within, "Une")
            within = made.id
    form = {"action": "change", "genre": "shelf", "n": str(within), "nom": "Une", "longueur": "", "hauteur": ""}
    seen = {"vu_nom": "Une", "vu_longueur": "", "vu_hauteur": ""}
    assert send(claire, "lieux", **form | seen | {"nom": "Haut"}) == 303
    assert send(claire, "lieux", **form | seen | {"longueur": "900"}) == 303
    with travee.db.read() as session:
        shelf = session.get_one(Shelf, within)
        assert (shelf.name, shelf.length_mm) == ("Haut", 900)
    assert send(claire, "lieux", **form | seen | {"nom": "Bas"}) == 422
    assert 'name="vu_nom" value="Haut"' in claire.get(f"/admin/lieux?ouvert=shelf-{within}").text

    page = claire.get("/admin/modeles").text
    letter, bibliography, sheet = re.findall(r'<textarea name="vu" hidden>\n([^<]*)</textarea>', page)
    mine = {"quoi": "claim", "action": "save", "vu": letter}
    assert send(claire, "modeles", **mine, texte="Bonjour,\r\n{numeros}") == 303
    assert send(claire, "modeles", **mine, texte="Madame,\r\n{numeros}") == 409
    assert send(claire, "modeles", **mine, texte=letter) == 303
    assert "Bonjour,\n{numeros}" in claire.get("/admin/modeles").text, "who changed nothing changes nothing"
    sheets = {"quoi": "labels", "action": "save", "vu": unescape(sheet)}
    assert unescape(bibliography) != unescape(sheet)
    sheets["format"] = usual.Labels().size
    assert send(claire, "modeles", **sheets, place="0", droite="1", bas="0") == 303
    assert send(claire, "modeles", **sheets, place="0", droite="0", bas="1") == 409


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("centre_name", "  ", "ne peut pas être vide"),
        ("centre_address", "x" * 2001, "C’est trop long"),
        ("request_retention_months", "0", "de 1 à 36"),
        ("request_retention_months", "six", "de 1 à 36"),
        ("request_retention_months", "９", "de 1 à 36"),
        ("upload_limit_mb", "9" * 40, "de 1 à 2"),
        ("default_scope", "tout", "Choisissez dans la liste"),
        ("admin_email", "claire@", "adresse complète"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(name: str, typed: str, said: str) -> None:
    wrong = on_screen.check({"centre_name": "Espace doc", name: typed})
    assert said in wrong[name]
    assert set(wrong) == {name}


def test_a_refused_form_comes_back_as_typed(marc: FlaskClient, app: Flask) -> None:
    typed = on_screen.values(app.extensions["travee"].settings) | {"admin_email": "claire@", "centre_name": "<b>Doc"}
    answer = marc.post("/admin/centre", data=typed)
    assert answer.status_code == 422
    assert "<title>Erreur :" in answer.text
    assert 'value="claire@"' in answer.text
    assert "&lt;b&gt;Doc" in answer.text
    assert "<b>Doc" not in answer.text


def test_each_subject_is_for_who_may(claire: FlaskClient, marc: FlaskClient) -> None:
    assert "Sauvegardes" not in claire.get("/admin").text
    assert claire.get("/admin/sauvegardes").status_code == 403
    assert claire.get("/admin/centre").status_code == 200
    assert "Sauvegardes" in marc.get("/admin").text


# --- places ----------------------------------------------------------------------------------


def test_shelves_are_drawn_measured_and_taken_away_when_empty(session: Session) -> None:
    (site,) = places.add(session, "site", None, "Espace doc")
    (room,) = places.add(session, "room", site.id, "Grande salle")
    (row,) = places.add(session, "range", room.id, "Épi 1")
    bays = [*places.add(session, "bay", row.id, "Travée", several=2), *places.add(session, "bay", row.id, "")]
    shelves = places.add(session, "shelf", bays[0].id, "", several=5, length="900", height="320")
    more = places.add(session, "shelf", bays[0].id, "", several=2)
    assert [bay.name for bay in bays] == ["Travée 1", "Travée 2", "Travée 3"]
    assert [shelf.name for shelf in (*shelves, *more)] == list("ABCDEFG")
    assert len({shelf.code for shelf in (*shelves, *more)}) == 7

    notice = notices.create(session, MIETTES, by="claire")
    batch = history.open_batch(session, "copy", by="claire")
    items.add_many(session, [(notice.id, RecordItem(barcode="3001"))], batch=batch)
    item = session.scalars(select(Item)).one()
    item.shelf_id = shelves[0].id
    session.flush()

    for kind, number in (("shelf", shelves[0].id), ("bay", bays[0].id), ("site", site.id)):
        with pytest.raises(places.Refused, match="n’est pas vide"):
            places.remove(session, kind, number)
    places.remove(session, "shelf", shelves[1].id)
    places.change(session, "shelf", shelves[0].id, "Haut", length="880")
    top = session.get_one(Shelf, shelves[0].id)
    assert (top.name, top.length_mm, top.height_mm) == ("Haut", 880, None)
    assert session.get_one(Item, item.id).shelf_id == top.id

    (drawn,) = places.tree(session)
    bay = drawn.inside[0].inside[0].inside[0]
    assert [(shelf.name, shelf.copies) for shelf in bay.inside][:2] == [("Haut", 1), ("C", 0)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "Donnez-lui un nom"),
        ({"name": "x" * 81}, "trop long"),
        ({"name": "Bureau"}, "existe déjà"),
        ({"name": "Réserve", "several": 1000}, "De 1 à 60"),
        ({"name": "Réserve", "several": 0}, "De 1 à 60"),
    ],
)
def test_a_place_that_cannot_be_is_refused(quick_session: Session, given: dict[str, object], said: str) -> None:
    places.add(quick_session, "site", None, "Bureau")
    with pytest.raises(places.Refused, match=said):
        places.add(quick_session, "site", None, **given)  # type: ignore[arg-type]


def test_the_page_of_places_works_without_script(claire: FlaskClient) -> None:
    def act(**form: str) -> str:
        return claire.post("/admin/lieux", data=form, follow_redirects=True).text

    assert "Ajouté : Espace doc." in act(action="add", genre="site", n="", nom="Espace doc")
    assert "<strong>Espace doc</strong>" in claire.get("/admin/lieux").text
    assert "existe déjà" in act(action="add", genre="site", n="", nom="Espace doc")
    act(action="add", genre="room", n="1", nom="")
    act(action="add", genre="range", n="1", nom="Épi nord")
    act(action="add", genre="bay", n="1", nom="", combien="40")
    for bay in range(1, 41):
        claire.post("/admin/lieux", data={"action": "add", "genre": "shelf", "n": str(bay), "combien": "6"})
    page = claire.get("/admin/lieux").text
    assert "Salle 1" in page and "Travée 40" in page and page.count("6 tablettes") == 40
    assert len(page.encode()) < 30_000
    in_hand = claire.get("/admin/lieux?ouvert=bay-40").text
    assert 'href="/admin/lieux?ouvert=shelf-235#shelf-235"' in in_hand and "Ajouter des tablettes" in in_hand
    gone = claire.post(
        "/admin/lieux?ouvert=shelf-235", data={"action": "remove", "genre": "shelf", "n": "235", "dans": "bay-40"}
    )
    assert gone.location == "/admin/lieux?ouvert=bay-40#bay-40"
    assert "shelf-235" not in claire.get("/admin/lieux?ouvert=bay-40").text
    assert "n’est plus là" in act(action="add", genre="room", n="999", nom="Salle")
    assert claire.post("/admin/lieux", data={"action": "add", "genre": "galaxy", "n": ""}).status_code == 400


# --- backups ---------------------------------------------------------------------------------


@pytest.fixture
def base(settings: Settings, empty_folder: Path) -> Iterator[Database]:
    import shutil

    shutil.copytree(empty_folder, settings.data_dir)
    made = Database(settings.url)
    yield made
    made.close()


def test_one_a_night_the_oldest_go_and_those_asked_for_stay(base: Database, settings: Settings) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=PARIS)
    with base.write() as session:
        backup_plan.write(session, Plan(hour=2, keep=2))
        backup_plan.ask(session, by="marc", at=noon)
    assert backup_plan.work(base, settings, noon, PARIS) is not None, "it was asked for"
    assert backup_plan.work(base, settings, noon, PARIS) is None
    made = []
    for hours in range(2, 24 * 4, 4):
        path = backup_plan.work(base, settings, noon + timedelta(hours=hours), PARIS)
        made += [path.name] if path else []
    assert made == [f"nuit-2026-03-0{day}-02h0000.zip" for day in (3, 4, 5, 6)]
    left = sorted(one.name for one in backup_plan.listed(settings, PARIS))
    assert left == ["demande-2026-03-02-12h0000.zip", *made[-2:]]


def test_so_many_of_each_kind_are_kept(base: Database, settings: Settings) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=PARIS)
    folder = backups.folder(settings)
    folder.mkdir()
    for name in ("before-restore-20260101T1.zip", "before-restore-20260102T1.zip", "before-restore-20260103T1.zip"):
        (folder / name).touch()
    (folder / "mine.zip").touch()
    with base.write() as session:
        backup_plan.write(session, Plan(keep=2))
    for minutes in range(3):
        at = noon + timedelta(minutes=minutes)
        with base.write() as session:
            backup_plan.ask(session, by="marc", at=at)
        backup_plan.work(base, settings, at, PARIS)
    assert sorted(path.name for path in folder.iterdir()) == [
        "before-restore-20260102T1.zip",
        "before-restore-20260103T1.zip",
        "demande-2026-03-02-12h0100.zip",
        "demande-2026-03-02-12h0200.zip",
        "mine.zip",
    ]


def test_whatever_goes_wrong_is_told_and_tried_again_the_next_night_only(
    app: Flask, settings: Settings, marc: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, noon, tried = app.extensions["travee"].db, datetime(2026, 3, 2, 12, tzinfo=PARIS), []

    def fails(_settings: Settings, path: Path) -> None:
        tried.append(path)
        raise ValueError("un fichier très étrange\net la suite")

    monkeypatch.setattr(backups, "make", fails)
    backup_plan.work(base, settings, noon, PARIS)
    for hours in range(14, 14 + 25, 3):
        backup_plan.work(base, settings, noon + timedelta(hours=hours), PARIS)
    assert len(tried) == 2, "one a night"
    page = marc.get("/admin/sauvegardes").text
    assert "un fichier très étrange" in page
    assert "et la suite" not in page


def test_a_file_of_before_zip_was_invented_is_kept_too(base: Database, settings: Settings, tmp_path: Path) -> None:
    old = settings.files_dir / "ab" / "ab12"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    with zipfile.ZipFile(backups.make(settings, tmp_path / "tout.zip").path) as archive:
        assert archive.read("files/files/ab/ab12") == b"x"


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps who may read elsewhere")
def test_nobody_else_may_read_a_backup(base: Database, settings: Settings) -> None:
    backups.folder(settings).mkdir(mode=0o755)
    path = backups.make(settings, backups.folder(settings) / "tout.zip").path
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_visitor_is_told_how_long_a_name_stays_in_backups(app: Flask, client: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        backup_plan.write(session, Plan(keep=12))
    assert "au bout de 12 nuits" in client.get("/confidentialite").text
    assert "after 12 nights" in client.get("/en/confidentialite").text


def test_a_night_that_was_slept_through_is_made_up_for_once(base: Database, settings: Settings) -> None:
    monday = datetime(2026, 3, 2, 12, tzinfo=PARIS)
    backup_plan.work(base, settings, monday, PARIS)
    later = monday + timedelta(days=5)
    assert backup_plan.work(base, settings, later, PARIS) is not None
    assert backup_plan.work(base, settings, later + timedelta(minutes=1), PARIS) is None


def test_no_room_is_told_until_one_was_made(app: Flask, settings: Settings, marc: FlaskClient) -> None:
    base = app.extensions["travee"].db
    noon = datetime(2026, 3, 2, 12, tzinfo=PARIS)
    folder = settings.data_dir / "backups"
    folder.write_text("a file where the folder should be")
    with base.write() as session:
        backup_plan.ask(session, by="marc", at=noon)
    assert backup_plan.work(base, settings, noon, PARIS) is None
    assert "n’a pas pu être écrite" in marc.get("/bureau").text
    assert "n’a pas pu être écrite" in marc.get("/admin/sauvegardes").text
    folder.unlink()
    marc.post("/admin/sauvegardes", data={"action": "now"})
    path = backup_plan.work(base, settings, noon, PARIS)
    assert path is not None
    assert "n’a pas pu être écrite" not in marc.get("/bureau").text
    with marc.get(f"/admin/sauvegardes/{path.name}") as taken:
        assert taken.data == path.read_bytes()
    assert marc.get("/admin/sauvegardes/..%2Ftravee.db").status_code == 404
    assert marc.get("/admin/sauvegardes/travee.db").status_code == 404
