"""The link between a record and a notice is an act: told, taken back, never made again behind somebody's back."""

from __future__ import annotations

from itertools import count

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import (
    claims,
    db,
    desk_history,
    history,
    integrity,
    joining,
    judgements,
    lots,
    notices,
    proposals,
    sources,
)
from catalogue.i18n import use_language
from catalogue.joining import NotMergeable
from catalogue.matching import candidates, reasons_of
from catalogue.models import Batch, Claim, ExternalId, Holding, Judgement, Notice, NoticeLink, Revision, Source
from catalogue.sources import Received
from catalogue.unimarc import Fields, Record
from harvest import intake
from harvest.intake import Outcome
from tests.cast import MIETTES, field, notice
from tests.test_lots import statements
from tests.test_proposals import ABSTRACT, linked, reci, words


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def ours(session: Session, fields: Fields = MIETTES) -> Notice:
    return notices.create(session, fields, by="claire", status="published")


def come(session: Session, source: Source, *records: tuple[str, Fields], follow: bool = False) -> list[Outcome]:
    """A page of a harvest, or a batch of a file that somebody imports (`follow`)."""
    while candidates.catch_up(session):
        pass
    opened: list[Batch] = []

    def lot() -> Batch:
        opened[:] = opened or [history.open_batch(session, "import" if follow else "harvest", by="travee harvest")]
        return opened[0]

    rows = [
        intake.receive(
            source, Record([*fields, {"t": "001", "v": number}], control_number=number), identifier=f"oai:RECI:{number}"
        )
        for number, fields in records
    ]
    return intake.take_in(session, source, rows, batch=lot, status="candidate", follow=follow)


def last_lot(session: Session, *kinds: str) -> Batch:
    statement = select(Batch).where(Batch.kind.in_(kinds or ("harvest", "import")))
    return session.scalars(statement.order_by(Batch.id.desc()).limit(1)).one()


def undo(session: Session, batch: Batch | None = None) -> lots.Undone:
    return lots.undo(session, batch or last_lot(session), by="claire")


def speaking(session: Session) -> list[tuple[int, str]]:
    session.expire_all()
    found = session.scalars(select(Claim).where(Claim.record_id.is_not(None)).order_by(Claim.id))
    return [(claim.notice_id, claim.state) for claim in found]


def hold(session: Session, on: Notice, record_id: int) -> None:
    session.add(Holding(notice_id=on.id, record_id=record_id, centre_label="RECI", seen_at=db.now()))
    session.flush()


def held(session: Session, on: Notice) -> int:
    return len(session.scalars(select(Holding).where(Holding.notice_id == on.id, claims.is_held())).all())


# --- what a machine links, a person takes back -----------------------------------------------


def test_undoing_the_lot_of_a_harvest_takes_its_links_back_too(session: Session) -> None:
    mine = ours(session)
    (out,) = come(session, reci(session), ("1", [*MIETTES, ABSTRACT]))
    assert (out.kind, out.notice_id, out.category) == ("matched", mine.id, "safe")
    hold(session, mine, out.record_id)
    lot = last_lot(session)
    assert undo(session).left == []
    assert speaking(session) == [(mine.id, "split")]
    assert (proposals.list_waiting(session), held(session, mine)) == ([], 0)
    assert undo(session, last_lot(session, "undo")).left == [], "and that can be taken back"
    assert speaking(session) == [(mine.id, "linked")]
    assert ([line.notice_id for line in proposals.list_waiting(session)], held(session, mine)) == ([mine.id], 1)
    assert lots.why_not(session, lot) == ""


def test_what_somebody_has_taken_back_no_harvest_links_again_but_asks_about_once(session: Session) -> None:
    mine, source = ours(session), reci(session)
    come(session, source, ("1", MIETTES))
    undo(session)
    (out,) = come(session, source, ("1", [*MIETTES, ABSTRACT]))
    assert out.kind == "new"
    assert out.notice_id != mine.id
    assert speaking(session) == [(mine.id, "split"), (out.notice_id, "linked")]
    (asked,) = session.scalars(select(Judgement).where(Judgement.revoked_at.is_(None))).all()
    assert (asked.verdict, {asked.left, asked.right}) == ("unsure", {f"record:{out.record_id}", f"notice:{mine.id}"})
    (again,) = come(session, source, ("1", [*MIETTES, ABSTRACT]))
    assert (again.kind, again.notice_id) == ("unchanged", out.notice_id)


def test_importing_the_file_again_links_again_as_it_brings_notices_back(session: Session) -> None:
    mine, source = ours(session), reci(session)
    come(session, source, ("1", MIETTES), follow=True)
    (claim,) = session.scalars(select(Claim.id)).all()
    undo(session)
    (out,) = come(session, source, ("1", [*MIETTES, ABSTRACT]), follow=True)
    assert (out.kind, out.notice_id, out.waits) == ("matched", mine.id, True)
    assert speaking(session) == [(mine.id, "linked")]
    assert session.scalars(select(Claim.id)).all() == [claim], "under its old name: values say that they came by it"
    assert undo(session).left == []
    assert speaking(session) == [(mine.id, "split")]


