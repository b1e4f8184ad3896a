"""Two notices made one, and taken apart: what goes along, addresses, later edits, undo."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, integrity, items, joining, judgements, lots, notices, proposals, reading, sources
from catalogue.joining import NotMergeable
from catalogue.models import (
    Batch,
    Claim,
    DigitalDocument,
    Holding,
    Item,
    Notice,
    NoticeLink,
    Selection,
    SelectionEntry,
    VisitRequest,
)
from catalogue.unimarc import Fields, RecordItem
from tests.cast import field, notice
from tests.test_proposals import ABSTRACT, night, reci, taken_in, words

ONE = notice("Quartiers en chantier", field("606", "a", "Rénovation"), field("300", "a", "Don de la ville"))
TWO = notice("Quartiers en chantier", field("606", "a", "Logement"), field("200", "a", "x"), year="2020")


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def made(session: Session, fields: Fields, status: str = "published") -> Notice:
    return notices.create(session, fields, by="claire", status=status)


def last_lot(session: Session) -> Batch:
    return session.scalars(select(Batch).order_by(Batch.id.desc()).limit(1)).one()


def plain(of: Notice) -> Fields:
    return [{k: v for k, v in f.items() if k not in "or"} for f in of.fields]  # type: ignore[misc]


def hang_all_sorts(session: Session, on: Notice) -> None:
    """A copy, a document, a request, a place in a selection, a number at a source."""
    lot = history.open_batch(session, "copy", by="claire")
    items.add_many(session, [(on.id, RecordItem(barcode=f"B{on.id}"))], batch=lot)
    at = db.now()
    selection = Selection(code=f"s{on.id}", created_at=at, updated_at=at)
    session.add_all(
        [
            DigitalDocument(notice_id=on.id, sha256="a" * 64, rights="open"),
            VisitRequest(code=f"r{on.id}", subject="visit", notice_id=on.id, created_at=at),
            selection,
        ]
    )
    session.flush()
    session.add(SelectionEntry(selection_id=selection.id, notice_id=on.id, pos=1))
    sources.name_ids(session, reci(session), "record", {f"{on.id}00": on.id})
    session.flush()


def whose(session: Session) -> dict[str, list[int]]:
    session.expire_all()
    out = {
        table.__name__: [n for n in session.scalars(select(table.notice_id).order_by(table.id)) if n]
        for table in (Item, DigitalDocument, VisitRequest, SelectionEntry, Holding)
    }
    numbers = sources.find_ids(session, reci(session), "record", [f"{n}00" for n in range(1, 20)])
    return {**out, "numbers": sorted(numbers.values())}


def test_what_hangs_on_the_one_merged_away_goes_along_and_comes_back(session: Session) -> None:
    kept, double = made(session, ONE), made(session, TWO)
    hang_all_sorts(session, double)
    before = whose(session)
    joining.merge(session, kept, double, by="claire")
    after = whose(session)
    assert {n for several in after.values() for n in several} == {kept.id}
    assert (double.status, double.merged_into_id) == ("merged", kept.id)
    moved = reading.notice_page(session, double.address)
    assert moved == reading.Moved(kept.address)
    joining.unmerge(session, double, by="claire")
    assert whose(session) == before
    assert (double.status, double.merged_into_id) == ("published", None)
    assert list(integrity.faults(session)) == []


def test_one_value_stays_ours_and_lists_are_joined(session: Session) -> None:
    kept, double = made(session, ONE), made(session, TWO)
    seen = joining.preview(kept, double)
    joining.merge(session, kept, double, by="claire")
    assert {"Rénovation", "Logement", "Don de la ville"} <= words(kept)
    assert words(kept) == {v for f in seen for _c, v in f.get("s", ())}, "as the page showed it"
    assert next(f for f in kept.fields if f["t"] == "210")["s"][-1] == ["d", "2021"]
    chosen = made(session, notice("Quartiers en chantier", year="2019"))
    slot = next(c.slot for c in joining.compare(kept, chosen).changes if c.tag == "210")
    joining.merge(session, kept, chosen, {slot: "theirs"}, by="claire")
    assert next(f for f in kept.fields if f["t"] == "210")["s"][-1] == ["d", "2019"]


def test_unmerging_is_never_merged_plus_what_was_edited_since(session: Session) -> None:
    kept, double = made(session, ONE), made(session, TWO)
    was, away = plain(kept), plain(double)
    joining.merge(session, kept, double, by="claire")
    edited = [*kept.fields, field("300", "a", "Relu en juin")]
    edited = [field("606", "a", "Rénovation urbaine") if "Rénovation" in str(f) else f for f in edited]
    notices.revise(session, kept, edited, by="marc")
    joining.unmerge(session, double, by="claire")
    assert words(kept) == {v for f in was for _c, v in f.get("s", ())} - {"Rénovation"} | {
        "Rénovation urbaine",
        "Relu en juin",
    }
    assert plain(double) == away
    untouched, other = made(session, ONE), made(session, TWO)
    state = untouched.fields
    joining.merge(session, untouched, other, by="claire")
    joining.unmerge(session, other, by="claire")
    assert untouched.fields == state, "origins and dates too"


def test_undoing_the_lot_of_a_merge_is_unmerging_and_can_itself_be_undone(session: Session) -> None:
    kept, double = made(session, ONE), made(session, TWO)
    hang_all_sorts(session, double)
    before = whose(session)
    joining.merge(session, kept, double, by="claire")
    lot = last_lot(session)
    notices.revise(session, kept, [*kept.fields, field("300", "a", "Relu en juin")], by="marc")
    undone = lots.undo(session, lot, by="claire")
    assert (undone.left, double.status) == ([], "published")
    assert ("Relu en juin" in words(kept), "Logement" in words(kept)) == (True, False)
    assert whose(session) == before
    assert undone.batch is not None
    again = lots.undo(session, undone.batch, by="claire")
    assert again.left == []
    assert (double.status, "Logement" in words(kept), "Relu en juin" in words(kept)) == ("merged", True, True)
    assert {n for several in whose(session).values() for n in several} == {kept.id}
    joining.unmerge(session, double, by="claire")
    assert whose(session) == before
    assert list(integrity.faults(session)) == []


def test_a_split_that_was_edited_since_is_undone_whole_or_not_at_all(session: Session) -> None:
    kept, double = made(session, ONE), made(session, TWO)
    joining.merge(session, kept, double, by="claire")
    joining.unmerge(session, double, by="claire")
    lot = last_lot(session)
    notices.revise(session, kept, [*kept.fields, field("300", "a", "Relu en juin")], by="marc")
    result = lots.undo(session, lot, by="claire")
    assert result.restored == 0
    assert {left.code for left in result.left} == {"changed_since"}
    assert double.status == "published"


def test_a_split_is_not_undone_when_only_an_agreement_has_moved_since(session: Session) -> None:
    """Half of it would leave a partner's claim on a notice that is merged away."""
    kept, double = made(session, ONE), taken_in(session, reci(session), "1", TWO)
    joining.merge(session, kept, double, by="claire")
    joining.unmerge(session, double, by="claire")
    lot = last_lot(session)
    asked = night(session, reci(session), "1", [*TWO, ABSTRACT])
    proposals.refuse(session, [asked.proposal_id or 0], by="claire")
    result = lots.undo(session, lot, by="claire")
    assert (result.restored, double.status) == (0, "published")
    assert {(left.entity, left.code) for left in result.left} == {("notice", "changed_since")}
    assert list(integrity.faults(session)) == []


