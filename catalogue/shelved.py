"""Where copies stand for other notices: an article is read in its issue, a chapter in its book, a periodical in its
issues.

Asked by the pages that say « Sur place » and by the index that filters on it: one definition for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from catalogue import items
from catalogue.models import Item, Notice, NoticeLink


class Host(NamedTuple):
    """What one takes from the shelf to read a part of it."""

    notice_id: int
    level: str  # "issue", or "monograph": a book


def hosts_of(session: Session, notice_ids: Sequence[int]) -> dict[int, Host]:
    """Of these notices, the articles and chapters -> what each is read in: the first it names that has a page."""
    host = aliased(Notice)
    statement = (
        select(NoticeLink.notice_id, host.id, host.level)
        .join(Notice, Notice.id == NoticeLink.notice_id)
        .join(host, host.id == NoticeLink.target_id)
        .where(
            *(NoticeLink.notice_id.in_(notice_ids), NoticeLink.relation == "host_issue", Notice.level == "article"),
            *(host.level.in_(("issue", "monograph")), host.status.in_(("published", "withdrawn"))),
        )
        .order_by(NoticeLink.id.desc())
    )
    return {part_id: Host(host_id, level) for part_id, host_id, level in session.execute(statement)}


def issues_on_shelf(session: Session, notice_ids: Sequence[int]) -> dict[int, int]:
    """Of these notices, the periodicals -> how many of their published issues have a copy that the public may see."""
    periodical = aliased(Notice)
    statement = (
        select(periodical.id, func.count(Notice.id.distinct()))
        .join(NoticeLink, NoticeLink.target_id == periodical.id)
        .join(Notice, Notice.id == NoticeLink.notice_id)
        .join(Item, Item.notice_id == Notice.id)
        .where(
            *(periodical.id.in_(notice_ids), periodical.level == "serial", NoticeLink.relation == "host_serial"),
            *(Notice.level == "issue", Notice.status == "published", items.is_public()),
        )
        .group_by(periodical.id)
    )
    return {serial_id: n for serial_id, n in session.execute(statement)}
