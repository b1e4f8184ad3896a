"""What comes in from partners: sources and harvests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalogue import alerts, history, source_addresses, source_terms, sources, terms
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
from catalogue.commands import rules as rule_texts
from catalogue.db import now
from catalogue.i18n import _, format_instant, format_number, ngettext, of
from catalogue.models import Run, Source, SourceRecord
from catalogue.problems import Problem, sentence
from harvest import run
from harvest.nightly import Nightly

# --- sources ---------------------------------------------------------------------------------


@click.group()
def source() -> None:
    """Les sources : partenaires moissonnés et fichiers importés."""


@source.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--prefix", default=run.PREFIX, show_default=True, help="Format demandé ; « auto » : le premier lisible.")
@click.option("--set", "set_spec", multiple=True, help="Un ensemble du partenaire (plusieurs : --set A --set B).")
@click.option("--local", is_flag=True, help="Le partenaire est sur un réseau privé.")
@click.option("--identity", default="", help="D’un numéro à un identifiant, ex. oai:RECI:{001}.")
@click.option("--new", "new_status", type=click.Choice(["candidate", "published"]), default="candidate")
@click.option(
    "--rule",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ses règles, en TOML : « travee source rules --help » en dit les mots.",
)
@click.option("--licence", default="", help="Sous quelle licence les notices sont données.")
@click.option("--resend", type=click.Choice(list(terms.ANSWERS)), default=terms.UNSAID, help="Peut-on les redonner ?")
@click.option("--withhold", multiple=True, metavar="CHAMPS", help="Pour « partly » : ce qui reste ici, ex. abstract.")
@as_json
def source_add(
    name: str,
    url: str,
    prefix: str,
    set_spec: tuple[str, ...],
    local: bool,
    identity: str,
    new_status: str,
    rule: Path | None,
    licence: str,
    resend: str,
    withhold: tuple[str, ...],
    as_json: bool,
) -> None:
    """Déclare un partenaire à moissonner (OAI-PMH), ou l’adresse d’une base déjà importée par fichier."""
    address = _address(url)
    table = rule_texts.read(rule) if rule else {}
    allowed = _terms({"licence": licence, "resend": resend, "withheld": list(withhold)})
    if identity and "{001}" not in identity:
        raise click.BadParameter(_("le modèle doit contenir {001}, ex. oai:RECI:{001}"), param_hint="--identity")
    with running(as_json) as travee, travee.db.write() as session:
        history.turn(session)  # what it says already is kept, not written over
        known = sources.find(session, name)
        if known is not None and known.kind == "oai" and known.removed_at is None:
            words = _("La source « {name} » existe déjà ; « travee source set » change son adresse.")
            fail(as_json, words.format(name=name))
        made = sources.for_file(session, name)
        made.kind, made.url, made.prefix, made.local = "oai", address, prefix, local
        made.set_spec = " ".join(set_spec)
        made.new_status, made.removed_at = new_status, None
        made.rules = {**table, **({"terms": kept} if (kept := (made.rules or {}).get("terms")) else {})}
        source_terms.put(session, made, allowed, by="travee")
        if identity:
            sources.set_identity(session, made, identity)
        document = _described(made)
    lines = [_("La source « {name} » est déclarée : {url}").format(name=name, url=address)]
    lines.append(_("Pour la moissonner : travee harvest {name}").format(name=name))
    finish(as_json, document, *lines)


@source.command("list")
@as_json
def source_list(as_json: bool) -> None:
    """Les sources, et leur dernière moisson."""
    with running(as_json) as travee, travee.db.read() as session:
        rows = [_described(s) | {"last_run": _last_run(session, s)} for s in sources.list_sources(session)]
    lines = [f"{r['name']:<20} {r['kind']:<5} {r['url'] or '–'}  {_told(r['last_run'])}".rstrip() for r in rows]
    finish(as_json, {"sources": rows}, *(lines or [_("Aucune source.")]))


@source.command("show")
@click.argument("name")
@as_json
def source_show(name: str, as_json: bool) -> None:
    """Une source : ses réglages, ses règles, ce qui en est venu."""
    with running(as_json) as travee, travee.db.read() as session:
        found = _found(session, name, as_json)
        document = _described(found) | {
            "records": session.scalar(
                select(func.count()).select_from(SourceRecord).where(SourceRecord.source_id == found.id)
            ),
            "last_run": _last_run(session, found),
        }
    shown = {
        _("Nom"): document["name"],
        _("Adresse"): document["url"],
        _("Format"): document["prefix"],
        _("Ensemble"): document["set"],
        _("Réseau privé"): _("oui") if document["local"] else _("non"),
        _("Identifiants"): document["identity"],
        _("Nouvelles notices"): {"candidate": _("à valider"), "published": _("publiées")}[document["new"]],
        _("Licence"): document["licence"] or _("inconnue"),
        _("Peut être redonnée"): source_terms.of_source(found).resend_words,
        _("Règles"): ", ".join(f"{k} = {v}" for k, v in document["rules"].items()),
        _("Notices d’origine"): format_number(document["records"]),
        _("Dernière moisson"): _told(document["last_run"]),
    }
    finish(as_json, document, *(f"{label:<20} {value}" for label, value in shown.items() if value))


@source.command("terms")
@click.argument("name")
@click.option("--licence", help="Sous quelle licence ses notices sont données ; « » : inconnue.")
@click.option("--resend", type=click.Choice(list(terms.ANSWERS)), help="Peut-on les redonner ?")
@click.option("--withhold", multiple=True, metavar="CHAMPS", help="Pour « partly » : ce qui reste ici, ex. abstract.")
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="La même chose, en TOML."
)
@click.option("--by", default="travee", show_default=True, help="Qui le dit, pour s’en souvenir.")
@as_json
def source_terms_(
    name: str,
    licence: str | None,
    resend: str | None,
    withhold: tuple[str, ...],
    path: Path | None,
    by: str,
    as_json: bool,
) -> None:
    """Ce qu’une source permet de faire de ses notices ; sans option, le montre en TOML."""
    asked = licence is not None or resend is not None or bool(withhold)
    if path and asked:
        raise click.UsageError(_("--file dit tout : il ne va pas avec les autres options."))
    changed = False
    with running(as_json) as travee, travee.db.write() as session:
        history.turn(session)  # an option changes what is said now
        found = _found(session, name, as_json)
        said = source_terms.of_source(found)
        if path:
            said = _terms_of_file(path)
        elif asked:
            answer = resend or ("partly" if withhold else said.resend)
            kept = list(withhold) or list(said.withheld if answer == "partly" else ())
            said = _terms({"licence": said.licence if licence is None else licence, "resend": answer, "withheld": kept})
        if path or asked:
            changed = source_terms.put(session, found, said, by=by)
        document: dict[str, Any] = {"name": name, "licence": said.licence, "resend": said.resend}
        document |= {"withheld": list(said.withheld), "url": said.url, "changed": changed}
        changes = [
            {"by": c.by, "at": c.at.isoformat(), "licence": c.before.licence, "resend": c.before.resend}
            | {"withheld": list(c.before.withheld)}
            for c in source_terms.changes_of(found)
        ]
    lines = terms.format_terms(said).splitlines()
    if path or asked:
        lines.append(_("C’est enregistré.") if changed else _("Rien n’a changé."))
    finish(as_json, document | {"changes": changes}, *lines)


@source.command("set")
@click.argument("name")
@click.option("--url", help="Sa nouvelle adresse ; ce qui en est venu reste.")
@click.option("--local/--public", "local", default=None, help="Le partenaire est, ou n’est plus, sur un réseau privé.")
@click.option("--by", default="travee", show_default=True, help="Qui le dit, pour s’en souvenir.")
@as_json
def source_set(name: str, url: str | None, local: bool | None, by: str, as_json: bool) -> None:
    """Change l’adresse d’un partenaire ; sa prochaine moisson redemande tout, comme la première."""
    if url is None and local is None:
        raise click.UsageError(_("Dites ce qui change : --url, --local ou --public."))
    address = None if url is None else _address(url, "--url")
    with running(as_json) as travee, travee.db.write() as session:
        found = _found(session, name, as_json)
        if found.kind != "oai":
            fail(as_json, _("La source « {name} » ne se moissonne pas.").format(name=name))
        changed = source_addresses.change(session, found, address or found.url, by=by, local=local)
        document = _described(found) | {"changed": changed}
    words = _("« {name} » est maintenant demandée à {url}. La prochaine moisson redemande tout.")
    said = words.format(name=name, url=document["url"]) if changed else _("Rien n’a changé.")
    finish(as_json, document, said)


@source.command("remove")
@click.argument("name")
@as_json
def source_remove(name: str, as_json: bool) -> None:
    """Retire une source : elle n’est plus moissonnée, tout ce qui en est venu reste."""
    with running(as_json) as travee, travee.db.write() as session:
        _found(session, name, as_json).removed_at = now()
    finish(
        as_json,
        {"name": name, "removed": True},
        _("La source « {name} » est retirée ; ses notices restent au catalogue.").format(name=name),
    )


def _found(session: Session, name: str, as_json: bool) -> Source:
    found = sources.find(session, name)
    if found is None or found.removed_at is not None:
        fail(as_json, _("Aucune source ne s’appelle « {name} ».").format(name=name))
    return found


def _address(url: str, hint: str = "URL") -> str:
    try:
        return source_addresses.server_address(url)
    except source_addresses.BadAddress as refusal:
        raise click.BadParameter(str(refusal), param_hint=hint) from None


def _terms(said: Mapping[str, Any]) -> terms.Terms:
    """Of options: a sentence about a text of ours names its line, which they have not."""
    found, problems = terms.checked(said)
    if problems:
        hint = {"licence": "--licence", "resend": "--resend"}.get(problems[0].tag, "--withhold")
        words = [re.sub(r"^\w+ 1\s?: ", "", problem.message) for problem in problems]
        raise click.BadParameter(" ".join(words), param_hint=hint)
    return found


def _terms_of_file(path: Path) -> terms.Terms:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(str(error), param_hint="--file") from error
    return _used(*terms.parse_terms(text))


def _used(found: terms.Terms, problems: Sequence[Problem]) -> terms.Terms:
    """Terms, unless something is wrong with how they are said."""
    if problems:
        raise click.BadParameter(" ".join(problem.message for problem in problems))
    return found


def _described(found: Source) -> dict[str, Any]:
    return {
        "name": found.name,
        "kind": found.kind,
        "url": found.url,
        "prefix": found.prefix,
        "set": found.set_spec,
        "local": found.local,
        "identity": found.identity,
        "new": found.new_status,
        "licence": found.licence,
        "resend": source_terms.of_source(found).resend,
        "withheld": list(source_terms.of_source(found).withheld),
        "rules": {name: value for name, value in (found.rules or {}).items() if name != "terms"},
    }


def _last_run(session: Session, found: Source) -> dict[str, Any] | None:
    statement = select(Run).where(Run.source_id == found.id, Run.kind == "harvest").order_by(Run.id.desc()).limit(1)
    last = session.scalar(statement)
    if last is None:
        return None
    reason = sentence(last.reason["code"], last.reason.get("params")) if last.reason else None
    return {
        "run": last.id,
        "at": last.started_at.isoformat(),
        "when": format_instant(last.started_at),
        "status": last.status,
        "reason": reason,
        "counts": last.counts,
    }


def _told(last: Mapping[str, Any] | None) -> str:
    if last is None:
        return ""
    words = {"complete": _("complète"), "incomplete": _("incomplète"), "running": _("en cours")}[last["status"]]
    return " · ".join(part for part in (last["when"], words, last["reason"]) if part)


# --- harvests --------------------------------------------------------------------------------


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Toutes les sources à moissonner.")
@click.option("--full", is_flag=True, help="Tout redemander, pas seulement ce qui a changé.")
@click.option("--from", "since", default="", help="Ce qui a changé depuis ce jour (AAAA-MM-JJ).")
@click.option("--believe", is_flag=True, help="Croire aux disparitions en nombre qu’une moisson a retenues.")
@click.option("--replay", type=int, help="Relire les pages gardées d’une moisson, sans réseau.")
@click.option("--report", type=click.Path(path_type=Path), callback=writable, help="Bilan JSON.")
@as_json
def harvest(
    names: tuple[str, ...],
    every: bool,
    full: bool,
    since: str,
    believe: bool,
    replay: int | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Moissonne un ou plusieurs partenaires, et dit ce qui est venu."""
    if bool(names) == every and not (replay is not None and not names):
        raise click.UsageError(_("Nommez une source, ou dites --all."))
    if replay is not None and (every or len(names) > 1 or full or since or believe):
        raise click.UsageError(_("--replay relit une seule moisson, telle qu’elle fut."))
    if since and full:
        raise click.UsageError(_("--full et --from ne vont pas ensemble."))
    done: list[run.Report] = []
    failures: list[tuple[str, str]] = []
    with running(as_json) as travee:
        Nightly(travee.db, travee.settings).close_stopped()
        if every:
            with travee.db.read() as session:
                names = tuple(s.name for s in sources.list_sources(session) if s.kind == "oai")
        for name in names or ("",):
            if every and not names:
                break
            if replay is not None:
                one = _replay_one(travee, replay, name)
            else:
                one = _harvest_one(travee, name, full, since, believe)
            if isinstance(one, str):
                failures.append((name, one))
            else:
                done.append(one)
        bring_index_up_to_date(travee)
        alerts.check(travee.db, travee.settings)
        if amiss := alerts.amiss(travee.settings):
            click.echo(amiss, err=True)
    document = _document(done, failures)
    code = write_report(report, document, _exit_code(done, failures))
    lines = [line for one in done for line in _lines(one)] + [words for _name, words in failures]
    finish(as_json, document, *(lines or [_("Aucune source à moissonner.")]), code=code)


