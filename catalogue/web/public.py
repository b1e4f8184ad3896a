"""The public site: search, results, documents at their permanent addresses, one plain request form.

Every page exists in French at `/…` and in English at `/en/…`: one blueprint, registered twice. Nothing here
needs a script, sets a cookie unasked, or calls another host.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from catalogue import backup_plan, desk_reading, i18n, notices, reading, users, visits, vocabulary
from catalogue.config import Settings
from catalogue.date_words import month_and_year
from catalogue.i18n import _, current_language, format_date
from catalogue.identifiers import is_code
from catalogue.reading import Gone, Moved, NoticePage
from catalogue.unimarc import KINDS
from catalogue.web import ctx, request_form, searching, topics, whose, wording
from catalogue.web.asked import FILTERS, Asked, Params, query_string, understand
from indexes.analysis import highlight
from indexes.reader import UnreadableIndex

log = logging.getLogger("travee")
blueprint = Blueprint("public", __name__)

MOST_NAMED = 4  # of whom to ask
EXTRACT_CHARS = 200  # two lines of a result
REQUESTS_ALLOWED = "6 per minute; 40 per day"  # from one address
A_YEAR = 365 * 24 * 3600
THEMES = {"claire": "light", "sombre": "dark"}
STATIC = Path(__file__).parent / "static"


# --- searching -------------------------------------------------------------------------------


@blueprint.get("/")
def home() -> ResponseReturnValue:
    page = searching.home(ctx.get_searcher(), understand([], ctx.settings().default_scope))
    return render_template("public/home.html", home=page, current="home"), 503 if page.search_down else 200


@blueprint.get("/recherche")
def results() -> ResponseReturnValue:
    pairs = list(request.args.items(multi=True))
    asked = understand(pairs, ctx.settings().default_scope)
    if pairs != asked.params() and not (asked.errors or asked.is_cut):
        return redirect(_results_address(asked))
    page = searching.results(ctx.get_searcher(), asked, _results_address, _choices_address)
    page = replace(page, feed=f"{to('results')}.atom{query_string(asked.but(sort='').params())}")
    if asked.page > max(page.pages.count, 1):
        return redirect(_results_address(asked.but(page=max(page.pages.count, 1))))
    current = "new" if wording.is_new_arrivals(asked) else "search"
    status = 422 if asked.errors else 503 if page.search_down and not page.cards else 200
    return render_template("public/results.html", page=page, current=current), status


@blueprint.get("/recherche/filtre/<which>")
def choices(which: str) -> ResponseReturnValue:
    """The full list of one filter, for the question asked."""
    if which not in FILTERS or which == "acces":
        abort(404)
    asked = understand(list(request.args.items(multi=True)), ctx.settings().default_scope)
    letter, containing = request.args.get("lettre", "")[:3], request.args.get("contient", "").strip()[:60]

    def here(other: str, page: int) -> str:
        at = [("contient", containing), ("lettre", other), ("page", str(page) if page > 1 else "")]
        return _choices_address(which, asked, at)

    page = searching.choices(ctx.get_searcher(), asked, which, letter, containing, _results_address, here)
    return render_template("public/choices.html", page=page, current="search")


def _results_address(asked: Asked) -> str:
    return to("results") + query_string(asked.params())


def _choices_address(which: str, asked: Asked, more: Params = []) -> str:  # noqa: B006 (never changed)
    return to("choices", which=which) + query_string(p for p in asked.but().params() + more if p[1])


# --- one document ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Action:
    label: str
    address: str
    outside: bool = False


@blueprint.get("/d/<address>")
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


@blueprint.get("/x/<code>")
def labelled(code: str) -> ResponseReturnValue:
    """What the label of a copy leads to: its document; for who may change it, the copy itself."""
    item = (desk_reading.find_item(ctx.get_session(), code.lower()) if is_code(code.lower()) else None) or abort(404)
    if current_user.may("documentalist"):
        answer = redirect(url_for("desk.copy", code=item.code))
    else:
        answer = redirect(to("notice", address=notices.get(ctx.get_session(), item.notice_id).address))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _elsewhere(address: str) -> ResponseReturnValue:
    """« k7m4x9q0-la-ville-en-miettes » and « K7M4X9Q0 » were meant for the address they begin with."""
    meant = address.lower().split("-")[0]
    if meant == address or not is_code(meant):
        abort(404)
    return redirect(to("notice", address=meant), 301)


def _actions(page: NoticePage) -> list[Action]:
    """What one can do now, the most direct first."""
    out = []
    if page.access.online:
        way = page.access.online[0]
        label = _("Lire en ligne") + (f" ({way.format})" if way.format else "")
        out.append(Action(label, way.url, outside=True))
    if (page.access.copies or page.access.issues) and not page.withdrawn:
        out.append(Action(_("Demander à consulter"), to("request_page", sujet="consulter", notice=page.address)))
    return out or [Action(_("Demander à la documentaliste"), to("request_page", sujet="question", notice=page.address))]


def _came_from_results() -> str:
    """The page of results that led here, for « Revenir aux résultats »."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host or came.path != to("results"):
        return ""
    return came.path + (f"?{came.query}" if came.query else "")


