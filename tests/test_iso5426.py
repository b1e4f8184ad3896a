"""ISO 5426, both ways: what yaz says of every byte, what it reads of ours, and what the set has no place for."""

from __future__ import annotations

import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import iso5426
from catalogue.iso5426 import decode, encode
from tests.needs import need

SIGNS = "".join(decode(bytes([byte])) for byte in (*range(0x20, 0x7F), *range(0xA1, 0xC0), *range(0xE0, 0x100)))
SIGNS = SIGNS.replace("\ufffd", "")
MARKS = "".join(dict.fromkeys(decode(bytes([byte])) for byte in (*range(0xC0, 0xDC), 0xDD)))


def by_yaz(lines: list[bytes]) -> list[str]:
    """What yaz reads, line by line, in NFC as ours.

    It reads 64 bytes at a time and tears an accent from its letter in between: no line may lie across.
    """
    command = [need("yaz"), "-f", "iso5426", "-t", "utf-8"]
    data = b"".join(line.ljust(16, b"@") for line in lines)
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    return [unicodedata.normalize("NFC", line) for line in re.split("@+", done.stdout.decode())[: len(lines)]]


# --- against yaz -----------------------------------------------------------------------------


def test_every_byte_says_what_yaz_says() -> None:
    alone = [bytes([byte]) + b"a ." for byte in (*range(0x20, 0x40), *range(0x41, 0x7F), *range(0x80, 0x100))]
    accented = [bytes([accent, 0xC2]) + b"e." for accent in range(0xC0, 0xDC)]  # two on one letter
    letters = [b"a\xc8" + bytes([letter]) + b"u" for letter in (0x41, 0x7A, 0xE1, 0xEA, 0xF1, 0xFA)]
    lines = [*alone, *accented, *letters]
    for line, peer in zip(lines, by_yaz(lines), strict=True):
        # yaz drops what the standard does not define; we show that something stood there.
        assert decode(line).replace("\ufffd", "") == peer, line


def test_every_sign_that_we_write_is_read_by_yaz() -> None:
    two = [f"A{a}{b}." for a in MARKS for b in MARKS]
    texts = [*(f"{sign}." for sign in SIGNS if sign != "@"), *(f"o{mark}." for mark in MARKS), *two]
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    written = [encode(text) for text in texts]
    assert not any(missing for _data, missing in written)
    assert by_yaz([data for data, _missing in written]) == texts


# --- there and back --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("Économie", b"\xc2Economie"),
        ("à la façon d’Œdipe", b"\xc1a la fa\xd0con d\xb9\xeadipe"),
        ("\x98Les \x9ccœurs légers", b"\x88Les \x89c\xfaurs l\xc2egers"),
        ("« Noël »", b"\xab No\xc8el \xbb"),
        ("ǭ", b"\xd3\xc5o"),  # two accents, both before the letter
    ],
)
def test_a_text_and_its_bytes(text: str, data: bytes) -> None:
    assert encode(text) == (data, "")
    assert decode(data) == text


@given(st.text(alphabet=SIGNS + MARKS + "\x98\x9c\n"))
def test_what_the_set_has_comes_back_the_same(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    data, missing = encode(text)
    if not missing:  # an accent on nothing, or on a line break
        assert decode(data) == text


@given(st.binary())
def test_any_bytes_are_a_text_and_it_settles(data: bytes) -> None:
    text = decode(data)
    assert unicodedata.is_normalized("NFC", text)
    again = decode(encode(text)[0])
    assert decode(encode(again)[0]) == again


@given(st.text())
def test_nothing_is_lost_without_being_told(text: str) -> None:
    data, missing = encode(text)
    lost = {sign for sign in unicodedata.normalize("NFC", text) if sign not in decode(data)}
    told = set(unicodedata.normalize("NFD", missing)) | set(missing) | {"\x88", "\x89"}
    assert all(set(unicodedata.normalize("NFD", sign)) & told for sign in lost)


# --- what has no place -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read", "missing"),
    [
        ("n° 5 – 3 €…", "no 5 - 3 EUR...", "°–€…"),
        ("1\u202f500 m²", "1 500 m2", "\u202f²"),
        ("日本, 日", "??, ?", "日本"),
        ("ḇar", "bar", "ḇ"),  # a letter without the accent that the set has not
        ("\u0301e", "e", "\u0301"),  # an accent on nothing
    ],
)
def test_what_has_no_place_is_told_and_seen(text: str, read: str, missing: str) -> None:
    data, told = encode(text)
    assert (decode(data), told) == (read, missing)


def test_a_free_byte_is_seen() -> None:
    assert decode(b"a\xe0b\xdcc\xff") == "a\ufffdb\ufffdc\ufffd"


def test_the_table_is_its_own_reverse() -> None:
    assert all(encode(decode(bytes([byte])))[0] == bytes([byte]) for byte in iso5426._SIGNS if byte != 0xA4)
