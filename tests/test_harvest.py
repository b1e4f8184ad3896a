"""A partner in, over real HTTP, from a PMB in good and in bad health: no double, no loss, nothing of ours touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import inbox, notices, setup, sources
from catalogue.commands import inbox as inbox_commands
from catalogue.commands import sources as commands
from catalogue.commands import thesauri
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import (
    Batch,
    Centre,
    Claim,
    Holding,
    Item,
    Notice,
    NoticeLink,
    RawPage,
    Refused,
    Revision,
    Run,
    Source,
    SourceVersion,
)
from catalogue.unimarc import Field, bare
from demo.partner import Faults, RunningPartner, serve
from export.pmbxml import notice_bytes
from harvest import importer, pages, retention, run
from tests.cast import MIETTES
from tests.cast import field as f
from tests.night import DAY, NOON, Clock, Kept

HERE = Path(__file__).parent
ROOT = HERE.parent
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # what no database makes any different


def book(number: int, *more: Field, name: str = "") -> Kept:
    origin = f("801", "a", "INTERNE", "b", "FR")
    return Kept(number, [f("200", "a", name or f"Ouvrage {number}", ind="1 "), f("210", "d", "2021"), *more, origin])


def copy(barcode: str, call_number: str, owner: str) -> list[Field]:
    return [
        f("995", "a", owner, "f", barcode, "k", call_number),
        f("996", "f", barcode, "k", call_number, "v", "Salle"),
    ]


GAZETTE = Kept(77, book(77, f("010", "a", "1234-5679"), name="Gazette fictive").fields, bl="s", hl="1")
HOST: Field = {"t": "461", "x": "77", "i": "  ", "s": [["t", "Gazette fictive"], ["9", "id:77"], ["9", "lnk:perio"]]}
ARTICLE = Kept(211, book(211, HOST, name="Quartiers : ce que change la rénovation").fields, bl="a", hl="2")


def base(size: int = 25) -> list[Kept]:
    return [book(n) for n in range(1, size + 1)]


@dataclass
class Network:
    """Our base, a partner's, and the road between them."""

    database: Database
    settings: Settings
    stack: ExitStack
    clock: Clock = field(default_factory=Clock)
    waits: list[float] = field(default_factory=list)
    partner: RunningPartner = field(init=False)

    def meet(self, records: list[Kept] | None = None, **options: Any) -> Network:
        """The partner opens, and we know of it."""
        options = {"page_size": 10, "clock": self.clock, "repository": "RECI", **options}
        source = {
            k: options.pop(k) for k in ("prefix", "set_spec", "new_status", "rules", "local", "profile") if k in options
        }
        self.partner = self.stack.enter_context(serve(records if records is not None else base(), **options))
        with self.write() as session:
            declared = sources.for_file(session, "RECI")
            declared.kind, declared.url = "oai", self.partner.url
            for name, value in source.items():
                setattr(declared, name, value)
        return self

    def harvest(self, **options: Any) -> run.Report:
        return run.harvest(self.database, self.settings, "RECI", sleep=self.waits.append, now=self.clock, **options)

    def write(self) -> Any:
        return self.database.write()

    def read(self) -> Any:
        return self.database.read()

    def count(self, table: Any) -> int:
        with self.read() as session:
            return int(session.scalar(select(func.count()).select_from(table)))

    def titles(self) -> list[str]:
        with self.read() as session:
            return sorted(session.scalars(select(Notice.title)))

    def notice(self, name: str) -> Notice:
        with self.read() as session:
            return session.scalars(select(Notice).where(Notice.title == name)).one()

    def inbox(self) -> list[tuple[str, str]]:
        with self.read() as session:
            return [(e.kind, e.what) for e in inbox.list_inbox(session)]


@pytest.fixture
def net(database: Database, settings: Settings) -> Iterator[Network]:
    with ExitStack() as stack:
        yield Network(database, settings, stack)


def told(report: run.Report) -> dict[str, int]:
    """The counts that are not nought, but of pages, requests and sorts of questions; they must balance."""
    counted = {k: n for k, n in report.counts.items() if n and k not in ("requests", "pages", "safe", "conflicts")}
    assert report.counts["received"] == sum(report.counts[k] for k in run.BALANCED)
    return counted


# --- in good health --------------------------------------------------------------------------


def test_the_first_harvest_proposes_every_notice_of_the_partner(net: Network) -> None:
    report = net.meet().harvest()
    assert (report.status, report.sentence) == ("complete", "")
    assert told(report) == {"received": 25, "new": 25, "inbox": 25}
    # Identify, three pages of records, three of identifiers
    assert (report.counts["pages"], report.counts["requests"]) == (3, 7)
    with net.read() as session:
        found = session.scalars(select(Notice)).all()
        owner = session.get_one(Centre, found[0].owner_id)
        assert {n.status for n in found} == {"candidate"}
        assert {n.owner_id for n in found} == {owner.id}
        assert (owner.name, owner.is_ours) == ("RECI", False)
        (claim,) = session.scalars(select(Claim).where(Claim.notice_id == found[0].id))
        assert all(f["o"] == [claim.id] for f in found[0].fields)
        # Every page is kept as received; those of identifiers stand apart, as a replay takes nothing in from them.
        assert sorted(session.scalars(select(RawPage.seq))) == [-3, -2, -1, 1, 2, 3]


def test_notices_are_published_where_the_source_says_so(net: Network) -> None:
    report = net.meet(new_status="published").harvest()
    assert told(report) == {"received": 25, "new": 25}
    assert net.notice("Ouvrage 3").status == "published"


def test_twice_changes_nothing(net: Network) -> None:
    net.meet().harvest()
    revisions, versions, lots = net.count(Revision), net.count(SourceVersion), net.count(Batch)
    assert told(net.harvest()) == {"received": 25, "unchanged": 25}
    assert told(net.harvest(full=True)) == {"received": 25, "unchanged": 25}
    assert (net.count(Revision), net.count(SourceVersion), net.count(Batch)) == (revisions, versions, lots)
    assert net.count(Notice) == 25


