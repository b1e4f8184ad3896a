"""What a source may do by itself, as its page shows it: the table of `catalogue.merging.rules`, kept with its source.

Each change remembers who made it, when, and how the table was before, so that a rule can be struck out long after
the lot that made it. What the rules decide is in `catalogue.proposals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from catalogue import db
from catalogue.i18n import _
from catalogue.merging import GROUPS, rules
from catalogue.merging.rules import ALL, ANSWERS, KINDS, WORDS, Rules
from catalogue.models import Source

CHANGES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One choice of the table; `name` is what a form calls it."""

    name: str
    said: str
    kind_words: str  # « ce qu’eux seuls ont changé »
    words: str  # « Sujets, ce qu’eux seuls ont changé »


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    cells: tuple[Cell, ...]
    by_group: bool


@dataclass(frozen=True, slots=True)
class Changed:
    by: str
    at: datetime
    before: tuple[str, ...]  # the sentences of the table that it replaced


def of_source(source: Source) -> Rules:
    return rules.of_source(source.rules)


def put(session: Session, source: Source, table: Rules, *, by: str) -> bool:
    """Replace the table; whether it changed. What the older « follow » said is part of the table from now on."""
    before = of_source(source)
    if table == before:
        return False
    kept = {name: value for name, value in source.rules.items() if name not in ("follow", "fields", "changes")}
    change = {"by": by, "at": db.now().isoformat(), "before": before}
    changes = [*source.rules.get("changes", ()), change][-CHANGES_KEPT:]
    source.rules = {**kept, "fields": table, "changes": changes}
    session.flush()
    return True


def always(session: Session, source: Source, said: Mapping[tuple[str, str], str], *, by: str) -> list[str]:
    """« Toujours, pour cette source »: (group, nature) -> accept or ours; returns the new rules in words."""
    before = table = of_source(source)
    for (group, nature), answer in said.items():
        table = rules.with_rule(table, group, nature, answer)
    put(session, source, table, by=by)
    known = set(rules.sentences(before))
    return [words for words in rules.sentences(table) if words not in known]


def changes_of(source: Source) -> list[Changed]:
    """Latest first."""
    return [
        Changed(row["by"], datetime.fromisoformat(row["at"]), tuple(rules.sentences(row["before"])))
        for row in reversed(source.rules.get("changes", ()))
    ]


def rows(table: Rules) -> list[Row]:
    """The table as a form shows it: all fields, then each group. A group where nothing is said follows the first."""
    out = []
    for group in (ALL, *GROUPS):
        label = _("Tous les champs") if group == ALL else GROUPS[group].label
        said = table.get(group, {})
        cells = (
            Cell(f"{group}.{kind}", said.get(kind, "ask" if group == ALL else ""), _(words), f"{label}, {_(words)}")
            for kind, words in WORDS.items()
        )
        out.append(Row(label, tuple(cells), group != ALL))
    return out


def from_form(given: Iterable[tuple[str, str]]) -> Rules:
    """The table that a form sends: "subjects.updates" -> "ours"; what is not said, or is no rule, is left out."""
    out: Rules = {}
    for name, said in given:
        group, _dot, kind = name.partition(".")
        known = said in ANSWERS and kind in WORDS and (group in GROUPS or group == ALL)
        if known and (group, said) != (ALL, "ask"):
            out.setdefault(group, {})[kind] = said
    return out


def rule_of(nature: str, choice: str) -> str:
    """What « toujours » makes of a choice: accept or ours; "" for what no rule can say (both, later)."""
    return {"ours": "ours", "theirs": "accept"}.get(choice, "") if nature in KINDS else ""
