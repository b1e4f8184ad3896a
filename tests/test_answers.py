"""One answer to a question, whoever asks it: every number that is shown is the number one finds by following it."""

from __future__ import annotations

import html
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from catalogue import authorities, entities, history
from catalogue.app import create_app
from catalogue.config import Settings
from catalogue.entities import ConceptRow
from catalogue.models import Centre, Concept
from catalogue.web.asked import Asked, query_string, understand
from catalogue.web.searching import Searcher, results
from indexes import queries
from tests.cast import field
from tests.test_public import make

THEMES = [
    ConceptRow("t:habitat", {"fr": "Habitat"}, alternate=(("fr", "demeure"),)),
    ConceptRow(
        "t:social", {"fr": "Logement social"}, alternate=(("fr", "HLM"), ("fr", "getto")), broader=("t:habitat",)
    ),
    ConceptRow("t:ecole", {"fr": "Vie scolaire"}, alternate=(("fr", "école"),)),
    ConceptRow(
        "t:climat", {"fr": "Climat de l’école"}, alternate=(("fr", "harcèlement scolaire"),), broader=("t:ecole",)
    ),
    ConceptRow("t:jeunes", {"fr": "Santé des jeunes"}, alternate=(("fr", "jeunes"),)),
    ConceptRow("t:delinquance", {"fr": "Délinquance juvénile"}, alternate=(("fr", "jeunes délinquants"),)),
    ConceptRow("t:vide", {"fr": "Zootechnie"}, alternate=(("fr", "drogue"),)),
]
LABELS = [
    label for row in THEMES for label in (*row.preferred.values(), *(other for _language, other in row.alternate))
]
VOCABULARY = str.split(
    "école scolaire harcèlement logement habitat jeunes santé ville quartier médiation ghetto rouge loisir travail"
)
KINDS = ("book", "report", "article", "thesis")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, empty_folder: Path) -> Iterator[Flask]:
    """Some forty documents made of a few words, a third of them a partner's, and a small thesaurus."""
    folder = tmp_path_factory.mktemp("answers") / "var"
    shutil.copytree(empty_folder, folder)
    app = create_app(Settings(_env_file=None, data_dir=folder, secret_key="a key for tests", testing=True))
    travee, rnd = app.extensions["travee"], random.Random(5)
    with travee.db.write() as session:
        lot = history.open_batch(session, "import", by="claire")
        scheme = entities.Thesaurus("t", "t:", {"fr": "Essai"}, tuple(THEMES))
        authorities.take_in_thesauri(session, None, [scheme], batch=lambda: lot)
        partner = Centre(name="ORIV", code="oriv")
        session.add(partner)
        session.flush()
        for n in range(36):
            about = [field("606", "a", row.preferred["fr"]) for row in rnd.sample(THEMES[:-1], 2)]
            title = " ".join(rnd.sample(VOCABULARY, 3)).capitalize()
            own = {"owner_id": partner.id} if n % 3 == 0 else {}
            make(session, rnd.choice(KINDS), title, *about, year=str(2015 + n % 9), **own)
        make(session, "book", "Xylophage et zébu", owner_id=partner.id)
        signed = field("700", "a", "Kovac", "b", "Irena", "4", "070")
        make(session, "book", "Poutres", field("010", "a", "978-2-07-036822-8"), signed, owner_id=partner.id)
    travee.drain()
    yield app
    travee.close()


@pytest.fixture(scope="module")
def client(site: Flask) -> FlaskClient:
    return site.test_client()


def address(asked: Asked) -> str:
    return query_string(asked.params())


def follow(link: str) -> Asked:
    return understand(parse_qsl(link.removeprefix("?")))


ASKED = st.builds(
    lambda words, filters, fonds, wide: understand([("q", " ".join(words)), *filters, ("fonds", fonds), *wide]),
    st.lists(
        st.sampled_from([*LABELS, *VOCABULARY, "zébu", "xylophage", "logemant", "bouge", '"vie scolaire"', "OU"]),
        max_size=3,
    ),
    st.lists(
        st.sampled_from(
            [("type", "rapport"), ("type", "these"), ("annee", "2016"), ("annee", "2019-"), ("theme", "Habitat")]
        ),
        max_size=2,
    ),
    st.sampled_from(["nous", "reseau"]),
    st.sampled_from([[], [("elargir", "non")]]),
)


