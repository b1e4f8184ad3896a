"""A small world where everything happens in any order: two partners, a few notices, a clumsy documentalist.

Harvests, edits, merges, unmerges, decisions, deletions, rules and undos follow one another, drawn from a seed.
Whatever the order: what somebody wrote here can be read, nothing breaks, and what is computed agrees.
"""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import history, integrity, joining, lots, notices, proposals
from catalogue.joining import NotMergeable
from catalogue.models import Batch, Claim, Notice, Proposal, Revision, SourceRecord
from catalogue.proposals import LIVING
from catalogue.unimarc import Fields
from tests.cast import field, notice
from tests.test_proposals import linked, reci, says, taken_in

SUBJECTS = ("Emploi", "Logement", "École", "Santé")
TITLES = ("Quartiers nord", "Quartiers nord en chantier", "Les quartiers nord")


class World:
    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.draw = session, random.Random(seed)
        self.sources = [reci(session, "RECI"), reci(session, "Cosoter", rules={"fields": {"all": {"adds": "accept"}}})]
        self.records: dict[tuple[int, str], Fields] = {}
        self.written: dict[str, int] = {}  # what was written here -> the lot that wrote it
        self.decided: set[str] = set()  # a person chose the other, or took the lot back: it is in the history
        self.told: list[str] = []
        for n, source in enumerate(self.sources):
            for number in "12":
                self.records[n, number] = notice(TITLES[0], field("606", "a", SUBJECTS[n]))
                taken_in(session, source, number, self.records[n, number])
        ours = notices.create(session, notice(TITLES[1]), by="claire", status="published")
        self.records[0, "3"] = notice(TITLES[0])
        linked(session, self.sources[0], "3", ours, self.records[0, "3"])

    # --- what may happen -----------------------------------------------------------------------

    def harvest(self) -> None:
        n, number = key = self.draw.choice(sorted(self.records))
        fields = [f for f in self.records[key] if self.draw.random() > 0.1 or f["t"] in ("000", "200")]
        new = self.draw.choice(
            [
                field("606", "a", self.draw.choice(SUBJECTS)),
                field("300", "a", f"Leur note {self.draw.randrange(99)}"),
                field("330", "a", f"Leur résumé {self.draw.randrange(9)}"),
            ]
        )
        if self.draw.random() < 0.3:
            fields = [f for f in fields if f["t"] != "200"]
            new = field("200", "a", self.draw.choice(TITLES), ind="1 ")
        self.records[key] = [*fields, new] if new not in fields else fields
        gone = self.draw.random() < 0.1
        record = says(self.session, self.sources[n], number, [] if gone else self.records[key], deleted=gone)
        proposals.propose(self.session, record_ids=[record])

    def rules(self) -> None:
        ids = self.session.scalars(select(Claim.id)).all()
        opened: list[Batch] = []

        def batch() -> Batch:
            opened[:] = opened or [history.open_batch(self.session, "rule", by="travee harvest")]
            return opened[0]

        proposals.apply_rules(self.session, ids, batch=batch)

    def edit(self) -> None:
        of = self.draw.choice(self.living())
        word = f"mot{len(self.written)}"
        new = field("300", "a", f"Écrit ici : {word}")
        fields = list(of.fields)
        if self.draw.random() < 0.3:
            new = field("200", "a", f"{self.draw.choice(TITLES)} {word}", ind="1 ")
            self.decided |= {w for w in self.written if any(w in str(f) for f in fields if f["t"] == "200")}
            self.decided.add(word)  # one title replaces another: only in the history from then on
            fields = [f for f in fields if f["t"] != "200"]
        elif self.draw.random() < 0.3:
            fields = [f for f in fields if f["t"] != "606"]
        lot = history.open_batch(self.session, "edit", by="claire")
        notices.revise(self.session, of, [*fields, new], by="claire", batch=lot)
        self.written[word] = lot.id

    def accept(self) -> None:
        if waiting := self.waiting():
            some = self.draw.sample(waiting, min(2, len(waiting)))
            told = {p.id: {c["slot"]: self.draw.choice(["ours", "theirs", "later"]) for c in p.changes} for p in some}
            proposals.accept(self.session, [p.id for p in some], told, by="claire")

    def refuse(self) -> None:
        if waiting := self.waiting():
            proposals.refuse(self.session, [self.draw.choice(waiting).id], by="claire")

    def accept_safe(self) -> None:
        proposals.accept_safe(self.session, by="claire")

    def withdraw(self) -> None:
        proposals.withdraw(self.session, proposals.list_deleted(self.session), by="claire")

    def merge(self) -> None:
        found = self.living()
        if len(found) > 1:
            survivor, loser = self.draw.sample(found, 2)
            joining.merge(self.session, survivor, loser, by="claire")

    def unmerge(self) -> None:
        merged = self.session.scalars(select(Notice).where(Notice.status == "merged").order_by(Notice.id)).all()
        if merged:
            try:
                joining.unmerge(self.session, self.draw.choice(merged), by="claire", different=self.draw.random() < 0.5)
            except NotMergeable as error:
                assert error.code == "survivor_merged"

    def undo(self) -> None:
        kinds = ("edit", "accept", "refuse", "rule", "withdraw", "join", "split", "undo", "judge")
        batches = self.session.scalars(select(Batch).where(Batch.kind.in_(kinds)).order_by(Batch.id)).all()
        possible = [b for b in batches[-12:] if not lots.why_not(self.session, b)]
        if possible:
            lot = self.draw.choice(possible)
            lots.undo(self.session, lot, by="claire")
            while lot.undoes_id is not None:
                lot = self.session.get_one(Batch, lot.undoes_id)
            self.decided |= {word for word, by in self.written.items() if by == lot.id}

    # --- what must hold ------------------------------------------------------------------------

    def living(self) -> list[Notice]:
        return list(self.session.scalars(select(Notice).where(Notice.status.in_(LIVING)).order_by(Notice.id)))

    def waiting(self) -> list[Proposal]:
        return list(self.session.scalars(select(Proposal).where(Proposal.state == "waiting").order_by(Proposal.id)))

    def check(self) -> None:
        shown = json.dumps([n.fields for n in self.living()], ensure_ascii=False)
        for word in self.written.keys() - self.decided:
            assert f'{word}"' in shown or f"{word} " in shown, f"{word} cannot be read any more: {self.told}"
        one_each = Counter(p.claim_id for p in self.waiting())
        assert set(one_each.values()) <= {1}, self.told

    def check_all(self) -> None:
        kept = [n.fields for n in self.session.scalars(select(Notice))]
        befores = self.session.scalars(select(Revision.before).where(Revision.entity == "notice")).all()
        everything = json.dumps([kept, befores], ensure_ascii=False)
        for word in self.written:
            assert f'{word}"' in everything, f"{word} is lost: {self.told}"
        loose = self.session.scalars(
            select(Claim.id)
            .join(Notice, Notice.id == Claim.notice_id)
            .where(Notice.status == "merged", Claim.state == "linked", Claim.record_id.is_not(None))
        ).all()
        assert loose == [], self.told
        assert list(integrity.faults(self.session)) == [], self.told

    def live(self, steps: int) -> None:
        acts = (
            *[self.harvest] * 5, *[self.edit] * 4, self.accept, self.accept, self.accept_safe, self.refuse,
            self.rules, self.withdraw, self.merge, self.merge, self.unmerge, *[self.undo] * 3,
        )  # fmt: skip
        for _n in range(steps):
            act = self.draw.choice(acts)
            self.told.append(act.__name__)
            act()
            self.check()
        self.check_all()


@pytest.mark.parametrize("seed", [209, 223])
def test_whatever_happens_what_was_written_here_can_be_read(quick_session: Session, seed: int) -> None:
    world = World(quick_session, seed)
    assert len(world.living()) == 5
    world.live(30)
    assert len(world.written) > 1
    happened = {b.kind for b in quick_session.scalars(select(Batch))}
    assert happened >= {"edit", "accept", "join", "split", "rule", "undo"}, "an idle world cannot pass for a sound one"


def test_harvesting_all_of_it_again_changes_nothing(quick_session: Session) -> None:
    world = World(quick_session, 100)
    world.live(12)
    records = quick_session.scalars(select(SourceRecord.id).order_by(SourceRecord.id)).all()

    def state() -> object:
        proposals.propose(quick_session, record_ids=records)
        quick_session.expire_all()
        return (
            [(n.id, n.version, n.fields) for n in quick_session.scalars(select(Notice).order_by(Notice.id))],
            [(p.id, p.changes, p.category) for p in world.waiting()],
        )

    first = state()
    for (n, number), fields in world.records.items():
        says(quick_session, world.sources[n], number, fields)
    assert state()[0] == first[0]  # type: ignore[index]
    assert state() == state()
