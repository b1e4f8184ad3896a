"""What a source allows, as its page shows it (`catalogue.terms`), kept with the source, each change remembered.

The licence and the answer have columns of their own; the groups of fields that may not be sent out again, whether
anybody has answered, and who changed what and when, stand among its rules ("terms").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history
from catalogue.models import Claim, Source, SourceRecord
from catalogue.source_rules import Stale, mark
from catalogue.terms import UNSAID, YES, Terms, in_order

CHANGES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """A change: by whom, when, and what it replaced."""

    by: str
    at: datetime
    before: Terms


@dataclass(frozen=True, slots=True)
class Speaker:
    """The source that a claim speaks for, and what it allows."""

    source: str
    terms: Terms


def of_source(source: Source) -> Terms:
    kept = (source.rules or {}).get("terms") or {}
    answered = source.resend != YES or kept.get("answered", bool(kept))
    return Terms(source.licence, source.resend if answered else UNSAID, in_order(kept.get("withheld", ())))


def mark_of(terms: Terms) -> str:
    """What a page sends back of the terms that it has shown."""
    return mark([terms.licence, terms.resend, terms.withheld])


def put(session: Session, source: Source, terms: Terms, *, by: str, seen: str | None = None) -> bool:
    """Say what the source allows; whether that changes anything. `seen`: the mark of the terms that a page has shown;
    raises Stale when they are others by now."""
    history.turn(session)  # they stand beside the source's rules in one value: nobody writes those meanwhile
    before = of_source(source)
    if terms == before:
        return False
    if seen is not None and seen != mark_of(before):
        raise Stale
    kept = (source.rules or {}).get("terms") or {}
    was = {"licence": before.licence, "resend": before.resend, "withheld": list(before.withheld)}
    changes = [*kept.get("changes", ()), {"by": by, "at": db.now().isoformat(), "before": was}][-CHANGES_KEPT:]
    answered = terms.resend != UNSAID
    source.licence, source.resend = terms.licence, terms.resend if answered else YES
    told = {"withheld": list(terms.withheld), "answered": answered, "changes": changes}
    source.rules = {**(source.rules or {}), "terms": told}
    session.flush()
    return True


def changes_of(source: Source) -> list[Changed]:
    """Latest first."""
    kept = (source.rules or {}).get("terms") or {}
    return [
        Changed(
            row["by"],
            datetime.fromisoformat(row["at"]),
            Terms(row["before"]["licence"], row["before"]["resend"], in_order(row["before"]["withheld"])),
        )
        for row in reversed(kept.get("changes", ()))
    ]


def of_claims(session: Session, claim_ids: Iterable[int]) -> dict[int | str, Speaker]:
    """Claim -> the source it speaks for; a statement for a thousand claims."""
    out: dict[int | str, Speaker] = {}
    known: dict[int, Speaker] = {}
    for part in db.chunks(sorted(set(claim_ids))):
        statement = (
            select(Claim.id, Source)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .where(Claim.id.in_(part))
        )
        for claim_id, source in session.execute(statement):
            out[claim_id] = known.setdefault(source.id, Speaker(source.name, of_source(source)))
    return out


def all_allow(session: Session) -> bool:
    """Whether no source has said anything: most bases, whose exports need not ask value by value."""
    said = select(Source.id).where((Source.resend != "yes") | (Source.licence != ""))
    return session.scalar(said.limit(1)) is None
