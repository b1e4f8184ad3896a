"""From the database to the index: what each notice says, read for many notices at once.

One query per table and batch, whatever the number of notices; plain columns, no objects of the ORM.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from catalogue import unimarc
from catalogue.models import (
    Centre,
    DigitalDocument,
    Holding,
    Item,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeIdentifier,
)
from catalogue.notices import INDEXED
from indexes.schema import IndexDoc

FIRST_DAY = date(1970, 1, 1).toordinal()

Column: TypeAlias = InstrumentedAttribute[Any]
Rows: TypeAlias = dict[int, list[Any]]


def read(session: Session, notice_ids: Sequence[int]) -> list[IndexDoc]:
    """The documents of these notices; none for those that are gone or not to be found."""
    ids = list(notice_ids)
    notices = session.execute(
        select(
            *(Notice.id, Notice.status, Notice.level, Notice.kind, Notice.title, Notice.sort_key),
            *(Notice.year, Notice.language, Notice.changed_seq, Notice.created_at, Notice.address),
            *(Notice.fields, Centre.is_ours),
        )
        .join(Centre, Centre.id == Notice.owner_id)
        .where(Notice.id.in_(ids), Notice.status.in_(INDEXED))
        .order_by(Notice.id)
    ).all()
    agents = _by_notice(session, ids, NoticeAgent.pos, NoticeAgent.notice_id, NoticeAgent.name)
    concepts = _by_notice(
        session,
        ids,
        NoticeConcept.pos,
        *(NoticeConcept.notice_id, NoticeConcept.label, NoticeConcept.free),
    )
    identifiers = _by_notice(session, ids, NoticeIdentifier.id, NoticeIdentifier.notice_id, NoticeIdentifier.value)
    items = _by_notice(session, ids, Item.id, *(Item.notice_id, Item.call_number, Item.barcode, Item.code, Item.status))
    online = _having(session, DigitalDocument.notice_id, ids)
    partners = _having(session, Holding.notice_id, ids)
    docs = []
    for row in notices:
        fields: unimarc.Fields = row.fields
        texts = unimarc.texts(fields)
        title, *more_titles = _values(texts.title) or [row.title]
        copies = items[row.id]
        access = {
            "online": row.id in online or bool(unimarc.online(fields)),
            "onsite": any(copy.status != "withdrawn" for copy in copies),
            "partner": row.id in partners or not row.is_ours,
        }
        docs.append(
            IndexDoc(
                notice_id=row.id,
                title=title,
                more_titles=(*more_titles, *_values(texts.more_titles)),
                agents=tuple(dict.fromkeys(agent.name for agent in agents[row.id])),
                subjects=tuple(concept.label for concept in concepts[row.id] if not concept.free),
                keywords=tuple(concept.label for concept in concepts[row.id] if concept.free),
                series=texts.series,
                host_title=texts.host,
                abstract=texts.abstract,
                notes="\n".join((texts.contents, texts.notes, *unimarc.publishers(fields))),
                identifiers=(
                    *(row.address, *(identifier.value for identifier in identifiers[row.id])),
                    *(value for copy in copies for value in (copy.barcode, copy.code) if value),
                ),
                call_numbers=tuple(copy.call_number for copy in copies if copy.call_number),
                status=row.status,
                scope="local" if row.is_ours else "network",
                kind=row.kind,
                level=row.level,
                themes=tuple(concept.label for concept in concepts[row.id] if not concept.free),
                language=row.language,
                languages=tuple(unimarc.languages(fields)),
                year=row.year,
                access=tuple(way for way, open_ in access.items() if open_),
                changed_seq=row.changed_seq,
                added=row.created_at.toordinal() - FIRST_DAY,
                sort_key=row.sort_key,
            )
        )
    return docs


def _by_notice(session: Session, ids: list[int], order: Column, notice_id: Column, *columns: Column) -> Rows:
    found: Rows = defaultdict(list)
    for row in session.execute(select(notice_id, *columns).where(notice_id.in_(ids)).order_by(order)):
        found[row.notice_id].append(row)
    return found


def _having(session: Session, notice_id: Column, ids: list[int]) -> set[int]:
    return set(session.scalars(select(notice_id).where(notice_id.in_(ids))))


def _values(text: str) -> list[str]:
    """`unimarc.texts` joins the values of several subfields with a line end."""
    return [value for line in text.split("\n") if (value := line.strip())]
