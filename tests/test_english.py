"""The English pages: themes in English where the thesaurus has them, French marked as French elsewhere; dates too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from catalogue import authorities, reading, vocabulary
from catalogue.entities import ConceptRow
from catalogue.i18n import use_language
from catalogue.models import Concept
from tests.cast import field
from tests.test_public import make, read, themes, words

ROWS = [
    ConceptRow("t:h", {"fr": "Habitat", "en": "Housing"}),
    ConceptRow("t:s", {"fr": "Logement social", "en": "Social housing"}, broader=("t:h",)),
    ConceptRow("t:c", {"fr": "Copropriété"}, broader=("t:h",)),
]


@pytest.fixture
def ids(app: Flask) -> dict[str, int]:
    """A small thesaurus of which one term has no English name, and two documents: what -> its number."""
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        authorities.load_scheme(session, "t", "t:", {"fr": "Habiter", "en": "Dwelling"}, ROWS)
        make(session, "book", "Habiter ici", *themes("Logement social", "Copropriété"))
        found = {label: i for i, label in session.execute(select(Concept.id, Concept.label))}
    travee.drain()
    return found


@pytest.mark.parametrize("path", ["/en/", "/en/recherche?q=habiter", "/en/recherche/filtre/theme"])
def test_themes_are_said_in_english_and_asked_for_by_their_address(
    client: FlaskClient, ids: dict[str, int], path: str
) -> None:
    page = read(client, path)
    assert re.search(r"<span>\s*Social housing", page)
    assert re.search(r'<span lang="fr">\s*Copropriété', page)
    assert ">Logement social" not in page
    assert "theme=Logement+social" in page or 'value="Logement social"' in page
    assert "Social housing" not in read(client, path.replace("/en", "", 1))


def test_a_theme_s_page_speaks_english_too(client: FlaskClient, ids: dict[str, int]) -> None:
    top = read(client, f"/en/themes/{ids['Habitat']}")
    assert "<h1>Housing</h1>" in top
    assert ">Social housing</a>" in top and 'lang="fr">Copropriété</a>' in top
    page = read(client, f"/en/themes/{ids['Logement social']}")
    assert "theme=Logement+social" in page and ">Housing</a>" in page and '<dd lang="fr">Logement social</dd>' in page
    assert '<h1 lang="fr">Copropriété</h1>' in read(client, f"/en/themes/{ids['Copropriété']}")
    assert ">Housing</a>" in read(client, "/en/themes")
    assert "Remove: Social housing" in words(read(client, "/en/recherche?theme=Logement+social"))


def test_the_opening_rule_has_its_english(app: Flask, client: FlaskClient, ids: dict[str, int]) -> None:
    settings = app.extensions["travee"].settings
    settings.opening_rule = "Sur rendez-vous, du lundi au jeudi"
    assert '<p lang="fr">Sur rendez-vous, du lundi au jeudi</p>' in read(client, "/en/")
    settings.opening_rule_en = "By appointment, Monday to Thursday"
    assert "<p>By appointment, Monday to Thursday</p>" in read(client, "/en/")
    assert "<p>Sur rendez-vous, du lundi au jeudi</p>" in read(client, "/")


@pytest.mark.parametrize(
    ("said", "english"),
    [
        ("19 février 2026", "February 19, 2026"),
        ("juillet-août 2011", "July-August 2011"),
        ("2026-02-19", "February 19, 2026"),
        ("1er trimestre 2024", "1st quarter 2024"),
        ("mars", "March"),
        ("2024", "2024"),
    ],
)
def test_dates_of_documents_are_said_in_english(quick_session: Session, said: str, english: str) -> None:
    about = (field("461", "t", "La Revue", "9", "id:77", "9", "lnk:perio"), field("463", "v", "46", "e", said))
    made = make(quick_session, "article", "Un article", *about, year=said)
    with use_language("en"):
        page = reading.notice_page(quick_session, made.address)
        (card,) = reading.result_cards(quick_session, [made.id])
    assert isinstance(page, reading.NoticePage)
    assert page.dated == english
    assert card.host == ("La Revue, no. 46, " + english)


def test_a_tangled_thesaurus_costs_no_more_than_a_straight_one(quick_session: Session) -> None:
    """Two parents at each level, twelve levels: thousands of ways down, of which a page shows some."""
    rows = [
        ConceptRow(f"t:{n}{side}", {"fr": f"Terme {n}{side}"}, broader=tuple(f"t:{n - 1}{s}" for s in "ab" if n))
        for n in range(12)
        for side in "ab"
    ]
    authorities.load_scheme(quick_session, "t", "t:", {"fr": "T"}, rows)
    ids = {label: i for label, i in quick_session.execute(select(Concept.label, Concept.id))}
    asked: list[str] = []
    engine = quick_session.get_bind()

    def note(*said: Any) -> None:
        asked.append(said[2])

    event.listen(engine, "before_cursor_execute", note)
    page = vocabulary.concept_page(quick_session, ids["Terme 11a"])
    event.remove(engine, "before_cursor_execute", note)
    assert isinstance(page, vocabulary.ConceptPage)
    assert len(asked) < 40
    assert 1 < len(page.paths) <= vocabulary.MOST_PATHS
    assert {path[0].label for path in page.paths} <= {"Terme 0a", "Terme 0b"}
    assert {len(path) for path in page.paths} == {11}
