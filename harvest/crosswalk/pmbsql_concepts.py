"""The SKOS concepts of a PMB base: schemes for the thesauri, and 606 for the records that are indexed with them.

PMB keeps them in a store of triples (`rdfstore_*`, those of the ARC2 library: a table of numbers, and the words of
subjects, objects, and of properties and languages, apart), and says in `index_concept` which record is about which,
by the number that `onto_uri` gives to an address. The triples are written down as N-Triples, which our SKOS reader
knows; the 606 is that of PMB's own export: `$9 uri:`, `lang:` and `uriScheme:`, then the label.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from catalogue.entities import About, Thesaurus
from catalogue.problems import Problem
from catalogue.unimarc import LONGEST_TARGET, Field
from harvest import skos
from harvest.crosswalk.pmbsql_tables import Base, Row, field, said

CORE = "http://www.w3.org/2004/02/skos/core#"
# What our reader makes something of; the rest are PMB's own statements.
PROPERTIES = (
    CORE,
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "http://purl.org/dc/",
    "http://www.w3.org/2000/01/rdf-schema#label",
)
RECORD = 1  # type_object of index_concept: TYPE_NOTICE
LITERAL = 2  # o_type
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*:[^\s<>\"{}|^`\\]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")
_STATEMENTS = (
    "SELECT s.val AS subject, p.val AS property, o.val AS object, t.o_type AS kind, l.val AS language"
    " FROM rdfstore_triple t JOIN rdfstore_s2val s ON s.id = t.s JOIN rdfstore_id2val p ON p.id = t.p"
    " JOIN rdfstore_o2val o ON o.id = t.o LEFT JOIN rdfstore_id2val l ON l.id = t.o_lang_dt"
)


def thesauri(base: Base) -> Iterator[Thesaurus | About]:
    """Its schemes, and what of them is not kept."""
    if not base.count("rdfstore_triple"):
        return
    left = 0
    with tempfile.TemporaryDirectory(prefix="travee-pmb-") as folder:
        path = Path(folder) / "concepts.nt"
        with path.open("w", encoding="utf-8") as statements:
            for row in base.select(_STATEMENTS):
                statement = _statement(row) if said(row, "property").startswith(PROPERTIES) else ""
                statements.write(statement)
                left += not statement
        try:
            schemes = skos.read(path)
        except skos.NotRead as fault:
            if fault.code != "skos.no_concept":
                params = {**fault.params, "file": "rdfstore_triple"}
                yield About((Problem("rdfstore_triple", "", fault.code, "warning", params),))
            return
    for scheme in schemes:
        numbers = {row.uri: row.uri for row in scheme.rows if len(row.uri) <= LONGEST_TARGET}
        yield Thesaurus(scheme.code, scheme.uri, scheme.title, scheme.rows, numbers, repairs=scheme.problems)
    if left:
        yield About((Problem("rdfstore_triple", "", "pmbsql.statements", "info", {"n": str(left)}),))


def _statement(row: Row) -> str:
    """One line of N-Triples, "" for what is no address."""
    subject, property_, value = said(row, "subject"), said(row, "property"), said(row, "object")
    if not _ADDRESS.fullmatch(subject) or not _ADDRESS.fullmatch(property_):
        return ""
    if row["kind"] == LITERAL:
        language = _LANGUAGE.match(said(row, "language"))
        object_ = json.dumps(value, ensure_ascii=False) + (f"@{language[0].lower()}" if language else "")
    elif _ADDRESS.fullmatch(value):
        object_ = f"<{value}>"
    else:
        return ""
    return f"<{subject}> <{property_}> {object_} .\n"


def subjects_of(base: Base, notices: Iterable[int]) -> Mapping[int, list[Field]]:
    """What these records are about."""
    links = base.get("index_concept", "num_object", notices, "order_concept, rowid")
    links = {notice: [row for row in rows if row["type_object"] == RECORD] for notice, rows in links.items()}
    addresses = base.one("onto_uri", "uri_id", {row["num_concept"] for rows in links.values() for row in rows})
    named = _named(base, {said(row, "uri") for row in addresses.values()})
    out: dict[int, list[Field]] = {}
    for notice, rows in links.items():
        for row in rows:
            uri = said(addresses.get(row["num_concept"]), "uri")
            label, scheme = named.get(uri, ("", ""))
            if label:
                about = [f"uri:{uri}", "lang:fr_FR", *([f"uriScheme:{scheme}"] if scheme else [])]
                out.setdefault(notice, []).extend(field("606", " 1", [("9", about), ("a", label)]))
    return out


def _named(base: Base, addresses: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The label of each of these concepts, in French where it has one, and the address of its scheme."""
    numbers = base.one("rdfstore_s2val", "val", [a for a in addresses if a])
    triples = base.get("rdfstore_triple", "s", [row["id"] for row in numbers.values()])
    objects = base.one("rdfstore_o2val", "id", {row["o"] for rows in triples.values() for row in rows})
    words = base.whole("rdfstore_id2val")
    out: dict[str, tuple[str, str]] = {}
    for uri, number in numbers.items():
        labels: list[tuple[bool, str]] = []
        scheme = ""
        for row in triples.get(number["id"], ()):
            property_, value = said(words.get(row["p"]), "val"), said(objects.get(row["o"]), "val")
            if property_ == f"{CORE}prefLabel":
                labels.append((not said(words.get(row["o_lang_dt"]), "val").startswith("fr"), value))
            elif property_ == f"{CORE}inScheme":
                scheme = scheme or value
        out[uri] = (min(labels)[1] if labels else "", scheme)
    return out
