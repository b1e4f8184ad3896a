"""Possible doubles inside the catalogue are asked about, once, and a machine joins none."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from catalogue import doubles, judgements, notices
from catalogue.matching import candidates
from catalogue.models import Judgement, Notice
from tests.cast import MIETTES


def pair_of_doubles(session: Session) -> tuple[Notice, Notice]:
    one = notices.create(session, list(MIETTES), by="claire", status="published")
    return one, notices.create(session, list(MIETTES), by="marc", status="published")


def look(session: Session) -> int:
    while candidates.catch_up(session):
        pass
    return doubles.look(session).asked


def test_two_notices_of_one_book_are_asked_about_once_and_stay_two(session: Session) -> None:
    one, other = pair_of_doubles(session)
    assert look(session) == 1
    (asked,) = session.query(Judgement).all()
    assert (asked.left, asked.right) == (f"notice:{one.id}", f"notice:{other.id}")
    assert (asked.verdict, asked.by) == ("unsure", judgements.MACHINE)
    assert asked.reasons
    assert {one.status, other.status} == {"published"}
    assert look(session) == 0
    notices.revise(session, one, [*MIETTES, {"t": "300", "i": "  ", "s": [["a", "Une note."]]}], by="claire")
    assert look(session) == 0


def test_what_somebody_has_told_apart_is_not_asked_again(session: Session) -> None:
    one, other = pair_of_doubles(session)
    judgements.judge(session, f"notice:{other.id}", f"notice:{one.id}", "different", by="claire")
    assert look(session) == 0


def test_a_new_base_is_looked_through_on_its_second_day_and_then_once_a_day(session: Session) -> None:
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert [doubles.is_due(session, day) for day in (first, first, second, second)] == [False, False, True, False]
