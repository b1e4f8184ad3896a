"""What the desk's form proposes while a name or a journal is typed: people and bodies of ours, journals of ours.

By the beginning of the name as it is filed, of any of its words for a journal: an index answers, however large the
base. What is chosen is only text: the save finds the authority or the journal by it (`cataloguing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_, select
from sqlalchemy.orm import Session

from catalogue.models import LIVING, Agent, Notice, NoticeAgent, NoticeLink
from catalogue.text import fold, sort_key

SHOWN = 8
# Written out: only then does SQLite see that its index of journals answers.
_SERIAL: ColumnElement[str] = literal_column("'serial'")
SHORTEST, LONGEST = 2, 200


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a list of proposals; `about` tells two alike apart: dates, an ISSN."""

    label: str
    about: str = ""
    notices: int = 0

    def as_data(self) -> dict[str, Any]:
        """As the lists of subjects are, so that one script reads them all."""
        return {"label": self.label, "path": [self.about] if self.about else [], "for": "", "notices": self.notices}


def names(session: Session, type_: str, typed: str) -> list[Choice]:
    """People or bodies whose name begins so, « léa martin » as well as « martin, léa »; the most used first."""
    words = fold(typed[:LONGEST]).split()
    if sum(map(len, words)) < SHORTEST:
        return []
    wanted = _begins(Agent.sort_key, " ".join(words))
    if len(words) > 1 and "," not in typed:  # « Léa Mart » is on its way to « Martin, Léa »
        wanted |= _begins(Agent.sort_key, words[-1]) & Agent.sort_key.like(f"% {words[0]}%")
    statement = (
        select(Agent.id, Agent.name, Agent.dates)
        .where(wanted, Agent.status == "accepted", Agent.type == type_)
        .order_by(Agent.sort_key)
        .limit(4 * SHOWN)
    )
    rows = session.execute(statement).all()
    counted = (
        select(NoticeAgent.agent_id, func.count())
        .where(NoticeAgent.agent_id.in_([row.id for row in rows]))
        .group_by(NoticeAgent.agent_id)
    )
    uses = {number: n for number, n in session.execute(counted)}
    found = [Choice(row.name, row.dates, uses.get(row.id, 0)) for row in rows]
    return sorted(found, key=lambda one: -one.notices)[:SHOWN]


def journals(session: Session, typed: str) -> list[Choice]:
    """Journals with a word that begins so; those whose title does first."""
    key = sort_key(typed[:LONGEST])
    if len(key) < SHORTEST:
        return []
    inside = Notice.sort_key.like(f"% {fold(typed[:LONGEST])}%")
    statement = (
        select(Notice.id, Notice.title, Notice.sort_key, Notice.status)
        .where(Notice.level == _SERIAL)
        .where(or_(_begins(Notice.sort_key, key), inside))
        .order_by(Notice.sort_key)
        .limit(8 * SHOWN)
    )
    # Not among the conditions: SQLite would rather read every notice of a status.
    living = [row for row in session.execute(statement) if row.status in LIVING]
    rows = sorted(living, key=lambda row: not row.sort_key.startswith(key))[:SHOWN]
    counted = (
        select(NoticeLink.target_id, func.count())
        .where(NoticeLink.target_id.in_([row.id for row in rows]), NoticeLink.relation == "host_serial")
        .group_by(NoticeLink.target_id)
    )
    uses = {number: n for number, n in session.execute(counted)}
    return list({row.title: Choice(row.title, "", uses.get(row.id, 0)) for row in rows if row.title}.values())


def _begins(column: Any, key: str) -> ColumnElement[bool]:
    between: ColumnElement[bool] = (column >= key) & (column < key + "~")
    return between
