"""Three states compared field by field: laws of merging, what is asked and what is not, a source's rules."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import problems
from catalogue.merging import Change, Merge, apply, barred, group_of, reverse, rules, said, slot_of, three_way
from catalogue.unimarc import Field, Fields
from catalogue.volatile import PMB_VOLATILE, volatile
from tests.cast import MIETTES, field, notice

RECI, COSOTER = 7, 8  # claims


def by(who: int | str, fields: Fields) -> Fields:
    return [{**f, "o": [who], "r": 1} for f in fields]


def texts(fields: Fields) -> list[str]:
    return [" ".join(v for _c, v in f["s"]) for f in fields if "s" in f]


def natures(merge: Merge) -> dict[str, str]:
    return {c.tag: c.nature for c in merge.changes}


def the_change(merge: Merge) -> Change:
    (change,) = merge.changes
    return change


# --- laws ------------------------------------------------------------------------------------

WORDS = st.sampled_from(["Ville", "ville", "Quartier nord", "Canal", "Été", "Dupont", "Durand", "id:12"])
CODES = {
    "200": "aef", "210": "acd", "214": "cd", "330": "a", "300": "a", "606": "ax9", "610": "a", "700": "ab4",
    "701": "ab4", "702": "ab", "856": "uz", "010": "ab", "461": "tv9", "950": "ab", "900": "na", "801": "bc",
}  # fmt: skip
ONE = st.sampled_from(sorted(CODES)).flatmap(
    lambda tag: st.builds(
        lambda i, s: Field(t=tag, i=i, s=[list(p) for p in s]),
        st.sampled_from(["  ", " 1"]),
        st.lists(st.tuples(st.sampled_from(CODES[tag]), WORDS), min_size=1, max_size=3),
    )
)
RECORDS = st.lists(ONE, max_size=6).map(lambda some: [Field(t="000", v="     nam0 22     3  450 "), *some])
ORIGINS = st.sampled_from(["l", RECI, COSOTER])
NOTICES = st.builds(
    lambda some, who: [{**f, "o": [o], "r": 1} for f, o in zip(some, who, strict=False)],
    RECORDS,
    st.lists(ORIGINS, min_size=7, max_size=7),
)


def statements(fields: Fields) -> Counter[object]:
    """What a record says, order left out, without what is never a difference."""
    return Counter(says for f in fields if not slot_of(f["t"]).silent and (says := said(f))[2])


@settings(max_examples=30)
@given(NOTICES)
def test_merging_a_notice_with_itself_changes_nothing(ours: Fields) -> None:
    for base in (None, ours, []):
        merge = three_way(base, ours, ours, claim=RECI)
        assert merge.changes == ()
        assert [(f["t"], f.get("s")) for f in apply(ours, merge)] == [(f["t"], f.get("s")) for f in ours]


@settings(max_examples=40)
@given(RECORDS, RECORDS)
def test_where_we_changed_nothing_accepting_all_gives_what_they_say(base: Fields, theirs: Fields) -> None:
    ours = by(RECI, base)
    merge = three_way(base, ours, theirs, claim=RECI, exact=True)
    result = apply(ours, merge, {c.slot: "theirs" for c in merge.changes})
    assert statements(result) == statements(theirs)
    assert all(f["o"] == [RECI] for f in result)
    assert "conflict" not in natures(merge).values()


@settings(max_examples=40)
@given(st.none() | RECORDS, NOTICES, RECORDS)
def test_keeping_ours_keeps_every_word_of_ours(base: Fields | None, ours: Fields, theirs: Fields) -> None:
    merge = three_way(base, ours, theirs, claim=RECI)
    result = apply(ours, merge, {c.slot: "ours" for c in merge.changes})
    assert [said(f) for f in result] == [said(f) for f in ours]


@settings(max_examples=40)
@given(st.none() | RECORDS, NOTICES, RECORDS)
def test_slots_without_a_question_are_left_as_they_are(base: Fields | None, ours: Fields, theirs: Fields) -> None:
    merge = three_way(base, ours, theirs, claim=RECI)
    asked = Counter(said(f) for c in merge.changes for f in c.ours)
    result = Counter(map(said, apply(ours, merge, {c.slot: "theirs" for c in merge.changes})))
    assert not (Counter(map(said, ours)) - asked) - result


@settings(max_examples=40)
@given(st.none() | RECORDS, NOTICES, RECORDS)
def test_what_was_written_here_stays_readable_unless_somebody_decides(
    base: Fields | None, ours: Fields, theirs: Fields
) -> None:
    """Every value of a field that is ours alone is in the result of what is preselected, in some field of its list."""
    merge = three_way(base, ours, theirs, claim=RECI)
    risky = {c.slot: "ours" for c in merge.changes if c.nature == "update"}
    result = apply(ours, merge, risky)
    values = {(c, v) for f in result for c, v in f.get("s", ())}
    for f in ours:
        if f["o"] == ["l"]:
            assert {(c, v) for c, v in f.get("s", ())} <= values


@settings(max_examples=40)
@given(st.none() | RECORDS, NOTICES, RECORDS, st.sampled_from(["ours", "theirs", "both", None]))
def test_applying_twice_is_applying_once(base: Fields | None, ours: Fields, theirs: Fields, choice: str | None) -> None:
    merge = three_way(base, ours, theirs, claim=RECI)
    decisions = {c.slot: choice if choice in c.choices else "ours" for c in merge.changes} if choice else {}
    once = apply(ours, merge, decisions)
    twice = apply(once, merge, decisions)
    assert Counter(map(said, twice)) == Counter(map(said, once))


@settings(max_examples=40)
@given(NOTICES, NOTICES, st.lists(ONE, max_size=2), st.integers(0, 6))
def test_taking_a_merge_back_gives_the_notice_plus_what_was_edited_since(
    ours: Fields, theirs: Fields, added: Fields, cut: int
) -> None:
    after = apply(ours, three_way(None, ours, theirs))
    assert reverse(after, after, ours) == ours
    kept_apart = [f for f in added if not any(slot_name(f) == slot_name(g) for g in [*ours, *theirs])]
    now = [*after, *by("l", kept_apart)]
    assert statements(reverse(after, now, ours)) == statements([*ours, *kept_apart])
    fewer = [f for n, f in enumerate(after) if n != cut]
    assert not statements(reverse(after, fewer, ours)) - statements(ours)


def slot_name(f: Field) -> str:
    return slot_of(f["t"]).group  # a whole group apart: nothing is paired across groups


def test_what_changes_every_day_is_no_difference() -> None:
    """One record, exported on two days: dates, thumbnails and PMB's own numbers have moved."""
    for tags, code, start, _why in PMB_VOLATILE:
        for tag in tags.replace("*", "606").split():
            assert volatile(tag, code, f"{start}1")
            one, two = ([*MIETTES, field(tag, "a", "x", code, f"{start}{day}")] for day in "12")
            assert three_way(one, by(RECI, one), two, claim=RECI).changes == (), (tag, code)


