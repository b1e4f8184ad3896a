"""Rename, merge and promote: every notice in one lot, and back again; two forms of one name are proposed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, history, integrity, lots, near_groups, notices, renaming, setup, sources
from catalogue.authorities import near
from catalogue.authorities.near import Name
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.entities import AgentRow, ConceptRow
from catalogue.headings import make_heading
from catalogue.models import Agent, Batch, Concept, IndexQueue, Notice, NoticeAgent, NoticeConcept, Source
from catalogue.unimarc import Field, Fields, Record, bare
from harvest import intake
from tests.cast import field, notice


@pytest.fixture
def source(session: Session) -> Source:
    return sources.for_file(session, "RECI")


def bring(session: Session, source: Source, *fields: Fields, first: int = 0) -> list[Notice]:
    """Records of a source become notices, as an import would make them."""
    opened: list[Batch] = []

    def lot() -> Batch:
        opened[:] = opened or [history.open_batch(session, "import", by="claire")]
        return opened[0]

    rows = [
        intake.receive(source, Record([*f, {"t": "001", "v": f"n{n}"}], control_number=f"n{n}"))
        for n, f in enumerate(fields, first)
    ]
    done = intake.take_in(session, source, rows, batch=lot, status="published")
    return [notices.get(session, o.notice_id) for o in done if o.notice_id]


def person(number: str, family: str, given: str, *more: str, tag: str = "700") -> Field:
    return field(tag, "a", family, "b", given, *more, "9", f"id:{number}", "4", "070", ind=" 1")


def agent(session: Session, name: str) -> Agent:
    return session.scalars(select(Agent).where(Agent.name == name)).one()


def told(found: Notice, *tags: str) -> list[list[list[str]]]:
    return [f["s"] for f in found.fields if f["t"] in tags]


def state(session: Session) -> dict[str, Any]:
    """All that an undo must bring back: notices with who said each field, agents, and how they are linked."""
    session.expire_all()
    linked = select(NoticeAgent.notice_id, NoticeAgent.pos, NoticeAgent.name, NoticeAgent.agent_id)
    about = select(NoticeConcept.notice_id, NoticeConcept.pos, NoticeConcept.label, NoticeConcept.concept_id)
    return {
        "notices": {
            n.address: ([(bare(f), f.get("o")) for f in n.fields], n.status) for n in session.scalars(select(Notice))
        },
        "agents": {a.id: authorities.snapshot_agent(a) for a in session.scalars(select(Agent))},
        "concepts": {c.id: authorities.snapshot_concept(c) for c in session.scalars(select(Concept))},
        "linked": sorted(tuple(row) for row in session.execute(linked)),
        "about": sorted(tuple(row) for row in session.execute(about)),
    }


# --- rename ------------------------------------------------------------------------------------


def test_rename_changes_every_notice_and_nothing_else_in_it(session: Session, source: Source) -> None:
    one, two, other = bring(
        session,
        source,
        notice("Le canal", person("12", "Vasseur", "L.", "f", "1951-")),
        notice("L’écluse", field("600", "a", "Vasseur", "b", "L.", "x", "Biographies", "9", "id:12")),
        notice("Le pont", person("13", "Vasseur", "Luc")),
    )
    before = state(session)
    row = agent(session, "Vasseur, L.")
    assert renaming.affected(session, row) == 2
    done = renaming.rename_agent(session, row, "Vasseur, Lucie", by="claire", expected_version=row.version)
    assert done.notices == 2
    assert told(one, "700") == [[["a", "Vasseur"], ["b", "Lucie"], ["f", "1951-"], ["9", "id:12"], ["4", "070"]]]
    assert told(two, "600")[0][2:] == [["f", "1951-"], ["x", "Biographies"], ["9", "id:12"]]
    assert told(other, "700")[0][1] == ["b", "Luc"]
    assert [f["o"] for f in one.fields if f["t"] == "700"] == [["l"]], "what is written is ours"
    assert all(f["o"] != ["l"] for f in one.fields if f["t"] != "700")
    assert row.variants == ["Vasseur, L."]
    queued = set(session.scalars(select(IndexQueue.notice_id)))
    assert {one.id, two.id} <= queued
    assert list(integrity.faults(session)) == []
    with pytest.raises(authorities.Stale):
        renaming.rename_agent(session, agent(session, "Vasseur, Lucie"), "Autre", by="marc", expected_version=1)
    assert done.batch
    assert lots.undo(session, done.batch, by="claire").left == []
    assert state(session) == before


def test_a_harvest_does_not_take_a_new_name_back(session: Session, source: Source) -> None:
    first = notice("Le canal", person("12", "Vasseur", "L."))
    (made,) = bring(session, source, first)
    renaming.rename_agent(session, agent(session, "Vasseur, L."), "Vasseur, Lucie", by="claire")
    again = intake.receive(
        source, Record([*first, field("300", "a", "Note"), {"t": "001", "v": "n0"}], control_number="n0")
    )
    (outcome,) = intake.take_in(
        session,
        source,
        [again],
        batch=lambda: history.open_batch(session, "import", by="x"),
        status="published",
        follow=True,
    )
    assert outcome.waits
    assert told(made, "700")[0][1] == ["b", "Lucie"]


def test_what_stands_beside_a_name_stays(session: Session, source: Source) -> None:
    (made,) = bring(
        session, source, notice("Encyclique", person("1", "Jean", "", "d", "XXIII", "c", "pape", "f", "1881-1963"))
    )
    row = session.scalars(select(Agent)).one()
    renaming.rename_agent(session, row, "Roncalli, Angelo", by="claire", dates="1881-1963")
    assert told(made, "700")[0][:5] == [
        ["a", "Roncalli"],
        ["b", "Angelo"],
        ["d", "XXIII"],
        ["c", "pape"],
        ["f", "1881-1963"],
    ]


# --- merge -------------------------------------------------------------------------------------


def test_merge_gives_the_others_notices_the_name_and_number_that_are_kept(session: Session, source: Source) -> None:
    one, two, both = bring(
        session,
        source,
        notice("Le canal", person("12", "Vasseur", "L.")),
        notice("L’écluse", person("13", "VASSEUR", "Lucie", "f", "1951-", "3", "11909772")),
        notice("Le pont", person("12", "Vasseur", "L."), person("13", "VASSEUR", "Lucie", "f", "1951-", tag="701")),
    )
    before = state(session)
    kept, other = agent(session, "VASSEUR, Lucie"), agent(session, "Vasseur, L.")
    done = renaming.merge_agents(session, kept, [other], by="claire")
    assert done.notices == 2
    assert told(one, "700") == [[["a", "VASSEUR"], ["b", "Lucie"], ["f", "1951-"], ["9", "id:13"], ["4", "070"]]]
    assert told(both, "700") == told(one, "700")
    assert told(two, "700")[0] == [
        ["a", "VASSEUR"],
        ["b", "Lucie"],
        ["f", "1951-"],
        ["3", "11909772"],
        ["9", "id:13"],
        ["4", "070"],
    ]
    assert (other.status, other.merged_into_id, kept.variants) == ("merged", kept.id, ["Vasseur, L."])
    (late,) = bring(session, source, notice("Arrivé depuis", person("12", "Vasseur", "L.")), first=9)
    assert session.scalars(select(NoticeAgent.agent_id).where(NoticeAgent.notice_id == late.id)).all() == [kept.id]
    assert list(integrity.faults(session)) == []
    assert done.batch
    assert lots.undo(session, done.batch, by="claire").left == []
    after = state(session)
    assert after["agents"] == before["agents"]
    assert {a: n for a, n in after["notices"].items() if a != late.address} == before["notices"]
    assert session.scalars(select(NoticeAgent.agent_id).where(NoticeAgent.notice_id == late.id)).all() == [other.id]
    assert list(integrity.faults(session)) == []


def test_undo_of_a_merge_names_what_somebody_touched_since(session: Session, source: Source) -> None:
    one, two, _kept = bring(
        session,
        source,
        notice("Le canal", person("12", "Vasseur", "L.")),
        notice("L’écluse", person("12", "Vasseur", "L.")),
        notice("Le pont", person("13", "Vasseur", "Lucie")),
    )
    kept, other = agent(session, "Vasseur, Lucie"), agent(session, "Vasseur, L.")
    done = renaming.merge_agents(session, kept, [other], by="claire", expected={kept.id: 1, other.id: 1})
    notices.revise(session, one, [*one.fields, field("300", "a", "Relue")], by="marc")
    assert done.batch
    undone = lots.undo(session, done.batch, by="claire")
    assert [(left.label, left.code, left.by) for left in undone.left] == [("Le canal", "changed_since", "marc")]
    assert told(two, "700")[0][1] == ["b", "L."]
    assert told(one, "700")[0][1:3] == [["b", "Lucie"], ["9", "id:13"]], "it still names the one it shows"
    assert (other.status, other.merged_into_id) == ("accepted", None)
    assert list(integrity.faults(session)) == []


def test_a_kept_agent_that_the_source_does_not_number_gets_a_number_of_ours(session: Session, source: Source) -> None:
    (made,) = bring(session, source, notice("Le canal", person("12", "Vasseur", "L.", "3", "11909772")))
    batch = history.open_batch(session, "create", by="claire")
    (kept,) = authorities.create_agents(session, [AgentRow("person", "Vasseur, Lucie")], batch=batch)
    renaming.merge_agents(session, kept, [agent(session, "Vasseur, L.")], by="claire")
    assert told(made, "700") == [[["3", f"travee:{kept.id}"], ["a", "Vasseur"], ["b", "Lucie"], ["4", "070"]]]
    assert session.scalars(select(NoticeAgent.agent_id)).all() == [kept.id]
    assert list(integrity.faults(session)) == []


NAMES = (("1", "Vasseur", "L."), ("2", "Vasseur", "Lucie"), ("3", "Dumas", "Agnès"))
MENTION = st.tuples(st.sampled_from(NAMES), st.sampled_from(("700", "701", "600")))


@rules(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(MENTION, max_size=3), min_size=1, max_size=5), st.permutations((0, 1, 2)), st.booleans())
def test_merge_then_undo_is_before(
    database: Database, documents: list[list[tuple[tuple[str, str, str], str]]], order: list[int], rename: bool
) -> None:
    """Whatever the notices name, and whoever is kept; renamed first or not."""
    with database.write_session() as session:
        source = sources.for_file(session, "RECI")
        every: list[Fields] = [notice("Tous", *(person(*name) for name in NAMES))]
        for n, mentions in enumerate(documents):
            every.append(notice(f"Titre {n}", *(person(*name, tag=tag) for name, tag in mentions)))
        bring(session, source, *every)
        agents = session.scalars(select(Agent).order_by(Agent.id)).all()
        kept, *others = (agents[n] for n in order)
        if rename:
            renaming.rename_agent(session, kept, "Vasseur-Dumas, Lucie", by="claire")
        before = state(session)
        count = renaming.affected(session, *others)
        done = renaming.merge_agents(session, kept, others, by="claire")
        assert done.batch and done.notices == count
        assert list(integrity.faults(session)) == []
        assert not authorities.notices_naming(session, Agent, [other.id for other in others])
        assert lots.undo(session, done.batch, by="marc").left == []
        assert state(session) == before
        assert list(integrity.faults(session)) == []
        session.rollback()


# --- concepts ----------------------------------------------------------------------------------


def thesaurus(session: Session, *labels: str) -> None:
    rows = tuple(ConceptRow(f"t:{label}", {"fr": label, "en": f"{label} (en)"}) for label in labels)
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, rows)


def concept(session: Session, label: str) -> Concept:
    return session.scalars(select(Concept).where(Concept.label == label)).one()


def test_a_concept_renamed_is_renamed_in_its_notices(session: Session, source: Source) -> None:
    thesaurus(session, "Habitat", "Ghetto")
    one, two = bring(
        session,
        source,
        notice("Le canal", field("606", "a", "GHETTO", "2", "ville"), field("606", "a", "Habitat")),
        notice(
            "Le pont",
            field("606", "3", "t:Ghetto", "a", "Ghetto", "x", "Histoire", "9", "lang:fr_FR"),
            field("606", "a", "Ghetto (en)", "9", "lang:en_UK"),
        ),
    )
    before = state(session)
    done = renaming.rename_concept(session, concept(session, "Ghetto"), "Ségrégation urbaine", by="claire")
    assert done.notices == 2
    assert told(one, "606") == [[["a", "Ségrégation urbaine"], ["2", "ville"]], [["a", "Habitat"]]]
    assert [s[-2:] for s in told(two, "606")][1] == [["a", "Ghetto (en)"], ["9", "lang:en_UK"]]
    assert authorities.find_concepts(session, ["ghetto"])["ghetto"].label == "Ségrégation urbaine"
    assert list(integrity.faults(session)) == []
    assert done.batch
    assert lots.undo(session, done.batch, by="claire").left == []
    assert state(session) == before
    assert list(integrity.faults(session)) == []


def test_concepts_merged_are_one_in_every_notice(session: Session, source: Source) -> None:
    thesaurus(session, "Habitat", "Logement", "Pont")
    one, two = bring(
        session,
        source,
        notice("Le canal", field("606", "a", "Logement", "x", "Histoire"), field("606", "a", "Logement")),
        notice("Le pont", field("606", "a", "Habitat"), field("606", "a", "Pont")),
    )
    before = state(session)
    kept, other = concept(session, "Habitat"), concept(session, "Logement")
    done = renaming.merge_concepts(session, kept, [other], by="claire")
    assert told(one, "606") == [
        [["a", "Logement"], ["x", "Histoire"]],
        [["3", "t:Habitat"], ["a", "Habitat"]],
    ]
    assert told(two, "606")[0] == [["a", "Habitat"]]
    assert authorities.find_concepts(session, ["logement"])["logement"].concept_id == kept.id
    assert list(integrity.faults(session)) == []
    assert done.batch
    assert lots.undo(session, done.batch, by="claire").left == []
    assert state(session) == before


def test_a_keyword_becomes_a_descriptor_everywhere_in_one_lot(session: Session, source: Source) -> None:
    one, two, three, four = bring(
        session,
        source,
        notice("Le canal", field("610", "a", "Relogement;ANRU; relogements"), field("676", "a", "307")),
        notice("Le pont", field("610", "a", "RELOGEMENT")),
        notice("L’écluse", field("610", "a", "ANRU")),
        notice("Le quai", field("606", "a", "RELOGEMENTS")),
    )
    before = state(session)
    assert renaming.affected_by_keyword(session, "relogement") == 2
    made, done = renaming.promote(session, "Relogement", by="claire", synonyms=["relogements"])
    assert (made.label, made.status, done.notices) == ("Relogement", "accepted", 2)
    assert [f["t"] for f in one.fields if f["t"][0] == "6"] == ["606", "610", "676"]
    assert told(one, "610") == [[["a", "ANRU"]]]
    assert told(two, "610") == []
    assert told(two, "606") == [[["3", f"travee:{made.id}"], ["a", "Relogement"], ["2", "local"]]]
    assert told(three, "606") == []
    carried = session.scalars(select(NoticeConcept.notice_id).where(NoticeConcept.concept_id == made.id)).all()
    assert sorted(carried) == sorted((one.id, two.id, four.id)), "and who had written the word as a descriptor"
    assert told(four, "606") == [[["a", "RELOGEMENTS"]]]
    assert authorities.find_concepts(session, ["relogements"])["relogements"].concept_id == made.id
    assert list(integrity.faults(session)) == []
    assert done.batch
    assert lots.undo(session, done.batch, by="claire").left == []
    assert session.get_one(Concept, made.id).status == "withdrawn"
    after = state(session)
    assert (after["notices"], after["about"]) == (before["notices"], before["about"])


def test_a_keyword_can_join_a_concept_that_is_there(session: Session, source: Source) -> None:
    thesaurus(session, "Habitat")
    (one,) = bring(session, source, notice("Le canal", field("606", "a", "Habitat"), field("610", "a", "logements")))
    kept = concept(session, "Habitat")
    found, done = renaming.promote(session, "logements", by="claire", concept=kept)
    assert (found.id, done.notices, told(one, "606"), told(one, "610")) == (kept.id, 1, [[["a", "Habitat"]]], [])
    assert authorities.find_concepts(session, ["Logements"])["logements"].label == "Habitat"


# --- two forms of one name -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "code"),
    [
        ("Dumas, Agnès", "DUMAS AGNES", "same"),
        ("Dumas, Agnès", "Agnès Dumas", "order"),
        ("Dumas, Agnès", "Dumas, A.", "initials"),
        ("Durand, Jean-Pierre", "Durand, J.-P.", "initials"),
        ("Durand, Jean-Pierre", "Durand, JP", "initials"),
        ("Dumas, Agnès", "Dumas, Agnès Marie", "shorter"),
        ("Dumas, Agnès", "Dumas, Alain", ""),
        ("Dumas, Jean", "Dumas, Jeanne", ""),
        ("Durand, Jean", "Durand, Jean-Pierre", ""),
        ("Dumas, Alexandre (père)", "Dumas, Alexandre (fils)", ""),
        ("Dumas, Alexandre", "Dumas, Alexandre (fils)", ""),
        ("Lefebvre, Paul", "Lefevre, Paul", ""),
    ],
)
def test_names_alone(left: str, right: str, code: str) -> None:
    found = near.compare(Name(1, "person", left), Name(2, "person", right))
    assert (found.code if found else "") == code
    assert near.compare(Name(1, "person", right), Name(2, "person", left)) == found


@pytest.mark.parametrize(
    ("left", "right", "code"),
    [
        (
            Name(1, "person", "Lefebvre, Paul", dates="1950-...."),
            Name(2, "person", "Lefevre, Paul", dates="1950-"),
            "typo",
        ),
        (Name(1, "person", "Lefebvre, Paul", dates="1950-"), Name(2, "person", "Lefebvre, Paule", dates="1950-"), ""),
        (Name(1, "person", "Roy, Frédéric", dates="1950-"), Name(2, "person", "Roy, Frédérique", dates="1950-"), ""),
        (Name(1, "person", "Roy, Anne", dates="1950-"), Name(2, "person", "Roy, Anne", dates="1961-"), ""),
        (
            Name(1, "person", "Roy, Anne", dates="1950-2001"),
            Name(2, "person", "Roy, A.", dates="1950-"),
            "initials_dates",
        ),
        (Name(1, "person", "Roy", dates="1950-"), Name(2, "person", "Roy, Anne", dates="1950-"), "no_given"),
        (Name(1, "person", "Roy, Anne", ("Leroy, A.",)), Name(2, "person", "Leroy, A."), "variant"),
        (
            Name(1, "person", "Roy, Anne", identifiers={"isni": "1"}),
            Name(2, "person", "King, Ann", identifiers={"isni": "1"}),
            "identifier",
        ),
        (
            Name(1, "person", "Roy, Anne", identifiers={"idref": "1"}),
            Name(2, "person", "Roy, Anne", identifiers={"idref": "2"}),
            "",
        ),
        (Name(1, "person", "Jean", qualifiers="II pape"), Name(2, "person", "Jean", qualifiers="III pape"), ""),
        (
            Name(1, "corporate_body", "ANRU"),
            Name(2, "corporate_body", "Agence nationale pour la rénovation urbaine"),
            "acronym",
        ),
        (Name(1, "corporate_body", "Direction du canal 59"), Name(2, "corporate_body", "Direction du canal 62"), ""),
        (Name(1, "corporate_body", "Éditions du Canal"), Name(2, "corporate_body", "Edition du Canal"), "typo_body"),
        (Name(1, "person", "Canal"), Name(2, "corporate_body", "Canal"), ""),
    ],
)
def test_names_with_what_is_known_of_them(left: Name, right: Name, code: str) -> None:
    found = near.compare(left, right)
    assert (found.code if found else "") == code


def test_a_group_holds_nobody_that_another_excludes() -> None:
    names = [
        Name(1, "person", "Dumas, A."),
        Name(2, "person", "Dumas, Agnès", dates="1950-"),
        Name(3, "person", "Dumas, Alain", dates="1961-"),
        Name(4, "person", "DUMAS Agnès"),
    ]
    found = [group.ids for group in near.groups(names)]
    assert all(not {2, 3} <= set(ids) and not {4, 3} <= set(ids) for ids in found)
    assert (2, 4) in [tuple(i for i in ids if i != 1) for ids in found]
    assert any({1, 3} <= set(ids) for ids in found), "the initials fit them both"
    assert near.groups(names[1:2]) == []


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(("Agnès", "A.", "Alain", "Jean", ""))), max_size=12))
@rules(max_examples=40, deadline=None)
def test_groups_do_not_depend_on_the_order(people: list[tuple[str, str]]) -> None:
    names = [Name(n, "person", f"{family}ernard, {given}".rstrip(", ")) for n, (family, given) in enumerate(people)]
    found = near.groups(names)
    assert near.groups(names[::-1]) == found
    assert all(0.6 <= group.score <= 1 and group.reasons and len(group.ids) > 1 for group in found)
    assert all(reason.sentence() for group in found for reason in group.reasons)


def test_twenty_thousand_names_share_few_blocks() -> None:
    """Bounded work: each name is compared with a handful of others, even where half of them are called the same."""
    names: Iterable[Name] = [Name(n, "person", f"Nom{n % 1000}, P{n}") for n in range(2_000)]
    same = [Name(n, "person", "Martin, Anne") for n in range(2_000, 2_600)]
    kept = near.Kept()
    kept.put([*names, *same])
    assert 600 < len(set().union(*kept._pairs.values())) < 12 * 2_600


def test_two_forms_are_proposed_until_somebody_says_that_they_are_two(session: Session) -> None:
    batch = history.open_batch(session, "create", by="claire")
    rows = [AgentRow("person", "Vasseur, L."), AgentRow("person", "Vasseur, Lucie", dates="1951-")]
    short, full = authorities.create_agents(session, rows, batch=batch)
    (group,) = authorities.find_near(session)
    assert (group.ids, group.reasons[0].sentence()) == ((full.id, short.id), "Des initiales à la place du prénom.")
    assert authorities.find_near(session, among=[full.id]) == [group]
    lot = near_groups.keep_apart(session, [short.id, full.id], by="claire")
    assert lot is not None
    assert authorities.find_near(session) == []
    lots.undo(session, lot, by="claire")
    assert authorities.find_near(session) == [group]


def test_a_heading_is_made_of_a_name() -> None:
    assert make_heading("person", "Vasseur, Lucie", "1951-") == (("a", "Vasseur"), ("b", "Lucie"), ("f", "1951-"))
    assert make_heading("corporate_body", "Canal, ville et paysage") == (("a", "Canal, ville et paysage"),)


# --- the command -------------------------------------------------------------------------------


def test_authorities_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_LANGUAGE", "fr")

    def travee(*words: str) -> Result:
        done = CliRunner().invoke(main, ["authority", *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    setup.init(Settings())
    base = Database(Settings().url)
    with base.write() as session:
        titles = [
            notice("Le canal", person("12", "Vasseur", "L.")),
            notice("Le pont", person("13", "Vasseur", "Lucie")),
        ]
        bring(session, sources.for_file(session, "RECI"), *titles, notice("Mot", field("610", "a", "relogement")))
    base.close()
    assert travee("list", "vasseur").output.splitlines() == ["agent:1      Vasseur, L.", "agent:2      Vasseur, Lucie"]
    assert "Des initiales à la place du prénom." in travee("near").output
    assert travee("merge", "2", "1", "--dry-run").output == "1 notice changerait.\n"
    merged = json.loads(travee("merge", "agent:2", "agent:1", "--by", "claire", "--json").output)
    assert merged["notices"] == 1
    assert "fondue dans n° 2" in travee("show", "1").output
    shown = json.loads(travee("show", "2", "--json").output)
    assert (shown["variants"], shown["notices"]) == (["Vasseur, L."], 2)
    assert travee("rename", "2", "Vasseur-Dumas, Lucie").output.startswith("2 notices changées")
    assert travee("promote", "relogement").output.startswith("1 notice changée")
    assert travee("list", "--concepts").output == "concept:1    relogement\n"
    assert (travee("show", "99").exit_code, travee("merge", "2", "concept:1").exit_code) == (1, 2)


def test_a_lot_names_the_authors_it_made(claire: FlaskClient, app: Flask) -> None:
    with app.extensions["travee"].db.write() as session:
        bring(session, sources.for_file(session, "RECI"), notice("Le canal", person("12", "Vasseur", "L.")))
        (number,) = session.scalars(select(Batch.id))
    page = claire.get(f"/bureau/historique/{number}").get_data(as_text=True)
    assert '<span class="doc">Vasseur, L.</span> · auteur' in page
    assert "Le canal" in page
