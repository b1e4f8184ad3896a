"""« Mon compte » (/bureau/compte): one's password, preferences and sessions."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from catalogue import signing_in, users
from catalogue.i18n import _, set_language
from catalogue.models import User
from catalogue.web import ctx
from catalogue.web.auth import Account, needs
from catalogue.web.desk import blueprint


@blueprint.get("/compte")
@needs("reader")
def account() -> ResponseReturnValue:
    return _page()


@blueprint.post("/compte/mot-de-passe")
@needs("reader")
def change_password() -> ResponseReturnValue:
    """Who has left their desk open must not lose their account to who passes by: the present one is asked for."""
    present, wished = request.form.get("present", ""), request.form.get("password", "")
    try:
        with ctx.get_writer() as writing:
            user = signing_in.change_password(
                writing, current_user.id, present, wished, remote=request.remote_addr or ""
            )
    except signing_in.TooMany as error:
        return _page([("present", signing_in.wait_words(error.wait))], status=429)
    except users.Invalid as error:
        return _page([("password", error.sentence)])
    if user is None:
        return _page([("present", users.Invalid("password_wrong").sentence)])
    login_user(Account(user))
    flash(_("Votre mot de passe est changé. Vos sessions ouvertes ailleurs sont fermées."), "ok")
    return redirect(url_for("desk.account"), 303)


@blueprint.post("/compte/preferences")
@needs("reader")
def set_preferences() -> ResponseReturnValue:
    with ctx.get_writer() as writing:
        users.set_preferences(
            writing,
            writing.get_one(User, current_user.id),
            language=request.form.get("langue", ""),
            compact="compact" in request.form,
            keys="touches" in request.form,
        )
    set_language(request.form.get("langue", current_user.language))
    flash(_("C’est enregistré."), "ok")
    return redirect(url_for("desk.account"), 303)


@blueprint.post("/compte/sessions")
@needs("reader")
def end_sessions() -> ResponseReturnValue:
    """Everywhere else: this one goes on."""
    with ctx.get_writer() as writing:
        user = writing.get_one(User, current_user.id)
        users.end_sessions(writing, user, by=user.login)
    login_user(Account(user))
    flash(_("Vos autres sessions sont fermées."), "ok")
    return redirect(url_for("desk.account"), 303)


def _page(errors: list[tuple[str, str]] | None = None, *, status: int = 422) -> ResponseReturnValue:
    user = ctx.get_session().get_one(User, current_user.id)
    page = render_template(
        "desk/account.html",
        user=user,
        role=_(users.ROLE_WORDS[user.role]),
        meaning=_(users.ROLE_MEANINGS[user.role]),
        errors=errors or [],
        wrong=dict(errors or []),
    )
    return page, status if errors else 200
