"""Digital documents that are ours: adding a file to a notice, reading the texts of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from catalogue import digital, notices, texts
from catalogue.app import Travee
from catalogue.commands import DONE, IN_PART, as_json, bring_index_up_to_date, fail, finish, progress, running
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import DigitalDocument, Notice
from catalogue.texts import Read

LONGEST_LABEL = 200
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
@as_json
def document_add(address: str, file: Path, rights: str, label: str, as_json: bool) -> None:
    """Garde ce fichier avec la notice, et lit son texte. Le même fichier de nouveau : change ses droits."""
    with running(as_json) as travee:
        folder = travee.settings.files_dir
        label = " ".join(label.split())[:LONGEST_LABEL]
        with travee.db.write() as session:
            notice = notices.find(session, address)
            if notice is None or notice.status in ("merged", "erased"):
                fail(as_json, _("Aucune notice ne porte l’adresse « {address} ».").format(address=address))
            try:
                row = texts.attach(session, notice, file, folder, rights=rights, label=label)
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
        statement = select(DigitalDocument).where(DigitalDocument.notice_id == notice.id).order_by(DigitalDocument.id)
        rows = [_document(row, address) for row in session.scalars(statement)]
    lines = [f"{r['id']:>6}  {r['rights'] or '-':<9} {r['address']}  {r['label']}  {r['words']}".rstrip() for r in rows]
    finish(as_json, {"documents": rows}, *(lines or [_("Aucun document numérique.")]))


@document.command("remove")
@click.argument("address", metavar="NOTICE")
@click.argument("number", type=int, metavar="N")
@as_json
def document_remove(address: str, number: int, as_json: bool) -> None:
    """Retire un fichier d’une notice, son texte avec ; N est le dernier nombre de son adresse."""
    with running(as_json) as travee:
        with travee.db.write() as session:
            notice = notices.find(session, address)
            row = session.get(DigitalDocument, number)
            if notice is None or row is None or row.notice_id != notice.id or not row.sha256:
                fail(as_json, _("Cette notice n’a pas de fichier {n}.").format(n=number))
            texts.detach(session, row, travee.settings.files_dir)
        bring_index_up_to_date(travee)
    finish(as_json, {"removed": number}, _("Le fichier est retiré."))


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
    reason = row.text_ref.removeprefix(digital.NONE) if row.text_ref.startswith(digital.NONE) else ""
    return {
        "id": row.id,
        "address": f"/d/{address}/{digital.path_of(row)}" if row.sha256 else row.url,
        "label": row.label,
        "media_type": row.media_type,
        "size": row.size,
        "rights": row.rights,
        "sha256": row.sha256,
        "text": bool(row.text_ref and not reason),
        "reason": reason,
        "words": _("pas de texte : {why}.").format(why=_(texts.REASONS[reason])) if reason in texts.REASONS else "",
    }


COMMANDS: list[click.Command] = [document, text]
