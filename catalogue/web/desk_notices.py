"""Cataloguing: a notice is opened, saved and compared; its copies, its history.

What the form's other buttons do is in `desk_form`, what its page holds in `notice_page`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException

from catalogue import cataloguing, desk_history, desk_reading, form, items, kept_forms, notices, provenance
from catalogue.cataloguing import EDITABLE, UNFINISHED, Copy, Outcome
from catalogue.documents import Given
from catalogue.i18n import _
from catalogue.identifiers import is_code, new_code
from catalogue.inbox_pages import pairs
from catalogue.models import Batch, Item, Notice
from catalogue.unimarc import KINDS
from catalogue.web import ctx, desk_form, filling, forms, notice_page
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.desk_documents import keep_with, received
from catalogue.web.desk_form import version_of
from catalogue.web.filling import Filling
from catalogue.web.notice_page import DONE, Shown, show
from catalogue.web.public import ask_whom

log = logging.getLogger("travee")
FOLLOWED = "publish_next"  # « Publier et dépouiller l’article suivant »


@blueprint.get("/notices/nouvelle")
@needs("contributor")
def new() -> ResponseReturnValue:
    """The form of the kind asked for, or of an issue's next article; else one field, and the kinds to choose from."""
    if followed := request.args.get("suivant", ""):
        before = _found(followed)
        done = request.args.get("fait", "")
        return show(
            None,
            Filling(dict(notice_page.next_values(before))),
            Shown(start=True, done=done, after=before if done in DONE else None),
        )
    if asked := request.args.get("chercher", ""):
        token = notice_page.token_of()
        if notices.find(ctx.get_session(), token) is not None:  # back to the page it was made on
            return redirect(url_for("desk.edit", address=token))
        return desk_form.search_for(None, Filling(form.blank()), asked)
    model = request.args.get("modele", "")
    kind = forms.MODELS.get(model, model)
    if not model or kind not in forms.MODEL_OF:
        kinds = [(word, cataloguing.kind_label(code)) for word, code in forms.MODELS.items()]
        order = list(KINDS)
        kinds.sort(key=lambda one: order.index(forms.MODELS[one[0]]))
        begun = kept_forms.list_new(ctx.get_session(), current_user.login)
        return render_template("desk/choose_kind.html", kinds=kinds, begun=begun, token=new_code())
    return show(None, Filling(form.blank() | {form.KIND: [kind]}), Shown(fresh=True))


@blueprint.post("/notices/nouvelle")
@needs("contributor")
def create() -> ResponseReturnValue:
    return _save(None)


@blueprint.get("/notices/<address>")
@needs("reader")
def edit(address: str) -> ResponseReturnValue:
    notice = notices.find(ctx.get_session(), address)
    kept = kept_forms.find(ctx.get_session(), current_user.login, address) if "reprendre" in request.args else None
    if notice is None and kept is not None:
        return _resume_new(address)
    if notice is None:
        abort(404)
    if not _may_write(notice):
        return redirect(url_for("desk.notice_history", address=address))
    if kept is not None:
        flash(_("Voici ce que vous aviez écrit. Rien n’est encore enregistré."), "info")
        return show(notice, desk_form.resumed(kept), Shown(version=kept.version, sent=desk_form.sent_in(kept)))
    done = request.args.get("fait", "")
    return show(notice, Filling(form.read(notice.fields)), Shown(publishing="complete" in request.args, done=done))


def _resume_new(address: str) -> ResponseReturnValue:
    """A notice that was begun and never saved: the form as it was left, for the address it was to have."""
    kept = kept_forms.find(ctx.get_session(), current_user.login, address) or abort(404)
    flash(_("Voici ce que vous aviez écrit. Rien n’est encore enregistré."), "info")
    return show(None, desk_form.resumed(kept), Shown(token=address, sent=desk_form.sent_in(kept)))


@blueprint.post("/notices/<address>")
@needs("contributor")
def save(address: str) -> ResponseReturnValue:
    notice = _found(address)
    if not _may_write(notice):
        # Published while an intern was writing in it, for example: what was typed comes back.
        flash(_("Cette notice n’est plus un brouillon : ce que vous avez écrit n’a pas été enregistré."), "danger")
        return show(notice, filling.read(request.form), Shown(version=version_of(notice), status=403))
    return _save(notice)


def _found(address: str) -> Notice:
    return notices.find(ctx.get_session(), address) or abort(404)


def _may_write(notice: Notice) -> bool:
    """A contributor writes in what is not published yet; what is merged or erased is written in by nobody."""
    statuses = EDITABLE if current_user.may("documentalist") else UNFINISHED if current_user.may("contributor") else ()
    return notice.status in statuses


# --- saving ----------------------------------------------------------------------------------


