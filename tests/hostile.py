"""Files made to hurt: small on disk and endless once opened, or slow where a reader looks twice at the same bytes.

Each family makes a file of about `size` bytes once unpacked. `tests/fuzz.py` throws large ones at the readers,
`tests/test_fuzz.py` small ones.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

from openpyxl import Workbook

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET, STRINGS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
TYPES = "[Content_Types].xml"
TYPE_OF_STRINGS = (
    b'<Override PartName="/xl/sharedStrings.xml" '
    b'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)
_CACHED: dict[str, bytes] = {}


def workbook(changed: Mapping[str, bytes], *, flag: int = 0) -> bytes:
    """A workbook with a title and a book, some of its parts replaced or added."""
    if "" not in _CACHED:
        made, out = Workbook(), io.BytesIO()
        for row in (["Titre", "Auteur"], ["Habiter la marge", "Morel, Jeanne"]):
            made.active.append(row)  # type: ignore[union-attr]
        made.save(out)
        _CACHED[""] = out.getvalue()
    whole, out = zipfile.ZipFile(io.BytesIO(_CACHED[""])), io.BytesIO()
    if STRINGS in changed:
        told = whole.read(TYPES).replace(b"</Types>", TYPE_OF_STRINGS + b"</Types>")
        changed = {**changed, TYPES: told}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in dict.fromkeys((*whole.namelist(), *changed)):
            archive.writestr(name, changed.get(name) or whole.read(name))
    data = out.getvalue()
    return (
        data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00" + bytes([flag])) if flag else data
    )


def sheet(inside: bytes, before: bytes = b"") -> bytes:
    head = b'<c t="inlineStr"><is><t>Titre</t></is></c>'
    data = b"<row>" + head + b"</row>" + inside
    return workbook({SHEET: before + f"<worksheet {MAIN}><sheetData>".encode() + data + b"</sheetData></worksheet>"})


SMALL_SHEET = f"""<worksheet {MAIN}><dimension ref="A1:C3"/><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>Titre</t></is></c>
<c r="B1" t="str"><v>Année</v></c><c r="C1" t="str"><v>Prix</v></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>Habiter la marge</t></is></c>
<c r="B2"><v>2019</v></c><c r="C2"><f>B2*2</f></c></row>
<row r="3"><c r="A3" t="inlineStr"><is><t>Un_x0041_</t></is></c>
<c r="B3" t="d"><v>2024-03-18</v></c><c r="C3" t="e"><v>#N/A</v></c></row>
</sheetData><mergeCells count="1"><mergeCell ref="A4:B4"/></mergeCells></worksheet>""".encode()


def _many(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


def _table(name: str, piece: bytes, size: int) -> bytes:
    return f"<{name} {MAIN}>".encode() + _many(piece, size) + f"</{name}>".encode()


def _nested(size: int) -> bytes:
    return b"<a>" * (size // 7) + b"</a>" * (size // 7)


ENTITIES = b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 1000 + b'">]>'

XLSX: Mapping[str, Callable[[int], bytes]] = {
    "a bomb": lambda size: workbook({"xl/media/image1.png": b"\0" * size * 20}),
    "columns without end": lambda size: sheet(b"<row>" + _many(b"<c/>", size) + b"</row>"),
    "a million named columns": lambda size: sheet(_many(b'<row><c r="ZZZ1"><v>1</v></c></row>', size)),
    "wide rows": lambda size: sheet(_many(b'<row><c r="XFD1"><v>1</v></c></row>', size)),
    "empty rows": lambda size: sheet(_many(b"<row/>", size)),
    "a row far away": lambda size: sheet(b'<row r="2000000000"><c><v>1</v></c></row>'),
    "rows in one another": lambda size: sheet(b"<row>" * (size // 11) + b"</row>" * (size // 11)),
    "rows in a row": lambda size: sheet(b"<row>" + _many(b"<row/>", size) + b"</row>"),
    "cells in one another": lambda size: sheet(b"<row><c>" + _nested(size) + b"</c></row>"),
    "what is no row": lambda size: sheet(_many(b"<x/>", size)),
    "one endless cell": lambda size: sheet(b'<row><c t="str"><v>' + b"x" * size + b"</v></c></row>"),
    "formulas": lambda size: sheet(_many(b'<row><c r="A2"><f>HYPERLINK("http://a.example")</f></c></row>', size)),
    "one endless formula": lambda size: sheet(b"<row><c><f>" + b"1+" * (size // 2) + b"1</f></c></row>"),
    "endless numbers": lambda size: sheet(b"<row><c><v>" + b"9" * min(size, 4000) + b"</v></c></row>"),
    "a number beyond ours": lambda size: sheet(b"<row><c><v>1E999</v></c><c><v>" + b"9" * 400 + b"</v></c></row>"),
    "a style that is not there": lambda size: sheet(b'<row><c s="999" t="d"><v>2024-03-18</v></c></row>'),
    "a string that is not there": lambda size: sheet(b'<row><c t="s"><v>999999</v></c></row>'),
    "entities in a sheet": lambda size: sheet(b"", ENTITIES),
    "strings without end": lambda size: workbook({STRINGS: _table("sst", b"<si><t>a</t></si>", size)}),
    "empty strings": lambda size: workbook({STRINGS: _table("sst", b"<si/>", size)}),
    "one string in pieces": lambda size: workbook({STRINGS: _table("sst", b"<r><t/></r>", size)}),
    "one endless string": lambda size: workbook({STRINGS: _table("sst", b"x", size)}),
    "styles without end": lambda size: workbook({STYLES: _table("styleSheet", b"<fonts/>", size)}),
    "cell styles without end": lambda size: workbook(
        {STYLES: f"<styleSheet {MAIN}><cellXfs>".encode() + _many(b"<xf/>", size) + b"</cellXfs></styleSheet>"}
    ),
    "styles in one another": lambda size: workbook({STYLES: b"<styleSheet>" + _nested(size) + b"</styleSheet>"}),
    "many parts": lambda size: workbook({f"xl/a{n}.xml": b"<a/>" for n in range(min(size // 100, 50_000))}),
    "a link to another file": lambda size: workbook(
        {
            "xl/externalLinks/externalLink1.xml": b'<externalLink><externalBook r:id="rId1"/></externalLink>',
            "xl/externalLinks/_rels/externalLink1.xml.rels": b'<Relationships><Relationship Id="rId1" '
            b'Target="http://127.0.0.1:9/a.xlsx" TargetMode="External"/></Relationships>',
        }
    ),
    "macros": lambda size: workbook({"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" + b"\0" * min(size, 100_000)}),
    "a password": lambda size: workbook({}, flag=1),
}

# What a reader may look for the end of again and again, or pile up: a beginning, a piece without end, an end.
_PILES: Mapping[str, tuple[bytes, bytes, bytes]] = {
    "comments never closed": (b"", b"<!-- ", b""),
    "comments closed": (b"<a>", b"<!-- x -->", b"</a>"),
    "instructions never closed": (b"<a>", b"<?x ", b""),
    "sections never closed": (b"<a>", b"<![CDATA[", b""),
    "tags never closed": (b"<a>", b"<record ", b""),
    "records never closed": (b"<a>", b"<record><leader>", b""),
    "notices never closed": (b"<unimarc>", b"<notice><rs>n</rs>", b""),
    "numbers never closed": (b"<unimarc><notice>", b'<f c="001"', b""),
    "elements in one another": (b"", b"<a>", b""),
    "attributes": (b"<record ", b'x="" ', b"/>"),
    "names": (b"<record ", b'xmlns:a="b" ', b"/>"),
    "references": (b"<record>", b"&#32;", b"</record>"),
    "references to nothing": (b"<record>", b"&a", b"</record>"),
    "fields": (b'<unimarc><notice><f c="200"><s c="a">T</s></f>', b'<f c="300"/>', b"</notice></unimarc>"),
    "subfields": (b'<unimarc><notice><f c="200" ind="1 ">', b'<s c="a">T</s>', b"</f></notice></unimarc>"),
    "fields of MARC": (b"<record>", b'<datafield tag="300"/>', b"</record>"),
    "subfields of MARC": (
        b'<record><datafield tag="200">',
        b'<subfield code="a">T</subfield>',
        b"</datafield></record>",
    ),
    "blanks": (b"<a", b" ", b">"),
}
_LINES: Mapping[str, tuple[str, bytes, bytes, bytes]] = {
    "MARC directory": ("unimarc", b"00042nam0 2200097 i 450 ", b"200000100000", b"\x1e\x1d"),
    "MARC subfields": ("unimarc", b"00042nam0 2200037 i 450 200001000000\x1e1 ", b"\x1fat", b"\x1e\x1d"),
    "MARC terminators": ("unimarc", b"", b"\x1e\x1d", b""),
    "MARC leaders": ("unimarc", b"", b"00042nam0 2200037 i 450 200001000000\x1e", b""),
    "accents on one letter": ("unimarc", b"00042nam0 2200037 i 450 200999900000\x1e1 \x1fae", b"\xcc\x81", b"\x1e\x1d"),
    "RIS lines": ("ris", b"TY  - BOOK\nTI  - T\nN1  - ", b"a\n", b"ER  - \n"),
    "RIS values": ("ris", b"TY  - BOOK\nTI  - T\n", b"AU  - A\n", b"ER  - \n"),
    "RIS blanks in a keyword": ("ris", b"TY  - BOOK\nTI  - T\nKW  - x", b" ", b"y\nER  - \n"),
    "RIS types": ("ris", b"", b"TY  - \n", b""),
    "BibTeX braces": ("bibtex", b"@book{a, title = ", b"{", b""),
    "BibTeX braces closed": ("bibtex", b"@book{a, title = ", b"{}", b"}"),
    "BibTeX entries": ("bibtex", b"", b"@a{", b""),
    "BibTeX strings": ("bibtex", b"@string{a = ", b'"a" # ', b'"a"}'),
    "BibTeX accents": ("bibtex", b"@book{a, title = {", b"\\'{", b"}}"),
    "BibTeX names": ("bibtex", b"@book{a, title={T}, author={", b"A and ", b"B}}"),
    "JSON lists": ("csljson", b"", b"[", b""),
    "JSON objects": ("csljson", b"[", b'{"a":', b""),
    "JSON strings": ("csljson", b'[{"title": "', b'\\"', b""),
    "JSON names": ("csljson", b'[{"title":"T","author":[', b'{"family":"A"},', b'{"family":"A"}]}]'),
    "CSV quotes": ("csv", b"Titre;Auteur\n", b'"', b""),
    "CSV quotes in rows": ("csv", b"Titre;Auteur\n", b'a;"b\n', b""),
    "CSV cells": ("csv", b"Titre;Auteur\n", b";", b"\n"),
    "CSV rows": ("csv", b"Titre;Auteur\n", b"a;b\n", b""),
    "SQL rows": ("pmbsql", b"INSERT INTO `notices` VALUES ", b"(1),", b"(1);\n"),
    "SQL strings": ("pmbsql", b"INSERT INTO `notices` VALUES ('", b"\\'", b"');\n"),
    "SQL comments": ("pmbsql", b"", b"/* ", b""),
    "SQL columns": ("pmbsql", b"CREATE TABLE `notices` (", b"`a` int,", b"`b` int);\n"),
}
XML_FORMATS = ("marcxml", "pmbxml", "dc", "mods", "endnote")


def _pile(before: bytes, piece: bytes, after: bytes) -> Callable[[int], bytes]:
    return lambda size: before + _many(piece, size) + after


# name -> (format, how to make it)
FAMILIES: Mapping[str, tuple[str, Callable[[int], bytes]]] = {
    **{f"XLSX: {name}": ("xlsx", make) for name, make in XLSX.items()},
    **{f"{f}: {name}": (f, _pile(*pile)) for f in XML_FORMATS for name, pile in _PILES.items()},
    **{name: (format, _pile(*pile)) for name, (format, *pile) in _LINES.items()},
}
