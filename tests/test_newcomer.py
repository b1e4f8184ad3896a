"""What somebody who comes to « À revoir » and « Moissons » for the first time reads there, made true."""

from __future__ import annotations

import gc
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from catalogue import alerts, db, differences, i18n, nights, notices, reviewing, source_addresses, sources
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.inbox_pages import pairs
from catalogue.matching import compare, describe, written
from catalogue.models import Proposal, Source
from catalogue.problems import sentence
from harvest import run
from tests.cast import field, notice
from tests.night import HOUR, NOON, Centre
from tests.test_desk import signed_in, text
from tests.test_inbox import BASE, adds, base, conflicts, form_of, updates
from tests.test_proposals import ABSTRACT, changed, linked, night, reci, taken_in

assert base
LONG = " ".join(f"mot{n}" for n in range(400))


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def html(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


# --- an index that cannot be read --------------------------------------------------------------


def spoil(app: Flask, content: bytes) -> None:
    """Another process, or a disk, has written over the index's table of contents."""
    travee = app.extensions["travee"]
    for path in travee.index().snapshot().path.glob("*.toc"):
        path.write_bytes(content)
    travee.index().close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Whoosh leaves a file open that it could not read
@pytest.mark.parametrize("content", [b"", b"\0" * 900])
def test_an_index_that_cannot_be_read_is_said_and_what_is_done_is_done(
    app: Flask, claire: FlaskClient, base: db.Database, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    with base.write() as session:
        number = adds(session, "1")
    app.extensions["travee"].drain_soon()
    assert claire.get("/recherche?q=Points").status_code == 200
    spoil(app, content)
    ready = claire.get("/readyz")
    assert (ready.status_code, ready.get_json()["index"], ready.get_json()["database"]) == (503, False, True)
    for address in ("/recherche?q=Points", "/nouveautes", "/recherche/filtre/theme?q=Points"):
        answer = claire.get(address)
        assert answer.status_code == 503 and "La recherche" in text(answer), address
    assert claire.get("/").status_code == 503
    monkeypatch.setattr("indexes.sync._rebuild", _no_room)
    address = f"/bureau/a-revoir/{number}"
    sent = form_of(html(claire.get(address)), address)
    done = claire.post(address, data=sent | {"action": "accept"}, follow_redirects=True)
    assert done.status_code == 200 and "est décidée." in text(done)
    monkeypatch.undo()
    app.extensions["travee"].drain_soon()
    assert claire.get("/readyz").get_json()["index"] is True
    assert claire.get("/recherche?q=Points").status_code == 200
    gc.collect()  # the warning about Whoosh's file is this test's, not another's


def _no_room(*_arguments: object) -> int:
    raise RuntimeError("nobody foresaw this one")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_terminal_is_told_in_a_sentence_that_the_index_cannot_be_read(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.extensions["travee"].drain_soon()
    spoil(app, b"\0" * 900)
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings.data_dir))
    for words in (("search", "ville"), ("index", "check", "--dry-run"), ("check",)):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 1 and not isinstance(result.exception, OSError)
        assert "L’index de recherche ne peut pas être lu" in result.stderr, words
    assert json.loads(CliRunner().invoke(main, ["check", "--json"]).stdout)["index"]["unreadable"] is True
    mended = CliRunner().invoke(main, ["index", "check"])
    assert mended.exit_code == 0 and "il a été refait" in mended.stdout
    (settings.data_dir / "index" / "current").write_bytes(b"\xff\xfe")
    assert CliRunner().invoke(main, ["index", "rebuild"]).exit_code == 0
    assert CliRunner().invoke(main, ["check"]).exit_code == 0
    gc.collect()


# --- a harvest that failed ---------------------------------------------------------------------


DOWN = {"code": "oai.down", "params": {"host": "reci.exemple.org"}}


def test_what_to_do_after_a_failure_is_what_travee_will_do_itself(centre: Centre, monkeypatch: Any) -> None:
    monkeypatch.setattr(db, "now", centre.clock)
    first = centre.add("incomplete", NOON - HOUR, reason=DOWN)
    page = text(centre.claire.get(f"/bureau/moissons/{first}"))
    assert "ne répond pas. Rien n’est perdu. Relancez la moisson un peu plus tard." in page
    centre.set()  # from now on: the run begun by hand was nobody's night
    page = text(centre.claire.get(f"/bureau/moissons/{first}"))
    assert "elancez" not in page
    with centre.base.read() as session:
        plan = nights.plan(session, 1, centre.clock.now, ZoneInfo("Europe/Paris"))
        assert plan is not None
        coming = i18n.format_instant(plan.at)
    said = "dès que possible" if plan.is_due(centre.clock.now) else coming
    assert f"Travée réessaie d’elle-même, {said}." in page
    assert said in text(centre.claire.get("/bureau/moissons"))
    centre.add("complete", NOON)
    page = text(centre.claire.get(f"/bureau/moissons/{first}"))
    assert "Une autre moisson de cette source est passée depuis" in page and "réessaie" not in page


def test_incomplete_harvests_are_counted_and_what_was_recognised_is_no_change(centre: Centre) -> None:
    today = db.now()
    for n in range(11):
        centre.add("incomplete", today - n * HOUR / 60, reason=DOWN)
    centre.add("complete", today, counts={"matched": 83, "received": 83})
    said = text(centre.claire.get("/bureau/moissons"))
    assert "avec une moisson complète, 11 moissons incomplètes ; 0 nouvelle notice, 83 reconnues, 0 changement" in said
    assert "83 changements" not in said
    assert "0 nouvelle notice, 83 reconnues, 0 mise à jour." in text(centre.claire.get("/bureau"))


def test_what_a_library_says_of_a_spoilt_page_is_said_in_french() -> None:
    params = {"page": "3", "line": "12", "detail": "Invalid bytes in character encoding"}
    assert "(des octets ne sont pas du codage annoncé)" in sentence("oai.malformed", params)
    assert "(something new)" in sentence("oai.malformed", params | {"detail": "something new"})


# --- one difference ------------------------------------------------------------------------------


def test_a_decided_question_has_no_place_in_a_list(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        number = adds(session, "1")
        reviewing.decide_all(session, "safe", "accept", by="marc")
    page = claire.get(f"/bureau/a-revoir/{number}")
    assert "Déjà décidée par marc" in text(page)
    assert "sur 0" not in html(page)


def test_a_long_text_is_cut_between_words_and_can_be_read_whole() -> None:
    for op in ("same", "ins", "del"):
        folded = differences.folded(((op, LONG),))
        assert "".join(words for _op, words in folded) == LONG
        assert [kind for kind, _words in folded] == [op, f"{op}+"]
        assert {word for _op, words in folded for word in words.split()} == set(LONG.split())
        shown = " ".join(words for _op, words in differences.shortened(((op, LONG),)))
        assert "[…]" in shown and len(shown) < 800 and set(shown.split()) - {"[…]"} < set(LONG.split())
    around = differences.folded((("ins", "Neuf. "), ("same", LONG), ("del", " Vieux.")))
    assert [kind for kind, _words in around] == ["ins", "same", "same+", "same", "del"]


def test_a_long_abstract_of_theirs_is_unfolded_on_the_page_of_the_question(
    claire: FlaskClient, base: db.Database
) -> None:
    with base.write() as session:
        source = reci(session)
        taken_in(session, source, "1", BASE)
        number = night(session, source, "1", changed(BASE, "330", field("330", "a", LONG))).proposal_id
    page = html(claire.get(f"/bureau/a-revoir/{number}"))
    assert '<details class="folded"><summary>Lire la suite (' in page
    assert all(word in page for word in LONG.split())


def test_a_bulk_acceptance_says_what_was_taken_and_what_stays_ours(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ours = notices.create(session, notice("Points de vue", ABSTRACT), by="claire", status="published")
        theirs = [
            *notice("Points de vue", field("330", "a", "Un tout autre résumé, écrit là-bas.")),
            field("606", "a", "Laïcité"),
        ]
        linked(session, reci(session), "m1", ours, theirs)
        asked = night(session, reci(session), "m1", theirs).proposal_id
        assert asked and session.get_one(Proposal, asked).category == "update"
        updates(session, "u1")
    sent = form_of(html(claire.get("/bureau/a-revoir?genre=mises-a-jour")), "/bureau/a-revoir/lots")
    told = text(claire.post("/bureau/a-revoir/lots", data=sent | {"action": "accept"}, follow_redirects=True))
    assert "2 propositions sont acceptées. Repris : 1 ajout, 1 changement. Gardé le nôtre : 1 différence" in told


def test_undoing_from_the_inbox_comes_back_to_it_and_nowhere_else(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        first, second = (conflicts(session, number)[1].id for number in ("c1", "c2"))
    address = f"/bureau/a-revoir/{first}"
    sent = form_of(html(claire.get(address)), address)
    claire.post(address, data=sent | {"action": "ours"})
    here = f"/bureau/a-revoir/{second}"
    page = html(claire.get(f"{here}?source=RECI"))
    action = page.split("data-undo")[1].split('action="')[1].split('"')[0]
    sent = form_of(page, action)
    assert sent["retour"] == f"{here}?source=RECI"
    answer = claire.post(action, data=sent)
    assert (answer.status_code, answer.location) == (303, f"{here}?source=RECI")
    assert "annulé" in text(claire.get(answer.location))
    for elsewhere in ("https://ailleurs.exemple/bureau/a-revoir", "//ailleurs.exemple", "/bureau/a-revoir\\x"):
        claire.post(address, data=form_of(html(claire.get(address)), address) | {"action": "ours"})
        action = html(claire.get("/bureau/a-revoir")).split("data-undo")[1].split('action="')[1].split('"')[0]
        answer = claire.post(action, data={"retour": elsewhere})
        assert answer.status_code == 200 and "Voir ce qui a été remis en place" in text(answer)


def test_the_menu_offers_harvests_to_those_who_decide_about_them(app: Flask, base: db.Database) -> None:
    ines = signed_in(app, base, "ines", "contributor")
    page = html(ines.get("/bureau"))
    assert 'href="/bureau/moissons"' not in page.split("</nav>")[0]
    assert 'href="/bureau/a-revoir"' not in page.split("</nav>")[0]
    assert ines.get("/bureau/moissons").status_code == 200  # « Aujourd’hui » leads there


# --- names as they are written -------------------------------------------------------------------


def test_reasons_say_names_and_languages_as_they_are_written() -> None:
    one = [*notice("Enquête"), field("700", "a", "Lagouarde", "b", "Simon"), field("101", "a", "fre")]
    other = [*notice("Enquête"), field("700", "a", "Lagouarde", "b", "S."), field("101", "a", "fre")]
    reasons = compare(describe(one), describe(other)).reasons
    said = {r.code: r.told(written(one, other)) for r in reasons}
    assert said["person.same"] in ("même auteur (Lagouarde, S.)", "même auteur (Lagouarde, Simon)")
    assert said["language.same"] == "même langue (français)"
    assert "lagouarde" not in " ".join(r.sentence for r in reasons), "with capitals where the notices are not at hand"


def test_the_page_of_a_pair_names_people_as_they_are_written(session: Session) -> None:
    author = field("700", "a", "Lagouarde", "b", "Simon")
    one, other = (
        notices.create(session, [*notice("Quartiers en chantier"), author], by="claire", status="published")
        for _n in range(2)
    )
    assert "même auteur (Lagouarde, Simon)" in pairs.pair_page(session, one, other).alike


def test_a_history_tells_no_number_of_the_source() -> None:
    def subject(number: str, label: str) -> Any:
        return field("606", "9", f"id:{number}", "9", "lang:fr_FR", "9", "idthes:1", "a", label)

    told = differences.between([*BASE], [*BASE, subject("824", "Logement")])
    assert [(one.label, one.pieces) for one in told] == [("Sujets", (("ins", "Logement"),))]
    (only,) = differences.between([*BASE, subject("824", "Logement")], [*BASE, subject("9", "Logement")])
    assert only.label == "Numéros de la source"


def test_a_name_that_begins_with_a_vowel_is_elided() -> None:
    assert [i18n.of(name) for name in ("RECI", "espace-doc", "École", "INSEE", "")] == [
        *("de RECI", "d’espace-doc", "d’École", "d’INSEE", "de "),
    ]
    with i18n.use_language("en"):
        assert i18n.of("espace-doc") == "espace-doc"


# --- where a partner is asked ----------------------------------------------------------------------


@pytest.fixture
def command(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(settings.data_dir))

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, [*words])

    return call


def test_a_partner_moves_and_everything_is_asked_again_there(centre: Centre) -> None:
    settings = centre.app.extensions["travee"].settings
    harvest = lambda: run.harvest(centre.base, settings, "RECI", now=centre.clock)  # noqa: E731
    assert harvest().counts["received"] == 25
    harvest()
    assert centre.runs()[-1].checkpoint["walks"][0]["since"], "what has changed, no more"
    with centre.base.write() as session:
        source = sources.find(session, "RECI")
        assert source is not None
        old = source.url
        new = old.replace("127.0.0.1", "localhost")
        assert source_addresses.change(session, source, f"{new}&verb=Identify", by="marc")
        assert not source_addresses.change(session, source, new, by="marc")
        assert [(c.by, c.before) for c in source_addresses.changes_of(source)] == [("marc", old)]
        with pytest.raises(source_addresses.BadAddress):
            source_addresses.change(session, source, "ftp://reci.exemple.org", by="marc")
    report = harvest()
    assert (report.status, report.counts["received"], report.counts["new"]) == ("complete", 25, 0)
    assert not centre.runs()[-1].checkpoint["walks"][0]["since"]


def test_an_administrator_moves_a_partner_on_its_page_and_who_did_is_shown(
    app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    with base.write() as session:
        session.add(Source(name="RECI", kind="oai", url="https://reci.exemple.org/oai", prefix="oai_dc"))
    marc, new = signed_in(app, base, "marc", "admin"), "https://pmb.exemple.org/oai"
    assert "Changer l’adresse" not in text(claire.get("/bureau/sources/RECI"))
    assert claire.post("/bureau/sources/RECI/adresse", data={"adresse": new}).status_code == 403
    wrong = marc.post("/bureau/sources/RECI/adresse", data={"adresse": "pmb.exemple.org"})
    assert wrong.status_code == 422 and 'value="pmb.exemple.org"' in html(wrong)
    assert "n’est pas l’adresse d’un serveur" in text(wrong)
    told = marc.post("/bureau/sources/RECI/adresse", data={"adresse": new}, follow_redirects=True)
    assert "la prochaine moisson redemande tout" in text(told)
    page = text(claire.get("/bureau/sources/RECI"))
    assert f"Adresse {new}" in page and "Changée par marc ; avant : https://reci.exemple.org/oai" in page


def test_a_terminal_moves_a_partner_too(command: Any) -> None:
    assert command("source", "add", "RECI", "https://reci.exemple.org/oai").exit_code == 0
    assert "travee source set" in command("source", "add", "RECI", "https://x.exemple.org").stderr
    done = json.loads(
        command("source", "set", "RECI", "--url", "https://x.exemple.org/oai?verb=Identify", "--json").stdout
    )
    assert (done["url"], done["changed"]) == ("https://x.exemple.org/oai", True)
    assert "Rien n’a changé." in command("source", "set", "RECI", "--url", "https://x.exemple.org/oai").stdout
    assert command("source", "set", "RECI").exit_code == 2
    assert command("source", "set", "RECI", "--url", "x").exit_code == 2
    assert command("source", "set", "COSOTER", "--local").exit_code == 1


# --- a command that was called wrongly ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("source", "add"), "Il manque l’argument 'NAME'."),
        (("undo", "x"), "« x » n’est pas un nombre."),
        (("--nothing",), "L’option --nothing n’existe pas."),
        (("search", "ville", "--sort", "z"), "« z » n’est pas un de ces mots : 'relevance', 'newest', 'title'."),
        (("harvest", "--from"), "L’option --from attend une valeur."),
    ],
)
def test_click_speaks_french_to_who_speaks_french(
    words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRAVEE_LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    said = CliRunner().invoke(main, [*words])
    assert said.exit_code == 2 and told in said.stderr
    for word in ("Usage:", "Error", "Try", "Missing", "Invalid"):
        assert word not in said.stderr
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    try:
        assert "Error: " in CliRunner().invoke(main, [*words]).stderr
    finally:
        i18n.set_language("fr")


def test_an_option_has_no_line(command: Any) -> None:
    command("source", "add", "RECI", "https://reci.exemple.org/oai")
    said = command("source", "terms", "RECI", "--withhold", "résumé").stderr
    assert "Ligne" not in said and "--withhold" in said and "résumé" in said


# --- letters that cannot go ------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["ftp://x", "smtp://claire:secret@[a"])
def test_a_wrong_mail_address_is_told_before_there_is_a_letter(
    command: Any, app: Flask, claire: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    settings.mail_url, settings.admin_email = url, "claire@exemple.fr"
    assert "TRAVEE_MAIL_URL" in text(claire.get("/bureau"))
    assert "TRAVEE_MAIL_URL" not in text(signed_in(app, app.extensions["travee"].db, "ines", "reader").get("/bureau"))
    monkeypatch.setenv("TRAVEE_MAIL_URL", url)
    monkeypatch.setenv("TRAVEE_ADMIN_EMAIL", "claire@exemple.fr")
    harvested = command("harvest", "--all", "--json")
    assert "TRAVEE_MAIL_URL" in harvested.stderr and json.loads(harvested.stdout)
    checked = command("check")
    assert checked.exit_code == 1 and "TRAVEE_MAIL_URL" in checked.stderr
    assert "secret" not in harvested.stderr + checked.stderr + text(claire.get("/bureau"))


def test_letters_to_nobody_are_told_and_no_letters_at_all_are_not(settings: Settings) -> None:
    assert alerts.amiss(settings) == ""
    settings.mail_url = "smtp://smtp.exemple.fr"
    assert "TRAVEE_ADMIN_EMAIL" in alerts.amiss(settings)
    settings.admin_email = "claire@exemple.fr"
    assert alerts.amiss(settings) == ""