def _save(notice: Notice | None) -> ResponseReturnValue:
    asked = request.form.get("action", "save")
    filled = filling.read(request.form)
    if (answer := desk_form.act(notice, filled, asked)) is not None:
        return answer
    follows = asked == FOLLOWED
    asked = "publish" if follows else "save" if asked == "enter" else asked
    if asked not in cataloguing.ASKED:
        abort(400)
    if asked == "publish" and not current_user.may("documentalist"):
        abort(403)
    address = notice.address if notice else ""
    token = address or notice_page.token_of()
    try:
        with received(_first_file()) as came:
            outcome, trouble = _written(address, token, filled, asked, came)
    except (HTTPException, StaleDataError):
        raise
    except Exception:
        log.exception("the form of %s could not be saved", token)
        return _not_saved(token), 500
    if outcome.done in DONE:
        _tell(outcome)
        if trouble:
            flash(trouble, "danger")
        if follows:
            return redirect(url_for("desk.new", suivant=outcome.address, fait=outcome.done), 303)
        return redirect(url_for("desk.edit", address=outcome.address, fait=outcome.done), 303)
    notice = _found(outcome.address) if outcome.address else None
    if outcome.done == "stale":
        return _show_comparison(notice, filled, outcome, asked), 409
    wrong = [p for p in outcome.problems if p.tag == "995"]
    told = Shown(
        outcome=outcome,
        publishing=outcome.done != "copy",
        version=version_of(notice),
        status=422,
        copy_problems=wrong,
    )
    return show(notice, filled, told)


def _written(address: str, token: str, filled: Filling, asked: str, came: Given | str) -> tuple[Outcome, str]:
    """Save, in one transaction; when somebody saves in the same instant, look again: it is a comparison then.

    With it what is wrong with the file that came along, "" when nothing is.
    """
    choices = {name.removeprefix("choix_"): v for name, v in request.form.items() if name.startswith("choix_")}
    for attempt in (1, 2):
        try:
            with ctx.get_writer() as session:
                notice = notices.find(session, token)
                outcome = cataloguing.save(
                    session,
                    notice,
                    filled.values,
                    by=current_user.login,
                    asked=asked,
                    # A new form that comes again (a double click, the Back button) was written on what it made.
                    version=version_of(notice) if address or notice is None else 1,
                    choices=choices,
                    not_the_same=filled.apart,
                    why=form.one_line(request.form.get("pourquoi", ""))[:200],
                    new_address=token,
                    copy=_first_copy(),
                )
                if outcome.done not in DONE:
                    return outcome, ""
                kept_forms.forget(session, current_user.login, token)
                return outcome, _file_taken(session, outcome, came)
        except StaleDataError:
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


def _first_copy() -> Copy | None:
    """The copy described in the same form, where something says that there is one."""
    copy = forms.sent_copy(request.form)
    said = copy.call_number or copy.barcode or copy.location or copy.inventory_number
    return copy if said and current_user.may("documentalist") else None


def _first_file() -> FileStorage | None:
    """The file given in the same form."""
    return request.files.get("fichier") if current_user.may("documentalist") else None


def _file_taken(session: Session, outcome: Outcome, came: Given | str) -> str:
    """The file given with the form becomes one of the notice's; what is wrong with it, "" when nothing is."""
    notice = notices.find(session, outcome.address)
    if isinstance(came, str) or notice is None:
        return came if isinstance(came, str) else ""
    batch = session.get(Batch, outcome.batch_id) if outcome.batch_id else None
    return keep_with(session, notice, came, request.form.get("droits", ""), current_user.login, batch)


def _not_saved(token: str) -> str:
    """Something broke here: the form is kept, and comes back with one click; its values are in the page too."""
    try:
        kept = desk_form.keep_sent(token)
    except Exception:
        log.exception("the form of %s could not be kept either", token)
        kept = ""
    sent = [(name, text) for name, texts in request.form.lists() for text in texts if name != "csrf_token"]
    return render_template("desk/not_saved.html", address=token, kept=kept, sent=sent)


def _tell(outcome: Outcome) -> None:
    """What the save has found out, said once on the page that follows."""
    for typed, preferred in outcome.synonyms:
        said = {"typed": typed, "preferred": preferred}
        flash(_("« %(typed)s » est devenu « %(preferred)s », le terme du thésaurus.") % said, "info")
    for other in outcome.others:
        flash(_similar(other), "warn")


def _similar(other: cataloguing.Other) -> str:
    said = {"title": desk_history.title_or_none(other.title), "number": other.identifier, "address": other.address}
    return _("Très proche : « %(title)s » (/d/%(address)s) porte aussi le numéro %(number)s.") % said


