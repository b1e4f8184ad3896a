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
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import copies, db, history, items, lots, notices, sources, unimarc
from catalogue.db import Database
from catalogue.models import Batch, Claim, Item, Notice, Refused, Run
from catalogue.pmb import link_target, names_issue
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Field, Fields, Record, RecordItem, each, first, subfields, typed
from harvest import files, intake
from harvest.crosswalk import pmbxml
from harvest.intake import Incoming, Outcome

BATCH = 500
KEPT = 1_000_000  # bytes of a refused record
RETRIED = 50  # refused records tried again at once: each may have that many bytes
TOLD = 10_000  # refused records that a report names; all are counted and kept
COUNTS = ("read", "created", "matched", "updated", "unchanged", "refused", "warnings", "items", "issues", "waiting")
# Refusals behind which the file may hold more than was read.
CUT = frozenset(("iso2709.cut", "pmbxml.cut", "pmbxml.malformed", "file.cut_gzip", "file.grows"))

Progress = Callable[[int, int | None], None]
# Records of one transaction, and the refused ones among those kept that they are another try of.
Part = tuple[Sequence[Record | Refusal], Sequence[int]]


@dataclass(slots=True)
class Told:
    """A problem met in several records: how often, and where first."""

    problem: Problem
    position: int
    n: int = 0


@dataclass(slots=True)
class Report:
    """What became of a file: read = created + matched + updated + unchanged + refused.

    `trouble` says why the file could not be read at all, or why the import broke off: what the counts tell
    went in all the same. `waiting` notices wait for a person.
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

    def stop(self, error: Exception) -> None:
        """What broke off, in a sentence. The first trouble is the one that tells."""
        said = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
        detail = next(iter(str(said).splitlines()), type(error).__name__)
        code = "import.unreadable" if isinstance(error, OSError) else "import.stopped"
        self.complete = False
        self.trouble = self.trouble or Refusal(0, "", code, {"detail": detail})


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

    Broken off later, by the file or by the database, it has kept whole batches and its report says which
    trouble it met. A dry run does everything, and takes each batch back.
    """
    report = Report(path.name, source, files.format_of(path, format))
    taking = _Import(database, report, status, by, dry_run)

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
        yield lambda: gc.collect(2 if next(rounds) % 20 == 0 else 1)
    finally:
        if was_on:
            gc.enable()


def retry(database: Database, *, by: str, source: str = "") -> Report:
    """Try refused records of files again, as received. What goes in is settled; the rest waits on.

    What one file brought is one run and one lot again, and has the status that its import gave.
    """
    total = Report("", source)
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    with database.read() as session:
        for row, name in sources.list_refused(session, source=source):
            if row.format in files.READERS and row.code != "record.number_repeated":
                run = session.get(Run, row.run_id) if row.run_id else None
                status = run.checkpoint.get("status", "published") if run else "published"
                groups.setdefault((name, row.file_name, row.format, status), []).append(row.id)
    for (name, file_name, format, status), ids in groups.items():
        report = Report(file_name, name, format)
        taking = _Import(database, report, status, by)
        taking.run(partial(_kept, taking, ids))
        for counted, n in report.counts.items():
            total.counts[counted] += n
        total.trouble = total.trouble or report.trouble
        total.complete = total.complete and report.complete
    return total


