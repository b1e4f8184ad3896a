"""« Périodiques »: the titles, one of them, and the morning's post, ticked for all of them on one page.

Typing is enough: a few letters of a title and Enter tick its issue, and the cursor is back in the box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import dates, db, forecast, form, letters, notices, periodical_pages, periodical_titles, periodicals
from catalogue.date_words import MONTHS, spoken
from catalogue.forecast import FREQUENCIES, Expected
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Batch, Notice
from catalogue.periodical_pages import Row
from catalogue.periodical_titles import Known
from catalogue.periodicals import Arrival, Receipt
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages

MOST_ROWS = 200  # that one form may send
LONGEST = {"supplier": 200, "note": 1000}


@blueprint.get("/periodiques", endpoint="periodical_titles")
@needs("reader")
def titles() -> ResponseReturnValue:
    words = form.one_line(request.args.get("q", ""))[:100]
    page = periodical_titles.titles(ctx.get_session(), _today(), words=words, page=page_asked(request.args))

    def address(number: int) -> str:
        return url_for("desk.periodical_titles", q=words or None, page=number)

    return render_template(
        "desk/periodicals.html", page=page, words=words, pages=Pages.of(page.page, page.pages, address)
    )


def _today() -> date:
    return db.now().astimezone(ZoneInfo(ctx.settings().timezone)).date()


# --- one title -------------------------------------------------------------------------------


@blueprint.get("/periodiques/<string(length=8):address>")
@needs("reader")
def periodical(address: str) -> ResponseReturnValue:
    return _show_title(address)


def _show_title(
    address: str,
    *,
    typed: dict[str, Any] | None = None,
    rows: Iterable[Row] = (),
    errors: Sequence[tuple[str, str]] = (),
) -> ResponseReturnValue:
    session, today = ctx.get_session(), _today()
    known = periodical_titles.find(session, address, today) or abort(404)
    page = periodical_pages.title_page(session, known, today, page_asked(request.args))
    sent = {row.name: row for row in rows}
    blank = sent.pop(f"{address}.autre", periodical_pages.blank_row(known))
    lot = done_lot()

    def turned(number: int) -> str:
        return url_for("desk.periodical", address=address, page=number)

    body = render_template(
        "desk/periodical.html",
        page=page,
        known=known,
        rows=[sent.get(row.name, row) for row in page.rows],
        blank=blank,
        typed=typed or _subscription_values(known, page.measured),
        errors=errors,
        version=known.subscription.version if known.subscription else 0,
        frequencies=[(code, _(f.label)) for code, f in FREQUENCIES.items()],
        months=[(n, spoken(name)) for n, name in enumerate(MONTHS, 1)],
        pages=Pages.of(page.page, page.pages, turned),
        lot=lot,
        received=periodical_pages.received_in(session, lot) if lot else (),
    )
    return body, 422 if errors else 200


def _subscription_values(known: Known, measured: str) -> dict[str, Any]:
    row = known.subscription
    if row is None:  # from this month on, so that what was not kept years ago is not missed today
        begins = f"{_today():01/%m/%Y}"
        return {"frequency": measured, "starts_on": begins, "ends_on": "", "supplier": "", "note": "", "off_months": []}
    days = {name: f"{day:%d/%m/%Y}" if (day := getattr(row, name)) else "" for name in ("starts_on", "ends_on")}
    return {
        **days,
        "frequency": row.frequency,
        "supplier": row.supplier,
        "note": row.note,
        "off_months": list(row.off_months),
    }


@blueprint.post("/periodiques/<string(length=8):address>/abonnement")
@needs("documentalist")
def subscribe(address: str) -> ResponseReturnValue:
    typed = _typed_subscription()
    values, errors = _read_subscription(typed)
    if errors:
        return _show_title(address, typed=typed, errors=errors)
    given = request.form.get("version", "")
    version = int(given) if given.isdecimal() and len(given) < 10 else 0
    try:
        with ctx.get_writer() as session:
            serial = _serial(session, address)
            batch = periodicals.subscribe(session, serial, values, by=current_user.login, version=version)
            lot = batch.id if batch else None
    except notices.Stale:
        stale = _("Quelqu’un a changé cet abonnement pendant que vous écriviez : relisez, puis enregistrez de nouveau.")
        return _show_title(address, typed=typed, errors=[("frequency", stale)])
    flash(_("L’abonnement est enregistré.") if lot else _("Rien n’avait changé."), "ok")
    return redirect(url_for("desk.periodical", address=address, lot=lot), 303)


def _typed_subscription() -> dict[str, Any]:
    months = [int(m) for m in request.form.getlist("off_months") if m.isdecimal() and len(m) < 3 and 1 <= int(m) <= 12]
    return {
        "frequency": request.form.get("frequency", "")[:16],
        "starts_on": form.one_line(request.form.get("starts_on", ""))[:40],
        "ends_on": form.one_line(request.form.get("ends_on", ""))[:40],
        "supplier": form.one_line(request.form.get("supplier", "")),
        "note": form.many_lines(request.form.get("note", "")),
        "off_months": sorted(set(months)),
    }


def _read_subscription(typed: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The values to keep, and what is wrong: (id of the input, sentence)."""
    values, errors = dict(typed), []
    if typed["frequency"] not in ("", *FREQUENCIES):
        values["frequency"] = ""
    for name, edge in (("starts_on", 0), ("ends_on", 1)):
        period = forecast.period_of(dates.understand(typed[name]).edtf) if typed[name] else None
        values[name] = period[edge] if period else None
        if typed[name] and period is None:
            errors.append((name, _("Écrivez une date, ex. 01/01/2024 ou janvier 2024.")))
    if values["starts_on"] and values["ends_on"] and values["ends_on"] < values["starts_on"]:
        errors.append(("ends_on", _("La fin vient avant le début : vérifiez les deux dates.")))
    if len(typed["off_months"]) == 12:
        errors.append(("off_months", _("Douze mois sans numéro : décochez ceux où il paraît.")))
    for name, most in LONGEST.items():
        if len(typed[name]) > most:
            errors.append((name, _("Raccourcissez ce texte : %(n)s caractères au plus.") % {"n": most}))
    return values, errors


