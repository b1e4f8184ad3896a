"""Copies, accounts, requests and counts."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import activity, authorities, db, history, items, lots, notices, users, visits
from catalogue.entities import ConceptRow
from catalogue.models import Concept, IndexQueue, Item, Notice, NoticeConcept, UsageDay
from catalogue.unimarc import RecordItem
from tests.cast import MIETTES, PHENIX, field

SHELF = ["R 2019-12", "364.4 DUB", "", "364", "R 2019-2", "DOS LOG 3"]


def shelve(session: Session, call_numbers: list[str]) -> Notice:
    made = notices.create(session, MIETTES, by="claire", status="published")
    batch = history.open_batch(session, "import", by="travee import")
    copies = [
        (made.id, RecordItem(barcode=f"B{n}", call_number=c, location="Réserve" if n % 2 else "Espace doc"))
        for n, c in enumerate(call_numbers)
    ]
    items.add_many(session, copies, batch=batch)
    return made


def test_the_inventory_follows_the_shelf_and_what_has_no_place_comes_last(session: Session) -> None:
    shelve(session, SHELF)
    found = [line.call_number for line in items.inventory(session)]
    assert found == ["364", "364.4 DUB", "DOS LOG 3", "R 2019-2", "R 2019-12", ""]


def test_the_inventory_of_a_range_and_of_a_place(session: Session) -> None:
    shelve(session, SHELF)
    assert [x.call_number for x in items.inventory(session, first="364", last="R 2019-2")] == [
        "364",
        "364.4 DUB",
        "DOS LOG 3",
        "R 2019-2",
    ]
    reserve = next(x for x in items.list_locations(session) if x.name == "Réserve")
    assert [x.call_number for x in items.inventory(session, location_id=reserve.id)] == [
        "364",
        "364.4 DUB",
        "DOS LOG 3",
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet="364.DUBR -2019", max_size=9), max_size=8))
def test_any_inventory_is_in_the_order_of_its_keys(session: Session, call_numbers: list[str]) -> None:
    with session.begin_nested() as tried:
        shelve(session, call_numbers)
        keys = [(not k, k) for k in session.scalars(select(Item.call_key).order_by(Item.call_key == "", Item.call_key))]
        assert keys == sorted(keys)
        assert len(list(items.inventory(session))) == len(call_numbers)
        tried.rollback()


def test_a_barcode_that_is_taken_is_told_and_the_copy_comes_in(session: Session) -> None:
    made = shelve(session, ["364"])
    batch = history.open_batch(session, "import", by="travee import")
    (number,), ((_place, problem),) = items.add_many(session, [(made.id, RecordItem(barcode="B0"))], batch=batch)
    copy = session.get(Item, number)
    assert copy is not None
    assert copy.barcode is None
    assert copy.extra["barcode_refused"] == "B0"
    assert "B0" in problem.message


def test_what_a_record_said_of_a_copy_and_we_do_not_map_is_kept(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire")
    batch = history.open_batch(session, "import", by="travee import")
    copy = RecordItem(barcode="1", status="En réparation", fields=(field("995", "f", "1", "Z", "inconnu"),))
    (number,), _problems = items.add_many(session, [(made.id, copy)], batch=batch)
    kept = session.get(Item, number)
    assert kept is not None
    assert kept.status == "repair"
    assert kept.extra["fields"][0]["s"][1] == ["Z", "inconnu"]


def test_a_moved_copy_moves_back(session: Session) -> None:
    shelve(session, ["364"])
    copy = session.scalars(select(Item)).one()
    session.execute(IndexQueue.__table__.delete())  # type: ignore[attr-defined]
    lot = history.open_batch(session, "edit", by="claire")
    assert items.revise(session, copy, {"call_number": "R 2", "status": "missing"}, by="claire", batch=lot)
    assert session.scalars(select(IndexQueue.notice_id)).all() == [copy.notice_id]
    lots.undo(session, lot, by="claire")
    assert (copy.call_number, copy.call_key, copy.status) == ("364", "000000364", "available")


def test_passwords_and_accounts(session: Session) -> None:
    made = users.add(session, " Claire ", "les-mots-bleus", "documentalist")
    before = made.session_token
    assert users.authenticate(session, "claire", "les-mots-bleus") is made
    assert users.authenticate(session, "claire", "les-mots-verts") is None
    assert users.authenticate(session, "personne", "les-mots-bleus") is None
    users.set_password(session, made, "une-autre-phrase")
    assert made.session_token != before
    users.disable(session, made)
    assert users.authenticate(session, "claire", "une-autre-phrase") is None
    for login, password, role, code in (
        ("claire", "les-mots-bleus", "admin", "login_taken"),
        ("marc", "court", "admin", "password_short"),
        ("marc", "les-mots-bleus", "roi", "role_unknown"),
        (" ", "les-mots-bleus", "admin", "login_empty"),
    ):
        with pytest.raises(users.Invalid) as met:
            users.add(session, login, password, role)
        assert met.value.code == code


def test_a_person_leaves_a_request_after_its_time_and_the_rest_stays(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire", status="published")
    old = visits.request(
        session, subject="consult", name="Inès", email="ines@exemple.fr", message="Le lundi ?", notice=made
    )
    new = visits.request(session, subject="visit", name="Marc", email="marc@exemple.fr", message="")
    old.created_at = db.now() - timedelta(days=400)
    session.flush()
    assert visits.erase_old(session, months=12) == 1
    session.refresh(old)
    assert (old.name, old.email, old.message, old.notice_id) == ("", "", "", made.id)
    assert [row.id for row, _notice in visits.list_waiting(session)] == [new.id]


def test_counts_add_up_by_day_and_name_nobody(session: Session) -> None:
    day = date(2024, 3, 21)
    activity.write(session, Counter({(day, 1, "view"): 2, (day, 2, "view"): 1}))
    activity.write(session, Counter({(day, 1, "view"): 3}))
    assert activity.total(session, "view", day, day) == 6
    assert {column.name for column in UsageDay.__table__.columns} == {"day", "notice_id", "kind", "n"}


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("curl/8.1", True),
        ("python-requests/2.32", True),
        ("", True),
        (None, True),
    ],
)
def test_robots_are_told_from_readers(agent: str | None, robot: bool) -> None:
    assert activity.is_robot(agent) is robot


THESAURUS = [
    ConceptRow("t:habitat", {"fr": "Habitat", "en": "Housing"}),
    ConceptRow(
        "t:renouvellement",
        {"fr": "Renouvellement urbain", "en": "Urban renewal"},
        alternate=(("fr", "Rénovation urbaine"),),
        broader=("t:habitat",),
    ),
]


def test_a_thesaurus_comes_in_once_and_links_what_was_there(session: Session) -> None:
    made = notices.create(session, [*MIETTES, field("606", "a", "RÉNOVATION URBAINE")], by="claire")
    first = authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, THESAURUS)
    again = authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, THESAURUS)
    assert (first.created, again.created, again.unchanged) == (2, 0, 2)
    assert notices.relink_concepts(session, session.scalars(select(Concept.id))) == 1
    rows = session.execute(select(NoticeConcept.label, NoticeConcept.concept_id).order_by(NoticeConcept.pos)).all()
    assert [label for label, _id in rows] == ["Renouvellement urbain", "Renouvellement urbain"]
    assert made.fields[-1]["s"] == [["a", "RÉNOVATION URBAINE"]], "the field keeps what was written"


def test_themes_are_counted_on_published_notices(session: Session) -> None:
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, THESAURUS)
    notices.create(session, MIETTES, by="claire", status="published")
    notices.create(session, [*PHENIX, field("606", "a", "Habitat")], by="claire", status="draft")
    assert authorities.top_themes(session) == [("Renouvellement urbain", 1)]
