"""The base itself: init, serving, the worker, search, lots, check."""

from __future__ import annotations

import logging
import signal
import sys
from collections import defaultdict
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from catalogue import alerts, digital, history, i18n, integrity, lot_pages, lots, setup
from catalogue.app import Travee, create_app
from catalogue.commands import FAILED, IN_PART, INDEX_UNREADABLE, as_json, fail, finish, running
from catalogue.commands.indexing import INDEX_DIFFERS, INDEX_REPAIRED, index_lines, writing_the_index
from catalogue.config import Settings
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.models import Notice
from catalogue.web import oidc
from indexes import queries, sync
from indexes.facets import KEYS
from indexes.reader import UnreadableIndex

MESSAGES = {
    "for_good": N_("Un effacement est définitif : ce lot ne s’annule pas."),
    "too_old": N_("Ce lot a plus de 30 jours : il ne peut plus être annulé d’un geste."),
    "already_undone": N_("Ce lot a déjà été annulé."),
    "empty": N_("Ce lot n’a rien changé : il n’y a rien à annuler."),
}


LEFT = {
    "changed_since": N_("Laissé : {what}, modifié depuis par {by}."),
    "barcode_taken": N_("Laissé : {what}, son code-barres est maintenant celui d’un autre exemplaire."),
    "used_since": N_("Laissé : {what}, un exemplaire, une autre notice ou une autre source s’y rattache depuis."),
    "unknown_kind": N_("Laissé : {what}, ce genre de changement ne s’annule pas encore."),
}


@click.command()
@as_json
def init(as_json: bool) -> None:
    """Crée ou met à niveau la base (après une sauvegarde) et l’index."""
    settings = Settings()
    try:
        backup = setup.init(settings)
    except SQLAlchemyError as error:
        fail(as_json, _("La base n’a pas pu être préparée : {error}").format(error=error))
    with running(as_json, unready=True) as travee, writing_the_index(travee, as_json):
        travee.drain()
    lines = [_("La base est prête : {url}").format(url=Travee(settings).db.engine.url.render_as_string())]
    if backup:
        lines.append(_("Sauvegarde faite avant la mise à niveau : {path}").format(path=backup))
    finish(as_json, {"status": "ready", "version": setup.head(), "backup": backup and str(backup)}, *lines)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--threads", default=8, show_default=True)
@click.option("--no-worker", is_flag=True, help="Sans le travailleur (un autre processus s’en charge).")
def serve(host: str, port: int, threads: int, no_worker: bool) -> None:
    """Sert le catalogue et fait tourner le travailleur."""
    from catalogue.commands import serving

    with running():
        pass
    app = create_app()
    travee: Travee = app.extensions["travee"]
    travee.hold()
    logging.basicConfig(level=logging.INFO)
    if not no_worker:
        travee.start_worker()
    travee.read_ahead()
    signal.signal(signal.SIGTERM, _leave)
    click.echo(_("Travée répond sur http://{host}:{port}/").format(host=host, port=port), err=True)
    try:
        serving.serve(app, host=host, port=port, threads=threads, largest_mb=travee.settings.upload_limit_mb)
    except OSError as error:
        fail(False, _("Le port {port} ne peut pas être ouvert ({detail}).").format(port=port, detail=error.strerror))
    finally:
        travee.close()


def _leave(_signal: int, _frame: object) -> None:
    """A supervisor stops a service with SIGTERM: leave through the door, so that what waits is written."""
    raise SystemExit(0)


@click.command()
@click.option("--every", default=10.0, show_default=True, help="Secondes entre deux passages.")
def worker(every: float) -> None:
    """Fait le travail de fond, sans fin : index, imports, moissons de la nuit, comptes, effacements."""
    from threading import Event

    signal.signal(signal.SIGTERM, _leave)
    with running() as travee:
        travee.start_worker(every)
        try:
            Event().wait()
        except KeyboardInterrupt:
            return


@click.group()
def jobs() -> None:
    """Le travail de fond, pour un minuteur."""


