"""A reference pasted whole, read as far as one can be sure of it. Pure.

    Martin, Léa. Des lycéens inégaux. La Gazette, n° 2710, 18 mars 2024, p. 22-24
    Dupont Anne, Roux Paul, « Le tri à l’école », Diversité, vol. 12, n° 3, 2021, p. 4-19. DOI : 10.5555/abc
    DUBOIS, Claude. La ville partagée. Lyon : Éditions du Canal, 2015. 256 p. ISBN 978-2-07-036822-8

Done in this order, as one would with a pencil: what has a shape of its own is taken out first (numbers, pages, the
number of the issue, the date); what stands before the title is its authors when every word of it looks like names;
what stands between the title and the first thing taken out is the journal, or « Ville : Éditeur ». Whatever is left
over is not guessed at: `left` says it, and the person reads it. A text with no title beside a date, a number or a page
is no reference: the answer is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalogue.form import Values, one_line
from catalogue.identifiers import find_doi, find_isbn, find_issn

LONGEST = 2_000  # signs: a reference is a line or two
_CUT = "\x00"  # stands where something was taken out
_MONTH = (
    r"(?:janv(?:ier|\.)?|f[ée]vr(?:ier|\.)?|mars|avr(?:il|\.)|mai|juin|juil(?:let|\.)|ao[ûu]t|sept(?:embre|\.)"
    r"|oct(?:obre|\.)|nov(?:embre|\.)|d[ée]c(?:embre|\.)|printemps|[ée]t[ée]|automne|hiver)"
)
_URL = re.compile(r"https?://[^\s<>\"»]+", re.I)
_DOI = re.compile(r"(?:doi\s*:?\s*)?10\.\d{4,9}/[^\s\"<>»]+", re.I)
_ISBN = re.compile(r"ISBN\s*:?\s*((?:97[89][- ]?)?\d[\d -]{7,14}[\dXx])", re.I)
_ISSN = re.compile(r"ISSN\s*:?\s*(\d{4}-?\d{3}[\dXx])", re.I)
_SEEN = re.compile(r"[\[(](?:en ligne|consult[ée]e? le[^\])]*|page consult[^\])]*)[\])]\.?", re.I)
_YEAR = r"(?:1[5-9]|20)\d\d\b"
_PAGES = re.compile(
    rf"\bpp?(?:ages?)?\.?\s*\d+(?:\s*[-–]\s*\d+)?(?:\s*(?:,|et)\s*(?!{_YEAR})\d+(?:\s*[-–]\s*\d+)?)*", re.I
)
_EXTENT = re.compile(r"\b\d+\s*(?:p\b\.?|pages\b)", re.I)
_NUMBER = re.compile(
    r"\b(?:vol(?:ume|\.)?\s*\d+\s*,?\s*)?(?:n(?:o|um[ée]ro|\.)?\s?[°ºo]?|hors[- ]s[ée]rie n°)\s*(\d[\w/-]*)", re.I
)
_VOLUME = re.compile(r"\bvol(?:ume|\.)?\s*(\d+)", re.I)
_DAY = re.compile(
    rf"\b(?:\d{{1,2}}(?:er)?(?:\s*(?:-|–|au|et)\s*\d{{1,2}})?\s+{_MONTH}\s+\d{{4}}|\d{{1,2}}/\d{{1,2}}/\d{{4}})\b", re.I
)
_DATE = re.compile(rf"\b(?:{_MONTH}(?:\s*[-–/]\s*{_MONTH})?\s+\d{{4}})\b|\(?\b(?:1[5-9]|20)\d\d\b\)?", re.I)
_QUOTED = re.compile(r"«\s*(.+?)\s*»|“(.+?)”|\"(.+?)\"")
_INITIAL = re.compile(r"\b[A-ZÀ-Þ]$")
_GOES_ON = re.compile(r"(?:et|and)\b|[&;,]|[A-ZÀ-Þ](?:$|\b(?![\w’']))")
_GIVEN = r"[A-ZÀ-Þ][\w’'.-]*(?:[ -][A-ZÀ-Þ][\w’'.-]*){0,2}"
_PARTICLE = r"(?:(?:de|du|des|d’|d'|le|la|van|von|el|al|ben)\s*)?"
_FAMILY = rf"{_PARTICLE}[A-ZÀ-Þ][\w’'-]*(?:[ -](?:[A-ZÀ-Þ][\w’'-]*|de|du|la|le)){{0,2}}"
_COMMA_NAME = re.compile(rf"({_FAMILY}),\s*({_GIVEN})$")
_CAPITAL_NAME = re.compile(rf"([A-ZÀ-Þ][A-ZÀ-Þ’'-]+(?:[ -][A-ZÀ-Þ][A-ZÀ-Þ’'-]+)*)\s*,?\s+({_GIVEN})$")
_PUBLISHED = re.compile(r"^([^:]{2,60}?)\s*:\s*([^:]{2,120})$")


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a reference says, by the names of the form's inputs; `kind` "" when it may be several."""

    values: Values
    kind: str
    left: str  # what nobody could place


