"""Ask an OAI-PMH server for its records: politely, and without taking anything on trust.

The only module that knows Sickle, and of Sickle only the request layer: its iterators parse with
`recover=True`, so that a truncated page looks like the end of the list and an HTML page like an empty one.
Here every page is read strictly or the harvest stops, and says in words where and why.

    client = Client("https://pmb.example.org/ws/connector_out.php?source_id=1", agent="Travee/1.0 (…)")
    for page in pages(client, {"metadataPrefix": "pmb_xml_unimarc"}):
        page.records

What a server announces is not believed: neither its own address (PMB doubles it), nor its counters (PMB's
are always wrong), nor that a list ends with an empty token (PMB's last page has none).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urljoin, urlsplit
from weakref import WeakSet

import requests
from lxml import etree
from requests import exceptions as trouble
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from sickle import Sickle

from harvest import strict
from harvest.connections import cut_all, pools
from harvest.oai_page import (
    Answer,
    HarvestStopped,
    Page,
    Unreadable,
    http_date,
    parse,
    parse_instant,
    read_page,
    retry_after,
)
from harvest.oai_page import refused as refusal_of

PAGE_BYTES = 50_000_000  # decompressed
PAGE_SECONDS = 600.0  # a server may be slow, not drip for ever
CUT_AGAIN = 0.5  # seconds
TIMEOUT = (5.0, 60.0)  # to connect, between two bytes
TRIES = 4
READS = 2  # a page that cannot be read is asked for once more; both answers are kept
LONGEST_WAIT = 300.0  # a server that asks for more is left alone until the next harvest
REDIRECTS = 3
STUCK = 5  # pages that only repeat earlier ones, before the list is called endless
LONGEST_LIST = 50_000  # pages: a server that invents records has no end either

_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_MOVED = (301, 302, 303, 307, 308)


Question = Mapping[str, str]
Keep = Callable[[int, str, Answer], None]


class NoMoreQuestions(Exception):
    """The time that a run has is over, or nobody waits for an answer any more."""


class _TryAgain(Exception):
    """A fault that may pass: what it will be called if it does not, and how long the server asks to wait."""

    def __init__(self, wait: float | None, code: str, **params: str) -> None:
        super().__init__(code)
        self.wait, self.code, self.params = wait, code, params


@dataclass(frozen=True, slots=True)
class Identity:
    """How a server presents itself. `clock` is in its own time, the one its datestamps are in."""

    name: str
    granularity: str
    earliest: str
    deleted_record: str
    repository: str  # of the oai-identifier scheme: "RECI" in oai:RECI:40211
    clock: datetime | None
    date: datetime | None

    @property
    def by_day(self) -> bool:
        return "hh" not in self.granularity


class Client(Sickle):
    """One server, asked one thing at a time, whoever asks: `pages` does so ahead, in a thread.

    `private` lets requests reach private addresses, and then no redirection leaves the host. Waiting goes through
    `sleep`, so that nobody has to wait in a test. `requests` counts what was really sent; after `until`, nothing is.
    """

    def __init__(
        self,
        url: str,
        *,
        agent: str,
        private: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(url.strip())
        self.private = private
        self.sleep = sleep
        self.now = now
        self.requests = 0
        self.until: datetime | None = None
        self._turn = Lock()
        self._closed = False
        config = Config(
            ip_filter_enable=not private,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=TIMEOUT,
            user_agent_override=agent,
        )
        self.session = HTTPSession(config)
        # Neither a proxy nor a password file of this machine: the address that was checked is the one reached.
        self.session.trust_env = False
        self._connections: WeakSet[Any] = WeakSet()
        for adapter in self.session.adapters.values():
            adapter.poolmanager.pool_classes_by_scheme = pools(self._connections)

    @property
    def host(self) -> str:
        return host_of(self.endpoint)

    def close(self) -> None:
        """No question more; one that is on its way is cut, for nobody reads its answer."""
        self._closed = True
        cut_all(self._connections)
        self.session.close()

    def harvest(self, **arguments: str) -> Answer:
        """Ask, and ask again when the fault may pass. Raises HarvestStopped when it does not, NoMoreQuestions."""
        with self._turn:
            return self._ask(arguments)

    def _ask(self, arguments: Question) -> Answer:
        wait = 1.0
        for attempt in range(1, TRIES + 1):
            if self._closed or (self.until is not None and self.now() >= self.until):
                raise NoMoreQuestions
            try:
                return self._request(arguments)
            except _TryAgain as fault:
                if fault.wait is not None and fault.wait > LONGEST_WAIT:
                    minutes = str(round(fault.wait / 60))
                    raise HarvestStopped("oai.come_back", {"host": self.host, "minutes": minutes}) from fault
                if attempt == TRIES:
                    raise HarvestStopped(fault.code, fault.params) from fault
                self.sleep(wait if fault.wait is None else max(1.0, fault.wait))
                wait *= 2
        raise AssertionError("unreachable")

    def _request(self, arguments: Mapping[str, str]) -> Answer:
        url, params = self.endpoint, dict(arguments)
        for _ in range(REDIRECTS + 1):
            try:
                self.requests += 1
                with self._in_time(), self.session.get(url, params=params, stream=True) as response:
                    if response.status_code not in _MOVED or "Location" not in response.headers:
                        return self._answer(response)
                    url = self._follow(url, response.headers["Location"])
                    params = {} if "verb=" in urlsplit(url).query else dict(arguments)
            except InvalidIPAddress as error:
                raise HarvestStopped("oai.private_address", {"host": host_of(url)}) from error
            except (trouble.InvalidURL, trouble.InvalidSchema, trouble.MissingSchema, ValueError) as error:
                raise HarvestStopped("oai.bad_url", {"url": url}) from error
            except trouble.SSLError as error:
                raise HarvestStopped("oai.certificate", {"host": self.host}) from error
            except trouble.Timeout as error:
                raise _TryAgain(None, "oai.slow", host=self.host) from error
            except (trouble.ChunkedEncodingError, trouble.ContentDecodingError) as error:
                raise _TryAgain(None, "oai.cut_answer", host=self.host) from error
            except trouble.RequestException as error:
                raise _TryAgain(None, "oai.down", host=self.host) from error
        raise HarvestStopped("oai.redirects", {"host": self.host})

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """An answer comes whole within PAGE_SECONDS. A byte now and then keeps every other time-out from striking, and
        it may be a byte of the headers: the connection itself is cut, and whatever that looks like is told as slow."""
        late, done = Event(), Event()

        def watch() -> None:
            seconds = PAGE_SECONDS
            while not done.wait(seconds):  # a connection that is only being made when its time is over is cut next
                late.set()
                cut_all(self._connections)
                seconds = CUT_AGAIN

        Thread(target=watch, name="travee-in-time", daemon=True).start()
        try:
            yield
        except (trouble.RequestException, ValueError):
            if not late.is_set():
                raise
        finally:
            done.set()
        if late.is_set():
            raise _TryAgain(None, "oai.slow", host=self.host)

    def _follow(self, url: str, location: str) -> str:
        """The address a redirection leads to, if we may go there; the session checks private ones again."""
        target = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(target)
        ports = {"http": 80, "https": 443}
        try:
            moved = (there.port or ports.get(there.scheme)) != (here.port or ports.get(here.scheme))
        except ValueError as error:
            raise HarvestStopped("oai.redirected", {"host": self.host, "url": target}) from error
        upgraded = (here.scheme, there.scheme) == ("http", "https") and here.port is there.port is None
        elsewhere = there.hostname != here.hostname or (moved and not upgraded)
        downgraded = (here.scheme, there.scheme) == ("https", "http")
        if there.scheme not in ports or downgraded or (self.private and elsewhere):
            raise HarvestStopped("oai.redirected", {"host": self.host, "url": target})
        return target

    def _answer(self, response: requests.Response) -> Answer:
        status = response.status_code
        date = http_date(response.headers.get("Date", ""))
        if status in _BUSY:
            wait = retry_after(response.headers.get("Retry-After", ""), date or self.now())
            raise _TryAgain(wait, "oai.busy", host=self.host, status=str(status))
        raw = self._read(response)
        if status == HTTPStatus.OK:
            return Answer(raw, date)
        params = {"host": self.host, "status": str(status)}
        code = "oai.http" if raw.strip() else "oai.http_empty"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _TryAgain(None, code, **params)
        known = {401: "oai.forbidden", 403: "oai.forbidden", 404: "oai.not_found", 410: "oai.not_found"}
        raise HarvestStopped(known.get(status, code), params)

    def _read(self, response: requests.Response) -> bytes:
        """Piece by piece, with an eye on what it weighs and on what it would weigh as a tree."""
        read = BytesIO()
        marks = 0
        for chunk in response.iter_content(1 << 16):
            read.write(chunk)
            marks += strict.marks(chunk)
            if read.tell() > PAGE_BYTES:
                params = {"host": self.host, "limit": str(PAGE_BYTES // 1_000_000)}
                raise HarvestStopped("oai.too_big", params)
            if marks > strict.MARKS:
                raise HarvestStopped("oai.too_many", {"host": self.host})
        return read.getvalue()


def host_of(url: str) -> str:
    """The server's name in a sentence, without what an address may hold of a password."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


