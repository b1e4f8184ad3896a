"""What is left of each task: a look through the base, at night or when somebody asks, and what is kept of it.

Counting a task goes through every notice: it is done once a day, and pages read what it found. What somebody has
settled since is taken off by its rows (`CleaningGroup`), so that a count is right between two looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from catalogue import db, remembered
from catalogue.cleaning.chantier import Chantier, Found
from catalogue.models import Batch, CleaningGroup

FOUND = "cleaning.found:"  # a task -> its groups
COUNTED = "cleaning.count:"  # a task -> how many, and when
LOOKED_ON = "cleaning.day"
KEPT = 2_000  # groups of a task that are kept from one look to the next


@dataclass(frozen=True, slots=True)
class Count:
    """`left`: groups nobody has settled; `at`: when the base was looked through, None never."""

    left: int
    at: datetime | None


def look(base: db.Database, task: str, chantier: Chantier) -> int:
    """Go through the base, and keep what is found: how many groups. What came back though it was settled is open again;
    what somebody has put aside stays aside."""
    with base.read() as session:
        began = db.now()
        aside = _keys(session, CleaningGroup.task == task, CleaningGroup.state == "apart", ~is_taken_back())
        found = (group for group in chantier.find(session) if group.key not in aside)
        kept = list(islice(found, KEPT))
        total = len(kept) + sum(1 for _more in found)
    with base.write() as session:
        back = [group.key for group in kept]
        for part in db.chunks(back):
            again = CleaningGroup.task == task, CleaningGroup.state == "done", CleaningGroup.key.in_(part)
            for row in session.scalars(select(CleaningGroup).where(*again, CleaningGroup.done_at < began)):
                row.state, row.taken_by, row.taken_until = "open", "", None
        rows = [[group.name, list(group.refs), group.weight] for group in kept]
        remembered.write(session, f"{FOUND}{task}", rows)
        remembered.write(session, f"{COUNTED}{task}", {"n": total, "at": began.isoformat()})
    return total


def look_at_all(
    base: db.Database, chantiers: Mapping[str, Chantier], stopping: Callable[[], bool] = lambda: False
) -> None:
    for task, chantier in chantiers.items():
        if stopping():
            return
        look(base, task, chantier)


def is_due(session: Session, today: date) -> bool:
    """Once a day."""
    if remembered.read(session, LOOKED_ON) == today.isoformat():
        return False
    remembered.write(session, LOOKED_ON, today.isoformat())
    return True


def found(session: Session, task: str) -> list[Found]:
    """The groups that the last look found, settled since or not."""
    rows = remembered.read(session, f"{FOUND}{task}", [])
    return [Found(name, tuple(refs), weight) for name, refs, weight in rows]


def counts(session: Session, tasks: Sequence[str]) -> dict[str, Count]:
    """What is left of each, without going through anything."""
    told = remembered.read_all(session, COUNTED)
    at = {task: datetime.fromisoformat(told[task]["at"]) for task in tasks if task in told}
    settled = settled_since(session, at)
    return {
        task: Count(max(0, told[task]["n"] - settled.get(task, 0)) if task in at else 0, at.get(task)) for task in tasks
    }


def settled_since(session: Session, since: Mapping[str, datetime], *where: ColumnElement[bool]) -> dict[str, int]:
    """How many groups of each task have been settled since its instant."""
    if not since:
        return {}
    rows = or_(*((CleaningGroup.task == task) & (CleaningGroup.done_at >= at) for task, at in since.items()))
    counted = select(CleaningGroup.task, func.count()).where(is_settled(), rows, *where).group_by(CleaningGroup.task)
    return {task: n for task, n in session.execute(counted)}


def is_settled() -> ColumnElement[bool]:
    """Of a row: somebody has settled it, and has not taken that back since."""
    return CleaningGroup.state.in_(("done", "apart")) & ~is_taken_back()


def is_taken_back() -> ColumnElement[bool]:
    """Of a row: its lot has been undone."""
    undone = select(Batch.undoes_id).where(Batch.undoes_id.is_not(None))
    return func.coalesce(CleaningGroup.batch_id, 0).in_(undone)


def _keys(session: Session, *where: ColumnElement[bool]) -> set[str]:
    return set(session.scalars(select(CleaningGroup.key).where(*where)))
