"""One harvest of one partner, from its first question to its balance sheet.

Who is there; the records of each list, page after page (`harvest.taking` keeps and takes in); then their
identifiers, to know that nothing is missing and what is no longer there (`harvest.sweep`). Nothing is deleted and
nothing of ours is overwritten, however few records come. A run ends complete and balanced, or incomplete, and says
why (decision 7).

    report = harvest(database, settings, "RECI")
    report.status, report.sentence, report.counts["new"]
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import db, nights, process, proposals, sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import RawPage, Run, Source
from catalogue.problems import Problem
from harvest import arrivals, oai, pages, payload, sweep
from harvest.collector import collector_aside
from harvest.oai import Client, Identity, NoMoreQuestions
from harvest.oai_page import Answer, HarvestStopped, format_instant, parse_instant, read_page
from harvest.pages import page_path
from harvest.taking import BALANCED, COUNTS, OUT_OF_TIME, Progress, Report, Taker, Walk, last_run, told

__all__ = ["BALANCED", "COUNTS", "PREFIX", "AlreadyRunning", "BadDate", "Report", "harvest", "page_path", "replay"]

PREFIX = "pmb_xml_unimarc"
CACHE_HOURS = 24  # for which a PMB may go on giving a record's old text; a source's profile may say otherwise
LOOKED_AT = 60  # runs, back to the last complete one; beyond, everything is asked for
FULL_EVERY = timedelta(days=6, hours=12)  # a change that moves no date is only seen when everything is asked for

log = logging.getLogger("travee")


class AlreadyRunning(Exception):
    """Another process is harvesting this source."""


class BadDate(ValueError):
    """A `since` that is no date."""


def harvest(
    database: Database,
    settings: Settings,
    source_name: str,
    *,
    full: bool = False,
    since: str = "",
    believe: bool = False,
    by: str = "travee harvest",
    progress: Progress = lambda done, total: None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = db.now,
) -> Report:
    """Ask the partner what is new (all of it with `full`, or from a day with `since`) and take it in.

    Without either, from the server's clock before the last complete run, less an overlap; all of it the first
    time, once a week, and after a run that missed something. `believe` lets many disappearances be confirmed, that
    a run had barred. Raises LookupError for a source that is not there or has no address, AlreadyRunning, and
    BadDate.
    """
    start = parse_instant(since) if since else None
    if since and start is None:
        raise BadDate(since)
    with database.read() as session:
        source = _source(session, source_name)
        hours = nights.hours(session, source.id)
    client = Client(
        source.url,
        agent=agent_of(settings, "OAI-PMH harvester"),
        private=source.local or settings.allow_private_addresses,
        sleep=sleep,
        now=now,
    )
    with _alone(settings, source.id), collector_aside() as look:
        taker = Taker(database, settings, source, by, progress, now, look)
        client.until = now() + timedelta(hours=hours)
        try:
            with _left_where_it_stands(taker):
                _open(taker, full, start)
                _harvest(taker, client, believe)
        except NoMoreQuestions:
            taker.close(HarvestStopped(OUT_OF_TIME, {"hours": f"{hours:g}"}))
        finally:
            client.close()
        proposals.keep_up(database)
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
        taken = select(RawPage).where(RawPage.run_id == run_id, RawPage.seq > 0)
        rows = list(session.scalars(taken.order_by(RawPage.seq)))
    host = oai.host_of(source.url)
    with _alone(settings, source.id), collector_aside() as look:
        taker = Taker(database, settings, source, by, progress, now, look)
        with _left_where_it_stands(taker):
            taker.open({"replay_of": run_id})
            fault = None if rows else HarvestStopped("oai.no_pages")
            for row in rows:
                taker.page_ids[row.seq] = row.id
                try:
                    taker.take(read_page(Answer(pages.get(settings, row)), row.seq, row.token, host=host))
                except HarvestStopped as stopped:
                    # A walk began again after a token that had expired; a record asked for by name was not there.
                    if stopped.code not in ("oai.expired_token", "oai.no_such_record"):
                        fault = fault or stopped
            reason = old.reason or ({} if old.status == "complete" else {"code": "oai.interrupted"})
            if reason:
                fault = HarvestStopped(reason["code"], reason.get("params"))
            with database.write() as session:
                arrivals.seen_then(session, session.get_one(Run, taker.report.run_id))
            taker.close(fault)
        return taker.report


# --- the lists of a run ----------------------------------------------------------------------


def _open(taker: Taker, full: bool, start: datetime | None) -> None:
    """A new run, or the one that a killed process left: its lists, each with its own beginning."""
    source = taker.source
    asked = {"url": source.url, "prefix": source.prefix or PREFIX, "set": source.set_spec, "full": full}
    asked["from"] = format_instant(start, by_day=False) if start else ""
    if taker.resume(asked):
        return
    specs = sorted(set(re.split(r"[\s,]+", source.set_spec.strip()))) or [""]
    if start is not None:
        walks = [Walk(spec, since=str(asked["from"])) for spec in specs]
    else:
        walks = [_next_walk(taker, asked, spec, full) for spec in specs]
    taker.open({"asked": asked, "base": start is None}, walks)


def _next_walk(taker: Taker, asked: Mapping[str, Any], spec: str, full: bool) -> Walk:
    """From the server's clock before page one of the last run in which this list was complete, less an overlap."""
    at = taker.now()
    whole = Walk(spec, full_at=at.isoformat())
    last = None if full else _last_complete(taker, asked, spec)
    clock = parse_instant(last.clock) if last else None
    if last is None or clock is None or at - datetime.fromisoformat(last.full_at) > FULL_EVERY:
        return whole
    with taker.database.read() as session:
        before = last_run(session, taker.source)
    if before is not None and (before.reason or {}).get("code") in ("oai.missed", "oai.unreconciled"):
        return whole
    # Twice the time for which the server may repeat an old text: what changed is read again once it is over.
    overlap = timedelta(hours=2 * float((taker.source.profile or {}).get("cache_hours", CACHE_HOURS)))
    return Walk(spec, since=format_instant(clock - overlap, by_day=False), full_at=last.full_at)


