"""Descriptors and classes: the page of a term, and what is done with it. Every act says before what it would change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import authorities, authority_lists, authority_pages, renaming, term_edits, vocabulary
from catalogue.authorities import Stale
from catalogue.i18n import N_, _, current_language
from catalogue.models import ClassificationEntry, Concept
from catalogue.renaming import Done
from catalogue.text import fold
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import done_lot
from catalogue.web.desk_authorities import blueprint, tell, version_seen
from catalogue.web.desk_notices import page_asked
from catalogue.web.searching import Pages

CONCEPT = "/descripteurs/<int(max=2147483647):number>"
CLASS = "/classement/<int(max=2147483647):number>"
MOST_PARENTS = 12
LONGEST_LABEL, LONGEST_NOTE = 300, 10_000  # signs


MAPPINGS = {
    "exactMatch": N_("Le même ailleurs"),
    "closeMatch": N_("Presque le même"),
    "broadMatch": N_("Plus large"),
    "narrowMatch": N_("Plus étroit"),
    "relatedMatch": N_("Voisin"),
}


class Unclear(Exception):
    """What was typed cannot be done: the field, and the sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


@blueprint.get(CONCEPT)
@needs("reader")
def concept(number: int) -> ResponseReturnValue:
    return _shown(number)


@blueprint.post(CONCEPT)
@needs("documentalist")
def change_concept(number: int) -> ResponseReturnValue:
    """One act of those that the page offers."""
    act = ACTS.get(request.form.get("action", "")) or abort(400)
    try:
        with ctx.get_writer() as session:
            done = act(session, session.get(Concept, number) or abort(404))
            lot = done.batch.id if done.batch else None
    except Unclear as unclear:
        return _shown(number, (unclear.field, unclear.sentence), 422)
    except Stale:
        return _moved(number)
    tell(lot, done.notices)
    return redirect(url_for("desk_authorities.concept", number=done.kept or number, lot=lot), 303)


@blueprint.get(f"{CONCEPT}/changer")
@needs("documentalist")
def before_change(number: int) -> ResponseReturnValue:
    """What withdrawing a term, replacing it or taking a word away would change, before it is done."""
    session = ctx.get_session()
    row = _living(session, number)
    if not isinstance(row, Concept):
        return row
    word = request.args.get("mot", "").strip()
    typed = request.args.get("remplace", "").strip()
    other = None
    if typed:
        try:
            other = _term(session, row, typed, "remplace")
        except Unclear as unclear:
            return _shown(number, (unclear.field, unclear.sentence), 422)
    changed = len(renaming.rewritten(session, row, word)) if word else renaming.affected(session, row)
    return render_template(
        "desk/concept_before.html",
        row=row,
        word=word,
        language=request.args.get("langue", "fr")[:8],
        other=other,
        typed=typed,
        changed=changed,
        below=len(authorities.concepts_below(session, row.id)),
    )


# --- the acts --------------------------------------------------------------------------------


def _rename(session: Session, row: Concept) -> Done:
    label = _given("terme", LONGEST_LABEL, _("Écrivez le terme."))
    known = authorities.match_labels(session, [(fold(label), _scheme_code(session, row))])
    taken = next(iter(known.values()), None)
    if taken is not None and taken.concept_id != row.id and taken.scheme_id == row.scheme_id:
        words = _("« %(label)s » est déjà un terme, ou mène à « %(other)s » : réunissez plutôt les deux.")
        raise Unclear("terme", words % {"label": label, "other": taken.label})
    language = request.form.get("langue", "fr")[:8] or "fr"
    return renaming.rename_concept(
        session, row, label, language=language, by=current_user.login, expected_version=version_seen()
    )


def _add_synonym(session: Session, row: Concept) -> Done:
    word = _given("synonyme", LONGEST_LABEL, _("Écrivez le synonyme."))
    return term_edits.add_synonym(
        session,
        row,
        word,
        language=request.form.get("langue", "fr")[:8] or "fr",
        by=current_user.login,
        expected_version=version_seen(),
    )


def _remove_synonym(session: Session, row: Concept) -> Done:
    return term_edits.remove_synonym(
        session,
        row,
        request.form.get("mot", ""),
        language=request.form.get("langue", "fr")[:8],
        by=current_user.login,
        expected_version=version_seen(),
    )


def _move(session: Session, row: Concept) -> Done:
    typed = [text for text in request.form.getlist("sous")[:MOST_PARENTS] if text.strip()]
    parents = list({other.id: other for text in typed if (other := _term(session, row, text, "sous"))}.values())
    try:
        return term_edits.move(session, row, parents, by=current_user.login, expected_version=version_seen())
    except term_edits.Circle as circle:
        words = _("« %(term)s » ne peut pas aller sous un terme qui est lui-même en dessous.") % {"term": row.label}
        raise Unclear("sous", words) from circle


def _note(session: Session, row: Concept) -> Done:
    note = request.form.get("note", "").replace("\r\n", "\n").strip()
    if len(note) > LONGEST_NOTE:
        words = _("La note a %(n)s signes, c’est trop ; %(most)s au plus.")
        raise Unclear("note", words % {"n": len(note), "most": LONGEST_NOTE})
    return term_edits.write_note(session, row, note, by=current_user.login, expected_version=version_seen())


def _withdraw(session: Session, row: Concept) -> Done:
    typed = request.form.get("remplace", "").strip()
    other = _term(session, row, typed, "remplace") if typed else None
    return term_edits.withdraw(session, row, replacement=other, by=current_user.login, expected_version=version_seen())


