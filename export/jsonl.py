"""One notice a line, as JSON: for scripts, and for whoever wants to see everything (INTERFACES: jsonl lines).

Fields are UNIMARC in order; who said them and record numbers of our own making stay out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from catalogue import unimarc
from export.records import Outgoing


def file_bytes(notices: Iterable[Outgoing]) -> Iterator[bytes]:
    for notice in notices:
        yield (json.dumps(document(notice), ensure_ascii=False) + "\n").encode("utf-8", "replace")


def document(notice: Outgoing) -> dict[str, Any]:
    numbers: dict[str, list[str]] = {}
    for scheme, value in unimarc.identifiers(notice.fields):
        numbers.setdefault(scheme, []).append(value)
    return {
        "id": notice.address,
        "status": notice.status,
        "kind": notice.kind,
        "title": notice.title,
        "year": notice.year,
        "date": {"text": unimarc.date_text(notice.fields), "edtf": unimarc.date_edtf(notice.fields)},
        "identifiers": numbers,
        "sources": [
            {
                "source": said.source,
                "identifier": said.identifier,
                "datestamp": said.datestamp,
                "deleted": said.deleted,
                "title": said.title,
                **({"licence": said.licence} if said.licence else {}),
            }
            for said in notice.sources
        ],
        "items": [
            {"barcode": item.barcode, "call_number": item.call_number, "status": state}
            for item, state in zip(notice.items, notice.states, strict=True)
        ],
        "fields": [f for f in notice.fields if f["t"] != "000"],
    }
