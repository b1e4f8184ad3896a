"""Where copies stand for other notices: an article is read in its issue, a periodical in its issues.

Asked by the pages that say « Sur place » and by the index that filters on it: one definition for both.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from catalogue import items
from catalogue.models import Item, Notice, NoticeLink


def issues_of(session: Session, notice_ids: Sequence[int]) -> dict[int, int]:
    """Of these notices, the articles -> the issue each is read in: the first it names that has a page."""
    issue = aliased(Notice)
    statement = (
        select(NoticeLink.notice_id, issue.id)
        .join(Notice, Notice.id == NoticeLink.notice_id)
        .join(issue, issue.id == NoticeLink.target_id)
        .where(
            *(NoticeLink.notice_id.in_(notice_ids), NoticeLink.relation == "host_issue", Notice.level == "article"),
            *(issue.level == "issue", issue.status.in_(("published", "withdrawn"))),
        )
        .order_by(NoticeLink.id.desc())
    )
    return {article_id: issue_id for article_id, issue_id in session.execute(statement)}


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
