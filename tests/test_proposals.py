"""What a harvest proposes: counted, read, decided in lots, taken back; rules of a source; judgements."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import (
    claims,
    history,
    integrity,
    judgements,
    lot_pages,
    lots,
    notices,
    proposals,
    provenance,
    sources,
)
from catalogue.i18n import format_date, use_language
from catalogue.models import Batch, Claim, Judgement, Notice, Proposal, Revision, Source, SourceRecord
from catalogue.sources import Received
from catalogue.unimarc import Field, Fields, fingerprint
from catalogue.volatile import volatile
from tests.cast import MIETTES, field, notice
from tests.test_lots import statements

ABSTRACT = field("330", "a", "Un quartier raconté par ses habitants.")


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def reci(session: Session, name: str = "RECI", **values: object) -> Source:
    found = sources.find(session, name)
    if found is None:
        found = Source(name=name, kind="oai", **values)
        session.add(found)
        session.flush()
    return found


def says(session: Session, source: Source, number: str, fields: Fields, *, deleted: bool = False) -> int:
    """One night, one record: what the source says of it from now on; returns the record."""
    mark = fingerprint(fields, volatile)
    (staged,) = sources.stage(session, source, [Received(f"oai:{source.name}:{number}", mark, fields, deleted=deleted)])
    return staged.record_id


def taken_in(session: Session, source: Source, number: str, fields: Fields, status: str = "published") -> Notice:
    """A notice made from a record, as `intake` does."""
    record = says(session, source, number, fields)
    version = session.get_one(SourceRecord, record).latest_version_id or 0
    (claim,) = history.take(session, "claim", 1)
    lot = history.open_batch(session, "harvest", by="travee harvest")
    (made,) = notices.create_many(
        session, [notices.NewNotice(fields, claim_id=claim, scope=source.name, status=status)], batch=lot
    )
    sources.claim_many(session, [(claim, made, record, version)])
    return notices.get(session, made)


def linked(session: Session, source: Source, number: str, to: Notice, fields: Fields) -> int:
    """A record recognised as a notice of ours; returns its claim."""
    lot = history.open_batch(session, "harvest", by="travee harvest")
    link = claims.Link(to.id, says(session, source, number, fields))
    return claims.link_many(session, [link], batch=lot)[0]


def night(session: Session, source: Source, number: str, fields: Fields, **more: bool) -> proposals.Proposed:
    (out,) = proposals.propose(session, record_ids=[says(session, source, number, fields, **more)])
    return out


def changed(fields: Fields, tag: str, *new: Field) -> Fields:
    return [*(f for f in fields if f["t"] != tag), *new]


def words(of: Notice) -> set[str]:
    return {v for f in of.fields for _c, v in f.get("s", ())}


def base_of(session: Session, claim_id: int) -> int | None:
    return session.scalar(select(Claim.base_version_id).where(Claim.id == claim_id))


def test_what_they_add_is_safe_and_is_accepted_in_one_lot_that_can_be_undone(session: Session) -> None:
    source = reci(session)
    made = [taken_in(session, source, str(n), notice(f"Dossier {n}")) for n in range(3)]
    for n in range(3):
        assert night(session, source, str(n), [*notice(f"Dossier {n}"), ABSTRACT]).category == "safe"
    assert proposals.count(session)["safe"] == 3
    done = proposals.accept_safe(session, by="claire")
    assert done.batch is not None
    assert (len(done.done), done.waiting, done.batch.kind) == (3, [], "accept")
    assert all(ABSTRACT["s"][0][1] in words(n) for n in made)
    assert proposals.count(session)["safe"] == 0
    undone = lots.undo(session, done.batch, by="claire")
    assert undone.left == []
    assert not any(ABSTRACT["s"][0][1] in words(n) for n in made)
    assert proposals.count(session)["safe"] == 3, "what was undone waits again"
    assert list(integrity.faults(session)) == []


def test_harvesting_the_same_twice_proposes_nothing_new(session: Session) -> None:
    source = reci(session)
    taken_in(session, source, "1", MIETTES)
    first = night(session, source, "1", [*MIETTES, ABSTRACT])
    assert night(session, source, "1", [*MIETTES, ABSTRACT]) == first
    assert session.scalar(select(func.count(Proposal.id))) == 1
    proposals.accept(session, [first.proposal_id or 0], by="claire")
    (record,) = session.scalars(select(SourceRecord.id))
    assert proposals.propose(session, record_ids=[record]) == []
    assert session.scalar(select(func.count(Proposal.id)).where(Proposal.state == "waiting")) == 0


def test_each_value_says_where_it_comes_from(session: Session) -> None:
    source = reci(session)
    ours = notices.create(session, MIETTES, by="claire", status="published")
    claim = linked(session, source, "1", ours, [*MIETTES, ABSTRACT])
    (proposed,) = proposals.propose(session, claim_ids=[claim])
    done = proposals.accept(session, [proposed.proposal_id or 0], by="claire")
    by_tag = {f["t"]: f for f in ours.fields}
    assert by_tag["330"]["o"] == [claim]
    assert by_tag["200"]["o"] == ["l", claim], "both say the title"
    lot = session.get_one(Revision, by_tag["330"]["r"]).batch_id
    assert done.batch is not None
    assert lot == done.batch.id
    assert session.get_one(Revision, by_tag["200"]["r"]).batch_id != lot, "ours was there before"


def test_a_value_tells_its_story(session: Session) -> None:
    source = reci(session)
    ours = notices.create(session, MIETTES, by="claire", status="published")
    claim = linked(session, source, "1", ours, [*MIETTES, ABSTRACT])
    (proposed,) = proposals.propose(session, claim_ids=[claim])
    proposals.accept(session, [proposed.proposal_id or 0], by="claire")

    def told() -> dict[str, str]:
        found = zip(ours.fields, provenance.of_notice(session, ours), strict=True)
        return {f["t"]: origin.sentence for f, origin in found}

    with use_language("fr"):
        today = format_date(ours.updated_at)
        assert told()["330"] == f"repris de RECI le {today}"
        assert told()["200"] == "saisi ici ; RECI dit de même"
        later = night(session, source, "1", [*MIETTES, field("330", "a", "Un résumé tout autre, de RECI.")])
        proposals.refuse(session, [later.proposal_id or 0], by="claire")
        assert told()["330"] == f"repris de RECI le {today}, gardé le nôtre depuis"
        notices.revise(session, ours, [*ours.fields, field("300", "a", "Note")], by="marc")
        assert told()["300"] == f"saisi ici par marc le {today}"


def test_a_conflict_waits_for_a_person_who_sees_the_result_first(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "1", MIETTES)
    own = changed(MIETTES, "200", field("200", "a", "La ville en miettes", "e", "notre sous-titre", ind="1 "))
    notices.revise(session, made, own, by="claire")
    theirs = changed(MIETTES, "200", field("200", "a", "La ville en morceaux", ind="1 "))
    proposed = night(session, source, "1", [*theirs, ABSTRACT])
    assert proposed.category == "conflict"
    waiting = proposals.get(session, proposed.proposal_id or 0)
    title = next(c for c in proposals.changes_of(waiting) if c.tag == "200")
    assert (title.nature, title.preselected(), title.choices) == ("conflict", "ours", ("ours", "theirs"))
    seen = proposals.preview(session, waiting, {title.slot: "theirs"})
    assert "La ville en morceaux" in {v for f in seen for _c, v in f.get("s", ())}
    assert "notre sous-titre" in words(made), "a preview changes nothing"
    proposals.accept(session, [waiting.id], by="claire")
    assert {"notre sous-titre", ABSTRACT["s"][0][1]} <= words(made), "preselected: ours, and what they add"
    assert night(session, source, "1", [*theirs, ABSTRACT, field("300", "a", "Note")]).category == "safe", (
        "what was kept is not asked again"
    )


def test_refusing_keeps_ours_and_is_remembered_until_they_say_something_else(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "1", MIETTES)
    proposed = night(session, source, "1", [*MIETTES, ABSTRACT])
    before = made.version
    refused = proposals.refuse(session, [proposed.proposal_id or 0], by="claire")
    assert refused.batch is not None
    assert (made.version, refused.batch.kind, refused.done) == (before, "refuse", [proposed.proposal_id])
    assert proposals.count(session)["safe"] == 0
    again = night(session, source, "1", [*MIETTES, ABSTRACT, field("300", "a", "Note")])
    (change,) = proposals.changes_of(proposals.get(session, again.proposal_id or 0))
    assert change.tag == "300"
    lots.undo(session, refused.batch, by="claire")
    (back,) = proposals.list_waiting(session)
    assert back.changes == 2, "both differences are asked"


def test_one_decision_may_wait_while_the_others_are_taken(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "1", [*MIETTES, field("300", "a", "Une note")])
    theirs = [*changed(MIETTES, "606", field("606", "a", "Logement social")), field("300", "a", "Une notice"), ABSTRACT]
    proposed = night(session, source, "1", theirs)
    waiting = proposals.get(session, proposed.proposal_id or 0)
    by_tag = {(c.tag, c.nature): c.slot for c in proposals.changes_of(waiting)}
    told = {by_tag["330", "add"]: "theirs", by_tag["606", "remove"]: "ours", by_tag["606", "add"]: "ours"}
    done = proposals.accept(session, [waiting.id], {waiting.id: told | {by_tag["300", "update"]: "later"}}, by="claire")
    assert done.waiting == [waiting.id]
    assert ABSTRACT["s"][0][1] in words(made)
    (left,) = proposals.changes_of(waiting)
    assert left.tag == "300", "what was decided is not asked again"
    proposals.accept(session, [waiting.id], by="claire")
    assert "Une notice" in words(made)
    assert base_of(session, proposed.claim_id) == waiting.version_id
    assert done.batch is not None


def test_nobody_decides_what_nobody_has_read(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "1", MIETTES)
    proposed = night(session, source, "1", changed(MIETTES, "200", field("200", "a", "La ville", ind="1 ")))
    edited = changed(MIETTES, "200", field("200", "a", "La ville en poussière", ind="1 "))
    notices.revise(session, made, edited, by="marc")
    done = proposals.accept(session, [proposed.proposal_id or 0], by="claire")
    assert (done.done, done.waiting, done.batch) == ([], [proposed.proposal_id], None)
    assert "La ville en poussière" in words(made)
    (line,) = proposals.list_waiting(session)
    assert line.category == "conflict", "read again, it is a conflict"


def test_two_sources_on_one_notice_are_decided_one_after_the_other(session: Session) -> None:
    ours = notices.create(session, MIETTES, by="claire", status="published")
    for name, note in (("RECI", "Note de RECI"), ("Cosoter", "Remarque de Cosoter")):
        linked(session, reci(session, name), "1", ours, [*MIETTES, field("300", "a", note), ABSTRACT])
    proposals.propose(session, claim_ids=session.scalars(select(Claim.id)).all())
    assert proposals.count(session) == {"new": 0, "safe": 2, "update": 0, "conflict": 0, "deleted": 0}
    assert [w.source for w in proposals.list_waiting(session, source="Cosoter")] == ["Cosoter"]
    done = proposals.accept_safe(session, by="claire")
    proposals.refresh(session)
    assert {"Note de RECI", "Remarque de Cosoter"} <= words(ours)
    assert proposals.count(session)["safe"] + len(done.done) == 2
    proposals.accept_safe(session, by="claire")
    (abstract,) = [f for f in ours.fields if f["t"] == "330"]
    assert len(abstract["o"]) >= 1
    assert list(integrity.faults(session)) == []


def test_a_remote_deletion_takes_only_its_claim_and_comes_back(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "1", MIETTES)
    proposed = night(session, source, "1", [], deleted=True)
    assert proposed.category == "deleted"
    assert proposals.list_deleted(session) == [proposed.claim_id]
    done = proposals.withdraw(session, [proposed.claim_id], by="claire")
    assert (made.status, "La ville en miettes" in words(made)) == ("published", True)
    assert proposals.count(session)["deleted"] == 0
    assert done.batch is not None
    lots.undo(session, done.batch, by="claire")
    assert proposals.list_deleted(session) == [proposed.claim_id]
    proposals.withdraw(session, [proposed.claim_id], by="claire")
    (claim,) = claims.of_notices(session, [made.id])
    record = says(session, source, "1", [*MIETTES, ABSTRACT])
    assert claim.record_id == record
    (back,) = proposals.propose(session, record_ids=[record])
    assert (back.category, claim.state) == ("safe", "linked")


def test_candidates_are_published_in_one_lot(session: Session) -> None:
    source = reci(session)
    made = [taken_in(session, source, str(n), notice(f"Dossier {n}"), "candidate") for n in range(3)]
    assert proposals.count(session, source="RECI")["new"] == 3
    done = proposals.accept_new(session, by="claire", notice_ids=[made[0].id, made[2].id])
    assert [n.status for n in made] == ["published", "candidate", "published"]
    assert done.batch is not None
    lots.undo(session, done.batch, by="claire")
    assert {n.status for n in made} == {"candidate"}
    assert len(proposals.accept_new(session, by="claire", source="RECI").notices) == 3


def test_undoing_leaves_a_notice_that_was_edited_since_and_its_agreement(session: Session) -> None:
    source = reci(session)
    made = taken_in(session, source, "1", MIETTES)
    proposed = night(session, source, "1", [*MIETTES, ABSTRACT])
    done = proposals.accept_safe(session, by="claire")
    notices.revise(session, made, [*made.fields, field("300", "a", "Vu par Marc")], by="marc")
    assert done.batch is not None
    result = lots.undo(session, done.batch, by="claire")
    assert [left.code for left in result.left] == ["changed_since"]
    waiting = proposals.get(session, proposed.proposal_id or 0)
    assert (waiting.state, base_of(session, proposed.claim_id)) == ("accepted", waiting.version_id)


# --- rules -----------------------------------------------------------------------------------


def test_a_rule_of_the_source_lets_in_what_it_says_and_is_told_in_the_lot(session: Session) -> None:
    rules = {"fields": {"abstract": {"adds": "accept"}, "subjects": {"adds": "ours", "removes": "ours"}}}
    source = reci(session, rules=rules)
    made = taken_in(session, source, "1", MIETTES)
    theirs = [*changed(MIETTES, "210", field("210", "c", "Éd. du Canal")), ABSTRACT, field("606", "a", "Emploi")]
    proposed = night(session, source, "1", theirs)
    lot: list[Batch] = []

    def batch() -> Batch:
        lot.append(history.open_batch(session, "rule", by="travee harvest", why=proposals.rule_why(source)))
        return lot[-1]

    done = proposals.apply_rules(session, [proposed.claim_id], batch=batch)
    assert (len(lot), lot[0].why.startswith("RECI : Résumé")) == (1, True)
    assert ABSTRACT["s"][0][1] in words(made)
    assert done.waiting == [proposed.proposal_id]
    (left,) = proposals.changes_of(proposals.get(session, proposed.proposal_id or 0))
    assert left.group == "publisher", "the subject was kept out by a rule, the publisher waits"
    lots.undo(session, lot[0], by="claire")
    assert ABSTRACT["s"][0][1] not in words(made)
    assert len(proposals.changes_of(proposals.get(session, proposed.proposal_id or 0))) == 3


def test_a_rule_never_changes_what_somebody_here_has_touched(session: Session) -> None:
    source = reci(session, rules={"follow": "untouched"})
    mine = taken_in(session, source, "1", MIETTES)
    edited = taken_in(session, source, "2", MIETTES)
    own = changed(MIETTES, "210", field("210", "c", "Notre éditeur"))
    notices.revise(session, edited, own, by="claire")
    theirs = changed(MIETTES, "210", field("210", "c", "Leur éditeur"))
    found = [night(session, source, number, theirs) for number in "12"]
    with statements(session) as told:
        done = proposals.apply_rules(
            session,
            [p.claim_id for p in found],
            batch=lambda: history.open_batch(session, "rule", by="travee harvest"),
        )
    assert len(told) < 60
    assert ("Leur éditeur" in words(mine), "Notre éditeur" in words(edited)) == (True, True)
    assert (done.done, done.waiting) == ([found[0].proposal_id], [found[1].proposal_id])
    assert all(f["o"] == [found[0].claim_id] for f in mine.fields)


def test_many_are_proposed_and_accepted_in_few_statements(session: Session) -> None:
    source = reci(session)
    many = 30
    for n in range(many):
        taken_in(session, source, str(n), notice(f"Dossier {n}"))
    records = [says(session, source, str(n), [*notice(f"Dossier {n}"), ABSTRACT]) for n in range(many)]
    with statements(session) as told:
        found = proposals.propose(session, record_ids=records)
    assert (len(found), len(told) < 12) == (many, True)
    with statements(session) as told:
        done = proposals.accept_safe(session, by="claire")
    assert len(done.done) == many
    beside = [s for s in told if not s.startswith(("UPDATE notice SET", "UPDATE claim SET", "UPDATE proposal SET"))]
    assert len(beside) < 40


# --- judgements ------------------------------------------------------------------------------


def test_a_judgement_holds_in_both_directions_until_it_is_revoked(session: Session) -> None:
    one, two = f"notice:{1}", "record:9"
    judged = judgements.judge(session, two, one, "different", by="claire", why="pas la même édition", score=0.8)
    assert judgements.verdict(session, [(one, two), (two, one), (one, "record:8")]).keys() == {(one, two), (two, one)}
    held = judgements.verdict(session, [(one, two)])[one, two]
    assert (held.verdict, held.by, held.score, list(held.reasons)) == (
        "different", "claire", 0.8, ["pas la même édition"],
    )  # fmt: skip
    judgements.revoke(session, judged, by="marc")
    assert judgements.verdict(session, [(one, two)]) == {}


def test_a_later_judgement_replaces_the_earlier_one_and_undo_brings_it_back(session: Session) -> None:
    pair = ("notice:1", "notice:2")
    judgements.judge(session, *pair, "unsure", by="claire")
    judgements.judge(session, *pair, "different", by="claire")
    assert judgements.verdict(session, [pair])[pair].verdict == "different"
    last = session.scalars(select(Batch).order_by(Batch.id.desc()).limit(1)).one()
    lots.undo(session, last, by="claire")
    assert judgements.verdict(session, [pair])[pair].verdict == "unsure"
    assert session.scalar(select(func.count(Judgement.id))) == 2, "nothing that was said is erased"


def test_a_candidate_is_told_apart_by_its_record_which_outlives_it(session: Session) -> None:
    source = reci(session)
    ours = notices.create(session, MIETTES, by="claire", status="published")
    candidate = taken_in(session, source, "1", MIETTES, "candidate")
    end = judgements.end_of(session, candidate.id, candidate=True)
    judgements.judge(session, end, f"notice:{ours.id}", "different", by="claire")
    assert end.startswith("record:")
    pair = (f"notice:{candidate.id}", f"notice:{ours.id}")
    assert judgements.verdict(session, [pair])[pair].verdict == "different"
    with pytest.raises(ValueError):
        judgements.judge(session, "notice:1", "notice:1", "same", by="claire")


# --- lots on the desk ------------------------------------------------------------------------


def test_a_lot_is_told_by_the_notices_it_changed_or_was_asked_about(session: Session) -> None:
    source = reci(session)
    taken_in(session, source, "1", MIETTES)
    first = night(session, source, "1", [*MIETTES, ABSTRACT])
    refused = proposals.refuse(session, [first.proposal_id or 0], by="claire").batch
    night(session, source, "1", [*MIETTES, field("300", "a", "Note")])
    accepted = proposals.accept_safe(session, by="claire").batch
    judgements.judge(session, "notice:1", "record:1", "different", by="claire")
    assert refused is not None and accepted is not None
    counted = {batch.kind: n for batch, n in history.list_batches(session)}
    assert (counted["accept"], counted["refuse"], counted["judge"]) == (1, 1, 1)
    for batch in (refused, accepted):
        page = lot_pages.lot_page(session, batch)
        assert [change.title for change in page.changes] == ["La ville en miettes"]
    result = lots.undo(session, refused, by="claire")
    assert [(x.entity, x.label, x.code) for x in result.left] == [("notice", "La ville en miettes", "changed_since")]
    assert result.restored == 0
