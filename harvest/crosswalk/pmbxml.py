"""PMB's own XML (`pmb_xml_unimarc`, file exports) to records.

One `<notice>` is six header elements, `rs dt bl hl el ru`, then `<f c="200" ind="1 ">` with
`<s c="a">`. Only local names count: over OAI-PMH the notice falls into the OAI namespace, or into
`http://www.pmbservices.fr`, and in a file export into none. Text is taken as it comes, with its line
breaks and its HTML: cleaning is for the page that shows it. Only what was made UTF-8 twice (« Ã© ») is put right
and told, as in every other format: the same base must say the same whichever way it comes. What is not taken
over, and why:

- empty subfields (PMB leaves some, in 101 above all), and a field in which nothing else stood;
- a 214 that repeats a 210 exactly: recent PMBs write the publisher twice, and it must not show twice. The
  210 stays and the record says so (`pmbxml.twin_214`, for information);
- 995, 996 and the 999 of a copy, which become its items. A 999 that belongs to no copy stays a field.

Header and items are mapped in `catalogue.pmb`, where the writer finds the same mapping.

An issue's copies are written inside its first article, after its 462 in the periodical, and in file exports
inside a made-up article whose number ends with `-bull`. `RecordItem.issue_of` then names the bulletin; it is
"" when the copy belongs to the record itself, an issue's own record included. `stands_for_issue` tells the
made-up articles: the importer takes their items and makes no notice of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, BinaryIO

from lxml import etree

from catalogue.pmb import HEADER, ITEM_TAGS, fields_from_header, item_from_fields, link_target, names_issue
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import LONGEST_TARGET, Field, Fields, Record, RecordItem, control, first, leader, title, typed
from catalogue.volatile import VOLATILE_CODES, volatile  # noqa: F401  what this format changes every day
from catalogue.wire import from_wire
from harvest.crosswalk import charset
from harvest.issues import STAND_IN
from harvest.strict import STRICT

MAX_RECORD_BYTES = 4_000_000  # forty times what ISO 2709 can say of itself, as XML
MAX_FIELDS = 10_000

_CHUNK = 1 << 16
_KEPT = 1 << 16  # of the bytes of a larger one, or of a file that is refused; others are kept whole
_HEADER_NAMES = frozenset(name for name, _ in HEADER)
_TAGS = frozenset(f"{number:03}" for number in range(1, 1000))  # those that most records have, and need no second look
_CODES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_END = re.compile(rb"</(?:[\w.-]+:)?notice\s*>")
_NUMBER = re.compile(rb"""<(?:[\w.-]+:)?f\s+c=["']001["'][^>]{0,40}>\s*([^<\s]{1,40})""")
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+)?html\b", re.I)


# --- one record ------------------------------------------------------------------------------


class _Unreadable(Exception):
    def __init__(self, code: str, **params: str):
        self.code, self.params = code, params


def from_element(notice: etree._Element, position: int) -> Record | Refusal:
    """The record that a `<notice>` holds, wherever it was found; PMB may answer another format than asked."""
    if local_name(notice.tag) != "notice":
        return _refused(notice, position, "pmbxml.no_notice", root=local_name(notice.tag))
    if len(notice) > MAX_FIELDS:
        return _refused(notice, position, "pmbxml.too_many_fields", limit=str(MAX_FIELDS))
    header: dict[str, str] = {}
    fields: Fields = []
    repairs: list[Problem] = []
    usual = notice.tag.removesuffix("notice") + "s"
    try:
        for child in notice:
            name = local_name(child.tag)
            if name == "f":
                if (f := _field(child, repairs, usual)) is not None:
                    fields.append(f)
            elif name in _HEADER_NAMES:
                header[name] = child.text or ""
            elif name and "".join(child.itertext()).strip():
                repairs.append(Problem("", "", "pmbxml.unknown_element", "warning", {"value": name}))
    except _Unreadable as fault:
        return _refused(notice, position, fault.code, **fault.params)
    if charset.is_maybe_twice(etree.tostring(notice, method="text", encoding="unicode", with_tail=False)):
        fields = _encoded_once(fields, repairs)
    fields = without_twins(fields, repairs)
    fields = from_wire([*fields_from_header(header), *fields])
    fields, items = take_items(fields)
    return Record(
        fields=fields,
        items=items,
        position=position,
        control_number=control(fields, "001") or None,
        repairs=tuple(repairs),
        raw=b"" if title(fields) else _bytes(notice),
    )


