"""What goes out comes back: the wire mapping, the three formats, and the list of what a format changes on purpose."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from catalogue.db import Database
from catalogue.models import Notice
from catalogue.unimarc import LEADER, Field, Fields, Record, RecordItem, first, typed
from catalogue.wire import ISO_2709, MARCXML, PMB_XML, Carrier, from_wire, to_wire
from export import iso2709, pmbxml, records
from export.records import Outgoing
from harvest import importer
from harvest.crosswalk.pmbxml import stands_for_issue
from tests import round_trip

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "round-trip.md"
DATA = HERE.parent.parent / "shared" / "data"
REAL = round_trip.unimarc_files([DATA / "unimarc", DATA / "pmb" / "live" / "exports"])
SAMPLED = [p for n, p in enumerate(REAL) if p.parent.name != "sudoc_kalidos" or n % 15 == 0]
CARRIERS = {"ISO 2709": ISO_2709, "MARCXML": MARCXML, "PMB's XML": PMB_XML}

MARKS = st.sampled_from(["travee-id:5", "travee-ind:||", "id:7", "lnk:bull", "d'été", "$ & <b>"])
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp")), min_size=1, max_size=12
)
CODE = st.sampled_from("abcde0123459txyKLM@!é")
PAIRS = st.lists(st.tuples(CODE, TEXT | MARKS).map(list), min_size=1, max_size=4)
CONTROL = st.builds(lambda t, v: Field(t=t, v=v), st.sampled_from(["001", "003", "005", "009", "00A", "105"]), TEXT)
LOOKALIKE = st.sampled_from(
    [
        Field(t="989", i="  ", s=[["2", "travee"], ["a", '["200", "1 ", [["a", "x"]]]']]),
        Field(t="989", i="  ", s=[["2", "travee"], ["a", "not JSON ["]]),
        Field(t="989", i="  ", s=[["2", "travee"], ["a", '["000", "          22        450 "]']]),
        Field(t="009", i="  ", s=[["a", "2024-02-01"]]),
        Field(t="099", i="  ", s=[["t", "d1"], ["2", "pmb"]]),
    ]
)
TAGS = st.sampled_from(["010", "009", "0a1", "1Aa", "215", "300", "461", "606", "700", "989"])
INDICATORS = st.text("01 |#Ad", min_size=2, max_size=2)


@st.composite
def data_fields(draw: st.DrawFn) -> Field:
    f = Field(t=draw(TAGS), i=draw(INDICATORS), s=draw(PAIRS))
    if f["t"] == "461" and draw(st.booleans()):
        f["x"] = draw(st.text("0123456789k", min_size=1, max_size=4))
    return f


MARK = st.builds(
    lambda head, tail: f"     {head}22     {tail}450 ",
    st.text("nca m0s2#|*1", min_size=5, max_size=5),
    st.text("1i3 #|*", min_size=3, max_size=3),
)
ANY = st.builds(
    lambda mark, rest: [Field(t="000", v=mark), *rest],
    MARK,
    st.lists(data_fields() | CONTROL | LOOKALIKE, max_size=6),
)


# --- the mapping -----------------------------------------------------------------------------


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS.keys())
@given(fields=ANY)
def test_what_is_sent_is_what_comes_back(carrier: Carrier, fields: Fields) -> None:
    assert from_wire(to_wire(fields, carrier)) == fields


@given(fields=ANY)
def test_marcxml_gets_only_what_its_schema_allows(fields: Fields) -> None:
    for f in to_wire(fields, MARCXML):
        if f["t"] == "000":
            assert re.fullmatch(r"[\d ]{5}[\dA-Za-z ][\dA-Za-z][\dA-Za-z ]{3}[2 ]{2}[\d ]{5}[\dA-Za-z ]{3}4500", f["v"])
        elif "s" in f:
            assert re.fullmatch("[0-9A-Z]{3}|[0-9a-z]{3}", f["t"])
            assert f["t"] >= "010"
            assert re.fullmatch(r"[\da-z ]{2}", f["i"])
            assert "x" not in f
        else:
            assert re.fullmatch("00[1-9A-Za-z]", f["t"])


def test_iso_2709_keeps_the_009_that_pmb_writes() -> None:
    f = Field(t="009", i="  ", s=[["a", "2024-02-01"]])
    assert to_wire([f], ISO_2709) == [f]
    assert to_wire([f], MARCXML)[0]["t"] == "989"


def test_a_link_stays_a_link_that_others_can_read() -> None:
    [sent] = to_wire([Field(t="463", i=" |", s=[["t", "Gazette"], ["v", "212"]], x="905")], MARCXML)
    assert (sent["t"], sent["i"], sent["s"][:2]) == ("463", "  ", [["t", "Gazette"], ["v", "212"]])
    assert sent["s"][2:] == [["9", "travee-ind: |"], ["9", "travee-id:905"]]


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 5000 + "]" * 5000, '["200"]', '["2", "x"]', "{}", "7", '["200", 1, [["a", "x"]]]'),
        *('["200", "1 ", []]', '["200", "1 ", [["ab", "x"]]]', '["000", "1 ", [["a", "x"]]]'),
        '["200", "1 ", [["a", ["b", ["c", ["d"]]]]]]',
    ],
)
def test_a_spoilt_field_of_ours_stays_as_it_is(text: str) -> None:
    f = Field(t="989", i="  ", s=[["2", "travee"], ["a", text]])
    assert from_wire([f]) == [f]


def test_a_field_of_ours_brings_in_no_character_that_a_base_refuses() -> None:
    f = Field(t="989", i="  ", s=[["2", "travee"], ["a", '["300", "  ", [["a", "x\\u0000\\ud800\\n"]]]']])
    assert first(from_wire([f])[0], "a") == "x\ufffd\ufffd\n"


# --- the formats -----------------------------------------------------------------------------

PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="ÂÃÄÅÊÌÍâ©"), min_size=1, max_size=9
)
WORDS = st.builds(lambda a, b: unicodedata.normalize("NFC", f"{a} {b}"), PLAIN, PLAIN | st.just("& <i>d’été</i>"))


@st.composite
def sound_records(draw: st.DrawFn) -> Record:
    """As a reader gives them: texts in NFC, no empty subfield, a title."""
    fields: Fields = [
        Field(t="000", v=draw(st.sampled_from([LEADER, "     nam0 22     1i 450 ", "     cim# 22     |||450 "]))),
        Field(t="001", v=draw(st.text("0123456789k-", min_size=1, max_size=9))),
        Field(t="200", i="1 ", s=[["a", draw(WORDS)], ["f", draw(WORDS)]]),
    ]
    for _n in range(draw(st.integers(0, 4))):
        tag = draw(st.sampled_from(["300", "330", "410", "606", "676", "700", "856", "900", "989", "98k"]))
        pairs = draw(st.lists(st.tuples(st.sampled_from("abcx49@"), WORDS).map(list), min_size=1, max_size=3))
        fields.append(Field(t=tag, i=draw(INDICATORS), s=pairs))
    if draw(st.booleans()):
        fields.append(Field(t="463", i="  ", s=[["t", draw(WORDS)], ["9", "lnk:bull"]], x=draw(st.sampled_from("12"))))
    items = (RecordItem(barcode="B1", call_number=draw(PLAIN).strip() or "x"),) if draw(st.booleans()) else ()
    return Record(fields, tuple(round_trip.as_read(item) for item in items), control_number=fields[1]["v"])


@pytest.mark.parametrize("format", round_trip.FORMATS)
@given(record=sound_records())
def test_a_record_comes_back_from_each_format_as_it_left(format: str, record: Record) -> None:
    used, left = round_trip.differences(record, format)
    assert not left
    assert set(used) <= {"controls_first", "composed"}


def test_a_record_comes_back_from_the_base_as_it_came_in(database: Database, tmp_path: Path) -> None:
    """With what several programs say in 9XX, and copies in their habits."""
    words: Fields = [
        Field(t="901", i="  ", s=[["a", "Fonds Boulon"]]),
        Field(t="930", i="  ", s=[["5", "590099901:1"], ["a", "364 KVA"]]),
        Field(t="991", i=" 1", s=[["a", "Don"], ["b", "Provenance : Lenoir"]]),
        Field(t="992", i="  ", s=[["c", "x"]]),
    ]
    named = "Habiter la tour", "Chartes d’un canal", "Squares"
    came = [
        outgoing(number, "m0", Field(t="200", i="1 ", s=[["a", title]]), *words, items=(RecordItem(barcode=f"B{n}"),))
        for n, (number, title) in enumerate(zip("123", named, strict=True))
    ]
    path = tmp_path / "fonds.mrc"
    path.write_bytes(b"".join(iso2709.file_bytes(came)))
    importer.import_file(database, path, source="fonds", by="claire")
    with database.read() as session:
        left = list(records.load(session, session.scalars(select(Notice.id).order_by(Notice.id))))
    for record, notice in zip(round_trip.records_of(path), left, strict=True):
        assert {f["t"] for f in notice.fields} >= {"901", "930", "991", "992"}
        for format in round_trip.FORMATS:
            assert round_trip.differences(record, format, notice) == ([], "")


@pytest.mark.parametrize("path", SAMPLED, ids=lambda p: p.name)
def test_real_records_come_back_identical_or_by_a_rule_that_is_listed(path: Path) -> None:
    for record in islice(round_trip.records_of(path), 8):
        for format in round_trip.FORMATS:
            _used, left = round_trip.differences(record, format)
            assert not left, f"{record.control_number}, {format}: {left}"


def test_every_rule_is_listed_with_its_reason() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text("utf-8"), re.M))
    assert listed == {name for rules in round_trip.RULES.values() for name in rules} | {"issue_copies"}


# --- a PMB that makes the links again ---------------------------------------------------------


def outgoing(number: str, level: str, *fields: Field, items: tuple[RecordItem, ...] = ()) -> Outgoing:
    head: Fields = [Field(t="000", v=f"     na{level} 22     1i 450 "), Field(t="001", v=number)]
    return Outgoing(number, "published", "", "", None, [*head, *fields], items)


def marks(fields: Fields, tag: str) -> set[str]:
    return {value for f in fields if f["t"] == tag for code, value in f["s"] if code == "9"}


def test_an_article_made_here_says_to_pmb_which_links_make_it_an_article() -> None:
    article = outgoing(
        "k7",
        "a2",
        Field(t="200", i="1 ", s=[["a", "Relogement, mode d’emploi"]]),
        Field(t="461", i="  ", s=[["t", "Gazette fictive"], ["9", "lnk:perio"]]),
        Field(t="463", i="  ", s=[["v", "212"], ["e", "mars 2024"]]),
    )
    [(fields, _items)] = pmbxml.for_pmb([article])
    assert marks(fields, "461") == {"lnk:perio"}
    assert marks(fields, "463") == {"lnk:bull"}


def test_the_copies_of_an_issue_go_in_an_article_of_pmbs_invention() -> None:
    issue = outgoing(
        "b3",
        "s2",
        Field(t="200", i="1 ", s=[["a", "Gazette fictive"], ["h", "212"], ["9", "id:905"]]),
        Field(t="210", i="  ", s=[["d", "mars 2024"], ["h", "2024-03-01"]]),
        Field(t="461", i="  ", s=[["t", "Gazette fictive"], ["9", "id:77"], ["9", "lnk:perio"]]),
        items=(RecordItem(barcode="GF212"),),
    )
    (fields, none), (stand_in, copies) = pmbxml.for_pmb([issue])
    assert not none
    assert marks(fields, "461") == {"id:77", "lnk:parent", "type_lnk:b"}
    link = next(f for f in stand_in if f["t"] == "463")
    assert (first(link, "v"), first(link, "d"), first(link, "e")) == ("212", "2024-03-01", "mars 2024")
    assert (typed(link, "lnk"), typed(link, "id")) == ("bull_expl", "905")
    assert [(c.barcode, c.issue_of) for c in copies] == [("GF212", "905")]
    assert stands_for_issue(Record(stand_in))


def test_that_article_is_field_by_field_the_one_pmb_writes() -> None:
    issue = outgoing(
        "60",
        "s2",
        Field(t="100", i="  ", s=[["a", "20240228u        u  u0frey50      ba"]]),
        Field(t="200", i="1 ", s=[["a", "212"], ["h", "212"], ["9", "id:905"]]),
        Field(t="210", i="  ", s=[["d", "2024"], ["h", "2024-02-01"]]),
        Field(t="461", i="  ", s=[["9", "id:77"], ["9", "type_lnk:b"], ["9", "lnk:parent"], ["t", "Gazette fictive"]]),
        items=(RecordItem(barcode="GF212"),),
    )
    _issue, (stand_in, copies) = pmbxml.for_pmb([issue])
    assert pmbxml.notice_text(stand_in) == STAND_IN_OF_PMB
    assert [(c.barcode, c.issue_of) for c in copies] == [("GF212", "905")]
    told = replace(issue, fields=[*issue.fields[:3], NAMED, DATED, issue.fields[5]])
    _serial, _issue, (stand_in, copies) = pmbxml.for_pmb([outgoing("77", "s1"), told])
    assert [f["s"] for f in stand_in if f["t"] in ("200", "463")] == [
        [["a", "Spécial canaux, mars 2024"], ["d", "Article_expl_bulletin"], ["h", "Gazette fictive"], ["i", "212"]],
        [
            *(["0", "77"], ["d", "2024-03-01"], ["e", "mars 2024"], ["v", "212"], ["t", "Spécial canaux"]),
            *(["t", "Gazette fictive"], ["9", "id:905"], ["9", "lnk:bull_expl"]),
        ],
    ]


NAMED = Field(t="200", i="1 ", s=[["a", "212"], ["h", "212"], ["i", "Spécial canaux"], ["9", "id:905"]])
DATED = Field(t="210", i="  ", s=[["d", "mars 2024"], ["h", "2024-03-01"]])
STAND_IN_OF_PMB = """<notice>
  <rs>n</rs>
  <dt>a</dt>
  <bl>a</bl>
  <hl>2</hl>
  <el>1</el>
  <ru>i</ru>
  <f c="001">905-bull</f>
  <f c="100" ind="  ">
    <s c="a">20240228u        u  u0frey50      ba</s>
  </f>
  <f c="200" ind="1 ">
    <s c="a">Notice de bulletin</s>
    <s c="d">Article_expl_bulletin</s>
    <s c="h">Gazette fictive</s>
    <s c="i">212</s>
  </f>
  <f c="210" ind="  ">
    <s c="d">2024</s>
  </f>
  <f c="463" ind="  ">
    <s c="d">2024-02-01</s>
    <s c="v">212</s>
    <s c="t"> </s>
    <s c="t">Gazette fictive</s>
    <s c="9">id:905</s>
    <s c="9">lnk:bull_expl</s>
  </f>
</notice>
"""


def test_a_periodical_that_does_not_come_is_not_announced() -> None:
    host = Field(t="461", i="  ", s=[["t", "Gazette"], ["0", "77"], ["9", "id:77"], ["9", "lnk:perio"]], x="77")
    article = outgoing("1", "a2", host, Field(t="463", i="  ", s=[["v", "1"], ["9", "lnk:bull"]]))
    [(alone, _)] = pmbxml.for_pmb([article])
    _serial, (beside, _items) = pmbxml.for_pmb([outgoing("77", "s1"), article])
    assert first(next(f for f in alone if f["t"] == "461"), "0") == ""
    assert next(f for f in beside if f["t"] == "461") == host