def _harvest_one(travee: Travee, name: str, full: bool, since: str, believe: bool) -> run.Report | str:
    try:
        with progress(_("Moisson {of_name}").format(of_name=of(name))) as step:
            return run.harvest(travee.db, travee.settings, name, full=full, since=since, believe=believe, progress=step)
    except LookupError:
        return _("Aucune source à moissonner ne s’appelle « {name} ».").format(name=name)
    except run.AlreadyRunning:
        return _("« {name} » est déjà en train d’être moissonnée.").format(name=name)
    except run.BadDate:
        raise click.BadParameter(_("une date s’écrit AAAA-MM-JJ"), param_hint="--from") from None
    except (OSError, SQLAlchemyError) as error:
        return _not_written(name, error)


def _replay_one(travee: Travee, number: int, name: str) -> run.Report | str:
    try:
        with progress(_("Relecture de la moisson {number}").format(number=number)) as step:
            return run.replay(travee.db, travee.settings, number, source_name=name, progress=step)
    except LookupError:
        return _("Aucune moisson n° {number} pour cette source.").format(number=number)
    except run.AlreadyRunning:
        return _("« {name} » est déjà en train d’être moissonnée.").format(name=name)
    except (OSError, SQLAlchemyError) as error:
        return _not_written(name, error)


