"""A record and a notice that meet: what both say is agreed, the rest is for a person, and rules wait for that."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import history, lots, notices, proposals
from catalogue.models import Batch, Claim, Notice
from catalogue.proposals import Settled
from catalogue.unimarc import Fields
from tests.cast import MIETTES, field, notice
from tests.test_proposals import ABSTRACT, base_of, changed, linked, night, reci, says, taken_in, words

EVERYTHING = {"fields": {"all": dict.fromkeys(("adds", "updates", "removes", "conflicts"), "accept")}}
THEIR_ABSTRACT = field("330", "a", "Leur résumé.")
THEIRS = [*changed(MIETTES, "210", field("210", "c", "Leur éditeur", "d", "1998")), THEIR_ABSTRACT]


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def met(session: Session, ours: Fields, theirs: Fields) -> tuple[Notice, proposals.Proposed]:
    """A notice of ours, and a record that is found to speak of it, from a source whose rules take everything."""
    mine = notices.create(session, ours, by="claire", status="published")
    claim = linked(session, reci(session, rules=EVERYTHING), "1", mine, theirs)
    (proposed,) = proposals.propose(session, claim_ids=[claim])
    return mine, proposed


def rule(session: Session, claim: int) -> Settled:
    return proposals.apply_rules(
        session, [claim], batch=lambda: history.open_batch(session, "rule", by="travee harvest")
    )


def asked(session: Session, proposed: proposals.Proposed) -> dict[str, str]:
    found = proposals.changes_of(proposals.get(session, proposed.proposal_id or 0))
    return {change.tag: change.nature for change in found}


def test_a_first_meeting_waits_for_a_person_whatever_the_rules_say(session: Session) -> None:
    mine, proposed = met(session, [*MIETTES, ABSTRACT], THEIRS)
    assert (proposed.category, asked(session, proposed)) == ("update", {"210": "differ", "330": "differ"})
    assert rule(session, proposed.claim_id).batch is None
    assert not {"Leur éditeur", "Leur résumé."} & words(mine)
    assert proposals.count(session)["conflict"] == 0


def test_no_rule_adds_to_a_notice_that_the_record_may_not_be_about(session: Session) -> None:
    mine, proposed = met(session, notice("Les quartiers de Lens"), notice("Cuisine des îles", ABSTRACT))
    assert (proposed.category, proposed.why) == ("conflict", "record.other_document")
    assert rule(session, proposed.claim_id).batch is None
    assert ABSTRACT["s"][0][1] not in words(mine)
    assert proposals.accept_safe(session, by="claire").batch is None


def test_what_both_said_when_they_met_is_compared_with_the_next_night(session: Session) -> None:
    mine, _first = met(session, [*MIETTES, ABSTRACT], THEIRS)
    later = changed(THEIRS, "200", field("200", "a", "La ville en morceaux", ind="1 "))
    (again,) = proposals.propose(session, record_ids=[says(session, reci(session), "1", later)])
    assert asked(session, again) == {"200": "update", "210": "differ", "330": "differ"}
    assert rule(session, again.claim_id).batch is None, "nobody has yet said that it is the same"
    proposals.accept(session, [again.proposal_id or 0], by="claire")
    assert {"La ville en morceaux", ABSTRACT["s"][0][1]} <= words(mine)


def test_once_a_person_has_decided_all_three_states_count_and_rules_apply(session: Session) -> None:
    mine, proposed = met(session, [*MIETTES, ABSTRACT], THEIRS)
    done = proposals.refuse(session, [proposed.proposal_id or 0], by="claire")
    claim = session.get_one(Claim, proposed.claim_id)
    assert claim.base_version_id is not None
    later = [*changed(THEIRS, "330", field("330", "a", "Leur résumé, revu.")), field("300", "a", "Avec un plan")]
    again = night(session, reci(session), "1", later)
    assert asked(session, again) == {"330": "conflict", "300": "add"}
    assert rule(session, again.claim_id).done == [again.proposal_id]
    assert {"Leur résumé, revu.", "Avec un plan"} <= words(mine)
    assert done.batch is not None


def test_taking_the_decision_back_makes_it_a_meeting_again(session: Session) -> None:
    mine, proposed = met(session, [*MIETTES, ABSTRACT], THEIRS)
    done = proposals.refuse(session, [proposed.proposal_id or 0], by="claire").batch
    assert done is not None
    lots.undo(session, done, by="claire")
    assert base_of(session, proposed.claim_id) is None
    assert asked(session, proposed) == {"210": "differ", "330": "differ"}
    assert rule(session, proposed.claim_id).batch is None
    edited = changed(mine.fields, "200", field("200", "a", "La ville en poussière", ind="1 "))
    notices.revise(session, mine, edited, by="marc")
    proposals.refresh(session)
    assert asked(session, proposed) == {"210": "differ", "330": "differ"}, "what we change is ours to change"


def test_deciding_half_of_a_meeting_leaves_the_other_half(session: Session) -> None:
    mine, proposed = met(session, [*MIETTES, ABSTRACT], THEIRS)
    question = proposals.get(session, proposed.proposal_id or 0)
    slots = {c.tag: c.slot for c in proposals.changes_of(question)}
    told = {slots["210"]: "theirs", slots["330"]: "later"}
    settled = proposals.accept(session, [question.id], {question.id: told}, by="claire")
    assert (settled.waiting, settled.done, settled.notices) == ([question.id], [], [mine.id])
    assert asked(session, proposed) == {"330": "differ"}
    assert rule(session, proposed.claim_id).batch is None


def test_two_that_say_the_same_have_agreed_without_anybody(session: Session) -> None:
    mine, proposed = met(session, MIETTES, MIETTES)
    assert (proposed.category, base_of(session, proposed.claim_id) is not None) == ("nothing", True)
    again = night(session, reci(session), "1", [*MIETTES, ABSTRACT])
    assert rule(session, again.claim_id).done == [again.proposal_id]
    assert ABSTRACT["s"][0][1] in words(mine)


# --- what we took away -----------------------------------------------------------------------


def test_a_subject_taken_away_here_is_not_brought_back_by_a_rule_or_by_hundreds(session: Session) -> None:
    crime, renamed = (
        field("606", "a", "Délinquance", "9", "id:813"),
        field("606", "a", "Prévention de la violence", "9", "id:990"),
    )
    made = taken_in(session, reci(session, rules={"follow": "untouched"}), "1", [*MIETTES, crime])
    notices.revise(session, made, [f for f in made.fields if "Délinquance" not in str(f)], by="claire")
    proposed = night(session, reci(session), "1", [*MIETTES, renamed])
    assert rule(session, proposed.claim_id).batch is None
    assert proposals.accept_safe(session, by="claire").batch is None
    assert "Prévention de la violence" not in words(made)
    assert proposals.count(session)["conflict"] == 1
    proposals.refuse(session, [proposed.proposal_id or 0], by="claire")
    again = night(session, reci(session), "1", [*MIETTES, field("606", "a", "Violence, prévention", "9", "id:991")])
    assert rule(session, again.claim_id).batch is None, "what was refused is not brought back in other words either"


# --- what is counted -------------------------------------------------------------------------


def test_each_thing_asked_for_is_counted_once(session: Session) -> None:
    source = reci(session)
    numbers = []
    for n in range(4):
        taken_in(session, source, str(n), notice(f"Dossier {n}"))
        numbers.append(night(session, source, str(n), [*notice(f"Dossier {n}"), ABSTRACT]).proposal_id or 0)
    seen = proposals.mark_now(session)
    proposals.refuse(session, numbers[:1], by="marc")
    own = notices.get(session, session.get_one(Claim, proposals.get(session, numbers[1]).claim_id).notice_id)
    notices.revise(session, own, [*own.fields, ABSTRACT], by="marc")
    night(session, source, "2", [*notice("Dossier 2"), THEIR_ABSTRACT])
    settled = proposals.accept(session, numbers, by="claire", seen=seen)
    assert (settled.gone, settled.later, settled.waiting) == ([numbers[0], numbers[1]], [numbers[2]], [])
    assert (settled.done, len(settled.notices)) == ([numbers[3]], 1)
    assert proposals.get(session, numbers[1]).state == "stale", "both say it now: nothing is left to decide"


def test_what_decides_nothing_leaves_no_lot(session: Session) -> None:
    _mine, proposed = met(session, [*MIETTES, ABSTRACT], THEIRS)
    number = proposed.proposal_id or 0
    question = proposals.get(session, number)
    later = {number: {c.slot: "later" for c in proposals.changes_of(question)}}
    before = session.scalars(select(Batch.id)).all()
    for settled in (
        proposals.accept(session, [number], later, by="claire"),
        proposals.accept_safe(session, by="claire"),
        proposals.accept_new(session, by="claire"),
        proposals.withdraw(session, [proposed.claim_id, 999], by="claire"),
        proposals.refuse(session, [999], by="claire"),
    ):
        assert settled.batch is None
    assert session.scalars(select(Batch.id)).all() == before
