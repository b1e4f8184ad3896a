"""« À revoir »: what waits, by kind and one by one, and deciding it. Every decision can be taken back at once.

Two notices, and a notice and the record joined to it, are in `desk_pairs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import cataloguing, inbox, notices, proposed, reviewing, visits
from catalogue.desk_history import title_or_none
from catalogue.i18n import _, format_number, ngettext
from catalogue.inbox_pages import difference, lists, pairs
from catalogue.inbox_pages.difference import RuleAsked
from catalogue.models import Claim, Proposal, VisitRequest
from catalogue.reviewing import Done
from catalogue.web import ctx, deciding
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.desk_notices import page_asked
from catalogue.web.typed import read_number

NUMBER = "<int(max=2147483647):number>"
RULED = ("accept", "rule", "rule_now")  # what « toujours » goes with


# --- the lists -------------------------------------------------------------------------------


@blueprint.get("/a-revoir")
@needs("documentalist")
def to_review() -> ResponseReturnValue:
    asked = request.args.get("genre", "")
    if asked and asked not in lists.KIND_OF:
        abort(404)
    source, run_id = _scope()
    page = lists.to_review(
        ctx.get_session(),
        kind=lists.KIND_OF.get(asked, ""),
        source=source,
        run_id=run_id,
        page=page_asked(request.args),
    )
    return render_template(
        "desk/to_review.html", page=page, asked=asked, source=source, run=run_id, done=deciding.last_act()
    )


def _scope() -> tuple[str, int | None]:
    """Of one source, of one run: kept from page to page."""
    run = request.values.get("moisson", "")
    return request.values.get("source", "")[:80], read_number(run)


def _kept() -> dict[str, Any]:
    source, run_id = _scope()
    return {name: value for name, value in (("source", source), ("moisson", run_id)) if value}


@blueprint.post("/a-revoir/messages/<int(max=2147483647):number>")
@needs("documentalist")
def answered(number: int) -> ResponseReturnValue:
    with ctx.get_writer() as session:
        row = session.get(VisitRequest, number)
        if row is None:
            abort(404)
        if row.answered_at is None:
            visits.settle(session, row, by=current_user.login)
    flash(_("La demande est notée comme répondue."), "ok")
    return redirect(url_for("desk.to_review"), 303)


@blueprint.post("/a-revoir/lots")
@needs("documentalist")
def decide_all() -> ResponseReturnValue:
    """All of a kind, in one lot: what was counted on the page, not what has come since."""
    kind = lists.KIND_OF.get(request.form.get("genre", ""), "")
    act, seen = request.form.get("action", ""), read_number(request.form.get("vu", ""))
    if act not in reviewing.ACTS.get(kind, ()) or seen is None:
        abort(400)
    source, run_id = _scope()
    one = request.form.get("de", source or None)  # one source, "" for what none has brought; all when it is not said
    only = request.form.get("seule", "")
    ctx.end_session()
    done = reviewing.decide_all_in_parts(
        ctx.travee().db,
        kind,
        act,
        by=current_user.login,
        source=one,
        run_id=run_id,
        seen=seen,
        only=read_number(only),
    )
    ctx.travee().drain_briefly()
    flash(_told(act, done), "ok" if done.lot else "warn")
    return redirect(url_for("desk.to_review", genre=request.form.get("retour") or None, **_kept()), 303)


def _told(act: str, done: Done) -> str:
    later = ngettext("%(n)s arrivée depuis, laissée.", "%(n)s arrivées depuis, laissées.", done.later)
    later %= {"n": format_number(done.later)}
    if done.lot is None:
        words = _("Rien n’attendait plus : quelqu’un l’a déjà décidé.")
        return " ".join((words, later)) if done.later else words
    words = {
        "publish": ngettext("%(n)s notice est publiée.", "%(n)s notices sont publiées.", done.n),
        "put_aside": ngettext("%(n)s notice est mise à l’écart.", "%(n)s notices sont mises à l’écart.", done.n),
        "accept": ngettext("%(n)s proposition est acceptée.", "%(n)s propositions sont acceptées.", done.n),
        "refuse": ngettext(
            "%(n)s proposition est écartée : le nôtre est gardé.",
            "%(n)s propositions sont écartées : le nôtre est gardé.",
            done.n,
        ),
        "note": ngettext(
            "%(n)s suppression est notée ; rien n’est retiré ici.",
            "%(n)s suppressions sont notées ; rien n’est retiré ici.",
            done.n,
        ),
    }[act] % {"n": format_number(done.n)}
    if act == "accept":
        words = " ".join((words, *_answered(done.answers)))
    if done.left:
        left = ngettext(
            "%(n)s a changé entre-temps et attend toujours.",
            "%(n)s ont changé entre-temps et attendent toujours.",
            done.left,
        )
        words += " " + left % {"n": format_number(done.left)}
    if done.later:
        words += " " + later
    return words


def _answered(answers: Mapping[str, int]) -> Iterator[str]:
    """What was taken over and what was kept: « Repris : 4 ajouts, 2 changements. Gardé le nôtre : 9 différences. »"""
    added, removed, kept = (answers.get(name, 0) for name in ("add", "remove", "ours"))
    changed = sum(answers.values()) - added - removed - kept
    taken = (
        (added, ngettext("%(n)s ajout", "%(n)s ajouts", added)),
        (changed, ngettext("%(n)s changement", "%(n)s changements", changed)),
        (removed, ngettext("%(n)s retrait", "%(n)s retraits", removed)),
    )
    if said := ", ".join(words % {"n": format_number(n)} for n, words in taken if n):
        yield _("Repris : %(what)s.") % {"what": said}
    if kept:
        words = ngettext(
            "Gardé le nôtre : %(n)s différence où chacun dit autre chose.",
            "Gardé le nôtre : %(n)s différences où chacun dit autre chose.",
            kept,
        )
        yield words % {"n": format_number(kept)}


# --- one difference --------------------------------------------------------------------------


@blueprint.get(f"/a-revoir/{NUMBER}")
@needs("documentalist")
def difference_of(number: int) -> ResponseReturnValue:
    return _difference(number)


@blueprint.get(f"/moissons/<int(max=2147483647):run>/{NUMBER}")
@needs("documentalist")
def difference_of_run(run: int, number: int) -> ResponseReturnValue:
    """The same question, among those of one harvest."""
    return _difference(number, run_id=run)


def _difference(
    number: int,
    *,
    run_id: int | None = None,
    choices: dict[str, str] | None = None,
    marks: dict[str, str] | None = None,
    moved: bool = False,
    tried: bool = False,
    asked: RuleAsked | None = None,
) -> ResponseReturnValue:
    session = ctx.get_session()
    proposal = session.get(Proposal, number) or abort(404)
    source, of_run = _scope()
    run_id = run_id or of_run
    if run_id is not None and proposal.run_id != run_id:
        return redirect(url_for("desk.difference_of", number=number))
    page = difference.difference_page(
        session, proposal, choices=choices, marks=marks, run_id=run_id, source=source
    ) or abort(404)
    shown = render_template(
        "desk/difference.html",
        page=page,
        run=run_id,
        scope=_kept(),
        name=lists.NAMES[page.category],
        list_title=_(lists.TITLES[page.category]),
        moved=moved,
        tried=tried,
        always=set(request.form.getlist("toujours")),
        asked=asked,
        done=deciding.last_act(),
    )
    return shown, 409 if moved else 200


@blueprint.post(f"/a-revoir/{NUMBER}")
@needs("documentalist")
def answer(number: int) -> ResponseReturnValue:
    """Decide, see the result of other choices, or leave it for later; then the next one of its kind."""
    action, choices, marks = request.form.get("action", ""), deciding.choices(), deciding.marks()
    source, run_id = _scope()
    if action == "preview":
        return _difference(number, run_id=run_id, choices=choices, marks=marks, tried=True)
    if (asked := _rule_to_confirm(number, action, choices)) is not None:
        return _difference(number, run_id=run_id, choices=choices, marks=marks, asked=asked)
    with deciding.writer() as session:
        proposal = session.get(Proposal, number) or abort(404)
        kind, title = proposal.category, title_or_none(_title(session, proposal))
        if action == "later":
            done = Done("later")
        else:
            told = dict.fromkeys(marks, "ours") if action == "ours" else choices
            always = _always() if action in RULED else ()
            done = reviewing.answer(session, proposal, told, marks, by=current_user.login, always=always)
        by_rule = reviewing.source_of(session, proposal) if action == "rule_now" and done.rules else None
        follows = inbox.place_of(session, proposal, kind, run_id=run_id, source=source).next
        waits = proposal.state == "waiting" and done.what == "done"
    if done.what == "moved":
        return _difference(number, run_id=run_id, choices=choices, marks=marks, moved=True)
    ruled = 0
    if by_rule is not None:
        ruled = reviewing.apply_rules(ctx.travee().db, by_rule.id, by=current_user.login).n
        ctx.travee().drain_briefly()
        session = ctx.get_session()  # the next one may be decided by now
        proposal = session.get_one(Proposal, number)
        follows = inbox.place_of(session, proposal, kind, run_id=run_id, source=source).next
    _tell(done, title, waits, ruled)
    return redirect(_next(number if waits else follows, kind, run_id), 303)


def _rule_to_confirm(number: int, action: str, choices: dict[str, str]) -> difference.RuleAsked | None:
    """What « toujours » would do, unless this very rule was shown and confirmed. Counted while others write."""
    always = _always() if action in RULED else []
    proposal = ctx.get_session().get(Proposal, number) if always else None
    if proposal is None:
        return None
    confirmed = request.form.get("regle") if action != "accept" else None
    return difference.rule_asked(ctx.get_session(), proposal, choices, always, confirmed=confirmed)


def _title(session: Session, proposal: Proposal) -> str:
    return notices.get(session, session.get_one(Claim, proposal.claim_id).notice_id).title


def _next(number: int | None, kind: str, run_id: int | None) -> str:
    """The question that follows; after the last, the list."""
    kept = _kept()
    if number is None:
        return url_for("desk.to_review", genre=lists.NAMES[kind] if kept else None, **kept)
    if run_id is not None:
        kept.pop("moisson", None)
        return url_for("desk.difference_of_run", run=run_id, number=number, **kept)
    return url_for("desk.difference_of", number=number, **kept)


def _tell(done: Done, title: str, again: bool, n_ruled: int) -> None:
    if done.what == "gone":
        flash(_("« %(title)s » a déjà été décidée, ou n’a plus rien à décider.") % {"title": title}, "warn")
    elif done.what == "done" and again:
        flash(_("« %(title)s » : c’est noté, le reste attend encore.") % {"title": title}, "ok")
    elif done.what == "done":
        flash(_("« %(title)s » est décidée.") % {"title": title}, "ok")
    for words in done.rules:
        flash(_("Règle ajoutée : %(rule)s. Elle se retire sur la page de la source.") % {"rule": words}, "ok")
    if n_ruled:
        ruled = ngettext(
            "%(n)s proposition qui attendait est décidée par cette règle, en tout ou en partie.",
            "%(n)s propositions qui attendaient sont décidées par cette règle, en tout ou en partie.",
            n_ruled,
        )
        flash(ruled % {"n": format_number(n_ruled)}, "ok")
    if done.no_rule:
        flash(
            _("Une règle ne peut dire que « garder le nôtre » ou « prendre le leur » : celle-là n’est pas notée."),
            "warn",
        )


def _always() -> list[tuple[str, str]]:
    told = (name.partition(".") for name in request.form.getlist("toujours"))
    return [(group, nature) for group, _dot, nature in told]


# --- a candidate -----------------------------------------------------------------------------


@blueprint.get("/a-revoir/notices/<address>")
@needs("documentalist")
def candidate(address: str) -> ResponseReturnValue:
    session = ctx.get_session()
    notice = notices.find(session, address) or abort(404)
    if notice.status != "candidate":
        return redirect(url_for("desk.edit", address=address))
    return render_template(
        "desk/inbox_candidate.html", page=pairs.candidate_page(session, notice), done=deciding.last_act()
    )


@blueprint.post("/a-revoir/notices/<address>")
@needs("documentalist")
def decide(address: str) -> ResponseReturnValue:
    """Publish a candidate, or put it aside: each a lot of its own, which « Annuler » takes back."""
    asked = request.form.get("action", "")
    if asked not in ("publish", "put_aside"):
        abort(400)
    with deciding.writer() as session:
        notice = notices.find(session, address) or abort(404)
        title = title_or_none(notice.title)
        outcome = cataloguing.decide(session, notice, asked, by=current_user.login)
    if outcome.done == "problems":
        flash(_("« %(title)s » n’est pas encore complète : voyez ce qui manque.") % {"title": title}, "warn")
        return redirect(url_for("desk.edit", address=address, complete=1), 303)
    if outcome.done == "unchanged":
        flash(_("« %(title)s » a déjà été traitée.") % {"title": title}, "warn")
    elif outcome.done == "published":
        flash(_("« %(title)s » est publiée.") % {"title": title}, "ok")
    else:
        flash(_("« %(title)s » est mise à l’écart.") % {"title": title}, "ok")
    follows = request.form.get("suite", "")
    if follows and notices.find(ctx.get_session(), follows) is not None:
        return redirect(url_for("desk.candidate", address=follows), 303)
    return redirect(url_for("desk.to_review", genre=request.form.get("retour") or None), 303)


@blueprint.post("/a-revoir/notices/<address>/renvoyer")
@needs("documentalist")
def send_back(address: str) -> ResponseReturnValue:
    """To whoever proposed it, with a word: it is their draft again."""
    word = request.form.get("mot", "").strip()
    if not word:
        flash(_("Écrivez un mot à qui l’a proposée : sans lui, on ne sait pas quoi reprendre."), "warn")
        return redirect(url_for("desk.candidate", address=address), 303)
    with deciding.writer() as session:
        notice = notices.find(session, address) or abort(404)
        title, lot = title_or_none(notice.title), proposed.send_back(session, notice, word, by=current_user.login)
    if lot is None:
        flash(_("« %(title)s » a déjà été traitée.") % {"title": title}, "warn")
    else:
        flash(_("« %(title)s » est renvoyée avec votre mot.") % {"title": title}, "ok")
    return redirect(url_for("desk.to_review", genre="nouvelles"), 303)