def _serial(session: Session, address: str) -> Notice:
    serial = notices.find(session, address)
    return serial if serial is not None and serial.level == "serial" else abort(404)


@blueprint.post("/periodiques/<string(length=8):address>")
@needs("documentalist")
def check_in(address: str) -> ResponseReturnValue:
    """What was ticked on the page of a title: received, claimed, not to come, or waited for again."""
    known = periodical_titles.find(ctx.get_session(), address, _today()) or abort(404)
    action, rows = request.form.get("action", ""), _sent_rows([known])
    if action == "attendre":
        return _said(address, periodicals.wait_again, [Expected(request.form.get("cle", ""), "", _today())])
    ticked = [row for row in rows if row.ticked]
    if not ticked:
        flash(_("Cochez d’abord un numéro : rien n’a été enregistré."), "warn")
        return redirect(url_for("desk.periodical", address=address), 303)
    if action in ("reclamer", "absent"):
        foretold = {one.key: one for one in (*known.foreseen.missing, *filter(None, [known.foreseen.next]))}
        chosen = [foretold[row.key] for row in ticked if row.key in foretold]
        return _said(address, periodicals.claim if action == "reclamer" else periodicals.give_up, chosen)
    if action != "recu":
        abort(400)
    rows, errors = _checked(rows)
    if errors:
        return _show_title(address, rows=rows, errors=errors)
    receipt = _receive(ticked)
    return redirect(url_for("desk.periodical", address=address, lot=receipt.batch_id), 303)


def _said(address: str, act: Callable[..., Batch | None], chosen: Sequence[Expected]) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        batch = act(session, _serial(session, address), chosen, by=current_user.login)
        lot = batch.id if batch else None
    n = len(chosen) if lot else 0
    if act is periodicals.claim:
        words = ngettext("%(n)s numéro est noté comme réclamé.", "%(n)s numéros sont notés comme réclamés.", n)
    elif act is periodicals.give_up:
        words = ngettext("%(n)s numéro n’est plus attendu.", "%(n)s numéros ne sont plus attendus.", n)
    else:
        words = ngettext("%(n)s numéro est de nouveau attendu.", "%(n)s numéros sont de nouveau attendus.", n)
    flash(words % {"n": format_number(n)}, "ok" if n else "warn")
    return redirect(url_for("desk.periodical", address=address, lot=lot), 303)


@blueprint.get("/periodiques/<string(length=8):address>/lettre")
@needs("documentalist")
def claim_letter(address: str) -> ResponseReturnValue:
    session, today = ctx.get_session(), _today()
    known = periodical_titles.find(session, address, today) or abort(404)
    issn = periodicals.issn_of(session, known.notice_id)
    words, centre = letters.text(session, "claim"), ctx.settings()
    text = periodical_titles.letter(
        known, issn, words, centre=centre.centre_name, address=centre.centre_address, today=today
    )
    return render_template("desk/claim_letter.html", known=known, text=text)


# --- the morning's post ----------------------------------------------------------------------


@blueprint.get("/periodiques/recus")
@needs("documentalist")
def morning_post() -> ResponseReturnValue:
    _known_titles, rows = periodical_pages.morning(ctx.get_session(), _today())
    return _show_morning(rows)


