"""The digital documents of a notice, on a page of their own: its files and its links; and the state of all files.

A file is taken in before anything is locked, looked at by what it holds (`catalogue.documents.given`), and a file that
is too large is refused before anybody reads it (`catalogue.app`, then `too_large` here). Each act is a lot, whose
undoing the page offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException

from catalogue import dead_links, desk_history, digital, documents, links, notices, recognition
from catalogue.documents import Given
from catalogue.i18n import _, format_number, set_language
from catalogue.models import Batch, DigitalDocument, Notice
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.public import ErrorPage
from catalogue.web.typed import read_number

Errors = list[tuple[str, str]]


@contextmanager
def received(upload: FileStorage | None) -> Iterator[Given | str]:
    """The file that came with a form, taken in and looked at before anything is locked; else what is wrong with it,
    "" when none came. What nobody keeps within the block goes."""
    if upload is None or not upload.filename:
        yield ""
        return
    ctx.end_session()
    folder, limit = ctx.settings().files_dir, ctx.settings().upload_limit_mb
    came: Given | str
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(upload.stream)
            came = stack.enter_context(documents.given(folder, stream, upload.filename, limit_mb=limit))
        except documents.NotKept as refusal:
            came = str(refusal)
        yield came


def keep_with(session: Session, notice: Notice, came: Given, rights: str, by: str, batch: Batch | None = None) -> str:
    """Keep it as one of the notice's, in the lot of the form. Returns what there is to say, "" mostly."""
    rights = rights if rights in digital.RIGHTS else "protected"
    return documents.add(session, notice, came, ctx.settings().files_dir, rights=rights, by=by, batch=batch).said


@blueprint.context_processor
def _for_the_side_of_a_notice() -> dict[str, Any]:
    """What `desk/_documents.html` asks for, on whatever page of the desk shows it."""
    return {"notice_documents": lambda notice: documents.lines(ctx.get_session(), notice.id, ctx.settings().files_dir)}


# --- one notice ------------------------------------------------------------------------------


@blueprint.get("/notices/<address>/documents")
@needs("reader")
def notice_files(address: str) -> ResponseReturnValue:
    return _show(_found(ctx.get_session(), address), [])


@blueprint.post("/notices/<address>/documents/fichier")
@needs("documentalist")
def add_document(address: str) -> ResponseReturnValue:
    notice = _found(ctx.get_session(), address)
    upload = request.files.get("fichier")
    if upload is None or not upload.filename:
        return _show(notice, [("fichier", _("Choisissez un fichier sur votre ordinateur."))]), 422
    rights = request.form.get("droits", "")
    if rights not in digital.RIGHTS:
        return _show(notice, [("droits-open", _("Dites qui peut ouvrir ce fichier."))]), 422
    folder, limit = ctx.settings().files_dir, ctx.settings().upload_limit_mb
    try:
        with (
            upload.stream as stream,
            documents.given(folder, stream, upload.filename, limit_mb=limit) as came,
            ctx.get_writer() as session,
        ):
            added = documents.add(
                session,
                _found(session, address),
                came,
                folder,
                rights=rights,
                label=request.form.get("libelle", ""),
                by=current_user.login,
            )
            name, batch = added.document.label, added.batch.id if added.batch else None
    except documents.NotKept as refusal:
        return _show(notice, [("fichier", str(refusal))]), 422
    words = _("« %(name)s » est joint à la notice ; son texte sera lu dans un instant.") % {"name": name}
    flash(added.said or words, "warn" if added.said else "ok")
    return redirect(url_for("desk.notice_files", address=address, lot=batch), 303)


@blueprint.post("/notices/<address>/documents/lien")
@needs("documentalist")
def add_link(address: str) -> ResponseReturnValue:
    label = documents.clean_label(request.form.get("libelle_lien", ""))
    with ctx.get_writer() as session:
        notice = _found(session, address)
        trouble = links.add(session, notice, request.form.get("adresse", ""), label, by=current_user.login)
        batch = None if trouble else desk_history.last_lot(session, notice, current_user.login)
    if trouble:
        return _show(_found(ctx.get_session(), address), [("adresse", trouble)]), 422
    flash(_("Le lien est ajouté."), "ok")
    return redirect(url_for("desk.notice_files", address=address, lot=batch), 303)


def _found(session: Session, address: str) -> Notice:
    notice = notices.find(session, address)
    if notice is None or notice.status not in links.LIVING:
        abort(404)
    return notice


def _show(notice: Notice, errors: Errors, typed: Mapping[str, str] | None = None) -> str:
    session = ctx.get_session()
    return render_template(
        "desk/documents.html",
        notice=notice,
        title=desk_history.title_or_none(notice.title),
        lines=documents.lines(session, notice.id, ctx.settings().files_dir),
        errors=errors,
        error=dict(errors),
        rights=[(code, documents.rights_words(code)) for code in digital.RIGHTS],
        limit=ctx.settings().upload_limit_mb,
        typed=request.form if typed is None else typed,
        done=done_lot(),
    )


# --- one document ----------------------------------------------------------------------------


