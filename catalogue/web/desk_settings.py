"""Settings (/admin): one subject a page, a summary first; what is saved is in force at once, and noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import audit, backup_plan, db, mail, meeting, on_screen, places, sources, users
from catalogue.backup_plan import Plan
from catalogue.i18n import N_, _
from catalogue.item_profiles import AUTO
from catalogue.reading import size_words
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk_sources import habits
from catalogue.web.typed import read_number

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
        "settings.item_profiles",
        N_("Profils des exemplaires"),
        N_("Pour chaque source, où sont écrits la cote, le code-barres, l’emplacement."),
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
    Subject(
        "settings.machine",
        N_("Courriel, adresse et machine"),
        N_("Le serveur de courriel et son essai, l’adresse publique ; ce que règle la machine."),
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
    form = _sent(on_screen.CENTRE)
    if form is None:
        return redirect(url_for("settings.centre"), 303)
    page = render_template("desk/settings_centre.html", rows=on_screen.on_page(on_screen.CENTRE), **form.shown)
    return page, form.status


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """A page of settings as it is shown: what it holds, what it was filled from, what is wrong with it."""

    typed: Mapping[str, str]
    seen: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def shown(self) -> dict[str, Mapping[str, str]]:
        return {"typed": self.typed, "seen": self.seen, "wrong": self.wrong}


def _sent(place: str) -> SettingsForm | None:
    """The settings of a page, to be shown; None once what was typed is kept."""
    now = on_screen.values(ctx.settings(), place)
    if request.method == "GET":
        return SettingsForm(now, now)
    typed, seen = {name: request.form[name] for name in now if name in request.form}, _seen(now)
    if wrong := on_screen.check(typed, place):
        return SettingsForm(typed, seen, wrong, 422)
    given, password = ctx.travee().given, request.form.get("mot_de_passe", "")[:200]
    with ctx.get_writer() as session:
        now = on_screen.values(on_screen.effective(session, given), place)
        typed, crossed = meeting.meet(now, typed, seen)
        changed = [] if crossed else on_screen.write(session, given, typed, place, password=password)
        for name in changed:
            audit.note(session, "setting_changed", by=current_user.login, about=name)
    if crossed:
        choices = {one.name: dict(one.options) for one in on_screen.table()}
        wrong = {name: meeting.told(choices[name].get(now[name], now[name])) for name in crossed}
        return SettingsForm(typed, now, wrong, 409)
    ctx.travee().refresh_settings()
    flash(_("Les réglages sont enregistrés.") if changed else _("Rien n’avait changé."), "ok")
    return None


def _seen(names: Iterable[str]) -> dict[str, str]:
    """What the form was shown with, and sends back beside what was typed."""
    return {name: request.form[f"vu_{name}"] for name in names if f"vu_{name}" in request.form}


# --- the machine, and the world around it ----------------------------------------------------


@blueprint.route("/machine", methods=["GET", "POST"])
@needs("admin")
def machine() -> ResponseReturnValue:
    """What is set for the world outside; and what the environment says, to be read."""
    form = _sent(on_screen.OUTSIDE)
    if form is None:
        return redirect(url_for("settings.machine"), 303)
    settings, given, rows = ctx.settings(), ctx.travee().given, on_screen.on_page(on_screen.OUTSIDE)
    typed = {one.name: on_screen.shown(one, form.typed[one.name]) for one in rows if one.name in form.typed}
    page = render_template(
        "desk/settings_machine.html",
        rows=rows,
        **(form.shown | {"typed": typed}),
        set_here={one.name for one in rows if getattr(settings, one.name) != getattr(given, one.name)},
        machine=on_screen.of_machine(given),
        has_mail=bool(settings.mail_url),
        email=_own_address(),
    )
    return page, form.status


@blueprint.post("/machine/essai")
@needs("admin")
def try_mail() -> ResponseReturnValue:
    """A letter to whoever asks, now: whether mail goes out is known before the night when it is needed."""
    settings, address = ctx.settings(), _own_address()
    if not settings.mail_url or not address:
        abort(400)
    words = _("Ce courriel d’essai vient de %(centre)s : il arrive, donc les autres arriveront.")
    ctx.end_session()  # nobody waits for our database while we wait for the mail server
    try:
        mail.send(
            settings.mail_url,
            address,
            _("Courriel d’essai"),
            [words % {"centre": settings.centre_name}],
            sender=settings.admin_email,
        )
        flash(_("Le courriel d’essai est parti à %(email)s.") % {"email": address}, "ok")
    except mail.NotSent as failure:
        flash(_("Le courriel d’essai n’est pas parti. %(why)s") % {"why": failure}, "danger")
    return redirect(url_for("settings.machine"), 303)


def _own_address() -> str:
    user = users.find(ctx.get_session(), current_user.login)
    return user.email if user else ""


# --- where each source writes its copies -----------------------------------------------------


@blueprint.get("/profils")
@needs("documentalist")
def item_profiles() -> ResponseReturnValue:
    """Each source, in words how its copies are read, and the page where that is changed and tried."""
    words = habits()
    pages = [
        (
            url_for("desk_sources.show", name=source.name),
            source.name,
            _read_as(source.profile.get("items"), words),
        )
        for source in sources.list_sources(ctx.get_session())
    ]
    return render_template("desk/subjects.html", title=_("Profils des exemplaires"), pages=pages)


def _read_as(items: object, words: Mapping[str, str]) -> str:
    """By a habit that Travée knows, or by a table of its own."""
    return _("une table écrite pour elle") if isinstance(items, Mapping) else words.get(str(items or AUTO), str(items))


# --- backups ---------------------------------------------------------------------------------


@blueprint.route("/sauvegardes", methods=["GET", "POST"])
@needs("admin")
def backups() -> ResponseReturnValue:
    plan, wrong, status = backup_plan.read(ctx.get_session()), "", 422
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
        at, kept = read_number(hour, most=23), read_number(keep, 1, backup_plan.MOST_KEPT)
        if at is None:
            abort(400)
        plan = replace(plan, on="chaque" in request.form, hour=at)
        if kept is None:
            wrong = _("Écrivez un nombre, de %(least)s à %(most)s.") % {"least": 1, "most": backup_plan.MOST_KEPT}
        else:
            typed = backup_plan.typed(replace(plan, keep=kept))
            with ctx.get_writer() as session:
                now = backup_plan.typed(backup_plan.read(session))
                met, crossed = meeting.meet(now, typed, _seen(now))
                if not crossed:
                    backup_plan.write(session, Plan(bool(met["chaque"]), int(met["heure"]), int(met["garder"])))
                    audit.note(session, "setting_changed", by=current_user.login, about="backup.plan")
            if not crossed:
                flash(_("Les réglages sont enregistrés."), "ok")
                return redirect(url_for("settings.backups"), 303)
            wrong, status = meeting.told(backup_plan.words(ctx.get_session())), 409
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
        seen=backup_plan.typed(backup_plan.read(session)),
    )
    return page, status if wrong else 200


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
        many = read_number(several, most=999) or 0
        made = places.add(session, kind, int(number) if number else None, name, several=many, **sizes)
        return _("Ajouté : %(names)s.") % {"names": ", ".join(place.name for place in made[:5])}
    if asked == "change":
        typed = {"nom": name, "longueur": sizes["length"], "hauteur": sizes["height"]}
        now = places.typed(session, kind, int(number or 0))
        met, crossed = meeting.meet(now, typed, _seen(now))
        if crossed:
            raise places.Refused(meeting.told(now[crossed[0]]), crossed[0])
        places.change(session, kind, int(number or 0), met["nom"], length=met["longueur"], height=met["hauteur"])
        return _("C’est enregistré.")
    if asked != "remove":
        abort(400)
    places.remove(session, kind, int(number or 0))
    return _("C’est retiré.")
