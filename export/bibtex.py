r"""References in BibTeX, in UTF-8: what LaTeX, JabRef and Zotero read. The fields are in `bibtex.toml`.

Letters are written as they are; only the signs that are commands in LaTeX are written as commands (`\&`, `\%`).
Braces keep capitals that a style would lower: acronyms (`{ANRU}`), names with a capital inside (`{McDonald}`), every
capital of a title in a language that capitalises names only, after its first word. A body is in braces, which no
program cuts at its commas and « and ».

The key is the surname, the year and our address, in ASCII (`dumas1998k7m4x9q0`): the same notice always has the same,
and two notices never do. `biburl` leads to our notice.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from catalogue.text import fold
from export.citing.items import KIND_ROWS, Cited, cited
from export.csljson import keywords
from export.records import Outgoing

_TABLE: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "bibtex.toml").read_text("utf-8"))
_VERBATIM = frozenset(_TABLE["verbatim"]["fields"])
_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_COMMANDS = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\~{}",
        "^": r"\textasciicircum{}",
        **{sign: "\\" + sign for sign in "&%$#_"},
    }
)
_CAPITALS = re.compile(r"\w*[A-ZÀ-ÖØ-ÞŒŸ]\w*")


def file_bytes(notices: Iterable[Outgoing], base_url: str = "") -> Iterator[bytes]:
    for notice in notices:
        yield entry(cited(notice, base_url)).encode("utf-8", "replace")


def entry(one: Cited) -> str:
    fields = ",\n".join(f"  {name} = {value}" for name, value in _fields(one))
    return f"@{_type(one)}{{{key(one)},\n{fields}\n}}\n\n"


def key(one: Cited) -> str:
    first: Mapping[str, str] = next(
        (name for variable in ("author", "editor", "director") for name in one.item.get(variable, ())), {}
    )
    words = fold(first.get("family") or first.get("literal") or one.item["title"]).split()
    word = next((word for word in words if len(word) > 2), words[0] if words else "anonyme")  # no « l’ », no « la »
    return f"{word[:20]}{one.year or ''}{one.address}"


def _type(one: Cited) -> str:
    row = KIND_ROWS[one.kind]
    return str(row["bibtex_in_book"] if one.in_book else row["bibtex"])


def _fields(one: Cited) -> Iterator[tuple[str, str]]:
    for name, word in _names(_type(one), one.in_book).items():
        value = " ".join(n for variable, n in one.numbers if variable == word != "DOI") or one.item.get(word)
        if isinstance(value, list):
            yield name, "{" + " and ".join(_person(person) for person in value) + "}"
        elif value:
            yield name, "{" + _said(name, str(value), one) + "}"
    yield from _dates(one)
    if one.kind == "press_article":
        yield "entrysubtype", "{magazine}" if one.item["type"] == "article-magazine" else "{newspaper}"
    more = (
        ("keywords", keywords(one)),
        ("abstract", "\n\n".join(one.summary)),
        ("note", ". ".join(one.others)),
    )
    yield from ((name, "{" + _escaped(value) + "}") for name, value in more if value)
    if "://" in one.permalink:
        yield "biburl", "{" + one.permalink + "}"


@cache
def _names(type_: str, in_book: bool) -> dict[str, str]:
    names = dict(_TABLE["fields"]) | _TABLE["types"].get(type_, {}) | (_TABLE["in_book"] if in_book else {})
    return {name: word for name, word in names.items() if word != "-"}


def _said(name: str, value: str, one: Cited) -> str:
    if name in _VERBATIM:
        return re.sub(r"[{}\\]", lambda sign: f"%{ord(sign[0]):02X}", value)
    if name == "pages":
        return _escaped(re.sub(r"\s*-\s*", "--", value))
    return _title(value, one.item["language"]) if name in ("title", "booktitle") else _escaped(value)


def _title(value: str, language: str) -> str:
    """With braces around what must keep its capitals."""
    if "{" in value or "}" in value:
        return _escaped(value)
    pieces, at = [], 0
    for found in _CAPITALS.finditer(value):
        word = found[0]
        only_first = not any(sign.isupper() for sign in word[1:])
        if only_first and (language == "en" or found.start() == 0):
            continue
        pieces += [_escaped(value[at : found.start()]), "{" + _escaped(word) + "}"]
        at = found.end()
    return "".join((*pieces, _escaped(value[at:])))


def _person(name: Mapping[str, str]) -> str:
    """« {Ville de Lille} », « Dumas, Agnès »; a surname that holds « and » or a comma is in braces."""
    if "literal" in name:
        return "{" + _escaped(name["literal"]) + "}"
    family, given = (_escaped(name.get(part, "")) for part in ("family", "given"))
    parts = ["{" + part + "}" if re.search(r",|\band\b", part, re.I) else part for part in (family, given) if part]
    return ", ".join(parts) if given else "{" + family + "}" if " " in family else family


def _dates(one: Cited) -> Iterator[tuple[str, str]]:
    issued = one.item.get("issued", {})
    parts = issued.get("date-parts")
    if not parts:
        if literal := issued.get("literal", ""):
            yield "year", "{" + _escaped(literal) + "}"
        return
    if len(parts) > 1 or issued.get("circa"):
        years = "--".join(str(part[0]) for part in parts) if parts[0][0] != parts[-1][0] else str(parts[0][0])
        yield "year", "{" + ("vers " if issued.get("circa") else "") + years + "}"
        return
    year, month, day = (*parts[0], 0, 0)[:3]
    yield "year", f"{{{year}}}"
    if month:
        yield "month", _MONTHS[month]
    if day:
        yield "day", f"{{{day}}}"


def _escaped(value: str) -> str:
    """BibTeX counts braces, commands or not: those without a partner become parentheses."""
    depth, lowest = 0, 0
    for sign in value:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        lowest = min(lowest, depth)
    if depth or lowest:
        value = value.replace("{", "(").replace("}", ")")
    return value.translate(_COMMANDS)
