"""« Sources »: where records come from, how their copies are read, and what their codes mean here.

What a source may do by itself is in `desk_rules`, what may be done with its notices in `desk_terms`, on this blueprint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import copies, item_profiles, rereading, source_addresses, source_pages, source_rules, source_terms
from catalogue.i18n import _
from catalogue.merging import rules
from catalogue.problems import Problem
from catalogue.web import ctx, desk
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.typed import read_number

LONGEST_ADDRESS = 2_000  # signs
blueprint = Blueprint("desk_sources", __name__, url_prefix="/bureau/sources")
blueprint.after_request(desk.keep_private)


@blueprint.get("", endpoint="list")
@needs("documentalist")
def list_sources() -> ResponseReturnValue:
    return render_template("desk/sources.html", sources=source_pages.list_sources(ctx.get_session()))


@blueprint.get("/<path:name>")
@needs("documentalist")
def show(name: str) -> ResponseReturnValue:
    """`habitude` fills the text with a habit that Travée knows, `version` with how it was before a change."""
    habit, version = request.args.get("habitude", ""), request.args.get("version", "")
    known = habit in habits()
    return _shown(
        name,
        text=item_profiles.format_items(habit) if known else None,
        version=read_number(version, most=999),
        unsaved=known or bool(version),
    )


@blueprint.post("/<path:name>")
@needs("documentalist")
def save(name: str) -> ResponseReturnValue:
    """Try a profile, keep it, or read again the copies that came in before it."""
    action, text = request.form.get("action", ""), request.form.get("items", "")
    if action == "reread":
        return _reread(name)
    chosen, problems = item_profiles.parse_items(text)
    if problems or action == "try":
        return _shown(name, text=text, problems=problems, unsaved=True, tried=not problems)
    with ctx.get_writer() as session:
        source = source_pages.find(session, name) or abort(404)
        changed = source_pages.save(session, source, chosen, _meanings(), by=current_user.login)
    if changed:
        flash(_("Le profil est enregistré : il servira au prochain import de cette source."), "ok")
    else:
        flash(_("Rien n’a changé."), "")
    return redirect(url_for("desk_sources.show", name=name), 303)


@blueprint.post("/<path:name>/adresse")
@needs("admin")
def move(name: str) -> ResponseReturnValue:
    """Ask this partner at another address from now on."""
    typed = request.form.get("adresse", "")
    try:
        with ctx.get_writer() as session:
            source = source_pages.find(session, name) or abort(404)
            if source.kind != "oai":
                abort(404)
            changed = source_addresses.change(session, source, typed, by=current_user.login)
    except source_addresses.BadAddress as refusal:
        return _shown(name, address=typed[:LONGEST_ADDRESS], amiss=str(refusal))
    words = _("C’est noté : la prochaine moisson redemande tout, à cette adresse.")
    flash(words if changed else _("Rien n’a changé."), "ok" if changed else "")
    return redirect(url_for("desk_sources.show", name=name, _anchor="adresse"), 303)


def _reread(name: str) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        source = source_pages.find(session, name) or abort(404)
        done = rereading.reread(session, source, by=current_user.login)
        words = rereading.words_of(done)
        lot = done.batch.id if done.batch else None
    flash(" ".join(words), "ok" if lot else "")
    return redirect(url_for("desk_sources.show", name=name, lot=lot), 303)


def _shown(
    name: str,
    *,
    text: str | None = None,
    version: int | None = None,
    problems: Sequence[Problem] = (),
    unsaved: bool = False,
    tried: bool = False,
    address: str | None = None,
    amiss: str = "",
) -> ResponseReturnValue:
    session = ctx.get_session()
    source = source_pages.find(session, name) or abort(404)
    meanings = list(_meanings())
    page = source_pages.page(session, source, text=text, meanings=meanings, version=version)
    typed = {(about, code): means for about, code, means in meanings}
    shown = render_template(
        "desk/source.html",
        page=page,
        errors=[("items", problem.message) for problem in problems],
        habits=habits(),
        choices=source_pages.choices,
        typed=typed,
        unsaved=unsaved,
        tried=tried,
        done=done_lot(),
        rules=rules.sentences(source_rules.of_source(source)),
        terms=source_terms.of_source(source),
        address=source.url if address is None else address,
        amiss=amiss,
        moves=source_addresses.changes_of(source),
    )
    return shown, 422 if problems or amiss else 200


def habits() -> dict[str, str]:
    """The habits that Travée knows, as links call them."""
    words = {
        item_profiles.AUTO: _("selon chaque notice"),
        item_profiles.PMB: "PMB",
        "koha": "Koha",
        "recommandation": _("Recommandation 995"),
        "marc21": "MARC 21 (852)",
        "koha_marc21": "Koha (MARC 21)",
        "sirsi": "SirsiDynix",
    }
    return {name: words.get(name, name) for name in (item_profiles.AUTO, item_profiles.PMB, *copies.tables())}


def _meanings() -> Iterator[source_pages.Meaning]:
    """What was typed beside each code: (about, code, meaning)."""
    names = ("about", "code", "means")
    yield from zip(*(request.form.getlist(name) for name in names), strict=False)
