"""« Sources interrogées » (/admin/recherches): what is asked while one catalogues, tried at once; habits taken back."""

from __future__ import annotations

from dataclasses import replace

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import audit
from catalogue.form import one_line
from catalogue.i18n import _
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk_settings import blueprint
from harvest.lookup import manners, settings
from harvest.lookup.settings import Row, Tried


@blueprint.get("/recherches")
@needs("documentalist")
def lookups() -> ResponseReturnValue:
    return _page()


@blueprint.post("/recherches")
@needs("documentalist")
def set_lookup() -> ResponseReturnValue:
    """Keep what is said of one source, or try it as it is typed, before it is kept."""
    action = request.form.get("action", "")
    row = settings.find(ctx.get_session(), request.form.get("source", "")) or abort(404)
    if action not in ("save", "try", "usual"):
        abort(400)
    row = _typed(row, usual=action == "usual")
    if sentence := settings.wrong(row):
        return _page(row, wrong=sentence), 422
    if action == "try":
        ctx.end_session()  # nobody waits for our database while we wait for others'
        return _page(row, tried=settings.attempt(row, manners(ctx.settings())))
    with ctx.get_writer() as session:
        changed = settings.write(session, row)
        if changed:
            audit.note(session, "setting_changed", by=current_user.login, about=f"lookup.sources {row.code}")
    flash(_("Les réglages sont enregistrés.") if changed else _("Rien n’avait changé."), "ok")
    return redirect(url_for("settings.lookups", _anchor=row.code), 303)


@blueprint.post("/recherches/habitudes")
@needs("documentalist")
def revoke_habit() -> ResponseReturnValue:
    source, key = request.form.get("source", ""), request.form.get("champ", "")
    with ctx.get_writer() as session:
        done = settings.revoke(session, source, key)
        if done:
            audit.note(session, "setting_changed", by=current_user.login, about=f"lookup.habits {source}")
    flash(_("C’est proposé de nouveau.") if done else _("Rien n’avait changé."), "ok")
    return redirect(url_for("settings.lookups", _anchor="habitudes"), 303)


def _typed(row: Row, *, usual: bool) -> Row:
    """The row as the form has it. Where a source answers, and that it may be in our network, an administrator says."""
    on = not row.may_rest or "marche" in request.form
    if not current_user.may("admin"):
        return replace(row, on=on)
    if usual:
        return replace(row, address=row.usual, local=False)
    address = one_line(request.form.get(f"adresse-{row.code}", "")) or row.usual
    return replace(row, on=on, address=address if row.usual else "", local=bool(row.usual) and "local" in request.form)


def _page(typed: Row | None = None, *, wrong: str = "", tried: Tried | None = None) -> str:
    session = ctx.get_session()
    return render_template(
        "desk/settings_lookups.html",
        rows=[typed if typed and typed.code == row.code else row for row in settings.rows(session)],
        at=typed.code if typed else "",
        wrong=wrong,
        tried=tried,
        habits=settings.habits(session),
    )
