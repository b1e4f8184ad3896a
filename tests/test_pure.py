"""Rules without a database: tables of cases."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import callnumber, identifiers, text, unimarc
from tests.cast import ARTICLE, GAZETTE, MIETTES, field, notice

# As they stand in French centres and libraries: Dewey and UDC, kinds of document, formats of a stack, years.
SHELF = """
    72.036 (44) LEC
    72.1 ABR
    150 FRE
    305.8
    305.8 AMS
    305.8 BEA
    305.800 944 LAP
    305.896
    364
    364 DUB
    364.12 ZAN
    364.4(44) ABC
    364.4 DUB
    364.4 DUC
    370.1 LEG
    370.1 MER
    711.4 MAR
    ARC 1 B
    ARC 12 A
    ATL/912 EUR
    ATL A/MON
    BD/AST 2
    BD/AST 10
    BD MANGA/NAR
    BR 8/1345
    BR 8/2908
    C 1.2.9
    C 1.2.10
    DC/2 MOR
    DC/2 SPR
    DC/3 SCH
    Doc./010 GEN
    DOC/034 NOT
    Doc. / 130 DES
    DOS LOG 3
    DOS LOG 12
    DVD/305.4 PON
    DVD/A FIL
    É 12
    E 13
    E R/LIT
    EXT E/309 FAM
    Mag. in-8/2 039
    Mag. in-8/9 287
    Mag. in-8/18 622
    MEM M2 2017 DIA
    MEM M2 2018 BEN
    Num 2019-12 / 3
    P 1
    P 12
    PER GAZ 9
    PER GAZ 212
    PL 4.9
    PL 4.10
    R 2019-2
    R 2019-12
    R 2020-1
    R/DUP
    Réf. 12
    REF 13 ATL
    RP/ŒUV
    RP/OIS
    U ETUD/001.2
    US ÉTU 7
    VID 1
    ZUS-03
    ZUS 2010/7
