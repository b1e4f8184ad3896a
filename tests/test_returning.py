"""A session that had ended: what was typed comes back, to whoever typed it, and nobody else makes us keep anything."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from catalogue import db, digital, documents, kept_forms, links, notices, remembered, users
from catalogue.models import AuditEntry, KeptForm
from harvest import lookup
from tests.cast import MIETTES
from tests.conftest import BROWSER_AGENT, PASSWORD
from tests.test_desk import BOOK, filled, text
from tests.test_kept_forms import HELD, TOKEN

# Forms of the desk and of « Réglages » where somebody writes at length, or about somebody.
FORMS = {
    "/bureau/periodiques/recus": {"saisie": "Le Monde 24312"},
    "/bureau/corrections?acte=add": {"field": "keyword", "new": "logement social"},
    "/bureau/notices/k7m4x9q0/documents/lien": {"adresse": "https://exemple.fr/rapport"},
    "/bureau/exemplaires/k7m4x9q0/pret": {"a_qui": "Zoé Martin"},
    "/bureau/autorites/1": {"name": "Zoé Martin"},
    "/bureau/reprise/ecrire": {"texte": "Deux heures de notes.\nEt « la suite » <ici>."},
    "/bureau/nettoyage/sujets": {"action": "apply", "garder": "école maternelle"},
    "/admin/centre": {"centre_name": "Le centre", "hours": "De 9 h à 17 h"},
}


@pytest.fixture
def base(app: Flask, claire: FlaskClient) -> db.Database:
    """Claire and Léa, documentalists; forms carry their mark."""
    found: db.Database = app.extensions["travee"].db
    with found.write() as session:
        users.add(session, "lea", PASSWORD, "documentalist")
    app.config["WTF_CSRF_ENABLED"] = True
    return found


def browser(app: Flask) -> FlaskClient:
    made = app.test_client()
    made.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    return made


def sign_in(client: FlaskClient, page: TestResponse, login: str, password: str = PASSWORD) -> TestResponse:
    """From this page, with whatever it carries."""
    data = {"csrf_token": filled(page, "csrf_token")[0], "login": login, "password": password}
    return client.post(
        "/connexion", data=data | {name: filled(page, name)[0] for name in ("envoi",) if filled(page, name)}
    )


def end_sessions(base: db.Database, login: str) -> None:
    with base.write() as session:
        user = users.find(session, login)
        assert user is not None
        users.end_sessions(session, user)


def kept(base: db.Database) -> int:
    with base.read() as session:
        return session.scalar(select(func.count()).select_from(KeptForm)) or 0


def hidden(page: TestResponse) -> list[tuple[str, str]]:
    """What the page sends again."""
    found = re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', page.text, flags=re.S)
    return [(name, unescape(words)) for name, words in found]


def test_every_form_comes_back_after_signing_in(app: Flask, base: db.Database) -> None:
    client = browser(app)
    for path, typed in FORMS.items():
        client.delete_cookie("session")
        page = client.post(path, data=typed | {"csrf_token": "ended"})
        assert page.status_code == 401 and "Votre session avait pris fin" in text(page), path
        again = sign_in(client, page, "claire")
        assert again.status_code == 200 and "rien n’a été enregistré" in text(again)
        assert dict(hidden(again)) == typed and f'action="{path}"' in unescape(again.text)
        for name, words in typed.items():
            assert name == "action" or "".join(words.split()) in "".join(unescape(again.text).split()), name
        sent = client.post(path, data=typed | {"csrf_token": filled(again, "csrf_token")[0]})
        assert "Votre session" not in text(sent) and sent.status_code != 401, "the mark is a fresh one"
    assert kept(base) == 0


def test_the_mark_of_another_session_loses_no_text(app: Flask, base: db.Database) -> None:
    client = browser(app)
    sign_in(client, client.get("/connexion"), "claire")
    page = client.post("/bureau/reprise/ecrire", data={"texte": "Deux heures", "vu": "0a75", "csrf_token": "another"})
    assert page.status_code == 400 and dict(hidden(page)) == {"texte": "Deux heures", "vu": "0a75"}
    assert re.findall(r'<label for="[^"]+">([^<]+)', page.text) == ["texte"], "what nobody has typed is not told"


def test_a_password_is_typed_again(app: Flask, base: db.Database) -> None:
    client = browser(app)
    sent = {"present": "mon-ancien-secret", "password": "mon-nouveau-secret", "name": "Claire M."}
    for path in ("/bureau/compte/mot-de-passe", "/admin/equipe/nouveau"):
        page = client.post(path, data=sent | {"csrf_token": "ended"})
        if page.status_code == 401:
            page = sign_in(client, page, "claire")
        assert "secret" not in page.text


def test_who_is_not_signed_in_makes_us_keep_nothing(app: Flask, base: db.Database) -> None:
    with base.write() as session:
        kept_forms.keep(session, "claire", HELD, {"title": ["Quatre heures"]}, title="Quatre heures", version=0)
    for _n in range(kept_forms.MOST + 1):
        answer = browser(app).post("/bureau/notices/nouvelle", data={"nouvelle": TOKEN, "title": "x"})
        assert answer.status_code == 401
    with base.read() as session:
        assert [one.title for one in session.scalars(select(KeptForm))] == ["Quatre heures"]


def test_a_form_is_not_shown_to_whoever_signs_in_next(app: Flask, base: db.Database) -> None:
    shared = browser(app)
    sign_in(shared, shared.get("/connexion"), "claire")
    end_sessions(base, "claire")
    sent = BOOK | {"nouvelle": TOKEN, "title": "Note confidentielle de Claire", "csrf_token": "ended"}
    page = shared.post("/bureau/notices/nouvelle", data=sent)
    answer = sign_in(shared, page, "lea")
    assert answer.location == "/bureau"
    seen = shared.get("/bureau")
    assert "à un autre compte" in text(seen) and "confidentielle" not in seen.text
    assert shared.get(f"/bureau/notices/{TOKEN}?reprendre=1").status_code == 404
    hers = browser(app)
    sign_in(hers, hers.get("/connexion"), "claire")
    assert filled(hers.get(f"/bureau/notices/{TOKEN}?reprendre=1"), "title") == ["Note confidentielle de Claire"]
    # Another form: shown to nobody.
    end_sessions(base, "lea")
    page = shared.post("/bureau/reprise/ecrire", data={"texte": "Entre Léa et elle-même", "csrf_token": "ended"})
    answer = sign_in(shared, page, "claire")
    assert answer.location == "/bureau" and "elle-même" not in shared.get("/bureau").text


def test_what_another_site_sends_or_writes_is_not_taken_up(app: Flask, base: db.Database) -> None:
    data = {"texte": "Écrit par un autre site", "csrf_token": "x"}
    for headers in ({"Origin": "https://ailleurs.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = browser(app).post("/bureau/reprise/ecrire", data=data, headers=headers)
        assert answer.status_code == 302 and "/connexion" in answer.location, headers
    client = browser(app)
    page = client.get("/connexion")
    cookie = client.get_cookie("session")
    assert cookie is not None
    for made in ("[1]", cookie.value, "x.y.z"):  # not even the seal of the session itself
        data = {"login": "claire", "password": PASSWORD, "csrf_token": filled(page, "csrf_token")[0], "envoi": made}
        other = browser(app)
        other.set_cookie("session", cookie.value)
        assert other.post("/connexion", data=data).location == "/bureau"


def test_who_comes_in_by_another_tab_goes_on_in_this_one(app: Flask, base: db.Database) -> None:
    settings = app.extensions["travee"].settings
    settings.mail_url, settings.base_url = "smtp://127.0.0.1:9", "http://localhost"
    client = browser(app)
    page = client.post("/bureau/reprise/ecrire", data={"texte": "Deux heures", "csrf_token": "ended"})
    assert "C’est fait : continuer" in text(page)
    mark = {"csrf_token": filled(page, "csrf_token")[0], "envoi": filled(page, "envoi")[0]}
    early = client.post("/connexion", data=mark)
    assert early.status_code == 422 and filled(early, "envoi")[0] == mark["envoi"]
    asked = client.post("/connexion/lien", data=mark | {"email": "personne@exemple.fr"})
    assert asked.status_code == 200 and filled(asked, "envoi")[0] == mark["envoi"]
    sign_in(client, client.get("/connexion"), "claire")  # the other tab
    assert dict(hidden(client.post("/connexion", data=mark))) == {"texte": "Deux heures"}


# --- what nobody types, and what nobody may ------------------------------------------------


def test_what_postgresql_cannot_keep_is_taken_out_of_every_request(app: Flask, claire: FlaskClient) -> None:
    claire.post(f"/bureau/formulaires/{TOKEN}", data={"title": "a\0b", "no\0te": "c\0\0d", "version": "0"})
    page = claire.get(f"/bureau/notices/{TOKEN}?reprendre=1")
    assert filled(page, "title") == ["ab"] and filled(page, "note") == ["cd"]
    assert claire.get("/bureau/corrections/a%00b").status_code == 404
    assert 'value="ab"' in claire.get("/bureau/autorites?q=a%00b").text
    visitor = browser(app)
    assert filled(visitor.post("/connexion", data={"login": "a\0b", "password": "x"}), "login") == ["ab"]
    with app.test_request_context("/bureau/corrections/a%00b?q=c%00d"):
        app.preprocess_request()
        assert (request.view_args or {}).popitem()[1] == "ab" and request.values["q"] == "cd"


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://nobody@localhost/none"])
def test_what_is_sent_to_the_base_is_in_no_message(url: str) -> None:
    engine = db.make_engine(url)
    assert engine.hide_parameters
    engine.dispose()


def test_numbers_without_end_are_told_not_converted(app: Flask) -> None:
    with app.extensions["travee"].db.write() as session:
        users.add(session, "marc", PASSWORD, "admin")
    marc = browser(app)
    marc.post("/connexion", data={"login": "marc", "password": PASSWORD})
    endless = "00" + "9" * 5000
    helper = {"purpose": "cleaning", "label": "Lille", "day": "2026-03-14", "hours": endless}
    for path, data, codes in (
        ("/bureau/documents/liens-par-nuit", {"par_nuit": endless}, (303,)),
        ("/admin/sauvegardes", {"heure": endless, "garder": "7"}, (400,)),
        ("/admin/sauvegardes", {"heure": "3", "garder": endless}, (200, 422)),
        ("/admin/equipe/equipiers", helper, (422,)),
        ("/bureau/moissons/conservation", {"jours": endless}, (422,)),
    ):
        assert marc.post(path, data=data).status_code in codes, path
    assert marc.get(f"/admin/journal?page={endless}").status_code == 200


def test_a_habit_of_the_centre_is_set_by_a_documentalist_for_a_source_we_know(app: Flask, claire: FlaskClient) -> None:
    base: db.Database = app.extensions["travee"].db
    with base.write() as session:
        users.add(session, "ines", PASSWORD, "contributor")
    ines = browser(app)
    ines.post("/connexion", data={"login": "ines", "password": PASSWORD})

    def never(client: FlaskClient, source: str) -> int:
        sent = BOOK | {"nouvelle": TOKEN, "action": f"never:{source}:title"}
        return client.post("/bureau/notices/nouvelle", data=sent).status_code

    assert (never(ines, "bnf"), never(claire, "nulle-part"), never(claire, "bnf"), never(claire, "bnf")) == (
        403,
        200,
        200,
        200,
    )
    with base.read() as session:
        assert remembered.read(session, lookup.HABITS) == {"bnf": ["title"]}
        (noted,) = session.scalars(select(AuditEntry).where(AuditEntry.what == "setting_changed"))
        assert (noted.login, noted.about) == ("claire", "lookup.habits bnf")


def test_who_reads_figures_opens_no_file_of_the_team(app: Flask, claire: FlaskClient) -> None:
    base: db.Database = app.extensions["travee"].db
    with base.write() as session:
        users.add(session, "rosa", PASSWORD, "reader")
        notice = notices.create(session, MIETTES, by="claire", status="published")
        draft = notices.create(session, MIETTES, by="claire", status="draft")
        folder = app.extensions["travee"].settings.files_dir
        path = folder.parent / "donné.txt"
        path.write_text("Le compte rendu.")
        for one, rights in ((notice, "staff"), (notice, "open"), (draft, "open")):
            path.write_text(f"Le compte rendu {rights} {one.id}.")
            documents.attach(session, one, path, folder, rights=rights, label="Compte rendu")
        files = {
            (one.status, row.rights): f"/d/{one.address}/fichier/{row.id}"
            for one in (notice, draft)
            for row in digital.files_of(session, [one.id])[one.id]
        }
    rosa = browser(app)
    rosa.post("/connexion", data={"login": "rosa", "password": PASSWORD})
    seen = {
        which: tuple(client.get(path, buffered=True).status_code for client in (rosa, claire))
        for which, path in files.items()
    }
    assert seen == {
        ("published", "staff"): (403, 200),
        ("published", "open"): (200, 200),
        ("draft", "open"): (404, 200),
    }


def test_an_address_that_says_a_password_is_refused_without_saying_it() -> None:
    for typed in ("https://ines:motdepasse@exemple.fr/a", " HTTP://jeton@exemple.fr"):
        assert links.clean(typed) == ""
        sentence = links.wrong(typed)
        assert "mot de passe" in sentence and "motdepasse" not in sentence and "jeton" not in sentence
    assert links.clean("https://exemple.fr/@ines") and not links.wrong("https://exemple.fr/@ines")
    assert "n’est pas une adresse web" in links.wrong("exemple.fr")
