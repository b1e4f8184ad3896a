"""« Imports »: what each import has said of itself, on a page, as JSON and as a spreadsheet; what waits of it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import import_data, import_words, imports, sources
from catalogue.i18n import _
from catalogue.imports import ImportPage, RefusedLine
from catalogue.models import Refused, Run, Source
from catalogue.web import ctx, desk
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.desk_notices import page_asked
from export import tables
from harvest import importer

blueprint = Blueprint("desk_reports", __name__, url_prefix="/bureau/imports")
blueprint.after_request(desk.keep_private)

# What a refused record is called when it is saved, by the format it came in.
ENDINGS = {"unimarc": "mrc", "marc21": "mrc", "pmbxml": "xml", "marcxml": "xml", "oai": "xml", "mods": "xml"}
NUMBER = "<int(max=2147483647):number>"


@blueprint.get("", endpoint="list")
@needs("reader")
def list_imports() -> ResponseReturnValue:
    number = page_asked(request.args)
    found, older = imports.list_runs(ctx.get_session(), number)
    return render_template("desk/imports.html", runs=found, page=number, older=older)


@blueprint.get(f"/{NUMBER}")
@needs("reader")
def show(number: int) -> ResponseReturnValue:
    may_decide = current_user.may("documentalist")
    return render_template("desk/import.html", page=_page(number), may_decide=may_decide, done=done_lot())


@blueprint.get(f"/{NUMBER}.json")
@needs("reader")
def as_json(number: int) -> ResponseReturnValue:
    pieces = import_data.to_json(_page(number), _refused(number))
    return Response(stream_with_context(pieces), mimetype="application/json")


@blueprint.get(f"/{NUMBER}.csv")
@needs("reader")
def as_csv(number: int) -> ResponseReturnValue:
    pieces = tables.to_csv(import_data.columns(), import_data.rows(_page(number), _refused(number)))
    return Response(stream_with_context(pieces), mimetype="text/csv", headers=_named(f"import-{number}.csv"))


@blueprint.post(f"/{NUMBER}/reessayer")
@needs("documentalist")
def retry(number: int) -> ResponseReturnValue:
    """Try what waits of this import again: as a program that has been corrected, or another profile, reads it."""
    session = ctx.get_session()
    _found(session, number)
    tried = [row.id for row, _name in sources.list_refused(session, run_id=number)]
    ctx.end_session()
    report = importer.retry(ctx.travee().db, by=current_user.login, run_id=number)
    ctx.travee().drain_briefly()
    if report.trouble is not None:
        flash(report.trouble.sentence(), "danger")
    else:
        left = imports.still_refused(ctx.get_session(), tried)
        flash(" ".join(import_words.retried(report.counts, len(tried), left)), "warn" if left else "ok")
    return redirect(url_for("desk_reports.show", number=number, lot=report.batch_id), 303)


@blueprint.get("/refus/<int(max=2147483647):number>")
@needs("documentalist")
def received(number: int) -> ResponseReturnValue:
    """A refused record, byte for byte as it came: never shown, always saved as a file."""
    row = ctx.get_session().get(Refused, number) or abort(404)
    ending = ENDINGS.get(row.format, "txt")
    return Response(row.raw, mimetype="application/octet-stream", headers=_named(f"notice-refusee-{number}.{ending}"))


@blueprint.post("/refus/<int(max=2147483647):number>")
@needs("documentalist")
def decide(number: int) -> ResponseReturnValue:
    """Put a refused record aside, or let it wait again."""
    back = request.form.get("action") == "take_back"
    with ctx.get_writer() as session:
        row = session.get(Refused, number) or abort(404)
        if back and row.settled_at is not None:
            sources.take_back(session, row)
        elif not back and row.settled_at is None:
            sources.put_aside(session, row, by=current_user.login)
        run = session.get(Run, row.run_id) if row.run_id else None
        of_import = run is not None and run.kind == "import"
        run_id = row.run_id
    flash(_("La notice attend de nouveau.") if back else _("La notice est mise de côté ; elle reste gardée."), "ok")
    if not of_import or request.form.get("from") == "refused":
        return redirect(url_for("desk.refused"), 303)
    return redirect(url_for("desk_reports.show", number=run_id), 303)


def _found(session: Session, number: int) -> tuple[Run, Source]:
    return imports.find(session, number) or abort(404)


def _page(number: int) -> ImportPage:
    session = ctx.get_session()
    return imports.page(session, *_found(session, number), sees_all=current_user.may("documentalist"))


def _refused(number: int) -> Iterator[RefusedLine]:
    session = ctx.get_session()
    return imports.refused(session, _found(session, number)[0], sees_all=current_user.may("documentalist"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