# --- what is asked ---------------------------------------------------------------------------


def test_the_four_kinds_of_change() -> None:
    base = [*MIETTES, field("300", "a", "Bibliographie p. 12"), field("606", "a", "Logement")]
    ours = [
        *by(RECI, [f for f in base if f["t"] != "200"]),
        *by("l", [field("200", "a", "La ville en miettes", "e", "notre sous-titre", ind="1 ")]),
    ]
    theirs = [
        *(f for f in base if f["t"] not in ("200", "210", "300")),
        field("200", "a", "La ville en morceaux", ind="1 "),
        field("210", "c", "Éditions du Canal", "d", "1999"),
        field("330", "a", "Un résumé"),
    ]
    merge = three_way(base, ours, theirs, claim=RECI)
    assert natures(merge) == {"200": "conflict", "210": "update", "300": "remove", "330": "add"}
    assert merge.category == "conflict"
    assert {c.group for c in merge.changes} == {"title", "publisher", "notes", "abstract"}


@pytest.mark.parametrize(
    "nature, category", [("add", "safe"), ("update", "update"), ("remove", "update"), ("conflict", "conflict")]
)
def test_a_merge_is_as_bad_as_its_worst_change(nature: str, category: str) -> None:
    assert Merge((Change("330", "330", "add"), Change("200", "200", nature)), []).category == category
    assert Merge((), []).category == "nothing"


def test_a_new_value_comes_from_them_and_the_old_ones_keep_their_origin() -> None:
    ours = by("l", MIETTES)
    theirs = [*MIETTES[:2], field("606", "a", "Logement", ind=" 1")]
    result = apply(ours, three_way(None, ours, theirs, claim=RECI))
    assert {f["s"][0][1]: (f["o"], f.get("r")) for f in result if f["t"] == "606"} == {
        "Renouvellement urbain": (["l"], 1),
        "Logement": ([RECI], None),
    }
    assert next(f for f in result if f["t"] == "200")["o"] == ["l", RECI], "both say the title"
    assert [f["t"] for f in result][-2:] == ["606", "606"], "beside those of its tag"


