"""Many records gone from a partner's at once: a person says whether to believe it.

A run that misses so many takes none of them for gone (`harvest.sweep`) and asks, on its page. An answer holds for the
records that were missing then, until their partner shows them again: believed, each is asked for by name, and those
that the partner says it has no more wait in « À revoir », where a person decides again; not believed, they are held
for living and not asked about any more. Either way nothing leaves the catalogue, and an answer can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue import remembered
from catalogue.models import Claim, Notice, Run, Source, SourceRecord, SourceVersion

ANSWERS, FLOOD = "harvest.flood:", "harvest.flood"
SAMPLE = 12


@dataclass(frozen=True, slots=True)
class Answer:
    run_id: int
    believed: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Gone:
    """One of them: its number at the partner's, and our notice where there is one."""

    identifier: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Flood:
    run_id: int
    source_id: int
    count: int
    known: int
    sample: tuple[Gone, ...]
    answer: Answer | None
    is_open: bool  # nothing has been harvested since: it can be answered


# --- what is missing -------------------------------------------------------------------------


def absent(session: Session, source: Source, run_id: int) -> tuple[dict[str, int], int]:
    """Living records that this run has not met, each with the run that last did (0: none); and how many are living.

    Of a source that is asked for sets, only what came with them: what a file or another set brought may never have
    been in these.
    """
    rows = session.execute(_living(select(SourceRecord.identifier, SourceRecord.last_seen_run_id), source))
    met = {identifier: seen or 0 for identifier, seen in rows}
    return {identifier: seen for identifier, seen in met.items() if seen != run_id}, len(met)


def sort(missing: Mapping[str, int], answers: Sequence[Answer]) -> tuple[list[str], list[str]]:
    """Of these, what nobody has answered for, and what was believed; the others are held for living."""
    unanswered: list[str] = []
    believed: list[str] = []
    for identifier, seen in missing.items():
        answer = next((one for one in answers if seen < one.run_id), None)
        if answer is None:
            unanswered.append(identifier)
        elif answer.believed:
            believed.append(identifier)
    return unanswered, believed


def _living(statement: Any, source: Source) -> Any:
    statement = statement.join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id).where(
        SourceRecord.source_id == source.id, SourceVersion.deleted.is_(False)
    )
    if source.set_spec:
        statement = statement.join(Run, Run.id == SourceRecord.last_seen_run_id).where(
            Run.checkpoint["asked"]["set"].as_string() == source.set_spec
        )
    return statement


# --- what a person has said ------------------------------------------------------------------


def answers(session: Session, source_id: int) -> list[Answer]:
    """The earliest first: it holds for what was missing then, whatever was said of others later."""
    return [
        Answer(row["run"], row["believed"], row["by"], datetime.fromisoformat(row["at"]))
        for row in remembered.read(session, f"{ANSWERS}{source_id}", [])
    ]


def answer(session: Session, flood: Flood, believed: bool | None, *, by: str, at: datetime) -> None:
    """Remember it; None takes the answer back, and the next run asks again."""
    rows = [_row(one) for one in answers(session, flood.source_id) if one.run_id != flood.run_id]
    if believed is not None:
        rows.append(_row(Answer(flood.run_id, believed, by, at)))
    remembered.write(session, f"{ANSWERS}{flood.source_id}", sorted(rows, key=lambda row: int(str(row["run"]))))


def _row(said: Answer) -> dict[str, object]:
    return {"run": said.run_id, "believed": said.believed, "by": said.by, "at": said.at.isoformat()}


# --- what the page asks ----------------------------------------------------------------------


def find(session: Session, run: Run, source: Source) -> Flood | None:
    """What this run asks, or asked; None for one that missed no more than usual."""
    told = next((t for t in (run.reason, run.checkpoint.get("trouble")) if t and t.get("code") == FLOOD), None)
    if told is None:
        return None
    given = answers(session, source.id)
    ours = next((one for one in given if one.run_id == run.id), None)
    later = select(Run.id).where(Run.source_id == source.id, Run.kind == "harvest", Run.id > run.id)
    is_open = session.scalar(later.where(Run.checkpoint["replay_of"].as_string().is_(None)).limit(1)) is None
    count, known = (int(told["params"][name]) for name in ("count", "known"))
    sample = tuple(_sample(session, source, run, given)) if is_open else ()
    return Flood(run.id, source.id, count, known, sample, ours, is_open)


def open_floods(session: Session, sources: Iterable[Source]) -> list[tuple[Flood, Source]]:
    """What waits for an answer: the last run of a source is the one that asks."""
    found = []
    for source in sources:
        last = select(func.max(Run.id)).where(
            Run.source_id == source.id, Run.kind == "harvest", Run.status != "running"
        )
        run = session.scalar(select(Run).where(Run.id == last.scalar_subquery()))
        flood = find(session, run, source) if run is not None else None
        if flood is not None and flood.is_open and flood.answer is None:
            found.append((flood, source))
    return found


def _sample(session: Session, source: Source, run: Run, given: Sequence[Answer]) -> Iterable[Gone]:
    """The first of those that the question is about, in the order of their coming."""
    covered = max((one.run_id for one in given if one.run_id < run.id), default=0)
    statement = (
        _living(select(SourceRecord.identifier, Notice.title, Notice.address), source)
        .outerjoin(Claim, (Claim.record_id == SourceRecord.id) & (Claim.state == "linked"))
        .outerjoin(Notice, Notice.id == Claim.notice_id)
        .where(or_(SourceRecord.last_seen_run_id.is_(None), SourceRecord.last_seen_run_id != run.id))
        .order_by(SourceRecord.id)
        .limit(SAMPLE)
    )
    if covered:
        statement = statement.where(SourceRecord.last_seen_run_id >= covered)
    for identifier, title, address in session.execute(statement):
        yield Gone(identifier, (title or "").partition("\n")[0], address or "")
