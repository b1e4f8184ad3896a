"""One file that holds everything, made and put back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from catalogue import backups, restoring
from catalogue.commands import as_json, fail, finish, running
from catalogue.config import Settings
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.reading import size_words

UNUSABLE = {
    "not_a_backup": N_("Ce fichier n’est pas une sauvegarde de Travée : rien n’a été changé."),
    "damaged": N_("Cette sauvegarde est abîmée ({detail}) : rien n’a été changé. Prenez-en une autre."),
    "too_new": N_(
        "Cette sauvegarde vient d’une version plus récente de Travée ({detail}) : "
        "mettez Travée à jour d’abord. Rien n’a été changé."
    ),
    "not_empty": N_(
        "Il y a déjà une base ici : rien n’a été changé. « --replace » la remplace, après l’avoir sauvegardée."
    ),
    "in_use": N_(
        "Travée travaille en ce moment sur cette base : rien n’a été changé. "
        "Arrêtez « travee serve », « travee worker » et les commandes en cours, puis recommencez."
    ),
}


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
def backup(file: Path, as_json: bool) -> None:
    """Met toute la base dans un seul fichier (zip), pendant que les autres travaillent."""
    with running(as_json) as travee:
        try:
            kept = backups.make(travee.settings, file)
        except OSError as error:
            fail(as_json, _("La sauvegarde n’a pas pu être écrite ({error}).").format(error=error.strerror or error))
    rows = kept.rows.get("notice", 0)
    words = ngettext("{n} notice sauvegardée", "{n} notices sauvegardées", rows).format(n=format_number(rows))
    line = _("{words} dans {file} ({size}).").format(words=words, file=file, size=size_words(kept.size))
    finish(as_json, {"file": str(file), "size": kept.size, "rows": kept.rows, "files": kept.files}, line)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Remplace la base qui est là, après l’avoir sauvegardée.")
@as_json
def restore(file: Path, replace: bool, as_json: bool) -> None:
    """Remet une sauvegarde en place. Arrêtez d’abord « travee serve » et « travee worker »."""
    settings = Settings()
    try:
        before = restoring.restore(settings, file, replace=replace)
    except restoring.Unusable as refusal:
        fail(as_json, _(UNUSABLE[refusal.code]).format(detail=refusal.detail))
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        sentence = _("La sauvegarde n’a pas pu être remise en place ({error}) : la base est restée comme elle était.")
        fail(as_json, sentence.format(error=str(error).splitlines()[0]))
    with running(as_json) as travee:
        travee.drain()
    lines = [_("La sauvegarde {file} est en place.").format(file=file)]
    if before:
        lines.append(_("Ce qui était là est gardé dans {path}.").format(path=before.path))
    finish(as_json, {"status": "ready", "before": before and str(before.path)}, *lines)


COMMANDS: list[click.Command] = [backup, restore]
