"""A thesaurus in SKOS, as Turtle or RDF/XML, to the rows that `authorities.load_scheme` takes.

The only module that knows rdflib, and of its parsers only the two that fetch nothing: a JSON-LD file could
name a context at any address and have us ask for it. Nothing named in a file is followed, `owl:imports`
no more than `skos:exactMatch`.

What is odd is told and left out, and the rest goes in: a concept without a label, two preferred labels in
one language (the second becomes another word for it), a concept that is its own broader term by some way
round: the link that closes the circle is dropped.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import dropwhile
from pathlib import Path
from urllib.parse import unquote
from xml.sax import SAXParseException

from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.exceptions import ParserError
from rdflib.namespace import DC, DCTERMS, OWL, RDF, RDFS, SKOS
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Node

from catalogue.entities import ConceptRow
from catalogue.problems import Problem, Stopped
from catalogue.text import fold
from harvest import files

MAX_BYTES = 100_000_000
SKOSXL = Namespace("http://www.w3.org/2008/05/skos-xl#")
MAPPINGS = ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")

_FORMATS = {".ttl": "turtle", ".turtle": "turtle", ".nt": "turtle", ".rdf": "xml", ".xml": "xml", ".skos": "xml"}
_ENTITY = re.compile(rb"<!ENTITY\s+(?:%\s+)?[\w.-]+\s+(?:SYSTEM|PUBLIC|\"[^\"]*[&%]|'[^']*[&%])")
_SHOWN = 10  # concepts of a circle
_Label = tuple[str, str]  # language, text


class NotRead(Stopped):
    """This file is no thesaurus that we can read."""


@dataclass(frozen=True)
class Scheme:
    """One thesaurus of a file; `code` is a short name made from its address."""

    code: str
    uri: str
    title: Mapping[str, str]
    rows: tuple[ConceptRow, ...]
    problems: tuple[Problem, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)  # subject -> its other statements, as N-Triples

    @cached_property
    def by_uri(self) -> Mapping[str, ConceptRow]:
        return {row.uri: row for row in self.rows}


def read(path: Path) -> list[Scheme]:
    """Every scheme of a file, in alphabetical order of their addresses. Raises NotRead."""
    graph = _parse(path)
    typed = graph.subjects(RDF.type, SKOS.Concept)
    concepts = sorted({s for s in typed if isinstance(s, URIRef)})
    if not concepts:
        raise NotRead("skos.no_concept", {"file": path.name})
    only = _only_scheme(graph)
    schemes = _schemes_of(graph)
    by_scheme: dict[str, list[URIRef]] = {}
    for concept in concepts:
        by_scheme.setdefault(schemes.get(concept, only), []).append(concept)
    codes: Counter[str] = Counter()
    out = []
    for uri, members in sorted(by_scheme.items()):
        code = _code(uri) or _code(path.stem) or "thesaurus"
        codes[code] += 1
        out.append(_scheme(graph, f"{code}-{codes[code]}" if codes[code] > 1 else code, uri, members))
    return _with_the_rest(graph, out)


def _parse(path: Path) -> Graph:
    if path.stat().st_size > MAX_BYTES:
        raise NotRead("skos.too_big", {"file": path.name, "limit": str(MAX_BYTES // 1_000_000)})
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data, path = _unpacked(data, path), path.with_suffix("")
    format_ = _FORMATS.get(path.suffix.lower()) or ("xml" if data.lstrip()[:1] == b"<" else "turtle")
    if format_ == "turtle" and re.match(rb"\s*(?:<\?xml|<rdf:RDF)", data):
        format_ = "xml"
    if format_ == "xml" and (_ENTITY.search(data) or b"\0" in data[:200]):
        raise NotRead("skos.entities", {"file": path.name})
    graph = Graph()
    try:
        graph.parse(data=data, format=format_, publicID=path.absolute().as_uri())
    except (SAXParseException, ParserError, BadSyntax, ValueError, UnicodeError) as error:
        raise _not_parsed(data, path, error) from error
    return graph


def _not_parsed(data: bytes, path: Path, error: Exception) -> NotRead:
    """RDF that is spoilt, and where; or what this file is instead."""
    seen, refusal = files.recognise(data[: files.HEAD])
    code = refusal.code if refusal else ""
    if code == files.ELSEWHERE["rdf"]:
        if not isinstance(error, SAXParseException | BadSyntax):
            return NotRead("skos.spoilt", {"file": path.name})
        line = error.getLineNumber() if isinstance(error, SAXParseException) else _line_of(error, data)
        return NotRead("skos.malformed", {"file": path.name, "line": str(line)})
    seen = "jsonld" if code == files.ELSEWHERE["jsonld"] else seen
    if seen:
        return NotRead("skos.other_format", {"file": path.name, "format": files.NAMES[seen]})
    return NotRead("skos.not_rdf", {"file": path.name})


def _line_of(error: BadSyntax, data: bytes) -> int:
    """By the sign where the parser stopped: its own count takes some lines twice."""
    return data.decode("utf-8", "replace")[: error._i].rstrip().count("\n") + 1


def _unpacked(data: bytes, path: Path) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        out = unpacking.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise NotRead("skos.spoilt", {"file": path.name}) from error
    if len(out) > MAX_BYTES:
        raise NotRead("skos.too_big", {"file": path.name, "limit": str(MAX_BYTES // 1_000_000)})
    return out


def _schemes_of(graph: Graph) -> dict[Node, str]:
    """The scheme that each concept says it is in, else the nearest that its broader terms say: row by row down."""
    found: dict[Node, str] = {}
    for property_ in (SKOS.inScheme, SKOS.topConceptOf):
        for concept, home in graph.subject_objects(property_):
            found[concept] = min(found.get(concept, str(home)), str(home))
    below: defaultdict[Node, list[Node]] = defaultdict(list)
    for concept, above in graph.subject_objects(SKOS.broader):
        below[above].append(concept)
    for above, concept in graph.subject_objects(SKOS.narrower):
        below[above].append(concept)
    row = dict(found)
    while row:
        told: dict[Node, str] = {}
        for above, scheme in row.items():
            for concept in below.get(above, ()):
                if concept not in found:
                    told[concept] = min(told.get(concept, scheme), scheme)
        found.update(told)
        row = told
    return found


def _only_scheme(graph: Graph) -> str:
    found = sorted(str(s) for s in graph.subjects(RDF.type, SKOS.ConceptScheme))
    return found[0] if len(found) == 1 else ""


def _scheme(graph: Graph, code: str, uri: str, members: list[URIRef]) -> Scheme:
    problems: list[Problem] = []
    language = _language(graph, uri)
    title = _titles(graph, URIRef(uri), language) if uri else {}
    labels: dict[str, _Labels] = {}
    for concept in members:
        if Literal(True) in graph.objects(concept, OWL.deprecated):
            problems.append(Problem("", "", "skos.deprecated", "info", {"concept": _shown(graph, concept)}))
            continue
        found = _labels(graph, concept, language, problems)
        if found.preferred:
            labels[str(concept)] = found
        else:
            problems.append(Problem("", "", "skos.no_label", "warning", {"concept": str(concept)}))
    broader = {c: _broader(graph, URIRef(c), labels) for c in labels}
    names = _names(labels)
    for circle in _circles(broader):
        broader[circle[-1]].remove(circle[0])
        problems.append(_told([names[c] for c in circle]))
    rows = tuple(
        ConceptRow(
            uri=concept,
            preferred=found.preferred,
            alternate=found.alternate,
            hidden=found.hidden,
            broader=tuple(broader[concept]),
            related=tuple(_related(graph, URIRef(concept), labels)),
            mappings=tuple(
                (name, target)
                for name in MAPPINGS
                for target in sorted(str(o) for o in graph.objects(URIRef(concept), SKOS[name]))
            ),
            scope_note=_note(graph, URIRef(concept)),
        )
        for concept, found in labels.items()
    )
    return Scheme(code, uri, title or {"fr": code}, rows, tuple(problems))


def _circles(broader: Mapping[str, list[str]]) -> list[list[str]]:
    """The concepts that are their own broader terms by some way round, each followed by its broader term.

    The link from the last one to the first closes the circle; always the same ones for the same file.
    """
    circles: list[list[str]] = []
    done: set[str] = set()
    for start in broader:
        if start in done:
            continue
        path = {start: None}  # ordered, and quick to look into
        walk: list[Iterator[str]] = [iter(broader[start])]
        while walk:
            above = next(walk[-1], None)
            if above is None:
                walk.pop()
                done.add(path.popitem()[0])
            elif above in path:
                circles.append(list(dropwhile(lambda concept, first=above: concept != first, path)))  # type: ignore[misc]
            elif above not in done:
                path[above] = None
                walk.append(iter(broader[above]))
    return circles


def _told(names: Sequence[str]) -> Problem:
    said = {"concept": names[-1], "broader": names[0]}
    if len(names) == 1:
        return Problem("", "", "skos.own_broader", "warning", said)
    if len(names) == 2:
        return Problem("", "", "skos.cycle", "warning", said)
    quoted = [f"« {name} »" for name in names]
    shown = [*quoted[:_SHOWN], "…", quoted[-1]] if len(quoted) > _SHOWN + 1 else quoted
    circle = " → ".join([*shown, quoted[0]])
    return Problem("", "", "skos.circle", "warning", {**said, "circle": circle})


def _names(labels: Mapping[str, _Labels]) -> dict[str, str]:
    """What each concept is called in a sentence: its label, with what tells it from others that have the same."""
    names = {}
    for concept, found in labels.items():
        language = "fr" if "fr" in found.preferred else min(found.preferred)
        label = found.preferred[language]
        names[concept] = label if language == "fr" else f"{label} ({language})"
    met = Counter(names.values())
    return {c: f"{name}, {unquote(re.split('[/#]', c)[-1])}" if met[name] > 1 else name for c, name in names.items()}


@dataclass(frozen=True, slots=True)
class _Labels:
    preferred: dict[str, str]
    alternate: tuple[_Label, ...]
    hidden: tuple[_Label, ...]


def _labels(graph: Graph, concept: URIRef, language: str, problems: list[Problem]) -> _Labels:
    preferred: dict[str, str] = {}
    others = _texts(graph, concept, "altLabel", language)
    for lang, text in _texts(graph, concept, "prefLabel", language):
        if preferred.setdefault(lang, text) != text:
            others.append((lang, text))
            params = {"concept": preferred[lang], "label": text, "language": lang}
            problems.append(Problem("", "", "skos.two_labels", "warning", params))
    alternate = tuple(dict.fromkeys(o for o in others if o not in preferred.items()))
    hidden = _texts(graph, concept, "hiddenLabel", language)
    return _Labels(preferred, alternate, tuple(h for h in hidden if h not in preferred.items() and h not in alternate))


def _texts(graph: Graph, subject: URIRef, name: str, language: str) -> list[_Label]:
    """The literals of a SKOS property, also when they come as SKOS-XL labels, sorted."""
    found = [o for o in graph.objects(subject, SKOS[name])]
    found += [o for label in graph.objects(subject, SKOSXL[name]) for o in graph.objects(label, SKOSXL.literalForm)]
    return sorted({(_lang(o) or language, text) for o in found if isinstance(o, Literal) and (text := _line(o))})


def _lang(literal: Literal) -> str:
    return (literal.language or "").lower().split("-")[0][:12]


def _line(literal: Literal) -> str:
    """One line that can be stored: no control characters, no halves of signs."""
    text = str(literal).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _language(graph: Graph, uri: str) -> str:
    """The language of labels that do not say theirs."""
    found = [str(o) for p in (DCTERMS.language, DC.language) for o in graph.objects(URIRef(uri), p)] if uri else []
    codes = {text.rsplit("/", 1)[-1].lower()[:2] for text in found}
    return codes.pop() if len(codes) == 1 else "fr"


def _titles(graph: Graph, scheme: URIRef, language: str) -> dict[str, str]:
    for property_ in (DCTERMS.title, DC.title, SKOS.prefLabel, RDFS.label):
        found = [(_lang(o) or language, _line(o)) for o in graph.objects(scheme, property_) if isinstance(o, Literal)]
        if found:
            return dict(sorted(found, reverse=True))
    return {}


def _broader(graph: Graph, concept: URIRef, known: Mapping[str, object]) -> list[str]:
    found = {*graph.objects(concept, SKOS.broader), *graph.subjects(SKOS.narrower, concept)}
    return sorted(str(o) for o in found if str(o) in known)


def _related(graph: Graph, concept: URIRef, known: Mapping[str, object]) -> list[str]:
    found = {*graph.objects(concept, SKOS.related), *graph.subjects(SKOS.related, concept)}
    return sorted(str(o) for o in found if str(o) in known and o != concept)


def _note(graph: Graph, concept: URIRef) -> str:
    for property_ in (SKOS.scopeNote, SKOS.definition):
        found = []
        for o in graph.objects(concept, property_):
            texts = [o] if isinstance(o, Literal) else list(graph.objects(o, RDF.value))
            found += [(_lang(t) not in ("fr", ""), _line(t)) for t in texts if isinstance(t, Literal) and _line(t)]
        if found:
            return min(found)[1]
    return ""


def _shown(graph: Graph, concept: URIRef) -> str:
    return next((text for _lang_, text in _texts(graph, concept, "prefLabel", "fr")), str(concept))


def _code(uri: str) -> str:
    """« https://travee.example/thesaurus » -> "thesaurus"."""
    parts = [part for part in re.split(r"[/#:]", unquote(uri)) if fold(part).strip("0123456789 ")]
    return fold(parts[-1]).replace(" ", "-")[:50] if parts else ""