def _kept(taking: _Import, ids: Sequence[int]) -> Iterator[Part]:
    """Those of these refused records that can go in by now."""
    for some in db.chunks(ids, RETRIED):
        ready: list[Record] = []
        tried: list[int] = []
        with taking.database.read() as session:
            for row in session.scalars(select(Refused).where(Refused.id.in_(some)).order_by(Refused.id)):
                read = files.read_bytes(row.raw, row.format, taking.profile)
                found = [replace(r, position=row.position) for r in read if isinstance(r, Record)]
                if found and not any(map(intake.refuse, found)):
                    ready += found
                    tried.append(row.id)
        if ready:
            yield ready, tried


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
        dry_run: bool = False,
    ) -> None:
        self.database, self.report, self.status, self.by, self.dry_run = database, report, status, by, dry_run
        self.profile: Mapping[str, Any] = {}
        self.seen: dict[str, str] = {}  # identifier -> beginning of the fingerprint

    def run(self, parts: Callable[[], Iterable[Part]], progress: Progress = lambda done, total: None) -> None:
        """All of it, or as far as it goes; the run is closed in either case."""
        ended = False
        try:
            with self.database.read() as session:
                known = sources.find(session, self.report.source)
            self.profile = dict(known.profile) if known else {}
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

    def take(self, records: Sequence[Record | Refusal], settled: Sequence[int] = ()) -> None:
        """One transaction; what it counted is forgotten when it fails.

        Records that were refused before wait no longer, unless they are refused again.
        """
        report = self.report
        before = dict(report.counts), list(report.refused), deepcopy(report.told), report.run_id, report.batch_id
        try:
            with self.database.write_session() as session:
                part = _Part(self, session)
                sources.settle_refused(session, settled)
                part.take(records)
                if self.dry_run:
                    session.rollback()
                    report.run_id = report.batch_id = None
                else:
                    session.commit()
        except BaseException:
            report.counts, report.refused, report.told, report.run_id, report.batch_id = before
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
                run.status = "complete" if report.complete else "incomplete"
                run.reason = {"code": why.code, "params": dict(why.params)} if why else None
        except (SQLAlchemyError, OSError) as error:
            report.stop(error)


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
        self._settle([row.received.control_number for row in rows if row.received.control_number])
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
            self._refuse(refusal)
            return None
        row = intake.receive(self.source, record)
        mark = row.received.fingerprint[:16]
        if self.taking.seen.setdefault(row.received.identifier, mark) != mark:
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

    def _count(self, outcome: Outcome, *, changed: bool) -> None:
        counts = self.report.counts
        if outcome.kind == "new":
            counts["created"] += 1
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
            fields, origin = list(_record(row).fields), claim.id
        notices.revise(
            self.session,
            notice,
            fields,
            by=self.taking.by,
            status=self.taking.status,
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
        positions = {copy.barcode: _record(row).position for row, copy, _home in wanted}
        ids, problems = items.add_many(self.session, fresh, batch=self.batch()) if fresh else ([], [])
        self.report.counts["items"] += len(ids)
        for problem in problems:
            self.report.tell(problem, positions.get(str(problem.params.get("barcode")), 0))
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
        withdrawn = [i.id for i in found if i.notice_id in back and i.status == "withdrawn"]
        self.undone = lots.undone_rows(part.session, "item", withdrawn) if withdrawn else set()

    def bring_up_to_date(self, item: Item, copy: RecordItem) -> bool:
        """Take over what the source says differently than last time, where nobody changed it here."""
        said, says = _said(self._as_received(item)), _said(copy)
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
        values["extra"] = {**item.extra, "fields": [dict(f) for f in copy.fields]}
        batch = self.part.batch()
        return items.revise(self.part.session, item, values, by=batch.by, batch=batch)

    def _as_received(self, item: Item) -> RecordItem:
        fields: list[Field] = list(item.extra.get("fields", ()))
        return copies.from_fields(fields, self.part.taking.profile) if fields else RecordItem()


def _said(copy: RecordItem) -> dict[str, str]:
    """What a source says of a copy, in the columns of ours that it fills."""
    return {
        "call_number": copy.call_number,
        "section": copy.section,
        "inventory_number": copy.inventory_number,
        "status": copies.state(copy.status),
        "location": copy.location,
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


def describe_issue(record: Record, bulletin: str) -> Record:
    """An issue as an article (463, 461) or the periodical itself (462) tells of it."""
    link = next((f for f in record.fields if names_issue(f) and link_target(f) == bulletin), Field(t="463"))
    names = [v.strip() for v in subfields(link, "t")]
    if link["t"] == "462":
        journal = unimarc.title(record.fields)
        issn = next((v for scheme, v in unimarc.identifiers(record.fields) if scheme == "issn"), "")
        serial = record.control_number or ""
    else:
        host = next((f for f in each(record.fields, "461") if typed(f, "lnk") == "perio"), Field(t="461"))
        journal = first(host, "t").strip() or next(iter(names[1:]), "")
        issn, serial = first(host, "x").strip(), link_target(host)
    days = [v.strip() for v in subfields(link, "e") + subfields(link, "d") if v.strip(" 0-")]
    title = [["a", journal], ["h", first(link, "v").strip()], ["i", names[0] if names else ""]]
    imprint = [["d", days[0] if days else ""], ["h", first(link, "d").strip() if days else ""]]
    parent = [["t", journal], ["x", issn], ["9", f"id:{serial}" if serial else ""], ["9", "lnk:perio"]]
    fields: Fields = [
        {"t": "000", "v": unimarc.LEADER},
        {"t": "200", "i": "1 ", "s": [*title, ["9", f"id:{bulletin}"]]},
        {"t": "210", "i": "  ", "s": imprint},
        {"t": "461", "i": "  ", "s": parent},
    ]
    for f in fields[1:]:
        f["s"] = [[c, v] for c, v in f["s"] if v]
    if not unimarc.title(fields):
        fields[1]["s"].insert(0, ["a", bulletin])
    fields = [f for f in fields if f["t"] == "000" or f["s"]]
    number = bulletin + intake.STAND_IN
    return Record(unimarc.with_kind(fields, "issue"), position=record.position, control_number=number)
