"""Links that do not answer any more: asked politely, dead after two nights, corrected or led to an archive's copy."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug import Request, Response

from catalogue import dead_links, integrity, links, lots, notices
from catalogue.dead_links import Verdict
from catalogue.models import Batch, DigitalDocument, Notice
from harvest import archives
from harvest.alive import MOST_PER_HOST, PAUSE, SILENT, Asker
from harvest.lookup.trouble import Trouble
from tests import cast
from tests.cast import field

URL, OTHER = "https://exemple.fr/rapport.pdf", "https://exemple.fr/nouveau.pdf"
COPY = "https://web.archive.org/web/20210304050607/https://exemple.fr/rapport.pdf"
NIGHT = datetime(2026, 3, 2, 2, tzinfo=UTC)
LATER = NIGHT + timedelta(days=1)
GONE = Verdict(URL, "failing", "gone")


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.at, self.waits = 0.0, []  # type: float, list[float]

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


def asker(clock: Clock | None = None, *, private: bool = True) -> Asker:
    clock = clock or Clock()
    return Asker(agent="Travee/test", private=private, sleep=clock.sleep, clock=lambda: clock.at)


# --- asking ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state", "fault"),
    [
        (200, "alive", ""),
        (404, "failing", "gone"),
        (410, "failing", "gone"),
        (500, "failing", "server"),
        (401, "unsure", ""),
        (403, "unsure", ""),
        (429, "unsure", ""),
        (503, "unsure", ""),
    ],
)
def test_what_a_server_answers_is_understood(httpserver: HTTPServer, status: int, state: str, fault: str) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=status)
    url = httpserver.url_for("/a")
    assert asker().ask(url) == Verdict(url, state, fault)


def test_who_does_not_like_head_is_asked_for_one_byte(httpserver: HTTPServer) -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: Request) -> Response:
        asked.append((request.method, request.headers.get("Range")))
        return Response("x", 405 if request.method == "HEAD" else 206)

    httpserver.expect_request("/a").respond_with_handler(answer)
    assert asker().ask(httpserver.url_for("/a")).state == "alive"
    assert asked == [("HEAD", None), ("GET", "bytes=0-0")]


def test_an_address_that_moved_for_good_is_told_with_the_new_one(httpserver: HTTPServer) -> None:
    moved = {"/old": ("/new", 301), "/login": ("/new", 302), "/deep/a.pdf": ("/", 302), "/round": ("/round", 301)}
    for path, (target, status) in moved.items():
        httpserver.expect_request(path).respond_with_data("", status=status, headers={"Location": target})
    for path in ("/new", "/"):
        httpserver.expect_request(path).respond_with_data("")
    url = httpserver.url_for
    said = {path: asker().ask(url(path)) for path in moved}
    assert said["/old"] == Verdict(url("/old"), "alive", f"moved {url('/new')}")
    assert said["/login"] == Verdict(url("/login"), "alive")
    assert said["/deep/a.pdf"] == Verdict(url("/deep/a.pdf"), "alive", f"home {url('/')}")
    assert said["/round"] == Verdict(url("/round"), "failing", "loop")


def test_no_private_address_is_asked_and_nothing_is_said_of_it(httpserver: HTTPServer) -> None:
    reached: list[str] = []

    def answer(request: Request) -> Response:
        reached.append(request.path)
        return Response()

    httpserver.expect_request("/a").respond_with_handler(answer)
    url = httpserver.url_for("/a")
    assert asker(private=False).ask(url) == Verdict(url, "unsure")
    assert reached == []


def test_a_closed_door_and_a_word_that_is_no_address_fail_in_words() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/a"
    assert asker().ask(closed).fault == "down"
    assert asker().ask("http://[exemple").fault == "bad_url"
    assert {"down", "bad_url", "gone", "server", "loop"} <= dead_links.FAULTS.keys()


def test_a_host_is_left_in_peace_between_questions_and_when_it_is_silent_or_busy(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/ok").respond_with_data("")
    httpserver.expect_request("/busy").respond_with_data("", status=429)
    clock, url = Clock(), httpserver.url_for("/ok")
    assert len(list(asker(clock).ask_all([f"{url}?{n}" for n in range(MOST_PER_HOST + 5)]))) == MOST_PER_HOST
    assert clock.waits == [PAUSE] * (MOST_PER_HOST - 1)
    busy = httpserver.url_for("/busy")
    assert len(list(asker().ask_all([busy, *(f"{url}?{n}" for n in range(5))]))) == 1
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert len(list(asker().ask_all([f"{closed}{n}" for n in range(9)]))) == SILENT


# --- nights ----------------------------------------------------------------------------------


def linked(session: Session, *titles: str, url: str = URL) -> list[Notice]:
    fields = field("856", "u", url, "z", "Le rapport")
    return [notices.create(session, cast.notice(t, fields), by="claire", status="published") for t in titles]


def row(session: Session, url: str = URL) -> DigitalDocument:
    return session.scalars(select(DigitalDocument).where(DigitalDocument.url == url)).one()


def test_a_link_is_dead_after_two_nights_not_after_two_tries(quick_session: Session) -> None:
    session = quick_session
    linked(session, "Un")
    for at, dead in ((NIGHT, 0), (NIGHT + timedelta(minutes=5), 0), (LATER, 1)):
        dead_links.write_down(session, [GONE], at)
        assert dead_links.count(session) == dead
    assert (row(session).alive, row(session).failing_since) == (False, NIGHT)
    (link,) = dead_links.dead_links(session)
    assert (link.url, link.words, link.since) == (URL, "la page n’existe plus", NIGHT)
    dead_links.write_down(session, [Verdict(URL, "alive")], LATER)
    assert (dead_links.count(session), row(session).alive, row(session).fault) == (0, True, "")


def test_who_refuses_programs_is_not_dead(quick_session: Session) -> None:
    linked(quick_session, "Un")
    for at, verdict in ((NIGHT, GONE), (LATER, Verdict(URL, "unsure")), (LATER + timedelta(days=1), GONE)):
        dead_links.write_down(quick_session, [verdict], at)
    assert dead_links.count(quick_session) == 0


def test_what_failed_once_comes_first_then_what_nobody_asked_then_what_is_old(quick_session: Session) -> None:
    session = quick_session
    for name in ("new", "failed", "fresh", "old", "dead"):
        linked(session, name, url=f"https://exemple.fr/{name}")
    state = {
        "failed": (NIGHT, None, NIGHT),
        "fresh": (NIGHT, True, None),
        "old": (NIGHT - timedelta(days=40), True, None),
        "dead": (NIGHT, False, NIGHT),
    }
    for name, (checked, alive, since) in state.items():
        document = row(session, f"https://exemple.fr/{name}")
        document.checked_at, document.alive, document.failing_since = checked, alive, since
    session.flush()
    ask = lambda at: [url.rpartition("/")[2] for url in dead_links.to_ask(session, at, 10)]  # noqa: E731
    assert ask(LATER) == ["failed", "new", "old"]
    assert ask(NIGHT + timedelta(hours=1)) == ["new", "old"]
    assert "dead" in ask(NIGHT + timedelta(days=8))
    assert dead_links.is_due(session, date(2026, 3, 2)) and not dead_links.is_due(session, date(2026, 3, 2))
    dead_links.set_per_night(session, 0)
    assert not dead_links.is_due(session, date(2026, 3, 3))


# --- what a person does ----------------------------------------------------------------------


def dead(session: Session, *titles: str) -> list[Notice]:
    made = linked(session, *titles)
    dead_links.write_down(session, [GONE], NIGHT)
    dead_links.write_down(session, [GONE], LATER)
    return made


def test_an_address_is_corrected_in_all_its_notices_at_once_and_that_is_undone(session: Session) -> None:
    made = dead(session, "Un", "Deux")
    batch = links.correct(session, links.givers(session, URL), URL, OTHER, by="claire")
    assert batch is not None
    assert dead_links.count(session) == 0
    assert {d.url for d in session.scalars(select(DigitalDocument))} == {OTHER}
    assert [f["s"] for n in made for f in n.fields if f["t"] == "856"] == [[["u", OTHER], ["z", "Le rapport"]]] * 2
    undone = lots.undo(session, batch, by="claire")
    assert (undone.restored, undone.left) == (2, [])
    assert {d.url for d in session.scalars(select(DigitalDocument))} == {URL}
    assert list(integrity.faults(session)) == []


def test_the_copy_that_was_accepted_outlives_the_link_s_coming_and_going(session: Session) -> None:
    dead(session, "Un")
    offered = dead_links.offer_copy(session, URL, COPY, by="claire")
    assert offered is not None
    assert (dead_links.count(session), dead_links.count_settled(session)) == (0, 1)
    removed = links.take_off(session, links.givers(session, URL), URL, by="claire")
    assert removed is not None
    assert dead_links.count_settled(session) == 0
    assert list(integrity.faults(session)) == []
    lots.undo(session, removed, by="claire")
    assert row(session).archived_url == COPY
    lots.undo(session, offered, by="claire")
    assert (row(session).archived_url, dead_links.count(session)) == ("", 1)


def test_a_link_is_added_once_and_only_if_it_is_one(session: Session) -> None:
    (made,) = linked(session, "Un")
    assert "n’est pas une adresse web" in links.add(session, made, "javascript:alert(1)", "", by="claire")
    assert links.add(session, made, f" {URL}\u200b", "", by="claire") == "Cette notice a déjà ce lien."
    assert links.add(session, made, OTHER, "Annexe", by="claire") == ""
    assert [d.label for d in session.scalars(select(DigitalDocument).order_by(DigitalDocument.id))] == [
        "Le rapport",
        "Annexe",
    ]


# --- the archive -----------------------------------------------------------------------------


def said(**closest: object) -> dict[str, object]:
    whole = {"available": True, "status": "200", "timestamp": "20210304050607"}
    return {"url": URL, "archived_snapshots": {"closest": {**whole, **closest}}}


def test_the_archive_is_asked_for_the_copy_nearest_to_a_day(httpserver: HTTPServer) -> None:
    plain = COPY.replace("https://web", "http://web")
    query = {"url": URL, "timestamp": "20210301"}
    httpserver.expect_request("/available", query_string=query).respond_with_json(said(url=plain))
    api = httpserver.url_for("/available")
    found = archives.find_copy(URL, near=date(2021, 3, 1), agent="Travee/test", private=True, api=api)
    assert found == archives.ArchivedCopy(COPY, date(2021, 3, 4))
    assert archives.is_copy(COPY)


@pytest.mark.parametrize(
    "answer", [b'{"archived_snapshots": {}}', b'{"archived_snapshots":{"closest":{"available":false}}}']
)
def test_an_archive_that_has_nothing_says_so(answer: bytes) -> None:
    assert archives.read_answer(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Down</html>",
        b"[" * 100_000,
        b"[]",
        b'{"archived_snapshots": []}',
        b'{"archived_snapshots":{"closest":{"available":true,"url":"https://evil.example/web/20210304050607/http://a"}}}',
        b'{"archived_snapshots":{"closest":{"available":true,"url":"javascript:alert(1)"}}}',
        b'{"archived_snapshots":{"closest":{"available":true,"url":"http://web.archive.org/web/99999999999999/http://a"}}}',
    ],
)
def test_what_is_not_the_archive_s_way_of_saying_it_is_not_believed(answer: bytes) -> None:
    with pytest.raises(Trouble):
        archives.read_answer(answer)


# --- pages -----------------------------------------------------------------------------------


def test_claire_finds_a_dead_link_and_offers_the_archived_copy(
    app: Flask, claire: FlaskClient, client: FlaskClient, httpserver: HTTPServer
) -> None:
    travee = app.extensions["travee"]
    travee.settings.archive_url = httpserver.url_for("/available")
    httpserver.expect_request("/available").respond_with_json(said(url=COPY))
    with travee.db.write() as session:
        (made,) = dead(session, "Le bilan des ateliers")
        address, number = made.address, row(session).id
    travee.drain_soon()
    public = client.get(f"/d/{address}").text
    assert "Le lien vers exemple.fr ne répond plus depuis le 2 mars 2026" in public
    assert "Lire en ligne" not in public
    assert "Le bilan des ateliers" not in client.get("/recherche?acces=en-ligne").text
    page = claire.get("/bureau/liens-morts").text
    assert URL in page and "la page n’existe plus" in page and "Le bilan des ateliers" in page
    proposed = claire.post(f"/bureau/liens-morts/{number}/copie").text
    assert "4 mars 2021" in proposed and COPY in proposed
    assert COPY not in client.get(f"/d/{address}").text, "nothing is decided yet"
    done = claire.post(f"/bureau/liens-morts/{number}/offrir", data={"copie": COPY}, follow_redirects=True).text
    assert "La fiche mène maintenant à la copie archivée" in done and "Annuler ce changement" in done
    public = client.get(f"/d/{address}").text
    assert "Lire la copie archivée" in public and f'href="{COPY}"' in public
    bad = claire.post(f"/bureau/liens-morts/{number}/offrir", data={"copie": "https://evil.example/"})
    assert bad.status_code == 400
    with travee.db.read() as session:
        lot = session.scalars(select(Batch.id).order_by(Batch.id.desc())).first()
    claire.post(f"/bureau/historique/{lot}/annuler")
    assert "Le lien vers exemple.fr ne répond plus" in client.get(f"/d/{address}").text


def test_claire_asks_again_corrects_and_takes_off(
    app: Flask, claire: FlaskClient, client: FlaskClient, httpserver: HTTPServer
) -> None:
    travee = app.extensions["travee"]
    httpserver.expect_request("/there").respond_with_data("")
    there, wrong = httpserver.url_for("/there"), httpserver.url_for("/nowhere")
    with travee.db.write() as session:
        (made,) = linked(session, "Le bilan", url=wrong)
        address = made.address
        for at in (NIGHT, LATER):
            dead_links.write_down(session, [Verdict(wrong, "failing", "gone")], at)
        number = row(session, wrong).id
    path = f"/bureau/liens-morts/{number}"
    assert "Toujours pas" in claire.post(f"{path}/reessayer", follow_redirects=True).text
    refused = claire.post(f"{path}/corriger", data={"adresse": "voir le site"})
    assert refused.status_code == 422
    assert "<title>Erreur :" in refused.text and 'value="voir le site"' in refused.text
    assert (
        "L’adresse est corrigée" in claire.post(f"{path}/corriger", data={"adresse": there}, follow_redirects=True).text
    )
    assert f'href="{there}"' in client.get(f"/d/{address}").text
    with travee.db.read() as session:
        number = row(session, there).id
    assert "répond de nouveau" in claire.post(f"/bureau/liens-morts/{number}/reessayer", follow_redirects=True).text
    claire.post(f"/bureau/liens-morts/{number}/retirer")
    assert there not in client.get(f"/d/{address}").text
    assert claire.get(f"/bureau/liens-morts/{number}").status_code == 404
    assert client.get("/bureau/liens-morts").status_code in (302, 303), "visitors have no business here"


def test_the_night_asks_the_links_and_writes_their_answers_down(app: Flask, httpserver: HTTPServer) -> None:
    from harvest import quiet

    travee = app.extensions["travee"]
    httpserver.expect_request("/there").respond_with_data("")
    with travee.db.write() as session:
        linked(session, "Un", "Deux", url=httpserver.url_for("/there"))
    assert quiet.ask_links(travee.db, travee.settings, pause=lambda seconds: None) == 1, "one address, asked once"
    with travee.db.read() as session:
        assert [d.alive for d in session.scalars(select(DigitalDocument))] == [True, True]
    assert quiet.ask_links(travee.db, travee.settings, pause=lambda seconds: None) == 0
