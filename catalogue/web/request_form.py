"""The one form visitors write to the centre with: to consult a document, to come, to report an error, to ask, to
suggest what it should buy.

Read from what was sent, checked, shown again exactly as typed when something is missing. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalogue import visits
from catalogue.form import many_lines, one_line
from catalogue.i18n import N_, _

# parameter `sujet` -> what `catalogue.visits` calls it
SUBJECTS = {"consulter": "consult", "venir": "visit", "signaler": "error", "question": "other", "suggerer": "buy"}
LONGEST = {"titre": 300, "auteur": 200, "nom": 200, "courriel": 200, "message": 5000}
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True)
class Wording:
    title: str
    lead: str
    message_label: str
    message_hint: str
    button: str
    message_required: bool = True
    person_required: bool = True
    names_document: bool = False  # asks for a title, and its author or ISBN


WORDINGS = {
    "consulter": Wording(
        title=N_("Demander à consulter"),
        lead=N_("Dites-nous quand vous aimeriez venir : nous préparons le document et nous vous répondons."),
        message_label=N_("Quand aimeriez-vous venir ?"),
        message_hint=N_("Deux ou trois demi-journées possibles, et ce qu’il vous faut sur place."),
        button=N_("Envoyer la demande"),
    ),
    "venir": Wording(
        title=N_("Venir"),
        lead=N_("Écrivez-nous avant de venir : nous préparons les documents et nous vous attendons."),
        message_label=N_("Quand aimeriez-vous venir, et pour quoi ?"),
        message_hint=N_("Deux ou trois demi-journées possibles, combien vous serez, ce qu’il vous faut sur place."),
        button=N_("Envoyer la demande"),
    ),
    "signaler": Wording(
        title=N_("Signaler une erreur"),
        lead=N_("Un titre mal écrit, un lien qui ne s’ouvre pas, un document mal rangé : merci de nous le dire."),
        message_label=N_("Qu’est-ce qui ne va pas ?"),
        message_hint=N_("Si vous laissez votre adresse, nous vous dirons ce que nous avons fait."),
        button=N_("Envoyer le signalement"),
        person_required=False,
    ),
    "question": Wording(
        title=N_("Demander à la documentaliste"),
        lead=N_("Dites ce qu’il vous faut, même en quelques mots : une personne cherche et vous répond."),
        message_label=N_("Votre question"),
        message_hint=N_("Le sujet, l’usage que vous en ferez, et pour quand."),
        button=N_("Envoyer la question"),
    ),
    "suggerer": Wording(
        title=N_("Suggérer un achat"),
        lead=N_("Un livre, une revue, un film nous manque ? Dites-le-nous : chaque suggestion est lue avec plaisir."),
        message_label=N_("Pourquoi nous le conseillez-vous ?"),
        message_hint=N_("Ce que vous y avez trouvé, ou ce que vous y cherchez ; quelques mots suffisent."),
        button=N_("Envoyer la suggestion"),
        message_required=False,
        person_required=False,
        names_document=True,
    ),
}


@dataclass(frozen=True)
class RequestForm:
    """What was typed, and what is wrong with it: (id of the field, sentence)."""

    subject: str
    notice: str = ""
    title: str = ""
    by: str = ""
    name: str = ""
    email: str = ""
    message: str = ""
    errors: tuple[tuple[str, str], ...] = field(default=())

    @property
    def wording(self) -> Wording:
        return WORDINGS[self.subject]

    @property
    def kept_message(self) -> str:
        """What the request says, a suggestion in the order in which it is read again."""
        if self.wording.names_document:
            return visits.suggestion_message(visits.Suggestion(self.title, self.by, self.message))
        return self.message

    def error(self, name: str) -> str:
        return dict(self.errors).get(name, "")


def blank(given: Mapping[str, str], titles: Sequence[str] = ()) -> RequestForm:
    """The form as an address asks for it; a failed search fills in what was looked for, a selection its documents."""
    looked_for = one_line(given.get("recherche", ""))[:400]
    subject = _subject(given)
    if WORDINGS[subject].names_document:  # what was looked for and is not here is what one would like to read
        return RequestForm(subject, title=looked_for)
    message = _("Je cherche : %(query)s") % {"query": looked_for} if looked_for else ""
    if titles:
        message = "\n".join([_("Je voudrais consulter :"), *(f"- {title}" for title in titles)])[: LONGEST["message"]]
    return RequestForm(subject, given.get("notice", "")[:20], message=message)


def read(given: Mapping[str, str]) -> RequestForm:
    """The form as it was sent, with what is wrong with it."""
    form = RequestForm(
        subject=_subject(given),
        notice=given.get("notice", "")[:20],
        title=one_line(given.get("titre", "")),
        by=one_line(given.get("auteur", "")),
        name=one_line(given.get("nom", "")),
        email=one_line(given.get("courriel", "")),
        message=many_lines(given.get("message", "")),
    )
    return replace(form, errors=tuple(_wrong(form).items()))


def not_sent(form: RequestForm) -> RequestForm:
    """The form given back when the catalogue was too busy to keep it."""
    busy = _("Votre message n’a pas pu être enregistré. Il est gardé ici : envoyez-le de nouveau dans un instant.")
    return replace(form, errors=(("envoyer", busy),))


def is_email(text: str) -> bool:
    return bool(_EMAIL.fullmatch(text))


def is_trap(given: Mapping[str, str]) -> bool:
    """A field that people do not see was filled in: a robot's work."""
    return bool(given.get("site"))


def _subject(given: Mapping[str, str]) -> str:
    subject = given.get("sujet", "")
    if subject == "consulter" and not given.get("notice"):
        return "venir"
    return subject if subject in SUBJECTS else "question"


def _wrong(form: RequestForm) -> dict[str, str]:
    errors: dict[str, str] = {}
    wording = form.wording
    if wording.names_document and not form.title:
        errors["titre"] = _("Écrivez le titre, même à peu près.")
    if wording.person_required and not form.name:
        errors["nom"] = _("Écrivez votre nom.")
    if (wording.person_required or form.email) and not is_email(form.email):
        errors["courriel"] = _("Écrivez une adresse de courriel complète, par exemple prenom.nom@exemple.fr.")
    if wording.message_required and not form.message:
        errors["message"] = _("Écrivez votre message, même en quelques mots.")
    written = {"titre": form.title, "auteur": form.by, "nom": form.name, "courriel": form.email}
    for name, text in (*written.items(), ("message", form.message)):
        if len(text) > LONGEST[name]:
            errors[name] = _("Raccourcissez ce texte : %(n)s caractères au plus.") % {"n": LONGEST[name]}
    return errors
