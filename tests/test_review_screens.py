"""« À revoir », where several people and several nights meet: what a page has seen, rules said before they are made,
undoing what is one's own, and a record taken off the notice it was joined to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from catalogue import (
    db,
    differences,
    history,
    inbox,
    joining,
    judgements,
    lots,
    notices,
    proposals,
    provenance,
    reviewing,
    source_rules,
)
from catalogue.commands import sources as source_commands
from catalogue.config import Settings
from catalogue.inbox_pages import acts, difference
from catalogue.merging import rules
from catalogue.models import Batch, Claim, Judgement, Notice, Proposal, Run
from catalogue.proposals import apply_rules
from catalogue.unimarc import Field
from tests.cast import field, notice
from tests.conftest import PASSWORD
from tests.test_desk import signed_in, text
from tests.test_desk_import import look
from tests.test_inbox import BASE, adds, base, candidate, conflicts, doubtful, form_of, marks_of, slot_of, travee
from tests.test_proposals import ABSTRACT, linked, night, reci, taken_in, words

assert base
assert travee


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def html(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


# --- what the page had seen ------------------------------------------------------------------


def test_a_button_decides_what_its_page_had_seen(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        numbers = [adds(session, str(n)) for n in range(3)]
    sent = form_of(html(claire.get("/bureau/a-revoir")), "/bureau/a-revoir/lots")
    with base.write() as session:
        adds(session, "late")
        night(session, reci(session), "1", [*notice("Dossier 1"), field("330", "a", "Jamais lu")])
    told = text(claire.post("/bureau/a-revoir/lots", data=sent | {"action": "accept"}, follow_redirects=True))
    assert "2 propositions sont acceptées. Repris : 2 ajouts. 2 arrivées depuis, laissées." in told
    with base.read() as session:
        assert [proposals.get(session, n).state for n in numbers] == ["accepted", "waiting", "accepted"]
        assert not [n for n in session.scalars(select(Notice)) if "Jamais lu" in words(n)]
    for wrong in ({"vu": ""}, {"vu": "x"}, {"vu": "1" * 40}):
        assert claire.post("/bureau/a-revoir/lots", data=sent | wrong | {"action": "accept"}).status_code == 400


def test_what_is_put_aside_or_noted_was_seen_too(session: Session) -> None:
    source = reci(session)
    first = candidate(session, "1")
    taken_in(session, source, "7", notice("Partie chez eux"))
    night(session, source, "7", [], deleted=True)
    page = proposals.mark_now(session)
    candidate(session, "2")
    taken_in(session, source, "8", notice("Partie plus tard"))
    night(session, source, "8", [], deleted=True)
    aside = reviewing.decide_all(session, "candidate", "put_aside", by="claire", seen=page)
    noted = reviewing.decide_all(session, "deleted", "note", by="claire", seen=page)
    assert [(d.n, d.later) for d in (aside, noted)] == [(1, 1), (1, 1)]
    assert (first.status, inbox.count_inbox(session)) == ("withdrawn", {"candidate": 1, "deleted": 1})


# --- always ----------------------------------------------------------------------------------


def test_a_rule_is_said_in_words_before_it_is_made(claire: FlaskClient, base: db.Database) -> None:
    """« Prendre le leur » in a conflict would take the place of what was typed by hand: it says so, and how often."""
    with base.write() as session:
        waiting = [conflicts(session, f"c{n}")[1].id for n in range(4)]
        theirs = slot_of(proposals.get(session, waiting[0]), "330")
    at = f"/bureau/a-revoir/{waiting[0]}"
    sent = form_of(html(claire.get(at)), at) | {f"choix_{theirs}": "theirs", "toujours": "abstract.conflict"}
    asked = claire.post(at, data=sent | {"action": "accept"})
    for said in (
        "Résumé, ce que les deux ont changé : prendre le leur, même à la place de ce qui a été écrit ici",
        "Ce que vous avez saisi ou corrigé dans ces champs sera remplacé par le leur.",
        "3 autres propositions qui attendent seraient décidées tout de suite, en tout ou en partie.",
    ):
        assert said in text(asked)
    with base.read() as session:
        assert proposals.get(session, waiting[0]).state == "waiting", "nothing is done yet"
        assert source_rules.of_source(reci(session)) == {}
    changed_mind = {f"choix_{theirs}": "ours", "regle": "abstract.conflicts.accept", "action": "rule_now"}
    again = claire.post(at, data=sent | changed_mind)
    assert "garder le nôtre" in text(again), "another choice is another rule: it is said anew"
    confirmed = form_of(html(asked), at) | {"toujours": "abstract.conflict"}
    done = text(claire.post(at, data=confirmed | {"action": "rule_now"}, follow_redirects=True))
    assert "3 propositions qui attendaient sont décidées par cette règle, en tout ou en partie." in done
    with base.read() as session:
        # Their subjects are no part of that rule: they wait.
        assert {c.tag for n in waiting[1:] for c in proposals.changes_of(proposals.get(session, n))} == {"606"}
    undo = re.search(r"/bureau/historique/\d+/annuler", html(claire.get("/bureau/a-revoir")))
    assert undo
    undone = claire.post(undo[0])
    assert "Tant qu’elle est là, la prochaine moisson décidera de même." in text(undone)
    strike = form_of(html(undone), "/bureau/sources/RECI/regles") | {"action": "strike"}
    assert "La règle est retirée" in text(
        claire.post("/bureau/sources/RECI/regles", data=strike, follow_redirects=True)
    )
    with base.read() as session:
        assert source_rules.of_source(reci(session)) == {}


def test_the_decision_without_its_rule(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        number = conflicts(session)[1].id
    at = f"/bureau/a-revoir/{number}"
    sent = form_of(html(claire.get(at)), at) | {"toujours": "subjects.add", "action": "once"}
    claire.post(at, data=sent)
    with base.read() as session:
        assert (proposals.get(session, number).state, source_rules.of_source(reci(session))) == ("accepted", {})


def test_undoing_a_decision_tells_the_rule_that_was_made_with_it(session: Session) -> None:
    _made, question = conflicts(session)
    note = slot_of(question, "330")
    told, wanted = {note: "ours"}, [("abstract", "conflict")]
    done = reviewing.answer(session, question, told, marks_of(question), by="claire", always=wanted)
    (line,) = reviewing.rules_behind(session, session.get_one(Batch, done.lot))
    assert (line.source, line.words) == ("RECI", "Résumé, ce que les deux ont changé : garder le nôtre")
    source = reci(session)
    assert source_rules.strike(session, source, line.group, line.kind, by="marc")
    assert not source_rules.strike(session, source, line.group, line.kind, by="marc"), "once"
    assert reviewing.rules_behind(session, session.get_one(Batch, done.lot)) == []


def test_striking_a_line_of_the_older_rule_leaves_that_of_others(session: Session) -> None:
    one, other = reci(session, rules={"follow": "untouched"}), reci(session, "Cosoter", rules={"follow": "untouched"})
    source_rules.strike(session, one, "all", "adds", by="claire")
    assert source_rules.of_source(other)["all"]["adds"] == "accept"
    assert "adds" not in source_rules.of_source(one)["all"]


def test_today_tells_what_a_rule_has_changed_in_the_night(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        number = adds(session, "1", "Un dossier complété")
        source, claim = reci(session), proposals.get(session, number).claim_id
        source_rules.put(session, source, {"all": {"adds": "accept"}}, by="claire")
        lot = history.open_batch(session, "rule", by="travee harvest", why=proposals.rule_why(source))
        apply_rules(session, [claim], batch=lambda: lot)
    today = claire.get("/bureau")
    assert "Changé par une règle cette nuit" in text(today)
    assert f'href="/bureau/historique/{lot.id}"' in html(today)
    assert "Un dossier complété" in text(today)


# --- taking back -----------------------------------------------------------------------------


def test_one_takes_back_one_s_own_and_the_lot_is_named(app: Flask, claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        adds(session, "1"), adds(session, "2", "De Marc")
    marc = signed_in(app, base, "marc", "documentalist")
    for who, n in ((claire, 0), (marc, 1)):
        with base.read() as session:
            number = session.scalars(select(Proposal.id).order_by(Proposal.id)).all()[n]
        at = f"/bureau/a-revoir/{number}"
        who.post(at, data=form_of(html(who.get(at)), at) | {"action": "accept"})
    with base.read() as session:
        mine, his = session.scalars(select(Batch.id).where(Batch.kind == "accept").order_by(Batch.id)).all()
    for page in (f"/bureau/a-revoir?lot={his}", "/bureau/a-revoir", f"/bureau/sources/RECI/regles?lot={his}"):
        shown = html(claire.get(page))
        assert f"/bureau/historique/{his}/annuler" not in shown, page
    assert f"/bureau/historique/{mine}/annuler" in html(claire.get("/bureau/a-revoir"))
    assert "Votre dernière décision : Propositions acceptées, De Marc" in text(marc.get("/bureau/a-revoir"))
    claire.post(f"/bureau/historique/{mine}/annuler")
    with base.read() as session:
        assert acts.last_act(session, "claire") is None, "taken back once"


def test_the_same_number_is_said_everywhere(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        for n in range(3):
            adds(session, str(n))
    sent = form_of(html(claire.get("/bureau/a-revoir")), "/bureau/a-revoir/lots")
    told = claire.post("/bureau/a-revoir/lots", data=sent | {"action": "accept"}, follow_redirects=True)
    lot = re.search(r"/bureau/historique/(\d+)/annuler", html(told))
    assert lot
    assert "3 propositions sont acceptées." in text(told)
    assert "3 propositions décidées · 3 changements" in text(claire.get(f"/bureau/historique/{lot[1]}"))
    assert "3 changements ont été annulés." in text(claire.post(lot[0]))


def test_somebody_decides_in_the_same_instant(
    claire: FlaskClient, base: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with base.write() as session:
        number = adds(session, "1")
    at = f"/bureau/a-revoir/{number}"
    sent = form_of(html(claire.get(at)), at) | {"action": "accept"}

    def lost(*_args: object, **_more: object) -> None:
        raise StaleDataError("proposal: a row was changed meanwhile")

    monkeypatch.setattr("catalogue.reviewing.answer", lost)
    monkeypatch.setattr("catalogue.reviewing.decide_all", lost)
    answer = claire.post(at, data=sent)
    assert (answer.status_code, answer.location) == (303, at)
    assert "Quelqu’un vient de changer la même chose" in text(claire.get(at))
    bulk = claire.post("/bureau/a-revoir/lots", data={"genre": "surs", "action": "accept", "vu": "1"})
    assert (bulk.status_code, bulk.location) == (303, "/bureau/a-revoir")


# --- two notices -----------------------------------------------------------------------------


def test_saying_twice_that_they_differ_is_one_act(session: Session) -> None:
    ours, theirs = doubtful(session)
    assert reviewing.tell_apart(session, ours, theirs, by="claire").what == "done"
    before = session.scalar(select(func.count(Batch.id)))
    again = reviewing.tell_apart(session, theirs, ours, by="marc")
    assert (again.what, again.lot, session.scalar(select(func.count(Batch.id)))) == ("already", None, before)


def test_a_refused_separation_leaves_no_lot(session: Session) -> None:
    made = notices.create(session, BASE, by="claire", status="published")
    before = session.scalar(select(func.count(Batch.id)))
    with pytest.raises(joining.NotMergeable):
        reviewing.separate(session, made, by="claire")
    assert session.scalar(select(func.count(Batch.id))) == before


def test_a_notice_absorbed_meanwhile_is_one_sentence(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ours, theirs = doubtful(session)
        third = notices.create(session, notice("Quartiers en chantier"), by="claire", status="published")
        reviewing.join(session, third, theirs, by="claire")
        at, there = f"/bureau/a-revoir/doublons/{ours.address}/{theirs.address}", third.address
    for answer in (
        claire.get(at, follow_redirects=True),
        claire.post(at, data={"action": "same"}, follow_redirects=True),
    ):
        assert answer.status_code == 200
        assert text(answer).count("a été réunie entre-temps avec « Quartiers en chantier »") == 1
        assert f"/d/{there}" in text(answer)
        assert "Votre dernière décision : Fusion de notices" in text(answer), "the way back is there"


def test_left_for_later_one_goes_on_to_the_next_doubt(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ours, theirs = doubtful(session)
        pairs = [(ours, theirs)]
        for n in range(2):
            two = [notices.create(session, notice(f"Atlas {n}"), by="claire", status="published") for _ in range(2)]
            judgements.judge(session, f"notice:{two[0].id}", f"notice:{two[1].id}", "unsure", by="travee")
            pairs.append((two[0], two[1]))
        at = [f"/bureau/a-revoir/doublons/{a.address}/{b.address}" for a, b in pairs]
    assert claire.post(at[0], data={"action": "later"}).location.startswith(at[1])
    assert claire.post(at[1], data={"action": "later"}).location.startswith(at[2]), "and not back to the first"
    assert claire.post(at[2], data={"action": "later"}).location == "/bureau/a-revoir"


# --- a record and its notice -----------------------------------------------------------------


def joined(session: Session) -> tuple[Notice, int]:
    """A notice of ours, and a record of RECI's that was taken for the same."""
    ours = notices.create(session, notice("Lens en chiffres", ABSTRACT), by="claire", status="published")
    claim = linked(session, reci(session), "7", ours, notice("Sens en chiffres"))
    judged = Judgement(
        left=f"notice:{ours.id}",
        right=f"record:{session.get_one(Claim, claim).record_id}",
        verdict="same",
        by="travee",
        at=db.now(),
        score=120.0,
        reasons=[{"code": "year.same", "points": 15, "values": ["2021"]}],
    )
    session.add(judged)
    session.flush()
    session.get_one(Claim, claim).judgement_id = judged.id
    return ours, claim


