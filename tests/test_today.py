"""The first page of the morning: the worst first, five at most, each leading to an act; and the keys of the desk."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import (
    backup_plan,
    db,
    handover,
    history,
    items,
    notices,
    periodicals,
    proposed,
    remembered,
    users,
    visits,
)
from catalogue import today as today_
from catalogue.cleaning import looking
from catalogue.handover import Line
from catalogue.models import Batch, CleaningGroup, DigitalDocument, Item, KeptForm, Run
from catalogue.today import Card
from catalogue.unimarc import RecordItem
from tests.cast import GAZETTE, MIETTES, notice
from tests.conftest import PASSWORD
from tests.test_handover import PARIS
from tests.test_lots import statements
from tests.test_proposals import reci

MORNING = datetime(2026, 3, 20, 8, 30, tzinfo=UTC)


def read(session: Session, at: datetime = MORNING, **more: bool) -> today_.Today:
    return today_.today(session, "claire", local=at.astimezone(PARIS), **{"sees_inbox": True, **more})


def cards(session: Session, at: datetime = MORNING) -> dict[str, Card]:
    page = read(session, at)
    return {card.key: card for card in (*page.cards, *page.more)}


def neglected(session: Session) -> None:
    """Everything there can be to see to."""
    made = notices.create(session, MIETTES, by="claire", status="published")
    lot = history.open_batch(session, "copy", by="claire")
    items.add_many(session, [(made.id, RecordItem(barcode="B1"))], batch=lot)
    item = session.scalars(select(Item)).one()
    items.revise(session, item, {"status": "on_loan", "lent_until": MORNING.date() - timedelta(days=9)}, by="claire")
    serial = notices.create(session, GAZETTE, by="claire", status="published")
    said = {"frequency": "monthly", "starts_on": MORNING.date() - timedelta(days=100), "ends_on": None}
    periodicals.subscribe(
        session, serial, {**said, "supplier": "", "note": "", "off_months": []}, by="claire", version=0
    )
    for number, dated in (("48", "2025-12"), ("49", "2026-01")):
        periodicals.receive(session, [periodicals.Arrival(serial.id, number, dated)], by="claire")
    session.add(
        DigitalDocument(notice_id=made.id, url="https://exemple.fr/a", alive=False, fault="gone", failing_since=MORNING)
    )
    session.add_all(
        CleaningGroup(task="doublons", key=f"k{n}", state="done", done_by="ines", done_at=MORNING - timedelta(days=1))
        for n in range(3)
    )
    session.add(Run(source_id=reci(session).id, kind="harvest", started_at=MORNING, status="complete", counts={}))
    at = MORNING - timedelta(days=2)
    remembered.write(session, f"{looking.COUNTED}doublons", {"n": 10, "at": at.isoformat()})
    remembered.write(session, backup_plan.TROUBLE, "disque plein")
    session.add(KeptForm(login="claire", place="/bureau/notices/abcdefgh", title="Un rapport", kept_at=MORNING))
    visits.request(session, subject="visit", name="Inès", email="ines@example.org", message="Mardi ?")
    session.flush()


def test_a_neglected_base_has_five_cards_the_worst_first_and_the_others_in_a_line(quick_session: Session) -> None:
    neglected(quick_session)
    page = read(quick_session)
    assert [card.key for card in page.cards] == ["backup", "inbox", "following", "cleaning", "drafts"]
    assert page.cards[0].urgent and "disque plein" in page.cards[0].sentences[0]
    assert [card.key for card in page.more] == ["harvest"], "the month is read another day"
    assert not page.quiet
    found = {one.page: one.words for one in page.cards[2].matters}
    assert found["loans"] == "1 exemplaire aurait dû revenir"
    assert re.fullmatch(r"\d+ numéros? attendus? .*venus?", found["periodicals"])
    assert found["links"] == "1 lien ne répond plus"
    assert [one.words for one in page.cards[3].matters] == ["Doublons : 3/10 faits, à suivre"]
    assert [(one.title, one.page) for one in page.cards[4].entries] == [("Un rapport", "begun")]


def test_it_costs_few_questions_however_much_there_is_to_do(quick_session: Session) -> None:
    neglected(quick_session)
    with statements(quick_session) as said:
        read(quick_session)
    assert len(said) <= 32, "\n".join(said)


def test_a_draft_that_came_back_is_first_with_its_word(quick_session: Session) -> None:
    session = quick_session
    one = notices.create(session, notice("Le rapport"), by="claire", status="candidate")
    proposed.send_back(session, one, "Il manque le résumé.", by="marc")
    notices.create(session, notice("Plus récent"), by="claire")
    drafts = cards(session)["drafts"]
    assert [(entry.title, "résumé" in entry.detail) for entry in drafts.entries] == [
        ("Le rapport", True),
        ("Plus récent", False),
    ]
    assert not read(session).quiet


def test_the_month_is_read_beside_the_same_one_a_year_ago_and_files_are_no_work_of_it(quick_session: Session) -> None:
    session = quick_session
    for title, day, kind in (
        ("a", MORNING.replace(year=2024), "create"),
        ("b", MORNING.replace(year=2025, day=30), "create"),
        ("c", MORNING - timedelta(days=2), "publish"),
        ("d", MORNING - timedelta(days=1), "import"),
    ):
        batch = history.open_batch(session, kind, by="claire")
        batch.at = day
        notices.create(session, notice(title), by="claire", status="published", batch=batch)
    month = cards(session)["month"]
    assert (month.figure, month.sentences[1]) == (1, "1 le même mois l’an dernier")


def test_who_takes_the_post_over_reads_of_all_of_it_and_how_old_it_is(quick_session: Session) -> None:
    neglected(quick_session)
    later = MORNING + timedelta(days=150)
    waits: list[Line] = list(handover.read(quick_session, later, PARIS).waiting)
    found = {line.page: line for line in waits}
    assert {"loans", "periodicals", "links", "cleaning:doublons", "inbox"} <= found.keys()
    assert found["cleaning:doublons"].words == "Nettoyage commencé, Doublons : 7 groupes encore"
    assert all(found[page].late for page in ("loans", "links", "cleaning:doublons"))


# --- in a browser ----------------------------------------------------------------------------


def test_keys_lead_through_the_desk_and_never_while_one_types(app: Flask, browser_page: Any, live_server: str) -> None:
    base: db.Database = app.extensions["travee"].db
    with base.write() as session:
        users.add(session, "claire", PASSWORD, "documentalist")
        notices.create(session, notice("Le quai"), by="claire", status="published")
    page = browser_page
    page.goto(f"{live_server}/connexion?suite=/bureau")
    page.fill("[name=login]", "claire")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/bureau")
    page.keyboard.press("c")  # alone, it is nothing
    for letter, path in (("h", "/bureau/historique"), ("r", "/bureau/a-revoir"), ("a", "/bureau")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(f"**{path}")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/historique")
    page.keyboard.press("u")  # a list of acts: which would be the last?
    page.focus("#mots")
    page.keyboard.type("gr?")
    assert page.input_value("#mots") == "gr?"
    page.locator("h1").click()
    page.keyboard.press("?")
    assert page.locator("[data-desk-keys]").get_attribute("open") is not None
    page.locator("table form button").click()
    page.wait_for_url("**/annuler")
    page.keyboard.press("u")  # what has just been undone comes back
    page.wait_for_function("document.querySelector('h1').textContent.includes('annulé')")
    with base.read() as session:
        assert session.scalar(select(func.count(Batch.id)).where(Batch.kind == "undo")) == 2

    page.goto(f"{live_server}/bureau")
    page.evaluate("document.cookie = 'touches=non; path=/'")
    page.reload()
    assert page.locator("[data-desk-keys]").is_hidden()
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_timeout(200)
    assert page.url.endswith("/bureau")
