"""The post of a documentation centre: which issue comes next, which have not come, and ticking what is in the hand."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from catalogue import (
    forecast,
    history,
    items,
    letters,
    lot_pages,
    lots,
    notices,
    periodical_pages,
    periodical_titles,
    periodicals,
)
from catalogue.db import Database
from catalogue.forecast import FREQUENCIES, Expected, Foreseen, Issue, Rule, foresee
from catalogue.models import Batch, Notice, Subscription
from catalogue.periodicals import Arrival
from catalogue.unimarc import Field, Fields, RecordItem
from tests.cast import GAZETTE, field

# --- the forecast: a table of cases ----------------------------------------------------------


def issue(number: str, dated: str) -> Issue:
    first, last = forecast.period_of(dated) or (None, None)
    return Issue(number, first, last)


def came(*pairs: tuple[str, str]) -> list[Issue]:
    return [issue(*pair) for pair in pairs]


def monthly(year: int, first: int, last: int, behind: int = 0) -> list[tuple[str, str]]:
    """Numbers `first` to `last` of a year, each of the month of that rank plus `behind`."""
    months = ((n, n - 1 + behind) for n in range(first, last + 1))
    return [(str(n), f"{year + month // 12}-{month % 12 + 1:02}") for n, month in months]


def numbers(found: Foreseen) -> list[str]:
    return [one.number for one in found.missing]


CASES = {
    "a quarterly goes on": (
        "quarterly",
        came(("40", "2023-10"), ("41", "2024-01")),
        ("42", date(2024, 4, 1)),
        [],
    ),
    "a double issue counts for two periods": (
        "monthly",
        came(("11", "2024-06"), ("12-13", "2024-07/2024-08")),
        ("14", date(2024, 9, 1)),
        [],
    ),
    "a double issue dated of its first month counts for two periods all the same": (
        "monthly",
        came(("11", "2024-06"), ("12-13", "2024-07")),
        ("14", date(2024, 9, 1)),
        [],
    ),
    "a merged issue under one number covers its two months": (
        "monthly",
        came(("11", "2024-06"), ("12", "2024-07/2024-08")),
        ("13", date(2024, 9, 1)),
        [],
    ),
    "one that was double last summer is expected double again": (
        "monthly",
        came(("1-2", "2023-07/2023-08"), *monthly(2023, 3, 12, behind=6)),
        ("13-14", date(2024, 7, 1)),
        [],
    ),
    "numbers begin again each year": (
        "quarterly",
        came(("3", "2022-07"), ("4", "2022-10"), *((str(n), f"2023-{n * 3 - 2:02}") for n in range(1, 5))),
        ("1", date(2024, 1, 1)),
        [],
    ),
    "the year stands in the number": (
        "two_monthly",
        came(("2023-5", "2023-09"), ("2023-6", "2023-11")),
        ("2024-1", date(2024, 1, 1)),
        [],
    ),
    "a hole between two that came": (
        "monthly",
        came(("210", "2024-01"), ("213", "2024-04")),
        ("214", date(2024, 5, 1)),
        ["211", "212"],
    ),
    "a hole at the turn of the year, where numbers begin again": (
        "monthly",
        came(*monthly(2022, 1, 12), *monthly(2023, 1, 10), ("2", "2024-02")),
        ("3", date(2024, 3, 1)),
        ["11", "12", "1"],
    ),
    "a jump in the numbers is no hole": (
        "quarterly",
        came(("40", "2023-10"), ("412", "2024-01")),
        ("413", date(2024, 4, 1)),
        [],
    ),
    "special issues count for nothing": (
        "quarterly",
        came(("40", "2023-10"), ("hors-série 3", "2023-12"), ("41", "2024-01")),
        ("42", date(2024, 4, 1)),
        [],
    ),
    "an issue of which only the year is known fills its number": (
        "quarterly",
        came(("40", "2023-10"), ("41", "2024")),
        ("42", date(2024, 4, 1)),
        [],
    ),
    "no numbers at all: dates only": (
        "monthly",
        came(("", "2024-01"), ("", "2024-03")),
        ("", date(2024, 4, 1)),
        [""],
    ),
    "nothing came yet": ("monthly", [], None, []),
    "irregular: never foretold, its holes are": (
        "irregular",
        came(("5", "2023-01"), ("7", "2024-01")),
        None,
        ["6"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_next_issue_and_the_missing_ones(name: str) -> None:
    frequency, received, following, missing = CASES[name]
    last = max((i.first_day for i in received if i.first_day), default=date(2024, 1, 1))
    found = foresee(received, Rule(frequency), min(last, date(2024, 9, 1)))
    assert (found.next and (found.next.number, found.next.due_on), numbers(found)) == (following, missing)


def test_a_month_without_issue_is_passed_over_and_takes_no_number() -> None:
    rule = Rule("monthly", frozenset({8}))
    found = foresee(came(("70", "2024-06"), ("71", "2024-07")), rule, date(2024, 8, 3))
    assert found.next == Expected("72", "72", date(2024, 9, 1))


def test_what_is_late_waits_for_its_delay_then_is_missing_and_the_one_behind_it_is_next() -> None:
    received = came(("40", "2024-01"), ("41", "2024-02"))
    on_its_way = foresee(received, Rule("monthly"), date(2024, 3, 15))
    assert (on_its_way.missing, on_its_way.next) == ((), Expected("42", "42", date(2024, 3, 1)))
    late = foresee(received, Rule("monthly"), date(2024, 4, 2))
    assert (numbers(late), late.next and late.next.number) == (["42"], "43")
    told = foresee(received, Rule("monthly"), date(2024, 4, 2), [Issue("42", date(2024, 3, 1))])
    assert (numbers(told), told.next and told.next.number) == ([], "43")  # « ne paraîtra pas »


def test_nothing_is_expected_behind_the_end_of_a_subscription_nor_before_its_beginning() -> None:
    received = came(("40", "2023-01"), ("41", "2023-04"))
    ended = foresee(received, Rule("quarterly", ends_on=date(2023, 12, 31)), date(2024, 6, 1))
    assert (numbers(ended), ended.next) == (["42", "43"], None)
    begun = foresee(received, Rule("quarterly", starts_on=date(2024, 1, 1)), date(2024, 1, 5))
    assert (numbers(begun), begun.next and begun.next.number) == ([], "44")
    first = foresee([], Rule("monthly", starts_on=date(2024, 2, 1)), date(2024, 1, 5))
    assert first.next == Expected("2024-02", "", date(2024, 2, 1))


def test_a_subscription_that_nobody_has_ended_does_not_list_for_ever() -> None:
    found = foresee(came(("40", "2011-01"), ("41", "2011-02")), Rule("monthly"), date(2024, 1, 5))
    assert (len(found.missing), found.endless) == (forecast.MOST_MISSING, True)


def test_a_daily_rests_on_sundays_unless_one_has_come() -> None:
    friday, saturday = date(2024, 3, 15), date(2024, 3, 16)
    week = [Issue("100", friday, friday), Issue("101", saturday, saturday)]
    assert foresee(week, Rule("daily"), saturday).next == Expected("102", "102", date(2024, 3, 18))
    sunday = [*week, Issue("95", date(2024, 3, 10), date(2024, 3, 10))]
    following = foresee(sunday, Rule("daily"), saturday).next
    assert following and following.due_on == date(2024, 3, 17)


def test_the_frequency_is_measured_from_the_dates_or_not_at_all() -> None:
    weekly = [date(2024, 1, 1) + timedelta(days=7 * n) for n in range(8)]
    assert forecast.measured(weekly) == "weekly"
    assert forecast.measured([date(2020 + n // 4, n % 4 * 3 + 1, 1) for n in range(9)]) == "quarterly"
    assert forecast.measured(weekly[:3]) == ""
    assert forecast.measured([date(2024, 1, 1), date(2024, 1, 9), date(2024, 6, 1), date(2026, 1, 1)]) == ""


# --- its laws --------------------------------------------------------------------------------

TIMED = [code for code, f in FREQUENCIES.items() if f.length]


@st.composite
def shelves(draw: st.DrawFn) -> tuple[list[Issue], Rule, date]:
    """A periodical as it may stand on a shelf: holes, doubles, dates as exact as its people cared to write them."""
    frequency = draw(st.sampled_from(TIMED))
    every = FREQUENCIES[frequency]
    off = draw(st.frozensets(st.integers(1, 12), max_size=3)) if every.length < 60 else frozenset()
    yearly = draw(st.booleans())
    day, n, year = date(draw(st.integers(2015, 2022)), draw(st.integers(1, 12)), 1), draw(st.integers(1, 400)), 0
    received: list[Issue] = []
    for _turn in range(draw(st.integers(0, 14))):
        if yearly and day.year != year:
            n, year = 1, day.year
        double = draw(st.integers(0, 9)) == 0
        if draw(st.integers(0, 5)):
            last = day + timedelta(days=every.length * (1 + double) - 1) if draw(st.booleans()) else day
            dated = draw(st.integers(0, 9)) > 0
            number = f"{n}-{n + 1}" if double else str(n)
            received.append(Issue(number, day if dated else None, last if dated else None))
        n += 1 + double
        day = forecast._later(day, every, 1 + double)
    today = day + timedelta(days=draw(st.integers(-200, 700)))
    return draw(st.permutations(received)), Rule(frequency, off), today


def printed(issues: list[Issue]) -> set[str]:
    return {i.number for i in issues}


def all_of(found: Foreseen) -> list[Expected]:
    return [*found.missing, *([found.next] if found.next else [])]


@settings(max_examples=150)
@given(shelves())
def test_it_never_proposes_what_has_come_nor_the_same_twice(made: tuple[list[Issue], Rule, date]) -> None:
    received, rule, today = made
    found = foresee(received, rule, today)
    keys = [one.key for one in all_of(found)]
    assert len(keys) == len(set(keys))
    if not found.yearly:
        assert not printed(received) & {one.number for one in all_of(found)}
    else:
        dated = {(i.first_day.year, i.number) for i in received if i.first_day}
        assert not dated & {(one.due_on.year, one.number) for one in all_of(found)}


@settings(max_examples=150)
@given(shelves())
def test_its_days_follow_one_another_and_months_without_issue_stay_empty(
    made: tuple[list[Issue], Rule, date],
) -> None:
    received, rule, today = made
    found = foresee(received, rule, today)
    days = [one.due_on for one in found.missing]
    assert days == sorted(days)
    if found.next:
        late = timedelta(days=rule.every.late_after)
        assert found.next.due_on + late >= today or not found.missing
        last = max(i.first_day for i in received if i.first_day)
        assert found.next.due_on > last and found.next.due_on.month not in rule.off_months


@settings(max_examples=150)
@given(shelves(), st.booleans())
def test_receiving_the_next_one_moves_it_on(made: tuple[list[Issue], Rule, date], will_not_come: bool) -> None:
    received, rule, today = made
    following = foresee(received, rule, today).next
    if following is None:
        return
    one = Issue(following.number, following.due_on, following.due_on)
    after = foresee(received, rule, today, [one]) if will_not_come else foresee([*received, one], rule, today)
    assert after.next is not None
    assert after.next.due_on > following.due_on and after.next.key != following.key
    assert following.key not in {m.key for m in after.missing}


@given(st.text(max_size=40), st.text(alphabet="0123456789-/ n°vol.hs", max_size=20))
def test_any_number_is_read_or_left_alone(text: str, figures: str) -> None:
    for said in (text, figures):
        found = forecast.parse_number(said)
        if found:
            assert 0 <= found.last - found.first < 10
            again = forecast.parse_number(found.of(found.first, found.last, found.year or 0))
            assert again is None or (again.first, again.last) == (found.first, found.last)


# --- at the desk -----------------------------------------------------------------------------


@pytest.fixture
def gazette(session: Session) -> Notice:
    """A monthly of ours, with three numbers and a copy of the last."""
    serial = notices.create(session, GAZETTE, by="claire", status="published")
    hosted: Field = {**field("461", "0", serial.address, "t", "Gazette des quartiers", "9", "lnk:perio")}
    for number, dated in (("210", "janvier 2024"), ("211", "février 2024"), ("214", "mai 2024")):
        fields = [*ISSUE, field("200", "a", "Gazette des quartiers", "h", number), field("210", "d", dated), hosted]
        last = notices.create(session, fields, by="claire", status="published")
    batch = history.open_batch(session, "copy", by="claire")
    items.add_many(session, [(last.id, RecordItem(call_number="P GAZ 214", location="Espace doc"))], batch=batch)
    session.add(Subscription(notice_id=serial.id, frequency="monthly", off_months=[8]))
    session.flush()
    return serial


ISSUE: Fields = [{"t": "000", "v": "     nas2 22     3  450 "}]
JUNE = date(2024, 6, 10)


def seen(session: Session, serial: Notice, today: date = JUNE) -> periodical_pages.TitlePage:
    session.flush()
    known = periodical_titles.find(session, serial.address, today)
    assert known is not None
    return periodical_pages.title_page(session, known, today)


def arrival(serial: Notice, number: str, dated: str, key: str = "", copy: bool = False) -> Arrival:
    return Arrival(serial.id, number, dated, key, copy, f"P GAZ {number}" if copy else "")


def test_a_title_says_what_came_what_is_missing_and_what_comes_next(session: Session, gazette: Notice) -> None:
    page = seen(session, gazette)
    assert [line.words for line in page.issues] == ["n° 214, mai 2024", "n° 211, février 2024", "n° 210, janvier 2024"]
    assert [(row.number, row.dated, row.call_number, row.late) for row in page.rows] == [
        ("212", "mars 2024", "P GAZ 212", True),
        ("213", "avril 2024", "P GAZ 213", True),
        ("215", "juin 2024", "P GAZ 215", False),
    ]
    assert page.rows[0].copy and page.issues[0].copies == ("P GAZ 214",)
    line = periodical_titles.titles(session, JUNE).lines[0]
    assert (line.last_words, line.next_words) == ("n° 214, mai 2024", "n° 215, 1er juin 2024")


def test_what_is_received_is_a_published_notice_under_its_periodical_with_its_copy_and_can_be_taken_back(
    session: Session, gazette: Notice
) -> None:
    receipt = periodicals.receive(
        session,
        [arrival(gazette, "215", "juin 2024", "215", copy=True), arrival(gazette, "hors-série 3", "2024")],
        by="claire",
    )
    assert receipt.batch_id is not None and not receipt.refused
    issue = notices.find(session, receipt.made[0][1])
    assert issue is not None and (issue.title, issue.level, issue.status, issue.year) == (
        "Gazette des quartiers, n° 215",
        "issue",
        "published",
        2024,
    )
    (copy,) = items.list_of(session, [issue.id])
    assert (copy.call_number, copy.status, copy.location_id is not None) == ("P GAZ 215", "available", True)
    page = seen(session, gazette)
    assert page.rows[-1].number == "216" and page.total == 5
    lots.undo(session, session.get_one(Batch, receipt.batch_id), by="claire")
    page = seen(session, gazette)
    assert page.rows[-1].number == "215" and page.total == 3
    again = periodicals.receive(session, [arrival(gazette, "215", "juin 2024", "215")], by="claire")
    assert len(again.made) == 1  # what was taken back may come again


def test_the_same_post_ticked_twice_makes_one_issue(session: Session, gazette: Notice) -> None:
    periodicals.receive(session, [arrival(gazette, "215", "juin 2024")], by="claire")
    twice = periodicals.receive(
        session, [arrival(gazette, "215", "06/2024"), arrival(gazette, "x", "bientôt")], by="marc"
    )
    assert (twice.batch_id, [r.code for r in twice.refused]) == (None, ["here", "no_date"])
    assert seen(session, gazette).total == 4


def test_a_claim_keeps_its_day_makes_a_letter_and_is_closed_by_what_comes(session: Session, gazette: Notice) -> None:
    missing = seen(session, gazette).known.foreseen.missing
    lot = periodicals.claim(session, gazette, missing, by="claire")
    page = seen(session, gazette)
    assert [bool(row.claimed) for row in page.rows] == [True, True, False]
    words = letters.text(session, "claim")
    letter = periodical_titles.letter(page.known, page.issn, words, centre="Espace doc", address="", today=JUNE)
    assert "Gazette des quartiers (ISSN 1234-5679)" in letter
    assert "- n° 212, 1er mars 2024\n- n° 213, 1er avril 2024\n" in letter
    came = periodicals.receive(session, [arrival(gazette, "212", "mars 2024", "212")], by="claire")
    assert [(row.number, bool(row.claimed)) for row in seen(session, gazette).rows] == [("213", True), ("215", False)]
    lots.undo(session, session.get_one(Batch, came.batch_id), by="claire")
    back = seen(session, gazette)
    assert [row.claimed for row in back.rows] == [row.claimed for row in page.rows]  # the day of the claim too
    assert lot is not None
    lots.undo(session, lot, by="claire")
    assert not any(row.claimed for row in seen(session, gazette).rows)


def test_what_will_not_come_is_not_waited_for_until_somebody_waits_again(session: Session, gazette: Notice) -> None:
    missing = seen(session, gazette).known.foreseen.missing
    periodicals.give_up(session, gazette, missing[:1], by="claire")
    page = seen(session, gazette)
    assert [row.number for row in page.rows] == ["213", "215"] and [key for key, _w in page.given_up] == ["212"]
    periodicals.wait_again(session, gazette, missing[:1], by="claire")
    assert [row.number for row in seen(session, gazette).rows] == ["212", "213", "215"]


def test_a_subscription_is_described_seen_in_its_lot_and_taken_back(session: Session, gazette: Notice) -> None:
    values = {"frequency": "quarterly", "starts_on": date(2024, 1, 1), "ends_on": None, "supplier": "Abo & Cie"}
    values |= {"note": "", "off_months": []}
    batch = periodicals.subscribe(session, gazette, values, by="claire", version=1)
    assert batch is not None and seen(session, gazette).rows[-1].due == "1er août 2024"
    with pytest.raises(notices.Stale):
        periodicals.subscribe(session, gazette, {**values, "note": "autre"}, by="marc", version=1)
    (change,) = lot_pages.lot_page(session, batch).changes
    assert (change.title, change.about) == ("Gazette des quartiers", "abonnement")
    lots.undo(session, batch, by="claire")
    assert seen(session, gazette).rows[-1].due == "1er juin 2024"


def test_the_post_is_ticked_by_typing_a_few_letters(session: Session, gazette: Notice) -> None:
    known, rows = periodical_pages.morning(session, JUNE)
    assert [row.number for row in rows] == ["212", "213", "215"]
    ticked, told = periodical_pages.tick(session, known, rows, "gaz", JUNE)
    assert (told, ticked[0].number, [row.ticked for row in ticked]) == ("", "215", [True, False, False])
    ticked, _told = periodical_pages.tick(session, known, ticked, "gazette 213", JUNE)
    assert [(row.number, row.ticked) for row in ticked] == [("213", True), ("215", True), ("212", False)]
    early = date(2024, 5, 2)  # n° 215 is due in a month: it is an older one that came
    ticked, _told = periodical_pages.tick(session, periodical_titles.every(session, early), [], "gaz", early)
    assert ticked[0].number == "213"
    other, _told = periodical_pages.tick(session, known, rows, "quartiers 99", JUNE)
    assert (other[0].number, other[0].dated, other[0].key) == ("99", "", "")
    _same, told = periodical_pages.tick(session, known, rows, "zèbre", JUNE)
    assert told == "Aucun de vos périodiques ne s’appelle « zèbre »."


def test_claire_ticks_the_morning_post_from_the_keyboard_and_takes_it_back(claire: FlaskClient, app: Flask) -> None:
    base: Database = app.extensions["travee"].db
    today = date.today().replace(day=1)
    with base.write() as writing:
        serial = notices.create(writing, GAZETTE, by="claire", status="published")
        writing.add(Subscription(notice_id=serial.id, frequency="monthly", starts_on=today, off_months=[]))
        address = serial.address
    key = f"{address}.{today:%Y-%m}"
    page = claire.post("/bureau/periodiques/recus", data={"saisie": "gaz", "ligne": [key]}).get_data(as_text=True)
    assert f'name="vu" value="{key}" checked' in page and "1 numéro coché" in page

    typed = {"action": "enregistrer", "ligne": [key], "vu": [key], f"numero-{key}": "12-13", f"date-{key}": "demain"}
    wrong = claire.post("/bureau/periodiques/recus", data=typed)
    assert wrong.status_code == 422 and 'value="demain"' in (said := wrong.get_data(as_text=True))
    assert "<title>Erreur :" in said and f'href="#date-{key}"' in said

    done = claire.post("/bureau/periodiques/recus", data={**typed, f"date-{key}": f"{today:%m/%Y}"})
    assert done.status_code == 303
    told = claire.get(done.location).get_data(as_text=True)
    assert "1 numéro est enregistré comme reçu." in told and "Gazette des quartiers, n° 12-13" in told
    issue = re.search(r"nouvelle\?suivant=(\w{8})", told)
    assert issue and claire.get(f"/bureau/notices/{issue[1]}").status_code == 200
    assert "n° 12-13" in claire.get(f"/bureau/periodiques/{address}").get_data(as_text=True)
    undo = re.search(r'action="(/bureau/historique/\d+/annuler)"', told)
    assert undo and claire.post(undo[1]).status_code == 200
    assert "Aucun numéro reçu" in claire.get(f"/bureau/periodiques/{address}").get_data(as_text=True)
    for path in ("", "/recus", f"/{address}/lettre"):
        shown = claire.get(f"/bureau/periodiques{path}")
        assert shown.status_code == 200 and len(shown.data) < 60_000


def test_a_subscription_that_cannot_be_is_told_beside_its_field(claire: FlaskClient, app: Flask) -> None:
    base: Database = app.extensions["travee"].db
    with base.write() as writing:
        address = notices.create(writing, GAZETTE, by="claire", status="published").address
    typed = {"frequency": "monthly", "starts_on": "2024", "ends_on": "mars 2023", "version": "0", "off_months": ["8"]}
    wrong = claire.post(f"/bureau/periodiques/{address}/abonnement", data=typed)
    assert wrong.status_code == 422 and "La fin vient avant le début" in wrong.get_data(as_text=True)
    done = claire.post(f"/bureau/periodiques/{address}/abonnement", data={**typed, "ends_on": ""})
    page = claire.get(done.location).get_data(as_text=True)
    assert "L’abonnement est enregistré." in page and 'value="01/01/2024"' in page
    stale = claire.post(f"/bureau/periodiques/{address}/abonnement", data={**typed, "ends_on": "", "note": "x"})
    assert stale.status_code == 422 and "Quelqu’un a changé cet abonnement" in stale.get_data(as_text=True)
