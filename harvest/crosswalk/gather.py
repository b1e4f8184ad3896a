"""From the fields of any citation format to a `Citation`, by a table that a librarian can read. Pure.

Each format has its table beside this module (`ris.toml`, `bibtex.toml`…): which type of theirs is which kind of
document of ours, and what each of their fields becomes, in the words listed at the head of `ris.toml`. What all
of them share (languages, functions, words that make a body) is in `citations.toml`.

A field that may be said once and is said twice keeps the value of the field named first in the table; another
value that says something else becomes a note under its own tag. A field the table does not name becomes a note
too. So nothing is dropped, but for what a table leaves out on purpose (« - »).
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from catalogue.identifiers import find_doi, find_ean, find_issn
from catalogue.problems import Problem
from catalogue.text import fold
from catalogue.unimarc import KINDS
from harvest.crosswalk.citation import Citation, Host, Name, Subject, date_text, line, lines, same

Pair = tuple[str, str | Name]

_HERE = Path(__file__).parent
_SHARED = tomllib.loads((_HERE / "citations.toml").read_text("utf-8"))
ROLES: Mapping[str, str] = _SHARED["roles"]
_LANGUAGES: Mapping[str, str] = _SHARED["languages"]
_BODY_WORDS = frozenset(_SHARED["bodies"]["words"])
_WORDS = {fold(word): k.code for k in KINDS.values() for word in (k.code, k.form, k.fr, k.en, *k.also)}

_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_ONLY_DOI = re.compile(r"(?:doi:?\s*|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.I)
_ISBN_LIKE = re.compile(r"(?<![\d-])(?:97[89][- ]?)?(?:\d[- ]?){9}[\dXx](?![\d-])")
_ISSN_LIKE = re.compile(r"(?<![\d-])\d{4}[-–]\d{3}[\dXx](?![\d-])|(?:\A|issn\W{0,3})\d{7}[\dXx]\Z", re.I)
_LIFE = re.compile(r"(?:,\s*|\s*\()((?:1\d|20)\d\d\s*[-–]\s*(?:(?:1\d|20)\d\d)?|\d{4}\s*\?*-\s*)\)?\.?$")
_WORD = re.compile(r"\w+")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_ACRONYM = re.compile(r"[A-ZÉÈÀÇ][A-ZÉÈÀÇ0-9&.\-]{1,11}$")


# --- tables ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """One format's table, read once."""

    format: str
    kinds: Mapping[str, str]  # folded type -> kind
    usual: Mapping[str, str]  # kind -> the folded type that says it best
    in_book: frozenset[str]  # folded types of what stands in a book, not in a journal
    fields: Mapping[str, str]
    only: Mapping[str, Mapping[str, str]]  # kind, or "in_book" -> fields that mean something else there
    labels: Mapping[str, str]

    def kind_of(self, type: str, known: Mapping[str, str] | None = None) -> str:
        """The kind that a type means: as its source says (`known`), as the table says, by its words, or ""."""
        word = fold(type)
        for code in ((known or {}).get(type, ""), self.kinds.get(word, ""), _WORDS.get(word, "")):
            if code in KINDS:
                return code
        return ""

    def meanings(self, kind: str, in_book: bool) -> Mapping[str, str]:
        """What each field means in a document of this kind."""
        changed = {**self.only.get(kind, {}), **(self.only.get("in_book", {}) if in_book else {})}
        return {**self.fields, **changed} if changed else self.fields


@lru_cache(maxsize=16)
def table(name: str, section: str = "") -> Table:
    """The table of a format: `<name>.toml`, or one section of it."""
    data = tomllib.loads((_HERE / f"{name}.toml").read_text("utf-8"))
    data = data[section] if section else data
    kinds = {fold(type): kind for type, kind in data["types"].items()}
    usual: dict[str, str] = {}
    for type, kind in kinds.items():
        usual.setdefault(kind, type)
    only = {kind: row for kinds_, row in data.get("only", {}).items() for kind in kinds_.split()}
    return Table(
        format=data["format"],
        kinds=kinds,
        usual=usual,
        in_book=frozenset(fold(type) for type in data.get("in_book", ())),
        fields=data["fields"],
        only=only,
        labels=data.get("labels", {}),
    )


