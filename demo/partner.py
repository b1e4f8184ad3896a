"""A partner to harvest: an OAI-PMH server that speaks PMB's dialect, its faults included.

Left alone it behaves as a PMB 8 in good health does, which is already odd: `completeListSize` always 0,
`cursor` counting what is left, no token on the last page, `from` and `until` strict and without their
seconds, local time labelled Z, deleted headers with their parts in the wrong order, an unknown source
answered by 200 and nothing. `Faults` adds what a PMB in bad health does. One fault at a time teaches most:

    with serve(partner_records()) as partner:
        partner.faults = Faults(cut_page=2)

or, from a browser while `python -m demo.partner` runs:  http://127.0.0.1:5001/demo/faults?cut_page=2
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from threading import Lock, Thread
from time import sleep
from typing import Any, Protocol
from xml.sax.saxutils import escape

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from catalogue.pmb import ITEM_TAGS, fields_from_header, local_type
from catalogue.unimarc import Field, Fields, each, first, typed, values
from export.pmbxml import notice_text

PATH = "/ws/connector_out.php"
TOKEN_LIFE = timedelta(seconds=600)

_OPENING = """<?xml version="1.0" encoding="UTF-8" ?>
            <?xml-stylesheet type="text/xsl" href="connecteurs/out/oai/oai2.xsl" ?>
            <OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">
                <responseDate>{now}</responseDate>
                <request {verb}>{url}</request>"""
_VERBS = ("Identify", "ListSets", "ListMetadataFormats", "ListRecords", "ListIdentifiers", "GetRecord")
_FORMATS = {
    "pmb_xml_unimarc": ("http://www.pmbservices.fr/notice.xsd", "http://www.pmbservices.fr"),
    "oai_dc": (
        "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
        "http://www.openarchives.org/OAI/2.0/oai_dc/",
    ),
}
_WORDS = {
    "badArgument": "Argument invalide",
    "badVerb": "Verbe invalide",
    "badResumptionToken": "Le token spécifié est soit expiré soit invalide",
    "idDoesNotExist": "L'enregistrement demandé n'existe pas dans cet entrepot",
    "noRecordsMatch": "Aucun enregistrement trouvé",
    "noSetHierarchy": "Set introuvable",
    "unconfigured": "Cette source OAI n'est pas configurée",
}
_WARNING = (
    '<br />\n<b>Warning</b>:  Undefined array key "opac_url" in '
    "<b>/var/www/pmb/admin/connecteurs/out/oai/oai.class.php</b> on line <b>212</b><br />\n"
)
_WEB_PAGE = (
    '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8"><title>PMB</title></head>'
    "<body><p>Base en cours de maintenance, merci de revenir plus tard.</p></body></html>\n"
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)Z)?")


class PartnerRecord(Protocol):
    """What `demo.generate.partner_records` makes: PMB's fields, the 995 and 996 of its copies among them."""

    @property
    def id(self) -> int: ...

    @property
    def fields(self) -> Fields: ...

    @property
    def datestamp(self) -> datetime: ...

    @property
    def deleted(self) -> bool: ...

    @property
    def dt(self) -> str: ...

    @property
    def bl(self) -> str: ...

    @property
    def hl(self) -> str: ...


