"""Records in and out: import, refused, export, one notice with its origins."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, history, import_words, imports, notices, problems, source_pages, sources
from catalogue.app import Travee
from catalogue.commands import (
    DONE,
    FAILED,
    IN_PART,
    as_json,
    bring_index_up_to_date,
    fail,
    finish,
    progress,
    running,
    writable,
    write_report,
)
from catalogue.desk_history import item_status_words, lot_words, status_words
from catalogue.i18n import _, current_language, format_date, format_instant, format_number, ngettext
from catalogue.models import Batch, Notice, Refused, Revision
from catalogue.problems import Refusal
from catalogue.reading import WITH_A_PAGE
from catalogue.unimarc import KINDS, Field
from export import bibliography, formats, iso2709, jsonl, marc21, marcxml, notice_list, pmbxml, records, whereabouts
from export.bibliography import Whereabouts
from export.citing.processor import STYLES, USUAL
from export.leaving import Withheld
from export.records import Outgoing
from harvest import files, importer
from harvest.report import AUTHORITIES, COUNTS, CUT, PARTS, Report, Told
from indexes import queries

SIGNS, SEEN = 20, 5  # that an export in ISO 5426 names: signs, and notices where they are
NAMED = 20  # refused records that people are shown; machines are given them all
HARVESTED = "oai"  # the format of what a harvest refused
LONGEST_SOURCE = 80  # signs of a source's name
IMPORTS = ("auto", *files.READERS)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an export was asked for besides the format."""

    charset: str
    base_url: str
    missing: iso2709.Missing = field(default_factory=iso2709.Missing)  # signs that the charset lacks
    public: bool = False
    centre: str = ""
    printed: bibliography.Wishes = field(default_factory=bibliography.Wishes)
    places: Mapping[str, Whereabouts] = field(default_factory=dict)


def _references(name: str, outgoing: Iterable[Outgoing], wishes: Wishes) -> Iterator[bytes]:
    return formats.FILES[name](outgoing, formats.From(wishes.base_url, wishes.centre))


def _printed(name: str, outgoing: Iterable[Outgoing], wishes: Wishes) -> Iterator[bytes]:
    return formats.PRINTED[name](bibliography.compose(outgoing, wishes.printed, wishes.places))


REFERENCES = ("ris", "bibtex", "csljson")
Writer = Callable[[Iterable[Outgoing], Wishes], Iterator[bytes]]
WRITERS: Mapping[str, Writer] = {
    "unimarc": lambda outgoing, wishes: iso2709.file_bytes(outgoing, wishes.charset, wishes.missing),
    "marcxml": lambda outgoing, wishes: marcxml.file_bytes(outgoing),
    "marc21": lambda outgoing, wishes: marc21.file_bytes(outgoing),
    "pmbxml": lambda outgoing, wishes: pmbxml.file_bytes(pmbxml.for_pmb(outgoing)),
    "csv": lambda outgoing, wishes: notice_list.csv_bytes(outgoing, wishes.base_url, wishes.public),
    "xlsx": lambda outgoing, wishes: notice_list.xlsx_bytes(outgoing, wishes.base_url, wishes.public),
    "jsonl": lambda outgoing, wishes: jsonl.file_bytes(outgoing),
    **{name: partial(_references, name) for name in REFERENCES},
    **{name: partial(_printed, name) for name in formats.PRINTED},
}
_LENGTHS = frozenset(("unimarc", "marc21"))  # formats that say the lengths of their records
CHARSETS = (iso2709.UTF_8, iso2709.ISO_5426)
ALIVE = ("draft", "candidate", "published", "withdrawn")


