"""A reference as citation managers and open archives describe it, and the UNIMARC fields it becomes. Pure.

Dublin Core, MODS, RIS, BibTeX, CSL-JSON and EndNote XML say the same things with other names: each reader
makes a `Citation` (through its table, `harvest.crosswalk.gather`) and `to_fields` writes it as our desk's form
would (`catalogue/fields.toml`), so that an imported reference and a notice typed by hand are made alike:

- an article names its journal in 461 $t $x, marked `$9 lnk:perio`, and the issue it appeared in in 463: $v its
  number (« vol. 12, n° 3 »), $e its date as written, $d the same when it is a whole date. Its pages are in 215;
- a chapter or a paper in a book names the book in 463 $t $y: there is no journal;
- the title, the publisher and the date of everything else are in 200 and 210, its collection in 225;
- what the table of a format names as worth reading becomes a note 300 « Consulté le : 2012-07-27 »; so does what
  the table does not know, under its own tag. What only a program could use (paths of files, time stamps) is kept
  in 990 $n tag $a value $2 format, which no public page shows;
- the type in the format's own words stays in 099 $t when several of them mean one kind of document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from catalogue import unimarc
from catalogue.form import MAIN_ROLES
from catalogue.identifiers import find_doi
from catalogue.problems import Problem, Refusal
from catalogue.text import fold, plain_text
from catalogue.unimarc import KINDS, Field, Fields, Record

MAX_ENTRY_BYTES = 1_000_000  # one reference, in the formats written as text
MAX_FIELDS = 10_000
KEPT = 1 << 16  # of the bytes of a larger one, which is refused; others are kept whole

Pairs = list[list[str]]


@dataclass(frozen=True, slots=True)
class Name:
    """A person, a body or a meeting, and what they did."""

    name: str  # the surname, or the whole name
    given: str = ""
    role: str = ""  # UNIMARC $4; "" when the source does not say
    type: str = "person"  # person | body | meeting
    main: bool = True  # whether the source counts them among the authors
    dates: str = ""
    addition: str = ""  # « Jr. », « roi de France »
    identifier: str = ""  # an ORCID


@dataclass(frozen=True, slots=True)
class Host:
    """What the document appeared in."""

    title: str = ""
    issn: tuple[str, ...] = ()
    isbn: tuple[str, ...] = ()
    volume: str = ""
    issue: str = ""
    issue_title: str = ""
    is_book: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A term of somebody's list of subjects: (code, words) as in 606, e.g. (("a", "Logement"), ("y", "Lille"))."""

    parts: tuple[tuple[str, str], ...]
    scheme: str = ""
    tag: str = "606"


@dataclass(frozen=True, slots=True)
class Citation:
    """One reference. `format` and `type` are the source's own words, `kind` ours (kinds.toml)."""

    kind: str = "other"
    format: str = ""
    type: str = ""
    number: str = ""
    title: str = ""
    subtitle: str = ""
    part: str = ""
    part_title: str = ""
    other_titles: tuple[tuple[str, str], ...] = ()  # (tag, title): 517 variant, 541 translated, 454 original, …
    names: tuple[Name, ...] = ()
    host: Host = Host()
    series: str = ""
    series_number: str = ""
    edition: str = ""
    place: str = ""
    publisher: str = ""
    date: str = ""
    pages: str = ""  # those of a whole document, or those an article stands on
    size: str = ""
    degree: str = ""
    institution: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()  # (isbn | issn | doi | pmid | any other scheme, as written)
    languages: tuple[str, ...] = ()  # ISO 639-2
    abstracts: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()
    classes: tuple[tuple[str, str], ...] = ()  # (scheme, number)
    urls: tuple[tuple[str, str], ...] = ()  # (address, words)
    thumbnail: str = ""
    call_number: str = ""
    extra: tuple[tuple[str, str], ...] = ()  # (label, value): a note each
    kept: tuple[tuple[str, str], ...] = ()  # (tag, value): for programs only
    repairs: tuple[Problem, ...] = field(default=())


# --- text ------------------------------------------------------------------------------------

# Ends of paragraphs, in HTML and in JATS (abstracts of Crossref).
_BREAK = re.compile(r"</?(?:jats:)?(?:p|br|div|li|sec|title|h\d)\b[^<>]*>", re.I)
_ENDS = ".!?:;…»”\"')]"
_NEVER = re.compile("[\ufffe\uffff\ufeff]")


def line(value: str) -> str:
    """One line of plain text in NFC: markup, control characters and runs of blanks taken out."""
    text = plain_text(value)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _NEVER.sub("", text)).strip()
    return text


