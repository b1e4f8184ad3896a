"""People, bodies and concepts: read from authority records, linked to the notices that name them, kept apart from
what a person changed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import authorities, headings, history, integrity, lots, notices, setup, sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.entities import AgentRow, ClassRow, ConceptRow, Thesaurus
from catalogue.identifiers import find_authority, read_authority_link
from catalogue.models import (
    Agent,
    Batch,
    ClassificationEntry,
    Concept,
    ConceptLabel,
    ConceptRelation,
    ExternalId,
    Notice,
    NoticeAgent,
    NoticeConcept,
    Source,
)
from catalogue.problems import Refusal
from catalogue.unimarc import Field, Fields, Record
from harvest import importer, intake
from harvest.crosswalk import authority
from tests.cast import field, notice

REAL = Path(__file__).parent.parent.parent / "shared" / "data" / "unimarc" / "roubaix_auth_1585.mrc.gz"
AUTHORITY = "     cx a22     3  45  "
DOUBLE = AgentRow(
    "person", "Vasseur, Lucie", "12", ("Vasseur-Dumas, Lucie",), "1951-....", {"isni": "0000000121446296"}
)


def authority_record(number: str, *fields: Field, raw: bytes = b"x") -> Record:
    head: Fields = [{"t": "000", "v": AUTHORITY}, {"t": "001", "v": number}]
    return Record([*head, *fields], position=1, control_number=number, raw=raw)


def read_agent(record: Record) -> AgentRow:
    row = authority.read(record)
    assert isinstance(row, AgentRow)
    return row


def read_concept(record: Record) -> tuple[Thesaurus, ConceptRow]:
    found = authority.read(record)
    assert isinstance(found, Thesaurus)
    return found, found.rows[0]


# --- reading -----------------------------------------------------------------------------------


def test_a_person_with_forms_dates_and_numbers() -> None:
    row = read_agent(
        authority_record(
            "636",
            {"t": "003", "v": "http://catalogue.bnf.fr/ark:/12148/cb11909772t"},
            field("010", "a", "0000000121446296", "2", "ISNI"),
            field("035", "a", "FRBNF119097726"),
            field("200", "7", "ba0yba0y", "8", "fre   ", "9", " 0 ", "a", "Vasseur", "b", "Lucie", "f", "1951-...."),
            field("300", "a", "Géographe"),
            field("400", "a", "Vasseur-Dumas", "b", "Lucie"),
            field("500", "5", "e", "3", "12056521", "a", "Autre", "b", "Personne"),
        )
    )
    assert (row.type, row.name, row.dates, row.number) == ("person", "Vasseur, Lucie", "1951-....", "636")
    assert row.variants == ("Vasseur-Dumas, Lucie",)
    assert row.identifiers == {"bnf": "cb11909772t", "isni": "0000000121446296"}
    assert row.heading == (("a", "Vasseur"), ("b", "Lucie"), ("f", "1951-...."))
    assert row.note == "Géographe"
    assert {
        "t": "500",
        "i": "  ",
        "s": [["5", "e"], ["3", "12056521"], ["a", "Autre"], ["b", "Personne"]],
    } in row.fields


@pytest.mark.parametrize(
    ("heading", "type", "name"),
    [
        (
            field("210", "a", "Région du Canal", "b", "Service urbain", ind="02"),
            "corporate_body",
            "Région du Canal. Service urbain",
        ),
        (field("210", "a", "Assises du logement", "d", "3", "f", "2019", ind="12"), "meeting", "Assises du logement"),
        (field("216", "a", "Éditions du Canal"), "corporate_body", "Éditions du Canal"),
        (field("220", "a", "Vasseur (famille)"), "family", "Vasseur (famille)"),
        (field("200", "a", "Colombe"), "person", "Colombe"),
    ],
)
def test_each_kind_of_agent(heading: Field, type: str, name: str) -> None:
    row = read_agent(authority_record("1", heading))
    assert (row.type, row.name) == (type, name)


def test_a_subject_keeps_its_scheme_and_its_neighbours() -> None:
    thesaurus, row = read_concept(
        authority_record(
            "519",
            {"t": "003", "v": "http://catalogue.bnf.fr/ark:/12148/cb13318792n"},
            field("152", "b", "SNC"),
            field("159", "a", "rameau"),
            field("250", "8", "fre   ", "a", "Presse locale", "x", "Histoire"),
            field("330", "a", "S’emploie aussi en subdivision"),
            field("450", "8", "fre   ", "a", "Journaux locaux"),
            field("450", "8", "freeng", "a", "Local press"),
            field("550", "5", "g", "3", "13318369", "a", "Presse"),
            field("550", "5", "h", "3", "11978744", "a", "Gazettes"),
            field("550", "5", "z", "3", "77", "a", "Radios locales"),
            field(
                "822", "a", "Local newspapers", "2", "LCSH", "u", "http://id.loc.gov/authorities/subjects/sh85017001"
            ),
        )
    )
    assert (thesaurus.code, thesaurus.numbers) == ("rameau", {"519": "http://data.bnf.fr/ark:/12148/cb13318792n"})
    assert (row.label, row.alternate) == (
        "Presse locale -- Histoire",
        (("fr", "Journaux locaux"), ("en", "Local press")),
    )
    assert row.broader == (authority.target_uri("13318369"),)
    assert row.broader[0].startswith("http://data.bnf.fr/ark:/12148/cb13318369")
    assert (row.narrower, row.related) == ((authority.target_uri("11978744"),), ("#77",))
    assert row.mappings == (("closeMatch", "http://id.loc.gov/authorities/subjects/sh85017001"),)
    assert row.scope_note == "S’emploie aussi en subdivision"


@pytest.mark.parametrize(
    ("heading", "scheme", "label"),
    [
        (field("215", "a", "Canal (France ; région)"), "lieux", "Canal (France ; région)"),
        (field("230", "a", "Le Canal enchaîné", "n", "périodique"), "titres", "Le Canal enchaîné (périodique)"),
        (
            field("240", "a", "Vasseur", "b", "Lucie", "f", "1951-", "t", "La ville"),
            "titres",
            "Vasseur, Lucie. La ville",
        ),
        (field("280", "a", "Catalogues d’exposition"), "formes", "Catalogues d’exposition"),
    ],
)
def test_headings_that_name_no_scheme_go_to_one_for_their_kind(heading: Field, scheme: str, label: str) -> None:
    thesaurus, row = read_concept(authority_record("9", field("152", "b", "TU"), heading))
    assert (thesaurus.code, row.label, row.uri) == (scheme, label, "#9")


def test_authorities_in_marc_21() -> None:
    person = read_agent(
        authority_record(
            "n79",
            {"t": "008", "v": "020214n| azannaabn          |a aaa      "},
            field("024", "a", "http://viaf.org/viaf/97113511", "2", "viaf"),
            field("100", "a", "Vasseur, Lucie,", "d", "1951-", ind="1 "),
            field("400", "a", "Vasseur-Dumas, L.", ind="1 "),
        )
    )
    assert (person.name, person.dates, person.variants) == ("Vasseur, Lucie", "1951-", ("Vasseur-Dumas, L.",))
    assert person.identifiers == {"viaf": "97113511"}
    thesaurus, concept = read_concept(
        authority_record(
            "sh1",
            {"t": "008", "v": "860211|| anannbabn          |a ana      "},
            field("040", "b", "eng"),
            field("150", "a", "City planning", "z", "France"),
            field("550", "w", "g", "a", "Planning", "0", "sh2"),
        )
    )
    assert (thesaurus.code, concept.preferred) == ("lcsh", {"en": "City planning -- France"})
    assert concept.broader == ("#sh2",)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([field("231", "a", "La ville (film)")], "record.entity"),
        ([field("300", "a", "Rien")], "record.no_heading"),
    ],
)
def test_what_has_no_table_is_refused_with_its_bytes(fields: Fields, code: str) -> None:
    refusal = authority.read(authority_record("5", *fields))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.identifier, refusal.raw) == (code, "5", b"x")


@pytest.mark.parametrize(
    ("text", "scheme", "found"),
    [
        ("http://catalogue.bnf.fr/ark:/12148/cb11909772t", "", ("bnf", "cb11909772t")),
        ("http://catalogue.bnf.fr/ark:/12148/cb11909772x", "", None),
        ("FRBNF119388379", "", ("bnf", "cb11938837z")),
        ("ISNI0000000059500238", "", ("isni", "0000000059500238")),
        ("0000 0000 5950 0239", "isni", None),
        ("https://orcid.org/0000-0002-1825-0097", "", ("orcid", "0000-0002-1825-0097")),
        ("http://viaf.org/viaf/97113511/", "", ("viaf", "97113511")),
        ("https://www.idref.fr/026927608", "", ("idref", "026927608")),
        ("https://www.idref.fr/026927609", "", None),
        ("Vasseur, Lucie", "", None),
    ],
)
def test_numbers_of_the_world_are_checked(text: str, scheme: str, found: tuple[str, str] | None) -> None:
    assert find_authority(text, scheme) == found


def test_a_bare_link_is_read_only_where_its_shape_proves_it() -> None:
    assert read_authority_link("11938837") == ("bnf", "cb11938837z")
    assert read_authority_link("026927608") == ("idref", "026927608")
    assert [read_authority_link(text) for text in ("1234", "026927609", "")] == [None, None, None]


@pytest.mark.parametrize("path", [REAL] if REAL.exists() else [])
def test_a_whole_town_s_authorities(path: Path, tmp_path: Path) -> None:
    """The real file, where it is: everything in it comes in."""
    base = Database(f"sqlite:///{tmp_path / 'town.db'}")
    setup.create_tables(base)
    setup.first_rows(base, Settings(_env_file=None))
    counts = importer.import_file(base, path, source="RBX", by="claire").counts
    base.close()
    assert (counts["read"], counts["created"], counts["refused"], counts["warnings"]) == (1585, 1585, 0, 0)
    assert (counts["agents"], counts["concepts"]) == (1280, 305)


# --- taking in ---------------------------------------------------------------------------------


@pytest.fixture
def source(session: Session) -> Source:
    return sources.for_file(session, "RECI")


class Lot:
    """One lot, opened when something changes."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.batch: Batch | None = None

    def __call__(self) -> Batch:
        self.batch = self.batch or history.open_batch(self.session, "import", by="claire")
        return self.batch

    def undo(self) -> lots.Undone:
        assert self.batch is not None
        return lots.undo(self.session, self.batch, by="marc")


