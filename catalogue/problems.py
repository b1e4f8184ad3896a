"""What can be wrong, in words.

A `Problem` is about a value and leaves the record in; a `Refusal` is about a record that could not go
in and is kept with its bytes. Both carry a code and parameters, never a finished sentence: the sentence
is made in the language of whoever reads it. Every sentence stands in the one table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue.i18n import N_, _

SENTENCES: dict[str, str] = {
    # -- problems beside a field --------------------------------------------------------------
    "call_number.empty": N_("L’exemplaire n’a pas de cote."),
    "date.unclear": N_("L’année n’a pas été comprise dans « {value} ». Écrivez-la sur 4 chiffres, ex. 2024."),
    "doi.invalid": N_("Ce DOI n’est pas valide : « {value} ». Un DOI commence par 10., ex. 10.5555/abcd."),
    "field.missing": N_("{label} : ce champ est nécessaire pour publier."),
    "field.not_repeatable": N_("{label} ne peut figurer qu’une fois."),
    "isbn.invalid": N_("Cet ISBN n’est pas valide : « {value} ». Vérifiez les chiffres."),
    "issn.invalid": N_("Cet ISSN n’est pas valide : « {value} ». Vérifiez les chiffres."),
    "tag.invalid": N_("« {value} » n’est pas une étiquette UNIMARC : trois chiffres sont attendus."),
    "url.invalid": N_("L’adresse « {value} » doit commencer par http:// ou https://."),
    # -- items --------------------------------------------------------------------------------
    "item.barcode_taken": N_(
        "Le code-barres {barcode} existe déjà ; l’exemplaire est entré sans code-barres, à vérifier."
    ),
    # -- refused records ----------------------------------------------------------------------
    "record.no_title": N_("La notice n’a pas de titre : elle ne peut pas entrer au catalogue."),
    # -- PMB's XML ----------------------------------------------------------------------------
    "pmbxml.bad_code": N_("Zone {tag} : le code de sous-zone « {value} » n’est pas un signe seul."),
    "pmbxml.bad_tag": N_("La notice a une zone sans étiquette lisible (« {value} ») : trois signes sont attendus."),
    "pmbxml.cut": N_(
        "Le fichier s’arrête au milieu de la notice n° {position}. Ce qui précède a été lu ; "
        "refaites l’export pour avoir la suite."
    ),
    "pmbxml.doctype": N_(
        "Ce fichier annonce des définitions (DOCTYPE) que PMB n’écrit jamais : par prudence, il n’est pas lu."
    ),
    "pmbxml.empty": N_("Le fichier est vide."),
    "pmbxml.malformed": N_(
        "Le XML est abîmé dans la notice n° {position}, ligne {line} ({detail}). Ce qui précède a été lu."
    ),
    "pmbxml.markup": N_("Zone {tag} : des balises ont été retirées, leur texte est gardé."),
    "pmbxml.no_notice": N_("Ce fichier XML ne contient aucune notice de PMB (son premier élément est « {root} »)."),
    "pmbxml.not_xml": N_("Ce fichier n’est pas du XML : un export de PMB commence par « <?xml »."),
    "pmbxml.stray_text": N_("Zone {tag} : le texte « {value} », hors de toute sous-zone, n’a pas été repris."),
    "pmbxml.too_big": N_("La notice n° {position} dépasse {limit} Mo : elle n’est pas lue."),
    "pmbxml.too_many_fields": N_("La notice n° {position} a plus de {limit} zones : elle n’est pas lue."),
    "pmbxml.twin_214": N_("La zone 214 répétait exactement la 210 : une seule est gardée."),
    "pmbxml.unknown_element": N_("L’élément « {value} » n’existe pas dans le XML de PMB : il n’a pas été repris."),
    "pmbxml.web_page": N_(
        "Ce fichier est une page web, pas un export de PMB : refaites l’export en étant connecté à PMB."
    ),
}


def sentence(code: str, params: Mapping[str, object] | None = None) -> str:
    """The sentence of a code, in the current language; an unknown code shows itself rather than nothing."""
    template = _(SENTENCES[code]) if code in SENTENCES else code
    try:
        return template.format(**(params or {}))
    except (KeyError, IndexError, ValueError):
        return template


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should look at; the record goes in all the same.

    `level` is "error" (publishing from a form waits for it), "warning" or "info" (said, nothing to do).
    """

    tag: str
    subfield: str
    code: str
    level: str = "warning"
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return sentence(self.code, self.params)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record, or what is left of one, that could not go in: kept as received, named, and retried."""

    position: int
    identifier: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""

    def sentence(self) -> str:
        return sentence(self.code, self.params)
