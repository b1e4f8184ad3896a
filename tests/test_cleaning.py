"""Cleaning by several people at once: nobody gets a group twice, each group is a lot, what is told apart stays so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import (
    authorities,
    candidate_terms,
    cleaning,
    form,
    helper_links,
    history,
    items,
    judgements,
    lots,
    near_groups,
    notices,
    users,
)
from catalogue.authorities import NameBook
from catalogue.cleaning import (
    CHANTIERS,
    Chantier,
    Found,
    Group,
    Member,
    Settled,
    dates,
    keywords,
    looking,
    summary,
    taking,
)
from catalogue.db import Database
from catalogue.entities import AgentRow
from catalogue.headings import OURS
from catalogue.models import Agent, Batch, CleaningGroup, Concept, DigitalDocument, HelperLink, Item, Judgement, Notice
from catalogue.text import fold
from catalogue.unimarc import Fields, RecordItem, responsibilities
from tests.cast import MIETTES, field, notice
from tests.conftest import PASSWORD
from tests.test_desk import text

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
URBAN = field("606", "a", "Renouvellement urbain", ind=" 1")


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def publish(session: Session, *several: Fields) -> list[Notice]:
    return [notices.create(session, list(fields), by="marc", status="published") for fields in several]


def only(session: Session, task: str) -> Group:
    """The one group that a look would find, as it stands."""
    (found,) = CHANTIERS[task].find(session)
    group = CHANTIERS[task].read(session, found.refs)
    assert group is not None
    return group


def settle(session: Session, task: str, form: str, group: Group | None = None) -> Settled:
    group = group or only(session, task)
    return CHANTIERS[task].apply(session, group, list(group.members), form, "claire")


def nothing_left(session: Session, task: str) -> bool:
    return not list(CHANTIERS[task].find(session))


# --- the tasks ---------------------------------------------------------------------------------


def authors(session: Session, *names: str) -> list[Agent]:
    """People of ours, each the author of a notice."""
    batch = history.open_batch(session, "import", by="marc")
    rows = [AgentRow(type="person", number="", name=name) for name in names]
    made = authorities.create_agents(session, rows, batch=batch)
    for agent in made:
        family, _comma, given = agent.name.partition(", ")
        typed = [field("700", "a", family, *(("b", given) if given else ()), ind=" 1")]
        (named,), _told = form.link([], typed, {}, {}, {fold(agent.name): f"{OURS}:{agent.id}"})
        publish(session, notice(f"Livre de {agent.name}", named, URBAN))
    return made


def test_near_names_become_the_form_that_is_kept_in_one_lot(session: Session) -> None:
    one, other = authors(session, "Dumas, Agnès", "DUMAS Agnès")
    group = only(session, "autorites")
    assert {member.label for member in group.members} == {"Dumas, Agnès", "DUMAS Agnès"}
    done = settle(session, "autorites", "Dumas, Agnès (1950-)")
    assert done.batch is not None
    assert done.n == 2
    assert {responsibilities(n.fields)[0].name for n in session.scalars(select(Notice))} == {"Dumas, Agnès (1950-)"}
    assert sorted((a.status, a.name) for a in (one, other))[0] == ("accepted", "Dumas, Agnès (1950-)")
    assert nothing_left(session, "autorites")
    lots.undo(session, done.batch, by="claire")
    assert [a.status for a in (one, other)] == ["accepted", "accepted"]
    assert one.name == "Dumas, Agnès"


def test_names_told_apart_are_not_proposed_again(session: Session) -> None:
    authors(session, "Dumas, Agnès", "DUMAS Agnès")
    group = only(session, "autorites")
    assert settle(session, "autorites", "x", Group(group.members[:1])).problem, "one form alone is replaced by nothing"
    CHANTIERS["autorites"].apart(session, group, [], "claire")
    assert nothing_left(session, "autorites")


def test_doubles_become_one_notice_and_two_again(session: Session) -> None:
    found = publish(session, MIETTES, MIETTES, MIETTES)
    ends = [f"notice:{n.id}" for n in found]
    for pair in ((ends[0], ends[1]), (ends[1], ends[2])):
        judgements.think_many(session, [judgements.Opinion(*pair, "unsure", 0.8, [])])
    group = only(session, "doublons")
    assert len(group.members) == 3
    done = settle(session, "doublons", "", group)
    assert [n.status for n in found] == ["published", "merged", "merged"]
    assert nothing_left(session, "doublons")
    assert done.batch is not None
    lots.undo(session, done.batch, by="claire")
    assert {n.status for n in found} == {"published"}


def test_doubles_told_apart_are_remembered(session: Session) -> None:
    one, other = publish(session, MIETTES, MIETTES)
    judgements.think_many(session, [judgements.Opinion(f"notice:{one.id}", f"notice:{other.id}", "unsure", 0.8, [])])
    group = only(session, "doublons")
    assert CHANTIERS["doublons"].apart(session, group, group.members, "claire") is not None
    assert nothing_left(session, "doublons")
    assert session.scalars(select(Judgement.verdict).where(Judgement.by == "claire")).all() == ["different"]


def test_spellings_of_a_keyword_become_one_descriptor(session: Session) -> None:
    one = notice("Un", field("610", "a", "Quartiers prioritaires;relogement", ind="0 "))
    other = notice("Deux", field("610", "a", "quartier prioritaire", ind="0 "))
    publish(session, one, other, one)
    found = next(iter(CHANTIERS["sujets"].find(session)))
    assert found.weight == 3
    group = keywords.read(session, found.refs)
    assert group is not None
    assert [(m.label, m.count) for m in group.members] == [("Quartiers prioritaires", 2), ("quartier prioritaire", 1)]
    done = settle(session, "sujets", "Quartier prioritaire", group)
    assert done.n == 3
    assert session.scalars(select(Concept.label)).all() == ["Quartier prioritaire"]
    assert [f.name for f in CHANTIERS["sujets"].find(session)] == ["keyword:relogement"]


def test_a_date_that_nobody_understands_is_written_anew_where_it_is_ticked(session: Session) -> None:
    wrong = publish(session, notice("Un", URBAN, year="20224"), notice("Deux", URBAN, year="20224"))
    group = only(session, "dates")
    assert "20224" in group.field
    assert settle(session, "dates", "[20224]", group).problem, "as wrong as it was"
    assert settle(session, "dates", "31/02/2024", group).problem
    done = CHANTIERS["dates"].apply(session, group, group.members[:1], "2022", "claire")
    assert done.n == 1
    assert [n.year for n in wrong] == [2022, None]
    assert len(only(session, "dates").members) == 1


def test_a_day_of_no_calendar_is_found_though_its_year_is_known(session: Session) -> None:
    texts = ("30 février 2020", "31/02/2024", "31/04/1999", "18 mars 2024", "2024")
    made = publish(session, *(notice(f"N° {n}", URBAN, year=text) for n, text in enumerate(texts)))
    assert [one.year for one in made] == [2020, 2024, 1999, 2024, 2024]
    names = {found.name for found in CHANTIERS["dates"].find(session)}
    assert names == {f"date:{text}" for text in texts[:3]}


@pytest.mark.parametrize(("text_", "likely"), [("31/02/2024", "02/2024"), ("30.2.1998", "2.1998"), ("20224", "")])
def test_a_date_is_proposed_where_it_is_known(text_: str, likely: str) -> None:
    assert dates.likely(text_) == likely


def test_what_lacks_is_filled_by_what_is_typed(session: Session) -> None:
    (one,) = publish(session, notice("Sans sujet"))
    assert settle(session, "champs-vides", " ").problem
    done = settle(session, "champs-vides", "Ville ; École")
    assert done.n == 1
    assert [f["s"][0][1] for f in one.fields if f["t"] == "606"] == ["Ville", "École"]
    assert nothing_left(session, "champs-vides")


def test_a_call_number_has_one_spelling_and_a_copy_has_one(session: Session) -> None:
    one, other = publish(session, MIETTES, MIETTES)
    batch = history.open_batch(session, "copy", by="marc")
    written = ("364.4 DUB", "364,4 Dub", "36.44 DUB", "")
    copies = [(n.id, RecordItem(call_number=w)) for n, w in zip((one, other, one, other), written, strict=True)]
    items.add_many(session, copies, batch=batch)
    spelled, without = CHANTIERS["cotes"].find(session)
    group = CHANTIERS["cotes"].read(session, spelled.refs)
    assert group is not None
    assert {m.label for m in group.members} == {"364.4 DUB", "364,4 Dub"}
    assert settle(session, "cotes", "364.4 DUB", group).n == 1
    alone = CHANTIERS["cotes"].read(session, without.refs)
    assert settle(session, "cotes", "370 MIE", alone).n == 1
    assert sorted(session.scalars(select(Item.call_number))) == ["36.44 DUB", "364.4 DUB", "364.4 DUB", "370 MIE"]
    assert nothing_left(session, "cotes")


def test_a_dead_link_is_replaced_or_taken_off(session: Session) -> None:
    url = "https://exemple.fr/mort.pdf"
    one, other = publish(session, *[notice(name, field("856", "u", url), URBAN) for name in ("Un", "Deux")])
    for row in session.scalars(select(DigitalDocument)):
        row.alive, row.failing_since, row.fault = False, NOW, "gone"
    group = only(session, "liens")
    assert settle(session, "liens", "pas une adresse", group).problem
    CHANTIERS["liens"].apply(session, group, group.members[:1], "https://exemple.fr/vivant.pdf", "claire")
    CHANTIERS["liens"].apply(session, group, group.members[1:], "", "claire")
    said = [[f["s"][0][1] for f in n.fields if f["t"] == "856"] for n in (one, other)]
    assert said == [["https://exemple.fr/vivant.pdf"], []]


# --- taking ------------------------------------------------------------------------------------


def forty(session: Session) -> list[Found]:
    return [Found(f"group {n}", (str(n),)) for n in range(40)]


ALWAYS = Chantier(
    "Essai",
    "",
    "",
    forty,
    lambda _s, refs: Group((Member(refs[0], refs[0]),), tuple(refs)),
    lambda *_given: Settled(n=1),
)


def keys(base: Database, by: str, at: datetime = NOW) -> set[str]:
    with base.read() as session:
        return {row.key for row in taking.mine(session, "essai", by=by, at=at).rows}


def take(base: Database, by: str, at: datetime = NOW) -> set[str]:
    with base.write() as session:
        taking.take(session, "essai", ALWAYS, by=by, at=at)
    return keys(base, by, at)


def test_two_who_take_at_the_same_instant_get_different_groups(database: Database) -> None:
    looking.look(database, "essai", ALWAYS)
    gate, got = Barrier(4), dict[str, set[str]]()

    def at_once(who: str) -> None:
        gate.wait()
        got[who] = take(database, who)

    people = [Thread(target=at_once, args=(who,)) for who in ("claire", "ines", "marc", "rose")]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(len(some) for some in got.values()) == [0, 0, 15, 25]
    assert len(set.union(*got.values())) == 40


def test_what_was_not_settled_in_its_half_hour_is_free_again(database: Database) -> None:
    looking.look(database, "essai", ALWAYS)
    first = take(database, "claire")
    assert len(first) == 25
    assert not take(database, "marc") & first
    late = NOW + timedelta(minutes=31)
    assert keys(database, "claire", late) == set()
    assert first <= take(database, "marc", late) | take(database, "ines", late)
    with database.write() as session:
        row = taking.get(session, "essai", min(first))
        assert row is not None
        assert taking.holder(session, row, by="claire", at=late) in ("marc", "ines")


def test_what_is_passed_comes_back_last_and_what_is_done_does_not(database: Database) -> None:
    looking.look(database, "essai", ALWAYS)
    take(database, "claire")
    with database.write() as session:
        passed, done, *_more = taking.mine(session, "essai", by="claire", at=NOW).rows
        taking.pass_over(passed)
        group = ALWAYS.read(session, done.what["refs"])
        assert group is not None
        taking.apply(session, done, ALWAYS, group, [], "x", by="claire")
        taking.give_back(session, "essai", by="claire")
        gone, kept = done.key, passed.key
    assert gone not in take(database, "marc") | take(database, "ines")
    assert kept in keys(database, "ines"), "last of all"
    with database.read() as session:
        count = looking.counts(session, ["essai"])["essai"]
        assert count.left == 39


def test_a_lot_that_is_taken_back_opens_its_group_again_and_what_is_apart_stays(database: Database) -> None:
    with database.write() as session:
        publish(session, notice("Sans sujet"), notice("Sans sujet non plus"))
    task, chantier = "champs-vides", CHANTIERS["champs-vides"]
    assert looking.look(database, task, chantier) == 2
    with database.write() as session:
        taking.take(session, task, chantier, by="claire", at=NOW)
        one, other = taking.mine(session, task, by="claire", at=NOW).rows
        group = chantier.read(session, one.what["refs"])
        assert group is not None
        lot = taking.apply(session, one, chantier, group, list(group.members), "Ville", by="claire").batch
        taking.set_apart(session, other, chantier, group, [], by="claire")
        number = lot.id if lot else 0
    with database.read() as session:
        assert looking.counts(session, [task])[task].left == 0
        today = datetime.now(UTC).date()
        told = summary.of_day(session, CHANTIERS, today, ZoneInfo("UTC"))
        assert (told.groups, told.rows, [(s.name, s.groups) for s in told.people]) == (2, 1, [("claire", 2)])
    with database.write() as session:
        lots.undo(session, session.get_one(Batch, number), by="claire")
    with database.read() as session:
        assert looking.counts(session, [task])[task].left == 1
        told = summary.of_day(session, CHANTIERS, today, ZoneInfo("UTC"))
        assert (told.groups, [act.undone for act in told.acts]) == (1, [True, False])
    assert looking.look(database, task, chantier) == 1, "the other one was said to be well as it is"
    with database.read() as session:
        assert session.scalars(select(CleaningGroup.state).order_by(CleaningGroup.id)).all() == ["open", "apart"]


def test_every_task_is_counted_once_a_day(database: Database) -> None:
    cleaning.look_by_night(database, date(2026, 11, 22), NameBook())
    with database.write() as session:
        assert all(count.at for count in looking.counts(session, list(CHANTIERS)).values())
        publish(session, notice("Sans sujet"))
    cleaning.look_by_night(database, date(2026, 11, 22), NameBook())
    with database.read() as session:
        assert looking.counts(session, ["champs-vides"])["champs-vides"].left == 0


# --- what is announced is what is done -----------------------------------------------------------


@pytest.mark.parametrize("task", ["autorites", "sujets", "cotes"])
def test_the_number_that_is_announced_is_the_number_that_is_done(session: Session, task: str) -> None:
    if task == "autorites":
        authors(session, "Dumas, Agnès", "DUMAS Agnès")
    elif task == "sujets":  # one of the notices has both spellings
        both = notice("Un", field("610", "a", "Quartiers prioritaires;quartier prioritaire", ind="0 "))
        publish(session, both, notice("Deux", field("610", "a", "quartier prioritaire", ind="0 ")))
    else:
        (one,) = publish(session, MIETTES)
        copies = [(one.id, RecordItem(call_number=number)) for number in ("364.4 DUB", "364.4 DUB", "364,4 Dub")]
        items.add_many(session, copies, batch=history.open_batch(session, "copy", by="marc"))
    group = only(session, task)
    assert settle(session, task, group.form, group).n == group.count


def test_near_names_are_counted_and_kept_as_their_own_page_does(session: Session) -> None:
    """The form that an authority file vouches for is proposed, and a notice that says it already does not change."""
    one, other = authors(session, "Dumas, Agnès", "DUMAS Agnès")
    publish(session, notice("Un autre livre"))
    batch = history.open_batch(session, "edit", by="marc")
    authorities.put_agents(session, [(other, {"identifiers": {"isni": "0000000121032683"}})], batch=batch)
    group = only(session, "autorites")
    shown = near_groups.show_groups(session, authorities.find_near(session))[0]
    assert (group.form, group.count) == (shown.name, shown.notices) == ("DUMAS Agnès", 1)
    assert settle(session, "autorites", group.form, group).n == 1
    assert (one.status, other.status) == ("merged", "accepted")


def test_two_of_the_same_name_are_told_by_their_dates_and_their_titles(session: Session) -> None:
    one, _other = authors(session, "Dumas, Agnès", "Dumas, Agnès")
    batch = history.open_batch(session, "edit", by="marc")
    authorities.put_agents(session, [(one, {"dates": "1950-"})], batch=batch)
    members = {member.ref: member for member in only(session, "autorites").members}
    assert "1950-" in members[str(one.id)].about
    assert all(member.samples[0][0] == "Livre de Dumas, Agnès" for member in members.values())


def test_names_told_apart_are_a_lot_that_can_be_undone(database: Database) -> None:
    with database.write() as session:
        authors(session, "Dumas, Agnès", "DUMAS Agnès")
    task, chantier = "autorites", CHANTIERS["autorites"]
    assert looking.look(database, task, chantier) == 1
    with database.write() as session:
        taking.take(session, task, chantier, by="claire", at=NOW)
        (row,) = taking.mine(session, task, by="claire", at=NOW).rows
        taking.set_apart(session, row, chantier, only(session, task), [], by="claire")
        number = row.batch_id
    assert looking.look(database, task, chantier) == 0
    assert number
    with database.write() as session:
        lots.undo(session, session.get_one(Batch, number), by="claire")
    assert looking.look(database, task, chantier) == 1, "what was taken back is a question again"


def test_a_look_asks_the_names_that_the_process_remembers(session: Session) -> None:
    authors(session, "Dumas, Agnès", "DUMAS Agnès")
    book = NameBook()
    known = cleaning.with_names(book)["autorites"]
    assert list(known.find(session)) == list(CHANTIERS["autorites"].find(session))
    assert len(book.groups(session)) == 1


# --- by a helper ---------------------------------------------------------------------------------


def test_a_helper_makes_no_descriptor_but_a_candidate(session: Session) -> None:
    publish(session, notice("Un", field("610", "a", "voisinage;relogement", ind="0 ")))
    helped = CHANTIERS["sujets"].helped
    assert helped is not None
    (found,) = [one for one in helped.find(session) if one.name == "keyword:voisinage"]
    group = helped.read(session, found.refs)
    assert group is not None
    assert "candidat" in group.hint
    done = helped.apply(session, group, list(group.members), "Relations de voisinage", "Jeanne")
    assert (done.n, "Relations de voisinage" in done.told) == (1, True)
    assert session.scalars(select(Concept.label)).all() == []
    assert [c.word for c in candidate_terms.waiting(session)[0]] == ["Relations de voisinage"]
    (said,) = session.scalars(select(Notice))
    assert [f["s"] for f in said.fields if f["t"] == "610"] == [[["a", "relogement"]]]
    assert done.batch is not None
    lots.undo(session, done.batch, by="claire")
    assert [f["s"] for f in said.fields if f["t"] in ("606", "610")] == [[["a", "voisinage;relogement"]]]


def test_a_helper_teaches_the_thesaurus_no_other_word(session: Session) -> None:
    publish(session, notice("Un", field("610", "a", "voisinage", ind="0 ")))
    CHANTIERS["sujets"].apply(
        session, only(session, "sujets"), list(only(session, "sujets").members), "Voisins", "claire"
    )
    (concept,) = session.scalars(select(Concept))
    labels = authorities.labels_of(session, [concept.id])
    publish(session, notice("Deux", field("610", "a", "gens d’à côté", ind="0 ")))
    helped = CHANTIERS["sujets"].helped
    assert helped is not None
    group = only(session, "sujets")
    done = helped.apply(session, group, list(group.members), "voisins", "Jeanne")
    assert (done.n, done.told) == (1, "")
    assert authorities.labels_of(session, [concept.id]) == labels
    assert candidate_terms.waiting(session)[1] == 0


# --- taken back, and all taken -------------------------------------------------------------------


def test_who_takes_a_group_back_has_that_group_again(database: Database) -> None:
    with database.write() as session:
        publish(session, *[notice(f"Sans sujet {n}") for n in range(3)])
    task, chantier = "champs-vides", CHANTIERS["champs-vides"]
    looking.look(database, task, chantier)
    with database.write() as session:
        taking.take(session, task, chantier, by="claire", at=NOW)
        first, _second, _third = taking.mine(session, task, by="claire", at=NOW).rows
        group = chantier.read(session, first.what["refs"])
        assert group is not None
        lot = taking.apply(session, first, chantier, group, list(group.members), "Ville", by="claire").batch
        assert lot is not None
        lots.undo(session, lot, by="claire")
    with database.read() as session:
        mine = taking.mine(session, task, by="claire", at=NOW)
        assert (mine.rows[0].id, mine.behind, mine.total) == (first.id, 0, 3)
        assert taking.holder(session, mine.rows[0], by="claire", at=NOW) == ""
    with database.write() as session:
        assert taking.take(session, task, chantier, by="marc", at=NOW) == 0, "it is in her hands again"


def test_what_others_have_taken_is_said_with_its_hour(database: Database) -> None:
    looking.look(database, "essai", ALWAYS)
    take(database, "claire")
    with database.read() as session:
        assert taking.free(session, "essai", by="marc", at=NOW) == taking.Free(15, None)
        assert taking.free(session, "essai", by="claire", at=NOW).n == 40
    take(database, "ines")
    with database.read() as session:
        assert taking.free(session, "essai", by="marc", at=NOW) == taking.Free(0, NOW + timedelta(minutes=30))


# --- the screens -------------------------------------------------------------------------------


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def answer(page: str, **more: object) -> dict[str, object]:
    members: Sequence[str] = re.findall(r'name="membre" value="([^"]*)"', page)
    return {"cle": hidden(page, "cle"), "marque": hidden(page, "marque"), "membre": members, **more}


def test_a_group_after_the_other_with_somebody_else_at_work(claire: FlaskClient) -> None:
    base: Database = claire.application.extensions["travee"].db
    here = "/bureau/nettoyage/champs-vides"
    assert "pas encore compté" in text(claire.get("/bureau/nettoyage"))
    with base.write() as session:
        first, second, third = publish(session, *[notice(f"Sans sujet {n}") for n in range(3)])
        ids = [first.id, second.id, third.id]
    claire.post("/bureau/nettoyage/compter", data={"chantier": "champs-vides"})
    assert "3 groupes à voir" in text(claire.get(here))
    page = claire.post(f"{here}/prendre", follow_redirects=True).text
    assert "Groupe 1 sur 3" in page
    assert "salle : 0/3 faits" in claire.get(f"{here}/avancement").text

    wrong = claire.post(here, data=answer(page, forme=""))
    assert (wrong.status_code, "<title>Erreur" in wrong.text) == (422, True)
    page = claire.post(here, data=answer(page, forme="Ville"), follow_redirects=True).text
    assert "1 notice a été corrigée." in page
    assert "Annuler le dernier groupe" in page
    assert "Groupe 2 sur 3" in page
    lot = re.findall(r"/historique/(\d+)/annuler", page)[0]
    undone = claire.post(f"/bureau/historique/{lot}/annuler", data={"retour": hidden(page, "retour")})
    assert undone.location == here
    again = claire.get(here).text
    assert "salle : 0/3 faits" in again
    assert "<strong>Sans sujet 2" in again or ">Sans sujet 2<" in again, "the one whose lot was taken back"

    with base.write() as session:  # the latest come first: this is the second
        two = notices.get(session, ids[1])
        notices.revise(session, two, [*two.fields, field("330", "a", "Un résumé")], by="marc")
    moved = claire.post(here, data=answer(page, forme="École"))
    assert moved.status_code == 409
    assert "Quelqu’un vient de changer ce groupe" in moved.text
    assert "Un résumé" in moved.text
    page = claire.post(here, data=answer(moved.text, forme="École"), follow_redirects=True).text
    page = claire.post(here, data=answer(page, forme="Ville"), follow_redirects=True).text
    assert "Groupe 3 sur 3" in page

    with base.write() as session:  # somebody has seen to the last one elsewhere
        one = notices.get(session, ids[0])
        notices.revise(session, one, [*one.fields, URBAN], by="marc")
    page = claire.post(here, data=answer(page, forme="Ville"), follow_redirects=True).text
    assert "déjà réglé" in page
    assert "Chantier terminé · revérifié chaque nuit" in page
    told = text(claire.get("/bureau/nettoyage/bilan"))
    assert "2 groupes, 2 notices ou exemplaires" in told
    assert "claire" in told
    assert claire.get("/bureau/nettoyage/bilan?jour=hier").status_code == 404
    assert claire.get("/bureau/nettoyage/rien").status_code == 404


def test_a_group_that_somebody_else_took_since_is_theirs(claire: FlaskClient) -> None:
    base: Database = claire.application.extensions["travee"].db
    with base.write() as session:
        publish(session, notice("Sans sujet"))
    claire.post("/bureau/nettoyage/compter", data={})
    here = "/bureau/nettoyage/champs-vides"
    page = claire.post(f"{here}/prendre", follow_redirects=True).text
    with base.write() as session:
        row = session.scalars(select(CleaningGroup)).one()
        row.taken_by = "marc"
    shown = claire.post(here, data=answer(page, forme="Ville"), follow_redirects=True).text
    assert "pris ou réglé par marc" in shown
    with base.read() as session:
        assert [f for f in session.scalars(select(Notice)).one().fields if f["t"] == "606"] == []


def test_a_task_all_taken_offers_no_button(claire: FlaskClient) -> None:
    base: Database = claire.application.extensions["travee"].db
    with base.write() as session:
        publish(session, notice("Sans sujet"))
    claire.post("/bureau/nettoyage/compter", data={"chantier": "champs-vides"})
    here = "/bureau/nettoyage/champs-vides"
    assert "Un groupe vous sera gardé 30 minutes" in text(claire.get(here))
    claire.post(f"{here}/prendre")
    with base.write() as session:
        row = session.scalars(select(CleaningGroup)).one()
        row.taken_by = "marc"
    page = claire.get(here)
    assert "Je prends ce lot" not in page.text
    assert "Tout ce qui reste est entre d’autres mains" in text(page)


def test_a_helper_settles_a_group_by_their_link_and_opens_nothing_else(claire: FlaskClient) -> None:
    base: Database = claire.application.extensions["travee"].db
    with base.write() as session:
        address = publish(session, notice("Sans sujet"))[0].address
        _link, token = helper_links.make(session, "cleaning", 20260314, "Lille", 8, by="marc")
    claire.post("/bureau/nettoyage/compter", data={})
    here = "/bureau/nettoyage/champs-vides"
    ines = claire.application.test_client()
    assert ines.get(here).status_code == 302
    assert ines.post(f"/equipier/{token}", data={"prenom": "Inès"}).location == "/bureau/nettoyage"
    assert "Revérifier" not in ines.get("/bureau/nettoyage").text
    page = ines.post(f"{here}/prendre", follow_redirects=True).text
    assert f"/bureau/notices/{address}" not in page, "she reads the public page"
    done = ines.post(here, data=answer(page, forme="Ville"), follow_redirects=True).text
    assert "1 notice a été corrigée." in done
    assert "Annuler le dernier groupe" not in done
    assert "Inès (Journée de nettoyage, Lille)" in claire.get("/bureau/nettoyage/bilan").text
    assert "/bureau/historique/" not in ines.get("/bureau/nettoyage/bilan").text
    for elsewhere in (f"/bureau/notices/{address}", "/bureau", "/admin"):
        outside = ines.get(elsewhere)
        assert outside.status_code == 403
        assert "Votre lien n’ouvre que le nettoyage" in text(outside)
        assert 'href="/bureau/nettoyage"' in outside.text
        assert 'type="password"' not in outside.text
    with base.write() as session:
        for link in session.scalars(select(HelperLink)):
            helper_links.revoke(session, link, by="marc")
    closed = ines.get("/bureau/nettoyage")
    assert (closed.status_code, "Ce lien ne sert plus" in text(closed)) == (410, True)


def test_what_the_room_has_done_is_seen_without_a_key(
    browser_page: Page, live_server: str, claire: FlaskClient
) -> None:
    base: Database = claire.application.extensions["travee"].db
    with base.write() as session:
        publish(session, *[notice(f"Sans sujet {n}") for n in range(3)])
        users.add(session, "marc", PASSWORD, "documentalist")
    claire.post("/bureau/nettoyage/compter", data={})
    here = "/bureau/nettoyage/champs-vides"
    page = browser_page
    page.goto(f"{live_server}/connexion?suite={here}")
    page.get_by_label("Identifiant").fill("marc")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.clock.install()
    page.keyboard.press("Enter")
    page.get_by_text("salle : 0/3 faits").wait_for()
    mine = claire.post(f"{here}/prendre", follow_redirects=True).text
    claire.post(here, data=answer(mine, forme="Ville"))
    page.clock.run_for(16_000)
    page.get_by_text("salle : 1/3 faits").wait_for()
    page.get_by_role("button", name="Je prends ce lot").focus()
