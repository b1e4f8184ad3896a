"""Promises: what fields name of another base before it is here, by that base's own numbers.

« RECI:bull:905 » is what RECI calls number 905 among its issues; the notice it leads to may come tomorrow. Every
source has its own number spaces: records, issues, authors, categories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import ExternalId, Source


def find_promised(session: Session, entity: str, promises: Iterable[str], *spaces: str) -> dict[str, int]:
    """Those that can be kept: promise -> the row of ours that its source means, in one of these spaces."""
    # A source's name may hold a colon, and so may its numbers: the space between them may not.
    shape = re.compile(rf"(.*?):({'|'.join(spaces)}):(.*)", re.S)
    wanted: dict[tuple[str, str], dict[str, str]] = {}
    for promise in promises:
        if found := shape.fullmatch(promise):
            source, space, number = found.groups()
            wanted.setdefault((source, space), {})[number] = promise
    out: dict[str, int] = {}
    for (source, space), numbers in wanted.items():
        for part in db.chunks(sorted(numbers)):
            statement = (
                select(ExternalId.value, ExternalId.entity_id)
                .join(Source, Source.id == ExternalId.source_id)
                .where(
                    Source.name == source,
                    ExternalId.space == space,
                    ExternalId.entity == entity,
                    ExternalId.value.in_(part),
                )
            )
            out |= {numbers[value]: row_id for value, row_id in session.execute(statement)}
    return out
