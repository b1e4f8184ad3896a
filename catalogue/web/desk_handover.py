"""« Reprise de poste »: a page for who takes the post over, and what is written for the next one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import cleaning, db, handover
from catalogue.i18n import _
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, following_pages
from catalogue.web.public import to
from harvest.lookup import settings


@blueprint.get("/reprise")
@needs("contributor")
def take_over() -> ResponseReturnValue:
    session, zone = ctx.get_session(), ZoneInfo(ctx.settings().timezone)
    page = handover.read(session, db.now(), zone, habits=settings.habits_in_words(session))
    pages = {
        "results": to("results"),
        "inventory": url_for("desk.inventory"),
        "runs": url_for("desk_runs.list"),
        "inbox": url_for("desk.to_review"),
        "refused": url_for("desk.refused"),
        "backups": url_for("settings.backups"),
        "begun": url_for("desk.new"),
        **following_pages(),
        **{f"cleaning:{task}": url_for("desk_cleaning.task", name=task) for task in cleaning.CHANTIERS},
    }
    needed = {"results": "contributor", "inventory": "contributor", "begun": "contributor", "backups": "admin"}
    needed |= {"loans": "contributor", "periodicals": "contributor"}
    may_open = {name for name in pages if current_user.may(needed.get(name, "documentalist"))}
    return render_template(
        "desk/handover.html",
        page=page,
        written=handover.WRITTEN,
        pages={name: address for name, address in pages.items() if name in may_open},
    )


@blueprint.route("/reprise/ecrire", methods=["GET", "POST"])
@needs("documentalist")
def write_for_the_next() -> ResponseReturnValue:
    theirs = None
    typed = {name: request.form.get(name, "") for name in handover.WRITTEN}
    if request.method == "POST":
        with ctx.get_writer() as session:
            kept = handover.write(session, typed, by=current_user.login, seen=request.form.get("vu", ""))
        if kept:
            flash(_("C’est noté pour la suite."), "ok")
            return redirect(url_for("desk.take_over"), 303)
        theirs = handover.texts(ctx.get_session())
    now = handover.texts(ctx.get_session())
    page = render_template(
        "desk/handover_write.html",
        written=handover.WRITTEN,
        said=typed if theirs else now.said,
        mark=now.mark,
        theirs=theirs,
        versions=handover.versions(ctx.get_session()),
    )
    return page, 409 if theirs else 200
