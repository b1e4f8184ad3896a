"""« Champs vides »: published notices of ours without a title, a date or a subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from catalogue import cataloguing, form
from catalogue.batch_acts import Act
from catalogue.cleaning import correcting
from catalogue.cleaning.chantier import Chantier, Found, Group, Member, Settled
from catalogue.desk_history import title_or_none
from catalogue.form import FORM
from catalogue.i18n import N_, _
from catalogue.models import Centre, Notice, NoticeConcept
from catalogue.unimarc import Fields
from catalogue.validation import validate

LOOKED_FOR = ("title", "date", "issue_date", "subject")
ABSTRACT = 200  # signs: what one needs to find a subject


def find(session: Session) -> Iterator[Found]:
    """Looked for where the computed columns say that something lacks; the latest notices first."""
    ours = select(Centre.id).where(Centre.is_ours)
    has_subject = exists().where(NoticeConcept.notice_id == Notice.id)
    lacking = (Notice.title == "") | Notice.year.is_(None) | ~has_subject
    statement = select(Notice.id, Notice.fields).where(Notice.status == "published", Notice.owner_id.in_(ours), lacking)
    found: dict[str, list[int]] = {key: [] for key in LOOKED_FOR}
    for number, fields in session.execute(statement.order_by(Notice.id.desc())).yield_per(500):
        for key in _lacking(fields):
            found[key].append(number)
    for key, numbers in found.items():
        for number in numbers:
            yield Found(f"{key}:{number}", (key, str(number)))


def _lacking(fields: Fields) -> list[str]:
    """The keys of the form that are required and say nothing at all."""
    if not (missing := [p for p in validate(fields, form.kind_of(fields)) if p.code.endswith(".missing")]):
        return []
    wanted = {form.field_of(p.tag, p.subfield, form.kind_of(fields)) for p in missing}
    values = form.read_some(fields, LOOKED_FOR)
    return [key for key in LOOKED_FOR if key in wanted and not any(values[key])]


def read(session: Session, refs: Sequence[str]) -> Group | None:
    key, number = refs
    notice = session.get(Notice, int(number))
    if notice is None or notice.status != "published" or key not in _lacking(notice.fields):
        return None
    said = form.read_some(notice.fields, ("abstract", "keyword"))
    abstract = next((text for text in said["abstract"] if text), "")
    about = " · ".join(part for part in (cataloguing.kind_label(notice.kind), str(notice.year or "")) if part)
    title = title_or_none(notice.title)
    shown = (abstract[:ABSTRACT] + "…") if len(abstract) > ABSTRACT else abstract
    hint = _("Plusieurs sujets se séparent par un point-virgule.") if key == "subject" else FORM[key].help
    return Group(
        (Member(number, title, 1, about, ((title, notice.address),), notice.version),),
        tuple(refs),
        field=FORM[key].label,
        hint=hint,
        reasons=tuple(text for text in (shown, " ; ".join(said["keyword"])) if text),
    )


def apply(session: Session, group: Group, _ticked: Sequence[Member], form_: str, by: str) -> Settled:
    (member,) = group.members
    key = group.refs[0]
    values = [part.strip() for part in form_.split(";")] if key == "subject" else [form_]
    acts = [Act("add", key, new=value) for value in values if value]
    if not acts:
        return Settled(problem=_("Écrivez ce qui manque."))
    return correcting.correct(session, acts, [int(member.ref)], by=by)


CHANTIER = Chantier(
    title=N_("Champs vides"),
    lead=N_("Des notices publiées sans titre, sans date ou sans sujet."),
    apart_words=N_("C’est bien ainsi"),
    find=find,
    read=read,
    apply=apply,
)