def _not_written(name: str, error: Exception) -> str:
    """The disk is full, the database busy for too long: what was committed is kept, the next harvest goes on."""
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    return _("« {name} » : la base ou le disque n’a pas pu être écrit ({error}). Relancez la moisson.").format(
        name=name, error=words
    )


def _document(done: Sequence[run.Report], failures: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The report of one harvest as it is; of several, their sums, with each below."""
    if len(done) == 1 and not failures:
        return done[0].document()
    each = [r.document() for r in done]
    for name, words in failures:
        each.append(run.Report(name, 0, "incomplete").document() | {"run": None, "reason": words})
    reasons = [f"{r['source']} : {r['reason']}" if r["source"] else r["reason"] for r in each if r["reason"]]
    if len(each) == 1:
        return each[0]
    return {
        "status": "complete" if all(r["status"] == "complete" for r in each) else "incomplete",
        "reason": " ".join(reasons) or None,
        **{name: sum(r[name] for r in each) for name in run.COUNTS},
        "refused_records": [{"source": r["source"], **one} for r in each for one in r["refused_records"]],
        "runs": each,
    }


def _exit_code(done: Sequence[run.Report], failures: Sequence[tuple[str, str]]) -> int:
    """0 all of it; 1 nothing could be done; 3 in part, records refused or a list cut short."""
    if not failures and all(r.status == "complete" and not r.refused for r in done):
        return DONE
    return IN_PART if any(r.counts["received"] or r.status == "complete" for r in done) else FAILED


def _lines(report: run.Report) -> list[str]:
    counts = report.counts
    older = ngettext(" (dont {n} redite depuis, laissée)", " (dont {n} redites depuis, laissées)", counts["older"])
    older = older.format(n=format_number(counts["older"])) if counts["older"] else ""
    words = [
        (counts["new"], ngettext("{n} nouvelle", "{n} nouvelles", counts["new"])),
        (counts["matched"], ngettext("{n} déjà connue d’ailleurs", "{n} déjà connues d’ailleurs", counts["matched"])),
        (counts["updated"], ngettext("{n} changée", "{n} changées", counts["updated"])),
        (counts["unchanged"], ngettext("{n} inchangée", "{n} inchangées", counts["unchanged"]) + older),
        (counts["repeated"], ngettext("{n} répétée", "{n} répétées", counts["repeated"])),
        (counts["refused"], ngettext("{n} refusée", "{n} refusées", counts["refused"])),
        (counts["deleted_upstream"], _("{n} dites supprimées chez le partenaire")),
    ]
    said = ", ".join(text.format(n=format_number(n)) for n, text in words if n)
    received = ngettext("{n} notice reçue", "{n} notices reçues", counts["received"])
    received = received.format(n=format_number(counts["received"]))
    template = _("{source} : moisson complète.") if report.status == "complete" else _("{source} : moisson incomplète.")
    lines = [template.format(source=report.source)]
    if report.sentence:
        lines.append(f"  {report.sentence}")
    if counts["received"] or report.status == "complete":
        received = _("{received} : {said}").format(received=received, said=said) if said else received
        lines.append(f"  {received}.")
    if counts["ruled"]:
        text = ngettext(
            "{n} changée ici par une règle de la source.",
            "{n} changées ici par une règle de la source.",
            counts["ruled"],
        )
        lines.append("  " + text.format(n=format_number(counts["ruled"])))
    if counts["disappeared"]:
        text = ngettext(
            "{n} n’est plus chez le partenaire.", "{n} ne sont plus chez le partenaire.", counts["disappeared"]
        )
        lines.append("  " + text.format(n=format_number(counts["disappeared"])))
    if counts["inbox"]:
        text = ngettext("{n} attend votre décision.", "{n} attendent votre décision.", counts["inbox"])
        lines.append("  " + text.format(n=format_number(counts["inbox"])))
    lines += [f"  {note.message}" for note in report.notes]
    lines += [f"  {r.position}. {r.identifier} – {r.sentence()}" for r in report.refused]
    return lines


source.add_command(rule_texts.source_rules_)

COMMANDS = [source, harvest]
