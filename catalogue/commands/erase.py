"""To forget for good: a notice, or the person behind a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import erasing, notices, visits
from catalogue.app import Travee
from catalogue.commands import DONE, IN_PART, as_json, bring_index_up_to_date, fail, finish, progress, running
from catalogue.erasing import Erasure, NotErasable
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Notice, VisitRequest
from indexes.sync import IndexBusy

LINKED = 10  # notices that lead to the erased one, or may still say its words, named
LONGEST_REASON = 200


@click.command()
@click.argument("address", metavar="ID")
@click.option("--reason", default="", help="Pourquoi ; dit au public à l’adresse de la notice, sans nommer personne.")
@click.option("--dry-run", is_flag=True, help="Dire ce qui serait effacé, et ne rien effacer.")
@click.option("--yes", is_flag=True, help="Ne pas demander de confirmation.")
@click.option("--by", default="travee", show_default=True, help="Qui efface, pour l’historique.")
@as_json
def erase(address: str, reason: str, dry_run: bool, yes: bool, by: str, as_json: bool) -> None:
    """Efface une notice pour toujours, partout ; son adresse dit seulement qu’elle l’a été. Rien ne l’annule.

    Avec le code d’une demande de visiteur : en efface la personne. Lancée de nouveau, finit un effacement interrompu.
    """
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if as_json and not (yes or dry_run):
        raise click.UsageError(_("--json ne pose pas de question : ajoutez --yes, ou --dry-run."))
    with running(as_json) as travee:
        with travee.db.read() as session:
            found = notices.find(session, address)
            request = session.scalar(select(VisitRequest.id).where(VisitRequest.code == address))
            told = _plan(session, found, as_json) if found and found.status != "erased" else None
        if found is None and request is not None:
            _erase_person(travee, request, address, dry_run, yes, as_json)
        if found is None:
            fail(as_json, _("Ni notice ni demande ne porte l’adresse « {address} ».").format(address=address))
        if told is None:
            _finished(travee, address, as_json)
        if not reason and not dry_run:
            raise click.UsageError(_("Dites pourquoi : --reason « … ». C’est ce que lira le public à cette adresse."))
        if dry_run:
            lines = [_("Serait effacé, pour toujours :"), *_lines(told), _("Essai à blanc : rien n’a été effacé.")]
            finish(as_json, _document(told, dry_run=True), *lines)
        if not yes:
            for line in (_("Sera effacé, pour toujours :"), *_lines(told)):
                click.echo(line)
            click.confirm(_("Rien ne pourra l’annuler. Effacer ?"), abort=True)
        with travee.db.write() as session:
            notice = notices.find(session, address)
            try:
                if notice is None:
                    raise LookupError(address)
                told = erasing.erase(session, notice, by=by, reason=reason)
            except NotErasable as error:  # somebody was faster
                fail(as_json, _refusal(session, error))
        pages, left = _clean(travee)
    lines = [_("Effacé, pour toujours : {address}").format(address=address), *_lines(told, pages), *left]
    finish(as_json, _document(told, pages=pages, left=left), *lines, code=IN_PART if left else DONE)


def _plan(session: Session, found: Notice, as_json: bool) -> Erasure:
    try:
        return erasing.plan(session, found)
    except NotErasable as error:
        fail(as_json, _refusal(session, error))


def _refusal(session: Session, error: NotErasable) -> str:
    if error.code == "erased":
        return _("Cette notice est déjà effacée.")
    into = session.get(Notice, error.notice.merged_into_id) if error.notice.merged_into_id else None
    sentence = _("Cette notice a été réunie à {address} : effacez celle-là, ou séparez-les d’abord.")
    return sentence.format(address=into.address if into else "?")


def _clean(travee: Travee) -> tuple[int, list[str]]:
    """What lies outside the database; what cannot be cleaned now is left to the worker, and told."""
    bring_index_up_to_date(travee)
    try:
        with progress(_("Pages gardées")) as step:
            return travee.finish_erasing(lambda done: step(done, None)), []
    except (IndexBusy, OSError) as error:
        sentence = _("Les pages gardées et l’index seront nettoyés par le travail de fond ({error}).")
        return 0, [sentence.format(error=str(error) or type(error).__name__)]


def _finished(travee: Travee, address: str, as_json: bool) -> NoReturn:
    """Erased already: what an interrupted erasure has left is cleaned."""
    pages, left = _clean(travee)
    sentence = _("Cette notice est déjà effacée : {address}").format(address=address)
    document = {"id": address, "erased": True, "already": True, "pages": pages, "left": left}
    finish(as_json, document, sentence, *left, code=IN_PART if left else DONE)


def _erase_person(travee: Travee, request: int, code: str, dry_run: bool, yes: bool, as_json: bool) -> NoReturn:
    """The person behind a visitor's request; what was asked, and when, stays."""
    if dry_run:
        line = _("Essai à blanc : rien n’a été effacé.")
        finish(as_json, {"request": code, "erased": False, "dry_run": True}, line)
    if not yes:
        click.confirm(
            _("Le nom, le courriel et le message de cette demande seront effacés, pour toujours. Effacer ?"), abort=True
        )
    with travee.db.write() as session:
        done = visits.erase(session, session.get_one(VisitRequest, request))
    travee.db.empty_log()
    line = _("La personne qui a fait cette demande est effacée.") if done else _("Elle l’était déjà.")
    finish(as_json, {"request": code, "erased": done, "dry_run": False}, line)


