"""Who works here: what each role may open and post, accounts, signing in, helpers' links, the journal."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from catalogue import audit, db, entry_links, helper_links, notices, proposed, signing_in, users
from catalogue.app import create_app
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.models import AuditEntry, Notice, User
from catalogue.web import entering
from catalogue.web.auth import RANK, needs_helper
from tests.cast import MIETTES
from tests.conftest import BROWSER_AGENT, PASSWORD
from tests.mailbox import Mailbox

NEW_PASSWORD = "une-autre-phrase-longue"


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


def browser(app: Flask) -> FlaskClient:
    made = app.test_client()
    made.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    return made


def signed_in(app: Flask, login: str, role: str) -> FlaskClient:
    with app.extensions["travee"].db.write() as session:
        users.add(session, login, PASSWORD, role)
    client = browser(app)
    assert enter(client, login).status_code == 302
    return client


@pytest.fixture
def marc(app: Flask) -> FlaskClient:
    """Marc, the manager, holds the administrator's account."""
    return signed_in(app, "marc", "admin")


def enter(client: FlaskClient, login: str, password: str = PASSWORD, *, remote: str = "192.0.2.7") -> TestResponse:
    return client.post("/connexion", data={"login": login, "password": password}, environ_base={"REMOTE_ADDR": remote})


def account(base: db.Database, login: str) -> User:
    with base.read() as session:
        found = users.find(session, login)
        assert found is not None
        return found


