"""« Corrections en nombre »: choose a set, choose an act, look at what it would do, do it in one lot.

The steps are addresses: the set and the act are in the address of the first page, a preview has one of its own, which
then shows how far the work has come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import batch_acts, batch_edit, cataloguing, desk_history, differences, items
from catalogue.batch_acts import ACTS, WHY, Act
from catalogue.batch_edit import Plan, Planned
from catalogue.differences import Difference
from catalogue.i18n import _
from catalogue.models import Item, Notice
from catalogue.models.place import ITEM_STATUSES
from catalogue.unimarc import KINDS
from catalogue.web import background, chosen, ctx
from catalogue.web.asked import query_string
from catalogue.web.auth import needs
from catalogue.web.chosen import Chosen
from catalogue.web.desk import blueprint


@dataclass(frozen=True, slots=True)
class Line:
    """One notice or copy of a preview, before and after; or one that stays as it is."""

    title: str
    address: str
    about: str = ""
    differences: tuple[Difference, ...] = ()


@blueprint.get("/corrections")
@needs("documentalist")
def corrections() -> ResponseReturnValue:
    return _ask()


@blueprint.post("/corrections")
@needs("documentalist")
def preview_corrections() -> ResponseReturnValue:
    """Look at what it would do, and keep that: nothing else is written."""
    found, name = _chosen(), request.args.get("acte", "")
    if found is None or name not in ACTS:
        abort(400)
    act, errors = batch_acts.understand(name, request.form, ITEM_STATUSES)
    if act is None or errors:
        return _ask(errors)
    session = ctx.get_session()
    ids = chosen.turned(session, found, act.kind.about)
    back = url_for("desk.corrections") + query_string(found.params)
    made = batch_edit.preview(session, act, ids, by=current_user.login, about=found.words, back=back)
    with ctx.get_writer() as writing:
        batch_edit.keep(writing, made)
    return redirect(url_for("desk.correction", token=made.token), 303)


@blueprint.get("/corrections/<token>")
@needs("documentalist")
def correction(token: str) -> ResponseReturnValue:
    session = ctx.get_session()
    made = batch_edit.find(session, token) or abort(404)
    now = batch_edit.progress(session, token)
    left = [(number, why) for number, why in now.left[: batch_edit.TOLD]]
    return render_template(
        "desk/batch_plan.html",
        made=made,
        now=now,
        moved=batch_edit.moved(session, made) if now.state == "ready" else 0,
        lines=list(_lines(session, made)) if now.state == "ready" else (),
        shown=batch_edit.SHOWN,
        why=_why(session, made),
        left=[(line, _(WHY[why])) for line, why in _named(session, made.act, left)],
        words=act_words(made),
        instead=batch_edit.instead(session, made.act),
    )


@blueprint.post("/corrections/<token>/appliquer")
@needs("documentalist")
def apply_corrections(token: str) -> ResponseReturnValue:
    """Begin, or go on where it was stopped; the page that follows says how far it is."""
    travee, by = ctx.travee(), current_user.login
    try:
        with ctx.get_writer() as session:
            made = batch_edit.find(session, token) or abort(404)
            batch_edit.begin(session, made)
    except batch_edit.Busy:
        flash(_("Ces corrections sont déjà en cours, ou déjà faites."), "warn")
        return redirect(url_for("desk.correction", token=token), 303)

    def work() -> None:
        batch_edit.run(travee.db, made, by=by)
        travee.drain_briefly()

    background.begin("corrections", work)
    return redirect(url_for("desk.correction", token=token), 303)


# --- the page that asks ------------------------------------------------------------------------


def _ask(errors: list[tuple[str, str]] | None = None) -> ResponseReturnValue:
    found, name = _chosen(), request.args.get("acte", "")
    address = url_for("desk.corrections")
    kept = list(found.params) if found else []
    page = render_template(
        "desk/batch.html",
        chosen=found,
        acts=[(key, kind, address + query_string([*kept, ("acte", key)])) for key, kind in _offered(found)],
        name=name if name in ACTS else "",
        act=ACTS.get(name),
        action=address + query_string([*kept, ("acte", name)]),
        again=address + query_string(kept),
        columns=batch_acts.columns(name) if name in ACTS else (),
        options=_options(name),
        places=[place.name for place in items.list_locations(ctx.get_session())] if name == "location" else (),
        given=request.form,
        errors=errors or [],
        error=dict(errors or ()),
    )
    return page, 422 if errors else 200


def _chosen() -> Chosen | None:
    try:
        return chosen.find()
    except OSError:
        flash(_("La recherche ne répond pas pour le moment : réessayez dans quelques minutes."), "warn")
        return None


def _offered(found: Chosen | None) -> list[tuple[str, batch_acts.ActKind]]:
    """Acts on what was chosen come first."""
    return sorted(ACTS.items(), key=lambda one: one[1].about != found.about) if found else []


def _options(name: str) -> list[tuple[str, str]]:
    """Where the new value is one of few."""
    if name == "kind":
        return [(code, cataloguing.kind_label(code)) for code in KINDS]
    if name == "state":
        return [(code, desk_history.item_status_words(code)) for code in ITEM_STATUSES]
    return []


# --- the page that shows -----------------------------------------------------------------------


def act_words(made: Plan) -> str:
    """What the act does, and to what."""
    if made.act.name == "state":
        return f"{made.act.kind.words} : {desk_history.item_status_words(made.act.new)}"
    return made.act.words()


def _lines(session: Session, made: Plan) -> Iterator[Line]:
    """The first ones, as they are and as they would be."""
    ids = [number for number, _version in made.rows[: batch_edit.SHOWN]]
    planned = {p.id: p for p in batch_edit.plan(session, made.act, ids) if not p.why}
    table: type[Any] = Notice if made.act.kind.about == "notice" else Item
    rows = {row.id: row for row in session.scalars(select(table).where(table.id.in_(ids)))}
    places = {place.id: place.name for place in items.list_locations(session)}
    for number in ids:
        if number in planned and number in rows:
            found = _changes(rows[number], planned[number], places)
            yield _line(session, rows[number], tuple(found))


def _line(session: Session, row: Any, found: tuple[Difference, ...] = ()) -> Line:
    if isinstance(row, Notice):
        return Line(desk_history.title_or_none(row.title), row.address, differences=found)
    notice = session.get_one(Notice, row.notice_id)
    return Line(desk_history.title_or_none(notice.title), notice.address, row.call_number or row.code, found)


def _changes(row: Any, planned: Planned, places: Mapping[int, str]) -> list[Difference]:
    if isinstance(row, Notice):
        found = differences.between(row.fields, planned.fields)
        found = [one for one in found if " $" not in one.label] or found  # codes, where words say it already
        if planned.status and planned.status != row.status:
            found.insert(0, _replaced(_("État"), *map(desk_history.status_words, (row.status, planned.status))))
        return [Difference(one.label, differences.shortened(one.pieces)) for one in found]
    state = batch_edit.state_of(row, places)
    return [_copy_change(name, getattr(state, name), new) for name, new in planned.values.items()]


def _copy_change(name: str, old: Any, new: Any) -> Difference:
    if name == "hidden":
        return _replaced(_("Public"), *(_("caché") if hidden else _("visible") for hidden in (old, new)))
    if name == "status":
        old, new = map(desk_history.item_status_words, (old, new))
    label = {"call_number": _("Cote"), "location": _("Emplacement"), "section": _("Section"), "status": _("État")}[name]
    return _replaced(label, old, new)


def _replaced(label: str, old: str, new: str) -> Difference:
    return Difference(label, tuple(piece for piece in (("del", old), ("ins", new)) if piece[1]))


def _why(session: Session, made: Plan) -> list[tuple[int, str, list[Line]]]:
    """How many stay as they are, why, and the first of them: the most first."""
    out = []
    for why, n in sorted(made.left.items(), key=lambda one: (-one[1], one[0])):
        named = _named(session, made.act, [(number, why) for number in made.examples[why]])
        out.append((n, _(WHY[why]), [line for line, _why in named]))
    return out


def _named(session: Session, act: Act, rows: list[tuple[int, str]]) -> Iterator[tuple[Line, str]]:
    table: type[Any] = Notice if act.kind.about == "notice" else Item
    found = {row.id: row for row in session.scalars(select(table).where(table.id.in_([n for n, _why in rows])))}
    for number, why in rows:
        if number in found:
            yield _line(session, found[number]), why
