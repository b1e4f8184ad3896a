"""A small world where everything happens in any order: two partners, a few notices, a clumsy documentalist.

Harvests, imports, edits, merges, separations, decisions, deletions, rules and undos follow one another, drawn by
Hypothesis; what comes in goes through the real intake, and is recognised as it would be at night. Whatever the order:
what somebody wrote here can be read, a record speaks of one notice, nothing happens twice, what is taken back is as it
was, and what is computed agrees. To look for new worlds: `pytest --hypothesis-profile wild`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import history, integrity, joining, judgements, lots, notices, proposals
from catalogue.db import Database
from catalogue.joining import NotMergeable
from catalogue.matching import candidates
from catalogue.models import LIVING, Batch, Claim, Judgement, Notice, Proposal, Revision, Source
from catalogue.unimarc import Field, Fields, Record
from harvest import intake
from tests.cast import field, notice
from tests.test_proposals import reci

SUBJECTS = ("Emploi", "Logement", "École", "Santé")
NAMES = ("RECI", "Cosoter")
TITLES = ("Quartiers nord", "Quartiers nord en chantier", "Les quartiers nord")
ISBNS = ("978-2-07-036822-8", "978-2-07-036024-6", "978-2-01-000001-4")
ACTS: tuple[str, ...] = (
    "harvest",
    "edit",
    "accept",
    "accept_safe",
    "refuse",
    "rules",
    "withdraw",
    "merge",
    "unmerge",
    "undo",
)
ACTS += ("not_the_same", "decide", "import_again", "merge_and_back", "do_and_undo", "harvest", "edit", "undo", "merge")
UNDONE = ("edit", "accept", "refuse", "rule", "withdraw", "join", "split", "undo", "judge", "harvest", "import")


def work(number: int, *more: Field) -> Fields:
    """One of a few books that both partners may hold, and we too."""
    return notice(TITLES[number % 3], field("010", "a", ISBNS[number % 3]), *more)


class World:
    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.draw = session, random.Random(seed)
        reci(session, NAMES[0])
        reci(session, NAMES[1], rules={"fields": {"all": {"adds": "accept"}}})
        self.base: dict[tuple[int, str], Fields] = {}  # what the partners say
        self.written: dict[str, int] = {}  # what was written here -> the lot that wrote it
        self.decided: set[str] = set()  # a person chose the other, or took the lot back: it is in the history
        self.told: list[str] = []
        notices.create(session, work(0), by="claire", status="published")
        for n, number in ((0, "0"), (0, "1"), (1, "1"), (1, "2")):
            self.base[n, number] = work(int(number), field("606", "a", SUBJECTS[n]))
        for n in (0, 1):
            self.come(n, *(number for source, number in self.base if source == n))

    # --- what may happen -----------------------------------------------------------------------

    def come(self, n: int, *numbers: str, follow: bool = False, gone: bool = False) -> None:
        """A page of a partner's, or a file of its records, through the intake."""
        while candidates.catch_up(self.session):
            pass
        source, kind = reci(self.session, NAMES[n]), "import" if follow else "harvest"
        rows = [
            intake.receive_deleted(f"oai:{source.name}:{number}", "")
            if gone
            else intake.receive(source, self.record(n, number), identifier=f"oai:{source.name}:{number}")
            for number in numbers
        ]
        lot = _once(lambda: history.open_batch(self.session, kind, by=f"travee {kind}"))
        intake.take_in(self.session, source, rows, batch=lot, status="candidate", follow=follow)

    def record(self, n: int, number: str) -> Record:
        return Record([{"t": "001", "v": number}, *self.base[n, number]], control_number=number)

    def harvest(self) -> None:
        n, number = key = self.draw.choice(sorted(self.base))
        fields = [f for f in self.base[key] if self.draw.random() > 0.1 or f["t"] in ("000", "010", "200")]
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
        self.base[key] = [*fields, new] if new not in fields else fields
        self.come(n, number, gone=self.draw.random() < 0.1)
        if self.draw.random() < 0.3:
            self.twice(n)

    def twice(self, n: int) -> None:
        """The whole base comes; when it comes again, nothing has changed."""
        numbers = [number for source, number in self.base if source == n]
        self.come(n, *numbers)
        before = self.state(), self.questions()
        self.come(n, *numbers)
        assert (self.state(), self.questions()) == before, self.told

    def import_again(self) -> None:
        n, number = self.draw.choice(sorted(self.base))
        self.come(n, number, follow=True)

    def rules(self) -> None:
        lot = _once(lambda: history.open_batch(self.session, "rule", by="travee harvest"))
        proposals.apply_rules(self.session, self.session.scalars(select(Claim.id)).all(), batch=lot)

    def edit(self, of: Notice | None = None, *, adds: bool = False) -> Field:
        of = of or self.draw.choice(self.living())
        word = f"mot{len(self.written)}"
        new = field("300", "a", f"Écrit ici : {word}")
        fields = list(of.fields)
        if adds:
            pass
        elif self.draw.random() < 0.3:
            new = field("200", "a", f"{self.draw.choice(TITLES)} {word}", ind="1 ")
            self.decided |= {w for w in self.written if any(w in str(f) for f in fields if f["t"] == "200")}
            self.decided.add(word)  # one title replaces another: only in the history from then on
            fields = [f for f in fields if f["t"] != "200"]
        elif self.draw.random() < 0.3:
            fields = [f for f in fields if f["t"] != "606"]
        lot = history.open_batch(self.session, "edit", by="claire")
        notices.revise(self.session, of, [*fields, new], by="claire", batch=lot)
        self.written[word] = lot.id
        return new

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

    def two(self) -> tuple[Notice, Notice] | None:
        found = self.living()
        if len(found) < 2:
            return None
        one, other = self.draw.sample(found, 2)
        return one, other

    def merge(self) -> None:
        if pair := self.two():
            joining.merge(self.session, *pair, by="claire")
            same = pair[0]
            assert joining.compare(same, same).changes == (), "with itself, nothing is left to take over"
            with pytest.raises(NotMergeable, match="same_notice"):
                joining.merge(self.session, same, same, by="claire")

    def unmerge(self) -> None:
        merged = self.session.scalars(select(Notice).where(Notice.status == "merged").order_by(Notice.id)).all()
        if merged:
            try:
                joining.unmerge(self.session, self.draw.choice(merged), by="claire", different=self.draw.random() < 0.5)
            except NotMergeable as error:
                assert error.code == "survivor_merged", self.told

    def merge_and_back(self) -> None:
        """Never merged, plus later edits."""
        if pair := self.two():
            survivor, loser = pair
            before = self.state()
            joining.merge(self.session, survivor, loser, by="claire")
            added = [self.edit(survivor, adds=True) for _n in range(self.draw.randrange(3))]
            joining.unmerge(self.session, loser, by="claire")
            after = self.state()
            expected = before["notices"][survivor.id][2] + Counter(map(_plain, added))
            assert after["notices"][survivor.id][2] == expected, self.told
            before["notices"][survivor.id] = after["notices"][survivor.id]
            assert _known(after, before) == before, self.told

    def not_the_same(self) -> None:
        speaking = select(Claim).where(Claim.record_id.is_not(None), Claim.state != "split").order_by(Claim.id)
        if found := self.session.scalars(speaking).all():
            claim = self.draw.choice(found)
            try:
                new = joining.not_the_same(self.session, claim, by="claire")
            except NotMergeable as error:
                assert error.code in ("one_voice", "not_joined"), self.told
            else:
                pair = (f"notice:{claim.notice_id}", f"notice:{new.id}")
                assert judgements.verdict(self.session, [pair])[pair].verdict == "different", self.told

    def decide(self) -> None:
        if pair := self.two():
            joining.decide(self.session, *pair, self.draw.choice(["same", "different", "unsure"]), by="claire")

    def undo(self) -> None:
        batches = self.session.scalars(select(Batch).where(Batch.kind.in_(UNDONE)).order_by(Batch.id)).all()
        if possible := [b for b in batches[-12:] if not lots.why_not(self.session, b)]:
            self.take_back(self.draw.choice(possible))

    def take_back(self, lot: Batch) -> lots.Undone:
        done = lots.undo(self.session, lot, by="claire")
        while lot.undoes_id is not None:
            lot = self.session.get_one(Batch, lot.undoes_id)
        self.decided |= {word for word, by in self.written.items() if by == lot.id}
        return done

    def do_and_undo(self) -> None:
        """What is taken back at once is as it was: fields, links, what was said of whom."""
        act = self.draw.choice(
            ["edit", "accept", "refuse", "accept_safe", "withdraw", "merge", "not_the_same", "decide"]
        )
        before, asked = self.state(), self.questions()
        last = self.lot()
        getattr(self, act)()
        if (lot := self.lot()) and lot != last:
            assert self.take_back(lot).left == [], (act, self.told)
            assert _known(self.state(), before) == before, (act, self.told)
            assert self.questions() == asked, (act, self.told)

    # --- what must hold ------------------------------------------------------------------------

    def living(self) -> list[Notice]:
        return list(self.session.scalars(select(Notice).where(Notice.status.in_(LIVING)).order_by(Notice.id)))

    def waiting(self) -> list[Proposal]:
        return list(self.session.scalars(select(Proposal).where(Proposal.state == "waiting").order_by(Proposal.id)))

    def lot(self) -> Batch | None:
        return self.session.scalars(select(Batch).order_by(Batch.id.desc()).limit(1)).first()

    def state(self) -> dict[str, Any]:
        self.session.expire_all()
        held = select(Judgement).where(Judgement.revoked_at.is_(None))
        return {
            "notices": {
                n.id: (n.status, n.merged_into_id, Counter(map(_plain, n.fields)))
                for n in self.session.scalars(select(Notice))
            },
            "claims": {c.id: (c.notice_id, c.state) for c in self.session.scalars(select(Claim))},
            "judged": sorted((j.left, j.right, j.verdict, j.by) for j in self.session.scalars(held)),
        }

    def questions(self) -> list[Any]:
        proposals.refresh(self.session)
        return sorted((p.claim_id, p.version_id, json.dumps(p.changes, sort_keys=True)) for p in self.waiting())

    def check(self) -> None:
        shown = json.dumps([n.fields for n in self.living()], ensure_ascii=False)
        for word in self.written.keys() - self.decided:
            assert f'{word}"' in shown or f"{word} " in shown, f"{word} cannot be read any more: {self.told}"
        one_each = Counter(p.claim_id for p in self.waiting())
        assert set(one_each.values()) <= {1}, self.told
        speaking = select(Claim.record_id).where(Claim.state != "split", Claim.record_id.is_not(None))
        assert set(Counter(self.session.scalars(speaking)).values()) <= {1}, f"two notices for a record: {self.told}"

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
        self.twice(self.draw.randrange(len(NAMES)))

    def live(self, acts: list[str]) -> None:
        for act in acts:
            self.told.append(act)
            getattr(self, act)()
            self.check()
        self.check_all()


