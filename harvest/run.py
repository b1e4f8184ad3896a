"""One harvest of one partner, from its first question to its balance sheet.

Each page is stored as received before it is read, then taken in whole, in one transaction that also moves
the checkpoint: killed at any moment, a run has kept what it counted, and the next call takes it up where it
stood. Nothing is deleted and nothing of ours is overwritten, however few records come. A run ends complete
and balanced, or incomplete, and says why (decision 7).

    report = harvest(database, settings, "RECI")
    report.status, report.sentence, report.counts["new"]
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lxml import etree
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import db, history, sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Batch, RawPage, Refused, Run, Source
from catalogue.problems import Problem, Refusal, sentence
from catalogue.unimarc import Record
from harvest import intake, oai
from harvest.crosswalk import pmbxml
from harvest.holdings import hold, partner_centre
from harvest.intake import Incoming
from harvest.oai import Answer, Client, HarvestStopped, Identity, OaiRecord, Page

COUNTS = (
    *("requests", "pages", "received", "new", "matched", "updated", "unchanged", "repeated", "refused"),
    *("deleted_upstream", "disappeared", "inbox"),
)
BALANCED = ("new", "matched", "updated", "unchanged", "repeated", "refused", "deleted_upstream")
OVERLAP = timedelta(hours=48)  # a server's idea of « changed since » is not to be believed to the hour
RESUME_WITHIN = timedelta(hours=1)  # of its last page: a list that has rested longer may have shifted
PREFIX = "pmb_xml_unimarc"
# What a partner may be asked for when its source says "auto", best first: all three are PMB's own XML.
READABLE = (PREFIX, "convert_pmb2mba", "convert_equi")

log = logging.getLogger("travee")

# The reader of a record, by the local name of what stands in its <metadata>: not by the prefix that was asked.
READERS: Mapping[str, Callable[[etree._Element, int], Record | Refusal]] = {"notice": pmbxml.from_element}

Progress = Callable[[int, int | None], None]


class AlreadyRunning(Exception):
    """Another process is harvesting this source."""


class BadDate(ValueError):
    """A `since` that is no date."""


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


def harvest(
    database: Database,
    settings: Settings,
    source_name: str,
    *,
    full: bool = False,
    since: str = "",
    by: str = "travee harvest",
    progress: Progress = lambda done, total: None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = db.now,
) -> Report:
    """Ask the partner what is new (all of it with `full`, or from a day with `since`) and take it in.

    Without either, from the server's clock before the last complete run, less an overlap; all of it the
    first time. Raises LookupError for a source that is not there or has no address, AlreadyRunning, and
    BadDate.
    """
    start = oai.parse_instant(since) if since else None
    if since and start is None:
        raise BadDate(since)
    with database.read() as session:
        source = _source(session, source_name)
    client = Client(
        source.url,
        agent=_agent(settings),
        private=source.local or settings.allow_private_addresses,
        sleep=sleep,
        now=now,
    )
    with _alone(settings, source.id):
        taker = _Taker(database, settings, source, by, progress, now)
        try:
            _walk(taker, client, full, start)
        finally:
            client.close()
        return taker.report


def replay(
    database: Database,
    settings: Settings,
    run_id: int,
    *,
    source_name: str = "",
    by: str = "travee harvest",
    progress: Progress = lambda done, total: None,
    now: Callable[[], datetime] = db.now,
) -> Report:
    """Read the stored pages of a run again, without the network, as a run of its own.

    It knows no more than they do: the replay of an incomplete run is incomplete, for the same reason.
    Raises LookupError when there is no such run, or when it is of another source than the one named.
    """
    with database.read() as session:
        old = session.get(Run, run_id)
        if old is None or old.kind != "harvest":
            raise LookupError(str(run_id))
        source = session.get_one(Source, old.source_id)
        if source_name not in ("", source.name):
            raise LookupError(str(run_id))
        pages = list(session.scalars(select(RawPage).where(RawPage.run_id == run_id).order_by(RawPage.seq)))
    host = oai.host_of(source.url)
    with _alone(settings, source.id):
        taker = _Taker(database, settings, source, by, progress, now)
        taker.open({"replay_of": run_id})
        try:
            if not pages:
                raise HarvestStopped("oai.no_pages")
            for row in pages:
                taker.page_ids[row.seq] = row.id
                try:
                    page = oai.read_page(Answer(_stored(settings, row)), row.seq, row.token, host=host)
                except HarvestStopped as stopped:
                    if stopped.code != "oai.expired_token" or row is pages[-1]:
                        raise
                    continue  # the walk began again after it
                taker.take(page)
            reason = old.reason or ({} if old.status == "complete" else {"code": "oai.interrupted"})
            if reason:
                raise HarvestStopped(reason["code"], reason.get("params"))
            taker.close()
        except HarvestStopped as stopped:
            taker.close(stopped)
        return taker.report


# --- the walk --------------------------------------------------------------------------------


def _walk(taker: _Taker, client: Client, full: bool, start: datetime | None) -> None:
    """Identify, then page after page; whatever stops it, the run is closed and says so."""
    asked = {"url": client.endpoint, "prefix": taker.source.prefix or PREFIX, "set": taker.source.set_spec}
    last = None if full or start else _last_clock(taker, asked)
    since = start or (last - OVERLAP if last else None)
    asked["from"] = oai.format_instant(since, by_day=False) if since else ""
    if not taker.resume(asked):
        taker.open({"asked": asked, "base": start is None})
    taker.client = client
    try:
        identity = oai.identify(client)
        taker.checkpoint.setdefault("clock", _clock(identity, taker.now()))
        arguments = {"metadataPrefix": _prefix(client, asked["prefix"])}
        if asked["set"]:
            arguments["set"] = asked["set"]
        if since:
            arguments["from"] = oai.format_instant(since, by_day=identity.by_day)
        if not taker.checkpoint.get("done"):  # killed between the last page and the end
            _follow_pages(taker, client, arguments)
        taker.check_announced()
        taker.close()
    except HarvestStopped as stopped:
        taker.close(_explained(stopped, client, asked))
    except (OSError, SQLAlchemyError):
        raise  # the disk or the database: the run is taken up where it stood
    except Exception as error:  # a page that nobody foresaw: kept, told, and not in the way of the next run
        log.exception("a page of %s could not be taken in", taker.source.name)
        taker.close(HarvestStopped("harvest.failed", {"error": f"{type(error).__name__}: {error}"[:300]}))


def _follow_pages(taker: _Taker, client: Client, arguments: Mapping[str, str]) -> None:
    """Every page; a token that the server has forgotten sends us back to the beginning, once."""
    token = str(taker.checkpoint.get("token", ""))
    used = taker.used_tokens() - {token}
    restarted = False
    while True:
        try:
            walk = oai.pages(client, arguments, token=token, sequence=taker.sequence, used=used, keep=taker.keep)
            for page in walk:
                taker.take(page)
            return
        except HarvestStopped as stopped:
            if stopped.code != "oai.expired_token" or restarted:
                raise
            restarted, token, used = True, "", set()
            taker.begin_again()


def _last_clock(taker: _Taker, asked: Mapping[str, str]) -> datetime | None:
    """The server's clock before page one of the last complete run that asked for the same things."""
    with taker.database.read() as session:
        runs = session.scalars(
            select(Run)
            .where(Run.source_id == taker.source.id, Run.kind == "harvest", Run.status == "complete")
            .order_by(Run.id.desc())
        )
        for run in runs:
            known = run.checkpoint.get("asked") or {}
            if run.checkpoint.get("base") and all(known.get(k) == asked[k] for k in ("url", "prefix", "set")):
                return oai.parse_instant(str(run.checkpoint.get("clock", "")))
    return None