@pytest.fixture
def lot(session: Session) -> Lot:
    return Lot(session)


@pytest.fixture
def bring(session: Session, source: Source) -> Callable[..., list[int]]:
    """Records of the source become notices, as an import would make them."""

    def take(*fields: Fields, lot: Lot | None = None) -> list[int]:
        rows = [
            intake.receive(source, Record([*f, {"t": "001", "v": f"n{n}"}], control_number=f"n{n}"))
            for n, f in enumerate(fields)
        ]
        done = intake.take_in(session, source, rows, batch=lot or Lot(session), status="published")
        return [o.notice_id for o in done if o.notice_id]

    return take


def by_lucie(title: str, *more: str) -> Fields:
    return notice(title, field("700", "a", "Vasseur", "b", "L.", *more, "9", "id:12", "4", "070", ind=" 1"))


def agents_of(session: Session, *ids: int) -> list[str]:
    """Who the notices lead to: the agent's name, or "" where they lead to nobody."""
    statement = (
        select(Agent.name)
        .select_from(NoticeAgent)
        .outerjoin(Agent, Agent.id == NoticeAgent.agent_id)
        .where(NoticeAgent.notice_id.in_(ids))
        .order_by(NoticeAgent.notice_id, NoticeAgent.pos)
    )
    return [name or "" for name in session.scalars(statement)]


