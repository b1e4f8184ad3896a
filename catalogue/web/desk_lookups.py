"""« À revoir »: what a source has answered in the night, to be taken into the form or let go; or that none will."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import asking_again, form, found, kept_forms, notices, remembered
from catalogue.desk_history import title_or_none
from catalogue.found import Proposals
from catalogue.i18n import _
from catalogue.identifiers import is_code, new_code
from catalogue.models import LookupWait, Notice
from catalogue.web import ctx, desk_form, filling
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.filling import Filling, Offer
from harvest import lookup

NUMBER = "<int(max=2147483647):number>"


@blueprint.get(f"/a-revoir/recherches/{NUMBER}")
@needs("documentalist")
def answered_lookup(number: int) -> ResponseReturnValue:
    session = ctx.get_session()
    row = asking_again.get(session, number) or abort(404)
    notice, begun = _form_in_hand(session, row)
    proposals = _proposals(session, row, begun, request.args.get("choix", ""))
    labels = {form.KIND: _("Type de document"), **{key: field.label for key, field in form.FORM.items()}}
    return render_template(
        "desk/lookup.html",
        row=row,
        question=lookup.understand(row.question),
        proposals=proposals,
        labels=labels,
        notice=notice,
        title=title_or_none(notice.title) if notice else "",
        nights=asking_again.NIGHTS,
    )


@blueprint.post(f"/a-revoir/recherches/{NUMBER}")
@needs("documentalist")
def settle_lookup(number: int) -> ResponseReturnValue:
    """Open the form with the proposals in its empty fields, let them go, or have the question asked anew."""
    act = request.form.get("action", "")
    if act not in ("open", "dismiss", "again"):
        abort(400)
    with ctx.get_writer() as session:
        row = asking_again.get(session, number)
        if row is None:
            flash(_("Cette recherche a déjà été traitée."), "warn")
            return redirect(url_for("desk.to_review"), 303)
        if act == "open":
            address = _kept(session, row, request.form.get("choix", ""))
        if act == "again":
            asking_again.ask_anew(session, row, [one.code for one in lookup.sources()])
        else:
            asking_again.settle(session, row)
    if act == "open":
        return redirect(url_for("desk.edit", address=address, reprendre=1), 303)
    said = _("La question sera reposée cette nuit.") if act == "again" else _("C’est noté : cette recherche est close.")
    flash(said, "ok")
    return redirect(url_for("desk.to_review"), 303)


def _kept(session: Session, row: LookupWait, chosen: str) -> str:
    """The form with the proposals in it, kept for this person: its address, by which it is taken up."""
    notice, begun = _form_in_hand(session, row)
    proposals = _proposals(session, row, begun, chosen)
    every = [*proposals.filled.values(), *(one for several in proposals.choices.values() for one in several)]
    filled = filling.offer(begun, [Offer(p.key, p.sources[0], ", ".join(p.labels), p.values) for p in every])
    address = notice.address if notice else row.notice_address if is_code(row.notice_address) else new_code()
    title = next(iter(filled.values.get("title", ())), "")
    version = notice.version if notice else 0
    content = desk_form.content_of(filled)
    kept_forms.keep(session, current_user.login, address, content, title=title, version=version)
    return address


def _form_in_hand(session: Session, row: LookupWait) -> tuple[Notice | None, Filling]:
    """The notice that was being written, and its form as it stands; a new one when it was never saved."""
    notice = notices.find(session, row.notice_address) if is_code(row.notice_address) else None
    known = kept_forms.find(session, current_user.login, row.notice_address) if row.notice_address else None
    if known is not None:
        return notice, desk_form.resumed(known)
    return notice, Filling(form.read(notice.fields) if notice else form.blank())


def _proposals(session: Session, row: LookupWait, begun: Filling, chosen: str) -> Proposals:
    question = lookup.understand(row.question)
    kept = remembered.read(session, lookup.HABITS, {})
    return found.propose(
        begun.values,
        asking_again.answers_of(row),
        kept if isinstance(kept, dict) else {},
        title=question.value if question.kind == "title" else "",
        chosen=chosen,
    )
