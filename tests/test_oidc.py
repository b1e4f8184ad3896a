"""Signing in with the centre's own accounts: a small OpenID provider of ours, real HTTP, signed tokens, and lies."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from catalogue import signing_in, users
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.models import AuditEntry, User
from catalogue.web import oidc
from tests.conftest import PASSWORD
from tests.test_people import browser, enter, said


class Provider(ThreadingHTTPServer):
    """One person may sign in there; `says` is put over what the token would say, `metadata` over what it says of
    itself. What it is asked is kept."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.key, self.kid = ECKey.generate_key("P-256"), "k1"
        self.shown_key: ECKey = self.key
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.says: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.user_info: dict[str, Any] = {}
        self.asked: dict[str, str] = {}  # of the authorization
        self.traded: dict[str, str] = {}
        self.basic = ""
        self.refuses = False
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def sign_in(self, address: str) -> str:
        """What a person's browser does there: it is asked, they agree, it is sent back."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/authorize"
        self.asked = dict(parse_qsl(parts.query))
        return f"/connexion/organisme/retour?code=c0de&state={self.asked['state']}"

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "marchand-77", "aud": "travee", "exp": now + 300, "iat": now}
        claims |= {"nonce": self.asked["nonce"], "email": "Claire@exemple.fr", "email_verified": True} | self.says
        header = {"alg": "ES256", "kid": self.kid}
        return jwt.encode(header, {k: v for k, v in claims.items() if v is not None}, self.key)


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        us = self.server
        if self.path == "/.well-known/openid-configuration":
            known = {"issuer": us.url, "authorization_endpoint": f"{us.url}/authorize"}
            known |= {"token_endpoint": f"{us.url}/token", "jwks_uri": f"{us.url}/keys"}
            return self.say(known | {"userinfo_endpoint": f"{us.url}/me"} | us.metadata)
        if self.path == "/keys":
            return self.say({"keys": [us.shown_key.as_dict(private=False) | {"kid": us.kid, "use": "sig"}]})
        if self.path == "/me" and self.headers["Authorization"] == "Bearer access":
            return self.say(us.user_info)
        return self.say({}, 404)

    def do_POST(self) -> None:
        us = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        us.traded, us.basic = dict(parse_qsl(body)), self.headers["Authorization"] or ""
        proof = base64.urlsafe_b64encode(hashlib.sha256(us.traded["code_verifier"].encode()).digest()).decode()
        if us.refuses or us.traded["code"] != "c0de" or proof.rstrip("=") != us.asked["code_challenge"]:
            return self.say({"error": "invalid_grant"}, 400)
        return self.say({"access_token": "access", "token_type": "Bearer", "id_token": us.token()})

    def say(self, document: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    server = Provider()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def provider(running: Provider, app: Flask) -> Provider:
    """As a centre sets it up: an account has been opened for Claire, with her address."""
    running.says, running.metadata, running.user_info, running.refuses = {}, {}, {}, False
    running.shown_key = running.key
    settings = app.extensions["travee"].settings
    settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret = running.url, "travee", "s€cret"
    settings.oidc_label = "le compte de l’IREV"
    with app.extensions["travee"].db.write() as session:
        users.add(session, "claire", None, "documentalist", email="claire@exemple.fr")
    return running


def through(client: FlaskClient, provider: Provider, asked: str = "/connexion/organisme") -> TestResponse:
    """There and back."""
    away = client.get(asked)
    assert away.status_code == 302, said(away)
    return client.get(provider.sign_in(away.location))


def test_claire_signs_in_with_the_account_of_her_organisation(app: Flask, provider: Provider) -> None:
    client = browser(app)
    page = client.get("/connexion?suite=/bureau/historique").get_data(as_text=True)
    assert "Se connecter avec le compte de l’IREV" in page
    link = re.search(r'href="(/connexion/organisme[^"]*)"', page)
    assert link
    entered = through(client, provider, link[1])
    assert (entered.status_code, entered.location) == (302, "/bureau/historique")
    assert client.get("/bureau").status_code == 200
    assert provider.asked["code_challenge_method"] == "S256" and len(provider.asked["state"]) >= 32
    assert provider.asked["scope"].split()[0] == "openid"
    secret = base64.b64decode(provider.basic.removeprefix("Basic "))
    assert secret == b"travee:s%E2%82%ACcret" and "client_secret" not in provider.traded
    assert provider.traded["redirect_uri"] == "http://localhost/connexion/organisme/retour"

    # Known from then on by who she is there, whatever becomes of her address.
    provider.says = {"email": "autre@exemple.fr", "email_verified": False}
    assert through(browser(app), provider).status_code == 302
    with app.extensions["travee"].db.read() as session:
        assert len(users.list_users(session)) == 1
        kinds = list(session.scalars(select(AuditEntry.what).where(AuditEntry.login == "claire")))
    assert kinds == ["provider_linked", "signed_in_by_provider", "signed_in_by_provider"]


def test_the_address_may_come_from_the_user_information(app: Flask, provider: Provider) -> None:
    provider.says = {"email": None, "email_verified": None}
    provider.user_info = {"sub": "somebody else", "email": "claire@exemple.fr", "email_verified": True}
    assert through(browser(app), provider).status_code == 422
    provider.user_info["sub"] = "marchand-77"
    assert through(browser(app), provider).status_code == 302


# What a token says over what it should, and what the log then complains of.
LIES: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://ailleurs.example"}, "iss"),
    ({"aud": "another"}, "aud"),
    ({"aud": ["travee", "another"], "azp": "another"}, "azp"),
    ({"nonce": "of another exchange"}, "nonce"),
    ({"nonce": None}, "nonce"),
    ({"exp": int(time.time()) - 3600}, "expired"),
    ({"exp": None}, "exp"),
    ({"iat": int(time.time()) + 3600}, "future"),
    ({"sub": None}, "sub"),
]


def test_a_token_that_is_not_to_be_believed_opens_nothing(
    app: Flask, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    for lie, complaint in LIES:
        provider.says, client = lie, browser(app)
        caplog.clear()
        answer = through(client, provider)
        assert answer.status_code == 422 and "n’a pas pu être vérifiée" in said(answer), lie
        assert re.search(rf"not to be believed: .*\b{complaint}", caplog.text), (lie, caplog.text)
        assert client.get("/bureau").status_code == 302, lie
    with app.extensions["travee"].db.read() as session:
        assert [u.oidc_subject for u in users.list_users(session)] == [None], "nobody was made, nobody linked"


def test_an_address_that_is_not_verified_or_not_known_lets_nobody_in(app: Flask, provider: Provider) -> None:
    unproved = {"email_verified": False}, {"email_verified": None}, {"email": "inconnue@exemple.fr"}, {"email": None}
    for told in unproved:
        provider.says, provider.user_info, client = told, {"sub": "marchand-77"}, browser(app)
        answer = through(client, provider)
        assert answer.status_code == 403 and "Aucun compte d’ici n’est le vôtre" in said(answer), told
        assert client.get("/bureau").status_code == 302, told
    with app.extensions["travee"].db.read() as session:
        assert [u.oidc_subject for u in users.list_users(session)] == [None]


def test_a_token_signed_by_another_is_refused(app: Flask, provider: Provider) -> None:
    provider.shown_key = ECKey.generate_key("P-256")
    assert through(browser(app), provider).status_code == 422


def test_a_provider_under_another_name_or_off_https_is_refused(app: Flask, provider: Provider) -> None:
    for wrong in (
        {"issuer": "https://ailleurs.example"},
        {"token_endpoint": "http://ailleurs.example/token"},
        {"jwks_uri": None},
    ):
        provider.metadata = wrong
        assert browser(app).get("/connexion/organisme").status_code == 422, wrong


def test_an_answer_that_nobody_asked_for_opens_nothing(app: Flask, provider: Provider) -> None:
    client = browser(app)
    assert "Recommencez" in said(client.get("/connexion/organisme/retour?code=c0de&state=x"))
    away = client.get("/connexion/organisme").location
    back = provider.sign_in(away)
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert client.get(back.replace(state, "forged")).status_code == 422
    assert client.get(back).status_code == 422, "an exchange is good once"
    assert client.get("/bureau").status_code == 302
    client.get("/connexion/organisme")
    refused = client.get("/connexion/organisme/retour?error=access_denied&state=x")
    assert refused.status_code == 422 and "Vous n’avez pas autorisé" in said(refused)
    provider.refuses = True
    assert through(client, provider).status_code == 422


def test_a_provider_that_is_down_leaves_the_password(app: Flask, provider: Provider) -> None:
    app.extensions["travee"].settings.oidc_issuer = "http://127.0.0.1:9"
    with app.extensions["travee"].db.write() as session:
        users.add(session, "marc", PASSWORD, "admin")
    client = browser(app)
    answer = client.get("/connexion/organisme")
    assert answer.status_code == 502 and "ne répond pas" in said(answer)
    assert enter(client, "marc").status_code == 302


def test_who_was_not_written_down_gets_no_account_and_a_closed_one_stays_closed(quick_session: Session) -> None:
    def come(subject: str, email: str, verified: bool = True) -> User | None:
        return signing_in.enter_by_provider(quick_session, subject, email, verified=verified, remote="")

    claire = users.add(quick_session, "claire", None, "documentalist", email="claire@exemple.fr")
    assert come("i 1", "") is None and come("i 1", "marc@exemple.fr") is None
    assert come("i 1", "claire@exemple.fr") is claire
    assert come("i 2", "claire@exemple.fr") is None, "another person of the provider with her address"
    users.disable(quick_session, claire)
    assert come("i 1", "claire@exemple.fr") is None
    assert quick_session.scalars(select(User)).all() == [claire]


def test_without_the_extra_there_is_no_button_and_the_check_says_why(
    app: Flask, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "find_spec", lambda _name: None)
    client = browser(app)
    assert "IREV" not in client.get("/connexion").get_data(as_text=True)
    assert (
        client.get("/connexion/organisme").status_code == client.get("/connexion/organisme/retour").status_code == 404
    )
    surroundings = {"TRAVEE_DATA_DIR": str(app.extensions["travee"].settings.data_dir)}
    surroundings |= {"TRAVEE_OIDC_ISSUER": provider.url, "TRAVEE_OIDC_CLIENT_ID": "travee"}
    done = CliRunner().invoke(main, ["check"], env=surroundings)
    assert done.exit_code == 1 and "travee[oidc]" in done.output


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"oidc_issuer": "https://sso.exemple.fr"}, "vont ensemble"),
        ({"oidc_issuer": "http://sso.exemple.fr", "oidc_client_id": "t"}, "https://"),
        ({"oidc_issuer": "sso.exemple.fr", "oidc_client_id": "t"}, "n’est pas une adresse"),
        ({"oidc_issuer": "https://sso.exemple.fr", "oidc_client_id": "t"}, ""),
    ],
)
def test_settings_that_cannot_work_are_told(given: dict[str, Any], words: str) -> None:
    told = oidc.amiss(Settings(_env_file=None, **given))
    assert words in told if words else told == ""
