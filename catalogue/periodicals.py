"""The only writer of Subscription and of ExpectedIssue: how a periodical of ours comes, and what is said of its issues.

An issue that came is a notice under its periodical, and nothing else says so: what is taken back or withdrawn by an
undo has not come. A row of ExpectedIssue is only there for what somebody has said of an issue that was foretold
(`catalogue.forecast`): claimed from its supplier, or not to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from catalogue import dates, db, forecast, form, history, items, notices
from catalogue.forecast import FREQUENCIES, Expected, Issue, Rule
from catalogue.history import Change
from catalogue.issue_numbers import number_in
from catalogue.models import LIVING, Batch, ExpectedIssue, Item, Notice, NoticeIdentifier, NoticeLink, Subscription
from catalogue.text import fold
from catalogue.unimarc import Fields, RecordItem, date_text, issue_edtf, issue_number, title

OPEN_STATES = ("claimed", "skipped")  # what still says something of an issue that is not here
SUBSCRIPTION = ("frequency", "starts_on", "ends_on", "supplier", "note", "off_months")
LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Held:
    """An issue that came."""

    notice_id: int
    serial_id: int
    address: str
    title: str
    number: str
    dated: str
    first_day: date | None
    last_day: date | None
    year: int | None
    status: str

    @property
    def issue(self) -> Issue:
        return Issue(self.number, self.first_day, self.last_day)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An issue in somebody's hand. `key`: the one foretold that it is, "" for another."""

    serial_id: int
    number: str
    dated: str
    key: str = ""
    copy: bool = False
    call_number: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """`code`: "here" (it came already, `address`), "no_date", "long", "no_serial"."""

    arrival: Arrival
    code: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    batch_id: int | None
    made: tuple[tuple[Arrival, str], ...]  # with the address of each
    refused: tuple[Refused, ...]


# --- what came -------------------------------------------------------------------------------


def held(session: Session, serial_ids: Sequence[int]) -> dict[int, list[Held]]:
    """The issues that we have, or had, of these periodicals, oldest first: ours, or of which we have a copy."""
    ours = notices.our_centre(session).id
    with_copy = exists().where(Item.notice_id == Notice.id)
    out: dict[int, list[Held]] = {number: [] for number in serial_ids}
    withdrawn: list[int] = []
    for part in db.chunks(serial_ids):
        statement = (
            select(NoticeLink.target_id, Notice.id, Notice.address, Notice.title, Notice.year, Notice.status)
            .add_columns(Notice.fields)
            .join(Notice, Notice.id == NoticeLink.notice_id)
            .where(NoticeLink.target_id.in_(part), NoticeLink.relation == "host_serial", Notice.level == "issue")
            .where(Notice.status.in_((*LIVING, "withdrawn")), (Notice.owner_id == ours) | with_copy)
        )
        for serial_id, number, address, name, year, status, fields in session.execute(statement):
            if serial_id is not None:
                out[serial_id].append(_held(number, serial_id, address, name, year, status, fields))
            if status == "withdrawn":
                withdrawn.append(number)
    undone = history.undone_rows(session, "notice", withdrawn)
    for serial_id, found in out.items():
        kept = {h.notice_id: h for h in found if h.notice_id not in undone}
        out[serial_id] = sorted(kept.values(), key=_in_order)
    return out


def _held(number: int, serial_id: int, address: str, name: str, year: int | None, status: str, fields: Fields) -> Held:
    first, last = forecast.period_of(issue_edtf(fields)) or (None, None)
    printed = issue_number(fields) or number_in(name)
    return Held(number, serial_id, address, name, printed, date_text(fields), first, last, year, status)


def _in_order(h: Held) -> tuple[Any, ...]:
    read = forecast.parse_number(h.number)
    return (h.first_day or date(h.year or 1, 1, 1), read.first if read else 0, h.notice_id)


def settled(session: Session, serial_ids: Sequence[int]) -> dict[int, list[ExpectedIssue]]:
    """What somebody has said of issues that are not here, by periodical."""
    out: dict[int, list[ExpectedIssue]] = {}
    for part in db.chunks(serial_ids):
        statement = select(ExpectedIssue).where(ExpectedIssue.serial_id.in_(part), ExpectedIssue.state.in_(OPEN_STATES))
        for row in session.scalars(statement.order_by(ExpectedIssue.id)):
            out.setdefault(row.serial_id, []).append(row)
    return out


def rule_of(subscription: Subscription) -> Rule:
    return Rule(
        subscription.frequency, frozenset(subscription.off_months), subscription.starts_on, subscription.ends_on
    )


