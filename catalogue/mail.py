"""Letters to the documentalist, by the mail server of the settings (TRAVEE_MAIL_URL).

    smtp://user:password@smtp.exemple.fr:587?from=catalogue@exemple.fr     STARTTLS, then the password
    smtps://user:password@smtp.exemple.fr                                  TLS from the first byte (port 465)
    smtp://localhost                                                       the machine's own server, as it is

A password never goes out in the clear: where another machine offers no TLS, nothing is sent, unless `tls=no` says
that this is meant (a server on the same network that knows no better).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from catalogue.i18n import _

SECONDS = 20.0  # for each exchange with the server
LONGEST_SUBJECT = 150
PORTS = {"smtp": 25, "smtps": 465}
_ANYBODY = "quelqu.un@exemple.fr"  # to read an address that leaves the sender to the settings
OURSELVES = ("localhost", "127.0.0.1", "::1")


class NotSent(Exception):
    """The server did not take the letter; the message says why, as the server or the machine said it."""


@dataclass(frozen=True, slots=True)
class Server:
    scheme: str
    host: str
    port: int
    user: str
    password: str
    sender: str
    clear: bool  # without TLS

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def parse_url(url: str, default_sender: str = "") -> Server:
    """Raises NotSent for what is no address of a mail server.

    >>> parse_url("smtp://claire:mot%40passe@smtp.exemple.fr:587?from=doc@exemple.fr").password
    'mot@passe'
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise NotSent(_("TRAVEE_MAIL_URL n’est pas une adresse de serveur : smtp://… ou smtps://…")) from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise NotSent(_("TRAVEE_MAIL_URL n’est pas une adresse de serveur : smtp://… ou smtps://…"))
    options = dict(parse_qsl(parts.query))
    user = unquote(parts.username or "")
    sender = options.get("from") or default_sender or (user if "@" in user else "")
    if "@" not in sender:
        raise NotSent(_("TRAVEE_MAIL_URL ne dit pas de quelle adresse écrire : …?from=adresse@exemple.fr"))
    return Server(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=user,
        password=unquote(parts.password or ""),
        sender=sender,
        clear=options.get("tls") == "no" or parts.hostname in OURSELVES,
    )


def is_server(url: str) -> bool:
    """Whether a letter could be given to it, once it is known from whom."""
    try:
        parse_url(url, default_sender=_ANYBODY)
    except NotSent:
        return False
    return url.isprintable() and " " not in url


def without_password(url: str) -> str:
    """As it may be shown.

    >>> without_password("smtp://claire:secret@smtp.exemple.fr:587?from=doc@exemple.fr")
    'smtp://claire@smtp.exemple.fr:587?from=doc@exemple.fr'
    """
    head, slashes, rest = url.partition("://")
    end = min((rest.find(sign) for sign in "/?#" if sign in rest), default=len(rest))
    user, at, host = rest[:end].rpartition("@")
    return f"{head}{slashes}{user.partition(':')[0]}{at}{host}{rest[end:]}"


def with_password(url: str, password: str, *, before: str = "") -> str:
    """The address with this password; without one, with that which the address `before` it had for the same server
    and user: a password that is kept never goes to another server.
    """
    if not is_server(url) or not urlsplit(url).username or urlsplit(url).password:
        return url
    if not password and without_password(before) == url:
        return before
    if not password and is_server(before):
        new, old = parse_url(url, default_sender=_ANYBODY), parse_url(before, default_sender=_ANYBODY)
        if (new.scheme, new.name, new.user, new.clear) == (old.scheme, old.name, old.user, old.clear):
            password = old.password
    if not password:
        return url
    head, slashes, rest = url.partition("://")
    user, at, host = rest.partition("@")
    return f"{head}{slashes}{user}:{quote(password, safe='')}{at}{host}"


def letter(sender: str, to: str, subject: str, paragraphs: Sequence[str]) -> EmailMessage:
    """A letter in plain text. It says that a machine wrote it, so that no holiday answer comes back."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = to
    made["Subject"] = " ".join(subject.split())[:LONGEST_SUBJECT]
    made["Date"] = formatdate(localtime=False)
    made["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n\n".join(paragraphs) + "\n")
    return made


def send(url: str, to: str, subject: str, paragraphs: Sequence[str], *, sender: str = "") -> None:
    """Give one letter to the server, from its own address, else from `sender`.

    Raises NotSent, with its reason, whatever went wrong.
    """
    server = parse_url(url, default_sender=sender or to)
    try:
        message = letter(server.sender, to, subject, paragraphs)
        with _connected(server) as connection:
            connection.send_message(message)
    except (smtplib.SMTPException, ssl.SSLError, OSError, ValueError) as error:
        raise NotSent(f"{server.name} : {_words(error)}") from error


def _connected(server: Server) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if server.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=trusted)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        connection.ehlo()
        if server.scheme == "smtp" and not server.clear and connection.has_extn("starttls"):
            connection.starttls(context=trusted)
            connection.ehlo()
        if server.user:
            if not server.clear and not isinstance(connection.sock, ssl.SSLSocket):
                words = _("ce serveur ne propose pas de connexion chiffrée : le mot de passe n’est pas parti.")
                raise NotSent(f"{server.name} : {words}")
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _words(error: Exception) -> str:
    """What the server said, on one line and in readable length; never the password, which no answer repeats."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        error = smtplib.SMTPResponseException(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {' '.join(text.split())}"[:200]
    return (" ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__)[:200]
