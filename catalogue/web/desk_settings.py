"""Settings (/admin): one subject a page, a summary first; what is saved is in force at once, and noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import audit, backup_plan, db, on_screen, places
from catalogue.backup_plan import Plan
from catalogue.i18n import N_, _
from catalogue.reading import size_words
from catalogue.web import ctx
from catalogue.web.auth import needs

blueprint = Blueprint("settings", __name__, url_prefix="/admin")
STAFF, ADMIN = "documentalist", "admin"


@dataclass(frozen=True, slots=True)
class Subject:
    """A page of the settings: its endpoint (`values` go into its address), its name, what is set there, who may."""

    endpoint: str
    name: str
    lead: str
    role: str = STAFF
    values: Mapping[str, Any] = field(default_factory=dict)


SUBJECTS = (
    Subject("settings.centre", N_("Centre et horaires"), N_("Nom, adresse, ouverture, ce que l’on voit d’abord.")),
    Subject("desk_team.team", N_("Équipe et droits"), N_("Qui travaille ici, et ce que chacun peut faire."), ADMIN),
    Subject(
        "desk_sources.list",
        N_("Sources et règles"),
        N_("Les partenaires : ce qu’ils peuvent changer, leur licence, où sont leurs exemplaires."),
    ),
    Subject(
        "desk_runs.list",
        N_("Moissons"),
        N_("Quand chaque partenaire est moissonné, et combien de temps ses pages sont gardées."),
    ),
    Subject(
        "settings.lookups",
        N_("Sources interrogées"),
        N_("Ce que « Cataloguer » demande ailleurs, et ce qui n’en est plus proposé."),
    ),
    Subject(
        "desk_authorities.list",
        N_("Plan de classement"),
        N_("Les indices, leurs noms, et combien de notices chacun a."),
        values={"onglet": "classement"},
    ),
    Subject("settings.shelving", N_("Salles, travées, tablettes"), N_("Où sont rangés les documents.")),
    Subject(
        "settings.models",
        N_("Modèles et étiquettes"),
        N_("La lettre de réclamation, l’allure des bibliographies, la feuille d’étiquettes."),
    ),
    Subject(
        "settings.backups",
        N_("Sauvegardes"),
        N_("Une par nuit, et à la demande : un fichier contient tout."),
        ADMIN,
    ),
    Subject("desk_team.journal", N_("Journal"), N_("Connexions, comptes, réglages : qui et quand."), ADMIN),
    Subject("desk.account", N_("Mon compte"), N_("Mot de passe, langue, affichage serré, touches d’une lettre.")),
)


@blueprint.get("")
@needs("documentalist")
def subjects() -> ResponseReturnValue:
    pages = [
        (url_for(one.endpoint, **one.values), _(one.name), _(one.lead))
        for one in SUBJECTS
        if current_user.may(one.role)
    ]
    return render_template("desk/subjects.html", title=_("Réglages"), pages=pages)


# --- the centre ------------------------------------------------------------------------------


@blueprint.route("/centre", methods=["GET", "POST"])
@needs("documentalist")
def centre() -> ResponseReturnValue:
    typed = dict(request.form) if request.method == "POST" else on_screen.values(ctx.settings())
    wrong = on_screen.check(typed) if request.method == "POST" else {}
    if request.method == "POST" and not wrong:
        with ctx.get_writer() as session:
            changed = on_screen.write(session, ctx.travee().given, typed)
            for name in changed:
                audit.note(session, "setting_changed", by=current_user.login, about=name)
        ctx.travee().refresh_settings()
        flash(_("Les réglages sont enregistrés.") if changed else _("Rien n’avait changé."), "ok")
        return redirect(url_for("settings.centre"), 303)
    page = render_template("desk/settings_centre.html", rows=on_screen.table(), typed=typed, wrong=wrong)
    return page, 422 if wrong else 200


# --- backups ---------------------------------------------------------------------------------


@blueprint.route("/sauvegardes", methods=["GET", "POST"])
@needs("admin")
def backups() -> ResponseReturnValue:
    plan, wrong = backup_plan.read(ctx.get_session()), ""
    if request.method == "POST":
        asked = request.form.get("action", "")
        hour, keep = request.form.get("heure", ""), request.form.get("garder", "")
        if asked == "now":
            with ctx.get_writer() as session:
                backup_plan.ask(session, by=current_user.login, at=db.now())
                audit.note(session, "backup_asked", by=current_user.login)
            ctx.travee().quiet_soon()
            flash(_("La sauvegarde commence ; elle apparaîtra ici."), "ok")
            return redirect(url_for("settings.backups"), 303)
        if not (hour.isdecimal() and int(hour[:3]) < 24):
            abort(400)
        if not (keep.isascii() and keep.isdecimal() and 1 <= int(keep[:4]) <= backup_plan.MOST_KEPT):
            wrong = _("Écrivez un nombre, de %(least)s à %(most)s.") % {"least": 1, "most": backup_plan.MOST_KEPT}
        else:
            with ctx.get_writer() as session:
                backup_plan.write(session, Plan("chaque" in request.form, int(hour), int(keep)))
                audit.note(session, "setting_changed", by=current_user.login, about="backup.plan")
            flash(_("Les réglages sont enregistrés."), "ok")
            return redirect(url_for("settings.backups"), 303)
    session = ctx.get_session()
    page = render_template(
        "desk/settings_backups.html",
        plan=plan,
        keep=request.form.get("garder", plan.keep),
        wrong=wrong,
        asked=backup_plan.is_asked(session),
        trouble=backup_plan.trouble(session),
        found=[
            (one, size_words(one.size))
            for one in backup_plan.listed(ctx.settings(), ZoneInfo(ctx.settings().timezone))[:100]
        ],
    )
    return page, 422 if wrong else 200


@blueprint.get("/sauvegardes/<name>")
@needs("admin")
def download(name: str) -> ResponseReturnValue:
    path = backup_plan.find(ctx.settings(), name) or abort(404)
    with ctx.get_writer() as session:
        audit.note(session, "backup_taken", by=current_user.login, about=name)
    return send_file(path.absolute(), as_attachment=True, download_name=path.name, conditional=True)


# --- where documents stand -------------------------------------------------------------------


@blueprint.route("/lieux", methods=["GET", "POST"])
@needs("documentalist")
def shelving() -> ResponseReturnValue:
    """The tree, and one place in hand (`ouvert`): what is done there comes back to it."""
    wrong: list[tuple[str, str]] = []
    opened = request.args.get("ouvert", "")
    if request.method == "POST":
        try:
            with ctx.get_writer() as session:
                done = _act(session)
                audit.note(session, "setting_changed", by=current_user.login, about="places")
            flash(done, "ok")
            gone = request.form.get("action") == "remove"
            left = (request.form.get("dans", "") if gone else opened) or None
            return redirect(url_for("settings.shelving", ouvert=left, _anchor=left), 303)
        except places.Refused as refusal:
            wrong = [(refusal.where, refusal.words)]
    page = render_template(
        "desk/settings_places.html",
        tree=places.tree(ctx.get_session()),
        kinds=places.KINDS,
        opened=opened,
        given=request.form,
        errors=wrong,
    )
    return page, 422 if wrong else 200


def _act(session: Session) -> str:
    """Do what the form asks; the sentence that tells it."""
    kind, asked = request.form.get("genre", ""), request.form.get("action", "")
    number = request.form.get("n", "")
    sizes = {"length": request.form.get("longueur", ""), "height": request.form.get("hauteur", "")}
    name, several = request.form.get("nom", ""), request.form.get("combien", "1")
    if kind not in places.KINDS or (number and not number.isdecimal()) or len(number) > 9:
        abort(400)
    if asked == "add":
        many = int(several) if several.isascii() and several.isdecimal() and len(several) < 4 else 0
        made = places.add(session, kind, int(number) if number else None, name, several=many, **sizes)
        return _("Ajouté : %(names)s.") % {"names": ", ".join(place.name for place in made[:5])}
    if asked == "change":
        places.change(session, kind, int(number or 0), name, **sizes)
        return _("C’est enregistré.")
    if asked != "remove":
        abort(400)
    places.remove(session, kind, int(number or 0))
    return _("C’est retiré.")