def stands_for_issue(record: Record) -> bool:
    """Whether this is one of PMB's made-up articles that only carry the copies of an issue."""
    if own_bulletin(record):  # the issue itself, under the same number: a base's dump says all of it
        return False
    return (record.control_number or "").endswith(STAND_IN) or any(
        typed(f, "lnk") == "bull_expl" for f in record.fields if f["t"] == "463"
    )


def own_bulletin(record: Record) -> str:
    """The bulletin that this record describes, when it is an issue's own record: articles name it as host."""
    if leader(record.fields)[7:9] != "s2":
        return ""
    number = next((typed(f, "id") for f in record.fields if f["t"] == "200"), "")
    return number if len(number) <= LONGEST_TARGET else ""


@lru_cache(maxsize=256)
def local_name(tag: object) -> str:
    """`f` in any namespace is "f"; a comment, whose tag is a function, is ""."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _field(element: etree._Element, repairs: list[Problem], usual: str) -> Field | None:
    """`usual`: the name of a subfield, in the record's namespace."""
    tag = element.get("c") or ""
    if tag not in _TAGS:
        tag = tag.strip()
        if len(tag) != 3 or not (tag.isascii() and tag.isalnum()) or tag == "000":
            raise _Unreadable("pmbxml.bad_tag", value=tag)
    text = element.text
    if not len(element):
        text = text.strip() if text and tag == "001" else text
        return {"t": tag, "v": text} if text and text.strip() else None
    pairs: list[list[str]] = []
    around = [text] if text else []
    for s in element:
        text = s.text if s.tag == usual and not len(s) else _unusual_text(s, tag, repairs)
        if tail := s.tail:
            around.append(tail)
        if text:
            code = s.get("c") or ""
            if code not in _CODES and (len(code) != 1 or code == " "):
                raise _Unreadable("pmbxml.bad_code", tag=tag, value=code)
            pairs.append([code, text])
    if around and (stray := "".join(around).strip()):
        repairs.append(Problem(tag, "", "pmbxml.stray_text", "warning", {"tag": tag, "value": stray[:80]}))
    if not pairs:
        return None
    f: Field = {"t": tag, "i": (element.get("ind") or "").ljust(2)[:2], "s": pairs}
    if target := element.get("id"):
        f["x"] = target
    return f


def _unusual_text(s: etree._Element, tag: str, repairs: list[Problem]) -> str:
    """The text of a subfield that holds elements or comments; "" for an element that is no subfield."""
    name = local_name(s.tag)
    text = str(s.xpath("string()"))
    if name == "s":
        if any(local_name(e.tag) for e in s):
            repairs.append(Problem(tag, s.get("c") or "", "pmbxml.markup", "warning", {"tag": tag}))
        return text
    if name and text.strip():
        repairs.append(Problem(tag, "", "pmbxml.unknown_element", "warning", {"value": name}))
    return ""


def _encoded_once(fields: Fields, repairs: list[Problem]) -> Fields:
    out: Fields = [
        {**f, "s": [[code, charset.once(value)] for code, value in f["s"]]}
        if "s" in f
        else {**f, "v": charset.once(f["v"])}
        for f in fields
    ]
    if out != fields:
        repairs.append(Problem("", "", "charset.twice"))
    return out


