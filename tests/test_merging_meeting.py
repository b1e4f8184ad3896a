"""A first meeting is no conflict; what we took away does not come back in other words; what we have is shown beside."""

from __future__ import annotations

import pytest

from catalogue.merging import Change, Merge, apply, rules, three_way
from catalogue.unimarc import Field, Fields
from tests.cast import MIETTES, field, notice
from tests.test_merging import RECI, by, natures, texts, the_change

ALL: rules.Rules = {"all": dict.fromkeys(("adds", "updates", "removes", "conflicts"), "accept")}
ABSTRACT = field("330", "a", "Un quartier raconté par ses habitants.")


def merge(base: Fields | None, ours: Fields, theirs: Fields, *, meeting: bool = False) -> Merge:
    return three_way(base, by(RECI, ours), theirs, claim=RECI, meeting=meeting)


# --- a first meeting -------------------------------------------------------------------------


def test_what_two_say_otherwise_when_they_meet_is_no_conflict() -> None:
    ours = [*MIETTES, field("215", "a", "12 p."), ABSTRACT]
    theirs = [*MIETTES, field("215", "a", "14 p."), field("330", "a", "Autre texte"), field("300", "a", "Avec un plan")]
    met = merge(None, ours, theirs)
    assert natures(met) == {"215": "differ", "330": "differ", "300": "add"}
    assert (met.category, met.meeting) == ("update", True)
    by_tag = {c.tag: c.preselected(RECI) for c in met.changes}
    assert by_tag == {"215": "ours", "330": "ours", "300": "theirs"}, "ours stays unless somebody says otherwise"


@pytest.mark.parametrize("base", [None, MIETTES], ids=["without a base", "while they meet"])
def test_no_rule_decides_a_first_meeting(base: Fields | None) -> None:
    ours = [*MIETTES, ABSTRACT]
    theirs = [*MIETTES, field("330", "a", "Autre texte"), field("300", "a", "Avec un plan")]
    met = merge(base, ours, theirs, meeting=base is not None)
    assert len(met.changes) == 2
    assert rules.decide(met, ALL, {RECI}) == {}


def test_a_first_meeting_with_another_document_is_told() -> None:
    ours, theirs = notice("Les quartiers de Lens"), notice("Cuisine des îles", field("330", "a", "Cent recettes"))
    assert merge(None, ours, theirs).bar == merge([], ours, theirs, meeting=True).bar == "record.other_document"
    assert merge(None, ours, notice("Les quartiers de Lens", ABSTRACT)).bar == ""


def test_what_both_said_when_they_met_is_compared_with_from_then_on() -> None:
    alike, ours = notice("Canal", field("606", "a", "Emploi")), field("330", "a", "Notre texte")
    theirs = [*notice("Canal bis"), field("606", "a", "Emploi"), field("330", "a", "Leur texte")]
    assert natures(merge(alike, [*alike, ours], theirs, meeting=True)) == {"200": "update", "330": "differ"}
    edited = [*notice("Canal ter"), field("606", "a", "Emploi"), ours]
    assert natures(merge(alike, edited, theirs, meeting=True)) == {"200": "conflict", "330": "differ"}
    assert natures(merge(alike, [*alike, ours], theirs[:-2], meeting=True)) == {"200": "update", "606": "remove"}


def test_what_both_have_added_since_they_agreed_is_a_conflict() -> None:
    met = merge(MIETTES, [*MIETTES, ABSTRACT], [*MIETTES, field("330", "a", "Leur texte")])
    assert the_change(met).nature == "conflict"


# --- what we took away -----------------------------------------------------------------------


def subject(*pairs: str) -> Field:
    return field("606", *pairs, ind=" 1")


KEPT = [subject("a", "Ville", "9", "id:812"), subject("a", "Lille")]


