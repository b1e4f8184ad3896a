"""What an import says of itself: counted while it runs, kept whole with its run, shown by `catalogue.imports`.

A problem is counted by its code and the place it was met at (tag, subfield, level), and its first records are
named, each with what its sentence needs. What a reader found and what the checks of fields.toml found are told
apart: the first was repaired, the second waits for somebody who has the document in hand. Codes of the copies
and of the type of document are counted as received; which of them mean nothing here is seen when the report is
read, by the profile that the source has then.

Memory and disk stay small whatever the file: so many different problems, so many records of each, so many
signs of a value; what goes beyond is counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalogue.problems import Problem, Refusal

COUNTS: tuple[str, ...] = ("read", "created", "matched", "updated", "unchanged", "refused", "warnings")
COUNTS += ("back", "folded", "items", "issues", "waiting", "to_complete", "agents", "concepts", "classes")
# Of those read, created… how many are authorities and no notices.
AUTHORITIES: tuple[str, ...] = ("read", "created", "matched", "updated", "unchanged")
COUNTS += tuple(f"authorities_{name}" for name in AUTHORITIES)
# Refusals behind which the file may hold more than was read.
CUT = frozenset(
    ("iso2709.cut", "pmbxml.cut", "pmbxml.malformed", "marcxml.cut", "marcxml.too_many_faults", "file.cut_gzip")
) | {"file.grows", "sheet.cut", "xml.cut", "xml.malformed", "csljson.cut"}
TOLD = 10_000  # refused records that a report names; all are counted and kept
FIRST = 20  # records named for each problem
PARTS = ("sheet.column", "pmbsql.taken", "pmbsql.left_")  # codes said of each column of a sheet, each table of a base
DIFFERENT = 300  # problems, and codes of one kind, told apart
LONGEST = 80  # signs of a value

Place = tuple[str, str, str, str]  # code, tag, subfield, level


@dataclass(frozen=True, slots=True)
class Met:
    """One record where a problem was met."""

    position: int
    identifier: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """A problem met in several records: how often, and where first. `checked`: by fields.toml, not by the reader."""

    problem: Problem
    checked: bool
    n: int
    first: tuple[Met, ...]

    @property
    def position(self) -> int:
        return self.first[0].position


@dataclass(slots=True)
class Report:
    """What became of a file: read = created + matched + updated + unchanged + folded + refused.

    `folded` records only carried the copies of an issue (PMB's « -bull »): the copies are on the issue, they are not.

    `back`: of those updated, how many an undo had withdrawn.

    `trouble` says why the file could not be read at all, or why the import broke off: what the counts tell
    went in all the same. `waiting` notices wait for a person; `to_complete` came in with something missing that
    the desk's form would ask for before it publishes.
    """

    file: str
    source: str
    format: str = ""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    refused: list[Refusal] = field(default_factory=list)
    told: dict[Place, Told] = field(default_factory=dict)
    more_told: int = 0  # problems of yet other codes or places, counted together
    kinds: Counter[str] = field(default_factory=Counter)  # of the notices made
    codes: dict[str, Counter[str]] = field(default_factory=dict)
    trouble: Refusal | None = None
    complete: bool = True
    run_id: int | None = None
    batch_id: int | None = None
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    @property
    def got_in(self) -> int:
        return self.counts["read"] - self.counts["refused"]

    def tell(self, problem: Problem, position: int, identifier: str = "", *, checked: bool = False) -> None:
        """Count a problem. Warnings are what somebody may want to look at; what the checks hold for an error only
        keeps the form from publishing, and is counted once a record, in `to_complete`."""
        self.counts["warnings"] += problem.level == "warning" or (problem.level == "error" and not checked)
        place = problem.code, problem.tag, problem.subfield, problem.level
        told = self.told.get(place)
        if told is None and len(self.told) >= DIFFERENT:
            self.more_told += 1
            return
        first = told.first if told else ()
        if len(first) < (DIFFERENT if problem.code.startswith(PARTS) else FIRST):
            params = {name: _shortened(str(value)) for name, value in problem.params.items()}
            first = (*first, Met(position, identifier, params))
        self.told[place] = Told(told.problem if told else problem, checked, (told.n if told else 0) + 1, first)

    def count_code(self, kind: str, value: str) -> None:
        """A code that the source has for a state, a place, a section or a type."""
        seen = self.codes.setdefault(kind, Counter())
        value = value[:LONGEST]
        seen[value if value in seen or len(seen) < DIFFERENT else ""] += 1

    def stop(self, error: Exception) -> None:
        """What broke off, in a sentence. The first trouble is the one that tells."""
        said = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
        detail = next(iter(str(said).splitlines()), type(error).__name__)
        code = "import.unreadable" if isinstance(error, OSError) else "import.stopped"
        self.complete = False
        self.trouble = self.trouble or Refusal(0, "", code, {"detail": detail})

    def document(self) -> dict[str, Any]:
        """What is kept with the run beside its counts; read back by `catalogue.imports`."""
        self.seconds = round(time.monotonic() - self.began, 1)
        return {
            "format": self.format,
            "seconds": self.seconds,
            "told": [_told_document(told) for told in self.told.values()],
            "more_told": self.more_told,
            "kinds": dict(self.kinds),
            "codes": {kind: dict(seen.most_common()) for kind, seen in self.codes.items()},
        }

    def snapshot(self) -> dict[str, Any]:
        """What `restore` needs to forget all that was counted since."""
        return {
            "counts": dict(self.counts),
            "refused": list(self.refused),
            "told": dict(self.told),
            "more_told": self.more_told,
            "kinds": self.kinds.copy(),
            "codes": {kind: seen.copy() for kind, seen in self.codes.items()},
            "run_id": self.run_id,
            "batch_id": self.batch_id,
        }

    def restore(self, before: Mapping[str, Any]) -> None:
        for name, value in before.items():
            setattr(self, name, value)


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"


def _told_document(told: Told) -> dict[str, Any]:
    problem = told.problem
    return {
        "code": problem.code,
        "tag": problem.tag,
        "subfield": problem.subfield,
        "level": problem.level,
        "checked": told.checked,
        "count": told.n,
        "first": [[met.position, met.identifier, dict(met.params)] for met in told.first],
    }