@jobs.command("run-once")
@as_json
def jobs_run_once(as_json: bool) -> None:
    """Un seul passage du travail de fond, moissons dues ou demandées comprises."""
    with running(as_json) as travee:
        indexed = travee.work_once()
        if harvested := travee.harvest_once():
            indexed += travee.work_once()
    lines = [_("{n} notices portées à l’index.").format(n=indexed)]
    if harvested:
        lines.insert(0, i18n.ngettext("{n} moisson faite.", "{n} moissons faites.", harvested).format(n=harvested))
    if travee.index_fails:
        lines.append(_("L’index n’a pas pu être mis à jour ; ce qui attend sera repris au prochain passage."))
    document = {"indexed": indexed, "harvested": harvested, "index_fails": travee.index_fails}
    finish(as_json, document, *lines, code=IN_PART if travee.index_fails else 0)


@jobs.command("quiet")
@as_json
def jobs_quiet(as_json: bool) -> None:
    """Un seul passage de ce qui est lent : textes à reconnaître, liens de la nuit, fichiers à comparer."""
    with running(as_json) as travee:
        done = travee.quiet_once()
        indexed = travee.work_once()
    lines = [i18n.ngettext("{n} fichier ou lien traité.", "{n} fichiers ou liens traités.", done).format(n=done)]
    finish(as_json, {"done": done, "indexed": indexed}, *lines)


@click.command()
@click.argument("query")
@click.option("--filter", "filters", multiple=True, help="kind=report, theme=…, year=2018-2024, access=online…")
@click.option("--sort", type=click.Choice(["relevance", "newest", "title"]), default="relevance")
@click.option("--status", type=click.Choice(["published", "any"]), default="published")
@click.option("--limit", default=20, show_default=True)
@as_json
def search(query: str, filters: tuple[str, ...], sort: str, status: str, limit: int, as_json: bool) -> None:
    """Cherche ; « - » lit une question par ligne et répond un document JSON par ligne."""
    import json

    chosen: dict[str, list[str]] = defaultdict(list)
    for pair in filters:
        name, sign, value = pair.partition("=")
        if not sign:
            raise click.UsageError(_("--filter s’écrit nom=valeur."))
        if name not in KEYS:
            raise click.UsageError(_("--filter ne connaît que : {names}.").format(names=", ".join(KEYS)))
        chosen[name].append(value)
    with running(as_json) as travee:
        if query == "-":
            for line in sys.stdin:
                found = _found(travee, line.strip(), chosen, sort, status, limit)
                click.echo(json.dumps(found, ensure_ascii=False))
            return
        document = _found(travee, query, chosen, sort, status, limit)
    lines = [f"{h['id']}  {h['year'] or '    '}  {h['title']}" for h in document["hits"]]
    n = document["total"]
    lines.append(i18n.ngettext("{n} document", "{n} documents", n).format(n=n))
    if document["suggestion"]:
        words = _("Aucun document n’a ces mots tels quels ; cherché : {words}")
        if not document["corrected"]:
            words = _("Aucun document n’a ces mots tels quels. Vouliez-vous dire : {words} ?")
        lines.append(words.format(words=document["suggestion"]))
    finish(as_json, document, *lines)


def _found(
    travee: Travee, text: str, filters: dict[str, list[str]], sort: str, status: str, limit: int
) -> dict[str, Any]:
    hits = queries.search(travee.index(), text, filters=filters, sort=sort, status=status, limit=limit, offset=0)
    with travee.db.read() as session:
        ids = [h.notice_id for h in hits.hits]
        found = {n.id: n for n in session.scalars(select(Notice).where(Notice.id.in_(ids)))}
    return {
        "total": hits.total,
        "took_ms": hits.took_ms,
        "hits": [
            {"id": n.address, "title": n.title, "year": n.year, "kind": n.kind, "score": round(h.score, 4)}
            for h in hits.hits
            if (n := found.get(h.notice_id))
        ],
        "facets": {name: dict(counts) for name, counts in hits.facets.items()},
        "suggestion": hits.suggestion,
        "corrected": hits.corrected,
    }


@click.group()
def batch() -> None:
    """Les lots : tout ce qu’un geste a changé."""


