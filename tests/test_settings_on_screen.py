"""Settings on screen: in force at once, set back as easily, refused with a sentence and everything kept as typed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import backup_plan, history, items, notices, on_screen, places, users
from catalogue.backup_plan import Plan
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import AuditEntry, Item, Shelf
from catalogue.unimarc import RecordItem
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