def _last_complete(taker: Taker, asked: Mapping[str, Any], spec: str) -> Walk | None:
    """This list in the last run that asked for the same things and had it complete."""
    with taker.database.read() as session:
        runs = session.scalars(
            select(Run)
            .where(Run.source_id == taker.source.id, Run.kind == "harvest", Run.status != "running")
            .order_by(Run.id.desc())
            .limit(LOOKED_AT)
        )
        for run in runs:
            known = run.checkpoint.get("asked") or {}
            if not run.checkpoint.get("base") or any(known.get(k) != asked[k] for k in ("url", "prefix")):
                continue
            for walk in run.checkpoint.get("walks", ()):
                if walk["set_spec"] == spec and walk["complete"]:
                    return Walk(**walk)
    return None


# --- the walk --------------------------------------------------------------------------------


def _harvest(taker: Taker, client: Client, believe: bool) -> None:
    """Who is there, every list, what it missed; whatever stops it, the run is closed and says so."""
    taker.client = client
    asked = taker.checkpoint["asked"]
    try:
        identity = oai.identify(client)
        prefix = _prefix(client, asked["prefix"])
        for walk in taker.walks:
            _walk(taker, client, walk, _arguments(walk, identity, prefix), identity)
        if taker.checkpoint["base"]:
            _look_again(taker, client, identity, prefix, believe)
        elif any(walk.doubtful for walk in taker.walks):
            taker.trouble = taker.trouble or HarvestStopped("oai.unreconciled")
        taker.close()
    except HarvestStopped as stopped:
        taker.close(_explained(stopped, client, asked, ""))
    except (OSError, SQLAlchemyError, NoMoreQuestions):
        raise  # the disk, the database, the time: the run is taken up where it stood
    except Exception as error:  # a page that nobody foresaw: kept, told, and not in the way of the next run
        log.exception("a page of %s could not be taken in", taker.source.name)
        taker.close(HarvestStopped("harvest.failed", {"error": f"{type(error).__name__}: {error}"[:300]}))


def _arguments(walk: Walk, identity: Identity, prefix: str) -> dict[str, str]:
    arguments = {"metadataPrefix": prefix}
    if walk.set_spec:
        arguments["set"] = walk.set_spec
    if since := parse_instant(walk.since):
        arguments["from"] = format_instant(since, by_day=identity.by_day)
    return arguments


def _walk(taker: Taker, client: Client, walk: Walk, arguments: Mapping[str, str], identity: Identity) -> None:
    """One list; what stops it does not stop the others."""
    if walk.complete or walk.reason:
        return
    if not walk.clock:
        walk.clock, walk.begun_at = _clock(identity, taker.now()), taker.sequence
    try:
        if not walk.done:  # killed between the last page and the end
            _follow_pages(taker, client, walk, arguments)
        _check_announced(taker, walk)
    except HarvestStopped as stopped:
        walk.reason = told(_explained(stopped, client, taker.checkpoint["asked"], walk.set_spec))
        taker.save()


