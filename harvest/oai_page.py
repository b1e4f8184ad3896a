"""An answer of an OAI-PMH server, read strictly: a page of records or of headers, or the words that say why not.

Nothing is guessed: a truncated page is no end of a list, an HTML page no empty one. Two repairs have a name and
are told (text around the XML, characters that XML forbids). Pure: bytes in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from catalogue.problems import Problem, Stopped
from harvest import strict
from harvest.crosswalk.pmbxml import local_name

_ROOT = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH[\s>/]")
_START = re.compile(rb"<\?xml\b|<(?:[\w.-]+:)?OAI-PMH[\s>/]")
_END = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>")
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+)?html\b", re.I)
_CONTROLS = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[\da-fA-F]));"
)
# Behind nothing but a mark of the encoding, the XML declaration, comments and instructions (XML 1.0, section 2.8).
_DEFINITIONS = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.S)
_TOKEN = "{*}resumptionToken"
HEAD = 1 << 16  # of a page
RECORDS = ("ListRecords", "GetRecord")
_HTTP_DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?Z?)?")


class HarvestStopped(Stopped):
    """This run cannot go on."""


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


# --- reading ---------------------------------------------------------------------------------


class Unreadable(HarvestStopped):
    """What came is no OAI-PMH: worth asking for once more, a server that is being repaired says anything."""


def read_page(
    answer: Answer, sequence: int, token: str = "", *, host: str = "", verbs: Collection[str] = RECORDS
) -> Page:
    """A page that answers one of these verbs, from its bytes. Raises HarvestStopped: nothing is guessed."""
    params = {"host": host, "page": str(sequence)}
    root, repairs = parse(answer, params)
    response_date = parse_instant(root.findtext("{*}responseDate") or "")
    codes = {e.get("code", "") for e in root.iterfind("{*}error")}
    if codes == {"noRecordsMatch"} and not token:
        return Page(sequence, token, answer, response_date=response_date, repairs=repairs)
    if stopped := refused(root):
        raise stopped
    found = next((e for name in verbs if (e := root.find("{*}" + name)) is not None), None)
    if found is None:
        raise Unreadable("oai.no_list", params)
    mark = next((e for e in (found.find(_TOKEN), root.find(_TOKEN)) if e is not None), None)
    return Page(
        sequence=sequence,
        token=token,
        answer=answer,
        records=tuple(read_record(e) for e in found.iterchildren("{*}record", "{*}header")),
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
    if _announces_definitions(raw):
        raise (
            Unreadable("oai.web_page", params)
            if _WEB_PAGE.search(raw[:2000])
            else HarvestStopped("oai.doctype", params)
        )
    try:
        root = strict.tree(raw)
    except strict.TooManyMarks as fault:
        raise HarvestStopped("oai.too_many", params) from fault
    except strict.UnknownEncoding as fault:
        raise HarvestStopped("oai.encoding", {**params, "encoding": str(fault)[:40]}) from fault
    except etree.XMLSyntaxError as fault:
        without = _CONTROLS.sub(b"", raw) if plain else raw
        if without == raw:
            raise _unreadable(raw, plain, fault, params) from fault
        try:
            root = strict.tree(without)
        except etree.XMLSyntaxError as second:
            raise _unreadable(raw, plain, second, params) from second
        repairs.append(Problem("", "", "oai.repaired_characters", "warning", dict(params)))
    if etree.QName(root).localname != "OAI-PMH":
        raise Unreadable("oai.web_page" if _WEB_PAGE.search(raw[:2000]) else "oai.not_oai", params)
    if root.getroottree().docinfo.internalDTD is not None:
        raise HarvestStopped("oai.doctype", params)
    return root, tuple(repairs)


def _announces_definitions(raw: bytes) -> bool:
    """Whether a DOCTYPE stands before the first element: what it defines is not even looked at."""
    plain = raw.replace(b"\0", b"") if b"\0" in raw[:HEAD] else raw  # UTF-16
    return _DEFINITIONS.match(plain) is not None


def _without_text_around(raw: bytes, repairs: list[Problem], params: Mapping[str, str]) -> bytes:
    start = _START.search(raw)
    at = start.start() if start else 0
    end = max((found.end() for found in _END.finditer(raw)), default=len(raw))
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


def refused(root: etree._Element) -> HarvestStopped | None:
    """The server's own refusal, in its code and its words."""
    errors = [(e.get("code", ""), " ".join((e.text or "").split())) for e in root.iterfind("{*}error")]
    if not errors:
        return None
    codes = [code for code, _text in errors]
    if "badResumptionToken" in codes:
        return HarvestStopped("oai.expired_token")
    if "cannotDisseminateFormat" in codes:
        return HarvestStopped("oai.format_refused")
    if "idDoesNotExist" in codes:
        return HarvestStopped("oai.no_such_record")
    if "noSetHierarchy" in codes:
        return HarvestStopped("oai.unknown_set")
    if "unconfigured" in codes:
        return HarvestStopped("oai.unconfigured")
    text = " ; ".join(text for _code, text in errors if text)[:200]
    return HarvestStopped("oai.error", {"code": ", ".join(codes), "text": text})


def read_record(element: etree._Element) -> OaiRecord:
    """A <record>, or the bare <header> of a list of identifiers; PMB wraps some of those in a <record>."""
    parts = {local_name(e.tag): e for e in reversed(element)}  # the first of each name
    header = element if local_name(element.tag) == "header" else parts.get("header")
    said = [] if header is None else [(local_name(e.tag), _words(e).strip()) for e in header]
    text = lambda name: next((value for said_name, value in said if said_name == name), "")  # noqa: E731
    metadata = parts.get("metadata")
    return OaiRecord(
        identifier=text("identifier"),
        datestamp=text("datestamp"),
        deleted=header is not None and header.get("status") == "deleted",
        sets=tuple(value for name, value in said if name == "setSpec"),
        payload=next(metadata.iterchildren(tag=etree.Element), None) if metadata is not None else None,
        element=element,
    )


def _words(element: etree._Element) -> str:
    """A comment may stand among them."""
    return str(element.xpath("string()")) if len(element) else element.text or ""


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
    until = http_date(value)
    return max(0.0, (until - clock).total_seconds()) if until else None


def http_date(text: str) -> datetime | None:
    """An HTTP date; of two, the last: a server's own stands behind the one its front end has put."""
    try:
        found = parsedate_to_datetime((_HTTP_DATE.findall(text) or [text])[-1])
    except (TypeError, ValueError, IndexError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
