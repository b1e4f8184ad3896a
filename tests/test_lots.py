"""Taking a lot back: all at once, what others have built since left standing, and every leftover named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from catalogue import authorities, history, integrity, items, lots, notices, renaming, sources
from catalogue.entities import ConceptRow
from catalogue.models import Batch, Concept, IndexQueue, Item, Notice, NoticeConcept, NoticeIdentifier, NoticeLink
from catalogue.notices import NewNotice
from catalogue.unimarc import RecordItem, bare
from tests.cast import ARTICLE, GAZETTE, MIETTES, PHENIX, field, notice


def brought_in(session: Session, *titles: str) -> tuple[Batch, list[Notice]]:
    """A lot that makes one notice a title."""
    lot = history.open_batch(session, "import", by="travee import")
    numbers = notices.create_many(session, [NewNotice(notice(t)) for t in titles], batch=lot)
    return lot, [notices.get(session, n) for n in numbers]


def copy_of(session: Session, made: Notice, barcode: str = "", batch: Batch | None = None) -> Item:
    batch = batch or history.open_batch(session, "copy", by="claire")
    (number,), _problems = items.add_many(session, [(made.id, RecordItem(barcode=barcode))], batch=batch)
    return session.get_one(Item, number)


def left(result: lots.Undone) -> list[tuple[str, str]]:
    return [(x.label, x.code) for x in result.left]


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    engine = session.get_bind().engine
    event.listen(engine, "before_cursor_execute", hear)
    yield said
    event.remove(engine, "before_cursor_execute", hear)


def test_a_big_lot_is_taken_back_in_bulk(session: Session) -> None:
    lot, made = brought_in(session, *(f"Dossier {n}" for n in range(60)))
    copies = [(n.id, RecordItem(barcode=f"B{n.id}")) for n in made]
    items.add_many(session, copies, batch=lot)
    with statements(session) as said:
        assert lots.undo(session, lot, by="claire").restored == 120
    beside = [s for s in said if not s.startswith(("UPDATE notice SET", "UPDATE item SET"))]
    assert len(beside) < 40, "what goes with the rows is written for all of them at once"
    assert {n.status for n in session.scalars(select(Notice))} == {"withdrawn"}
    assert {i.status for i in session.scalars(select(Item))} == {"withdrawn"}
    assert list(integrity.faults(session)) == []


def test_a_lot_of_changes_goes_back_with_its_titles_rows_and_place_in_the_index(session: Session) -> None:
    _first, made = brought_in(session, "Un", "Deux", "Trois")
    lot = history.open_batch(session, "edit", by="marc")
    for n in made:
        notices.revise(session, n, PHENIX, by="marc", batch=lot)
        notices.set_status(session, n, "draft", by="marc", batch=lot)
    lots.undo(session, lot, by="claire")
    assert [(n.title, n.status, n.version) for n in made] == [(t, "published", 4) for t in ("Un", "Deux", "Trois")]
    waiting = {row.notice_id: row.seq for row in session.scalars(select(IndexQueue))}
    assert waiting == {n.id: n.changed_seq for n in made}
    assert list(integrity.faults(session)) == []


def test_an_undone_merge_can_be_made_again(session: Session) -> None:
    _first, (kept, double) = brought_in(session, "Gardée", "Double")
    lot = history.open_batch(session, "merge", by="claire")
    before = notices.snapshot(double)
    merged = {**before, "status": "merged", "merged_into_id": kept.id}
    notices.restore(session, double, merged, batch=lot)
    undone = lots.undo(session, lot, by="claire").batch
    assert undone is not None
    assert (double.status, double.merged_into_id) == ("published", None)
    lots.undo(session, undone, by="claire")
    assert (double.status, double.merged_into_id) == ("merged", kept.id)


# --- barcodes --------------------------------------------------------------------------------


def test_a_barcode_that_another_copy_has_now_is_named_and_the_rest_goes_back(session: Session) -> None:
    _first, (made,) = brought_in(session, "Un")
    one, two = copy_of(session, made, "B1"), copy_of(session, made, "B2")
    lot = history.open_batch(session, "edit", by="marc")
    items.revise(session, one, {"barcode": "B8", "call_number": "364"}, by="marc", batch=lot)
    items.revise(session, two, {"barcode": "B9"}, by="marc", batch=lot)
    copy_of(session, made, "B1")

    result = lots.undo(session, lot, by="marc")

    assert (result.restored, left(result)) == (1, [("364", "barcode_taken")])
    session.expire_all()
    assert (one.barcode, two.barcode) == ("B8", "B2")


def test_copies_that_exchanged_their_barcodes_exchange_them_again(session: Session) -> None:
    _first, (made,) = brought_in(session, "Un")
    one, two = copy_of(session, made, "B1"), copy_of(session, made, "B2")
    lot = history.open_batch(session, "edit", by="marc")
    for item, barcode in ((one, None), (two, "B1"), (one, "B2")):
        items.revise(session, item, {"barcode": barcode}, by="marc", batch=lot)
    result = lots.undo(session, lot, by="marc")
    assert (result.restored, result.left) == (2, [])
    session.expire_all()
    assert (one.barcode, two.barcode) == ("B1", "B2")


def test_a_copy_that_stays_keeps_its_barcode_from_the_next(session: Session) -> None:
    """One had B1, two has it now; but two wants B2 back, which a third copy has taken."""
    _first, (made,) = brought_in(session, "Un")
    one, two = copy_of(session, made, "B1"), copy_of(session, made, "B2")
    lot = history.open_batch(session, "edit", by="marc")
    items.revise(session, one, {"barcode": "B8"}, by="marc", batch=lot)
    items.revise(session, two, {"barcode": "B1"}, by="marc", batch=lot)
    copy_of(session, made, "B2")
    result = lots.undo(session, lot, by="marc")
    assert (result.batch, [code for _label, code in left(result)]) == (None, ["barcode_taken"] * 2)


# --- what was built on a creation ------------------------------------------------------------


def test_a_notice_that_has_a_copy_since_is_not_withdrawn(session: Session) -> None:
    lot, (alone, used) = brought_in(session, "Seule", "Servie")
    own = copy_of(session, used, batch=lot)
    copy_of(session, used)
    result = lots.undo(session, lot, by="marc")
    assert [(x.label, x.code, x.by) for x in result.left] == [("Servie", "used_since", "claire")]
    assert (alone.status, used.status, own.status) == ("withdrawn", "published", "withdrawn")


def test_a_copy_that_was_withdrawn_since_holds_nothing_back(session: Session) -> None:
    lot, (made,) = brought_in(session, "Un")
    items.revise(session, copy_of(session, made), {"status": "withdrawn"}, by="claire")
    assert lots.undo(session, lot, by="marc").left == []


def test_a_copy_the_lot_moved_goes_back_and_lets_its_notice_go(session: Session) -> None:
    _first, (home,) = brought_in(session, "Chez elle")
    moved = copy_of(session, home)
    lot, (made,) = brought_in(session, "Nouvelle")
    items.revise(session, moved, {"notice_id": made.id}, by="marc", batch=lot)
    assert lots.undo(session, lot, by="marc").left == []
    assert (moved.notice_id, made.status) == (home.id, "withdrawn")


def test_a_copy_of_the_lot_that_somebody_wrote_on_keeps_its_notice(session: Session) -> None:
    lot, (made,) = brought_in(session, "Un")
    copy = copy_of(session, made, batch=lot)
    items.revise(session, copy, {"call_number": "364"}, by="claire")
    assert left(lots.undo(session, lot, by="marc")) == [("364", "changed_since"), ("Un", "used_since")]


def test_a_notice_that_another_points_to_since_is_not_withdrawn_nor_its_own_host(session: Session) -> None:
    lot, (journal, issue) = brought_in(session, "Journal", "Numéro")
    hosted = [*issue.fields, field("461", "t", "Journal", "9", f"id:{journal.address}", "9", "lnk:perio")]
    notices.revise(session, issue, hosted, by="marc", batch=lot)
    article = notice("Article", field("463", "t", "Numéro", "9", f"id:{issue.address}", "9", "lnk:bull"))
    notices.create(session, article, by="claire", status="published")
    assert len(session.scalars(select(NoticeLink.target_id).where(NoticeLink.target_id.is_not(None))).all()) == 2

    result = lots.undo(session, lot, by="marc")

    assert [(x.label, x.code, x.by) for x in result.left] == [
        ("Journal", "used_since", "claire"),
        ("Numéro", "used_since", "claire"),
    ]
    assert (journal.status, issue.status) == ("published", "published")


def test_a_lot_whose_notices_point_to_one_another_goes_whole(session: Session) -> None:
    lot, (journal, issue) = brought_in(session, "Journal", "Numéro")
    hosted = [*issue.fields, field("461", "t", "Journal", "9", f"id:{journal.address}", "9", "lnk:perio")]
    notices.revise(session, issue, hosted, by="marc", batch=lot)
    result = lots.undo(session, lot, by="marc")
    assert (result.restored, result.left) == (2, [])


def test_an_article_that_was_waiting_before_the_lot_does_not_hold_its_journal(session: Session) -> None:
    source = sources.for_file(session, "RECI")
    first = history.open_batch(session, "import", by="travee import")
    notices.create_many(session, [NewNotice(ARTICLE, scope="RECI")], batch=first)
    lot = history.open_batch(session, "import", by="travee import")
    (number,) = notices.create_many(session, [NewNotice(GAZETTE, scope="RECI")], batch=lot)
    sources.name_ids(session, source, "record", {"77": number})
    notices.keep_promises(session, {"RECI:record:77": number})
    assert number in session.scalars(select(NoticeLink.target_id)).all()
    assert lots.undo(session, lot, by="marc").left == []


# --- travee check ----------------------------------------------------------------------------


def bend(session: Session, model: type, values: dict[str, object]) -> None:
    session.execute(update(model).values(values))
    session.flush()
    session.expire_all()


@pytest.mark.parametrize(
    ("model", "values", "what"),
    [
        (NoticeIdentifier, {"value": "9782070368229"}, "identifiers"),
        (NoticeConcept, {"label": "Rénovation"}, "subjects"),
        (NoticeConcept, {"concept_id": None}, "subjects"),
        (NoticeConcept, {"scheme_id": None}, "subjects"),
        (NoticeConcept, {"free": True}, "subjects"),
        (NoticeLink, {"target_id": None}, "links"),
        (NoticeLink, {"promise": "RECI:record:1"}, "links"),
        (NoticeLink, {"relation": "related"}, "links"),
    ],
)
def test_check_sees_a_bent_row_and_mends_it(
    session: Session, model: type, values: dict[str, object], what: str
) -> None:
    authorities.load_scheme(session, "v", "t:", {"fr": "V"}, [ConceptRow("t:r", {"fr": "Renouvellement urbain"})])
    journal = notices.create(session, GAZETTE, by="claire")
    link = field("461", "t", "Gazette", "9", f"id:{journal.address}", "9", "lnk:perio")
    address = notices.create(session, [*MIETTES, link], by="claire").address
    if model is NoticeIdentifier:
        notices.revise(session, journal, [f for f in map(bare, journal.fields) if f["t"] != "011"], by="claire")
    assert list(integrity.faults(session)) == []
    bend(session, model, values)
    assert [(f.address, f.what) for f in integrity.faults(session)] == [(address, what)]
    assert integrity.repair(session, {address}) == 1
    assert list(integrity.faults(session)) == []


def test_links_of_a_source_s_own_numbers_agree_too(session: Session) -> None:
    batch = history.open_batch(session, "import", by="travee import")
    source = sources.for_file(session, "RECI")
    (record,) = sources.stage(session, source, [sources.Received("1", "f", ARTICLE)])
    claim = history.take(session, "claim")[0]
    (number,) = notices.create_many(session, [NewNotice(ARTICLE, claim, "RECI")], batch=batch)
    sources.claim_many(session, [(claim, number, record.record_id, record.version_id)])
    assert list(integrity.faults(session)) == []


def test_check_mends_the_key_of_a_copy(session: Session) -> None:
    _lot, (made,) = brought_in(session, "Un")
    copy = copy_of(session, made)
    items.revise(session, copy, {"call_number": "364"}, by="claire")
    code, number = copy.code, made.id
    bend(session, Item, {"call_key": "zzz"})
    session.execute(IndexQueue.__table__.delete())  # type: ignore[attr-defined]
    assert [(f.entity, f.address, f.what) for f in integrity.faults(session)] == [("item", code, "call_key")]
    assert integrity.repair(session, {code}) == 1
    assert list(integrity.faults(session)) == []
    assert session.scalars(select(IndexQueue.notice_id)).all() == [number]


def test_lots_are_taken_back_from_the_last_to_the_first(session: Session) -> None:
    made = notices.create(session, MIETTES, by="claire", status="published")
    lots_made = []
    for note in ("une", "deux", "trois"):
        lot = history.open_batch(session, "edit", by="claire")
        notices.revise(session, made, [*made.fields, field("300", "a", note)], by="claire", batch=lot)
        lots_made.append(lot)
    for left, lot in zip((2, 1, 0), reversed(lots_made), strict=True):
        assert lots.undo(session, lot, by="claire").left == []
        assert len([f for f in made.fields if f["t"] == "300"]) == left


def test_a_concept_made_of_a_keyword_goes_with_its_lot_although_another_came_and_went(session: Session) -> None:
    word = field("610", "a", "relogement")
    made = notices.create(session, [*MIETTES, word], by="claire", status="published")
    concept, done = renaming.promote(session, "relogement", by="claire")
    later = history.open_batch(session, "edit", by="marc")
    notices.revise(session, made, [*made.fields, field("300", "a", "Relue")], by="marc", batch=later)
    lots.undo(session, later, by="marc")
    assert done.batch
    assert left(lots.undo(session, done.batch, by="claire")) == []
    assert session.get_one(Concept, concept.id).status == "withdrawn"
    assert [f["t"] for f in made.fields if f["t"][0] == "6"] == ["606", "610"], "its own descriptor, and the keyword"


def test_a_concept_that_a_notice_still_names_stays(session: Session) -> None:
    word = field("610", "a", "relogement")
    made = notices.create(session, [*MIETTES, word], by="claire", status="published")
    concept, done = renaming.promote(session, "relogement", by="claire")
    notices.revise(session, made, [*made.fields, field("300", "a", "Relue")], by="marc")
    assert done.batch
    taken_back = left(lots.undo(session, done.batch, by="claire"))
    assert taken_back == [(made.title, "changed_since"), ("relogement", "used_since")]
    assert session.get_one(Concept, concept.id).status == "accepted"
