"""A notice as matching sees it: computed once from its fields, compared many times. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalogue import dates, unimarc
from catalogue.identifiers import find_doi, find_ean, find_isbn, find_issn
from catalogue.matching.words import NO_NAMES, folded, number_of, numbers, significant, volume_number
from catalogue.unimarc import Field

# Leader position 6; "l" and "m" are left out: sources write them for anything electronic.
_MEDIA: Mapping[str, str] = {
    **dict.fromkeys("ab", "text"),
    **dict.fromkeys("cd", "score"),
    **dict.fromkeys("ef", "map"),
    **dict.fromkeys("ij", "sound"),
    **{"g": "video", "k": "picture", "r": "object"},
}
# What 215 $a and 200 $b say where the leader does not: Dublin Core and RIS have no other place for it.
_EXTENTS = (
    ("video", re.compile(r"\b(?:dvd|blu-?ray|videos?|video-?(?:disc|disk|cassette|disque)s?|films?|vhs)\b")),
    ("score", re.compile(r"\b(?:partitions?|scores?|musique imprimee)\b")),
    ("sound", re.compile(r"\b(?:cd|d c|disques?|disc|discs|audio\w*|sonores?|cassettes?|33 t|45 t|mp3)\b")),
    ("map", re.compile(r"\b(?:cartes? (?:geo|topo|depl)\w*|maps?)\b")),
    ("text", re.compile(r"\b\d+ (?:p|pages?|f|ff)\b|\btexte imprime\b")),
)
# Whose records these are, wherever the number is written (001, 003, 033, 035, 856): one way to write each.
_NUMBERS = (
    ("bnf", re.compile(r"ark:/12148/cb(\d{8})", re.I)),
    ("bnf", re.compile(r"FR-?BNF\s*(\d{8})", re.I)),
    ("ark", re.compile(r"ark:/((?!12148/cb)\d{5,9}/\w[\w.-]+)", re.I)),
    ("sudoc", re.compile(r"sudoc\.(?:abes\.)?fr/(\d{8}[\dX])", re.I)),
    ("sudoc", re.compile(r"\(PPN\)\s*(\d{8}[\dX])", re.I)),
    ("oclc", re.compile(r"\(OCoLC\)\s*(?:oc[mn])?0*(\d+)|\boc[mn]0*(\d+)", re.I)),
    ("hal", re.compile(r"\b((?:hal|halshs|tel|dumas|medihal|cel)-\d{6,9})(?:v\d+)?\b", re.I)),
)
_PAGES = re.compile(r"(?<![\d-])(\d{1,5})\]?\s*(?:p\b|pages|ff?\b|S\b)", re.I)
_RANGE = re.compile(
    r"^\W*(?:pp?|pages?|P)[.\s]*\[?(\d{1,5})\]?(?:\s*(?:-|–|à|/)\s*\[?(\d{1,5}))?|^(\d{1,5})\s*[-–]\s*(\d{1,5})\b"
)
_VOLUMES = re.compile(r"\b(\d{1,3})\s*(?:vol|tomes?|t\.|v\.|volumes?)\b", re.I)
_PRINTING = re.compile(r"\b(?:re)?impr(?:ession|inted|\b)|\btirage|\bprinting|\breimpr")
_REVISED = re.compile(r"\b(?:nouv\w*|rev\w*|augm\w*|corr\w*|mise? a jour|refond\w*|actualis\w*|enlarged|new)\b")
_EDITION = re.compile(r"\b(?:ed|edition|ed\w*)\b")
_SPLIT = re.compile(r"\s+[:=;/]\s+|\s*:\s+")
_VOLUME_OF_TITLE = ("tome", "t", "vol", "volume", "livre", "partie")  # « chapitre 3 », « saison 2 » stay in the title
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")


OPEN = 9999  # the last year of a journal that goes on


@dataclass(frozen=True, slots=True)
class Described:
    """What one notice says, folded. Absent is "" or 0 or empty, and never counts against anybody."""

    level: str
    sure: bool  # False where the level is a guess: records made from formats that have none
    medium: str
    title: str  # the title proper, what stands before its first colon
    rest: str  # its complement
    part: str  # the title of the part
    said_numbers: frozenset[str]  # in the title proper
    all_numbers: frozenset[str]  # anywhere in the title, its volume too
    volume: str
    set_title: str
    volumes: int  # « 3 vol. »: a set described as a whole
    people: tuple[str, ...]
    bodies: tuple[str, ...]
    statement: str  # 200 $f $g, where there is no other author
    publishers: tuple[str, ...]
    year: int
    year_end: int
    edition: str  # "2", "rev", "2rev"; a printing is no edition
    pages: int
    first_page: int
    last_page: int
    isbns: frozenset[str]
    issns: frozenset[str]
    dois: frozenset[str]
    eans: frozenset[str]
    records: frozenset[tuple[str, str]]  # ("bnf", "37090396"): numbers that others gave to this description
    urls: frozenset[str]
    host: str
    host_issn: str
    issue: str
    date: str  # of the issue: "2024-03-18", "2024-03"
    language: str

    @property
    def full_title(self) -> str:
        return f"{self.title} {self.tail}" if self.tail else self.title

    @property
    def tail(self) -> str:
        """What follows the title proper."""
        return f"{self.rest} {self.part}".strip() if self.part else self.rest


def describe(fields: Iterable[Field]) -> Described:
    """What matching needs of a notice, in one reading."""
    fields = list(fields)
    by_tag: dict[str, list[Field]] = {}
    for f in fields:
        by_tag.setdefault(f["t"], []).append(f)
    mark = unimarc.leader(fields)
    level = unimarc.level(fields)
    year, year_end = unimarc.years(fields)
    proper, rest, part, volume = _title(by_tag, level)
    hosts = _hosts(by_tag)
    pages, first_page, last_page, volumes = _extent(by_tag)
    isbns, issns, eans = _standard_numbers(by_tag)
    people, bodies = _names(by_tag)
    urls = frozenset(_urls(by_tag))
    set_title = "" if level in ("article", "issue") else hosts.set_title
    volume = volume or hosts.set_volume if level not in ("article", "issue") else volume
    return Described(
        level=level,
        # UNIMARC makes 100 mandatory: a record without one comes from a format that knows no level.
        sure="100" in by_tag or (level == "article" and hosts.title != ""),
        medium=_MEDIA.get(mark[6:7]) or _medium_said(by_tag),
        title=proper,
        rest=rest,
        part=part,
        said_numbers=frozenset(numbers(proper)),
        all_numbers=frozenset((*numbers(proper), *numbers(rest), *numbers(part), *volume.split("."))) - {""},
        volume="" if level == "issue" else volume,
        set_title=set_title if set_title != proper or part else "",
        volumes=volumes,
        people=people,
        bodies=bodies,
        statement=_statement(by_tag),
        publishers=_publishers(by_tag),
        year=year or 0,
        year_end=year_end or (OPEN if level == "serial" and unimarc.date_edtf(fields).endswith("/..") else 0),
        edition=_edition(by_tag),
        pages=pages,
        first_page=first_page,
        last_page=last_page,
        isbns=isbns,
        issns=issns,
        dois=frozenset(_dois(by_tag)),
        eans=eans,
        records=frozenset(_records(by_tag)),
        urls=urls,
        host=hosts.title,
        host_issn=hosts.issn,
        issue=(volume if level == "issue" else "") or hosts.issue,
        date=_issue_date(by_tag, level),
        language=unimarc.language(fields),
    )


# --- titles ----------------------------------------------------------------------------------


def _title(by_tag: Mapping[str, list[Field]], level: str) -> tuple[str, str, str, str]:
    """The title proper, its complement, the title of the part, the number of the volume."""
    f = next(iter(by_tag.get("200", ())), None)
    if f is None:
        f = next(iter(by_tag.get("500", ())), None)
    if f is None:
        return "", "", "", ""
    proper, *more = _SPLIT.split(unimarc.clean(unimarc.first(f, "a") or unimarc.first(f, "i")))
    works = [v for c, v in f.get("s", ()) if c == "a"][1:]  # « Les fastes », « Les tristes »; PMB writes one $a
    said = [*map(folded, works), *(folded(v) for c, v in f.get("s", ()) if c in "ec")]
    part = " ".join(folded(v) for c, v in f.get("s", ()) if c == "i")
    volume = ".".join(n for c, v in f.get("s", ()) if c == "h" and (n := volume_number(folded(v))))
    title, rest = folded(proper), " ".join([*(folded(m) for m in more), *said])
    if not volume and level != "issue":
        title, volume = _trailing_volume(title)
    return title, rest.strip(), "" if part == title else part, volume


def _named(text: str) -> str:
    """A title as another record has it: what stands before its first colon, its volume left out."""
    return _trailing_volume(folded(_SPLIT.split(unimarc.clean(text))[0]))[0]


def _trailing_volume(title: str) -> tuple[str, str]:
    """« naruto tome 12 » -> naruto, 12. A year is no volume, and a bare number belongs to its title."""
    words = title.split()
    for place in range(len(words) - 1, 0, -1):
        before = words[place - 1]
        if place > 1 and before in _VOLUME_OF_TITLE and (number := number_of(words[place], before)):
            return " ".join([*words[: place - 1], *words[place + 1 :]]), number
    return title, ""


# --- numbers ---------------------------------------------------------------------------------


def _standard_numbers(by_tag: Mapping[str, list[Field]]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """ISBN, ISSN and EAN: PMB writes all three in 010 (PMB.md 2.2)."""
    isbns, issns, eans = set(), set(), set()
    for f in by_tag.get("010", ()):
        for c, value in f.get("s", ()):
            if c != "a":
                continue
            if number := find_isbn(value):
                isbns.add(number)
            elif number := find_issn(value):
                issns.add(number)
            elif number := find_ean(value):
                eans.add(number)
    for f in by_tag.get("011", ()):
        issns.update(n for c, v in f.get("s", ()) if c == "a" and (n := find_issn(v)))
    for f in by_tag.get("073", ()):
        eans.update(n for c, v in f.get("s", ()) if c == "a" and (n := find_ean(v)))
    isbns.update(n for n in eans if n.startswith(("978", "979")))
    # 978 and 979 are ISBNs; 977 is the ISSN of a magazine, on each of its issues.
    return frozenset(isbns), frozenset(issns), frozenset(n for n in eans if not n.startswith(("977", "978", "979")))


def _dois(by_tag: Mapping[str, list[Field]]) -> Iterable[str]:
    for tag in ("014", "017"):
        for f in by_tag.get(tag, ()):
            if (unimarc.first(f, "b") or unimarc.first(f, "2")).lower() in ("doi", "") and (
                doi := find_doi(unimarc.first(f, "a"))
            ):
                yield doi
    for f in by_tag.get("856", ()):
        if "doi.org/" in (url := unimarc.first(f, "u")) and (doi := find_doi(url)):
            yield doi


def _records(by_tag: Mapping[str, list[Field]]) -> Iterable[tuple[str, str]]:
    said = [f.get("v", "") for tag in ("001", "003") for f in by_tag.get(tag, ())]
    said += [v for tag in ("033", "035") for f in by_tag.get(tag, ()) for c, v in f.get("s", ()) if c == "a"]
    for value in said:
        for scheme, shape in _NUMBERS:
            if found := shape.search(value):
                number = next(group for group in found.groups() if group).lower()
                # An ARK begins with the number of the body that gave it: two bodies do not contradict each other.
                yield (f"ark:{number.split('/')[0]}" if scheme == "ark" else scheme), number
                break


def _urls(by_tag: Mapping[str, list[Field]]) -> Iterable[str]:
    """Addresses of the document, written one way; no front page, no list of a journal's years (Gallica)."""
    for f in by_tag.get("856", ()):
        bare = re.sub(r"^https?://(?:www\.)?", "", unimarc.first(f, "u").strip().lower()).rstrip("/")
        if "/" in bare and "doi.org/" not in bare and not bare.endswith("/date"):
            yield bare[:200]


