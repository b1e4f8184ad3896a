"""Dates as people write them, and as they are understood."""

from __future__ import annotations

import re

import edtf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import dates, unimarc
from catalogue.unimarc import Fields

WRITTEN = {
    # a year, and what stands around it
    "2024": ("2024", 2024, None),
    "cop. 1968": ("1968", 1968, None),
    "c1975": ("1975", 1975, None),
    "DL 2008": ("2008", 2008, None),
    "2002 (DL)": ("2002", 2002, None),
    "2010, cop. 2008": ("2010", 2010, None),
    "P 1952 ; cop. 1997": ("1952", 1952, None),
    "1957. In-16 (20 cm), 311 p., fig. 1795 fr. [D. L. 7420-57] -XcR-": ("1957", 1957, None),
    "MDCCLXXIV": ("1774", 1774, None),
    # not sure
    "[ca 1975]": ("1975~", 1975, None),
    "[c. 1933]": ("1933~", 1933, None),
    "vers 1980": ("1980~", 1980, None),
    "[1975?]": ("1975?", 1975, None),
    "vers 1980 ?": ("1980%", 1980, None),
    "[197-?]": ("197X", 1970, 1979),
    "[19..]": ("19XX", None, None),
    "[entre 1970 et 1975]": ("[1970..1975]", 1970, 1975),
    "1970 ou 1971": ("[1970,1971]", 1970, 1971),
    "après 1975": ("[1975..]", 1975, None),
    # from, to
    "impr. 2008-": ("2008/..", 2008, None),
    "[1973]-": ("1973/..", 1973, None),
    "2000-....": ("2000/..", 2000, None),
    "....-1989": ("../1989", 1989, None),
    "P 1983 à 1985": ("1983/1985", 1983, 1985),
    "1993-1995.": ("1993/1995", 1993, 1995),
    "1941-[1944]": ("1941/1944", 1941, 1944),
    "1864-[188-]": ("1864/188X", 1864, 1889),
    "P 1982-83-84": ("1982/1984", 1982, 1984),
    "1998-99": ("1998/1999", 1998, 1999),
    "P 1975, 1977, 1978": ("{1975,1977,1978}", 1975, 1978),
    "1964 / 1967 / 1973": ("{1964,1967,1973}", 1964, 1973),
    "1987-1987": ("1987", 1987, None),
    # within a year
    "18 mars 2024": ("2024-03-18", 2024, None),
    "1er août 2001": ("2001-08-01", 2001, None),
    "March 18, 2024": ("2024-03-18", 2024, None),
    "18/03/2024": ("2024-03-18", 2024, None),
    "2024-03-18T10:00:00Z": ("2024-03-18", 2024, None),
    "1935 (7 octobre)": ("1935-10-07", 1935, None),
    "mars 2024": ("2024-03", 2024, None),
    "03/2024": ("2024-03", 2024, None),
    "mars-avril 2024": ("2024-03/2024-04", 2024, None),
    "décembre 2019-janvier 2020": ("2019-12/2020-01", 2019, 2020),
    "printemps 2021": ("2021-21", 2021, None),
    "hiver 2019-2020": ("2019/2020", 2019, 2020),
    "2e trimestre 2020": ("2020-34", 2020, None),
    # a month, or the next year? What both have in common.
    "2003-04": ("2003", 2003, None),
    "2003-07": ("2003-07", 2003, None),
    # nothing
    "[s.d.]": ("", None, None),
    "sans date": ("", None, None),
    "00000000": ("", None, None),
    "0000-00-00": ("", None, None),
    "24 cm": ("", None, None),
    "9999 mais 789": ("", None, None),
    "12/03/98": ("", None, None),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_date_is_understood_as_its_writer_meant_it(text: str) -> None:
    found = dates.understand(text)
    assert (found.edtf, found.year, found.year_end) == WRITTEN[text]
    assert not found.impossible


@pytest.mark.parametrize("text", ["31/02/2024", "30 février 2024", "2024-02-30"])
def test_a_day_that_does_not_exist_is_left_out_and_told(text: str) -> None:
    found = dates.understand(text)
    assert (found.edtf, found.year, found.impossible) == ("2024", 2024, True)


@given(st.text() | st.from_regex(r"[\[(]?(ca|c\.|P|DL)? ?[12]\d{1,3}[-?./ ]{0,3}(\[?[12]\d\d[-?\d])?[\])?]{0,2}"))
def test_what_is_understood_is_edtf_and_no_day_is_made_up(text: str) -> None:
    found = dates.understand(text)
    if found.edtf:
        edtf.parse_edtf(found.edtf)  # the Library of Congress's grammar, read by somebody else
    else:
        assert found.year is None
    for year in (found.year, found.year_end):
        assert year is None or dates.EARLIEST <= year <= dates.LATEST + 99
    assert found.year_end is None or found.year is None or found.year_end >= found.year
    if re.search(r"-\d\d-\d\d", found.edtf):
        assert len(re.findall(r"\d+", text)) >= 2 or re.search(r"\d{8}", text)


CODED = {
    "20240228d2019    k  y0frey50      ba": "2019",
    "20240228a1995    k  y0frey50      ba": "1995/..",
    "20240228b19952003k  y0frey50      ba": "1995/2003",
    "20240228f19701975k  y0frey50      ba": "[1970..1975]",
    "20240228j20240318k  y0frey50      ba": "2024-03-18",
    "20240228d197u    k  y0frey50      ba": "197X",
    "20240228d19uu    k  y0frey50      ba": "19XX",
    "20240228u        u  u0frey50      ba": "",
}


@pytest.mark.parametrize("value", CODED)
def test_coded_dates_are_read_by_the_type_that_they_give(value: str) -> None:
    assert dates.coded(value).edtf == CODED[value]


def test_the_first_of_january_that_pmb_works_out_is_a_year() -> None:
    fields: Fields = [{"t": "009", "i": "  ", "s": [["a", "1997-01-01"]]}]
    assert unimarc.date_edtf(fields) == "1997"
    assert unimarc.years(fields) == (1997, None)


def test_an_article_is_dated_by_its_issue() -> None:
    fields: Fields = [
        {"t": "210", "i": "  ", "s": [["d", "2024"], ["h", "2024-02-01"]]},
        {"t": "463", "i": "  ", "s": [["d", "2024-02-01"], ["e", "février 2024"], ["9", "lnk:bull"]]},
    ]
    assert unimarc.date_edtf(fields) == "2024-02"


@pytest.mark.parametrize(
    ("edtf_date", "words"),
    [("1975~", "vers 1975"), ("197X", "entre 1970 et 1979"), ("2008/..", "depuis 2008"), ("2024-03-18", "")],
)
def test_what_was_understood_is_said_in_words_where_it_needs_any(edtf_date: str, words: str) -> None:
    assert dates.in_words(edtf_date) == words
