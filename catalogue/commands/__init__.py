"""The `travee` command, a file per subject; `catalogue.cli` gathers them.

Every command ends through `finish`: one JSON document on standard output with `--json`, sentences without,
and the exit code of INTERFACES.md: 0 done, 1 could not be done, 2 wrong usage, 3 done in part.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from catalogue import in_use, setup
from catalogue.app import Travee
from catalogue.config import Settings
from catalogue.i18n import N_, _
from indexes.reader import UnreadableIndex
from indexes.sync import IndexBusy

log = logging.getLogger("travee")
DONE, FAILED, WRONG_USAGE, IN_PART = 0, 1, 2, 3
INDEX_UNREADABLE = N_(
    "L’index de recherche ne peut pas être lu ; la base, elle, est entière. « travee index rebuild » le refait."
)
INDEX_BUSY = N_("Un autre programme écrit dans l’index depuis deux minutes. Recommencez quand il aura fini.")
BEING_REPLACED = N_("Une sauvegarde est en train d’être remise en place. Recommencez quand ce sera fini.")

as_json = click.option("--json", "as_json", is_flag=True, help="Un document JSON sur la sortie standard, rien d’autre.")


@contextmanager
def running(as_json: bool = False, *, unready: bool = False) -> Iterator[Travee]:
    """The application's parts, opened for one command and closed after it.

    A base that is not there yet, or cannot be reached, is one sentence, and so is an index that cannot be read, or that
    another program is writing; `unready` is for `init`, which makes the base.
    """
    travee = Travee(Settings())
    try:
        if not unready and not setup.is_ready(travee.db):
            fail(as_json, _("La base n’existe pas encore ou n’est pas à jour : lancez d’abord « travee init »."))
        travee.hold()
        yield travee
    except in_use.InUse:
        fail(as_json, _(BEING_REPLACED))
    except UnreadableIndex as error:
        log.debug("the index cannot be read", exc_info=error)
        fail(as_json, _(INDEX_UNREADABLE))
    except IndexBusy:
        fail(as_json, _(INDEX_BUSY))
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).splitlines()[0]
        sentence = _("La base ne répond pas comme il faut ({error}). Réessayez dans un instant.")
        fail(as_json, sentence.format(error=words))
    finally:
        travee.close()


def writable(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """An option's callback: a report that cannot be written is told before the work, not after it."""
    if path is None or (path.exists() and not path.is_file() and not path.is_dir()):  # a pipe is not for trying
        return path
    was_there = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise click.UsageError(_not_written(path, error)) from None
    if not was_there:
        path.unlink()
    return path


def write_report(path: Path | None, document: Mapping[str, Any], code: int) -> int:
    """Write it, if asked; returns the exit code, which says so when the disk did not take it."""
    if path is None:
        return code
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n", "utf-8")
    except OSError as error:
        click.echo(_not_written(path, error), err=True)
        return code or IN_PART
    return code


def _not_written(path: Path, error: OSError) -> str:
    sentence = _("Le compte rendu ne peut pas être écrit dans {file} ({detail}).")
    return sentence.format(file=path, detail=error.strerror)


def bring_index_up_to_date(travee: Travee) -> None:
    """What came in can be found at once; whatever hinders that, the queue keeps it for the worker."""
    try:
        while travee.drain():
            pass
    except Exception as error:
        click.echo(_("L’index n’a pas pu être mis à jour : {error}").format(error=error), err=True)


def finish(as_json: bool, document: Mapping[str, Any], *lines: str, code: int = DONE) -> NoReturn:
    """Say it and leave. Failures go to standard error when people read, into the document when machines do."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
    else:
        for line in lines:
            click.echo(line, err=code == FAILED)
    sys.exit(code)


def fail(as_json: bool, sentence: str, **more: Any) -> NoReturn:
    finish(as_json, {"error": sentence, **more}, sentence, code=FAILED)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error, only on a terminal: `step(done, total)`."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