def test_it_is_told_who_has_linked_a_record_and_why(session: Session) -> None:
    ours, claim = joined(session)
    (spoken,) = provenance.links_of(session, ours)
    assert (spoken.claim, spoken.source, spoken.identifier, spoken.may_part) == (claim, "RECI", "oai:RECI:7", True)
    assert spoken.sentence.startswith("Travée l’a reconnue le ")
    assert spoken.reasons == ("même année (2021)",)
    made = taken_in(session, reci(session), "9", BASE)
    (own,) = provenance.links_of(session, made)
    assert (own.sentence, own.may_part) == ("La notice a été faite d’après elle.", False)


def test_a_record_is_taken_off_the_notice_it_was_joined_to(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ours, claim = joined(session)
        address = ours.address
    page = claire.get(f"/bureau/notices/{address}")
    assert "Travée l’a reconnue le" in text(page)
    assert "Ce n’est pas la même" in text(page)
    at = f"/bureau/notices/{address}/pas-la-meme"
    answer = claire.post(at, data={"source": claim}, follow_redirects=True)
    assert "« Sens en chiffres » est une notice à part" in text(answer)
    undo = re.search(r"/bureau/historique/\d+/annuler", html(answer))
    assert undo
    assert "Sens en chiffres" in text(claire.get("/bureau/a-revoir?genre=nouvelles"))
    assert "quelqu’un les a déjà séparées" in text(claire.post(at, data={"source": claim}, follow_redirects=True))
    claire.post(undo[0])
    with base.read() as session:
        found = notices.find(session, address)
        assert found
        assert [one.identifier for one in provenance.links_of(session, found)] == ["oai:RECI:7"]
    assert claire.post(at, data={"source": "x"}).status_code == 404


def test_it_is_said_in_a_terminal_too(travee: Callable[..., Result], tmp_path: Any) -> None:
    opened = db.Database(Settings(_env_file=None, data_dir=tmp_path / "var").url)
    with opened.write() as session:
        address = joined(session)[0].address
        one, other = (n.address for n in doubtful(session))
    assert travee("inbox", "different", address).exit_code == 2
    assert "Aucune notice de « Cosoter »" in travee("inbox", "different", address, "--source", "Cosoter").stderr
    said = travee("inbox", "different", address, "--source", "RECI")
    assert "« Sens en chiffres » est une notice à part" in said.output
    assert "travee undo" in said.output
    assert "travee undo" in travee("inbox", "different", one, other).output
    assert travee("inbox", "different", one, other).output.strip() == (
        "C’était déjà noté : ces deux notices ne sont pas rapprochées."
    )
    opened.close()


# --- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "woven"),
    [
        ("Le plan de la ville", "Un plan de cette ville", "[-Le-][+Un+] plan de [-la-][+cette+] ville"),
        (
            "Bilan de la médiation à Lens",
            "Bilan du médiateur de Lens",
            "Bilan [-de la médiation à-][+du médiateur de+] Lens",
        ),
        (
            "Enquête sur les familles relogées de 2012 à 2018",
            "Étude des familles, puis de leurs logements, sur 2018 à 2020",
            "[-Enquête sur les familles relogées de 2012 à 2018-]"
            "[+Étude des familles, puis de leurs logements, sur 2018 à 2020+]",
        ),
        ("Un résumé court", "Un résumé", "Un résumé[- court-]"),
    ],
)
def test_words_that_stay_by_chance_are_no_confetti(before: str, after: str, woven: str) -> None:
    signs = {"same": "{}", "del": "[-{}-]", "ins": "[+{}+]"}
    assert "".join(signs[op].format(words) for op, words in differences.words(before, after)) == woven


