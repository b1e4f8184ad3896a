"""What no machine may call one document: everything here is as near as two documents can be, and ends as a question.

Only a number of the very document (ISBN, DOI, trade barcode, record number), which nothing contradicts, lifts it.
"""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.pairs import near
from catalogue.matching import DIFFERENT, DOUBT, SAME, Described, compare, describe, keys
from catalogue.matching.titles import is_slip
from catalogue.unimarc import LEADER, Field
from tests.cast import field
from tests.test_matching import ARTICLE, FILM, OTHER, in_issue, made, written

ISBN = OTHER
BY_BODY = {"body": "Observatoire des quartiers", "publisher": "La Passerelle", "year": "2018", "pages": "64"}
BY_PERSON = {"author": "Delmas, Hélène", "publisher": "La Passerelle", "year": "2018", "pages": "212"}
ELECTRONIC = LEADER[:6] + "l" + LEADER[7:]

TITLES = [
    ("a town", "Les quartiers prioritaires de Lens en chiffres", "Les quartiers prioritaires de Sens en chiffres"),
    ("a town", "Convention de renouvellement urbain de Laon", "Convention de renouvellement urbain de Lyon"),
    ("a town", "Contrat de ville de Cannes : diagnostic", "Contrat de ville de Vannes : diagnostic"),
    ("a prefix", "L’inclusion sociale dans les quartiers", "L’exclusion sociale dans les quartiers"),
    ("a prefix", "L’immigration algérienne en France", "L’émigration algérienne en France"),
    ("a phase", "Étude urbaine des Épeules, phase A", "Étude urbaine des Épeules, phase B"),
    ("a phase, and none", "Étude urbaine du quartier, phase A", "Étude urbaine du quartier, phase"),
    ("a month", "Observatoire, tableau de bord de juin", "Observatoire, tableau de bord de juil"),
    ("a name", "Projet social du centre social Boilly", "Projet social du centre social Bouilly"),
    ("with, without", "Habiter avec les voisins du quartier", "Habiter sans les voisins du quartier"),
    ("turned round", "La ville contre le quartier et ses marges", "Le quartier contre la ville et ses marges"),
    ("a plural", "La politique de la ville en France", "Les politiques de la ville en France"),
]


@pytest.mark.parametrize(("left", "right"), [t[1:] for t in TITLES], ids=[f"{t[0]}: {t[1]}" for t in TITLES])
@pytest.mark.parametrize("said", [BY_BODY, BY_PERSON], ids=["body", "person"])
def test_one_letter_makes_another_document(left: str, right: str, said: dict[str, str]) -> None:
    assert compare(made(a=left, **said), made(a=right, **said)).outcome == DOUBT


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Nord", "Nord Pas-de-Calais"),
        ("Oise", ""),
        ("rapport", "tableaux du rapport"),
        ("guide", "cahier d’exercices du guide"),
        ("phase A, diagnostic partagé", "phase B, diagnostic partagé"),
    ],
)
def test_a_complement_on_one_side_is_a_question_unless_a_number_answers(left: str, right: str) -> None:
    title = "Atlas des quartiers prioritaires"
    one, other = ({"a": title, "e": said, **BY_BODY} for said in (left, right))
    if not right:
        del other["e"]
    assert compare(made(**one), made(**other)).outcome == DOUBT
    assert compare(made(**one, isbn=ISBN), made(**other, isbn=ISBN)).outcome == SAME


def test_the_title_of_a_part_is_a_question_even_under_one_isbn() -> None:
    """The ISBN may be that of the set."""
    whole = {"a": "Histoire de la France urbaine", **BY_PERSON}
    for number in ({}, {"isbn": ISBN}):
        assert compare(made(**whole, **number), made(**whole, i="La ville antique", **number)).outcome == DOUBT


def test_an_undated_report_is_not_that_of_any_year() -> None:
    report = {"a": "Rapport annuel d’activité de la mission locale de Valvert", "body": "Mission locale"}
    dated, undated = made(**report, year="2018"), made(**report)
    assert "year.one_side" in [r.code for r in compare(dated, undated).reasons]
    assert compare(dated, undated).outcome == DOUBT
    assert compare(undated, undated).outcome == DOUBT
    novel = {"a": "Habiter le grand ensemble", "author": "Delmas, Hélène", "pages": "212"}
    assert compare(made(**novel, year="2018"), made(**novel)).outcome == SAME  # as thick, and by the same author


