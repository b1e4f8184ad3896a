"""Notices are made, revised and taken back; every value says where it comes from."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import history, integrity, lots, notices, sources
from catalogue.db import Database
from catalogue.identifiers import is_code
from catalogue.models import (
    IndexQueue,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeIdentifier,
    NoticeLink,
    Revision,
)
from catalogue.notices import Edit, NewNotice
from catalogue.unimarc import bare, title
from tests.cast import ARTICLE, GAZETTE, MIETTES, PHENIX, field


def test_a_new_notice_has_an_address_a_history_and_waits_for_the_index(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire", status="published")
    assert is_code(made.address)
    assert (made.title, made.year, made.kind, made.status) == (
        "La ville en miettes",
        1998,
        "book",
        "published",
    )
    assert session.scalars(select(NoticeIdentifier.value)).all() == ["9782070368228"]
    assert session.scalars(select(NoticeAgent.name)).all() == ["Dumas, Agnès"]
    ((revision, batch),) = history.revisions_of(session, "notice", made.id)
    assert (revision.before, batch.by) == (None, "claire")
    waiting = session.scalars(select(IndexQueue)).one()
    assert (waiting.notice_id, waiting.op, waiting.seq) == (made.id, "index", made.changed_seq)


def test_only_what_changed_is_mine(session: Session) -> None:
    batch = history.open_batch(session, "import", by="travee import")
    source = sources.for_file(session, "RECI")
    (record,) = sources.stage(session, source, [sources.Received("1", "f", MIETTES)])
    claim = history.take(session, "claim")[0]
    (number,) = notices.create_many(session, [NewNotice(MIETTES, claim, "RECI")], batch=batch)
    sources.claim_many(session, [(claim, number, record.record_id, record.version_id)])
    notice = notices.get(session, number)
    first_revision = notice.fields[0]["r"]

    edited = [bare(f) for f in notice.fields]
    edited[1] = field("200", "a", "La ville en morceaux", ind="1 ")
    assert notices.revise(session, notice, edited, by="claire", why="titre corrigé")

    origins = {f["t"]: (f["o"], f["r"] == first_revision) for f in notice.fields}
    assert origins["200"] == (["l"], False)
    assert origins["210"] == ([claim], True)
    assert notice.version == 2
    ((revision, _batch), _first) = history.revisions_of(session, "notice", number)
    assert revision.before is not None
    assert title(revision.before["fields"]) == "La ville en miettes"


def test_saving_the_same_again_is_no_revision(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire")
    assert not notices.revise(session, made, [bare(f) for f in made.fields], by="claire")
    assert made.version == 1
    assert len(session.scalars(select(Revision)).all()) == 1


def test_a_second_save_from_an_old_page_is_told(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire")
    notices.revise(session, made, PHENIX, by="claire", expected_version=1)
    with pytest.raises(notices.Stale) as met:
        notices.revise(session, made, MIETTES, by="marc", expected_version=1)
    assert met.value.notice.version == 2


def test_two_writers_cannot_both_save_the_same_version(database: Database) -> None:
    with database.write() as session:
        number = notices.create(session, MIETTES, by="claire").id
    with database.read() as reader:
        seen = notices.get(reader, number).version
    with database.write() as session:
        notices.revise(session, notices.get(session, number), PHENIX, by="claire", expected_version=seen)
    with database.write() as session, pytest.raises(notices.Stale):
        notices.revise(session, notices.get(session, number), MIETTES, by="marc", expected_version=seen)


def test_markup_in_a_source_s_text_is_kept_whole_in_the_field(session: Session) -> None:
    made = notices.create(session, PHENIX, by="claire")
    assert made.fields[4]["s"] == [["a", "Un quartier <b>renaît</b> &amp; s’étend."]]
    assert made.sort_key.startswith("oeuvre du phenix")


def test_free_keywords_are_told_from_descriptors(session: Session) -> None:
    notices.create(session, [*MIETTES, field("610", "a", "ANRU; relogement ;anru")], by="claire")
    rows = session.execute(select(NoticeConcept.label, NoticeConcept.free).order_by(NoticeConcept.pos)).all()
    assert [tuple(r) for r in rows] == [
        ("Renouvellement urbain", False),
        ("ANRU", True),
        ("relogement", True),
    ]


def test_an_article_waits_for_its_issue_and_finds_it(session: Session) -> None:
    batch = history.open_batch(session, "import", by="travee import")
    source = sources.for_file(session, "RECI")
    claims = list(history.take(session, "claim", 2))
    (article,) = notices.create_many(session, [NewNotice(ARTICLE, claims[0], "RECI")], batch=batch)
    links = {link.relation: link for link in session.scalars(select(NoticeLink))}
    assert links["host_issue"].promise == "RECI:bull:905"
    assert links["host_serial"].target_id is None

    (journal,) = notices.create_many(session, [NewNotice(GAZETTE, claims[1], "RECI")], batch=batch)
    sources.name_ids(session, source, "record", {"77": journal})
    notices.keep_promises(session, {"RECI:record:77": journal})
    session.expire_all()
    links = {link.relation: link for link in session.scalars(select(NoticeLink))}
    assert (links["host_serial"].notice_id, links["host_serial"].target_id) == (article, journal)

    (second,) = notices.create_many(
        session, [NewNotice(ARTICLE, history.take(session, "claim")[0], "RECI")], batch=batch
    )
    found = session.scalars(select(NoticeLink).where(NoticeLink.notice_id == second)).all()
    assert journal in {link.target_id for link in found}


def test_many_at_once_are_like_one_by_one(session: Session) -> None:
    batch = history.open_batch(session, "import", by="travee import")
    numbers = notices.create_many(session, [NewNotice(f) for f in (MIETTES, PHENIX, GAZETTE)], batch=batch)
    alone = [notices.create(session, f, by="claire", status="published") for f in (MIETTES, PHENIX, GAZETTE)]
    for number, other in zip(numbers, alone, strict=True):
        one = notices.get(session, number)
        assert (one.title, one.sort_key, one.fingerprint, one.level) == (
            other.title,
            other.sort_key,
            other.fingerprint,
            other.level,
        )
    everything = session.scalars(select(Notice.changed_seq).order_by(Notice.id)).all()
    assert everything == sorted(set(everything))


def test_many_notices_are_revised_in_one_lot_each_by_who_says_so(session: Session) -> None:
    one, two, three = (notices.create(session, f, by="claire", status="published") for f in (MIETTES, PHENIX, GAZETTE))
    note = field("300", "a", "Relue")
    lot = history.open_batch(session, "import", by="marc")
    rows = [
        Edit(one, [*map(bare, one.fields), note], origin=7),
        Edit(two, two.fields, status="withdrawn"),
        Edit(three, [*map(bare, three.fields)]),
    ]
    assert notices.revise_many(session, rows, batch=lot) == [one, two]
    assert [(n.status, n.version) for n in (one, two, three)] == [("published", 2), ("withdrawn", 2), ("published", 1)]
    said = {f["t"]: f["o"] for f in one.fields}
    assert (said["300"], said["200"]) == ([7], ["l"])
    assert lots.undo(session, lot, by="marc").restored == 2
    assert (one.fields, two.status) == ([f for f in one.fields if f["t"] != "300"], "published")


def test_undo_puts_back_what_nobody_touched_and_names_the_rest(session: Session) -> None:
    one = notices.create(session, MIETTES, by="claire", status="published")
    two = notices.create(session, PHENIX, by="claire", status="published")
    lot = history.open_batch(session, "edit", by="marc", why="tout renommer")
    for n in (one, two):
        notices.revise(session, n, [*n.fields, field("300", "a", "note du lot")], by="marc", batch=lot)
    notices.revise(session, two, [*two.fields, field("300", "a", "note de claire")], by="claire")

    result = lots.undo(session, lot, by="marc")

    assert result.restored == 1
    assert [(x.label, x.code, x.by) for x in result.left] == [(two.title, "changed_since", "claire")]
    assert not [f for f in one.fields if f["t"] == "300"]
    assert len([f for f in two.fields if f["t"] == "300"]) == 2
    with pytest.raises(lots.NotUndoable, match="already_undone"):
        lots.undo(session, lot, by="marc")


def test_an_undo_can_be_undone(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire", status="published")
    lot = history.open_batch(session, "edit", by="marc")
    notices.revise(session, made, PHENIX, by="marc", batch=lot)
    after = [bare(f) for f in made.fields]
    undone = lots.undo(session, lot, by="claire").batch
    assert undone is not None
    assert made.title == "La ville en miettes"
    lots.undo(session, undone, by="claire")
    assert [bare(f) for f in made.fields] == after
    assert not lots.why_not(session, lot), "the first lot is in force again: it can be undone again"


def test_taking_back_a_creation_withdraws_and_never_erases(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire", status="published")
    ((_revision, lot),) = history.revisions_of(session, "notice", made.id)
    lots.undo(session, lot, by="claire")
    assert made.status == "withdrawn"
    assert notices.find(session, made.address) is made
    assert lots.undone_notices(session, [made.id]) == {made.id}


def test_check_finds_nothing_after_all_this_and_something_when_a_row_is_bent(session: Session) -> None:
    notices.create(session, MIETTES, by="claire")
    bent = notices.create(session, PHENIX, by="claire")
    assert list(integrity.faults(session)) == []
    bent = session.scalars(select(Notice).where(Notice.title == PHENIX[1]["s"][0][1])).one()
    bent.year = 1515
    session.flush()
    assert [(f.address, f.what) for f in integrity.faults(session)] == [(bent.address, "year")]
    integrity.repair(session, {bent.address})
    assert list(integrity.faults(session)) == []


def test_a_source_s_new_template_renames_its_file_records(session: Session) -> None:
    source = sources.for_file(session, "RECI")
    sources.stage(session, source, [sources.Received(sources.identify(source, "40211", "f"), "f", MIETTES)])
    assert sources.set_identity(session, source, "oai:RECI:{001}") == 1
    (again,) = sources.stage(session, source, [sources.Received("oai:RECI:40211", "f", MIETTES)])
    assert (again.is_new_record, again.is_new_version) == (False, False)


def test_a_harvest_recognises_what_a_file_brought_under_its_bare_number(session: Session) -> None:
    source = sources.for_file(session, "RECI")
    sources.stage(session, source, [sources.Received("40211", "f", MIETTES)])
    received = sources.Received("oai:RECI:40211", "f", MIETTES, control_number="40211")
    (again,) = sources.stage(session, source, [received])
    assert (again.is_new_record, again.is_new_version, again.identifier) == (False, False, "oai:RECI:40211")


def test_a_template_that_the_server_does_not_follow_still_brings_no_double(session: Session) -> None:
    source = sources.for_file(session, "RECI")
    source.identity = "oai:RECI:{001}"
    sources.stage(session, source, [sources.Received("oai:RECI:40211", "f", MIETTES)])
    received = sources.Received("oai:reci.example.org:40211", "f", MIETTES, control_number="40211")
    (again,) = sources.stage(session, source, [received])
    assert (again.is_new_record, again.identifier) == (False, "oai:reci.example.org:40211")
