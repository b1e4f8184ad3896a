"""Asking an OAI-PMH server: every page is read strictly, every fault gets its own words."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from lxml import etree
from pytest_httpserver import HTTPServer
from requests_hardened import ip_filter_adapter
from werkzeug.wrappers import Request, Response

from harvest import oai, oai_page
from harvest.oai import Client
from harvest.oai_page import Answer, HarvestStopped, read_page

HERE = Path(__file__).parent
ROOT = HERE.parent
DATA = HERE / "data" / "oai"
# Answers of running servers, where a developer has some beside the project.
SHARED = HERE.parent.parent / "shared" / "data"
REAL_WALKS = sorted((SHARED / "pmb" / "live" / "pages").glob("*ListRecords*.xml.gz"))
REAL_ANSWERS = [
    path
    for folder in ("pmb/live/errors", "pmb/live/incremental", "pmb/live/single", "oai")
    for path in sorted((SHARED / folder).rglob("*.xml"))
]
NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
PMB = {"metadataPrefix": "pmb_xml_unimarc"}


def page(name: str) -> oai_page.Page:
    return read_page(Answer((DATA / name).read_bytes()), 1, host="pmb.example")


def stopped(raw: bytes, token: str = "") -> HarvestStopped:
    with pytest.raises(HarvestStopped) as caught:
        read_page(Answer(raw), 1, token, host="pmb.example")
    return caught.value


# --- reading ---------------------------------------------------------------------------------


def test_a_page_gives_its_records_and_the_token_of_the_next() -> None:
    first = page("first_page.xml")
    assert [r.identifier for r in first.records] == ["oai:RECI:101", "oai:RECI:40211"]
    assert [r.datestamp for r in first.records] == ["2026-02-28T10:15:00Z", "2026-03-01T09:00:00Z"]
    assert [r.sets for r in first.records] == [("set_1",), ()]
    assert first.next_token == "df102b0f47aee9e4516135972f19943f"
    assert (first.list_size, first.cursor) == (0, 2)
    assert first.response_date == datetime(2026, 3, 2, 13, tzinfo=UTC)


def test_the_last_page_of_a_pmb_has_no_token_and_its_deleted_headers_are_out_of_order() -> None:
    last = page("last_page.xml")
    deleted, ghost = last.records
    assert last.next_token == ""
    assert deleted.deleted and deleted.payload is None and deleted.sets == ("set_1", "set_2")
    assert not ghost.deleted and ghost.datestamp == "" and ghost.payload is None


def test_no_records_match_is_an_empty_list() -> None:
    assert page("no_records.xml").records == ()


def test_but_not_when_the_set_is_unknown_too() -> None:
    assert stopped((DATA / "unknown_set.xml").read_bytes()).code == "oai.unknown_set"


def test_nor_in_the_middle_of_a_list() -> None:
    assert stopped((DATA / "no_records.xml").read_bytes(), token="abc").code == "oai.error"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bad_argument.xml", "oai.error"),
        ("bad_token.xml", "oai.expired_token"),
        ("busy.xml", "oai.no_list"),
        ("maintenance.html", "oai.web_page"),
        ("unconfigured.xml", "oai.unconfigured"),
    ],
)
def test_what_is_no_list_stops_the_harvest(name: str, code: str) -> None:
    assert stopped((DATA / name).read_bytes()).code == code


def test_a_refusal_quotes_the_server() -> None:
    assert str(stopped((DATA / "bad_argument.xml").read_bytes())) == (
        "Le serveur refuse la demande : badArgument. Il dit : « Argument invalide »"
    )


FIRST = (DATA / "first_page.xml").read_bytes()
BOMB = b"""<?xml version="1.0"?><!DOCTYPE OAI-PMH [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>&b;</ListRecords></OAI-PMH>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE OAI-PMH [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>&a;</ListRecords></OAI-PMH>"""


@pytest.mark.parametrize("cut", [len(FIRST) // 3, len(FIRST) // 2, len(FIRST) - 8, len(FIRST) - 1])
def test_a_truncated_page_never_looks_like_the_end_of_the_list(cut: int) -> None:
    assert stopped(FIRST[:cut]).code == "oai.cut_page"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "oai.empty"),
        (b" \n", "oai.empty"),
        (b"bonjour", "oai.not_oai"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "oai.not_oai"),
        (b"<rss version='2.0'><channel/></rss>", "oai.not_oai"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>", "oai.web_page"),
        (FIRST.replace(b"</f>", b"</ff>", 1), "oai.malformed"),
        (FIRST.replace("é".encode(), b"\xe9"), "oai.malformed"),
        (FIRST.replace(b"<s ", b"<br />\n<b>Warning</b>: x <s ", 1).replace(b"</notice>", b"", 1), "oai.malformed"),
        (BOMB, "oai.doctype"),
        (OUTSIDE, "oai.doctype"),
        (BOMB.decode().encode("utf-16"), "oai.doctype"),
        (BOMB.replace(b"<!DOCTYPE", b"<!-- <html> --><!DOCTYPE"), "oai.web_page"),
        (b"<OAI-PMH><ListRecords>" + b"<a/>" * 600_000 + b"</ListRecords></OAI-PMH>", "oai.too_many"),
        (b"<OAI-PMH><ListRecords><a " + b"b='' " * 600_000 + b"/></ListRecords></OAI-PMH>", "oai.too_many"),
        (b"<OAI-PMH>" + b"<a>" * 3_000 + b"</a>" * 3_000 + b"</OAI-PMH>", "oai.malformed"),
        (b'<?xml version="1.0" encoding="UTF-7"?>' + FIRST.partition(b"?>")[2], "oai.encoding"),
        (FIRST.decode().replace("UTF-8", "cp037").encode("cp037"), "oai.encoding"),
        (FIRST.replace(b"ListRecords", b"ListIdentifiers"), "oai.no_list"),
    ],
)
def test_what_cannot_be_read_is_never_taken_for_an_empty_list(raw: bytes, code: str) -> None:
    fault = stopped(raw)
    assert fault.code == code
    assert "{" not in str(fault)


def test_text_around_the_xml_is_left_aside_and_told() -> None:
    warning = b'<br />\n<b>Warning</b>:  Undefined array key "opac_url" on line <b>212</b><br />\n'
    spoilt = read_page(Answer(b"\xef\xbb\xbf" + warning + FIRST + b"<!-- bye -->"), 3)
    assert [r.identifier for r in spoilt.records] == ["oai:RECI:101", "oai:RECI:40211"]
    assert [p.message for p in spoilt.repairs] == [
        "Page 3 : le texte autour du XML a été laissé de côté "
        '(« Warning : Undefined array key "opac_url" on line 212 »).'
    ]


def test_characters_that_xml_forbids_are_taken_out_and_told() -> None:
    spoilt = read_page(Answer(FIRST.replace(b"canal<", b"ca\x0bnal&#2;&#x1F;<")), 2)
    assert etree.tostring(spoilt.records[0].element, encoding="unicode").count("Les marches du canal<") == 1
    assert [p.code for p in spoilt.repairs] == ["oai.repaired_characters"]


def test_blank_lines_before_the_xml_are_no_repair() -> None:
    assert read_page(Answer(b"\n\n" + FIRST + b"\n"), 1).repairs == ()


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T13:00:00Z", datetime(2026, 3, 2, 13, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-02T13:00:00.123Z", datetime(2026, 3, 2, 13, tzinfo=UTC)),
        ("2026-13-02", None),
        ("hier", None),
        ("", None),
    ],
)
def test_instants_as_servers_write_them(text: str, instant: datetime | None) -> None:
    assert oai_page.parse_instant(text) == instant


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10", 10.0),
        (" 0 ", 0.0),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("bientôt", None),
        ("", None),
        ("-5", None),
    ],
)
def test_both_forms_of_retry_after(value: str, seconds: float | None) -> None:
    assert oai_page.retry_after(value, NOON) == seconds


# --- real answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [DATA / "first_page.xml", *REAL_WALKS], ids=lambda p: p.name)
def test_pages_of_running_servers_are_read_whole(path: Path) -> None:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found = read_page(Answer(raw), 1)
    assert len(found.records) == raw.count(b"<record>") > 0
    assert all(r.identifier and r.datestamp and r.payload is not None for r in found.records)
    assert found.repairs == ()


@pytest.mark.parametrize("path", [DATA / "last_page.xml", *REAL_ANSWERS], ids=lambda p: f"{p.parent.name}-{p.name}")
def test_any_other_answer_is_read_or_refused_with_a_sentence(path: Path) -> None:
    try:
        found = read_page(Answer(path.read_bytes()), 1, host="pmb.example")
    except HarvestStopped as fault:
        # What was asked is known to the run, which adds it.
        said = str(HarvestStopped(fault.code, {"prefix": "x", "offered": "y", "set": "z", **fault.params}))
        assert len(said) > 20 and "{" not in said
    else:
        assert all(r.identifier or r.deleted for r in found.records)


# --- asking ----------------------------------------------------------------------------------


class Waits(list[float]):
    """Waiting that takes no time, and is remembered."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(httpserver: HTTPServer, waits: Waits) -> Iterator[Client]:
    made = ask(httpserver.url_for("/ws/connector_out.php?source_id=1"), waits)
    yield made
    made.close()


def ask(url: str, waits: Waits, *, private: bool = True) -> Client:
    return Client(url, agent="Travee/1.0 (doc@example.org)", private=private, sleep=waits, now=lambda: NOON)


def answers(httpserver: HTTPServer, *bodies: bytes | Response) -> list[Request]:
    """The server gives these one after the other, then a 404; returns what it was asked."""
    asked: list[Request] = []
    waiting = list(bodies)

    def answer(request: Request) -> Response:
        asked.append(request)
        body = waiting.pop(0) if waiting else Response(status=404)
        return Response(body, mimetype="text/xml") if isinstance(body, bytes) else body

    httpserver.expect_request("/ws/connector_out.php").respond_with_handler(answer)
    return asked


def codes(client: Client) -> list[str]:
    """The identifiers of a walk, then what stopped it, if anything did."""
    found: list[str] = []
    try:
        for one in oai.pages(client, PMB):
            found += [r.identifier.rpartition(":")[2] for r in one.records]
    except HarvestStopped as fault:
        found.append(fault.code)
    return found


LAST = (DATA / "last_page.xml").read_bytes()


def test_arguments_are_added_to_an_address_that_has_some(httpserver: HTTPServer, client: Client) -> None:
    asked = answers(httpserver, FIRST, LAST)
    assert codes(client) == ["101", "40211", "49", "935"]
    assert [dict(r.args) for r in asked] == [
        {"source_id": "1", "verb": "ListRecords", "metadataPrefix": "pmb_xml_unimarc"},
        {"source_id": "1", "verb": "ListRecords", "resumptionToken": "df102b0f47aee9e4516135972f19943f"},
    ]
    assert {r.headers["User-Agent"] for r in asked} == {"Travee/1.0 (doc@example.org)"}
    assert client.requests == 2


def test_each_page_is_kept_as_received_before_it_is_read(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, FIRST, b"<OAI-PMH>", b"<OAI-PMH>")
    kept: list[tuple[int, str, bytes]] = []
    with pytest.raises(HarvestStopped):
        list(oai.pages(client, PMB, keep=lambda n, token, answer: kept.append((n, token, answer.raw))))
    token = "df102b0f47aee9e4516135972f19943f"
    assert kept == [(1, "", FIRST), (2, token, b"<OAI-PMH>"), (2, token, b"<OAI-PMH>")]


def test_who_is_there(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, (DATA / "identify.xml").read_bytes())
    who = oai.identify(client)
    assert (who.name, who.repository, who.by_day) == ("Base partagée fictive", "RECI", False)
    assert who.clock == datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert who.date is not None and who.date.tzinfo is UTC


def test_a_busy_server_is_left_the_time_it_asks_for(httpserver: HTTPServer, client: Client, waits: Waits) -> None:
    later = Response(status=503, headers={"Retry-After": "10"})
    now = Response(status=429, headers={"Retry-After": "Mon, 02 Mar 2020 12:00:00 GMT"})
    answers(httpserver, later, now, Response(status=503), LAST)
    assert codes(client) == ["49", "935"]
    assert waits == [10.0, 1.0, 4.0]


def test_but_not_for_ever(httpserver: HTTPServer, client: Client, waits: Waits) -> None:
    answers(httpserver, *[Response(status=503, headers={"Retry-After": "10"})] * 9)
    assert codes(client) == ["oai.busy"]
    assert waits == [10.0] * (oai.TRIES - 1)


def test_a_server_that_asks_for_hours_is_left_alone(httpserver: HTTPServer, client: Client, waits: Waits) -> None:
    answers(httpserver, Response(status=503, headers={"Retry-After": "7200"}))
    with pytest.raises(HarvestStopped) as caught:
        oai.identify(client)
    assert "revenir dans 120 minutes" in str(caught.value)
    assert waits == []


def test_an_error_that_passes_is_not_told(httpserver: HTTPServer, client: Client, waits: Waits) -> None:
    answers(httpserver, Response(b"", 500), Response(b"oups", 502), LAST)
    assert codes(client) == ["49", "935"]
    assert waits == [1.0, 2.0]


def test_a_page_that_comes_whole_the_second_time_is_enough(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, FIRST[:900], FIRST, b"<html></html>", LAST)
    assert codes(client) == ["101", "40211", "49", "935"]


def test_a_list_that_fails_where_the_server_presents_itself(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, *[Response(b"", 500)] * 4)
    with pytest.raises(HarvestStopped) as caught:
        list(oai.pages(client, PMB))
    assert caught.value.code == "oai.list_broken"
    assert "PHP" in str(caught.value)


@pytest.mark.parametrize(("status", "code"), [(401, "oai.forbidden"), (403, "oai.forbidden"), (404, "oai.not_found")])
def test_a_refusal_is_not_asked_for_again(httpserver: HTTPServer, client: Client, status: int, code: str) -> None:
    asked = answers(httpserver, Response(b"non", status))
    assert codes(client) == [code]
    assert len(asked) == 1


def test_the_same_token_again_ends_the_walk(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, FIRST, FIRST, FIRST, FIRST)
    assert codes(client) == ["101", "40211", "101", "40211", "oai.repeated_token"]


def test_new_tokens_for_the_same_page_end_it_too(httpserver: HTTPServer, client: Client) -> None:
    turning = [FIRST.replace(b"df102b0f", f"{n:08d}".encode()) for n in range(50)]
    asked = answers(httpserver, *turning)
    assert codes(client)[-1] == "oai.endless"
    assert len(asked) < 10


def test_a_token_that_was_used_before_a_crash_is_known(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, FIRST.replace(b"df102b0f", b"00000000"))
    walk = oai.pages(client, PMB, token="abc", sequence=3, used={"00000000" + "47aee9e4516135972f19943f"})
    assert [one.sequence for one in walk_until_stopped(walk)] == [4]


def walk_until_stopped(walk: Iterator[oai_page.Page]) -> Iterator[oai_page.Page]:
    try:
        yield from walk
    except HarvestStopped as fault:
        assert fault.code == "oai.repeated_token"


def test_nobody_there(waits: Waits) -> None:
    client = ask("http://127.0.0.1:9/oai", waits)
    with pytest.raises(HarvestStopped) as caught:
        oai.identify(client)
    assert str(caught.value) == "Le serveur 127.0.0.1:9 ne répond pas. Rien n’est perdu."
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0.0.0.0"],
)
def test_private_addresses_are_not_reached(host: str, waits: Waits) -> None:
    client = ask(f"http://{host}/oai", waits, private=False)
    with pytest.raises(HarvestStopped) as caught:
        oai.identify(client)
    assert caught.value.code == "oai.private_address"
    assert "--local" in str(caught.value)
    assert waits == []


def test_nor_by_way_of_a_public_one(httpserver: HTTPServer, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner with a public address (here by decree) redirects to one of our own network."""
    check = ip_filter_adapter.filter_host

    def decree(hostname: str, port: int, **options: bool) -> str:
        return "127.0.0.1" if hostname == "pmb.example" else check(hostname, port, **options)

    monkeypatch.setattr(ip_filter_adapter, "filter_host", decree)
    asked = answers(httpserver, moved(f"http://localhost:{httpserver.port}/ws/connector_out.php?source_id=1"), LAST)
    client = ask(f"http://pmb.example:{httpserver.port}/ws/connector_out.php?source_id=1", waits, private=False)
    assert codes(client) == ["oai.private_address"]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://pmb.example/oai", "pmb.example/oai", "http://", "http://[::1/oai", "http://a:99999/"],
)
def test_other_schemes_are_no_servers(url: str, waits: Waits) -> None:
    with pytest.raises(HarvestStopped) as caught:
        oai.identify(ask(url, waits))
    assert caught.value.code == "oai.bad_url"


def moved(to: str, status: int = 302) -> Response:
    return Response(status=status, headers={"Location": to})


def test_a_redirection_on_the_same_host_is_followed_with_its_question(httpserver: HTTPServer, client: Client) -> None:
    asked = answers(httpserver, moved("/ws/connector_out.php?source_id=2", 301), LAST)
    assert codes(client) == ["49", "935"]
    assert dict(asked[1].args) == {"source_id": "2", "verb": "ListRecords", "metadataPrefix": "pmb_xml_unimarc"}


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://autre.example/oai",
        "http://localhost:{port}/oai",
        "http://127.0.0.1:1/oai",
        "file:///etc/passwd",
    ],
)
def test_a_redirection_never_leads_elsewhere(httpserver: HTTPServer, waits: Waits, to: str) -> None:
    answers(httpserver, moved(to.format(port=httpserver.port)))
    client = ask(f"http://127.0.0.1:{httpserver.port}/ws/connector_out.php?source_id=1", waits)
    assert codes(client) == ["oai.redirected"]


def test_nor_round_in_circles(httpserver: HTTPServer, client: Client) -> None:
    asked = answers(httpserver, *[moved("/ws/connector_out.php?source_id=1")] * 9)
    assert codes(client) == ["oai.redirects"]
    assert len(asked) == oai.REDIRECTS + 1


def test_compressed_answers_are_read(httpserver: HTTPServer, client: Client) -> None:
    answers(httpserver, Response(gzip.compress(LAST), headers={"Content-Encoding": "gzip"}))
    assert codes(client) == ["49", "935"]


def test_a_page_that_is_too_big_is_not_read_to_its_end(
    httpserver: HTTPServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oai, "PAGE_BYTES", 1_000_000)
    bomb = gzip.compress(FIRST + b" " * 30_000_000)
    answers(httpserver, Response(bomb, headers={"Content-Encoding": "gzip"}))
    assert codes(client) == ["oai.too_big"]


def test_a_small_answer_that_would_fill_the_memory_costs_little(httpserver: HTTPServer) -> None:
    """Twelve million empty elements in 47 kB: refused as they come in, by a process that stays small."""
    bomb = gzip.compress(b"<OAI-PMH><ListRecords>" + b"<a/>" * 12_000_000 + b"</ListRecords></OAI-PMH>")
    assert len(bomb) < 60_000
    answers(httpserver, Response(bomb, headers={"Content-Encoding": "gzip"}))
    code = """
import sys
from pathlib import Path
from harvest import oai
client = oai.Client(sys.argv[1], agent="Travee/1.0", private=True)
try:
    list(oai.pages(client, {"metadataPrefix": "x"}))
except oai.HarvestStopped as stopped:
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(stopped.code, int(most.split()[1]) // 1024)
"""
    url = httpserver.url_for("/ws/connector_out.php?source_id=1")
    said = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, cwd=ROOT, check=True)
    refused, megabytes = said.stdout.split()
    assert refused == "oai.too_many"
    assert int(megabytes) < 200


def test_the_next_page_is_on_its_way_while_this_one_is_taken_in(
    httpserver: HTTPServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """… and stored when it comes; still one question at a time, whoever asks."""
    asked = answers(httpserver, FIRST, LAST, FIRST.replace(b"ListRecords", b"GetRecord"))
    under_way: list[int] = []
    at_once: list[int] = []
    request = client._request

    def watched(arguments: Mapping[str, str]) -> Answer:
        under_way.append(1)
        at_once.append(len(under_way))
        time.sleep(0.02)
        try:
            return request(arguments)
        finally:
            under_way.pop()

    monkeypatch.setattr(client, "_request", watched)
    stored: list[bytes] = []
    walk = oai.pages(client, PMB, store=lambda answer: stored.append(answer.raw))
    assert next(walk).answer.raw == FIRST
    oai.get_record(client, "oai:RECI:101", "x", sequence=9, keep=lambda *page: None)  # waits for its turn
    assert [r.args["verb"] for r in asked] == ["ListRecords", "ListRecords", "GetRecord"]
    assert (stored, at_once) == ([FIRST, LAST], [1, 1, 1])
    assert [page.answer.raw for page in walk] == [LAST]


def test_who_stops_reading_stops_asking(dripping: Callable[[bytes], str], waits: Waits) -> None:
    client = ask(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n<OAI-PMH>"), waits)
    failed: list[BaseException] = []

    def walk() -> None:
        try:
            list(oai.pages(client, PMB))
        except (oai.NoMoreQuestions, HarvestStopped) as stopped:
            failed.append(stopped)

    reading = Thread(target=walk)
    reading.start()
    while not client.requests:
        time.sleep(0.01)
    time.sleep(0.05)
    client.close()
    reading.join(5)
    assert failed and client.requests == 1


def test_after_its_time_nothing_more_is_asked(httpserver: HTTPServer, client: Client) -> None:
    asked = answers(httpserver, FIRST, LAST)
    client.until = NOON
    with pytest.raises(oai.NoMoreQuestions):
        list(oai.pages(client, PMB))
    assert asked == []


def test_an_answer_that_breaks_off_is_asked_for_again(httpserver: HTTPServer, client: Client) -> None:
    broken = Response(LAST[:500], headers={"Content-Length": str(len(LAST))})
    broken.automatically_set_content_length = False
    answers(httpserver, broken, Response(b"not gzip", headers={"Content-Encoding": "gzip"}), LAST)
    assert codes(client) == ["49", "935"]


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes], str]]:
    """A server that sends these bytes, then one more now and then, for ever."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip(first: bytes) -> None:
            while not over.is_set():
                try:
                    connection, _address = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.recv(4096)
                    connection.sendall(first)
                    while not over.wait(0.02):
                        connection.sendall(b"x")

        def serve(first: bytes) -> str:
            Thread(target=drip, args=(first,), daemon=True).start()
            return f"http://127.0.0.1:{listening.getsockname()[1]}/oai"

        yield serve
        over.set()


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n<OAI-PMH>"]
)
def test_a_server_that_drips_is_given_up(
    dripping: Callable[[bytes], str], waits: Waits, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    """A byte now and then keeps the time-out between two bytes from striking, in the headers as in the body."""
    monkeypatch.setattr(oai, "PAGE_SECONDS", 0.1)
    client = ask(dripping(first), waits)
    assert codes(client) == ["oai.slow"]
    assert client.requests == oai.TRIES
    client.close()


def test_a_list_of_invented_records_has_an_end_too(
    httpserver: HTTPServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oai, "LONGEST_LIST", 3)
    invented = [
        FIRST.replace(b"df102b0f", f"{n:08d}".encode()).replace(b"oai:RECI:101<", f"oai:RECI:9{n}<".encode())
        for n in range(9)
    ]
    answers(httpserver, *invented)
    assert codes(client)[-1] == "oai.endless"


def test_a_text_beyond_measure_does_not_take_its_neighbours_along() -> None:
    huge = read_page(Answer(FIRST.replace(b"canal<", b"canal" + b"x" * 11_000_000 + b"<")), 1)
    assert [r.identifier for r in huge.records] == ["oai:RECI:101", "oai:RECI:40211"]


def test_a_list_of_identifiers_is_no_list_of_records() -> None:
    listed = FIRST.replace(b"ListRecords", b"ListIdentifiers")
    found = read_page(Answer(listed), 1, verbs=("ListIdentifiers",))
    assert [r.identifier for r in found.records] == ["oai:RECI:101", "oai:RECI:40211"]
    bare = b"<OAI-PMH><ListIdentifiers><header><identifier>a</identifier><datestamp>2026-03-01</datestamp></header>"
    bare += b"<record><header status='deleted'><identifier>b</identifier></header></record></ListIdentifiers></OAI-PMH>"
    headers = read_page(Answer(bare), 1, verbs=("ListIdentifiers",)).records
    assert [(r.identifier, r.deleted) for r in headers] == [("a", False), ("b", True)]


def test_one_record_by_name(httpserver: HTTPServer, client: Client) -> None:
    body = FIRST.replace(b"ListRecords>", b"GetRecord>")
    gone = b'<OAI-PMH><error code="idDoesNotExist">inconnue</error></OAI-PMH>'
    asked = answers(httpserver, body, gone)
    found = oai.get_record(client, "oai:RECI:101", "oai_dc", sequence=7, keep=lambda *page: None)
    assert (found.sequence, found.records[0].identifier) == (7, "oai:RECI:101")
    assert asked[0].args["identifier"] == "oai:RECI:101"
    with pytest.raises(HarvestStopped) as caught:
        oai.get_record(client, "oai:RECI:9", "oai_dc", sequence=8, keep=lambda *page: None)
    assert caught.value.code == "oai.no_such_record"


def test_formats_that_a_server_offers(httpserver: HTTPServer, client: Client) -> None:
    formats = b"".join(
        b"<metadataFormat><metadataPrefix>%s</metadataPrefix></metadataFormat>" % name
        for name in (b"pmb_xml_unimarc", b"oai_dc")
    )
    body = (
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListMetadataFormats>%s</ListMetadataFormats></OAI-PMH>'
    )
    answers(httpserver, body % formats)
    assert oai.list_formats(client) == ["pmb_xml_unimarc", "oai_dc"]
