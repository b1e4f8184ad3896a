"""Records written in an exchange format and read again: identical, or brought together by listed rules.

`differences(record, format)` is for one record, `measure(paths, formats)` for the whole of a folder:

    .venv/bin/python -m tests.round_trip ../shared/data/unimarc ../shared/data/pmb/live/exports

Each rule below is a difference that a format makes on purpose; docs/round-trip.md lists them all with their
reasons, and tests/test_round_trip.py holds the two lists against one another.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from catalogue import pmb
from catalogue.unimarc import Field, Fields, Record, RecordItem, level
from export import iso2709, marcxml, pmbxml
from export.records import Outgoing
from harvest import files

FORMATS = ("unimarc", "marcxml", "pmbxml")
ADDRESS = "k7m4x9q0"
Rule = Callable[[Record, Record], tuple[Record, Record]]


# --- there and back --------------------------------------------------------------------------


def leaving(record: Record) -> Outgoing:
    return Outgoing(ADDRESS, "published", "book", "", None, record.fields, record.items)


def written(outgoing: Outgoing, format: str) -> bytes:
    if format == "pmbxml":
        return b"".join(pmbxml.file_bytes(pmbxml.for_pmb([outgoing])))
    return b"".join({"unimarc": iso2709, "marcxml": marcxml}[format].file_bytes([outgoing]))


def read_again(outgoing: Outgoing, format: str) -> list[Record]:
    """What the written file holds; an issue whose copies PMB wants apart comes back as two records."""
    back = list(files.read_bytes(written(outgoing, format), format))
    if strange := [r for r in back if not isinstance(r, Record)]:
        raise AssertionError(f"{outgoing.title or outgoing.address}: {strange}")
    return [r for r in back if isinstance(r, Record)]


def differences(record: Record, format: str, outgoing: Outgoing | None = None) -> tuple[list[str], str]:
    """The rules that were needed, and what is left that no rule explains ("" when nothing is).

    `outgoing`: the notice that the record became, as a base gives it out; else what the record itself says.
    """
    first, *others = read_again(outgoing or leaving(record), format)
    sent, back = _bare(record), _bare(first)
    used: list[str] = []
    if others:
        used.append("issue_copies")
        back = replace(back, items=tuple(replace(item, issue_of="") for other in others for item in other.items))
    for name, rule in RULES[format].items():
        if (sent.fields, sent.items) == (back.fields, back.items):
            break
        new = rule(sent, back)
        if new != (sent, back):
            used.append(name)
            sent, back = new
    return used, _left(sent, back)


def as_read(item: RecordItem) -> RecordItem:
    """A copy as PMB's fields describe it, which is how a copy made here leaves."""
    return pmb.item_from_fields(pmb.item_to_fields(item), item.issue_of)


def _bare(record: Record) -> Record:
    return Record([dict(f) for f in record.fields], record.items)  # type: ignore[misc]


def _left(sent: Record, back: Record) -> str:
    if sent.fields != back.fields:
        gone = [f for f in sent.fields if f not in back.fields]
        come = [f for f in back.fields if f not in sent.fields]
        return f"gone {gone[:3]} come {come[:3]}" if gone or come else "the order of fields"
    if sent.items != back.items:
        return f"copies {[i for i in sent.items if i not in back.items][:1]} {back.items[:1]}"
    return ""


# --- the rules -------------------------------------------------------------------------------


def _fields(change: Callable[[Fields], Fields]) -> Rule:
    return lambda sent, back: (replace(sent, fields=change(sent.fields)), replace(back, fields=change(back.fields)))


def number(sent: Record, back: Record) -> tuple[Record, Record]:
    """A record without a number leaves with the permanent address of its notice."""
    if any(f["t"] == "001" for f in sent.fields):
        return sent, back
    return sent, replace(back, fields=[f for f in back.fields if f != {"t": "001", "v": ADDRESS}])


def charset_said(fields: Fields) -> Fields:
    """100 $a 26-29 says the character set of the file that is written, not of the one the record came in."""
    return [
        {**f, "s": [[c, v[:26] + "    " + v[30:] if c == "a" else v] for c, v in f["s"]]}
        if f["t"] == "100" and "s" in f
        else f
        for f in fields
    ]


def composed(text: str) -> str:
    """An accent and its letter become one character (Unicode NFC)."""
    return unicodedata.normalize("NFC", text)


def laid_out(text: str) -> str:
    """A text that both begins and ends with a line break was laid out by a program: it loses them."""
    return text.strip() if text[:1] == "\n" == text[-1:] else text


