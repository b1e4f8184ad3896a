"""What each outside source answers, in its own envelope, for the records of `sources.toml`."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from catalogue.identifiers import find_isbn
from catalogue.text import fold

Known = Mapping[str, Any]
Doc = Mapping[str, Any]
_SRU = "http://www.loc.gov/zing/srw/"
_HAL_TYPES = {"journal-article": "ART", "report": "REPORT", "thesis": "THESE", "book": "OUV"}
_DATACITE_TYPES = {"report": "Report", "thesis": "Dissertation", "book": "Book", "journal-article": "JournalArticle"}


def _has(known: Known, code: str) -> list[dict[str, Any]]:
    """The documents of a source, as it says them."""
    return [{**doc, **doc.get(code, {})} for doc in known["documents"] if code in doc["in"]]


def _titled(docs: Iterable[Doc], words: Iterable[str]) -> list[Doc]:
    wanted = {word for word in words if len(word) > 1}
    return [d for d in docs if wanted and wanted <= set(fold(f"{d['title']} {d.get('subtitle', '')}").split())]


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, mimetype="application/json")


# --- SRU -------------------------------------------------------------------------------------


def bnf(request: Request, rest: str, known: Known) -> Response:
    """SRU 1.2 and MarcXchange: `bib.isbn any "…"`, `bib.issn any`, `bib.title all`."""
    return _sru(request, _has(known, "bnf"), r'bib\.(\w+) (?:any|all|adj) "([^"]*)"', "1.2", "mxc:", "FRBNF9990000")


def sudoc(request: Request, rest: str, known: Known) -> Response:
    """SRU 1.1 and MARCXML without a namespace: `isb=`, `isn=`, `mti="…" and …`; a diagnostic 1/0 when all is well."""
    return _sru(request, _has(known, "sudoc"), r'(isb|isn|mti)="?([^" ]*)', "1.1", "", "99900000")


def _sru(request: Request, docs: list[dict[str, Any]], shape: str, version: str, prefix: str, number: str) -> Response:
    asked = request.args.get("query", "")
    if request.args.get("operation") != "searchRetrieve" or request.args.get("version") != version:
        return diagnostic("Mandatory parameter not supplied", "operation, version")
    clauses = re.findall(shape, asked)
    if not clauses:
        return diagnostic("Query syntax error", asked[:40])
    found: list[Doc] = []
    index, value = clauses[0]
    if index in ("isbn", "isb"):
        numbers = {find_isbn(part) for part in value.split()}
        found = [d for d in docs if d.get("isbn") in numbers]
    elif index in ("issn", "isn"):
        found = [d for d in docs if d.get("issn") == value and d["kind"] == "journal"]
    elif index in ("title", "mti"):
        found = _titled(docs, [word for _index, text in clauses for word in text.split()])
    records = "".join(_record(doc, n, prefix, f"{number}{n}") for n, doc in enumerate(found[:10], 1))
    beside = _diagnostics("0", "", "") if found else _diagnostics("61", "First record position out of range", "")
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<srw:searchRetrieveResponse xmlns:srw="{_SRU}">'
        f"<srw:version>{version}</srw:version><srw:numberOfRecords>{len(found)}</srw:numberOfRecords>"
        f"<srw:records>{records}</srw:records>{'' if prefix else beside}</srw:searchRetrieveResponse>",
        mimetype="text/xml",
    )


def diagnostic(message: str, details: str) -> Response:
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<srw:searchRetrieveResponse xmlns:srw="{_SRU}"><srw:version>1.2'
        f"</srw:version><srw:numberOfRecords>0</srw:numberOfRecords>{_diagnostics('10', message, details)}"
        "</srw:searchRetrieveResponse>",
        mimetype="text/xml",
    )


def _diagnostics(number: str, message: str, details: str) -> str:
    return (
        '<srw:diagnostics><diag:diagnostic xmlns:diag="http://www.loc.gov/zing/srw/diagnostic/">'
        f"<diag:uri>info:srw/diagnostic/1/{number}</diag:uri><diag:details>{escape(details)}</diag:details>"
        f"<diag:message>{escape(message)}</diag:message></diag:diagnostic></srw:diagnostics>"
    )


def _record(doc: Doc, position: int, prefix: str, number: str) -> str:
    space = ' xmlns:mxc="info:lc/xmlns/marcxchange-v2" format="UNIMARC" type="Bibliographic"' if prefix else ""
    mark = "     cas0 22        450 " if doc["kind"] == "journal" else "     cam0 22        450 "
    lines = [f"<{prefix}leader>{mark}</{prefix}leader>"]
    lines.append(f'<{prefix}controlfield tag="001">{number}</{prefix}controlfield>')
    for tag, indicators, pairs in _unimarc(doc, bool(prefix)):
        inside = "".join(
            f'<{prefix}subfield code="{code}">{escape(value)}</{prefix}subfield>' for code, value in pairs if value
        )
        marks = f'ind1="{indicators[0]}" ind2="{indicators[1]}"'
        lines.append(f'<{prefix}datafield tag="{tag}" {marks}>{inside}</{prefix}datafield>')
    schema = "unimarcXchange" if prefix else "unimarc"
    return (
        f"<srw:record><srw:recordSchema>{schema}</srw:recordSchema><srw:recordPacking>xml</srw:recordPacking>"
        f"<srw:recordData><{prefix}record{space}>{''.join(lines)}</{prefix}record></srw:recordData>"
        f"<srw:recordPosition>{position}</srw:recordPosition></srw:record>"
    )


def _unimarc(doc: Doc, of_bnf: bool) -> Iterable[tuple[str, str, list[tuple[str, str]]]]:
    serial = doc["kind"] == "journal"
    yield ("011", "  ", [("a", doc["issn"])]) if serial else ("010", "  ", [("a", doc.get("isbn", "")), ("b", "br.")])
    yield "100", "  ", [("a", f"20240101d{doc['date'][-4:]}    m  y0frey50      ba")]
    yield "101", "0 ", [("a", doc["language"])]
    title = doc["title"]
    if not of_bnf and title.startswith("La "):
        title = f"\u0098La \u009c{title[3:]}"  # Sudoc marks what is not sorted
    yield "200", "1 ", [("a", title), *([("b", "Texte imprimé")] if of_bnf else []), ("e", doc.get("subtitle", ""))]
    place = [("a", doc.get("city", "")), ("c", doc["publisher"]), ("d", doc["date"])]
    yield ("210", "  ", place) if of_bnf else ("214", " 0", place)
    if not serial:
        yield "215", "  ", [("a", f"1 vol. ({doc['pages']} p.)"), ("d", "21 cm")]
        yield "330", "  ", [("a", doc.get("abstract", ""))] if of_bnf else [("a", "")]
    for subject in doc.get("subjects", ()):
        head, _sign, place_name = subject.partition(" -- ")
        yield "606", "  ", [("a", head), ("y", place_name), ("2", "rameau")]
    for n, name in enumerate(doc.get("authors", ())):
        family, _comma, given = name.partition(", ")
        yield "701" if n else "700", " 1", [("a", family), ("b", given), ("4", "070")]


# --- JSON ------------------------------------------------------------------------------------


def crossref(request: Request, rest: str, known: Known) -> Response:
    """/works/{doi}, /journals/{issn}, /works?query.bibliographic=… : whatever comes near, however far that is."""
    docs, (what, _slash, number) = _has(known, "crossref"), rest.partition("/")
    if what == "journals":
        found = next((d for d in docs if d.get("issn") == number and d["kind"] == "journal"), None)
        message = {"title": found["title"], "publisher": found["publisher"], "ISSN": [number]} if found else None
    elif number:
        found = next((d for d in docs if d.get("doi") == number), None)
        message = _work(found) if found else None
    else:
        words = set(fold(request.args.get("query.bibliographic", "")).split())
        works = [d for d in docs if d["kind"] != "journal"]
        works.sort(key=lambda d: -len(words & set(fold(d["title"]).split())))
        message = {"total-results": len(works), "items": [_work(d) for d in works], "items-per-page": 10}
    if message is None:
        return Response("Resource not found.", 404, mimetype="text/plain")
    return _json({"status": "ok", "message-type": "work", "message-version": "1.0.0", "message": message})


def _parts(date: str) -> dict[str, list[list[int]]]:
    return {"date-parts": [[int(part) for part in date.split("-")]]}


def _work(doc: Doc) -> dict[str, Any]:
    """A work as Crossref says it: titles are lists, the abstract is JATS, and much beside."""
    names = [name.partition(", ") for name in doc.get("authors", ())]
    return {
        "indexed": {"date-parts": [[2024, 1, 2]], "timestamp": 1704153600000},
        "reference-count": 12,
        "publisher": doc.get("publisher", ""),
        "issue": doc.get("issue"),
        "DOI": doc["doi"],
        "type": doc["kind"],
        "page": doc.get("pages"),
        "source": "Crossref",
        "prefix": doc["doi"].partition("/")[0],
        "title": [doc["title"]],
        "subtitle": [doc["subtitle"]] if doc.get("subtitle") else [],
        "volume": doc.get("volume"),
        "author": [
            {"given": given, "family": family, "sequence": "additional" if n else "first", "affiliation": []}
            for n, (family, _comma, given) in enumerate(names)
        ],
        "container-title": [doc.get("journal", "")],
        "ISSN": [doc["issn"]] if "issn" in doc else [],
        "issued": _parts(doc["date"]),
        "URL": f"https://doi.org/{doc['doi']}",
        "abstract": f"<jats:title>Résumé</jats:title><jats:p>{escape(doc.get('abstract', ''))}</jats:p>",
        "language": doc["language"],
        "subject": [],
    }


def openedition(request: Request, rest: str, known: Known) -> Response:
    """/doi/{doi} and /contentid/{OJ.essai.1789}: CSL-JSON."""
    what, _slash, number = rest.partition("/")
    for doc in _has(known, "openedition"):
        site, _sign, page_number = doc["address"].rpartition("/")
        if number in (doc["doi"], f"OJ.{site.rpartition('/')[2]}.{page_number}") and what in ("doi", "contentid"):
            names = [name.partition(", ") for name in doc["authors"]]
            return _json(
                {
                    "id": number,
                    "type": "article-journal",
                    "title": doc["title"],
                    "author": [{"family": family, "given": given} for family, _comma, given in names],
                    "container-title": doc["journal"],
                    "issue": doc["issue"],
                    "issued": _parts(doc["date"]),
                    "DOI": doc["doi"],
                    "URL": doc["address"],
                    "ISSN": doc["issn"],
                    "language": doc["language"],
                }
            )
    return _json({"error": "not found"}, 404)


def hal(request: Request, rest: str, known: Known) -> Response:
    """Solr: doiId_s:"…", halId_s:"…", title_t:(a AND b); a field is a text or a list, as HAL has it."""
    docs, asked = _has(known, "hal"), request.args.get("q", "")
    if found := re.match(r'(doiId_s|halId_s):"([^"]*)"', asked):
        key = "doi" if found[1] == "doiId_s" else "hal_number"
        docs = [d for d in docs if d.get(key) == found[2]]
    elif found := re.match(r"title_t:\(([^)]*)\)", asked):
        docs = [dict(d) for d in _titled(docs, found[1].split(" AND "))]
    else:
        return _json({"error": {"code": 400, "msg": "org.apache.solr.search.SyntaxError"}})
    rows = [_hal_row(d) for d in docs]
    return _json({"response": {"numFound": len(rows), "start": 0, "maxScore": 1.0, "docs": rows}})


def _hal_row(doc: Doc) -> dict[str, Any]:
    names = [name.partition(", ") for name in doc.get("authors", ())]
    return {
        "docType_s": _HAL_TYPES[doc["kind"]],
        "halId_s": doc["hal_number"],
        "uri_s": f"https://hal.science/{doc['hal_number']}",
        "title_s": [doc["title"]],
        "subTitle_s": [doc["subtitle"]] if doc.get("subtitle") else [],
        "authFirstName_s": [given for _family, _comma, given in names],
        "authLastName_s": [family for family, _comma, _given in names],
        "authFullName_s": [f"{given} {family}" for family, _comma, given in names],
        "journalTitle_s": doc.get("journal"),
        "volume_s": doc.get("volume"),
        "issue_s": [doc["issue"]] if doc.get("issue") else None,
        "page_s": doc.get("pages"),
        "abstract_s": [doc["abstract"]],
        "publicationDate_s": doc["date"],
        "keyword_s": doc.get("subjects", []),
        "language_s": [doc["language"]],
        "doiId_s": doc.get("doi"),
        **({"authorityInstitution_s": [doc["publisher"]]} if doc["kind"] in ("thesis", "report") else {}),
    }


def datacite(request: Request, rest: str, known: Known) -> Response:
    """/dois/{doi}, as JSON:API."""
    doc = next((d for d in _has(known, "datacite") if rest == f"dois/{d['doi']}"), None)
    if doc is None:
        return _json({"errors": [{"status": "404", "title": "The resource you are looking for doesn't exist."}]}, 404)
    names = [name.partition(", ") for name in doc["authors"]]
    attributes = {
        "doi": doc["doi"],
        "titles": [{"title": doc["title"]}],
        "creators": [
            *(
                {"name": f"{f}, {g}", "nameType": "Personal", "givenName": g, "familyName": f, "affiliation": []}
                for f, _comma, g in names
            ),
            *({"name": body, "nameType": "Organizational"} for body in doc.get("bodies", ())),
        ],
        "contributors": [],
        "publisher": doc["publisher"],
        "publicationYear": int(doc["date"][:4]),
        "dates": [{"date": doc["date"], "dateType": "Issued"}],
        "types": {"resourceTypeGeneral": _DATACITE_TYPES[doc["kind"]], "citeproc": "article"},
        "container": {},
        "descriptions": [{"description": doc["abstract"], "descriptionType": "Abstract"}],
        "subjects": [{"subject": word} for word in doc["subjects"]],
        "language": doc["language"],
        "url": f"https://exemple.org/{doc['doi']}",
    }
    return _json({"data": {"id": doc["doi"], "type": "dois", "attributes": attributes, "relationships": {}}})


def idref(request: Request, rest: str, known: Known) -> Response:
    """/Sru/Solr and /{ppn}.xml; a question that it does not understand gets 200 and nothing."""
    people = known["people"]
    if rest.endswith(".xml"):
        one = next((p for p in people if p["ppn"] == rest[:-4]), None)
        return _authority(one) if one else Response("Introuvable", 404, mimetype="text/plain")
    found = re.match(r"(persname_t|corpname_t):\(([^)]*)\) AND recordtype_z:([ab])", request.args.get("q", ""))
    if not found or found[3] != {"persname_t": "a", "corpname_t": "b"}[found[1]]:
        return Response(b"", mimetype="application/json")
    words = set(found[2].split(" AND "))
    docs = [
        {"ppn_z": p["ppn"], "affcourt_z": f"{p['name']} ({p['dates']})"}
        for p in people
        if found[3] == "a" and words <= set(fold(p["name"]).split())
    ]
    return _json({"responseHeader": {"status": 0}, "response": {"numFound": len(docs), "start": 0, "docs": docs}})


def _authority(one: Doc) -> Response:
    family, _comma, given = one["name"].partition(", ")
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<record><leader>     cx  a22     3  45  </leader>'
        f'<controlfield tag="001">{one["ppn"]}</controlfield><datafield tag="200" ind1=" " ind2="1">'
        f'<subfield code="a">{escape(family)}</subfield><subfield code="b">{escape(given)}</subfield>'
        f'<subfield code="f">{one["dates"]}</subfield></datafield><datafield tag="340" ind1=" " ind2=" ">'
        f'<subfield code="a">{escape(one["note"])}</subfield></datafield></record>',
        mimetype="text/xml",
    )


# --- pages -----------------------------------------------------------------------------------


def page(request: Request, rest: str, known: Known) -> Response:
    doc = next((d for d in known["pages"] if d["path"] == rest), None)
    if doc is None:
        return Response("<!DOCTYPE html><title>Page introuvable</title>", 404, mimetype="text/html")
    head = {"NewsArticle": _news, "citation": _cited, "og": _open}[doc["kind"]](doc)
    body = f"<h1>{html.escape(doc['title'])}</h1><p>{html.escape(doc.get('description', ''))}</p>"
    whole = f'<!DOCTYPE html><html lang="fr"><head>{head}</head><body>{body}</body></html>'
    return Response(whole, mimetype="text/html")


def _meta(name: str, value: str, attribute: str = "name") -> str:
    return f'<meta {attribute}="{name}" content="{html.escape(value)}">'


def _news(doc: Doc) -> str:
    about = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "Organization", "@id": "#site", "name": doc["site"]},
            {
                "@type": "NewsArticle",
                "headline": doc["title"],
                "author": [{"@type": "Person", "name": name} for name in doc["authors"]],
                "datePublished": doc["date"],
                "description": doc["description"],
                "publisher": {"@id": "#site"},
                "isPartOf": {
                    "@type": "PublicationIssue",
                    "issueNumber": doc["issue"],
                    "isPartOf": {"@type": "Newspaper", "name": doc["site"]},
                },
                "pagination": doc["pages"],
                "inLanguage": "fr-FR",
            },
        ],
    }
    title = f"<title>{html.escape(doc['title'])} | {html.escape(doc['site'])}</title>"
    return (
        f'<meta charset="utf-8">{title}<script type="application/ld+json">{json.dumps(about)}</script>'
        + _meta("og:type", "article", "property")
        + _meta("og:site_name", doc["site"], "property")
    )


def _cited(doc: Doc) -> str:
    first, _dash, last = doc["pages"].partition("-")
    pairs = [
        ("citation_title", doc["title"]),
        *(("citation_author", name) for name in doc["authors"]),
        ("citation_journal_title", doc["journal"]),
        ("citation_issn", doc["issn"]),
        ("citation_volume", doc["volume"]),
        ("citation_issue", doc["issue"]),
        ("citation_publication_date", doc["date"]),
        ("citation_firstpage", first),
        ("citation_lastpage", last),
        ("description", doc["description"]),
    ]
    return '<meta charset="utf-8">' + "".join(_meta(name, value) for name, value in pairs)


def _open(doc: Doc) -> str:
    pairs = [("og:title", doc["title"]), ("og:site_name", doc["site"]), ("og:description", doc["description"])]
    return '<meta charset="utf-8">' + "".join(_meta(name, value, "property") for name, value in pairs)
