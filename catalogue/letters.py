"""Letters that the desk proposes, in the centre's own words: a text with named places, such as {titre}.

A centre that has set none has Travée's text, in the language of who reads it. A place that the letter does not know is
refused when the text is kept, so that nobody ever sends « {prix} ».
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from catalogue import remembered
from catalogue.form import many_lines
from catalogue.i18n import N_, _, format_number

PREFIX = "letter:"
LONGEST = 5_000
_PLACE = re.compile(r"\{([^{}\n]{0,40})\}")


@dataclass(frozen=True, slots=True)
class Letter:
    """`usual`: Travée's text; `places`: what each name between braces stands for."""

    title: str
    usual: str
    places: Mapping[str, str]


LETTERS: Mapping[str, Letter] = {
    "claim": Letter(
        N_("Lettre de réclamation"),
        N_(
            "Bonjour,\n\n"
            "Il nous manque, de {titre} :\n\n"
            "{numeros}\n\n"
            "Pourriez-vous nous en faire l’envoi, ou nous dire si la parution est annulée ?\n\n"
            "Avec nos remerciements,\n"
            "{centre}\n"
            "{jour}"
        ),
        {
            "titre": N_("le périodique, avec son ISSN"),
            "numeros": N_("les numéros réclamés, un par ligne"),
            "fournisseur": N_("le fournisseur de l’abonnement"),
            "centre": N_("le nom du centre"),
            "adresse": N_("son adresse et son téléphone"),
            "jour": N_("la date du jour"),
        },
    ),
}


def text(session: Session, name: str) -> str:
    """The centre's own, else Travée's."""
    kept = remembered.read(session, PREFIX + name)
    letter = LETTERS[name]
    return kept if isinstance(kept, str) and not wrong(name, kept) else _(letter.usual)


def is_usual(session: Session, name: str) -> bool:
    return text(session, name) == _(LETTERS[name].usual)


def wrong(name: str, typed: str) -> str:
    """What cannot be kept: a sentence, "" when all is well."""
    if not typed.strip():
        return _("Écrivez le texte de la lettre, ou revenez à celui de Travée.")
    if len(typed) > LONGEST:
        return _("C’est trop long : %(n)s signes au plus.") % {"n": format_number(LONGEST)}
    known = LETTERS[name].places
    for place in _PLACE.findall(typed):
        if place not in known:
            words = _("{%(place)s} ne veut rien dire ici. Ce qui se remplace : %(known)s.")
            return words % {"place": place, "known": ", ".join(f"{{{one}}}" for one in known)}
    return ""


def write(session: Session, name: str, typed: str) -> bool:
    """Keep a text, or Travée's again where it is the same; False when nothing changed. Ask `wrong` first."""
    fresh = many_lines(typed)
    if fresh == text(session, name):
        return False
    if fresh == _(LETTERS[name].usual):
        remembered.forget(session, PREFIX + name)
    else:
        remembered.write(session, PREFIX + name, fresh)
    return True


def fill(written: str, values: Mapping[str, str]) -> str:
    """The letter, its places filled; lines that held nothing but an empty place go.

    >>> fill("{fournisseur}\\nBonjour {titre}", {"fournisseur": "", "titre": "Gazette"})
    'Bonjour Gazette'
    """
    lines = []
    for line in written.split("\n"):
        filled = _PLACE.sub(lambda found: values.get(found[1], found[0]), line)
        if filled.strip() or not line.strip():
            lines.append(filled)
    return "\n".join(lines)
