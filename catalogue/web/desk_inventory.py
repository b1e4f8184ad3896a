"""The inventory list: copies in shelf order, on screen, on paper, as a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any, AnyStr
from zoneinfo import ZoneInfo

from flask import Response, render_template, request, stream_template, url_for
from flask.typing import ResponseReturnValue

from catalogue import callnumber, db, desk_reading, form, items
from catalogue.desk_reading import Wanted
from catalogue.i18n import _, current_language, set_language
from catalogue.items import Line
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages
from catalogue.web.typed import read_number
from export import tables

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/inventaire")
@needs("reader")
def inventory() -> ResponseReturnValue:
    wanted, errors = _wanted()
    page = desk_reading.inventory(ctx.get_session(), wanted, page_asked(request.args))

    def address(number: int) -> str:
        return url_for("desk.inventory", **_asked(wanted), page=number)

    pages = Pages.of(page.page, page.pages, address)
    shown = render_template(
        "desk/inventory.html",
        page=page,
        wanted=wanted,
        asked=_asked(wanted),
        pages=pages,
        errors=errors,
        status_words=desk_reading.item_status_words,
    )
    return shown, 422 if errors else 200


@blueprint.get("/inventaire/imprimer")
@needs("reader")
def print_inventory() -> ResponseReturnValue:
    """The whole list on one page for the printer: as long as the shelf, sent line by line."""
    wanted, _errors = _wanted()
    session = ctx.get_session()
    pieces = stream_template(
        "desk/inventory_print.html",
        lines=_lines(wanted),
        total=items.count_inventory(session, **wanted.choice()),
        title=desk_reading.inventory_title(session, wanted),
        asked=_asked(wanted),
        status_words=desk_reading.item_status_words,
        on=_today(),
    )
    return Response(_said_in(current_language(), pieces), mimetype="text/html")


@blueprint.get("/inventaire.csv")
@needs("reader")
def inventory_csv() -> ResponseReturnValue:
    wanted, _errors = _wanted()
    rows = (desk_reading.inventory_row(line) for line in _lines(wanted))
    pieces = tables.to_csv(desk_reading.inventory_columns(), rows)
    return Response(_said_in(current_language(), pieces), mimetype="text/csv", headers=_named("csv"))


@blueprint.get("/inventaire.xlsx")
@needs("reader")
def inventory_xlsx() -> ResponseReturnValue:
    wanted, _errors = _wanted()
    file = TemporaryFile()  # noqa: SIM115 (closed once it is sent)
    rows = (desk_reading.inventory_row(line) for line in _lines(wanted))
    tables.to_xlsx(desk_reading.inventory_columns(), rows, file, title=_("Inventaire"))
    file.seek(0)
    return Response(_pieces(file), mimetype=XLSX, headers=_named("xlsx"))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(65_536):
            yield piece


def _said_in(language: str, pieces: Iterable[AnyStr]) -> Iterator[AnyStr]:
    """What is sent after the request has ended, in the language that it had."""
    set_language(language)
    yield from pieces


def _lines(wanted: Wanted) -> Iterator[Line]:
    """The lines, from a session that lives as long as they are being sent: longer than the request."""
    database = ctx.travee().db

    def read() -> Iterator[Line]:
        with database.read() as session:
            yield from items.inventory(session, **wanted.choice())

    return read()


def _wanted() -> tuple[Wanted, list[tuple[str, str]]]:
    """What was asked, and what is wrong with it: (id of the input, sentence)."""
    place = request.args.get("emplacement", "")
    first, last = (form.one_line(request.args.get(name, ""))[:80] for name in ("de", "a"))
    wanted = Wanted(read_number(place), first, last)
    if first and last and callnumber.sort_key(first) > callnumber.range_end(last):
        return wanted, [("a", _("« %(last)s » vient avant « %(first)s » : échangez les deux cotes.") % _said(wanted))]
    return wanted, []


def _said(wanted: Wanted) -> dict[str, str]:
    return {"first": wanted.first, "last": wanted.last}


def _asked(wanted: Wanted) -> dict[str, Any]:
    """The same question, as parameters of an address."""
    place = str(wanted.location_id or "")
    return {name: value for name, value in (("emplacement", place), ("de", wanted.first), ("a", wanted.last)) if value}


def _today() -> datetime:
    return db.now().astimezone(ZoneInfo(ctx.settings().timezone))


def _named(ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{_file_name(ending)}"'}


def _file_name(ending: str) -> str:
    return f"inventaire-{_today():%Y-%m-%d}.{ending}"
