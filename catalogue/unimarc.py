"""Named access to UNIMARC fields. Pure: lists of fields in, values out.

A notice is its fields (decision 1). They have the shape they are stored in:

    {"t": "000", "v": "     nam0 22     3  450 "}                     the leader, always first
    {"t": "001", "v": "4711"}                                          a control field
    {"t": "200", "i": "1 ", "s": [["a", "Titre"], ["e", "complément"]]}   a data field

and may carry "x" (the `id` of a PMB link), "o" (who says so) and "r" (the revision that put it there);
the last two never enter a comparison, a fingerprint or an export. Tags appear here and in tables only:
elsewhere one asks for a title.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import orjson

from catalogue import dates
from catalogue.i18n import _
from catalogue.identifiers import find_doi, find_ean, find_isbn, find_issn
from catalogue.problems import Problem, Refusal
from catalogue.text import fold, plain_text

__all__ = ["Problem", "Refusal"]


class Field(TypedDict):
    t: str
    v: NotRequired[str]
    i: NotRequired[str]
    s: NotRequired[list[list[str]]]
    x: NotRequired[str]
    o: NotRequired[list[Any]]
    r: NotRequired[int]


Fields = list[Field]

LEADER = "     nam0 22     3  450 "
LONGEST_TARGET = 60  # signs of the number of a link’s target: a longer one is a fault, and cannot be indexed


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One copy as a record describes it (995, 996 and 999), read through the source's item profile."""

    barcode: str = ""
    call_number: str = ""
    location: str = ""
    section: str = ""
    status: str = ""
    inventory_number: str = ""
    note: str = ""
    owner: str = ""
    fields: tuple[Field, ...] = ()
    issue_of: str = ""
    type: str = ""  # the source's own code: « LIV », « PRETDVD »
    # Why its source does not show it to the public: ("status", « Au pilon »)…; () shown, None when it does not say.
    hidden: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A record on its way: read from a file or a page, not yet a notice."""

    fields: Fields
    items: tuple[RecordItem, ...] = ()
    position: int = 0
    control_number: str | None = None
    repairs: tuple[Problem, ...] = field(default=())
    # As received, for a record that turns out not to be fit to go in; not part of what it says.
    raw: bytes = field(default=b"", compare=False, repr=False)
    # "candidate" for what its base does not show to the public: it may not come in published; "published" for what
    # it shows, "" when the source says nothing of it.
    status: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    code: str
    fr: str
    en: str
    level: str
    leader6: str
    form: str
    also: tuple[str, ...]
    ris: str
    csl: str
    zotero: str
    schema: str


@dataclass(frozen=True, slots=True)
class Responsibility:
    role: str  # UNIMARC $4, e.g. "070" author; "" when the record does not say
    name: str  # « Dupont, Anne », « Agence nationale de la rénovation urbaine »
    body: bool
    rank: int  # 0 main, 1 other, 2 secondary
    said: Field = field(default_factory=lambda: Field(t=""), compare=False, repr=False)  # the field that says so


@dataclass(frozen=True, slots=True)
class Subject:
    label: str
    scheme: str  # $2, or PMB's idthes, or "" ; "free" for keywords of 610
    node: str  # what its source calls it: `authority_number`
    language: str
    said: Field = field(default_factory=lambda: Field(t=""), compare=False, repr=False)  # the field that says so


@dataclass(frozen=True, slots=True)
class Link:
    """To another record: the relation, and how the record names its target."""

    relation: str  # "host_serial", "host_issue", "part", "issue", "series", "related"
    title: str
    issn: str
    volume: str
    date: str
    target: str  # the target's number in the source's own space, "" when only a title is known


@dataclass(frozen=True, slots=True)
class OnlineFile:
    """An address where the document stands, and what the record says of it."""

    url: str
    label: str = ""
    media_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of a record, for the index and for result pages."""

    title: str
    more_titles: str
    series: str
    host: str
    abstract: str
    contents: str
    notes: str


def _load_kinds() -> dict[str, Kind]:
    table = tomllib.loads((Path(__file__).parent / "kinds.toml").read_text("utf-8"))
    return {code: Kind(code=code, **{**row, "also": tuple(row["also"])}) for code, row in table.items()}


