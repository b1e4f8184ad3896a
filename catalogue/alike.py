"""While a notice is being written: the notices of ours it may be already.

Asked at every pause in the typing, so it reads little: the numbers and the address by themselves, the title from
twelve signs on; a few candidates by their kept keys (`matching.candidates`), compared as at night. What somebody has
told apart is not shown again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import cataloguing, judgements
from catalogue.desk_history import status_words, title_or_none
from catalogue.matching import DIFFERENT, Verdict, candidates, compare, describe
from catalogue.matching.compare import FEATURES
from catalogue.models import LIVING, Notice
from catalogue.unimarc import Fields

SHORTEST_TITLE = 12
SHOWN = 3


NEAR = 20  # points: less than a doubt at night, for half of what would tell them apart is not typed yet


@dataclass(frozen=True, slots=True)
class Alike:
    address: str
    title: str
    detail: str  # « Article de presse, 2024, publiée »
    why: tuple[str, ...]


def find(session: Session, fields: Fields, *, notice: Notice | None = None, apart: Collection[str] = ()) -> list[Alike]:
    """The likeliest first, SHOWN at most. `notice` is the one being written, `apart` those already looked at."""
    described = describe(fields)
    numbered = described.isbns or described.dois or described.urls or described.eans
    if not numbered and len(described.full_title) < SHORTEST_TITLE:
        return []
    without = [notice.id] if notice else []
    (ids,) = candidates.find(session, [described], without=without)
    statement = select(Notice.id, Notice.address, Notice.title, Notice.kind, Notice.year, Notice.status, Notice.fields)
    rows = session.execute(statement.where(Notice.id.in_(ids), Notice.status.in_(LIVING))).all() if ids else []
    met = [(compare(described, describe(row.fields)), row) for row in rows if row.address not in apart]
    met = [(verdict, row) for verdict, row in met if _is_near(verdict)]
    met.sort(key=lambda one: (-one[0].score, one[1].id))
    if notice is not None and met:
        ends = {row.id: (f"notice:{notice.id}", f"notice:{row.id}") for _verdict, row in met}
        judged = judgements.verdict(session, ends.values())
        told_apart = {n for n, pair in ends.items() if pair in judged and judged[pair].verdict == "different"}
        met = [(verdict, row) for verdict, row in met if row.id not in told_apart]
    return [
        Alike(
            row.address,
            title_or_none(row.title),
            ", ".join(
                str(part) for part in (cataloguing.kind_label(row.kind), row.year, status_words(row.status)) if part
            ),
            tuple(reason.sentence for reason in verdict.reasons if reason.points > 0)[:3],
        )
        for verdict, row in met[:SHOWN]
    ]


def _is_near(verdict: Verdict) -> bool:
    """What the rules of the night would ask about, and a title that is the same where nothing contradicts it."""
    if verdict.outcome != DIFFERENT:
        return True
    return verdict.score >= NEAR and not any(FEATURES[reason.code].limit == DIFFERENT for reason in verdict.reasons)
