"""The team (/admin/equipe), the helpers' links, and the journal: for administrators."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy.orm import Session

from catalogue import audit, entry_links, helper_links, mail, users
from catalogue.i18n import _
from catalogue.models import User
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.entering import letters_go_out, unstored
from catalogue.web.public import absolute
from catalogue.web.typed import read_number
from export import codes

blueprint = Blueprint("desk_team", __name__, url_prefix="/admin")
NUMBER = "<int(max=2147483647):number>"
SHOWN = "shown_link"  # in the session: a link that was just made, shown once
# Of what went wrong, the field it is said at.
FIELDS = {"login": "login", "password": "password", "role": "role", "name": "name", "email": "email"}


@blueprint.get("/equipe")
@needs("admin")
def team() -> ResponseReturnValue:
    session_ = ctx.get_session()
    return _team_page(session_)


def _team_page(session_: Session, *, errors: list[tuple[str, str]] | None = None) -> ResponseReturnValue:
    page = render_template(
        "desk/team.html",
        people=users.list_users(session_),
        invited=entry_links.waiting_until(session_),
        roles=users.ROLE_WORDS,
        meanings=users.ROLE_MEANINGS,
        helpers=[(link, helper_links.said(link)) for link in helper_links.list_open(session_)],
        purposes=helper_links.PURPOSES,
        today_iso=date.today().isoformat(),
        given=request.form,
        errors=errors or [],
    )
    return page, 422 if errors else 200


# --- accounts --------------------------------------------------------------------------------


@blueprint.route("/equipe/nouveau", methods=["GET", "POST"])
@needs("admin")
def add() -> ResponseReturnValue:
    if request.method == "GET":
        return _account_page(None, {"role": "contributor", "how": "invite"})
    given = {name: request.form.get(name, "") for name in ("login", "name", "email", "role", "how", "password")}
    invites = given["how"] != "password"
    try:
        with ctx.get_writer() as writing:
            user = users.add(
                writing,
                given["login"],
                None if invites else given["password"],
                given["role"],
                name=given["name"],
                email=given["email"],
                by=current_user.login,
            )
            token = users.invite(writing, user, by=current_user.login) if invites else ""
    except users.Invalid as error:
        return _account_page(None, given, error)
    flash(_("Le compte « %(login)s » est ouvert.") % {"login": user.login}, "ok")
    return _hand_over(user, token) if token else redirect(url_for("desk_team.team"), 303)


@blueprint.route(f"/equipe/{NUMBER}", methods=["GET", "POST"])
@needs("admin")
def edit(number: int) -> ResponseReturnValue:
    user = _found(ctx.get_session(), number)
    if request.method == "GET":
        return _account_page(user, _of(user))
    given = {name: request.form.get(name, "") for name in ("name", "email", "role")}
    try:
        with ctx.get_writer() as writing:
            changed = users.change(
                writing, _found(writing, number), **given, by=current_user.login, seen=request.form.get("vu")
            )
    except users.Invalid as error:
        return _account_page(_found(ctx.get_session(), number), given, error)
    flash(_("C’est enregistré.") if changed else _("Rien n’a changé."), "ok" if changed else "")
    return redirect(url_for("desk_team.team"), 303)


@blueprint.post(f"/equipe/{NUMBER}/fermer")
@needs("admin")
def close(number: int) -> ResponseReturnValue:
    try:
        with ctx.get_writer() as writing:
            user = _found(writing, number)
            users.disable(writing, user, by=current_user.login)
    except users.Invalid as error:
        flash(error.sentence, "danger")
        return redirect(url_for("desk_team.edit", number=number), 303)
    words = _(
        "Le compte « %(login)s » est fermé, ses sessions aussi. Ce qu’il a fait reste signé ; il peut se rouvrir."
    )
    flash(words % {"login": user.login}, "ok")
    return redirect(url_for("desk_team.team"), 303)


@blueprint.post(f"/equipe/{NUMBER}/rouvrir")
@needs("admin")
def reopen(number: int) -> ResponseReturnValue:
    with ctx.get_writer() as writing:
        user = _found(writing, number)
        users.enable(writing, user, by=current_user.login)
    flash(_("Le compte « %(login)s » est rouvert.") % {"login": user.login}, "ok")
    return redirect(url_for("desk_team.edit", number=number), 303)


@blueprint.post(f"/equipe/{NUMBER}/lien")
@needs("admin")
def reset(number: int) -> ResponseReturnValue:
    """A link to choose a password: the old one, if there is one, is no good any more."""
    with ctx.get_writer() as writing:
        user = _found(writing, number)
        if user.disabled_at is not None:
            abort(409)
        token = (users.reset if user.password_hash else users.invite)(writing, user, by=current_user.login)
    return _hand_over(user, token)


@blueprint.post(f"/equipe/{NUMBER}/mot-de-passe")
@needs("admin")
def set_password(number: int) -> ResponseReturnValue:
    try:
        with ctx.get_writer() as writing:
            user = _found(writing, number)
            users.set_password(writing, user, request.form.get("password", ""), by=current_user.login)
    except users.Invalid as error:
        return _account_page(_found(ctx.get_session(), number), _of(user), error)
    flash(_("Le mot de passe de « %(login)s » est changé ; ses sessions sont fermées.") % {"login": user.login}, "ok")
    return redirect(url_for("desk_team.team"), 303)


def _found(session_: Session, number: int) -> User:
    return session_.get(User, number) or abort(404)


def _of(user: User) -> dict[str, str]:
    return {"login": user.login, "name": user.name, "email": user.email, "role": user.role}


def _account_page(user: User | None, given: dict[str, str], error: users.Invalid | None = None) -> ResponseReturnValue:
    errors = []
    if error is not None:
        errors = [(FIELDS.get(error.code.partition("_")[0], "role"), error.sentence)]
    moved = error is not None and error.code == "changed_since"
    page = render_template(
        "desk/team_account.html",
        user=user,
        given=_of(user) if user and moved else given,
        mark=users.mark_of(user) if user else "",
        roles=[(code, _(words), _(users.ROLE_MEANINGS[code])) for code, words in users.ROLE_WORDS.items()],
        errors=errors,
        wrong=dict(errors),
        mine=user is not None and user.id == current_user.id,
    )
    return page, 200 if not errors else 409 if moved else 422


# --- links, shown once -----------------------------------------------------------------------


def _hand_over(user: User, token: str) -> ResponseReturnValue:
    """By mail where that was asked for and it goes; else shown, to print or to copy."""
    path = url_for("auth.accept_invitation", token=token)
    if request.form.get("courriel") and user.email and letters_go_out():
        try:
            _write_to(user, path)
            flash(_("L’invitation est partie à %(email)s.") % {"email": user.email}, "ok")
            return redirect(url_for("desk_team.team"), 303)
        except mail.NotSent as failure:
            words = _("Le courriel n’a pas pu partir (%(why)s) : donnez le lien vous-même.")
            flash(words % {"why": failure}, "warn")
    session[SHOWN] = {"path": path, "for": users.called(user), "what": "invitation"}
    return redirect(url_for("desk_team.shown_link"), 303)


def _write_to(user: User, path: str) -> None:
    settings = ctx.settings()
    subject = _("%(centre)s : votre compte au catalogue") % {"centre": settings.centre_name}
    paragraphs = (
        _("Bonjour %(name)s,") % {"name": users.called(user)},
        _(
            "%(by)s vous ouvre un compte, d’identifiant « %(login)s ». Ce lien sert à choisir votre mot de passe, "
            "pendant 7 jours :"
        )
        % {"by": current_user.called, "login": user.login}
        + "\n"
        + settings.base_url.rstrip("/")
        + path,
    )
    mail.send(settings.mail_url, user.email, subject, paragraphs, sender=settings.admin_email)


@blueprint.get("/equipe/lien")
@needs("admin")
def shown_link() -> ResponseReturnValue:
    """To print or to copy, once: the base keeps only its mark."""
    shown = session.pop(SHOWN, None)
    if shown is None:
        flash(_("Ce lien a déjà été montré. Perdu ? Faites-en un autre."), "warn")
        return redirect(url_for("desk_team.team"), 303)
    address = absolute(shown["path"])
    qr = Markup(codes.svg(address)) if shown["what"] == "helper" else ""
    return unstored(render_template("desk/team_link.html", shown=shown, address=address, qr=qr))


@blueprint.post("/equipe/equipiers")
@needs("admin")
def make_helper() -> ResponseReturnValue:
    """A link for the helpers of one day."""
    given, purpose = request.form, request.form.get("purpose", "")
    hours = read_number(given.get("hours", ""), 1, helper_links.LONGEST_HOURS)
    try:
        day = date.fromisoformat(given.get("day", ""))
    except ValueError:
        return _team_page(ctx.get_session(), errors=[("day", _("Écrivez le jour, par exemple 2026-03-14."))])
    if purpose not in helper_links.PURPOSES:
        abort(400)
    if hours is None:
        words = _("Écrivez un nombre d’heures, de 1 à %(most)s.") % {"most": helper_links.LONGEST_HOURS}
        return _team_page(ctx.get_session(), errors=[("hours", words)])
    with ctx.get_writer() as writing:
        on = int(day.strftime("%Y%m%d"))
        link, token = helper_links.make(writing, purpose, on, given.get("label", ""), hours, by=current_user.login)
    path = url_for("auth.join", token=token)
    session[SHOWN] = {"path": path, "for": helper_links.said(link), "what": "helper"}
    return redirect(url_for("desk_team.shown_link"), 303)


@blueprint.post(f"/equipe/equipiers/{NUMBER}/retirer")
@needs("admin")
def revoke_helper(number: int) -> ResponseReturnValue:
    with ctx.get_writer() as writing:
        link = helper_links.get_open(writing, number)
        if link is not None:
            helper_links.revoke(writing, link, by=current_user.login)
    flash(_("Le lien est retiré : il n’ouvre plus rien."), "ok")
    return redirect(url_for("desk_team.team"), 303)


# --- the journal -----------------------------------------------------------------------------


@blueprint.get("/journal")
@needs("admin")
def journal() -> ResponseReturnValue:
    what, login, page = request.args.get("quoi", ""), request.args.get("qui", "")[:80], request.args.get("page", "1")
    found = audit.list_entries(
        ctx.get_session(),
        what=what if what in audit.WORDS else "",
        login=login,
        page=read_number(page, 1, 99_999) or 1,
    )
    kept: dict[str, Any] = {name: value for name, value in (("quoi", what), ("qui", login)) if value}
    said = {"words": audit.words, "about": users.told_about, "kinds": audit.WORDS}
    return render_template("desk/journal.html", page=found, kept=kept, **said)
