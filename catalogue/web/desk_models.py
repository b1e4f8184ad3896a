"""« Modèles et étiquettes » (/admin/modeles): the texts and the habits that screens use when nobody says otherwise."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from catalogue import audit, letters, meeting
from catalogue.form import one_line
from catalogue.i18n import N_, _, current_language, format_number
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk_settings import blueprint
from catalogue.web.typed import read_number
from export import bibliography, labels, usual
from export.citing.processor import STYLES

GROUPS = {"none": N_("non"), "theme": N_("par thème"), "kind": N_("par type")}
SUBJECTS = ("claim", "bibliography", "labels")
Errors = list[tuple[str, str]]


@blueprint.get("/modeles")
@needs("documentalist")
def models() -> ResponseReturnValue:
    return _page()


@blueprint.post("/modeles")
@needs("documentalist")
def set_model() -> ResponseReturnValue:
    """Keep one of the three, or Travée's own again."""
    about, action = request.form.get("quoi", ""), request.form.get("action", "")
    if about not in SUBJECTS or action not in ("save", "usual"):
        abort(400)
    errors: Errors = []
    if action == "save" and about == "claim" and (sentence := letters.wrong("claim", request.form.get("texte", ""))):
        errors = [("texte", sentence)]
    chosen = usual.Bibliography() if about == "bibliography" else usual.Labels()
    if action == "save" and about == "bibliography":
        chosen, errors = _bibliography()
    if action == "save" and about == "labels":
        chosen, errors = _labels()
    if errors:
        return _page(about, errors), 422
    usual_letter = letters.LETTERS["claim"].usual
    letter = request.form.get("texte", "") if action == "save" else _(usual_letter)
    mine = letter if about == "claim" else str(chosen)
    with ctx.get_writer() as session:
        now = _marks(session)[about]
        met, crossed = meeting.meet({about: now}, {about: mine}, _seen(about))
        changed = False
        if not crossed and met[about] == mine:
            changed = letters.write(session, "claim", mine) if about == "claim" else usual.write(session, chosen)
        if changed:
            audit.note(session, "setting_changed", by=current_user.login, about=f"model {about}")
    if crossed and about == "claim":
        return _page(about, [("texte", meeting.told(now))]), 409
    if crossed:
        words = _("Quelqu’un vient de choisir autrement : ce qui est montré est son choix. Changez-le si besoin.")
        return _page("", [("style" if about == "bibliography" else "format", words)]), 409
    flash(_("Les réglages sont enregistrés.") if changed else _("Rien n’avait changé."), "ok")
    return redirect(url_for("settings.models", _anchor=about), 303)


@blueprint.get("/modeles/feuille-essai.pdf")
@needs("documentalist")
def trial_sheet() -> ResponseReturnValue:
    """A sheet of the usual size with the edges of every label and rulers: to be laid on a sheet of labels."""
    kept = usual.labels(ctx.get_session())
    one = labels.label("364.4 DUB", "b3c5d7f9")
    made = labels.labels_pdf([one], kept.size, start=max(kept.start, 1), offset=(kept.x, kept.y), ruled=True)
    headers = {"Content-Disposition": 'inline; filename="feuille-essai.pdf"'}
    return Response(made, mimetype="application/pdf", headers=headers)


def _bibliography() -> tuple[usual.Bibliography, Errors]:
    style, group = request.form.get("style", ""), request.form.get("groupe", "")
    if style not in STYLES or group not in bibliography.GROUPS:
        abort(400)
    return usual.Bibliography(style, group, "resumes" in request.form), []


def _labels() -> tuple[usual.Labels, Errors]:
    size, errors = request.form.get("format", ""), []
    if size not in labels.SIZES:
        abort(400)
    place, most = one_line(request.form.get("place", "")) or "0", labels.SIZES[size].on_a_sheet
    if read_number(place, most=most) is None:
        errors.append(("place", _("Écrivez un nombre, de %(least)s à %(most)s.") % {"least": 1, "most": most}))
    offsets = {name: _millimetres(request.form.get(name, "")) for name in ("droite", "bas")}
    for name, value in offsets.items():
        if value is None:
            words = _("Écrivez des millimètres, de -%(n)s à %(n)s, ex. 1,5.") % {"n": format_number(usual.FARTHEST)}
            errors.append((name, words))
    if errors:
        return usual.Labels(), errors
    return usual.Labels(size, int(place), offsets["droite"] or 0.0, offsets["bas"] or 0.0), []


def _millimetres(typed: str) -> float | None:
    text = one_line(typed).replace(",", ".").replace("−", "-") or "0"
    try:
        value = round(float(text), 1) if text.isascii() and len(text) < 8 else None
    except ValueError:
        return None
    return value if value is not None and abs(value) <= usual.FARTHEST else None


def _marks(session: Session) -> dict[str, str]:
    """What each of the three forms is shown with, in a word that tells it from another."""
    claim = letters.text(session, "claim")
    return {"claim": claim, "bibliography": str(usual.bibliography(session)), "labels": str(usual.labels(session))}


def _seen(about: str) -> dict[str, str]:
    return {about: request.form["vu"]} if "vu" in request.form else {}


def _page(about: str = "", errors: Errors | None = None) -> str:
    session = ctx.get_session()
    typed = request.form if errors else {}
    return render_template(
        "desk/settings_models.html",
        about=about,
        errors=errors or [],
        wrong=dict(errors or []),
        typed=typed,
        letter=letters.LETTERS["claim"],
        text=letters.text(session, "claim"),
        text_is_usual=letters.is_usual(session, "claim"),
        bibliography=usual.bibliography(session),
        usual_bibliography=usual.Bibliography(),
        styles=[(code, style.name(current_language())) for code, style in STYLES.items()],
        groups=[(code, _(words)) for code, words in GROUPS.items()],
        labels=usual.labels(session),
        usual_labels=usual.Labels(),
        sizes=labels.SIZES,
        marks=_marks(session),
    )