@hypothesis.settings(max_examples=60, deadline=None)
@given(asked=ASKED)
def test_widening_never_loses_a_document_and_is_said_when_it_brings_some(site: Flask, asked: Asked) -> None:
    travee = site.extensions["travee"]
    with travee.db.read_session() as session:
        searcher = Searcher(session, travee.index(), travee.thesaurus)
        wide, narrow = (searcher.answer(asked.but(widen=widen), limit=100) for widen in (True, False))
        assert {hit.notice_id for hit in narrow.hits} <= {hit.notice_id for hit in wide.hits}
        assert bool(wide.widened) == (wide.total > narrow.total)


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.example(asked=understand([("q", "bouge")]))  # proposed, not answered: « rouge »
@hypothesis.example(asked=understand([("q", "logemant scolaire"), ("type", "these")]))
@given(asked=ASKED)
def test_every_number_shown_is_the_number_one_finds(site: Flask, asked: Asked) -> None:
    travee = site.extensions["travee"]
    with site.test_request_context(), travee.db.read_session() as session:
        searcher = Searcher(session, travee.index(), travee.thesaurus)
        page = results(searcher, asked, address, lambda name, _asked: name)
        links = [*page.relaxations, page.suggestion, page.partly.elsewhere if page.partly else None]
        for link in [link for link in links if link]:
            assert link.count > 0
            assert searcher.total(follow(link.address)) == link.count, link
        for group in page.groups:
            if not group.single and any(choice.checked for choice in group.choices):
                continue  # ticking another one adds to those
            for choice in group.choices:
                others = [pair for pair in asked.params() if not (group.single and pair[0] == group.name)]
                assert searcher.total(understand([*others, (group.name, choice.value)])) == choice.count, choice


SIDES = st.sampled_from([*(label.replace(" ", "-") for label in LABELS), *VOCABULARY, '"vie scolaire"'])


@hypothesis.settings(max_examples=60, deadline=None)
@given(sides=st.lists(SIDES, min_size=2, max_size=3), wide=st.sampled_from([[], [("elargir", "non")]]))
def test_either_finds_all_that_one_of_them_finds_wide_or_not(
    site: Flask, sides: list[str], wide: list[tuple[str, str]]
) -> None:
    travee = site.extensions["travee"]
    with travee.db.read_session() as session:
        searcher = Searcher(session, travee.index(), travee.thesaurus)
        joined = searcher.answer(understand([("q", " OU ".join(sides)), *wide]), limit=100)
        for side in sides:
            alone = searcher.answer(understand([("q", side), *wide]), limit=100)
            if not (alone.relaxed or alone.corrected):
                assert {hit.notice_id for hit in alone.hits} <= {hit.notice_id for hit in joined.hits}, side


def totals(client: FlaskClient, asked: str) -> dict[str, int]:
    """What each door says of the same question."""
    page = client.get(f"/recherche?{asked}").text
    feed = client.get(f"/recherche.atom?{asked}").text
    types = client.get(f"/recherche/filtre/type?{asked}").text
    (heading,) = re.findall(r'<h1 id="resultats"[^>]*>(\d*)', page)
    return {
        "page": int(heading or 0),
        "feed": int(re.findall(r"totalResults>(\d+)<", feed)[0]),
        "list": sum(map(int, re.findall(r"\((\d+)\)</span>", types))),
        "file": len(client.get(f"/recherche.csl.json?{asked}").get_json(force=True)),
    }


@pytest.mark.parametrize("asked", ["q=demeure", "q=gettho", "q=jeunes+délinquants", "q=drogue", "q=école+zébu"])
def test_page_lists_feed_and_files_have_the_same_documents(client: FlaskClient, asked: str) -> None:
    found = totals(client, asked)
    assert set(found.values()) == {found["page"]}
    assert found["page"] > 0 or asked == "q=drogue"


def test_who_does_not_want_it_wider_keeps_that_while_filtering(client: FlaskClient) -> None:
    assert 'name="elargir" value="non"' in client.get("/recherche?q=habitat&elargir=non").text
    assert 'name="elargir"' not in client.get("/recherche?q=habitat").text


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_our_collection_is_relaxed_although_others_have_all_the_words(client: FlaskClient) -> None:
    page = words(client.get("/recherche?q=poutres+école").text)
    assert "Aucun document n’a tous ces mots à la fois" in page
    found = words(client.get("/recherche?q=zébu+xylophage").text)
    assert "Aucun document pour « zébu xylophage »" in found  # nothing of ours has either: nothing is made up
    assert "Dans tout le réseau (1 document)" in found


def test_a_word_of_the_thesaurus_is_no_slip(client: FlaskClient) -> None:
    assert "rouge" not in words(client.get("/recherche?q=drogue").text).split("Filtrer")[0]


def test_a_number_that_names_a_document_is_said(client: FlaskClient) -> None:
    page = words(client.get("/recherche?q=978-2-07-036822-8&fonds=reseau").text)
    assert "Trouvé dans l’ISBN" in page


