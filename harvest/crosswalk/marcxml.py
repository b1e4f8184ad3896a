"""UNIMARC and MARC 21 in XML: MARCXML and its cousins, alone or inside somebody's answer, to records.

Only local names count. Read alike: MARCXML with a namespace, a false one or none (Sudoc, PMB), MarcXchange v1 and
v2 (BnF), the short names of the BNCF (`rec lab cf df sf`), answers of SRU 1.1 to 2.0, the record as elements or
as escaped text, OAI-PMH pages, files put end to end. `harvest.crosswalk.flavour` then says which MARC it is.

A broken record costs itself only (`xmltext`): what can be mended is mended and told, the others are refused and
named. Mended: signs that XML forbids, lone `&` and `<`, HTML's names of accents, bytes of Windows-1252 in a file
of UTF-8, missing indicators, subfields without a code (in $a), « 42 » for the tag « 042 », Sudoc's leader whose
blanks were lost. Told and not taken over: what has no tag, or one that cannot be, and text outside of any field.

As in ISO 2709, the lengths in the leader are let go of, text is kept in NFC with its line breaks, 009 with
subfields (PMB writes it so) is a data field, empty subfields go, and `catalogue.wire` undoes what MARCXML had to
say in its own way. No DOCTYPE, no entity, no network: `harvest.strict`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from typing import Any, BinaryIO

from lxml import etree

from catalogue.entities import AgentRow, ClassRow, Thesaurus
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Field, Fields, Record
from catalogue.wire import from_wire
from harvest.crosswalk import charset, flavour, pmbxml, xmltext
from harvest.crosswalk.pmbxml import local_name
from harvest.strict import STRICT

MAX_FIELDS = 10_000
MAX_FAULTS = 1_000  # records that no parser takes, after which the rest is not worth trying
KEPT = 1 << 16  # of what is refused as a whole

# The names that say the same thing; attributes likewise.
_NAMES = {"lab": "leader", "cf": "controlfield", "df": "datafield", "sf": "subfield"}
_FIELDS = frozenset(("controlfield", "datafield"))
_EMBEDDED = "s1"
_BARE = "          22        450 "
_COLLAPSED = re.compile(r"\s*(\S{2,5})\s+22\s+(?:\d{5}\s*)?(\S{0,3}?)\s*450\s*")

Read = Record | AgentRow | ClassRow | Thesaurus | Refusal


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Read]:
    """Every record of a file, in order. A Refusal at position 0 is about the file itself."""
    head = pmbxml.head_of(stream)
    if why := pmbxml.at_sight(head):
        code = f"file.{why}" if why != "doctype" else "marcxml.doctype"
        yield Refusal(0, "", code, {"read": "MARCXML"}, head[:KEPT])
        return
    try:
        pieces = xmltext.decoded(head, stream)
        cutter = xmltext.Cutter()
        reading = _Reading(cutter)
        yield from reading.read(pieces)
    except xmltext.UnknownCharset as unknown:
        yield Refusal(0, "", "marcxml.charset", {"value": str(unknown)}, head[:KEPT])
        return
    if not (reading.position or reading.refused):
        yield Refusal(0, "", "marcxml.no_record", {"root": cutter.root or "?"}, head[:KEPT])


class _Reading:
    """The records of one file, numbered."""

    def __init__(self, cutter: xmltext.Cutter) -> None:
        self.position = 0
        self.faults = 0
        self.refused = False  # as a whole
        self._cutter = cutter
        self._parser = etree.XMLParser(**STRICT)

    def read(self, pieces: Iterator[str]) -> Iterator[Read]:
        for piece in self._cutter.cut(pieces):
            if piece.state == "doctype":
                self.refused = True
                yield Refusal(0, "", "marcxml.doctype", raw=_bytes(piece.text))
                return
            yield from self._piece(piece)
            if self.faults > MAX_FAULTS:
                yield self._refused(piece.text, "marcxml.too_many_faults", limit=str(MAX_FAULTS))
                return

    def _piece(self, piece: xmltext.Piece) -> Iterator[Read]:
        if piece.state != "whole":
            self.position += 1
            self.faults += piece.state == "unclosed"
            yield self._refused(piece.text, f"marcxml.{piece.state}", limit=str(xmltext.MAX_RECORD // 1_000_000))
            return
        repairs: list[Problem] = []
        text = xmltext.unbroken(piece.text, repairs)
        element = self._parsed(text, repairs)
        if isinstance(element, Refusal):
            yield element
            return
        fields = _fields(element, repairs) if len(element) <= MAX_FIELDS else []
        if len(fields) == 1:
            yield from self._without_fields(element, text)
            return
        self.position += 1
        if fields:
            yield self._record(element, fields, text, repairs)
        else:
            yield self._refused(text, "marcxml.too_many_fields", limit=str(MAX_FIELDS))

    def _without_fields(self, element: etree._Element, text: str) -> Iterator[Read]:
        """A record that an answer wraps as text, gives a reason for not giving, or announces as deleted; or nothing."""
        if (packed := _packed(element)) is not None:
            yield from self._unpacked(packed)
        elif not _is_deleted(element):
            self.position += 1
            said = _diagnostic(element)
            code = "marcxml.diagnostic" if said else "marcxml.no_fields"
            yield self._refused(text, code, value=said[:200])

    def _unpacked(self, text: str) -> Iterator[Read]:
        """Records that SRU sends as escaped text (recordPacking=string)."""
        for piece in xmltext.Cutter().cut([text]):
            if "recordData" not in piece.text:
                yield from self._piece(piece)

    def _parsed(self, text: str, repairs: list[Problem]) -> etree._Element | Refusal:
        try:
            return self._parse(text, self._cutter.prefixes)
        except (etree.XMLSyntaxError, ValueError):
            text = xmltext.mended(text, repairs)
        try:
            return self._parse(text, self._cutter.prefixes | xmltext.used_prefixes(text))
        except (etree.XMLSyntaxError, ValueError) as fault:
            self.position += 1
            self.faults += 1
            return self._refused(text, "marcxml.malformed", detail=str(fault).split(", line ")[0])

    def _parse(self, text: str, prefixes: Set[str]) -> etree._Element:
        declared = "".join(f' xmlns:{prefix}="urn:{prefix}"' for prefix in prefixes - {"xml", "xmlns"})
        return etree.fromstring(f"<r{declared}>{text}</r>".encode(), self._parser)[0]

    def _record(self, element: etree._Element, fields: Fields, text: str, repairs: list[Problem]) -> Read:
        fields = from_wire(_clean(fields, repairs))
        number = next((f["v"] for f in fields if f["t"] == "001" and "v" in f), None)
        record = Record(fields, (), self.position, number, tuple(repairs), _bytes(text))
        return flavour.settle(record, element.get("format") or "")

    def _refused(self, text: str, code: str, **params: str) -> Refusal:
        found = re.search(r"""\b(?:tag|t)=["']001["'][^>]{0,40}>\s*([^<\s]{1,40})""", text[:KEPT])
        params = {"position": str(self.position), **params}
        return Refusal(self.position, found[1] if found else "", code, params, _bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# --- what is around the record ---------------------------------------------------------------


def _packed(element: etree._Element) -> str | None:
    """The text of an SRU answer's recordData, when the record is in it as text."""
    data = next((e for e in element.iter() if local_name(e.tag) == "recordData"), None)
    if data is None or len(data) or not (data.text or "").lstrip().startswith("<"):
        return None
    return data.text


def _diagnostic(element: etree._Element) -> str:
    """What an SRU server says instead of the record that it does not give."""
    found = (e for e in element.iter() if local_name(e.tag) == "diagnostic")
    return next((" ".join(_said(e).split()) for e in found), "")


def _is_deleted(element: etree._Element) -> bool:
    """A record of OAI-PMH that says only that it is no more, or that it has nothing to say."""
    return any(local_name(e.tag) == "header" for e in element)


# --- one record ------------------------------------------------------------------------------


def _fields(element: etree._Element, repairs: list[Problem]) -> Fields:
    """The leader, and every field; one that lies inside another, whose end is misplaced, comes behind it."""
    mark: str | None = None
    fields: Fields = []
    for child in element:
        nested = [child]
        for one in nested:  # grows while a field is found to hold others
            name = _name(one)
            if name in _FIELDS:
                if (f := _field(one, name, repairs, nested)) is not None:
                    fields.append(f)
            elif name == "leader":
                mark = _leader(_said(one), repairs)
            elif name:
                _tell(one, "marcxml.unknown_element", repairs, element=name)
    if mark is None:
        repairs.append(Problem("", "", "marcxml.no_leader"))
    return [{"t": "000", "v": mark or _BARE}, *fields]


def _clean(fields: Fields, repairs: list[Problem]) -> Fields:
    """The same fields, their texts mended as those of ISO 2709 are, all at once: most need nothing."""
    texts = [value for f in fields for value in ([f["v"]] if "v" in f else [pair[1] for pair in f["s"]])]
    whole = "\x1e".join(texts)
    if whole.isascii() and "\r" not in whole and "\x7f" not in whole:
        return fields
    new = iter(charset.mended(whole, repairs).split("\x1e"))
    return [
        {**f, "v": next(new)} if "v" in f else {**f, "s": [[code, next(new)] for code, _value in f["s"]]}
        for f in fields
    ]


@lru_cache(maxsize=256)
def _name_of(tag: object) -> str:
    name = local_name(tag)
    return _NAMES.get(name, name)


def _name(element: etree._Element) -> str:
    return _name_of(element.tag)


def _attribute(element: etree._Element, name: str, short: str) -> str:
    value = element.get(name)
    return value if value is not None else element.get(short) or ""


def _leader(text: str, repairs: list[Problem]) -> str:
    """Without its lengths; where its blanks were lost (Sudoc), what is left of it tells its places."""
    mark = text.replace("\n", " ") if len(text) == 24 else text.strip("\n\r\t")
    if len(mark) < 24 and (found := _COLLAPSED.fullmatch(mark)):
        mark = f"     {found[1]:<5}22     {found[2]:<3}450 "
        repairs.append(Problem("", "", "marcxml.leader", "info"))
    elif len(mark) != 24:
        repairs.append(Problem("", "", "marcxml.leader", "warning"))
    mark = "".join(c if c.isascii() and c.isprintable() else " " for c in mark.ljust(24))
    return f"     {mark[5:10]}22     {mark[17:20]}450 "


def _field(element: etree._Element, name: str, repairs: list[Problem], nested: list[etree._Element]) -> Field | None:
    tag = _attribute(element, "tag", "t").strip()
    if tag.isascii() and tag.isdigit() and len(tag) < 3:
        repairs.append(Problem(tag.zfill(3), "", "marcxml.short_tag", "warning", {"value": tag, "tag": tag.zfill(3)}))
        tag = tag.zfill(3)
    if len(tag) != 3 or not (tag.isascii() and tag.isalnum()) or tag == "000":
        _tell(element, "marcxml.bad_tag" if tag else "marcxml.no_tag", repairs, tag=tag[:20])
        return None
    pairs: list[list[str]] = []
    stray = element.text or ""
    for child in element:
        if (tail := child.tail) and not tail.isspace():
            stray += " " + tail
        inside = _name(child)
        if inside in _FIELDS:
            nested.append(child)
            repairs.append(Problem(tag, "", "marcxml.nested", "warning", {"tag": tag}))
        elif inside == _EMBEDDED:
            pairs += _embedded(child, repairs, nested)
        elif inside and (pair := _subfield(child, inside, tag, repairs)) is not None:
            pairs.append(pair)
    stray = stray.strip()
    if not len(element) and stray:
        return _without_subfields(element, name, tag, repairs)
    if stray:
        repairs.append(Problem(tag, "", "iso2709.stray_text", "warning", {"tag": tag, "value": stray[:80]}))
    if not pairs:
        return None
    return {"t": tag, "i": _indicators(element, tag, repairs), "s": pairs}


def _without_subfields(element: etree._Element, name: str, tag: str, repairs: list[Problem]) -> Field | None:
    """A control field; or a data field that has text and no subfield, whose text is kept as its $a."""
    value = element.text or ""
    if tag < "010":
        value = value.strip() if tag == "001" else value
        return {"t": tag, "v": value} if value.strip() else None
    repairs.append(Problem(tag, "a", "iso2709.no_subfield", "warning", {"tag": tag}))
    indicators = _indicators(element, tag, repairs) if name == "datafield" else "  "
    return {"t": tag, "i": indicators, "s": [["a", value.strip()]]}


def _subfield(element: etree._Element, name: str, tag: str, repairs: list[Problem]) -> list[str] | None:
    value = _said(element)
    if value[:1] == "\n" == value[-1:]:
        value = value.strip()  # laid out by a program that puts long texts on lines of their own
    code = _attribute(element, "code", "c")
    if name != "subfield" and value.strip():
        if not code:
            _tell(element, "marcxml.unknown_element", repairs, element=name)
            return None
        repairs.append(Problem(tag, code[:1], "marcxml.taken_as_subfield", "warning", {"tag": tag, "value": name[:40]}))
    if len(element) and any(local_name(e.tag) for e in element):
        repairs.append(Problem(tag, code[:1], "pmbxml.markup", "warning", {"tag": tag}))
    if value and not code.strip():
        repairs.append(Problem(tag, "a", "marcxml.no_code", "warning", {"tag": tag}))
        code = "a"
    return [code[:1], value] if value else None


def _embedded(element: etree._Element, repairs: list[Problem], nested: list[etree._Element]) -> list[list[str]]:
    """A field inside a field of links (410…), said as ISO 2709 says it: `$1` tag and indicators, then its subfields."""
    pairs: list[list[str]] = []
    for child in element:
        f = _field(child, _name(child), repairs, nested)
        if f is not None:
            pairs += [["1", f["t"] + f.get("i", "") + f.get("v", "")], *f.get("s", [])]
    return pairs


def _indicators(element: etree._Element, tag: str, repairs: list[Problem]) -> str:
    first, second = _attribute(element, "ind1", "i1"), _attribute(element, "ind2", "i2")
    if len(first) == len(second) == 1:
        return first + second
    repairs.append(Problem(tag, "", "marcxml.indicators", "info", {"tag": tag}))
    return (first[:1] or " ") + (second[:1] or " ")


def _said(element: etree._Element) -> str:
    return str(element.xpath("string()")) if len(element) else element.text or ""


def _tell(which: etree._Element, code: str, repairs: list[Problem], **params: str) -> None:
    """What is not taken over, in the words of the record, so that a person can put it back."""
    said = " ".join(_said(which).split())
    if said:
        repairs.append(Problem("", "", code, "warning", {"value": said[:80], **params}))
