"""Ways in without a question: authors, journals, shelves, new arrivals."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, browsing, history, items, notices, sources
from catalogue.entities import AgentRow, ClassRow
from catalogue.models import Agent, Notice
from catalogue.notices import NewNotice
from catalogue.unimarc import RecordItem
from tests import cast
from tests.cast import field
from tests.test_public import make


def shelved(session: Session, *numbers: str) -> None:
    """One document a call number."""
    batch = history.open_batch(session, "create", by="claire")
    for number in numbers:
        made = notices.create(session, cast.notice(f"Cote {number}"), by="claire", status="published")
        items.add_many(session, [(made.id, RecordItem(call_number=number, location="Salle"))], batch=batch)


def standing(page: browsing.ShelfPage) -> list[str]:
    return [copy.call_number for copy in page.copies]


def test_a_shelf_is_read_from_a_call_number_on_in_its_own_order(session: Session) -> None:
    shelved(session, "364.12 ZOL", "364 DUB", "364.4 AAA", "370.1 MER", "R 2019-12", "R 2019-2")
    assert standing(browsing.shelf(session, "364")) == [
        *("364 DUB", "364.12 ZOL", "364.4 AAA", "370.1 MER"),
        *("R 2019-2", "R 2019-12"),
    ]
    assert standing(browsing.shelf(session, "364.4"))[0] == "364.4 AAA"
    assert browsing.shelf(session, "Z").copies == ()


def test_one_walks_along_a_shelf_both_ways_and_misses_nothing(session: Session) -> None:
    numbers = [f"300 {n}" for n in range(60)] + ["300 7"] * 30  # thirty copies with the same number too
    shelved(session, *numbers)
    seen, page = [], browsing.shelf(session, "300")
    assert page.before == ""
    while True:
        seen += [copy.code for copy in page.copies]
        if not page.after:
            break
        last = page
        page = browsing.shelf(session, "300", after=page.after)
    assert len(seen) == len(set(seen)) == 90
    assert browsing.shelf(session, "300", before=page.before).copies == last.copies


def test_the_stretches_of_the_shelves_are_named_by_the_classification(session: Session) -> None:
    shelved(session, "364 DUB", "364.4 AAA", "DOS LOG 3", "DOS EMP 1", "72.036 LEC")
    source = sources.for_file(session, "Base")
    lot = history.open_batch(session, "import", by="claire")
    authorities.take_in_classes(session, source, [ClassRow("Dewey", "364", "Criminalité")], batch=lambda: lot)
    found = [(c.number, c.label, c.copies) for c in browsing.classes(session)]
    assert found == [("72", "", 1), ("364", "Criminalité", 2), ("DOS", "", 2)]
    assert browsing.class_label(session, "364.4 AAA") == "Criminalité"


@pytest.fixture
def library(app: Flask) -> dict[str, str]:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        serial = make(session, "serial", "Les Cahiers")
        for number, year in ((1, "2022"), (2, "2023"), (3, "2023")):
            host = field("461", "0", serial.address, "t", "Les Cahiers")
            issue = make(session, "issue", f"Les Cahiers, n° {number}", host, year=year)
            make(session, "article", f"Article du n° {number}", host, field("463", "0", issue.address), year=year)
        source = sources.for_file(session, "Base")
        lot = history.open_batch(session, "import", by="claire")
        row = AgentRow("person", "Marchal, Odile", "12", variants=("Marchal, O.",), identifiers={"idref": "027234567"})
        authorities.take_in_agents(session, source, [row], batch=lambda: lot)
        written = field("700", "a", "Marchal", "b", "Odile", "9", "id:12")
        (claim_id,) = history.take(session, "claim")
        book = NewNotice(cast.notice("Grandir", written), claim_id=claim_id, scope="Base", status="published")
        notices.create_many(session, [book], batch=lot)
        shelved(session, "364 DUB")
    travee.drain_soon()
    with travee.db.read_session() as session:
        found = {title: address for title, address in session.execute(select(Notice.title, Notice.address))}
        return found | {"agent": str(session.scalar(select(Agent.id)))}


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_journal_shows_its_issues_year_by_year(client: FlaskClient, library: dict[str, str]) -> None:
    page = words(client.get(f"/revues/{library['Les Cahiers']}").text)
    assert "3 numéros, 3 articles décrits" in page
    assert page.index("2023") < page.index("n° 3") < page.index("n° 2") < page.index("2022") < page.index("n° 1")
    assert client.get(f"/revues/{library['Grandir']}").location == f"/d/{library['Grandir']}"
    assert "Les Cahiers 3 numéros" in words(client.get("/revues").text)


def test_an_author_has_a_page_with_documents_and_other_names(client: FlaskClient, library: dict[str, str]) -> None:
    address = f"/auteurs/{library['agent']}"
    page = client.get(address).text
    assert "Grandir" in page
    assert "Marchal, O." in page
    assert "https://www.idref.fr/027234567" in page
    assert f'href="{address}"' in client.get(f"/d/{library['Grandir']}").text
    assert "Marchal, Odile" in client.get("/auteurs?lettre=M").text
    assert client.get("/auteurs/999").status_code == 404


def test_new_arrivals_are_documents_and_not_issues(client: FlaskClient, library: dict[str, str]) -> None:
    page = client.get("/nouveautes").text
    assert "Grandir" in page
    assert "Article du n° 3" in page
    assert "Les Cahiers, n° 3</a>" not in page
    assert "/nouveautes.atom" in page


@pytest.mark.parametrize(
    "path",
    [
        "/auteurs",
        "/revues",
        "/rayons",
        "/rayons/364",
        "/rayons/%00%27",
        "/nouveautes",
        "/plan-du-site",
        "/auteurs?page=x",
    ],
)
def test_every_way_in_answers_in_both_languages(client: FlaskClient, library: dict[str, str], path: str) -> None:
    for prefix in ("", "/en"):
        answer = client.get(prefix + path)
        assert answer.status_code == 200
        assert answer.text.count("<h1") == 1
        assert len(answer.data) < 60_000
