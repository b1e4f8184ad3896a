"""Cataloguing: the form of a notice, its copies, its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm.exc import StaleDataError

from catalogue import cataloguing, desk_history, desk_reading, form, items, notices, provenance
from catalogue.cataloguing import EDITABLE, UNFINISHED, Copy, Outcome
from catalogue.form import Values
from catalogue.i18n import _
from catalogue.identifiers import is_code, new_code
from catalogue.inbox_pages import pairs
from catalogue.models import Item, Notice
from catalogue.unimarc import KINDS
from catalogue.validation import validate
from catalogue.web import ctx, forms
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot

DONE = {"saved", "published", "proposed", "unchanged"}


@blueprint.get("/notices/nouvelle")
@needs("contributor")
def new() -> ResponseReturnValue:
    """The form of the kind asked for; without one, the kinds to choose from."""
    model = request.args.get("modele", "")
    kind = forms.MODELS.get(model, model)
    if not model or kind not in forms.MODEL_OF:
        kinds = [(word, cataloguing.kind_label(code)) for word, code in forms.MODELS.items()]
        order = list(KINDS)
        kinds.sort(key=lambda one: order.index(forms.MODELS[one[0]]))
        return render_template("desk/choose_kind.html", kinds=kinds)
    return _show(None, form.blank() | {form.KIND: [kind]}, fresh=True)


@blueprint.post("/notices/nouvelle")
@needs("contributor")
def create() -> ResponseReturnValue:
    return _save(None)


@blueprint.get("/notices/<address>")
@needs("reader")
def edit(address: str) -> ResponseReturnValue:
    notice = _found(address)
    if not _may_write(notice):
        return redirect(url_for("desk.notice_history", address=address))
    values = form.read(notice.fields)
    return _show(notice, values, publishing="complete" in request.args, done=request.args.get("fait", ""))


@blueprint.post("/notices/<address>")
@needs("contributor")
def save(address: str) -> ResponseReturnValue:
    notice = _found(address)
    if not _may_write(notice):
        # Published while an intern was writing in it, for example: what was typed comes back.
        flash(_("Cette notice n’est plus un brouillon : ce que vous avez écrit n’a pas été enregistré."), "danger")
        return _show(notice, forms.sent(request.form), version=_version(notice), status=403)
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
    values = forms.sent(request.form)
    if asked == "kind":
        return _show(notice, values, version=_version(notice))
    if asked.startswith("add:"):
        return _show(notice, values, version=_version(notice), one_more=asked.removeprefix("add:"))
    if asked not in cataloguing.ASKED:
        abort(400)
    if asked == "publish" and not current_user.may("documentalist"):
        abort(403)
    outcome = _written(notice.address if notice else "", values, asked)
    if outcome.done in DONE:
        _tell(outcome)
        return redirect(url_for("desk.edit", address=outcome.address, fait=outcome.done), 303)
    notice = _found(outcome.address) if outcome.address else None
    if outcome.done == "stale":
        return _show_comparison(notice, values, outcome), 409
    return _show(notice, values, outcome=outcome, publishing=True, version=_version(notice), status=422)


def _token() -> str:
    """The address that a new notice will have: the form carries it, so a double click makes one notice."""
    given = request.form.get("nouvelle", "")
    return given if is_code(given) else new_code()


def _version(notice: Notice | None) -> int:
    """The version that the person has before their eyes, not the one that has come since."""
    given = request.form.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else notice.version if notice else 0


def _written(address: str, values: Values, asked: str) -> Outcome:
    """Save, in one transaction; when somebody saves in the same instant, look again: it is a comparison then."""
    token = "" if address else _token()
    choices = {name.removeprefix("choix_"): v for name, v in request.form.items() if name.startswith("choix_")}
    for attempt in (1, 2):
        try:
            with ctx.get_writer() as session:
                notice = notices.find(session, address or token) if address or token else None
                return cataloguing.save(
                    session,
                    notice,
                    values,
                    by=current_user.login,
                    asked=asked,
                    version=_version(notice) if address or notice is None else notice.version,
                    choices=choices,
                    not_the_same=request.form.getlist("pas_la_meme"),
                    why=form.one_line(request.form.get("pourquoi", ""))[:200],
                    new_address=token,
                )
        except StaleDataError:
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


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


# --- showing ---------------------------------------------------------------------------------


def _show(
    notice: Notice | None,
    values: Values,
    *,
    outcome: Outcome | None = None,
    publishing: bool = False,
    version: int | None = None,
    one_more: str = "",
    fresh: bool = False,
    done: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    session = ctx.get_session()
    if outcome:
        problems = list(outcome.problems)
    else:
        fields = form.write(notice.fields if notice else [], values)
        problems = validate(fields, form.kind_of(fields))
    shown = forms.notice_form(values, problems, publishing=publishing, one_more=one_more, fresh=fresh)
    page = render_template(
        "desk/notice.html",
        form=shown,
        notice=notice,
        version=version if version is not None else notice.version if notice else 0,
        title=desk_history.title_or_none(next(iter(values.get("title", ())), "")),
        status=desk_history.status_words(notice.status) if notice else "",
        years=_understood(notice),
        others=outcome.others if outcome else (),
        copies=desk_reading.copies(session, notice) if notice else [],
        joined=pairs.joined(session, notice) if notice else [],
        spoken=provenance.links_of(session, notice) if notice else [],
        kept=form.rest(notice.fields) if notice else [],
        terms=desk_reading.suggested_terms(session),
        journals=desk_reading.suggested_journals(session) if "journal" in _keys(shown) else [],
        done=done if done in DONE else "",
        lot=desk_history.last_lot(session, notice, current_user.login) if notice and done else None,
        model=forms.MODEL_OF.get(shown.kind, ""),
        token="" if notice else _token(),
        why=request.form.get("pourquoi", ""),
    )
    return page, status


def _keys(shown: forms.NoticeForm) -> set[str]:
    return {block.key for line in (*shown.main, *shown.more) for block in line}


def _understood(notice: Notice | None) -> str:
    """The year as it was understood, for the person to see: « 2024 », « 1995-1999 »."""
    if notice is None or notice.year is None:
        return ""
    return f"{notice.year}-{notice.year_end}" if notice.year_end else str(notice.year)


def _show_comparison(notice: Notice | None, values: Values, outcome: Outcome) -> str:
    asked = request.form.get("action", "save")
    kept: list[tuple[str, str]] = [(name, text) for name, texts in values.items() for text in texts]
    last = desk_history.last_change(ctx.get_session(), notice) if notice else None
    return render_template("desk/stale.html", notice=notice, outcome=outcome, kept=kept, asked=asked, last=last)


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
    return redirect(url_for("desk.edit", address=address, _anchor="exemplaires"), 303)


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
    return redirect(url_for("desk.edit", address=notice.address, _anchor="exemplaires"), 303)


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
        joined=pairs.joined(session, notice),
        into=notices.get(session, notice.merged_into_id) if notice.merged_into_id else None,
        spoken=provenance.links_of(session, notice),
        done=done_lot(),
    )


def page_asked(args: Mapping[str, str]) -> int:
    given = args.get("page", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) < 6 else 1
