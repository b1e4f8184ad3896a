"""What Travée makes of a folder of real files: records present, read, repaired, refused, one line a file.

    .venv/bin/python -m tests.corpus ../shared/data > docs/corpus.md

prints the table that docs/corpus.md keeps; `tests/test_corpus.py` holds it against the code wherever that
folder is there. Files of one kind in one folder share a line. For broken MARC files the best of three peers
stands beside: pymarc by its defaults, yaz-marcdump, and a plain cut at the record terminator; a peer's record
counts when it has a field with subfields, garbled or not.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pymarc
from rdflib import Graph
from rdflib.namespace import RDF, SKOS

from catalogue.entities import About, Thesaurus
from catalogue.problems import SENTENCES, Refusal
from harvest import files, skos

FOLDERS = ("unimarc", "marc21", "broken", "pmb", "citations", "skos")
TOGETHER = 8  # a folder with more files of one kind than this is one line
ASIDE = (".md", "headers.txt", "txt.gz")  # what describes the files, and HTTP headers
GARBLED = re.compile("\ufffd|Ã[\x80-\xbf©¨]|©[a-z]|[\x80-\x87\x8a-\x97\x99-\x9b\x9d-\x9f]")

# How many records a file holds, told without our readers.
_STARTS: Mapping[str, re.Pattern[bytes]] = {
    "pmbxml": re.compile(rb"<(?:\w+:)?notice[\s>]"),
    "marcxml": re.compile(rb"<(?:\w+:)?leader[\s/>]|&lt;(?:\w+:)?leader"),
    "mods": re.compile(rb"<(?:\w+:)?mods[\s>]"),
    "dc": re.compile(rb"<(?:\w+:)?dc[\s>]|<dc>"),
    "ris": re.compile(rb"^\s*TY  ?-", re.M),
    "bibtex": re.compile(rb"^\s*@(?!comment|string|preamble)\w+\s*[{(]", re.M | re.I),
    "endnote": re.compile(rb"<record[\s>]"),
}


@dataclass
class Line:
    name: str
    format: str
    files: int = 0
    present: int = 0
    read: int = 0
    repaired: int = 0
    garbled: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    peers: int | None = None

    def text(self) -> str:
        """As the table has it."""
        why = ", ".join(f"{n} × `{code}`" for code, n in sorted(self.refused.items()))
        mended = ", ".join(f"{n} × `{code}`" for code, n in sorted(self.repairs.items()))
        peers = "" if self.peers is None else str(self.peers)
        cells = (self.name, self.format, self.files, self.present, self.read, self.repaired, mended, why, peers)
        return "| " + " | ".join(str(c) for c in cells) + " |"


def lines(root: Path, *, with_peers: bool = True) -> Iterator[Line]:
    for name, members in groups(root).items():
        yield measure(name, members, with_peers=with_peers)


def groups(root: Path) -> dict[str, list[Path]]:
    """The files by line: alone, or with their like where there are many."""
    found: dict[tuple[str, str], list[Path]] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.name.endswith(ASIDE) and not path.name.startswith("headers_"):
                kind = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
                found.setdefault((str(path.parent.relative_to(root)), kind), []).append(path)
    out: dict[str, list[Path]] = {}
    for (folder, kind), members in sorted(found.items()):
        if len(members) > TOGETHER and folder != "broken":
            out[f"{folder}/*{kind}"] = members
        else:
            out |= {str(path.relative_to(root)): [path] for path in members}
    return out


def measure(name: str, members: Iterable[Path], *, with_peers: bool = True) -> Line:
    line = Line(name, "")
    formats: dict[str, None] = {}
    for path in members:
        line.files += 1
        if name.startswith("skos"):
            _measure_skos(line, path)
            continue
        data = opened(path)
        format = files.format_of(path)
        formats[format or "?"] = None
        before = line.read + sum(line.refused.values())
        _measure_records(line, path)
        line.present += present(data, format, line.read + sum(line.refused.values()) - before)
        if with_peers and name.startswith("broken") and format in ("unimarc", "marcxml"):
            line.peers = (line.peers or 0) + max(peer(data) for peer in PEERS[format])
    line.format = line.format or " ".join(formats)
    return line


def _measure_records(line: Line, path: Path) -> None:
    for found in files.read(path):
        if isinstance(found, About):
            line.repairs.update(p.code for p in found.problems if p.code.startswith("charset."))
            continue
        if isinstance(found, Refusal):
            line.refused[found.code] += 1
            assert found.code in SENTENCES, found.code
            continue
        concepts = len(found.rows) if isinstance(found, Thesaurus) else 1
        line.read += 1
        repairs = {problem.code for problem in getattr(found, "repairs", ()) if problem.level != "info"}
        line.repaired += bool(repairs)
        line.repairs.update(repairs)
        if concepts and GARBLED.search(json.dumps(getattr(found, "fields", ()), ensure_ascii=False)):
            line.garbled += 1


def _measure_skos(line: Line, path: Path) -> None:
    """Concepts, counted by rdflib alone and as we read them."""
    line.format = "skos"
    data = opened(path)
    try:
        schemes = skos.read(path)
    except skos.NotRead as refusal:
        line.refused[refusal.code] += 1
        return
    graph = Graph().parse(data=data, format="xml" if b"<rdf:RDF" in data[:5000] else "turtle")
    line.present += len(set(graph.subjects(RDF.type, SKOS.Concept)))
    for scheme in schemes:
        line.read += len(scheme.rows)
        for problem in scheme.problems:
            kind = line.refused if problem.code in ("skos.deprecated", "skos.no_label") else line.repairs
            kind[problem.code] += 1
            line.repaired += kind is line.repairs


def opened(path: Path) -> bytes:
    """The bytes, unpacked as far as they go."""
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    out = io.BytesIO()
    with contextlib.suppress(EOFError), gzip.open(path) as packed:
        while piece := packed.read(1 << 20):
            out.write(piece)
    return out.getvalue()


def present(data: bytes, format: str, met: int) -> int:
    """Records as counted by their signs; where a format has none, as many as were met."""
    if format == "unimarc":
        return sum(1 for piece in data.split(b"\x1d") if piece.strip(b"\r\n\t \0\x1a"))
    if (sign := _STARTS.get(format)) is not None:
        return len(sign.findall(data.replace(b"\0", b"")))
    return met


# --- peers -----------------------------------------------------------------------------------


def _is_record(record: pymarc.Record | None) -> bool:
    return record is not None and any(not f.is_control_field() for f in record.fields)


def by_pymarc(data: bytes) -> int:
    n = 0
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        for record in pymarc.MARCReader(io.BytesIO(data), to_unicode=True, permissive=True):
            n += _is_record(record)
    return n


def by_split(data: bytes) -> int:
    n = 0
    for piece in data.split(b"\x1d"):
        if piece.strip():
            with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
                n += _is_record(pymarc.Record(data=piece.lstrip(b"\r\n\0 ") + b"\x1d", to_unicode=True))
    return n


def by_pymarc_xml(data: bytes) -> int:
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        return sum(_is_record(record) for record in pymarc.parse_xml_to_array(io.BytesIO(data)))
    return 0


def _by_yaz(data: bytes, format: str) -> int:
    command = ["yaz-marcdump", "-i", format, "-o", "marcxml", "/dev/stdin"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        written = subprocess.run(command, input=data, capture_output=True, timeout=60).stdout
        found = re.findall(rb"<record.*?</record>", written, re.S)
        return sum(b"<datafield" in record and b"<subfield" in record for record in found)
    return 0


PEERS: Mapping[str, tuple[Callable[[bytes], int], ...]] = {
    "unimarc": (by_pymarc, by_split, lambda data: _by_yaz(data, "marc")),
    "marcxml": (by_pymarc_xml, lambda data: _by_yaz(data, "marcxml")),
}

HEAD = """# What real files become

Every file of the collection that Travée is developed with, read by its readers. Made by one command,

```
.venv/bin/python -m tests.corpus ../shared/data > docs/corpus.md
```

and checked by `tests/test_corpus.py` where that collection is there. *Repaired*: records with at least one
repair that somebody may want to look at; each repair and each refusal is a sentence of `catalogue/problems.py`.
*Peers*: for broken files, the most records that pymarc, yaz-marcdump or a plain cut at the terminator gets out.

| File | Format | Files | Present | Read | Repaired | Repairs | Refused | Peers |
|---|---|--:|--:|--:|--:|---|---|--:|"""


def main(root: Path) -> None:
    print(HEAD)
    total: Counter[str] = Counter()
    for line in lines(root):
        print(line.text())
        total.update(files=line.files, present=line.present, read=line.read, repaired=line.repaired)
        total.update(refused=line.refused.total(), garbled=line.garbled)
        if line.garbled:
            print(f"{line.name}: {line.garbled} garbled", file=sys.stderr)
    print()
    print(
        f"In all: {total['files']} files, {total['present']} records present, {total['read']} read, "
        f"{total['repaired']} of them repaired, {total['refused']} refusals."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
