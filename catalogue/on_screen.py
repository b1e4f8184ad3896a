"""Settings that a person sets on screen, over those of the environment; `settings.toml` says which, and in which words.

A value set here wins until it is set back to that of the environment; a base that has none behaves as before.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from catalogue import notices, remembered
from catalogue.config import Settings
from catalogue.form import many_lines, one_line
from catalogue.i18n import _, current_language, format_number

PREFIX = "centre:"
LONGEST = 2000
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting of the table; `labels`, `helps` and the words of choices are in French, then in English."""

    name: str
    labels: tuple[str, str]
    helps: tuple[str, str]
    how: str
    needed: bool
    least: int
    most: int
    choices: tuple[tuple[str, tuple[str, str]], ...]

    @property
    def label(self) -> str:
        return _said(self.labels)

    @property
    def help(self) -> str:
        return _said(self.helps)

    @property
    def options(self) -> list[tuple[str, str]]:
        return [(code, _said(words)) for code, words in self.choices]


def _said(words: tuple[str, str]) -> str:
    return words[1] if current_language() == "en" else words[0]


@cache
def table() -> tuple[Shown, ...]:
    rows = tomllib.loads((Path(__file__).parent / "settings.toml").read_text("utf-8"))
    return tuple(
        Shown(
            name,
            (row["fr"], row["en"]),
            (row.get("fr_help", ""), row.get("en_help", "")),
            row["how"],
            row.get("needed", False),
            row.get("least", 0),
            row.get("most", 0),
            tuple((code, (fr, en)) for code, (fr, en) in row.get("choices", {}).items()),
        )
        for name, row in rows.items()
    )


def effective(session: Session, given: Settings) -> Settings:
    """The settings of the environment with what was set on screen over them."""
    kept = remembered.read_all(session, PREFIX)
    said = {one.name: kept[one.name] for one in table() if one.name in kept and not _wrong(one, str(kept[one.name]))}
    return given.model_copy(update=said) if said else given


def values(settings: Settings) -> dict[str, str]:
    """As the form shows them."""
    return {one.name: str(getattr(settings, one.name)) for one in table()}


def check(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by name: a sentence each."""
    return {one.name: wrong for one in table() if one.name in typed and (wrong := _wrong(one, typed[one.name]))}


def write(session: Session, given: Settings, typed: Mapping[str, str]) -> list[str]:
    """Keep what differs from the environment; returns the names of the settings that changed. `check` it first."""
    before = effective(session, given)
    changed = []
    for one in table():
        if one.name not in typed:
            continue
        value = _value(one, typed[one.name])
        if value == getattr(before, one.name):
            continue
        changed.append(one.name)
        if value == getattr(given, one.name):
            remembered.forget(session, PREFIX + one.name)
        else:
            remembered.write(session, PREFIX + one.name, value)
        if one.name == "centre_name":
            notices.our_centre(session).name = str(value)
    session.flush()
    return changed


def _value(one: Shown, typed: str) -> Any:
    if one.how == "number":
        return int(typed)
    return many_lines(typed) if one.how == "lines" else one_line(typed)


def _wrong(one: Shown, typed: str) -> str:
    text = typed.strip()
    if one.needed and not text:
        return _("Ce réglage ne peut pas être vide.")
    if len(text) > LONGEST:
        return _("C’est trop long : %(n)s signes au plus.") % {"n": format_number(LONGEST)}
    if one.how == "number" and not (text.isascii() and text.isdecimal() and one.least <= int(text[:9]) <= one.most):
        return _("Écrivez un nombre, de %(least)s à %(most)s.") % {"least": one.least, "most": format_number(one.most)}
    if one.how == "choice" and text not in dict(one.choices):
        return _("Choisissez dans la liste.")
    if one.how == "email" and text and not _EMAIL.fullmatch(text):
        return _("Écrivez une adresse complète, comme doc@exemple.fr.")
    return ""
