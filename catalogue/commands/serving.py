"""Waitress, with one habit of its own: what is longer than a file may be is let by, and kept nowhere.

Waitress stores the whole of what is sent before the application hears of it, up to a gigabyte on disk. Here a body that
is too long is read and thrown away; the application gets it empty, with the length that was said, and answers as it
does to what is too large. (A connection that was closed at once would look to most browsers like a failure of the
network, not like the page that says why.)
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from waitress import create_server
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

MEGABYTE = 1 << 20
AROUND = 1  # megabytes: what a form sends besides its file


class _Letting(OverflowableBuffer):
    """Keeps so many bytes, counts them all."""

    def __init__(self, overflow: int, most: int) -> None:
        super().__init__(overflow)
        self.most, self.seen = most, 0

    def append(self, s: bytes) -> None:
        self.seen += len(s)
        if self.seen <= self.most:
            super().append(s)

    def __len__(self) -> int:
        return max(self.seen, super().__len__())


def channel_class(most: int) -> type:
    """How a server that keeps bodies of so many bytes hears its clients."""

    class Parser(HTTPRequestParser):
        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            if self.body_rcv is not None:
                self.body_rcv.buf = _Letting(self.adj.inbuf_overflow, 0 if self.content_length > most else most)

    class Channel(HTTPChannel):
        parser_class = Parser

    return Channel


def serve(app: Flask, *, host: str, port: int, threads: int, largest_mb: int) -> None:
    """Serve until the process is told to leave. OSError when the port cannot be had."""
    listening: dict[int, Any] = {}
    server = create_server(app, map=listening, host=host, port=port, threads=threads, ident=None)
    for one in [server, *listening.values()]:
        if hasattr(one, "channel_class"):
            one.channel_class = channel_class((largest_mb + AROUND) * MEGABYTE)
    server.run()
