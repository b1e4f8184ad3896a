"""What must hold after every night, read off the base itself and compared with what Claire remembers of it.

No computing of differences is borrowed from what is judged here: a value that a partner says and a notice does not
must wait in one question, unless somebody here took it out or refused it; a value that a notice has from a partner who
no longer says it must wait too. Nothing that she left may have changed but by her rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.nights.desk import WATCHED, Desk, Value, values
from benchmarks.nights.world import RECI, World
from catalogue import integrity, proposals
from catalogue.models import (
    LIVING,
    Claim,
    Holding,
    Item,
    Judgement,
    Notice,
    Proposal,
    Source,
    SourceRecord,
    SourceVersion,
)
from catalogue.unimarc import bare, occurrence

# Which base made the record and on what day: they come along when anything of a record is let in.
OF_THE_EXPORT = ("801", "896")


@dataclass
class Found:
    """What is not as it should be, in words."""

    overwritten: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    asked: int = 0  # possible doubles about which somebody is asked
    gone: int = 0  # documents that have come anew, of which the older record is said to be gone


@dataclass(frozen=True)
class Spoken:
    """A record, what it says and has ever said, and the claim by which it speaks of a notice."""

    claim: Claim
    notice: Notice
    name: str
    deleted: bool
    says: set[Value]
    ever: set[Value]


def check(session: Session, world: World, desk: Desk) -> Found:
    found = Found(overwritten=list(_overwritten(session, desk)))
    spoken = list(_spoken(session))
    found.lost += _claims(session, world, spoken)
    found.lost += _questions(session, world, desk, spoken)
    found.lost += _copies(session, desk)
    found.lost += [f"travee check: {fault.what} of {fault.address}" for fault in integrity.faults(session)]
    _doubles(session, world, desk, found)
    return found


def holdings_astray(session: Session, world: World) -> list[str]:
    """Where all has come: the partner's copies are those that it has."""
    out: list[str] = []
    if not world.scenario.unimarc:
        return out  # Dublin Core has no copies
    for name in world.scenario.names:
        statement = (
            select(SourceRecord.identifier, Holding.call_number, Holding.count, Holding.notice_id, Claim.notice_id)
            .join(SourceRecord, SourceRecord.id == Holding.record_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .outerjoin(Claim, (Claim.record_id == SourceRecord.id) & (Claim.state == "linked"))
            .where(Source.name == name)
        )
        shown: dict[str, set[str]] = {}
        for identifier, call_number, count, notice_id, claimed in session.execute(statement):
            shown.setdefault(identifier, set()).add(call_number)
            if count != 1 or (claimed is not None and claimed != notice_id):
                out.append(f"the copy of {identifier} is counted {count} times, or beside another notice")
        for row in world.rows(name):
            theirs = {v for f in row.fields if f["t"] == "995" for code, v in f.get("s", ()) if code == "k"}
            label = world.identified(name, row)
            seen = shown.get(label, set()) - {"P 9"}  # a copy of `partner_faults.with_leftovers`
            if theirs and seen != theirs:
                out.append(f"copies of {label}: {sorted(seen)} for {sorted(theirs)}")
    return out


# --- ours --------------------------------------------------------------------------------------


def _overwritten(session: Session, desk: Desk) -> Iterator[str]:
    """What she left is there, with no more than her rule lets in; no notice has another status."""
    for notice in session.scalars(select(Notice).where(Notice.id.in_(list(desk.left)))):
        before, now = (
            Counter(occurrence(bare(f)) for f in fields if f["t"] not in OF_THE_EXPORT)
            for fields in (desk.left[notice.id], notice.fields)
        )
        if gone := before - now:
            yield f"{notice.title}: lost {sorted(gone)}"
        known = {occurrence(bare(f)): f["t"] for f in notice.fields}
        if uninvited := [what for what in now - before if known[what] not in desk.invited]:
            yield f"{notice.title}: uninvited {uninvited}"
        if notice.status != desk.statuses[notice.id]:
            yield f"{notice.title}: {desk.statuses[notice.id]} has become {notice.status}"


def _copies(session: Session, desk: Desk) -> Iterator[str]:
    """Our copies are those that she put on the shelf; none of theirs has become ours."""
    ours = {item.barcode or "": item for item in session.scalars(select(Item))}
    for barcode in ours.keys() ^ desk.copies.keys():
        yield f"copy {barcode}"
    for barcode, (notice_id, call_number) in desk.copies.items():
        item = ours.get(barcode)
        merged = session.get_one(Notice, notice_id).merged_into_id
        if item is not None and (item.call_number != call_number or item.notice_id not in (notice_id, merged)):
            yield f"copy {barcode} has moved"


# --- theirs ------------------------------------------------------------------------------------


def _spoken(session: Session) -> Iterator[Spoken]:
    ever: dict[int, set[Value]] = {}
    for record_id, fields in session.execute(select(SourceVersion.record_id, SourceVersion.fields)):
        ever.setdefault(record_id, set()).update(values(fields))
    statement = (
        select(Claim, Notice, SourceRecord, SourceVersion, Source.name)
        .join(Notice, Notice.id == Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .where(Claim.state != "split")
        .order_by(Claim.id)
    )
    for claim, notice, record, version, name in session.execute(statement):
        label = f"{name} {record.identifier}"
        yield Spoken(claim, notice, label, version.deleted, values(version.fields), ever[record.id])


def _claims(session: Session, world: World, spoken: list[Spoken]) -> Iterator[str]:
    """A living record speaks of one notice; a deleted one is asked about, until somebody has taken note of it."""
    of_record = Counter(one.claim.record_id for one in spoken)
    yield from (f"{one.name} speaks of two notices" for one in spoken if of_record[one.claim.record_id] > 1)
    waiting = Counter(proposals.list_deleted(session))
    for one in spoken:
        due = one.deleted and one.claim.state == "linked" and one.notice.status in LIVING
        if waiting[one.claim.id] != due:
            yield f"the deletion of {one.name} waits {waiting[one.claim.id]} times"
        if one.claim.state == "withdrawn" and not one.deleted:
            yield f"{one.name} is there, and its claim withdrawn"
    silent = (
        select(SourceRecord.identifier)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .where(SourceVersion.deleted.is_(False), SourceRecord.id.not_in([one.claim.record_id for one in spoken]))
    )
    yield from (f"{identifier} speaks of no notice" for identifier in session.scalars(silent))
    living = {world.identified(name, row) for name in world.scenario.names for row in world.rows(name)}
    ever_gone = {world.identified(RECI, row) for row in world.partner.rows() if row.deleted} | world.was_gone
    for one in spoken:
        identifier = one.name.removeprefix(f"{RECI} ")
        if one.deleted and identifier in living - ever_gone:
            yield f"{one.name} is held for deleted, and never was"


def _questions(session: Session, world: World, desk: Desk, spoken: list[Spoken]) -> Iterator[str]:
    """Each change that no rule has let in waits once; nothing is asked for nothing, or again."""
    waiting: dict[int, list[Proposal]] = {}
    for question in session.scalars(select(Proposal).where(Proposal.state == "waiting").order_by(Proposal.id)):
        waiting.setdefault(question.claim_id, []).append(question)
    also_said: dict[int, list[Spoken]] = {}
    for one in spoken:
        also_said.setdefault(one.notice.id, []).append(one)
    poor = not world.scenario.unimarc  # Dublin Core says a part of it, elsewhere: words are looked for anywhere
    for one in spoken:
        questions = waiting.pop(one.claim.id, [])
        if one.claim.state != "linked" or one.deleted or one.notice.status not in LIVING:
            yield from (f"{one.name}: asked in vain" for _question in questions)
            continue
        if len(questions) > 1:
            yield f"{one.name}: two questions wait"
        desk.forget(one.claim.record_id or 0, one.says)
        changes = [change for question in questions for change in question.changes]
        has = values(one.notice.fields)
        text = " ".join(value for f in one.notice.fields for _code, value in f.get("s", ()))
        decided = {v for n, v in desk.aside if n == one.notice.id} | desk.kept_of(one.claim.record_id)
        theirs = Counter(value for change in changes for value in values(change["theirs"]))
        for value in sorted(one.says - has - decided):
            if theirs[value] != 1 and not (poor and value[1] in text):
                yield f"{one.name}: {value} is asked {theirs[value]} times"
        others = set().union(*(o.says for o in also_said[one.notice.id] if o is not one and o.claim.state == "linked"))
        put_aside = {value for change in changes for value in values([*change["base"], *change["ours"]])}
        for value in sorted((has & one.ever) - one.says - decided - others - put_aside):
            if not poor:
                yield f"{one.name}: {value} is said no more, and nobody is asked"
        for change in changes:
            said = values(change["theirs"])
            if change["tag"] in WATCHED and said and said <= has and values(change["ours"]) <= one.says:
                yield f"{one.name}: asked for nothing, {change['tag']}"
            if said and said <= desk.kept_of(one.claim.record_id) and not said <= has:
                yield f"{one.name}: asked again, {sorted(said)}"
    yield from (f"question {q.id}: of nobody" for questions in waiting.values() for q in questions)


def _doubles(session: Session, world: World, desk: Desk, found: Found) -> None:
    """One living notice for a document; where there are two, somebody must be asked about the pair."""
    statement = (
        select(Notice.id, SourceRecord.identifier, Source.name)
        .outerjoin(Claim, (Claim.notice_id == Notice.id) & (Claim.state != "split") & Claim.record_id.is_not(None))
        .outerjoin(SourceRecord, SourceRecord.id == Claim.record_id)
        .outerjoin(Source, Source.id == SourceRecord.source_id)
        .where(Notice.status.in_((*LIVING, "withdrawn")))  # what we withdrew may not come back as another
    )
    of: dict[Hashable, set[int]] = {}
    for notice_id, identifier, name in session.execute(statement):
        if identifier is not None:
            key = world.scenario.document(name, int(identifier.rpartition(":")[2]))
            of.setdefault(key, set()).add(notice_id)
        elif notice_id not in desk.handmade:
            found.doubles.append(f"notice {notice_id} is nobody's")
    unsure = select(Judgement).where(Judgement.verdict == "unsure", Judgement.revoked_at.is_(None))
    pairs = {frozenset((row.left, row.right)) for row in session.scalars(unsure)}
    spoken = list(_spoken(session))
    speaks = {o.claim.record_id: f"notice:{o.notice.id}" for o in spoken}
    asked = {frozenset(speaks.get(int(end[7:]), end) if end.startswith("record:") else end for end in p) for p in pairs}
    gone = {o.notice.id for o in spoken if o.deleted} - {o.notice.id for o in spoken if not o.deleted}
    for key, notice_ids in of.items():
        first, *others = sorted(notice_ids)
        for other in others:
            if frozenset((f"notice:{first}", f"notice:{other}")) in asked:
                found.asked += 1
            elif first in gone:
                found.gone += 1  # its record has disappeared under that name, and somebody was asked about that
            else:
                found.doubles.append(f"{key}: notices {first} and {other}")
