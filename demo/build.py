"""`python3 dev.py demo`: a centre's base, filled from files and harvested from a partner, and served.

Nothing here is a short cut: the base comes in as a PMB's XML export through the same import as anybody's,
the thesaurus as SKOS, the partner over HTTP from `demo.partner`, which speaks PMB's dialect, faults included.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from threading import Thread

import requests
import waitress

from catalogue import asking_again, authorities, db, nights, remembered, setup, sources, users
from catalogue.app import Travee, create_app
from catalogue.config import Settings
from catalogue.i18n import set_language
from catalogue.schedule import Schedule
from demo import generate, lived, partner, sources_server
from export import pmbxml
from harvest import importer, lookup, run, skos

DATA = Path("var/demo")
ACCOUNTS = (("claire", "documentalist"), ("marc", "admin"), ("ines-stagiaire", "contributor"), ("direction", "reader"))
PASSWORD = "demonstration"
OURS, PARTNER = "espace-doc", "RECI"
IDENTITY = "oai:RECI:{001}"  # part of our base was shared with RECI under the same numbers: the two meet


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    started = time.monotonic()
    for port in (asked.port, asked.port + 1, asked.port + 2):  # before anything is erased: another demo may be running
        if not _is_free(port):
            print(f"Le port {port} est déjà pris : arrêtez ce qui l’occupe, ou choisissez --port.", file=sys.stderr)
            return 1
    if asked.fresh:
        shutil.rmtree(DATA, ignore_errors=True)
    settings = demo_settings(DATA, asked.port)
    set_language(settings.language)
    with ExitStack() as stack:
        partner_url = stack.enter_context(
            partner.serve(generate.partner_records(), port=asked.port + 1, repository=PARTNER)
        ).url
        outside = stack.enter_context(sources_server.serve(port=asked.port + 2))
        if fresh := not (DATA / "ready").exists():
            seen = build(settings, partner_url)
            (DATA / "ready").write_text("".join(f"{path} {words}\n" for words, path in seen), "utf-8")
        app = create_app(settings)
        travee: Travee = app.extensions["travee"]
        stack.callback(travee.close)
        with travee.db.write() as session:  # each time: the port may be another
            remembered.write(session, lookup.SETTING, outside.settings)
        if fresh:
            _asked_before(travee)
        server = waitress.create_server(app, host="127.0.0.1", port=asked.port, threads=8, ident=None)
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        travee.start_worker()
        home = f"http://127.0.0.1:{asked.port}/"
        requests.get(home, timeout=30).raise_for_status()
        _tell(
            home, partner_url, outside.url, (DATA / "ready").read_text("utf-8").splitlines(), time.monotonic() - started
        )
        if asked.once:
            return 0
        try:
            while thread.is_alive():
                thread.join(timeout=1)
        except KeyboardInterrupt:
            print("\nÀ bientôt.")
    return 0


def build(settings: Settings, partner_url: str) -> list[tuple[str, str]]:
    """An empty base becomes the demonstration base; interrupted, it is begun again from nothing.

    Returns what is worth a look: (words, path)."""
    shutil.rmtree(settings.data_dir, ignore_errors=True)
    setup.init(settings)
    files = settings.data_dir / "files"
    files.mkdir(parents=True)
    export = files / "espace-doc.pmb.xml"
    _say("Base de démonstration : écriture des fichiers")
    write_base(export)
    travee = Travee(settings)
    try:
        with travee.db.write() as session:
            for login, role in ACCOUNTS:
                users.add(session, login, PASSWORD, role)
        _say("Thésaurus")
        load_thesaurus(travee)
        with travee.db.write() as session:
            ours = sources.for_file(session, OURS)
            ours.identity, ours.profile = IDENTITY, {"kinds": generate.KINDS_BY_TYPE}
            theirs = sources.for_file(session, PARTNER)
            theirs.kind, theirs.url, theirs.local = "oai", partner_url, True
            theirs.prefix, theirs.new_status = "pmb_xml_unimarc", "published"
            theirs.profile = {"kinds": generate.KINDS_BY_TYPE}
        _say("Import du fichier")
        report = importer.import_file(travee.db, export, source=OURS, by="travee import")
        _say(f"  {report.counts['created']} notices, {report.counts['items']} exemplaires")
        _say("Moisson du partenaire")
        harvested = run.harvest(travee.db, settings, PARTNER)
        _say(f"  {harvested.counts['received']} reçues, {harvested.counts['new']} nouvelles")
        with travee.db.write() as session:  # from now on, as any centre's: every night, and everything on Sundays
            nights.set_schedule(session, sources.for_file(session, PARTNER).id, Schedule(on=True))
        _say("Doublons possibles")
        today = db.now().date()
        for day in (today - timedelta(days=1), today):  # a new base waits for its second day, and this one is in it
            travee.look_for_doubles(day)
        _say("Documents numériques, et ce que la base a vécu")
        seen = lived.live(travee, OURS)
        _say("Index")
        while travee.drain():
            pass
        return seen
    finally:
        travee.close()


def _asked_before(travee: Travee) -> None:
    """A question that Claire asked when no source answered: the night has found it, and it waits in « À revoir »."""
    question = lookup.understand("10.5555/cvm.2023.0042")
    yesterday = db.now() - timedelta(days=1)
    with travee.db.write() as session:
        asking_again.remember(session, question, by="claire", failed=["crossref", "hal"], at=yesterday)
    lookup.ask_again(travee.db, travee.settings)


def write_base(path: Path) -> None:
    """The centre's base as a PMB exports it: `<unimarc>` with a `<notice>` a record."""
    with path.open("wb") as out:
        out.write(b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n')
        out.writelines(pmbxml.notice_bytes(record.fields) for record in generate.local_records())
        out.write(b"</unimarc>\n")


def load_thesaurus(travee: Travee) -> None:
    path = Path(__file__).parent / "thesaurus.ttl"
    with travee.db.write() as session:
        for scheme in skos.read(path):
            authorities.load_scheme(session, scheme.code, scheme.uri, scheme.title, scheme.rows, by="travee import")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def demo_settings(folder: Path, port: int) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder,
        base_url=f"http://127.0.0.1:{port}",
        allow_private_addresses=True,
        centre_name="Espace doc de démonstration",
        opening_rule="Sur rendez-vous, du lundi au jeudi",
        opening_rule_en="By appointment, Monday to Thursday",
        pmb_source=OURS,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--fresh", action="store_true", help="start again from nothing")
    parser.add_argument("--once", action="store_true", help="do all but keep serving, then exit 0")
    return parser


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _tell(home: str, partner_url: str, outside_url: str, seen: list[str], seconds: float) -> None:
    accounts = "\n".join(f"                {login} ({role})" for login, role in ACCOUNTS)
    worth = "\n".join(f"                {home[:-1]}{line}" for line in seen)
    print(
        f"""
Prêt en {seconds:.1f} s.

  Le catalogue  {home}
  Le bureau     {home}bureau
                mot de passe de tous les comptes : {PASSWORD}
{accounts}
  Le partenaire {partner_url}
  À cataloguer  978-2-499-99901-0, 10.5555/cvm.2023.0042, « Habiter les bords »,
                {outside_url}/pages/presse/orientation
  À voir aussi
{worth}

Ctrl+C pour arrêter. Tout est dans {DATA}/ ; « --fresh » recommence à neuf.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
