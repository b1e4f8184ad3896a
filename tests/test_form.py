"""The desk's form shows what it knows, keeps what it does not, and changes only what was typed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import differences, form, unimarc
from catalogue.form import Journal, Term, Values
from catalogue.i18n import use_language
from catalogue.problems import SENTENCES
from catalogue.text import fold
from catalogue.unimarc import KINDS, Field, Fields
from catalogue.validation import validate
from tests.cast import ARTICLE, GAZETTE, MIETTES, PHENIX, field


def sent(fields: Fields, **changed: list[str]) -> Values:
    """What a browser sends for this notice: every input, an empty row after each list, its own line ends."""
    values = form.read(fields) | changed
    for form_field in form.FORM.values():
        if form_field.repeatable:
            for column in form_field.columns:
                values[column.name] = [*values[column.name], column.default]
        if form_field.columns[0].how == "lines":
            values[form_field.key] = [text.replace("\n", "\r\n") for text in values[form_field.key]]
    return values


def edited(fields: Fields, **changed: list[str]) -> Fields:
    return form.write(fields, sent(fields, **changed))


# --- nothing is lost -------------------------------------------------------------------------

TAGS = st.one_of(
    st.sampled_from(sorted({tag for f in form.FORM.values() for tag in f.tags})),
    st.sampled_from(["001", "100", "410", "464", "608", "801", "897", "900", "9xx", "4", ""]),
)
CODES = st.sampled_from("aabbcdefhkqtuvxyz0234569N")
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("", " ", "lnk:perio", "lnk:bull", "id:77", "lang:fr_FR", "lang:en_UK", "idthes:1", "DOI", "070", "730"),
            *("fre", "Dupont, Anne", "a\r\nb", "a\nb", "\x98Le \x9cchat", "&lt;b&gt;", "k7m4x9q0", "2024", "A -- B"),
            *("a ; b", "Titre\u202f: suite", "\x00", "<script>alert(1)</script>", "a\n\nb", " x "),
        ]
    ),
)
DATA = st.builds(
    lambda tag, ind, pairs, extra: {"t": tag, "i": ind, "s": pairs, **extra},
    TAGS,
    st.text(" 012", min_size=2, max_size=2),
    st.lists(st.tuples(CODES, WORDS).map(list), max_size=5),
    st.sampled_from([{}, {"x": "77"}, {"o": ["l"], "r": 4}, {"o": [31], "r": 9, "x": "905"}]),
)
CONTROL = st.builds(lambda tag, value: {"t": tag, "v": value}, st.sampled_from(["001", "005", "009", "200"]), WORDS)
LEADERS = st.sampled_from([[], [{"t": "000", "v": unimarc.LEADER}], [{"t": "000", "v": "     naa2 22     3  450 "}]])
RECORDS = st.builds(lambda head, body: head + body, LEADERS, st.lists(st.one_of(DATA, CONTROL), max_size=8))


@settings(max_examples=200, deadline=None)
@given(RECORDS)
def test_saving_an_untouched_form_changes_nothing_whatever_the_record(fields: Fields) -> None:
    assert form.write(fields, sent(fields)) == fields


@settings(max_examples=200, deadline=None)
@given(RECORDS, st.data())
def test_editing_one_value_changes_that_field_and_no_other(fields: Fields, data: st.DataObject) -> None:
    values = form.read(fields)
    filled = [(c, n) for f in form.FORM.values() for c in f.columns for n, text in enumerate(values[c.name]) if text]
    if not filled:
        return
    column, n = data.draw(st.sampled_from(filled))
    texts = list(values[column.name])
    texts[n] = "Tout autre"
    after = form.write(fields, sent(fields, **{column.name: texts}))
    companions = [f for f in fields if f["t"] == "606" and f not in after]  # PMB's other languages of one subject
    same = [f for f in fields if any(f is g for g in after)]
    changed = [f for f in after if not any(f is g for g in fields)]
    assert len(changed) == 1
    assert "o" not in changed[0]
    assert len(same) + len(companions) >= len(fields) - 1
    assert form.read(after)[column.name][n] == "Tout autre"


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_what_the_form_shows_is_what_it_takes_back(fields: Fields) -> None:
    values = form.read(fields)
    assert form.tidy(sent(fields)) == values


# --- what is read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown", "fields"),
    [
        ("title", ["Le chat"], [field("200", "a", "\x98Le \x9cchat")]),
        ("title", ["L’œuvre du Phénix"], PHENIX),
        ("subtitle", ["essai", "nouvelle édition"], [field("200", "a", "T", "e", "essai", "e", "nouvelle édition")]),
        ("author", ["Dumas, Agnès"], MIETTES),
        ("author", ["Confucius"], [field("700", "a", "Confucius")]),
        ("author_role", ["730"], [field("702", "a", "X", "4", "730")]),
        ("author_role", [""], [field("701", "a", "X")]),
        ("body", ["IREV. Espace doc"], [field("710", "a", "IREV", "b", "Espace doc")]),
        ("journal", ["Gazette des quartiers"], ARTICLE),
        ("journal", [], [field("461", "t", "Une collection", "v", "12")]),
        ("issue_number", ["212"], ARTICLE),
        ("issue_date", ["février 2024"], ARTICLE),
        ("date", ["2024"], ARTICLE),
        ("date", ["DL 2008"], [field("214", "c", "X", "d", "DL 2008")]),
        ("date", ["2001"], [field("210", "a", "Lille"), field("214", "d", "2001")]),
        ("publisher", ["Éditions du Canal"], MIETTES),
        ("doi", ["10.5555/abc"], [field("014", "a", "10.5555/abc", "b", "DOI")]),
        ("doi", [], [field("014", "a", "12345", "b", "PMID")]),
        ("subject", ["Logement -- Lille"], [field("606", "a", "Logement", "y", "Lille")]),
        ("abstract", ["Un\n\ndeux"], [field("330", "a", "Un\r\n\r\ndeux\n")]),
        ("language", ["fre", "eng"], [field("101", "a", "fre", "a", "eng", "c", "ger")]),
        ("keyword", ["ANRU;relogement"], PHENIX),
        ("issn", ["1234-5679"], GAZETTE),
        ("kind", ["book"], MIETTES),
        ("kind", ["article"], ARTICLE),
        ("kind", [""], [field("200", "a", "Une idée")]),
    ],
)
def test_what_the_form_shows(name: str, shown: list[str], fields: Fields) -> None:
    assert form.read(fields)[name] == shown


def test_a_subject_that_pmb_wrote_in_two_languages_is_shown_once_in_french() -> None:
    english = field("606", "9", "id:812", "9", "lang:en_UK", "9", "idthes:1", "a", "Urban renewal")
    french = field("606", "9", "id:812", "9", "lang:fr_FR", "9", "idthes:1", "a", "Renouvellement urbain")
    other = field("606", "a", "École")
    fields = [english, french, other]
    assert form.read(fields)["subject"] == ["Renouvellement urbain", "École"]
    assert edited(fields) == fields
    assert edited(fields, subject=["", "École"]) == [other]


def test_what_the_form_does_not_show_is_listed_apart() -> None:
    fields = [*MIETTES, field("801", "a", "RECI"), field("461", "t", "Une collection")]
    assert [f["t"] for f in form.rest(fields)] == ["801", "461"]


# --- what is written -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"title": ["La ville"]}, [field("200", "a", "La ville", ind="1 ")]),
        (
            {"title": ["La ville"], "subtitle": ["essai", "suite"]},
            [field("200", "a", "La ville", "e", "essai", "e", "suite", ind="1 ")],
        ),
        (
            {"publisher": ["Canal"], "place": ["Lille"], "date": ["2021"]},
            [field("210", "a", "Lille", "c", "Canal", "d", "2021")],
        ),
        ({"date": ["impr. 2021"]}, [field("210", "d", "impr. 2021")]),
        (
            {"author": ["Dupont, Anne", "Li Wei", "Roy, Luc"], "author_role": ["070", "070", "730"]},
            [
                field("700", "a", "Dupont", "b", "Anne", "4", "070", ind=" 1"),
                field("701", "a", "Li Wei", "4", "070", ind=" 1"),
                field("702", "a", "Roy", "b", "Luc", "4", "730", ind=" 1"),
            ],
        ),
        (
            {"author": ["Dupont, Anne"], "author_role": ["070"], "body": ["IREV"], "body_role": ["070"]},
            [
                field("700", "a", "Dupont", "b", "Anne", "4", "070", ind=" 1"),
                field("711", "a", "IREV", "4", "070", ind="02"),
            ],
        ),
        (
            {"journal": ["Gazette"], "issue_number": ["212"], "issue_date": ["mars 2024"]},
            [field("461", "t", "Gazette", "9", "lnk:perio"), field("463", "e", "mars 2024", "v", "212")],
        ),
        ({"doi": ["10.5555/a"]}, [field("014", "a", "10.5555/a", "b", "DOI")]),
        (
            {"subject": ["École", "Logement -- Lille"]},
            [field("606", "a", "École", ind=" 1"), field("606", "a", "Logement", "x", "Lille", ind=" 1")],
        ),
        ({"abstract": ["Un.\r\n\r\nDeux. "]}, [field("330", "a", "Un.\n\nDeux.")]),
        ({"language": ["fre", "eng"]}, [field("101", "a", "fre", "a", "eng", ind="0 ")]),
        (
            {"collection": ["Repères"], "collection_number": ["12"]},
            [field("225", "a", "Repères", "v", "12", ind="2 ")],
        ),
        ({"author": ["", "  "], "author_role": ["070", "730"], "title": [""]}, []),
    ],
)
def test_a_new_form_makes_these_fields(typed: Values, fields: Fields) -> None:
    assert form.write([], typed) == fields


def by_tag(fields: Fields, tag: str) -> list[list[list[str]]]:
    return [f["s"] for f in fields if f["t"] == tag]


def test_emptying_a_value_takes_it_away_and_leaves_its_neighbours() -> None:
    after = edited(MIETTES, publisher=[""], isbn=[""])
    assert by_tag(after, "210") == [[["d", "1998"]]]
    assert by_tag(after, "010") == []
    assert by_tag(edited(after, publisher=["Minuit"]), "210") == [[["c", "Minuit"], ["d", "1998"]]]
    assert by_tag(edited(after, date=[""]), "210") == []


def test_an_author_put_in_or_out_leaves_the_others_where_they_were() -> None:
    a, b, c = (field("701", "a", name, "4", "070", "3", f"nr{name}", ind=" 1") for name in ("Ama", "Bo", "Cy"))
    roles = ["070", "070"]
    assert edited([a, b, c], author=["Ama", "", "Cy"], author_role=["070", *roles]) == [a, c]
    after = edited([a, b], author=["Ama", "Bo", "Dia, Fatou"], author_role=["070", *roles])
    assert after == [a, b, field("700", "a", "Dia", "b", "Fatou", "4", "070", ind=" 1")]
    assert edited([a, b], author=["Bo", "Ama"], author_role=roles) == [b, a]


def test_of_two_alike_the_one_that_was_emptied_goes() -> None:
    first, second = (field("701", "a", "Ama", "4", "070", "3", number, ind=" 1") for number in ("1", "2"))
    assert edited([first, second], author=["", "Ama"], author_role=["070", "070"]) == [second]


def test_a_name_typed_anew_is_no_longer_the_authority_it_was_but_keeps_its_role() -> None:
    known = field("702", "a", "Roy", "b", "Luc", "4", "730", "3", "027110990", "9", "id:44", ind=" 1")
    assert edited([known], author=["Roy, Lucie"]) == [
        field("702", "a", "Roy", "b", "Lucie", "4", "730", ind=" 1"),
    ]
    assert edited([known], author_role=["440"])[0]["s"][-2:] == [["3", "027110990"], ["9", "id:44"]]


def test_another_journal_is_no_longer_linked_to_the_first() -> None:
    after = edited(ARTICLE, journal=["Le Canard des quais"])
    (host,) = [f for f in after if f["t"] == "461"]
    assert host == field("461", "t", "Le Canard des quais", "9", "lnk:perio")
    assert [f for f in after if f["t"] == "463"] == [f for f in ARTICLE if f["t"] == "463"]


def test_a_date_written_anew_takes_the_computed_one_with_it() -> None:
    after = edited([field("210", "c", "X", "d", "2024", "h", "2024-02-01")], date=["2025"])
    assert after == [field("210", "c", "X", "d", "2025")]


def test_fields_that_the_page_did_not_show_are_left_alone() -> None:
    assert form.write(MIETTES, {"title": ["La ville en morceaux"]})[2:] == MIETTES[2:]


def test_new_fields_stand_where_a_cataloguer_would_write_them() -> None:
    after = edited(MIETTES, abstract=["Un résumé."], issn=["1234-5679"], extent=["48 p."])
    # MIETTES has its 010 behind 210: what was there stays where it was.
    assert [f["t"] for f in after] == ["000", "011", "200", "210", "010", "215", "330", "700", "606"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_can_be_chosen_and_is_read_back(kind: str) -> None:
    for fields in (MIETTES, ARTICLE, [field("608", "a", "Thèse"), field("200", "a", "T")], []):
        after = form.write(fields, {"kind": [kind]})
        assert form.kind_of(after) == kind
        assert [f for f in after if f["t"] not in ("000", "608")] == [f for f in fields if f["t"] not in ("000", "608")]


def test_the_kind_it_had_already_leaves_leader_and_form_as_received() -> None:
    pmb: Fields = [{"t": "000", "v": "     nam0 22     1i 450 "}, field("608", "a", "Note"), *MIETTES[1:]]
    assert form.write(pmb, {"kind": ["report"]}) == pmb


# --- our thesaurus and our journals ----------------------------------------------------------

TERMS = {
    fold("école"): Term("École", "TH"),
    fold("ghetto"): Term("Ségrégation urbaine", "TH"),
    fold("Ségrégation urbaine"): Term("Ségrégation urbaine", "TH"),
}
JOURNALS = {fold("gazette des quartiers"): Journal("Gazette des quartiers", "k7m4x9q0", "1234-5679")}


def test_a_term_of_the_thesaurus_says_so_and_a_synonym_becomes_its_term() -> None:
    after = form.write([], {"subject": ["ecole", "ghetto", "Rap"]})
    linked, told = form.link([], after, TERMS, JOURNALS)
    assert by_tag(linked, "606") == [
        [["a", "École"], ["2", "TH"]],
        [["a", "Ségrégation urbaine"], ["2", "TH"]],
        [["a", "Rap"]],
    ]
    assert told == [("ghetto", "Ségrégation urbaine")]


def test_the_same_subject_twice_is_written_once() -> None:
    after = form.write([], {"subject": ["ghetto", "Ségrégation urbaine", "Rap", "rap"]})
    linked, _told = form.link([], after, TERMS, JOURNALS)
    assert [pairs[0][1] for pairs in by_tag(linked, "606")] == ["Ségrégation urbaine", "Rap"]


def test_a_subject_that_was_there_before_is_not_touched() -> None:
    old = [field("606", "9", "id:812", "a", "GHETTO")]
    linked, told = form.link(old, old, TERMS, JOURNALS)
    assert (linked, told) == (old, [])


def test_a_journal_of_ours_is_linked_by_its_address() -> None:
    after = form.write([], {"journal": ["gazette des Quartiers"]})
    linked, _told = form.link([], after, TERMS, JOURNALS)
    assert unimarc.host_serial(linked) == unimarc.Link(
        "host_serial", "Gazette des quartiers", "1234-5679", "", "", "k7m4x9q0"
    )


# --- the table -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_kind_shows_ten_fields_at_most_and_the_four_that_publishing_needs(kind: str) -> None:
    main, more = form.shown(kind, {})
    keys = [f.key for f in main]
    assert len(keys) + 1 <= 10
    assert {f.key for f in form.required(kind)} <= set(keys)
    assert {"title", "subject"} < set(keys)
    assert {"date", "issue_date"} & set(keys)
    assert not set(keys) & {f.key for f in more}


def test_a_field_with_a_value_is_never_hidden() -> None:
    values = form.read([field("225", "a", "Repères"), field("950", "b", "1998-2020")])
    _main, more = form.shown("press_article", values)
    assert {"collection", "holdings"} <= {f.key for f in more}


def test_the_table_speaks_french_and_english() -> None:
    for form_field in form.FORM.values():
        assert all(form_field.labels)
        assert all(form_field.helps) or not any(form_field.helps)
        assert all(all(column.labels) for column in form_field.columns)
    with use_language("en"):
        assert form.FORM["abstract"].label == "Abstract"
        assert form.choice_label(form.FORM["author"].columns[1], "730") == "translator"


def test_the_table_names_only_kinds_and_lists_that_exist() -> None:
    for form_field in form.FORM.values():
        assert form_field.main | form_field.more | form_field.required <= {*KINDS, "*"}
        for column in form_field.columns:
            assert column.how in ("text", "lines", "url", "person", "body", "subject", "choice")
            assert not column.choices or column.choices in form.LISTS


# --- what is wrong ---------------------------------------------------------------------------


def found(fields: Fields, kind: str, level: str = "error") -> list[str]:
    return [p.code for p in validate(fields, kind) if p.level == level]


def test_an_empty_form_lacks_the_four() -> None:
    assert found([], "") == ["kind.missing", "title.missing", "date.missing", "subject.missing"]


@pytest.mark.parametrize(
    ("fields", "kind", "codes"),
    [
        (MIETTES, "book", []),
        (PHENIX, "book", []),  # a free keyword is a subject too
        (MIETTES[:1], "book", ["title.missing", "date.missing", "subject.missing"]),
        ([*MIETTES[:2], *MIETTES[3:]], "book", ["date.missing"]),
        (ARTICLE, "article", ["subject.missing"]),
        ([f for f in ARTICLE if f["t"] != "463"], "article", ["subject.missing"]),  # the year is in 210
    ],
)
def test_what_keeps_a_notice_from_being_published(fields: Fields, kind: str, codes: list[str]) -> None:
    assert found(fields, kind) == codes


@pytest.mark.parametrize(
    ("f", "code", "level"),
    [
        (field("210", "d", "20224"), "date.unclear", "error"),
        (field("210", "d", "18/03/24"), "date.unclear", "error"),
        (field("210", "d", "1376"), "date.out_of_range", "error"),  # four signs already: of another calendar, or a slip
        (field("210", "d", "[19..]"), "date.none", "info"),
        (field("210", "d", "s.d."), "date.none", "info"),
        (field("210", "d", "DL 2008"), "", ""),
        (field("010", "a", "978-2-07-036822-9"), "isbn.invalid", "warning"),
        (field("010", "a", "207036822X (br.)"), "", ""),
        (field("010", "a", "1234-5679"), "", ""),
        (field("011", "a", "1234-5678"), "issn.invalid", "warning"),
        (field("014", "a", "doi:5555/abcd", "b", "DOI"), "doi.invalid", "warning"),
        (field("856", "u", "www.exemple.fr"), "url.invalid", "error"),
        (field("856", "u", "javascript:alert(1)"), "url.invalid", "error"),
        (field("856", "u", "http://[::1"), "url.invalid", "error"),
        (field("856", "u", "https://exemple.fr/a.pdf"), "", ""),
        (field("9x", "a", "?"), "tag.invalid", "warning"),
    ],
)
def test_a_value_that_should_be_looked_at(f: Field, code: str, level: str) -> None:
    complete: Fields = [field("200", "a", "T"), field("606", "a", "École"), {"t": "000", "v": unimarc.LEADER}]
    if f["t"] != "210":
        complete.append(field("210", "d", "2024"))
    problems = [(p.code, p.level) for p in validate([*complete, f], "book")]
    assert problems == ([(code, level)] if code else [])


def test_a_second_title_field_is_told() -> None:
    assert "field.not_repeatable" in found(PHENIX, "book", "warning")


def test_an_issue_of_one_year_and_a_publication_of_another_are_told() -> None:
    fields = edited(ARTICLE, issue_date=["mars 2023"])
    (problem,) = [p for p in validate(fields, "article") if p.code == "date.two_years"]
    assert problem.message == "Le numéro est daté de « mars 2023 », mais la date de publication dit « 2024 »."


def test_every_problem_has_its_sentence_and_its_place_in_the_form() -> None:
    for kind in KINDS:
        for problem in validate([field("856", "u", "x"), field("010", "a", "x"), field("210", "d", "20224")], kind):
            assert problem.code in SENTENCES
            assert form.field_of(problem.tag, problem.subfield, kind) in (form.KIND, *form.FORM)


# --- what changed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        (
            "La ville en miettes",
            "La ville en morceaux",
            (("same", "La ville en "), ("del", "miettes"), ("ins", "morceaux")),
        ),
        ("Un résumé", "Un résumé court", (("same", "Un résumé"), ("ins", " court"))),
        ("Tout autre chose", "Rien de commun ici", (("del", "Tout autre chose"), ("ins", "Rien de commun ici"))),
        ("", "Nouveau", (("ins", "Nouveau"),)),
        ("Ancien", "", (("del", "Ancien"),)),
    ],
)
def test_words_put_in_and_taken_out(before: str, after: str, pieces: differences.Pieces) -> None:
    assert differences.words(before, after) == pieces


def test_two_long_texts_changed_everywhere_are_shown_one_after_the_other() -> None:
    before, after = (" ".join(f"mot{n}-{word}" for word in range(900)) for n in (1, 2))
    assert differences.words(before, after) == (("del", before), ("ins", after))


def test_differences_speak_of_fields_by_their_names() -> None:
    after = edited(MIETTES, title=["La ville en morceaux"], author_role=["730"], subject=["École", "Ville"])
    found = {
        (d.label, "".join(f"{op}:{text.strip()} " for op, text in d.pieces))
        for d in differences.between(MIETTES, after)
    }
    assert found == {
        ("Titre", "same:La ville en del:miettes ins:morceaux "),
        ("Fonction", "del:auteur ins:traducteur "),
        ("Sujets", "del:Renouvellement urbain "),
        ("Sujets", "ins:École "),
        ("Sujets", "ins:Ville "),
    }


def test_the_same_values_in_another_order_are_told_as_such() -> None:
    (only,) = differences.between(MIETTES, [MIETTES[0], *reversed(MIETTES[1:])])
    assert only.label == "Ordre des champs"


def test_long_unchanged_stretches_are_cut_for_the_page() -> None:
    pieces = differences.shortened((("same", "a" * 1000), ("ins", "b" * 2000)))
    assert [len(text) for _op, text in pieces] == [120 + 5 + 120, 700 + 4]


def test_a_value_that_no_form_shows_is_named_in_words() -> None:
    """Of a subject that is written anew, only the subject is news: not the code of its thesaurus."""
    said = [field("606", "a", "Villes", "2", "thesaurus", "3", "travee:12"), field("676", "a", "307")]
    shown = differences.between([], [*said, field("955", "a", "Réserve")])
    assert [one.label for one in shown] == ["Sujets", "Indice Dewey", "Autre champ (955)"]
