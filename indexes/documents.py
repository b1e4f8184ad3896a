"""From the database to the index: what each notice says, read for many notices at once.

One query per table and batch, whatever the number of notices; plain columns, no objects of the ORM.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from catalogue import claims, digital, items, shelved, unimarc
from catalogue.models import (
    Centre,
    DigitalDocument,
    Holding,
    Item,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeIdentifier,
    NoticeLink,
)
from catalogue.notices import INDEXED
from indexes.schema import IndexDoc
from indexes.texts import Text

FIRST_DAY = date(1970, 1, 1).toordinal()

Column: TypeAlias = InstrumentedAttribute[Any]
Rows: TypeAlias = dict[int, list[Any]]


def read(session: Session, notice_ids: Sequence[int]) -> list[IndexDoc]:
    """The documents of these notices; none for those that are gone or not to be found."""
    ids = list(notice_ids)
    notices = session.execute(
        select(
            *(Notice.id, Notice.status, Notice.kind, Notice.title, Notice.sort_key),
            *(Notice.year, Notice.language, Notice.changed_seq, Notice.created_at, Notice.address),
            *(Notice.fields, Centre.is_ours),
        )
        .join(Centre, Centre.id == Notice.owner_id)
        .where(Notice.id.in_(ids), Notice.status.in_(INDEXED))
        .order_by(Notice.id)
    ).all()
    around = _read_around(session, ids)
    return [_document(row, around) for row in notices]


def also_touched(session: Session, notice_ids: Sequence[int]) -> set[int]:
    """Notices whose access follows these: the articles read in an issue, the chapters in a book, the
    periodical an issue belongs to.

    Whoever leaves a periodical queues it (`notices`): its link is no longer there to be followed.
    """
    ids = list(notice_ids)
    articles = select(NoticeLink.notice_id).where(NoticeLink.target_id.in_(ids), NoticeLink.relation == "host_issue")
    periodicals = select(NoticeLink.target_id).where(
        NoticeLink.notice_id.in_(ids), NoticeLink.relation == "host_serial"
    )
    found = {*session.scalars(articles), *session.scalars(periodicals)}
    return {notice_id for notice_id in found if notice_id is not None} - set(ids)


@dataclass(frozen=True)
class _Around:
    """What the other tables say of these notices."""

    agents: Rows
    concepts: Rows
    identifiers: Rows
    items: Rows
    online: set[int]
    onsite: set[int]
    partners: set[int]
    texts: dict[int, list[DigitalDocument]]


def _read_around(session: Session, ids: list[int]) -> _Around:
    ours = and_(DigitalDocument.sha256 != "", DigitalDocument.rights == "open")
    dead = and_(DigitalDocument.alive.is_(False), DigitalDocument.archived_url == "")
    answers = and_(DigitalDocument.url.like("http%"), DigitalDocument.rights != "removed", not_(dead))
    openable = select(DigitalDocument.notice_id).where(DigitalDocument.notice_id.in_(ids), or_(answers, ours))
    return _Around(
        agents=_by_notice(session, ids, NoticeAgent.pos, NoticeAgent.notice_id, NoticeAgent.name),
        concepts=_by_notice(
            session,
            ids,
            NoticeConcept.pos,
            *(NoticeConcept.notice_id, NoticeConcept.label, NoticeConcept.free),
        ),
        identifiers=_by_notice(session, ids, NoticeIdentifier.id, NoticeIdentifier.notice_id, NoticeIdentifier.value),
        items=_by_notice(
            session,
            ids,
            Item.id,
            *(Item.notice_id, Item.call_number, Item.barcode, Item.code),
            where=items.is_public(),
        ),
        online=set(session.scalars(openable)),
        onsite=_on_shelf(session, ids),
        partners=set(session.scalars(select(Holding.notice_id).where(Holding.notice_id.in_(ids), claims.is_held()))),
        texts=digital.searched(session, ids),
    )


def _on_shelf(session: Session, ids: list[int]) -> set[int]:
    """Notices with a copy of their own, in their issue or book (an article) or in their issues (a periodical)."""
    host_of = {part_id: host.notice_id for part_id, host in shelved.hosts_of(session, ids).items()}
    wanted = sorted({*ids, *host_of.values()})
    here = set(session.scalars(select(Item.notice_id).where(Item.notice_id.in_(wanted), items.is_public())))
    own = {notice_id for notice_id in ids if notice_id in here or host_of.get(notice_id) in here}
    return own | shelved.issues_on_shelf(session, ids).keys()


def _document(row: Any, around: _Around) -> IndexDoc:
    fields: unimarc.Fields = row.fields
    texts = unimarc.texts(fields)
    title, *more_titles = _values(texts.title) or [row.title]
    concepts, copies = around.concepts[row.id], around.items[row.id]
    descriptors = tuple(concept.label for concept in concepts if not concept.free)
    access = {
        "online": row.id in around.online,
        "onsite": row.id in around.onsite,
        "partner": row.id in around.partners or not row.is_ours,
    }
    return IndexDoc(
        notice_id=row.id,
        title=title,
        more_titles=(*more_titles, *_values(texts.more_titles)),
        agents=tuple(dict.fromkeys(agent.name for agent in around.agents[row.id])),
        subjects=descriptors,
        keywords=tuple(concept.label for concept in concepts if concept.free),
        series=texts.series,
        host_title=texts.host,
        abstract=texts.abstract,
        notes="\n".join((texts.contents, texts.notes, *unimarc.publishers(fields), str(row.year or ""))),
        identifiers=(
            *(row.address, *(identifier.value for identifier in around.identifiers[row.id])),
            *(value for copy in copies for value in (copy.barcode, copy.code) if value),
        ),
        call_numbers=tuple(copy.call_number for copy in copies if copy.call_number),
        status=row.status,
        scope="local" if row.is_ours else "network",
        kind=row.kind,
        themes=descriptors,
        language=row.language,
        languages=tuple(unimarc.languages(fields)),
        year=row.year,
        access=tuple(way for way, is_open in access.items() if is_open),
        changed_seq=row.changed_seq,
        added=row.created_at.toordinal() - FIRST_DAY,
        sort_key=row.sort_key,
        texts=tuple(Text(d.sha256, d.rights == "open") for d in around.texts.get(row.id, ())),
    )


def _by_notice(
    session: Session,
    ids: list[int],
    order: Column,
    notice_id: Column,
    *columns: Column,
    where: ColumnElement[bool] | None = None,
) -> Rows:
    found: Rows = defaultdict(list)
    asked = (notice_id.in_(ids), *(() if where is None else (where,)))
    for row in session.execute(select(notice_id, *columns).where(*asked).order_by(order)):
        found[row.notice_id].append(row)
    return found


def _values(text: str) -> list[str]:
    """`unimarc.texts` joins the values of several subfields with a line end."""
    return [value for line in text.split("\n") if (value := line.strip())]
