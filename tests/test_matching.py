"""One document or two: the cases that documentalists argue about, and what must hold for any two notices."""

from __future__ import annotations

import json
from dataclasses import fields as fields_of
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from benchmarks.pairs import annotated, changes, recordmanager, records
from catalogue import history, notices
from catalogue.i18n import use_language
from catalogue.matching import (
    DIFFERENT,
    DOUBT,
    SAME,
    Described,
    candidates,
    compare,
    describe,
    keys,
    pair,
    reasons_of,
)
from catalogue.matching.compare import FEATURES
from catalogue.matching.words import number_of, same_body, same_person, volume_number
from catalogue.models import MatchKey, Notice
from catalogue.notices import NewNotice
from catalogue.unimarc import LEADER, Field, Fields
from tests.cast import field

CODED = field("100", "a", "20240101u        u  y0frey50      ba")
ARTICLE = LEADER[:7] + "a" + LEADER[8:]
SERIAL = LEADER[:7] + "s" + LEADER[8:]
FILM = LEADER[:6] + "g" + LEADER[7:]


def made(*more: Field, leader: str = LEADER, **said: str) -> Described:
    """made(a="Titre", year="2018", pages="90", isbn="…"): a description, in the words of a card."""
    return describe(written(*more, leader=leader, **said))


def written(*more: Field, leader: str = LEADER, **said: str) -> Fields:
    out: Fields = [{"t": "000", "v": leader}]
    if said.pop("poor", "") == "":
        out.append(CODED)
    if isbn := said.pop("isbn", ""):
        out.append(field("010", "a", isbn))
    if author := said.pop("author", ""):
        family, _comma, given_name = author.partition(", ")
        out.append(field("700", "a", family, "b", given_name))
    if body := said.pop("body", ""):
        out.append(field("710", "a", body, ind="02"))
    if edition := said.pop("edition", ""):
        out.append(field("205", "a", edition))
    if pages := said.pop("pages", ""):
        out.append(field("215", "a", f"{pages} p." if pages.isdigit() else pages))
    published = [("c", said.pop("publisher", "")), ("d", said.pop("year", ""))]
    if any(value for _code, value in published):
        out.append(field("210", *(part for pair_ in published if pair_[1] for part in pair_)))
    title = [part for code, value in said.items() for part in (code, value)]
    return [*out, field("200", *title, ind="1 "), *more]


def in_issue(title: str, number: str, page: str, journal: str = "Gazette des quartiers", **said: str) -> Described:
    host = field("461", "t", journal, "9", "lnk:perio")
    issue = field("463", "v", number, "9", "lnk:bull")
    return made(host, issue, field("215", "a", f"p. {page}"), leader=ARTICLE, a=title, **said)


BOOK = {"a": "Habiter le grand ensemble", "author": "Delmas, Hélène", "publisher": "Éditions du Canal"}
REPORT = {"a": "Rapport d’activité du contrat de ville de Valvert", "body": "Observatoire des quartiers"}
CHILD = {"a": "Les enfants de la cité", "author": "Roussel, Marc", "publisher": "La Passerelle"}
ONE, OTHER, THIRD = "978-2-07-036822-8", "978-2-13-057213-8", "2-211-04459-X"
VOLUMES = {"a": "Histoire d’un quartier", "author": "Delmas, Hélène", "publisher": "La Passerelle"}