# --- themes ----------------------------------------------------------------------------------


@blueprint.get("/themes")
def themes() -> ResponseReturnValue:
    """Every thesaurus from its top terms down."""
    found = vocabulary.schemes(ctx.get_session(), current_language())
    return render_template("public/themes.html", schemes=found, current="themes")


@blueprint.get("/themes/<int(max=2147483647):concept_id>")
def theme(concept_id: int) -> ResponseReturnValue:
    """A term of the thesaurus among its neighbours, and the way to its documents."""
    page = vocabulary.concept_page(ctx.get_session(), concept_id, current_language())
    if page is None:
        abort(404)
    if isinstance(page, int):
        return redirect(to("theme", concept_id=page), 301)
    return render_template("public/theme.html", c=page, current="themes")


# --- writing to the centre -------------------------------------------------------------------


@blueprint.route("/demande", methods=["GET", "POST"])
def request_page() -> ResponseReturnValue:
    if request.method == "GET":
        chosen = whose.kept_documents()[1] if request.args.get("selection") else []
        wanted = [kept.title for kept in chosen if not kept.withdrawn]  # what has gone cannot be consulted
        return _show_form(request_form.blank(request.args, wanted), 200)
    if request_form.is_trap(request.form):
        return redirect(to("thanks"), 303)
    form = request_form.read(request.form)
    if form.errors:
        return _show_form(form, 422)
    try:
        code, about = _send(form)
    except OperationalError:
        log.exception("a visitor's request could not be kept")
        return _show_form(request_form.not_sent(form), 503)
    sort = "suggestion" if form.wording.names_document else None
    return redirect(to("thanks", reference=code, notice=about, pour=sort), 303)


def _send(form: request_form.RequestForm) -> tuple[str, str | None]:
    """Put the message in « À revoir »; its reference, and the address of the document it is about."""
    with ctx.get_writer() as session:
        about = notices.find(session, form.notice) if form.notice else None
        about = about if about and about.status in ("published", "withdrawn") else None
        row = visits.request(
            session,
            subject=request_form.SUBJECTS[form.subject],
            name=form.name,
            email=form.email,
            message=form.kept_message,
            notice=about,
        )
        code = row.code
    if about is not None:
        ctx.count_usage(about.id, "request")
    return code, about.address if about else None


def _show_form(form: request_form.RequestForm, status: int) -> ResponseReturnValue:
    title = reading.title_of(ctx.get_session(), form.notice) if form.notice else ""
    current = "visit" if form.subject == "venir" else ""
    return render_template("public/request.html", form=form, notice_title=title, current=current), status


@blueprint.get("/demande/merci")
def thanks() -> ResponseReturnValue:
    reference, about = (request.args.get(name, "") for name in ("reference", "notice"))
    return render_template(
        "public/thanks.html",
        reference=reference if is_code(reference) else "",
        notice=about if is_code(about) else "",
        suggestion=request.args.get("pour") == "suggestion",
    )


# --- preferences and texts -------------------------------------------------------------------


@blueprint.get("/preferences")
def preferences() -> ResponseReturnValue:
    """Remember the appearance, or the keys: the only cookies of the public site, set when asked for."""
    response = redirect(own_path(request.args.get("retour", "")) or to("home"), 303)
    for name, remembered in (("apparence", THEMES), ("touches", ("non",))):
        value = request.args.get(name)
        if value in remembered and value is not None:
            secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
            response.set_cookie(name, value, max_age=A_YEAR, httponly=True, samesite="Lax", secure=secure)
        elif value is not None:
            response.delete_cookie(name)
    response.headers["Cache-Control"] = "no-store"
    return response