@dataclass
class Faults:
    """What goes wrong, beyond PMB's usual ways. Nothing does, until somebody asks.

    Page faults name the page (1 is the first; 0 is none) and come back each time that page is asked for,
    or `times` times only: then a harvester that tries again gets through.
    """

    # PMB's own options, as section 5.4 of its description advises them to a network
    items: bool = True
    links: bool = True
    with_214: bool = True
    namespace: bool = False
    # no answer, or not the one expected
    down: bool = False
    wait_seconds: float = 0.0
    refuse_first_n_with_503: int = 0
    retry_after: int = 10
    retry_after_as_date: bool = False
    http_500_empty: bool = False  # every list, as a PMB on PHP 8 that was not made for it
    oai_dc_500: bool = False
    redirect_to: str = ""
    php_warning_before_xml: bool = False
    # one page
    html_with_200_on_page: int = 0
    cut_page: int = 0
    expire_token_on_page: int = 0
    shifted_page: int = 0  # one record twice, the next one never
    times: int = 0
    # the whole list
    repeat_token: bool = False
    wrong_total: bool = False
    from_ignored: bool = False
    stale: bool = False  # new datestamp, old content
    ghosts: tuple[int, ...] = ()  # deleted, and the set not yet rebuilt: no datestamp, no metadata


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a resumption token stands for. All of it: the verb of the next request no longer matters."""

    prefix: str
    since: datetime | None
    until: datetime | None
    set_number: int
    with_metadata: bool
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """A record as PMB keeps it: local time, and the content that its inner cache saw first."""

    id: int
    fields: Fields
    datestamp: datetime
    deleted: bool
    dt: str
    bl: str
    hl: str
    cached: Fields


class _Errors(Exception):
    def __init__(self, *codes: str, said: str = ""):
        self.codes, self.said = codes, said


class Partner:
    """One PMB and its sources: a WSGI application, with its records, its clock, its tokens and its faults.

    `source_id=1` is the source to harvest; 4 exists but was never filled in; others answer nothing.
    `sets` are baskets: number -> (name, record numbers, or None for the whole base).
    """

    def __init__(
        self,
        records: Iterable[PartnerRecord],
        *,
        faults: Faults | None = None,
        page_size: int = 100,
        repository: str = "demo.example.org",
        name: str = "Centre de documentation de démonstration",
        sets: Mapping[int, tuple[str, frozenset[int] | None]] | None = None,
        deletions: str = "persistent",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        shift: timedelta = timedelta(hours=1),
    ):
        self._faults = faults or Faults()
        self.page_size = page_size
        self.repository = repository
        self.name = name
        self.sets = dict(sets or {1: ("Toute la base", None)})
        self.deletions = deletions
        self.requests: deque[dict[str, str]] = deque(maxlen=1000)  # what was asked, for whoever watches
        self._clock = clock
        self._shift = shift
        self._rows: dict[int, _Row] = {}
        for record in records:
            self._keep(record)
        self._tokens: dict[str, tuple[_Asked, datetime]] = {}
        self._made = 0
        self._happened: dict[str, int] = {}
        self._lock = Lock()

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Other faults, and none of them has happened yet."""
        self._faults = faults
        self._happened.clear()

    # --- what its librarians do ---------------------------------------------------------------

    def revise(self, number: int, new_fields: Fields, at: datetime) -> None:
        """A record is edited. With `Faults.stale`, its old content goes on being served."""
        row = self._rows[number]
        self._rows[number] = replace(row, fields=new_fields, datestamp=self._local(at))

    def delete(self, number: int, at: datetime) -> None:
        self._rows[number] = replace(self._rows[number], deleted=True, datestamp=self._local(at))

    def add(self, record: PartnerRecord) -> None:
        self._keep(record)

    def expire_tokens(self) -> None:
        """Ten minutes go by."""
        self._tokens.clear()

    def _keep(self, r: PartnerRecord) -> None:
        stamp = self._local(r.datestamp)
        self._rows[r.id] = _Row(r.id, r.fields, stamp, r.deleted, r.dt, r.bl, r.hl, r.fields)

    def _local(self, at: datetime) -> datetime:
        """PMB keeps local time and forgets which: a naive datetime is taken as local already."""
        if at.tzinfo is not None:
            at = at.astimezone(UTC).replace(tzinfo=None) + self._shift
        return at.replace(microsecond=0)

    # --- HTTP ----------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        with self._lock:
            if request.path == "/demo/faults":
                answer = self._change_faults(request)
            elif request.path.endswith(PATH):
                answer = self._answer(request)
            else:
                answer = Response("Rien ici.\n", 404, mimetype="text/plain")
        answer.headers.setdefault("Date", format_datetime(self._clock(), usegmt=True))
        return answer(environ, start_response)

    def _change_faults(self, request: Request) -> Response:
        """Faults by hand, for who plays with the demo; never from another machine."""
        if not ip_address(request.remote_addr or "192.0.2.1").is_loopback:
            return Response(status=403)
        known = {f.name: f.default for f in fields(Faults)}
        asked = {k: v for k, v in request.args.items() if k != "reset"}
        if unknown := sorted(set(asked) - set(known)):
            return Response(f"Inconnu : {unknown}. Connus : {sorted(known)}\n", 400, mimetype="text/plain")
        try:
            changed = {k: _parsed(v, known[k]) for k, v in asked.items()}
        except ValueError as error:
            return Response(f"{error}\n", 400, mimetype="text/plain")
        self.faults = replace(Faults() if "reset" in request.args else self.faults, **changed)
        return Response(json.dumps(asdict(self.faults), indent=1) + "\n", mimetype="application/json")

    def _answer(self, request: Request) -> Response:
        arguments = [*request.args.items(multi=True), *request.form.items(multi=True)]
        asked = dict(arguments)
        self.requests.append(asked)
        source = asked.get("source_id", "")
        verb = asked.get("verb", "")
        url = f"{request.base_url}?source_id={source}"
        if (refused := self._refused(request, asked, url)) is not None:
            return refused
        page = 0
        try:
            if source == "4":
                url = f"{request.base_url}{PATH}?source_id=4"
                raise _Errors("unconfigured", said=verb)
            inside, page = self._inside(verb, asked, len(asked) != len(arguments), url)
            body = self._envelope(verb, url, inside)
        except _Errors as errors:
            inside = "".join(f'<error code="{code}">{_text(_words(code, asked))}</error>' for code in errors.codes)
            body = self._envelope(errors.said, url, inside)
        return self._sent(request, self._spoilt(body, page))

    def _refused(self, request: Request, asked: dict[str, str], url: str) -> Response | None:
        """An answer that is no OAI-PMH, when this PMB has none to give."""
        faults, verb = self.faults, asked.get("verb", "")
        if faults.wait_seconds:
            sleep(faults.wait_seconds)
        if faults.redirect_to:
            return Response(status=302, headers={"Location": faults.redirect_to})
        if asked.get("source_id") not in ("1", "4"):
            return Response(b"", 200, mimetype="text/html")
        lists = verb in ("ListRecords", "ListIdentifiers")
        dublin_core = lists and asked.get("metadataPrefix") in ("oai_dc", "")
        if (faults.http_500_empty and lists) or (faults.oai_dc_500 and dublin_core):
            return Response(b"", 500, mimetype="text/xml")
        if verb in ("ListRecords", "GetRecord") and self._still("503", faults.refuse_first_n_with_503):
            return self._come_back_later(request, verb, url)
        return None

    def _come_back_later(self, request: Request, verb: str, url: str) -> Response:
        answer = self._sent(request, self._envelope(verb, url, ""), 503)
        later: object = self.faults.retry_after
        if self.faults.retry_after_as_date:
            later = format_datetime(self._clock() + timedelta(seconds=self.faults.retry_after), usegmt=True)
        answer.headers["Retry-After"] = str(later)
        return answer

    def _spoilt(self, body: str, page: int) -> str:
        faults = self.faults
        if page and page == faults.html_with_200_on_page and self._happens("html"):
            return _WEB_PAGE
        if page and page == faults.cut_page and self._happens("cut"):
            return body[: len(body) // 2]
        return _WARNING + body if faults.php_warning_before_xml else body

    def _sent(self, request: Request, body: str, status: int = 200) -> Response:
        content_type = "text/html" if body is _WEB_PAGE else "text/xml"
        answer = Response(body.encode("utf-8"), status, mimetype=content_type)
        answer.headers["Content-Type"] = f"{content_type};charset=utf-8"
        answer.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            answer.set_data(gzip.compress(answer.get_data(), mtime=0))
            answer.headers["Content-Encoding"] = "gzip"
        return answer

    def _happens(self, what: str) -> bool:
        return self._still(what, self.faults.times) if self.faults.times else True

    def _still(self, what: str, times: int) -> bool:
        """Whether something that happens so many times has not yet happened so often; counts it."""
        count = self._happened.get(what, 0)
        if count >= times:
            return False
        self._happened[what] = count + 1
        return True

    def _envelope(self, verb: str, url: str, inside: str) -> str:
        shown = f'verb="{verb}"' if verb else ""
        now = _zulu(self._local(self._clock()))
        return _OPENING.format(now=now, verb=shown, url=_text(url)) + inside + "</OAI-PMH>"

    # --- OAI-PMH -------------------------------------------------------------------------------

    def _inside(self, verb: str, asked: dict[str, str], twice: bool, url: str) -> tuple[str, int]:
        """What stands in the envelope, and the number of the page where there are pages."""
        if verb not in _VERBS:
            raise _Errors("badVerb")
        if twice:
            raise _Errors("badArgument")
        match verb:
            case "Identify":
                if set(asked) - {"source_id", "verb", "database"}:
                    raise _Errors("badArgument")
                return self._identify(url), 0
            case "ListSets":
                return self._list_sets(), 0
            case "ListMetadataFormats":
                return self._list_formats(asked.get("identifier")), 0
            case "GetRecord":
                return self._get_record(asked), 0
        return self._list(verb, asked)

    def _identify(self, url: str) -> str:
        stamps = [row.datestamp for row in self._rows.values()]
        earliest = min(stamps) if stamps else self._local(self._clock())
        return (
            f"<Identify><repositoryName>{_text(self.name)}</repositoryName><baseURL>{_text(url)}</baseURL>"
            "<protocolVersion>2.0</protocolVersion><adminEmail>doc@example.org</adminEmail>"
            f"<earliestDatestamp>{_zulu(earliest)}</earliestDatestamp>"
            f"<deletedRecord>{self.deletions}</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity>"
            """<description>
            <oai-identifier xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai-identifier \
http://www.openarchives.org/OAI/2.0/oai-identifier.xsd" \
xmlns="http://www.openarchives.org/OAI/2.0/oai-identifier">
                <scheme>oai</scheme>
"""
            f"                <repositoryIdentifier>{_text(self.repository)}</repositoryIdentifier>\n"
            "                <delimiter>:</delimiter>\n"
            f"                <sampleIdentifier>oai:{_text(self.repository)}:1</sampleIdentifier>\n"
            "            </oai-identifier>\n        </description></Identify>"
        )

    def _list_sets(self) -> str:
        sets = "".join(
            f"<set>\n                <setSpec>set_{number}</setSpec>\n"
            f"                <setName>{_text(name)}</setName>\n            </set>"
            for number, (name, _members) in self.sets.items()
        )
        return f"<ListSets>{sets}</ListSets>"

    def _list_formats(self, identifier: str | None) -> str:
        if identifier is not None:
            self._row(identifier)
        formats = "".join(
            f"<metadataFormat>\n                <metadataPrefix>{prefix}</metadataPrefix>\n"
            f"                <schema>{schema}</schema>\n"
            f"                <metadataNamespace>{namespace}</metadataNamespace>\n"
            "            </metadataFormat>"
            for prefix, (schema, namespace) in _FORMATS.items()
        )
        return f"<ListMetadataFormats>{formats}</ListMetadataFormats>"

    def _get_record(self, asked: dict[str, str]) -> str:
        if "identifier" not in asked or "metadataPrefix" not in asked:
            raise _Errors("badArgument")
        prefix = _prefix(asked)
        row = self._row(asked["identifier"])
        return f"<GetRecord>{self._record(row, prefix)}</GetRecord>"

    def _row(self, identifier: str) -> _Row:
        """Only what follows the last colon counts: the identifier of another repository is as good."""
        number = identifier.rpartition(":")[2]
        row = self._rows.get(int(number)) if number.isdecimal() else None
        if row is None or row.deleted:
            raise _Errors("idDoesNotExist")
        return row

    def _list(self, verb: str, asked: dict[str, str]) -> tuple[str, int]:
        token = asked.get("resumptionToken")
        wanted = self._resumed(token, asked) if token is not None else self._wanted(verb, asked)
        page = wanted.offset // self.page_size + 1
        if token and page == self.faults.expire_token_on_page and self._happens("expire"):
            raise _Errors("badResumptionToken")
        # Made anew for each page, as PMB does: what changes meanwhile shifts the pages.
        rows = list(self._selected(wanted))
        start = wanted.offset
        if start and page == self.faults.shifted_page and self._happens("shift"):
            start -= 1
        shown = rows[start : start + self.page_size]
        if not shown:
            raise _Errors("badResumptionToken" if token else "noRecordsMatch")
        out = "".join(self._listed(row, wanted) for row in shown)
        left = len(rows) - wanted.offset - self.page_size
        if left > 0:
            again = token if self.faults.repeat_token and token else None
            out += self._token(replace(wanted, offset=wanted.offset + self.page_size), left, again)
        return f" <{verb}>{out} </{verb}>", page

    def _wanted(self, verb: str, asked: dict[str, str]) -> _Asked:
        if "metadataPrefix" not in asked:
            raise _Errors("badArgument")
        prefix = _prefix(asked)
        since, until = asked.get("from"), asked.get("until")
        if since and until and len(since) != len(until):
            raise _Errors("badArgument")
        number = next(iter(self.sets))
        if "set" in asked:  # PMB looks at what follows the fourth character, whatever that is
            found = asked["set"][4:]
            if not found.isdecimal() or int(found) not in self.sets:
                raise _Errors("noRecordsMatch", "noSetHierarchy")
            number = int(found)
        return _Asked(prefix, _instant(since), _instant(until), number, verb == "ListRecords")

    def _resumed(self, token: str, asked: dict[str, str]) -> _Asked:
        alone = not set(asked) - {"source_id", "verb", "resumptionToken", "database"}
        wanted, until = self._tokens.get(token, (None, None))
        valid = wanted is not None and until is not None and until > self._clock()
        if not alone:
            raise _Errors("badArgument", *(() if valid else ("badResumptionToken",)))
        if wanted is None or not valid:
            raise _Errors("badResumptionToken")
        return wanted

    def _selected(self, wanted: _Asked) -> Iterator[_Row]:
        since = None if self.faults.from_ignored else wanted.since
        members = self.sets[wanted.set_number][1]

        def within(row: _Row) -> bool:
            if members is not None and row.id not in members:
                return False
            if since is not None and not since < row.datestamp:
                return False
            return wanted.until is None or row.datestamp < wanted.until

        ordered = [self._rows[number] for number in sorted(self._rows)]
        yield from (row for row in ordered if not row.deleted and within(row))
        if self.deletions != "no":
            yield from (row for row in ordered if row.deleted and within(row))

    def _token(self, wanted: _Asked, left: int, again: str | None) -> str:
        expires = self._clock() + TOKEN_LIFE
        self._made += 1
        token = again or hashlib.sha256(f"{self.repository} {self._made}".encode()).hexdigest()[:32]
        if not again:
            self._tokens[token] = wanted, expires
        total, cursor = (left * 3 + 7, wanted.offset) if self.faults.wrong_total else (0, left)
        return (
            f'<resumptionToken expirationDate="{_zulu(self._local(expires))}" completeListSize="{total}" '
            f'cursor="{cursor}">{token}</resumptionToken>'
        )

    def _listed(self, row: _Row, wanted: _Asked) -> str:
        if row.deleted:  # in a <record> even among identifiers, and its parts in the wrong order
            return f"""<record>
                <header status="deleted">
                <identifier>{self._identifier(row)}</identifier>
                   {self._set_specs(row)}
                <datestamp>{_zulu(row.datestamp)}</datestamp>
                </header>
            </record>"""
        return self._record(row, wanted.prefix) if wanted.with_metadata else self._header(row)

    def _record(self, row: _Row, prefix: str) -> str:
        metadata = "" if row.id in self.faults.ghosts else self._metadata(row, prefix)
        return f"<record>{self._header(row)}<metadata>{metadata}</metadata></record>"

    def _header(self, row: _Row) -> str:
        stamp = "" if row.id in self.faults.ghosts else _zulu(row.datestamp)
        return f"""<header>
                <identifier>{self._identifier(row)}</identifier>
                <datestamp>{stamp}</datestamp>{self._set_specs(row)}</header>"""

    def _identifier(self, row: _Row) -> str:
        return f"oai:{_text(self.repository)}:{row.id}"

    def _set_specs(self, row: _Row) -> str:
        return "".join(
            f"<setSpec>set_{number}</setSpec>"
            for number, (_name, members) in self.sets.items()
            if members is None or row.id in members
        )

    # --- one record ----------------------------------------------------------------------------

    def _metadata(self, row: _Row, prefix: str) -> str:
        shown = self._fields(row, prefix)
        if prefix == "oai_dc":
            return _dublin_core(shown, row.id)
        if prefix == "pmb_xml_unimarc":
            return notice_text(shown, namespace=self.faults.namespace, with_214=self.faults.with_214)
        return ""  # a "convert_" that exists nowhere is accepted, and gives nothing

    def _fields(self, row: _Row, prefix: str) -> Fields:
        """The record as this PMB writes it today: options, thumbnail, and the day of the export in 801."""
        stale = self.faults.stale and prefix == "pmb_xml_unimarc"
        out = fields_from_header({"rs": "n", "dt": row.dt, "bl": row.bl, "hl": row.hl, "el": "1", "ru": "i"})
        out.append({"t": "001", "v": str(row.id)})
        origin: Field = {"t": "801", "i": "  ", "s": [["a", "INTERNE"], ["b", "FR"]]}
        thumbnail: Field = {
            "t": "896",
            "i": "  ",
            "s": [["a", f"./opac_css/thumbnail.php?type=1&id={row.id}"]],
        }
        for f in row.cached if stale else row.fields:
            if f["t"] == "801":
                origin = f
            elif f["t"] == "896":
                thumbnail = f
            elif not (f["t"] in ("000", "001", "214") or local_type(f) or self._left_out(f)):
                out.append(f)
        # Behind the classification and before copies, keywords and links, as PMB does.
        ends = (n for n, f in enumerate(out) if f["t"] in ("995", "610", "606") or "x" in f or typed(f, "lnk"))
        out.insert(next(ends, len(out)), thumbnail)
        today = self._local(self._clock()).strftime("%Y%m%d")
        pairs = [p for p in origin.get("s", []) if p[0] != "c"]
        return [*out, {"t": "801", "i": "  ", "s": [*pairs, ["c", today]]}]

    def _left_out(self, f: Field) -> bool:
        if f["t"] in ITEM_TAGS:
            return not self.faults.items
        return not self.faults.links and ("x" in f or bool(typed(f, "lnk")))


# --- values --------------------------------------------------------------------------------------


def _parsed(text: str, like: Any) -> Any:
    """A value of /demo/faults, of the type that its default has."""
    if isinstance(like, bool):
        return text.lower() in ("1", "true", "yes", "oui", "on")
    if isinstance(like, tuple):
        return tuple(int(number) for number in text.split(",") if number)
    return type(like)(text)


def _prefix(asked: dict[str, str]) -> str:
    prefix = asked["metadataPrefix"] or "oai_dc"
    if prefix not in _FORMATS and not prefix.startswith("convert"):
        raise _Errors("cannotDisseminateFormat")
    return prefix


def _instant(text: str | None) -> datetime | None:
    """A date as PMB understands it: the seconds are dropped, and month 13 is January of the next year."""
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    if not found:
        raise _Errors("badArgument")
    year, month, day, hour, minute = (int(part or 0) for part in found.groups()[:5])
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    try:
        return datetime(year, month, 1) + timedelta(days=day - 1, hours=hour, minutes=minute)
    except (ValueError, OverflowError):
        raise _Errors("badArgument") from None


def _zulu(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(code: str, asked: Mapping[str, str]) -> str:
    if code == "cannotDisseminateFormat":
        return f"{asked.get('metadataPrefix', '')} n'est pas un format supporté par cet entrepot"
    return _WORDS[code]


def _text(text: str) -> str:
    return escape(text, {"'": "&apos;", '"': "&quot;"})


def _dublin_core(shown: Fields, number: int) -> str:
    """PMB's `oai_dc`, with its losses: no corporate author, no keyword, no host, no classification."""
    is_serial = shown[0]["v"][7] == "s"
    people = {
        tag: [", ".join(v for v in (first(f, "a"), first(f, "b")) if v) for f in each(shown, tag)]
        for tag in ("700", "701", "702")
    }
    title = next(each(shown, "200"), Field(t="200", s=[]))
    signs = {"c": " ; ", "d": " = ", "e": " : "}
    pairs: list[tuple[str, str]] = [
        ("identifier", f"http://pmb.example/opac_css/index.php?lvl=notice_display&id={number}"),
        ("identifier", str(number)),
        *(("identifier", f"urn:{'ISSN' if is_serial else 'ISBN'}:{v}") for v in values(shown, "010", "a")),
        *(("language", v) for v in values(shown, "101", "a")),
        ("title", "".join(signs.get(c, "") + v for c, v in title.get("s", []) if c in "acde")),
    ]
    for f in each(shown, "210"):
        if name := first(f, "c"):
            place = first(f, "a")
            pairs.append(("publisher", f"{name} ({place})" if place else name))
    for tag, codes, element in (
        ("009", "a", "date"),
        ("215", "ace", "description"),
        ("215", "d", "format"),
        ("300", "a", "coverage"),
        ("330", "a", "description"),
        ("327", "a", "description"),
    ):
        pairs += [(element, v) for v in values(shown, tag, codes)]
    pairs += [("creator", v) for v in people["700"]]
    pairs += [("contributor", v) for v in people["701"] + people["702"]]
    pairs += [("subject", v) for v in values(shown, "606", "a")]
    pairs += [("relation", v) for v in values(shown, "225", "a")]
    pairs += [("relation", f"Vignette : {v}") for v in values(shown, "896", "a")]
    pairs += [("rights", v) for v in values(shown, "319", "a")]
    lines = [f"  <dc:{element}>{escape(value)}</dc:{element}>" for element, value in pairs]
    return "\n".join(
        [
            '\n<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/ '
            'http://www.openarchives.org/OAI/2.0/oai_dc.xsd">',
            *lines,
            '  <dc:type xml:lang="eng">text</dc:type>',
            '  <dc:type xml:lang="fre">texte imprimé</dc:type>',
            "</oai_dc:dc>\n\n",
        ]
    )


# --- serving -------------------------------------------------------------------------------------


class _Handler(WSGIRequestHandler):
    """One request, one connection, no log; and nothing at all when the partner is down."""

    protocol_version = "HTTP/1.0"

    def handle(self) -> None:
        partner = self.server.app
        if not (isinstance(partner, Partner) and partner.faults.down):
            super().handle()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without the server's own Date: the partner says the time by its own clock."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:
        return None


@dataclass
class RunningPartner:
    """A partner behind a real socket."""

    partner: Partner
    server: BaseWSGIServer
    thread: Thread

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def url(self) -> str:
        """What `travee source add` is given."""
        return f"http://127.0.0.1:{self.port}{PATH}?source_id=1"

    @property
    def faults(self) -> Faults:
        return self.partner.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.partner.faults = faults

    def stop(self) -> None:
        """The server is gone: connections are refused from now on."""
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()


def start(records: Iterable[PartnerRecord], port: int = 0, **options: Any) -> RunningPartner:
    """A partner running in a thread of its own, until `stop()`. Port 0 is any free port."""
    partner = Partner(records, **options)
    server = make_server("127.0.0.1", port, partner, threaded=True, request_handler=_Handler)
    # Looks for stop() often: a test that starts twenty partners must not wait half a second for each.
    thread = Thread(target=server.serve_forever, args=(0.02,), name="demo-partner", daemon=True)
    thread.start()
    return RunningPartner(partner, server, thread)


@contextmanager
def serve(records: Iterable[PartnerRecord], port: int = 0, **options: Any) -> Iterator[RunningPartner]:
    """The same for the length of a block."""
    running = start(records, port, **options)
    try:
        yield running
    finally:
        running.stop()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.partner", description="Un partenaire à moissonner.")
    parser.add_argument("--port", type=int, default=5001)
    parser.add_argument("--page-size", type=int, default=100)
    asked = parser.parse_args(arguments)
    from demo.generate import partner_records

    running = start(partner_records(), asked.port, page_size=asked.page_size)
    print(f"Partenaire de démonstration : {running.url}", flush=True)
    print(
        f"Ses pannes : http://127.0.0.1:{running.port}/demo/faults?cut_page=2 (reset=1 les retire)",
        flush=True,
    )
    try:
        running.thread.join()
    except KeyboardInterrupt:
        running.stop()


if __name__ == "__main__":
    main()
