"""Who is at the desk, what their role lets them do, and signing in by password.

Paste allowed, no puzzle; who errs too often waits, and is told how long (`catalogue.signing_in`). Links that let
somebody in are in `entering`, the centre's own accounts (OpenID Connect) in `oidc`: all on this blueprint.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.exceptions import HTTPException

from catalogue import helper_links, i18n, signing_in, users
from catalogue.i18n import _
from catalogue.models import HelperLink, User
from catalogue.web import ctx, returning, whose
from catalogue.web.public import own_path
from catalogue.web.typed import read_version

blueprint = Blueprint("auth", __name__)
P = ParamSpec("P")
R = TypeVar("R")
RANK = {"reader": 0, "contributor": 1, "documentalist": 2, "admin": 3}
# Where a helper lands: the first page of their campaign.
HOMES = {"cleaning": "desk_cleaning.tasks"}
HELPER = "helper"  # in the session: the link that somebody without an account came in by, and their name


class Account:
    """The signed-in person as Flask-Login sees it. Its id carries the session token: a new password signs out."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.id = user.id
        self.login = user.login
        self.called = users.called(user)
        self.role = user.role
        self.language = user.language
        self.preferences = dict(user.preferences)
        self.token = user.session_token

    def get_id(self) -> str:
        return f"{self.id}:{self.token}"

    def may(self, role: str) -> bool:
        return RANK[self.role] >= RANK[role]


class Visitor:
    """Nobody we know; or, on the pages of a campaign, the helper who came in by its link, under the name they gave."""

    is_authenticated = False
    is_active = False
    is_anonymous = True
    preferences: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    def __init__(self) -> None:
        self.login = self.called = str(session.get(HELPER, {}).get("name", ""))

    def get_id(self) -> None:
        return None

    def may(self, _role: str) -> bool:
        return False


def attach(manager: LoginManager) -> None:
    manager.anonymous_user = Visitor

    @manager.user_loader
    def _load(identity: str) -> Account | None:
        number, _sep, token = identity.partition(":")
        user = ctx.get_session().get(User, read_version(number))
        if user is None or user.disabled_at is not None or user.session_token != token:
            return None
        return Account(user)

    @manager.unauthorized_handler
    def _sign_in_first() -> ResponseReturnValue:
        if HELPER in session:
            return _outside()
        return sign_in_first()


# --- roles -----------------------------------------------------------------------------------


