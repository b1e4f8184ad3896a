"""Files into the catalogue: what comes in, what is recognised, what is refused, and that it can be taken back."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.orm import Session

import dev
from catalogue import copies, desk_reading, history, i18n, integrity, items, lots, notices, setup, sources
from catalogue.app import Travee
from catalogue.config import Settings
from catalogue.db import Database, now
from catalogue.models import (
    Batch,
    ExternalId,
    IndexQueue,
    Item,
    Judgement,
    Location,
    Notice,
    NoticeAgent,
    NoticeLink,
    Proposal,
    Refused,
    Revision,
    Run,
    Source,
    SourceRecord,
    SourceVersion,
)
from catalogue.problems import Refusal
from catalogue.unimarc import LEADER, Field, Fields, Record, RecordItem, title, values
from export import pmbxml, records
from export.iso2709 import record_bytes
from harvest import files, importer, intake
from harvest.importer import Report
from tests.cast import field, notice

DATA = Path(__file__).parent / "data" / "unimarc"
PMB = DATA / "pmb.mrc"
UNTITLED: Fields = [{"t": "000", "v": LEADER}, {"t": "001", "v": "2"}, field("210", "d", "1998")]
ISBN = field("010", "a", "978-2-07-036822-8")


def record(number: str, title: str, *more: Field) -> Fields:
    head, *rest = notice(title, *more)
    return [head, {"t": "001", "v": number}, *rest] if number else [head, *rest]


def copy(barcode: str, call_number: str = "364 DUM", **more: str) -> Field:
    pairs = [("9", "1"), ("b", "EDOC"), ("c", more.get("place", "Espace doc")), ("f", barcode), ("k", call_number)]
    return {"t": "995", "i": "  ", "s": [[c, v] for c, v in pairs if v]}


def write(folder: Path, *fields: Fields, name: str = "fonds.mrc") -> Path:
    path = folder / name
    path.write_bytes(b"".join(map(record_bytes, fields)))
    return path


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    event.remove(database.engine, "before_cursor_execute", hear)


def take(database: Database, path: Path, **more: Any) -> Report:
    return importer.import_file(database, path, **{"source": "fonds", "by": "claire", **more})


def counts(report: Report, *names: str) -> dict[str, int]:
    assert report.counts["read"] == sum(
        report.counts[name] for name in ("created", "matched", "updated", "unchanged", "folded", "refused")
    )
    told = {k: v for k, v in report.counts.items() if v and k != "to_complete"}  # that: test_import_report
    return {name: report.counts[name] for name in names} if names else told


def titles(database: Database, status: str = "published") -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Notice.title).where(Notice.status == status).order_by(Notice.title)))


def count(database: Database, model: type[Any]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def of(session: Session, number: str) -> Notice:
    return notices.get(session, session.scalars(select(ExternalId.entity_id).where(ExternalId.value == number)).one())


# --- in --------------------------------------------------------------------------------------


def test_records_become_notices_with_their_copies_in_one_lot(database: Database, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        record("1", "La ville en miettes", copy("B1"), copy("B2", place="Réserve")),
        record("2", "L’œuvre du Phénix"),
    )
    report = take(database, path)
    assert counts(report) == {"read": 2, "created": 2, "items": 2}
    assert titles(database) == ["La ville en miettes", "L’œuvre du Phénix"]
    with database.read() as session:
        made = of(session, "1")
        assert not [f for f in made.fields if f["t"] == "995"]
        placed = {
            i.barcode: place
            for i, place in session.execute(select(Item, Location.name).join(Location).where(Item.notice_id == made.id))
        }
        assert placed == {"B1": "Espace doc", "B2": "Réserve"}
        run = session.scalars(select(Run)).one()
        assert (run.kind, run.status, run.counts["created"]) == ("import", "complete", 2)
        batch = session.scalars(select(Batch)).one()
        assert (batch.kind, batch.why, batch.by, batch.id) == ("import", "fonds.mrc", "claire", report.batch_id)
        assert {row.notice_id for row in session.scalars(select(IndexQueue))} == {made.id, of(session, "2").id}
        assert {f["o"][0] for f in made.fields} == set(sources.origins(session, made))


def test_the_same_file_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        record("1", "La ville en miettes", copy("B1"), copy("", "364 DUM ex. 2")),
        record("", "Sans numéro", copy("")),
    )
    assert counts(take(database, path), "created", "items") == {"created": 2, "items": 3}
    again = take(database, path)
    assert counts(again) == {"read": 2, "unchanged": 2}
    assert again.batch_id is None
    assert (count(database, SourceVersion), count(database, Item), count(database, Batch)) == (2, 3, 1)


def test_a_record_that_comes_twice_in_one_file_is_no_update(database: Database, tmp_path: Path) -> None:
    one = record("1", "La ville en miettes", copy("B1"))
    report = take(database, write(tmp_path, one, one, record("2", "Autre")))
    assert counts(report) == {"read": 3, "created": 2, "unchanged": 1, "items": 1}


def test_what_a_pmb_changes_every_day_is_no_change(database: Database, tmp_path: Path) -> None:
    take(database, PMB)
    tomorrow = tmp_path / "pmb.mrc"
    tomorrow.write_bytes(PMB.read_bytes().replace(b"20261122", b"20261123").replace(b"00000000", b"20261201"))
    assert counts(take(database, tomorrow)) == {"read": 5, "unchanged": 4, "folded": 1}


def test_a_file_may_be_compressed_and_is_told_by_its_content(database: Database, tmp_path: Path) -> None:
    plain = write(tmp_path, record("1", "Un"), record("2", "Deux"))
    packed = tmp_path / "fonds.data"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert counts(take(database, packed), "created") == {"created": 2}


def test_candidates_wait_to_be_published(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "À relire")), status="candidate")
    assert titles(database, "candidate") == ["À relire"]


def test_a_dry_run_counts_everything_and_writes_nothing(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Un", copy("B1")), record("2", "Deux"), record("2", "Deux encore"))
    tried = take(database, path, dry_run=True)
    assert (tried.run_id, tried.batch_id) == (None, None)
    assert [count(database, m) for m in (Notice, Item, SourceRecord, Run, Batch, Refused)] == [0] * 6
    assert take(database, path).counts == tried.counts


def test_progress_is_told_batch_by_batch(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    told: list[int] = []
    path = write(tmp_path, *(record(str(n), f"Titre {n}") for n in range(5)))
    take(database, path, progress=lambda done, total: told.append(done))
    assert told == [2, 4, 5]


# --- recognised ------------------------------------------------------------------------------


def test_a_notice_nobody_touched_follows_its_record(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Titre fautif")))
    report = take(database, write(tmp_path, record("1", "Titre corrigé")))
    assert counts(report) == {"read": 1, "updated": 1}
    assert titles(database) == ["Titre corrigé"]
    assert counts(take(database, write(tmp_path, record("1", "Titre corrigé")))) == {"read": 1, "unchanged": 1}


def test_what_a_person_wrote_is_not_overwritten(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Titre fautif")))
    with database.write() as session:
        made = of(session, "1")
        notices.revise(session, made, [*made.fields, field("300", "a", "Vu avec l’auteur")], by="claire")
    report = take(database, write(tmp_path, record("1", "Titre corrigé")))
    assert counts(report) == {"read": 1, "matched": 1, "waiting": 1}
    assert titles(database) == ["Titre fautif"]
    with database.read() as session:
        latest = session.scalars(select(SourceVersion).order_by(SourceVersion.id.desc())).first()
        assert latest is not None
        assert title(latest.fields) == "Titre corrigé"


def test_a_field_that_a_person_took_away_does_not_come_back(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Titre", field("300", "a", "Note inutile"))))
    with database.write() as session:
        made = of(session, "1")
        notices.revise(session, made, [f for f in made.fields if f["t"] != "300"], by="claire")
    take(database, write(tmp_path, record("1", "Titre", field("300", "a", "Note inutile"), field("215", "a", "12 p."))))
    with database.read() as session:
        assert not [f for f in of(session, "1").fields if f["t"] in ("215", "300")]


def test_a_shared_isbn_is_recognised_and_changes_nothing_here(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        ours = notices.create(session, notice("Notre titre", ISBN), by="claire", status="published")
    theirs = record("1", "Notre titre", ISBN, field("330", "a", "Leur résumé."), copy("B1"))
    report = take(database, write(tmp_path, theirs))
    assert counts(report) == {"read": 1, "matched": 1, "items": 1, "waiting": 1}
    with database.read() as session:
        found = notices.get(session, ours.id)
        assert (found.title, found.version) == ("Notre titre", 1)
        assert "Leur résumé." not in str(found.fields)
        assert [i.barcode for i in items.list_of(session, [ours.id])] == ["B1"]
        assert of(session, "1").id == ours.id
    again = take(database, write(tmp_path, theirs))
    assert counts(again) == {"read": 1, "unchanged": 1}


def test_one_isbn_and_another_title_is_a_question_and_no_match(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        ours = notices.create(session, notice("La ville en miettes", ISBN), by="claire", status="published")
    report = take(database, write(tmp_path, record("1", "Histoire du roman policier", ISBN)))
    assert counts(report) == {"read": 1, "created": 1}
    with database.read() as session:
        assert of(session, "1").id != ours.id
        (asked,) = session.scalars(select(Judgement))
        assert (asked.verdict, asked.left) == ("unsure", f"notice:{ours.id}")


def test_two_records_of_one_base_stay_two_whatever_their_isbn(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Tome 1", ISBN), record("2", "Tome 2", ISBN))
    assert counts(take(database, path)) == {"read": 2, "created": 2}


def test_an_isbn_of_another_level_says_nothing(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        fields = notice("Revue", ISBN, leader="     nas1 22     3  450 ")
        notices.create(session, fields, by="claire", status="published")
    assert counts(take(database, write(tmp_path, record("1", "Livre", ISBN)))) == {"read": 1, "created": 1}


def test_a_file_and_a_harvest_of_one_base_meet(database: Database, tmp_path: Path) -> None:
    """The source says how its record numbers and its identifiers hang together."""
    path = write(tmp_path, record("40211", "Quartiers"))
    take(database, path, source="RECI")
    with database.write() as session:
        source = sources.find(session, "RECI")
        assert source is not None
        sources.set_identity(session, source, "oai:RECI:{001}")
    with database.read() as session:
        assert session.scalars(select(SourceRecord.identifier)).all() == ["oai:RECI:40211"]
    assert counts(take(database, path, source="RECI")) == {"read": 1, "unchanged": 1}


# --- copies ----------------------------------------------------------------------------------


def test_a_barcode_that_is_taken_is_told_and_the_copy_comes_in_without(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Un", copy("B1")), record("2", "Deux", copy("B1")))
    report = take(database, path)
    assert counts(report) == {"read": 2, "created": 2, "items": 2, "warnings": 1}
    (told,) = (told for told in report.told.values() if not told.checked)
    assert (told.problem.code, told.n, told.position) == ("item.barcode_taken", 1, 2)
    assert counts(take(database, path)) == {"read": 2, "unchanged": 2}
    assert count(database, Item) == 2


def test_a_new_copy_comes_in_with_a_record_that_has_not_changed(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un", copy("B1"))))
    report = take(database, write(tmp_path, record("1", "Un", copy("B1"), copy("B2"))))
    assert counts(report) == {"read": 1, "updated": 1, "items": 1}


def test_a_copy_follows_its_source_but_not_over_what_a_person_changed(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un", copy("B1", "364 DUM"), copy("B2", "364 DUM"))))
    with database.write() as session:
        moved = session.scalars(select(Item).where(Item.barcode == "B2")).one()
        items.revise(session, moved, {"call_number": "711 DUM"}, by="claire")
    path = write(tmp_path, record("1", "Un", copy("B1", "365 DUM", place="Réserve"), copy("B2", "365 DUM")))
    assert counts(take(database, path)) == {"read": 1, "updated": 1}
    with database.read() as session:
        found = {i.barcode: i for i in session.scalars(select(Item))}
        assert (found["B1"].call_number, found["B2"].call_number) == ("365 DUM", "711 DUM")
        place = session.get_one(Location, found["B1"].location_id)
        assert place.name == "Réserve"
    assert counts(take(database, path)) == {"read": 1, "unchanged": 1}


def test_what_a_source_says_of_a_copy_beside_its_place_follows_too(database: Database, tmp_path: Path) -> None:
    def described(note: str, state: str, owner: str) -> Path:
        pairs = {"f": "B1", "k": "364 DUM", "u": note, "o": state, "a": owner}
        said: Field = {"t": "995", "i": "  ", "s": [[code, value] for code, value in pairs.items() if value]}
        return write(tmp_path, record("1", "Un", said))

    def now_said() -> tuple[str, str, str]:
        with database.read() as session:
            (one,) = next(iter(records.load(session, [session.scalars(select(Notice.id)).one()]))).items
            (said,) = copies.to_fields(one)
            assert dict(said["s"]).get("u", "") == one.note
            return one.note, one.status, one.owner

    take(database, described("Taché", "Bon état", "Ville"))
    assert counts(take(database, described("Couverture abîmée", "Bon état", "Ville"))) == {"read": 1, "updated": 1}
    assert now_said() == ("Couverture abîmée", "Bon état", "Ville")
    assert counts(take(database, described("", "En rayon", "Ville"))) == {"read": 1, "updated": 1}
    assert now_said() == ("", "En rayon", "Ville")
    assert counts(take(database, described("", "En rayon", "École"))) == {"read": 1, "updated": 1}
    assert now_said() == ("", "En rayon", "École")
    assert counts(take(database, described("", "En rayon", "École"))) == {"read": 1, "unchanged": 1}


def test_each_barcode_that_is_taken_is_told_of_its_own_record(database: Database, tmp_path: Path) -> None:
    long = "9" * 400
    lines = [
        record("1", "Un", copy("B1")),
        record("2", "Deux", copy("B1"), copy(long)),
        record("3", "Trois", copy("B1")),
    ]
    report = take(database, write(tmp_path, *lines))
    told = {t.problem.code: [(m.position, m.identifier) for m in t.first] for t in report.told.values()}
    assert told["item.barcode_taken"] == [(2, "2"), (3, "3")] and told["item.barcode_long"] == [(2, "2")]


def test_copies_go_out_as_they_came_but_for_what_changed_here(database: Database, tmp_path: Path) -> None:
    as_received = copy("B1")
    take(database, write(tmp_path, record("1", "Un", as_received)))
    with database.write() as session:
        (out,) = records.load(session, [of(session, "1").id])
        assert copies.to_fields(out.items[0]) == [as_received]
        kept = session.scalars(select(Item)).one()
        items.revise(session, kept, {"call_number": "711 DUM", "status": "missing"}, by="claire")
        (out,) = records.load(session, [of(session, "1").id])
        (written,) = copies.to_fields(out.items[0])
    assert ["k", "711 DUM"] in written["s"]
    assert ["2", "1"] in written["s"]
    assert ["c", "Espace doc"] in written["s"]


# --- issues of a PMB -------------------------------------------------------------------------


def test_copies_of_an_issue_hang_on_the_issue(database: Database) -> None:
    report = take(database, PMB)
    # What only carried the copies of an issue is no notice: it is said apart, so that the counts add up.
    assert counts(report) == {"read": 5, "created": 4, "folded": 1, "items": 4, "issues": 1}
    with database.read() as session:
        issue, own = of(session, "905"), of(session, "906")
        serial, article = of(session, "77"), of(session, "40211")
        assert (issue.level, issue.kind, issue.year) == ("issue", "issue", 2024)
        assert "Gazette fictive" in issue.title
        assert "212" in issue.title
        assert [i.barcode for i in items.list_of(session, [issue.id])] == ["5001"]
        assert own.id == of(session, "61").id
        assert [i.barcode for i in items.list_of(session, [own.id])] == ["5002"]
        assert items.list_of(session, [serial.id, article.id]) == []
        joined = {
            (link.relation, link.target_id)
            for link in session.scalars(select(NoticeLink).where(NoticeLink.notice_id == article.id))
        }
        assert joined == {("host_serial", serial.id), ("host_issue", issue.id)}
        to_serial = select(NoticeLink.target_id).where(NoticeLink.notice_id == issue.id)
        assert session.scalars(to_serial).all() == [serial.id]
    assert count(database, Notice) == 5


def test_the_record_of_an_issue_takes_over_the_one_made_for_its_copies(database: Database, tmp_path: Path) -> None:
    parts = PMB.read_bytes().split(b"\x1d")
    first, last = tmp_path / "first.mrc", tmp_path / "last.mrc"
    first.write_bytes(b"\x1d".join([*parts[:4], b""]))
    last.write_bytes(parts[4] + b"\x1d")
    assert counts(take(database, first), "created", "folded", "issues") == {"created": 3, "folded": 1, "issues": 2}
    with database.read() as session:
        made = of(session, "906").id
    assert counts(take(database, last)) == {"read": 1, "matched": 1}
    with database.read() as session:
        described = notices.get(session, made)
        assert [f["s"] for f in described.fields if f["t"] == "300"] == [[["a", "Dossier de ce numéro"]]]
        assert [i.barcode for i in items.list_of(session, [made])] == ["5002"]
    for path in (first, last):
        assert set(counts(take(database, path))) - {"folded"} == {"read", "unchanged"}
    assert count(database, Notice) == 5


def test_an_issue_that_a_person_described_is_left_to_her(database: Database, tmp_path: Path) -> None:
    parts = PMB.read_bytes().split(b"\x1d")
    first, last = tmp_path / "first.mrc", tmp_path / "last.mrc"
    first.write_bytes(b"\x1d".join([*parts[:4], b""]))
    last.write_bytes(parts[4] + b"\x1d")
    take(database, first)
    with database.write() as session:
        made = of(session, "906")
        notices.revise(session, made, [*made.fields, field("300", "a", "Numéro épuisé")], by="claire")
    assert counts(take(database, last)) == {"read": 1, "matched": 1, "waiting": 1}
    with database.read() as session:
        notes = [f["s"][0][1] for f in notices.get(session, made.id).fields if f["t"] == "300"]
    assert notes == ["Numéro épuisé"]


# --- refused ---------------------------------------------------------------------------------


def test_a_record_without_a_title_is_kept_with_its_bytes_and_the_others_go_in(
    database: Database, tmp_path: Path
) -> None:
    path = write(tmp_path, record("1", "Un"), UNTITLED, record("3", "Trois"))
    report = take(database, path)
    assert counts(report) == {"read": 3, "created": 2, "refused": 1}
    (told,) = report.refused
    assert (told.position, told.identifier, told.code) == (2, "2", "record.no_title")
    assert "titre" in told.sentence()
    with database.read() as session:
        ((kept, name),) = sources.list_refused(session)
        assert (kept.raw, name, kept.file_name) == (record_bytes(UNTITLED), "fonds", "fonds.mrc")
    take(database, path)  # still one, not two
    assert count(database, Refused) == 1


def test_a_number_used_twice_lets_the_first_in_and_keeps_the_second(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Première"), record("1", "Seconde"), record("1", "Première"))
    report = take(database, path)
    assert counts(report) == {"read": 3, "created": 1, "unchanged": 1, "refused": 1}
    assert [r.code for r in report.refused] == ["record.number_repeated"]
    assert titles(database) == ["Première"]
    again = take(database, path)
    assert counts(again) == {"read": 3, "unchanged": 2, "refused": 1}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([{"t": "000", "v": "     c0xm222     3  45  "}, field("245", "a", "Une ville")], "record.intermarc"),
        ([{"t": "000", "v": "     na a 22     3  450 "}, field("252", "a", "Bibliothèque")], "record.holdings"),
        ([{"t": "000", "v": "     nx  j22     3  450 "}, field("231", "a", "La ville (film)")], "record.entity"),
    ],
)
def test_what_is_no_document_is_named_and_stays_out(
    database: Database, tmp_path: Path, fields: Fields, code: str
) -> None:
    report = take(database, write(tmp_path, fields))
    assert [r.code for r in report.refused] == [code]
    assert count(database, Notice) == 0


def test_a_file_that_breaks_off_says_so_and_can_be_completed(database: Database, tmp_path: Path) -> None:
    whole = write(tmp_path, record("1", "Un"), record("2", "Deux"), record("3", "Trois"))
    cut = tmp_path / "cut.mrc"
    cut.write_bytes(whole.read_bytes()[:-20])
    report = take(database, cut)
    assert counts(report) == {"read": 3, "created": 2, "refused": 1}
    assert not report.complete
    with database.read() as session:
        run = session.scalars(select(Run)).one()
        assert run.reason is not None
        assert (run.status, run.reason["code"]) == ("incomplete", "iso2709.cut")
    assert counts(take(database, whole)) == {"read": 3, "created": 1, "unchanged": 2}


def test_a_compressed_file_that_breaks_off_says_so_too(database: Database, tmp_path: Path) -> None:
    dice = Random(1)
    many = write(tmp_path, *(record(str(n), f"Titre {dice.randbytes(40).hex()}") for n in range(200)))
    cut = tmp_path / "fonds.mrc.gz"
    cut.write_bytes(gzip.compress(many.read_bytes(), mtime=0)[:-2000])
    report = take(database, cut)
    assert report.counts["created"] > 10
    assert [r.code for r in report.refused] == ["file.cut_gzip"]
    assert not report.complete


def test_what_was_refused_once_and_comes_in_later_waits_no_longer(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un"), UNTITLED))
    take(database, write(tmp_path, record("1", "Un"), record("2", "Deux, avec son titre")))
    with database.read() as session:
        assert sources.list_refused(session) == []


def test_a_base_that_does_not_answer_keeps_what_went_in_and_says_so(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    path = write(tmp_path, *(record(str(n), f"Titre {n}", copy(f"B{n}")) for n in range(5)))
    add = items.add_many

    def fail_at_last(session: Session, rows: Any, **more: Any) -> Any:
        if len(rows) == 1:
            session.execute(text("select * from a_table_that_is_not_there"))
        return add(session, rows, **more)

    with monkeypatch.context() as broken:
        broken.setattr(items, "add_many", fail_at_last)
        report = take(database, path)
    assert counts(report) == {"read": 4, "created": 4, "items": 4}
    assert report.trouble is not None
    assert "Relancez l’import" in report.trouble.sentence()
    assert ends_of_runs(database) == [("incomplete", "import.stopped", 4)]
    assert counts(take(database, path)) == {"read": 5, "created": 1, "unchanged": 4, "items": 1}


def ends_of_runs(database: Database) -> list[tuple[str, str, int]]:
    """How each run ended, why, and how many records it says it created."""
    with database.read() as session:
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        return [(r.status, (r.reason or {}).get("code", ""), r.counts.get("created", 0)) for r in runs]


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(5, "Input/output error"), "import.unreadable"), (KeyboardInterrupt(), "import.interrupted")],
)
def test_a_reading_that_breaks_off_leaves_no_run_running(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: str
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    path = write(tmp_path, *(record(str(n), f"Titre {n}") for n in range(5)))
    read = files.read

    def read_four(*args: Any) -> Iterator[Any]:
        for found in read(*args):
            if found.position == 5:
                raise error
            yield found

    monkeypatch.setattr(files, "read", read_four)
    if isinstance(error, OSError):
        report = take(database, path)
        assert counts(report) == {"read": 4, "created": 4}
        assert report.trouble is not None
        assert report.trouble.sentence().startswith("La lecture s’est interrompue (Input/output error).")
    else:
        with pytest.raises(KeyboardInterrupt):
            take(database, path)
    assert ends_of_runs(database) == [("incomplete", code, 4)]


@pytest.mark.parametrize("place", ["number", "link", "bulletin"])
def test_one_monstrous_value_does_not_stop_the_others(database: Database, tmp_path: Path, place: str) -> None:
    noise = "".join(Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40_000))
    link: Field = {"t": "463", "i": "  ", "s": [["t", "Revue"], ["9", f"id:{noise}"], ["9", "lnk:bull"]]}
    own: Field = {"t": "200", "i": "1 ", "s": [["a", "Deux"], ["9", f"id:{noise}"]]}
    monsters: dict[str, Fields] = {
        "number": record(noise, "Deux"),
        "link": record("2", "Deux", link, copy("B2")),
        "bulletin": [{"t": "000", "v": "     nas2 22     3  450 "}, {"t": "001", "v": "2"}, own],
    }
    path = tmp_path / "fonds.xml"
    several = (record("1", "Un"), monsters[place], record("3", "Trois"))
    path.write_bytes(b"".join(pmbxml.file_bytes([(fields, []) for fields in several])))
    report = take(database, path)
    assert report.trouble is None
    if place != "number":
        assert counts(report, "read", "created") == {"read": 3, "created": 3}
        return
    assert counts(report) == {"read": 3, "created": 2, "refused": 1}
    (told,) = report.refused
    assert "dépasse 255 signes" in told.sentence()
    assert len(told.sentence()) < 200


def test_compressed_pieces_may_follow_one_another(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "fonds.mrc.gz"
    path.write_bytes(b"".join(gzip.compress(record_bytes(record(str(n), f"Titre {n}"))) for n in range(3)))
    assert counts(take(database, path)) == {"read": 3, "created": 3}


def test_a_file_that_grows_beyond_reason_is_left_there(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ALWAYS", 1_000_000)
    path = tmp_path / "bomb.mrc.gz"
    path.write_bytes(gzip.compress(record_bytes(record("1", "Un")) + b" " * 50_000_000))
    report = take(database, path)
    assert counts(report) == {"read": 2, "created": 1, "refused": 1}
    assert [r.code for r in report.refused] == ["file.grows"]


def test_refused_records_are_tried_again_as_they_came(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un")))
    raw = record_bytes(record("7", "Lisible depuis", copy("B7")))
    with database.write() as session:
        source = sources.find(session, "fonds")
        assert source is not None
        for number, code, bytes_kept in (("7", "record.marc21", raw), ("8", "iso2709.cut", raw[:40])):
            kept = Refused(source_id=source.id, position=7, identifier=number, code=code, format="unimarc")
            kept.raw, kept.sha256, kept.created_at, kept.params, kept.file_name = bytes_kept, code, now(), {}, ""
            sources.keep_refused(session, source, [kept])
    report = importer.retry(database, by="claire")
    assert counts(report) == {"read": 1, "created": 1, "items": 1}
    with database.read() as session:
        assert [row.code for row, _name in sources.list_refused(session)] == ["iso2709.cut"]
    assert importer.retry(database, by="claire").counts["read"] == 0


def test_however_many_records_come_in_those_that_waited_are_settled(database: Database) -> None:
    """A thesaurus of 70,000 concepts comes in as one record: no database takes so many values in one statement."""
    with database.write() as session:
        source = sources.for_file(session, "fonds")
        waiting = [("69999", "unimarc"), ("70001", "unimarc"), ("4", "oai")]
        sources.keep_refused(session, source, [refused(source, *each) for each in waiting])
        twice = refused(source, "5", "unimarc", "record.number_repeated")
        sources.keep_refused(session, source, [twice])
        numbers = [str(n) for n in range(70_000)]
        sources.settle_numbers(session, source, numbers, formats=["unimarc"], but=["record.number_repeated"])
        assert {row.identifier for row, _name in sources.list_refused(session)} == {"70001", "4", "5"}


def refused(source: Source, number: str, format: str, code: str = "record.marc21") -> Refused:
    row = Refused(source_id=source.id, position=1, identifier=number, code=code, format=format, file_name="")
    row.raw, row.sha256, row.created_at, row.params = number.encode(), f"{number}{format}", now(), {}
    return row


def test_the_same_bytes_twice_among_what_is_refused_wait_once(database: Database) -> None:
    with database.write() as session:
        source, other = (sources.for_file(session, name) for name in ("fonds", "autre"))
        sources.keep_refused(session, source, [refused(source, "1", "unimarc"), refused(source, "2", "unimarc")])
        sources.keep_refused(session, other, [refused(other, "1", "unimarc")])
        again = [refused(source, "1", "unimarc", code) for code in ("record.no_title", "record.marc21")]
        again[1].position = 9
        sources.keep_refused(session, source, [refused(source, "3", "unimarc"), *again])
        found = {(row.source_id, row.identifier): row for row, _name in sources.list_refused(session)}
        assert sorted(found) == [*((source.id, n) for n in "123"), (other.id, "1")]
        met = found[source.id, "1"]
        assert (met.position, met.code) == (9, "record.marc21")  # as it was met last
        sources.put_aside(session, met, by="claire")
        sources.keep_refused(session, source, [refused(source, "1", "unimarc")])
        assert sources.count_refused(session, source="fonds") == 2 and met.params == {sources.ASIDE: "claire"}


def hold_back(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> None:
    """An older Travée, that could not take these records in yet."""
    refuse = intake.refuse

    def refuse_more(found: Record) -> Refusal | None:
        if found.control_number in numbers:
            return Refusal(found.position, found.control_number or "", "record.marc21", raw=found.raw)
        return refuse(found)

    monkeypatch.setattr(intake, "refuse", refuse_more)


def test_what_is_tried_again_has_the_status_of_its_import_in_one_lot_a_file(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "RETRIED", 2, raising=False)
    checked = write(tmp_path, *(record(str(n), f"À relire {n}") for n in range(5)), name="checked.mrc")
    with monkeypatch.context() as older:
        hold_back(older, *"01234")
        take(database, checked, status="candidate")
        take(database, write(tmp_path, record("3", "Sûre"), name="sure.mrc"), source="autre")
    runs, batches = count(database, Run), count(database, Batch)
    assert counts(importer.retry(database, by="claire"), "read", "created") == {"read": 6, "created": 6}
    assert titles(database) == ["Sûre"]
    assert titles(database, "candidate") == [f"À relire {n}" for n in range(5)]
    assert (count(database, Run) - runs, count(database, Batch) - batches) == (2, 2)
    with database.read() as session:
        assert sources.list_refused(session) == []


def test_two_refused_records_with_one_number_are_not_mixed_up(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        hold_back(older, "7")
        take(database, write(tmp_path, record("7", "Première"), record("7", "Seconde")))
    assert counts(importer.retry(database, by="claire")) == {"read": 2, "created": 1, "refused": 1}
    assert titles(database) == ["Première"]
    with database.read() as session:
        ((kept, _name),) = sources.list_refused(session)
        assert (kept.code, kept.raw) == ("record.number_repeated", record_bytes(record("7", "Seconde")))


def test_the_list_of_refused_records_leaves_their_bytes_where_they_are(database: Database, tmp_path: Path) -> None:
    untitled = [[UNTITLED[0], {"t": "001", "v": str(n)}, field("300", "a", "x" * 5000)] for n in range(3)]
    take(database, write(tmp_path, *untitled))  # type: ignore[arg-type]
    with database.read() as session:
        listed = sources.list_refused(session, limit=2)
        assert [row.identifier for row, _name in listed] == ["0", "1"]
        assert ["raw" in inspect(row).unloaded for row, _name in listed] == [True, True]
        assert (sources.count_refused(session), sources.count_refused(session, source="autre")) == (3, 0)
        assert sources.list_refused(session, source="autre") == []
        lines, total = desk_reading.refused(session, limit=2)
        assert ([line.identifier for line in lines], total) == (["0", "1"], 3)
        assert "xxx" in lines[0].excerpt


# --- taken back, and cut short ---------------------------------------------------------------


def test_one_undo_takes_a_whole_file_back_and_a_new_import_brings_it_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    path = write(tmp_path, *(record(str(n), f"Titre {n}", copy(f"B{n}")) for n in range(5)))
    report = take(database, path)
    with database.write() as session:
        undone = lots.undo(session, lots.get(session, report.batch_id or 0) or Batch(), by="claire")
        assert (undone.restored, undone.left) == (10, [])
    assert titles(database) == []
    again = take(database, path)
    assert counts(again) == {"read": 5, "updated": 5, "back": 5}
    assert len(titles(database)) == 5
    with database.read() as session:
        assert set(session.scalars(select(Item.status))) == {"available"}
        assert [b.kind for b, _n in history.list_batches(session)] == ["import", "undo", "import"]
    assert (count(database, Notice), count(database, Item)) == (5, 5)


def undo(database: Database, report: Report) -> None:
    with database.write() as session:
        assert lots.undo(session, session.get_one(Batch, report.batch_id), by="claire").left == []


def test_what_comes_back_says_what_its_file_says_now_and_goes_on_following_it(
    database: Database, tmp_path: Path
) -> None:
    undo(database, take(database, write(tmp_path, record("1", "Une ville"), record("2", "Un quartier"))))
    for note in ("Épuisé", "Réédité"):
        path = write(tmp_path, record("1", "Une ville", field("300", "a", note)), record("2", "Un quartier"))
        again = take(database, path)
        assert (again.counts["updated"], again.counts["waiting"]) == (2 if note == "Épuisé" else 1, 0)
        with database.read() as session:
            notice_ = of(session, "1")
            assert [f["s"] for f in notice_.fields if f["t"] == "300"] == [[["a", note]]]
            assert {len(f["o"]) for f in notice_.fields} == {1}


@pytest.mark.parametrize("withdrawn", [False, True], ids=["changed", "taken back and changed"])
def test_what_changed_is_written_for_a_whole_batch_at_once(database: Database, tmp_path: Path, withdrawn: bool) -> None:
    def made(*more: Field, at: str) -> Path:
        return write(tmp_path, *(record(str(n), f"Dossier {n}", *more, copy(f"B{n}", at)) for n in range(40)))

    first = take(database, made(at="711"))
    if withdrawn:
        undo(database, first)
    path = made(field("300", "a", "Relu"), at="712")
    with statements(database) as said:
        report = take(database, path)
    assert counts(report) == {"read": 40, "updated": 40} | ({"back": 40} if withdrawn else {})
    assert len(said) < 64, "as many statements for forty records as for five hundred"
    with database.read() as session:
        statement = select(Revision.entity, func.count()).where(Revision.batch_id == report.batch_id)
        changed = {entity: n for entity, n in session.execute(statement.group_by(Revision.entity))}
        assert changed == {"notice": 40, "item": 40}, "one revision for each"
        assert set(session.scalars(select(Item.call_number))) == {"712"}
        assert list(integrity.faults(session)) == []


def test_two_lines_of_one_sheet_under_one_isbn_are_told(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    lines = ("Une ville;9782070368228", "Un quartier;", "Une ville, 2e tirage;978-2-07-036822-8", "Un quartier;")
    path.write_text("\n".join(("Titre;ISBN", *lines)) + "\n", encoding="utf-8")
    report = take(database, path)
    told = [t for t in report.told.values() if t.problem.code == "record.same_number"]
    assert [(t.n, t.first[0].position, dict(t.first[0].params)) for t in told] == [
        (1, 4, {"value": "9782070368228", "line": "2"})
    ]
    assert report.counts["created"] == 3


def test_what_a_person_withdrew_does_not_come_back(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Parti"))
    take(database, path)
    with database.write() as session:
        notices.set_status(session, of(session, "1"), "withdrawn", by="claire")
    assert counts(take(database, path)) == {"read": 1, "unchanged": 1}
    assert titles(database, "withdrawn") == ["Parti"]


KILLED = """
import os, signal, sys
from pathlib import Path
from catalogue import items
from catalogue.db import Database
from harvest import files, importer

