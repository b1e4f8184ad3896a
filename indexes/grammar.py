"""What a visitor types, understood. Pure, and never refuses anything.

    logement social            both words, in any form
    "politique de la ville"    these words in this order; « … » and “…” too
    -parking   -"haut débit"   without
    discrimin*                 every word that begins so
    auteur:dupont titre:ville theme:"égalité" cote:"301.2 DUP" isbn:2-7071-4272-7
    auteur:"Marc Dupont"       a person, in either order
    annee:2018   annee:2018-2024   annee:2018-   annee:-2010   -annee:2018
    ville OU banlieue          either; ET, SAUF, and AND, OR, NOT are understood too, in capitals
    annee:2010 OU annee:2018   either year
    978-2-7071-4272-6          an ISBN, ISSN or DOI is recognised by itself

What cannot be understood (`annee:abcd`, a field with nothing after it, « OU » between things that cannot be joined) is
left out and kept in `Query.ignored`, so that the page can say so; the beginnings of words after the tenth are in
`Query.beyond`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from catalogue.identifiers import find_doi, find_isbn, find_issn
from indexes.analysis import bare_title, call_number_term, exact_title, fold, normal_identifier, tokens

LONGEST_TEXT = 2_000
MOST_CLAUSES = 40
LAST_YEAR = 9999
MOST_PREFIXES = 10  # different ones: each asks for all the words that begin so
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
KNOWN_FIELDS = frozenset((*FIELDS, *YEAR_FIELDS, *IDENTIFIER_FIELDS, *CALL_NUMBER_FIELDS))
LONGEST_ACRONYM = 5  # letters
FEW_WORDS = 3  # in capitals, they are acronyms; more of them are a title
NAMES = ("agents",)  # the part whose phrases are names, said in either order
# What people who come from other catalogues write between two words, in capitals.
OPERATORS = {"ET": "and", "AND": "and", "OU": "or", "OR": "or", "SAUF": "not", "NOT": "not"}


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

    @property
    def words(self) -> tuple[Word, ...]:
        return (self,)


@dataclass(frozen=True)
class Phrase:
    """Words in order, each so many places after the first; among the names, in any order."""

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

    @property
    def words(self) -> tuple[Word, ...]:
        return self.otherwise


@dataclass(frozen=True)
class All:
    """A compound beside « OU », « Seine-Saint-Denis »: all its words, wherever they are, as when it stands alone."""

    clauses: tuple[Word | Phrase | Exact, ...]
    negative: bool = False

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for clause in self.clauses for word in clause.words)


@dataclass(frozen=True)
class Either:
    """« ville OU banlieue »: one of these is enough."""

    options: tuple[Word | Phrase | Exact | All, ...]
    negative: bool = False

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for option in self.options for word in option.words)


Clause = Word | Phrase | Exact | All | Either
Span = tuple[int, int]  # of years, both included


@dataclass(frozen=True)
class Query:
    text: str
    clauses: tuple[Clause, ...] = ()
    years: tuple[tuple[Span, ...], ...] = ()  # of each group, one span is enough
    other_years: tuple[Span, ...] = ()  # those that must not be
    whole: tuple[str, ...] = ()  # exact strings that the question as a whole may be: a title, a call number
    ignored: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()  # beginnings of words after the tenth
    is_cut: bool = False  # it had more words than are looked for

    @property
    def says_nothing(self) -> bool:
        """Stop words, signs, fields with nothing after them: not the same as no question at all."""
        return bool(self.text.strip()) and not (self.clauses or self.years or self.other_years)

    @cached_property
    def positive(self) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if not clause.negative)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The words that documents should hold, those of phrases included."""
        return tuple(word for clause in self.positive for word in clause.words)

    @cached_property
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
    numbers = [_Number(*found) for found in _identifiers(text)]
    for number in numbers:
        text = text[: number.at] + " " * (number.to - number.at) + text[number.to :]
    pieces: list[re.Match[str] | _Number] = [*_CHUNK.finditer(text), *numbers]
    pieces.sort(key=lambda piece: piece.start())
    typed = [asked[piece.start() : piece.end()] for piece in pieces]
    read = _Read()
    _read_all(read, pieces, typed)
    plain = not (read.years or read.other_years or read.ignored or read.beyond)
    plain = plain and not any(c.negative or isinstance(c, Exact) for c in read.clauses)
    return Query(
        asked,
        tuple(read.clauses[:MOST_CLAUSES]),
        tuple(read.years),
        tuple(read.other_years),
        whole=_whole(asked) if plain else (),
        ignored=tuple(read.ignored),
        beyond=tuple(read.beyond),
        is_cut=len(read.clauses) > MOST_CLAUSES,
    )


@dataclass(frozen=True)
class _Number:
    """An ISBN, ISSN or DOI that stands in a question."""

    at: int
    to: int
    number: str

    def start(self) -> int:
        return self.at

    def end(self) -> int:
        return self.to


def _read_all(read: _Read, pieces: Sequence[re.Match[str] | _Number], typed: Sequence[str]) -> None:
    operators = _operators(typed)
    waiting: list[str] = []  # operators whose second side did not come yet
    left = None  # where the first side begins
    for n, piece in enumerate(pieces):
        if n in operators:
            waiting.append(typed[n])
            continue
        meant, right = {OPERATORS[word] for word in waiting}, read.at
        read.take(piece, typed[n], negative="not" in meant)
        if read.at == right:
            continue  # « ville OU la banlieue »: a stop word is no side
        if "or" in meant and left and read.join(left, right):
            right = left
        elif "or" in meant:
            read.ignored += [word for word in waiting if OPERATORS[word] == "or"]
        waiting, left = [], right
    if read.clauses:
        read.ignored += [word for word in waiting if OPERATORS[word] != "and"]


