"""Issues of a periodical that have no record of their own: most bulletins of a PMB.

Everything about them is told by others: by their articles (463, 461), by the periodical (462), or by the base
itself. They are described here in one way, whoever tells, so that they are one notice whichever came first.
"""

from __future__ import annotations

from catalogue import unimarc
from catalogue.pmb import link_target, names_issue
from catalogue.unimarc import Field, Fields, Record, each, first, subfields, typed

STAND_IN = "-bull"  # how PMB numbers, in its exports, what stands for such an issue: « 905-bull »


def describe_issue(record: Record, bulletin: str) -> Record:
    """An issue as an article (463, 461) or the periodical itself (462) tells of it."""
    link = next((f for f in record.fields if names_issue(f) and link_target(f) == bulletin), Field(t="463"))
    names = [v.strip() for v in subfields(link, "t")]
    if link["t"] == "462":
        journal = unimarc.title(record.fields)
        issn = next((v for scheme, v in unimarc.identifiers(record.fields) if scheme == "issn"), "")
        serial = record.control_number or ""
    else:
        host = next((f for f in each(record.fields, "461") if typed(f, "lnk") == "perio"), Field(t="461"))
        journal = first(host, "t").strip() or next(iter(names[1:]), "")
        issn, serial = first(host, "x").strip(), link_target(host)
    days = [v.strip() for v in subfields(link, "e") + subfields(link, "d") if v.strip(" 0-")]
    named = [["a", journal], ["h", first(link, "v").strip()], ["i", names[0] if names else ""]]
    imprint = [["d", days[0] if days else ""], ["h", first(link, "d").strip() if days else ""]]
    parent = [["t", journal], ["x", issn], ["9", f"id:{serial}" if serial else ""], ["9", "lnk:perio"]]
    fields: Fields = [
        {"t": "000", "v": unimarc.LEADER},
        {"t": "200", "i": "1 ", "s": [*named, ["9", f"id:{bulletin}"]]},
        {"t": "210", "i": "  ", "s": imprint},
        {"t": "461", "i": "  ", "s": parent},
    ]
    for f in fields[1:]:
        f["s"] = [[c, v] for c, v in f["s"] if v]
    if not unimarc.title(fields):
        fields[1]["s"].insert(0, ["a", bulletin])
    fields = [f for f in fields if f["t"] == "000" or f["s"]]
    number = bulletin + STAND_IN
    return Record(unimarc.with_kind(fields, "issue"), position=record.position, control_number=number)
