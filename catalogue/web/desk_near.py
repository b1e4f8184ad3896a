"""Forms that may be one person or body: the groups that are proposed, any two by hand, and what is decided of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import near_groups
from catalogue.authorities import Group, Stale
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Agent
from catalogue.near_groups import ShownGroup
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.desk_authorities import AGENT, LONGEST_ASKED, blueprint, living_agent
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages
from catalogue.web.typed import read_number

MOST_IDS = 60  # of one group
MOST_FOUND = 30  # by a search for another form


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent about a group: which forms it had, which are ticked, the form to keep, and how they were."""

    ids: tuple[int, ...]
    ticked: tuple[int, ...]
    name: str
    versions: dict[int, int]


@blueprint.get("/autorites/proches")
@needs("documentalist")
def near() -> ResponseReturnValue:
    return _listed()


@blueprint.post("/autorites/proches")
@needs("documentalist")
def decide_near() -> ResponseReturnValue:
    """One group: replaced, told apart, or counted again for what is ticked."""
    sent = _sent()
    return _decided(sent, url_for("desk_authorities.near", page=_page() or None), by_hand=False)


@blueprint.get(f"{AGENT}/reunir")
@needs("documentalist")
def join(number: int) -> ResponseReturnValue:
    """Another form to bring together with this one: looked for, or among those that are near."""
    agent = living_agent(number)
    return agent if not isinstance(agent, Agent) else _shown_by_hand(agent)


@blueprint.post(f"{AGENT}/reunir")
@needs("documentalist")
def decide_join(number: int) -> ResponseReturnValue:
    return _decided(_sent(), url_for("desk_authorities.show", number=number), by_hand=True, number=number)


# --- deciding --------------------------------------------------------------------------------


def _decided(sent: Sent, back: str, *, by_hand: bool, number: int = 0) -> ResponseReturnValue:
    action = request.form.get("action", "")
    if action == "compter":
        return _again(sent, "", by_hand, number, 200)
    if len(sent.ticked) < 2:
        return _again(sent, _("Cochez au moins deux formes."), by_hand, number, 422)
    if action == "distinctes":
        with ctx.get_writer() as session:
            batch = near_groups.keep_apart(session, sent.ticked, by=current_user.login)
            lot = batch.id if batch else None
        flash(_("C’est retenu : ces formes ne seront plus proposées ensemble."), "ok")
        return redirect(_with_lot(back, lot), 303)
    if not sent.name.strip():
        return _again(sent, _("Écrivez la forme à garder."), by_hand, number, 422)
    if len(sent.name) > near_groups.LONGEST_NAME:
        words = _("Cette forme a %(n)s signes, c’est trop ; %(most)s au plus.")
        said = {"n": len(sent.name), "most": near_groups.LONGEST_NAME}
        return _again(sent, words % said, by_hand, number, 422)
    try:
        with ctx.get_writer() as session:
            done = near_groups.apply_group(
                session, sent.ticked, sent.name, by=current_user.login, expected=sent.versions
            )
            lot = done.batch.id if done.batch else None
    except (Stale, LookupError):
        words = _(
            "Quelqu’un a changé l’une de ces formes : rien n’a été fait. Voici le groupe tel qu’il est maintenant."
        )
        return _again(sent, words, by_hand, number, 409)
    flash(_told(done.notices) % {"n": format_number(done.notices), "name": sent.name.strip()}, "ok")
    return redirect(_with_lot(back if not by_hand else url_for("desk_authorities.show", number=done.kept), lot), 303)


def _told(n: int) -> str:
    if not n:
        return _("C’est fait : il n’y a plus que « %(name)s » ; aucune notice n’avait à changer.")
    return ngettext(
        "%(n)s notice a changé : elle dit maintenant « %(name)s ».",
        "%(n)s notices ont changé : elles disent maintenant « %(name)s ».",
        n,
    )


def _again(sent: Sent, error: str, by_hand: bool, number: int, status: int) -> ResponseReturnValue:
    """The page once more, with what was ticked and typed, and how many notices that would change."""
    if by_hand:
        agent = living_agent(number)
        return _shown_by_hand(agent, sent, error, status) if isinstance(agent, Agent) else agent
    return _listed(sent, error, status)


def _sent() -> Sent:
    ids = _numbers(request.form.get("groupe", "").split("-"))
    versions = {n: v for n in ids if (v := next(iter(_numbers([request.form.get(f"version-{n}", "")])), 0))}
    ticked = tuple(n for n in _numbers(request.form.getlist("forme")) if n in ids)
    return Sent(ids, ticked, request.form.get("nom", ""), versions)


def _numbers(texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(n for t in texts[:MOST_IDS] if (n := read_number(t)) is not None))


def _with_lot(address: str, lot: int | None) -> str:
    return f"{address}{'&' if '?' in address else '?'}lot={lot}" if lot else address


def _page() -> int:
    number = page_asked(request.args)
    return number if number > 1 else 0


# --- showing ---------------------------------------------------------------------------------


def _listed(sent: Sent | None = None, error: str = "", status: int = 200) -> ResponseReturnValue:
    session = ctx.get_session()
    groups = ctx.travee().names.groups(session)
    pages = near_groups.pages(groups)
    number = min(page_asked(request.args), max(len(pages), 1))
    shown = near_groups.show_groups(session, pages[number - 1]) if pages else []
    if sent and not any(group.key == near_groups.key_of(sent.ids) for group in shown):
        shown = [*near_groups.show_groups(session, [Group(sent.ids, 0.0, ())]), *shown]
    page = render_template(
        "desk/authorities_near.html",
        groups=shown,
        total=len(groups),
        pages=Pages.of(number, len(pages), lambda page: url_for("desk_authorities.near", page=page)),
        sent=sent,
        sent_key=near_groups.key_of(sent.ids) if sent else "",
        foreseen=near_groups.foresee(session, sent.ticked, sent.name) if sent else 0,
        error=error,
        done=done_lot(),
    )
    return page, status


def _shown_by_hand(agent: Agent, sent: Sent | None = None, error: str = "", status: int = 200) -> ResponseReturnValue:
    session = ctx.get_session()
    words = " ".join(request.args.get("q", "").split())[:LONGEST_ASKED]
    chosen = _numbers(request.args.getlist("avec"))
    ids = sent.ids if sent else tuple(dict.fromkeys((agent.id, *chosen)))
    shown: list[ShownGroup] = near_groups.show_groups(session, [Group(ids, 0.0, ())]) if len(ids) > 1 else []
    if words:
        found = near_groups.others(session, agent, ctx.travee().names.find(session, words), MOST_FOUND)
    else:
        near_ids = {n for group in ctx.travee().names.groups(session) if agent.id in group.ids for n in group.ids}
        found = near_groups.others(session, agent, near_ids, MOST_FOUND)
    page = render_template(
        "desk/authority_join.html",
        agent=agent,
        words=words,
        group=shown[0] if shown else None,
        found=[] if shown else found,
        gone=len(ids) > 1 and not shown,
        sent=sent,
        sent_key=near_groups.key_of(sent.ids) if sent else "",
        foreseen=near_groups.foresee(session, sent.ticked, sent.name) if sent else 0,
        error=error,
    )
    return page, status
