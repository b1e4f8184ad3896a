"""A notice as a CSL item: its kind, title, names, date and numbers in the words of citation programs. Pure.

`csl.toml` is the table a librarian can read. What an item says is what a reference needs, no more: the notice itself
goes out in UNIMARC (`export.iso2709`). Source: CSL 1.0.2, https://docs.citationstyles.org/, and its JSON schema.

Texts are on one line, without the signs that would make another program stumble (controls, marks that turn the
direction of what follows, half surrogates), and no longer than LONGEST: a record from elsewhere may be hostile.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalogue import dates, unimarc
from catalogue.i18n import ISO_639, _
from catalogue.identifiers import find_isbn, format_isbn
from catalogue.reading import ROLES
from catalogue.text import fold
from catalogue.unimarc import KINDS, Fields, Responsibility, subfields
from export.records import Outgoing

LONGEST = 20_000  # signs of one text in a file of references
CUT = " […]"
USUAL_LANGUAGE = "fr"  # of a title whose record does not say: styles must not capitalise it as English

Item = dict[str, Any]  # as CSL's JSON schema has it

_TABLE = tomllib.loads((Path(__file__).parent / "csl.toml").read_text("utf-8"))
KIND_ROWS: Mapping[str, Mapping[str, Any]] = _TABLE["kinds"]
_ROLES: Mapping[str, str] = _TABLE["roles"]
_THESIS: Mapping[str, Any] = _TABLE["thesis"]
_UNKNOWN = frozenset(_TABLE["unknown"]["words"])

# Controls, what XML forbids, private signs, and marks that turn the writing direction of all that follows them.
_NOT_TEXT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\uf8ff\ufff0-\uffff]"
)
_VOLUME_AND_ISSUE = re.compile(
    r"(?:vol(?:ume|\.)?|tome|t\.)\s*(?P<volume>[^,;]{1,40}?)\s*"
    r"(?:[,;]\s*(?:n\s?[°ºo]\.?|num[ée]ro)?\s*(?P<issue>.{1,80}))?",
    re.I,
)
_NUMBER = re.compile(r"(?:n\s?[°º]|n[o.]|num[ée]ro)\s*(?=\d)", re.I)
_PAGES_WORD = re.compile(r"\s*pp?\s?(?:\.|ages?\b)?\s*(?=[\dA-Z])")
_HOW_MANY = re.compile(r"(\d{1,5})\s*(?:p(?:ages?|\.)?|f(?:euillets?|\.)?)(?![a-z])")
_NUMBERS = {"isbn": "ISBN", "issn": "ISSN", "doi": "DOI"}
_HOSTS = ("host_serial", "host_issue", "series")  # of an article; the last is what a bare link to its set is taken for
_DEGREES = [[word] for word in _THESIS["notes"]]
_LONGEST_DEGREE = 60  # signs: more is a sentence
_SEASONS = {"21": 1, "22": 2, "23": 3, "24": 4}


@dataclass(frozen=True, slots=True)
class Cited:
    """A notice as a reference: the CSL item, and what files of references say besides."""

    address: str
    kind: str
    item: Item
    others: tuple[str, ...]  # « Préface : Dupont, Anne »: parts played that references leave out
    keywords: tuple[str, ...]
    themes: tuple[str, ...]  # those of the keywords that a thesaurus gives
    summary: tuple[str, ...]  # a paragraph each
    urls: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...]  # every ISBN, ISSN and DOI of the document: (variable, number)
    date: str  # as the document gives it
    permalink: str

    @property
    def in_book(self) -> bool:
        return bool(self.item["type"] == "chapter")

    @property
    def year(self) -> int | None:
        parts = self.item.get("issued", {}).get("date-parts")
        return parts[0][0] if parts else None


def cited(notice: Outgoing, base_url: str = "") -> Cited:
    fields = notice.fields
    kind = notice.kind if notice.kind in KINDS else "other"
    responsible = unimarc.responsibilities(fields)
    universities = [r for r in responsible if kind == "thesis" and r.role == _THESIS["granted_by"]]
    names, others = _names(r for r in responsible if r not in universities)
    host = _host(fields) if KINDS[kind].level == "article" else {}
    serial = unimarc.host_serial(fields) is not None or "ISSN" in host
    in_book = kind == "article" and "container-title" in host and not serial
    keywords: dict[str, tuple[str, bool]] = {}  # each once: a concept may be written in two ways
    for subject in unimarc.subjects(fields):
        if word := text(notice.labels.get(subject.label, subject.label)):
            keywords.setdefault(fold(word) or word, (word, subject.scheme != "free"))
    urls = tuple(dict.fromkeys(url for said, _words in unimarc.online(fields) if (url := _address(said))))
    item: Item = {
        "id": notice.address,
        "type": _type(kind, host, in_book),
        "title": text(unimarc.full_title(fields) or notice.title) or _("[sans titre]"),
        **names,
        **host,
        **_said(fields, _TABLE["fields"]),
        **(_defended(fields, universities) if kind == "thesis" else {}),
        **_extent(fields, kind),
        "language": ISO_639.get(unimarc.language(fields), USUAL_LANGUAGE),
    }
    if said := KIND_ROWS[kind].get("said"):
        item["genre"] = said
    numbers = _numbers(fields, kind, in_book, host)
    for name, value in numbers:
        item.setdefault(name, value)
    if issued := _issued(fields):
        item["issued"] = issued
    if urls:
        item["URL"] = urls[0]
    return Cited(
        address=notice.address,
        kind=kind,
        item={name: value for name, value in item.items() if value},
        others=tuple(others),
        keywords=tuple(word for word, _theme in keywords.values()),
        themes=tuple(word for word, theme in keywords.values() if theme),
        summary=tuple(t for line in unimarc.texts(fields).abstract.split("\n") if (t := text(line))),
        urls=urls,
        numbers=numbers,
        date=text(unimarc.date_text(fields)),
        permalink=f"{base_url.rstrip('/')}/d/{notice.address}",
    )


def text(value: str, longest: int = LONGEST) -> str:
    """One line that any program can take, cut where it passes all measure."""
    return line(unimarc.clean(value[: 4 * longest]), longest)


def line(value: str, longest: int = LONGEST) -> str:
    """The same of what somebody has typed, where « <i> » is no markup."""
    plain = " ".join(_NOT_TEXT.sub(" ", value).split())
    return plain if len(plain) <= longest else plain[: longest - len(CUT)].rstrip() + CUT


# --- kind, names, host -----------------------------------------------------------------------


def _type(kind: str, host: Item, in_book: bool) -> str:
    row = KIND_ROWS[kind]
    if in_book:
        return str(row["in_book"])
    return str(row.get("numbered", row["csl"]) if host.get("issue") else row["csl"])


def _names(said: Iterable[Responsibility]) -> tuple[Item, list[str]]:
    """The names by CSL variable, each once a variable, and those that a reference leaves out, with their part."""
    names: dict[str, list[dict[str, str]]] = {}
    others: list[str] = []
    for responsibility in said:
        variable = _ROLES.get(responsibility.role, "" if responsibility.role or responsibility.rank > 1 else "author")
        name = _name(responsibility)
        if variable and name:
            if name not in names.setdefault(variable, []):
                names[variable].append(name)
        elif whole := text(responsibility.name):
            part = _(ROLES.get(responsibility.role, "")) or _("Avec")
            others.append(_("{part} : {name}").format(part=part[:1].upper() + part[1:], name=whole))
    return dict(names), list(dict.fromkeys(others))


def _name(responsibility: Responsibility) -> dict[str, str]:
    """A body is one text, never turned round; a person has a surname and, most of the time, a given name."""
    whole = text(responsibility.name, 300)
    if responsibility.body:
        return {"literal": whole} if whole else {}
    family, comma, given = whole.partition(",")
    if not comma or not given.strip():
        return {"family": family.strip()} if family.strip() else {}
    return {"family": family.strip(), "given": given.strip()} if family.strip() else {"family": given.strip()}


def _host(fields: Fields) -> Item:
    """The journal and the issue of an article, or the book of a chapter."""
    found = {relation: [link for link in unimarc.links(fields) if link.relation == relation] for relation in _HOSTS}
    numbers = (text(link.volume, 200) for relation in ("host_issue", "host_serial") for link in found[relation])
    titles = (text(link.title) for relation in _HOSTS for link in found[relation])
    out: Item = {}
    if title := next(filter(None, titles), ""):
        out["container-title"] = title
    if number := next(filter(None, numbers), ""):
        both = _VOLUME_AND_ISSUE.fullmatch(number)
        if both is None:
            out["issue"] = _NUMBER.sub("", number, count=1)
        else:
            out["volume"] = both["volume"]
            if both["issue"]:
                out["issue"] = both["issue"]
    if issn := next((link.issn for relation in _HOSTS[:2] for link in found[relation] if link.issn), ""):
        out["ISSN"] = issn
    return out


# --- what is said in one place ---------------------------------------------------------------


def _said(fields: Fields, places: Mapping[str, Sequence[str]]) -> Item:
    found = ((name, _first(fields, where)) for name, where in places.items())
    return {name: value for name, value in found if value}


def _first(fields: Fields, places: Sequence[str]) -> str:
    for place in places:
        for value in unimarc.values(fields, place[:3], place[3]):
            plain = text(value, 1000).strip(" ,;:/")
            if plain.count("[") != plain.count("]"):
                plain = plain.strip("[]")
            if plain and fold(plain).replace(" ", "") not in _UNKNOWN and fold(plain) not in _UNKNOWN:
                return plain
    return ""


def _defended(fields: Fields, universities: Iterable[Responsibility]) -> Item:
    """What was defended and where: « Thèse de doctorat : géographie », « Université du Canal »."""
    degree, discipline, where = (_first(fields, _THESIS[part]) for part in ("degree", "discipline", "university"))
    noted = next(filter(None, (_noted(fields, place) for place in _THESIS["whole"])), [])
    said = [degree, discipline] if degree else noted[:2]
    where = where or next((part for part in noted[2:3] if not part[:4].isdigit()), "")
    where = where or " ; ".join(text(university.name, 300) for university in universities)
    told = {"genre": " : ".join(filter(None, said)), "publisher": where}
    return {name: value for name, value in told.items() if value}


def _noted(fields: Fields, place: str) -> list[str]:
    """The parts of a note that says of what degree a thesis is: « Thèse de doctorat : géographie »."""
    for value in unimarc.values(fields, place[:3], place[3]):
        parts = [part.strip(" .,;") for part in re.split(r"\s*:\s+", text(value, 1000))]
        if len(parts[0]) <= _LONGEST_DEGREE and fold(parts[0]).split()[:1] in _DEGREES:
            return parts
    return []


def _extent(fields: Fields, kind: str) -> Item:
    """« p. 22-24 » are the pages of an article; « 1 vol. (166 p.) » is how many a book has."""
    whole = next((text(v, 200) for f in unimarc.each(fields, "215") for v in subfields(f, "a")), "")
    if KINDS[kind].level == "article":
        pages = _PAGES_WORD.sub("", whole, count=1)
        is_range = (pages != whole or "-" in pages or pages.isdigit()) and not _HOW_MANY.fullmatch(whole)
        return {"page": re.sub(r"\s*[-–—]\s*", "-", pages).rstrip(" .;,")} if is_range else {}
    found = _HOW_MANY.search(whole)
    return {"number-of-pages": found[1]} if found else {}


def _numbers(fields: Fields, kind: str, in_book: bool, host: Item) -> tuple[tuple[str, str], ...]:
    """The document's own; of an article, those of what it appeared in."""
    found = [(_NUMBERS[scheme], value) for scheme, value in unimarc.identifiers(fields) if scheme in _NUMBERS]
    if KINDS[kind].level == "article":
        found = [pair for pair in found if pair[0] != "ISBN"]
        if host.get("ISSN"):
            found = [("ISSN", host["ISSN"]), *(pair for pair in found if pair[0] != "ISSN")]
        if in_book and (isbn := find_isbn(_first(fields, _TABLE["host"]["ISBN"]))):
            found.append(("ISBN", isbn))
    written = ((name, format_isbn(value) if name == "ISBN" else value) for name, value in found)
    return tuple(dict.fromkeys(written))


