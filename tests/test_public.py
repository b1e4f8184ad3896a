"""What Inès, a student on her phone, and Marc, in a hurry, see of the catalogue."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from playwright.sync_api import Browser, Page
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from catalogue import authorities, claims, history, items, notices, reading, setup, sources
from catalogue.app import create_app
from catalogue.config import Settings
from catalogue.db import now
from catalogue.entities import ConceptRow
from catalogue.models import Centre, Concept, Holding, Notice, Source, VisitRequest
from catalogue.reading import Gone, Moved, NoticePage
from catalogue.sources import Received
from catalogue.unimarc import Field, RecordItem, with_kind
from catalogue.web import request_form, searching
from catalogue.web.asked import FILTERS, WORDS, understand
from indexes import documents
from tests import cast
from tests.cast import field
from tests.conftest import BROWSER_AGENT

STATIC = Path(searching.__file__).parent / "static"
FIXED = (
    *("/", "/recherche", "/recherche?tri=recent", "/recherche?q=orientation", "/recherche/filtre/theme"),
    *("/auteurs", "/revues", "/rayons", "/rayons/364", "/nouveautes", "/plan-du-site", "/selection"),
    *("/themes", "/demande", "/demande?sujet=venir", "/aide"),
    *("/accessibilite", "/confidentialite", "/mentions-legales"),
)
SEARCHES = ("/recherche?q=orientation&type=these", "/recherche?q=ville&annee_de=20x4", "/nulle-part", "/d/rien")


def make(session: Session, kind: str, title: str, *fields: Field, year: str = "2021", **how: object) -> Notice:
    made = with_kind(cast.notice(title, *fields, year=year), kind)
    return notices.create(session, made, by="claire", **{"status": "published", **how})  # type: ignore[arg-type]


def themes(*labels: str) -> list[Field]:
    return [field("606", "a", label) for label in labels]


@dataclass
class Library:
    """The addresses of a small collection: each one is there for what it has of its own."""

    pile: str  # a report: online, two copies, one at a partner's
    serial: str
    issue: str
    article: str
    sibling: str
    english: str
    network: str  # described by a partner, held there
    withdrawn: str
    merged: str
    erased: str
    draft: str


def stock(session: Session) -> Library:
    oriv = Centre(name="ORIV", code="oriv")
    reci = Source(name="RECI", kind="oai")
    session.add_all([oriv, reci])
    session.flush()
    pile = make(
        session,
        "report",
        "Grandir au Pile",
        field("101", "a", "fre"),
        field("330", "a", "Une enquête sur l’orientation scolaire et la discrimination vécue au guichet."),
        field("700", "a", "Marchal", "b", "Odile", "4", "070"),
        field("702", "a", "Vasseur", "b", "Lise", "4", "080"),
        field("215", "a", "148 p."),
        *themes("Orientation scolaire", "Discrimination"),
        field("610", "a", "guichet"),
        field("856", "u", "https://exemple.org/pile.pdf"),
    )
    serial = make(session, "serial", "Les Cahiers du Pile", field("011", "a", "1234-5679"))
    in_serial = field("461", "0", serial.address, "t", "Les Cahiers du Pile")
    issue = make(session, "issue", "Les Cahiers du Pile, n° 12", in_serial, year="2024")
    in_issue = field("463", "0", issue.address, "v", "12", "e", "mars 2024")
    article, sibling = (
        make(session, "article", title, in_serial, in_issue, field("215", "a", pages), *about, year="2024")
        for title, pages, about in (
            ("Choisir son collège", "p. 4-11", themes("Carte scolaire", "Orientation scolaire")),
            ("Dans le bus de 7 h 12", "p. 12-15", []),
        )
    )
    english = make(
        session,
        "study",
        "Housing segregation and the schools",
        field("101", "a", "eng", "d", "eng"),
        field("330", "a", "Compares four European cities."),
        *(field("701", "a", name, "b", "P.") for name in ("Okafor", "Lindqvist", "Rossi", "Meyer")),
        field("856", "u", "javascript:alert(1)"),
        year="2019",
    )
    network = make(
        session,
        "report",
        "L’orientation, une affaire de famille ?",
        field("330", "a", "Un cycle de rencontres."),
        owner_id=oriv.id,
    )
    withdrawn, merged, erased = (
        make(session, kind, title)
        for kind, title in (
            ("book", "Annuaire du quartier"),
            ("report", "Grandir au pile, doublon"),
            ("other", "Tract"),
        )
    )
    draft = make(session, "book", "Brouillon de Claire", status="draft")
    batch = history.open_batch(session, "create", by="claire")
    copies = [
        (pile.id, RecordItem(call_number="364.4 MAR", location="Espace doc")),
        (pile.id, RecordItem(call_number="364.4 MAR", location="Réserve")),
        (issue.id, RecordItem(call_number="P CAH 12", location="Espace doc")),
    ]
    made, _problems = items.add_many(session, copies, batch=batch)
    lent = items.list_of(session, [pile.id])[1]
    assert lent.id == made[1]
    items.revise(session, lent, {"status": "on_loan", "lent_until": date(2024, 4, 12)}, by="claire", batch=batch)
    (staged,) = sources.stage(session, reci, [Received("oai:RECI:1", "f", [])])
    lot = history.open_batch(session, "harvest", by="travee harvest")
    claims.link_many(session, [claims.Link(network.id, staged.record_id, staged.version_id)], batch=lot)
    for held, label in ((pile, "ORIV"), (withdrawn, "Profession Banlieue")):
        session.add(Holding(notice_id=held.id, record_id=staged.record_id, centre_label=label, seen_at=now()))
    merged.merged_into_id = pile.id
    for notice, status, why in (
        (withdrawn, "withdrawn", "désherbage"),
        (merged, "merged", ""),
        (erased, "erased", "à la demande de la personne"),
    ):
        notices.set_status(session, notice, status, by="claire", why=why)
    cast_of = (pile, serial, issue, article, sibling, english, network, withdrawn, merged, erased, draft)
    return Library(*(notice.address for notice in cast_of))


@pytest.fixture
def library(app: Flask) -> Library:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        made = stock(session)
    travee.drain()
    return made


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.get_data(as_text=True)


def words(page: str) -> str:
    """The text of a page, on one line."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


