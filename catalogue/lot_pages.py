"""« Historique et annulations »: the lots of everybody, chosen by who, what and words; one lot, row by row.

Read as plain values, in the current language. Undoing is in `catalogue.lots`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from catalogue import history, lots, notices, undo_plan
from catalogue.desk_history import (
    AUTHORITY_WORDS,
    NOT_UNDOABLE,
    SHOWN_IN_FULL,
    VERDICT_WORDS,
    about_row,
    changes_of,
    lot_words,
    place_names,
    title_or_none,
)
from catalogue.differences import Difference
from catalogue.i18n import _
from catalogue.models import (
    Agent,
    Batch,
    Claim,
    DigitalDocument,
    ExpectedIssue,
    Item,
    Judgement,
    Notice,
    Revision,
    Subscription,
    User,
)
from catalogue.text import fold

LOTS_PER_PAGE = 40
PEOPLE, MACHINES = "personnes", "machines"  # instead of a login


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lots: `who` is a login, PEOPLE or MACHINES; `kind` of LOT_WORDS; `words` of a title, or of what is said of
    the lot. "" is all."""

    who: str = ""
    kind: str = ""
    words: str = ""

    def __bool__(self) -> bool:
        return bool(self.who or self.kind or self.words)


ANY = Asked()


def choices(session: Session) -> tuple[list[str], list[tuple[str, str]]]:
    """Whose lots there are, and of which kinds, to choose among."""
    by = session.scalars(select(Batch.by).distinct().order_by(Batch.by)).all()
    kinds = session.scalars(select(Batch.kind).distinct()).all()
    return list(by), sorted(((kind, lot_words(kind)) for kind in kinds), key=lambda one: fold(one[1]))


def _where(asked: Asked) -> list[ColumnElement[bool]]:
    out: list[ColumnElement[bool]] = []
    people = select(User.login)
    if asked.who in (PEOPLE, MACHINES):
        out.append(Batch.by.in_(people) if asked.who == PEOPLE else Batch.by.not_in(people))
    elif asked.who:
        out.append(Batch.by == asked.who)
    if asked.kind:
        out.append(Batch.kind == asked.kind)
    for word in fold(asked.words).split():  # of a title as it is sorted: without accents, and in an index
        titled = select(Notice.id).where(Notice.sort_key.contains(word, autoescape=True))
        copies = select(Item.id).where(Item.notice_id.in_(titled))
        of = select(Revision.batch_id).where(
            or_(
                (Revision.entity == "notice") & Revision.entity_id.in_(titled),
                (Revision.entity == "item") & Revision.entity_id.in_(copies),
            )
        )
        out.append(or_(Batch.id.in_(of), func.lower(Batch.why).contains(word, autoescape=True)))
    return out


