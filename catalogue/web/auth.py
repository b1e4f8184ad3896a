"""Sign-in and the roles. Paste allowed, no puzzle; ten tries a minute from one address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from catalogue import i18n, users
from catalogue.i18n import N_, _
from catalogue.models import User
from catalogue.web import ctx, whose

blueprint = Blueprint("auth", __name__)
P = ParamSpec("P")
R = TypeVar("R")
RANK = {"reader": 0, "contributor": 1, "documentalist": 2, "admin": 3}


class Account:
    """The signed-in person as Flask-Login sees it. Its id carries the session token: a new password signs out."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.id = user.id
        self.login = user.login
        self.role = user.role
        self.language = user.language
        self.preferences = dict(user.preferences)
        self.token = user.session_token

    def get_id(self) -> str:
        return f"{self.id}:{self.token}"

    def may(self, role: str) -> bool:
        return RANK[self.role] >= RANK[role]


class SignIn(FlaskForm):
    login = StringField(N_("Identifiant"), validators=[InputRequired()])
    password = PasswordField(N_("Mot de passe"), validators=[InputRequired()])


def attach(manager: LoginManager) -> None:
    @manager.user_loader
    def _load(identity: str) -> Account | None:
        number, _sep, token = identity.partition(":")
        user = ctx.get_session().get(User, int(number)) if number.isdigit() else None
        if user is None or user.disabled_at is not None or user.session_token != token:
            return None
        return Account(user)

    @manager.unauthorized_handler
    def _sign_in_first() -> ResponseReturnValue:
        return redirect(url_for("auth.sign_in", suite=request.full_path.rstrip("?")))


def needs(role: str) -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """Only for people of this role or above; others sign in, or are told that this is not theirs to do."""

    def decorate(view: Callable[P, R]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated:
                from flask import current_app

                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            if not current_user.may(role):
                abort(403)
            i18n.set_language(current_user.language)
            return view(*args, **kwargs)

        return guarded

    return decorate


@blueprint.route("/connexion", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    form = SignIn()
    failed = ""
    if form.validate_on_submit():
        user = users.authenticate(ctx.get_session(), form.login.data or "", form.password.data or "")
        if user is not None:
            session.clear()
            session.permanent = True
            login_user(Account(user))
            whose.adopt()
            return redirect(_safe(request.args.get("suite", "")) or url_for("desk.today"))
        failed = _("L’identifiant ou le mot de passe ne convient pas. Vérifiez la touche Majuscules et réessayez.")
    elif request.method == "POST":
        failed = _("Écrivez votre identifiant et votre mot de passe.")
    status = 422 if failed else 200
    return render_template("auth/sign_in.html", form=form, failed=failed), status


@blueprint.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    logout_user()
    session.clear()
    return redirect(url_for("public.home"))


def _safe(target: str) -> str:
    """A path of ours, never another host: « //evil » and « https://… » lead nowhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        return ""
    return target


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
    for limiter in app.extensions.get("limiter", ()):  # none where limits are switched off
        limited = limiter.limit("10 per minute", methods=["POST"])(sign_in)
        app.view_functions[f"{blueprint.name}.sign_in"] = limited
