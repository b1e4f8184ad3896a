"""Connections that are kept in sight, so that one which drips, or whose answer nobody awaits any more, can be cut.

Its socket is kept too: a server that closes behind its answer has it handed over to that answer, and a connection that
has none any more while the answer still comes.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from requests_hardened import Config, HTTPSession
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def pools(kept: WeakSet[Any]) -> dict[str, type]:
    """Pools, by scheme, that put each connection which they open among the kept ones."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            kept.add(self)
            super().connect()
            kept.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            kept.add(self)
            super().connect()
            kept.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def hardened(*, agent: str, private: bool, seconds: float) -> tuple[HTTPSession, WeakSet[Any]]:
    """A session that reaches the very address it has checked, private ones only when it is told so, follows nothing by
    itself, and uses neither a proxy nor a password file of this machine; and its connections, to be cut."""
    config = Config(
        ip_filter_enable=not private,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(seconds, seconds),
        user_agent_override=agent,
    )
    session = HTTPSession(config)
    session.trust_env = False
    kept: WeakSet[Any] = WeakSet()
    for adapter in session.adapters.values():
        adapter.poolmanager.pool_classes_by_scheme = pools(kept)
    return session, kept


def cut_all(kept: WeakSet[Any]) -> None:
    for one in list(kept):
        with suppress(OSError, AttributeError):  # closed meanwhile
            getattr(one, "sock", one).shutdown(socket.SHUT_RDWR)
