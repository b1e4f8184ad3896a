"""The demonstration base holds what it promises: enough of everything, nothing false about real people's work."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from rdflib import RDF, SKOS, Graph
from rdflib.term import Node
from stdnum import isbn, issn

from catalogue import unimarc
from catalogue.text import fold
from catalogue.unimarc import Fields
from demo import generate
from demo.generate import DemoRecord

THESAURUS = Path(generate.__file__).parent / "thesaurus.ttl"

# What the generator makes today. A change of its words changes this on purpose: put the new value here.
PINNED = {
    "local": "df21596816b74e5f142c7623bf917d5f4ae7b408c12f2d355320446f26684c80",
    "partner": "bf4b61e656d1db8da1327a5e597ac35cbe1f95c17dd1586810c852f5f2e71bf5",
}


@pytest.fixture(scope="module")
def ours() -> list[DemoRecord]:
    return generate.local_records()


@pytest.fixture(scope="module")
def theirs() -> list[DemoRecord]:
    return generate.partner_records()


@pytest.fixture(scope="module")
def thesaurus() -> Graph:
    return Graph().parse(THESAURUS, format="turtle")


def kind(record: DemoRecord) -> str:
    """As a person reads PMB's codes: the level first, then what this site means by its types."""
    by_level = {"s1": "serial", "s2": "issue"}.get(record.bl + record.hl)
    other = "article" if record.bl == "a" else "book"
    return by_level or generate.KINDS_BY_TYPE.get(record.dt, other)


def texts(fields: Fields) -> list[str]:
    return [unimarc.full_title(fields), *unimarc.values(fields, "330", "a"), *unimarc.values(fields, "327", "a")]


def is_real(record: DemoRecord) -> bool:
    title = " // ".join(unimarc.values(record.fields, "200", "a") + unimarc.values(record.fields, "200", "e"))
    return any(title == row["title"] for row in generate._real_titles())


def digest(records: list[DemoRecord]) -> str:
    rows = [[r.id, r.fields, r.datestamp.isoformat(), r.deleted, r.dt, r.bl, r.hl] for r in records]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


# --- enough of everything ------------------------------------------------------------------------


def test_the_base_is_large_enough_for_every_screen(ours: list[DemoRecord]) -> None:
    kinds = [kind(r) for r in ours]
    issues = {f["x"] for r in ours for f in r.fields if f["t"] == "463" and "x" in f}
    assert len(ours) == 620
    assert len({r.id for r in ours}) == 620
    assert kinds.count("article") >= 200
    assert kinds.count("press_article") >= 120
    assert kinds.count("book") >= 100
    assert (
        sum(kinds.count(k) for k in ("report", "study", "thesis", "multimedia", "dossier", "web_page", "legal")) >= 80
    )
    assert kinds.count("serial") >= 8
    assert len(issues) >= 24
    assert set(kinds) == set(unimarc.KINDS)


def test_four_hundred_copies_stand_on_the_shelves(ours: list[DemoRecord]) -> None:
    barcodes = [v for r in ours for v in unimarc.values(r.fields, "996", "f")]
    assert len(barcodes) >= 400
    assert len(set(barcodes)) == len(barcodes)
    assert {v for r in ours for v in unimarc.values(r.fields, "996", "v")} == {"Espace doc", "Réserve", "Bureau"}
    call_numbers = [v for r in ours for v in unimarc.values(r.fields, "996", "k")]
    for shape in (r"\d{3}(\.\d+)? [A-Z]{3}", r"R \d{4}-\d\d", r"PER [A-Z]{3} \d+", r"DOS [A-Z]{2,3} \d+", r"DVD \d+"):
        assert any(re.fullmatch(shape, c) for c in call_numbers), shape


def test_every_copy_is_described_twice_as_pmb_does(ours: list[DemoRecord]) -> None:
    for record in ours:
        twins = [[unimarc.first(f, "f") for f in record.fields if f["t"] == tag] for tag in ("995", "996")]
        assert twins[0] == twins[1]


