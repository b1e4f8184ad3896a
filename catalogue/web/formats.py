"""A document, a search or a list in the formats one takes away: the same addresses with an ending, `.ris`, `.docx`…

What may not leave stays (`export.records`, public); what has moved or gone answers as its page does. A search is
taken away up to as many documents as a list may hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, Response, abort, g, redirect, request
from flask.typing import ResponseReturnValue
from jinja2.utils import htmlsafe_json_dumps

from catalogue import db, reading, selections
from catalogue.i18n import current_language
from catalogue.identifiers import is_code
from catalogue.reading import Gone, Moved
from catalogue.web import ctx, public, selection, whose, wording
from catalogue.web.asked import understand
from catalogue.web.public import blueprint, to
from export import as_html, bibliography, embedded, feeds, records, usual
from export.bibliography import Bibliography, Wishes
from export.citing.items import cited
from export.citing.processor import STYLES, USUAL, Processor
from export.citing.runs import Run
from export.formats import BY_ENDING, FILES, FORMATS, PRINTED, From, file_name
from export.records import Outgoing

# Codes are eight signs long, said in the addresses: « .csl.json » has two points.
ENDINGS = ",".join(f'"{ending}"' for ending in BY_ENDING)
# What unAPI calls our formats; Zotero takes the first that it knows.
UNAPI = {"ris": "ris", "bibtex": "bibtex", "csljson": "csljson", "marcxml": "marcxml"}
# What an address may say of a bibliography.
WISHES = {"style", "groupe", "ordre", "resumes", "emplacements"}
ALLOWED = "60 per minute"  # from one address: files cost more than pages
# The page of a bibliography stands alone: its style is in it, and nothing else is allowed.
CSP = f"default-src 'none'; style-src '{as_html.STYLE_DIGEST}'; base-uri 'none'; form-action 'none'"


@blueprint.get(f"/d/<string(length=8):address>.<any({ENDINGS}):ending>")
def notice_as(address: str, ending: str) -> ResponseReturnValue:
    session = ctx.get_session()
    page = reading.notice_page(session, address)
    if page is None:
        abort(404)
    if isinstance(page, Moved):
        return redirect(to("notice_as", address=page.address, ending=ending), 301)
    if isinstance(page, Gone):
        abort(410)
    if request.method == "GET" and not page.withdrawn:
        ctx.count_usage(page.notice_id, "citation")
    return _answer([page.notice_id], ending, wishes=_wishes(page.title + page.rest))


@blueprint.get(f"/recherche.<any({ENDINGS}):ending>")
def results_as(ending: str) -> ResponseReturnValue:
    """The first documents of a search, in its order."""
    asked = understand(list(request.args.items(multi=True)), ctx.settings().default_scope)
    try:
        found = ctx.get_searcher().answer(asked, limit=selections.LARGEST)
    except OSError:
        abort(503)
    ids = reading.published(ctx.get_session(), [hit.notice_id for hit in found.hits])
    return _answer(ids, ending, wishes=_wishes(wording.title(asked)))


@blueprint.get(f"/selection.<any({ENDINGS}):ending>")
def selection_as(ending: str) -> ResponseReturnValue:
    found, kept = whose.kept_documents()
    if not kept:
        return redirect(to("selection"))
    response = _answer([one.notice_id for one in kept], ending, wishes=selection.wishes_of(found))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get(f"/s/<string(length=8):code>.<any({ENDINGS}):ending>")
def shared_selection_as(code: str, ending: str) -> ResponseReturnValue:
    session = ctx.get_session()
    found = selections.shared(session, code) if is_code(code) else None
    if found is None:
        abort(404)
    ids = [one.notice_id for one in selections.documents(session, found)]
    return _answer(ids, ending, wishes=selection.wishes_of(found))


# --- what a page says of its document --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """For people, the reference in the usual style; the same for Zotero, search engines and link resolvers."""

    reference: tuple[Run, ...]
    tags: Sequence[tuple[str, str]]
    coins: str
    json_ld: str


def told(notice_id: int, *, here: bool) -> Told | None:
    """Once a page; None where its source forbids to give it. `here`: whether the centre has a copy."""
    if "told" not in g:
        found = next(records.load(ctx.get_session(), [notice_id], public=True), None)
        g.told = _told(found, here) if found else None
    said: Told | None = g.told
    return said


def _told(found: Outgoing, here: bool) -> Told:
    one, today = cited(found, public.absolute("")), db.now().date()
    laid_out = Processor(USUAL, current_language()).lay_out(one, accessed=(today.year, today.month, today.day))
    centre = ctx.settings().centre_name if here else ""
    data = embedded.json_ld(one, held_by=centre, base_url=public.absolute("/"))
    return Told(laid_out.runs, embedded.citation_tags(one), embedded.coins(one), htmlsafe_json_dumps(data))


# --- unAPI -----------------------------------------------------------------------------------


@blueprint.get("/unapi")
def unapi() -> ResponseReturnValue:
    """unAPI version 1 (unapi.info): the formats there are, those of a document, a document in one of them."""
    address, name = request.args.get("id", "").rsplit("/", 1)[-1], request.args.get("format", "")
    if not address:
        return _unapi_formats("", 200)
    page = reading.notice_page(ctx.get_session(), address)
    if page is None or isinstance(page, Gone):
        abort(404)
    if not name:
        return _unapi_formats(address, 300)
    if name not in UNAPI:
        abort(406)
    return redirect(to("notice_as", address=address, ending=FORMATS[UNAPI[name]].ending[1:]), 302)


def _unapi_formats(address: str, status: int) -> Response:
    listed = [(name, FORMATS[kept].media_type.split(";")[0]) for name, kept in UNAPI.items()]
    response = Response(feeds.unapi(address, listed), status, content_type="application/xml; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


# --- answering -------------------------------------------------------------------------------


def _wishes(title: str) -> Wishes:
    """What an address may say of a bibliography: `style`, `groupe`, `ordre`, `resumes`, `emplacements`; one that says
    nothing gets what the centre usually does."""
    said, settings = request.args, ctx.settings()
    kept = usual.bibliography(ctx.get_session()) if not said.keys() & WISHES else usual.Bibliography()
    style, group, order = (said.get(name, "") for name in ("style", "groupe", "ordre"))
    return Wishes(
        title=title,
        style=style if style in STYLES else kept.style,
        group=group if group in bibliography.GROUPS else kept.group,
        order=order if order in bibliography.ORDERS else "given",
        summaries=said.get("resumes") == "1" or kept.summaries,
        locations=said.get("emplacements") == "1",
        accessed=db.now().date(),
        centre=settings.centre_name,
        base_url=public.absolute(""),
        language=current_language(),
    )


def _answer(notice_ids: Sequence[int], ending: str, *, wishes: Wishes) -> Response:
    name = BY_ENDING[ending]
    if name in FILES:
        notices = records.load(ctx.get_session(), notice_ids, public=True)
        body = b"".join(FILES[name](notices, From(wishes.base_url, wishes.centre)))
        return _file(body, name, wishes.title)
    made: Bibliography = selection.compose(notice_ids, wishes)
    return _file(b"".join(PRINTED[name](made)), name, made.title)


def _file(body: bytes, name: str, title: str) -> Response:
    made = FORMATS[name]
    response = Response(body, content_type=made.media_type)
    where = "inline" if made.shown else "attachment"
    response.headers["Content-Disposition"] = f'{where}; filename="{file_name(title, name)}"'
    response.headers["X-Robots-Tag"] = "noindex"
    if name == "html":
        response.headers["Content-Security-Policy"] = CSP
    return response


VIEWS = (notice_as, results_as, selection_as, shared_selection_as)


def register(app: Flask) -> None:
    """Their routes joined the public blueprint when this module was read; here they are counted."""
    for view in VIEWS:
        public.limit(app, view, ALLOWED, scope="formats")
    app.jinja_env.globals["told"] = told
