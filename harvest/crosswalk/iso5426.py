"""ISO 5426, the extended Latin set of UNIMARC before UTF-8: bytes to text. Pure.

A byte 0xC0 to 0xDF is an accent and stands *before* its letter; in Unicode it stands behind it. 0x88 and
0x89 mark words that are not sorted, and become U+0098 and U+009C as everywhere else.
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
# 0xDE and 0xDF, the second halves of signs over two letters, are said by the first half already.
_ACCENTS = {
    0xC0: 0x309, 0xC1: 0x300, 0xC2: 0x301, 0xC3: 0x302, 0xC4: 0x303, 0xC5: 0x304, 0xC6: 0x306, 0xC7: 0x307,
    0xC8: 0x308, 0xC9: 0x308, 0xCA: 0x30A, 0xCB: 0x315, 0xCC: 0x313, 0xCD: 0x30B, 0xCE: 0x31B, 0xCF: 0x30C,
    0xD0: 0x327, 0xD1: 0x31C, 0xD2: 0x326, 0xD3: 0x328, 0xD4: 0x325, 0xD5: 0x32E, 0xD6: 0x323, 0xD7: 0x324,
    0xD8: 0x332, 0xD9: 0x333, 0xDA: 0x329, 0xDB: 0x32D, 0xDD: 0x360,
}  # fmt: skip

_TABLE = {byte: _SIGNS.get(byte, "\ufffd") for byte in range(0x80, 0x100)} | {
    byte: chr(_ACCENTS[byte]) if byte in _ACCENTS else "" for byte in range(0xC0, 0xE0)
}
_HIGH = re.compile(rb"[\x80-\xff]")
_ACCENTED = re.compile("([\xc0-\xdf]+)([^\x00-\x1f\x7f-\xa0\xc0-\xdf])")
_LETTER = re.compile(rb"[\xc0-\xdb]+[A-Za-z]")
_KNOWN = frozenset(_SIGNS) | frozenset(range(0xC0, 0xE0))


def decode(data: bytes) -> str:
    """The text, in NFC; a byte that ISO 5426 does not define becomes U+FFFD.

    >>> decode(b"\\x88Les \\x89c\\xfaurs l\\xc2eg\\xc1eres")
    '\\x98Les \\x9ccœurs légères'
    """
    text = _ACCENTED.sub(lambda found: found[2] + found[1], data.decode("latin-1"))
    return unicodedata.normalize("NFC", text.translate(_TABLE))


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
