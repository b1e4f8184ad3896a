"""Does something still answer at this address? Asked briefly and politely, with nothing of it kept.

HEAD first; who does not like that is asked for one byte. Five seconds to connect and between two bytes, fifteen in all;
no private address; two seconds between two questions to one host, forty of them a night at most; a host that is silent
three times, or asks to be left alone, is left until another night.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Timer
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions as trouble
from requests_hardened.ip_filter import InvalidIPAddress

from catalogue.dead_links import HOME, MOVED, Verdict
from harvest.connections import cut_all, hardened

SECONDS, ALL_SECONDS = 5.0, 15.0
PAUSE = 2.0
MOST_PER_HOST, SILENT = 40, 3
REDIRECTS = 5
FOR_GOOD, FOR_NOW = (301, 308), (302, 303, 307)
GONE = (404, 410)
# Somebody is there, and does not want a program, or not now.
NOT_FOR_US = (401, 402, 403, 405, 406, 407, 408, 418, 423, 425, 429, 451, 501, 503, 999)
BUSY = (429, 503)


class Asker:
    """Asks addresses, one after the other. Waiting goes through `sleep`, so that nobody has to wait in a test."""

    def __init__(
        self,
        *,
        agent: str,
        private: bool = False,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session, self._connections = hardened(agent=agent, private=private, seconds=SECONDS)
        self._sleep, self._clock = sleep, clock
        self._asked_at: dict[str, float] = {}
        self._busy: set[str] = set()

    def close(self) -> None:
        cut_all(self._connections)
        self._session.close()

    def ask_all(self, urls: Iterable[str], stopping: Callable[[], object] = lambda: False) -> Iterator[Verdict]:
        """Turn by turn among hosts; what is left of a host for another night has no verdict."""
        waiting: defaultdict[str, deque[str]] = defaultdict(deque)
        for url in urls:
            waiting[_host(url)].append(url)
        turns = deque((host, deque(list(several)[:MOST_PER_HOST])) for host, several in waiting.items())
        silent: defaultdict[str, int] = defaultdict(int)
        while turns and not stopping():
            host, several = turns.popleft()
            verdict = self.ask(several.popleft())
            yield verdict
            is_silent = verdict.fault in ("down", "slow", "no_host")
            silent[host] = silent[host] + 1 if is_silent else 0
            if several and silent[host] < SILENT and host not in self._busy:
                turns.append((host, several))

    def ask(self, url: str) -> Verdict:
        try:
            with self._in_time() as late:
                return self._followed(url)
        except InvalidIPAddress:
            return Verdict(url, "unsure")
        except (trouble.InvalidURL, trouble.InvalidSchema, trouble.MissingSchema, UnicodeError, ValueError):
            return Verdict(url, "failing", "slow" if late else "bad_url")
        except trouble.SSLError:
            return Verdict(url, "failing", "certificate")
        except trouble.Timeout:
            return Verdict(url, "failing", "slow")
        except trouble.RequestException as error:
            unknown = "NameResolutionError" in repr(error) or "Failed to resolve" in str(error)
            return Verdict(url, "failing", "slow" if late else "no_host" if unknown else "down")

    def _followed(self, url: str) -> Verdict:
        here, for_good = url, True
        for _hop in range(REDIRECTS + 1):
            status, location = self._status(here)
            if status in (*FOR_GOOD, *FOR_NOW) and location:
                for_good = for_good and status in FOR_GOOD
                here = urljoin(here, location)
                if urlsplit(here).scheme not in ("http", "https"):
                    return Verdict(url, "failing", "bad_url")
                continue
            return _verdict(url, status, here, for_good)
        return Verdict(url, "failing", "loop")

    def _status(self, url: str) -> tuple[int, str]:
        """HEAD; when that is no yes, one byte by GET."""
        status, location = self._request("HEAD", url)
        if status >= 400:
            status, location = self._request("GET", url)
        return status, location

    def _request(self, method: str, url: str) -> tuple[int, str]:
        host = _host(url)
        since = self._clock() - self._asked_at.get(host, float("-inf"))
        if since < PAUSE:
            self._sleep(PAUSE - since)
        self._asked_at[host] = self._clock()
        headers = {"Accept": "*/*", "Accept-Language": "fr,en;q=0.5"} | (
            {"Range": "bytes=0-0"} if method == "GET" else {}
        )
        response: requests.Response
        with self._session.request(method, url, headers=headers, stream=True) as response:
            if response.status_code in BUSY:
                self._busy.add(host)
            return response.status_code, response.headers.get("Location", "")

    @contextmanager
    def _in_time(self) -> Iterator[list[bool]]:
        """A byte now and then keeps every other limit from striking: the connection itself is cut."""
        late: list[bool] = []

        def cut() -> None:
            late.append(True)
            cut_all(self._connections)

        timer = Timer(ALL_SECONDS, cut)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()


def _verdict(url: str, status: int, here: str, for_good: bool) -> Verdict:
    if status in GONE:
        return Verdict(url, "failing", "gone")
    if status < 400 or status == 416:  # no first byte: a file that is empty, and there
        if _plain(here) == _plain(url):
            return Verdict(url, "alive")
        if _is_home(here) and not _is_home(url):
            return Verdict(url, "alive", f"{HOME}{here}")
        return Verdict(url, "alive", f"{MOVED}{here}" if for_good else "")
    if status in NOT_FOR_US:
        return Verdict(url, "unsure")
    return Verdict(url, "failing", "server") if status >= 500 else Verdict(url, "unsure")


def _plain(url: str) -> str:
    """An address without what changes nothing: its scheme, « www. », the slash at its end.

    >>> _plain("http://www.exemple.fr/a/") == _plain("https://exemple.fr/a")
    True
    """
    return url.partition("://")[2].removeprefix("www.").partition("#")[0].rstrip("/")


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