@blueprint.route("/documents/<int(max=2147483647):number>", methods=["GET", "POST"])
@needs("documentalist")
def document(number: int) -> ResponseReturnValue:
    """Its name and who may open it; of a link, its address."""
    if request.method == "GET":
        return _show_one(*_document(ctx.get_session(), number), [])
    if trouble := _wrong(number):
        return _show_one(*_document(ctx.get_session(), number), [trouble]), 422
    with ctx.get_writer() as session:
        row, notice = _document(session, number)
        seen = read_number(request.form.get("version", ""))
        is_stale = seen is not None and seen != row.version
        batch = None if is_stale else _changed(session, row, notice)
        address, lot = notice.address, batch.id if batch else None
    if is_stale:
        flash(_("Ce document a été changé entre-temps : vérifiez et enregistrez de nouveau."), "warn")
        return redirect(url_for("desk.document", number=number), 303)
    flash(_("C’est enregistré.") if lot else _("Rien n’avait changé."), "ok")
    return redirect(url_for("desk.notice_files", address=address, lot=lot), 303)


def _wrong(number: int) -> tuple[str, str] | None:
    row, _notice = _document(ctx.get_session(), number)
    if row.sha256:
        known = request.form.get("droits", "") in digital.RIGHTS
        return None if known else ("droits-open", _("Dites qui peut ouvrir ce fichier."))
    wrong = links.wrong(request.form.get("adresse", ""))
    return ("adresse", wrong) if wrong else None


def _changed(session: Session, row: DigitalDocument, notice: Notice) -> Batch | None:
    label = documents.clean_label(request.form.get("libelle", ""))
    if row.sha256:
        return documents.change(session, row, rights=request.form["droits"], label=label, by=current_user.login)
    new = links.clean(request.form.get("adresse", ""))
    return links.correct(session, [notice], row.url, new, by=current_user.login, label=label)


@blueprint.post("/documents/<int(max=2147483647):number>/retirer")
@needs("documentalist")
def remove_document(number: int) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        row, notice = _document(session, number)
        if row.sha256:
            batch: Batch | None = documents.remove(session, row, by=current_user.login)
        else:
            batch = links.take_off(session, [notice], row.url, by=current_user.login)
        address, lot, name = notice.address, batch.id if batch else None, row.label or row.url
    flash(_("« %(name)s » est retiré de la notice. Pendant 30 jours, cela s’annule.") % {"name": name}, "ok")
    return redirect(url_for("desk.notice_files", address=address, lot=lot), 303)


def _document(session: Session, number: int) -> tuple[DigitalDocument, Notice]:
    row = session.get(DigitalDocument, number)
    if row is None or row.rights == digital.REMOVED:
        abort(404)
    return row, _found(session, notices.get(session, row.notice_id).address)


def _show_one(row: DigitalDocument, notice: Notice, errors: Errors) -> str:
    typed: Callable[[str, str], str] = lambda name, kept: request.form.get(name, kept)  # noqa: E731
    return render_template(
        "desk/document.html",
        notice=notice,
        title=desk_history.title_or_none(notice.title),
        line=documents.line_of(row, ctx.settings().files_dir),
        label=typed("libelle", row.label),
        url=typed("adresse", row.url),
        chosen=typed("droits", row.rights),
        rights=[(code, documents.rights_words(code)) for code in digital.RIGHTS],
        errors=errors,
        error=dict(errors),
    )


# --- too large -------------------------------------------------------------------------------


def too_large(_error: HTTPException) -> ResponseReturnValue:
    """A file that nobody reads to its end: said on the page where it was given, with a way out."""
    set_language(current_user.language)
    limit = ctx.settings().upload_limit_mb
    words = _("Ce fichier dépasse %(n)s Mo : donnez un fichier plus léger, ou l’adresse où il se trouve.")
    words %= {"n": format_number(limit)}
    address = (request.view_args or {}).get("address", "")
    notice = notices.find(ctx.get_session(), address) if request.endpoint == "desk.add_document" else None
    if notice is not None:
        return _show(notice, [("fichier", words)], {}), 413  # nobody reads what came
    back = _("Revenez à la page précédente : ce que vous aviez écrit y est encore.")
    page = ErrorPage(_("Ce fichier est trop lourd"), [words, back])
    return render_template("errors/error.html", error=page), 413


# --- all files -------------------------------------------------------------------------------


@blueprint.get("/documents")
@needs("reader")
def all_documents() -> ResponseReturnValue:
    session = ctx.get_session()
    known = documents.checked(session)
    faults = [(a, n, _(documents.FAULT_WORDS[what])) for a, n, what in known.faults] if known else []
    return render_template(
        "desk/all_documents.html",
        page=documents.overview(session),
        checked=known,
        faults=faults,
        asked=documents.check_is_asked(session),
        can_recognise=bool(recognition.program()),
        dead=dead_links.count(session),
        per_night=dead_links.per_night(session),
        most=dead_links.MOST_PER_NIGHT,
    )


@blueprint.post("/documents/verifier")
@needs("documentalist")
def check_documents() -> ResponseReturnValue:
    with ctx.get_writer() as session:
        documents.ask_check(session)
    ctx.travee().quiet_soon()
    flash(_("La vérification commence ; revenez sur cette page dans quelques minutes."), "ok")
    return redirect(url_for("desk.all_documents"), 303)


@blueprint.post("/documents/liens-par-nuit")
@needs("documentalist")
def set_links_per_night() -> ResponseReturnValue:
    given = read_number(request.form.get("par_nuit", ""), most=dead_links.MOST_PER_NIGHT)
    if given is None:
        words = _("Écrivez un nombre entre 0 et %(n)s.") % {"n": format_number(dead_links.MOST_PER_NIGHT)}
        flash(words, "danger")
        return redirect(url_for("desk.all_documents"), 303)
    with ctx.get_writer() as session:
        dead_links.set_per_night(session, given)
    flash(_("C’est enregistré."), "ok")
    return redirect(url_for("desk.all_documents"), 303)
