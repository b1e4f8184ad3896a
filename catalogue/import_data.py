"""The report of an import as data: one JSON document, and a spreadsheet, with what its page says.

Both come in pieces: an import may have refused tens of thousands of records (`imports.refused`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from catalogue.db import chunks
from catalogue.i18n import _, current_language
from catalogue.import_words import ENTERED, entered
from catalogue.imports import ImportPage, RefusedLine, ToldLine
from catalogue.unimarc import KINDS


def to_json(page: ImportPage, refused: Iterable[RefusedLine]) -> Iterator[str]:
    """The page and all its refused records as one JSON document."""
    yield json.dumps(_document(page))[:-1] + ', "refused_records": ['
    for n, part in enumerate(chunks(refused, 100)):
        yield ", " * bool(n) + ", ".join(json.dumps(_refused_document(line)) for line in part)
    yield "]}\n"


def _document(page: ImportPage) -> dict[str, Any]:
    return {
        "run": page.id,
        "file": page.file,
        "source": page.source,
        "format": page.format,
        "status": page.status,
        "reason": page.reason or None,
        "started_at": page.started_at.isoformat(),
        "ended_at": page.ended_at.isoformat() if page.ended_at else None,
        "seconds": page.seconds,
        "counts": dict(page.counts),
        "kinds": dict(page.kinds),
        "problems": [_told_document(line) for line in page.told],
        "more_problems": page.more_told,
        "unknown_codes": [{"about": line.about, "code": line.code, "count": line.count} for line in page.codes],
        "more_unknown_codes": page.more_codes,
        "waiting": list(page.waiting),
        "batch": page.lot,
    }


def _refused_document(line: RefusedLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "position": line.position,
        "identifier": line.identifier,
        "title": line.title,
        "code": line.code,
        "reason": line.sentence,
        "state": line.state,
    }


def _told_document(line: ToldLine) -> dict[str, Any]:
    return {
        "code": line.code,
        "tag": line.tag,
        "subfield": line.subfield,
        "level": line.level,
        "found_by": "check" if line.checked else "reader",
        "count": line.count,
        "sentence": line.sentence,
        "records": [
            {
                "position": met.position,
                "identifier": met.identifier,
                "value": met.value,
                "sentence": met.sentence,
                "notice": met.address,
            }
            for met in line.first
        ],
    }


def columns() -> list[str]:
    """The header of the spreadsheet, in the order of `rows`."""
    return [
        _("Partie"),
        _("Ce qui est dit"),
        _("Combien"),
        _("Gravité"),
        _("Zone"),
        _("Sous-zone"),
        _("Notice n°"),
        _("Identifiant"),
        _("Valeur"),
        _("Adresse de la notice"),
    ]


def rows(page: ImportPage, refused: Iterable[RefusedLine]) -> Iterator[list[str | int | None]]:
    """Everything the page says, a line a thing; a problem has a line for itself and one for each record named."""
    head = [page.file, page.source, page.format, page.state, page.reason]
    yield [_("Import"), " · ".join(part for part in head if part), None, "", "", "", None, "", "", ""]
    for _name, n, words in entered(page.counts, (*ENTERED, "refused")):
        yield [_("Ce qui est entré"), words, n, "", "", "", None, "", "", ""]
    for kind, n in page.kinds:
        yield [_("Ce qui est entré"), _kind_words(kind), n, "", "", "", None, "", "", ""]
    for words in page.waiting:
        yield [_("Ce qui attend"), words, None, "", "", "", None, "", "", ""]
    for line, words in page.read_as:
        yield [_("Comment le fichier a été lu"), words, None, line.level_words, "", "", None, "", "", ""]
    parts = (
        (_("Ce qui a été réparé"), page.repaired),
        (_("Ce que le fichier n’a pas changé"), page.left_alone),
        (_("À vérifier ou à compléter"), page.to_check),
    )
    for part, line in ((part, line) for part, lines in parts for line in lines):
        level, tag, subfield = line.level_words, line.tag, line.subfield
        yield [part, line.sentence, line.count, level, tag, subfield, None, "", "", ""]
        for met in line.first:
            where: list[str | int | None] = [met.position, met.identifier, met.value, met.address]
            yield [part, met.sentence, None, level, tag, subfield, *where]
    for code in page.codes:
        yield [_("Codes inconnus"), code.about_words, code.count, "", "", "", None, "", code.code, ""]
    for one in refused:
        where = [one.position, one.identifier, one.title, ""]
        yield [_("Notices refusées"), one.sentence, None, one.state_words, "", "", *where]


def _kind_words(code: str) -> str:
    kind = KINDS.get(code)
    return (kind.en if current_language() == "en" else kind.fr) if kind else code
