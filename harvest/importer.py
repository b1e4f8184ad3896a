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

import gc
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import authorities, copies, db, history, items, lots, notices, sources, unimarc
from catalogue.db import Database
from catalogue.entities import About, AgentRow, ClassRow, Thesaurus
from catalogue.models import Batch, Claim, Item, Notice, Refused, Run
from catalogue.pmb import keep_dump_only
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Field, Fields, Record, RecordItem
from catalogue.validation import validate
from harvest import files, intake
from harvest.crosswalk import pmbxml
from harvest.intake import Incoming, Outcome
from harvest.issues import describe_issue
from harvest.report import CUT, TOLD, Report

BATCH = 500
KEPT = 1_000_000  # bytes of a refused record
ROWS = (AgentRow, ClassRow, Thesaurus)
LONGEST_TITLE = 200  # signs of a refused record’s title
RETRIED = 50  # refused records tried again at once: each may have that many bytes

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


@contextmanager
def _collector_aside() -> Iterator[Callable[[], object]]:
    """Keep Python's cycle collector from walking through the records under way again and again.

    They are a few hundred thousand lists and strings without a cycle; looking for one took a quarter of the
    time of an import. It looks between batches instead, when they are gone.
    """
    rounds = count(1)
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield lambda: gc.collect(2) if (n := next(rounds)) % 20 == 0 else gc.collect(1) if n % 2 == 0 else 0
    finally:
        if was_on:
            gc.enable()


def retry(database: Database, *, by: str, source: str = "", run_id: int | None = None) -> Report:
    """Try refused records of files again, as received; those of one import when it is named.

    What goes in is settled; the rest waits on.
    What one file brought is one run and one lot again, and has the status that its import gave.
    """
    total = Report("", source)
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    with database.read() as session:
        for row, name in sources.list_refused(session, source=source, run_id=run_id):
            if row.format in files.READERS and row.code != "record.number_repeated":
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

    def run(self, parts: Callable[[], Iterable[Part]], progress: Progress = lambda done, total: None) -> None:
        """All of it, or as far as it goes; the run is closed in either case."""
        ended = False
        try:
            with self.database.read() as session:
                known = sources.find(session, self.report.source)
            self.profile = {**(known.profile if known else {}), **self.habits}
            with _collector_aside() as collect:
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
        self.kinds: dict[int, str] = {}  # id of a row -> what its record is
        history.take(session, "change", 0)  # imports wait for one another here, on PostgreSQL as on SQLite
        self.source = sources.for_file(session, self.report.source)
        self.run = self._run()

    def take(self, records: Sequence[Read]) -> None:
        self._take_authorities([record for record in records if isinstance(record, ROWS)])
        described = [record for record in records if not isinstance(record, ROWS)]
        self.report.counts["read"] += len(described)
        rows = [row for record in described if (row := self._admit(record)) is not None]
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
        self._settle([row.received.control_number for row in rows if row.received.control_number])
        made = {o.notice_id for o in outcomes if o.kind == "new" and o.notice_id}
        issues = self._issues([*fakes, *rows], made)
        homes = {id(row): o.notice_id for row, o in zip(rows, outcomes, strict=True)}
        back = self._bring_back(rows, outcomes, set(issues.values()) - made)
        moved = self._put_copies([*rows, *fakes], homes, issues, made, back)
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.why:
                self.report.tell(Problem("", "", outcome.why), _record(row).position, row.received.identifier)
            self._count(row, outcome, changed=outcome.notice_id in back or id(row) in moved)
        for row in fakes:
            issue = issues.get(_bulletin(_record(row)))
            self.report.counts["created" if issue in made else "unchanged"] += 1

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
        counts["read"] += taken.read
        counts["created"] += taken.created
        counts["matched"] += taken.joined
        counts["updated"] += taken.updated
        counts["unchanged"] += taken.unchanged
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
        return row

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
        problems = validate(fields, kind)
        for problem in problems:
            report.tell(problem, record.position, identifier, checked=True)
        report.counts["to_complete"] += any(problem.level == "error" for problem in problems)

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
            raw=refusal.raw[:KEPT],
            sha256=hashlib.sha256(refusal.raw).hexdigest(),
            created_at=db.now(),
        )
        sources.keep_refused(self.session, row)

    def _settle(self, numbers: Sequence[str]) -> None:
        """Records that were refused once and have come in since, with a better file, wait no longer."""
        statement = update(Refused).where(
            Refused.source_id == self.source.id,
            Refused.format.in_(files.READERS),
            Refused.settled_at.is_(None),
            Refused.code != "record.number_repeated",
            Refused.identifier.in_(numbers),
        )
        self.session.execute(statement.values(settled_at=db.now()).execution_options(synchronize_session=False))

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
        known = {o.notice_id: (row, o) for row, o in zip(rows, outcomes, strict=True) if o.notice_id}
        wanted = sorted({n for n, (_row, o) in known.items() if o.kind != "new"} | issues)
        gone: list[Notice] = []
        for part in db.chunks(wanted):
            statement = select(Notice).where(Notice.id.in_(part), Notice.status == "withdrawn")
            gone += self.session.scalars(statement)
        undone = lots.undone_notices(self.session, [n.id for n in gone]) if gone else set()
        for notice in gone:
            if notice.id in undone:
                self._restore(notice, *known.get(notice.id, (None, None)))
        return undone

    def _restore(self, notice: Notice, row: Incoming | None, outcome: Outcome | None) -> None:
        fields: Fields = notice.fields
        origin: int | str = notices.LOCAL
        if row is not None and outcome is not None and outcome.kind == "updated":
            claim = self.session.scalars(
                select(Claim).where(
                    Claim.notice_id == notice.id, Claim.record_id == outcome.record_id, Claim.state == "linked"
                )
            ).one()
            fields, origin = keep_dump_only(notice.fields, list(_record(row).fields), claim.id, []), claim.id
        notices.revise(
            self.session,
            notice,
            fields,
            by=self.taking.by,
            status=intake.status_of(row, self.taking.status) if row else self.taking.status,
            origin=origin,
            batch=self.batch(),
        )

    # --- copies

    def _put_copies(
        self,
        rows: Sequence[Incoming],
        homes: Mapping[int, int | None],
        issues: Mapping[str, int],
        made: set[int],
        back: set[int],
    ) -> set[int]:
        """Add the copies that are not there yet, bring the others up to date; returns the rows that changed some."""
        wanted = [
            (row, copy, home)
            for row in rows
            for copy in _record(row).items
            if (home := issues.get(copy.issue_of) if copy.issue_of else homes.get(id(row))) is not None
        ]
        if not wanted:
            return set()
        shelf = _Shelf(self, {home for _row, _copy, home in wanted} - made, back)
        fresh: list[tuple[int, RecordItem]] = []
        moved: set[int] = set()
        left: dict[tuple[int, int], list[_Known]] = {}  # what a record has not spoken of yet
        for row, copy, home in wanted:
            pool = left.setdefault((id(row), home), list(shelf.known.setdefault(home, [])))
            known = next((k for k in pool if k.is_it(copy)), None)
            if known is None:
                fresh.append((home, copy))
                shelf.known[home].append(_Known(copy.barcode, copy.fields))
                moved.add(id(row))
                continue
            pool.remove(known)
            if known.item is not None and shelf.bring_up_to_date(known.item, copy):
                moved.add(id(row))
        if fresh:
            ids, problems = items.add_many(self.session, fresh, batch=self.batch(), profile=self.taking.profile)
            self.report.counts["items"] += len(ids)
            told = {copy.barcode[: items.TOLD_BARCODE]: row for row, copy, _home in wanted}
            for problem in problems:
                row = told[str(problem.params["barcode"])]
                self.report.tell(problem, _record(row).position, row.received.identifier)
        return moved