# --- the address of a search -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ([("q", "  école   du  quartier ")], [("q", "école du quartier")]),
        ([("q", "")], []),
        ([("type", "rapport"), ("acces", "en-ligne")], [("acces", "en-ligne"), ("type", "rapport")]),
        ([("type", "rapport"), ("type", "rapport")], [("type", "rapport")]),
        ([("type", "n’existe pas"), ("utm_source", "x"), ("acces", "partout")], []),
        ([("annee_de", "2018"), ("annee_a", "2024")], [("annee", "2018-2024")]),
        ([("annee_de", "2024"), ("annee_a", "2018")], [("annee", "2018-2024")]),
        ([("annee_de", "2018"), ("annee_a", "")], [("annee", "2018-")]),
        ([("annee", "-2010")], [("annee", "-2010")]),
        ([("annee", "2018")], [("annee", "2018")]),
        ([("annee", "hier")], []),
        ([("fonds", "nous")], []),
        ([("fonds", "reseau")], [("fonds", "reseau")]),
        ([("q", "x"), ("tri", "pertinence")], [("q", "x")]),
        ([("tri", "recent")], [("tri", "recent")]),
        ([("page", "1")], []),
        ([("page", "3")], [("page", "3")]),
        ([("page", "-3")], []),
        ([("theme", "Égalité"), ("theme", "Écoles")], [("theme", "Écoles"), ("theme", "Égalité")]),
    ],
)
def test_a_search_has_one_address(given: list[tuple[str, str]], canonical: list[tuple[str, str]]) -> None:
    assert sorted(understand(given).params()) == sorted(canonical)


NAMES = st.sampled_from([*FILTERS, "q", "annee", "annee_de", "annee_a", "fonds", "tri", "page"])
VALUES = st.one_of(st.text(max_size=12), st.sampled_from([w for table in WORDS.values() for w in table]))


@given(st.lists(st.tuples(NAMES, st.one_of(VALUES, st.from_regex(r"\d{4}(-\d{4})?", fullmatch=True))), max_size=8))
def test_whatever_is_typed_the_canonical_address_leads_to_itself(given_: list[tuple[str, str]]) -> None:
    params = understand(given_).params()
    assert understand(params).params() == params


def test_a_year_that_is_none_is_told_at_its_field_and_kept() -> None:
    asked = understand([("annee_de", "20x4"), ("annee_a", "2024"), ("type", "rapport")])
    assert [name for name, _sentence in asked.errors] == ["annee_de"]
    assert asked.typed_years == ("20x4", "2024")
    assert asked.filters["kind"] == ("report",)


def test_the_network_can_be_the_usual_scope() -> None:
    assert understand([], "network").filters["scope"] == ("network",)
    assert understand([("fonds", "nous")], "network").params() == [("fonds", "nous")]


# --- what pages read -------------------------------------------------------------------------


@pytest.fixture
def counted(session: Session) -> Iterator[list[str]]:
    """The statements sent while a test runs."""
    sent: list[str] = []
    connection = session.connection()

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


