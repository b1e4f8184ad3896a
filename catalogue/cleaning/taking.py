"""Several people at one task: each takes a handful of groups for half an hour, and settles them one by one.

Whoever takes waits for whoever is taking (`history.turn`), so that two people never get the same group. What was taken
and not settled is free again when its time is over; until somebody else takes it, the one who had it may still settle
it. Who takes back what they have just settled has that very group in hand again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import db, history
from catalogue.cleaning.chantier import Chantier, Found, Group, Member, Settled
from catalogue.cleaning.looking import counts, found, is_settled, is_taken_back, settled_since
from catalogue.models import CleaningGroup

AT_ONCE = 25
MINUTES = 30


@dataclass(frozen=True, slots=True)
class Mine:
    """What one has taken: the rows still to settle, how many are behind, until when."""

    rows: tuple[CleaningGroup, ...] = ()
    behind: int = 0
    until: datetime | None = None

    @property
    def total(self) -> int:
        return self.behind + len(self.rows)


@dataclass(frozen=True, slots=True)
class Free:
    """How many groups somebody may take; where others have them all, when the first of these are free again."""

    n: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """How far everybody is today: groups settled, of those of the day, and by how many people it is being done."""

    done: int
    total: int
    people: int


def take(session: Session, task: str, chantier: Chantier, *, by: str, at: datetime) -> int:
    """Reserve the next groups for somebody; how many they have then. What somebody has passed comes last."""
    history.turn(session)
    rows = {row.key: row for row in session.scalars(select(CleaningGroup).where(CleaningGroup.task == task))}
    again = _taken_back(session, task)
    until = at + timedelta(minutes=MINUTES)
    free = [group for group in _left(session, task) if not _is_held(rows.get(group.key), by, at, again)]
    free.sort(key=lambda group: (row := rows.get(group.key)) is not None and row.state == "passed")
    taken = 0
    looking_for_one = True  # of those one has had and not settled, the first ones may be gone
    for group in free:
        if taken == AT_ONCE:
            break
        row = rows.get(group.key)
        if row is None:
            row = CleaningGroup(task=task, key=group.key)
            session.add(row)
        if looking_for_one and row.taken_by == by and row.state == "open":
            if chantier.read(session, group.refs) is None:  # somebody has seen to it elsewhere
                gone(row)
                continue
            looking_for_one = False
        row.state, row.taken_by, row.taken_until, row.batch_id = "open", by, until, None
        row.what = {"refs": list(group.refs)}
        taken += 1
    session.flush()
    return taken


def free(session: Session, task: str, *, by: str, at: datetime) -> Free:
    """What a page says before anything is taken."""
    rows = {row.key: row for row in session.scalars(select(CleaningGroup).where(CleaningGroup.task == task))}
    again = _taken_back(session, task)
    of = [rows.get(group.key) for group in _left(session, task)]
    held = [row for row in of if row is not None and _is_held(row, by, at, again)]
    n = len(of) - len(held)
    return Free(n, min((row.taken_until for row in held if row.taken_until), default=None) if not n else None)


def _left(session: Session, task: str) -> list[Found]:
    """What the last look found, but for what is settled."""
    settled = set(session.scalars(select(CleaningGroup.key).where(CleaningGroup.task == task, is_settled())))
    return [group for group in found(session, task) if group.key not in settled]


def _taken_back(session: Session, task: str) -> set[int]:
    """The rows that were settled, and whose lot is undone: in hand again of who had them."""
    return set(session.scalars(select(CleaningGroup.id).where(CleaningGroup.task == task, is_taken_back())))


def _is_held(row: CleaningGroup | None, by: str, at: datetime, again: Collection[int]) -> bool:
    """By somebody else."""
    if row is None or row.taken_by in ("", by) or (row.state != "open" and row.id not in again):
        return False
    return row.taken_until is not None and row.taken_until > at


def give_back(session: Session, task: str, *, by: str) -> None:
    """Others may take what one has not settled."""
    history.turn(session)
    mine = CleaningGroup.task == task, CleaningGroup.taken_by == by, CleaningGroup.state == "open"
    for row in session.scalars(select(CleaningGroup).where(*mine)):
        row.taken_by, row.taken_until = "", None


def mine(session: Session, task: str, *, by: str, at: datetime) -> Mine:
    """What somebody has taken and may still settle, in the order of the look."""
    of = CleaningGroup.task == task, CleaningGroup.taken_by == by, CleaningGroup.taken_until > at
    rows = list(session.scalars(select(CleaningGroup).where(*of).order_by(CleaningGroup.id)))
    until = max((row.taken_until for row in rows if row.taken_until), default=None)
    last = [row for row in rows if row.taken_until == until]
    again = _taken_back(session, task)
    still = tuple(row for row in last if row.state == "open" or row.id in again)
    return Mine(still, len(last) - len(still), until) if still else Mine()


def holder(session: Session, row: CleaningGroup, *, by: str, at: datetime) -> str:
    """Who else has it now, or has settled it; "" when it is this person's to settle."""
    again = _taken_back(session, row.task)
    if row.state in ("done", "apart") and row.id not in again:
        return row.done_by or row.taken_by
    return row.taken_by if _is_held(row, by, at, again) else ""


def get(session: Session, task: str, key: str) -> CleaningGroup | None:
    return session.scalar(select(CleaningGroup).where(CleaningGroup.task == task, CleaningGroup.key == key))


# --- settling ------------------------------------------------------------------------------------


def apply(
    session: Session, row: CleaningGroup, chantier: Chantier, group: Group, ticked: list[Member], form: str, *, by: str
) -> Settled:
    """Replace what is ticked; nothing is settled where there is a problem."""
    settled = chantier.apply(session, group, ticked, form, by)
    if not settled.problem:
        _settle(row, "done", by, form or group.members[0].label, settled.n, settled.batch.id if settled.batch else None)
    return settled


def set_apart(
    session: Session, row: CleaningGroup, chantier: Chantier, group: Group, ticked: list[Member], *, by: str
) -> None:
    """« Ne sont pas les mêmes »: remembered, not proposed any more."""
    batch = chantier.apart(session, group, ticked, by)
    _settle(row, "apart", by, " / ".join(member.label for member in group.members[:3]), 0, batch.id if batch else None)


def pass_over(row: CleaningGroup) -> None:
    """Left for somebody else, or for later."""
    row.state = "passed"


def gone(row: CleaningGroup) -> None:
    """Nothing is left of it: nobody's work."""
    row.state, row.done_by, row.done_at = "done", "", db.now()


def _settle(row: CleaningGroup, state: str, by: str, words: str, n: int, batch_id: int | None) -> None:
    row.state, row.done_by, row.done_at, row.batch_id = state, by, db.now(), batch_id
    row.what = {**row.what, "words": words[:200], "n": n}


# --- the room ------------------------------------------------------------------------------------


def rooms(session: Session, chantiers: Mapping[str, Chantier], *, since: datetime, at: datetime) -> dict[str, Room]:
    """Each task: what was settled since the beginning of the day, and what is left."""
    left = counts(session, list(chantiers))
    done = settled_since(session, dict.fromkeys(chantiers, since), CleaningGroup.done_by != "")
    people = dict.fromkeys(chantiers, 0)
    busy = (
        select(CleaningGroup.task, func.count(CleaningGroup.taken_by.distinct()))
        .where(CleaningGroup.state == "open", CleaningGroup.taken_until > at)
        .group_by(CleaningGroup.task)
    )
    for task, n in session.execute(busy):
        people[task] = n
    return {task: Room(done.get(task, 0), done.get(task, 0) + left[task].left, people[task]) for task in chantiers}