@blueprint.post("/periodiques/recus")
@needs("documentalist")
def tick_post() -> ResponseReturnValue:
    """Enter in the box ticks what was typed and comes back; « Enregistrer » takes in what is ticked."""
    session, today = ctx.get_session(), _today()
    known, foretold = periodical_pages.morning(session, today)
    rows = _merged(_sent_rows(known), foretold)
    if request.form.get("action") != "enregistrer":
        typed, told = form.one_line(request.form.get("saisie", ""))[:100], ""
        if typed:
            rows, told = periodical_pages.tick(session, known, rows, typed, today)
        return _show_morning(rows, typed=typed if told else "", told=told)
    rows, errors = _checked(rows)
    if errors:
        return _show_morning(rows, errors=errors)
    ticked = [row for row in rows if row.ticked]
    if not ticked:
        return _show_morning(rows, told=_("Rien n’est coché : rien n’a été enregistré."))
    receipt = _receive(ticked)
    return redirect(url_for("desk.morning_post", lot=receipt.batch_id), 303)


def _show_morning(
    rows: list[Row], *, typed: str = "", told: str = "", errors: Sequence[tuple[str, str]] = ()
) -> ResponseReturnValue:
    session, lot = ctx.get_session(), done_lot()
    shown = rows[: max(periodical_pages.SHOWN_ROWS, sum(row.ticked for row in rows))]
    body = render_template(
        "desk/morning_post.html",
        rows=shown,
        more=len(rows) - len(shown),
        ticked=sum(row.ticked for row in rows),
        typed=typed,
        told=told,
        errors=errors,
        lot=lot,
        received=periodical_pages.received_in(session, lot) if lot else (),
    )
    return body, 422 if errors else 200


# --- rows that were ticked -------------------------------------------------------------------


def _sent_rows(known: Iterable[Known]) -> list[Row]:
    """The rows of the form as they were typed; those of titles that are none are left out."""
    titles = {title.address: title for title in known}
    out = []
    for name in request.form.getlist("ligne")[:MOST_ROWS]:
        address, _dot, key = name.partition(".")
        if (title := titles.get(address)) is None or len(key) > 80:
            continue
        out.append(
            Row(
                name=name,
                serial_id=title.notice_id,
                address=address,
                title=title.title,
                key="" if key == "autre" else key,
                number=form.one_line(request.form.get(f"numero-{name}", ""))[:100],
                dated=form.one_line(request.form.get(f"date-{name}", ""))[:100],
                copy=f"copie-{name}" in request.form,
                call_number=form.one_line(request.form.get(f"cote-{name}", ""))[:200],
                ticked=name in request.form.getlist("vu"),
            )
        )
    return out


def _merged(sent: list[Row], foretold: list[Row]) -> list[Row]:
    """What was typed, with what the page knows besides; ticked rows first, as one sees what one has in hand."""
    told = {row.name: row for row in foretold}
    known = [
        replace(row, due=now.due, late=now.late, claimed=now.claimed) if (now := told.get(row.name)) else row
        for row in sent
    ]
    names = {row.name for row in sent}
    rows = [*known, *(row for row in foretold if row.name not in names)]
    return sorted((row for row in rows if row.ticked or row.name in told), key=lambda row: not row.ticked)


def _checked(rows: list[Row]) -> tuple[list[Row], list[tuple[str, str]]]:
    """What is wrong with the ticked rows: (id of the input, sentence)."""
    out, errors = [], []
    for row in rows:
        wrong = about = ""
        if row.ticked and forecast.period_of(dates.understand(row.dated).edtf) is None:
            about, wrong = "date", _("Écrivez la date du numéro, ex. mars 2024 ou 18/03/2024.")
        elif row.ticked and len(row.number) > periodicals.LONGEST_NUMBER:
            about = "numero"
            wrong = _("Raccourcissez ce numéro : %(n)s signes au plus.") % {"n": periodicals.LONGEST_NUMBER}
        if wrong:
            errors.append((f"{about}-{row.name}", f"{row.title} : {wrong}"))
        out.append(replace(row, error=wrong, wrong=about))
    return out, errors


def _receive(rows: Sequence[Row]) -> Receipt:
    arrivals = [Arrival(r.serial_id, r.number, r.dated, r.key, r.copy, r.call_number) for r in rows]
    with ctx.get_writer() as session:
        receipt = periodicals.receive(session, arrivals, by=current_user.login)
    if n := len(receipt.made):
        words = ngettext("%(n)s numéro est enregistré comme reçu.", "%(n)s numéros sont enregistrés comme reçus.", n)
        flash(words % {"n": format_number(n)}, "ok")
    titles = {row.serial_id: row.title for row in rows}
    for refused in receipt.refused:
        said = {"title": titles[refused.arrival.serial_id], "number": refused.arrival.number or refused.arrival.dated}
        flash(_("%(title)s, n° %(number)s était déjà reçu : rien n’a été ajouté.") % said, "warn")
    return receipt
