"""Connections that are kept in sight, so that one which drips, or whose answer nobody awaits any more, can be cut."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def pools(kept: WeakSet[Any]) -> dict[str, type]:
    """Pools, by scheme, that put each connection which they open among the kept ones."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            kept.add(self)
            super().connect()

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            kept.add(self)
            super().connect()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def cut_all(kept: WeakSet[Any]) -> None:
    for connection in list(kept):
        with suppress(OSError, AttributeError):  # closed meanwhile
            connection.sock.shutdown(socket.SHUT_RDWR)
