"""« À revoir »: what waits, decided one by one and by hundreds, and taken back."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, inbox, joining, judgements, lots, notices, proposals, reviewing, source_rules
from catalogue.commands import base as base_commands
from catalogue.commands import inbox as commands
from catalogue.config import Settings
from catalogue.inbox_pages import difference, lists, pairs
from catalogue.matching import candidates, compare, describe
from catalogue.merging import rules
from catalogue.models import Batch, Judgement, Notice, Proposal, Run, Source
from catalogue.unimarc import Fields
from tests.cast import field, notice
from tests.conftest import PASSWORD
from tests.test_desk import signed_in, text
from tests.test_desk_import import look
from tests.test_lots import statements
from tests.test_proposals import ABSTRACT, changed, night, reci, says, taken_in, words

BASE: Fields = notice("Points de vue", field("330", "a", "Note commune"), field("606", "a", "Égalité"))


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def adds(session: Session, number: str, title: str = "", source: Source | None = None) -> int:
    """A question that only adds: a notice of RECI's, which gets an abstract there; returns the proposal."""
    source, fields = source or reci(session), notice(title or f"Dossier {number}")
    taken_in(session, source, number, fields)
    return night(session, source, number, [*fields, ABSTRACT]).proposal_id or 0


def updates(session: Session, number: str) -> int:
    source = reci(session)
    taken_in(session, source, number, BASE)
    return night(session, source, number, changed(BASE, "330", field("330", "a", "Note corrigée"))).proposal_id or 0


def conflicts(session: Session, number: str = "c1") -> tuple[Notice, Proposal]:
    """Both have changed the abstract, each in their way; they have a subject more."""
    source = reci(session)
    made = taken_in(session, source, number, BASE)
    notices.revise(session, made, changed(BASE, "330", field("330", "a", "Note de Claire")), by="claire")
    theirs = [*changed(BASE, "330", field("330", "a", "Note de RECI")), field("606", "a", "Laïcité")]
    return made, proposals.get(session, night(session, source, number, theirs).proposal_id or 0)


def candidate(session: Session, number: str, source: Source | None = None, fields: Fields = BASE) -> Notice:
    return taken_in(session, source or reci(session), number, fields, "candidate")


def doubtful(session: Session) -> tuple[Notice, Notice]:
    """A notice of ours and a candidate that may be the same book."""
    ours = notices.create(session, notice("Quartiers en chantier", ABSTRACT), by="claire", status="published")
    theirs = candidate(
        session, "t1", fields=notice("Quartiers en chantier", field("606", "a", "Logement"), year="2020")
    )
    verdict = compare(describe(ours.fields), describe(theirs.fields))
    ends = f"notice:{ours.id}", judgements.end_of(session, theirs.id, candidate=True)
    judgements.judge(session, *ends, "unsure", by="travee", score=verdict.score, reasons=verdict.as_data()["reasons"])
    return ours, theirs


def marks_of(question: Proposal) -> dict[str, str]:
    return {c["slot"]: c["mark"] for c in question.changes}


def slot_of(question: Proposal, tag: str) -> str:
    return next(c.slot for c in proposals.changes_of(question) if c.tag == tag)


def last_lot(session: Session) -> Batch:
    return session.scalars(select(Batch).order_by(Batch.id.desc()).limit(1)).one()


# --- what waits ------------------------------------------------------------------------------