KINDS: Mapping[str, Kind] = _load_kinds()
_KIND_BY_WORD = {fold(word): k.code for k in KINDS.values() for word in (k.form, k.fr, k.en, k.code, *k.also)}
_KIND_BY_LEADER6 = {
    "g": "multimedia",
    "i": "multimedia",
    "j": "multimedia",
    "l": "web_page",
    "m": "multimedia",
}
_LEVELS = {"m": "monograph", "s": "serial", "a": "article", "c": "set", "i": "serial", "b": "issue"}


# --- reading ---------------------------------------------------------------------------------


def subfields(f: Field, codes: str = "") -> list[str]:
    """The values of the named subfields of one field, in the field's own order."""
    return [value for code, value in f.get("s", ()) if not codes or code in codes]


def first(f: Field, code: str) -> str:
    for c, value in f.get("s", ()):
        if c == code:
            return value
    return ""


def each(fields: Iterable[Field], *tags: str) -> Iterator[Field]:
    return (f for f in fields if f["t"] in tags)


def values(fields: Iterable[Field], tag: str, codes: str) -> list[str]:
    return [v for f in fields if f["t"] == tag for c, v in f.get("s", ()) if c in codes and v.strip()]


def control(fields: Iterable[Field], tag: str) -> str:
    for f in fields:
        if f["t"] == tag:
            return f.get("v", "")
    return ""


def typed(f: Field, key: str) -> str:
    """PMB's `$9 key:value` strings: `typed(f, "lnk")` -> "perio"."""
    prefix = key + ":"
    for c, v in f.get("s", ()):
        if c == "9" and v.startswith(prefix):
            return v[len(prefix) :]
    return ""


def leader(fields: Iterable[Field]) -> str:
    return control(fields, "000") or LEADER


def title(fields: Iterable[Field]) -> str:
    """The title proper, without the signs that mark words not to be sorted."""
    fields = list(fields)
    proper = values(fields, "200", "a") or values(fields, "200", "i") or values(fields, "500", "a")
    return clean(proper[0]) if proper else ""


def full_title(fields: Iterable[Field]) -> str:
    """« Titre : complément. Partie » as a reader expects it, from 200 in the order of the record.

    An issue says its journal first, and its number as such: « Gazette des quartiers, n° 212 ».
    """
    fields = list(fields)
    own = _printed_title(fields) or title(fields)
    if level(fields) == "issue":
        serial = next(iter(values(fields, "530", "a") or values(fields, "461", "t")), "")
        if serial and fold(serial) not in fold(own):
            return f"{clean(serial)}, n° {own}" if own[:1].isdigit() else f"{clean(serial)}. {own}"
    return own


def _printed_title(fields: Fields) -> str:
    f = next(each(fields, "200"), None)
    out = ""
    if f is None:
        return out
    issue = level(fields) == "issue"
    for code, value in f.get("s", ()):
        value = clean(value)
        if not value:
            continue
        if not out:
            out = value if code in "aei" else ""
        elif code == "e":
            # A title that already ends with a sign of its own takes no colon behind it.
            out += (" " if out[-1] in "?!…:" else " : ") + value
        elif code == "d":
            out += " = " + value.lstrip("= ")
        elif code in "hi":
            if issue and code == "h" and value[0].isdigit():
                out += ", n° " + value
            elif fold(value) != fold(clean(first(f, "a"))):  # PMB repeats an issue's title
                out += ". " + value
        elif code in "ac":
            out += " ; " + value
    return out


def clean(value: str) -> str:
    """One line of text: non-sorting marks, markup and runs of blanks taken out."""
    return plain_text(value)


def years(fields: Iterable[Field]) -> tuple[int | None, int | None]:
    """First and last year of publication as understood; None where the record does not say.

    The text of 210/214 $d is what a person wrote, so it goes first; the coded dates of 100, then PMB's
    009, which it may have computed. Never a day, never a guess: « [19..] » gives nothing.
    """
    fields = list(fields)
    for understood in _dates(fields, ("214d", "210d", "219d", "100", "463d", "463e", "009a", "461d")):
        if understood.year is not None:
            return understood.year, understood.year_end
    return None, None


def date_text(fields: Iterable[Field]) -> str:
    """The date as the document gives it."""
    fields = list(fields)
    for tag, codes in (("463", "e"), ("214", "d"), ("210", "d"), ("219", "d")):
        for value in values(fields, tag, codes):
            return clean(value)
    year, _last = years(fields)
    return str(year) if year else ""


