"""What a harvest compares its records with: notices as they stand now, however often they have been met."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.orm import Session

from catalogue import notices, sources
from catalogue.db import Database
from catalogue.models import Source
from catalogue.sources import Received
from catalogue.unimarc import Fields
from harvest.incoming import Incoming
from harvest.recognising import prepare, recognise


def book(title: str, isbn: str) -> Fields:
    return [
        {"t": "000", "v": "     nam0 22     3  450 "},
        {"t": "010", "i": "  ", "s": [["a", isbn]]},
        {"t": "100", "i": "  ", "s": [["a", "20140312d2014    m  y0frey50      ba"]]},
        {"t": "200", "i": "1 ", "s": [["a", title]]},
        {"t": "210", "i": "  ", "s": [["c", "Presses du Faubourg"], ["d", "2014"]]},
    ]


ORCHARDS, OTHER = book("Vergers des faubourgs", "9782070360024"), book("Halles couvertes", "9782070368228")


def told_same(session: Session, source: Source) -> list[int]:
    """The notices that are the same document as the record, for the machine."""
    row = Incoming(Received("oai:X:1", "f", ORCHARDS), None)
    return list(recognise(session, source, {0: row}, {0: 1}).notices.values())


def test_a_notice_edited_since_it_was_met_is_compared_as_it_stands(database: Database) -> None:
    """Even when an edit that was taken back had the number that the next one gets."""
    with database.write() as session:
        source = sources.for_file(session, "RECI")
        notice = notices.create(session, ORCHARDS, by="anne", status="published")
    prepare(database)
    with database.write() as session:
        assert told_same(session, source) == [notice.id]
    with database.write_session() as session:
        notices.revise(session, notices.get(session, notice.id), OTHER, by="anne")
        assert told_same(session, source) == []
        session.rollback()
    with database.write() as session:
        assert told_same(session, source) == [notice.id]
        edited = [*ORCHARDS, {"t": "300", "i": "  ", "s": [["a", "Dédicacé"]]}]
        notices.revise(session, notices.get(session, notice.id), edited, by="anne")  # type: ignore[arg-type]
        assert told_same(session, source) == [notice.id]


def test_what_a_page_saw_that_failed_is_not_remembered(database: Database) -> None:
    """Closed without a word, as a session is that an error goes through: the next change has the number it had."""
    with database.write() as session:
        source = sources.for_file(session, "RECI")
        notice = notices.create(session, ORCHARDS, by="anne", status="published")
    prepare(database)
    with suppress(ArithmeticError), database.write_session() as session:
        notices.revise(session, notices.get(session, notice.id), OTHER, by="anne")
        assert told_same(session, source) == []
        raise ArithmeticError
    with database.write() as session:
        edited = [*ORCHARDS, {"t": "300", "i": "  ", "s": [["a", "Dédicacé"]]}]
        notices.revise(session, notices.get(session, notice.id), edited, by="anne")  # type: ignore[arg-type]
        assert told_same(session, source) == [notice.id]
