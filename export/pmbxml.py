"""PMB's own XML, written as PMB writes it: the exact reverse of `harvest.crosswalk.pmbxml`.

A notice keeps the order of its fields. For every list of fields that a reading can give,
`read(write(fields)) == fields`; header and items are mapped in `catalogue.pmb`, in one place for both ways.
Only `&`, `<` and `>` are escaped in text, as PMB does, and a carriage return, which would become a line
break. A character that XML forbids (they come with old ISO 2709 files) is written U+FFFD, so that the file
can be read at all and the loss is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lxml import etree

from catalogue.pmb import header_from_fields, item_to_fields, link_target, names_issue
from catalogue.unimarc import Field, Fields, RecordItem

NAMESPACE = "http://www.pmbservices.fr"
_SCHEMA = (
    f' xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xsi:schemaLocation="{NAMESPACE} {NAMESPACE}/notice.xsd"'
)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def notice_text(
    fields: Iterable[Field],
    items: Sequence[RecordItem] = (),
    *,
    namespace: bool = False,
    with_214: bool = False,
) -> str:
    """One `<notice>`, as PMB lays it out.

    `namespace` is PMB's option « validité OAI-PMH »; `with_214` says the publisher twice, as recent PMBs do.
    """
    header, rest = header_from_fields(fields)
    lines = [f"<notice{_SCHEMA if namespace else ''}>"]
    lines += [f"  <{name}>{_escaped(value)}</{name}>" for name, value in header.items()]
    for f in _with_items(rest, items):
        if written := _field(f):
            lines.append(written)
            if with_214 and f["t"] == "210":
                lines.append(written.replace('c="210"', 'c="214"', 1))
    return "\n".join([*lines, "</notice>", ""])


def notice_bytes(
    fields: Iterable[Field],
    items: Sequence[RecordItem] = (),
    *,
    namespace: bool = False,
    with_214: bool = False,
) -> bytes:
    return notice_text(fields, items, namespace=namespace, with_214=with_214).encode("utf-8")


def to_element(fields: Iterable[Field], items: Sequence[RecordItem] = (), *, namespace: bool = False) -> etree._Element:
    return etree.fromstring(notice_bytes(fields, items, namespace=namespace))


def file_bytes(notices: Iterable[tuple[Fields, Sequence[RecordItem]]]) -> Iterator[bytes]:
    """A file as PMB exports it, piece by piece."""
    yield b'<?xml version="1.0" encoding="utf-8"?>\n<unimarc>\n'
    for fields, items in notices:
        yield notice_bytes(fields, items)
    yield b"</unimarc>"


def _field(f: Field) -> str:
    tag = _quoted(f["t"])
    if "s" not in f:
        value = f.get("v", "")
        return f'  <f c="{tag}">{_escaped(value)}</f>' if value.strip() else ""
    pairs = [f'    <s c="{_quoted(code)}">{_escaped(value)}</s>' for code, value in f["s"] if value]
    if not pairs:
        return ""
    target = f' id="{_quoted(f["x"])}"' if "x" in f else ""
    return "\n".join([f'  <f c="{tag}"{target} ind="{_quoted(f.get("i", "  "))}">', *pairs, "  </f>"])


def _with_items(fields: Fields, items: Sequence[RecordItem]) -> Fields:
    """The fields with each copy where PMB puts it: behind the link to its issue, else behind the thumbnail.

    Without a thumbnail (896), behind the last field that is no link, so that no issue can claim it.
    """
    if not items:
        return fields
    issues = {link_target(f): n for n, f in enumerate(fields) if names_issue(f) and link_target(f)}
    plain = [n for n, f in enumerate(fields) if not f["t"].startswith("4")]
    usual = max([n for n in plain if fields[n]["t"] == "896"] or plain, default=-1)
    placed: dict[int, Fields] = {}
    for item in items:
        placed.setdefault(issues.get(item.issue_of, usual), []).extend(item_to_fields(item))
    out = list(placed.get(-1, []))
    for n, f in enumerate(fields):
        out += [f, *placed.get(n, [])]
    return out


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _FORBIDDEN.sub("\ufffd", text)


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")