def without_twins(fields: Fields, repairs: list[Problem]) -> Fields:
    def said(f: Field) -> tuple[object, ...]:
        return f.get("i"), f.get("s"), f.get("x")

    if not any(f["t"] == "214" for f in fields):
        return fields
    imprints = [said(f) for f in fields if f["t"] == "210"]
    kept = [f for f in fields if f["t"] != "214" or said(f) not in imprints]
    if len(kept) != len(fields):
        repairs.append(Problem("214", "", "pmbxml.twin_214", "info"))
    return kept


def take_items(fields: Fields) -> tuple[Fields, tuple[RecordItem, ...]]:
    """The fields that describe the document, and the copies that stood among them."""
    if not any(f["t"] in ("995", "996") for f in fields):
        return fields, ()
    host = _host_bulletin(fields)
    rest: Fields = []
    groups: list[list[Field]] = []
    issues: list[str] = []
    by_barcode: dict[str, list[Field]] = {}
    issue = ""
    follows_item = False
    for f in fields:
        tag = f["t"]
        if tag not in ITEM_TAGS:
            rest.append(f)
            issue = link_target(f) if tag == "462" and names_issue(f) else ""
            follows_item = False
            continue
        barcode = first(f, "f").strip()
        group = by_barcode.get(barcode) if barcode else None
        if group is not None and tag != "999" and any(told["t"] == tag for told in group):
            group = None  # another copy with the barcode of the first: a fault, but two copies
        if group is None and follows_item and not barcode and _completes(groups[-1], tag):
            group = groups[-1]
        if group is None and tag == "999":
            rest.append(f)
            follows_item = False
            continue
        if group is None:
            group = []
            groups.append(group)
            issues.append(host or issue)
        group.append(f)
        if barcode:
            by_barcode[barcode] = group
        follows_item = True
    return rest, tuple(item_from_fields(group, of) for group, of in zip(groups, issues, strict=True))


def _completes(group: Sequence[Field], tag: str) -> bool:
    """Whether a 996 or a 999 that names no barcode speaks of the copy just before it."""
    if tag == "999":
        return True
    return tag == "996" and not any(f["t"] == "996" or first(f, "f").strip() for f in group)


def _host_bulletin(fields: Fields) -> str:
    """The issue that an article appeared in; a 463 to a parent record is another thing."""
    if leader(fields)[7:8] != "a":
        return ""
    hosts = (link_target(f) for f in fields if f["t"] == "463" and names_issue(f))
    return next((target for target in hosts if target), "")


def _refused(notice: etree._Element, position: int, code: str, **params: str) -> Refusal:
    number = next((e.text or "" for e in notice.iterchildren("{*}f") if e.get("c") == "001"), "").strip()
    return Refusal(position, number, code, {"position": str(position), **params}, _bytes(notice))


def _bytes(notice: etree._Element) -> bytes:
    return bytes(etree.tostring(notice, encoding="utf-8", with_tail=False))


# --- a file ----------------------------------------------------------------------------------


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Record | Refusal]:
    """Every notice of a file, in order; what is read is let go, so a big file takes no more memory.

    Parsed strictly: where the XML breaks, everything before has been given, then one Refusal names the
    place, and the reading ends. A Refusal at position 0 is about the file itself.
    """
    head = head_of(stream)
    if why := at_sight(head):
        yield Refusal(0, "", f"pmbxml.{why}", raw=head[:_KEPT])
        return
    reading = _Reading()
    for chunk in chain([head], iter(lambda: stream.read(_CHUNK), b""), [b""]):
        yield from reading.take(chunk)
        if reading.over:
            return
    if not reading.position:
        yield Refusal(0, "", "pmbxml.no_notice", {"root": reading.root}, head[:_KEPT])


