"""What a source may do by itself, as a table and as a text; letting its rules decide what waits; striking one out."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import inbox, reviewing, source_pages, source_rules
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.merging import rules
from catalogue.problems import Problem
from catalogue.proposals import CATEGORIES
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.desk_sources import blueprint

CHANGED = N_(
    "Ces règles ont changé pendant que cette page était ouverte. "
    "Voici celles de maintenant : relisez, puis refaites votre changement."
)


@blueprint.route("/<path:name>/regles", methods=["GET", "POST"])
@needs("documentalist")
def edit_rules(name: str) -> ResponseReturnValue:
    if request.method == "GET":
        return _shown(name)
    action, text = request.form.get("action", ""), request.form.get("texte", "")
    problems: list[Problem] = []
    if action == "apply":
        return _apply(name)
    if action == "strike":
        return _strike(name)
    if action == "text":
        table, problems = rules.parse_rules(text)
    else:
        table = source_rules.from_form(request.form.items())
    if problems:
        return _shown(name, text, problems)
    try:
        with ctx.get_writer() as session:
            source = source_pages.find(session, name) or abort(404)
            changed = source_rules.put(session, source, table, by=current_user.login, seen=request.form.get("vu"))
    except source_rules.Stale:
        flash(_(CHANGED), "warn")
        return _shown(name, text, status=409)
    flash(_("Les règles sont enregistrées.") if changed else _("Rien n’a changé."), "ok" if changed else "")
    return redirect(url_for("desk_sources.edit_rules", name=name), 303)


def _apply(name: str) -> ResponseReturnValue:
    source = source_pages.find(ctx.get_session(), name) or abort(404)
    number = source.id
    ctx.end_session()
    done = reviewing.apply_rules(ctx.travee().db, number, by=current_user.login)
    ctx.travee().drain_briefly()
    words = ngettext(
        "%(n)s proposition est décidée par ces règles.", "%(n)s propositions sont décidées par ces règles.", done.n
    )
    flash(
        words % {"n": format_number(done.n)} if done.lot else _("Ces règles ne décident rien de ce qui attend."),
        "ok" if done.lot else "",
    )
    return redirect(url_for("desk_sources.edit_rules", name=name, lot=done.lot), 303)


def _strike(name: str) -> ResponseReturnValue:
    """« Retirer aussi la règle »"""
    group, _dot, kind = request.form.get("ligne", "").partition(".")
    with ctx.get_writer() as session:
        source = source_pages.find(session, name) or abort(404)
        gone = source_rules.strike(session, source, group, kind, by=current_user.login)
    if gone:
        flash(_("La règle est retirée : ces propositions attendront votre décision."), "ok")
    else:
        flash(_("Cette règle n’est plus dans la table."), "")
    return redirect(url_for("desk_sources.edit_rules", name=name), 303)


def _shown(name: str, text: str = "", problems: Sequence[Problem] = (), *, status: int = 200) -> ResponseReturnValue:
    session = ctx.get_session()
    source = source_pages.find(session, name) or abort(404)
    table = source_rules.of_source(source)
    shown = render_template(
        "desk/source_rules.html",
        name=source.name,
        rows=source_rules.rows(table),
        sentences=rules.sentences(table),
        text=text or rules.format_rules(table),
        errors=[("texte", problem.message) for problem in problems],
        changes=source_rules.changes_of(source),
        mark=source_rules.mark(table),
        waiting=sum(inbox.count_inbox(session, source=source.name).get(kind, 0) for kind in CATEGORIES),
        done=done_lot(),
    )
    return shown, 422 if problems else status
