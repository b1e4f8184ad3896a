"""Whoever works here knows where things stand: what became of a proposal, whom to ask, where letters go out from."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from catalogue import (
    backup_plan,
    cataloguing,
    db,
    handover,
    history,
    mail,
    nights,
    notices,
    on_screen,
    ordinary_week,
    proposed,
    remembered,
    users,
)
from catalogue import today as today_
from catalogue.config import Settings
from catalogue.inbox_pages import lists
from catalogue.models import Notice, Source
from catalogue.schedule import Schedule
from tests.cast import MIETTES
from tests.conftest import PASSWORD
from tests.mailbox import Mailbox
from tests.test_handover import PARIS


def person(app: Flask, login: str, role: str, **more: str) -> FlaskClient:
    with app.extensions["travee"].db.write() as session:
        users.add(session, login, PASSWORD, role, **more)
    made = app.test_client()
    made.post("/connexion", data={"login": login, "password": PASSWORD})
    return made


def proposal(session: Session, login: str) -> Notice:
    lot = history.open_batch(session, "propose", by=login)
    return notices.create(session, MIETTES, by=login, status="candidate", batch=lot)


def told(session: Session, login: str) -> dict[str, today_.Card]:
    page = today_.today(session, login, local=db.now().astimezone(PARIS), sees_inbox=False)
    return {card.key: card for card in (*page.cards, *page.more)}


# --- what became of a proposal ---------------------------------------------------------------


def test_who_proposed_follows_it_until_somebody_has_decided(quick_session: Session) -> None:
    session = quick_session
    users.add(session, "ines", PASSWORD, "contributor", name="Inès")
    users.add(session, "claire", PASSWORD, "documentalist", name="Claire")
    notice = proposal(session, "ines")
    card = told(session, "ines")["proposed"]
    assert (card.figure, card.entries[0].address) == (1, notice.address)
    assert card.entries[0].detail.startswith("attend depuis le ")
    assert "proposed" not in told(session, "claire"), "what others have proposed is in « À revoir »"

    cataloguing.decide(session, notice, "publish", by="claire")
    (entry,) = told(session, "ines")["proposed"].entries
    assert entry.detail.startswith("publiée par Claire, le ")
    assert entry.page == "history", "she may not write in it any more"
    later = db.now() + timedelta(days=31)
    assert proposed.of_person(session, "ines", since=later) == [], "it is no news for ever"


def test_what_was_put_aside_is_told_and_what_one_published_oneself_is_not(quick_session: Session) -> None:
    session = quick_session
    aside, mine = proposal(session, "ines"), proposal(session, "ines")
    cataloguing.decide(session, aside, "put_aside", by="claire")
    cataloguing.decide(session, mine, "publish", by="ines")
    (one,) = proposed.of_person(session, "ines", since=db.now() - timedelta(days=1))
    assert (one.notice.id, one.decided_by) == (aside.id, "claire")


def test_a_review_says_who_proposes_and_of_what_sort_new_notices_are(quick_session: Session) -> None:
    session = quick_session
    users.add(session, "ines", PASSWORD, "contributor", name="Inès")
    proposal(session, "ines")
    (section,) = lists.to_review(session).sections
    assert section.entries[0].detail == "proposée par Inès"
    assert section.meaning == lists.MEANINGS["proposed"]


# --- one's place, and the way back -----------------------------------------------------------


def test_a_page_that_is_not_yours_says_whom_to_ask_and_leads_back(app: Flask, claire: FlaskClient) -> None:
    ines = person(app, "ines", "contributor")
    with app.extensions["travee"].db.write() as session:
        published = notices.create(session, MIETTES, by="claire", status="published").address
        proposal(session, "ines")
    refused = ines.get("/bureau/a-revoir")
    assert refused.status_code == 403
    assert "À qui demander : claire." in refused.text
    assert re.search(r'href="/bureau">\s*Revenir au bureau', refused.text)
    assert 'role="search"' not in refused.text.split("<main", 1)[1], "the public search is no answer"
    assert "marc" not in refused.text

    seen = ines.get(f"/bureau/notices/{published}", follow_redirects=True).text
    assert "vous en voyez l’histoire" in seen
    assert "vous en voyez l’histoire" not in claire.get(f"/bureau/notices/{published}/historique").text
    page = claire.get("/bureau").text
    assert re.search(r'href="/bureau/a-revoir\?genre=nouvelles">1 nouvelle notice<', page), "each line leads there"


def test_on_a_phone_the_page_begins_at_once_and_the_menu_opens_by_keyboard(
    claire: FlaskClient, live_server: str, browser_page: Any
) -> None:
    page = browser_page
    page.goto(f"{live_server}/connexion")
    page.fill("[name=login]", "claire")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/bureau")
    assert page.get_by_role("link", name="Réglages").is_visible()
    assert not page.locator("summary", has_text="Menu").is_visible()
    page.set_viewport_size({"width": 360, "height": 740})
    header = page.locator("body > header")
    assert header.bounding_box()["height"] <= 150
    assert page.get_by_role("link", name="Réglages").count() == 0, "folded, and out of the way of the keyboard"
    page.locator("summary", has_text="Menu").press("Enter")
    for words in ("Réglages", "Historique et annulations", "Site public"):
        assert page.get_by_role("link", name=words).is_visible()
    assert page.get_by_role("button", name="Se déconnecter").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert Axe().run(page, context="header").response["violations"] == []
    page.get_by_role("link", name="Réglages").click()
    page.wait_for_url("**/admin")


# --- mail, and what the machine sets ---------------------------------------------------------


@pytest.fixture
def marc(app: Flask) -> FlaskClient:
    return person(app, "marc", "admin", email="marc@exemple.fr")


def test_mail_is_set_on_screen_tried_at_once_and_its_password_never_shown(
    app: Flask, marc: FlaskClient, claire: FlaskClient
) -> None:
    travee = app.extensions["travee"]
    assert "Aucun serveur de courriel" in marc.get("/admin/machine").text
    assert claire.get("/admin/machine").status_code == 403
    claire.post("/admin/centre", data=on_screen.values(travee.settings) | {"mail_url": "smtp://ailleurs.exemple.fr"})
    assert not travee.settings.mail_url, "not from the other page"
    with Mailbox(users={"doc": "se cret"}) as mailbox:
        given = {"mail_url": mailbox.url.replace("//", "//doc@"), "mot_de_passe": "se cret"}
        page = marc.post("/admin/machine", data=given, follow_redirects=True).text
        assert "Les réglages sont enregistrés" in page
        assert "cret" not in page
        again = marc.post("/admin/machine", data={"mail_url": given["mail_url"]}, follow_redirects=True).text
        assert "Rien n’avait changé" in again, "an empty password leaves the one that is kept"
        assert "est parti à marc@exemple.fr" in marc.post("/admin/machine/essai", follow_redirects=True).text
        assert [letter["To"] for letter in mailbox.letters] == ["marc@exemple.fr"]
    assert "n’est pas parti" in marc.post("/admin/machine/essai", follow_redirects=True).text
    wrong = marc.post("/admin/machine", data={"mail_url": "ftp://x:secret@y", "base_url": "catalogue"})
    assert wrong.status_code == 422
    assert 'id="mail_url-erreur"' in wrong.text
    assert 'id="base_url-erreur"' in wrong.text
    assert "secret" not in wrong.text
    assert "TRAVEE_TIMEZONE" in wrong.text


def test_a_kept_password_never_goes_to_another_server() -> None:
    kept = "smtp://doc:se%20cret@smtp.exemple.fr:587?from=doc@exemple.fr"
    shown = mail.without_password(kept)
    assert mail.with_password(shown, "", before=kept) == kept
    for other in ("smtp://doc@ailleurs.fr:587?from=a@b.fr", "smtp://eve@smtp.exemple.fr:587?from=a@b.fr"):
        assert mail.with_password(other, "", before=kept) == other
    assert mail.with_password(shown + "&tls=no", "", before=kept) == shown + "&tls=no", "nor in the clear"


@given(st.text(min_size=1, max_size=30))
def test_any_password_is_understood_and_hidden(password: str) -> None:
    url = mail.with_password("smtp://doc@smtp.exemple.fr?from=a@b.fr", password)
    assert mail.parse_url(url).password == password
    assert mail.without_password(url) == "smtp://doc@smtp.exemple.fr?from=a@b.fr"


def test_no_secret_is_among_what_the_machine_says() -> None:
    settings = Settings(_env_file=None, secret_key="k3y", oidc_client_secret="s3cret", database_url="sqlite:///p4ss")
    said = " ".join(one.value for one in on_screen.of_machine(settings))
    assert "Europe/Paris" in said
    assert not re.search("k3y|s3cret|p4ss", said)


def test_each_source_s_item_profile_is_a_setting(app: Flask, claire: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        session.add(Source(name="RECI", kind="file", profile={"items": "koha"}))
        session.add(Source(name="ancien", kind="file", profile={"items": {"tag": "995"}}))
    assert 'href="/admin/profils"' in claire.get("/admin").text
    page = claire.get("/admin/profils").text
    assert re.search(r'/bureau/sources/RECI".*?Koha', page, re.S)
    assert re.search(r'/bureau/sources/ancien".*?une table écrite pour elle', page, re.S)


# --- taking the post over --------------------------------------------------------------------

NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)  # a Wednesday


def test_a_week_is_what_the_schedules_say_and_what_people_did(quick_session: Session) -> None:
    session = quick_session
    users.add(session, "claire", PASSWORD, "documentalist")
    reci = Source(name="RECI", kind="oai", url="https://reci.exemple.org/oai")
    session.add(reci)
    session.flush()
    nights.set_schedule(session, reci.id, Schedule(on=True, hour=3, days=(1,), full_day=None))
    for _n in range(16):
        notices.create(session, MIETTES, by="claire", status="draft")
    week = ordinary_week.read(session, db.now(), PARIS)
    assert week.days[0] == ("chaque jour", ("sauvegarde, vers 2 h",))
    ((day, (words,)),) = week.days[1:]
    assert day == "mardi"
    assert words.startswith("moisson de RECI, à 3 h")
    assert week.done == ("Création : 2",)


def test_a_backup_that_is_missing_is_a_thing_to_worry_about(quick_session: Session) -> None:
    session = quick_session

    def said() -> str:
        (line,) = [one for one in handover.read(session, NOON, PARIS).alone if one.page == "backups"]
        return line.words

    assert "La première se fera vers 2 h" in said()
    remembered.write(session, backup_plan.LAST, (NOON - timedelta(hours=9)).isoformat())
    assert "administrateur" not in said()
    remembered.write(session, backup_plan.LAST, (NOON - timedelta(days=9)).isoformat())
    assert "trop vieux" in said()
    backup_plan.write(session, backup_plan.Plan(on=False))
    assert "Aucune sauvegarde" in said()


def test_drafts_left_behind_are_a_click_away(app: Flask, claire: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        address = notices.create(session, MIETTES, by="marc", status="draft").address
    assert f'href="/bureau/notices/{address}"' in claire.get("/bureau/reprise").text


def test_the_printed_inventory_speaks_the_language_of_who_asks(app: Flask, claire: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        user = users.find(session, "claire")
        assert user is not None
        users.set_preferences(session, user, language="en", compact=False, keys=True)
    page = claire.get("/bureau/inventaire/imprimer").text
    assert "Inventory" in page
    assert "Inventaire" not in page
