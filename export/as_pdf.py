"""A bibliography as an accessible PDF (PDF/UA-1): tagged, titled, in its language, headings that one can jump to.

typst makes it, from the template `bibliography.typ`. What records say goes in as data, never as markup, so that a
title cannot call anything; no file but the template is read and no package is ever asked for.

Fonts: typst brings Libertinus Serif and DejaVu Sans Mono, which have the Latin, Greek, Cyrillic, Hebrew and Arabic
letters. For Chinese, Japanese or Korean it takes a font of the machine, where there is one. A sign that no font has
would vanish: PDF/UA forbids that and typst names it; it is then written in Latin letters, and the document says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst
from anyascii import anyascii

from catalogue.i18n import _, use_language
from export.bibliography import Bibliography, Entry
from export.citing.runs import FORMS, Run

_TEMPLATE = Path(__file__).parent / "bibliography.typ"
_TRIES = 6  # typst does not name all the signs that it misses at once
_LONG = 1_500  # signs of a reference that may be cut by the end of a page
_MISSING = re.compile(r"the text `\"((?:[^\"\\]|\\.)+)\"` could not be displayed")


def file_bytes(bibliography: Bibliography) -> bytes:
    with use_language(bibliography.language):
        missing: set[str] = set()
        for _try in range(_TRIES):
            try:
                return _compiled(_data(bibliography, missing))
            except typst.TypstError as fault:
                found = {sign for said in _MISSING.findall(str(fault.diagnostic)) for sign in _unquoted(said)}
                if not found - missing:
                    raise
                missing |= found
        everything = {sign for sign in json.dumps(_data(bibliography, ()), ensure_ascii=False) if sign > "\u024f"}
        return _compiled(_data(bibliography, missing | (everything - set("’‘“”–—…•€™\u202f\u2009"))))


def _compiled(data: Mapping[str, Any]) -> bytes:
    made = typst.compile(
        str(_TEMPLATE),
        root=str(_TEMPLATE.parent),
        font_paths=_fonts(),
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _unquoted(said: str) -> str:
    r"""The signs that typst quotes: « \u{200b} », « \" », or themselves."""
    plain = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda code: chr(int(code[1], 16)), said)
    return plain.replace('\\"', '"').replace("\\\\", "\\")


# --- what the template is given --------------------------------------------------------------


def _data(bibliography: Bibliography, missing: Iterable[str]) -> dict[str, Any]:
    table = str.maketrans({sign: anyascii(sign) for sign in missing})
    told = list(bibliography.told)
    if table:
        told.append(_("Des signes dont ce serveur n’a pas la police sont écrits en lettres latines."))
    data = {
        "title": bibliography.title,
        "author": bibliography.centre,
        "line": bibliography.line,
        "centre": bibliography.centre,
        "language": bibliography.language,
        "groups": [
            {
                "heading": f"{group.heading} ({group.total})" if group.heading else "",
                "entries": [_entry(entry) for entry in group.entries],
            }
            for group in bibliography.groups
        ],
        "told": told,
    }
    found: dict[str, Any] = _translated(data, table) if table else data
    return found


def _entry(entry: Entry) -> dict[str, Any]:
    place = entry.place
    return {
        "runs": [_run(run) for run in entry.runs],
        "long": sum(len(run.text) for run in entry.runs) > _LONG,
        "language": entry.language,
        "call": place.call_number if place else "",
        "where": list(place.words) if place else [],
        "summary": list(entry.summary),
        "short": entry.short_link,
        "permalink": entry.permalink if "://" in entry.permalink else "",
    }


def _run(run: Run) -> dict[str, Any]:
    said: dict[str, Any] = {"text": run.text, **{form: True for form in FORMS if getattr(run, form)}}
    return {**said, "link": run.link} if run.link else said


def _translated(value: Any, table: Mapping[int, str]) -> Any:
    """The same data, its texts without the signs of the table; addresses that are followed stay."""
    if isinstance(value, str):
        return value.translate(table)
    if isinstance(value, list):
        return [_translated(one, table) for one in value]
    if isinstance(value, dict):
        return {k: v if k in ("link", "permalink", "language") else _translated(v, table) for k, v in value.items()}
    return value
