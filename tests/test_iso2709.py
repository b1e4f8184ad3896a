"""UNIMARC in ISO 2709: read whatever the bytes allow, written so that it reads the same.

`data/unimarc/oddities.mrc` holds sixteen invented records, each with one oddity seen in real files; what they
must give stands beside it.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import shutil
import subprocess
import time
import unicodedata
import zipfile
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dev
from catalogue.entities import About
from catalogue.problems import Refusal
from catalogue.unimarc import LEADER, Field, Fields, Record, RecordItem, fingerprint, level
from export import pmbxml as pmbxml_out
from export.iso2709 import ISO_5426, Missing, file_bytes, fits, record_bytes
from export.records import Outgoing
from harvest import files
from harvest.crosswalk import charset, iso2709, pmbxml
from harvest.dialect import understand
from tests.cast import field, notice
from tests.needs import need

DATA = Path(__file__).parent / "data" / "unimarc"
SHARED = dev.ROOT.parent / "shared" / "data"
EXPECTED: list[dict[str, Any]] = json.loads((DATA / "oddities.expected.json").read_text("utf-8"))
ITEM = ("barcode", "call_number", "location", "section", "status", "inventory_number", "note", "owner", "issue_of")


def read(data: bytes) -> list[Any]:
    return list(iso2709.read_file(io.BytesIO(data)))


def raw_records(data: bytes) -> list[Any]:
    """Records as they stand in the file, before their flavour is settled."""
    return [iso2709.parse(raw, n, told) for n, (raw, told) in enumerate(pieces(data)) if raw]


def pieces(data: bytes) -> list[tuple[bytes, str]]:
    return list(iso2709._records(iso2709._split(io.BytesIO(data))))


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
        assert isinstance(record, Record | Refusal)
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


def laid(*fields: tuple[str, bytes], leader: bytes = b"nam0 22") -> tuple[bytes, list[bytes], bytes]:
    """The leader, the entries and the body of a record, to be spoilt."""
    entries, start = [], 0
    for tag, part in fields:
        entries.append(b"%s%04d%05d" % (tag.encode(), len(part) + 1, start))
        start += len(part) + 1
    base = 25 + 12 * len(entries)
    head = b"%05d%s%05d   450 " % (base + start + 1, leader, base)
    return head, entries, b"".join(part + b"\x1e" for _tag, part in fields)


SOUND = (("001", b"1"), ("200", b"1 \x1faTitre\x1fesuite"), ("300", b"  \x1faUne note"), ("801", b" 0\x1faFR\x1fbX"))
AS_SOUND = [["1"], [["a", "Titre"], ["e", "suite"]], [["a", "Une note"]], [["a", "FR"], ["b", "X"]]]


def said(record: Any) -> list[Any]:
    assert isinstance(record, Record), record
    return [f["s"] if "s" in f else [f["v"]] for f in record.fields[1:]]


def test_a_sound_record_needs_no_repair() -> None:
    head, entries, body = laid(*SOUND)
    record = one(head + b"".join(entries) + b"\x1e" + body + b"\x1d")
    assert (said(record), record.repairs) == (AS_SOUND, ())


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ("a sign too many before the first entry", "iso2709.directory_mended"),
        ("a leader too short", "iso2709.directory_mended"),
        ("a sign too many between two entries", "iso2709.directory_mended"),
        ("no end of the directory", "iso2709.lengths"),
        ("all lengths wrong", "iso2709.lengths"),
        ("a terminator overwritten", "iso2709.lengths"),
        ("a blank that became a terminator", "iso2709.separator_inside"),
        ("a terminator too many", "iso2709.separator_inside"),
    ],
)
def test_what_the_bytes_allow_is_repaired_and_told(spoilt: str, told: str) -> None:
    head, entries, body = laid(*SOUND)
    directory, end = b"".join(entries), b"\x1e"
    expected: list[Any] = AS_SOUND
    match spoilt:
        case "a sign too many before the first entry":
            directory = b"0" + directory
        case "a leader too short":
            head = head[:5] + head[10:]
        case "a sign too many between two entries":
            directory = entries[0] + b"0" + b"".join(entries[1:])
        case "no end of the directory":
            end = b"\x1f"
        case "all lengths wrong":
            directory = b"".join(entry[:3] + b"000100000" for entry in entries)
        case "a terminator overwritten":
            body = body.replace(b"suite\x1e", b"suite ")
        case "a blank that became a terminator":
            body = body.replace(b"Une note", b"Une\x1enote")
        case "a terminator too many":
            body = body.replace(b"Une note", b"Une\x1e note")
            expected = [*AS_SOUND[:2], [["a", "Une  note"]], AS_SOUND[3]]
    record = one(head + directory + end + body + b"\x1d")
    assert said(record) == expected
    assert level(record.fields) == "monograph"
    assert record.fields[0]["v"][6:9] == "am0"
    assert told in [p.code for p in record.repairs]


def test_pieces_go_to_the_field_before_where_lengths_cannot_tell() -> None:
    head, entries, body = laid(*SOUND)
    entries[3] = b"801%04d%s" % (int(entries[3][3:7]) + 9, entries[3][7:])  # as near to one reading as to the other
    entries[2] = b"3000005" + entries[2][7:]
    record = one(head + b"".join(entries) + b"\x1e" + body.replace(b"Une note", b"\x1eUne note") + b"\x1d")
    assert said(record) == [*AS_SOUND[:2], [["a", " Une note"]], AS_SOUND[3]]


def test_a_field_whose_tag_cannot_be_read_is_left_out_and_its_text_told() -> None:
    head, entries, body = laid(*SOUND)
    entries[2] = b"3-0" + entries[2][3:]
    record = one(head + b"".join(entries) + b"\x1e" + body + b"\x1d")
    assert said(record) == [*AS_SOUND[:2], AS_SOUND[3]]
    (problem,) = record.repairs
    assert (problem.code, problem.params) == ("iso2709.bad_tag", {"tag": "3-0", "value": "aUne note"})
    assert "Une note" in problem.message


def test_a_field_too_long_for_its_entry_is_read_all_the_same() -> None:
    head, entries, body = laid(("001", b"1"), ("200", b"1 \x1faTitre"), ("330", b"  \x1fa" + b"x" * 11_000), SOUND[3])
    assert len(entries[2]) == 13
    record = one(head + b"".join(entries) + b"\x1e" + body + b"\x1d")
    assert [f["t"] for f in record.fields] == ["000", "001", "200", "330", "801"]


def test_a_record_terminator_inside_a_field_ends_nothing() -> None:
    data = record_bytes(notice("Avant", field("300", "a", "un@deux@trois"))) + record_bytes(notice("Après"))
    first, second = read(data.replace(b"@", b"\x1d"))
    assert first.fields[-1]["s"] == [["a", "un deux trois"]]
    assert [p.code for p in first.repairs] == ["iso2709.terminator_inside"]
    assert (second.fields, second.position) == (notice("Après"), 2)


def test_a_record_that_announces_too_much_swallows_nothing() -> None:
    lying = b"99999" + record_bytes(notice("Menteuse"))[5:-2] + b"\x1d"
    found = read(lying + record_bytes(notice("Suivante")) * 2)
    assert [getattr(r, "code", "") for r in found][1:] == ["", ""]
    assert found[1].fields == notice("Suivante")


def test_records_glued_together_are_taken_apart() -> None:
    one_, two, three = (record_bytes(notice(title)) for title in ("Un", "Deux", "Trois"))
    found = read(one_[:-1] + two[:-2] + three)
    assert [said(r)[0] for r in found] == [[["a", "Un"]], [["a", "Deux"]], [["a", "Trois"]]]
    assert [[p.code for p in r.repairs][-1:] for r in found] == [["iso2709.glued"], ["iso2709.glued"], []]


def test_an_empty_record_is_refused_by_its_name() -> None:
    good = record_bytes(notice("Bon"))
    assert [getattr(r, "code", "") for r in read(good + b"00026     2200025   4500\x1e\x1d" + good)] == [
        "",
        "iso2709.nothing",
        "",
    ]


def test_the_last_record_may_have_lost_its_terminators_with_a_line_break_for_them() -> None:
    record = one(record_bytes(notice("Dernière"))[:-2] + b"\n")
    assert record.fields == notice("Dernière")
    assert "iso2709.no_terminator" in [p.code for p in record.repairs]


def test_indicators_one_place_too_far_are_put_back() -> None:
    head, entries, body = laid(("001", b"1"), ("200", b"  1\x1faTitre"), ("300", b"  note 4\x1faSuite"))
    record = one(head + b"".join(entries) + b"\x1e" + body + b"\x1d")
    assert [f.get("i") for f in record.fields[2:]] == ["1 ", "  "]
    assert [p.code for p in record.repairs] == ["iso2709.indicators", "iso2709.stray_text"]


def test_a_refused_record_of_any_size_that_is_read_is_kept_whole() -> None:
    bad = b"00100nam0 2200025   450 2-0" + b"x" * 900_000 + b"\x1e" * 3
    (told,) = read(bad + b"\x1d")
    assert told.raw == bad


def test_what_is_no_marc_at_all_is_refused_once() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("notices.mrc", random.Random(3).randbytes(400_000))
    for data in (archive.getvalue(), random.Random(1).randbytes(400_000)):
        (told,) = read(data)
        assert (told.code, told.position) == ("iso2709.not_marc", 0)


@pytest.mark.parametrize("filler", [b"\x1e", b"\x1f", b"\x1d", b"x", b" ", b"\x1b$1", b"99999", b"\xc2", b"$1"])
def test_a_record_of_one_thing_only_takes_neither_time_nor_memory(filler: bytes) -> None:
    spoilt = record_bytes(notice("Titre", field("300", "a", "@@"))).replace(b"@@", filler * (900_000 // len(filler)))
    good = record_bytes(notice("Bon"))
    started = time.process_time()
    found = read(good + spoilt + good)
    assert time.process_time() - started < 10
    assert found[0].fields == found[-1].fields == notice("Bon")


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
    coded = field("100", "a", "20240101d2024    u  y0frey50  ####ba")
    marked: Fields = [{"t": "000", "v": LEADER}, coded, field("200", "a", "@@")]
    plain = record_bytes(marked).replace(b"50  ####", declared.encode() + b"    ")
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
        ("0103", b"P\xfa, \xe9resund", "Pœ, Øresund", {"charset.declared"}),  # no accent to tell it by
        ("    ", b"\xc2Et\xc2e, ph\xc2enix", "Été, phénix", {"charset.iso5426"}),
        ("    ", "Été, phénix".encode("cp1252"), "Été, phénix", {"charset.windows"}),
        ("0103", "Été, phénix".encode("cp1252"), "Été, phénix", {"charset.windows"}),
        ("0103", "La forêt".encode("cp1252"), "La forêt", {"charset.windows"}),  # no « forŒt »
        ("50  ", "L’été".encode("cp1252"), "L’été", {"charset.windows"}),
        ("0102", "Право".encode("koi8-r"), "Право", {"charset.declared"}),
        ("    ", "Phénix".encode().decode("latin-1").encode(), "Phénix", {"charset.twice"}),
        ("50  ", "été été ".encode() + b"\xe9t", "été été ét", {"charset.mixed"}),
    ],
)
def test_the_charset_is_decided_by_the_bytes(declared: str, title: bytes, text: str, told: set[str]) -> None:
    assert read_title(in_charset(declared, title)) == (text, told)


@given(st.text("œŒæßøŁð«»“”’·©£§¿éÉàçôïñ aeE.", min_size=1, max_size=12).map(str.strip).filter(bool))
def test_what_we_write_in_iso_5426_comes_back(said: str) -> None:
    said = re.sub("(?<=[a-zæœøßð])[ŒŁ]", "e", said)  # a capital inside a word speaks for Windows-1252
    there, back = notice(said, CODED), one(record_bytes(notice(said, CODED), ISO_5426))
    assert [f for f in back.fields if f["t"] == "200"] == [f for f in there if f["t"] == "200"]


def test_a_first_record_that_is_a_monster_does_not_hide_the_others(tmp_path: Path) -> None:
    monster = b"99999nam0 2299999   450 " + b"3009" * 30_000 + b"\x1e" + b"  \x1fax\x1e" * 10_001 + b"\x1d"
    path = tmp_path / "un.mrc"
    path.write_bytes(monster + record_bytes(notice("Le banc")))
    refused, record = files.read(path)
    assert isinstance(refused, Refusal) and refused.code == "iso2709.directory"
    assert isinstance(record, Record) and record.position == 2
    assert files.format_of(path) == "unimarc"


def test_a_charset_that_we_cannot_read_is_refused_by_its_name() -> None:
    georgian = bytes(range(0xC1, 0xDA))
    (told,) = read(in_charset("0107", georgian * 2 + b"\xe1\xe2\xe3\xf5"))
    assert told.code == "iso2709.charset"
    assert "0107" in told.sentence()


MARC_21 = "     cam  22        4500"


def in_marc_21(leader: str, title: bytes) -> bytes:
    """A MARC 21 record whose 245 $a is these bytes."""
    fields: Fields = [{"t": "000", "v": leader}, {"t": "001", "v": "m1"}, {"t": "008", "v": "x" * 40}]
    return record_bytes([*fields, field("245", "a", "@@", ind="10")]).replace(b"@@", title)


@pytest.mark.parametrize(
    ("leader", "title", "text", "told"),
    [
        (MARC_21, "Été".encode(), "Été", set()),
        (MARC_21, b"\xe2Et\xe2e \xe1a No\xe8el", "Été à Noël", {"charset.marc8"}),
        (MARC_21, b"caf\xe9 noir, d\xe9j\xe0 vu", "café noir, déjà vu", {"charset.windows"}),
        (MARC_21, b"\x1b$1!2H!?5\x1b(B", "傲慢", {"charset.marc8"}),
        (MARC_21, b"\x1b(Nabc\x1bs &#x4E00;", "АБЦ 一", {"charset.marc8"}),
        (MARC_21, b"\x1b$1!2H!~\x1b(B", "傲\ufffd", {"charset.marc8", "charset.lost"}),
        (MARC_21, b"Soci\x1bt\xe2e", "Socité", {"charset.marc8", "charset.marc8_faults"}),
        (MARC_21, b"$1!2H!?5(B", "傲慢", {"charset.escapes"}),  # a program took the escapes for rubbish
        (MARC_21, b"$1,500(B) et $1", "$1,500(B) et $1", set()),
        (MARC_21, "Ильина, Татьяна".encode("cp1251"), "Ильина, Татьяна", {"charset.guessed"}),
        (MARC_21[:9] + "a" + MARC_21[10:], b"Orgueil et pr\xc2ejug\xc2es", "Orgueil et préjugés", {"charset.iso5426"}),
        (MARC_21[:9] + "a" + MARC_21[10:], b"Link\xf6ping, \xd6st", "Linköping, Öst", {"charset.windows"}),
    ],
)
def test_marc_21_is_read_in_its_own_charset(leader: str, title: bytes, text: str, told: set[str]) -> None:
    (record,) = raw_records(in_marc_21(leader, title))
    assert next(f["s"][0][1] for f in record.fields if f["t"] == "245") == text
    assert {p.code for p in record.repairs} - {"iso2709.lengths"} == told


def test_an_escape_does_not_outlive_its_value() -> None:
    (record,) = raw_records(in_marc_21(MARC_21, b"\x1b(Nabc\x1fbsuite"))
    assert record.fields[-1]["s"] == [["a", "АБЦ"], ["b", "suite"]]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_text_encoded_again_and_again_is_restored(times: int) -> None:
    text = "Théâtre, Cérézuelle, Phénix, e\u0301te\u0301"
    data = text.encode()
    for _n in range(times):
        data = "".join(iso2709.charset._WINDOWS.get(byte, chr(byte)) for byte in data).encode()
    assert read_title(in_charset("50  ", data)) == (unicodedata.normalize("NFC", text), {"charset.twice"})


def test_one_letter_encoded_twice_among_sound_ones_is_restored() -> None:
    title, told = read_title(in_charset("50  ", "né à Évry, obligé Ã\u00a0 rentrer l’œil".encode()))
    assert (title, told) == ("né à Évry, obligé à rentrer l’œil", {"charset.twice"})


@pytest.mark.parametrize("text", ["« ÉGALITÉ »", "LIBERTÉ»", "ÂGE D’OR", "Ã mon avis", "SÃO", "Ça, là… Ô’"])
def test_a_text_that_only_looks_like_it_is_left_alone(text: str) -> None:
    assert read_title(in_charset("50  ", text.encode())) == (text, set())


def test_half_signs_never_come_in() -> None:
    title, told = read_title(in_charset("50  ", b"\xed\xa0\xbd\xed\xb8\x80 \xed\xa0\xbd t\xc3\xaate"))
    assert (title, told) == ("😀 \ufffd tête", {"charset.mixed", "charset.lost"})


def test_an_endless_pile_of_accents_takes_no_hours() -> None:
    title, told = read_title(in_charset("50  ", ("e" + "\u0315\u0301" * 40_000 + "té").encode()))
    assert len(title) < 100
    assert title.endswith("té")
    assert told == {"charset.marks"}


# --- write and read again --------------------------------------------------------------------

TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")) | st.sampled_from("\n\téà’œ"), min_size=1, max_size=40
).map(lambda text: unicodedata.normalize("NFC", text))
PAIRS = st.lists(st.tuples(st.sampled_from("abcdefghijkx0123456789"), TEXT).map(list), min_size=1, max_size=5)
DATA_FIELD = st.builds(
    lambda tag, ind, pairs: Field(t=f"{tag:03}", i=ind, s=pairs),
    st.integers(10, 999).filter(lambda tag: tag not in (100, 245)),  # the character set; what makes it MARC 21
    st.text(" 012", min_size=2, max_size=2),
    PAIRS,
)
CONTROL_FIELD = st.builds(lambda tag, text: Field(t=f"00{tag}", v=text), st.integers(2, 9), TEXT.filter(str.strip))
HEAD: Fields = [{"t": "000", "v": LEADER}, {"t": "001", "v": "4711"}, field("200", "a", "Titre")]


@given(st.lists(DATA_FIELD | CONTROL_FIELD, max_size=12))
def test_what_is_written_is_read_the_same(fields: Fields) -> None:
    whole = [*HEAD, *fields]
    assume(not charset._TWICE.search(json.dumps(whole, ensure_ascii=False)))
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


CODED = field("100", "a", "20240101d2024    u  y0frey0103    ba")


def said_of_charset(data: bytes) -> str:
    return next(f["s"][0][1] for f in one(data).fields if f["t"] == "100")[26:30]


def test_100_says_the_charset_of_the_file() -> None:
    whole = notice("Été", CODED)
    assert said_of_charset(record_bytes(whole)) == "50  "
    assert said_of_charset(record_bytes(whole, ISO_5426)) == "0103"
    more = notice("Été", field("100", "a", CODED["s"][0][1].replace("0103", "5003")))
    assert said_of_charset(record_bytes(more)) == "5003"  # UTF-8 already, and a set that nobody reads
    assert one(record_bytes(notice("Été", field("100", "a", "2024")))).fields[-1]["s"] == [["a", "2024"]]


def test_iso_5426_on_request() -> None:
    whole = notice("L’œuvre du Phénix", CODED, field("300", "a", "\x98Les \x9cété"))
    record = one(record_bytes(whole, ISO_5426))
    assert record.fields == whole
    assert [p.code for p in record.repairs] == ["charset.declared"]
    assert b"Ph\xc2enix" in record_bytes(whole, ISO_5426)


def test_what_iso_5426_has_no_place_for_is_counted() -> None:
    missing = Missing()
    notices = [
        Outgoing(address, "published", "book", "", None, notice(title))
        for address, title in (("a", "n° 5 – 日本"), ("b", "Début – fin –"), ("c", "Rien"))
    ]
    data = b"".join(file_bytes(notices, ISO_5426, missing))
    assert [said(r)[1] for r in read(data)] == [[["a", "no 5 - ??"]], [["a", "Début - fin -"]], [["a", "Rien"]]]
    assert (missing.replaced, missing.replaced_in) == ({"°": 1, "–": 2}, ["a", "b"])
    assert (missing.lost, missing.lost_in) == ({"日": 1, "本": 1}, ["a"])


def test_what_iso_2709_cannot_carry_comes_back() -> None:
    whole = [*notice("Titre"), Field(t="105", v="du texte sans sous-zone"), field("009", "a", "2024-02-01")]
    whole.append({"t": "461", "i": "  ", "x": "77", "s": [["t", "Gazette"]]})
    assert one(record_bytes(whole)).fields == whole


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
        found = list(islice(files.read(path), 300))  # the corpus counts them all
        assert found
        positions = [r.position for r in found if not isinstance(r, About)]
        assert positions in ([0], list(range(1, len(positions) + 1)))
        for record in found:
            if isinstance(record, Record):
                text = json.dumps(record.fields, ensure_ascii=False)
                assert "\\u0000" not in text
                assert all(problem.message for problem in record.repairs)
            elif isinstance(record, Refusal):
                assert "{" not in record.sentence()

    def test_the_file_of_a_whole_library_comes_through_and_out_again() -> None:
        data = gzip.decompress((SHARED / "unimarc" / "roubaix_bib_2383.mrc.gz").read_bytes())
        found = [r for r in iso2709.read_file(io.BytesIO(data)) if isinstance(r, Record)]
        copies = [item for record in found for item in understand(record).items]
        assert (len(found), len(copies), len({i.barcode for i in copies if i.barcode})) == (2383, 2703, 2701)
        again = read(b"".join(record_bytes(record.fields) for record in found))
        assert [r.fields for r in again] == [r.fields for r in found]