@dataclass(slots=True)
class _Known:
    """A copy that is there: in the base when it has an item, else on its way."""

    barcode: str
    fields: Sequence[Mapping[str, Any]]
    item: Item | None = None

    def is_it(self, copy: RecordItem) -> bool:
        if copy.barcode or self.barcode:
            return copy.barcode == self.barcode
        return _lasting(copy.fields) == _lasting(self.fields)


class _Shelf:
    """The copies of some notices, as they stand."""

    def __init__(self, part: _Part, homes: set[int], back: set[int]) -> None:
        self.part, self.back = part, back
        self.known: dict[int, list[_Known]] = {}
        self.locations: dict[int, str] = {}
        found: list[Item] = []
        for ids in db.chunks(sorted(homes)):
            found += items.list_of(part.session, ids)
        for item in found:
            barcode = item.barcode or item.extra.get("barcode_refused", "")
            self.known.setdefault(item.notice_id, []).append(_Known(barcode, item.extra.get("fields", ()), item))
        if found:
            self.locations = {place.id: place.name for place in items.list_locations(part.session)}
        withdrawn = [i.id for i in found if i.status == "withdrawn"]
        self.undone = lots.undone_rows(part.session, "item", withdrawn) if withdrawn else set()

    def bring_up_to_date(self, item: Item, copy: RecordItem) -> bool:
        """Take over what the source says differently than last time, where nobody changed it here."""
        profile = self.part.taking.profile
        said, says = _said(self._as_received(item), profile), _said(copy, profile)
        has = {
            "call_number": item.call_number,
            "section": item.section,
            "inventory_number": item.inventory_number,
            "status": item.status,
            "location": self.locations.get(item.location_id or 0, ""),
        }
        values: dict[str, Any] = {
            name: says[name] for name in says if says[name] != said[name] and has[name] == said[name]
        }
        if item.id in self.undone:
            values["status"] = says["status"]
        if not values:
            return False
        if "location" in values:
            values["location_id"] = items.name_location(self.part.session, values.pop("location"))
        values["extra"] = {**item.extra, **items.extra_of(copy, profile)}
        batch = self.part.batch()
        return items.revise(self.part.session, item, values, by=batch.by, batch=batch)

    def _as_received(self, item: Item) -> RecordItem:
        fields: list[Field] = list(item.extra.get("fields", ()))
        return copies.from_fields(fields, self.part.taking.profile) if fields else RecordItem()


def _said(copy: RecordItem, profile: Mapping[str, Any]) -> dict[str, str]:
    """What a source says of a copy, in the columns of ours that it fills."""
    meant = copies.meaning(copy, profile)
    return {
        "call_number": copy.call_number,
        "section": meant.section,
        "inventory_number": copy.inventory_number,
        "status": meant.state,
        "location": meant.location,
    }


def _lasting(fields: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The fields of a copy without what changes with every loan."""
    return [[f["t"], [[c, v] for c, v in f.get("s", ()) if not pmbxml.volatile(f["t"], c, v)]] for f in fields]


def _record(row: Incoming) -> Record:
    if row.record is None:
        raise TypeError("a file announces no deletion")
    return row.record


def _bulletin(record: Record) -> str:
    """The issue that a stand-in stands for."""
    return next((copy.issue_of for copy in record.items if copy.issue_of), "")
