"""« Importer un fichier »: from the file on Claire's disk to its notices, in three pages and without a script.

The file is given with the name of its source; a page shows what was understood of it, and for a spreadsheet
lets each column be given a meaning, which the source remembers; it is tried, imported at once when it is
short, else by the worker; the last page says what became of it, and takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from catalogue import columns, form, items, problems, sources, unimarc
from catalogue.i18n import N_, _, current_language
from catalogue.problems import Refusal
from catalogue.unimarc import KINDS, Record
from catalogue.web import ctx
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from harvest import files, waiting
from harvest.crosswalk import sheets
from harvest.waiting import Job

LONGEST_SOURCE = 80
SHEETS = ("csv", "xlsx")
SAMPLES = 3
PREVIEWED = 3
SHOWN_VALUE = 160
SENTENCES = 6  # of one kind of problem
MOST_KINDS = 20
REPORT = "desk_reports.show"
SEPARATORS = {
    ";": N_("le point-virgule ( ; )"),
    "|": N_("la barre verticale ( | )"),
    "/": N_("la barre oblique, entre deux espaces ( / )"),
    ",": N_("la virgule ( , ), sauf pour les auteurs"),
    "\n": N_("le retour à la ligne"),
}
WHY = {
    "chosen": N_("Choisi la dernière fois pour cette source."),
    "heading": N_("D’après le titre de la colonne."),
    "values": N_("D’après les valeurs."),
    "unknown": N_("Titre inconnu : dites ce que c’est, ou laissez-le en note."),
}
Errors = list[tuple[str, str]]


# --- giving a file ---------------------------------------------------------------------------


@blueprint.route("/importer", methods=["GET", "POST"])
@needs("documentalist")
def import_file() -> ResponseReturnValue:
    waiting.erase_old(_folder())
    if request.method == "GET":
        return _show_giving([])
    given = request.files.get("fichier")
    if given is None or not given.filename:
        return _show_giving([("fichier", _("Choisissez un fichier sur votre ordinateur."))])
    name = form.one_line(request.form.get("nouvelle_source", "") or request.form.get("source", ""))
    if len(name) > LONGEST_SOURCE:
        words = _("Le nom d’une source ne dépasse pas %(n)s signes.") % {"n": LONGEST_SOURCE}
        return _show_giving([("nouvelle_source", words)])
    with given.stream:
        job = waiting.keep(_folder(), given.filename, given.stream, by=current_user.login)
    refusal = _refusal(job)
    if refusal is not None:
        waiting.drop(_folder(), job)
        return _show_giving([("fichier", refusal.sentence())])
    format = files.format_of(waiting.path_of(_folder(), job))
    name = name or Path(job.file_name).stem[:LONGEST_SOURCE].strip()
    waiting.save(_folder(), replace(job, format=format, source=name))
    return redirect(url_for("desk.prepare_import", token=job.token), 303)


def _refusal(job: Job) -> Refusal | None:
    """Why this file will not be read, in its own words: by what it is, then by its first record."""
    path = waiting.path_of(_folder(), job)
    format = files.format_of(path)
    if format in SHEETS:
        looked = _look(job, {})
        return looked if isinstance(looked, Refusal) else None
    first = next(iter(files.read(path)), None)
    return first if isinstance(first, Refusal) and first.position == 0 else None


def _show_giving(errors: Errors) -> ResponseReturnValue:
    names = [source.name for source in sources.list_sources(ctx.get_session())]
    prepared = [(job, waiting.state(_folder(), job)) for job in waiting.list_jobs(_folder()) if job.format]
    page = render_template(
        "desk/import_file.html",
        errors=errors,
        error=dict(errors),
        sources=names,
        jobs=prepared,
        limit=ctx.settings().upload_limit_mb,
        read=[files.NAMES[known] for known in files.READERS],
        typed=request.form,
    )
    return page, 422 if errors else 200


# --- preparing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column of the sheet on the screen."""

    name: str  # of the input
    heading: str
    samples: tuple[str, ...]
    meaning: str
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """One notice as it would come in, or why it would not."""

    title: str
    kind: str
    lines: tuple[tuple[str, str], ...]
    refused: str = ""


