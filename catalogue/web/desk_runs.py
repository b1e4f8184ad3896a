"""« Moissons »: what each night has brought, what is to come, and asking for one now.

No page harvests: it writes down what is wished, and the worker does it (`harvest.nightly`).
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import alerts, db, floods, history, nights, run_page, runs, sources, timeline
from catalogue.i18n import _, format_instant, format_number, ngettext, of
from catalogue.models import Run, Source
from catalogue.nights import Asked
from catalogue.run_page import RunPage
from catalogue.schedule import EVERY_DAY, SUNDAY, USUAL_HOUR, Schedule
from catalogue.web import ctx, desk
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.desk_notices import page_asked
from catalogue.web.typed import read_number
from harvest import retention

blueprint = Blueprint("desk_runs", __name__, url_prefix="/bureau/moissons")
blueprint.after_request(desk.keep_private)

NUMBER = "<int(max=2147483647):number>"
LONGEST_KEPT = 3650  # days


def _zone() -> ZoneInfo:
    return ZoneInfo(ctx.settings().timezone)


# --- the list --------------------------------------------------------------------------------


@blueprint.get("", endpoint="list")
@needs("reader")
def list_runs() -> ResponseReturnValue:
    return _listed()


def _listed(error: str = "", typed: str = "") -> ResponseReturnValue:
    session, now, number = ctx.get_session(), db.now(), page_asked(request.args)
    found, older = runs.list_runs(session, now, number)
    shown = render_template(
        "desk/runs.html",
        sources=runs.list_nights(session, now, _zone()),
        timeline=timeline.timeline(session, now, _zone()),
        runs=found,
        page=number,
        older=older,
        keep_days=typed or nights.keep_days(session),
        trouble=alerts.trouble(session),
        may_decide=current_user.may("documentalist"),
        errors=[("jours", error)] if error else [],
    )
    return shown, 422 if error else 200


@blueprint.post("/conservation")
@needs("documentalist")
def keep() -> ResponseReturnValue:
    """How long the pages that partners have sent are kept."""
    typed = request.form.get("jours", "").strip()
    days = read_number(typed, 1, LONGEST_KEPT)
    if days is None:
        words = _("Écrivez un nombre de jours, de 1 à %(n)s.") % {"n": format_number(LONGEST_KEPT)}
        return _listed(words, typed[:20])
    with ctx.get_writer() as session:
        nights.set_keep_days(session, days)
    flash(_("C’est noté : les pages reçues sont gardées %(n)s jours.") % {"n": format_number(days)}, "ok")
    return redirect(url_for("desk_runs.list"), 303)


@blueprint.post("/demander")
@needs("documentalist")
def ask() -> ResponseReturnValue:
    """« Moissonner maintenant »: the worker does it as soon as it can."""
    full = request.form.get("full") == "1"
    with ctx.get_writer() as session:
        source = sources.find(session, request.form.get("source", ""))
        if source is None or source.id not in {one.id for one in nights.harvested(session)}:
            abort(404)
        nights.ask(session, Asked(source.id, current_user.login, db.now(), full=full))
        name = source.name
    ctx.travee().harvest_soon()
    flash(_("La moisson %(of_source)s commence dès que possible ; suivez-la ici.") % {"of_source": of(name)}, "ok")
    return redirect(url_for("desk_runs.list"), 303)


# --- one run ---------------------------------------------------------------------------------


@blueprint.get(f"/{NUMBER}")
@needs("reader")
def show(number: int) -> ResponseReturnValue:
    session = ctx.get_session()
    run, _source = _found(session, number)
    if run.kind == "import":
        return redirect(url_for("desk_reports.show", number=number))
    page = _page(session, number)
    on_disk, size = retention.size_on_disk(ctx.settings(), session, number)
    return render_template(
        "desk/run.html",
        page=page,
        on_disk=on_disk,
        size=size,
        may_decide=current_user.may("documentalist"),
        done=done_lot(),
        resend=_resend(page.resend),
    )


@blueprint.get(f"/{NUMBER}.json")
@needs("reader")
def as_json(number: int) -> ResponseReturnValue:
    session = ctx.get_session()
    run, _source = _found(session, number)
    if run.kind == "import":
        return redirect(url_for("desk_reports.as_json", number=number))
    return run_page.document(_page(session, number))


@blueprint.post(f"/{NUMBER}/relire")
@needs("documentalist")
def replay(number: int) -> ResponseReturnValue:
    """Read the stored pages again: without the partner, as this version of the program reads them."""
    with ctx.get_writer() as session:
        run, source = _found(session, number)
        on_disk, _size = retention.size_on_disk(ctx.settings(), session, number)
        possible = run.kind == "harvest" and run.status != "running" and on_disk > 0
        if possible:
            nights.ask(session, Asked(source.id, current_user.login, db.now(), replay=number))
    if possible:
        ctx.travee().harvest_soon()
        flash(_("Les pages gardées seront relues dès que possible, comme une moisson à part."), "ok")
    else:
        flash(_("Les pages de cette moisson ne sont plus là : moissonnez de nouveau la source."), "warn")
    return redirect(url_for("desk_runs.show", number=number), 303)


@blueprint.post(f"/{NUMBER}/disparitions")
@needs("documentalist")
def disappearances(number: int) -> ResponseReturnValue:
    """Many records gone at once: whether to believe it. Believed, the worker asks for each by name."""
    choices: dict[str, bool | None] = {"croire": True, "garder": False, "reprendre": None}
    chosen = request.form.get("reponse", "")
    if chosen not in choices:
        abort(422)
    with ctx.get_writer() as session:
        history.turn(session)  # two colleagues may answer at once
        run, source = _found(session, number)
        flood = floods.find(session, run, source) or abort(404)
        said = flood.answer if chosen != "reprendre" else None
        mine = flood.is_open and said is None
        if mine:
            floods.answer(session, flood, choices[chosen], by=current_user.login, at=db.now())
        if mine and choices[chosen]:
            nights.ask(session, Asked(source.id, current_user.login, db.now()))
        count = flood.count
    if said is not None:
        words = {
            True: _("%(by)s a déjà répondu, %(at)s : les croire. Cette réponse est gardée."),
            False: _("%(by)s a déjà répondu, %(at)s : ne pas les croire. Cette réponse est gardée."),
        }[said.believed]
        flash(words % {"by": said.by, "at": format_instant(said.at)}, "warn")
    elif not flood.is_open:
        flash(_("Une autre moisson est passée depuis : c’est sa page qui demande ce qui reste à dire."), "warn")
    elif choices[chosen]:
        ctx.travee().harvest_soon()
        flash(_("C’est noté : Travée les redemande une à une dès que possible."), "ok")
    elif chosen == "garder":
        told = ngettext(
            "C’est noté : elle est tenue pour vivante.", "C’est noté : les %(n)s sont tenues pour vivantes.", count
        )
        flash(told % {"n": format_number(count)}, "ok")
    else:
        flash(_("Votre réponse est reprise : la question est posée de nouveau."), "ok")
    return redirect(url_for("desk_runs.show", number=number, _anchor="disparitions"), 303)


def _found(session: Session, number: int) -> tuple[Run, Source]:
    return run_page.find(session, number) or abort(404)


def _page(session: Session, number: int) -> RunPage:
    wanted = read_number(request.args.get("refus", "1"), most=99_999)
    wanted = 1 if wanted is None else wanted
    return run_page.page(session, *_found(session, number), db.now(), _zone(), refused_page=wanted)


def _resend(code: str) -> str:
    words = {"unsaid": _("pas encore dit"), "yes": _("oui"), "no": _("non"), "partly": _("en partie")}
    return words.get(code, code)


# --- the schedule of a source ----------------------------------------------------------------


@blueprint.route(f"/horaires/{NUMBER}", methods=["GET", "POST"])
@needs("documentalist")
def schedule(number: int) -> ResponseReturnValue:
    session = ctx.get_session()
    source = next((one for one in nights.harvested(session) if one.id == number), None) or abort(404)
    if request.method == "GET":
        known = nights.get_schedule(session, number)
        first = known.since is None  # never set: what one most likely wishes is proposed
        return _scheduling(source, Schedule(on=True) if first else known, hours=_hours(session, number), first=first)
    wished, hours = _typed(), request.form.get("duree", _hours(session, number)).strip()
    errors: list[tuple[str, str]] = []
    if wished.on and not wished.days:
        errors.append(("jours", _("Cochez au moins un jour, ou choisissez « seulement à la demande ».")))
    if not (hours.isdecimal() and len(hours) < 4 and 1 <= int(hours) <= nights.LONGEST_HOURS):
        errors.append(("duree", _("Écrivez un nombre d’heures, de 1 à %(n)s.") % {"n": nights.LONGEST_HOURS}))
    if errors:
        return _scheduling(source, wished, hours=hours[:20], errors=errors)
    with ctx.get_writer() as writing:
        nights.set_schedule(writing, number, wished)
        nights.set_hours(writing, number, int(hours))
    flash(_("L’horaire %(of_source)s est enregistré.") % {"of_source": of(source.name)}, "ok")
    return redirect(url_for("desk_runs.list"), 303)


def _typed() -> Schedule:
    hour, full_day = request.form.get("heure", ""), request.form.get("tout", "")
    return Schedule(
        on=request.form.get("marche") == "oui",
        hour=int(hour) if hour in {str(n) for n in range(24)} else USUAL_HOUR,
        days=tuple(day for day in EVERY_DAY if str(day) in request.form.getlist("jours")),
        full_day=None if full_day == "libre" else int(full_day) if full_day in map(str, EVERY_DAY) else SUNDAY,
    )


def _hours(session: Session, number: int) -> str:
    return f"{nights.hours(session, number):g}"


def _scheduling(
    source: Source, wished: Schedule, *, hours: str, first: bool = False, errors: Sequence[tuple[str, str]] = ()
) -> ResponseReturnValue:
    session = ctx.get_session()
    shown = render_template(
        "desk/schedule.html",
        source=source,
        wished=wished,
        first=first,
        days=[(n, _(name)) for n, name in enumerate(runs.DAYS)],
        hours=[(n, runs.clock_words(n, nights.minute(session))) for n in range(24)],
        zone=ctx.settings().timezone,
        hours_given=hours,
        errors=errors,
    )
    return shown, 422 if errors else 200