def read(text: str) -> Pasted | None:
    """The reference that a text is, None when it is something else: a title, a number, a page of a letter."""
    text = one_line(text)
    if not 20 <= len(text) <= LONGEST:
        return None
    values: Values = {}
    text = _numbers(text, values)
    day, text = _take(_DAY, text)
    pages, text = _take(_PAGES, text)
    extent, text = _take(_EXTENT, text) if not pages else ("", text)
    number, text = _issue(text)
    date, text = (day, text) if day else _take(_DATE, text, last=True)
    authors, title, where, left = _parts(text)
    journal, place, publisher = _where(where, is_article=bool(number or pages or day))
    if not title or not (date or number or pages or extent) or not (journal or publisher or authors):
        return None
    values["title"] = [title]
    if authors:
        values["author"], values["author_role"] = authors, ["070"] * len(authors)
    kind = ""
    date = date.strip("() ")
    if journal:
        kind = "press_article" if day and not _VOLUME.search(number) else "article"
        values |= {"journal": [journal], "issue_number": [number], "issue_date": [date], "extent": [pages]}
    else:
        kind = "book" if publisher and (extent or "isbn" in values) else ""
        values |= {"publisher": [publisher], "place": [place], "date": [date], "extent": [pages or extent]}
    said = {name: texts for name, texts in values.items() if any(texts)}
    if "publisher" in said:
        said["place"] = values["place"]
    return Pasted(said, kind, left)


def _numbers(text: str, values: Values) -> str:
    """What names the document by itself is taken out: it looks alike wherever it stands."""
    text = _SEEN.sub(" ", text)
    for shape, name, find in ((_DOI, "doi", find_doi), (_ISBN, "isbn", find_isbn), (_ISSN, "", find_issn)):
        found, rest = _take(shape, text)
        if found and (number := find(found)):
            text = re.sub(rf"https?://(?:dx\.)?doi\.org/\s*{_CUT}|(?:DOI\s*:?\s*){_CUT}", _CUT, rest, flags=re.I)
            if name:
                values[name] = [number]
    url, text = _take(_URL, text)
    if url:
        values["address"] = [url.rstrip(".,;)")]
        text = re.sub(
            rf"(?:disponible (?:sur|à)[^.{_CUT}]{{0,30}}|URL|en ligne|lien)\s*:?\s*{_CUT}", _CUT, text, flags=re.I
        )
    return text


def _take(shape: re.Pattern[str], text: str, *, last: bool = False) -> tuple[str, str]:
    """What has this shape, and the text with a mark in its place."""
    every = list(shape.finditer(text))
    if not every:
        return "", text
    found = every[-1 if last else 0]
    return found[0], text[: found.start()] + _CUT + text[found.end() :]


