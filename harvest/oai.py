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

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests
from lxml import etree
from requests import exceptions as trouble
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from sickle import Sickle

from catalogue.problems import Problem, sentence
from harvest.crosswalk.pmbxml import STRICT

PAGE_BYTES = 50_000_000  # decompressed
PAGE_SECONDS = 600.0  # a server may be slow, not drip for ever
TIMEOUT = (5.0, 60.0)  # to connect, between two bytes
TRIES = 4
READS = 2  # a page that cannot be read is asked for once more
LONGEST_WAIT = 300.0  # a server that asks for more is left alone until the next harvest
REDIRECTS = 3
STUCK = 5  # pages that only repeat earlier ones, before the list is called endless

_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_MOVED = (301, 302, 303, 307, 308)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH[\s>/]")
_START = re.compile(rb"<\?xml\b|<(?:[\w.-]+:)?OAI-PMH[\s>/]")
_END = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>")
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+)?html\b", re.I)
_CONTROLS = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[\da-fA-F]));"
)
_HTTP_DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?Z?)?")


class HarvestStopped(Exception):
    """This run cannot go on: a code and parameters, made a sentence in the language of whoever reads."""

    def __init__(self, code: str, params: Mapping[str, str] | None = None) -> None:
        self.code = code
        self.params = dict(params or {})
        super().__init__(code)

    def __str__(self) -> str:
        return sentence(self.code, self.params)


class _TryAgain(Exception):
    """A fault that may pass: what it will be called if it does not, and how long the server asks to wait."""

    def __init__(self, wait: float | None, code: str, **params: str) -> None:
        super().__init__(code)
        self.wait, self.code, self.params = wait, code, params


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, byte for byte once decompressed, and when the server thinks it was."""

    raw: bytes
    date: datetime | None = None  # HTTP's Date, always UTC


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """One record of a list. `payload` is what stands in its <metadata>, None when there is nothing."""

    identifier: str
    datestamp: str
    deleted: bool
    sets: tuple[str, ...]
    payload: etree._Element | None
    element: etree._Element


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, read strictly. Its numbers are what the server says, for the record only."""

    sequence: int
    token: str  # asked with
    answer: Answer
    records: tuple[OaiRecord, ...] = ()
    next_token: str = ""
    list_size: int | None = None
    cursor: int | None = None
    response_date: datetime | None = None
    repairs: tuple[Problem, ...] = ()


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
    """One server, asked one thing at a time.

    `private` lets requests reach private addresses, and then no redirection leaves the host. Waiting goes
    through `sleep`, so that nobody has to wait in a test. `requests` counts what was really sent.
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

    @property
    def host(self) -> str:
        return host_of(self.endpoint)

    def close(self) -> None:
        self.session.close()

    def harvest(self, **arguments: str) -> Answer:
        """Ask, and ask again when the fault may pass. Raises HarvestStopped when it does not."""
        wait = 1.0
        for attempt in range(1, TRIES + 1):
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
                with self.session.get(url, params=params, stream=True) as response:
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
        date = _http_date(response.headers.get("Date", ""))
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
        limit = time.monotonic() + PAGE_SECONDS
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_content(1 << 16):
            chunks.append(chunk)
            size += len(chunk)
            if size > PAGE_BYTES:
                params = {"host": self.host, "limit": str(PAGE_BYTES // 1_000_000)}
                raise HarvestStopped("oai.too_big", params)
            if time.monotonic() > limit:
                raise _TryAgain(None, "oai.slow", host=self.host)
        return b"".join(chunks)


def host_of(url: str) -> str:
    """The server's name in a sentence, without what an address may hold of a password."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


# --- asking ----------------------------------------------------------------------------------


