"""create_app(): the only place that assembles."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from threading import Event, Lock, Thread
from zoneinfo import ZoneInfo

from flask import Flask, Response, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.middleware.proxy_fix import ProxyFix

from catalogue import (
    activity,
    alerts,
    asking_again,
    audit,
    backup_plan,
    cleaning,
    db,
    digital,
    doubles,
    entry_links,
    i18n,
    in_use,
    kept_forms,
    on_screen,
    selections,
    setup,
    texts,
    tombstones,
    visits,
)
from catalogue.authorities import NameBook
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.matching import candidates
from catalogue.models import Notice
from catalogue.web.subjects import Subjects
from catalogue.web.thesaurus import Thesaurus
from harvest import cutting, lookup, recognising, retention, waiting
from harvest.nightly import Nightly
from harvest.quiet import Quiet
from indexes import speller, suggestions, sync

log = logging.getLogger("travee")

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
limiter = Limiter(get_remote_address, default_limits=[], storage_uri="memory://", headers_enabled=True)


# The forms that a file comes with.
WITH_FILES = ("desk.import_file", "desk.add_document", "desk.create", "desk.save")


class Travee:
    """One running Travée: its settings, database, index and the counts that wait to be written."""

    def __init__(self, settings: Settings) -> None:
        self.given = settings  # of the environment
        self.settings = settings  # with what was set on screen over it, once `refresh_settings` was called
        self.db = Database(settings.url)
        self.tally = activity.Tally()
        self.thesaurus = Thesaurus()
        self.subjects = Subjects()
        self.names = NameBook()
        self.index_fails = False  # the last time it was to be brought up to date
        self._index: sync.Index | None = None
        self._lock = Lock()
        self._wake = Event()
        self._stop = Event()
        self._worker: Thread | None = None
        self._erased_on: date | None = None
        self._night = Nightly(self.db, settings, stopping=self._stop.is_set, pause=self._stop.wait)
        self._harvester: Thread | None = None
        self._quiet = Quiet(self.db, settings, stopping=self._stop.is_set, pause=self._stop.wait)
        self._quiet_worker: Thread | None = None
        self._quiet_wake = Event()
        self._harvest_wake = Event()
        self._pages_erased_on: date | None = None
        self._told_at: datetime | None = None
        self._held = ExitStack()

    def refresh_settings(self) -> None:
        """Take up what was set on screen: here at once, in other processes within their next look ahead."""
        with self.db.read() as session:
            self.settings = on_screen.effective(session, self.given)

    def index(self) -> sync.Index:
        with self._lock:
            if self._index is None:
                self._index = sync.open_index(self.settings.index_dir, self._has_something_to_find)
            return self._index

    def _has_something_to_find(self) -> bool:
        with self.db.read() as session:
            return session.scalar(select(Notice.id).where(Notice.status == "published").limit(1)) is not None

    def drain(self) -> int:
        """Bring the index up to date; 0 when somebody else is at it."""
        return sync.drain(self.db.read_session, self.index())

    def drain_soon(self) -> None:
        """After a commit: all that waits, at once."""
        self._drain_all()
        self._wake.set()

    def drain_briefly(self, only: Collection[int] | None = None) -> None:
        """After a commit, before somebody gets their page: `only` these notices, or what was saved last, so that it can
        be found at once. No more than a batch, and no index made anew: that is left to the worker, who is woken.
        """

        def drain() -> int:
            return sync.drain(self.db.read_session, self.index(), limit=sync.BATCH, only=only, may_rebuild=False)

        if only is None or only:
            self._trying_the_index(drain)
        self._wake.set()

    def flush_counts(self) -> None:
        """Write waiting counts if the database is free; otherwise they wait on."""
        counts = self.tally.take()
        if not counts:
            return
        try:
            with self.db.write() as session:
                activity.write(session, counts)
        except OperationalError:
            self.tally.put_back(counts)

    def work_once(self) -> int:
        """One pass of the worker: settings, the index queue, counts, old data to erase, files that wait, texts."""
        self.flush_counts()
        self.refresh_settings()
        if self._erased_on != (today := db.now().date()):  # once a day is enough, and takes the write lock once
            with self.db.write() as session:
                visits.erase_old(session, months=self.settings.request_retention_months)
                audit.erase_old(session)
                entry_links.erase_old(session)
                selections.forget_old(session)
                kept_forms.forget_old(session)
                asking_again.forget_old(session)
            self._erased_on = today
        done = self._drain_all()
        self._keep_keys()
        waiting.erase_old(self.settings.imports_dir)
        while waiting.work(self.db, self.settings.imports_dir, self._stop.is_set):
            done += self._drain_all()
        for _read in texts.read_waiting(self.db, self.settings.files_dir):
            done += self._drain_all()
            if self._stop.is_set():
                break
        self.finish_erasing()
        return done

    def _keep_keys(self) -> None:
        """Who writes a notice at the desk is told what it is near to: what others have just written counts too."""
        with self.db.read() as session:
            behind = candidates.are_behind(session)
        if behind:
            recognising.prepare(self.db)

    def finish_erasing(self, step: Callable[[int], None] = lambda done: None) -> int:
        """Clean what erasures have left outside the database: stored pages, files, the index, the database's free room.
        Whoever comes first behind a process that was killed does it. Returns how many stored pages were cut."""
        with self.db.read() as session:
            todo = tombstones.waiting(session)
        pages = cutting.clean(self.db, self.settings, todo, step) + cutting.look(self.db, self.settings)
        if not todo:
            return pages
        if files := [sha256 for one in todo for sha256 in one.files]:
            with self.db.write() as session:
                digital.sweep(session, files, self.settings.files_dir)
        if any(one.index for one in todo):  # what is deleted from an index stays in its files until it is made anew
            sync.rebuild(self.db.read_session, self.settings.index_dir)
        with self.db.write() as session:
            tombstones.cleaned(session, todo)
        if not self.db.empty_log():
            with self.db.write() as session:
                tombstones.to_clean(session, "log")  # the next pass tries that again, and only that
        return pages

    def harvest_once(self) -> int:
        """Every harvest that was left half-way, asked for or due, one after the other; then what is old, and mail.

        It has a thread of its own beside the worker's: a harvest lasts, what people do at the desk does not wait.
        """
        self._night.close_stopped()
        done = 0
        while self._night.work_once():
            done += 1
            self._wake.set()  # what came in is to be found
        lookup.ask_again(self.db, self.settings, stopping=self._stop.is_set)
        if self._pages_erased_on != (today := db.now().date()):
            retention.erase_old_pages(self.db, self.settings)
            self._pages_erased_on = today
            self.look_for_doubles(today)
            cleaning.look_by_night(self.db, today, self.names, stopping=self._stop.is_set)
        at = db.now()
        if done or self._told_at is None or not self._told_at <= at < self._told_at + timedelta(hours=1):
            self._told_at = at
            alerts.check(self.db, self.settings, now=at)
        return done

    def look_for_doubles(self, today: date) -> None:
        """Ask about possible doubles among the notices that were written since the last look, once a day."""
        with self.db.write() as session:
            if not doubles.is_due(session, today):
                return
        recognising.prepare(self.db)
        looked = doubles.Looked(notices=1)
        while looked.notices and not self._stop.is_set():
            with self.db.write() as session:
                looked = doubles.look(session, batch_id=looked.batch_id)

    def harvest_soon(self) -> None:
        """Somebody has asked for a harvest: the worker of this process looks at once, another one within its pass."""
        self._harvest_wake.set()

    def quiet_once(self) -> int:
        """What is slow, and that nobody waits for (`harvest.quiet`)."""
        backup_plan.work(self.db, self.settings, db.now(), ZoneInfo(self.settings.timezone))
        done = self._quiet.work_once()
        if done:
            self._wake.set()  # texts that were recognised are to be found
        return done

    def quiet_soon(self) -> None:
        """Somebody has asked for it: the worker of this process looks at once, another one within its pass."""
        self._quiet_wake.set()

    def _drain_all(self) -> int:
        done = 0
        while n := self._trying_the_index(self.drain):
            done += n
        return done

    def _trying_the_index(self, drain: Callable[[], int]) -> int:
        """What was done is done: whatever is wrong with the index is told to the log, not to who did it, and stops no
        other work. The queue keeps what waits."""
        try:
            done = drain()
            self.index_fails = False
        except Exception:
            log.exception("the index could not be brought up to date; its queue keeps what waits")
            self.index_fails = True
            return 0
        return done

    def count(self, notice_id: int, kind: str) -> None:
        """Count a use. Where the worker is another process, a small thread of ours writes the counts down."""
        self.tally.add(db.now().date(), notice_id, kind)
        with self._lock:
            if self._worker is None:
                self._worker = self._start("travee-counts", self.flush_counts, self._wake, 10.0)

    def start_worker(self, every_seconds: float = 10.0) -> None:
        """Do the background work in threads of this process, until `close`: what is slow, harvests, all the rest."""
        with self._lock:
            self._wake.set()  # what waited while nobody was here, or an index that was lost, does not wait for a turn
            self._worker = self._start("travee-worker", self.work_once, self._wake, every_seconds)
            self._harvester = self._start("travee-harvest", self.harvest_once, self._harvest_wake, every_seconds)
            if not self.settings.testing:  # it asks addresses of the world
                self._quiet_worker = self._start("travee-quiet", self.quiet_once, self._quiet_wake, 6 * every_seconds)

    def read_ahead(self, every_seconds: float = 10.0) -> None:
        """Open the index and make its dictionaries in a thread, now and after each change: no visitor waits for it."""
        now = Event()
        now.set()
        self._start("travee-reading", self._read_what_changed, now, every_seconds)

    def _read_what_changed(self) -> None:
        self.refresh_settings()
        snapshot = self.index().snapshot()
        speller.prepare(snapshot)
        suggestions.prepare(snapshot)
        with self.db.read() as session:
            self.thesaurus.other_names(session)
            self.subjects.read_ahead(session)

    def _start(self, name: str, work: Callable[[], object], wake: Event, every_seconds: float) -> Thread:
        def loop() -> None:
            while not self._stop.is_set():
                wake.wait(every_seconds)
                wake.clear()
                try:
                    work()
                except Exception:  # whatever it was, the index and the next file must not wait for a restart
                    log.exception("%s failed; it tries again in %s seconds", name, every_seconds)

        thread = Thread(target=loop, name=name, daemon=True)
        thread.start()
        return thread

    def hold(self) -> None:
        """Until `close`, nobody puts another base in the place of this one. Raises `in_use.InUse` if somebody does."""
        self._held.enter_context(in_use.held(self.settings, self.db))

    def close(self) -> None:
        """Stop at the next file or page; what is then half-way is taken up by the next worker."""
        self._stop.set()
        self._wake.set()
        self._harvest_wake.set()
        self._quiet_wake.set()
        for thread in (self._worker, self._harvester, self._quiet_worker):
            if thread is not None:
                thread.join(timeout=30)
        self.flush_counts()
        if self._index is not None:
            self._index.close()
        self._held.close()
        self.db.close()


def _cleaned(given: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    """The same without U+0000."""
    return ImmutableMultiDict(
        [(name.replace("\0", ""), text.replace("\0", "")) for name, text in given.items(multi=True)]
    )


def create_app(settings: Settings | None = None) -> Flask:
    from catalogue.web import auth, ctx, desk, health, machines, public

    settings = settings or Settings()
    travee = Travee(settings)
    app = Flask("catalogue", template_folder="web/templates", static_folder="web/static")
    https = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https if settings.secure_cookies is None else settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=20 * 3600 * 7,
        MAX_CONTENT_LENGTH=16 * 1024 * 1024,
        MAX_FORM_PARTS=2000,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch must still save
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        RATELIMIT_ENABLED=not settings.testing,
    )
    app.extensions["travee"] = travee
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(i18n._, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.filters.update(number=i18n.format_number, day=i18n.format_date, instant=i18n.format_instant)
    app.jinja_env.filters["of"] = i18n.of
    app.jinja_env.globals["colon"] = i18n.colon
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.before_request
    def _room_for_files() -> None:
        """A file of notices is longer than a form; said before anybody reads what was sent."""
        if request.endpoint in WITH_FILES and "_user_id" in session:
            request.max_content_length = travee.settings.upload_limit_mb * 1024 * 1024

    @app.before_request
    def _without_nul() -> None:
        """PostgreSQL keeps no U+0000, and nobody types one: it is taken out of whatever a request says."""
        request.view_args = {
            name: value.replace("\0", "") if isinstance(value, str) else value
            for name, value in (request.view_args or {}).items()
        }
        if "%00" in request.query_string.decode("latin-1") or b"\0" in request.query_string:
            request.args = _cleaned(request.args)
        if any("\0" in name or "\0" in text for name, text in request.form.items(multi=True)):
            request.form = _cleaned(request.form)

    CSRFProtect(app)
    limiter.init_app(app)
    login = LoginManager(app)
    login.session_protection = "basic"

    @app.before_request
    def _language() -> None:
        i18n.set_language("en" if request.path == "/en" or request.path.startswith("/en/") else settings.language)

    @app.after_request
    def _headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "geolocation=(), microphone=(), camera=(self)")
        if https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response

    @app.teardown_request
    def _end(_error: BaseException | None) -> None:
        ctx.end_session()
        i18n.set_language(settings.language)  # what this thread says next is nobody's page
        g.pop("user", None)

    if setup.is_ready(travee.db):
        travee.refresh_settings()
    for module in (auth, public, machines, desk, health):
        module.register(app)
    auth.attach(login)
    return app
