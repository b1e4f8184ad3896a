"""Acts about thousands go in parts: one lot, nobody else waits for long, and one killed half-way can be taken up."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import sleep
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, inbox, integrity, judgements, lots, notices, proposals, reviewing, source_rules
from catalogue.db import Database
from catalogue.merging import NoAnswer
from catalogue.models import Batch, Claim, Judgement, Notice, Proposal, Revision
from tests.cast import field, notice
from tests.test_desk import text
from tests.test_inbox import BASE, adds, base, conflicts, form_of, reci, taken_in
from tests.test_lots import statements
from tests.test_proposals import changed, night
from tests.test_review_screens import html

N = 5

assert base


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "PART", 2)
    monkeypatch.setitem(proposals.in_parts.__kwdefaults__ or {}, "size", 2)


def lot_of(database: Database, number: int | None) -> Batch:
    with database.read() as session:
        return session.get_one(Batch, number)


def abstracts(database: Database) -> int:
    with database.read() as session:
        return sum(any(f["t"] == "330" for f in n.fields) for n in session.scalars(select(Notice)))


def accepted(database: Database, n: int = N) -> int:
    """So many safe additions, accepted in one lot."""
    with database.write() as session:
        for number in range(n):
            adds(session, str(number))
    done = reviewing.decide_all_in_parts(database, "safe", "accept", by="claire")
    assert (done.n, abstracts(database)) == (n, n)
    return done.lot or 0


class Killed(BaseException):
    """As the system does it."""


def killed_after(monkeypatch: pytest.MonkeyPatch, parts: int) -> Callable[[], None]:
    real, done = lots.undo, list[int]()

    def undo(*args: Any, **more: Any) -> Any:
        if len(done) == parts:
            raise Killed
        done.append(1)
        return real(*args, **more)

    monkeypatch.setattr(lots, "undo", undo)
    return lambda: monkeypatch.setattr(lots, "undo", real)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_waits_to_write_gets_a_turn_between_two_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite looks again every tenth of a second: without a rest, nobody else wrote until thousands were decided."""
    monkeypatch.setattr(db, "WORKS", 0)
    written: list[str] = []

    def save() -> None:
        with database.write() as session:
            history.open_batch(session, "edit", by="marc")
            written.append("marc")

    marc = Thread(target=save)
    for part in db.by_turns(database, range(4)):
        with database.write() as session:
            history.open_batch(session, "edit", by="claire")
            if part == 0:
                marc.start()
            sleep(0.15)
            written.append("claire")
    marc.join()
    assert written.index("marc") < 4


# --- deciding ---------------------------------------------------------------------------------


@pytest.mark.parametrize("act, status", [("publish", "published"), ("put_aside", "withdrawn")])
def test_candidates_are_published_or_put_aside_a_part_at_a_time(database: Database, act: str, status: str) -> None:
    with database.write() as session:
        made = [taken_in(session, reci(session), str(n), notice(f"Dossier {n}"), "candidate").id for n in range(N)]
        seen = proposals.mark_now(session)
        notices.revise(session, notices.get(session, made[0]), [*BASE], by="marc")
    done = reviewing.decide_all_in_parts(database, "candidate", act, by="claire", seen=seen)
    assert (done.n, done.later) == (N - 1, 1), "what was changed since the page was made is left"
    with database.read() as session:
        assert [notices.get(session, n).status for n in made] == ["candidate", *[status] * (N - 1)]
        assert session.scalars(select(Batch.id).where(Batch.by == "claire")).all() == [done.lot]
    undone = lots.undo_in_parts(database, done.lot or 0, by="claire")
    assert (undone.restored, undone.left) == (N - 1, [])
    with database.read() as session:
        assert {notices.get(session, n).status for n in made} == {"candidate"}


def test_one_published_by_another_between_two_parts_is_not_published_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        made = [taken_in(session, reci(session), str(n), notice(f"Dossier {n}"), "candidate").id for n in range(4)]
    real = proposals.accept_new

    def then_marc(session: Session, **told: Any) -> Any:
        done = real(session, **told)
        if told["by"] == "claire" and made[0] in done.done:
            last = notices.get(session, made[3])
            notices.revise(session, last, last.fields, by="marc", status="withdrawn")
        return done

    monkeypatch.setattr(proposals, "accept_new", then_marc)
    done = reviewing.decide_all_in_parts(database, "candidate", "publish", by="claire")
    assert done.n == 3
    with database.read() as session:
        assert notices.get(session, made[3]).status == "withdrawn", "marc has said so"