importer.BATCH = 50
url, path, when = sys.argv[1:]
calls = []

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def add_many(*args, **more):
    calls.append(1)
    made = add(*args, **more)
    if when == "inside" and len(calls) == 3:
        die()
    return made

add, items.add_many = items.add_many, add_many
between = lambda done, total: die() if when == "between" and done >= 100 else None
importer.import_file(Database(url), Path(path), source="fonds", by="claire", progress=between)
"""


@pytest.mark.parametrize("when", ["inside", "between"])
def test_killed_at_any_moment_a_second_import_completes_without_doubles(
    database: Database, tmp_path: Path, when: str
) -> None:
    path = write(tmp_path, *(record(str(n), f"Titre {n}", copy(f"B{n}"), copy("", f"X {n}")) for n in range(230)))
    command = [sys.executable, "-c", KILLED, database.engine.url.render_as_string(hide_password=False), str(path), when]
    done = subprocess.run(command, cwd=dev.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (count(database, Notice), count(database, Item)) == (100, 200)
    report = take(database, path)
    assert counts(report) == {"read": 230, "created": 130, "unchanged": 100, "items": 260}
    assert (count(database, Notice), count(database, Item), count(database, SourceRecord)) == (230, 460, 230)
    with database.read() as session:
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        assert [(r.status, (r.reason or {}).get("code")) for r in runs] == [
            ("incomplete", "import.interrupted"),
            ("complete", None),
        ]
    assert counts(take(database, path)) == {"read": 230, "unchanged": 230}


# --- the command -----------------------------------------------------------------------------


@pytest.fixture
def travee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The `travee` command in a Travée of its own: `travee("import", path)`."""
    from catalogue.cli import main

    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_LANGUAGE", "fr")
    monkeypatch.chdir(tmp_path)
    setup.init(Settings(_env_file=None, data_dir=tmp_path / "var"))

    def run(*words: object) -> Result:
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    yield run
    i18n.set_language("fr")


