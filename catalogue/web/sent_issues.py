"""Rows of issues as somebody sent them, ticked, corrected or written: read, checked, and taken in.

The page of a title and the morning's post send the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from flask import flash, request
from flask_login import current_user

from catalogue import dates, forecast, form, periodicals
from catalogue.i18n import _, format_number, ngettext
from catalogue.periodical_pages import Row
from catalogue.periodical_titles import Known
from catalogue.periodicals import Arrival, Receipt
from catalogue.web import ctx

MOST_ROWS = 200  # that one form may send


def sent_rows(known: Iterable[Known]) -> list[Row]:
    """The rows of the form as they were typed; those of titles that are none are left out."""
    titles = {title.address: title for title in known}
    ticked = request.form.getlist("vu")
    out = []
    for name in request.form.getlist("ligne")[:MOST_ROWS]:
        address, _dot, key = name.partition(".")
        if (title := titles.get(address)) is None or len(key) > 80:
            continue
        row = Row(
            name=name,
            serial_id=title.notice_id,
            address=address,
            title=title.title,
            key="" if key == "autre" else key,
            number=form.one_line(request.form.get(f"numero-{name}", ""))[:100],
            dated=form.one_line(request.form.get(f"date-{name}", ""))[:100],
            copy=f"copie-{name}" in request.form,
            call_number=form.one_line(request.form.get(f"cote-{name}", ""))[:200],
            ticked=name in ticked,
        )
        out.append(_as_typed(row))
    return out


def _as_typed(row: Row) -> Row:
    """Whoever writes in a row means it, box or not; whoever writes a call number means a copy."""
    shown = form.one_line(request.form.get(f"etait-{row.name}", row.printed))
    typed = shown != form.one_line(row.printed)
    marked = bool(row.call_number) and shown.rpartition("|")[2].strip() != row.call_number
    return replace(row, typed=typed, ticked=row.ticked or typed, copy=row.copy or marked)


def as_sent(row: Row, sent: Mapping[str, Row]) -> Row:
    """What was typed, with what the page knows besides."""
    typed = sent.get(row.name)
    return replace(typed, due=row.due, late=row.late, claimed=row.claimed) if typed else row


def merged(sent: list[Row], foretold: list[Row]) -> list[Row]:
    """What was typed, with what the page knows besides; ticked rows first, as one sees what one has in hand."""
    told = {row.name: row for row in foretold}
    known = [as_sent(told.get(row.name, row), {row.name: row}) for row in sent]
    names = {row.name for row in sent}
    rows = [*known, *(row for row in foretold if row.name not in names)]
    return sorted((row for row in rows if row.ticked or row.name in told), key=lambda row: not row.ticked)


def checked(rows: Iterable[Row]) -> list[Row]:
    """The rows, with what is wrong with those that are ticked."""
    out = []
    for row in rows:
        wrong = about = ""
        if row.ticked and forecast.period_of(dates.understand(row.dated).edtf) is None:
            about, wrong = "date", _("Écrivez la date du numéro, ex. mars 2024 ou 18/03/2024.")
        elif row.ticked and len(row.number) > periodicals.LONGEST_NUMBER:
            about = "numero"
            wrong = _("Raccourcissez ce numéro : %(n)s signes au plus.") % {"n": periodicals.LONGEST_NUMBER}
        out.append(replace(row, error=wrong, wrong=about))
    return out


def errors_of(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """(id of the input, sentence)."""
    return [(f"{row.wrong}-{row.name}", f"{row.title} : {row.error}") for row in rows if row.error]


def already_here(rows: Iterable[Row]) -> list[Row]:
    """The same, when none of those that are ticked could go in."""
    words = _("Ce numéro est déjà reçu.")
    return [replace(row, error=words, wrong="numero") if row.ticked else row for row in rows]


def receive(rows: Sequence[Row]) -> Receipt:
    """Those that were here already are told in a word where others went in."""
    arrivals = [Arrival(r.serial_id, r.number, r.dated, r.key, r.copy, r.call_number) for r in rows]
    with ctx.get_writer() as session:
        receipt = periodicals.receive(session, arrivals, by=current_user.login)
    if receipt.made:
        say_received(len(receipt.made))
        titles = {row.serial_id: row.title for row in rows}
        for refused in receipt.refused:
            one = refused.arrival
            said = {"title": titles[one.serial_id], "number": one.number or one.dated}
            flash(_("%(title)s, n° %(number)s était déjà reçu : rien n’a été ajouté.") % said, "warn")
    return receipt


def say_received(n: int) -> None:
    words = ngettext("%(n)s numéro est enregistré comme reçu.", "%(n)s numéros sont enregistrés comme reçus.", n)
    flash(words % {"n": format_number(n)}, "ok")
