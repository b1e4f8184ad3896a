"""Crossref, DataCite, HAL and OpenEdition: services that answer in JSON, each put into CSL, then read as CSL is.

Sources: api.crossref.org (« REST API »), support.datacite.org (« DataCite REST API »), api.archives-ouvertes.fr/docs,
oai-openedition.readthedocs.io. What their own fields are called in CSL: `fields.toml`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from catalogue.text import fold
from catalogue.unimarc import Fields, Record
from harvest.crosswalk import csljson
from harvest.lookup.door import Door
from harvest.lookup.names import people, person
from harvest.lookup.questions import Question
from harvest.lookup.table import LookupSource
from harvest.lookup.trouble import Trouble

MOST = 10  # records of one answer
MOST_WORDS = 10  # of a title
_HEADING = re.compile(r"^\s*<(?:jats:)?(?:title|b|strong)>\s*(?:abstract|résumé|resume|summary)\s*</[^>]+>", re.I)
_HAL = re.compile(r"\b((?:hal|halshs|tel|dumas|medihal|insu|inria|cel|hceres)[-\w]*?-\d{5,9})(?:v\d+)?\b")
_ARTICLES = ("journal", "newspaper", "magazine", "chapter", "paper", "section", "part", "proceedings-article")
Item = Mapping[str, Any]


@cache
def fields() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "fields.toml").read_text("utf-8"))


# --- each service ----------------------------------------------------------------------------


def crossref(question: Question, source: LookupSource, door: Door, mail: str = "") -> list[Fields]:
    """/works/{doi}, /journals/{issn}, /works?query.bibliographic=…; with `mailto`, one is served among the polite."""
    base, polite = source.address.rstrip("/"), {source.said("mail"): mail} if mail else {}
    if question.kind == "issn":
        message = _inside(_json(door, f"{base}/journals/{quote(question.value)}", polite), "message")
        return to_fields([{**{k: message.get(k) for k in ("title", "ISSN", "publisher")}, "type": "journal"}])
    if doi := _doi(question):
        return to_fields([_inside(_json(door, f"{base}/works/{quote(doi, safe='')}", polite), "message")])
    asked = {"query.bibliographic": question.value, "rows": str(MOST), **polite}
    return to_fields(_list(_inside(_json(door, f"{base}/works", asked), "message"), "items"))


def openedition(question: Question, source: LookupSource, door: Door, mail: str = "") -> list[Fields]:
    """/doi/{doi}, or /contentid/{OJ.revue.123} for an address of its journals and books: CSL-JSON."""
    base = source.address.rstrip("/")
    if question.kind == "doi":
        path = f"doi/{quote(question.value, safe='/')}"
    else:
        parts = urlsplit(question.value)
        site, number = parts.path.strip("/").split("/", 1) if parts.path.strip("/").count("/") else ("", "")
        if not re.fullmatch(r"[\w-]{1,60}/\d{1,9}", f"{site}/{number}"):
            return []
        path = f"contentid/{'OJ' if (parts.hostname or '').startswith('journals') else 'OB'}.{site}.{number}"
    answer = _json(door, f"{base}/{path}", {"format": "json"})
    return to_fields(answer if isinstance(answer, list) else [answer])


def hal(question: Question, source: LookupSource, door: Door, mail: str = "") -> list[Fields]:
    """Its Solr, by DOI, by HAL's own number when it stands in an address, or by the words of a title."""
    table = fields()["hal"]
    number = _HAL.search(question.value) if question.kind == "url" else None
    if number:
        asked = f'halId_s:"{number[1]}"'
    elif doi := _doi(question):
        asked = 'doiId_s:"' + doi.replace("\\", "").replace('"', "") + '"'
    elif question.kind == "title":
        words = fold(question.value).split()[:MOST_WORDS]  # folded: nothing of Solr's grammar is left in them
        asked = f"title_t:({' AND '.join(words)})"
    else:
        return []
    wanted = [*table["fields"], *_HAL_BESIDE]
    answer = _json(door, source.address, {"q": asked, "wt": "json", "rows": str(MOST), "fl": ",".join(wanted)})
    return to_fields([_from_hal(doc, table) for doc in _list(_inside(answer, "response"), "docs")])


def datacite(question: Question, source: LookupSource, door: Door, mail: str = "") -> list[Fields]:
    """/dois/{doi}"""
    doi = _doi(question)
    answer = _json(door, f"{source.address.rstrip('/')}/dois/{quote(doi, safe='/')}", {})
    return to_fields([_from_datacite(_inside(_inside(answer, "data"), "attributes"), fields()["datacite"]["types"])])


# --- into CSL --------------------------------------------------------------------------------

_HAL_BESIDE = (
    *("docType_s", "halId_s", "authFirstName_s", "authLastName_s", "authFullName_s"),
    *("publicationDate_s", "producedDate_s", "keyword_s", "conferenceTitle_s"),
)


