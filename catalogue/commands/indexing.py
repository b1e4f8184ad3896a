"""The index: brought up to date, made anew, compared with the base and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from catalogue.app import Travee
from catalogue.commands import FAILED, as_json, fail, finish, running
from catalogue.i18n import N_, _, format_number, ngettext
from indexes import sync
from indexes.reader import UnreadableIndex

INDEX_DIFFERS = N_("L’index s’écarte de la base : « travee index check » le répare.")
INDEX_REPAIRED = N_("C’est réparé : l’index dit maintenant ce que dit la base.")
# How many notices, by what is wrong with them in the index (`sync.FAULTS`).
INDEX_FAULTS: dict[str, Callable[[int], str]] = {
    "missing": lambda n: ngettext("{n} notice absente de l’index.", "{n} notices absentes de l’index.", n),
    "stale": lambda n: ngettext("{n} notice dans un état ancien.", "{n} notices dans un état ancien.", n),
    "different": lambda n: ngettext(
        "{n} notice qui y dit autre chose que dans la base.",
        "{n} notices qui y disent autre chose que dans la base.",
        n,
    ),
    "doubled": lambda n: ngettext(
        "{n} notice qui s’y trouve plusieurs fois.", "{n} notices qui s’y trouvent plusieurs fois.", n
    ),
    "orphaned": lambda n: ngettext("{n} notice qui n’a plus à y être.", "{n} notices qui n’ont plus à y être.", n),
}


@click.group()
def index() -> None:
    """L’index de recherche : toujours refait à partir de la base."""


@index.command("sync")
@as_json
def index_sync(as_json: bool) -> None:
    """Porte à l’index ce qui attend."""
    with running(as_json) as travee, writing_the_index(travee, as_json):
        done = drain_all(travee)
    finish(as_json, {"indexed": done}, _("{n} notices portées à l’index.").format(n=done))


@index.command("rebuild")
@as_json
def index_rebuild(as_json: bool) -> None:
    """Refait l’index à côté, puis l’échange : la recherche continue pendant ce temps."""
    with running(as_json) as travee, writing_the_index(travee, as_json):
        done = sync.rebuild(travee.db.read_session, travee.settings.index_dir)
    finish(as_json, {"indexed": done}, _("L’index est refait : {n} notices.").format(n=done))


@index.command("check")
@click.option("--dry-run", is_flag=True, help="Compare sans rien réparer ; code 1 s’il y a un écart.")
@as_json
def index_check(dry_run: bool, as_json: bool) -> None:
    """Compare l’index et la base, notice par notice, et répare ce qui s’écarte."""
    with running(as_json) as travee, writing_the_index(travee, as_json):
        lost = not dry_run and sync.usable(travee.index()) is None
        if not dry_run:
            drain_all(travee)  # what waits is no difference; an index that cannot be read is made anew
        report = sync.check(travee.db.read_session, travee.index(), mend=not dry_run)
    agree = report.ok and not lost
    lines = [_("L’index et la base disent la même chose.")] if agree else []
    lines += [_("L’index manquait ou ne pouvait pas être lu : il a été refait à partir de la base.")] if lost else []
    lines += index_lines(report)
    if not report.ok:
        lines.append(_(INDEX_DIFFERS) if dry_run else _(INDEX_REPAIRED))
    state = {"agree": agree, "repaired": not (agree or dry_run), "rebuilt": lost, "waiting": report.waiting}
    finish(as_json, state | report.found, *lines, code=FAILED if dry_run and not agree else 0)


def index_lines(report: sync.CheckReport) -> list[str]:
    found = {kind: len(ids) for kind, ids in report.found.items() if ids}
    lines = [INDEX_FAULTS[kind](n).format(n=format_number(n)) for kind, n in found.items()]
    if n := report.waiting:
        words = ngettext(
            "{n} notice attend encore d’y être portée.", "{n} notices attendent encore d’y être portées.", n
        )
        lines.append(words.format(n=format_number(n)))
    return lines


def drain_all(travee: Travee) -> int:
    done = 0
    while n := travee.drain():
        done += n
    return done


@contextmanager
def writing_the_index(travee: Travee, as_json: bool) -> Iterator[None]:
    """A disk that is full, a file where the directory should be: a sentence, and what to look at."""
    try:
        yield
    except UnreadableIndex:
        raise
    except OSError as error:
        sentence = _("L’index ne peut pas être écrit dans {folder} ({detail}).")
        fail(as_json, sentence.format(folder=travee.settings.index_dir, detail=error.strerror or error))


COMMANDS: list[click.Command] = [index]