def lines(value: str) -> str:
    """The same, a paragraph a line: a line that ends in the middle of a sentence was cut by a program."""
    out: list[str] = []
    for part in _BREAK.sub("\n\n", value).splitlines():
        text = line(part)
        if text and out and out[-1] and out[-1][-1] not in _ENDS:
            out[-1] += " " + text
        else:
            out.append(text)
    return "\n".join(text for text in out if text)


_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T ]\d\d:.*)?")
_WHOLE = re.compile(r"\d{4}-\d\d-\d\d")


def date_text(value: str) -> str:
    """A date as written; the ways in which only programs write one become one: 2005/7/15 is 2005-07-15."""
    text = line(value)
    if (found := _ISO.fullmatch(text)) and int(found[2]) <= 12 and int(found[3] or 0) <= 31:
        year, *rest = (int(part or 0) for part in found.groups())
        return "-".join([f"{year:04}", *(f"{part:02}" for part in rest[: 2 if all(rest) else 1] if part)])
    return text


# --- fields ----------------------------------------------------------------------------------


def to_record(citation: Citation, position: int, raw: bytes = b"") -> Record | Refusal:
    """The record of a reference. One that has no title of its own goes in under the title it does give, told."""
    citation = _with_title(citation)
    fields = to_fields(citation)
    if len(fields) > MAX_FIELDS:
        params = {"position": str(position), "limit": str(MAX_FIELDS)}
        name = citation.number or citation.title
        return Refusal(position, name[:80], "citation.too_many_fields", params, raw)
    return Record(
        fields,
        position=position,
        control_number=citation.number or None,
        repairs=citation.repairs,
        raw=raw,
    )


def _with_title(c: Citation) -> Citation:
    if c.title:
        return c
    told = (*c.repairs, Problem("200", "a", "citation.title_borrowed"))
    if c.other_titles:
        return replace(c, title=c.other_titles[0][1], other_titles=c.other_titles[1:], repairs=told)
    if c.host.title:
        return replace(c, title=c.host.title, host=replace(c.host, title=""), repairs=told)
    if c.series:
        extra = (*c.extra, ("Numéro", c.series_number)) if c.series_number else c.extra
        return replace(c, title=c.series, series="", series_number="", extra=extra, repairs=told)
    return c


def to_fields(c: Citation) -> Fields:
    """UNIMARC as our desk writes it, in the order of the tags."""
    fields: Fields = []
    if c.number:
        fields.append({"t": "001", "v": c.number})
    fields += _identifiers(c)
    if c.type:
        fields.append(_field("099", "  ", [["t", c.type], ["2", c.format]]))
    if c.languages:
        fields.append(_field("101", "0 ", [["a", code] for code in c.languages]))
    fields += _description(c)
    fields += _notes(c)
    fields += _hosts(c)
    fields += [_field(tag, "  " if tag == "454" else "1 ", [["a", title]]) for tag, title in c.other_titles]
    fields += _about(c)
    fields += _names(c.names)
    fields += [_field("856", "4 ", [["u", url], ["z", words]]) for url, words in c.urls]
    fields.append(_field("896", "  ", [["a", c.thumbnail]]))
    fields += [_field("990", "  ", [["n", tag], ["a", value], ["2", c.format]]) for tag, value in c.kept]
    filled = sorted((f for f in fields if f.get("v") or f.get("s")), key=_place)
    return unimarc.with_kind(filled, c.kind)


def _place(f: Field) -> str:
    """The order of the tags, but for people and bodies: theirs is the one the document gives."""
    return "7" if f["t"][:2] in ("70", "71") else f["t"]


def _field(tag: str, indicators: str, pairs: Iterable[list[str]]) -> Field:
    """A field with what is filled in; its marks (a scheme, the format) are no content of their own."""
    filled = [pair for pair in pairs if pair[1]]
    return {"t": tag, "i": indicators, "s": filled if any(code not in "29" for code, _ in filled) else []}


def _is_article(c: Citation) -> bool:
    return KINDS[c.kind].level == "article"


def _identifiers(c: Citation) -> Iterator[Field]:
    """010 and 011 are the document's own: those of what an article appeared in go with its host."""
    for scheme, value in c.identifiers:
        if scheme == "isbn":
            yield _field("010", "  ", [["a", value]])
        elif scheme == "issn":
            yield _field("011", "  ", [["a", value]])
        elif scheme == "ean":
            yield _field("073", "  ", [["a", value]])
        elif scheme == "doi":
            yield _field("014", "  ", [["a", find_doi(value) or value], ["b", "DOI"]])
        elif scheme == "pmid":
            yield _field("014", "  ", [["a", value], ["b", "PMID"]])
        else:
            yield _field("017", "7 ", [["a", value], ["2", scheme]])


