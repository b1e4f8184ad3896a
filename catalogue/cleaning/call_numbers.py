"""« Cotes »: the same call number written in several ways, and copies that have none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anyascii import anyascii
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import batch_edit, history, items
from catalogue.cleaning.chantier import LARGEST, Chantier, Found, Group, Member, Settled, samples_of
from catalogue.desk_history import title_or_none
from catalogue.i18n import N_, _
from catalogue.models import Item, Notice

NONE = ""  # the form that copies without a call number have
KEPT = Item.status != "withdrawn"


def find(session: Session) -> Iterator[Found]:
    forms: dict[str, dict[str, int]] = {}
    counted = select(Item.call_number, func.count()).where(KEPT, Item.call_number != NONE).group_by(Item.call_number)
    for number, n in session.execute(counted):
        forms.setdefault(plain(number), {})[number] = n
    for name, numbers in sorted(forms.items(), key=lambda one: (-sum(one[1].values()), one[0])):
        if len(numbers) > 1:
            refs = sorted(numbers, key=lambda number: (-numbers[number], number))[:LARGEST]
            yield Found(f"call number:{name}", tuple(refs), sum(numbers.values()))
    for code in session.scalars(select(Item.code).where(KEPT, Item.call_number == NONE).order_by(Item.id.desc())):
        yield Found(f"copy:{code}", (NONE, code))


def plain(call_number: str) -> str:
    """What several ways to write a call number share: capitals, blanks, a comma for a point.

    >>> plain("364,4  Dub") == plain("364.4-DUB"), plain("36.44 DUB") == plain("364.4 DUB")
    (True, False)
    """
    written = re.sub(r"\s*[.,]\s*", ".", anyascii(call_number).upper())
    return " ".join(re.split(r"[^A-Z0-9.]+", written)).strip(" .")


def read(session: Session, refs: Sequence[str]) -> Group | None:
    if refs[0] == NONE:
        return _without(session, refs[1])
    found: dict[str, list[int]] = {}
    rows = select(Item.call_number, Item.notice_id).where(KEPT, Item.call_number.in_(refs))
    for number, notice_id in session.execute(rows):
        found.setdefault(number, []).append(notice_id)
    if len(found) < 2:
        return None
    members = tuple(
        Member(number, number, len(found[number]), "", samples_of(session, set(found[number])))
        for number in sorted(found, key=lambda number: (-len(found[number]), number))
    )
    form = members[0].label
    changes = sum(member.count for member in members if member.label != form)
    return Group(members, tuple(refs), form, unit="copy", changes=changes)


def _without(session: Session, code: str) -> Group | None:
    item = session.scalar(select(Item).where(Item.code == code, KEPT, Item.call_number == NONE))
    if item is None:
        return None
    notice = session.get_one(Notice, item.notice_id)
    title = title_or_none(notice.title)
    others = session.scalars(
        select(Item.call_number).where(Item.notice_id == notice.id, Item.call_number != NONE).order_by(Item.id)
    ).all()
    member = Member(code, title, 1, item.barcode or item.code, ((title, notice.address),), item.version)
    return Group((member,), (NONE, code), others[0] if others else "", field=_("Cote de cet exemplaire"), unit="copy")


def apply(session: Session, _group: Group, ticked: Sequence[Member], form: str, by: str) -> Settled:
    if not ticked:
        return Settled(problem=_("Cochez au moins une forme."))
    if not form:
        return Settled(problem=_("Écrivez la cote."))
    refs = [member.ref for member in ticked]
    meant = KEPT & (Item.code.in_(refs) & (Item.call_number == NONE) | Item.call_number.in_(refs))
    wrong = session.scalars(select(Item).where(meant, Item.call_number != form)).all()
    if not wrong:
        return Settled(problem=_("Rien n’a changé."))
    batch = history.open_batch(session, batch_edit.KIND, by=by, why=form)
    items.revise_many(session, [(item, {"call_number": form}) for item in wrong], batch=batch)
    return Settled(batch, len(wrong))


CHANTIER = Chantier(
    title=N_("Cotes"),
    lead=N_("La même cote écrite de plusieurs façons, et les exemplaires sans cote."),
    apart_words=N_("C’est bien ainsi"),
    find=find,
    read=read,
    apply=apply,
)
