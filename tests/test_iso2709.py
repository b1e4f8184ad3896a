"""UNIMARC in ISO 2709: read whatever the bytes allow, written so that it reads the same.

`data/unimarc/oddities.mrc` holds sixteen invented records, each with one oddity seen in real files; what they
must give stands beside it.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dev
from catalogue.unimarc import LEADER, Field, Fields, Record, RecordItem, fingerprint
from export import pmbxml as pmbxml_out
from export.iso2709 import fits, record_bytes
from harvest import files
from harvest.crosswalk import iso2709, iso5426, pmbxml
from harvest.dialect import understand
from tests.cast import field, notice
from tests.needs import need

DATA = Path(__file__).parent / "data" / "unimarc"
SHARED = dev.ROOT.parent / "shared" / "data"
EXPECTED: list[dict[str, Any]] = json.loads((DATA / "oddities.expected.json").read_text("utf-8"))
ITEM = ("barcode", "call_number", "location", "section", "status", "inventory_number", "note", "owner", "issue_of")


def read(data: bytes) -> list[Any]:
    return list(iso2709.read_file(io.BytesIO(data)))


def one(data: bytes) -> Record:
    (record,) = read(data)
    assert isinstance(record, Record)
    return record


# --- the golden file -------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(len(EXPECTED)), ids=[str(e.get("number")) for e in EXPECTED])
def test_an_odd_record_gives_what_stands_beside_it(n: int) -> None:
    found: list[Any] = list(files.read(DATA / "oddities.mrc"))
    assert len(found) == len(EXPECTED)
    record, expected = found[n], EXPECTED[n]
    if "refused" in expected:
        assert (record.code, record.position, record.identifier) == (
            expected["refused"],
            expected["position"],
            expected["identifier"],
        )
        assert record.raw
        return
    assert record.position == expected["position"]
    assert record.control_number == expected["number"]
    assert record.fields == expected["fields"]
    assert [problem.code for problem in record.repairs] == expected["repairs"]
    copies = [{name: value for name in ITEM if (value := getattr(i, name))} for i in record.items]
    assert copies == expected["items"]


def test_every_repair_and_every_refusal_has_a_sentence() -> None:
    for record in files.read(DATA / "oddities.mrc"):
        sentences = [p.message for p in record.repairs] if isinstance(record, Record) else [record.sentence()]
        assert all(" " in sentence and "{" not in sentence for sentence in sentences)


# --- what is cut, broken or too much ---------------------------------------------------------


def test_a_file_that_breaks_off_gives_all_that_stands_before_and_names_the_rest() -> None:
    data = b"".join(record_bytes([*notice(f"Titre {n}"), {"t": "001", "v": str(n)}]) for n in range(3))
    *before, cut = read(data[:-30])
    assert [r.control_number for r in before] == ["0", "1"]
    assert (cut.code, cut.position) == ("iso2709.cut", 3)
    assert "n° 3" in cut.sentence()


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_wherever_the_last_record_is_cut_the_first_one_is_whole(cut: int) -> None:
    first, last = record_bytes(notice("Premier")), record_bytes(notice("Dernier", field("300", "a", "x" * 120)))
    found = read(first + last[:-cut])
    assert found[0].fields == one(first).fields
    # Without its very last byte, the terminator, the record is whole all the same.
    assert [getattr(r, "code", None) for r in found[1:]] == ([None] if cut == 1 else ["iso2709.cut"])


def test_a_bad_record_does_not_end_the_file() -> None:
    good = record_bytes(notice("Bon"))
    bad = b"00100nam0 2200025   450 200" + b"\x1e" * 3 + b"rien\x1d"
    assert [getattr(r, "code", "") for r in read(good + bad + good)] == ["", "iso2709.directory", ""]


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\x1a", b"\0\0\0"])
def test_nothing_is_an_empty_file(data: bytes) -> None:
    (told,) = read(data)
    assert (told.code, told.position) == ("file.empty", 0)


def test_bytes_that_are_no_records_are_refused_once() -> None:
    (told,) = read(b"\x89PNG\r\n\x1a\n" + bytes(range(0x20, 0x100)) * 50)
    assert (told.code, told.position) == ("iso2709.not_marc", 0)


def test_a_monster_is_refused_and_what_follows_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso2709, "MAX_RECORD_BYTES", 1_000_000)
    good = record_bytes(notice("Après"))
    found = read(b"0" * 3_000_000 + b"\x1d" + good)
    assert found[0].code == "iso2709.too_big"
    assert len(found[0].raw) <= iso2709.KEPT
    assert found[1].fields == one(good).fields


def test_a_record_of_too_many_fields_is_refused() -> None:
    many = notice("Beaucoup", *(field("300", "a", "x") for _n in range(iso2709.MAX_FIELDS)))
    (told,) = read(record_bytes(many))
    assert told.code == "iso2709.too_many_fields"


def test_a_directory_that_points_outside_is_refused_or_repaired_by_the_terminators() -> None:
    data = bytearray(record_bytes(notice("Dehors")))
    data[24 + 7 : 24 + 12] = b"99999"
    assert one(bytes(data)).fields == one(record_bytes(notice("Dehors"))).fields
    assert [p.code for p in one(bytes(data)).repairs] == ["iso2709.lengths"]


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail(junk: bytes) -> None:
    good = record_bytes(notice("Bon"))
    found = read(good + junk)
    assert found[0].fields == one(good).fields


@given(st.data())
def test_no_damage_makes_the_reader_fail(data: st.DataObject) -> None:
    raw = bytearray((DATA / "oddities.mrc").read_bytes())
    for _n in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    positions = [r.position for r in read(bytes(raw))]
    assert positions in ([0], list(range(1, len(positions) + 1)))


# --- characters ------------------------------------------------------------------------------


def in_charset(declared: str, title: bytes) -> bytes:
    """A record whose 200 $a is these bytes and whose 100 declares that charset."""
    coded = field("100", "a", f"20240101d2024    u  y0frey{declared}    ba")
    marked: Fields = [{"t": "000", "v": LEADER}, coded, field("200", "a", "@@")]
    plain = record_bytes(marked)
    start, end = plain.index(b"@@"), plain.index(b"@@") + 2
    return plain[:start] + title + plain[end:]  # the lengths are repaired on the way


def read_title(data: bytes) -> tuple[str, set[str]]:
    record = one(data)
    title = next(f["s"][0][1] for f in record.fields if f["t"] == "200")
    return title, {p.code for p in record.repairs} - {"iso2709.lengths"}


@pytest.mark.parametrize(
    ("declared", "title", "text", "told"),
    [
        ("50  ", "Été".encode(), "Été", set()),
        ("0103", "Été".encode(), "Été", set()),  # UTF-8 wins, whatever the record says of itself
        ("0103", b"\xc2Et\xc2e, ph\xc2enix", "Été, phénix", {"charset.declared"}),
        ("    ", b"\xc2Et\xc2e, ph\xc2enix", "Été, phénix", {"charset.iso5426"}),
        ("    ", "Été, phénix".encode("cp1252"), "Été, phénix", {"charset.windows"}),
        ("0103", "Été, phénix".encode("cp1252"), "Été, phénix", {"charset.windows"}),
        ("50  ", "L’été".encode("cp1252"), "L’été", {"charset.windows"}),
        ("0102", "Право".encode("koi8-r"), "Право", {"charset.declared"}),
        ("    ", "Phénix".encode().decode("latin-1").encode(), "Phénix", {"charset.twice"}),
        ("50  ", "été été ".encode() + b"\xe9t", "été été ét", {"charset.mixed"}),
    ],
)
def test_the_charset_is_decided_by_the_bytes(declared: str, title: bytes, text: str, told: set[str]) -> None:
    assert read_title(in_charset(declared, title)) == (text, told)


def test_a_charset_that_we_cannot_read_is_refused_by_its_name() -> None:
    greek = bytes(range(0xC1, 0xDA))
    (told,) = read(in_charset("0105", greek * 2 + b"\xe1\xe2\xe3\xf5"))
    assert told.code == "iso2709.charset"
    assert "0105" in told.sentence()


def test_iso_5426_says_what_yaz_says_for_every_byte() -> None:
    yaz = need("yaz")
    alone = [bytes([byte]) + b"a " for byte in (*range(0x20, 0x7F), *range(0x80, 0x100))]
    accented = [bytes([accent, 0xC2]) + b"e." for accent in range(0xC0, 0xDC)]  # two on one letter
    letters = [b"a\xc8" + bytes([letter]) + b"u" for letter in (0x41, 0x7A, 0xE1, 0xEA, 0xF1, 0xFA)]
    for sequence in (*alone, *accented, *letters):
        command = [yaz, "-f", "iso5426", "-t", "utf-8"]
        done = subprocess.run(command, input=sequence, capture_output=True, check=False)
        peer = unicodedata.normalize("NFC", done.stdout.decode())
        # yaz drops what the standard does not define; we show that something stood there.
        assert iso5426.decode(sequence).replace("\ufffd", "") == peer, sequence


@given(st.text(alphabet="éèêëçàùôîïœŒÉÀ «»aeiouts", max_size=60))
def test_iso_5426_gives_french_text_back(text: str) -> None:
    accents = {"\u0301": 0xC2, "\u0300": 0xC1, "\u0302": 0xC3, "\u0308": 0xC8, "\u0327": 0xD0}
    signs = {"œ": 0xFA, "Œ": 0xEA, "«": 0xAB, "»": 0xBB}
    out = bytearray()
    for letter in unicodedata.normalize("NFC", text):
        base, *marks = list(unicodedata.normalize("NFD", letter))
        out += bytes([*(accents[m] for m in marks), signs.get(base) or ord(base)])
    assert iso5426.decode(bytes(out)) == unicodedata.normalize("NFC", text)


# --- write and read again --------------------------------------------------------------------

TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")) | st.sampled_from("\n\téà’œ"), min_size=1, max_size=40
).map(lambda text: unicodedata.normalize("NFC", text))
PAIRS = st.lists(st.tuples(st.sampled_from("abcdefghijkx0123456789"), TEXT).map(list), min_size=1, max_size=5)
DATA_FIELD = st.builds(
    lambda tag, ind, pairs: Field(t=f"{tag:03}", i=ind, s=pairs),
    st.integers(10, 999),
    st.text(" 012", min_size=2, max_size=2),
    PAIRS,
)
CONTROL_FIELD = st.builds(lambda tag, text: Field(t=f"00{tag}", v=text), st.integers(2, 9), TEXT.filter(str.strip))
HEAD: Fields = [{"t": "000", "v": "     nam0 22     3  450 "}, {"t": "001", "v": "4711"}]


@given(st.lists(DATA_FIELD | CONTROL_FIELD, max_size=12))
def test_what_is_written_is_read_the_same(fields: Fields) -> None:
    whole = [*HEAD, *fields]
    assume(not iso2709._TWICE.search(json.dumps(whole, ensure_ascii=False)))
    written = record_bytes(whole)
    assert fits(written)
    read_again = one(written)
    assert read_again.fields == whole
    assert read_again.repairs == ()
    assert read_again.control_number == "4711"


def test_a_field_too_long_for_the_format_goes_out_whole() -> None:
    long = notice("Long", field("327", "a", "x" * 12_000), field("330", "a", "y" * 100_000))
    written = record_bytes(long)
    assert not fits(written)
    assert one(written).fields == long


def test_what_iso_2709_is_made_of_never_stands_in_a_text() -> None:
    assert one(record_bytes(notice("Un\x1dtitre\x1ecassé\x1f$"))).fields[1]["s"] == [["a", "Un titre cassé $"]]


def test_yaz_reads_what_we_write() -> None:
    need("yaz")
    program = shutil.which("yaz-marcdump")
    assert program
    data = b"".join(record_bytes(notice(title)) for title in ("Égalité", "L’œuvre du Phénix"))
    command = [program, "-i", "marc", "-o", "line", "/dev/stdin"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stdout.decode().count("$a") == 2
    assert "L’œuvre du Phénix" in done.stdout.decode()


# --- PMB in two formats ----------------------------------------------------------------------


def test_a_pmb_says_the_same_in_iso_2709_and_in_its_xml() -> None:
    """So that the night after a file was imported, the harvest of the same base finds nothing new."""
    from_iso = [r for r in files.read(DATA / "pmb.mrc") if isinstance(r, Record)]
    xml = b"".join(pmbxml_out.file_bytes((r.fields, r.items) for r in from_iso))
    from_xml = [r for r in pmbxml.read_file(io.BytesIO(xml)) if isinstance(r, Record)]
    assert len(from_xml) == 5
    for ours, theirs in zip(from_iso, from_xml, strict=True):
        assert fingerprint(ours.fields, pmbxml.volatile) == fingerprint(theirs.fields, pmbxml.volatile)
        assert [i.barcode for i in ours.items] == [i.barcode for i in theirs.items]


def test_a_source_may_have_copies_in_a_table_of_its_own() -> None:
    record = Record([*notice("Titre"), field("930", "x", "B1", "y", "364 DUM", "z", "perdu", "l", "Réserve")])
    table = {"field": "930", "barcode": "x", "call_number": "y", "location": "l", "states": {"z": "Perdu"}}
    read_by_it = understand(record, {"items": table})
    (copy,) = read_by_it.items
    assert copy == RecordItem(
        barcode="B1", call_number="364 DUM", location="Réserve", status="Perdu", fields=copy.fields
    )
    assert not [f for f in read_by_it.fields if f["t"] == "930"]


# --- real files ------------------------------------------------------------------------------

REAL = [
    path
    for folder in ("unimarc", "broken", "marc21", "pmb/live/exports")
    for path in sorted((SHARED / folder).glob("**/*"))
    if path.is_file()
]

if REAL:

    @pytest.mark.parametrize("path", REAL, ids=[str(path.relative_to(SHARED)) for path in REAL])
    def test_every_real_file_is_read_or_refused_with_a_sentence(path: Path) -> None:
        found = list(files.read(path))
        assert found
        assert [r.position for r in found] in ([0], list(range(1, len(found) + 1)))
        for record in found:
            if isinstance(record, Record):
                text = json.dumps(record.fields, ensure_ascii=False)
                assert "\\u0000" not in text
                assert all(problem.message for problem in record.repairs)
            else:
                assert "{" not in record.sentence()

    def test_the_file_of_a_whole_library_comes_through() -> None:
        path = SHARED / "unimarc" / "roubaix_bib_2383.mrc.gz"
        found = [r for r in files.read(path) if isinstance(r, Record)]
        copies = [item for record in found for item in record.items]
        assert (len(found), len(copies), len({i.barcode for i in copies if i.barcode})) == (2383, 2703, 2701)

    def test_what_a_whole_library_wrote_is_written_again_without_a_change() -> None:
        data = gzip.decompress((SHARED / "unimarc" / "roubaix_bib_2383.mrc.gz").read_bytes())
        for record in iso2709.read_file(io.BytesIO(data)):
            assert isinstance(record, Record)
            assert one(record_bytes(record.fields)).fields == record.fields