def date_edtf(fields: Iterable[Field]) -> str:
    """What that date says in EDTF, "" where nothing is understood: « [ca 1975] » is "1975~"."""
    fields = list(fields)
    said = (u.edtf for u in _dates(fields, ("463e", "214d", "210d", "219d", "100", "463d", "009a", "461d")))
    return next((edtf for edtf in said if edtf), "")


def issue_number(fields: Iterable[Field]) -> str:
    """What is printed on an issue: « 212 », « 12-13 »; "" where only its title says it."""
    return next((clean(v) for v in values(fields, "200", "h")), "")


def issue_edtf(fields: Iterable[Field]) -> str:
    """When an issue is of, in EDTF. Where it only says its year, the month that PMB keeps beside (210 $h), unless it is
    the first of January, which is what PMB writes where it knows nothing."""
    fields = list(fields)
    said = date_edtf(fields)
    exact = next(iter(values(fields, "210", "h")), "")
    if len(said) == 4 and exact.startswith(said) and not exact.endswith("-01-01"):
        return dates.computed(exact).edtf or said
    return said


def _dates(fields: Fields, places: Iterable[str]) -> Iterator[dates.Understood]:
    """What each of these places says of the date: a tag and a subfield, or 100 for its coded dates."""
    for place in places:
        tag, code = place[:3], place[3:]
        for value in values(fields, tag, code or "a"):
            if tag == "100":
                yield dates.coded(value)
            else:
                yield dates.computed(value) if tag == "009" else dates.understand(clean(value))


def language(fields: Iterable[Field]) -> str:
    """The ISO 639-2 code of the text, "" when the record does not say."""
    codes = languages(fields)
    return codes[0] if codes else ""


def languages(fields: Iterable[Field]) -> list[str]:
    return [v.strip().lower()[:3] for v in values(fields, "101", "a") if len(v.strip()) >= 2]


def level(fields: Iterable[Field]) -> str:
    """Bibliographic level, from leader 7-8: PMB writes its issues "s" with hierarchy 2."""
    mark = leader(fields)
    if mark[7:9] == "s2":
        return "issue"
    return _LEVELS.get(mark[7:8], "monograph")


def kind(fields: Iterable[Field]) -> str:
    """What people call the document: 608 first, then level, then the leader's type."""
    fields = list(fields)
    for f in each(fields, "608"):
        for value in subfields(f, "a"):
            if code := _KIND_BY_WORD.get(fold(value)):
                return code
    by_level = {"serial": "serial", "issue": "issue", "article": "article"}.get(level(fields))
    return by_level or _KIND_BY_LEADER6.get(leader(fields)[6:7], "book")


def with_kind(fields: Fields, code: str) -> Fields:
    """The same fields, saying that the document is of that kind: leader 6-7 and 608 $2 travee, before any other 608."""
    k = KINDS[code]
    mark = leader(fields).ljust(24)[:24]
    letter = {"monograph": "m", "serial": "s", "issue": "s", "article": "a", "set": "c"}[k.level]
    rank = {"serial": "1", "issue": "2", "article": "2"}.get(k.level, "0")
    head: Field = {"t": "000", "v": mark[:6] + k.leader6 + letter + rank + mark[9:]}
    form: Field = {"t": "608", "i": "  ", "s": [["a", k.form], ["2", "travee"]]}
    rest = [f for f in fields if f["t"] != "000" and not (f["t"] == "608" and first(f, "2") == "travee")]
    after = next((n for n, f in enumerate(rest) if f["t"] >= "608"), len(rest))
    return [head, *rest[:after], form, *rest[after:]]


def name_of(f: Field) -> str:
    """« Dupont, Anne » for a person, « Corps. Subdivision » for a body."""
    if f["t"] in ("710", "711", "712", "601"):
        return ". ".join(clean(v) for v in subfields(f, "ab") if v.strip())
    given = clean(first(f, "b"))
    family = clean(first(f, "a")) or clean(first(f, "t"))
    return f"{family}, {given}" if given and family else family or given


