"""The work of somebody here, between the nights: what a harvest must leave as she left it, and never ask twice.

Claire retouches what the partner changes too, takes things out, merges, adds a copy, sets a rule; the evenings after,
she accepts one change, refuses another, and takes note of deletions. She remembers it all: `benchmarks.nights.ledger`
compares her memory with the base.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.nights.world import instead, said
from catalogue import history, items, joining, lots, notices, proposals, source_rules
from catalogue.db import Database
from catalogue.models import LIVING, Batch, Claim, Notice, Proposal, Source, SourceRecord
from catalogue.unimarc import Fields, RecordItem, bare

BY = "claire"
RULES = {"notes": {"adds": "accept"}}
WATCHED = ("200", "210", "300", "330", "606")  # fields whose values the ledger follows
Value = tuple[str, str]  # tag, text


def values(fields: Iterable[Any]) -> set[Value]:
    return {(f["t"], value) for f in fields if f["t"] in WATCHED for code, value in f.get("s", ()) if code in "acd"}


@dataclass
class Desk:
    """What she has done, as far as it can be read off the base afterwards."""

    database: Database
    left: dict[int, Fields] = field(default_factory=dict)  # notice -> its fields when she last looked
    statuses: dict[int, str] = field(default_factory=dict)
    aside: set[tuple[int, Value]] = field(default_factory=set)  # (notice, what she took out of it)
    kept: set[tuple[int, Value, bool]] = field(default_factory=set)  # record, what was refused; whether it said so
    invited: set[str] = field(default_factory=lambda: {"300"})  # fields that her rules let in
    handmade: set[int] = field(default_factory=set)
    copies: dict[str, tuple[int, str]] = field(default_factory=dict)  # barcode -> notice, call number
    begun: bool = False
    lots: list[int] = field(default_factory=list)  # of what she has accepted

    # --- the first day

    def begin(self) -> None:
        """A day of work, on notices that have come from the partner."""
        with self.database.write() as session:
            if session.scalar(select(Notice.id).where(Notice.title.like("Ouvrage%")).limit(1)) is None:
                return
            self.begun = True
            for source in session.scalars(select(Source)):
                source_rules.put(session, source, RULES, by=BY)
            self._retouch(session)
            self._make(session)
        self.look()

    def _retouch(self, session: Session) -> None:
        for number, tag, *new in (
            (2, "200", said("200", "a", "Ouvrage 2, titre d’ici", "1 "), said("300", "a", "Note d’ici 2")),
            (4, "200", said("200", "a", "Ouvrage 4, titre d’ici", "1 ")),
            (5, "606", said("606", "a", "Sujet 5"), said("606", "a", "Sujet d’ici 5")),
            (5, "210"),
            (7, "300", said("300", "a", "Note d’ici 7")),
            (9, "330", said("330", "a", "Résumé 9, écrit ici.")),
        ):
            if notice := self._of(session, number):
                self._revise(session, notice, instead(notice.fields, tag, *new))

    def _make(self, session: Session) -> None:
        """A notice of her own; another, with which the partner's is merged; a copy on the shelf."""
        self._create(session, "Registre des entrées, tenu ici")
        if notice := self._of(session, 3):
            ours = self._create(session, "Ouvrage 3, exemplaire du centre")
            joining.merge(session, ours, notice, by=BY)
            self.aside |= {(ours.id, value) for value in values(notice.fields) - values(ours.fields)}
            self.handmade.discard(ours.id)
        if notice := self._of(session, 10):
            batch = history.open_batch(session, "edit", by=BY)
            items.add_many(session, [(notice.id, RecordItem(barcode="D-10", call_number="M 10"))], batch=batch)
            self.copies["D-10"] = (notice.id, "M 10")

    # --- every evening

    def evening(self, day: int) -> None:
        """Number 6 is accepted, number 8 refused; what was deleted elsewhere is noted; number 2 is written in again."""
        with self.database.write() as session:
            proposals.refresh(session)
            if six := self.questions(session, 6):
                self.accept(session, six)
            if eight := self.questions(session, 8):
                self.refuse(session, eight)
            proposals.withdraw(session, proposals.list_deleted(session), by=BY)
            if notice := self._of(session, 2):
                self._revise(session, notice, [*notice.fields, said("300", "a", f"Relu ici le jour {day}")])
        self.look()

    # --- acts, for the scenarios too

    def edit(self, number: int, tag: str, *texts: str) -> None:
        """Number so-and-so says this under a tag from now on."""
        with self.database.write() as session:
            if notice := self._of(session, number):
                indicators = "1 " if tag == "200" else "  "
                self._revise(
                    session, notice, instead(notice.fields, tag, *(said(tag, "a", text, indicators) for text in texts))
                )

    def accept(self, session: Session, waiting: list[Proposal], choice: str = "theirs") -> None:
        told = {p.id: {c["slot"]: choice for c in p.changes} for p in waiting}
        before = {notice.id: values(notice.fields) for notice in session.scalars(select(Notice))}
        settled = proposals.accept(session, [p.id for p in waiting], told, by=BY)
        for notice in session.scalars(select(Notice).where(Notice.id.in_(settled.notices))):
            self.aside |= {(notice.id, value) for value in before[notice.id] - values(notice.fields)}
        self.lots += [settled.batch.id] if settled.batch else []
        self._note(session, settled.notices)

    def accept_all(self) -> None:
        with self.database.write() as session:
            self.accept(session, list(session.scalars(select(Proposal).where(Proposal.state == "waiting"))))

    def refuse(self, session: Session, waiting: list[Proposal]) -> None:
        for question in waiting:
            record_id = session.get_one(Claim, question.claim_id).record_id or 0
            for change in question.changes:
                theirs, ours = values(change["theirs"]), values(change["ours"])
                self.kept |= {(record_id, value, value in theirs) for value in theirs ^ ours}
        proposals.refuse(session, [p.id for p in waiting], by=BY)

    def forget(self, record_id: int, says: set[Value]) -> None:
        """A partner who takes back what was refused, and says it again later, may ask again."""
        self.kept -= {k for k in self.kept if k[0] == record_id and (k[1] in says) != k[2]}

    def kept_of(self, record_id: int | None) -> set[Value]:
        return {value for record, value, _said in self.kept if record == record_id}

    def set_rules(self, rules: dict[str, dict[str, str]], *invited: str) -> None:
        self.invited |= set(invited)
        with self.database.write() as session:
            for source in session.scalars(select(Source)):
                source_rules.put(session, source, rules, by=BY)

    def undo_last(self) -> None:
        """What she accepted last is taken back."""
        if self.lots:
            with self.database.write() as session:
                lots.undo(session, session.get_one(Batch, self.lots.pop()), by=BY)

    def merge(self, survivor: int, loser: int) -> None:
        with self.database.write() as session:
            one, other = self._of(session, survivor), self._of(session, loser)
            if one is not None and other is not None:
                joining.merge(session, one, other, by=BY)
                self.aside |= {(one.id, value) for value in values(other.fields) - values(one.fields)}

    def unmerge_all(self) -> None:
        with self.database.write() as session:
            merged = session.scalars(select(Notice).where(Notice.status == "merged").order_by(Notice.id.desc()))
            for notice in merged.all():
                survivor = joining.unmerge(session, notice, by=BY)
                if not self._numbers(session, survivor.id):
                    self.handmade.add(survivor.id)
        self.look()

    def publish(self) -> None:
        with self.database.write() as session:
            proposals.accept_new(session, by=BY)

    def set_source(self, **settings: Any) -> None:
        with self.database.write() as session:
            for source in session.scalars(select(Source)):
                for name, value in settings.items():
                    setattr(source, name, value)

    def withdraw_notice(self, number: int) -> None:
        with self.database.write() as session:
            if notice := self._of(session, number):
                notices.set_status(session, notice, "withdrawn", by=BY)

    # --- what she remembers

    def look(self) -> None:
        """As it all is now, so shall it stay until she or a rule changes it."""
        with self.database.read() as session:
            self._note(session, session.scalars(select(Notice.id)).all())

    def questions(self, session: Session, number: int) -> list[Proposal]:
        """What waits about the partner's record of this number."""
        statement = (
            select(Proposal)
            .join(Claim, Claim.id == Proposal.claim_id)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .where(Proposal.state == "waiting", SourceRecord.identifier.in_((str(number), f"oai:RECI:{number}")))
            .order_by(Proposal.id)
        )
        return list(session.scalars(statement))

    def _of(self, session: Session, number: int) -> Notice | None:
        """The notice that the partner's record of this number speaks of."""
        statement = (
            select(Notice)
            .join(Claim, Claim.notice_id == Notice.id)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .where(SourceRecord.identifier.in_((str(number), f"oai:RECI:{number}")), Notice.status.in_(LIVING))
            .order_by(Notice.id)
        )
        return session.scalars(statement.limit(1)).first()

    def _numbers(self, session: Session, notice_id: int) -> list[int]:
        return [
            claim.id for claim in session.scalars(select(Claim).where(Claim.notice_id == notice_id)) if claim.record_id
        ]

    def _revise(self, session: Session, notice: Notice, fields: Fields) -> None:
        before = values(notice.fields)
        notices.revise(session, notice, fields, by=BY)
        self.aside |= {(notice.id, value) for value in before - values(notice.fields)}
        self._note(session, [notice.id])

    def _create(self, session: Session, title: str) -> Notice:
        fields = [said("200", "a", title, "1 "), said("300", "a", f"Écrit ici : {title}")]
        notice = notices.create(session, fields, by=BY, status="published")
        self.handmade.add(notice.id)
        return notice

    def _note(self, session: Session, notice_ids: Iterable[int]) -> None:
        for notice in session.scalars(select(Notice).where(Notice.id.in_(list(notice_ids)))):
            self.left[notice.id] = [bare(f) for f in notice.fields]
            self.statuses[notice.id] = notice.status