@blueprint.route("/importer/<token>", methods=["GET", "POST"])
@needs("documentalist")
def prepare_import(token: str) -> ResponseReturnValue:
    job = _job(token)
    if waiting.state(_folder(), job) != "prepared":
        return redirect(url_for("desk.import_progress", token=token))
    if request.method == "GET":
        return _show_preparing(job, [])
    job = replace(job, status="candidate" if request.form.get("statut") == "candidate" else "published")
    if job.format in SHEETS:
        looked = _look(job, _typed_sheet())
        if isinstance(looked, Refusal):
            return _show_preparing(job, [("feuille", looked.sentence())])
        typed = _typed_profile(looked)
        typed["kinds"] = {**_source_profile(job).get("kinds", {}), **job.profile.get("kinds", {}), **typed["kinds"]}
        job = replace(job, profile=typed, tried=None)
    waiting.save(_folder(), job)
    asked = request.form.get("action", "")
    if asked not in ("try", "import"):
        return redirect(url_for("desk.prepare_import", token=token, _anchor="apercu"), 303)
    if job.format in SHEETS and "title" not in job.profile["columns"].values():
        return _show_preparing(job, [("colonne-0", _("Dites quelle colonne contient le titre des documents."))])
    return _import(job, dry=asked == "try")


def _import(job: Job, *, dry: bool) -> ResponseReturnValue:
    """Now, when it is short; else as soon as the worker is free."""
    profile = {**_source_profile(job), **job.profile}
    if not dry and job.profile:
        with ctx.get_writer() as session:
            _remember(session, job)
    ctx.end_session()
    small = waiting.is_small(_folder(), job, profile)
    job = waiting.ask(_folder(), job, dry=dry)
    if small and (taken := waiting.take(_folder(), job)) is not None:
        job = waiting.perform(ctx.travee().db, _folder(), taken)
    ctx.travee().drain_soon()  # and the worker is woken
    if small and dry:
        return redirect(url_for("desk.prepare_import", token=job.token, _anchor="essai"), 303)
    return redirect(url_for("desk.import_progress", token=job.token), 303)


def _remember(session: Any, job: Job) -> None:
    """What each column means is a habit of the source: proposed again when the same headings come."""
    source = sources.for_file(session, job.source)
    known = source.profile.get("columns") or {}
    source.profile = {**source.profile, **job.profile, "columns": {**known, **job.profile["columns"]}}


def _typed_sheet() -> dict[str, Any]:
    typed = {
        "name": request.form.get("feuille", ""),
        "separator": request.form.get("separateur", "").replace("\r\n", "\n"),
        "kind": request.form.get("type", ""),
    }
    defaults = {
        "location": form.one_line(request.form.get("emplacement", "")),
        "language": request.form.get("langue", ""),
    }
    return {name: value for name, value in typed.items() if value} | {
        "defaults": {k: v for k, v in defaults.items() if v}
    }


def _typed_profile(looked: sheets.Look) -> dict[str, Any]:
    meanings = {}
    for n, heading in enumerate(looked.headings):
        code = request.form.get(f"colonne-{n}", "")
        if code in columns.MEANINGS and request.form.get(f"titre-{n}", heading) == heading:
            meanings[heading] = code
    return {"columns": meanings, "sheet": _typed_sheet(), "kinds": _typed_kinds()}


def _typed_kinds() -> dict[str, str]:
    typed = {request.form.get(f"mot-{n}", ""): request.form.get(f"sorte-{n}", "") for n in range(MOST_KINDS)}
    return {word[:80]: code for word, code in typed.items() if word and code in KINDS}