def _show_comparison(notice: Notice | None, filled: Filling, outcome: Outcome, asked: str) -> str:
    kept: list[tuple[str, str]] = [(name, text) for name, texts in filled.values.items() for text in texts]
    last = desk_history.last_change(ctx.get_session(), notice) if notice else None
    file = forms.file_of(request) or request.form.get(kept_forms.FILE, "")
    beside = [
        (name, text) for name, texts in forms.beside(request).items() for text in texts if name != kept_forms.FILE
    ]
    return render_template(
        "desk/stale.html",
        notice=notice,
        outcome=outcome,
        kept=kept,
        beside=beside,
        file=file,
        asked=asked,
        last=last,
    )


# --- copies ----------------------------------------------------------------------------------


@blueprint.route("/notices/<address>/exemplaires/nouveau", methods=["GET", "POST"])
@needs("documentalist")
def new_copy(address: str) -> ResponseReturnValue:
    if request.method == "GET":
        return _show_copy(_found(address), None, Copy())
    copy = forms.sent_copy(request.form)
    with ctx.get_writer() as session:
        notice = notices.find(session, address) or abort(404)
        outcome = cataloguing.add_copy(session, notice, copy, by=current_user.login)
    if outcome.problems:
        return _show_copy(_found(address), None, copy, outcome.problems)
    flash(_("L’exemplaire est ajouté."), "ok")
    return redirect(url_for("desk.edit", address=address, lot=outcome.batch_id, _anchor="exemplaires"), 303)


@blueprint.route("/exemplaires/<code>", methods=["GET", "POST"])
@needs("documentalist")
def copy(code: str) -> ResponseReturnValue:
    item = _found_item(code)
    notice = notices.get(ctx.get_session(), item.notice_id)
    if request.method == "GET":
        return _show_copy(notice, item, _as_typed(item))
    typed = forms.sent_copy(request.form)
    with ctx.get_writer() as session:
        again = session.get_one(Item, item.id)
        outcome = cataloguing.revise_copy(session, again, typed, by=current_user.login, version=_item_version())
    if outcome.stale:
        flash(_("Cet exemplaire a été changé entre-temps : vérifiez et enregistrez de nouveau."), "warn")
        return _show_copy(notice, _found_item(code), typed)
    if outcome.problems:
        return _show_copy(notice, item, typed, outcome.problems)
    flash(_("L’exemplaire est enregistré.") if outcome.batch_id else _("Rien n’avait changé."), "ok")
    return redirect(url_for("desk.edit", address=notice.address, lot=outcome.batch_id, _anchor="exemplaires"), 303)


def _found_item(code: str) -> Item:
    return (desk_reading.find_item(ctx.get_session(), code) if is_code(code) else None) or abort(404)


def _item_version() -> int:
    given = request.form.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else 0


def _as_typed(item: Item) -> Copy:
    places = {place.id: place.name for place in items.list_locations(ctx.get_session())}
    return Copy(
        call_number=item.call_number,
        barcode=item.barcode or "",
        location=places.get(item.location_id or 0, ""),
        section=item.section,
        inventory_number=item.inventory_number,
        status=item.status,
        hidden=bool(items.why_hidden(item)),
    )


def _show_copy(notice: Notice, item: Item | None, copy: Copy, problems: Any = ()) -> ResponseReturnValue:
    places = [place.name for place in items.list_locations(ctx.get_session())]
    page = render_template(
        "desk/copy.html",
        form=forms.copy_form(copy, problems),
        notice=notice,
        title=desk_history.title_or_none(notice.title),
        item=item,
        places=places,
        why_hidden=desk_history.hidden_words(items.why_hidden(item)) if item else "",
    )
    return page, 422 if problems else 200


# --- history ---------------------------------------------------------------------------------


@blueprint.get("/notices/<address>/historique")
@needs("reader")
def notice_history(address: str) -> ResponseReturnValue:
    session, notice = ctx.get_session(), _found(address)
    page = desk_history.notice_history(session, notice, page_asked(request.args))
    return render_template(
        "desk/history.html",
        page=page,
        may_write=_may_write(notice),
        kept_from=_kept_from(notice),
        joined=pairs.joined(session, notice),
        into=notices.get(session, notice.merged_into_id) if notice.merged_into_id else None,
        spoken=provenance.links_of(session, notice),
        done=done_lot(),
    )


def _kept_from(notice: Notice) -> str:
    """Why one sees its history and no form, and whom to ask; "" to whoever may write in it, or nobody may."""
    if notice.status not in EDITABLE or _may_write(notice):
        return ""
    words = _("Vous voyez l’histoire de cette notice : seul un documentaliste la corrige.")
    if current_user.may("contributor"):
        words = _("Cette notice n’est plus à relire : vous en voyez l’histoire, et seul un documentaliste la corrige.")
    return f"{words} {ask_whom('documentalist')}"


def page_asked(args: Mapping[str, str]) -> int:
    given = args.get("page", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) < 6 else 1
