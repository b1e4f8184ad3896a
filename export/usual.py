"""What a bibliography or a label is like when nobody has chosen: set on screen (/admin/modeles), else Travée's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from catalogue import remembered
from export.bibliography import GROUPS
from export.citing.processor import STYLES, USUAL
from export.labels import SIZES

BIBLIOGRAPHY, LABELS = "bibliography.usual", "labels.usual"
FARTHEST = 20.0  # millimetres that a sheet may be out of place


@dataclass(frozen=True, slots=True)
class Bibliography:
    style: str = USUAL
    group: str = GROUPS[0]
    summaries: bool = False

    def __post_init__(self) -> None:
        if self.style not in STYLES or self.group not in GROUPS or not isinstance(self.summaries, bool):
            raise ValueError(f"no such bibliography: {self}")


@dataclass(frozen=True, slots=True)
class Labels:
    """`start`: the place of the first label on its sheet, 0 for one by itself; `x`, `y`: how far the printer is off."""

    size: str = next(iter(SIZES))
    start: int = 0
    x: float = 0.0
    y: float = 0.0

    def __post_init__(self) -> None:
        near = abs(self.x) <= FARTHEST and abs(self.y) <= FARTHEST
        if self.size not in SIZES or not 0 <= self.start <= SIZES[self.size].on_a_sheet or not near:
            raise ValueError(f"no such label: {self}")


def bibliography(session: Session) -> Bibliography:
    return _read(session, BIBLIOGRAPHY, Bibliography)


def labels(session: Session) -> Labels:
    return _read(session, LABELS, Labels)


def write(session: Session, chosen: Bibliography | Labels) -> bool:
    """Keep it; Travée's own leaves nothing behind. False when nothing changed."""
    name, now = (BIBLIOGRAPHY, bibliography) if isinstance(chosen, Bibliography) else (LABELS, labels)
    if now(session) == chosen:
        return False
    if chosen == type(chosen)():
        remembered.forget(session, name)
    else:
        remembered.write(session, name, asdict(chosen))
    return True


def _read(session: Session, name: str, kind: Any) -> Any:
    """As it was kept; a style or a size that is there no more is as if nobody had chosen."""
    try:
        return kind(**(remembered.read(session, name) or {}))
    except (TypeError, ValueError):
        return kind()
