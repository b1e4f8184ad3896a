"""« Autorités »: lists, the page of a person or a body, changing it, what its sources say of it, its IdRef number.

Forms that may be one are in `desk_near`, descriptors and classes in `desk_concepts`, on this blueprint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import authorities, authority_form, authority_lists, authority_pages, renaming
from catalogue.authorities import Stale
from catalogue.authority_form import Typed
from catalogue.authority_lists import Asked
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Agent
from catalogue.web import ctx, desk
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Link, Pages
from catalogue.web.typed import read_number, read_version
from harvest.lookup import Candidate, Trouble, idref, idref_record
from harvest.lookup.authority import ADDRESS, LABEL

LONGEST_ASKED = 200  # signs
blueprint = Blueprint("desk_authorities", __name__, url_prefix="/bureau")
blueprint.after_request(desk.keep_private)
AGENT = "/autorites/<int(max=2147483647):number>"


@blueprint.get("/autorites", endpoint="list")
@needs("reader")
def list_authorities() -> ResponseReturnValue:
    asked = _asked()
    found = authority_lists.list_authorities(ctx.get_session(), ctx.travee().names, asked)
    if asked.page > max(found.pages, 1):
        return redirect(_address(asked, page=found.pages))
    tabs = [
        Link(_(words), _address(Asked(tab, words=asked.words)), tab == asked.tab)
        for tab, words in authority_lists.TABS.items()
    ]
    letters = [Link(one, _address(asked, letter=one), one == asked.letter) for one in found.letters]
    pages = Pages.of(asked.page, found.pages, lambda page: _address(asked, page=page))
    return render_template(
        "desk/authorities.html",
        found=found,
        asked=asked,
        tabs=tabs,
        letters=[Link(_("Toutes"), _address(asked, letter=""), not asked.letter), *letters] if letters else [],
        pages=pages,
        line_of=ENDPOINTS[asked.tab],
        title=_(authority_lists.TABS[asked.tab]),
    )


ENDPOINTS = {
    authority_lists.PERSONS: "desk_authorities.show",
    authority_lists.BODIES: "desk_authorities.show",
    authority_lists.CONCEPTS: "desk_authorities.concept",
    authority_lists.CLASSES: "desk_authorities.one_class",
}


def _asked() -> Asked:
    tab, letter = request.args.get("onglet", ""), request.args.get("lettre", "").upper()
    return Asked(
        tab=tab if tab in authority_lists.TABS else authority_lists.PERSONS,
        words=" ".join(request.args.get("q", "").split())[:LONGEST_ASKED],
        letter=letter if re.fullmatch(r"[A-Z]|0-9", letter) else "",
        by_usage=request.args.get("tri") == "usage",
        unused=request.args.get("jamais") == "oui",
        page=page_asked(request.args),
    )


def _address(asked: Asked, *, letter: str | None = None, page: int = 1) -> str:
    """The list's address, without what goes without saying."""
    said: dict[str, Any] = {
        "onglet": asked.tab if asked.tab != authority_lists.PERSONS else "",
        "q": asked.words,
        "lettre": asked.letter if letter is None else letter,
        "tri": "usage" if asked.by_usage else "",
        "jamais": "oui" if asked.unused else "",
        "page": page if page > 1 else "",
    }
    return url_for("desk_authorities.list", **{name: value for name, value in said.items() if value})


# --- one of them -----------------------------------------------------------------------------


@blueprint.get(AGENT)
@needs("reader")
def show(number: int) -> ResponseReturnValue:
    agent = living_agent(number)
    return agent if not isinstance(agent, Agent) else _shown(agent)