def _issue(text: str) -> tuple[str, str]:
    """« vol. 12, n° 3 » as it stands, « 2710 » alone without its « n° »."""
    found = _NUMBER.search(text) or _VOLUME.search(text)
    if found is None:
        return "", text
    said = found[0] if _VOLUME.search(found[0]) else found[1]
    if re.search(r"hors[- ]s[ée]rie", found[0], re.I):
        said = found[0]
    return said, text[: found.start()] + _CUT + text[found.end() :]


def _parts(text: str) -> tuple[list[str], str, str, str]:
    """Authors, title, where it appeared, and what is left over."""
    if quoted := _QUOTED.search(text):
        before = text[: quoted.start()].replace(_CUT, " ").strip(" ,.:;()")
        title = next(group for group in quoted.groups() if group)
        authors = _names(before)
        where, _cut, rest = text[quoted.end() :].strip(" ,.").removeprefix("in ").removeprefix("dans ").partition(_CUT)
        return (
            authors,
            title.strip(" ,."),
            where.strip(" ,.;:()"),
            _tidy(rest if authors or not before else f"{before} {rest}"),
        )
    sentences = _sentences(text)
    authors = _names(sentences[0]) if len(sentences) > 1 else []
    if authors:
        sentences = sentences[1:]
    title = sentences[0] if sentences else ""
    if _CUT in title:  # « Titre, La Gazette, n° … »: nobody can tell where the one ends and the other begins
        title, _cut, rest = title.partition(_CUT)
        return authors, title.strip(" ,.;:("), "", _tidy(" ".join([rest, *sentences[1:]]))
    where, _cut, rest = ". ".join(sentences[1:]).partition(_CUT)
    more, stop, last = where.rpartition(". ")
    if stop and _PUBLISHED.match(last.strip(" ,.;:()")):  # « Titre. Sous-titre. Ville : Éditeur »
        title, where = f"{title}. {more}", last
    return authors, title.strip(" ,."), where.strip(" ,.;:()"), _tidy(rest)


def _sentences(text: str) -> list[str]:
    """Cut at « . », but not between initials, nor between names (« Dupont, J. P. et Roux, A. »)."""
    out: list[str] = []
    for part in re.split(r"\.\s+", text):
        if out and _INITIAL.search(out[-1]) and _GOES_ON.match(part):
            out[-1] += f". {part}"
        else:
            out.append(part)
    return [part.strip(" .") for part in out if part.strip(" .,")]


def _names(text: str) -> list[str]:
    """« Martin, Léa ; Roux, Paul », « Dupont Anne, Roux Paul » in capitals; [] as soon as one is no name."""
    text = re.sub(r"\s*\((?:dir|coord|éd|ed)s?\.?\)|,?\s*et al\b\.?", "", text.strip(" ,.;"))
    out = []
    for part in re.split(r"\s*;\s*|\s+et\s+|\s+and\s+|\s+&\s+", text):
        part = part.strip(" ,")
        several = [_CAPITAL_NAME.match(name.strip()) for name in part.split(",")]
        found = several if all(several) else [_COMMA_NAME.match(part) or _CAPITAL_NAME.match(part)]
        if not all(found):
            return []
        out += [f"{_cased(one[1])}, {one[2]}{'.' if _INITIAL.search(one[2]) else ''}" for one in found if one]
    return out


def _cased(family: str) -> str:
    """« LE GOFF » -> « Le Goff »; a name in small letters stays as it is."""
    return re.sub(r"\w+", lambda word: word[0].capitalize(), family) if family.isupper() and len(family) > 1 else family


def _where(text: str, *, is_article: bool) -> tuple[str, str, str]:
    """(journal, place, publisher)."""
    if found := _PUBLISHED.match(text):
        if not is_article:
            return "", found[1].strip(), found[2].strip(" ,")
    elif is_article:
        return text.removeprefix("In ").removeprefix("Dans "), "", ""
    return (text, "", "") if is_article else ("", "", text if text and len(text) < 80 else "")


def _tidy(text: str) -> str:
    return " ".join(text.replace(_CUT, " ").split()).strip(" ,.;:()[]")
