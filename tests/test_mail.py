"""Letters to the documentalist: a night that failed, what has waited for a week; each once, and nothing in silence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from catalogue import alerts, db, mail, nights, notices, sources
from catalogue.cli import main
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Run, VisitRequest
from catalogue.schedule import Schedule
from tests.cast import MIETTES
from tests.mailbox import Mailbox

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # what no database makes any different


@dataclass
class Post:
    """Our base and a mail server; `check` is what the worker does every hour."""

    database: Database
    settings: Settings
    mailbox: Mailbox

    def check(self, at: datetime = NOON) -> int:
        return alerts.check(self.database, self.settings, now=at)

    def fail(self, at: datetime, received: int = 0, status: str = "incomplete") -> None:
        with self.database.write() as session:
            source = sources.for_file(session, "RECI")
            session.add(
                Run(
                    source_id=source.id,
                    kind="harvest",
                    started_at=at,
                    ended_at=at + timedelta(minutes=1),
                    status=status,
                    reason={"code": "oai.down", "params": {"host": "reci.exemple.org"}}
                    if status != "complete"
                    else None,
                    checkpoint={"asked": {"from": "2026-01-01T00:00:00Z"}, "base": True},
                    counts={"received": received},
                )
            )


@pytest.fixture
def post(database: Database, settings: Settings) -> Iterator[Post]:
    with database.write() as session:
        source = sources.for_file(session, "RECI")
        source.kind, source.url = "oai", "https://reci.exemple.org/oai"
        nights.set_schedule(session, source.id, Schedule(on=True, hour=3, full_day=None), at=NOON - 30 * DAY)
    with Mailbox() as mailbox:
        known = {"mail_url": mailbox.url, "admin_email": "claire@exemple.fr", "base_url": "https://doc.exemple.fr/"}
        yield Post(database, settings.model_copy(update=known), mailbox)


def words(letter: Any) -> str:
    return " ".join(letter.get_content().split())


def test_the_worker_and_a_harvest_that_ends_send_no_letter_twice(post: Post) -> None:
    """Both have it ready: who takes it first sends it; who dies with it leaves it to whoever looks later."""
    for start in (NOON - 8 * HOUR, NOON - 7 * HOUR, NOON - 3 * HOUR):
        post.fail(start)
    sent: list[str] = []

    def meanwhile(_url: str, _to: str, subject: str, _said: Any) -> None:
        sent.append(subject)
        if len(sent) == 1:
            assert alerts.check(post.database, post.settings, now=NOON, send=meanwhile) == 0

    assert alerts.check(post.database, post.settings, now=NOON, send=meanwhile) == 1
    assert len(sent) == 1

    def dies(*_letter: Any) -> None:
        raise KeyboardInterrupt

    week = NOON + 7 * DAY
    post.fail(week - HOUR)
    with pytest.raises(KeyboardInterrupt):
        alerts.check(post.database, post.settings, now=week, send=dies)
    assert post.check(week) == 0, "somebody is at it"
    assert post.check(week + HOUR) == 1


def test_a_night_is_told_after_its_last_try_and_once(post: Post) -> None:
    three = NOON - 8 * HOUR
    for n, (start, received) in enumerate(((three, 0), (three + HOUR, 0), (three + 5 * HOUR, 120))):
        assert post.check(NOON) == 0, n
        post.fail(start, received)
    assert post.check(NOON) == 1
    (letter,) = post.mailbox.letters
    assert letter["Subject"] == "Espace doc : la moisson de RECI a échoué"
    assert (letter["To"], letter["From"]) == ("claire@exemple.fr", "catalogue@exemple.fr")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    text = words(letter)
    assert "Le serveur reci.exemple.org ne répond pas." in text
    assert "120 notices étaient arrivées : elles sont gardées, et rien n’a été enlevé ici." in text
    assert "Travée réessaiera : " in text
    assert "https://doc.exemple.fr/bureau/moissons/3 " in text
    assert post.check(NOON + HOUR) == 0
    post.fail(NOON + 2 * HOUR, status="complete")
    assert post.check(NOON + 3 * HOUR) == 0


@on_sqlite
def test_a_source_that_fails_night_after_night_is_told_once_a_week_and_again_once_it_had_recovered(post: Post) -> None:
    sent = []
    for day in range(12):
        for start in (-8 * HOUR, -7 * HOUR, -3 * HOUR):
            post.fail(NOON + day * DAY + start, status="complete" if day == 9 else "incomplete")
        sent += [day] if post.check(NOON + day * DAY) else []
    assert sent == [0, 7, 10]
    assert "3 fois de suite" in words(post.mailbox.letters[0]) and "24 fois de suite" in words(post.mailbox.letters[1])


@on_sqlite
def test_without_a_schedule_on_screen_a_harvest_that_failed_is_told_at_once(post: Post) -> None:
    with post.database.write() as session:
        nights.set_schedule(session, sources.for_file(session, "RECI").id, Schedule(on=False))
    post.fail(NOON - HOUR)
    assert post.check(NOON) == 1
    assert "La moisson de RECI n’est pas allée au bout." in words(post.mailbox.letters[0])
    assert "Travée réessaiera" not in words(post.mailbox.letters[0])
    assert post.check(NOON + DAY) == 0


@on_sqlite
def test_with_a_schedule_that_no_worker_keeps_it_is_told_the_next_day(post: Post) -> None:
    """A timer runs `travee harvest` once a night: there are never three tries."""
    for night in range(2):
        post.fail(NOON + night * DAY - 8 * HOUR)
        assert post.check(NOON + night * DAY - 7 * HOUR) == night


def test_the_command_of_a_timer_writes_the_letters_itself(
    empty_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker, no schedule: `travee harvest --all --json` at night is all there is."""
    folder = Path(shutil.copytree(empty_folder, tmp_path / "var"))
    base = Database(Settings(_env_file=None, data_dir=folder).url)
    with base.write() as session:
        source = sources.for_file(session, "RECI")
        source.kind, source.url = "oai", "http://127.0.0.1:9/oai"
        notices.create(session, list(MIETTES), by="claire", status="candidate").created_at = db.now() - 8 * DAY
    base.close()
    with Mailbox() as mailbox:
        known = {"data_dir": folder, "mail_url": mailbox.url, "admin_email": "claire@exemple.fr"}
        for name, value in known.items():
            monkeypatch.setenv(f"TRAVEE_{name.upper()}", str(value))
        for night in range(2):
            done = CliRunner().invoke(main, ["harvest", "--all", "--json"])
            assert (done.exit_code, json.loads(done.stdout)["reason_code"]) == (1, "oai.private_address")
            assert [letter["Subject"].partition(" : ")[2] for letter in mailbox.letters] == [
                *("la moisson de RECI a échoué", "« À revoir » vous attend"),
            ], night


