"""« Ma sélection »: chosen without an account, put in order, taken away, shared, forgotten in time."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import docx
import hypothesis
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, notices, selections
from catalogue.app import Travee
from catalogue.db import Database
from catalogue.models import IndexQueue, Selection, SelectionEntry
from export import records
from tests import cast
from tests.cast import field
from tests.conftest import BROWSER_AGENT, PASSWORD


def published(session: Session, *titles: str) -> list[str]:
    return [notices.create(session, cast.notice(title), by="claire", status="published").address for title in titles]


def titles(session: Session, found: Selection) -> list[str]:
    return [kept.title for kept in selections.documents(session, found)]


# --- the list --------------------------------------------------------------------------------


def test_documents_are_added_once_moved_and_put_back(session: Session) -> None:
    a, b, c = published(session, "A", "B", "C")
    mine = selections.begin(session, "visitor:1")
    assert selections.add(session, mine, [a, b, a]) == 2
    assert selections.add(session, mine, [c, a, "nothing0"]) == 1
    selections.move(session, mine, c, -1)
    assert titles(session, mine) == ["A", "C", "B"]
    selections.move(session, mine, a, -1)
    assert titles(session, mine) == ["A", "C", "B"]
    before = [kept.address for kept in selections.documents(session, mine)]
    assert selections.remove(session, mine, [a]) == 1
    selections.put_back(session, mine, before)
    assert titles(session, mine) == ["A", "C", "B"]
    assert selections.count(session, "visitor:1") == 3
    assert selections.chosen(session, "visitor:2") == set()


def test_only_published_documents_can_be_chosen_and_withdrawn_ones_stay(session: Session) -> None:
    (a,) = published(session, "A")
    draft = notices.create(session, cast.notice("Brouillon"), by="claire", status="draft").address
    mine = selections.begin(session, "visitor:1")
    assert selections.add(session, mine, [a, draft]) == 1
    kept = notices.find(session, a)
    assert kept is not None
    notices.set_status(session, kept, "withdrawn", by="claire")
    assert [(k.title, k.withdrawn) for k in selections.documents(session, mine)] == [("A", True)]


def test_a_list_has_room_for_so_many_and_says_so(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "LARGEST", 2)
    a, b, c = published(session, "A", "B", "C")
    mine = selections.begin(session, "visitor:1")
    selections.add(session, mine, [a, b])
    with pytest.raises(selections.Full):
        selections.add(session, mine, [c])
    assert titles(session, mine) == ["A", "B"]


def test_a_frozen_copy_does_not_move_with_the_list(session: Session) -> None:
    a, b = published(session, "A", "B")
    mine = selections.begin(session, "visitor:1")
    selections.add(session, mine, [a, b])
    selections.describe(session, mine, " Mon  dossier ", {"style": "apa"})
    copy = selections.freeze(session, mine)
    selections.remove(session, mine, [a])
    found = selections.shared(session, copy.code)
    assert found is not None
    assert (found.title, titles(session, found), found.settings) == ("Mon dossier", ["A", "B"], {"style": "apa"})
    assert selections.shared(session, mine.code) is None  # a list of one's own is not public


def test_signing_in_adds_to_what_was_there_and_replaces_nothing(session: Session) -> None:
    a, b, c = published(session, "A", "B", "C")
    account, visitor = selections.begin(session, "user:ines"), selections.begin(session, "visitor:1")
    selections.add(session, account, [a, b])
    selections.add(session, visitor, [b, c])
    selections.adopt(session, "visitor:1", "user:ines")
    assert titles(session, account) == ["A", "B", "C"]


def test_lists_are_forgotten_in_time_and_shared_copies_are_not(session: Session) -> None:
    (a,) = published(session, "A")
    for owner in ("visitor:old", "visitor:new"):
        selections.add(session, selections.begin(session, owner), [a])
    old = selections.find(session, "visitor:old")
    assert old is not None
    copy = selections.freeze(session, old)
    for row in (old, copy):
        row.updated_at = db.now() - timedelta(days=31)
    session.flush()
    assert selections.forget_old(session) == 1
    assert selections.find(session, "visitor:old") is None
    assert selections.find(session, "visitor:new") is not None
    assert selections.shared(session, copy.code) is not None
    assert session.scalars(select(SelectionEntry.selection_id)).all() != []


@hypothesis.settings(max_examples=20)
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.sampled_from((-1, 1))), max_size=12))
def test_moving_keeps_every_document_once(lasting_base: Database, moves: list[tuple[int, int]]) -> None:
    with lasting_base.write_session() as session:
        addresses = published(session, "A", "B", "C", "D")
        mine = selections.begin(session, "visitor:1")
        selections.add(session, mine, addresses)
        for at, by in moves:
            selections.move(session, mine, addresses[at], by)
        assert sorted(titles(session, mine)) == ["A", "B", "C", "D"]
        session.rollback()


# --- the pages -------------------------------------------------------------------------------


@pytest.fixture
def library(app: Flask) -> list[str]:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        made = published(session, "Habiter la ville", "Grandir <b>ici</b>")
        rest = cast.notice("Sur l’école", field("330", "a", "Un résumé long."), field("606", "a", "École"))
        made.append(notices.create(session, rest, by="claire", status="published").address)
    while waits(travee):  # the worker of a live server may be at it: then nothing is drained here
        travee.drain()
    return made


def waits(travee: Travee) -> bool:
    with travee.db.read() as session:
        return session.scalar(select(IndexQueue.seq).limit(1)) is not None


def choose(client: FlaskClient, *documents: str, act: str = "ajouter", **more: str) -> str:
    answer = client.post("/selection", data={"acte": act, "document": list(documents), **more})
    assert answer.status_code == 303, answer.status
    return str(answer.location)


def test_a_visitor_without_script_chooses_from_results_and_comes_back_there(
    client: FlaskClient, library: list[str]
) -> None:
    page = client.get("/recherche?q=ville").text
    assert 'name="acte" value="ajouter"' in page
    assert client.get_cookie("selection") is None  # nothing is set unasked
    assert choose(client, library[0], retour="/recherche?q=ville") == "/recherche?q=ville"
    cookie = client.get_cookie("selection")
    assert cookie is not None and cookie.http_only
    page = client.get("/recherche?q=ville").text
    assert 'name="acte" value="retirer" aria-pressed="true"' in page
    assert "(1)" in page
    assert choose(client, library[0], retour="https://mechant.exemple/") == "/selection"


def test_the_list_is_shown_as_references_and_can_be_undone(client: FlaskClient, library: list[str]) -> None:
    choose(client, *library)
    page = client.get("/selection").text
    assert "Ma sélection : 3 documents" in page
    assert "Grandir &lt;b&gt;ici&lt;/b&gt;" in page or "Grandir ici" in page
    assert "<b>ici" not in page
    where = choose(client, library[1], act="retirer")
    page = client.get(where).text
    assert "C’est retiré" in page and "Ma sélection : 2 documents" in page
    (before,) = re.findall(r'name="documents" value="([^"]+)"', page)
    client.post("/selection", data={"acte": "remettre", "documents": before})
    order = re.findall(r'id="d-(\w+)"', client.get("/selection").text)
    assert order == library


def test_how_it_looks_is_remembered_and_goes_into_a_shared_copy(client: FlaskClient, library: list[str]) -> None:
    choose(client, *library)
    said = {"titre": "Mon dossier", "style": "apa", "groupe": "theme", "ordre": "author", "resumes": "1"}
    choose(client, act="regler", **said)
    page = client.get("/selection").text
    assert "Un résumé long." in page and "École (1)</h3>" in page
    shared = choose(client, act="partager")
    assert re.fullmatch(r"/s/\w{8}\?nouveau=1", shared)
    stranger = client.application.test_client()
    copy = stranger.get(shared)
    assert "Mon dossier" in copy.text and "Un résumé long." in copy.text
    choose(client, act="vider")
    assert "Mettez des documents de côté" in client.get("/selection").text
    code = shared.split("/")[2].split("?")[0]
    stranger.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    choose(stranger, act="reprendre", code=code)
    assert "Ma sélection : 3 documents" in stranger.get("/selection").text


@pytest.mark.parametrize("act", ["docx", "txt", "partager"])
def test_what_is_chosen_goes_into_the_file_without_asking_for_the_preview_first(
    client: FlaskClient, library: list[str], act: str
) -> None:
    choose(client, *library)
    where = choose(client, act=act, titre="Mon dossier", style="apa", groupe="kind")
    assert where.split("?")[0].startswith("/s/" if act == "partager" else f"/selection.{act}")
    code = where.split("?")[0] if act == "partager" else "/selection"
    text = client.get(f"{code}.txt").text
    assert "Mon dossier" in text and "Ouvrages (3)" in text and "Sur l’école. (2021)." in text, "APA, by kind"
    page = client.get("/selection").text
    assert 'value="Mon dossier"' in page and '<option value="apa" selected>' in page


def acts(page: str) -> dict[str, list[str]]:
    """What each document of the list can be asked: {address: [monter, retirer]}."""
    out: dict[str, list[str]] = {}
    for name, address in re.findall(r'name="(monter|descendre|retirer)" value="(\w{8})"', page):
        out.setdefault(address, []).append(name)
    return out


def test_a_document_moves_only_where_it_can(client: FlaskClient, library: list[str]) -> None:
    choose(client, *library)
    a, b, c = library
    assert acts(client.get("/selection").text) == {
        a: ["descendre", "retirer"],
        b: ["monter", "descendre", "retirer"],
        c: ["monter", "retirer"],
    }
    moved = client.post("/selection", data={"monter": c})
    assert moved.location == f"/selection#d-{c}"
    assert list(acts(client.get("/selection").text)) == [a, c, b]
    choose(client, act="regler", style="iso690", groupe="kind")
    assert acts(client.get("/selection").text)[a] == ["retirer"]


def test_a_long_list_is_shown_by_pages_and_taken_away_whole(
    client: FlaskClient, library: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalogue.web.selection.PER_PAGE", 2)
    a, b, c = library
    choose(client, *library)
    choose(client, act="regler", style="iso690-numeric")
    first, second = client.get("/selection").text, client.get("/selection?page=2").text
    assert (list(acts(first)), list(acts(second))) == ([a, b], [c])
    assert "Page 1 sur 2" in first and 'href="/selection?page=2"' in first and 'href="/selection"' in second
    assert "3. <i>Sur l’école" in second.replace("\u00a0", " "), "numbered through the pages"
    assert acts(client.get("/selection?page=99").text) == acts(second)
    assert client.post("/selection", data={"descendre": b}).location == f"/selection?page=2#d-{b}"
    assert client.post("/selection", data={"retirer": b, "page": "2"}).location.endswith("&page=2")
    assert client.get("/selection.txt").text.count("/d/") == 2
    copy = choose(client, c, b)
    copy = choose(client, act="partager").split("?")[0]
    assert list(re.findall(r'<li id="d-(\w{8})"', client.get(f"{copy}?page=2").text)) == [b]


def test_a_full_page_stays_light(app: Flask, client: FlaskClient) -> None:
    """300 documents were 318 kB; UX.md, section 7: under 60 kB."""
    with app.extensions["travee"].db.write() as session:
        titles = [f"La rénovation urbaine vue par celles et ceux qui l’habitent, enquête n° {n}" for n in range(55)]
        made = published(session, *titles)
    choose(client, *made)
    copy = choose(client, act="partager", style="iso690", emplacements="1", titre="")
    pages = [client.get(address) for address in ("/selection", copy)]
    assert [page.text.count("<li id=") for page in pages] == [50, 50]
    assert all(len(page.data) < 60_000 for page in pages), [len(page.data) for page in pages]


def test_a_document_whose_source_lets_nothing_leave_is_named_and_can_be_removed(
    client: FlaskClient, library: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(client, *library)
    load = records.load
    monkeypatch.setattr(records, "load", lambda *a, **k: (n for n in load(*a, **k) if n.address != library[0]))
    page = client.get("/selection").text
    assert "Ces documents ne peuvent pas être emportés" in page
    assert acts(page)[library[0]] == ["retirer"] and "Ma sélection : 3 documents" in page


def test_on_paper_a_document_is_known_by_its_address(client: FlaskClient, library: list[str]) -> None:
    choose(client, library[0])
    assert (
        f'data-permalink="localhost/d/{library[0]}"><span class="screen">Voir la fiche' in client.get("/selection").text
    )


def test_signing_in_keeps_what_was_chosen_before(app: Flask, client: FlaskClient, library: list[str]) -> None:
    from catalogue import users

    with app.extensions["travee"].db.write() as session:
        users.add(session, "claire", PASSWORD, "documentalist")
    choose(client, library[0])
    client.post("/connexion", data={"login": "claire", "password": PASSWORD})
    assert "Ma sélection : 1 document" in client.get("/selection").text


def test_a_script_is_answered_with_numbers(client: FlaskClient, library: list[str]) -> None:
    answer = client.post(
        "/selection", data={"acte": "ajouter", "document": library[0]}, headers={"X-Requested-With": "fetch"}
    )
    assert answer.json == {"total": 1, "words": "1 document dans votre sélection"}


@pytest.mark.parametrize("act", ["", "detruire"])
def test_an_act_that_nobody_knows_is_refused(client: FlaskClient, act: str) -> None:
    assert client.post("/selection", data={"acte": act}).status_code == 400


def test_asking_to_consult_names_the_documents(client: FlaskClient, library: list[str]) -> None:
    choose(client, library[0])
    page = client.get("/demande?sujet=consulter&selection=1").text
    assert "Je voudrais consulter :" in page and "- Habiter la ville" in page


def test_ines_takes_a_bibliography_away_on_her_phone(
    browser_page: Page, live_server: str, library: list[str], tmp_path: Path
) -> None:
    page = browser_page
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(live_server + "/recherche")
    for n in range(3):
        page.get_by_role("button", name=re.compile("Ajouter à ma sélection")).first.click()
        page.get_by_role("button", name=re.compile("Dans ma sélection")).nth(n).wait_for()
    assert page.locator("[data-said]").inner_text() == "3 documents dans votre sélection"
    page.get_by_role("link", name=re.compile(r"Ma sélection\s*\(3\)")).last.click()
    assert Axe().run(page).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Titre").fill("Habiter")
    page.get_by_label("Regrouper").select_option(label="par type")
    page.locator("h3").first.wait_for()  # the preview follows the choice
    assert page.locator("h3").first.inner_text() == "Ouvrages (3)"
    assert page.locator("[data-said]").inner_text() == "L’aperçu est à jour."
    with page.expect_download() as download:
        page.get_by_role("button", name="Word").click()
    download.value.save_as(tmp_path / "b.docx")
    words = [p.text for p in docx.Document(str(tmp_path / "b.docx")).paragraphs]
    assert words[0] == "Habiter"
    assert any("Habiter la ville" in text for text in words)
    page.get_by_role("button", name="Lien à partager").click()
    page.wait_for_url(re.compile(r"/s/\w{8}"))
    assert Axe().run(page).violations_count == 0


def test_the_box_proposes_and_nothing_is_chosen_by_itself(
    browser_page: Page, live_server: str, library: list[str]
) -> None:
    page = browser_page
    page.goto(live_server + "/")
    box = page.get_by_role("combobox")
    box.press_sequentially("eco")
    page.get_by_role("option", name=re.compile("École")).wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    assert box.get_attribute("aria-activedescendant") is None
    assert Axe().run(page).violations_count == 0
    page.keyboard.press("Escape")
    assert not page.get_by_role("listbox").is_visible()
    assert box.input_value() == "eco"
    box.press("l")
    page.get_by_role("option", name=re.compile("École")).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("theme="))
    assert "Sur l’école" in page.locator("main").inner_text()


HELD = """
  const [real, held] = [window.fetch, []];
  window.fetch = (...asked) => new Promise((done, failed) => held.push(() => real(...asked).then(done, failed)));
  window.release = () => Promise.allSettled(held.splice(0).map((ask) => ask()));
  window.isAsked = () => new Promise((done) => {
    const look = () => (held.length ? done() : setTimeout(look, 20));
    look();
  });
"""


def test_what_comes_after_escape_opens_nothing(browser_page: Page, live_server: str, library: list[str]) -> None:
    page = browser_page
    page.add_init_script(HELD)
    page.goto(live_server + "/")
    box = page.get_by_role("combobox")
    box.press_sequentially("eco")
    page.evaluate("isAsked()")
    box.press("Escape")
    page.evaluate("async () => { await release(); await new Promise((done) => setTimeout(done, 300)); }")
    assert not page.get_by_role("listbox").is_visible()
    assert box.input_value() == "eco"
