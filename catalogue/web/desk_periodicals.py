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

from catalogue import (
    dates,
    db,
    described_issues,
    forecast,
    form,
    letters,
    notices,
    periodical_pages,
    periodical_titles,
    periodicals,
)
from catalogue.date_words import MONTHS, spoken
from catalogue.forecast import FREQUENCIES, Expected
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Batch, Notice
from catalogue.periodical_pages import Row
from catalogue.periodical_titles import Known
from catalogue.web import ctx, sent_issues
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages
from catalogue.web.typed import read_number, read_version

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
    told = {row.name for row in page.rows}
    gone = [row for row in sent.values() if row.ticked and row.name not in told]  # not foretold any more
    lot = done_lot()

    def turned(number: int) -> str:
        return url_for("desk.periodical", address=address, page=number)

    body = render_template(
        "desk/periodical.html",
        page=page,
        known=known,
        rows=[*gone, *(sent_issues.as_sent(row, sent) for row in page.rows)],
        blank=blank,
        described=described_issues.of(session, known),
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
    version = read_version(request.form.get("version", ""))
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
    months = [n for m in request.form.getlist("off_months") if (n := read_number(m, 1, 12))]
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
    action, rows = request.form.get("action", ""), sent_issues.sent_rows([known])
    if action == "attendre":
        return _said(address, periodicals.wait_again, [Expected(request.form.get("cle", ""), "", _today())])
    ticked = [row for row in rows if row.ticked]
    if not ticked:
        flash(_("Cochez d’abord un numéro : rien n’a été enregistré."), "warn")
        return redirect(url_for("desk.periodical", address=address), 303)
    if action in ("reclamer", "absent"):
        rows = [replace(row, error=_only_received(), wrong="numero") if _is_written(row) else row for row in rows]
        if errors := sent_issues.errors_of(rows):
            return _show_title(address, rows=rows, errors=errors)
        foretold = {one.key: one for one in (*known.foreseen.missing, *filter(None, [known.foreseen.next]))}
        chosen = [foretold[row.key] for row in ticked if row.key in foretold]
        return _said(address, periodicals.claim if action == "reclamer" else periodicals.give_up, chosen)
    if action != "recu":
        abort(400)
    rows = sent_issues.checked(rows)
    if errors := sent_issues.errors_of(rows):
        return _show_title(address, rows=rows, errors=errors)
    receipt = sent_issues.receive(ticked)
    if not receipt.made:
        rows = sent_issues.already_here(rows)
        return _show_title(address, rows=rows, errors=sent_issues.errors_of(rows))
    return redirect(url_for("desk.periodical", address=address, lot=receipt.batch_id), 303)


def _is_written(row: Row) -> bool:
    """Whether something of it would be lost where no issue is made."""
    return row.ticked and (row.typed or not row.key)


def _only_received() -> str:
    return _("Ce que vous avez écrit ne sert qu’à un numéro reçu : choisissez « Reçu », ou décochez-le.")


@blueprint.post("/periodiques/<string(length=8):address>/attendre")
@needs("documentalist")
def wait_from_now(address: str) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        batch = periodicals.wait_from_now(session, _serial(session, address), _today(), by=current_user.login)
        lot = batch.id if batch else None
    if lot:
        flash(_("Plus rien n’est attendu d’avant aujourd’hui : le début de l’attente a changé."), "ok")
    else:
        flash(_("Rien n’avait changé."), "warn")
    return redirect(url_for("desk.periodical", address=address, lot=lot), 303)


@blueprint.post("/periodiques/<string(length=8):address>/nous-l-avons")
@needs("documentalist")
def hold_described(address: str) -> ResponseReturnValue:
    """An issue of which an article is described is here, though nobody noted it."""
    with ctx.get_writer() as session:
        known = periodical_titles.find(session, address, _today()) or abort(404)
        key = request.form.get("numero", "")
        receipt = described_issues.hold(session, known, key, _today(), by=current_user.login)
    if receipt.made:
        sent_issues.say_received(len(receipt.made))
    elif receipt.batch_id:
        flash(_("Les articles sont rangés sous leur numéro."), "ok")
    elif receipt.refused:
        flash(
            _("La date de ce numéro ne se lit pas : corrigez-la dans l’article, ex. mars 2024 ou 18/03/2024."), "warn"
        )
    else:
        flash(_("Rien n’avait changé."), "warn")
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
    rows = sent_issues.merged(sent_issues.sent_rows(known), foretold)
    if request.form.get("action") != "enregistrer":
        typed, told = form.one_line(request.form.get("saisie", ""))[:100], ""
        if typed:
            rows, told = periodical_pages.tick(session, known, rows, typed, today)
        return _show_morning(rows, typed=typed if told else "", told=told)
    rows = sent_issues.checked(rows)
    if errors := sent_issues.errors_of(rows):
        return _show_morning(rows, errors=errors)
    ticked = [row for row in rows if row.ticked]
    if not ticked:
        return _show_morning(rows, told=_("Rien n’est coché : rien n’a été enregistré."))
    receipt = sent_issues.receive(ticked)
    if not receipt.made:
        rows = sent_issues.already_here(rows)
        return _show_morning(rows, errors=sent_issues.errors_of(rows))
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
