"""Every page of the desk, found by following its links: readable by all, at any size, in both languages.

One page a kind (an endpoint) is looked at; a kind that no link leads to must be named below, with why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.exceptions import HTTPException

from catalogue import db, notices, periodicals, users, visits
from catalogue.models import Agent, ClassificationEntry, DigitalDocument, Source
from tests.cast import GAZETTE, MIETTES
from tests.conftest import BROWSER_AGENT, PASSWORD
from tests.test_public import Library, library

__all__ = ["library"]
SURFACES = ("/bureau", "/admin")
TABBED = ("desk_authorities.list",)  # one address, several pages
KINDS = 60  # of pages that links lead to in this base; others need an import, a harvest or a lot under way
HEAVY = 60_000  # bytes of a page (UX.md, section 7)


@pytest.fixture
def at_work(app: Flask, library: Library) -> Flask:
    """A base where something of everything has happened."""
    with app.extensions["travee"].db.write() as session:
        users.add(session, "marc", PASSWORD, "admin")
        visits.request(session, subject="visit", name="Inès", email="ines@exemple.fr", message="Mardi ?")
        notices.create(session, MIETTES, by="ines", status="candidate")
        session.add(Agent(type="person", name="Dumas, Agnès", sort_key="dumas agnes", heading=[["a", "Dumas"]]))
        session.add(ClassificationEntry(plan="Notre plan", number="364.4", number_key="364.4", label="Prévention"))
        session.add(Source(name="Partenaire", kind="oai", url="https://partenaire.exemple.org/oai"))
        when = db.now() - timedelta(days=9)
        notice = notices.create(session, GAZETTE, by="marc", status="published")
        link = {"url": "https://exemple.org/mort", "fault": "http.gone", "alive": False}
        session.add(DigitalDocument(notice_id=notice.id, failing_since=when, checked_at=db.now(), **link))
        periodicals.subscribe(session, notice, {"frequency": "monthly", "starts_on": when.date()}, by="marc", version=0)
    return app


def kinds(app: Flask) -> set[str]:
    """The endpoints of the desk that answer a page to who asks without a form."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(SURFACES) and "GET" in (rule.methods or ())
    }


def endpoint(app: Flask, address: str) -> str:
    try:
        found: str = app.url_map.bind("").match(urlsplit(address).path, method="GET")[0]
    except HTTPException:
        return ""
    return found


def walk(page: Page, app: Flask, base: str) -> Iterator[str]:
    """One page of each kind, each open before the eyes of who asks."""
    waiting, seen = [f"{base}/bureau"], set()
    while waiting:
        address = waiting.pop(0)
        kind = endpoint(app, address)
        if kind in TABBED:
            kind += "?" + urlsplit(address).query
        if kind in seen:
            continue
        seen.add(kind)
        answer = page.request.get(address)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        page.goto(address)
        yield kind
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
        for link in links:
            target = urljoin(address, link)
            if urlsplit(target).path.startswith(SURFACES) and target.startswith(base):
                waiting.append(target)


def sign_in(page: Page, base: str) -> None:
    page.goto(f"{base}/connexion")
    page.get_by_label("Identifiant").fill("marc")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/bureau")


LOOKS = [
    pytest.param("fr", 1366, "light", id="french, wide, light"),
    pytest.param("en", 360, "dark", id="english, phone, dark", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_is_clean_light_and_fits(
    browser: Browser,
    live_server: str,
    at_work: Flask,
    language: str,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 768}, color_scheme=scheme, user_agent=BROWSER_AGENT
    )
    page = context.new_page()
    sign_in(page, live_server)
    with at_work.extensions["travee"].db.write() as session:
        user = users.find(session, "marc")
        assert user is not None
        user.language = language
    faults: list[str] = []
    seen = set()
    for kind in walk(page, at_work, live_server):
        seen.add(kind)
        faults += look(page, kind, language)
    assert faults == []
    assert len(seen) >= KINDS, f"only {len(seen)} kinds of pages were met: {sorted(kinds(at_work) - seen)} were not"
    context.close()


def look(page: Page, kind: str, language: str) -> Iterator[str]:
    where = f"{kind} {urlsplit(page.url).path}"
    if page.locator("html").get_attribute("lang") != language:
        yield f"{where}: not in {language}"
    if page.locator("h1").count() != 1:
        yield f"{where}: {page.locator('h1').count()} h1"
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    yield from (f"{where}: {v['id']} {n['target']} {n['html'][:120]}" for v in found for n in v["nodes"])
    size = len(page.content().encode())
    if size > HEAVY:
        yield f"{where}: {size} bytes"
    width = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        yield f"{where}: scrolls sideways at 320 px"
    if width:
        page.set_viewport_size(width)
