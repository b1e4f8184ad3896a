"""A thesaurus in SKOS, as Turtle or RDF/XML: as it came in, with what has changed here since.

Terms, labels and links are written from the tables; what a thesaurus file said besides goes out as it was
kept. Every link is written from both its ends, as tools like it; what SKOS-XL says of a label goes along as
long as the label is still one of the concept's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urljoin

from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, RDF, SKOS
from rdflib.term import Node

from catalogue.entities import ConceptRow
from catalogue.vocabulary import WholeScheme

SKOSXL = Namespace("http://www.w3.org/2008/05/skos-xl#")
FORMATS: Mapping[str, str] = {"turtle": "turtle", "rdfxml": "xml"}
_XL = (SKOSXL.prefLabel, SKOSXL.altLabel, SKOSXL.hiddenLabel)
_LABELS = (SKOS.prefLabel, SKOS.altLabel, SKOS.hiddenLabel)
_NOTES = (SKOS.scopeNote, SKOS.definition)


def scheme_bytes(scheme: WholeScheme, format: str = "turtle", base: str = "") -> bytes:
    """`base` is where this catalogue answers: the addresses of terms that have none of their own begin there."""
    return scheme_graph(scheme, base).serialize(format=FORMATS[format], encoding="utf-8")


def scheme_graph(scheme: WholeScheme, base: str = "") -> Graph:
    graph = Graph()
    graph.bind("skos", SKOS)
    graph.bind("skosxl", SKOSXL)
    home = URIRef(_absolute(scheme.uri or f"themes#{scheme.code}", base))
    names = {row.uri: URIRef(_address(scheme, row, base)) for row in scheme.rows}
    graph.add((home, RDF.type, SKOS.ConceptScheme))
    kept = {URIRef(subject): _triples(said) for subject, said in scheme.kept.items()}
    said_of_home = {p for s, p, _o in kept.get(home, ()) if s == home}
    if not said_of_home & {DCTERMS.title, SKOS.prefLabel} and not any("title" in str(p) for p in said_of_home):
        for language, title in scheme.title.items():
            graph.add((home, DCTERMS.title, Literal(title, lang=language or None)))
    unsaid = {(s, p, str(o)) for said in kept.values() for s, p, o in said if isinstance(o, Literal) and not o.language}
    for row in scheme.rows:
        for s, p, o in _of_row(row, names, home):
            if not (isinstance(o, Literal) and (s, p, str(o)) in unsaid):  # a language that was guessed
                graph.add((s, p, o))
        if not kept and not row.broader:
            graph.add((names[row.uri], SKOS.topConceptOf, home))
            graph.add((home, SKOS.hasTopConcept, names[row.uri]))
    for subject, triples in kept.items():
        labels = {str(o) for p in _LABELS for o in graph.objects(subject, p)}
        for triple in triples:
            forms = _forms(kept, triples, triple[2]) if triple[1] in _XL else set()
            if not (forms and labels and not labels & forms):
                graph.add(triple)
    for row in scheme.rows:
        notes = {str(o) for p in _NOTES for o in graph.objects(names[row.uri], p)}
        notes |= {str(v) for p in _NOTES for o in graph.objects(names[row.uri], p) for v in graph.objects(o, RDF.value)}
        if row.scope_note and row.scope_note not in {" ".join(note.split()) for note in notes}:
            graph.add((names[row.uri], SKOS.scopeNote, Literal(row.scope_note, lang="fr")))
    return graph


def _of_row(row: ConceptRow, names: Mapping[str, URIRef], home: URIRef) -> Iterator[tuple[Node, Node, Node]]:
    me = names[row.uri]
    yield me, RDF.type, SKOS.Concept
    yield me, SKOS.inScheme, home
    for language, label in row.preferred.items():
        yield me, SKOS.prefLabel, Literal(label, lang=language or None)
    for language, label in row.alternate:
        yield me, SKOS.altLabel, Literal(label, lang=language or None)
    for language, label in row.hidden:
        yield me, SKOS.hiddenLabel, Literal(label, lang=language or None)
    for uri in row.broader:
        if uri in names:
            yield me, SKOS.broader, names[uri]
            yield names[uri], SKOS.narrower, me
    for uri in row.related:
        if uri in names:
            yield me, SKOS.related, names[uri]
            yield names[uri], SKOS.related, me
    for name, target in row.mappings:
        yield me, SKOS[name], URIRef(target)


def _triples(said: str) -> list[tuple[Node, Node, Node]]:
    return list(Graph().parse(data=said, format="nt"))


def _forms(
    kept: Mapping[URIRef, list[tuple[Node, Node, Node]]], near: list[tuple[Node, Node, Node]], label: Node
) -> set[str]:
    """The words of a SKOS-XL label, wherever it is described."""
    found = near if isinstance(label, BNode) else kept.get(label, []) if isinstance(label, URIRef) else []
    return {" ".join(str(o).split()) for s, p, o in found if s == label and p == SKOSXL.literalForm}


def _address(scheme: WholeScheme, row: ConceptRow, base: str) -> str:
    if row.uri.startswith("#"):
        return _absolute(f"themes/{scheme.numbers[row.uri]}", base)
    return _absolute(row.uri, base)


def _absolute(uri: str, base: str) -> str:
    return urljoin(base.rstrip("/") + "/", uri) if base else uri
