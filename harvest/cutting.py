"""Stored pages without what was erased: a page keeps its other records, and the header of that one.

What is on a page is what the harvest's own parser reads there, in every encoding and however an identifier is
written; the page is cut by its tags, so that the rest stays byte for byte, and the parser looks once more. Where the
two do not agree the page is written anew from its tree. One that the parser refuses (broken off, not well-formed) is
cut by its tags alone, to its end where it ends in mid-record. A comment says where something was cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from html import escape, unescape

from lxml import etree
from sqlalchemy import select, update

from catalogue import history, tombstones
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import RawPage
from catalogue.tombstones import ToClean
from harvest import pages
from harvest.crosswalk.pmbxml import local_name
from harvest.oai_page import HEAD, Answer, HarvestStopped, parse, read_record

CUT = "travee: erased"  # the comment that stands instead
AT_ONCE = 200  # pages that are looked at between two notes of how far that is

_MARK = f"<!--{CUT}-->"
_RECORD = re.compile(r"<(/?)(?:[\w.-]+:)?record(?=[\s>/])[^>]*>")
_OPENS = re.compile(r"\s*<(?:[\w.-]+:)?header[\s>]")
_HEADER = re.compile(r"<((?:[\w.-]+:)?)header\b.*?</\1header\s*>", re.S)
_IDENTIFIER = re.compile(r"<((?:[\w.-]+:)?)identifier\b[^>]*>(.*?)</\1identifier\s*>", re.S)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.S)
_DECLARED = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]+)""")
_SIXTEEN = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))


def clean(
    database: Database, settings: Settings, todo: Collection[ToClean], step: Callable[[int], None] = lambda done: None
) -> int:
    """Cut these records out of the pages that hold them; how many pages were written anew. Done again, it changes
    nothing more: one that was killed is simply called again."""
    cut_pages = looked = 0
    for one in todo:
        with database.read() as session:
            rows = tombstones.pages_of(session, one)
        for row in rows:
            cut_pages += _clean_page(database, settings, row, set(one.identifiers))
            step(looked := looked + 1)
    return cut_pages


def look(database: Database, settings: Settings) -> int:
    """Cut what was erased here out of the pages that have come since, each looked at once: a page that stopped its
    run is kept as well, and nobody has read what it brings. Returns how many were written anew."""
    cut_pages = 0
    names: dict[int, set[str]] = {}
    while True:
        with database.read() as session:
            rows = tombstones.pages_since(session, AT_ONCE)
            if not rows:
                return cut_pages
            for source_id in {source_id for _row, source_id in rows} - names.keys():
                names[source_id] = tombstones.names_at(session, source_id)
        for row, source_id in rows:
            if names[source_id]:
                cut_pages += _clean_page(database, settings, row, names[source_id])
        with database.write() as session:
            tombstones.looked_at(session, rows[-1][0].id)


def _clean_page(database: Database, settings: Settings, row: RawPage, identifiers: set[str]) -> bool:
    try:
        raw = pages.get(settings, row)
    except HarvestStopped:  # removed when its time was over, or lost: nothing is left of it either way
        return False
    short = cut(raw, identifiers)
    if short == raw:
        return False
    sha256 = pages.put(settings, short)
    with database.write() as session:
        history.take(session, "change", 0)  # nobody removes files meanwhile (`harvest.retention`)
        pages.put(settings, short)
        same = update(RawPage).where(RawPage.sha256 == row.sha256).values(sha256=sha256)
        session.execute(same.execution_options(synchronize_session=False))
    # A process that is killed here leaves a file that no row names: `harvest.retention` removes it.
    with database.write() as session:
        history.take(session, "change", 0)  # a run may have stored the same bytes in between
        if session.scalar(select(RawPage.id).where(RawPage.sha256 == row.sha256).limit(1)) is None:
            pages.page_path(settings, row.sha256).unlink(missing_ok=True)
    return True


