"""What the search box proposes: by whatever name, where the visitor looks, and as many documents as it says."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from catalogue import authorities, entities, history, notices
from catalogue.entities import ConceptRow
from catalogue.models import Centre, NoticeAgent
from catalogue.web import proposing
from tests.cast import field
from tests.test_public import make

ROWS = [
    ConceptRow("urn:ghetto", {"fr": "Ségrégation urbaine", "en": "Urban segregation"}, alternate=(("fr", "Ghetto"),)),
    ConceptRow("urn:ecole", {"fr": "École", "en": "School"}),
    ConceptRow("urn:rien", {"fr": "Ghettoïsation"}),  # no document is about it
]


@pytest.fixture
def library(app: Flask) -> None:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        lot = history.open_batch(session, "import", by="claire")
        scheme = entities.Thesaurus("lieux", "urn:", {"fr": "Lieux"}, tuple(ROWS))
        authorities.take_in_thesauri(session, None, [scheme], batch=lambda: lot)
        partner = Centre(code="AUTRE", name="Un autre centre")
        session.add(partner)
        session.flush()
        kowal = field("700", "a", "Kowaltchuk", "b", "Dorota", "4", "070")
        reci = field("710", "a", "Réseau RECI", "4", "070")
        theme, school = field("606", "a", "Ségrégation urbaine"), field("606", "a", "École")
        make(session, "book", "Quartiers séparés", theme, kowal)
        make(session, "book", "Contrat de ville, contrat social", theme, school, kowal, reci)
        drama = field("606", "a", "Théâtre")
        make(session, "book", "Un contrat chez les autres", theme, drama, kowal, owner_id=partner.id)
        make(session, "book", "Un brouillon sur les kowariens", theme, kowal, status="draft")
    travee.drain_soon()


def proposed(client: FlaskClient, typed: str, where: str = "", at: str = "/suggestions") -> dict[str, tuple[str, str]]:
    """What the box shows: what is said of it, where it leads."""
    answer = client.get(at, query_string={"q": typed} | ({"fonds": where} if where else {}))
    again, texts, about, addresses, shown = json.loads(answer.data)
    assert again == typed
    assert len(texts) == len(about) == len(addresses) == len(shown)
    return dict(zip(shown, zip(about, addresses, strict=True), strict=True))


BEGUN = {
    "ségr": "Ségrégation urbaine",
    "ghet": "Ghetto → Ségrégation urbaine",
    "urban seg": "Urban segregation → Ségrégation urbaine",
    "school": "School → École",
    "RECI": "Réseau RECI",
    "dorota kow": "Kowaltchuk, Dorota",
    "auteur:ko": "Kowaltchuk, Dorota",
    'auteur:"Dorota Kow': "Kowaltchuk, Dorota",
    "author:reci": "Réseau RECI",
    '"contrat de vil': '"contrat de ville"',
    "« contrat de vil": "« contrat de ville »",
    'titre:"quart': 'titre:"quartiers"',
    "titre:quart": "titre:quartiers",
    "theme:urb": "Ségrégation urbaine",
    "auteur:dorota quart": "auteur:dorota quartiers",
    '"contrat " soc': '"contrat " social',
}
NOTHING = (
    *("kowari", "titre:kow"),  # of a draft; of an author
    *("ghettoï", "zorglub quart", "contrat sépar"),  # a theme of no document; words that no document has together
    *("annee:20", "-quart", "quartiers ", ""),
)


def test_what_is_begun_is_proposed(client: FlaskClient, library: None) -> None:
    for typed, shown in BEGUN.items():
        assert shown in proposed(client, typed), typed
    for typed in NOTHING:
        assert not proposed(client, typed), typed
    assert not proposed(client, "théât") and proposed(client, "théât", "reseau")
    # A theme takes the place of what was typed: not when something else was.
    assert set(proposed(client, "auteur:dorota ségr")) == {"auteur:dorota ségrégation"}


def test_the_number_said_is_the_number_one_gets(client: FlaskClient, library: None) -> None:
    told = {}
    for where in ("", "reseau"):
        for typed in ("ségr", "ghet", "school", "reci", "kow", "auteur:kow"):
            for about, address in proposed(client, typed, where).values():
                parts = urlsplit(address)
                page = client.get(f"{parts.path}?{parts.query}").text
                heading = re.search(r"<h1[^>]*>\s*(\d+) documents?", page)
                assert heading, (typed, address)
                if number := re.search(r"(\d+) documents?$", about):
                    told[typed, where] = number[1]
                    assert number[1] == heading[1], (typed, where)
    assert (told["ghet", ""], told["ghet", "reseau"]) == ("2", "3")
    assert (told["auteur:kow", ""], told["auteur:kow", "reseau"]) == ("2", "3")


def test_the_author_of_what_has_just_been_unpublished_is_not_named(
    app: Flask, client: FlaskClient, library: None
) -> None:
    travee = app.extensions["travee"]
    assert "Réseau RECI" in proposed(client, "reci")
    with travee.db.write() as session:
        number = session.scalars(select(NoticeAgent.notice_id).where(NoticeAgent.name == "Réseau RECI")).one()
        notices.set_status(session, notices.get(session, number), "draft", by="claire", why="essai")
    assert not proposed(client, "reci")  # though nobody has told the index yet


def test_an_english_page_says_themes_in_english(client: FlaskClient, library: None) -> None:
    found = proposed(client, "scho", at="/en/suggestions")
    assert list(found) == ["School"]
    assert urlsplit(found["School"][1]).path == "/en/recherche"
    assert list(proposed(client, "éco", at="/en/suggestions")) == ["École → School"]
    assert proposed(client, "reci", at="/en/suggestions")["Réseau RECI"][0].endswith("1 document")


def test_an_answer_stays_small(app: Flask, client: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        labels = [f"Éléphants {'é' * 150} {n}" for n in range(12)]
        make(session, "book", "Un livre", *(field("606", "a", label) for label in labels))
    app.extensions["travee"].drain_soon()
    answer = client.get("/suggestions?q=elephants")
    assert len(answer.data) <= proposing.MOST_BYTES
    assert len(json.loads(answer.data)[1]) >= 2
    assert len(client.get("/suggestions", query_string={"q": "é" * 3_000}).data) <= proposing.MOST_BYTES
