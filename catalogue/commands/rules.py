"""What a source may do by itself, in a terminal: the same table as on its page, as a TOML text."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click

from catalogue import source_rules, sources
from catalogue.commands import as_json, fail, finish, running
from catalogue.i18n import N_, _
from catalogue.merging import GROUPS, rules

_LINES = (
    *(f"  {kind:<10} {words}" for kind, words in rules.WORDS.items()),
    "",
    "\b",
    *(f"  {said:<10} {words}" for said, words in rules.ANSWERS.items()),
)
# What may be written in the text; `--help` shows it.
VOCABULARY = "\n".join(
    (
        "\b",
        "[all]               # ou : " + ", ".join(list(GROUPS)[:4]),
        'adds = "accept"     # puis updates, removes, conflicts',
        "",
        "\b",
        *_LINES,
        "",
        "Groupes de champs : " + ", ".join((rules.ALL, *GROUPS)) + ".",
        "",
        'Ce qui a été écrit ici reste, sauf avec conflicts = "accept".',
    )
)
UNREADABLE = N_("Ce fichier n’est pas un texte en UTF-8.")


def read(path: Path, option: str = "--rule") -> dict[str, Any]:
    """What `Source.rules` keeps of such a text; the older `follow = "untouched"` is still understood."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise click.BadParameter(_(UNREADABLE), param_hint=option) from None
    if _follows(text):
        return {"follow": "untouched"}
    table, problems = rules.parse_rules(text)
    if problems:
        raise click.BadParameter(" ".join(problem.message for problem in problems), param_hint=option)
    return {"fields": table} if table else {}


def _follows(text: str) -> bool:
    try:
        return tomllib.loads(text) == {"follow": "untouched"}
    except tomllib.TOMLDecodeError:
        return False


@click.command(
    "rules",
    help="Ce qu’une source peut faire sans demander ; sans --file, le montre en TOML.\n\n" + VOCABULARY,
)
@click.argument("name")
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="La nouvelle table, en TOML."
)
@click.option("--by", default="travee", show_default=True, help="Qui le décide, pour s’en souvenir.")
@as_json
def source_rules_(name: str, path: Path | None, by: str, as_json: bool) -> None:
    wished = rules.of_source(read(path, "--file")) if path else None
    with running(as_json) as travee, travee.db.write() as session:
        found = sources.find(session, name)
        if found is None or found.removed_at is not None:
            fail(as_json, _("Aucune source ne s’appelle « {name} ».").format(name=name))
        changed = wished is not None and source_rules.put(session, found, wished, by=by)
        table = source_rules.of_source(found)
        changes = [
            {"by": change.by, "at": change.at.isoformat(), "before": list(change.before)}
            for change in source_rules.changes_of(found)
        ]
    lines = rules.format_rules(table).splitlines() or [_("Aucune règle : tout attend votre décision.")]
    if path:
        lines.append(_("C’est enregistré.") if changed else _("Rien n’a changé."))
    document = {"name": name, "rules": table, "sentences": rules.sentences(table), "changed": changed}
    finish(as_json, document | {"changes": changes}, *lines)