def test_an_empty_list_deletes_nothing_and_is_said(net: Network) -> None:
    net.meet().harvest()
    net.partner.faults = Faults(empty_list=True)
    report = net.harvest(full=True)
    assert (report.status, told(report)) == ("incomplete", {"disappeared": 25})
    assert report.sentence.startswith("25 notices sur 25 ne sont plus chez le partenaire.")
    assert net.count(Notice) == 25


def test_a_base_that_is_empty_is_complete(net: Network) -> None:
    report = net.meet([]).harvest()
    assert (report.status, told(report)) == ("complete", {})


def test_an_article_finds_its_journal_whichever_comes_first(net: Network) -> None:
    other = {**HOST, "x": "300", "s": [["9", "id:300"], ["9", "lnk:perio"]]}
    before = Kept(100, ARTICLE.fields, bl="a", hl="2")
    after = Kept(211, book(211, other).fields, bl="a", hl="2")  # type: ignore[arg-type]
    net.meet([GAZETTE, before, after, *base(20), Kept(300, GAZETTE.fields, bl="s", hl="1")]).harvest()
    with net.read() as session:
        links = session.execute(
            select(NoticeLink.relation, Notice.title).outerjoin(Notice, Notice.id == NoticeLink.target_id)
        ).all()
    assert [tuple(link) for link in links] == [("host_serial", "Gazette fictive")] * 2


def test_a_partners_copies_are_dated_holdings_and_never_items(net: Network) -> None:
    net.meet(
        [book(1, *copy("OR1", "HAB 12", "ORIV"), *copy("OR2", "HAB 12", "ORIV"), *copy("LC1", "B 3", "Labo Cités"))]
    )
    net.harvest()
    with net.read() as session:
        held = [(h.centre_label, h.call_number, h.count) for h in session.scalars(select(Holding).order_by(Holding.id))]
        first_seen = session.scalar(select(func.max(Holding.seen_at)))
    assert held == [("ORIV", "HAB 12", 2), ("Labo Cités", "B 3", 1)]
    assert net.count(Item) == 0

    net.harvest()
    with net.read() as session:
        assert session.scalar(select(func.min(Holding.seen_at))) > first_seen
    net.partner.partner.revise(1, [*book(1).fields, *copy("OR1", "HAB 13", "ORIV")], NOON)
    assert told(net.harvest()) == {"received": 1, "unchanged": 1}
    with net.read() as session:
        assert [h.call_number for h in session.scalars(select(Holding))] == ["HAB 13"]


def test_copies_that_are_no_longer_told_are_not_taken_away(net: Network) -> None:
    net.meet([book(1, *copy("OR1", "HAB 12", "ORIV"))]).harvest()
    net.partner.faults = Faults(items=False)
    net.harvest(full=True)
    assert net.count(Holding) == 1


# --- what is known already -------------------------------------------------------------------