def needs(role: str) -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """Only for people of this role or above; others sign in, or are told that this is not theirs to do."""
    assert role in RANK

    def decorate(view: Callable[P, R]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated:
                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            i18n.set_language(current_user.language)
            if not current_user.may(role):
                abort(403)
            return view(*args, **kwargs)

        guarded.role = role  # type: ignore[attr-defined]
        return guarded

    return decorate


def needs_helper(purpose: str, role: str = "contributor") -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """For people of this role, and for helpers who came in by a link of this campaign, while it is open.

    Either way `current_user.login` is what is signed with; `current_helper` tells which campaign the link is for.
    """
    assert purpose in helper_links.PURPOSES

    def decorate(view: Callable[P, R]) -> Callable[P, Any]:
        for_staff = needs(role)(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated and current_helper(purpose) is not None:
                return view(*args, **kwargs)
            return for_staff(*args, **kwargs)

        guarded.role, guarded.helps = role, purpose  # type: ignore[attr-defined]
        return guarded

    return decorate


def current_helper(purpose: str) -> HelperLink | None:
    """The open link of this campaign that the visitor came in by."""
    number = session.get(HELPER, {}).get("link")
    link = helper_links.get_open(ctx.get_session(), number) if isinstance(number, int) else None
    return link if link is not None and link.purpose == purpose else None


def _outside() -> ResponseReturnValue:
    """A helper has left their campaign, or it is over: said, rather than to ask for a password they do not have."""
    number = session[HELPER].get("link")
    link = helper_links.get_open(ctx.get_session(), number) if isinstance(number, int) else None
    page = render_template("auth/outside.html", home=url_for(HOMES[link.purpose]) if link else "")
    return page, 403 if link else 410


def page_preferences() -> dict[str, Any]:
    """What every page knows of them: an account's own choice of keys comes before that of the browser."""
    chosen = current_user.preferences
    return {"compact": bool(chosen.get("compact"))} | ({"shortcuts": chosen["keys"]} if "keys" in chosen else {})


# --- in and out ------------------------------------------------------------------------------


@blueprint.route("/connexion", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    if request.method == "GET":
        return sign_in_page()
    login, password = request.form.get("login", ""), request.form.get("password", "")
    if not login.strip() or not password:
        return sign_in_page(_("Écrivez votre identifiant et votre mot de passe."))
    remote = request.remote_addr or ""
    checked = signing_in.check(ctx.get_session(), login, password, remote=remote, key=ctx.settings().key)
    if checked.wait:
        page = current_app.make_response(sign_in_page(signing_in.wait_words(checked.wait), status=429))
        page.headers["Retry-After"] = str(int(checked.wait.total_seconds()) + 1)
        return page
    with ctx.get_writer() as writing:
        user = signing_in.record(writing, checked, remote=remote)
    if user is None:
        words = _("L’identifiant ou le mot de passe ne convient pas. Vérifiez la touche Majuscules et réessayez.")
        return sign_in_page(words)
    return enter(user)


def sign_in_page(failed: str = "", *, email_failed: str = "", sealed: str = "", status: int = 422) -> tuple[str, int]:
    """With a sentence when something is wrong; a password is never shown again.

    `sealed`: a form whose session had ended (`returning`), which the page carries until somebody is in.
    """
    typed = request.form if request.blueprint == blueprint.name else {}
    sealed = sealed or typed.get(returning.SEALED, "")
    page = render_template(
        "auth/sign_in.html",
        failed=failed,
        email_failed=email_failed,
        login=typed.get("login", ""),
        email=typed.get("email", ""),
        suite=asked_for(),
        sealed=sealed,
    )
    return page, status if failed or email_failed or sealed else 200


def sign_in_first() -> ResponseReturnValue:
    """Whoever asks for a page of the desk signs in; what they have typed waits in the page where they do."""
    sent = returning.read() if request.headers.get("X-Requested-With") != "fetch" else None
    if sent is not None:
        return sign_in_page(sealed=returning.seal(sent), status=401)
    return redirect(url_for("auth.sign_in", suite=request.full_path.rstrip("?")))


def use_own_language() -> None:
    i18n.set_language(getattr(current_user, "language", "") or ctx.settings().language)


def enter(user: User, target: str | None = None) -> ResponseReturnValue:
    """They are in: a session of their own, nothing of the one before; then the page that was asked for."""
    target = asked_for() if target is None else target
    sent = returning.opened()
    session.clear()
    session.permanent = True
    login_user(Account(user))
    whose.adopt()
    if sent is not None:
        use_own_language()
        return returning.give_back(sent, user.login)
    return redirect(target or url_for("desk.today"))


def asked_for() -> str:
    """Where to go after signing in: a path of ours that can be opened, never another host."""
    target = own_path(request.args.get("suite", ""))
    path = target.partition("?")[0]
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:  # an address that only takes what is posted: there is nothing to see there
        return ""
    return target if path != url_for("auth.sign_in") else ""


@blueprint.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    logout_user()
    session.clear()
    return redirect(url_for("public.home"))


def _keep_private(response: Response) -> Response:
    """What only some may see stays in no shared cache; the browser asks again, and may go back to a filled form."""
    guarded = hasattr(current_app.view_functions.get(request.endpoint or ""), "role")
    if guarded or request.blueprint == blueprint.name:
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def register(app: Flask) -> None:
    from catalogue.web import entering, oidc

    assert entering.blueprint is oidc.blueprint is blueprint  # their pages join it
    app.register_blueprint(blueprint)
    app.after_request(_keep_private)
    app.jinja_env.globals.update(letters_go_out=entering.letters_go_out, provider_label=oidc.label)
