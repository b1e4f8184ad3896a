"""Deciding while others decide: two tabs, a harvest in between, a page that was opened yesterday."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import history, lots, notices, proposals, reviewing
from catalogue.db import Database
from catalogue.models import Batch, Claim, Proposal
from catalogue.proposals import Settled
from catalogue.unimarc import Fields
from tests.cast import MIETTES, field, notice
from tests.test_proposals import ABSTRACT, changed, night, reci, says, taken_in, words

OTHER = field("330", "a", "Un tout autre résumé, que personne n’a lu.")


@pytest.fixture
def late(database: Database) -> Iterator[Callable[[], Session]]:
    """A session that has read before somebody else decides. SQLite lets nobody write meanwhile: it reads, and comes
    back with what it remembers."""
    opened = []

    def remember() -> Session:
        session = database.write_session()
        session.held = [  # type: ignore[attr-defined]
            row for table in (Proposal, Claim, notices.Notice) for row in session.scalars(select(table))
        ]
        if database.is_sqlite:
            session.commit()
        opened.append(session)
        return session

    yield remember
    for session in opened:
        session.close()


def asked(database: Database, theirs: Fields, *, status: str = "published", **values: Any) -> int:
    """A notice of RECI's, and what RECI says now; returns the question."""
    with database.write() as session:
        taken_in(session, reci(session, **values), "1", MIETTES, status)
        return night(session, reci(session), "1", theirs).proposal_id or 0


def marks_of(question: Proposal) -> dict[str, str]:
    return {c["slot"]: c["mark"] for c in question.changes}


def in_notice(database: Database) -> set[str]:
    with database.read() as session:
        return words(notices.get(session, 1))


@pytest.mark.parametrize("first, second", [("theirs", "ours"), ("ours", "theirs"), ("theirs", "theirs")])
def test_of_two_tabs_one_decides_and_the_other_is_told(
    database: Database, late: Callable[[], Session], first: str, second: str
) -> None:
    number = asked(database, [*MIETTES, ABSTRACT])
    tab = late()
    with database.write() as session:
        question = proposals.get(session, number)
        done = reviewing.answer(
            session, question, dict.fromkeys(marks_of(question), first), marks_of(question), by="claire"
        )
        assert done.what == "done"
    question = proposals.get(tab, number)
    marks = marks_of(question)
    done = reviewing.answer(tab, question, dict.fromkeys(marks, second), marks, by="marc")
    assert (done.what, done.lot) == ("gone", None)
    settled = proposals.accept(tab, [number], by="marc")
    assert (settled.gone, settled.done, settled.batch) == ([number], [], None)
    tab.commit()
    assert (ABSTRACT["s"][0][1] in in_notice(database)) == (first == "theirs")
    with database.read() as session:
        assert session.scalar(select(func.count(Batch.id)).where(Batch.by == "marc")) == 0, "no empty lot"
        assert proposals.get(session, number).settled_by == "claire"


