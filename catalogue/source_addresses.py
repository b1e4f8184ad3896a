"""Where a partner is asked: the address of its server, and what it was before, with who changed it and when.

At another address everything is asked for again, as of a source that is met for the first time: `harvest.run` begins
where a run of the same address left off. What came from the old one stays, and is recognised by its identifiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy.orm import Session

from catalogue import db, history
from catalogue.models import Source
from catalogue.problems import Stopped

# What may stand behind « ? » in an address copied from a browser, and is no part of a server's address.
OAI_ARGUMENTS = frozenset(("verb", "metadataPrefix", "set", "from", "until", "resumptionToken", "identifier"))
CHANGES, CHANGES_KEPT = "addresses", 20  # in a source's profile


class BadAddress(Stopped):
    """This is not the address of a server."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change: by whom, when, and the address that it replaced."""

    by: str
    at: datetime
    before: str


def server_address(url: str) -> str:
    """The server's address without what belongs to one question, so that any link of it may be pasted.

    >>> server_address("https://pmb.exemple.fr/oai?source_id=2&verb=ListRecords&metadataPrefix=oai_dc")
    'https://pmb.exemple.fr/oai?source_id=2'
    """
    try:
        parts = urlsplit(url.strip())
        _port = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadAddress("oai.bad_url", {"url": url})
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in OAI_ARGUMENTS]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(kept), ""))


def change(session: Session, source: Source, url: str, *, by: str, local: bool | None = None) -> bool:
    """Ask this partner elsewhere from now on; whether that changes anything. Raises BadAddress.

    `local`: whether it stands on a private network, where that changes too.
    """
    history.turn(session)
    address = server_address(url)
    wished = source.local if local is None else local
    if (address, wished) == (source.url, source.local):
        return False
    if address != source.url:
        profile = source.profile or {}
        row = {"by": by, "at": db.now().isoformat(), "before": source.url}
        source.profile = {**profile, CHANGES: [*profile.get(CHANGES, ()), row][-CHANGES_KEPT:]}
    source.url, source.local = address, wished
    session.flush()
    return True


def changes_of(source: Source) -> list[Changed]:
    """Latest first."""
    rows = (source.profile or {}).get(CHANGES, ())
    return [Changed(row["by"], datetime.fromisoformat(row["at"]), row["before"]) for row in reversed(rows)]
