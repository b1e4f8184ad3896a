"""What a visitor types, understood. Pure, and never refuses anything.

    logement social            both words, in any form
    "politique de la ville"    these words in this order; « … » and “…” too
    -parking   -"haut débit"   without
    discrimin*                 every word that begins so
    auteur:dupont titre:ville theme:"égalité" cote:"301.2 DUP" isbn:2-7071-4272-7
    annee:2018   annee:2018-2024   annee:2018-   annee:-2010
    978-2-7071-4272-6          an ISBN, ISSN or DOI is recognised by itself

What cannot be understood (`annee:abcd`) is left out and kept in `Query.ignored`, so that the page can say so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from catalogue.identifiers import find_doi, find_isbn, find_issn
from indexes.analysis import call_number_term, exact_title, fold, normal_identifier, tokens

LONGEST_TEXT = 2_000
MOST_CLAUSES = 40
SHORTEST_PREFIX = 2

FIELDS: dict[str, tuple[str, ...]] = {
    "titre": ("title", "more_titles"),
    "title": ("title", "more_titles"),
    "auteur": ("agents",),
    "author": ("agents",),
    "theme": ("subjects",),
    "sujet": ("subjects",),
    "subject": ("subjects",),
    "topic": ("subjects",),
    "resume": ("abstract",),
    "abstract": ("abstract",),
    "revue": ("host",),
    "journal": ("host",),
}
YEAR_FIELDS = ("annee", "year")
IDENTIFIER_FIELDS = ("isbn", "issn", "doi", "ean", "id")
CALL_NUMBER_FIELDS = ("cote", "callnumber")


@dataclass(frozen=True)
class Word:
    """One word, or one that begins so (`prefix`); `start` and `end` say where it was typed."""

    term: str
    word: str
    start: int
    end: int
    prefix: bool = False
    parts: tuple[str, ...] = ()
    negative: bool = False


@dataclass(frozen=True)
class Phrase:
    """Words in order, each so many places after the first."""

    words: tuple[Word, ...]
    distances: tuple[int, ...]
    parts: tuple[str, ...] = ()
    negative: bool = False


@dataclass(frozen=True)
class Exact:
    """A whole string: an identifier, a call number. Where nobody has it, its words are looked for."""

    key: str
    prefix: bool = False
    otherwise: tuple[Word, ...] = ()
    negative: bool = False


Clause = Word | Phrase | Exact


@dataclass(frozen=True)
class Query:
    text: str
    clauses: tuple[Clause, ...] = ()
    years: tuple[tuple[int, int], ...] = ()
    whole: tuple[str, ...] = ()  # exact strings that the question as a whole may be: a title, a call number
    ignored: tuple[str, ...] = ()

    @property
    def positive(self) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if not clause.negative)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words that documents should hold, those of phrases included."""
        out: list[Word] = []
        for clause in self.positive:
            if isinstance(clause, Word):
                out.append(clause)
            else:
                out += clause.words if isinstance(clause, Phrase) else clause.otherwise
        return tuple(out)

    @property
    def terms(self) -> tuple[str, ...]:
        """What to highlight."""
        return tuple(dict.fromkeys(f"{word.word}*" if word.prefix else word.term for word in self.words))


_NUMBER = r"(?:97[89][- ]?)?\d[\d -]{7,14}[\dXx]|\d{4}-?\d{3}[\dXx]"
_IDENTIFIER = re.compile(rf"(?<!\S)(?:(?:isbn|issn)[ :]*)?({_NUMBER})(?!\S)", re.IGNORECASE)
_CHUNK = re.compile(
    r"""(?P<minus>(?<!\S)[-\u2010\u2011\u2212](?=\S))?
        (?:(?P<field>[^\W\d_]+):\s?(?=\S))?
        (?:"(?P<quoted>[^"]*)"|«(?P<french>[^«»]*)»|“(?P<curly>[^“”]*)”|(?P<plain>[^\s"«»“”]+)|["«»“”])""",
    re.VERBOSE,
)
_YEARS = re.compile(r"(\d{4})?\s*(-|\.\.|/|\u2010|\u2011|\u2013)?\s*(\d{4})?")


