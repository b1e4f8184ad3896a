"""Answers become proposals: a filled value never changes, and what is applied once is applied."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import form, found
from catalogue.form import FORM, KIND, Values
from catalogue.found import Answer, Proposals, apply, propose
from catalogue.unimarc import Fields, with_kind


def record(kind: str = "book", **said: str | list[str]) -> Fields:
    """A record, by the inputs of the form."""
    values = {name: [text] if isinstance(text, str) else list(text) for name, text in said.items()}
    return form.write(with_kind([], kind), values)


def answer(source: str, *records: Fields, rank: int = 0, state: str = "found") -> Answer:
    return Answer(source, source.upper(), state if records else "nothing", records, rank=rank)


BNF = answer(
    "bnf",
    record(
        title="Habiter les bords",
        author=["Sorel, Mathilde"],
        publisher="Éditions du Bief",
        place="Roubaix",
        date="2021",
        isbn="9782499999010",
        extent="214 p.",
        subject=["Quartiers populaires"],
    ),
    rank=0,
)
SUDOC = answer(
    "sudoc",
    record(
        title="Habiter les bords",
        subtitle="trente ans d’enquête",
        author=["Sorel, M."],
        publisher="Le Bief",
        date="DL 2021",
        isbn="978-2-499-99901-0",
        extent="1 vol. (214 p.)",
        keyword=["quartiers populaires", "Roubaix"],
    ),
    rank=1,
)
HAL = answer("hal", record(title="Habiter les bords", publisher="Le Bief", date="2022"), rank=4)


def test_what_sources_agree_on_is_one_proposal_with_their_names() -> None:
    proposals = propose(form.blank(), [SUDOC, BNF], {})
    assert proposals.filled["title"].labels == ("BNF", "SUDOC")
    assert proposals.filled["title"].values == {"title": ("Habiter les bords",)}
    assert proposals.filled["author"].values["author"] == ("Sorel, Mathilde",)  # « M. » is she
    assert proposals.filled["date"].labels == proposals.filled["extent"].labels == ("BNF", "SUDOC")
    assert proposals.filled["isbn"].labels == ("BNF", "SUDOC")
    assert proposals.filled["subtitle"].labels == ("SUDOC",)
    assert not {"title", "author", "date", "isbn", "extent"} & set(proposals.choices)


def test_what_they_say_otherwise_is_a_choice_and_the_many_come_first() -> None:
    two = propose(form.blank(), [BNF, SUDOC], {})
    assert two.filled["publisher"].text == "Éditions du Bief, Roubaix"
    assert [choice.text for choice in two.choices["publisher"]] == ["Le Bief"]
    three = propose(form.blank(), [BNF, SUDOC, HAL], {})
    assert three.filled["publisher"].text == "Le Bief" and three.filled["publisher"].labels == ("SUDOC", "HAL")
    assert [choice.text for choice in three.choices["publisher"]] == ["Éditions du Bief, Roubaix"]
    assert three.filled["date"].text == "2021" and [c.text for c in three.choices["date"]] == ["2022"]


def test_a_filled_field_is_only_offered_a_choice() -> None:
    values = form.blank() | {"title": ["Mon titre"], "date": ["2021"], KIND: ["report"]}
    proposals = propose(values, [BNF], {})
    assert not {"title", "date", KIND} & set(proposals.filled)
    assert [choice.text for choice in proposals.choices["title"]] == ["Habiter les bords"]
    assert "date" not in proposals.choices
    after = apply(values, proposals)
    assert (after["title"], after[KIND], after["author"]) == (["Mon titre"], ["report"], ["Sorel, Mathilde"])


def test_a_city_that_was_typed_keeps_its_line() -> None:
    values = form.blank() | {"place": ["Lille"], "publisher": [""]}
    after = apply(values, propose(values, [BNF], {}))
    assert (after["place"], after["publisher"]) == (["Lille"], [""])


def test_the_habits_of_a_source_are_respected() -> None:
    proposals = propose(form.blank(), [BNF, SUDOC], {"bnf": ["publisher", "kind", "subject"], "sudoc": ["kind"]})
    assert proposals.filled["publisher"].sources == ("sudoc",)
    assert KIND not in proposals.filled and "publisher" not in proposals.choices
    assert [word.text for word in proposals.words] == ["quartiers populaires", "Roubaix"]


def test_subjects_are_words_and_never_values() -> None:
    proposals = propose(form.blank() | {"subject": ["Roubaix"]}, [BNF, SUDOC], {})
    assert [(word.text, word.labels) for word in proposals.words] == [("Quartiers populaires", ("BNF", "SUDOC"))]
    assert not {"subject", "keyword", "note"} & {*proposals.filled, *proposals.choices}


def test_the_kind_is_proposed_when_none_is_chosen() -> None:
    press = answer("page", record("press_article", title="Un titre"), rank=6)
    other = answer("crossref", record("other", title="Un titre"), rank=2)
    assert propose({}, [other, press], {}).filled[KIND].values == {KIND: ("press_article",)}
    assert KIND not in propose({KIND: ["book"]}, [press], {}).filled


def test_a_date_goes_where_the_chosen_kind_asks_for_it() -> None:
    press = {KIND: ["press_article"]}
    assert propose(press, [BNF], {}).filled["issue_date"].text == "2021"
    article = answer("crossref", record("article", title="T", issue_date="2024-03-18"))
    assert propose({KIND: ["report"]}, [article], {}).filled["date"].text == "2024-03-18"


def test_a_title_that_several_documents_bear_fills_nothing_until_one_is_chosen() -> None:
    one = record(title="La ville", author=["Sorel, Mathilde"], date="1998", isbn="9782499999010")
    two = record(title="La ville", author=["Ouali, Nadia"], date="2019", isbn="9782499999027")
    answers = [answer("bnf", one, two), answer("sudoc", two, rank=1)]
    proposals = propose(form.blank(), answers, {}, title="La ville")
    assert proposals.filled == {} and proposals.choices == {}
    assert [(d.author, d.labels) for d in proposals.documents] == [
        ("Ouali, Nadia", ("BNF", "SUDOC")),
        ("Sorel, Mathilde", ("BNF",)),
    ]
    taken = propose(form.blank(), answers, {}, title="La ville", chosen=proposals.documents[1].key)
    assert taken.filled["date"].text == "1998" and [d.taken for d in taken.documents] == [False, True]


def test_the_one_whose_title_was_typed_is_taken_among_those_that_resemble() -> None:
    answers = [answer("bnf", record(title="La ville des autres"), record(title="La ville"))]
    proposals = propose(form.blank(), answers, {}, title="la  VILLE")
    assert proposals.filled["title"].text == "La ville" and len(proposals.documents) == 2


def test_who_was_asked_for_a_number_answers_about_it_whatever_the_title() -> None:
    crossref = answer("crossref", record("article", title="The city", doi="10.5555/abc"), rank=2)
    hal = answer("hal", record("article", title="La ville", extent="p. 1-9"), rank=4)
    proposals = propose(form.blank(), [hal, crossref], {})
    assert proposals.documents == () and proposals.filled["extent"].sources == ("hal",)
    assert (proposals.filled["title"].text, proposals.choices["title"][0].text) == ("The city", "La ville")


def test_a_whole_reference_finds_its_document() -> None:
    wanted = record("article", title="Des conseils citoyens à l’épreuve du temps")
    assert found.is_alike("Lemoine, Des conseils citoyens à l'épreuve du temps, Cahiers, n° 2, 2023", wanted)
    assert not found.is_alike("Des conseils pour bien dormir", wanted)
    assert not found.is_alike("temps", record(title=""))


def test_answers_are_kept_as_json_and_come_back_the_same() -> None:
    kept = json.loads(json.dumps(found.to_row(SUDOC)))
    assert found.from_row(kept) == SUDOC
    assert propose(form.blank(), [found.from_row(kept)], {}) == propose(form.blank(), [SUDOC], {})


def test_nothing_in_nothing_out() -> None:
    empty = propose(form.blank(), [answer("bnf"), replace(BNF, records=(), state="down")], {})
    assert empty.is_empty and empty == Proposals({}, {})


# --- laws ------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
NAMES = [KIND, "title", "author", "author_role", "publisher", "place", "date", "issue_date", "isbn", "abstract"]
VALUES = st.dictionaries(st.sampled_from(NAMES), st.lists(TEXT, max_size=3), max_size=8)
RECORDS = st.builds(
    lambda kind, said: form.write(with_kind([], kind), {n: v for n, v in said.items() if n != KIND}),
    st.sampled_from(["book", "article", "press_article", "report", "other"]),
    VALUES,
)
ANSWERS = st.lists(
    st.builds(
        lambda source, records, rank: answer(source, *records, rank=rank),
        st.sampled_from(["bnf", "sudoc", "crossref", "hal"]),
        st.lists(RECORDS, max_size=3),
        st.integers(0, 6),
    ),
    max_size=4,
    unique_by=lambda one: one.source,
)


def filled(values: Values) -> dict[str, list[str]]:
    """What is written in the form: the inputs of each field that has anything in it."""
    out = {}
    for form_field in FORM.values():
        names = [column.name for column in form_field.columns]
        if any(t.strip() for c in form_field.columns if not c.default for t in values.get(c.name, ())):
            out.update({name: values.get(name, []) for name in names})
    return out


@settings(max_examples=30)
@given(VALUES, ANSWERS, TEXT)
def test_a_filled_value_never_changes(values: Values, answers: list[Answer], title: str) -> None:
    after = apply(values, propose(values, answers, {}, title=title))
    assert {name: after.get(name, []) for name in filled(values)} == filled(values)
    if any(values.get(KIND, ())):
        assert after[KIND] == values[KIND]


@settings(max_examples=30)
@given(VALUES, ANSWERS, TEXT)
def test_applying_twice_changes_nothing(values: Values, answers: list[Answer], title: str) -> None:
    once = apply(values, propose(values, answers, {}, title=title))
    assert apply(once, propose(once, answers, {}, title=title)) == once


@settings(max_examples=30)
@given(VALUES, ANSWERS, st.randoms())
def test_the_order_in_which_answers_come_changes_nothing(values: Values, answers: list[Answer], chance: object) -> None:
    turned = list(answers)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert propose(values, turned, {}) == propose(values, answers, {})