def test_each_thing_waits_under_its_own_name(session: Session) -> None:
    source, cosoter = reci(session), reci(session, "Cosoter")
    safe, update = adds(session, "1"), updates(session, "2")
    made, conflict = conflicts(session)
    new = candidate(session, "3", cosoter)
    taken_in(session, source, "4", notice("Partie chez eux"))
    night(session, source, "4", [], deleted=True)
    ours, theirs = doubtful(session)
    entries = {(e.kind, e.ref): e for e in inbox.list_inbox(session)}
    assert [kind for kind, _ref in entries] == [
        "candidate",
        "candidate",
        "safe",
        "update",
        "conflict",
        "deleted",
        "twin",
    ]
    assert entries["safe", f"p-{safe}"].detail == "Résumé"
    assert entries["update", f"p-{update}"].link == f"/bureau/a-revoir/{update}"
    assert (entries["conflict", f"p-{conflict.id}"].what, made.title) == ("Points de vue", "Points de vue")
    assert entries["candidate", new.address].source == "Cosoter"
    assert entries["twin", f"{ours.address}+{theirs.address}"].detail == "Quartiers en chantier"
    assert inbox.count_inbox(session) == {
        **{"candidate": 2, "safe": 1, "update": 1, "conflict": 1, "deleted": 1, "twin": 1}
    }
    assert inbox.count_inbox(session, source="Cosoter") == {"candidate": 1}
    assert inbox.count_inbox(session, source="RECI")["twin"] == 1
    assert [share.source for share in inbox.shares(session)["candidate"]] == ["Cosoter", "RECI"]


def test_lists_and_counts_cost_the_same_whatever_waits(session: Session) -> None:
    cost = []
    for first, last in ((0, 3), (3, 20)):
        for n in range(first, last):
            adds(session, f"s{n}")
            candidate(session, f"n{n}")
        session.flush()
        with statements(session) as said:
            page = lists.to_review(session)
            cost.append(len(said))
    assert cost[0] == cost[1] <= 10
    assert [(s.kind, s.total, len(s.entries)) for s in page.sections] == [("candidate", 20, 6), ("safe", 20, 6)]


