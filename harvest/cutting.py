"""Stored pages without what was erased: a page keeps its other records, byte for byte, and the header of that one.

A page may be broken, or hold what no parser takes (PMB.md section 5): so it is cut by its tags, not parsed and written
again. A record that the page's own end cuts off is cut to that end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from html import unescape

from sqlalchemy import select, update

from catalogue import tombstones
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import RawPage
from catalogue.tombstones import ToClean
from harvest import pages
from harvest.oai_page import HarvestStopped

_RECORD = re.compile(rb"<(/?)(?:[\w.-]+:)?record(?=[\s>/])[^>]*>")
_HEADER = re.compile(rb"<((?:[\w.-]+:)?)header\b.*?</\1header\s*>", re.S)
_IDENTIFIER = re.compile(rb"<(?:[\w.-]+:)?identifier\b[^>]*>(.*?)<", re.S)


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
        same = update(RawPage).where(RawPage.sha256 == row.sha256).values(sha256=sha256)
        session.execute(same.execution_options(synchronize_session=False))
    with database.write() as session:  # a run may have stored the same bytes in between
        if session.scalar(select(RawPage.id).where(RawPage.sha256 == row.sha256).limit(1)) is None:
            pages.page_path(settings, row.sha256).unlink(missing_ok=True)
    return True


def cut(raw: bytes, identifiers: Collection[str]) -> bytes:
    """The page with nothing but their headers of these records.

    >>> cut(b"<record><header><identifier>a:1</identifier></header><metadata>x</metadata></record>", {"a:1"})
    b'<record><header><identifier>a:1</identifier></header></record>'
    """
    out: list[bytes] = []
    at = 0
    for start, inner, end, after in _records(raw):
        header = _HEADER.search(raw, inner, end)
        said = _IDENTIFIER.search(header[0] if header else raw[inner:end])
        if said is None or unescape(said[1].decode("utf-8", "replace")).strip() not in identifiers:
            continue
        out += [raw[at:start], raw[start:inner], header[0] if header else b""]
        at = end if after > end else after
    return b"".join([*out, raw[at:]]) if out else raw


def _records(raw: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Of each outermost record: where it begins, where its content does and ends, where it ends itself.

    MARCXML has records of its own inside.
    """
    depth = start = inner = 0
    for tag in _RECORD.finditer(raw):
        if tag[1]:
            depth -= 1
            if depth == 0:
                yield start, inner, tag.start(), tag.end()
            depth = max(depth, 0)
        elif not tag[0].endswith(b"/>"):
            if depth == 0:
                start, inner = tag.span()
            depth += 1
    if depth:
        yield start, inner, len(raw), len(raw)
