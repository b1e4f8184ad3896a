"""Under which licence a source gives its notices, and what of them may be given on: a page of the source."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import source_pages, source_terms, terms
from catalogue.i18n import N_, _
from catalogue.merging import GROUPS
from catalogue.problems import Problem
from catalogue.source_rules import Stale
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk_sources import blueprint

OTHER = "autre"  # the choice behind which a licence is named in words
FIELDS = {"licence": "autre_licence", "resend": "redonner", "withheld": "garder-title"}
CHANGED = N_(
    "Quelqu’un l’a changé pendant que cette page était ouverte. "
    "Voici ce qui est dit maintenant : relisez, puis refaites votre changement."
)


@blueprint.route("/<path:name>/licence", methods=["GET", "POST"])
@needs("documentalist")
def edit_terms(name: str) -> ResponseReturnValue:
    """As a form, or the same as a text."""
    if request.method == "GET":
        return _shown(name)
    text = request.form.get("texte", "")
    if request.form.get("action") == "text":
        said, problems = terms.parse_terms(text)
        if problems:
            return _shown(name, text=text, problems=problems)
    else:
        said, problems = terms.checked(_given())
        if problems:
            return _shown(name, given=_given(), problems=problems)
    try:
        with ctx.get_writer() as session:
            source = source_pages.find(session, name) or abort(404)
            changed = source_terms.put(session, source, said, by=current_user.login, seen=request.form.get("vu"))
    except Stale:
        flash(_(CHANGED), "warn")
        return _shown(name, status=409)
    flash(_("C’est enregistré.") if changed else _("Rien n’a changé."), "ok" if changed else "")
    return redirect(url_for("desk_sources.edit_terms", name=name), 303)


def _given() -> dict[str, object]:
    """What is written is only forgotten when a licence of the list was chosen."""
    chosen, written = request.form.get("licence", ""), request.form.get("autre_licence", "")
    return {
        "licence": written if chosen in ("", OTHER) else chosen,
        "resend": request.form.get("redonner", ""),
        "withheld": request.form.getlist("garder"),
    }


def _shown(
    name: str,
    *,
    text: str = "",
    given: dict[str, object] | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> ResponseReturnValue:
    session = ctx.get_session()
    source = source_pages.find(session, name) or abort(404)
    kept = source_terms.of_source(source)
    shown = given or {"licence": kept.licence, "resend": kept.resend, "withheld": kept.withheld}
    page = render_template(
        "desk/source_terms.html",
        name=source.name,
        licence=shown["licence"],
        known=[licence.name for licence in terms.LICENCES],
        other=OTHER,
        resend=shown["resend"],
        answers=terms.ANSWERS,
        withheld=shown["withheld"],
        groups=GROUPS.values(),
        text=text or terms.format_terms(kept),
        typed=bool(text),
        errors=[("texte" if text else FIELDS.get(p.tag, "redonner"), p.message) for p in problems],
        changes=source_terms.changes_of(source),
        mark=source_terms.mark_of(kept),
    )
    return page, 422 if problems else status
