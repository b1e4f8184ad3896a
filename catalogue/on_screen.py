"""Settings that a person sets on screen, over those of the environment; `settings.toml` says which, and in which words.

A value set here wins until it is set back to that of the environment; a base that has none behaves as before. What the
machine alone can say (`MACHINE`: where the data are, its clock, the centre's own accounts) is shown, and set there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from catalogue import mail, notices, remembered
from catalogue.config import Settings
from catalogue.form import many_lines, one_line
from catalogue.i18n import N_, _, format_number, said

PREFIX = "centre:"
LONGEST = 2000
CENTRE, OUTSIDE = "centre", "outside"  # the two pages on which settings are set
# What the environment alone says, and how it is called: shown, so that nobody has to look into a file to know it.
MACHINE: Mapping[str, str] = {
    "timezone": N_("Fuseau horaire"),
    "language": N_("Langue des courriels et du site, au départ"),
    "data_dir": N_("Dossier des données"),
    "oidc_issuer": N_("Comptes de votre organisation (OpenID Connect)"),
    "trusted_proxies": N_("Serveurs placés devant celui-ci"),
    "allow_private_addresses": N_("Adresses du réseau interne permises"),
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting of the table; `labels`, `helps` and the words of choices are in French, then in English.

    `page`: where it is set; what is set on another is not taken from there.
    """

    name: str
    labels: tuple[str, str]
    helps: tuple[str, str]
    how: str
    needed: bool
    least: int
    most: int
    choices: tuple[tuple[str, tuple[str, str]], ...]
    page: str = CENTRE

    @property
    def variable(self) -> str:
        """What the environment calls it."""
        return variable_of(self.name)

    @property
    def label(self) -> str:
        return said(self.labels)

    @property
    def help(self) -> str:
        return said(self.helps)

    @property
    def options(self) -> list[tuple[str, str]]:
        return [(code, said(words)) for code, words in self.choices]


@dataclass(frozen=True, slots=True)
class Given:
    """What the machine says of itself: its name, its value in words, the variable that sets it."""

    label: str
    value: str
    variable: str


def variable_of(name: str) -> str:
    return f"TRAVEE_{name.upper()}"


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
            row.get("page", CENTRE),
        )
        for name, row in rows.items()
    )


def on_page(page: str) -> tuple[Shown, ...]:
    return tuple(one for one in table() if one.page == page)


def of_machine(given: Settings) -> list[Given]:
    """What the environment alone says; never a secret."""
    return [Given(_(label), _in_words(getattr(given, name)), variable_of(name)) for name, label in MACHINE.items()]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    return str(value)


def effective(session: Session, given: Settings) -> Settings:
    """The settings of the environment with what was set on screen over them."""
    kept = remembered.read_all(session, PREFIX)
    said = {one.name: kept[one.name] for one in table() if one.name in kept and not _wrong(one, str(kept[one.name]))}
    return given.model_copy(update=said) if said else given


def values(settings: Settings, page: str = CENTRE) -> dict[str, str]:
    """As the form shows them: never a password."""
    return {one.name: shown(one, str(getattr(settings, one.name))) for one in on_page(page)}


def shown(one: Shown, value: str) -> str:
    return mail.without_password(value) if one.how == "mail" else value


def check(typed: Mapping[str, str], page: str = CENTRE) -> dict[str, str]:
    """What is wrong, by name: a sentence each."""
    return {one.name: wrong for one in on_page(page) if one.name in typed and (wrong := _wrong(one, typed[one.name]))}


def write(
    session: Session,
    given: Settings,
    typed: Mapping[str, str],
    page: str = CENTRE,
    *,
    password: str = "",
) -> list[str]:
    """Keep what differs from the environment; returns the names of the settings that changed. `check` it first.

    `password`: of the mail server; without one the old one stays, as long as the server and the user are the same.
    """
    before = effective(session, given)
    changed = []
    for one in on_page(page):
        if one.name not in typed:
            continue
        value = _value(one, typed[one.name])
        if one.how == "mail":
            value = mail.with_password(value, password, before=str(getattr(before, one.name)))
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
    if one.how == "address":
        return one_line(typed).rstrip("/")
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
    if one.how == "address" and text and not _is_address(text):
        return _("Écrivez une adresse complète, comme https://catalogue.exemple.fr.")
    if one.how == "mail" and text and not mail.is_server(text):
        return _("Écrivez une adresse de serveur, comme smtp://nom@smtp.exemple.fr:587?from=catalogue@exemple.fr.")
    return ""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        known = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = text.isprintable() and not any(sign.isspace() for sign in text) and parts.username is None
    return known and plain and parts.scheme in ("http", "https") and bool(parts.hostname)
