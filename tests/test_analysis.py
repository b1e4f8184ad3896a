"""French words: what is the same word for the index, and what is shown as found."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.analysis import (
    bare_title,
    exact_title,
    fold,
    highlight,
    normal_identifier,
    terms,
    tokens,
)

ACCENTS = [
    ("école", "ecole"),
    ("élève", "eleve"),
    ("égalité", "egalite"),
    ("hôpital", "hopital"),
    ("naïveté", "naivete"),
    ("forêt", "foret"),
    ("théâtre", "theatre"),
    ("aménagement", "amenagement"),
    ("laïcité", "laicite"),
    ("français", "francais"),
    ("réhabilitation", "rehabilitation"),
    ("précarité", "precarite"),
]
PLURALS = [
    ("logement", "logements"),
    ("quartier", "quartiers"),
    ("discrimination", "discriminations"),
    ("étudiante", "étudiantes"),
    ("association", "associations"),
    ("politique", "politiques"),
    ("jeune", "jeunes"),
    ("médiateur", "médiateurs"),
    ("emploi", "emplois"),
    ("loi", "lois"),
    ("élu", "élus"),
    ("petit", "petits"),
    ("revenu", "revenus"),
    ("essai", "essais"),
]
SAME_QUESTION = [
    ("l'école", "ecole"),
    ("l’école", "école"),
    ("L’ÉCOLE", "ecole"),
    ("l ecole", "école"),
    ("d'Allemagne", "Allemagne"),
    ("qu’entreprendre", "entreprendre"),
    ("jusqu'à l'été", "été"),
    ("lorsqu’une ville", "ville"),
    ("puisqu'un droit", "droit"),
    ("l`eau", "eau"),
    ("œuvre", "oeuvre"),
    ("Œuvres", "oeuvre"),
    ("cœur de ville", "coeur ville"),
    ("ex æquo", "ex aequo"),
    ("Straße", "strasse"),
    ("Saint-Étienne", "saint etienne"),
    ("Saint‑Étienne", "Saint-Etienne"),
    ("logements sociaux", "logements sociaux"),
    ("aujourd’hui", "aujourd'hui"),
    ("prud’hommes", "prud'homme"),
    ("poli\u00adtique", "politique"),
    ("e\u0301galite\u0301", "égalité"),
    ("ﬁnance", "finance"),
    ("ŁÓDŹ", "lodz"),
]


@pytest.mark.parametrize(("with_accents", "without"), ACCENTS)
def test_a_word_and_its_plain_spelling_are_the_same_term(with_accents: str, without: str) -> None:
    assert terms(with_accents) == terms(without) == terms(with_accents.upper())
    assert len(terms(with_accents)) == 1


@pytest.mark.parametrize(("one", "many"), PLURALS)
def test_singular_and_plural_are_the_same_term(one: str, many: str) -> None:
    assert terms(one) == terms(many)


@pytest.mark.parametrize(("typed", "meant"), SAME_QUESTION)
def test_spellings_of_the_same_question(typed: str, meant: str) -> None:
    assert terms(typed) == terms(meant)
    assert terms(typed)


def test_different_words_stay_different() -> None:
    assert terms("ville") != terms("village")
    assert terms("aujourd'hui") != terms("hui")
    assert terms("Paris") != terms("pari")
    assert terms("la presse") == terms("presses") != terms("pres")


def test_stop_words_are_no_terms_but_keep_their_place() -> None:
    assert terms("La politique de la ville") == terms("politique ville")
    assert [token.word for token in tokens("politique de la ville")] == ["politique", "de", "la", "ville"]


def test_words_know_where_they_stand() -> None:
    text = "À l’École-de-la-République, aujourd’hui"
    written = [text[token.start : token.end] for token in tokens(text)]
    assert written == ["À", "l", "École", "de", "la", "République", "aujourd’hui"]


def test_marks_for_sorting_are_no_part_of_a_word() -> None:
    assert terms("\x98Les \x9cMisérables") == terms("Misérables")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Q.P.V.", ["qpv"]),
        ("le R.E.C.I, ici", ["rec", "ici"]),
        ("É.N.A", ["ena"]),
        ("J.-P. Sartre", ["p", "sartr"]),
        ("A.B. Marchal", ["b", "marchal"]),
        ("1.2.3", ["1", "2", "3"]),
        ("fin.a.b.c", ["fin", "abc"]),
    ],
)
def test_letters_between_points_are_one_word_from_three_on(written: str, found: list[str]) -> None:
    assert terms(written) == terms(fold(written)) == found


def test_signs_and_emptiness_have_no_terms() -> None:
    for text in ("", "   ", "…?! — «»", "\x00\x07", "\ud800"):
        assert terms(text) == []


def test_a_monstrous_word_is_cut() -> None:
    assert terms("a" * 5000) == terms("a" * 5001)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


FRENCH = st.text(alphabet="abcdefghijklmnopqrstuvwxyzàâäçéèêëîïôöùûüÿœæÀÂÇÉÈÊËÎÏÔŒ'’- ,.«»", min_size=1, max_size=40)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(FRENCH)
def test_folded_text_has_the_same_terms(text: str) -> None:
    assert terms(fold(text)) == terms(text) == terms(unicodedata.normalize("NFD", text))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_offsets_always_lie_inside_the_text(text: str) -> None:
    for token in tokens(text):
        assert 0 <= token.start < token.end <= len(text)


@pytest.mark.parametrize(
    "typed",
    ["978-2-7071-4272-6", "9782707142726", "978 2 7071 4272 6", "2-7071-4272-7", "2707142727", "ISBN 2-7071-4272-7"],
)
def test_an_isbn_is_one_number_however_it_is_typed(typed: str) -> None:
    assert normal_identifier(typed) == "9782707142726"


@pytest.mark.parametrize("typed", ["0028-0836", "00280836", "ISSN 0028-0836", "0028 0836"])
def test_an_issn_is_one_number_however_it_is_typed(typed: str) -> None:
    assert normal_identifier(typed) == "00280836"


@pytest.mark.parametrize(
    "typed", ["10.1234/AbC.5", "https://doi.org/10.1234/abc.5", "doi:10.1234/ABC.5", "DOI 10.1234/abc.5"]
)
def test_a_doi_is_one_name_however_it_is_typed(typed: str) -> None:
    assert normal_identifier(typed) == "10.1234/abc.5"


def test_a_wrong_identifier_is_still_compared() -> None:
    assert normal_identifier("ISBN 2-7071-4272-0") == normal_identifier("2 7071 4272 0") == "2707142720"
    assert normal_identifier("Réf. A-12") == normal_identifier("réf.a12")


def test_a_whole_title_keeps_its_stop_words_and_a_bare_one_does_not() -> None:
    assert exact_title("Être  et avoir !") == "etre et avoir"
    assert bare_title("Mère et filles") == bare_title("la mère, les filles") == "mere filles"
    assert bare_title("Dans le sous les") == ""


# -- highlighting -------------------------------------------------------------------------------


def marked(pieces: list[tuple[str, bool]]) -> str:
    return "".join(f"[{words}]" if found else words for words, found in pieces)


def test_highlights_keep_accents_and_elisions_as_written() -> None:
    pieces = highlight("L’École, l'égalité et les œuvres d’art", terms("ecole oeuvre egalite"))
    assert marked(pieces) == "L’[École], l'[égalité] et les [œuvres] d’art"


def test_highlights_follow_inflection_and_prefixes() -> None:
    assert marked(highlight("Des logements", terms("logement"))) == "Des [logements]"
    assert marked(highlight("Discriminer, discrimination", ["discrimin*"])) == "[Discriminer], [discrimination]"


def test_decomposed_letters_are_highlighted_whole() -> None:
    text = unicodedata.normalize("NFD", "une école")
    assert highlight(text, terms("ecole")) == [("une ", False), (text[4:], True)]


def test_a_short_text_is_given_whole() -> None:
    text = "Un texte sans rien."
    assert highlight(text, terms("absent")) == [(text, False)]
    assert highlight("", terms("absent")) == []


def test_a_long_text_is_cut_around_the_words() -> None:
    text = "Introduction. " * 40 + "La mixité sociale dans le logement. " + "Conclusion. " * 40
    pieces = highlight(text, terms("mixité logement"), 120)
    assert "[mixité]" in marked(pieces)
    assert "[logement]" in marked(pieces)
    assert marked(pieces).startswith("… ")
    assert marked(pieces).endswith(" …")
    assert sum(len(words) for words, _found in pieces) <= 124


def test_a_cut_never_falls_inside_a_word() -> None:
    text = " ".join(f"urbanisme{n}" for n in range(200)) + " logement"
    for limit in (60, 61, 62, 63, 64):
        shown = "".join(words for words, _found in highlight(text, terms("logement"), limit))
        assert all(word in text.split() for word in shown.replace("…", "").split())


@settings(derandomize=True, max_examples=200, deadline=None)
@given(FRENCH, FRENCH)
def test_highlighting_changes_nothing_of_a_short_text(text: str, asked: str) -> None:
    assert "".join(words for words, _found in highlight(text, terms(asked))) == text