@pytest.mark.parametrize(
    "was, comes",
    [
        (subject("a", "Délinquance", "9", "id:813"), subject("a", "Prévention de la violence", "9", "id:813")),
        (subject("a", "Délinquance", "9", "id:813"), subject("a", "Prévention de la violence", "9", "id:990")),
        (subject("a", "Délinquance"), subject("a", "Délinquance", "3", "02734567X")),
        (subject("a", "Délinquance"), subject("a", "DELINQUANCE")),
        (subject("a", "Délinquance"), subject("a", "Délinquance", "x", "Lens")),
        (field("610", "a", "délinquance"), subject("a", "Délinquance")),
        (field("610", "a", "délinquance ; ados"), field("610", "a", "Délinquance des mineurs et prévention")),
        (
            field("700", "a", "Dupont", "b", "Anne", "9", "id:1", ind=" 1"),
            field("701", "a", "Dupont-Durand", "b", "A. M.", "9", "id:7", ind=" 1"),
        ),
        (field("701", "a", "Dupont", "b", "Anne", ind=" 1"), field("711", "a", "Cabinet Dupont", ind="02")),
        (
            field("300", "a", "Don de M. Untel, ne pas communiquer"),
            field("300", "a", "Don de M. Untel (2019), à ne pas communiquer du tout sans son accord écrit"),
        ),
    ],
)
def test_what_was_taken_away_here_waits_when_it_comes_in_other_words(was: Field, comes: Field) -> None:
    base, ours = [*notice("Lens"), *KEPT, was], [*notice("Lens"), *KEPT]
    met = merge(base, ours, [*notice("Lens"), *KEPT, comes])
    change = the_change(met)
    assert (change.nature, met.category) == ("conflict", "conflict")
    assert list(change.base) == [was], "what was taken away is shown"
    no_conflicts = {"all": dict.fromkeys(("adds", "updates", "removes"), "accept")}
    assert rules.decide(met, no_conflicts, {RECI}) == {}
    assert met.preselected() == {change.slot: "ours"}
    assert texts(apply(ours, met)) == texts(ours)
    assert comes["s"][0][1] in " ".join(texts(apply(ours, met, {change.slot: "theirs"})))


def test_what_is_new_beside_what_was_taken_away_is_safe() -> None:
    was = subject("a", "Délinquance", "9", "id:813")
    base, ours = [*notice("Lens"), *KEPT, was], [*notice("Lens"), *KEPT]
    new = merge(base, ours, [*notice("Lens"), *KEPT, was, subject("a", "Emploi")])
    assert natures(new) == {"606": "add"}, "they still say what we took away: this is something else"
    elsewhere = merge(base, ours, [*notice("Lens"), *KEPT, ABSTRACT])
    assert natures(elsewhere) == {"330": "add"}, "an abstract is no subject"
    theirs_only = merge(base, base, [*notice("Lens"), *KEPT, subject("a", "Emploi", "9", "id:5")])
    assert natures(theirs_only) == {"606": "add"} or "remove" in natures(theirs_only).values()


def test_a_subfield_taken_away_here_does_not_come_back_reworded() -> None:
    base = [field("200", "a", "Canal", "e", "première étude", ind="1 ")]
    theirs = [field("200", "a", "Canal", "e", "étude première, revue", ind="1 ")]
    change = the_change(merge(base, [field("200", "a", "Canal", ind="1 ")], theirs))
    assert (change.nature, change.completed) == ("conflict", None)


# --- what we have beside ---------------------------------------------------------------------


def beside(change: Change) -> list[str]:
    return texts(list(change.beside))


def test_where_we_say_nothing_of_it_what_we_say_of_the_sort_is_shown() -> None:
    ours = [*notice("Lens"), *KEPT, field("610", "a", "ados"), field("608", "a", "thèse"), field("300", "a", "Note")]
    theirs = [*ours, subject("a", "Emploi"), field("608", "a", "rapport"), field("215", "a", "12 p.")]
    by_tag = {c.tag: c for c in merge(ours, ours, theirs).changes}
    assert beside(by_tag["606"]) == ["Ville id:812", "Lille", "ados"]
    assert beside(by_tag["608"]) == ["thèse"]
    assert beside(by_tag["215"]) == []
    both = merge(None, [*notice("Lens"), ABSTRACT], [*notice("Lens"), field("330", "a", "Autre")])
    assert beside(the_change(both)) == [], "ours is there to be read"
