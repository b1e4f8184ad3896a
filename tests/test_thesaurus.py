"""What the thesaurus adds to a question, and what it leaves alone."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from catalogue import authorities, entities, history
from catalogue.entities import ConceptRow
from catalogue.web.thesaurus import Thesaurus
from tests.cast import field
from tests.test_public import make

ROWS = [
    ConceptRow("urn:habitat", {"fr": "Habitat"}),
    ConceptRow("urn:social", {"fr": "Logement social"}, alternate=(("fr", "HLM"),), broader=("urn:habitat",)),
    ConceptRow("urn:tres", {"fr": "Logement très social"}, broader=("urn:social",)),
    ConceptRow("urn:eau", {"fr": "Eau"}),
]


def take_in(session: Session) -> None:
    lot = history.open_batch(session, "import", by="claire")
    scheme = entities.Thesaurus("lieux", "urn:", {"fr": "Lieux"}, tuple(ROWS))
    authorities.take_in_thesauri(session, None, [scheme], batch=lambda: lot)


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        ("hlm", {"Logement social", "Logement très social"}),
        ("les HLM à Lyon", {"Logement social", "Logement très social"}),
        ("habitats", {"Logement social", "Logement très social"}),
        ("logements sociaux", set()),  # « Logement très social » holds these words anyhow
        ('"habitat"', set()),
        ("titre:habitat", set()),
        ("habitat*", set()),
        ("-habitat", set()),
        ("eau", set()),
        ("", set()),
        ("rien de tel", set()),
    ],
)
def test_words_that_name_a_theme_ask_for_what_is_narrower_and_for_its_own_name(
    session: Session, asked: str, labels: set[str]
) -> None:
    take_in(session)
    found = Thesaurus().widenings(session, asked)
    assert {label for widening in found for label in widening.labels} == labels
    for widening in filter(lambda one: one.labels, found):
        assert asked[widening.start : widening.end].lower().rstrip("s") in ("hlm", "habitat")


@pytest.fixture
def library(app: Flask) -> None:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        take_in(session)
        make(session, "book", "Vivre ensemble", field("606", "a", "Logement social"))
        make(session, "book", "Les HLM racontés")
        make(session, "book", "Un tout autre sujet", year="2019")
    travee.drain_soon()


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_page_says_what_it_was_widened_to_and_goes_back(client: FlaskClient, library: None) -> None:
    page = client.get("/recherche?q=hlm").text
    assert page.index("Les HLM racontés") < page.index("Vivre ensemble")
    assert "Élargi à « Logement social »." in words(page)  # nobody wrote of the narrower one
    (way,) = re.findall(r'href="([^"]*elargir=non[^"]*)"', page)
    narrow = client.get(html.unescape(way)).text
    assert "Les HLM racontés" in narrow
    assert "Vivre ensemble" not in narrow
    assert "Élargi" not in narrow


def test_a_year_is_found_as_it_is_typed(client: FlaskClient, library: None) -> None:
    assert "Un tout autre sujet" in client.get("/recherche?q=2019").text


def test_each_result_says_why_it_is_there(client: FlaskClient, library: None) -> None:
    page = words(client.get("/recherche?q=hlm").text)
    assert "Trouvé dans le titre" in page
    assert "Trouvé dans le thème « Logement social »" in page