# --- asking ----------------------------------------------------------------------------------


def identify(client: Client) -> Identity:
    """Who is there. Asked first, so that « the list fails » can be told from « nobody answers »."""
    answer, root = _ask(client, verb="Identify")
    found = root.find("{*}Identify")
    if found is None:
        raise refusal_of(root) or HarvestStopped("oai.not_oai", {"host": client.host})
    text = lambda name: (found.findtext("{*}" + name) or "").strip()  # noqa: E731
    return Identity(
        name=text("repositoryName"),
        granularity=text("granularity"),
        earliest=text("earliestDatestamp"),
        deleted_record=text("deletedRecord"),
        repository=(found.findtext(".//{*}oai-identifier/{*}repositoryIdentifier") or "").strip(),
        clock=parse_instant(root.findtext("{*}responseDate") or ""),
        date=answer.date,
    )


def list_formats(client: Client) -> list[str]:
    _answer, root = _ask(client, verb="ListMetadataFormats")
    return [(e.text or "").strip() for e in root.iterfind("{*}ListMetadataFormats/{*}metadataFormat/{*}metadataPrefix")]


def pages(
    client: Client,
    arguments: Question,
    *,
    verb: str = "ListRecords",
    token: str = "",
    sequence: int = 0,
    used: set[str] | None = None,
    keep: Keep = lambda sequence, token, answer: None,
    store: Callable[[Answer], object] = lambda answer: None,
) -> Iterator[Page]:
    """The pages of a list, one request at a time, the next one asked for while this one is taken in.

    `store` gets each answer as soon as it is there, in another thread; `keep` before it is read. `token`, `sequence`
    and `used` take up a walk where another process left it.
    """
    used = used if used is not None else set()
    last = sequence + LONGEST_LIST
    met: set[int] = set()
    stuck = 0
    ahead = _Ahead(client, store)
    asked = {"verb": verb, **({"resumptionToken": token} if token else arguments)}
    while True:
        sequence += 1
        if token:
            used.add(token)
        page = _page(client, ahead.answer, asked, sequence, token, keep)
        content = hash(tuple(r.identifier for r in page.records))
        stuck += content in met
        met.add(content)
        if page.next_token in used:
            params = {"page": str(sequence)}
            yield replace(page, next_token="")
            raise HarvestStopped("oai.repeated_token", params)
        if page.next_token and (stuck >= STUCK or sequence >= last):
            yield replace(page, next_token="")
            raise HarvestStopped("oai.endless", {"page": str(sequence)})
        token = page.next_token
        asked = {"verb": verb, "resumptionToken": token}
        if token:
            ahead.ask(asked)
        yield page
        if not token:
            return