def _once(make: Callable[[], Batch]) -> Callable[[], Batch]:
    made: list[Batch] = []

    def lot() -> Batch:
        made[:] = made or [make()]
        return made[0]

    return lot


def _plain(f: Any) -> str:
    return json.dumps({k: v for k, v in f.items() if k not in "or"}, sort_keys=True)


def _known(state: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Of a state, what was there before; what was made since must be withdrawn."""
    made = state["notices"].keys() - before["notices"].keys()
    assert {state["notices"][number][0] for number in made} <= {"withdrawn"}
    return {
        "notices": {number: state["notices"][number] for number in before["notices"]},
        "claims": {number: state["claims"][number] for number in before["claims"]},
        "judged": state["judged"],
    }


@hypothesis.settings(
    max_examples=hypothesis.settings().max_examples // 2,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # a world says what happened in it
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(st.integers(0, 2**16), st.lists(st.sampled_from(ACTS), min_size=3, max_size=9))
@pytest.mark.parametrize("lasting_base", ["sqlite"], indirect=True)
def test_whatever_happens_the_laws_hold(lasting_base: Database, seed: int, acts: list[str]) -> None:
    with lasting_base.write_session() as session:
        World(session, seed).live(acts)
        session.rollback()


def test_an_idle_world_cannot_pass_for_a_sound_one(quick_session: Session) -> None:
    world = World(quick_session, 8)
    assert len(world.living()) == 3, "each book once: what the second partner holds was recognised"
    assert len(quick_session.scalars(select(Source)).all()) == 2
    draw = random.Random(8)
    world.live([draw.choice(ACTS) for _n in range(60)])
    assert len(world.written) > 3
    happened = {b.kind for b in quick_session.scalars(select(Batch))}
    assert happened >= {"edit", "accept", "join", "split", "harvest", "undo"}
