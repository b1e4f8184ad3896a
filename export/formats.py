"""The formats in which documents are taken away: plain dicts, so that one more is one line.

`FILES` write notices as they come, whatever their number. `PRINTED` show a bibliography: somebody chose its documents,
and it is made whole in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from catalogue.text import fold
from export import as_docx, as_html, as_pdf, as_text, bibtex, csljson, iso2709, jsonl, marcxml, ris
from export.bibliography import Bibliography
from export.records import Outgoing

MOST_PRINTED = 5_000  # documents of one printed bibliography: some 600 pages


@dataclass(frozen=True, slots=True)
class From:
    """Whose catalogue a file comes from."""

    base_url: str = ""
    centre: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    ending: str
    media_type: str
    shown: bool = False  # a browser shows it; else it is saved


FileWriter = Callable[[Iterable[Outgoing], From], Iterator[bytes]]
Printer = Callable[[Bibliography], Iterator[bytes]]

FILES: Mapping[str, FileWriter] = {
    "ris": lambda notices, of: ris.file_bytes(notices, of.base_url),
    "bibtex": lambda notices, of: bibtex.file_bytes(notices, of.base_url),
    "csljson": lambda notices, of: csljson.file_bytes(notices, of.base_url, of.centre),
    "unimarc": lambda notices, of: iso2709.file_bytes(notices),
    "marcxml": lambda notices, of: marcxml.file_bytes(notices),
    "json": lambda notices, of: _json(notices),
}
PRINTED: Mapping[str, Printer] = {
    "html": as_html.file_bytes,
    "txt": as_text.file_bytes,
    "docx": lambda made: iter((as_docx.file_bytes(made),)),
    "pdf": lambda made: iter((as_pdf.file_bytes(made),)),
}
FORMATS: Mapping[str, Format] = {
    "ris": Format(".ris", "application/x-research-info-systems; charset=utf-8"),
    "bibtex": Format(".bib", "application/x-bibtex; charset=utf-8"),
    "csljson": Format(".csl.json", "application/vnd.citationstyles.csl+json"),
    "unimarc": Format(".mrc", "application/marc"),
    "marcxml": Format(".xml", "application/marcxml+xml"),
    "json": Format(".json", "application/json", shown=True),
    "html": Format(".html", "text/html; charset=utf-8", shown=True),
    "txt": Format(".txt", "text/plain; charset=utf-8", shown=True),
    "docx": Format(".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "pdf": Format(".pdf", "application/pdf", shown=True),
}
BY_ENDING: Mapping[str, str] = {made.ending[1:]: name for name, made in FORMATS.items()}


def file_name(title: str, format: str) -> str:
    """« la-ville-en-miettes.docx »: ASCII, short, never empty.

    >>> file_name("L’œuvre & la ville ?", "ris")
    'l-oeuvre-la-ville.ris'
    """
    words = "-".join(fold(title[:200]).split())[:60].rstrip("-")
    return (words or "bibliographie") + FORMATS[format].ending


def _json(notices: Iterable[Outgoing]) -> Iterator[bytes]:
    documents = [jsonl.document(notice) for notice in notices]
    only = documents[0] if len(documents) == 1 else documents
    yield (json.dumps(only, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
