"""Partners' copies: dated holdings beside our notices, never items of ours."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from catalogue import db, notices
from catalogue.models import Centre, Holding, Item, Source
from catalogue.unimarc import RecordItem
from harvest.intake import Incoming, Outcome

_HOLDINGS, _ITEMS = db.table_of(Holding), db.table_of(Item)
_KNOWN = select(
    *(_HOLDINGS.c.record_id, _HOLDINGS.c.notice_id, _HOLDINGS.c.centre_label, _HOLDINGS.c.call_number),
    _HOLDINGS.c.count,
).where(db.among(_HOLDINGS.c.record_id))
_SEEN = update(_HOLDINGS).where(db.among(_HOLDINGS.c.record_id)).values(seen_at=bindparam("at"))
_OURS = select(_ITEMS.c.barcode, _ITEMS.c.notice_id, _ITEMS.c.call_number).where(
    _ITEMS.c.centre_id == bindparam("centre"), db.among(_ITEMS.c.barcode)
)


def partner_centre(session: Session, source: Source) -> Centre:
    """Whose notices these are: a centre for each source, so that they show under « Tout le réseau »."""
    centre = notices.partner_centre(session, source)
    if centre is None:
        centre = Centre(name=source.name, code=notices.centre_code(source), is_ours=False)
        session.add(centre)
        session.flush()
    return centre


def hold(session: Session, source: Source, rows: list[Incoming], outcomes: list[Outcome]) -> None:
    """Date the partner's copies of these notices. A record that comes without copies takes none away.

    A copy that is ours (a shared base names it too) stays an Item: it is no partner's. Copies of an issue come
    with one of its articles, and are told there: that is what a reader asks for.
    """
    told = {
        o.record_id: (o.notice_id, r.record.items)
        for r, o in zip(rows, outcomes, strict=True)
        if o.notice_id and r.record and r.record.items
    }
    if not told:
        return
    at = db.now()
    ours = _our_items(session, [i.barcode for _notice_id, copies in told.values() for i in copies if i.barcode])
    known: dict[int, dict[tuple[int, str, str], int]] = {}
    session.flush()
    for record_id, *of, n in session.execute(_KNOWN, {"part": list(told)}):
        known.setdefault(record_id, {})[tuple(of)] = n
    same: list[int] = []
    moved: dict[int, list[dict[str, Any]]] = {}
    for record_id, (notice_id, copies) in told.items():
        theirs = Counter(
            (notice_id, i.owner or source.name, i.call_number)
            for i in copies
            if not _is_ours(i, notice_id, ours.get(i.barcode))
        )
        if dict(theirs) == known.get(record_id, {}):
            same.append(record_id)
            continue
        moved[record_id] = [
            {
                "notice_id": home,
                "record_id": record_id,
                "centre_label": label,
                "call_number": call_number,
                "count": n,
                "seen_at": at,
            }
            for (home, label, call_number), n in theirs.items()
        ]
    if same:
        session.execute(_SEEN, {"part": same, "at": at})
    if gone := [record_id for record_id in moved if record_id in known]:
        session.execute(delete(Holding).where(Holding.record_id.in_(gone)))
    if fresh := [row for several in moved.values() for row in several]:
        db.insert_rows(session, Holding, fresh)
    made = {o.notice_id for o in outcomes if o.kind == "new"}  # the index is told of these already
    notices.queue_index(session, {told[record_id][0] for record_id in moved} - made)


def _our_items(session: Session, barcodes: list[str]) -> dict[str, tuple[int, str]]:
    """Our items with these barcodes: the notice each belongs to, and its call number."""
    if not barcodes:
        return {}
    asked = {"centre": notices.our_centre(session).id, "part": sorted(set(barcodes))}
    return {b: (notice_id, call_number) for b, notice_id, call_number in session.execute(_OURS, asked) if b}


def _is_ours(copy: RecordItem, notice_id: int, item: tuple[int, str] | None) -> bool:
    """Small barcodes are not unique among centres: the document, or the call number of an issue, must agree too."""
    return item is not None and (item[0] == notice_id or bool(copy.issue_of and item[1] == copy.call_number))
