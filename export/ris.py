"""References in RIS, for Zotero, EndNote and Mendeley: a tag a line, from TY to ER. The tags are in `ris.toml`.

What Zotero's reader does with each was looked at (docs/bibliographies.md): a person is « Surname, Given », a body
is one name without a comma after it, a date is « 2024/03/18/ » with words behind the last slash, keywords are one a
line, notes become notes. `LK` leads to our notice; `UR` is the document's own address.

UTF-8 with a byte order mark would hide the first TY from some readers: there is none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from export.citing.items import KIND_ROWS, Cited, cited
from export.records import Outgoing

_TABLE: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "ris.toml").read_text("utf-8"))
_SEASONS = ("", "printemps", "été", "automne", "hiver")


def file_bytes(notices: Iterable[Outgoing], base_url: str = "") -> Iterator[bytes]:
    for notice in notices:
        yield entry(cited(notice, base_url)).encode("utf-8", "replace")


def entry(one: Cited) -> str:
    """One reference, with the empty line that ends it."""
    return "".join(f"{tag}  - {value}\r\n" for tag, value in _lines(one)) + "\r\n"


def _lines(one: Cited) -> Iterator[tuple[str, str]]:
    row = KIND_ROWS[one.kind]
    magazine = one.item["type"] == "article-magazine"
    yield "TY", row["ris_in_book"] if one.in_book else "MGZN" if magazine else row["ris"]
    for tag, words in _tags(one.kind).items():
        for word in words.split():
            several = [number for name, number in one.numbers if name == word]
            yield from ((tag, value) for value in several or _values(one.item.get(word)))
    yield from _dates(one)
    yield from _pages(one.item)
    yield from (("KW", word) for word in one.keywords)
    yield from (("AB", paragraph) for paragraph in [" ".join(one.summary)] if paragraph)
    yield from (("N1", told) for told in one.others)
    yield from (("UR", url) for url in one.urls[1:])
    if "://" in one.permalink:
        yield "LK", one.permalink
    yield "ER", ""


@cache
def _tags(kind: str) -> dict[str, str]:
    tags = dict(_TABLE["fields"])
    for kinds, changed in _TABLE["only"].items():
        if kind in kinds.split():
            tags |= changed
    return {tag: words for tag, words in tags.items() if words != "-"}


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (_name(name) for name in value)
    elif value:
        yield str(value)


def _name(name: Mapping[str, str]) -> str:
    if "literal" in name:
        return name["literal"]
    return ", ".join(part for part in (name["family"], name.get("given", "")) if part)


def _dates(one: Cited) -> Iterator[tuple[str, str]]:
    """PY is the year alone, DA the whole date; what only words say (a range, a season) goes behind the last slash."""
    issued = one.item.get("issued", {})
    parts = issued.get("date-parts")
    if not parts:
        if literal := issued.get("literal", "").strip("[]"):
            yield "DA", f"///{literal}"
        return
    year, month, day = (*parts[0], 0, 0)[:3]
    words = _SEASONS[issued.get("season", 0)] or ("vers" if issued.get("circa") else "")
    if len(parts) > 1:
        words = one.date.replace("/", " – ")
    yield "PY", str(year)
    if month or words:
        yield "DA", "/".join([str(year), *(f"{n:02}" if n else "" for n in (month, day)), words])


def _pages(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pages = item.get("page") or item.get("number-of-pages") or ""
    start, dash, end = pages.partition("-")
    if dash and start.strip() and end.strip() and "," not in pages:
        yield from (("SP", start.strip()), ("EP", end.strip()))
    elif pages:
        yield "SP", pages