def test_twenty_results_take_no_more_queries_than_two(session: Session, counted: list[str]) -> None:
    made = stock(session)
    ids = list(session.scalars(select(Notice.id).where(Notice.status == "published")))
    more = [make(session, "book", f"Livre {n}", *themes("Égalité")).id for n in range(20)]
    session.flush()
    counted.clear()
    reading.result_cards(session, ids[:2])
    few = len(counted)
    counted.clear()
    cards = reading.result_cards(session, ids + more)
    assert len(cards) == len(ids) + 20
    assert few <= len(counted) <= 8
    assert made.pile in {card.address for card in cards}


def test_a_document_s_page_takes_few_queries_however_many_articles(session: Session, counted: list[str]) -> None:
    made = stock(session)
    host = field("463", "0", made.issue, "v", "12")
    for n in range(30):
        make(session, "article", f"Article {n}", host)
    session.flush()
    counted.clear()
    page = reading.notice_page(session, made.issue)
    assert isinstance(page, NoticePage)
    assert len(page.lists[0].entries) == 32
    assert len(counted) <= 14


def test_a_result_says_how_to_read_it(session: Session) -> None:
    made = stock(session)
    cards = {c.address: c for c in reading.result_cards(session, list(session.scalars(select(Notice.id))))}
    pile = cards[made.pile].access
    assert [(way.url, way.format) for way in pile.online] == [("https://exemple.org/pile.pdf", "PDF")]
    assert [copy.call_number for copy in pile.copies] == ["364.4 MAR", "364.4 MAR"]
    assert pile.copies[1].status_words == "sorti, de retour le 12 avril 2024"
    assert not pile.away
    article = cards[made.article].access
    assert article.host == "issue", "an article stands in its issue"
    assert [copy.call_number for copy in article.copies] == ["P CAH 12"]
    assert cards[made.serial].access.issues == 1
    assert [p.centre for p in cards[made.network].access.partners] == ["ORIV"]
    assert cards[made.english].access.online == (), "only http and https are links"
    assert cards[made.english].more_authors
    assert cards[made.article].host == "Les Cahiers du Pile, n° 12, mars 2024"


def test_a_document_s_page_knows_its_neighbours(session: Session) -> None:
    made = stock(session)
    article = reading.notice_page(session, made.article)
    issue = reading.notice_page(session, made.issue)
    serial = reading.notice_page(session, made.serial)
    assert isinstance(article, NoticePage)
    assert isinstance(issue, NoticePage)
    assert isinstance(serial, NoticePage)
    assert [(h.title, h.address) for h in article.hosts] == [
        ("Les Cahiers du Pile", made.serial),
        ("n° 12, mars 2024", made.issue),
    ]
    assert article.place_in_host == "p. 4-11"
    assert [line.address for line in article.lists[0].entries] == [made.sibling]
    assert [line.title for line in issue.lists[0].entries] == ["Choisir son collège", "Dans le bus de 7 h 12"]
    assert [line.address for line in serial.lists[0].entries] == [made.issue]


def test_an_address_never_dies(session: Session) -> None:
    made = stock(session)
    assert reading.notice_page(session, made.merged) == Moved(made.pile)
    gone = reading.notice_page(session, made.erased)
    assert isinstance(gone, Gone)
    assert gone.reason == "à la demande de la personne"
    withdrawn = reading.notice_page(session, made.withdrawn)
    assert isinstance(withdrawn, NoticePage)
    assert withdrawn.withdrawn_on == now().date()
    assert reading.notice_page(session, made.draft) is None
    assert reading.notice_page(session, "nulle-part") is None


def test_themes_can_be_browsed_without_the_index(session: Session) -> None:
    made = stock(session)
    total, ids = reading.ids_with_theme(session, ["Orientation scolaire"], limit=1)
    assert total == 2
    assert [card.address for card in reading.result_cards(session, ids)] == [made.article]


# --- home and results ------------------------------------------------------------------------


def test_an_empty_catalogue_says_that_it_opens_soon(client: FlaskClient) -> None:
    page = words(read(client, "/"))
    assert "Le catalogue ouvre bientôt" in page
    assert "Que cherchez-vous" not in page


def test_home_has_a_box_three_doors_and_the_themes(client: FlaskClient, library: Library) -> None:
    page = read(client, "/")
    text = words(page)
    assert "6 documents à découvrir" in text
    for door in ("Lire en ligne", "Venir consulter", "Nouveautés"):
        assert door in text
    assert "Sur rendez-vous." in text
    assert 'href="/recherche?theme=Orientation+scolaire"' in page
    assert "Dans le bus de 7 h 12" in text