def foresee(
    subscription: Subscription | None, here: Iterable[Held], said: Iterable[ExpectedIssue], today: date
) -> forecast.Foreseen:
    """What is missing and what comes next; without a subscription nobody waits for anything."""
    if subscription is None or subscription.frequency not in FREQUENCIES:
        return forecast.Foreseen()
    given_up = [Issue(row.number, row.due_on, row.due_on) for row in said if row.state == "skipped"]
    return forecast.foresee([h.issue for h in here], rule_of(subscription), today, given_up)


# --- the subscription ------------------------------------------------------------------------


def subscribe(session: Session, serial: Notice, values: Mapping[str, Any], *, by: str, version: int) -> Batch | None:
    """Say how a periodical comes. None when nothing changes; raises `notices.Stale` when somebody has said it since."""
    history.turn(session)
    row = session.get(Subscription, serial.id)
    if (row.version if row else 0) != version:
        raise notices.Stale(serial)
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return None
    batch = history.open_batch(session, "subscribe", by=by)
    if row is None:
        session.add(Subscription(notice_id=serial.id, **values))
        session.flush()
        history.record(session, batch, [Change("subscription", serial.id, 1, None)])
    else:
        _put_subscription(session, row, values, batch)
    return batch


def wait_from_now(session: Session, serial: Notice, today: date, *, by: str) -> Batch | None:
    """« Ne rien attendre avant aujourd’hui »: an old subscription begins with the first issue due from today on."""
    row = session.get(Subscription, serial.id)
    if row is None or row.frequency not in FREQUENCIES:
        return None
    here = held(session, [serial.id])[serial.id]
    values = {name: getattr(row, name) for name in SUBSCRIPTION}
    values["starts_on"] = forecast.first_from([h.issue for h in here], rule_of(row), today)
    return subscribe(session, serial, values, by=by, version=row.version)


def _put_subscription(session: Session, row: Subscription, values: Mapping[str, Any], batch: Batch) -> None:
    before = snapshot_subscription(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    session.flush()
    history.record(session, batch, [Change("subscription", row.notice_id, row.version, before)])


def snapshot_subscription(row: Subscription) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in SUBSCRIPTION}


def restore_subscriptions(
    session: Session, rows: Sequence[tuple[Subscription, Mapping[str, Any] | None]], *, batch: Batch
) -> None:
    """As a revision found them; one that the lot made says nothing any more."""
    nothing: dict[str, Any] = {**dict.fromkeys(SUBSCRIPTION, ""), "starts_on": None, "ends_on": None, "off_months": []}
    for row, before in rows:
        _put_subscription(session, row, _days(before or nothing, "starts_on", "ends_on"), batch)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _days(state: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**state, **{name: date.fromisoformat(state[name]) if state[name] else None for name in names}}


# --- the morning's post ----------------------------------------------------------------------


def receive(session: Session, arrivals: Sequence[Arrival], *, by: str) -> Receipt:
    """Issues that came, in one lot: each a published notice under its periodical, and a copy where it is asked for.

    One that is here already, or that nobody could date, is refused and told; the others go in.
    """
    history.turn(session)  # two people may tick the same post
    serials = {n.id: n for n in _serials(session, {a.serial_id for a in arrivals})}
    here = held(session, list(serials))
    issns = _issns(session, list(serials))
    refused: list[Refused] = []
    batch: Batch | None = None
    made: list[tuple[Arrival, str]] = []
    for arrival in arrivals:
        serial = serials.get(arrival.serial_id)
        known = here.get(arrival.serial_id, [])
        period = forecast.period_of(dates.understand(arrival.dated).edtf)
        if (reason := _why_not(arrival, serial, period, known)) or serial is None:
            refused.append(reason or Refused(arrival, "no_serial"))
            continue
        batch = batch or history.open_batch(session, "receive", by=by)
        fields = _issue_fields(serial, arrival, issns.get(serial.id, ""))
        notice = notices.create(session, fields, by=by, status="published", batch=batch)
        if arrival.copy:
            place = _usual_place(session, known)
            copy = RecordItem(call_number=arrival.call_number, location=place[0], section=place[1])
            items.add_many(session, [(notice.id, copy)], batch=batch)
        _say(session, serial, Expected(arrival.key, arrival.number, date.min), "received", batch, issue=notice)
        known.append(_held(notice.id, serial.id, notice.address, notice.title, notice.year, "published", fields))
        made.append((arrival, notice.address))
    return Receipt(batch.id if batch else None, tuple(made), tuple(refused))


def _why_not(
    arrival: Arrival, serial: Notice | None, period: tuple[date, date] | None, known: Iterable[Held]
) -> Refused | None:
    if serial is None:
        return Refused(arrival, "no_serial")
    if period is None:
        return Refused(arrival, "no_date")
    if len(arrival.number) > LONGEST_NUMBER:
        return Refused(arrival, "long")
    here = here_as(known, arrival.number, period[0])
    return Refused(arrival, "here", here.address) if here else None


