"""Which MARC a record is in, what it describes, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.entities import AgentRow, Thesaurus
from catalogue.problems import Refusal
from catalogue.unimarc import LEADER, Field, Fields, Record, kind, leader, level, title
from harvest.crosswalk.flavour import flavour, nature, settle
from tests.cast import field, notice

MARC_21 = "     cam a22     3a 4500"
BNF = "     c0xm222     3  45p0"  # a digit where the others say what the document is


def control(tag: str, value: str) -> Field:
    return {"t": tag, "v": value}


def record(mark: str, *fields: Field) -> Record:
    number = next((f["v"] for f in fields if f["t"] == "001"), None)
    return Record([control("000", mark), *fields], position=7, control_number=number, raw=b"as received")


DOCUMENT = record(LEADER, control("001", "u1"), field("100", "a", "x" * 36), field("200", "a", "Titre"))
SUDOC = record(LEADER, control("001", "s1"), control("008", "Aax3"), field("200", "a", "Titre"), field("801", "b", "x"))
AMERICAN = record(
    MARC_21, control("001", "m1"), control("008", "y" * 40), field("245", "a", "A city"), field("650", "a", "Cities")
)
UNTITLED = record(MARC_21, control("001", "m2"), control("008", "y" * 40), field("100", "a", "Doe, Jane"))
INTERMARC = record(
    BNF, control("001", "FRBNF1"), control("008", "z" * 62), field("245", "a", "Titre"), field("280", "a", "1 vol.")
)
INTERMARC_BARE = record(BNF, control("001", "FRBNF3"), field("245", "a", "Titre"))
INTERMARC_PERSON = record(
    "     c0 p 22     3  45  ", control("001", "FRBNF2"), field("100", "a", "Dumas", "m", "Agnès")
)
PERSON = record("     nx  a22     3  4500", control("001", "a1"), field("200", "a", "Dumas", "b", "Agnès"))
KOHA_PERSON = record(
    "         a22        4500", control("001", "a2"), field("152", "b", "NP"), field("200", "a", "Dumas")
)
SUBJECT = record("     nx  j22     3  4500", control("001", "a3"), field("250", "a", "Renouvellement urbain"))
COLLECTED = record(
    "     nx  h22     3  4500", control("001", "a4"), field("152", "b", "x"), field("245", "t", "Œuvres")
)
AMERICAN_PERSON = record("     nz  a22     o  4500", control("008", "y" * 40), field("100", "a", "Doe, Jane"))
WORK = record(
    "     nx  f22     3  4500", control("001", "w1"), field("152", "a", "RDA-FR"), field("231", "a", "Dracula")
)
COPY = record("     na a 22     3  4500", control("004", "u1"), field("252", "a", "Bibliothèque", "j", "364 DUM"))
AMERICAN_HOLDINGS = record("     nx  a22     3n 4500", control("008", "h" * 32), field("852", "h", "PZ7"))


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (DOCUMENT, ("unimarc", "document")),
        (SUDOC, ("unimarc", "document")),
        (AMERICAN, ("marc21", "document")),
        (UNTITLED, ("marc21", "document")),
        (INTERMARC, ("intermarc", "document")),
        (INTERMARC_BARE, ("intermarc", "document")),
        (INTERMARC_PERSON, ("intermarc", "document")),
        (PERSON, ("unimarc", "authority")),
        (KOHA_PERSON, ("unimarc", "authority")),
        (SUBJECT, ("unimarc", "authority")),
        (COLLECTED, ("unimarc", "authority")),
        (AMERICAN_PERSON, ("marc21", "authority")),
        (WORK, ("unimarc", "entity")),
        (COPY, ("unimarc", "holdings")),
        (AMERICAN_HOLDINGS, ("marc21", "holdings")),
    ],
)
def test_a_record_says_what_it_is_by_its_tags_and_its_leader(read: Record, expected: tuple[str, str]) -> None:
    tags, mark = {f["t"] for f in read.fields}, leader(read.fields)
    found = flavour(tags, mark)
    assert (found, nature(tags, mark, found)) == expected


def test_what_marcxchange_states_wins() -> None:
    assert flavour({"001", "200"}, LEADER, "Intermarc") == "intermarc"
    assert flavour({"001", "245"}, MARC_21, "MARC 21") == "marc21"
    assert flavour({"001", "200"}, LEADER, "something else") == "unimarc"


def test_a_document_in_unimarc_stays_as_it_is() -> None:
    assert settle(DOCUMENT) is DOCUMENT


def test_marc_21_becomes_unimarc_and_says_so() -> None:
    settled = settle(AMERICAN)
    assert isinstance(settled, Record)
    assert title(settled.fields) == "A city"
    assert settled.repairs[0].code == "record.from_marc21"
    assert (settled.position, settled.control_number, settled.raw) == (7, "m1", b"as received")


def test_an_authority_becomes_an_agent_or_a_concept() -> None:
    person, subject = settle(PERSON), settle(SUBJECT)
    assert isinstance(person, AgentRow)
    assert (person.name, person.number, person.position) == ("Dumas, Agnès", "a1", 7)
    assert isinstance(subject, Thesaurus)
    assert subject.rows[0].label == "Renouvellement urbain"


@pytest.mark.parametrize(
    ("read", "code", "words"),
    [
        (INTERMARC, "record.intermarc", "demandez-la en UNIMARC"),
        (INTERMARC_PERSON, "record.intermarc", "demandez-la en UNIMARC"),
        (WORK, "record.entity", "œuvre"),
        (COPY, "record.holdings", "exemplaire"),
    ],
)
def test_what_has_no_place_here_is_refused_with_a_sentence(read: Record, code: str, words: str) -> None:
    told = settle(read)
    assert isinstance(told, Refusal)
    assert (told.code, told.position, told.raw) == (code, 7, b"as received")
    assert words in told.sentence()


# --- a leader that says nothing --------------------------------------------------------------


def useless(*fields: Field) -> Record:
    return record("     nx   22     #  450 ", field("995", "f", "B1"), *notice("Titre", *fields)[1:])


@pytest.mark.parametrize(
    ("fields", "mark", "expected"),
    [
        ([field("971", "a", "Ouvrage")], "nam0 ", ("monograph", "book")),
        ([field("971", "a", "Chapitre")], "naa2 ", ("article", "article")),
        ([field("099", "t", "ART"), field("463", "t", "Gazette")], "naa2 ", ("article", "article")),
        ([field("463", "t", "Gazette des quartiers")], "naa2 ", ("article", "article")),
        ([field("971", "a", "Ouvrage"), field("463", "t", "Une collection")], "nam0 ", ("monograph", "book")),
        ([field("011", "a", "1234-5679")], "nas1 ", ("serial", "serial")),
        ([field("971", "a", "Revue"), field("463", "v", "79")], "nas2 ", ("issue", "issue")),
        ([field("126", "a", "x")], "njm0 ", ("monograph", "multimedia")),
        ([], "nam0 ", ("monograph", "book")),
    ],
)
def test_type_and_level_are_deduced_and_told(fields: Fields, mark: str, expected: tuple[str, str]) -> None:
    settled = settle(useless(*fields))
    assert isinstance(settled, Record)
    assert leader(settled.fields)[5:10] == mark
    assert (level(settled.fields), kind(settled.fields)) == expected
    assert [(p.code, p.level) for p in settled.repairs] == [("leader.deduced", "info")]


@pytest.mark.parametrize("mark", ["     ntm0 22     3  450 ", "     n1s1 22     3  450 ", "     nj  a22        4500"])
def test_a_leader_that_says_something_is_kept(mark: str) -> None:
    known: Any = record(mark, *notice("Titre")[1:])
    assert settle(known) is known
