"""The `travee` command."""

from __future__ import annotations

import locale
import os
from importlib import metadata
from typing import Any

import click

from catalogue import i18n
from catalogue.commands import click_words
from catalogue.config import Settings


def version() -> str:
    """Of the installed wheel; a checkout has none and says so."""
    try:
        return metadata.version("travee")
    except metadata.PackageNotFoundError:
        return "checkout"


class Commands(click.Group):
    """Speaks the language of whoever calls it from the first word, what is wrong with the call included."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        settings = Settings()  # of the environment or of `.env`
        said = settings.language if "language" in settings.model_fields_set else ""
        chosen = said or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES")
        chosen = chosen or os.environ.get("LANG") or locale.getlocale()[0]
        i18n.set_language(i18n.best_language(chosen))
        return super().main(*args, **kwargs)


click_words.teach()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), prog_name="travee")
def main() -> None:
    """Travée, le catalogue des centres de documentation."""


def _gather() -> None:
    from catalogue.commands import (
        authorities,
        backups,
        base,
        documents,
        erase,
        inbox,
        indexing,
        lookup,
        records,
        runs,
        sources,
        thesauri,
        users,
    )

    for module in (
        base,
        backups,
        users,
        indexing,
        records,
        sources,
        runs,
        inbox,
        lookup,
        authorities,
        thesauri,
        documents,
        erase,
    ):
        for command in module.COMMANDS:
            main.add_command(command)


_gather()

if __name__ == "__main__":
    main()