def said(answer: TestResponse) -> str:
    page = re.sub(r"<(script|style).*?</\1>", " ", answer.get_data(as_text=True), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def shown_path(client: FlaskClient) -> str:
    """The link that a page shows once."""
    found = re.search(
        r'id="lien" value="https?://[^/]+(/[^"]+)"', client.get("/admin/equipe/lien").get_data(as_text=True)
    )
    assert found
    return found[1]


# --- every address, every role ---------------------------------------------------------------

ANYBODY_POSTS = {
    "auth.sign_in",
    "auth.sign_out",
    "auth.ask_for_link",
    "auth.open_link",
    "auth.accept_invitation",
    "auth.join",
    *(f"{name}.{what}" for name in ("public", "public_en") for what in ("request_page", "change_selection")),
    *(f"{name}.send_selection" for name in ("public", "public_en")),
}
# An open form has no authority to abuse, and a token would cost every visitor a cookie.
WITHOUT_TOKEN = {name for name in ANYBODY_POSTS if name.startswith("public")}
READER_POSTS = {"desk.change_password", "desk.set_preferences", "desk.end_sessions"}


def rules(app: Flask) -> list[tuple[Rule, str, str]]:
    """Each address with a value for its blanks, and the role that it names."""
    out = []
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            blanks = {
                name: 1 if "Integer" in type(made).__name__ else "k7m4x9q0" for name, made in rule._converters.items()
            }
            if "any" not in str(rule.rule):
                role = getattr(app.view_functions[rule.endpoint], "role", "")
                out.append((rule, adapter.build(rule.endpoint, blanks, force_external=False), role))
    return out


def methods(rule: Rule) -> set[str]:
    return set(rule.methods or ()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}


def test_each_page_of_the_desk_names_the_role_it_is_for(app: Flask) -> None:
    of_the_desk = [(r, role) for r, _path, role in rules(app) if r.rule.startswith(("/bureau", "/admin", "/m/"))]
    assert len(of_the_desk) > 60
    assert [r.rule for r, role in of_the_desk if role not in RANK] == []
    settings = [(r.rule, role) for r, role in of_the_desk if r.rule.startswith("/admin")]
    assert [path for path, role in settings if RANK[role] < RANK["documentalist"]] == []
    assert {role for path, role in settings if path.startswith(("/admin/equipe", "/admin/journal"))} == {"admin"}
    posts = {r.endpoint: role for r, _path, role in rules(app) if methods(r) - {"GET"}}
    assert {name for name, role in posts.items() if not role} == ANYBODY_POSTS
    assert {name for name, role in posts.items() if role == "reader"} == READER_POSTS, "who reads changes nothing"


def test_who_has_not_the_role_gets_nowhere(app: Flask) -> None:
    people = {role: signed_in(app, role, role) for role in RANK}
    guarded = [(rule, path, role) for rule, path, role in rules(app) if role]
    for rule, path, role in guarded:
        for method in methods(rule):
            asked = browser(app).open(path, method=method)
            assert asked.status_code in (302, 303) and "/connexion" in asked.location, (method, path)
            assert asked.headers["Cache-Control"] == "private, no-cache", path
            for who, client in people.items():
                if RANK[who] < RANK[role]:
                    assert client.open(path, method=method).status_code == 403, (who, method, path)


def test_nothing_is_posted_without_the_token_of_a_page_of_ours(app: Flask, marc: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    posts = [(rule, path) for rule, path, _role in rules(app) if "POST" in methods(rule)]
    without = {rule.endpoint for rule, path in posts if marc.post(path, data={}).status_code != 400}
    assert without <= WITHOUT_TOKEN
    for path in ("/connexion", "/bureau", "/admin/equipe"):  # nor clicked for us in another's frame
        assert "frame-ancestors 'none'" in marc.get(path).headers["Content-Security-Policy"]


def test_signing_in_leads_to_no_other_place(app: Flask) -> None:
    signed_in(app, "ines", "reader")
    for there in (
        "//ailleurs.example",
        "/\\ailleurs.example",
        "/\t/ailleurs.example",
        "https:ailleurs",
        "/connexion",
        "/bureau/a-revoir/lots",
    ):
        data = {"login": "ines", "password": PASSWORD}
        answer = browser(app).post("/connexion", query_string={"suite": there}, data=data)
        assert answer.location == "/bureau", there


# --- signing in ------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time goes on when it is told to."""
    real, ahead = db.now, [timedelta()]
    monkeypatch.setattr(db, "now", lambda: real() + ahead[0])

    def forward(by: timedelta) -> datetime:
        ahead[0] += by
        return db.now()

    return forward


def test_who_guesses_waits_and_shuts_no_colleague_out(app: Flask, base: db.Database, clock: Any) -> None:
    signed_in(app, "claire", "documentalist")
    signed_in(app, "ines", "contributor")
    guessing = browser(app)
    codes = [enter(guessing, "claire", "une erreur").status_code for _try in range(signing_in.OF_ACCOUNT.most + 1)]
    assert set(codes[:-1]) == {422} and codes[-1] == 429
    refused = enter(guessing, "claire")
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 301
    assert "Réessayez dans 5 minutes" in said(refused)
    assert enter(browser(app), "ines").status_code == 302, "the same office, another account"
    assert enter(browser(app), "claire", remote="198.51.100.4").status_code == 302, "from elsewhere"
    clock(timedelta(minutes=3))
    assert "Réessayez dans 2 minutes" in said(enter(guessing, "claire"))
    again = create_app(app.extensions["travee"].settings)
    again.config["WTF_CSRF_ENABLED"] = False
    assert enter(again.test_client(), "claire").status_code == 429, "a restart forgets nothing"
    again.extensions["travee"].close()
    clock(timedelta(minutes=2, seconds=1))
    assert enter(guessing, "claire").status_code == 302


def test_a_name_that_is_no_account_s_is_answered_alike_and_not_written_down(app: Flask, base: db.Database) -> None:
    signed_in(app, "claire", "documentalist")
    known, unknown = (enter(browser(app), login, "faux") for login in ("claire", "mot2passe!"))
    assert (known.status_code, said(known)) == (unknown.status_code, said(unknown))
    codes = [enter(browser(app), "mot2passe!", "faux").status_code for _try in range(signing_in.OF_ACCOUNT.most)]
    assert codes[0] == 422 and codes[-1] == 429
    with base.read() as session:
        kept = [str((e.login, e.about)) for e in session.scalars(select(AuditEntry))]
    assert not [line for line in kept if "mot2passe" in line or PASSWORD in line]


def test_a_whole_address_has_a_larger_limit(quick_session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(signing_in.OF_ADDRESS.most):
        assert not signing_in.time_to_wait(quick_session, "claire", "2001:db8::1"), n
        audit.note(quick_session, "sign_in_failed", by=f"?{n}", remote=f"2001:db8::{n:x}")
    assert signing_in.time_to_wait(quick_session, "claire", "2001:db8::ffff") > timedelta(minutes=14)
    assert not signing_in.time_to_wait(quick_session, "claire", "2001:db8:0:1::1")


def test_to_have_come_in_wipes_one_s_errors_out(quick_session: Session) -> None:
    for what in ("sign_in_failed",) * 7 + ("signed_in",) + ("sign_in_failed",) * 7:
        audit.note(quick_session, what, by="claire", remote="192.0.2.7")
    assert not signing_in.time_to_wait(quick_session, "claire", "192.0.2.7")
    audit.note(quick_session, "sign_in_failed", by="claire", remote="192.0.2.7")
    assert signing_in.time_to_wait(quick_session, "claire", "192.0.2.7")


def test_a_password_is_hashed_anew_when_the_hash_has_become_weak(
    app: Flask, base: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app, "claire", "documentalist")
    weak = account(base, "claire").password_hash
    monkeypatch.setattr(users, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert enter(browser(app), "claire").status_code == 302
    strong = account(base, "claire").password_hash
    assert "t=1" in weak and "t=2" in strong
    assert client.get("/bureau").status_code == 200, "nobody is thrown out for that"
    assert enter(browser(app), "claire").status_code == 302


def test_a_session_lasts_a_day_of_work_and_outlives_a_restart(app: Flask) -> None:
    client = signed_in(app, "claire", "documentalist")
    cookie = client.get_cookie("session")
    assert cookie is not None and cookie.expires is not None
    assert (cookie.expires.timestamp() - time.time()) > 20 * 3600
    again = create_app(app.extensions["travee"].settings)
    restarted = again.test_client()
    restarted.set_cookie("session", cookie.value)
    assert restarted.get("/bureau").status_code == 200
    again.extensions["travee"].close()


def test_what_was_in_the_session_before_signing_in_is_gone(app: Flask) -> None:
    signed_in(app, "ines", "reader")
    client = browser(app)
    with client.session_transaction() as before:
        before["planted"] = "x"
    enter(client, "ines")
    with client.session_transaction() as after:
        assert "planted" not in after


# --- by mail ---------------------------------------------------------------------------------


def post_office(app: Flask, mailbox: Mailbox) -> None:
    settings = app.extensions["travee"].settings
    settings.mail_url, settings.admin_email = mailbox.url, "admin@exemple.fr"
    settings.base_url = "http://doc.exemple.fr"


def letters(mailbox: Mailbox, n: int) -> list[Any]:
    until = time.monotonic() + 5
    while len(mailbox.letters) < n and time.monotonic() < until:
        time.sleep(0.01)
    return list(mailbox.letters)


def ask(client: FlaskClient, email: str, host: str = "http://localhost") -> TestResponse:
    return client.post("/connexion/lien?suite=/bureau/historique", data={"email": email}, base_url=host)


def test_a_link_by_mail_lets_in_once(app: Flask, base: db.Database, clock: Any) -> None:
    with base.write() as session:
        users.add(session, "claire", None, "documentalist", name="Claire Marchand", email="Claire@exemple.fr")
    client = browser(app)
    assert "courriel" not in said(client.get("/connexion")), "no mail server, no such door"
    assert ask(client, "claire@exemple.fr").status_code == 404
    with Mailbox() as mailbox:
        post_office(app, mailbox)
        known = ask(client, "claire@exemple.fr", "http://ailleurs.example")
        unknown = ask(browser(app), "personne@exemple.fr", "http://ailleurs.example")
        assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
        told = said(client.get("/connexion", base_url="http://ailleurs.example"))
        assert told.count("Si cette adresse est celle d’un compte") == 1
        (letter,) = letters(mailbox, 1)
        assert letter["To"] == "claire@exemple.fr"
        link = re.search(r"http://doc\.exemple\.fr(/connexion/lien/\S+)", letter.get_content().replace("=\n", ""))
        assert link, "the address of the settings, whatever the request called us"
        path = link[1]
        assert "Bonjour Claire Marchand" in said(client.get(path)), "a look uses nothing up"
        entered = client.post(path)
        assert entered.status_code == 302 and entered.location == "/bureau/historique"
        assert client.get("/bureau").status_code == 200
        assert browser(app).post(path).status_code == 410
        ask(client, "claire@exemple.fr")
        late = re.search(r"/connexion/lien/\S+", letters(mailbox, 2)[1].get_content())
        clock(timedelta(minutes=16))
        assert late and browser(app).post(late[0]).status_code == 410
        assert ask(client, "ce n’est pas une adresse").status_code == 422


def test_links_by_mail_fill_nobody_s_box(quick_session: Session) -> None:
    user = users.add(quick_session, "claire", None, "documentalist", email="claire@exemple.fr")
    asked = [
        signing_in.ask_for_link(quick_session, "claire@exemple.fr", remote=f"192.0.2.{n}", key="k") for n in range(5)
    ]
    assert [bool(one) for one in asked] == [True, True, True, False, False]
    first, second, third = (token for one in asked[:3] for _user, token in [one or pytest.fail("no link")])
    for token in (first, second, third):
        assert entry_links.find(quick_session, token, entry_links.SIGN_IN) is user, "who asks ends nobody's link"
    assert signing_in.enter_by_link(quick_session, second, remote="") is user
    for token in (first, second, third):
        assert entry_links.find(quick_session, token, entry_links.SIGN_IN) is None, "one entry, and all are used up"
    last = entry_links.make(quick_session, user, entry_links.SIGN_IN)
    users.disable(quick_session, user)
    assert signing_in.enter_by_link(quick_session, last, remote="") is None


# --- the team --------------------------------------------------------------------------------


def add(client: FlaskClient, **typed: str) -> TestResponse:
    given = {"login": "ines", "name": "Inès", "email": "ines@exemple.fr", "role": "contributor", "how": "invite"}
    return client.post("/admin/equipe/nouveau", data=given | typed)


def test_somebody_is_invited_chooses_a_password_and_is_in(app: Flask, marc: FlaskClient, base: db.Database) -> None:
    assert add(marc).status_code == 303
    path = shown_path(marc)
    assert marc.get("/admin/equipe/lien").status_code == 303, "shown once"
    assert "invitation jusqu’au" in said(marc.get("/admin/equipe"))
    ines = browser(app)
    assert enter(ines, "ines", "").status_code == 422 and enter(ines, "ines", "n’importe quoi").status_code == 422
    page = ines.get(path)
    assert "Bonjour Inès" in said(page) and page.headers["Cache-Control"] == "no-store"
    short = ines.post(path, data={"password": "court"})
    assert short.status_code == 422 and "au moins 10 caractères" in said(short)
    assert ines.post(path, data={"password": NEW_PASSWORD}).location == "/bureau"
    assert ines.get("/bureau").status_code == 200
    assert browser(app).post(path, data={"password": PASSWORD}).status_code == 410
    assert enter(browser(app), "ines", NEW_PASSWORD).status_code == 302


def test_what_is_wrong_with_an_account_is_said_at_its_field(marc: FlaskClient) -> None:
    assert add(marc, login="marc").status_code == 422
    for field, value, words in (
        ("login", "marc", "existe déjà"),
        ("login", "deux mots", "sans espace"),
        ("email", "pas une adresse", "adresse de courriel complète"),
        ("role", "roi", "Ce rôle n’existe pas"),
    ):
        answer = add(marc, **{field: value})
        assert answer.status_code == 422 and words in said(answer), field
        assert f'href="#{field}"' in answer.get_data(as_text=True)
    short = add(marc, how="password", password="court")
    assert short.status_code == 422 and 'value="ines"' in short.get_data(as_text=True), "what was typed is kept"
    assert add(marc, how="password", password=NEW_PASSWORD).status_code == 303
    assert "Un autre compte a déjà" in said(add(marc, login="ines2"))


def test_an_account_is_closed_and_opened_again(app: Flask, marc: FlaskClient, base: db.Database) -> None:
    claire = signed_in(app, "claire", "documentalist")
    number = account(base, "claire").id
    assert marc.post(f"/admin/equipe/{number}/fermer").status_code == 303
    assert claire.get("/bureau").status_code == 302, "her sessions end"
    assert enter(browser(app), "claire").status_code == 422
    assert marc.post(f"/admin/equipe/{number}/rouvrir").status_code == 303
    assert claire.get("/bureau").status_code == 302, "what was open then stays closed"
    assert enter(claire, "claire").status_code == 302
    assert marc.post(f"/admin/equipe/{number}/lien").status_code == 303
    assert claire.get("/bureau").status_code == 302 and enter(claire, "claire").status_code == 422, "reset"
    assert claire.post(shown_path(marc), data={"password": NEW_PASSWORD}).status_code == 302
    marc.post(f"/admin/equipe/{number}/mot-de-passe", data={"password": PASSWORD})
    assert claire.get("/bureau").status_code == 302 and enter(claire, "claire").status_code == 302


def test_two_administrators_at_one_account_do_not_overwrite_each_other(app: Flask, marc: FlaskClient) -> None:
    signed_in(app, "claire", "contributor")
    number = account(app.extensions["travee"].db, "claire").id
    seen = re.search(r'name="vu" value="([^"]+)"', marc.get(f"/admin/equipe/{number}").get_data(as_text=True))
    assert seen
    first = {"vu": seen[1], "role": "documentalist", "name": "", "email": ""}
    assert marc.post(f"/admin/equipe/{number}", data=first).status_code == 303
    second = marc.post(f"/admin/equipe/{number}", data=first | {"role": "reader"})
    assert second.status_code == 409 and "Quelqu’un a modifié ce compte" in said(second)
    assert account(app.extensions["travee"].db, "claire").role == "documentalist"


def test_there_is_always_an_administrator(session: Session) -> None:
    marc = users.add(session, "marc", PASSWORD, "admin")
    with pytest.raises(users.Invalid, match="last_admin"):
        users.disable(session, marc)
    with pytest.raises(users.Invalid, match="last_admin"):
        users.change(session, marc, role="reader", name="", email="", by="marc")
    closed = users.add(session, "luc", PASSWORD, "admin")
    users.disable(session, closed)
    with pytest.raises(users.Invalid, match="last_admin"):
        users.disable(session, marc)
    users.enable(session, closed)
    users.disable(session, marc)
    assert marc.disabled_at is not None


# --- one's own account -----------------------------------------------------------------------


def test_one_s_own_page_changes_password_preferences_and_sessions(app: Flask, base: db.Database) -> None:
    ines, elsewhere = signed_in(app, "ines", "reader"), browser(app)
    enter(elsewhere, "ines")
    wrong = ines.post("/bureau/compte/mot-de-passe", data={"present": "faux", "password": NEW_PASSWORD})
    assert wrong.status_code == 422 and "Ce n’est pas votre mot de passe actuel" in said(wrong)
    changed = ines.post("/bureau/compte/mot-de-passe", data={"present": PASSWORD, "password": NEW_PASSWORD})
    assert changed.status_code == 303
    assert ines.get("/bureau").status_code == 200 and elsewhere.get("/bureau").status_code == 302
    enter(elsewhere, "ines", NEW_PASSWORD)
    assert elsewhere.get("/bureau").status_code == 200
    assert ines.post("/bureau/compte/sessions").status_code == 303
    assert ines.get("/bureau").status_code == 200 and elsewhere.get("/bureau").status_code == 302

    page = ines.get("/bureau").get_data(as_text=True)
    assert "compact" not in page and 'data-keys="off"' not in page
    ines.post("/bureau/compte/preferences", data={"langue": "en", "compact": "oui"})
    page = ines.get("/bureau").get_data(as_text=True)
    assert '<html lang="en" class="desk compact ' in page and 'data-keys="off"' in page
    guesses = [
        ines.post("/bureau/compte/mot-de-passe", data={"present": "faux", "password": PASSWORD}).status_code
        for _try in range(signing_in.OF_ACCOUNT.most)
    ]
    assert guesses[0] == 422 and guesses[-1] == 429, "an open desk is no place to guess either"


# --- proposing to review ---------------------------------------------------------------------


def test_a_proposal_comes_back_with_a_word_and_can_be_proposed_again(app: Flask, base: db.Database) -> None:
    ines, claire = signed_in(app, "ines", "contributor"), signed_in(app, "claire", "documentalist")
    with base.write() as session:
        address = notices.create(session, MIETTES, by="ines", status="candidate").address
    assert "La ville en miettes" in said(claire.get("/bureau/a-revoir"))
    assert "Renvoyer à qui l’a proposée" in said(claire.get(f"/bureau/a-revoir/notices/{address}"))
    where = f"/bureau/a-revoir/notices/{address}/renvoyer"
    assert ines.post(where, data={"mot": "non"}).status_code == 403
    assert claire.post(where, data={"mot": " "}).location.endswith(address), "not without a word"
    assert claire.post(where, data={"mot": "Précisez la date"}).status_code == 303
    assert "renvoyée par claire : « Précisez la date »" in said(ines.get("/bureau"))
    with base.write() as session:
        found = session.scalar(select(Notice).where(Notice.address == address))
        assert found is not None and found.status == "draft"
        assert proposed.send_back(session, found, "encore", by="claire") is None
        notices.set_status(session, found, "candidate", by="ines")
        assert proposed.words_for(session, [found.id]) == {}
    claire.post(f"/bureau/a-revoir/notices/{address}", data={"action": "publish"})
    with base.read() as session:
        assert session.scalar(select(Notice.status).where(Notice.address == address)) == "published"


# --- helpers ---------------------------------------------------------------------------------


def test_a_helper_s_link_opens_one_campaign_until_its_hour(
    app: Flask, marc: FlaskClient, base: db.Database, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(entering.HOMES, "cleaning", "room")
    app._got_first_request = False

    def room() -> str:
        return f"pour {current_user.login}"

    app.add_url_rule("/salle", "room", needs_helper("cleaning")(room))
    typed = {"purpose": "cleaning", "label": "Lille", "day": "2026-03-14", "hours": "8"}
    bad = marc.post("/admin/equipe/equipiers", data=typed | {"hours": "mille"})
    assert bad.status_code == 422 and "nombre d’heures" in said(bad)
    assert marc.post("/admin/equipe/equipiers", data=typed).status_code == 303
    path = shown_path(marc)
    with base.read() as session:
        (link,) = helper_links.list_open(session)
    assert (link.purpose, link.purpose_id) == ("cleaning", 20260314)
    assert path.rsplit("/")[-1] not in str(vars(link)), "the base keeps a mark of it, not the link"

    helper = browser(app)
    assert helper.get("/salle").status_code == 302
    assert "Journée de nettoyage · Lille" in said(helper.get(path))
    assert helper.post(path, data={"prenom": " "}).status_code == 422
    assert helper.post(path, data={"prenom": "Inès"}).location == "/salle"
    assert helper.get("/salle").get_data(as_text=True) == "pour Inès (Journée de nettoyage, Lille)"
    for closed in ("/bureau", "/bureau/historique", "/admin/equipe"):
        outside = helper.get(closed)
        assert (outside.status_code, "Votre lien n’ouvre que le nettoyage" in said(outside)) == (403, True)
    assert marc.get("/salle").get_data(as_text=True) == "pour marc"

    other = browser(app)
    other.post(path, data={"prenom": "inès"})
    assert other.get("/salle").get_data(as_text=True) == "pour inès 2 (Journée de nettoyage, Lille)", "two phones"
    marc.post(f"/admin/equipe/equipiers/{link.id}/retirer")
    assert helper.get("/salle").status_code == other.get("/salle").status_code == 410, "taken back: at once"
    assert browser(app).get(path).status_code == 410
    marc.post("/admin/equipe/equipiers", data=typed)
    path = shown_path(marc)
    helper.post(path, data={"prenom": "Inès"})
    assert helper.get("/salle").get_data(as_text=True) == "pour Inès (Journée de nettoyage, Lille)", "the same phone"
    clock(timedelta(hours=8, seconds=1))
    assert helper.get("/salle").status_code == 410


# --- the journal -----------------------------------------------------------------------------


def test_the_journal_tells_who_did_what_without_a_secret(app: Flask, marc: FlaskClient) -> None:
    add(marc)
    token = shown_path(marc).rsplit("/")[-1]
    enter(browser(app), "ines", "mauvais mot")
    page = marc.get("/admin/journal")
    assert "Compte ouvert ines : Contribution" in said(page)
    assert "Connexion refusée" in said(page) and "192.0.2.7" in said(page)
    assert token not in said(page) and PASSWORD not in said(page)
    only = said(marc.get("/admin/journal?quoi=sign_in_failed"))
    assert only.count("192.0.2.7") == 1
    assert "Connexion par mot de passe" not in said(marc.get("/admin/journal?qui=ines")).split("Adresse du poste")[1]
    assert "Rien de noté" in said(marc.get("/admin/journal?qui=personne"))


def test_the_journal_goes_page_by_page_and_forgets_after_a_year(session: Session, clock: Any) -> None:
    for _line in range(audit.PER_PAGE + 5):
        audit.note(session, "signed_in", by="claire")
    first, second = (audit.list_entries(session, page=n) for n in (1, 2))
    assert (len(first.entries), first.older) == (audit.PER_PAGE, True)
    assert (len(second.entries), second.older) == (5, False)
    clock(timedelta(days=364))
    assert audit.erase_old(session) == 0
    clock(timedelta(days=2))
    audit.note(session, "signed_in", by="marc")
    assert audit.erase_old(session) == audit.PER_PAGE + 5
    assert [e.login for e in audit.list_entries(session).entries] == ["marc"]
    with pytest.raises(ValueError, match="gossip"):
        audit.note(session, "gossip")


# --- the command line ------------------------------------------------------------------------


def run(settings: Settings, *words: str, typed: str | None = None) -> tuple[int, Any]:
    done = CliRunner().invoke(main, [*words, "--json"], env={"TRAVEE_DATA_DIR": str(settings.data_dir)}, input=typed)
    return done.exit_code, json.loads(done.stdout)


def test_accounts_from_the_command_line(app: Flask, settings: Settings) -> None:
    code, told = run(settings, "user", "add", "marc", "--role", "admin")
    assert code == 1 and "--password-stdin" in told["error"], "no terminal: a sentence, and no warning of Python's"
    assert run(settings, "user", "add", "marc", "--role", "admin", "--password-stdin", typed=PASSWORD)[0] == 0
    code, told = run(settings, "user", "invite", "ines", "--role", "contributor", "--email", "ines@exemple.fr")
    assert code == 0 and told["link"].startswith("/invitation/")
    assert browser(app).post(told["link"], data={"password": NEW_PASSWORD}).status_code == 302
    assert run(settings, "user", "invite", "personne")[0] == 1
    assert "seul compte d’administration" in run(settings, "user", "disable", "marc")[1]["error"]
    assert run(settings, "user", "disable", "ines")[0] == 0
    assert enter(browser(app), "ines", NEW_PASSWORD).status_code == 422
    assert run(settings, "user", "invite", "ines")[0] == 1
    assert run(settings, "user", "enable", "ines")[0] == 0
    assert enter(browser(app), "ines", NEW_PASSWORD).status_code == 302
    _code, told = run(settings, "user", "list")
    assert [(u["login"], u["role"], u["disabled"]) for u in told["users"]] == [
        ("ines", "contributor", False),
        ("marc", "admin", False),
    ]