# What is said once and needs no thought.
_ONCE = ("subtitle", "part_title", "edition", "place", "publisher", "size", "thumbnail", "call_number")


# --- gathering -------------------------------------------------------------------------------


class Gathered:
    """What the fields of one reference say, by meaning."""

    def __init__(self, rules: Table, meanings: Mapping[str, str]) -> None:
        self._rules, self._meanings = rules, meanings
        self._rank = {tag: n for n, tag in enumerate(meanings)}
        self._single: dict[str, list[tuple[int, str, str]]] = {}
        self._seen: set[tuple[str, str]] = set()
        self.names: list[Name] = []
        self.identifiers: list[tuple[str, str]] = []
        self.languages: list[str] = []
        self.keywords: list[str] = []
        self.abstracts: list[str] = []
        self.contents: list[str] = []
        self.notes: list[str] = []
        self.urls: list[tuple[str, str]] = []
        self.other_titles: list[tuple[str, str]] = []
        self.classes: list[tuple[str, str]] = []
        self.subjects: list[Subject] = []
        self.extra: list[tuple[str, str]] = []
        self.kept: list[tuple[str, str]] = []
        self.repairs: list[Problem] = []

    def put(self, tag: str, value: str | Name, meaning: str | None = None) -> None:
        """Take one value in; `meaning` when the reader knows it without the table."""
        meaning = self._meanings.get(tag) if meaning is None else meaning
        if isinstance(value, Name):
            self.names.append(value)
            return
        if not value.strip() or meaning == "-":
            return
        word, _space, rest = (meaning if meaning is not None else "note " + self._label(tag)).partition(" ")
        take = getattr(self, f"_take_{word}", None)
        if take is not None:
            take(tag, value, rest)
        elif word == "genre" and _ONLY_DOI.fullmatch(value.strip()):
            self._take_id(tag, value, "doi")
        elif text := self._clean(word, value):
            self._single.setdefault(word, []).append((self._rank.get(tag, len(self._rank)), tag, text))

    def meaning(self, tag: str) -> str:
        """What the table says that a field becomes."""
        return self._meanings.get(tag, "")

    def says(self, word: str) -> bool:
        return word in self._single

    def _clean(self, word: str, value: str) -> str:
        return date_text(value) if word == "date" else line(value)

    def _label(self, tag: str) -> str:
        return self._rules.labels.get(tag) or line(tag) or "?"

    def one(self, word: str) -> str:
        """The value of what is said once; what else was said of it becomes a note."""
        said = sorted(self._single.pop(word, ()), key=lambda entry: entry[0])
        if not said:
            return ""
        best = said[0][2]
        if word == "date":  # 2016, and elsewhere 2016-10-19: the same, said better
            best = next((text for _n, _tag, text in said if _YEAR.search(text)), best)
            best = max((text for _n, _tag, text in said if text.startswith(best)), key=len)
        told = {_folded(best)}
        for _rank, tag, text in said:
            if _folded(text) in told or (word == "date" and best.startswith(text)):
                continue
            told.add(_folded(text))
            if word == "title":
                self._add(self.other_titles, ("517", text))
            else:
                self._add(self.extra, (self._label(tag), text))
        return best

    def left(self) -> None:
        """What no field of the citation took: told under its own tag."""
        for word in list(self._single):
            for _rank, tag, text in self._single.pop(word):
                self._add(self.extra, (self._label(tag), text))

    def _add(self, values: list[tuple[str, str]], pair: tuple[str, str]) -> None:
        if self._new(f"{id(values)} {pair[0]}", pair[1]):
            values.append(pair)

    def _new(self, where: str, text: str) -> bool:
        """Whether this text was not said there already, however it was written."""
        key = (where, _folded(text))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    # What may be said several times. Each takes the tag, the value, and what follows the word in the table.

    def _take_name(self, tag: str, value: str, rest: str) -> None:
        for text in value.splitlines():
            several = text.split(";")
            for one in several if all("," in part for part in several) else [text]:
                if one.strip():
                    self.names.append(read_name(one, rest))

    def _take_keyword(self, tag: str, value: str, rest: str) -> None:
        """Cut at semicolons and line ends; at the sign the table gives when there is none of those."""
        value = html.unescape(value) if "&" in value else value  # before its « ; » cuts « &#233; » in two
        words = re.split("[;\n]", value)
        if len(words) == 1 and rest:
            words = value.split(rest)
        for word in words:
            text = line(word)
            if any(sign.isalnum() for sign in text) and self._new("keyword", text):
                self.keywords.append(text)

    def _take_abstract(self, tag: str, value: str, rest: str) -> None:
        self._long("abstract", self.abstracts, value)

    def _take_contents(self, tag: str, value: str, rest: str) -> None:
        self._long("contents", self.contents, value)

    def _long(self, where: str, texts: list[str], value: str) -> None:
        if (text := lines(value)) and self._new(where, text):
            texts.append(text)

    def _take_note(self, tag: str, value: str, rest: str) -> None:
        """« note » as it is, « note Consulté le » under a label of its own."""
        text = lines(value)
        if _ONLY_DOI.fullmatch(text):
            self._take_id(tag, text, "doi")
        elif rest and text:
            self._add(self.extra, (rest, text))
        elif text and self._new("note", text):
            self.notes.append(text)

    def _take_other_title(self, tag: str, value: str, rest: str) -> None:
        if text := line(value):
            self._add(self.other_titles, (rest or "517", text))

    def _take_language(self, tag: str, value: str, rest: str) -> None:
        for text in re.split(r"\s*[;,/\n]\s*", line(value)):
            if code := language(text):
                self.languages += [code] if code not in self.languages else []
            elif text:
                self._add(self.extra, (self._label(tag), text))

    def _take_url(self, tag: str, value: str, rest: str) -> None:
        for url in _CONTROLS.sub("", value).split():
            url = "https:" + url if url.startswith("//") else url
            if url.lower().startswith(("http://", "https://", "ftp://")):
                if ("url", url) not in self._seen:
                    self._seen.add(("url", url))
                    self.urls.append((url, line(rest)))
            elif _ONLY_DOI.fullmatch(url):
                self._take_id(tag, url, "doi")
            else:
                self._take_kept(tag, value, rest)
                return

    def _take_class(self, tag: str, value: str, rest: str) -> None:
        self._add(self.classes, (rest, line(value)))

    def _take_kept(self, tag: str, value: str, rest: str) -> None:
        if text := lines(value):
            self._add(self.kept, (line(tag) or "?", text))

    def _take_id(self, tag: str, value: str, rest: str) -> None:
        """« id doi » is of that scheme; « id » is whatever it looks like."""
        text = line(value)
        address = not rest and text.lower().startswith(("http://", "https://"))
        if rest in ("", "isbn", "issn") and not address and (numbers := find_standard_numbers(text, rest)):
            for pair in numbers:
                self._add(self.identifiers, pair)
        elif rest in ("", "doi") and (doi := find_doi(text)):
            self._add(self.identifiers, ("doi", doi))
        elif address:
            self._take_url(tag, text, "")
        elif rest and rest not in ("isbn", "issn", "doi"):
            self._add(self.identifiers, (rest, text))
        elif text:
            self._add(self.extra, (self._label(tag), text))