def authority_number(f: Field) -> str:
    """What the record's own base calls the person or the subject of a field: PMB's `$9 id:` (of a concept, `uri:`),
    Koha's $9, or $3.

    Where a heading has several (RAMEAU's subdivisions have theirs), the first is that of its head.
    """
    number = bare = ""
    for c, v in f.get("s", ()):
        if c == "9" and v.startswith(("id:", "uri:")):
            number = v.partition(":")[2]
            break
        if c == "9" and not bare and v.isdecimal() and v.strip("0"):
            bare = v
    number = number or bare or first(f, "3").strip()
    return number if len(number) <= LONGEST_TARGET else ""


_RESPONSIBLE = frozenset(("700", "701", "702", "710", "711", "712", "716", "720", "721", "722", "730"))
_DESCRIPTORS = frozenset(("600", "601", "602", "604", "605", "606", "607"))


def responsibilities(fields: Iterable[Field]) -> list[Responsibility]:
    out = []
    for f in (f for f in fields if f["t"] in _RESPONSIBLE):
        if name := name_of(f):
            roles = subfields(f, "4") or [""]
            body = f["t"][1] == "1" and f["t"] != "716"
            out.append(Responsibility(roles[0].strip(), name, body, int(f["t"][2]) % 3, f))
    return out


def subjects(fields: Iterable[Field]) -> list[Subject]:
    """Descriptors (600 to 607, 606 first of all) then free keywords (610), each once.

    PMB writes one 606 for each language of a label, with the same node: the French one is kept, and
    all its keywords in one 610 $a joined by `;` (PMB.md section 2.2, traps 4 and 9).
    """
    seen: dict[tuple[str, str], int] = {}
    out: list[Subject] = []
    for f in (f for f in fields if f["t"] in _DESCRIPTORS):
        if f["t"] in ("600", "601", "602"):
            label = name_of(f)
        else:
            label = " -- ".join(clean(v) for v in subfields(f, "ajxyz") if v.strip())
        if not label:
            continue
        lang = typed(f, "lang")[:2]
        subject = Subject(label, first(f, "2") or typed(f, "idthes"), authority_number(f), lang, f)
        key = (subject.scheme, subject.node) if lang and subject.node else ("", fold(label))
        if key not in seen:
            seen[key] = len(out)
            out.append(subject)
        elif lang == "fr" and out[seen[key]].language != "fr":
            out[seen[key]] = subject
    known = {fold(s.label) for s in out}
    for value in values(fields, "610", "a"):
        for word in value.split(";"):
            if (label := clean(word)) and fold(label) not in known:
                known.add(fold(label))
                out.append(Subject(label, "free", "", ""))
    return out


