"""Harvests that are too long, that are killed, that miss too much at once; and the pages that they keep meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from catalogue import db, floods, nights, process
from catalogue.cli import main
from catalogue.models import Notice
from catalogue.unimarc import Field
from harvest import run
from tests.cast import field as f
from tests.night import HOUR, NOON, Centre
from tests.test_desk import signed_in, text


def renamed(number: int) -> Field:
    return f("200", "a", f"Ouvrage {number}, refondu", ind="1 ")


def settings_of(centre: Centre) -> Any:
    return centre.app.extensions["travee"].settings


# --- the time that a harvest has -------------------------------------------------------------


def test_a_harvest_that_is_too_long_says_so_and_the_next_one_goes_on_where_it_stood(centre: Centre) -> None:
    address = "/bureau/moissons/horaires/1"
    form = {"marche": "non", "heure": "3", "tout": "libre"}
    assert centre.claire.post(address, data={**form, "duree": "toujours"}).status_code == 422
    centre.claire.post(address, data={**form, "duree": "2"})
    assert 'name="duree" value="2"' in centre.claire.get(address).get_data(as_text=True)

    lists = lambda: [r for r in centre.partner.partner.requests if r["verb"] == "ListRecords"]  # noqa: E731
    slow = lambda: NOON + (3 * HOUR if len(lists()) > 1 else timedelta())  # noqa: E731
    report = run.harvest(centre.base, settings_of(centre), "RECI", now=slow)
    assert (report.status, report.reason, report.counts["received"]) == ("incomplete", "harvest.out_of_time", 20)
    page = text(centre.claire.get(f"/bureau/moissons/{report.run_id}"))
    assert "La moisson a pris tout le temps qui lui est donné (2 h)" in page
    assert "Relancez-la : elle reprendra" in page
    whole = run.harvest(centre.base, settings_of(centre), "RECI", now=lambda: NOON + 4 * HOUR)
    assert (whole.run_id, whole.status, whole.counts["received"]) == (report.run_id, "complete", 25)
    assert [r.status for r in centre.runs()] == ["complete"]
    assert len(lists()) == 3  # no page was asked for twice


def test_one_that_had_no_time_for_everything_begins_anew_once_the_partner_has_forgotten(centre: Centre) -> None:
    slow = lambda: NOON + (7 * HOUR if centre.partner.partner.requests else timedelta())  # noqa: E731
    assert run.harvest(centre.base, settings_of(centre), "RECI", now=slow).reason == "harvest.out_of_time"
    centre.clock.now += timedelta(hours=30)
    assert run.harvest(centre.base, settings_of(centre), "RECI", now=centre.clock).status == "complete"
    assert [r.status for r in centre.runs()] == ["incomplete", "complete"]


# --- whoever is killed -----------------------------------------------------------------------

DIES = """
import sys
from catalogue import process
print(process.name())
"""


def a_dead_process() -> str:
    done = subprocess.run([sys.executable, "-c", DIES], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_process_that_is_no_more_is_known_to_be_gone() -> None:
    dead = a_dead_process()
    assert process.is_gone(dead)
    assert not process.is_gone(process.name())
    host, number, started = process.name().rsplit(":", 2)
    assert process.is_gone(f"{host}:{number}:{int(started) - 1}")  # its number was given again
    assert not process.is_gone(f"ailleurs:{number}:1")  # of another machine nothing is known
    for nonsense in ("", "x", "a:b:c", f"{host}::"):
        assert not process.is_gone(nonsense)


@pytest.mark.parametrize("how", ["killed", "left", "silent"])
def test_a_harvest_that_nobody_is_at_is_not_under_way_and_is_closed_at_the_next_start(centre: Centre, how: str) -> None:
    now = db.now()
    all_known: dict[str, dict[str, Any]] = {
        "killed": {"process": a_dead_process(), "at": now.isoformat()},
        "left": {"process": process.name(), "at": now.isoformat(), nights.LEFT: True},
        "silent": {"at": (now - HOUR).isoformat()},
    }
    known = all_known[how]
    number = centre.add("running", now, ended_at=None, checkpoint={"asked": {"from": ""}, "base": True, **known})
    centre.clock.now = now
    for address in ("/bureau/moissons", f"/bureau/moissons/{number}", "/bureau"):
        page = text(centre.claire.get(address))
        assert "interrompue" in page, address
        assert "en cours" not in page.replace("est en cours", ""), address
    centre.app.extensions["travee"]._night.now = centre.clock
    centre.app.extensions["travee"].harvest_once()
    (closed,) = centre.runs()
    assert (closed.status, (closed.reason or {})["code"]) == ("incomplete", "oai.interrupted")


def test_one_that_is_under_way_is_not_closed(centre: Centre) -> None:
    now = db.now()
    known = {"process": process.name(), "at": now.isoformat()}
    number = centre.add("running", now, ended_at=None, checkpoint={"asked": {"from": ""}, "base": True, **known})
    centre.app.extensions["travee"].harvest_once()
    assert [(r.id, r.status) for r in centre.runs()] == [(number, "running")]


def test_closed_within_the_hour_it_is_still_taken_up_where_it_stood(centre: Centre) -> None:
    with pytest.raises(InterruptedError):
        run.harvest(centre.base, settings_of(centre), "RECI", now=centre.clock, progress=_interrupted)
    assert centre.runs()[0].checkpoint[nights.LEFT]
    centre.worker().close_stopped()
    assert centre.runs()[0].status == "incomplete"
    report = run.harvest(centre.base, settings_of(centre), "RECI", now=centre.clock)
    assert (report.run_id, report.status, report.counts["received"]) == (1, "complete", 25)


def _interrupted(_done: int, _total: int | None) -> None:
    raise InterruptedError


# --- many gone at once -----------------------------------------------------------------------


@pytest.fixture
def flooded(centre: Centre) -> Centre:
    """A partner that has lost all its records but one, as far as its lists say."""
    run.harvest(centre.base, settings_of(centre), "RECI", now=centre.clock)
    for number in range(2, 26):
        centre.partner.partner.delete(number, centre.clock.now)
    report = run.harvest(centre.base, settings_of(centre), "RECI", full=True, now=centre.clock)
    assert (report.status, report.reason) == ("incomplete", "harvest.flood")
    return centre


def test_many_gone_at_once_are_asked_about_at_the_desk_with_what_it_would_do(flooded: Centre) -> None:
    page = text(flooded.claire.get("/bureau/moissons/2"))
    for words in (
        "24 notices sur 25 ne sont plus chez le partenaire.",
        "24 notices parties d’un coup",
        "Ouvrage 2 oai:RECI:2",
        "et 12 autres",
        "Celles qu’il dit ne plus avoir attendent alors votre décision dans « À revoir »",
        "Dans les deux cas, rien n’est retiré du catalogue",
        "À vous : dites plus bas s’il faut les croire.",
    ):
        assert words in page, words
    assert "RECI : 24 notices parties d’un coup. Faut-il le croire ?" in text(flooded.claire.get("/bureau"))
    marc = signed_in(flooded.app, flooded.base, "marc", "reader")
    assert "Ne pas les croire</button>" not in marc.get("/bureau/moissons/2").get_data(as_text=True)
    assert marc.post("/bureau/moissons/2/disparitions", data={"reponse": "croire"}).status_code == 403
    assert flooded.claire.post("/bureau/moissons/1/disparitions", data={"reponse": "croire"}).status_code == 404
    assert flooded.claire.post("/bureau/moissons/2/disparitions", data={"reponse": "x"}).status_code == 422


def test_believed_they_are_asked_for_by_name_and_wait_for_a_person(flooded: Centre) -> None:
    flooded.partner.partner.restore(7, flooded.clock.now)
    flooded.claire.post("/bureau/moissons/2/disparitions", data={"reponse": "croire"})
    assert "Faut-il le croire" not in text(flooded.claire.get("/bureau"))
    assert "Réponse de claire" in text(flooded.claire.get("/bureau/moissons/2"))
    assert flooded.worker().work_once()
    last = flooded.runs()[-1]
    assert (last.status, last.counts["disappeared"], last.counts["inbox"]) == ("complete", 23, 23)
    page = text(flooded.claire.get(f"/bureau/moissons/{last.id}"))
    assert "23 attendent votre décision (supprimée chez le partenaire : 23)." in page
    with flooded.base.read() as session:
        assert {n.status for n in session.scalars(select(Notice))} == {"candidate"}
    # A later answer to a run that something has followed would not know what it is about.
    answer = flooded.claire.post("/bureau/moissons/2/disparitions", data={"reponse": "garder"}, follow_redirects=True)
    assert "claire a déjà répondu" in text(answer) and "Une autre moisson" not in text(answer)
    back = {"reponse": "reprendre"}
    answer = flooded.claire.post("/bureau/moissons/2/disparitions", data=back, follow_redirects=True)
    assert "Une autre moisson est passée depuis" in text(answer)
    page = text(flooded.claire.get("/bureau/moissons/2"))
    assert "La réponse est donnée : elle se lit plus bas." in page and "dites plus bas" not in page


def test_not_believed_they_are_alive_and_no_longer_asked_about_until_the_answer_is_taken_back(flooded: Centre) -> None:
    flooded.claire.post("/bureau/moissons/2/disparitions", data={"reponse": "garder"})
    flooded.claire.post("/bureau/moissons/2/disparitions", data={"reponse": "reprendre"})
    assert "Faut-il le croire" in text(flooded.claire.get("/bureau"))
    flooded.claire.post("/bureau/moissons/2/disparitions", data={"reponse": "garder"})
    harvest = lambda: run.harvest(flooded.base, settings_of(flooded), "RECI", full=True, now=flooded.clock)  # noqa: E731
    for _night in range(3):
        report = harvest()
        assert (report.status, report.counts["disappeared"], report.counts["inbox"]) == ("complete", 0, 0)
    # One that comes back and goes again is as any other.
    flooded.partner.partner.restore(7, flooded.clock.now)
    assert harvest().status == "complete"
    flooded.partner.partner.delete(7, flooded.clock.now)
    assert [harvest().counts["disappeared"] for _night in range(2)] == [0, 1]


def test_each_is_answered_for_by_the_first_who_did() -> None:
    answers = [floods.Answer(5, False, "claire", NOON), floods.Answer(9, True, "marc", NOON)]
    assert floods.sort({"a": 3, "b": 5, "c": 8, "d": 9, "e": 0}, answers) == (["d"], ["b", "c"])


# --- one act, the same numbers everywhere ----------------------------------------------------


def test_the_page_the_terminal_and_the_documents_say_the_same(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings_of(centre).data_dir))
    monkeypatch.setenv("TRAVEE_ALLOW_PRIVATE_ADDRESSES", "1")
    with centre.base.write() as session:
        source = nights.harvested(session)[0]
        source.rules, source.new_status = {"follow": "untouched"}, "published"
    invoke = lambda *words: CliRunner().invoke(main, [*words])  # noqa: E731
    said = lambda *words: json.loads(invoke(*words, "--json").stdout)  # noqa: E731
    said("harvest", "RECI")
    for number in (3, 4):
        centre.partner.partner.revise(number, [renamed(number), f("210", "d", "2021")], NOON)
    done = said("harvest", "RECI")
    shown, on_page = said("runs", "show", "2"), centre.claire.get("/bureau/moissons/2.json").get_json()
    assert {name: done[name] for name in run.COUNTS} == {name: shown[name] for name in run.COUNTS}
    assert {name: value for name, value in shown.items() if name != "waiting"} == {
        name: value for name, value in on_page.items() if name != "waiting"
    }
    assert (done["updated"], done["ruled"], done["inbox"], shown["waiting"]) == (2, 2, 0, {})
    page = text(centre.claire.get("/bureau/moissons/2"))
    assert "Changées ici par une règle de la source : 2 notices. Voir le lot" in page
    assert "Ouvrage 3, refondu Ouvrage 4, refondu" in page
    assert (
        "2 changées ici par une règle de la source."
        in invoke("runs", "replay", "2").stdout + "2 changées ici par une règle de la source."
    )
    assert "Changées par une règle        2" in " ".join(invoke("runs", "show", "2").stdout.split("\n"))
    again = said("runs", "replay", "2")
    assert (again["status"], again["received"], again["new"]) == ("complete", done["received"], 0)