@batch.command("list")
@click.option("--limit", default=20, show_default=True)
@as_json
def batch_list(limit: int, as_json: bool) -> None:
    """Les lots, le dernier d’abord."""
    with running(as_json) as travee, travee.db.read() as session:
        rows: list[dict[str, Any]] = [
            {
                "id": b.id,
                "kind": b.kind,
                "by": b.by,
                "at": b.at.isoformat(),
                "why": b.why,
                "changes": n,
                "undoes": b.undoes_id,
                "undoable": not lots.why_not(session, b),
            }
            for b, n in history.list_batches(session, limit=limit)
        ]
    lines = [f"{r['id']:>6}  {r['at'][:16]}  {r['kind']:<8} {r['by']:<14} {r['changes']:>6}  {r['why']}" for r in rows]
    finish(as_json, {"batches": rows}, *(lines or [_("Aucun lot.")]))


@click.command()
@click.argument("batch_id", type=int, metavar="LOT")
@click.option("--by", default="travee", show_default=True)
@as_json
def undo(batch_id: int, by: str, as_json: bool) -> None:
    """Annule un lot ; ce qui a changé depuis est laissé et nommé."""
    with running(as_json) as travee:
        try:
            result = lots.undo_in_parts(travee.db, batch_id, by=by)
        except LookupError:
            fail(as_json, _("Aucun lot ne porte le numéro {n}.").format(n=batch_id))
        except lots.NotUndoable as error:
            fail(as_json, _(MESSAGES[error.code]))
        with travee.db.read() as session:
            restored = lot_pages.count_of(session, result.batch) if result.batch else 0
            document = {
                "batch": result.batch.id if result.batch else None,
                "restored": restored,
                "left": [{"what": x.label, "why": x.code, "by": x.by} for x in result.left],
            }
        travee.drain_soon()
    words = ngettext("{n} changement annulé.", "{n} changements annulés.", restored)
    lines = [words.format(n=format_number(restored))]
    lines += [_(LEFT[x.code]).format(what=x.label, by=x.by) for x in result.left]
    code = 0 if not result.left else IN_PART if result.restored else FAILED
    finish(as_json, document, *lines, code=code)


@click.command()
@click.option("--repair", is_flag=True, help="Recalcule ce qui s’écarte ; les champs ne bougent pas.")
@as_json
def check(repair: bool, as_json: bool) -> None:
    """Vérifie que ce qui est calculé suit ce qui est saisi, l’index la base, et que les fichiers sont intacts."""
    with running(as_json) as travee:
        with travee.db.read() as session:
            found = list(integrity.faults(session))
            known = digital.known_files(session)
        lost = list(digital.lost_files(known, travee.settings.files_dir))
        if repair and (found or lost):
            with travee.db.write() as session:
                integrity.repair(session, {f.address for f in found})
                digital.forget_texts(session, [f.sha256 for f in lost if f.what == "text_missing"])
        if repair:
            travee.drain_soon()
        try:
            report, unreadable = sync.check(travee.db.read_session, travee.index(), mend=repair), False
        except UnreadableIndex:
            report, unreadable = sync.CheckReport(), True
        amiss, sign_in = alerts.amiss(travee.settings), oidc.amiss(travee.settings)
    found += [
        integrity.Fault("document", f"{f.address}/fichier/{f.document_id}" if f.address else f.sha256, f.what)
        for f in lost
    ]
    wrong = bool(found or amiss or sign_in) or unreadable or not report.ok
    document = {
        "agree": not wrong,
        "faults": [{"entity": f.entity, "address": f.address, "what": f.what} for f in found],
        "mail": amiss or None,
        "sign_in": sign_in or None,
        "index": {"unreadable": unreadable, **report.found},
    }
    lines = [f"{f.entity} {f.address} : {f.what}" for f in found]
    lines += [words for words in (amiss, sign_in) if words]
    if unreadable:
        lines.append(_(INDEX_UNREADABLE))
    if not report.ok:
        lines += [*index_lines(report), _(INDEX_REPAIRED) if repair else _(INDEX_DIFFERS)]
    lines.append(_("Des écarts ont été trouvés.") if wrong else _("Tout concorde."))
    finish(as_json, document, *lines, code=FAILED if wrong else 0)


COMMANDS: list[click.Command] = [init, serve, worker, jobs, search, batch, undo, check]
