"""MARC-8, the character set of MARC 21 before UTF-8: bytes to text, and what could not be read. Pure.

Two sets are in force at a time, one for the bytes below 0x80 and one for those above; an escape sequence changes
one of them until the end of the value. An accent stands *before* its letter. The tables are pymarc's; its
converter leaves out what it cannot read and says so on the terminal, where nobody is: hence this one.

Source: Library of Congress, « MARC 21 Specifications for Record Structure, Character Sets and Exchange Media »,
part 2, MARC-8 encoding environment.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

_LATIN, ANSEL, _EACC = 0x42, 0x45, 0x31
LOST = "\ufffd"
_ALONE = {"\u0300": "`", "\u0301": "´"}  # somebody’s apostrophe
# ESC, then « $ » when a sign takes several bytes, then where the set goes: ( or , below 0x80, ) or - above.
ESCAPE = re.compile(rb"\x1b(?:(\$?)([(),-]?)(?:!?)([1-4BENQS])|([gbps]))")
_RUN = re.compile(rb"[!-~]+")
# What MARC-8 has no place for (« lossless technique »): &#x4E00;
_NUMERIC = re.compile(rb"&#x([0-9A-Fa-f]{4,6});")
_PUNCTUATION = re.compile(rb"[,.;:/()\[\]=-]{1,2}(?![!-~])")
# « $1!2H!?5(B »: a Chinese word whose two escape characters a program took for rubbish.
_BARE = re.compile("\x1b?\\$1([!-~]{3,300}?)\x1b?\\(B")


def decode(data: bytes, high: int = ANSEL) -> tuple[str, int]:
    r"""One value in NFC, with U+FFFD for what could not be read, and how many times that was.

    >>> decode(b"Les ann\xe2ees Ph\xe2enix")
    ('Les années Phénix', 0)
    """
    if data.isascii() and b"\x1b" not in data and b"&#x" not in data:
        return data.decode("ascii"), 0
    low = _LATIN
    out: list[str] = []
    marks: list[str] = []
    faults = at = 0
    while at < len(data):
        if data[at] == 0x1B:
            if found := ESCAPE.match(data, at):
                low, high = _switched(found, low, high)
            else:
                faults += 1
            at = found.end() if found else at + 1
            continue
        sign, accent, width = _sign(data, at, low, high)
        at += width
        faults += sign == LOST
        if accent:
            marks.append(sign)
        else:
            # An accent in the air is no MARC-8: there, another character set passes for it.
            if marks and not sign.isalnum():
                faults += 1
                out += [_ALONE.get(mark, mark) for mark in marks]
                marks = []
            out += [sign, *marks]
            marks = []
    faults += bool(marks)
    return unicodedata.normalize("NFC", "".join([*out, *(_ALONE.get(mark, mark) for mark in marks)])), faults


def _sign(data: bytes, at: int, low: int, high: int) -> tuple[str, bool, int]:
    """The sign that stands there, whether it is an accent, and the bytes it takes."""
    byte = data[at]
    wide = low == _EACC and 0x20 < byte < 0x7F
    if byte == 0x26 and not wide and (named := _NUMERIC.match(data, at)):
        sign = _named(named)
        return sign, unicodedata.combining(sign) > 0, len(named[0])
    if wide and not _PUNCTUATION.match(data, at):
        found = _sets()[_EACC].get(int.from_bytes(data[at : at + 3], "big"))
        if found:
            return chr(found[0]), bool(found[1]), 3
        # Where the signs are not whole, what follows is out of step: it would give what nobody wrote.
        left = len(_RUN.match(data, at)[0])  # type: ignore[index]
        return LOST, False, left if left % 3 else 3
    known = _sets().get(low if byte < 0x80 else high, {})
    found = known.get(byte) or (known.get(byte ^ 0x80) if byte >= 0x80 else None)
    if found:
        return chr(found[0]), bool(found[1]), 1
    # A blank or a comma is one, whatever the set.
    return (chr(byte) if byte < 0x80 and not chr(byte).isalnum() else LOST), False, 1


def with_escapes(text: str) -> str:
    """The text with the words that lost their escape characters, where they can be nothing else.

    >>> with_escapes("$1!2H!?5(B, 2004")
    '傲慢, 2004'
    """
    return _BARE.sub(_restored, text)


def _restored(found: re.Match[str]) -> str:
    bare = html.unescape(found[1]).encode("ascii", "replace")
    blocks = {code >> 16 for code in _sets()[_EACC]}
    if len(bare) % 3 or not blocks.issuperset(bare[::3]):
        return found[0]
    return decode(b"\x1b$1" + bare + b"\x1b(B")[0]


def _switched(found: re.Match[bytes], low: int, high: int) -> tuple[int, int]:
    if found[4]:  # ESC g, b, p: Greek symbols, subscripts, superscripts; ESC s: Latin again
        return (_LATIN if found[4] == b"s" else found[4][0]), high
    code = found[3][0]
    return (low, code) if found[2] in (b")", b"-") else (code, high)


def _named(found: re.Match[bytes]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else LOST


@cache
def _sets() -> dict[int, dict[int, tuple[int, int]]]:
    from pymarc import marc8_mapping

    sets = {code: dict(signs) for code, signs in marc8_mapping.CODESETS.items()}
    sets[_EACC] |= {code: (sign, 0) for code, sign in marc8_mapping.ODD_MAP.items()}
    return sets