def _show_preparing(job: Job, errors: Errors) -> ResponseReturnValue:
    known = _source_profile(job)
    profile = {**known, **job.profile}
    looked = _look(job, (job.profile.get("sheet") or known.get("sheet") or {})) if job.format in SHEETS else None
    if isinstance(looked, Refusal):
        errors, looked = [*errors, ("contenu", looked.sentence())], None
    plan = columns.plan(looked.headings, looked.samples, profile) if looked else None
    page = render_template(
        "desk/import_prepare.html",
        job=job,
        errors=errors,
        error=dict(errors),
        format=files.NAMES[job.format],
        look=looked,
        is_new=_is_new(job),
        lines=_lines(job, looked, known) if looked else (),
        charset=sheets.CHARSETS.get(looked.charset, "") if looked else "",
        plan=plan,
        unknown_kinds=_unknown_kinds(job, plan, looked) if looked and plan else (),
        doubt=looked.doubt.sentence() if looked and looked.doubt and not job.profile else "",
        meanings=_meanings(),
        separators=[(sign, _(words)) for sign, words in SEPARATORS.items()],
        kinds=[(k.code, k.en if current_language() == "en" else k.fr) for k in KINDS.values()],
        languages=form.choices(form.FORM["language"].columns[0]),
        places=[place.name for place in items.list_locations(ctx.get_session())],
        cards=_cards(job, profile),
        tried=_said(job, job.tried),
        row_words=job.format in SHEETS,
    )
    return page, 422 if errors else 200


def _lines(job: Job, looked: sheets.Look, known: Mapping[str, Any]) -> tuple[ColumnLine, ...]:
    chosen = job.profile.get("columns") or {}
    guesses = columns.guess(looked.headings, looked.samples, known)
    out = []
    for n, (heading, one) in enumerate(zip(looked.headings, guesses, strict=True)):
        meaning = chosen.get(heading, one.meaning)
        found = dict.fromkeys(row[n].strip() for row in looked.samples if n < len(row) and row[n].strip())
        why = _(WHY[one.why]) if meaning == one.meaning else _("Votre choix.")
        out.append(
            ColumnLine(f"colonne-{n}", heading, tuple(_short(v, 60) for v in islice(found, SAMPLES)), meaning, why)
        )
    return tuple(out)


def _unknown_kinds(job: Job, plan: columns.Plan, looked: sheets.Look) -> list[str]:
    """Words for kinds that mean nothing here: in the first rows, and in what a try has met."""
    found = columns.unknown_kinds(plan, looked.samples)
    for told in (job.tried or {}).get("told", ()):
        if told["code"] == "sheet.kind_unknown":
            found += [params["value"] for params in told["first"]]
    return list(dict.fromkeys(found))[:MOST_KINDS]


def _meanings() -> list[tuple[str, list[tuple[str, str]]]]:
    """The choices, by group."""
    at = 1 if current_language() == "en" else 0
    return [
        (words[at], [(m.code, m.label) for m in columns.MEANINGS.values() if m.group == group])
        for group, words in columns.GROUPS.items()
    ]


def _cards(job: Job, profile: Mapping[str, Any]) -> list[Card]:
    """The first notices, as they would come in."""
    read = files.read(waiting.path_of(_folder(), job), job.format, profile)
    return [_card(one) for one in islice((r for r in read if isinstance(r, (Record, Refusal))), PREVIEWED)]


def _card(one: Record | Refusal) -> Card:
    if isinstance(one, Refusal):
        return Card(one.identifier, "", (), one.sentence())
    values = form.read(one.fields)
    lines = []
    for f in form.FORM.values():
        rows = zip(*(values.get(c.name, []) for c in f.columns), strict=True)
        said = [_row_words(f, row) for row in rows]
        if said and f.key != "title":
            lines.append((f.label, _short(" ; ".join(said), SHOWN_VALUE)))
    for other in form.rest(one.fields):
        text = " ".join(unimarc.subfields(other)) or other.get("v", "")
        lines.append((form.name_of_value(other, ""), _short(text, SHOWN_VALUE)))
    for copy in one.items:
        said = [copy.call_number, copy.barcode, copy.inventory_number, copy.location, copy.section, copy.status]
        lines.append((_("Exemplaire"), " · ".join(part for part in said if part)))
    kind = KINDS[unimarc.kind(one.fields)]
    refused = "" if unimarc.title(one.fields) else problems.sentence("record.no_title")
    return Card(
        unimarc.full_title(one.fields), kind.en if current_language() == "en" else kind.fr, tuple(lines), refused
    )


