"""All that a base holds, without its clocks and numbers: two worlds where the same happened have the same state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import integrity
from catalogue.db import Database
from catalogue.models import (
    Batch,
    Claim,
    Holding,
    Item,
    Judgement,
    Notice,
    Proposal,
    Refused,
    Revision,
    Run,
    Source,
    SourceRecord,
    SourceVersion,
)
from catalogue.unimarc import Fields, bare
from indexes.reader import Index
from indexes.sync import check, drain

Rows = Counter[str]


def read(database: Database, folder: Path) -> dict[str, Rows]:
    """What is compared, by its name; the index is brought up to date first."""
    index = Index(folder / "index")
    while drain(database.read_session, index):
        pass
    report = check(database.read_session, index)
    index.close()
    with database.read() as session:
        names = _Names(session)
        return {
            "records": _counted(_records(session)),
            "notices": _counted(_notices(session, names)),
            "claims": _counted(_claims(session, names)),
            "proposals": _counted(_proposals(session, names)),
            "judgements": _counted(_judgements(session, names)),
            "holdings": _counted(_holdings(session, names)),
            "copies": _counted(
                [i.barcode, i.call_number, names.notice(i.notice_id)] for i in session.scalars(select(Item))
            ),
            "refused": _counted([r.identifier, r.code, r.settled_at is None] for r in session.scalars(select(Refused))),
            "history": _counted(_history(session)),
            "counts": _counted(_counts(session)),
            "index": _counted([[report.ok, report.waiting]]),
            "checks": _counted([fault.entity, fault.what] for fault in integrity.faults(session)),
        }


def differences(left: dict[str, Rows], right: dict[str, Rows]) -> list[str]:
    """What the second has lost, and what it has that the first has not."""
    out = []
    for name, rows in left.items():
        out += [f"{name}: lost {row[:300]}" for row in rows - right[name]]
        out += [f"{name}: besides {row[:300]}" for row in right[name] - rows]
    return out


class _Names:
    """What numbers stand for: a claim is its record's identifier, a notice its title."""

    def __init__(self, session: Session) -> None:
        self._titles = {number: title for number, title in session.execute(select(Notice.id, Notice.title))}
        self._records = {
            number: name for number, name in session.execute(select(SourceRecord.id, SourceRecord.identifier))
        }
        self._claims = {
            number: self._records.get(record or 0, f"merged {self._titles.get(merged or 0)}")
            for number, record, merged in session.execute(select(Claim.id, Claim.record_id, Claim.merged_notice_id))
        }

    def notice(self, number: int | None) -> str:
        return self._titles.get(number or 0, "")

    def claim(self, number: int | str) -> str:
        return self._claims.get(number, "") if isinstance(number, int) else number

    def end(self, end: str) -> str:
        kind, _colon, number = end.partition(":")
        return f"{kind} {(self._titles if kind == 'notice' else self._records).get(int(number))}"

    def fields(self, fields: Fields) -> list[Any]:
        return [[bare(f), [self.claim(o) for o in f.get("o", ())]] for f in fields]


def _counted(rows: Iterator[Any] | Sequence[Any]) -> Rows:
    return Counter(json.dumps(row, ensure_ascii=False, sort_keys=True, default=str) for row in rows)


def _records(session: Session) -> Iterator[Any]:
    versions = dict(
        session.execute(select(SourceVersion.record_id, func.count()).group_by(SourceVersion.record_id)).all()
    )
    statement = (
        select(Source.name, SourceRecord, SourceVersion)
        .join(Source, Source.id == SourceRecord.source_id)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
    )
    for name, record, version in session.execute(statement):
        yield name, record.identifier, version.deleted, version.fields, version.items, versions[record.id]


def _notices(session: Session, names: _Names) -> Iterator[Any]:
    for notice in session.scalars(select(Notice)):
        merged = names.notice(notice.merged_into_id)
        yield notice.title, notice.status, merged, notice.version, names.fields(notice.fields)


def _claims(session: Session, names: _Names) -> Iterator[Any]:
    base = {number: fields for number, fields in session.execute(select(SourceVersion.id, SourceVersion.fields))}
    for claim in session.scalars(select(Claim)):
        agreed = base.get(claim.base_version_id or 0)
        yield names.claim(claim.id), names.notice(claim.notice_id), claim.state, agreed, claim.judgement_id is None


def _proposals(session: Session, names: _Names) -> Iterator[Any]:
    for question in session.scalars(select(Proposal)):
        changes = [
            {**change, **{side: [bare(f) for f in change[side]] for side in ("base", "ours", "theirs")}}
            for change in question.changes
        ]
        yield names.claim(question.claim_id), question.state, question.category, question.why, question.kept, changes


def _judgements(session: Session, names: _Names) -> Iterator[Any]:
    for one in session.scalars(select(Judgement)):
        ends = sorted((names.end(one.left), names.end(one.right)))
        yield ends, one.verdict, one.by, one.revoked_at is None


def _holdings(session: Session, names: _Names) -> Iterator[Any]:
    statement = select(Holding, SourceRecord.identifier).join(SourceRecord, SourceRecord.id == Holding.record_id)
    for held, identifier in session.execute(statement):
        yield identifier, names.notice(held.notice_id), held.centre_label, held.call_number, held.count


def _history(session: Session) -> Iterator[Any]:
    statement = (
        select(Batch.kind, Revision.entity, func.count(Revision.id))
        .join(Revision, Revision.batch_id == Batch.id)
        .group_by(Batch.kind, Revision.entity)
    )
    yield from (list(row) for row in session.execute(statement))


def _counts(session: Session) -> Iterator[Any]:
    """Of each harvest: a killed one has asked some pages twice, and counts what it received once."""
    for run in session.scalars(select(Run).where(Run.kind == "harvest").order_by(Run.id)):
        yield run.id, run.status, run.reason, {k: n for k, n in run.counts.items() if k != "requests"}
