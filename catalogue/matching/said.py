"""What was compared, as a person reads it: « français » for "fre", « Lagouarde, Simon » for "lagouarde simon". Pure.

Findings keep what was compared: folded, and in codes. Names come back from the notices where these are at hand
(`written`), with capitals where they are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalogue import unimarc
from catalogue.i18n import N_, _, language_name
from catalogue.matching.words import folded
from catalogue.text import plain_text
from catalogue.unimarc import Fields

WORDS: Mapping[str, str] = {
    "monograph": N_("ouvrage"),
    "serial": N_("périodique"),
    "issue": N_("numéro de périodique"),
    "article": N_("article"),
    "set": N_("ensemble de volumes"),
    "text": N_("texte"),
    "score": N_("partition"),
    "map": N_("carte"),
    "sound": N_("son"),
    "video": N_("vidéo"),
    "picture": N_("image"),
    "object": N_("objet"),
}
CODED, NAMED, TITLED = ("level", "medium"), ("person", "body", "publisher"), ("host", "part")
NO_WRITTEN: Mapping[str, str] = {}


def said(code: str, value: str, names: Mapping[str, str] = NO_WRITTEN) -> str:
    """A value of the finding of this code ("person.same")."""
    about = code.partition(".")[0]
    if about == "language":
        return language_name(value)
    if about in CODED:
        return _(WORDS[value]) if value in WORDS else value
    if about in (*NAMED, *TITLED):
        return names.get(value) or (value.title() if about in NAMED else value[:1].upper() + value[1:])
    return value


def written(*notices: Fields) -> dict[str, str]:
    """The names and titles of these notices as they are written, by what matching makes of them."""
    return {folded(words): words for fields in notices for words in _names(fields)}


def _names(fields: Fields) -> Iterable[str]:
    for f in fields:
        if f["t"][0] == "7":
            if name := unimarc.name_of(f):
                yield name
        elif f["t"] in ("210", "214", "219", "461", "463", "464", "530", "462", "200"):
            yield from (" ".join(plain_text(v).split()) for c, v in f.get("s", ()) if c in "atci")
