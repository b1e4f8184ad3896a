"""A bibliography of 300 documents in every format, beside the floor of each: `dev.py bench export`.

The floor is what the library underneath costs for the same words, without anybody deciding anything: python-docx
adding one bare paragraph a reference, typst setting the references as bare paragraphs, json and rispy writing the
same items, pybtex the same entries. Documents are those of the demo base, with their summaries and locations. The
best of three runs is told, since other programs share the machine. What a visitor waits for includes the references
themselves (`composing`): the limit of five seconds is on the sum.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

import rispy
import typst
from docx import Document
from pybtex.database import parse_string

from benchmarks import figures
from catalogue import unimarc
from demo import generate
from export import as_html, as_text, bibliography, bibtex, csljson, ris
from export.bibliography import Bibliography, Whereabouts, Wishes
from export.citing.processor import STYLES
from export.citing.runs import plain
from export.formats import PRINTED
from export.records import Outgoing

LIMIT = "< 5"  # seconds, for 300 documents (UX, section 7)
_BARE = b'#set document(title: "B")\n#set text(lang: "fr")\n= B\n#for t in json(bytes(sys.inputs.data)) { par(t) }'


def main() -> None:
    count = 100 if "--quick" in sys.argv else 300
    notices = documents(count)
    places = {
        notice.address: Whereabouts("364.4 DUB", ("Espace doc · à consulter sur rendez-vous",)) for notice in notices
    }
    wishes = Wishes("Bibliographie", group="theme", summaries=True, locations=True, accessed=date(2024, 3, 21))
    bibliography.compose(notices[:3], wishes)  # the style is read, the machine warm
    composing, made = best(lambda: bibliography.compose(notices, wishes, places))
    print(f"{count} documents, {sum(entry.plainly for entry in made.entries)} laid out plainly")
    rows = [row(f"composing {count} references in ISO 690", composing, "s", LIMIT)]
    for style in STYLES:
        seconds, other = best(partial(bibliography.compose, notices, Wishes(style=style)), times=1)
        rows.append(row(f"style {style}: a reference", 1000 * seconds / count, "ms"))
        rows.append(row(f"style {style}: laid out plainly", sum(e.plainly for e in other.entries), "", "= 0"))
    floors = {"docx": lambda: bare_docx(made), "pdf": lambda: bare_pdf(made)}
    for name in PRINTED:
        seconds, data = best(partial(printed, name, made))
        rows.append(row(f"{name}, references included", composing + seconds, "s", LIMIT))
        rows.append(row(f"{name}: size", len(data) / 1000, "kB"))
        if name in floors:
            floor, _data = best(floors[name])
            rows.append(row(f"{name}: times its floor", seconds / floor, "×"))
    rows += files(notices)
    print("as_text and as_html write", len(b"".join(as_text.file_bytes(made))), len(as_html.fragment(made)), "bytes")
    figures(rows)


def documents(count: int) -> list[Outgoing]:
    """The first of the demo base, published, with their fields."""
    out = []
    for n, record in enumerate(generate.local_records()):
        fields = record.record.fields if hasattr(record, "record") else record.fields
        kind = unimarc.kind(fields)
        out.append(Outgoing(f"d{n:07}", "published", kind, unimarc.full_title(fields), None, fields))
    return (out * (1 + count // len(out)))[:count]


def files(notices: Sequence[Outgoing]) -> list[dict[str, Any]]:
    rows = []
    made = {
        "ris": best(lambda: b"".join(ris.file_bytes(notices)).decode()),
        "bibtex": best(lambda: b"".join(bibtex.file_bytes(notices)).decode()),
        "csljson": best(lambda: b"".join(csljson.file_bytes(notices)).decode()),
    }
    read = {
        "ris": rispy.loads(made["ris"][1]),
        "bibtex": parse_string(made["bibtex"][1], "bibtex"),
        "csljson": json.loads(made["csljson"][1]),
    }
    floors: dict[str, Callable[[], Any]] = {
        "ris": lambda: rispy.dumps(read["ris"]),
        "bibtex": lambda: read["bibtex"].to_string("bibtex"),
        "csljson": lambda: json.dumps(read["csljson"], ensure_ascii=False),
    }
    for name, (seconds, _made) in made.items():
        floor, _text = best(floors[name])
        rows.append(row(f"{name}, mapping included", seconds, "s", LIMIT))
        rows.append(row(f"{name}: times its floor", seconds / floor, "×"))
        rows.append(
            row(f"{name}: references read by another program", len(entries(read[name])), "", f"= {len(notices)}")
        )
    return rows


def printed(name: str, made: Bibliography) -> bytes:
    return b"".join(PRINTED[name](made))


def entries(read: Any) -> Any:
    return read.entries if hasattr(read, "entries") else read


def bare_docx(made: Bibliography) -> bytes:
    word, out = Document(), io.BytesIO()
    for line in words(made):
        word.add_paragraph(line)
    word.save(out)
    return out.getvalue()


def bare_pdf(made: Bibliography) -> bytes:
    data = json.dumps(words(made), ensure_ascii=False)
    return typst.compile(_BARE, format="pdf", pdf_standards="ua-1", sys_inputs={"data": data})


def words(made: Bibliography) -> list[str]:
    return [line for entry in made.entries for line in (plain(entry.runs), *entry.summary, entry.short_link)]


def best(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    spent = []
    for _time in range(times):
        start = time.perf_counter()
        result = work()
        spent.append(time.perf_counter() - start)
    return min(spent), result


def row(what: str, value: float, unit: str, target: str = "") -> dict[str, Any]:
    return {"what": what, "value": round(value, 3), "unit": unit, "target": target}


if __name__ == "__main__":
    main()