CASES: list[tuple[str, Described, Described, str, str]] = [
    # --- numbers
    (
        "the same ISBN, written two ways",
        made(**BOOK, isbn=ONE, year="2018", pages="212"),
        made(**BOOK, isbn="2-07-036822-X (br.)", year="2018", pages="212"),
        SAME,
        "isbn.same",
    ),
    (
        "a reprint: the same ISBN, years later",
        made(**BOOK, isbn=ONE, year="2018", pages="212"),
        made(**BOOK, isbn=ONE, year="impr. 2021", pages="212"),
        SAME,
        "year.reprint",
    ),
    (
        "a publisher gave one ISBN to two books",
        made(a="Dire non à la violence", author="Roussel, Marc", isbn=ONE, year="1998", pages="31"),
        made(a="Les maisons de papier", author="Roussel, Marc", isbn=ONE, year="1998", pages="31"),
        DOUBT,
        "title.different",
    ),
    (
        "another edition has another ISBN",
        made(**BOOK, isbn=ONE, year="2018", pages="212"),
        made(**BOOK, isbn=OTHER, year="2018", pages="212"),
        DIFFERENT,
        "isbn.different",
    ),
    # --- editions, printings
    (
        "a new edition is another notice",
        made(**BOOK, year="2012", pages="212", edition="2e éd."),
        made(**BOOK, year="2012", pages="212", edition="Troisième édition revue"),
        DIFFERENT,
        "edition.different",
    ),
    (
        "a printing is no edition",
        made(**BOOK, year="2012", pages="212", edition="3e tirage"),
        made(**BOOK, year="2012", pages="212"),
        SAME,
        "title.same",
    ),
    (
        "the same ISBN for a new edition",
        made(**BOOK, isbn=ONE, year="2012", edition="2e éd."),
        made(**BOOK, isbn=ONE, year="2016", edition="3e éd."),
        DOUBT,
        "edition.different",
    ),
    # --- grey literature
    (
        "a report signed by a body, that Dublin Core lost",
        made(**REPORT, year="2018", pages="96"),
        made(a=REPORT["a"], year="2018", pages="96", poor="yes"),
        SAME,
        "title.same",
    ),
    (
        "the reports of two years",
        made(**REPORT, year="2018", pages="96"),
        made(**REPORT, year="2019", pages="104"),
        DIFFERENT,
        "year.near",
    ),
    (
        "the years stand in the titles",
        made(a="Rapport d’activité 2018", body="Observatoire des quartiers", year="2019"),
        made(a="Rapport d’activité 2017", body="Observatoire des quartiers", year="2019"),
        DIFFERENT,
        "numbers.different",
    ),
    (
        "the report and its summary",
        made(**REPORT, year="2018", pages="96"),
        made(**REPORT, e="synthèse", year="2018", pages="12"),
        DIFFERENT,
        "title.companion",
    ),
    (
        "one study, two towns",
        made(**REPORT, e="l’exemple de Valvert", year="2018"),
        made(**REPORT, e="l’exemple de Port-Haut", year="2018"),
        DIFFERENT,
        "title.complements",
    ),
    (
        "a body by its initials",
        made(a="Socle commun d’évaluation des contrats de ville", body="ORIV", year="2022", pages="40"),
        made(
            a="Socle commun d’évaluation des contrats de ville",
            body="Observatoire régional de l’intégration et de la ville",
            year="2022",
            pages="40",
        ),
        SAME,
        "body.same",
    ),
    (
        "a title alone is never enough",
        made(a="Bilan"),
        made(a="Bilan", year="2020"),
        DIFFERENT,
        "title.short",
    ),
    # --- sets and volumes
    (
        "two volumes of a set",
        made(**VOLUMES, h="Tome 1", year="2004", pages="190"),
        made(**VOLUMES, h="Tome 2", year="2004", pages="190"),
        DIFFERENT,
        "volume.different",
    ),
    (
        "two volumes under the ISBN of the set",
        made(**VOLUMES, h="1", isbn=ONE, year="2004"),
        made(**VOLUMES, h="II", isbn=ONE, year="2004"),
        DIFFERENT,
        "volume.different",
    ),
    (
        "the set and one of its volumes",
        made(**VOLUMES, year="2004", pages="3 vol."),
        made(**VOLUMES, h="Tome 2", year="2004", pages="190"),
        DIFFERENT,
        "volume.of_set",
    ),
    (
        "one volume, its number in the title or beside it",
        made(**VOLUMES, h="2", year="2004", pages="190"),
        made(**{**VOLUMES, "a": "Histoire d’un quartier, tome II"}, year="2004", pages="190"),
        SAME,
        "volume.same",
    ),
    (
        "one has no volume number",
        made(**VOLUMES, h="2", year="2004", pages="190"),
        made(**VOLUMES, year="2004", pages="190"),
        DOUBT,
        "volume.one_side",
    ),
    # --- articles, issues, journals
    (
        "one article, abbreviated author",
        in_issue("Ce que change la rénovation", "212", "14-17", author="Dubreuil, A."),
        in_issue("Ce que change la rénovation", "212", "14-17", author="Dubreuil, Agnès"),
        SAME,
        "issue.same",
    ),
    (
        "the same column in two numbers",
        in_issue("Éditorial de la rédaction en chef", "212", "3", author="Dubreuil, Agnès"),
        in_issue("Éditorial de la rédaction en chef", "213", "3", author="Dubreuil, Agnès"),
        DIFFERENT,
        "issue.different",
    ),
    (
        "the same title in two journals",
        in_issue("Ce que change la rénovation", "2", "14"),
        in_issue("Ce que change la rénovation", "2", "14", journal="Urbanités du Nord"),
        DIFFERENT,
        "host.different",
    ),
    (
        "the article and its journal",
        in_issue("Gazette des quartiers", "212", "1"),
        made(leader=SERIAL, a="Gazette des quartiers", year="1998-", publisher="La Passerelle"),
        DIFFERENT,
        "level.different",
    ),
    (
        "the journal and its supplement, under one ISSN",
        made(field("011", "a", "1234-5679"), leader=SERIAL, a="Gazette des quartiers", year="1998-"),
        made(field("011", "a", "1234-5679"), leader=SERIAL, a="Gazette des quartiers. Supplément", year="1998-"),
        DOUBT,
        "title.companion",
    ),
    (
        "one journal, another ISSN for the screen",
        made(field("011", "a", "1234-5679"), leader=SERIAL, a="Gazette des quartiers", year="1998-"),
        made(field("011", "a", "0317-8471"), leader=SERIAL, a="Gazette des quartiers", year="1998-"),
        DIFFERENT,
        "issn.different",
    ),
    # --- kinds
    (
        "the book and the film",
        made(**CHILD, year="2010"),
        made(**CHILD, year="2010", leader=FILM),
        DIFFERENT,
        "medium.different",
    ),
    (
        "the book and its translation",
        made(field("101", "a", "fre"), **CHILD, year="2010"),
        made(field("101", "a", "spa"), **CHILD, year="2010"),
        DIFFERENT,
        "language.different",
    ),
    # --- slips
    (
        "a slip, accents lost, the author turned round",
        made(a="Prévention de la délinquance en Hauts-Pays", author="Delmas, Hélène", year="2009", pages="88"),
        made(a="PREVENTION DE LA DELINQANCE EN HAUTS-PAYS", author="Hélène Delmas", year="2009", pages="88"),
        SAME,
        "title.near",
    ),
    (
        "one letter makes another word: hommes, femmes",
        made(a="Égalité des hommes au travail", author="Delmas, Hélène", year="2009", publisher="La Passerelle"),
        made(a="Égalité des femmes au travail", author="Delmas, Hélène", year="2009", publisher="La Passerelle"),
        DIFFERENT,
        "title.close",
    ),
]