def test_copies_of_an_issue_stand_inside_its_first_article_only(ours: list[DemoRecord]) -> None:
    seen: dict[str, int] = {}
    for record in ours:
        issue = next((f["x"] for f in record.fields if f["t"] == "463"), "")
        if record.bl == "a" and any(f["t"] == "996" for f in record.fields):
            assert issue not in seen, record.id
            seen[issue] = record.id
    first = {f["x"]: r.id for r in reversed(ours) for f in r.fields if f["t"] == "463"}
    assert seen and all(first[issue] == number for issue, number in seen.items())


def test_every_article_hangs_on_a_journal_of_the_base(ours: list[DemoRecord]) -> None:
    journals = {str(r.id): unimarc.title(r.fields) for r in ours if kind(r) == "serial"}
    articles = [r for r in ours if r.bl == "a"]
    for record in articles:
        host = next(f for f in record.fields if f["t"] == "461")
        assert unimarc.first(host, "t") == journals[host["x"]]


def test_articles_of_one_issue_do_not_share_a_page(ours: list[DemoRecord]) -> None:
    pages: dict[str, list[tuple[int, int]]] = {}
    for record in ours:
        for extent in unimarc.values(record.fields, "215", "a"):
            if found := re.fullmatch(r"pp\. (\d+)-(\d+)", extent):
                issue = next(f["x"] for f in record.fields if f["t"] == "463")
                pages.setdefault(issue, []).append((int(found[1]), int(found[2])))
    for spans in pages.values():
        spans.sort()
        assert all(a[1] < b[0] for a, b in pairwise(spans))


def test_documents_described_twice_are_there_to_be_found(ours: list[DemoRecord]) -> None:
    by_id = {r.id: r.fields for r in ours}
    pairs = generate.near_duplicates()
    assert len(pairs) >= 12
    assert {how for _a, _b, how in pairs} == {"isbn", "subtitle", "year", "accents"}
    for a, b, how in pairs:
        titles = [fold(unimarc.full_title(by_id[n])) for n in (a, b)]
        assert titles[0].startswith(titles[1]), (a, b)
        numbers = [dict(unimarc.identifiers(by_id[n])).get("isbn") for n in (a, b)]
        assert (numbers[0] == numbers[1] and numbers[0] is not None) == (how == "isbn")
        if how == "year":
            first, second = (unimarc.years(by_id[n])[0] or 0 for n in (a, b))
            assert second == first + 1


def test_the_troubles_of_real_bases_are_there(ours: list[DemoRecord]) -> None:
    def somewhere(tag: str, code: str, test: Callable[[str], object]) -> bool:
        return any(test(v) for r in ours for f in unimarc.each(r.fields, tag) for v in unimarc.subfields(f, code))

    assert any(not any(f["t"] == "009" for f in r.fields) and kind(r) == "report" for r in ours)
    assert somewhere("210", "h", lambda v: v == "0000-00-00")
    assert somewhere("210", "d", lambda v: len(v) == 50)
    assert somewhere("210", "d", lambda v: v.startswith("DL "))
    assert somewhere("330", "a", lambda v: "<p>" in v and "&eacute;" in v)
    assert somewhere("330", "a", lambda v: "\n" in v)
    assert somewhere("610", "a", lambda v: ";" in v)
    assert somewhere("200", "a", lambda v: "œ" in v and "’" in v)
    assert somewhere("996", "e", lambda v: v.startswith("$r non conforme"))
    assert somewhere("463", "t", lambda v: v == " ")
    assert somewhere("606", "9", lambda v: v == "lang:en_UK")
    assert {"", "zz"} <= {r.dt for r in ours}


# --- the same everywhere --------------------------------------------------------------------------