def _description(c: Citation) -> Iterator[Field]:
    yield _field("200", "1 ", [["a", c.title], ["e", c.subtitle], ["h", c.part], ["i", c.part_title]])
    yield _field("205", "  ", [["a", c.edition]])
    date = "" if _is_article(c) else c.date
    yield _field("210", "  ", [["a", c.place], ["c", c.publisher], ["d", date]])
    yield _field("215", "  ", [["a", c.pages], ["d", c.size]])
    yield _field("225", "2 ", [["a", c.series], ["v", c.series_number]])


def _notes(c: Citation) -> Iterator[Field]:
    yield from (_field("300", "  ", [["a", note]]) for note in c.notes)
    yield from (_field("300", "  ", [["a", f"{label} : {value}"]]) for label, value in c.extra)
    if c.call_number:
        yield _field("300", "  ", [["a", f"Cote dans la source : {c.call_number}"]])
    yield from (_field("327", "1 ", [["a", text]]) for text in c.contents)
    yield _field("328", " 0", [["b", c.degree], ["e", c.institution]])
    yield from (_field("330", "  ", [["a", text]]) for text in c.abstracts)


def _hosts(c: Citation) -> Iterator[Field]:
    host, article = c.host, _is_article(c)
    serial = article and not host.is_book
    if serial:
        yield _field("461", "  ", [["t", host.title], *(["x", issn] for issn in host.issn), ["9", "lnk:perio"]])
    date = c.date if article else ""
    whole = date if _WHOLE.fullmatch(date) else ""
    yield _field(
        "463",
        "  ",
        [
            ["t", host.issue_title if serial else host.title],
            *(["y", isbn] for isbn in host.isbn),
            ["v", _issue_number(host)],
            ["d", whole],
            ["e", date],
        ],
    )


def _issue_number(host: Host) -> str:
    """« vol. 12, n° 3 », « n° » alone being understood: « 212 ».

    A volume that is more than a number (« 63-II », « Tome 3 ») is written as it is, and so is any issue.
    """
    volume = f"vol. {host.volume}" if host.volume[:1].isdigit() else host.volume
    if not volume or not host.issue:
        return volume or host.issue
    return f"{volume}, n° {host.issue}" if host.issue[:1].isdigit() else f"{volume}, {host.issue}"


def _about(c: Citation) -> Iterator[Field]:
    for subject in c.subjects:
        yield _field(subject.tag, " 1", [*([code, value] for code, value in subject.parts), ["2", subject.scheme]])
    yield from (_field("610", "0 ", [["a", word]]) for word in c.keywords)
    for scheme, number in c.classes:
        if scheme == "ddc":
            yield _field("676", "  ", [["a", number]])
        else:
            yield _field("686", "  ", [["a", number], ["2", scheme]])


def _names(names: Iterable[Name]) -> Iterator[Field]:
    """700 or 710 once for the main author, 701 and 711 for the next ones, 702 and 712 for other parts played."""
    first = True
    for name in names:
        main = name.main and name.role in MAIN_ROLES
        family = "70" if name.type == "person" else "71"
        tag = family + ("2" if not main else "0" if first else "1")
        first = first and not main
        indicators = {"person": " 1", "body": "02", "meeting": "12"}[name.type]
        pairs = [["a", name.name], ["b", name.given], ["c", name.addition], ["f", name.dates]]
        yield _field(tag, indicators, [*pairs, ["o", name.identifier], ["4", name.role]])


# --- a file ----------------------------------------------------------------------------------


def each_once(read: Iterable[Record | Refusal]) -> Iterator[Record | Refusal]:
    """The records of one file; a key that has served already tells nothing, and is kept beside instead.

    Keys are typed by people: two references may bear the same one. Both go in.
    """
    seen: set[str] = set()
    for record in read:
        if isinstance(record, Record) and (number := record.control_number):
            if number in seen:
                told = Problem("001", "", "citation.key_repeated", "warning", {"key": number[:80]})
                fields = [f for f in record.fields if f["t"] != "001"]
                kept = _field("990", "  ", [["n", "key"], ["a", number]])
                record = replace(record, fields=[*fields, kept], control_number=None, repairs=(*record.repairs, told))
            seen.add(number)
        yield record


def same(one: str, other: str) -> bool:
    """Whether two texts are one, however they are written."""
    return one == other or (fold(one) == fold(other) != "")
