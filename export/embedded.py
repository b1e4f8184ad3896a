"""What a page says of its document to programs: citation tags, a COinS, JSON-LD. Pure; all from the same reference.

`citation_*` are the tags of Google Scholar's « Inclusion Guidelines for Webmasters », which Zotero reads too; COinS is
an OpenURL 1.0 context object (ANSI/NISO Z39.88-2004, Key/Encoded-Value) in a span; JSON-LD speaks schema.org.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from export.citing.items import Cited

# The kind -> schema.org's type; what is missing is a CreativeWork.
SCHEMA_TYPES = {
    "book": "Book",
    "report": "Report",
    "study": "Report",
    "thesis": "Thesis",
    "article": "ScholarlyArticle",
    "press_article": "NewsArticle",
    "serial": "Periodical",
    "issue": "PublicationIssue",
    "multimedia": "MediaObject",
    "web_page": "WebPage",
    "legal": "Legislation",
    "dossier": "Collection",
}
# CSL's type -> OpenURL's genre, in the « book » or the « journal » format.
_BOOKS = {"book": "book", "report": "report", "chapter": "bookitem"}
_JOURNALS = {"article-journal": "article", "article-newspaper": "article", "article-magazine": "article"}
_LARGEST = 50  # names: a page is no authority file


def citation_tags(cited: Cited) -> list[tuple[str, str]]:
    """The `<meta name="citation_…">` of a document, in order."""
    item = cited.item
    return [(f"citation_{name}", value) for name, value in _tags(cited, item) if value]


def _tags(cited: Cited, item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "title", item["title"]
    for name in people(item):
        yield "author", name
    yield "publication_date", "/".join(f"{part:02d}" for part in _day(item))
    if container := item.get("container-title", ""):
        yield "inbook_title" if cited.in_book else "journal_title", container
    yield "volume", item.get("volume", "")
    yield "issue", item.get("issue", "")
    first, _sep, last = item.get("page", "").partition("-")
    yield "firstpage", first
    yield "lastpage", last
    yield "publisher", item.get("publisher", "")
    if item["type"] == "thesis":
        yield "dissertation_institution", item.get("publisher", "")
    elif item["type"] == "report":
        yield "technical_report_institution", item.get("publisher", "")
    for name, value in cited.numbers:
        yield name.lower(), value
    yield "language", item["language"]
    yield "keywords", "; ".join(cited.keywords)
    for url in cited.urls:
        if url.split("?")[0].lower().endswith(".pdf"):
            yield "pdf_url", url
    yield "abstract_html_url", cited.permalink


def coins(cited: Cited) -> str:
    """The title of `<span class="Z3988">`: an OpenURL context object."""
    item = cited.item
    journal = item["type"] in _JOURNALS and not cited.in_book
    pairs = [("ctx_ver", "Z39.88-2004"), ("rft_val_fmt", f"info:ofi/fmt:kev:mtx:{'journal' if journal else 'book'}")]
    if journal:
        pairs += [("rft.genre", _JOURNALS[item["type"]]), ("rft.atitle", item["title"])]
        pairs += [("rft.jtitle", item.get("container-title", ""))]
    else:
        pairs += [("rft.genre", _BOOKS.get(item["type"], "document"))]
        title = "rft.atitle" if cited.in_book else "rft.btitle"
        pairs += [(title, item["title"])]
        if cited.in_book:
            pairs += [("rft.btitle", item.get("container-title", ""))]
    authors = item.get("author", [])
    if authors:
        first = authors[0]
        if literal := first.get("literal"):
            pairs.append(("rft.aucorp", literal))
        else:
            pairs += [("rft.aulast", first.get("family", "")), ("rft.aufirst", first.get("given", ""))]
        pairs += [("rft.au", name) for name in people(item)[1:]]
    pairs += [
        ("rft.date", "-".join(f"{part:02d}" for part in _day(item))),
        ("rft.volume", item.get("volume", "")),
        ("rft.issue", item.get("issue", "")),
        ("rft.pages", item.get("page", "")),
        ("rft.pub", item.get("publisher", "")),
        ("rft.place", item.get("publisher-place", "")),
        ("rft.edition", item.get("edition", "")),
        ("rft.language", item["language"]),
    ]
    pairs += [(f"rft.{name.lower()}", value) for name, value in cited.numbers if name in ("ISBN", "ISSN")]
    pairs += [("rft_id", f"info:doi/{value}") for name, value in cited.numbers if name == "DOI"]
    pairs += [("rft_id", cited.permalink)]
    return urlencode([(name, value) for name, value in pairs if value])


def json_ld(cited: Cited, *, held_by: str = "", base_url: str = "") -> dict[str, Any]:
    """The document in schema.org's words; `held_by`: the centre, when it has a copy."""
    item = cited.item
    out: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": SCHEMA_TYPES.get(cited.kind, "CreativeWork"),
        "@id": cited.permalink,
        "url": cited.permalink,
        "name": item["title"],
        "inLanguage": item["language"],
        "author": [_agent(name) for name in item.get("author", [])[:_LARGEST]],
        "editor": [_agent(name) for name in item.get("editor", [])[:_LARGEST]],
        "translator": [_agent(name) for name in item.get("translator", [])[:_LARGEST]],
        "datePublished": "-".join(f"{part:02d}" for part in _day(item)),
        "description": " ".join(cited.summary),
        "keywords": list(cited.keywords),
        "bookEdition": item.get("edition", ""),
        "numberOfPages": item.get("number-of-pages", ""),
        "isbn": [value.replace("-", "") for name, value in cited.numbers if name == "ISBN"],
        "sameAs": [f"https://doi.org/{value}" for name, value in cited.numbers if name == "DOI"] + list(cited.urls),
        "pagination": item.get("page", ""),
    }
    if publisher := item.get("publisher"):
        out["publisher"] = {"@type": "Organization", "name": publisher}
    issn = [value for name, value in cited.numbers if name == "ISSN"]
    if container := item.get("container-title"):
        out["isPartOf"] = _host(item, container, issn, in_book=cited.in_book)
    elif issn:
        out["issn"] = issn
    if held_by:
        out["offers"] = {"@type": "Offer", "offeredBy": {"@type": "Library", "name": held_by, "url": base_url}}
    return {name: value for name, value in out.items() if value}


