"""Promises: what fields name of another base before it is here, by that base's own numbers.

« RECI:bull:905 » is what RECI calls number 905 among its issues; the notice it leads to may come tomorrow. Every
source has its own number spaces: records, issues, authors, categories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import ExternalId, Source

_IDS, _SOURCES = db.table_of(ExternalId), db.table_of(Source)
_PROMISED = (
    select(_IDS.c.value, _IDS.c.entity_id)
    .join(_SOURCES, _SOURCES.c.id == _IDS.c.source_id)
    .where(_SOURCES.c.name == bindparam("source"), _IDS.c.space == bindparam("space"))
    .where(_IDS.c.entity == bindparam("entity"), db.among(_IDS.c.value))
)


def find_promised(session: Session, entity: str, promises: Iterable[str], *spaces: str) -> dict[str, int]:
    """Those that can be kept: promise -> the row of ours that its source means, in one of these spaces."""
    session.flush()
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
            asked = {"source": source, "space": space, "entity": entity, "part": part}
            out |= {numbers[value]: row_id for value, row_id in session.execute(_PROMISED, asked)}
    return out
