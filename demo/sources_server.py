"""The outside sources of « Cataloguer » without a network: BnF, Sudoc, Crossref, OpenEdition, HAL, DataCite, IdRef and
a few web pages, on one port, with invented records (`sources.toml`) and the faults that one wants to see.

    with serve() as sources:
        sources.faults = {"bnf": "slow:0.5", "sudoc": "down"}
        ask(understand("9782499999010"), lookup.sources(sources.settings))

or, while the demo runs:  http://127.0.0.1:5002/demo/faults?bnf=500&sudoc=down (reset=1 takes them away)

Faults: down · slow:SECONDS · drip:SECONDS · 403, 404, 429, 500 and any other status · html (a web page instead) · cut ·
empty · shape (well-formed, and something else) · entity · big · bomb (small when compressed) · redirect:ADDRESS ·
diagnostic
"""

from __future__ import annotations

import gzip
import json
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from demo import sources_answers as answers

PATHS = {
    "bnf": "/bnf/api/SRU",
    "sudoc": "/sudoc/cbs/sru/",
    "crossref": "/crossref",
    "openedition": "/openedition",
    "hal": "/hal/search/",
    "datacite": "/datacite",
    "idref": "/idref",
    "page": "/pages",
}
Answerer = Callable[[Request, str, Mapping[str, Any]], Response]
ANSWERERS: Mapping[str, Answerer] = {
    "bnf": answers.bnf,
    "sudoc": answers.sudoc,
    "crossref": answers.crossref,
    "openedition": answers.openedition,
    "hal": answers.hal,
    "datacite": answers.datacite,
    "idref": answers.idref,
    "page": answers.page,
}
LARGE = 4_000_000


@cache
def known() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "sources.toml").read_text("utf-8"))


class Sources:
    """A WSGI application. `faults` by source; `asked`: what came in, for whoever watches."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        return self._response(request)(environ, start_response)

    def _response(self, request: Request) -> Response:
        if request.path == "/demo/faults":
            return self._change_faults(request)
        for code, path in PATHS.items():
            if request.path == path.rstrip("/") or request.path.startswith(path.rstrip("/") + "/"):
                self.asked.append((code, request.path, request.args.to_dict()))
                rest = request.path[len(path.rstrip("/")) :].strip("/")
                return _spoilt(lambda: ANSWERERS[code](request, rest, known()), self.faults.get(code, ""))  # noqa: B023
        return Response("Rien ici.\n", 404, mimetype="text/plain")

    def _change_faults(self, request: Request) -> Response:
        """Faults by hand, for who plays with the demo; never from another machine."""
        if not ip_address(request.remote_addr or "192.0.2.1").is_loopback:
            return Response(status=403)
        if "reset" in request.args:
            self.faults = {}
        self.faults |= {code: fault for code, fault in request.args.items() if code in PATHS}
        return Response(json.dumps(self.faults) + "\n", mimetype="application/json")


def _spoilt(answer: Callable[[], Response], fault: str) -> Response:
    name, _colon, value = fault.partition(":")
    if name == "slow":
        time.sleep(float(value))
    elif name == "redirect":
        return Response(status=302, headers={"Location": value})
    elif name.isdecimal():
        return Response("Panne", int(name), mimetype="text/plain")
    elif name == "html":
        return Response("<!DOCTYPE html><p>Maintenance en cours", mimetype="text/html")
    elif name == "empty":
        return Response(b"", mimetype="text/xml")
    elif name == "shape":
        return Response('{"surprise": []}', mimetype="application/json")
    elif name == "shape_xml":
        return Response("<surprise/>", mimetype="text/xml")
    elif name == "entity":
        return Response('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', mimetype="text/xml")
    elif name == "big":
        return Response(b" " * LARGE, mimetype="text/xml")
    elif name == "bomb":
        return Response(gzip.compress(b" " * 30_000_000), headers={"Content-Encoding": "gzip"}, mimetype="text/xml")
    elif name == "diagnostic":
        return answers.diagnostic("Index inconnu", "bib.rien")
    made = answer()
    if name == "cut":
        whole = made.get_data()
        made = Response(
            [whole[: len(whole) // 2]], headers={"Content-Length": str(len(whole))}, direct_passthrough=True
        )
    elif name == "drip":
        made = Response(_drops(made.get_data(), float(value)), headers=dict(made.headers), direct_passthrough=True)
    return made


def _drops(body: bytes, seconds: float) -> Iterator[bytes]:
    """A byte now and then for so long; then the connection breaks."""
    end = time.monotonic() + seconds
    for at in range(len(body)):
        if time.monotonic() > end:
            return
        yield body[at : at + 1]
        time.sleep(0.02)


class Handler(WSGIRequestHandler):
    """One request, one connection, no log; a source that is down hangs up."""

    protocol_version = "HTTP/1.0"

    def run_wsgi(self) -> None:
        asked = self.server.app
        down = {PATHS[code] for code, fault in getattr(asked, "faults", {}).items() if fault == "down"}
        if not any(self.path.startswith(path) for path in down):
            super().run_wsgi()

    def log(self, type: str, message: str, *args: Any) -> None:
        return None


@dataclass
class RunningSources:
    """The sources behind a real socket."""

    app: Sources
    server: BaseWSGIServer
    thread: Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """What the Setting « lookup.sources » says for the sources to be asked here."""
        return settings_at(self.url)

    @property
    def faults(self) -> dict[str, str]:
        return self.app.faults

    @faults.setter
    def faults(self, faults: dict[str, str]) -> None:
        self.app.faults = faults

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()


def settings_at(url: str) -> dict[str, dict[str, Any]]:
    return {code: {"address": f"{url}{path}", "local": True} for code, path in PATHS.items() if code != "page"}


def start(port: int = 0) -> RunningSources:
    """The sources in a thread of their own, until `stop()`. Port 0 is any free port."""
    app = Sources()
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), name="demo-sources", daemon=True)
    thread.start()
    return RunningSources(app, server, thread)


@contextmanager
def serve(port: int = 0) -> Iterator[RunningSources]:
    running = start(port)
    try:
        yield running
    finally:
        running.stop()
