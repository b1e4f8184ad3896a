"""What lies on the desk of the demonstration base these days: issues that came and one that did not, a copy that should
be back, a book that somebody would like, links that no longer answer, a form begun, shelves, a word for the next one.

Days are counted back from today, so that what is late is late whenever the base is made. What happened is in
`lived.toml`; through the same services as the desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, dead_links, handover, history, items, kept_forms, loans, notices, periodicals, places, visits
from catalogue.date_words import MONTHS
from catalogue.dead_links import ANOTHER_NIGHT, Verdict
from catalogue.models import DigitalDocument, Notice
from catalogue.periodicals import Arrival

BY = "claire"
Row = Mapping[str, Any]


def happen(session: Session, told: Row, ours: Any, today: date) -> list[tuple[str, str]]:
    """All of it; what is worth a look: (words, path). `ours`: notices by the number of their record."""
    for row in told["subscription"]:
        _arrive(session, row, ours[row["record"]], today)
    _lend(session, told["loan"], ours[told["loan"]["record"]], today)
    _wish(session, told["wish"])
    _die(session, told["dead"])
    form = told["form"]
    kept_forms.keep(session, BY, form["address"], form["values"], title=form["values"]["title"][0], version=0)
    _furnish(session, told["place"])
    handover.write(session, told["handover"], by=BY, seen=handover.texts(session).mark)
    return [("un numéro en retard", f"/bureau/periodiques/{ours[told['subscription'][0]['record']].address}")]


def _arrive(session: Session, row: Row, serial: Notice, today: date) -> None:
    """A monthly whose issues of these months ago came, under numbers that follow one another."""
    first = max(row["came"])
    values = {
        "frequency": "monthly",
        "starts_on": _months_ago(today, first),
        "ends_on": None,
        "supplier": row["supplier"],
        "note": row["note"],
        "off_months": [],
    }
    periodicals.subscribe(session, serial, values, by=BY, version=0)
    arrivals = []
    months = list(MONTHS)
    for ago in row["came"]:
        day, number = _months_ago(today, ago), row["first"] + first - ago
        arrivals.append(Arrival(serial.id, str(number), f"{months[day.month - 1]} {day.year}", copy=True))
    receipt = periodicals.receive(session, arrivals, by=BY)
    assert not receipt.refused, receipt.refused


def _months_ago(today: date, n: int) -> date:
    months = today.year * 12 + today.month - 1 - n
    return date(months // 12, months % 12 + 1, 1)


def _lend(session: Session, row: Row, notice: Notice, today: date) -> None:
    item = next(one for one in items.list_of(session, [notice.id]) if one.status == "available")
    due = today - timedelta(days=row["late_by"])
    loans.lend(session, item, to=row["to"], until=due, by=BY, version=item.version)


def _wish(session: Session, row: Row) -> None:
    message = visits.suggestion_message(visits.Suggestion(row["title"], row["by"], row["why"]))
    visits.request(session, subject="buy", name=row["name"], email=row["email"], message=message)


def _die(session: Session, faults: Iterable[str]) -> None:
    """The first addresses of the base have not answered for two nights, each in its way."""
    given = select(DigitalDocument.url).where(DigitalDocument.url != "", DigitalDocument.sha256 == "")
    urls = session.scalars(given.join(Notice).where(Notice.status == "published").distinct().order_by("url"))
    verdicts = [Verdict(url, "failing", fault) for url, fault in zip(urls, faults, strict=False)]
    now = db.now()
    for at in (now - 2 * ANOTHER_NIGHT, now):
        dead_links.write_down(session, verdicts, at)


def _furnish(session: Session, row: Row) -> None:
    """A room, its ranges, bays and shelves; the first copies of each stand on its first shelf."""
    site = next(place for place in places.tree(session) if place.name == row["site"])
    (room,) = places.add(session, "room", site.id, row["room"])
    copies = iter(items.list_of(session, list(session.scalars(select(Notice.id).order_by(Notice.id).limit(300)))))
    batch = history.open_batch(session, "copy", by=BY)
    moved = []
    for line in places.add(session, "range", room.id, "", several=row["ranges"]):
        for bay in places.add(session, "bay", line.id, "", several=row["bays"]):
            sizes = {"length": str(row["length_mm"]), "height": str(row["height_mm"])}
            shelves = places.add(session, "shelf", bay.id, "", several=row["shelves"], **sizes)
            here = (copy for copy in copies if copy.location_id == site.id)
            moved += [(copy, {"shelf_id": shelves[0].id}) for _n, copy in zip(range(row["copies"]), here, strict=False)]
    items.revise_many(session, moved, batch=batch)
    notices.queue_index(session, {copy.notice_id for copy, _values in moved})
