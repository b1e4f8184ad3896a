"""The harvests that were made, and those to come: what « Moissons » shows at the desk, for a terminal or a script."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from catalogue import floods, nights, run_page, runs, sources
from catalogue.commands import as_json, fail, finish, running
from catalogue.commands.sources import harvest
from catalogue.db import now
from catalogue.i18n import _, format_instant, format_number
from catalogue.models import Source
from catalogue.schedule import EVERY_DAY, Schedule

ENGLISH_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@click.group("runs")
def group() -> None:
    """Les moissons faites, et celles qui viennent."""


@group.command("list")
@click.option("--source", "name", default="", help="D’une seule source.")
@click.option("--page", default=1, show_default=True, type=click.IntRange(1))
@as_json
def list_(name: str, page: int, as_json: bool) -> None:
    """Les moissons, la dernière d’abord."""
    with running(as_json) as travee, travee.db.read() as session:
        source = _source(session, name, as_json) if name else None
        found, older = runs.list_runs(session, now(), page, source_id=source.id if source else None)
    rows = [
        {
            "run": one.id,
            "source": one.source,
            "started_at": one.at.isoformat(),
            "status": one.state,
            "asked": one.kind,
            "reason": one.reason or None,
            "summary": one.in_short,
        }
        for one in found
    ]
    lines = [
        f"{one.id:>6}  {format_instant(one.at)}  {one.source} : {one.state_words}. {one.in_short} {one.reason}".rstrip()
        for one in found
    ]
    finish(as_json, {"runs": rows, "older": older}, *(lines or [_("Aucune moisson.")]))


@group.command("show")
@click.argument("number", type=int, metavar="N°")
@click.option("--page", default=1, show_default=True, type=click.IntRange(1), help="Des notices refusées.")
@as_json
def show(number: int, page: int, as_json: bool) -> None:
    """Une moisson : son bilan, ce qui l’a arrêtée, ce qui a été refusé."""
    with running(as_json) as travee, travee.db.read() as session:
        found = run_page.find(session, number)
        if found is None or found[0].kind != "harvest":
            fail(as_json, _("Aucune moisson ne porte le numéro {n}.").format(n=number))
        zone = ZoneInfo(travee.settings.timezone)
        one = run_page.page(session, *found, now(), zone, refused_page=page)
    lines = [f"{one.source}, {format_instant(one.started_at)} : {one.state_words} ({one.kind})."]
    lines += [f"  {words}" for words in (one.reason, one.advice) if words]
    lines += [f"  {term.label:<22} {format_number(term.count):>8}  {term.meaning}" for term in one.terms if term.count]
    lines.append(f"  {_('Reçues en tout'):<22} {format_number(one.received):>8}")
    for n, words in (
        (one.ruled, _("Changées par une règle")),
        (one.disappeared, _("Plus chez le partenaire")),
        (one.withdrawn, _("Détachées depuis")),
        (one.inbox, _("Attendaient à la fin")),
        (one.waits, _("Attendent à présent")),
    ):
        lines += [f"  {words:<22} {format_number(n):>8}"] if n else []
    if one.flood and one.flood.is_open and one.flood.answer is None:
        lines.append("  " + _("Les croire, ou non : travee runs believe {n} (--no).").format(n=one.id))
    lines += [f"  {note}" for note in one.notes]
    lines += [f"  {r.position}. {r.identifier} – {r.sentence} ({r.state_words})" for r in one.refused]
    finish(as_json, run_page.document(one), *lines)


@group.command("replay")
@click.argument("number", type=int, metavar="N°")
@as_json
@click.pass_context
def replay(context: click.Context, number: int, as_json: bool) -> None:
    """Relit les pages gardées d’une moisson, sans le partenaire : une moisson à part, qui s’annule comme les autres."""
    everything: dict[str, Any] = {"names": (), "every": False, "full": False, "since": "", "believe": False}
    context.invoke(harvest, **everything, replay=number, report=None, as_json=as_json)


@group.command("believe")
@click.argument("number", type=int, metavar="N°")
@click.option("--no", "no", is_flag=True, help="Ne pas les croire : elles sont tenues pour vivantes.")
@click.option("--take-back", is_flag=True, help="Reprendre la réponse : la question est posée de nouveau.")
@as_json
def believe(number: int, no: bool, take_back: bool, as_json: bool) -> None:
    """Croire, ou non, aux disparitions en nombre qu’une moisson a retenues. Rien n’est retiré du catalogue."""
    if no and take_back:
        raise click.UsageError(_("--no et --take-back ne vont pas ensemble."))
    said = None if take_back else not no
    with running(as_json) as travee, travee.db.write() as session:
        found = run_page.find(session, number)
        flood = floods.find(session, *found) if found is not None else None
        if flood is None:
            fail(as_json, _("La moisson n° {n} ne demande rien.").format(n=number))
        if not flood.is_open:
            fail(as_json, _("Une autre moisson est passée depuis : répondez pour celle-là."))
        floods.answer(session, flood, said, by="travee runs believe", at=now())
        if said:
            nights.ask(session, nights.Asked(flood.source_id, "travee runs believe", now()))
    words = {
        True: _("C’est noté : la prochaine moisson les redemande une à une."),
        False: _("C’est noté : elles sont tenues pour vivantes."),
        None: _("La réponse est reprise."),
    }
    finish(as_json, {"run": number, "count": flood.count, "believed": said}, words[said])


@group.command("next")
@as_json
def next_(as_json: bool) -> None:
    """L’horaire de chaque source, et sa prochaine moisson."""
    with running(as_json) as travee, travee.db.read() as session:
        at, zone = now(), ZoneInfo(travee.settings.timezone)
        found = runs.list_nights(session, at, zone)
        planned = {one.id: nights.plan(session, one.id, at, zone) for one in found}
    rows = [
        {
            "source": one.name,
            "schedule": one.schedule,
            "on": one.on,
            "next": plan.at.isoformat() if plan else None,
            "full": plan.full if plan else None,
            "attempt": plan.attempt if plan else None,
            "asked": bool(one.asked),
            "running": one.running,
        }
        for one in found
        for plan in (planned[one.id],)
    ]
    lines = [f"{one.name:<20} {one.schedule}{' · ' + one.next if one.next else ''}" for one in found]
    finish(as_json, {"sources": rows}, *(lines or [_("Aucune source à moissonner.")]))


@group.command("schedule")
@click.argument("name")
@click.option("--hour", type=click.IntRange(0, 23), help="Heure du centre.")
@click.option("--days", help="Jours, ex. mon,wed,fri ; « all » pour tous.")
@click.option("--full-day", help="Jour où tout est redemandé, ex. sun ; « any » : au choix de Travée.")
@click.option("--limit", type=click.IntRange(1, nights.LONGEST_HOURS), help="Temps donné à une moisson, en heures.")
@click.option("--on/--off", "on", default=True, help="Moissonner de soi-même, ou seulement à la demande.")
@as_json
def schedule(
    name: str,
    hour: int | None,
    days: str | None,
    full_day: str | None,
    limit: int | None,
    on: bool,
    as_json: bool,
) -> None:
    """Règle l’horaire d’une source ; ce qui n’est pas dit reste."""
    chosen = None if days is None else EVERY_DAY if days == "all" else tuple(sorted(map(_day, days.split(","))))
    whole = None if full_day in (None, "any") else _day(full_day)
    with running(as_json) as travee, travee.db.write() as session:
        source = _source(session, name, as_json)
        if source.kind != "oai" or not source.url:
            fail(as_json, _("La source « {name} » ne se moissonne pas.").format(name=name))
        known = nights.get_schedule(session, source.id)
        wished = Schedule(
            on=on,
            hour=known.hour if hour is None else hour,
            days=known.days if chosen is None else chosen,
            full_day=known.full_day if full_day is None else whole,
        )
        nights.set_schedule(session, source.id, wished)
        if limit is not None:
            nights.set_hours(session, source.id, limit)
        hours = nights.hours(session, source.id)
        words = runs.schedule_words(wished, nights.minute(session))
    finish(as_json, {"source": name, "schedule": words, "on": on, "limit_hours": hours}, f"{name} : {words}")


def _day(name: str | None) -> int:
    if name not in ENGLISH_DAYS:
        raise click.UsageError(_("Un jour s’écrit : {days}.").format(days=", ".join(ENGLISH_DAYS)))
    return ENGLISH_DAYS.index(name)


def _source(session: Session, name: str, as_json: bool) -> Source:
    found = sources.find(session, name)
    if found is None or found.removed_at is not None:
        fail(as_json, _("Aucune source ne s’appelle « {name} ».").format(name=name))
    return found


COMMANDS: list[click.Command] = [group]
