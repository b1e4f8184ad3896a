"""Real records with their descriptors, read from `../shared/data` where that folder is; else a few of our own making.

Nothing of them is kept here. A descriptor is a heading of a thesaurus: 606 or 607, or a 610 with the number of an
authority (its $a: subdivisions say of what country or time, and are the cataloguer's). A 610 without one is a keyword
of nobody's thesaurus. The same document is taken once, in the first file that has it:
told by its title, or by its ISBN. A document is held out by the hash of its title, so always the same ones are.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.pairs.records import DATA, LEFT_OUT
from catalogue import unimarc
from catalogue.entities import Thesaurus
from catalogue.text import fold
from catalogue.unimarc import Fields, Record
from harvest import files

PARTS = 5  # one is held out; the four others are for tuning, each in its turn
FILES = {
    "roubaix": ("unimarc/roubaix_bib_2383.mrc.gz",),
    "archires": ("unimarc/archires_etudiants_80.iso2709",),
    "laurentian": ("marc21/laurentian_fre_500.mrc.gz",),
    "pmb": ("pmb/live/exports/export_default.pmb.xml.gz", "pmb/pmb_data_test_fr.sql.gz"),
    "nlnz": ("marc21/nlnz_1001.mrc.gz",),
    "jazz": ("marc21/evergreen_jazz_1k.mrc.gz",),
}
FRENCH = ("roubaix", "archires", "laurentian", "pmb", "small files")
FLAT = "pmb, alone"  # all that PMB exports, although most of it is Roubaix again, its headings cut up into keywords
FEWEST = 20  # documents of a corpus: less says nothing


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    abstract: str
    headings: tuple[str, ...]  # of a thesaurus
    keywords: tuple[str, ...]  # of none
    isbns: tuple[str, ...] = ()

    @property
    def descriptors(self) -> frozenset[str]:
        return frozenset(map(fold, self.headings))

    @property
    def all_words(self) -> frozenset[str]:
        return frozenset(map(fold, (*self.headings, *self.keywords)))

    @property
    def part(self) -> int:
        """0: held out."""
        return int(hashlib.sha256(fold(self.title).encode()).hexdigest(), 16) % PARTS


@dataclass(frozen=True, slots=True)
class Corpus:
    """A base. `terms`: what its thesaurus holds beside the headings of its documents: (term, synonyms)."""

    name: str
    documents: tuple[Document, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def counted(self) -> bool:
        return self.name in FRENCH or self.name == "made"


def corpora() -> list[Corpus]:
    if not (DATA / "unimarc").is_dir():
        return [Corpus("made", tuple(_once(_made(600), set())))]
    seen: set[str] = set()
    named = {path for paths in FILES.values() for path in paths}
    found: list[Corpus] = []
    for name, paths in FILES.items():
        own = seen if name in FRENCH else set[str]()
        documents = tuple(d for path in paths for d in _once(_read(path), own))
        found.append(Corpus(name, documents, tuple(_thesaurus(name))))
    small = [p.relative_to(DATA).as_posix() for p in sorted((DATA / "unimarc").rglob("*")) if p.is_file()]
    others = [path for path in small if path not in named and not path.startswith(LEFT_OUT)]
    found.append(Corpus("small files", tuple(d for path in others for d in _once(_read(path), seen))))
    found.append(Corpus(FLAT, tuple(d for path in FILES["pmb"] for d in _once(_read(path), set[str]()))))
    return [corpus for corpus in found if len(corpus.documents) >= FEWEST]


def _read(path: str) -> Iterator[Document]:
    for record in files.read(DATA / path):
        if isinstance(record, Record) and (document := _document(record.fields)):
            yield document


def _document(fields: Fields) -> Document | None:
    """None for what has no title or no descriptor."""
    controlled = [f for f in unimarc.each(fields, "606", "607", "610") if f["t"] != "610" or unimarc.first(f, "9")]
    headings = [unimarc.clean(unimarc.first(f, "a")) for f in controlled]
    words = [unimarc.clean(w) for value in unimarc.values(fields, "610", "a") for w in value.split(";")]
    title = unimarc.full_title(fields)
    document = Document(
        title,
        unimarc.texts(fields).abstract,
        tuple(dict.fromkeys(h for h in headings if fold(h))),
        tuple(dict.fromkeys(w for w in words if fold(w))),
        tuple(unimarc.isbns(fields)),
    )
    return document if fold(title) and document.all_words else None


def _once(documents: Iterator[Document], seen: set[str]) -> Iterator[Document]:
    for document in documents:
        marks = {fold(document.title), *document.isbns}
        if marks.isdisjoint(seen):
            yield document
        seen |= marks


def _thesaurus(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What its authority file or its published thesaurus says."""
    if name == "roubaix":
        for row in files.read(DATA / "unimarc/roubaix_auth_1585.mrc.gz"):
            if isinstance(row, Thesaurus):
                for one in row.rows:
                    yield one.preferred.get("fr", ""), tuple(word for _language, word in one.alternate)
    if name == "archires" and (file := DATA / "skos/archires_mapping_known_DB.csv.gz").exists():
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in csv.DictReader(lines, delimiter=";"):
                yield line["Koha_Archires_prefLabel@fr"] or line["Opentheso_prefLabel@fr"], ()


# --- without the real ones -----------------------------------------------------------------------

_THINGS = str.split("logement école emploi santé transport sport culture sécurité commerce énergie")
_PLACES = str.split("quartier commune métropole région centre périphérie")
_ASPECTS = str.split("histoire accès financement évaluation concertation rénovation égalité prévention")


def _made(n: int) -> Iterator[Document]:
    """Titles that name their subjects most of the time, and often in other words: to see that the benchmark runs."""
    random = Random(11)
    for number in range(n):
        thing, place, aspect = (random.choice(words) for words in (_THINGS, _PLACES, _ASPECTS))
        headings = [f"{aspect.capitalize()} ({thing})", place.capitalize()]
        if random.random() < 0.3:
            headings.append(f"Politique {random.choice(('publique', 'locale', 'sociale'))}")
        abstract = f"Comment {aspect} et {thing} se répondent dans chaque {place}." if random.random() < 0.5 else ""
        yield Document(f"{aspect.capitalize()} et {thing} n° {number}", abstract, tuple(headings), ())


def headings_of(documents: Sequence[Document]) -> list[str]:
    """Each once, in the first spelling."""
    return list({fold(h): h for d in reversed(documents) for h in reversed(d.headings)}.values())