def test_the_first_meeting_does_not_ask_about_capitals_accents_and_signs() -> None:
    ours = by("l", notice("L’œuvre du Phénix", field("700", "a", "Dumas", "b", "Agnès", "4", "070", ind=" 1")))
    theirs = notice("L'oeuvre du phenix", field("701", "a", "DUMAS", "b", "Agnes", ind="  "))
    assert three_way(None, ours, theirs, claim=RECI).changes == ()


def test_the_first_meeting_completes_a_field_without_touching_its_words() -> None:
    ours = by("l", [field("200", "a", "L’œuvre du Phénix", "f", "Anne Dupont", ind="1 ")])
    theirs = [field("200", "a", "L'oeuvre du Phenix", "e", "chronique", ind="1 ")]
    merge = three_way(None, ours, theirs, claim=RECI)
    assert natures(merge) == {"200": "add"}
    (title,) = apply(ours, merge)
    assert title["s"] == [["a", "L’œuvre du Phénix"], ["e", "chronique"], ["f", "Anne Dupont"]]
    assert title["o"] == ["l", RECI], "part of it is ours: no rule may change it"


def test_an_author_who_changes_rank_is_one_question() -> None:
    base = notice("Un livre", field("330", "a", "Un résumé."), field("701", "a", "Dupont", "b", "Anne", ind=" 1"))
    theirs = [*base[:-1], field("700", "a", "Dupont", "b", "Anne", ind=" 1")]
    change = the_change(three_way(base, by(RECI, base), theirs, claim=RECI))
    assert (change.nature, change.ours[0]["t"], change.theirs[0]["t"]) == ("update", "701", "700")


def test_a_second_main_author_takes_the_next_rank() -> None:
    ours = by("l", [field("700", "a", "Dupont", "b", "Anne", ind=" 1")])
    theirs = [field("700", "a", "Zidane", "b", "Paul", ind=" 1")]
    result = apply(ours, three_way(None, ours, theirs, claim=RECI))
    assert [(f["t"], f["s"][0][1]) for f in result] == [("700", "Dupont"), ("701", "Zidane")]


def test_a_heading_renamed_at_its_source_is_one_question_because_it_keeps_its_number() -> None:
    base = [field("606", "a", "Z.U.P.", "9", "id:12"), field("606", "a", "Emploi", "9", "id:13")]
    theirs = [field("606", "a", "Grand ensemble", "9", "id:12"), field("606", "a", "Emploi", "9", "id:13")]
    change = the_change(three_way(base, by(RECI, base), theirs, claim=RECI))
    assert change.nature == "update"
    assert (change.base[0]["s"][0][1], change.theirs[0]["s"][0][1]) == ("Z.U.P.", "Grand ensemble")


def test_the_numbers_of_two_bases_say_nothing_to_one_another() -> None:
    ours = by(COSOTER, [field("606", "a", "Z.U.P.", "9", "id:12")])
    theirs = [field("606", "a", "Grand ensemble", "9", "id:12")]
    change = the_change(three_way(None, ours, theirs, claim=RECI))
    assert (change.nature, change.ours) == ("add", ())


def test_a_slip_put_right_in_a_note_is_one_question() -> None:
    base = [field("300", "a", "Contient une bibliografie de vingt pages")]
    theirs = [field("300", "a", "Contient une bibliographie de vingt pages")]
    assert the_change(three_way(base, by(RECI, base), theirs, claim=RECI)).nature == "update"


def test_the_same_isbn_written_otherwise_is_one_isbn() -> None:
    ours = by("l", [field("010", "a", "978-2-07-036822-8")])
    assert three_way(None, ours, [field("010", "a", "9782070368228")], claim=RECI).changes == ()


def test_the_numbers_inside_their_own_fields_are_brought_up_to_date() -> None:
    ours = by(RECI, [field("606", "a", "Emploi", "9", "id:12"), field("300", "a", "Note")])
    theirs = [field("606", "a", "Emploi", "9", "id:99"), field("300", "a", "Note"), field("330", "a", "Résumé")]
    result = apply(ours, three_way(ours, ours, theirs, claim=RECI))
    subject = next(f for f in result if f["t"] == "606")
    assert (subject["s"], subject["r"]) == ([["a", "Emploi"], ["9", "id:99"]], 1)


