"""Whatever is typed in the address bar, the public site answers: never a 500, never slowly for what means nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from catalogue.app import create_app
from catalogue.config import Settings
from catalogue.web.asked import FILTERS, WORDS
from tests.test_public import stock

NAMES = [
    *("q", "annee", "annee_de", "annee_a", "fonds", "tri", "page", "elargir", "lettre", "contient", "sujet", "notice"),
    *("recherche", "selection", "remettre", "avant", "apres", "id", "format", "lvl", "explnum_id", "user_query"),
    *("style", "groupe", "ordre", "resumes", "emplacements", "retour", "apparence", "nouveau", *FILTERS),
]
ODD = [
    *("", " ", '"', "«", "-", "*", "*a*b*c*", "annee:abcd", "annee:9999999999-", "auteur:", 'titre:"', "le la les"),
    *("\x00", "\x1b[0m", "\u202eabc", "مدينة", "城市政策", "🏘️", "%", "%00", "../../etc/passwd", "<script>", "' OR 1=1"),
    *("1000000000", "-1", "0", "1e9", "²", "a" * 10_000, "logement " * 400, "(" * 500, "10.1234/", "978-2-07-036822-8"),
]
VALUES = st.one_of(
    st.sampled_from(ODD),
    st.sampled_from([word for words in WORDS.values() for word in words]),
    st.text(max_size=40),
)
FORMATS = (".ris", ".bib", ".csl.json", ".json", ".mrc", ".xml", ".html", ".txt", ".docx", ".pdf", ".exe")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, empty_folder: Path) -> Iterator[tuple[Flask, list[str]]]:
    """One small collection for all questions, and the addresses of its documents."""
    folder = tmp_path_factory.mktemp("site") / "var"
    shutil.copytree(empty_folder, folder)
    app = create_app(Settings(_env_file=None, data_dir=folder, secret_key="a key for tests", testing=True))
    app.config.update(WTF_CSRF_ENABLED=False)  # and errors are pages, as visitors get them
    app.testing = False
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        library = stock(session)
    travee.drain()
    yield app, [str(address) for address in vars(library).values()]
    travee.close()


def paths(app: Flask) -> list[str]:
    """The public routes, with their gaps."""
    return sorted(
        {
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.endpoint.split(".")[0] in ("public", "machines", "health") and "GET" in (rule.methods or ())
        }
    )


@hypothesis.settings(max_examples=250)
@given(data=st.data())
def test_no_address_breaks_the_site(site: tuple[Flask, list[str]], data: st.DataObject) -> None:
    app, addresses = site
    client: FlaskClient = app.test_client()
    rule = data.draw(st.sampled_from(paths(app)))
    path = ""
    for part in rule.split("<"):
        head, _sep, tail = part.partition(">")
        if not _sep:
            path += head
            continue
        gap = data.draw(st.one_of(st.sampled_from(addresses), VALUES.map(lambda v: v[:200]), st.sampled_from(FORMATS)))
        path += quote(gap, safe="") + tail
    asked = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6))
    answer = client.get(path + "?" + urlencode(asked, errors="surrogatepass"))
    assert answer.status_code < 500, (path, asked)


@pytest.mark.parametrize("text", ODD)
def test_every_question_is_answered_and_kept(site: tuple[Flask, list[str]], text: str) -> None:
    app, _addresses = site
    answer = app.test_client().get("/recherche", query_string={"q": text}, follow_redirects=True)
    assert answer.status_code == 200
    assert 'id="q"' in answer.text


@hypothesis.settings(max_examples=60)
@given(given_=st.dictionaries(st.sampled_from(("acte", "document", "code", "retour", "titre", "documents")), VALUES))
def test_no_form_of_the_list_breaks_the_site(site: tuple[Flask, list[str]], given_: dict[str, str]) -> None:
    app, _addresses = site
    sent = {name: value.encode("utf-8", "replace").decode() for name, value in given_.items()}
    assert app.test_client().post("/selection", data=sent).status_code < 500
