"""What untrusted XML is read with: no entity, no network, no repair, and no more of it than a tree has room for.

A few bytes make a node, and a node takes a few hundred: twelve million empty elements travel in 47 kB and would
fill a gigabyte and a half. Elements and the texts between them begin at a « < », attributes at an « = »: counting
these two signs, as the bytes come in, bounds what the tree can cost before there is one. That holds in every
encoding in which the two are bytes of their own; XML in another one is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

STRICT: Mapping[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "recover": False,
}
MARKS = 500_000  # « < » and « = » of one document: 1,600 notices of a PMB; 125 MB as a tree, at the very most
_HUGE = re.compile(r"huge text|too long|size limit|too big", re.I)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"'>]*)""")
_KNOWN = re.compile(
    rb"(?:utf-?8|utf-?16(?:[lb]e)?|(?:us-)?ascii|iso[-_]?8859-\d+|latin-?\d|(?:windows-?|cp)125\d)", re.I
)
_DEFINES = re.compile(rb"\0*".join(re.escape(bytes([byte])) for byte in b"<!DOCTYPE"))  # in UTF-16 too
_NOT_ASCII = (b"\x4c\x6f\xa7\x94",)  # « <?xm » in EBCDIC, which needs no declaration to be recognised


class TooManyMarks(Exception):
    """The tree of this document would cost more memory than a page is worth."""


class UnknownEncoding(Exception):
    """In this encoding nobody has counted anything; the message is its name."""


def marks(raw: bytes) -> int:
    """How many nodes these bytes can make, at most (in half-pairs: a closing tag counts too)."""
    return raw.count(b"<") + raw.count(b"=")


def tree(raw: bytes) -> etree._Element:
    """The tree of a document. Raises XMLSyntaxError, TooManyMarks, UnknownEncoding.

    A text of 10 MB stops libxml2, and would take the records around it along: such a document is read once more
    without that limit, what it weighs being known, and nothing in it being expanded.
    """
    if marks(raw) > MARKS:
        raise TooManyMarks
    declared = _DECLARED.match(raw.removeprefix(b"\xef\xbb\xbf")[:200].replace(b"\0", b"").lstrip(b"\xff\xfe"))
    if raw.startswith(_NOT_ASCII) or (declared and not _KNOWN.fullmatch(declared[1].strip())):
        raise UnknownEncoding(declared[1].decode("ascii", "replace") if declared else "EBCDIC")
    try:
        return etree.fromstring(raw, etree.XMLParser(**STRICT))
    except etree.XMLSyntaxError as fault:
        if not _HUGE.search(fault.msg or "") or _DEFINES.search(raw):
            raise
        return etree.fromstring(raw, etree.XMLParser(**{**STRICT, "huge_tree": True}))