def _follow_pages(taker: Taker, client: Client, walk: Walk, arguments: Mapping[str, str]) -> None:
    """Every page; a token that the server has forgotten sends us back to the beginning, once."""
    restarted = False
    used = taker.used_tokens(walk)
    while True:
        try:
            known: dict[str, Any] = {"token": walk.token, "sequence": taker.sequence, "used": used}
            for page in oai.pages(client, arguments, keep=taker.keep, store=taker.store, **known):
                taker.take(page, walk)
            return
        except HarvestStopped as stopped:
            if stopped.code != "oai.expired_token" or restarted:
                raise
            restarted, used = True, set()
            taker.begin_again(walk)


def _check_announced(taker: Taker, walk: Walk) -> None:
    """Counters are believed only when they say the same thing on every page; PMB's never do."""
    if not walk.announced or walk.listed >= max(walk.announced):
        return
    params = {"announced": str(max(walk.announced)), "received": str(walk.listed)}
    if len(walk.announced) > 1 and len(set(walk.announced)) == 1:
        raise HarvestStopped("oai.less_than_announced", params)
    taker.note(Problem("", "", "oai.wrong_counters", "info", params))


def _look_again(taker: Taker, client: Client, identity: Identity, prefix: str, believe: bool) -> None:
    """What did not come, what came as a ghost, what is no longer there: the last only when every list came whole."""
    for walk in taker.walks:
        if walk.reason is None and not walk.complete:
            sweep.reconcile(taker, client, walk, _arguments(walk, identity, prefix))
    sweep.recheck(taker, client, prefix)
    if all(walk.complete for walk in taker.walks) and not taker.checkpoint.get("unswept"):
        sweep.settle_absences(taker, client, prefix, believe=believe)


def _clock(identity: Identity, ours: datetime) -> str:
    """The server's time, as its datestamps are written: PMB's is local and labelled Z. The earliest of its two."""
    clocks = [clock for clock in (identity.clock, identity.date) if clock is not None] or [ours]
    return format_instant(min(clocks), by_day=False)


def _prefix(client: Client, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    offered = oai.list_formats(client)
    found = next((prefix for prefix in payload.FORMATS if prefix in offered), None)
    if found is None:
        raise HarvestStopped("oai.format_refused", {"offered": ", ".join(offered)})
    return found


def _explained(stopped: HarvestStopped, client: Client, asked: Mapping[str, Any], spec: str) -> HarvestStopped:
    """The same stop, with what its sentence needs and the server had not said."""
    more = {"prefix": asked["prefix"], "set": spec, "host": client.host}
    if stopped.code == "oai.format_refused" and "offered" not in stopped.params:
        try:
            more["offered"] = ", ".join(oai.list_formats(client))
        except HarvestStopped:
            more["offered"] = "?"
    return HarvestStopped(stopped.code, more | stopped.params)


# --- small things ----------------------------------------------------------------------------


def _source(session: Session, name: str) -> Source:
    source = sources.find(session, name)
    if source is None or source.removed_at is not None or source.kind != "oai" or not source.url:
        raise LookupError(name)
    return source


def agent_of(settings: Settings, purpose: str) -> str:
    """What we call ourselves where we ask: who, for what, and whom to write to."""
    try:
        number = version("travee")
    except PackageNotFoundError:  # run from a clone that is not installed
        number = "dev"
    contact = "; ".join(part for part in (purpose, settings.base_url, settings.admin_email) if part)
    return f"Travee/{number} ({contact})".encode("ascii", "ignore").decode()


@contextmanager
def _left_where_it_stands(taker: Taker) -> Iterator[None]:
    """Whatever ends the run without closing it: a stop that was asked for, the disk, the base."""
    try:
        yield
    except NoMoreQuestions:
        raise
    except BaseException:
        taker.leave()
        raise


@contextmanager
def _alone(settings: Settings, source_id: int) -> Iterator[None]:
    """One harvest of a source at a time; the lock falls with the process that holds it."""
    with ExitStack() as held:
        try:
            held.enter_context(process.locked(settings.data_dir / f"harvest-{source_id}.lock"))
        except OSError as error:
            raise AlreadyRunning from error
        yield