def test_an_authority_meets_the_notices_that_waited_for_it(
    session: Session, source: Source, lot: Lot, bring: Callable[..., list[int]]
) -> None:
    """A notice typed here names somebody by a number of the world; the authority that has it comes later."""
    made = notices.create(
        session, notice("Le canal", field("700", "o", "ISNI0000000121446296", "a", "Vasseur")), by="claire"
    )
    assert agents_of(session, made.id) == [""]
    taken = authorities.take_in_agents(session, source, [DOUBLE], batch=lot)
    assert (taken.created, agents_of(session, made.id)) == (1, ["Vasseur, Lucie"])
    assert session.scalars(select(NoticeAgent.name)).all() == ["Vasseur"], "the text of the notice stays"
    assert list(integrity.faults(session)) == []
    assert lot.undo().left == []
    assert agents_of(session, made.id) == [""]
    assert list(integrity.faults(session)) == []
    again = authorities.take_in_agents(session, source, [DOUBLE], batch=Lot(session))
    assert (again.created, again.updated, agents_of(session, made.id)) == (0, 1, ["Vasseur, Lucie"])


def test_numbers_of_a_base_make_a_page_for_each_author(
    session: Session, source: Source, lot: Lot, bring: Callable[..., list[int]]
) -> None:
    first, second, third = bring(
        by_lucie("Le canal", "f", "1951-"),
        by_lucie("L’écluse"),
        notice("Le pont", field("700", "a", "Vasseur", "b", "L.")),
        lot=lot,
    )
    (agent,) = session.scalars(select(Agent)).all()
    assert (agent.name, agent.dates, agent.type) == ("Vasseur, L.", "1951-", "person")
    assert agents_of(session, first, second, third) == ["Vasseur, L.", "Vasseur, L.", ""], "a name alone links nobody"
    richer = authorities.take_in_agents(session, source, [DOUBLE], batch=Lot(session))
    assert (richer.created, richer.updated) == (0, 1)
    assert (agent.name, agent.variants) == ("Vasseur, Lucie", ["Vasseur-Dumas, Lucie"])
    bring(by_lucie("Le canal", "f", "1951-"))
    assert agent.name == "Vasseur, Lucie", "a heading says less than an authority"


