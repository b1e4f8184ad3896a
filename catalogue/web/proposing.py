"""What the search box proposes to somebody who types, in the words of the page: themes, authors, words.

A theme found by another of its names says both: « ghetto → Ségrégation urbaine ».
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from catalogue.i18n import _, format_number, ngettext
from catalogue.models import Notice, NoticeAgent
from catalogue.text import fold
from catalogue.web.asked import LONGEST_QUERY, Asked
from catalogue.web.searching import Searcher
from catalogue.web.topics import theme_words
from indexes.suggestions import Suggestion, suggest

MOST_BYTES = 4_000  # of an answer: one is sent for nearly every key


@dataclass(frozen=True, slots=True)
class Proposal:
    """`text`: what a browser's own box would ask; `shown`: what is read in ours; `about`: a word more, at its end."""

    text: str
    shown: str
    about: str
    address: str


def proposals(searcher: Searcher, typed: str, asked: Asked, address: Callable[[Asked], str]) -> list[Proposal]:
    """`asked`: where the visitor is looking. OSError when the index does not answer."""
    found = suggest(
        searcher.index,
        typed,
        scope=asked.scope,
        others=searcher.thesaurus.other_names(searcher.session),
        authors_of=partial(_authors_of, searcher.session),
    )
    place = Asked(scope=asked.scope, default_scope=asked.default_scope)
    return [_proposal(one, place, address) for one in found]


def to_json(typed: str, found: Sequence[Proposal]) -> str:
    """As OpenSearch has it: [typed, [texts], [what is said of each], [addresses]]; then, for our own box, [what it
    shows]."""
    columns = ([getattr(one, name) for one in found] for name in ("text", "about", "address", "shown"))
    body = json.dumps([typed[:LONGEST_QUERY], *columns], ensure_ascii=False, separators=(",", ":"))
    return body if len(body.encode()) <= MOST_BYTES or not found else to_json(typed, found[:-1])


def _proposal(found: Suggestion, place: Asked, address: Callable[[Asked], str]) -> Proposal:
    documents = ngettext("{n} document", "{n} documents", found.count).format(n=format_number(found.count))
    if found.kind == "theme":
        name = theme_words(found.text)
        shown = _arrow(found.via or found.text, name)
        return Proposal(name, shown, documents, address(place.but(chosen=(("theme", found.text),))))
    asked = address(place.but(query=found.query))
    if found.kind == "author":
        about = _("auteur, %(documents)s") % {"documents": documents}
        return Proposal(found.query, found.text, about, asked)
    return Proposal(found.text, found.text, "", asked)


def _arrow(typed: str, name: str) -> str:
    return name if fold(typed) == fold(name) else f"{typed} → {name}"


def _authors_of(session: Session, notice_ids: Sequence[int]) -> Iterable[str]:
    """What an index says is published is not taken for granted."""
    public = and_(Notice.id == NoticeAgent.notice_id, Notice.status == "published")
    return session.scalars(select(NoticeAgent.name).join(Notice, public).where(Notice.id.in_(notice_ids)))
