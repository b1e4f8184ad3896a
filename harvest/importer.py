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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import authorities, copies, db, history, lots, notices, sources, unimarc
from catalogue.db import Database
from catalogue.entities import About, AgentRow, ClassRow, Thesaurus
from catalogue.models import Batch, Refused, Run
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record
from catalogue.validation import validate
from harvest import files, following, intake, recognising, shelf
from harvest.collector import collector_aside
from harvest.crosswalk import pmbxml
from harvest.following import Return
from harvest.incoming import Incoming
from harvest.intake import Outcome
from harvest.issues import describe_issue
from harvest.report import AUTHORITIES, CUT, TOLD, Report

BATCH = 500
NEVER_RETRIED = files.BEGINNINGS | {"record.number_repeated"}
ROWS = (AgentRow, ClassRow, Thesaurus)
LONGEST_TITLE = 200  # signs of a refused record’s title
NUMBERS = 100_000  # ISBN and DOI remembered of a file whose lines have no number of their own
RETRIED = 50  # refused records tried again at once: each may have 4 MB

Progress = Callable[[int, int | None], None]
Row = AgentRow | ClassRow | Thesaurus
Read = Record | Row | Refusal
# Records of one transaction, and the refused ones among those kept that they are another try of.
Part = tuple[Sequence[Read], Sequence[int]]


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
    profile: Mapping[str, Any] | None = None,
) -> Report:
    """Take a file in under the name of its source. Raises OSError when the file cannot be opened.

    Broken off later, by the file or by the database, it has kept whole batches and its report says which
    trouble it met. A dry run does everything, and takes each batch back. `profile`: habits to read by that the
    source does not have yet, for a try.
    """
    report = Report(path.name, source, files.format_of(path, format))
    taking = _Import(database, report, status, by, dry_run, habits=profile or {})

    def parts() -> Iterator[Part]:
        for records in db.chunks(_of_file(files.read(path, format, taking.profile), report), BATCH):
            yield records, ()

    taking.run(parts, progress)
    return report


def retry(database: Database, *, by: str, source: str = "", run_id: int | None = None) -> Report:
    """Try refused records of files again, as received; those of one import when it is named.

    What goes in is settled; the rest waits on.
    What one file brought is one run and one lot again, and has the status that its import gave.
    """
    total = Report("", source)
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    with database.read() as session:
        for row, name in sources.list_refused(session, source=source, run_id=run_id):
            if row.format in files.READERS and row.code not in NEVER_RETRIED:
                run = session.get(Run, row.run_id) if row.run_id else None
                status = run.checkpoint.get("status", "published") if run else "published"
                groups.setdefault((name, row.file_name, row.format, status), []).append(row.id)
    for (name, file_name, format, status), ids in groups.items():
        report = Report(file_name, name, format)
        taking = _Import(database, report, status, by, retrying=True)
        taking.run(partial(_kept, taking, ids))
        for counted, n in report.counts.items():
            total.counts[counted] += n
        total.trouble = total.trouble or report.trouble
        total.complete = total.complete and report.complete
        total.run_id, total.batch_id = report.run_id or total.run_id, report.batch_id or total.batch_id
    return total


def _kept(taking: _Import, ids: Sequence[int]) -> Iterator[Part]:
    """Those of these refused records that can go in by now."""
    for some in db.chunks(ids, RETRIED):
        ready: list[Record | Row] = []
        tried: list[int] = []
        with taking.database.read() as session:
            for row in session.scalars(select(Refused).where(Refused.id.in_(some)).order_by(Refused.id)):
                read = files.read_bytes(row.raw, row.format, taking.profile)
                found = [replace(r, position=row.position) for r in read if isinstance(r, (Record, *ROWS))]
                if found and not any(intake.refuse(r) for r in found if isinstance(r, Record)):
                    ready += found
                    tried.append(row.id)
        if ready:
            yield ready, tried


