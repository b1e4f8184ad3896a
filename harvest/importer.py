"""Files into the catalogue: read, taken in by batches, told.

Every 500 records are one transaction. Killed at any moment, an import has kept whole batches, and the same
command again completes it without doubles: records are recognised (`harvest.intake`), copies too. All that
one file changed is one lot. What a person has touched is not overwritten; a notice nobody touched follows its
record.

Copies become items of ours: of the notice, or of the issue that an article or a periodical names. That issue
is made when copies come for it (most bulletins of a PMB have no record of their own), under the number that
PMB itself gives such stand-ins in its exports, "905-bull"; the record of the issue takes it over if it comes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, items, lots, notices, sources, unimarc
from catalogue.db import Database
from catalogue.models import Batch, Claim, Item, Notice, Refused, Run, Source
from catalogue.pmb import link_target, names_issue
from catalogue.problems import Problem, Refusal
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, Record, RecordItem, each, first, subfields, typed
from harvest import dialect, files, intake
from harvest.crosswalk import pmbxml
from harvest.intake import Incoming, Outcome

BATCH = 500
KEPT = 1_000_000  # bytes of a refused record
TOLD = 10_000  # refused records that a report names; all are counted and kept
COUNTS = ("read", "created", "matched", "updated", "unchanged", "refused", "warnings", "items", "issues", "waiting")
# Refusals behind which the file may hold more than was read.
CUT = frozenset(("iso2709.cut", "pmbxml.cut", "pmbxml.malformed", "file.cut_gzip", "file.grows"))

Progress = Callable[[int, int | None], None]


@dataclass(slots=True)
class Told:
    """A problem met in several records: how often, and where first."""

    problem: Problem
    position: int
    n: int = 0


@dataclass(slots=True)
class Report:
    """What became of a file: read = created + matched + updated + unchanged + refused.

    `trouble` says why the file could not be read at all; `waiting` notices wait for a person.
    """

    file: str
    source: str
    format: str = ""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    refused: list[Refusal] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    trouble: Refusal | None = None
    complete: bool = True
    run_id: int | None = None
    batch_id: int | None = None

    @property
    def got_in(self) -> int:
        return self.counts["read"] - self.counts["refused"]

    def tell(self, problem: Problem, position: int) -> None:
        told = self.told.setdefault(problem.code, Told(problem, position))
        told.n += 1
        self.counts["warnings"] += problem.level != "info"


def import_file(
    database: Database,
    path: Path,
    *,
    source: str,
    by: str,
    format: str = "auto",
    status: str = "published",
    progress: Progress = lambda done, total: None,
    dry_run: bool = False,
) -> Report:
    """Take a file in under the name of its source. Raises OSError when the file cannot be opened.

    A dry run does everything, and takes each batch back.
    """
    report = Report(path.name, source, files.format_of(path, format))
    with database.read() as session:
        known = sources.find(session, source)
    taking = _Import(database, report, status, by, dict(known.profile) if known else {}, dry_run)
    for part in db.chunks(_of_file(files.read(path, format, taking.profile), report), BATCH):
        taking.take(part)
        progress(report.counts["read"], None)
    taking.close()
    return report


def retry(database: Database, *, by: str, source: str = "") -> tuple[Report, list[Refused]]:
    """Try refused records of files again, as received. What goes in is settled; the second part still waits."""
    with database.read() as session:
        waiting = [(row, row_of) for row, row_of in _waiting(session) if not source or row_of.name == source]
    total = Report("", source)
    left = []
    for row, row_source in waiting:
        report = Report(row.file_name, row_source.name, row.format)
        profile = dict(row_source.profile)
        records = [r for r in files.read_bytes(row.raw, row.format, profile) if isinstance(r, Record)]
        if row.code == "record.number_repeated" or not records or any(map(intake.refuse, records)):
            left.append(row)
            continue
        taking = _Import(database, report, "published", by, profile)
        taking.take([replace(r, position=row.position) for r in records], settle=row)
        taking.close()
        for name, n in report.counts.items():
            total.counts[name] += n
    return total, left


def _waiting(session: Session) -> list[tuple[Refused, Source]]:
    by_name = {s.name: s for s in sources.list_sources(session, removed=True)}
    return [(row, by_name[name]) for row, name in sources.list_refused(session) if row.format in files.READERS]


def _of_file(records: Iterable[Record | Refusal], report: Report) -> Iterator[Record | Refusal]:
    """The records; a refusal of the whole file goes to the report."""
    for record in records:
        if record.position:
            yield record
        elif isinstance(record, Refusal):
            report.trouble = record


class _Import:
    """One file on its way in: its run, its lot, and what it has shown so far."""

    def __init__(
        self,
        database: Database,
        report: Report,
        status: str,
        by: str,
        profile: Mapping[str, Any],
        dry_run: bool = False,
    ) -> None:
        self.database, self.report, self.status, self.by = database, report, status, by
        self.profile, self.dry_run = profile, dry_run
        self.seen: dict[str, str] = {}  # identifier -> beginning of the fingerprint

    def take(self, records: Sequence[Record | Refusal], settle: Refused | None = None) -> None:
        """One transaction."""
        with self.database.write_session() as session:
            _Part(self, session).take(records)
            if settle is not None:
                sources.settle_refused(session, settle)
            if self.dry_run:
                session.rollback()
                self.report.run_id = self.report.batch_id = None
            else:
                session.commit()

    def close(self) -> None:
        if self.report.run_id is None:
            return
        with self.database.write() as session:
            run = session.get_one(Run, self.report.run_id)
            run.ended_at = db.now()
            run.counts = dict(self.report.counts)
            run.status = "complete" if self.report.complete else "incomplete"
            cut = next((r for r in self.report.refused if r.code in CUT), None)
            run.reason = {"code": cut.code, "params": dict(cut.params)} if cut else None


class _Part:
    """One transaction of an import."""

    def __init__(self, taking: _Import, session: Session) -> None:
        self.taking, self.session, self.report = taking, session, taking.report
        history.take(session, "change", 0)  # imports wait for one another here, on PostgreSQL as on SQLite
        self.source = sources.for_file(session, self.report.source)
        self.run = self._run()

    def take(self, records: Sequence[Record | Refusal]) -> None:
        self.report.counts["read"] += len(records)
        rows = [row for record in records if (row := self._admit(record)) is not None]
        fakes = [row for row in rows if pmbxml.stands_for_issue(_record(row))]
        rows = [row for row in rows if not pmbxml.stands_for_issue(_record(row))]
        outcomes = intake.take_in(
            self.session,
            self.source,
            rows,
            batch=self.batch,
            status=self.taking.status,
            run=self.run,
            follow=True,
        )
        made = {o.notice_id for o in outcomes if o.kind == "new" and o.notice_id}
        issues = self._issues([*fakes, *rows], made)
        homes = {id(row): o.notice_id for row, o in zip(rows, outcomes, strict=True)}
        back = self._bring_back(rows, outcomes, set(issues.values()) - made)
        moved = self._put_copies([*rows, *fakes], homes, issues, made, back)
        for row, outcome in zip(rows, outcomes, strict=True):
            self._count(outcome, changed=outcome.notice_id in back or id(row) in moved)
        for row in fakes:
            issue = issues.get(_bulletin(_record(row)))
            self.report.counts["created" if issue in made else "unchanged"] += 1

    # --- the run and its lot

    def _run(self) -> Run:
        if self.report.run_id is not None:
            return self.session.get_one(Run, self.report.run_id)
        running = select(Run).where(Run.source_id == self.source.id, Run.kind == "import", Run.status == "running")
        for old in self.session.scalars(running):
            if old.checkpoint.get("file") == self.report.file:  # it was killed, and says so from now on
                old.status, old.reason = "incomplete", {"code": "import.interrupted", "params": {}}
        run = Run(source_id=self.source.id, kind="import", started_at=db.now(), status="running")
        run.checkpoint = {"file": self.report.file}
        self.session.add(run)
        self.session.flush()
        self.report.run_id = run.id
        return run

    def batch(self) -> Batch:
        """The file's lot, opened when something changes: a second import of the same file leaves none."""
        if self.report.batch_id is not None:
            return self.session.get_one(Batch, self.report.batch_id)
        batch = history.open_batch(self.session, "import", by=self.taking.by, why=self.report.file)
        self.report.batch_id = self.run.batch_id = batch.id
        return batch

    # --- what is refused, what is counted

    def _admit(self, record: Record | Refusal) -> Incoming | None:
        if isinstance(record, Refusal):
            self._refuse(record)
            return None
        if (refusal := intake.refuse(record)) is not None:
            self._refuse(refusal)
            return None
        row = intake.receive(self.source, record)
        mark = row.received.fingerprint[:16]
        if (known := self.taking.seen.setdefault(row.received.identifier, mark)) != mark:
            params = {"number": record.control_number or "", "position": str(record.position)}
            raw = record.raw or json.dumps(record.fields, ensure_ascii=False).encode()
            self._refuse(Refusal(record.position, params["number"], "record.number_repeated", params, raw))
            return None
        for problem in record.repairs:
            self.report.tell(problem, record.position)
        return row

    def _refuse(self, refusal: Refusal) -> None:
        self.report.counts["refused"] += 1
        self.report.complete = self.report.complete and refusal.code not in CUT
        if len(self.report.refused) < TOLD:
            self.report.refused.append(replace(refusal, raw=b""))
        if not refusal.raw:
            return
        row = Refused(
            source_id=self.source.id,
            run_id=self.run.id,
            position=refusal.position,
            identifier=refusal.identifier,
            code=refusal.code,
            params=dict(refusal.params),
            format=self.report.format,
            file_name=self.report.file,
            raw=refusal.raw[:KEPT],
            sha256=hashlib.sha256(refusal.raw).hexdigest(),
            created_at=db.now(),
        )
        sources.keep_refused(self.session, row)

    def _count(self, outcome: Outcome, *, changed: bool) -> None:
        counts = self.report.counts
        if outcome.kind == "new":
            counts["created"] += 1
        elif changed or outcome.applied:
            counts["updated"] += 1
        elif outcome.kind == "matched" or (outcome.kind == "updated" and outcome.waits):
            counts["matched"] += 1
        else:
            counts["unchanged"] += 1
        counts["waiting"] += outcome.waits and outcome.kind in ("matched", "updated")
