"""A digital document that is ours: `/d/<address>/fichier/<number>`, for whoever may read it.

A file comes from outside, so it is given as a dead thing: its type said and not guessed, alone in its frame, nothing
it may load or run; what is not a PDF is saved rather than shown. Rights are asked at every request: nobody keeps a
copy that must not ask again.
"""

from __future__ import annotations

import logging
import re

from flask import Response, abort, redirect, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import file_store, reading
from catalogue.digital import REMOVED
from catalogue.file_types import ENDINGS, OTHER, PDF
from catalogue.i18n import _
from catalogue.models import DigitalDocument, Notice
from catalogue.reading import Gone, Moved, OnlineWay
from catalogue.web import ctx
from catalogue.web.public import ErrorPage, blueprint, to

log = logging.getLogger("travee")

CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
LONGEST_NAME = 80


@blueprint.get("/d/<string(length=8):address>/fichier/<int(max=2147483647):number>")
def document_file(address: str, number: int) -> ResponseReturnValue:
    notice, document = _found(address, number)
    if notice is None or document is None:
        return _elsewhere(address, number)
    if not _may_open(document):
        return _not_given(document)
    return _give(notice, document)


@blueprint.get("/d/<string(length=8):address>/fichier/<int(max=2147483647):number>/vignette")
def document_picture(address: str, number: int) -> ResponseReturnValue:
    """A small picture of its first page, for whoever may open the file; for others there is none."""
    notice, document = _found(address, number)
    if notice is None or document is None or not _may_open(document):
        abort(404)
    path = file_store.picture_path(ctx.settings().files_dir, document.sha256).resolve()
    if not path.is_file():
        abort(404)
    response = send_file(path, mimetype="image/webp", conditional=True, etag=document.sha256, max_age=0)
    return _guarded(response, document)


@blueprint.app_template_global()
def picture_of(way: OnlineWay) -> str:
    """Where the small picture of a file of ours is, "" when there is none."""
    known = way.sha256 and file_store.picture_path(ctx.settings().files_dir, way.sha256).is_file()
    return f"{way.url}/vignette" if known else ""


def _found(address: str, number: int) -> tuple[Notice | None, DigitalDocument | None]:
    """The file and its notice, when they are there for this person to know of."""
    session = ctx.get_session()
    document = session.get(DigitalDocument, number)
    notice = session.get(Notice, document.notice_id) if document else None
    if document is None or notice is None or not document.sha256 or notice.address != address:
        return None, None
    if document.rights == REMOVED:
        return None, None
    if notice.status not in ("published", "withdrawn") and not current_user.may("contributor"):
        abort(404)
    return notice, document


def _may_open(document: DigitalDocument) -> bool:
    """Files of the team are for those who catalogue: « Lecture des chiffres » reads figures."""
    return document.rights == "open" or bool(current_user.may("contributor"))


def _elsewhere(address: str, number: int) -> ResponseReturnValue:
    """It has moved with its notice, or has gone with it."""
    session = ctx.get_session()
    page = reading.notice_page(session, address)
    document = session.get(DigitalDocument, number)
    notice = session.get(Notice, document.notice_id) if document else None
    if isinstance(page, Moved) and notice is not None and notice.address == page.address:
        return redirect(to("document_file", address=page.address, number=number), 301)
    return abort(410 if isinstance(page, Gone) else 404)


def _not_given(document: DigitalDocument) -> ResponseReturnValue:
    if document.rights == "protected":
        page = ErrorPage(
            _("Ce document ne se consulte pas en ligne"),
            [_("Les droits de ses auteurs ne nous permettent pas de le donner ici."), _("Il se lit sur place.")],
        )
    else:
        page = ErrorPage(_("Ce document est réservé à l’équipe"), [_("Demandez-nous s’il peut vous être montré.")])
    return render_template("errors/error.html", error=page), 403


def _give(notice: Notice, document: DigitalDocument) -> Response:
    path = file_store.file_path(ctx.settings().files_dir, document.sha256).resolve()
    if not path.is_file():
        log.error("the file %s of %s is not there", document.sha256, notice.address)
        abort(404)
    is_pdf = document.media_type == PDF
    response = send_file(
        path,
        mimetype=document.media_type or OTHER,
        as_attachment=not is_pdf,
        download_name=_name(document.label or notice.title, document.media_type),
        conditional=True,
        etag=document.sha256,
        max_age=0,
    )
    _guarded(response, document)
    if response.status_code in (200, 206) and request.method == "GET" and _from_the_start():
        ctx.count_usage(notice.id, "download")
    return response


def _guarded(response: Response, document: DigitalDocument) -> Response:
    """Given as a dead thing, and asked for again each time."""
    response.headers["Cache-Control"] = "no-cache" if document.rights == "open" else "private, no-store"
    response.headers["Content-Security-Policy"] = CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-site"
    return response


def _from_the_start() -> bool:
    """A reader of PDF asks for a file piece by piece: one reading is counted once."""
    asked = request.range
    return asked is None or any(start == 0 for start, _end in asked.ranges)


def _name(words: str, media_type: str) -> str:
    """What the file is called once saved.

    >>> _name("La ville : l’œuvre / bilan", "application/pdf")
    'La ville l’œuvre bilan.pdf'
    """
    plain = re.sub(r"[^\w’'-]+", " ", words)[:LONGEST_NAME].strip()
    return (plain or "document") + ENDINGS.get(media_type, "")
