"""The desk (/bureau): what its pages share, « Aujourd'hui » and « À revoir ».

Cataloguing is in `desk_notices`, lots in `desk_lots`, the inventory in `desk_inventory`: all on this blueprint.
A page shows only what its reader may do; `needs(role)` guards the doing.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import cataloguing, db, desk_reading, notices, visits
from catalogue.desk_history import title_or_none
from catalogue.i18n import _
from catalogue.models import VisitRequest
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.public import to

blueprint = Blueprint("desk", __name__, url_prefix="/bureau")


@blueprint.get("")
@needs("reader")
def today() -> ResponseReturnValue:
    local = db.now().astimezone(ZoneInfo(ctx.settings().timezone))
    page = desk_reading.today(
        ctx.get_session(), current_user.login, local=local, sees_inbox=current_user.may("documentalist")
    )
    return render_template("desk/today.html", page=page)


@blueprint.get("/a-revoir")
@needs("documentalist")
def to_review() -> ResponseReturnValue:
    return render_template("desk/to_review.html", page=desk_reading.to_review(ctx.get_session()), done=done_lot())


def done_lot() -> int | None:
    """The lot that was just made, whose undoing the page offers."""
    lot = request.args.get("lot", "")
    return int(lot) if lot.isdecimal() and len(lot) < 12 else None


@blueprint.post("/a-revoir/messages/<int(max=2147483647):number>")
@needs("documentalist")
def answered(number: int) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        row = session.get(VisitRequest, number)
        if row is None:
            abort(404)
        if row.answered_at is None:
            visits.settle(session, row, by=current_user.login)
    flash(_("La demande est notée comme répondue."), "ok")
    return redirect(url_for("desk.to_review"), 303)


@blueprint.post("/a-revoir/notices/<address>")
@needs("documentalist")
def decide(address: str) -> ResponseReturnValue:
    """Publish a candidate, or put it aside: each a lot of its own, which « Annuler » takes back."""
    asked = request.form.get("action", "")
    if asked not in ("publish", "put_aside"):
        abort(400)
    with ctx.get_writer() as session:
        notice = notices.find(session, address) or abort(404)
        title = title_or_none(notice.title)
        outcome = cataloguing.decide(session, notice, asked, by=current_user.login)
    if outcome.done == "problems":
        flash(_("« %(title)s » n’est pas encore complète : voyez ce qui manque.") % {"title": title}, "warn")
        return redirect(url_for("desk.edit", address=address, complete=1), 303)
    if outcome.done == "unchanged":
        flash(_("« %(title)s » a déjà été traitée.") % {"title": title}, "warn")
    elif outcome.done == "published":
        flash(_("« %(title)s » est publiée.") % {"title": title}, "ok")
    else:
        flash(_("« %(title)s » est mise à l’écart.") % {"title": title}, "ok")
    return redirect(url_for("desk.to_review", lot=outcome.batch_id), 303)


@blueprint.get("/refus")
@needs("documentalist")
def refused() -> ResponseReturnValue:
    lines, total = desk_reading.refused(ctx.get_session())
    return render_template("desk/refused.html", lines=lines, total=total)


# --- what every page of the desk knows -------------------------------------------------------


def _context() -> dict[str, Any]:
    signed_in = current_user.is_authenticated
    return {
        "desk_home": url_for("desk.today"),
        "desk_user": current_user.login if signed_in else "",
        "desk_signout": url_for("auth.sign_out"),
        "desk_menu": _menu() if signed_in else [],
        "desk_actions": _actions() if signed_in else [],
        "desk_search": to("results") if signed_in else "",
    }


def _menu() -> list[tuple[str, str, int | None, bool]]:
    """Only pages that exist, and that this person may open."""
    pages = [("desk.today", _("Aujourd’hui"), "reader"), ("desk.to_review", _("À revoir"), "documentalist")]
    pages.append(("desk.inventory", _("Inventaire"), "reader"))
    here = request.endpoint
    return [(url_for(name), words, None, name == here) for name, words, role in pages if current_user.may(role)]


def _actions() -> list[tuple[str, str]]:
    cataloguing_words = [(url_for("desk.new"), _("Cataloguer"))] if current_user.may("contributor") else []
    return [*cataloguing_words, (url_for("desk.lots"), _("Historique et annulations"))]


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """Nothing of the desk stays in a shared cache; the browser asks again, and may still go back to a filled form."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def register(app: Flask) -> None:
    from catalogue.web import (
        desk_import,
        desk_inventory,
        desk_lots,
        desk_notices,
        desk_reports,
        desk_sources,
    )

    assert desk_import and desk_inventory and desk_lots and desk_notices  # they hang their pages on the blueprint
    app.register_blueprint(blueprint)
    app.register_blueprint(desk_reports.blueprint)
    app.register_blueprint(desk_sources.blueprint)
    app.context_processor(_context)
