"""IdRef, the authority file of Abes: persons and bodies by name, through its Solr, and one record by its PPN.

Source: documentation.abes.fr/aideidref (developers); persname_t and corpname_t are its indexes of words, recordtype_z
is « a » for a person and « b » for a body, affcourt_z the heading as it is shown: « Martin, Léa (1970-....) ».
It answers a question that it does not understand by 200 and an empty body.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from catalogue.identifiers import find_authority
from catalogue.text import fold
from harvest import strict
from harvest.crosswalk.citation import line
from harvest.crosswalk.elements import local_name
from harvest.lookup.asking import Job, side_by_side
from harvest.lookup.door import Door
from harvest.lookup.trouble import Trouble

ADDRESS = "https://www.idref.fr"
LABEL = "IdRef"
LIMIT = 4.0
MOST = 10
_INDEXES = {"person": ("persname_t", "a"), "body": ("corpname_t", "b")}
_DATES = re.compile(r"\s*\(((?:[\d.?]{4}|ca?\.? ?\d{4})[^()]{0,30})\)\s*$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be the one that is looked for."""

    ppn: str
    name: str
    dates: str
    note: str
    url: str


def idref(
    name: str,
    *,
    kind: str = "person",
    limit: float = LIMIT,
    address: str = ADDRESS,
    allow_private: bool = False,
    agent: str = "Travee",
) -> list[Candidate]:
    """Persons or bodies whose name has these words, ten at most. Raises Trouble, whose sentence tells why."""
    words = fold(name).split()[:8]
    if not words:
        return []
    index, letter = _INDEXES[kind]
    params = {
        "q": f"{index}:({' AND '.join(words)}) AND recordtype_z:{letter}",
        "wt": "json",
        "sort": "score desc",
        "version": "2.2",
        "start": "0",
        "rows": str(MOST),
        "fl": "ppn_z,affcourt_z",
    }

    def work(door: Door) -> list[Candidate]:
        return _listed(door.get(f"{address.rstrip('/')}/Sru/Solr", params, accept="application/json").raw, address)

    return _one(work, limit, allow_private, agent) or []


def idref_record(
    ppn: str,
    *,
    limit: float = LIMIT,
    address: str = ADDRESS,
    allow_private: bool = False,
    agent: str = "Travee",
) -> Candidate | None:
    """What one number stands for: its heading, its dates and the note of its record; None when it is nobody's."""
    found = find_authority(ppn, "idref")
    if found is None or found[0] != "idref":
        return None

    def work(door: Door) -> Candidate:
        return _described(found[1], door.get(f"{address.rstrip('/')}/{found[1]}.xml", accept="text/xml").raw, address)

    try:
        return _one(work, limit, allow_private, agent)
    except Trouble as trouble:
        if trouble.code == "gone":
            return None
        raise


def _one(work: Any, limit: float, allow_private: bool, agent: str) -> Any:
    (done,) = side_by_side([Job("idref", allow_private, work)], limit=limit, agent=agent)
    if done.trouble is not None:
        raise done.trouble
    return done.result


def _listed(raw: bytes, address: str) -> list[Candidate]:
    if not raw.strip():
        raise Trouble("http", status="200")
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Trouble("not_json") from error
    response = answer.get("response") if isinstance(answer, dict) else None
    docs = response.get("docs") if isinstance(response, dict) else None
    if not isinstance(docs, list):
        raise Trouble("shape")
    found = []
    for doc in docs[:MOST]:
        ppn, shown = (doc.get("ppn_z"), doc.get("affcourt_z")) if isinstance(doc, dict) else (None, None)
        known = find_authority(str(ppn or ""), "idref")
        if known and known[0] == "idref" and isinstance(shown, str):
            found.append(_candidate(known[1], line(shown)[:300], "", address))
    return found


def _candidate(ppn: str, shown: str, note: str, address: str) -> Candidate:
    dates = _DATES.search(shown)
    name = shown[: dates.start()] if dates else shown
    return Candidate(ppn, name, dates[1] if dates else "", note, f"{address.rstrip('/')}/{ppn}")


def _described(ppn: str, raw: bytes, address: str) -> Candidate:
    """UNIMARC/A: 200 or 210 $a $b $f, and the notes 300 $a and 340 $a."""
    try:
        root = strict.tree(raw)
    except (etree.XMLSyntaxError, strict.TooManyMarks, strict.UnknownEncoding, ValueError) as error:
        raise Trouble("not_xml") from error
    said: dict[str, list[tuple[str, str]]] = {}
    for element in root.iter():
        if local_name(element.tag) == "datafield":
            pairs = [(e.get("code") or "", line(e.text or "")) for e in element if local_name(e.tag) == "subfield"]
            said.setdefault(element.get("tag") or "", pairs)
    heading = dict(reversed(said.get("200") or said.get("210") or []))
    if not heading.get("a"):
        raise Trouble("shape")
    joint = ", " if "200" in said else ". "
    name = joint.join(part for part in (heading["a"], heading.get("b", "")) if part)
    notes = [text for tag in ("340", "300") for code, text in said.get(tag, ()) if code == "a" and text]
    return Candidate(ppn, name, heading.get("f", "").strip("()"), " ".join(notes)[:500], f"{address.rstrip('/')}/{ppn}")
