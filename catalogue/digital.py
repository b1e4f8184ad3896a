"""The only writer of DigitalDocument: the addresses a notice gives, and the files that are ours.

*Addresses* follow the notice: each one that its fields give has a row, written with the notice and gone with it.
`notices` calls this at every write; `travee check` compares. What is known of an address (does it answer, has a web
archive a copy) is written by `catalogue.dead_links`.

*Files* lie in the folder of files (`catalogue.file_store`), each once whoever shares it. A row with a file belongs to
people: no field makes it go. Adding, changing and removing one are revisions of a lot, undone like any other.

*Rights* are of a row with a file: "open" is for everybody; "protected" is found by its words, its page named, and
never quoted nor given; "staff" is for the team, and not even found. "removed" is nobody's any more: the file stays as
long as its removal can be undone (`forget_removed`). `text_ref` says what became of its text: "" not looked at yet,
the file's sha256 when there is one, "ocr:" before it when a machine recognised it on pictures of the pages,
"none:encrypted" when there is none, and why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from catalogue import db, file_store, history
from catalogue.file_store import Received
from catalogue.file_types import PDF, PICTURES
from catalogue.history import Change
from catalogue.models import Batch, DigitalDocument, Notice, Revision
from catalogue.unimarc import OnlineFile

RIGHTS = ("open", "protected", "staff")
SEARCHED = ("open", "protected")
REMOVED = "removed"
NONE, RECOGNISED = "none:", "ocr:"
NO_TEXT = f"{NONE}no_text"  # its pages are pictures: somebody could recognise their words
COLUMNS = ("rights", "label", "archived_url")  # what people decide, and undo puts back


# --- addresses -------------------------------------------------------------------------------


def add_addresses(session: Session, online: Mapping[int, Sequence[OnlineFile]]) -> None:
    """Of notices that have just been made."""
    db.insert_rows(session, DigitalDocument, [_row(n, said) for n, several in online.items() for said in several])


def follow_addresses(session: Session, online: Mapping[int, Sequence[OnlineFile]]) -> None:
    """Let the rows of these notices say what their fields say; those with a file stay as they are. An address for which
    an archive's copy was accepted is put aside when it goes, and comes back with what was decided."""
    found = addresses_of(session, online, removed=True)
    fresh: dict[int, Sequence[OnlineFile]] = {}
    gone: list[int] = []
    for notice_id, several in online.items():
        wanted = {said.url: said for said in several}
        for row in found[notice_id]:
            if row.sha256 and row.rights == REMOVED:
                continue
            said = wanted.pop(row.url, None)
            if row.sha256:
                continue
            if said is None and row.archived_url:
                row.rights = REMOVED
            elif said is None:
                gone.append(row.id)
            else:
                row.rights = ""
                row.label = said.label
                row.media_type, row.size = said.media_type or row.media_type, said.size or row.size
        fresh[notice_id] = tuple(wanted.values())
    add_addresses(session, fresh)
    for part in db.chunks(gone):
        session.execute(delete(DigitalDocument).where(DigitalDocument.id.in_(part)))
    session.flush()


def addresses_of(
    session: Session, notice_ids: Iterable[int], *, removed: bool = False
) -> dict[int, list[DigitalDocument]]:
    """The rows with an address, by notice; the one with a file first, so that it is the one that counts."""
    out: defaultdict[int, list[DigitalDocument]] = defaultdict(list)
    for part in db.chunks(notice_ids):
        rows = select(DigitalDocument).where(DigitalDocument.notice_id.in_(part), DigitalDocument.url != "")
        if not removed:
            rows = rows.where(DigitalDocument.rights != REMOVED)
        for row in session.scalars(rows.order_by(DigitalDocument.sha256 == "", DigitalDocument.id)):
            out[row.notice_id].append(row)
    return out


def differ(rows: Sequence[DigitalDocument], said: Iterable[OnlineFile]) -> bool:
    """Whether a notice's rows are not what its fields say; a file may keep an address that went."""
    wanted = {one.url for one in said}
    return not {row.url for row in rows if not row.sha256} <= wanted <= {row.url for row in rows}


def _row(notice_id: int, said: OnlineFile) -> dict[str, object]:
    return {
        "notice_id": notice_id,
        "url": said.url,
        "label": said.label,
        "media_type": said.media_type,
        "size": said.size,
        "sha256": "",
        "rights": "",
        "text_ref": "",
    }


# --- files -----------------------------------------------------------------------------------


def path_of(document: DigitalDocument) -> str:
    """Where visitors ask for it, behind the address of its notice."""
    return f"fichier/{document.id}"


def find_file(session: Session, notice: Notice, sha256: str) -> DigitalDocument | None:
    """The notice's row of this file, removed or not."""
    same = DigitalDocument.notice_id == notice.id, DigitalDocument.sha256 == sha256
    return session.scalar(select(DigitalDocument).where(*same).order_by(DigitalDocument.id).limit(1))


