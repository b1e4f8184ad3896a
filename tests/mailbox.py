"""A mail server of our own, that keeps what it is given: enough of SMTP (RFC 5321) for one letter at a time.

    with Mailbox() as mailbox:
        ...  # TRAVEE_MAIL_URL = mailbox.url
    mailbox.letters[0]["Subject"]

`refuses` is what it answers instead of taking the letter; `users` are those who must sign in first.
"""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Mapping
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any


class Mailbox(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, refuses: str = "", users: Mapping[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.letters: list[EmailMessage] = []
        self.refuses, self.users = refuses, dict(users or {})
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}?from=catalogue@exemple.fr"

    def __enter__(self) -> Mailbox:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self._thread.join(timeout=5)
        self.server_close()


class _Conversation(StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.say("220 mailbox")
        known = not self.server.users
        while line := self.rfile.readline():
            verb, _space, rest = line.decode("ascii").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self.say("250-mailbox", "250 AUTH PLAIN" if self.server.users else "250 8BITMIME")
                case "AUTH":
                    _zero, user, password = base64.b64decode(rest.removeprefix("PLAIN ")).decode().split("\0")
                    known = self.server.users.get(user) == password
                    self.say("235 ok" if known else "535 who are you?")
                case "MAIL":
                    self.say(self.server.refuses or "250 ok" if known else "530 sign in first")
                case "DATA":
                    self.say("354 go on")
                    self.server.letters.append(self.letter())
                    self.say("250 kept")
                case "QUIT":
                    self.say("221 bye")
                    break
                case _:
                    self.say("250 ok")

    def letter(self) -> Any:
        lines = iter(self.rfile.readline, b".\r\n")
        body = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        return email.message_from_bytes(body, policy=email.policy.default)

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))
