"""What stays of an erased notice, and what it forbids: its record never comes in again.

A record that was erased keeps its row and one mark instead of what it said, in every version. Whoever brings it again
(a harvest, a file) is told, and nothing of it is taken in. `waiting` says what an erasure has left to clean outside
the database: pages that were stored as received, and the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalogue import db, remembered, sources
from catalogue.identifiers import is_code
from catalogue.models import Notice, RawPage, Run, Source, SourceRecord, SourceVersion

MARK = "erased"  # instead of the fingerprint of what an erased record said
BARRED = "record.erased"  # the code of the sentence: why what comes again is not taken in
NUMBERLESS = "sha256:"  # how the name of a record begins that came without a number: then what it says
_WAITING = remembered.TO_CLEAN
_LOOKED_AT = "erased:looked_at"  # the last stored page in which what was erased has been looked for


@dataclass(frozen=True, slots=True)
class ToClean:
    """What is left to clean outside the database: pages of a source that may hold these records, the index, and files.

    `pages`: only these, when they are known; else all that came from that source. `files`: by sha256.
    """

    name: str
    source_id: int
    identifiers: tuple[str, ...]
    pages: tuple[int, ...] = ()
    index: bool = False
    files: tuple[str, ...] = ()


# --- barred for ever -------------------------------------------------------------------------


_NOTICES = db.table_of(Notice)
_ANY_ERASED = select(_NOTICES.c.id).where(_NOTICES.c.status == "erased").limit(1)


def barred(session: Session, source: Source, names: Sequence[tuple[str, str]]) -> dict[int, int]:
    """Among records on their way in, (identifier, control number), those that were erased here: place -> record.

    By what this source calls them, as a file or as a harvest does; by the same full identifier at another source; by
    the address that they had here (0 for a record then). An identifier is enough: nobody knows what they said.
    """
    session.flush()
    if session.scalar(_ANY_ERASED) is None:
        return {}
    wanted: dict[str, set[int]] = {}
    for place, (identifier, number) in enumerate(names):
        for name in {identifier, number, sources.identify(source, number, "") if number else ""} - {""}:
            wanted.setdefault(name, set()).add(place)
    out: dict[int, int] = {}
    for part in db.chunks(sorted(wanted)):
        erased = select(SourceVersion.id).where(
            SourceVersion.record_id == SourceRecord.id, SourceVersion.fingerprint == MARK
        )
        statement = select(SourceRecord.identifier, SourceRecord.id, SourceRecord.source_id).where(
            SourceRecord.identifier.in_(part), erased.exists()
        )
        for name, record_id, source_id in session.execute(statement):
            if source_id == source.id or ":" in name:
                out |= dict.fromkeys(wanted[name], record_id)
    addresses = sorted(name for name in wanted if is_code(name))
    for part in db.chunks(addresses):
        statement_erased = select(Notice.address).where(Notice.address.in_(part), Notice.status == "erased")
        for address in session.scalars(statement_erased):
            for place in wanted[address]:
                out.setdefault(place, 0)
    return out


def met_again(session: Session, source: Source, run: Run | None, page_id: int | None, met: Mapping[str, int]) -> None:
    """A partner still sends them (identifier -> record): seen, not taken in, and the stored page is to be cleaned."""
    if run is None:
        return
    for part in db.chunks(sorted(set(met.values()) - {0})):
        seen = update(SourceRecord).where(SourceRecord.id.in_(part), SourceRecord.source_id == source.id)
        session.execute(seen.values(last_seen_run_id=run.id).execution_options(synchronize_session=False))
    if page_id is not None:
        before = remembered.read(session, f"{_WAITING}run:{run.id}", {})
        names, pages = {*before.get("identifiers", ()), *met}, {*before.get("pages", ()), page_id}
        to_clean(session, f"run:{run.id}", source.id, names, pages)


# --- what is left to clean -------------------------------------------------------------------


def waiting(session: Session) -> list[ToClean]:
    return [
        ToClean(
            name=f"{_WAITING}{name}",
            source_id=kept["source"],
            identifiers=tuple(kept["identifiers"]),
            pages=tuple(kept.get("pages", ())),
            index=bool(kept.get("index")),
            files=tuple(kept.get("files", ())),
        )
        for name, kept in remembered.read_all(session, _WAITING).items()
    ]


def to_clean(
    session: Session,
    name: str,
    source_id: int = 0,
    identifiers: Iterable[str] = (),
    pages: Iterable[int] = (),
    *,
    index: bool = False,
    files: Iterable[str] = (),
) -> None:
    kept = {"source": source_id, "identifiers": sorted(identifiers), "pages": sorted(pages), "index": index}
    kept["files"] = sorted({sha256 for sha256 in files if sha256})
    remembered.write(session, f"{_WAITING}{name}", kept)


def cleaned(session: Session, done: Iterable[ToClean]) -> None:
    """These are done, unless more was asked under the same name meanwhile."""
    still = {one.name: one for one in waiting(session)}
    for one in done:
        if still.get(one.name) == one:
            remembered.forget(session, one.name)


def pages_since(session: Session, limit: int) -> list[tuple[RawPage, int]]:
    """The next stored pages in which nobody has looked for what was erased here, each with its source; none while
    nothing was. Pages are numbered as they are kept, one after the other."""
    if session.scalar(_ANY_ERASED) is None:
        return []
    after = remembered.read(session, _LOOKED_AT, 0)
    statement = select(RawPage, Run.source_id).join(Run, Run.id == RawPage.run_id).where(RawPage.id > after)
    return [(page, source_id) for page, source_id in session.execute(statement.order_by(RawPage.id).limit(limit))]


def looked_at(session: Session, page_id: int) -> None:
    remembered.write(session, _LOOKED_AT, max(page_id, remembered.read(session, _LOOKED_AT, 0)))


def names_at(session: Session, source_id: int) -> set[str]:
    """What a source may call the records that were erased here: see `barred`."""
    source = session.get_one(Source, source_id)
    erased = select(SourceVersion.id).where(
        SourceVersion.record_id == SourceRecord.id, SourceVersion.fingerprint == MARK
    )
    statement = select(SourceRecord.identifier, SourceRecord.source_id).where(erased.exists())
    out: set[str] = set()
    for name, of in session.execute(statement):
        if of == source_id:
            out |= {name, sources.identify(source, name, "")}
        elif ":" in name:
            out.add(name)
    return {name for name in out if not name.startswith(NUMBERLESS)}


def pages_of(session: Session, one: ToClean) -> list[RawPage]:
    """The stored pages that may hold these records, oldest first."""
    if not one.identifiers:
        return []
    statement = select(RawPage).join(Run, Run.id == RawPage.run_id).where(Run.source_id == one.source_id)
    if one.pages:
        statement = statement.where(RawPage.id.in_(one.pages))
    return list(session.scalars(statement.order_by(RawPage.id)))
