"""A person or a body as a form shows it and takes it back: what was typed, what is wrong with it, two versions.

Values in, values out. Identifiers are checked by their own check characters; what a file had brought and
nobody touched stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalogue.authors import REGISTERS
from catalogue.cataloguing import Compared
from catalogue.i18n import N_, _
from catalogue.identifiers import find_authority
from catalogue.text import plain_text

SCHEMES = tuple(REGISTERS)
LONGEST_NAME, LONGEST_DATES, LONGEST_NOTE, MOST_VARIANTS = 500, 100, 10_000, 200
LABELS = {
    "nom": N_("Nom"),
    "dates": N_("Dates"),
    "formes": N_("Autres formes"),
    "note": N_("Note"),
    **{scheme: name for scheme, (name, _address) in REGISTERS.items()},
}
SHAPES = {
    "idref": N_("un numéro IdRef a 9 signes, ex. 027234568"),
    "bnf": N_("un numéro de la BnF ressemble à cb11909772t"),
    "isni": N_("un ISNI a 16 chiffres, ex. 0000 0001 2144 6296"),
    "viaf": N_("un numéro VIAF n’a que des chiffres"),
    "orcid": N_("un ORCID ressemble à 0000-0002-1825-0097"),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they are in the form, exactly as typed."""

    nom: str = ""
    dates: str = ""
    formes: str = ""  # one a line
    note: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str:
        return self.numbers.get(key, "") if key in SCHEMES else str(getattr(self, key))

    def put(self, key: str, text: str) -> Typed:
        if key in SCHEMES:
            return replace(self, numbers={**self.numbers, key: text})
        changed: dict[str, Any] = {key: text}
        return replace(self, **changed)


def typed_of(state: Mapping[str, Any]) -> Typed:
    """What the form of an agent says, from its snapshot."""
    return Typed(
        nom=state["name"],
        dates=state["dates"],
        formes="\n".join(state["variants"]),
        note=state["note"],
        numbers={scheme: state["identifiers"].get(scheme, "") for scheme in SCHEMES},
    )


def values_of(typed: Typed, known: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What is to be written, and what is wrong: (field, sentence). `known`: the identifiers that are there."""
    problems: list[tuple[str, str]] = []
    name, dates = plain_text(typed.nom), plain_text(typed.dates)
    note = "\n".join(plain_text(line) for line in typed.note.splitlines()).strip()
    variants = [v for v in dict.fromkeys(plain_text(line) for line in typed.formes.splitlines()) if v and v != name]
    if not name:
        problems.append(("nom", _("Écrivez le nom : une notice ne peut pas nommer personne.")))
    for key, text, most in (("nom", name, LONGEST_NAME), ("dates", dates, LONGEST_DATES), ("note", note, LONGEST_NOTE)):
        if len(text) > most:
            said = {"label": _(LABELS[key]), "n": len(text), "most": most}
            problems.append((key, _("%(label)s : %(n)s signes, c’est trop ; %(most)s au plus.") % said))
    if len(variants) > MOST_VARIANTS or any(len(v) > LONGEST_NAME for v in variants):
        said = {"most": MOST_VARIANTS, "signs": LONGEST_NAME}
        problems.append(("formes", _("Autres formes : %(most)s lignes au plus, de %(signs)s signes chacune.") % said))
    identifiers = {scheme: value for scheme, value in known.items() if scheme not in SCHEMES}
    for scheme in SCHEMES:
        text = " ".join(typed.numbers.get(scheme, "").split())
        number, problem = (text, "") if text == known.get(scheme, "") else _number(scheme, text)
        if problem:
            problems.append((scheme, problem))
        elif number:
            identifiers[scheme] = number
    return {"name": name, "dates": dates, "note": note, "variants": variants, "identifiers": identifiers}, problems


def _number(scheme: str, text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    found = find_authority(text[:200], scheme)
    if found and found[0] == scheme:
        return found[1], ""
    said = {"text": text[:60], "name": REGISTERS[scheme][0], "shape": _(SHAPES[scheme])}
    if found:
        said["other"] = REGISTERS[found[0]][0]
        return "", _("« %(text)s » est un numéro %(other)s : écrivez-le dans le champ %(other)s.") % said
    return "", _("« %(text)s » n’est pas un numéro %(name)s : %(shape)s. Vérifiez-le, ou laissez le champ vide.") % said


def compare(mine: Typed, now: Typed, base: Typed) -> list[Compared]:
    """Field by field, what I typed and what stands there now; what only the other has changed is theirs at first."""
    rows = []
    for key, label in LABELS.items():
        one, other, before = mine.get(key), now.get(key), base.get(key)
        if _same(one, other):
            continue
        touched = not _same(one, before)
        both = touched and not _same(other, before)
        ours, theirs = tuple(one.splitlines()), tuple(other.splitlines())
        rows.append(Compared(key, _(label), ours, theirs, "mine" if touched else "now", both))
    return rows


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
