"""The great journeys in a real browser: find, catalogue, harvest, print the inventory; axe on every page.

One base for all, built as the demonstration is: a file in PMB's XML, then a partner over HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from werkzeug.serving import make_server

from catalogue.app import create_app
from catalogue.config import Settings
from demo import build, generate, partner
from harvest import run

AXE = Axe()
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 360, "height": 740}
# WCAG 2.2 AA and what axe calls best practice: nothing is left out.
PUBLIC = ["/", "/recherche?q=logement", "/recherche?q=zzzzqqq", "/recherche/filtre/theme", "/demande?sujet=venir"]
PUBLIC += ["/aide", "/accessibilite", "/confidentialite", "/mentions-legales", "/en/", "/en/recherche?q=school"]
PUBLIC += ["/nulle-part", "/connexion"]
DESK = ["", "/a-revoir", "/refus", "/historique", "/notices/nouvelle", "/notices/nouvelle?modele=book"]
DESK += ["/notices/nouvelle?modele=article", "/inventaire", "/inventaire/imprimer?de=364&a=365"]
DESK += ["/imports", "/imports/1", "/sources", "/sources/RECI"]


class Base:
    """A served demonstration base: its address, its settings, its partner, what it says is worth a look."""

    def __init__(
        self,
        url: str,
        settings: Settings,
        running: partner.RunningPartner,
        travee: Any,
        seen: list[tuple[str, str]],
    ) -> None:
        self.url, self.settings, self.partner, self.travee = url, settings, running, travee
        self.seen = dict(seen)
        self.cookies: list[Any] = []


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    folder: Path = tmp_path_factory.mktemp("journeys")
    settings = build.demo_settings(folder, 0).model_copy(update={"testing": True, "base_url": ""})
    with partner.serve(generate.partner_records(), repository=build.PARTNER) as running:
        seen = build.build(settings, running.url)
        app = create_app(settings)
        travee = app.extensions["travee"]
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        travee.start_worker(0.5)
        yield Base(f"http://127.0.0.1:{server.server_port}", settings, running, travee, seen)
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
        travee.close()


@pytest.fixture
def page(browser_page: Any, base: Base) -> Any:
    """A page that fails the test when anything but us is asked for, or a script complains."""
    foreign: list[str] = []
    browser_page.on("request", lambda r: None if r.url.startswith((base.url, "data:")) else foreign.append(r.url))
    browser_page.on("pageerror", lambda error: foreign.append(str(error)))
    browser_page.on("console", lambda m: foreign.append(m.text) if "Content Security Policy" in m.text else None)
    yield browser_page
    assert foreign == []


def sign_in(page: Any, base: Base, login: str = "claire") -> None:
    """Through the form the first time, then with the cookie it gave: ten tries a minute are enough for anybody."""
    if base.cookies:
        page.context.add_cookies(base.cookies)
        return
    page.goto(base.url + "/connexion")
    page.get_by_label("Identifiant").fill(login)
    page.get_by_label("Mot de passe").fill(build.PASSWORD)
    page.locator("main button[type=submit], main button:not([type])").first.click()
    page.wait_for_url(re.compile(r"/bureau"))
    base.cookies = page.context.cookies()


def violations(page: Any) -> list[str]:
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {n['target']} {n['html'][:120]}" for v in found for n in v["nodes"]]


def scrolls_sideways(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.long
@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_are_accessible_on_a_desk_and_in_the_tram(page: Any, base: Base, path: str) -> None:
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        page.goto(base.url + path)
        assert violations(page) == []
        assert not scrolls_sideways(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert not scrolls_sideways(page)


@pytest.mark.parametrize("path", ["/", "/recherche?q=logement", "/bureau", "/bureau/notices/nouvelle?modele=article"])
def test_contrasts_hold_in_the_dark(page: Any, base: Base, path: str) -> None:
    if path.startswith("/bureau"):
        sign_in(page, base)
    page.emulate_media(color_scheme="dark")
    page.goto(base.url + path)
    assert violations(page) == []


@pytest.mark.long
@pytest.mark.parametrize("path", DESK)
def test_desk_pages_are_accessible_too(page: Any, base: Base, path: str) -> None:
    sign_in(page, base)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        page.goto(f"{base.url}/bureau{path}")
        assert violations(page) == []
        assert not scrolls_sideways(page)


def test_ines_finds_a_document_and_asks_to_read_it(page: Any, base: Base) -> None:
    page.set_viewport_size(PHONE)
    page.goto(base.url + "/")
    page.get_by_role("combobox").first.fill("politiques de la ville")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/recherche"))
    assert page.locator("h1").inner_text()
    page.locator("article a[href^='/d/'], li a[href^='/d/'], h2 a[href^='/d/'], h3 a[href^='/d/']").first.click()
    page.wait_for_url(re.compile(r"/d/[0-9a-z]{8}$"))
    title = page.locator("h1").inner_text()
    assert violations(page) == []
    page.get_by_role("link", name=re.compile("Demander")).first.click()
    page.wait_for_url(re.compile("/demande"))
    page.get_by_label(re.compile("nom", re.I)).first.fill("Inès")
    page.get_by_label(re.compile("courriel|adresse", re.I)).first.fill("ines@exemple.fr")
    page.locator("textarea").first.fill("Est-il possible de le lire mardi ?")
    page.locator("main form button").last.click()
    assert page.locator("main h1").inner_text()

    page.set_viewport_size(DESKTOP)
    sign_in(page, base)
    page.goto(base.url + "/bureau/a-revoir")
    assert "Inès" in page.locator("main").inner_text()
    assert title.split("\n")[0].split(" : ")[0][:30] in page.locator("main").inner_text()


def test_the_demonstration_has_texts_of_its_own_and_documents_that_have_lived(page: Any, base: Base) -> None:
    page.goto(base.url + "/recherche?q=moisissures")  # said inside a PDF only
    place = page.get_by_role("link", name=re.compile(r"^p\.\s*2$"))
    assert "#page=2" in place.get_attribute("href")
    got = page.request.get(base.url + place.get_attribute("href"))
    assert (got.status, got.headers["content-type"]) == (200, "application/pdf")
    page.goto(base.url + "/recherche?q=réverbères")  # in a protected text: named, never quoted
    assert page.locator(".result mark").count() == 0
    assert re.search(r"le texte, p\.\s*2", page.locator(".result").inner_text())
    page.goto(base.url + base.seen["un chapitre dans son livre"])
    page.get_by_role("link", name="S'asseoir en ville").click()
    assert "Le banc retiré" in page.locator("main").inner_text()
    page.goto(base.url + base.seen["un document retiré"])
    assert "n’est plus dans notre fonds" in page.locator(".note.warn").inner_text()
    assert "Labo Cités" in page.locator(".access").inner_text()
    page.goto(base.url + base.seen["une fiche réunie à une autre"])
    assert base.seen["une fiche réunie à une autre"] not in page.url and "/d/" in page.url
    assert page.goto(base.url + base.seen["une fiche effacée"]).status == 410
    assert "à la demande de la personne interrogée" in page.locator("main").inner_text()


def test_results_are_worked_with_keys(page: Any, base: Base) -> None:
    page.goto(base.url + "/recherche?q=logement")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator(".result").nth(1)
    assert second.locator(".doc a").evaluate("a => a === document.activeElement")
    page.keyboard.press("x")
    second.get_by_role("button", name=re.compile("Dans ma sélection")).wait_for()
    assert page.locator("nav [data-picked]").inner_text().strip() == "(1)"
    page.keyboard.press("x")
    second.get_by_role("button", name=re.compile("Ajouter à ma sélection")).wait_for()
    page.keyboard.press("r")
    assert page.locator("#q").evaluate("q => q === document.activeElement")
    page.keyboard.type("x")  # typed there, it is a letter
    assert page.locator("#q").input_value() == "x"
    assert page.locator(".result [aria-pressed]").count() == 0


def test_the_arrow_brings_back_the_proposals_that_escape_closed(page: Any, base: Base) -> None:
    page.goto(base.url + "/")
    box, list_ = page.get_by_role("combobox"), page.locator("#propositions")
    box.press_sequentially("logem")
    list_.wait_for()
    box.press("Escape")
    assert not list_.is_visible() and box.input_value() == "logem"
    assert box.get_attribute("aria-expanded") == "false"
    box.press("ArrowDown")
    assert list_.is_visible() and box.get_attribute("aria-expanded") == "true"
    assert box.get_attribute("aria-activedescendant") is None, "nothing is chosen by itself"
    box.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "propose-0"
    page.goto(base.url + "/recherche?q=logement")  # what the box came with has its proposals too
    box.press("ArrowDown")
    list_.wait_for()


@pytest.mark.parametrize("width", [360, 320])
def test_on_a_phone_the_header_is_short_and_the_selection_stays_in_sight(page: Any, base: Base, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(base.url + "/recherche?q=logement")
    brand, languages = page.locator(".brand").bounding_box(), page.locator(".languages").bounding_box()
    assert brand["y"] <= languages["y"] + languages["height"] / 2 <= brand["y"] + brand["height"], "on one row"
    assert page.locator(".site-head").bounding_box()["height"] <= 145
    bar = page.locator(".taken")
    assert not bar.is_visible(), "nothing is chosen yet"
    page.get_by_role("button", name=re.compile("Ajouter à ma sélection")).nth(9).click()
    bar.wait_for()
    assert re.search(r"Ma sélection\s*\(1\)", bar.inner_text())
    edge = bar.bounding_box()
    assert abs(edge["y"] + edge["height"] - 740) < 1
    page.evaluate("scrollTo(0, 0)")
    for _ in range(60):  # wherever one goes with the keyboard, the bar does not hide it
        page.keyboard.press("Tab")
        assert page.evaluate(
            """() => { const at = document.activeElement, bar = document.querySelector(".taken");
            const [a, b] = [at.getBoundingClientRect(), bar.getBoundingClientRect()];
            return at === document.body || bar.contains(at) || a.top >= b.bottom || a.bottom <= b.top }"""
        ), page.evaluate("document.activeElement.outerHTML")
    assert violations(page) == []
    page.goto(base.url + "/recherche?q=ecole")
    bar.get_by_role("link").click()
    page.wait_for_url(re.compile("/selection$"))


def test_a_result_is_added_from_its_top_right_and_is_read_first(page: Any, base: Base) -> None:
    page.goto(base.url + "/recherche?q=logement")
    result = page.locator(".result").first
    button, title, frame = (
        one.bounding_box() for one in (result.locator(".pick button"), result.locator(".doc"), result)
    )
    assert button["y"] + button["height"] <= title["y"] + 1
    assert abs(button["x"] + button["width"] - frame["x"] - frame["width"]) < 1
    assert result.evaluate("li => li.lastElementChild.matches('.pick')"), "after what it is about"
    head = page.locator(".results-head").bounding_box()
    assert (head["x"], head["width"]) == (frame["x"], frame["width"]), "rules of one length"


def test_the_site_answers_without_a_script(browser: Any, base: Base) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(base.url + "/recherche?q=logement")
    page.goto(base.url + "/recherche?q=logement&type=rapport")
    assert page.locator("main a[href^='/d/']").count() > 0
    context.close()


def test_claire_catalogues_a_press_article_and_takes_it_back(page: Any, base: Base) -> None:
    sign_in(page, base)
    page.goto(base.url + "/bureau/notices/nouvelle?modele=press_article")
    page.get_by_role("button", name="Publier", exact=True).click()
    page.wait_for_selector("text=Il y a un problème")
    assert page.title().startswith("Erreur :")
    assert violations(page) == []

    title = "Orientation : des lycéens inégaux devant le choix"
    page.get_by_label(re.compile("^Titre")).first.fill(title)
    page.get_by_label(re.compile("^Date|^Année")).first.fill("18 mars 2024")
    page.get_by_label(re.compile("^Sujets?|^Descripteur|^Thème")).first.fill("Orientation scolaire")
    page.get_by_role("button", name="Publier", exact=True).click()
    page.wait_for_selector("text=Notice publiée")
    page.get_by_role("link", name="Voir la fiche publique").click()
    page.wait_for_url(re.compile(r"/d/[0-9a-z]{8}$"))
    address = page.url
    assert title.split(" : ")[1] in page.locator("h1").inner_text()

    page.goto(base.url + "/recherche?q=lyceens+inegaux")
    assert title.split(" : ")[1] in page.locator("main").inner_text()

    page.goto(base.url + "/bureau/historique")
    page.get_by_role("button", name=re.compile("Annuler")).first.click()
    page.wait_for_selector("[role=status]")
    answer = page.goto(address)
    assert answer.status == 200
    assert "n’est plus" in page.locator("main").inner_text()


def test_claire_goes_from_a_pasted_reference_to_the_next_article_with_keys_only(page: Any, base: Base) -> None:
    sign_in(page, base)
    page.goto(base.url + "/bureau/notices/nouvelle")
    page.keyboard.insert_text(
        "Martin, Léa. Des écoles inégales. La Revue des quartiers, n° 2710, 18 mars 2024, p. 22-24"
    )
    page.keyboard.press("Enter")
    page.wait_for_selector("#subject:focus")
    assert page.locator("#journal").input_value() == "La Revue des quartiers"
    # A word that the thesaurus does not know is told beside its field; one that it knows is not.
    page.keyboard.type("bidule libre")
    page.keyboard.press("Tab")
    page.wait_for_selector("text=« bidule libre » n’est pas au thésaurus")
    page.fill("#subject", "")
    assert page.locator("[data-free]").count() == 0
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert violations(page) == [] and not scrolls_sideways(page)
    page.set_viewport_size(DESKTOP)
    # The journal is a combobox: nothing is chosen by itself, Escape keeps the text, the arrow takes.
    page.focus("#journal")
    page.keyboard.press("Control+A")
    page.keyboard.type("la revue d")
    page.wait_for_selector("#choix:not([hidden])")
    assert page.get_attribute("#journal", "aria-expanded") == "true" and violations(page) == []
    page.keyboard.press("Escape")
    assert page.locator("#journal").input_value() == "la revue d" and not page.is_visible("#choix")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#choix:not([hidden])")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#journal").input_value() == "La Revue des quartiers"
    # Another row without leaving the page: what was typed meanwhile stays.
    page.fill("#subject", "Logement")
    page.get_by_role("button", name="Ajouter un auteur").click()
    page.wait_for_selector("#author-2:focus")
    assert page.locator("#subject").input_value() == "Logement"
    # Another kind keeps the values; what is typed is kept as it goes.
    page.select_option("#kind", "report")
    page.wait_for_selector("#body")
    assert page.locator("#title").input_value() == "Des écoles inégales"
    page.select_option("#kind", "press_article")
    page.wait_for_selector("#issue_number")
    page.wait_for_selector("text=Brouillon enregistré")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Enter")  # from anywhere on the page
    page.wait_for_selector("[data-done]:focus")
    page.get_by_role("link", name="Article suivant du même numéro").first.click()
    page.wait_for_selector("#title:focus")
    assert page.locator("#issue_number").input_value() == "2710" and page.locator("#title").input_value() == ""
    # The Back button leads to what was made, not to a form that would make it twice.
    page.go_back()
    page.go_back()
    page.wait_for_selector("text=Adresse permanente")
    assert page.locator("#title").input_value() == "Des écoles inégales"


def test_the_night_harvest_overwrites_nothing_of_claire_s(page: Any, base: Base) -> None:
    sign_in(page, base)
    before = counted(base)
    page.goto(base.url + "/recherche?q=&fonds=reseau")
    report = run.harvest(base.travee.db, base.settings, build.PARTNER, full=True)
    assert report.status == "complete"
    counts = report.counts
    assert counts["new"] == 0
    kinds = ("new", "matched", "updated", "unchanged", "repeated", "refused", "deleted_upstream")
    assert counts["received"] == sum(counts[k] for k in kinds)
    assert counted(base) == before
    page.goto(base.url + "/bureau")
    assert "moisson" in page.locator("main").inner_text().lower()


def test_the_inventory_list_is_ready_to_print(page: Any, base: Base) -> None:
    sign_in(page, base)
    page.goto(base.url + "/bureau/inventaire/imprimer")
    page.emulate_media(media="print")
    assert not page.locator("header nav").first.is_visible()
    assert page.locator("table tbody tr").count() > 100
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")


def counted(base: Base) -> tuple[int, int]:
    from sqlalchemy import func, select

    from catalogue.models import Item, Notice

    with base.travee.db.read() as session:
        notices = session.scalar(select(func.count()).select_from(Notice)) or 0
        copies = session.scalar(select(func.count()).select_from(Item)) or 0
    return notices, copies
