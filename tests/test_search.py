"""What a visitor types, and what is found, in a small base with a known cast."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes import directory, sync
from indexes.analysis import fold, highlight, tokens
from indexes.grammar import Exact, Phrase, Word, parse, year_range
from indexes.queries import Hits, Widening, search
from indexes.reader import Index
from indexes.schema import IndexDoc
from indexes.suggestions import OtherNames, suggest

ORIENTATION, QUARTIERS, EAU, DROITS, MIXITE, ETUDIANTS = 1, 2, 3, 4, 5, 6
BROUILLON, ETRE, URBAN, HABITER, RENOVATION, ANNUAIRE, EMPLOI, HUGO = 7, 8, 9, 10, 11, 12, 13, 14

CAST = [
    IndexDoc(
        ORIENTATION,
        "L’école et la ville",
        ("discriminations à l'orientation scolaire",),
        agents=("Réseau RECI", "Martin, Anne"),
        subjects=("Discrimination", "Orientation scolaire"),
        abstract="Cette étude décrit les risques de discrimination dans les choix d’orientation des élèves.",
        kind="report",
        themes=("Discrimination", "Orientation scolaire"),
        language="fre",
        year=2023,
        access=("online", "onsite"),
        added=19800,
    ),
    IndexDoc(
        QUARTIERS,
        "La politique de la ville dans les quartiers prioritaires",
        agents=("Dupont, Marc",),
        subjects=("Politique de la ville",),
        themes=("Politique de la ville",),
        language="fre",
        year=2018,
        access=("onsite",),
        call_numbers=("301.2 DUP",),
        added=19000,
    ),
    IndexDoc(
        EAU,
        "Politique de l'eau et villes nouvelles",
        abstract="Une politique de ville n'est pas une politique de l’eau.",
        themes=("Environnement",),
        language="fre",
        year=2010,
        added=18000,
    ),
    IndexDoc(
        DROITS,
        "Œuvrer ensemble : l’accès aux droits",
        agents=("Dupont, Anne",),
        themes=("Accès aux droits",),
        language="fre",
        year=2021,
        access=("online",),
        added=19100,
    ),
    IndexDoc(
        MIXITE,
        "Mixité et logement social",
        abstract="Les logements sociaux à Saint-Étienne. Parking et voisinage.",
        subjects=("Logement social",),
        themes=("Logement social",),
        kind="article",
        host_title="Revue Urbanisme",
        language="fre",
        year=2019,
        added=19200,
    ),
    IndexDoc(ETUDIANTS, "Le logement des étudiants", kind="article", language="fre", year=2020, added=19300),
    IndexDoc(BROUILLON, "Brouillon sur la laïcité", status="draft", language="fre", year=2024, added=19900),
    IndexDoc(ETRE, "Être et avoir", kind="multimedia", language="fre", year=2002, added=17000),
    IndexDoc(
        URBAN,
        "Urban policy and the city",
        scope="network",
        themes=("Politique de la ville",),
        language="eng",
        languages=("eng", "fre"),
        year=2018,
        access=("partner",),
        added=19400,
    ),
    IndexDoc(
        HABITER,
        "Habiter Saint-Étienne",
        identifiers=("9782707142726",),
        language="fre",
        year=1999,
        added=16000,
    ),
    IndexDoc(
        RENOVATION,
        "La rénovation urbaine aujourd’hui",
        identifiers=("0028-0836", "10.1234/abc.5"),
        notes="Dossier : prud’hommes et médiation",
        language="fre",
        year=2015,
        added=19500,
    ),
    IndexDoc(ANNUAIRE, "Annuaire 1998", status="withdrawn", year=1998, added=15000),
    IndexDoc(EMPLOI, "Insertion par l’emploi", agents=("Martin, Anne",), keywords=("chômage",), year=2023, added=19600),
    IndexDoc(HUGO, "Notre-Dame de Paris", agents=("Hugo, Victor",), year=1831, language="fre", added=14000),
]


def fill(index: Index, docs: Sequence[IndexDoc]) -> None:
    """Put these in the index as a drainer does, several commits so that there are several segments."""
    for start in range(0, len(docs), 5):
        part = docs[start : start + 5]
        with directory.write_lock(index.directory, wait=10) as held:
            assert held
            sync.write(index.snapshot(), part, replaced=[doc.notice_id for doc in part])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    made = sync.open_index(tmp_path_factory.mktemp("search") / "index")
    fill(made, CAST)
    return made


def found(hits: Hits) -> set[int]:
    assert hits.total == len(hits.hits)
    return {hit.notice_id for hit in hits.hits}


def ask(index: Index, text: str, **options: object) -> set[int]:
    return found(search(index, text, limit=50, **options))  # type: ignore[arg-type]


def ask_all(index: Index, text: str) -> set[int]:
    hits = search(index, text, limit=1_000)
    return set() if hits.relaxed or hits.corrected else found(hits)


# -- words --------------------------------------------------------------------------------------


def test_all_the_words_must_be_there(index: Index) -> None:
    assert ask(index, "logement") == {MIXITE, ETUDIANTS}
    assert ask(index, "logement social") == {MIXITE}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ecole", "L’ÉCOLE"),
        ("l'ecole", "école"),
        ("oeuvrer", "œuvrer"),
        ("logements sociaux", "logement social"),
        ("saint etienne", "Saint-Étienne"),
        ("saint‑étienne", "saint étienne"),
        ("aujourd'hui", "aujourd’hui"),
        ("prudhommes", "prud’homme"),
        ("acces aux droits", "l’accès au droit"),
        ("Discriminations", "discrimination"),
        ("renovation urbaine", "RÉNOVATIONS URBAINES"),
    ],
)
def test_spelling_does_not_matter(index: Index, typed: str, meant: str) -> None:
    assert ask(index, typed) == ask(index, meant) != set()


def test_an_author_is_found_in_either_order(index: Index) -> None:
    assert ask(index, "Marc Dupont") == ask(index, "Dupont, Marc") == {QUARTIERS}


def test_title_and_subtitle_may_be_typed_together(index: Index) -> None:
    assert ask(index, "l'école et la ville : discriminations à l'orientation scolaire") == {ORIENTATION}


def test_nothing_typed_gives_everything_the_latest_first(index: Index) -> None:
    hits = search(index, "   ", limit=50)
    assert hits.total == 12
    years = [doc.year or 0 for hit in hits.hits for doc in CAST if doc.notice_id == hit.notice_id]
    assert years == sorted(years, reverse=True)


# -- phrases, exclusions, prefixes, fields ------------------------------------------------------


@pytest.mark.parametrize("quotes", ['"{}"', "« {} »", "“{}”"])
def test_a_phrase_keeps_its_words_in_order(index: Index, quotes: str) -> None:
    assert ask(index, quotes.format("politique de la ville")) == {QUARTIERS}
    assert ask(index, quotes.format("l'acces aux droits")) == {DROITS}
    assert ask(index, quotes.format("ville la de politique")) == set()


def test_a_phrase_does_not_run_from_one_author_or_part_into_the_next(index: Index) -> None:
    assert ask(index, '"RECI Martin"') == set()
    assert ask(index, '"ville discriminations"') == set()


def test_an_unclosed_quote_is_no_quote(index: Index) -> None:
    assert ask(index, '"logement social') == {MIXITE}


def test_what_is_excluded_is_not_found(index: Index) -> None:
    assert ask(index, "logement -parking") == {ETUDIANTS}
    assert ask(index, "politique -auteur:dupont") == {EAU}
    assert ask(index, 'politique -"politique de la ville"') == {EAU}
    assert ask(index, "saint -saint-étienne") == set()
    assert ask(index, "politique -quartiers-ville") == {QUARTIERS, EAU}
    assert MIXITE not in ask(index, "-logement") and QUARTIERS in ask(index, "-logement")


def test_a_prefix_finds_every_word_that_begins_so(index: Index) -> None:
    assert ask(index, "discriminat*") == {ORIENTATION}
    assert ask(index, "etud*") == {ORIENTATION, ETUDIANTS}
    assert ask(index, "titre:etud*") == {ETUDIANTS}
    assert ask(index, "log* soc*") == {MIXITE}


def test_a_prefix_in_a_part_is_found_there_only(tmp_path: Path) -> None:
    """By hand, among documents enough for lists of every kind; « yeux » and « travaux » are kept as other words."""
    made = sync.open_index(tmp_path / "index")
    words = ("ville", "villages", "voisine", "yeux", "travaux", "vieillir", "Vesoul")
    docs = [
        IndexDoc(n, words[n % 7], agents=(f"{words[n % 5]} {n % 3}",), abstract=words[n % 6]) for n in range(1, 300)
    ]
    docs.append(IndexDoc(300, "Le travail"))  # the same word to the index as « travaux »
    fill(made, docs[:5])
    with directory.write_lock(made.directory, wait=10):
        sync.write(made.snapshot(), docs[5:], replaced=[])
    for begun in ("vi", "vil", "villag", "ye", "travau", "vieilli", "ves", "zo"):
        parts = {"titre": "title", "auteur": "agents", "resume": "abstract"}
        for field, part in parts.items():
            held = {d.notice_id for d in docs if fold(str(getattr(d, part)).strip("(',)")).startswith(begun)}
            assert ask_all(made, f"{field}:{begun}*") == held, (field, begun)
            assert ask_all(made, f"-{field}:{begun}*") == {d.notice_id for d in docs} - held


def test_no_more_beginnings_than_ten_are_looked_for_and_the_others_are_told(index: Index) -> None:
    ten = [f"titre:{letters}*" for letters in str.split("lo so pa vi qu ec et ha re em")]
    assert parse(" ".join(ten)).beyond == ()
    assert parse(" ".join((*ten, *ten))).beyond == ()  # the same ten
    typed = " ".join((*ten, "auteur:lo*", "-or*", '"la vil*"', "cote:30*", "logement"))
    assert parse(typed).beyond == ("auteur:lo*", "-or*", '"la vil*"', "cote:30*")
    assert MIXITE in ask(index, typed)


def test_a_phrase_may_end_with_the_beginning_of_a_word(index: Index) -> None:
    assert ask(index, '"politique de la vil*"') == {QUARTIERS}
    assert ask(index, '"quartiers prior*"') == {QUARTIERS}
    assert not ask(index, '"ville polit*"')


def test_a_name_is_not_made_of_two_authors(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [IndexDoc(1, "Un rapport", agents=("Dupont, Marc", "Martin, Anne", "Le Goff, Yann"))])
    for typed, there in (("Anne Martin", 1), ("Yann Le Goff", 1), ("Marc Martin", 0), ("Goff Anne", 0)):
        assert search(made, f'auteur:"{typed}"').total == there, typed


def test_a_name_is_one_in_either_order(index: Index) -> None:
    for typed in ('auteur:"Marc Dupont"', 'auteur:"Dupont, Marc"', '"Marc Dupont"'):
        assert ask(index, typed) == {QUARTIERS}, typed
    assert ask(index, 'auteur:"Anne Dupont"') == {DROITS}
    assert ask(index, 'ville -auteur:"Marc Dupont"') == {ORIENTATION, EAU}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ville AND école", "ville école"),
        ("ville ET école", "ville école"),
        ("ville NOT école", "ville -école"),
        ("ville SAUF école", "ville -école"),
        ("ville AND NOT école", "ville -école"),
        ('ville NOT "nouvelles"', "ville -nouvelles"),
    ],
)
def test_operators_of_other_catalogues_are_understood(index: Index, typed: str, meant: str) -> None:
    assert ask(index, typed) == ask(index, meant) != set()


def test_either_word_will_do(index: Index) -> None:
    assert ask(index, "logement OU rénovation") == {MIXITE, ETUDIANTS, RENOVATION}
    assert ask(index, "(logement OR rénovation) mixité") == {MIXITE}
    assert ask(index, 'étudiants OU "logement social" OU 9782707142726') == {ETUDIANTS, MIXITE, HABITER}
    assert search(index, "logement OU hippopotame").relaxed is False


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("étudiants OU 9782707142726", {ETUDIANTS, HABITER}),
        ("9782707142726 OU étudiants", {ETUDIANTS, HABITER}),
        ("ÉCOLE OU HUGO", {ORIENTATION, HUGO}),
        ("étudiants OU la mixité", {ETUDIANTS, MIXITE}),
        ("étudiants OU à la mixité OU les écoles", {ETUDIANTS, MIXITE, ORIENTATION}),
        ("logement SAUF la mixité", {ETUDIANTS}),
        ("Saint-Étienne OU étudiants", {MIXITE, ETUDIANTS, HABITER}),
        ("étudiants OU Saint-Étienne", {MIXITE, ETUDIANTS, HABITER}),
        ("étudiants OU titre:mixité-logement", {MIXITE, ETUDIANTS}),
        ("politique annee:2010 OU annee:2018", {QUARTIERS, EAU}),
        ("politique annee:2010 OU annee:1999 OU annee:2018-", {QUARTIERS, EAU}),
    ],
)
def test_all_that_stands_on_either_side_is_joined(index: Index, typed: str, meant: set[int]) -> None:
    hits = search(index, typed)
    assert (found(hits), hits.ignored, hits.relaxed) == (meant, (), False)


@pytest.mark.parametrize("typed", ["ville OU annee:2018", "annee:2018 OU ville", "ville OU -école", "ville OU la"])
def test_what_cannot_be_joined_is_told(index: Index, typed: str) -> None:
    assert search(index, typed).ignored == ("OU",)


SIDES = st.one_of(
    st.lists(
        st.sampled_from(str.split("logement social ville école politique quartiers mixité Saint Étienne vi* la")),
        min_size=1,
        max_size=3,
    ).map("-".join),
    st.sampled_from(['"politique de la ville"', "auteur:dupont", "titre:école-ville", "cote:301*", "9782707142726"]),
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(SIDES, min_size=2, max_size=3))
def test_either_never_finds_less_than_one_of_them(sides: list[str]) -> None:
    joined = found(search(_SHARED[0], " OU ".join(sides), limit=100))
    for side in sides:
        alone = search(_SHARED[0], side, limit=100)
        assert alone.relaxed or alone.corrected or found(alone) <= joined, side


@pytest.mark.parametrize(
    "typed", ["OU", "ville OU", "VILLE OU QUARTIER", "DANS LA VILLE OU AU BORD", "ET ville", "SAUF"]
)
def test_what_joins_nothing_is_no_operator(typed: str) -> None:
    assert [type(clause) for clause in parse(typed).clauses if not isinstance(clause, Word)] == []
    assert not any(clause.negative for clause in parse(typed).clauses)


def test_a_field_is_a_part_of_the_notice(index: Index) -> None:
    assert ask(index, "auteur:dupont") == {QUARTIERS, DROITS}
    assert ask(index, "author:dupont auteur:anne") == {DROITS}
    assert ask(index, "titre:orientation") == {ORIENTATION}
    assert ask(index, "titre:risques") == set()
    assert ask(index, "thème:discrimination") == {ORIENTATION}
    assert ask(index, "theme:chomage") == {EMPLOI}
    assert ask(index, 'titre:"politique de la ville"') == {QUARTIERS}
    assert ask(index, "revue:urbanisme") == {MIXITE}
    assert ask(index, "theme:ville") == {QUARTIERS}


def test_an_author_s_name_in_a_title_is_no_author(index: Index) -> None:
    assert ask(index, "auteur:hugo") == {HUGO}
    assert ask(index, "auteur:paris") == set()


def test_a_colon_in_a_title_is_no_field(index: Index) -> None:
    assert ask(index, "Œuvrer ensemble: l’accès") == {DROITS}
    assert ask(index, "oeuvrer:ensemble") == {DROITS}


@pytest.mark.parametrize(
    ("typed", "years"),
    [
        ("annee:2018", {2018}),
        ("année:2018-2020", {2018, 2019, 2020}),
        ("annee:2021-", {2021, 2023}),
        ("year:-1999", {1831, 1999}),
        ("annee:2020-2018", {2018, 2019, 2020}),
    ],
)
def test_years(index: Index, typed: str, years: set[int]) -> None:
    by_id = {doc.notice_id: doc.year for doc in CAST}
    assert {by_id[i] for i in ask(index, typed)} == years


def test_years_may_be_left_out(index: Index) -> None:
    assert ask(index, "-annee:2018") == ask(index, "") - {QUARTIERS, URBAN}
    assert ask(index, "ville -annee:2018 annee:2000-") == ask(index, "ville") - {QUARTIERS}


def test_a_year_that_is_none_is_told_and_left_out(index: Index) -> None:
    hits = search(index, "logement annee:abcd")
    assert hits.ignored == ("annee:abcd",)
    assert found(hits) == {MIXITE, ETUDIANTS}


# -- whole strings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["9782707142726", "978-2-7071-4272-6", "2-7071-4272-7", "isbn:2707142727", "ISBN 978 2 7071 4272 6"]
)
def test_an_isbn_is_recognised(index: Index, typed: str) -> None:
    assert ask(index, typed) == {HABITER}


@pytest.mark.parametrize(
    "typed", ["0028-0836", "00280836", "issn:0028-0836", "10.1234/ABC.5", "https://doi.org/10.1234/abc.5"]
)
def test_an_issn_or_doi_is_recognised(index: Index, typed: str) -> None:
    assert ask(index, typed) == {RENOVATION}


def test_an_identifier_and_a_word_must_both_be_there(index: Index) -> None:
    assert ask(index, "9782707142726 habiter") == {HABITER}
    assert search(index, "9782707142726 logement").relaxed


def test_a_call_number_is_found(index: Index) -> None:
    assert ask(index, 'cote:"301.2 dup"') == ask(index, "301.2 DUP") == ask(index, "cote:301*") == {QUARTIERS}


def test_a_title_of_stop_words_is_found(index: Index) -> None:
    assert ask(index, "être et avoir") == ask(index, "Etre et avoir") == {ETRE}


@pytest.mark.parametrize("typed", ["le la les", "???", "*", '"', '""', "««««", "auteur:", 'auteur:""', "annee:abcd"])
def test_what_says_nothing_finds_nothing(index: Index, typed: str) -> None:
    hits = search(index, typed)
    assert found(hits) == set()
    assert hits.says_nothing
    assert hits.suggestion is None


def test_words_beyond_the_last_one_looked_for_are_told(index: Index) -> None:
    assert search(index, "ville " * 41).is_cut
    assert not search(index, "ville " * 40).is_cut


# -- ranking and sorting ------------------------------------------------------------------------


def test_a_word_of_the_title_counts_more_than_one_of_the_abstract(index: Index) -> None:
    assert search(index, "politique ville").hits[0].notice_id == QUARTIERS


def test_the_document_whose_title_was_typed_comes_first(index: Index) -> None:
    assert search(index, "politique de l'eau et villes nouvelles").hits[0].notice_id == EAU


@pytest.mark.parametrize(
    ("typed", "meant", "other"),
    [
        # Its title says no more than that; the other one's themes say it once more.
        (
            "mère filles",
            IndexDoc(1, "Mère et filles", ("roman",)),
            IndexDoc(2, "Entre mères et filles", subjects=("Mères et filles",)),
        ),
        (
            "droit france",
            IndexDoc(1, "Le droit à la France", year=1991),
            IndexDoc(2, "Droit français : la France du droit", year=2020),
        ),
        # The first word is its whole title, the next one begins its subtitle.
        (
            "lecture cours",
            IndexDoc(1, "Lecture", ("cours élémentaire",), year=1972),
            IndexDoc(2, "Nez au vent", ("lectures cours élémentaires",), year=1990),
        ),
    ],
)
def test_little_words_are_not_needed_to_name_a_title(
    tmp_path: Path, typed: str, meant: IndexDoc, other: IndexDoc
) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [*CAST, *(replace(doc, notice_id=doc.notice_id + 900) for doc in (meant, other))])
    assert [hit.notice_id for hit in search(made, typed).hits][:2] == [901, 902]


def test_sorting(index: Index) -> None:
    newest = [hit.notice_id for hit in search(index, "logement", sort="newest").hits]
    added = [hit.notice_id for hit in search(index, "", sort="added", limit=3).hits]
    titles = [hit.notice_id for hit in search(index, "", sort="title", limit=3).hits]
    assert newest == [ETUDIANTS, MIXITE]
    assert added == [ORIENTATION, EMPLOI, RENOVATION]
    assert titles == [ETRE, HABITER, EMPLOI]


@pytest.mark.parametrize("sort", ["relevance", "newest", "added", "title"])
def test_pages_never_overlap_and_leave_nothing_out(index: Index, sort: str) -> None:
    whole = [hit.notice_id for hit in search(index, "", sort=sort, limit=50).hits]
    pages = [
        hit.notice_id for offset in range(0, 15, 3) for hit in search(index, "", sort=sort, offset=offset, limit=3).hits
    ]
    assert pages == whole
    assert len(set(whole)) == 12


def test_a_page_beyond_the_end_is_empty(index: Index) -> None:
    hits = search(index, "logement", offset=10**12)
    assert (hits.total, hits.hits) == (2, [])


# -- who sees what ------------------------------------------------------------------------------


def test_visitors_see_published_documents_only(index: Index) -> None:
    assert ask(index, "laïcité") == set()
    assert ask(index, "annuaire") == set()
    assert ask(index, "laïcité", status="any") == {BROUILLON}
    assert ask(index, "", status="withdrawn") == {ANNUAIRE}


def test_a_draft_leaves_no_trace_in_counts_or_suggestions(index: Index) -> None:
    assert ("2024", 1) not in search(index, "").facets["year"]
    assert search(index, "laicitee").suggestion is None
    assert search(index, "laicitee", status="any").suggestion == "laïcité"


# -- filters and counts -------------------------------------------------------------------------


def test_values_of_one_filter_are_alternatives_and_filters_add_up(index: Index) -> None:
    assert ask(index, "", filters={"kind": ["article", "report"]}) == {ORIENTATION, MIXITE, ETUDIANTS}
    assert ask(index, "", filters={"kind": ["article", "report"], "access": ["online"]}) == {ORIENTATION}
    assert ask(index, "logement", filters={"year": ["2019-2019"]}) == {MIXITE}
    assert ask(index, "logement", filters={"year": ["2019", "2020-"]}) == {MIXITE, ETUDIANTS}
    assert ask(index, "", filters={"theme": ["Politique de la ville"]}) == {QUARTIERS, URBAN}
    assert ask(index, "", filters={"language": ["eng"]}) == {URBAN}
    assert ask(index, "", filters={"theme": ["Inconnu"]}) == set()


def test_our_holdings_or_the_whole_network(index: Index) -> None:
    assert URBAN not in ask(index, "", filters={"scope": ["local"]})
    assert ask(index, "", filters={"scope": ["network"]}) == ask(index, "")
    assert search(index, "").facets["scope"] == [("local", 11), ("network", 12)]


def test_a_count_says_what_ticking_the_value_would_leave(index: Index) -> None:
    hits = search(index, "", filters={"kind": ["report"], "access": ["online"]})
    kinds = dict(hits.facets["kind"])
    for kind in ("report", "book"):
        assert kinds[kind] == search(index, "", filters={"kind": [kind], "access": ["online"]}).total
    assert (
        dict(hits.facets["access"])["onsite"]
        == search(index, "", filters={"kind": ["report"], "access": ["onsite"]}).total
    )
    assert hits.facets["theme"] == [("Discrimination", 1), ("Orientation scolaire", 1)]


def test_a_document_with_several_values_counts_for_each(index: Index) -> None:
    assert dict(search(index, "").facets["language"]) == {"fre": 11, "eng": 1}


def test_long_lists_are_cut_and_their_size_told(index: Index) -> None:
    hits = search(index, "", facet_limit=2)
    assert len(hits.facets["theme"]) == 2
    assert hits.facet_sizes["theme"] == 6
    assert len(search(index, "", facet_limit=None).facets["theme"]) == 6


def test_counts_may_be_left_out(index: Index) -> None:
    assert search(index, "", facets=False).facets == {}


def test_an_unknown_filter_is_a_mistake_of_the_program(index: Index) -> None:
    with pytest.raises(ValueError, match="colour"):
        search(index, "", filters={"colour": ["red"]})


# -- when nothing has all the words -------------------------------------------------------------


def test_any_of_the_words_when_no_document_has_them_all(index: Index) -> None:
    hits = search(index, "logement hippopotame")
    assert hits.relaxed
    assert found(hits) == {MIXITE, ETUDIANTS}
    assert not search(index, "logement").relaxed


def test_filters_alone_never_relax_the_words(index: Index) -> None:
    hits = search(index, "logement social", filters={"year": ["1900"]})
    assert (hits.total, hits.relaxed) == (0, False)


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("discriminaton", "discriminations"),
        ("logemant social", "logement social"),
        ("oreintation scolaire", "orientation scolaire"),
        ("réonvation", "rénovation"),
        ('"mixitée" -garage', '"mixité" -garage'),
        ("auteur:duponnt", "auteur:dupont"),
    ],
)
def test_a_word_nobody_has_written_is_corrected(index: Index, typed: str, corrected: str) -> None:
    suggestion = search(index, typed).suggestion
    assert suggestion is not None
    assert fold(suggestion).removesuffix("s") == fold(corrected).removesuffix("s")
    assert search(index, suggestion).total > 0


def test_what_is_corrected_is_answered_and_told(index: Index) -> None:
    hits = search(index, "logemant socail")
    assert (hits.suggestion, hits.relaxed) == ("logement social", False)
    assert found(hits) == {MIXITE}
    assert any(marked for _piece, marked in highlight("Le logement", hits.terms))


def test_a_correction_fits_with_the_other_words(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    titles = ("Les ponts de la ville", "Les fonts baptismaux", "Les monts du Forez", "Les ponts, encore des ponts")
    fill(made, [IndexDoc(n, title) for n, title in enumerate(titles, 1)])
    assert search(made, "jonts forez").suggestion == "monts forez"
    assert search(made, "jonts baptismaux").suggestion == "fonts baptismaux"


def test_a_slip_into_another_word_is_corrected_when_nothing_has_both(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [IndexDoc(1, "Le marché du travail"), IndexDoc(2, "La marche des femmes")])
    assert search(made, "travail marches").suggestion is None  # one word to the index, accents aside
    fill(made, [IndexDoc(3, "Un conseil municipal"), IndexDoc(4, "La conserve")])
    hits = search(made, "conseils municipale")
    assert (hits.suggestion, found(hits)) == (None, {3})
    fill(made, [IndexDoc(5, "Écluses du canal"), IndexDoc(6, "Un cabal")])
    assert search(made, "écluses cabal").suggestion == "écluses canal"


def test_words_near_one_another_come_first(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    titles = ("Le conseil de la jeunesse et son avenir citoyen", "Un conseil citoyen et la jeunesse, son avenir")
    fill(made, [IndexDoc(n, title, year=2020) for n, title in enumerate(titles, 1)])
    assert [hit.notice_id for hit in search(made, "conseil citoyen").hits] == [2, 1]
    assert [hit.notice_id for hit in search(made, "avenir citoyen").hits] == [1, 2]


def test_of_two_alike_the_later_comes_first_and_the_better_before_the_later(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    docs = [IndexDoc(1, "Guide du bénévole", year=2021), IndexDoc(2, "Guide du bénévole", year=1985)]
    fill(made, [*docs, IndexDoc(3, "Annales", abstract="Un bénévole.", year=2025)])
    assert [hit.notice_id for hit in search(made, "bénévole").hits] == [1, 2, 3]


def test_the_very_word_typed_comes_first(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [IndexDoc(1, "Le parc public", year=2020), IndexDoc(2, "Les parcs publics", year=2020)])
    for typed, first in (("parc", 1), ("parcs", 2)):
        assert search(made, typed).hits[0].notice_id == first


@pytest.mark.parametrize(
    ("typed", "suggestion", "is_answered"),
    [
        ("rouje", "rouge", True),
        ("drogue", "rouge", False),  # two letters of a short word: another word
        ("bouge", "rouge", False),  # alone, and another first letter
        ("bouge carmin", "rouge carmin", True),  # stands with the other word
        ("gettho", "ghetto", True),  # a letter has moved
        ("xylophone", "allophone", False),
        ("alophonne", "allophone", True),
    ],
)
def test_a_word_that_may_be_right_is_not_replaced(
    tmp_path: Path, typed: str, suggestion: str, is_answered: bool
) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [IndexDoc(1, "Le rouge carmin"), IndexDoc(2, "Un ghetto"), IndexDoc(3, "Un allophone")])
    hits = search(made, typed)
    assert hits.suggestion == suggestion
    assert (hits.corrected, hits.total) == (is_answered, int(is_answered))


def test_a_word_that_others_have_is_no_slip(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [IndexDoc(1, "Les canaux navigables"), IndexDoc(2, "Les cañons navigables", scope="network")])
    ours = {"scope": ("local",)}
    assert search(made, "canaux", filters=ours).total == 1
    hits = search(made, "canons", filters=ours)
    assert (hits.total, hits.suggestion) == (0, None)
    assert hits.facets["scope"] == [("local", 0), ("network", 1)]


def test_words_that_others_have_together_are_no_slip(tmp_path: Path) -> None:
    made, ours = sync.open_index(tmp_path / "index"), {"scope": ("local",)}
    fill(made, [IndexDoc(1, "Écluses du canal"), IndexDoc(2, "Un cabal")])
    assert search(made, "écluses cabal", filters=ours).suggestion == "écluses canal"
    fill(made, [IndexDoc(3, "Écluses et cabal", scope="network")])
    hits = search(made, "écluses cabal", filters=ours)
    assert (hits.suggestion, hits.relaxed, found(hits)) == (None, True, {1, 2})


def test_ours_are_relaxed_when_only_others_have_all_the_words(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    fill(made, [IndexDoc(1, "Un lac"), IndexDoc(2, "Un bois"), IndexDoc(3, "Le lac et le bois", scope="network")])
    hits = search(made, "lac bois", filters={"scope": ("local",)})
    assert (hits.relaxed, found(hits)) == (True, {1, 2})
    assert hits.facets["scope"] == [("local", 2), ("network", 1)]
    there = search(made, "lac bois", filters={"scope": ("network",)})
    assert (there.relaxed, found(there), there.facets["scope"]) == (False, {3}, [("local", 2), ("network", 1)])


def test_a_suggestion_is_written_with_its_accents(index: Index) -> None:
    assert search(index, "renovatoin").suggestion == "rénovation"


def test_known_words_and_hopeless_ones_are_left_alone(index: Index) -> None:
    assert search(index, "logement").suggestion is None
    assert search(index, "xyzzyxyzzy").suggestion is None
    assert search(index, "vlle").suggestion == "ville"


# -- for the page -------------------------------------------------------------------------------


def test_hits_say_what_to_highlight(index: Index) -> None:
    hits = search(index, "ecole -parking discrimin*")
    pieces = highlight("L’école et les discriminations", hits.terms)
    assert [words for words, is_found in pieces if is_found] == ["école", "discriminations"]


def test_questions_are_understood() -> None:
    query = parse('auteur:dupont "mixité sociale" log* -parking annee:2018-2020 9782707142726')
    kinds = sorted((type(clause).__name__, clause.negative) for clause in query.clauses)
    assert kinds == [("Exact", False), ("Phrase", False), ("Word", False), ("Word", False), ("Word", True)]
    assert query.years == (((2018, 2020),),)
    assert Word in map(type, query.positive) and Phrase in map(type, query.positive)
    assert Exact("i9782707142726") in [Exact(c.key) for c in query.clauses if isinstance(c, Exact)]


@pytest.mark.parametrize(
    ("text", "years"),
    [("2018", (2018, 2018)), ("2018-", (2018, 9999)), ("-2018", (1, 2018)), ("x", None), ("", None), ("-", None)],
)
def test_year_ranges(text: str, years: tuple[int, int] | None) -> None:
    assert year_range(text) == years


HOSTILE = [
    "a" * 10_000,
    "mot " * 5_000,
    '"' * 999,
    "«" * 999 + "»" * 3,
    "*a*b*c*",
    "* ** ***",
    "a*",
    "-",
    "- - -",
    "--x",
    ":",
    "auteur:",
    "titre:: x",
    "auteur:auteur:auteur:",
    "annee:2018-2024-2030",
    "annee:99999999999999999999",
    "\x00\x01\x1f",
    "\ud800\udfff",
    "مدينة السياسة",
    "都市政策",
    "‮txet desrever",
    "' OR 1=1 --",
    "%_\\",
    "(((",
    "978-" * 300,
    "10./" * 300,
    "ﷺ" * 50,
]


@pytest.mark.parametrize("text", HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
def test_no_question_is_an_error(index: Index, text: str) -> None:
    hits = search(index, text, status="any")
    assert len(hits.hits) == min(20, hits.total)


PIECES = st.sampled_from(
    str.split(
        '" « » “ * - : auteur: annee: annee:2018- isbn: titre: ( \\ log* *ville* a*b*c logement œuvre 都市政策 السياسة '
        "\u202e \x00 2018-2024 10.",
        " ",
    )
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12).map(" ".join), st.booleans())
def test_any_question_is_answered(text: str, joined: bool) -> None:
    hits = search(_SHARED[0], text.replace(" ", "") if joined else text, status="any")
    assert len(hits.hits) == min(20, hits.total)
    assert hits.suggestion is None or search(_SHARED[0], hits.suggestion, status="any").total > 0
    suggest(_SHARED[0], text)


def test_the_longest_questions_are_answered_soon(index: Index) -> None:
    """Seconds would be seen; a tenth of one is far more than it takes."""
    for text in ("logmeent " * 1_200, "a*b*c* " * 1_500, '"' * 10_000, "ab* titre:co* " * 900, "都" * 10_000):
        began = time.process_time()
        search(index, text)
        assert time.process_time() - began < 1.0, text[:20]


@pytest.mark.parametrize("typed", ["都市", "政策", "都市政策", "سياسة", "Городская политика"])
def test_other_scripts_are_found_by_their_words_or_characters(tmp_path: Path, typed: str) -> None:
    made = sync.open_index(tmp_path / "index")
    titles = ("都市政策の研究", "سياسة المدينة", "Городская политика")
    fill(made, [IndexDoc(n, title) for n, title in enumerate(titles, 1)])
    assert search(made, typed).total == 1


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_question_is_an_error_whatever_its_letters(text: str) -> None:
    query = parse(text)
    assert all(0 <= word.start < word.end <= len(query.text) for word in query.words)


WORDS = sorted(
    {
        text[t.start : t.end]
        for doc in CAST
        for text in (doc.title, *doc.more_titles, doc.abstract)
        for t in tokens(text)
    }
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
def test_accents_capitals_and_apostrophes_never_change_a_total(words: list[str]) -> None:
    typed = " ".join(words)
    plain = fold(typed)
    shouted = typed.upper()
    assert parse(typed).terms == parse(plain).terms == parse(shouted).terms
    assert search(_SHARED[0], typed).total == search(_SHARED[0], plain).total == search(_SHARED[0], shouted).total


_SHARED: list[Index] = []


@pytest.fixture(scope="module", autouse=True)
def _shared(index: Index) -> None:
    """Hypothesis runs a test many times and wants no fixture of its own."""
    _SHARED.append(index)


def test_a_directory_may_be_opened_by_two(tmp_path: Path) -> None:
    first, second = sync.open_index(tmp_path / "index"), sync.open_index(tmp_path / "index")
    fill(first, CAST[:3])
    assert search(second, "politique").total == 2


# -- the thesaurus ------------------------------------------------------------------------------


def test_a_question_is_widened_to_documents_about_the_theme(index: Index) -> None:
    asked = "politique de la ville"
    assert URBAN not in ask(index, asked, filters={"scope": ("network",)})
    wider = [Widening(0, len(asked), "Politique de la ville", ("Politique de la ville",))]
    hits = search(index, asked, thesaurus=lambda _text: wider, filters={"scope": ("network",)})
    assert [hit.notice_id for hit in hits.hits][:2] == [QUARTIERS, EAU]  # what has the words comes first
    assert URBAN in found(hits)


def test_the_rest_of_a_widened_question_must_still_be_there(index: Index) -> None:
    wider = [Widening(0, 8, "Logement social", ("Logement social",))]
    known = {"thesaurus": lambda _text: wider}
    assert ask(index, "domicile parking", **known) == {MIXITE}
    assert ask(index, "domicile -parking", **known) == set()
    assert ask(index, "domicile piscine", **known) == {MIXITE}  # relaxed, and said so
    assert search(index, "domicile piscine", thesaurus=lambda _text: wider).relaxed
    whole = [Widening(0, 14, "x", ("Logement social",))]
    assert ask(index, "titre:domicile", thesaurus=lambda _text: whole) == set()


def test_two_themes_in_one_question_are_two_widenings(index: Index) -> None:
    both = [
        Widening(0, 8, "Logement social", ("Logement social",)),
        Widening(9, 13, "Environnement", ("Environnement",)),
        Widening(14, 19, "Politique de la ville", ("Politique de la ville",)),
    ]
    assert ask(index, "domicile nova autre", thesaurus=lambda _text: both) == {MIXITE, EAU, QUARTIERS, URBAN}
    assert ask(index, "logement eaux ville", thesaurus=lambda _text: both) >= ask(index, "logement eaux ville")


def test_what_is_about_all_the_themes_stands_before_what_has_some_of_the_words(index: Index) -> None:
    themes = [Widening(0, 8, "x", ("Discrimination",)), Widening(9, 12, "y", ("Orientation scolaire",))]
    hits = search(index, "logement bbb", thesaurus=lambda _text: themes)
    assert hits.relaxed
    assert hits.hits[0].notice_id == ORIENTATION
    assert found(hits) == {ORIENTATION, MIXITE, ETUDIANTS}
    hits = search(index, "aaaaaaaa bbb", thesaurus=lambda _text: themes)
    assert (hits.relaxed, found(hits)) == (False, {ORIENTATION})  # both themes stand for all of it


def test_only_themes_that_bring_something_are_told(index: Index) -> None:
    wider = [Widening(0, 8, "x", ("Logement social", "Environnement", "Zootechnie"))]
    hits = search(index, "logement", thesaurus=lambda _text: wider)
    assert (hits.widened, hits.themes) == (("Environnement",), wider[0].labels)
    assert not search(index, "logement", thesaurus=lambda _text: wider, widened=False).widened


# -- while one types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("disc", ["Discrimination"]),
        ("DISC", ["Discrimination"]),
        ("orientation sco", ["Orientation scolaire"]),
        ("logements soc", ["Logement social", "logements social"]),
        ("oeuv", ["œuvrer"]),
        ("l’éc", ["l’école"]),
        ("laï", []),  # of a draft
        ("d", []),
        ("ville ", []),
        ("titre:vi", ["titre:ville"]),
        ('logement "étu', ['logement "étudiants"']),
        ("disc -vi", []),
        ("", []),
    ],
)
def test_the_box_proposes_themes_then_words(index: Index, typed: str, proposed: list[str]) -> None:
    assert [s.text for s in suggest(index, typed)] == proposed


def test_a_theme_says_how_many_documents_it_has(index: Index) -> None:
    (first, *_rest) = suggest(index, "politique")
    assert (first.kind, first.text, first.count) == ("theme", "Politique de la ville", 2)
    (ours, *_rest) = suggest(index, "politique", scope="local")
    assert (ours.text, ours.count) == ("Politique de la ville", 1)


def test_a_theme_is_proposed_by_its_other_names_and_says_which(index: Index) -> None:
    others = OtherNames([("HLM", "Logement social"), ("Habitat social", "Logement social"), ("Zoo", "Zootechnie")])
    assert [(s.text, s.via) for s in suggest(index, "hlm", others=others)] == [("Logement social", "HLM")]
    assert next((s.text, s.via) for s in suggest(index, "soci", others=others)) == ("Logement social", "")
    assert not suggest(index, "zoo", others=others)  # no document is about it
    others = OtherNames([("School mix", "Politique de la ville"), ("School", "Orientation scolaire")])
    assert [s.via for s in suggest(index, "school", others=others)] == ["School", "School mix"]  # what it says first


def test_authors_are_proposed_by_any_of_their_names(index: Index) -> None:
    by_id = {doc.notice_id: doc for doc in CAST}

    def named(text: str) -> list[tuple[str, int]]:
        found = suggest(index, text, authors_of=lambda ids: [a for n in ids for a in by_id[n].agents])
        return [(s.text, s.count) for s in found if s.kind == "author"]

    assert named("auteur:du") == [("Dupont, Anne", 1), ("Dupont, Marc", 1)]
    assert named("marc dup") == [("Dupont, Marc", 1)]
    assert named("martin") == [("Martin, Anne", 2)]
    assert named("reci") == [("Réseau RECI", 1)]
    assert not named("du") and not named("titre:dupont") and not named("ville dupont")


def test_every_kind_keeps_its_places(tmp_path: Path) -> None:
    made = sync.open_index(tmp_path / "index")
    themes = tuple(f"Ville {n}" for n in range(20))
    names = tuple(f"Villeneuve, {n}" for n in "ABCDEF")
    fill(made, [IndexDoc(1, "Villes et villages", agents=names, themes=themes, subjects=themes)])
    kinds = [s.kind for s in suggest(made, "vill", authors_of=lambda _ids: names)]
    assert kinds == ["theme"] * 4 + ["author"] * 2 + ["word"] * 2
