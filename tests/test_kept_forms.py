"""A form in hand is never lost: while Claire types, when a save breaks, when her session has ended."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from catalogue import db, form, items, kept_forms, notices
from catalogue.identifiers import check_character
from catalogue.models import KeptForm
from catalogue.web import desk_notices
from tests.cast import MIETTES
from tests.conftest import PASSWORD
from tests.test_desk import BOOK, filled, made, read, saved, text

TOKEN = "b000000" + check_character("b000000")
HELD = "c000000" + check_character("c000000")


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


def everything(session: Session) -> list[tuple[str, str]]:
    return [(k.login, k.place) for k in session.scalars(select(KeptForm).order_by(KeptForm.id))]


def test_a_form_is_kept_once_for_each_person_and_forgotten_in_time(quick_session: Session) -> None:
    session = quick_session
    there = notices.create(session, MIETTES, by="claire")
    for login, title in (("claire", "Un"), ("claire", "Un, plus loin"), ("ines", "Le sien")):
        assert kept_forms.keep(session, login, TOKEN, {"title": [title]}, title=title, version=0)
    kept_forms.keep(session, "claire", there.address, {"title": ["La ville"]}, title="La ville", version=1)
    kept = kept_forms.find(session, "claire", TOKEN)
    assert kept is not None and kept.content == {"title": ["Un, plus loin"]}
    assert [k.title for k in kept_forms.list_new(session, "claire")] == ["Un, plus loin"], "only what is not saved yet"
    assert (
        kept_forms.keep(session, "claire", HELD, {"note": ["x" * kept_forms.LARGEST, "y"]}, title="", version=0) is None
    )
    kept.kept_at -= timedelta(days=31)
    session.flush()
    kept_forms.forget_old(session)
    assert everything(session) == [("ines", f"/bureau/notices/{TOKEN}"), ("claire", f"/bureau/notices/{there.address}")]


def test_one_person_keeps_forty_forms_at_most_whatever_others_keep(quick_session: Session) -> None:
    session = quick_session
    kept_forms.keep(session, "ines", TOKEN, {"title": ["Le sien"]}, title="Le sien", version=0)
    for n in range(kept_forms.MOST + 5):
        kept_forms.keep(session, "claire", f"{n:08}", {"title": [str(n)]}, title=str(n), version=3)
    assert len(everything(session)) == kept_forms.MOST + 1
    assert kept_forms.find(session, "claire", f"{4:08}") is None, "the oldest go first"
    mine = kept_forms.find(session, "claire", f"{5:08}")
    assert mine is not None and (mine.title, mine.version) == ("5", 3)


def test_a_form_in_hand_is_its_owner_s_alone(quick_session: Session) -> None:
    session = quick_session
    for login in ("anne", "claire", "ines"):
        kept_forms.keep(session, login, TOKEN, {"title": [login]}, title=login, version=0)
    for login in ("anne", "claire", "ines"):
        kept = kept_forms.find(session, login, TOKEN)
        assert kept is not None and kept.login == login and kept.content == {"title": [login]}
        assert [one.login for one in kept_forms.list_new(session, login)] == [login]
    assert kept_forms.find(session, "marc", TOKEN) is None and kept_forms.list_new(session, "marc") == []
    kept_forms.forget(session, "claire", TOKEN)
    assert [login for login, _place in everything(session)] == ["anne", "ines"]


def test_what_is_being_typed_is_kept_offered_again_and_forgotten_when_saved(
    claire: FlaskClient, base: db.Database
) -> None:
    typed = BOOK | {"title": "À moitié", "nouvelle": TOKEN, "note": "<b>brut</b>"}
    answer = claire.post(f"/bureau/formulaires/{TOKEN}", data=typed)
    assert re.fullmatch(r"Brouillon enregistré \d\d:\d\d", answer.get_json()["said"])
    assert claire.get("/bureau/notices/nouvelle").text.count("Reprendre") == 1
    assert "Vous aviez commencé « À moitié »" in text(claire.get("/bureau/notices/nouvelle?modele=ouvrage"))
    page = claire.get(f"/bureau/notices/{TOKEN}?reprendre=1")
    assert (filled(page, "title"), filled(page, "note"), filled(page, "nouvelle")) == (
        ["À moitié"],
        ["<b>brut</b>"],
        [TOKEN],
    )
    saved(claire, **typed | {"action": "save"})
    # A request that was on its way when the form was saved keeps nothing any more.
    assert claire.post(f"/bureau/formulaires/{TOKEN}", data=typed).get_json()["kept"] is False
    with base.read() as session:
        assert everything(session) == []
    # A known notice: its page offers what was begun; « Oublier » forgets it.
    claire.post(f"/bureau/formulaires/{TOKEN}", data=typed | {"title": "Plus loin", "version": "1"})
    assert "Vous aviez commencé « Plus loin »" in text(claire.get(f"/bureau/notices/{TOKEN}"))
    assert filled(claire.get(f"/bureau/notices/{TOKEN}?reprendre=1"), "title") == ["Plus loin"]
    claire.post(f"/bureau/formulaires/{TOKEN}/oublier")
    assert "Vous aviez commencé" not in text(claire.get(f"/bureau/notices/{TOKEN}"))
    assert read(base, TOKEN).title == "À moitié"


def test_a_form_kept_from_an_older_state_ends_in_a_comparison(claire: FlaskClient, base: db.Database) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    mine = BOOK | {"version": "1", "title": "Ma version"}
    claire.post(f"/bureau/formulaires/{address}", data=mine)
    with base.write() as session:  # a colleague, meanwhile
        notice = notices.find(session, address)
        assert notice is not None
        notices.revise(session, notice, form.write(notice.fields, {"title": ["La leur"]}), by="anne")
    page = claire.get(f"/bureau/notices/{address}?reprendre=1")
    assert filled(page, "title") == ["Ma version"] and filled(page, "version") == ["1"]
    answer = saved(claire, address, **mine | {"action": "save"})
    assert answer.status_code == 409 and "La leur" in text(answer) and read(base, address).title == "La leur"


def test_when_a_save_breaks_the_form_is_kept_and_comes_back(
    claire: FlaskClient, base: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(desk_notices.cataloguing, "save", broken)
        page = saved(claire, **BOOK | {"nouvelle": TOKEN, "action": "publish"})
        assert page.status_code == 500 and "est gardé comme brouillon" in text(page) and TOKEN in page.text
        assert filled(page, "title") == ["La ville en miettes"], "« Réessayer » sends it all again"
        patched.setattr(desk_notices.desk_form, "keep_sent", broken)
        page = saved(claire, **BOOK | {"nouvelle": TOKEN, "action": "publish"})
        assert page.status_code == 500 and "est dans cette page" in text(page)
    assert filled(claire.get(f"/bureau/notices/{TOKEN}?reprendre=1"), "title") == ["La ville en miettes"]
    assert saved(claire, **BOOK | {"nouvelle": TOKEN, "action": "publish"}).status_code == 303


def test_an_expired_session_signs_in_and_finds_the_form_as_it_was(
    app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    app.config["WTF_CSRF_ENABLED"] = True
    expired = app.test_client()
    sent = BOOK | {"version": "1", "title": "Écrit avant la pause", "csrf_token": "ended", "action": "save"}
    page = expired.post(f"/bureau/notices/{address}", data=sent)
    assert page.status_code == 401 and "Votre session avait pris fin" in text(page)
    carried = {name: filled(page, name)[0] for name in ("csrf_token", "envoi")}
    wrong = expired.post("/connexion", data={"login": "claire", "password": "non", **carried})
    assert wrong.status_code == 422 and filled(wrong, "envoi")[0] == carried["envoi"]
    answer = expired.post("/connexion", data={"login": "claire", "password": PASSWORD, **carried})
    assert answer.location == f"/bureau/notices/{address}?reprendre=1"
    page = expired.get(answer.location)
    assert filled(page, "title") == ["Écrit avant la pause"] and read(base, address).version == 1
    # Signed in again elsewhere: the mark in the form is another session's. Nothing is written, nothing is lost.
    again = expired.post(f"/bureau/notices/{address}", data=sent | {"title": "Encore là"})
    assert again.status_code == 400 and filled(again, "title") == ["Encore là"] and read(base, address).version == 1
    fresh = sent | {"csrf_token": filled(again, "csrf_token")[0]}
    assert expired.post(f"/bureau/notices/{address}", data=fresh).status_code == 303
    assert form.read(read(base, address).fields)["title"] == ["Écrit avant la pause"]
    with base.read() as session:
        assert everything(session) == []


BESIDE = {"cote": "300 NGU", "code_barres": "99887766", "emplacement": "Réserve", "droits": "staff", "pourquoi": "Relu"}


def beside(page: TestResponse) -> dict[str, str]:
    """What the page shows of the copy, of the file and of why."""
    chosen = re.findall(r'<option(?: value="(\w*)")? selected>([^<]*)', page.text)
    typed = {name: filled(page, name)[0] for name in ("cote", "code_barres")}
    return typed | {"emplacement": "Réserve" if ("", "Réserve") in chosen else "", "droits": chosen[-1][0]}


def test_the_copy_its_place_and_the_rights_are_kept_as_the_fields_are(
    app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    with base.write() as session:
        items.name_location(session, "Réserve")
    wanted = {name: BESIDE[name] for name in ("cote", "code_barres", "emplacement", "droits")}
    claire.post(f"/bureau/formulaires/{TOKEN}", data=BOOK | BESIDE | {"nouvelle": TOKEN, "fichier_choisi": "bilan.pdf"})
    page = claire.get(f"/bureau/notices/{TOKEN}?reprendre=1")
    assert beside(page) == wanted
    assert "Choisissez de nouveau le fichier « bilan.pdf »" in text(page), "a browser gives no file back"
    # A session that had ended: the same, and the file that was sent is named.
    app.config["WTF_CSRF_ENABLED"] = True
    expired = app.test_client()
    sent: dict[str, object] = dict(BOOK | BESIDE | {"nouvelle": HELD, "csrf_token": "ended", "action": "save"})
    page = expired.post("/bureau/notices/nouvelle", data=sent | {"fichier": (BytesIO(b"%PDF-"), "plan.pdf")})
    carried = {name: filled(page, name)[0] for name in ("csrf_token", "envoi")}
    answer = expired.post("/connexion", data={"login": "claire", "password": PASSWORD, **carried})
    page = expired.get(answer.location)
    assert beside(page) == wanted and "« plan.pdf »" in text(page)
    # The mark of another session: the page comes back with them too.
    again = expired.post("/bureau/notices/nouvelle", data=sent | {"fichier": (BytesIO(b"%PDF-"), "plan.pdf")})
    assert again.status_code == 400 and beside(again) == wanted and "« plan.pdf »" in text(again)
