"""ISO 5426, the extended Latin set of UNIMARC before UTF-8: bytes to text and back. Pure.

A byte 0xC0 to 0xDF is an accent and stands *before* its letter; in Unicode it stands behind it. 0x88 and
0x89 mark words that are not sorted, and become U+0098 and U+009C as everywhere else.

The tables say what `yaz-iconv -f iso5426` says, byte by byte (tests/test_iso5426.py), except on purpose:

- a byte that the standard leaves free becomes U+FFFD, where yaz drops it: one sees that something stood there;
- the text is in NFC, where yaz leaves letter and accent apart.

yaz does not write ISO 5426; what `encode` writes is checked by having yaz read it.
"""

from __future__ import annotations

import re
import unicodedata

_SIGNS = {
    0x88: "\x98", 0x89: "\x9c",
    0xA1: "¡", 0xA2: "„", 0xA3: "£", 0xA4: "$", 0xA5: "¥", 0xA6: "†", 0xA7: "§", 0xA8: "′", 0xA9: "‘",
    0xAA: "“", 0xAB: "«", 0xAC: "♭", 0xAD: "©", 0xAE: "℗", 0xAF: "®", 0xB0: "ʻ", 0xB1: "ʼ", 0xB2: "‚",
    0xB6: "‡", 0xB7: "·", 0xB8: "″", 0xB9: "’", 0xBA: "”", 0xBB: "»", 0xBC: "♯", 0xBD: "ʹ", 0xBE: "ʺ", 0xBF: "¿",
    0xE1: "Æ", 0xE2: "Đ", 0xE6: "Ĳ", 0xE8: "Ł", 0xE9: "Ø", 0xEA: "Œ", 0xEC: "Þ", 0xF1: "æ", 0xF2: "đ", 0xF3: "ð",
    0xF5: "ı", 0xF6: "ĳ", 0xF8: "ł", 0xF9: "ø", 0xFA: "œ", 0xFB: "ß", 0xFC: "þ",
}  # fmt: skip
_ACCENTS = {
    0xC0: 0x309, 0xC1: 0x300, 0xC2: 0x301, 0xC3: 0x302, 0xC4: 0x303, 0xC5: 0x304, 0xC6: 0x306, 0xC7: 0x307,
    0xC8: 0x308, 0xC9: 0x308, 0xCA: 0x30A, 0xCB: 0x315, 0xCC: 0x313, 0xCD: 0x30B, 0xCE: 0x31B, 0xCF: 0x30C,
    0xD0: 0x327, 0xD1: 0x31C, 0xD2: 0x326, 0xD3: 0x328, 0xD4: 0x325, 0xD5: 0x32E, 0xD6: 0x323, 0xD7: 0x324,
    0xD8: 0x332, 0xD9: 0x333, 0xDA: 0x329, 0xDB: 0x32D, 0xDD: 0x360,
}  # fmt: skip
_SECOND_HALVES = (0xDE, 0xDF)  # of a sign over two letters, which its first half says already

_TABLE = {byte: _SIGNS.get(byte, "\ufffd") for byte in range(0x80, 0x100)}
_TABLE |= {byte: chr(mark) for byte, mark in _ACCENTS.items()} | dict.fromkeys(_SECOND_HALVES, "")
_HIGH = re.compile(rb"[\x80-\xff]")
_ACCENTED = re.compile("([\xc0-\xdb\xdd-\xdf]{1,8})([^\x00-\x1f\x7f-\xa0\xc0-\xdb\xdd-\xdf])")
_LETTER = re.compile(rb"[\xc0-\xdb]{1,8}[A-Za-z]")
_OUT_OF_PLACE = re.compile(rb"(?<=[^\x1f][a-z])[\xe1-\xec]|[\xc0-\xdb](?![A-Za-z\xc0-\xdb\xde-\xfe])")
_KNOWN = frozenset(_SIGNS) | frozenset(_ACCENTS) | frozenset(_SECOND_HALVES)

