"""What can go wrong when a source is asked, each in words, and what it means for the answer.

A `Trouble` travels between threads as a code; whoever shows it has the sentence made in their language.

    late   the time was over                    down   it may answer later: the night asks again
    wrong  it answered something that cannot be used, or may not be reached     nothing   it knows nothing of it
"""

from __future__ import annotations

from collections.abc import Mapping

from catalogue.i18n import N_, _

SENTENCES: Mapping[str, tuple[str, str]] = {
    "late": ("late", N_("{label} n’a pas répondu à temps.")),
    "crowded": ("late", N_("{label} : trop de recherches sont en cours ici. Recommencez dans un instant.")),
    "unreachable": ("down", N_("{label} ne répond pas : le serveur est injoignable.")),
    "cut": ("down", N_("{label} s’est interrompu au milieu de sa réponse.")),
    "failing": ("down", N_("{label} est en panne de son côté (erreur {status}).")),
    "busy": ("down", N_("{label} demande d’attendre (erreur {status}).")),
    "certificate": ("wrong", N_("Le certificat de {label} n’est pas valable : rien n’a été lu.")),
    "forbidden": ("wrong", N_("{label} refuse de répondre à un programme (erreur {status}).")),
    "http": ("wrong", N_("{label} a refusé la question (erreur {status}).")),
    "too_big": ("wrong", N_("La réponse de {label} dépasse {limit} Mo : elle n’a pas été lue.")),
    "not_xml": ("wrong", N_("{label} n’a pas répondu en XML lisible.")),
    "not_json": ("wrong", N_("{label} n’a pas répondu en JSON lisible.")),
    "not_html": ("wrong", N_("Cette adresse ne mène pas à une page web ({type}) : il n’y a rien à y lire.")),
    "shape": ("wrong", N_("{label} a répondu sous une forme inattendue.")),
    "diagnostic": ("wrong", N_("{label} n’a pas compris la question : « {said} ».")),
    "redirected": ("wrong", N_("{label} renvoie vers une autre adresse ({host}), qui n’a pas été suivie.")),
    "redirects": ("wrong", N_("{label} renvoie sans fin d’une adresse à une autre.")),
    "private": ("wrong", N_("Cette adresse mène à un réseau privé : Travée n’y va pas.")),
    "bad_url": ("wrong", N_("Cette adresse ne peut pas être lue : vérifiez-la.")),
    "fault": ("wrong", N_("La réponse de {label} n’a pas pu être comprise.")),
    "gone": ("nothing", N_("La page n’existe pas à cette adresse (erreur {status}).")),
    "silent_page": ("nothing", N_("La page ne donne ni titre ni auteur que Travée sache lire.")),
}


class Trouble(Exception):
    """Why a source gave no record."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params

    @property
    def state(self) -> str:
        return SENTENCES[self.code][0]

    def sentence(self, label: str) -> str:
        return _(SENTENCES[self.code][1]).format_map({"label": label, **self.params})
