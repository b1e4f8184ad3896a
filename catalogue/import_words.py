"""What an import counted, in sentences. Pure: counts in, words out.

A file may bring notices, authorities, or both. The importer counts them together, and beside that how many were
authorities (`authorities_read`…): each is called by its name here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from catalogue import form
from catalogue.i18n import _, format_number, ngettext
from catalogue.problems import Refusal

OF_AUTHORITIES = "authorities_"
_KINDS = ("read", "created", "matched", "updated", "unchanged")
ENTERED = (
    *_KINDS,
    *("back", "folded", "items", "issues"),
    *(OF_AUTHORITIES + name for name in _KINDS),
    *("agents", "concepts", "classes"),
)
REASONS = 3  # of those that still wait after another try
_SHORT = ("created", "updated", "back", "items", "authorities_created", "authorities_updated", "refused")


def entered(counts: Mapping[str, int], names: Iterable[str] = ENTERED) -> Iterator[tuple[str, int, str]]:
    """(name, how many, sentence) of what there is to say."""
    for name in names:
        if n := counts.get(name, 0) - (apart(counts, name) if name in _KINDS else 0):
            words = "authorities_refused" if name == "refused" and only_authorities(counts) else name
            yield name, n, counted(words, n)


def apart(counts: Mapping[str, int], name: str) -> int:
    """How many of those counted so are told by a sentence of their own."""
    return counts.get(OF_AUTHORITIES + name, 0) + (counts.get("back", 0) if name == "updated" else 0)


def in_short(counts: Mapping[str, int]) -> Iterator[str]:
    """What a line of a list says of an import."""
    said = [words for _name, _n, words in entered(counts, _SHORT)]
    yield from said
    if counts and not said:
        yield _("Rien n’a changé.")


def only_authorities(counts: Mapping[str, int]) -> bool:
    """Whether a file held people, bodies and subjects, and no document."""
    known = counts.get("authorities_read", 0)
    return bool(known) and counts.get("read", 0) - counts.get("refused", 0) <= known


def counted(name: str, n: int) -> str:
    words = {
        "read": ngettext("%(n)s notice lue.", "%(n)s notices lues.", n),
        "created": ngettext("%(n)s notice créée.", "%(n)s notices créées.", n),
        "matched": ngettext(
            "%(n)s notice décrit un document déjà connu.", "%(n)s notices décrivent des documents déjà connus.", n
        ),
        "updated": ngettext("%(n)s notice mise à jour.", "%(n)s notices mises à jour.", n),
        "back": ngettext(
            "%(n)s notice remise : une annulation l’avait retirée.",
            "%(n)s notices remises : une annulation les avait retirées.",
            n,
        ),
        "unchanged": ngettext("%(n)s notice déjà là, inchangée.", "%(n)s notices déjà là, inchangées.", n),
        "refused": ngettext("%(n)s notice refusée.", "%(n)s notices refusées.", n),
        "folded": ngettext(
            "%(n)s notice ne portait que les exemplaires d’un numéro de revue : ils sont sur ce numéro.",
            "%(n)s notices ne portaient que les exemplaires de numéros de revue : ils sont sur ces numéros.",
            n,
        ),
        "items": ngettext("%(n)s exemplaire entré.", "%(n)s exemplaires entrés.", n),
        "issues": ngettext(
            "%(n)s numéro de revue créé pour ses exemplaires.",
            "%(n)s numéros de revue créés pour leurs exemplaires.",
            n,
        ),
        "authorities_read": ngettext("%(n)s autorité lue.", "%(n)s autorités lues.", n),
        "authorities_created": ngettext("%(n)s autorité créée.", "%(n)s autorités créées.", n),
        "authorities_matched": ngettext(
            "%(n)s autorité déjà connue par ailleurs.", "%(n)s autorités déjà connues par ailleurs.", n
        ),
        "authorities_updated": ngettext("%(n)s autorité mise à jour.", "%(n)s autorités mises à jour.", n),
        "authorities_unchanged": ngettext(
            "%(n)s autorité déjà là, inchangée.", "%(n)s autorités déjà là, inchangées.", n
        ),
        "authorities_refused": ngettext("%(n)s autorité refusée.", "%(n)s autorités refusées.", n),
        "agents": ngettext("%(n)s auteur ou collectivité.", "%(n)s auteurs et collectivités.", n),
        "concepts": ngettext("%(n)s descripteur.", "%(n)s descripteurs.", n),
        "classes": ngettext("%(n)s indice de classement.", "%(n)s indices de classement.", n),
        "to_complete": ngettext(
            "%(n)s notice est à compléter : il lui manque ce que le formulaire demande pour publier.",
            "%(n)s notices sont à compléter : il leur manque ce que le formulaire demande pour publier.",
            n,
        ),
        "waiting": ngettext(
            "%(n)s notice n’a pas été changée : ce que le fichier en dit d’autre est à décider dans « À revoir ».",
            "%(n)s notices n’ont pas été changées : ce que le fichier en dit d’autre est à décider dans « À revoir ».",
            n,
        ),
        "candidates": ngettext(
            "%(n)s notice attend d’être relue dans « À revoir ».",
            "%(n)s notices attendent d’être relues dans « À revoir ».",
            n,
        ),
    }
    return words[name] % {"n": format_number(n)}


# --- trying again ----------------------------------------------------------------------------


def retried(counts: Mapping[str, int], tried: int, left: Sequence[Refusal]) -> Iterator[str]:
    """What trying refused records again has done, and why the others (`left`) still wait."""
    words = ngettext("%(n)s notice réessayée.", "%(n)s notices réessayées.", tried)
    yield words % {"n": format_number(tried)}
    yield from (said for _name, _n, said in entered(counts, [name for name in ENTERED if not name.endswith("read")]))
    if left:
        words = ngettext("%(n)s n’a pas pu entrer :", "%(n)s n’ont pas pu entrer :", len(left))
        yield words % {"n": format_number(len(left))}
        yield from list(dict.fromkeys(refusal.sentence() for refusal in left))[:REASONS]
        yield _("Corrigez le fichier d’origine et importez-le de nouveau, ou mettez de côté ce qui ne servira pas.")


# --- what is to be completed -----------------------------------------------------------------


def field_label(tag: str, subfield: str) -> str:
    """« ISBN », where the form has a field of that place."""
    key = form.field_of(tag, subfield) if tag else ""
    if key == form.KIND:
        return _("Type de document")
    return form.FORM[key].label if key in form.FORM else ""


def missing(found: Iterable[tuple[str, str, int]]) -> str:
    """What notices lack or have wrong, the most frequent first, from (tag, subfield, how many)."""
    counts: dict[str, int] = {}
    for tag, subfield, n in found:
        label = field_label(tag, subfield) or tag
        counts[label] = counts.get(label, 0) + n
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    said = ", ".join(f"{label} ({format_number(n)})" for label, n in ordered)
    return _("Champs concernés : %(fields)s.") % {"fields": said} if said else ""