@blueprint.post(AGENT)
@needs("documentalist")
def save(number: int) -> ResponseReturnValue:
    """Everything that the form says, in one lot; a name or dates that change are written in every notice."""
    typed = _typed()
    try:
        with ctx.get_writer() as session:
            agent = session.get(Agent, number) or abort(404)
            for key, choice in _choices().items():
                if choice == "now":
                    typed = typed.put(key, authority_form.typed_of(authorities.snapshot_agent(agent)).get(key))
            values, problems = authority_form.values_of(typed, agent.identifiers)
            if not problems:
                said = {key: values[key] for key in ("variants", "identifiers", "note")}
                done = renaming.rename_agent(
                    session,
                    agent,
                    values["name"],
                    dates=values["dates"],
                    also=said,
                    by=current_user.login,
                    expected_version=version_seen(),
                )
                lot = done.batch.id if done.batch else None
    except Stale:
        return _compared(number, typed)
    if problems:
        found = living_agent(number)
        return _shown(found, typed=typed, problems=problems, status=422) if isinstance(found, Agent) else found
    tell(lot, done.notices)
    return redirect(url_for("desk_authorities.show", number=number, lot=lot), 303)


def tell(lot: int | None, changed: int) -> None:
    if lot is None:
        flash(_("Rien n’avait changé."))
    elif changed:
        words = ngettext("C’est fait : %(n)s notice a changé.", "C’est fait : %(n)s notices ont changé.", changed)
        flash(words % {"n": format_number(changed)}, "ok")
    else:
        flash(_("C’est enregistré."), "ok")


def version_seen() -> int:
    """The version that the person has before their eyes."""
    return read_version(request.form.get("version", ""))


def _typed() -> Typed:
    given = {name: request.form.get(name, "").replace("\r\n", "\n") for name in authority_form.LABELS}
    numbers = {scheme: given.pop(scheme) for scheme in authority_form.SCHEMES}
    return Typed(**given, numbers=numbers)


def _choices() -> dict[str, str]:
    found = {name.removeprefix("choix_"): v for name, v in request.form.items() if name.startswith("choix_")}
    return {key: choice for key, choice in found.items() if key in authority_form.LABELS}


def living_agent(number: int) -> Agent | ResponseReturnValue:
    """The agent, or the way to the one it was brought together with."""
    session = ctx.get_session()
    agent = session.get(Agent, number)
    if agent is not None and agent.status == "accepted":
        return agent
    kept = authorities.survivors(session, Agent, [number]).get(number) if agent else None
    if kept is not None:
        return redirect(url_for("desk_authorities.show", number=kept), 302)
    if agent is None:
        abort(404)
    return agent