# --- who, where, when ------------------------------------------------------------------------


def _names(by_tag: Mapping[str, list[Field]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    people: dict[str, None] = {}
    bodies: dict[str, None] = {}
    for tag in ("700", "701", "702", "720", "721", "722", "710", "711", "712", "716", "730"):
        for f in by_tag.get(tag, ()):
            if name := folded(unimarc.name_of(f)):
                (bodies if tag[1] == "1" else people)[name] = None
    return tuple(people)[:12], tuple(bodies)[:8]


def _statement(by_tag: Mapping[str, list[Field]]) -> str:
    return " ".join(folded(v) for f in by_tag.get("200", ()) for c, v in f.get("s", ()) if c in "fg")[:200]


def _publishers(by_tag: Mapping[str, list[Field]]) -> tuple[str, ...]:
    names = (
        folded(v) for tag in ("210", "214", "219") for f in by_tag.get(tag, ()) for c, v in f.get("s", ()) if c == "c"
    )
    return tuple(dict.fromkeys(name for name in names if name and name not in NO_NAMES))[:6]


def _edition(by_tag: Mapping[str, list[Field]]) -> str:
    """« 2e éd. revue » -> "2rev"; « 1re éd. », « 3e tirage », « éd. de poche » -> "".

    An edition is another document, a printing is not (AFNOR Z 44-050; Sudoc's guide: « réimpression à l’identique »).
    """
    for f in by_tag.get("205", ()):
        said = folded(unimarc.first(f, "a"))
        if _PRINTING.search(said) and not _EDITION.search(said):
            continue
        words = said.split()
        number = next((n for at, word in enumerate(words) if (n := number_of(word, "tome" if at == 0 else ""))), "")
        number = "" if number == "1" or len(number) > 2 else number
        return number + ("rev" if _REVISED.search(said) else "")
    return ""


def _extent(by_tag: Mapping[str, list[Field]]) -> tuple[int, int, int, int]:
    """How many pages, from which to which, in how many volumes."""
    pages = first = last = volumes = 0
    for f in by_tag.get("215", ()):
        said = unimarc.first(f, "a")
        if found := _RANGE.match(said):
            first, last = int(found[1] or found[3]), int(found[2] or found[4] or 0)
            if last and last < first:  # « p. 123-7 »
                last = int(str(first)[: -len(str(last))] + str(last)) if len(str(last)) < len(str(first)) else 0
        elif counted := _PAGES.findall(said):
            pages = max(pages, *(int(n) for n in counted))
        if found := _VOLUMES.search(said):
            volumes = max(volumes, int(found[1]))
    return pages, first, last, volumes if volumes > 1 else 0


def _medium_said(by_tag: Mapping[str, list[Field]]) -> str:
    """« 1 disque compact » is a recording, « 2 DVD » a film, whatever the format made of the leader."""
    places = (("200", "b"), ("215", "a"))
    said = " ".join(
        folded(v) for tag, code in places for f in by_tag.get(tag, ()) for c, v in f.get("s", ()) if c == code
    )
    return next((medium for medium, words in _EXTENTS if words.search(said)), "") if said else ""


@dataclass(frozen=True, slots=True)
class _Hosts:
    title: str = ""
    issn: str = ""
    issue: str = ""
    set_title: str = ""
    set_volume: str = ""


def _hosts(by_tag: Mapping[str, list[Field]]) -> _Hosts:
    """The journal and the number that an article stands in; the set that a volume belongs to."""
    linking = [f for tag in ("461", "463", "464", "530", "462") for f in by_tag.get(tag, ())]
    title = issn = issue = set_title = set_volume = ""
    for f in linking:
        name, number = _named(unimarc.first(f, "t") or unimarc.first(f, "a")), folded(unimarc.first(f, "v"))
        mark = unimarc.typed(f, "lnk")
        if f["t"] in ("462", "464") or mark == "art":
            continue
        if f["t"] == "463" or mark == "bull":
            issue = issue or volume_number(number) or number
            title = title or (name if mark != "bull" else "")
        else:
            title = title or name
            issn = issn or find_issn(unimarc.first(f, "x")) or ""
            set_title, set_volume = set_title or name, set_volume or volume_number(number)
            issue = issue or (volume_number(number) if f["t"] == "461" else "")
    return _Hosts(title, issn, issue, set_title, set_volume)


def _issue_date(by_tag: Mapping[str, list[Field]], level: str) -> str:
    if level not in ("article", "issue"):
        return ""
    places = [("463", "d"), ("463", "e"), ("461", "d"), ("210", "h"), ("210", "d"), ("214", "d")]
    for tag, code in places:
        for f in by_tag.get(tag, ()):
            edtf = dates.understand(unimarc.first(f, code)).edtf if unimarc.first(f, code) else ""
            if _DAY.fullmatch(edtf) and len(edtf) > 4 and not edtf.endswith("-01-01"):
                return edtf
    return ""


def key_words(described: Described) -> tuple[str, ...]:
    """The words that a title is known by, numbers left out: all volumes of a set have the same."""
    words = significant(described.title)
    return tuple(word for word in words if not number_of(word)) or words