def test_results_put_access_first(client: FlaskClient, library: Library) -> None:
    page = read(client, "/recherche?q=guichet")
    text = words(page)
    assert "1 document pour « guichet »" in text
    assert "Rapport · 2021" in text
    assert "Lire en ligne (PDF)" in text
    assert "Aussi sur place · 364.4 MAR · sur rendez-vous" in text
    assert "<mark>guichet</mark>" in page


def test_the_network_is_one_filter_away(client: FlaskClient, library: Library) -> None:
    assert "affaire de famille" not in read(client, "/recherche?q=orientation")
    text = words(read(client, "/recherche?q=orientation&fonds=reseau"))
    assert "affaire de famille" in text
    assert "Chez un partenaire : ORIV" in text


def test_a_filter_is_said_above_the_results_and_taken_off_there(client: FlaskClient, library: Library) -> None:
    page = read(client, "/recherche?q=orientation&type=rapport")
    chip = re.search(r'<a class="chip" href="([^"]+)">(.*?)</a>', page, re.S)
    assert chip
    assert "Retirer : Rapport" in words(chip[2])
    assert chip[1] == "/recherche?q=orientation"
    assert re.search(r'name="type" value="rapport" checked', page)
    assert "Rapport (1)" in words(page)


def test_filters_stand_before_results_with_a_way_to_skip_them(client: FlaskClient, library: Library) -> None:
    page = read(client, "/recherche?q=orientation")
    assert page.index('href="#resultats"') < page.index('id="filtres"') < page.index('id="resultats"')


def test_forms_lead_to_the_one_address(client: FlaskClient, library: Library) -> None:
    answer = client.get("/recherche?q=ville&annee_de=2018&annee_a=&fonds=nous&type=rapport&page=1")
    assert answer.status_code == 302
    assert answer.location == "/recherche?q=ville&type=rapport&annee=2018-"


def test_a_wrong_year_is_told_and_the_results_stay(client: FlaskClient, library: Library) -> None:
    page = read(client, "/recherche?q=orientation&annee_de=20x4", 422)
    assert "<title>Erreur : " in page
    assert 'href="#annee_de"' in page
    assert "Écrivez l’année sur 4 chiffres" in page
    assert 'value="20x4"' in page
    assert "Grandir au Pile" in page


def test_nothing_found_offers_ways_on_with_their_numbers(client: FlaskClient, library: Library) -> None:
    text = words(read(client, "/recherche?q=orientation&type=these"))
    assert "Aucun document pour « orientation »" in text
    assert "Sans le filtre « Thèse ou mémoire » ( 2 documents )" in text.replace("(2", "( 2").replace("s)", "s )")
    assert "Demander à la documentaliste" in text


def test_a_slip_is_corrected(client: FlaskClient, library: Library) -> None:
    page = read(client, "/recherche?q=orientatoin")
    assert "Vouliez-vous dire" in words(page)
    assert 'href="/recherche?q=orientation"' in page


def test_looser_results_say_so(client: FlaskClient, library: Library) -> None:
    text = words(read(client, "/recherche?q=guichet+bus"))
    assert "Aucun document n’a tous ces mots à la fois" in text
    assert "Grandir au Pile" in text


def test_twenty_a_page_and_never_past_the_last(app: Flask, client: FlaskClient) -> None:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        for n in range(23):
            make(session, "book", f"Cahier {n}")
    travee.drain()
    first, second = read(client, "/recherche?q=cahier"), read(client, "/recherche?q=cahier&page=2")
    assert first.count('class="result"') == 20
    assert second.count('class="result"') == 3
    assert "Page 1 sur 2" in words(first)
    assert '<ol class="results" start="21">' in second
    assert 'rel="next" href="/recherche?q=cahier&amp;page=2"' in first
    assert client.get("/recherche?q=cahier&page=9").location == "/recherche?q=cahier&page=2"


def test_the_whole_list_of_themes_is_a_page(client: FlaskClient, library: Library) -> None:
    page = read(client, "/recherche/filtre/theme?q=orientation&type=article")
    assert "Carte scolaire (1)" in words(page)
    assert '<input type="hidden" name="type" value="article">' in page
    narrowed = read(client, "/recherche/filtre/theme?contient=CARTE")
    assert "Carte scolaire" in narrowed
    assert "Discrimination" not in narrowed
    read(client, "/recherche/filtre/rien", 404)