# --- the rest --------------------------------------------------------------------------------

_LABELS = (SKOS.prefLabel, SKOS.altLabel, SKOS.hiddenLabel)
_LINKS = (SKOS.broader, SKOS.narrower, SKOS.related)


def _with_the_rest(graph: Graph, schemes: Sequence[Scheme]) -> list[Scheme]:
    """The schemes with what else the file says: of a concept, with its scheme; of anything else, with the first."""
    home = {row.uri: n for n, scheme in enumerate(schemes) for row in scheme.rows}
    home |= {scheme.uri: n for n, scheme in enumerate(schemes) if scheme.uri}
    kept: list[dict[str, str]] = [{} for _scheme in schemes]
    for subject in sorted(set(graph.subjects()), key=str):
        if isinstance(subject, BNode):
            continue  # goes along with whoever names it
        n = home.get(str(subject), 0)
        said = [t for t in graph.triples((subject, None, None)) if not _is_taken(*t, schemes[n])]
        if said:
            kept[n][str(subject)] = _as_text(graph, said)
    return [replace(scheme, kept=statements) for scheme, statements in zip(schemes, kept, strict=True)]


def _is_taken(subject: Node, property_: Node, object_: Node, scheme: Scheme) -> bool:
    """Whether the rows of the scheme say this already."""
    row = scheme.by_uri.get(str(subject))
    if row is None:
        return False
    if property_ in _LABELS:
        said = {
            SKOS.prefLabel: tuple(row.preferred.items()),
            SKOS.altLabel: row.alternate,
            SKOS.hiddenLabel: row.hidden,
        }
        return isinstance(object_, Literal) and (_lang(object_), _line(object_)) in said[property_]  # type: ignore[index]
    if property_ in _LINKS:
        other = scheme.by_uri.get(str(object_))
        broader = {SKOS.broader: (row, other), SKOS.narrower: (other, row)}.get(property_)  # type: ignore[call-overload]
        if broader is not None:
            below, above = broader
            return below is not None and above is not None and above.uri in below.broader
        return other is not None and (other.uri in row.related or row.uri in other.related)
    if property_ == SKOS.inScheme:
        return str(object_) == scheme.uri
    mapped = any(property_ == SKOS[name] for name in MAPPINGS) and isinstance(object_, URIRef)
    return mapped or (property_, object_) == (RDF.type, SKOS.Concept)


def _as_text(graph: Graph, triples: Iterable[tuple[Node, Node, Node]]) -> str:
    """These statements, and those of the nameless nodes that they lead to, as sorted N-Triples."""
    left, part = list(triples), Graph()
    while left:
        triple = left.pop()
        if triple not in part:
            part.add(triple)
            if isinstance(triple[2], BNode):
                left += graph.triples((triple[2], None, None))
    return "\n".join(sorted(part.serialize(format="nt").splitlines())).strip()