def _folded(text: str) -> str:
    """What two values are compared by: their words."""
    return " ".join(_WORD.findall(text.casefold())) or text


def find_standard_numbers(text: str, scheme: str = "") -> list[tuple[str, str]]:
    """Every ISBN and ISSN of a value, right or wrong (a person will see it), with what is said behind it.

    >>> find_standard_numbers("2-07-036822-8 (br.) ; 978-2-07-036822-8")
    [('isbn', '2-07-036822-8 (br.)'), ('isbn', '978-2-07-036822-8')]
    """
    found = list(_ISBN_LIKE.finditer(text)) if scheme != "issn" else []
    if found:
        return [("isbn", part) for part in _with_what_follows(text, found)]
    if not scheme and (ean := find_ean(re.sub(r"^[A-Za-z:]+", "", text))):
        return [("ean", ean)]
    found = list(_ISSN_LIKE.finditer(text)) if scheme != "isbn" else []
    parts = _with_what_follows(text, found)
    return [
        ("issn", part.replace(m[0].strip(), find_issn(m[0]) or m[0].strip(), 1))
        for m, part in zip(found, parts, strict=True)
    ]


def _with_what_follows(text: str, found: Sequence[re.Match[str]]) -> list[str]:
    ends = [*(m.start() for m in found[1:]), len(text)][: len(found)]
    return [text[m.start() : end].strip(" ,;/") for m, end in zip(found, ends, strict=True)]


