"""A form that was sent when its session had ended comes back, filled, after signing in.

Nobody knows yet whose it is, so it is kept apart under a code that only this browser has, in its cookie; whoever signs
in with that cookie, by password, by mail or through the centre's own accounts, finds it as a form in hand. There are
never more than `kept_forms.MOST` of these, and none is larger than a form.
"""

from __future__ import annotations

import logging

from flask import current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import BadRequest

from catalogue import form, kept_forms, notices
from catalogue.i18n import _
from catalogue.identifiers import is_code, new_code
from catalogue.web import ctx, forms

log = logging.getLogger("travee")
NOBODY = ""  # the login of a form whose owner has yet to sign in
HELD = "held"  # in the session: the code it is kept under
FORMS = ("desk.create", "desk.save")  # where such forms are sent


def hold() -> str:
    """Keep the form that this request brings; where to come back to, "" when it brings none."""
    address = (request.view_args or {}).get("address", "") or request.form.get("nouvelle", "")
    if request.method != "POST" or request.endpoint not in FORMS or not is_code(address):
        return ""
    given = request.form.get("version", "")
    version = int(given) if given.isdecimal() and len(given) < 10 else 0
    file = forms.file_of(request)
    content = kept_forms.content_of(request.form.lists(), file) | {"adresse": [address]}
    title, code = form.one_line(request.form.get("title", "")), new_code()
    with ctx.get_writer() as writing:
        if kept_forms.keep(writing, NOBODY, code, content, title=title, version=version) is None:
            return ""
    session[HELD] = code
    words = _("Votre session avait pris fin. Connectez-vous : votre formulaire revient tel que vous l’aviez rempli.")
    flash(f"{words} {_('Seul le fichier ne revient pas : choisissez-le de nouveau.')}" if file else words, "info")
    return url_for("desk.edit", address=address, reprendre=1)


def take(login: str) -> str:
    """What this browser had kept is now theirs; where it is, "" when there was nothing."""
    code = session.get(HELD, "")
    if not is_code(code):
        return ""
    with ctx.get_writer() as writing:
        address = kept_forms.hand_over(writing, NOBODY, code, login)
    return url_for("desk.edit", address=address, reprendre=1) if address else ""


def lost(error: CSRFError) -> ResponseReturnValue:
    """The mark that a form carries is of a session that has ended: nothing is written, the form is not lost."""
    if request.endpoint not in FORMS:
        return current_app.handle_http_exception(BadRequest(error.description))
    if not current_user.is_authenticated:
        return redirect(url_for("auth.sign_in", suite=hold() or url_for("desk.today")), 303)
    from catalogue.web import filling
    from catalogue.web.desk_form import version_of
    from catalogue.web.notice_page import Shown, show

    flash(
        _("Votre session a changé entre-temps : rien n’a été enregistré. Vérifiez, puis enregistrez de nouveau."),
        "warn",
    )
    notice = notices.find(ctx.get_session(), (request.view_args or {}).get("address", ""))
    return show(notice, filling.read(request.form), Shown(version=version_of(notice), status=400))