def _from_hal(doc: Item, table: Item) -> dict[str, Any]:
    item: dict[str, Any] = {"type": table["types"].get(str(doc.get("docType_s")), "document")}
    for name, meant in table["fields"].items():
        value = doc.get(name)
        if meant != "-" and value and not item.get(meant):
            item[meant] = value[0] if isinstance(value, list) else value
    first, last, whole = (doc.get(name) or [] for name in ("authFirstName_s", "authLastName_s", "authFullName_s"))
    if isinstance(first, list) and isinstance(last, list) and len(first) == len(last) > 0:
        item["author"] = [{"family": str(f), "given": str(g)} for g, f in zip(first, last, strict=True)]
    else:
        item["author"] = people(whole)
    item["issued"] = _dated(doc.get("publicationDate_s") or doc.get("producedDate_s"))
    if item["type"] == "paper-conference":
        item.setdefault("container-title", doc.get("conferenceTitle_s"))
    item["subject"] = doc.get("keyword_s")
    return item


def _from_datacite(data: Item, types: Item) -> dict[str, Any]:
    told, container = _object(data.get("types")), _object(data.get("container"))
    titles = [row for row in _list(data, "titles") if isinstance(row.get("title"), str)]
    first = next((row["title"] for row in titles if not row.get("titleType")), titles[0]["title"] if titles else "")
    publisher = data.get("publisher")
    dates = {str(row.get("dateType")): row.get("date") for row in _list(data, "dates")}
    pages = [str(container[key]) for key in ("firstPage", "lastPage") if container.get(key)]
    return {
        "type": types.get(str(told.get("resourceTypeGeneral")), "document"),
        "title": first,
        "subtitle": next((row["title"] for row in titles if row.get("titleType") == "Subtitle"), ""),
        "author": people(data.get("creators")),
        "editor": people([c for c in _list(data, "contributors") if c.get("contributorType") == "Editor"]),
        "issued": _dated(dates.get("Issued") or data.get("publicationYear")),
        "publisher": publisher.get("name") if isinstance(publisher, dict) else publisher,
        "container-title": container.get("title"),
        "volume": container.get("volume"),
        "issue": container.get("issue"),
        "page": "-".join(dict.fromkeys(pages)),
        "ISSN": container.get("identifier") if container.get("identifierType") == "ISSN" else "",
        "abstract": next(
            (r.get("description") for r in _list(data, "descriptions") if r.get("descriptionType") == "Abstract"), ""
        ),
        "subject": [row.get("subject") for row in _list(data, "subjects")][:50],
        "language": data.get("language"),
        "DOI": data.get("doi"),
        "URL": data.get("url"),
    }


def _dated(value: Any) -> Any:
    return {"literal": str(value)[:40]} if isinstance(value, str | int) and value else None


def to_fields(items: Iterable[Any]) -> list[Fields]:
    """UNIMARC of CSL items; what has no title is nothing that anybody could recognise."""
    out: list[Fields] = []
    for item in list(items)[:MOST]:
        if not isinstance(item, Mapping):
            raise Trouble("shape")
        record = csljson.to_record(_tidy(item))
        if isinstance(record, Record) and any(f["t"] == "200" for f in record.fields):
            out.append(record.fields)
    return out


def _tidy(item: Item) -> dict[str, Any]:
    """Without the heading « Abstract » inside the abstract, and without who prints the journal of an article."""
    out = {name: value for name, value in item.items() if value not in (None, "", [], {})}
    if isinstance(abstract := out.get("abstract"), str):
        out["abstract"] = _HEADING.sub("", abstract, count=1)
    if isinstance(names := out.get("author"), list):
        out["author"] = [person(n["literal"]) or n if _is_whole(n) else n for n in names if isinstance(n, dict)]
    if any(word in str(out.get("type", "")) for word in _ARTICLES) and out.get("container-title"):
        out.pop("publisher", None)
    out.pop("source", None)  # « Crossref »
    out.pop("id", None)
    return out


def _is_whole(name: Item) -> bool:
    return isinstance(name.get("literal"), str) and not name.get("family")


# --- their JSON ------------------------------------------------------------------------------


def _doi(question: Question) -> str:
    return question.value if question.kind == "doi" else question.doi


def _json(door: Door, url: str, params: Mapping[str, str]) -> Any:
    fetched = door.get(url, params, accept="application/json")
    try:
        return json.loads(fetched.raw)
    except (ValueError, RecursionError) as error:
        raise Trouble("not_json") from error


def _inside(value: Any, name: str) -> dict[str, Any]:
    inner = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(inner, dict):
        raise Trouble("shape")
    return inner


def _list(value: Item, name: str) -> list[dict[str, Any]]:
    rows = value.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Trouble("shape")
    return rows


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
