"""Signing in, headers, cookies, counting: what holds for every page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from catalogue import activity, db, notices, setup, users
from catalogue.app import create_app
from catalogue.config import Settings
from tests.cast import MIETTES
from tests.conftest import BROWSER_AGENT, PASSWORD


def publish(app: Flask) -> str:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        address = notices.create(session, MIETTES, by="claire", status="published").address
    travee.drain()
    return address


def views(app: Flask) -> int:
    travee = app.extensions["travee"]
    travee.flush_counts()
    today = db.now().date()
    with travee.db.read() as session:
        return activity.total(session, "view", today - timedelta(days=1), today)


@pytest.fixture
def guarded(settings: Settings) -> Flask:
    """The application as it is served: CSRF and rate limits on."""
    setup.init(settings)
    app = create_app(settings.model_copy(update={"testing": False, "base_url": "https://doc.exemple.fr"}))
    with app.extensions["travee"].db.write() as session:
        users.add(session, "claire", PASSWORD, "documentalist")
    return app


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def test_it_says_that_it_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ok", "database": True, "index": True}


@pytest.mark.parametrize("path", ["/", "/en/", "/recherche?q=ville", "/connexion", "/nulle-part"])
def test_every_page_is_strict_about_what_it_loads(client: FlaskClient, path: str) -> None:
    answer = client.get(path, follow_redirects=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    page = answer.get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", page), "no script inside the page"
    assert not re.search(r"\sstyle=|\son\w+=|<style", page), "no style or handler inside the page"
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//(?!127\.0\.0\.1|localhost)""", page) or path == "/"


def test_signing_in_needs_the_form_s_token_and_sets_a_careful_cookie(guarded: Flask) -> None:
    client = guarded.test_client()
    fields = {"login": "claire", "password": PASSWORD}
    base = "https://doc.exemple.fr"
    assert client.post("/connexion", data=fields, base_url=base).status_code == 400
    page = client.get("/connexion", base_url=base).get_data(as_text=True)
    fields["csrf_token"] = token_in(page)
    answer = client.post("/connexion", data=fields, base_url=base, headers={"Referer": base + "/connexion"})
    assert answer.status_code == 302
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("session="))
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "SameSite=Lax" in cookie


def test_guessing_is_slowed_down(guarded: Flask) -> None:
    client = guarded.test_client()
    base = "https://doc.exemple.fr"
    token = token_in(client.get("/connexion", base_url=base).get_data(as_text=True))
    data = {"login": "claire", "password": "une erreur", "csrf_token": token}
    codes = [
        client.post("/connexion", data=data, base_url=base, headers={"Referer": base + "/"}).status_code
        for _try in range(12)
    ]
    assert codes[0] == 422
    assert codes[-1] == 429


@pytest.mark.parametrize(
    ("asked", "sent"),
    [("/bureau/historique", "/bureau/historique"), ("//ailleurs.example", "/bureau"), ("https://a.example", "/bureau")],
)
def test_after_signing_in_one_lands_here_and_nowhere_else(
    app: Flask, claire: FlaskClient, asked: str, sent: str
) -> None:
    client = app.test_client()
    answer = client.post("/connexion", query_string={"suite": asked}, data={"login": "claire", "password": PASSWORD})
    assert answer.headers["Location"].rstrip("/") == sent


def test_the_desk_asks_who_one_is(client: FlaskClient) -> None:
    answer = client.get("/bureau/historique")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/connexion?suite=")


def test_a_new_password_ends_open_sessions(app: Flask, claire: FlaskClient) -> None:
    assert claire.get("/bureau").status_code == 200
    with app.extensions["travee"].db.write() as session:
        found = users.find(session, "claire")
        assert found is not None
        users.set_password(session, found, "une-autre-phrase-longue")
    assert claire.get("/bureau").status_code == 302


def test_visitors_are_counted_robots_and_staff_are_not(app: Flask, client: FlaskClient, claire: FlaskClient) -> None:
    address = publish(app)
    assert client.get(f"/d/{address}").status_code == 200
    assert views(app) == 1
    claire.get(f"/d/{address}")
    robot = app.test_client()
    robot.get(f"/d/{address}", headers={"User-Agent": "Googlebot/2.1"})
    assert views(app) == 1


def test_counts_wait_when_the_base_is_busy(app: Flask, client: FlaskClient) -> None:
    address = publish(app)
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        session.connection()
        assert client.get(f"/d/{address}", headers={"User-Agent": BROWSER_AGENT}).status_code == 200
    assert views(app) == 1
