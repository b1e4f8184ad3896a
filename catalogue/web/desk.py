"""The desk (/bureau): what its pages share, « Aujourd'hui » and the refused records.

Cataloguing is in `desk_notices`, « À revoir » in `desk_inbox`, lots in `desk_lots`, the inventory in
`desk_inventory`: all on this blueprint.
A page shows only what its reader may do; `needs(role)` guards the doing.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import alerts, db, desk_reading, runs, timeline
from catalogue.i18n import _
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.public import to

blueprint = Blueprint("desk", __name__, url_prefix="/bureau")
SHOWN_NIGHTS = 14  # on « Aujourd'hui »


@blueprint.get("")
@needs("reader")
def today() -> ResponseReturnValue:
    now, zone, session = db.now(), ZoneInfo(ctx.settings().timezone), ctx.get_session()
    local = now.astimezone(zone)
    page = desk_reading.today(session, current_user.login, local=local, sees_inbox=current_user.may("documentalist"))
    return render_template(
        "desk/today.html",
        page=page,
        harvests=runs.last_lines(session, now),
        timeline=timeline.timeline(session, now, zone, nights=SHOWN_NIGHTS),
        trouble=alerts.trouble(session),
    )


def done_lot() -> int | None:
    """The lot that was just made, whose undoing the page offers."""
    lot = request.args.get("lot", "")
    return int(lot) if lot.isdecimal() and len(lot) < 12 else None


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
    pages = [
        ("desk.today", _("Aujourd’hui"), "reader"),
        ("desk.to_review", _("À revoir"), "documentalist"),
        ("desk.import_file", _("Importer"), "documentalist"),
        ("desk_sources.list", _("Sources"), "documentalist"),
        ("desk_runs.list", _("Moissons"), "reader"),
        ("desk.inventory", _("Inventaire"), "reader"),
    ]
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
        desk_inbox,
        desk_inventory,
        desk_lots,
        desk_notices,
        desk_reports,
        desk_runs,
        desk_sources,
    )

    assert (
        desk_import and desk_inbox and desk_inventory and desk_lots and desk_notices
    )  # they hang their pages on the blueprint
    app.register_blueprint(blueprint)
    app.register_blueprint(desk_reports.blueprint)
    app.register_blueprint(desk_runs.blueprint)
    app.register_blueprint(desk_sources.blueprint)
    app.context_processor(_context)
