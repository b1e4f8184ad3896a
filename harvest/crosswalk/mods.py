"""MODS 3 (one record, a collection, or inside an OAI-PMH or SRU answer) to records.

What plain elements become: `mods.toml`. What says several things at once is read here, from the MODS User
Guidelines: titles, names with their roles, dates (the one a person reads, « c1999 », wins over the coded one),
subjects (606 with their list, 607, 600, 601 when a list is named, else keywords), identifiers, classifications, and
related items: `host` and `series` become the links of the record, others a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from catalogue.problems import Refusal
from catalogue.text import fold
from catalogue.unimarc import Record
from harvest.crosswalk.citation import Name, Subject, date_text, each_once, line, to_record
from harvest.crosswalk.elements import Element, as_received, children, leaves, local_name, read_elements, text_of
from harvest.crosswalk.gather import ROLES, Gathered, Table, finish, is_body, read_name, table

_TITLES = {"alternative": "517", "abbreviated": "517", "translated": "541", "uniform": "500"}
_DATES = ("dateIssued", "copyrightDate", "dateCreated")
_SUBJECT_CODES = {"topic": "x", "geographic": "y", "temporal": "z", "genre": "x", "hierarchicalGeographic": "y"}
_SCHEMES = {"uri": "", "local": "", "issn-l": "issn", "pmid": "pmid", "hdl": "handle"}
_CAPTIONS = frozenset(("", "no", "n", "nr", "vol", "v", "issue", "number", "volume", "p", "pp"))
_KNOWN = ("topic", "geographic", "temporal", "genre", "hierarchicalGeographic", "name", "titleInfo", "occupation")


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | Refusal]:
    """Every record of a file, in order. A Refusal at position 0 is about the file itself."""
    kinds = (profile or {}).get("kinds")

    def record(element: Element, position: int) -> Record | Refusal:
        return from_element(element, position, kinds)

    return each_once(read_elements(stream, _is_record, record, _name))


def from_element(mods: Element, position: int, kinds: Mapping[str, str] | None = None) -> Record | Refusal:
    """The record of one <mods>."""
    rules = table("mods")
    kind, type_ = _kind(mods, rules, kinds)
    in_book = fold(type_) in rules.in_book or any(_is_book(e) for e in mods if e.get("type") == "host")
    g = Gathered(rules, rules.meanings(kind, in_book))
    for element in mods:
        name = local_name(element.tag)
        if name in _READ:
            _READ[name](g, element)
        elif name in ("genre", "typeOfResource") and rules.kind_of(said := line(text_of(element))) in (kind, "other"):
            if said == type_ or name == "typeOfResource":
                continue
            _plain(g, element, name)
        elif name:
            _plain(g, element, name)
    number = next((line(text_of(e)) for e in mods.iterfind("{*}recordInfo/{*}recordIdentifier")), "")
    citation = finish(g, rules, kind=kind, type=type_, number=number, in_book=in_book)
    return to_record(citation, position, b"" if citation.title else as_received(mods))


def _kind(mods: Element, rules: Table, kinds: Mapping[str, str] | None) -> tuple[str, str]:
    """The kind, by genre, then by the level that originInfo says, then by the type of resource."""
    genres = [line(text_of(e)) for e in children(mods, "genre")]
    host = any(e.get("type") == "host" and next(children(e, "part"), None) is not None for e in mods)
    for genre in genres:
        if (kind := rules.kind_of(genre, kinds)) and kind != "other" and (host or fold(genre) not in rules.in_book):
            return kind, genre
    if any(text_of(e).strip() in ("continuing", "serial") for e in mods.iterfind("{*}originInfo/{*}issuance")):
        return "serial", "periodical"
    resources = [line(text_of(e)) for e in children(mods, "typeOfResource")]
    for resource in resources:
        if (kind := rules.kind_of(resource, kinds)) and kind != "other":
            return kind, resource
    if host:
        return "article", "article"
    if fold(" ".join(resources)) == "text" and any(
        text_of(e).strip() == "monographic" for e in mods.iterfind("{*}originInfo/{*}issuance")
    ):
        return "book", "book"
    return "other", next(iter(genres), "") or next(iter(resources), "")


def _is_book(host: Element) -> bool:
    """Whether what an article stands in is a book: it says so, or has an ISBN and no number of its own."""
    said = {text_of(e).strip() for e in (*host.iterfind("{*}originInfo/{*}issuance"), *children(host, "genre"))}
    return bool(said & {"monographic", "book"}) or any(e.get("type") == "isbn" for e in children(host, "identifier"))


def _plain(g: Gathered, element: Element, name: str) -> None:
    if not any(local_name(child.tag) for child in element):
        words = element.get("displayLabel") or element.get("type") or ""
        label = "" if name != "note" or words in ("", "statement of responsibility") else line(words)
        g.put(name, text_of(element), f"note {label}" if label else None)
        return
    for path, leaf in leaves(element, name):
        g.put(path, text_of(leaf))


def _titles(g: Gathered, element: Element) -> None:
    said = {local_name(child.tag): line(text_of(child)) for child in element}
    title = f"{said.get('nonSort', '')} {said.get('title', '')}".strip().replace("’ ", "’").replace("' ", "'")
    rest = [said.get(name, "") for name in ("subTitle", "partNumber", "partName")]
    if any(rest):
        title = title.rstrip(" :/;,")
    if (element.get("type") or "") or g.says("title"):
        whole = ". ".join(part for part in (title, *rest) if part)
        g.put("titleInfo", whole, f"other_title {_TITLES.get(element.get('type') or '', '517')}")
        return
    for word, value in zip(("title", "subtitle", "part", "part_title"), (title, *rest), strict=True):
        g.put(f"titleInfo/{word}", value, word)


def _names(g: Gathered, element: Element) -> None:
    if (name := _read_name(element)) is not None:
        g.put("name", name)
    for path, leaf in leaves(element, "name"):
        if path not in ("name/namePart", "name/role/roleTerm", "name/displayForm") and leaf.get("type") != "orcid":
            g.put(path, text_of(leaf), "kept")


def _read_name(element: Element) -> Name | None:
    parts: dict[str, list[str]] = {}
    for part in children(element, "namePart"):
        parts.setdefault(part.get("type") or "", []).append(line(text_of(part)).strip(" ,"))
    roles = [fold(text_of(e)) for e in element.iterfind("{*}role/{*}roleTerm")]
    known = [ROLES[role] for role in roles if role in ROLES]
    role = known[0] if known else "" if roles else "070"
    whole = " ".join(parts.get("", ()))
    dates, addition = ", ".join(parts.get("date", ())), ", ".join(parts.get("termsOfAddress", ()))
    type_ = element.get("type") or ("corporate" if is_body(whole) else "personal")
    identifier = next((line(text_of(e)) for e in children(element, "nameIdentifier") if e.get("type") == "orcid"), "")
    if type_ in ("corporate", "conference"):
        body = "meeting" if type_ == "conference" else "body"
        whole = ". ".join(parts.get("", ()))
        return Name(whole, role=role, type=body, main=role != "", dates=dates) if whole else None
    family = " ".join(parts.get("family", ()))
    given = " ".join(parts.get("given", ()))
    if not family:
        if not whole and not given:
            return None
        name = read_name(whole or given, role or "070")
        dates = dates or name.dates
        family, given, addition = name.name, given or name.given, addition or name.addition
    return Name(family, given, role, main=role != "", dates=dates, addition=addition, identifier=identifier)


def _whole(name: Name) -> str:
    return ", ".join(part for part in (name.name, name.given, name.addition, name.dates) if part)


def _origin(g: Gathered, element: Element) -> None:
    places = [e for e in element.iterfind("{*}place/{*}placeTerm")]
    for place in places:
        code = place.get("type") == "code"
        g.put("originInfo/place", text_of(place), "kept" if code else "place")
    for name in _DATES:
        if text := _date([e for e in element if local_name(e.tag) == name]):
            g.put(
                f"originInfo/{name}",
                text,
                "note Date de création" if name == "dateCreated" and g.says("date") else "date",
            )
    for path, leaf in leaves(element, "originInfo"):
        if path.rpartition("/")[2] not in (*_DATES, "placeTerm"):
            g.put(path, text_of(leaf))


def _date(elements: list[Element]) -> str:
    """The date a person reads; else the coded one, or « 1958-1962 » from its two ends."""
    plain = [date_text(text_of(e)) for e in elements if not e.get("encoding") and not e.get("point")]
    if plain:
        return plain[0]
    ends = {e.get("point") or "": date_text(text_of(e)) for e in elements if "9999" not in text_of(e)}
    if "start" in ends:
        return f"{ends['start']}-{ends.get('end', '')}"
    return next(iter(ends.values()), "")


def _languages(g: Gathered, element: Element) -> None:
    if element.get("objectPart"):
        return g.put("language", text_of(element), f"note Langue ({line(element.get('objectPart') or '')})")
    terms = list(children(element, "languageTerm"))
    coded = [e for e in terms if e.get("type") == "code"] or terms or [element]
    for term in coded:
        g.put("language", text_of(term), "language")
    return None


def _subjects(g: Gathered, element: Element) -> None:
    """One heading: its first part is what it is about, the others its subdivisions."""
    scheme = line(element.get("authority") or "")
    parts = [e for e in element if local_name(e.tag) in _KNOWN]
    for other in (e for e in element if local_name(e.tag) not in (*_KNOWN, "")):
        g.put(f"subject/{local_name(other.tag)}", text_of(other), "kept")
    if not parts:
        return
    words = [_subject_words(e) for e in parts]
    first = local_name(parts[0].tag)
    if not scheme:
        for word in words:
            g.put("subject", word.replace(";", ","), "keyword")
        return
    name = _read_name(parts[0]) if first == "name" else None
    if name is not None:
        tag = "600" if name.type == "person" else "601"
        head = [("a", name.name), ("b", name.given), ("f", name.dates)]
    else:
        tag = {"geographic": "607", "hierarchicalGeographic": "607", "titleInfo": "605"}.get(first, "606")
        head = [("a", words[0])]
    rest = [(_SUBJECT_CODES.get(local_name(e.tag), "x"), word) for e, word in zip(parts[1:], words[1:], strict=True)]
    g.subjects.append(Subject(tuple((code, word) for code, word in [*head, *rest] if word), scheme, tag))


def _subject_words(element: Element) -> str:
    if local_name(element.tag) == "name":
        name = _read_name(element)
        return _whole(name) if name else ""
    texts = [line(text_of(e)) for e in element if local_name(e.tag)] or [line(text_of(element))]
    return " -- ".join(text for text in texts if text)


def _identifiers(g: Gathered, element: Element) -> None:
    said = fold(element.get("type") or "").replace(" ", "-")
    value = line(text_of(element))
    if element.get("invalid") == "yes":
        g.put("identifier", value, f"note Identifiant non valide ({said})")
        return
    scheme = _SCHEMES.get(said, said)
    if not scheme and not re.match(r"https?://|10\.\d|\d{4}-\d{3}", value):
        g.put("identifier", value, "kept")
        return
    g.put("identifier", value, f"id {scheme}".strip())


def _classes(g: Gathered, element: Element) -> None:
    g.put("classification", text_of(element), f"class {fold(element.get('authority') or '') or 'mods'}")


def _related(g: Gathered, element: Element) -> None:
    kind = element.get("type") or ""
    title = " : ".join(line(text_of(e)) for e in element.iterfind("{*}titleInfo/*") if local_name(e.tag))
    if kind not in ("host", "series"):
        label = {"constituent": "Contient", "original": "Original", "preceding": "Suite de", "succeeding": "Devient"}
        names = [_whole(name) for name in map(_read_name, children(element, "name")) if name is not None]
        others = [
            line(text_of(leaf))
            for path, leaf in leaves(element)
            if not path.startswith(("titleInfo/", "name/", "recordInfo/"))
        ]
        text = " / ".join(part for part in (title, " ; ".join(names), " ; ".join(filter(None, others))) if part)
        g.put("relatedItem", text, f"note {label.get(kind, 'Voir aussi')}")
        return
    g.put(f"relatedItem/{kind}", title, kind)
    for child in element:
        name = local_name(child.tag)
        if name == "part":
            _part(g, child)
        elif name == "identifier" and kind == "host":
            _identifiers(g, child)
        elif name == "originInfo":
            for inner in child:
                said = local_name(inner.tag)
                text = _date([inner]) if said in _DATES else text_of(inner)
                word = {"publisher": "publisher", "edition": "edition", "place": "place"}.get(said, "kept")
                g.put(f"relatedItem/{said}", text, "date" if said in _DATES else word)
        elif name == "name":
            if (editor := _read_name(child)) is not None:
                g.put("relatedItem/name", editor)
        elif name not in ("titleInfo", ""):
            for path, leaf in leaves(child, f"relatedItem/{name}"):
                g.put(path, text_of(leaf), "kept")
            if not any(local_name(inner.tag) for inner in child):
                g.put(f"relatedItem/{name}", text_of(child), "kept")


def _part(g: Gathered, element: Element) -> None:
    for child in element:
        name = local_name(child.tag)
        if name == "detail":
            said_as = [line(text_of(e)) for name in ("number", "caption") for e in children(child, name)]
            number = next((text for text in said_as if text), "")
            for other in (text for text in said_as if text != number and fold(text) not in _CAPTIONS):
                g.put("part/caption", other, "note Partie")
            title = next((line(text_of(e)) for e in children(child, "title")), "")
            said = child.get("type") or ""
            word = {"volume": "volume", "issue": "issue", "number": "issue", "part": "issue"}.get(said, "note Partie")
            g.put(f"part/{said}", number, word)
            g.put("part/title", title, "issue_title")
        elif name == "extent":
            for inner in child:
                said = local_name(inner.tag)
                words = {"start": "start_page", "end": "end_page", "list": "pages", "total": "note Nombre de pages"}
                g.put(f"part/extent/{said}", text_of(inner), words.get(said))
        elif name == "date":
            g.put("part/date", text_of(child), "date")
        elif name:
            g.put(f"part/{name}", text_of(child), "note")


def _is_record(element: Element) -> bool:
    return local_name(element.tag) == "mods"


def _name(element: Element) -> str:
    found = next((e for e in element.iter() if local_name(e.tag) in ("recordIdentifier", "title")), None)
    return line(text_of(found))[:80] if found is not None else ""


_READ = {
    "titleInfo": _titles,
    "name": _names,
    "originInfo": _origin,
    "language": _languages,
    "subject": _subjects,
    "identifier": _identifiers,
    "classification": _classes,
    "relatedItem": _related,
    "part": _part,
}
