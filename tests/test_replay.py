"""Reading a run's stored pages again fills in what was missed, and never goes behind what was seen later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from catalogue import proposals, run_page
from catalogue.commands.sources import _lines
from catalogue.i18n import use_language
from catalogue.models import Claim, RawPage, SourceRecord, SourceVersion
from harvest import arrivals, run
from tests.test_harvest import Network, base, book, f, net, told

__all__ = ["net"]

TAKES_ALL = {"fields": {"all": {"adds": "accept", "updates": "accept", "removes": "accept"}}}


def replay(net: Network, report: run.Report) -> run.Report:
    return run.replay(net.database, net.settings, report.run_id)


def later(net: Network, number: int, text: str) -> None:
    net.clock.now += timedelta(days=1)
    net.partner.partner.revise(number, [*book(number).fields, f("330", "a", text)], net.clock.now)


def state(net: Network) -> Any:
    """What was said last, what waits, and who speaks."""
    with net.read() as session:
        records = select(SourceRecord.identifier, SourceVersion.fields, SourceVersion.datestamp).join(
            SourceVersion, SourceVersion.id == SourceRecord.latest_version_id
        )
        return (
            [list(row) for row in session.execute(records.order_by(SourceRecord.id))],
            [(line.title, line.category, line.since) for line in proposals.list_waiting(session)],
            [(c.record_id, c.state, c.base_version_id) for c in session.scalars(select(Claim).order_by(Claim.id))],
        )


def test_what_waits_goes_on_waiting_when_an_older_run_is_read_again(net: Network) -> None:
    first = net.meet(base(4), new_status="published").harvest()
    later(net, 2, "Un résumé.")
    assert told(net.harvest())["updated"] == 1
    before = state(net)
    assert len(before[1]) == 1
    for _n in range(2):
        again = replay(net, first)
        assert (again.status, told(again)) == ("complete", {"received": 4, "unchanged": 4, "older": 4})
        assert state(net) == before


def test_an_old_page_restores_no_old_text_whatever_the_rules(net: Network) -> None:
    first = net.meet(base(2), new_status="published", rules=TAKES_ALL).harvest()
    later(net, 1, "Le texte de cette année.")
    net.harvest()
    fields = net.notice("Ouvrage 1").fields
    assert "Le texte de cette année." in str(fields)
    replay(net, first)
    assert net.notice("Ouvrage 1").fields == fields


def test_a_record_deleted_since_is_not_brought_back_to_life_by_an_old_page(net: Network) -> None:
    first = net.meet(base(12), new_status="published").harvest()
    net.partner.partner.delete(3, net.clock.now)
    for _night in range(2):
        net.clock.now += timedelta(days=1)
        net.harvest(full=True)
    with net.write() as session:
        assert proposals.withdraw(session, proposals.list_deleted(session), by="claire").done
    before = state(net)
    replay(net, first)
    assert state(net) == before


def test_what_the_run_had_missed_comes_in_and_what_came_since_is_left(
    net: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "LARGEST", 1)
        first = net.meet(base(5)).harvest()
    assert told(first) == {"received": 5, "refused": 5}
    later(net, 2, "Venu depuis.")
    assert told(net.harvest(since=f"{net.clock.now:%Y-%m-%d}"))["new"] == 1
    again = replay(net, first)
    assert told(again) == {"received": 5, "new": 4, "unchanged": 1, "older": 1, "inbox": 4}
    assert told(replay(net, first)) == {"received": 5, "unchanged": 5, "older": 1}


def test_reading_again_is_no_sign_of_life(net: Network) -> None:
    first = net.meet(base(3)).harvest()
    replay(net, first)
    with net.read() as session:
        assert set(session.scalars(select(SourceRecord.last_seen_run_id))) == {first.run_id}


def test_of_two_texts_of_one_run_the_later_page_stays_the_last(net: Network) -> None:
    """A record that changed while its list was being read came twice."""
    first = net.meet(base(12), page_size=5).harvest()
    with net.write() as session:
        record = session.scalars(select(SourceRecord).where(SourceRecord.identifier.endswith(":1"))).one()
        page = session.scalars(select(RawPage).where(RawPage.run_id == first.run_id, RawPage.seq == 2)).one()
        was = session.get_one(SourceVersion, record.latest_version_id)
        kept = {"datestamp": was.datestamp, "deleted": False, "items": [], "received_at": was.received_at}
        newer = SourceVersion(
            record_id=record.id, fingerprint="x", fields=[*was.fields, f("300", "a", "x")], page_id=page.id, **kept
        )
        session.add(newer)
        session.flush()
        record.latest_version_id = newer.id
    before = state(net)
    assert told(replay(net, first)) == {"received": 12, "unchanged": 12, "older": 1}
    assert state(net) == before


def test_what_a_replay_leaves_is_unchanged_in_the_sum_and_told_beside(net: Network) -> None:
    first = net.meet(base(4), new_status="published").harvest()
    later(net, 2, "Un résumé.")
    net.harvest()
    again = replay(net, first)
    names = ("new", "matched", "updated", "unchanged", "repeated", "refused", "deleted_upstream")  # as INTERFACES says
    with net.read() as session, use_language("fr"):
        found = run_page.find(session, again.run_id)
        assert found is not None
        page = run_page.page(session, *found, net.clock.now, ZoneInfo("Europe/Paris"))
        unchanged = next(term for term in page.terms if term.name == "unchanged")
        for document in (again.document(), run_page.document(page)):
            assert sum(document[name] for name in names) == document["received"] == 4
            assert (document["unchanged"], document["older"]) == (4, 4)
        assert (unchanged.count, "Dont 4 que le partenaire a redites depuis" in unchanged.meaning) == (4, True)
        (line,) = [line for line in _lines(again) if "reçues" in line]
        assert line == "  4 notices reçues : 4 inchangées (dont 4 redites depuis, laissées)."
