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

from catalogue import digital, reading
from catalogue.i18n import _
from catalogue.models import DigitalDocument, Notice
from catalogue.reading import Gone, Moved
from catalogue.web import ctx
from catalogue.web.public import ErrorPage, blueprint, to

log = logging.getLogger("travee")

CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
ENDINGS = {media_type: ending for ending, media_type in digital.MEDIA_TYPES.items()} | {digital.PDF: ".pdf"}
LONGEST_NAME = 80


@blueprint.get("/d/<string(length=8):address>/fichier/<int(max=2147483647):number>")
def document_file(address: str, number: int) -> ResponseReturnValue:
    session = ctx.get_session()
    document = session.get(DigitalDocument, number)
    notice = session.get(Notice, document.notice_id) if document else None
    if document is None or notice is None or not document.sha256 or notice.address != address:
        return _elsewhere(address, number, notice)
    if notice.status not in ("published", "withdrawn") and not current_user.is_authenticated:
        abort(404)
    if document.rights != "open" and not current_user.is_authenticated:
        return _not_given(document)
    return _give(notice, document)


def _elsewhere(address: str, number: int, notice: Notice | None) -> ResponseReturnValue:
    """It has moved with its notice, or has gone with it."""
    page = reading.notice_page(ctx.get_session(), address)
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
    path = digital.file_path(ctx.settings().files_dir, document.sha256).resolve()
    if not path.is_file():
        log.error("the file %s of %s is not there", document.sha256, notice.address)
        abort(404)
    is_pdf = document.media_type == digital.PDF
    response = send_file(
        path,
        mimetype=document.media_type or digital.OTHER,
        as_attachment=not is_pdf,
        download_name=_name(document.label or notice.title, document.media_type),
        conditional=True,
        etag=document.sha256,
        max_age=0,
    )
    response.headers["Cache-Control"] = "no-cache" if document.rights == "open" else "private, no-store"
    response.headers["Content-Security-Policy"] = CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-site"
    if response.status_code in (200, 206) and request.method == "GET" and _from_the_start():
        ctx.count_usage(notice.id, "download")
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
