"""UNIMARC in MARCXML, valid against MARC21slim.xsd: what `harvest.crosswalk.marcxml` reads, written.

The schema was made for MARC 21: it wants control fields before the others, « 4500 » at the end of the leader, and
knows no 009 with subfields. `catalogue.wire` says all that another way, and the reader undoes it. The fields of
copies stand among the others, as in ISO 2709. A character that XML forbids (they come with old ISO 2709 files)
is written U+FFFD, so that the file can be read at all and the loss is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalogue.unimarc import Field, Fields
from catalogue.wire import MARCXML, to_wire
from export.pmbxml import escaped, quoted
from export.records import Outgoing, with_items

NAMESPACE = "http://www.loc.gov/MARC21/slim"


def file_bytes(notices: Iterable[Outgoing]) -> Iterator[bytes]:
    """A collection, piece by piece."""
    yield f'<?xml version="1.0" encoding="utf-8"?>\n<collection xmlns="{NAMESPACE}">\n'.encode()
    for notice in notices:
        yield record_text(with_items(notice)).encode("utf-8", "replace")
    yield b"</collection>\n"


def record_text(fields: Fields, *, namespace: bool = False) -> str:
    """One `<record>`; with its own `namespace` where no collection around it gives it."""
    sent = to_wire(fields, MARCXML)
    leader = next((f["v"] for f in sent if f["t"] == "000"), "")
    head = [f for f in sent if f["t"] != "000" and "s" not in f]
    lines = [f'<record xmlns="{NAMESPACE}">' if namespace else "<record>", f"  <leader>{escaped(leader)}</leader>"]
    lines += [f'  <controlfield tag="{quoted(f["t"])}">{escaped(f.get("v", ""))}</controlfield>' for f in head]
    lines += [_data_field(f) for f in sent if f.get("s")]
    return "\n".join([*lines, "</record>", ""])


def _data_field(f: Field) -> str:
    first, second = f["i"][0], f["i"][1]
    subfields = [f'    <subfield code="{quoted(code)}">{escaped(value)}</subfield>' for code, value in f["s"]]
    opening = f'  <datafield tag="{quoted(f["t"])}" ind1="{quoted(first)}" ind2="{quoted(second)}">'
    return "\n".join([opening, *subfields, "  </datafield>"])
