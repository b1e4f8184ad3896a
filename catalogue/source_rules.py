"""What a source may do by itself, as its page shows it: the table of `catalogue.merging.rules`, kept with its source.

Each change remembers who made it, when, and how the table was before, so that a rule can be struck out long after
the lot that made it. What the rules decide is in `catalogue.proposals`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from catalogue import db, history
from catalogue.i18n import _
from catalogue.merging import GROUPS, rules
from catalogue.merging.rules import ALL, ANSWERS, KINDS, WORDS, Rules
from catalogue.models import Source

CHANGES_KEPT = 20


class Stale(Exception):
    """Somebody has changed it since the page that asks for a change was shown."""


def mark(shown: Any) -> str:
    """What a page has shown of something that is saved as a whole: its form sends it back."""
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Cell:
    """One choice of the table; `name` is what a form calls it."""

    name: str
    said: str
    kind_words: str  # « ce qu’eux seuls ont changé »
    words: str  # « Sujets, ce qu’eux seuls ont changé »
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    cells: tuple[Cell, ...]
    by_group: bool
    said: str  # its own rules in words, "" where it follows « Tous les champs »


@dataclass(frozen=True, slots=True)
class Changed:
    by: str
    at: datetime
    before: tuple[str, ...]  # the sentences of the table that it replaced


def of_source(source: Source) -> Rules:
    return rules.of_source(source.rules)


@dataclass(frozen=True, slots=True)
class Line:
    """One rule of one source; `group` may be all of them."""

    source: str
    group: str
    kind: str
    said: str

    @property
    def words(self) -> str:
        return rules.sentence(self.group, self.kind, self.said)


def put(
    session: Session, source: Source, table: Rules, *, by: str, lot: int | None = None, seen: str | None = None
) -> bool:
    """Replace the table; whether it changed. What the older « follow » said is part of the table from now on.

    `lot`: the decision that it was made with; who takes that back is asked about the rule too. `seen`: the mark of the
    table that a page has shown; raises Stale when it is another one by now.
    """
    history.turn(session)  # the table stands beside other things in one value: nobody writes them meanwhile
    before = of_source(source)
    if table == before:
        return False
    if seen is not None and seen != mark(before):
        raise Stale
    kept = {name: value for name, value in source.rules.items() if name not in ("follow", "fields", "changes")}
    change = {"by": by, "at": db.now().isoformat(), "before": before} | ({"lot": lot} if lot else {})
    changes = [*source.rules.get("changes", ()), change][-CHANGES_KEPT:]
    source.rules = {**kept, "fields": table, "changes": changes}
    session.flush()
    return True


def with_lines(table: Rules, said: Mapping[tuple[str, str], str]) -> Rules:
    """The table with lines more: (group, nature) -> accept or ours."""
    for (group, nature), answer in said.items():
        table = rules.with_rule(table, group, nature, answer)
    return table


def always(
    session: Session, source: Source, said: Mapping[tuple[str, str], str], *, by: str, lot: int | None = None
) -> list[str]:
    """« Toujours, pour cette source »; returns the new rules in words."""
    history.turn(session)
    before = of_source(source)
    table = with_lines(before, said)
    put(session, source, table, by=by, lot=lot)
    known = set(rules.sentences(before))
    return [words for words in rules.sentences(table) if words not in known]


def strike(session: Session, source: Source, group: str, kind: str, *, by: str) -> bool:
    """« Retirer aussi la règle »: one line less; whether it was there."""
    history.turn(session)
    table = {name: dict(row) for name, row in of_source(source).items()}
    table.get(group, {}).pop(kind, None)
    return put(session, source, {name: row for name, row in table.items() if row}, by=by)


def line_about(source: Source, group: str, nature: str) -> Line | None:
    """The rule that decides such a difference: the group’s own, else that of all fields."""
    table, kind = of_source(source), KINDS[nature]
    for name in (group, ALL):
        if said := table.get(name, {}).get(kind):
            return Line(source.name, name, kind, said) if said != "ask" else None
    return None


def made_with(source: Source, lot: int) -> list[Line]:
    """The rules that were added with a decision, and are still there."""
    return [
        Line(source.name, group, kind, said)
        for change in source.rules.get("changes", ())
        if change.get("lot") == lot
        for group, row in of_source(source).items()
        for kind, said in row.items()
        if said != change["before"].get(group, {}).get(kind)
    ]


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
            Cell(
                f"{group}.{kind}",
                said.get(kind, "ask" if group == ALL else ""),
                _(words),
                f"{label}, {_(words)}",
                tuple((code, rules.answer_words(kind, code)) for code in ANSWERS),
            )
            for kind, words in WORDS.items()
        )
        own = " ; ".join(f"{_(WORDS[kind])} : {rules.answer_words(kind, one)}" for kind, one in said.items())
        out.append(Row(label, tuple(cells), group != ALL, own))
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
