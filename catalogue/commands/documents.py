"""Digital documents that are ours: adding a file to a notice, reading the texts of files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from catalogue import dead_links, digital, documents, notices, recognition, texts
from catalogue.app import Travee
from catalogue.commands import DONE, IN_PART, as_json, bring_index_up_to_date, fail, finish, progress, running
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import DigitalDocument, Notice
from catalogue.texts import Read
from harvest import quiet

by_option = click.option("--by", default="travee", show_default=True, help="Au nom de qui.")
TOLD = 20  # files without a text, named


@click.group()
def document() -> None:
    """Les documents numériques : les fichiers qui sont à nous."""


@document.command("add")
@click.argument("address", metavar="NOTICE")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--rights",
    type=click.Choice(digital.RIGHTS),
    default="protected",
    show_default=True,
    help="open : à tous ; protected : trouvé par ses mots, jamais cité ni donné ; staff : à l’équipe, jamais trouvé.",
)
@click.option("--label", default="", help="Ce que c’est : « Rapport », « Annexes ».")
@by_option
@as_json
def document_add(address: str, file: Path, rights: str, label: str, by: str, as_json: bool) -> None:
    """Garde ce fichier avec la notice, et lit son texte. Le même fichier de nouveau : change ses droits."""
    with running(as_json) as travee:
        folder = travee.settings.files_dir
        with travee.db.write() as session:
            notice = notices.find(session, address)
            if notice is None or notice.status in ("merged", "erased"):
                fail(as_json, _("Aucune notice ne porte l’adresse « {address} ».").format(address=address))
            try:
                row = documents.attach(session, notice, file, folder, rights=rights, label=label, by=by, checked=True)
            except documents.NotKept as refusal:
                fail(as_json, str(refusal))
            except OSError as error:
                fail(as_json, _("Le fichier n’a pas pu être gardé ({error}).").format(error=error.strerror or error))
            number, notice_id, where = row.id, notice.id, f"/d/{notice.address}/{digital.path_of(row)}"
        read = list(texts.read_waiting(travee.db, folder, notice_id))
        bring_index_up_to_date(travee)
        with travee.db.read() as session:
            said = _document(session.get_one(DigitalDocument, number), address)
    lines = [_("Gardé : {address}").format(address=where), *(_line(one) for one in read)]
    finish(as_json, said, *lines)


@document.command("list")
@click.argument("address", metavar="NOTICE")
@as_json
def document_list(address: str, as_json: bool) -> None:
    """Les fichiers et les adresses d’une notice."""
    with running(as_json) as travee, travee.db.read() as session:
        notice = notices.find(session, address)
        if notice is None:
            fail(as_json, _("Aucune notice ne porte l’adresse « {address} ».").format(address=address))
        every = documents.list_all(session, notice.id)
        rows = [_document(row, address) for row in every if row.rights != digital.REMOVED]
    lines = [f"{r['id']:>6}  {r['rights'] or '-':<9} {r['address']}  {r['label']}  {r['words']}".rstrip() for r in rows]
    finish(as_json, {"documents": rows}, *(lines or [_("Aucun document numérique.")]))


@document.command("remove")
@click.argument("address", metavar="NOTICE")
@click.argument("number", type=int, metavar="N")
@by_option
@as_json
def document_remove(address: str, number: int, by: str, as_json: bool) -> None:
    """Retire un fichier d’une notice ; N est le dernier nombre de son adresse. Le lot s’annule pendant trente jours."""
    with running(as_json) as travee:
        with travee.db.write() as session:
            notice = notices.find(session, address)
            row = session.get(DigitalDocument, number)
            if notice is None or row is None or row not in digital.files_of(session, [notice.id]).get(notice.id, ()):
                fail(as_json, _("Cette notice n’a pas de fichier {n}.").format(n=number))
            batch = documents.remove(session, row, by=by)
            lot = batch.id
        bring_index_up_to_date(travee)
    finish(as_json, {"removed": number, "batch": lot}, _("Le fichier est retiré (lot {n}).").format(n=lot))


@click.group()
def text() -> None:
    """Les textes des documents numériques."""


@text.command("extract")
@click.option("--notice", "address", default="", metavar="ID", help="Relire les fichiers de cette notice.")
@click.option("--all", "everything", is_flag=True, help="Relire tous les fichiers.")
@as_json
def text_extract(address: str, everything: bool, as_json: bool) -> None:
    """Lit le texte des PDF qui sont à nous : sans option, de ceux que personne n’a encore lus."""
    if address and everything:
        raise click.UsageError(_("Soit --notice, soit --all."))
    with running(as_json) as travee:
        notice_id = _notice_id(travee, address, as_json) if address else None
        folder, again = travee.settings.files_dir, bool(address) or everything
        read: list[Read] = []
        with progress(_("Textes")) as step:
            for one in texts.read_waiting(travee.db, folder, notice_id, again=again):
                read.append(one)
                step(len(read), None)
        bring_index_up_to_date(travee)
        named = _named(travee, read)
    without = [one for one in read if one.reason]
    words = ngettext("{n} fichier lu.", "{n} fichiers lus.", len(read)).format(n=format_number(len(read)))
    lines = [words, *(f"{named[one.sha256]} : {_line(one)}" for one in without[:TOLD])]
    if len(without) > TOLD:
        lines.append(_("… et {n} autres sans texte.").format(n=format_number(len(without) - TOLD)))
    told = [{"notices": named[r.sha256], "sha256": r.sha256, "pages": r.pages, "reason": r.reason} for r in read]
    finish(as_json, {"read": told}, *lines, code=IN_PART if without else DONE)


@text.command("recognise")
@as_json
def text_recognise(as_json: bool) -> None:
    """Reconnaît les mots des PDF qui n’ont que des images de leurs pages, si Tesseract est installé."""
    if not recognition.program():
        fail(as_json, _("Tesseract n’est pas installé : rien ne peut être reconnu (voir le guide d’administration)."))
    with running(as_json) as travee:
        read: list[Read] = []
        with progress(_("Textes")) as step:
            for one in texts.recognise_waiting(travee.db, travee.settings.files_dir):
                read.append(one)
                step(len(read), None)
        bring_index_up_to_date(travee)
        named = _named(travee, read)
    lines = [f"{named[one.sha256]} : {_line(one)}" for one in read] or [_("Rien n’attend d’être reconnu.")]
    told = [{"notices": named[r.sha256], "sha256": r.sha256, "pages": r.pages, "reason": r.reason} for r in read]
    finish(as_json, {"read": told}, *lines)


@click.group()
def link() -> None:
    """Les liens des notices : ceux qui ne répondent plus."""


@link.command("check")
@click.option("--most", default=dead_links.USUAL_PER_NIGHT, show_default=True, help="Adresses à essayer, au plus.")
@as_json
def link_check(most: int, as_json: bool) -> None:
    """Essaie les adresses dont c’est le tour, comme le fait chaque nuit le travail de fond."""
    with running(as_json) as travee:
        asked = quiet.ask_links(travee.db, travee.settings, most=most, pause=time.sleep)
        bring_index_up_to_date(travee)
        with travee.db.read() as session:
            dead = dead_links.count(session)
    words = ngettext("{n} adresse essayée.", "{n} adresses essayées.", asked).format(n=format_number(asked))
    told = ngettext("{n} lien mort à corriger.", "{n} liens morts à corriger.", dead).format(n=format_number(dead))
    finish(as_json, {"asked": asked, "dead": dead}, words, told)


@link.command("dead")
@click.option("--limit", default=50, show_default=True)
@as_json
def link_dead(limit: int, as_json: bool) -> None:
    """Les liens morts que personne n’a encore corrigés."""
    with running(as_json) as travee, travee.db.read() as session:
        found = dead_links.dead_links(session, limit=limit)
    lines = [f"{one.url}  {one.words}  {' '.join(address for address, _t in one.notices)}" for one in found]
    told = [
        {
            "url": one.url,
            "why": one.words,
            "since": one.since.isoformat() if one.since else None,
            "notices": [address for address, _title in one.notices],
        }
        for one in found
    ]
    finish(as_json, {"dead": told}, *(lines or [_("Aucun lien mort.")]))


def _notice_id(travee: Travee, address: str, as_json: bool) -> int:
    with travee.db.read() as session:
        notice = notices.find(session, address)
    if notice is None:
        fail(as_json, _("Aucune notice ne porte l’adresse « {address} ».").format(address=address))
    return notice.id


def _named(travee: Travee, read: list[Read]) -> dict[str, str]:
    """The addresses of the notices that have each of these files."""
    ids = sorted({n for one in read for n in one.notice_ids})
    with travee.db.read() as session:
        address = {n: session.scalar(select(Notice.address).where(Notice.id == n)) or "" for n in ids}
    return {one.sha256: " ".join(address[n] for n in one.notice_ids) for one in read}


def _line(one: Read) -> str:
    if one.reason:
        return _("pas de texte : {why}.").format(why=_(texts.REASONS[one.reason]))
    return ngettext("texte lu : {n} page.", "texte lu : {n} pages.", one.pages).format(n=format_number(one.pages))


def _document(row: DigitalDocument, address: str) -> dict[str, Any]:
    reason = digital.why_no_text(row)
    return {
        "id": row.id,
        "address": f"/d/{address}/{digital.path_of(row)}" if row.sha256 else row.url,
        "label": row.label,
        "media_type": row.media_type,
        "size": row.size,
        "rights": row.rights,
        "sha256": row.sha256,
        "text": digital.has_text(row),
        "recognised": digital.is_recognised(row),
        "reason": reason,
        "words": _("pas de texte : {why}.").format(why=_(texts.REASONS[reason])) if reason in texts.REASONS else "",
    }


COMMANDS: list[click.Command] = [document, text, link]