def bomb(folder: Path) -> Path:
    path = folder / "bomb.xml"
    lines = [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    path.write_text(f'<!DOCTYPE x [<!ENTITY a0 "ha">{"".join(lines)}]><unimarc><notice>&a9;</notice></unimarc>')
    return path


def outside(folder: Path) -> Path:
    path = folder / "outside.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><unimarc><notice>&a;</notice></unimarc>')
    return path


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("vide.mrc", b"", "vide"),
        ("photo.mrc", b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "image"),
        ("page.mrc", b"<!DOCTYPE html><html><body>Connexion</body></html>", "page web"),
        ("notices.zip", b"PK\x03\x04" + b"\0" * 60, "archive"),
        ("rapport.pdf", b"%PDF-1.7\n" + b"\0" * 60, "PDF"),
        ("lettre.txt", "Chère madame,\nvoici la liste.\n".encode(), "aucun format"),
        ("marc.xml", b'<?xml version="1.0"?><collection><record/></collection>', "aucune notice MARC"),
        ("coupe.mrc.gz", gzip.compress(b"x" * 5000, mtime=0)[:30], "aucun format"),
    ],
)
def test_a_file_that_is_not_for_us_gets_one_clear_sentence(
    travee: Any, tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = travee("import", path)
    assert done.exit_code == 1
    (line,) = done.output.strip().splitlines()
    assert line.startswith(f"{name} : ")
    assert word in line


@pytest.mark.parametrize("make", [bomb, outside])
def test_xml_with_entities_is_not_even_read(travee: Any, tmp_path: Path, make: Any) -> None:
    done = travee("import", make(tmp_path))
    assert done.exit_code == 1
    assert "DOCTYPE" in done.output
    assert "root:" not in done.output


def test_a_missing_file_is_told_and_the_next_one_is_read(travee: Any, tmp_path: Path) -> None:
    good = write(tmp_path, record("1", "Un"))
    done = travee("import", tmp_path / "absent.mrc", good, "--json")
    assert done.exit_code == 3
    document = json.loads(done.output)
    assert (document["created"], document["complete"]) == (1, False)
    assert "absent.mrc" in document["errors"][0]
    assert travee("import", tmp_path / "absent.mrc").exit_code == 1


def test_an_import_that_breaks_off_tells_what_went_in_and_the_next_file_goes_on(
    travee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    first = write(tmp_path, *(record(str(n), f"Miettes {n}", copy(f"B{n}")) for n in range(3)), name="first.mrc")
    second = write(tmp_path, record("9", "Quartiers", copy("B9"), copy("B10")), name="second.mrc")
    add = items.add_many

    def lose(session: Session, rows: Any, **more: Any) -> Any:
        if len(rows) == 1:
            raise PendingRollbackError("the connection is gone")
        return add(session, rows, **more)

    monkeypatch.setattr(items, "add_many", lose)
    done = travee("import", first, second, "--json")
    assert done.exit_code == 3
    document = json.loads(done.output)
    assert [(f["file"], f["created"], f["complete"]) for f in document["files"]] == [
        ("first.mrc", 2, False),
        ("second.mrc", 1, True),
    ]
    assert "the connection is gone" in document["errors"][0]
    assert len(json.loads(travee("search", "miettes", "--json").output)["hits"]) == 2


def test_an_import_that_could_not_begin_has_failed(
    travee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*args: Any, **more: Any) -> Any:
        raise PendingRollbackError("the connection is gone")

    monkeypatch.setattr(intake, "take_in", lose)
    done = travee("import", write(tmp_path, record("1", "Un")), "--json")
    assert done.exit_code == 1
    assert (json.loads(done.output)["read"], json.loads(done.output)["complete"]) == (0, False)


def test_an_index_that_cannot_be_written_does_not_hide_what_went_in(
    travee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Travee) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Travee, "drain", full)
    done = travee("import", write(tmp_path, record("1", "Un")))
    assert "créées : 1" in done.output
    assert "No space left" in done.output


@pytest.mark.parametrize("command", ["import", "harvest"])
@pytest.mark.parametrize("place", ["absent/r.json", "."])
def test_a_report_that_cannot_be_written_is_told_before_anything_is_done(
    travee: Any, tmp_path: Path, command: str, place: str
) -> None:
    what = write(tmp_path, record("1", "Miettes")) if command == "import" else "RECI"
    done = travee(command, what, "--report", tmp_path / place)
    assert done.exit_code == 2
    assert "Le compte rendu ne peut pas être écrit" in done.output
    assert json.loads(travee("search", "miettes", "--json").output)["hits"] == []


def test_a_wrong_command_leaves_no_empty_report_behind(travee: Any, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Un"))
    assert travee("import", path, "--report", tmp_path / "r.json", "--source", "x" * 81).exit_code == 2
    assert not (tmp_path / "r.json").exists()


def test_the_name_of_a_source_is_no_longer_than_its_column(travee: Any, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Un"), name="f" * 120 + ".mrc")
    done = travee("import", path, "--source", "x" * 81)
    assert done.exit_code == 2
    assert "ne dépasse pas 80 signes" in done.output
    document = json.loads(travee("import", path, "--json").output)
    assert document["files"][0]["source"] == "f" * 80


def test_a_dry_run_of_a_long_file_says_that_it_estimates(
    travee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, *(record(str(n), f"Titre {n}") for n in range(3)))
    assert "estimation" not in travee("import", path, "--dry-run").output
    monkeypatch.setattr(importer, "BATCH", 2)
    done = travee("import", path, "--dry-run")
    assert "Si le fichier se répète à plus de 2 notices d’écart, ces chiffres sont une estimation." in done.output
    assert "estimation" in travee("import", "--help").output


def test_what_a_harvest_refused_is_named_and_is_no_failure_of_a_retry(travee: Any, tmp_path: Path) -> None:
    base = Database(f"sqlite:///{tmp_path / 'var' / 'travee.db'}")
    with base.write() as session:
        source = sources.for_file(session, "RECI")
        kept = Refused(source_id=source.id, position=4, identifier="oai:RECI:4", code="harvest.ghost", format="oai")
        kept.raw, kept.sha256, kept.created_at, kept.file_name = b"<record/>", "", now(), ""
        kept.params = {"identifier": "oai:RECI:4"}
        sources.keep_refused(session, source, [kept])
    base.close()
    done = travee("refused", "retry")
    assert done.exit_code == 0
    assert "elle revient avec la prochaine moisson : oai:RECI:4." in done.output
    document = json.loads(travee("refused", "retry", "--json").output)
    assert (document["refused"], [r["identifier"] for r in document["left_to_harvest"]]) == (0, ["oai:RECI:4"])


def test_what_went_in_and_what_did_not_is_told_in_words_and_in_json(travee: Any, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Un", copy("B1")), UNTITLED)
    done = travee("import", path, "--source", "Fonds ancien", "--report", tmp_path / "report.json")
    assert done.exit_code == 3
    assert "notices lues : 2 ; créées : 1" in done.output
    assert "notice n° 2 (2) : La notice n’a pas de titre" in done.output
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    names = ("read", "created", "matched", "updated", "unchanged", "refused", "warnings", "items")
    assert [document[name] for name in names] == [2, 1, 0, 0, 0, 1, 0, 1]
    (told,) = document["refused_records"]
    assert (told["position"], told["identifier"]) == (2, "2")
    assert "titre" in told["reason"]
    listed = json.loads(travee("refused", "list", "--json").output)
    assert [(r["source"], r["identifier"]) for r in listed["refused"]] == [("Fonds ancien", "2")]
    retried = travee("refused", "retry", "--json")
    assert retried.exit_code == 1
    assert json.loads(retried.output)["refused_records"][0]["identifier"] == "2"


def test_the_command_speaks_english_where_the_machine_does(
    travee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAVEE_LANGUAGE", "en")
    done = travee("import", tmp_path / "absent.mrc")
    assert "does not exist" in done.output


def test_a_format_that_is_not_read_yet_is_wrong_usage(travee: Any, tmp_path: Path) -> None:
    path = write(tmp_path, record("1", "Un"))
    done = travee("import", path, "--format", "refworks")
    assert done.exit_code == 2
    assert travee("export", "--format", "turtle").exit_code == 2


def test_without_a_base_the_command_says_what_to_do(
    travee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    done = travee("import", write(tmp_path, record("1", "Un")))
    assert done.exit_code == 1
    assert "travee init" in done.output


@pytest.mark.parametrize("format", ["unimarc", "pmbxml"])
def test_what_is_exported_can_be_imported_elsewhere(
    travee: Any, database: Database, tmp_path: Path, format: str
) -> None:
    path = write(tmp_path, record("1", "La ville en miettes", ISBN, copy("B1")), record("", "Sans numéro"))
    assert travee("import", path).exit_code == 0
    out = tmp_path / "out"
    done = travee("export", "--format", format, "-o", out)
    assert done.exit_code == 0
    report = take(database, out, source="copie")
    assert counts(report) == {"read": 2, "created": 2, "items": 1}
    assert titles(database) == ["La ville en miettes", "Sans numéro"]
    with database.read() as session:
        kept = session.scalars(select(Item)).one()
        assert (kept.barcode, kept.call_number) == ("B1", "364 DUM")


def test_lines_of_json_say_everything_but_who_said_it(travee: Any, tmp_path: Path) -> None:
    travee("import", write(tmp_path, record("1", "La ville en miettes", ISBN, copy("B1"))))
    done = travee("export", "--format", "jsonl")
    (line,) = done.output.splitlines()
    document = json.loads(line)
    assert document["title"] == "La ville en miettes"
    assert document["identifiers"] == {"isbn": ["9782070368228"]}
    assert document["items"] == [{"barcode": "B1", "call_number": "364 DUM", "status": "available"}]
    assert document["sources"] == [
        {"source": "fonds", "identifier": "1", "datestamp": "", "deleted": False, "title": "La ville en miettes"}
    ]
    assert document["fields"][0] == {"t": "001", "v": "1"}
    assert not any({"o", "r"} & set(f) for f in document["fields"])
    shown = json.loads(travee("notice", "show", document["id"], "--json").output)
    assert {o["source"] for f in shown["fields"] for o in f["origin"]} == {"fonds"}
    assert [step["kind"] for step in shown["history"]] == ["import"]
    assert "La ville en miettes" in travee("notice", "show", document["id"]).output
    assert travee("notice", "show", "zzzzzzzz").exit_code == 1


def test_an_export_may_be_of_some_notices_only(travee: Any, tmp_path: Path) -> None:
    travee("import", write(tmp_path, record("1", "La ville en miettes"), record("2", "L’école de la rue")))
    travee("import", write(tmp_path, record("9", "À relire"), name="autre.mrc"), "--status", "candidate")

    def exported(*words: str) -> dict[str, str]:
        lines = travee("export", "--format", "jsonl", *words).output.splitlines()
        return {json.loads(line)["title"]: json.loads(line)["id"] for line in lines if line.startswith("{")}

    published = exported()
    assert set(published) == {"La ville en miettes", "L’école de la rue"}
    assert set(exported("--status", "any")) == {*published, "À relire"}
    assert set(exported("--query", "école")) == {"L’école de la rue"}
    assert set(exported("--ids", f"{published['La ville en miettes']},zzzzzzzz")) == {"La ville en miettes"}
    assert travee("export", "--format", "jsonl", "--ids", "zzzzzzzz").exit_code == 1


def test_what_came_in_can_be_searched_at_once(travee: Any, tmp_path: Path) -> None:
    travee("import", write(tmp_path, record("1", "La ville en miettes")))
    found = json.loads(travee("search", "miettes", "--json").output)
    assert [hit["title"] for hit in found["hits"]] == ["La ville en miettes"]


def test_a_copy_made_here_is_written_as_pmb_writes_its_own() -> None:
    made = copies.to_fields(RecordItem(barcode="B1", call_number="364 DUM", location="Espace doc"))
    assert [f["t"] for f in made] == ["995", "996"]
    assert ["v", "Espace doc"] in made[1]["s"]


# --- what an import must not take away -------------------------------------------------------


def test_a_poorer_file_of_the_same_base_takes_nothing_away(database: Database, tmp_path: Path) -> None:
    rich = record("1", "La ville en miettes", field("676", "a", "307.76"), field("856", "u", "https://ville.example/1"))
    take(database, write(tmp_path, rich))
    poor = take(database, write(tmp_path, record("1", "La ville en miettes : essai"), name="dc.mrc"))
    assert counts(poor, "updated", "waiting") == {"updated": 0, "waiting": 1}
    assert [told.problem.code for told in poor.told.values() if told.problem.level == "warning"] == ["record.says_less"]
    with database.read() as session:
        assert {"676", "856"} <= {f["t"] for f in of(session, "1").fields}
    assert counts(take(database, write(tmp_path, rich)), "unchanged", "updated")["updated"] == 0


def test_another_document_under_the_same_number_does_not_take_its_place(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Les villes nouvelles")))
    other = take(database, write(tmp_path, record("1", "Cuisine du Nord"), name="autre.mrc"))
    assert counts(other, "updated", "waiting") == {"updated": 0, "waiting": 1}
    assert titles(database) == ["Les villes nouvelles"]
    assert "record.other_document" in {told.problem.code for told in other.told.values()}


OTHER_ISBN = field("010", "a", "978-2-13-055415-8")
COMPLEMENT = field("517", "a", "Atlas")


@pytest.mark.parametrize(
    ("before", "after", "followed"),
    [
        (("Le Corbusier et la ville",), ("La cuisine et le jardin",), False),
        (("Atlas de la ville", ISBN), ("Histoire de la ville", OTHER_ISBN), False),
        (("Atlas de la ville", ISBN), ("Histoire des jardins publics", ISBN), True),
        (("Habiter",), ("Habiter la montagne en hiver",), False),
        (("Habiter",), ("Habiter : guide de la montagne en hiver",), True),
        (("La ville en miettes", ISBN), ("La ville en miettes : essai", ISBN), True),
        (("L’un et l’autre",), ("L’un et l’autre", COMPLEMENT), True),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_number_given_to_another_book_is_told_from_a_title_put_right(
    database: Database, tmp_path: Path, before: tuple[Any, ...], after: tuple[Any, ...], followed: bool
) -> None:
    def described(title: str, *more: Field) -> Fields:
        own, _sep, complement = title.partition(" : ")
        fields = record("1", own, *more)
        said = next(f for f in fields if f["t"] == "200")
        said["s"] += [["e", complement]] if complement else []
        return fields

    take(database, write(tmp_path, described(*before)))
    report = take(database, write(tmp_path, described(*after), name="neuf.mrc"))
    assert counts(report, "updated", "waiting") == {"updated": int(followed), "waiting": int(not followed)}
    assert ("record.other_document" in {t.problem.code for t in report.told.values()}) is not followed


FULL = record(
    "1",
    "Atlas",
    field("215", "a", "312 p.", "c", "ill."),
    field("606", "a", "Logement"),
    field("606", "a", "Ville"),
    field("701", "a", "Dupont", "b", "Anne", ind=" 1"),
    field("701", "a", "Durand", "b", "Paul", ind=" 1"),
)


def _without(tag: str, value: str) -> Fields:
    """The whole record but for one author, subject or subfield."""
    left = []
    for f in FULL:
        pairs = [p for p in f.get("s", []) if f["t"] != tag or p[1] != value]
        if len(pairs) == len(f.get("s", [])) or tag == "215":
            left.append({**f, "s": pairs} if "s" in f else f)
    return left


@pytest.mark.parametrize(("tag", "value"), [("606", "Ville"), ("701", "Durand"), ("215", "ill.")])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_record_that_says_less_of_something_waits_for_a_person(
    database: Database, tmp_path: Path, tag: str, value: str
) -> None:
    take(database, write(tmp_path, FULL))
    less = [*_without(tag, value), field("330", "a", "Un résumé")]
    report = take(database, write(tmp_path, less, name="moins.mrc"))
    assert counts(report, "updated", "waiting") == {"updated": 0, "waiting": 1}
    assert "record.says_less" in {told.problem.code for told in report.told.values()}
    with database.read() as session:
        assert any(value in dict(f.get("s", [])).values() for f in of(session, "1").fields if f["t"] == tag)
        assert session.scalars(select(Proposal.state)).all() == ["waiting"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_put_right_or_completed_at_its_source_is_followed_without_a_question(
    database: Database, tmp_path: Path
) -> None:
    take(database, write(tmp_path, FULL))
    again = [field("606", "a", "Villes") if f.get("s") == [["a", "Ville"]] else f for f in FULL]
    more = [*again, field("606", "a", "Emploi"), field("330", "a", "Un résumé")]
    report = take(database, write(tmp_path, more, name="mieux.mrc"))
    assert counts(report, "updated", "waiting") == {"updated": 1, "waiting": 0}
    with database.read() as session:
        assert {"Villes", "Emploi"} <= set(values(of(session, "1").fields, "606", "a"))


def test_what_went_out_from_here_is_recognised_by_its_address(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "La ville en miettes")))
    with database.read() as session:
        address = of(session, "1").address
    back = take(database, write(tmp_path, record(address, "La ville en miettes"), name="tableur.mrc"), source="tableur")
    assert counts(back, "created", "matched") == {"created": 0, "matched": 1}


def test_the_number_of_another_travee_is_no_number_of_ours(database: Database, tmp_path: Path) -> None:
    ours = record("1", "À nous", field("700", "a", "Durand", "b", "Paul", "3", "12345", ind=" 1"))
    take(database, write(tmp_path, ours))
    theirs = record("1", "À eux", field("700", "a", "Martin", "b", "Luc", "3", "travee:1", ind=" 1"))
    take(database, write(tmp_path, theirs), source="voisins")
    with database.read() as session:
        lines = {name: agent for name, agent in session.execute(select(NoticeAgent.name, NoticeAgent.agent_id))}
    assert lines["Durand, Paul"] is not None and lines["Martin, Luc"] is None


def test_what_a_base_keeps_to_itself_does_not_go_out(database: Database, tmp_path: Path) -> None:
    kept = [field("991", "b", "à retirer", "2", "pmb"), field("901", "a", "vu", "n", "suivi", "t", "text", "2", "pmb")]
    before = field("901", "a", "vu", "l", "Suivi", "n", "suivi", "t", "text")  # as dumps were read at first
    take(database, write(tmp_path, record("1", "Public", *kept, before)))
    with database.read() as session:
        assert {"901", "991"} <= {f["t"] for f in of(session, "1").fields}
        (notice,) = records.load(session, [of(session, "1").id])
    assert not {"901", "991"} & {f["t"] for f in notice.fields}


def test_what_another_program_says_under_the_same_tags_is_followed_as_any_field(
    database: Database, tmp_path: Path
) -> None:
    for words in ("Fonds Boulon", "Fonds Lenoir"):
        more = [field("901", "a", words), field("991", "a", "Don"), field("992", "a", "X")]
        report = take(database, write(tmp_path, record("1", "Public", *more)))
    assert counts(report) == {"read": 1, "updated": 1}
    with database.read() as session:
        (notice,) = records.load(session, [of(session, "1").id])
    assert [f for f in notice.fields if f["t"] in ("901", "991", "992")] == more


@pytest.mark.parametrize("head", [b"<!-- ", b"<![ ", b"<? ", b"<!x [ "])
def test_an_xml_file_that_never_closes_anything_is_recognised_at_once(head: bytes) -> None:
    name, refusal = files.recognise(b"<a>" + head * 20_000)
    assert name in files.READERS or refusal is not None
