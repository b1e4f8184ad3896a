"""What a person lets a source do by itself, by group of fields and kind of change: a table to read and to edit. Pure.

    [all]
    adds = "accept"          # ce qu’ils ajoutent
    [subjects]
    updates = "ours"         # ce qu’eux seuls ont changé

accept takes theirs, ours keeps ours for good, ask (wherever nothing is said) leaves it to a person. A local edit
always wins: `updates` and `removes` only apply where all that we say came from that source and nobody else says it.
Taking theirs in a conflict has to be written (`conflicts = "accept"`), and can be struck out again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from catalogue.i18n import N_, _
from catalogue.merging.slots import GROUPS
from catalogue.merging.threeway import Merge, loses_tag
from catalogue.problems import Problem
from catalogue.toml_lines import line_of, line_said, without_line

Rules = dict[str, dict[str, str]]  # group or "all" -> adds… -> accept, ask or ours

ALL = "all"
LONGEST = 10_000  # signs of the text
KINDS: Mapping[str, str] = {"add": "adds", "update": "updates", "remove": "removes", "conflict": "conflicts"}
WORDS: Mapping[str, str] = {
    "adds": N_("ce qu’ils ajoutent, où nous n’avons rien"),
    "updates": N_("ce qu’eux seuls ont changé"),
    "removes": N_("ce qu’ils ne disent plus"),
    "conflicts": N_("ce que les deux ont changé"),
}
ANSWERS: Mapping[str, str] = {
    "accept": N_("prendre le leur"),
    "ask": N_("demander"),
    "ours": N_("garder le nôtre"),
}
# Ours gives way to a rule only where that is written, and then it says so.
GIVES_WAY: Mapping[tuple[str, str], str] = {
    ("conflicts", "accept"): N_("prendre le leur, même à la place de ce qui a été écrit ici"),
}
# What the rule « follow = untouched » of a source has always meant: its own words follow it, ours stay.
FOLLOW: Rules = {ALL: {"adds": "accept", "updates": "accept", "removes": "accept"}}
_AT_END = re.compile(r" ?\(at end of document\)")


def of_source(kept: Mapping[str, Any]) -> Rules:
    """The table among what a source keeps as its rules (`Source.rules`)."""
    written = kept.get("fields")
    if written is None:
        return FOLLOW if kept.get("follow") == "untouched" else {}
    return {group: dict(row) for group, row in written.items()}


def answer(rules: Rules, group: str, nature: str) -> str:
    """accept, ask or ours: what the table says of this group, else of all, else ask."""
    kind = KINDS[nature]
    return rules.get(group, {}).get(kind) or rules.get(ALL, {}).get(kind) or "ask"


def with_rule(rules: Rules, group: str, nature: str, said: str) -> Rules:
    """The table with one more line (« Toujours, pour cette source »), or one less: "ask" strikes it out."""
    out = {name: dict(row) for name, row in rules.items()}
    row = out.setdefault(group, {})
    if said == "ask" and rules.get(ALL, {}).get(KINDS[nature], "ask") == "ask":
        row.pop(KINDS[nature], None)
    else:
        row[KINDS[nature]] = said
    return {name: row for name, row in out.items() if row}


def decide(merge: Merge, rules: Rules, claims: Collection[int]) -> dict[str, str]:
    """What the rules answer: slot -> theirs or ours; what is left out waits for a person.

    `claims`: those of the source, by which one knows what is its own. A record that meets a notice for the first
    time, that says less as a whole, or speaks of another document, is let in by no rule.
    """
    if merge.bar or merge.meeting:
        return {}
    out: dict[str, str] = {}
    for change in merge.changes:
        said = answer(rules, change.group, change.nature)
        if said == "ours":
            out[change.slot] = "ours"
        elif said == "accept":
            mine = change.nature == "conflict" or not change.ours or change.is_theirs(claims)
            if mine and not loses_tag(change, merge.theirs):
                out[change.slot] = "theirs"
    return out


def sentences(rules: Rules) -> list[str]:
    """Each line in words: « Sujets, ce qu’eux seuls ont changé : garder le nôtre »."""
    return [sentence(group, kind, said) for group, row in rules.items() for kind, said in row.items()]


def sentence(group: str, kind: str, said: str) -> str:
    name = _("Tous les champs") if group == ALL else GROUPS[group].label
    return f"{name}, {_(WORDS[kind])} : {answer_words(kind, said)}"


def answer_words(kind: str, said: str) -> str:
    """« garder le nôtre »; where ours would give way, it is said."""
    return _(GIVES_WAY.get((kind, said), ANSWERS[said]))


# --- as a text --------------------------------------------------------------------------------


def format_rules(rules: Rules) -> str:
    """The table as a person reads and edits it."""
    lines: list[str] = []
    for group in (ALL, *GROUPS):
        if row := rules.get(group):
            name = _("tous les champs") if group == ALL else GROUPS[group].label
            lines += ["", f"[{group}]".ljust(24) + f"# {name}"]
            lines += [f'{kind} = "{row[kind]}"'.ljust(24) + f"# {_(WORDS[kind])}" for kind in WORDS if kind in row]
    return "\n".join(lines[1:]) + "\n" if lines else ""


def parse_rules(text: str) -> tuple[Rules, list[Problem]]:
    """What the text says, and what is wrong with it, each with its line; a table with a fault is not used."""
    if len(text) > LONGEST:
        return {}, [_wrong("rules.too_long", 1, limit=str(LONGEST))]
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        return {}, [_not_toml(str(error), text)]
    found = [problem for group, row in table.items() for problem in _problems(group, row, text)]
    return ({}, found) if found else (table, [])


def _problems(group: str, row: Any, text: str) -> list[Problem]:
    if group not in GROUPS and group != ALL:
        return [_wrong("rules.unknown_group", line_of(text, group), group, known=", ".join((ALL, *GROUPS)))]
    if not isinstance(row, dict):
        return [_wrong("rules.no_table", line_of(text, group), group)]
    out = []
    for kind, said in row.items():
        line = line_of(text, kind, inside=group)
        if kind not in WORDS:
            out.append(_wrong("rules.unknown_kind", line, kind, known=", ".join(WORDS)))
        elif said not in ANSWERS:
            out.append(_wrong("rules.unknown_answer", line, kind, value=said, known=", ".join(ANSWERS)))
    return out


def _wrong(code: str, line: int, key: str = "", **params: object) -> Problem:
    return Problem(key, "", code, "error", {"line": line, "key": key, **params})


def _not_toml(said: str, text: str) -> Problem:
    """tomllib's own words, in English, behind a sentence that names the line."""
    return _wrong("rules.not_toml", line_said(said, text), detail=_AT_END.sub("", without_line(said)))