ACTS: dict[str, Callable[[Session, Concept], Done]] = {
    "renommer": _rename,
    "ajouter": _add_synonym,
    "oter": _remove_synonym,
    "deplacer": _move,
    "noter": _note,
    "retirer": _withdraw,
}


def _given(name: str, most: int, missing: str) -> str:
    text = request.form.get(name, "").strip()
    if not text:
        raise Unclear(name, missing)
    if len(text) > most:
        raise Unclear(name, _("%(n)s signes, c’est trop ; %(most)s au plus.") % {"n": len(text), "most": most})
    return text


def _term(session: Session, row: Concept, typed: str, field: str) -> Concept:
    """The term that this word names, first of the same thesaurus; a synonym leads to its term."""
    wanted = (fold(typed), _scheme_code(session, row))
    known = authorities.match_labels(session, [wanted]).get(wanted)
    if known is None:
        raise Unclear(field, _("Aucun terme ne s’appelle « %(term)s ».") % {"term": typed[:80]})
    if known.concept_id == row.id:
        raise Unclear(field, _("« %(term)s » est ce terme lui-même : choisissez-en un autre.") % {"term": typed[:80]})
    return authorities.get_concept(session, known.concept_id)


def _scheme_code(session: Session, row: Concept) -> str:
    return authorities.codes_of_schemes(session)[row.scheme_id]


# --- showing ---------------------------------------------------------------------------------


def _living(session: Session, number: int) -> Concept | ResponseReturnValue:
    row = session.get(Concept, number) or abort(404)
    if row.status == "merged":
        kept = authorities.survivors(session, Concept, [number]).get(number)
        return redirect(url_for("desk_authorities.concept", number=kept), 302) if kept else abort(404)
    return row


def _shown(
    number: int, problem: tuple[str, str] | None = None, status: int = 200, *, now: bool = False
) -> ResponseReturnValue:
    """`now`: the next save is compared with what stands there now, which the page has just shown."""
    session = ctx.get_session()
    row = _living(session, number)
    if not isinstance(row, Concept):
        return row
    found = vocabulary.concept_page(session, number, current_language())
    carriers = authority_lists.carriers(session, row, page_asked(request.args))
    page = render_template(
        "desk/concept.html",
        row=row,
        term=found if isinstance(found, vocabulary.ConceptPage) else None,
        labels=authority_pages.labels(session, row),
        parents=authority_pages.parents(session, row),
        mappings=MAPPINGS,
        sources=authority_pages.numbers_of(session, "concept", row.id),
        carriers=carriers,
        pages=Pages.of(
            carriers.page,
            carriers.pages,
            lambda page: url_for("desk_authorities.concept", number=number, page=page, _anchor="notices"),
        ),
        events=authority_pages.events(session, "concept", row),
        errors=[problem] if problem else [],
        said=dict([problem]) if problem else {},
        version=version_seen() if problem and request.method == "POST" and not now else row.version,
        done=done_lot(),
    )
    return page, status


def _moved(number: int) -> ResponseReturnValue:
    """Somebody has changed the term meanwhile: as it stands now, with what was typed still in its field."""
    words = _("Quelqu’un a changé ce terme pendant que vous le lisiez : voici comment il est maintenant.")
    more = _("Rien n’a été enregistré ici ; ce que vous aviez écrit est encore dans son champ.")
    flash(f"{words} {more}", "warn")
    field: dict[str, Any] = {"ajouter": "synonyme", "deplacer": "sous", "noter": "note", "retirer": "remplace"}
    words = _("Comparez avec ce qui est là, puis recommencez si c’est encore utile.")
    return _shown(number, (field.get(request.form.get("action", ""), "terme"), words), 409, now=True)


# --- classes ---------------------------------------------------------------------------------


@blueprint.route(CLASS, methods=["GET", "POST"], endpoint="one_class")
@needs("documentalist")
def one_class(number: int) -> ResponseReturnValue:
    """A number of the classification and its words: the words change, the number stays."""
    if request.method == "POST":
        label = request.form.get("libelle", "")
        if len(label) > LONGEST_LABEL:
            words = _("%(n)s signes, c’est trop ; %(most)s au plus.")
            return _class_shown(number, [("libelle", words % {"n": len(label), "most": LONGEST_LABEL})], 422)
        try:
            with ctx.get_writer() as session:
                entry = session.get(ClassificationEntry, number) or abort(404)
                done = term_edits.rename_class(
                    session, entry, label, by=current_user.login, expected_version=version_seen()
                )
                lot = done.batch.id if done.batch else None
        except Stale:
            words = _("Quelqu’un a changé ce libellé entre-temps : comparez avec le titre, puis enregistrez.")
            return _class_shown(number, [("libelle", words)], 409)
        tell(lot, 0)
        return redirect(url_for("desk_authorities.one_class", number=number, lot=lot), 303)
    return _class_shown(number)


def _class_shown(number: int, errors: Any = (), status: int = 200) -> ResponseReturnValue:
    session = ctx.get_session()
    entry = session.get(ClassificationEntry, number) or abort(404)
    page = render_template(
        "desk/class.html",
        entry=entry,
        label=request.form.get("libelle", entry.label),
        errors=list(errors),
        events=authority_pages.events(session, "class", entry),
        done=done_lot(),
    )
    return page, status
