"""Copies in hand: lent and given back, the label of a spine, a notice on paper.

The form of a copy is in `desk_notices`.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy.orm import Session

from catalogue import cataloguing, dates, db, desk_reading, forecast, form, loans, notices
from catalogue.desk_history import title_or_none
from catalogue.i18n import _, format_date
from catalogue.identifiers import is_code
from catalogue.inbox_pages.preview import preview
from catalogue.models import Item, Notice
from catalogue.web import ctx, public
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages
from catalogue.web.typed import read_number, read_version
from export import labels, usual

USUAL = timedelta(days=21)  # proposed; the person says until when
LONGEST = timedelta(days=731)
PDF = "application/pdf"


# --- lent, given back ------------------------------------------------------------------------


@blueprint.get("/exemplaires/sortis")
@needs("reader")
def copies_out() -> ResponseReturnValue:
    page = loans.out(ctx.get_session(), _today(), page_asked(request.args))

    def address(number: int) -> str:
        return url_for("desk.copies_out", page=number)

    pages = Pages.of(page.page, page.pages, address)
    return render_template("desk/copies_out.html", page=page, pages=pages, lot=done_lot())


@blueprint.get("/exemplaires/<string(length=8):code>/pret")
@needs("documentalist")
def loan(code: str) -> ResponseReturnValue:
    item = _item(ctx.get_session(), code)
    until = item.lent_until or _today() + USUAL
    return _show_loan(item, item.lent_to, f"{until:%d/%m/%Y}", item.version)


@blueprint.post("/exemplaires/<string(length=8):code>/pret")
@needs("documentalist")
def lend(code: str) -> ResponseReturnValue:
    to, said = (form.one_line(request.form.get(name, "")) for name in ("a_qui", "jusqu_au"))
    version = read_version(request.form.get("version", ""))
    until = _day(said)
    if errors := _wrong(to, until):
        return _show_loan(_item(ctx.get_session(), code), to, said, version, errors)
    assert until is not None
    try:
        with ctx.get_writer() as session:
            item = _item(session, code)
            batch = loans.lend(session, item, to=to, until=until, by=current_user.login, version=version)
            lot = batch.id if batch else None
            address = notices.get(session, item.notice_id).address
    except loans.NotThere:
        moved = _("Cet exemplaire a changé entre-temps : regardez où il en est avant de le prêter.")
        return _show_loan(_item(ctx.get_session(), code), to, said, version, [("a_qui", moved)])
    flash(_("L’exemplaire est noté sorti jusqu’au %(day)s.") % {"day": format_date(until)}, "ok")
    return redirect(url_for("desk.edit", address=address, lot=lot, _anchor="exemplaires"), 303)


@blueprint.post("/exemplaires/<string(length=8):code>/retour")
@needs("documentalist")
def given_back(code: str) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        item = _item(session, code)
        batch = loans.give_back(session, item, by=current_user.login)
        lot = batch.id if batch else None
        address = notices.get(session, item.notice_id).address
    if lot:
        flash(_("L’exemplaire est rendu ; le nom de la personne est effacé."), "ok")
    else:
        flash(_("Cet exemplaire n’était pas sorti : rien n’a changé."), "warn")
    if request.form.get("retour") == "liste":
        return redirect(url_for("desk.copies_out", lot=lot), 303)
    return redirect(url_for("desk.edit", address=address, lot=lot, _anchor="exemplaires"), 303)


def _wrong(to: str, until: date | None) -> list[tuple[str, str]]:
    errors = []
    if not to:
        errors.append(("a_qui", _("Écrivez à qui vous le prêtez.")))
    elif len(to) > loans.LONGEST_NAME:
        too_long = _("Raccourcissez ce texte : %(n)s caractères au plus.") % {"n": loans.LONGEST_NAME}
        errors.append(("a_qui", too_long))
    if until is None:
        errors.append(("jusqu_au", _("Écrivez le jour du retour, ex. 18/03/2024.")))
    elif not _today() <= until <= _today() + LONGEST:
        errors.append(("jusqu_au", _("Choisissez un jour à venir, dans les deux ans.")))
    return errors


def _day(said: str) -> date | None:
    """A whole day, as it is written here; « mars 2024 » is none."""
    period = forecast.period_of(dates.understand(said).edtf)
    return period[0] if period and period[0] == period[1] else None


def _show_loan(
    item: Item, to: str, until: str, version: int, errors: list[tuple[str, str]] | None = None
) -> ResponseReturnValue:
    notice = notices.get(ctx.get_session(), item.notice_id)
    page = render_template(
        "desk/loan.html",
        item=item,
        notice=notice,
        title=title_or_none(notice.title),
        who=to,
        until=until,
        version=version,
        errors=errors or [],
    )
    return page, 422 if errors else 200


def _item(session: Session, code: str) -> Item:
    return (desk_reading.find_item(session, code) if is_code(code) else None) or abort(404)


def _today() -> date:
    return db.now().astimezone(ZoneInfo(ctx.settings().timezone)).date()


# --- on paper --------------------------------------------------------------------------------


@blueprint.get("/exemplaires/<string(length=8):code>/etiquette")
@needs("documentalist")
def label(code: str) -> ResponseReturnValue:
    """The label as it will be, at its own size: printed from here, or as a file."""
    item = _item(ctx.get_session(), code)
    size, start = _asked_size()
    made = _label(item)
    return render_template(
        "desk/label.html",
        item=item,
        notice=notices.get(ctx.get_session(), item.notice_id),
        label=made,
        qr=Markup(made.qr),
        size=size,
        sizes=labels.SIZES,
        start=start,
    )


@blueprint.get("/exemplaires/<string(length=8):code>/etiquette.pdf")
@needs("documentalist")
def label_pdf(code: str) -> ResponseReturnValue:
    item = _item(ctx.get_session(), code)
    size, start = _asked_size()
    kept = usual.labels(ctx.get_session())
    made = labels.labels_pdf([_label(item)], size, start=start, offset=(kept.x, kept.y))
    return _file(made, f"etiquette-{item.code}.pdf")


def _label(item: Item) -> labels.Label:
    return labels.label(item.call_number, item.code, public.absolute(url_for("public.labelled", code=item.code)))


def _asked_size() -> tuple[str, int]:
    """The size, and the place of the label on its sheet, 0 for a page of its own: as asked, else as it is set."""
    kept = usual.labels(ctx.get_session())
    size = request.args.get("format", "")
    size = size if size in labels.SIZES else kept.size
    place = request.args.get("place", str(kept.start) if size == kept.size else "")
    start = read_number(place, most=999) or 0
    return size, start if start <= labels.SIZES[size].on_a_sheet else 0


@blueprint.get("/notices/<string(length=8):address>/fiche")
@needs("reader")
def notice_sheet(address: str) -> ResponseReturnValue:
    notice = notices.find(ctx.get_session(), address) or abort(404)
    return render_template("desk/notice_sheet.html", notice=notice, sheet=_sheet(notice))


@blueprint.get("/notices/<string(length=8):address>/fiche.pdf")
@needs("reader")
def notice_sheet_pdf(address: str) -> ResponseReturnValue:
    notice = notices.find(ctx.get_session(), address) or abort(404)
    return _file(labels.sheet_pdf(_sheet(notice), request.args.get("format", "")), f"notice-{address}.pdf")


def _sheet(notice: Notice) -> labels.Sheet:
    shown = preview(notice.fields)
    copies = desk_reading.copies(ctx.get_session(), notice)
    where = [
        (copy.call_number or _("sans cote"), " · ".join(part for part in (copy.location, copy.status) if part))
        for copy in copies
        if copy.state != "withdrawn"
    ]
    return labels.Sheet(
        title=title_or_none(notice.title),
        kicker=" · ".join(part for part in (cataloguing.kind_label(notice.kind), shown.year) if part),
        facts=tuple((fact.label, "".join(words for _op, words in fact.pieces)) for fact in shown.facts),
        copies=tuple(where),
        permalink=public.permalink(notice.address),
        centre=ctx.settings().centre_name,
    )


def _file(made: bytes, name: str) -> Response:
    return Response(made, mimetype=PDF, headers={"Content-Disposition": f'inline; filename="{name}"'})