def _shown(
    agent: Agent,
    *,
    typed: Typed | None = None,
    problems: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> ResponseReturnValue:
    session = ctx.get_session()
    carriers = authority_lists.carriers(session, agent, page_asked(request.args))
    page = render_template(
        "desk/authority.html",
        agent=agent,
        tab=authority_lists.BODIES if agent.type in ("corporate_body", "meeting") else authority_lists.PERSONS,
        kind=authority_pages.AGENT_KINDS[agent.type],
        typed=typed or authority_form.typed_of(authorities.snapshot_agent(agent)),
        labels=authority_form.LABELS,
        schemes=authority_form.SCHEMES,
        version=version_seen() if problems else agent.version,
        errors=list(problems),
        said=dict(problems),
        carriers=carriers,
        pages=Pages.of(
            carriers.page,
            carriers.pages,
            lambda page: url_for("desk_authorities.show", number=agent.id, page=page, _anchor="notices"),
        ),
        values=authority_pages.values(session, agent),
        sayings=authority_pages.sayings(session, agent),
        sharing=authority_pages.sharing_identifiers(session, agent),
        events=authority_pages.events(session, "agent", agent),
        done=done_lot(),
    )
    return page, status


def _compared(number: int, mine: Typed) -> ResponseReturnValue:
    """Somebody has saved meanwhile: both versions, field by field; nothing of what was typed is lost."""
    agent = living_agent(number)
    if not isinstance(agent, Agent):
        return agent
    session = ctx.get_session()
    now = authority_form.typed_of(authorities.snapshot_agent(agent))
    base = authority_pages.state_at(session, "agent", agent, version_seen())
    rows = authority_form.compare(mine, now, authority_form.typed_of(base) if base else now)
    last = authority_pages.last_change(session, "agent", agent.id)
    kept: list[tuple[str, str]] = [(key, mine.get(key)) for key in authority_form.LABELS]
    return render_template("desk/authority_stale.html", agent=agent, rows=rows, last=last, kept=kept), 409


@blueprint.post(f"{AGENT}/dit")
@needs("documentalist")
def settle(number: int) -> ResponseReturnValue:
    """What a source says of somebody who was changed here: theirs, or ours."""
    given = request.form.get("numero", "")
    with ctx.get_writer() as session:
        known = authority_pages.find_waiting(session, number, read_number(given) or 0)
        if known is None:
            lot = None
        else:
            batch = authorities.settle(
                session, known, by=current_user.login, take_over=request.form.get("action") == "leur"
            )
            lot = batch.id if batch else None
    if known is None:
        flash(_("Cette question est déjà réglée."), "warn")
    else:
        flash(_("C’est pris.") if lot else _("C’est gardé comme c’était ici."), "ok")
    return redirect(url_for("desk_authorities.show", number=number, lot=lot), 303)


# --- IdRef -----------------------------------------------------------------------------------


@blueprint.get(f"{AGENT}/idref")
@needs("documentalist")
def ask_idref(number: int) -> ResponseReturnValue:
    """Who in IdRef has such a name; nothing is written before one of them is chosen."""
    agent = living_agent(number)
    if not isinstance(agent, Agent):
        return agent
    words = " ".join(request.args.get("q", agent.name).split())[:LONGEST_ASKED]
    carried = renaming.affected(ctx.get_session(), agent)
    found, trouble = _candidates(agent, words)
    return render_template(
        "desk/authority_idref.html",
        agent=agent,
        words=words,
        found=found,
        trouble=trouble,
        carried=carried,
        known=agent.identifiers.get("idref", ""),
        proposed={one.ppn: authority_pages.proposed(agent, one.name, one.dates) for one in found},
    )


@blueprint.post(f"{AGENT}/idref")
@needs("documentalist")
def take_idref(number: int) -> ResponseReturnValue:
    """The number, and what was left ticked of what IdRef says besides; nothing that is there is written over."""
    ppn = request.form.get("ppn", "")
    found = authority_form.find_authority(ppn, "idref")
    if found is None or found[0] != "idref":
        abort(400)
    told: Mapping[str, str] = {key: request.form.get(key, "")[:LONGEST_ASKED] for key in ("forme", "dates")}
    try:
        with ctx.get_writer() as session:
            agent = session.get(Agent, number) or abort(404)
            done = renaming.identify_agent(
                session,
                agent,
                {"idref": found[1]},
                variant=told["forme"],
                dates=told["dates"],
                by=current_user.login,
                expected_version=version_seen(),
            )
            lot = done.batch.id if done.batch else None
    except Stale:
        flash(_("Cette fiche a changé entre-temps : rien n’a été ajouté. Voici où l’on en est."), "warn")
        return redirect(url_for("desk_authorities.show", number=number), 303)
    except renaming.Otherwise as refusal:
        words = _("Un autre numéro IdRef est déjà là (%(number)s) : il n’a pas été remplacé.")
        flash(words % {"number": refusal.known}, "warn")
        return redirect(url_for("desk_authorities.show", number=number), 303)
    tell(lot, done.notices)
    return redirect(url_for("desk_authorities.show", number=number, lot=lot), 303)


def _candidates(agent: Agent, words: str) -> tuple[list[Candidate], str]:
    """Who has such a name, or the sentence that says why nobody can tell."""
    way: dict[str, Any] = authority_pages.way_to_idref(ctx.get_session(), ADDRESS)
    kind = "body" if agent.type in ("corporate_body", "meeting") else "person"
    note_of = request.args.get("ppn", "")
    ctx.end_session()  # nobody waits on the base while a server far away thinks
    try:
        found = idref(words, kind=kind, **way)
        if note_of in {one.ppn for one in found} and (told := idref_record(note_of, **way)):
            found = [told if one.ppn == note_of else one for one in found]
    except Trouble as trouble:
        return [], trouble.sentence(LABEL)
    return found, ""
