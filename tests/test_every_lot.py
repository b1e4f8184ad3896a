"""The promise of the desk: whatever is done can be taken back, and what somebody has touched since is left to them.

For each kind of lot (`tests.lot_makers`) the same story: Claire does it, it is taken back, that is taken back, Marc
then writes in one of its rows, and it is taken back once more.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue import (
    authorities,
    db,
    desk_history,
    digital,
    history,
    integrity,
    items,
    judgements,
    lot_pages,
    lots,
    notices,
    periodicals,
    undo_plan,
    users,
)
from catalogue.lots import NotUndoable
from catalogue.models import Batch, Claim, IndexQueue, Notice, Revision
from tests.cast import field, notice
from tests.conftest import PASSWORD
from tests.lot_makers import MAKERS
from tests.test_proposals import ABSTRACT

NEVER = {"erase": "for good, and said so before", "undo": "each of the stories below takes one back"}
# What was written since stays, in rows that go back all the same: two notices part with what each has got meanwhile,
# and a question about a notice is asked again of the notice as it stands now.
GROWN_TOGETHER = ("join", "refuse", "withdraw")
World = dict[tuple[Any, ...], Any]


def world(session: Session) -> World:
    """Every row that a lot can change, and what is computed from it."""
    session.flush()
    session.expire_all()
    out: World = {
        _name_of(entity, row): undo_plan.SNAPSHOTS[entity](row)
        for entity, (table, _put) in undo_plan.RESTORERS.items()
        for row in session.scalars(select(table))
    }
    for table, (name, columns) in integrity.ROWS.items():
        for notice_id, *values in session.execute(
            select(table.notice_id, *(getattr(table, c) for c in columns)).order_by(table.notice_id)
        ):
            out.setdefault((name, notice_id), []).append(values)
    return {key: sorted(rows, key=repr) if isinstance(rows, list) else rows for key, rows in out.items()}


def _name_of(entity: str, row: Any) -> tuple[Any, ...]:
    """An address that a notice gives has a row while the notice gives it: it is known by the address."""
    is_link = entity == "document" and not row.sha256
    return ("link", row.notice_id, row.url) if is_link else (entity, row.id)


def is_gone(entity: str, state: Mapping[str, Any]) -> bool:
    """What a row that a lot made says once the lot is taken back."""
    return {
        "notice": lambda: state["status"] == "withdrawn",
        "item": lambda: state["status"] == "withdrawn",
        "document": lambda: state["rights"] == digital.REMOVED,
        "agent": lambda: state["status"] == "withdrawn",
        "concept": lambda: state["status"] == "withdrawn",
        "class": lambda: state["status"] == "withdrawn",
        "judgement": lambda: state["revoked_at"] is not None,
        "claim": lambda: state["state"] == "split",
        "subscription": lambda: state["frequency"] == "",
        "expected": lambda: state["state"] == "expected",
        "link": lambda: state["rights"] == digital.REMOVED,
        "proposal": lambda: True,  # a question asked anew
    }.get(entity, lambda: True)()


COMPUTED = tuple(name for name, _columns in integrity.ROWS.values())


def assert_as(before: World, now: World) -> None:
    """All of it is there again; what is there besides says that it is gone, or belongs to what is."""
    for key, state in before.items():
        assert now.get(key) == state, f"{key} is not as it was"
    for key in now.keys() - before.keys():
        assert key[0] in COMPUTED or is_gone(key[0], now[key]) or _goes_with_its_notice(key, now), f"{key} is there"


def _goes_with_its_notice(key: tuple[Any, ...], now: World) -> bool:
    """The claim of a notice that was made from a record."""
    return key[0] == "claim" and is_gone("notice", now["notice", now[key]["notice_id"]])


def undone(session: Session, number: int, before: World) -> tuple[lots.Undone, int, World]:
    """Take a lot back, and see that the index is told of each notice that has changed. What came of it, its lot (0 for
    none), and how things stand then."""
    session.execute(delete(IndexQueue))
    result = lots.undo(session, session.get_one(Batch, number), by="claire")
    after = world(session)
    moved = [key for key in after if after[key] != before.get(key)]
    changed = {key[1] for key in moved if key[0] in ("notice", "link", *COMPUTED)}
    for key in moved:
        if key[0] in ("item", "document"):
            changed.add(session.get_one(undo_plan.RESTORERS[key[0]][0], key[1]).notice_id)
    waiting = {row.notice_id: row.seq for row in session.scalars(select(IndexQueue))}
    assert changed <= waiting.keys(), "the index has to learn of them"
    seqs = {number: seq for number, seq in session.execute(select(Notice.id, Notice.changed_seq))}
    assert all(seqs[n] <= seq for n, seq in waiting.items())
    return result, result.batch.id if result.batch else 0, after


# --- somebody else, later --------------------------------------------------------------------


def key_of(session: Session, entity: str, number: int) -> tuple[Any, ...]:
    return _name_of(entity, session.get_one(undo_plan.RESTORERS[entity][0], number))


def rows_of(session: Session, lot: int) -> list[tuple[str, int]]:
    statement = select(Revision.entity, Revision.entity_id).where(Revision.batch_id == lot).order_by(Revision.id)
    return [(entity, number) for entity, number in session.execute(statement)]


def marc_writes(session: Session, lot: int) -> tuple[str, int]:
    """Marc changes one of the rows of a lot, or the notice that it is about; returns which."""
    touched = rows_of(session, lot)
    for entity, write in TOUCH.items():
        for found, number in touched:
            if found == entity:
                row = session.get_one(undo_plan.RESTORERS[entity][0], number)
                if (written := write(session, row)) is not False:
                    session.flush()
                    return ("notice", written) if entity in ("claim", "proposal") else (entity, number)
    raise AssertionError("nothing that Marc could write in")


def _batch(session: Session) -> Batch:
    return history.open_batch(session, "edit", by="marc")


def _later_issue(session: Session, row: Any) -> Batch | None:
    serial = session.get_one(Notice, row.serial_id)
    expected = periodicals.Expected(row.number, row.number, date(2024, 5, 1))
    act = periodicals.give_up if row.state != "skipped" else periodicals.claim
    return act(session, serial, [expected], by="marc")


def _write_in(session: Session, row: Any) -> int:
    """Write in the notice that a source and we were asked about."""
    notice = session.get_one(Notice, session.get_one(Claim, getattr(row, "claim_id", row.id)).notice_id)
    TOUCH["notice"](session, notice)
    return notice.id


def _revoke(session: Session, row: Any) -> bool:
    still = row.revoked_at is None
    judgements.revoke(session, row, by="marc")
    return still


TOUCH: dict[str, Any] = {
    "notice": lambda s, n: notices.revise(s, n, [*n.fields, field("300", "a", "Vu depuis.")], by="marc"),
    "item": lambda s, i: items.revise(s, i, {"section": "Bureau"}, by="marc"),
    "document": lambda s, d: digital.revise(s, d, {"label": "Autre nom"}, batch=_batch(s)),
    "subscription": lambda s, r: periodicals.subscribe(
        s,
        s.get_one(Notice, r.notice_id),
        {**{name: getattr(r, name) for name in periodicals.SUBSCRIPTION}, "note": "Chez le voisin"},
        by="marc",
        version=r.version,
    ),
    "expected": _later_issue,
    "agent": lambda s, a: authorities.put_agents(s, [(a, {"note": "Vu depuis."})], batch=_batch(s)),
    "concept": lambda s, c: authorities.put_concepts(s, [(c, {"scope_note": "Vu depuis."})], batch=_batch(s)),
    "class": lambda s, e: authorities.put_classes(s, [(e, {"label": "Autre chose"})], batch=_batch(s)),
    "judgement": _revoke,
    "proposal": _write_in,
    "claim": _write_in,
}


# --- the table -------------------------------------------------------------------------------


def test_every_kind_of_lot_has_a_maker() -> None:
    made = {name.partition(":")[0] for name in MAKERS}
    assert made | NEVER.keys() == desk_history.LOT_WORDS.keys()
    unknown = {kind: where for kind, where in kinds_written().items() if kind not in desk_history.LOT_WORDS}
    assert not unknown, "a lot that Historique cannot name, and that no maker here takes back"


def kinds_written() -> dict[str, str]:
    """Every kind that the code opens a lot with, and the module that does."""
    out: dict[str, str] = {}
    root = Path(desk_history.__file__).parent.parent
    for path in sorted([*(root / "catalogue").rglob("*.py"), *(root / "harvest").rglob("*.py")]):
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        code = path.read_text(encoding="utf-8")
        for call in ast.walk(ast.parse(code)) if "open_batch(" in code else ():
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "open_batch":
                out |= dict.fromkeys(_said(call.args[1], module), module)
    return out


def _said(kind: ast.expr, module: str) -> Iterator[str]:
    """The kinds that an argument may be: words written there, or names of the module."""
    if isinstance(kind, ast.IfExp):
        yield from _said(kind.body, module)
        yield from _said(kind.orelse, module)
    elif isinstance(kind, ast.Constant):
        yield str(kind.value)
    elif isinstance(kind, ast.Name) and kind.id.isupper():
        yield getattr(importlib.import_module(module), kind.id)
    elif isinstance(kind, ast.Attribute):
        yield getattr(getattr(importlib.import_module(module), kind.value.id), kind.attr)  # type: ignore[attr-defined]


FIRST = list({name.partition(":")[0]: name for name in reversed(MAKERS)}.values())  # one of each kind


@pytest.mark.parametrize("name", FIRST)
def test_taken_back_brought_back_and_left_to_who_touched_it(quick_session: Session, tmp_path: Path, name: str) -> None:
    tell(quick_session, tmp_path, name)


@pytest.mark.parametrize("lasting_base", ["sqlite"], indirect=True, scope="session")  # what differs is told above
@pytest.mark.parametrize("name", [name for name in MAKERS if name not in FIRST])
def test_so_is_every_other_act_of_that_kind(quick_session: Session, tmp_path: Path, name: str) -> None:
    tell(quick_session, tmp_path, name)


def tell(session: Session, tmp_path: Path, name: str) -> None:
    """The story of one lot."""
    steps = MAKERS[name](session, tmp_path)
    next(steps)
    before = world(session)
    made = next(steps)
    assert made is not None
    assert made.kind == name.partition(":")[0]
    lot = made.id
    after = world(session)

    first, back, now = undone(session, lot, after)
    assert first.left == [] and back
    assert_as(before, now)

    again, _back, now = undone(session, back, now)
    assert again.left == []
    assert_as(after, now)

    of_lot = rows_of(session, lot)
    entity, number = marc_writes(session, lot)
    touched = world(session)
    last, back, now = undone(session, lot, touched)
    theirs = key_of(session, entity, number)
    left = {(x.entity, x.entity_id): (x.code, x.by) for x in last.left}
    if name.partition(":")[0] in GROWN_TOGETHER:
        assert left == {}
        assert "Vu depuis." in json.dumps(now[theirs], ensure_ascii=False)
    else:
        assert left[entity, number] in (("changed_since", "marc"), ("used_since", "marc"))
        assert now[theirs] == touched[theirs]
        for key in (key_of(session, *row) for row in of_lot if row not in left and row[0] not in history.AGREEMENTS):
            assert now[key] == before[key] if key in before else is_gone(key[0], now[key]), f"{key} was nobody else’s"
    assert list(integrity.faults(session)) == []
    if back:
        again, _back, now = undone(session, back, now)
        assert again.left == []
        assert_as(touched, now)


# --- thirty days, and what is not taken back -------------------------------------------------


def test_after_thirty_days_only_the_button_goes(quick_session: Session, tmp_path: Path) -> None:
    session = quick_session
    steps = MAKERS["edit"](session, tmp_path)
    next(steps)
    made = next(steps)
    assert made is not None
    assert lots.why_not(session, made) == ""
    made.undoable_until = db.now() - timedelta(minutes=1)
    assert lots.why_not(session, made) == "too_old"
    with pytest.raises(NotUndoable, match="too_old"):
        lots.undo(session, made, by="claire")
    page = lot_pages.lot_page(session, made)
    assert len(page.changes) == 2 and all(change.differences for change in page.changes), "it is read all the same"
    assert "30 jours" in page.lot.not_undoable


def test_lots_are_found_by_who_what_and_words_and_a_machine_is_no_person(quick_session: Session) -> None:
    session = quick_session
    users.add(session, "claire", PASSWORD, "documentalist")
    one = notices.create(session, notice("Écoles du canal"), by="claire", status="published")
    brought = history.open_batch(session, "import", by="travee import", why="reci.xml")
    notices.create(session, notice("Un pont"), by="travee import", batch=brought)
    edited = history.open_batch(session, "edit", by="claire")
    notices.revise(session, one, [*one.fields, ABSTRACT], by="claire", batch=edited)

    def found(**asked: str) -> list[tuple[str, str, bool]]:
        lines, _older = lot_pages.list_lots(session, 1, lot_pages.Asked(**asked))
        return [(line.kind, line.by, line.by_machine) for line in lines]

    mine = [("edit", "claire", False), ("create", "claire", False)]
    machine = [("import", "travee import", True)]
    assert found() == [mine[0], *machine, mine[1]]
    assert found(who=lot_pages.PEOPLE) == mine
    assert found(who=lot_pages.MACHINES) == found(kind="import") == found(words="RECI") == machine
    assert found(who="claire", kind="edit") == mine[:1]
    assert found(words="ecoles CANAL") == mine
    assert found(words="rien de tel") == []
