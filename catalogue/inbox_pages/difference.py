"""The page of one question: a source's new version and our notice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import inbox, reviewing
from catalogue.desk_history import status_words, title_or_none
from catalogue.i18n import N_, _, format_number
from catalogue.inbox import Place
from catalogue.inbox_pages.questions import Differences, differences_of, origins_of
from catalogue.merging import rules
from catalogue.models import Claim, Proposal, Run, Source, SourceRecord, SourceVersion
from catalogue.proposals import changes_of
from catalogue.proposals.questions import find_rows, merged

# Why no rule may decide it (`Merge.bar`).
BARS: Mapping[str, str] = {
    "record.says_less": N_(
        "Leur notice en dit bien moins qu’avant, peut-être dans un format plus pauvre. Ce qu’ils ne disent plus n’est "
        "pas proposé, et aucune règle ne s’applique."
    ),
    "record.other_document": N_(
        "Sous le même numéro, leur notice semble décrire un autre document. "
        "Aucune règle ne s’applique : à vous de voir."
    ),
}


@dataclass(frozen=True, slots=True)
class DifferencePage:
    number: int
    address: str
    title: str
    status: str
    source: str
    category: str
    since: datetime
    run_id: int | None
    of_import: bool  # that run read a file
    first: bool  # nothing was ever agreed with that source on this notice
    received: datetime
    why: str
    state: str  # waiting, or who has decided it
    settled_by: str
    settled_at: datetime | None
    deleted: bool
    shown: Differences
    place: Place


def difference_page(
    session: Session,
    proposal: Proposal,
    *,
    choices: Mapping[str, str] | None = None,
    marks: Mapping[str, str] | None = None,
    run_id: int | None = None,
    source: str = "",
) -> DifferencePage | None:
    """As things stand this minute, whatever was written down; `choices` and `marks` are what the form has sent."""
    row = next(find_rows(session, Claim.id == proposal.claim_id, settled=True), None)
    named = session.execute(
        select(Source.name, SourceVersion.received_at)
        .select_from(Claim)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .where(Claim.id == proposal.claim_id)
    ).one_or_none()
    if row is None or named is None:
        return None
    merge = merged(row, proposal)
    origins = origins_of(session, row.notice)
    return DifferencePage(
        number=proposal.id,
        address=row.notice.address,
        title=title_or_none(row.notice.title),
        status=status_words(row.notice.status),
        source=named.name,
        category=proposal.category,
        since=proposal.created_at,
        run_id=proposal.run_id,
        of_import=session.scalar(select(Run.kind).where(Run.id == proposal.run_id)) == "import",
        first=row.meeting,
        received=named.received_at,
        why=_(BARS[merge.bar]) if merge.bar in BARS else "",
        state=proposal.state,
        settled_by=proposal.settled_by,
        settled_at=proposal.settled_at,
        deleted=row.deleted,
        shown=differences_of(row.notice.fields, merge, choices or {}, marks, origins, named.name),
        place=inbox.place_of(session, proposal, run_id=run_id, source=source),
    )


@dataclass(frozen=True, slots=True)
class RuleAsked:
    """« Toujours, pour cette source »: what it will do from now on, said before it is done."""

    source: str
    lines: tuple[str, ...]
    gives_way: bool  # what was written here would give way
    waiting: int  # other questions that wait, which it would answer; no more than one over `reviewing.COUNTED`
    no_rule: bool
    mark: str  # what a form sends back: these lines, and no others

    @property
    def too_many(self) -> bool:
        return self.waiting > reviewing.COUNTED

    @property
    def others(self) -> str:
        """« 12 autres », « plus de 500 autres »"""
        if self.too_many:
            return _("plus de %(n)s") % {"n": format_number(reviewing.COUNTED)}
        return format_number(self.waiting)


def rule_asked(
    session: Session,
    proposal: Proposal,
    choices: Mapping[str, str],
    always: Collection[tuple[str, str]],
    *,
    confirmed: str | None = None,
) -> RuleAsked | None:
    """What is to be confirmed; None when nothing is, or what was `confirmed` is this."""
    source = reviewing.source_of(session, proposal)
    said, impossible = reviewing.rules_said(changes_of(proposal), choices, always)
    kinds = [(group, rules.KINDS[nature], answer) for (group, nature), answer in said.items()]
    mark = " ".join(".".join(line) for line in kinds)
    if source is None or not kinds or mark == confirmed:
        return None
    return RuleAsked(
        source=source.name,
        lines=tuple(rules.sentence(*line) for line in kinds),
        gives_way=any((kind, answer) in rules.GIVES_WAY for _group, kind, answer in kinds),
        waiting=reviewing.would_decide(session, source, said, but=proposal.id),
        no_rule=impossible,
        mark=mark,
    )