def identifiers(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """(scheme, value) pairs, each valid and written one way: isbn (13 digits), issn, doi, ean, other."""
    fields = list(fields)
    found: dict[tuple[str, str], None] = {}
    for value in values(fields, "010", "a"):  # PMB puts ISSN, EAN and commercial numbers there too
        if number := find_isbn(value):
            found["isbn", number] = None
        elif number := find_issn(value):
            found["issn", number] = None
        elif number := find_ean(value):
            found["ean", number] = None
    for value in values(fields, "011", "a"):
        if number := find_issn(value):
            found["issn", number] = None
    for f in each(fields, "014", "017"):
        kind_of = (first(f, "b") or first(f, "2")).lower()
        if kind_of == "doi" and (doi := find_doi(first(f, "a"))):
            found["doi", doi] = None
    for value in values(fields, "073", "a"):
        if number := find_ean(value):
            found["ean", number] = None
    for value in values(fields, "856", "u"):
        if "doi.org/" in value and (doi := find_doi(value)):
            found["doi", doi] = None
    return list(found)


def isbns(fields: Iterable[Field]) -> list[str]:
    return list(dict.fromkeys(n for value in values(fields, "010", "a") if (n := find_isbn(value))))


def linking(fields: Iterable[Field]) -> Iterator[Field]:
    """The fields that lead to other records."""
    return (f for f in fields if f["t"][:1] == "4")


def links(fields: Iterable[Field]) -> list[Link]:
    """Hosts, parts and relatives, told apart by PMB's `$9 lnk:` where a tag has two meanings, else by the ISSN of an
    article's journal: a book's is that of its collection."""
    fields = list(fields)
    in_journal = level(fields) in ("article", "issue")
    out = []
    for f in linking(fields):
        tag = f["t"]
        mark = typed(f, "lnk")
        target = typed(f, "id") or f.get("x", "") or first(f, "0") or first(f, "3")
        relation = "related"
        if tag == "461" and (mark == "perio" or typed(f, "type_lnk") == "b"):  # "b": an issue names its journal
            relation = "host_serial"
        elif tag == "461" and not mark and not target and not (in_journal and find_issn(first(f, "x"))):
            relation = "series"
        elif tag in ("461", "463") and mark in ("bull", ""):
            relation = "host_issue" if tag == "463" else "host_serial"
        elif mark == "art":
            relation = "part"
        elif tag == "462" and mark == "bull":
            relation = "issue"
        elif tag in ("410", "411"):
            relation = "series"
        names = [clean(v) for v in subfields(f, "t") if v.strip()]
        out.append(
            Link(
                relation,
                names[0] if names else "",
                find_issn(first(f, "x")) or "",
                clean(first(f, "v")),
                clean(first(f, "e") or first(f, "d")),
                target if len(target) <= LONGEST_TARGET else "",
            )
        )
    return out


def host_serial(fields: Iterable[Field]) -> Link | None:
    found = links(fields)
    return next((link for link in found if link.relation == "host_serial"), None)


def host_issue(fields: Iterable[Field]) -> Link | None:
    return next((link for link in links(fields) if link.relation == "host_issue"), None)


def online(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """(address, words) of each way to read it online; only http and https: others are shown, never linked."""
    out = []
    for f in each(shown(fields), "856", "897"):
        for url in [first(f, "u") if f["t"] == "856" else first(f, "a")]:
            if url.strip().lower().startswith(("http://", "https://")):
                words = clean(first(f, "z") or first(f, "3") or first(f, "b") or first(f, "y"))
                out.append((url.strip(), words))
    return out


def online_files(fields: Iterable[Field]) -> tuple[OnlineFile, ...]:
    """Each address once, whatever it looks like (PMB's own are `./opac_css/doc_num.php?explnum_id=1`), and what the
    record says of what is there: 856 $q type and $s size, PMB's 897 $t and $W."""
    out: dict[str, OnlineFile] = {}
    for f in each(shown(fields), "856", "897"):
        pmb = f["t"] == "897"
        url = first(f, "a" if pmb else "u").strip()
        if url:
            words = clean(first(f, "z") or first(f, "3") or first(f, "b") or first(f, "y"))
            kind = first(f, "t" if pmb else "q").strip().lower()
            size = first(f, "W" if pmb else "s").strip()
            is_size = size.isascii() and size.isdigit() and len(size) < 10
            said = OnlineFile(url, words, _MEDIA_TYPES.get(kind, kind if _is_media_type(kind) else ""))
            out.setdefault(url, replace(said, size=int(size)) if is_size else said)
    return tuple(out.values())


_MEDIA_TYPES = {"pdf": "application/pdf", "html": "text/html", "epub": "application/epub+zip"}


def _is_media_type(text: str) -> bool:
    return len(text) <= 100 and text.count("/") == 1 and not re.search(r"[^\w.+/-]", text, re.ASCII)


def texts(fields: Iterable[Field]) -> Texts:
    fields = shown(fields)

    def words(codes: str, *tags: str) -> str:
        return " \n".join(clean(v) for f in each(fields, *tags) for v in subfields(f, codes) if v.strip())

    hosts = [link.title for link in links(fields) if link.relation in ("host_serial", "host_issue", "series")]
    return Texts(
        title=words("aeidhc", "200"),
        more_titles=words("aehi", *(f"{n}" for n in range(500, 560))),
        series=words("ait", "225", "410", "411"),
        host=" \n".join(t for t in hosts if t),
        abstract=words("a", "330"),
        contents=words("a", "327", "359"),
        notes=" \n".join(
            text
            for text in (
                words("a", *(f"{n}" for n in range(300, 326))),
                words("a", "900"),
                words("abfi", "950"),
            )
            if text
        ),
    )


def publishers(fields: Iterable[Field]) -> list[str]:
    seen: dict[str, None] = {}
    for f in each(fields, "214", "210", "219"):
        place, name = clean(first(f, "a")), clean(first(f, "c"))
        if place or name:
            seen[" : ".join(part for part in (place, name) if part)] = None
    return list(seen)


def custom_values(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """The centre's own fields, as PMB names them: 900 $l label (else $n), $a value as shown."""
    found = ((clean(first(f, "l") or first(f, "n")), clean(first(f, "a"))) for f in each(shown(fields), "900"))
    return [(label, value) for label, value in found if label and value]


def shown(fields: Iterable[Field]) -> Fields:
    """The fields without those that the public may not see.

    A PMB's dump names them in 992 $2 pmb: $h custom fields (900 $n), $i identifiers (014 $a), $e holdings and
    $f files by number.
    """
    fields = list(fields)
    named = [f for f in each(fields, "992") if first(f, "2") == "pmb"]
    hidden = {(code, name) for f in named for code, name in f.get("s", ())}
    return [f for f in fields if f not in named and _hidden_as(f) not in hidden] if hidden else fields


def _hidden_as(f: Field) -> tuple[str, str]:
    """What 992 calls this field, when it names it."""
    tag = f["t"]
    if tag == "900":
        return "h", first(f, "n")
    if tag == "014":
        return "i", first(f, "a")
    if tag in ("950", "951"):
        return "e", typed(f, "id") if tag == "950" else first(f, "f")
    if tag == "897":  # the address of its thumbnail ends with its number
        return "f", (first(f, "u") or first(f, "a")).rpartition("explnum_id=")[2]
    return "", ""


def holdings(fields: Iterable[Field]) -> list[str]:
    """What a centre has of a periodical (PMB's 950): « Salle 2 : 1998-2020, lacunes : 2003 (PER GAZ) »."""
    out = []
    for f in each(shown(fields), "950"):
        place, said, gaps, at = (clean(first(f, code)) for code in "abif")
        words = ", ".join(part for part in (said, _("lacunes : %(gaps)s") % {"gaps": gaps} if gaps else "") if part)
        if words:
            out.append((f"{place} : " if place else "") + words + (f" ({at})" if at else ""))
    return out


def extent(fields: Iterable[Field]) -> str:
    f = next(each(fields, "215"), None)
    return " ; ".join(clean(v) for v in subfields(f, "acde")) if f else ""


# --- comparing -------------------------------------------------------------------------------


def bare(f: Field) -> Field:
    """The field without who says so and since when: what comparisons and exports see."""
    return {k: v for k, v in f.items() if k not in ("o", "r")}  # type: ignore[return-value]


def occurrence(f: Field) -> str:
    """A key for one occurrence: same tag, indicators and subfields in order (DATA.md, *Merge*)."""
    said = [f["t"], f.get("i", ""), f.get("s") or f.get("v", "")]
    return _canonical(said).decode("utf-8", "surrogatepass")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def _canonical(kept: list[Any]) -> bytes:
    """Compact JSON; orjson writes what json writes, and refuses the half surrogates that no file may hold."""
    try:
        return orjson.dumps(kept)
    except orjson.JSONEncodeError:
        return _encode(kept).encode("utf-8", "surrogatepass")


def fingerprint(
    fields: Iterable[Field],
    leave_out: Callable[[str, str, str], bool] | None = None,
    codes: Mapping[str, frozenset[str]] | None = None,
) -> str:
    """A digest of the content, the same whatever the order of fields.

    `leave_out(tag, code, value)` names what a source changes every day without meaning anything by it; when
    `codes` are given, it is only asked about those of a field's tag, or of "*" where that has none of its own.
    """
    kept: list[list[Any]] = []
    for f in fields:
        tag = f["t"]
        if "s" in f:
            pairs = f["s"]
            if leave_out is not None:
                asked = None if codes is None else codes.get(tag, codes["*"])
                if asked is None:
                    pairs = [pair for pair in pairs if not leave_out(tag, pair[0], pair[1])]
                elif not asked.isdisjoint([pair[0] for pair in pairs]):
                    pairs = [pair for pair in pairs if pair[0] not in asked or not leave_out(tag, pair[0], pair[1])]
            if pairs:
                kept.append([tag, f.get("i", ""), pairs])
        elif not (leave_out and leave_out(tag, "", f.get("v", ""))):
            kept.append([tag, f.get("v", ""), []])
    kept.sort()
    return hashlib.sha256(_canonical(kept)).hexdigest()
