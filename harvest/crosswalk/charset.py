"""The bytes of a record to text: which character set they are in, and what had to be mended. Pure.

Decided record by record, by the bytes: strict UTF-8 first, whatever the record says of itself; then what it
declares (100 $a 26-29 of UNIMARC; MARC-8 for MARC 21 whose leader does not say UTF-8), unless the bytes cannot be
that; then ISO 5426 or Windows-1252, whichever the bytes look like. The choice is told wherever it was not plain
UTF-8. Text is kept in NFC; line breaks stay; other control characters, which no screen shows and no XML may hold,
are taken out and told.

Sources: UNIMARC Manual, 100 $a/26-33 (character sets); MARC 21, leader/09 and MARC-8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from catalogue import iso5426
from catalogue.problems import Problem
from harvest.crosswalk import marc8
from harvest.crosswalk.flavour import MARC_21, flavour

_FIELD, _SUBFIELD = b"\x1e", b"\x1f"
_UTF8 = re.compile(rb"(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+")
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_HIGH = re.compile(rb"[\x80-\xff]")
_RUN = re.compile(rb"[\x80-\xff]{4,}")
# Accents before the letters that they usually stand on (and £ before a number): MARC-8, and ISO 5426.
_MARC8_SIGNS = re.compile(
    rb"[\xe1-\xe3\xe5\xe8][aeiouyAEIOUY]|\xf0[cC]|\xf2[dhstzDHSTZ]|\xb9[0-9]|(?<=[aeiou])\xe4[nN]"
)
_ISO5426_SIGNS = re.compile(rb"[\xc1-\xc3\xc8][aeiouyAEIOUY]|\xd0[cC]")
_IN_THE_AIR = re.compile(rb"[\xe0\xe3-\xfe](?![A-Za-z\x80-\xff])")  # where MARC-8 has no accent
# « Ã© », « Ì » and a control, « â€™ »: UTF-8 that was taken for Windows-1252 and made UTF-8 again.
_LATER = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_TWICE = re.compile(f"[\xc2-\xc5\xcc\xcd][{_LATER}]|\xca[\xbb\xbc]|\xe2[{_LATER}][{_LATER}]")
_LETTER_TWICE = re.compile(f"\xc3[{_LATER}]|\xc2[\xa0-\xbf]")
_MAYBE_TWICE = re.compile(f"[\xc2-\xc5\xca\xcc\xcd\xe2][{_LATER}]")  # the same, and four times as fast to find nothing
_ODD = re.compile("[\x00-\x08\x0b-\x1c\x7f-\x9f]")
_MANY = re.compile("[\u0300-\U0010ffff][\u0300-\U0010ffff]{63,}")
_MOST_MARKS = 30  # on one letter: UAX 15, « Stream-Safe Text Format »
# Marks of words that are not sorted, in a pair inside one subfield; alone, the same bytes are signs of Windows-1252.
_MARKED = re.compile("([\x98\x88])([^\x88\x89\x98\x9c\x1e\x1f]*)([\x9c\x89])")
_WINDOWS = {c: bytes([c]).decode("cp1252") for c in range(0x80, 0xA0) if c not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_FROM_WINDOWS = {ord(sign): c for c, sign in _WINDOWS.items()}
_CONTROLS = dict.fromkeys(c for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\t\n\x1e\x1f\x88\x89\x98\x9c")
# The values of a record, without the codes before them: an accent that opens a value must not fall on its code.
_VALUES = re.compile("(?<=\x1f.)[^\x1e\x1f]+|(?<![^\x1e])[^\x1e\x1f]+", re.S)

# Sets of 100 $a by their codes. Basic Cyrillic (ISO registration 37) has its letters where KOI8-R has them; the
# extended one (ISO 5427) and Greek (ISO 5428) are the registrations 54 and 55, that MARC-8 names 0x51 and 0x53.
_CYRILLIC, _LATIN = "02", "03"
_REGISTERED = {"04": 0x51, "05": 0x53}
_UNREAD = frozenset(("06", "07", "08", "09", "10", "11"))
_NOT_WESTERN = {"cp1251": "оеаинтсрвл", "koi8-r": "оеаинтсрвл", "cp866": "оеаинтсрвл", "iso8859-7": "αοιετσνηυρ"}


def decode(parts: list[bytes], tags: Sequence[str], mark: str, repairs: list[Problem]) -> list[str] | str:
    """The text of each field, or the name of a declared character set that is not read here."""
    data = _FIELD.join(parts)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        declared = _declared(parts, tags)
        other = _decode_other(data, parts, tags, mark, declared, repairs)
        if other is None:
            return declared.strip()
        text = other
    else:
        if b"\x1b" in data and data.isascii() and marc8.ESCAPE.search(data):
            text = _in_marc8(parts, data, repairs, declares=True) or text
    return mended(text, repairs).split("\x1e")


def mended(text: str, repairs: list[Problem]) -> str:
    """The text of a record, put together as in ISO 2709 (terminators, codes, values), with what was spoilt mended."""
    if _MANY.search(text) and (calm := _MANY.sub(_few_marks, text)) != text:
        repairs.append(Problem("", "", "charset.marks"))
        text = calm
    text = _in_nfc(text)
    if is_maybe_twice(text) and (mended_text := _VALUES.sub(lambda found: once(found[0]), text)) != text:
        repairs.append(Problem("", "", "charset.twice"))
        text = mended_text
    if "(B" in text and (whole := marc8.with_escapes(text)) != text:
        repairs.append(Problem("", "", "charset.escapes"))
        text = whole
    if _ODD.search(text):
        text = _without_controls(text, repairs)
    if marc8.LOST in text:
        repairs.append(Problem("", "", "charset.lost"))
    return text


def _in_nfc(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return text
    return _VALUES.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)


# --- which one -------------------------------------------------------------------------------


def _declared(parts: Sequence[bytes], tags: Sequence[str]) -> str:
    """100 $a 26-29: "50  " says UTF-8, "0103" says ISO 646 and ISO 5426."""
    if "100" not in tags:
        return ""
    return parts[tags.index("100")].partition(b"\x1fa")[2][26:30].decode("latin-1")


def _decode_other(
    data: bytes, parts: Sequence[bytes], tags: Sequence[str], mark: str, declared: str, repairs: list[Problem]
) -> str | None:
    odd = len(_HIGH.findall(_UTF8.sub(b"", data)))
    if len(_MULTIBYTE.findall(data)) > odd:
        repairs.append(Problem("", "", "charset.mixed"))
        return _patched(data)
    if flavour(tags, mark) == MARC_21:
        declares = mark[9:10] != "a"
        found = _guessed(data, repairs) or _in_iso5426(data, repairs) or _in_marc8(parts, data, repairs, declares)
        return found or _western(data, repairs)
    sets = {declared[:2], declared[2:4]}
    if _CYRILLIC in sets:
        repairs.append(Problem("", "", "charset.declared", "info"))
        return data.decode("koi8-r")
    if known := sets & _REGISTERED.keys():
        repairs.append(Problem("", "", "charset.declared", "info"))
        return _each_value(parts, _REGISTERED[min(known)])[0]
    if _LATIN in sets and iso5426.is_possible(data):
        repairs.append(Problem("", "", "charset.declared", "info"))
        return iso5426.decode(data)
    if not sets & _UNREAD and (text := _guessed(data, repairs)):
        return text
    if iso5426.is_likely(data):
        repairs.append(Problem("", "", "charset.iso5426"))
        return iso5426.decode(data)
    return None if sets & _UNREAD else _western(data, repairs)


def _in_iso5426(data: bytes, repairs: list[Problem]) -> str | None:
    """In MARC 21, where nobody expects it and the same bytes are other signs: only when most are French accents."""
    if len(_ISO5426_SIGNS.findall(data)) * 2 < len(_HIGH.findall(data)):
        return None
    repairs.append(Problem("", "", "charset.iso5426"))
    return iso5426.decode(data)


def _in_marc8(parts: Sequence[bytes], data: bytes, repairs: list[Problem], declares: bool) -> str | None:
    """The text in MARC-8, when it looks like it; or when the leader says so and it makes sense."""
    high = len(_HIGH.findall(data))
    text, faults = _each_value(parts)
    if len(_MARC8_SIGNS.findall(data)) * 4 < high and not marc8.ESCAPE.search(data):
        senseless = text.count(marc8.LOST) + len(_IN_THE_AIR.findall(data))
        if not declares or senseless * 5 > high:
            return None
    repairs.append(Problem("", "", "charset.marc8", "info"))
    if faults and marc8.LOST not in text:  # else `mended` says it
        repairs.append(Problem("", "", "charset.marc8_faults"))
    return text


def _each_value(parts: Sequence[bytes], high: int = marc8.ANSEL) -> tuple[str, int]:
    """Each value by itself: an escape, or an accent in the air, ends with it."""
    faults = 0
    out = []
    for part in parts:
        head, *pairs = part.split(_SUBFIELD)
        text, bad = marc8.decode(head, high)
        faults += bad
        for pair in pairs:
            value, bad = marc8.decode(pair[1:], high)
            text += "\x1f" + pair[:1].decode("latin-1") + value
            faults += bad
        out.append(text)
    return "\x1e".join(out), faults


def _guessed(data: bytes, repairs: list[Problem]) -> str | None:
    """Russian or Greek that nothing declares: high bytes come in words, where our accents stand alone."""
    words = b"".join(_RUN.findall(data))
    if len(words) * 2 < len(_HIGH.findall(data)):
        return None

    def common(name: str) -> int:
        text = words.decode(name, "replace").lower()
        return sum(text.count(letter) for letter in _NOT_WESTERN[name])

    best = max(_NOT_WESTERN, key=common)
    if common(best) * 3 < len(words):
        return None
    repairs.append(Problem("", "", "charset.guessed", "warning", {"charset": best}))
    return data.decode(best, "replace")


def _western(data: bytes, repairs: list[Problem]) -> str:
    repairs.append(Problem("", "", "charset.windows"))
    return data.decode("latin-1")  # where it differs from Windows-1252, `_without_controls` mends it


# --- mending ---------------------------------------------------------------------------------


def is_maybe_twice(text: str) -> bool:
    """Whether to look closer for what was made UTF-8 twice."""
    return _MAYBE_TWICE.search(text) is not None


def once(text: str) -> str:
    """A value before its second encoding, when every one of its accents says that there was one; or its third.

    Among accents that are right, « Ã© » or « Â° » alone is put right: nobody writes that.
    """
    try:
        while _TWICE.search(text):
            text = _in_nfc(_bytes_of(text).decode("utf-8"))
    except UnicodeError:
        text = _LETTER_TWICE.sub(lambda pair: _bytes_of(pair[0]).decode("utf-8"), text)
    return text


def _bytes_of(text: str) -> bytes:
    """Windows-1252, with the five controls that it leaves free."""
    return text.translate(_FROM_WINDOWS).encode("latin-1")


def _patched(data: bytes) -> str:
    """UTF-8 with some bytes of Windows-1252 in it: each piece by its own."""
    out, at = [], 0
    for found in _UTF8.finditer(data):
        out += [data[at : found.start()].decode("latin-1"), _from_utf8(found[0])]
        at = found.end()
    return "".join([*out, data[at:].decode("latin-1")])


def _from_utf8(piece: bytes) -> str:
    """Two halves of a sign, each written as if it were one (CESU-8), are joined; a half alone becomes U+FFFD."""
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        try:
            halves = piece.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return piece.decode("utf-8", "replace")
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _few_marks(found: re.Match[str]) -> str:
    """Without the endless accents on one letter, which take a normalisation hours and say nothing."""
    out: list[str] = []
    marks = 0
    for sign in found[0]:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= _MOST_MARKS:
            out.append(sign)
    return "".join(out)


def _without_controls(text: str, repairs: list[Problem]) -> str:
    """Line breaks written one way, signs of Windows-1252 where they belong, and what shows nothing taken out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Pieces 1 and 3 of 4 are marks; 0 and 2 are text, where U+0080 to U+009F come from a program that took
    # Windows-1252 for Latin-1.
    pieces = _MARKED.split(text)
    pieces = [piece if n % 2 else piece.translate(_WINDOWS) for n, piece in enumerate(pieces)]
    mended = "".join(pieces)
    if mended != text and not any(r.code.startswith("charset.") for r in repairs):
        repairs.append(Problem("", "", "charset.windows_signs"))
    bare = mended.translate(_CONTROLS)
    if bare != mended:
        repairs.append(Problem("", "", "iso2709.controls"))
    return bare