def here_as(known: Iterable[Held], number: str, day: date) -> Held | None:
    """The issue of this number, dated of this day, if it came; one without number, of the very day."""
    same = (h for h in known if fold(h.number) == fold(number))
    return next((h for h in same if (h.year in (None, day.year) if number else h.first_day == day)), None)


def _serials(session: Session, ids: Iterable[int]) -> Sequence[Notice]:
    statement = select(Notice).where(Notice.id.in_(sorted(ids)), Notice.level == "serial", Notice.status.in_(LIVING))
    return session.scalars(statement).all()


def _issns(session: Session, ids: Sequence[int]) -> dict[int, str]:
    statement = select(NoticeIdentifier.notice_id, NoticeIdentifier.value).where(
        NoticeIdentifier.notice_id.in_(ids), NoticeIdentifier.scheme == "issn"
    )
    return {number: issn for number, issn in session.execute(statement.order_by(NoticeIdentifier.id.desc()))}


def issn_of(session: Session, serial_id: int) -> str:
    return _issns(session, [serial_id]).get(serial_id, "")


def _issue_fields(serial: Notice, arrival: Arrival, issn: str) -> Fields:
    name = title(serial.fields)
    values = {
        form.KIND: ["issue"],
        "title": [name],
        "number": [arrival.number],
        "date": [arrival.dated],
        "journal": [name],
        "language": [serial.language],
    }
    fields = form.write([], values)
    return form.link([], fields, {}, {fold(name): form.Journal(name, serial.address, issn)})[0]


def _usual_place(session: Session, known: Sequence[Held]) -> tuple[str, str]:
    """Where the last issue that has a copy stands: its location and section."""
    copies = {copy.notice_id: copy for copy in items.list_of(session, [h.notice_id for h in known[-6:]])}
    last = next((copies[h.notice_id] for h in reversed(known) if h.notice_id in copies), None)
    if last is None:
        return "", ""
    places = {place.id: place.name for place in items.list_locations(session)}
    return places.get(last.location_id or 0, ""), last.section


# --- claimed, given up -----------------------------------------------------------------------


def claim(session: Session, serial: Notice, expected: Sequence[Expected], *, by: str) -> Batch | None:
    """« Réclamé »: the day is kept; claiming again moves it."""
    return _say_all(session, serial, expected, "claimed", by)


def give_up(session: Session, serial: Notice, expected: Sequence[Expected], *, by: str) -> Batch | None:
    """« Ne paraîtra pas »: nobody waits for it any more."""
    return _say_all(session, serial, expected, "skipped", by)


def wait_again(session: Session, serial: Notice, expected: Sequence[Expected], *, by: str) -> Batch | None:
    return _say_all(session, serial, expected, "expected", by)


def _say_all(session: Session, serial: Notice, expected: Sequence[Expected], state: str, by: str) -> Batch | None:
    history.turn(session)
    if not expected:
        return None
    batch = history.open_batch(session, {"claimed": "claim"}.get(state, "give_up"), by=by)
    for one in expected:
        _say(session, serial, one, state, batch)
    return batch


def _say(
    session: Session, serial: Notice, one: Expected, state: str, batch: Batch, *, issue: Notice | None = None
) -> None:
    """Write it down; of an issue that came, only where something was said of it before."""
    statement = select(ExpectedIssue).where(ExpectedIssue.serial_id == serial.id, ExpectedIssue.number == one.key)
    row = session.scalar(statement)
    if row is None and state in ("received", "expected"):
        return
    if row is None:
        row = ExpectedIssue(serial_id=serial.id, number=one.key, due_on=one.due_on, state=state)
        row.changed_at, row.changed_by = batch.at, batch.by
        session.add(row)
        session.flush()
        history.record(session, batch, [Change("expected", row.id, 1, None)])
    else:
        _put_expected(session, row, {"state": state, "issue_id": issue.id if issue else None}, batch)


def _put_expected(session: Session, row: ExpectedIssue, values: Mapping[str, Any], batch: Batch) -> None:
    before = snapshot_expected(row)
    for name, value in {"changed_at": batch.at, "changed_by": batch.by, **values}.items():
        setattr(row, name, value)
    row.version += 1
    session.flush()
    history.record(session, batch, [Change("expected", row.id, row.version, before)])


def snapshot_expected(row: ExpectedIssue) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in ("state", "issue_id", "changed_at", "changed_by")}


def restore_expected(
    session: Session, rows: Sequence[tuple[ExpectedIssue, Mapping[str, Any] | None]], *, batch: Batch
) -> None:
    """As a revision found them; one that the lot made is waited for again."""
    for row, before in rows:
        if before is None:
            _put_expected(session, row, {"state": "expected", "issue_id": None}, batch)
        else:
            _put_expected(session, row, {**before, "changed_at": datetime.fromisoformat(before["changed_at"])}, batch)
