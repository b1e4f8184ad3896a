"""Corrections of many at once: what would change is counted before, done in one lot, taken back as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, batch_acts, batch_edit, form, history, items, lots, notices
from catalogue.batch_acts import Act, CopyState
from catalogue.batch_edit import Plan, Progress
from catalogue.db import Database
from catalogue.models import Batch, ConceptScheme, Item, Notice
from catalogue.unimarc import Fields, RecordItem, bare, occurrence
from tests.cast import MIETTES, PHENIX, field, notice
from tests.test_desk import text

URBAN = field("606", "a", "Renouvellement urbain", ind=" 1")
SCHOOL = field("606", "a", "École", ind=" 1")


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def act(name: str, **given: str) -> Act:
    made, errors = batch_acts.understand(name, given, ("available", "missing"))
    assert made is not None, errors
    return made


def says(fields: Fields, tag: str) -> list[list[list[str]]]:
    return [f["s"] for f in fields if f["t"] == tag]


# --- the rules ---------------------------------------------------------------------------------

TWO = notice("Deux sujets", URBAN, SCHOOL, field("101", "a", "fre", ind="0 "))


@pytest.mark.parametrize(
    ("asked", "fields", "tag", "after"),
    [
        (act("add", field="subject", new="Ville"), TWO, "606", ["Renouvellement urbain", "École", "Ville"]),
        (
            act("replace", field="subject", old="ECOLE", new="Scolarité"),
            TWO,
            "606",
            ["Renouvellement urbain", "Scolarité"],
        ),
        (
            act("replace", field="subject", old="école", new="renouvellement urbain"),
            TWO,
            "606",
            ["Renouvellement urbain"],
        ),
        (act("remove", field="subject", old="école"), TWO, "606", ["Renouvellement urbain"]),
        (
            act("words", field="subject", old="urbain", new="des villes", whole="1"),
            TWO,
            "606",
            ["Renouvellement des villes", "École"],
        ),
        (act("replace", field="language", old="français", new="anglais"), TWO, "101", ["eng"]),
        (act("replace", field="keyword", old="anru", new="Logement"), PHENIX, "610", ["Logement;relogement"]),
        (act("remove", field="keyword", old="Relogement"), PHENIX, "610", ["ANRU"]),
        (act("words", field="title", old="L'œuvre", new="La fin"), PHENIX, "200", ["La fin du Phénix", "Autre titre"]),
    ],
)
def test_an_act_changes_its_value_and_no_other(asked: Act, fields: Fields, tag: str, after: list[str]) -> None:
    made, why = batch_acts.changed(fields, asked)
    assert (why, [pairs[0][1] for pairs in says(made, tag)]) == ("", after)
    rest = lambda some: [occurrence(f) for f in some if f["t"] != tag]  # noqa: E731
    assert rest(made) == rest(fields)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (act("add", field="subject", new="école"), "already"),
        (act("add", field="title", new="Un autre"), "filled"),
        (act("replace", field="subject", old="Écoles", new="x"), "absent"),
        (act("words", field="subject", old="cole", new="x", whole="1"), "absent"),
        (act("kind", new="book"), "same"),
    ],
)
def test_what_an_act_leaves_alone_says_why(asked: Act, why: str) -> None:
    assert batch_acts.changed(TWO, asked) == (TWO, why)


def test_words_are_taken_literally_whatever_signs_they_have() -> None:
    fields, why = batch_acts.changed(notice("Prix (a+b)? [1]"), act("words", field="title", old="(a+b)?", new=r"\1"))
    assert (why, says(fields, "200")) == ("", [[["a", r"Prix \1 [1]"]]])


@pytest.mark.parametrize(
    ("name", "given", "where"),
    [
        ("add", {"field": "nothing", "new": "x"}, "field"),
        ("add", {"field": "subject", "new": " "}, "new"),
        ("replace", {"field": "subject", "old": "", "new": "x"}, "old"),
        ("replace", {"field": "language", "old": "français", "new": "martien"}, "new"),
        ("add", {"field": "subject", "new": "x" * 501}, "new"),
        ("kind", {"new": "poem"}, "new"),
        ("state", {"new": "eaten"}, "new"),
    ],
)
def test_what_cannot_be_asked_is_told_at_its_input(name: str, given: dict[str, str], where: str) -> None:
    made, errors = batch_acts.understand(name, given, ("available",))
    assert made is None
    assert where in dict(errors)


@pytest.mark.parametrize(
    ("asked", "number", "after"),
    [
        (act("prefix", old="364", new="365"), "364.4 DUB", ({"call_number": "365.4 DUB"}, "")),
        (act("prefix", old="364", new="365"), "3641 DUB", ({}, "absent")),
        (act("prefix", new="DOC"), "364.4 DUB", ({"call_number": "DOC 364.4 DUB"}, "")),
        (act("prefix", old="doc"), "DOC 364", ({"call_number": "364"}, "")),
        (act("state", new="missing"), "364", ({"status": "missing"}, "")),
        (act("location", new="Réserve"), "364", ({}, "same")),
        (act("show"), "364", ({}, "hidden_elsewhere")),
    ],
)
def test_an_act_on_a_copy(asked: Act, number: str, after: object) -> None:
    copy = CopyState(number, "Réserve", "", "available", hidden=True, hidden_here=False)
    assert batch_acts.changed_copy(copy, asked) == after


# --- a lot -------------------------------------------------------------------------------------


def made_of(session: Session, *several: Fields, status: str = "published") -> list[Notice]:
    return [notices.create(session, list(fields), by="marc", status=status) for fields in several]


def previewed(base: Database, asked: Act, ids: Sequence[int]) -> Plan:
    with base.read() as session:
        made = batch_edit.preview(session, asked, ids, by="claire", about="un essai")
    with base.write() as session:
        batch_edit.keep(session, made)
    return made


def done(base: Database, made: Plan) -> Progress:
    with base.write() as session:
        batch_edit.begin(session, made)
    return batch_edit.run(base, made, by="claire")


def test_a_preview_counts_what_changes_what_does_not_and_why(session: Session) -> None:
    one, two, three = made_of(session, MIETTES, PHENIX, notice("Sans rien"))
    draft = notices.create(session, list(MIETTES), by="marc")
    withdrawn = notices.create(session, list(MIETTES), by="marc", status="merged")
    ids = [n.id for n in (one, two, three, draft, withdrawn)]
    asked = act("remove", field="subject", old="Renouvellement urbain")
    made = batch_edit.preview(session, asked, ids, by="claire", about="tout")
    # A published notice would lose its only subject; a draft may.
    assert [number for number, _version in made.rows] == [draft.id]
    assert made.left == {"required": 1, "absent": 2, "gone": 1}
    assert made.examples["required"] == (one.id,)


def test_a_descriptor_is_written_as_the_thesaurus_says_it(session: Session) -> None:
    scheme = ConceptScheme(code="theme", uri="", title={})
    session.add(scheme)
    session.flush()
    batch = history.open_batch(session, "edit", by="marc")
    authorities.add_concept(session, scheme, "Rénovation urbaine", ["Rénovation urbaine", "ANRU"], batch=batch)
    (one,) = made_of(session, PHENIX)
    asked = act("add", field="subject", new="anru")
    (planned,) = batch_edit.plan(session, asked, [one.id])
    assert says(planned.fields, "606") == [[["a", "Rénovation urbaine"], ["2", "theme"]]]
    assert batch_edit.instead(session, asked) == "Rénovation urbaine"


def test_what_is_complete_is_published_and_what_is_published_goes_back(session: Session) -> None:
    whole, lacking = made_of(session, MIETTES, notice("Sans sujet"), status="draft")
    plans = list(batch_edit.plan(session, Act("publish"), [whole.id, lacking.id]))
    assert [(p.why, p.status) for p in plans] == [("", "published"), ("incomplete", "")]
    (public,) = made_of(session, PHENIX)
    plans = list(batch_edit.plan(session, Act("draft"), [public.id, whole.id]))
    assert [(p.why, p.status) for p in plans] == [("", "draft"), ("same", "")]


def test_one_lot_takes_all_and_leaves_what_somebody_changed_meanwhile(database: Database) -> None:
    with database.write() as session:
        ids = [n.id for n in made_of(session, MIETTES, MIETTES, MIETTES)]
    made = previewed(database, act("add", field="subject", new="Ville"), ids)
    with database.write() as session:
        other = notices.get(session, ids[1])
        notices.revise(session, other, [*other.fields, field("300", "a", "Lu par Marc")], by="marc")
    with database.read() as session:
        assert batch_edit.moved(session, made) == 1
    now = done(database, made)
    assert (now.state, now.changed, now.left) == ("done", 2, ((ids[1], "changed"),))
    with database.read() as session:
        found = [notices.get(session, number) for number in ids]
        assert [len(says(n.fields, "606")) for n in found] == [2, 1, 2]
        fresh = next(f for f in found[0].fields if f["t"] == "606" and f["s"][0][1] == "Ville")
        assert fresh["o"] == [notices.LOCAL], "a correction is ours"
        batch = session.get_one(Batch, now.lot)
        assert (batch.kind, batch.by) == ("correct", "claire")
    with database.write() as session, pytest.raises(batch_edit.Busy):
        batch_edit.begin(session, made)


def test_undo_after_a_later_edit_leaves_that_notice_and_restores_the_others(database: Database) -> None:
    with database.write() as session:
        ids = [n.id for n in made_of(session, MIETTES, MIETTES)]
        before = bare_of(session, ids)
    now = done(database, previewed(database, act("add", field="subject", new="Ville"), ids))
    with database.write() as session:
        one = notices.get(session, ids[0])
        notices.revise(session, one, [*one.fields, field("300", "a", "Une note")], by="marc")
        after = bare_of(session, ids)
    undone = lots.undo_in_parts(database, now.lot or 0, by="claire")
    assert (undone.restored, [(x.entity_id, x.code, x.by) for x in undone.left]) == (
        1,
        [(ids[0], "changed_since", "marc")],
    )
    with database.read() as session:
        assert bare_of(session, ids) == [after[0], before[1]]


class Killed(BaseException):
    """As the system does it."""


def test_one_killed_half_way_says_so_goes_on_in_the_same_lot_and_is_undone_whole(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_edit, "PART", 2)
    monkeypatch.setattr(lots, "PART", 2)
    with database.write() as session:
        ids = [n.id for n in made_of(session, *[MIETTES] * 5)]
        before = bare_of(session, ids)
    made = previewed(database, act("add", field="subject", new="Ville"), ids)
    real, calls = batch_edit._one_part, list[int]()

    def one_part(*given: Any) -> Progress:
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return real(*given)

    monkeypatch.setattr(batch_edit, "_one_part", one_part)
    with pytest.raises(Killed):
        done(database, made)
    with database.read() as session:
        assert batch_edit.progress(session, made.token).state == "running", "this process may still be at it"
    monkeypatch.setattr(batch_edit.process, "is_gone", lambda _name: True)
    with database.read() as session:
        half = batch_edit.progress(session, made.token)
    assert (half.state, half.seen, half.changed) == ("stopped", 2, 2)
    now = done(database, made)
    assert (now.state, now.changed, now.lot) == ("done", 5, half.lot)
    assert lots.undo_in_parts(database, now.lot or 0, by="claire").restored == 5
    with database.read() as session:
        assert bare_of(session, ids) == before


def test_a_lot_taken_back_while_it_is_being_done_is_not_gone_on_with(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_edit, "PART", 2)
    with database.write() as session:
        ids = [n.id for n in made_of(session, *[MIETTES] * 5)]
    made = previewed(database, act("add", field="subject", new="Ville"), ids)
    real = batch_edit._one_part

    def then_undone(session: Session, *given: Any) -> Progress:
        now = real(session, *given)
        lots.undo(session, session.get_one(Batch, now.lot), by="marc")
        return now

    monkeypatch.setattr(batch_edit, "_one_part", then_undone)
    now = done(database, made)
    assert (now.state, now.seen) == ("undone", 2)
    with database.read() as session:
        assert all(len(says(notices.get(session, n).fields, "606")) == 1 for n in ids)


def test_copies_change_in_a_lot_and_go_back(database: Database) -> None:
    with database.write() as session:
        one, two = made_of(session, MIETTES, PHENIX)
        batch = history.open_batch(session, "copy", by="marc")
        copies = [(one.id, RecordItem(call_number="364.4 DUB")), (two.id, RecordItem(call_number="370 LEG"))]
        ids, _problems = items.add_many(session, copies, batch=batch)
    for asked, changed in (
        (act("location", new="Réserve"), 2),
        (Act("hide"), 2),
        (act("prefix", old="364", new="365"), 1),
    ):
        now = done(database, previewed(database, asked, ids))
        assert now.changed == changed
    with database.read() as session:
        moved = session.scalars(select(Item).order_by(Item.id)).all()
        assert [(i.call_number, bool(i.location_id), items.why_hidden(i)) for i in moved] == [
            ("365.4 DUB", True, items.HIDDEN_HERE),
            ("370 LEG", True, items.HIDDEN_HERE),
        ]
    assert lots.undo_in_parts(database, now.lot or 0, by="claire").restored == 1
    with database.read() as session:
        assert session.scalars(select(Item.call_number).order_by(Item.id)).all() == ["364.4 DUB", "370 LEG"]


def bare_of(session: Session, ids: Sequence[int]) -> list[tuple[str, list[Any]]]:
    found = [notices.get(session, number) for number in ids]
    return [(n.status, [bare(f) for f in n.fields]) for n in found]


WORDS = st.sampled_from(["École", "école", "Ville", "Renouvellement urbain", "urbain", "Deux", "a"])
ASKED = st.one_of(
    st.builds(
        Act, st.just("add"), st.sampled_from(["subject", "keyword", "note", "subtitle", "title"]), st.just(""), WORDS
    ),
    st.builds(
        Act, st.sampled_from(["replace", "words"]), st.sampled_from(["subject", "keyword", "title"]), WORDS, WORDS
    ),
    st.builds(Act, st.just("remove"), st.sampled_from(["subject", "keyword"]), WORDS),
    st.builds(Act, st.just("kind"), st.just(""), st.just(""), st.sampled_from(["book", "report", "article"])),
    st.builds(Act, st.sampled_from(["publish", "draft"])),
)


@rules(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ASKED, min_size=1, max_size=3), touched=st.sets(st.integers(0, 3)))
def test_apply_then_undo_restores_every_notice_that_nobody_touched(
    session: Session, acts: list[Act], touched: set[int]
) -> None:
    with session.begin_nested() as nested:
        found = made_of(session, TWO, PHENIX, MIETTES) + made_of(session, TWO, status="draft")
        ids = [n.id for n in found]
        before = bare_of(session, ids)
        batches = []
        for asked in acts:
            planned = [p for p in batch_edit.plan(session, asked, ids) if not p.why]
            if planned:
                batches.append(history.open_batch(session, batch_edit.KIND, by="claire"))
                batch_edit.write(session, planned, asked, batches[-1])
        for n in touched:
            notices.revise(session, found[n], [*found[n].fields, field("300", "a", "Marc")], by="marc")
        after = bare_of(session, ids)
        for batch in reversed(batches):
            lots.undo(session, batch, by="claire")
        now = bare_of(session, ids)
        for n in range(len(ids)):
            assert now[n] == (after[n] if n in touched else before[n])
        nested.rollback()


# --- the screens -------------------------------------------------------------------------------


def test_a_walk_from_the_results_to_one_lot_and_back(claire: FlaskClient) -> None:
    travee = claire.application.extensions["travee"]
    with travee.db.write() as session:
        made_of(session, *[MIETTES] * 3)
    travee.drain()
    page = claire.get("/recherche?q=miettes").text
    assert 'href="/bureau/corrections?q=miettes">Corriger ces 3 notices</a>' in page
    assert "3 notices" in text(claire.get("/bureau/corrections?q=miettes"))
    wrong = claire.post("/bureau/corrections?q=miettes&acte=add", data={"field": "subject", "new": ""})
    assert wrong.status_code == 422
    assert "<title>Erreur" in wrong.text
    sent = {"field": "subject", "new": "Ville"}
    answer = claire.post("/bureau/corrections?q=miettes&acte=add", data=sent)
    assert answer.status_code == 303
    shown = claire.get(answer.location).text
    assert "Appliquer aux 3 notices" in shown
    assert "<ins>Ville</ins>" in shown
    assert "annulable 30 jours" in shown
    done_at = claire.post(f"{answer.location}/appliquer").location
    assert "3 notices ont été corrigées." in text(claire.get(done_at))
    again = claire.post(f"{answer.location}/appliquer", follow_redirects=True)
    assert "déjà en cours, ou déjà faites" in again.text
    with travee.db.read() as session:
        assert {len(says(n.fields, "606")) for n in session.scalars(select(Notice))} == {2}
    assert claire.get("/bureau/corrections/nothing").status_code == 404
    assert claire.post("/bureau/corrections?acte=add", data=sent).status_code == 400


def test_a_set_is_a_list_of_addresses_drafts_a_selection_or_copies(claire: FlaskClient) -> None:
    travee = claire.application.extensions["travee"]
    with travee.db.write() as session:
        one, two = made_of(session, MIETTES, PHENIX)
        draft = notices.create(session, notice("Un brouillon"), by="marc")
        batch = history.open_batch(session, "copy", by="marc")
        items.add_many(session, [(one.id, RecordItem(call_number="364.4 DUB"))], batch=batch)
        addresses = one.address, two.address, draft.address
    travee.drain()
    listed = f"/bureau/corrections?liste=https://exemple.fr/d/{addresses[0]}%0A{addresses[1]}+zzzzzzzz"
    assert "2 notices" in text(claire.get(listed))
    assert "1 notice" in text(claire.get("/bureau/corrections?etat=brouillon"))
    claire.post("/selection", data={"document": addresses[1], "acte": "ajouter"})
    assert "1 notice" in text(claire.get("/bureau/corrections?selection=la-mienne"))
    assert "1 exemplaire" in text(claire.get("/bureau/corrections?copies=oui&de=364"))
    assert "copies=oui" in claire.get("/bureau/inventaire").text
    # An act on copies takes those of the notices that were chosen.
    answer = claire.post(f"/bureau/corrections?liste={addresses[0]}&acte=section", data={"new": "Urbanisme"})
    assert "Appliquer à l’exemplaire" in text(claire.get(answer.location))


def test_who_only_reads_corrects_nothing(client: FlaskClient) -> None:
    assert client.get("/bureau/corrections").status_code == 302
    assert "Corriger ces" not in client.get("/recherche").text


def test_who_is_there_under_both_forms_keeps_both_roles() -> None:
    values = {"title": ["La ville"], "author": ["Martin, Léa", "Martin, L."], "author_role": ["070", "730"]}
    fields = form.write([], {form.KIND: ["book"], **values})
    after, why = batch_acts.changed(fields, Act("replace", "author", "Martin, L.", "Martin, Léa"))
    read = form.read(after)
    assert (why, read["author"], read["author_role"]) == ("", ["Martin, Léa", "Martin, Léa"], ["070", "730"])
    again = form.write([], {form.KIND: ["book"], **values, "author_role": ["070", "070"]})
    after, _why = batch_acts.changed(again, Act("replace", "author", "Martin, L.", "Martin, Léa"))
    assert form.read(after)["author"] == ["Martin, Léa"]