def test_a_link_does_not_come_back_when_its_record_speaks_of_another_notice_by_now(session: Session) -> None:
    mine, source = ours(session), reci(session)
    come(session, source, ("1", MIETTES))
    taking_back = undo(session).batch
    (out,) = come(session, source, ("1", [*MIETTES, ABSTRACT]))
    left = undo(session, taking_back).left
    assert [(x.entity, x.entity_id, x.code) for x in left] == [("notice", mine.id, "changed_since")]
    assert speaking(session) == [(mine.id, "split"), (out.notice_id, "linked")], "one record, one notice"


def test_a_link_does_not_come_back_to_a_notice_that_has_gone_into_another(session: Session) -> None:
    mine, other = ours(session), ours(session, notice("Tout autre chose"))
    come(session, reci(session), ("1", MIETTES))
    taking_back = undo(session).batch
    joining.merge(session, other, mine, by="claire")
    assert [x.code for x in undo(session, taking_back).left] == ["changed_since"]
    assert speaking(session) == [(mine.id, "split")]


def test_a_page_of_links_is_written_in_a_few_statements(session: Session) -> None:
    source = reci(session)
    lot = history.open_batch(session, "create", by="claire")
    made = notices.create_many(
        session, [notices.NewNotice(notice(f"Dossier {n}"), status="published") for n in range(500)], batch=lot
    )
    staged = sources.stage(session, source, [Received(f"oai:RECI:{n}", str(n), []) for n in range(500)])
    links = [claims.Link(of, s.record_id, s.version_id) for of, s in zip(made, staged, strict=True)]
    with statements(session) as sent:
        claims.link_many(session, links, batch=lot)
    assert len(sent) < 10
    assert len(session.scalars(select(Revision.id).where(Revision.entity == "claim")).all()) == 500


# --- why it was linked -----------------------------------------------------------------------


def test_a_link_by_its_identifier_alone_says_why(session: Session) -> None:
    (made,) = come(session, reci(session), ("7", MIETTES))
    (out,) = come(session, reci(session, "Copie"), ("7", [*MIETTES, ABSTRACT]))
    assert (out.kind, out.notice_id) == ("matched", made.notice_id)
    (judged,) = session.scalars(select(Judgement)).all()
    assert (judged.verdict, judged.by) == ("same", judgements.MACHINE)
    assert {judged.left, judged.right} == {f"notice:{made.notice_id}", f"record:{out.record_id}"}
    (reason,) = reasons_of({"reasons": judged.reasons})
    assert reason.sentence == "même notice d’origine (oai:RECI:7)"
    claim = session.scalars(select(Claim).where(Claim.record_id == out.record_id)).one()
    assert claim.judgement_id == judged.id
    undo(session)
    assert speaking(session) == [(made.notice_id, "linked"), (made.notice_id, "split")]
    assert judged.revoked_at is not None


# --- « ce n'est pas la même » ----------------------------------------------------------------


def joined(session: Session, extra: Fields | None = None) -> tuple[Notice, Claim]:
    """A notice of ours and a record of RECI that the machine has joined to it, its abstract taken over."""
    mine = ours(session)
    come(session, reci(session), ("1", [*MIETTES, ABSTRACT, *(extra or [])]))
    proposals.accept_safe(session, by="claire")
    return mine, session.scalars(select(Claim)).one()


def test_a_record_taken_off_a_notice_is_a_candidate_and_stays_apart(session: Session) -> None:
    mine, claim = joined(session)
    hold(session, mine, claim.record_id or 0)
    new = joining.not_the_same(session, claim, by="claire", why="une autre édition")
    assert (new.status, words(new)) == ("candidate", words(mine))
    assert speaking(session) == [(mine.id, "split"), (new.id, "linked")]
    assert (held(session, mine), held(session, new)) == (0, 1)
    taken_over = next(f for f in mine.fields if f["t"] == "330")
    assert taken_over["o"] == [claim.id], "kept, and one knows whose it was"
    pair = (f"notice:{mine.id}", f"notice:{new.id}")
    assert judgements.verdict(session, [pair])[pair].verdict == "different"
    (out,) = come(session, reci(session), ("1", [*MIETTES, field("606", "a", "Emploi")]))
    assert (out.kind, out.notice_id) == ("updated", new.id)
    assert [line.notice_id for line in proposals.list_waiting(session)] == [new.id]
    assert list(integrity.faults(session)) == []


def test_taking_a_record_off_can_be_undone_whole(session: Session) -> None:
    mine, claim = joined(session)
    hold(session, mine, claim.record_id or 0)
    before = mine.fields
    new = joining.not_the_same(session, claim, by="claire")
    assert undo(session, last_lot(session, "split")).left == []
    assert (new.status, speaking(session)) == ("withdrawn", [(mine.id, "linked"), (new.id, "split")])
    assert (held(session, mine), held(session, new), mine.fields) == (1, 0, before)
    judged = session.scalars(select(Judgement).where(Judgement.verdict == "different")).one()
    assert judged.revoked_at is not None
    (out,) = come(session, reci(session), ("1", [*MIETTES, ABSTRACT, field("606", "a", "Emploi")]))
    assert (out.kind, out.notice_id) == ("updated", mine.id)
    assert list(integrity.faults(session)) == []


