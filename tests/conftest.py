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
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from catalogue import setup, users
from catalogue.config import Settings
from catalogue.db import Database

pytest_plugins = ["tests.needs", "tests.night"]

PASSWORD = "les-mots-bleus-1976"
BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# A machine that is busy is no fault of the code; and what passed must pass again tomorrow. To look for new cases:
# `pytest --hypothesis-profile wild`.
hypothesis.settings.register_profile("wild", deadline=None, max_examples=1000)
hypothesis.settings.register_profile("travee", deadline=None, derandomize=True)
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


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> None:
    """Passwords cost little to check here: a quarter of a test with somebody signed in went into that."""
    users._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Travée in one file, made once and copied for each test."""
    path = tmp_path_factory.mktemp("empty") / "travee.db"
    _make_empty(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> Iterator[Connection]:
    """The server's own door, where bases are made and dropped; the base « empty » is ready to be copied."""
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE empty"))
        _make_empty(_named(postgres_url, "empty"))
        yield connection
    server.dispose()


def _named(url: str, base: str) -> str:
    return url.replace("/postgres?", f"/{base}?")


def _make_empty(url: str) -> None:
    """Tables, counters, our centre."""
    base = Database(url)
    setup.create_tables(base)
    setup.first_rows(base, Settings(_env_file=None))
    base.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty Travée, ready to work."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "travee.db")
        base = Database(f"sqlite:///{tmp_path / 'travee.db'}")
        yield base
        base.close()
        return
    server: Connection = request.getfixturevalue("postgres")
    server.execute(text("CREATE DATABASE one_test TEMPLATE empty STRATEGY FILE_COPY"))
    base = Database(_named(request.getfixturevalue("postgres_url"), "one_test"))
    yield base
    base.close()
    server.execute(text("DROP DATABASE one_test WITH (FORCE)"))


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A writing session whose work is rolled back."""
    with database.write_session() as opened:
        yield opened
        opened.rollback()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def lasting_base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same, made once for all the tests that ask for it: they commit nothing."""
    if request.param == "sqlite":
        base = Database(f"sqlite:///{tmp_path_factory.mktemp('lasting') / 'travee.db'}")
    else:
        server = Database(request.getfixturevalue("postgres_url"))
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CREATE DATABASE lasting"))
        server.close()
        base = Database(server.url.replace("@/postgres?", "@/lasting?"))
    setup.create_tables(base)
    setup.first_rows(base, Settings(_env_file=None))
    yield base
    base.close()


@pytest.fixture
def quick_session(lasting_base: Database) -> Iterator[Session]:
    """A writing session whose work is rolled back, on a base that was there before: services never commit."""
    with lasting_base.write_session() as opened:
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


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a Travée that has just been made, copied for each test."""
    folder = tmp_path_factory.mktemp("init") / "var"
    setup.init(Settings(_env_file=None, data_dir=folder))
    return folder


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates are compiled once, not once for each application."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(settings: Settings, empty_folder: Path, compiled_templates: FileSystemBytecodeCache) -> Iterator[Flask]:
    from catalogue.app import create_app

    shutil.copytree(empty_folder, settings.data_dir)
    made = create_app(settings)
    made.jinja_env.bytecode_cache = compiled_templates
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