def identify(client: Client) -> Identity:
    """Who is there. Asked first, so that « the list fails » can be told from « nobody answers »."""
    answer, root = _ask(client, verb="Identify")
    found = root.find("{*}Identify")
    if found is None:
        raise _refused(root) or HarvestStopped("oai.not_oai", {"host": client.host})
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
    arguments: Mapping[str, str],
    *,
    token: str = "",
    sequence: int = 0,
    used: set[str] | None = None,
    keep: Callable[[int, str, Answer], None] = lambda sequence, token, answer: None,
) -> Iterator[Page]:
    """The pages of ListRecords, one request at a time. `keep` gets each one before it is read.

    `token`, `sequence` and `used` take up a walk where another process left it.
    """
    used = used if used is not None else set()
    met: set[int] = set()
    stuck = 0
    while True:
        sequence += 1
        if token:
            used.add(token)
        page = _page(client, {"resumptionToken": token} if token else arguments, sequence, token, keep)
        content = hash(tuple(r.identifier for r in page.records))
        stuck += content in met
        met.add(content)
        if page.next_token in used:
            params = {"page": str(sequence)}
            yield replace(page, next_token="")
            raise HarvestStopped("oai.repeated_token", params)
        if stuck >= STUCK and page.next_token:
            yield replace(page, next_token="")
            raise HarvestStopped("oai.endless", {"page": str(sequence)})
        yield page
        token = page.next_token
        if not token:
            return


def _page(
    client: Client,
    arguments: Mapping[str, str],
    sequence: int,
    token: str,
    keep: Callable[[int, str, Answer], None],
) -> Page:
    for read in range(1, READS + 1):
        try:
            answer = client.harvest(verb="ListRecords", **arguments)
        except HarvestStopped as stopped:
            if stopped.code == "oai.http_empty":
                raise HarvestStopped("oai.list_broken", stopped.params) from stopped
            raise
        keep(sequence, token, answer)
        try:
            return read_page(answer, sequence, token, host=client.host)
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


# --- reading ---------------------------------------------------------------------------------


class Unreadable(HarvestStopped):
    """What came is no OAI-PMH: worth asking for once more, a server that is being repaired says anything."""


def read_page(answer: Answer, sequence: int, token: str = "", *, host: str = "") -> Page:
    """A page of ListRecords from its bytes. Raises HarvestStopped: nothing is guessed."""
    params = {"host": host, "page": str(sequence)}
    root, repairs = parse(answer, params)
    response_date = parse_instant(root.findtext("{*}responseDate") or "")
    codes = {e.get("code", "") for e in root.iterfind("{*}error")}
    if codes == {"noRecordsMatch"} and not token:
        return Page(sequence, token, answer, response_date=response_date, repairs=repairs)
    if stopped := _refused(root):
        raise stopped
    found = root.find("{*}ListRecords")
    if found is None:
        raise Unreadable("oai.no_list", params)
    mark = root.find(".//{*}resumptionToken")
    return Page(
        sequence=sequence,
        token=token,
        answer=answer,
        records=tuple(_record(e) for e in found.iterchildren("{*}record")),
        next_token=(mark.text or "").strip() if mark is not None else "",
        list_size=_number(mark, "completeListSize"),
        cursor=_number(mark, "cursor"),
        response_date=response_date,
        repairs=repairs,
    )


def parse(answer: Answer, params: Mapping[str, str]) -> tuple[etree._Element, tuple[Problem, ...]]:
    """The answer as XML: no entity, no network, no guess.

    Two repairs have a name and are told: text around the XML (a PHP warning) and characters that XML forbids.
    """
    raw = answer.raw
    if not raw.strip():
        raise Unreadable("oai.empty", params)
    repairs: list[Problem] = []
    plain = _ROOT.search(raw) is not None  # else UTF-16, or no OAI-PMH at all
    if plain:
        raw = _without_text_around(raw, repairs, params)
    prologue = re.split(rb"<[A-Za-z_]", raw.replace(b"\0", b""), maxsplit=1)[0]
    if b"<!DOCTYPE" in prologue and not _WEB_PAGE.search(raw[:2000]):
        raise HarvestStopped("oai.doctype", params)
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as fault:
        without = _CONTROLS.sub(b"", raw) if plain else raw
        if without == raw:
            raise _unreadable(raw, plain, fault, params) from fault
        try:
            root = etree.fromstring(without, _parser())
        except etree.XMLSyntaxError as second:
            raise _unreadable(raw, plain, second, params) from second
        repairs.append(Problem("", "", "oai.repaired_characters", "warning", dict(params)))
    if etree.QName(root).localname != "OAI-PMH":
        raise Unreadable("oai.web_page" if _WEB_PAGE.search(raw[:2000]) else "oai.not_oai", params)
    if root.getroottree().docinfo.internalDTD is not None:
        raise HarvestStopped("oai.doctype", params)
    return root, tuple(repairs)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(**STRICT)


