"""The outside sources as a centre sets them: tried before they are kept, and habits taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from catalogue import remembered
from demo import sources_server
from demo.sources_server import RunningSources
from harvest import lookup
from harvest.lookup import Manners, settings
from harvest.lookup.settings import Row
from tests.test_settings_on_screen import marc

__all__ = ["marc"]  # the fixture

HERE = Manners(agent="Travee", mail="", allow_private=False)


@pytest.fixture(scope="module")
def outside() -> Iterator[RunningSources]:
    with sources_server.serve() as served:
        yield served


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def row(session: Session, code: str) -> Row:
    found = settings.find(session, code)
    assert found is not None
    return found


# --- what is set -----------------------------------------------------------------------------


def test_only_what_differs_is_kept_and_is_what_cataloguing_asks(session: Session) -> None:
    bnf = row(session, "bnf")
    assert not settings.write(session, bnf)
    assert settings.write(session, replace(bnf, on=False))
    assert remembered.read(session, lookup.SETTING) == {"bnf": {"on": False}}
    asked = {one.code: one.on for one in lookup.sources(remembered.read(session, lookup.SETTING))}
    assert (asked["bnf"], asked["sudoc"]) == (False, True)
    assert settings.write(session, replace(bnf, address="http://10.0.0.8/sru", local=True))
    assert (row(session, "bnf").address, row(session, "bnf").usual) == ("http://10.0.0.8/sru", bnf.address)
    assert settings.write(session, bnf)
    assert remembered.read(session, lookup.SETTING) == {}


@pytest.mark.parametrize(
    "address",
    ["", "bnf", "ftp://bnf.fr/", "file:///etc/passwd", "https://", "https://moi:secret@bnf.fr/", "https://bnf.fr/?a=b",
     "http://[::1", "https://bnf.fr/" + "x" * 300],
)  # fmt: skip
def test_an_address_that_could_not_be_asked_is_refused(session: Session, address: str) -> None:
    assert "adresse complète" in settings.wrong(replace(row(session, "bnf"), address=address))
    assert settings.wrong(row(session, "bnf")) == settings.wrong(row(session, "page")) == ""


# --- « Essayer » -----------------------------------------------------------------------------


def test_every_source_has_a_question_that_it_can_be_asked(session: Session) -> None:
    for source in lookup.sources():
        assert source.answers(lookup.understand(row(session, source.code).example)), source.code
    assert [one.code for one in settings.rows(session)][-1] == "idref"


def test_what_it_answers_is_told_in_a_sentence(session: Session, outside: RunningSources) -> None:
    """With what the servers of the demonstration know, as they are, closed, and out of our reach."""
    remembered.write(session, lookup.SETTING, outside.settings)
    outside.faults = {}
    here = replace(row(session, "bnf"), example="9782499999010")
    found = settings.attempt(here, HERE)
    assert found.works and found.words.startswith("BnF répond : « ")
    unknown = settings.attempt(row(session, "bnf"), HERE)
    assert not unknown.works and "ne trouve rien pour « 9782070360024 »" in unknown.words
    assert "réseau privé" in settings.attempt(replace(here, local=False), HERE).words
    nobody = settings.attempt(replace(here, address="http://127.0.0.1:9/sru"), HERE)
    assert (nobody.works, "ne répond pas" in nobody.words) == (False, True)
    person = settings.attempt(row(session, "idref"), HERE)
    assert "IdRef répond" in person.words


# --- the page --------------------------------------------------------------------------------


def test_an_address_is_tried_before_it_is_kept_and_is_an_administrator_s(
    app: Flask, marc: FlaskClient, claire: FlaskClient, outside: RunningSources
) -> None:
    base, at = app.extensions["travee"].db, outside.settings["bnf"]["address"]
    form = {"source": "bnf", "marche": "oui", "adresse-bnf": at, "local": "oui"}
    tried = marc.post("/admin/recherches", data={**form, "action": "try"})
    assert "BnF répond" in tried.text and f'value="{at}"' in tried.text
    refused = marc.post("/admin/recherches", data={**form, "adresse-bnf": "sru", "action": "save"})
    assert refused.status_code == 422 and 'href="#adresse-bnf"' in refused.text and 'value="sru"' in refused.text
    with base.read() as session:
        assert remembered.read(session, lookup.SETTING) is None
    marc.post("/admin/recherches", data={**form, "action": "save"})
    claire.post("/admin/recherches", data={"source": "bnf", "adresse-bnf": "http://10.0.0.1/", "action": "save"})
    with base.read() as session:
        assert remembered.read(session, lookup.SETTING) == {"bnf": {"address": at, "local": True, "on": False}}
    assert "arrêtée" in claire.get("/admin/recherches").text
    marc.post("/admin/recherches", data={**form, "action": "usual"})
    assert at not in marc.get("/admin/recherches").text
    assert marc.post("/admin/recherches", data={"source": "google", "action": "save"}).status_code == 404


def test_a_habit_is_read_in_words_and_taken_back(app: Flask, claire: FlaskClient) -> None:
    base = app.extensions["travee"].db
    with base.write() as session:
        remembered.write(session, lookup.HABITS, {"bnf": ["abstract", "kind"], "gone": ["title"]})
    page = claire.get("/admin/recherches").text
    assert "<strong>BnF</strong> · Résumé" in page and "<strong>BnF</strong> · Type de document" in page
    assert "ne propose plus : Résumé, Type de document" in claire.get("/bureau/reprise").text
    claire.post("/admin/recherches/habitudes", data={"source": "bnf", "champ": "abstract"})
    again = claire.post(
        "/admin/recherches/habitudes", data={"source": "bnf", "champ": "abstract"}, follow_redirects=True
    )
    assert "Rien n’avait changé" in again.text
    with base.read() as session:
        assert remembered.read(session, lookup.HABITS) == {"bnf": ["kind"], "gone": ["title"]}