def _clock(identity: Identity, ours: datetime) -> str:
    """The server's time, as its datestamps are written: PMB's is local and labelled Z. The earliest of its two."""
    clocks = [clock for clock in (identity.clock, identity.date) if clock is not None] or [ours]
    return oai.format_instant(min(clocks), by_day=False)


def _prefix(client: Client, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    offered = oai.list_formats(client)
    found = next((prefix for prefix in READABLE if prefix in offered), None)
    if found is None:
        raise HarvestStopped("oai.format_refused", {"offered": ", ".join(offered)})
    return found


def _explained(stopped: HarvestStopped, client: Client, asked: Mapping[str, str]) -> HarvestStopped:
    """The same stop, with what its sentence needs and the server had not said."""
    more = {"prefix": asked["prefix"], "set": asked["set"], "host": client.host}
    if stopped.code == "oai.format_refused" and "offered" not in stopped.params:
        try:
            more["offered"] = ", ".join(oai.list_formats(client))
        except HarvestStopped:
            more["offered"] = "?"
    return HarvestStopped(stopped.code, more | stopped.params)


# --- taking pages in -------------------------------------------------------------------------


class _Taker:
    """A run under way: its counts and its checkpoint, written with each page."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        source: Source,
        by: str,
        progress: Progress,
        now: Callable[[], datetime],
    ) -> None:
        self.database = database
        self.settings = settings
        self.source = source
        self.by = by
        self.progress = progress
        self.now = now
        self.client: Client | None = None
        self.report = Report(source.name, 0)
        self.checkpoint: dict[str, Any] = {}
        self.page_ids: dict[int, int] = {}
        self._asked_before = 0  # requests made by the process that was killed
        self._announced: list[int] = []  # what the first pages say, and the last one that says otherwise
        self._listed = 0  # records since the list was begun

    # --- opening and closing

    def open(self, checkpoint: Mapping[str, Any]) -> None:
        at = self.now()
        self.checkpoint = {"token": "", "sequence": 0, "at": at.isoformat(), **checkpoint}
        with self.database.write() as session:
            self._end_dead_runs(session, at)
            run = Run(
                source_id=self.source.id,
                kind="harvest",
                started_at=at,
                status="running",
                checkpoint=self.checkpoint,
                counts=dict(self.report.counts),
            )
            session.add(run)
            session.flush()
            self.report.run_id = run.id

    def resume(self, asked: Mapping[str, str]) -> bool:
        """Take up the run of a process that was killed, if it asked for the same thing not long ago."""
        with self.database.read() as session:
            run = session.scalars(self._running()).first()
            if run is None or run.checkpoint.get("asked") != asked:
                return False
            if self.now() - datetime.fromisoformat(run.checkpoint["at"]) > RESUME_WITHIN:
                return False
            kept = list(session.scalars(select(Refused).where(Refused.run_id == run.id).order_by(Refused.id)))
        self.report.run_id = run.id
        self.report.counts |= run.counts
        self.report.refused = [Refusal(r.position, r.identifier, r.code, r.params) for r in kept]
        self.report.notes = [
            Problem("", "", n["code"], "warning", n["params"]) for n in run.checkpoint.get("notes", ())
        ]
        self.checkpoint = dict(run.checkpoint)
        self._asked_before = self.report.counts["requests"]
        self._listed = int(self.checkpoint.get("listed", 0))
        self._announced = list(self.checkpoint.get("announced", ()))
        return True

    def _running(self) -> Any:
        return (
            select(Run)
            .where(Run.source_id == self.source.id, Run.kind == "harvest", Run.status == "running")
            .order_by(Run.id.desc())
        )

    def _end_dead_runs(self, session: Session, at: datetime) -> None:
        """We hold the lock: whoever was running is dead."""
        for run in session.scalars(self._running()):
            run.status, run.ended_at, run.reason = "incomplete", at, {"code": "oai.interrupted", "params": {}}

    def close(self, stopped: HarvestStopped | None = None) -> None:
        counts = self.report.counts
        self._count_requests()
        counted = sum(counts[name] for name in BALANCED)
        if stopped is None and counted != counts["received"]:
            params = {"received": str(counts["received"]), "counted": str(counted)}
            stopped = HarvestStopped("oai.unbalanced", params)
        self.report.status = "incomplete" if stopped else "complete"
        if stopped:
            self.report.reason, self.report.params = stopped.code, dict(stopped.params)
        with self.database.write() as session:
            run = session.get_one(Run, self.report.run_id)
            run.status, run.ended_at = self.report.status, self.now()
            run.reason = {"code": stopped.code, "params": dict(stopped.params)} if stopped else None
            self._write(run)

    def _write(self, run: Run) -> None:
        notes = [{"code": n.code, "params": dict(n.params)} for n in self.report.notes]
        self.checkpoint |= {"notes": notes, "listed": self._listed, "announced": self._announced}
        run.checkpoint = dict(self.checkpoint)
        run.counts = dict(self.report.counts)

    def _count_requests(self) -> None:
        self.report.counts["requests"] = self._asked_before + (self.client.requests if self.client else 0)

    # --- pages

    @property
    def sequence(self) -> int:
        return int(self.checkpoint.get("sequence", 0))

    def used_tokens(self) -> set[str]:
        with self.database.read() as session:
            rows = session.execute(
                select(RawPage.token, RawPage.seq).where(
                    RawPage.run_id == self.report.run_id, RawPage.seq > int(self.checkpoint.get("begun_at", 0))
                )
            )
            return {token for token, _seq in rows if token}

    def begin_again(self) -> None:
        self.note(Problem("", "", "oai.restarted", "warning", {"page": str(self.sequence + 1)}))
        # The page that said so has its place among the stored ones.
        self.checkpoint |= {
            "token": "",
            "sequence": max([self.sequence, *self.page_ids]),
            "begun_at": self.sequence + 1,
        }
        self._listed, self._announced = 0, []

    def note(self, problem: Problem) -> None:
        """Once a run: a PHP warning stands before every page."""
        if problem.code not in {n.code for n in self.report.notes}:
            self.report.notes.append(problem)

    def keep(self, sequence: int, token: str, answer: Answer) -> None:
        """Store the page as received, before anybody reads it."""
        sha256 = hashlib.sha256(answer.raw).hexdigest()
        path = page_path(self.settings, sha256)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(f".{os.getpid()}")
            beside.write_bytes(gzip.compress(answer.raw, 5, mtime=0))
            beside.replace(path)
        with self.database.write() as session:
            row = session.scalar(select(RawPage).where(RawPage.run_id == self.report.run_id, RawPage.seq == sequence))
            if row is None:
                row = RawPage(run_id=self.report.run_id, seq=sequence)
                session.add(row)
            row.token, row.sha256, row.received_at = token, sha256, self.now()
            session.flush()
            self.page_ids[sequence] = row.id

    def take(self, page: Page) -> None:
        """One page, one transaction: its records, the counts, and where to go on."""
        with self.database.write() as session:
            history.take(session, "change", 0)  # writers wait for one another from the first query on
            source = session.get_one(Source, self.source.id)
            run = session.get_one(Run, self.report.run_id)
            self._take(session, source, run, page)
        self.source = source
        self.progress(self.report.counts["received"], None)

    def _take(self, session: Session, source: Source, run: Run, page: Page) -> None:
        counts = self.report.counts
        for problem in page.repairs:
            self.note(problem)
        _stop_if_unreadable(page)
        rows, refusals = _read(source, page, counts["received"])
        _learn_identity(session, source, rows)
        lot = _Lot(session, run, self.by)
        outcomes = intake.take_in(
            session,
            source,
            rows,
            batch=lot,
            status=source.new_status,
            owner_id=partner_centre(session, source).id,
            run=run,
            page_id=self.page_ids.get(page.sequence),
        )
        hold(session, source, rows, outcomes)
        again = {r.identifier for r in self.report.refused} - {""}
        told = [r for r in refusals if r.identifier not in again]
        _keep_refused(session, source, run, told, {o.identifier for o in outcomes})
        kinds = Counter(o.kind for o in outcomes)
        counts["pages"] += 1
        counts["received"] += len(page.records)
        counts["refused"] += len(told)
        counts["repeated"] += len(refusals) - len(told)
        counts["deleted_upstream"] += kinds.pop("deleted", 0)
        for kind, n in kinds.items():
            counts[kind] += n
        counts["inbox"] += sum(o.waits for o in outcomes)
        self.report.refused += [replace(r, raw=b"") for r in told]
        self._listed += len(page.records)
        if page.next_token and page.list_size and len(self._announced) < 2:
            self._announced.append(page.list_size)
        elif page.next_token and page.list_size and page.list_size not in self._announced:
            self._announced = [*self._announced[:2], page.list_size]
        self._count_requests()
        self.checkpoint |= {
            "token": page.next_token,
            "sequence": page.sequence,
            "done": not page.next_token,
            "at": self.now().isoformat(),
        }
        self._write(run)

    def check_announced(self) -> None:
        """Counters are believed only when they say the same thing on every page; PMB's never do."""
        announced = self._announced
        if not announced or self._listed >= max(announced):
            return
        params = {"announced": str(max(announced)), "received": str(self._listed)}
        if len(announced) > 1 and len(set(announced)) == 1:
            raise HarvestStopped("oai.less_than_announced", params)
        self.note(Problem("", "", "oai.wrong_counters", "info", params))


class _Lot:
    """The run's lot, opened when something is made: a night without news leaves no empty one behind."""

    def __init__(self, session: Session, run: Run, by: str) -> None:
        self.session, self.run, self.by = session, run, by

    def __call__(self) -> Batch:
        if self.run.batch_id is not None:
            return self.session.get_one(Batch, self.run.batch_id)
        batch = history.open_batch(self.session, "harvest", by=self.by)
        self.run.batch_id = batch.id
        return batch


def _stop_if_unreadable(page: Page) -> None:
    """A whole page in no format of ours is a matter of settings, not of records: say it once."""
    living = [r for r in page.records if not r.deleted and r.datestamp]
    if len(living) < 2:
        return
    if all(r.payload is None for r in living):
        raise HarvestStopped("oai.format_empty")
    roots = {etree.QName(r.payload).localname for r in living if r.payload is not None}
    if not roots & set(READERS):
        raise HarvestStopped("oai.other_format", {"root": ", ".join(sorted(roots))})


def _read(source: Source, page: Page, position: int) -> tuple[list[Incoming], list[Refusal]]:
    rows: list[Incoming] = []
    refusals: list[Refusal] = []
    for n, record in enumerate(page.records, 1):
        read = _read_one(source, record, page.sequence, n, position + n)
        if isinstance(read, Refusal):
            refusals.append(read)
        else:
            rows.append(read)
    return rows, refusals


def _read_one(source: Source, record: OaiRecord, page: int, n: int, position: int) -> Incoming | Refusal:
    if not record.identifier:
        return _refusal(record, position, "harvest.no_identifier", number=str(n), page=str(page))
    if len(record.identifier) > intake.LONGEST:
        params = {"number": record.identifier[:40], "limit": str(intake.LONGEST)}
        record = replace(record, identifier=record.identifier[: intake.LONGEST])
        return _refusal(record, position, "record.number_too_long", **params)
    if record.deleted:
        return intake.receive_deleted(record.identifier, record.datestamp)
    if not record.datestamp:
        return _refusal(record, position, "harvest.ghost")
    if record.payload is None:
        return _refusal(record, position, "harvest.empty")
    root = etree.QName(record.payload).localname
    if root not in READERS:
        return _refusal(record, position, "harvest.other_format", root=root)
    read = READERS[root](record.payload, position)
    if isinstance(read, Record):
        if (refused := intake.refuse(read)) is None:
            return intake.receive(source, read, identifier=record.identifier, datestamp=record.datestamp)
        read = refused
    return replace(_refusal(record, position, read.code), params=read.params)


def _refusal(record: OaiRecord, position: int, code: str, **params: str) -> Refusal:
    raw = etree.tostring(record.element, encoding="utf-8", with_tail=False)
    return Refusal(position, record.identifier, code, {"identifier": record.identifier, **params}, raw)


def _learn_identity(session: Session, source: Source, rows: list[Incoming]) -> None:
    """How this base makes an identifier out of a record number, read off its own records.

    Without it, a file of the same base imported tomorrow would come in as another one.
    """
    pairs = [(r.received.identifier, r.received.control_number) for r in rows if r.record is not None]
    if source.identity or not pairs:
        return
    templates = {
        identifier.removesuffix(number) + "{001}" if number and identifier.endswith(f":{number}") else ""
        for identifier, number in pairs
    }
    if len(templates) == 1 and (template := templates.pop()):
        sources.set_identity(session, source, template)


def _keep_refused(session: Session, source: Source, run: Run, refusals: list[Refusal], received: set[str]) -> None:
    """Keep what could not go in, and settle what has come in since."""
    for r in refusals:
        sources.keep_refused(
            session,
            Refused(
                source_id=source.id,
                run_id=run.id,
                position=r.position,
                identifier=r.identifier,
                code=r.code,
                params=dict(r.params),
                format="oai",
                raw=r.raw,
                sha256=hashlib.sha256(r.raw).hexdigest(),
                created_at=db.now(),
            ),
        )
    session.execute(
        update(Refused)
        .where(
            Refused.source_id == source.id,
            Refused.format == "oai",
            Refused.settled_at.is_(None),
            Refused.identifier.in_(sorted(received)),
        )
        .values(settled_at=db.now())
    )


# --- small things ----------------------------------------------------------------------------


def _source(session: Session, name: str) -> Source:
    source = sources.find(session, name)
    if source is None or source.removed_at is not None or source.kind != "oai" or not source.url:
        raise LookupError(name)
    return source


def _agent(settings: Settings) -> str:
    try:
        number = version("travee")
    except PackageNotFoundError:  # run from a clone that is not installed
        number = "dev"
    contact = "; ".join(part for part in ("OAI-PMH harvester", settings.base_url, settings.admin_email) if part)
    return f"Travee/{number} ({contact})".encode("ascii", "ignore").decode()


def page_path(settings: Settings, sha256: str) -> Path:
    return settings.pages_dir / sha256[:2] / f"{sha256}.xml.gz"


def _stored(settings: Settings, row: RawPage) -> bytes:
    lost = HarvestStopped("oai.page_lost", {"page": str(row.seq)})
    try:
        raw = gzip.decompress(page_path(settings, row.sha256).read_bytes())
    except (OSError, EOFError) as error:
        raise lost from error
    if hashlib.sha256(raw).hexdigest() != row.sha256:
        raise lost
    return raw


@contextmanager
def _alone(settings: Settings, source_id: int) -> Iterator[None]:
    """One harvest of a source at a time; the lock falls with the process that holds it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / f"harvest-{source_id}.lock").open("a+b") as handle:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning from error
        yield
