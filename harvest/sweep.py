"""What a walk cannot tell: what it missed, and what is no longer there.

After the records, the identifiers are asked for (ListIdentifiers, ten times as fast). What stands in that list and
did not come is fetched by name, so that a page that slipped, a change dated in the past or a `from` that was not
understood loses nothing; what cannot be fetched makes the run incomplete, with the number.

A record that two complete sweeps no longer list, or that a header announced as deleted and the next harvest's
sweep does not list, is asked for by name. Only when the server answers that it has none of that name does its
version say « deleted », and a person decide (PMB.md section 5.4.2). Nothing is deleted here, and too many at once
are not believed at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from catalogue import db, floods, sources
from catalogue.models import Refused, Source, SourceRecord, SourceVersion
from catalogue.problems import Problem
from harvest import intake, oai
from harvest.oai import Client
from harvest.oai_page import HarvestStopped, Page
from harvest.taking import Taker, Walk, told

SWEEPS = 3  # of a list whose pages slip under our eyes, before it is given up
FETCHED = 200  # records asked for by name in one run, because the walk did not bring them
RECHECKED = 50  # records that came without date or content, asked for again
CONFIRMED = 1_000  # disappearances looked into in one run
DENIED = 20  # in a row: a server that lists what it says it has not will not give the others either
FLOOD, FLOOD_SHARE = 20, 0.10  # more than so many, and than this share of what we know: a person decides first

_GHOSTS = ("harvest.ghost", "harvest.empty")


def reconcile(taker: Taker, client: Client, walk: Walk, arguments: Mapping[str, str]) -> None:
    """Compare what came with the list of identifiers, and fetch what is missing; then the list may be complete."""
    asked = {name: value for name, value in arguments.items() if name != "from"}
    for _turn in range(SWEEPS):
        missed = _Missed(taker, client, arguments["metadataPrefix"])
        try:
            for page in oai.pages(client, asked, verb="ListIdentifiers", keep=taker.keep_aside, store=taker.store):
                missed.look(page, whole=not walk.since)
        except HarvestStopped:
            swept = False
            break
        if swept := not missed.slipped:
            break
    if not swept:
        taker.checkpoint["unswept"] = True
    if not swept and walk.doubtful:
        walk.reason = told(HarvestStopped("oai.unreconciled"))
    elif not swept:  # a server without such a list is no fault, while nothing in the walk gave rise to doubt
        taker.note(Problem("", "", "harvest.no_sweep", "warning", {}))
    elif missed.left:
        walk.reason = told(HarvestStopped("oai.missed", {"count": str(missed.left)}))
    walk.complete = walk.reason is None
    taker.save()


class _Missed:
    """Records that are listed and did not come."""

    def __init__(self, taker: Taker, client: Client, prefix: str) -> None:
        self.taker, self.client, self.prefix = taker, client, prefix
        self.left = 0  # what could not be fetched
        self.slipped = False  # a page began with what the one before had shown: as much was shown by none
        self._before: Set[str] = frozenset()
        self._fetched = 0
        self._denied = 0
        self._given_up = False

    def look(self, page: Page, *, whole: bool) -> None:
        """One page of the list: fetch what is missing, then say of the others that they are still there."""
        listed = {
            r.identifier: r.datestamp
            for r in page.records
            if not r.deleted and r.datestamp and 0 < len(r.identifier) <= intake.LONGEST
        }
        self.slipped |= not self._before.isdisjoint(listed)
        self._before = listed.keys()
        with self.taker.database.read() as session:
            missing, unmarked = _missing(session, self.taker.source, self.taker.report.run_id, listed, whole=whole)
        self.left += sum(not self._fetch(identifier) for identifier in missing)
        _mark_seen(self.taker, unmarked)

    def _fetch(self, identifier: str) -> bool:
        if self._given_up or self._fetched >= FETCHED:
            return False
        self._fetched += 1
        try:
            page = fetch(self.taker, self.client, identifier, self.prefix)
        except HarvestStopped as stopped:
            self._denied += 1
            self._given_up = stopped.code != "oai.no_such_record" or self._denied >= DENIED
            return False
        self._denied = 0
        return any(r.identifier == identifier for r in page.records)


def fetch(taker: Taker, client: Client, identifier: str, prefix: str) -> Page:
    """Ask for one record by name and take it in, as a page of its own."""
    page = oai.get_record(client, identifier, prefix, sequence=taker.sequence + 1, keep=taker.keep)
    taker.take(page)
    return page


_RECORDS, _VERSIONS, _REFUSALS = (db.table_of(model) for model in (SourceRecord, SourceVersion, Refused))
_KNOWN = (
    select(_RECORDS.c.identifier, _RECORDS.c.last_seen_run_id, _VERSIONS.c.datestamp, _VERSIONS.c.deleted)
    .outerjoin(_VERSIONS, _VERSIONS.c.id == _RECORDS.c.latest_version_id)
    .where(_RECORDS.c.source_id == bindparam("source"), db.among(_RECORDS.c.identifier))
)
_REFUSED = select(_REFUSALS.c.identifier, _REFUSALS.c.run_id, _REFUSALS.c.params).where(
    _REFUSALS.c.source_id == bindparam("source"),
    _REFUSALS.c.format == "oai",
    _REFUSALS.c.settled_at.is_(None),
    db.among(_REFUSALS.c.identifier),
)


def _missing(
    session: Session, source: Source, run_id: int, listed: Mapping[str, str], *, whole: bool
) -> tuple[list[str], list[str]]:
    """Which of these have not come: unknown, changed since they were last received, or, where everything was asked
    for, not met in this run; and which are there as before. What came and was refused has come."""
    known: dict[str, tuple[int | None, str, bool]] = {}
    refused: set[str] = set()
    for part in db.chunks(sorted(listed)):
        asked = {"source": source.id, "part": part}
        known |= {i: (seen, date or "", bool(gone)) for i, seen, date, gone in session.execute(_KNOWN, asked)}
        for identifier, in_run, params in session.execute(_REFUSED, asked):
            if in_run == run_id or (params or {}).get("datestamp") == listed[identifier]:
                refused.add(identifier)
    missing: list[str] = []
    unmarked: list[str] = []
    for identifier, datestamp in listed.items():
        seen, date, gone = known.get(identifier, (None, "", True))
        if seen == run_id and not gone:
            continue
        if not gone and ((not whole and date in ("", datestamp)) or identifier in refused):
            unmarked.append(identifier)
        elif identifier not in refused:
            missing.append(identifier)
    return missing, unmarked


def _mark_seen(taker: Taker, identifiers: Sequence[str]) -> None:
    """The list shows them: that is a sign of life too."""
    if not identifiers:
        return
    with taker.database.write() as session:
        for part in db.chunks(identifiers):
            session.execute(
                update(SourceRecord)
                .where(SourceRecord.source_id == taker.source.id, SourceRecord.identifier.in_(part))
                .values(last_seen_run_id=taker.report.run_id)
                .execution_options(synchronize_session=False)
            )


# --- what came without date or content -------------------------------------------------------


def recheck(taker: Taker, client: Client, prefix: str) -> None:
    """Records that came as ghosts in earlier runs are asked for by name: no list with `from` shows them again."""
    with taker.database.read() as session:
        waiting = session.execute(
            select(Refused.id, Refused.identifier)
            .where(Refused.source_id == taker.source.id, Refused.format == "oai", Refused.settled_at.is_(None))
            .where(Refused.code.in_(_GHOSTS), Refused.run_id != taker.report.run_id)
            .order_by(Refused.id)
            .limit(RECHECKED)
        ).all()
    for number, identifier in waiting:
        try:
            page = fetch(taker, client, identifier, prefix)
        except HarvestStopped as stopped:
            if stopped.code != "oai.no_such_record":
                return  # next time
            page = None
        if page is None or all(r.deleted for r in page.records):
            with taker.database.write() as session:
                sources.settle_refused(session, [number])


# --- what is no longer there -----------------------------------------------------------------


def settle_absences(taker: Taker, client: Client, prefix: str, *, believe: bool) -> None:
    """Count what no list of this run shows, and have it confirmed; `believe`: a person said that they may be many."""
    here = taker.report.run_id
    with taker.database.read() as session:
        absent, known = floods.absent(session, taker.source, here)
        unanswered, believed = floods.sort(absent, floods.answers(session, taker.source.id))
    taker.leaving = {identifier: run_id for identifier, run_id in taker.leaving.items() if identifier in absent}
    gone = believed
    if len(unanswered) > max(FLOOD, known * FLOOD_SHARE) and not believe:
        taker.report.counts["disappeared"] = len(unanswered)
        taker.trouble = taker.trouble or HarvestStopped(
            floods.FLOOD, {"count": str(len(unanswered)), "known": str(known)}
        )
    else:
        before = taker.checkpoint.get("swept_before")
        gone = believed + [
            identifier
            for identifier in unanswered
            if taker.leaving.get(identifier, here) < here or (before is not None and absent[identifier] < before)
        ]
    _confirm(taker, client, prefix, gone)
    taker.checkpoint["last_sweep"] = here


def _confirm(taker: Taker, client: Client, prefix: str, gone: Sequence[str]) -> None:
    """By name: none of that name, or one announced deleted; a record that answers is alive, listed or not."""
    for identifier in gone[:CONFIRMED]:
        sequence = taker.sequence + 1
        datestamp = ""
        try:
            page = oai.get_record(client, identifier, prefix, sequence=sequence, keep=taker.keep)
        except HarvestStopped as stopped:
            if stopped.code != "oai.no_such_record":
                return  # the server is in no state to confirm anything: next time
        else:
            found = [r for r in page.records if r.identifier == identifier]
            if any(not r.deleted and r.datestamp for r in found):
                taker.take(page)
                taker.note(Problem("", "", "harvest.unlisted", "warning", {"identifier": identifier}))
            if not any(r.deleted for r in found):  # alive, or a ghost, or the answer to another question
                continue
            datestamp = found[0].datestamp
        taker.confirm_gone(taker.page_ids.get(sequence), identifier, datestamp)