def _host(item: Mapping[str, Any], container: str, issn: list[str], *, in_book: bool) -> dict[str, Any]:
    if in_book:
        return {"@type": "Book", "name": container}
    journal: dict[str, Any] = {"@type": "Periodical", "name": container}
    if issn:
        journal["issn"] = issn
    if volume := item.get("volume"):
        journal = {"@type": "PublicationVolume", "volumeNumber": volume, "isPartOf": journal}
    if number := item.get("issue"):
        return {"@type": "PublicationIssue", "issueNumber": number, "isPartOf": journal}
    return journal


def _agent(name: Mapping[str, str]) -> dict[str, str]:
    if literal := name.get("literal"):
        return {"@type": "Organization", "name": literal}
    given, family = name.get("given", ""), name.get("family", "")
    return {"@type": "Person", "name": " ".join(part for part in (given, family) if part)} | (
        {"givenName": given, "familyName": family} if given else {}
    )


def people(item: Mapping[str, Any]) -> list[str]:
    """« Dupont, Anne », or the body; the editors, of what has no author."""
    names = item.get("author") or item.get("editor") or []
    return [
        name.get("literal") or ", ".join(part for part in (name.get("family", ""), name.get("given", "")) if part)
        for name in names[:_LARGEST]
    ]


def _day(item: Mapping[str, Any]) -> list[int]:
    parts = item.get("issued", {}).get("date-parts")
    return list(parts[0]) if parts else []