def _address(url: str) -> str:
    """An address that can be written in a line and followed: http or https, without blanks or controls."""
    url = _NOT_TEXT.sub("", url.strip())
    return url if len(url) <= 2000 and not re.search(r"[\s<>\"{}|\\^`]", url) else ""


# --- dates -----------------------------------------------------------------------------------


def _issued(fields: Fields) -> Item:
    """The date as CSL has it: parts that sort, or words; nothing when the document gives none (« [s.d.] »).

    A date that is not sure keeps its year and says « circa »; what only words can say (« [197-?] ») is in words.
    """
    return issued(unimarc.date_edtf(fields))


@lru_cache(maxsize=10_000)
def issued(edtf: str) -> Item:
    """
    >>> issued("2024-03-18"), issued("1975~"), issued("2012/2013")
    ({'date-parts': [[2024, 3, 18]]}, {'date-parts': [[1975]], 'circa': 1}, {'date-parts': [[2012], [2013]]})
    """
    if found := re.fullmatch(r"(\d{4})-(2[1-4])", edtf):
        return {"date-parts": [[int(found[1])]], "season": _SEASONS[found[2]]}
    if found := re.fullmatch(r"(\d{4})-(?:3[3-6]|4[01])", edtf):
        return {"date-parts": [[int(found[1])]]}
    if found := re.fullmatch(r"(\d{4}(?:-\d\d){0,2})([~?%]?)", edtf):
        date: Item = {"date-parts": [_parts(found[1])]}
        return {**date, "circa": 1} if found[2] else date
    if found := re.fullmatch(r"(\d{4}(?:-\d\d){0,2})/(\d{4}(?:-\d\d){0,2})", edtf):
        return {"date-parts": [_parts(found[1]), _parts(found[2])]}
    if found := re.fullmatch(r"(\d{4})[~?%]?/\.\.", edtf):
        return {"literal": f"{found[1]}-"}
    if found := re.fullmatch(r"(\d{4}/(?=\d{2,3}X)|(?=\d\dXX))(\d{2,3})(X{1,2})", edtf):
        first, known, unknown = found.groups()  # « 1986-[199.] », « [18..] », as on a title page
        return {"literal": f"{first.replace('/', '-')}[{known}{'.' * len(unknown)}]"}
    if found := re.fullmatch(r"\{([\d,]+)\}", edtf):
        return {"literal": found[1].replace(",", ", ")}
    words = dates.in_words(edtf)
    return {"literal": f"[{words}]"} if words else {}


def _parts(day: str) -> list[int]:
    return [int(part) for part in day.split("-")]
