"""PMB's old addresses, to ours: what was printed, bookmarked and cited before the move still leads to its document.

Which page of PMB's public site (`opac_css`) is which of ours is a table; the numbers in its addresses are those that
the centre's own base gave (`ExternalId` of the source named in the settings; a category that came with documents
only, not with a thesaurus, is known by them). PMB.md section 4 lists the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.entities import AUTHOR, CATEGORY, INDEX
from catalogue.models import (
    Agent,
    Centre,
    ClassificationEntry,
    Concept,
    DigitalDocument,
    ExternalId,
    Notice,
    NoticeConcept,
    Source,
)

# `lvl` -> the number space of its `id`, and the table that has the row.
PAGES: Mapping[str, tuple[str, type[Notice | Agent | Concept | ClassificationEntry]]] = {
    "notice_display": ("record", Notice),
    "bulletin_display": ("bull", Notice),
    "author_see": (AUTHOR, Agent),
    "categ_see": (CATEGORY, Concept),
    "concept_see": (CATEGORY, Concept),
    "indexint_see": (INDEX, ClassificationEntry),
}
# Pages that have a counterpart, whatever their number.
GENERAL = {
    "": "/",
    "index": "/",
    "accueil": "/",
    "search_segment": "/recherche",
    "search_result": "/recherche",
    "more_results": "/recherche",
    "advanced_search": "/recherche",
    "extended_search": "/recherche",
    "categories": "/themes",
    "last_records": "/nouveautes",
    "rss_see": "/nouveautes.atom",
    "bannette": "/nouveautes",
    "etagere_see": "/nouveautes",
    "etageres_see": "/nouveautes",
    "section_see": "/recherche",
    "publisher_see": "/recherche",
    "coll_see": "/recherche",
    "cart": "/selection",
    "show_cart": "/selection",
}
_LONGEST = 20  # a number
_WITH_A_PAGE = ("published", "withdrawn", "merged")  # the last leads on to what it was merged into


def page_of(session: Session, source_name: str, asked: Mapping[str, str]) -> str | None:
    """Our path for an `index.php` of PMB's; None where nothing answers."""
    level, number = asked.get("lvl", ""), asked.get("id", "")
    if level in PAGES:
        space, table = PAGES[level]
        if not number or len(number) > _LONGEST:
            return None
        found = _row(session, source_name, space, number, table)
        return found or (_theme_of(session, source_name, number) if space == CATEGORY else None)
    return GENERAL.get(level)


def document_of(session: Session, asked: Mapping[str, str]) -> str | None:
    """The page of the document whose file PMB served as `doc_num.php?explnum_id=12`."""
    number = asked.get("explnum_id", "")
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST):
        return None
    ending = f"doc_num.php?explnum_id={number}"
    statement = (
        select(Notice.address)
        .join(DigitalDocument, DigitalDocument.notice_id == Notice.id)
        .join(Centre, Centre.id == Notice.owner_id)
        .where(DigitalDocument.url.endswith(ending, autoescape=True), Notice.status.in_(_WITH_A_PAGE))
        .order_by(Centre.is_ours.desc(), DigitalDocument.id)  # a partner's PMB has numbers of its own
    )
    address = session.scalars(statement.limit(1)).first()
    return f"/d/{address}" if address else None


def _row(
    session: Session,
    source_name: str,
    space: str,
    number: str,
    table: type[Notice | Agent | Concept | ClassificationEntry],
) -> str | None:
    entity = {Notice: "notice", Agent: "agent", Concept: "concept", ClassificationEntry: "class"}[table]
    statement = (
        select(ExternalId.entity_id)
        .join(Source, Source.id == ExternalId.source_id)
        .where(
            Source.name == source_name,
            ExternalId.space == space,
            ExternalId.value == number,
            ExternalId.entity == entity,
        )
    )
    found = session.scalar(statement)
    row = session.get(table, found) if found is not None else None
    if isinstance(row, Notice):
        return f"/d/{row.address}" if row.status in _WITH_A_PAGE else None
    if isinstance(row, ClassificationEntry):
        return f"/rayons/{row.number}"
    if isinstance(row, Agent):
        return f"/auteurs/{row.id}"
    return f"/themes/{row.id}" if isinstance(row, Concept) else None


def _theme_of(session: Session, source_name: str, number: str) -> str | None:
    """The theme that documents name by this number (606 `$9 id:`): its page, or theirs when it is in no thesaurus."""
    statement = (
        select(NoticeConcept.concept_id, NoticeConcept.label)
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(NoticeConcept.promise == f"{source_name}:{CATEGORY}:{number}", Notice.status == "published")
        .order_by(NoticeConcept.concept_id.is_(None), NoticeConcept.id)
        .limit(1)
    )
    for concept_id, label in session.execute(statement):
        return f"/recherche?{urlencode({'theme': label})}" if concept_id is None else f"/themes/{concept_id}"
    return None
