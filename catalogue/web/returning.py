"""What was sent when its session had ended comes back after signing in: any form of the desk.

Nothing is kept for somebody who is not signed in. The page to sign in carries the texts itself, sealed: nobody can make
one that we have not made, and it says whose session had ended, where the cookie still knew. Nothing is sent again by
itself either: the form of a notice comes back as a form in hand, any other as a page with its texts and a button. A
form that another site has sent is not taken up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from itsdangerous import BadSignature
from werkzeug.exceptions import BadRequest, HTTPException

from catalogue import form, kept_forms, notices
from catalogue.i18n import _
from catalogue.identifiers import is_code
from catalogue.kept_forms import Content
from catalogue.models import User
from catalogue.web import ctx, forms
from catalogue.web.typed import read_version

SEALED = "envoi"  # the input that carries it
NOTICE_FORMS = ("desk.create", "desk.save")
NEVER = frozenset(("csrf_token", "password", "present"))  # passwords are typed again
_UNTOLD = re.compile(r"(?:version|vu)(?:[-_].*)?|action|suite")  # sent again, but of no use to a reader


class _Seal(SecureCookieSessionInterface):
    """Signed as the session is, and under another name: the one never passes for the other."""

    salt = "travee-returning"


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: where to, whose session had ended ("" when nobody knows), what it said."""

    path: str
    owner: str
    content: Content

    def pairs(self) -> Iterator[tuple[str, str]]:
        return ((name, text) for name, texts in self.content.items() for text in texts)

    def told(self) -> list[tuple[str, str]]:
        """What a person may have written in it."""
        said = [(name, text) for name, text in self.pairs() if text.strip() and not is_code(text)]
        return [(name.replace("_", " "), text) for name, text in said if not _UNTOLD.fullmatch(name)]


def read() -> Sent | None:
    """The form that this request brings; None when it brings none, or not from a page of ours."""
    if request.method != "POST" or not _is_from_here() or not _is_guarded():
        return None
    content = {name: texts for name, texts in request.form.lists() if name not in NEVER}
    if file := forms.file_of(request):
        content[kept_forms.FILE] = [file]
    return Sent(request.full_path.rstrip("?"), _owner(), content) if content else None


def _is_from_here() -> bool:
    """Browsers say which site a form was sent from."""
    site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
    if site:
        return site in ("same-origin", "none")
    return not origin or urlsplit(origin).netloc == request.host


def _is_guarded() -> bool:
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "role")


def _owner() -> str:
    """Whose session it was: the cookie still says so when a session was ended elsewhere."""
    number, _sep, _token = str(session.get("_user_id", "")).partition(":")
    user = ctx.get_session().get(User, read_version(number)) if number else None
    return user.login if user else ""


def seal(sent: Sent) -> str:
    """As the page to sign in carries it."""
    return str(_serializer().dumps([sent.path, sent.owner, sent.content]))


def opened() -> Sent | None:
    """What that page carried and this request brings back."""
    text = request.form.get(SEALED, "")
    try:
        path, owner, content = _serializer().loads(text) if text else ("", "", {})
    except BadSignature:
        return None
    return Sent(path, owner, content) if path else None


def _serializer() -> Any:
    return _Seal().get_signing_serializer(current_app)


# --- after signing in ------------------------------------------------------------------------


def give_back(sent: Sent, login: str) -> ResponseReturnValue:
    """To whom it belongs: the form of a notice in hand, the texts of any other, to be looked over and sent again."""
    endpoint, values = _place(sent.path, "POST")
    address = values.get("address", "") or next(iter(sent.content.get("nouvelle", ())), "")
    is_notice = endpoint in NOTICE_FORMS and is_code(address)
    if sent.owner not in ("", login):
        if is_notice:
            _keep(sent, sent.owner, address)
        flash(_("Ce qui avait été écrit avant la connexion est à un autre compte : rien n’en est montré ici."), "warn")
        return redirect(url_for("desk.today"), 303)
    if is_notice and _keep(sent, login, address):
        return redirect(url_for("desk.edit", address=address, reprendre=1), 303)
    return show(sent)


def _keep(sent: Sent, owner: str, address: str) -> bool:
    content = kept_forms.content_of(sent.content.items())
    title = form.one_line(next(iter(content.get("title", ())), ""))
    seen = read_version(next(iter(content.get("version", ())), ""))
    with ctx.get_writer() as writing:
        if owner != current_user.login and kept_forms.find(writing, owner, address) is not None:
            return True  # what they have begun since is theirs to choose
        return kept_forms.keep(writing, owner, address, content, title=title, version=seen) is not None


def show(sent: Sent, status: int = 200) -> ResponseReturnValue:
    """Its texts, and a button that sends it again."""
    back = request.script_root + sent.path if _place(sent.path, "GET")[0] else url_for("desk.today")
    page = render_template(
        "desk/returned.html",
        action=request.script_root + sent.path,
        back=back,
        sent=[(name, text) for name, text in sent.pairs() if name != kept_forms.FILE],
        told=sent.told(),
        file=next(iter(sent.content.get(kept_forms.FILE, ())), ""),
    )
    return page, status


def _place(path: str, method: str) -> tuple[str, Mapping[str, Any]]:
    """The endpoint of a path of ours and its values; "" when it takes no such request."""
    try:
        return current_app.url_map.bind("").match(path.partition("?")[0], method=method)
    except HTTPException:
        return "", {}


# --- the mark of a form is another session's -------------------------------------------------


def lost(error: CSRFError) -> ResponseReturnValue:
    """Nothing is written; what was typed is not lost."""
    from catalogue.web import auth

    at_the_door = request.blueprint == auth.blueprint.name
    sent = opened() if at_the_door else read()
    if not current_user.login and (_is_guarded() or sent is not None):
        return auth.sign_in_page(status=401) if at_the_door else auth.sign_in_first()
    if sent is None:
        return current_app.handle_http_exception(BadRequest(error.description))
    auth.use_own_language()
    if at_the_door and current_user.is_authenticated:
        return give_back(sent, current_user.login)
    if request.endpoint in NOTICE_FORMS and current_user.may("contributor"):
        return _notice_again()
    return show(sent, 400)


def _notice_again() -> ResponseReturnValue:
    from catalogue.web import filling
    from catalogue.web.desk_form import version_of
    from catalogue.web.notice_page import Shown
    from catalogue.web.notice_page import show as show_form

    flash(
        _("Votre session a changé entre-temps : rien n’a été enregistré. Vérifiez, puis enregistrez de nouveau."),
        "warn",
    )
    notice = notices.find(ctx.get_session(), (request.view_args or {}).get("address", ""))
    return show_form(notice, filling.read(request.form), Shown(version=version_of(notice), status=400))
