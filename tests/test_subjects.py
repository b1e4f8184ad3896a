"""Subjects: found while one types, proposed from a title and an abstract, and the words that no thesaurus knows."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from catalogue import authorities, candidate_terms, history, lots, notices, term_edits, users
from catalogue.entities import ConceptRow
from catalogue.models import Concept, Notice, NoticeConcept
from catalogue.notices import NewNotice
from catalogue.unimarc import Fields
from catalogue.web import subjects as desk_words
from catalogue.web.subjects import Subjects
from indexes.headwords import Headword, Headwords
from indexes.proposing import LESS_PRECISE
from tests.cast import field, notice
from tests.conftest import BROWSER_AGENT, PASSWORD

THESAURUS = [
    ConceptRow("#1", {"fr": "Société"}),
    ConceptRow("#2", {"fr": "Égalité"}, broader=("#1",)),
    ConceptRow("#3", {"fr": "Discrimination"}, broader=("#2",), alternate=(("fr", "Inégalité de traitement"),)),
    ConceptRow("#4", {"fr": "Ségrégation urbaine"}, broader=("#2",), alternate=(("fr", "Ghetto"),)),
    ConceptRow("#5", {"fr": "Orientation scolaire"}, broader=("#1",)),
    ConceptRow("#6", {"fr": "Musique"}),
    ConceptRow("#7", {"fr": "Musique de cirque"}, broader=("#6",)),
    ConceptRow("#8", {"fr": "Logement social"}, alternate=(("fr", "HLM"), ("en", "Social housing"))),
]


def about(title: str, *subjects: str, abstract: str = "", words: str = "") -> Fields:
    more = [field("606", "a", subject, ind=" 1") for subject in subjects]
    more += [field("610", "a", words, ind="0 ")] if words else []
    return notice(title, *([field("330", "a", abstract)] if abstract else []), *more)


def put(session: Session, *rows: Fields, by: str = "claire", status: str = "published") -> list[Notice]:
    batch = history.open_batch(session, "create", by=by)
    ids = notices.create_many(session, [NewNotice(row, status=status) for row in rows], batch=batch)
    return [notices.get(session, number) for number in ids]


def thesaurus(session: Session, rows: Iterable[ConceptRow] = THESAURUS) -> None:
    authorities.load_scheme(session, "ville", "", {"fr": "Ville et société"}, rows)


def concept(session: Session, label: str) -> Concept:
    return session.scalars(select(Concept).where(Concept.label == label).order_by(Concept.id.desc())).first()  # type: ignore[return-value]


def carried(session: Session, notice: Notice) -> list[tuple[str, bool]]:
    """What a notice is about, and whether by a term of the thesaurus."""
    rows = select(NoticeConcept.label, NoticeConcept.concept_id).where(NoticeConcept.notice_id == notice.id)
    return [(label, number is not None) for label, number in session.execute(rows.order_by(NoticeConcept.pos))]


# --- while one types -------------------------------------------------------------------------

HEADS = [
    Headword(1, "Société", "ville", 3),
    Headword(2, "Égalité", "ville", 7),
    Headword(3, "Discrimination", "ville", 12),
    Headword(4, "Politique de la ville", "ville", 40),
    Headword(5, "Ville nouvelle", "ville", 2),
    Headword(None, "Villes amies", "", 9),
]
KNOWN = Headwords(
    HEADS,
    [*((head.label, n) for n, head in enumerate(HEADS)), ("Inégalité de traitement", 2), ("Racisme", 2)],
    {2: 1, 3: 2},
)


@pytest.mark.parametrize(
    ("typed", "labels"),
    [
        ("discri", ["Discrimination"]),
        ("EGA", ["Égalité"]),
        ("ville", ["Ville nouvelle", "Politique de la ville", "Villes amies"]),  # so it begins, before inside
        ("polit vil", []),  # only the last word may be begun
        ("politique vil", ["Politique de la ville"]),
        ("villes nouv", ["Ville nouvelle"]),  # a plural is the same word
        ("racis", ["Discrimination"]),
        ("", []),
        ("’ ! ", []),
    ],
)
def test_terms_are_found_by_their_words(typed: str, labels: list[str]) -> None:
    assert [one.head.label for one in KNOWN.beginning(typed)] == labels


def test_a_synonym_says_where_it_leads_and_a_term_where_it_stands() -> None:
    (found,) = KNOWN.beginning("racisme")
    assert (found.via, found.head.label, found.path) == ("Racisme", "Discrimination", ("Société", "Égalité"))
    assert KNOWN.find("inegalite  de TRAITEMENT") == HEADS[2]
    assert KNOWN.find("villes amies") == HEADS[5] and HEADS[5].candidate


def test_a_circle_of_broader_terms_ends() -> None:
    heads = [Headword(1, "Œuf", "", 0), Headword(2, "Poule", "", 0)]
    assert Headwords(heads, [("Œuf", 0), ("Poule", 1)], {1: 2, 2: 1}).path(heads[0]) == ("Œuf", "Poule")


def test_a_great_thesaurus_answers_within_a_key() -> None:
    heads = [Headword(n, f"Terme {n} de la ville", "", n) for n in range(3_000)]
    known = Headwords(heads, ((head.label, n) for n, head in enumerate(heads)))
    assert [one.head.notices for one in known.beginning("ter", limit=2)] == [2999, 2998]


# --- proposed --------------------------------------------------------------------------------


@pytest.fixture
def filled(app: Flask) -> Flask:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        thesaurus(session)
        put(
            session,
            about("Choisir sa filière après la classe de troisième", "Orientation scolaire", "Discrimination"),
            about("Filière choisie, filière subie", "Orientation scolaire", abstract="Les vœux des collégiens."),
            about("Le testing dans les agences", "Discrimination", "Logement social"),
            about("Clowns et fanfares", "Musique de cirque", words="chapiteau"),
            about("Sous le chapiteau", words="chapiteau"),
            about("Rien à voir"),
        )
        put(session, about("Filière cachée", "Société"), status="draft")
    travee.drain()
    return app


def proposed(app: Flask, title: str, abstract: str = "", **options: object) -> dict[str, str]:
    from catalogue.web import ctx

    with app.test_request_context():
        found = ctx.proposer().propose(title, abstract, **options)  # type: ignore[arg-type]
        return {one.label: one.why for one in found}


def test_descriptors_are_proposed_with_their_reason(filled: Flask) -> None:
    found = proposed(filled, "Quelle filière pour les collégiens ?")
    assert next(iter(found)) == "Orientation scolaire"
    assert found["Orientation scolaire"] == "2 documents proches"
    assert "Société" not in found  # only a draft says so
    words = proposed(filled, "L’orientation au collège", "Comment scolaires et familles choisissent.")
    assert words["Orientation scolaire"].startswith("les mots “orientation”, “scolaires”")
    synonym = proposed(filled, "Vivre au ghetto")
    assert synonym["Ségrégation urbaine"] == "“ghetto”, par le synonyme « Ghetto »"
    assert "Ghetto" not in synonym


def test_the_longer_name_stands_before_those_inside_it(filled: Flask) -> None:
    found = list(proposed(filled, "Musique de cirque en Artois"))
    assert found[0] == "Musique de cirque" and LESS_PRECISE > 0
    assert "Ségrégation urbaine" not in found


def test_what_the_form_has_and_what_is_gone_is_never_proposed(filled: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Discrimination, ghetto et orientation scolaire"
    assert {"Discrimination", "Ségrégation urbaine"} <= proposed(filled, text).keys()
    assert "Ségrégation urbaine" not in proposed(filled, text, already=["ghetto"])  # a synonym is the term
    travee = filled.extensions["travee"]
    known = travee.subjects.known(travee.db.read_session())
    with travee.db.write() as session:
        gone = concept(session, "Discrimination")
        authorities.put_concepts(
            session, [(gone, {"status": "withdrawn"})], batch=history.open_batch(session, "retire", by="claire")
        )
    # A great base: what is in memory stays until the thread has read it again.
    monkeypatch.setattr(desk_words, "SMALL", (0, 0))
    assert travee.subjects.known(travee.db.read_session()) is known
    assert "Discrimination" not in proposed(filled, text)
    travee.subjects._took = 0.0
    with travee.db.read() as session:
        travee.subjects.read_ahead(session)
        again = travee.subjects.known(session)
    assert again is not known and "Discrimination" not in [one.label for one in again.heads if not one.candidate]


def test_a_word_that_several_notices_carry_is_proposed_without_a_thesaurus(filled: Flask) -> None:
    assert "chapiteau" in proposed(filled, "Chapiteau, clowns et fanfares")


def test_a_young_base_proposes_by_its_labels_alone(app: Flask) -> None:
    travee = app.extensions["travee"]
    assert proposed(app, "Les logements sociaux") == {}
    with travee.db.write() as session:
        thesaurus(session)
    assert list(proposed(app, "Les logements sociaux")) == ["Logement social"]
    assert "Logement social" in proposed(app, "HLM : la file d’attente")
    travee.index()  # and where the index is lost, too
    for path in sorted(travee.settings.index_dir.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert list(proposed(app, "Les logements sociaux")) == ["Logement social"]


def test_nothing_is_read_again_while_nothing_changes(session: Session) -> None:
    thesaurus(session)
    session.commit()
    subjects = Subjects()
    known = subjects.known(session)
    assert subjects.known(session) is known
    put(session, about("Une notice de plus", "Égalité"))
    session.commit()
    again = subjects.known(session)
    assert again is not known and again.find("egalite") == Headword(
        concept(session, "Égalité").id, "Égalité", "ville", 1
    )


# --- the addresses ---------------------------------------------------------------------------


def test_the_combobox_has_its_answer(filled: Flask, claire: FlaskClient) -> None:
    answer = claire.get("/bureau/sujets?q=ghet")
    (term,) = answer.get_json()["terms"]
    assert term == {
        "label": "Ségrégation urbaine",
        "path": ["Société", "Égalité"],
        "for": "Ghetto",
        "scheme": "ville",
        "candidate": False,
        "notices": 0,
    }
    assert answer.get_json()["free"] is True and claire.get("/bureau/sujets?q=GHETTO").get_json()["free"] is False
    with filled.extensions["travee"].db.write() as session:
        thesaurus(session, [ConceptRow(f"#x{n}", {"fr": f"Très long terme {n} " + "é" * 400}) for n in range(12)])
    long = claire.get("/bureau/sujets?q=tres")
    assert len(long.data) < 4_000 and long.get_json()["terms"]
    assert claire.get("/bureau/sujets?q=" + "z" * 3000).get_json()["terms"] == []
    proposals = claire.post("/bureau/sujets/proposes", data={"title": "Le ghetto", "already": ["Musique"]})
    assert proposals.get_json()["terms"][0]["label"] == "Ségrégation urbaine"
    assert proposals.get_json()["terms"][0]["path"] == ["Société", "Égalité"]


def test_only_those_who_catalogue_may_ask(filled: Flask, client: FlaskClient) -> None:
    assert client.get("/bureau/sujets?q=ghet").status_code == 302
    with filled.extensions["travee"].db.write() as session:
        users.add(session, "zoe", PASSWORD, "reader")
    reader = filled.test_client()
    reader.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    reader.post("/connexion", data={"login": "zoe", "password": PASSWORD})
    assert reader.get("/bureau/sujets?q=ghet").status_code == 403
    assert reader.post("/bureau/sujets/proposes", data={"title": "x"}).status_code == 403
    assert reader.get("/bureau/sujets/candidats").status_code == 403


# --- candidate descriptors -------------------------------------------------------------------


@pytest.fixture
def typed(session: Session) -> list[Notice]:
    """Two notices with a subject that no thesaurus knows, in two spellings, and one with another."""
    thesaurus(session)
    first = put(session, about("Premiers pas", "Aller-vers", "Égalité"), by="ines")
    return first + put(session, about("Encore", "aller vers"), about("Autre", "Chapiteau", words="cirque"))


def test_unknown_subjects_wait_with_who_gave_them(session: Session, typed: list[Notice]) -> None:
    found, total = candidate_terms.waiting(session)
    assert total == 2  # a free keyword (« cirque ») is no question
    assert [(one.notices, one.by) for one in found] == [(2, "ines"), (1, "claire")]
    assert {example.title for example in found[0].examples} == {"Premiers pas", "Encore"}
    assert candidate_terms.count(session) == 2 and candidate_terms.waiting(session, page=2) == ([], 2)


def test_a_candidate_becomes_a_descriptor_and_back(session: Session, typed: list[Notice]) -> None:
    done = candidate_terms.accept(session, "Aller-vers", by="claire", broader=concept(session, "Égalité"))
    assert done.notices == 2 and done.batch
    new = concept(session, "Aller-vers")
    assert authorities.relations_of(session, [new.id])[new.id] == {("broader", concept(session, "Égalité").id)}
    assert carried(session, typed[0]) == [("Aller-vers", True), ("Égalité", True)]
    assert carried(session, typed[1]) == [("Aller-vers", True)]
    assert candidate_terms.count(session) == 1
    with pytest.raises(candidate_terms.Known):
        candidate_terms.accept(session, "ALLER VERS", by="claire")
    lots.undo(session, done.batch, by="claire")
    assert carried(session, typed[0]) == [("Aller-vers", False), ("Égalité", True)]
    assert candidate_terms.count(session) == 2


@pytest.mark.parametrize("as_synonym", [False, True])
def test_a_candidate_is_replaced_by_a_term_and_back(session: Session, typed: list[Notice], as_synonym: bool) -> None:
    term = concept(session, "Égalité")
    done = candidate_terms.replace(session, "aller vers", term, by="claire", as_synonym=as_synonym)
    assert done.notices == 2 and done.batch
    assert carried(session, typed[0]) == [("Égalité", True)]  # it had the term already: once is enough
    assert carried(session, typed[1]) == [("Égalité", True)]
    assert ("aller vers" in authorities.find_concepts(session, ["aller vers"])) is as_synonym
    lots.undo(session, done.batch, by="claire")
    assert carried(session, typed[0]) == [("Aller-vers", False), ("Égalité", True)]
    assert not authorities.find_concepts(session, ["aller vers"])


def test_a_term_that_was_just_withdrawn_replaces_nothing(session: Session, typed: list[Notice]) -> None:
    term = concept(session, "Musique")
    term_edits.withdraw(session, term, by="claire")
    with pytest.raises(authorities.Stale):
        candidate_terms.replace(session, "Chapiteau", term, by="claire")


def test_a_word_kept_as_keyword_is_asked_no_more(session: Session, typed: list[Notice]) -> None:
    done = candidate_terms.keep_as_keyword(session, "Chapiteau", by="claire")
    assert done.notices == 1 and done.batch
    assert [f["s"] for f in typed[2].fields if f["t"] in ("606", "610")] == [[["a", "cirque"]], [["a", "Chapiteau"]]]
    put(session, about("Du même mot", "chapiteau"))
    assert candidate_terms.find(session, "chapiteau") is None
    assert [one.word for one in candidate_terms.kept_words(session)] == ["Chapiteau"]
    candidate_terms.ask_again(session, "chapiteau")
    assert candidate_terms.find(session, "chapiteau") is not None
    again = candidate_terms.keep_as_keyword(session, "chapiteau", by="claire")
    assert again.batch
    lots.undo(session, again.batch, by="claire")
    assert candidate_terms.find(session, "chapiteau") is not None  # what was taken back is a question again


def test_the_page_of_candidates_is_light_and_follows_what_changes(filled: Flask, claire: FlaskClient) -> None:
    base, asked = filled.extensions["travee"].db, []
    event.listen(base.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    def words() -> tuple[int, int]:
        asked.clear()
        with base.read() as session:
            return candidate_terms.waiting(session)[1], len(asked)

    with base.write() as session:
        put(session, about("Un", "Mot 0"))
    assert words()[0] == 1
    again = words()
    with base.write() as session:
        put(session, *(about(f"Titre {n}", f"Mot {n} " + "très long " * 18) for n in range(20)))
    assert words()[0] == 21, "what was remembered is of before"
    assert words() == (21, again[1]), "as many queries for a page as for a word"
    page = claire.get("/bureau/sujets/candidats")
    assert page.status_code == 200 and len(page.data) < 60_000


def test_the_page_of_candidates_settles_them(filled: Flask, claire: FlaskClient) -> None:
    with filled.extensions["travee"].db.write() as session:
        put(session, about("Le testing", "testing & Cie", "Discriminations raciales"))
    page = claire.get("/bureau/sujets/candidats").text
    assert "testing &amp; Cie" in page and "Discriminations raciales" in page
    assert "Termes proches : Discrimination" in page
    wrong = claire.post(
        "/bureau/sujets/candidats",
        data={"action": "remplacer", "mot": "Discriminations raciales", "terme": "Nulle part"},
    )
    assert wrong.status_code == 422 and "Erreur :" in wrong.text and 'value="Nulle part"' in wrong.text
    assert "n’est pas au thésaurus" in wrong.text
    done = claire.post(
        "/bureau/sujets/candidats",
        data={"action": "remplacer", "mot": "Discriminations raciales", "terme": "inegalité de traitement"},
        follow_redirects=True,
    )
    assert "« Discriminations raciales » est remplacé : 1 notice." in done.text and "Annuler ce changement" in done.text
    kept = claire.post(
        "/bureau/sujets/candidats", data={"action": "garder", "mot": "testing & Cie"}, follow_redirects=True
    )
    assert "chaque sujet saisi est au thésaurus" in kept.text and "Redemander" in kept.text
    assert claire.post("/bureau/sujets/candidats", data={"action": "danser", "mot": "x"}).status_code == 400