@pytest.mark.parametrize("other", ["tab", "partner"])
def test_between_reading_and_writing_nobody_else_writes(
    database: Database, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """The one who comes in the middle of a decision waits for its end, and then sees what it did."""
    number = asked(database, [*MIETTES, ABSTRACT])
    found: list[Any] = []
    real = history.open_batch

    def meanwhile() -> None:
        with database.write() as session:
            if other == "tab":
                found.append(proposals.refuse(session, [number], by="marc"))
            else:
                found.append(night(session, reci(session), "1", [*MIETTES, OTHER]))

    thread = Thread(target=meanwhile)

    def open_batch(session: Session, kind: str, *, by: str, **more: Any) -> Batch:
        if by == "claire":
            thread.start()
            thread.join(0.2)
        return real(session, kind, by=by, **more)

    monkeypatch.setattr(history, "open_batch", open_batch)
    with database.write() as session:
        assert proposals.accept(session, [number], by="claire").done == [number]
    thread.join(10)
    assert ABSTRACT["s"][0][1] in in_notice(database)
    if other == "tab":
        assert (found[0].gone, found[0].batch) == ([number], None)
    else:
        assert (found[0].category, found[0].proposal_id != number) == ("update", True), "what came last is asked"


def test_what_a_partner_has_said_meanwhile_is_asked_and_not_lost(
    database: Database, late: Callable[[], Session]
) -> None:
    number = asked(database, [*MIETTES, ABSTRACT])
    tab = late()
    marks = marks_of(proposals.get(tab, number))
    with database.write() as session:
        night(session, reci(session), "1", [*MIETTES, OTHER])
    done = reviewing.answer(tab, proposals.get(tab, number), dict.fromkeys(marks, "theirs"), marks, by="claire")
    tab.commit()
    assert done.what == "moved"
    assert not {ABSTRACT["s"][0][1], OTHER["s"][0][1]} & in_notice(database)
    with database.read() as session:
        (line,) = proposals.list_waiting(session)
        (change,) = proposals.changes_of(proposals.get(session, line.proposal_id))
        assert change.theirs[0]["s"] == OTHER["s"]


def test_a_rule_decides_nothing_that_somebody_has_decided_meanwhile(
    database: Database, late: Callable[[], Session]
) -> None:
    number = asked(database, [*MIETTES, ABSTRACT], rules={"fields": {"all": {"adds": "accept"}}})
    worker = late()
    with database.write() as session:
        proposals.refuse(session, [number], by="claire")
    settled = proposals.apply_rules(worker, [1], batch=lambda: history.open_batch(worker, "rule", by="travee"))
    worker.commit()
    assert (settled.batch, settled.notices) == (None, [])
    assert ABSTRACT["s"][0][1] not in in_notice(database)


def test_a_record_that_is_there_again_goes_on_speaking(database: Database, late: Callable[[], Session]) -> None:
    asked(database, [*MIETTES, ABSTRACT])
    with database.write() as session:
        night(session, reci(session), "1", [], deleted=True)
    tab = late()
    with database.write() as session:
        night(session, reci(session), "1", [*MIETTES, OTHER])
    settled = proposals.withdraw(tab, [1], by="claire")
    tab.commit()
    assert (settled.gone, settled.done, settled.batch) == ([1], [], None)
    with database.read() as session:
        assert session.get_one(Claim, 1).state == "linked"
        assert proposals.count(session)["safe"] == 1


def test_a_candidate_put_aside_meanwhile_is_not_published(database: Database, late: Callable[[], Session]) -> None:
    with database.write() as session:
        taken_in(session, reci(session), "1", MIETTES, "candidate")
    tab = late()
    with database.write() as session:
        notices.set_status(session, notices.get(session, 1), "withdrawn", by="marc")
    settled = proposals.accept_new(tab, by="claire", notice_ids=[1])
    tab.commit()
    assert (settled.gone, settled.done, settled.batch) == ([1], [], None)
    with database.read() as session:
        assert notices.get(session, 1).status == "withdrawn"


# --- a page that was opened yesterday ----------------------------------------------------------


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def three(session: Session) -> tuple[list[int], int]:
    """Two questions that a page has shown, and one that has come since; the page's mark."""
    source = reci(session)
    for n in range(3):
        taken_in(session, source, str(n), notice(f"Dossier {n}"))
    numbers = [night(session, source, str(n), [*notice(f"Dossier {n}"), ABSTRACT]).proposal_id or 0 for n in range(2)]
    seen = proposals.mark_now(session)
    return [*numbers, night(session, source, "2", [*notice("Dossier 2"), ABSTRACT]).proposal_id or 0], seen


Act = Callable[[Session, list[int], int], Settled]


@pytest.mark.parametrize(
    "act",
    [
        lambda session, ids, seen: proposals.accept_safe(session, by="claire", seen=seen),
        lambda session, ids, seen: proposals.accept(session, ids, by="claire", seen=seen),
        lambda session, ids, seen: proposals.refuse(session, ids, by="claire", seen=seen),
    ],
    ids=["safe", "accept", "refuse"],
)
def test_what_has_come_since_the_page_was_made_is_left_alone(session: Session, act: Act) -> None:
    numbers, seen = three(session)
    night(session, reci(session), "1", [*notice("Dossier 1"), OTHER])
    settled = act(session, numbers, seen)
    assert (settled.done, settled.later, settled.waiting, settled.gone) == (numbers[:1], numbers[1:], [], [])
    assert proposals.count(session)["safe"] == 2
    assert act(session, numbers, proposals.mark_now(session)).done == numbers[1:]


def test_what_a_night_has_found_the_same_was_seen(session: Session) -> None:
    numbers, seen = three(session)
    night(session, reci(session), "0", [*notice("Dossier 0"), ABSTRACT])
    proposals.refresh(session)
    assert proposals.accept_safe(session, by="claire", seen=seen).done == numbers[:2]


def test_what_an_undo_has_asked_again_was_not_on_the_page(session: Session) -> None:
    numbers, _seen = three(session)
    lot = proposals.accept(session, numbers[:1], by="marc").batch
    seen = proposals.mark_now(session)
    assert lot is not None
    lots.undo(session, lot, by="marc")
    assert proposals.accept_safe(session, by="claire", seen=seen).later == numbers[:1]


def test_candidates_and_deletions_that_came_since_wait_too(session: Session) -> None:
    source = reci(session)
    taken_in(session, source, "1", notice("Un"), "candidate")
    for n in "34":
        taken_in(session, source, n, notice(f"Dossier {n}"))
    gone = night(session, source, "3", [], deleted=True).claim_id
    seen = proposals.mark_now(session)
    later = taken_in(session, source, "2", notice("Deux"), "candidate")
    gone_since = night(session, source, "4", [], deleted=True).claim_id
    published = proposals.accept_new(session, by="claire", seen=seen)
    assert (len(published.done), published.later) == (1, [later.id])
    noted = proposals.withdraw(session, [gone, gone_since], by="claire", seen=seen)
    assert (noted.done, noted.later) == ([gone], [gone_since])
    assert proposals.count(session, source="RECI") | {"safe": 0} == {
        **{"new": 1, "safe": 0, "update": 0, "conflict": 0, "deleted": 1}
    }


def test_one_lot_is_written_a_part_at_a_time(database: Database) -> None:
    with database.write() as session:
        for n in range(5):
            taken_in(session, reci(session), str(n), notice(f"Dossier {n}"))
            night(session, reci(session), str(n), [*notice(f"Dossier {n}"), ABSTRACT])
        numbers = list(session.scalars(select(Proposal.id).order_by(Proposal.id)))
    parts: list[int] = []

    def act(session: Session, part: list[int], lot: Batch | None) -> Settled:
        with database.read() as other:
            parts.append(other.scalar(select(func.count(Proposal.id)).where(Proposal.state == "accepted")) or 0)
        if parts[-1] == 4:
            raise InterruptedError
        return proposals.accept(session, part, by="claire", batch=lot)

    with pytest.raises(InterruptedError):
        proposals.in_parts(database, numbers, act, size=2)
    assert parts == [0, 2, 4], "what is decided is written at once"
    with database.write() as session:
        (lot,) = session.scalars(select(Batch).where(Batch.kind == "accept"))
        assert lots.undo(session, lot, by="claire").left == []
        assert proposals.count(session)["safe"] == 5


def test_a_lot_that_was_undone_is_not_continued(database: Database) -> None:
    with database.write() as session:
        for n in range(2):
            taken_in(session, reci(session), str(n), notice(f"Dossier {n}"))
            night(session, reci(session), str(n), [*notice(f"Dossier {n}"), ABSTRACT])

    def act(session: Session, part: list[int], lot: Batch | None) -> Settled:
        return proposals.accept(session, part, by="claire", batch=lot)

    def numbers() -> Iterator[int]:
        yield 1
        with database.write() as session:
            lots.undo(session, session.scalars(select(Batch).where(Batch.kind == "accept")).one(), by="marc")
        yield 2

    settled = proposals.in_parts(database, numbers(), act, size=1)
    assert (settled.done, settled.waiting) == ([1], [2])
    with database.read() as session:
        assert proposals.count(session)["safe"] == 2


# --- every night -------------------------------------------------------------------------------


def test_a_change_that_nobody_was_asked_about_is_asked_at_night(database: Database) -> None:
    with database.write() as session:
        for n in "123":
            taken_in(session, reci(session), n, notice(f"Dossier {n}"))
        says(session, reci(session), "1", [*notice("Dossier 1"), ABSTRACT])
        refused = night(session, reci(session), "2", [*notice("Dossier 2"), ABSTRACT])
        proposals.refuse(session, [refused.proposal_id or 0], by="claire")
        says(session, reci(session), "3", [], deleted=True)
    assert proposals.keep_up(database) == 1
    with database.read() as session:
        assert [line.title for line in proposals.list_waiting(session)] == ["Dossier 1"]
    assert proposals.keep_up(database) == 0


def test_a_question_whose_notice_has_moved_is_named_anew_at_night(database: Database) -> None:
    theirs = changed(MIETTES, "200", field("200", "a", "La ville", ind="1 "))
    asked(database, theirs)
    with database.write() as session:
        edited = changed(MIETTES, "200", field("200", "a", "La ville en poussière", ind="1 "))
        notices.revise(session, notices.get(session, 1), edited, by="marc")
    assert proposals.keep_up(database) == 1
    with database.read() as session:
        assert proposals.count(session)["conflict"] == 1