class _Reading:
    """A file being read piece by piece; an empty piece is its end."""

    def __init__(self) -> None:
        self.position = 0  # of the last notice read
        self.over = False
        self.root = ""
        self._parser = etree.XMLPullParser(("start", "end"), tag="{*}notice", **STRICT)
        self._tail = b""  # the beginning of what follows the last whole notice
        self._size = 0  # how much of it has been read
        self._opened: etree._Element | None = None  # the notice that the parser is in
        self._oversize = False

    def take(self, chunk: bytes) -> Iterator[Record | Refusal]:
        fault = self._feed(chunk)
        before = self.position
        for event, element in self._parser.read_events():
            if event == "end":
                yield self._record(element)
                _let_go(element)
            elif element.getroottree().docinfo.internalDTD is not None:
                self.over = True
                yield Refusal(0, "", "pmbxml.doctype", raw=self._tail)
                return
            else:
                self._opened, self._oversize = element, False
        self._remember(chunk, self.position - before)
        if fault is not None:
            self.over = True
            yield _broken(fault, self.position, self._tail, at_end=not chunk)

    def _feed(self, chunk: bytes) -> etree.XMLSyntaxError | None:
        try:
            if chunk:
                self._parser.feed(chunk)
            else:
                self.root = local_name(self._parser.close().tag)
        except etree.XMLSyntaxError as fault:
            return fault
        return None

    def _record(self, element: etree._Element) -> Record | Refusal:
        self.position += 1
        self._opened = None
        if not self._oversize:
            return from_element(element, self.position)
        params = {"position": str(self.position), "limit": str(MAX_RECORD_BYTES // 1_000_000)}
        return Refusal(self.position, _number(self._tail), "pmbxml.too_big", params, self._tail[:_KEPT])

    def _remember(self, chunk: bytes, ended: int) -> None:
        rest = _after(self._tail + chunk, ended)
        self._size = len(rest) if ended else self._size + len(chunk)
        self._tail = rest[:MAX_RECORD_BYTES]
        if self._opened is not None and self._size > MAX_RECORD_BYTES:
            self._oversize = True
            del self._opened[:-1]  # never the last child: the parser is still inside it


def head_of(stream: BinaryIO) -> bytes:
    """The first bytes that say something: PHP likes to leave blank lines before the XML."""
    while chunk := stream.read(_CHUNK):
        if chunk := chunk.lstrip():
            return chunk
    return b""


def at_sight(head: bytes) -> str:
    """Why a file is not even tried, from its first bytes: "empty", "web_page", "doctype"; "" when it is."""
    if not head:
        return "empty"
    if _WEB_PAGE.search(head[:2000]):
        return "web_page"
    # Before the first element, whatever the encoding: without their zero bytes, UTF-16 and 32 read as ASCII.
    prologue = re.split(rb"<[A-Za-z_]", head.replace(b"\0", b""), maxsplit=1)[0]
    return "doctype" if b"<!DOCTYPE" in prologue else ""


def _broken(fault: etree.XMLSyntaxError, position: int, tail: bytes, *, at_end: bool) -> Refusal:
    if fault.code == etree.ErrorTypes.ERR_DOCUMENT_EMPTY and not position:
        return Refusal(0, "", "pmbxml.not_xml", raw=tail)
    line = fault.position[0] if fault.position else 0
    detail = (fault.msg or "").split(", line ")[0]
    params = {"position": str(position + 1), "line": str(line), "detail": detail}
    code = "pmbxml.cut" if at_end else "pmbxml.malformed"
    return Refusal(position + 1, _number(tail), code, params, tail)


def _after(data: bytes, ended: int) -> bytes:
    """What follows the end of that many notices: a chunk may break in the middle of the next."""
    at = 0
    for _n, found in zip(range(ended), _END.finditer(data), strict=False):
        at = found.end()
    return data[at:]


def _number(raw: bytes) -> str:
    found = _NUMBER.search(raw)
    return found.group(1).decode("utf-8", "replace") if found else ""


def _let_go(element: etree._Element) -> None:
    """Empty a notice that has been read, and all that stands before it at every level (headers of OAI)."""
    element.clear()
    while (parent := element.getparent()) is not None:
        while element.getprevious() is not None:
            del parent[0]
        element = parent