def add_file(
    session: Session,
    notice: Notice,
    came: Received,
    folder: Path,
    *,
    media_type: str,
    rights: str,
    label: str,
    batch: Batch,
) -> DigitalDocument:
    """Keep this file as one of the notice's. The same file again changes its rights and words only."""
    if rights not in RIGHTS:
        raise ValueError(f"no such rights: {rights}")
    file_store.keep(folder, came)
    row = find_file(session, notice, came.sha256)
    if row is not None:
        revise(session, row, {"rights": rights, "label": label or row.label}, batch=batch)
        return row
    row = DigitalDocument(notice_id=notice.id, sha256=came.sha256, size=came.size, media_type=media_type, version=1)
    row.text_ref, row.rights, row.label = _known_text(session, came.sha256), rights, label
    session.add(row)
    session.flush()
    history.record(session, batch, [Change("document", row.id, 1, None)])
    return row


def _known_text(session: Session, sha256: str) -> str:
    """What is known of the text of the same file elsewhere."""
    known = select(DigitalDocument.text_ref).where(DigitalDocument.sha256 == sha256, DigitalDocument.text_ref != "")
    return session.scalar(known.limit(1)) or ""


def snapshot(document: DigitalDocument) -> dict[str, Any]:
    return {name: getattr(document, name) for name in COLUMNS}


def revise(session: Session, document: DigitalDocument, values: Mapping[str, Any], *, batch: Batch) -> bool:
    """Change what people decide of a document. Returns False when nothing changes."""
    return bool(_put(session, [(document, values)], batch))


def remove(session: Session, document: DigitalDocument, *, batch: Batch) -> None:
    """The notice no longer has this file; it is forgotten when nobody can undo that any more."""
    revise(session, document, {"rights": REMOVED}, batch=batch)


def restore_many(
    session: Session, rows: Sequence[tuple[DigitalDocument, Mapping[str, Any] | None]], *, batch: Batch
) -> None:
    """Put documents back as a revision found them; those that the lot made are removed."""
    _put(session, [(row, {"rights": REMOVED} if before is None else before) for row, before in rows], batch)


def _put(
    session: Session, rows: Iterable[tuple[DigitalDocument, Mapping[str, Any]]], batch: Batch
) -> list[DigitalDocument]:
    changed, put = [], []
    for row, wanted in rows:
        values = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if values:
            changed.append(Change("document", row.id, row.version + 1, snapshot(row)))
            put.append((row, values))
    db.update_rows(session, put)
    history.record(session, batch, changed)
    return [row for row, _values in put]


def files_of(session: Session, notice_ids: Iterable[int]) -> dict[int, list[DigitalDocument]]:
    out: defaultdict[int, list[DigitalDocument]] = defaultdict(list)
    for part in db.chunks(notice_ids):
        rows = select(DigitalDocument).where(
            DigitalDocument.notice_id.in_(part), DigitalDocument.sha256 != "", DigitalDocument.rights != REMOVED
        )
        for row in session.scalars(rows.order_by(DigitalDocument.id)):
            out[row.notice_id].append(row)
    return out


def forget_removed(session: Session, folder: Path, now: datetime) -> int:
    """Forget what was removed so long ago that no lot about it can be undone any more, file and all; how many rows."""
    history.turn(session)  # who adds the same file in this instant waits
    last = func.max(Batch.undoable_until)
    of = select(DigitalDocument.id).where(DigitalDocument.rights == REMOVED)
    decided = select(Revision.entity_id).join(Batch, Batch.id == Revision.batch_id)
    decided = decided.where(Revision.entity == "document", Revision.entity_id.in_(of)).group_by(Revision.entity_id)
    gone = list(session.scalars(decided.having(last < now)))
    shas: list[str] = []
    for part in db.chunks(gone):
        shas += session.scalars(select(DigitalDocument.sha256).where(DigitalDocument.id.in_(part)))
        session.execute(delete(DigitalDocument).where(DigitalDocument.id.in_(part)))
    session.flush()
    sweep(session, shas, folder)
    return len(gone)


def sweep(session: Session, shas: Iterable[str], folder: Path) -> int:
    """Delete these files and their texts where no row names them any more; how many. Call it in a transaction
    that writes: whoever adds the same file waits for its end."""
    wanted = sorted(set(shas) - {""})
    named: set[str] = set()
    for part in db.chunks(wanted):
        named |= set(session.scalars(select(DigitalDocument.sha256).where(DigitalDocument.sha256.in_(part))))
    gone = [sha256 for sha256 in wanted if sha256 not in named]
    for sha256 in gone:
        file_store.delete(folder, sha256)
    return len(gone)


# --- texts -----------------------------------------------------------------------------------


