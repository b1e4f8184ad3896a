"""The form of a notice while it is being filled in: every button that saves nothing, and what its script asks for.

A button returns the same form, filled: « Chercher », « Prendre », « Vérifier les sujets »… With the script the same
answers come without leaving the page. Nothing here writes a notice: that is `desk_notices`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from flask import Response, abort, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import cataloguing, choices, form, kept_forms, notices
from catalogue.i18n import _, format_time
from catalogue.identifiers import is_code
from catalogue.models import KeptForm, Notice
from catalogue.text import fold
from catalogue.web import ctx, filling, forms, looking_up, notice_page
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.filling import Filling
from catalogue.web.notice_page import PLAIN, Searched, Shown, show

FETCHED = "X-Requested-With"


def version_of(notice: Notice | None) -> int:
    """The version that the person has before their eyes, not the one that has come since."""
    given = request.form.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else notice.version if notice else 0


# --- buttons ---------------------------------------------------------------------------------

Act = Callable[[Notice | None, Filling, str], ResponseReturnValue]


def act(notice: Notice | None, filled: Filling, asked: str) -> ResponseReturnValue | None:
    """What a button that saves nothing shows; None for one that saves."""
    name, _colon, about = asked.partition(":")
    if name == "enter":  # Enter in the field on top asks; anywhere else it saves
        text = request.form.get("chercher", "").strip()
        name = "search" if text and text != request.form.get("cherche", "") else "save"
    doing = ACTS.get(name)
    return doing(notice, filled, about) if doing else None


def _again(notice: Notice | None, filled: Filling, shown: Shown = PLAIN) -> ResponseReturnValue:
    return show(notice, filled, replace(shown, version=version_of(notice)))


def _kind(notice: Notice | None, filled: Filling, _about: str) -> ResponseReturnValue:
    return _again(notice, filled)


def _add(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    return _again(notice, filled, Shown(one_more=about))


def _take(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    return _again(notice, filling.take(filled, int(about) if about.isdecimal() and len(about) < 4 else -1))


def _drop(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    filled, dropped = filling.drop(filled, about)
    if dropped is not None and (dropped.source in forms.OWN or not current_user.may("documentalist")):
        dropped = None
    return _again(notice, filled, Shown(searched=Searched(dropped=dropped)))


def _never(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    if not current_user.may("documentalist"):
        abort(403)
    source, _colon, key = about.partition(":")
    looking_up.never(source, key)
    words = _("C’est noté : cette source ne proposera plus ce champ.")
    return _again(notice, filling.never(filled, source, key), Shown(searched=Searched(words)))


def _subject(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    return _subjects(notice, filling.add_subject(filled, about), "")


def _subjects(notice: Notice | None, filled: Filling, _about: str) -> ResponseReturnValue:
    """« Vérifier les sujets »: synonyms become their terms, the others are told, some are proposed."""
    typed = [text for text in filled.values.get("subject", []) if text.strip()]
    known = cataloguing.find_terms(ctx.get_session(), typed)
    notes, checked = [], []
    for text in typed:
        term = known.get(fold(text))
        said = {"typed": text, "preferred": term.label if term else ""}
        if term is None:
            notes.append(_("« %(typed)s » n’est pas au thésaurus : gardé comme candidat descripteur.") % said)
        elif fold(term.label) != fold(text):
            notes.append(_("« %(typed)s » est devenu « %(preferred)s », le terme du thésaurus.") % said)
        checked.append(term.label if term else text)
    filled = replace(filled, values={**filled.values, "subject": list(dict.fromkeys(checked))})
    proposed = _proposed_terms(notice, filled)
    return _again(notice, filled, Shown(proposed_terms=proposed, term_notes=notes or [_("Tous les sujets vont.")]))


def _proposed_terms(notice: Notice | None, filled: Filling) -> list[str]:
    title = " ".join([*filled.values.get("title", []), *filled.values.get("subtitle", [])])
    abstract = " ".join(filled.values.get("abstract", []))
    already = filled.values.get("subject", [])
    found = ctx.proposer().propose(title, abstract, limit=5, already=already, but=notice.id if notice else None)
    return [term.label for term in found]


def _doubles(notice: Notice | None, filled: Filling, _about: str) -> ResponseReturnValue:
    return _again(notice, filled, Shown(look_alike=True))


def _apart(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    """« Ce n’est pas la même »: kept as a judgement when the notice is saved."""
    apart = (*filled.apart, about) if is_code(about) and about not in filled.apart else filled.apart
    return _again(notice, replace(filled, apart=apart), Shown(look_alike=True))


def _same(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    """« C’est la même : compléter »: that notice's form, with what was typed here proposed into its empty fields."""
    other = (notices.find(ctx.get_session(), about) if is_code(about) else None) or abort(404)
    known = kept_forms.find(ctx.get_session(), current_user.login, other.address)
    theirs = resumed(known) if known else Filling(form.read(other.fields))
    typed = {name: texts for name, texts in filled.values.items() if name != "language"}
    both = filling.offer(theirs, filling.offers_of(typed, "typed", _("saisi")))
    content = content_of(both) | {"cherche": [""]} | forms.beside(request)
    version = known.version if known else other.version
    with ctx.get_writer() as session:
        kept_forms.keep(session, current_user.login, other.address, content, title=other.title, version=version)
        if notice is None and is_code(token := request.form.get("nouvelle", "")):
            kept_forms.forget(session, current_user.login, token)
    return redirect(url_for("desk.edit", address=other.address, reprendre=1), 303)