def test_links_that_name_the_record_lead_where_it_speaks(session: Session) -> None:
    mine, claim = joined(session)
    source = reci(session)
    part = {"t": "461", "i": "  ", "x": "1", "s": [["t", "La ville"], ["9", "id:1"], ["9", "lnk:book"]]}
    (part_out,) = come(session, source, ("2", notice("Premier chapitre", part)))  # type: ignore[arg-type]
    targets = select(NoticeLink.target_id).where(NoticeLink.notice_id == part_out.notice_id)
    assert session.scalars(targets).all() == [mine.id]
    new = joining.not_the_same(session, claim, by="claire")
    assert session.scalars(targets).all() == [new.id]
    assert session.scalars(select(ExternalId.entity_id).where(ExternalId.value == "1")).all() == [new.id]
    undo(session, last_lot(session, "split"))
    assert session.scalars(targets).all() == [mine.id]
    assert list(integrity.faults(session)) == []


def test_what_cannot_be_taken_off_says_why(session: Session) -> None:
    (made,) = come(session, reci(session), ("1", MIETTES))
    only = session.scalars(select(Claim)).one()
    with pytest.raises(NotMergeable, match="one_voice") as refused:
        joining.not_the_same(session, only, by="claire")
    assert "La ville en miettes" in refused.value.sentence()
    (session.get_one(Notice, made.notice_id)).status = "withdrawn"
    with pytest.raises(NotMergeable, match="not_joined"):
        joining.not_the_same(session, only, by="claire")
    assert session.scalars(select(Batch).where(Batch.kind == "split")).all() == []


def test_a_record_that_its_partner_has_deleted_is_taken_off_with_its_last_words(session: Session) -> None:
    mine, source = ours(session), reci(session)
    claim = session.get_one(Claim, linked(session, source, "1", mine, [*MIETTES, ABSTRACT]))
    sources.stage(session, source, [Received("oai:RECI:1", "", [], deleted=True)])
    new = joining.not_the_same(session, claim, by="claire")
    assert ABSTRACT["s"][0][1] in words(new)
    assert len(proposals.list_deleted(session)) == 1, "that it is gone is still to be decided"


def test_the_history_of_a_notice_merged_away_says_who_had_said_it(session: Session) -> None:
    mine = ours(session)
    (out,) = come(session, reci(session), ("1", notice("Tout autre chose", ABSTRACT)))
    theirs = session.get_one(Notice, out.notice_id)
    joining.merge(session, mine, theirs, by="claire")
    with use_language("fr"):
        origins = {value.origin for value in desk_history.notice_history(session, theirs).values}
    assert origins
    assert all(origin.startswith("repris de RECI le ") for origin in origins), origins


# --- pages that are out of date --------------------------------------------------------------


def test_what_was_said_of_two_before_their_merge_holds_again_after_it(session: Session) -> None:
    one, other = ours(session), ours(session)
    ends = (f"notice:{one.id}", f"notice:{other.id}")
    joining.decide(session, one, other, "different", by="claire")
    joining.merge(session, one, other, by="marc")
    undo(session, last_lot(session, "join"))
    assert judgements.verdict(session, [ends])[ends].by == "claire"
    joining.merge(session, one, other, by="marc")
    joining.unmerge(session, other, by="marc")
    assert judgements.verdict(session, [ends])[ends].verdict == "different"
    joining.merge(session, one, other, by="marc")
    joining.unmerge(session, other, by="marc", different=True)
    held_now = session.scalars(select(Judgement).where(Judgement.revoked_at.is_(None))).all()
    assert [judged.by for judged in held_now] == ["marc"]


def test_a_page_from_before_a_merge_stores_nothing_and_says_what_became_of_it(session: Session) -> None:
    names = count(1)
    one, other, third = (ours(session, notice(f"Titre {next(names)}")) for _n in range(3))
    joining.merge(session, one, other, by="claire")
    before = len(session.scalars(select(Judgement)).all())
    for verdict in ("same", "different", "unsure"):
        with pytest.raises(NotMergeable) as refused:
            joining.decide(session, one, other, verdict, by="marc")
        assert (refused.value.code, refused.value.into) == ("already_merged", one)
        with pytest.raises(NotMergeable) as refused:
            joining.decide(session, third, other, verdict, by="marc")
        assert (refused.value.code, refused.value.into) == ("absorbed", one)
        assert f"/d/{one.address}" in refused.value.sentence()
    assert len(session.scalars(select(Judgement)).all()) == before


def test_every_reason_not_to_merge_has_a_sentence(session: Session) -> None:
    one, other = ours(session), ours(session)
    codes = ("same_notice", "already_merged", "absorbed", "not_living", "not_merged", "survivor_merged", "not_joined")
    for code in (*codes, "one_voice"):
        said = NotMergeable(code, one, other).sentence()
        assert not said.startswith("merge."), code
        assert "{" not in said, code
