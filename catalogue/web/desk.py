"""The desk (/bureau): what its pages share, « Aujourd'hui » and the refused records.

Cataloguing is in `desk_notices`, « À revoir » in `desk_inbox`, lots in `desk_lots`, the inventory in
`desk_inventory`: all on this blueprint.
A page shows only what its reader may do; `needs(role)` guards the doing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from catalogue import alerts, db, desk_reading, floods, lots, nights, runs, timeline
from catalogue import today as today_
from catalogue.i18n import N_, _
from catalogue.inbox_pages import lists
from catalogue.web import ctx, returning
from catalogue.web.auth import needs, page_preferences
from catalogue.web.public import to
from catalogue.web.typed import read_number

blueprint = Blueprint("desk", __name__, url_prefix="/bureau")
SHOWN_NIGHTS = 14  # on « Aujourd'hui »


@blueprint.get("")
@needs("reader")
def today() -> ResponseReturnValue:
    now, zone, session = db.now(), ZoneInfo(ctx.settings().timezone), ctx.get_session()
    local = now.astimezone(zone)
    page = today_.today(session, current_user.login, local=local, sees_inbox=current_user.may("documentalist"))
    return render_template(
        "desk/today.html",
        page=page,
        harvests=runs.last_lines(session, now),
        timeline=timeline.timeline(session, now, zone, nights=SHOWN_NIGHTS),
        trouble=alerts.trouble(session),
        amiss=alerts.amiss(ctx.settings()) if current_user.may("documentalist") else "",
        pages=following_pages(),
        card_pages=_card_pages(),
        kind_pages={kind: url_for("desk.to_review", genre=name) for kind, name in lists.NAMES.items()},
        floods=floods.open_floods(session, nights.harvested(session)),
    )


def following_pages() -> dict[str, str]:
    """Where each thing to see to of the collection is seen to (`catalogue.following`)."""
    places = {"loans": "desk.copies_out", "periodicals": "desk.periodical_titles", "links": "desk.dead_links"}
    return {name: url_for(endpoint) for name, endpoint in places.items()}


def _card_pages() -> dict[str, str]:
    """Where the one line leads of what « Aujourd'hui » had no room for."""
    places = {
        "backup": "settings.backups",
        "files": "desk.all_documents",
        "refused": "desk.refused",
        "inbox": "desk.to_review",
        "following": "desk.collection",
        "cleaning": "desk_cleaning.tasks",
        "drafts": "desk.new",
        "proposed": "desk.lots",
        "harvest": "desk_runs.list",
        "ruled": "desk.lots",
    }
    return {key: url_for(endpoint) for key, endpoint in places.items()}


def done_lot() -> int | None:
    """The lot that was just made, whose undoing the page offers; nobody else's, and none that is undone already."""
    given = request.args.get("lot", "")
    session = ctx.get_session()
    lot = lots.get(session, read_number(given) or 0)
    if lot is None or lot.by != current_user.login or lots.why_not(session, lot):
        return None
    return lot.id


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
        "desk_user": current_user.called,
        "desk_signout": url_for("auth.sign_out"),
        "desk_menu": _menu() if signed_in else [],
        "desk_actions": _actions() if signed_in else [],
        "desk_keys": _keys() if signed_in else [],
        "desk_search": to("results") if signed_in else "",
        "desk_account": url_for("desk.account") if signed_in else "",
        **page_preferences(),
    }


# --- « Le fonds » ----------------------------------------------------------------------------