def line_breaks(text: str) -> str:
    """A carriage return becomes the line break it stands for."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def marks_apart(sent: Record, back: Record) -> tuple[Record, Record]:
    """What PMB’s import needs to make links again is added to the links of articles and issues."""
    if level(sent.fields) not in ("article", "issue"):
        return sent, back
    marks = ("lnk:", "type_lnk:", "id:")

    def without(fields: Fields) -> Fields:
        return [
            {**f, "s": [p for p in f["s"] if not (p[0] == "0" or (p[0] == "9" and p[1].startswith(marks)))]}
            if f["t"] in ("200", "461", "463") and "s" in f
            else f
            for f in fields
        ]

    return replace(sent, fields=without(sent.fields)), replace(back, fields=without(back.fields))


def controls_first(fields: Fields) -> Fields:
    """MARC21slim.xsd wants control fields before the others."""
    return sorted(fields, key=lambda f: (f["t"] != "000", "s" in f))


def local_type_first(fields: Fields) -> Fields:
    """A type of document of PMB’s own (099 $2 pmb) is said in the header, so it comes back behind the leader."""
    return sorted(fields, key=lambda f: (f["t"] != "000", not _is_local_type(f)))


def twin_214(fields: Fields) -> Fields:
    """PMB writes the publisher twice: a 214 that repeats a 210 exactly is dropped on reading."""
    said = [(f.get("i"), f.get("s")) for f in fields if f["t"] == "210"]
    return [f for f in fields if f["t"] != "214" or (f.get("i"), f.get("s")) not in said]


def copies_as_pmb(sent: Record, back: Record) -> tuple[Record, Record]:
    """Copies of another program are written as PMB writes its own: their values stay, their fields change."""

    def plain(item: RecordItem) -> RecordItem:
        return replace(item, fields=())

    return (
        replace(sent, items=tuple(plain(item) for item in sent.items)),
        replace(back, items=tuple(plain(item) for item in back.items)),
    )


def _texts(change: Callable[[str], str]) -> Rule:
    """A change of every text, those of copies too."""

    def in_fields(fields: Iterable[Field]) -> Fields:
        return [
            {**f, "s": [[code, change(value)] for code, value in f["s"]]} if "s" in f else {**f, "v": change(f["v"])}
            for f in fields
        ]

    def in_item(item: RecordItem) -> RecordItem:
        said: dict[str, Any] = {n: change(value) for n, value in asdict(item).items() if isinstance(value, str)}
        return replace(item, fields=tuple(in_fields(item.fields)), **said)

    def in_record(record: Record) -> Record:
        return replace(record, fields=in_fields(record.fields), items=tuple(in_item(item) for item in record.items))

    return lambda sent, back: (in_record(sent), in_record(back))


def _is_local_type(f: Field) -> bool:
    return f["t"] == "099" and f.get("s", [])[-1:] == [["2", "pmb"]]


RULES: Mapping[str, Mapping[str, Rule]] = {
    "unimarc": {
        "number": number,
        "charset_said": _fields(charset_said),
        "composed": _texts(composed),
        "line_breaks": _texts(line_breaks),
    },
    "marcxml": {
        "number": number,
        "controls_first": _fields(controls_first),
        "composed": _texts(composed),
        "line_breaks": _texts(line_breaks),
        "laid_out": _texts(laid_out),
    },
    "pmbxml": {
        "number": number,
        "link_marks": marks_apart,
        "twin_214": _fields(twin_214),
        "local_type_first": _fields(local_type_first),
        "copies_as_pmb": copies_as_pmb,
    },
}


# --- a whole folder --------------------------------------------------------------------------


@dataclass
class Tally:
    """Of one format: how many records, and what became of them."""

    records: int = 0
    identical: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def records_of(path: Path) -> Iterator[Record]:
    return (r for r in files.read(path) if isinstance(r, Record))


def measure(paths: Iterable[Path], formats: Iterable[str] = FORMATS) -> dict[str, Tally]:
    tallies = {format: Tally() for format in formats}
    for path in paths:
        for record in records_of(path):
            for format, tally in tallies.items():
                tally.records += 1
                used, left = differences(record, format)
                if left:
                    tally.unexplained.append(f"{path.name} {record.control_number}: {left}")
                elif used:
                    tally.by_rule.update(used)
                else:
                    tally.identical += 1
    return tallies


def unimarc_files(folders: Iterable[Path]) -> list[Path]:
    """The files of these folders that hold UNIMARC records."""
    found = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if files.format_of(path) in FORMATS]


def main() -> None:
    for format, tally in measure(unimarc_files(Path(word) for word in sys.argv[1:])).items():
        rules = ", ".join(f"{name} {n}" for name, n in tally.by_rule.most_common())
        print(f"{format}: {tally.records} records, {tally.identical} identical; by rule: {rules or 'none'}")
        print(*tally.unexplained, sep="\n", end="\n" * bool(tally.unexplained))


if __name__ == "__main__":
    main()
