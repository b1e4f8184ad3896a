"""A thesaurus in: Turtle and RDF/XML alike, odd links told and left out, nothing fetched."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from rdflib import BNode, Graph, Literal
from rdflib.namespace import SKOS
from rdflib.term import Node
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, notices, setup, vocabulary
from catalogue.app import Travee
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.entities import ConceptRow
from catalogue.models import Batch, Concept, ConceptRelation, Notice
from catalogue.vocabulary import ConceptPage, WholeScheme
from export import rdf
from harvest import skos
from tests.cast import MIETTES, field

HERE = Path(__file__).parent
DEMO = HERE.parent / "demo" / "thesaurus.ttl"
# Thesauri of others, where a developer has some beside the project.
REAL = [p for p in sorted((HERE.parent.parent / "shared" / "data" / "skos").rglob("*")) if ".csv" not in p.name]
REAL = [p for p in REAL if p.suffix in (".rdf", ".ttl", ".gz")]

HEAD = """@prefix : <https://v.example/t/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dct: <http://purl.org/dc/terms/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
<https://v.example/t> a skos:ConceptScheme ; dct:title "Ville"@fr , "City"@en .
"""


Make = Callable[..., skos.Scheme]


def concept(name: str, *more: str) -> str:
    parts = ["a skos:Concept", "skos:inScheme <https://v.example/t>", *more]
    return f":{name} {' ; '.join(parts)} .\n"


@pytest.fixture
def scheme(tmp_path: Path) -> Make:
    def read(*concepts: str) -> skos.Scheme:
        path = tmp_path / "t.ttl"
        path.write_text(HEAD + "".join(concepts), "utf-8")
        (only,) = skos.read(path)
        return only

    return read


def test_a_concept_has_labels_in_languages_and_words_beside(scheme: Make) -> None:
    found = scheme(
        concept(
            "ville",
            'skos:prefLabel "Ville"@fr-FR , "City"@en',
            'skos:altLabel "Cité"@fr , "Ville"@fr',
            'skos:hiddenLabel "vile"@fr',
            'skos:scopeNote "About cities."@en , "De la ville."@fr',
            "skos:exactMatch <https://other.example/42>",
        )
    )
    assert (found.code, found.uri, dict(found.title)) == ("t", "https://v.example/t", {"fr": "Ville", "en": "City"})
    (row,) = found.rows
    assert row.preferred == {"fr": "Ville", "en": "City"}
    assert (row.alternate, row.hidden) == ((("fr", "Cité"),), (("fr", "vile"),))
    assert row.scope_note == "De la ville."
    assert row.mappings == (("exactMatch", "https://other.example/42"),)
    assert row.label == "Ville"


def test_links_are_read_from_either_end(scheme: Make) -> None:
    found = scheme(
        concept("a", 'skos:prefLabel "A"@fr', "skos:narrower :b", "skos:related :c"),
        concept("b", 'skos:prefLabel "B"@fr'),
        concept("c", 'skos:prefLabel "C"@fr', "skos:broader :a , <https://elsewhere.example/x>"),
    )
    links = {r.label: ([u[-1] for u in r.broader], [u[-1] for u in r.related]) for r in found.rows}
    assert links == {"A": ([], ["c"]), "B": (["a"], []), "C": (["a"], ["a"])}


def test_a_circle_of_broader_terms_is_named_and_opened(scheme: Make) -> None:
    found = scheme(
        concept("a", 'skos:prefLabel "Logement"@fr', "skos:broader :b"),
        concept("b", 'skos:prefLabel "Habitat"@fr', "skos:broader :c"),
        concept("c", 'skos:prefLabel "Ville"@fr', "skos:broader :a"),
        concept("d", 'skos:prefLabel "Soi"@fr', "skos:broader :d"),
        concept("e", 'skos:prefLabel "Deux"@fr', "skos:broader :a , :b"),
    )
    assert [p.message for p in found.problems] == [
        "Ces concepts tournent en rond, chacun sous le suivant : « Logement » → « Habitat » → « Ville » → "
        "« Logement ». Le lien de « Ville » vers « Logement » n’a pas été repris.",
        "« Soi » est son propre terme plus large : ce lien n’a pas été repris.",
    ]
    assert sum(len(r.broader) for r in found.rows) == 4


def test_a_deep_tree_is_no_problem(scheme: Make) -> None:
    chain = [concept(f"n{n}", f'skos:prefLabel "N{n}"@fr', f"skos:broader :n{n + 1}") for n in range(1500)]
    found = scheme(*chain, concept("n1500", 'skos:prefLabel "Haut"@fr'))
    assert found.problems == ()
    assert sum(len(r.broader) for r in found.rows) == 1500


def test_what_is_odd_is_told_and_the_rest_goes_in(scheme: Make) -> None:
    found = scheme(
        concept("a", 'skos:prefLabel "Banlieue"@fr , "Faubourg"@fr'),
        concept("b"),
        concept("c", 'skos:prefLabel "Vieux mot"@fr', "owl:deprecated true"),
        concept("d", 'skos:prefLabel "Sans langue"'),
    )
    assert [(r.preferred, r.alternate) for r in found.rows] == [
        ({"fr": "Banlieue"}, (("fr", "Faubourg"),)),
        ({"fr": "Sans langue"}, ()),
    ]
    assert sorted(p.code for p in found.problems) == ["skos.deprecated", "skos.no_label", "skos.two_labels"]
    assert all("{" not in p.message for p in found.problems)


def test_labels_and_notes_that_are_things_of_their_own_are_read(scheme: Make) -> None:
    (row,) = scheme(
        concept("a", 'xl:prefLabel [ xl:literalForm "Ville"@fr ]', 'skos:scopeNote [ rdf:value "Une note."@fr ]')
    ).rows
    assert (row.preferred, row.scope_note) == ({"fr": "Ville"}, "Une note.")


def test_a_concept_without_a_scheme_is_in_that_of_its_broader_terms(tmp_path: Path) -> None:
    other = (
        '<https://v.example/x> a skos:ConceptScheme .\n:z a skos:Concept ; skos:prefLabel "Z"@fr ; skos:broader :a .\n'
    )
    path = tmp_path / "deux.ttl"
    path.write_text(HEAD + other + concept("a", 'skos:prefLabel "A"@fr'), "utf-8")
    (only,) = skos.read(path)
    assert (only.uri, [r.label for r in only.rows]) == ("https://v.example/t", ["A", "Z"])


RDF = """<?xml version="1.0"?>{doctype}
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:skos="http://www.w3.org/2004/02/skos/core#"
 xmlns:owl="http://www.w3.org/2002/07/owl#">
