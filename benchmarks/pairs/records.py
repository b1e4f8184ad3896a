"""The real records that matching is measured on: which files, under which names, and which of them say the same thing.

Nothing of them is kept here: a record is named by its file and its number or position ("roubaix:#12",
"cannet:115"), and read from `../shared/data` where that folder is. Without it the benchmark makes records of its own.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import dev
from catalogue import unimarc
from catalogue.matching import Described, describe
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, Record
from harvest import files
from harvest.crosswalk import mysqldump

DATA = dev.ROOT.parent / "shared" / "data"

# Short names of the greater files; the others are named by their path.
NAMES: Mapping[str, str] = {
    "unimarc/roubaix_bib_2383.mrc.gz": "roubaix",
    "pmb/live/exports/export_default.pmb.xml.gz": "pmb",
    "pmb/live/exports/export_all_links_items.iso2709.mrc.gz": "iso",
    "pmb/live/exports/export_all.dc.xml.gz": "dc",
    "pmb/live/exports/export_all.ris.gz": "ris",
    "marc21/laurentian_fre_500.mrc.gz": "laurentian",
    "marc21/nlnz_1001.mrc.gz": "nlnz",
    "marc21/bu_bibs_100.mrc.gz": "bu",
    "marc21/evergreen_jazz_1k.mrc.gz": "jazz",
    "marc21/rero_documents_small.xml.gz": "rero",
    "broken/marc4j_pride-and-prejudice-with-many-errors.mrc.gz": "pride",
    "unimarc/archires_etudiants_80.iso2709": "archires",
    "pmb/pmb_data_test_fr.sql.gz": "dump",
}
NUMBERED = ("pmb", "iso", "dc", "dump")  # records of one PMB, under the number that it gave them
FOLDERS = ("unimarc", "marc21", "citations", "oai", "pmb/live/exports")
# Authorities and items; alphabets that no French base has; captures that repeat another file here; records that
# somebody altered on purpose to break a rule, and fillers (« Title », « Author ») that describe nothing.
LEFT_OUT = (
    *("unimarc/lrm/UMA", "unimarc/lrm/UMH", "unimarc/roubaix_auth", "unimarc/roubaix_test", "unimarc/other_countries"),
    *("pmb/live/exports/export_default.marcxml", "oai/sickle", "oai/traject"),
    *("unimarc/sudoc_kalidos", "citations/zotero_import_tests", "citations/tellico_test"),
)
# Records that their owner made up to try something.
MADE_UP = frozenset(
    (
        *(f"unimarc/archires_kentika_40_raw.mrc:#{n}" for n in range(27, 41)),
        *(f"unimarc/archires_kentika_40_final.mrc:#{n}" for n in range(25, 30)),
        *(f"archires:#{n}" for n in range(76, 81)),
    )
)
MORE = ("broken/marc4j_pride-and-prejudice-with-many-errors.mrc.gz", "pmb/pmb_data_test_fr.sql.gz")


@dataclass(frozen=True, slots=True)
class Entry:
    ref: str  # "roubaix:#12"
    fields: Fields
    described: Described
    barcodes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return self.ref.split(":", 1)[0]

    @property
    def mark(self) -> str:
        """Eight signs that change with its title: a judgement that now speaks of another record is noticed."""
        return hashlib.sha256(fold(unimarc.full_title(self.fields)).encode()).hexdigest()[:8]


def present() -> bool:
    return (DATA / "unimarc").is_dir()


def entries() -> Iterator[Entry]:
    """Every record that is measured, in a fixed order."""
    for path in _paths():
        name = NAMES.get(path.relative_to(DATA).as_posix(), path.relative_to(DATA).as_posix())
        for position, record in enumerate((r for r in files.read(path) if isinstance(r, Record)), start=1):
            number = record.control_number if name in NUMBERED else None
            codes = tuple(item.barcode for item in record.items if item.barcode)
            if (ref := f"{name}:{number or f'#{position}'}") not in MADE_UP:
                yield entry(ref, record.fields, codes)
    yield from cannet()


def entry(ref: str, fields: Fields, barcodes: tuple[str, ...] = ()) -> Entry:
    return Entry(ref, fields, describe(fields), barcodes)


def _paths() -> list[Path]:
    found = [p for folder in FOLDERS for p in sorted((DATA / folder).rglob("*")) if p.is_file()]
    found += [DATA / name for name in MORE]
    aside = (".md", "headers.txt", ".txt.gz", ".json.txt")
    names = [(p.relative_to(DATA).as_posix(), p) for p in found]
    return [
        p for name, p in names if not name.startswith(LEFT_OUT) and not name.endswith(aside) and "headers" not in name
    ]


def cannet() -> Iterator[Entry]:
    """A town library as two tables of Koha: titles and authors in one, numbers and publishers in the other."""
    folder = DATA / "koha_sql"
    items = {row[1]: row for row in _rows(folder / "cannet_biblioitems.sql.gz")}
    for row in _rows(folder / "cannet_biblio.sql.gz"):
        yield entry(f"cannet:{_text(row[0])}", _koha(row, items.get(row[0], ())))


def _rows(path: Path) -> Iterator[tuple[mysqldump.Value, ...]]:
    with gzip.open(path) as stream:
        for part in mysqldump.read(stream, lambda table: True):  # type: ignore[arg-type]
            if isinstance(part, mysqldump.Rows):
                yield from part.rows


def _text(value: mysqldump.Value) -> str:
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else ""


def _koha(row: tuple[mysqldump.Value, ...], item: tuple[mysqldump.Value, ...]) -> Fields:
    """biblio: number, framework, author, title…; biblioitems: 2 subtitle, 5 isbn, 6 issn, 8 year, 9 publisher,
    12 and 14 series, 19 pages (Koha's own schema, kohastructure.sql)."""
    more = [_text(value) for value in item] + [""] * 24

    def field_of(tag: str, **pairs: str) -> Field:
        return {"t": tag, "i": "  ", "s": [[code, value] for code, value in pairs.items() if value]}

    found = [
        field_of("010", a=more[5]),
        field_of("011", a=more[6]),
        field_of("200", a=_text(row[3]), e=more[2], f=_text(row[2])),
        field_of("210", c=more[9], d=more[8]),
        field_of("215", a=more[19]),
        field_of("225", a=more[12], v=more[14]),
        field_of("700", a=_text(row[2])),
    ]
    return [{"t": "000", "v": unimarc.LEADER}, {"t": "001", "v": _text(row[0])}, *(f for f in found if f["s"])]


# --- one document in several files -----------------------------------------------------------


def documents(found: Mapping[str, Entry]) -> dict[str, str]:
    """The document that each record of the PMB family describes, told without looking at any title.

    PMB wrote its own number into each of its exports; the order of its RIS is that of its Dublin Core. It took in
    the file of Roubaix in order: most records are recognised by the barcode of a copy, and those between two of
    these by their place, where as many came out as went in.
    """
    known = {ref: f"pmb {ref.split(':')[1]}" for ref, e in found.items() if e.source in NUMBERED}
    numbers = [ref.split(":")[1] for ref in found if ref.startswith("dc:")]
    known |= {f"ris:#{place}": f"pmb {number}" for place, number in enumerate(numbers, start=1)}
    known |= {f"roubaix:#{place}": f"pmb {number}" for place, number in _by_barcode(found).items()}
    return {ref: document for ref, document in known.items() if ref in found}


def _by_barcode(found: Mapping[str, Entry]) -> dict[int, int]:
    """The place of a record in the file of Roubaix, and its number in PMB."""
    number_of: dict[str, int] = {}
    for record in files.read(DATA / "pmb/live/exports/export_all_links_items.iso2709.mrc.gz"):
        if isinstance(record, Record) and (record.control_number or "").isdigit():
            number_of |= {item.barcode: int(record.control_number or 0) for item in record.items if item.barcode}
    sure: list[tuple[int, int]] = []
    for entry_ in found.values():
        if entry_.source == "roubaix":
            numbers = {number_of[code] for code in entry_.barcodes if code in number_of}
            if len(numbers) == 1:
                sure.append((int(entry_.ref.split("#")[1]), numbers.pop()))
    known = dict(sure)
    for (place, number), (next_place, next_number) in pairwise(sorted(sure)):
        if next_place - place == next_number - number:
            known |= {place + step: number + step for step in range(1, next_place - place)}
    return known