def test_deletions_are_noted_a_part_at_a_time(database: Database) -> None:
    with database.write() as session:
        for n in range(5):
            taken_in(session, reci(session), str(n), notice(f"Dossier {n}"))
            night(session, reci(session), str(n), [], deleted=True)
    done = reviewing.decide_all_in_parts(database, "deleted", "note", by="claire")
    with database.read() as session:
        assert (done.n, inbox.count_inbox(session)) == (5, {})
    assert lots.undo_in_parts(database, done.lot or 0, by="claire").left == []
    with database.read() as session:
        assert inbox.count_inbox(session) == {"deleted": 5}


def test_rules_decide_what_waits_a_part_at_a_time_in_one_lot(database: Database) -> None:
    with database.write() as session:
        for number in range(N):
            adds(session, str(number))
        conflicts(session)
        source = reci(session)
        source_rules.always(session, source, {("abstract", "add"): "accept"}, by="claire")
    done = reviewing.apply_rules(database, source.id, by="claire")
    assert (done.what, done.n) == ("done", N)
    assert lot_of(database, done.lot).kind == "rule"
    with database.read() as session:
        assert inbox.count_inbox(session) == {"conflict": 1}
    assert reviewing.apply_rules(database, source.id, by="claire").what == "gone", "and no empty lot"


def test_how_many_a_rule_would_decide_is_counted_no_further_than_anybody_reads(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "COUNTED", 3)
    with database.write() as session:
        numbers = [adds(session, str(number)) for number in range(8)]
    with database.read() as session:
        source, said = reci(session), {("abstract", "add"): "accept"}
        assert reviewing.would_decide(session, source, said, but=numbers[0]) == 4, "more than three"
        assert reviewing.would_decide(session, source, {("subjects", "add"): "accept"}) == 0


# --- undoing ----------------------------------------------------------------------------------


def test_a_long_lot_is_undone_in_parts_and_redone(database: Database) -> None:
    number = accepted(database)
    undone = lots.undo_in_parts(database, number, by="claire")
    assert (undone.restored, undone.left, abstracts(database)) == (3 * N, [], 0)
    with database.read() as session:
        assert inbox.count_inbox(session) == {"safe": N}
        assert lots.why_not(session, session.get_one(Batch, number)) == "already_undone"
        assert session.scalars(select(Batch.id).where(Batch.kind == "undo")).all() == [undone.batch and undone.batch.id]
    again = lots.undo_in_parts(database, undone.batch.id if undone.batch else 0, by="claire")
    assert (again.restored, again.left, abstracts(database)) == (3 * N, [], N)
    with database.read() as session:
        assert (inbox.count_inbox(session), list(integrity.faults(session))) == ({}, [])


