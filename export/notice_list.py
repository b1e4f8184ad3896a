"""Notices as a plain list for a spreadsheet: a line each, what a person looks for in columns.

For reading, sorting and counting: it does not say all that a notice says (`export.jsonl` does). Its headings are
those that an import of a spreadsheet knows again. Cells are harmless (`export.tables`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence

from catalogue import unimarc
from catalogue.i18n import _, current_language
from catalogue.unimarc import KINDS
from export import tables
from export.records import Outgoing
from export.tables import Cell

_BETWEEN = " ; "
_PIECE = 1 << 16


def columns(licensed: bool = False) -> list[str]:
    """`licensed`: for others, who are told under which licence each source gave its data."""
    return [
        _("N° de la notice"),
        _("Type de document"),
        _("Titre"),
        _("Auteurs"),
        _("Éditeur"),
        _("Année"),
        _("ISBN"),
        _("ISSN"),
        _("Sujets"),
        _("Cote"),
        _("Code-barres"),
        _("Adresse de la notice"),
        *([_("Licences")] if licensed else []),
    ]


def rows(notices: Iterable[Outgoing], base_url: str = "", licensed: bool = False) -> Iterator[Sequence[Cell]]:
    for notice in notices:
        fields, kind = notice.fields, KINDS.get(notice.kind)
        numbers = unimarc.identifiers(fields)
        yield (
            notice.address,
            (kind.en if current_language() == "en" else kind.fr) if kind else notice.kind,
            notice.title,
            _together(responsibility.name for responsibility in unimarc.responsibilities(fields)),
            _together(unimarc.publishers(fields)),
            notice.year,
            _together(value for scheme, value in numbers if scheme == "isbn"),
            _together(value for scheme, value in numbers if scheme == "issn"),
            _together(subject.label for subject in unimarc.subjects(fields)),
            _together(item.call_number for item in notice.items),
            _together(item.barcode for item in notice.items),
            f"{base_url.rstrip('/')}/d/{notice.address}",
            *([_together(one.words for one in notice.licences)] if licensed else []),
        )


def csv_bytes(notices: Iterable[Outgoing], base_url: str = "", licensed: bool = False) -> Iterator[bytes]:
    return tables.to_csv(columns(licensed), rows(notices, base_url, licensed))


def xlsx_bytes(notices: Iterable[Outgoing], base_url: str = "", licensed: bool = False) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        tables.to_xlsx(columns(licensed), rows(notices, base_url, licensed), file, title=_("Notices"))
        file.seek(0)
        yield from iter(lambda: file.read(_PIECE), b"")


def _together(values: Iterable[str]) -> str:
    return _BETWEEN.join(dict.fromkeys(value for value in values if value))