@dataclass(frozen=True, slots=True)
class Lot:
    """One act, as the list of lots and its own page say it."""

    id: int
    words: str
    kind: str
    by: str
    by_machine: bool  # a harvest, a rule, a command: nobody's own act
    at: datetime
    why: str
    count: int
    titles: tuple[str, ...]
    not_undoable: str  # the sentence, "" when it can be taken back


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that a lot changed."""

    title: str
    address: str
    about: str
    made: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class LotPage:
    lot: Lot
    asked: int  # questions of partners that it decided
    changes: tuple[Changed, ...]
    left_out: int


def list_lots(session: Session, page: int = 1, asked: Asked = ANY) -> tuple[list[Lot], bool]:
    """A page of lots, latest first, and whether there are older ones."""
    rows = history.list_batches(session, *_where(asked), limit=LOTS_PER_PAGE + 1, offset=(page - 1) * LOTS_PER_PAGE)
    titles = titles_of_lots(session, [batch.id for batch, _n in rows[:LOTS_PER_PAGE]])
    people = set(session.scalars(select(User.login)))
    found = [_lot(session, batch, n, titles.get(batch.id, ()), people) for batch, n in rows[:LOTS_PER_PAGE]]
    return found, len(rows) > LOTS_PER_PAGE


def _lot(session: Session, batch: Batch, count: int, titles: Sequence[str], people: Collection[str]) -> Lot:
    code = lots.why_not(session, batch)
    return Lot(
        id=batch.id,
        words=lot_words(batch.kind),
        kind=batch.kind,
        by=batch.by,
        by_machine=batch.by not in people,
        at=batch.at,
        why=batch.why,
        count=count,
        titles=tuple(titles),
        not_undoable=_(NOT_UNDOABLE[code]) if code else "",
    )


def titles_of_lots(session: Session, batch_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """What each lot was about: the title of its notice, where there is only one."""
    touched: dict[int, set[int]] = {}
    one_row = (
        select(Revision.batch_id)
        .where(Revision.batch_id.in_(batch_ids))
        .group_by(Revision.batch_id)
        .having(func.count() <= 3)
    )
    columns = (("notice", Revision.entity_id), ("item", Item.notice_id), ("document", DigitalDocument.notice_id))
    for model, column in columns:
        statement = select(Revision.batch_id, column).where(Revision.entity == model, Revision.batch_id.in_(one_row))
        if model == "item":
            statement = statement.join(Item, Item.id == Revision.entity_id)
        elif model == "document":
            statement = statement.join(DigitalDocument, DigitalDocument.id == Revision.entity_id)
        for batch_id, notice_id in session.execute(statement):
            touched.setdefault(batch_id, set()).add(notice_id)
    wanted = {n for numbers in touched.values() for n in numbers}
    named = session.execute(select(Notice.id, Notice.title).where(Notice.id.in_(wanted)))
    titles = {number: title for number, title in named}
    return {b: tuple(title_or_none(titles[n]) for n in sorted(ns) if n in titles) for b, ns in touched.items()}


def count_of(session: Session, batch: Batch) -> int:
    """How many changes a lot made, as the list of lots counts them."""
    return session.scalar(select(func.count(Revision.id)).where(history.shown_of(session, batch))) or 0


def lot_page(session: Session, batch: Batch) -> LotPage:
    """One lot: its rows, each with what changed in it."""
    shown = history.shown_of(session, batch)
    total = count_of(session, batch)
    revisions = session.scalars(select(Revision).where(shown).order_by(Revision.id).limit(LOTS_PER_PAGE)).all()
    places = place_names(session)
    changes = [changed for n, r in enumerate(revisions) if (changed := _changed(session, r, places, n < SHOWN_IN_FULL))]
    titles = tuple(dict.fromkeys(c.title for c in changes)) if total <= 3 else ()
    of_questions = select(func.count(Revision.id)).where(Revision.batch_id == batch.id, Revision.entity == "proposal")
    asked = session.scalar(of_questions) or 0
    people = set(session.scalars(select(User.login)))
    return LotPage(_lot(session, batch, total, titles, people), asked, tuple(changes), total - len(revisions))


def _changed(session: Session, revision: Revision, places: Mapping[int, str], in_full: bool) -> Changed | None:
    row: Any = session.get(undo_plan.RESTORERS[revision.entity][0], revision.entity_id)
    if row is None:
        return None
    if revision.entity in AUTHORITY_WORDS:
        about = _(AUTHORITY_WORDS[revision.entity])
        return Changed(title_or_none(undo_plan.label(row)), "", about, revision.before is None, ())
    if revision.entity in history.AGREEMENTS:
        return _agreement(session, row)
    if isinstance(row, Subscription | ExpectedIssue):
        return _of_a_periodical(session, row, revision.before is None)
    notice = row if revision.entity == "notice" else notices.get(session, row.notice_id)
    next_before = session.scalar(
        select(Revision.before)
        .where(
            Revision.entity == revision.entity,
            Revision.entity_id == revision.entity_id,
            Revision.id > revision.id,
        )
        .order_by(Revision.id)
        .limit(1)
    )
    after = next_before or undo_plan.SNAPSHOTS[revision.entity](row)
    return Changed(
        title=title_or_none(notice.title),
        address=notice.address,
        about=about_row(revision.entity, row),
        made=revision.before is None,
        differences=tuple(changes_of(revision.entity, revision.before, after, places)) if in_full else (),
    )


def _of_a_periodical(session: Session, row: Subscription | ExpectedIssue, made: bool) -> Changed:
    if isinstance(row, ExpectedIssue):
        serial, about = notices.get(session, row.serial_id), _("numéro attendu : %(number)s") % {"number": row.number}
    else:
        serial, about = notices.get(session, row.notice_id), _("abonnement")
    return Changed(title_or_none(serial.title), serial.address, about, made, ())


def _agreement(session: Session, row: Any) -> Changed:
    """What was agreed, asked or judged, by the notice it is about."""
    if isinstance(row, Judgement):
        if row.left.startswith("agent:"):
            return _judged_agents(session, row)
        numbers = [int(end.partition(":")[2]) for end in (row.left, row.right) if end.startswith("notice:")]
        notice = session.get(Notice, numbers[0]) if numbers else None
        about = _(VERDICT_WORDS[row.verdict])
    else:
        claim = row if isinstance(row, Claim) else session.get_one(Claim, row.claim_id)
        notice = session.get(Notice, claim.notice_id)
        about = _("ce qu’en dit une source")
    title, address = (notice.title, notice.address) if notice else ("", "")
    return Changed(title_or_none(title), address, about, False, ())


def _judged_agents(session: Session, row: Judgement) -> Changed:
    """Two people or bodies of whom somebody has said that they are two."""
    ends = [session.get(Agent, int(end.partition(":")[2])) for end in (row.left, row.right)]
    names = " ≠ ".join(agent.name for agent in ends if agent is not None)
    return Changed(title_or_none(names), "", _("jugées distinctes"), False, ())
