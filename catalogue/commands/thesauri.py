"""Thesauri in SKOS: in, out, and which there are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import authorities, history, notices, vocabulary
from catalogue.commands import DONE, IN_PART, as_json, bring_index_up_to_date, fail, finish, running
from catalogue.entities import Thesaurus
from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Batch, Concept, ConceptScheme

if TYPE_CHECKING:
    from harvest.skos import Scheme


@click.group()
def thesaurus() -> None:
    """Les thésaurus (SKOS)."""


@thesaurus.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FICHIER…")
@click.option("--by", default="travee", show_default=True, help="Qui importe, pour l’historique.")
@as_json
def thesaurus_import(paths: tuple[Path, ...], by: str, as_json: bool) -> None:
    """Fait entrer des thésaurus (Turtle ou RDF/XML), ou les met à jour ; rien n’est effacé."""
    from harvest import skos  # rdflib takes a while to load: other commands do without

    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    troubles: list[str] = []
    with running(as_json) as travee:
        for path in paths:
            try:
                schemes = skos.read(path)
            except skos.NotRead as error:
                troubles.append(str(error))
                continue
            except OSError as error:
                sentence = _("{file} : ce fichier ne peut pas être ouvert ({detail}).")
                troubles.append(sentence.format(file=path, detail=error.strerror))
                continue
            with travee.db.write() as session:
                taken = _take_in(session, schemes, by=by, why=path.name)
            rows += [{"file": path.name, **row} for row in taken]
            for row in taken:
                lines.append(_counted(row))
                lines += [f"  {problem}" for problem in row["problems"]]
        if rows:
            bring_index_up_to_date(travee)
    if not rows:
        fail(as_json, " ".join(troubles))
    finish(as_json, {"schemes": rows, "errors": troubles}, *lines, *troubles, code=IN_PART if troubles else DONE)


def _counted(row: Mapping[str, Any]) -> str:
    words = (
        ngettext("{n} concept entré", "{n} concepts entrés", row["created"]).format(n=format_number(row["created"])),
        ngettext("{n} mis à jour", "{n} mis à jour", row["updated"]).format(n=format_number(row["updated"])),
        ngettext("{n} inchangé", "{n} inchangés", row["unchanged"]).format(n=format_number(row["unchanged"])),
    )
    return _("{scheme} : {counts}.").format(scheme=row["scheme"], counts=", ".join(words))


def _take_in(session: Session, schemes: Iterable[Scheme], *, by: str, why: str) -> list[dict[str, Any]]:
    """The thesauri of one file, as one lot, opened when something changes; what became of each."""
    lots: list[Batch] = []

    def batch() -> Batch:
        if not lots:
            lots.append(history.open_batch(session, "import", by=by, why=why))
        return lots[0]

    rows = []
    for scheme in schemes:
        code = _code(session, scheme.code, scheme.uri)
        given = Thesaurus(code, scheme.uri, scheme.title, scheme.rows)
        taken = authorities.take_in_thesauri(session, None, [given], batch=batch)
        vocabulary.keep(session, code, scheme.kept)
        rows.append(
            {
                "scheme": code,
                "uri": scheme.uri,
                "created": taken.created,
                "updated": taken.updated,
                "unchanged": taken.unchanged + taken.joined,
                "notices_linked": notices.relink_concepts(session, taken.ids),
                "problems": [problem.message for problem in scheme.problems],
            }
        )
    return rows


@thesaurus.command("export")
@click.argument("scheme")
@click.option("--format", "format_", type=click.Choice(["turtle", "rdfxml"]), default="turtle", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Le fichier à écrire ; sans lui, l’écran.")
@as_json
def thesaurus_export(scheme: str, format_: str, output: Path | None, as_json: bool) -> None:
    """Écrit un thésaurus entier en SKOS, tel qu’il est entré, avec ce qui a changé ici depuis."""
    from export import rdf

    if as_json and output is None:
        raise click.UsageError(_("--json demande -o FICHIER : le thésaurus prend la sortie standard."))
    if output and not output.parent.is_dir():
        fail(as_json, _("Le dossier {folder} n’existe pas : créez-le d’abord.").format(folder=output.parent))
    with running(as_json) as travee, travee.db.read() as session:
        whole = vocabulary.read_scheme(session, scheme)
        if whole is None:
            known = ", ".join(session.scalars(select(ConceptScheme.code).order_by(ConceptScheme.code)))
            fail(
                as_json,
                _("Aucun thésaurus ne s’appelle « {name} ». Il y a : {known}.").format(name=scheme, known=known),
            )
        data = rdf.scheme_bytes(whole, format_, travee.settings.base_url)
    if output is None:
        sys.stdout.buffer.write(data)
        return
    output.write_bytes(data)
    document = {"scheme": scheme, "format": format_, "file": str(output), "concepts": len(whole.rows)}
    written = ngettext("{n} concept écrit dans {file}.", "{n} concepts écrits dans {file}.", len(whole.rows))
    finish(as_json, document, written.format(n=format_number(len(whole.rows)), file=output))


@thesaurus.command("list")
@as_json
def thesaurus_list(as_json: bool) -> None:
    """Les thésaurus, et leur nombre de concepts."""
    with running(as_json) as travee, travee.db.read() as session:
        statement = (
            select(ConceptScheme, func.count(Concept.id))
            .outerjoin(Concept, (Concept.scheme_id == ConceptScheme.id) & (Concept.status == "accepted"))
            .group_by(ConceptScheme.id)
            .order_by(ConceptScheme.code)
        )
        rows: list[dict[str, Any]] = [
            {"scheme": s.code, "uri": s.uri, "title": s.title, "concepts": n} for s, n in session.execute(statement)
        ]
    lines = [f"{r['scheme']:<30} {format_number(r['concepts']):>8}  {r['title'].get('fr', '')}" for r in rows]
    finish(as_json, {"schemes": rows}, *(lines or [_("Aucun thésaurus.")]))


def _code(session: Session, wanted: str, uri: str) -> str:
    """The scheme's short name: the one it has here already, else its own, with a number when that is taken."""
    known = {s.code: s.uri for s in session.scalars(select(ConceptScheme))}
    if uri:
        for code, other in known.items():
            if other == uri:
                return code
    code, n = wanted, 1
    while code in known and known[code] != uri:
        n += 1
        code = f"{wanted}-{n}"
    return code


COMMANDS = [thesaurus]