def own_path(target: str) -> str:
    """A path of ours, never another host."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return target if ours and target.isprintable() else ""


@blueprint.get("/aide")
def help_page() -> ResponseReturnValue:
    return _text("help")


@blueprint.get("/accessibilite")
def accessibility() -> ResponseReturnValue:
    return _text("accessibility")


@blueprint.get("/confidentialite")
def privacy() -> ResponseReturnValue:
    return _text("privacy", backups_kept=backup_plan.read(ctx.get_session()).keep)


@blueprint.get("/mentions-legales")
def legal() -> ResponseReturnValue:
    return _text("legal")


def _text(name: str, **facts: int) -> str:
    """Long texts have a template in each language: a page is written whole, not sentence by sentence."""
    return render_template(f"public/{name}.{current_language()}.html", current=name, **facts)


# --- when there is nothing to show -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ErrorPage:
    title: str
    sentences: Sequence[str]
    search: bool = True
    reference: str = ""
    back: str = ""  # where somebody who works here goes on


def _gone(gone: Gone) -> ResponseReturnValue:
    sentences = [_("Elle a été retirée du catalogue le %(day)s.") % {"day": format_date(gone.on)}]
    if gone.reason:
        sentences.append(_("Raison : %(reason)s") % {"reason": gone.reason})
    page = ErrorPage(_("Cette fiche a été effacée"), sentences)
    return render_template("errors/error.html", error=page), 410


def show_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error.get_response()
    response = current_app.make_response((render_template("errors/error.html", error=_explain(code)), code))
    # What the exception knows of headers (Allow, Retry-After) is for programs, and stays.
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _show_failure(error: Exception) -> ResponseReturnValue:
    """Something broke: Flask logs it, we add a reference that the visitor can give us."""
    reference = secrets.token_hex(4)
    log.error("failure %s at %s: %r", reference, request.path, error)
    page = ErrorPage(
        _("Quelque chose s’est cassé de notre côté"),
        [_("Réessayez dans un instant. Si cela recommence, écrivez-nous en donnant cette référence.")],
        search=False,
        reference=reference,
    )
    return render_template("errors/error.html", error=page), 500


def _search_is_down(error: UnreadableIndex) -> ResponseReturnValue:
    """A page that is nothing without the index: what can be found otherwise is a link away."""
    log.error("the index cannot be read at %s: %r", request.path, error)
    sentence = _("La recherche est arrêtée pour le moment ; vos mots sont gardés. Réessayez dans quelques minutes.")
    page = ErrorPage(_("La recherche ne répond pas"), [sentence], search=False)
    return render_template("errors/error.html", error=page), 503


def _explain(code: int) -> ErrorPage:
    if code == 403 and current_user.is_authenticated:
        return _not_yours()
    if code == 404:
        address = re.fullmatch(r"(?:/en)?/d/(.+)", request.path)
        if address and not is_code(address[1]):
            typed = _("Les adresses de documents ont huit signes, chiffres et consonnes : vérifiez celle-ci.")
            return ErrorPage(_("Cette page n’existe pas"), [typed])
        hint = _("L’adresse est peut-être incomplète, ou la page n’est pas encore ouverte au public.")
        return ErrorPage(_("Cette page n’existe pas"), [hint])
    pages = {
        400: (_("Cet envoi n’a pas pu être lu"), _("Revenez à la page précédente, rechargez-la et recommencez.")),
        403: (_("Cette page ne vous est pas ouverte"), _("Votre compte n’a pas le droit de faire cela.")),
        405: (_("Cette adresse ne s’utilise pas ainsi"), _("Revenez à l’accueil et reprenez de là.")),
        413: (_("Cet envoi est trop lourd"), _("Envoyez un fichier plus petit, ou en plusieurs fois.")),
        429: (_("Trop d’envois en peu de temps"), _("Attendez quelques minutes, puis recommencez.")),
        503: (_("Le catalogue est en travaux"), _("Revenez dans quelques minutes.")),
    }
    title, sentence = pages.get(code, (_("Cette demande n’a pas abouti"), _("Revenez à l’accueil et reprenez de là.")))
    return ErrorPage(title, [sentence])


def _not_yours() -> ErrorPage:
    """To somebody of the team: who may do it, and the way back to the desk."""
    needed = getattr(current_app.view_functions.get(request.endpoint or ""), "role", "")
    role = needed if needed and not current_user.may(needed) else "documentalist"
    said = _("Votre compte n’a pas le droit de faire cela : il faut « %(role)s ».")
    sentences = [said % {"role": _(users.ROLE_WORDS[role])}, ask_whom(role)]
    return ErrorPage(_("Cette page ne vous est pas ouverte"), sentences, search=False, back=url_for("desk.today"))


def ask_whom(role: str) -> str:
    """« Demandez à Claire ou à Marc. »"""
    names = users.who_may(ctx.get_session(), role)[:MOST_NAMED]
    return _("À qui demander : %(names)s.") % {"names": ", ".join(names)} if names else ""


# --- what templates know ---------------------------------------------------------------------


def to(page: str, /, **values: Any) -> str:
    """The address of a public page in the current language."""
    return url_for(f"{_name(current_language())}.{page}", **values)


def in_language(code: str, *, external: bool = False) -> str:
    """This page in another language; the home page, for what has no other language."""
    endpoint = request.endpoint or ""
    if endpoint.split(".")[0] in ("public", "public_en") and request.method in ("GET", "HEAD"):
        address = url_for(f"{_name(code)}.{endpoint.split('.')[1]}", **(request.view_args or {}))
        address += query_string(request.args.items(multi=True))
    elif endpoint.split(".")[0] in ("public", "public_en"):
        address = url_for(f"{_name(code)}.{endpoint.split('.')[1]}", **(request.view_args or {}))
    else:
        address = url_for(f"{_name(code)}.home")
    return absolute(address) if external else address


def absolute(path: str) -> str:
    """With our host, as the settings say it: what is printed, copied or read by machines."""
    return (ctx.settings().base_url or request.url_root).rstrip("/") + path


def permalink(address: str) -> str:
    """The one address of a document, the same in every language."""
    return absolute(f"/d/{address}")


def _name(language: str) -> str:
    return "public_en" if language == "en" else "public"


def _context() -> dict[str, Any]:
    settings = ctx.settings()
    states = {"non": _("non conforme"), "partielle": _("partiellement conforme"), "totale": _("totalement conforme")}
    return {
        "to": to,
        "in_language": in_language,
        "permalink": permalink,
        "language": current_language(),
        "theme": THEMES.get(request.cookies.get("apparence", ""), ""),
        "shortcuts": request.cookies.get("touches") != "non",
        "this_address": request.full_path.rstrip("?") if request.method == "GET" else request.path,
        "asset_version": _asset_version(),
        "today": format_date(date.today()),
        "centre_name": settings.centre_name,
        "centre_address": settings.centre_address,
        "contact_email": settings.admin_email,
        **_opening(settings),
        "accessibility": settings.accessibility,
        "accessibility_state": states[settings.accessibility],
        "retention_months": settings.request_retention_months,
    }


def _opening(settings: Settings) -> dict[str, str]:
    """When one may come, as the centre says it in the page's language, else in its own."""
    english = settings.opening_rule_en if current_language() == "en" else ""
    ours = english or settings.opening_rule
    language = "fr" if ours and not english else ""
    return {"opening_rule": ours or _("Sur rendez-vous."), "opening_language": language}


