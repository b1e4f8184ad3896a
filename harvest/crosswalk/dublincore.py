"""Dublin Core (oai_dc, srw_dc, qualified, plain; one record or many; inside an OAI-PMH or SRU answer or alone) to
records. What each element becomes: `dublincore.toml`.

Dublin Core says little and everyone says it otherwise, so four elements are read by what they look like:

- `type`: the most telling one decides the kind (« info:eu-repo/semantics/article » rather than « text »);
- `description`: an extent (« 166 p. », « 1 vol. (92 p.) ») is one, a long text is the abstract, a short one a note;
- `format`: a size (« 19 cm »), a kind of file (kept for programs), else an extent;
- `identifier`: ISBN, ISSN, DOI and addresses go where they belong. What is left, or else the address, is the key.

Inside OAI-PMH the key is the identifier of its header, or the end of it that the record itself gives (PMB's number, by
which its other formats call it too). PMB's own Dublin Core is known by the addresses that it
writes, and undone by what its stylesheet does: « Éditeur (Ville) », 1997-01-01 for « 1997 », notes as `coverage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from catalogue.problems import Problem, Refusal
from catalogue.unimarc import KINDS, Record
from harvest.crosswalk.citation import each_once, line, to_record
from harvest.crosswalk.elements import (
    Element,
    as_received,
    children,
    local_name,
    namespace,
    read_elements,
    text_of,
)
from harvest.crosswalk.gather import Gathered, Table, find_standard_numbers, finish, table

_WRAPPERS = frozenset(("dc", "qdc", "qualifieddc", "dublin_core"))
_NAMESPACES = frozenset(
    ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/elements/1.0/", "http://purl.org/dc/terms/")
)
_EXTENT = re.compile(
    r"\d+ (?:vol|dvd|cd|disques?|carte|f|p|pages?)\b.{0,80}"
    r"|(?:[ivxlc]+[-, ]+)?(?:\[?\d+\]?[-, ]+){0,3}\[?\d+\]? ?(?:p|pages?|f|ff)\b\.?.{0,40}",
    re.I | re.S,
)
_SIZE = re.compile(r"(?:in-\w+|[\d.,]+(?: ?[x×*] ?[\d.,]+)? ?[cm]m\.?)", re.I)
_MIME = re.compile(r"(?:application|text|image|audio|video)/[\w.+-]+")
_CITY = re.compile(r"(.*\S) \(([^()]+)\)")
_OJS = re.compile(r"([^;]{3,200}); (?:vol|v|no|n°|núm|num|bd|t)\b", re.I)
_ISSN = re.compile(r"e?-?issn\b", re.I)
_ALTERNATIVE = re.compile(r"info:eu-repo/semantics/altIdentifier/(\w+)/")
_FOREIGN = "@"  # before the name of an element that is not Dublin Core’s: kept for programs
_NOT_KEYS = re.compile(r"https?://|urn:|doi:|isbn|issn|10\.\d{4,9}/", re.I)
_LONG = 80  # from this many signs on, a description is an abstract


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | Refusal]:
    """Every record of a file, in order. A Refusal at position 0 is about the file itself."""
    kinds = (profile or {}).get("kinds")

    def record(element: Element, position: int) -> Record | Refusal:
        return from_element(element, position, kinds)

    return each_once(read_elements(stream, _is_record, record, _name))


def from_element(element: Element, position: int, kinds: Mapping[str, str] | None = None) -> Record | Refusal:
    """The record of one element that holds Dublin Core, or of an OAI-PMH header that says it is deleted."""
    header = _header(element)
    number = line(next((text_of(e) for e in children(header, "identifier")), "")) if header is not None else ""
    if header is not None and header.get("status") == "deleted":
        return Refusal(
            position, number, "dc.deleted", {"position": str(position), "identifier": number}, as_received(element)
        )
    repairs: list[Problem] = []
    pairs: list[tuple[str, str]] = []
    for child in element.iter():
        if child is element or not local_name(child.tag):
            continue
        if not any(local_name(inner.tag) for inner in child):
            name = (child.get("element") or "") if local_name(child.tag) == "dcvalue" else local_name(child.tag)
            own = (
                namespace(child.tag) in (*_NAMESPACES, "", namespace(element.tag))
                and name in table("dublincore").fields
            )
            pairs.append((name if own else f"{_FOREIGN}{name}", text_of(child)))
        elif stray := (child.text or "").strip():
            repairs.append(Problem("", "", "xml.not_taken", "warning", {"element": child.tag, "value": stray[:80]}))
    for child in element:
        if stray := (child.tail or "").strip():
            params = {"element": local_name(child.tag), "value": stray[:80]}
            repairs.append(Problem("", "", "xml.not_taken", "warning", params))
    return _record(pairs, number, position, kinds, repairs, element)


def _record(
    pairs: list[tuple[str, str]],
    number: str,
    position: int,
    kinds: Mapping[str, str] | None,
    repairs: list[Problem],
    element: Element,
) -> Record | Refusal:
    rules = table("dublincore")
    types = [line(value) for name, value in pairs if name == "type" and value.strip()]
    kind, type_ = _kind(types, rules, kinds)
    from_pmb = any("lvl=notice_display" in value or value.startswith("Vignette : ") for _name, value in pairs)
    meanings = rules.meanings("pmb" if from_pmb else kind, False)
    gathered = Gathered(rules, meanings)
    gathered.repairs += repairs
    key = _key(pairs)
    number = key if not number or (key and number.endswith(f":{key}")) else number
    host = _host([line(value) for name, value in pairs if name == "source"]) if KINDS[kind].level == "article" else ""
    if host:
        gathered.put("source", host, "host")
    for name, value in pairs:
        text = line(value)
        if name.startswith(_FOREIGN):
            gathered.put(name.removeprefix(_FOREIGN), value, "kept")
        elif name == "source" and text == host:
            continue
        elif name == "type":
            gathered.put(name, value, "-" if text == type_ or rules.kind_of(text) in (kind, "other") else "kept")
        elif name == "identifier" and text == number:
            gathered.put(name, value, "url" if text.startswith("http") else "-")
        elif from_pmb and name in _PMB:
            _PMB[name](gathered, text)
        else:
            gathered.put(name, _ALTERNATIVE.sub("", value), _meaning(meanings.get(name), value))
    citation = finish(gathered, rules, kind=kind, type=type_, number=number)
    record = to_record(citation, position)
    return record if citation.title else to_record(citation, position, as_received(element))


def _is_record(element: Element) -> bool:
    name = local_name(element.tag)
    if name == "record":
        header = next(children(element, "header"), None)
        return header is not None and header.get("status") == "deleted"
    if name in _WRAPPERS:
        above = [local_name(e.tag) for e in element.iterancestors()]
        return "OAI-PMH" not in above or "record" in above  # a set of OAI-PMH describes itself in Dublin Core
    return any(namespace(child.tag) in _NAMESPACES for child in element) and namespace(element.tag) not in _NAMESPACES


def _header(element: Element) -> Element | None:
    """The header of OAI-PMH that stands beside what an element describes."""
    for above in (element, *element.iterancestors()):
        if local_name(above.tag) == "record":
            return next(children(above, "header"), None)
    return None


def _name(element: Element) -> str:
    """How a record that is not read calls itself."""
    for name in ("identifier", "title"):
        said = (line(e.text or "") for e in element.iter() if local_name(e.tag) == name)
        if found := next((text for text in said if text), ""):
            return found[:80]
    return ""


def _kind(types: list[str], rules: Table, kinds: Mapping[str, str] | None) -> tuple[str, str]:
    """The kind that the types mean together, and the type that says so: the more telling one, « text » last."""
    known = [(rules.kind_of(type, kinds), type) for type in types]
    for kind, type in known:
        if kind and kind not in ("other", "book"):
            return kind, type
    for wanted in ("book", "other"):
        if found := next(((kind, type) for kind, type in known if kind == wanted), None):
            return found
    return "other", types[0] if types else ""


def _meaning(word: str | None, value: str) -> str | None:
    """What an element means in our words, by what its value looks like where its name is not enough."""
    text = line(value)
    if word == "description":
        if _EXTENT.fullmatch(text):
            return "extent"
        return "abstract" if len(text) >= _LONG else "note"
    if word == "format":
        return "size" if _SIZE.fullmatch(text) else "kept" if _MIME.match(text) else "extent"
    if word == "identifier":
        return "id" if _NOT_KEYS.search(text) or find_standard_numbers(text) else "kept"
    if word == "relation" and (found := _ALTERNATIVE.search(text)):
        return f"id {found[1].lower()}"
    if word == "source" and _ISSN.match(text):
        return "id issn"
    if word in ("source", "relation"):
        if text.lower().startswith(("http://", "https://")):
            return "url" if word == "relation" else "note Source"
        return "note Source" if word == "source" else "note En relation"
    return word


def _host(sources: list[str]) -> str:
    """The journal that an article’s sources name: alone (HAL), or before its volume and pages (OJS)."""
    for text in sources:
        if not any(sign.isdigit() for sign in text) and "://" not in text:
            return text
        if (found := _OJS.match(text)) is not None:
            return found[1]
    return ""


def _key(pairs: list[tuple[str, str]]) -> str:
    """The key of a record that no header names: what is a number of its own, else its first address."""
    said = [line(value) for name, value in pairs if name == "identifier"]
    own = [text for text in said if text and not _NOT_KEYS.search(text) and not find_standard_numbers(text)]
    return next(iter(own), "") or next((text for text in said if text.startswith("http")), "")


# --- PMB -------------------------------------------------------------------------------------


def _pmb_publisher(g: Gathered, text: str) -> None:
    found = None if g.says("publisher") else _CITY.fullmatch(text)
    g.put("publisher", found[1] if found else text, "publisher")
    if found:
        g.put("publisher", found[2], "place")


def _pmb_date(g: Gathered, text: str) -> None:
    """PMB computes a day for the year that was typed: a first of January is none."""
    g.put("date", text.removesuffix("-01-01"), "date")


def _pmb_relation(g: Gathered, text: str) -> None:
    address = text.removeprefix("Vignette : ")
    g.put("relation", address, "thumbnail" if address != text else "series")


def _pmb_rights(g: Gathered, text: str) -> None:
    g.put("rights", text, "-" if text == "Aucun droit spécifique" else None)


_PMB = {"publisher": _pmb_publisher, "date": _pmb_date, "relation": _pmb_relation, "rights": _pmb_rights}