def _search(notice: Notice | None, filled: Filling, about: str) -> ResponseReturnValue:
    text = request.form.get("chercher", "")
    if request.headers.get(FETCHED) != "fetch":
        return search_for(notice, filled, text, about)
    address = notice.address if notice else notice_page.token_of()
    coming = looking_up.look(filled, text, address, about, last=request.form.get("cherche", ""))
    return Response(stream_with_context(_stream(notice, filled, coming)), mimetype="application/x-ndjson")


def search_for(notice: Notice | None, filled: Filling, text: str, about: str = "") -> ResponseReturnValue:
    """The form, filled with what is known of what was pasted."""
    address = notice.address if notice else notice_page.token_of()
    *_lines, result = looking_up.look(filled, text, address, about, last=request.form.get("cherche", ""))
    return _found(notice, filled, result)


def _stream(notice: Notice | None, filled: Filling, coming: Iterator[str | looking_up.Result]) -> Iterator[str]:
    """A line of JSON for each source that answers, the page at the end."""
    for one in coming:
        if isinstance(one, str):
            yield json.dumps({"said": one}) + "\n"
        else:
            page = _found(_fresh(notice), filled, one)
            yield json.dumps({"page": page[0] if isinstance(page, tuple) else page}) + "\n"


def _fresh(notice: Notice | None) -> Notice | None:
    """Read again: no session was kept open while the sources were asked."""
    return notices.find(ctx.get_session(), notice.address) if notice else None


def _found(notice: Notice | None, before: Filling, result: str | looking_up.Result) -> ResponseReturnValue:
    """It opens on what is left to fill in; on the field on top where that is where to go on from."""
    assert isinstance(result, looking_up.Result)
    goes_on = result.filled != before and not result.to_choose
    shown = Shown(searched=result.searched, look_alike=True, start=goes_on, fresh=not goes_on)
    return _again(_fresh(notice), result.filled, shown)


ACTS: Mapping[str, Act] = {
    "kind": _kind,
    "add": _add,
    "search": _search,
    "take": _take,
    "drop": _drop,
    "never": _never,
    "subject": _subject,
    "subjects": _subjects,
    "doubles": _doubles,
    "apart": _apart,
    "same": _same,
}


# --- forms in hand ---------------------------------------------------------------------------


def content_of(filled: Filling) -> kept_forms.Content:
    """What the form holds, as a browser would send it."""
    out: kept_forms.Content = {name: list(texts) for name, texts in filled.values.items()}
    out |= {f"trouve_{key}": [f"{source}|{label}"] for key, (source, label) in filled.found.items()}
    out["propose"] = [filling.as_text(one) for one in filled.proposed]
    out["pas_la_meme"] = list(filled.apart)
    return out


def resumed(kept: KeptForm) -> Filling:
    return filling.read(sent_in(kept))


def sent_in(kept: KeptForm) -> filling.MultiDict[str, str]:
    return filling.MultiDict([(name, text) for name, texts in kept.content.items() for text in texts])


def keep_sent(address: str) -> str:
    """Keep what this request brings; the time, in words, "" when it is too large to be a form."""
    content = kept_forms.content_of(request.form.lists(), forms.file_of(request))
    title = form.one_line(request.form.get("title", "")) or form.one_line(request.form.get("chercher", ""))
    given = request.form.get("version", "")
    version = int(given) if given.isdecimal() and len(given) < 10 else 0
    ctx.end_session()
    with ctx.travee().db.write() as session:
        at = kept_forms.keep(session, current_user.login, address, content, title=title, version=version)
    return format_time(at) if at else ""


@blueprint.post("/formulaires/<address>")
@needs("contributor")
def keep_form(address: str) -> ResponseReturnValue:
    """From the script, every few seconds and when a field is left."""
    if not is_code(address):
        abort(404)
    notice = notices.find(ctx.get_session(), address)
    if notice is not None and notice.version > version_of(notice):  # saved meanwhile, from here or elsewhere
        return {"kept": False, "said": _("Cette notice a été enregistrée entre-temps.")}
    at = keep_sent(address)
    return {"kept": bool(at), "said": _("Brouillon enregistré %(at)s") % {"at": at} if at else ""}


@blueprint.post("/formulaires/<address>/oublier")
@needs("contributor")
def forget_form(address: str) -> ResponseReturnValue:
    if not is_code(address):
        abort(404)
    with ctx.get_writer() as session:
        kept_forms.forget(session, current_user.login, address)
        known = notices.find(session, address) is not None
    flash(_("Oublié : la saisie commencée n’est plus gardée."), "ok")
    return redirect(url_for("desk.edit", address=address) if known else url_for("desk.new"), 303)


# --- what the script asks for ----------------------------------------------------------------


@blueprint.post("/doublons")
@needs("contributor")
def doubles() -> ResponseReturnValue:
    """The notices that what is being written may be already: a piece of the page."""
    address = request.form.get("adresse", "")
    notice = notices.find(ctx.get_session(), address) if is_code(address) else None
    found = notice_page.near(notice, filling.read(request.form))
    return render_template("desk/_alike.html", alike=found, looked_alike=False, part=True)


@blueprint.get("/auteurs")
@needs("contributor")
def people() -> ResponseReturnValue:
    return _chosen_from("person")


@blueprint.get("/organismes")
@needs("contributor")
def bodies() -> ResponseReturnValue:
    return _chosen_from("corporate_body")


@blueprint.get("/revues")
@needs("contributor")
def journals() -> ResponseReturnValue:
    found = choices.journals(ctx.get_session(), request.args.get("q", ""))
    return {"terms": [term.as_data() for term in found], "free": True}


def _chosen_from(type_: str) -> ResponseReturnValue:
    found = choices.names(ctx.get_session(), type_, request.args.get("q", ""))
    return {"terms": [term.as_data() for term in found], "free": True}
