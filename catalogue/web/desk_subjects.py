"""Subjects at the desk: what the combobox proposes, descriptors for a title and an abstract, candidate descriptors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import authorities, candidate_terms, notices
from catalogue.authorities import Stale
from catalogue.candidate_terms import PER_PAGE, Candidate, Known
from catalogue.i18n import _, format_number, ngettext
from catalogue.identifiers import is_code
from catalogue.models import Concept
from catalogue.renaming import Done
from catalogue.text import fold, plain_text
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint, done_lot
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages

MOST_BYTES = 4_000  # of an answer: one is sent for nearly every key
SHORTEST = 2  # signs
LONGEST = 200
MOST_ALREADY = 60
NEAR = 3  # terms of the thesaurus that are shown beside a candidate


@blueprint.get("/sujets")
@needs("contributor")
def subjects() -> ResponseReturnValue:
    """The terms that hold the words typed. `free`: nothing goes by just this name, one may still write it."""
    typed = " ".join(request.args.get("q", "").split())[:LONGEST]
    proposer = ctx.proposer()
    found = proposer.complete(typed) if len(typed) >= SHORTEST else []
    terms = [
        {
            "label": one.head.label,
            "path": one.path,
            "for": one.via,
            "scheme": one.head.scheme,
            "candidate": one.head.candidate,
            "notices": one.head.notices,
        }
        for one in found
    ]
    return _json({"terms": terms, "free": bool(typed) and not proposer.is_known(typed)})


@blueprint.post("/sujets/proposes")
@needs("contributor")
def proposed_subjects() -> ResponseReturnValue:
    """At most five descriptors for a form: `title`, `abstract`, `already` (several), `address` of its notice."""
    address = request.form.get("address", "")
    notice = notices.find(ctx.get_session(), address) if is_code(address) else None
    found = ctx.proposer().propose(
        request.form.get("title", ""),
        request.form.get("abstract", ""),
        already=request.form.getlist("already")[:MOST_ALREADY],
        but=notice.id if notice else None,
    )
    return _json({"terms": [{"label": one.label, "path": one.path, "why": one.why} for one in found]})


def _json(answer: dict[str, Any]) -> Response:
    """The last terms are left out of an answer that would be too long."""
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if len(body.encode()) > MOST_BYTES and answer["terms"]:
        return _json({**answer, "terms": answer["terms"][:-1]})
    return Response(body, mimetype="application/json")


# --- candidate descriptors -------------------------------------------------------------------


class Unclear(Exception):
    """What was typed cannot be done: the field, and the sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


@blueprint.get("/sujets/candidats")
@needs("documentalist")
def candidate_subjects() -> ResponseReturnValue:
    return _shown()


@blueprint.post("/sujets/candidats")
@needs("documentalist")
def settle_candidate() -> ResponseReturnValue:
    """One act on one word: a descriptor, another term in its place, a keyword; or asked about again."""
    act = ACTS.get(request.form.get("action", "")) or abort(400)
    word = plain_text(request.form.get("mot", ""))[:LONGEST] or abort(400)
    try:
        with ctx.get_writer() as session:
            done = act(session, word)
            lot = done.batch.id if done.batch else None
    except Unclear as unclear:
        return _shown(word, (unclear.field, unclear.sentence), 422)
    except Known:
        return _shown(word, ("large", _("« %(word)s » est déjà au thésaurus.") % {"word": word}), 422)
    except Stale:
        sentence = _("Ce terme vient d’être changé ou retiré : choisissez-le de nouveau.")
        return _shown(word, ("terme", sentence), 409)
    flash(_told(request.form["action"], word, done.notices), "ok")
    return redirect(url_for("desk.candidate_subjects", page=request.form.get("page", "1"), lot=lot), 303)


def _accept(session: Session, word: str) -> Done:
    broader = _term(session, "large") if request.form.get("large", "").strip() else None
    return candidate_terms.accept(session, word, by=current_user.login, broader=broader)


def _replace(session: Session, word: str) -> Done:
    if not request.form.get("terme", "").strip():
        raise Unclear("terme", _("Écrivez le terme qui le remplace."))
    concept = _term(session, "terme")
    as_synonym = request.form.get("synonyme") == "oui"
    return candidate_terms.replace(session, word, concept, by=current_user.login, as_synonym=as_synonym)


def _keep(session: Session, word: str) -> Done:
    return candidate_terms.keep_as_keyword(session, word, by=current_user.login)


def _ask_again(session: Session, word: str) -> Done:
    candidate_terms.ask_again(session, fold(word))
    return Done(None)


ACTS: Mapping[str, Callable[[Session, str], Done]] = {
    "accepter": _accept,
    "remplacer": _replace,
    "garder": _keep,
    "redemander": _ask_again,
}


def _term(session: Session, field: str) -> Concept:
    typed = plain_text(request.form.get(field, ""))[:LONGEST]
    known = authorities.find_concepts(session, [typed]).get(fold(typed))
    if known is None:
        raise Unclear(
            field, _("« %(typed)s » n’est pas au thésaurus : choisissez un terme de la liste.") % {"typed": typed}
        )
    return authorities.get_concept(session, known.concept_id)


def _told(action: str, word: str, n: int) -> str:
    counted = ngettext("%(n)s notice", "%(n)s notices", n) % {"n": format_number(n)}
    sentences = {
        "accepter": _("« %(word)s » est maintenant un descripteur (%(notices)s)."),
        "remplacer": _("« %(word)s » est remplacé : %(notices)s."),
        "garder": _("« %(word)s » reste un mot-clé libre (%(notices)s) ; il ne sera plus demandé."),
        "redemander": _("« %(word)s » sera demandé la prochaine fois qu’il sera saisi comme sujet."),
    }
    return sentences[action] % {"word": word, "notices": counted}


def _shown(word: str = "", error: tuple[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    """`word`: the one whose form comes back as it was typed."""
    session, number = ctx.get_session(), page_asked(request.values)
    found, total = candidate_terms.waiting(session, page=number)
    page = render_template(
        "desk/candidates.html",
        found=[(one, _near(one)) for one in found],
        total=total,
        first=(number - 1) * PER_PAGE + 1,
        kept=candidate_terms.kept_words(session)[:100],
        pages=Pages.of(number, -(-total // PER_PAGE), lambda n: url_for("desk.candidate_subjects", page=n)),
        done=done_lot(),
        word=word,
        error=error,
    )
    return page, status


def _near(one: Candidate) -> Sequence[str]:
    """Terms of the thesaurus that say nearly the same."""
    return ctx.proposer().near(one.word, limit=NEAR)
