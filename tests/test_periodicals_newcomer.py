"""What a newcomer met at the desk of periodicals: nothing typed is lost, an old subscription does not drown
the list, an article says that its issue is here, and what was just done is taken back on the same screen.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from catalogue import (
    db,
    described_issues,
    following,
    forecast,
    lots,
    notices,
    periodical_pages,
    periodical_titles,
    periodicals,
)
from catalogue.date_words import spoken
from catalogue.db import Database
from catalogue.forecast import Issue, Rule, foresee
from catalogue.i18n import format_date, format_instant, use_language
from catalogue.models import Batch, Notice, Subscription
from catalogue.periodicals import Arrival
from catalogue.unimarc import Field, Fields
from tests.cast import GAZETTE, field, notice

JUNE = date(2024, 6, 10)


def on_the_shelf(session: Session, frequency: str = "monthly", starts_on: date | None = None) -> Notice:
    """A periodical of ours, subscribed to, of which one issue has come where a beginning is said."""
    serial = notices.create(session, GAZETTE, by="claire", status="published")
    session.add(Subscription(notice_id=serial.id, frequency=frequency, starts_on=starts_on, off_months=[]))
    session.flush()
    if starts_on:
        first = Arrival(serial.id, "100", f"{starts_on:%d/%m/%Y}")
        assert periodicals.receive(session, [first], by="claire").made
    return serial


def article(serial: Notice, title: str, number: str, dated: str) -> Fields:
    hosted: Field = field("461", "0", serial.address, "t", "Gazette des quartiers", "9", "lnk:perio")
    issue = [["v", number], ["e", dated], ["9", "lnk:bull"]]
    return [*notice(title, hosted, leader="     naa2 22     3  450 "), {"t": "463", "i": "  ", "s": issue}]


def page_of(session: Session, serial: Notice, today: date = JUNE) -> periodical_pages.TitlePage:
    session.flush()
    known = periodical_titles.find(session, serial.address, today)
    assert known is not None
    return periodical_pages.title_page(session, known, today)


def hidden(page: str) -> dict[str, str]:
    """What the form of the page sends by itself about its rows."""
    return dict(re.findall(r'<input type="hidden" name="(etait-[^"]+)" value="([^"]*)"', html.unescape(page)))


@pytest.fixture
def weekly(app: Flask) -> str:
    base: Database = app.extensions["travee"].db
    with base.write() as session:
        return on_the_shelf(session, "weekly", date.today() - timedelta(days=350)).address


# --- what is typed is never lost -------------------------------------------------------------


def test_what_is_typed_counts_as_ticked_and_stays_when_it_is_refused(claire: FlaskClient, weekly: str) -> None:
    at = f"/bureau/periodiques/{weekly}"
    page = claire.get(at).get_data(as_text=True)
    other = f"{weekly}.autre"
    typed = {**hidden(page), "ligne": [other], f"numero-{other}": "HS 3", f"date-{other}": "32/13/20224"}
    wrong = claire.post(at, data={**typed, f"cote-{other}": "P GAZ HS", "action": "recu"})
    said = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and 'value="HS 3"' in said and 'value="32/13/20224"' in said
    assert "Écrivez la date du numéro" in said and f'href="#date-{other}"' in said
    for action in ("reclamer", "absent"):  # what is typed says nothing of an issue that is not here
        kept = claire.post(at, data={**typed, "action": action})
        assert kept.status_code == 422 and 'value="HS 3"' in kept.get_data(as_text=True)
    done = claire.post(at, data={**typed, f"date-{other}": "mars 2024", f"cote-{other}": "P GAZ HS", "action": "recu"})
    told = claire.get(done.location).get_data(as_text=True)
    assert "1 numéro est enregistré comme reçu." in told and "HS 3, mars 2024" in told and "P GAZ HS" in told


def test_a_corrected_line_counts_as_ticked_and_one_that_is_left_alone_does_not(
    claire: FlaskClient, weekly: str
) -> None:
    at = f"/bureau/periodiques/{weekly}"
    page = claire.get(at).get_data(as_text=True)
    fields = html.unescape(page)
    names = re.findall(r'name="ligne" value="([^"]+)"', fields)
    sent: dict[str, str | list[str]] = {**hidden(page), "ligne": names, "action": "recu"}
    for name, value in re.findall(
        r'<input type="text" id="[^"]+" name="((?:numero|date|cote)-[^"]+)" value="([^"]*)"', fields
    ):
        sent[name] = value
    nothing = claire.post(at, data=sent)
    assert nothing.status_code == 303  # nothing was typed, nothing ticked: a word, and the page again
    assert "Cochez d’abord" in claire.get(nothing.location).get_data(as_text=True)
    done = claire.post(at, data={**sent, f"numero-{names[0]}": "88"})
    told = claire.get(done.location).get_data(as_text=True)
    assert "1 numéro est enregistré comme reçu." in told and "n° 88, " in told
    again = claire.post(
        at, data={**sent, "ligne": [names[1]], f"numero-{names[1]}": "88", f"date-{names[1]}": told_date(told)}
    )
    assert again.status_code == 422 and "déjà" in again.get_data(as_text=True)  # and what was typed is still there
    assert 'value="88"' in again.get_data(as_text=True)


def told_date(page: str) -> str:
    found = re.search(r"n° 88, (\d[^<]+ \d{4})", page)
    assert found
    return found[1]


def test_the_morning_post_takes_in_what_is_typed_under_a_line(claire: FlaskClient, weekly: str) -> None:
    page = claire.get("/bureau/periodiques/recus").get_data(as_text=True)
    name = re.findall(r'name="ligne" value="([^"]+)"', page)[0]
    typed = {**hidden(page), "ligne": [name], f"numero-{name}": "12", f"date-{name}": "mars 2024"}
    done = claire.post("/bureau/periodiques/recus", data={**typed, "action": "enregistrer"})
    assert done.status_code == 303 and "n° 12" in claire.get(done.location).get_data(as_text=True)


# --- a subscription that began long ago ------------------------------------------------------


def test_nothing_is_waited_for_before_today_in_one_gesture_that_is_taken_back(session: Session) -> None:
    serial = on_the_shelf(session, "weekly", date(2023, 1, 4))  # Wednesdays
    before = page_of(session, serial)
    assert (
        before.missing == 60
        and before.known.foreseen.endless
        and before.more_rows == 60 - periodical_pages.SHOWN_MISSING
    )
    lot = periodicals.wait_from_now(session, serial, JUNE, by="claire")
    assert lot is not None
    page = page_of(session, serial)
    assert page.missing == 0 and [row.due for row in page.rows] == ["12 juin 2024"]  # still a Wednesday
    assert periodicals.wait_from_now(session, serial, JUNE, by="claire") is None
    assert periodical_titles.titles(session, JUNE).late == 0
    lots.undo(session, lot, by="claire")
    assert page_of(session, serial).missing == before.missing


def test_the_page_the_list_and_the_day_say_the_same_number(claire: FlaskClient, app: Flask, weekly: str) -> None:
    with app.extensions["travee"].db.read() as session:
        matter = following.late_issues(session, date.today(), UTC)
    assert matter is not None and matter.n > periodical_pages.SHOWN_MISSING
    page = claire.get(f"/bureau/periodiques/{weekly}").get_data(as_text=True)
    n = matter.n
    assert len(page.encode()) < 60_000
    assert f"{n} numéros manquent" in page and f"{n} numéros manquent" in claire.get("/bureau/periodiques").text
    assert (
        page.count('<span class="badge warn">manque</span>')
        + int(
            re.search(r"et (\d+) autres, plus anciens", page)[1]  # type: ignore[index]
        )
        == n
    )
    done = claire.post(f"/bureau/periodiques/{weekly}/attendre")
    told = claire.get(done.location).get_data(as_text=True)
    assert '<span class="badge warn">' not in told and "manquent" not in told
    assert re.search(r'action="/bureau/historique/\d+/annuler"', told)


@given(
    frequency=st.sampled_from([code for code, f in forecast.FREQUENCIES.items() if f.length]),
    starts=st.dates(date(2015, 1, 1), date(2024, 6, 1)),
    off=st.frozensets(st.integers(1, 12), max_size=4),
)
def test_from_the_day_that_is_proposed_nothing_is_missing(frequency: str, starts: date, off: frozenset[int]) -> None:
    start = forecast.first_from([], Rule(frequency, off, starts), JUNE)
    found = foresee([], Rule(frequency, off, start), JUNE)
    assert start >= JUNE and not found.missing and not found.endless


def test_a_last_number_that_came_out_in_january_is_of_the_year_before() -> None:
    dated = [("1", "2023-03"), ("2", "2023-06"), ("3", "2023-09"), ("4", "2024-01-05"), ("1", "2024-03")]
    came = [Issue(number, *(forecast.period_of(said) or ())) for number, said in dated]
    found = foresee(came, Rule("quarterly"), JUNE)
    assert found.yearly and not found.missing and found.next is not None
    assert (found.next.number, found.next.key) == ("2", "2024/2")
    before = foresee(came[:4], Rule("quarterly"), date(2024, 3, 1))
    assert before.next is not None and before.next.number == "5"  # one year is no habit yet


# --- an article says that its issue is here --------------------------------------------------


def test_an_article_of_an_issue_that_was_not_received_is_shown_and_says_that_we_hold_it(session: Session) -> None:
    serial = on_the_shelf(session)
    fields = article(serial, "Le marché de la gare", "645", "septembre 2023")
    one = notices.create(session, fields, by="ines", status="published")
    more = article(serial, "La piscine rouvre", "645", "septembre 2023")
    notices.create(session, more, by="ines", status="published")
    known = page_of(session, serial).known
    (orphan,) = described_issues.of(session, known)
    assert (orphan.words, orphan.received) == ("n° 645, septembre 2023", False)
    assert [a.title for a in orphan.articles] == ["Le marché de la gare", "La piscine rouvre"]

    receipt = described_issues.hold(session, known, orphan.key, JUNE, by="claire")
    assert len(receipt.made) == 1
    page = page_of(session, serial)
    assert described_issues.of(session, page.known) == []
    assert [(line.words, line.total) for line in page.issues] == [("n° 645, septembre 2023", 2)]
    assert described_issues.hold(session, known, orphan.key, JUNE, by="claire").made == ()  # a second press
    lots.undo(session, session.get_one(Batch, receipt.batch_id), by="claire")
    session.flush()
    back = page_of(session, serial)
    assert back.total == 0 and len(described_issues.of(session, back.known)) == 1
    assert notices.get(session, one.id).fields == one.fields


def test_one_click_on_the_page_of_the_title_takes_the_issue_in(claire: FlaskClient, app: Flask) -> None:
    with app.extensions["travee"].db.write() as session:
        serial = on_the_shelf(session)
        notices.create(
            session, article(serial, "La piscine rouvre", "645", "sept. 2023"), by="ines", status="published"
        )
        address = serial.address
    page = claire.get(f"/bureau/periodiques/{address}").get_data(as_text=True)
    assert "La piscine rouvre" in page
    key = re.search(r'name="numero" value="([^"]+)"', page)
    assert key
    done = claire.post(f"/bureau/periodiques/{address}/nous-l-avons", data={"numero": html.unescape(key[1])})
    told = claire.get(done.location).get_data(as_text=True)
    assert "1 numéro est enregistré comme reçu." in told and 'name="numero" value=' not in told


# --- taken back on the same screen -----------------------------------------------------------


def test_lending_and_adding_a_copy_are_taken_back_where_they_were_done(claire: FlaskClient, app: Flask) -> None:
    with app.extensions["travee"].db.write() as session:
        address = notices.create(session, GAZETTE, by="claire", status="published").address
    added = claire.post(f"/bureau/notices/{address}/exemplaires/nouveau", data={"cote": "P GAZ 1"})
    page = claire.get(added.location).get_data(as_text=True)
    undo = r'action="(/bureau/historique/\d+/annuler)"'
    assert "L’exemplaire est ajouté." in page and len(re.findall(undo, page)) == 1
    code = re.search(r"/bureau/exemplaires/(\w{8})/pret", page)
    assert code
    until = f"{date.today() + timedelta(days=9):%d/%m/%Y}"
    lent = claire.post(f"/bureau/exemplaires/{code[1]}/pret", data={"a_qui": "Zoé", "jusqu_au": until, "version": "1"})
    page = claire.get(lent.location).get_data(as_text=True)
    found = re.search(undo, page)
    assert "est noté sorti" in page and found and claire.post(found[1]).status_code == 200
    assert "Zoé" not in claire.get(f"/bureau/notices/{address}").get_data(as_text=True)


# --- the first of the month, and months in English -------------------------------------------


def test_french_writes_the_first_of_the_month_as_it_is_said() -> None:
    first = date(2026, 12, 1)
    assert (format_date(first), format_date(first.replace(day=11))) == ("1er décembre 2026", "11 décembre 2026")
    assert (spoken("2026-12-01"), format_date(first, "short")) == ("1er décembre 2026", "01/12/2026")
    at = db.now().replace(year=2026, month=12, day=1, hour=11, minute=0)
    assert format_instant(at) == "1er décembre 2026, 12:00"
    with use_language("en"):
        assert format_date(first) == "December 1, 2026" and format_instant(at).startswith("1 December")


def test_issues_to_tick_are_dated_in_the_language_of_the_page(session: Session) -> None:
    serial = on_the_shelf(session, starts_on=date(2024, 7, 1))
    with use_language("en"):
        (row,) = page_of(session, serial).rows
        assert (
            row.words == "no. 101, August 2024" and row.dated == "août 2024"
        )  # what goes into the record stays as printed