@pytest.mark.parametrize(
    ("left", "right", "outcome"),
    [
        ("Tome 1, partie 2", "Tome 2", DOUBT),
        ("Tome 2, vol. 1", "Tome 2", DOUBT),
        ("Tome 2, vol. 1", "Tome 1, vol. 2", DIFFERENT),
        ("Tome 2, vol. 1", "Tome 3", DIFFERENT),
        ("Tome II", "2", SAME),
    ],
)
def test_a_volume_is_not_known_by_a_part_of_its_number(left: str, right: str, outcome: str) -> None:
    book = {"a": "Histoire des quartiers populaires", **BY_PERSON}
    assert compare(made(**book, h=left), made(**book, h=right)).outcome == outcome


def test_an_issue_is_not_known_by_a_part_of_its_number() -> None:
    column = {"title": "Chronique du logement", "page": "8-9", "author": "Delmas, Hélène"}
    assert compare(in_issue(number="vol. 17 n° 2", **column), in_issue(number="17", **column)).outcome != SAME
    assert compare(in_issue(number="vol. 17 n° 2", **column), in_issue(number="18", **column)).outcome == DIFFERENT


def article(*more: Field) -> Described:
    host = field("461", "t", "Gazette des quartiers", "9", "lnk:perio")
    return made(
        host, *more, leader=ARTICLE, a="Chronique du renouvellement urbain", author="Delmas, Hélène", year="2018"
    )


ISSUE, PAGES = field("463", "v", "401", "9", "lnk:bull"), field("215", "a", "p. 8-9")
ADDRESS = field("856", "u", "https://gazette.example/2018/chronique-42")
DAY = field("463", "d", "2018-03-18", "9", "lnk:bull")


def test_an_article_needs_its_issue_and_its_place() -> None:
    whole = article(ISSUE, PAGES)
    assert compare(whole, whole).outcome == SAME
    for lacking in (article(PAGES), article(ISSUE), article()):
        assert compare(lacking, whole).outcome == compare(lacking, lacking).outcome == DOUBT
    online = article(DAY, ADDRESS)  # the press on screen has no pages, and one address for each article
    assert compare(online, online).outcome == SAME
    assert compare(article(ADDRESS), article(ADDRESS)).outcome == DOUBT


def test_a_film_is_not_what_says_no_kind() -> None:
    film, book, unsaid = (made(a="Les enfants de la cité", **BY_PERSON, leader=m) for m in (FILM, LEADER, ELECTRONIC))
    assert compare(film, book).outcome == DIFFERENT
    said = {k: v for k, v in BY_PERSON.items() if k != "pages"}
    unsaid = made(a="Les enfants de la cité", **said, leader=ELECTRONIC)
    assert compare(film, unsaid).outcome == compare(book, unsaid).outcome == DOUBT
    disc = made(field("215", "a", "1 DVD vidéo (95 min)"), a="Les enfants de la cité", **said, leader=ELECTRONIC)
    assert disc.medium == "video" and compare(film, disc).outcome == SAME


def test_a_report_without_author_nor_extent_is_a_question() -> None:
    """The minutes of two meetings of a year have one title and one body."""
    minutes = made(a="Compte rendu du comité de pilotage", body="Ville de Valvert", publisher="Ville", year="2018")
    assert compare(minutes, minutes).outcome == DOUBT


def test_the_isbn_of_a_book_is_not_that_of_its_chapter() -> None:
    said = {"a": "Introduction à la ville", "author": "Delmas, Hélène", "year": "2018", "isbn": ISBN, "poor": "yes"}
    assert compare(made(**said), made(**said, leader=ARTICLE)).outcome != SAME


@pytest.mark.parametrize(
    ("left", "right", "slip"),
    [
        ("delinquance", "delinqance", True),
        ("discrimination", "discrimmination", True),
        ("renouvellement", "renouvellemnet", False),  # its end is that of other words
        ("discrimination", "discirmination", True),
        ("vil1e", "ville", True),
        ("exclusion", "inclusion", False),
        ("transition", "transitions", False),
        ("poisson", "poison", False),
        ("boilly", "bouilly", False),
        ("lens", "sens", False),
        ("photographie", "photographe", False),
        ("modern", "modem", False),
    ],
)
def test_what_can_only_be_a_slip(left: str, right: str, slip: bool) -> None:
    assert is_slip(left, right) is is_slip(right, left) is slip


@pytest.mark.parametrize("name", near.NEAR)
def test_no_twins_of_the_benchmark_are_merged(name: str) -> None:
    cards = [
        written(a="Le contrat de ville de Lens", body="Ville de Lens", year="2018", pages="96"),
        written(a="L’exclusion des femmes dans les quartiers nord", author="Delmas, Hélène", year="2018", isbn=ISBN),
    ]
    made_ = [twins for card in cards for seed in range(6) if (twins := near.NEAR[name](card, Random(seed)))]
    assert made_
    for left, right in made_:
        a, b = describe(left), describe(right)
        assert left != right or name == "a_column"
        assert compare(a, b).outcome != SAME
        assert set(keys(a)) and set(keys(b))
