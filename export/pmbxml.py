"""PMB's own XML, written as PMB writes it: the exact reverse of `harvest.crosswalk.pmbxml`.

A notice keeps the order of its fields. For every list of fields that a reading can give,
`read(write(fields)) == fields`; header and items are mapped in `catalogue.pmb`, what has no element of its own
in `catalogue.wire`, in one place for both ways. `for_pmb` prepares notices so that a PMB makes their links again.
Only `&`, `<` and `>` are escaped in text, as PMB does, and a carriage return, which would become a line
break. A character that XML forbids (they come with old ISO 2709 files) is written U+FFFD, so that the file
can be read at all and the loss is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lxml import etree

from catalogue import copies
from catalogue.pmb import header_from_fields, item_to_fields, link_target, names_issue
from catalogue.unimarc import Field, Fields, RecordItem, control, each, first, level, title, typed
from catalogue.wire import PMB_XML, to_wire
from export.records import Outgoing

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
    header, rest = header_from_fields(to_wire(fields, PMB_XML))
    lines = [f"<notice{_SCHEMA if namespace else ''}>"]
    lines += [f"  <{name}>{escaped(value)}</{name}>" for name, value in header.items()]
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
    tag = quoted(f["t"])
    if "s" not in f:
        value = f.get("v", "")
        return f'  <f c="{tag}">{escaped(value)}</f>' if value.strip() else ""
    pairs = [f'    <s c="{quoted(code)}">{escaped(value)}</s>' for code, value in f["s"] if value]
    if not pairs:
        return ""
    target = f' id="{quoted(f["x"])}"' if "x" in f else ""
    return "\n".join([f'  <f c="{tag}"{target} ind="{quoted(f.get("i", "  "))}">', *pairs, "  </f>"])


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


# --- for a PMB that will make the links again ------------------------------------------------


def for_pmb(notices: Iterable[Outgoing]) -> Iterator[tuple[Fields, Sequence[RecordItem]]]:
    """Notices as PMB's import wants them when « générer les liens » is ticked; periodicals must come first.

    What it reads (PMB 8.1, its import function; the `id` attributes serve others): `$9 lnk:perio` and `lnk:bull`
    in 461 and 463 of an article, else it becomes a book; `lnk:parent` and `type_lnk:b` in the 461 of an issue;
    `$0` in a 461 says that the periodical will come, so it must not be there when it will not. Copies of an issue
    are only read in an article of PMB's own invention, as its file exports have it. What came from a PMB has all
    this already and is not touched. Copies that never were in a PMB are written as PMB writes its own.
    """
    written: set[str] = set()
    for notice in notices:
        items = [item if copies.is_from_pmb(item.fields) else replace(item, fields=()) for item in notice.items]
        fields = _with_link_marks(notice.numbered(), written)
        number = control(fields, "001")
        written.add(number)
        if items and level(fields) == "issue":
            bulletin = next((typed(f, "id") for f in each(fields, "200")), "") or number
            fields = [_with_mark(f, f"id:{bulletin}") if f["t"] == "200" else f for f in fields]
            yield fields, ()
            yield _copies_of_issue(fields, bulletin, written), [replace(item, issue_of=bulletin) for item in items]
        else:
            yield fields, items


def _with_link_marks(fields: Fields, written: set[str]) -> Fields:
    kind = level(fields)
    if kind not in ("article", "issue"):
        return fields
    dated = any(f["t"] == "463" for f in fields)  # without an issue, PMB makes one from 461 $t and $v itself
    out: Fields = []
    for f in fields:
        if f["t"] == "463" and kind == "article" and not typed(f, "lnk"):
            f = _with_mark(f, "lnk:bull")
        elif f["t"] == "461" and kind == "article" and dated and not typed(f, "lnk"):
            f = _with_mark(f, "lnk:perio")
        elif f["t"] == "461" and kind == "issue" and typed(f, "lnk") in ("", "perio"):
            f = {**f, "s": [pair for pair in f["s"] if pair != ["9", "lnk:perio"]]}
            f = _with_mark(_with_mark(f, "lnk:parent"), "type_lnk:b")
        if f["t"] == "461" and first(f, "0") and link_target(f) not in written:
            f = {**f, "s": [pair for pair in f["s"] if pair[0] != "0"]}
        out.append(f)
    return out


def _with_mark(f: Field, mark: str) -> Field:
    return f if ["9", mark] in f.get("s", []) else {**f, "s": [*f.get("s", []), ["9", mark]]}


def _copies_of_issue(fields: Fields, bulletin: str, written: set[str]) -> Fields:
    """The article that PMB makes up to carry the copies of an issue, field by field as its own file exports have it.

    Title, number and dates must be those that the issue's articles say in 463, or PMB takes it for another issue:
    no `$e` where the issue has no date but the one of the calendar.
    """
    own = next(each(fields, "200"), Field(t="200"))
    imprint = next(each(fields, "210", "214"), Field(t="210"))
    host = next(each(fields, "461"), Field(t="461"))
    journal, number, name = first(host, "t") or title(fields), first(own, "h"), first(own, "i")
    day, shown = first(imprint, "h"), first(imprint, "d")
    shown = "" if shown in (day, day[:4]) else shown
    announced = link_target(host) if link_target(host) in written else ""
    called = ", ".join(part for part in (name, shown) if part) or "Notice de bulletin"
    link = [["0", announced], ["d", day], ["e", shown], ["v", number], ["x", first(host, "x")]]
    link += [["t", name or " "], ["t", journal], ["9", f"id:{bulletin}"], ["9", "lnk:bull_expl"]]
    made_up: Fields = [
        {"t": "000", "v": "     naa2 22     1i 450 "},
        {"t": "001", "v": f"{bulletin}-bull"},
        *each(fields, "100"),
        {"t": "200", "i": "1 ", "s": [["a", called], ["d", "Article_expl_bulletin"], ["h", journal], ["i", number]]},
        {"t": "210", "i": "  ", "s": [["d", day[:4]]]},
        {"t": "463", "i": "  ", "s": link},
    ]
    said: Fields = [{**f, "s": [pair for pair in f["s"] if pair[1]]} if "s" in f else f for f in made_up]
    return [f for f in said if f.get("s") or f.get("v")]


# --- text ------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _FORBIDDEN.sub("\ufffd", text)


def quoted(text: str) -> str:
    return escaped(text).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")
