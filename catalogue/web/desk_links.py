"""« Liens morts »: each with its notices, why and since when, and what can be done: ask again, correct the address,
offer the copy that a web archive keeps, take the link off. Each act is a lot, whose undoing the page offers."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import db, dead_links, links
from catalogue.dead_links import DeadLink
from catalogue.i18n import _
from catalogue.models import Batch
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.desk_notices import page_asked
from harvest import archives, quiet
from harvest.lookup.trouble import Trouble
from harvest.run import agent_of

PER_PAGE = 25
LISTS = {
    "": (dead_links.dead_links, dead_links.count),
    "changees": (dead_links.moved_links, dead_links.count_moved),
    "copies": (dead_links.settled_links, dead_links.count_settled),
}


@blueprint.get("/liens-morts", endpoint="dead_links")
@needs("documentalist")
def show_dead_links() -> ResponseReturnValue:
    session, number = ctx.get_session(), page_asked(request.args)
    which = request.args.get("liste", "")
    if which not in LISTS:
        abort(404)
    listed, _count = LISTS[which]
    found = listed(session, limit=PER_PAGE + 1, offset=(number - 1) * PER_PAGE)
    return render_template(
        "desk/dead_links.html",
        which=which,
        links=found[:PER_PAGE],
        page=number,
        older=len(found) > PER_PAGE,
        counts={name: count(session) for name, (_list, count) in LISTS.items()},
        done=done_lot(),
    )


@blueprint.get("/liens-morts/<int(max=2147483647):number>")
@needs("documentalist")
def dead_link(number: int) -> ResponseReturnValue:
    return _show(_found(number), "")


def _found(number: int) -> DeadLink:
    return dead_links.get(ctx.get_session(), number) or abort(404)


def _show(link: DeadLink, trouble: str, copy: archives.ArchivedCopy | None = None) -> str:
    typed = request.form.get("adresse") or link.target or link.url
    return render_template("desk/dead_link.html", link=link, error=trouble, typed=typed, copy=copy)


@blueprint.post("/liens-morts/<int(max=2147483647):number>/reessayer")
@needs("documentalist")
def ask_again(number: int) -> ResponseReturnValue:
    """Asked while the page waits: five seconds between two bytes at most, fifteen in all."""
    link = _found(number)
    ctx.end_session()
    verdict = quiet.ask_one(ctx.settings(), link.url)
    with ctx.get_writer() as session:
        dead_links.write_down(session, [verdict], db.now())
    if verdict.state == "alive" and not verdict.fault:
        flash(_("Le lien répond de nouveau : %(url)s") % {"url": link.url}, "ok")
    elif verdict.state == "unsure":
        words = _("Le site ne veut pas répondre à un programme : ouvrez le lien vous-même pour en juger. %(url)s")
        flash(words % {"url": link.url}, "warn")
    else:
        words = _("Toujours pas : %(why)s. %(url)s")
        flash(words % {"why": dead_links.fault_words(verdict.fault), "url": link.url}, "warn")
    return redirect(url_for("desk.dead_links", liste=_list()), 303)


@blueprint.post("/liens-morts/<int(max=2147483647):number>/corriger")
@needs("documentalist")
def correct_link(number: int) -> ResponseReturnValue:
    link = _found(number)
    new = links.clean(request.form.get("adresse", ""))
    if not new:
        return _show(link, links.wrong(request.form.get("adresse", ""))), 422
    with ctx.get_writer() as session:
        batch = links.correct(session, links.givers(session, link.url), link.url, new, by=current_user.login)
    return _done(batch, _("L’adresse est corrigée ; elle sera vérifiée cette nuit."))


@blueprint.post("/liens-morts/<int(max=2147483647):number>/copie")
@needs("documentalist")
def find_copy(number: int) -> ResponseReturnValue:
    """Ask the web archive, and show what it has: nothing is decided yet."""
    link = _found(number)
    near = dead_links.made_on(ctx.get_session(), link.url)
    ctx.end_session()
    settings = ctx.settings()
    try:
        copy = archives.find_copy(
            link.url,
            near=near,
            agent=agent_of(settings, quiet.PURPOSE),
            private=settings.allow_private_addresses,
            api=settings.archive_url,
        )
    except Trouble as trouble:
        flash(trouble.sentence(archives.LABEL), "warn")
        return _show(link, "")
    if copy is None:
        flash(_("archive.org n’a gardé aucune copie de cette adresse."), "warn")
    return _show(link, "", copy)


@blueprint.post("/liens-morts/<int(max=2147483647):number>/offrir")
@needs("documentalist")
def offer_copy(number: int) -> ResponseReturnValue:
    link = _found(number)
    given = request.form.get("copie", "")
    if given and not archives.is_copy(given):
        abort(400)
    with ctx.get_writer() as session:
        batch = dead_links.offer_copy(session, link.url, given, by=current_user.login)
    words = _("La fiche mène maintenant à la copie archivée, tant que le lien est mort.")
    return _done(batch, words if given else _("La copie archivée n’est plus proposée."))


@blueprint.post("/liens-morts/<int(max=2147483647):number>/retirer")
@needs("documentalist")
def take_link_off(number: int) -> ResponseReturnValue:
    link = _found(number)
    with ctx.get_writer() as session:
        batch = links.take_off(session, links.givers(session, link.url), link.url, by=current_user.login)
    return _done(batch, _("Le lien est retiré des notices."))


def _done(batch: Batch | None, words: str) -> ResponseReturnValue:
    flash(words if batch else _("Rien n’avait changé."), "ok")
    return redirect(url_for("desk.dead_links", liste=_list(), lot=batch.id if batch else None), 303)


def _list() -> str | None:
    """The list where one was, to go on there."""
    given = request.form.get("liste", "")
    return given if given in LISTS and given else None