def test_copies_of_a_partner_never_become_what_we_hold() -> None:
    serial = notice("Gazette")
    theirs = [*serial, field("950", "b", "1998-2020"), field("900", "n", "commande", "a", "oui")]
    assert three_way(None, by("l", serial), theirs, claim=RECI).changes == ()
    assert three_way(serial, by("l", serial), theirs, claim=RECI).changes == ()
    assert set(natures(three_way(serial, by(RECI, serial), theirs, claim=RECI))) == {"950", "900"}


def test_a_poorer_format_takes_nothing_away() -> None:
    rich = [*MIETTES, field("215", "a", "12 p."), field("225", "a", "Coll."), field("676", "a", "711")]
    poor = notice("La ville en miettes", field("330", "a", "Résumé"), year="1998")
    merge = three_way(rich, by(RECI, rich), poor, claim=RECI)
    assert merge.bar == "record.says_less"
    assert natures(merge) == {"330": "add"}
    one_less = [f for f in rich if f["t"] != "676"]
    assert natures(three_way(rich, by(RECI, rich), one_less, claim=RECI)) == {"676": "remove"}


def test_a_number_given_to_another_book_is_told() -> None:
    other = notice("Cuisine des îles", field("606", "a", "Gastronomie"))
    assert three_way(MIETTES, by(RECI, MIETTES), other, claim=RECI).bar == "record.other_document"
    ours, theirs = notice("Le Corbusier et la ville"), notice("La cuisine et le jardin")
    assert barred(ours, theirs) == "record.other_document", "words that no title is known by are none in common"
    number, unnumbered = field("010", "a", "978-2-13-055415-8"), [f for f in MIETTES if f["t"] != "010"]
    assert barred(MIETTES, [*unnumbered, number]) == "record.other_document"
    assert barred(MIETTES, [*MIETTES, number]) == barred(unnumbered, [*unnumbered, number]) == ""


def test_a_record_taken_over_as_a_whole_may_say_nothing_less() -> None:
    two = [*MIETTES, field("606", "a", "Emploi"), field("608", "a", "thèse")]
    assert barred(two, [*MIETTES]) == "" and barred(two, MIETTES, whole=True) == "record.says_less"
    assert barred(two, [f for f in two if f["t"] != "608"], whole=True) == "", "an export has it or not by its options"
    assert barred(two, [*two, two[-2]], whole=True) == barred([*two, two[-2]], two, whole=True) == ""


def test_keeping_both_is_offered_where_a_record_may_have_both() -> None:
    ours = by("l", [field("200", "a", "Un", ind="1 "), field("330", "a", "Notre résumé")])
    theirs = [field("200", "a", "Deux", ind="1 "), field("330", "a", "Leur texte à eux")]
    merge = three_way(None, ours, theirs, claim=RECI)
    assert {c.tag: c.choices for c in merge.changes} == {"200": ("ours", "theirs"), "330": ("ours", "theirs", "both")}
    assert texts(apply(ours, merge, {"330": "both"})) == ["Un", "Notre résumé", "Leur texte à eux"]


def test_what_both_say_stays_when_one_of_them_leaves() -> None:
    ours, loser = by("l", notice("Un")), by("l", [*notice("Un"), field("606", "a", "Emploi")])
    after = apply(ours, three_way(None, ours, loser))
    kept = [said(field("606", "a", "Emploi"))]
    assert "Emploi" in texts(reverse(after, [*after, *by("l", [field("300", "a", "x")])], ours, kept=kept))


def test_every_group_has_its_words() -> None:
    assert (group_of("606").label, group_of("214").fr, group_of("XYZ").en) == ("Sujets", "Éditeur", "Other fields")


# --- rules -----------------------------------------------------------------------------------

TABLE = """
[all]
adds = "accept"

[subjects]
updates = "accept"
conflicts = "ours"
"""


def test_a_rule_takes_what_is_theirs_and_leaves_what_we_touched() -> None:
    table, wrong = rules.parse_rules(TABLE.replace("[subjects]", "[publisher]"))
    assert wrong == []
    base = [*MIETTES, field("215", "a", "12 p.")]
    theirs = [f for f in base if f["t"] != "210"] + [field("210", "c", "Canal"), field("330", "a", "Résumé")]
    touched = [{**f, "o": ["l"]} if f["t"] == "210" else f for f in by(RECI, base)]
    for ours, expected in ((by(RECI, base), {"210": "theirs", "330": "theirs"}), (touched, {"330": "theirs"})):
        merge = three_way(base, ours, theirs, claim=RECI)  # type: ignore[arg-type]
        assert rules.decide(merge, table, {RECI}) == expected