def met(session: Session, *theirs: Field) -> Proposal:
    """A record that meets our notice for the first time."""
    subject = field("606", "a", "Égalité", ind=" 1")
    ours = notices.create(session, notice("Points de vue", ABSTRACT, subject), by="claire", status="published")
    linked(session, reci(session), "m1", ours, notice("Points de vue", *theirs))
    return proposals.get(
        session, night(session, reci(session), "m1", notice("Points de vue", *theirs)).proposal_id or 0
    )


def test_a_first_meeting_has_its_own_words(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        theirs = field("330", "a", "Une autre note"), field("606", "a", "Laïcité", ind=" 1")
        number = met(session, *theirs).id
    page = text(claire.get(f"/bureau/a-revoir/{number}"))
    assert "Première rencontre avec RECI : voici ce qui diffère." in page
    assert "Pas celle-là ; nous avons : Égalité" in page
    assert "Conflit" not in page
    assert "changé des deux côtés" not in page


def test_what_is_another_text_altogether_is_shown_whole(session: Session) -> None:
    """Beside one another, in their columns: crossed out in each, the common text would be read three times."""
    page = difference.difference_page(session, met(session, field("330", "a", "Trois villes du bassin minier")))
    assert page is not None
    (note,) = [q for q in page.shown.questions if q.slot.startswith("330")]
    assert [op for op, _words in (*note.lines[0].ours, *note.lines[0].theirs)] == ["same", "same"]


def test_nothing_is_said_to_be_nothing_where_we_have_something(session: Session) -> None:
    page = difference.difference_page(session, met(session, field("856", "u", "https://exemple.org/x", ind="4 ")))
    assert page is not None
    (link,) = [q for q in page.shown.questions if q.slot.startswith("856")]
    assert link.also == "", "no link of ours: nothing"


def test_a_file_is_no_harvest(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        number = adds(session, "1")
        run = Run(source_id=reci(session).id, kind="import", started_at=db.now(), status="complete")
        session.add(run)
        session.flush()
        proposals.get(session, number).run_id = run.id
    page = text(claire.get(f"/bureau/a-revoir/{number}"))
    assert "l’import d’un fichier" in page
    assert "la moisson" not in page


def test_a_merged_notice_says_where_it_went(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ours, theirs = doubtful(session)
        reviewing.join(session, ours, theirs, by="claire")
        gone, there = theirs.address, ours.address
    page = claire.get(f"/bureau/notices/{gone}/historique")
    assert "Cette notice a été réunie avec une autre : son adresse y mène." in text(page)
    assert f'href="/bureau/notices/{there}/historique"' in html(page)


@pytest.fixture
def sources_too(travee: Callable[..., Result]) -> Callable[..., Result]:
    """`travee source …`, on the empty base that `travee` has made."""
    group = click.Group(commands={"source": source_commands.source})
    return lambda *said: CliRunner().invoke(group, [str(one) for one in said])


def test_the_whole_vocabulary_of_rules_in_a_terminal(sources_too: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[all]\nadds = "accept"\n[abstract]\nconflicts = "accept"\n', "utf-8")
    added = sources_too("source", "add", "RECI", "https://pmb.example/oai", "--rule", path, "--json")
    assert json.loads(added.output)["rules"]["fields"]["abstract"] == {"conflicts": "accept"}
    told = json.loads(sources_too("source", "rules", "RECI", "--json").output)
    assert told["sentences"][1].endswith("prendre le leur, même à la place de ce qui a été écrit ici")
    path.write_text('[abstract]\nupdates = "ours"\n', "utf-8")
    assert sources_too("source", "rules", "RECI", "--file", path, "--by", "claire").output.endswith(
        "C’est enregistré.\n"
    )
    told = json.loads(sources_too("source", "rules", "RECI", "--json").output)
    assert (told["rules"], [change["by"] for change in told["changes"]]) == (
        *({"abstract": {"updates": "ours"}}, ["claire"]),
    )
    path.write_text('[résumés]\nupdates = "ours"\n', "utf-8")
    wrong = sources_too("source", "rules", "RECI", "--file", path)
    assert (wrong.exit_code, "Ligne 1" in wrong.output) == (2, True)
    listed = sources_too("source", "rules", "--help").output
    assert not [word for word in (*rules.WORDS, *rules.ANSWERS, *rules.GROUPS) if word not in listed]


# --- on a keyboard, on a phone ----------------------------------------------------------------


def test_keys_are_listed_and_work_and_pages_are_short_on_a_phone(
    browser: Any, live_server: str, app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    assert claire
    with base.write() as session:
        first, second = (conflicts(session, f"c{n}")[1].id for n in range(2))
        address = candidate(session, "1", fields=notice("Une nouvelle")).address
        ours = joined(session)[0].address
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR")
    page = context.new_page()
    page.goto(live_server + "/connexion")
    page.get_by_label("Identifiant").fill("claire")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/bureau")
    page.goto(live_server + "/bureau/a-revoir?genre=nouvelles")
    for key in ("?", "j", "r"):
        page.keyboard.press(key)
        if key == "?":
            assert page.get_by_text("ligne suivante, ligne précédente").is_visible()
            page.keyboard.press("?")
    page.wait_for_selector("text=est mise à l’écart")
    page.keyboard.press("u")
    page.wait_for_selector("text=annulé")
    page.goto(live_server + f"/bureau/a-revoir/{first}")
    for key in ("j", "j", "l"):
        page.keyboard.press(key)
    assert page.locator("[data-question]").nth(1).get_by_label("Prendre le leur").is_checked()
    page.locator("[data-question]").nth(1).get_by_label("Toujours").check()
    page.keyboard.press("a")
    page.wait_for_selector("text=Une règle pour RECI ?")
    assert page.evaluate("document.activeElement.id") == "erreurs"
    assert look(page, page.url, 1366) == []
    page.goto(live_server + f"/bureau/a-revoir/{first}")
    page.keyboard.press("r")
    page.wait_for_url(f"**/bureau/a-revoir/{second}")
    for path in ("/bureau/a-revoir", f"/bureau/notices/{ours}", "/bureau/sources/RECI/regles"):
        assert look(page, live_server + path, 360) == [], path
    assert page.evaluate("document.documentElement.scrollHeight") < 2_500, "rules are folded"
    context.close()
    with base.read() as session:
        found = notices.find(session, address)
        assert (found.status if found else "") == "candidate"
        assert lots.get(session, 1) is not None