""".strip().splitlines()


def test_call_numbers_stand_as_on_the_shelf() -> None:
    shelf = [line.strip() for line in SHELF]
    keys = [callnumber.sort_key(c) for c in shelf]
    assert keys == sorted(keys)
    assert sorted(set(shelf), key=callnumber.sort_key) == shelf


@given(st.text())
def test_a_sort_key_is_ascii_and_stable(value: str) -> None:
    key = callnumber.sort_key(value)
    assert key.isascii()
    assert callnumber.sort_key(value.lower()) == callnumber.sort_key(value.upper()) or not value.isascii()


def test_a_range_includes_what_begins_with_its_end() -> None:
    assert callnumber.sort_key("370.1 MER") <= callnumber.range_end("370")
    assert callnumber.sort_key("371") > callnumber.range_end("370.1")


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("L’Œuvre au noir", "oeuvre au noir"),
        ("\x98Les \x9cMisérables", "miserables"),
        ("\x88La \x89ville", "ville"),
        ("La Ville", "ville"),
        ("À l'école", "a l ecole"),
        ("Les", "les"),
        ("«Phénix» en ville", "phenix en ville"),  # anyascii makes « << » of the sign: no markup
        ("1968, l'année", "1968 l annee"),
    ],
)
def test_titles_file_where_a_reader_looks(title: str, key: str) -> None:
    assert text.sort_key(title) == key


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("Un <b>mot</b>&nbsp;fort", "Un mot fort"),
        ("<p>Un</p><p>Deux</p>", "Un Deux"),
        ("a < b et c > d", "a < b et c > d"),
        ("AT&T", "AT&T"),
        ("<script>alert(1)</script>Fin", "Fin"),
        ("deux\nlignes", "deux lignes"),
    ],
)
def test_markup_goes_and_words_stay(raw: str, plain: str) -> None:
    assert text.plain_text(raw) == plain


def test_one_wrong_sign_in_an_address_is_caught() -> None:
    code = identifiers.new_code()
    assert identifiers.is_code(code)
    for place in range(8):
        for sign in identifiers.ALPHABET:
            wrong = code[:place] + sign + code[place + 1 :]
            assert identifiers.is_code(wrong) == (wrong == code)


@given(st.text(alphabet=identifiers.ALPHABET, min_size=7, max_size=7), st.integers(0, 5))
def test_two_signs_exchanged_are_caught(stem: str, place: int) -> None:
    code = stem + identifiers.check_character(stem)
    turned = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert identifiers.is_code(turned) == (turned == code)


def test_an_address_spells_no_word() -> None:
    assert not set("aeiouyl") & set(identifiers.ALPHABET)
    assert set(identifiers.ALPHABET) <= set(string.ascii_lowercase + string.digits)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("2-211-04459-X", "9782211044592"),
        ("978-2-07-036822-8 (br.)", "9782070368228"),
        ("2070368220", None),
        ("ISBN 978 2 07 036822 8", "9782070368228"),
        ("", None),
    ],
)
def test_isbn(raw: str, found: str | None) -> None:
    assert identifiers.find_isbn(raw) == found


def test_identifiers_of_a_record() -> None:
    fields = notice(
        "x",
        field("010", "a", "1234-5679"),
        field("014", "a", "https://doi.org/10.5555/AbC.1", "b", "DOI"),
        field("856", "u", "https://doi.org/10.5555/zz"),
    )
    assert unimarc.identifiers(fields) == [
        ("issn", "1234-5679"),
        ("doi", "10.5555/abc.1"),
        ("doi", "10.5555/zz"),
    ]


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("cop. 1968", (1968, None)),
        ("DL 2008", (2008, None)),
        ("2002 (DL)", (2002, None)),
        ("1995-", (1995, None)),
        ("1983-1985", (1983, 1985)),
        ("[ca 1975]", (1975, None)),
        ("s.d.", (None, None)),
        ("[19..]", (None, None)),
        ("1957. In-16 (20 cm), 311 p., fig. ", (1957, None)),
    ],
)
def test_years_are_read_and_never_invented(written: str, year: tuple[int | None, int | None]) -> None:
    assert unimarc.years([field("210", "d", written)]) == year


def test_a_title_reads_as_printed() -> None:
    fields = [field("200", "a", "\x98La \x9cville", "e", "essai", "h", "2", "i", "Les gens", "f", "Agnès Dumas")]
    assert unimarc.full_title(fields) == "La ville : essai. 2. Les gens"
    assert unimarc.full_title([field("200", "a", "Qui ?", "e", "réponse")]) == "Qui ? réponse"
    issue: list[unimarc.Field] = [{"t": "000", "v": "     nas2 22        450 "}]
    journal = field("461", "t", "Gazette", "9", "id:7", "9", "lnk:parent", "9", "type_lnk:b")
    for own, shown in (
        (field("200", "a", "212"), "Gazette, n° 212"),
        (field("200", "a", "Gazette", "h", "212"), "Gazette, n° 212"),
        (field("200", "a", "Petite enfance", "h", "82", "i", "Petite enfance"), "Gazette. Petite enfance, n° 82"),
    ):
        assert unimarc.full_title([*issue, own, journal]) == shown


def test_levels_and_kinds() -> None:
    assert [unimarc.level(f) for f in (MIETTES, GAZETTE, ARTICLE)] == ["monograph", "serial", "article"]
    assert unimarc.kind(ARTICLE) == "article"
    for code, kind in unimarc.KINDS.items():
        made = unimarc.with_kind(notice("x"), code)
        assert (unimarc.kind(made), unimarc.level(made)) == (code, kind.level)
        assert unimarc.with_kind(made, code) == made


def test_one_descriptor_for_several_languages() -> None:
    fields = [
        field("606", "9", "id:8", "9", "lang:en_UK", "9", "idthes:1", "a", "Urban renewal"),
        field("606", "9", "id:8", "9", "lang:fr_FR", "9", "idthes:1", "a", "Renouvellement urbain"),
        field("610", "a", "ANRU; relogement"),
    ]
    assert [s.label for s in unimarc.subjects(fields)] == ["Renouvellement urbain", "ANRU", "relogement"]


def test_an_article_names_its_host() -> None:
    serial, issue = unimarc.host_serial(ARTICLE), unimarc.host_issue(ARTICLE)
    assert serial is not None
    assert issue is not None
    assert (serial.title, serial.target, issue.volume, issue.date) == (
        "Gazette des quartiers",
        "77",
        "212",
        "février 2024",
    )


def test_only_web_addresses_become_links() -> None:
    fields = [
        field("856", "u", "javascript:alert(1)"),
        field("856", "u", "https://docs.travee.example/1.pdf"),
    ]
    assert unimarc.online(fields) == [("https://docs.travee.example/1.pdf", "")]


def test_a_fingerprint_forgets_order_and_origin_but_no_word() -> None:
    stamped = [{**f, "o": ["l"], "r": 3} for f in MIETTES]
    assert unimarc.fingerprint(stamped) == unimarc.fingerprint(list(reversed(MIETTES)))  # type: ignore[arg-type]
    assert unimarc.fingerprint(MIETTES) != unimarc.fingerprint(MIETTES[:-1])
