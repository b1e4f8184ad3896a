"""French words, as they are indexed, asked for and highlighted: one analysis for the three. Pure.

A word is folded (accents, case, ligatures, apostrophes), **then** stemmed. In that order `ecole` finds
« école »: a stem made from the accented word would often differ from the one of its plain spelling.
Elided particles (l', d', qu', jusqu'…) are words of their own, and stop words, so that « l'école »,
« l’école », « l ecole » and « école » are all the same question.

>>> terms("L’accès aux œuvres d’aujourd’hui")
['acce', 'oeuvr', 'aujourdhui']
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from catalogue.identifiers import find_doi, find_isbn, find_issn

LONGEST_WORD = 60  # what is longer is cut, in the index and in the question alike
_STOP = """
    a afin ainsi au aux avec c ce ceci cela ces cet cette chez comme d dans de des donc dont du elle
    elles en entre es est et etaient etait etant eux il ils j je jusqu l la le les leur leurs lorsqu
    lui m ma mais me meme memes mes mon n ne ni nos notre nous on ont ou par pas pour puisqu qu
    quand que quelqu quelque quelques qui quoi quoiqu s sa sans se sera ses si son sont sous sur t
    ta te tes toi ton tous tout toute toutes tres tu un une vers vos votre vous y
"""
STOP_WORDS = frozenset(_STOP.split())

_APOSTROPHES = "’‘‛ʼʹ′＇`´"
_HYPHENS = "‐‑‒–—―−﹣－"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_LETTERS = {
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys(_HYPHENS, "-"),
    **dict.fromkeys(_INVISIBLE, ""),
    **{"ŉ": "'n", "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss", "ø": "o", "Ø": "o"},
    **{"đ": "d", "Đ": "d", "ł": "l", "Ł": "l", "ı": "i"},
}
# Plurals that the stemmer does not bring back to their singular (it does: chevaux, sociaux, gâteaux).
_PLURALS = {
    **{"travaux": "travail", "vitraux": "vitrail", "baux": "bail", "coraux": "corail", "emaux": "email"},
    **{"soupiraux": "soupirail", "yeux": "oeil", "cieux": "ciel"},
    **{f"{word}x": word for word in ("jeu", "enjeu", "lieu", "milieu", "feu", "voeu", "neveu", "cheveu", "aveu")},
    **{f"{word}x": word for word in ("adieu", "pieu", "essieu", "banlieu", "noyau", "tuyau", "bijou", "caillou")},
    **{f"{word}x": word for word in ("chou", "genou", "hibou", "joujou", "pou")},
}
# Words in s that would become another word without it.
_NO_PLURALS = frozenset(str.split("mois fois trois paris bus dos plus puis cas sens bras repos pays vers bois"))
_UNSEEN = dict.fromkeys(map(ord, _INVISIBLE))
_INSIDE = dict.fromkeys(map(ord, "'."))  # signs inside a word
_TABLE = {ord(sign): plain for sign, plain in _LETTERS.items()}
_MARKS = re.compile("[\u0300-\u036f]+")
# Chinese and Japanese are written without blanks: each character is a word, and what is near stands first.
_SIGN = "\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"
_LETTER = f"(?:[^\\W_ʼʹ{_SIGN}]|[\u0300-\u036f{_INVISIBLE}])"
# « R.E.C.I. » is RECI; two letters are the initials of a person (« J.-P. », « A.B. »). Letters that fold into one.
_INITIAL = f"[a-zÀ-ÅÇ-ÖØ-Ýà-åç-öø-ýÿ][\u0300-\u036f{_INVISIBLE}]*"
_ACRONYM = rf"(?<![^\W_])(?<![\u0300-\u036f{_INVISIBLE}])(?:{_INITIAL}\.){{2,}}{_INITIAL}(?!{_LETTER})"
# Two families of words are written with an apostrophe that elides nothing.
_ELIDED = f"(?:aujourd|prud)['{_APOSTROPHES}](?=h){_LETTER}+"
_WORD = re.compile(f"[{_SIGN}]|{_ACRONYM}|{_ELIDED}|{_LETTER}+", re.IGNORECASE)


class Token(NamedTuple):
    """One word of a text and where it stands in it."""

    term: str  # folded and stemmed: what the index knows
    word: str  # folded only: prefixes and the dictionary
    start: int
    end: int

    @property
    def stop(self) -> bool:
        return self.word in STOP_WORDS


def fold(text: str) -> str:
    """Without accents, ligatures, capitals or typographic signs: « L’Œuvre d’Été » -> "l'oeuvre d'ete"."""
    if text.isascii():
        return text.lower()
    text = text.translate(_TABLE)
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
        # Folding case may bring back what the first pass took out (Greek, Turkish, old letters).
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_TABLE)
        text = unicodedata.normalize("NFC", text)
    return text.lower()


def stem(word: str) -> str:
    """The term of a folded word."""
    stemmer = getattr(_own, "stemmer", None)
    if stemmer is None:
        stemmer = _own.stemmer = Stemmer.Stemmer("french", 0)
    term: str = stemmer.stemWord(_singular(word))
    return term or word


def _singular(word: str) -> str:
    """A plural loses its s before it is stemmed: the stemmer keeps it in « emplois », « lois », « élus », and takes
    « petit » and « étranger », but not their plurals, for verbs; they would part."""
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss") and word not in _NO_PLURALS:
        word = word[:-1]
    return _PLURALS.get(word, word)


def tokens(text: str) -> Iterator[Token]:
    """Every word, stop words included: their places count in a phrase."""
    for found in _WORD.finditer(text):
        for word, term in word_parts(found.group()):
            yield Token(term, word, found.start(), found.end())


def written_words(text: str) -> list[str]:
    """The words as they are written; `word_parts` says what each one is to the index."""
    found: list[str] = _WORD.findall(text)
    return found


def terms(text: str) -> list[str]:
    """The words worth searching for, stemmed, in order."""
    return [token.term for token in tokens(text) if not token.stop]


@lru_cache(maxsize=100_000)
def display_form(text: str) -> str:
    """How a word is shown when the dictionary proposes it: as written, in small letters."""
    return unicodedata.normalize("NFC", text.translate(_UNSEEN)).lower()


def normal_identifier(text: str) -> str:
    """ISBN, ISSN and DOI in one spelling each; anything else without blanks, hyphens and capitals.

    >>> normal_identifier("ISBN 2-7071-4272-7") == normal_identifier("978 2 7071 4272 6")
    True
    """
    text = unicodedata.normalize("NFKC", text).translate(_TABLE)
    if doi := find_doi(text):
        return doi
    text = _LABEL.sub("", text)
    number = find_isbn(text) or find_issn(text) or find_issn(_BARE_ISSN.sub(r"\1-\2", text)) or text
    return re.sub(r"[\s\-]+", "", number).casefold()


def exact_title(text: str) -> str:
    """A whole title, stop words included: « Être et avoir » is found although it says nothing else."""
    return " ".join(token.word for token in tokens(text))[:200]


def bare_title(text: str) -> str:
    """A whole title as people remember it, without its little words: « Mère et filles » is "mere filles"."""
    return " ".join(token.word for token in tokens(text) if not token.stop)[:200]


def call_number_term(text: str) -> str:
    """A call number as typed by anyone: capitals and runs of blanks mean nothing."""
    return " ".join(fold(text).split())


def highlight(text: str, wanted: Iterable[str], limit_chars: int = 240) -> list[tuple[str, bool]]:
    """The part of a text that says most about the wanted terms, in pieces: (words, is it one of them).

    A term that ends with `*` stands for every word it begins. Accents and elisions stay as written;
    where the text is cut, the piece says « … ».
    """
    wanted = set(wanted)
    stems = {term for term in wanted if not term.endswith("*")}
    begins = tuple(term[:-1] for term in wanted if term.endswith("*"))
    spans = [
        (found.start(), found.end(), term)
        for found in _WORD.finditer(text)
        for word, term in word_parts(found[0])
        if (term in stems or (begins and word.startswith(begins))) and word not in STOP_WORDS
    ]
    start, end = _window(text, spans, limit_chars)
    pieces: list[tuple[str, bool]] = []
    at = start
    for left, right, _term in spans:
        if left < at or right > end:
            continue
        pieces += [(text[at:left], False), (text[left:right], True)]
        at = right
    pieces.append((text[at:end], False))
    if start > 0:
        pieces.insert(0, ("… ", False))
    if end < len(text):
        pieces.append((" …", False))
    return _joined(pieces)


_LABEL = re.compile(r"^\s*e?-?(?:isbn|issn|ean|doi)(?:-1[03])?[\s:]+", re.IGNORECASE)
_BARE_ISSN = re.compile(r"\b(\d{4})(\d{3}[\dXx])\b")
_known: dict[str, tuple[tuple[str, str], ...]] = {}
_own = threading.local()  # a Stemmer may not be shared between threads


def word_parts(written: str) -> tuple[tuple[str, str], ...]:
    """(word, term) of a written word; some signs fold into two words (« ½ »), or into none."""
    parts = _known.get(written)
    if parts is None:
        if len(_known) > 200_000:
            _known.clear()
        words = [folded.translate(_INSIDE)[:LONGEST_WORD] for folded in _WORD.findall(fold(written))]
        parts = _known[written] = tuple((word, stem(word)) for word in words if word)
    return parts


def _window(text: str, spans: list[tuple[int, int, str]], limit: int) -> tuple[int, int]:
    """The stretch with the most different terms, then the most words, then the earliest."""
    if len(text) <= limit:
        return 0, len(text)
    best, start = (0, 0, 0), 0
    for left, _right, _term in spans[:200]:
        inside = [span for span in spans[:200] if span[0] >= left and span[1] <= left + limit]
        merit = (len({span[2] for span in inside}), len(inside), -left)
        if merit > best:
            best, start = merit, left
    start = max(0, min(start - limit // 8, len(text) - limit))
    if start:
        start = next((at for at in range(start, min(start + 40, len(text))) if text[at - 1].isspace()), start)
    end = min(len(text), start + limit)
    if end < len(text):
        end = next((at for at in range(end, max(start + 1, end - 40), -1) if text[at].isspace()), end)
    return start, end


def _joined(pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    out: list[tuple[str, bool]] = []
    for words, marked in pieces:
        if words and out and not marked and not out[-1][1]:
            out[-1] = (out[-1][0] + words, False)
        elif words:
            out.append((words, marked))
    return out