def cut(raw: bytes, identifiers: Collection[str]) -> bytes:
    """The page with nothing but their headers of these records.

    >>> cut(b"<record><header><identifier>a:1</identifier></header><metadata>x</metadata></record>", {"a:1"})
    b'<record><header><identifier>a:1</identifier></header><!--travee: erased--></record>'
    """
    tree = _tree(raw)
    if tree is None:
        return _cut_by_tags(raw, identifiers)
    found, others = _parted(tree, identifiers)
    if not any(_speaks(record) for record in found):
        return raw
    short = _cut_by_tags(raw, identifiers)
    after = _tree(short)
    if after is not None:
        found_after, others_after = _parted(after, identifiers)
        if not any(_speaks(record) for record in found_after) and _written(others) == _written(others_after):
            return short
    for record in found:
        _silence(record)
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True)


# --- as the parser reads it -------------------------------------------------------------------


def _tree(raw: bytes) -> etree._Element | None:
    try:
        return parse(Answer(raw), {"host": "", "page": ""})[0]
    except HarvestStopped:
        return None


def _parted(tree: etree._Element, identifiers: Collection[str]) -> tuple[list[etree._Element], list[etree._Element]]:
    """The records of these names, and the others."""
    found: list[etree._Element] = []
    others: list[etree._Element] = []
    for verb in tree.iterchildren(tag=etree.Element):
        for record in verb.iterchildren("{*}record"):
            (found if read_record(record).identifier in identifiers else others).append(record)
    return found, others


def _speaks(record: etree._Element) -> bool:
    """Whether there is more to it than its header."""
    more = any(local_name(child.tag) != "header" and child.text != CUT for child in record)
    return more or any((text or "").strip() for text in (record.text, *(child.tail for child in record)))


def _silence(record: etree._Element) -> None:
    header = next((child for child in record if local_name(child.tag) == "header"), None)
    for child in list(record):
        if child is not header:
            record.remove(child)
    record.text = None
    if header is not None:
        header.tail = None
    record.append(etree.Comment(CUT))


def _written(records: list[etree._Element]) -> list[bytes]:
    return [etree.tostring(record, with_tail=False) for record in records]


# --- by its tags ------------------------------------------------------------------------------


def _cut_by_tags(raw: bytes, identifiers: Collection[str]) -> bytes:
    text, encoded = _decoded(raw)
    out: list[str] = []
    at = 0
    for start, inner, end, after in _records(text):
        header = _HEADER.search(text, inner, end)
        said = _IDENTIFIER.search(header[0] if header else text[inner:end])
        if said is None or _plain(said[2]) not in identifiers:
            continue
        out += [text[at:start], text[start:inner], header[0] if header else "", _MARK]
        at = end if after > end else after
    return encoded("".join([*out, text[at:]])) if out else raw


def _plain(text: str) -> str:
    """What a piece of XML says."""
    text = _CDATA.sub(lambda found: escape(found[1]), text)
    return unescape(_COMMENT.sub("", text)).strip()


def _records(text: str) -> Iterator[tuple[int, int, int, int]]:
    """Of each outermost record: where it begins, where its content does and ends, where it ends itself.

    MARCXML has records of its own inside; what has a header begins a new one, also when the one before never ended.
    """
    depth = start = inner = 0
    for tag in _RECORD.finditer(text):
        if tag[1]:
            depth -= 1
            if depth == 0:
                yield start, inner, tag.start(), tag.end()
            depth = max(depth, 0)
        elif not tag[0].endswith("/>"):
            if depth and _OPENS.match(text, tag.end()):
                yield start, inner, tag.start(), tag.start()
                depth = 0
            if depth == 0:
                start, inner = tag.span()
            depth += 1
    if depth:
        yield start, inner, len(text), len(text)


def _decoded(raw: bytes) -> tuple[str, Callable[[str], bytes]]:
    """The page as a text, and how to make bytes of it again: what is not changed comes back as it was."""
    sixteen = next((codec for mark, codec in _SIXTEEN if raw.startswith(mark)), "")
    declared = _DECLARED.search(raw[:HEAD])
    for codec in (sixteen, declared[1].decode() if declared else "", "utf-8"):
        errors = "surrogatepass" if codec == sixteen else "surrogateescape"
        odd = raw[len(raw) - len(raw) % 2 :] if codec == sixteen else b""  # broken off in mid-sign
        try:
            text = raw.removesuffix(odd).decode(codec, errors) if codec else ""
            if codec and text.encode(codec, errors) + odd == raw:
                return text, lambda text: text.encode(codec, errors) + odd  # noqa: B023
        except (LookupError, UnicodeError):
            continue
    return raw.decode("latin-1"), lambda text: text.encode("latin-1")
