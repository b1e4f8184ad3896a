"""A bibliography as an accessible PDF, from the template `bibliography.typ`: headings that one can jump to, references
that one can follow. How it is made, and what becomes of signs that no font has: `export.typesetting`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from catalogue.i18n import _, use_language
from export import typesetting
from export.bibliography import Bibliography, Entry
from export.citing.runs import FORMS, Run

_TEMPLATE = Path(__file__).parent / "bibliography.typ"
_LONG = 1_500  # signs of a reference that may be cut by the end of a page


def file_bytes(bibliography: Bibliography) -> bytes:
    with use_language(bibliography.language):
        return typesetting.pdf(_TEMPLATE, lambda missing: _data(bibliography, missing))


# --- what the template is given --------------------------------------------------------------


def _data(bibliography: Bibliography, missing: Collection[str]) -> dict[str, Any]:
    told = list(bibliography.told)
    if missing:
        told.append(_("Des signes dont ce serveur n’a pas la police sont écrits en lettres latines."))
    return {
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
