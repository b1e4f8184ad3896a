"""The public site: search, results, documents at their permanent addresses, one plain request form.

Every page exists in French at `/…` and in English at `/en/…`: one blueprint's worth of routes, registered
twice. Nothing here needs a script, sets a cookie unasked, or calls another host.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel.dates import format_date as babel_format_date
from flask import Blueprint, Flask, abort, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from catalogue import notices, reading, visits
from catalogue.i18n import LANGUAGES, _, current_language, format_date
from catalogue.identifiers import CODE_LENGTH, is_code
from catalogue.reading import Gone, Moved, NoticePage
from catalogue.unimarc import KINDS
from catalogue.web import ctx, request_form, searching
from catalogue.web.asked import FILTERS, Asked, query_string, understand
from indexes.analysis import highlight

log = logging.getLogger("travee")

EXTRACT_CHARS = 200  # two lines of a result
YEAR_SECONDS = 365 * 24 * 3600
THEMES = {"claire": "light", "sombre": "dark"}
STATIC = Path(__file__).parent / "static"
DEFAULT_LANGUAGE = "fr"


# --- pages -----------------------------------------------------------------------------------


def home() -> ResponseReturnValue:
    page = searching.home(ctx.get_session(), ctx.get_index(), scope=ctx.settings().default_scope)
    return render_template("public/home.html", home=page, current="home"), 503 if page.search_down else 200


def results() -> ResponseReturnValue:
    pairs = list(request.args.items(multi=True))
    asked = understand(pairs, ctx.settings().default_scope)
    if pairs != asked.params() and not asked.errors:
        return redirect(_results_address(asked))
    page = searching.results(ctx.get_session(), ctx.get_index(), asked, _results_address, _choices_address)
    if asked.page > max(page.pages.count, 1):
        return redirect(_results_address(asked.but(page=max(page.pages.count, 1))))
    current = "new" if searching.is_new_arrivals(asked) else "search"
    status = 422 if asked.errors else 503 if page.search_down and not page.cards else 200
    return render_template("public/results.html", page=page, current=current), status


def choices(which: str) -> ResponseReturnValue:
    """The full list of one filter, for the question asked."""
    if which not in FILTERS or which == "acces":
        abort(404)
    asked = understand(list(request.args.items(multi=True)), ctx.settings().default_scope)
    letter, containing = request.args.get("lettre", "")[:3], request.args.get("contient", "").strip()[:60]

    def here(other: str) -> str:
        extra = [("lettre", other)] + ([("contient", containing)] if containing else [])
        return _choices_address(which, asked, extra)

    page = searching.choices(ctx.get_index(), asked, which, letter, containing, _results_address, here)
    return render_template("public/choices.html", page=page, current="search")


def notice(address: str) -> ResponseReturnValue:
    page = reading.notice_page(ctx.get_session(), address)
    if page is None:
        return _elsewhere(address)
    if isinstance(page, Moved):
        return redirect(to("notice", address=page.address), 301)
    if isinstance(page, Gone):
        return _gone(page)
    if not page.withdrawn and request.method == "GET":
        ctx.count_usage(page.notice_id, "view")
    return render_template("public/notice.html", n=page, actions=_actions(page), back=_came_from_results())


def request_page() -> ResponseReturnValue:
    if request.method == "GET":
        return _show_form(request_form.blank(request.args), 200)
    if request_form.is_trap(request.form):
        return redirect(to("thanks"), 303)
    form = request_form.read(request.form)
    if form.errors:
        return _show_form(form, 422)
    try:
        with ctx.get_writer() as session:
            about = _shown(notices.find(session, form.notice))
            row = visits.request(
                session,
                subject=request_form.SUBJECTS[form.subject],
                notice=about,
                name=form.name,
                email=form.email,
                message=form.message,
            )
            code, notice_id, address = row.code, row.notice_id, about.address if about else None
    except OperationalError:
        log.exception("a visitor's request could not be kept")
        busy = _("Votre demande n’a pas pu être enregistrée. Votre texte est gardé : envoyez-le de nouveau dans un instant.")
        return _show_form(request_form.with_error(form, "envoyer", busy), 503)
    if notice_id is not None:
        ctx.count_usage(notice_id, "request")
    return redirect(to("thanks", reference=code, notice=address), 303)


def thanks() -> ResponseReturnValue:
    reference, about = (value if is_code(value) else "" for value in _two_args("reference", "notice"))
    return render_template("public/thanks.html", reference=reference, notice=about)


def preferences() -> ResponseReturnValue:
    """Remember the appearance, or the shortcuts: the only cookies of the public site, set when asked for."""
    response = redirect(_own_path(request.args.get("retour", "")) or to("home"), 303)
    for name in ("apparence", "touches"):
        value = request.args.get(name)
        if value in ("claire", "sombre", "non"):
            response.set_cookie(
                name,
                value,
                max_age=YEAR_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=bool(current_secure()),
            )
        elif value is not None:
            response.delete_cookie(name)
    return response


def text_page(name: str) -> ResponseReturnValue:
    """Aide, Accessibilité, Confidentialité, Mentions légales: a template in each language."""
    return render_template(f"public/{name}.{current_language()}.html", current=name)


def _help() -> ResponseReturnValue:
    return text_page("help")


def _accessibility() -> ResponseReturnValue:
    return text_page("accessibility")


def _privacy() -> ResponseReturnValue:
    return text_page("privacy")


def _legal() -> ResponseReturnValue:
    return text_page("legal")