def to_read(session: Session, notice_id: int | None = None, *, again: bool = False) -> list[tuple[str, str]]:
    """The PDF files and the images nobody has looked into yet, the oldest first, with their type; `again`: the others
    too."""
    return _waiting(session, {PDF, *PICTURES}, None if again else "", notice_id)


def to_recognise(session: Session, most: int) -> list[str]:
    """The PDF files whose pages are pictures, the latest first: what was just added is what somebody waits for."""
    return [sha256 for sha256, _type in _waiting(session, {PDF}, NO_TEXT, None)[::-1][:most]]


def _waiting(session: Session, types: set[str], text_ref: str | None, notice_id: int | None) -> list[tuple[str, str]]:
    statement = select(DigitalDocument.sha256, DigitalDocument.media_type).where(
        DigitalDocument.sha256 != "", DigitalDocument.rights != REMOVED, DigitalDocument.media_type.in_(sorted(types))
    )
    if text_ref is not None:
        statement = statement.where(DigitalDocument.text_ref == text_ref)
    if notice_id is not None:
        statement = statement.where(DigitalDocument.notice_id == notice_id)
    rows = session.execute(statement.order_by(DigitalDocument.id))
    return list({sha256: media_type for sha256, media_type in rows}.items())


def set_text(session: Session, sha256: str, *, reason: str = "", recognised: bool = False) -> list[int]:
    """This file has a text now, or none for this reason; returns the notices that have the file."""
    ref = f"{NONE}{reason}" if reason else f"{RECOGNISED}{sha256}" if recognised else sha256
    session.execute(update(DigitalDocument).where(DigitalDocument.sha256 == sha256).values(text_ref=ref))
    rows = select(DigitalDocument.notice_id).where(DigitalDocument.sha256 == sha256)
    return sorted(set(session.scalars(rows)))


def has_text(document: DigitalDocument) -> bool:
    return _names_text(document.text_ref, document.sha256)


def is_recognised(document: DigitalDocument) -> bool:
    return document.text_ref.startswith(RECOGNISED)


def why_no_text(document: DigitalDocument) -> str:
    """The code of the reason, "" when there is a text or nobody has looked yet."""
    return document.text_ref.removeprefix(NONE) if document.text_ref.startswith(NONE) else ""


def _names_text(ref: str, sha256: str) -> bool:
    return ref in (sha256, f"{RECOGNISED}{sha256}")


def searched(session: Session, notice_ids: Iterable[int]) -> dict[int, list[DigitalDocument]]:
    """The documents whose texts are found, by notice, in the order in which the index counts them."""
    every = files_of(session, notice_ids).items()
    found = {n: [d for d in rows if has_text(d) and d.rights in SEARCHED] for n, rows in every}
    return {n: rows for n, rows in found.items() if rows}


# --- checking --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LostFile:
    """`what`: "file_missing", "file_changed", "text_missing"; "orphan" for a file that no row names."""

    address: str
    document_id: int
    sha256: str
    what: str


KnownFile = tuple[str, int, str, str]  # the address of its notice, document, sha256, text_ref


def known_files(session: Session) -> list[KnownFile]:
    """What `lost_files` looks for: it reads for minutes, and no session may be open as long."""
    rows = session.execute(
        select(Notice.address, DigitalDocument.id, DigitalDocument.sha256, DigitalDocument.text_ref)
        .join(Notice, Notice.id == DigitalDocument.notice_id)
        .where(DigitalDocument.sha256 != "")
        .order_by(DigitalDocument.sha256, DigitalDocument.id)
    )
    return [(address, number, sha256, ref) for address, number, sha256, ref in rows]


def lost_files(
    known: Sequence[KnownFile], folder: Path, *, stopping: Callable[[], bool] = lambda: False
) -> Iterator[LostFile]:
    """Every file that is not there as it was given, read whole; every text that went; every file nobody knows."""
    seen: dict[str, str] = {}
    for address, document_id, sha256, ref in known:
        if stopping():
            return
        if sha256 not in seen:
            seen[sha256] = file_store.fault_of(file_store.file_path(folder, sha256), sha256)
        if seen[sha256]:
            yield LostFile(address, document_id, sha256, seen[sha256])
        elif _names_text(ref, sha256) and not file_store.text_path(folder, sha256).is_file():
            yield LostFile(address, document_id, sha256, "text_missing")
    named = {sha256 for _address, _number, sha256, _ref in known}
    yield from (LostFile("", 0, sha256, "orphan") for sha256 in file_store.orphans(folder, named))


def forget_texts(session: Session, shas: Iterable[str]) -> None:
    """Texts that are lost: they are read from their files again."""
    for part in db.chunks(sorted(set(shas))):
        session.execute(update(DigitalDocument).where(DigitalDocument.sha256.in_(part)).values(text_ref=""))
