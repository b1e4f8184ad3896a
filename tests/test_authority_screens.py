"""Claire and the names: found, corrected, brought together, told apart; each act is counted before, undone after."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug import Response

from catalogue import (
    authorities,
    authority_form,
    authority_lists,
    db,
    history,
    integrity,
    lots,
    near_groups,
    notices,
    remembered,
    renaming,
    sources,
    term_edits,
)
from catalogue.authorities import NameBook, near
from catalogue.authorities.near import Name
from catalogue.authority_form import Typed
from catalogue.authority_lists import Asked
from catalogue.entities import AgentRow, ClassRow, ConceptRow
from catalogue.models import Agent, Batch, ClassificationEntry, Concept, ConceptRelation, ExternalId, Notice, Source
from tests.cast import field, notice
from tests.test_desk import filled, said, signed_in, text
from tests.test_renaming import agent, bring, concept, person, state, told

ISNI, PPN = "0000000121446296", "027234568"


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


@pytest.fixture
def source(quick_session: Session) -> Source:
    return sources.for_file(quick_session, "RECI")


def people(session: Session, *rows: AgentRow) -> list[Agent]:
    return authorities.create_agents(session, rows, batch=history.open_batch(session, "create", by="claire"))


def three_forms(session: Session, source: Source) -> list[Notice]:
    """Lucie Vasseur under three forms, in five notices; one names two of them."""
    return bring(
        session,
        source,
        notice("Le canal", person("12", "Vasseur", "L.")),
        notice("L’écluse", person("12", "Vasseur", "L.")),
        notice("Le pont", person("13", "Vasseur", "Lucie")),
        notice("Le quai", person("13", "Vasseur", "Lucie"), person("12", "Vasseur", "L.", tag="702")),
        notice("Le port", person("14", "VASSEUR", "Lucie")),
    )


# --- what may be one -------------------------------------------------------------------------

_NAMES = st.tuples(
    st.sampled_from(("Vasseur", "Dumas")),
    st.sampled_from(("Lucie", "L.", "Luc", "Lucie Marie", "")),
    st.sampled_from(("", "1951-")),
)


@given(
    st.lists(_NAMES, max_size=10),
    st.lists(st.tuples(st.integers(0, 9), _NAMES), max_size=6),
    st.sets(st.integers(0, 9), max_size=4),
)
@rules(max_examples=40, deadline=None)
def test_what_is_compared_anew_is_what_would_be_compared_from_scratch(
    first: list[tuple[str, str, str]], changed: list[tuple[int, tuple[str, str, str]]], gone: set[int]
) -> None:
    def name(number: int, parts: tuple[str, str, str]) -> Name:
        return Name(number, "person", ", ".join(part for part in parts[:2] if part), dates=parts[2])

    names = {number: name(number, parts) for number, parts in enumerate(first)}
    kept = near.Kept()
    kept.put(names.values())
    kept.groups()
    moved = {number: name(number, parts) for number, parts in changed if number not in gone}
    kept.put(moved.values(), gone)
    left = {number: one for number, one in {**names, **moved}.items() if number not in gone}
    assert kept.groups() == near.groups(left.values())


def test_a_group_is_counted_replaced_in_one_lot_and_taken_back(quick_session: Session, source: Source) -> None:
    session = quick_session
    book = NameBook()
    three_forms(session, source)
    before = state(session)
    (group,) = book.groups(session)
    (shown,) = near_groups.show_groups(session, [group])
    assert [(m.name, m.notices, len(m.examples)) for m in shown.members] == [
        ("Vasseur, L.", 3, 3),
        ("Vasseur, Lucie", 2, 2),
        ("VASSEUR, Lucie", 1, 1),
    ]
    assert shown.members[0].sources == ("RECI",)
    ids = [member.id for member in shown.members]
    name = "Vasseur, Lucie (géographe)"
    foreseen = near_groups.foresee(session, ids, name)
    done = near_groups.apply_group(session, ids, name, by="claire", expected={m.id: m.version for m in shown.members})
    assert done.notices == foreseen == 5
    assert {tuple(dict(f)["b"] for f in told(n, "700")) for n in session.scalars(select(Notice))} == {
        ("Lucie (géographe)",)
    }
    assert set(agent(session, name).variants) == {"Vasseur, L.", "Vasseur, Lucie", "VASSEUR, Lucie"}
    assert book.groups(session) == []
    assert list(integrity.faults(session)) == []
    assert done.batch is not None
    assert lots.undo(session, done.batch, by="claire").left == []
    assert state(session) == before
    assert book.groups(session) == [group]


def test_only_the_ticked_forms_are_replaced_and_the_kept_notices_stay(quick_session: Session, source: Source) -> None:
    session = quick_session
    three_forms(session, source)
    ids = [agent(session, name).id for name in ("Vasseur, L.", "Vasseur, Lucie")]
    assert near_groups.foresee(session, ids, "Vasseur, Lucie") == 3
    done = near_groups.apply_group(session, ids, "Vasseur, Lucie", by="claire")
    assert (done.notices, done.kept) == (3, ids[1])
    assert agent(session, "VASSEUR, Lucie").status == "accepted"
    with pytest.raises(authorities.Stale):
        near_groups.apply_group(session, ids, "Vasseur, Lucie", by="marc")
    with pytest.raises(ValueError, match="two forms"):
        near_groups.apply_group(session, ids[1:], "Vasseur, Lucie", by="marc")


def test_a_later_edit_of_one_notice_stays_when_the_merge_is_taken_back(quick_session: Session, source: Source) -> None:
    session = quick_session
    one, two, *_rest = three_forms(session, source)
    ids = [agent(session, name).id for name in ("Vasseur, L.", "Vasseur, Lucie")]
    done = near_groups.apply_group(session, ids, "Vasseur, Lucie", by="claire")
    session.refresh(one)
    notices.revise(session, one, [*one.fields, field("330", "a", "Un canal.")], by="marc")
    assert done.batch is not None
    undone = lots.undo(session, done.batch, by="claire")
    assert [(left.entity, left.label, left.code, left.by) for left in undone.left] == [
        ("notice", "Le canal", "changed_since", "marc")
    ]
    assert told(two, "700")[0][:2] == [["a", "Vasseur"], ["b", "L."]]
    assert told(one, "330") == [[["a", "Un canal."]]]
    assert list(integrity.faults(session)) == []


def test_those_who_are_not_the_same_are_told_apart_once_and_that_is_undone_too(quick_session: Session) -> None:
    session, book = quick_session, NameBook()
    one, two, three = people(session, *(AgentRow("person", n) for n in ("Dumas, A.", "Dumas, Agnès", "DUMAS Agnès")))
    (group,) = book.groups(session)
    lot = near_groups.keep_apart(session, [one.id, two.id, three.id], by="claire")
    assert book.groups(session) == []
    assert near_groups.keep_apart(session, [one.id, two.id], by="claire") is None
    assert lot is not None
    lots.undo(session, lot, by="claire")
    assert book.groups(session) == [group]


def test_a_name_is_found_by_its_variants_its_number_and_in_any_script(quick_session: Session) -> None:
    session, book = quick_session, NameBook()
    rows = [
        AgentRow("person", "Nguyễn, Thị Minh Khai", identifiers={"isni": ISNI}),
        AgentRow("person", "محمود درويش"),
        AgentRow("person", "鲁迅", variants=("Lu, Xun",)),
        AgentRow("corporate_body", "Agence du canal", variants=("ADC", "Œuvre de l’écluse")),
    ]
    nguyen, darwich, lu, canal = people(session, *rows)
    found = {
        words: book.find(session, words) for words in ("nguyen minh", "درويش", "lu xun", "鲁迅", "oeuvre ecl", "ADC")
    }
    assert found == {
        "nguyen minh": {nguyen.id},
        "درويش": {darwich.id},
        "lu xun": {lu.id},
        "鲁迅": {lu.id},
        "oeuvre ecl": {canal.id},
        "ADC": {canal.id},
    }
    assert book.find(session, "0000 0001 2144 6296") == {nguyen.id}
    assert book.find(session, "guyen") == book.find(session, "?") == set()
    renaming.rename_agent(session, canal, "Agence de l’eau", by="claire")
    assert book.find(session, "agence eau") == book.find(session, "agence canal") == {canal.id}


# --- the form --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "typed", "words"),
    [
        ("nom", "  ", "Écrivez le nom"),
        ("nom", "V" * 3_000, "3000 signes, c’est trop"),
        ("isni", "0000 0001 2144 6297", "n’est pas un numéro ISNI"),
        ("idref", "027234567", "n’est pas un numéro IdRef"),
        ("bnf", "https://www.idref.fr/027234568", "est un numéro IdRef"),
        ("bnf", "numéro inconnu", "n’est pas un numéro BnF"),
        ("orcid", "<script>", "n’est pas un numéro ORCID"),
        ("formes", "a\n" * 2 + "\n".join(map(str, range(300))), "200 lignes au plus"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(key: str, typed: str, words: str) -> None:
    form = Typed(nom="Vasseur, Lucie").put(key, typed)
    _values, problems = authority_form.values_of(form, {})
    assert [at for at, _words in problems] == [key]
    assert words in problems[0][1]


def test_what_is_right_is_written_one_way_and_a_file_s_own_numbers_stay() -> None:
    form = Typed("Vasseur,  Lucie", "1951-", "L. V.\n\nL. V.\n<b>Lucie</b> V.", "Une <script>alert(1)</script>note")
    form = form.put("isni", "0000 0001 2144 6296").put("bnf", "FRBNF11909772").put("orcid", "pas un numéro")
    values, problems = authority_form.values_of(form, {"web": "https://v.example", "orcid": "pas un numéro"})
    assert problems == []
    assert values == {
        "name": "Vasseur, Lucie",
        "dates": "1951-",
        "note": "Une note",
        "variants": ["L. V.", "Lucie V."],
        "identifiers": {
            "web": "https://v.example",
            "bnf": "cb11909772t",
            "isni": ISNI,
            "orcid": "pas un numéro",
        },
    }


def test_a_number_is_added_and_nothing_is_written_over(quick_session: Session) -> None:
    session = quick_session
    (lucie,) = people(session, AgentRow("person", "Vasseur, L.", dates="1951-"))
    done = renaming.identify_agent(
        session, lucie, {"idref": PPN}, variant="Vasseur, Lucie", dates="1960-", by="claire", expected_version=1
    )
    assert (lucie.identifiers, lucie.variants, lucie.dates) == ({"idref": PPN}, ["Vasseur, Lucie"], "1951-")
    with pytest.raises(renaming.Otherwise):
        renaming.identify_agent(session, lucie, {"idref": "028234561"}, by="claire")
    assert renaming.identify_agent(session, lucie, {"idref": PPN}, by="claire").batch is None
    assert done.batch is not None
    lots.undo(session, done.batch, by="claire")
    assert (lucie.identifiers, lucie.variants) == ({}, [])


# --- lists -----------------------------------------------------------------------------------


def test_a_list_costs_the_same_for_two_names_or_fifty(quick_session: Session, source: Source) -> None:
    session, book = quick_session, NameBook()

    def asked(**how: Any) -> tuple[list[tuple[str, int | None]], int]:
        counted: list[str] = []
        connection = session.connection()
        listen = lambda _c, _cursor, statement, *_rest: counted.append(statement)  # noqa: E731
        event.listen(connection, "before_cursor_execute", listen)
        found = authority_lists.list_authorities(session, book, Asked(**how))
        event.remove(connection, "before_cursor_execute", listen)
        return [(line.name, line.notices) for line in found.lines], len(counted)

    three_forms(session, source)
    people(session, AgentRow("person", "Zola, Émile"), AgentRow("corporate_body", "Agence du canal"))
    asked()
    few, cost = asked()
    assert few == [("Vasseur, L.", 3), ("Vasseur, Lucie", 2), ("VASSEUR, Lucie", 1), ("Zola, Émile", 0)]
    bring(session, source, *(notice(f"N{n}", person(f"{n}", f"Martin{n}", "A.")) for n in range(100, 150)), first=100)
    asked()
    many, more = asked()
    assert (len(many), more) == (50, cost)
    assert asked(by_usage=True)[0][:2] == [("Vasseur, L.", 3), ("Vasseur, Lucie", 2)]
    assert asked(unused=True)[0] == [("Zola, Émile", 0)]
    assert asked(letter="Z")[0] == [("Zola, Émile", 0)]
    assert asked(tab="organismes")[0] == [("Agence du canal", 0)]
    assert asked(words="vasseur lucie", by_usage=True)[0][0] == ("Vasseur, Lucie", 2)


# --- terms -----------------------------------------------------------------------------------


def tree(session: Session) -> dict[str, Concept]:
    """Ville > Habitat > Logement > Loyer; Habitat and Quartier stand side by side under Ville."""
    rows = (
        ConceptRow("t:ville", {"fr": "Ville"}),
        ConceptRow("t:habitat", {"fr": "Habitat"}, alternate=(("fr", "Résidence"),), broader=("t:ville",)),
        ConceptRow("t:quartier", {"fr": "Quartier"}, broader=("t:ville",), related=("t:habitat",)),
        ConceptRow("t:logement", {"fr": "Logement"}, broader=("t:habitat",)),
        ConceptRow("t:loyer", {"fr": "Loyer"}, broader=("t:logement",), related=("t:habitat",)),
    )
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, rows)
    return {row.label: concept(session, row.label) for row in rows}


def placed(session: Session) -> set[tuple[str, str, str]]:
    labels = {c.id: c.label for c in session.scalars(select(Concept))}
    found = session.execute(select(ConceptRelation.concept_id, ConceptRelation.type, ConceptRelation.target_id))
    edges = {(labels[owner], type_, labels[target]) for owner, type_, target in found if target}
    return {(*sorted((a, c)), b) if b == "related" else (a, b, c) for a, b, c in edges}  # type: ignore[misc]


def test_a_term_moves_under_another_never_under_itself_and_back(quick_session: Session) -> None:
    session, terms = quick_session, tree(quick_session)
    before = placed(session)
    for below in ("Habitat", "Logement", "Loyer"):
        with pytest.raises(term_edits.Circle):
            term_edits.move(session, terms["Habitat"], [terms[below]], by="claire")
    done = term_edits.move(session, terms["Habitat"], [terms["Quartier"]], by="claire", expected_version=1)
    assert placed(session) == (before - {("Habitat", "broader", "Ville")}) | {("Habitat", "broader", "Quartier")}
    assert term_edits.move(session, terms["Habitat"], [terms["Quartier"]], by="claire").batch is None
    top = term_edits.move(session, terms["Habitat"], [], by="claire")
    for lot in (top.batch, done.batch):
        assert lot is not None
        assert lots.undo(session, lot, by="claire").left == []
    assert placed(session) == before


def test_what_a_file_says_of_a_term_s_place_survives_the_undo_of_a_person_s_act(quick_session: Session) -> None:
    session, terms = quick_session, tree(quick_session)
    done = term_edits.move(session, terms["Loyer"], [terms["Quartier"]], by="claire")
    row = ConceptRow("t:loyer", {"fr": "Loyer"}, related=("t:ville",))
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, [row])
    row = ConceptRow("t:loyer", {"fr": "Loyer"}, broader=("t:ville",))
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, [row])
    assert done.batch is not None
    undone = lots.undo(session, done.batch, by="claire")
    assert [left.label for left in undone.left] == ["Loyer"]
    assert {("Loyer", "broader", "Ville"), ("Loyer", "broader", "Quartier")} <= placed(session)


def test_what_stood_under_a_merged_term_stands_under_the_one_that_is_kept(quick_session: Session) -> None:
    session, terms = quick_session, tree(quick_session)
    before = placed(session)
    done = renaming.merge_concepts(session, terms["Quartier"], [terms["Habitat"]], by="claire")
    now = placed(session)
    assert ("Logement", "broader", "Quartier") in now
    assert ("Loyer", "Quartier", "related") in now
    assert not any(one != two and {one, two} == {"Quartier"} for one, _type, two in now)
    assert done.batch is not None
    lots.undo(session, done.batch, by="claire")
    assert placed(session) == before

    # Into what stands below it: nothing closes a circle.
    renaming.merge_concepts(session, terms["Loyer"], [terms["Habitat"]], by="claire")
    assert terms["Loyer"].id not in authorities.concepts_above(session, terms["Loyer"].id)
    assert ("Logement", "broader", "Loyer") not in placed(session)


def test_a_withdrawn_term_hands_its_place_on_and_its_notices_keep_the_word(
    quick_session: Session, source: Source
) -> None:
    session, terms = quick_session, tree(quick_session)
    (one,) = bring(session, source, notice("Le canal", field("606", "a", "Habitat", "2", "ville")))
    before = placed(session), state(session)
    done = term_edits.withdraw(session, terms["Habitat"], by="claire", expected_version=1)
    assert ("Logement", "broader", "Ville") in placed(session)
    assert told(one, "606") == [[["a", "Habitat"], ["2", "ville"]]]
    assert renaming.affected(session, terms["Habitat"]) == 0
    assert list(integrity.faults(session)) == []
    assert done.batch is not None
    assert lots.undo(session, done.batch, by="claire").left == []
    assert (placed(session), state(session)) == before


def test_a_synonym_that_goes_leaves_no_notice_without_its_subject(quick_session: Session, source: Source) -> None:
    session, terms = quick_session, tree(quick_session)
    one, two = bring(
        session,
        source,
        notice("Le canal", field("606", "a", "RÉSIDENCE", "2", "ville")),
        notice("Le pont", field("606", "a", "Habitat", "2", "ville")),
    )
    habitat = terms["Habitat"]
    assert len(renaming.rewritten(session, habitat, "Résidence")) == 1
    done = term_edits.remove_synonym(session, habitat, "Résidence", by="claire")
    assert (done.notices, told(one, "606"), told(two, "606")) == (
        1,
        [[["a", "Habitat"], ["2", "ville"]]],
        [[["a", "Habitat"], ["2", "ville"]]],
    )
    assert authorities.find_concepts(session, ["résidence"]) == {}
    added = term_edits.add_synonym(session, habitat, "Logis", by="claire")
    assert authorities.find_concepts(session, ["logis"])["logis"].concept_id == habitat.id
    assert term_edits.add_synonym(session, habitat, "LOGIS", by="claire").batch is None
    assert list(integrity.faults(session)) == []
    for lot in (added.batch, done.batch):
        assert lot is not None
        assert lots.undo(session, lot, by="claire").left == []
    assert told(notices.get(session, one.id), "606")[0][0] == ["a", "RÉSIDENCE"]


# --- the screens -----------------------------------------------------------------------------


def fill(base: db.Database) -> dict[str, int]:
    with base.write() as session:
        three_forms(session, sources.for_file(session, "RECI"))
        names = ("Vasseur, L.", "Vasseur, Lucie", "VASSEUR, Lucie")
        return {name: agent(session, name).id for name in names}


def lot_of(location: str) -> str:
    found = re.search(r"lot=(\d+)", location)
    assert found is not None, location
    return found[1]


def save(client: FlaskClient, number: int, version: int, **typed: str) -> Any:
    blank = dict.fromkeys(authority_form.LABELS, "")
    return client.post(f"/bureau/autorites/{number}", data={**blank, "version": str(version), **typed})


def test_claire_corrects_a_name_and_is_never_punished_for_it(
    app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    ids = fill(base)
    number = ids["Vasseur, L."]
    assert "Vasseur, L." in text(claire.get("/bureau/autorites?q=vass"))
    assert "Rien ne répond" in text(claire.get("/bureau/autorites?q=zzz"))
    assert "Autorités" in text(claire.get("/bureau/fonds"))

    # How many notices a new name changes is said before; each value says where it comes from.
    page = text(claire.get(f"/bureau/autorites/{number}"))
    assert "Changer le nom ou les dates change les 3 notices qui le portent." in page
    assert "RECI 12" in page

    # What cannot be is said beside its field, and all that was typed stays.
    wrong = save(claire, number, 1, nom="V" * 3_000, isni="0000 0001 2144 6297", note="<script>alert(1)</script>")
    assert wrong.status_code == 422
    assert len(said(wrong)) == 2
    assert filled(wrong, "isni") == ["0000 0001 2144 6297"]
    assert filled(wrong, "note") == ["<script>alert(1)</script>"]
    assert filled(wrong, "nom") == ["V" * 3_000]
    assert "<script>alert" not in wrong.get_data(as_text=True)

    # One lot, told with its number of notices, and its way back on the page that follows.
    done = save(claire, number, 1, nom="Nguyễn, Lucie 鲁", dates="1951-", isni=ISNI, note="<b>Géographe</b>")
    assert done.status_code == 303
    page = text(claire.get(done.location))
    assert "3 notices ont changé" in page
    assert "Annuler ce changement" in page
    assert "Nguyễn, Lucie 鲁" in page

    # Marc had the older version before his eyes: both stand side by side, what he typed is there.
    stale = save(claire, number, 1, nom="Vasseur, Lucienne", dates="1951-", note="Autrice")
    assert stale.status_code == 409
    page = text(stale)
    assert "Vasseur, Lucienne" in page
    assert "changé des deux côtés" in page
    with base.read() as session:
        assert session.get_one(Agent, number).name == "Nguyễn, Lucie 鲁"
    chosen = {"choix_nom": "now", "choix_note": "mine", "choix_isni": "now", "choix_formes": "now"}
    settled = save(claire, number, 2, nom="Vasseur, Lucienne", dates="1951-", note="Autrice", **chosen)
    assert settled.status_code == 303
    with base.read() as session:
        row = session.get_one(Agent, number)
        assert (row.name, row.note, row.identifiers) == ("Nguyễn, Lucie 鲁", "Autrice", {"isni": ISNI})

    # Taken back: the later act stays, and says why the first cannot go.
    for lot, left in ((lot_of(settled.location), 0), (lot_of(done.location), 0)):
        answer = claire.post(f"/bureau/historique/{lot}/annuler", data={"retour": f"/bureau/autorites/{number}"})
        assert (answer.status_code, answer.location) == (303, f"/bureau/autorites/{number}"), left
    assert "Vasseur, L." in text(claire.get(f"/bureau/autorites/{number}"))

    # Who only reads sees, and changes nothing.
    marc = signed_in(app, base, "marc", "reader")
    assert "Enregistrer" not in text(marc.get(f"/bureau/autorites/{number}"))
    assert marc.get("/bureau/autorites/proches").status_code == 403
    assert save(marc, number, 5, nom="X").status_code == 403
    assert claire.get("/bureau/autorites/999999").status_code == 404


def test_forms_are_brought_together_and_taken_apart_through_the_screens(claire: FlaskClient, base: db.Database) -> None:
    ids = fill(base)
    page = claire.get("/bureau/autorites/proches")
    assert "Remplacer les 3 formes cochées par :" in text(page)
    key = re.search(r'name="groupe" value="([\d-]+)"', page.get_data(as_text=True))
    assert key is not None
    sent: dict[str, Any] = {"groupe": key[1], **{f"version-{n}": "1" for n in ids.values()}}
    two = [str(ids["Vasseur, L."]), str(ids["Vasseur, Lucie"])]
    where = "/bureau/autorites/proches"

    # What is ticked is counted again; less than two forms, or none to keep, is said.
    counted = claire.post(where, data={**sent, "forme": two, "nom": "Vasseur, Lucie", "action": "compter"})
    assert "3 notices seront modifiées." in text(counted)
    assert len(re.findall(r'name="forme" value="\d+" checked', counted.get_data(as_text=True))) == 2
    alone = claire.post(where, data={**sent, "forme": two[:1], "nom": "Vasseur", "action": "remplacer"})
    assert (alone.status_code, said(alone)) == (422, ["Cochez au moins deux formes."])
    empty = claire.post(where, data={**sent, "forme": two, "nom": " ", "action": "remplacer"})
    assert (empty.status_code, said(empty)) == (422, ["Écrivez la forme à garder."])
    long = claire.post(where, data={**sent, "forme": two, "nom": "V" * 3_000, "action": "remplacer"})
    assert long.status_code == 422

    done = claire.post(where, data={**sent, "forme": two, "nom": "Vasseur, Lucie", "action": "remplacer"})
    assert done.status_code == 303
    assert "3 notices ont changé" in text(claire.get(done.location))
    again = claire.post(where, data={**sent, "forme": two, "nom": "Vasseur, Lucie", "action": "remplacer"})
    assert again.status_code == 409
    assert "rien n’a été fait" in text(again)
    assert claire.get(f"/bureau/autorites/{two[0]}").location == f"/bureau/autorites/{two[1]}"

    # A notice corrected since stays as it is, and the page says so; the rest is as before.
    with base.write() as session:
        one = session.scalars(select(Notice).where(Notice.title == "Le canal")).one()
        notices.revise(session, one, [*one.fields, field("330", "a", "Un canal.")], by="ines")
    undone = text(claire.post(f"/bureau/historique/{lot_of(done.location)}/annuler"))
    assert "1 changement est resté en place" in undone
    assert "Le canal changé depuis par ines" in undone
    with base.read() as session:
        assert session.get_one(Agent, ids["Vasseur, L."]).status == "accepted"
        one = session.scalars(select(Notice).where(Notice.title == "L’écluse")).one()
        assert told(one, "700")[0][1] == ["b", "L."]

    # « Ne sont pas les mêmes » is remembered.
    with base.read() as session:
        versions = {f"version-{n}": str(session.get_one(Agent, n).version) for n in ids.values()}
    apart = claire.post(where, data={**sent, **versions, "forme": list(ids.values()), "action": "distinctes"})
    assert "ne seront plus proposées ensemble" in text(claire.get(apart.location))
    assert "Aucune forme proche" in text(claire.get(where))
    assert "≠" in text(claire.get(f"/bureau/historique/{lot_of(apart.location)}"))

    # By hand: any other form, looked for by its name.
    number = ids["Vasseur, L."]
    found = text(claire.get(f"/bureau/autorites/{number}/reunir?q=vasseur"))
    assert "VASSEUR, Lucie" in found
    other = ids["VASSEUR, Lucie"]
    assert "Est-ce la même ?" in text(claire.get(f"/bureau/autorites/{number}/reunir?avec={other}"))
    data = {"groupe": f"{number}-{other}", **versions, "forme": [number, other], "nom": "Vasseur, L."}
    joined = claire.post(f"/bureau/autorites/{number}/reunir", data={**data, "action": "remplacer"})
    assert joined.location.startswith(f"/bureau/autorites/{number}?lot=")


def test_a_number_is_looked_for_in_idref_and_added_with_one_click(
    claire: FlaskClient, base: db.Database, httpserver: HTTPServer
) -> None:
    number = fill(base)["Vasseur, L."]
    with base.write() as session:
        way = {"idref": {"address": httpserver.url_for("/"), "local": True}}
        remembered.write(session, "lookup.sources", way)
    docs = [{"ppn_z": PPN, "affcourt_z": "Vasseur, Lucie (1951-....)"}, {"ppn_z": "bidon", "affcourt_z": "X"}]
    answer = json.dumps({"response": {"numFound": 2, "docs": docs}})
    asked: list[str] = []

    def solr(request: Any) -> Response:
        asked.append(request.args["q"])
        return Response(answer, content_type="application/json")

    httpserver.expect_request("/Sru/Solr").respond_with_handler(solr)
    page = text(claire.get(f"/bureau/autorites/{number}/idref"))
    assert "Vasseur, Lucie (1951-....)" in page
    assert "bidon" not in page
    assert asked == ["persname_t:(vasseur AND l) AND recordtype_z:a"]
    assert "3 notices seront modifiées" in page, "dates are written in notices too"

    taken = claire.post(
        f"/bureau/autorites/{number}/idref", data={"ppn": PPN, "version": "1", "forme": "Vasseur, Lucie"}
    )
    assert "Annuler ce changement" in text(claire.get(taken.location))
    with base.read() as session:
        row = session.get_one(Agent, number)
        assert (row.identifiers, row.variants, row.dates) == ({"idref": PPN}, ["Vasseur, Lucie"], "")
    twice = claire.post(f"/bureau/autorites/{number}/idref", data={"ppn": "028234561", "version": "2"})
    assert "n’a pas été remplacé" in text(claire.get(twice.location))
    assert claire.post(f"/bureau/autorites/{number}/idref", data={"ppn": "<x>"}).status_code == 400
    claire.post(f"/bureau/historique/{lot_of(taken.location)}/annuler")
    with base.read() as session:
        assert session.get_one(Agent, number).identifiers == {}

    # Down, or saying anything: it is said, and nothing changes.
    httpserver.clear()
    httpserver.expect_request("/Sru/Solr").respond_with_data("<html>", status=500)
    down = claire.get(f"/bureau/autorites/{number}/idref")
    assert down.status_code == 200
    assert "IdRef est en panne de son côté (erreur 500)." in text(down)


def test_what_a_source_says_of_somebody_changed_here_waits_for_claire(claire: FlaskClient, base: db.Database) -> None:
    def said_by_reci(session: Session, name: str) -> None:
        batch = history.open_batch(session, "import", by="travee")
        row = AgentRow("person", name, "77", note="Géographe")
        authorities.take_in_agents(session, sources.for_file(session, "RECI"), [row], batch=lambda: batch)

    with base.write() as session:
        said_by_reci(session, "Vasseur, L.")
    with base.write() as session:
        number = renaming.rename_agent(session, agent(session, "Vasseur, L."), "Vasseur, Lucie", by="claire") and (
            agent(session, "Vasseur, Lucie").id
        )
    with base.write() as session:
        said_by_reci(session, "Vasseur, Luce")
        (known,) = session.scalars(select(ExternalId).where(ExternalId.entity == "agent"))
        assert known.waits
        waiting = known.id
    page = text(claire.get(f"/bureau/autorites/{number}"))
    assert "RECI dit autre chose" in page
    assert "Géographe RECI" in page
    taken = claire.post(f"/bureau/autorites/{number}/dit", data={"numero": str(waiting), "action": "leur"})
    assert "Vasseur, Luce" in text(claire.get(taken.location))
    late = claire.post(f"/bureau/autorites/{number}/dit", data={"numero": str(waiting), "action": "notre"})
    assert "déjà réglée" in text(claire.get(late.location))


def test_a_term_is_renamed_moved_replaced_and_a_class_gets_other_words(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ids = {label: row.id for label, row in tree(session).items()}
        source = sources.for_file(session, "RECI")
        bring(session, source, notice("Le canal", field("606", "a", "Résidence", "2", "ville")))
        batch = history.open_batch(session, "import", by="claire")
        authorities.take_in_classes(session, source, [ClassRow("676", "364.4", "Délinquence")], batch=lambda: batch)
        of_class = session.scalars(select(ClassificationEntry.id)).one()
    number = ids["Habitat"]
    where = f"/bureau/descripteurs/{number}"
    assert "Logement" in text(claire.get("/bureau/autorites?onglet=descripteurs&q=logem"))
    page = text(claire.get(where))
    assert "La notice qui le porte changera" in page
    assert "Résidence" in page

    def act(action: str, version: int, **typed: Any) -> Any:
        return claire.post(where, data={"action": action, "version": str(version), **typed})

    taken = act("renommer", 1, terme="Logement")
    assert (taken.status_code, filled(taken, "terme")) == (422, ["Logement"])
    assert said(taken) == ["« Logement » est déjà un terme, ou mène à « Logement » : réunissez plutôt les deux."]
    circle = act("deplacer", 1, sous=["Loyer", ""])
    assert (circle.status_code, filled(circle, "sous")) == (422, ["Loyer", ""])
    nobody = act("deplacer", 1, sous="Nulle part")
    assert said(nobody) == ["Aucun terme ne s’appelle « Nulle part »."]
    moved = act("deplacer", 1, sous="Quartier")
    assert "Annuler ce changement" in text(claire.get(moved.location))
    assert act("noter", 1, note="Trop tard").status_code == 409
    before = text(claire.get(f"{where}/changer?mot=Résidence&langue=fr"))
    assert "1 notice est écrite ainsi : elle portera « Habitat »." in before
    gone = act("oter", 2, mot="Résidence", langue="fr")
    assert "1 notice a changé" in text(claire.get(gone.location))
    before = text(claire.get(f"{where}/changer?remplace=quartier"))
    assert "1 notice sera modifiée" in before
    replaced = act("retirer", 3, remplace="quartier")
    assert replaced.location.startswith(f"/bureau/descripteurs/{ids['Quartier']}?lot=")
    assert claire.get(where).location == f"/bureau/descripteurs/{ids['Quartier']}"
    back = claire.post(f"/bureau/historique/{lot_of(replaced.location)}/annuler", data={"retour": where})
    assert back.location == where
    assert "Descripteur retiré" in text(claire.get(act("retirer", 5).location.split("?")[0]))

    named = claire.post(f"/bureau/classement/{of_class}", data={"version": "1", "libelle": "Délinquance"})
    assert "364.4 Délinquance" in text(claire.get(named.location))
    late = claire.post(f"/bureau/classement/{of_class}", data={"version": "1", "libelle": "Crimes"})
    assert (late.status_code, filled(late, "libelle")) == (409, ["Crimes"])
    with base.read() as session:
        assert session.scalars(select(Batch.kind).order_by(Batch.id.desc())).first() == "rename"