def test_undo_of_an_import_leaves_an_author_that_later_notices_name(
    session: Session, lot: Lot, bring: Callable[..., list[int]], source: Source
) -> None:
    bring(by_lucie("Le canal"), lot=lot)
    other = intake.receive(source, Record([*by_lucie("L’écluse"), {"t": "001", "v": "x"}], control_number="x"))
    (done,) = intake.take_in(session, source, [other], batch=Lot(session), status="published")
    undone = lot.undo()
    assert [(left.entity, left.label, left.code) for left in undone.left] == [("agent", "Vasseur, L.", "used_since")]
    assert done.notice_id
    assert agents_of(session, done.notice_id) == ["Vasseur, L."]


def test_the_same_number_of_the_world_is_one_agent_whatever_the_source(
    session: Session, source: Source, lot: Lot
) -> None:
    authorities.take_in_agents(session, source, [DOUBLE], batch=lot)
    other = sources.for_file(session, "COSOTER")
    row = AgentRow("person", "Vasseur (Lucie)", "881", (), "", {"isni": "0000000121446296", "viaf": "97113511"})
    taken = authorities.take_in_agents(session, other, [row], batch=lot)
    (agent,) = session.scalars(select(Agent)).all()
    assert (taken.joined, agent.name, agent.variants) == (
        1,
        "Vasseur, Lucie",
        ["Vasseur-Dumas, Lucie", "Vasseur (Lucie)"],
    )
    assert agent.identifiers == {"isni": "0000000121446296", "viaf": "97113511"}
    twice = AgentRow("person", "Vasseur, L.", "882", (), "", {"isni": "0000000121446296"})
    assert authorities.take_in_agents(session, other, [twice], batch=lot).created == 1, "two of one base are two"
    assert authorities.take_in_agents(session, other, [row, twice], batch=lot).unchanged == 2


def test_what_was_changed_here_stays_and_the_source_s_word_waits(session: Session, source: Source, lot: Lot) -> None:
    authorities.take_in_agents(session, source, [DOUBLE], batch=lot)
    (agent,) = session.scalars(select(Agent)).all()
    authorities.put_agents(
        session, [(agent, {"name": "Vasseur-Dumas, Lucie"})], batch=history.open_batch(session, "edit", by="claire")
    )
    same = authorities.take_in_agents(session, source, [DOUBLE], batch=lot)
    assert (same.unchanged, authorities.list_waiting(session)) == (1, [])
    news = AgentRow("person", "Vasseur, Lucy", "12", (), "1951-2024", {"isni": "0000000121446296"})
    taken = authorities.take_in_agents(session, source, [news], batch=Lot(session))
    assert (taken.updated, taken.waiting) == (1, 1)
    assert (agent.name, agent.dates) == ("Vasseur-Dumas, Lucie", "1951-2024"), "what nobody changed here follows"
    ((known, waiting),) = authorities.list_waiting(session)
    assert waiting is agent
    authorities.settle(session, known, by="claire", take_over=True)
    assert (agent.name, authorities.list_waiting(session)) == ("Vasseur, Lucy", [])


def test_a_form_that_was_taken_out_here_does_not_come_back(session: Session, source: Source, lot: Lot) -> None:
    authorities.take_in_agents(session, source, [DOUBLE], batch=lot)
    (agent,) = session.scalars(select(Agent)).all()
    edit = history.open_batch(session, "edit", by="claire")
    authorities.put_agents(session, [(agent, {"variants": []})], batch=edit)
    news = replace(DOUBLE, variants=(*DOUBLE.variants, "Vasseur, Lucy"), note="Géographe")
    assert authorities.take_in_agents(session, source, [news], batch=lot).updated == 1
    assert (agent.note, agent.variants) == ("Géographe", ["Vasseur, Lucy"]), "what is new comes, what went stays away"