def _row_words(f: form.FormField, row: Sequence[str]) -> str:
    said = [
        form.choice_label(column, text) if column.how == "choice" else text
        for column, text in zip(f.columns, row, strict=True)
        if text and text != column.default
    ]
    return ", ".join(part for part in said if part)


def _short(text: str, length: int) -> str:
    text = form.one_line(text.replace("\n", " "))
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


# --- what became of it -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What an import, or a try, said of itself."""

    counts: Mapping[str, int]
    trouble: str
    told: tuple[tuple[int, tuple[str, ...]], ...]  # how often, and the first sentences that differ
    refused: tuple[tuple[int, str, str], ...]
    more_refused: int
    report: str  # address of its page


@blueprint.get("/importer/<token>/suivi")
@needs("documentalist")
def import_progress(token: str) -> ResponseReturnValue:
    job = _job(token)
    now = waiting.state(_folder(), job)
    if now == "prepared":
        return redirect(url_for("desk.prepare_import", token=token))
    lots = waiting.lots_of(ctx.get_session(), job) if now == "done" else []
    return render_template(
        "desk/import_progress.html",
        job=job,
        state=now,
        done=waiting.read_so_far(_folder(), job),
        said=_said(job, job.done),
        lots=lots,
        row_words=job.format in SHEETS,
    )


@blueprint.post("/importer/<token>/reprendre")
@needs("documentalist")
def import_again(token: str) -> ResponseReturnValue:
    """Once more, for an import that broke off: what is in already is recognised."""
    job = _job(token)
    if waiting.state(_folder(), job) != "done" or not waiting.path_of(_folder(), job).exists():
        return redirect(url_for("desk.import_progress", token=token), 303)
    return _import(job, dry=False)


@blueprint.post("/importer/<token>/abandonner")
@needs("documentalist")
def drop_import(token: str) -> ResponseReturnValue:
    job = _job(token)
    if waiting.state(_folder(), job) in ("prepared", "done"):
        waiting.drop(_folder(), job)
        flash(_("Le fichier « %(name)s » est effacé.") % {"name": job.file_name}, "ok")
    return redirect(url_for("desk.import_file"), 303)


def _said(job: Job, document: Mapping[str, Any] | None) -> Said | None:
    if document is None:
        return None
    counts = document["counts"]
    refused = tuple(
        (r["position"], r["identifier"], problems.sentence(r["code"], r["params"])) for r in document["refused"]
    )
    trouble = document["trouble"]
    report = ""
    if document["run_id"] and REPORT in current_app.view_functions:
        report = url_for(REPORT, number=document["run_id"])
    return Said(
        counts=counts,
        trouble=problems.sentence(trouble["code"], trouble["params"]) if trouble else "",
        told=tuple((t["n"], _sentences(t)) for t in document["told"]),
        refused=refused,
        more_refused=counts.get("refused", 0) - len(refused),
        report=report,
    )


def _sentences(told: Mapping[str, Any]) -> tuple[str, ...]:
    found = dict.fromkeys(problems.sentence(told["code"], params) for params in told["first"])
    return tuple(islice(found, SENTENCES))


# --- small things ----------------------------------------------------------------------------


def _folder() -> Path:
    return ctx.settings().imports_dir


def _job(token: str) -> Job:
    return waiting.get(_folder(), token) or abort(404)


def _source_profile(job: Job) -> dict[str, Any]:
    known = sources.find(ctx.get_session(), job.source)
    return dict(known.profile) if known else {}


def _is_new(job: Job) -> bool:
    return sources.find(ctx.get_session(), job.source) is None


def _look(job: Job, sheet: Mapping[str, Any]) -> sheets.Look | Refusal:
    profile = {**_source_profile(job), **job.profile, "sheet": sheet}
    with files.opened(waiting.path_of(_folder(), job)) as stream:
        return sheets.look(stream, profile)
