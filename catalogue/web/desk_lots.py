"""« Historique et annulations »: every lot, what it changed, and taking it back."""

from __future__ import annotations

import re

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import desk_history, lot_pages, reviewing
from catalogue import lots as engine
from catalogue.i18n import _, format_number, ngettext
from catalogue.lot_pages import MACHINES, PEOPLE, Asked
from catalogue.models import Batch
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.desk_notices import page_asked

LONGEST_WORDS = 200
BACK = re.compile(
    r"/bureau/(a-revoir|moissons/\d+/\d+|autorites|descripteurs|classement|nettoyage|sujets/candidats)"
    r"([/?][\w/?&=%.+-]*)?"
)


@blueprint.get("/historique")
@needs("reader")
def lots() -> ResponseReturnValue:
    number, session = page_asked(request.args), ctx.get_session()
    by, kinds = lot_pages.choices(session)
    given = {name: request.args.get(name, "").strip()[:LONGEST_WORDS] for name in ("qui", "genre", "q")}
    chosen = Asked(
        who=given["qui"] if given["qui"] in (*by, PEOPLE, MACHINES) else "",
        kind=given["genre"] if given["genre"] in desk_history.LOT_WORDS else "",
        words=given["q"],
    )
    found, older = lot_pages.list_lots(session, number, chosen)
    asked = {"qui": chosen.who or None, "genre": chosen.kind or None, "q": chosen.words or None}
    return render_template(
        "desk/lots.html",
        lots=found,
        page=number,
        older=older,
        may_undo=_may_undo,
        chosen=chosen,
        asked=asked,
        by=by,
        kinds=kinds,
        groups=((PEOPLE, _("Des personnes")), (MACHINES, _("De la machine"))),
    )


@blueprint.get("/historique/<int(max=2147483647):number>")
@needs("reader")
def lot(number: int) -> ResponseReturnValue:
    batch = engine.get(ctx.get_session(), number) or abort(404)
    page = lot_pages.lot_page(ctx.get_session(), batch)
    return render_template("desk/lot.html", page=page, lot=page.lot, may_undo=_may_undo)


@blueprint.post("/historique/<int(max=2147483647):number>/annuler")
@needs("contributor")
def undo(number: int) -> ResponseReturnValue:
    """Take a lot back, and say what was restored and what was left, and why."""
    batch = engine.get(ctx.get_session(), number) or abort(404)
    if not _may_undo(batch):
        abort(403)
    words = desk_history.lot_words(batch.kind)
    ctx.end_session()
    try:
        result = engine.undo_in_parts(ctx.travee().db, number, by=current_user.login)
    except engine.NotUndoable as refusal:
        return render_template("desk/undone.html", result=None, reason=_reason(refusal.code), words=words), 409
    ctx.travee().drain_briefly()
    session = ctx.get_session()
    made = result.batch.id if result.batch else None
    # Said as the lot's own page says it: what was agreed beside each notice is not counted.
    restored = lot_pages.count_of(session, result.batch) if result.batch else 0
    behind = reviewing.rules_behind(session, session.get_one(Batch, number)) if result.restored else []
    back = _back()
    if back and result.restored and not (result.left or behind):
        words = ngettext("%(n)s changement a été annulé.", "%(n)s changements ont été annulés.", restored)
        flash(words % {"n": format_number(restored)}, "ok")
        return redirect(back, 303)
    return render_template(
        "desk/undone.html",
        result=result,
        made=made,
        words=words,
        number=number,
        restored=restored,
        behind=behind,
        back=back,
    )


def _back() -> str:
    """The page of « À revoir », or of an authority, where one was, to go on there."""
    asked = request.form.get("retour", "")
    return request.script_root + asked if BACK.fullmatch(asked) else ""


def _reason(code: str) -> str:
    return _(desk_history.NOT_UNDOABLE[code])


def _may_undo(lot: Batch | lot_pages.Lot) -> bool:
    """A contributor takes back their own acts, a documentalist anybody's."""
    if not current_user.may("contributor"):
        return False
    return current_user.may("documentalist") or lot.by == current_user.login