def test_a_server_that_is_down_stops_nothing_and_the_letter_goes_later(post: Post) -> None:
    for start in (-8 * HOUR, -7 * HOUR, -3 * HOUR):
        post.fail(NOON + start)
    post.mailbox.refuses = "451 come back later"
    assert post.check(NOON) == 0
    with post.database.read() as session:
        trouble = alerts.trouble(session)
    assert trouble is not None and trouble.at == NOON
    assert trouble.words.endswith(": 451 come back later")
    post.mailbox.refuses = ""
    assert post.check(NOON + HOUR) == 1
    with post.database.read() as session:
        assert alerts.trouble(session) is None


@on_sqlite
def test_nobody_at_all_at_that_address(post: Post) -> None:
    for start in (-8 * HOUR, -7 * HOUR, -3 * HOUR):
        post.fail(NOON + start)
    post.settings = post.settings.model_copy(update={"mail_url": "smtp://127.0.0.1:9?from=a@exemple.fr"})
    assert post.check() == 0
    with post.database.read() as session:
        trouble = alerts.trouble(session)
    assert trouble is not None and trouble.words.startswith("127.0.0.1:9 : ")


@on_sqlite
@pytest.mark.parametrize("missing", ["mail_url", "admin_email"])
def test_without_server_or_address_nothing_is_sent(post: Post, missing: str) -> None:
    for start in (-8 * HOUR, -7 * HOUR, -3 * HOUR):
        post.fail(NOON + start)
    post.settings = post.settings.model_copy(update={missing: ""})
    assert post.check() == 0
    assert post.mailbox.letters == []


