"""Corrections of many notices or copies at once: previewed, then done in one lot, some hundred at a time.

A preview is kept with the versions it was made on, so that what is done is what was shown: a notice that somebody has
changed since is left as they left it, and told. How far the work has come is written in the same transaction as each
part of it; who was killed half-way goes on from there, or takes back what is done (`lots.undo_in_parts`).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import batch_acts, cataloguing, claims, db, form, history, items, lots, notices, process, remembered
from catalogue.batch_acts import Act, CopyState
from catalogue.form import Journal, Term
from catalogue.models import Batch, Item, Notice
from catalogue.notices import Edit
from catalogue.problems import Problem
from catalogue.text import fold
from catalogue.unimarc import Fields
from catalogue.validation import validate

KIND = "correct"  # of lots
KEPT = "batch_edit.plan:"  # what was previewed
DONE = "batch_edit.done:"  # how far it is done
LARGEST = 50_000
PART = 200  # of one transaction
SHOWN = 20  # before and after, on the page of a preview
TOLD = 50  # that were left, by name
KEPT_DAYS = 30
SILENT = timedelta(minutes=2)
EDITABLE = ("draft", "candidate", "published", "withdrawn")


class Before(NamedTuple):
    """A notice as it is, before anything is decided about it."""

    id: int
    address: str
    title: str
    version: int
    status: str
    fields: Fields


class Links(NamedTuple):
    """What a new value is tied to: our thesaurus, our journals, our people and bodies."""

    terms: Mapping[str, Term] = {}
    journals: Mapping[str, Journal] = {}
    names: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one: `why` it stays, or "" and what it is to be."""

    id: int
    version: int
    why: str
    fields: Fields = field(default_factory=list)
    status: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)  # of a copy