@pytest.mark.parametrize("typed", ['auteur:"Irena Kovac"', 'auteur:"Kovac, Irena"', '"Irena Kovac"', "auteur:kovac"])
def test_a_person_is_found_in_either_order(client: FlaskClient, typed: str) -> None:
    page = client.get("/recherche", query_string={"q": typed, "fonds": "reseau"}).text
    assert "Poutres" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("les", "Ces mots sont trop courants"),
        ("le la les", "Ces mots sont trop courants"),
        ("???", "Il n’y a pas de mot à chercher ici"),
        ('""', "Il n’y a pas de mot à chercher ici"),
        ("««««", "Il n’y a pas de mot à chercher ici"),
        ("auteur:", "Nous n’avons pas compris : auteur:"),
        ("annee:", "Nous n’avons pas compris : annee:"),
        ("annee:abcd", "Nous n’avons pas compris : annee:abcd"),
        ("ville " * 41, "seuls les 40 premiers mots ont été cherchés"),
        ("habitat ou ville " * 41, "nous n’en avons lu que les 400 premiers signes"),
        (
            "ville annee:2016 OU annee:2019-",
            "Compris ainsi : « ville » avec (2016 ou depuis 2019).",
        ),
        ("ville OU vie-scolaire", "Compris ainsi : (« ville » ou « vie-scolaire »)."),
        ("ville logement OU école", "Compris ainsi : « ville » avec (« logement » ou « école »)."),
    ],
)
def test_what_is_not_looked_for_is_said(client: FlaskClient, typed: str, said: str) -> None:
    answer = client.get("/recherche", query_string={"q": typed.strip()})
    assert answer.status_code == 200
    assert said in words(answer.text)
    if "40" not in said:
        assert ("Aucun document pour" in words(answer.text)) == ("OU" not in typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("ville OU annee:2018", "Nous n’avons pas compris : OU"),
        (
            "lo* so* pa* vi* qu* ec* et* ha* re* em* zo*",
            "Au-delà de 10 débuts de mots, nous ne cherchons plus : zo*",
        ),
    ],
)
def test_what_is_left_out_is_said_for_what_it_is(client: FlaskClient, typed: str, said: str) -> None:
    page = words(client.get("/recherche", query_string={"q": typed}).text)
    assert said in page
    assert page.count("Nous n’avons pas compris") == said.count("pas compris")


def test_a_filter_of_thousands_of_values_is_shown_a_hundred_at_a_time(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [f"Communication et sujet numéro {n}" for n in range(1000, 1250)]
    search = queries.search

    def many(*asked: Any, **how: Any) -> queries.Hits:
        return replace(search(*asked, **how), facets={"theme": [(label, 3) for label in every]})

    monkeypatch.setattr(queries, "search", many)
    link, seen = f"/recherche/filtre/theme?q=ville&theme={every[-1].replace(' ', '+')}", list[str]()
    while link:
        page = client.get(html.unescape(link)).text
        shown = re.findall(r'type="checkbox" name="theme" value="([^"]*)"', page)
        assert len(shown) <= 100 and len(page) < 60_000
        kept = re.findall(
            r'type="(?:hidden|checkbox)" name="theme" value="([^"]*)"', page.split("<fieldset>")[0].rsplit("<form")[-1]
        )
        assert every[-1] in kept + shown  # what is ticked stays, on whatever page it stands
        seen += shown
        link = next(iter(re.findall(r'rel="next" href="([^"]*)"', page)), "")
    assert seen == every
    assert 'rel="prev"' in page


def test_the_number_of_a_theme_is_what_its_link_gives(client: FlaskClient, site: Flask) -> None:
    with site.extensions["travee"].db.read_session() as session:
        ids = session.scalars(select(Concept.id).order_by(Concept.id)).all()
    followed = 0
    for concept_id in ids:
        page = client.get(f"/themes/{concept_id}").text
        for link, number in re.findall(r'href="(/recherche\?[^"]*)">Voir les (\d+) documents', page):
            found = client.get(html.unescape(link), follow_redirects=True).text
            assert re.findall(r'<h1 id="resultats"[^>]*>(\d*)', found) == [number], link
            followed += 1
    assert followed > 3


def test_a_year_of_the_address_that_is_none_is_told_at_its_field(client: FlaskClient) -> None:
    for year in ("abcd", "0999"):
        answer = client.get(f"/recherche?q=ville&annee={year}")
        assert answer.status_code == 422
        assert "Écrivez l’année sur 4 chiffres" in answer.text
        assert f'value="{year}"' in answer.text
        assert 'class="result"' in answer.text


def test_guillemets_stay_with_their_words(client: FlaskClient) -> None:
    page = html.unescape(client.get("/recherche?q=demeure").text)
    assert "pour «\u00a0demeure\u00a0»" in page
    assert "Élargi à «\u00a0" in page
    assert "le thème «\u00a0" in page
