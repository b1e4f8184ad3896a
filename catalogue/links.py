"""The links of a notice: an address and what stands there, in its fields (856; 897 of a PMB).

Adding, correcting or taking off a link is a revision of the notice, in a lot; its row (`catalogue.digital`) follows. An
address may be given by several notices: they are corrected together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import digital, history, notices
from catalogue.file_types import without_controls
from catalogue.i18n import N_, _
from catalogue.models import Batch, DigitalDocument, Notice
from catalogue.notices import Edit
from catalogue.unimarc import Field, first

KIND = "document"  # of a lot
ADDRESS, WORDS = {"856": "u", "897": "a"}, {"856": "z", "897": "b"}
LONGEST = 2000
LIVING = ("draft", "candidate", "published", "withdrawn")
BAD = N_(
    "« %(url)s » n’est pas une adresse web : elle commence par https:// et se copie depuis la barre du navigateur."
)

SECRET = N_(
    "Cette adresse contient un nom ou un mot de passe, que tous liraient : retirez ce qui est entre « // » et « @ »."
)
_SECRET = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)


def clean(url: str) -> str:
    """A web address as it is written, "" for what is none.

    >>> clean(" HTTPS://exemple.fr/a "), clean("exemple.fr"), clean("javascript:alert(1)"), clean("https://a:b@exemple.fr")
    ('HTTPS://exemple.fr/a', '', '', '')
    """
    url = without_controls(url).strip()
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return ""
    known = parts.scheme.lower() in ("http", "https") and parts.hostname and not any(c.isspace() for c in url)
    return url if known and "@" not in parts.netloc and len(url) <= LONGEST else ""


def wrong(url: str) -> str:
    """The sentence of what is wrong with an address that somebody typed, "" when nothing is. A password is not said."""
    if clean(url):
        return ""
    if _SECRET.match(without_controls(url).strip()):
        return _(SECRET)
    return _(BAD) % {"url": " ".join(without_controls(url).split())[:200]}


def add(session: Session, notice: Notice, url: str, label: str, *, by: str) -> str:
    """Give a notice one more link. Returns the sentence of what is wrong with it, "" when it is done."""
    if sentence := wrong(url):
        return sentence
    address = clean(url)
    if any(said.url == address for said in digital.addresses_of(session, [notice.id]).get(notice.id, ())):
        return _("Cette notice a déjà ce lien.")
    pairs = [["u", address], *([["z", label]] if label else [])]
    batch = history.open_batch(session, KIND, by=by)
    notices.revise(session, notice, [*notice.fields, {"t": "856", "i": "  ", "s": pairs}], by=by, batch=batch)
    return ""


def givers(session: Session, url: str) -> list[Notice]:
    """The notices that give this address."""
    of = select(DigitalDocument.notice_id).where(DigitalDocument.url == url, DigitalDocument.rights != digital.REMOVED)
    found = select(Notice).where(Notice.id.in_(of), Notice.status.in_(LIVING)).order_by(Notice.id)
    return list(session.scalars(found))


def correct(
    session: Session, given: Sequence[Notice], url: str, new: str, *, by: str, label: str | None = None
) -> Batch | None:
    """Write another address instead of this one, and other words when they are given. None when nothing changes."""

    def corrected(field: Field) -> Field | None:
        code, words = ADDRESS[field["t"]], WORDS[field["t"]]
        pairs = [[c, new if c == code else value] for c, value in field["s"]]
        if label is not None:
            pairs = [pair for pair in pairs if pair[0] not in ("z", "3", "b", "y") or pair[0] == code]
            pairs += [[words, label]] if label else []
        return {**field, "s": pairs}

    return _rewrite(session, given, url, corrected, by=by)


def take_off(session: Session, given: Sequence[Notice], url: str, *, by: str) -> Batch | None:
    """These notices no longer give this address."""
    return _rewrite(session, given, url, lambda _field: None, by=by)


def _rewrite(
    session: Session, given: Iterable[Notice], url: str, change: Callable[[Field], Field | None], *, by: str
) -> Batch | None:
    edits = []
    for notice in given:
        fields: list[Any] = [change(f) if _gives(f, url) else f for f in notice.fields]
        fields = [f for f in fields if f is not None]
        if fields != notice.fields:
            edits.append(Edit(notice, fields))
    if not edits:
        return None
    batch = history.open_batch(session, KIND, by=by)
    notices.revise_many(session, edits, batch=batch)
    return batch


def _gives(field: Field, url: str) -> bool:
    return field["t"] in ADDRESS and first(field, ADDRESS[field["t"]]).strip() == url
