"""The post stays empty for five months; whoever comes next reads one page, and knows."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from catalogue import db, handover, nights, notices, remembered, source_rules, users, visits
from catalogue.models import Source
from catalogue.schedule import Schedule
from tests.cast import MIETTES
from tests.conftest import PASSWORD

PARIS = ZoneInfo("Europe/Paris")


def test_a_stranger_reads_what_runs_what_waits_and_what_decides(session: Session) -> None:
    users.add(session, "claire", PASSWORD, "documentalist")
    reci = Source(name="RECI", kind="oai", url="https://reci.exemple.org/oai")
    session.add(reci)
    session.flush()
    nights.set_schedule(session, reci.id, Schedule(on=True, hour=3))
    source_rules.put(session, reci, {"subjects": {"updates": "accept"}}, by="claire")
    notices.create(session, MIETTES, by="claire", status="published")
    visits.request(session, subject="visit", name="Inès", email="ines@example.org", message="Mardi ?")
    session.flush()

    later = db.now() + timedelta(days=150)
    page = handover.read(session, later, PARIS)

    assert "Moisson de RECI : chaque jour à 3 h" in page.alone[0].words
    (waiting,) = [line for line in page.waiting if "demande" in line.words]
    assert waiting.words == "1 demande de visiteur"
    assert waiting.since is not None
    assert waiting.late
    (rule,) = page.rules
    assert (rule.source, rule.by) == ("RECI", "claire")
    assert any(one.startswith("Sujets") for one in rule.sentences)
    assert page.base[0].words == "1 notice dans notre fonds"
    assert [line.words for line in page.team] == ["claire · Documentaliste"]


def test_what_is_written_for_the_next_one_is_never_lost(session: Session) -> None:
    first = handover.texts(session)
    assert handover.write(session, {"mot": "La lettre part le 5."}, by="claire", seen=first.mark)
    second = handover.texts(session)
    assert (second.said["mot"], second.by) == ("La lettre part le 5.", "claire")
    assert not handover.write(session, {"mot": "Autre chose"}, by="marc", seen=first.mark), "it was written meanwhile"
    assert handover.write(session, {"mot": ""}, by="marc", seen=second.mark)
    assert handover.texts(session).said["mot"] == ""
    assert [one.said["mot"] for one in handover.versions(session)] == ["La lettre part le 5."]


def test_only_so_many_versions_are_kept(session: Session) -> None:
    for n in range(handover.KEPT_VERSIONS + 5):
        handover.write(session, {"mot": f"mot {n}"}, by="claire", seen=handover.texts(session).mark)
    assert len(remembered.read(session, handover.BEFORE)) == handover.KEPT_VERSIONS


def test_the_page_is_read_by_the_team_and_written_by_documentalists(app: Flask, claire: FlaskClient) -> None:
    page = claire.get("/bureau/reprise").text
    assert "Rien n’attend." in page
    assert "Aucune règle : ce que disent les partenaires attend toujours une personne." in page
    form = claire.get("/bureau/reprise/ecrire").text
    seen = form.split('name="vu" value="')[1].split('"')[0]
    said = {"vu": seen, "mot": "Appeler l’ORIV <b>vite</b>", "annee": "janvier : rapport"}
    assert "C’est noté" in claire.post("/bureau/reprise/ecrire", data=said, follow_redirects=True).text
    assert "Appeler l’ORIV &lt;b&gt;vite&lt;/b&gt;" in claire.get("/bureau/reprise").text
    again = claire.post("/bureau/reprise/ecrire", data={"vu": seen, "mot": "Ma version"})
    assert again.status_code == 409
    assert "Ma version" in again.text
    assert "Appeler l’ORIV" in again.text, "both are shown"

    with app.extensions["travee"].db.write() as session:
        users.add(session, "marie", PASSWORD, "reader")
    marie = app.test_client()
    marie.post("/connexion", data={"login": "marie", "password": PASSWORD})
    assert marie.get("/bureau/reprise").status_code == 403
