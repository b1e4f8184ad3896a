"""Whether two sources say the same of a field, however each writes it: values that have one sign are one. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalogue.form import Texts
from catalogue.identifiers import find_doi, find_isbn, find_issn
from catalogue.text import fold

# Of values that say the same, the one that says most is taken; elsewhere that of the source believed first.
FULLEST = ("author", "body", "abstract", "issue_date", "contents", "publisher")


def fullness(rows: Sequence[Texts]) -> int:
    return sum(len(text) for row in rows for text in row)


def sign_of(key: str, rows: Sequence[Texts]) -> object:
    """What two sources have in common that say the same thing of a field."""
    return tuple(_SIGNS.get(key, fold)(row[0]) or row for row in rows)


def _name(text: str) -> str:
    """« Martin, L. » and « Martin, Léa » are one."""
    family, _comma, given = text.partition(",")
    return f"{fold(family)} {fold(given)[:1]}"


def _year(text: str) -> str:
    return found[0] if (found := re.search(r"\d{4}", text)) else fold(text)


def _numbers(text: str) -> str:
    """« 1 vol. (215 p.) » is 215."""
    return " ".join(re.findall(r"\d+", re.sub(r"1 vol\b\.?", "", text))) or fold(text)


def _site(text: str) -> str:
    return re.sub(r"^https?://(?:www\.)?|/+$", "", text.strip().lower())


_SIGNS = {
    "author": _name,
    "date": _year,
    "issue_date": _year,
    "extent": _numbers,
    "isbn": lambda text: find_isbn(text) or fold(text),
    "issn": lambda text: find_issn(text) or fold(text),
    "doi": lambda text: find_doi(text) or fold(text),
    "address": _site,
    "abstract": lambda text: fold(text)[:60],
    "issue_number": lambda text: " ".join(re.findall(r"\d+", text)) or fold(text),
}