def test_a_conflict_is_only_settled_by_a_rule_that_says_so() -> None:
    base, theirs = notice("Canal"), notice("Canal deux")
    ours = by("l", notice("Canal bis"))
    merge = three_way(base, ours, theirs, claim=RECI)
    assert rules.decide(merge, rules.FOLLOW, {RECI}) == {}
    table = rules.with_rule({}, "title", "conflict", "accept")
    assert rules.decide(merge, table, {RECI}) == {"200": "theirs"}
    assert rules.decide(merge, rules.with_rule(table, "title", "conflict", "ours"), {RECI}) == {"200": "ours"}
    assert rules.with_rule(table, "title", "conflict", "ask") == {}


def test_no_rule_lets_a_poorer_record_in_nor_empties_a_field() -> None:
    rich = [*MIETTES, field("215", "a", "12 p."), field("225", "a", "Coll."), field("676", "a", "711")]
    poor = notice("La ville en miettes", field("330", "a", "Résumé"), year="1998")
    assert rules.decide(three_way(rich, by(RECI, rich), poor, claim=RECI), rules.FOLLOW, {RECI}) == {}
    fewer = [f for f in rich if f["t"] != "676"]
    assert rules.decide(three_way(rich, by(RECI, rich), fewer, claim=RECI), rules.FOLLOW, {RECI}) == {}
    two = [*MIETTES, field("606", "a", "Emploi")]
    merge = three_way(two, by(RECI, two), MIETTES, claim=RECI)
    assert list(rules.decide(merge, rules.FOLLOW, {RECI}).values()) == ["theirs"]


def test_a_table_is_read_as_it_is_written() -> None:
    table, wrong = rules.parse_rules(TABLE)
    assert (table, wrong) == (
        {"all": {"adds": "accept"}, "subjects": {"updates": "accept", "conflicts": "ours"}},
        [],
    )
    assert rules.parse_rules(rules.format_rules(table)) == (table, [])
    assert "# Sujets" in rules.format_rules(table)
    assert rules.sentences(table)[2] == "Sujets, ce que les deux ont changé : garder le nôtre"
    assert rules.of_source({"follow": "untouched"}) == rules.FOLLOW
    assert rules.of_source({"fields": table, "follow": "untouched"}) == table
    assert rules.of_source({}) == {}


@pytest.mark.parametrize(
    "text, code, line",
    [
        ('[all]\nadds = "accept"\n[sujets]\nadds = "ask"', "rules.unknown_group", 3),
        ('[all]\nadds = "accept"\nchanges = "ask"', "rules.unknown_kind", 3),
        ('[title]\nadds = "peut-être"', "rules.unknown_answer", 2),
        ('title = "accept"', "rules.no_table", 1),
        ("[title]\nadds = accept", "rules.not_toml", 2),
        ("#" * 20_000, "rules.too_long", 1),
    ],
)
def test_what_is_wrong_in_a_table_is_told_with_its_line(text: str, code: str, line: int) -> None:
    table, (problem,) = rules.parse_rules(text)
    assert (table, problem.code, problem.params["line"]) == ({}, code, line)
    assert str(line) in problems.sentence(problem.code, problem.params)


def test_a_first_meeting_with_a_poorer_format_asks_only_what_it_adds() -> None:
    ours = [
        field("200", "a", "Le mille-pattes", "e", "roman", ind="1 "),
        field("210", "a", "Paris", "c", "L’École des loisirs", "d", "1997"),
        field("702", "a", "Robin", "b", "Christian", "4", "340", ind=" 1"),
        field("610", "a", "coton;blues", ind="0 "),
    ]
    theirs = [
        field("200", "a", "Le mille-pattes : roman", ind="1 "),
        field("210", "c", "Paris : L'École des loisirs", "d", "1997"),
        field("700", "a", "Robin", "b", "Christian", "4", "070", ind=" 1"),
        field("606", "a", "coton", ind=" 1"),
        field("330", "a", "Un résumé que nous n’avions pas."),
    ]
    assert natures(three_way(None, ours, theirs)) == {"330": "add"}
