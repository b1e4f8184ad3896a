"""A web page, read for what it says of itself: `citation_*`, Dublin Core, JSON-LD of schema.org, Open Graph.

What each `meta` and each type means: `fields.toml`. All of it becomes one item of CSL, read as any other. Of the page
itself nothing is kept, and nothing in it is run or fetched.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from lxml import etree, html

from catalogue.identifiers import find_doi, find_isbn, find_issn
from catalogue.text import fold
from catalogue.unimarc import Fields
from harvest import strict
from harvest.crosswalk.citation import line
from harvest.lookup.door import Door, Fetched
from harvest.lookup.names import people
from harvest.lookup.questions import Question
from harvest.lookup.services import fields, to_fields
from harvest.lookup.table import LookupSource
from harvest.lookup.trouble import Trouble

LONGEST = 20_000  # signs of one value
MOST_METAS, MOST_SCRIPTS, MOST_OBJECTS = 2_000, 20, 500
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_TRACKING = re.compile(r"utm_|fbclid$|gclid$|mc_|xtor$|at_", re.I)
_PAGES = {"article-newspaper", "article-journal", "chapter"}
_SEVERAL = ("author", "editor")
Found = dict[str, Any]


def ask(question: Question, source: LookupSource, door: Door, mail: str = "") -> list[Fields]:
    fetched = door.get(question.value, accept="text/html, application/xhtml+xml;q=0.9", follow=True)
    return read(fetched)


def read(fetched: Fetched) -> list[Fields]:
    """The one record that a page describes; raises Trouble when it is no page, or describes nothing."""
    if fetched.type not in ("text/html", "application/xhtml+xml", ""):
        raise Trouble("not_html", type=fetched.type[:60])
    if strict.marks(fetched.raw) > strict.MARKS:
        raise Trouble("too_big", limit="3")
    item = describe(text_of(fetched), fetched.url)
    found = to_fields([item]) if item else []
    if not found:
        raise Trouble("silent_page")
    return found


def text_of(fetched: Fetched) -> str:
    """The page's text, in the charset that is said, by the first of those who say it whom the bytes do not belie.

    As browsers do: Latin-1 is read as Windows-1252, in which nothing is impossible.
    """
    raw = fetched.raw
    said = [name for mark, name in _BOMS if raw.startswith(mark)] + [fetched.charset]
    if found := _META_CHARSET.search(raw[:4096]):
        said.append(found[1].decode("ascii"))
    for name in (*said, "utf-8"):
        try:
            if name and codecs.lookup(name).name not in ("iso8859-1", "ascii", "utf-7"):
                return raw.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def describe(text: str, url: str) -> Found:
    """What a page says of itself, as an item of CSL; {} when it says no title."""
    tree = _tree(text)
    if tree is None:
        return {}
    tables = fields()["page"]
    metas = list(_metas(tree))
    cited = _by_table(metas, tables["meta"])
    linked = _linked(tree, tables["types"])
    opened = _by_table(metas, tables["open"])
    item: Found = {**opened, **linked, **cited}
    if not item.get("title"):
        item["title"] = next((line(e.text or "") for e in tree.iter("title")), "")
    site = str(item.pop("site", "")) or str(linked.get("publisher") or "")
    item["title"] = _without_site(str(item["title"]), site)
    if not item["title"]:
        return {}
    kind = _kind(metas, cited, str(linked.get("type") or ""), opened)
    return _tidy({**item, "type": kind, "URL": _address(tree, item, url)}, kind, site)


def _tree(text: str) -> Any:
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True)
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _metas(tree: Any) -> Iterator[tuple[str, str]]:
    for n, element in enumerate(tree.iter("meta")):
        if n >= MOST_METAS:
            return
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        content = (element.get("content") or "")[:LONGEST]
        if name and content.strip():
            yield name.strip().lower(), content


def _by_table(metas: list[tuple[str, str]], table: Mapping[str, str]) -> Found:
    """What the metas say, in the order of the table: names one after the other, of anything else the first."""
    found: Found = {}
    for name, meant in table.items():
        said = [content for key, content in metas if key == name]
        if said and meant not in found:
            found[meant] = people(said) if meant in _SEVERAL else said[0]
    return {name: value for name, value in found.items() if value}


def _kind(metas: list[tuple[str, str]], cited: Found, linked: str, opened: Found) -> str:
    """The type of CSL: by what only an article, a chapter or a thesis says, then by schema.org, then by Open Graph."""
    names = {name for name, _content in metas}
    if "citation_dissertation_institution" in names:
        return "thesis"
    if "citation_technical_report_institution" in names:
        return "report"
    if "citation_inbook_title" in names:
        return "chapter"
    if cited.get("container-title"):
        return "article-newspaper" if linked == "article-newspaper" else "article-journal"
    if linked and linked != "webpage":
        return linked
    if cited.get("ISBN") or opened.get("ISBN"):
        return "book"
    if not linked and ("og:type", "article") in metas and "article:published_time" in names:
        return "article-newspaper"
    return "webpage"


def _tidy(item: Found, kind: str, site: str) -> Found:
    first, last = str(item.pop("first", "")), str(item.pop("last", ""))
    institution, online = item.pop("institution", None), item.pop("online", None)
    if first or last:
        item["page"] = "-".join(dict.fromkeys(part for part in (first, last) if part))
    if kind == "article-newspaper":
        item["container-title"] = item.get("container-title") or site or item.get("publisher")
        item.pop("publisher", None)
    elif kind == "webpage":
        item["publisher"] = item.get("publisher") or site
    elif institution:
        item["publisher"] = institution
    issued = item.get("issued") or online
    if isinstance(issued, str):
        item["issued"] = {"literal": _day(issued)}
    for name, find in (("DOI", find_doi), ("ISBN", find_isbn), ("ISSN", find_issn)):
        item[name] = find(str(item.get(name) or ""))
    if kind not in _PAGES:
        item.pop("ISSN")
    if isinstance(item.get("language"), str):
        item["language"] = item["language"].replace("_", "-")
    return item


def _day(text: str) -> str:
    """« 2024-03-18T06:00:00+01:00 » is a day; anything else stays as it is written."""
    found = re.match(r"(\d{4})[-/](\d{2})[-/](\d{2})(?![\d])", text.strip())
    return "-".join(found.groups()) if found else text.strip()[:60]


def _without_site(title: str, site: str) -> str:
    """« Un titre | Le Journal » without the journal."""
    title = line(title)
    for sign in (" | ", " - ", " – ", " — ", " · ", " : "):
        head, found, tail = title.rpartition(sign)
        if found and head and site and fold(tail) and fold(tail) == fold(site):
            return head.strip()
    return title


def _address(tree: Any, item: Found, url: str) -> str:
    """The address to keep: the canonical one when it is on the same site, else the one that was asked; no tracking."""
    here = urlsplit(url)
    said = [e.get("href") or "" for e in tree.iter("link") if (e.get("rel") or "").strip().lower() == "canonical"]
    for one in [*said[:1], str(item.get("URL") or "")]:
        try:
            there = urlsplit(urljoin(url, one.strip()))
        except ValueError:
            continue
        if one.strip() and there.scheme in ("http", "https") and there.netloc == here.netloc:
            here = there
            break
    kept = [(name, value) for name, value in parse_qsl(here.query) if not _TRACKING.match(name)]
    return urlunsplit((here.scheme, here.netloc, here.path, urlencode(kept), ""))


# --- JSON-LD ---------------------------------------------------------------------------------


def _linked(tree: Any, types: Mapping[str, str]) -> Found:
    """What the most telling object of schema.org says."""
    objects: list[dict[str, Any]] = []
    for n, script in enumerate(tree.iter("script")):
        if n > 200 or len(objects) >= MOST_OBJECTS:
            break
        if (script.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json":
            objects += _objects(script.text or "")
    ranks = {name: rank for rank, name in enumerate(types)}
    named = [(ranks[name], n) for n, one in enumerate(objects) for name in _types(one) if name in ranks]
    if not named:
        return {}
    rank, n = min(named)
    one, by_id = objects[n], {str(o["@id"]): o for o in objects if isinstance(o.get("@id"), str)}
    found = _of_schema(one, by_id)
    return {name: value for name, value in found.items() if value} | {"type": types[list(types)[rank]]}


def _objects(text: str) -> list[dict[str, Any]]:
    try:
        read = json.loads(text.strip().strip(";"), strict=False)
    except (ValueError, RecursionError):
        return []
    out: list[dict[str, Any]] = []
    todo = [read]
    while todo and len(out) < MOST_OBJECTS:
        one = todo.pop(0)
        if isinstance(one, list):
            todo[:0] = one[:MOST_OBJECTS]
        elif isinstance(one, dict):
            out.append(one)
            todo[:0] = [one[name] for name in ("@graph", "mainEntity") if isinstance(one.get(name), dict | list)]
    return out


def _types(one: Mapping[str, Any]) -> list[str]:
    said = one.get("@type")
    names = said if isinstance(said, list) else [said]
    return [str(name).rpartition("/")[2] for name in names if isinstance(name, str)]


def _of_schema(one: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Found:
    def meant(value: Any) -> Any:
        return by_id.get(str(value.get("@id")), value) if isinstance(value, dict) and len(value) == 1 else value

    def said(*names: str) -> str:
        return next((text for name in names if (text := _text(meant(one.get(name))))), "")

    authors = one.get("author") or one.get("creator")
    listed = [meant(a) for a in authors] if isinstance(authors, list) else [meant(authors)] if authors else []
    issue: Found = {}
    part: Any = meant(one.get("isPartOf"))
    for _level in range(4):  # article → issue → volume → periodical
        part = next((p for p in part if isinstance(p, dict)), None) if isinstance(part, list) else part
        if not isinstance(part, dict):
            break
        kinds = _types(part)
        issue.setdefault("issue", _text(part.get("issueNumber")))
        issue.setdefault("volume", _text(part.get("volumeNumber")))
        if {"Periodical", "Newspaper", "Book"} & set(kinds):
            issue["container-title"] = _text(part.get("name"))
            issue["ISSN"] = _text(part.get("issn"))
        issue = {name: value for name, value in issue.items() if value}
        part = meant(part.get("isPartOf"))
    numbers = one.get("identifier")
    doi = next((d for n in (numbers if isinstance(numbers, list) else [numbers]) if (d := find_doi(_text(n)))), "")
    pages = said("pagination", "printPage") or "-".join(p for p in (said("pageStart"), said("pageEnd")) if p)
    return {
        "title": said("headline", "name"),
        "author": people(listed),
        "issued": said("datePublished", "dateCreated"),
        "publisher": said("publisher", "sourceOrganization"),
        "abstract": said("abstract", "description"),
        "language": said("inLanguage"),
        "ISBN": said("isbn"),
        "number-of-pages": said("numberOfPages"),
        "page": pages,
        "issue": said("printEdition"),
        "URL": said("url"),
        "DOI": doi,
        **issue,
    }


def _text(value: Any) -> str:
    """A value of schema.org as one text: itself, the first of a list, what an object is called."""
    if isinstance(value, list):
        return next((text for one in value[:20] if (text := _text(one))), "")
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("value") or value.get("@value"))
    return str(value)[:LONGEST].strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