@pytest.mark.parametrize(("left", "right", "outcome", "reason"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_a_documentalist_would_say(left: Described, right: Described, outcome: str, reason: str) -> None:
    verdict = compare(left, right)
    assert verdict.outcome == outcome, [(r.code, r.points) for r in verdict.reasons]
    assert reason in [r.code for r in verdict.reasons]
    assert set(keys(left)) & set(keys(right)), "no key brings them together"


def test_a_verdict_explains_itself_in_both_languages() -> None:
    verdict = compare(made(**REPORT, year="2018"), made(**REPORT, year="2019"))
    assert "années voisines (2018, 2019)" in [r.sentence for r in verdict.reasons]
    with use_language("en"):
        assert "neighbouring years (2018, 2019)" in [r.sentence for r in verdict.reasons]


def test_a_verdict_is_kept_as_data_and_read_again() -> None:
    verdict = compare(made(**BOOK, isbn=ONE, year="2018"), made(**BOOK, isbn=ONE, year="2020"))
    kept = json.loads(json.dumps(verdict.as_data()))
    assert (kept["outcome"], kept["score"]) == (verdict.outcome, verdict.score)
    assert reasons_of(kept) == verdict.reasons
    kept["reasons"].append({"code": "moon.full", "points": 3, "values": []})  # a finding that a later version lost
    assert reasons_of(kept) == verdict.reasons


def test_a_pair_has_one_name() -> None:
    assert pair("record:34", "notice:12") == pair("notice:12", "record:34") == ("notice:12", "record:34")


def test_every_finding_says_what_it_does() -> None:
    for code, feature in FEATURES.items():
        assert feature.fr and feature.en, code
        assert ("{values}" in feature.fr) == ("{values}" in feature.en), code
        assert feature.limit in ("", DOUBT, DIFFERENT) and feature.identified in (None, "", DOUBT), code


@pytest.mark.parametrize(
    ("written_as", "number"),
    [
        ("tome 3", "3"),
        ("IV", "4"),
        ("2e partie, vol. 1", "2.1"),
        ("Deuxième volume", "2"),
        ("A", "a"),
        ("n° 212", "212"),
    ],
)
def test_volume_numbers_as_people_write_them(written_as: str, number: str) -> None:
    assert made(a="Titre", h=written_as).volume == number


def test_words_and_names() -> None:
    assert number_of("v") == "" and number_of("v", after="tome") == "5" and number_of("007") == "7"
    assert volume_number("cahier bleu de la fin") == ""
    assert same_person("dupont anne", "a dupont") and same_person("dupont anne", "anne dupont")
    assert not same_person("dupont anne", "dupont jeanne-marie") and not same_person("martin jean", "durand jean")
    assert same_body("editions du canal", "le canal") and not same_body("ville de lille", "ville de lens")


# --- laws ------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ("ville", "quartier", "emploi", "école", "rapport", "bilan", "étude", "2018", "2019", "II", "tome")
)
TITLES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@st.composite
def cards(draw: st.DrawFn) -> Fields:
    maybe = lambda *choices: draw(st.sampled_from(("", *choices)))  # noqa: E731
    said = {
        "a": draw(TITLES),
        "e": draw(TITLES | st.just("")),
        "h": maybe("1", "2", "Tome 3"),
        "isbn": maybe(ONE, OTHER, THIRD),
        "author": maybe("Dupont, Anne", "Dupont, A.", "Anne Dupont", "Martin, Jean"),
        "body": maybe("Ville de Valvert", "Observatoire des quartiers"),
        "publisher": maybe("La Passerelle", "Éditions du Canal"),
        "year": maybe("2018", "2019", "2018-2020", "1998-"),
        "pages": maybe("12", "96", "p. 4-9", "3 vol."),
        "edition": maybe("2e éd.", "3e éd. revue"),
        "poor": maybe("yes"),
    }
    kept = {name: value for name, value in said.items() if value}
    leader = draw(st.sampled_from((LEADER, ARTICLE, SERIAL, FILM)))
    return written(leader=leader, **kept)


@settings(max_examples=60)
@given(cards(), cards())
def test_it_does_not_matter_which_comes_first(left: Fields, right: Fields) -> None:
    assert compare(describe(left), describe(right)) == compare(describe(right), describe(left))


@settings(max_examples=60)
@given(cards())
def test_a_notice_is_never_another_than_itself(card: Fields) -> None:
    described = describe(card)
    found = [r.code for r in compare(described, described).reasons]
    assert not [code for code in found if code.endswith((".different", ".one_side", ".of_set", ".companion"))]


@settings(max_examples=60)
@given(cards())
def test_what_says_enough_is_the_same_as_itself(card: Fields) -> None:
    """« Bilan » and nothing else may be anybody's: an author, a date and an extent are enough, or a place."""
    kept = [f for f in card if f["t"] not in ("700", "210", "215")]
    named = [field("700", "a", "Weber", "b", "Lucie"), field("210", "c", "La Passerelle", "d", "2011-")]
    if card[0]["v"] == ARTICLE:
        named += [field("461", "t", "Gazette", "9", "lnk:perio"), field("463", "v", "12", "9", "lnk:bull")]
    described = describe([*kept, *named, field("215", "a", "p. 4-9" if card[0]["v"] == ARTICLE else "96 p.")])
    assert compare(described, described).outcome == SAME


@settings(max_examples=60)
@given(cards(), st.sampled_from(sorted(changes.SAME)), st.integers(0, 99))
def test_the_keys_of_a_record_written_otherwise_meet(card: Fields, name: str, seed: int) -> None:
    """Where the title says something, and an author, a year and pages stand beside it."""
    rich = [
        *(f for f in card if f["t"] not in ("200", "700", "210", "215")),
        field("200", "a", "Habiter autrement les grands ensembles", "e", "dix ans de rénovation"),
        field("700", "a", "Weber", "b", "Lucie"),
        field("210", "c", "La Passerelle", "d", "2011"),
        field("215", "a", "212 p."),
    ]
    other = changes.SAME[name](rich, Random(seed))
    assert other is None or set(keys(describe(rich))) & set(keys(describe(other)))


# --- candidates ------------------------------------------------------------------------------


def shelved(session: Session, *cards: Fields) -> list[int]:
    batch = history.open_batch(session, "import", by="travee import")
    ids = notices.create_many(session, [NewNotice(card, status="published") for card in cards], batch=batch)
    candidates.store(session, dict(zip(ids, cards, strict=True)))
    return ids


def test_candidates_are_found_likeliest_first_in_two_questions(session: Session) -> None:
    book = written(**BOOK, isbn=ONE, year="2018", pages="212")
    near = written(**{**BOOK, "author": "Autre, Anne"}, year="1990")
    far = written(a="Tout autre chose", year="2018")
    ids = shelved(session, near, far, book)
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda _c, _u, sql, *_more: asked.append(sql))
    found = candidates.find(session, [describe(book), describe(far), made(a="Personne ne l’a")])
    assert found == [[ids[2], ids[0]], [ids[1]], []]
    assert len([sql for sql in asked if "match_key" in sql]) == 2  # how many share each key, then who
    assert candidates.find(session, [describe(book)], without=[ids[2]]) == [[ids[0]]]