def test_an_undo_killed_half_way_goes_on_where_it_was(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    number = accepted(database)
    mend = killed_after(monkeypatch, 1)
    with pytest.raises(Killed):
        lots.undo_in_parts(database, number, by="claire")
    mend()
    assert abstracts(database) == N - 2
    with database.read() as session:
        batch = session.get_one(Batch, number)
        assert lots.why_not(session, batch) == "", "it says no more than was done"
        half = lots.undone_by(session, batch)
    undone = lots.undo_in_parts(database, number, by="claire")
    assert (undone.restored, undone.left, abstracts(database)) == (3 * (N - 2), [], 0)
    assert undone.batch and half and undone.batch.id == half.id, "the same lot, which is redone as one"
    with database.read() as session:
        assert lots.why_not(session, session.get_one(Batch, number)) == "already_undone"
        assert inbox.count_inbox(session) == {"safe": N}
    assert lots.undo_in_parts(database, half.id, by="claire").restored == 3 * N
    assert abstracts(database) == N


def test_half_an_undo_that_is_taken_back_leaves_the_lot_whole(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = accepted(database)
    mend = killed_after(monkeypatch, 1)
    with pytest.raises(Killed):
        lots.undo_in_parts(database, number, by="claire")
    mend()
    with database.read() as session:
        half = lots.undone_by(session, session.get_one(Batch, number))
    assert half is not None
    lots.undo_in_parts(database, half.id, by="marc")
    assert abstracts(database) == N
    undone = lots.undo_in_parts(database, number, by="claire")
    assert (abstracts(database), undone.left) == (0, [])
    assert undone.batch and undone.batch.id != half.id


def test_what_is_edited_between_two_parts_is_left_and_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    number = accepted(database)
    with database.read() as session:
        last = max(session.scalars(select(Notice.id)))
    real, done = lots.undo, list[int]()

    def undo(session: Session, *args: Any, **more: Any) -> Any:
        if not done:
            row = notices.get(session, last)
            notices.revise(session, row, [*row.fields, field("606", "a", "Ajout de Marc")], by="marc")
        done.append(1)
        return real(session, *args, **more)

    monkeypatch.setattr(lots, "undo", undo)
    undone = lots.undo_in_parts(database, number, by="claire")
    assert [(x.code, x.by) for x in undone.left] == [("changed_since", "marc")]
    assert abstracts(database) == 1


def test_undoing_a_lot_costs_a_few_statements_whatever_its_size(database: Database) -> None:
    """One for each row held everybody else up for minutes."""
    number = accepted(database, 20)
    with database.write() as session, statements(session) as asked:
        lots.undo(session, session.get_one(Batch, number), by="claire")
    assert len(asked) < 100


def test_judgements_of_a_lot_are_taken_back_together(database: Database) -> None:
    with database.write() as session:
        said = [judgements.Opinion(f"record:{n}", f"notice:{n}", "unsure", 50, []) for n in range(50)]
        judgements.think_many(session, said)
        lot = session.scalars(select(Batch).where(Batch.kind == "judge")).one()
    with database.write() as session, statements(session) as asked:
        assert lots.undo(session, session.get_one(Batch, lot.id), by="claire").restored == 50
    assert len(asked) < 40
    with database.read() as session:
        assert session.scalars(select(Judgement.id).where(Judgement.revoked_at.is_(None))).all() == []


# --- answers that no page offers ---------------------------------------------------------------


def title_question(session: Session) -> tuple[Notice, Proposal]:
    """A title of theirs that has changed: there is one."""
    made = taken_in(session, reci(session), "1", BASE)
    question = night(session, reci(session), "1", changed(BASE, "200", field("200", "a", "Autre titre", ind="1 ")))
    return made, proposals.get(session, question.proposal_id or 0)


@pytest.mark.parametrize("answer", ["both", "zzz", ""])
def test_an_answer_that_no_page_offers_decides_nothing(session: Session, answer: str) -> None:
    made, question = title_question(session)
    (change,) = proposals.changes_of(question)
    before = made.fields
    for act in (
        lambda: proposals.accept(session, [question.id], {question.id: {change.slot: answer}}, by="claire"),
        lambda: reviewing.answer(
            session, question, {change.slot: answer}, {change.slot: question.changes[0]["mark"]}, by="claire"
        ),
    ):
        with pytest.raises(NoAnswer):
            act()
    claim = session.get_one(Claim, question.claim_id)
    assert (question.state, made.fields) == ("waiting", before)
    assert claim.base_version_id != question.version_id, "the base stays"
    assert session.scalars(select(Revision).where(Revision.entity == "proposal")).all() == []


def test_two_notices_are_not_joined_by_a_forged_answer(session: Session) -> None:
    left = notices.create(session, BASE, by="claire", status="published")
    right = notices.create(session, notice("Autre titre"), by="claire", status="published")
    slot = next(c.slot for c in reviewing.compared(left, right).changes if c.tag == "200")
    with pytest.raises(NoAnswer):
        reviewing.join(session, left, right, {slot: "both"}, by="claire")
    assert (left.fields, right.status) == (left.fields, "published")


def test_a_page_sends_a_forged_answer_or_asks_about_thousands(
    claire: FlaskClient, base: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with base.write() as session:
        made, question = title_question(session)
        number, slot = question.id, question.changes[0]["slot"]
        safe = [adds(session, f"s{n}") for n in range(4)]
    at = f"/bureau/a-revoir/{number}"
    sent = form_of(html(claire.get(at)), at) | {"action": "accept"}
    for answer in ("both", "zzz"):
        assert claire.post(at, data=sent | {f"choix_{slot}": answer}).status_code == 400
    with base.read() as session:
        assert proposals.get(session, number).state == "waiting"
        assert sum(f["t"] == "200" for f in notices.get(session, made.id).fields) == 1
    monkeypatch.setattr(reviewing, "COUNTED", 2)
    at = f"/bureau/a-revoir/{safe[0]}"
    sent = form_of(html(claire.get(at)), at) | {"action": "accept", "toujours": "abstract.add"}
    shown = claire.post(at, data=sent)
    assert "plus de 2 autres propositions qui attendent seraient décidées tout de suite" in text(shown)
    assert "décider toutes les autres" in text(shown)
    confirmed = form_of(html(shown), at) | {"action": "rule_now", "toujours": "abstract.add"}
    told = text(claire.post(at, data=confirmed, follow_redirects=True))
    assert "3 propositions qui attendaient sont décidées par cette règle" in told
    with base.read() as session:
        assert inbox.count_inbox(session, source="RECI") == {"conflict": 1}
