"""What the demonstration base has lived through since its import: files of its own, a chapter of a book, a document
that left the shelves, two records made one, one erased. Through the same services as the desk and the commands.

What happened is in `lived.toml`, none of it true of anybody.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst
from sqlalchemy.orm import Session

from catalogue import cleaning, db, documents, erasing, items, joining, notices, promises, texts, unimarc
from catalogue.app import Travee
from catalogue.models import Notice
from catalogue.unimarc import LEADER, Field, Fields
from demo import lately

HERE = Path(__file__).parent
BY = "claire"
FICTION = "Document fictif de la base de démonstration."
MADE = datetime(2026, 1, 5, tzinfo=UTC)  # the same file every time
LOOK = """#set document(title: {title}, author: {body})
#set page(paper: "a5", numbering: "1", margin: 2cm)
#set text(lang: "fr", size: 11pt)
#set par(justify: true)
"""

Row = Mapping[str, Any]


def live(travee: Travee, source: str) -> list[tuple[str, str]]:
    """Make it happen to a base that came from this source. Returns what there is to see: (words, its path)."""
    told = tomllib.loads((HERE / "lived.toml").read_text("utf-8"))
    seen: list[tuple[str, str]] = []
    with travee.db.write() as session, tempfile.TemporaryDirectory() as scratch:
        ours = _Records(session, source)
        for row in told["file"]:
            notice = _describe(session, row)
            path = Path(scratch) / "document.pdf"
            path.write_bytes(pdf(row))
            documents.attach(session, notice, path, travee.settings.files_dir, rights=row["rights"], label=row["label"])
            words = "un PDF à nous" if row["rights"] == "open" else "un PDF trouvé par ses mots, jamais cité"
            seen.append((words, f"/d/{notice.address}"))
        seen.append(("un chapitre dans son livre", _chapter(session, told["chapter"], ours)))
        seen.append(("un document retiré", _withdraw(session, told["withdrawn"], ours)))
        seen.append(("une fiche réunie à une autre", _merge(session, told["merged"], ours)))
        seen.append(("une fiche effacée", _erase(session, told["erased"])))
        seen += lately.happen(session, told, ours, db.now().date())
    cleaning.look_by_night(travee.db, db.now().date(), travee.names)
    for _read in texts.read_waiting(travee.db, travee.settings.files_dir):
        pass
    return seen


class _Records:
    """Notices by the number of the record they came from."""

    def __init__(self, session: Session, source: str) -> None:
        self.session, self.source = session, source

    def __getitem__(self, number: int) -> Notice:
        promise = f"{self.source}:record:{number}"
        return notices.get(self.session, promises.find_promised(self.session, "notice", [promise], "record")[promise])


# --- descriptions ----------------------------------------------------------------------------


def _describe(session: Session, row: Row, *more: Field) -> Notice:
    return notices.create(session, fields_of(row, *more), by=BY, status="published")


def fields_of(row: Row, *more: Field) -> Fields:
    """One row of the table, as Claire would have typed it."""
    fields: Fields = [
        {"t": "000", "v": LEADER},
        _f("101", "a", "fre"),
        _f("200", "a", row["title"]),
        _f("210", "d", row["year"]),
        _f("300", "a", FICTION),
        _f("330", "a", row["summary"]),
        *more,
        *(_f("606", "a", subject) for subject in row.get("subjects", ())),
    ]
    if "pages" in row:
        fields.append(_f("215", "a", f"{len(row['pages'])} p."))
    if "person" in row:
        fields.append(_f("700", "a", row["person"][0], "b", row["person"][1], "4", "070"))
    if "body" in row:
        fields.append(_f("710", "a", row["body"], "4", "070"))
    return unimarc.with_kind(fields, row["kind"])


def _f(tag: str, *pairs: str) -> Field:
    return {"t": tag, "i": "  ", "s": [[pairs[n], pairs[n + 1]] for n in range(0, len(pairs), 2)]}


def pdf(row: Row) -> bytes:
    """The document itself: tagged, with a text layer, the same bytes every time."""
    pages = "\n#pagebreak()\n".join("\n\n".join(page) for page in row["pages"])
    head = LOOK.format(title=_quoted(row["title"]), body=_quoted(row["body"]))
    return typst.compile((head + pages).encode(), timestamp=MADE)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- what became of some ---------------------------------------------------------------------


def _chapter(session: Session, row: Row, ours: _Records) -> str:
    book = ours[row["host"]]
    isbn = next(iter(unimarc.isbns(book.fields)), "")
    host = _f("463", "0", book.address, "t", unimarc.full_title(book.fields), "y", isbn, "e", row["year"])
    return f"/d/{_describe(session, row, host, _f('215', 'a', row['extent'])).address}"


def _withdraw(session: Session, row: Row, ours: _Records) -> str:
    notice = ours[row["record"]]
    for item in items.list_of(session, [notice.id]):
        items.revise(session, item, {"status": "withdrawn"}, by=BY)
    notices.set_status(session, notice, "withdrawn", by=BY, why=row["why"])
    return f"/d/{notice.address}"


def _merge(session: Session, row: Row, ours: _Records) -> str:
    gone = ours[row["gone"]]
    joining.merge(session, ours[row["kept"]], gone, by=BY)
    return f"/d/{gone.address}"


def _erase(session: Session, row: Row) -> str:
    notice = _describe(session, row)
    erasing.erase(session, notice, by="marc", reason=row["reason"])
    return f"/d/{notice.address}"
