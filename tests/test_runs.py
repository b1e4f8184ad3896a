"""The nightly run, from the worker to the screens: due, asked for, stopped, taken up, failed, read again, told."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from catalogue import alerts, db, nights, remembered, run_page, sources, timeline
from catalogue.cli import main
from catalogue.models import Batch, Notice, RawPage, Refused, Run
from catalogue.timeline import Night
from demo.partner import Faults
from harvest import retention, run
from tests.conftest import PASSWORD
from tests.night import DAY, HOUR, NOON, Centre
from tests.test_desk import signed_in, text

# --- the worker ------------------------------------------------------------------------------


def test_a_night_is_harvested_once_and_the_next_one_again(centre: Centre) -> None:
    worker = centre.worker()
    assert not worker.work_once()  # no schedule: nothing happens by itself
    centre.set()
    assert worker.work_once()
    assert not worker.work_once()
    assert [(r.status, r.counts["new"]) for r in centre.runs()] == [("complete", 25)]
    centre.clock.now += DAY
    assert worker.work_once()
    assert [r.status for r in centre.runs()] == ["complete", "complete"]


def test_what_somebody_asks_is_done_by_the_worker_and_never_by_the_page(centre: Centre) -> None:
    answer = centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"}, follow_redirects=True)
    assert "La moisson de RECI commence dès que possible" in text(answer)
    assert "Moisson demandée par claire" in text(answer)
    assert centre.runs() == []
    assert centre.worker().work_once()
    (made,) = centre.runs()
    with centre.base.read() as session:
        assert session.get_one(Batch, made.batch_id).by == "claire"
    assert centre.asked() == []
    assert not centre.worker().work_once()


def test_asking_twice_is_asking_once_and_everything_is_more_than_news(centre: Centre) -> None:
    for full in ("", "1", ""):
        centre.claire.post("/bureau/moissons/demander", data={"source": "RECI", "full": full})
    (asked,) = centre.asked()
    assert (asked.full, asked.by) == (True, "claire")
    assert centre.claire.post("/bureau/moissons/demander", data={"source": "ailleurs"}).status_code == 404


def test_a_worker_that_is_stopped_ends_at_the_page_and_the_next_one_goes_on_there(centre: Centre) -> None:
    centre.set()
    worker = centre.worker(stopping=lambda: centre.count(RawPage) > 0)
    worker.work_once()
    (half,) = centre.runs()
    assert (half.status, half.counts["received"]) == ("running", 10)
    centre.clock.now += timedelta(minutes=5)
    page = text(centre.claire.get(f"/bureau/moissons/{half.id}"))
    assert "Travée la reprendra d’elle-même" in page
    assert centre.worker().work_once()
    (whole,) = centre.runs()
    assert (whole.id, whole.status, whole.counts["received"]) == (half.id, "complete", 25)
    assert centre.count(Notice) == 25
    assert not centre.worker().work_once()


def test_a_run_that_kills_its_worker_each_time_is_left_until_the_next_night(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def harvest(*_arguments: Any, **_options: Any) -> None:
        raise Killed

    centre.set()
    centre.clock.now -= HOUR
    centre.add("running", centre.clock.now, ended_at=None)
    monkeypatch.setattr(run, "harvest", harvest)
    for _start in range(3):
        with pytest.raises(Killed):
            centre.worker().work_once()
    assert not centre.worker().work_once()
    centre.clock.now += DAY
    with pytest.raises(Killed):
        centre.worker().work_once()


def test_what_a_person_began_at_a_terminal_is_theirs_to_go_on_with(centre: Centre) -> None:
    centre.add("running", centre.clock.now - 5 * HOUR)
    assert not centre.worker().work_once()
    centre.set()
    assert centre.worker().work_once()


def test_a_partner_that_is_down_is_tried_three_times_a_night(centre: Centre) -> None:
    centre.set()
    centre.partner.faults = Faults(down=True)
    worker, starts = centre.worker(), []
    for half_hours in range(48):
        centre.clock.now = NOON + half_hours * timedelta(minutes=30)
        if worker.work_once():
            starts.append(half_hours / 2)
    assert starts == [0, 1, 4, 14, 15, 18]  # at noon, what the night had missed; at 3 in Paris, the next one
    assert {r.status for r in centre.runs()} == {"incomplete"}
    centre.partner.faults = Faults()
    centre.clock.now += DAY
    assert worker.work_once()
    assert centre.runs()[-1].status == "complete"


def test_another_process_at_work_is_left_alone(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_arguments: Any, **_options: Any) -> None:
        raise run.AlreadyRunning

    centre.set()
    centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"})
    with monkeypatch.context() as patched:
        patched.setattr(run, "harvest", busy)
        assert not centre.worker().work_once()
    assert len(centre.asked()) == 1
    assert centre.worker().work_once()
    assert centre.asked() == []


def test_a_fault_of_ours_does_not_come_back_at_once_nor_hold_up_the_others(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def harvest(_database: Any, _settings: Any, name: str, **_options: Any) -> Any:
        done.append(name)
        raise RuntimeError("a page nobody foresaw") if name == "Cosoter" else OSError("no room left")

    monkeypatch.setattr(run, "harvest", harvest)
    with centre.base.write() as session:
        other = sources.for_file(session, "Cosoter")
        other.kind, other.url = "oai", centre.partner.url
    centre.set()
    centre.set(name="Cosoter")
    worker = centre.worker()
    while worker.work_once():
        assert len(done) < 10
    assert sorted(done) == ["Cosoter", "RECI"]
    centre.clock.now += timedelta(minutes=11)
    assert worker.work_once()


def test_the_worker_of_the_server_harvests_beside_its_other_work(centre: Centre) -> None:
    travee = centre.app.extensions["travee"]
    travee.start_worker(30.0)
    centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"})
    with ExitStack() as stack:
        stack.callback(travee.close)
        for _try in range(400):
            if not centre.asked():
                break
            travee._stop.wait(0.02)
    assert [r.status for r in centre.runs()] == ["complete"]


# --- pages kept ------------------------------------------------------------------------------


def test_pages_are_read_again_without_the_partner(centre: Centre) -> None:
    centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"})
    centre.worker().work_once()
    centre.partner.faults = Faults(down=True)
    page = centre.claire.get("/bureau/moissons/1")
    assert "6 pages gardées telles que reçues" in text(page)
    answer = centre.claire.post("/bureau/moissons/1/relire", follow_redirects=True)
    assert "Leur relecture est demandée" in text(answer)
    assert centre.worker().work_once()
    again = centre.runs()[-1]
    assert (again.status, again.counts["unchanged"]) == ("complete", 25)
    assert "relecture de la moisson n° 1" in text(centre.claire.get(f"/bureau/moissons/{again.id}"))
    assert f"n° {again.id}" in text(centre.claire.get("/bureau/moissons/1"))
    # A replay is nobody's night.
    centre.partner.faults = Faults()
    centre.clock.now += DAY
    centre.set()
    assert centre.worker().work_once()


def test_old_pages_go_but_what_a_replay_or_a_resumption_needs_stays(centre: Centre) -> None:
    settings = centre.app.extensions["travee"].settings
    for full in (True, False, True, False):
        run.harvest(centre.base, settings, "RECI", full=full, now=centre.clock)
        centre.clock.now += timedelta(minutes=1)
    pages = lambda number: retention.size_on_disk(settings, centre.base.read_session(), number)[0]  # noqa: E731
    erase = lambda days: retention.erase_old_pages(centre.base, settings, now=centre.clock.now + days * DAY)  # noqa: E731
    assert [pages(n) for n in range(1, 5)] == [6, 6, 6, 6]
    assert erase(89) == 0
    with centre.base.write() as session:
        nights.set_keep_days(session, 30)
        nights.ask(session, nights.Asked(1, "claire", NOON, replay=4))
        session.get_one(Run, 2).status = "running"
    assert erase(31) == 1
    assert [pages(n) for n in range(1, 5)] == [0, 6, 6, 6]
    assert erase(31) == 0
    page = text(centre.claire.get("/bureau/moissons/1"))
    assert "Les 6 pages reçues ont été effacées le" in page
    assert "Relire les pages gardées" not in page
    answer = centre.claire.post("/bureau/moissons/1/relire", follow_redirects=True)
    assert "Les pages de cette moisson ne sont plus là" in text(answer)


# --- the screens -----------------------------------------------------------------------------


def test_before_the_first_harvest_the_page_says_what_to_do(app: Flask, claire: FlaskClient) -> None:
    assert "Aucun partenaire à moissonner pour l’instant." in text(claire.get("/bureau/moissons"))
    with app.extensions["travee"].db.write() as session:
        source = sources.for_file(session, "RECI")
        source.kind, source.url = "oai", "https://reci.exemple.org/oai"
    page = text(claire.get("/bureau/moissons"))
    assert "Pas d’horaire : seulement à la demande." in page
    assert "« Moissonner maintenant » fait la première" in page


def test_a_schedule_is_set_on_screen(centre: Centre) -> None:
    address = "/bureau/moissons/horaires/1"
    assert "Rien n’est encore enregistré." in text(centre.claire.get(address))
    form = {"marche": "oui", "heure": "4", "jours": ["0", "2"], "tout": "6"}
    page = text(centre.claire.post(address, data=form, follow_redirects=True))
    with centre.base.read() as session:
        kept, minute = nights.get_schedule(session, 1), nights.minute(session)
    assert (kept.on, kept.hour, kept.days, kept.full_day) == (True, 4, (0, 2), 6)
    assert kept.since is not None and 0 <= minute < 60
    assert f"Le lundi, mercredi à 4 h {minute:02d} ; tout redemander le dimanche." in page
    assert "Prochaine : " in page
    centre.claire.post(address, data=form)
    with centre.base.read() as session:
        assert nights.get_schedule(session, 1).since == kept.since  # the same once more: nothing is forgiven
    answer = centre.claire.post(address, data={"marche": "oui", "heure": "4", "tout": "libre"})
    assert answer.status_code == 422
    assert "Cochez au moins un jour" in text(answer)
    centre.claire.post(address, data={"marche": "non"})
    assert "Pas d’horaire" in text(centre.claire.get("/bureau/moissons"))
    assert centre.claire.get("/bureau/moissons/horaires/99").status_code == 404


def test_a_run_s_page_is_its_balance_sheet_in_words(centre: Centre) -> None:
    centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"})
    centre.worker().work_once()
    page = text(centre.claire.get("/bureau/moissons/1"))
    for words in (
        "complète n° 1 · tout, depuis le début",
        "25 notices reçues, et ce qu’elles sont devenues",
        "Nouvelles 25 Travée ne les connaissait pas",
        "Reçues en tout 25",
        "25 attendent votre décision (nouvelle notice proposée : 25).",
        "Licence Licence ouverte",
        "Annuler cette moisson",
    ):
        assert words in page, words
    document = centre.claire.get("/bureau/moissons/1.json").get_json()
    counted = sum(document[name] for name in run.BALANCED)
    assert (document["status"], document["received"], counted) == ("complete", 25, 25)
    assert set(run_page.BALANCE) == set(run.BALANCED)
    assert centre.claire.get("/bureau/moissons/77").status_code == 404


def test_a_run_that_failed_says_why_and_what_to_do(centre: Centre) -> None:
    params = {"host": "reci.exemple.org", "prefix": "x", "offered": "y", "status": "403", "error": "z"}
    for code, reason, advice in (
        ("oai.down", "Le serveur reci.exemple.org ne répond pas.", "Relancez la moisson un peu plus tard."),
        ("oai.format_refused", "Le serveur ne donne pas le format x.", "À vous : vérifiez l’adresse"),
        ("oai.forbidden", "refuse l’accès (HTTP 403)", "C’est chez le partenaire"),
        ("harvest.failed", "a mis Travée en défaut (z).", "C’est dans Travée"),
    ):
        number = centre.add("incomplete", reason={"code": code, "params": params})
        page = text(centre.claire.get(f"/bureau/moissons/{number}"))
        assert reason in page and advice in page and "Relancer la moisson" in page, code
    assert "Relancer" in text(centre.claire.get("/bureau"))
    centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"})
    assert "Relance demandée." in text(centre.claire.get("/bureau"))


def test_a_run_under_way_shows_how_far_it_is(centre: Centre) -> None:
    now = db.now()
    more = {"checkpoint": {"asked": {"from": ""}, "base": True, "at": now.isoformat()}, "counts": {"received": 1250}}
    number = centre.add("running", now, **more)
    page = text(centre.claire.get(f"/bureau/moissons/{number}"))
    assert "1 250 notices reçues pour le moment." in page
    assert "Actualiser cette page" in page
    listed = text(centre.claire.get("/bureau/moissons"))
    assert "En cours : la suivre" in listed
    assert "Moissonner maintenant" not in listed


def test_refused_records_are_listed_by_pages_with_their_reason(centre: Centre) -> None:
    number = centre.add()
    with centre.base.write() as session:
        for n in range(45):
            known = {"identifier": f"oai:RECI:{n}", "code": "harvest.ghost", "params": {"identifier": f"oai:RECI:{n}"}}
            row = Refused(source_id=1, run_id=number, position=n, format="oai", raw=b"<r/>", sha256=str(n), **known)
            row.created_at = NOON
            row.settled_at = NOON if n == 0 else None
            session.add(row)
    first = text(centre.claire.get(f"/bureau/moissons/{number}"))
    assert "45 notices refusées sont gardées ici ; 44 attendent encore." in first
    assert "oai:RECI:1 arrive sans date" in first and "Page 1 sur 2" in first
    assert "une moisson de tout les redemandera" in first  # its pages are not there
    last = text(centre.claire.get(f"/bureau/moissons/{number}?refus=2"))
    assert "oai:RECI:0 arrive sans date" in last and "entrée depuis" in last
    assert centre.claire.get(f"/bureau/moissons/{number}?refus=999999999999").status_code == 200


def test_an_import_has_its_own_report(centre: Centre) -> None:
    with centre.base.write() as session:
        session.add(Run(source_id=1, kind="import", started_at=NOON, status="complete"))
    assert centre.claire.get("/bureau/moissons/1").headers["Location"] == "/bureau/imports/1"
    assert centre.claire.get("/bureau/moissons/1.json").headers["Location"] == "/bureau/imports/1.json"


def test_who_only_reads_sees_and_touches_nothing(centre: Centre) -> None:
    centre.add("incomplete", reason={"code": "oai.down", "params": {"host": "h"}})
    marc = signed_in(centre.app, centre.base, "marc", "reader")
    for address in ("/bureau/moissons", "/bureau/moissons/1", "/bureau"):
        page = marc.get(address)
        assert page.status_code == 200
        assert "elancer" not in text(page).replace("relancez", "") or address == "/bureau/moissons/1"
        assert 'action="/bureau/moissons' not in page.get_data(as_text=True)
    assert marc.get("/bureau/moissons/horaires/1").status_code == 403
    for address in ("demander", "1/relire", "conservation", "horaires/1"):
        assert marc.post(f"/bureau/moissons/{address}", data={"source": "RECI"}).status_code == 403
    assert centre.asked() == []


def test_how_long_pages_are_kept_is_a_setting(centre: Centre) -> None:
    assert 'value="90"' in centre.claire.get("/bureau/moissons").get_data(as_text=True)
    answer = centre.claire.post("/bureau/moissons/conservation", data={"jours": "beaucoup"})
    assert answer.status_code == 422 and 'value="beaucoup"' in answer.get_data(as_text=True)
    centre.claire.post("/bureau/moissons/conservation", data={"jours": "365"})
    with centre.base.read() as session:
        assert nights.keep_days(session) == 365


def test_a_letter_that_could_not_go_is_told_at_the_desk(centre: Centre) -> None:
    centre.add()
    with centre.base.write() as session:
        remembered.write(session, alerts.TROUBLE, {"at": NOON.isoformat(), "words": "smtp.exemple.fr:25 : refused"})
    for address in ("/bureau", "/bureau/moissons"):
        page = text(centre.claire.get(address))
        assert "Le courriel d’alerte n’a pas pu partir." in page and "smtp.exemple.fr:25 : refused" in page


# --- thirty nights ---------------------------------------------------------------------------


def test_thirty_nights_are_a_picture_a_table_and_a_sentence(centre: Centre) -> None:
    today = db.now().replace(hour=11, minute=0, second=0, microsecond=0)
    for back in range(30):
        at = today - back * DAY
        counts = {"new": 2400 if back == 29 else back, "updated": 9, "matched": 2, "conflicts": 1}
        if back == 4:
            centre.add("incomplete", at)
        else:
            centre.add("complete", at, counts=counts)
    page = centre.claire.get("/bureau/moissons").get_data(as_text=True)
    svg = re.search(r"<figure class=\"nights\">.*?</svg>", page, re.S)
    assert svg is not None and len(svg[0].encode()) < 12_000
    assert "style=" not in svg[0] and "onmouse" not in svg[0]
    for kind in ("new", "matched", "changed", "conflicts", "failed", "break"):
        assert f'class="{kind}"' in svg[0], kind
    assert page.count("<tr>") == 31
    said = text(centre.claire.get("/bureau/moissons"))
    assert "En 30 nuits : 29 avec une moisson complète" in said
    assert "29 avec une moisson complète, 1 moisson incomplète ; " in said
    assert "58 reconnues, 232 changements, 29 conflits. Une nuit a échoué : le " in said
    assert len(page.encode()) < 60_000


def test_columns_stand_on_the_ground_and_inside_the_picture() -> None:
    first = NOON.date()
    made = [Night(first + n * DAY, new=n % 4, changed=n, conflicts=n % 3, failed=n % 5 == 0, runs=1) for n in range(29)]
    drawn = timeline.draw((*made, Night(first + 29 * DAY, new=9_999, runs=1)))
    assert all(bar.x >= 0 and bar.x + bar.width <= timeline.WIDTH for bar in drawn.bars)
    assert all(0 <= bar.y <= bar.y + bar.height <= timeline.HEIGHT + 0.2 for bar in drawn.bars)
    assert len(drawn.crosses) == 6 and len(drawn.cut) == 1
    tallest = max(bar.height for bar in drawn.bars if bar.x != drawn.cut[0])
    assert tallest > timeline.HEIGHT / 3  # a first harvest does not flatten the others
    assert timeline.draw(tuple(Night(first + n * DAY) for n in range(30))).is_empty


# --- for a terminal --------------------------------------------------------------------------


def travee(*arguments: str) -> tuple[int, Any]:
    done = CliRunner().invoke(main, [*arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_the_command_line_says_the_same(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(centre.app.extensions["travee"].settings.data_dir))
    monkeypatch.setenv("TRAVEE_ALLOW_PRIVATE_ADDRESSES", "1")
    assert travee("runs", "list") == (0, {"runs": [], "older": False})
    code, set_ = travee("runs", "schedule", "RECI", "--hour", "4", "--days", "mon,thu", "--full-day", "any")
    assert code == 0 and set_["schedule"].startswith("le lundi, jeudi à 4 h ")
    assert CliRunner().invoke(main, ["runs", "schedule", "RECI", "--days", "lundi"]).exit_code == 2
    assert travee("runs", "schedule", "ailleurs")[0] == 1
    code, coming = travee("runs", "next")
    assert code == 0 and coming["sources"][0]["next"] and not coming["sources"][0]["full"]
    code, report = travee("harvest", "--all")
    assert (code, report["status"], report["new"]) == (0, "complete", 25)
    code, listed = travee("runs", "list", "--source", "RECI")
    assert [(r["run"], r["status"], r["summary"]) for r in listed["runs"]] == [(1, "complete", "25 nouvelles.")]
    code, shown = travee("runs", "show", "1")
    assert (code, shown["received"], shown["new"], shown["refused_records"]) == (0, 25, 25, [])
    assert travee("runs", "show", "9")[0] == 1
    with centre.base.write() as session:
        nights.ask(session, nights.Asked(1, "claire", NOON))
    assert travee("jobs", "run-once")[1]["harvested"] == 1
    assert centre.asked() == []


# --- in a browser ----------------------------------------------------------------------------


def test_the_pages_are_clean_and_fit(centre: Centre, live_server: str, browser_page: Any) -> None:
    centre.claire.post("/bureau/moissons/demander", data={"source": "RECI"})
    centre.worker().work_once()
    centre.add("incomplete", db.now(), reason={"code": "oai.down", "params": {"host": "reci.exemple.org"}})
    page = browser_page
    page.goto(f"{live_server}/connexion")
    page.fill("[name=login]", "claire")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/bureau")
    found = {}
    for address in ("", "/moissons", "/moissons/1", "/moissons/2", "/moissons/horaires/1"):
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(f"{live_server}/bureau{address}")
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        page.set_viewport_size({"width": 1366, "height": 768})
        wrong = [violation["id"] for violation in Axe().run(page).response["violations"]]
        if wrong or wide:
            found[address] = (wrong, wide)
    assert found == {}