# What is done with the collection: endpoint, its name, what it is for, who may.
COLLECTION = (
    (
        "desk.periodical_titles",
        N_("Périodiques"),
        N_("Les numéros reçus, attendus, manquants ; les articles de chacun."),
        "reader",
    ),
    (
        "desk_authorities.list",
        N_("Autorités"),
        N_("Personnes, organismes, descripteurs, plan de classement : les chercher, les corriger, les réunir."),
        "reader",
    ),
    ("desk.import_file", N_("Importer"), N_("Un fichier de PMB, de Zotero, d’un tableur…"), "documentalist"),
    (
        "desk_cleaning.tasks",
        N_("Nettoyage"),
        N_("Doublons, formes proches, champs vides, liens morts : à plusieurs, groupe par groupe."),
        "documentalist",
    ),
    (
        "desk.corrections",
        N_("Corrections en nombre"),
        N_("La même correction dans des centaines de notices ou d’exemplaires, vue avant, annulable après."),
        "documentalist",
    ),
    (
        "desk.copies_out",
        N_("Exemplaires sortis"),
        N_("Ce qui est prêté, jusqu’à quand, et ce qui est en retard."),
        "reader",
    ),
    (
        "desk.all_documents",
        N_("Documents numériques"),
        N_("Les fichiers gardés ici : leurs droits, leurs textes, leur état."),
        "reader",
    ),
    (
        "desk.dead_links",
        N_("Liens morts"),
        N_("Les adresses qui ne répondent plus : corriger, ou offrir la copie archivée."),
        "documentalist",
    ),
    ("desk.inventory", N_("Inventaire"), N_("La liste des exemplaires, par cote, à imprimer ou à emporter."), "reader"),
    (
        "desk.candidate_subjects",
        N_("Candidats descripteurs"),
        N_("Les sujets saisis qui ne sont pas au thésaurus : en faire des descripteurs, ou les remplacer."),
        "documentalist",
    ),
)


@blueprint.get("/fonds")
@needs("reader")
def collection() -> ResponseReturnValue:
    pages = [(url_for(name), _(words), _(lead)) for name, words, lead, role in COLLECTION if current_user.may(role)]
    return render_template("desk/subjects.html", title=_("Le fonds"), pages=pages)


def _menu() -> list[tuple[str, str, int | None, bool]]:
    """Only pages that this person may open."""
    pages = [
        ("desk.today", _("Aujourd’hui"), "reader"),
        ("desk.to_review", _("À revoir"), "documentalist"),
        ("desk.collection", _("Le fonds"), "reader"),
        ("desk_runs.list", _("Moissons"), "documentalist"),  # others read of them on « Aujourd’hui »
        ("settings.subjects", _("Réglages"), "documentalist"),
    ]
    here = request.endpoint
    return [(url_for(name), words, None, name == here) for name, words, role in pages if current_user.may(role)]


def _actions() -> list[tuple[str, str]]:
    cataloguing_words = [(url_for("desk.new"), _("Cataloguer"))] if current_user.may("contributor") else []
    return [*cataloguing_words, (url_for("desk.lots"), _("Historique et annulations"))]


def _keys() -> list[tuple[str, str, str]]:
    """« g » and a letter lead there."""
    pages = (
        ("a", "desk.today", _("Aujourd’hui"), "reader"),
        ("c", "desk.new", _("Cataloguer"), "contributor"),
        ("r", "desk.to_review", _("À revoir"), "documentalist"),
        ("h", "desk.lots", _("Historique et annulations"), "reader"),
    )
    return [(letter, url_for(name), words) for letter, name, words, role in pages if current_user.may(role)]


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """Nothing of the desk stays in a shared cache; the browser asks again, and may still go back to a filled form."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _moved(_error: StaleDataError) -> ResponseReturnValue:
    """Somebody has written the same rows in the same instant: nothing was written here; the page as it stands now."""
    flash(_("Quelqu’un vient de changer la même chose : rien n’a été enregistré ici. Voici où l’on en est."), "warn")
    try:
        current_app.url_map.bind("").match(request.path, method="GET")
    except HTTPException:
        return redirect(url_for("desk.to_review" if current_user.may("documentalist") else "desk.lots"), 303)
    return redirect(request.path, 303)


# The pages of the desk, a module each: those that hang theirs on this blueprint, and those with one of their own.
PAGES = (
    "desk_account",
    "desk_batch",
    "desk_documents",
    "desk_copies",
    "desk_concepts",
    "desk_handover",
    "desk_import",
    "desk_inbox",
    "desk_inventory",
    "desk_links",
    "desk_lookups",
    "desk_lots",
    "desk_models",
    "desk_near",
    "desk_notices",
    "desk_outside",
    "desk_pairs",
    "desk_periodicals",
    "desk_rules",
    "desk_subjects",
    "desk_terms",
)
BLUEPRINTS = (
    "desk_authorities",
    "desk_cleaning",
    "desk_reports",
    "desk_runs",
    "desk_settings",
    "desk_sources",
    "desk_team",
)


def register(app: Flask) -> None:
    for name in PAGES:
        import_module(f"catalogue.web.{name}")
    app.register_blueprint(blueprint)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"catalogue.web.{name}").blueprint)
    app.register_error_handler(StaleDataError, _moved)
    app.register_error_handler(CSRFError, returning.lost)
    app.context_processor(_context)
