"""What is slow, and that nobody waits for: words recognised on pictures of pages, links asked whether they still
answer, files compared with their checksums, and what is left of files that came half-way.

It has a thread of its own in the worker, so that neither the index nor a harvest waits for it. Whatever stops it
half-way, the next pass goes on: each file and each link is written down when it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from catalogue import db, dead_links, digital, documents, file_store, texts
from catalogue.config import Settings
from catalogue.db import Database
from harvest.alive import Asker
from harvest.run import agent_of

log = logging.getLogger("travee")

PURPOSE = "link checker"


class Quiet:
    def __init__(
        self, base: Database, settings: Settings, *, stopping: Callable[[], bool], pause: Callable[[float], object]
    ) -> None:
        self._base, self._settings, self._stopping, self._pause = base, settings, stopping, pause
        self._tidied_on: date | None = None

    def work_once(self) -> int:
        """One pass: how many files and links it came to."""
        self._tidy()
        done = 0
        for _read in texts.recognise_waiting(self._base, self._settings.files_dir, stopping=self._stopping):
            done += 1
        return done + self._ask_links_of_tonight()

    def _tidy(self) -> None:
        at, folder = db.now(), self._settings.files_dir
        if self._tidied_on != at.date():
            file_store.sweep_leftovers(folder)
            with self._base.write() as session:
                digital.forget_removed(session, folder, at)
            self._tidied_on = at.date()
        with self._base.read() as session:
            is_due = documents.check_is_due(session, self._on_the_clock(at))
        if is_due:
            documents.check_files(self._base, folder, at, self._stopping)

    def _on_the_clock(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self._settings.timezone))

    def _ask_links_of_tonight(self) -> int:
        local = self._on_the_clock(db.now())
        if local.hour < documents.FROM_HOUR:
            return 0
        with self._base.write() as session:
            if not dead_links.is_due(session, local.date()):
                return 0
        return ask_links(self._base, self._settings, stopping=self._stopping, pause=self._pause)


def ask_links(
    base: Database,
    settings: Settings,
    *,
    most: int | None = None,
    stopping: Callable[[], bool] = lambda: False,
    pause: Callable[[float], object],
) -> int:
    """Ask the addresses whose turn it is whether they still answer, and write each answer down; how many."""
    at, done = db.now(), 0
    with base.read() as session:
        urls = dead_links.to_ask(session, at, dead_links.per_night(session) if most is None else most)
    if not urls:
        return 0
    asker = Asker(agent=agent_of(settings, PURPOSE), private=settings.allow_private_addresses, sleep=pause)
    try:
        for verdict in asker.ask_all(urls, stopping):
            with base.write() as session:
                dead_links.write_down(session, [verdict], db.now())
            done += 1
    finally:
        asker.close()
    log.info("%s links asked", done)
    return done


def ask_one(settings: Settings, url: str) -> dead_links.Verdict:
    """The same for one address, at once: somebody waits for the answer."""
    asker = Asker(agent=agent_of(settings, PURPOSE), private=settings.allow_private_addresses)
    try:
        return asker.ask(url)
    finally:
        asker.close()
