"""The known cast and the places where tests happen.

Claire is a documentalist, Marc the manager, Inès a visitor. Service tests run on SQLite and, where
PostgreSQL is installed, on PostgreSQL too: the same tests, the same answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from catalogue import setup, users
from catalogue.config import Settings
from catalogue.db import Database

pytest_plugins = ["tests.needs"]

PASSWORD = "les-mots-bleus-1976"
BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# A machine that is busy is no fault of the code.
hypothesis.settings.register_profile("travee", deadline=None)
hypothesis.settings.load_profile("travee")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL server on a socket of its own, gone after the session."""
    from tests.needs import need  # a plugin: pytest must load it first

    binaries = Path(need("postgresql")).parent
    home = Path(tempfile.mkdtemp(prefix="travee-pg-"))
    as_user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(home, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    run = lambda *words: subprocess.run(  # noqa: E731
        [*as_user, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=home
    )
    data = home / "data"
    run(str(binaries / "initdb"), "-D", str(data), "-U", "travee", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-k {home} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(home / "log"), "start")
    try:
        yield f"postgresql+psycopg://travee@/postgres?host={home}"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty Travée, ready to work: tables, counters, our centre."""
    if request.param == "sqlite":
        base = Database(f"sqlite:///{tmp_path / 'travee.db'}")
        setup.create_tables(base)
        setup.first_rows(base, Settings(_env_file=None))
        yield base
        base.close()
        return
    base = Database(request.getfixturevalue("postgres_url"))
    with base.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    setup.create_tables(base)
    setup.first_rows(base, Settings(_env_file=None))
    yield base
    base.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A writing session whose work is rolled back."""
    with database.write_session() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "var",
        secret_key="a key for tests",
        testing=True,
        allow_private_addresses=True,
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    from catalogue.app import create_app

    setup.init(settings)
    made = create_app(settings)
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield made
    made.extensions["travee"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Inès, a visitor with a browser."""
    made = app.test_client()
    made.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    return made


@pytest.fixture
def claire(app: Flask) -> FlaskClient:
    """Claire, documentalist, signed in."""
    with app.extensions["travee"].db.write() as writing:
        users.add(writing, "claire", PASSWORD, "documentalist")
    made = app.test_client()
    made.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    answer = made.post("/connexion", data={"login": "claire", "password": PASSWORD})
    assert answer.status_code == 302
    return made


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """The application behind a real socket, with its worker: an address to give to a browser."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    app.extensions["travee"].start_worker(0.5)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, driven by Playwright, talking to nobody but us."""
    from tests.needs import need

    path = need("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield opened
        opened.close()


@pytest.fixture
def browser_page(browser: object) -> Iterator[object]:
    context = browser.new_context(  # type: ignore[attr-defined]
        user_agent=BROWSER_AGENT, viewport={"width": 1366, "height": 768}, locale="fr-FR"
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    yield page
    context.close()
