"""The HTTP side of a partner: what it is asked, what it answers, and how the answer is spoilt on its way.

What stands in an answer is for those who know a protocol's dialect: `demo.partner`, `demo.partner_standard`.
"""

from __future__ import annotations

import gzip
import json
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from demo import partner_faults
from demo.partner_faults import Faults

PATH = "/ws/connector_out.php"
_WORDS = {
    "badArgument": "Argument invalide",
    "badVerb": "Verbe invalide",
    "badResumptionToken": "Le token spécifié est soit expiré soit invalide",
    "idDoesNotExist": "L'enregistrement demandé n'existe pas dans cet entrepot",
    "noRecordsMatch": "Aucun enregistrement trouvé",
    "noSetHierarchy": "Set introuvable",
    "unconfigured": "Cette source OAI n'est pas configurée",
}


class Errors(Exception):
    def __init__(self, *codes: str, said: str = ""):
        self.codes, self.said = codes, said


class Server(ABC):
    """A WSGI application with faults. Its answers come from `_inside` and `_envelope`."""

    def __init__(self, faults: Faults | None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._faults = faults or Faults()
        self._clock = clock
        self._happened: dict[str, int] = {}
        self._lock = Lock()
        self.requests: deque[dict[str, str]] = deque(maxlen=1000)  # what was asked, for whoever watches

    @abstractmethod
    def _inside(self, verb: str, asked: dict[str, str], twice: bool, url: str) -> tuple[str, int]:
        """What stands in the envelope, and the number of the page where there are pages."""

    @abstractmethod
    def _envelope(self, verb: str, url: str, inside: str) -> str:
        """The answer around it, as this kind of server writes it."""

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Other faults, and none of them has happened yet."""
        self._faults = faults
        self._happened.clear()

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
            changed = {k: partner_faults.parsed(v, known[k]) for k, v in asked.items()}
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
                raise Errors("unconfigured", said=verb)
            inside, page = self._inside(verb, asked, len(asked) != len(arguments), url)
            body = self._envelope(verb, url, inside)
        except Errors as errors:
            inside = "".join(f'<error code="{code}">{shown_text(_words(code, asked))}</error>' for code in errors.codes)
            body = self._envelope(errors.said, url, inside)
        return self._sent(request, self._spoilt(body, page), page=page)

    def _refused(self, request: Request, asked: dict[str, str], url: str) -> Response | None:
        """An answer that is no OAI-PMH, when this PMB has none to give."""
        faults, verb = self.faults, asked.get("verb", "")
        if faults.wait_seconds:
            time.sleep(faults.wait_seconds)
        if faults.redirect_to:
            return Response(status=302, headers={"Location": faults.redirect_to})
        if asked.get("source_id") not in ("1", "4"):
            return Response(b"", 200, mimetype="text/html")
        lists = verb in ("ListRecords", "ListIdentifiers")
        dublin_core = lists and asked.get("metadataPrefix") in ("oai_dc", "")
        if (faults.http_500_empty and lists) or (faults.oai_dc_500 and dublin_core):
            return Response(b"", 500, mimetype="text/xml")
        if lists and faults.failing_set and asked.get("set") == f"set_{faults.failing_set}":
            return Response(b"Fatal error", 500, mimetype="text/html")
        if faults.no_identifiers and verb == "ListIdentifiers":
            return Response(b"Fatal error", 500, mimetype="text/html")
        if lists and self._still("500", faults.fail_first_n_with_500):
            return Response(b"Fatal error", 500, mimetype="text/html")
        if verb in ("ListRecords", "GetRecord") and self._still("503", faults.refuse_first_n_with_503):
            return self._come_back_later(request, verb, url)
        return None

    def _come_back_later(self, request: Request, verb: str, url: str) -> Response:
        answer = self._sent(request, self._envelope(verb, url, "").encode(), 503)
        later: object = self.faults.retry_after
        if self.faults.retry_after_as_date:
            later = format_datetime(self._clock() + timedelta(seconds=self.faults.retry_after), usegmt=True)
        answer.headers["Retry-After"] = str(later)
        return answer

    def _spoilt(self, body: str, page: int) -> bytes:
        """The body as the faults of its page leave it."""
        faults = self.faults
        raw = (partner_faults.WARNING * faults.php_warning_before_xml + body).encode("utf-8", "replace")
        if self._falls_on(page, "html_with_200_on_page"):
            return partner_faults.WEB_PAGE.encode()
        if self._falls_on(page, "empty_200_on_page"):
            return b""
        if self._falls_on(page, "cut_page"):
            return raw[: len(raw) // 2]
        if self._falls_on(page, "latin1_page"):
            return body.replace("Ouvrage", "Étude", 1).encode("latin-1", "replace")
        if self._falls_on(page, "controls_page"):
            return raw.replace(b"Ouvrage", b"Ouvr\x0bage")
        for name, doctype in (("bomb_page", partner_faults.BOMB), ("outside_page", partner_faults.OUTSIDE)):
            if self._falls_on(page, name):
                return raw.replace(b"?>", b"?>" + doctype.encode(), 1).replace(b"Ouvrage", b"&a8;", 1)
        return raw

    def _falls_on(self, page: int, name: str) -> bool:
        return page > 0 and page == getattr(self.faults, name) and self._happens(name)

    def _sent(self, request: Request, body: bytes, status: int = 200, page: int = 0) -> Response:
        content_type = "text/html" if body.startswith(b"<!DOCTYPE html") else "text/xml"
        answer = Response(body, status, mimetype=content_type)
        answer.headers["Content-Type"] = f"{content_type};charset=utf-8"
        answer.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            answer.set_data(gzip.compress(answer.get_data(), mtime=0))
            answer.headers["Content-Encoding"] = "gzip"
        sent = answer.get_data()
        if self._falls_on(page, "bad_gzip_page"):
            answer.set_data(b"not gzip at all")
            answer.headers["Content-Encoding"] = "gzip"
        elif self._falls_on(page, "reset_page"):
            answer = self._in_pieces(answer, [sent[: len(sent) // 2]])
        elif self._falls_on(page, "drip_page"):
            answer = self._in_pieces(answer, _drops(sent, self.faults.drip_seconds))
        return answer

    def _in_pieces(self, answer: Response, pieces: Iterable[bytes]) -> Response:
        """The same headers, its whole length among them, and a body that comes as it can."""
        headers = {**answer.headers, "Content-Length": str(len(answer.get_data()))}
        broken = Response(pieces, answer.status_code, headers=headers, direct_passthrough=True)
        broken.automatically_set_content_length = False
        return broken

    def _happens(self, what: str) -> bool:
        return self._still(what, self.faults.times) if self.faults.times else True

    def _still(self, what: str, times: int) -> bool:
        """Whether something that happens so many times has not yet happened so often; counts it."""
        count = self._happened.get(what, 0)
        if count >= times:
            return False
        self._happened[what] = count + 1
        return True


def _drops(body: bytes, seconds: float) -> Iterator[bytes]:
    """A byte now and then for so long; then the connection breaks."""
    end = time.monotonic() + seconds
    for at in range(len(body)):
        if time.monotonic() > end:
            return
        yield body[at : at + 1]
        time.sleep(0.05)


def _words(code: str, asked: Mapping[str, str]) -> str:
    if code == "cannotDisseminateFormat":
        return f"{asked.get('metadataPrefix', '')} n'est pas un format supporté par cet entrepot"
    return _WORDS[code]


def shown_text(text: str) -> str:
    return escape(text, {"'": "&apos;", '"': "&quot;"})


class Handler(WSGIRequestHandler):
    """One request, one connection, no log; and nothing at all when the partner is down."""

    protocol_version = "HTTP/1.0"

    def handle(self) -> None:
        asked = self.server.app
        if not (isinstance(asked, Server) and asked.faults.down):
            super().handle()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without the server's own Date: the partner says the time by its own clock."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:
        return None