def test_a_form_to_replace_leads_to_the_one_that_is_kept(
    session: Session, source: Source, lot: Lot, bring: Callable[..., list[int]]
) -> None:
    bring(by_lucie("Le canal"))
    form = AgentRow("person", "Vasseur, L.", "12", see="13")
    kept = AgentRow("person", "Vasseur, Lucie", "13")
    authorities.take_in_agents(session, source, [form], batch=lot)
    authorities.take_in_agents(session, source, [kept], batch=lot)
    (notice_id,) = session.scalars(select(Notice.id)).all()
    assert agents_of(session, notice_id) == ["Vasseur, Lucie"]
    assert session.scalars(select(Agent.variants).where(Agent.status == "accepted")).one() == ["Vasseur, L."]
    assert authorities.take_in_agents(session, source, [form, kept], batch=lot).unchanged == 2
    assert list(integrity.faults(session)) == []


def test_two_forms_that_each_send_to_the_other_stay_two(session: Session, source: Source, lot: Lot) -> None:
    rows = [AgentRow("person", "Un", "1", see="2"), AgentRow("person", "Deux", "2", see="1")]
    authorities.take_in_agents(session, source, rows, batch=lot)
    assert Counter(session.scalars(select(Agent.status))) == {"accepted": 1, "merged": 1}
    assert list(integrity.faults(session)) == []


def concept(uri: str, label: str, **more: object) -> Thesaurus:
    number = uri.removeprefix("#")
    return Thesaurus("ville", "", {"fr": "Ville"}, (ConceptRow(uri, {"fr": label}, **more),), {number: uri})  # type: ignore[arg-type]


def test_concepts_come_one_by_one_and_find_their_neighbours(session: Session, source: Source, lot: Lot) -> None:
    take = lambda *t: authorities.take_in_thesauri(session, source, t, batch=lot)  # noqa: E731
    take(concept("#1", "Logement", related=("#3",), narrower=("#2",)))
    assert session.scalar(select(func.count()).where(ConceptRelation.target_id.is_not(None))) == 0
    take(concept("#2", "Logement social", broader=("#1",)))
    take(concept("#3", "Habitat"))
    names = {c.id: c.label for c in session.scalars(select(Concept))}
    rows = session.execute(select(ConceptRelation.concept_id, ConceptRelation.type, ConceptRelation.target_id)).all()
    told = sorted((names[owner], type_, names.get(target or 0, "")) for owner, type_, target in rows)
    assert told == [("Logement", "related", "Habitat"), ("Logement social", "broader", "Logement")]
    twice = (("fr", "Habitat"), ("fr", "Habitations"))  # a base that repeats its own word as a synonym
    take(concept("#3", "Habitat", alternate=twice))
    again = take(concept("#2", "Logement social", broader=("#1",)), concept("#3", "Habitat", alternate=twice))
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)


def subject_of(session: Session, notice_id: int) -> list[tuple[str, str]]:
    """What a page shows of each subject, and the concept behind it."""
    statement = (
        select(NoticeConcept.label, Concept.label)
        .outerjoin(Concept, Concept.id == NoticeConcept.concept_id)
        .where(NoticeConcept.notice_id == notice_id)
        .order_by(NoticeConcept.pos)
    )
    return [(shown, known or "") for shown, known in session.execute(statement)]


def test_subjects_are_linked_by_number_by_address_or_by_label(
    session: Session, source: Source, lot: Lot, bring: Callable[..., list[int]]
) -> None:
    uri = "http://data.bnf.fr/ark:/12148/cb13318792n"
    (made,) = bring(
        notice(
            "Le canal",
            field("606", "a", "LOGEMENT (ancien nom)", "9", "id:1"),
            field("606", "3", "13318792", "a", "Presse", "x", "Histoire"),
            field("606", "a", "habitat"),
            field("606", "a", "Inconnu", "9", "id:99"),
        )
    )
    taken = authorities.take_in_thesauri(
        session, source, [concept("#1", "Logement"), concept(uri, "Presse"), concept("#3", "Habitat")], batch=lot
    )
    assert notices.relink_concepts(session, taken.ids) == 1
    assert subject_of(session, made) == [
        ("Logement", "Logement"),
        ("Presse -- Histoire", "Presse"),
        ("Habitat", "Habitat"),
        ("Inconnu", ""),
    ]
    assert list(integrity.faults(session)) == []
    assert lot.undo().left == []
    assert [known for _shown, known in subject_of(session, made)] == ["", "", "", ""]
    assert list(integrity.faults(session)) == []


