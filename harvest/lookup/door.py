"""One question over the network, and its answer as bytes: in time, not too large, from where it was asked.

`cut` ends a question that is on its way, from another thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions as problem
from requests_hardened.ip_filter import InvalidIPAddress

from harvest.connections import cut_all, hardened
from harvest.lookup.trouble import Trouble

LARGEST = 3_000_000  # bytes of an answer, decompressed
REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. `url`: where it came from in the end."""

    raw: bytes
    type: str
    charset: str
    url: str


class Door:
    """The way to one source, for one question. `private`: it may be in our own network, and then none leads out."""

    def __init__(self, *, agent: str, private: bool, seconds: float) -> None:
        self.private = private
        self._until = time.monotonic() + seconds
        self._session, self._connections = hardened(agent=agent, private=private, seconds=seconds)

    def cut(self) -> None:
        """Nobody waits for the answer any more."""
        self._until = 0.0
        with suppress(RuntimeError):  # a connection that opens at this very instant meets `_until`
            cut_all(self._connections)
        self._session.close()

    def get(
        self, url: str, params: Mapping[str, str] | None = None, *, accept: str = "*/*", follow: bool = False
    ) -> Fetched:
        """The answer to a GET; `follow`: wherever it moves to, as a browser does. Raises Trouble."""
        for _hop in range(REDIRECTS + 1):
            left = self._until - time.monotonic()
            if left <= 0:
                raise Trouble("late")
            try:
                headers = {"Accept": accept, "Accept-Language": "fr,en;q=0.5"}
                asked = self._session.get(url, params=params, headers=headers, stream=True, timeout=(left, left))
                with asked as response:
                    if response.status_code not in _MOVED or "Location" not in response.headers:
                        return self._answer(response)
                    url, params = self._next(url, response.headers["Location"], follow), None
            except InvalidIPAddress as error:
                raise Trouble("private") from error
            except problem.SSLError as error:
                raise Trouble("certificate") from error
            except problem.Timeout as error:
                raise Trouble("late") from error
            except (problem.ChunkedEncodingError, problem.ContentDecodingError) as error:
                raise Trouble("cut") from error
            except (problem.InvalidURL, problem.InvalidSchema, problem.MissingSchema, UnicodeError) as error:
                raise Trouble("bad_url") from error
            except problem.RequestException as error:
                raise Trouble("unreachable") from error
        raise Trouble("redirects")

    def _next(self, url: str, location: str, follow: bool) -> str:
        """Where a redirection leads, if we may go there; the session checks again that it is no private address."""
        try:
            target = urljoin(url, location)
            here, there = urlsplit(url), urlsplit(target)
            ports = here.port, there.port
        except ValueError as error:
            raise Trouble("bad_url") from error
        if there.scheme not in ("http", "https"):
            raise Trouble("bad_url")
        upgraded = (here.scheme, there.scheme) == ("http", "https") and ports == (None, None)
        same = here.hostname == there.hostname and (upgraded or (ports[0] == ports[1] and here.scheme == there.scheme))
        if not same and (self.private or not follow):
            raise Trouble("redirected", host=there.hostname or "?")
        return target

    def _answer(self, response: requests.Response) -> Fetched:
        status = HTTPStatus.OK if response.status_code == HTTPStatus.OK else response.status_code
        if status != HTTPStatus.OK:
            known = {401: "forbidden", 403: "forbidden", 404: "gone", 410: "gone", 429: "busy", 503: "busy"}
            code = known.get(status, "failing" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "http")
            raise Trouble(code, status=str(int(status)))
        read = BytesIO()
        for chunk in response.iter_content(1 << 16):
            read.write(chunk)
            if read.tell() > LARGEST:
                raise Trouble("too_big", limit=str(LARGEST // 1_000_000))
            if time.monotonic() > self._until:  # a byte now and then keeps every other limit from striking
                raise Trouble("late")
        kind, _semicolon, rest = response.headers.get("Content-Type", "").partition(";")
        charset = rest.partition("charset=")[2].partition(";")[0].strip(" \"'")
        return Fetched(read.getvalue(), kind.strip().lower(), charset[:40], response.url)
