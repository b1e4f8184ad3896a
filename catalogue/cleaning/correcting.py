"""One value put right in some notices, by the rules of `batch_acts`: what several tasks do, each in a lot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import batch_acts, batch_edit, form, history, notices
from catalogue.batch_acts import Act
from catalogue.cleaning.chantier import Settled
from catalogue.i18n import _
from catalogue.models import Notice
from catalogue.notices import Edit
from catalogue.unimarc import Fields


def correct(session: Session, acts: Sequence[Act], notice_ids: Iterable[int], *, by: str) -> Settled:
    """These acts, one after the other, in each of these notices; nothing at all where one would say something wrong
    that it did not say before."""
    found = session.scalars(select(Notice).where(Notice.id.in_(list(notice_ids))).order_by(Notice.id)).all()
    known = [(act, batch_edit.known(session, act)) for act in acts]
    edits = []
    for notice in found:
        fields: Fields = notice.fields
        for act, links in known:
            after, why = batch_acts.changed(fields, act)
            fields = form.link(fields, after, *links)[0] if not why and any(links) else after
        if wrong := batch_edit.new_errors(notice.fields, fields):
            return Settled(problem=wrong[0].message)
        edits.append(Edit(notice, fields))
    batch = history.open_batch(session, batch_edit.KIND, by=by, why=" ; ".join(act.words() for act in acts))
    changed = notices.revise_many(session, edits, batch=batch)
    return Settled(batch, len(changed)) if changed else Settled(problem=_("Rien n’a changé."))
