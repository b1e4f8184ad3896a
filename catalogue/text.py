"""Plain text and comparison keys. Pure.

`fold` is how Travée compares words everywhere outside the index (labels, names, sort keys):
accents, case, apostrophes and ligatures never tell two words apart.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

import nh3
from anyascii import anyascii

_MARKUP = re.compile(r"<[a-zA-Z!/]")
_ENTITY = re.compile(r"&(#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
# UNIMARC's non-sorting marks, in the three ways they arrive: C1 controls, U+0098/U+009C, and the raw ISO 5426 bytes.
_NSB, _NSE = "\x98\x88", "\x9c\x89"
_UNSEEN = {c: None if chr(c) in _NSB + _NSE else " " for c in (*range(0x20), *range(0x7F, 0xA0))}
_NOT_SORTED = re.compile(f"[{_NSB}].*?[{_NSE}]")
# XML 1.0 (2.2) has no sign for these: one of them would make a whole document unreadable.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ACCENTS = re.compile("[\u0300-\u0362]+")  # the combining signs that anyascii makes nothing of either
_ARTICLE = re.compile(r"^(?:l'|d'|le |la |les |un |une |des |the |an )(?=\S)")


def plain_text(value: str) -> str:
    """One line without markup: HTML that a PMB left in a note is taken away, its words stay."""
    if value.isprintable() and "<" not in value and "&" not in value:  # nearly always: the rest is for odd values
        return " ".join(value.split()) if "  " in value else value.strip(" ")
    if _MARKUP.search(value):
        # Block ends become blanks first, so that words do not stick together.
        value = nh3.clean(re.sub(r"<(br|/p|/li|/div|/h\d)\b", r" <\1", value, flags=re.I), tags=set())
    if "&" in value and _ENTITY.search(value):
        value = html.unescape(value)
    if not value.isprintable():
        value = value.translate(_UNSEEN)
    return " ".join(value.split())


@lru_cache(maxsize=20_000)
def fold(value: str) -> str:
    """Lower-case ASCII letters and digits, one blank between words: « L’Œuvre d’Été » -> "l oeuvre d ete"."""
    if not value.isascii():
        value = _to_ascii(value)
    return " ".join(re.findall(r"[a-z0-9]+", value.lower()))


def _to_ascii(value: str) -> str:
    """Without accents, then without anything that is not ASCII: once they are gone, French has little left."""
    value = _ACCENTS.sub("", unicodedata.normalize("NFKD", value))
    return value if value.isascii() else anyascii(value)


def sort_key(title: str, length: int = 120) -> str:
    """An ASCII key that files a title where a French reader looks for it.

    What stands between non-sorting marks is skipped; without marks, a leading article is.
    """
    marked = title if title.isprintable() else _NOT_SORTED.sub("", title)
    if marked != title and marked.strip():
        return fold(plain_text(marked))[:length]
    plain = plain_text(title)
    if not plain.isascii():
        plain = _to_ascii(plain)
    plain = plain.lower().replace("`", "'")
    return fold(_ARTICLE.sub("", plain) or plain)[:length]


def for_xml(value: str) -> str:
    """The same text without what XML cannot hold."""
    return _NOT_XML.sub("", value)