class _Read:
    """What was read so far of a question."""

    def __init__(self) -> None:
        self.clauses: list[Clause] = []
        self.years: list[tuple[Span, ...]] = []
        self.other_years: list[Span] = []
        self.ignored: list[str] = []
        self.beyond: list[str] = []
        self.prefixes: set[str] = set()

    @property
    def at(self) -> tuple[int, int, int]:
        """Where we are: so many clauses, so many years, so much that « OU » cannot join."""
        return len(self.clauses), len(self.years), len(self.other_years) + len(self.ignored) + len(self.beyond)

    def take(self, piece: re.Match[str] | _Number, typed: str, *, negative: bool) -> None:
        before = len(self.clauses)
        if isinstance(piece, _Number):
            words = tuple(_words(typed, piece.at))
            self.clauses.append(Exact("i" + piece.number, otherwise=words, negative=negative))
        else:
            self._take(piece, negative=negative or bool(piece["minus"]))
        self._spare(before, typed)

    def _take(self, chunk: re.Match[str], *, negative: bool) -> None:
        quoted = next((g for g in ("quoted", "french", "curly") if chunk[g] is not None), "")
        content = quoted or "plain"
        value, at = chunk[content] or "", chunk.start(content)
        field = fold(chunk["field"] or "")
        if field in YEAR_FIELDS and (span := year_range(value)):
            if negative:
                self.other_years.append(span)
            else:
                self.years.append((span,))
        elif field in YEAR_FIELDS or _is_bare(field, value):
            self.ignored.append(chunk.group())
        elif field in IDENTIFIER_FIELDS:
            self.clauses.append(Exact("i" + normal_identifier(value), negative=negative))
        elif field in CALL_NUMBER_FIELDS:
            key = call_number_term(value.rstrip("*"))
            self.clauses.append(Exact("c" + key, prefix=value.endswith("*"), negative=negative))
        elif field in FIELDS:
            self.clauses += _text_clauses(value, at, bool(quoted), FIELDS[field], negative)
        else:
            if field:  # « Ville : bilan » typed without blanks: no field of ours, hence two words
                self.clauses += _words(chunk["field"], chunk.start("field"), negative=negative)
            self.clauses += _text_clauses(value, at, bool(quoted), (), negative)

    def _spare(self, at: int, written: str) -> None:
        """Leave out what brings in more beginnings of words than are looked for."""
        words = (word for clause in self.clauses[at:] for word in clause.words if word.prefix)
        keys = (clause.key for clause in self.clauses[at:] if isinstance(clause, Exact) and clause.prefix)
        wanted = self.prefixes.union(keys, (f"{word.parts} {word.word}" for word in words))
        if len(wanted) <= MOST_PREFIXES:
            self.prefixes = wanted
        else:
            del self.clauses[at:]
            self.beyond.append(written)

    def join(self, left: tuple[int, int, int], right: tuple[int, int, int]) -> bool:
        """What stands on both sides of « OU », words or years, becomes one; False for what cannot be joined."""
        words, others = self.clauses[left[0] : right[0]], self.clauses[right[0] :]
        years, more = self.years[left[1] : right[1]], self.years[right[1] :]
        if words and others and not any(clause.negative for clause in (*words, *others)):
            self.clauses[left[0] :] = [Either((*_options(words), *_options(others)))]
            return True
        if years and more:
            self.years[left[1] :] = [(*years[0], *more[0])]
            return True
        return False


def _options(side: Sequence[Clause]) -> tuple[Word | Phrase | Exact | All, ...]:
    """One side of « OU »: a compound stays whole."""
    if len(side) > 1:
        return (All(tuple(clause for clause in side if not isinstance(clause, All | Either))),)
    (only,) = side
    return only.options if isinstance(only, Either) else (only,)


def _operators(typed: Sequence[str]) -> dict[int, str]:
    """Which pieces are operators: never the last one, nor « OU » before anything, nor in a title all in capitals."""
    found = {n: OPERATORS[word] for n, word in enumerate(typed[:-1]) if word in OPERATORS}
    if _is_shouted([word for n, word in enumerate(typed) if n not in found]):
        return {}
    return {n: said for n, said in found.items() if n or said == "not"}


def _is_shouted(words: Sequence[str]) -> bool:
    """All in capitals, and no acronyms: « LOGEMENT ET VILLE », not « QPV OU ZUS »."""
    longest = max((sum(map(str.isalpha, word)) for word in words), default=0)
    return " ".join(words).isupper() and (len(words) > FEW_WORDS or longest > LONGEST_ACRONYM)


def _is_bare(field: str, value: str) -> bool:
    """A field with nothing after it: « auteur: », « auteur:"" »."""
    if field:
        return field in KNOWN_FIELDS and not any(letter.isalnum() for letter in value)
    return value.endswith(":") and fold(value[:-1]) in KNOWN_FIELDS


def year_range(text: str) -> tuple[int, int] | None:
    """« 2018 », « 2018-2024 », « 2018- », « -2010 »; None for anything else."""
    found = _YEARS.fullmatch(text.strip())
    if not found or not (found[1] or found[3]):
        return None
    first = int(found[1] or 1)
    last = int(found[3] or (LAST_YEAR if found[2] else first))
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
    keys = (
        "t" + exact_title(text),
        "b" + bare_title(text),
        "c" + call_number_term(text),
        "i" + normal_identifier(text),
    )
    return tuple(key for key in keys if len(key) > 1)