def test_two_runs_give_the_same_records(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    generate._local_base.cache_clear()
    assert generate.local_records() == ours
    assert generate.partner_records() == theirs


@pytest.mark.parametrize("base", ["local", "partner"])
def test_every_machine_gives_the_same_records(base: str, ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    assert digest(ours if base == "local" else theirs) == PINNED[base]


def test_another_seed_gives_another_base(ours: list[DemoRecord]) -> None:
    assert generate.local_records(seed=1) != ours


def test_too_few_records_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="too few"):
        generate.local_records(n=80)


# --- true and well written ------------------------------------------------------------------------


def test_nothing_is_invented_about_a_real_document(ours: list[DemoRecord]) -> None:
    real = [r for r in ours if is_real(r)]
    assert len(real) == len(generate._real_titles())
    for record in real:
        told = {f["t"] for f in record.fields} & {
            "010",
            "014",
            "215",
            "225",
            "300",
            "327",
            "330",
            "606",
            "610",
            "676",
            "856",
        }
        assert not told, (record.id, told)


def test_real_people_stand_only_where_they_made_the_document(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    stated = {name for row in generate._real_titles() for name in [*row.get("people", []), *row.get("bodies", [])]}
    for record in [r for r in [*ours, *theirs] if not r.deleted and not is_real(r)]:
        assert not stated & {r.name for r in unimarc.responsibilities(record.fields)}


def test_every_invented_publisher_and_journal_says_so(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    for record in [*ours, *theirs]:
        for f in unimarc.each(record.fields, "210"):
            if unimarc.first(f, "c") and not is_real(record):
                assert "fictif" in unimarc.typed(f, "comment")
        if kind(record) == "serial" and not is_real(record):
            assert "fictif" in unimarc.values(record.fields, "300", "a")[0]


def test_every_number_is_valid(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    numbers = [(r, v) for r in [*ours, *theirs] for v in unimarc.values(r.fields, "010", "a")]
    assert len(numbers) > 150
    for record, value in numbers:
        assert (issn if kind(record) == "serial" else isbn).is_valid(value), value
    assert all(v.startswith("10.5555/") for r in ours for v in unimarc.values(r.fields, "014", "a"))


def test_addresses_lead_nowhere_real(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    for record in [*ours, *theirs]:
        for f in unimarc.each(record.fields, "856", "896", "897"):
            for url in unimarc.subfields(f, "ua"):
                assert re.match(r"https?://[^/]+\.example/", url), url


def test_texts_read_as_french(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    """What a template gives away: a slot left open, an article not contracted, an elision forgotten."""
    clumsy = re.compile(
        r"[{}]|  |//| [,.]|\b[dD]e (Am|Ab|Ar|une? )|\b[dD]u quartier (à|aux?) "
        r"|\b([dD]e|[àÀ]) les? [A-Z]|\b(?P<twice>\w{3,}) (?P=twice)\b"
    )
    for record in [*ours, *theirs]:
        for text in texts(record.fields):
            assert not clumsy.search(text), (record.id, text)
            assert not text or text[0] in "«<…" or not text[0].islower(), (record.id, text)


def test_result_pages_do_not_look_cloned(ours: list[DemoRecord]) -> None:
    abstracts = [v for r in ours for v in unimarc.values(r.fields, "330", "a")]
    titles = [unimarc.full_title(r.fields) for r in ours]
    assert len(abstracts) > 450
    assert len(set(abstracts)) == len(abstracts)
    assert len(titles) - len(set(titles)) <= 6  # the journals apart, only what was described twice on purpose


def test_no_document_is_older_than_its_words(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    for record in [*ours, *theirs]:
        year = unimarc.years(record.fields)[0]
        for words, since in (("conseil citoyen", 2015), ("Parcoursup", 2019), ("prioritaire", 2014)):
            if year and words in unimarc.full_title(record.fields):
                assert year >= since
        if year and not record.deleted:
            created = unimarc.values(record.fields, "100", "a")[0][:4]
            assert year <= int(created), record.id


# --- the thesaurus --------------------------------------------------------------------------------


def labels(thesaurus: Graph) -> set[str]:
    return {fold(str(label)) for label in thesaurus.objects(None, SKOS.prefLabel)}


def broader(thesaurus: Graph, concept: Node) -> list[Node]:
    return list(thesaurus.objects(concept, SKOS.broader))


def test_the_thesaurus_is_large_and_speaks_both_languages(thesaurus: Graph) -> None:
    concepts = list(thesaurus.subjects(RDF.type, SKOS.Concept))
    assert len(concepts) >= 170
    for concept in concepts:
        languages = sorted(str(getattr(label, "language", "")) for label in thesaurus.objects(concept, SKOS.prefLabel))
        assert languages == ["en", "fr"], concept
    assert len(list(thesaurus.subjects(RDF.type, SKOS.ConceptScheme))) == 1


def test_the_thesaurus_is_a_tree_under_its_top_terms(thesaurus: Graph) -> None:
    tops = set(thesaurus.subjects(SKOS.topConceptOf, None))
    assert len(tops) == 13
    for concept in thesaurus.subjects(RDF.type, SKOS.Concept):
        steps, at = 0, concept
        while at not in tops:
            parents = broader(thesaurus, at)
            assert len(parents) == 1, at
            at, steps = parents[0], steps + 1
            assert steps < 10, concept
        assert not broader(thesaurus, at)


def test_related_terms_are_not_one_another_s_ancestors(thesaurus: Graph) -> None:
    for a, b in thesaurus.subject_objects(SKOS.related):
        assert (b, SKOS.related, a) in thesaurus
        ancestors = set(thesaurus.transitive_objects(a, SKOS.broader))
        assert b not in ancestors, (a, b)


def test_the_words_people_use_lead_to_a_term(thesaurus: Graph) -> None:
    other = [str(label) for label in thesaurus.objects(None, SKOS.altLabel)]
    assert len({fold(o) for o in other}) == len(other)
    french = [label for label in thesaurus.objects(None, SKOS.prefLabel) if getattr(label, "language", "") == "fr"]
    assert not {fold(o) for o in other} & {fold(str(label)) for label in french}
    ghetto = next(c for c, label in thesaurus.subject_objects(SKOS.altLabel) if str(label) == "Ghetto")
    assert "Ségrégation urbaine" in [str(label) for label in thesaurus.objects(ghetto, SKOS.prefLabel)]


def test_every_subject_is_a_term_of_the_thesaurus(
    ours: list[DemoRecord], theirs: list[DemoRecord], thesaurus: Graph
) -> None:
    known = labels(thesaurus)
    subjects = [v for r in [*ours, *theirs] for v in unimarc.values(r.fields, "606", "a")]
    assert len(subjects) > 1500
    assert not {s for s in subjects if fold(s) not in known}


# --- the partner ----------------------------------------------------------------------------------


def test_a_quarter_of_the_partner_s_records_are_ours_word_for_word(
    ours: list[DemoRecord], theirs: list[DemoRecord]
) -> None:
    without = ("995", "996", "999")
    mine = {r.id: [f for f in r.fields if f["t"] not in without] for r in ours}
    shared = [r for r in theirs if r.id in mine and not r.deleted]
    assert len(theirs) == 240
    assert len(shared) == 60
    for record in shared:
        assert [f for f in record.fields if f["t"] not in without] == mine[record.id]


def test_some_of_the_partner_s_books_are_ours_by_isbn_only(ours: list[DemoRecord], theirs: list[DemoRecord]) -> None:
    def numbers(records: list[DemoRecord]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for record in records:
            for scheme, value in unimarc.identifiers(record.fields):
                if scheme == "isbn":
                    found.setdefault(value, []).append(record.id)
        return found

    mine, others = numbers(ours), numbers([r for r in theirs if r.id >= 40_000])
    both = set(mine) & set(others)
    assert len(both) == 25
    assert all(len(mine[n]) == 1 and len(others[n]) == 1 for n in both)


def test_the_partner_brings_news_copies_elsewhere_and_deletions(
    ours: list[DemoRecord], theirs: list[DemoRecord]
) -> None:
    known = {r.id for r in ours}
    assert len([r for r in theirs if r.id not in known and not r.deleted]) == 175
    assert len([r for r in theirs if r.deleted]) == 5
    owners = {v for r in theirs for v in unimarc.values(r.fields, "996", "a")}
    assert owners == {"ORIV", "Labo Cités", "Profession Banlieue"}
    mine = {v for r in ours for v in unimarc.values(r.fields, "996", "f")}
    assert not mine & {v for r in theirs for v in unimarc.values(r.fields, "996", "f")}