def test_keys_follow_the_notice(session: Session) -> None:
    [notice_id] = shelved(session, written(**BOOK, isbn=ONE, year="2018"))
    assert candidates.store(session, {notice_id: written(**BOOK, isbn=ONE, year="2018")}) == 0
    assert candidates.store(session, {notice_id: written(a="Un autre titre, long et différent", year="2003")}) > 0
    assert candidates.find(session, [made(**BOOK, isbn=ONE)]) == [[]]
    candidates.forget(session, [notice_id])
    assert session.scalars(select(MatchKey)).all() == []


def test_a_key_that_everybody_has_brings_no_crowd(session: Session) -> None:
    cards = [written(a="Lettre d’information", year=str(1900 + n)) for n in range(candidates.MOST + 1)]
    ids = shelved(session, *cards)
    assert candidates.find(session, [made(a="Lettre d’information", year="1907")]) == [[ids[7]]]
    assert candidates.find(session, [made(a="Lettre d’information")]) == [ids[: candidates.CROWD]]  # rather than nobody


def test_two_keys_that_everybody_has_bring_the_one_that_has_both(session: Session) -> None:
    title = "Compte rendu de la commission du projet urbain"
    crowd = [written(a=title, year="2018", body="Ville de Valvert", pages=str(20 + n)) for n in range(60)]
    ids = shelved(session, *crowd)
    alike = made(a=title, year="2018", body="Ville de Valvert", pages="500")
    assert not any(len(at) == 1 for at in keys(alike))
    [found] = candidates.find(session, [alike])
    assert found == ids[: candidates.CROWD]
    best = written(a=title, e="séance plénière", year="2018", author="Delmas, Hélène", body="Ville de Valvert")
    [best_id] = shelved(session, best)
    assert candidates.find(session, [describe(best)])[0][0] == best_id


