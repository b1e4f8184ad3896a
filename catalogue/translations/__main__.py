"""`python -m catalogue.translations`: gather the sentences, bring the English catalogue up to date, compile it.

A sentence that lost its place in the sources leaves the catalogue; a new one waits, empty, to be translated,
and a test fails until it is.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PO = HERE / "en" / "LC_MESSAGES" / "travee.po"
MO = PO.with_suffix(".mo")
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
OPTIONS = {"**/templates/**.html": {"trimmed": "true"}, "**/templates/**.txt": {"trimmed": "true"}}


def gathered() -> Catalog:
    """Every sentence of the four packages, with the files that say it."""
    catalog = Catalog()
    for package in ("catalogue", "harvest", "indexes", "export"):
        found = extract_from_dir(
            str(ROOT / package), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("i18n:",)
        )
        for name, _line, message, comments, context in found:
            catalog.add(message, None, [(f"{package}/{name}", 0)], auto_comments=comments, context=context)
    return catalog


def current() -> Catalog:
    if not PO.exists():
        return Catalog(locale="en")
    with PO.open("rb") as stream:
        return read_po(stream, locale="en")


def as_text(catalog: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalog, width=118, sort_output=True, omit_header=False, no_location=True, ignore_obsolete=True)
    return out.getvalue()


def compiled(catalog: Catalog) -> bytes:
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update() -> list[str]:
    """Bring both files up to date; returns the sentences that wait for their translation."""
    catalog = current()
    catalog.update(gathered(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.project, catalog.version = "travee", ""
    catalog.header_comment = "# English for Travée. French sentences are the identifiers."
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(as_text(catalog))
    MO.write_bytes(compiled(catalog))
    return untranslated(catalog)


def untranslated(catalog: Catalog) -> list[str]:
    out = []
    for message in catalog:
        strings = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        if message.id and not all(strings):
            out.append(message.id if isinstance(message.id, str) else message.id[0])
    return out


if __name__ == "__main__":
    waiting = update()
    for sentence in waiting:
        print(sentence)
    print(f"{len(waiting)} sentences to translate in {PO.relative_to(ROOT)}")
