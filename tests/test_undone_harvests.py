"""A harvest that somebody has taken back: what the next nights make of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from catalogue import inbox, joining, lots
from catalogue.lots import Undone
from catalogue.models import Batch, Claim, Notice
from harvest import importer
from tests.cast import field
from tests.test_harvest import Kept, Network, base, book, export_of, net, told

__all__ = ["net"]  # the fixture

TITLES = ("Habiter la ville dense", "Écoles et quartiers populaires", "Migrations et mémoires ouvrières")


def isbn(n: int) -> str:
    core = f"97820000{n:04d}"
    return core + str(-sum(int(d) * (3 if k % 2 else 1) for k, d in enumerate(core)) % 10)


def known(shift: int) -> list[Kept]:
    """The same three books, under the numbers of one base or another."""
    author = field("700", "a", "Martin", "b", "Anne", ind=" 1")
    return [book(n + shift, field("010", "a", isbn(n)), author, name=name) for n, name in enumerate(TITLES, 1)]


def undo(net: Network, kind: str = "harvest") -> Undone:
    with net.write() as session:
        last = select(Batch).where(Batch.kind == kind).order_by(Batch.id.desc()).limit(1)
        return lots.undo(session, session.scalars(last).one(), by="claire")


def waiting(net: Network) -> dict[str, int]:
    with net.read() as session:
        return inbox.count_inbox(session)


def recognised(net: Network, tmp_path: Path) -> Network:
    path = export_of(known(900), tmp_path / "cosoter.xml")
    importer.import_file(net.database, path, source="COSOTER", by="claire")
    assert told(net.meet(known(0)).harvest())["matched"] == 3
    return net


def test_links_that_were_taken_back_are_asked_about_the_next_night(net: Network, tmp_path: Path) -> None:
    recognised(net, tmp_path)
    assert undo(net).left == []
    net.clock.now += timedelta(days=1)
    assert told(net.harvest(full=True))["new"] == 3, "no machine links them again"
    assert waiting(net) == {"candidate": 3, "twin": 3}
    net.clock.now += timedelta(days=1)
    assert told(net.harvest(full=True)) == {"received": 3, "unchanged": 3}
    assert waiting(net) == {"candidate": 3, "twin": 3}, "and asked once"


def test_a_person_who_says_that_they_differ_is_not_asked_again(net: Network, tmp_path: Path) -> None:
    recognised(net, tmp_path)
    with net.write() as session:
        claims = session.scalars(
            select(Claim).join(Notice, Notice.id == Claim.notice_id).where(Claim.state == "linked").order_by(Claim.id)
        ).all()
        joining.not_the_same(session, claims[-1], by="claire")
    for _night in range(2):
        net.clock.now += timedelta(days=1)
        net.harvest(full=True)
        assert waiting(net) == {"candidate": 1}


def test_who_imports_the_file_again_has_them_linked_again(net: Network, tmp_path: Path) -> None:
    recognised(net, tmp_path)
    undo(net)
    path = export_of(known(0), tmp_path / "reci.xml")
    report = importer.import_file(net.database, path, source="RECI", by="claire")
    assert report.counts["created"] == 0
    assert waiting(net) == {}
    with net.read() as session:
        assert len(session.scalars(select(Claim).where(Claim.state == "linked")).all()) == 6


class Stopped(OSError):
    """The disk was full, say."""


@pytest.mark.parametrize("again", [False, True])
def test_what_comes_after_a_lot_was_taken_back_is_in_another(net: Network, again: bool) -> None:
    """Claire takes back the lot of a harvest that is between two pages; `again`: and changes her mind."""
    net.meet(base(30), new_status="published")

    def progress(done: int, _total: int | None) -> None:
        if done == 10:
            raise Stopped

    with pytest.raises(Stopped):
        net.harvest(progress=progress)
    undone = undo(net)
    assert undone.restored == 10 and undone.batch is not None
    if again:
        undo(net, "undo")
    assert net.harvest().counts["new"] == 30
    with net.write() as session:
        harvests = session.scalars(select(Batch).where(Batch.kind == "harvest").order_by(Batch.id)).all()
        assert len(harvests) == (1 if again else 2)
        living = select(Notice.id).where(Notice.status == "published")
        assert len(session.scalars(living).all()) == (30 if again else 20)
        assert lots.why_not(session, harvests[-1]) == ""
        assert lots.undo(session, harvests[-1], by="claire").left == []
        assert session.scalars(living).all() == []
