"""Are these two one document? Two notices side by side, taking apart what was brought together, and taking a record
off the notice it was joined to."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import inbox, joining, notices, reviewing
from catalogue.desk_history import title_or_none
from catalogue.i18n import _
from catalogue.inbox_pages import pairs
from catalogue.models import LIVING, Claim, Notice
from catalogue.reviewing import Done
from catalogue.web import ctx, deciding
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.typed import read_number


@blueprint.get("/a-revoir/doublons/<one>/<other>")
@needs("documentalist")
def twins(one: str, other: str) -> ResponseReturnValue:
    return _twins(one, other)


@blueprint.post("/a-revoir/doublons/<one>/<other>")
@needs("documentalist")
def decide_twins(one: str, other: str) -> ResponseReturnValue:
    action, choices, marks = request.form.get("action", ""), deciding.choices(), deciding.marks()
    if action == "preview":
        return _twins(one, other, choices=choices, marks=marks, tried=True)
    if action not in ("same", "different", "later"):
        abort(400)
    with deciding.writer() as session:
        left, right = _both(session, one, other)
        by, asked = current_user.login, inbox.unsure_between(session, left, right)
        if action == "same":
            done = reviewing.join(session, left, right, choices, marks, by=by)
        else:
            done = Done("later") if action == "later" else reviewing.tell_apart(session, left, right, by=by)
        title, gone = title_or_none(left.title), pairs.why_gone(session, left, right)
        follows = inbox.doubt_after(session, asked[0].id) if asked else None
    if done.what == "moved":
        return _twins(one, other, choices=choices, marks=marks, moved=True)
    if done.what == "done" and action == "same":
        flash(_("« %(title)s » : les deux notices n’en font plus qu’une.") % {"title": title}, "ok")
    elif done.what == "done":
        flash(_("C’est noté : « %(title)s » ne sera plus rapprochée de celle-ci.") % {"title": title}, "ok")
    elif done.what == "already":
        flash(_("C’était déjà noté : « %(title)s » n’est pas rapprochée de celle-ci.") % {"title": title}, "")
    elif done.what == "gone":
        flash(gone, "warn")
    if follows:
        return redirect(url_for("desk.twins", one=follows[0], other=follows[1]), 303)
    return redirect(url_for("desk.to_review"), 303)


def _twins(one: str, other: str, *, moved: bool = False, tried: bool = False, **sent: Any) -> ResponseReturnValue:
    session = ctx.get_session()
    left, right = _both(session, one, other)
    if left.status not in LIVING or right.status not in LIVING:
        flash(pairs.why_gone(session, left, right), "warn")
        return redirect(url_for("desk.to_review"))
    page = pairs.pair_page(session, left, right, **sent)
    shown = render_template(
        "desk/twins.html", page=page, one=one, other=other, moved=moved, tried=tried, done=deciding.last_act()
    )
    return shown, 409 if moved else 200


def _both(session: Session, one: str, other: str) -> tuple[Notice, Notice]:
    left, right = notices.find(session, one), notices.find(session, other)
    if left is None or right is None or left.id == right.id:
        abort(404)
    return left, right


@blueprint.post("/notices/<address>/separer")
@needs("documentalist")
def separate(address: str) -> ResponseReturnValue:
    """Take apart what was brought together: both are there again, each at its address."""
    with deciding.writer() as session:
        loser = notices.find(session, address) or abort(404)
        title = title_or_none(loser.title)
        try:
            done = reviewing.separate(session, loser, by=current_user.login)
        except joining.NotMergeable as refusal:
            flash(refusal.sentence(), "warn")
            return redirect(url_for("desk.notice_history", address=address), 303)
    flash(_("« %(title)s » est de nouveau une notice à part.") % {"title": title}, "ok")
    return redirect(url_for("desk.notice_history", address=address, lot=done.lot), 303)


@blueprint.post("/notices/<address>/pas-la-meme")
@needs("documentalist")
def not_the_same(address: str) -> ResponseReturnValue:
    """« Ce n’est pas la même »: the record of a source leaves the notice that it was joined to."""
    given = request.form.get("source", "")
    with deciding.writer() as session:
        notice = notices.find(session, address) or abort(404)
        claim = session.get(Claim, read_number(given) or 0)
        if claim is None or claim.notice_id != notice.id:
            abort(404)
        try:
            done, made = reviewing.part(session, claim, by=current_user.login)
        except joining.NotMergeable as refusal:
            flash(refusal.sentence(), "warn")
            return redirect(url_for("desk.notice_history", address=address), 303)
        said = {"title": title_or_none(made.title), "address": made.address}
    flash(
        _("C’est noté : « %(title)s » est une notice à part, /d/%(address)s, qui attend dans « À revoir ».") % said,
        "ok",
    )
    return redirect(url_for("desk.notice_history", address=address, lot=done.lot), 303)