def export_of(records: list[Kept], path: Path) -> Path:
    """What the same base gives as a file."""
    head = "     n{dt}{bl}{hl} 22     1i 450 "
    body = [
        notice_bytes(
            [{"t": "000", "v": head.format(dt=r.dt, bl=r.bl, hl=r.hl)}, {"t": "001", "v": str(r.id)}, *r.fields]
        )
        for r in records
    ]
    path.write_bytes(b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n' + b"".join(body) + b"</unimarc>\n")
    return path


def import_base(net: Network, records: list[Kept], tmp_path: Path) -> importer.Report:
    path = export_of(records, tmp_path / "export.xml")
    return importer.import_file(net.database, path, source="RECI", status="published", by="claire")


@pytest.mark.parametrize("identity", ["", "oai:RECI:{001}"])
def test_the_first_night_after_a_migration_brings_no_double(net: Network, tmp_path: Path, identity: str) -> None:
    records = [GAZETTE, ARTICLE, *base(20), book(30, *copy("E1", "HAB 1", "Espace doc"))]
    imported = import_base(net, records, tmp_path)
    assert imported.counts["created"] == 23
    net.meet([*records, book(31)])
    if identity:
        with net.write() as session:
            sources.set_identity(session, sources.for_file(session, "RECI"), identity)
    assert told(net.harvest()) == {"received": 24, "new": 1, "unchanged": 23, "inbox": 1}
    assert net.notice("Ouvrage 30").status == "published"
    assert net.count(Holding) == 0  # the copy is ours, an Item
    assert net.count(Item) == 1


def test_and_the_file_brings_none_after_the_harvest(net: Network, tmp_path: Path) -> None:
    records = base(12)
    net.meet(records).harvest()
    with net.read() as session:
        assert session.scalars(select(Source.identity)).one() == "oai:RECI:{001}"
    assert import_base(net, records, tmp_path).counts["created"] == 0
    assert net.count(Notice) == 12


def test_a_shared_isbn_is_recognised_and_overwrites_nothing(net: Network) -> None:
    with net.write() as session:
        ours = notices.create(session, list(MIETTES), by="claire", status="published")
    theirs = book(5, f("010", "a", "2-07-036822-X"), *copy("OR1", "V 1", "ORIV"), name="La Ville en miettes.")
    report = net.meet([theirs]).harvest()
    assert told(report) == {"received": 1, "matched": 1, "inbox": 1}
    after = net.notice("La ville en miettes")
    assert (after.version, after.fields) == (ours.version, ours.fields)
    assert net.inbox() == [("update", "La ville en miettes")]
    assert net.count(Holding) == 1
    assert told(net.harvest()) == {"received": 1, "unchanged": 1}


def test_an_isbn_that_two_notices_have_decides_nothing(net: Network) -> None:
    with net.write() as session:
        for _n in range(2):
            notices.create(session, list(MIETTES), by="claire", status="published")
    report = net.meet([book(5, f("010", "a", "978-2-07-036822-8"))]).harvest()
    assert told(report) == {"received": 1, "new": 1, "inbox": 1}


def test_two_records_of_one_base_stay_two_whatever_their_isbn(net: Network) -> None:
    isbn = f("010", "a", "978-2-07-036822-8")
    report = net.meet(
        [book(5, isbn), book(6, isbn), *base(4), *[book(n) for n in range(7, 20)], book(40, isbn)]
    ).harvest()
    assert told(report) == {"received": 20, "new": 20, "inbox": 20}


def test_the_same_isbn_on_another_level_is_another_thing(net: Network) -> None:
    with net.write() as session:
        notices.create(session, list(MIETTES), by="claire", status="published")
    article = Kept(5, [*book(5).fields, f("010", "a", "978-2-07-036822-8")], bl="a", hl="2")
    assert told(net.meet([article]).harvest()) == {"received": 1, "new": 1, "inbox": 1}


def test_the_same_base_under_another_name_is_recognised_by_its_identifiers(net: Network) -> None:
    net.meet(base(3)).harvest()
    with net.write() as session:
        twin = sources.for_file(session, "RECI bis")
        twin.kind, twin.url = "oai", net.partner.url
    report = run.harvest(net.database, net.settings, "RECI bis", now=net.clock)
    assert told(report) == {"received": 3, "matched": 3}
    assert net.count(Notice) == 3


# --- changes ---------------------------------------------------------------------------------


def revised(net: Network, number: int, name: str) -> None:
    net.partner.partner.revise(number, book(number, name=name).fields, net.clock.now)


def test_what_we_edited_survives_what_the_partner_changes(net: Network) -> None:
    net.meet(new_status="published").harvest()
    mine = net.notice("Ouvrage 3")
    edited = [*(bare(x) for x in mine.fields), f("330", "a", "Un résumé écrit ici.")]
    with net.write() as session:
        notices.revise(session, notices.get(session, mine.id), edited, by="claire")
    revised(net, 3, "Ouvrage 3, nouvelle édition")
    assert told(net.harvest()) == {"received": 25, "updated": 1, "unchanged": 24, "inbox": 1}
    assert [bare(x) for x in net.notice("Ouvrage 3").fields] == edited
    assert net.inbox() == [("update", "Ouvrage 3")]
    assert told(net.harvest(full=True)) == {"received": 25, "unchanged": 25}
    assert net.inbox() == [("update", "Ouvrage 3")]


def test_what_nobody_touched_waits_too(net: Network) -> None:
    net.meet(new_status="published").harvest()
    revised(net, 3, "Ouvrage 3, nouvelle édition")
    assert told(net.harvest())["inbox"] == 1
    assert "Ouvrage 3, nouvelle édition" not in net.titles()


def test_unless_a_rule_of_the_source_lets_it_follow(net: Network) -> None:
    net.meet(new_status="published", rules={"follow": "untouched"}).harvest()
    touched = net.notice("Ouvrage 4")
    with net.write() as session:
        ours = [bare(x) for x in touched.fields if x["t"] != "210"]  # a field that was taken out is a decision too
        notices.revise(session, notices.get(session, touched.id), ours, by="claire")
    revised(net, 3, "Ouvrage 3, nouvelle édition")
    revised(net, 4, "Ouvrage 4, nouvelle édition")
    assert told(net.harvest()) == {"received": 25, "updated": 2, "unchanged": 23, "ruled": 2}
    assert net.notice("Ouvrage 3, nouvelle édition").version == 2
    followed = net.notice("Ouvrage 4, nouvelle édition")
    assert (followed.version, [x for x in followed.fields if x["t"] == "210"]) == (3, [])
    assert net.inbox() == []


def test_a_change_taken_back_no_longer_waits(net: Network) -> None:
    net.meet(new_status="published").harvest()
    revised(net, 3, "Ouvrage 3 (erreur)")
    net.harvest()
    revised(net, 3, "Ouvrage 3")
    assert told(net.harvest()) == {"received": 25, "updated": 1, "unchanged": 24}
    assert net.inbox() == []


def test_what_changes_every_day_is_no_change(net: Network) -> None:
    net.meet().harvest()
    net.clock.now += 3 * DAY  # the day of the export, in 801
    assert told(net.harvest(full=True)) == {"received": 25, "unchanged": 25}


def test_a_deletion_there_is_told_and_deletes_nothing_here(net: Network) -> None:
    net.meet(new_status="published").harvest()
    net.partner.partner.delete(3, net.clock.now)
    report = net.harvest()
    assert told(report) == {"received": 25, "unchanged": 24, "deleted_upstream": 1}
    assert [note.message for note in report.notes] == [
        "Annoncées supprimées, à confirmer par la prochaine moisson : 1."
    ]
    assert net.inbox() == []
    assert told(net.harvest()) == {
        **{"received": 25, "unchanged": 24, "deleted_upstream": 1, "disappeared": 1, "inbox": 1}
    }
    assert net.notice("Ouvrage 3").status == "published"
    assert net.inbox() == [("deleted", "Ouvrage 3")]
    assert told(net.harvest()) == {"received": 25, "unchanged": 24, "deleted_upstream": 1}


def test_a_living_record_that_is_announced_deleted_stays_alive(net: Network) -> None:
    net.meet(new_status="published").harvest()
    net.partner.faults = Faults(false_deletions=(3,))
    for _night in range(3):
        assert net.harvest(full=True).status == "complete"
    assert net.inbox() == []
    net.partner.faults = Faults()
    report = net.harvest(full=True)
    assert (told(report), report.notes) == ({"received": 25, "unchanged": 25}, [])


def test_a_deletion_that_nobody_announces_is_seen_by_two_lists(net: Network) -> None:
    net.meet(new_status="published", deletions="no").harvest()
    net.partner.partner.delete(3, net.clock.now)
    assert told(net.harvest()) == {"received": 24, "unchanged": 24}
    assert told(net.harvest()) == {"received": 24, "unchanged": 24, "disappeared": 1, "inbox": 1}
    assert net.inbox() == [("deleted", "Ouvrage 3")]
    net.partner.partner.restore(3, net.clock.now)
    assert told(net.harvest()) == {"received": 25, "updated": 1, "unchanged": 24}
    assert net.inbox() == []


def test_many_disappearances_wait_for_a_person(net: Network) -> None:
    net.meet(base(30), new_status="published").harvest()
    for number in range(1, 25):
        net.partner.partner.delete(number, net.clock.now)
    for _night in range(2):
        barred = net.harvest()
        assert (barred.status, barred.counts["disappeared"]) == ("incomplete", 24)
        assert [kind for kind, _what in net.inbox()] == ["run"]
    assert "dit s’il faut les croire" in barred.sentence
    believed = net.harvest(believe=True)
    assert (believed.status, believed.counts["disappeared"], believed.counts["inbox"]) == ("complete", 24, 24)
    assert net.count(Notice) == 30


def test_a_deletion_of_what_we_never_had_makes_nothing(net: Network) -> None:
    gone = Kept(9, [], deleted=True)
    assert told(net.meet([book(1), gone]).harvest()) == {"received": 2, "new": 1, "deleted_upstream": 1, "inbox": 1}
    assert net.inbox() == [("candidate", "Ouvrage 1")]


# --- since when ------------------------------------------------------------------------------


def asked_from(net: Network) -> str | None:
    """What the last list of records was asked from."""
    asked = (r for r in reversed(net.partner.partner.requests) if r["verb"] == "ListRecords")
    return next(r.get("from") for r in asked if "metadataPrefix" in r)


def test_the_next_harvest_asks_from_the_servers_clock_two_days_back(net: Network) -> None:
    net.meet().harvest()
    assert asked_from(net) is None
    net.clock.now += 3 * DAY
    assert told(net.harvest()) == {"received": 25, "unchanged": 25}
    assert asked_from(net) == "2026-02-28T12:00:00Z"
    revised(net, 3, "Ouvrage 3, nouvelle édition")
    assert told(net.harvest()) == {"received": 1, "updated": 1, "inbox": 1}
    assert asked_from(net) == "2026-03-03T12:00:00Z"


def test_a_source_whose_cache_lasts_longer_is_asked_further_back(net: Network) -> None:
    net.meet(profile={"cache_hours": 72}).harvest()
    net.harvest()
    assert asked_from(net) == "2026-02-24T12:00:00Z"


def test_once_a_week_everything_is_asked_for(net: Network) -> None:
    net.meet().harvest()
    for _day in range(6):
        net.clock.now += DAY
        net.harvest()
        assert asked_from(net) is not None
    net.partner.partner.faults = Faults(no_date_change=True)
    revised(net, 3, "Ouvrage 3, nouvelle édition")
    net.clock.now += DAY
    assert told(net.harvest())["updated"] == 1
    assert asked_from(net) is None


def test_an_incomplete_harvest_does_not_move_it(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(cut_page=2)
    assert net.harvest().status == "incomplete"
    net.partner.faults = Faults()
    net.clock.now += 10 * DAY
    assert told(net.harvest()) == {"received": 25, "new": 15, "unchanged": 10, "inbox": 15}
    assert asked_from(net) is None


def test_nor_does_one_that_asked_from_a_day_of_our_own(net: Network) -> None:
    net.meet().harvest()
    net.clock.now += 3 * DAY
    assert told(net.harvest(since="2026-03-04")) == {}
    assert asked_from(net) == "2026-03-04T00:00:00Z"
    net.harvest()
    assert asked_from(net) == "2026-02-28T12:00:00Z"


def test_a_date_that_is_none_is_not_sent(net: Network) -> None:
    net.meet()
    with pytest.raises(ValueError):
        net.harvest(since="hier")
    assert net.count(Run) == 0


def test_another_set_is_asked_for_whole(net: Network) -> None:
    baskets = {1: ("Toute la base", None), 2: ("Panier", frozenset({3, 4}))}
    net.meet(sets=baskets).harvest()
    with net.write() as session:
        sources.for_file(session, "RECI").set_spec = "set_2"
    report = net.harvest()
    assert (report.status, told(report)) == ("complete", {"received": 2, "unchanged": 2})
    assert asked_from(net) is None


def test_each_set_has_a_state_of_its_own(net: Network) -> None:
    halves = {1: ("Livres", frozenset(range(1, 15))), 2: ("Revues", frozenset(range(10, 26)))}
    net.meet(sets=halves, set_spec="set_1, set_8")
    first = net.harvest()
    assert (first.status, first.counts["new"]) == ("incomplete", 14)
    assert first.sentence == "Le serveur ne connaît pas l’ensemble « set_8 » : vérifiez le nom avec le partenaire."
    with net.write() as session:
        sources.for_file(session, "RECI").set_spec = "set_1 set_2"
    second = net.harvest()
    assert (second.status, told(second)) == (
        "complete",
        {"received": 30, "new": 11, "unchanged": 14, "repeated": 5, "inbox": 11},
    )
    asked = [r for r in net.partner.partner.requests if r["verb"] == "ListRecords" and "set" in r]
    assert [(r["set"], "from" in r) for r in asked[-2:]] == [("set_1", True), ("set_2", False)]


# --- in bad health ---------------------------------------------------------------------------


def test_what_a_page_that_slips_has_hidden_is_fetched_by_name(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(shifted_page=2, times=1)
    report = net.harvest()
    assert (report.status, told(report)) == ("complete", {"received": 26, "new": 25, "repeated": 1, "inbox": 25})
    assert [r["identifier"] for r in net.partner.partner.requests if r["verb"] == "GetRecord"] == ["oai:RECI:20"]


def test_a_page_that_slips_where_nothing_is_compared_is_told(net: Network) -> None:
    """From a day of our own: what stands before it is not expected, so the list of identifiers proves nothing."""
    net.meet()
    net.partner.faults = Faults(shifted_page=2, times=1)
    report = net.harvest(since="2020-01-01")
    assert (report.status, report.counts["repeated"]) == ("incomplete", 1)
    assert "venues deux fois" in report.sentence


def test_without_a_list_of_identifiers_the_run_says_what_it_cannot_know(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(no_identifiers=True)
    report = net.harvest()
    assert (report.status, told(report)["new"]) == ("complete", 25)
    assert [note.code for note in report.notes] == ["harvest.no_sweep"]


def test_what_is_listed_and_never_given_makes_the_run_incomplete_and_the_next_one_whole(
    net: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.meet()
    net.partner.faults = Faults(lost=(8, 9))
    row = type(net.partner.partner)._row
    monkeypatch.setattr(type(net.partner.partner), "_row", lambda self, name: row(self, name + "000"))
    report = net.harvest()
    assert (report.status, told(report)["new"], report.params) == ("incomplete", 23, {"count": "2"})
    monkeypatch.undo()
    net.partner.faults = Faults()
    assert net.harvest().status == "complete"
    assert asked_from(net) is None
    assert net.count(Notice) == 25


def test_a_walk_that_begins_again_counts_what_comes_twice(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(expire_token_on_page=2, times=1)
    net.partner.partner.add(Kept(2, [], deleted=True))
    net.partner.partner.add(Kept(3, [f("210", "d", "2021")]))
    report = net.harvest()
    assert told(report) == {
        **{"received": 35, "new": 23, "repeated": 10, "refused": 1, "deleted_upstream": 1, "inbox": 23}
    }
    assert [n.message for n in report.notes] == [
        "Page 2 : le serveur avait oublié où la moisson en était ; elle est repartie du début."
    ]


def test_a_repair_is_told_once(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(php_warning_before_xml=True)
    (note,) = net.harvest().notes
    assert note.message.startswith("Page 1 : le texte autour du XML a été laissé de côté (« Warning : Undefined")


def test_counters_that_contradict_themselves_are_told_and_not_believed(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(wrong_total=True)
    (note,) = net.harvest().notes
    assert "ses compteurs sont faux" in note.message


def test_fewer_records_than_constantly_announced_is_incomplete(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    net.meet()
    announce(net, monkeypatch, 26)
    report = net.harvest()
    assert report.sentence == "Le serveur annonçait 26 notices et n’en a donné que 25. Ce qui est reçu est gardé."
    announce(net, monkeypatch, 25)
    assert net.harvest().status == "complete"


def announce(net: Network, monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    """A server whose counters look right."""
    token = type(net.partner.partner)._token

    def said(partner: Any, wanted: Any, left: int, again: str | None) -> str:
        return token(partner, wanted, left, again).replace('completeListSize="0"', f'completeListSize="{total}"')

    monkeypatch.setattr(net.partner.partner, "_token", lambda *args: said(net.partner.partner, *args))


def test_a_record_on_its_way_out_is_refused_by_name_and_read_next_time(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(ghosts=(4,))
    report = net.harvest()
    assert told(report) == {"received": 25, "new": 24, "refused": 1, "inbox": 24}
    (refused,) = report.document()["refused_records"]
    assert (refused["position"], refused["identifier"]) == (4, "oai:RECI:4")
    assert "arrive sans date" in refused["reason"]
    with net.read() as session:
        ((kept, name),) = sources.list_refused(session)
        assert (kept.identifier, name) == ("oai:RECI:4", "RECI")
        assert b"<identifier>oai:RECI:4</identifier>" in kept.raw
    net.partner.faults = Faults()
    assert told(net.harvest()) == {"received": 25, "new": 1, "unchanged": 24, "inbox": 1}
    with net.read() as session:
        assert sources.list_refused(session) == []


def test_an_identifier_beyond_measure_is_refused_and_the_rest_goes_in(
    net: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.meet(base(3))
    identifier = type(net.partner.partner)._identifier

    def monstrous(row: Any) -> str:
        return identifier(net.partner.partner, row) + "x" * 40_000 * (row.id == 2)

    monkeypatch.setattr(net.partner.partner, "_identifier", monstrous)
    report = net.harvest()
    assert told(report) == {"received": 3, "new": 2, "refused": 1, "inbox": 2}
    (refused,) = report.document()["refused_records"]
    assert len(refused["identifier"]) == 255
    assert "dépasse 255 signes" in refused["reason"]


def test_a_record_without_a_title_is_refused_and_the_rest_goes_in(net: Network) -> None:
    untitled = Kept(3, [f("210", "d", "2021")])
    report = net.meet([*base(2), untitled, book(4)]).harvest()
    assert told(report) == {"received": 4, "new": 3, "refused": 1, "inbox": 3}
    assert report.refused[0].sentence() == "La notice n’a pas de titre : elle ne peut pas entrer au catalogue."
    assert told(net.harvest()) == {"received": 4, "unchanged": 3, "refused": 1}
    assert net.count(Refused) == 1


def test_a_stale_copy_is_no_news(net: Network) -> None:
    net.meet().harvest()
    net.partner.faults = Faults(stale=True)
    revised(net, 3, "Ouvrage 3, nouvelle édition")
    assert told(net.harvest()) == {"received": 25, "unchanged": 25}
    net.partner.faults = Faults()
    assert told(net.harvest())["updated"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prefix": "marc21"}, "ne donne pas le format marc21. Il propose : pmb_xml_unimarc, oai_dc"),
        ({"prefix": "convert_toto"}, "des notices vides dans le format convert_toto"),
        ({"set_spec": "set_9"}, "ne connaît pas l’ensemble « set_9 »"),
    ],
)
def test_settings_that_the_partner_cannot_serve_are_said(net: Network, options: dict[str, Any], words: str) -> None:
    report = net.meet(**options).harvest()
    assert report.status == "incomplete"
    assert words in report.sentence
    assert net.count(Notice) == 0


@pytest.mark.parametrize(
    ("source_id", "words"), [("4", "n’y est pas réglée"), ("9", "le numéro de source (source_id) n’existe pas")]
)
def test_a_source_that_is_not_set_up_there_is_said(net: Network, source_id: str, words: str) -> None:
    net.meet()
    with net.write() as session:
        sources.for_file(session, "RECI").url = net.partner.url.replace("source_id=1", f"source_id={source_id}")
    assert words in net.harvest().sentence


def test_a_format_is_chosen_only_where_the_source_leaves_the_choice(net: Network) -> None:
    assert told(net.meet(prefix="auto").harvest())["new"] == 25


def test_a_private_address_needs_to_be_declared(net: Network) -> None:
    net.settings = net.settings.model_copy(update={"allow_private_addresses": False})
    net.meet(base(2))
    report = net.harvest()
    assert "--local" in report.sentence
    with net.write() as session:
        sources.for_file(session, "RECI").local = True
    assert told(net.harvest())["new"] == 2


# --- runs ------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from catalogue.config import Settings
from catalogue.db import Database
from harvest import run, taking

url, folder, where = sys.argv[1:]
calls = 0


def dying(function, before):
    def call(*arguments, **named):
        global calls
        calls += 1
        if before and calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **named)
        if calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call


if where == "stored":
    taking.Taker.take = dying(taking.Taker.take, True)
elif where == "half taken":
    taking.hold = dying(taking.hold, False)
else:
    taking.Taker.take = dying(taking.Taker.take, False)
settings = Settings(_env_file=None, data_dir=folder, allow_private_addresses=True)
run.harvest(Database(url), settings, "RECI")
"""


@pytest.mark.parametrize("where", ["stored", "half taken", "taken"])
def test_killed_in_the_middle_the_next_harvest_completes_it(net: Network, where: str) -> None:
    net.meet()
    killed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, net.database.url, str(net.settings.data_dir), where],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert net.count(Notice) == (20 if where == "taken" else 10)
    report = run.harvest(net.database, net.settings, "RECI")
    assert (report.status, told(report)) == ("complete", {"received": 25, "new": 25, "inbox": 25})
    assert net.titles() == sorted(f"Ouvrage {n}" for n in range(1, 26))
    # What was stored and not taken in is asked for again, and kept beside its second answer.
    assert (net.count(Run), net.count(RawPage)) == (1, 6 + (where != "taken"))
    assert [r.get("resumptionToken", "") != "" for r in net.partner.partner.requests if r["verb"] == "ListRecords"][-1]


def test_killed_long_ago_the_next_one_begins_anew_and_says_so_of_the_old(net: Network) -> None:
    net.meet()
    with net.write() as session:
        source = sources.for_file(session, "RECI")
        asked = {"url": net.partner.url, "prefix": run.PREFIX, "set": "", "full": False, "from": ""}
        checkpoint = {"asked": asked, "at": (NOON - 3 * DAY).isoformat(), "token": "abc", "sequence": 3}
        session.add(
            Run(
                source_id=source.id,
                kind="harvest",
                started_at=NOON - 3 * DAY,
                status="running",
                checkpoint=checkpoint,
            )
        )
    assert net.harvest().status == "complete"
    with net.read() as session:
        old, new = session.scalars(select(Run).order_by(Run.id))
        assert (old.status, old.reason["code"], new.status) == ("incomplete", "oai.interrupted", "complete")


def test_one_harvest_of_a_source_at_a_time(net: Network) -> None:
    net.meet(base(1))
    with net.read() as session:
        number = sources.for_file(session, "RECI").id
    with run._alone(net.settings, number), pytest.raises(run.AlreadyRunning):
        net.harvest()
    assert net.harvest().status == "complete"


def test_stored_pages_are_read_again_without_the_network(net: Network) -> None:
    first = net.meet().harvest()
    net.partner.stop()
    with net.write() as session:
        for table in (Holding, Claim):
            session.query(table).delete()
    report = run.replay(net.database, net.settings, first.run_id)
    assert report.status == "complete"
    assert told(report) == {"received": 25, "new": 25, "inbox": 25}
    assert (report.counts["requests"], report.counts["pages"]) == (0, 3)


def test_the_replay_of_an_incomplete_run_is_no_more_complete(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(cut_page=2)
    first = net.harvest()
    report = run.replay(net.database, net.settings, first.run_id)
    assert (report.status, report.sentence) == ("incomplete", first.sentence)
    assert told(report) == {"received": 10, "unchanged": 10}


def test_the_replay_of_a_walk_that_began_again_reads_it_all(net: Network) -> None:
    net.meet()
    net.partner.faults = Faults(expire_token_on_page=2, times=1)
    first = net.harvest()
    report = run.replay(net.database, net.settings, first.run_id)
    assert (report.status, told(report)) == ("complete", {"received": 35, "unchanged": 25, "repeated": 10})


def test_a_stored_page_that_was_spoilt_is_not_read(net: Network) -> None:
    first = net.meet().harvest()
    with net.read() as session:
        spoilt = session.scalars(select(RawPage).where(RawPage.seq == 2)).one()
    run.page_path(net.settings, spoilt.sha256).write_bytes(b"autre chose")
    report = run.replay(net.database, net.settings, first.run_id)
    assert report.status == "incomplete"
    assert "La page 2 gardée" in report.sentence


@on_sqlite
def test_both_answers_are_kept_when_the_first_could_not_be_read(net: Network) -> None:
    net.meet(base(5))
    net.partner.faults = Faults(cut_page=1, times=1)
    report = net.harvest()
    assert (report.status, report.counts["received"]) == ("complete", 5)
    with net.read() as session:
        kept = {row.seq: pages.get(net.settings, row) for row in session.scalars(select(RawPage))}
    assert sorted(kept) == [-2, -1, 1]
    assert b"</OAI-PMH>" not in kept[-1] and b"</ListRecords>" in kept[1] and b"</ListIdentifiers>" in kept[-2]
    assert run.replay(net.database, net.settings, report.run_id).status == "complete"


@on_sqlite
def test_a_page_that_comes_again_while_the_old_one_is_removed_is_there(
    net: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retention removes the file between the moment when the harvest finds it and the one when it refers to it."""
    net.meet(base(3)).harvest()
    net.clock.now += timedelta(days=200)
    net.partner.partner._clock = lambda: NOON  # the same bytes as long ago
    put = pages.put

    def slow(settings: Any, raw: bytes) -> str:
        found = put(settings, raw)
        if b"<ListRecords>" in raw:
            met.append(found)
        if len(met) == 2 and not erased:  # it is on the disk, and its row is about to be made
            erased.append(retention.erase_old_pages(net.database, net.settings, now=net.clock.now))
            gone.append(not pages.page_path(settings, found).exists())
        return found

    met: list[str] = []
    erased: list[int] = []
    gone: list[bool] = []
    with net.write() as session:
        first = session.scalars(select(Run)).one()
        first.ended_at = NOON
        first.checkpoint = {**first.checkpoint, "base": False}  # not the last of everything, which stays
    monkeypatch.setattr(pages, "put", slow)
    report = net.harvest(full=True)
    assert (erased, gone) == ([1], [True])
    with net.read() as session:
        for row in session.scalars(select(RawPage).where(RawPage.run_id == report.run_id)):
            assert pages.get(net.settings, row)


@on_sqlite
def test_a_page_is_on_the_disk_before_a_row_refers_to_it(
    net: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        sync(handle)

    monkeypatch.setattr(pages.os, "fsync", watched)
    net.meet(base(3)).harvest()
    with net.read() as session:
        names = [row.sha256 for row in session.scalars(select(RawPage))]
    for name in names:
        folder = str(pages.page_path(net.settings, name).parent.resolve())
        assert folder in synced and any(name in path for path in synced)


def test_a_lot_of_a_harvest_can_be_undone_and_stays_so(net: Network) -> None:
    from catalogue import lots

    net.meet(base(3), new_status="published").harvest()
    with net.write() as session:
        (batch,) = session.scalars(select(Batch))
        assert batch.kind == "harvest"
        assert lots.undo(session, batch, by="claire").restored == 3
    assert told(net.harvest()) == {"received": 3, "unchanged": 3}
    assert net.notice("Ouvrage 1").status == "withdrawn"


# --- the command line ------------------------------------------------------------------------


Travee = Callable[..., Result]


@pytest.fixture
def travee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Travee:
    """`travee …`, on an empty base."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_ALLOW_PRIVATE_ADDRESSES", "1")
    setup.init(Settings(_env_file=None, data_dir=tmp_path / "var"))
    known = (*commands.COMMANDS, *inbox_commands.COMMANDS, *thesauri.COMMANDS)
    group = click.Group(commands={c.name: c for c in known if c.name})
    return lambda *words: CliRunner().invoke(group, [str(w) for w in words])


@pytest.fixture
def open_partner() -> Iterator[Callable[..., RunningPartner]]:
    with ExitStack() as stack:
        yield lambda records, **options: stack.enter_context(
            serve(records, page_size=10, clock=Clock(), repository="RECI", **options)
        )


def test_declare_harvest_and_look(travee: Travee, open_partner: Callable[..., RunningPartner], tmp_path: Path) -> None:
    partner = open_partner(base(12))
    added = travee("source", "add", "RECI", partner.url + "&verb=Identify", "--identity", "oai:RECI:{001}", "--json")
    assert json.loads(added.output)["url"] == partner.url
    assert travee("source", "add", "RECI", partner.url).exit_code == 1

    harvested = travee("harvest", "RECI", "--report", tmp_path / "bilan.json")
    assert harvested.exit_code == 0
    assert harvested.output == (
        "RECI : moisson complète.\n  12 notices reçues : 12 nouvelles.\n  12 attendent votre décision.\n"
    )
    report = json.loads((tmp_path / "bilan.json").read_text("utf-8"))
    assert (report["status"], report["reason"], report["refused_records"]) == ("complete", None, [])
    assert {name: report[name] for name in run.COUNTS} == {
        **dict.fromkeys(run.COUNTS, 0),
        **{"requests": 5, "pages": 2, "received": 12, "new": 12, "inbox": 12},
    }
    waiting = json.loads(travee("inbox", "list", "--run", report["run"], "--json").output)
    assert waiting["total"] == 12
    assert waiting["entries"][0]["what"] == "Ouvrage 1"
    assert "Nouvelle notice proposée · Ouvrage 1 · RECI · aujourd’hui\n" in travee("inbox", "list").output
    shown = json.loads(travee("source", "show", "RECI", "--json").output)
    assert (shown["identity"], shown["records"], shown["last_run"]["status"]) == ("oai:RECI:{001}", 12, "complete")
    assert "RECI" in travee("source", "list").output

    replayed = travee("harvest", "--replay", report["run"], "--json")
    assert (replayed.exit_code, json.loads(replayed.output)["unchanged"]) == (0, 12)
    assert travee("harvest", "--replay", 99).exit_code == 1

    assert travee("source", "remove", "RECI").exit_code == 0
    assert travee("harvest", "RECI").exit_code == 1
    assert json.loads(travee("source", "list", "--json").output) == {"sources": []}
    assert travee("source", "add", "RECI", partner.url).exit_code == 0
    assert json.loads(travee("harvest", "RECI", "--json").output)["unchanged"] == 12


def test_several_sets_are_declared_one_after_the_other(
    travee: Travee, open_partner: Callable[..., RunningPartner]
) -> None:
    halves = {1: ("Livres", frozenset(range(1, 7))), 2: ("Revues", frozenset(range(7, 13)))}
    partner = open_partner(base(12), sets=halves)
    added = travee("source", "add", "RECI", partner.url, "--set", "set_1", "--set", "set_2", "--json")
    assert json.loads(added.output)["set"] == "set_1 set_2"
    assert json.loads(travee("harvest", "RECI", "--json").output)["new"] == 12


def test_a_person_believes_what_a_harvest_held_back(
    travee: Travee, open_partner: Callable[..., RunningPartner]
) -> None:
    partner = open_partner(base(30))
    travee("source", "add", "RECI", partner.url)
    travee("harvest", "RECI")
    for number in range(1, 25):
        partner.partner.delete(number, NOON)
    held_back = travee("harvest", "RECI")
    assert "24 ne sont plus chez le partenaire." in held_back.output
    believed = json.loads(travee("harvest", "RECI", "--believe", "--json").output)
    assert (believed["status"], believed["disappeared"], believed["inbox"]) == ("complete", 24, 24)


def test_exit_codes_say_all_part_or_nothing(travee: Travee, open_partner: Callable[..., RunningPartner]) -> None:
    good, bad = open_partner(base(12)), open_partner([book(90), Kept(91, [f("210", "d", "2021")])])
    travee("source", "add", "RECI", good.url)
    good.faults = Faults(cut_page=2)
    cut = travee("harvest", "RECI", "--json")
    assert (cut.exit_code, json.loads(cut.output)["status"]) == (3, "incomplete")
    assert "La page 2 s’arrête au milieu" in travee("harvest", "RECI").output
    assert "La page 2 s’arrête au milieu" in travee("inbox", "list").output
    good.faults = Faults(html_with_200_on_page=1)
    nothing = travee("harvest", "RECI")
    assert (nothing.exit_code, "page web" in nothing.stderr) == (1, True)
    good.faults = Faults()
    travee("source", "add", "Autre", bad.url)
    both = travee("harvest", "--all", "--json")
    document = json.loads(both.output)
    assert (both.exit_code, document["status"], document["received"], document["refused"]) == (3, "complete", 14, 1)
    assert document["refused_records"][0]["source"] == "Autre"
    assert [r["source"] for r in document["runs"]] == ["Autre", "RECI"]


@pytest.mark.parametrize(
    "words",
    [
        ("harvest",),
        ("harvest", "RECI", "--all"),
        ("harvest", "RECI", "--full", "--from", "2026-01-01"),
        ("harvest", "RECI", "--full", "--replay", "1"),
        ("source", "add", "X", "pmb.example/oai"),
        ("source", "add", "X", "http://[::1/oai"),
        ("source", "add", "X", "http://pmb.example/oai", "--identity", "oai:RECI"),
        ("source", "add", "X", "http://pmb.example/oai", "--new", "deleted"),
    ],
)
def test_wrong_usage_is_said_as_such(travee: Travee, words: tuple[str, ...]) -> None:
    assert travee(*words).exit_code == 2


def test_a_rule_is_read_from_a_file_a_person_wrote(travee: Travee, tmp_path: Path) -> None:
    rule = tmp_path / "regle.toml"
    rule.write_text('# Ce que personne n’a retouché suit sa source.\nfollow = "untouched"\n', "utf-8")
    added = travee("source", "add", "RECI", "http://pmb.example/oai", "--rule", rule, "--json")
    assert json.loads(added.output)["rules"] == {"follow": "untouched"}
    assert "untouched" in travee("source", "show", "RECI").output
    for wrong in ('accept = "all"\n', 'follow = "always"\n', "follow\n"):
        rule.write_text(wrong, "utf-8")
        assert travee("source", "add", "X", "http://pmb.example/oai", "--rule", rule).exit_code == 2


def test_a_source_of_files_becomes_one_to_harvest(
    travee: Travee, open_partner: Callable[..., RunningPartner], tmp_path: Path
) -> None:
    records = base(3)
    database = Database(Settings(_env_file=None, data_dir=tmp_path / "var").url)
    importer.import_file(
        database, export_of(records, tmp_path / "e.xml"), source="RECI", status="published", by="claire"
    )
    database.close()
    travee("source", "add", "RECI", open_partner(records).url, "--identity", "oai:RECI:{001}")
    assert json.loads(travee("harvest", "RECI", "--json").output)["unchanged"] == 3


def test_a_thesaurus_comes_in_and_links_what_waited_for_it(travee: Travee) -> None:
    imported = travee("thesaurus", "import", ROOT / "demo" / "thesaurus.ttl", "--json")
    (scheme,) = json.loads(imported.output)["schemes"]
    assert (scheme["scheme"], scheme["problems"]) == ("thesaurus", [])
    assert scheme["created"] >= 150
    again = json.loads(travee("thesaurus", "import", ROOT / "demo" / "thesaurus.ttl", "--json").output)
    assert (again["schemes"][0]["created"], again["schemes"][0]["unchanged"]) == (0, scheme["created"])
    (listed,) = json.loads(travee("thesaurus", "list", "--json").output)["schemes"]
    assert listed["concepts"] == scheme["created"]


def test_a_file_that_is_no_thesaurus_is_said(travee: Travee, tmp_path: Path) -> None:
    (tmp_path / "x.ttl").write_text("bonjour", "utf-8")
    refused = travee("thesaurus", "import", tmp_path / "x.ttl")
    assert (refused.exit_code, "x.ttl" in refused.stderr) == (1, True)


# --- the inbox -------------------------------------------------------------------------------


def test_the_inbox_shows_what_waits_worst_first(session: Session) -> None:
    from catalogue import visits

    source = sources.for_file(session, "RECI")
    session.add(
        Run(
            source_id=source.id,
            kind="harvest",
            started_at=NOON,
            status="incomplete",
            reason={"code": "oai.empty", "params": {"host": "pmb.example"}},
        )
    )
    asked_for = notices.create(session, list(MIETTES), by="claire", status="published")
    visits.request(session, subject="consult", name="Inès", email="i@example.org", message="?", notice=asked_for)
    notices.create(session, list(MIETTES), by="ines", status="candidate")
    entries = inbox.list_inbox(session, at=NOON + 3 * DAY)
    assert [(e.kind, e.source) for e in entries] == [("run", "RECI"), ("request", ""), ("candidate", "")]
    assert entries[0].what.startswith("Le serveur pmb.example répond, mais par une page vide.")
    assert entries[0].age == 3 * DAY
    assert entries[1].what == "Demande à consulter : La ville en miettes"
    assert entries[2].link == f"/bureau/a-revoir/notices/{entries[2].ref}"
    assert inbox.count_inbox(session) == {"run": 1, "request": 1, "candidate": 1}
    session.add(Run(source_id=source.id, kind="harvest", started_at=NOON + DAY, status="complete"))
    session.flush()
    assert "run" not in inbox.count_inbox(session)


def test_an_inbox_with_nothing_in_it(session: Session) -> None:
    assert inbox.list_inbox(session) == []
    assert inbox.count_inbox(session) == {}