def language(text: str) -> str:
    """The ISO 639-2 code of a language said by a code, a locale or its name; "" when it is none we know.

    >>> language("fr-FR"), language("Anglais"), language("eng"), language("klingon")
    ('fre', 'eng', 'eng', '')
    """
    word = fold(text)
    if code := _LANGUAGES.get(word) or _LANGUAGES.get(word.partition(" ")[0] if re.search(r"[-_]", text) else ""):
        return code
    return word if re.fullmatch(r"[a-z]{3}", text.strip().lower()) else ""


def read_name(text: str, role: str = "") -> Name:
    """A name written as one text: « Dupont, Anne », « Dupont, Anne (1950-2010) », « Ville de Lille », « Anne Dupont ».

    Without a comma nothing says which word is the surname: the name stays as it is.
    """
    main, code = (role != "", role)
    text = line(text).strip(" ;,")
    dates = ""
    if (found := _LIFE.search(text)) and found.start() > 0:
        text, dates = text[: found.start()], found[1].strip()
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 or not parts[1]:
        whole = text.strip(" ,")
        type_ = "body" if is_body(whole) else "person"
        return Name(whole, role=code, type=type_, main=main, dates=dates)
    if is_body(text) and not re.search(r",\s*\S+(?: \S+)?$", text):
        return Name(text, role=code, type="body", main=main, dates=dates)
    family, given, addition = parts[0], parts[1], ", ".join(parts[2:])
    return Name(family, given, code, main=main, dates=dates, addition=addition)


def is_body(name: str) -> bool:
    """Whether a name is that of a body, by its words or because it is an acronym: « Agence d’urbanisme », « INSEE »."""
    words = fold(name).split()
    return any(word in _BODY_WORDS for word in words) or bool(_ACRONYM.match(name) and len(words) == 1)


def gather(
    pairs: Iterable[Pair],
    rules: Table,
    *,
    type: str = "",
    number: str = "",
    known: Mapping[str, str] | None = None,
    kind: str = "",
) -> Citation:
    """The citation that these fields make. `known`: what the source's own types mean (profile « kinds »)."""
    found = kind or rules.kind_of(type, known)
    in_book = fold(type) in rules.in_book
    gathered = Gathered(rules, rules.meanings(found or "other", in_book))
    for tag, value in pairs:
        gathered.put(tag, value)
    return finish(gathered, rules, kind=found, type=type, number=number, in_book=in_book)