_BYTES = {chr(byte): bytes([byte]) for byte in range(0x80)} | {sign: bytes([b]) for b, sign in _SIGNS.items()}
_BYTES |= {"$": b"$", "\x88": b"\x88", "\x89": b"\x89"}
_MARK_BYTES = {chr(mark): bytes([byte]) for byte, mark in reversed(_ACCENTS.items())}
# What a reader takes for the same thing, for signs that the set has not. Each is told as missing all the same.
_NEAR = {
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
    "…": "...", "‹": "<", "›": ">", "‟": "“", "‛": "‘", "•": "·", "°": "o", "º": "o", "ª": "a", "€": "EUR", "™": "TM",
    "²": "2", "³": "3", "¹": "1", "½": "1/2", "¼": "1/4", "¾": "3/4", "×": "x", "Ð": "Đ", "ʿ": "ʻ", "ʾ": "ʼ", "ẞ": "SS",
}  # fmt: skip


def decode(data: bytes) -> str:
    """The text, in NFC; a byte that ISO 5426 does not define becomes U+FFFD.

    >>> decode(b"\\x88Les \\x89c\\xfaurs l\\xc2eg\\xc1eres")
    '\\x98Les \\x9ccœurs légères'
    """
    text = _ACCENTED.sub(lambda found: found[2] + found[1], data.decode("latin-1"))
    return unicodedata.normalize("NFC", text.translate(_TABLE))


def encode(text: str) -> tuple[bytes, str]:
    """The bytes, and the signs that the set does not have, each once.

    Such a sign goes out as the nearest one that a reader takes for it (« – » as « - », « ° » as « o »), a letter
    without the accent that is missing, anything else as « ? ».

    >>> encode("Été – 日")
    (b'\\xc2Et\\xc2e - ?', '–日')
    """
    if text.isascii():
        return text.encode("ascii"), ""
    out: list[bytes] = []
    missing: dict[str, None] = {}
    letter = ""  # what an accent would fall on
    lost = False  # with its accents
    for sign in unicodedata.normalize("NFD", text):
        if unicodedata.combining(sign):
            if lost:
                missing[sign] = None
            elif letter and (mark := _MARK_BYTES.get(sign)):
                out.insert(len(out) - 1, mark)
            else:
                missing[unicodedata.normalize("NFC", letter + sign)] = None
            continue
        code = _BYTES.get(sign)
        lost = code is None and is_lost(sign)
        if code is None:
            missing[sign] = None
            code = b"".join(_BYTES[near] for near in _near(sign))
        out.append(code)
        letter = sign if len(code) == 1 and (0x20 <= code[0] < 0x7F or code[0] > 0xA0) else ""
    return b"".join(out), "".join(missing)


def is_lost(sign: str) -> bool:
    """Whether nothing near enough stands for a sign that the set does not have.

    >>> is_lost("日"), is_lost("–"), is_lost("ḍ")
    (True, False, False)
    """
    return _near(unicodedata.normalize("NFD", sign)[:1]) == "?"


def _near(sign: str) -> str:
    near = _NEAR.get(sign) or unicodedata.normalize("NFKD", sign)
    return near if all(c in _BYTES for c in near) else "?"


def is_possible(data: bytes) -> bool:
    """Whether bytes that are said to be in ISO 5426 may be: most of their signs have a place there.

    What is against it, in a file that says so wrongly: a byte that the set leaves free, a capital Æ, Đ, Ł, Ø or Œ
    behind a small letter (« é » and « è » of Windows-1252), an accent before what takes none.
    """
    high = _HIGH.findall(data)
    return all(byte[0] in _KNOWN for byte in high) and len(_OUT_OF_PLACE.findall(data)) * 2 < len(high)


def is_likely(data: bytes) -> bool:
    """Whether bytes that are no UTF-8 read better as ISO 5426 than as Windows-1252.

    An accent before a letter that makes an accented letter speaks for the first; French text in
    Windows-1252 is full of lower-case accented letters (0xE0 to 0xFF), nearly all of them undefined in the
    other, and of its own quotation marks (0x80 to 0x9F).
    """
    if not all(byte[0] in _KNOWN for byte in _HIGH.findall(data)):
        return False
    accented = [pair for pair in _LETTER.findall(data) if len(decode(pair)) == 1]
    letters = sum(byte[0] >= 0xE0 for byte in _HIGH.findall(data))
    return len(accented) > letters
