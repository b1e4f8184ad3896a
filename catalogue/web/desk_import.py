"""« Importer un fichier »: from the file on Claire's disk to its notices, in three pages and without a script.

The file is given with the name of its source; a page shows what was understood of it, and for a spreadsheet
lets each column be given a meaning, which the source remembers; it is tried, imported at once when it is
short, else by the worker; the last page says what became of it, and takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from pathlib import Path
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from catalogue import columns, form, import_words, items, problems, source_pages, sources, unimarc
from catalogue.i18n import N_, _, current_language, format_number, set_language
from catalogue.problems import Refusal
from catalogue.unimarc import KINDS, Record
from catalogue.web import ctx, desk_documents
from catalogue.web.auth import needs
from catalogue.web.desk import blueprint
from catalogue.web.public import show_error
from harvest import files, waiting
from harvest.crosswalk import pmbsql_tables, sheets
from harvest.waiting import Job

LONGEST_SOURCE = 80
SHEETS = ("csv", "xlsx")
SAMPLES = 3
PREVIEWED = 3
SHOWN_VALUE = 160
SENTENCES = 6  # of one kind of problem
PLACES = 8  # records named for each
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
        return _show_giving([("fichier", _("Choisissez un fichier sur votre ordinateur."))]), 422
    name = form.one_line(request.form.get("nouvelle_source", "") or request.form.get("source", ""))
    if len(name) > LONGEST_SOURCE:
        words = _("Le nom d’une source ne dépasse pas %(n)s signes.") % {"n": LONGEST_SOURCE}
        return _show_giving([("nouvelle_source", words)]), 422
    if name and not source_pages.is_name(name):
        return _show_giving([("nouvelle_source", _("Donnez à la source un nom avec des lettres, ex. « RECI »."))]), 422
    with given.stream:
        job = waiting.keep(_folder(), given.filename, given.stream, by=current_user.login)
    refusal = _refusal(job)
    if refusal is not None:
        waiting.drop(_folder(), job)
        return _show_giving([("fichier", refusal.sentence())]), 422
    format = files.format_of(waiting.path_of(_folder(), job))
    stem = Path(job.file_name).stem[:LONGEST_SOURCE].strip()
    name = name or (stem if source_pages.is_name(stem) else _("fichier"))
    waiting.save(_folder(), replace(job, format=format, source=name))
    return redirect(url_for("desk.prepare_import", token=job.token), 303)


def _refusal(job: Job) -> Refusal | None:
    """Why this file will not be read, in its own words: by what it is, then by its first record."""
    path = waiting.path_of(_folder(), job)
    format = files.format_of(path)
    if format in SHEETS:
        looked = _look(job, {})
        return looked if isinstance(looked, Refusal) else None
    if format in files.WHOLE:
        with files.opened(path) as stream:
            return pmbsql_tables.look(stream.read(pmbsql_tables.HEAD))
    first = next(iter(files.read(path)), None)
    return first if isinstance(first, Refusal) and first.position == 0 else None


@blueprint.errorhandler(413)
def too_large(error: HTTPException) -> ResponseReturnValue:
    """A file that nobody reads to its end: said on the page where it was given, with a way out."""
    known = current_user.is_authenticated and current_user.may("documentalist")
    if request.endpoint in ("desk.add_document", "desk.create", "desk.save") and current_user.is_authenticated:
        return desk_documents.too_large(error)
    if request.endpoint != "desk.import_file" or not known:
        return show_error(error)
    set_language(current_user.language)
    limit = format_number(ctx.settings().upload_limit_mb)
    words = _(
        "Ce fichier dépasse %(n)s Mo. Compressez-le (.gz), il sera lu ainsi ; ou faites-le importer sur la machine "
        "même par la commande « travee import », qui n’a pas de limite."
    )
    return _show_giving([("fichier", words % {"n": limit})], {}), 413


def _show_giving(errors: Errors, typed: Mapping[str, str] | None = None) -> str:
    names = [source.name for source in sources.list_sources(ctx.get_session())]
    prepared = [(job, waiting.state(_folder(), job)) for job in waiting.list_jobs(_folder()) if job.format]
    return render_template(
        "desk/import_file.html",
        errors=errors,
        error=dict(errors),
        sources=names,
        jobs=prepared,
        limit=ctx.settings().upload_limit_mb,
        read=[files.NAMES[known] for known in files.READERS],
        typed=request.form if typed is None else typed,
    )


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
        kinds = _typed_kinds({**_source_profile(job), **job.profile}.get("kinds") or {})
        job = replace(job, profile={**_typed_profile(looked), "kinds": kinds}, tried=None)
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
    ctx.travee().drain_briefly()  # and the worker is woken
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
    return {"columns": meanings, "sheet": _typed_sheet()}


def _typed_kinds(known: Mapping[str, str]) -> dict[str, str]:
    """What was answered before, with the answers of this form: one that is taken back is forgotten."""
    typed = {request.form.get(f"mot-{n}", "")[:80]: request.form.get(f"sorte-{n}", "") for n in range(MOST_KINDS)}
    kinds = {word: code for word, code in known.items() if word not in typed}
    return kinds | {word: code for word, code in typed.items() if word and code in KINDS}


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
        asked_kinds=_asked_kinds(job, plan, looked, known) if looked and plan else (),
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


def _asked_kinds(job: Job, plan: columns.Plan, looked: sheets.Look, known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Words for kinds that mean nothing here by themselves, and what was answered: (word, code or "").

    They are those of the first rows, those that a try has met, and those answered for this file: an answer can
    be changed. What waits for one comes first.
    """
    found = columns.asked_kinds(plan, looked.samples)
    for told in (job.tried or {}).get("told", ()):
        if told["code"] == "sheet.kind_unknown":
            found |= {params["value"]: "" for params in told["first"] if params["value"] not in found}
    before = known.get("kinds") or {}
    kinds = job.profile.get("kinds") or {}
    found |= {word: code for word, code in kinds.items() if before.get(word) != code}
    return sorted(found.items(), key=lambda one: bool(one[1]))[:MOST_KINDS]


def _meanings() -> list[tuple[str, list[tuple[str, str]]]]:
    """The choices, by group."""
    at = 1 if current_language() == "en" else 0
    return [
        (words[at], [(m.code, m.label) for m in columns.MEANINGS.values() if m.group == group])
        for group, words in columns.GROUPS.items()
    ]


def _cards(job: Job, profile: Mapping[str, Any]) -> list[Card]:
    """The first notices, as they would come in; none of a base, which is loaded whole before there is a first."""
    if job.format in files.WHOLE:
        return []
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
class Warned:
    """One kind of problem: how often, and the first sentences that differ, each with places where it was met."""

    count: int
    sentences: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What an import, or a try, said of itself."""

    counts: Mapping[str, int]
    trouble: str
    told: tuple[Warned, ...]
    only_authorities: bool
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
        told=tuple(_warned(t) for t in document["told"]),
        only_authorities=import_words.only_authorities(counts),
        refused=refused,
        more_refused=counts.get("refused", 0) - len(refused),
        report=report,
    )


def _warned(told: Mapping[str, Any]) -> Warned:
    places: dict[str, list[int]] = {}
    for params, at in zip(told["first"], told.get("at") or repeat(0), strict=False):
        places.setdefault(problems.sentence(told["code"], params), []).append(at)
    shown = islice(places.items(), SENTENCES)
    return Warned(told["n"], tuple((words, tuple(filter(None, at))[:PLACES]) for words, at in shown))


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
