"""« Trouvé dans le texte, p. 12 »: the page of a document's text that answers a question, quoted where that is allowed.

Whether a page may be quoted is asked of the database at the moment it is shown, never of the index; the page is then
looked into, and quoted only if the words do stand in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from catalogue import digital, file_store
from catalogue.models import DigitalDocument
from catalogue.reading import Card
from indexes import pages
from indexes.analysis import highlight
from indexes.sync import Index

EXTRACT_CHARS = 200  # two lines of a result


@dataclass(frozen=True, slots=True)
class Passage:
    """`address`: of the page in its file, and `pieces` of it, for a text that may be quoted; else nothing."""

    page: int
    address: str = ""
    pieces: tuple[tuple[str, bool], ...] = ()


def find(
    session: Session, index: Index, folder: Path, query: str, terms: Sequence[str], cards: Sequence[Card]
) -> dict[int, Passage]:
    """For each card whose document's text holds some of the words. OSError when the index does not answer."""
    texts = digital.searched(session, [card.notice_id for card in cards]) if terms else {}
    found = pages.find(index, texts, query) if texts else {}
    return {
        card.notice_id: _passage(card, texts[card.notice_id][place.document], place.page, terms, folder)
        for card in cards
        if (place := found.get(card.notice_id)) and place.document < len(texts[card.notice_id])
    }


def _passage(card: Card, document: DigitalDocument, page: int, terms: Sequence[str], folder: Path) -> Passage:
    if document.rights != "open":
        return Passage(page)
    text = file_store.read_pages(file_store.text_path(folder, document.sha256))[page - 1 : page]
    pieces = highlight(" ".join(text[0].split()), terms, EXTRACT_CHARS) if text else []
    if not any(hit for _words, hit in pieces):  # the text has changed since it was indexed
        return Passage(page)
    return Passage(page, f"/d/{card.address}/{digital.path_of(document)}#page={page}", tuple(pieces))