def test_addresses_lead_through_chains_of_merges_and_come_back_one_by_one(session: Session) -> None:
    one, two, three = (made(session, notice(f"Titre {n}")) for n in range(3))
    joining.merge(session, two, one, by="claire")
    joining.merge(session, three, two, by="claire")
    assert reading.notice_page(session, one.address) == reading.Moved(three.address)
    with pytest.raises(NotMergeable, match="survivor_merged"):
        joining.unmerge(session, one, by="claire")
    joining.unmerge(session, two, by="claire")
    assert reading.notice_page(session, one.address) == reading.Moved(two.address)
    joining.unmerge(session, one, by="claire")
    assert {n.status for n in (one, two, three)} == {"published"}


def test_who_links_to_the_one_merged_away_leads_to_the_other(session: Session) -> None:
    kept, double = made(session, ONE), made(session, TWO)
    linking = made(session, [*notice("Suite"), field("488", "t", "Quartiers", "0", double.address)])
    found = select(NoticeLink.target_id).where(NoticeLink.notice_id == linking.id)
    assert session.scalars(found).all() == [double.id]
    joining.merge(session, kept, double, by="claire")
    assert session.scalars(found).all() == [kept.id]
    assert list(integrity.faults(session)) == []
    joining.unmerge(session, double, by="claire")
    assert session.scalars(found).all() == [double.id]
    assert list(integrity.faults(session)) == []


