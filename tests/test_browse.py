"""Ways in without a question: authors, journals, shelves, new arrivals."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, history, items, journals, notices, shelves, sources
from catalogue.entities import AgentRow, ClassRow
from catalogue.models import Agent, ClassificationEntry, Notice
from catalogue.notices import NewNotice
from catalogue.unimarc import RecordItem, with_kind
from export.whereabouts import whereabouts
from tests import cast
from tests.cast import field
from tests.test_public import make


def shelved(session: Session, *numbers: str) -> None:
    """One document a call number."""
    batch = history.open_batch(session, "create", by="claire")
    for number in numbers:
        made = notices.create(session, cast.notice(f"Cote {number}"), by="claire", status="published")
        items.add_many(session, [(made.id, RecordItem(call_number=number, location="Salle"))], batch=batch)


def standing(page: shelves.ShelfPage) -> list[str]:
    return [copy.call_number for stretch in page.stretches for copy in stretch.copies]


def test_a_shelf_is_read_from_a_call_number_on_in_its_own_order(session: Session) -> None:
    shelved(session, "364.12 ZOL", "364 DUB", "364.4 AAA", "370.1 MER", "R 2019-12", "R 2019-2")
    assert standing(shelves.shelf(session, "364")) == [
        *("364 DUB", "364.12 ZOL", "364.4 AAA", "370.1 MER"),
        *("R 2019-2", "R 2019-12"),
    ]
    assert standing(shelves.shelf(session, "364.4"))[0] == "364.4 AAA"
    assert shelves.shelf(session, "Z").stretches == ()


def test_one_walks_along_a_shelf_both_ways_and_misses_nothing(session: Session) -> None:
    numbers = [f"300 {n}" for n in range(60)] + ["300 7"] * 30  # thirty copies with the same number too
    shelved(session, *numbers)
    seen, page = [], shelves.shelf(session, "300")
    assert page.before == ""
    while True:
        seen += [copy.code for stretch in page.stretches for copy in stretch.copies]
        if not page.after:
            break
        last = page
        page = shelves.shelf(session, "300", after=page.after)
    assert len(seen) == len(set(seen)) == 90
    assert shelves.shelf(session, "300", before=page.before).stretches == last.stretches


def test_the_stretches_of_the_shelves_are_named_by_the_classification(session: Session) -> None:
    shelved(session, "364 DUB", "364.4 AAA", "DOS LOG 3", "DOS EMP 1", "72.036 LEC")
    source = sources.for_file(session, "Base")
    lot = history.open_batch(session, "import", by="claire")
    authorities.take_in_classes(session, source, [ClassRow("Dewey", "364", "Criminalité")], batch=lambda: lot)
    found = [(c.number, c.label, c.copies) for c in shelves.classes(session)]
    assert found == [("72", "", 1), ("364", "Criminalité", 2), ("DOS", "", 2)]
    assert shelves.class_label(session, "364.4 AAA") == "Criminalité"


def test_a_shelf_says_where_one_class_ends_and_another_begins(session: Session) -> None:
    """A number without words takes those of the numbers under it: so are they in a file of records (676)."""
    shelved(session, "363.1 A", "363.5 KOW", "363.5 MAR", "364 DUB", "DOS LOG 3")
    lot = history.open_batch(session, "import", by="claire")
    rows = [ClassRow("676", "363.5", "Pauvreté, sans-abri"), ClassRow("676", "364", "Criminalité")]
    authorities.take_in_classes(session, sources.for_file(session, "Base"), rows, batch=lambda: lot)
    page = shelves.shelf(session, "363")
    assert [(s.number, s.label, [c.call_number for c in s.copies]) for s in page.stretches] == [
        ("363", "Pauvreté, sans-abri", ["363.1 A"]),
        ("363.5", "Pauvreté, sans-abri", ["363.5 KOW", "363.5 MAR"]),
        ("364", "Criminalité", ["364 DUB"]),
        ("DOS", "", ["DOS LOG 3"]),
    ]
    assert ("363", "Pauvreté, sans-abri", 3) in [(c.number, c.label, c.copies) for c in shelves.classes(session)]
    assert shelves.class_label(session, "363") == "Pauvreté, sans-abri"


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


def journal_with(session: Session, count: int, *, year: Callable[[int], str]) -> Notice:
    """A journal and its issues, numbered from 1; some have a subject of their own, written as PMB writes it."""
    serial = make(session, "serial", "Préau")
    host = field("461", "0", serial.address, "t", "Préau")
    made = [
        NewNotice(
            with_kind(
                cast.notice(f"Préau. Mixité, n° {n}" if n % 2 else f"Préau, n° {n}", host, year=year(n)), "issue"
            ),
            status="published",
        )
        for n in range(1, count + 1)
    ]
    notices.create_many(session, made, batch=history.open_batch(session, "import", by="claire"))
    return serial


def test_an_issue_says_its_number_its_subject_and_its_month_once(session: Session) -> None:
    serial = make(session, "serial", "Préau")
    host = field("461", "0", serial.address, "t", "Préau")
    for title, *dated in (
        ("Préau, n° 9", field("210", "d", "2017", "h", "2017-10-01")),
        ("Préau, n° 10. Mixité à l’école", field("210", "d", "novembre-décembre 2017")),
        ("Préau. L’accueil, n° 11", field("210", "d", "2017", "h", "2017-01-01")),
    ):
        fields = [f for f in cast.notice(title, host) if f["t"] != "210"]
        notices.create(session, with_kind([*fields, *dated], "issue"), by="claire", status="published")
    page = journals.journal_page(session, serial.address)
    assert page is not None
    ((year, lines),) = page.years
    assert year == "2017"
    assert [(line.number, line.title, line.dated) for line in lines] == [
        ("11", "L’accueil", ""),  # the first of January is what PMB writes where it knows nothing
        ("10", "Mixité à l’école", "novembre-décembre 2017"),
        ("9", "", "octobre 2017"),
    ]


def test_a_journal_of_many_years_and_a_long_list_of_journals_come_page_by_page(app: Flask, client: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        serial = journal_with(session, 250, year=lambda n: str(1990 + n // 10))
        others = [
            NewNotice(with_kind(cast.notice(f"{'AB'[n % 2]} revue {n}"), "serial"), status="published")
            for n in range(230)
        ]
        notices.create_many(session, others, batch=history.open_batch(session, "import", by="claire"))
        address = serial.address
    seen: list[str] = []
    for number in (1, 2, 3):
        answer = client.get(f"/revues/{address}?page={number}")
        assert len(answer.data) < 60_000
        seen += re.findall(r'href="/d/(\w{8})">n°', answer.text)
    assert len(seen) == len(set(seen)) == 250
    assert f'href="/revues/{address}?page=3#a-1991"' in client.get(f"/revues/{address}").text
    assert 'id="a-1991"' in client.get(f"/revues/{address}?page=3").text
    assert client.get(f"/revues/{address}?page=9").location == f"/revues/{address}?page=3"
    first = client.get("/revues")
    assert len(first.data) < 60_000 and "A revue 0<" in first.text and "B revue 1<" not in first.text
    named = {
        name
        for page in ("", "&page=2")
        for name in re.findall(r"B revue \d+", client.get(f"/revues?lettre=B{page}").text)
    }
    assert len(named) == 115
    assert client.get("/revues?lettre=B&page=9").location == "/revues?lettre=B&page=2"
    assert client.get("/en/revues?page=9").location == "/en/revues?lettre=A&page=2"


def test_a_page_beyond_the_last_says_nothing_of_an_empty_list(client: FlaskClient, library: dict[str, str]) -> None:
    author = f"/auteurs/{library['agent']}"
    for path, last in (("/revues", "/revues"), ("/auteurs", "/auteurs?lettre=M"), (author, author)):
        assert client.get(f"{path}?page=90").location == last


def test_a_chapter_is_read_in_its_book(app: Flask, client: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        shelved(session, "364 DUB")
        book = session.scalars(select(Notice)).one()
        chapter = make(session, "article", "Un chapitre", field("463", "0", book.address, "t", book.title))
        address, notice_id = chapter.address, chapter.id
    page = words(client.get(f"/d/{address}").text)
    assert "Sur place · 364 DUB" in page and "1 exemplaire du livre où il a paru" in page
    assert "Nous n’avons pas noté où le lire" not in page
    with app.extensions["travee"].db.read() as session:
        said = whereabouts(session, [notice_id])[address]
    assert said.call_number == "364 DUB" and "dans le livre où il a paru" in said.words


@pytest.mark.parametrize(
    ("title", "journal", "said"),
    [
        ("Villes en mouvement, n° 3", "Ville", ("3", "Villes en mouvement")),
        ("Le Monde diplomatique, n° 800", "Le Monde", ("800", "Le Monde diplomatique")),
        ("Le Monde, n° 800", "Le Monde", ("800", "")),
        ("Le Monde n° 800 : l’eau", "Le Monde", ("800", "l’eau")),
        ("Le Monde 800", "Le Monde", ("", "800")),
        ("Le Monde – L’eau", "Le Monde", ("", "L’eau")),
        ("Le Monde-Magazine, n° 2", "Le Monde", ("2", "Le Monde-Magazine")),
        ("Le Monde", "Le Monde", ("", "Le Monde")),
    ],
)
def test_only_the_whole_name_of_a_journal_is_left_out_of_an_issue_s_title(
    title: str, journal: str, said: tuple[str, str]
) -> None:
    assert journals._issue_title(title, journal) == said


def test_a_class_without_words_takes_those_under_it_each_once() -> None:
    entries = [
        ("363", ""),
        ("363.5", "Abri"),
        ("363.5.1", "Abri"),
        ("363.7", "Eau"),
        ("3635.1", "Loin"),
        ("364", "Délit"),
    ]
    labels = shelves.Labels(ClassificationEntry(number=number, label=label) for number, label in entries)
    assert [labels.words(number) for number in ("363", "364", "363.5", "36")] == ["Abri ; Eau", "Délit", "Abri", ""]


@pytest.mark.parametrize("path", ["/auteurs", "/auteurs/1", "/revues", "/revues/2b4d6f8h"])
def test_a_number_of_page_beyond_measure_breaks_nothing(
    client: FlaskClient, library: dict[str, str], path: str
) -> None:
    for page in ("9" * 5000, "٣", "²", "-1", "0", "1e3", ""):
        assert client.get(path, query_string={"page": page}).status_code in (200, 302, 404)