def _of_file(records: Iterable[Read | About], report: Report) -> Iterator[Read]:
    """The records; what is said of the whole file goes to the report, a refusal of it too."""
    for record in records:
        if isinstance(record, About):
            for problem in record.problems:
                report.tell(problem, 0)
        elif record.position or isinstance(record, ROWS):
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
        dry_run: bool = False,
        retrying: bool = False,
        habits: Mapping[str, Any] | None = None,
    ) -> None:
        self.database, self.report, self.status, self.by, self.dry_run = database, report, status, by, dry_run
        self.retrying, self.habits = retrying, dict(habits or {})
        self.profile: Mapping[str, Any] = {}
        self.seen: dict[str, str] = {}  # identifier -> beginning of the fingerprint
        self.numbers: dict[str, tuple[int, str]] = {}  # ISBN or DOI -> the line that said it first, its identifier

    def run(self, parts: Callable[[], Iterable[Part]], progress: Progress = lambda done, total: None) -> None:
        """All of it, or as far as it goes; the run is closed in either case."""
        ended = False
        try:
            with self.database.read() as session:
                known = sources.find(session, self.report.source)
            self.profile = {**(known.profile if known else {}), **self.habits}
            recognising.prepare(self.database)
            with collector_aside() as collect:
                for records, settled in parts():
                    self.take(records, settled)
                    progress(self.report.counts["read"], None)
                    del records
                    collect()
            ended = True
        except (SQLAlchemyError, OSError) as error:
            self.report.stop(error)
        finally:
            self.report.complete = self.report.complete and ended
            self.close()

    def take(self, records: Sequence[Read], settled: Sequence[int] = ()) -> None:
        """One transaction; what it counted is forgotten when it fails.

        Records that were refused before wait no longer, unless they are refused again.
        """
        report = self.report
        before = report.snapshot()
        try:
            with self.database.write_session() as session:
                part = _Part(self, session)
                sources.settle_refused(session, settled)
                part.take(records)
                part.say()
                if self.dry_run:
                    session.rollback()
                    report.run_id = report.batch_id = None
                else:
                    session.commit()
        except BaseException:
            report.restore(before)
            raise

    def close(self) -> None:
        """Say how the run ended. A base that does not even take that finds it out at the file's next import."""
        report = self.report
        if report.run_id is None:
            return
        why = report.trouble or next((r for r in report.refused if r.code in CUT), None)
        if why is None and not report.complete:
            why = Refusal(0, "", "import.interrupted")
        try:
            with self.database.write() as session:
                run = session.get_one(Run, report.run_id)
                run.ended_at = db.now()
                run.counts = dict(report.counts)
                run.checkpoint = {**run.checkpoint, "report": report.document()}
                run.status = "complete" if report.complete else "incomplete"
                run.reason = {"code": why.code, "params": dict(why.params)} if why else None
                if report.complete and not self.retrying:
                    sources.settle_cut(session, run, report.file, CUT)
        except (SQLAlchemyError, OSError) as error:
            report.stop(error)


