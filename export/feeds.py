"""What robots and readers ask of a site: a feed (Atom, RFC 4287), a map (sitemaps.org 0.9), OpenSearch 1.1.

Pure: values in, bytes out. Text from notices is data: lxml escapes it, and what XML cannot hold is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from catalogue.text import for_xml

ATOM = "http://www.w3.org/2005/Atom"
OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
XHTML = "http://www.w3.org/1999/xhtml"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
MOST_IN_A_MAP = 10_000  # of the 50,000 that the protocol allows: a map that a robot reads at once


@dataclass(frozen=True, slots=True)
class Entry:
    """One document in a feed."""

    title: str
    address: str
    added: datetime
    changed: datetime
    authors: Sequence[str] = ()
    summary: str = ""
    themes: Sequence[str] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    title: str
    address: str  # of the page that people read
    own_address: str
    author: str  # the centre
    language: str
    entries: Sequence[Entry] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An address of the site, its other languages and when it last changed."""

    address: str
    changed: datetime | None = None
    languages: Mapping[str, str] | None = None


def atom(feed: Feed) -> bytes:
    """A feed: `updated` is its latest entry's, so that the same documents make the same bytes (RFC 4287, 4.2.15)."""
    root = etree.Element(_q(ATOM, "feed"), {XML_LANG: feed.language}, nsmap={None: ATOM, "opensearch": OPENSEARCH})
    _put(root, "title", feed.title)
    _put(root, "id", feed.own_address)
    etree.SubElement(root, _q(ATOM, "link"), rel="self", type="application/atom+xml", href=feed.own_address)
    etree.SubElement(root, _q(ATOM, "link"), rel="alternate", type="text/html", href=feed.address)
    _put(root, "updated", _instant(max((e.changed for e in feed.entries), default=datetime(2000, 1, 1, tzinfo=UTC))))
    _put(etree.SubElement(root, _q(ATOM, "author")), "name", feed.author)
    if feed.total is not None:
        etree.SubElement(root, _q(OPENSEARCH, "totalResults")).text = str(feed.total)
    for entry in feed.entries:
        _entry(root, entry)
    return _bytes(root)


def _entry(root: etree._Element, entry: Entry) -> None:
    row = etree.SubElement(root, _q(ATOM, "entry"), {XML_LANG: entry.language} if entry.language else {})
    _put(row, "title", entry.title)
    _put(row, "id", entry.address)
    etree.SubElement(row, _q(ATOM, "link"), rel="alternate", type="text/html", href=entry.address)
    _put(row, "published", _instant(entry.added))
    _put(row, "updated", _instant(entry.changed))
    for name in entry.authors:
        _put(etree.SubElement(row, _q(ATOM, "author")), "name", name)
    if entry.summary:
        _put(row, "summary", entry.summary)
    for theme in entry.themes:
        etree.SubElement(row, _q(ATOM, "category"), term=for_xml(theme))


def sitemap(places: Iterable[Place]) -> bytes:
    """One map; each place tells its other languages (xhtml:link, as search engines read them)."""
    root = etree.Element(_q(SITEMAP, "urlset"), nsmap={None: SITEMAP, "xhtml": XHTML})
    for place in places:
        url = etree.SubElement(root, _q(SITEMAP, "url"))
        etree.SubElement(url, _q(SITEMAP, "loc")).text = place.address
        if place.changed:
            etree.SubElement(url, _q(SITEMAP, "lastmod")).text = _instant(place.changed)
        for code, address in (place.languages or {}).items():
            etree.SubElement(url, _q(XHTML, "link"), rel="alternate", hreflang=code, href=address)
    return _bytes(root)


def sitemap_index(addresses: Iterable[str]) -> bytes:
    """The map of maps."""
    root = etree.Element(_q(SITEMAP, "sitemapindex"), nsmap={None: SITEMAP})
    for address in addresses:
        etree.SubElement(etree.SubElement(root, _q(SITEMAP, "sitemap")), _q(SITEMAP, "loc")).text = address
    return _bytes(root)


def opensearch(
    *, name: str, words: str, results: str, feed: str, suggestions: str, language: str, icon: str, contact: str
) -> bytes:
    """The description by which a browser learns to search here. Addresses hold `{searchTerms}`."""
    root = etree.Element(_q(OPENSEARCH, "OpenSearchDescription"), nsmap={None: OPENSEARCH})
    said = (("ShortName", cut(name, 16)), ("LongName", cut(name, 48)), ("Description", words), ("Contact", contact))
    for tag, text in said:
        if text:
            etree.SubElement(root, _q(OPENSEARCH, tag)).text = for_xml(text)
    for media_type, template in (
        ("text/html", results),
        ("application/atom+xml", feed),
        ("application/x-suggestions+json", suggestions),
    ):
        etree.SubElement(root, _q(OPENSEARCH, "Url"), type=media_type, method="get", template=template)
    etree.SubElement(root, _q(OPENSEARCH, "Image"), type="image/svg+xml").text = icon
    etree.SubElement(root, _q(OPENSEARCH, "Language")).text = language
    etree.SubElement(root, _q(OPENSEARCH, "InputEncoding")).text = "UTF-8"
    return _bytes(root)


def cut(name: str, longest: int) -> str:
    """The words of a name that fit; OpenSearch gives a short name 16 signs.

    >>> cut("Espace doc de démonstration", 16), cut("Documentation", 16), cut("Anticonstitutionnellement", 16)
    ('Espace doc', 'Documentation', 'Anticonstitution')
    """
    if len(name) <= longest:
        return name
    words = name[: longest + 1].rsplit(" ", 1)[0] if " " in name[: longest + 1] else name[:longest]
    return re.sub(r"(?:\s+(?:de|du|des|d’|la|le|les|l’|et|à|aux?|pour|en))+$", "", words, flags=re.I).rstrip(" ,–-")


def unapi(address: str, formats: Iterable[tuple[str, str]]) -> bytes:
    """The list of formats (unAPI version 1), of the server or of one document."""
    root = etree.Element("formats", {"id": address} if address else {})
    for name, media_type in formats:
        etree.SubElement(root, "format", name=name, type=media_type)
    return _bytes(root)


def _put(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, _q(ATOM, tag)).text = for_xml(text)


def _q(namespace: str, tag: str) -> str:
    return f"{{{namespace}}}{tag}"


def _instant(at: datetime) -> str:
    """RFC 3339, UTC, seconds: what the database keeps has no zone, and is UTC."""
    known = at if at.tzinfo else at.replace(tzinfo=UTC)
    return known.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(root: etree._Element) -> bytes:
    out: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return out