# --- import ----------------------------------------------------------------------------------


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FICHIER…")
@click.option("--source", default="", help="D’où viennent ces notices ; sans elle, le nom du fichier.")
@click.option("--format", "format_", default="auto", show_default=True, metavar=f"[{'|'.join(IMPORTS)}]")
@click.option("--status", type=click.Choice(["published", "candidate"]), default="published", show_default=True)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Tout faire, puis tout défaire : rien n’est écrit. Si le fichier se répète à plus de "
    f"{importer.BATCH} notices d’écart, les chiffres sont une estimation.",
)
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path),
    callback=writable,
    help="Le compte rendu, en JSON, ici aussi.",
)
@click.option("--by", default="travee", show_default=True, help="Qui importe, pour l’historique.")
@as_json
def import_(
    paths: tuple[Path, ...],
    source: str,
    format_: str,
    status: str,
    dry_run: bool,
    report_path: Path | None,
    by: str,
    as_json: bool,
) -> None:
    """Fait entrer des fichiers de notices ; le même fichier deux fois ne change rien."""
    if format_ not in IMPORTS:
        raise click.UsageError(_not_read(format_))
    if source and not source_pages.is_name(source):
        raise click.UsageError(_("Donnez à la source un nom avec des lettres, ex. « RECI »."))
    if len(source) > LONGEST_SOURCE:
        raise click.UsageError(_("Le nom d’une source ne dépasse pas {n} signes.").format(n=LONGEST_SOURCE))
    reports: list[Report] = []
    troubles: list[str] = []
    with running(as_json) as travee, progress(_("Notices lues")) as step:
        for path in paths:
            name = source or _source_name(path)
            try:
                report = importer.import_file(
                    travee.db, path, source=name, by=by, format=format_, status=status, progress=step, dry_run=dry_run
                )
            except OSError as error:
                troubles.append(_cannot_open(path, error))
                continue
            reports.append(report)
            if report.trouble is not None:
                troubles.append(f"{path.name} : {report.trouble.sentence()}")
        if not dry_run and any(report.got_in for report in reports):
            bring_index_up_to_date(travee)
    document = _import_document(reports, troubles, dry_run)
    code = write_report(report_path, document, _import_code(reports, troubles))
    finish(as_json, document, *_import_lines(reports, troubles, dry_run), code=code)


def _source_name(path: Path) -> str:
    """roubaix_bib.mrc.gz -> roubaix_bib; « ..mrc » has no name but « mrc »."""
    whole = path.name.strip(" .")
    name = whole
    for suffix in path.suffixes[::-1]:
        if len(suffix) <= 8:
            name = name.removesuffix(suffix)
    name = (name.strip(" .") or whole)[:LONGEST_SOURCE].rstrip(" .")
    return name if source_pages.is_name(name) else _("fichier")


