"""The item profile of a source as a person writes it: TOML, checked line by line. Pure.

Two shapes. One names a habit that Travée knows (`habit = "koha"`); the other is a table like those of
copies.toml (`field = "995"`, `barcode = "f"`, …). What is wrong is told with its line; nothing is guessed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from catalogue import copies
from catalogue.copies import NAMES
from catalogue.i18n import N_, _
from catalogue.problems import Problem
from catalogue.toml_lines import line_of, line_said

AUTO, PMB = "auto", "pmb"
LONGEST = 10_000  # signs of the text
WORDS: Mapping[str, str] = {
    "field": N_("l’étiquette de la zone des exemplaires"),
    "barcode": N_("code-barres"),
    "call_number": N_("cote"),
    "inventory_number": N_("n° d’inventaire"),
    "location": N_("emplacement"),
    "section": N_("section"),
    "status": N_("état, en mots ou par un code"),
    "type": N_("type de document ou de support"),
    "owner": N_("propriétaire"),
    "note": N_("note"),
    "joined": N_("ce dont toutes les sous-zones se suivent : « 364.4 », « DUB »"),
    "states": N_("sous-zones qui disent un état dès qu’elles ne sont ni vides ni 0"),
}
HABITS: Mapping[str, str] = {
    AUTO: N_("Chaque notice montre son habitude : PMB, Koha ou la Recommandation 995."),
    PMB: N_("PMB écrit chaque exemplaire en 995 et en 996, réunis par le code-barres."),
}
_TAG = re.compile(r"[0-9]{3}")
_CODES = re.compile(r"[0-9A-Za-z]+")
# What tomllib says, in English, and our sentence for it; what a later Python puts otherwise is « not understood ».
_SAID: Mapping[str, str] = {
    "Expected '=' after": "profile.no_equals",
    "Invalid value": "profile.no_quotes",
    "Unterminated string": "profile.open_quote",
    "Illegal character '\\n'": "profile.open_quote",
    'Expected "\'"': "profile.open_quote",
    "Expected newline or end of document": "profile.more_after",
    "Expected ']'": "profile.open_bracket",
    "Unclosed array": "profile.open_bracket",
    "Cannot overwrite a value": "profile.said_twice",
    "Cannot declare": "profile.said_twice",
    "Invalid statement": "profile.bad_name",
}


def format_items(items: str | Mapping[str, Any]) -> str:
    """The text of a profile: the habit's name, or its table with a word beside each line."""
    if isinstance(items, str) and items not in copies.tables():
        return f'# {_(HABITS.get(items, HABITS[AUTO]))}\nhabit = "{items}"\n'
    table = copies.tables()[items] if isinstance(items, str) else items
    lines = []
    for name in ("field", *NAMES):
        if value := table.get(name):
            lines.append(f"{name} = {_quoted(str(value))}".ljust(28) + f"# {_(WORDS[name])}")
    if joined := table.get("joined"):
        lines.append(f"joined = [{', '.join(map(_quoted, joined))}]".ljust(28) + f"# {_(WORDS['joined'])}")
    if states := table.get("states"):
        lines += ["", f"[states]  # {_(WORDS['states'])}"]
        lines += [f"{code} = {_quoted(str(words))}" for code, words in states.items()]
    return "\n".join(lines) + "\n"


def parse_items(text: str) -> tuple[str | dict[str, Any], list[Problem]]:
    """What the text says, and what is wrong with it; `tag` of a problem is the key it is about."""
    if len(text) > LONGEST:
        return AUTO, [_wrong("profile.too_long", 1, limit=str(LONGEST))]
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:  # not TOML; a number of thousands of figures; brackets without end
        return AUTO, [_not_toml(str(error), text)]
    if not table:
        return AUTO, []
    if "habit" in table:
        return _named(table, text)
    found = list(_problems(table, text))
    return (table, []) if not found else (AUTO, found)


def _named(table: Mapping[str, Any], text: str) -> tuple[str, list[Problem]]:
    line = line_of(text, "habit")
    if others := sorted(table.keys() - {"habit"}):
        return AUTO, [_wrong("profile.habit_alone", line_of(text, others[0]), key=others[0])]
    known = (AUTO, PMB, *copies.tables())
    if table["habit"] not in known:
        return AUTO, [_wrong("profile.unknown_habit", line, "habit", value=table["habit"], known=", ".join(known))]
    return str(table["habit"]), []


def _problems(table: Mapping[str, Any], text: str) -> list[Problem]:
    out: list[Problem] = []
    tag = table.get("field")
    if tag is None:
        out.append(_wrong("profile.no_field", 1, "field"))
    elif not isinstance(tag, str) or not _TAG.fullmatch(tag) or tag < "010":
        out.append(_wrong("profile.bad_tag", line_of(text, "field"), "field", value=tag))
    for key, value in table.items():
        if key == "states":
            out += _state_problems(value, text)
        elif key in NAMES:
            if not isinstance(value, str) or not _CODES.fullmatch(value):
                out.append(_wrong("profile.bad_codes", line_of(text, key), key, value=value))
        elif key == "joined":
            if not isinstance(value, list) or not all(name in NAMES for name in value):
                out.append(_wrong("profile.bad_joined", line_of(text, key), key, known=", ".join(NAMES)))
        elif key != "field":
            known = ", ".join(("habit", "field", *NAMES, "joined", "states"))
            out.append(_wrong("profile.unknown_key", line_of(text, key), key, known=known))
    if not out and not table.keys() & {"barcode", "call_number"}:
        out.append(_wrong("profile.says_nothing", 1, "barcode"))
    return out


def _state_problems(states: Any, text: str) -> list[Problem]:
    if not isinstance(states, Mapping):
        return [_wrong("profile.bad_states", line_of(text, "states"), "states")]
    out = []
    for code, words in states.items():
        line = line_of(text, code, inside="states")
        if not re.fullmatch(r"[0-9A-Za-z]", code):
            out.append(_wrong("profile.bad_codes", line, code, value=code))
        elif not isinstance(words, str) or not words.strip():
            out.append(_wrong("profile.bad_state_words", line, code))
    return out


def _wrong(code: str, line: int, key: str = "", **params: object) -> Problem:
    return Problem(key, "", code, "error", {"line": line, "key": key, **params})


def _not_toml(said: str, text: str) -> Problem:
    """What tomllib stumbled on, in words of ours, with the line."""
    code = next((code for words, code in _SAID.items() if said.startswith(words)), "profile.not_toml")
    return _wrong(code, line_said(said, text))


def _quoted(text: str) -> str:
    """A TOML string: what JSON escapes, TOML escapes alike, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
