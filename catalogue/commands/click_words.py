"""Click's own words in French: « Usage », what is missing, what is no number. In English it speaks for itself.

Click asks the standard gettext for each of its messages, in every module under the name `_`; `teach` puts this table
in that place. A message that Click has reworded since is shown as Click says it.
"""

from __future__ import annotations

from collections.abc import Mapping

from click import core, decorators, exceptions, formatting, parser, termui, types

from catalogue.i18n import current_language

FRENCH: Mapping[str, str] = {
    # -- what a command is, and its help
    "Usage:": "Usage :",
    "Options": "Options",
    "Commands": "Commandes",
    "Positional arguments": "Arguments",
    "default: {default}": "par défaut : {default}",
    "required": "obligatoire",
    "Show this message and exit.": "Montre cette aide.",
    "Show the version and exit.": "Montre la version.",
    "%(prog)s, version %(version)s": "%(prog)s, version %(version)s",
    "Try '{command} {option}' for help.": "« {command} {option} » en dit plus.",
    "Aborted!": "Abandonné.",
    # -- what is wrong with how it was called
    "Error: {message}": "Erreur : {message}",
    "Missing command.": "Il manque une commande.",
    "Missing argument": "Il manque l’argument",
    "Missing option": "Il manque l’option",
    "Missing parameter": "Il manque le paramètre",
    "Missing {param_type}": "Il manque {param_type}",
    "Missing parameter: {param_name}": "Il manque le paramètre {param_name}",
    "No such option {name!r}.": "L’option {name} n’existe pas.",
    "No such command {name!r}.": "La commande « {name} » n’existe pas.",
    "Did you mean {possibility}?": "Vouliez-vous dire {possibility} ?",
    "(Did you mean one of: {possibilities}?)": "(Vouliez-vous dire : {possibilities} ?)",
    "Got unexpected extra argument ({args})": "Argument en trop : {args}",
    "Got unexpected extra arguments ({args})": "Arguments en trop : {args}",
    "Option {name!r} does not take a value.": "L’option {name} ne prend pas de valeur.",
    "Option {name!r} requires an argument.": "L’option {name} attend une valeur.",
    "Option {name!r} requires {nargs} arguments.": "L’option {name} attend {nargs} valeurs.",
    "Argument {name!r} takes {nargs} values.": "L’argument {name} prend {nargs} valeurs.",
    # -- what is wrong with a value
    "Invalid value: {message}": "Valeur refusée : {message}",
    "Invalid value for {param_hint}: {message}": "Valeur refusée pour {param_hint} : {message}",
    "Choose from:\n\t{choices}": "Au choix :\n\t{choices}",
    "{value!r} is not {choice}.": "« {value} » n’est pas {choice}.",
    "{value!r} is not one of {choices}.": "« {value} » n’est pas un de ces mots : {choices}.",
    "{value!r} is not a valid {number_type}.": "« {value} » n’est pas un nombre.",
    "{value} is not in the range {range}.": "{value} n’est pas dans les limites : {range}.",
    "{value!r} is not a valid boolean. Recognized values: {states}": "« {value} » n’est ni oui ni non ({states}).",
    "file": "fichier",
    "directory": "dossier",
    "path": "chemin",
    "{name} {filename!r} does not exist.": "{name} « {filename} » n’existe pas.",
    "{name} {filename!r} is a file.": "{name} « {filename} » est un fichier.",
    "{name} {filename!r} is a directory.": "{name} « {filename} » est un dossier.",
    "{name} {filename!r} is not readable.": "{name} « {filename} » ne peut pas être lu.",
    "{name} {filename!r} is not writable.": "{name} « {filename} » ne peut pas être écrit.",
    "Could not open file {filename!r}: {message}": "Le fichier « {filename} » ne peut pas être ouvert : {message}",
    # -- when it asks
    "Repeat for confirmation": "Encore une fois",
    "Error: The two entered values do not match.": "Erreur : les deux saisies diffèrent.",
    "Error: invalid input": "Erreur : ce n’est pas lisible.",
}


def teach() -> None:
    """From now on Click speaks the language of the command."""
    for module in (core, decorators, exceptions, formatting, parser, termui, types):
        vars(module).update(_=_said, ngettext=_counted)


def _said(message: str) -> str:
    return FRENCH.get(message, message) if current_language() == "fr" else message


def _counted(singular: str, plural: str, n: int) -> str:
    return _said(singular if n == 1 else plural)