class _Ahead:
    """A question on its way while the page before is taken in. What goes wrong there is raised where it is read."""

    def __init__(self, client: Client, store: Callable[[Answer], object]) -> None:
        self._client, self._store = client, store
        self._thread: Thread | None = None
        self._came: list[Answer | BaseException] = []

    def ask(self, question: Question) -> None:
        self._came = []
        self._thread = Thread(target=self._go, args=(question, self._came), name="travee-ahead", daemon=True)
        self._thread.start()

    def answer(self, question: Question) -> Answer:
        """The answer to what was asked ahead; to this question, when nothing was."""
        if self._thread is None:
            return self._fetch(question)
        self._thread.join()
        self._thread = None
        (came,) = self._came
        if isinstance(came, BaseException):
            raise came
        return came

    def _go(self, question: Question, came: list[Answer | BaseException]) -> None:
        try:
            came.append(self._fetch(question))
        except BaseException as error:
            came.append(error)

    def _fetch(self, question: Question) -> Answer:
        answer = self._client.harvest(**question)
        self._store(answer)
        return answer


def get_record(client: Client, identifier: str, prefix: str, *, sequence: int, keep: Keep) -> Page:
    """One record, as a page of its own. Stops with oai.no_such_record when the server has none of that name."""
    asked = {"verb": "GetRecord", "identifier": identifier, "metadataPrefix": prefix}
    return _page(client, lambda question: client.harvest(**question), asked, sequence, "", keep)


def _page(
    client: Client, fetch: Callable[[Question], Answer], asked: Question, sequence: int, token: str, keep: Keep
) -> Page:
    for read in range(1, READS + 1):
        try:
            answer = fetch(asked)
        except HarvestStopped as stopped:
            if stopped.code == "oai.http_empty" and asked["verb"] == "ListRecords":
                raise HarvestStopped("oai.list_broken", stopped.params) from stopped
            raise
        keep(sequence, token, answer)
        try:
            return read_page(answer, sequence, token, host=client.host, verbs=(asked["verb"],))
        except Unreadable:
            if read == READS:
                raise
            client.sleep(1.0)
    raise AssertionError("unreachable")


def _ask(client: Client, **arguments: str) -> tuple[Answer, etree._Element]:
    for read in range(1, READS + 1):
        answer = client.harvest(**arguments)
        try:
            root, _repairs = parse(answer, {"host": client.host, "page": arguments["verb"]})
            return answer, root
        except Unreadable:
            if read == READS:
                raise
            client.sleep(1.0)
    raise AssertionError("unreachable")