def test_what_one_night_has_brought_is_listed_apart(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        source = reci(session)
        other, number = adds(session, "1"), adds(session, "2", "De cette nuit")
        night = Run(source_id=source.id, kind="harvest", started_at=db.now(), status="complete")
        session.add(night)
        session.flush()
        proposals.get(session, number).run_id = run = night.id
    listed = text(claire.get(f"/bureau/a-revoir?moisson={run}"))
    assert "Accepter l’ajout sûr" in listed
    assert ("De cette nuit" in listed, "Dossier 1" in listed) == (True, False)
    page = claire.get(f"/bureau/moissons/{run}/{number}")
    assert "Ajout 1 sur 1" in text(page)
    assert claire.get(f"/bureau/moissons/{run}/{other}").location == f"/bureau/a-revoir/{other}"
    sent = form_of(page.get_data(as_text=True), f"/bureau/a-revoir/{number}")
    after = claire.post(f"/bureau/a-revoir/{number}", data=sent | {"action": "accept"})
    assert f"moisson={run}" in after.location, "back to that night"


def test_a_question_says_its_place_and_which_one_follows(session: Session) -> None:
    numbers = [adds(session, str(n)) for n in range(3)]
    places = [inbox.place_of(session, proposals.get(session, n)) for n in numbers]
    assert [(p.number, p.total, p.previous, p.next) for p in places] == [
        (1, 3, None, numbers[1]),
        (2, 3, numbers[0], numbers[2]),
        (3, 3, numbers[1], None),
    ]


# --- by hundreds -----------------------------------------------------------------------------


def test_a_category_is_decided_in_one_lot_and_taken_back(session: Session) -> None:
    cosoter = reci(session, "Cosoter")
    mine = [adds(session, str(n)) for n in range(3)]
    adds(session, "x", source=cosoter)
    page = proposals.mark_now(session)
    later = adds(session, "late")
    done = reviewing.decide_all(session, "safe", "refuse", by="claire", source="RECI", seen=page)
    assert (done.what, done.n, done.left, done.later) == ("done", len(mine), 0, 1)
    assert inbox.numbers(session, "safe", source="RECI") == [later], "what came after the page was read waits"
    assert proposals.count(session)["safe"] == 2
    lot = session.get_one(Batch, done.lot)
    assert lot.why == "RECI : Ajout sûr"
    lots.undo(session, lot, by="claire")
    assert proposals.count(session)["safe"] == 5
    assert reviewing.decide_all(session, "safe", "accept", by="claire", source="Nulle part").what == "gone"
    with pytest.raises(ValueError, match="conflict"):
        reviewing.decide_all(session, "conflict", "accept", by="claire")


@pytest.mark.parametrize(("act", "status"), [("publish", "published"), ("put_aside", "withdrawn")])
def test_new_notices_are_published_or_put_aside_together(session: Session, act: str, status: str) -> None:
    made = [candidate(session, str(n)) for n in range(3)]
    proposed = notices.create(session, notice("D’une stagiaire"), by="ines", status="candidate")
    done = reviewing.decide_all(session, "candidate", act, by="claire", source="RECI")
    assert (done.n, {n.status for n in made}, proposed.status) == (3, {status}, "candidate")
    lots.undo(session, session.get_one(Batch, done.lot), by="claire")
    assert {n.status for n in made} == {"candidate"}
    assert inbox.numbers(session, "candidate", source="") == [proposed.id], "what no source has brought"


def test_what_was_written_here_is_not_published_unread(session: Session) -> None:
    made = candidate(session, "1")
    unfinished = notices.create(session, notice("Sans sujet"), by="ines", status="candidate")
    reviewing.decide_all(session, "candidate", "publish", by="claire")
    assert (made.status, unfinished.status) == ("published", "candidate")
    assert reviewing.decide_all(session, "candidate", "publish", by="claire", source="").what == "gone"


def test_records_deleted_elsewhere_are_noted_and_ours_stay(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "4", notice("Partie chez eux"))
    night(session, source, "4", [], deleted=True)
    assert reviewing.decide_all(session, "deleted", "note", by="claire").n == 1
    assert (inbox.count_inbox(session), made.status) == ({}, "published")
    lots.undo(session, last_lot(session), by="claire")
    assert inbox.count_inbox(session) == {"deleted": 1}


# --- one difference --------------------------------------------------------------------------


def test_the_result_is_shown_before_the_differences(session: Session) -> None:
    _made, question = conflicts(session)
    page = difference.difference_page(session, question)
    assert page is not None
    assert (page.source, page.title, page.place.total) == ("RECI", "Points de vue", 1)
    facts = {fact.label: fact.pieces for fact in page.shown.preview.facts}
    assert facts["Sujets"] == (("same", "Égalité"), ("ins", " ; Laïcité")), "theirs is proposed, and marked"
    assert facts["Résumé"] == (("same", "Note de Claire"),), "one value: ours is proposed"
    subject, note = page.shown.questions
    assert (subject.nature_words, subject.proposed, subject.lines[0].theirs) == (
        *("ajouté chez eux", "theirs"),
        (("ins", "Laïcité"),),
    )
    assert (note.nature_words, note.lines[0].base) == ("changé des deux côtés", (("same", "Note commune"),))
    assert note.lines[0].ours == (("same", "Note "), ("del", "commune"), ("ins", "de Claire"))
    assert note.origin.startswith("saisi ici par claire le ")
    tried = difference.difference_page(session, question, choices={note.slot: "theirs"})
    assert tried is not None
    assert "Note de Claire" not in str(tried.shown.preview), "another choice, another result"


def test_nothing_is_decided_that_was_not_read(session: Session) -> None:
    made, question = conflicts(session)
    shown = marks_of(question)
    notices.revise(session, made, changed(made.fields, "330", field("330", "a", "Note de Marc")), by="marc")
    done = reviewing.answer(session, question, dict.fromkeys(shown, "theirs"), shown, by="claire")
    assert (done.what, question.state) == ("moved", "waiting")
    assert "Note de Marc" in words(made)
    page = difference.difference_page(session, question, choices=dict.fromkeys(shown, "theirs"), marks=shown)
    assert page is not None
    assert [(q.moved, q.chosen) for q in page.shown.questions] == [(False, "theirs"), (True, "theirs")]
    done = reviewing.answer(session, question, dict.fromkeys(shown, "theirs"), marks_of(question), by="claire")
    assert (done.what, done.n) == ("done", 1)
    assert {"Note de RECI", "Laïcité"} <= words(made)
    assert reviewing.answer(session, question, {}, {}, by="claire").what == "gone"


def test_what_is_not_shown_waits_for_its_page(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalogue.inbox_pages.questions.QUESTIONS_SHOWN", 1)
    made, question = conflicts(session)
    page = difference.difference_page(session, question)
    assert page is not None
    assert (len(page.shown.questions), page.shown.left) == (1, 1)
    (asked,) = page.shown.questions
    done = reviewing.answer(session, question, {asked.slot: "theirs"}, {asked.slot: asked.mark}, by="claire")
    assert (done.what, done.n, done.left, question.state) == ("done", 0, 1, "waiting")
    assert "Laïcité" in words(made)
    assert [c.tag for c in proposals.changes_of(question)] == ["330"]


def test_always_makes_a_rule_that_can_be_seen_and_struck_out(session: Session) -> None:
    _made, question = conflicts(session)
    note, subject = slot_of(question, "330"), slot_of(question, "606")
    wanted = [("abstract", "conflict"), ("subjects", "add")]
    _other, first = conflicts(session, "c0")
    both = reviewing.answer(session, first, {note: "both"}, marks_of(first), by="claire", always=wanted)
    assert (both.what, both.rules, both.no_rule) == ("done", (), True), "« les deux » is no rule"
    told = {note: "ours", subject: "later"}
    done = reviewing.answer(session, question, told, marks_of(question), by="claire", always=wanted)
    assert done.rules == ("Résumé, ce que les deux ont changé : garder le nôtre",)
    assert not done.no_rule, "what is left for later says nothing"
    source = reci(session)
    assert source_rules.of_source(source) == {"abstract": {"conflicts": "ours"}}
    assert [(c.by, c.before) for c in source_rules.changes_of(source)] == [("claire", ())]
    again, waiting = conflicts(session, "c2")
    lot = history.open_batch(session, "rule", by="claire")
    assert proposals.apply_rules(session, [waiting.claim_id], batch=lambda: lot, by="claire").batch == lot
    assert [c.tag for c in proposals.changes_of(waiting)] == ["606"]
    assert "Note de Claire" in words(again)
    assert source_rules.put(session, source, {}, by="marc")
    assert [c.by for c in source_rules.changes_of(source)] == ["marc", "claire"]


def test_the_older_rule_becomes_lines_of_the_table(session: Session) -> None:
    source = reci(session, rules={"follow": "untouched"})
    source_rules.always(session, source, {("abstract", "update"): "ours"}, by="claire")
    assert source.rules["fields"] == {**rules.FOLLOW, "abstract": {"updates": "ours"}}
    assert "follow" not in source.rules
    first, *groups = source_rules.rows(source_rules.of_source(source))
    assert [cell.said for cell in first.cells] == ["accept", "accept", "accept", "ask"]
    sent = [(cell.name, cell.said) for row in (first, *groups) for cell in row.cells]
    assert source_rules.from_form([*sent, ("x.adds", "accept"), ("title.y", "ours")]) == source_rules.of_source(source)


# --- two notices -----------------------------------------------------------------------------


def test_two_that_are_one_are_merged_taken_back_and_asked_again(session: Session) -> None:
    ours, theirs = doubtful(session)
    page = pairs.pair_page(session, theirs, ours)
    assert (page.left.address, page.right.address) == (ours.address, theirs.address), "a candidate goes into ours"
    assert "titres identiques" in " ".join((*page.alike, *page.unlike))
    marks = {q.slot: q.mark for q in page.shown.questions}
    done = reviewing.join(session, ours, theirs, None, marks, by="claire")
    assert (done.what, theirs.status, theirs.merged_into_id) == ("done", "merged", ours.id)
    assert {"Logement", ABSTRACT["s"][0][1]} <= words(ours)
    assert inbox.count_inbox(session) == {}
    assert [j.title for j in pairs.joined(session, ours)] == ["Quartiers en chantier"]
    lots.undo(session, session.get_one(Batch, done.lot), by="claire")
    assert theirs.status == "candidate"
    assert inbox.count_inbox(session) == {"candidate": 1, "twin": 1}, "the doubt is there again"
    assert reviewing.join(session, ours, theirs, None, {"x": "y"}, by="claire").what == "moved"
    reviewing.join(session, ours, theirs, by="claire")
    reviewing.separate(session, theirs, by="claire")
    assert theirs.status == "candidate"
    assert inbox.count_inbox(session) == {"candidate": 1}, "separated on purpose, they are not asked again"
    with pytest.raises(joining.NotMergeable):
        reviewing.separate(session, theirs, by="claire")


def test_two_that_are_not_one_are_never_asked_again(session: Session) -> None:
    ours, theirs = doubtful(session)
    assert [twin.address for twin in pairs.candidate_page(session, theirs).twins] == [ours.address]
    done = reviewing.tell_apart(session, theirs, ours, by="claire")
    assert inbox.count_inbox(session) == {"candidate": 1}
    assert pairs.candidate_page(session, theirs).twins == ()
    ends = f"notice:{ours.id}", f"notice:{theirs.id}"
    assert judgements.verdict(session, [ends])[ends].verdict == "different"
    assert pairs.pair_page(session, ours, theirs).judged == "claire a dit que ce n’est pas la même."
    lots.undo(session, session.get_one(Batch, done.lot), by="claire")
    assert inbox.count_inbox(session)["twin"] == 1
    assert session.scalars(select(Judgement.verdict).where(Judgement.revoked_at.is_(None))).all() == ["unsure"]


def test_a_candidate_shows_what_it_may_be_even_when_nobody_has_asked(session: Session) -> None:
    fields = notice("L’accueil des mineurs isolés dans le département", field("010", "a", "978-2-07-036822-8"))
    ours = notices.create(session, fields, by="claire", status="published")
    candidates.store(session, {ours.id: ours.fields})
    (twin,) = pairs.candidate_page(session, candidate(session, "9", fields=fields)).twins
    assert (twin.address, twin.status) == (ours.address, "publiée")
    assert any("ISBN" in reason for reason in twin.reasons)


# --- on screen -------------------------------------------------------------------------------


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


def form_of(page: str, action: str) -> dict[str, str]:
    """What a browser would send of the form that goes to this address: hidden fields and what is checked."""
    body = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    assert body, f"no form for {action}"
    sent = {}
    for tag in re.findall(r"<input[^>]*>", body[0]):
        kind, name, value = (re.search(rf'{a}="([^"]*)"', tag) for a in ("type", "name", "value"))
        if kind and name and (kind[1] == "hidden" or " checked" in tag):
            sent[unescape(name[1])] = unescape(value[1]) if value else ""
    return sent


def test_a_conflict_is_decided_on_its_page_and_the_next_one_opens(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        source = reci(session)
        first, second = (conflicts(session, number)[1].id for number in ("c1", "c2"))
        run = f"?source={source.name}"
    page = claire.get(f"/bureau/a-revoir/{first}{run}")
    assert "Conflit 1 sur 2" in text(page)
    assert "<ins>Laïcité</ins>" in page.get_data(as_text=True)
    sent = form_of(page.get_data(as_text=True), f"/bureau/a-revoir/{first}")
    note = next(name for name in sent if name.startswith("choix_330"))
    tried = claire.post(f"/bureau/a-revoir/{first}", data=sent | {note: "theirs", "action": "preview"})
    assert "Résultat, avec vos choix" in text(tried)
    sent = form_of(tried.get_data(as_text=True), f"/bureau/a-revoir/{first}")
    assert sent[note] == "theirs", "the choice is kept"
    sent |= {"action": "accept", "toujours": "subjects.add"}
    asked = claire.post(f"/bureau/a-revoir/{first}", data=sent)
    assert "Sujets, ce qu’ils ajoutent, où nous n’avons rien : prendre le leur" in text(asked)
    assert "Ce que vous avez saisi ou corrigé dans ces champs reste." in text(asked)
    assert "1 autre proposition qui attend serait décidée tout de suite, en tout ou en partie." in text(asked)
    sent |= form_of(asked.get_data(as_text=True), f"/bureau/a-revoir/{first}") | {"action": "rule"}
    answer = claire.post(f"/bureau/a-revoir/{first}", data=sent)
    assert answer.location.startswith(f"/bureau/a-revoir/{second}?")
    after = claire.get(answer.location)
    assert "« Points de vue » est décidée." in text(after)
    assert "Règle ajoutée : Sujets, ce qu’ils ajoutent, où nous n’avons rien : prendre le leur." in text(after)
    assert "Votre dernière décision : Propositions acceptées, Points de vue" in text(after)
    assert "Conflit 1 sur 1" in text(after)
    assert "Déjà décidée par claire" in text(claire.get(f"/bureau/a-revoir/{first}"))
    sent = form_of(after.get_data(as_text=True), f"/bureau/a-revoir/{second}")
    last = claire.post(f"/bureau/a-revoir/{second}", data=sent | {"action": "ours"})
    assert last.location.startswith("/bureau/a-revoir?")
    with base.read() as session:
        assert inbox.count_inbox(session) == {}
        assert proposals.get(session, second).state == "refused"


def test_a_notice_edited_meanwhile_is_said_and_no_choice_is_lost(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        made, question = conflicts(session)
        number, address = question.id, made.address
    sent = form_of(claire.get(f"/bureau/a-revoir/{number}").get_data(as_text=True), f"/bureau/a-revoir/{number}")
    subject = next(name for name in sent if name.startswith("choix_606"))
    with base.write() as session:
        found = notices.find(session, address)
        assert found
        notices.revise(session, found, changed(found.fields, "330", field("330", "a", "Note de Marc")), by="marc")
    answer = claire.post(f"/bureau/a-revoir/{number}", data=sent | {subject: "ours", "action": "accept"})
    assert answer.status_code == 409
    assert "Erreur :" in answer.get_data(as_text=True).partition("</title>")[0]
    assert "La question a changé pendant que vous lisiez" in text(answer)
    again = form_of(answer.get_data(as_text=True), f"/bureau/a-revoir/{number}")
    assert again[subject] == "ours"
    assert claire.post(f"/bureau/a-revoir/{number}", data=again | {"action": "accept"}).status_code == 303
    with base.read() as session:
        found = notices.find(session, address)
        assert found
        assert "Note de Marc" in words(found)
        assert "Laïcité" not in words(found)


def test_hundreds_are_accepted_at_one_click_said_with_their_number(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        for n in range(45):
            adds(session, str(n), "Un titre qui n’en finit pas, sur la rénovation urbaine et ses suites " * 3)
    overview = claire.get("/bureau/a-revoir")
    assert "Accepter les 45 sûrs" in text(overview)
    pages = [claire.get(f"/bureau/a-revoir?genre=surs&page={n}") for n in (1, 2)]
    assert [page.get_data(as_text=True).count('class="doc"') for page in pages] == [40, 5]
    assert max(len(page.data) for page in (overview, *pages)) < 60_000
    sent = form_of(overview.get_data(as_text=True), "/bureau/a-revoir/lots")
    answer = claire.post("/bureau/a-revoir/lots", data=sent | {"action": "accept"}, follow_redirects=True)
    assert "45 propositions sont acceptées." in text(answer)
    assert "Tout est à jour." in text(answer)
    undo = re.search(r"/bureau/historique/\d+/annuler", answer.get_data(as_text=True))
    assert undo
    claire.post(undo[0])
    assert "Accepter les 45 sûrs" in text(claire.get("/bureau/a-revoir"))
    assert claire.post("/bureau/a-revoir/lots", data=sent | {"action": "publish"}).status_code == 400
    assert claire.get("/bureau/a-revoir?genre=autre").status_code == 404


def test_a_twin_is_compared_merged_and_separated(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ours, theirs = (n.address for n in doubtful(session))
    at = f"/bureau/a-revoir/doublons/{ours}/{theirs}"
    assert f'href="{at}"' in claire.get("/bureau/a-revoir").get_data(as_text=True)
    assert "Comparer avec « Quartiers en chantier »" in text(claire.get(f"/bureau/a-revoir/notices/{theirs}"))
    page = claire.get(at)
    assert "titres identiques" in text(page)
    sent = form_of(page.get_data(as_text=True), at)
    answer = claire.post(at, data=sent | {"action": "same"}, follow_redirects=True)
    assert "les deux notices n’en font plus qu’une" in text(answer)
    assert claire.get(at, follow_redirects=True).status_code == 200, "an old link leads back to what waits"
    shown = text(claire.get(f"/bureau/notices/{ours}"))
    assert f"Réunie avec « Quartiers en chantier » (/d/{theirs})" in shown
    claire.post(f"/bureau/notices/{theirs}/separer")
    assert "Réunie avec" not in text(claire.get(f"/bureau/notices/{ours}"))
    assert "déjà séparées" in text(claire.post(f"/bureau/notices/{theirs}/separer", follow_redirects=True))
    assert claire.get(f"/bureau/a-revoir/doublons/{ours}/{ours}").status_code == 404


def test_the_rules_of_a_source_are_seen_changed_and_applied(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        adds(session, "1")
    assert "chacune de ses propositions attend votre décision" in text(claire.get("/bureau/sources/RECI"))
    at = "/bureau/sources/RECI/regles"
    claire.post(at, data={"action": "table", "abstract.adds": "accept", "all.adds": "ask"})
    assert "Résumé, ce qu’ils ajoutent, où nous n’avons rien : prendre le leur" in text(
        claire.get("/bureau/sources/RECI")
    )
    wrong = claire.post(at, data={"action": "text", "texte": '[abstrait]\nadds = "accept"\n'})
    assert (wrong.status_code, "abstrait" in text(wrong)) == (422, True)
    applied = claire.post(at, data={"action": "apply"}, follow_redirects=True)
    assert "1 proposition est décidée par ces règles." in text(applied)
    assert "Annuler ce que les règles ont décidé" in text(applied)
    assert len(applied.data) < 60_000
    claire.post(at, data={"action": "text", "texte": ""})
    assert "attend votre décision" in text(claire.get("/bureau/sources/RECI"))


def test_only_a_documentalist_decides(app: Flask, base: db.Database) -> None:
    ines = signed_in(app, base, "ines", "contributor")
    with base.write() as session:
        made, question = conflicts(session)
        addresses = [f"/bureau/a-revoir/{question.id}", f"/bureau/a-revoir/notices/{made.address}"]
    for address in ("/bureau/a-revoir", *addresses, "/bureau/sources/RECI/regles"):
        assert ines.get(address).status_code == 403, address
    for address in (*addresses, "/bureau/a-revoir/lots", f"/bureau/notices/{made.address}/separer"):
        assert ines.post(address).status_code == 403, address


def test_the_screens_read_well_and_answer_to_their_keys(
    browser: Any, live_server: str, app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    assert claire
    with base.write() as session:
        first, second = (conflicts(session, number)[1].id for number in ("c1", "c2"))
        ours, theirs = (n.address for n in doubtful(session))
        adds(session, "1")
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR")
    page = context.new_page()
    page.goto(live_server + "/connexion")
    page.get_by_label("Identifiant").fill("claire")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/bureau")
    wide = (f"/bureau/a-revoir/{first}", f"/bureau/a-revoir/doublons/{ours}/{theirs}")
    assert [look(page, live_server + path, 1366) for path in wide] == [[], []]
    assert look(page, live_server + "/bureau/sources/RECI/regles", 360) == []
    for path in ("/bureau/a-revoir?genre=nouvelles", f"/bureau/a-revoir/notices/{theirs}", *wide):
        page.goto(live_server + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(live_server + f"/bureau/a-revoir/{first}")
    assert page.locator("kbd:visible").count() > 5
    note = page.locator("[data-question]").nth(1)
    for key in ("ArrowDown", "ArrowDown", "l"):
        page.keyboard.press(key)
    assert note.get_by_label("Prendre le leur").is_checked()
    page.keyboard.press("n")
    assert note.get_by_label("Garder le nôtre").is_checked()
    page.keyboard.press("a")
    page.wait_for_url(f"**/bureau/a-revoir/{second}**")
    page.keyboard.press("u")
    page.wait_for_selector("text=annulé")
    assert page.url.split("?")[0].endswith(f"/bureau/a-revoir/{second}"), "one goes on where one was"
    page.keyboard.press("l")  # without j: the first field
    assert page.locator("[data-question]").first.get_by_label("Prendre le leur").is_checked()
    assert page.evaluate("document.activeElement.closest('[data-question]') !== null")
    context.close()
    with base.read() as session:
        assert proposals.count(session)["conflict"] == 2


# --- in a terminal ---------------------------------------------------------------------------


@pytest.fixture
def travee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> Iterator[Callable[..., Result]]:
    """`travee …`, on an empty base."""
    shutil.copytree(empty_folder, tmp_path / "var")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    group = click.Group(commands={c.name: c for c in (*commands.COMMANDS, *base_commands.COMMANDS) if c.name})
    yield lambda *said: CliRunner().invoke(group, [str(one) for one in said])


def test_what_waits_is_decided_in_a_terminal(travee: Callable[..., Result], tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "var")
    opened = db.Database(settings.url)
    with opened.write() as session:
        safe, update = adds(session, "1"), updates(session, "2")
        new, other = candidate(session, "3").address, candidate(session, "5").address
        ours, theirs = (n.address for n in doubtful(session))
        source = reci(session)
        says(session, source, "6", notice("Sans notice"))
    listed = json.loads(travee("inbox", "list", "--json").output)
    assert listed["total"] == 6
    assert {one["id"] for one in listed["entries"]} == {
        *(f"p-{safe}", f"p-{update}", new, other, theirs, f"{ours}+{theirs}")
    }
    assert json.loads(travee("inbox", "list", "--kind", "safe", "--json").output)["total"] == 1
    done = travee("inbox", "accept-safe", "--json")
    assert (done.exit_code, json.loads(done.output)["accepted"]) == (0, 1)
    assert travee("inbox", "accept-safe").output == "Aucun ajout sûr n’attend.\n"
    refused = json.loads(travee("inbox", "refuse", f"p-{update}", "--json").output)
    assert (refused["done"], refused["title"]) == (True, "Points de vue")
    assert travee("inbox", "accept", f"p-{update}").exit_code == 1, "already decided"
    assert json.loads(travee("inbox", "accept", new, "--json").output)["done"]
    assert travee("inbox", "refuse", other).exit_code == 0
    for wrong in ("p-999", "nimporte-quoi", "d-1", "zzz"):
        gone = travee("inbox", "accept", wrong)
        assert (gone.exit_code, "travee inbox list" in gone.stderr) == (1, True), wrong
    apart = json.loads(travee("inbox", "different", ours, theirs, "--json").output)
    assert apart["verdict"] == "different"
    assert json.loads(travee("undo", apart["batch"], "--json").output)["left"] == []
    same = json.loads(travee("inbox", "same", "oai:RECI:t1", f"/d/{ours}", "--json").output)
    assert same["address"] == ours
    assert travee("inbox", "same", ours, "oai:RECI:t1").exit_code == 1, "one notice already"
    assert "Aucune notice" in travee("inbox", "different", ours, "oai:RECI:6").stderr
    assert travee("inbox", "list").output == "Tout est à jour.\n"
    with opened.read() as session:
        found = {n.address: n.status for n in session.scalars(select(Notice))}
        assert (found[new], found[other], found[theirs]) == ("published", "withdrawn", "merged")
    opened.close()
