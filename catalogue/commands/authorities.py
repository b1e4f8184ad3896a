"""People, bodies and concepts: list, show, rename, merge, promote, and what is proposed about them.

An authority is named by its number: 12 or agent:12 for a person or a body, concept:7 for a concept.
"""

from __future__ import annotations

import re
from typing import Any

import click
from sqlalchemy.orm import Session

from catalogue import authorities, renaming
from catalogue.commands import as_json, bring_index_up_to_date, fail, finish, running
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.models import Agent, Concept, ConceptScheme

TYPES = {
    "person": N_("personne"),
    "family": N_("famille"),
    "corporate_body": N_("collectivité"),
    "meeting": N_("congrès"),
}


@click.group("authority")
def authority() -> None:
    """Les autorités : personnes, collectivités, descripteurs."""


by_option = click.option("--by", default="travee", show_default=True, help="Au nom de qui.")


@authority.command("list")
@click.argument("beginning", default="")
@click.option("--concepts", is_flag=True, help="Les descripteurs, pas les auteurs.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@as_json
def list_(beginning: str, concepts: bool, limit: int, as_json: bool) -> None:
    """Les auteurs (ou les descripteurs) dont le nom commence ainsi."""
    with running(as_json) as travee, travee.db.read() as session:
        find: Any = authorities.list_concepts if concepts else authorities.list_agents
        rows = [_document(row) for row in find(session, beginning, limit=limit)]
    finish(as_json, {"authorities": rows}, *(map(_line, rows) if rows else [_("Aucune autorité.")]))


@authority.command()
@click.argument("which")
@as_json
def show(which: str, as_json: bool) -> None:
    """Une autorité : ses formes, ses identifiants, le nombre de ses notices."""
    with running(as_json) as travee, travee.db.read() as session:
        row = _get(session, which, as_json)
        document = _document(row) | {"notices": renaming.affected(session, row), "version": row.version}
        if isinstance(row, Concept):
            labels = sorted(authorities.labels_of(session, [row.id])[row.id])
            document["labels"] = [{"language": lang, "type": type_, "label": text} for lang, type_, text in labels]
    words = {
        _("Type"): _(TYPES.get(document.get("type", ""), "")),
        _("Dates"): document.get("dates", ""),
        _("Formes"): " ; ".join(document.get("variants", [])),
        _("Libellés"): " ; ".join(x["label"] for x in document.get("labels", [])),
        _("Identifiants"): ", ".join(f"{k} {v}" for k, v in document.get("identifiers", {}).items()),
        _("Notices"): format_number(document["notices"]),
    }
    finish(as_json, document, _line(document), *(f"  {name} : {text}" for name, text in words.items() if text))


@authority.command()
@click.argument("which")
@click.argument("name")
@click.option("--dates", help="Les dates, quand elles changent aussi.")
@click.option("--dry-run", is_flag=True, help="Dit seulement combien de notices changeraient.")
@by_option
@as_json
def rename(which: str, name: str, dates: str | None, dry_run: bool, by: str, as_json: bool) -> None:
    """Donne un autre nom à une autorité, dans toutes ses notices ; un seul lot, qui s’annule."""
    with running(as_json) as travee:
        with travee.db.write() as session:
            row = _get(session, which, as_json)
            if dry_run:
                _foresee(as_json, renaming.affected(session, row))
            if isinstance(row, Agent):
                done = renaming.rename_agent(session, row, name, by=by, dates=dates)
            else:
                done = renaming.rename_concept(session, row, name, by=by)
        bring_index_up_to_date(travee)
    _tell(as_json, done)


@authority.command()
@click.argument("kept")
@click.argument("others", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Dit seulement combien de notices changeraient.")
@by_option
@as_json
def merge(kept: str, others: tuple[str, ...], dry_run: bool, by: str, as_json: bool) -> None:
    """Fond d’autres autorités dans la première ; un seul lot, qui s’annule."""
    with running(as_json) as travee:
        with travee.db.write() as session:
            first, *rest = [_get(session, which, as_json) for which in (kept, *others)]
            if len({type(row) for row in (first, *rest)}) > 1:
                raise click.UsageError(_("Un auteur et un descripteur ne se fondent pas l’un dans l’autre."))
            if dry_run:
                _foresee(as_json, renaming.affected(session, *rest))
            if isinstance(first, Agent):
                done = renaming.merge_agents(session, first, [r for r in rest if isinstance(r, Agent)], by=by)
            else:
                done = renaming.merge_concepts(session, first, [r for r in rest if isinstance(r, Concept)], by=by)
        bring_index_up_to_date(travee)
    _tell(as_json, done)


@authority.command()
@click.argument("keyword")
@click.option("--scheme", default="", help="Le thésaurus où il entre (« local » sinon).")
@click.option("--into", default="", help="Le descripteur existant qu’il rejoint, ex. concept:7.")
@click.option("--synonym", "synonyms", multiple=True, help="Un autre mot-clé qui veut dire la même chose.")
@click.option("--dry-run", is_flag=True, help="Dit seulement combien de notices changeraient.")
@by_option
@as_json
def promote(
    keyword: str, scheme: str, into: str, synonyms: tuple[str, ...], dry_run: bool, by: str, as_json: bool
) -> None:
    """Fait d’un mot-clé libre un descripteur, dans toutes les notices qui le portent ; un seul lot."""
    with running(as_json) as travee:
        with travee.db.write() as session:
            if dry_run:
                _foresee(as_json, renaming.affected_by_keyword(session, keyword, *synonyms))
            row = _get(session, into, as_json) if into else None
            if isinstance(row, Agent):
                raise click.BadParameter(_("un descripteur s’écrit concept:7"), param_hint="--into")
            _concept, done = renaming.promote(
                session, keyword, by=by, scheme=_scheme(session, scheme, as_json), concept=row, synonyms=synonyms
            )
        bring_index_up_to_date(travee)
    _tell(as_json, done)


@authority.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@as_json
def near(limit: int, as_json: bool) -> None:
    """Ce qui pourrait être une même personne sous deux formes : proposé, jamais fait."""
    with running(as_json) as travee, travee.db.read() as session:
        found = authorities.find_near(session)
        names = {n: authorities.get_agent(session, n) for group in found[:limit] for n in group.ids}
        rows: list[dict[str, Any]] = [
            {
                "score": round(group.score, 2),
                "agents": [_document(names[n]) for n in group.ids],
                "reasons": [reason.sentence() for reason in group.reasons],
            }
            for group in found[:limit]
        ]
    lines = []
    for row in rows:
        lines.append(f"{row['score']:.2f}  {'  ·  '.join(_line(agent) for agent in row['agents'])}")
        lines += [f"      {sentence}" for sentence in dict.fromkeys(row["reasons"])]
    finish(as_json, {"total": len(found), "groups": rows}, *(lines or [_("Aucun rapprochement à proposer.")]))


def _get(session: Session, which: str, as_json: bool) -> Agent | Concept:
    """The living authority of a number, or the sentence that says there is none."""
    found = re.fullmatch(r"(?:(agent|concept):)?(\d{1,9})", which.strip())
    table: Any = Concept if found and found.group(1) == "concept" else Agent
    row: Agent | Concept | None = session.get(table, int(found.group(2))) if found else None
    if row is None or row.status == "withdrawn":
        fail(as_json, _("Aucune autorité ne porte le numéro « {which} ».").format(which=which))
    if row.status == "merged":
        kept = authorities.survivors(session, table, [row.id]).get(row.id)
        fail(as_json, _("« {which} » a été fondue dans n° {kept}.").format(which=which, kept=kept))
    return row


def _scheme(session: Session, code: str, as_json: bool) -> ConceptScheme | None:
    found = authorities.find_scheme(session, code) if code else None
    if code and found is None:
        fail(as_json, _("Aucun thésaurus ne s’appelle « {code} ».").format(code=code))
    return found


def _document(row: Agent | Concept) -> dict[str, Any]:
    if isinstance(row, Concept):
        return {"id": f"concept:{row.id}", "name": row.label, "uri": row.uri, "status": row.status}
    return {
        "id": f"agent:{row.id}",
        "name": row.name,
        "type": row.type,
        "dates": row.dates,
        "variants": row.variants,
        "identifiers": row.identifiers,
        "status": row.status,
    }


def _line(document: dict[str, Any]) -> str:
    dates = f" ({document['dates']})" if document.get("dates") else ""
    return f"{document['id']:<12} {document['name']}{dates}"


def _foresee(as_json: bool, n: int) -> None:
    words = ngettext("{n} notice changerait.", "{n} notices changeraient.", n).format(n=format_number(n))
    finish(as_json, {"notices": n, "batch": None}, words)


def _tell(as_json: bool, done: renaming.Done) -> None:
    document = {"notices": done.notices, "batch": done.batch.id if done.batch else None}
    if done.batch is None:
        finish(as_json, document, _("Rien à changer."))
    words = ngettext("{n} notice changée (lot n° {lot}).", "{n} notices changées (lot n° {lot}).", done.notices)
    finish(as_json, document, words.format(n=format_number(done.notices), lot=done.batch.id))


COMMANDS = [authority]