def finish(
    g: Gathered, rules: Table, *, kind: str, type: str = "", number: str = "", in_book: bool = False
) -> Citation:
    """The citation, once everything has been put in."""
    genre = g.one("genre")
    kind, degree = _by_genre(kind, genre)
    if genre and kind != "thesis" and fold(genre) not in (fold(type), fold(KINDS[kind].form)):
        g.extra.append(("Nature", genre))
    article = KINDS[kind].level == "article"
    date, volume, issue = g.one("date"), g.one("volume"), g.one("issue")
    host, series, series_number = g.one("host"), g.one("series"), g.one("series_number")
    title = g.one("title")
    if not article and same(host, title):
        host = ""
    numbers, isbn, issn = _shared_out(g.identifiers, article, in_book)
    part = g.one("part")
    if article or host:
        host_number = (volume, issue)
    else:
        host_number = ("", "")
        if series and not series_number:
            series_number, volume = volume or issue, "" if volume else volume
            issue = "" if series_number == issue else issue
        elif kind in ("book", "report", "study", "thesis", "multimedia") and volume and not part:
            part, volume = volume, ""
        g.extra += [pair for pair in (("Volume", volume), ("Numéro", issue)) if pair[1]]
    pages = _pages(g.one("pages"), g.one("start_page"), g.one("end_page"), g.one("extent"), article, g)
    said = {word: g.one(word) for word in _ONCE}
    issue_title = g.one("issue_title") if article and not in_book else ""
    key = "" if number else g.one("number")
    institution = g.one("institution") if kind == "thesis" else ""
    g.left()
    return Citation(
        kind=kind,
        format=rules.format,
        type="" if not type or rules.usual.get(kind) == fold(type) else line(type),
        number=line(number) or key,
        title=title,
        part=part,
        host=Host(host, issn, isbn, *host_number, issue_title, is_book=in_book or not article),
        series=series,
        series_number=series_number,
        date=date,
        pages=pages,
        degree=degree,
        institution=institution,
        identifiers=numbers,
        names=tuple(dict.fromkeys(g.names)),
        languages=tuple(g.languages),
        abstracts=tuple(g.abstracts),
        contents=tuple(g.contents),
        notes=tuple(g.notes),
        keywords=tuple(g.keywords),
        subjects=tuple(g.subjects),
        classes=tuple(g.classes),
        urls=tuple(g.urls),
        other_titles=tuple(pair for pair in g.other_titles if not same(pair[1], title)),
        extra=tuple(g.extra),
        kept=tuple(g.kept),
        repairs=tuple(g.repairs),
        **said,
    )


def _by_genre(kind: str, genre: str) -> tuple[str, str]:
    """What the source says in words of its own may be more exact than its type: « Étude », « PhD thesis »."""
    if kind == "thesis":
        return kind, genre
    said = _WORDS.get(fold(genre), "")
    if said and kind in ("", "other", "report", "book") and KINDS[said].level == "monograph":
        return said, ""
    return kind or "other", ""


def _shared_out(
    identifiers: Sequence[tuple[str, str]], article: bool, in_book: bool
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...], tuple[str, ...]]:
    """The document's own numbers, then the ISBN and the ISSN of what it appeared in."""
    if not article:
        return tuple(identifiers), (), ()
    isbn = tuple(value for scheme, value in identifiers if scheme == "isbn")
    issn = tuple(value for scheme, value in identifiers if scheme == "issn" and not in_book)
    own = [(s, v) for s, v in identifiers if s != "isbn" and (s != "issn" or in_book)]
    return tuple(own), isbn, issn


def _pages(whole: str, start: str, end: str, extent: str, article: bool, g: Gathered) -> str:
    """« p. 476-481 » for an article; « 166 p. » for a document."""
    span = whole or "-".join(part for part in (start, end) if part)
    span = re.sub(r"\s*(?:--?-?|[–—−])\s*", "-", span) if re.fullmatch(r"[\w.:()\s,–—−-]+", span) else span
    if not article:
        text = extent or span
        if extent and span:
            g.extra.append(("Pages", span))
        return f"{text} p." if text.isdigit() else text
    if extent and not span:
        return f"{extent} p." if extent.isdigit() else extent
    if extent:
        g.extra.append(("Nombre de pages", extent))
    return f"p. {span}" if span[:1].isdigit() and not re.search(r"[a-z]{2}|\bp\b", span) else span