_COUNTED: Mapping[str, Callable[[int], str]] = {
    "records": lambda n: ngettext("{n} notice d’origine", "{n} notices d’origine", n),
    "versions": lambda n: ngettext("{n} version reçue", "{n} versions reçues", n),
    "revisions": lambda n: ngettext("{n} étape de l’historique", "{n} étapes de l’historique", n),
    "proposals": lambda n: ngettext("{n} proposition", "{n} propositions", n),
    "copies": lambda n: ngettext("{n} exemplaire, retiré et vidé", "{n} exemplaires, retirés et vidés", n),
    "holdings": lambda n: ngettext("{n} exemplaire chez un partenaire", "{n} exemplaires chez des partenaires", n),
    "documents": lambda n: ngettext("{n} document numérique", "{n} documents numériques", n),
    "refused": lambda n: ngettext("{n} notice refusée", "{n} notices refusées", n),
    "authors": lambda n: ngettext("{n} auteur que rien d’autre ne nomme", "{n} auteurs que rien d’autre ne nomme", n),
}


def _lines(told: Erasure, pages: int = 0) -> Iterator[str]:
    yield f"  « {told.title} » ({told.address})"
    if more := told.notices - 1:
        yield "  " + ngettext(
            "{n} notice qui lui avait été réunie", "{n} notices qui lui avaient été réunies", more
        ).format(n=format_number(more))
    for name, words_of in _COUNTED.items():
        if n := getattr(told, name):
            yield "  " + words_of(n).format(n=format_number(n))
    if pages:
        words = ngettext(
            "{n} page de moisson, où elle a été coupée", "{n} pages de moisson, où elle a été coupée", pages
        )
        yield "  " + words.format(n=format_number(pages))
    if told.records > told.numberless:
        yield _("Elle ne reviendra plus de ses sources : une moisson ou un import qui la rapporte la laisse et le dit.")
    if told.numberless:
        yield ngettext(
            "{n} notice d’origine n’a pas de numéro : un import de la même notice, modifiée, la ramènerait.",
            "{n} notices d’origine n’ont pas de numéro : un import de la même notice, modifiée, la ramènerait.",
            told.numberless,
        ).format(n=format_number(told.numberless))
    if told.quoting:
        yield ngettext(
            "{n} autre notice a repris de ses mots et peut les dire encore : {named}. Corrigez-la avant d’effacer : "
            "ce qu’on corrige après reste dans son historique.",
            "{n} autres notices ont repris de ses mots et peuvent les dire encore : {named}. Corrigez-les avant "
            "d’effacer : ce qu’on corrige après reste dans leur historique.",
            len(told.quoting),
        ).format(n=format_number(len(told.quoting)), named=_named(told.quoting))
    if told.linked:
        yield ngettext(
            "{n} autre notice renvoie à elle et peut citer son titre : {named}. Corrigez-la si besoin.",
            "{n} autres notices renvoient à elle et peuvent citer son titre : {named}. Corrigez-les si besoin.",
            len(told.linked),
        ).format(n=format_number(len(told.linked)), named=_named(told.linked))
    yield _("Les sauvegardes faites jusqu’ici la contiennent encore : faites-en une nouvelle, puis jetez-les.")


def _named(addresses: Sequence[str]) -> str:
    return ", ".join(addresses[:LINKED]) + (" …" if len(addresses) > LINKED else "")


def _document(told: Erasure, *, dry_run: bool = False, pages: int = 0, left: list[str] | None = None) -> dict[str, Any]:
    counts = asdict(told)
    return {"id": counts.pop("address"), **counts, "erased": not dry_run, "dry_run": dry_run, "pages": pages} | {
        "left": left or []
    }


COMMANDS: list[click.Command] = [erase]
