"""What an erasure could leave behind: on other notices, in pages nobody could read, in files that no row names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from catalogue import erasing, joining, notices, proposals, tombstones
from catalogue.models import Claim, Notice, Proposal, Revision, SourceRecord
from catalogue.tombstones import NUMBERLESS
from catalogue.unimarc import Fields
from harvest import arrivals, cutting, importer, pages, retention
from harvest.oai_page import Answer, HarvestStopped, Page, read_page
from tests.cast import field
from tests.cast import notice as described
from tests.test_erasing import NAMED, SECRET, clean, erase, traces, travee
from tests.test_harvest import Network, base, book, net
from tests.test_proposals import linked, night, reci, taken_in

__all__ = ["net", "travee"]  # fixtures

WORDS = field("330", "a", "Le secret de Zephyrinus.")
OWN = field("300", "a", "Notre don")


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def said(session: Session) -> list[str]:
    """Cells of the base in which the word still stands."""
    session.flush()
    tables = inspect(session.connection()).get_table_names()
    rows = [(table, row) for table in tables for row in session.execute(text(f'SELECT * FROM "{table}"'))]
    return [f"{table}: {list(row)!r:.300}" for table, row in rows if SECRET in repr(list(row)).lower()]


def fields_of(session: Session, notice: Notice) -> list[Fields]:
    befores = select(Revision.before).where(Revision.entity == "notice", Revision.entity_id == notice.id)
    return [before["fields"] for before in session.scalars(befores.order_by(Revision.id)) if before]


# --- other notices ----------------------------------------------------------------------------


def test_one_that_was_merged_and_taken_apart_leaves_nothing_in_the_other_ones_history(session: Session) -> None:
    kept = notices.create(session, described("Gardée"), by="claire", status="published")
    notices.revise(session, kept, [*kept.fields, OWN], by="claire")
    gone = notices.create(session, described("Zephyrinus", WORDS), by="claire", status="published")
    joining.merge(session, kept, gone, by="claire")
    note = field("300", "a", "Écrit d’après Zephyrinus")
    notices.revise(session, kept, [*kept.fields, note], by="claire")
    joining.unmerge(session, gone, by="claire")
    notices.revise(session, kept, [f for f in kept.fields if SECRET not in repr(f).lower()], by="claire")
    notices.revise(session, kept, [f for f in kept.fields if f["t"] != "300"], by="claire")
    assert SECRET not in repr(kept.fields).lower() and any(
        WORDS["s"] in [f.get("s") for f in b] for b in fields_of(session, kept)
    )
    done = erasing.erase(session, gone, by="claire", reason="x")
    assert (done.quoting, said(session)) == ((), [])
    assert any(OWN["s"] in [f.get("s") for f in before] for before in fields_of(session, kept)), "its own words stay"
    assert [f["s"][0][1] for f in kept.fields if f["t"] == "200"] == ["Gardée"]


def test_what_was_written_while_they_were_one_and_stayed_is_told(session: Session) -> None:
    kept = notices.create(session, described("Gardée"), by="claire", status="published")
    gone = notices.create(session, described("Zephyrinus", WORDS), by="claire", status="published")
    joining.merge(session, kept, gone, by="claire")
    note = field("300", "a", "Écrit d’après Zephyrinus")
    notices.revise(session, kept, [*kept.fields, note], by="claire")
    joining.unmerge(session, gone, by="claire")
    assert erasing.plan(session, gone).quoting == (kept.address,)
    erasing.erase(session, gone, by="claire", reason="x")
    assert [f.get("s") for f in kept.fields if f["t"] == "300"] == [note["s"]], "a person decides"
    befores = [f for fields in fields_of(session, kept) for f in fields]
    assert WORDS["s"] not in [f.get("s") for f in befores]


def test_a_chain_of_merges_is_followed(session: Session) -> None:
    last, middle, first = (
        notices.create(session, described(title, *more), by="claire", status="published")
        for title, more in (("Dernière", ()), ("Milieu", ()), ("Zephyrinus", (WORDS,)))
    )
    joining.merge(session, middle, first, by="claire")
    joining.merge(session, last, middle, by="claire")
    joining.unmerge(session, middle, by="claire")
    joining.unmerge(session, first, by="claire")
    erasing.erase(session, first, by="claire", reason="x")
    assert said(session) == []
    assert (last.title, middle.title) == ("Dernière", "Milieu")


def test_values_accepted_from_its_record_are_told_and_what_was_asked_is_forgotten(session: Session) -> None:
    source = reci(session)
    notice = taken_in(session, source, "1", described("Un titre"))
    claim = linked(session, source, "2", notice, [*described("Un titre"), WORDS])
    proposals.propose(session, claim_ids=[claim])
    proposals.accept(session, [session.scalars(select(Proposal)).one().id], by="claire")
    made = joining.not_the_same(session, session.get_one(Claim, claim), by="claire")
    assert erasing.plan(session, made).quoting == (notice.address,)
    without = [f for f in notice.fields if f["t"] != "330"]
    notices.revise(session, notice, without, by="claire", why="À sa demande")
    assert erasing.plan(session, made).quoting == ()
    erasing.erase(session, made, by="claire", reason="x")
    assert said(session) == []
    assert notice.title == "Un titre" and len(fields_of(session, notice)) >= 2


def test_questions_settled_while_they_were_one_forget_the_one_that_is_erased(session: Session) -> None:
    source = reci(session)
    summary = field("330", "a", "Leur résumé.")
    gone = notices.create(session, described("Un titre", WORDS), by="claire", status="published")
    stays = taken_in(session, source, "1", described("Un titre", summary))
    joining.merge(session, gone, stays, {"330": "ours"}, by="claire")
    night(session, source, "1", [*described("Un titre"), field("330", "a", "Leur résumé, revu.")])
    question = session.scalars(select(Proposal).where(Proposal.state == "waiting")).one()
    assert SECRET in repr(question.changes).lower()
    proposals.refuse(session, [question.id], by="claire")
    joining.unmerge(session, stays, by="claire")
    erasing.erase(session, gone, by="claire", reason="x")
    assert said(session) == []


def test_the_command_names_them_before_and_warns_of_records_without_a_number(travee: Any, tmp_path: Path) -> None:
    from catalogue.config import Settings
    from catalogue.db import Database

    path = tmp_path / "fonds.csv"
    path.write_text("title,author\nMémoires,Odile Zephyrinus\n", "utf-8")
    assert travee("import", path, "--source", "Tableur").exit_code == 0
    here = Database(Settings(_env_file=None, data_dir=tmp_path / "var").url)
    with here.write() as session:
        (record,) = session.scalars(select(SourceRecord)).all()
        assert record.identifier.startswith(NUMBERLESS)
        notice = session.scalars(select(Notice)).one()
        other = notices.create(session, described("Une autre"), by="claire", status="published")
        joining.merge(session, other, notice, by="claire")
        joining.unmerge(session, notice, by="claire")
        address = notice.address
    with here.write() as session:
        one = notices.get(session, other.id)
        notices.revise(session, one, [*one.fields, OWN], by="claire")
    here.close()
    tried = " ".join(travee("erase", address, "--dry-run").output.split())
    assert "1 notice d’origine n’a pas de numéro : un import de la même notice, modifiée, la ramènerait." in tried
    assert "Elle ne reviendra plus" not in tried
    assert other.address not in tried, "what was written after is its own"


def test_a_record_without_a_number_is_barred_to_the_dot(net: Network, tmp_path: Path) -> None:
    path = tmp_path / "fonds.csv"
    said_twice = "title,author\nMémoires,Odile Zephyrinus\n"
    path.write_text(said_twice, "utf-8")
    importer.import_file(net.database, path, source="Tableur", by="claire")
    with net.write() as session:
        told = erasing.erase(session, session.scalars(select(Notice)).one(), by="claire", reason="x")
    assert (told.records, told.numberless) == (1, 1)
    assert importer.import_file(net.database, path, source="Tableur", by="claire").counts["created"] == 0


# --- pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["broken off", "not understood"])
def test_a_page_that_nobody_could_read_is_cut_too(
    net: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    secret = book(1, *NAMED, name="Mémoires de Zephyrinus")
    net.meet([secret, *base(12)[1:]], new_status="published").harvest()
    with net.read() as session:
        notice = session.scalars(select(Notice).where(Notice.title.contains("Zephyrinus"))).one()
    erase(net, notice)
    clean(net)
    assert traces(net.database, tmp_path) == []
    if why == "broken off":
        net.partner.partner.faults.cut_page = 1
    else:

        def stop(_page: Page) -> None:
            raise HarvestStopped("oai.other_format", {"root": "x"})

        monkeypatch.setattr(arrivals, "stop_if_unreadable", stop)
    assert net.harvest(full=True).status == "incomplete"
    assert traces(net.database, tmp_path) != [], "kept as received"
    clean(net)
    assert traces(net.database, tmp_path) == []
    assert clean(net) == 0, "each page is looked at once"


PAGE = (
    '<?xml version="1.0" encoding="{encoding}"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><ListRecords>{rows}</ListRecords></OAI-PMH>"
)
ROW = (
    "<record><header><identifier>{name}</identifier><datestamp>2026-01-01</datestamp></header>"
    "<metadata><notice>{words}</notice></metadata></record>"
)
AWKWARD = {
    "plain": ("utf-8", "a:1", "a:1"),
    "a section": ("utf-8", "<![CDATA[a:1]]>", "a:1"),
    "a comment": ("utf-8", "<!-- x -->a:1", "a:1"),
    "a number": ("utf-8", "&#97;:1", "a:1"),
    "sixteen bits": ("utf-16", "a:1", "a:1"),
    "sixteen bits, no mark": ("utf-16-le", "a:1", "a:1"),
    "an accent in Latin-1": ("iso-8859-1", "a:é", "a:é"),
    "an accent of Windows": ("windows-1252", "a:œ", "a:œ"),
    "an accent in UTF-8": ("utf-8", "a:é", "a:é"),
    "a wrong end in a section": ("utf-8", "a:1", "a:1"),
}


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("how", AWKWARD)
def test_a_record_is_cut_however_it_is_written(how: str, broken: bool) -> None:
    encoding, written, name = AWKWARD[how]
    words = "SECRET <![CDATA[</record>]]> SECRET" if "wrong end" in how else "SECRET"
    rows = ROW.format(name="a:0", words="gardé") + ROW.format(name=written, words=words)
    last = ROW.format(name="a:2", words="gardé aussi")
    raw = PAGE.format(encoding=encoding.removesuffix("-le"), rows=rows + last).encode(encoding)
    if broken and "wrong end" not in how:
        raw = PAGE.format(encoding=encoding.removesuffix("-le"), rows=rows).encode(encoding)[:-75]
    left = cutting.cut(raw, {name})
    plain = left.replace(b"\0", b"")
    assert b"SECRET" not in plain
    assert b"gard" in plain and b"travee: erased" in plain, "the others stay, and the page says that it was cut"
    assert cutting.cut(left, {name}) == left
    if not broken:
        read = read_page(Answer(left), 1, host="h").records
        assert [r.identifier for r in read] == ["a:0", name, "a:2"]
        assert [r.payload is None for r in read] == [False, True, False]
        assert cutting.cut(raw, {"a:9"}) == raw


def test_one_that_never_ends_does_not_hide_the_next() -> None:
    rows = ROW.format(name="a:0", words="gardé").removesuffix("</record>") + ROW.format(name="a:1", words="SECRET")
    raw = PAGE.format(encoding="utf-8", rows=rows + ROW.format(name="a:2", words="aussi")).encode()
    left = cutting.cut(raw, {"a:1"})
    assert b"SECRET" not in left and "gardé".encode() in left and b"aussi" in left


# --- files ------------------------------------------------------------------------------------


def test_files_that_no_row_names_go_once_they_are_old(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    net.meet(base(3)).harvest()
    kept = sorted(p.name for p in net.settings.pages_dir.glob("*/*"))
    ahead = pages.put(net.settings, b"<x>asked for ahead, and nobody came for it</x>")
    half = pages.page_path(net.settings, ahead).with_suffix(".12-34")
    half.write_bytes(b"half")
    from catalogue import db

    retention.erase_old_pages(net.database, net.settings)
    assert pages.page_path(net.settings, ahead).exists() and half.exists(), "a run may be about to name it"
    day_before = db.now().timestamp() - 90_000
    for path in net.settings.pages_dir.glob("*/*"):
        os.utime(path, (day_before, day_before))
    retention.erase_old_pages(net.database, net.settings)
    assert sorted(p.name for p in net.settings.pages_dir.glob("*/*")) == kept


def test_one_that_was_killed_before_the_old_page_went_is_finished_by_retention(
    net: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = book(1, *NAMED, name="Mémoires de Zephyrinus")
    net.meet([secret, *base(3)[1:]], new_status="published").harvest()
    with net.read() as session:
        notice = session.scalars(select(Notice).where(Notice.title.contains("Zephyrinus"))).one()
    erase(net, notice)

    def killed(self: Path, missing_ok: bool = False) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(OSError, match="killed"):
            clean(net)
    clean(net)
    left = traces(net.database, tmp_path)
    assert len(left) == 1 and re.search(r"\.xml\.gz$", left[0])
    for path in net.settings.pages_dir.glob("*/*"):
        os.utime(path, (1, 1))
    retention.erase_old_pages(net.database, net.settings)
    assert traces(net.database, tmp_path) == []
    with net.read() as session:
        assert tombstones.waiting(session) == []
