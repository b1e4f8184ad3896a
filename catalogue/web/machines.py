"""What machines read of the public site: robots.txt, the site's map, OpenSearch, Atom feeds, PMB's old addresses.

None of these says anything that a visitor could not see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from flask import Blueprint, Flask, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import latest, old_addresses
from catalogue.i18n import _, current_language, of
from catalogue.models import Concept, Notice
from catalogue.web import ctx, public, searching, wording
from catalogue.web.asked import Asked, query_string, understand
from export import feeds, records
from export.citing.items import cited
from export.embedded import people

blueprint = Blueprint("machines", __name__)

IN_A_FEED = 50
OF_THE_STAFF = ("/bureau", "/admin", "/connexion")
HIDDEN_FROM_ROBOTS = ("/preferences", "/demande", "/selection", "/recherche/filtre")  # in both languages
PAGES = (
    *("home", "results", "new_arrivals", "themes", "authors", "journals", "shelves"),
    *("help_page", "site_map", "accessibility", "legal", "privacy"),
)
AN_HOUR = 3600


# --- for search engines ----------------------------------------------------------------------


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Everything is open but forms, work in hand, and endless combinations of filters."""
    hidden = (*OF_THE_STAFF, *HIDDEN_FROM_ROBOTS, *(f"/en{path}" for path in HIDDEN_FROM_ROBOTS))
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in hidden)]
    lines += ["", f"Sitemap: {public.absolute('/sitemap.xml')}", ""]
    return Response("\n".join(lines), mimetype="text/plain")


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """A map of maps: the pages of the site, then documents by ten thousand."""
    last = ctx.get_session().scalar(select(func.max(Notice.id))) or 0
    parts = range(-(-last // feeds.MOST_IN_A_MAP))
    maps = ["/sitemap-pages.xml", *(f"/sitemap-{n + 1}.xml" for n in parts)]
    return _xml(feeds.sitemap_index(public.absolute(path) for path in maps), "application/xml")


@blueprint.get("/sitemap-pages.xml")
def sitemap_of_pages() -> Response:
    paths = [url_for(f"public.{page}") for page in PAGES]
    paths += [f"/themes/{n}" for n in _themes(ctx.get_session())]
    return _xml(feeds.sitemap(_places((path, None) for path in paths)), "application/xml")


@blueprint.get("/sitemap-<int(min=1,max=100000):part>.xml")
def sitemap_of_documents(part: int) -> Response:
    first = (part - 1) * feeds.MOST_IN_A_MAP
    statement = (
        select(Notice.address, Notice.updated_at)
        .where(Notice.status == "published", Notice.id > first, Notice.id <= first + feeds.MOST_IN_A_MAP)
        .order_by(Notice.id)
    )
    rows = ctx.get_session().execute(statement).all()
    return _xml(feeds.sitemap(_places((f"/d/{address}", at) for address, at in rows)), "application/xml")


def _places(paths: Iterator[tuple[str, datetime | None]]) -> Iterator[feeds.Place]:
    for path, changed in paths:
        english = "/en" + path if path != "/" else "/en/"
        both = {"fr": public.absolute(path), "en": public.absolute(english)}
        yield feeds.Place(both["fr"], changed, both)


def _themes(session: Session) -> list[int]:
    return list(session.scalars(select(Concept.id).where(Concept.status == "accepted").order_by(Concept.id)))


# --- for browsers and readers of feeds -------------------------------------------------------


@blueprint.get("/opensearch.xml")
@blueprint.get("/en/opensearch.xml")
def opensearch() -> Response:
    settings = ctx.settings()
    results = public.absolute(public.to("results"))
    described = feeds.opensearch(
        name=settings.centre_name,
        words=_("Chercher dans le catalogue %(of_centre)s") % {"of_centre": of(settings.centre_name)},
        results=results + "?q={searchTerms}",
        feed=results + ".atom?q={searchTerms}",
        suggestions=public.absolute("/suggestions") + "?q={searchTerms}",
        language=current_language(),
        icon=public.absolute("/static/favicon.svg"),
        contact=settings.admin_email,
    )
    return _xml(described, "application/opensearchdescription+xml")


@blueprint.get("/recherche.atom")
@blueprint.get("/en/recherche.atom")
def feed() -> ResponseReturnValue:
    """« Suivre cette recherche »: its documents, the last to arrive first."""
    asked = understand(list(request.args.items(multi=True)), ctx.settings().default_scope)
    return _feed(asked, wording.title(asked), "/recherche.atom")


@blueprint.get("/nouveautes.atom")
@blueprint.get("/en/nouveautes.atom")
def new_arrivals() -> ResponseReturnValue:
    asked = understand([], ctx.settings().default_scope)
    return _feed(asked, _("Nouveautés"), "/nouveautes.atom")


def _feed(asked: Asked, title: str, path: str) -> ResponseReturnValue:
    session, centre = ctx.get_session(), ctx.settings().centre_name
    try:
        total, ids = searching.last_arrived(ctx.get_searcher(), asked, IN_A_FEED)
    except OSError:
        abort(503)
    again = query_string(asked.but(sort="").params())
    prefix = "/en" if current_language() == "en" else ""
    page = feeds.Feed(
        title=f"{title} – {centre}",
        address=public.absolute(prefix + path.removesuffix(".atom") + again),
        own_address=public.absolute(prefix + path + again),
        author=centre,
        language=current_language(),
        entries=_entries(session, ids),
        total=total,
    )
    response = _xml(feeds.atom(page), "application/atom+xml")
    response.add_etag()
    return response.make_conditional(request)


def _entries(session: Session, notice_ids: Sequence[int]) -> list[feeds.Entry]:
    """What may go out of these documents: a source that forbids to send its words again is obeyed here too."""
    instants = latest.instants(session, notice_ids)
    leaving = (cited(notice, public.absolute("")) for notice in records.load(session, notice_ids, public=True))
    return [
        feeds.Entry(
            title=one.item["title"],
            address=one.permalink,
            added=instants[one.address][0],
            changed=instants[one.address][1],
            authors=people(one.item),
            summary=" ".join(one.summary),
            themes=one.themes,
            language=one.item["language"],
        )
        for one in leaving
        if one.address in instants
    ]


# --- what was there before -------------------------------------------------------------------


@blueprint.get("/index.php")
@blueprint.get("/<path:_before>/index.php")
def pmb_page(_before: str = "") -> ResponseReturnValue:
    """A page of the PMB that this replaces, wherever its public site stood."""
    asked = request.args.to_dict()
    where = old_addresses.page_of(ctx.get_session(), ctx.settings().pmb_source, asked)
    if where is None:
        abort(404)
    words = asked.get("user_query", "") or asked.get("search", "")
    kept = query_string([("q", words)]) if words and where == "/recherche" else ""
    return redirect(where + kept, 301)


@blueprint.get("/doc_num.php")
@blueprint.get("/<path:_before>/doc_num.php")
def pmb_document(_before: str = "") -> ResponseReturnValue:
    where = old_addresses.document_of(ctx.get_session(), request.args.to_dict())
    return redirect(where, 301) if where else abort(404)


@blueprint.get("/s.php")
@blueprint.get("/<path:_before>/s.php")
def pmb_short_link(_before: str = "") -> ResponseReturnValue:
    """A short link names a search that only PMB's own table could tell: the search page is what is left of it."""
    return redirect("/recherche", 301)


@blueprint.get("/unapi.php")
@blueprint.get("/<path:_before>/unapi.php")
def pmb_unapi(_before: str = "") -> ResponseReturnValue:
    return redirect("/unapi" + query_string(request.args.items(multi=True)), 301)


def _xml(body: bytes, media_type: str) -> Response:
    response = Response(body, content_type=f"{media_type}; charset=utf-8")
    response.headers["Cache-Control"] = f"public, max-age={AN_HOUR}"
    return response


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