def _without_text_around(raw: bytes, repairs: list[Problem], params: Mapping[str, str]) -> bytes:
    start = _START.search(raw)
    ends = list(_END.finditer(raw))
    at = start.start() if start else 0
    end = ends[-1].end() if ends else len(raw)
    before = raw[:at].removeprefix(b"\xef\xbb\xbf").strip()
    after = raw[end:].strip()
    if not before and not after:
        return raw.strip() if at else raw
    words = re.sub(rb"<[^>]*>", b" ", before or after).decode("utf-8", "replace")
    words = " ".join(words.split())[:120]
    repairs.append(Problem("", "", "oai.repaired_around", "warning", {**params, "text": words}))
    return raw[at:end]


def _unreadable(raw: bytes, plain: bool, fault: etree.XMLSyntaxError, params: Mapping[str, str]) -> Unreadable:
    if _WEB_PAGE.search(raw[:2000]):
        return Unreadable("oai.web_page", params)
    if not plain:
        return Unreadable("oai.not_oai", params)
    if not _END.search(raw):
        return Unreadable("oai.cut_page", params)
    line = str(fault.position[0] if fault.position else 0)
    return Unreadable("oai.malformed", {**params, "line": line, "detail": (fault.msg or "").split(", line ")[0]})


def _refused(root: etree._Element) -> HarvestStopped | None:
    """The server's own refusal, in its code and its words."""
    errors = [(e.get("code", ""), " ".join((e.text or "").split())) for e in root.iterfind("{*}error")]
    if not errors:
        return None
    codes = [code for code, _text in errors]
    if "badResumptionToken" in codes:
        return HarvestStopped("oai.expired_token")
    if "cannotDisseminateFormat" in codes:
        return HarvestStopped("oai.format_refused")
    if "noSetHierarchy" in codes:
        return HarvestStopped("oai.unknown_set")
    if "unconfigured" in codes:
        return HarvestStopped("oai.unconfigured")
    text = " ; ".join(text for _code, text in errors if text)[:200]
    return HarvestStopped("oai.error", {"code": ", ".join(codes), "text": text})


def _record(element: etree._Element) -> OaiRecord:
    header = element.find("{*}header")
    text = lambda name: (header.findtext("{*}" + name) or "").strip() if header is not None else ""  # noqa: E731
    metadata = element.find("{*}metadata")
    return OaiRecord(
        identifier=text("identifier"),
        datestamp=text("datestamp"),
        deleted=header is not None and header.get("status") == "deleted",
        sets=tuple((e.text or "").strip() for e in header.iterfind("{*}setSpec")) if header is not None else (),
        payload=next(metadata.iterchildren(tag=etree.Element), None) if metadata is not None else None,
        element=element,
    )


def _number(mark: etree._Element | None, name: str) -> int | None:
    value = (mark.get(name) or "").strip() if mark is not None else ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


# --- clocks ----------------------------------------------------------------------------------


def parse_instant(text: str) -> datetime | None:
    """A responseDate or a datestamp. PMB writes its local time with a Z: an instant in the server's own time."""
    found = _INSTANT.fullmatch(text.strip())
    if not found:
        return None
    try:
        return datetime.fromisoformat(f"{found.group(1)}T{found.group(2) or '00:00:00'}+00:00")
    except ValueError:
        return None


def format_instant(value: datetime, *, by_day: bool) -> str:
    """As a `from` argument, in the granularity that the server announced."""
    return f"{value:%Y-%m-%d}" if by_day else f"{value:%Y-%m-%dT%H:%M:%SZ}"


def retry_after(value: str, clock: datetime) -> float | None:
    """Seconds to wait, from either form of Retry-After: « 10 » or an HTTP date. None when it says nothing.

    >>> retry_after("Sat, 21 Nov 2026 22:57:44 GMT", datetime(2026, 11, 21, 22, 57, 34, tzinfo=UTC))
    10.0
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until = _http_date(value)
    return max(0.0, (until - clock).total_seconds()) if until else None


def _http_date(text: str) -> datetime | None:
    """An HTTP date; of two, the last: a server's own stands behind the one its front end has put."""
    try:
        found = parsedate_to_datetime((_HTTP_DATE.findall(text) or [text])[-1])
    except (TypeError, ValueError, IndexError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
