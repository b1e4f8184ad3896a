"""What one source has answered, as a value; kept as JSON and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from catalogue.unimarc import Fields


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source has answered. `state`: found | nothing | late | down | wrong, `reason` says why in words.

    `rank`: its place among those that are believed, the first one best.
    """

    source: str
    label: str
    state: str
    records: tuple[Fields, ...] = ()
    url: str = ""
    seconds: float = 0.0
    reason: str = ""
    rank: int = 0

    @property
    def failed(self) -> bool:
        """Whether it may answer another time."""
        return self.state in ("late", "down")


def to_row(answer: Answer) -> dict[str, Any]:
    return asdict(answer) | {"records": [list(record) for record in answer.records]}


def from_row(row: Mapping[str, Any]) -> Answer:
    known = {f.name for f in fields(Answer)}
    return Answer(**{k: v for k, v in row.items() if k in known} | {"records": tuple(row.get("records", ()))})
