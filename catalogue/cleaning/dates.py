"""« Dates impossibles »: dates that nobody understands, or that no calendar has (`validation`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from catalogue import db, form
from catalogue.batch_acts import Act
from catalogue.cleaning import correcting
from catalogue.cleaning.chantier import LARGEST, Chantier, Found, Group, Member, Settled
from catalogue.dates import understand
from catalogue.desk_history import title_or_none
from catalogue.i18n import N_, _
from catalogue.models import LIVING, Notice
from catalogue.text import fold
from catalogue.unimarc import Fields, clean
from catalogue.validation import validate

WRONG = ("date.impossible", "date.out_of_range", "date.unclear")
COLUMNS = ("date", "issue_date")
# A subfield that may be a date, in the fields as the base writes them: to read them all takes the night.
_SAID = re.compile(rf'"[{"".join(form.FORM[name].columns[0].codes for name in COLUMNS)}]", ?"((?:[^"\\]|\\.)*)"')
_NUMBERS = re.compile(r"\d\D+\d")  # a day and a year at least


def find(session: Session) -> Iterator[Found]:
    """The same text, however many notices have it."""
    met: dict[str, list[int]] = {}
    for part in db.chunks(_doubtful(session)):
        rows = select(Notice.id, Notice.fields, Notice.year).where(Notice.id.in_(part)).order_by(Notice.id)
        for number, fields, year in session.execute(rows):
            for text in _texts(fields):
                if (year is None or understand(clean(text)).impossible) and _is_wrong(fields, text):
                    met.setdefault(text, []).append(number)
    for text, numbers in sorted(met.items(), key=lambda one: (-len(one[1]), one[0])):
        refs = (text, *(str(number) for number in numbers[:LARGEST]))
        yield Found(f"date:{text}", refs, len(numbers))


def _doubtful(session: Session) -> list[int]:
    """The notices worth reading: those without a year, and those that may say a day no calendar has."""
    living = Notice.status.in_(LIVING)
    found = list(session.scalars(select(Notice.id).where(living, Notice.year.is_(None))))
    dated = select(Notice.id, cast(Notice.fields, Text)).where(living, Notice.year.is_not(None))
    for number, written in session.execute(dated).yield_per(500):
        said = (text for text in _SAID.findall(written) if _NUMBERS.search(text))
        if any(understand(clean(json.loads(f'"{text}"'))).impossible for text in said):
            found.append(number)
    return sorted(found)


def _texts(fields: Fields) -> list[str]:
    values = form.read_some(fields, COLUMNS)
    return list(dict.fromkeys(text for name in COLUMNS for text in values[name]))


def _is_wrong(fields: Fields, text: str) -> bool:
    return any(p.code in WRONG and p.params.get("value") == text for p in validate(fields, form.kind_of(fields)))


def read(session: Session, refs: Sequence[str]) -> Group | None:
    text, *numbers = refs
    found = select(Notice).where(Notice.id.in_([int(n) for n in numbers]), Notice.status.in_(LIVING))
    members = tuple(
        Member(str(n.id), title_or_none(n.title), 1, "", ((title_or_none(n.title), n.address),), n.version)
        for n in session.scalars(found.order_by(Notice.id))
        if _is_wrong(n.fields, text)
    )
    if not members:
        return None
    return Group(
        members,
        tuple(refs),
        likely(text),
        field=_("Remplacer la date « %(text)s », dans les notices cochées, par") % {"text": text},
        hint=_("Ex. 2024, mars 2024, 18/03/2024 ; « [s.d.] » quand le document n’en a pas."),
    )


def likely(text: str) -> str:
    """What the date may be: its month where the day is impossible, its year where nothing else is understood.

    >>> likely("31/02/2024"), likely("20224"), likely("printemps")
    ('02/2024', '', '')
    """
    if found := re.fullmatch(r"\d{1,2}[/.-]((?:0?[1-9]|1[0-2])[/.-]\d{4})", text.strip()):
        return found[1]
    year = understand(clean(text)).year
    return str(year) if year else ""


def apply(session: Session, group: Group, ticked: Sequence[Member], form_: str, by: str) -> Settled:
    if not ticked:
        return Settled(problem=_("Cochez au moins une notice."))
    if not form_:
        return Settled(problem=_("Écrivez la date."))
    text = group.refs[0]
    if fold(text) == fold(form_):
        return Settled(problem=_("C’est la date qui n’est pas comprise : écrivez-la autrement."))
    acts = [Act("replace", name, text, form_) for name in COLUMNS]
    return correcting.correct(session, acts, [int(member.ref) for member in ticked], by=by)


CHANTIER = Chantier(
    title=N_("Dates impossibles"),
    lead=N_("Des dates que Travée ne comprend pas, ou qu’aucun calendrier n’a : 20224, 31/02/2024."),
    apart_words=N_("C’est bien ainsi"),
    find=find,
    read=read,
    apply=apply,
)
