"""What a notice looks like to the index, and the shape of the Whoosh index that holds it.

Whoosh is given terms that are already analysed, weighted and placed; it keeps them safe on disk (as `codec`
writes them), commits and merges them. One field, `all`, holds every word of a notice:

* its weight says how much the word counts there: BM25F, that is how often it stands in each part of the
  notice, times the weight of the part, tempered by the part's length. Asking needs no second list;
* its positions say where it stands: each part has a band of positions of its own, far from the others.
  A phrase cannot run from the title into the abstract, and `titre:` is a question about positions.

`word` holds the unstemmed words (prefixes, and the dictionary of the speller), `exact` whole strings
(identifiers, call numbers, titles), `doc` one line of JSON per notice: what filters, sorts and counts.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from whoosh import fields, formats
from whoosh.columns import VarBytesColumn

from indexes import texts
from indexes.analysis import (
    STOP_WORDS,
    bare_title,
    call_number_term,
    display_form,
    exact_title,
    normal_identifier,
    word_parts,
    written_words,
)

FORMAT = 7  # raise it with every change of fields, weights or analysis: older indexes are rebuilt then


@dataclass(frozen=True)
class IndexDoc:
    """What the index is told of a notice."""

    notice_id: int
    title: str
    more_titles: tuple[str, ...] = ()  # subtitles, other titles
    agents: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    series: str = ""
    host_title: str = ""
    abstract: str = ""
    notes: str = ""
    identifiers: tuple[str, ...] = ()
    call_numbers: tuple[str, ...] = ()
    status: str = "published"
    scope: str = "local"  # "local": ours; "network": a partner's
    kind: str = "book"
    themes: tuple[str, ...] = ()  # labels, as filters show them
    language: str = ""
    languages: tuple[str, ...] = ()
    year: int | None = None
    access: tuple[str, ...] = ()  # of "online", "onsite", "partner"
    changed_seq: int = 0
    added: int = 0  # day of arrival, counted from 1970
    sort_key: str = ""
    texts: tuple[texts.Text, ...] = ()  # of its digital documents, read when it is written


@dataclass(frozen=True)
class Part:
    """A part of a notice: its band of positions, what its words weigh, how long it usually is."""

    band: int
    weight: float
    usual_length: int


PARTS = {
    "title": Part(0, 5.0, 8),
    "more_titles": Part(1, 3.5, 8),
    "agents": Part(2, 3.0, 5),
    "subjects": Part(3, 2.5, 8),
    "host": Part(4, 0.6, 8),
    "abstract": Part(5, 1.0, 80),
    "notes": Part(6, 0.5, 60),
}
BAND = 1 << 16
GAP = 50  # between two values of one part: a phrase does not run from one author into the next
TEMPER = 0.6  # how far a long part is tempered: 0 not at all, 1 in full
SEPARATOR = "\x1f"


class PositionArray(formats.Positions):
    """Positions as plain 32-bit numbers, as `codec` keeps them."""

    def decode_positions(self, valuestring: bytes) -> list[int]:
        return [number for (number,) in struct.iter_unpack("<I", valuestring)]

    def decode_frequency(self, valuestring: bytes) -> int:
        return len(valuestring) // 4


class Terms(fields.FieldType):
    """All the terms of a document in one go, as `codec.TermPool` takes them: as they are, nothing is analysed."""

    def index(self, value: Any, **_options: Any) -> Iterator[tuple[Any, int, float, None]]:
        yield value, 1, 1.0, None


def _words() -> Terms:
    """Terms with a weight and positions, as `placed_words` gives them."""
    return Terms(PositionArray(), None)


def _strings() -> Terms:
    """A set of terms."""
    return Terms(formats.Existence(), None)


SCHEMA = fields.Schema(all=_words(), word=_strings(), exact=_strings(), doc=fields.COLUMN(VarBytesColumn()))


def to_document(doc: IndexDoc, folder: Path | None = None) -> dict[str, Any]:
    """The fields Whoosh is given for one notice; the texts of its documents lie in `folder`."""
    placed, forms = placed_words(parts_of(doc))
    if doc.texts and folder is not None:
        placed = texts.place(texts.read(doc.texts, folder), placed)
    return {"all": placed, "word": forms, "exact": exact_terms(doc), "doc": columns_of(doc)}


def parts_of(doc: IndexDoc) -> dict[str, tuple[str, ...]]:
    return {
        "title": (doc.title,),
        "more_titles": doc.more_titles,
        "agents": doc.agents,
        "subjects": doc.subjects + doc.keywords,
        "host": (doc.series, doc.host_title),
        "abstract": (doc.abstract,),
        "notes": (doc.notes,),
    }


def placed_words(
    parts: dict[str, tuple[str, ...]],
) -> tuple[dict[bytes, tuple[float, list[int]]], set[bytes]]:
    """Every term with its weight and positions, and the unstemmed words as the dictionary keeps them."""
    weights: dict[bytes, float] = {}
    positions: defaultdict[bytes, list[int]] = defaultdict(list)
    forms: set[bytes] = set()
    for name, values in parts.items():
        part = PARTS[name]
        counts: defaultdict[bytes, int] = defaultdict(int)
        place, length = part.band * BAND, 0
        last = place + BAND - 1
        for value in values:
            for written in written_words(value):
                for term, form in _indexed(written):
                    if term:
                        length += 1
                        counts[term] += 1
                        positions[term].append(min(place, last))
                        forms.add(form)
                    place += 1
            place += GAP
        tempered = part.weight / (1 - TEMPER + TEMPER * length / part.usual_length) if length else 0.0
        for term, count in counts.items():
            weights[term] = weights.get(term, 0.0) + count * tempered
    return {term: (weights[term], places) for term, places in positions.items()}, forms


@lru_cache(maxsize=200_000)
def _indexed(written: str) -> tuple[tuple[bytes, bytes], ...]:
    """The term and the dictionary's form of each word of a written one; a stop word takes its place and no more."""
    return tuple(
        (b"", b"") if word in STOP_WORDS else (term.encode(), dictionary_term(word, written).encode())
        for word, term in word_parts(written)
    )


def dictionary_term(word: str, written: str) -> str:
    """`logement`, or `ecole` + separator + `école`: found by its plain letters, proposed as written."""
    form = display_form(written)
    return word if form == word else word + SEPARATOR + form


def exact_terms(doc: IndexDoc) -> set[bytes]:
    titles = {exact_title(title) for title in (doc.title, " ".join((doc.title, *doc.more_titles[:1])))}
    terms = (
        {"t" + title for title in titles if title}
        | {"b" + bare for bare in {bare_title(doc.title)} if bare}
        | {"i" + normal_identifier(value) for value in doc.identifiers if value.strip()}
        | {"c" + call_number_term(value) for value in doc.call_numbers if value.strip()}
    )
    return {term.encode() for term in terms}


# In the order of the line; `facets.Columns` takes them back in the same order.
def columns_of(doc: IndexDoc) -> bytes:
    line = [
        doc.notice_id,
        doc.changed_seq,
        digest_of(doc),
        doc.status,
        doc.scope,
        doc.kind,
        doc.year or 0,
        doc.added,
        doc.sort_key or exact_title(doc.title),
        list(dict.fromkeys(doc.themes)),
        list(dict.fromkeys(doc.languages or ((doc.language,) if doc.language else ()))),
        list(dict.fromkeys(doc.access)),
    ]
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def digest_of(doc: IndexDoc) -> int:
    """All that the index is told of a notice as one number: another one says that it was told something else."""
    said = repr(doc).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)