def test_a_crowd_too_large_to_be_counted_is_still_looked_into(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "READ", 55)
    title = "Compte rendu de la commission du projet urbain"
    ids = shelved(session, *[written(a=title, year="2018", pages=str(20 + n)) for n in range(60)])
    [found] = candidates.find(session, [made(a=title, year="2018")])
    assert len(found) == candidates.CROWD and set(found) <= set(ids)


def test_a_merged_notice_is_nobodys_candidate(session: Session) -> None:
    gone, stays = shelved(session, *[written(**BOOK, isbn=ONE, year="2018")] * 2)
    notice = session.get_one(Notice, gone)
    notice.status, notice.merged_into_id = "merged", stays
    session.flush()
    assert candidates.find(session, [made(**BOOK, isbn=ONE)]) == [[stays]]


# --- the benchmark's own promises -------------------------------------------------------------


def test_the_annotated_set_is_made_without_real_records_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "present", lambda: False)
    monkeypatch.setattr(annotated, "_demo", lambda: iter([records.entry("x:1", written(**BOOK, year="2018"))]))
    measured = annotated.made(quick=True)
    assert {p.same for p in measured.pairs} == {True, False}
    assert measured.told == ["No real records beside this checkout: records of the demonstration base only."]


def test_a_judgement_names_records_and_says_nothing_of_them() -> None:
    lines = [line for line in Path(annotated.JUDGED).read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) > 500
    for line in lines:
        verdict, left, left_mark, right, right_mark = line.split("\t")
        assert verdict in ("same", "different", "unsure") and left != right
        assert len(left_mark) == len(right_mark) == 8 and ":" in left and ":" in right


def test_recordmanagers_rules_as_they_are_described() -> None:
    known = lambda **said: recordmanager.known(written(**said))  # noqa: E731
    book = known(**BOOK, isbn=ONE, year="2018", pages="212")
    assert recordmanager.is_same(book, known(a="Tout autre chose", isbn=ONE))  # an ISBN ends the question
    assert not recordmanager.is_same(known(**BOOK, year="2018"), known(**BOOK, year="2019"))
    assert not recordmanager.is_same(known(**BOOK, pages="212"), known(**BOOK, pages="230"))
    assert recordmanager.is_same(known(**BOOK, year="2018", pages="212"), known(**BOOK, pages="220"))
    assert not recordmanager.is_same(known(**BOOK), known(a=BOOK["a"]))  # an author on one side only


def test_a_description_is_light() -> None:
    assert not hasattr(made(a="Titre"), "__dict__")
    assert len(fields_of(Described)) < 45