class _Part:
    """One transaction of an import."""

    def __init__(self, taking: _Import, session: Session) -> None:
        self.taking, self.session, self.report = taking, session, taking.report
        self.kinds: dict[int, str] = {}  # id of a row -> what its record is; of none that only stands for an issue
        self.refused: list[Refused] = []  # those to keep
        self.checked: dict[int, list[Problem]] = {}  # id of a row -> what the checks say of its record
        self.lot: Batch | None = None  # as soon as something changes
        history.take(session, "change", 0)  # imports wait for one another here, on PostgreSQL as on SQLite
        self.source = sources.for_file(session, self.report.source)
        self.run = self._run()

    def take(self, records: Sequence[Read]) -> None:
        self._take_authorities([record for record in records if isinstance(record, ROWS)])
        described = [record for record in records if not isinstance(record, ROWS)]
        self.report.counts["read"] += len(described)
        rows = [row for record in described if (row := self._admit(record)) is not None]
        sources.keep_refused(self.session, self.source, self.refused)
        fakes = [row for row in rows if id(row) not in self.kinds]
        rows = [row for row in rows if id(row) in self.kinds]
        outcomes = intake.take_in(
            self.session,
            self.source,
            rows,
            batch=self.batch,
            status=self.taking.status,
            run=self.run,
            follow=True,
        )
        self._settle([row.received.control_number for row in rows if row.received.control_number])
        made = {o.notice_id for o in outcomes if o.kind == "new" and o.notice_id}
        issues = self._issues([*fakes, *rows], made)
        homes = {id(row): o.notice_id for row, o in zip(rows, outcomes, strict=True)}
        back = self._bring_back(rows, outcomes, set(issues.values()) - made)
        moved = self._put_copies([*rows, *fakes], homes, issues, made)
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.why:
                self.report.tell(Problem("", "", outcome.why), _record(row).position, row.received.identifier)
            self.report.counts["back"] += outcome.kind != "new" and outcome.notice_id in back
            twin = outcome.kind == "repeated" and outcome.notice_id in made  # of a record that counts as created
            self._count(row, outcome, changed=outcome.notice_id in back or (id(row) in moved and not twin))
        self.report.counts["folded"] += len(fakes)

    def _take_authorities(self, rows: Sequence[Row]) -> None:
        """People, bodies, concepts and classes, before the notices that name them."""
        agents = [row for row in rows if isinstance(row, AgentRow)]
        thesauri = [row for row in rows if isinstance(row, Thesaurus)]
        classes = [row for row in rows if isinstance(row, ClassRow)]
        if agents:
            taken = authorities.take_in_agents(self.session, self.source, agents, batch=self.batch)
            self._count_authorities("agents", taken)
        if thesauri:
            taken = authorities.take_in_thesauri(self.session, self.source, thesauri, batch=self.batch)
            notices.relink_concepts(self.session, taken.ids)
            self._count_authorities("concepts", taken)
        if classes:
            taken = authorities.take_in_classes(self.session, self.source, classes, batch=self.batch)
            self._count_authorities("classes", taken)
        self._settle([row.number for row in agents if row.number])
        self._settle([number for row in thesauri for number in row.numbers])
        for row in rows:
            for problem in () if isinstance(row, ClassRow) else row.repairs:
                self.report.tell(problem, row.position)

    def _count_authorities(self, kind: str, taken: authorities.Taken) -> None:
        counts = self.report.counts
        each = (taken.read, taken.created, taken.joined, taken.updated, taken.unchanged)
        for name, n in zip(AUTHORITIES, each, strict=True):
            counts[name] += n
            counts[f"authorities_{name}"] += n
        counts[kind] += taken.read - taken.unchanged

    def say(self) -> None:
        """Leave with the run what was counted so far: an import that is killed has said it."""
        self.run.counts = dict(self.report.counts)
        said = {"report": self.report.document(), "at": db.now().isoformat()}
        self.run.checkpoint = {**self.run.checkpoint, **said}

    # --- the run and its lot

    def _run(self) -> Run:
        if self.report.run_id is not None:
            return self.session.get_one(Run, self.report.run_id)
        running = select(Run).where(Run.source_id == self.source.id, Run.kind == "import", Run.status == "running")
        for old in self.session.scalars(running):
            if old.checkpoint.get("file") == self.report.file:  # it was killed, and says so from now on
                old.status, old.reason = "incomplete", {"code": "import.interrupted", "params": {}}
        run = Run(source_id=self.source.id, kind="import", started_at=db.now(), status="running")
        run.checkpoint = {"file": self.report.file, "status": self.taking.status}
        self.session.add(run)
        self.session.flush()
        self.report.run_id = run.id
        return run

    def batch(self) -> Batch:
        """The file's lot, opened when something changes: a second import of the same file leaves none."""
        self.lot = self.lot or lots.going_on(self.session, self.report.batch_id)
        if self.lot is None:
            self.lot = history.open_batch(self.session, "import", by=self.taking.by, why=self.report.file)
            self.report.batch_id = self.run.batch_id = self.lot.id
        return self.lot

    # --- what is refused, what is counted

    def _admit(self, record: Record | Refusal) -> Incoming | None:
        if isinstance(record, Refusal):
            self._refuse(record)
            return None
        if (refusal := intake.refuse(record)) is not None:
            self._refuse(refusal, record)
            return None
        row = intake.receive(self.source, record)
        mark = row.received.fingerprint[:16]
        if self.taking.seen.setdefault(row.received.identifier, mark) != mark:
            params = {"number": record.control_number or "", "position": str(record.position)}
            raw = record.raw or json.dumps(record.fields, ensure_ascii=False).encode()
            self._refuse(Refusal(record.position, params["number"], "record.number_repeated", params, raw), record)
            return None
        self._look_at(row, record)
        if not record.control_number:
            self._compare_numbers(row, record)
        return row

    def _compare_numbers(self, row: Incoming, record: Record) -> None:
        """Two lines of a sheet under one ISBN or DOI make two notices: the second says so."""
        told, here = self.taking.numbers, row.received.identifier
        for scheme, number in unimarc.identifiers(record.fields):
            if scheme not in ("isbn", "doi"):
                continue
            line, identifier = told.get(number, (0, here))
            if identifier != here:
                params = {"value": number, "line": str(line)}
                self.report.tell(Problem("", "", "record.same_number", "warning", params), record.position, here)
                return
            if len(told) < NUMBERS:
                told[number] = record.position, here

    def _look_at(self, row: Incoming, record: Record) -> None:
        """What the reader repaired, what the checks say, and the codes that only its source can explain."""
        report, identifier = self.report, row.received.identifier
        for problem in record.repairs:
            report.tell(problem, record.position, identifier)
        for name, value in copies.codes_of(record):
            report.count_code(name, value)
        if pmbxml.stands_for_issue(record):
            return
        fields = row.record.fields if row.record else record.fields
        self.kinds[id(row)] = kind = unimarc.kind(fields)
        self.checked[id(row)] = validate(fields, kind)

    def _refuse(self, refusal: Refusal, record: Record | None = None) -> None:
        self.report.counts["refused"] += 1
        if record is not None and (title := unimarc.title(record.fields)):
            refusal = replace(refusal, params={**refusal.params, "title": title[:LONGEST_TITLE]})
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
            raw=refusal.raw,
            sha256=hashlib.sha256(refusal.raw).hexdigest(),
            created_at=db.now(),
        )
        self.refused.append(row)

    def _settle(self, numbers: Sequence[str]) -> None:
        """Records that were refused once and have come in since, with a better file, wait no longer."""
        but = ["record.number_repeated"]
        sources.settle_numbers(self.session, self.source, numbers, formats=files.READERS, but=but)

    def _count(self, row: Incoming, outcome: Outcome, *, changed: bool) -> None:
        counts = self.report.counts
        if outcome.kind == "new":
            counts["created"] += 1
            self.report.kinds[self.kinds[id(row)]] += 1
        elif outcome.kind == "matched":
            counts["matched"] += 1
        elif changed or outcome.applied:
            counts["updated"] += 1
        elif outcome.kind == "updated" and outcome.waits:
            counts["matched"] += 1
        else:
            counts["unchanged"] += 1
        counts["waiting"] += outcome.waits and outcome.kind in ("matched", "updated")
        left_alone = outcome.kind == "matched" or outcome.waits or outcome.why
        if outcome.kind == "new" or changed or outcome.applied or not left_alone:
            self._tell_checked(row)

    def _tell_checked(self, row: Incoming) -> None:
        """What is to be completed, of a notice that says what its record says."""
        problems = self.checked[id(row)]
        for problem in problems:
            self.report.tell(problem, _record(row).position, row.received.identifier, checked=True)
        self.report.counts["to_complete"] += any(problem.level == "error" for problem in problems)

    # --- issues

    def _issues(self, rows: Sequence[Incoming], made: set[int]) -> dict[str, int]:
        """The notices of the issues that these records bring copies for; those made now are added to `made`."""
        told: dict[str, Incoming] = {}
        for row in rows:
            record = _record(row)
            for bulletin in {copy.issue_of for copy in record.items if copy.issue_of}:
                told[bulletin] = intake.receive(self.source, describe_issue(record, bulletin))
        if not told:
            return {}
        found = sources.find_ids(self.session, self.source, "bull", told)
        fresh = {bulletin: row for bulletin, row in told.items() if bulletin not in found}
        outcomes = intake.take_in(
            self.session,
            self.source,
            list(fresh.values()),
            batch=self.batch,
            status=self.taking.status,
            run=self.run,
        )
        for bulletin, outcome in zip(fresh, outcomes, strict=True):
            if outcome.notice_id is not None:
                found[bulletin] = outcome.notice_id
            if outcome.kind == "new" and outcome.notice_id is not None:
                made.add(outcome.notice_id)
                self.report.counts["issues"] += 1
        return found

    # --- what an undo took back

    def _bring_back(self, rows: Sequence[Incoming], outcomes: Sequence[Outcome], issues: set[int]) -> set[int]:
        """Notices that an undo withdrew, and that their record brings again."""
        wanted = {n: Return(self.taking.status) for n in issues}
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.notice_id is not None and outcome.kind != "new":
                said_anew = outcome.kind == "updated" or (outcome.kind == "unchanged" and row.is_dump)
                says = (row, outcome.record_id) if said_anew else None
                wanted[outcome.notice_id] = Return(intake.status_of(row, self.taking.status), says)
        return following.bring_back(self.session, wanted, self.batch)

    # --- copies

    def _put_copies(
        self, rows: Sequence[Incoming], homes: Mapping[int, int | None], issues: Mapping[str, int], made: set[int]
    ) -> set[int]:
        """The copies of these records, to their notices or their issues; returns the rows that changed some."""
        wanted = [
            (place, copy, home)
            for place, row in enumerate(rows)
            for copy in _record(row).items
            if (home := issues.get(copy.issue_of) if copy.issue_of else homes.get(id(row))) is not None
        ]
        if not wanted:
            return set()
        done = shelf.put(self.session, wanted, batch=self.batch, profile=self.taking.profile, made=made)
        self.report.counts["items"] += done.added
        for place, problem in done.problems:
            self.report.tell(problem, _record(rows[place]).position, rows[place].received.identifier)
        return {id(rows[place]) for place in done.moved}


def _record(row: Incoming) -> Record:
    if row.record is None:
        raise TypeError("a file announces no deletion")
    return row.record
