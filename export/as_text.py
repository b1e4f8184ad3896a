"""A bibliography as plain text: for an e-mail, a notepad, a screen reader. UTF-8, lines ending as Windows wants."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.i18n import _, use_language
from export.bibliography import Bibliography, Entry
from export.citing.runs import plain


def file_bytes(bibliography: Bibliography) -> Iterator[bytes]:
    with use_language(bibliography.language):
        lines = [line for part in _lines(bibliography) for line in part.split("\n")]
    yield from ((line + "\r\n").encode("utf-8", "replace") for line in lines)


def _lines(bibliography: Bibliography) -> Iterator[str]:
    yield from (bibliography.title, "=" * len(bibliography.title), bibliography.line, "")
    for group in bibliography.groups:
        if group.heading:
            heading = f"{group.heading} ({group.total})"
            yield from (heading, "-" * len(heading), "")
        for entry in group.entries:
            yield from _entry(entry)
            yield ""
    yield from bibliography.told


def _entry(entry: Entry) -> Iterator[str]:
    yield plain(entry.runs)
    yield from ("    " + paragraph for paragraph in entry.summary)
    if entry.place is not None:
        if entry.place.call_number:
            yield "    " + _("Cote : {call_number}").format(call_number=entry.place.call_number)
        yield from ("    " + words for words in entry.place.words)
    yield f"    {entry.permalink}"
