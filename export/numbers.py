"""Numbers that two sources give to two notices: in one file they would be one, so these go out under our address.

What came from one source keeps its numbers, and a file of it is what came in. Where two sources call two notices
« 116124 », each leaves under its permanent address, and so do the links to it: whoever reads the file finds two
notices, and this Travée knows them again. Nothing else is renumbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, unimarc
from catalogue.models import LIVING, ExternalId, Notice, NoticeLink, Source
from catalogue.unimarc import Field, Fields

RECORD, ISSUE = "record", "bull"  # a source numbers its records and its issues apart

Addresses = Mapping[tuple[str, str], str]  # (space, number) -> the address that goes out instead of it


def shared(session: Session, notice_ids: Sequence[int]) -> dict[int, dict[tuple[str, str], str]]:
    """Those of these notices that share a number with another living one, told to the second by another source."""
    names = select(ExternalId.entity_id, ExternalId.space, ExternalId.value, Notice.address).join(
        Notice, Notice.id == ExternalId.entity_id
    )
    ours = names.where(ExternalId.entity == "notice", ExternalId.entity_id.in_(notice_ids))
    mine = [(*row,) for row in session.execute(ours.where(ExternalId.space.in_((RECORD, ISSUE))))]
    holders = _holders(session, {value for _notice_id, _space, value, _address in mine})
    out: dict[int, dict[tuple[str, str], str]] = {}
    for notice_id, space, value, address in mine:
        if holders.get((space, value), set()) - {notice_id}:
            out.setdefault(notice_id, {})[space, value] = address
    return out


def _holders(session: Session, values: Iterable[str]) -> dict[tuple[str, str], set[int]]:
    """The living notices that sources call by these numbers."""
    source_ids = list(session.scalars(select(Source.id)))  # named, so that the index on (source, space, value) answers
    out: dict[tuple[str, str], set[int]] = {}
    if len(source_ids) < 2:
        return out
    for part in db.chunks(sorted(values)):
        statement = (
            select(ExternalId.space, ExternalId.value, ExternalId.entity_id)
            .join(Notice, Notice.id == ExternalId.entity_id)
            .where(ExternalId.source_id.in_(source_ids), ExternalId.space.in_((RECORD, ISSUE)))
            .where(ExternalId.value.in_(part), ExternalId.entity == "notice", Notice.status.in_(LIVING))
        )
        for space, value, notice_id in session.execute(statement):
            out.setdefault((space, value), set()).add(notice_id)
    return out


def shared_targets(session: Session, notice_ids: Sequence[int]) -> dict[int, dict[tuple[str, str], str]]:
    """The same of what these notices lead to."""
    statement = select(NoticeLink.notice_id, NoticeLink.promise, NoticeLink.target_id).where(
        NoticeLink.notice_id.in_(notice_ids), NoticeLink.target_id.is_not(None)
    )
    led = [(notice_id, promise, target or 0) for notice_id, promise, target in session.execute(statement)]
    known: dict[int, dict[tuple[str, str], str]] = {}
    for part in db.chunks(sorted({target for _notice_id, _promise, target in led})):
        known |= shared(session, part)
    out: dict[int, dict[tuple[str, str], str]] = {}
    for notice_id, promise, target in led:
        for (space, value), address in known.get(target, {}).items():
            if promise.endswith(f":{space}:{value}"):
                out.setdefault(notice_id, {})[space, value] = address
    return out


def renumbered(fields: Iterable[Field], own: Addresses, targets: Addresses) -> Fields:
    """The fields with our addresses for the notice's `own` numbers and for those it leads to."""
    return [_own(f, own) if f["t"] in ("001", "200") else _link(f, targets) for f in fields]


def _own(f: Field, own: Addresses) -> Field:
    if f["t"] == "001":
        return {**f, "v": own.get((RECORD, f.get("v", "")), f.get("v", ""))}
    number = unimarc.typed(f, "id")  # of an issue in a PMB
    return _replaced(f, number, own.get((ISSUE, number), ""))


def _link(f: Field, targets: Addresses) -> Field:
    if not targets:
        return f
    for link in unimarc.links(unimarc.linking([f])):
        for space in (RECORD, ISSUE):
            if address := targets.get((space, link.target), ""):
                return _replaced(f, link.target, address)
    return f


def _replaced(f: Field, number: str, address: str) -> Field:
    """`number` wherever PMB or the standard would say it: `$9 id:`, `$0`, `$3`, the attribute of a link."""
    if not address:
        return f
    said = {("9", f"id:{number}"): f"id:{address}", ("0", number): address, ("3", number): address}
    out: Field = {**f, "s": [[code, said.get((code, value), value)] for code, value in f.get("s", ())]}
    if f.get("x") == number:
        out["x"] = address
    return out