@dataclass(frozen=True, slots=True)
class Plan:
    """A preview: which rows would change, at which version, and how many would not, by why."""

    token: str
    act: Act
    about: str  # what was chosen, in words
    back: str  # the page where it was chosen
    by: str
    at: datetime
    rows: tuple[tuple[int, int], ...]
    left: Mapping[str, int]
    examples: Mapping[str, tuple[int, ...]]

    @property
    def total(self) -> int:
        return len(self.rows) + sum(self.left.values())


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is done. `state`: "ready", "running", "stopped" (killed half-way), "undone" (taken back meanwhile),
    "done"."""

    state: str = "ready"
    seen: int = 0
    changed: int = 0
    lot: int | None = None
    left: tuple[tuple[int, str], ...] = ()  # of those that were to change
    process: str = ""
    beat: str = ""


class Busy(Exception):
    """It is being done already, or is done."""


# --- a preview -----------------------------------------------------------------------------------


def preview(session: Session, act: Act, ids: Sequence[int], *, by: str, about: str, back: str = "") -> Plan:
    """Look at all of them, and write nothing: `keep` it, and it can be done."""
    left: Counter[str] = Counter()
    examples: dict[str, list[int]] = {}
    rows: list[tuple[int, int]] = []
    for planned in plan(session, act, ids[:LARGEST]):
        if planned.why:
            left[planned.why] += 1
            examples.setdefault(planned.why, []).append(planned.id)
        else:
            rows.append((planned.id, planned.version))
    return Plan(
        secrets.token_urlsafe(9),
        act,
        about,
        back,
        by,
        db.now(),
        tuple(rows),
        dict(left),
        {why: tuple(some[:3]) for why, some in examples.items()},
    )


def keep(session: Session, made: Plan) -> None:
    """For as long as its lot could be taken back."""
    _forget_old(session)
    data = {**asdict(made), "act": made.act.as_data(), "at": made.at.isoformat()}
    remembered.write(session, f"{KEPT}{made.token}", data)


def find(session: Session, token: str) -> Plan | None:
    data = remembered.read(session, f"{KEPT}{token}")
    if data is None:
        return None
    told = {
        "act": Act(**data["act"]),
        "at": datetime.fromisoformat(data["at"]),
        "rows": tuple((number, version) for number, version in data["rows"]),
        "examples": {why: tuple(some) for why, some in data["examples"].items()},
    }
    return Plan(**{**data, **told})


def moved(session: Session, made: Plan) -> int:
    """How many of those that would change are not as the preview saw them any more."""
    table: type[Any] = Notice if made.act.kind.about == "notice" else Item
    seen = dict(made.rows)
    same = 0
    for part in db.chunks(seen):
        found = session.execute(select(table.id, table.version).where(table.id.in_(part)))
        same += sum(seen[number] == version for number, version in found)
    return len(seen) - same


def _forget_old(session: Session) -> None:
    limit = (db.now() - timedelta(days=KEPT_DAYS)).isoformat()
    for token, data in remembered.read_all(session, KEPT).items():
        if data["at"] < limit:
            remembered.forget(session, f"{KEPT}{token}")
            remembered.forget(session, f"{DONE}{token}")


# --- what would become of each ---------------------------------------------------------------------


def plan(session: Session, act: Act, ids: Iterable[int]) -> Iterator[Planned]:
    """What the act makes of each of these, in order; of copies when it is about copies."""
    make = _plan_notices if act.kind.about == "notice" else _plan_copies
    links = known(session, act)
    for part in db.chunks(ids, PART):
        found = make(session, act, part, links)
        yield from (found.get(number, Planned(number, 0, "gone")) for number in part)


def known(session: Session, act: Act) -> Links:
    """What the new value is tied to, as a save at the desk would tie it."""
    if act.name == "words" or not act.new:
        return Links()
    return Links(
        cataloguing.find_terms(session, [act.new]) if act.field == "subject" else {},
        cataloguing.find_journals(session, [act.new]) if act.field == "journal" else {},
        cataloguing.find_names(session, [act.new]) if act.field in ("author", "body") else {},
    )


def instead(session: Session, act: Act) -> str:
    """The term of the thesaurus that is written for the one that was typed, where it is another; "" else."""
    term = next(iter(known(session, act).terms.values()), None)
    return term.label if term is not None and fold(term.label) != fold(act.new) else ""


def _plan_notices(session: Session, act: Act, ids: Sequence[int], links: Links) -> dict[int, Planned]:
    columns = Notice.id, Notice.address, Notice.title, Notice.version, Notice.status, Notice.fields
    found = [Before(*row) for row in session.execute(select(*columns).where(Notice.id.in_(ids)))]
    brought = set[int]()
    if act.name == "publish":  # what a partner describes is published as it came (`cataloguing.decide`)
        brought = {c.notice_id for c in claims.of_notices(session, [b.id for b in found]) if c.record_id is not None}
    return {before.id: _planned(before, act, links, before.id in brought) for before in found}


def _planned(before: Before, act: Act, links: Links, brought: bool) -> Planned:
    left = Planned(before.id, before.version, "")
    if before.status not in EDITABLE:
        return replace(left, why="gone")
    if act.name in ("publish", "draft"):
        return replace(left, **_status(before, act.name, brought))
    fields, why = batch_acts.changed(before.fields, act)
    if why:
        return replace(left, why=why)
    if any(links):
        fields, _told = form.link(before.fields, fields, *links)
    if before.status == "published" and new_errors(before.fields, fields):
        return replace(left, why="required")
    return replace(left, fields=fields)


def _status(before: Before, act: str, brought: bool) -> dict[str, Any]:
    if act == "draft":
        known = before.status in ("published", "candidate")
        return {"fields": before.fields, "status": "draft"} if known else {"why": "same"}
    if before.status not in ("draft", "candidate"):
        return {"why": "same"}
    kind = form.kind_of(before.fields)
    if not brought and any(p.level == "error" for p in validate(before.fields, kind)):
        return {"why": "incomplete"}
    return {"fields": before.fields, "status": "published"}


def new_errors(before: Fields, after: Fields) -> list[Problem]:
    """What forbids publishing that was not so before: a required field lost, a date that nobody understands."""
    errors = [p for p in validate(after, form.kind_of(after)) if p.level == "error"]
    if not errors:
        return []
    known = {(p.tag, p.code, p.params.get("value")) for p in validate(before, form.kind_of(before))}
    return [p for p in errors if (p.tag, p.code, p.params.get("value")) not in known]


def _plan_copies(session: Session, act: Act, ids: Sequence[int], _links: Links) -> dict[int, Planned]:
    places = {place.id: place.name for place in items.list_locations(session)}
    out = {}
    for item in session.scalars(select(Item).where(Item.id.in_(ids))):
        values, why = batch_acts.changed_copy(state_of(item, places), act)
        out[item.id] = Planned(item.id, item.version, why, values=values)
    return out


def state_of(item: Item, places: Mapping[int, str]) -> CopyState:
    why = items.why_hidden(item)
    return CopyState(
        item.call_number,
        places.get(item.location_id or 0, ""),
        item.section,
        item.status,
        bool(why),
        why == items.HIDDEN_HERE,
    )


# --- doing it --------------------------------------------------------------------------------------


def progress(session: Session, token: str) -> Progress:
    """How far it is; of one that was killed, it says so itself."""
    data = remembered.read(session, f"{DONE}{token}")
    if data is None:
        return Progress()
    found = Progress(**{**data, "left": tuple((number, why) for number, why in data["left"])})
    return replace(found, state="stopped") if found.state == "running" and _is_dead(found) else found


def _is_dead(found: Progress) -> bool:
    return process.is_gone(found.process) or db.now() - datetime.fromisoformat(found.beat) > SILENT


def begin(session: Session, made: Plan) -> None:
    """From here on it is being done, by this process alone. Raises Busy."""
    history.turn(session)
    now = progress(session, made.token)
    if now.state not in ("ready", "stopped"):
        raise Busy(now.state)
    _keep(session, made.token, replace(now, state="running"))


def run(base: db.Database, made: Plan, *, by: str) -> Progress:
    """Do what was previewed and `begin` has announced, a part at a time, in one lot; in sessions of its own."""
    with base.read() as session:
        now = progress(session, made.token)
    for part in db.by_turns(base, db.chunks(made.rows[now.seen :], PART)):
        with base.write() as session:
            history.turn(session)
            if now.lot is not None and lots.going_on(session, now.lot) is None:
                now = replace(now, state="undone")
                _keep(session, made.token, now)
                return now
            now = _one_part(session, made, part, now, by)
            _keep(session, made.token, now)
    with base.write() as session:
        now = replace(now, state="done")
        _keep(session, made.token, now)
    return now


def _one_part(session: Session, made: Plan, part: list[tuple[int, int]], now: Progress, by: str) -> Progress:
    seen = dict(part)
    planned = {p.id: p for p in plan(session, made.act, seen)}
    left = [(number, _why_left(planned[number], version)) for number, version in part]
    change = [planned[number] for number, why in left if not why]
    batch = session.get_one(Batch, now.lot) if now.lot else None
    if change:
        batch = batch or history.open_batch(session, KIND, by=by, why=_why(made))
        write(session, change, made.act, batch)
    return replace(
        now,
        seen=now.seen + len(part),
        changed=now.changed + len(change),
        lot=batch.id if batch else None,
        left=(*now.left, *((number, why) for number, why in left if why)),
    )


def _why_left(planned: Planned, version: int) -> str:
    if planned.why == "gone":
        return "gone"
    return "changed" if planned.version != version else planned.why


def _why(made: Plan) -> str:
    return f"{made.act.words()} ({made.about})"


def write(session: Session, change: Sequence[Planned], act: Act, batch: Batch) -> None:
    ids = [planned.id for planned in change]
    if act.kind.about == "notice":
        rows = {n.id: n for n in session.scalars(select(Notice).where(Notice.id.in_(ids)))}
        notices.revise_many(session, [Edit(rows[p.id], p.fields, status=p.status) for p in change], batch=batch)
        return
    copies = {i.id: i for i in session.scalars(select(Item).where(Item.id.in_(ids)))}
    place = items.name_location(session, act.new) if act.name == "location" else None
    items.revise_many(session, [(copies[p.id], _columns(copies[p.id], p.values, place)) for p in change], batch=batch)


def _columns(item: Item, values: Mapping[str, Any], place: int | None) -> dict[str, Any]:
    if "location" in values:
        return {"location_id": place}
    if "hidden" in values:
        return {"extra": items.with_hidden(item.extra, items.HIDDEN_HERE if values["hidden"] else ())}
    return dict(values)


def _keep(session: Session, token: str, now: Progress) -> None:
    told = replace(now, process=process.name(), beat=db.now().isoformat(), left=now.left[-10 * TOLD :])
    remembered.write(session, f"{DONE}{token}", asdict(told))