def parse(text: str) -> Query:
    """Understand a question; see the head of this module for what may be typed."""
    return _parsed(text[:LONGEST_TEXT])


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> Query:
    asked = text = unicodedata.normalize("NFC", text).encode("utf-8", "ignore").decode()
    clauses: list[Clause] = []
    years: list[tuple[int, int]] = []
    ignored: list[str] = []
    for start, end, number in _identifiers(text):
        clauses.append(Exact("i" + number, otherwise=tuple(_words(text[start:end], start))))
        text = text[:start] + " " * (end - start) + text[end:]
    for chunk in _CHUNK.finditer(text):
        quoted = next((g for g in ("quoted", "french", "curly") if chunk[g] is not None), "")
        content = quoted or "plain"
        value, at, negative = chunk[content] or "", chunk.start(content), bool(chunk["minus"])
        field = fold(chunk["field"] or "")
        if field in YEAR_FIELDS and (span := year_range(value)):
            years.append(span)
        elif field in YEAR_FIELDS:
            ignored.append(chunk.group())
        elif field in IDENTIFIER_FIELDS and value.strip():
            clauses.append(Exact("i" + normal_identifier(value), negative=negative))
        elif field in CALL_NUMBER_FIELDS and value.strip():
            key = call_number_term(value.rstrip("*"))
            clauses.append(Exact("c" + key, prefix=value.endswith("*"), negative=negative))
        elif field in FIELDS:
            clauses += _text_clauses(value, at, bool(quoted), FIELDS[field], negative)
        else:
            if field:  # « Ville : bilan » typed without blanks: no field of ours, hence two words
                clauses += _words(chunk["field"], chunk.start("field"), negative=negative)
            clauses += _text_clauses(value, at, bool(quoted), (), negative)
    plain = not (years or ignored or any(c.negative or isinstance(c, Exact) for c in clauses))
    whole = _whole(asked) if plain else ()
    return Query(asked, tuple(clauses[:MOST_CLAUSES]), tuple(years), whole, tuple(ignored))


def year_range(text: str) -> tuple[int, int] | None:
    """« 2018 », « 2018-2024 », « 2018- », « -2010 »; None for anything else."""
    found = _YEARS.fullmatch(text.strip())
    if not found or not (found[1] or found[3]):
        return None
    first = int(found[1] or 1)
    last = int(found[3] or (9999 if found[2] else first))
    return (first, last) if first <= last else (last, first)


def _text_clauses(value: str, at: int, quoted: bool, parts: tuple[str, ...], negative: bool) -> Iterator[Clause]:
    words = tuple(_words(value, at, parts=parts, negative=negative))
    if (quoted or negative) and len(words) > 1:  # « -saint-denis »: not without every saint
        places = {at + token.start: place for place, token in enumerate(tokens(value))}
        first = places[words[0].start]
        yield Phrase(words, tuple(places[word.start] - first for word in words), parts, negative)
    else:
        yield from words


def _words(value: str, at: int, *, parts: tuple[str, ...] = (), negative: bool = False) -> Iterator[Word]:
    for token in tokens(value):
        prefix = value[token.end : token.end + 1] == "*" and len(token.word) >= SHORTEST_PREFIX
        if prefix or not token.stop:
            yield Word(token.term, token.word, at + token.start, at + token.end, prefix, parts, negative)


def _identifiers(text: str) -> Iterator[tuple[int, int, str]]:
    """Where an ISBN, ISSN or DOI stands in the question; a wrong check digit makes it plain words."""
    for found in re.finditer(r"\S+", text):
        if "10." in found.group() and (doi := find_doi(found.group())):
            yield found.start(), found.end(), doi
    for found in _IDENTIFIER.finditer(text):
        number = find_isbn(found[1]) or find_issn(found[1]) or find_issn(f"{found[1][:4]}-{found[1][4:]}")
        if number:
            yield found.start(), found.end(), normal_identifier(number)


def _whole(text: str) -> tuple[str, ...]:
    text = text.strip().strip('"«»“” ')
    if not text:
        return ()
    keys = ("t" + exact_title(text), "c" + call_number_term(text), "i" + normal_identifier(text))
    return tuple(key for key in keys if len(key) > 1)