<owl:Ontology rdf:about="https://v.example/t"><owl:imports rdf:resource="http://192.0.2.1/imported.rdf"/></owl:Ontology>
<skos:Concept rdf:about="https://v.example/t/ville">
<skos:prefLabel xml:lang="fr">{label}</skos:prefLabel></skos:Concept>
</rdf:RDF>"""


def no_network(*_arguments: object, **_named: object) -> None:
    raise AssertionError("a thesaurus must not make us ask anybody for anything")


@pytest.mark.parametrize("name", ["t.rdf", "t.xml", "sans-suffixe", "t.ttl"])
def test_rdf_xml_is_recognised_and_nothing_is_fetched(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    path = tmp_path / name
    path.write_text(RDF.format(doctype="", label="Ville"), "utf-8")
    (only,) = skos.read(path)
    assert [r.label for r in only.rows] == ["Ville"]


def test_entities_that_only_shorten_addresses_are_read(tmp_path: Path) -> None:
    doctype = '<!DOCTYPE rdf:RDF [<!ENTITY t "https://v.example/t/">]>'
    path = tmp_path / "t.rdf"
    path.write_text(RDF.format(doctype=doctype, label="Ville &t;"), "utf-8")
    assert skos.read(path)[0].rows[0].label == "Ville https://v.example/t/"


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.rdf", RDF.format(doctype=BOMB, label="&b;").encode(), "par prudence, il n’est pas lu"),
        ("x.rdf", RDF.format(doctype=OUTSIDE, label="&a;").encode(), "par prudence, il n’est pas lu"),
        ("x.rdf", RDF.format(doctype=BOMB, label="&b;").encode("utf-16"), "par prudence, il n’est pas lu"),
        ("x.rdf", RDF.format(doctype="", label="Ville").encode()[:-30], "est abîmé vers la ligne"),
        ("x.rdf", b"", "n’est pas un thésaurus en SKOS"),
        ("x.ttl", b"bonjour", "n’est pas un thésaurus en SKOS"),
        ("x.ttl", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "n’est pas un thésaurus en SKOS"),
        ("x.ttl", "é".encode("latin-1"), "n’est pas un thésaurus en SKOS"),
        ("x.ttl", b"", "ne contient aucun concept"),
        ("x.jsonld", b'{"@context": "http://192.0.2.1/context"}', "est en JSON-LD"),
    ],
)
def test_any_other_file_is_refused_with_a_sentence(
    tmp_path: Path, name: str, data: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(skos.NotRead) as caught:
        skos.read(path)
    assert words in str(caught.value) and name in str(caught.value)


def test_a_file_too_big_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skos, "MAX_BYTES", 10)
    with pytest.raises(skos.NotRead, match="dépasse"):
        skos.read(DEMO)


# --- out again -------------------------------------------------------------------------------

INVERSE = {SKOS.broader: SKOS.narrower, SKOS.narrower: SKOS.broader, SKOS.related: SKOS.related}
LABELS = (SKOS.prefLabel, SKOS.altLabel, SKOS.hiddenLabel)
Meaning = set[tuple[Node, Node, Node]]


def meaning(graph: Graph) -> Meaning:
    """What a thesaurus says: its statements, each link from both ends, labels of "fr-FR" as of "fr"."""
    out: Meaning = set()
    for s, p, o in graph:
        if isinstance(s, BNode) or isinstance(o, BNode):
            continue
        if p in LABELS and isinstance(o, Literal):
            o = Literal(" ".join(str(o).split()), lang=(o.language or "").lower().split("-")[0] or None)
        out.add((s, p, o))
        if p in INVERSE:
            out.add((o, INVERSE[p], s))  # type: ignore[index]
    return out


def parsed(path: Path) -> Graph:
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return Graph().parse(data=data, format="xml" if b"<rdf:RDF" in data[:5000] else "turtle", publicID="file:///x")


@pytest.mark.parametrize("path", [DEMO, *(p for p in REAL if p.stat().st_size < 9_000)], ids=lambda p: p.name)
def test_nothing_that_a_thesaurus_says_is_lost_on_the_way_through(path: Path) -> None:
    out: Meaning = set()
    for scheme in skos.read(path):
        assert scheme.rows
        whole = WholeScheme(scheme.code, scheme.uri, scheme.title, scheme.rows, {}, scheme.kept)
        out |= meaning(Graph().parse(data=rdf.scheme_bytes(whole), format="turtle"))
    assert not meaning(parsed(path)) - out


RICH = (
    concept(
        "ville",
        'skos:prefLabel "Ville"@fr-FR , "City"@en',
        'skos:altLabel "Cité"@fr',
        'skos:hiddenLabel "vile"@fr',
        'skos:scopeNote "De la ville."@fr',
        'skos:historyNote "Avant 1990 : Cité."@fr',
        'skos:notation "V1"',
        "skos:exactMatch <https://other.example/42>",
        'xl:prefLabel [ xl:literalForm "Ville"@fr ; dct:created "2020-01-02" ]',
    ),
    concept("quartier", 'skos:prefLabel "Quartier"@fr', "skos:broader :ville", "skos:related :rue"),
    concept("rue", 'skos:prefLabel "Rue"@fr'),
    ':lieux a skos:Collection ; skos:prefLabel "Lieux"@fr ; skos:member :quartier , :rue .\n',
)


def stored(session: Session, scheme: skos.Scheme) -> None:
    authorities.load_scheme(session, scheme.code, scheme.uri, scheme.title, scheme.rows)
    vocabulary.keep(session, scheme.code, scheme.kept)
    session.flush()


@pytest.mark.parametrize("format", ["turtle", "rdfxml"])
def test_a_thesaurus_leaves_the_base_as_it_came_and_with_what_changed_here(
    session: Session, scheme: Make, format: str
) -> None:
    came = scheme(*RICH)
    stored(session, came)
    session.scalars(select(Concept).where(Concept.label == "Rue")).one().scope_note = "Voie en ville."
    whole = vocabulary.read_scheme(session, "t")
    assert whole is not None
    graph = Graph().parse(data=rdf.scheme_bytes(whole, format), format=rdf.FORMATS[format])
    gained = meaning(graph) - meaning(Graph().parse(data=HEAD + "".join(RICH), format="turtle"))
    assert {str(o) for _s, _p, o in gained} == {"Voie en ville."}
    assert not meaning(Graph().parse(data=HEAD + "".join(RICH), format="turtle")) - meaning(graph)
    again = "".join(f"{n}" for n in graph.objects(None, skos.SKOSXL.literalForm))
    assert again == "Ville"


def test_a_concept_without_an_address_gets_one_of_ours(session: Session) -> None:
    authorities.load_scheme(session, "maison", "", {"fr": "Maison"}, [ConceptRow("#12", {"fr": "Jardin"})])
    whole = vocabulary.read_scheme(session, "maison")
    assert whole is not None
    graph = rdf.scheme_graph(whole, "https://doc.example")
    (me,) = graph.subjects(SKOS.prefLabel, Literal("Jardin", lang="fr"))
    assert str(me).startswith("https://doc.example/themes/")
    assert vocabulary.read_scheme(session, "inconnu") is None


def test_the_page_of_a_concept_says_where_it_stands_and_counts_its_documents(session: Session, scheme: Make) -> None:
    stored(session, scheme(*RICH))
    ids = {c.label: c.id for c in session.scalars(select(Concept))}
    document = notices.create(session, [*MIETTES, field("606", "a", "Quartier")], by="claire", status="published")
    assert isinstance(document, Notice)
    ville = vocabulary.concept_page(session, ids["Ville"])
    quartier = vocabulary.concept_page(session, ids["Quartier"])
    assert isinstance(ville, ConceptPage) and isinstance(quartier, ConceptPage)
    assert [(t.label, t.notices) for t in ville.narrower] == [("Quartier", 1)]
    assert (ville.notices, ville.notices_below) == (0, 1)
    assert (ville.synonyms, ville.other_languages) == (("Cité",), (("en", "City"),))
    assert [[t.label for t in path] for path in quartier.paths] == [["Ville"]]
    assert [t.label for t in quartier.related] == ["Rue"]
    assert vocabulary.concept_page(session, 99_999) is None
    assert [(title, [t.label for t in tops]) for _code, title, tops in vocabulary.schemes(session)] == [
        ("Ville", ["Rue", "Ville"])
    ]


def test_a_thesaurus_goes_in_twice_and_is_there_once(session: Session) -> None:
    (scheme,) = skos.read(DEMO)
    first = authorities.load_scheme(session, scheme.code, scheme.uri, scheme.title, scheme.rows)
    again = authorities.load_scheme(session, scheme.code, scheme.uri, scheme.title, scheme.rows)
    assert (first.created, again.created, again.unchanged) == (len(scheme.rows), 0, len(scheme.rows))
    assert len(scheme.rows) >= 150
    broader = session.scalars(select(ConceptRelation).where(ConceptRelation.type == "broader")).all()
    assert len(broader) == sum(len(r.broader) for r in scheme.rows)
    assert session.scalars(select(Concept).where(Concept.label == "Quartier prioritaire")).one()


def test_a_concept_that_names_no_scheme_is_in_the_nearest_one_above_it(tmp_path: Path) -> None:
    path = tmp_path / "t.ttl"
    below = [':c0 a skos:Concept ; skos:prefLabel "c0"@fr ; skos:inScheme <https://v.example/t> .\n']
    below += [f':c{n} a skos:Concept ; skos:prefLabel "c{n}"@fr ; skos:broader :c{n - 1} .\n' for n in range(1, 1500)]
    near = (
        "<https://v.example/z> a skos:ConceptScheme . :c9 skos:inScheme <https://v.example/z> .\n"
        ':alone a skos:Concept ; skos:prefLabel "seul"@fr . :c3 skos:narrower :alone .\n'
    )
    path.write_text(HEAD + "".join(below) + near, "utf-8")
    first, second = skos.read(path)
    assert {row.uri.rpartition("/")[2] for row in first.rows} == {*(f"c{n}" for n in range(9)), "alone"}
    assert len(second.rows) == 1491


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("mots.csv", "Terme;Générique\nVille;Lieu\nRue;Ville\n", "en CSV"),
        ("mots.jsonld", '{"@context": {"skos": "x"}, "@graph": [{"@id": "a"}]}', "en JSON-LD"),
        ("lettre.ttl", "Bonjour,\nvoici.\n", "Turtle (.ttl) ou en RDF/XML (.rdf)"),
        ("cassé.ttl", HEAD + ":a skos:prefLabel\n\n", "vers la ligne 5"),
        ("cassé.rdf", "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n<a>", "vers la ligne 2"),
    ],
)
def test_what_is_no_thesaurus_is_named_in_our_words(tmp_path: Path, name: str, text: str, word: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(skos.NotRead) as error:
        skos.read(tmp_path / name)
    assert word in str(error.value)
    assert not {"expected", "syntax", "token", "element"} & set(str(error.value).lower().split())


def test_concepts_that_turn_in_a_circle_are_named_one_by_one(scheme: Make) -> None:
    def below(name: str, label: str, *above: str) -> str:
        return concept(name, f"skos:prefLabel {label}", *(f"skos:broader :{other}" for other in above))

    def told(*concepts: str) -> str:
        (problem,) = scheme(*concepts).problems
        return problem.message

    three = told(below("a", '"un"@fr', "b"), below("b", '"deux"@fr', "c"), below("c", '"trois"@fr', "a"))
    assert "« un » → « deux » → « trois » → « un »" in three
    assert "Le lien de « trois » vers « un »" in three
    pair = told(below("a", '"trois"@fr', "b"), below("b", '"trois"@fr', "a"))
    assert "« trois, b » et « trois, a » sont chacun plus large" in pair
    assert "« three (en) » et « trois »" in told(below("a", '"trois"@fr', "b"), below("b", '"three"@en', "a"))
    assert "« un » est son propre terme plus large" in told(below("a", '"un"@fr', "a"))
    many = told(*(below(f"n{n}", f'"n{n}"@fr', f"n{(n + 1) % 40}") for n in range(40)))
    assert "→ … →" in many and len(many) < 400


def test_the_command_takes_several_thesauri_each_in_a_lot_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_LANGUAGE", "fr")
    settings = Settings(_env_file=None, data_dir=tmp_path / "var")
    setup.init(settings)
    one, two, bad = (tmp_path / name for name in ("un.ttl", "deux.ttl", "lettre.ttl"))
    one.write_text(HEAD + concept("ville", 'skos:prefLabel "Ville"@fr'), "utf-8")
    two.write_text(HEAD.replace("v.example", "w.example").replace("Ville", "Rues") + RUE, "utf-8")
    bad.write_text("Bonjour,", "utf-8")
    done = CliRunner().invoke(main, ["thesaurus", "import", str(one), str(bad), str(two), "--by", "claire", "--json"])
    told = json.loads(done.output)
    assert done.exit_code == 3
    assert [(row["file"], row["created"]) for row in told["schemes"]] == [("un.ttl", 1), ("deux.ttl", 1)]
    assert "lettre.ttl" in told["errors"][0]
    again = CliRunner().invoke(main, ["thesaurus", "import", str(one), str(two)])
    assert (again.exit_code, again.output.count("0 concept entré, 0 mis à jour, 1 inchangé.")) == (0, 2)
    nothing = CliRunner().invoke(main, ["thesaurus", "import", str(bad), str(tmp_path / "absent.ttl")])
    assert nothing.exit_code == 1
    assert "absent.ttl" in nothing.output
    travee = Travee(settings)
    with travee.db.read() as session:
        assert [(lot.by, lot.why) for lot in session.scalars(select(Batch).order_by(Batch.id))] == [
            ("claire", "un.ttl"),
            ("claire", "deux.ttl"),
        ]
    travee.close()


RUE = ':rue a skos:Concept ; skos:inScheme <https://w.example/t> ; skos:prefLabel "Rue"@fr .\n'