def ask(database: Database, code: str, at: datetime) -> None:
    with database.write() as session:
        session.add(
            VisitRequest(code=code, subject="visit", name="Inès", email="i@exemple.fr", message="?", created_at=at)
        )


def test_what_has_waited_for_a_week_is_told_once_and_names_no_visitor(post: Post) -> None:
    ask(post.database, "AAAA", NOON - 6 * DAY)
    assert post.check(NOON) == 0
    assert post.check(NOON + DAY) == 1
    (letter,) = post.mailbox.letters
    assert letter["Subject"] == "Espace doc : « À revoir » vous attend"
    assert "- Demande d’un visiteur : 1, depuis le " in words(letter)
    assert "https://doc.exemple.fr/bureau/a-revoir" in words(letter)
    assert "Inès" not in words(letter) and "i@exemple.fr" not in words(letter)
    for day in (2, 7, 8, 9, 39):
        assert post.check(NOON + day * DAY) == 0, day


@on_sqlite
def test_something_new_that_waits_is_told_but_not_the_same_week(post: Post) -> None:
    ask(post.database, "AAAA", NOON - 8 * DAY)
    assert post.check(NOON) == 1
    with post.database.write() as session:
        notices.create(session, list(MIETTES), by="claire", status="candidate").created_at = NOON - 5 * DAY
    assert [day for day in (1, 3, 6, 7, 8, 14, 29) if post.check(NOON + day * DAY)] == [7]
    assert "Nouvelle notice proposée" in words(post.mailbox.letters[1])


# --- the server's address --------------------------------------------------------------------


def test_a_password_is_given_to_the_machine_s_own_server() -> None:
    with Mailbox(users={"claire": "mot@passe"}) as mailbox:
        host = mailbox.url.removeprefix("smtp://")
        mail.send(f"smtp://claire:mot%40passe@{host}", "marc@exemple.fr", "Bonjour\r\nBcc: x@y.z", ["Un mot."])
        with pytest.raises(mail.NotSent, match="535"):
            mail.send(f"smtp://claire:autre@{host}", "marc@exemple.fr", "Bonjour", ["Un mot."])
    (letter,) = mailbox.letters
    assert (letter["Subject"], letter["Bcc"]) == ("Bonjour Bcc: x@y.z", None)


def test_a_password_does_not_go_out_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "OURSELVES", ())
    with Mailbox(users={"claire": "x"}) as mailbox:
        host = mailbox.url.removeprefix("smtp://")
        with pytest.raises(mail.NotSent, match="chiffrée"):
            mail.send(f"smtp://claire:x@{host}", "marc@exemple.fr", "Bonjour", ["Un mot."])
        mail.send(f"smtp://claire:x@{host}&tls=no", "marc@exemple.fr", "Bonjour", ["Un mot."])
    assert len(mailbox.letters) == 1


@pytest.mark.parametrize(
    "url", ["", "smtp.exemple.fr", "http://smtp.exemple.fr", "smtp://", "smtp://a:99999", "smtp://[a", "smtp://h"]
)
def test_what_is_no_address_of_a_mail_server_is_told(url: str) -> None:
    with pytest.raises(mail.NotSent, match="TRAVEE_MAIL_URL"):
        mail.send(url, "claire" if url == "smtp://h" else "claire@exemple.fr", "Bonjour", ["Un mot."])