def test_what_somebody_else_says_too_stays_when_one_leaves(session: Session) -> None:
    kept = made(session, ONE)
    first, second = (made(session, [*ONE, field("606", "a", "Logement")]) for _n in range(2))
    joining.merge(session, kept, first, by="claire")
    joining.merge(session, kept, second, by="claire")
    joining.unmerge(session, first, by="claire")
    assert "Logement" in words(kept), "the second says it"
    joining.unmerge(session, second, by="claire")
    assert plain(first) == plain(second)


def test_a_harvested_candidate_becomes_one_with_ours(session: Session) -> None:
    source = reci(session)
    ours = made(session, ONE)
    candidate = taken_in(session, source, "1", [*ONE, ABSTRACT, field("950", "b", "1998-2020")], "candidate")
    (claim,) = session.scalars(select(Claim)).all()
    session.add(Holding(notice_id=candidate.id, record_id=claim.record_id, centre_label="RECI", seen_at=db.now()))
    session.flush()
    end = judgements.end_of(session, candidate.id, candidate=True)
    judged = judgements.judge(session, end, f"notice:{ours.id}", "same", by="claire")
    joining.merge(session, ours, candidate, by="claire", judgement=judged)
    assert claim.notice_id == ours.id
    assert whose(session)["Holding"] == [ours.id]
    assert ABSTRACT["s"][0][1] in words(ours)
    assert "1998-2020" not in words(ours), "what a partner holds is not what we hold"
    assert next(f for f in ours.fields if f["t"] == "330")["o"] == [claim.id], "repris de RECI"
    later = night(session, source, "1", [*ONE, ABSTRACT, field("606", "a", "Emploi")])
    assert (later.notice_id, later.category) == (ours.id, "safe")
    joining.unmerge(session, candidate, by="claire", different=True)
    assert (candidate.status, claim.notice_id, whose(session)["Holding"]) == ("candidate", candidate.id, [candidate.id])
    pair = (f"notice:{ours.id}", f"notice:{candidate.id}")
    assert judgements.verdict(session, [pair])[pair].verdict == "different"
    (line,) = proposals.list_waiting(session)
    assert line.notice_id == candidate.id, "what RECI says now waits on its own notice again"


def test_the_answer_to_a_doubt_merges_the_candidate_into_ours_or_is_remembered(session: Session) -> None:
    source = reci(session)
    ours = made(session, ONE)
    first, second = (taken_in(session, source, number, ONE, "candidate") for number in "12")
    joining.decide(session, first, ours, "same", by="claire")
    assert (first.merged_into_id, ours.status) == (ours.id, "published")
    judged = joining.decide(session, ours, second, "different", by="claire", why="une autre année")
    assert judged is not None
    assert {judged.left.split(":")[0], judged.right.split(":")[0]} == {"notice", "record"}
    assert second.status == "candidate"
    older, younger = made(session, ONE), made(session, TWO)
    joining.decide(session, younger, older, "same", by="claire")
    assert younger.merged_into_id == older.id


@pytest.mark.parametrize("status", ["withdrawn", "merged"])
def test_what_cannot_be_merged_is_said(session: Session, status: str) -> None:
    kept, gone = made(session, ONE), made(session, TWO)
    notices.set_status(session, gone, status, by="claire")
    with pytest.raises(NotMergeable, match="not_living"):
        joining.merge(session, kept, gone, by="claire")
    with pytest.raises(NotMergeable, match="same_notice"):
        joining.merge(session, kept, kept, by="claire")
    with pytest.raises(NotMergeable, match="not_merged"):
        joining.unmerge(session, kept, by="claire")
