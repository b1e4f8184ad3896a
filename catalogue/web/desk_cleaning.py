"""« Nettoyage »: the tasks with their counts, one group after the other, the day to print.

Several people work at once: what a page shows is read anew when it is answered, and a group that somebody has changed
meanwhile comes back alone, as it is now.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import cleaning, db
from catalogue.cleaning import CHANTIERS, Chantier, Group, looking, summary, taking
from catalogue.form import one_line
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import CleaningGroup
from catalogue.web import background, ctx, deciding
from catalogue.web.auth import needs, needs_helper
from catalogue.web.desk import done_lot, keep_private

blueprint = Blueprint("desk_cleaning", __name__, url_prefix="/bureau/nettoyage")
blueprint.after_request(keep_private)
LONGEST = 500  # signs of a form that is typed


def zone() -> ZoneInfo:
    return ZoneInfo(ctx.settings().timezone)


def today() -> date:
    return db.now().astimezone(zone()).date()


@blueprint.app_template_filter("hour")
def format_hour(value: datetime) -> str:
    """« 10:42 », here."""
    return value.astimezone(zone()).strftime("%H:%M")


@blueprint.get("")
@needs_helper("cleaning", "documentalist")
def tasks() -> ResponseReturnValue:
    session = ctx.get_session()
    return render_template(
        "desk/cleaning.html",
        tasks=CHANTIERS,
        counts=looking.counts(session, list(CHANTIERS)),
        rooms=_rooms(session),
        today=today(),
    )


@blueprint.post("/compter")
@needs("documentalist")
def count() -> ResponseReturnValue:
    """Go through the base now, one task or all of them, beside whatever people do."""
    task = request.form.get("chantier", "")
    every = cleaning.with_names(ctx.travee().names)
    wanted = {name: chantier for name, chantier in every.items() if task in ("", name)} or abort(404)
    base = ctx.travee().db
    if not background.begin("nettoyage", lambda: looking.look_at_all(base, wanted)):
        flash(_("Le compte se fait : actualisez cette page dans un moment."), "")
    return redirect(url_for("desk_cleaning.task", name=task) if task else url_for("desk_cleaning.tasks"), 303)


@blueprint.get("/bilan")
@needs_helper("cleaning", "documentalist")
def day() -> ResponseReturnValue:
    try:
        wanted = date.fromisoformat(request.args.get("jour", "") or today().isoformat())
    except ValueError:
        abort(404)
    told = summary.of_day(ctx.get_session(), CHANTIERS, wanted, zone())
    return render_template("desk/cleaning_day.html", told=told, is_today=wanted == today())


@blueprint.get("/<name>")
@needs_helper("cleaning", "documentalist")
def task(name: str) -> ResponseReturnValue:
    return _shown(name)


@blueprint.get("/<name>/avancement")
@needs_helper("cleaning", "documentalist")
def room(name: str) -> ResponseReturnValue:
    """« salle : 118/260 faits », alone: what a page asks for now and then."""
    _found(name)
    return render_template("desk/cleaning_room.html", name=name, room=_rooms(ctx.get_session(), name)[name])


@blueprint.post("/<name>/prendre")
@needs_helper("cleaning", "documentalist")
def take(name: str) -> ResponseReturnValue:
    chantier = _found(name)
    with ctx.get_writer() as session:
        if not taking.take(session, name, chantier, by=current_user.login, at=db.now()):
            flash(_("Il n’y a plus rien à prendre."), "")
    return redirect(url_for("desk_cleaning.task", name=name), 303)


@blueprint.post("/<name>/rendre")
@needs_helper("cleaning", "documentalist")
def give_back(name: str) -> ResponseReturnValue:
    _found(name)
    with ctx.get_writer() as session:
        taking.give_back(session, name, by=current_user.login)
    return redirect(url_for("desk_cleaning.task", name=name), 303)


@blueprint.post("/<name>")
@needs_helper("cleaning", "documentalist")
def settle(name: str) -> ResponseReturnValue:
    chantier, action = _found(name), request.form.get("action", "apply")
    if action not in ("apply", "apart", "pass"):
        abort(400)
    lot = None
    with deciding.writer() as session:
        row = taking.get(session, name, request.form.get("cle", "")) or abort(404)
        if other := taking.holder(session, row, by=current_user.login, at=db.now()):
            flash(
                _("Ce groupe a été pris ou réglé par %(name)s entre-temps : voici le suivant.") % {"name": other},
                "warn",
            )
            return redirect(url_for("desk_cleaning.task", name=name), 303)
        group = chantier.read(session, row.what.get("refs", ()))
        if group is None:
            taking.gone(row)
            flash(_("Ce groupe était déjà réglé : voici le suivant."), "")
        elif action == "pass":
            taking.pass_over(row)
        elif group.mark != request.form.get("marque", ""):
            return _shown(name, row=row, group=group, moved=True)
        else:
            lot, problem = _settled(session, row, chantier, group, action)
            if problem:
                return _shown(name, row=row, group=group, problem=problem)
    return redirect(url_for("desk_cleaning.task", name=name, lot=lot), 303)


def _settled(
    session: Session, row: CleaningGroup, chantier: Chantier, group: Group, action: str
) -> tuple[int | None, str]:
    """The lot, and what is wrong."""
    by, ticked = current_user.login, group.chosen(request.form.getlist("membre"))
    if action == "apart":
        taking.set_apart(session, row, chantier, group, ticked, by=by)
        flash(_("C’est noté : ce groupe ne sera plus proposé."), "ok")
        return row.batch_id, ""
    form = one_line(request.form.get("forme", ""))
    if len(form) > LONGEST:
        return None, _("Ce texte est trop long.")
    done = taking.apply(session, row, chantier, group, ticked, form, by=by)
    if not done.problem:
        flash(" ".join(part for part in (_changed(done.n, group.unit), done.told) if part), "ok")
    return row.batch_id, done.problem


def _changed(n: int, unit: str) -> str:
    if not n:
        return _("C’est fait ; aucune notice n’avait à changer.")
    if unit == "copy":
        return ngettext("%(n)s exemplaire a été corrigé.", "%(n)s exemplaires ont été corrigés.", n) % {
            "n": format_number(n)
        }
    return ngettext("%(n)s notice a été corrigée.", "%(n)s notices ont été corrigées.", n) % {"n": format_number(n)}


def _shown(
    name: str,
    *,
    row: CleaningGroup | None = None,
    group: Group | None = None,
    problem: str = "",
    moved: bool = False,
) -> ResponseReturnValue:
    """The task: the group in hand, or what waits to be taken."""
    chantier, at = _found(name), db.now()
    session = ctx.get_session()
    mine = taking.mine(session, name, by=current_user.login, at=at)
    place = mine.behind + 1
    if row is None:
        for n, one in enumerate(mine.rows):
            if (group := chantier.read(session, one.what.get("refs", ()))) is not None:
                row, place = one, mine.behind + 1 + n
                break
    page = render_template(
        "desk/cleaning_task.html",
        name=name,
        chantier=chantier,
        mine=mine,
        row=row,
        group=group,
        place=place,
        count=looking.counts(session, [name])[name],
        room=_rooms(session, name)[name],
        free=None if row else taking.free(session, name, by=current_user.login, at=at),
        at_once=taking.AT_ONCE,
        minutes=taking.MINUTES,
        problem=problem,
        errors=[("forme" if group and group.has_form else "membres", problem)] if problem else [],
        moved=moved,
        ticked=set(request.form.getlist("membre")) if problem else None,
        typed=request.form.get("forme", "") if problem else None,
        lot=done_lot(),
    )
    return page, 422 if problem else 409 if moved else 200


def _rooms(session: Session, only: str = "") -> dict[str, taking.Room]:
    wanted = {only: CHANTIERS[only]} if only else CHANTIERS
    return taking.rooms(session, wanted, since=_morning(), at=db.now())


def _morning() -> datetime:
    return summary.beginning(today(), zone())


def _found(name: str) -> Chantier:
    """The task, as this visitor may do it."""
    chantier = CHANTIERS.get(name) or abort(404)
    return chantier if current_user.is_authenticated else chantier.helped or chantier
