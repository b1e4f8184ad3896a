"""Where documents can be read, for bibliographies: asked once for all of them, in a few queries.

The words are those of the public pages (`catalogue.reading`): an article stands in its issue, a chapter in
its book, a document that only a partner holds says so, what is withdrawn says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from catalogue import db, reading
from catalogue.i18n import _, ngettext
from catalogue.reading import Access
from export.bibliography import Whereabouts

_PARTNERS = 3  # named for one document


def whereabouts(session: Session, notice_ids: Sequence[int]) -> dict[str, Whereabouts]:
    """By permanent address."""
    out: dict[str, Whereabouts] = {}
    for part in db.chunks(notice_ids):
        for card in reading.result_cards(session, part, withdrawn=True):
            out[card.address] = _of(card.access)
    return out


def _of(access: Access) -> Whereabouts:
    words = []
    first = access.copies[0] if access.copies else None
    if first is not None:
        place = ", ".join(part for part in (first.location, first.section) if part)
        words.append(" · ".join(part for part in (place or _("Sur place"), first.status_words) if part))
        if access.host:
            words.append(
                _("dans le numéro où il a paru") if access.host == "issue" else _("dans le livre où il a paru")
            )
    if access.issues:
        issues = ngettext("Sur place : {n} numéro", "Sur place : {n} numéros", access.issues)
        words.append(issues.format(n=access.issues))
    words += [
        _("Chez un partenaire : {centre}").format(centre=f"{p.centre} ({p.call_number})" if p.call_number else p.centre)
        for p in access.partners[:_PARTNERS]
    ]
    words += [_("En ligne : {address}").format(address=way.url) for way in access.online if way.host][:1]
    return Whereabouts(first.call_number if first else "", tuple(words))