def _cannot_open(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return _("{file} : ce fichier n’existe pas.").format(file=path)
    if isinstance(error, IsADirectoryError):
        return _("{file} : c’est un dossier ; donnez les fichiers un à un.").format(file=path)
    return _("{file} : ce fichier ne peut pas être ouvert ({detail}).").format(file=path, detail=error.strerror)


def _not_yet(format_: str, known: Iterable[str]) -> str:
    sentence = _("Travée ne connaît pas encore le format {format}. Aujourd’hui : {known}.")
    return sentence.format(format=format_, known=", ".join(known))


def _not_read(format_: str) -> str:
    if format_ not in WRITERS:
        return _not_yet(format_, IMPORTS)
    sentence = _("{format} sert seulement à sortir des notices de Travée. Formats lus : {known}.")
    return sentence.format(format=format_, known=", ".join(files.READERS))


def _import_code(reports: Sequence[Report], troubles: Sequence[str]) -> int:
    whole = not troubles and all(r.complete and not r.counts["refused"] for r in reports)
    if whole:
        return DONE
    return IN_PART if any(r.got_in for r in reports) else FAILED


def _import_document(reports: Sequence[Report], troubles: Sequence[str], dry_run: bool) -> dict[str, Any]:
    return {
        **{name: sum(r.counts[name] for r in reports) for name in COUNTS},
        "refused_records": [_refusal_document(r, refusal) for r in reports for refusal in r.refused],
        "complete": not troubles and all(r.complete for r in reports),
        "dry_run": dry_run,
        "errors": list(troubles),
        "files": [
            {
                "file": r.file,
                "source": r.source,
                "format": r.format,
                **r.counts,
                "complete": r.complete and r.trouble is None,
                "error": r.trouble.sentence() if r.trouble else None,
                "batch": r.batch_id,
                "run": r.run_id,
                "kinds": dict(r.kinds),
                "codes": {about: dict(seen) for about, seen in r.codes.items()},
                "seconds": r.seconds,
                "told": [_told_document(told) for told in r.told.values()],
            }
            for r in reports
        ],
    }


def _told_document(told: Told) -> dict[str, Any]:
    problem = told.problem
    return {
        "code": problem.code,
        "level": problem.level,
        "tag": problem.tag,
        "subfield": problem.subfield,
        "found_by": "check" if told.checked else "reader",
        "count": told.n,
        "first": told.position,
        "sentence": problem.message,
        "records": [
            {"position": met.position, "identifier": met.identifier, "params": dict(met.params)} for met in told.first
        ],
    }


def _refusal_document(report: Report, refusal: Refusal) -> dict[str, Any]:
    return {
        "file": report.file,
        "position": refusal.position,
        "identifier": refusal.identifier,
        "code": refusal.code,
        "reason": refusal.sentence(),
    }


def _import_lines(reports: Sequence[Report], troubles: Sequence[str], dry_run: bool) -> Iterator[str]:
    for report in reports:
        if report.trouble is None or report.counts["read"]:
            yield from _report_lines(report)
    yield from troubles
    if dry_run and reports:
        yield _("Essai à blanc : rien n’a été écrit.")
        if any(r.counts["read"] > importer.BATCH for r in reports):
            sentence = _("Si le fichier se répète à plus de {n} notices d’écart, ces chiffres sont une estimation.")
            yield sentence.format(n=importer.BATCH)


def _report_lines(report: Report) -> Iterator[str]:
    n = {name: format_number(count) for name, count in report.counts.items()}
    if import_words.only_authorities(report.counts):
        sentence = _(
            "{file} (source {source}) — autorités lues : {read} ; créées : {created} ; reconnues : {matched} ; "
            "mises à jour : {updated} ; inchangées : {unchanged} ; refusées : {refused}."
        )
    else:
        sentence = _(
            "{file} (source {source}) — notices lues : {read} ; créées : {created} ; reconnues : {matched} ; "
            "mises à jour : {updated} ; inchangées : {unchanged} ; refusées : {refused}."
        )
        known = {name: import_words.apart(report.counts, name) for name in AUTHORITIES}
        n |= {name: format_number(report.counts[name] - count) for name, count in known.items()}
    yield sentence.format(file=report.file, source=report.source, **n)
    if report.counts["authorities_read"] and not import_words.only_authorities(report.counts):
        names = [name for name in import_words.ENTERED if name.startswith(import_words.OF_AUTHORITIES)]
        yield " ".join(words for _name, _n, words in import_words.entered(report.counts, names))
    if report.counts["folded"]:
        yield import_words.counted("folded", report.counts["folded"])
    if report.counts["items"]:
        yield ngettext("{n} exemplaire est entré.", "{n} exemplaires sont entrés.", report.counts["items"]).format(
            n=n["items"]
        )
    if report.counts["issues"]:
        yield ngettext(
            "{n} numéro de revue a été créé pour ses exemplaires.",
            "{n} numéros de revue ont été créés pour leurs exemplaires.",
            report.counts["issues"],
        ).format(n=n["issues"])
    if back := report.counts["back"]:
        yield import_words.counted("back", back)
    if report.counts["waiting"]:
        yield import_words.counted("waiting", report.counts["waiting"])
    if n_left := report.counts["to_complete"]:
        yield ngettext(
            "{n} notice est à compléter : il lui manque ce que le formulaire demande pour publier.",
            "{n} notices sont à compléter : il leur manque ce que le formulaire demande pour publier.",
            n_left,
        ).format(n=n["to_complete"])
        lacking = [told for told in report.told.values() if told.checked and told.problem.level == "error"]
        yield import_words.missing((told.problem.tag, told.problem.subfield, told.n) for told in lacking)
    yield from _columns_lines(report)
    in_rows = files.READERS.get(report.format) == "sheets"  # people find them by their row
    for told in report.told.values():
        if told.problem.code.startswith(PARTS):
            continue
        if not told.position and told.problem.level != "info":
            yield told.problem.message
        elif told.problem.level == "warning" or (told.problem.level == "error" and not told.checked):
            times = _("{n} fois, d’abord dans la notice n° {position} : {sentence}")
            yield (_("{n} fois, d’abord à la ligne {position} : {sentence}") if in_rows else times).format(
                n=format_number(told.n), position=told.position, sentence=told.problem.message
            )
    if not report.counts["waiting"] and any(told.problem.code == "record.says_less" for told in report.told.values()):
        yield _("Il n’y a rien à décider.")
    for refusal in report.refused[:NAMED]:
        refused = _("Refusée, notice n° {position}{number} : {sentence}")
        yield (_("Refusée, ligne {position}{number} : {sentence}") if in_rows else refused).format(
            position=refusal.position,
            number=f" ({refusal.identifier})" if refusal.identifier else "",
            sentence=refusal.sentence(),
        )
    if (more := report.counts["refused"] - NAMED) > 0:
        yield ngettext(
            "… et {n} autre refusée : voyez « travee refused list ».",
            "… et {n} autres refusées : voyez « travee refused list ».",
            more,
        ).format(n=format_number(more))
    if report.run_id is not None:
        yield _("Tout le compte rendu est au bureau, sous « Imports », n° {n}.").format(n=report.run_id)


def _columns_lines(report: Report) -> Iterator[str]:
    """Of a spreadsheet, what each column was taken for; of a base, what became of each table."""
    folded = 0
    for told in report.told.values():
        if told.problem.code in imports.TECHNICAL:
            folded += told.n
        elif told.problem.code.startswith(PARTS):
            yield from (problems.sentence(told.problem.code, met.params) for met in told.first)
    if folded:
        yield ngettext("{n} table ne décrit aucun document.", "{n} tables ne décrivent aucun document.", folded).format(
            n=format_number(folded)
        )


# --- refused ---------------------------------------------------------------------------------


@click.group()
def refused() -> None:
    """Les notices refusées, gardées telles que reçues."""


@refused.command("list")
@click.option("--source", default="", help="Celles d’une seule source.")
@as_json
def refused_list(source: str, as_json: bool) -> None:
    """Ce qui attend, et pourquoi."""
    with running(as_json) as travee, travee.db.read() as session:
        rows = sources.list_refused(session, source=source)
        document = [_refused_document(row, name) for row, name in rows]
    lines = [
        f"{r['id']:>6}  {format_date(row.created_at, 'short'):<10}  {r['source']}  {r['file'] or '—'} "
        f"n° {r['position']}{' (' + r['identifier'] + ')' if r['identifier'] else ''} : {r['reason']}"
        for r, (row, _name) in zip(document, rows, strict=True)
    ]
    finish(as_json, {"refused": document}, *(lines or [_("Aucune notice refusée n’attend.")]))


@refused.command("retry")
@click.option("--source", default="", help="Celles d’une seule source.")
@click.option("--by", default="travee", show_default=True, help="Qui importe, pour l’historique.")
@as_json
def refused_retry(source: str, by: str, as_json: bool) -> None:
    """Essaie de nouveau celles des fichiers ; ce qui entre quitte la liste."""
    with running(as_json) as travee:
        report = importer.retry(travee.db, by=by, source=source)
        if report.got_in:
            bring_index_up_to_date(travee)
        with travee.db.read() as session:
            listed = [
                (row.format, _refused_document(row, name)) for row, name in sources.list_refused(session, source=source)
            ]
    waiting = [told for format_, told in listed if format_ != HARVESTED]
    harvested = [told for format_, told in listed if format_ == HARVESTED]
    document = {**report.counts, "refused": len(waiting), "refused_records": waiting, "left_to_harvest": harvested}
    document["error"] = report.trouble.sentence() if report.trouble else None
    lines = [
        ngettext("{n} notice est entrée.", "{n} notices sont entrées.", report.got_in).format(n=report.got_in),
        ngettext("{n} attend encore.", "{n} attendent encore.", len(waiting)).format(n=len(waiting)),
    ]
    if any(told["code"] in CUT for told in waiting):
        lines.append(
            _(
                "Celles où le fichier s’arrête ne peuvent pas entrer : refaites l’export et importez-le, "
                "elles quitteront la liste ; ou mettez-les de côté : « travee refused settle N° »."
            )
        )
    if harvested:
        lines.append(_left_to_harvest(harvested))
    if report.trouble:
        lines.append(report.trouble.sentence())
    code = DONE if not waiting and report.complete else IN_PART if report.got_in else FAILED
    finish(as_json, document, *lines, code=code)


@refused.command("settle")
@click.argument("numbers", nargs=-1, required=True, type=int, metavar="N°…")
@click.option("--back", is_flag=True, help="Au contraire : celles-ci attendent de nouveau.")
@click.option("--by", default="travee", show_default=True, help="Qui décide, pour s’en souvenir.")
@as_json
def refused_settle(numbers: tuple[int, ...], back: bool, by: str, as_json: bool) -> None:
    """Met de côté des notices refusées : elles restent gardées, et n’attendent plus."""
    done: list[int] = []
    with running(as_json) as travee, travee.db.write() as session:
        for number in dict.fromkeys(numbers):
            row = session.get(Refused, number)
            if row is not None and (row.settled_at is None) is not back:
                sources.take_back(session, row) if back else sources.put_aside(session, row, by=by)
                done.append(number)
    others = sorted(set(numbers) - set(done))
    lines = []
    if done:
        words = (
            ngettext("{n} notice attend de nouveau.", "{n} notices attendent de nouveau.", len(done))
            if back
            else ngettext("{n} notice est mise de côté.", "{n} notices sont mises de côté.", len(done))
        )
        lines.append(words.format(n=format_number(len(done))))
    if others:
        unknown = _("N’attendent pas : {numbers}.") if not back else _("N’étaient pas de côté : {numbers}.")
        lines.append(unknown.format(numbers=", ".join(map(str, others))))
    code = DONE if not others else IN_PART if done else FAILED
    finish(as_json, {"settled": done, "not_found": others}, *lines, code=code)


def _left_to_harvest(harvested: Sequence[Mapping[str, Any]]) -> str:
    """Refused records of partners: what was kept is not what would come now."""
    names = [r["identifier"] or f"{r['source']} n° {r['position']}" for r in harvested]
    return ngettext(
        "{n} notice moissonnée n’est pas relue ici, elle revient avec la prochaine moisson : {names}.",
        "{n} notices moissonnées ne sont pas relues ici, elles reviennent avec la prochaine moisson : {names}.",
        len(names),
    ).format(n=format_number(len(names)), names=", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else ""))


def _refused_document(row: Refused, source: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "source": source,
        "file": row.file_name,
        "position": row.position,
        "identifier": row.identifier,
        "code": row.code,
        "reason": problems.sentence(row.code, row.params),
        "at": row.created_at.isoformat(),
    }


# --- export ----------------------------------------------------------------------------------


@click.command()
@click.option("--format", "format_", required=True, metavar=f"[{'|'.join(WRITERS)}]")
@click.option(
    "--charset",
    type=click.Choice(CHARSETS),
    default=CHARSETS[0],
    show_default=True,
    help="Pour « unimarc » : iso5426 est ce qu’attendent les anciens logiciels.",
)
@click.option("--query", help="Seulement ce que cette recherche trouve.")
@click.option("--ids", multiple=True, help="Seulement ces documents : « k7m4x9q0,b2c3d4f5 ».")
@click.option("--status", type=click.Choice([*ALIVE, "any"]), default="published", show_default=True)
@click.option(
    "--public",
    is_flag=True,
    help="Pour d’autres : sans ce qui est caché au public, ni ce que sa source ne permet pas de redonner.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Dans ce fichier, non sur la sortie standard.")
@click.option("--title", default="", help="Bibliographie (html, txt, docx, pdf) : son titre.")
@click.option("--style", type=click.Choice(list(STYLES)), default=USUAL, show_default=True, help="Son style.")
@click.option("--group", type=click.Choice(bibliography.GROUPS), default="none", show_default=True)
@click.option("--order", type=click.Choice(bibliography.ORDERS), default="given", show_default=True)
@click.option("--summaries", is_flag=True, help="Avec les résumés.")
@click.option("--locations", is_flag=True, help="Avec où trouver chaque document.")
@as_json
def export(
    format_: str,
    charset: str,
    query: str | None,
    ids: tuple[str, ...],
    status: str,
    public: bool,
    output: Path | None,
    title: str,
    style: str,
    group: str,
    order: str,
    summaries: bool,
    locations: bool,
    as_json: bool,
) -> None:
    """Écrit des notices dans un format d’échange, ou leur bibliographie (html, txt, docx, pdf).

    Sans --public, c’est la copie de votre base, pour vous : tout y est, ce que des sources ne permettent pas de
    redonner aussi.
    """
    if format_ not in WRITERS:
        raise click.UsageError(_not_yet(format_, WRITERS))
    if charset != CHARSETS[0] and format_ != "unimarc":
        raise click.UsageError(_("--charset ne vaut que pour --format unimarc : les autres formats sont en UTF-8."))
    if output and not output.parent.is_dir():
        fail(as_json, _("Le dossier {folder} n’existe pas : créez-le d’abord.").format(folder=output.parent))
    if as_json and output is None:
        raise click.UsageError(_("--json demande -o FICHIER : les notices prennent la sortie standard."))
    statuses: tuple[str, ...] = ALIVE if status == "any" else (status,)
    if public:
        statuses = tuple(one for one in statuses if one in WITH_A_PAGE)
        if not statuses:
            raise click.UsageError(_("--public n’écrit que ce qui a une page publique : published, withdrawn ou any."))
    addresses = [address.strip() for several in ids for address in several.split(",") if address.strip()]
    with running(as_json) as travee, travee.db.read() as session:
        chosen, missing = _chosen(travee, session, query, addresses, statuses)
        if missing and not chosen:
            fail(as_json, _unknown(missing))
        if format_ in formats.PRINTED and len(chosen) > formats.MOST_PRINTED:
            fail(as_json, _too_many(len(chosen)))
        settings, withheld = travee.settings, Withheld()
        places = whereabouts.whereabouts(session, chosen) if locations and format_ in formats.PRINTED else {}
        printed = bibliography.Wishes(
            title=title,
            style=style,
            group=group,
            order=order,
            summaries=summaries,
            locations=locations,
            accessed=db.now().date(),
            centre=settings.centre_name,
            base_url=settings.base_url,
            language=current_language(),
        )
        wishes = Wishes(
            charset, settings.base_url, public=public, centre=settings.centre_name, printed=printed, places=places
        )
        try:
            with _opened(output) as stream:
                if format_ == "pmbxml":
                    chosen = records.hosts_first(session, chosen)
                outgoing = records.load(session, chosen, public=public, withheld=withheld)
                too_long = _write(stream, WRITERS[format_](outgoing, wishes), format_)
        except BrokenPipeError:  # « | head » has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(DONE)
        except OSError as error:
            fail(as_json, _cannot_open(output or Path("-"), error))
    lines = [_unknown(missing)] if missing else []
    if too_long:
        lines.append(
            ngettext(
                "{n} notice est trop longue pour dire ses longueurs en ISO 2709 ; elle est écrite en entier.",
                "{n} notices sont trop longues pour dire leurs longueurs en ISO 2709 ; elles sont écrites en entier.",
                too_long,
            ).format(n=too_long)
        )
    lines += [*_missing_lines(wishes.missing), *withheld.lines()]
    n = len(chosen) - len(withheld.addresses)
    code = IN_PART if missing or withheld.addresses & set(addresses) else DONE
    if output and not as_json:
        written = ngettext("{n} notice écrite dans {file}.", "{n} notices écrites dans {file}.", n)
        lines.insert(0, written.format(n=format_number(n), file=output))
    if not as_json:
        for line in lines:
            click.echo(line, err=True)
        sys.exit(code)
    document = {"format": format_, "file": str(output), "written": n, "unknown": missing}
    document["withheld"] = withheld.document()
    document["too_long"] = too_long
    document["missing_signs"] = dict(wishes.missing.replaced + wishes.missing.lost)
    document["lost_signs"], document["lost_in"] = dict(wishes.missing.lost), wishes.missing.lost_in
    finish(as_json, document, code=code)


def _missing_lines(missing: iso2709.Missing) -> Iterator[str]:
    """What ISO 5426 could not say: what is lost first, then what was replaced; how often, and where to look."""
    lost = ngettext(
        "Dans {n} notice, des signes qu’ISO 5426 n’a pas sont perdus, écrits « ? » : {signs}. Voyez {notices}.",
        "Dans {n} notices, des signes qu’ISO 5426 n’a pas sont perdus, écrits « ? » : {signs}. Voyez {notices}.",
        len(missing.lost_in),
    )
    replaced = ngettext(
        "Dans {n} notice, des signes qu’ISO 5426 n’a pas sont remplacés par les plus proches : {signs}. "
        "Voyez {notices}.",
        "Dans {n} notices, des signes qu’ISO 5426 n’a pas sont remplacés par les plus proches : {signs}. "
        "Voyez {notices}.",
        len(missing.replaced_in),
    )
    for sentence, signs, where in (
        (lost, missing.lost, missing.lost_in),
        (replaced, missing.replaced, missing.replaced_in),
    ):
        if signs:
            counted = [f"{_sign_words(sign)} ({format_number(n)})" for sign, n in signs.most_common(SIGNS)]
            yield sentence.format(
                n=format_number(len(where)),
                signs=", ".join([*counted, "…"] if len(signs) > SIGNS else counted),
                notices=", ".join([*where[:SEEN], "…"] if len(where) > SEEN else where),
            )


def _sign_words(sign: str) -> str:
    """A sign as it is; one that nobody sees, by its number and its name in Unicode: « U+200B ZERO WIDTH SPACE »."""
    if unicodedata.category(sign)[0] in "LNPS":
        return sign
    shown = f"◌{sign} " if unicodedata.category(sign)[0] == "M" else ""
    return f"{shown}U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()


def _opened(output: Path | None) -> AbstractContextManager[IO[bytes]]:
    return output.open("wb") if output else nullcontext(sys.stdout.buffer)


def _write(stream: IO[bytes], pieces: Iterable[bytes], format_: str) -> int:
    """Returns how many records ISO 2709 cannot give the lengths of."""
    too_long = 0
    for piece in pieces:
        stream.write(piece)
        too_long += format_ in _LENGTHS and not iso2709.fits(piece)
    stream.flush()
    return too_long


def _chosen(
    travee: Travee, session: Session, query: str | None, addresses: Sequence[str], statuses: Sequence[str]
) -> tuple[list[int], list[str]]:
    """The notices to write, and the addresses that are nobody's or have another status."""
    missing: list[str] = []
    chosen = records.select_ids(session, statuses)
    if addresses:
        found = {
            address: notice_id
            for address, notice_id in session.execute(
                select(Notice.address, Notice.id).where(Notice.address.in_(addresses), Notice.status.in_(statuses))
            )
        }
        missing = [address for address in addresses if address not in found]
        chosen = [found[address] for address in dict.fromkeys(addresses) if address in found]
    if query is not None:
        hits = queries.search(travee.index(), query, status="any", facets=False, limit=len(chosen) + 1_000_000)
        kept = set(chosen)
        chosen = [hit.notice_id for hit in hits.hits if hit.notice_id in kept]
    return chosen, missing


def _too_many(n: int) -> str:
    words = _("Une bibliographie tient {most} documents, et il y en a {n} : choisissez avec --query ou --ids.")
    return words.format(most=format_number(formats.MOST_PRINTED), n=format_number(n))


def _unknown(addresses: Sequence[str]) -> str:
    return ngettext(
        "Aucun document à exporter ne porte l’adresse {addresses}.",
        "Aucun document à exporter ne porte les adresses {addresses}.",
        len(addresses),
    ).format(addresses=", ".join(addresses))


# --- one notice ------------------------------------------------------------------------------


@click.group()
def notice() -> None:
    """Une notice, avec l’origine de chaque valeur."""


@notice.command("show")
@click.argument("address", metavar="ID")
@as_json
def notice_show(address: str, as_json: bool) -> None:
    """Ce qu’elle dit, qui le dit, et depuis quand."""
    with running(as_json) as travee, travee.db.read() as session:
        found = notices.find(session, address)
        if found is None:
            fail(as_json, _("Aucune notice ne porte l’adresse « {address} ».").format(address=address))
        document = _notice_document(session, found)
    finish(as_json, document, *_notice_lines(document))


def _notice_document(session: Session, found: Notice) -> dict[str, Any]:
    (outgoing,) = records.load(session, [found.id])
    origins = sources.origins(session, found)
    said = {
        claim_id: {"source": source.name, "identifier": record.identifier, "claim": claim_id}
        for claim_id, (source, record, _claim) in origins.items()
    }
    batches = {
        revision: batch
        for revision, batch in session.execute(
            select(Revision.id, Batch)
            .join(Batch, Batch.id == Revision.batch_id)
            .where(Revision.id.in_({f.get("r", 0) for f in found.fields}))
        )
    }
    return {
        "id": found.address,
        "status": found.status,
        "level": found.level,
        "kind": found.kind,
        "title": found.title,
        "year": found.year,
        "version": found.version,
        "created_at": found.created_at.isoformat(),
        "updated_at": found.updated_at.isoformat(),
        "sources": jsonl.document(outgoing)["sources"],
        "items": jsonl.document(outgoing)["items"],
        "fields": [_field_document(f, said, batches) for f in found.fields],
        "history": [
            {
                "version": revision.version,
                "batch": batch.id,
                "kind": batch.kind,
                "by": batch.by,
                "at": batch.at.isoformat(),
                "why": batch.why,
            }
            for revision, batch in history.revisions_of(session, "notice", found.id)
        ],
    }


def _field_document(f: Field, said: Mapping[Any, dict[str, Any]], batches: Mapping[int, Batch]) -> dict[str, Any]:
    batch = batches.get(f.get("r", 0))
    return {
        **{key: value for key, value in f.items() if key not in ("o", "r")},
        "origin": [said.get(origin, {"source": None}) for origin in f.get("o", ())],
        "since": batch and {"batch": batch.id, "by": batch.by, "at": batch.at.isoformat()},
    }


def _notice_lines(document: Mapping[str, Any]) -> Iterator[str]:
    kind = KINDS[document["kind"]]
    yield f"{document['id']}  {document['title']}"
    yield _("Type : {kind} ; état : {status} ; version {version}").format(
        kind=kind.en if current_language() == "en" else kind.fr,
        status=status_words(document["status"]),
        version=document["version"],
    )
    for f in document["fields"]:
        text = f.get("v") or " ".join(f"${code} {value}" for code, value in f.get("s", ()))
        who = ", ".join(o["source"] or _("saisi ici") for o in f["origin"])
        yield f"{f['t']} {f.get('i', '  ')} {text}  [{who}]"
    for item in document["items"]:
        yield _("Exemplaire {barcode} : {call_number} ({status})").format(
            barcode=item["barcode"], call_number=item["call_number"], status=item_status_words(item["status"])
        )
    for step in document["history"]:
        line = _("v{version}, {at} : {by} ({kind}, lot {batch}) {why}")
        yield line.format(
            **step | {"at": format_instant(datetime.fromisoformat(step["at"])), "kind": lot_words(step["kind"])}
        ).rstrip()


COMMANDS: list[click.Command] = [import_, export, refused, notice]
