"""Two notices side by side; a candidate with those that may be it; what was brought together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import inbox, joining, judgements, reviewing
from catalogue.desk_history import status_words, title_or_none
from catalogue.i18n import _
from catalogue.inbox_pages.preview import Preview, preview
from catalogue.inbox_pages.questions import Differences, differences_of, origins_of
from catalogue.matching import DIFFERENT, candidates, compare, describe, reasons_of, written
from catalogue.models import LIVING, Batch, Claim, Notice, Revision, Source, SourceRecord

TWINS_SHOWN = 5
REASONS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Side:
    address: str
    title: str
    status: str
    source: str
    is_candidate: bool
    preview: Preview


@dataclass(frozen=True, slots=True)
class PairPage:
    """`left` stays, `right` goes into it."""

    left: Side
    right: Side
    alike: tuple[str, ...]
    unlike: tuple[str, ...]
    judged: str  # « Jugées différentes par claire », "" when nobody has said anything
    shown: Differences


def pair_page(
    session: Session,
    one: Notice,
    other: Notice,
    *,
    choices: Mapping[str, str] | None = None,
    marks: Mapping[str, str] | None = None,
) -> PairPage:
    survivor, loser = reviewing.in_order(one, other)
    origins = origins_of(session, survivor)
    ends = f"notice:{survivor.id}", f"notice:{loser.id}"
    verdict = judgements.verdict(session, [ends]).get(ends)
    alike, unlike = _reasons(verdict.reasons if verdict and verdict.reasons else None, survivor, loser)
    judged = ""
    if verdict is not None and verdict.verdict == "different":
        judged = _("%(by)s a dit que ce n’est pas la même.") % {"by": verdict.by}
    return PairPage(
        left=_side(session, survivor),
        right=_side(session, loser, survivor),
        alike=alike,
        unlike=unlike,
        judged=judged,
        shown=differences_of(survivor.fields, joining.compare(survivor, loser), choices or {}, marks, origins),
    )


def why_gone(session: Session, one: Notice, other: Notice) -> str:
    """Why these two cannot be compared any more, in a sentence that says where to look."""
    try:
        joining.check(session, one, other)
    except joining.NotMergeable as refusal:
        return refusal.sentence()
    return ""


def _side(session: Session, notice: Notice, other: Notice | None = None) -> Side:
    return Side(
        address=notice.address,
        title=title_or_none(notice.title),
        status=status_words(notice.status),
        source=", ".join(_sources_of(session, [notice.id]).get(notice.id, ())),
        is_candidate=notice.status == "candidate",
        preview=preview(notice.fields, other.fields if other else None),
    )


def _reasons(kept: Any, one: Notice, other: Notice) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What brings them together and what parts them, in sentences, those that weigh most first."""
    data = [row for row in kept or () if isinstance(row, Mapping) and "code" in row]
    reasons = reasons_of({"reasons": data}) if data else compare(describe(one.fields), describe(other.fields)).reasons
    said, names = [row for row in kept or () if isinstance(row, str)], written(one.fields, other.fields)
    alike = [*said, *(r.told(names) for r in reasons if r.points > 0)]
    return tuple(alike[:REASONS_SHOWN]), tuple([r.told(names) for r in reasons if r.points <= 0][:REASONS_SHOWN])


def _sources_of(session: Session, notice_ids: Collection[int]) -> dict[int, list[str]]:
    statement = (
        select(Claim.notice_id, Source.name)
        .distinct()
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .where(Claim.notice_id.in_(notice_ids), Claim.state == "linked")
        .order_by(Source.name)
    )
    out: dict[int, list[str]] = {}
    for notice_id, name in session.execute(statement):
        out.setdefault(notice_id, []).append(name)
    return out


# --- a candidate -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Twin:
    address: str
    title: str
    status: str
    year: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CandidatePage:
    side: Side
    since: datetime
    twins: tuple[Twin, ...]
    next: str  # the address of the next candidate, "" when it is the last


def candidate_page(session: Session, notice: Notice) -> CandidatePage:
    follows = select(Notice.address).where(Notice.status == "candidate", Notice.id > notice.id).order_by(Notice.id)
    return CandidatePage(
        side=_side(session, notice),
        since=notice.created_at,
        twins=tuple(_twins(session, notice)),
        next=session.scalar(follows.limit(1)) or "",
    )


def _twins(session: Session, notice: Notice) -> Iterator[Twin]:
    """Living notices that may be this one, likeliest first, without those that were judged different."""
    mine = describe(notice.fields)
    (near,) = candidates.find(session, [mine], without=[notice.id])
    asked = inbox.unsure_of(session, notice)
    here = f"notice:{notice.id}"
    judged = judgements.verdict(session, [(here, f"notice:{n}") for n in near])
    apart = {int(pair[1].removeprefix("notice:")) for pair, said in judged.items() if said.verdict == "different"}
    wanted = ({*near} | asked) - apart
    found = session.scalars(select(Notice).where(Notice.id.in_(wanted), Notice.status.in_(LIVING))).all()
    scored = [(other, compare(mine, describe(other.fields))) for other in found]
    likely = [row for row in scored if row[1].outcome != DIFFERENT or row[0].id in asked]
    scored = sorted(likely, key=lambda row: (-row[1].score, row[0].id))
    for other, verdict in scored[:TWINS_SHOWN]:
        year = str(other.year or "")
        names = written(notice.fields, other.fields)
        words = tuple(reason.told(names) for reason in verdict.reasons[:4])
        yield Twin(other.address, title_or_none(other.title), status_words(other.status), year, words)


# --- notices brought together ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Joined:
    """A notice that was merged into another, and may be separated again."""

    address: str
    title: str
    at: datetime | None
    by: str


def joined(session: Session, notice: Notice) -> list[Joined]:
    """What was merged into this one, latest first."""
    statement = (
        select(Notice.address, Notice.title, Claim.id)
        .join(Notice, Notice.id == Claim.merged_notice_id)
        .where(Claim.notice_id == notice.id, Claim.state == "linked")
        .order_by(Claim.id.desc())
    )
    found = session.execute(statement).all()
    if not found:
        return []
    acts = _acts_on(session, [claim_id for _address, _title, claim_id in found])
    return [Joined(a, title_or_none(t), *acts.get(claim_id, (None, ""))) for a, t, claim_id in found]


def _acts_on(session: Session, claim_ids: Collection[int]) -> dict[int, tuple[datetime, str]]:
    statement = (
        select(Revision.entity_id, Batch.at, Batch.by)
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Revision.entity == "claim", Revision.entity_id.in_(claim_ids))
        .order_by(Revision.id)
    )
    return {claim_id: (at, by) for claim_id, at, by in session.execute(statement)}
