"""What a source allows, as its page shows it (`catalogue.terms`), kept with the source, each change remembered.

The licence and the answer have columns of their own; the groups of fields that may not be sent out again, and who
changed what and when, stand among its rules ("terms").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import Claim, Source, SourceRecord
from catalogue.terms import Terms, in_order

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
    return Terms(source.licence, source.resend, in_order(kept.get("withheld", ())))


def put(session: Session, source: Source, terms: Terms, *, by: str) -> bool:
    """Say what the source allows; whether that changes anything."""
    before = of_source(source)
    if terms == before:
        return False
    kept = (source.rules or {}).get("terms") or {}
    was = {"licence": before.licence, "resend": before.resend, "withheld": list(before.withheld)}
    changes = [*kept.get("changes", ()), {"by": by, "at": db.now().isoformat(), "before": was}][-CHANGES_KEPT:]
    source.licence, source.resend = terms.licence, terms.resend
    source.rules = {**(source.rules or {}), "terms": {"withheld": list(terms.withheld), "changes": changes}}
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
