"""Under which licence the fields of a source came, and whether they may be sent out again. Pure.

    licence = "Licence Ouverte / Etalab 2.0"
    resend = "partly"                # yes, no, unsaid (as yes, for now), or partly: all but…
    withheld = ["abstract"]          # …these groups of fields

`may_leave` is the one place that decides whether a value may be given to others: exports ask it, and so does
whatever else sends notices out. What is ours may always leave, and so may what one source at least allows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue.i18n import N_, _
from catalogue.merging.slots import GROUPS, group_of
from catalogue.problems import Problem
from catalogue.text import fold
from catalogue.toml_lines import line_of, line_said, without_line
from catalogue.unimarc import Field

UNSAID, YES, NO, PARTLY = "unsaid", "yes", "no", "partly"
ANSWERS: Mapping[str, str] = {
    UNSAID: N_("pas encore dit (d’ici là, comme « oui »)"),
    YES: N_("oui"),
    NO: N_("non"),
    PARTLY: N_("oui, sauf certains champs"),
}
KEYS = ("licence", "resend", "withheld")
LONGEST = 200  # signs of a licence's name
LONGEST_TEXT = 10_000
OURS = "l"  # among who says a field: we do
# What a record cannot be written without, and no words of anybody: its leader.
FRAME = frozenset(("000",))
_SIGNS = re.compile(r"[^0-9a-z]+")


@dataclass(frozen=True, slots=True)
class Licence:
    name: str
    url: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a source allows. `licence` "" is unknown; `withheld` are groups of fields, for « partly »."""

    licence: str = ""
    resend: str = UNSAID
    withheld: tuple[str, ...] = ()

    @property
    def licence_words(self) -> str:
        return self.licence or _("inconnue")

    @property
    def resend_words(self) -> str:
        """« oui, sauf Résumé, Sujets »."""
        if self.resend == PARTLY and self.withheld:
            return _("oui, sauf %(fields)s") % {"fields": ", ".join(GROUPS[g].label for g in self.withheld)}
        return _(ANSWERS[self.resend])

    @property
    def url(self) -> str:
        """Where the text of the licence stands, when it is one of those we know."""
        known = find_licence(self.licence)
        return known.url if known else ""


def allows(terms: Terms, group: str) -> bool:
    """Whether the fields of this group may be sent out again. « In part », with no part named, allows nothing."""
    if terms.resend == PARTLY:
        return bool(terms.withheld) and group not in terms.withheld
    return terms.resend in (UNSAID, YES)


def may_leave(f: Field, speakers: Mapping[int | str, Terms]) -> bool:
    """Whether this value may be given to others; `speakers`: what the sources that say it allow, by claim.

    Ours, or said by nobody that we know, it may; else it is enough that one of those who say it allows it.

    >>> speakers = {31: Terms(resend="no"), 42: Terms(resend="partly", withheld=("abstract",))}
    >>> summary = {"t": "330", "i": "  ", "s": [["a", "Une enquête."]], "o": [31, 42]}
    >>> may_leave(summary, speakers), may_leave({**summary, "o": ["l", 31]}, speakers)
    (False, True)
    """
    who = f.get("o", ())
    told = [speakers[o] for o in who if o in speakers]
    if not told or OURS in who or f["t"] in FRAME:
        return True
    group = group_of(f["t"]).code
    return any(allows(terms, group) for terms in told)


# --- licences ---------------------------------------------------------------------------------


def _load() -> tuple[Licence, ...]:
    table = tomllib.loads((Path(__file__).parent / "licences.toml").read_text("utf-8"))
    return tuple(Licence(row["name"], row["url"], tuple(row["also"])) for row in table["licence"])


LICENCES = _load()


def _key(text: str) -> str:
    return _SIGNS.sub(" ", fold(text)).strip()


_BY_WORDS = {_key(words): licence for licence in LICENCES for words in (licence.name, licence.url, *licence.also)}


def find_licence(text: str) -> Licence | None:
    """The licence that these words, or this address, name."""
    return _BY_WORDS.get(_key(text))


def licence_name(text: str) -> str:
    """A licence as it is kept: the usual name of one we know, else the words on one line; "" is unknown."""
    known = find_licence(text)
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST].rstrip()
    if known:
        return known.name
    return "" if fold(words) in (fold(_("inconnue")), "inconnue", "unknown") else words


# --- as a text --------------------------------------------------------------------------------


def format_terms(terms: Terms) -> str:
    """The same as a person reads and edits it."""
    lines = [f"licence = {_quoted(terms.licence)}", f'resend = "{terms.resend}"'.ljust(24) + f"# {terms.resend_words}"]
    if terms.withheld:
        lines.append("withheld = [" + ", ".join(f'"{group}"' for group in terms.withheld) + "]")
    return "\n".join(lines) + "\n"


def parse_terms(text: str) -> tuple[Terms, list[Problem]]:
    """What the text says, and what is wrong with it, each with its line; what has a fault is not used."""
    if len(text) > LONGEST_TEXT:
        return Terms(), [_wrong("rules.too_long", 1, limit=str(LONGEST_TEXT))]
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        return Terms(), [_wrong("terms.not_toml", line_said(str(error), text), detail=without_line(str(error)))]
    if unknown := [key for key in table if key not in KEYS]:
        known = ", ".join(KEYS)
        return Terms(), [_wrong("terms.unknown_key", line_of(text, key), key, known=known) for key in unknown]
    return checked(table, lambda key: line_of(text, key))


def checked(said: Mapping[str, Any], line: Any = lambda key: 1) -> tuple[Terms, list[Problem]]:
    """Terms out of what a text, a form or a command says; groups in the order of the screen."""
    licence, resend, withheld = said.get("licence", ""), said.get("resend", UNSAID), said.get("withheld", [])
    problems: list[Problem] = []
    if not isinstance(licence, str):
        problems.append(_wrong("terms.not_text", line("licence"), "licence"))
    elif len(licence) > LONGEST:
        problems.append(_wrong("terms.licence_too_long", line("licence"), "licence", limit=str(LONGEST)))
    if not isinstance(resend, str) or resend not in ANSWERS:
        value = str(resend)[:80]
        problems.append(_wrong("terms.unknown_resend", line("resend"), "resend", value=value, known=", ".join(ANSWERS)))
    if not isinstance(withheld, list) or not all(isinstance(group, str) for group in withheld):
        problems.append(_wrong("terms.no_list", line("withheld"), "withheld"))
        withheld = []
    for group in [g for g in withheld if g not in GROUPS]:
        problems.append(_wrong("rules.unknown_group", line("withheld"), group, known=", ".join(GROUPS)))
    if not problems and resend == PARTLY and not withheld:
        problems.append(_wrong("terms.nothing_withheld", line("resend"), "withheld"))
    elif not problems and resend in (UNSAID, YES) and withheld:
        problems.append(_wrong("terms.withheld_too", line("resend"), "withheld"))
    if problems:
        return Terms(), problems
    return Terms(licence_name(licence), resend, in_order(withheld) if resend == PARTLY else ()), []


def in_order(groups: Iterable[str]) -> tuple[str, ...]:
    named = set(groups)
    return tuple(group for group in GROUPS if group in named)


def _wrong(code: str, line: int, key: str = "", **params: object) -> Problem:
    return Problem(key, "", code, "error", {"line": line, "key": key, **params})


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