def test_when_the_index_is_down_themes_stay_and_words_are_kept(
    client: FlaskClient, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_all: object, **_named: object) -> None:
        raise OSError("no such index")

    monkeypatch.setattr(searching.queries, "search", broken)
    assert "La recherche est arrêtée" in read(client, "/", 503)
    text = read(client, "/recherche?q=orientation", 503)
    assert 'value="orientation"' in text
    assert "Choisir son collège" in read(client, "/recherche?theme=Orientation+scolaire")


@pytest.mark.parametrize(
    "q", ['"', "<script>alert(1)</script>", "a" * 3000, "\x00", "%", "auteur:", "((", "🏘️", "' OR 1=1"]
)
def test_whatever_is_typed_a_page_answers(client: FlaskClient, library: Library, q: str) -> None:
    answer = client.get("/recherche", query_string={"q": q}, follow_redirects=True)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)


# --- one document ----------------------------------------------------------------------------


def test_a_document_s_page_says_what_where_and_how(client: FlaskClient, library: Library) -> None:
    page = read(client, f"/d/{library.pile}")
    text = words(page)
    assert "<title>Grandir au Pile – Espace doc</title>" in page
    assert "Rapport · 2021" in text
    assert "Vasseur, Lise (préface)" in text
    assert 'href="https://exemple.org/pile.pdf"' in page
    assert f'href="/demande?sujet=consulter&amp;notice={library.pile}"' in page
    assert 'href="/recherche?theme=Discrimination"' in page
    assert 'href="/recherche?q=auteur:%22Marchal,+Odile%22"' in page
    assert "sorti, de retour le 12 avril 2024" in text
    assert f"localhost/d/{library.pile}" in text
    assert 'data-label="Cote"' in page, "a table is cards on a phone"


def test_a_foreign_title_is_marked_with_its_language(client: FlaskClient, library: Library) -> None:
    page = read(client, f"/d/{library.english}")
    assert '<h1 lang="en">Housing segregation' in page
    assert '<p class="summary" lang="en">' in page
    assert '<h1 lang="fr">Grandir au Pile' in read(client, f"/en/d/{library.pile}")


def test_a_harvested_record_says_where_it_comes_from(client: FlaskClient, library: Library) -> None:
    assert "Fiche reprise de RECI." in words(read(client, f"/d/{library.network}"))
    assert "Fiche reprise" not in words(read(client, f"/d/{library.pile}"))


def test_a_withdrawn_document_stays_at_its_address(client: FlaskClient, library: Library) -> None:
    page = read(client, f"/d/{library.withdrawn}")
    assert "Ce document n’est plus dans notre fonds depuis" in page
    assert '<meta name="robots" content="noindex">' in page
    assert "Profession Banlieue" in page
    assert "Demander à consulter" not in page
    assert "Annuaire du quartier" not in read(client, "/recherche?q=annuaire")


def test_old_and_mistyped_addresses_lead_to_the_right_one(client: FlaskClient, library: Library) -> None:
    for path in (f"/d/{library.merged}", f"/d/{library.pile}-grandir-au-pile", f"/d/{library.pile.upper()}"):
        if path == f"/d/{library.pile}":
            continue
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (301, f"/d/{library.pile}")
    gone = words(read(client, f"/d/{library.erased}", 410))
    assert "à la demande de la personne" in gone
    assert "Brouillon" not in read(client, f"/d/{library.draft}", 404)
    assert "huit signes" in read(client, "/d/k7m4", 404)


def test_one_can_go_back_to_the_results_one_came_from(client: FlaskClient, library: Library) -> None:
    path, came = f"/d/{library.pile}", "http://localhost/recherche?q=guichet&page=2"
    page = client.get(path, headers={"Referer": came}).get_data(as_text=True)
    assert 'href="/recherche?q=guichet&amp;page=2">Revenir aux résultats' in page
    page = client.get(path, headers={"Referer": "http://ailleurs.example/recherche"}).get_data(as_text=True)
    assert "Revenir aux résultats" not in page


# --- writing to the centre -------------------------------------------------------------------

LETTER = {"sujet": "venir", "nom": "Inès", "courriel": "ines@exemple.fr", "message": "Jeudi matin ?"}


def received(app: Flask) -> list[VisitRequest]:
    with app.extensions["travee"].db.read() as session:
        return list(session.scalars(select(VisitRequest)))


def test_a_request_reaches_the_inbox_and_is_acknowledged(app: Flask, client: FlaskClient, library: Library) -> None:
    letter = LETTER | {"sujet": "consulter", "notice": library.pile}
    answer = client.post("/demande", data=letter, follow_redirects=True)
    (row,) = received(app)
    assert (row.subject, row.name, row.email, row.message) == ("consult", "Inès", "ines@exemple.fr", "Jeudi matin ?")
    assert row.notice_id is not None
    page = answer.get_data(as_text=True)
    assert row.code in page
    assert f'href="/d/{library.pile}"' in page


