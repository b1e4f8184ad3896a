"""Links that let somebody in: asked for by mail, an invitation to choose a password, a helper's link.

Opening a link only shows a page with a button: programs that look into letters before people do open every link.
"""

from __future__ import annotations

import logging
from threading import Thread

from flask import Response, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import entry_links, helper_links, mail, signing_in, users
from catalogue.config import Settings
from catalogue.i18n import _, use_language
from catalogue.models import User
from catalogue.web import ctx, returning
from catalogue.web.auth import HELPER, HOMES, asked_for, blueprint, enter, sign_in_page

log = logging.getLogger("travee")


# --- by mail ---------------------------------------------------------------------------------


def letters_go_out() -> bool:
    """Whether links can be sent: by a mail server, and with an address that the settings say.

    The address of the request would not do: whoever asks writes it, and the letter would lead to them.
    """
    settings = ctx.settings()
    return bool(settings.mail_url and settings.base_url)


@blueprint.post("/connexion/lien")
def ask_for_link() -> ResponseReturnValue:
    """The same answer, as fast, whether the address is known or not."""
    if not letters_go_out():
        abort(404)
    email = request.form.get("email", "")
    if not users.is_email(email):
        return sign_in_page(email_failed=users.Invalid("email_odd").sentence)
    with ctx.get_writer() as writing:
        asked = signing_in.ask_for_link(writing, email, remote=request.remote_addr or "", key=ctx.settings().key)
    if asked:
        user, token = asked
        path = url_for("auth.open_link", token=token, suite=asked_for() or None)
        Thread(target=_send_link, args=(ctx.settings(), user, path), daemon=True).start()
    flash(
        _(
            "Si cette adresse est celle d’un compte, un courriel vient de partir : son lien ouvre le bureau une fois, "
            "pendant 15 minutes. Rien reçu ? Regardez dans les indésirables, ou écrivez à qui administre Travée."
        ),
        "ok",
    )
    if returning.SEALED in request.form:  # the page goes on carrying it
        return sign_in_page(status=200)
    return redirect(url_for("auth.sign_in", suite=asked_for() or None), 303)


def _send_link(settings: Settings, user: User, path: str) -> None:
    with use_language(user.language):
        subject = _("%(centre)s : votre lien de connexion") % {"centre": settings.centre_name}
        paragraphs = (
            _("Bonjour %(name)s,") % {"name": users.called(user)},
            _("Ce lien ouvre le bureau de Travée, une seule fois, pendant 15 minutes :")
            + "\n"
            + settings.base_url.rstrip("/")
            + path,
            _("Vous n’avez rien demandé ? Ne cliquez pas : sans vous, ce lien ne sert à rien."),
        )
    try:
        mail.send(settings.mail_url, user.email, subject, paragraphs, sender=settings.admin_email)
    except mail.NotSent as failure:
        log.warning("a link could not be sent: %s", failure)


@blueprint.route("/connexion/lien/<token>", methods=["GET", "POST"])
def open_link(token: str) -> ResponseReturnValue:
    if request.method == "POST":
        with ctx.get_writer() as writing:
            user = signing_in.enter_by_link(writing, token, remote=request.remote_addr or "")
        if user is not None:
            return enter(user)
    known = entry_links.find(ctx.get_session(), token, entry_links.SIGN_IN)
    page = render_template("auth/link.html", name=users.called(known) if known else "")
    return unstored(page, 200 if known else 410)


# --- invited ---------------------------------------------------------------------------------


@blueprint.route("/invitation/<token>", methods=["GET", "POST"])
def accept_invitation(token: str) -> ResponseReturnValue:
    """They choose their password, and are in."""
    errors = []
    if request.method == "POST":
        try:
            with ctx.get_writer() as writing:
                user = signing_in.enter_by_invitation(
                    writing, token, request.form.get("password", ""), remote=request.remote_addr or ""
                )
            if user is not None:
                return enter(user)
        except users.Invalid as error:
            errors = [("password", error.sentence)]
    known = entry_links.find(ctx.get_session(), token, entry_links.INVITE)
    page = render_template(
        "auth/invitation.html",
        name=users.called(known) if known else "",
        login=known.login if known else "",
        errors=errors,
    )
    return unstored(page, 410 if known is None else 422 if errors else 200)


# --- helpers ---------------------------------------------------------------------------------


@blueprint.route("/equipier/<token>", methods=["GET", "POST"])
def join(token: str) -> ResponseReturnValue:
    """A first name is enough; a signed-in person keeps their account."""
    errors = []
    link = helper_links.find(ctx.get_session(), token)
    name = " ".join(request.form.get("prenom", "").split())
    if link is not None and current_user.is_authenticated:
        return redirect(url_for(HOMES[link.purpose]))
    if link is not None and request.method == "POST":
        if name and len(name) <= helper_links.LONGEST_NAME:
            with ctx.get_writer() as writing:
                called = session.get(HELPER, {}).get("name", "")
                signed = helper_links.joined(writing, link, name, remote=request.remote_addr or "", called=called)
            session.clear()
            session.permanent = True
            session[HELPER] = {"link": link.id, "name": signed}
            return redirect(url_for(HOMES[link.purpose]), 303)
        errors = [("prenom", _("Écrivez votre prénom, en 40 signes au plus."))]
    page = render_template(
        "auth/helper.html",
        link=link,
        campaign=_(helper_links.PURPOSES[link.purpose]) if link else "",
        name=name,
        errors=errors,
    )
    return unstored(page, 410 if link is None else 422 if errors else 200)


def unstored(page: str, status: int = 200) -> Response:
    """A page whose address is a secret, or that shows one: kept nowhere, told to nobody."""
    response = current_app.make_response((page, status))
    response.headers["Cache-Control"] = "no-store"
    return response
