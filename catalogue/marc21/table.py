"""The table of crosswalk.toml, read once: rows of fields, roles, subject systems."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from catalogue.text import fold

Pairs = list[list[str]]
THEIRS, OURS = "marc21", "unimarc"


@cache
def table() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "crosswalk.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of crosswalk.toml: its beginning says what each word means."""

    marc21: str
    unimarc: str
    fr: str
    codes: Mapping[str, str]
    back: Mapping[str, str]
    ind: tuple[tuple[str, str], ...]
    test: str
    before: Mapping[str, str]
    end: str
    nonfiling: int
    group: str
    always: tuple[str, str] | None
    how: frozenset[str]


@cache
def rows() -> tuple[Row, ...]:
    return tuple(_row(row) for row in table()["rows"])


@cache
def by_marc21() -> Mapping[str, list[Row]]:
    return _grouped((row.marc21, row) for row in rows() if "agencies" not in row.how)


@cache
def by_unimarc() -> Mapping[str, list[Row]]:
    # A row that has something to find comes before one that has not.
    ours = [row for row in rows() if "agencies" not in row.how]
    return _grouped((row.unimarc, row) for row in sorted(ours, key=lambda row: row.always is None))


def _grouped(pairs: Iterable[tuple[str, Row]]) -> Mapping[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for tag, row in pairs:
        out.setdefault(tag, []).append(row)
    return out


def _row(row: Mapping[str, Any]) -> Row:
    lists = table()["lists"]
    words = " ".join(lists[w[1:]] if w.startswith("@") else w for w in row.get("codes", "").split())
    pairs = [pair.split("=") for pair in words.split()]
    ind = [pair.replace("#", " ").split("=") for pair in row.get("ind", ["**=##"])]
    always = row.get("always", "").split("=", 1)
    return Row(
        row["marc21"],
        row["unimarc"],
        row["fr"],
        dict(pairs),
        {ours: theirs for theirs, ours in reversed(pairs)},
        tuple((theirs, ours) for theirs, ours in ind),
        row.get("is", ""),
        row.get("before", {}),
        row.get("end", ""),
        row.get("nonfiling", 0),
        row.get("group", ""),
        (always[0], always[1]) if len(always) == 2 else None,
        frozenset(row.get("how", "").split()),
    )


@cache
def abbreviations() -> frozenset[str]:
    """Words whose final stop is their own, folded."""
    return frozenset(fold(said) for said in table()["abbreviations"]["words"].split())


@cache
def systems() -> Mapping[str, str]:
    systems: Mapping[str, str] = table()["systems"]
    return systems


def system_digit(said: Sequence[str]) -> str:
    """MARC 21's second indicator for a UNIMARC $2."""
    if not said:
        return "4"
    return next((digit for digit, name in systems().items() if name == said[0]), "7")


@cache
def role_codes() -> Mapping[str, str]:
    """« aut » -> « 070 »."""
    return {words[0]: ours for ours, words in table()["roles"].items()}


@cache
def role_words() -> Mapping[str, str]:
    return {word(said): ours for ours, words in table()["roles"].items() for said in words}


def word(text: str) -> str:
    return fold(text).strip(" .,;()")


def role_of(code: str) -> str:
    """UNIMARC's code for a MARC 21 one, which may come as an address; an unknown one stays."""
    return role_codes().get(code.rsplit("/", 1)[-1].strip(" .,"), code)