def test_the_form_says_how_long_a_name_is_kept(client: FlaskClient) -> None:
    assert "effacés au bout de 12 mois" in read(client, "/demande?sujet=venir")


def test_a_mistake_is_told_and_nothing_typed_is_lost(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/demande", data=LETTER | {"courriel": "ines@", "nom": " "})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "<title>Erreur : " in page
    assert "Il y a un problème" in page
    assert 'href="#courriel"' in page
    assert 'value="ines@"' in page
    assert "Jeudi matin ?" in page
    assert re.search(
        r'id="courriel"[^>]*aria-describedby="courriel-aide courriel-erreur"[^>]*aria-invalid="true"', page
    )
    assert received(app) == []


def test_a_mistake_in_the_catalogue_may_be_reported_without_a_name(app: Flask, client: FlaskClient) -> None:
    client.post("/demande", data={"sujet": "signaler", "message": "Le lien ne s’ouvre pas."})
    assert [row.subject for row in received(app)] == ["error"]


def test_a_robot_is_thanked_and_not_heard(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/demande", data=LETTER | {"site": "https://spam.example"}, follow_redirects=True)
    assert "Merci" in answer.get_data(as_text=True)
    assert received(app) == []


def test_a_failed_search_can_be_handed_over(client: FlaskClient) -> None:
    assert "Je cherche : laïcité au stade" in read(client, "/demande?sujet=question&recherche=laïcité au stade")


def test_a_document_nobody_may_see_is_no_subject(app: Flask, client: FlaskClient, library: Library) -> None:
    assert "Brouillon" not in read(client, f"/demande?sujet=consulter&notice={library.draft}")
    client.post("/demande", data=LETTER | {"sujet": "consulter", "notice": library.draft})
    assert [row.notice_id for row in received(app)] == [None]


def test_too_long_a_message_is_told() -> None:
    form = request_form.read(LETTER | {"message": "a" * 5001})
    assert form.error("message") == "Raccourcissez ce texte : 5000 caractères au plus."


def test_many_messages_in_a_minute_are_stopped(settings: Settings) -> None:
    setup.init(settings)
    app = create_app(settings.model_copy(update={"testing": False}))
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    codes = [client.post("/demande", data=LETTER).status_code for _try in range(8)]
    app.extensions["travee"].close()
    assert codes[0] == 303, "no token is asked of a visitor"
    assert codes[-1] == 429


# --- on every page ---------------------------------------------------------------------------


def test_every_page_has_an_english_twin(client: FlaskClient, library: Library) -> None:
    for path in (*FIXED, f"/d/{library.pile}"):
        twin = "/en" + path if path != "/" else "/en/"
        french, english = read(client, path), read(client, twin)
        assert '<html lang="fr"' in french
        assert '<html lang="en"' in english
        assert f'hreflang="en" href="http://localhost{escape(twin)}"' in french
        assert f'<a href="{escape(path)}" hreflang="fr"' in english


def test_the_appearance_is_remembered_on_the_server(client: FlaskClient) -> None:
    assert "data-theme" not in read(client, "/aide")
    answer = client.get("/preferences?apparence=sombre&retour=/aide?x=1")
    assert answer.location == "/aide?x=1"
    assert 'data-theme="dark"' in read(client, "/aide")
    client.get("/preferences?apparence=auto")
    assert "data-theme" not in read(client, "/aide")


@pytest.mark.parametrize(
    "target", ["//ailleurs.example", "https://ailleurs.example", "/\\ailleurs.example", "javascript:1"]
)
def test_preferences_never_lead_away(client: FlaskClient, target: str) -> None:
    assert client.get("/preferences", query_string={"apparence": "claire", "retour": target}).location == "/"


def test_keys_can_be_switched_off(client: FlaskClient) -> None:
    assert 'data-keys="off"' not in read(client, "/aide")
    client.get("/preferences?touches=non")
    page = read(client, "/aide")
    assert 'data-keys="off"' in page
    assert "touches=oui" in page, "and on again"


def test_visitors_get_no_cookie_they_did_not_ask_for(client: FlaskClient, library: Library) -> None:
    for path in (*FIXED, f"/d/{library.pile}"):
        assert "Set-Cookie" not in client.get(path).headers, path
    assert "Set-Cookie" not in client.post("/demande", data=LETTER).headers


def test_pages_stay_small_and_carry_no_style_or_script(client: FlaskClient, library: Library) -> None:
    shown = [f"/d/{getattr(library, name)}" for name in ("pile", "serial", "issue", "article", "withdrawn", "erased")]
    for path in (*FIXED, *SEARCHES, *shown):
        page = client.get(path).get_data(as_text=True)
        assert len(page.encode()) < 60_000, path
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", page), path
        scripts = re.findall(r"<script[^>]*>", page)  # JSON-LD is data: no browser runs it
        assert all("src=" in tag or "ld+json" in tag for tag in scripts), path
        loaded = re.findall(
            r'<(?:script|img|iframe)[^>]*src="([^"]+)"|<link rel="(?:stylesheet|icon)" href="([^"]+)"', page
        )
        assert all(one.startswith("/static/") for pair in loaded for one in pair if one), path


def test_footer_and_menu_lead_only_to_pages_that_exist(client: FlaskClient, library: Library) -> None:
    page = read(client, "/")
    for address in set(re.findall(r'<a [^>]*href="(/[^"]*)"', page)):
        assert client.get(address.replace("&amp;", "&"), follow_redirects=True).status_code == 200, address


@pytest.mark.parametrize("name", ["travee.css", "bureau.css"])
def test_style_sheets_keep_to_their_budget(name: str) -> None:
    css = (STATIC / name).read_bytes()
    assert len(css) <= 40_000
    assert len(gzip.compress(css)) <= 11_000
    assert b"@media print" in css
    assert b"http" not in css


def test_the_script_keeps_to_its_budget() -> None:
    script = (STATIC / "travee.js").read_bytes()
    assert len(script) <= 60_000
    assert len(gzip.compress(script)) <= 22_000


def test_visitors_do_not_load_what_only_the_desk_needs(client: FlaskClient, claire: FlaskClient) -> None:
    sheets = lambda page: re.findall(r'<link rel="stylesheet" href="/static/([a-z.]+)', page)  # noqa: E731
    for path in ("/", "/recherche", "/nulle-part"):
        assert sheets(client.get(path).text) == ["travee.css"], path
    for path in ("/connexion", "/bureau", "/bureau/notices/nouvelle?modele=book"):
        assert sheets(claire.get(path).text) == ["travee.css", "bureau.css"], path


def test_no_rule_is_for_a_class_that_nothing_has() -> None:
    comments = re.compile(r"\{#.*?#\}|/\*.*?\*/", re.S)
    pages = [*STATIC.parent.glob("templates/**/*.html"), STATIC / "travee.js"]
    named = set(re.findall(r"[\w-]+", " ".join(comments.sub("", path.read_text("utf-8")) for path in pages)))
    for sheet in ("travee.css", "bureau.css"):
        rules = re.sub(r"\{[^{}]*\}", " ", comments.sub("", (STATIC / sheet).read_text("utf-8")))
        assert not set(re.findall(r"\.([a-z][\w-]*)", rules)) - named, sheet


def test_a_broken_page_gives_a_reference(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_all: object, **_named: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(searching, "home", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    page = read(client, "/", 500)
    assert re.search(r"Référence à nous donner : [0-9a-f]{8}", words(page))


# --- in a real browser -----------------------------------------------------------------------

SHOWN = ("pile", "issue", "withdrawn")


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [(1366, 768, "light"), pytest.param(360, 740, "dark", marks=pytest.mark.long)],
)
def test_pages_have_no_accessibility_fault(
    browser: Browser, live_server: str, library: Library, width: int, height: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, user_agent=BROWSER_AGENT
    )
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith(live_server) else None)
    shown = [f"/d/{getattr(library, name)}" for name in SHOWN]
    for path in (*FIXED, *SEARCHES, *shown, "/en/", f"/en/d/{library.english}"):
        page.goto(live_server + path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    assert outside == [], "nothing is asked of another host"
    context.close()


def test_no_page_is_wider_than_a_small_or_enlarged_screen(browser: Browser, live_server: str, library: Library) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, user_agent=BROWSER_AGENT)
    page = context.new_page()
    for path in (*FIXED, *SEARCHES, *(f"/d/{getattr(library, name)}" for name in SHOWN)):
        page.goto(live_server + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    context.close()


def test_ines_filters_on_her_phone_without_a_script(browser: Browser, live_server: str, library: Library) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server + "/")
    page.get_by_label("Que cherchez-vous ?").fill("orientation")
    page.get_by_role("button", name="Rechercher").click()
    assert not page.get_by_role("button", name="Appliquer").is_visible()
    page.get_by_role("link", name="Filtrer", exact=True).click()
    page.get_by_label("Rapport (1)").check()
    page.get_by_role("button", name="Appliquer").click()
    assert page.url.endswith("/recherche?q=orientation&type=rapport")
    assert not page.get_by_role("button", name="Appliquer").is_visible(), "closed again"
    page.get_by_role("link", name="Grandir au Pile").click()
    action = page.get_by_role("link", name="Lire en ligne (PDF)")
    box = action.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 740, "the way to read it is at hand without scrolling"
    page.get_by_role("link", name="Demander à consulter").click()
    page.get_by_label("Votre nom").fill("Inès")
    page.get_by_label("Votre adresse de courriel").fill("ines@exemple.fr")
    page.get_by_label("Quand aimeriez-vous venir").fill("Jeudi matin")
    page.get_by_role("button", name="Envoyer la demande").click()
    assert page.get_by_role("heading", name="Merci, votre demande est envoyée").is_visible()
    context.close()


def test_marc_goes_through_results_with_the_keyboard(browser_page: Page, live_server: str, library: Library) -> None:
    page = browser_page
    page.goto(live_server + "/recherche?q=orientation")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('.result')[0]")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('.result')[1]")
    page.keyboard.press("k")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("jk/")
    assert page.locator("#q").input_value() == "jk/", "typing is only typing"
    page.goto(live_server + "/preferences?touches=non&retour=/recherche%3Fq%3Dorientation")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body"), "switched off, the keys do nothing"


def test_a_form_sent_back_has_the_focus_on_what_is_wrong(browser_page: Page, live_server: str) -> None:
    page = browser_page
    page.goto(live_server + "/demande?sujet=venir")
    page.get_by_role("button", name="Envoyer la demande").click()
    assert page.evaluate("document.activeElement.id") == "erreurs"
    page.get_by_role("link", name="Écrivez votre nom.").click()
    assert page.evaluate("document.activeElement.id") == "nom"


def test_results_print_as_a_numbered_list(browser_page: Page, live_server: str, library: Library) -> None:
    page = browser_page
    page.goto(live_server + "/recherche?q=orientation")
    page.emulate_media(media="print")
    for gone in (".site-head", ".site-foot", ".filters", ".searchbar"):
        assert not page.locator(gone).is_visible(), gone
    assert page.locator("p.paper").is_visible()
    style = page.evaluate("getComputedStyle(document.querySelector('.results')).listStyleType")
    assert style == "decimal"
    address = page.evaluate("getComputedStyle(document.querySelector('[data-permalink]'), '::after').content")
    assert "/d/" in address


def test_on_paper_a_table_is_a_table(browser_page: Page, live_server: str, library: Library) -> None:
    page = browser_page
    page.set_viewport_size({"width": 670, "height": 950})  # what A4 leaves between its margins
    page.goto(live_server + f"/d/{library.pile}")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.as-cards td')).display") == "table-cell"


def test_the_centres_own_fields_and_what_it_has_of_a_journal_are_shown_and_searched(session: Session) -> None:
    own = [
        field("900", "a", "Politique de la ville", "l", "Fonds", "n", "cp_fonds", "t", "list"),
        field("900", "a", "sans libellé"),
        field("950", "a", "Salle 2", "b", "1998-2020", "i", "2003", "f", "PER GAZ"),
    ]
    gazette = make(session, "serial", "La Gazette", *own)
    page = reading.notice_page(session, gazette.address)
    assert isinstance(page, NoticePage)
    facts = {fact.label: fact.values for fact in page.facts}
    assert facts["Fonds"] == ("Politique de la ville",)
    assert facts["État de la collection"] == ("Salle 2 : 1998-2020, lacunes : 2003 (PER GAZ)",)
    (document,) = documents.read(session, [gazette.id])
    for word in ("Politique de la ville", "sans libellé", "Salle 2", "PER GAZ"):
        assert word in document.notes


def test_a_theme_has_a_page_that_leads_to_its_documents(app: Flask, client: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        rows = [
            ConceptRow("t:v", {"fr": "Ville", "en": "City"}, (("fr", "Cité"),)),
            ConceptRow("t:q", {"fr": "Quartier"}, broader=("t:v",)),
        ]
        authorities.load_scheme(session, "t", "t:", {"fr": "Thésaurus de la ville"}, rows)
        make(session, "book", "Vivre ici", *themes("Quartier"))
        ids = {label: i for i, label in session.execute(select(Concept.id, Concept.label))}
    assert "Thésaurus de la ville" in read(client, "/themes")
    page = read(client, f"/themes/{ids['Ville']}")
    assert "Cité" in page and "anglais" in page and "1 document avec les termes plus précis" in page
    page = read(client, f"/themes/{ids['Quartier']}")
    assert "Voir le document" in page and "/recherche?theme=Quartier" in page
    assert "City" in read(client, f"/en/themes/{ids['Ville']}")
    read(client, "/themes/99999", 404)
