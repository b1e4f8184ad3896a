"""« Ma sélection »: documents put aside without an account, then taken away as a bibliography.

Everything is a plain form. A visitor's list hangs on an anonymous cookie, set when the first document is chosen;
whoever signs in finds the documents added to their own list.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Flask, Response, abort, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.exc import OperationalError

from catalogue import db, mail, reading, selections
from catalogue.i18n import _, current_language, ngettext
from catalogue.identifiers import is_code
from catalogue.models import Selection
from catalogue.selections import Kept
from catalogue.web import ctx, public, request_form, whose
from catalogue.web.asked import query_string
from catalogue.web.public import blueprint, to
from catalogue.web.searching import Pages
from export import as_html, as_text, bibliography, records, usual, whereabouts
from export.bibliography import Bibliography, Wishes
from export.citing.processor import STYLES, USUAL
from export.formats import BY_ENDING

log = logging.getLogger("travee")

PER_PAGE, WITH_SUMMARIES = 50, 20  # documents of one page; files hold them all
LETTERS_ALLOWED = "3 per minute; 20 per day"  # from one address


# --- the list --------------------------------------------------------------------------------


@blueprint.get("/selection")
def selection(failed: str = "") -> ResponseReturnValue:
    found, kept = whose.kept_documents()
    wishes = wishes_of(found)
    pages, shown = _pages("selection", len(kept), wishes)
    made = compose([k.notice_id for k in kept], wishes, shown) if kept else None
    response = Response(
        render_template(
            "public/selection.html",
            kept={k.address: k for k in kept},
            wishes=wishes,
            made=made,
            pages=pages,
            left=[k for k in kept if made and k.address not in made.addresses],
            styles=_styles(),
            offsite=_to_consult(kept),
            put_back=_addresses(request.args.get("remettre", "")),
            full=request.args.get("plein") == "1",
            failed=failed,
            sent=request.args.get("envoye") == "1",
            letters=bool(ctx.settings().mail_url),
            current="selection",
        ),
        422 if failed else 200,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/selection")
def change_selection() -> ResponseReturnValue:
    """One act on the list, then back to where it was asked."""
    act = ACTS.get(_asked_act())
    if act is None:
        abort(400)
    owner, token = whose.owner(), whose.present_token()
    if not owner:
        token = selections.new_token()
        owner = selections.owner_of_token(token)
    try:
        with ctx.get_writer() as session:
            answer = act(session, selections.begin(session, owner))
            total = selections.count(session, owner)
    except selections.Full:
        return redirect(to("selection") + "?plein=1", 303)
    except OperationalError:
        abort(503)
    if request.headers.get("X-Requested-With") == "fetch":
        return whose.remember(jsonify(total=total, words=_total_words(total)), token)
    return whose.remember(make_response(redirect(answer, 303)), token)


def _asked_act() -> str:
    """One form serves the whole list: its buttons say their act by their name, their document by their value."""
    return request.form.get("acte") or next((name for name in OF_ONE if name in request.form), "")


def _total_words(total: int) -> str:
    return ngettext("{n} document dans votre sélection", "{n} documents dans votre sélection", total).format(n=total)


def _add(session: Any, found: Selection) -> str:
    selections.add(session, found, _documents())
    return _back()


def _remove(session: Any, found: Selection) -> str:
    before = [k.address for k in selections.documents(session, found)]
    if selections.remove(session, found, _documents()) and _back() == to("selection"):
        page = [("page", request.form["page"])] if _page_of(request.form) > 1 else []
        return to("selection") + query_string([("remettre", ".".join(before)), *page])
    return _back()


def _clear(session: Any, found: Selection) -> str:
    before = [k.address for k in selections.documents(session, found)]
    selections.remove(session, found, before)
    return to("selection") + query_string([("remettre", ".".join(before))])


def _put_back(session: Any, found: Selection) -> str:
    selections.put_back(session, found, _addresses(request.form.get("documents", "")))
    return to("selection")


def _up(session: Any, found: Selection) -> str:
    return _moved(session, found, -1)


def _down(session: Any, found: Selection) -> str:
    return _moved(session, found, 1)


def _moved(session: Any, found: Selection, by: int) -> str:
    (address,) = _documents() or ("",)
    selections.move(session, found, address, by)
    order = [k.address for k in selections.documents(session, found)]
    page = 1 + (order.index(address) // _size(wishes_of(found)) if address in order else 0)
    return to("selection") + (query_string([("page", str(page))]) if page > 1 else "") + f"#d-{address}"


def _describe(session: Any, found: Selection) -> str:
    _keep_choices(session, found)
    return to("selection") + "#apercu"


def _take_away(ending: str, session: Any, found: Selection) -> str:
    """What is on the screen goes into the file: the choices are kept first."""
    _keep_choices(session, found)
    return to("selection_as", ending=ending)


def _keep_choices(session: Any, found: Selection) -> None:
    form = request.form
    if not {"titre", "style"} & form.keys():  # a form that asks for nothing of the kind
        return
    selections.describe(
        session,
        found,
        form.get("titre", ""),
        {
            "style": form.get("style", "") if form.get("style") in STYLES else USUAL,
            "group": form.get("groupe") if form.get("groupe") in bibliography.GROUPS else "none",
            "order": form.get("ordre") if form.get("ordre") in bibliography.ORDERS else "given",
            "summaries": form.get("resumes") == "1",
            "locations": form.get("emplacements") == "1",
        },
    )


def _freeze(session: Any, found: Selection) -> str:
    _keep_choices(session, found)
    if not selections.documents(session, found):
        return to("selection")
    return to("shared_selection", code=selections.freeze(session, found).code) + "?nouveau=1"


def _adopt_shared(session: Any, found: Selection) -> str:
    """« Reprendre dans ma sélection »: the documents of a copy that somebody shared."""
    copy = selections.shared(session, request.form.get("code", ""))
    if copy is not None:
        selections.add(session, found, [k.address for k in selections.documents(session, copy)])
    return to("selection")


ACTS: dict[str, Callable[[Any, Selection], str]] = {
    "ajouter": _add,
    "retirer": _remove,
    "vider": _clear,
    "remettre": _put_back,
    "monter": _up,
    "descendre": _down,
    "regler": _describe,
    "partager": _freeze,
    "reprendre": _adopt_shared,
    **{ending: partial(_take_away, ending) for ending in BY_ENDING},
}
OF_ONE = ("monter", "descendre", "retirer")


def _documents() -> list[str]:
    given = [address for name in ("document", *OF_ONE) for address in request.form.getlist(name)]
    return [address for address in given[: selections.LARGEST] if is_code(address)]


def _addresses(text: str) -> list[str]:
    return [address for address in text.split(".")[: selections.LARGEST] if is_code(address)]


def _back() -> str:
    return public.own_path(request.form.get("retour", "")) or to("selection")


@blueprint.post("/selection/courriel")
def send_selection() -> ResponseReturnValue:
    """The bibliography in a letter, to the address its reader gives: used once, kept nowhere."""
    found, kept = whose.kept_documents()
    settings = ctx.settings()
    address = " ".join(request.form.get("courriel", "").split())
    if not kept or not settings.mail_url or request_form.is_trap(request.form):
        return redirect(to("selection"), 303)
    if not request_form.is_email(address):
        return selection(_("Écrivez votre adresse en entier, par exemple prenom@exemple.fr."))
    made = compose([k.notice_id for k in kept], wishes_of(found))
    paragraphs = [b"".join(as_text.file_bytes(made)).decode("utf-8")]
    try:
        mail.send(settings.mail_url, address, made.title, paragraphs, sender=settings.admin_email)
    except mail.NotSent as error:
        log.warning("a bibliography could not be sent: %s", error)
        return selection(_("Le courriel n’a pas pu partir. Téléchargez la bibliographie, ou réessayez plus tard."))
    return redirect(to("selection") + "?envoye=1", 303)


# --- what others see of it -------------------------------------------------------------------


@blueprint.get("/s/<code>")
def shared_selection(code: str) -> ResponseReturnValue:
    """A frozen copy: the same documents in the same order for ever."""
    session = ctx.get_session()
    found = selections.shared(session, code) if is_code(code) else None
    if found is None:
        abort(404)
    kept = selections.documents(session, found)
    wishes = wishes_of(found)
    pages, shown = _pages("shared_selection", len(kept), wishes, code=code)
    return render_template(
        "public/shared.html",
        code=code,
        made=compose([k.notice_id for k in kept], wishes, shown),
        pages=pages,
        kept={k.address: k for k in kept},
        fresh=request.args.get("nouveau") == "1",
        current="selection",
    )


# --- composing -------------------------------------------------------------------------------


def wishes_of(found: Selection | None, title: str = "") -> Wishes:
    """How its owner wants it, as last said; as the centre usually does it where nobody has chosen."""
    kept = asdict(usual.bibliography(ctx.get_session()))
    said: dict[str, Any] = {**kept, **(found.settings if found else {})}
    settings = ctx.settings()
    return Wishes(
        title=title or (found.title if found else ""),
        style=said["style"] if said["style"] in STYLES else USUAL,
        group=said["group"],
        order=said.get("order", "given"),
        summaries=bool(said["summaries"]),
        locations=bool(said.get("locations")),
        accessed=db.now().date(),
        centre=settings.centre_name,
        base_url=public.absolute(""),
        language=current_language(),
    )


def compose(notice_ids: Sequence[int], wishes: Wishes, shown: range | None = None) -> Bibliography:
    session = ctx.get_session()
    places = whereabouts.whereabouts(session, notice_ids) if wishes.locations else None
    return bibliography.compose(records.load(session, notice_ids, public=True), wishes, places, shown)


def _pages(name: str, total: int, wishes: Wishes, **values: str) -> tuple[Pages, range]:
    """The page that is asked for, and the documents on it."""
    size = _size(wishes)
    count = max(-(-total // size), 1)
    page = min(_page_of(request.args), count)
    pages = Pages.of(page, count, lambda number: to(name, **values, **({"page": number} if number > 1 else {})))
    return pages, range((page - 1) * size, page * size)


def _size(wishes: Wishes) -> int:
    return WITH_SUMMARIES if wishes.summaries else PER_PAGE


def _page_of(given: Mapping[str, str]) -> int:
    page = given.get("page", "")
    return int(page) if re.fullmatch("[1-9][0-9]{0,2}", page) else 1


def _styles() -> list[tuple[str, str]]:
    return [(code, style.name(current_language())) for code, style in STYLES.items()]


def _to_consult(kept: Sequence[Kept]) -> int:
    """How many can only be read on the spot."""
    cards = reading.result_cards(ctx.get_session(), [k.notice_id for k in kept])
    return sum(bool(card.access.copies) and not card.access.online for card in cards)


def register(app: Flask) -> None:
    """An anonymous list has no authority to abuse; a letter could be, and is counted."""
    for view in (change_selection, send_selection):
        app.extensions["csrf"].exempt(f"{view.__module__}.{view.__name__}")
    public.limit(app, send_selection, LETTERS_ALLOWED, scope="send_selection", methods=["POST"])
    app.jinja_env.globals.update(chosen=whose.chosen, permalink_of=public.absolute)
    app.jinja_env.filters["reference"] = lambda runs: Markup(as_html.reference(runs))