def test_a_person_as_a_subject_leads_to_the_person(
    session: Session, source: Source, lot: Lot, bring: Callable[..., list[int]]
) -> None:
    (made,) = bring(notice("Lucie Vasseur", field("600", "a", "Vasseur", "b", "L.", "x", "Biographies", "9", "id:12")))
    authorities.take_in_agents(session, source, [DOUBLE], batch=lot)
    linked = session.execute(
        select(NoticeConcept.label, Agent.name).join(Agent, Agent.id == NoticeConcept.agent_id)
    ).all()
    assert [tuple(row) for row in linked] == [("Vasseur, L.", "Vasseur, Lucie")]
    assert authorities.notices_naming(session, Agent, session.scalars(select(Agent.id))) == {made}


def test_a_thesaurus_that_renames_keeps_the_old_word_and_not_our_own(
    session: Session, source: Source, lot: Lot
) -> None:
    take = lambda label: authorities.take_in_thesauri(session, source, [concept("#1", label)], batch=lot)  # noqa: E731
    take("Ghetto")
    take("Ségrégation urbaine")
    (row,) = session.scalars(select(Concept)).all()
    labels = authorities.labels_of(session, [row.id])[row.id]
    assert labels == {("fr", "preferred", "Ségrégation urbaine"), ("fr", "hidden", "Ghetto")}
    assert row.label == "Ségrégation urbaine"
    assert set(authorities.find_concepts(session, ["ghetto"])) == {"ghetto"}
    ours = {"label": "Séparation", "labels": [["fr", "preferred", "Séparation"]]}
    authorities.put_concepts(session, [(row, ours)], batch=history.open_batch(session, "edit", by="claire"))
    take("Mixité sociale")
    assert row.label == "Séparation"
    assert session.scalars(select(ConceptLabel.label).where(ConceptLabel.type == "preferred")).all() == ["Séparation"]
    assert "mixite sociale" in authorities.find_concepts(session, ["Mixité sociale"])


def test_classes_come_once_and_an_explanation_changed_here_stays(session: Session, source: Source, lot: Lot) -> None:
    take = lambda label: authorities.take_in_classes(  # noqa: E731
        session, source, [ClassRow("Plan 2016", "307.3", label, "5")], batch=lot
    )
    assert [take("Ville").created, take("Ville").unchanged, take("Villes").updated] == [1, 1, 1]
    (entry,) = session.scalars(select(ClassificationEntry)).all()
    assert (entry.label, entry.number_key) != ("Ville", "")
    entry.label = "Urbanisme"
    take("Cité")
    assert entry.label == "Urbanisme"
    assert session.scalars(select(ExternalId.entity).where(ExternalId.space == "indexint")).all() == ["class"]
    assert lot.undo().left == []
    assert entry.status == "withdrawn"


def test_two_agents_with_one_number_of_the_world_are_nobody_s_guess(session: Session, source: Source, lot: Lot) -> None:
    same = {"isni": "0000000121446296"}
    rows = [AgentRow("person", "Une", "1", identifiers=same), AgentRow("person", "Autre", "2", identifiers=same)]
    authorities.take_in_agents(session, source, rows, batch=lot)
    made = notices.create(
        session, notice("Le canal", field("700", "o", "ISNI0000000121446296", "a", "Une")), by="claire"
    )
    assert agents_of(session, made.id) == [""]


def test_a_check_sees_links_that_do_not_agree(
    session: Session, source: Source, lot: Lot, bring: Callable[..., list[int]]
) -> None:
    bring(by_lucie("Le canal"))
    row = session.scalars(select(NoticeAgent)).one()
    agent = session.scalars(select(Agent)).one()
    row.agent_id, agent.sort_key = None, "zzz"
    session.flush()
    found = list(integrity.faults(session))
    assert {(fault.entity, fault.what) for fault in found} == {("notice", "agents"), ("agent", "sort_key")}
    integrity.repair(session, {fault.address for fault in found})
    assert list(integrity.faults(session)) == []


def test_the_first_number_of_a_field_is_that_of_its_head() -> None:
    f = field("606", "3", "11933978", "9", "901", "a", "Bibliothèques", "3", "11931476", "9", "109", "y", "France")
    mark = headings.mark_of(f, lambda claim: "RBX")
    assert mark == headings.Mark("RBX:category:901", "http://data.bnf.fr/ark:/12148/cb11933978m")