@cache
def _asset_version() -> str:
    """Changes with the style sheets and the script, so that browsers may keep them."""
    content = b"".join((STATIC / name).read_bytes() for name in ("travee.css", "bureau.css", "travee.js"))
    return hashlib.sha256(content).hexdigest()[:8]


def _extract(text: str, terms: Sequence[str]) -> list[tuple[str, bool]]:
    return highlight(text, terms, EXTRACT_CHARS) if text else []


def _kind_label(code: str) -> str:
    kind = KINDS.get(code)
    return str(getattr(kind, current_language())) if kind else code


def _bare_address(address: str) -> str:
    return address.split("://", 1)[-1]


def _language_words(code: str) -> str:
    """« anglais » for "en"; the code itself where nobody has a name for it."""
    names = Locale.parse(current_language()).languages
    return str(names.get(code, code))


# --- assembling ------------------------------------------------------------------------------


@blueprint.before_request
def _speak() -> None:
    english = request.blueprint == "public_en"
    i18n.set_language("en" if english else "fr")
    topics.speak(ctx.get_thesaurus().names(ctx.get_session(), "en") if english else {})


@blueprint.after_request
def _varies(response: Response) -> Response:
    """The appearance is in a cookie: no cache may show one visitor's to another."""
    response.vary.add("Cookie")
    return response


def limit(
    app: Flask, view: Callable[..., Any], allowed: str, *, scope: str, methods: Sequence[str] | None = None
) -> None:
    """So many from one address, counted once for both languages and all views of a scope.

    There is no limiter where limits are switched off. The limited function must take the view's place, since the
    limiter leaves views that it has wrapped to their wrapper.
    """
    for limiter in app.extensions.get("limiter", ()):
        limited = limiter.shared_limit(allowed, scope=scope, methods=methods)(view)
        for name in ("public", "public_en"):
            app.view_functions[f"{name}.{view.__name__}"] = limited


def register(app: Flask) -> None:
    from catalogue.web import browse, files, formats, selection  # their routes join the blueprint

    assert browse.blueprint is files.blueprint is blueprint

    # An open form has no authority to abuse: a token would only cost every visitor a cookie.
    app.extensions["csrf"].exempt(f"{request_page.__module__}.{request_page.__name__}")
    app.register_blueprint(blueprint)
    app.register_blueprint(blueprint, name="public_en", url_prefix="/en")
    limit(app, request_page, REQUESTS_ALLOWED, scope="request_page", methods=["POST"])
    selection.register(app)
    formats.register(app)
    app.context_processor(_context)
    app.jinja_env.filters.update(extract=_extract, kind_label=_kind_label, bare_address=_bare_address)
    app.jinja_env.filters.update(month=month_and_year, language_words=_language_words, spaced=wording.spaced)
    app.jinja_env.globals.update(theme_words=topics.theme_words, theme_language=topics.theme_language)
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(UnreadableIndex, _search_is_down)
    app.register_error_handler(500, _show_failure)
