"""A run under way: each page stored as received, read, taken in, and where to go on, in one transaction a page.

Killed at any moment, a run has kept what it counted, and the next call takes it up where it stood. A header that
says « deleted » takes nothing in: it is a hint, which `harvest.sweep` confirms or drops (PMB.md section 5.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import db, history, lots, nights, process
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Batch, RawPage, Refused, Run, Source, SourceRecord, SourceVersion
from catalogue.problems import Problem, Refusal, sentence
from catalogue.tombstones import BARRED
from harvest import arrivals, intake, pages, recognising
from harvest.holdings import hold, partner_centre
from harvest.intake import Incoming, Outcome
from harvest.oai import Client
from harvest.oai_page import Answer, HarvestStopped, Page

WAITING = ("safe", "conflicts")  # of what waits for a person: what only adds, and what both sides have changed
COUNTS = (
    *("requests", "pages", "received", "new", "matched", "updated", "unchanged", "repeated", "older", "refused"),
    *("deleted_upstream", "disappeared", "inbox", *WAITING, "ruled"),
)
BALANCED = ("new", "matched", "updated", "unchanged", "repeated", "refused", "deleted_upstream")
RESUME_WITHIN = timedelta(hours=1)  # of its last page: a list that has rested longer may have shifted
OUT_OF_TIME, INTERRUPTED = "harvest.out_of_time", "oai.interrupted"
# Why a run that has ended may be taken up all the same, and until when. One that was too long for its time must not
# begin from nothing each night; what shifts meanwhile is found when the identifiers are compared.
RESUMED = {OUT_OF_TIME: timedelta(hours=20), INTERRUPTED: RESUME_WITHIN}
HINTS = 500  # deletions that are remembered by name until they are confirmed; the lists themselves tell of the others

Progress = Callable[[int, int | None], None]


@dataclass(slots=True)
class Report:
    """What a run did. `reason` is empty when it is complete."""

    source: str
    run_id: int
    status: str = "running"
    reason: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    refused: list[Refusal] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        return sentence(self.reason, self.params) if self.reason else ""

    def document(self) -> dict[str, Any]:
        """As INTERFACES says it, in the current language."""
        return {
            "source": self.source,
            "run": self.run_id,
            "status": self.status,
            "reason": self.sentence or None,
            "reason_code": self.reason or None,
            **self.counts,
            "refused_records": [
                {"position": r.position, "identifier": r.identifier, "reason": r.sentence()} for r in self.refused
            ],
            "notes": [note.message for note in self.notes],
        }


@dataclass(slots=True)
class Walk:
    """One list of a run, that of a set, or of everything: where it stands, kept with each page.

    `complete` is what the next harvest of this list counts from: all pages came, and nothing is known to be missing.
    """

    set_spec: str = ""
    since: str = ""
    clock: str = ""  # the server's, before page one
    full_at: str = ""  # when this list was last asked for whole
    token: str = ""
    begun_at: int = 0  # the page before its first
    listed: int = 0
    announced: list[int] = field(default_factory=list)  # what the first pages say, and the last that says otherwise
    doubtful: bool = False  # something came twice, or the walk began again: a page may have slipped
    done: bool = False
    complete: bool = False
    reason: dict[str, Any] | None = None


class Taker:
    """A run under way: its counts and its checkpoint, written with each page."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        source: Source,
        by: str,
        progress: Progress,
        now: Callable[[], datetime],
        look: Callable[[], object] = lambda: None,
    ) -> None:
        self.database = database
        self.settings = settings
        self.source = source
        self.by = by
        self.progress = progress
        self.now = now
        self.look = look  # for what a page has left in memory
        self.client: Client | None = None
        self.report = Report(source.name, 0)
        self.checkpoint: dict[str, Any] = {}
        self.walks: list[Walk] = []
        self.leaving: dict[str, int] = {}  # announced deleted, not confirmed yet: the run that first said so
        self.trouble: HarvestStopped | None = None  # found on the way, and told at the end
        self.page_ids: dict[int, int] = {}
        self._asked_before = 0  # requests made by the process that was killed
        self._aside = 0  # the last page kept that is not to be taken in, counted down from 0
        self._refused: set[str] = set()  # identifiers

    # --- opening and closing

    def open(self, checkpoint: Mapping[str, Any], walks: Sequence[Walk] = ()) -> None:
        at = self.now()
        self.walks = list(walks)
        recognising.prepare(self.database)
        with self.database.write() as session:
            self._end_dead_runs(session, at)
            before = last_run(session, self.source)
            known = before.checkpoint if before else {}
            self.leaving = dict(known.get("leaving") or {})
            self.checkpoint = {
                **{"sequence": 0, "at": at.isoformat(), "process": process.name()},
                "swept_before": known.get("last_sweep"),
                **{"last_sweep": known.get("last_sweep"), **checkpoint},
            }
            run = Run(source_id=self.source.id, kind="harvest", started_at=at, status="running")
            self._write(run)
            session.add(run)
            session.flush()
            self.report.run_id = run.id

    def resume(self, asked: Mapping[str, Any]) -> bool:
        """Take up a run that was killed, or had no more time, if it asked for the same thing not long ago."""
        at = self.now()
        with self.database.write() as session:
            run = last_run(session, self.source)
            if run is None or run.checkpoint.get("asked") != asked:
                return False
            within = RESUME_WITHIN if run.status == "running" else RESUMED.get((run.reason or {}).get("code", ""))
            if within is None or at - datetime.fromisoformat(run.checkpoint["at"]) > within:
                return False
            kept = list(session.scalars(select(Refused).where(Refused.run_id == run.id).order_by(Refused.id)))
            self._aside = session.scalar(select(func.min(RawPage.seq)).where(RawPage.run_id == run.id)) or 0
            self.checkpoint = {**run.checkpoint, "at": at.isoformat(), "process": process.name()}
            self.checkpoint.pop(nights.LEFT, None)
            run.status, run.ended_at, run.reason, run.checkpoint = "running", None, None, dict(self.checkpoint)
        self._aside = min(0, self._aside)
        self.report.run_id = run.id
        self.report.counts |= run.counts
        self.report.refused = [Refusal(r.position, r.identifier, r.code, r.params) for r in kept]
        self.report.notes = [
            Problem("", "", n["code"], "warning", n["params"]) for n in run.checkpoint.get("notes", ())
        ]
        self.walks = [Walk(**walk) for walk in run.checkpoint.get("walks", ())]
        self.leaving = dict(run.checkpoint.get("leaving") or {})
        if told := run.checkpoint.get("trouble"):
            self.trouble = HarvestStopped(told["code"], told["params"])
        self._asked_before = self.report.counts["requests"]
        self._refused = {r.identifier for r in self.report.refused}
        return True

    def leave(self) -> None:
        """Something that is not the partner's has stopped us: the run stays where it stands, and says so."""
        with suppress(SQLAlchemyError, OSError), self.database.write() as session:
            run = session.get(Run, self.report.run_id)
            if run is not None and run.status == "running":
                run.checkpoint = {**run.checkpoint, nights.LEFT: True}

    def _end_dead_runs(self, session: Session, at: datetime) -> None:
        """We hold the lock: whoever was running is dead."""
        for run in session.scalars(_runs(self.source).where(Run.status == "running")):
            run.status, run.ended_at, run.reason = "incomplete", at, {"code": INTERRUPTED, "params": {}}

    def close(self, stopped: HarvestStopped | None = None) -> None:
        """The end: complete and balanced, or incomplete and why."""
        counts = self.report.counts
        self._count_requests()
        counted = sum(counts[name] for name in BALANCED)
        stopped = stopped or self._first_stop() or self.trouble
        if stopped is None and counted != counts["received"]:
            params = {"received": str(counts["received"]), "counted": str(counted)}
            stopped = HarvestStopped("oai.unbalanced", params)
        self.report.status = "incomplete" if stopped else "complete"
        if stopped:
            self.report.reason, self.report.params = stopped.code, dict(stopped.params)
        if erased := self.checkpoint.get("erased"):
            self.note(Problem("", "", "harvest.erased", "info", {"count": str(erased)}))
        if self.leaving:
            self.note(Problem("", "", "harvest.unconfirmed", "info", {"count": str(len(self.leaving))}))
        with self.database.write() as session:
            run = session.get_one(Run, self.report.run_id)
            run.status, run.ended_at = self.report.status, self.now()
            run.reason = told(stopped) if stopped else None
            self._write(run)

    def _first_stop(self) -> HarvestStopped | None:
        """Why the first list that stopped did; the others are named."""
        stops = [walk for walk in self.walks if walk.reason]
        if not stops:
            return None
        if others := ", ".join(walk.set_spec for walk in stops[1:]):
            self.note(Problem("", "", "harvest.other_sets", "warning", {"sets": others}))
        reason = stops[0].reason or {}
        return HarvestStopped(reason["code"], reason["params"])

    def _write(self, run: Run) -> None:
        notes = [{"code": n.code, "params": dict(n.params)} for n in self.report.notes]
        self.checkpoint |= {
            "notes": notes,
            "walks": [asdict(walk) for walk in self.walks],
            "leaving": dict(list(self.leaving.items())[:HINTS]),
            "trouble": told(self.trouble) if self.trouble else None,
        }
        run.checkpoint = dict(self.checkpoint)
        run.counts = dict(self.report.counts)

    def save(self) -> None:
        with self.database.write() as session:
            self._write(session.get_one(Run, self.report.run_id))

    def _count_requests(self) -> None:
        self.report.counts["requests"] = self._asked_before + (self.client.requests if self.client else 0)

    def note(self, problem: Problem) -> None:
        """Once a run: a PHP warning stands before every page."""
        if problem.code not in {n.code for n in self.report.notes}:
            self.report.notes.append(problem)

    # --- pages

    @property
    def sequence(self) -> int:
        """The last page that has its place among the stored ones."""
        return max([int(self.checkpoint.get("sequence", 0)), *self.page_ids])

    def used_tokens(self, walk: Walk) -> set[str]:
        with self.database.read() as session:
            rows = session.scalars(
                select(RawPage.token).where(RawPage.run_id == self.report.run_id, RawPage.seq > walk.begun_at)
            )
            return set(rows) - {"", walk.token}

    def begin_again(self, walk: Walk) -> None:
        self.note(Problem("", "", "oai.restarted", "warning", {"page": str(self.sequence)}))
        walk.token, walk.begun_at, walk.listed, walk.announced, walk.doubtful = "", self.sequence, 0, [], True

    def store(self, answer: Answer) -> None:
        """On disk as received, as soon as it is there: this may be another thread."""
        pages.put(self.settings, answer.raw)

    def keep(self, sequence: int, token: str, answer: Answer) -> None:
        """The page has its place among the stored ones before anybody reads it. What stood there could not be read,
        or was not taken in before we were killed: it is kept too."""
        sha256 = pages.put(self.settings, answer.raw)
        with self.database.write() as session:
            row = session.scalar(select(RawPage).where(RawPage.run_id == self.report.run_id, RawPage.seq == sequence))
            if row is not None and row.sha256 != sha256:
                self._aside -= 1
                row.seq, row = self._aside, None
                session.flush()
            row = row or RawPage(run_id=self.report.run_id, seq=sequence)
            self.page_ids[sequence] = self._keep(session, row, token, sha256, answer)

    def keep_aside(self, sequence: int, token: str, answer: Answer) -> None:
        """A page of a list of identifiers: kept as received, and nothing that a replay would take in."""
        sha256 = pages.put(self.settings, answer.raw)
        self._aside -= 1
        with self.database.write() as session:
            self._keep(session, RawPage(run_id=self.report.run_id, seq=self._aside), token, sha256, answer)

    def _keep(self, session: Session, row: RawPage, token: str, sha256: str, answer: Answer) -> int:
        history.take(session, "change", 0)  # nobody removes files meanwhile (`harvest.retention`)
        if not pages.page_path(self.settings, sha256).exists():
            pages.put(self.settings, answer.raw)
        row.token, row.sha256, row.received_at = token, sha256, self.now()
        session.add(row)
        session.flush()
        return row.id

    def take(self, page: Page, walk: Walk | None = None) -> None:
        """One page, one transaction: its records, the counts, and where to go on."""
        with self.database.write() as session:
            history.turn(session)  # writers wait for one another from the first query on
            source = session.get_one(Source, self.source.id)
            run = session.get_one(Run, self.report.run_id)
            self._take(session, source, run, page, walk)
        self.source = source
        self.progress(self.report.counts["received"], None)
        self.look()

    def _take(self, session: Session, source: Source, run: Run, page: Page, walk: Walk | None) -> None:
        counts = self.report.counts
        for problem in page.repairs:
            self.note(problem)
        arrivals.stop_if_unreadable(page)
        read = arrivals.read_records(source, page, counts["received"])
        if "replay_of" in self.checkpoint:
            read = arrivals.only_missing(session, source, run, self.page_ids.get(page.sequence), read)
        rows, refusals, gone = read
        older = len(page.records) - len(rows) - len(refusals) - len(gone)
        counts["older"] += older
        counts["unchanged"] += older  # for this reading they say nothing new; how many they are is told beside
        arrivals.learn_identity(session, source, rows)
        outcomes = self._take_in(session, source, run, rows, page) if rows else []
        again = self._refused - {""}
        told = [r for r in refusals if r.identifier not in again]
        told = arrivals.without_erased(session, source, run, self.page_ids.get(page.sequence), told)
        arrivals.keep_refused(session, source, run, told, {o.identifier for o in outcomes})
        self._hear(session, source, gone)
        for outcome in outcomes:
            self.leaving.pop(outcome.identifier, None)
        kinds = Counter(o.kind for o in outcomes)
        counts["pages"] += 1
        counts["received"] += len(page.records)
        counts["refused"] += len(told)
        counts["repeated"] += len(refusals) - len(told)
        counts["deleted_upstream"] += len(gone)
        for kind, n in kinds.items():
            counts[kind] += n
        counts["inbox"] += sum(o.waits for o in outcomes)
        counts["safe"] += sum(o.category == "safe" for o in outcomes)
        counts["conflicts"] += sum(o.category == "conflict" for o in outcomes)
        counts["ruled"] += sum(o.applied for o in outcomes)
        self.report.refused += [replace(r, raw=b"") for r in told]
        self._refused |= {r.identifier for r in told}
        if walk is not None:
            self._go_on(page, walk, came_twice=bool(kinds["repeated"]))
        self._count_requests()
        self.checkpoint |= {"sequence": page.sequence, "at": self.now().isoformat()}
        if erased := sum(o.why == BARRED for o in outcomes):
            self.checkpoint["erased"] = self.checkpoint.get("erased", 0) + erased
        self._write(run)

    def _take_in(self, session: Session, source: Source, run: Run, rows: list[Incoming], page: Page) -> list[Outcome]:
        outcomes = intake.take_in(
            session,
            source,
            rows,
            batch=_Lot(session, run, self.by),
            status=source.new_status,
            owner_id=partner_centre(session, source).id,
            run=run,
            page_id=self.page_ids.get(page.sequence),
        )
        hold(session, source, rows, outcomes)
        if "replay_of" not in self.checkpoint:
            arrivals.date_again(session, rows, outcomes)
        if self.trouble is None and (twice := arrivals.find_two_contents(session, run, rows, outcomes)):
            self.trouble = HarvestStopped("harvest.two_contents", {"identifier": twice})
        return outcomes

    def _hear(self, session: Session, source: Source, gone: Sequence[str]) -> None:
        """Remember the deletions that are announced of records which we hold for living."""
        for part in db.chunks(sorted(set(gone) - set(self.leaving))):
            living = (
                select(SourceRecord.identifier)
                .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
                .where(SourceRecord.source_id == source.id, SourceRecord.identifier.in_(part))
                .where(SourceVersion.deleted.is_(False))
            )
            self.leaving |= dict.fromkeys(session.scalars(living), self.report.run_id)

    def _go_on(self, page: Page, walk: Walk, *, came_twice: bool) -> None:
        walk.token, walk.done = page.next_token, not page.next_token
        walk.listed += len(page.records)
        # A record of two sets comes with each of them; within the first, one that comes twice has pushed another out.
        walk.doubtful |= came_twice and walk is self.walks[0]
        if page.next_token and page.list_size:
            if len(walk.announced) < 2:
                walk.announced.append(page.list_size)
            elif page.list_size not in walk.announced:
                walk.announced = [*walk.announced[:2], page.list_size]

    def confirm_gone(self, page_id: int | None, identifier: str, datestamp: str) -> None:
        """Two signs agree that the partner has this record no more: its version says so, and waits for a person."""
        with self.database.write() as session:
            history.take(session, "change", 0)
            source = session.get_one(Source, self.source.id)
            run = session.get_one(Run, self.report.run_id)
            outcomes = intake.take_in(
                session,
                source,
                [intake.receive_deleted(identifier, datestamp)],
                batch=_Lot(session, run, self.by),
                status=source.new_status,
                run=run,
                page_id=page_id,
            )
            self.leaving.pop(identifier, None)
            self.report.counts["disappeared"] += 1
            self.report.counts["inbox"] += sum(o.waits for o in outcomes)
            self._count_requests()
            self.checkpoint |= {"sequence": self.sequence, "at": self.now().isoformat()}
            self._write(run)


class _Lot:
    """The run's lot, opened when something is made: a night without news leaves no empty one behind."""

    def __init__(self, session: Session, run: Run, by: str) -> None:
        self.session, self.run, self.by = session, run, by
        self._batch: Batch | None = None

    def __call__(self) -> Batch:
        self._batch = self._batch or lots.going_on(self.session, self.run.batch_id)
        if self._batch is None:
            self._batch = history.open_batch(self.session, "harvest", by=self.by)
            self.run.batch_id = self._batch.id
        return self._batch


def told(stopped: HarvestStopped) -> dict[str, Any]:
    return {"code": stopped.code, "params": dict(stopped.params)}


def _runs(source: Source) -> Any:
    return select(Run).where(Run.source_id == source.id, Run.kind == "harvest").order_by(Run.id.desc())


def last_run(session: Session, source: Source) -> Run | None:
    found: Run | None = session.scalars(_runs(source).limit(1)).first()
    return found
