"""References in CSL-JSON, what Zotero, Mendeley, Pandoc and every CSL program read: a list, an item a document.

Besides the item that styles are given (`export.citing.items`): summary, keywords, our address of the notice in
`custom` (the place the schema of CSL 1.0.2 has for what it does not name), and the catalogue in `source`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from export.citing.items import LONGEST, Cited, cited
from export.records import Outgoing

_NOT_WRITTEN = frozenset(("PMID",))


def file_bytes(notices: Iterable[Outgoing], base_url: str = "", source: str = "") -> Iterator[bytes]:
    before = "[\n"
    for notice in notices:
        yield (before + json.dumps(document(cited(notice, base_url), source), ensure_ascii=False)).encode("utf-8")
        before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def document(one: Cited, source: str = "") -> dict[str, Any]:
    item = {name: value for name, value in one.item.items() if name not in _NOT_WRITTEN}
    for name in ("ISBN", "ISSN"):  # several in one text, as Zotero writes and reads them
        if numbers := [value for variable, value in one.numbers if variable == name]:
            item[name] = " ".join(numbers)
    if one.summary:
        item["abstract"] = "\n".join(one.summary)[:LONGEST]
    if one.keywords:
        item["keyword"] = keywords(one)
    if one.others:
        item["note"] = "\n".join(one.others)
    if source:
        item["source"] = source
    return {**item, "custom": {"permalink": one.permalink}}


def keywords(one: Cited) -> str:
    """In one line, cut by semicolons; one alone that holds a comma gets one too, lest it be cut there."""
    words = "; ".join(word.replace(";", ",") for word in one.keywords)
    return words + ";" if len(one.keywords) == 1 and "," in words else words
